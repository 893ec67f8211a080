/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Builder: gates as a stream. Nodes are turned into gates on slots, as source.c does for stored
 * circuits: from the end backwards the last use of every node is found, from the start forwards
 * slots are taken and given back. All in the nodes themselves: while an operand dies at a gate, the
 * top bit of its number is set, and a node that is done holds its slot in `a`.
 */
#include "circuit/builder.h"

enum { BATCH = 4096 };
#define DIES ((uint32_t)1 << 31)

static void fail(struct emitter *e, whist_status status)
{
    if (e->status == WHIST_OK) {
        e->status = status;
    }
}

/* ---- Gates out ---- */

static void flush(struct emitter *e)
{
    if (e->n_batch != 0 && e->status == WHIST_OK) {
        fail(e, e->put(e->ctx, e->batch, e->n_batch));
    }
    e->n_batch = 0;
}

static void put_gate(struct emitter *e, uint32_t op, uint32_t a, uint32_t b, uint32_t out)
{
    if (e->n_batch == BATCH) {
        flush(e);
    }
    e->batch[e->n_batch++] = (struct whist_gate){a, b, out, op};
    e->n_gates++;
    e->n_ands += op == WHIST_OP_AND;
}

static uint32_t take_slot(struct emitter *e)
{
    if (e->idle.len != 0) {
        return e->idle.v[--e->idle.len];
    }
    if (e->n_slots >= WHIST_MAX_WIRES) {
        fail(e, WHIST_ERR_LIMIT);
        return 0;
    }
    return e->n_slots++;
}

static void give_slot(struct emitter *e, uint32_t slot)
{
    if (numbers_push(&e->idle, slot) != WHIST_OK) {
        fail(e, WHIST_ERR_NOMEM);
    }
}

/* ---- What is needed ---- */

static bool test_and_set(uint64_t *bits, uint32_t i)
{
    uint64_t mask = (uint64_t)1 << (i & 63), *word = &bits[i >> 6];
    bool was = (*word & mask) != 0;
    *word |= mask;
    return was;
}

static bool test(const uint64_t *bits, size_t i)
{
    return (bits[i >> 6] >> (i & 63) & 1) != 0;
}

/* Marks what the wires need, and where it dies. What is marked before the walk does not die. */
static void find_deaths(struct whist_builder *b, uint64_t *live, const whist_wire *wires, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        test_and_set(live, wires[i] >> 1);
    }
    for (size_t i = b->n_nodes; i-- > (size_t)b->n_leaves + 1;) {
        struct node *g = &b->nodes[i];
        if (test(live, i)) {
            uint32_t x = g->a, y = g->b;
            g->a |= test_and_set(live, x) ? 0 : DIES;
            g->b |= test_and_set(live, y) ? 0 : DIES;
        }
    }
}

/* ---- From nodes to gates ---- */

/* Leaves get their slots; those that nobody needs give them back. */
static void start_leaves(struct emitter *e, struct whist_builder *b, const uint64_t *live)
{
    if (e->n_slots < b->n_input_bits) {
        e->n_slots = b->n_input_bits;
    }
    for (size_t i = b->n_leaves; i > 0; i--) {
        uint32_t slot =
            i <= b->n_input_bits ? (uint32_t)i - 1 : e->leaf_slots.v[i - 1 - b->n_input_bits];
        b->nodes[i] = (struct node){slot, 0};
        if (!test(live, i)) {
            give_slot(e, slot);
        }
    }
}

static uint32_t operand(struct emitter *e, const struct whist_builder *b, uint32_t x)
{
    uint32_t slot = b->nodes[x & ~DIES].a;
    if ((x & DIES) != 0) {
        give_slot(e, slot);
    }
    return slot;
}

