/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Every operation of the builder against C arithmetic, and its number of AND gates. */
#include "circuit_support.h"

__extension__ typedef unsigned __int128 u128;

enum { MAX_OUT = 600 };

/* An operation under test on two numbers of n bits. */
struct op {
    const char *name;
    /* Builds it; returns the number of output wires. */
    size_t (*build)(struct whist_builder *b, whist_wire *out, const whist_wire *x,
                    const whist_wire *y, size_t n);
    /* What must come out, as up to two values of out_widths bits. */
    void (*expect)(u128 *out, u128 x, u128 y, size_t n);
    size_t (*width)(size_t n, size_t *second_out); /* of the outputs; second 0: one */
    uint64_t (*ands)(size_t n);                    /* at most */
};

static u128 mask(size_t n)
{
    return n >= 128 ? ~(u128)0 : ((u128)1 << n) - 1;
}

static size_t one_number(size_t n, size_t *second_out)
{
    *second_out = 0;
    return n;
}
static size_t number_and_bit(size_t n, size_t *second_out)
{
    *second_out = 1;
    return n;
}
static size_t two_numbers(size_t n, size_t *second_out)
{
    *second_out = n;
    return n;
}
static size_t one_bit(size_t n, size_t *second_out)
{
    (void)n;
    *second_out = 0;
    return 1;
}
static size_t double_number(size_t n, size_t *second_out)
{
    *second_out = 0;
    return 2 * n;
}

/* ---- Operations ---- */

#define BUILD(name)                                                                                \
    static size_t name(struct whist_builder *b, whist_wire *out, const whist_wire *x,              \
                       const whist_wire *y, size_t n)
#define EXPECT(name) static void name(u128 *out, u128 x, u128 y, size_t n)
#define ANDS(name)   static uint64_t name(size_t n)

BUILD(build_add)
{
    whist_builder_add(b, out, NULL, x, y, n);
    return n;
}
EXPECT(expect_add)
{
    out[0] = (x + y) & mask(n);
}
ANDS(n_minus_1)
{
    return n - 1;
}

BUILD(build_add_carry)
{
    whist_builder_add(b, out, &out[n], x, y, n);
    return n + 1;
}
EXPECT(expect_add_carry)
{
    out[0] = (x + y) & mask(n);
    out[1] = out[0] < x;
}
ANDS(n_ands)
{
    return n;
}

BUILD(build_sub)
{
    whist_builder_sub(b, out, NULL, x, y, n);
    return n;
}
EXPECT(expect_sub)
{
    out[0] = (x - y) & mask(n);
}

BUILD(build_sub_borrow)
{
    whist_builder_sub(b, out, &out[n], x, y, n);
    return n + 1;
}
EXPECT(expect_sub_borrow)
{
    out[0] = (x - y) & mask(n);
    out[1] = x < y;
}

BUILD(build_neg)
{
    (void)y;
    whist_builder_neg(b, out, x, n);
    return n;
}
EXPECT(expect_neg)
{
    (void)y;
    out[0] = (~x + 1) & mask(n);
}
ANDS(neg_ands)
{
    return n < 2 ? 0 : n - 2;
}

static u128 flip_top(u128 x, size_t n)
{
    return x ^ (u128)1 << (n - 1);
}

BUILD(build_less)
{
    *out = whist_builder_less(b, x, y, n, false);
    return 1;
}
EXPECT(expect_less)
{
    (void)n;
    out[0] = x < y;
}
BUILD(build_less_signed)
{
    *out = whist_builder_less(b, x, y, n, true);
    return 1;
}
EXPECT(expect_less_signed)
{
    out[0] = flip_top(x, n) < flip_top(y, n);
}

BUILD(build_equal)
{
    *out = whist_builder_equal(b, x, y, n);
    return 1;
}
EXPECT(expect_equal)
{
    (void)n;
    out[0] = x == y;
}

BUILD(build_select)
{
    whist_builder_select(b, out, y[0], x, y, n);
    return n;
}
EXPECT(expect_select)
{
    (void)n;
    out[0] = (y & 1) != 0 ? x : y;
}

BUILD(build_mul)
{
    whist_builder_mul(b, out, n, x, n, y, n);
    return n;
}
EXPECT(expect_mul)
{
    out[0] = (x * y) & mask(n);
}
/* Never more than a schoolbook multiplication. */
ANDS(mul_ands)
{
    return n < 4 ? n * n - n + 1 : n * (n - 1) / 2 + 2 * n - 2;
}

