/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of a stored circuit, for the files of this layer. */
#ifndef WHIST_CIRCUIT_INTERNAL_H
#define WHIST_CIRCUIT_INTERNAL_H

#include <sodium.h>
#include <whist/circuit.h>

#include "core/core.h"

/* Most wires (inputs and gates together) of a stored circuit. */
#define WHIST_MAX_WIRES ((uint64_t)1 << 31)

/* A gate in 8 bytes. The top bit of a: the kind stands in b; else the top bit of b: AND. */
struct stored_gate {
    uint32_t a, b;
};
#define STORED_FLAG ((uint32_t)1 << 31)

/*
 * Wires are numbered canonically: the input bits first, in order, then gate k writes wire
 * n_input_bits + k. So the order of gates is an order in which they can be computed, each wire is
 * assigned once, and the same function written with other wire numbers is the same circuit.
 * Operands that a gate ignores read as a copy of a (NOT, COPY) or 0 (constants).
 */
struct whist_circuit {
    size_t n_inputs, n_outputs; /* groups */
    uint32_t *input_widths, *output_widths;
    uint32_t n_input_bits, n_output_bits;
    uint32_t n_gates;
    struct stored_gate *gates;
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
/* The array becomes the caller's, to be freed; the rest is empty. */
static inline uint32_t *numbers_take(struct numbers *n)
{
    uint32_t *v = n->v;
    *n = (struct numbers){0};
    return v;
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

static inline struct stored_gate gate_pack(uint32_t op, uint32_t a, uint32_t b)
{
    return op > WHIST_OP_AND ? (struct stored_gate){a | STORED_FLAG, op}
                             : (struct stored_gate){a, op == WHIST_OP_AND ? b | STORED_FLAG : b};
}

/* Gate k of the circuit. */
static inline struct whist_gate gate_at(const struct whist_circuit *c, uint32_t k)
{
    struct stored_gate g = c->gates[k];
    uint32_t a = g.a & ~STORED_FLAG, out = c->n_input_bits + k;

    if (g.a != a) {
        return (struct whist_gate){a, a, out, g.b};
    }
    uint32_t b = g.b & ~STORED_FLAG;
    return (struct whist_gate){a, b, out, b != g.b ? (uint32_t)WHIST_OP_AND : WHIST_OP_XOR};
}

/* What identifies a circuit: shape, then all gates on canonical wires, then outputs. */
struct circuit_hash {
    crypto_generichash_state state;
    size_t len;
    uint8_t text[9 * 512]; /* gates not hashed yet */
};
void circuit_hash_begin(struct circuit_hash *h, const uint32_t *input_widths, size_t n_inputs,
                        const uint32_t *output_widths, size_t n_outputs, uint64_t n_gates);
static inline void circuit_hash_gate(struct circuit_hash *h, uint32_t op, uint32_t a, uint32_t b)
{
    uint8_t *p = h->text + h->len;

    p[0] = (uint8_t)op; /* out follows from the position */
    put_le32(p + 1, a);
    put_le32(p + 5, b);
    h->len += 9;
    if (h->len == sizeof h->text) {
        crypto_generichash_update(&h->state, h->text, h->len);
        h->len = 0;
    }
}
void circuit_hash_end(struct circuit_hash *h, uint8_t id_out[32], const uint32_t *outputs,
                      size_t n_outputs);

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
