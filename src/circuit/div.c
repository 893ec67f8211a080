/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Builder: division, non-restoring: in each step the divisor is added or subtracted (one full adder
 * a bit, the choice is an XOR), never selected. For the first t bits X_t of the dividend the
 * remainder R_t = X_t − (multiples of y) lies in [−y, y).
 *
 * Step t only keeps R_t mod 2^(t+1). That is enough: if y < 2^t, R_t fits and bit t is its sign.
 * Else X_t < y, so R_t = X_t − y, which is negative; its low bits follow from the low bits of step
 * t − 1. So step t takes t ANDs and one for "y ≥ 2^t or bit t".
 */
#include "circuit/builder.h"

struct division {
    struct whist_builder *b;
    const whist_wire *x, *y;
    size_t n;        /* steps: bits of x below its known zeros */
    size_t m;        /* bits of y below its known zeros */
    size_t n_bits;   /* width of everything */
    whist_wire *r;   /* remainder, m + 1 or n + 1 bits */
    whist_wire *big; /* big[t] = y ≥ 2^t */
};

static size_t significant(const whist_wire *x, size_t n)
{
    while (n != 0 && x[n - 1] == 0) {
        n--;
    }
    return n;
}

/* r = 2r + x ± y in `width` bits; subtracts if q is 1. */
static void step(struct division *d, size_t width, whist_wire x, whist_wire q)
{
    struct whist_builder *b = d->b;
    whist_wire carry = q, above = x; /* bit i of 2r + x */

    for (size_t i = 0; i < width; i++) {
        whist_wire a = above, y = whist_builder_xor(b, i < d->m ? d->y[i] : 0, q);
        above = d->r[i];
        d->r[i] = whist_builder_xor(b, whist_builder_xor(b, a, carry), y);
        if (i + 1 < width) {
            carry = builder_majority(b, a, y, carry);
        }
    }
}

/* r = r + y if it is negative. */
static void restore(struct division *d, size_t width, whist_wire negative)
{
    whist_wire carry = 0;
    for (size_t i = 0; i < width; i++) {
        whist_wire y = whist_builder_and(d->b, i < d->m ? d->y[i] : 0, negative), a = d->r[i];
        d->r[i] = whist_builder_xor(d->b, whist_builder_xor(d->b, a, carry), y);
        if (i + 1 < width) {
            carry = builder_majority(d->b, a, y, carry);
        }
    }
}

/* Writes n_bits bits of quotient and remainder. A zero divisor makes every step succeed where it
 * fits into t bits, and leaves the dividend in r; beyond that `zero` corrects. */
static void divide(struct division *d, whist_wire *quotient, whist_wire *remainder, whist_wire zero)
{
    struct whist_builder *b = d->b;
    size_t low = d->n < d->m ? d->n : d->m;
    whist_wire q = 1;
    size_t t = 1;

    /* While y ≥ 2^t is known, as of a constant, nothing is subtracted. */
    for (; t <= d->n && d->big[t] == 1; t++) {
        memmove(d->r + 1, d->r, t * sizeof *d->r);
        d->r[0] = d->x[d->n - t];
        quotient[d->n - t] = 0;
    }
    for (; t <= d->n && builder_ok(b); t++) {
        size_t width = (t < d->m ? t : d->m) + 1;
        step(d, width, d->x[d->n - t], q);
        q = whist_builder_not(b, whist_builder_or(b, d->big[t], d->r[width - 1]));
        quotient[d->n - t] = t > d->m ? whist_builder_or(b, q, zero) : q;
    }
    for (size_t i = d->n; i < d->n_bits; i++) {
        quotient[i] = zero;
    }
    restore(d, low, whist_builder_not(b, q));
    for (size_t i = 0; i < d->n_bits; i++) {
        remainder[i] = i < low ? d->r[i] : i < d->n ? whist_builder_and(b, zero, d->x[i]) : 0;
    }
}

/* Unsigned; both outputs have n wires; *nonzero_out = (y ≠ 0). */
static void divide_unsigned(struct whist_builder *b, whist_wire *quotient, whist_wire *remainder,
                            whist_wire *nonzero_out, const whist_wire *x, const whist_wire *y,
                            size_t n)
{
    struct division d = {b, x, y, significant(x, n), significant(y, n), n, NULL, NULL};

    d.r = builder_wires(b, n + 1);
    d.big = builder_wires(b, n + 1);
    if (d.r != NULL && d.big != NULL) {
        for (size_t t = d.m; t-- > 0;) {
            d.big[t] = whist_builder_or(b, d.big[t + 1], y[t]);
        }
        *nonzero_out = d.big[0];
        divide(&d, quotient, remainder, whist_builder_not(b, d.big[0]));
    }
    whist_free(d.r);
    whist_free(d.big);
}

void builder_negate_if(struct whist_builder *b, whist_wire *out, const whist_wire *x, size_t n,
                       whist_wire negative)
{
    whist_wire carry = negative;
    for (size_t i = 0; i < n; i++) {
        whist_wire a = whist_builder_xor(b, x[i], negative);
        out[i] = whist_builder_xor(b, a, carry);
        if (i + 1 < n) {
            carry = whist_builder_and(b, a, carry);
        }
    }
}

void whist_builder_div(struct whist_builder *b, whist_wire *quotient_out, whist_wire *remainder_out,
                       const whist_wire *x, const whist_wire *y, size_t n, bool is_signed)
{
    WHIST_REQUIRE(n > 0 && n < SIZE_MAX / 8);
    whist_wire *w = builder_wires(b, 4 * n), nonzero = 0;

    if (w != NULL) {
        whist_wire *q = w, *r = w + n, *u = w + 2 * n, *v = w + 3 * n;
        whist_wire x_sign = is_signed ? x[n - 1] : 0, y_sign = is_signed ? y[n - 1] : 0;
        builder_negate_if(b, u, x, n, x_sign);
        builder_negate_if(b, v, y, n, y_sign);
        divide_unsigned(b, q, r, &nonzero, u, v, n);
        /* Division by zero: the quotient stays all ones. */
        whist_wire sign = whist_builder_and(b, whist_builder_xor(b, x_sign, y_sign), nonzero);
        builder_negate_if(b, q, q, n, sign);
        builder_negate_if(b, r, r, n, x_sign);
    }
    bool good = w != NULL && builder_ok(b);
    for (size_t i = 0; i < n; i++) {
        if (quotient_out != NULL) {
            quotient_out[i] = good ? w[i] : 0;
        }
        if (remainder_out != NULL) {
            remainder_out[i] = good ? w[n + i] : 0;
        }
    }
    whist_free(w);
}
