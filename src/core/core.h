/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Core: what every layer uses. Knows nothing of messages, circuits or protocols. */
#ifndef WHIST_CORE_H
#define WHIST_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <whist/bytes.h>
#include <whist/log.h>
#include <whist/status.h>

/* ---- Errors ---- */

/* Fills *err (may be NULL) and returns status. peer: party index or WHIST_NO_PEER; phase may be
 * NULL. */
whist_status whist_fail(struct whist_error *err, whist_status status, int peer, const char *phase,
                        const char *fmt, ...) WHIST_PRINTF(5, 6);
#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: this tells it that the status comes back. */
#define whist_fail(err, status, ...) ((void)whist_fail(err, status, __VA_ARGS__), (status))
#endif

/* Returns from the calling function when the expression is not WHIST_OK. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        whist_status try_status_ = (expr);                                                         \
        if (try_status_ != WHIST_OK) {                                                             \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

/* Sets the local `st` and jumps to the label `out` when the expression is not WHIST_OK. */
#define TRY_OUT(expr)                                                                              \
    do {                                                                                           \
        st = (expr);                                                                               \
        if (st != WHIST_OK) {                                                                      \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* A caller's bug: always on, aborts the process. Never for input from outside. */
#define WHIST_REQUIRE(cond) ((cond) ? (void)0 : whist_require_failed(#cond, __FILE__, __LINE__))
_Noreturn void whist_require_failed(const char *cond, const char *file, int line);

/* ---- Memory ---- */

/* malloc/calloc of count × size with an overflow check; NULL when out of memory. Freed with
 * whist_free. */
void *whist_alloc(size_t count, size_t size);
void *whist_zalloc(size_t count, size_t size);
void *whist_realloc(void *p, size_t count, size_t size);
void whist_free(void *p);
/* 64-byte aligned; freed with whist_free_aligned, which wipes len bytes. */
void *whist_alloc_aligned(size_t len);
void whist_free_aligned(void *p, size_t len);
/* Memory of large buffers, kept for reuse (pool.c). Take a capacity from whist_pool_capacity (≥
 * cap) and give the same to both. What is kept has its contents until it is used again, or until
 * the next trim; what is not kept is wiped: `used` bytes from its beginning. */
size_t whist_pool_capacity(size_t cap);
void *whist_pool_alloc(size_t cap);
void whist_pool_free(void *p, size_t cap, size_t used);
/* Wipes all that is kept and gives it back. */
void whist_pool_trim(void);
/* Overwrites with zeros; never optimised away. */
void whist_wipe(void *p, size_t len);

#ifdef WHIST_TEST_HOOKS
/* Tests: the next `n` allocations succeed, later ones fail; < 0: none fails. Process-wide. */
void whist_alloc_fail_after(long n);
/* Bytes that were wiped since the beginning. */
uint64_t whist_wiped_bytes(void);
/* Counts one allocation; false if it must fail. */
bool whist_may_allocate(void);
#else
static inline bool whist_may_allocate(void)
{
    return true;
}
#endif

/* ---- Constant time ---- */

/* A value the compiler knows nothing about. */
static inline uint64_t ct_barrier(uint64_t x)
{
#if defined(__GNUC__)
    __asm__("" : "+r"(x));
#endif
    return x;
}
/* All ones if the lowest bit of x is 1, else 0. */
static inline uint64_t ct_mask(uint64_t x)
{
    return ct_barrier(~(x & 1) + 1);
}
/* True if the n bytes are equal; time depends on n only. */
bool whist_ct_equal(const void *a, const void *b, size_t n);

/* ---- Randomness ---- */

/* n bytes from the operating system's generator. */
void whist_random(void *out, size_t n);

/* ---- Clock: whist_clock_ms is public (whist/channel.h) ---- */
int64_t whist_now_ns(void);
int64_t whist_now_ms(void);
/* The same clock as it was up to WHIST_COARSE_MS ago, for a tenth of the time that reading it
 * takes: for what is done with every message. */
int64_t whist_coarse_ms(void);
#define WHIST_COARSE_MS 10

/* ---- Log ---- */
void whist_logf(const struct whist_log *log, whist_log_level level, const char *fmt, ...)
    WHIST_PRINTF(3, 4);

/* ---- Numbers that only look random ---- */

/* SplitMix64 (Steele, Lea, Flood 2014): the same numbers from the same state, always. Not for
 * secrets. */
static inline uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* ---- Digits ---- */

/* Value of a hex digit; −1: it is none. */
static inline int whist_hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* These write without a final zero and return what comes behind. Lower-case hex, two digits a byte;
 * decimal, 20 digits at most. */
static inline char *put_hex(char *at, const uint8_t *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}
static inline char *put_decimal(char *at, uint64_t v)
{
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    while (n != 0) {
        *at++ = digits[--n];
    }
    return at;
}

/* Groups of 7 bits, the lowest first, one a byte, with the top bit set in all but the last; 10
 * bytes at most. Returns what comes behind. */
static inline uint8_t *put_varint(uint8_t *at, uint64_t v)
{
    for (; v > 127; v >>= 7) {
        *at++ = (uint8_t)(v | 128);
    }
    *at++ = (uint8_t)v;
    return at;
}

/* ---- Little-endian numbers ---- */

static inline void put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}
static inline void put_le64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        p[i] = (uint8_t)(v >> (8 * i));
    }
}
static inline uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline uint64_t get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p) | (uint64_t)get_le32(p + 4) << 32;
}

#endif
