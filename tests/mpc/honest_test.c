/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Honest runs of the whole protocol against the plain evaluator. */
#include "core/core.h"
#include "harness.h"
#include "parties.h"

static uint64_t rng_state;
static uint32_t next_random(void)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng_state >> 33);
}

static uint32_t below(uint32_t n)
{
    return next_random() % n;
}

/* A random circuit of n_gates gates over n input groups, as Bristol text is made from a builder:
 * all kinds of gates, outputs anywhere. */
static struct whist_circuit *random_circuit(size_t n, size_t n_gates)
{
    struct whist_builder *b;
    struct whist_error err;
    struct whist_circuit *c;
    whist_wire *w = calloc(n_gates + 8 * n + 2, sizeof *w);
    uint32_t count = 0;
    CHECK_OK(whist_builder_new(&b, &err), err);
    for (size_t i = 0; i < n; i++) {
        uint32_t width = 1 + below(6);
        whist_builder_input(b, w + count, width);
        count += width;
    }
    for (size_t g = 0; g < n_gates; g++) {
        whist_wire x = w[below(count)], y = w[below(count)], z = w[below(count)];
        switch (below(8)) {
        case 0:
        case 1:
        case 2:
        case 3:
            w[count++] = whist_builder_and(b, x, y);
            break;
        case 4:
        case 5:
            w[count++] = whist_builder_xor(b, x, y);
            break;
        case 6:
            w[count++] = whist_builder_not(b, x);
            break;
        default:
            w[count++] = whist_builder_mux(b, z, x, y);
            break;
        }
    }
    whist_wire out[8];
    for (int i = 0; i < 8; i++) {
        out[i] = w[below(count)];
    }
    out[7] = w[count - 1];
    whist_builder_output(b, out, 5);
    whist_builder_output(b, out + 5, 3);
    CHECK_OK(whist_builder_finish(b, &c, &err), err);
    whist_builder_free(b);
    free(w);
    return c;
}

/* One computation with random inputs and what the plain evaluator says of it. */
struct expected {
    uint8_t *in, *out;
    size_t n_out;
};

static struct expected expect_plain(struct party_setup *setup)
{
    struct whist_gate_source *src;
    struct whist_error err;
    CHECK_OK(setup->circuit != NULL ? whist_circuit_source_new(&src, setup->circuit, &err)
                                    : whist_synthetic_source_new(&src, setup->synthetic_ands, &err),
             err);
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    size_t n_in = 0;
    struct expected e = {NULL, NULL, 0};
    for (size_t k = 0; k < shape->n_inputs; k++) {
        n_in += shape->input_widths[k];
    }
    for (size_t k = 0; k < shape->n_outputs; k++) {
        e.n_out += shape->output_widths[k];
    }
    e.in = calloc(1, n_in + 1);
    e.out = calloc(1, e.n_out + 1);
    for (size_t k = 0; k < n_in; k++) {
        e.in[k] = next_random() & 1;
    }
    CHECK_OK(whist_source_eval(src, e.out, e.in, &err), err);
    whist_gate_source_free(src);
    setup->inputs = e.in;
    return e;
}

/* Runs a chain of computations on one session; every receiver must be right in each. */
static void run_and_compare(struct party_setup *setup)
{
    struct party_result res[WHIST_MAX_PARTIES];
    struct expected e[64];
    size_t count = 0, at = 0;
    for (struct party_setup *one = setup; one != NULL; one = (struct party_setup *)one->next) {
        CHECK(count < 64);
        e[count++] = expect_plain(one);
    }
    parties_run(res, setup);
    for (size_t i = 0; i < setup->n; i++) {
        CHECK_OK(res[i].status, res[i].err);
    }
    count = 0;
    for (const struct party_setup *one = setup; one != NULL; one = one->next, count++) {
        for (size_t i = 0; i < setup->n; i++) {
            bool receives = one->receivers == 0 || (one->receivers >> i & 1) != 0;
            CHECK_MSG(!receives || memcmp(res[i].outputs + at, e[count].out, e[count].n_out) == 0,
                      "computation %zu, party %zu", count, i);
        }
        at += e[count].n_out;
        free(e[count].in);
        free(e[count].out);
    }
    parties_clear(res, setup->n);
}

#define CHAIN 20

/* 1,000 circuits, CHAIN of them on each session. */
static void random_circuits(void)
{
    long sessions = test_scale(1000 / CHAIN);
    for (long seed = 0; seed < sessions; seed++) {
        struct party_setup setups[CHAIN];
        rng_state = (uint64_t)seed * 77 + 5;
        size_t n = 2 + below(3);
        for (size_t k = 0; k < CHAIN; k++) {
            size_t gates = k == 0 ? 10 + below(1990) : 10 + below(200);
            setups[k] = (struct party_setup){.n = n,
                                             .circuit = random_circuit(n, gates),
                                             .evaluator = below((uint32_t)n),
                                             .receivers = below(1u << n),
                                             .next = k + 1 < CHAIN ? &setups[k + 1] : NULL};
        }
        setups[0].options.chunk_ands = below(2) == 0 ? 1 + below(100) : 0;
        run_and_compare(setups);
        for (size_t k = 0; k < CHAIN; k++) {
            whist_circuit_free((struct whist_circuit *)setups[k].circuit);
        }
    }
}

static void two_to_sixteen_parties(void)
{
    for (size_t n = 2; n <= 16; n += n < 5 ? 1 : n < 8 ? 3 : 8) {
        rng_state = n;
        struct whist_circuit *c = random_circuit(n, 60);
        struct party_setup setup = {.n = n, .circuit = c, .evaluator = n - 1 - n / 3};
        run_and_compare(&setup);
        whist_circuit_free(c);
    }
}

static void every_evaluator_repeated(void)
{
    for (size_t e = 0; e < 4; e++) {
        rng_state = 100 + e;
        struct whist_circuit *c = random_circuit(4, 100);
        struct party_setup setup = {.n = 4, .circuit = c, .evaluator = e, .repeat = 3};
        run_and_compare(&setup);
        whist_circuit_free(c);
    }
}

static void every_k(void)
{
    for (unsigned k = 2; k <= 8; k *= 2) {
        rng_state = k;
        struct whist_circuit *c = random_circuit(3, 200);
        struct party_setup setup = {.n = 3, .circuit = c, .options = {.cot_k = k, .rho = 40 + k}};
        run_and_compare(&setup);
        whist_circuit_free(c);
    }
}

static void streamed_synthetic(void)
{
    rng_state = 9;
    struct party_setup setup = {.n = 2, .synthetic_ands = 100000, .options = {.chunk_ands = 30000}};
    run_and_compare(&setup);
}

static void one_large_chunk(void)
{
    rng_state = 10;
    struct party_setup setup = {.n = 2, .synthetic_ands = (uint64_t)test_scale(400000)};
    run_and_compare(&setup);
}

static const struct test_case cases[] = {
    {"random_circuits", random_circuits},
    {"two_to_sixteen_parties", two_to_sixteen_parties},
    {"every_evaluator_repeated", every_evaluator_repeated},
    {"every_k", every_k},
    {"streamed_synthetic", streamed_synthetic},
    {"one_large_chunk", one_large_chunk},
};
TEST_MAIN(cases)
