/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Builder: multiplication.
 *
 * With digits ±1 instead of 0 and 1 a partial product is an XNOR, which is free, so that only the
 * additions cost ANDs: about half of what partial products by AND take. From
 *   2x + 1 − 2^m = Σ_{i<m} s_i 2^i,  s_i = 2x_i − 1,
 * for an m-bit x, the same for an n-bit y, and s_i·t_j = 2·XNOR(x_i, y_j) − 1, follows
 *   2xy = Σ_ij XNOR(x_i, y_j) 2^(i+j) + Σ_i ¬x_i 2^i + Σ_j ¬y_j 2^j + x·2^n + y·2^m + 1 − 2^(m+n).
 * A signed m-bit x is x' − 2^(m−1), x' with the top bit flipped; then
 *   2xy = 2x'y − y·2^m
 * and one of the terms above goes away.
 */
#include "circuit/builder.h"

/* Bits of both factors from which on products of halves have fewer ANDs, measured: by Karatsuba's
 * way, the same for squares, and plainly where the product is cut off below its full width. */
enum { KARATSUBA_MIN = 30, SQUARE_MIN = 40, SPLIT_MIN = 128 };

/* A factor without known zeros at its ends. */
struct factor {
    whist_wire *w;
    size_t n;
    bool is_signed; /* w has the top bit flipped; the number is w − 2^(n−1) */
    size_t shift;   /* zeros taken away at the low end */
};

static bool factor_init(struct factor *f, struct whist_builder *b, const whist_wire *x, size_t n,
                        size_t out_width)
{
    n = n < out_width ? n : out_width;
    *f = (struct factor){.n = n};
    while (f->n != 0 && x[f->n - 1] == 0) {
        f->n--;
    }
    while (f->shift < f->n && x[f->shift] == 0) {
        f->shift++;
    }
    f->n -= f->shift;
    f->w = builder_wires(b, f->n);
    if (f->w == NULL) {
        return false;
    }
    if (f->n != 0) {
        memcpy(f->w, x + f->shift, f->n * sizeof *x);
    }
    /* A top bit that repeats up to the width of the product is a sign. */
    if (f->shift + f->n == out_width) {
        for (; f->n > 1 && f->w[f->n - 2] == f->w[f->n - 1]; f->n--) {
            f->is_signed = true;
        }
        if (f->is_signed) {
            f->w[f->n - 1] ^= 1;
        }
    }
    return true;
}

/* Drops what does not matter mod 2^width; a sign then lies above. */
static void factor_cut(struct factor *f, size_t width)
{
    if (f->n > width) {
        f->n = width;
        f->is_signed = false;
    }
}

static bool is_constant(const struct factor *f)
{
    for (size_t i = 0; i < f->n; i++) {
        if (!wire_is_const(f->w[i])) {
            return false;
        }
    }
    return true;
}

/* Equal bits in the columns of a square merge, which halves the ANDs. */
static bool is_square(const struct factor *x, const struct factor *y)
{
    return x->n == y->n && x->is_signed == y->is_signed &&
           memcmp(x->w, y->w, x->n * sizeof *x->w) == 0;
}

/* ---- Ways to multiply ---- */

struct pair {
    const struct factor *x, *y;
};

/* Range of i for which x_i·y_(k−i) is a partial product. */
static size_t first_of(const struct pair *p, size_t k)
{
    return k < p->y->n ? 0 : k + 1 - p->y->n;
}
static size_t end_of(const struct pair *p, size_t k)
{
    return k < p->x->n ? k + 1 : p->x->n;
}

static void fill_signs(struct sum *s, size_t k)
{
    const struct pair *p = s->fill_arg;

    for (size_t i = first_of(p, k); i < end_of(p, k); i++) {
        whist_wire differ = whist_builder_xor(s->b, p->x->w[i], p->y->w[k - i]);
        sum_bit(s, whist_builder_not(s->b, differ), k);
    }
}

/* Adds 2xy; the partial products come with fill_signs. */
static void add_by_signs(struct sum *s, const struct factor *x, const struct factor *y)
{
    size_t m = x->n, n = y->n;

    for (size_t i = 0; i < m; i++) {
        sum_bit(s, whist_builder_not(s->b, x->w[i]), i);
    }
    for (size_t j = 0; j < n; j++) {
        sum_bit(s, whist_builder_not(s->b, y->w[j]), j);
    }
    sum_constant(s, 0, false);
    sum_constant(s, m + n, true);
    if (!x->is_signed) {
        sum_number(s, y->w, n, m);
    }
    if (!y->is_signed) {
        sum_number(s, x->w, m, n);
    }
    if (x->is_signed && y->is_signed) {
        /* 2(x' − 2^(m−1))(y' − 2^(n−1)) has 2^(m+n−1) besides. */
        sum_constant(s, m + n - 1, false);
    }
}