BUILD(build_mul_full)
{
    whist_builder_mul(b, out, 2 * n, x, n, y, n);
    return 2 * n;
}
EXPECT(expect_mul_full)
{
    (void)n;
    out[0] = x * y;
}
ANDS(mul_full_ands)
{
    return n < 3 ? 2 * n * n - n : n * n + 3 * n - 2;
}

BUILD(build_mul_signed)
{
    whist_wire wide[2][256];
    for (size_t i = 0; i < 2 * n; i++) {
        wide[0][i] = x[i < n ? i : n - 1];
        wide[1][i] = y[i < n ? i : n - 1];
    }
    whist_builder_mul(b, out, 2 * n, wide[0], 2 * n, wide[1], 2 * n);
    return 2 * n;
}
static u128 extend(u128 x, size_t n)
{
    return (x >> (n - 1) & 1) != 0 ? x | ~mask(n) : x;
}
EXPECT(expect_mul_signed)
{
    out[0] = (extend(x, n) * extend(y, n)) & mask(2 * n);
}
ANDS(mul_signed_ands)
{
    return n < 3 ? 2 * n * n : n * n + 2 * n;
}

BUILD(build_square)
{
    (void)y;
    whist_builder_mul(b, out, 2 * n, x, n, x, n);
    return 2 * n;
}
EXPECT(expect_square)
{
    (void)n;
    (void)y;
    out[0] = x * x;
}
ANDS(square_ands)
{
    return n * (n + 1) / 2 + n;
}

BUILD(build_div)
{
    whist_builder_div(b, out, out + n, x, y, n, false);
    return 2 * n;
}
EXPECT(expect_div)
{
    out[0] = y == 0 ? mask(n) : x / y;
    out[1] = y == 0 ? x : x % y;
}
ANDS(div_ands)
{
    return n * (n + 1) / 2 + 4 * n;
}

BUILD(build_div_signed)
{
    whist_builder_div(b, out, out + n, x, y, n, true);
    return 2 * n;
}
static u128 magnitude(u128 x, size_t n)
{
    return (x >> (n - 1) & 1) != 0 ? (~x + 1) & mask(n) : x;
}
EXPECT(expect_div_signed)
{
    u128 a = magnitude(x, n), c = magnitude(y, n);
    bool x_negative = (x >> (n - 1) & 1) != 0, y_negative = (y >> (n - 1) & 1) != 0;
    u128 q = y == 0 ? mask(n) : a / c, r = y == 0 ? a : a % c;
    out[0] = (y != 0 && x_negative != y_negative ? ~q + 1 : q) & mask(n);
    out[1] = (x_negative ? ~r + 1 : r) & mask(n);
}
ANDS(div_signed_ands)
{
    return n * (n + 1) / 2 + 8 * n;
}

/* Shift amounts of 8 bits: below, at and above n. */
#define SHIFT(name, kind)                                                                          \
    BUILD(name)                                                                                    \
    {                                                                                              \
        whist_builder_shift(b, out, x, n, y, n < 8 ? n : 8, kind);                                 \
        return n;                                                                                  \
    }
SHIFT(build_left, WHIST_SHIFT_LEFT)
SHIFT(build_right, WHIST_SHIFT_RIGHT)
SHIFT(build_right_signed, WHIST_SHIFT_RIGHT_SIGNED)
static size_t amount(u128 y, size_t n)
{
    return (size_t)(y & mask(n < 8 ? n : 8));
}
EXPECT(expect_left)
{
    out[0] = amount(y, n) >= n ? 0 : x << amount(y, n) & mask(n);
}
EXPECT(expect_right)
{
    out[0] = amount(y, n) >= n ? 0 : x >> amount(y, n);
}
EXPECT(expect_right_signed)
{
    bool sign = (x >> (n - 1) & 1) != 0;
    size_t by = amount(y, n) < n ? amount(y, n) : n;
    u128 high = sign ? mask(n) & ~mask(n - by) : 0;
    out[0] = (by == n ? 0 : x >> by) | high;
}
ANDS(shift_ands)
{
    uint64_t stages = 0;
    while ((size_t)1 << stages < n) {
        stages++;
    }
    return n * stages + n + 8;
}

