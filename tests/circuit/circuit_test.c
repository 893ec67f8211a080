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

/* ---- Slots ---- */

static struct whist_circuit *parse(const char *text)
{
    struct whist_circuit *c;
    struct whist_error err;
    CHECK_OK(whist_bristol_parse(&c, whist_bytes(text, strlen(text)), &err), err);
    return c;
}

static size_t count_slots(const struct whist_circuit *c)
{
    struct whist_circuit_info info;
    struct whist_error err;
    CHECK_OK(whist_circuit_info(c, &info, &err), err);
    return info.max_live;
}

static bool is_output(const struct whist_circuit *c, uint32_t wire)
{
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        if (c->outputs[i] == wire) {
            return true;
        }
    }
    return false;
}

/* Last gate that uses the wire, n_gates for an output, `born` for a wire that nobody uses. */
static uint32_t last_use(const struct whist_circuit *c, uint32_t wire, uint32_t born)
{
    uint32_t last = is_output(c, wire) ? c->n_gates : born;
    for (uint32_t k = 0; k < c->n_gates && last != c->n_gates; k++) {
        struct whist_gate g = gate_at(c, k);
        bool used = (op_reads_a(g.op) && g.a == wire) || (op_reads_b(g.op) && g.b == wire);
        last = used && k > last ? k : last;
    }
    return last;
}

/* The least possible: wires alive at once, all inputs at first; a gate's operands may die for its
 * output. Wire w is alive behind gate k if born at k or before and used after k. */
static size_t fewest_slots(const struct whist_circuit *c)
{
    size_t most = c->n_input_bits;
    uint32_t n_wires = c->n_input_bits + c->n_gates;
    uint32_t *last = whist_alloc(n_wires, sizeof *last);

    CHECK(last != NULL);
    for (uint32_t w = 0; w < n_wires; w++) {
        last[w] = last_use(c, w, w < c->n_input_bits ? 0 : w - c->n_input_bits);
    }
    for (uint32_t k = 0; k < c->n_gates; k++) {
        size_t live = 1; /* its output, used or not */
        for (uint32_t w = 0; w < c->n_input_bits + k; w++) {
            live += last[w] > k;
        }
        most = live > most ? live : most;
    }
    whist_free(last);
    return most;
}

static void slots_are_as_few_as_possible(void)
{
    struct rng rng = {9};
    for (long i = 0; i < test_scale(500); i++) {
        struct whist_circuit *c = random_circuit(&rng, 120);
        CHECK_MSG(count_slots(c) == fewest_slots(c), "%zu slots, not %zu", count_slots(c),
                  fewest_slots(c));
        whist_circuit_free(c);
    }
}

static void slots_of_dead_inputs_are_used_again(void)
{
    struct whist_circuit *c = parse("3 8\n1 5\n1 2\n2 1 4 4 5 AND\n1 1 5 6 INV\n2 1 5 6 7 XOR\n");
    struct whist_gate_source *src;
    struct whist_gate g[4];
    struct whist_error err;
    size_t n;

    CHECK_OK(whist_circuit_source_new(&src, c, &err), err);
    CHECK(src->ops->shape(src)->n_slots == 5);
    CHECK_OK(src->ops->next(src, g, 4, &n, &err), err);
    CHECK(n == 3 && g[0].a == 4 && g[0].b == 4 && g[0].out == 4); /* over its own operand */
    CHECK(g[1].a == 4 && g[1].out < 4 && g[2].b == g[1].out);
    CHECK_OK(src->ops->next(src, g, 4, &n, &err), err);
    CHECK(n == 0);
    const uint32_t *out = src->ops->output_slots(src);
    CHECK(out[0] == g[1].out && out[1] == g[2].out && out[0] != out[1]);
    whist_gate_source_free(src);
    whist_circuit_free(c);
}

/* The source gives the circuit's gates in their order, whatever the batches, and again after a
 * rewind; its shape is the circuit's. */
static void sources_reorder_nothing(void)
{
    struct whist_circuit *c;
    struct whist_gate_source *src;
    struct whist_error err;
    static struct whist_gate g[4096];

    CHECK_OK(whist_circuit_make(&c, "aes128", NULL, &err), err);
    uint64_t n_gates = whist_circuit_n_gates(c);
    CHECK_OK(whist_circuit_source_new(&src, c, &err), err);
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    CHECK(shape->n_gates == n_gates && shape->n_ands == 6400 && shape->n_inputs == 2);
    CHECK(shape->input_widths[1] == 128 && shape->n_outputs == 1 && shape->n_slots < 500);
    CHECK(memcmp(shape->id, c->id, sizeof c->id) == 0);
    for (size_t max = 1; max <= 4096; max = max * 5 + 1) {
        uint64_t at = 0;
        size_t n;
        do {
            CHECK_OK(src->ops->next(src, g, max, &n, &err), err);
            for (size_t i = 0; i < n; i++) {
                CHECK(g[i].op == whist_circuit_gate(c, at + i).op && g[i].out < shape->n_slots);
            }
            at += n;
        } while (n != 0);
        CHECK(at == n_gates);
        CHECK_OK(src->ops->rewind(src, &err), err);
    }
    whist_gate_source_free(src);
    whist_gate_source_free(NULL);
    whist_circuit_free(c);
    whist_circuit_free(NULL);
}

