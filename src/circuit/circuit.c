/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Stored circuits: identity, counts, plain evaluation. */
#include "circuit/circuit_internal.h"

void whist_circuit_free(struct whist_circuit *c)
{
    if (c == NULL) {
        return;
    }
    whist_free(c->input_widths);
    whist_free(c->output_widths);
    whist_free(c->gates);
    whist_free(c->outputs);
    whist_free(c);
}

const uint32_t *whist_circuit_input_widths(const struct whist_circuit *c, size_t *n_out)
{
    *n_out = c->n_inputs;
    return c->input_widths;
}

const uint32_t *whist_circuit_output_widths(const struct whist_circuit *c, size_t *n_out)
{
    *n_out = c->n_outputs;
    return c->output_widths;
}

uint64_t whist_circuit_n_gates(const struct whist_circuit *c)
{
    return c->n_gates;
}

uint64_t whist_circuit_n_ands(const struct whist_circuit *c)
{
    return c->n_ands;
}

struct whist_gate whist_circuit_gate(const struct whist_circuit *c, uint64_t k)
{
    WHIST_REQUIRE(k < c->n_gates);
    return gate_at(c, (uint32_t)k);
}

/* ---- Identity ---- */

/* Hashes n numbers, 32 bits little-endian each, after their count. */
static void hash_numbers(crypto_generichash_state *h, const uint32_t *v, uint64_t n)
{
    uint8_t buf[4 * 1024];
    put_le64(buf, n);
    crypto_generichash_update(h, buf, 8);
    for (uint64_t i = 0; i < n;) {
        size_t len = 0;
        for (; i < n && len < sizeof buf; i++, len += 4) {
            put_le32(buf + len, v[i]);
        }
        crypto_generichash_update(h, buf, len);
    }
}

void circuit_hash_begin(struct circuit_hash *h, const uint32_t *input_widths, size_t n_inputs,
                        const uint32_t *output_widths, size_t n_outputs, uint64_t n_gates)
{
    static const char domain[] = "whist circuit 1";
    uint8_t count[8];

    h->len = 0;
    crypto_generichash_init(&h->state, NULL, 0, 32);
    crypto_generichash_update(&h->state, (const uint8_t *)domain, sizeof domain);
    hash_numbers(&h->state, input_widths, n_inputs);
    hash_numbers(&h->state, output_widths, n_outputs);
    put_le64(count, n_gates);
    crypto_generichash_update(&h->state, count, sizeof count);
}

void circuit_hash_end(struct circuit_hash *h, uint8_t id_out[32], const uint32_t *outputs,
                      size_t n_outputs)
{
    crypto_generichash_update(&h->state, h->text, h->len);
    hash_numbers(&h->state, outputs, n_outputs);
    crypto_generichash_final(&h->state, id_out, 32);
}

whist_status whist_circuit_seal(struct whist_circuit *c, struct whist_error *err)
{
    struct circuit_hash h;

    if (sodium_init() < 0) {
        return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                          "libsodium does not start");
    }
    c->n_ands = 0;
    circuit_hash_begin(&h, c->input_widths, c->n_inputs, c->output_widths, c->n_outputs,
                       c->n_gates);
    for (uint32_t k = 0; k < c->n_gates; k++) {
        struct whist_gate g = gate_at(c, k);
        c->n_ands += g.op == WHIST_OP_AND;
        circuit_hash_gate(&h, g.op, g.a, g.b);
    }
    circuit_hash_end(&h, c->id, c->outputs, c->n_output_bits);
    return WHIST_OK;
}

/* ---- Counts ---- */

/* AND gates on the longest path. */
static whist_status and_depth(const struct whist_circuit *c, uint64_t *depth_out,
                              struct whist_error *err)
{
    uint32_t first = c->n_input_bits;
    uint32_t *depth = whist_zalloc((size_t)first + c->n_gates, sizeof *depth);
    uint32_t max = 0;

    if (depth == NULL) {
        return no_memory(err);
    }
    for (uint32_t k = 0; k < c->n_gates; k++) {
        struct whist_gate g = gate_at(c, k);
        uint32_t d = op_reads_a(g.op) ? depth[g.a] : 0;
        if (op_reads_b(g.op) && depth[g.b] > d) {
            d = depth[g.b];
        }
        d += g.op == WHIST_OP_AND;
        depth[first + k] = d;
        max = d > max ? d : max;
    }
    whist_free(depth);
    *depth_out = max;
    return WHIST_OK;
}