static const struct op ops[] = {
    {"add", build_add, expect_add, one_number, n_minus_1},
    {"add_carry", build_add_carry, expect_add_carry, number_and_bit, n_ands},
    {"sub", build_sub, expect_sub, one_number, n_minus_1},
    {"sub_borrow", build_sub_borrow, expect_sub_borrow, number_and_bit, n_ands},
    {"neg", build_neg, expect_neg, one_number, neg_ands},
    {"less", build_less, expect_less, one_bit, n_ands},
    {"less_signed", build_less_signed, expect_less_signed, one_bit, n_ands},
    {"equal", build_equal, expect_equal, one_bit, n_minus_1},
    {"select", build_select, expect_select, one_number, n_ands},
    {"mul", build_mul, expect_mul, one_number, mul_ands},
    {"mul_full", build_mul_full, expect_mul_full, double_number, mul_full_ands},
    {"mul_signed", build_mul_signed, expect_mul_signed, double_number, mul_signed_ands},
    {"square", build_square, expect_square, double_number, square_ands},
    {"div", build_div, expect_div, two_numbers, div_ands},
    {"div_signed", build_div_signed, expect_div_signed, two_numbers, div_signed_ands},
    {"left", build_left, expect_left, one_number, shift_ands},
    {"right", build_right, expect_right, one_number, shift_ands},
    {"right_signed", build_right_signed, expect_right_signed, one_number, shift_ands},
};

/* ---- Checks ---- */

static u128 number(const uint8_t *bits, size_t n)
{
    u128 v = 0;
    for (size_t i = 0; i < n; i++) {
        v |= (u128)bits[i] << i;
    }
    return v;
}

static void set_bits(uint8_t *bits, u128 v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bits[i] = v >> i & 1;
    }
}

/* Value k of a series: edges first, then random ones, some of them short. */
static u128 test_value(struct rng *rng, size_t k, size_t n)
{
    u128 top = (u128)1 << (n - 1), m = mask(n), r = (u128)rng_next(rng) << 64 | rng_next(rng);
    const u128 edges[] = {0, 1, 2, 3, m, m - 1, top, top - 1, top + 1, n, n - 1, (u128)0x5555};
    if (k < sizeof edges / sizeof edges[0]) {
        return edges[k] & m;
    }
    return (k % 3 == 0 ? r >> rng_below(rng, 127) : r) & m;
}

enum { N_EDGES = 12 };

static void check_values(const struct op *op, const struct whist_circuit *c, u128 x, u128 y,
                         size_t n)
{
    uint8_t in[256], out[MAX_OUT];
    struct whist_error err;
    u128 want[2] = {0, 0};
    size_t second, first = op->width(n, &second);

    set_bits(in, x, n);
    set_bits(in + n, y, n);
    CHECK_OK(whist_circuit_eval(c, out, in, &err), err);
    op->expect(want, x, y, n);
    CHECK_MSG(number(out, first) == want[0] && number(out + first, second) == want[1],
              "%s, %zu bits, on %016llx%016llx and %016llx%016llx", op->name, n,
              (unsigned long long)(x >> 64), (unsigned long long)x, (unsigned long long)(y >> 64),
              (unsigned long long)y);
}

static struct whist_builder *new_builder(void)
{
    struct whist_builder *b;
    struct whist_error err;
    CHECK_OK(whist_builder_new(&b, &err), err);
    return b;
}

static struct whist_circuit *finish(struct whist_builder *b)
{
    struct whist_circuit *c;
    struct whist_error err;
    CHECK_OK(whist_builder_finish(b, &c, &err), err);
    whist_builder_free(b);
    return c;
}

static uint64_t count_ands(const struct whist_circuit *c)
{
    struct whist_circuit_info info;
    struct whist_error err;
    CHECK_OK(whist_circuit_info(c, &info, &err), err);
    return info.n_and;
}

