/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Lies in the set-up, in correlated OTs, aShares, coins and broadcasts (docs/protocol.md,
 * Notation, §1, §2). */
#include "harness.h"
#include "lies.h"
#include "ot/base_ot.h"

/* ---- Base OT and trees ---- */

/* A point that does not decode, in (r_0, r_1) or in B, which have the same phase. */
static void undecodable(struct game *g, size_t message_len, const char *point, int to,
                        uint8_t *data, size_t len)
{
    if (to_peer(g, point, to, "setup.base-ot") && len == message_len) {
        memset(data + game_random(g, 5, len / WHIST_POINT_LEN) * WHIST_POINT_LEN, 0xff,
               WHIST_POINT_LEN);
        g->hits++;
    }
}

static void undecodable_r(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    undecodable(g, BASE_OT_R_LEN, point, to, data, len);
}

static void undecodable_b(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    undecodable(g, BASE_OT_B_LEN, point, to, data, len);
}

/* r_j := ⊖Hash_j(r_{1−j}), so that the sender's base for side j is the identity. */
static void identity_r(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    static const uint8_t zero[WHIST_POINT_LEN];
    uint8_t input[6 + 32 + 4 + 4 + 4 + 1 + WHIST_POINT_LEN], wide[64], hashed[WHIST_POINT_LEN];
    size_t i = game_random(g, 5, BASE_OT_COUNT), j = game_random(g, 6, 2);
    if (!to_peer(g, point, to, "setup.base-ot") || len != BASE_OT_R_LEN) {
        return;
    }
    uint8_t *r = data + i * 2 * WHIST_POINT_LEN;
    memcpy(input, "mr19-h", 6);
    memcpy(input + 6, g->s->sid, 32);
    put_le32(input + 38, (uint32_t)g->peer);
    put_le32(input + 42, (uint32_t)g->cheater);
    put_le32(input + 46, (uint32_t)i);
    input[50] = (uint8_t)j;
    memcpy(input + 51, r + (1 - j) * WHIST_POINT_LEN, WHIST_POINT_LEN);
    crypto_hash_sha512(wide, input, sizeof input);
    crypto_core_ristretto255_from_hash(hashed, wide);
    CHECK(crypto_core_ristretto255_sub(r + j * WHIST_POINT_LEN, zero, hashed) == 0);
    g->hits++;
}

static void identity_b(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    if (to_peer(g, point, to, "setup.base-ot") && len == BASE_OT_B_LEN) {
        memset(data + game_random(g, 5, BASE_OT_COUNT) * WHIST_POINT_LEN, 0, WHIST_POINT_LEN);
        g->hits++;
    }
}

/* Two valid points change places: the receiver's keys are not the sender's. */
static void other_b(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    if (to_peer(g, point, to, "setup.base-ot") && len == BASE_OT_B_LEN) {
        for (size_t i = 0; i < WHIST_POINT_LEN; i++) {
            uint8_t x = data[i];
            data[i] = data[WHIST_POINT_LEN + i];
            data[WHIST_POINT_LEN + i] = x;
        }
        g->hits++;
    }
}

#define K        4 /* the default of SoftSpoken's parameter */
#define TREES    (128 / K)
#define SUMS_LEN ((K - 1) * 2 * sizeof(struct block))
#define TREE_LEN (SUMS_LEN + 32 + WHIST_HASH_LEN)

static unsigned hole_of(struct block delta, size_t tree)
{
    size_t bit = tree * K;
    return (unsigned)((bit < 64 ? delta.lo >> bit : delta.hi >> (bit - 64)) & ((1u << K) - 1));
}

/* The sum of the children on one side of one level. The peer uses it if the side is not the hole's:
 * selective, for one value of one bit of its Δ. */
