/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Authenticated shares and their opening (docs/protocol.md, Notation and Opening shares; the linear
 * tag in the place of WRK17's hash of MACs is argued there). */
#include "mpc/session.h"

#define CHI_BLOCK 1024

struct shares whist_shares_at(const struct shares *x, const struct whist_session *s, size_t at)
{
    struct shares out = {{NULL}, {NULL}};
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        out.mac[j] = x->mac[j] + at;
        out.key[j] = x->key[j] + at;
    }
    return out;
}

static uint64_t public_bit(const uint8_t *bits, size_t k)
{
    return (uint64_t)(bits[k / 8] >> (k % 8) & 1);
}

void whist_shares_add_public(struct shares *x, const struct whist_session *s, const uint8_t *bits,
                             size_t count)
{
    if (s->me == 0) { /* P_0 flips its own bit */
        for (size_t p = 0; p < s->n_peers; p++) {
            struct block *mac = x->mac[s->peers[p]];
            for (size_t k = 0; k < count; k++) {
                mac[k].lo ^= public_bit(bits, k);
            }
        }
        return;
    }
    struct block d = s->delta; /* K ⊕ b·(Δ ⊕ e0) keeps bit 0 of K zero */
    d.lo ^= 1;
    for (size_t k = 0; k < count; k++) {
        x->key[0][k] = block_xor(x->key[0][k], block_and_bit(d, public_bit(bits, k)));
    }
}

void whist_shares_times_delta(struct block *out, const struct shares *x,
                              const struct whist_session *s, size_t at, size_t count)
{
    const struct block *own = x->mac[s->peers[0]] + at;
    for (size_t k = 0; k < count; k++) {
        out[k] = block_and_bit(s->delta, own[k].lo);
    }
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        const struct block *mac = x->mac[j] + at, *key = x->key[j] + at;
        for (size_t k = 0; k < count; k++) {
            out[k].lo ^= mac[k].lo ^ key[k].lo;
            out[k].hi ^= mac[k].hi ^ key[k].hi;
        }
    }
}

static const struct block *plain_part(const void *ctx, struct block *tmp, size_t peer, bool key,
                                      size_t at, size_t count)
{
    const struct shares *x = ctx;
    (void)tmp;
    (void)count;
    return (key ? x->key[peer] : x->mac[peer]) + at;
}

static void view_bits(uint8_t *bits_out, const struct share_view *x, const struct whist_session *s,
                      size_t count)
{
    struct block tmp[CHI_BLOCK];
    memset(bits_out, 0, (count + 7) / 8);
    for (size_t at = 0; at < count; at += CHI_BLOCK) {
        size_t part = count - at < CHI_BLOCK ? count - at : CHI_BLOCK;
        const struct block *own = x->part(x->ctx, tmp, s->peers[0], false, at, part);
        uint8_t *out = bits_out + at / 8;
        for (size_t k = 0; k < part; k++) {
            out[k / 8] = (uint8_t)(out[k / 8] | (own[k].lo & 1) << (k % 8));
        }
    }
    if (x->part != plain_part) {
        whist_wipe(tmp, sizeof tmp);
    }
}

void whist_open_chi(struct prg *prg, const struct whist_session *s, size_t from, size_t to,
                    const uint8_t *bits, size_t n_bytes, const char *phase)
{
    uint8_t seed[WHIST_HASH_LEN];
    struct hash h;
    whist_label(&h, "whist opening", s, phase);
    whist_hash_u64(&h, from);
    whist_hash_u64(&h, to);
    whist_hash_field(&h, bits, n_bytes);
    whist_hash_final(&h, seed);
    whist_prg_init(prg, seed);
}

