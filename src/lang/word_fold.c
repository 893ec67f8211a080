/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Making operators: what is known is folded, trivial cases are simplified, bounds are carried on.
 * Whatever is decided here costs neither a node nor a gate. */
#include "lang/word_impl.h"

static uint64_t max_of(const struct word_program *p, word_id x)
{
    return p->nodes[x].max;
}

/* Known not to be negative when read as signed. */
static bool non_negative(const struct word_program *p, word_id x)
{
    uint32_t w = word_width(p, x);
    return w <= 64 && max_of(p, x) <= word_ones(w) >> 1;
}

/* x is NOT y or y is NOT x. */
static bool complementary(const struct word_program *p, word_id x, word_id y)
{
    const struct word_node *nx = word_at(p, x), *ny = word_at(p, y);
    return (nx->op == WORD_NOT && nx->a == y) || (ny->op == WORD_NOT && ny->a == x);
}

/* x is AND (OR) of y and something. */
static bool contains(const struct word_program *p, word_id x, enum word_op op, word_id y)
{
    const struct word_node *n = word_at(p, x);
    return n->op == (uint32_t)op && (n->a == y || n->b == y);
}

static uint64_t ones_over(uint64_t x)
{
    for (unsigned s = 1; s < 64; s *= 2) {
        x |= x >> s;
    }
    return x;
}

static word_id make2(struct word_program *p, enum word_op op, uint32_t width, word_id x, word_id y,
                     uint64_t max)
{
    return word_make(p, (struct word_node){.op = op, .width = width, .a = x, .b = y, .max = max});
}

static bool is_zero(const struct word_program *p, word_id x)
{
    if (!word_is_const(p, x)) {
        return word_width(p, x) <= 64 && max_of(p, x) == 0;
    }
    for (uint32_t k = 0; k < word_width(p, x); k++) {
        if (word_const_bit(p, x, k)) {
            return false;
        }
    }
    return true;
}

static bool is_ones(const struct word_program *p, word_id x)
{
    for (uint32_t k = 0; word_is_const(p, x) && k < word_width(p, x); k++) {
        if (!word_const_bit(p, x, k)) {
            return false;
        }
    }
    return word_is_const(p, x);
}

/* ---- NOT, NEG ---- */

word_id word_unary(struct word_program *p, enum word_op op, word_id x)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    const struct word_node *n = word_at(p, x);
    uint32_t w = n->width;
    if (n->op == WORD_CONST && w <= 64) {
        return word_const(p, w, word_compute(op, w, n->max, 0));
    }
    if (n->op == (uint32_t)op) {
        return n->a;
    }
    return make2(p, op, w, x, 0, UINT64_MAX);
}

/* ---- Bits ---- */

static word_id make_and(struct word_program *p, word_id x, word_id y)
{
    uint64_t mx = max_of(p, x), my = max_of(p, y);

    if (x == y || is_zero(p, x) || is_ones(p, y) || contains(p, x, WORD_AND, y)) {
        return x;
    }
    if (is_zero(p, y) || is_ones(p, x) || contains(p, y, WORD_AND, x)) {
        return y;
    }
    if (contains(p, x, WORD_OR, y)) {
        return y;
    }
    if (contains(p, y, WORD_OR, x)) {
        return x;
    }
    if (complementary(p, x, y) && word_width(p, x) <= 64) {
        return word_const(p, word_width(p, x), 0);
    }
    return make2(p, WORD_AND, word_width(p, x), x, y, mx < my ? mx : my);
}

static word_id make_or(struct word_program *p, word_id x, word_id y)
{
    if (x == y || is_zero(p, y) || is_ones(p, x) || contains(p, x, WORD_OR, y) ||
        contains(p, y, WORD_AND, x)) {
        return x;
    }
    if (is_zero(p, x) || is_ones(p, y) || contains(p, y, WORD_OR, x) ||
        contains(p, x, WORD_AND, y)) {
        return y;
    }
    if (complementary(p, x, y) && word_width(p, x) <= 64) {
        return word_const(p, word_width(p, x), UINT64_MAX);
    }
    return make2(p, WORD_OR, word_width(p, x), x, y, ones_over(max_of(p, x) | max_of(p, y)));
}

static word_id make_xor(struct word_program *p, word_id x, word_id y)
{
    uint32_t w = word_width(p, x);

    if (is_zero(p, x)) {
        return y;
    }
    if (is_zero(p, y)) {
        return x;
    }
    if (is_ones(p, x)) {
        return word_not(p, y);
    }
    if (is_ones(p, y)) {
        return word_not(p, x);
    }
    if (w <= 64 && (x == y || complementary(p, x, y))) {
        return word_const(p, w, x == y ? 0 : UINT64_MAX);
    }
    return make2(p, WORD_XOR, w, x, y, ones_over(max_of(p, x) | max_of(p, y)));
}