static void spoiled_sum(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    size_t tree = 1 + game_random(g, 5, TREES - 1); /* bits of tree 0 are pinned */
    size_t level = 1 + game_random(g, 6, K - 1), side = game_random(g, 7, 2);
    if (to_peer(g, point, to, "setup.trees")) {
        CHECK(len == TREES * TREE_LEN);
        xor_block(data + tree * TREE_LEN + ((level - 1) * 2 + side) * sizeof(struct block), g->one);
        g->passes = (hole_of(g->p.delta[g->peer], tree) >> (K - 1 - level) & 1) == side;
        g->hits++;
    }
}

/* t̃ or t̂ of a tree. */
static void spoil_t(struct game *g, size_t at, const char *point, int to, uint8_t *data)
{
    if (to_peer(g, point, to, "setup.trees")) {
        xor_block(data + game_random(g, 5, TREES) * TREE_LEN + at, g->one);
        g->hits++;
    }
}

static void spoiled_t_sum(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    (void)len;
    spoil_t(g, SUMS_LEN, point, to, data);
}

static void spoiled_t_hash(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    (void)len;
    spoil_t(g, SUMS_LEN + 32, point, to, data);
}

/* ---- Correlated OT and aShares ---- */

/* Another u in one tree: seen unless the tree's bits of Δ are all zero. */
static void other_u(struct game *g, const char *phase, const char *point, int to, uint8_t *data,
                    size_t len)
{
    size_t tree = game_random(g, 5, TREES);
    if (to_peer(g, point, to, phase)) {
        xor_block(data + tree * (len / TREES), g->one); /* a column is len / TREES bytes */
        g->passes = hole_of(g->p.delta[g->peer], tree) == 0;
        g->hits++;
    }
}

static void other_u_in_a_tree(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    other_u(g, "chunk.cot", point, to, data, len);
}

static void other_u_in_inputs(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    other_u(g, "input.cot", point, to, data, len);
}

/* The bits of Δ-consistency: only the column check sees it. */
static void other_u_in_setup(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    other_u(g, "delta.cot", point, to, data, len);
}

/* Needs two peers: towards a single one, other bits are just the own bits. */
static void other_bits(struct game *g, size_t batch, const char *point, int to, uint8_t *data)
{
    if (to_peer(g, point, to, "ashare.u") && g->hits++ == batch) {
        data[0] ^= 8;
    }
}

static void other_bits_in_inputs(struct game *g, const char *point, int to, uint8_t *data,
                                 size_t len)
{
    (void)len;
    other_bits(g, 0, point, to, data);
}

/* The word before the last is sacrificed: its bits mask w and are common like the others. */
static void other_sacrificed_bits(struct game *g, const char *point, int to, uint8_t *data,
                                  size_t len)
{
    if (to_peer(g, point, to, "ashare.u") && g->hits++ == 1) {
        xor_block(data + len - 2 * sizeof(struct block), g->one);
    }
}

static void other_bits_in_chunk(struct game *g, const char *point, int to, uint8_t *data,
                                size_t len)
{
    (void)len;
    other_bits(g, 1, point, to, data);
}

/* Offsets of a proof: ũ, hash of the columns, w, sum of MACs. */
enum { AT_U_HASH = 0, AT_V_HASH = 16, AT_W = 48, AT_SUM = 64 };

/* Another w to the peer alone. As the peer would see that with its MACs, the cheater here knows the
 * peer's Δ: the echo must hold on its own. */
static void equivocated_w(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    (void)len;
    if (to_peer(g, point, to, "chunk.check")) {
        xor_block(data + AT_W, g->r);
        xor_block(data + AT_SUM, whist_gf_mul(g->r, g->p.delta[g->peer]));
        g->hits++;
    }
}

/* ---- Coins, commitments, echoes ---- */

/* An opening unlike its commitment: value, nonce, or what the cheater says to have seen; in each of
 * the protocol's openings. */
static void open_falsely(struct game *g, const char *phase, const char *point, int to,
                         uint8_t *data)
{
    size_t part = game_random(g, 5, 3);
    g->checks = phase;
    if (to_peer(g, point, to, g->checks)) {
        /* The value is the first message; nonce and hash of all commitments are the second. */
        if (g->hits == (part != 0)) {
            data[part == 2 ? 32 : 0] ^= 1;
        }
        g->hits++;
    }
}

