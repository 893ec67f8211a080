/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Leaky AND triples and their blinded zero test (docs/protocol.md §3; KRRW18 fig. 4, YWZ20 fig. 3,
 * the hash of GKWY20). */
#include "mpc/session.h"

#define PART    ((size_t)1024)                      /* triples of an inner block */
#define MESSAGE (WIRE_BLOCK / sizeof(struct block)) /* triples of a message */

static const struct commit_phases D_PHASES = {"leaky.d.commit", "leaky.d.open"};
static const struct commit_phases COIN_PHASES = {"leaky.coin.commit", "leaky.coin.open"};
static const struct commit_phases ZETA_PHASES = {"zero.zeta.commit", "zero.zeta.open"};

/* Secrets of one inner block, kept in one place that is wiped once. */
struct scratch {
    struct block t[PART], h[PART], v[PART], u[PART];
};

/* Arrays of one product: ⊕_{i≠j} x^j·v^i, x shared, v the parties' own blocks (model: cross_terms).
 */
struct product {
    enum purpose purpose;
    const struct shares *x;
    uint64_t base; /* first counter of the tweaks */
    const char *phase;
    struct scratch *scratch;
};

static void fill_tweaks(struct block *t, const struct whist_session *s, const struct product *pr,
                        size_t owner, size_t target, size_t at, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        t[k] = whist_tweak(s, pr->purpose, owner, target, pr->base + at + k);
    }
}

/* out[k] = H(K; t) ⊕ H(K ⊕ Δ; t) ⊕ v[k] towards peer j; acc[k] ⊕= H(K; t). */
static void product_send_part(struct whist_session *s, const struct product *pr, size_t j,
                              struct block *out, struct block *acc, const struct block *v,
                              size_t at, size_t count)
{
    struct block *t = pr->scratch->t, *h0 = pr->scratch->h;
    fill_tweaks(t, s, pr, s->me, j, at, count);
    TAMPER(s, "tweaks", j, t, count * sizeof t[0]);
    whist_kernels()->hash2(h0, out, pr->x->key[j] + at, t, s->delta, count);
    for (size_t k = 0; k < count; k++) {
        out[k].lo ^= h0[k].lo ^ v[k].lo;
        out[k].hi ^= h0[k].hi ^ v[k].hi;
        acc[k].lo ^= h0[k].lo;
        acc[k].hi ^= h0[k].hi;
    }
}

/* acc[k] ⊕= x^me_k·U[k] ⊕ H(M_j[x^me_k]; t). */
static void product_recv_part(struct whist_session *s, const struct product *pr, size_t j,
                              struct block *acc, const struct block *u, size_t at, size_t count)
{
    struct block *t = pr->scratch->t, *h = pr->scratch->h;
    const struct block *mac = pr->x->mac[j] + at;
    fill_tweaks(t, s, pr, j, s->me, at, count);
    whist_kernels()->hash1(h, mac, t, count);
    for (size_t k = 0; k < count; k++) {
        uint64_t m = ct_mask(mac[k].lo);
        acc[k].lo ^= h[k].lo ^ (u[k].lo & m);
        acc[k].hi ^= h[k].hi ^ (u[k].hi & m);
    }
}

static size_t part_of(size_t at, size_t end, size_t most)
{
    return end - at < most ? end - at : most;
}

static whist_status product_recv(struct whist_session *s, const struct product *pr,
                                 struct block *acc, size_t at, size_t count,
                                 struct whist_error *err)
{
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        struct whist_buffer msg = {0};
        TRY(whist_wire_recv_owned(s, j, &msg, count * sizeof(struct block), pr->phase, err));
        for (size_t k = 0; k < count; k += PART) {
            struct block *u = pr->scratch->u;
            size_t part = part_of(k, count, PART);
            memcpy(u, msg.data + k * sizeof(struct block), part * sizeof(struct block));
            product_recv_part(s, pr, j, acc + at + k, u, at + k, part);
        }
        whist_buffer_clear(&msg);
    }
    return WHIST_OK;
}

/* One message to every peer: v and the first part of acc come from start(). */
static whist_status
product_send(struct whist_session *s, const struct product *pr,
             void (*start)(void *ctx, struct block *v, struct block *acc, size_t at, size_t count),
             void *ctx, struct block *acc, size_t at, size_t count, struct whist_error *err)
{
    struct whist_buffer msg[MAX_N] = {{0}};
    whist_status st = WHIST_OK;
    for (size_t p = 0; p < s->n_peers; p++) {
        if (whist_buffer_resize(&msg[p], count * sizeof(struct block)) != WHIST_OK) {
            st = whist_out_of_memory(err, pr->phase);
            goto out;
        }
    }
    for (size_t k = 0; k < count; k += PART) {
        struct block *v = pr->scratch->v, *u = pr->scratch->u;
        size_t part = part_of(k, count, PART);
        start(ctx, v, acc + at + k, at + k, part);
        for (size_t p = 0; p < s->n_peers; p++) {
            product_send_part(s, pr, s->peers[p], u, acc + at + k, v, at + k, part);
            /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): msg has room */
            memcpy(msg[p].data + k * sizeof(struct block), u, part * sizeof(struct block));
        }
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        TRY_OUT(whist_wire_send_owned(s, s->peers[p], &msg[p], pr->phase, err));
    }
