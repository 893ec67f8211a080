/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gadgets: products with overflow, quotients, equality. */
#include "lang/gadget.h"

/* ---- Products ---- */

/*
 * Is there a pair of ones x_i, y_j with i + j ≥ least (≥ n − 1)? With S_i = "some y_j, j ≥
 * least − i", which only grows with i, it is S_i for the topmost one x_i. Two ANDs a bit.
 */
static whist_wire distant_ones(struct whist_builder *b, const whist_wire *x, const whist_wire *y,
                               size_t n, size_t least)
{
    whist_wire some = 0, found = 0;

    for (size_t i = n == 0 ? 0 : least - (n - 1); i < n; i++) {
        some = whist_builder_or(b, some, y[least - i]);
        found = whist_builder_mux(b, x[i], some, found);
    }
    return found;
}

/* All bits XORed with the top one: |x|, or |x| − 1 for negative numbers. */
static void fold_sign(struct whist_builder *b, whist_wire *out, const whist_wire *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out[i] = whist_builder_xor(b, x[i], x[n - 1]);
    }
}

static bool all_const(const whist_wire *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!wire_is_const(x[i])) {
            return false;
        }
    }
    return true;
}

/*
 * The product mod 2^(n+1) is enough. Unsigned: let x_i, y_j be the topmost ones, then 2^(i+j) ≤
 * xy < 2^(i+j+2). So i + j ≥ n is an overflow, and below, bit n of the product says it.
 * Signed: for the numbers with folded sign, |xy| ≥ 2^(n−1) and not −2^(n−1) if i + j ≥ n − 1;
 * below, |xy| ≤ 2^n, and the bits n and n − 1 differ exactly in an overflow.
 */
static whist_wire mul_overflow(struct whist_builder *b, whist_wire *scratch,
                               const whist_wire *product, const whist_wire *x, const whist_wire *y,
                               size_t n, bool is_signed)
{
    whist_wire beyond = product[n], *xs = scratch, *ys = scratch + n;
    size_t least = n;

    if (is_signed) {
        beyond = whist_builder_xor(b, product[n], product[n - 1]);
        fold_sign(b, xs, x, n);
        fold_sign(b, ys, y, n);
        x = xs;
        y = ys;
        n--;
        least = n;
        if (n == 0) {
            return beyond;
        }
    }
    return whist_builder_or(b, beyond, distant_ones(b, x, y, n, least));
}

void gadget_mul(struct whist_builder *b, whist_wire *out, whist_wire *overflow_out,
                const whist_wire *x, const whist_wire *y, size_t n, bool is_signed)
{
    WHIST_REQUIRE(n > 0 && n < SIZE_MAX / 8);
    whist_wire *w = builder_wires(b, 3 * (n + 1)), overflow = 0;

    if (all_const(x, n)) { /* the constant in second place: distant_ones has less to do */
        const whist_wire *t = x;
        x = y;
        y = t;
    }
    if (w != NULL) {
        whist_wire *xs = w + n + 1, *ys = xs + n + 1;
        memcpy(xs, x, n * sizeof *x);
        memcpy(ys, y, n * sizeof *y);
        xs[n] = is_signed ? x[n - 1] : 0;
        ys[n] = is_signed ? y[n - 1] : 0;
        whist_builder_mul(b, w, n + 1, xs, n + 1, ys, n + 1);
        overflow = mul_overflow(b, xs, w, x, y, n, is_signed);
    }
    *overflow_out = builder_ok(b) ? overflow : 0;
    builder_give(b, out, w, n);
}

/* ---- Quotients ---- */

void gadget_div(struct whist_builder *b, whist_wire *quotient_out, whist_wire *remainder_out,
                const whist_wire *x, const whist_wire *y, size_t n, bool is_signed)
{
    if (!gadget_div_constant(b, quotient_out, remainder_out, x, y, n, is_signed)) {
        whist_builder_div(b, quotient_out, remainder_out, x, y, n, is_signed);
    }
}

/* ---- Equality ---- */

whist_wire gadget_is_zero(struct whist_builder *b, const whist_wire *x, size_t n, bool is_signed)
{
    whist_wire *w = builder_wires(b, n), any = 0;

    if (w != NULL) {
        memcpy(w, x, n * sizeof *w);
        if (is_signed) { /* of |x| */
            builder_negate_if(b, w, x, n, x[n - 1]);
        }
        for (size_t i = n; i-- > 0;) {
            any = whist_builder_or(b, any, w[i]);
        }
    }
    whist_free(w);
    return whist_builder_not(b, any);
}

whist_wire gadget_is_min(struct whist_builder *b, const whist_wire *x, size_t n)
{
    whist_wire lower = 0;
    for (size_t i = 0; i + 1 < n; i++) {
        lower = whist_builder_or(b, lower, x[i]);
    }
    return whist_builder_and(b, x[n - 1], whist_builder_not(b, lower));
}
