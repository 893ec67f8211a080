/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of a stored circuit, for the files of this layer. */
#ifndef WHIST_CIRCUIT_INTERNAL_H
#define WHIST_CIRCUIT_INTERNAL_H

#include <whist/circuit.h>

#include "core/core.h"

/* Most wires (inputs and gates together) of a stored circuit. */
#define WHIST_MAX_WIRES ((uint64_t)1 << 31)

/*
 * Wires are numbered canonically: the input bits first, in order, then gate k writes wire
 * n_input_bits + k. So the order of gates is an order in which they can be computed, each wire is
 * assigned once, and the same function written with other wire numbers is the same circuit.
 * Operands that a gate ignores hold a copy of a (NOT, COPY) or 0 (constants).
 */
struct whist_circuit {
    size_t n_inputs, n_outputs; /* groups */
    uint32_t *input_widths, *output_widths;
    uint32_t n_input_bits, n_output_bits;
    uint32_t n_gates;
    struct whist_gate *gates;
    uint32_t *outputs; /* wire of each output bit; a wire may stand here twice, or be an input */
    uint64_t n_ands;
    uint8_t id[32];
};

/* A growing array of numbers. All-zero is empty. */
struct numbers {
    uint32_t *v;
    size_t len, cap;
};
static inline whist_status numbers_push(struct numbers *n, uint32_t x)
{
    if (n->len == n->cap) {
        size_t cap = n->cap < 8 ? 16 : n->cap * 2;
        uint32_t *v = whist_realloc(n->v, cap, sizeof *v);
        if (v == NULL) {
            return WHIST_ERR_NOMEM;
        }
        n->v = v;
        n->cap = cap;
    }
    n->v[n->len++] = x;
    return WHIST_OK;
}
static inline void numbers_clear(struct numbers *n)
{
    whist_free(n->v);
    *n = (struct numbers){0};
}

static inline whist_status no_memory(struct whist_error *err)
{
    return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "out of memory for a circuit");
}

/* True for the kinds that read a, or a and b. */
static inline bool op_reads_a(uint32_t op)
{
    return op <= WHIST_OP_COPY;
}
static inline bool op_reads_b(uint32_t op)
{
    return op <= WHIST_OP_AND;
}

/*
 * Completes a circuit whose arrays and counts are filled in: counts the ANDs and computes the id.
 * The caller has validated everything.
 */
whist_status whist_circuit_seal(struct whist_circuit *c, struct whist_error *err);

/*
 * Assigns every wire a slot such that two wires share one only if their lives do not overlap.
 * Input bit k has slot k; output wires live until the end.
 * slots_out: n_input_bits + n_gates slots, the caller's to free; n_slots_out: how many there are.
 */
whist_status whist_circuit_liveness(const struct whist_circuit *c, uint32_t **slots_out,
                                    size_t *n_slots_out, struct whist_error *err);

#endif
