/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Batches of correlated OTs with all peers, their column check (docs/protocol.md §1; SoftSpoken
 * fig. 8) and the aShare check (§2; WRK17 Π_aShare). */
#include "mpc/session.h"

/* Inner blocks whose corrections share a message of at most WIRE_BLOCK bytes. */
static size_t blocks_per_message(const struct whist_session *s)
{
    return WIRE_BLOCK / whist_cot_correction_len(s->cot_k, COT_BLOCK_WORDS);
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t whist_batch_words(size_t count)
{
    return (count + 127) / 128 + 2;
}

/* ---- Corrections ---- */

static void draw_choice_bits(struct whist_session *s, struct cot_batch *b)
{
    size_t n = b->n_words, first = s->peers[0];
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        if (b->ashare && p > 0) {
            memcpy(b->u[j], b->u[first], (n - 1) * sizeof(struct block));
            whist_prg_blocks(&s->rng, b->u[j] + n - 1, 1); /* mask rows: fresh for every peer (!) */
        } else {
            whist_prg_blocks(&s->rng, b->u[j], n);
        }
        if (p > 0 && ((b->ashare && WEAK(s, WEAK_COMMON_MASK)) ||
                      (!b->ashare && WEAK(s, WEAK_COMMON_BITS)))) {
            memcpy(b->u[j], b->u[first], n * sizeof(struct block));
        }
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        TAMPER(s, b->ashare ? "ashare.u" : "pair.u", s->peers[p], b->u[s->peers[p]],
               n * sizeof(struct block));
    }
}

/* Words of the message that begins at word `at`. */
static size_t message_words(const struct whist_session *s, const struct cot_batch *b, size_t at)
{
    return min_size(blocks_per_message(s) * COT_BLOCK_WORDS, b->n_words - at);
}

static whist_status send_corrections(struct whist_session *s, struct cot_batch *b, size_t j,
                                     size_t at, const char *phase, struct whist_error *err)
{
    size_t words = message_words(s, b, at);
    struct whist_buffer msg = {0};
    if (whist_buffer_resize(&msg, whist_cot_correction_len(s->cot_k, words)) != WHIST_OK) {
        return whist_out_of_memory(err, phase);
    }
    struct block d[64 * COT_BLOCK_WORDS]; /* 64 trees at most (k = 2) */
    uint8_t *to = msg.data;
    for (size_t w = at; w < at + words; w += COT_BLOCK_WORDS) {
        size_t part = min_size(COT_BLOCK_WORDS, at + words - w);
        size_t len = whist_cot_correction_len(s->cot_k, part);
        whist_cot_receive(&s->pair[j].rx, b->rows.mac[j] + w * 128, d, b->u[j] + w, part);
        memcpy(to, d, len);
        to += len;
    }
    return whist_wire_send_owned(s, j, &msg, phase, err);
}

static whist_status recv_corrections(struct whist_session *s, struct cot_batch *b, size_t j,
                                     size_t at, const char *phase, struct whist_error *err)
{
    size_t words = message_words(s, b, at);
    struct whist_buffer msg = {0};
    TRY(whist_wire_recv_owned(s, j, &msg, whist_cot_correction_len(s->cot_k, words), phase, err));
    struct block d[64 * COT_BLOCK_WORDS];
    const uint8_t *from = msg.data;
    for (size_t w = at; w < at + words; w += COT_BLOCK_WORDS) {
        size_t part = min_size(COT_BLOCK_WORDS, at + words - w);
        size_t len = whist_cot_correction_len(s->cot_k, part);
        memcpy(d, from, len);
        from += len;
        whist_cot_send(&s->pair[j].tx, b->rows.key[j] + w * 128, d, part);
    }
    whist_buffer_clear(&msg);
    return WHIST_OK;
}