static void check_op(const struct op *op, size_t n, long n_random)
{
    struct whist_builder *b = new_builder();
    whist_wire x[128], y[128], out[MAX_OUT];
    struct rng rng = {n};
    size_t second, first = op->width(n, &second);

    if (first > 128) {
        first = 128; /* the expectation is mod 2^128 */
    }
    whist_builder_input(b, x, n);
    whist_builder_input(b, y, n);
    size_t n_out = op->build(b, out, x, y, n);
    whist_builder_output(b, out, n_out);
    struct whist_circuit *c = finish(b);
    CHECK_MSG(count_ands(c) <= op->ands(n), "%s, %zu bits: %llu ANDs, not %llu", op->name, n,
              (unsigned long long)count_ands(c), (unsigned long long)op->ands(n));
    for (size_t i = 0; i < N_EDGES; i++) {
        for (size_t k = 0; k < N_EDGES; k++) {
            check_values(op, c, test_value(&rng, i, n), test_value(&rng, k, n), n);
        }
    }
    for (long i = 0; i < n_random; i++) {
        u128 v = test_value(&rng, (size_t)i + N_EDGES, n);
        check_values(op, c, v, test_value(&rng, (size_t)i + N_EDGES + 1, n), n);
    }
    whist_circuit_free(c);
}

static void check_widths(const char *name, size_t max)
{
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        if (strcmp(ops[k].name, name) == 0) {
            for (size_t n = 1; n <= max; n++) {
                check_op(&ops[k], n, test_scale(60));
            }
            return;
        }
    }
    CHECK_MSG(false, "no operation %s", name);
}

#define OP_CASE(name)                                                                              \
    static void case_##name(void)                                                                  \
    {                                                                                              \
        check_widths(#name, 64);                                                                   \
    }
#define ALL_OPS(X)                                                                                 \
    X(add)                                                                                         \
    X(add_carry)                                                                                   \
    X(sub)                                                                                         \
    X(sub_borrow)                                                                                  \
    X(neg)                                                                                         \
    X(less)                                                                                        \
    X(less_signed)                                                                                 \
    X(equal)                                                                                       \
    X(select)                                                                                      \
    X(mul)                                                                                         \
    X(mul_full)                                                                                    \
    X(mul_signed)                                                                                  \
    X(square)                                                                                      \
    X(div)                                                                                         \
    X(div_signed)                                                                                  \
    X(left)                                                                                        \
    X(right)                                                                                       \
    X(right_signed)
ALL_OPS(OP_CASE)

/* All operations whose result fits, on 128 bits. */
static void wide_numbers(void)
{
    static const char *const names[] = {"add",        "add_carry",   "sub",   "sub_borrow",  "neg",
                                        "less",       "less_signed", "equal", "mul",         "div",
                                        "div_signed", "left",        "right", "right_signed"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
            if (strcmp(ops[k].name, names[i]) == 0) {
                check_op(&ops[k], 100, test_scale(200));
                check_op(&ops[k], 128, test_scale(200));
            }
        }
    }
}

/* ---- Long multiplication ---- */

/* out = x · y, numbers as bits. */
static void long_mul(uint8_t *out, const uint8_t *x, size_t m, const uint8_t *y, size_t n)
{
    memset(out, 0, m + n);
    for (size_t i = 0; i < m; i++) {
        unsigned carry = 0;
        for (size_t j = 0; j < n && x[i] != 0; j++) {
            carry += (unsigned)out[i + j] + y[j];
            out[i + j] = carry & 1;
            carry >>= 1;
        }
        for (size_t j = i + n; carry != 0; j++) {
            carry += out[j];
            out[j] = carry & 1;
            carry >>= 1;
        }
    }
}

static void check_product(struct rng *rng, size_t m, size_t n, size_t width)
{
    static whist_wire x[600], y[600], out[1200];
    static uint8_t in[1200], want[1200], got[1200];
    struct whist_builder *b = new_builder();
    struct whist_error err;

    whist_builder_input(b, x, m);
    whist_builder_input(b, y, n);
    whist_builder_mul(b, out, width, x, m, y, n);
    whist_builder_output(b, out, width);
    struct whist_circuit *c = finish(b);
    for (int i = 0; i < 8; i++) {
        rng_bits(rng, in, m + n);
        if (i < 3) {
            memset(in, i > 0, m);
            memset(in + m, i > 1, n);
        }
        long_mul(want, in, m, in + m, n);
        CHECK_OK(whist_circuit_eval(c, got, in, &err), err);
        CHECK_MSG(memcmp(want, got, width) == 0, "%zu × %zu bits, %zu of the product", m, n, width);
    }
    whist_circuit_free(c);
}