static void false_opening(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    static const char *const phases[] = {"input.coin.open", "chunk.coin.open", "leaky.d.open",
                                         "leaky.coin.open", "zero.zeta.open",  "bucket.coin.open"};
    (void)len;
    open_falsely(g, phases[g->run / 2 % 6], point, to, data);
}

static void false_opening_in_setup(struct game *g, const char *point, int to, uint8_t *data,
                                   size_t len)
{
    (void)len;
    open_falsely(g, g->run / 2 % 2 == 0 ? "delta.coin.open" : "delta.z.open", point, to, data);
}

/* Another value to the peer: a commitment to it, and an opening that is true to that. */
static void equivocate(struct game *g, const char *commit, const char *open, const char *point,
                       int to, uint8_t *data, size_t len)
{
    static const uint8_t nonce[32] = {2};
    static uint8_t value[256];
    static size_t value_len;
    uint8_t context[WHIST_HASH_LEN];
    struct hash h;
    g->checks = open;
    if (strcmp(point, commit) == 0 && to == WHIST_NO_PEER) {
        CHECK(len <= sizeof value);
        memcpy(value, data, len);
        value[0] ^= 1;
        value_len = len;
    } else if (to_peer(g, point, to, commit)) {
        whist_label(&h, "whist commit", g->s, commit);
        whist_hash_u64(&h, g->cheater);
        whist_hash_final(&h, context);
        whist_commit(data, whist_bytes(context, sizeof context), whist_bytes(value, value_len),
                     nonce);
    } else if (to_peer(g, point, to, open)) {
        memcpy(data, g->hits == 0 ? value : nonce, g->hits == 0 ? value_len : sizeof nonce);
        g->hits++;
    }
}

static void equivocated_value(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    static const char *const phases[][2] = {
        {"input.coin.commit", "input.coin.open"}, {"chunk.coin.commit", "chunk.coin.open"},
        {"leaky.d.commit", "leaky.d.open"},       {"leaky.coin.commit", "leaky.coin.open"},
        {"zero.zeta.commit", "zero.zeta.open"},   {"bucket.coin.commit", "bucket.coin.open"},
    };
    size_t k = g->run / 2 % 6;
    equivocate(g, phases[k][0], phases[k][1], point, to, data, len);
}

static void equivocated_value_in_setup(struct game *g, const char *point, int to, uint8_t *data,
                                       size_t len)
{
    if (g->run / 2 % 2 == 0) {
        equivocate(g, "delta.coin.commit", "delta.coin.open", point, to, data, len);
    } else {
        equivocate(g, "delta.z.commit", "delta.z.open", point, to, data, len);
    }
}

static void false_echo_of_y(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    (void)len;
    if (to_peer(g, point, to, "delta.echo")) {
        data[0] ^= 1;
        g->hits++;
    }
}

enum { AT_NONCE = 44 }; /* in the hello */

static void false_echo(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    static const char *const phases[] = {"hello.echo", "agree.echo", "input.echo",
                                         "input.lambda.echo", "chunk.echo"};
    (void)len;
    g->checks = phases[g->run / 2 % 5];
    if (to_peer(g, point, to, g->checks)) {
        data[0] ^= 1;
        g->hits++;
    }
}