whist_status whist_batch_correct(struct whist_session *s, struct cot_batch *b, const char *phase,
                                 struct whist_error *err)
{
    size_t step = blocks_per_message(s) * COT_BLOCK_WORDS;
    draw_choice_bits(s, b);
    /* One message ahead: the next corrections are made while the last ones travel. */
    for (size_t at = 0; at < b->n_words + step; at += step) {
        for (size_t p = 0; p < s->n_peers && at < b->n_words; p++) {
            TRY(send_corrections(s, b, s->peers[p], at, phase, err));
        }
        for (size_t p = 0; p < s->n_peers && at >= step; p++) {
            TRY(recv_corrections(s, b, s->peers[p], at - step, phase, err));
        }
    }
    return WHIST_OK;
}

/* ---- Checks ---- */

/* What P_j proves to P_i about a batch. The last two fields only with an aShare check. */
struct proof {
    struct block u_hash;            /* ũ = h(u) */
    uint8_t v_hash[WHIST_HASH_LEN]; /* hash of h(v_0) ‖ … ‖ h(v_127) */
    struct block w;                 /* Σ χ_k·x_k ⊕ Σ X^t·r_t: broadcast */
    struct block sum;               /* the same combination of the MACs */
};

/* Running sums for one peer: column hashes of both directions and row sums of both. */
struct sums {
    struct block u, v[128], w[128];
    struct block mac, key;
};

static void hash_columns(uint8_t out[WHIST_HASH_LEN], const struct whist_session *s,
                         size_t receiver, size_t sender, const struct block cols[128],
                         const char *phase)
{
    struct hash h;
    whist_label(&h, "whist cot-check", s, phase);
    whist_hash_u64(&h, receiver);
    whist_hash_u64(&h, sender);
    whist_hash_field(&h, cols, 128 * sizeof(struct block));
    whist_hash_final(&h, out);
}

static void add_dot(struct block *acc, const struct block *chi, const struct block *x, size_t n)
{
    *acc = block_xor(*acc, whist_kernels()->gf_dot(chi, x, n));
}

/* Adds one inner block to the column hashes (one coefficient a word: chi for v, chi_w for w; they
 * differ only in a test), then turns its columns into rows: bit 0 of K := 0, so bit 0 of M := x. */
static void finish_block(struct sums *sum, const struct shares *rows, size_t j,
                         const struct block *u, const struct block *chi, const struct block *chi_w,
                         size_t at, size_t words, struct block *scratch)
{
    const struct whist_kernels *kern = whist_kernels();
    struct block *v = rows->mac[j] + at * 128, *w = rows->key[j] + at * 128;
    add_dot(&sum->u, chi, u + at, words);
    for (size_t c = 0; c < 128; c++) {
        add_dot(&sum->v[c], chi, v + c * words, words);
        add_dot(&sum->w[c], chi_w, w + c * words, words);
    }
    memcpy(v, u + at, words * sizeof(struct block));
    memset(w, 0, words * sizeof(struct block));
    kern->transpose(scratch, v, words, words);
    memcpy(v, scratch, words * 128 * sizeof(struct block));
    kern->transpose(scratch, w, words, words);
    memcpy(w, scratch, words * 128 * sizeof(struct block));
}

/* Σ over the sacrificed rows, which are the word before the last. */
static void add_sacrificed(struct sums *sum, const struct cot_batch *b, size_t j)
{
    size_t at = (b->n_words - 2) * 128;
    sum->mac = block_xor(sum->mac, whist_gf_pack(b->rows.mac[j] + at, 128));
    sum->key = block_xor(sum->key, whist_gf_pack(b->rows.key[j] + at, 128));
}

/* Memory of one check. */
struct check {
    struct sums *sums;     /* n */
    struct block *scratch; /* 128 · COT_BLOCK_WORDS */
    struct block *row_chi; /* 128 · COT_BLOCK_WORDS */
    struct block w;        /* own w */
    struct prg chi, row_prg;
};

