/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "dealer.h"

#include "harness.h"

/* Everybody derives the dealer's random values from the seed: a stream for each use and pair. */
static void stream(struct prg *prg, const uint8_t seed[16], const char *use, size_t i, size_t j)
{
    uint8_t sub[WHIST_HASH_LEN];
    struct hash h;
    whist_hash_init(&h, use);
    whist_hash_field(&h, seed, 16);
    whist_hash_u64(&h, i);
    whist_hash_u64(&h, j);
    whist_hash_final(&h, sub);
    whist_prg_init(prg, sub);
}

/* The trees from COT sender `sender` to receiver `receiver`: the receiver's side, and what it would
 * have sent. */
static void deal_receiver(struct cot *cot, uint8_t *msg_out, struct block keys_out[128][2],
                          const struct whist_session *s, const uint8_t seed[16],
                          const struct cot_context *ctx)
{
    struct whist_error err;
    struct prg prg;
    stream(&prg, seed, "test base keys", ctx->sender, ctx->receiver);
    whist_prg_blocks(&prg, &keys_out[0][0], 256);
    CHECK_OK(whist_cot_receiver_init(cot, msg_out, s->cot_k, keys_out, ctx, &err), err);
}

static void deal_pair(struct whist_session *s, size_t j, const uint8_t seed[16])
{
    static const uint8_t no_sid[32];
    struct cot_context to_j = {no_sid, (uint32_t)j, (uint32_t)s->me};
    struct cot_context to_me = {no_sid, (uint32_t)s->me, (uint32_t)j};
    uint8_t *msg = malloc(whist_cot_tree_message_len(s->cot_k)), choice[128];
    struct block keys[128][2], chosen[128];
    struct cot theirs;
    struct whist_error err;
    struct prg prg;
    deal_receiver(&s->pair[j].rx, msg, keys, s, seed, &to_j);
    deal_receiver(&theirs, msg, keys, s, seed, &to_me);
    whist_cot_clear(&theirs);
    whist_cot_choices(choice, s->cot_k, s->delta);
    for (size_t i = 0; i < 128; i++) {
        chosen[i] = keys[i][choice[i]];
    }
    CHECK_OK(whist_cot_sender_init(&s->pair[j].tx, s->cot_k, s->delta, chosen, msg, &to_me, &err),
             err);
    stream(&prg, seed, "test pair seed", s->me < j ? s->me : j, s->me < j ? j : s->me);
    whist_prg_blocks(&prg, &s->pair[j].seed, 1);
    free(msg);
}

void deal_setup(struct whist_session *s, const uint8_t seed[16])
{
    struct prg prg;
    stream(&prg, seed, "test delta", s->me, 0);
    whist_prg_blocks(&prg, &s->delta, 1);
    uint64_t bit1 = s->me == 0 ? s->n % 2 : 1; /* the pinned bits, as in setup.c */
    s->delta.lo = (s->delta.lo & ~(uint64_t)3) | bit1 << 1 | 1;
    stream(&prg, seed, "test salt", 0, 0);
    whist_prg_blocks(&prg, &s->salt, 1);
    for (size_t p = 0; p < s->n_peers; p++) {
        deal_pair(s, s->peers[p], seed);
    }
    s->ready = true;
}
