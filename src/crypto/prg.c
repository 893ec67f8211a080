/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* PRG: AES-128 in counter mode, the seed the key, the counter from 0. */
#include "crypto/crypto.h"

/* Blocks made at a time for an output that is not aligned. */
#define PIECE_BLOCKS 64

void whist_prg_init(struct prg *prg, const void *seed)
{
    struct block key = block_load(seed);
    memset(prg, 0, sizeof(*prg));
    whist_kernels()->aes_schedule(&prg->key, &key, 1);
    whist_wipe(&key, sizeof(key));
}

static void next_blocks(struct prg *prg, struct block *out, size_t count)
{
    struct block counter = {prg->counter, 0};
    whist_kernels()->aes_ctr(out, count, &prg->key, counter);
    prg->counter += count;
}

/* Up to n bytes of what the last partial read left over; returns how many. */
static size_t take_left(struct prg *prg, uint8_t *out, size_t n)
{
    size_t take = n < prg->left ? n : prg->left;
    if (take > 0) {
        memcpy(out, (const uint8_t *)&prg->last + (16 - prg->left), take);
        prg->left -= take;
    }
    return take;
}

void whist_prg_bytes(struct prg *prg, void *out, size_t n)
{
    struct block piece[PIECE_BLOCKS];
    uint8_t *p = out;
    size_t done = take_left(prg, p, n), used = 0;

    while (n - done >= 16) {
        size_t count = (n - done) / 16;
        if (count > PIECE_BLOCKS) {
            count = PIECE_BLOCKS;
        }
        next_blocks(prg, piece, count);
        memcpy(p + done, piece, count * 16);
        done += count * 16;
        used = count > used ? count : used;
    }
    if (done < n) {
        next_blocks(prg, &prg->last, 1);
        prg->left = 16;
        (void)take_left(prg, p + done, n - done);
    }
    whist_wipe(piece, used * 16);
}

void whist_prg_blocks(struct prg *prg, struct block *out, size_t count)
{
    prg->left = 0;
    next_blocks(prg, out, count);
}

uint64_t whist_prg_below(struct prg *prg, uint64_t bound)
{
    uint8_t bytes[8];
    uint64_t v, first;

    WHIST_REQUIRE(bound > 0);
    /* 2^64 mod bound values too many: the lowest ones are drawn again. */
    first = (UINT64_C(0) - bound) % bound;
    do {
        whist_prg_bytes(prg, bytes, sizeof(bytes));
        v = get_le64(bytes);
    } while (v < first);
    return v % bound;
}

void whist_prg_clear(struct prg *prg)
{
    whist_wipe(prg, sizeof(*prg));
}
