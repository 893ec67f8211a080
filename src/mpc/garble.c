/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Garbling with half-gates for n parties (docs/protocol.md §5; ZRE15, KRRW18, the hash of GKWWY20).
 */
#include "mpc/run.h"

/* The ANDs that wait to be garbled together: independent of each other, consecutive in gate order.
 */
struct batch {
    size_t n;
    struct block la[AND_BATCH], lb[AND_BATCH]; /* L_α,0 and L_β,0 */
    uint32_t out[AND_BATCH];
    /* Hashing: labels, tweaks, both hashes. Kept here so that it is wiped once. */
    struct block x[2 * AND_BATCH], t[2 * AND_BATCH], h0[2 * AND_BATCH], h1[2 * AND_BATCH];
};

/* Where the tables go. */
struct tables {
    struct whist_buffer msg;
    size_t first; /* chunk index of the message's first gate */
    size_t n;     /* gates of the message */
};

/* own(λ) = ⊕_{j≠i} K_i[λ^j] ⊕ λ^i·Δ_i. */
static struct block own_part(const struct run *r, const struct shares *x, size_t k)
{
    const struct whist_session *s = r->s;
    struct block sum = block_and_bit(s->delta, x->mac[s->peers[0]][k].lo);
    for (size_t p = 0; p < s->n_peers; p++) {
        sum = block_xor(sum, x->key[s->peers[p]][k]);
    }
    return sum;
}

/* Both hashes of all labels of the batch towards target j: first the α halves, then the β halves.
 */
static void hash_batch(const struct run *r, struct batch *b, size_t first, size_t target)
{
    const struct whist_session *s = r->s;
    struct block *x = b->x, *t = b->t;
    enum purpose second = WEAK(s, WEAK_ONE_TWEAK) ? HALF_A : HALF_B; /* two tweaks a gate (!) */
    for (size_t g = 0; g < b->n; g++) {
        uint64_t counter = r->chunk.first_gate + first + g;
        x[g] = b->la[g];
        x[b->n + g] = b->lb[g];
        t[g] = whist_tweak(s, HALF_A, s->me, target, counter);
        t[b->n + g] = whist_tweak(s, second, s->me, target, counter);
    }
    TAMPER(r->s, "tweaks", target, t, 2 * b->n * sizeof t[0]);
    whist_kernels()->hash2(b->h0, b->h1, x, t, s->delta, 2 * b->n);
}

/* G_0, G_1 and the output labels. */
static void own_rows(struct run *r, struct batch *b, size_t first, uint8_t *rows)
{
    const struct block *h0 = b->h0, *h1 = b->h1;
    hash_batch(r, b, first, r->s->me);
    for (size_t g = 0; g < b->n; g++) {
        const struct block *ha = &h0[g], *hb = &h0[b->n + g];
        size_t k = first + g;
        struct block g0 = block_xor(block_xor(*ha, h1[g]), own_part(r, &r->chunk.b, k));
        struct block g1 = block_xor(block_xor(*hb, h1[b->n + g]), b->la[g]);
        g1 = block_xor(g1, own_part(r, &r->chunk.alpha, k));
        block_store(rows + g * whist_row_len(r), g0);
        block_store(rows + g * whist_row_len(r) + sizeof g0, g1);
        struct block out = block_xor(block_xor(*ha, *hb), own_part(r, &r->chunk.c, k));
        r->labels[b->out[g]] = out;
        r->chunk.out_label0[k] = out;
    }
}

/* The triples S towards garbler j. */
static void other_rows(struct run *r, struct batch *b, size_t first, size_t j, uint8_t *rows)
{
    const struct block *h0 = b->h0, *h1 = b->h1;
    const struct chunk *c = &r->chunk;
    hash_batch(r, b, first, j);
    for (size_t g = 0; g < b->n; g++) {
        const struct block *ha = &h0[g], *hb = &h0[b->n + g];
        struct block row[3] = {
            block_xor(block_xor(*ha, h1[g]), c->b.mac[j][first + g]),
            block_xor(block_xor(*hb, h1[b->n + g]), c->alpha.mac[j][first + g]),
            block_xor(block_xor(*ha, *hb), c->c.mac[j][first + g]),
        };
        memcpy(rows + g * whist_row_len(r), row, sizeof row);
    }
}