out:
    for (size_t p = 0; p < s->n_peers; p++) {
        whist_buffer_clear(&msg[p]);
    }
    return st;
}

/* acc[k] = own share of start's part ⊕ ⊕_{i≠j} x^j_k·v^i_k, for `count` values. */
static whist_status product_run(struct whist_session *s, struct product *pr,
                                void (*start)(void *ctx, struct block *v, struct block *acc,
                                              size_t at, size_t count),
                                void *ctx, struct block *acc, size_t count, struct whist_error *err)
{
    struct scratch scratch;
    whist_status st = WHIST_OK;
    pr->scratch = &scratch;
    /* One message ahead, as with the corrections. */
    for (size_t at = 0; at < count + MESSAGE; at += MESSAGE) {
        if (at < count) {
            TRY_OUT(product_send(s, pr, start, ctx, acc, at, part_of(at, count, MESSAGE), err));
        }
        if (at >= MESSAGE) {
            size_t from = at - MESSAGE;
            TRY_OUT(product_recv(s, pr, acc, from, part_of(from, count, MESSAGE), err));
        }
    }
out:
    pr->scratch = NULL;
    whist_wipe(&scratch, sizeof scratch);
    return st;
}

/* ---- §3, steps 1 to 4 ---- */

struct leaky {
    struct whist_session *s;
    const struct shares *a, *b, *r;
    struct zero_stream zero;
    struct block z[PART];
};

/* v = Φ; acc = a^i·Φ ⊕ own share of r·⊕Δ. */
static void leaky_start(void *ctx, struct block *v, struct block *acc, size_t at, size_t count)
{
    struct leaky *l = ctx;
    struct block *z = l->z;
    const struct block *a = l->a->mac[l->s->peers[0]] + at;
    whist_zero_blocks(&l->zero, z, count);
    whist_shares_times_delta(v, l->b, l->s, at, count);
    whist_shares_times_delta(acc, l->r, l->s, at, count);
    for (size_t k = 0; k < count; k++) {
        uint64_t m = ct_mask(a[k].lo);
        v[k].lo ^= z[k].lo;
        v[k].hi ^= z[k].hi;
        acc[k].lo ^= v[k].lo & m;
        acc[k].hi ^= v[k].hi & m;
    }
}

/* Opens d = bit1 of the sums; d_out: packed. */
static whist_status open_d(struct whist_session *s, uint8_t *d_out, const struct block *sums,
                           size_t count, struct whist_error *err)
{
    size_t n_bytes = (count + 7) / 8;
    uint8_t *all = whist_zalloc(s->n, n_bytes);
    if (all == NULL) {
        return whist_out_of_memory(err, D_PHASES.commit);
    }
    uint8_t *own = all + s->me * n_bytes;
    for (size_t k = 0; k < count; k++) {
        own[k / 8] = (uint8_t)(own[k / 8] | block_bit1(sums[k]) << (k % 8));
    }
    TAMPER(s, "leaky.d", WHIST_NO_PEER, own, n_bytes);
    whist_status st = whist_commit_open(s, all, n_bytes, &D_PHASES, err);
    memset(d_out, 0, n_bytes);
    for (size_t i = 0; i < s->n && st == WHIST_OK; i++) {
        for (size_t b = 0; b < n_bytes; b++) {
            d_out[b] ^= all[i * n_bytes + b];
        }
    }
    whist_free(all);
    return st;
}

/* α^i = Σ χ_k ⊙ (s_k ⊕ d_k·Δ_i). */
static struct block alpha_of(const struct whist_session *s, const uint8_t coin[32],
                             const struct block *sums, const uint8_t *d, size_t count)
{
    const struct whist_kernels *kern = whist_kernels();
    struct block chi[PART], sum = {0, 0}, d_sum = {0, 0};
    struct prg prg;
    whist_coin_prg(&prg, coin, "whist chi triples");
    for (size_t at = 0; at < count; at += PART) {
        size_t part = part_of(at, count, PART);
        whist_prg_blocks(&prg, chi, part);
        sum = block_xor(sum, kern->gf_dot(chi, sums + at, part));
        d_sum = block_xor(d_sum, kern->bits_dot(chi, d + at / 8, part));
    }
    return block_xor(sum, whist_gf_mul(d_sum, s->delta));
}

/* ---- §3, step 5: the zero test ---- */

struct blind {
    struct whist_session *s;
    struct block alpha;
};

/* v_b = X^b ⊙ α^i; acc = 0. */
static void blind_start(void *ctx, struct block *v, struct block *acc, size_t at, size_t count)
{
    struct blind *b = ctx;
    struct block x = b->alpha;
    WHIST_REQUIRE(at == 0 && count == 128);
    for (size_t k = 0; k < count; k++) {
        v[k] = x;
        acc[k] = (struct block){0, 0};
        x = whist_gf_double(x);
    }
}

