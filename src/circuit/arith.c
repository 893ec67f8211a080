/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Builder: addition, comparison, selection. */
#include "circuit/builder.h"

void whist_builder_add(struct whist_builder *b, whist_wire *out, whist_wire *carry_out,
                       const whist_wire *x, const whist_wire *y, size_t n)
{
    whist_wire *r = builder_wires(b, n), c = 0;

    WHIST_REQUIRE(n > 0);
    for (size_t i = 0; i < n && builder_ok(b); i++) {
        r[i] = whist_builder_xor(b, whist_builder_xor(b, x[i], c), y[i]);
        if (i + 1 < n || carry_out != NULL) {
            c = builder_majority(b, x[i], y[i], c);
        }
    }
    builder_give(b, out, r, n);
    if (carry_out != NULL) {
        *carry_out = builder_ok(b) ? c : 0;
    }
}

/* The borrow of x − y − c: at least two of ¬x, y, c, written without negations. */
static whist_wire borrow(struct whist_builder *b, whist_wire x, whist_wire y, whist_wire c)
{
    whist_wire p = whist_builder_xor(b, x, y), q = whist_builder_xor(b, y, c);
    return whist_builder_xor(b, c, whist_builder_and(b, p, q));
}

void whist_builder_sub(struct whist_builder *b, whist_wire *out, whist_wire *borrow_out,
                       const whist_wire *x, const whist_wire *y, size_t n)
{
    whist_wire *r = builder_wires(b, n), c = 0;

    WHIST_REQUIRE(n > 0);
    for (size_t i = 0; i < n && builder_ok(b); i++) {
        r[i] = whist_builder_xor(b, whist_builder_xor(b, y[i], c), x[i]);
        if (i + 1 < n || borrow_out != NULL) {
            c = borrow(b, x[i], y[i], c);
        }
    }
    builder_give(b, out, r, n);
    if (borrow_out != NULL) {
        *borrow_out = builder_ok(b) ? c : 0;
    }
}

/* Bit i of −x is x_i, flipped if a lower bit is 1: n − 2 ANDs. */
void whist_builder_neg(struct whist_builder *b, whist_wire *out, const whist_wire *x, size_t n)
{
    whist_wire *r = builder_wires(b, n), lower = 0;

    WHIST_REQUIRE(n > 0);
    for (size_t i = 0; i < n && builder_ok(b); i++) {
        r[i] = whist_builder_xor(b, x[i], lower);
        if (i + 1 < n) {
            lower = whist_builder_or(b, lower, x[i]);
        }
    }
    builder_give(b, out, r, n);
}

whist_wire whist_builder_less(struct whist_builder *b, const whist_wire *x, const whist_wire *y,
                              size_t n, bool is_signed)
{
    whist_wire c = 0;

    WHIST_REQUIRE(n > 0);
    for (size_t i = 0; i < n; i++) {
        /* Signed: the top bits weigh −2^(n−1), so they change places. */
        bool swap = is_signed && i + 1 == n;
        c = borrow(b, swap ? y[i] : x[i], swap ? x[i] : y[i], c);
    }
    return c;
}

whist_wire whist_builder_equal(struct whist_builder *b, const whist_wire *x, const whist_wire *y,
                               size_t n)
{
    whist_wire *r = builder_wires(b, n);

    WHIST_REQUIRE(n > 0);
    if (r == NULL) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        r[i] = whist_builder_not(b, whist_builder_xor(b, x[i], y[i]));
    }
    for (; n > 1; n = (n + 1) / 2) { /* a tree, for depth log n */
        for (size_t i = 0; i < n / 2; i++) {
            r[i] = whist_builder_and(b, r[2 * i], r[2 * i + 1]);
        }
        if (n % 2 != 0) {
            r[n / 2] = r[n - 1];
        }
    }
    whist_wire out = builder_ok(b) ? r[0] : 0;
    whist_free(r);
    return out;
}

void whist_builder_select(struct whist_builder *b, whist_wire *out, whist_wire c,
                          const whist_wire *x, const whist_wire *y, size_t n)
{
    whist_wire *r = builder_wires(b, n);

    WHIST_REQUIRE(n > 0);
    for (size_t i = 0; i < n && builder_ok(b); i++) {
        r[i] = whist_builder_mux(b, c, x[i], y[i]);
    }
    builder_give(b, out, r, n);
}
