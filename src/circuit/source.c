/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Liveness, and the gate source over a stored circuit. */
#include "circuit/circuit_internal.h"

/* ---- Liveness ---- */

/* What ends at a gate. */
enum { A_DIES = 1, B_DIES = 2, OUT_DEAD = 4 };

static bool test_and_set(uint64_t *bits, uint32_t i)
{
    uint64_t mask = (uint64_t)1 << (i & 63), *word = &bits[i >> 6];
    bool was = (*word & mask) != 0;
    *word |= mask;
    return was;
}

/* Walks the gates backwards: the first time that a wire is met is its last use. Afterwards `seen`
 * holds the wires that are used at all or are outputs. */
static void find_deaths(const struct whist_circuit *c, uint8_t *deaths, uint64_t *seen)
{
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        test_and_set(seen, c->outputs[i]);
    }
    for (uint32_t k = c->n_gates; k-- > 0;) {
        struct whist_gate g = gate_at(c, k);
        uint8_t d = test_and_set(seen, g.out) ? 0 : OUT_DEAD;
        if (op_reads_a(g.op) && !test_and_set(seen, g.a)) {
            d |= A_DIES;
        }
        if (op_reads_b(g.op) && !test_and_set(seen, g.b)) {
            d |= B_DIES;
        }
        deaths[k] = d;
    }
}

/* Walks the gates forwards; a slot goes back to the stack when its wire has died, and the latest to
 * come back is the first to be used, while it is in the cache. */
static whist_status assign_slots(const struct whist_circuit *c, const uint8_t *deaths,
                                 const uint64_t *seen, uint32_t *slots, size_t *n_slots_out)
{
    struct numbers idle = {0};
    uint32_t n_slots = c->n_input_bits;
    whist_status st = WHIST_OK;

    for (uint32_t i = c->n_input_bits; i-- > 0;) {
        slots[i] = i;
        if ((seen[i >> 6] >> (i & 63) & 1) == 0) {
            TRY_OUT(numbers_push(&idle, i));
        }
    }
    for (uint32_t k = 0; k < c->n_gates; k++) {
        struct whist_gate g = gate_at(c, k);
        if ((deaths[k] & A_DIES) != 0) {
            TRY_OUT(numbers_push(&idle, slots[g.a]));
        }
        if ((deaths[k] & B_DIES) != 0) {
            TRY_OUT(numbers_push(&idle, slots[g.b]));
        }
        uint32_t slot = idle.len != 0 ? idle.v[--idle.len] : n_slots++;
        slots[g.out] = slot;
        if ((deaths[k] & OUT_DEAD) != 0) {
            TRY_OUT(numbers_push(&idle, slot));
        }
    }
    *n_slots_out = n_slots;
out:
    numbers_clear(&idle);
    return st;
}

whist_status whist_circuit_liveness(const struct whist_circuit *c, uint32_t **slots_out,
                                    size_t *n_slots_out, struct whist_error *err)
{
    size_t n_wires = (size_t)c->n_input_bits + c->n_gates;
    uint32_t *slots = whist_alloc(n_wires, sizeof *slots);
    uint8_t *deaths = whist_alloc(c->n_gates, 1);
    uint64_t *seen = whist_zalloc(n_wires / 64 + 1, sizeof *seen);
    whist_status st = WHIST_ERR_NOMEM;

    if (slots != NULL && deaths != NULL && seen != NULL) {
        find_deaths(c, deaths, seen);
        st = assign_slots(c, deaths, seen, slots, n_slots_out);
    }
    whist_free(seen);
    whist_free(deaths);
    if (st != WHIST_OK) {
        whist_free(slots);
        return no_memory(err);
    }
    *slots_out = slots;
    return WHIST_OK;
}

/* ---- The source ---- */

struct stored_source {
    struct whist_gate_source base;
    const struct whist_circuit *circuit; /* borrowed */
    struct whist_circuit_shape shape;
    uint32_t *slots;        /* of each wire */
    uint32_t *output_slots; /* of each output bit */
    uint32_t at;            /* next gate */
};

static const struct whist_circuit_shape *stored_shape(const struct whist_gate_source *src)
{
    return &((const struct stored_source *)src)->shape;
}

static whist_status stored_next(struct whist_gate_source *src, struct whist_gate *gates_out,
                                size_t max, size_t *n_out, struct whist_error *err)
{
    struct stored_source *s = (struct stored_source *)src;
    size_t left = s->circuit->n_gates - s->at, n = max < left ? max : left;
    const uint32_t *slots = s->slots;

    (void)err;
    WHIST_REQUIRE(max > 0);
    for (size_t i = 0; i < n; i++) {
        struct whist_gate g = gate_at(s->circuit, s->at++);
        gates_out[i] = (struct whist_gate){slots[g.a], slots[g.b], slots[g.out], g.op};
    }
    *n_out = n;
    return WHIST_OK;
}

static const uint32_t *stored_output_slots(const struct whist_gate_source *src)
{
    return ((const struct stored_source *)src)->output_slots;
}

static whist_status stored_rewind(struct whist_gate_source *src, struct whist_error *err)
{
    (void)err;
    ((struct stored_source *)src)->at = 0;
    return WHIST_OK;
}

static void stored_free(struct whist_gate_source *src)
{
    struct stored_source *s = (struct stored_source *)src;
    whist_free(s->slots);
    whist_free(s->output_slots);
    whist_free(s);
}

static const struct whist_gate_source_ops stored_ops = {
    .shape = stored_shape,
    .next = stored_next,
    .output_slots = stored_output_slots,
    .rewind = stored_rewind,
    .free = stored_free,
};

whist_status whist_circuit_source_new(struct whist_gate_source **source_out,
                                      const struct whist_circuit *c, struct whist_error *err)
{
    struct stored_source *s = whist_zalloc(1, sizeof *s);
    whist_status st;

    if (s == NULL) {
        return no_memory(err);
    }
    s->base.ops = &stored_ops;
    s->circuit = c;
    s->shape = (struct whist_circuit_shape){
        .n_inputs = c->n_inputs,
        .input_widths = c->input_widths,
        .n_outputs = c->n_outputs,
        .output_widths = c->output_widths,
        .n_ands = c->n_ands,
        .n_gates = c->n_gates,
    };
    memcpy(s->shape.id, c->id, sizeof s->shape.id);
    s->output_slots = whist_alloc(c->n_output_bits, sizeof *s->output_slots);
    st = s->output_slots == NULL ? no_memory(err)
                                 : whist_circuit_liveness(c, &s->slots, &s->shape.n_slots, err);
    if (st != WHIST_OK) {
        stored_free(&s->base);
        return st;
    }
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        s->output_slots[i] = s->slots[c->outputs[i]];
    }
    *source_out = &s->base;
    return WHIST_OK;
}
