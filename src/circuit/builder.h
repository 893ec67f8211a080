/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the builder, for the files that make arithmetic and circuits of our own. */
#ifndef WHIST_BUILDER_H
#define WHIST_BUILDER_H

#include "circuit/circuit_internal.h"

/*
 * A whist_wire is a literal: node number · 2 + 1 if negated. So NOT costs nothing until a circuit
 * is made. Node 0 is the constant 0, nodes 1 … n_input_bits are the inputs, the others are gates on
 * nodes: XOR if a > b, AND if a < b. Gates are on nodes, never on negations: ¬ moves out of an XOR,
 * and ¬x ∧ y = y ⊕ xy. So the four ANDs of x, ¬x with y, ¬y share one gate.
 */
struct node {
    uint32_t a, b;
};

struct whist_builder {
    struct node *nodes;
    size_t n_nodes, cap_nodes;
    uint32_t *table; /* open addressing: gate nodes by (a, b); 0: empty (builder.c) */
    size_t table_bits, table_from;
    uint32_t n_input_bits;
    uint32_t
        n_leaves; /* nodes 1 … n_leaves are no gates: input bits, then what was kept (emit.c) */
    uint64_t rewrite_left; /* so many more nodes are made again (rewrite.c) */
    uint64_t local_left;   /* so many more ANDs are looked at closely (local.c) */
    uint64_t cones_left;   /* so many more gates are looked at with all below (rewrite_cone.c) */
    uint64_t n_ands;
    struct numbers input_widths, output_widths, outputs;
    whist_status status; /* first error */
};

/* Remembers the first error. */
void builder_fail(struct whist_builder *b, whist_status status);
static inline bool builder_ok(const struct whist_builder *b)
{
    return b->status == WHIST_OK;
}

/* n wires of scratch, zeroed; NULL after remembering the error. Freed with whist_free. */
whist_wire *builder_wires(struct whist_builder *b, size_t n);
/* Copies n wires of scratch (may be NULL) to out, or zeros after an error, and frees the scratch.
 * So an operation reads all its operands before it writes, and out may overlap them. */
void builder_give(struct whist_builder *b, whist_wire *out, whist_wire *scratch, size_t n);

/* Is x ∧ y (nodes) an XOR of nodes around it? Then *out is that. */
bool builder_local_and(struct whist_builder *b, uint32_t x, uint32_t y, whist_wire *out);

/* Makes all gates that the n wires need again, with fewer ANDs if there is a way; changes the
 * wires. All other wires but those of inputs are gone. marks: node numbers in ascending order,
 * which become those of the nodes that stand there afterwards. */
void builder_rewrite(struct whist_builder *b, whist_wire *roots, size_t n, size_t *marks,
                     size_t n_marks);

/* At least two of x, y, c: 1 AND. */
whist_wire builder_majority(struct whist_builder *b, whist_wire x, whist_wire y, whist_wire c);

/* out = negative ? −x : x; n − 1 ANDs. */
void builder_negate_if(struct whist_builder *b, whist_wire *out, const whist_wire *x, size_t n,
                       whist_wire negative);

/* Input bit k of all. */
static inline whist_wire builder_input_wire(uint32_t k)
{
    return (k + 1) << 1;
}

static inline bool wire_is_const(whist_wire w)
{
    return w <= 1;
}

/* ---- Sums of many bits ---- */

/*
 * A sum of bits of any weights, mod 2^width. Equal bits, complementary bits and constants are
 * merged without gates; the rest is added with full adders (1 AND each removes a bit).
 */
struct sum {
    struct whist_builder *b;
    size_t width;
    struct numbers *columns; /* bits of weight 2^k */
    uint8_t *constant;       /* one bit a byte */
    /* If set, called before column k is added up, to add bits from there on: partial products that
     * are made when they are needed keep few wires alive. */
    void (*fill)(struct sum *s, size_t k);
    const void *fill_arg;
};
/* On failure the error is remembered and sum_finish gives zeros. */
void sum_init(struct sum *s, struct whist_builder *b, size_t width);
/* Adds or subtracts x · 2^at. Weights ≥ 2^width are dropped. */
void sum_bit(struct sum *s, whist_wire x, size_t at);
void sum_minus_bit(struct sum *s, whist_wire x, size_t at);
/* Adds or subtracts the n-bit number x · 2^at. */
void sum_number(struct sum *s, const whist_wire *x, size_t n, size_t at);
void sum_minus_number(struct sum *s, const whist_wire *x, size_t n, size_t at);
/* Adds or subtracts the constant 2^at. */
void sum_constant(struct sum *s, size_t at, bool negative);
/* Writes the bits skip … width − 1 of the sum and frees it. */
void sum_finish(struct sum *s, whist_wire *out, size_t skip);

/* Additions (of full width) of a product with the constant v < 2^62. */
unsigned builder_constant_additions(uint64_t v);

/* ---- Gates as a stream (emit.c) ---- */

/*
 * Gives away the gates of a builder piece by piece, so that a function whose gates do not fit into
 * memory can be built. All-zero but for put and ctx is the start; emit_clear at the end, always.
 */
struct emitter {
    /* Takes n gates on slots; an error ends everything. */
    whist_status (*put)(void *ctx, const struct whist_gate *gates, size_t n);
    void *ctx;
    uint32_t n_slots; /* so far */
    uint64_t n_ands, n_gates;
    struct numbers idle;       /* slots to be used again */
    struct numbers leaf_slots; /* of kept leaves */
    struct whist_gate *batch;  /* not put yet */
    size_t n_batch;
    whist_status status;
};
/*
 * Gives away all gates that the n wires of `kept` need, and makes the builder empty but for them:
 * they are leaves afterwards, and the wires are changed to these. All other wires but those of
 * inputs are gone.
 */
void emit_piece(struct emitter *e, struct whist_builder *b, whist_wire *kept, size_t n);
/* The same at the end: slots_out are the slots of the wires, which may be written to by nobody. */
void emit_end(struct emitter *e, struct whist_builder *b, const whist_wire *outputs, size_t n,
              uint32_t *slots_out);
void emit_clear(struct emitter *e);
/* Forgets all gates; n_kept leaves follow the inputs. */
void builder_restart(struct whist_builder *b, size_t n_kept);

/* ---- Circuits of our own ---- */

void make_aes128(struct whist_builder *b);
void make_sha256(struct whist_builder *b);

#endif