whist_status whist_circuit_info(const struct whist_circuit *c, struct whist_circuit_info *info_out,
                                struct whist_error *err)
{
    struct whist_circuit_info info = {.n_inputs = c->n_inputs,
                                      .n_outputs = c->n_outputs,
                                      .n_gates = c->n_gates,
                                      .n_wires = (uint64_t)c->n_input_bits + c->n_gates};
    uint64_t count[WHIST_OP_CONST1 + 1] = {0};
    uint32_t *slots = NULL;

    TRY(and_depth(c, &info.and_depth, err));
    TRY(whist_circuit_liveness(c, &slots, &info.max_live, err));
    whist_free(slots);
    for (uint32_t k = 0; k < c->n_gates; k++) {
        count[gate_at(c, k).op]++;
    }
    info.n_xor = count[WHIST_OP_XOR];
    info.n_and = count[WHIST_OP_AND];
    info.n_not = count[WHIST_OP_NOT];
    info.n_copy = count[WHIST_OP_COPY];
    info.n_const = count[WHIST_OP_CONST0] + count[WHIST_OP_CONST1];
    *info_out = info;
    return WHIST_OK;
}

/* ---- Evaluation ---- */

static uint8_t gate_value(uint32_t op, uint8_t a, uint8_t b)
{
    switch (op) {
    case WHIST_OP_XOR:
        return a ^ b;
    case WHIST_OP_AND:
        return a & b;
    case WHIST_OP_NOT:
        return a ^ 1;
    case WHIST_OP_COPY:
        return a;
    default:
        return op == WHIST_OP_CONST1;
    }
}

whist_status whist_circuit_eval(const struct whist_circuit *c, uint8_t *outputs_out,
                                const uint8_t *inputs, struct whist_error *err)
{
    size_t first = c->n_input_bits, n_wires = first + c->n_gates;
    uint8_t *value = whist_zalloc(n_wires, 1);

    if (value == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < first; i++) {
        value[i] = inputs[i] & 1;
    }
    for (uint32_t k = 0; k < c->n_gates; k++) {
        struct whist_gate g = gate_at(c, k);
        value[first + k] = gate_value(g.op, value[g.a], value[g.b]);
    }
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        outputs_out[i] = value[c->outputs[i]];
    }
    whist_wipe(value, n_wires);
    whist_free(value);
    return WHIST_OK;
}

/* ---- Evaluation of a source ---- */

/* Computes gates on slots. A source that names a slot it did not announce is a bug of its author.
 */
static void run_gates(uint8_t *value, size_t n_slots, const struct whist_gate *gates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct whist_gate *g = &gates[i];
        uint32_t a = op_reads_a(g->op) ? g->a : g->out;
        uint32_t b = op_reads_b(g->op) ? g->b : a;
        WHIST_REQUIRE(g->op <= WHIST_OP_CONST1);
        WHIST_REQUIRE(a < n_slots && b < n_slots && g->out < n_slots);
        value[g->out] = gate_value(g->op, value[a], value[b]);
    }
}

static size_t sum(const uint32_t *v, size_t n)
{
    size_t s = 0;
    for (size_t i = 0; i < n; i++) {
        s += v[i];
    }
    return s;
}

static whist_status run_source(struct whist_gate_source *src, uint8_t *value, size_t n_slots,
                               struct whist_error *err)
{
    struct whist_gate gates[512];
    size_t n;

    TRY(src->ops->rewind(src, err));
    do {
        TRY(src->ops->next(src, gates, sizeof gates / sizeof gates[0], &n, err));
        run_gates(value, n_slots, gates, n);
    } while (n != 0);
    return WHIST_OK;
}

whist_status whist_source_eval(struct whist_gate_source *src, uint8_t *outputs_out,
                               const uint8_t *inputs, struct whist_error *err)
{
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    size_t n_inputs = sum(shape->input_widths, shape->n_inputs);
    size_t n_outputs = sum(shape->output_widths, shape->n_outputs);
    uint8_t *value = whist_zalloc(shape->n_slots, 1);
    whist_status st;

    if (value == NULL) {
        return no_memory(err);
    }
    WHIST_REQUIRE(n_inputs <= shape->n_slots);
    for (size_t i = 0; i < n_inputs; i++) {
        value[i] = inputs[i] & 1;
    }
    TRY_OUT(run_source(src, value, shape->n_slots, err));
    const uint32_t *slots = src->ops->output_slots(src);
    for (size_t i = 0; i < n_outputs; i++) {
        WHIST_REQUIRE(slots[i] < shape->n_slots);
        outputs_out[i] = value[slots[i]];
    }
    st = src->ops->rewind(src, err);
out:
    whist_wipe(value, shape->n_slots);
    whist_free(value);
    return st;
}

void whist_gate_source_free(struct whist_gate_source *src)
{
    if (src != NULL) {
        src->ops->free(src);
    }
}
