/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The PRG: the stream is AES-128-CTR of the seed whatever the pieces it is read in. */
#include "crypto_support.h"

#define STREAM 5000

static const uint8_t seed[16] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3};

static void whole_stream(uint8_t out[STREAM])
{
    struct prg prg;
    whist_prg_init(&prg, seed);
    whist_prg_bytes(&prg, out, STREAM);
    whist_prg_clear(&prg);
}

static void stream_is_aes_ctr(void)
{
    const struct whist_kernels *k = whist_kernels_by_name("portable");
    struct block key = block_load(seed), zero_key = {0, 0}, counter = {0, 0}, want[STREAM / 16];
    uint8_t got[STREAM];
    struct aes_key rk;
    struct prg prg;
    k->aes_schedule(&rk, &key, 1);
    k->aes_ctr(want, STREAM / 16, &rk, counter);
    whole_stream(got);
    CHECK(memcmp(got, want, sizeof(want)) == 0);
    /* AES of zero under the zero key, the H of GCM's first test cases. */
    whist_prg_init(&prg, &zero_key);
    whist_prg_blocks(&prg, want, 1);
    CHECK(block_equal(want[0], hex_block("66e94bd4ef8a2c3b884cfa59ca342b2e")));
}

/* Reads pieces of size 0, 1, 2, … and of pseudorandom sizes, to odd addresses too. */
static void partial_reads_equal_whole_reads(void)
{
    uint8_t want[STREAM], got[STREAM + 1];
    whole_stream(want);
    for (unsigned step = 0; step < 40; step++) {
        struct prg prg;
        size_t done = 0, n = 0;
        whist_prg_init(&prg, seed);
        for (unsigned i = 0; done < STREAM; i++) {
            n = step == 0 ? i : (step * 2654435761U + i * 40503U) >> 7 & (step < 20 ? 31 : 2047);
            n = n < STREAM - done ? n : STREAM - done;
            whist_prg_bytes(&prg, got + 1 + done, n);
            done += n;
        }
        CHECK_MSG(memcmp(got + 1, want, STREAM) == 0, "step %u", step);
    }
}

static void blocks_drop_a_partial_block(void)
{
    struct block b[100];
    uint8_t want[STREAM], bytes[50];
    struct prg prg;
    whole_stream(want);
    whist_prg_init(&prg, seed);
    whist_prg_bytes(&prg, bytes, 33);
    whist_prg_blocks(&prg, b, 100);
    CHECK(memcmp(bytes, want, 33) == 0 && memcmp(b, want + 48, sizeof(b)) == 0);
    whist_prg_bytes(&prg, bytes, 5);
    whist_prg_bytes(&prg, bytes + 5, 45);
    CHECK(memcmp(bytes, want + 48 + sizeof(b), 50) == 0);
    whist_prg_blocks(&prg, b, 0);
    whist_prg_bytes(&prg, bytes, 1);
    CHECK(bytes[0] == want[48 + sizeof(b) + 64]);
}

/* Below 2^k the values are the low bits of 8-byte words of the stream; other bounds hit every
 * value, and the first (2^64 mod bound) words are refused. */
static void below_is_bounded_and_uniform(void)
{
    static const uint64_t bounds[] = {1,         2, 3, 7, 100, 1 << 20, (UINT64_C(1) << 63) + 1,
                                      UINT64_MAX};
    uint8_t want[STREAM];
    struct prg prg;
    unsigned seen[7] = {0};
    whole_stream(want);
    for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        whist_prg_init(&prg, seed);
        for (int j = 0; j < 1000; j++) {
            CHECK(whist_prg_below(&prg, bounds[i]) < bounds[i]);
        }
    }
    whist_prg_init(&prg, seed);
    for (size_t j = 0; j < 100; j++) {
        CHECK(whist_prg_below(&prg, 1 << 20) == (get_le64(want + 8 * j) & ((1 << 20) - 1)));
    }
    for (int j = 0; j < 7000; j++) {
        seen[whist_prg_below(&prg, 7)]++;
    }
    for (size_t v = 0; v < 7; v++) {
        CHECK_MSG(seen[v] > 850 && seen[v] < 1150, "%zu seen %u times of 7000", v, seen[v]);
    }
}

/* bound = 2^63 + 1 refuses the words below 2^63 − 1 and takes the others modulo the bound. */
static void below_rejects_the_surplus(void)
{
    const uint64_t bound = (UINT64_C(1) << 63) + 1;
    uint8_t want[STREAM];
    struct prg prg;
    int taken = 0, refused = 0;
    whole_stream(want);
    whist_prg_init(&prg, seed);
    for (size_t j = 0; j < STREAM / 8; j++) {
        uint64_t word = get_le64(want + 8 * j);
        if (word < bound - 2) {
            refused++;
            continue;
        }
        CHECK(whist_prg_below(&prg, bound) == word % bound);
        taken++;
    }
    CHECK(taken > 100 && refused > 100);
}

static void clear_wipes(void)
{
    struct prg prg, zero;
    memset(&zero, 0, sizeof(zero));
    whist_prg_init(&prg, seed);
    whist_prg_clear(&prg);
    CHECK(memcmp(&prg.key, &zero.key, sizeof(prg.key)) == 0 && prg.counter == 0);
}

static const struct test_case cases[] = {
    {"stream_is_aes_ctr", stream_is_aes_ctr},
    {"partial_reads_equal_whole_reads", partial_reads_equal_whole_reads},
    {"blocks_drop_a_partial_block", blocks_drop_a_partial_block},
    {"below_is_bounded_and_uniform", below_is_bounded_and_uniform},
    {"below_rejects_the_surplus", below_rejects_the_surplus},
    {"clear_wipes", clear_wipes},
};
TEST_MAIN(cases)
