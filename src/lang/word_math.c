/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the operators on numbers of at most 64 bits mean, for folding and for the interpreter. */
#include "lang/word_impl.h"

static int64_t as_signed(uint64_t x, uint32_t w)
{
    uint64_t sign = (uint64_t)1 << (w - 1);
    return (int64_t)((x ^ sign) - sign);
}

/* Is r the value of a signed number of w bits? */
static bool fits_signed(int64_t r, uint32_t w)
{
    return as_signed((uint64_t)r & word_ones(w), w) == r;
}

static uint64_t sdiv(int64_t x, int64_t y)
{
    if (y == 0) {
        return UINT64_MAX;
    }
    return y == -1 ? 0 - (uint64_t)x : (uint64_t)(x / y);
}

static uint64_t srem(int64_t x, int64_t y)
{
    if (y == 0) {
        return (uint64_t)x;
    }
    return y == -1 ? 0 : (uint64_t)(x % y);
}

static uint64_t shift(enum word_op op, uint32_t w, uint64_t x, uint64_t by)
{
    int64_t s = as_signed(x, w);

    by %= word_shift_span(w);
    if (by >= w) {
        return op == WORD_SAR && s < 0 ? UINT64_MAX : 0;
    }
    switch (op) {
    case WORD_SHL:
        return x << by;
    case WORD_SHR:
        return x >> by;
    default:
        return s < 0 ? ~(~(uint64_t)s >> by) : (uint64_t)s >> by;
    }
}

static bool overflows(enum word_op op, uint32_t w, uint64_t x, uint64_t y)
{
    int64_t sx = as_signed(x, w), sy = as_signed(y, w), s;
    uint64_t u;

    switch (op) {
    case WORD_UADD_OVF:
        return __builtin_add_overflow(x, y, &u) || u > word_ones(w);
    case WORD_USUB_OVF:
        return x < y;
    case WORD_UMUL_OVF:
        return __builtin_mul_overflow(x, y, &u) || u > word_ones(w);
    case WORD_SADD_OVF:
        return __builtin_add_overflow(sx, sy, &s) || !fits_signed(s, w);
    case WORD_SSUB_OVF:
        return __builtin_sub_overflow(sx, sy, &s) || !fits_signed(s, w);
    default:
        return __builtin_mul_overflow(sx, sy, &s) || !fits_signed(s, w);
    }
}

static uint64_t compute(enum word_op op, uint32_t w, uint64_t x, uint64_t y)
{
    switch (op) {
    case WORD_NOT:
        return ~x;
    case WORD_NEG:
        return 0 - x;
    case WORD_AND:
        return x & y;
    case WORD_OR:
        return x | y;
    case WORD_XOR:
        return x ^ y;
    case WORD_ADD:
        return x + y;
    case WORD_SUB:
        return x - y;
    case WORD_MUL:
        return x * y;
    case WORD_UDIV:
        return y == 0 ? UINT64_MAX : x / y;
    case WORD_UREM:
        return y == 0 ? x : x % y;
    case WORD_SDIV:
        return sdiv(as_signed(x, w), as_signed(y, w));
    case WORD_SREM:
        return srem(as_signed(x, w), as_signed(y, w));
    case WORD_SHL:
    case WORD_SHR:
    case WORD_SAR:
        return shift(op, w, x, y);
    case WORD_EQ:
        return x == y;
    case WORD_ULT:
        return x < y;
    case WORD_SLT:
        return as_signed(x, w) < as_signed(y, w);
    default:
        return overflows(op, w, x, y);
    }
}

bool word_is_predicate(enum word_op op)
{
    return op >= WORD_UADD_OVF && op <= WORD_SLT;
}

uint64_t word_compute(enum word_op op, uint32_t w, uint64_t x, uint64_t y)
{
    return compute(op, w, x, y) & (word_is_predicate(op) ? 1 : word_ones(w));
}