static whist_status check_init(struct check *c, const struct whist_session *s,
                               const uint8_t coin[32], const char *phase, struct whist_error *err)
{
    *c = (struct check){0};
    c->sums = whist_alloc_aligned(s->n * sizeof *c->sums);
    c->scratch = whist_alloc_aligned(128 * COT_BLOCK_WORDS * sizeof(struct block));
    c->row_chi = whist_alloc_aligned(128 * COT_BLOCK_WORDS * sizeof(struct block));
    if (c->sums == NULL || c->scratch == NULL || c->row_chi == NULL) {
        return whist_out_of_memory(err, phase);
    }
    memset(c->sums, 0, s->n * sizeof *c->sums);
    whist_coin_prg(&c->chi, coin, "whist chi columns");
    whist_coin_prg(&c->row_prg, coin, "whist chi rows");
    return WHIST_OK;
}

static void check_clear(struct check *c, const struct whist_session *s)
{
    whist_free_aligned(c->sums, s->n * sizeof *c->sums);
    whist_free_aligned(c->scratch, 128 * COT_BLOCK_WORDS * sizeof(struct block));
    whist_free_aligned(c->row_chi, 128 * COT_BLOCK_WORDS * sizeof(struct block));
    whist_wipe(c, sizeof *c);
}

/* Row sums of one inner block, for the rows before the sacrificed ones. */
static void add_rows(struct whist_session *s, const struct cot_batch *b, struct check *c, size_t at,
                     size_t words)
{
    const struct whist_kernels *kern = whist_kernels();
    size_t data_words = b->n_words - 2;
    if (at >= data_words) {
        return;
    }
    size_t rows = min_size(words, data_words - at) * 128;
    whist_prg_blocks(&c->row_prg, c->row_chi, rows);
    struct block part = kern->bits_dot(c->row_chi, (const uint8_t *)(b->u[s->peers[0]] + at), rows);
    c->w = block_xor(c->w, part);
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        struct block two[2];
        kern->gf_dot2(two, c->row_chi, b->rows.mac[j] + at * 128, b->rows.key[j] + at * 128, rows);
        c->sums[j].mac = block_xor(c->sums[j].mac, two[0]);
        c->sums[j].key = block_xor(c->sums[j].key, two[1]);
    }
}

#ifdef WHIST_TEST_HOOKS
static const struct block *weak_chi(struct block *out, const struct block *chi, size_t words,
                                    size_t verifier, bool last)
{
    memcpy(out, chi, words * sizeof *out);
    out[words - 1] = last ? whist_gf_x((unsigned)verifier) : out[words - 1];
    return out;
}
#endif

/* One pass over the batch: hashes, rows, row sums. */
static void check_pass(struct whist_session *s, struct cot_batch *b, struct check *c)
{
    struct block chi[COT_BLOCK_WORDS];
    for (size_t at = 0; at < b->n_words; at += COT_BLOCK_WORDS) {
        size_t words = min_size(COT_BLOCK_WORDS, b->n_words - at);
        whist_prg_blocks(&c->chi, chi, words);
        if (at + words == b->n_words) {
            chi[words - 1] = whist_gf_x(0); /* the mask word enters as it is */
        }
        for (size_t p = 0; p < s->n_peers; p++) {
            size_t j = s->peers[p];
            const struct block *to_j = chi, *to_me = chi; /* coefficients of the two verifiers */
#ifdef WHIST_TEST_HOOKS
            struct block weak[2][COT_BLOCK_WORDS];
            if (WEAK(s, WEAK_OWN_CHI)) { /* X^−i ⊙ χ for verifier i, the whole scaled by X^i */
                to_j = weak_chi(weak[0], chi, words, j, at + words == b->n_words);
                to_me = weak_chi(weak[1], chi, words, s->me, at + words == b->n_words);
            }
#endif
            finish_block(&c->sums[j], &b->rows, j, b->u[j], to_j, to_me, at, words, c->scratch);
        }
        if (b->ashare) {
            add_rows(s, b, c, at, words);
        }
    }
    for (size_t p = 0; p < s->n_peers && b->ashare; p++) {
        size_t j = s->peers[p];
        add_sacrificed(&c->sums[j], b, j);
    }
    if (b->ashare) {
        c->w =
            block_xor(c->w, b->u[s->peers[0]][b->n_words - 2]); /* Σ X^t·r_t is the word itself */
    }
}

