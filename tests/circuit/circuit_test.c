/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Stored circuits, sources, the synthetic generator, values. */
#include "circuit_support.h"

static uint64_t pack(const uint8_t *bits, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v |= (uint64_t)bits[i] << i;
    }
    return v;
}

static void add_by_name(void)
{
    struct whist_circuit *c;
    struct whist_error err;
    struct whist_make_options o = {.operands = 3};
    uint8_t in[96], out[32];

    CHECK_OK(whist_circuit_make(&c, "add", &o, &err), err);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(whist_value_parse(in + 32 * i, 32, whist_bytes("4000000000", 10), &err), err);
    }
    CHECK_OK(whist_circuit_eval(c, out, in, &err), err);
    CHECK(pack(out, 32) == (uint32_t)(3 * 4000000000u));
    whist_circuit_free(c);
}

static void sources_equal_circuits(void)
{
    struct rng rng = {1};
    for (long i = 0; i < test_scale(2000); i++) {
        struct whist_circuit *c = random_circuit(&rng, 400);
        check_source_equals_circuit(&rng, c);
        whist_circuit_free(c);
    }
}

/* Pulls everything in batches of at most `batch` (0: random sizes); returns a hash of the gates. */
static uint64_t pull_all(struct whist_gate_source *src, size_t batch, uint64_t *n_gates_out,
                         uint64_t *n_ands_out)
{
    static struct whist_gate gates[4096];
    struct whist_error err;
    struct rng rng = {batch};
    uint64_t hash = 0;
    size_t n;

    *n_gates_out = *n_ands_out = 0;
    CHECK_OK(src->ops->rewind(src, &err), err);
    do {
        size_t max = batch != 0 ? batch : 1 + rng_below(&rng, 9);
        CHECK_OK(src->ops->next(src, gates, max, &n, &err), err);
        CHECK(n <= max);
        for (size_t i = 0; i < n; i++) {
            CHECK(gates[i].op == WHIST_OP_XOR || gates[i].op == WHIST_OP_AND);
            *n_ands_out += gates[i].op == WHIST_OP_AND;
            hash = (hash ^ ((uint64_t)gates[i].a << 40 ^ (uint64_t)gates[i].b << 20 ^
                            (uint64_t)gates[i].out << 1 ^ gates[i].op)) *
                   0x100000001b3u;
            hash ^= hash >> 29;
        }
        *n_gates_out += n;
    } while (n != 0);
    return hash;
}

static void synthetic_is_the_same_in_any_batches(void)
{
    static const uint64_t sizes[] = {0, 1, 2, 3, 100, 511, 512, 513, 8192, 30000, 100001};
    struct whist_error err;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct whist_gate_source *src;
        uint64_t n_gates, n_ands;
        CHECK_OK(whist_synthetic_source_new(&src, sizes[i], &err), err);
        const struct whist_circuit_shape *shape = src->ops->shape(src);
        uint64_t hash = pull_all(src, 4096, &n_gates, &n_ands);
        CHECK(n_ands == sizes[i] && shape->n_ands == sizes[i] && shape->n_gates == n_gates);
        CHECK(pull_all(src, 0, &n_gates, &n_ands) == hash);
        CHECK(pull_all(src, 1, &n_gates, &n_ands) == hash);
        whist_gate_source_free(src);
    }
}

/* Two inputs that differ in a bit give outputs that look unrelated. */
static void synthetic_depends_on_its_inputs(void)
{
    struct whist_gate_source *src;
    struct whist_error err;
    struct rng rng = {3};
    uint8_t in[128], out[2][64];

    CHECK_OK(whist_synthetic_source_new(&src, 50000, &err), err);
    CHECK(src->ops->shape(src)->n_slots == 4096);
    rng_bits(&rng, in, 128);
    CHECK_OK(whist_source_eval(src, out[0], in, &err), err);
    for (int i = 0; i < 128; i += 31) {
        int differ = 0;
        in[i] ^= 1;
        CHECK_OK(whist_source_eval(src, out[1], in, &err), err);
        in[i] ^= 1;
        for (int k = 0; k < 64; k++) {
            differ += out[0][k] != out[1][k];
        }
        CHECK_MSG(differ > 10 && differ < 54, "%d of 64 output bits differ", differ);
    }
    whist_gate_source_free(src);
}

static const struct test_case cases[] = {
    {"add_by_name", add_by_name},
    {"sources_equal_circuits", sources_equal_circuits},
    {"synthetic_is_the_same_in_any_batches", synthetic_is_the_same_in_any_batches},
    {"synthetic_depends_on_its_inputs", synthetic_depends_on_its_inputs},
};
TEST_MAIN(cases)
