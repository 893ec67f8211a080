/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Seeded numbers for tests. */
#ifndef WHIST_TEST_RNG_H
#define WHIST_TEST_RNG_H

#include "core/core.h"

struct rng {
    uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
    return splitmix64(&r->state);
}

static inline uint32_t rng_below(struct rng *r, uint32_t n)
{
    return (uint32_t)(rng_next(r) % n);
}

#endif
