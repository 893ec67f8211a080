/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* 128-bit blocks: labels, keys, MACs, elements of GF(2^128). Bit k of a block is bit k mod 64 of
 * word k / 64 and the coefficient of X^k; in memory little-endian, 16 bytes. */
#ifndef WHIST_BLOCK_H
#define WHIST_BLOCK_H

#include "core/core.h"

struct block {
    _Alignas(16) uint64_t lo;
    uint64_t hi;
};

static inline struct block block_xor(struct block a, struct block b)
{
    struct block r = {a.lo ^ b.lo, a.hi ^ b.hi};
    return r;
}
/* x if the lowest bit of `bit` is 1, else zero; constant time. */
static inline struct block block_and_bit(struct block x, uint64_t bit)
{
    uint64_t m = ct_mask(bit);
    struct block r = {x.lo & m, x.hi & m};
    return r;
}
static inline uint64_t block_bit0(struct block x)
{
    return x.lo & 1;
}
static inline uint64_t block_bit1(struct block x)
{
    return x.lo >> 1 & 1;
}
static inline struct block block_load(const void *p)
{
    struct block r;
    memcpy(&r, p, 16);
    return r;
}
static inline void block_store(void *p, struct block x)
{
    memcpy(p, &x, 16);
}
static inline bool block_equal(struct block a, struct block b)
{
    return whist_ct_equal(&a, &b, 16);
}

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "Whist needs a little-endian machine"
#endif

#endif