/* Partial products of xy from ANDs of bits; for factors with many constant bits. */
static void fill_ands(struct sum *s, size_t k)
{
    const struct pair *p = s->fill_arg;

    for (size_t i = first_of(p, k); i < end_of(p, k); i++) {
        bool top_x = p->x->is_signed && i + 1 == p->x->n;
        bool top_y = p->y->is_signed && k - i + 1 == p->y->n;
        whist_wire bit = whist_builder_and(s->b, p->x->w[i] ^ top_x, p->y->w[k - i] ^ top_y);
        if (top_x != top_y) {
            sum_minus_bit(s, bit, k);
        } else {
            sum_bit(s, bit, k);
        }
    }
}

/* Adds ±x·2^at. */
static void add_shifted(struct sum *s, const struct factor *x, size_t at, bool negative)
{
    if (negative) {
        sum_minus_number(s, x->w, x->n, at);
    } else {
        sum_number(s, x->w, x->n, at);
    }
    if (x->is_signed) {
        sum_constant(s, at + x->n - 1, !negative);
    }
}

/* Bit j of a constant, above its top the sign. */
static bool constant_bit(const struct factor *y, size_t j)
{
    if (y->is_signed && j + 1 >= y->n) {
        return y->w[y->n - 1] == 0;
    }
    return j < y->n && y->w[j] == 1;
}

/* Adds xy for a constant y: digits −1, 0, 1, of which no two neighbours are nonzero. */
static void add_by_constant(struct sum *s, const struct factor *x, const struct factor *y)
{
    bool carry = false;

    for (size_t j = 0; j <= y->n; j++) {
        if (constant_bit(y, j) != carry) {
            carry = constant_bit(y, j + 1);
            add_shifted(s, x, j, carry);
        }
    }
}

/* Nonzero digits of v as add_by_constant takes it. */
static unsigned count_digits(uint64_t v)
{
    unsigned n = 0;
    for (unsigned j = 0; v != 0; j++, v >>= 1) {
        if ((v & 1) != 0) {
            n++;
            v = (v & 3) == 3 && v != 1 ? v + 1 : v - 1;
        }
    }
    return n;
}

enum { SPLIT_DEPTH = 3 };

/* A constant as f·rest with f = 2^k ± 1, so that xf·rest is one addition beside x·rest. */
struct split {
    uint64_t rest;
    unsigned k;
    bool minus;
    unsigned additions; /* of all */
};

/* The way with fewest additions; k = 0: digit by digit. The constant gets smaller every time.
 * NOLINTNEXTLINE(misc-no-recursion) */
static struct split split_constant(uint64_t v, unsigned depth)
{
    struct split best = {v, 0, false, count_digits(v) - (v != 0)};

    for (unsigned k = 2; k < 32 && depth != 0 && best.additions > 2; k++) {
        for (unsigned minus = 0; minus < 2; minus++) {
            uint64_t f = minus != 0 ? ((uint64_t)1 << k) - 1 : ((uint64_t)1 << k) + 1;
            if (f < v && v % f == 0) {
                unsigned n = split_constant(v / f, depth - 1).additions + 1;
                if (n < best.additions) {
                    best = (struct split){v / f, k, minus != 0, n};
                }
            }
        }
    }
    return best;
}

unsigned builder_constant_additions(uint64_t v)
{
    return split_constant(v, SPLIT_DEPTH).additions;
}

/* ANDs of a sum with so many bits in its columns. */
static uint64_t sum_cost(size_t *counts, size_t width)
{
    uint64_t ands = 0;
    for (size_t k = 0; k + 1 < width; k++) {
        ands += counts[k] / 2;
        counts[k + 1] += counts[k] / 2;
    }
    return ands;
}

/* Whether ANDs of bits are cheaper than signs. Constants decide it, and small sizes. */
static bool prefer_ands(struct whist_builder *b, const struct factor *x, const struct factor *y,
                        size_t width)
{
    size_t *counts = builder_ok(b) ? whist_zalloc(2 * (width + 1), sizeof *counts) : NULL;
    uint64_t ands = 0;

    if (counts == NULL) {
        builder_fail(b, WHIST_ERR_NOMEM);
        return false;
    }
    size_t *signs = counts + width + 1;
    for (size_t i = 0; i < x->n; i++) {
        for (size_t j = 0; j < y->n && i + j < width; j++) {
            bool cx = wire_is_const(x->w[i]), cy = wire_is_const(y->w[j]);
            bool zero = (cx && x->w[i] == 0) || (cy && y->w[j] == 0);
            counts[i + j] += !zero;
            ands += !cx && !cy;
            signs[i + j] += !cx || !cy;
        }
        signs[i] += i <= width;
        signs[y->n + i < width ? y->n + i : width] += !y->is_signed;
    }
    for (size_t j = 0; j < y->n; j++) {
        signs[j]++;
        signs[x->n + j < width ? x->n + j : width] += !x->is_signed;
    }
    ands += sum_cost(counts, width);
    bool prefer = ands < sum_cost(signs, width + 1);
    whist_free(counts);
    return prefer;
}

