/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gadgets: division by constants. */
#include "lang/gadget.h"

__extension__ typedef unsigned __int128 u128;

/* ---- Unsigned: a product with the reciprocal, where it is cheaper ---- */

struct reciprocal {
    u128 factor;
    size_t shift; /* x / d = x · factor >> shift */
};

/*
 * For all x < 2^n: with factor = ⌊2^(n+s) / d⌋ + 1 and e = factor · d − 2^(n+s) ≤ 2^s (Granlund and
 * Montgomery, "Division by invariant integers using multiplication", theorem 4.2). The least such
 * s, for the shortest factor. False if it takes more than 128 bits.
 */
static bool find_reciprocal(struct reciprocal *r, uint64_t d, size_t n)
{
    for (size_t s = 0; n + s < 127; s++) {
        u128 power = (u128)1 << (n + s);
        u128 factor = power / d + 1;
        if (factor * d - power <= (u128)1 << s) {
            *r = (struct reciprocal){factor, n + s};
            return true;
        }
    }
    return false;
}

static size_t bit_length(u128 v)
{
    size_t n = 0;
    for (; v != 0; v >>= 1) {
        n++;
    }
    return n;
}

static void divide_by_product(struct whist_builder *b, whist_wire *quotient, const whist_wire *x,
                              size_t n, const struct reciprocal *r)
{
    whist_wire factor[128], product[256];
    size_t m = bit_length(r->factor);

    for (size_t i = 0; i < m; i++) {
        factor[i] = whist_builder_const(b, (r->factor >> i & 1) != 0);
    }
    whist_builder_mul(b, product, n + m, x, n, factor, m);
    for (size_t i = 0; i < n; i++) {
        quotient[i] = r->shift + i < n + m ? product[r->shift + i] : 0;
    }
}

/* Additions of a product with the factor. */
static size_t additions(u128 factor)
{
    size_t n = 0;

    if (factor >> 62 == 0) {
        return builder_constant_additions((uint64_t)factor);
    }
    for (u128 v = factor; v != 0; v >>= 1) { /* digits −1, 0, 1 */
        if ((v & 1) != 0) {
            n++;
            v = (v & 3) == 3 ? v + 1 : v - 1;
        }
    }
    return n - 1;
}

/* Unsigned quotient and remainder by a constant d, odd and > 1. */
static bool divide_unsigned(struct whist_builder *b, whist_wire *quotient, const whist_wire *x,
                            uint64_t d, size_t n)
{
    struct reciprocal r;

    size_t m = bit_length(d), divider = m > n ? 0 : (n - m + 1) * (m - 1); /* ANDs */
    if (!find_reciprocal(&r, d, n) || additions(r.factor) * n >= divider) {
        return false;
    }
    divide_by_product(b, quotient, x, n, &r);
    return true;
}

/* remainder = x − quotient · d mod 2^n. */
static void remainder_of(struct whist_builder *b, whist_wire *remainder, const whist_wire *x,
                         const whist_wire *quotient, const whist_wire *y, size_t n)
{
    whist_wire product[64];
    whist_builder_mul(b, product, n, quotient, n, y, n);
    whist_builder_sub(b, remainder, NULL, x, product, n);
}

/* ---- Signed: powers of two ---- */

/* x / 2^k, rounded towards zero: negative numbers get 2^k − 1 more before the shift. */
static void divide_by_power(struct whist_builder *b, whist_wire *quotient, whist_wire *remainder,
                            const whist_wire *x, size_t n, size_t k, bool negative)
{
    whist_wire more[64] = {0}, sum[64], low[64] = {0};

    for (size_t i = 0; i < k; i++) {
        more[i] = x[n - 1];
    }
    whist_builder_add(b, sum, NULL, x, more, n);
    memcpy(low, sum, k * sizeof *low);
    for (size_t i = 0; i < n; i++) {
        quotient[i] = sum[i + k < n ? i + k : n - 1];
    }
    if (negative) {
        whist_builder_neg(b, quotient, quotient, n);
    }
    whist_builder_sub(b, remainder, NULL, low, more, n);
}

/* ---- All ---- */

static bool constant_value(const whist_wire *y, size_t n, uint64_t *value_out)
{
    *value_out = 0;
    for (size_t i = 0; i < n; i++) {
        if (!wire_is_const(y[i])) {
            return false;
        }
        *value_out |= (uint64_t)y[i] << i;
    }
    return true;
}

bool gadget_div_constant(struct whist_builder *b, whist_wire *quotient_out,
                         whist_wire *remainder_out, const whist_wire *x, const whist_wire *y,
                         size_t n, bool is_signed)
{
    whist_wire quotient[64], remainder[64];
    uint64_t d;
    size_t zeros = 0;

    if (n > 64 || !constant_value(y, n, &d) || d < 2 || !builder_ok(b)) {
        return false;
    }
    bool negative = is_signed && (d >> (n - 1) & 1) != 0;
    if (negative) {
        d = (0 - d) & (n == 64 ? UINT64_MAX : ((uint64_t)1 << n) - 1);
    }
    while ((d >> zeros & 1) == 0) {
        zeros++;
    }
    if (is_signed) {
        if (d >> zeros != 1 || zeros == 0 || zeros == n - 1) {
            return false;
        }
        divide_by_power(b, quotient, remainder, x, n, zeros, negative);
    } else {
        /* x / (d' · 2^k) = (x / 2^k) / d' */
        if (d >> zeros == 1 || !divide_unsigned(b, quotient, x + zeros, d >> zeros, n - zeros)) {
            return false;
        }
        memset(quotient + n - zeros, 0, zeros * sizeof *quotient);
        remainder_of(b, remainder, x, quotient, y, n);
    }
    memcpy(quotient_out, quotient, n * sizeof *quotient);
    memcpy(remainder_out, remainder, n * sizeof *remainder);
    return true;
}
