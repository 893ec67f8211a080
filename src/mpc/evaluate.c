/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Evaluation of garbled chunks by E (docs/protocol.md §5; ZRE15, YWZ20). */
#include "mpc/run.h"

/* ANDs that are evaluated together; labels by (garbler, gate). */
struct batch {
    size_t n;
    uint32_t out[AND_BATCH];
    uint8_t va[AND_BATCH], vb[AND_BATCH]; /* Λ_α, Λ_β */
    struct block *la, *lb;                /* [n_garblers][AND_BATCH] active labels */
    struct block *x, *t, *h;              /* hashing: 2 · n_garblers · AND_BATCH each */
};

struct tables {
    struct whist_buffer msg[MAX_N]; /* by position in r->garblers */
    size_t first, n;
};

#define LABEL_HASH_BLOCK 512

/* Output labels that wait to be hashed, by garbler. */
struct hash_queue {
    struct block *labels; /* [n_garblers][LABEL_HASH_BLOCK] */
    size_t n;
};

static const struct block *row_of(const struct run *r, const struct tables *t, size_t g, size_t k)
{
    return (const struct block *)(const void *)(t->msg[g].data + (k - t->first) * whist_row_len(r));
}

static whist_status recv_tables(struct run *r, struct tables *t, size_t first,
                                struct whist_error *err)
{
    size_t left = r->chunk.m - first;
    t->first = first;
    t->n = left < r->table_gates ? left : r->table_gates;
    for (size_t g = 0; g < r->n_garblers; g++) {
        size_t len = t->n * whist_row_len(r) + (g == 0 ? (t->n + 7) / 8 : 0);
        whist_buffer_clear(&t->msg[g]);
        TRY(whist_wire_recv_owned(r->s, r->garblers[g], &t->msg[g], len, "tables", err));
    }
    return WHIST_OK;
}

/* Hashes for target i (position gi): h[source][half][gate]. */
static void hash_target(const struct run *r, struct batch *b, size_t first, size_t target)
{
    const struct whist_session *s = r->s;
    enum purpose second = WEAK(s, WEAK_ONE_TWEAK) ? HALF_A : HALF_B;
    size_t at = 0;
    for (size_t g = 0; g < r->n_garblers; g++) {
        for (size_t half = 0; half < 2; half++) {
            const struct block *l = (half == 0 ? b->la : b->lb) + g * AND_BATCH;
            for (size_t k = 0; k < b->n; k++, at++) {
                b->x[at] = l[k];
                b->t[at] = whist_tweak(s, half == 0 ? HALF_A : second, r->garblers[g], target,
                                       r->chunk.first_gate + first + k);
            }
        }
    }
    whist_kernels()->hash1(b->h, b->x, b->t, at);
}

static struct block pick(struct block a, uint64_t va, struct block b, uint64_t vb)
{
    return block_xor(block_and_bit(a, va), block_and_bit(b, vb));
}

/* L^i_γ of gate k of the batch, i at position gi. */
static struct block output_label(const struct run *r, const struct batch *b, const struct tables *t,
                                 size_t first, size_t k, size_t gi)
{
    const struct chunk *c = &r->chunk;
    size_t i = r->garblers[gi], gate = first + k;
    uint64_t va = b->va[k], vb = b->vb[k];
    const struct block *own = row_of(r, t, gi, gate);
    /* M_i[r^E] and the garbled row of i itself */
    struct block label = pick(c->b.mac[i][gate], va, c->alpha.mac[i][gate], vb);
    label = block_xor(label, c->c.mac[i][gate]);
    label = block_xor(label, pick(own[0], va, block_xor(own[1], b->la[gi * AND_BATCH + k]), vb));
    for (size_t g = 0; g < r->n_garblers; g++) {
        label = block_xor(label, block_xor(b->h[2 * g * b->n + k], b->h[(2 * g + 1) * b->n + k]));
        if (g != gi) { /* M_i[r^j] */
            const struct block *sr = row_of(r, t, g, gate) + 2 + 3 * (gi < g ? gi : gi - 1);
            label = block_xor(label, block_xor(pick(sr[0], va, sr[1], vb), sr[2]));
        }
    }
    return label;
}

static void hash_flush(struct run *r, struct hash_queue *q, struct hash *label_hash)
{
    for (size_t g = 0; g < r->n_garblers; g++) {
#ifdef WHIST_TEST_HOOKS
        if (WEAK(r->s, WEAK_LABEL_HASH)) {
            whist_label_poly_tag(r->chunk.weak_tag[g], q->labels + g * LABEL_HASH_BLOCK, q->n,
                                 r->chunk.check_seed);
        }
#endif
        whist_hash_raw(&label_hash[g], q->labels + g * LABEL_HASH_BLOCK,
                       q->n * sizeof(struct block));
    }
    q->n = 0;
}