/* ---- Numbers ---- */

/* x · 2^k, or x / 2^k. */
static word_id shifted(struct word_program *p, word_id x, uint32_t k, bool left)
{
    uint32_t w = word_width(p, x);

    if (k == 0) {
        return x;
    }
    if (k >= w) {
        return word_const(p, w, 0);
    }
    if (!left) {
        return word_resize(p, word_slice(p, x, k, w - k), w, false);
    }
    const word_id list[2] = {word_const(p, k, 0), word_slice(p, x, 0, w - k)};
    return p->status == WHIST_OK ? word_concat(p, list, 2) : 0;
}

static word_id make_shift(struct word_program *p, enum word_op op, word_id x, word_id y)
{
    uint32_t w = word_width(p, x);
    uint64_t by;

    if (is_zero(p, x)) {
        return x;
    }
    if (!word_const_value(p, y, &by)) {
        return make2(p, op, w, x, y, op == WORD_SHR ? max_of(p, x) : UINT64_MAX);
    }
    by %= word_shift_span(w);
    if (op == WORD_SAR && !non_negative(p, x)) {
        by = by < w ? by : w - 1;
        return word_resize(p, word_slice(p, x, (uint32_t)by, w - (uint32_t)by), w, true);
    }
    return shifted(p, x, (uint32_t)by, op == WORD_SHL);
}

static bool power_of_two(const struct word_program *p, word_id y, uint32_t *k_out)
{
    uint64_t v;

    if (!word_const_value(p, y, &v) || v == 0 || (v & (v - 1)) != 0) {
        return false;
    }
    for (*k_out = 0; v > 1; v >>= 1) {
        ++*k_out;
    }
    return true;
}

static word_id make_mul(struct word_program *p, word_id x, word_id y)
{
    uint32_t w = word_width(p, x), k;
    uint64_t max;

    if (power_of_two(p, y, &k)) {
        return shifted(p, x, k, true);
    }
    if (power_of_two(p, x, &k)) {
        return shifted(p, y, k, true);
    }
    if (is_zero(p, x) || is_zero(p, y)) {
        return word_const(p, w, 0);
    }
    if (__builtin_mul_overflow(max_of(p, x), max_of(p, y), &max) || max > word_ones(w)) {
        max = UINT64_MAX;
    }
    return make2(p, WORD_MUL, w, x, y, max);
}

static word_id make_udiv(struct word_program *p, word_id x, word_id y)
{
    uint32_t k;
    uint64_t v = 0;

    if (power_of_two(p, y, &k)) {
        return shifted(p, x, k, false);
    }
    bool known = word_const_value(p, y, &v) && v != 0;
    if (known && max_of(p, x) < v) {
        return word_const(p, word_width(p, x), 0);
    }
    return make2(p, WORD_UDIV, word_width(p, x), x, y, known ? max_of(p, x) / v : UINT64_MAX);
}

static word_id make_urem(struct word_program *p, word_id x, word_id y)
{
    uint32_t w = word_width(p, x), k;
    uint64_t v = 0, max = max_of(p, x);

    if (power_of_two(p, y, &k)) {
        return k == 0 ? word_const(p, w, 0) : word_resize(p, word_slice(p, x, 0, k), w, false);
    }
    bool known = word_const_value(p, y, &v) && v != 0;
    if (known && max < v) {
        return x;
    }
    uint64_t below = known ? v - 1 : max_of(p, y) - (max_of(p, y) != 0);
    if (known || p->panics != WORD_PANICS_OFF) { /* else by 0: x, without a panic */
        max = max < below ? max : below;
    }
    return make2(p, WORD_UREM, w, x, y, max);
}

static word_id make_add(struct word_program *p, word_id x, word_id y)
{
    uint64_t max;

    if (is_zero(p, x)) {
        return y;
    }
    if (is_zero(p, y)) {
        return x;
    }
    if (__builtin_add_overflow(max_of(p, x), max_of(p, y), &max) ||
        max > word_ones(word_width(p, x))) {
        max = UINT64_MAX;
    }
    return make2(p, WORD_ADD, word_width(p, x), x, y, max);
}

static word_id make_sub(struct word_program *p, word_id x, word_id y)
{
    if (is_zero(p, y)) {
        return x;
    }
    if (x == y && word_width(p, x) <= 64) {
        return word_const(p, word_width(p, x), 0);
    }
    return is_zero(p, x) ? word_unary(p, WORD_NEG, y)
                         : make2(p, WORD_SUB, word_width(p, x), x, y, UINT64_MAX);
}