static void counts_for_people(void)
{
    struct whist_circuit *c = parse("7 9\n1 2\n1 1\n2 1 0 1 2 AND\n1 1 2 3 INV\n2 1 3 0 4 AND\n"
                                    "1 1 1 5 EQ\n2 1 4 5 6 XOR\n1 1 6 7 EQW\n2 1 7 1 8 AND\n");
    struct whist_circuit_info info;
    struct whist_error err;

    CHECK_OK(whist_circuit_info(c, &info, &err), err);
    CHECK(info.n_inputs == 1 && info.n_outputs == 1 && info.n_gates == 7 && info.n_wires == 9);
    CHECK(info.n_and == 3 && info.n_xor == 1 && info.n_not == 1 && info.n_copy == 1);
    CHECK(info.n_const == 1 && info.and_depth == 3 && info.max_live == 3);
    whist_circuit_free(c);
}

/* ---- The generator ---- */

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

static void synthetic_limits(void)
{
    struct whist_gate_source *src = NULL;
    struct whist_error err;
    const uint64_t most = (uint64_t)1 << 48;

    CHECK(whist_synthetic_source_new(&src, most + 1, &err) == WHIST_ERR_LIMIT && src == NULL);
    CHECK_OK(whist_synthetic_source_new(&src, most, &err), err);
    CHECK(src->ops->shape(src)->n_slots == 4096 && src->ops->shape(src)->n_ands == most);
    struct whist_gate_source *other;
    CHECK_OK(whist_synthetic_source_new(&other, most - 1, &err), err);
    CHECK(memcmp(src->ops->shape(src)->id, other->ops->shape(other)->id, 32) != 0);
    whist_gate_source_free(src);
    whist_gate_source_free(other);
    whist_alloc_fail_after(0);
    CHECK(whist_synthetic_source_new(&src, 5, &err) == WHIST_ERR_NOMEM);
    whist_alloc_fail_after(-1);
}

static void synthetic_rewinds_anywhere(void)
{
    struct whist_gate_source *src;
    struct whist_error err;
    struct whist_gate g;
    uint64_t n_gates, n_ands;
    size_t n;

    CHECK_OK(whist_synthetic_source_new(&src, 300, &err), err);
    uint64_t hash = pull_all(src, 4096, &n_gates, &n_ands);
    for (uint64_t stop = 120; stop < 160; stop++) {
        CHECK_OK(src->ops->rewind(src, &err), err);
        for (uint64_t i = 0; i < stop; i++) {
            CHECK_OK(src->ops->next(src, &g, 1, &n, &err), err);
        }
        CHECK(pull_all(src, 4096, &n_gates, &n_ands) == hash);
    }
    whist_gate_source_free(src);
}

/* The outputs gather what the last ANDs wrote. */
static void synthetic_outputs_depend_on_the_last_gates(void)
{
    static struct whist_gate g[20000];
    struct whist_error err;

    for (uint64_t n_ands = 1; n_ands < 3000; n_ands += 131) {
        struct whist_gate_source *src;
        bool depends[4096] = {false};
        size_t n, last = 0, outputs = 0;
        CHECK_OK(whist_synthetic_source_new(&src, n_ands, &err), err);
        CHECK_OK(src->ops->next(src, g, 20000, &n, &err), err);
        for (size_t i = 0; i < n; i++) {
            last = g[i].op == WHIST_OP_AND ? i : last;
        }
        CHECK(n < 20000 && last != 0);
        depends[g[last].out] = true;
        for (size_t i = last + 1; i < n; i++) {
            depends[g[i].out] = depends[g[i].a] || depends[g[i].b];
        }
        for (size_t i = 0; i < 64; i++) {
            outputs += depends[src->ops->output_slots(src)[i]];
        }
        CHECK_MSG(outputs == 1, "%zu outputs depend on AND %llu", outputs,
                  (unsigned long long)n_ands);
        whist_gate_source_free(src);
    }
}

/* ANDs in a row are independent: none reads what one of the same layer wrote. */
static void synthetic_layers(void)
{
    struct whist_gate_source *src;
    struct whist_error err;
    static struct whist_gate g[4096];
    static uint64_t level[4096]; /* ANDs on the longest path to a slot */
    uint64_t n_ands = 0, depth = 0;
    size_t n;

    CHECK_OK(whist_synthetic_source_new(&src, 40960, &err), err);
    do {
        CHECK_OK(src->ops->next(src, g, 4096, &n, &err), err);
        for (size_t i = 0; i < n; i++) {
            uint64_t d = level[g[i].a] > level[g[i].b] ? level[g[i].a] : level[g[i].b];
            level[g[i].out] = d + (g[i].op == WHIST_OP_AND);
            depth = level[g[i].out] > depth ? level[g[i].out] : depth;
            n_ands += g[i].op == WHIST_OP_AND;
        }
    } while (n != 0);
    CHECK(n_ands == 40960 && depth == 20); /* 2,048 a layer */
    whist_gate_source_free(src);
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
    {"slots_are_as_few_as_possible", slots_are_as_few_as_possible},
    {"slots_of_dead_inputs_are_used_again", slots_of_dead_inputs_are_used_again},
    {"sources_reorder_nothing", sources_reorder_nothing},
    {"counts_for_people", counts_for_people},
    {"synthetic_is_the_same_in_any_batches", synthetic_is_the_same_in_any_batches},
    {"synthetic_limits", synthetic_limits},
    {"synthetic_layers", synthetic_layers},
    {"synthetic_rewinds_anywhere", synthetic_rewinds_anywhere},
    {"synthetic_outputs_depend_on_the_last_gates", synthetic_outputs_depend_on_the_last_gates},
    {"synthetic_depends_on_its_inputs", synthetic_depends_on_its_inputs},
};
TEST_MAIN(cases)