static void mul_of_all_shapes(void)
{
    struct rng rng = {5};

    for (long i = 0; i < test_scale(300); i++) {
        size_t m = 1 + rng_below(&rng, 70), n = 1 + rng_below(&rng, 70);
        check_product(&rng, m, n, 1 + rng_below(&rng, (uint32_t)(m + n)));
    }
    check_product(&rng, 128, 128, 256);
    check_product(&rng, 129, 127, 200);
    check_product(&rng, 300, 300, 300);
    check_product(&rng, 300, 290, 470);
    check_product(&rng, 31, 500, 531);
    check_product(&rng, 513, 200, 713);
}

/* Operands with constant bits, zero and sign extension, and repeated bits: what simplifications
 * see. */
static void make_operand(struct rng *rng, whist_wire *w, const whist_wire *in, size_t n)
{
    uint32_t kind = rng_below(rng, 7);
    size_t cut = rng_below(rng, (uint32_t)n + 1);

    for (size_t i = 0; i < n; i++) {
        bool bit = (rng_next(rng) >> 33 & 1) != 0;
        switch (kind) {
        case 0: /* a constant */
            w[i] = bit;
            break;
        case 1: /* constants among wires */
            w[i] = rng_below(rng, 2) != 0 ? bit : in[i];
            break;
        case 2: /* zero extension */
            w[i] = i < cut ? in[i] : 0;
            break;
        case 3: /* sign extension */
            w[i] = in[i < cut ? i : cut];
            break;
        case 4: /* shifted */
            w[i] = i < cut ? 0 : in[i];
            break;
        case 5: /* few different wires, some negated */
            w[i] = in[rng_below(rng, 2)] ^ bit;
            break;
        default:
            w[i] = in[i] ^ bit;
        }
    }
}

static u128 operand_value(const whist_wire *w, const whist_wire *in, size_t n, const uint8_t *bits)
{
    u128 v = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t bit = 0;
        if (w[i] > 1) { /* wire of input k is 2(k + 1) */
            bit = bits[(w[i] >> 1) - 1];
        }
        v |= (u128)(bit ^ (w[i] & 1)) << i;
    }
    (void)in;
    return v;
}

static void check_odd_operands(const struct op *op, struct rng *rng)
{
    size_t n = 2 + rng_below(rng, 40), second, first = op->width(n, &second);
    struct whist_builder *b = new_builder();
    whist_wire in[100], x[50], y[50], out[MAX_OUT];
    uint8_t bits[100], result[MAX_OUT];
    struct whist_error err;

    whist_builder_input(b, in, 2 * n);
    make_operand(rng, x, in, n);
    make_operand(rng, y, rng_below(rng, 8) == 0 ? in : in + n, n);
    size_t n_out = op->build(b, out, x, y, n);
    whist_builder_output(b, out, n_out);
    struct whist_circuit *c = finish(b);
    CHECK_MSG(count_ands(c) <= op->ands(n), "%s, %zu bits: %llu ANDs", op->name, n,
              (unsigned long long)count_ands(c));
    for (int i = 0; i < 20; i++) {
        u128 want[2] = {0, 0};
        rng_bits(rng, bits, 2 * n);
        if (i < 2) {
            memset(bits, i, 2 * n);
        }
        op->expect(want, operand_value(x, in, n, bits), operand_value(y, in, n, bits), n);
        CHECK_OK(whist_circuit_eval(c, result, bits, &err), err);
        CHECK_MSG(number(result, first) == want[0] && number(result + first, second) == want[1],
                  "%s, %zu bits", op->name, n);
    }
    whist_circuit_free(c);
}

static void odd_operands(void)
{
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        struct rng rng = {k};
        for (long i = 0; i < test_scale(1500); i++) {
            check_odd_operands(&ops[k], &rng);
        }
    }
}

static void multiplying_by_constants_is_cheap(void)
{
    struct whist_builder *b = new_builder();
    whist_wire x[32], y[32], out[64];

    whist_builder_input(b, x, 32);
    for (size_t i = 0; i < 32; i++) {
        y[i] = whist_builder_const(b, 10 >> i & 1 && i < 4);
    }
    whist_builder_mul(b, out, 32, x, 32, y, 32); /* one addition of 2x and 8x */
    CHECK(whist_builder_ands(b) == 28);
    for (size_t i = 0; i < 32; i++) {
        y[i] = whist_builder_const(b, i == 7);
    }
    uint64_t before = whist_builder_ands(b);
    whist_builder_mul(b, out, 32, x, 32, y, 32);
    whist_builder_div(b, out, out + 32, x, y, 32, false);
    CHECK(whist_builder_ands(b) == before);
    whist_builder_free(b);
}