static void make_proof(struct proof *out, const struct whist_session *s, const struct check *c,
                       size_t j, const char *phase)
{
    out->u_hash = c->sums[j].u;
    hash_columns(out->v_hash, s, s->me, j, c->sums[j].v, phase);
    out->w = c->w;
    out->sum = c->sums[j].mac;
}

/* Everything P_i checks of P_j's proof. */
static whist_status verify_proof(struct whist_session *s, const struct cot_batch *b,
                                 struct sums *sum, size_t j, const struct proof *proof,
                                 const char *phase, struct whist_error *err)
{
    uint8_t expect[WHIST_HASH_LEN];
    for (size_t c = 0; c < 128; c++) {
        uint64_t bit = (c < 64 ? s->pair[j].tx.delta.lo : s->pair[j].tx.delta.hi) >> (c % 64);
        sum->w[c] = block_xor(sum->w[c], block_and_bit(proof->u_hash, bit));
    }
    hash_columns(expect, s, j, s->me, sum->w, phase);
    if (!WEAK(s, WEAK_ROW_CHECK) && !whist_ct_equal(expect, proof->v_hash, sizeof expect)) {
        TRY(CHECK_FAILED(s, err, j, phase,
                         "the correlated OTs of party %zu do not pass the column check", j));
    }
    struct block want = block_xor(sum->key, whist_gf_mul(proof->w, s->delta));
    if (b->ashare && !block_equal(want, proof->sum)) {
        TRY(CHECK_FAILED(s, err, j, phase,
                         "party %zu used other bits with this party than it announced", j));
    }
    return WHIST_OK;
}

static whist_status exchange_proofs(struct whist_session *s, struct cot_batch *b, struct check *c,
                                    struct proof *proofs, const char *phase,
                                    struct whist_error *err)
{
    size_t len = b->ashare ? sizeof(struct proof) : offsetof(struct proof, w);
    TAMPER(s, "ashare.w", WHIST_NO_PEER, &c->w, sizeof c->w);
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        make_proof(&proofs[s->me], s, c, j, phase);
        TRY(whist_wire_send(s, j, &proofs[s->me], len, phase, err));
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        TRY(whist_wire_recv(s, s->peers[p], &proofs[s->peers[p]], len, phase, err));
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        TRY(verify_proof(s, b, &c->sums[j], j, &proofs[j], phase, err));
    }
    for (size_t i = 0; i < s->n && b->ashare; i++) {
        whist_echo_add(s, i, &proofs[i].w, sizeof(struct block));
    }
    s->step++;
    return WHIST_OK;
}

whist_status whist_batch_check(struct whist_session *s, struct cot_batch *b, const uint8_t coin[32],
                               const char *phase, struct whist_error *err)
{
    struct check c;
    struct proof proofs[MAX_N];
    whist_status st = check_init(&c, s, coin, phase, err);
    if (st == WHIST_OK) {
        check_pass(s, b, &c);
        st = exchange_proofs(s, b, &c, proofs, phase, err);
    }
    check_clear(&c, s);
    return st;
}

whist_status whist_ashares(struct whist_session *s, const struct shares *out, size_t count,
                           const struct batch_phases *phases, struct whist_error *err)
{
    struct cot_batch b = {.n_words = whist_batch_words(count), .ashare = true, .rows = *out};
    uint8_t coin[32];
    size_t u_len = s->n * b.n_words * sizeof(struct block);
    struct block *u = whist_alloc_aligned(u_len);
    if (u == NULL) {
        return whist_out_of_memory(err, phases->cot);
    }
    for (size_t i = 0; i < s->n; i++) {
        b.u[i] = u + i * b.n_words;
    }
    whist_status st;
    TRY_OUT(whist_batch_correct(s, &b, phases->cot, err));
    TRY_OUT(whist_coin(s, coin, &phases->coin, err));
    TRY_OUT(whist_batch_check(s, &b, coin, phases->check, err));
    TRY_OUT(whist_echo(s, phases->echo, err));
out:
    whist_free_aligned(u, u_len);
    return st;
}