/* ---- Products ---- */

/* A product of halves calls multiply on halves of the factors, so less than 64 deep.
 * NOLINTBEGIN(misc-no-recursion) */

/* The value of a constant factor; false if it is signed or larger than 62 bits. */
static bool constant_value(const struct factor *y, uint64_t *value_out)
{
    *value_out = 0;
    for (size_t j = 0; j < y->n && y->n <= 62; j++) {
        *value_out |= (uint64_t)y->w[j] << j;
    }
    return !y->is_signed && y->n <= 62;
}

/* x·v mod 2^width. */
static void multiply_constant(struct whist_builder *b, whist_wire *out, size_t width,
                              const struct factor *x, uint64_t v)
{
    struct split split = split_constant(v, SPLIT_DEPTH);
    struct sum s;

    if (split.k == 0) {
        whist_wire digits[64];
        struct factor y = {digits, 0, false, 0};
        for (; v != 0; v >>= 1) {
            digits[y.n++] = whist_builder_const(b, (v & 1) != 0);
        }
        sum_init(&s, b, width);
        add_by_constant(&s, x, &y);
        sum_finish(&s, out, 0);
        return;
    }
    whist_wire *t = builder_wires(b, width);
    if (t != NULL) {
        multiply_constant(b, t, width, x, split.rest);
        sum_init(&s, b, width);
        if (split.minus) {
            sum_minus_number(&s, t, width, 0);
        } else {
            sum_number(&s, t, width, 0);
        }
        sum_number(&s, t, width, split.k);
        sum_finish(&s, out, 0);
    }
    whist_free(t);
}

/* xy mod 2^width; the factors may be signed. */
static void multiply_flat(struct whist_builder *b, whist_wire *out, size_t width,
                          const struct factor *x, const struct factor *y)
{
    bool constant = is_constant(x) || is_constant(y);
    bool by_signs = !constant && !prefer_ands(b, x, y, width);
    struct pair pair = {x, y};
    uint64_t value;
    struct sum s;

    if (constant && constant_value(is_constant(y) ? y : x, &value)) {
        multiply_constant(b, out, width, is_constant(y) ? x : y, value);
        return;
    }
    sum_init(&s, b, width + by_signs);
    if (constant) {
        add_by_constant(&s, is_constant(y) ? x : y, is_constant(y) ? y : x);
    } else {
        s.fill = by_signs ? fill_signs : fill_ands;
        s.fill_arg = &pair;
    }
    if (by_signs) {
        add_by_signs(&s, x, y);
    }
    sum_finish(&s, out, by_signs);
}

static void multiply(struct whist_builder *b, whist_wire *out, size_t width, const whist_wire *x,
                     size_t m, const whist_wire *y, size_t n);

/* Adds xy · 2^at. */
static void add_product(struct sum *s, const whist_wire *x, size_t m, const whist_wire *y, size_t n,
                        size_t at)
{
    size_t width = at < s->width ? s->width - at : 0;
    width = width < m + n ? width : m + n;
    whist_wire *p = builder_wires(s->b, width);
    if (p != NULL && width != 0) {
        multiply(s->b, p, width, x, m, y, n);
        sum_number(s, p, width, at);
    }
    whist_free(p);
}

/* x + y of m ≥ n bits, m + 1 bits. */
static void add_halves(struct whist_builder *b, whist_wire *out, const whist_wire *x, size_t m,
                       const whist_wire *y, size_t n)
{
    memset(out, 0, (m + 1) * sizeof *out);
    memcpy(out, y, n * sizeof *out);
    whist_builder_add(b, out, &out[m], out, x, m);
}

/*
 * x = x_1·2^h + x_0, the same for y; P = x_0·y_0, Q = x_1·y_1, S = (x_0 + x_1)(y_0 + y_1):
 *   xy = P + (S − P − Q)·2^h + Q·2^2h,
 * where with lower halves P_0, Q_0 and upper halves P_1, Q_1 the difference P_1 − Q_0 is needed
 * twice.
 */