/* ---- Array elements ---- */

static void check_index(struct rng *rng, size_t count, size_t n, size_t n_index)
{
    struct whist_builder *b = new_builder();
    static whist_wire array[4096];
    whist_wire index[16], out[64];
    static uint8_t in[4096 + 16], got[64];
    static const uint8_t zeros[64];
    struct whist_error err;

    whist_builder_input(b, array, count * n);
    whist_builder_input(b, index, n_index);
    whist_builder_index(b, out, array, count, n, index, n_index);
    whist_builder_output(b, out, n);
    struct whist_circuit *c = finish(b);
    size_t reach = (size_t)1 << n_index;
    size_t reached = reach < count ? reach : count;
    uint64_t most = (reached - 1) * n + (reach > count ? n + n_index : 0);
    CHECK_MSG(count_ands(c) <= most, "%zu elements of %zu bits, index of %zu: %llu ANDs, not %llu",
              count, n, n_index, (unsigned long long)count_ands(c), (unsigned long long)most);
    for (size_t i = 0; i < (reach < 64 ? reach : 64); i++) {
        size_t at = i < 40 ? i : rng_below(rng, (uint32_t)reach);
        rng_bits(rng, in, count * n);
        set_bits(in + count * n, at, n_index);
        CHECK_OK(whist_circuit_eval(c, got, in, &err), err);
        CHECK_MSG(memcmp(got, at < count ? in + at * n : zeros, n) == 0,
                  "element %zu of %zu, index of %zu bits", at, count, n_index);
    }
    whist_circuit_free(c);
}

static void array_elements(void)
{
    struct rng rng = {11};
    for (size_t count = 1; count <= 40; count++) {
        for (size_t n_index = 1; n_index <= 8; n_index++) {
            check_index(&rng, count, 1 + rng_below(&rng, 20), n_index);
        }
    }
    check_index(&rng, 256, 16, 8);
    check_index(&rng, 200, 16, 8);
    check_index(&rng, 100, 16, 16);
}

/* ---- Folding ---- */

/* A value in 64 parallel worlds beside its wire. */
struct traced {
    whist_wire wire;
    uint64_t value;
};

static struct traced random_step(struct rng *rng, struct whist_builder *b,
                                 const struct traced *known, uint32_t n)
{
    struct traced x = known[rng_below(rng, n)], y = known[rng_below(rng, n)];
    struct traced c = known[rng_below(rng, n)];

    switch (rng_below(rng, 8)) {
    case 0:
    case 1:
        return (struct traced){whist_builder_xor(b, x.wire, y.wire), x.value ^ y.value};
    case 2:
    case 3:
    case 4:
        return (struct traced){whist_builder_and(b, x.wire, y.wire), x.value & y.value};
    case 5:
        return (struct traced){whist_builder_or(b, x.wire, y.wire), x.value | y.value};
    case 6:
        return (struct traced){whist_builder_not(b, x.wire), ~x.value};
    default:
        return (struct traced){whist_builder_mux(b, c.wire, x.wire, y.wire),
                               (c.value & x.value) | (~c.value & y.value)};
    }
}

static void random_gates_are_folded_right(void)
{
    enum { N_IN = 6, N_STEPS = 120 };
    for (uint64_t seed = 0; seed < (uint64_t)test_scale(3000); seed++) {
        struct whist_builder *b = new_builder();
        struct rng rng = {seed};
        struct traced known[N_IN + 2 + N_STEPS];
        whist_wire in[N_IN], out[N_STEPS];
        uint8_t bits[N_IN], got[N_STEPS];
        struct whist_error err;
        uint32_t n = 0;

        whist_builder_input(b, in, N_IN);
        for (; n < N_IN; n++) { /* world w has the bits of w as inputs */
            known[n] = (struct traced){in[n], 0};
            for (unsigned w = 0; w < 64; w++) {
                known[n].value |= (uint64_t)(w >> n & 1) << w;
            }
        }
        known[n++] = (struct traced){whist_builder_const(b, false), 0};
        known[n++] = (struct traced){whist_builder_const(b, true), ~(uint64_t)0};
        for (int i = 0; i < N_STEPS; i++, n++) {
            known[n] = random_step(&rng, b, known, n);
            out[i] = known[n].wire;
        }
        whist_builder_output(b, out, N_STEPS);
        struct whist_circuit *c = finish(b);
        for (unsigned w = 0; w < 64; w++) {
            set_bits(bits, w, N_IN);
            CHECK_OK(whist_circuit_eval(c, got, bits, &err), err);
            for (int i = 0; i < N_STEPS; i++) {
                CHECK(got[i] == (known[N_IN + 2 + i].value >> w & 1));
            }
        }
        whist_circuit_free(c);
    }
}