static const struct lie lies[] = {
    {"undecodable_r", EITHER, 2, CAUGHT, "setup.base-ot", .tell = undecodable_r, .set_up = true},
    {"undecodable_b", EITHER, 2, CAUGHT, "setup.base-ot", .tell = undecodable_b, .set_up = true},
    {"identity_r", EITHER, 2, CAUGHT, "setup.base-ot", .tell = identity_r, .set_up = true},
    {"identity_b", EITHER, 2, CAUGHT, "setup.base-ot", .tell = identity_b, .set_up = true},
    {"other_b", EITHER, 2, CAUGHT, "setup.trees", .tell = other_b, .set_up = true},
    {"spoiled_sum", EITHER, 2, KNOWN, "setup.trees", .tell = spoiled_sum, .set_up = true},
    {"spoiled_t_sum", EITHER, 2, CAUGHT, "setup.trees", .tell = spoiled_t_sum, .set_up = true},
    {"spoiled_t_hash", EITHER, 2, CAUGHT, "setup.trees", .tell = spoiled_t_hash, .set_up = true},
    {"two_deltas", EITHER, 2, CAUGHT, "delta.z.open", CHANGE("setup.delta", TO_PEER, 0, BY_R),
     .set_up = true},
    {"wrong_seed", EITHER, 2, CAUGHT, "delta.z.open", CHANGE("setup.seeds", TO_PEER, 0, BY_ONE),
     .set_up = true},
    {"wrong_y", EITHER, 2, CAUGHT, "delta.z.open",
     CHANGE("delta.y", BROADCAST, BLOCK_OF_PEER, BY_R), .set_up = true},
    {"equivocated_y", EITHER, 2, CAUGHT, "delta.echo",
     CHANGE("delta.y", TO_PEER, BLOCK_OF_PEER, BY_R), .set_up = true},
    {"false_echo_of_y", EITHER, 2, CAUGHT, "delta.echo", .tell = false_echo_of_y, .set_up = true},
    {"wrong_z", EITHER, 2, CAUGHT, "delta.z.open",
     CHANGE("delta.z.commit", BROADCAST, BLOCK_OF_PEER, BY_R), .set_up = true},
    {"false_opening_in_setup", EITHER, 2, CAUGHT, "", .tell = false_opening_in_setup,
     .set_up = true},
    {"other_u_in_a_tree", EITHER, 2, KNOWN, "chunk.check", .tell = other_u_in_a_tree},
    {"other_u_in_inputs", EITHER, 2, KNOWN, "input.check", .tell = other_u_in_inputs},
    {"other_u_in_setup", EITHER, 2, KNOWN, "delta.check", .tell = other_u_in_setup, .set_up = true},
    {"equivocated_value_in_setup", EITHER, 2, CAUGHT, "", .tell = equivocated_value_in_setup,
     .set_up = true},
    {"wrong_u_hash", EITHER, 2, CAUGHT, "chunk.check",
     CHANGE("chunk.check", TO_PEER, AT_U_HASH, BY_R)},
    {"wrong_column_hash", EITHER, 2, CAUGHT, "chunk.check",
     CHANGE("chunk.check", TO_PEER, AT_V_HASH, BY_ONE)},
    {"other_bits_in_inputs", EITHER, 3, CAUGHT, "input.check", .tell = other_bits_in_inputs},
    {"other_bits_in_chunk", EITHER, 3, CAUGHT, "chunk.check", .tell = other_bits_in_chunk},
    {"other_sacrificed_bits", EITHER, 3, CAUGHT, "chunk.check", .tell = other_sacrificed_bits},
    {"wrong_w", EITHER, 2, CAUGHT, "input.check", CHANGE("ashare.w", BROADCAST, 0, BY_R)},
    {"equivocated_w", EITHER, 2, CAUGHT, "chunk.echo", .tell = equivocated_w},
    {"wrong_mac_sum", EITHER, 2, CAUGHT, "chunk.check",
     CHANGE("chunk.check", TO_PEER, AT_SUM, BY_R)},
    {"false_opening", EITHER, 2, CAUGHT, "", .tell = false_opening},
    {"equivocated_value", EITHER, 2, CAUGHT, "", .tell = equivocated_value},
    {"equivocated_nonce_of_session", EITHER, 2, CAUGHT, "hello.echo",
     CHANGE("hello", TO_PEER, AT_NONCE, BY_BIT0)},
    {"false_echo", EITHER, 2, CAUGHT, "", .tell = false_echo},
};

int main(int argc, char **argv)
{
    return lies_main(argc, argv, lies, sizeof lies / sizeof lies[0]);
}