static word_id make_number(struct word_program *p, enum word_op op, word_id x, word_id y)
{
    switch (op) {
    case WORD_ADD:
        return make_add(p, x, y);
    case WORD_SUB:
        return make_sub(p, x, y);
    case WORD_MUL:
        return make_mul(p, x, y);
    case WORD_UDIV:
        return make_udiv(p, x, y);
    case WORD_UREM:
        return make_urem(p, x, y);
    default:
        break;
    }
    if (non_negative(p, x) && non_negative(p, y) && word_is_const(p, y) && !is_zero(p, y)) {
        return op == WORD_SDIV ? make_udiv(p, x, y) : make_urem(p, x, y);
    }
    if (is_ones(p, y)) { /* by −1 */
        return op == WORD_SDIV ? word_unary(p, WORD_NEG, x) : word_const(p, word_width(p, x), 0);
    }
    if (word_is_const(p, y) && max_of(p, y) == 1) {
        return op == WORD_SDIV ? x : word_const(p, word_width(p, x), 0);
    }
    return make2(p, op, word_width(p, x), x, y, UINT64_MAX);
}

/* ---- Predicates ---- */

/* Comparisons of extended words are comparisons of the words, if both sides fit. */
static void narrow(struct word_program *p, word_id *x, word_id *y)
{
    const struct word_node *nx = word_at(p, *x), *ny = word_at(p, *y);
    uint64_t c;

    if (nx->op == WORD_ZEXT && ny->op == WORD_ZEXT &&
        word_width(p, nx->a) == word_width(p, ny->a)) {
        *x = nx->a;
        *y = ny->a;
    } else if (nx->op == WORD_ZEXT && word_const_value(p, *y, &c) &&
               c <= word_ones(word_width(p, nx->a))) {
        *x = nx->a;
        *y = word_const(p, word_width(p, *x), c);
    } else if (ny->op == WORD_ZEXT && word_const_value(p, *x, &c) &&
               c <= word_ones(word_width(p, ny->a))) {
        *y = ny->a;
        *x = word_const(p, word_width(p, *y), c);
    }
}

/* x < c for a constant c of at most 64 bits. */
static word_id less_than_const(struct word_program *p, word_id x, word_id y, uint64_t c)
{
    if (c == 0) {
        return WORD_FALSE;
    }
    if (max_of(p, x) < c) {
        return WORD_TRUE;
    }
    if (c == 1) {
        return word_eq(p, x, word_const(p, word_width(p, x), 0));
    }
    return make2(p, WORD_ULT, 1, x, y, 1);
}

static word_id make_ult(struct word_program *p, word_id x, word_id y)
{
    uint64_t c;

    narrow(p, &x, &y);
    if (x == y || is_zero(p, y)) {
        return WORD_FALSE;
    }
    if (word_width(p, x) > 64) {
        return make2(p, WORD_ULT, 1, x, y, 1);
    }
    if (word_const_value(p, y, &c)) {
        return less_than_const(p, x, y, c);
    }
    if (word_const_value(p, x, &c) && c >= max_of(p, y)) {
        return WORD_FALSE;
    }
    if (is_zero(p, x)) {
        return word_not(p, word_eq(p, y, x));
    }
    return make2(p, WORD_ULT, 1, x, y, 1);
}

static word_id make_eq(struct word_program *p, word_id x, word_id y)
{
    uint64_t c;

    narrow(p, &x, &y);
    if (x == y) {
        return WORD_TRUE;
    }
    if (word_is_const(p, x)) {
        word_id t = x;
        x = y;
        y = t;
    }
    if (complementary(p, x, y) || (word_const_value(p, y, &c) && c > max_of(p, x))) {
        return WORD_FALSE;
    }
    if (word_width(p, x) == 1) {
        return word_not(p, word_binary(p, WORD_XOR, x, y));
    }
    return make2(p, WORD_EQ, 1, x, y, 1);
}

/* Does x · 2^k leave the type? */
static word_id shift_overflows(struct word_program *p, word_id x, uint32_t k, bool is_signed)
{
    uint32_t w = word_width(p, x);

    if (is_signed && k >= w - 1) { /* times MIN: left to the general case */
        return make2(p, WORD_SMUL_OVF, 1, x, word_const(p, w, (uint64_t)1 << k), 1);
    }
    if (k == 0) {
        return WORD_FALSE;
    }
    /* The bits that go out must be zeros, or equal to the bit that becomes the sign. */
    word_id out = word_slice(p, x, w - k, k);
    word_id want =
        is_signed ? word_resize(p, word_slice(p, x, w - k - 1, 1), k, true) : word_const(p, k, 0);
    return p->status == WHIST_OK ? word_not(p, word_eq(p, out, want)) : 0;
}

