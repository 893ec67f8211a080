/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Setup of a session (docs/protocol.md §1): pairwise seeds, base OTs, GGM trees, Δ-consistency,
 * salt. */
#include "mpc/session.h"
#include "ot/base_ot.h"

static const struct batch_phases DELTA_BATCH = {
    "delta.cot", "delta.check", "delta.echo", {"delta.coin.commit", "delta.coin.open"}};
static const struct commit_phases Z_PHASES = {"delta.z.commit", "delta.z.open"};

/* Δ_i: uniform but for bit 0 = 1 (the permutation bit of labels, and bit 0 of M is x) and bit 1 =
 * 1, or n mod 2 at party 0, so that bit 1 of the sum of all Δ is 1 (§3, step 4). Neither depends on
 * who evaluates: that may change from run to run. */
static void draw_delta(struct whist_session *s)
{
    whist_prg_blocks(&s->rng, &s->delta, 1);
    uint64_t bit1 = s->me == 0 ? s->n % 2 : 1;
    s->delta.lo = (s->delta.lo & ~(uint64_t)3) | bit1 << 1 | 1;
}

static whist_status exchange_seeds(struct whist_session *s, struct whist_error *err)
{
    struct block mine[MAX_N], theirs[MAX_N];
    whist_prg_blocks(&s->rng, mine, s->n);
    whist_status st =
        whist_wire_exchange(s, (uint8_t *)theirs, (const uint8_t *)mine, sizeof(struct block),
                            sizeof(struct block), "setup.seeds", err);
    for (size_t p = 0; p < s->n_peers && st == WHIST_OK; p++) {
        size_t j = s->peers[p];
        s->pair[j].seed = block_xor(mine[j], theirs[j]);
    }
    whist_wipe(mine, sizeof mine);
    whist_wipe(theirs, sizeof theirs);
    return st;
}

/* Memory of the base OTs with one peer. */
struct base {
    struct base_ot_receiver rx;
    uint8_t msg[BASE_OT_R_LEN];
    uint8_t b[BASE_OT_B_LEN];
    struct block pairs[BASE_OT_COUNT][2];
    struct block chosen[BASE_OT_COUNT];
    struct block delta; /* of this party towards this peer: Δ, unless a test cheats */
};

static whist_status send_r(struct whist_session *s, struct base *base, size_t j,
                           struct whist_error *err)
{
    struct base_ot_context ctx = {s->sid, (uint32_t)j, (uint32_t)s->me};
    uint8_t choice[BASE_OT_COUNT];
    base->delta = s->delta;
    TAMPER(s, "setup.delta", j, &base->delta, sizeof base->delta);
    whist_cot_choices(choice, s->cot_k, base->delta);
    whist_base_ot_receive_start(&base->rx, base->msg, &ctx, choice, &s->rng);
    whist_wipe(choice, sizeof choice);
    return whist_wire_send(s, j, base->msg, BASE_OT_R_LEN, "setup.base-ot", err);
}

/* Answers a peer's (r_0, r_1): B, and the trees that grow from the keys. */
static whist_status answer(struct whist_session *s, struct base *base, size_t j, uint8_t *trees,
                           struct whist_error *err)
{
    struct base_ot_context ctx = {s->sid, (uint32_t)s->me, (uint32_t)j};
    struct cot_context cot_ctx = {s->sid, (uint32_t)j, (uint32_t)s->me};
    TRY(whist_wire_recv(s, j, base->msg, BASE_OT_R_LEN, "setup.base-ot", err));
    TRY(whist_base_ot_send(base->pairs, base->b, &ctx, base->msg, &s->rng, err));
    TRY(whist_cot_receiver_init(&s->pair[j].rx, trees, s->cot_k, base->pairs, &cot_ctx, err));
    TRY(whist_wire_send(s, j, base->b, BASE_OT_B_LEN, "setup.base-ot", err));
    return whist_wire_send(s, j, trees, whist_cot_tree_message_len(s->cot_k), "setup.trees", err);
}

static whist_status finish(struct whist_session *s, struct base *base, size_t j, uint8_t *trees,
                           struct whist_error *err)
{
    struct base_ot_context ctx = {s->sid, (uint32_t)j, (uint32_t)s->me};
    struct cot_context cot_ctx = {s->sid, (uint32_t)s->me, (uint32_t)j};
    TRY(whist_wire_recv(s, j, base->b, BASE_OT_B_LEN, "setup.base-ot", err));
    TRY(whist_base_ot_receive_finish(base->chosen, &base->rx, &ctx, base->b, err));
    TRY(whist_wire_recv(s, j, trees, whist_cot_tree_message_len(s->cot_k), "setup.trees", err));
    return whist_cot_sender_init(&s->pair[j].tx, s->cot_k, base->delta, base->chosen, trees,
                                 &cot_ctx, err);
}

