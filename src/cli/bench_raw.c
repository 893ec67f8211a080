/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Limits of the machine that have nothing to do with this program. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "report.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <cpuid.h>
#include <immintrin.h>
#define HAVE_AES_INSTRUCTIONS 1
#endif

#define MEASURE_NS 200000000

#ifdef HAVE_AES_INSTRUCTIONS

#define LANES  8 /* registers in flight: what hides the latency of the instruction */
#define ROUNDS 10
#define BATCH  4096 /* times that all lanes are encrypted */

/* Bare loops of the ten rounds, with any round keys: what the instruction itself allows. The lanes
 * have names so that they stay in registers. */
#define EACH_LANE(op) op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7)

__attribute__((target("aes"))) static void aes_batch(__m128i *state, const __m128i *keys)
{
#define LOAD(k)  __m128i s##k = state[k];
#define ROUND(k) s##k = _mm_aesenc_si128(s##k, key);
#define LAST(k)  s##k = _mm_aesenclast_si128(s##k, key);
#define STORE(k) state[k] = s##k;
    EACH_LANE(LOAD)
    for (size_t i = 0; i < BATCH; i++) {
        for (size_t r = 0; r + 1 < ROUNDS; r++) {
            const __m128i key = keys[r];
            EACH_LANE(ROUND)
        }
        const __m128i key = keys[ROUNDS - 1];
        EACH_LANE(LAST)
    }
    EACH_LANE(STORE)
#undef LOAD
#undef ROUND
#undef LAST
#undef STORE
}

/* The same with two blocks a register. */
__attribute__((target("avx2,vaes"))) static void vaes_batch(__m256i *state, const __m256i *keys)
{
#define LOAD(k)  __m256i s##k = state[k];
#define ROUND(k) s##k = _mm256_aesenc_epi128(s##k, key);
#define LAST(k)  s##k = _mm256_aesenclast_epi128(s##k, key);
#define STORE(k) state[k] = s##k;
    EACH_LANE(LOAD)
    for (size_t i = 0; i < BATCH; i++) {
        for (size_t r = 0; r + 1 < ROUNDS; r++) {
            const __m256i key = keys[r];
            EACH_LANE(ROUND)
        }
        const __m256i key = keys[ROUNDS - 1];
        EACH_LANE(LAST)
    }
    EACH_LANE(STORE)
#undef LOAD
#undef ROUND
#undef LAST
#undef STORE
}

/* AVX2 stands for the operating system's part, the wide registers. */
static bool have_vaes(void)
{
    unsigned eax, ebx, ecx = 0, edx;

    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 &&
           (ecx >> 9 & 1) != 0;
}

double raw_aes_blocks_per_s(void)
{
    __m256i wide[LANES], wide_keys[ROUNDS];
    __m128i narrow[LANES], narrow_keys[ROUNDS];
    const bool vaes = have_vaes();
    volatile int sink;
    int64_t start, now;
    double blocks = 0;

    if (!__builtin_cpu_supports("aes")) {
        return 0;
    }
    memset(wide, 1, sizeof(wide));
    memset(wide_keys, 2, sizeof(wide_keys));
    memset(narrow, 1, sizeof(narrow));
    memset(narrow_keys, 2, sizeof(narrow_keys));
    start = clock_ns();
    do {
        if (vaes) {
            vaes_batch(wide, wide_keys);
        } else {
            aes_batch(narrow, narrow_keys);
        }
        blocks += (double)BATCH * LANES * (vaes ? 2 : 1);
        now = clock_ns();
    } while (now - start < MEASURE_NS);
    sink = ((const uint8_t *)wide)[0] ^ ((const uint8_t *)narrow)[0]; /* nothing is left out */
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
    double result = 0;

    if (from != NULL && to != NULL) {
        memset(from, 1, size);
        memset(to, 2, size);
        int64_t start = clock_ns(), now;
        double bytes = 0;
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
