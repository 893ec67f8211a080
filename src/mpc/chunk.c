/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Streaming: gates of a chunk, masks of its wires, and the phases in the order that
 * docs/protocol.md (Order) asks for. */
#include "mpc/run.h"

static const struct batch_phases CHUNK_BATCH = {
    "chunk.cot", "chunk.check", "chunk.echo", {"chunk.coin.commit", "chunk.coin.open"}};

/* ---- Gates ---- */

static whist_status refill(struct run *r, struct whist_error *err)
{
    if (r->carry_at < r->n_carry || r->source_ended) {
        return WHIST_OK;
    }
    r->carry_at = 0;
    r->n_carry = 0;
    TRY(r->spec->source->ops->next(r->spec->source, r->carry, CARRY, &r->n_carry, err));
    if (r->n_carry > CARRY) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, "chunk",
                          "the gate source gave %zu gates where %zu were asked for", r->n_carry,
                          CARRY);
    }
    r->source_ended = r->n_carry == 0;
    return WHIST_OK;
}

static bool gate_in_range(const struct run *r, const struct whist_gate *g)
{
    size_t n = r->shape->n_slots;
    if (g->op > WHIST_OP_CONST1 || g->out >= n) {
        return false;
    }
    bool uses_a = g->op <= WHIST_OP_COPY, uses_b = g->op <= WHIST_OP_AND;
    return (!uses_a || g->a < n) && (!uses_b || g->b < n);
}

/* Marks a gate that must wait for the batch of ANDs before it; keeps batches within AND_BATCH and
 * within one message of tables. */
static void mark_batches(struct run *r, struct whist_gate *g, size_t *in_batch)
{
    bool uses_a = g->op <= WHIST_OP_COPY, uses_b = g->op <= WHIST_OP_AND;
    bool hit = r->stamp[g->out] == r->batch || (uses_a && r->stamp[g->a] == r->batch) ||
               (uses_b && r->stamp[g->b] == r->batch);
    bool is_and = g->op == WHIST_OP_AND;
    if (hit || (is_and && (*in_batch == AND_BATCH || r->chunk.m % r->table_gates == 0))) {
        g->op |= GATE_FLUSH;
        r->batch++;
        *in_batch = 0;
    }
    if (is_and) {
        r->stamp[g->out] = r->batch;
        (*in_batch)++;
        r->chunk.m++;
    }
}

/* Pulls the gates of the next chunk. */
static whist_status pull_chunk(struct run *r, struct whist_error *err)
{
    struct chunk *c = &r->chunk;
    size_t in_batch = 0;
    c->n_gates = 0;
    c->m = 0;
    r->batch++;
    for (;;) {
        TRY(refill(r, err));
        if (r->source_ended || c->n_gates == CHUNK_MAX_GATES) {
            return WHIST_OK;
        }
        if (c->n_gates == r->gates_cap) {
            return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, "chunk",
                              "the gate source gave more gates than it had announced");
        }
        struct whist_gate *g = &r->carry[r->carry_at];
        if (g->op == WHIST_OP_AND && c->m == r->chunk_ands) {
            return WHIST_OK;
        }
        if (!gate_in_range(r, g)) {
            return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, "chunk",
                              "the gate source gave a gate of kind %u with operands out of range",
                              g->op);
        }
        c->gates[c->n_gates] = *g;
        mark_batches(r, &c->gates[c->n_gates++], &in_batch);
        r->carry_at++;
    }
}

/* ---- Masks ---- */

static void set_mask(struct run *r, uint32_t slot, const struct shares *x, size_t k)
{
    const struct whist_session *s = r->s;
    struct block *rec = r->masks + slot * r->mask_stride;
    for (size_t p = 0; p < s->n_peers; p++) {
        rec[2 * p] = x->mac[s->peers[p]][k];
        rec[2 * p + 1] = x->key[s->peers[p]][k];
    }
}

static void gather_mask(const struct run *r, struct shares *x, size_t k, uint32_t slot)
{
    const struct whist_session *s = r->s;
    const struct block *rec = r->masks + slot * r->mask_stride;
    for (size_t p = 0; p < s->n_peers; p++) {
        x->mac[s->peers[p]][k] = rec[2 * p];
        x->key[s->peers[p]][k] = rec[2 * p + 1];
    }
}

/* Masks of all wires of the chunk; those of every AND's inputs in gate order. */
static void assign_masks(struct run *r)
{
    struct chunk *c = &r->chunk;
    size_t n = r->mask_stride, next = 0;
    for (size_t i = 0; i < c->n_gates; i++) {
        const struct whist_gate *g = &c->gates[i];
        struct block *out = r->masks + g->out * n;
        const struct block *a = r->masks + g->a * n, *b = r->masks + g->b * n;
        switch (GATE_OP(g)) {
        case WHIST_OP_AND:
            gather_mask(r, &c->alpha, next, g->a);
            gather_mask(r, &c->b, next, g->b);
            set_mask(r, g->out, &c->gamma, next++);
            break;
        case WHIST_OP_XOR:
            for (size_t k = 0; k < n; k++) {
                out[k] = block_xor(a[k], b[k]);
            }
            break;
        case WHIST_OP_NOT: /* the labels swap and Λ flips; the mask stays */
        case WHIST_OP_COPY:
            memmove(out, a, n * sizeof *out);
            break;
        default: /* a constant's mask is the zero share */
            memset(out, 0, n * sizeof *out);
            break;
        }
    }
}

/* ---- One chunk ---- */

