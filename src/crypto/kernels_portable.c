/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The portable table: inner products in GF(2^128) and the bit-matrix transposition; its AES is in
 * kernels_portable_aes.c. The reference for the other tables. */
#include "crypto/kernels_impl.h"

/* ---- GF(2^128) ---- */

/* A product before reduction: coefficient X^k is bit k mod 64 of w[k / 64]. */
struct wide {
    uint64_t w[4];
};

static uint64_t reverse_bits(uint64_t x)
{
    x = (x >> 1 & UINT64_C(0x5555555555555555)) | (x & UINT64_C(0x5555555555555555)) << 1;
    x = (x >> 2 & UINT64_C(0x3333333333333333)) | (x & UINT64_C(0x3333333333333333)) << 2;
    x = (x >> 4 & UINT64_C(0x0f0f0f0f0f0f0f0f)) | (x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4;
    x = (x >> 8 & UINT64_C(0x00ff00ff00ff00ff)) | (x & UINT64_C(0x00ff00ff00ff00ff)) << 8;
    x = (x >> 16 & UINT64_C(0x0000ffff0000ffff)) | (x & UINT64_C(0x0000ffff0000ffff)) << 16;
    return x >> 32 | x << 32;
}

/* The low 64 bits of the carry-less product, by integer products of numbers with three holes
 * between bits: at most 16 ones meet in a place, and only in the topmost four does the 16 carry,
 * out of the word. Integer products take constant time on the machines this is for. */
static uint64_t clmul_low(uint64_t a, uint64_t b)
{
    uint64_t r = 0;
    for (unsigned k = 0; k < 4; k++) {
        uint64_t sum = 0, mask = UINT64_C(0x1111111111111111) << k;
        for (unsigned i = 0; i < 4; i++) {
            unsigned j = (k - i) & 3;
            sum ^=
                (a & UINT64_C(0x1111111111111111) << i) * (b & UINT64_C(0x1111111111111111) << j);
        }
        r |= sum & mask;
    }
    return r;
}

static void clmul64(uint64_t out[2], uint64_t a, uint64_t b)
{
    out[0] = clmul_low(a, b);
    out[1] = reverse_bits(clmul_low(reverse_bits(a), reverse_bits(b))) >> 1;
}

static void wide_add_product(struct wide *acc, struct block a, struct block b)
{
    uint64_t low[2], high[2], mid[2];
    clmul64(low, a.lo, b.lo);
    clmul64(high, a.hi, b.hi);
    clmul64(mid, a.lo ^ a.hi, b.lo ^ b.hi);
    acc->w[0] ^= low[0];
    acc->w[1] ^= low[1] ^ mid[0] ^ low[0] ^ high[0];
    acc->w[2] ^= high[0] ^ mid[1] ^ low[1] ^ high[1];
    acc->w[3] ^= high[1];
}

/* Modulo X^128 + X^7 + X^2 + X + 1. */
static struct block wide_reduce(const struct wide *p)
{
    uint64_t h1 = p->w[3], h0 = p->w[2] ^ h1 >> 63 ^ h1 >> 62 ^ h1 >> 57;
    struct block r;
    r.lo = p->w[0] ^ h0 ^ h0 << 1 ^ h0 << 2 ^ h0 << 7;
    r.hi = p->w[1] ^ h1 ^ h1 << 1 ^ h1 << 2 ^ h1 << 7 ^ h0 >> 63 ^ h0 >> 62 ^ h0 >> 57;
    return r;
}

static struct block gf_dot(const struct block *a, const struct block *b, size_t count)
{
    struct wide acc = {{0}};
    for (size_t i = 0; i < count; i++) {
        wide_add_product(&acc, a[i], b[i]);
    }
    return wide_reduce(&acc);
}

static void gf_dot2(struct block out[2], const struct block *chi, const struct block *x,
                    const struct block *y, size_t count)
{
    struct block r0 = gf_dot(chi, x, count), r1 = gf_dot(chi, y, count);
    out[0] = r0;
    out[1] = r1;
}

static struct block bit0_dot(const struct block *chi, const struct block *b, size_t count)
{
    struct block acc = {0, 0};
    for (size_t i = 0; i < count; i++) {
        acc = block_xor(acc, block_and_bit(chi[i], b[i].lo));
    }
    return acc;
}

static struct block bits_dot(const struct block *chi, const uint8_t *bits, size_t count)
{
    struct block acc = {0, 0};
    for (size_t i = 0; i < count; i++) {
        acc = block_xor(acc, block_and_bit(chi[i], (uint64_t)bits[i / 8] >> (i % 8)));
    }
    return acc;
}

/* ---- Transposition ---- */

/* Bit j of a[i] and bit i of a[j] change places: halves of halves are swapped. */
static void transpose64(uint64_t a[64])
{
    uint64_t mask = UINT64_C(0x00000000ffffffff);
    for (unsigned d = 32; d != 0; d >>= 1, mask ^= mask << d) {
        for (unsigned i = 0; i < 64; i = ((i | d) + 1) & ~d) {
            uint64_t t = (a[i] >> d ^ a[i | d]) & mask;
            a[i | d] ^= t;
            a[i] ^= t << d;
        }
    }
}

static void transpose(struct block *rows_out, const struct block *cols, size_t stride,
                      size_t n_blocks)
{
    for (size_t j = 0; j < n_blocks; j++) {
        struct block *rows = rows_out + j * 128;
        for (size_t half = 0; half < 2; half++) {
            uint64_t low[64], high[64];
            for (size_t c = 0; c < 64; c++) {
                low[c] = cols[(64 * half + c) * stride + j].lo;
                high[c] = cols[(64 * half + c) * stride + j].hi;
            }
            transpose64(low);
            transpose64(high);
            for (size_t r = 0; r < 64; r++) {
                *(half == 0 ? &rows[r].lo : &rows[r].hi) = low[r];
                *(half == 0 ? &rows[64 + r].lo : &rows[64 + r].hi) = high[r];
            }
        }
    }
}

static const struct whist_kernels table = {
    .name = "portable",
    .aes_schedule = whist_portable_aes_schedule,
    .aes_ecb = whist_portable_aes_ecb,
    .aes_ctr = whist_portable_aes_ctr,
    .hash1 = whist_portable_hash1,
    .hash2 = whist_portable_hash2,
    .gf_dot = gf_dot,
    .gf_dot2 = gf_dot2,
    .bit0_dot = bit0_dot,
    .bits_dot = bits_dot,
    .cot_expand = whist_portable_cot_expand,
    .transpose = transpose,
};

const struct whist_kernels *whist_kernels_portable(void)
{
    return &table;
}
