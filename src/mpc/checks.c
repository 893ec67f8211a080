/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Label check and circuit check of a chunk (docs/protocol.md §6; YWZ20, MiniMPC). */
#include "mpc/run.h"

#define PART ((size_t)1024)

void whist_label_hash_init(struct hash *h, const struct run *r, size_t garbler)
{
    whist_label(h, "whist label-check", r->s, "label.check");
    whist_hash_u64(h, garbler);
    whist_hash_u64(h, r->chunk.m);
}

/* h_s(x) = Σ_k s^(k+1) ⊙ x_k, fed in parts of at most PART. */
struct poly_hash {
    struct block powers[PART]; /* s … s^PART */
    struct block shift;        /* s^(values so far) */
    struct block sum;
};

static void poly_init(struct poly_hash *p, struct block s)
{
    whist_gf_powers(p->powers, s, PART);
    p->shift = whist_gf_x(0);
    p->sum = (struct block){0, 0};
}

static void poly_add(struct poly_hash *p, const struct block *x, size_t n)
{
    struct block part = whist_kernels()->gf_dot(p->powers, x, n);
    p->sum = block_xor(p->sum, whist_gf_mul(p->shift, part));
    p->shift = whist_gf_mul(p->shift, p->powers[PART - 1]);
}

#ifdef WHIST_TEST_HOOKS
void whist_label_poly_tag(uint8_t out[WHIST_HASH_LEN], const struct block *labels, size_t n,
                          struct block seed)
{
    struct poly_hash p;
    poly_init(&p, seed);
    for (size_t at = 0; at < n; at += PART) {
        poly_add(&p, labels + at, n - at < PART ? n - at : PART);
    }
    memset(out, 0, WHIST_HASH_LEN);
    block_store(out, p.sum);
}
#endif

/* ---- Label check ---- */

/* E → garbler: seed s, label hash, Λ of all AND outputs (packed). */
static size_t label_message_len(const struct run *r)
{
    return sizeof(struct block) + WHIST_HASH_LEN + (r->chunk.m + 7) / 8;
}

static whist_status send_label_check(struct run *r, struct hash *label_hash,
                                     struct whist_error *err)
{
    struct whist_session *s = r->s;
    size_t len = label_message_len(r);
    uint8_t *msg = whist_zalloc(len, 1), *bits;
    whist_status st = WHIST_OK;
    if (msg == NULL) {
        return whist_out_of_memory(err, "label.check");
    }
    bits = msg + sizeof(struct block) + WHIST_HASH_LEN;
    for (size_t k = 0; k < r->chunk.m; k++) {
        bits[k / 8] = (uint8_t)(bits[k / 8] | (r->chunk.lam[k] >> 2 & 1) << (k % 8));
    }
    for (size_t g = 0; g < r->n_garblers; g++) {
        block_store(msg, r->chunk.check_seed);
        whist_hash_final(&label_hash[g], msg + sizeof(struct block));
#ifdef WHIST_TEST_HOOKS
        if (WEAK(s, WEAK_LABEL_HASH)) {
            memcpy(msg + sizeof(struct block), r->chunk.weak_tag[g], WHIST_HASH_LEN);
        }
#endif
        TRY_OUT(whist_wire_send(s, r->garblers[g], msg, len, "label.check", err));
    }
out:
    whist_free(msg);
    return st;
}

/* Hash of the labels that the garbler gives to the announced Λ: L_{γ,0} ⊕ Λ_γ·Δ. */
static void expected_hash(uint8_t out[WHIST_HASH_LEN], struct run *r)
{
    const struct chunk *c = &r->chunk;
    struct block labels[PART];
    struct hash h;
    whist_label_hash_init(&h, r, r->s->me);
    for (size_t at = 0; at < c->m; at += PART) {
        size_t part = c->m - at < PART ? c->m - at : PART;
        for (size_t k = 0; k < part; k++) {
            labels[k] = block_xor(c->out_label0[at + k],
                                  block_and_bit(r->s->delta, (uint64_t)c->lam[at + k] >> 2));
        }
        whist_hash_raw(&h, labels, part * sizeof labels[0]);
    }
    whist_hash_final(&h, out);
#ifdef WHIST_TEST_HOOKS
    if (WEAK(r->s, WEAK_LABEL_HASH)) {
        WHIST_REQUIRE(c->m <= PART);
        whist_label_poly_tag(out, labels, c->m, c->check_seed);
    }
#endif
    whist_wipe(labels, sizeof labels);
}

/* Λ of every wire of the chunk, from those of AND outputs; Λ of α and β by gate. */
static void spread_lambda(struct run *r)
{
    struct chunk *c = &r->chunk;
    uint8_t *l = r->lambda;
    size_t next = 0;
    for (size_t i = 0; i < c->n_gates; i++) {
        const struct whist_gate *g = &c->gates[i];
        switch (GATE_OP(g)) {
        case WHIST_OP_AND:
            c->lam[next] = (uint8_t)(c->lam[next] | l[g->a] | l[g->b] << 1);
            l[g->out] = c->lam[next++] >> 2 & 1;
            break;
        case WHIST_OP_XOR:
            l[g->out] = l[g->a] ^ l[g->b];
            break;
        case WHIST_OP_NOT:
            l[g->out] = l[g->a] ^ 1;
            break;
        case WHIST_OP_COPY:
            l[g->out] = l[g->a];
            break;
        default:
            l[g->out] = GATE_OP(g) == WHIST_OP_CONST1;
            break;
        }
    }
}