/* Lays out the arrays. Order of the pool: b without its first m, a, r, γ, ρ. */
static whist_status lay_out(struct run *r, struct whist_error *err)
{
    struct whist_session *s = r->s;
    struct chunk *c = &r->chunk;
    size_t L = c->B * c->l, pool = whist_batch_words(3 * L + 128) * 128;
    size_t per_array = (2 * c->m + pool) * sizeof(struct block);
    if (per_array > SIZE_MAX / (4 * s->n_peers)) { /* 32-bit machines */
        return whist_out_of_memory(err, "chunk");
    }
    size_t bytes = 2 * s->n_peers * per_array + (L + c->m) * sizeof(struct block) + c->m;
    TRY(whist_arena_reset(&s->arena, bytes, 4 * s->n_peers + 3, err));
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        c->b.mac[j] = whist_arena_take(&s->arena, (c->m + pool) * sizeof(struct block));
        c->b.key[j] = whist_arena_take(&s->arena, (c->m + pool) * sizeof(struct block));
        c->alpha.mac[j] = whist_arena_take(&s->arena, c->m * sizeof(struct block));
        c->alpha.key[j] = whist_arena_take(&s->arena, c->m * sizeof(struct block));
    }
    c->sums = whist_arena_take(&s->arena, L * sizeof(struct block));
    c->out_label0 = whist_arena_take(&s->arena, c->m * sizeof(struct block));
    c->lam = whist_arena_take(&s->arena, c->m);
    c->pool = whist_shares_at(&c->b, s, c->m);
    c->a = whist_shares_at(&c->b, s, L);
    c->c = whist_shares_at(&c->a, s, L);
    c->gamma = whist_shares_at(&c->c, s, L);
    c->rho = whist_shares_at(&c->gamma, s, c->m);
    return WHIST_OK;
}

/* c := λ_αβ ⊕ λ_γ: the form in which all later steps use it. */
static void add_gamma(struct run *r)
{
    struct chunk *c = &r->chunk;
    for (size_t p = 0; p < r->s->n_peers; p++) {
        size_t j = r->s->peers[p];
        for (size_t k = 0; k < c->m; k++) {
            c->c.mac[j][k] = block_xor(c->c.mac[j][k], c->gamma.mac[j][k]);
            c->c.key[j][k] = block_xor(c->c.key[j][k], c->gamma.key[j][k]);
        }
    }
}

static void report(struct run *r, const char *phase)
{
    struct whist_session *s = r->s;
    int64_t now = whist_now_ms();
    if (s->progress != NULL && now - r->last_progress_ms >= 200) {
        r->last_progress_ms = now;
        s->progress(s->progress_ctx, phase, r->done_ands, r->total_ands);
    }
}

static whist_status make_buckets(void *ctx, struct whist_error *err)
{
    struct run *r = ctx;
    struct chunk *c = &r->chunk;
    return whist_buckets(r->s, &c->a, &c->b, &c->c, &c->alpha, c->m, c->l, c->B, err);
}

/* Function-dependent preprocessing: aShares, triples, ⟨λ_αβ⟩ of all gates. */
static whist_status preprocess(struct run *r, struct whist_error *err)
{
    struct whist_session *s = r->s;
    struct chunk *c = &r->chunk;
    uint64_t l;
    whist_bucket_choose(s->rho, c->m, &c->B, &l);
    c->l = (size_t)l;
    size_t L = c->B * c->l;
    TRY(lay_out(r, err));
    report(r, "correlated OT");
    TRY(whist_ashares(s, &c->pool, (L - c->m) + 2 * L + c->m + 128, &CHUNK_BATCH, err));
    assign_masks(r);
    report(r, "AND triples");
#ifdef WHIST_TEST_HOOKS
    s->early_opening = make_buckets;
    s->early_ctx = r;
#endif
    TRY(whist_leaky_ands(s, &c->a, &c->b, &c->c, &c->rho, c->sums, L, err));
    if (!WEAK(s, WEAK_EARLY_OPENING)) {
        TRY(make_buckets(r, err));
    }
    add_gamma(r);
    return WHIST_OK;
}

/* Tables, labels and the checks of the chunk. */
static whist_status evaluate_and_check(struct run *r, struct whist_error *err)
{
    struct hash label_hash[MAX_N];
    whist_status st;
    for (size_t g = 0; g < r->n_garblers; g++) {
        whist_label_hash_init(&label_hash[g], r, r->garblers[g]);
    }
    st = whist_evaluate_chunk(r, label_hash, err);
    if (st == WHIST_OK) {
        st = whist_check_chunk(r, label_hash, err);
    }
    whist_wipe(label_hash, r->n_garblers * sizeof label_hash[0]); /* the last labels */
    return st;
}

static whist_status garble_and_check(struct run *r, struct whist_error *err)
{
    TRY(whist_garble_chunk(r, err));
    return whist_check_chunk(r, NULL, err);
}

static whist_status run_chunk(struct run *r, struct whist_error *err)
{
    struct chunk *c = &r->chunk;
    if (c->m == 0) {
        assign_masks(r);
    } else {
        TRY(preprocess(r, err));
    }
    c->first_gate = r->s->gate_counter;
    r->s->gate_counter += c->m;
    report(r, r->evaluates ? "evaluating" : "garbling");
    TRY(r->evaluates ? evaluate_and_check(r, err) : garble_and_check(r, err));
    r->done_ands += c->m;
    return WHIST_OK;
}

whist_status whist_run_chunks(struct run *r, struct whist_error *err)
{
    do {
        TRY(pull_chunk(r, err));
        TRY(run_chunk(r, err));
    } while (!r->source_ended);
    return WHIST_OK;
}
