/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The builder apart from its two-operand operations (ops_test.c): folding, products of all shapes,
 * array elements, what comes out. */
#include "circuit/builder.h"
#include "circuit_support.h"

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

static void constant_operands_are_cheap(void)
{
    struct whist_builder *b = new_builder();
    whist_wire x[32], y[32], out[64];

    whist_builder_input(b, x, 32);
    for (size_t i = 0; i < 32; i++) {
        y[i] = whist_builder_const(b, 10 >> i & 1 && i < 4);
    }
    whist_builder_mul(b, out, 32, x, 32, y, 32); /* one addition of 2x and 8x */
    CHECK(whist_builder_ands(b) == 28);
    uint64_t before = whist_builder_ands(b);
    for (size_t k = 0; k < 32; k++) { /* powers of two cost nothing */
        for (size_t i = 0; i < 32; i++) {
            y[i] = whist_builder_const(b, i == k);
        }
        whist_builder_mul(b, out, 32, x, 32, y, 32);
        whist_builder_div(b, out, out + 32, x, y, 32, false);
        for (size_t i = 0; i < 32; i++) {
            CHECK(out[i] == (i + k < 32 ? x[i + k] : 0) && out[32 + i] == (i < k ? x[i] : 0));
        }
    }
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
    CHECK_MSG(c->n_ands <= most, "%zu elements of %zu bits, index of %zu: %llu ANDs, not %llu",
              count, n, n_index, (unsigned long long)c->n_ands, (unsigned long long)most);
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

/* ---- ANDs that others make superfluous ---- */

static void ands_of_known_functions_cost_nothing(void)
{
    struct whist_builder *b = new_builder();
    whist_wire in[4];

    whist_builder_input(b, in, 4);
    whist_wire x = in[0], y = in[1], z = in[2];
    whist_wire without = whist_builder_and(b, x, whist_builder_not(b, y));
    whist_wire either = whist_builder_xor(b, x, y), any = whist_builder_or(b, x, y);
    whist_wire mux = whist_builder_mux(b, z, x, y), both = whist_builder_and(b, x, y);
    uint64_t ands = whist_builder_ands(b);
    CHECK(whist_builder_and(b, either, without) == without);
    CHECK(whist_builder_and(b, y, without) == 0);
    CHECK(whist_builder_and(b, any, x) == x);
    CHECK(whist_builder_and(b, any, either) == either);
    whist_builder_and(b, any, whist_builder_not(b, both)); /* x ⊕ y, in other words */
    CHECK(whist_builder_and(b, mux, both) == both);
    CHECK(whist_builder_or(b, mux, any) == any);
    CHECK(whist_builder_ands(b) == ands);
    CHECK(whist_builder_and(b, mux, x) != x);
    CHECK(whist_builder_ands(b) > ands);
    whist_builder_free(b);
}

/* ---- Gates made again ---- */

static void sums_and_products_are_made_again(void)
{
    struct whist_builder *b = new_builder();
    whist_wire in[5], out[3];

    whist_builder_input(b, in, 5);
    whist_wire ab = whist_builder_and(b, in[0], in[1]), ac = whist_builder_and(b, in[0], in[2]);
    whist_wire da = whist_builder_and(b, in[3], in[0]), bd = whist_builder_and(b, in[1], in[3]);
    whist_wire be = whist_builder_and(b, in[1], in[4]);
    out[0] = whist_builder_xor(b, whist_builder_xor(b, ab, in[4]), whist_builder_xor(b, ac, da));
    out[1] = whist_builder_and(b, bd, be);
    out[2] = whist_builder_and(b, in[0], in[4]);
    CHECK(whist_builder_ands(b) == 7);
    builder_rewrite(b, out, 3, NULL, 0);
    whist_builder_output(b, out, 3);
    struct whist_circuit *c = finish(b);
    CHECK_MSG(c->n_ands == 1 + 2 + 1, "%llu ANDs", (unsigned long long)c->n_ands);
    for (unsigned v = 0; v < 32; v++) {
        uint8_t bits[5], got[3];
        struct whist_error err;
        set_bits(bits, v, 5);
        CHECK_OK(whist_circuit_eval(c, got, bits, &err), err);
        CHECK(got[0] == ((bits[0] & (bits[1] ^ bits[2] ^ bits[3])) ^ bits[4]));
        CHECK(got[1] == (bits[1] & bits[3] & bits[4]) && got[2] == (bits[0] & bits[4]));
    }
    whist_circuit_free(c);
}

/* ---- Many gates ---- */

/* A chain of additions of 4 million gates: far more than the table of common subexpressions has. */
static void many_gates(void)
{
    enum { N = 64, STEPS = 20000 };
    struct whist_builder *b = new_builder();
    whist_wire x[N], y[N], sum[N], again[N], last[N];
    uint8_t in[2 * N], got[N];
    struct whist_error err;

    whist_builder_input(b, x, N);
    whist_builder_input(b, y, N);
    memcpy(sum, x, sizeof sum);
    for (int i = 0; i < STEPS; i++) {
        memcpy(last, sum, sizeof last);
        whist_builder_add(b, sum, NULL, sum, y, N);
    }
    uint64_t ands = whist_builder_ands(b);
    CHECK(ands > (uint64_t)STEPS * (N - 4));
    whist_builder_add(b, again, NULL, last, y, N); /* what was made just now is not made again */
    CHECK(whist_builder_ands(b) == ands && memcmp(again, sum, sizeof sum) == 0);
    whist_builder_output(b, sum, N);
    struct whist_circuit *c = finish(b);
    set_bits(in, 0x0123456789abcdefu, N);
    set_bits(in + N, 0xfedcba9876543211u, N);
    CHECK_OK(whist_circuit_eval(c, got, in, &err), err);
    uint64_t want = 0x0123456789abcdefu + STEPS * 0xfedcba9876543211u;
    for (unsigned k = 0; k < N; k++) {
        CHECK(got[k] == (want >> k & 1));
    }
    whist_circuit_free(c);
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
        if (seed % 2 != 0) { /* only some of the gates are needed then */
            builder_rewrite(b, out, N_STEPS, NULL, 0);
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
    struct whist_gate g[3];

    whist_builder_input(b, x, 2);
    whist_builder_and(b, x[0], x[1]);
    whist_wire out[4] = {whist_builder_xor(b, x[0], x[1]), 0, 1, x[1]};
    out[1] = whist_builder_not(b, out[0]);
    whist_builder_output(b, out, 4);
    whist_builder_output(b, out, 2);
    struct whist_circuit *c = finish(b);
    CHECK(whist_circuit_n_gates(c) == 3 && whist_circuit_n_ands(c) == 0);
    for (size_t k = 0; k < 3; k++) {
        g[k] = whist_circuit_gate(c, k);
    }
    CHECK(g[0].op == WHIST_OP_XOR && g[1].op == WHIST_OP_NOT && g[1].a == g[0].out);
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

/* ---- Errors ---- */

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

static const struct test_case cases[] = {
    {"ands_of_known_functions_cost_nothing", ands_of_known_functions_cost_nothing},
    {"sums_and_products_are_made_again", sums_and_products_are_made_again},
    {"many_gates", many_gates},
    {"mul_of_all_shapes", mul_of_all_shapes},
    {"constant_operands_are_cheap", constant_operands_are_cheap},
    {"array_elements", array_elements},
    {"random_gates_are_folded_right", random_gates_are_folded_right},
    {"identities_cost_nothing", identities_cost_nothing},
    {"dead_gates_are_left_out", dead_gates_are_left_out},
    {"wires_of_constants", wires_of_constants},
    {"a_circuit_needs_outputs", a_circuit_needs_outputs},
    {"after_an_error_wires_are_zero", after_an_error_wires_are_zero},
};
TEST_MAIN(cases)