static void garble_batch(struct run *r, struct batch *b, size_t first, struct tables *t)
{
    uint8_t *rows = t->msg.data + (first - t->first) * whist_row_len(r);
    own_rows(r, b, first, rows);
    rows += 2 * sizeof(struct block);
    for (size_t g = 0; g < r->n_garblers; g++) {
        size_t j = r->garblers[g];
        if (j != r->s->me) {
            other_rows(r, b, first, j, rows);
            rows += 3 * sizeof(struct block);
        }
    }
    if (r->s->me == r->garblers[0]) {
        uint8_t *bits = t->msg.data + t->n * whist_row_len(r);
        for (size_t g = 0; g < b->n; g++) {
            size_t k = first + g - t->first;
            uint64_t bit = block_bit0(r->chunk.out_label0[first + g]); /* b_γ */
            bits[k / 8] = (uint8_t)(bits[k / 8] | bit << (k % 8));
        }
    }
    b->n = 0;
}

static whist_status start_message(struct run *r, struct tables *t, size_t first,
                                  struct whist_error *err)
{
    size_t left = r->chunk.m - first;
    t->first = first;
    t->n = left < r->table_gates ? left : r->table_gates;
    size_t len = t->n * whist_row_len(r) + (r->s->me == r->garblers[0] ? (t->n + 7) / 8 : 0);
    if (whist_buffer_resize(&t->msg, len) != WHIST_OK) {
        return whist_out_of_memory(err, "tables");
    }
    memset(t->msg.data, 0, len);
    return WHIST_OK;
}

/* XOR, NOT, COPY and constants. */
static void free_gate(struct run *r, const struct whist_gate *g)
{
    struct block *l = r->labels;
    switch (GATE_OP(g)) {
    case WHIST_OP_XOR:
        l[g->out] = block_xor(l[g->a], l[g->b]);
        break;
    case WHIST_OP_NOT:
        l[g->out] = block_xor(l[g->a], r->s->delta);
        break;
    case WHIST_OP_COPY:
        l[g->out] = l[g->a];
        break;
    default: /* constant c: L_0 = c·Δ, so that the label of Λ = c is zero; never sent (!) */
        l[g->out] = block_and_bit(r->s->delta, GATE_OP(g) == WHIST_OP_CONST1);
        break;
    }
}

whist_status whist_garble_chunk(struct run *r, struct whist_error *err)
{
    struct batch b;
    struct tables t = {{0}, 0, 0};
    struct chunk *c = &r->chunk;
    size_t next = 0; /* AND gates seen */
    b.n = 0;
    whist_status st = WHIST_OK;
    for (size_t i = 0; i < c->n_gates; i++) {
        const struct whist_gate *g = &c->gates[i];
        if ((g->op & GATE_FLUSH) != 0 && b.n != 0) {
            garble_batch(r, &b, next - b.n, &t);
        }
        if (GATE_OP(g) != WHIST_OP_AND) {
            free_gate(r, g);
            continue;
        }
        if (next == t.first + t.n) {
            if (t.n != 0) {
                TRY_OUT(whist_wire_send_owned(r->s, r->evaluator, &t.msg, "tables", err));
            }
            TRY_OUT(start_message(r, &t, next, err));
        }
        b.la[b.n] = r->labels[g->a];
        b.lb[b.n] = r->labels[g->b];
        b.out[b.n++] = g->out;
        next++;
    }
    if (b.n != 0) {
        garble_batch(r, &b, next - b.n, &t);
    }
    if (t.n != 0) {
        TRY_OUT(whist_wire_send_owned(r->s, r->evaluator, &t.msg, "tables", err));
    }
out:
    whist_wipe(&b, sizeof b);
    whist_buffer_clear(&t.msg);
    return st;
}
