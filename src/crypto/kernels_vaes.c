/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The table for VAES, VPCLMULQDQ and AVX2: registers of two blocks. */
#include "crypto/kernels_impl.h"

#if defined(__VAES__) && defined(__VPCLMULQDQ__) && defined(__AVX2__)
#include <immintrin.h>

typedef __m256i V;
#define LANES                2
#define INLINE               static inline __attribute__((always_inline))
#define v_clmul(a, b, which) _mm256_clmulepi64_epi128(a, b, which)
#define v_shr16(a, distance) _mm256_srli_epi16(a, distance)
#define v_shl16(a, distance) _mm256_slli_epi16(a, distance)

INLINE V v_zero(void)
{
    return _mm256_setzero_si256();
}
/* The first n blocks at p, the rest zero. */
INLINE V v_load(const struct block *p, size_t n)
{
    if (n >= 2) {
        return _mm256_loadu_si256((const __m256i *)(const void *)p);
    }
    return n == 0 ? v_zero()
                  : _mm256_zextsi128_si256(_mm_load_si128((const __m128i *)(const void *)p));
}
INLINE void v_store(struct block *p, V v, size_t n)
{
    if (n >= 2) {
        _mm256_storeu_si256((__m256i *)(void *)p, v);
    } else if (n == 1) {
        _mm_store_si128((__m128i *)(void *)p, _mm256_castsi256_si128(v));
    }
}
/* Lane l at p + l * step, for the first n lanes. */
INLINE void v_store_lanes(struct block *p, size_t step, V v, size_t n)
{
    _mm_store_si128((__m128i *)(void *)p, _mm256_castsi256_si128(v));
    if (n >= 2) {
        _mm_store_si128((__m128i *)(void *)(p + step), _mm256_extracti128_si256(v, 1));
    }
}
INLINE V v_broadcast(const struct block *p)
{
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)(const void *)p));
}
/* x in every lane, by way of registers: x was just computed. */
INLINE V v_set128(struct block x)
{
    return _mm256_broadcastsi128_si256(_mm_set_epi64x((int64_t)x.hi, (int64_t)x.lo));
}
/* counter, counter + 1, … in the low words. */
INLINE V v_count(struct block counter)
{
    return _mm256_add_epi64(v_set128(counter), _mm256_set_epi64x(0, 1, 0, 0));
}
INLINE V v_set32(int x)
{
    return _mm256_set1_epi32(x);
}
INLINE V v_set8(char x)
{
    return _mm256_set1_epi8(x);
}
INLINE V v_xor(V a, V b)
{
    return _mm256_xor_si256(a, b);
}
INLINE V v_and(V a, V b)
{
    return _mm256_and_si256(a, b);
}
INLINE V v_add64(V a, V b)
{
    return _mm256_add_epi64(a, b);
}
INLINE V v_equal8(V a, V b)
{
    return _mm256_cmpeq_epi8(a, b);
}
INLINE V v_shuffle8(V a, V order)
{
    return _mm256_shuffle_epi8(a, order);
}
INLINE V v_swap64(V a)
{
    return _mm256_shuffle_epi32(a, 0x4e);
}
/* All ones where bit 0 of the block is set. */
INLINE V v_mask_bit0(V a)
{
    return _mm256_srai_epi32(_mm256_slli_epi32(_mm256_shuffle_epi32(a, 0), 31), 31);
}
INLINE V v_unpacklo8(V a, V b)
{
    return _mm256_unpacklo_epi8(a, b);
}
INLINE V v_unpackhi8(V a, V b)
{
    return _mm256_unpackhi_epi8(a, b);
}
INLINE V v_unpacklo32(V a, V b)
{
    return _mm256_unpacklo_epi32(a, b);
}
INLINE V v_unpackhi32(V a, V b)
{
    return _mm256_unpackhi_epi32(a, b);
}
INLINE V v_unpacklo64(V a, V b)
{
    return _mm256_unpacklo_epi64(a, b);
}
INLINE V v_unpackhi64(V a, V b)
{
    return _mm256_unpackhi_epi64(a, b);
}
INLINE V v_aesenc(V state, V key)
{
    return _mm256_aesenc_epi128(state, key);
}
INLINE V v_aesenclast(V state, V key)
{
    return _mm256_aesenclast_epi128(state, key);
}
/* The sum of the lanes. */
INLINE __m128i v_sum_lanes(V a)
{
    return _mm_xor_si128(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
}

#include "crypto/kernels_x86.h"

static const struct whist_kernels table = KERNEL_TABLE("vaes");

const struct whist_kernels *whist_kernels_vaes(void)
{
    return &table;
}

#else

const struct whist_kernels *whist_kernels_vaes(void)
{
    return NULL;
}

#endif