static whist_status compare_zero(struct whist_session *s, struct block own, struct whist_error *err)
{
    struct block all[MAX_N], sum = {0, 0};
    all[s->me] = own;
    TRY(whist_commit_open(s, (uint8_t *)all, sizeof(struct block), &ZETA_PHASES, err));
    for (size_t i = 0; i < s->n; i++) {
        sum = block_xor(sum, all[i]);
    }
    TAMPER(s, "zero.sum", WHIST_NO_PEER, &sum, sizeof sum);
    if (!block_equal(sum, (struct block){0, 0})) {
        TRY(CHECK_FAILED(s, err, WHIST_NO_PEER, ZETA_PHASES.open,
                         "the check of the AND triples failed: some party cheated"));
    }
    return WHIST_OK;
}

/* Opens ρ ⊙ ⊕_i α^i instead of the sum, ρ secret, shared and used once: if the sum is not zero all
 * that is seen is random, where the sum itself would show ⊕_i Δ_i (!). */
static whist_status zero_test(struct whist_session *s, struct block alpha, const struct shares *rho,
                              struct zero_stream *zero, struct whist_error *err)
{
    struct blind b = {s, alpha};
    struct product pr = {BLIND, rho, s->blind_counter, "zero.v", NULL};
    struct block acc[128], own_bits[128], zeta = {0, 0}, z;
    s->blind_counter += 128;
    TAMPER(s, "leaky.alpha", WHIST_NO_PEER, &b.alpha, sizeof b.alpha);
    if (WEAK(s, WEAK_OPEN_ALPHA)) {
        return compare_zero(s, b.alpha, err);
    }
    whist_status st = product_run(s, &pr, blind_start, &b, acc, 128, err);
    if (st != WHIST_OK) {
        goto out;
    }
    for (size_t k = 0; k < 128; k++) {
        zeta = block_xor(zeta, acc[k]);
        own_bits[k] = (struct block){block_bit0(rho->mac[s->peers[0]][k]), 0};
    }
    whist_zero_blocks(zero, &z, 1);
    zeta = block_xor(zeta, block_xor(z, whist_gf_mul(whist_gf_pack(own_bits, 128), b.alpha)));
    st = compare_zero(s, zeta, err);
    whist_wipe(own_bits, sizeof own_bits);
    whist_wipe(&z, sizeof z);
out:
    whist_wipe(acc, sizeof acc);
    whist_wipe(&zeta, sizeof zeta);
    whist_wipe(&b.alpha, sizeof b.alpha);
    return st;
}

/* The whole of step 5, for the triples whose d are opened. */
static whist_status check_triples(struct whist_session *s, const struct block *sums,
                                  const uint8_t *d, size_t count, const struct shares *rho,
                                  struct zero_stream *zero, struct whist_error *err)
{
    struct block alpha, u;
    uint8_t coin[32];
    TRY(whist_coin(s, coin, &COIN_PHASES, err));
    alpha = alpha_of(s, coin, sums, d, count);
    TAMPER(s, "leaky.chi", WHIST_NO_PEER, coin, sizeof coin);
    whist_zero_blocks(zero, &u, 1);
    alpha = block_xor(alpha, u);
    whist_status st = WHIST_OK;
#ifdef WHIST_TEST_HOOKS
    if (WEAK(s, WEAK_EARLY_OPENING)) {
        st = s->early_opening(s->early_ctx, err);
    }
#endif
    if (st == WHIST_OK) {
        st = zero_test(s, alpha, rho, zero, err);
    }
    whist_wipe(&alpha, sizeof alpha);
    whist_wipe(&u, sizeof u);
    return st;
}

whist_status whist_leaky_ands(struct whist_session *s, const struct shares *a,
                              const struct shares *b, struct shares *r, const struct shares *rho,
                              struct block *s_mem, size_t count, struct whist_error *err)
{
    struct leaky l;
    struct product pr = {LEAKY, a, s->leaky_counter, "leaky.u", NULL};
    uint8_t *d = whist_alloc((count + 7) / 8, 1);
    if (d == NULL) {
        return whist_out_of_memory(err, pr.phase);
    }
    whist_status st;
    l.s = s;
    l.a = a;
    l.b = b;
    l.r = r;
    s->leaky_counter += count;
    whist_zero_init(&l.zero, s, "whist zero shares");
    TRY_OUT(product_run(s, &pr, leaky_start, &l, s_mem, count, err));
    TRY_OUT(open_d(s, d, s_mem, count, err));
    whist_shares_add_public(r, s, d, count);
    TRY_OUT(check_triples(s, s_mem, d, count, rho, &l.zero, err)); /* χ after all d are opened */
out:
    whist_zero_clear(&l.zero);
    whist_wipe(l.z, sizeof l.z);
    whist_free(d);
    return st;
}
