/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The table for AES-NI, PCLMULQDQ and SSE4.1: registers of one block. */
#include "crypto/kernels_impl.h"

#if defined(__AES__) && defined(__PCLMUL__) && defined(__SSE4_1__)
#include <immintrin.h>

typedef __m128i V;
#define LANES                1
#define INLINE               static inline __attribute__((always_inline))
#define v_clmul(a, b, which) _mm_clmulepi64_si128(a, b, which)
#define v_shr16(a, distance) _mm_srli_epi16(a, distance)
#define v_shl16(a, distance) _mm_slli_epi16(a, distance)

INLINE V v_zero(void)
{
    return _mm_setzero_si128();
}
/* The first n blocks at p, the rest zero. */
INLINE V v_load(const struct block *p, size_t n)
{
    return n >= 1 ? _mm_load_si128((const __m128i *)(const void *)p) : v_zero();
}
INLINE void v_store(struct block *p, V v, size_t n)
{
    if (n >= 1) {
        _mm_store_si128((__m128i *)(void *)p, v);
    }
}
/* Lane l at p + l * step, for the first n lanes. */
INLINE void v_store_lanes(struct block *p, size_t step, V v, size_t n)
{
    (void)step;
    v_store(p, v, n);
}
INLINE V v_broadcast(const struct block *p)
{
    return v_load(p, 1);
}
/* x in every lane, by way of registers: x was just computed. */
INLINE V v_set128(struct block x)
{
    return _mm_set_epi64x((int64_t)x.hi, (int64_t)x.lo);
}
/* counter, counter + 1, … in the low words. */
INLINE V v_count(struct block counter)
{
    return v_set128(counter);
}
INLINE V v_set32(int x)
{
    return _mm_set1_epi32(x);
}
INLINE V v_set8(char x)
{
    return _mm_set1_epi8(x);
}
INLINE V v_xor(V a, V b)
{
    return _mm_xor_si128(a, b);
}
INLINE V v_and(V a, V b)
{
    return _mm_and_si128(a, b);
}
INLINE V v_add64(V a, V b)
{
    return _mm_add_epi64(a, b);
}
INLINE V v_equal8(V a, V b)
{
    return _mm_cmpeq_epi8(a, b);
}
INLINE V v_shuffle8(V a, V order)
{
    return _mm_shuffle_epi8(a, order);
}
INLINE V v_swap64(V a)
{
    return _mm_shuffle_epi32(a, 0x4e);
}
/* All ones where bit 0 of the block is set. */
INLINE V v_mask_bit0(V a)
{
    return _mm_srai_epi32(_mm_slli_epi32(_mm_shuffle_epi32(a, 0), 31), 31);
}
INLINE V v_unpacklo8(V a, V b)
{
    return _mm_unpacklo_epi8(a, b);
}
INLINE V v_unpackhi8(V a, V b)
{
    return _mm_unpackhi_epi8(a, b);
}
INLINE V v_unpacklo32(V a, V b)
{
    return _mm_unpacklo_epi32(a, b);
}
INLINE V v_unpackhi32(V a, V b)
{
    return _mm_unpackhi_epi32(a, b);
}
INLINE V v_unpacklo64(V a, V b)
{
    return _mm_unpacklo_epi64(a, b);
}
INLINE V v_unpackhi64(V a, V b)
{
    return _mm_unpackhi_epi64(a, b);
}
INLINE V v_aesenc(V state, V key)
{
    return _mm_aesenc_si128(state, key);
}
INLINE V v_aesenclast(V state, V key)
{
    return _mm_aesenclast_si128(state, key);
}
/* The sum of the lanes. */
INLINE __m128i v_sum_lanes(V a)
{
    return a;
}

#include "crypto/kernels_x86.h"

static const struct whist_kernels table = KERNEL_TABLE("aesni");

const struct whist_kernels *whist_kernels_aesni(void)
{
    return &table;
}

#else

const struct whist_kernels *whist_kernels_aesni(void)
{
    return NULL;
}

#endif
