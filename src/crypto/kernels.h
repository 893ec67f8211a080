/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Kernels: one contract each, a portable constant-time reference (kernels_portable.c) and one file
 * for each instruction set; the table is filled once, at run time (kernels.c). Unless said
 * otherwise arrays of blocks are 16-byte aligned, counts may be any number including 0 and small
 * counts are cheap, and outputs may be the same array as an input but not overlap it otherwise. No
 * branch or index depends on the data. */
#ifndef WHIST_KERNELS_H
#define WHIST_KERNELS_H

#include "crypto/block.h"

/* AES-128 round keys, 11 blocks as FIPS 197 orders them. */
struct aes_key {
    struct block rk[11];
};

/* Columns of a block of correlated OTs: rows are multiples of 128; see cot_expand. */
#define COT_COLUMNS 128

struct whist_kernels {
    const char *name; /* "portable", "aesni", "vaes" */

    /* FIPS 197 key expansion of `count` keys. */
    void (*aes_schedule)(struct aes_key *out, const struct block *keys, size_t count);
    /* out[i] = AES_key(in[i]). */
    void (*aes_ecb)(struct block *out, const struct block *in, size_t count,
                    const struct aes_key *key);
    /* out[i] = AES_key(counter + i), the counter a 128-bit little-endian integer of which only the
     * low 64 bits count (no carry into the high word). */
    void (*aes_ctr)(struct block *out, size_t count, const struct aes_key *key,
                    struct block counter);

    /* Tweakable circular correlation-robust hash H(x; t) = AES_t(σ(x)) ⊕ σ(x), the tweak t the key,
     * σ(hi‖lo) = (hi ⊕ lo)‖hi (GKWWY20): out[i] = H(x[i]; t[i]). */
    void (*hash1)(struct block *out, const struct block *x, const struct block *t, size_t count);
    /* Two hashes under one tweak: out0[i] = H(x[i]; t[i]), out1[i] = H(x[i] ⊕ delta; t[i]). */
    void (*hash2)(struct block *out0, struct block *out1, const struct block *x,
                  const struct block *t, struct block delta, size_t count);

    /* Σ a[i] ⊙ b[i] in GF(2^128) mod x^128 + x^7 + x^2 + x + 1. */
    struct block (*gf_dot)(const struct block *a, const struct block *b, size_t count);
    /* The same for two streams under one coefficient array: out[0] = Σ chi[i] ⊙ x[i], out[1] = Σ
     * chi[i] ⊙ y[i]. */
    void (*gf_dot2)(struct block out[2], const struct block *chi, const struct block *x,
                    const struct block *y, size_t count);
    /* Σ bit0(b[i]) · chi[i]. */
    struct block (*bit0_dot)(const struct block *chi, const struct block *b, size_t count);
    /* Σ chi[i] over the set bits of a packed bit array (bit i = bit i mod 8 of byte i / 8). */
    struct block (*bits_dot)(const struct block *chi, const uint8_t *bits, size_t count);

    /* SoftSpoken, one tree (SoftSpoken fig. 7; docs/protocol.md §1). `n_leaves` = 2^k keys (k = 2,
     * 4, 8), as round keys; leaf y makes the stream R_y = AES_y(counter), AES_y(counter + 1), … of
     * n_blocks blocks. sum_out = ⊕_y R_y; for each bit b < k: columns[b] = ⊕_{y: bit b of y} R_y,
     * where column b is the array cols_out + b * stride of n_blocks blocks (stride in blocks). With
     * skip0 the leaf 0 is left out (the sender's hole; its round keys may be anything). n_blocks ≤
     * 32 (4096 rows). */
    void (*cot_expand)(struct block *cols_out, size_t stride, struct block *sum_out,
                       const struct aes_key *leaves, size_t n_leaves, uint64_t counter,
                       size_t n_blocks, bool skip0);
    /* Transposes a bit matrix: 128 columns of n_blocks blocks each (column c at cols + c * stride
     * blocks) into 128 * n_blocks rows of one block: bit c of rows[r] = bit r of column c. Not in
     * place. */
    void (*transpose)(struct block *rows_out, const struct block *cols, size_t stride,
                      size_t n_blocks);
};

/* The table for this machine; chosen on first use, thread safe, constant afterwards. */
const struct whist_kernels *whist_kernels(void);
/* A table by name, for tests and benchmarks; NULL if this machine or build does not have it. */
const struct whist_kernels *whist_kernels_by_name(const char *name);

#endif