static void identities_cost_nothing(void)
{
    struct whist_builder *b = new_builder();
    whist_wire x[3];

    whist_builder_input(b, x, 3);
    whist_wire zero = whist_builder_const(b, false), one = whist_builder_const(b, true);
    whist_wire not_x = whist_builder_not(b, x[0]);
    CHECK(whist_builder_not(b, not_x) == x[0]);
    CHECK(whist_builder_and(b, x[0], not_x) == zero && whist_builder_or(b, x[0], not_x) == one);
    CHECK(whist_builder_and(b, x[0], one) == x[0] && whist_builder_and(b, zero, x[0]) == zero);
    CHECK(whist_builder_xor(b, x[0], not_x) == one && whist_builder_xor(b, x[0], x[0]) == zero);
    CHECK(whist_builder_xor(b, x[1], not_x) ==
          whist_builder_not(b, whist_builder_xor(b, x[0], x[1])));
    CHECK(whist_builder_ands(b) == 0);
    whist_wire p = whist_builder_and(b, x[0], x[1]);
    CHECK(whist_builder_and(b, x[1], x[0]) == p);
    CHECK(whist_builder_and(b, p, x[0]) == p);
    /* All of these come from the one AND. */
    whist_builder_and(b, not_x, x[1]);
    whist_builder_and(b, not_x, whist_builder_not(b, x[1]));
    whist_builder_or(b, x[0], x[1]);
    CHECK(whist_builder_and(b, p, whist_builder_xor(b, x[0], x[1])) == zero);
    whist_builder_and(b, x[0], whist_builder_xor(b, x[0], x[1]));
    CHECK(whist_builder_ands(b) == 1);
    whist_wire q = whist_builder_xor(b, x[1], x[2]);
    CHECK(whist_builder_xor(b, q, x[1]) == x[2]);
    CHECK(whist_builder_xor(b, whist_builder_xor(b, x[0], x[1]), q) ==
          whist_builder_xor(b, x[0], x[2]));
    whist_builder_free(b);
}

static void dead_gates_are_left_out(void)
{
    struct whist_builder *b = new_builder();
    whist_wire x[2];
    uint64_t n;

    whist_builder_input(b, x, 2);
    whist_builder_and(b, x[0], x[1]);
    whist_wire out[4] = {whist_builder_xor(b, x[0], x[1]), 0, 1, x[1]};
    out[1] = whist_builder_not(b, out[0]);
    whist_builder_output(b, out, 4);
    whist_builder_output(b, out, 2);
    struct whist_circuit *c = finish(b);
    const struct whist_gate *g = whist_circuit_gates(c, &n);
    CHECK(n == 3 && g[0].op == WHIST_OP_XOR && g[1].op == WHIST_OP_NOT && g[1].a == g[0].out);
    CHECK(g[2].op == WHIST_OP_CONST1);
    whist_circuit_free(c);
}

static void wires_of_constants(void)
{
    struct whist_builder *b = new_builder();
    whist_wire out[3] = {1, 0, 1};
    struct whist_error err;
    uint8_t got[3];

    whist_builder_output(b, out, 3);
    struct whist_circuit *c = finish(b);
    CHECK_OK(whist_circuit_eval(c, got, NULL, &err), err);
    CHECK(got[0] == 1 && got[1] == 0 && got[2] == 1);
    struct rng rng = {0};
    check_source_equals_circuit(&rng, c);
    whist_circuit_free(c);
}

static void a_circuit_needs_outputs(void)
{
    struct whist_builder *b = new_builder();
    struct whist_circuit *c = NULL;
    struct whist_error err;
    whist_wire x[2];

    whist_builder_input(b, x, 2);
    CHECK(whist_builder_finish(b, &c, &err) == WHIST_ERR_ARGUMENT && c == NULL);
    whist_builder_free(b);
}

