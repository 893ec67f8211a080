/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Limits of the machine that have nothing to do with this program. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "report.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define HAVE_AES_INSTRUCTIONS 1
#endif

#define MEASURE_NS 200000000

#ifdef HAVE_AES_INSTRUCTIONS

#define LANES  8
#define ROUNDS 10
#define BATCH  4096

/* A bare loop of the ten rounds: what the instruction itself allows, with any round keys. */
__attribute__((target("aes"))) static void aes_batch(__m128i *state, const __m128i *keys)
{
    for (size_t i = 0; i < BATCH / LANES; i++) {
        for (size_t r = 0; r < ROUNDS - 1; r++) {
            for (size_t k = 0; k < LANES; k++) {
                state[k] = _mm_aesenc_si128(state[k], keys[r]);
            }
        }
        for (size_t k = 0; k < LANES; k++) {
            state[k] = _mm_aesenclast_si128(state[k], keys[ROUNDS - 1]);
        }
    }
}

double raw_aes_blocks_per_s(void)
{
    __m128i state[LANES], keys[ROUNDS];
    volatile uint8_t sink;
    int64_t start, now;
    double blocks = 0;

    if (!__builtin_cpu_supports("aes")) {
        return 0;
    }
    memset(state, 1, sizeof(state));
    memset(keys, 2, sizeof(keys));
    start = clock_ns();
    do {
        aes_batch(state, keys);
        blocks += BATCH;
        now = clock_ns();
    } while (now - start < MEASURE_NS);
    sink = ((const uint8_t *)state)[0];
    (void)sink;
    return blocks * 1e9 / (double)(now - start);
}

#else

double raw_aes_blocks_per_s(void)
{
    return 0;
}

#endif

double raw_memcpy_bytes_per_s(void)
{
    const size_t size = (size_t)64 << 20;
    uint8_t *from = malloc(size), *to = malloc(size);
    double bytes = 0, result = 0;

    if (from != NULL && to != NULL) {
        memset(from, 1, size);
        memset(to, 2, size);
        int64_t start = clock_ns(), now;
        do {
            memcpy(to, from, size);
            from[0] = to[size - 1]; /* the copies depend on each other */
            bytes += (double)size;
            now = clock_ns();
        } while (now - start < MEASURE_NS);
        result = bytes * 1e9 / (double)(now - start);
    }
    free(from);
    free(to);
    return result;
}