static whist_status base_ots(struct whist_session *s, struct whist_error *err)
{
    size_t trees_len = whist_cot_tree_message_len(s->cot_k);
    struct base *base = whist_alloc_aligned(s->n * sizeof *base);
    uint8_t *trees = whist_alloc(trees_len, 1);
    whist_status st = WHIST_OK;
    if (base == NULL || trees == NULL) {
        st = whist_out_of_memory(err, "setup.base-ot");
        goto out;
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        TRY_OUT(send_r(s, &base[s->peers[p]], s->peers[p], err));
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        TRY_OUT(answer(s, &base[s->peers[p]], s->peers[p], trees, err));
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        TRY_OUT(finish(s, &base[s->peers[p]], s->peers[p], trees, err));
    }
out:
    whist_free_aligned(base, s->n * sizeof *base);
    if (trees != NULL) {
        whist_wipe(trees, trees_len);
    }
    whist_free(trees);
    return st;
}

/* ---- Δ-consistency (Scholl et al. style, see docs/protocol.md): one Δ towards all peers ---- */

/* Memory: 128 authenticated bits for every ordered pair. */
struct consistency {
    struct block u[MAX_N][2];                      /* choice bits and the mask word */
    struct block mac[MAX_N][256], key[MAX_N][256]; /* rows */
    struct block zero[MAX_N];                      /* u^i_j */
    struct block y[MAX_N][MAX_N], z[MAX_N][MAX_N]; /* by party; n² blocks are used, dense */
};

/* Broadcasts y^i and computes z^i: z^i_j = M_j[x^{i→j}], z^i_i = ⊕_j K_i[x^{j→i}] ⊕ y_i ⊙ Δ_i. */
static whist_status broadcast_y(struct whist_session *s, struct consistency *c,
                                struct whist_error *err)
{
    size_t n = s->n;
    struct block *y = &c->y[0][0], *z = &c->z[0][0], own = {0, 0}, y_me = {0, 0};
    for (size_t j = 0; j < n; j++) {
        struct block x =
            j == s->me ? (struct block){0, 0} : c->u[j][0]; /* Σ X^t·bit_t is the word */
        y[s->me * n + j] = block_xor(x, c->zero[j]);
    }
    TRY(whist_broadcast_all(s, (uint8_t *)y, n * sizeof *y, "delta.y", err));
    for (size_t i = 0; i < n; i++) {
        y_me = block_xor(y_me, y[i * n + s->me]);
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        z[s->me * n + j] = whist_gf_pack(c->mac[j], 128);
        own = block_xor(own, whist_gf_pack(c->key[j], 128));
    }
    z[s->me * n + s->me] = block_xor(own, whist_gf_mul(y_me, s->delta));
    return whist_echo(s, "delta.echo", err);
}

static whist_status open_z(struct whist_session *s, struct consistency *c, struct whist_error *err)
{
    size_t n = s->n;
    struct block *z = &c->z[0][0];
    TAMPER(s, "delta.z", WHIST_NO_PEER, z, n * n * sizeof *z);
    TRY(whist_commit_open(s, (uint8_t *)z, n * sizeof *z, &Z_PHASES, err));
    for (size_t j = 0; j < n; j++) {
        struct block sum = {0, 0};
        for (size_t i = 0; i < n; i++) {
            sum = block_xor(sum, z[i * n + j]);
        }
        if (!block_equal(sum, (struct block){0, 0})) {
            TRY(CHECK_FAILED(s, err, j, Z_PHASES.open,
                             "the global key of party %zu is not the same for all parties, or a "
                             "party lied in the check of it",
                             j));
        }
    }
    return WHIST_OK;
}

static whist_status delta_consistency(struct whist_session *s, struct whist_error *err)
{
    struct consistency *c = whist_alloc_aligned(sizeof *c);
    struct zero_stream zero;
    uint8_t coin[32];
    whist_status st;
    if (c == NULL) {
        return whist_out_of_memory(err, DELTA_BATCH.cot);
    }
    struct cot_batch b = {.n_words = 2};
    for (size_t i = 0; i < s->n; i++) {
        b.u[i] = c->u[i];
        b.rows.mac[i] = c->mac[i];
        b.rows.key[i] = c->key[i];
    }
    TRY_OUT(whist_batch_correct(s, &b, DELTA_BATCH.cot, err));
    TRY_OUT(whist_coin(s, coin, &DELTA_BATCH.coin, err));
    struct prg salt;
    whist_coin_prg(&salt, coin, "whist salt");
    whist_prg_blocks(&salt, &s->salt, 1);
    TRY_OUT(whist_batch_check(s, &b, coin, DELTA_BATCH.check, err));
    whist_zero_init(&zero, s, "whist zero delta");
    whist_zero_blocks(&zero, c->zero, s->n);
    whist_zero_clear(&zero);
    TRY_OUT(broadcast_y(s, c, err));
    TRY_OUT(open_z(s, c, err));
out:
    whist_free_aligned(c, sizeof *c);
    return st;
}

whist_status whist_setup(struct whist_session *s, struct whist_error *err)
{
    draw_delta(s);
    TRY(exchange_seeds(s, err));
    TRY(base_ots(s, err));
    TRY(delta_consistency(s, err));
    s->ready = true;
    return WHIST_OK;
}