/* Outputs may overlap operands in any way. */
static void outputs_may_overlap_operands(void)
{
    struct rng rng = {13};
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        enum { N = 9 };
        struct whist_builder *b = new_builder();
        whist_wire w[200], apart[100], *x = w + 20, *y = w + 31;
        whist_builder_input(b, x, N);
        whist_builder_input(b, y, N);
        size_t n_out = ops[k].build(b, apart, x, y, N);
        size_t at = 12 + rng_below(&rng, 22);
        ops[k].build(b, w + at, x, y, N);
        CHECK_MSG(memcmp(w + at, apart, n_out * sizeof *w) == 0, "%s", ops[k].name);
        whist_builder_free(b);
    }
}

/* ---- Errors ---- */

static void build_everything(struct whist_builder *b)
{
    enum { N = 45 };
    whist_wire x[N], y[N], out[MAX_OUT];

    whist_builder_input(b, x, N);
    whist_builder_input(b, y, N);
    for (size_t k = 0; k < sizeof ops / sizeof ops[0]; k++) {
        size_t n_out = ops[k].build(b, out, x, y, N);
        whist_builder_output(b, out, n_out);
    }
    whist_builder_index(b, out, x, 15, 3, y, 6);
    whist_builder_output(b, out, 3);
}

/* Allocation number `fail` fails; returns the status. */
static whist_status build_with_failure(long fail)
{
    struct whist_builder *b = NULL;
    struct whist_circuit *c = NULL;
    struct whist_error err;

    whist_alloc_fail_after(fail);
    whist_status st = whist_builder_new(&b, &err);
    if (st == WHIST_OK) {
        build_everything(b);
        st = whist_builder_finish(b, &c, &err);
    }
    whist_alloc_fail_after(-1);
    CHECK(st == WHIST_OK ? c != NULL : c == NULL && st == WHIST_ERR_NOMEM && err.status == st);
    whist_builder_free(b);
    whist_circuit_free(c);
    return st;
}

static void every_allocation_may_fail(void)
{
    long fail = 0, step = 1 + test_scale(1000) % 7;
    while (build_with_failure(fail) != WHIST_OK) {
        fail += fail < 300 ? 1 : 5 + step;
    }
    CHECK(fail > 1000);
}

static void after_an_error_wires_are_zero(void)
{
    struct whist_builder *b = new_builder();
    struct whist_circuit *c;
    struct whist_error err;
    whist_wire x[4], y[4], q[4], r[4];

    whist_builder_input(b, x, 4);
    whist_builder_input(b, y, 4);
    whist_alloc_fail_after(0);
    memset(q, 1, sizeof q);
    memset(r, 1, sizeof r);
    whist_builder_div(b, q, r, x, y, 4, true);
    whist_alloc_fail_after(-1);
    for (int i = 0; i < 4; i++) {
        CHECK(q[i] == 0 && r[i] == 0);
    }
    CHECK(whist_builder_and(b, x[0], y[0]) == 0 && whist_builder_not(b, x[0]) == 0);
    CHECK(whist_builder_less(b, x, y, 4, false) == 0 && whist_builder_const(b, true) == 0);
    whist_builder_output(b, x, 4);
    CHECK(whist_builder_finish(b, &c, &err) == WHIST_ERR_NOMEM);
    whist_builder_free(b);
}

#define OP_ROW(name) {"op_" #name, case_##name},
static const struct test_case cases[] = {
    ALL_OPS(OP_ROW){"wide_numbers", wide_numbers},
    {"mul_of_all_shapes", mul_of_all_shapes},
    {"odd_operands", odd_operands},
    {"multiplying_by_constants_is_cheap", multiplying_by_constants_is_cheap},
    {"array_elements", array_elements},
    {"random_gates_are_folded_right", random_gates_are_folded_right},
    {"identities_cost_nothing", identities_cost_nothing},
    {"dead_gates_are_left_out", dead_gates_are_left_out},
    {"wires_of_constants", wires_of_constants},
    {"a_circuit_needs_outputs", a_circuit_needs_outputs},
    {"outputs_may_overlap_operands", outputs_may_overlap_operands},
    {"every_allocation_may_fail", every_allocation_may_fail},
    {"after_an_error_wires_are_zero", after_an_error_wires_are_zero},
};
TEST_MAIN(cases)
