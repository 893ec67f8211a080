/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Operators with their checks. */
#include "lang/exec_impl.h"

static word_id top_bit(struct exec *x, word_id w)
{
    return x->p.status == WHIST_OK ? word_slice(&x->p, w, word_width(&x->p, w) - 1, 1) : 0;
}

/* Constants are checked like everything else; without checks nothing of them is made. */
static bool checked(const struct exec *x)
{
    return x->p.panics != WORD_PANICS_OFF && x->guard != WORD_FALSE;
}

static word_id arithmetic(struct exec *x, enum word_op op, enum word_op overflow, word_id a,
                          word_id b, uint32_t site)
{
    if (checked(x)) {
        exec_check(x, word_binary(&x->p, overflow, a, b), site);
    }
    return word_binary(&x->p, op, a, b);
}

static word_id zero_like(struct exec *x, word_id w)
{
    return x->p.status == WHIST_OK ? word_const(&x->p, word_width(&x->p, w), 0) : 0;
}

/* MIN / −1 is the one quotient of two negative numbers that is negative. */
static word_id quotient_overflows(struct exec *x, word_id a, word_id b)
{
    uint64_t v;

    if (x->p.status == WHIST_OK && word_const_value(&x->p, b, &v) &&
        v != word_ones(word_width(&x->p, b))) {
        return WORD_FALSE;
    }
    word_id both = word_and(&x->p, top_bit(x, a), top_bit(x, b));
    if (both == WORD_FALSE) {
        return WORD_FALSE;
    }
    return word_and(&x->p, both, top_bit(x, word_binary(&x->p, WORD_SDIV, a, b)));
}

static word_id divide(struct exec *x, bool remainder, bool is_signed, word_id a, word_id b,
                      uint32_t site)
{
    if (checked(x)) {
        exec_check(x, word_eq(&x->p, b, zero_like(x, b)), site);
        if (is_signed) {
            exec_check(x, quotient_overflows(x, a, b), site + 1);
        }
    }
    enum word_op op =
        is_signed ? (remainder ? WORD_SREM : WORD_SDIV) : (remainder ? WORD_UREM : WORD_UDIV);
    return word_binary(&x->p, op, a, b);
}

static word_id shift(struct exec *x, enum word_op op, word_id a, word_id by, uint32_t site)
{
    if (checked(x) && x->p.status == WHIST_OK) {
        word_id width = word_const(&x->p, 8, word_width(&x->p, a));
        word_id below = word_binary(&x->p, WORD_ULT, by, width);
        exec_check(x, word_not(&x->p, below), site);
    }
    return word_binary(&x->p, op, a, by);
}

word_id exec_binary(struct exec *x, lang_op op, const struct lang_type *t, word_id a, word_id b,
                    uint32_t site)
{
    bool s = lang_is_signed(t);
    enum word_op less = s ? WORD_SLT : WORD_ULT;

    switch (op) {
    case OP_ADD:
        return arithmetic(x, WORD_ADD, s ? WORD_SADD_OVF : WORD_UADD_OVF, a, b, site);
    case OP_SUB:
        return arithmetic(x, WORD_SUB, s ? WORD_SSUB_OVF : WORD_USUB_OVF, a, b, site);
    case OP_MUL:
        return arithmetic(x, WORD_MUL, s ? WORD_SMUL_OVF : WORD_UMUL_OVF, a, b, site);
    case OP_DIV:
    case OP_REM:
        return divide(x, op == OP_REM, s, a, b, site);
    case OP_AND:
        return word_and(&x->p, a, b);
    case OP_OR:
        return word_or(&x->p, a, b);
    case OP_XOR:
        return word_binary(&x->p, WORD_XOR, a, b);
    case OP_SHL:
        return shift(x, WORD_SHL, a, b, site);
    case OP_SHR:
        return shift(x, s ? WORD_SAR : WORD_SHR, a, b, site);
    case OP_LT:
        return word_binary(&x->p, less, a, b);
    case OP_GT:
        return word_binary(&x->p, less, b, a);
    case OP_LE:
        return word_not(&x->p, word_binary(&x->p, less, b, a));
    default:
        return word_not(&x->p, word_binary(&x->p, less, a, b));
    }
}

word_id exec_unary(struct exec *x, lang_op op, word_id a, uint32_t site)
{
    if (op == OP_NOT) {
        return word_not(&x->p, a);
    }
    word_id negated = word_unary(&x->p, WORD_NEG, a);
    if (checked(x)) { /* −MIN is the one negation of a negative number that is negative */
        exec_check(x, word_and(&x->p, top_bit(x, a), top_bit(x, negated)), site);
    }
    return negated;
}

word_id exec_equal(struct exec *x, size_t a, size_t b, size_t n)
{
    word_id all = WORD_TRUE;

    for (size_t i = 0; i < n && all != WORD_FALSE; i++) {
        all = word_and(&x->p, all, word_eq(&x->p, x->stack[a + i], x->stack[b + i]));
    }
    return all;
}
