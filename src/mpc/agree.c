/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Broadcast with echo, commitments, coins and zero shares (docs/protocol.md, Notation). */
#include "mpc/session.h"

void whist_label(struct hash *h, const char *domain, const struct whist_session *s,
                 const char *phase)
{
    whist_hash_init(h, domain);
    whist_hash_field(h, s->sid, sizeof s->sid);
    whist_hash_u64(h, s->step);
    whist_hash_field(h, phase, strlen(phase));
}

void whist_echo_add(struct whist_session *s, size_t party, const void *body, size_t len)
{
    whist_hash_u64(&s->echo, party);
    whist_hash_field(&s->echo, body, len);
}

whist_status whist_broadcast_all(struct whist_session *s, uint8_t *values, size_t len,
                                 const char *phase, struct whist_error *err)
{
    TAMPER(s, phase, WHIST_NO_PEER, values + s->me * len, len);
    TRY(whist_wire_exchange(s, values, values + s->me * len, 0, len, phase, err));
    whist_hash_field(&s->echo, phase, strlen(phase));
    for (size_t i = 0; i < s->n; i++) {
        whist_echo_add(s, i, values + i * len, len);
    }
    return WHIST_OK;
}

whist_status whist_echo(struct whist_session *s, const char *phase, struct whist_error *err)
{
    uint8_t all[MAX_N][WHIST_HASH_LEN];
    struct hash h;
    whist_hash_final(&s->echo, all[s->me]);
    whist_label(&h, "whist echo", s, phase);
    whist_hash_field(&h, all[s->me], WHIST_HASH_LEN);
    whist_hash_final(&h, all[s->me]);
    s->step++;
    whist_hash_init(&s->echo, "whist broadcasts");
    TRY(whist_wire_exchange(s, all[0], all[s->me], 0, WHIST_HASH_LEN, phase, err));
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        if (!whist_ct_equal(all[j], all[s->me], WHIST_HASH_LEN)) {
            TRY(CHECK_FAILED(s, err, j, phase,
                             "party %zu has received other broadcasts than this party: somebody "
                             "told different things to different parties",
                             j));
        }
    }
    return WHIST_OK;
}

/* What a commitment is bound to besides its value: label and party. */
static void commit_context(uint8_t out[WHIST_HASH_LEN], const struct whist_session *s,
                           const char *phase, size_t party)
{
    struct hash h;
    whist_label(&h, "whist commit", s, phase);
    whist_hash_u64(&h, party);
    whist_hash_final(&h, out);
}

static void hash_commitments(uint8_t out[WHIST_HASH_LEN], const struct whist_session *s,
                             uint8_t coms[][WHIST_HASH_LEN], const char *phase)
{
    struct hash h;
    whist_label(&h, "whist commitments", s, phase);
    whist_hash_field(&h, coms, s->n * WHIST_HASH_LEN);
    whist_hash_final(&h, out);
}

/* What an opening carries behind its value. */
struct opening {
    uint8_t nonce[32];
    uint8_t seen[WHIST_HASH_LEN]; /* hash of all commitments that the opener received */
};

static whist_status check_opening(struct whist_session *s, size_t j, const uint8_t *value,
                                  size_t len, const struct opening *o,
                                  const uint8_t com[WHIST_HASH_LEN],
                                  const uint8_t seen[WHIST_HASH_LEN],
                                  const struct commit_phases *phases, struct whist_error *err)
{
    uint8_t context[WHIST_HASH_LEN];
    commit_context(context, s, phases->commit, j);
    if (!whist_commit_verify(com, whist_bytes(context, sizeof context), whist_bytes(value, len),
                             o->nonce)) {
        TRY(CHECK_FAILED(s, err, j, phases->open,
                         "party %zu opened something else than it had committed to", j));
    }
    if (!whist_ct_equal(o->seen, seen, WHIST_HASH_LEN)) {
        TRY(CHECK_FAILED(s, err, j, phases->open,
                         "party %zu has received other commitments than this party: somebody "
                         "told different things to different parties",
                         j));
    }
    return WHIST_OK;
}