static void put_nodes(struct emitter *e, struct whist_builder *b, const uint64_t *live)
{
    for (size_t i = (size_t)b->n_leaves + 1; i < b->n_nodes && e->status == WHIST_OK; i++) {
        struct node *g = &b->nodes[i];
        if (test(live, i)) {
            uint32_t op = (g->a & ~DIES) > (g->b & ~DIES) ? WHIST_OP_XOR : WHIST_OP_AND;
            uint32_t x = operand(e, b, g->a), y = operand(e, b, g->b), out = take_slot(e);
            put_gate(e, op, x, y, out);
            *g = (struct node){out, 0};
        }
    }
}

/* All gates for the wires. Inputs die only in the last piece. */
static bool emit_nodes(struct emitter *e, struct whist_builder *b, const whist_wire *wires,
                       size_t n, bool last)
{
    uint64_t *live = NULL;

    fail(e, b->status);
    if (e->status == WHIST_OK) {
        e->batch = e->batch != NULL ? e->batch : whist_alloc(BATCH, sizeof *e->batch);
        live = whist_zalloc(b->n_nodes / 64 + 1, sizeof *live);
    }
    if (e->batch == NULL || live == NULL) {
        fail(e, WHIST_ERR_NOMEM);
    } else {
        for (uint32_t i = 0; i <= (last ? 0 : b->n_input_bits); i++) {
            test_and_set(live, i);
        }
        find_deaths(b, live, wires, n);
        start_leaves(e, b, live);
        put_nodes(e, b, live);
    }
    whist_free(live);
    return e->status == WHIST_OK;
}

void emit_piece(struct emitter *e, struct whist_builder *b, whist_wire *kept, size_t n)
{
    if (emit_nodes(e, b, kept, n, false)) {
        e->leaf_slots.len = 0;
        for (size_t i = 0; i < n && e->status == WHIST_OK; i++) {
            uint32_t node = kept[i] >> 1;
            struct node *g = &b->nodes[node];
            if (node <= b->n_input_bits) {
                continue;
            }
            if (g->b == 0) { /* the first wire of this node: b is its new number */
                fail(e, numbers_push(&e->leaf_slots, g->a));
                g->b = b->n_input_bits + (uint32_t)e->leaf_slots.len;
            }
            kept[i] = g->b << 1 | (kept[i] & 1);
        }
        builder_restart(b, e->leaf_slots.len);
    }
    if (e->status != WHIST_OK) {
        builder_fail(b, e->status);
    }
}

/* ---- The end ---- */

/* Slot of a wire. Constants and negations are made once: `b` of a node is the slot of its negation
 * + 1, and node 0 is the constant with its slot + 1 in `a`. */
static uint32_t output_slot(struct emitter *e, struct whist_builder *b, whist_wire w)
{
    struct node *g = &b->nodes[w >> 1];

    if (w >> 1 == 0 && (w & 1) == 0) {
        if (g->a == 0) {
            g->a = take_slot(e) + 1;
            put_gate(e, WHIST_OP_CONST0, 0, 0, g->a - 1);
        }
        return g->a - 1;
    }
    if ((w & 1) == 0) {
        return g->a;
    }
    if (g->b == 0) {
        uint32_t slot = take_slot(e), from = w >> 1 == 0 ? 0 : g->a;
        put_gate(e, w >> 1 == 0 ? WHIST_OP_CONST1 : WHIST_OP_NOT, from, from, slot);
        g->b = slot + 1;
    }
    return g->b - 1;
}

void emit_end(struct emitter *e, struct whist_builder *b, const whist_wire *outputs, size_t n,
              uint32_t *slots_out)
{
    if (emit_nodes(e, b, outputs, n, true)) {
        for (size_t i = 0; i < n && e->status == WHIST_OK; i++) {
            slots_out[i] = output_slot(e, b, outputs[i]);
        }
        flush(e);
    }
    if (e->status != WHIST_OK) {
        builder_fail(b, e->status);
    }
}

void emit_clear(struct emitter *e)
{
    numbers_clear(&e->idle);
    numbers_clear(&e->leaf_slots);
    whist_free(e->batch);
    e->batch = NULL;
}