static word_id mul_overflow(struct word_program *p, enum word_op op, word_id x, word_id y)
{
    uint32_t w = word_width(p, x), k;
    bool is_signed = op == WORD_SMUL_OVF;
    uint64_t m, limit = word_ones(w) >> (is_signed ? 1 : 0);

    bool small = (!is_signed || (non_negative(p, x) && non_negative(p, y))) &&
                 !__builtin_mul_overflow(max_of(p, x), max_of(p, y), &m) && m <= limit;
    if (small || is_zero(p, x) || is_zero(p, y)) {
        return WORD_FALSE;
    }
    if (power_of_two(p, y, &k)) {
        return shift_overflows(p, x, k, is_signed);
    }
    if (power_of_two(p, x, &k)) {
        return shift_overflows(p, y, k, is_signed);
    }
    return make2(p, op, 1, x, y, 1);
}

static word_id make_overflow(struct word_program *p, enum word_op op, word_id x, word_id y)
{
    uint32_t w = word_width(p, x);
    bool positive = non_negative(p, x) && non_negative(p, y);
    uint64_t m;

    switch (op) {
    case WORD_USUB_OVF:
        return make_ult(p, x, y);
    case WORD_UADD_OVF:
    case WORD_SADD_OVF:
        if (is_zero(p, x) || is_zero(p, y)) {
            return WORD_FALSE;
        }
        if ((op == WORD_UADD_OVF || positive) &&
            !__builtin_add_overflow(max_of(p, x), max_of(p, y), &m) &&
            m <= word_ones(w) >> (op == WORD_SADD_OVF ? 1 : 0)) {
            return WORD_FALSE;
        }
        return make2(p, op, 1, x, y, 1);
    case WORD_SSUB_OVF:
        return positive || x == y || is_zero(p, y) ? WORD_FALSE : make2(p, op, 1, x, y, 1);
    default:
        return mul_overflow(p, op, x, y);
    }
}

static word_id make_slt(struct word_program *p, word_id x, word_id y)
{
    uint32_t w = word_width(p, x);

    if (x == y) {
        return WORD_FALSE;
    }
    if (non_negative(p, x) && non_negative(p, y)) {
        return make_ult(p, x, y);
    }
    return is_zero(p, y) ? word_slice(p, x, w - 1, 1) : make2(p, WORD_SLT, 1, x, y, 1);
}

static word_id make_predicate(struct word_program *p, enum word_op op, word_id x, word_id y)
{
    switch (op) {
    case WORD_EQ:
        return make_eq(p, x, y);
    case WORD_ULT:
        return make_ult(p, x, y);
    case WORD_SLT:
        return make_slt(p, x, y);
    default:
        return make_overflow(p, op, x, y);
    }
}

/* ---- All operators with two operands ---- */

/* Constants wider than 64 bits: only what keys of joins and comparisons of values need. */
static bool fold_wide(const struct word_program *p, enum word_op op, word_id x, word_id y,
                      word_id *out)
{
    if ((op != WORD_EQ && op != WORD_ULT) || !word_is_const(p, x) || !word_is_const(p, y)) {
        return false;
    }
    *out = op == WORD_EQ ? WORD_TRUE : WORD_FALSE;
    for (uint32_t k = word_width(p, x); k-- > 0;) {
        bool bx = word_const_bit(p, x, k), by = word_const_bit(p, y, k);
        if (bx != by) {
            *out = op == WORD_ULT && by ? WORD_TRUE : WORD_FALSE;
            break;
        }
    }
    return true;
}

static bool commutes(enum word_op op)
{
    return op == WORD_AND || op == WORD_OR || op == WORD_XOR || op == WORD_ADD || op == WORD_MUL ||
           op == WORD_UADD_OVF || op == WORD_SADD_OVF || op == WORD_UMUL_OVF ||
           op == WORD_SMUL_OVF || op == WORD_EQ;
}

word_id word_binary(struct word_program *p, enum word_op op, word_id x, word_id y)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    uint32_t w = word_width(p, x);
    uint64_t vx, vy;
    word_id folded;
    bool shift = op == WORD_SHL || op == WORD_SHR || op == WORD_SAR;
    WHIST_REQUIRE(shift || w == word_width(p, y));
    if (word_const_value(p, x, &vx) && word_const_value(p, y, &vy)) {
        return word_const(p, word_is_predicate(op) ? 1 : w, word_compute(op, w, vx, vy));
    }
    if (w > 64 && fold_wide(p, op, x, y, &folded)) {
        return folded;
    }
    if (commutes(op) && y < x) { /* constants, made early, come first: deterministic all the same */
        word_id t = x;
        x = y;
        y = t;
    }
    switch (op) {
    case WORD_AND:
        return make_and(p, x, y);
    case WORD_OR:
        return make_or(p, x, y);
    case WORD_XOR:
        return make_xor(p, x, y);
    default:
        break;
    }
    if (shift) {
        return make_shift(p, op, x, y);
    }
    return word_is_predicate(op) ? make_predicate(p, op, x, y) : make_number(p, op, x, y);
}