/* Σ χ_k ⊙ x_k ⊕ (Σ χ_k·bit_k) ⊙ Δ over the MACs of peer j, or (with bits) over the keys. */
static struct block weighted(struct prg *chi_prg, const struct share_view *x, size_t j,
                             const uint8_t *bits, struct block delta, size_t count)
{
    const struct whist_kernels *kern = whist_kernels();
    struct block chi[CHI_BLOCK], tmp[CHI_BLOCK], sum = {0, 0}, bit_sum = {0, 0};
    for (size_t at = 0; at < count; at += CHI_BLOCK) {
        size_t part = count - at < CHI_BLOCK ? count - at : CHI_BLOCK;
        whist_prg_blocks(chi_prg, chi, part);
        const struct block *y = x->part(x->ctx, tmp, j, bits != NULL, at, part);
        sum = block_xor(sum, kern->gf_dot(chi, y, part));
        if (bits != NULL) {
            bit_sum = block_xor(bit_sum, kern->bits_dot(chi, bits + at / 8, part));
        }
    }
    if (x->part != plain_part) {
        whist_wipe(tmp, sizeof tmp);
    }
    return bits != NULL ? block_xor(sum, whist_gf_mul(bit_sum, delta)) : sum;
}

static whist_status send_opening(struct whist_session *s, size_t i, const uint8_t *bits,
                                 const struct share_view *x, size_t count, const char *phase,
                                 struct whist_error *err)
{
    size_t n_bytes = (count + 7) / 8;
    struct prg chi;
    struct whist_buffer msg = {0};
    whist_open_chi(&chi, s, s->me, i, bits, n_bytes, phase);
    struct block tag = weighted(&chi, x, i, NULL, s->delta, count);
    if (whist_buffer_append(&msg, bits, n_bytes) != WHIST_OK ||
        whist_buffer_append(&msg, &tag, sizeof tag) != WHIST_OK) {
        whist_buffer_clear(&msg);
        return whist_out_of_memory(err, phase);
    }
    whist_status st = whist_wire_send(s, i, msg.data, msg.len, phase, err);
    whist_buffer_clear(&msg);
    return st;
}

static whist_status recv_opening(struct whist_session *s, size_t j, uint8_t *bits_acc,
                                 const struct share_view *x, size_t count, const char *phase,
                                 struct whist_error *err)
{
    size_t n_bytes = (count + 7) / 8;
    struct prg chi;
    uint8_t *msg = whist_alloc(n_bytes + sizeof(struct block), 1);
    if (msg == NULL) {
        return whist_out_of_memory(err, phase);
    }
    whist_status st;
    TRY_OUT(whist_wire_recv(s, j, msg, n_bytes + sizeof(struct block), phase, err));
    whist_open_chi(&chi, s, j, s->me, msg, n_bytes, phase);
    struct block tag = weighted(&chi, x, j, msg, s->delta, count);
    if (!block_equal(tag, block_load(msg + n_bytes))) {
        TRY_OUT(CHECK_FAILED(s, err, j, phase,
                             "the MACs of the bits that party %zu opened are wrong", j));
    }
    for (size_t b = 0; b < n_bytes; b++) {
        bits_acc[b] ^= msg[b];
    }
out:
    whist_wipe(msg, n_bytes);
    whist_free(msg);
    return st;
}

whist_status whist_shares_open(struct whist_session *s, uint8_t *bits_out, const struct shares *x,
                               size_t count, uint64_t to, const char *phase,
                               struct whist_error *err)
{
    struct share_view view = {plain_part, x};
    return whist_view_open(s, bits_out, &view, count, to, phase, err);
}

whist_status whist_view_open(struct whist_session *s, uint8_t *bits_out, const struct share_view *x,
                             size_t count, uint64_t to, const char *phase, struct whist_error *err)
{
    size_t n_bytes = (count + 7) / 8;
    bool receive = (to >> s->me & 1) != 0;
    uint8_t *own = whist_alloc(n_bytes, 1);
    if (own == NULL) {
        return whist_out_of_memory(err, phase);
    }
    whist_status st = WHIST_OK;
    view_bits(own, x, s, count);
    for (size_t p = 0; p < s->n_peers && count != 0; p++) {
        size_t i = s->peers[p];
        if ((to >> i & 1) != 0) {
            TRY_OUT(send_opening(s, i, own, x, count, phase, err));
        }
    }
    if (receive && count != 0) {
        memcpy(bits_out, own, n_bytes);
        for (size_t p = 0; p < s->n_peers; p++) {
            TRY_OUT(recv_opening(s, s->peers[p], bits_out, x, count, phase, err));
        }
    }
    s->step++;
out:
    whist_wipe(own, n_bytes);
    whist_free(own);
    return st;
}