static void add_karatsuba(struct sum *s, const whist_wire *x, size_t m, const whist_wire *y,
                          size_t n, size_t h)
{
    struct whist_builder *b = s->b;
    whist_wire *p = builder_wires(b, 8 * h + 4);

    if (p == NULL) {
        return;
    }
    whist_wire *q = p + 2 * h, *x_sum = q + 2 * h, *y_sum = x_sum + h + 1, *t = y_sum + h + 1;
    size_t q_len = m + n - 2 * h; /* between 2 and 2h, zeros above */
    multiply(b, p, 2 * h, x, h, y, h);
    multiply(b, q, q_len, x + h, m - h, y + h, n - h);
    add_halves(b, x_sum, x, h, x + h, m - h);
    add_halves(b, y_sum, y, h, y + h, n - h);
    add_product(s, x_sum, h + 1, y_sum, h + 1, h);
    whist_builder_sub(b, t, &t[h], p + h, q, h);
    sum_number(s, p, h, 0);
    sum_minus_number(s, p, h, h);
    sum_number(s, t, h, h);
    sum_minus_number(s, t, h, 2 * h);
    sum_minus_bit(s, t[h], 2 * h);
    sum_bit(s, t[h], 3 * h);
    sum_minus_number(s, q + h, h, 2 * h);
    sum_number(s, q + h, h, 3 * h);
    whist_free(p);
}

/* Adds (x' − 2^(m−1))(y' − 2^(n−1)), or with one of the powers only, from x'y'. */
static void add_signed(struct sum *s, const struct factor *x, const struct factor *y)
{
    add_product(s, x->w, x->n, y->w, y->n, 0);
    if (x->is_signed) {
        sum_minus_number(s, y->w, y->n, x->n - 1);
    }
    if (y->is_signed) {
        sum_minus_number(s, x->w, x->n, y->n - 1);
    }
    if (x->is_signed && y->is_signed) {
        sum_constant(s, x->n + y->n - 2, false);
    }
}

/* xy mod 2^width from products of halves; false if these would have more ANDs. */
static bool multiply_halves(struct whist_builder *b, whist_wire *out, size_t width,
                            const struct factor *x, const struct factor *y)
{
    const struct factor *lo = x->n < y->n ? x : y, *hi = x->n < y->n ? y : x;
    size_t m = lo->n, n = hi->n, h = (n + 1) / 2;
    bool cut = width <= 3 * h, is_signed = x->is_signed || y->is_signed;
    size_t min = cut ? SPLIT_MIN : is_square(x, y) ? SQUARE_MIN : KARATSUBA_MIN;
    struct sum s;

    if (is_constant(x) || is_constant(y) || m < (is_signed ? min + min / 2 : min)) {
        return false;
    }
    sum_init(&s, b, width);
    if (is_signed) {
        add_signed(&s, x, y);
    } else if (m <= h) {
        add_product(&s, lo->w, m, hi->w, h, 0);
        add_product(&s, lo->w, m, hi->w + h, n - h, h);
    } else if (cut) {
        add_product(&s, lo->w, h, hi->w, h, 0);
        add_product(&s, lo->w, h, hi->w + h, n - h, h);
        add_product(&s, lo->w + h, m - h, hi->w, h, h);
        add_product(&s, lo->w + h, m - h, hi->w + h, n - h, 2 * h);
    } else {
        add_karatsuba(&s, lo->w, m, hi->w, n, h);
    }
    sum_finish(&s, out, 0);
    return true;
}

static void multiply(struct whist_builder *b, whist_wire *out, size_t width, const whist_wire *x,
                     size_t m, const whist_wire *y, size_t n)
{
    struct factor fx = {0}, fy = {0};
    bool good = factor_init(&fx, b, x, m, width) && factor_init(&fy, b, y, n, width);
    size_t zeros = fx.shift + fy.shift;
    whist_wire *r = builder_wires(b, width);

    if (good && r != NULL && fx.n != 0 && fy.n != 0 && zeros < width) {
        factor_cut(&fx, width - zeros);
        factor_cut(&fy, width - zeros);
        if (!multiply_halves(b, r + zeros, width - zeros, &fx, &fy)) {
            multiply_flat(b, r + zeros, width - zeros, &fx, &fy);
        }
    }
    builder_give(b, out, r, width);
    whist_free(fx.w);
    whist_free(fy.w);
}

/* NOLINTEND(misc-no-recursion) */

void whist_builder_mul(struct whist_builder *b, whist_wire *out, size_t out_width,
                       const whist_wire *x, size_t nx, const whist_wire *y, size_t ny)
{
    WHIST_REQUIRE(nx > 0 && ny > 0 && out_width > 0);
    WHIST_REQUIRE(nx <= SIZE_MAX - ny && out_width <= nx + ny);
    multiply(b, out, out_width, x, nx, y, ny);
}