static whist_status recv_label_check(struct run *r, struct whist_error *err)
{
    struct chunk *c = &r->chunk;
    size_t len = label_message_len(r);
    uint8_t *msg = whist_alloc(len, 1), expect[WHIST_HASH_LEN];
    whist_status st = WHIST_OK;
    if (msg == NULL) {
        return whist_out_of_memory(err, "label.check");
    }
    TRY_OUT(whist_wire_recv(r->s, r->evaluator, msg, len, "label.check", err));
    const uint8_t *tag = msg + sizeof(struct block), *bits = tag + WHIST_HASH_LEN;
    c->check_seed = block_load(msg);
    for (size_t k = 0; k < c->m; k++) {
        c->lam[k] = (uint8_t)((bits[k / 8] >> (k % 8) & 1) << 2);
    }
    expected_hash(expect, r);
    if (!whist_ct_equal(expect, tag, WHIST_HASH_LEN)) {
        TRY_OUT(CHECK_FAILED(r->s, err, r->evaluator, "label.check",
                             "the evaluator (party %zu) does not hold the labels of the values "
                             "that it announced: it cheated, or a garbler gave it a wrong table",
                             r->evaluator));
    }
out:
    whist_free(msg);
    return st;
}

/* ---- Circuit check ---- */

/* Values of one part: garbler M_E[t^i_γ]; E ⊕_j K_E[t^j] ⊕ (t^E ⊕ Λ_α·Λ_β ⊕ Λ_γ)·Δ_E. */
static void check_values(const struct run *r, struct block *out, size_t at, size_t n)
{
    const struct whist_session *s = r->s;
    const struct chunk *c = &r->chunk;
    size_t bit_of = r->evaluates ? s->peers[0] : r->evaluator;
    memset(out, 0, n * sizeof *out);
    for (size_t k = 0; k < n; k++) {
        uint64_t lam = c->lam[at + k], va = lam & 1, vb = lam >> 1 & 1, vg = lam >> 2 & 1;
        const struct block *ma = &c->alpha.mac[bit_of][at + k], *mb = &c->b.mac[bit_of][at + k];
        struct block t = block_xor(block_and_bit(*mb, va), block_and_bit(*ma, vb));
        t = block_xor(t, c->c.mac[bit_of][at + k]);
        if (!r->evaluates) {
            out[k] = t;
            continue;
        }
        out[k] = block_and_bit(s->delta, block_bit0(t) ^ (va & vb) ^ vg);
        for (size_t p = 0; p < s->n_peers; p++) {
            size_t j = s->peers[p];
            out[k] = block_xor(out[k], block_and_bit(c->b.key[j][at + k], va));
            out[k] = block_xor(out[k], block_and_bit(c->alpha.key[j][at + k], vb));
            out[k] = block_xor(out[k], c->c.key[j][at + k]);
        }
    }
}

static whist_status circuit_check(struct run *r, struct whist_error *err)
{
    struct whist_session *s = r->s;
    struct poly_hash p;
    struct block values[PART];
    poly_init(&p, r->chunk.check_seed);
    for (size_t at = 0; at < r->chunk.m; at += PART) {
        size_t part = r->chunk.m - at < PART ? r->chunk.m - at : PART;
        check_values(r, values, at, part);
        poly_add(&p, values, part);
    }
    whist_wipe(values, sizeof values);
    if (!r->evaluates) {
        return whist_wire_send(s, r->evaluator, &p.sum, sizeof p.sum, "circuit.check", err);
    }
    for (size_t g = 0; g < r->n_garblers; g++) {
        struct block got;
        TRY(whist_wire_recv(s, r->garblers[g], &got, sizeof got, "circuit.check", err));
        p.sum = block_xor(p.sum, got);
    }
    if (!block_equal(p.sum, (struct block){0, 0})) {
        TRY(CHECK_FAILED(s, err, WHIST_NO_PEER, "circuit.check",
                         "the check of the garbled circuit failed: some garbler cheated"));
    }
    return WHIST_OK;
}

whist_status whist_check_chunk(struct run *r, struct hash *label_hash, struct whist_error *err)
{
    if (r->chunk.m == 0) {
        if (!r->evaluates) {
            spread_lambda(r);
        }
        return WHIST_OK;
    }
    if (r->evaluates) {
        TRY(send_label_check(r, label_hash, err));
    } else {
        TRY(recv_label_check(r, err));
        spread_lambda(r);
    }
    TRY(circuit_check(r, err));
    r->s->step++;
    return WHIST_OK;
}