whist_status whist_commit_open(struct whist_session *s, uint8_t *values, size_t len,
                               const struct commit_phases *phases, struct whist_error *err)
{
    uint8_t coms[MAX_N][WHIST_HASH_LEN], context[WHIST_HASH_LEN];
    struct opening openings[MAX_N], *mine = &openings[s->me];
    uint8_t *own = values + s->me * len;
    TAMPER(s, phases->commit, WHIST_NO_PEER, own, len);
    whist_prg_bytes(&s->rng, mine->nonce, sizeof mine->nonce);
    commit_context(context, s, phases->commit, s->me);
    whist_commit(coms[s->me], whist_bytes(context, sizeof context), whist_bytes(own, len),
                 mine->nonce);
    TRY(whist_wire_exchange(s, coms[0], coms[s->me], 0, WHIST_HASH_LEN, phases->commit, err));
    hash_commitments(mine->seen, s, coms, phases->commit);

    TRY(whist_wire_exchange(s, values, own, 0, len, phases->open, err));
    TRY(whist_wire_exchange(s, (uint8_t *)openings, (const uint8_t *)mine, 0, sizeof *mine,
                            phases->open, err));
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        TRY(check_opening(s, j, values + j * len, len, &openings[j], coms[j], mine->seen, phases,
                          err));
    }
    s->step++;
    return WHIST_OK;
}

whist_status whist_coin(struct whist_session *s, uint8_t out[32],
                        const struct commit_phases *phases, struct whist_error *err)
{
    uint8_t shares[MAX_N][32];
    whist_prg_bytes(&s->rng, shares[s->me], 32);
    TRY(whist_commit_open(s, shares[0], 32, phases, err));
    memset(out, 0, 32);
    for (size_t i = 0; i < s->n; i++) {
        for (size_t b = 0; b < 32; b++) {
            out[b] ^= shares[i][b];
        }
    }
    return WHIST_OK;
}

void whist_coin_prg(struct prg *prg, const uint8_t coin[32], const char *use)
{
    uint8_t seed[WHIST_HASH_LEN];
    struct hash h;
    whist_hash_init(&h, use);
    whist_hash_field(&h, coin, 32);
    whist_hash_final(&h, seed);
    whist_prg_init(prg, seed);
}

void whist_zero_init(struct zero_stream *z, struct whist_session *s, const char *label)
{
    uint64_t counter = s->zero_counter++;
    z->n = s->n_peers;
    for (size_t p = 0; p < s->n_peers; p++) {
        uint8_t seed[WHIST_HASH_LEN];
        struct hash h;
        whist_hash_init(&h, label);
        whist_hash_field(&h, s->sid, sizeof s->sid);
        whist_hash_field(&h, &s->pair[s->peers[p]].seed, sizeof(struct block));
        whist_hash_u64(&h, counter);
        whist_hash_final(&h, seed);
        TAMPER(s, "zero.seed", s->peers[p], seed, sizeof seed);
        whist_prg_init(&z->prg[p], seed);
        whist_wipe(seed, sizeof seed);
        whist_wipe(&h, sizeof h);
    }
}

#define ZERO_BLOCK 256

void whist_zero_blocks(struct zero_stream *z, struct block *out, size_t count)
{
    struct block more[ZERO_BLOCK];
    whist_prg_blocks(&z->prg[0], out, count);
    for (size_t p = 1; p < z->n; p++) {
        for (size_t at = 0; at < count; at += ZERO_BLOCK) {
            size_t part = count - at < ZERO_BLOCK ? count - at : ZERO_BLOCK;
            whist_prg_blocks(&z->prg[p], more, part);
            for (size_t k = 0; k < part; k++) {
                out[at + k] = block_xor(out[at + k], more[k]);
            }
        }
    }
    whist_wipe(more, z->n > 1 ? sizeof more : 0);
}

void whist_zero_clear(struct zero_stream *z)
{
    for (size_t p = 0; p < z->n; p++) {
        whist_prg_clear(&z->prg[p]);
    }
}
