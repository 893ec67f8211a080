/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the kernel files share among themselves: their tables and the parts of the portable one. */
#ifndef WHIST_KERNELS_IMPL_H
#define WHIST_KERNELS_IMPL_H

#include "crypto/kernels.h"

/* The tables; NULL where the compiler lacked the instructions. Whether the machine has them is the
 * caller's to ask. */
const struct whist_kernels *whist_kernels_portable(void);
const struct whist_kernels *whist_kernels_aesni(void);
const struct whist_kernels *whist_kernels_vaes(void);

/* log2 of a number of leaves, a power of two; public. */
static inline unsigned leaf_bits(size_t n_leaves)
{
    unsigned k = 0;
    while (((size_t)1 << (k + 1)) <= n_leaves) {
        k++;
    }
    return k;
}

/* σ of GKWWY20: (hi, lo) ↦ (hi ⊕ lo, hi). */
static inline struct block block_sigma(struct block x)
{
    struct block r = {x.hi, x.hi ^ x.lo};
    return r;
}

/* kernels_portable_aes.c */
void whist_portable_aes_schedule(struct aes_key *out, const struct block *keys, size_t count);
void whist_portable_aes_ecb(struct block *out, const struct block *in, size_t count,
                            const struct aes_key *key);
void whist_portable_aes_ctr(struct block *out, size_t count, const struct aes_key *key,
                            struct block counter);
void whist_portable_hash1(struct block *out, const struct block *x, const struct block *t,
                          size_t count);
void whist_portable_hash2(struct block *out0, struct block *out1, const struct block *x,
                          const struct block *t, struct block delta, size_t count);
void whist_portable_cot_expand(struct block *cols_out, size_t stride, struct block *sum_out,
                               const struct aes_key *leaves, size_t n_leaves, uint64_t counter,
                               size_t n_blocks, bool skip0);

#endif
