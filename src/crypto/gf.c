/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* GF(2^128) = GF(2)[X] / (X^128 + X^7 + X^2 + X + 1). */
#include "crypto/crypto.h"

#define GF_LOW_TERMS 0x87 /* X^7 + X^2 + X + 1 */

struct block whist_gf_mul(struct block a, struct block b)
{
    return whist_kernels()->gf_dot(&a, &b, 1);
}

struct block whist_gf_x(unsigned k)
{
    struct block r = {0, 0};
    WHIST_REQUIRE(k < 128);
    *(k < 64 ? &r.lo : &r.hi) = UINT64_C(1) << (k % 64);
    return r;
}

struct block whist_gf_double(struct block a)
{
    struct block r;
    r.lo = a.lo << 1 ^ (ct_mask(a.hi >> 63) & GF_LOW_TERMS);
    r.hi = a.hi << 1 ^ a.lo >> 63;
    return r;
}

struct block whist_gf_pack(const struct block *b, size_t count)
{
    struct block acc = {0, 0};
    WHIST_REQUIRE(count <= 128);
    for (size_t i = count; i-- > 0;) {
        acc = block_xor(whist_gf_double(acc), b[i]);
    }
    return acc;
}

/* Independent products overlap: out[i] = out[i − STRIDE] · s^STRIDE. */
#define STRIDE ((size_t)4)

void whist_gf_powers(struct block *out, struct block s, size_t count)
{
    const struct whist_kernels *k = whist_kernels();
    for (size_t i = 0; i < count; i++) {
        if (i == 0) {
            out[i] = s;
        } else if (i < STRIDE) {
            out[i] = k->gf_dot(&out[i - 1], &s, 1);
        } else {
            out[i] = k->gf_dot(&out[i - STRIDE], &out[STRIDE - 1], 1);
        }
    }
}