static void evaluate_batch(struct run *r, struct batch *b, size_t first, const struct tables *t,
                           struct hash_queue *q, struct hash *label_hash)
{
    if (q->n + b->n > LABEL_HASH_BLOCK) {
        hash_flush(r, q, label_hash);
    }
    for (size_t gi = 0; gi < r->n_garblers; gi++) {
        hash_target(r, b, first, r->garblers[gi]);
        for (size_t k = 0; k < b->n; k++) {
            struct block label = output_label(r, b, t, first, k, gi);
            r->labels[b->out[k] * r->label_stride + gi] = label;
            q->labels[gi * LABEL_HASH_BLOCK + q->n + k] = label;
        }
    }
    const uint8_t *bits = t->msg[0].data + t->n * whist_row_len(r);
    for (size_t k = 0; k < b->n; k++) {
        size_t at = first + k - t->first;
        uint64_t bit = block_bit0(r->labels[b->out[k] * r->label_stride]); /* the first garbler's */
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): recv_tables has filled msg */
        uint8_t lam = (uint8_t)((bits[at / 8] >> (at % 8) & 1) ^ bit);
        r->lambda[b->out[k]] = lam;
        r->chunk.lam[first + k] = (uint8_t)(b->va[k] | b->vb[k] << 1 | lam << 2);
    }
    q->n += b->n;
    b->n = 0;
}

static void add_to_batch(const struct run *r, struct batch *b, const struct whist_gate *g)
{
    for (size_t i = 0; i < r->n_garblers; i++) {
        b->la[i * AND_BATCH + b->n] = r->labels[g->a * r->label_stride + i];
        b->lb[i * AND_BATCH + b->n] = r->labels[g->b * r->label_stride + i];
    }
    b->va[b->n] = r->lambda[g->a];
    b->vb[b->n] = r->lambda[g->b];
    b->out[b->n++] = g->out;
}

static void free_gate(struct run *r, const struct whist_gate *g)
{
    size_t n = r->label_stride;
    struct block *out = r->labels + g->out * n;
    const struct block *a = r->labels + g->a * n, *b = r->labels + g->b * n;
    switch (GATE_OP(g)) {
    case WHIST_OP_XOR:
        for (size_t i = 0; i < n; i++) {
            out[i] = block_xor(a[i], b[i]);
        }
        r->lambda[g->out] = r->lambda[g->a] ^ r->lambda[g->b];
        break;
    case WHIST_OP_NOT:
    case WHIST_OP_COPY:
        memmove(out, a, n * sizeof *out);
        r->lambda[g->out] = r->lambda[g->a] ^ (GATE_OP(g) == WHIST_OP_NOT);
        break;
    default: /* a constant's label is zero for every garbler */
        memset(out, 0, n * sizeof *out);
        TAMPER(r->s, "eval.constant", WHIST_NO_PEER, out, n * sizeof *out);
        r->lambda[g->out] = GATE_OP(g) == WHIST_OP_CONST1;
        break;
    }
}

static whist_status evaluate_gates(struct run *r, struct batch *b, struct tables *t,
                                   struct hash_queue *q, struct hash *label_hash,
                                   struct whist_error *err)
{
    struct chunk *c = &r->chunk;
    size_t next = 0;
    for (size_t i = 0; i < c->n_gates; i++) {
        const struct whist_gate *g = &c->gates[i];
        if ((g->op & GATE_FLUSH) != 0 && b->n != 0) {
            evaluate_batch(r, b, next - b->n, t, q, label_hash);
        }
        if (GATE_OP(g) != WHIST_OP_AND) {
            free_gate(r, g);
            continue;
        }
        if (next == t->first + t->n) {
            TRY(recv_tables(r, t, next, err));
        }
        add_to_batch(r, b, g);
        next++;
    }
    if (b->n != 0) {
        evaluate_batch(r, b, next - b->n, t, q, label_hash);
    }
    hash_flush(r, q, label_hash);
    return WHIST_OK;
}

whist_status whist_evaluate_chunk(struct run *r, struct hash *label_hash, struct whist_error *err)
{
    size_t per = r->n_garblers * AND_BATCH, queue = r->n_garblers * LABEL_HASH_BLOCK;
    size_t len = (8 * per + queue) * sizeof(struct block);
    struct block *mem = whist_alloc_aligned(len);
    struct tables t = {{{0}}, 0, 0};
    if (mem == NULL) {
        return whist_out_of_memory(err, "tables");
    }
    struct batch b = {
        .la = mem, .lb = mem + per, .x = mem + 2 * per, .t = mem + 4 * per, .h = mem + 6 * per};
    struct hash_queue q = {mem + 8 * per, 0};
    whist_prg_blocks(&r->s->rng, &r->chunk.check_seed, 1);
    TAMPER(r->s, "label.seed", WHIST_NO_PEER, &r->chunk.check_seed, sizeof(struct block));
    whist_status st = evaluate_gates(r, &b, &t, &q, label_hash, err);
    for (size_t g = 0; g < r->n_garblers; g++) {
        whist_buffer_clear(&t.msg[g]);
    }
    whist_free_aligned(mem, len);
    return st;
}
