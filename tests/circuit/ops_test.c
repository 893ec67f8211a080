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

static void set_number(uint8_t *bits, u128 v, size_t n)
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

    set_number(in, x, n);
    set_number(in + n, y, n);
    CHECK_OK(whist_circuit_eval(c, out, in, &err), err);
    op->expect(want, x, y, n);
    CHECK_MSG(number(out, first) == want[0] && number(out + first, second) == want[1],
              "%s, %zu bits, on %016llx%016llx and %016llx%016llx", op->name, n,
              (unsigned long long)(x >> 64), (unsigned long long)x, (unsigned long long)(y >> 64),
              (unsigned long long)y);
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
    CHECK_MSG(c->n_ands <= op->ands(n), "%s, %zu bits: %llu ANDs, not %llu", op->name, n,
              (unsigned long long)c->n_ands, (unsigned long long)op->ands(n));
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

/* ---- Odd operands ---- */

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
    CHECK_MSG(c->n_ands <= op->ands(n), "%s, %zu bits: %llu ANDs", op->name, n,
              (unsigned long long)c->n_ands);
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

/* ---- Overlap and errors ---- */

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

#define OP_ROW(name) {"op_" #name, case_##name},
static const struct test_case cases[] = {
    ALL_OPS(OP_ROW){"wide_numbers", wide_numbers},
    {"odd_operands", odd_operands},
    {"outputs_may_overlap_operands", outputs_may_overlap_operands},
    {"every_allocation_may_fail", every_allocation_may_fail},
};
TEST_MAIN(cases)
