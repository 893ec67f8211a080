/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Base OT (docs/protocol.md §1; MR19): keys, the definition step by step, invalid points, and what
 * the context of hash and KDF is good for. */
#include "ot/base_ot.h"

#include "harness.h"
#include "ot/cot.h"

#define K 4 /* SoftSpoken's parameter in the relay */

/* One OT run between two honest parties. */
struct run {
    struct prg sender_rng, receiver_rng;
    uint8_t choice[BASE_OT_COUNT];
    uint8_t r[BASE_OT_R_LEN], b[BASE_OT_B_LEN];
    struct base_ot_receiver rx;
    struct block pairs[BASE_OT_COUNT][2], chosen[BASE_OT_COUNT];
};

static const uint8_t sid[32] = "a session of the base OT tests.";
static const struct base_ot_context ctx_1_2 = {sid, 1, 2};

static const uint8_t *r_of(const struct run *t, size_t i, size_t side)
{
    return t->r + (2 * i + side) * WHIST_POINT_LEN;
}

static void start(struct run *t, const struct base_ot_context *ctx, uint8_t seed)
{
    uint8_t seeds[2][16] = {{1, seed}, {2, seed}};
    struct whist_error err;
    struct prg prg;
    CHECK_OK(whist_crypto_init(&err), err);
    whist_prg_init(&t->sender_rng, seeds[0]);
    whist_prg_init(&t->receiver_rng, seeds[1]);
    seeds[0][0] = 3;
    whist_prg_init(&prg, seeds[0]);
    whist_prg_bytes(&prg, t->choice, sizeof t->choice);
    for (size_t i = 0; i < BASE_OT_COUNT; i++) {
        t->choice[i] &= 1;
    }
    whist_base_ot_receive_start(&t->rx, t->r, ctx, t->choice, &t->receiver_rng);
}

static whist_status answer(struct run *t, const struct base_ot_context *ctx,
                           struct whist_error *err)
{
    return whist_base_ot_send(t->pairs, t->b, ctx, t->r, &t->sender_rng, err);
}

static whist_status finish(struct run *t, const struct base_ot_context *ctx,
                           struct whist_error *err)
{
    return whist_base_ot_receive_finish(t->chosen, &t->rx, ctx, t->b, err);
}

static void whole_run(struct run *t, uint8_t seed)
{
    struct whist_error err;
    start(t, &ctx_1_2, seed);
    CHECK_OK(answer(t, &ctx_1_2, &err), err);
    CHECK_OK(finish(t, &ctx_1_2, &err), err);
}

static bool same(struct block a, struct block b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* Number of OTs in which the receiver has the sender's key of the given side (of its choice XOR
 * `other`). */
static size_t matches(const struct run *t, size_t other)
{
    size_t count = 0;
    for (size_t i = 0; i < BASE_OT_COUNT; i++) {
        count += same(t->chosen[i], t->pairs[i][t->choice[i] ^ other]);
    }
    return count;
}

static void keys_agree(void)
{
    static struct run t;
    size_t ones = 0;
    for (uint8_t seed = 0; seed < 4; seed++) {
        whole_run(&t, seed);
        CHECK(matches(&t, 0) == BASE_OT_COUNT && matches(&t, 1) == 0);
        for (size_t i = 0; i < 2 * BASE_OT_COUNT; i++) {
            ones += i < BASE_OT_COUNT && t.choice[i] != 0;
            for (size_t k = 0; k < i; k++) { /* all keys differ */
                CHECK(!same(t.pairs[i / 2][i % 2], t.pairs[k / 2][k % 2]));
            }
        }
    }
    CHECK(ones > 0 && ones < 4 * BASE_OT_COUNT);
}

static void receiver_forgets(void)
{
    static const struct base_ot_receiver none;
    static struct run t;
    whole_run(&t, 9);
    CHECK(memcmp(&t.rx, &none, sizeof none) == 0);
}

/* ---- The definition ---- */

/* Hash_c(x). */
static void hash_c(uint8_t out[WHIST_POINT_LEN], const struct base_ot_context *ctx, uint32_t index,
                   uint8_t c, const uint8_t *x)
{
    uint8_t in[6 + 32 + 12 + 1 + WHIST_POINT_LEN], wide[64];
    memcpy(in, "mr19-h", 6);
    memcpy(in + 6, ctx->sid, 32);
    put_le32(in + 38, ctx->sender);
    put_le32(in + 42, ctx->receiver);
    put_le32(in + 46, index);
    in[50] = c;
    memcpy(in + 51, x, WHIST_POINT_LEN);
    crypto_hash_sha512(wide, in, sizeof in);
    CHECK(crypto_core_ristretto255_from_hash(out, wide) == 0);
}

/* The sender's base of a side: r_j ⊕ Hash_j(r_{1−j}). */
static void base_of(uint8_t out[WHIST_POINT_LEN], const struct run *t,
                    const struct base_ot_context *ctx, size_t i, size_t side)
{
    uint8_t hashed[WHIST_POINT_LEN];
    hash_c(hashed, ctx, (uint32_t)i, (uint8_t)side, r_of(t, i, 1 - side));
    CHECK(crypto_core_ristretto255_add(out, r_of(t, i, side), hashed) == 0);
}

/* The sender's scalars, as it draws them from its PRG. */
static void scalars_of_sender(uint8_t b[BASE_OT_COUNT][WHIST_SCALAR_LEN], uint8_t seed)
{
    uint8_t seeds[16] = {1, seed}, wide[64];
    struct prg prg;
    whist_prg_init(&prg, seeds);
    for (size_t i = 0; i < BASE_OT_COUNT; i++) {
        whist_prg_bytes(&prg, wide, sizeof wide);
        crypto_core_ristretto255_scalar_reduce(b[i], wide);
    }
}

/* What goes into a key. */
struct kdf {
    struct base_ot_context ctx;
    uint32_t index;
    uint8_t side;
    uint8_t r[2 * WHIST_POINT_LEN], b[WHIST_POINT_LEN], shared[WHIST_POINT_LEN];
};

static struct block key_of(const struct kdf *k)
{
    uint8_t context[44], out[WHIST_HASH_LEN];
    struct hash h;
    memcpy(context, k->ctx.sid, 32);
    put_le32(context + 32, k->ctx.sender);
    put_le32(context + 36, k->ctx.receiver);
    put_le32(context + 40, k->index);
    whist_hash_init(&h, "whist mr19-k");
    whist_hash_field(&h, context, sizeof context);
    whist_hash_field(&h, &k->side, 1);
    whist_hash_field(&h, k->r, sizeof k->r);
    whist_hash_field(&h, k->b, sizeof k->b);
    whist_hash_field(&h, k->shared, sizeof k->shared);
    whist_hash_final(&h, out);
    return block_load(out);
}

/* Every field of the KDF (!): a key that lacked one would differ from this. */
static void keys_are_as_defined(void)
{
    static struct run t;
    static uint8_t b[BASE_OT_COUNT][WHIST_SCALAR_LEN];
    whole_run(&t, 5);
    scalars_of_sender(b, 5);
    for (uint32_t i = 0; i < BASE_OT_COUNT; i++) {
        for (uint8_t side = 0; side < 2; side++) {
            struct kdf k = {.ctx = ctx_1_2, .index = i, .side = side};
            uint8_t base[WHIST_POINT_LEN];
            memcpy(k.r, r_of(&t, i, 0), sizeof k.r);
            memcpy(k.b, t.b + (size_t)i * WHIST_POINT_LEN, sizeof k.b);
            base_of(base, &t, &ctx_1_2, i, side);
            CHECK(crypto_scalarmult_ristretto255(k.shared, b[i], base) == 0);
            CHECK(same(key_of(&k), t.pairs[i][side]));
        }
    }
}

/* r_c ⊕ Hash_c(r_{1−c}) = g^a for the chosen side alone, and nothing but that tells the sides
 * apart. */
static void choices_are_as_defined(void)
{
    static struct run t;
    start(&t, &ctx_1_2, 6);
    for (size_t i = 0; i < BASE_OT_COUNT; i++) {
        uint8_t ga[WHIST_POINT_LEN], base[2][WHIST_POINT_LEN];
        CHECK(crypto_scalarmult_ristretto255_base(ga, t.rx.a[i]) == 0);
        base_of(base[0], &t, &ctx_1_2, i, 0);
        base_of(base[1], &t, &ctx_1_2, i, 1);
        CHECK(memcmp(base[t.choice[i]], ga, sizeof ga) == 0);
        CHECK(memcmp(base[1 - t.choice[i]], ga, sizeof ga) != 0);
    }
}

/* ---- Invalid points ---- */

/* One of each kind of encoding that RFC 9496 §4.3.1 refuses: not canonical (two), negative, of no
 * square, with y = 0 or a negative product. */
static const char *const bad_points[] = {
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "3eb858e78f5a7254d8c9731174a94f76755fd3941c0ac93735c07ba14579630e",
};
#define N_BAD (sizeof bad_points / sizeof bad_points[0])

static void bad_point(uint8_t out[WHIST_POINT_LEN], size_t k)
{
    CHECK(sodium_hex2bin(out, WHIST_POINT_LEN, bad_points[k], 64, NULL, NULL, NULL) == 0);
    CHECK(crypto_core_ristretto255_is_valid_point(out) == 0);
}

static bool all_zero(const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0 && *p == 0) {
        p++;
        len--;
    }
    return len == 0;
}

/* The sender must refuse r; nothing of its outputs is left. */
static void refused_by_sender(struct run *t)
{
    struct whist_error err = {.status = WHIST_OK};
    memset(t->pairs, 0xa5, sizeof t->pairs);
    memset(t->b, 0xa5, sizeof t->b);
    CHECK(answer(t, &ctx_1_2, &err) == WHIST_ERR_CHECK);
    CHECK(err.peer == 2 && strcmp(err.phase, "setup.base-ot") == 0);
    CHECK(all_zero(t->pairs, sizeof t->pairs) && all_zero(t->b, sizeof t->b));
}

static void refused_by_receiver(struct run *t)
{
    struct whist_error err = {.status = WHIST_OK};
    memset(t->chosen, 0xa5, sizeof t->chosen);
    CHECK(finish(t, &ctx_1_2, &err) == WHIST_ERR_CHECK);
    CHECK(err.peer == 1 && strcmp(err.phase, "setup.base-ot") == 0);
    CHECK(all_zero(t->chosen, sizeof t->chosen) && all_zero(&t->rx, sizeof t->rx));
}

static void undecodable_r_is_refused(void)
{
    static struct run t;
    for (size_t k = 0; k < 2 * N_BAD; k++) {
        size_t i = k * 37 % BASE_OT_COUNT;
        start(&t, &ctx_1_2, 7);
        bad_point(t.r + (2 * i + k / N_BAD) * WHIST_POINT_LEN, k % N_BAD);
        refused_by_sender(&t);
    }
}

static void undecodable_b_is_refused(void)
{
    static struct run t;
    struct whist_error err;
    for (size_t k = 0; k < N_BAD; k++) {
        start(&t, &ctx_1_2, 7);
        CHECK_OK(answer(&t, &ctx_1_2, &err), err);
        bad_point(t.b + (k * 53 % BASE_OT_COUNT) * WHIST_POINT_LEN, k);
        refused_by_receiver(&t);
    }
}

/* Whoever makes a base the identity would know that side's key without a. */
static void identity_in_r_is_refused(void)
{
    static const uint8_t zero[WHIST_POINT_LEN];
    static struct run t;
    for (size_t side = 0; side < 2; side++) {
        const size_t i = 127 * side;
        uint8_t hashed[WHIST_POINT_LEN], *r;
        start(&t, &ctx_1_2, 8);
        r = t.r + (2 * i + side) * WHIST_POINT_LEN;
        hash_c(hashed, &ctx_1_2, (uint32_t)i, (uint8_t)side, r_of(&t, i, 1 - side));
        CHECK(crypto_core_ristretto255_sub(r, zero, hashed) == 0);
        refused_by_sender(&t);
    }
}

/* r_j itself may be the identity: its base is not. */
static void identity_as_r_is_no_harm(void)
{
    static struct run t;
    struct whist_error err;
    start(&t, &ctx_1_2, 8);
    memset(t.r, 0, WHIST_POINT_LEN);
    CHECK_OK(answer(&t, &ctx_1_2, &err), err);
}

static void identity_as_b_is_refused(void)
{
    static struct run t;
    struct whist_error err;
    start(&t, &ctx_1_2, 8);
    CHECK_OK(answer(&t, &ctx_1_2, &err), err);
    memset(t.b + 5 * WHIST_POINT_LEN, 0, WHIST_POINT_LEN);
    refused_by_receiver(&t);
}

/* ---- Contexts ---- */

/* Any difference between the two sides' contexts leaves no key in common. */
static void contexts_bind(void)
{
    static struct run t;
    static const uint8_t other_sid[32] = "another session of these tests.";
    static const struct base_ot_context others[] = {
        {other_sid, 1, 2}, {sid, 3, 2}, {sid, 1, 3}, {sid, 2, 1}};
    struct whist_error err;
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        start(&t, &ctx_1_2, 10);
        CHECK_OK(answer(&t, &others[k], &err), err);
        CHECK_OK(finish(&t, &ctx_1_2, &err), err);
        CHECK(matches(&t, 0) == 0 && matches(&t, 1) == 0);
        start(&t, &ctx_1_2, 10); /* only the KDF differs */
        CHECK_OK(answer(&t, &ctx_1_2, &err), err);
        CHECK_OK(finish(&t, &others[k], &err), err);
        CHECK(matches(&t, 0) == 0 && matches(&t, 1) == 0);
    }
}

/* ---- The relay (!) ---- */

/* A (party 0) is the COT sender towards M (party 2), M the COT sender towards B (party 1). M passes
 * A's (r_0, r_1) on to B as its own, and B's answers back to A. Without the context in hash and KDF
 * (here: everybody uses one context) B's trees fit A's Δ: B then authenticates its bits towards M
 * under Δ_A, which M "owns" without knowing it. */
struct relay {
    struct prg a_rng, b_rng;
    struct block delta_a;
    uint8_t r[BASE_OT_R_LEN], b[BASE_OT_B_LEN];
    uint8_t trees[(128 / K) * ((K - 1) * 2 * 16 + 64)];
    struct base_ot_receiver rx;
    struct block pairs[BASE_OT_COUNT][2], chosen[BASE_OT_COUNT];
    struct cot at_a, at_b;
};

/* Whether A's side of the trees, if it accepts them, gives K with B's M = K ⊕ x·Δ_A. */
static bool correlated(struct relay *x)
{
    struct block v[128], w[128], d[128 / K], u = {0x123456789abcdef, 0xfedcba987654321};
    whist_cot_receive(&x->at_b, v, d, &u, 1);
    whist_cot_send(&x->at_a, w, d, 1);
    bool good = true;
    for (size_t c = 0; c < 128; c++) {
        uint64_t bit = (c < 64 ? x->delta_a.lo : x->delta_a.hi) >> (c % 64);
        good &= same(block_xor(v[c], w[c]), block_and_bit(u, bit));
    }
    return good;
}

static bool relay_succeeds(const struct base_ot_context *at_a, const struct base_ot_context *at_b)
{
    static struct relay x;
    /* The trees' own hash binds roles, too. That is left out, so that only the base OT counts. */
    static const struct cot_context unbound = {sid, 0, 0};
    uint8_t choice[BASE_OT_COUNT];
    struct whist_error err;
    memset(&x, 0, sizeof x);
    whist_prg_init(&x.a_rng, "randomness of A ");
    whist_prg_init(&x.b_rng, "randomness of B ");
    whist_prg_blocks(&x.a_rng, &x.delta_a, 1);
    whist_cot_choices(choice, K, x.delta_a);
    CHECK(whist_cot_tree_message_len(K) == sizeof x.trees);
    whist_base_ot_receive_start(&x.rx, x.r, at_a, choice, &x.a_rng);            /* A → M → B */
    CHECK_OK(whist_base_ot_send(x.pairs, x.b, at_b, x.r, &x.b_rng, &err), err); /* B → M → A */
    CHECK_OK(whist_cot_receiver_init(&x.at_b, x.trees, K, x.pairs, &unbound, &err), err);
    CHECK_OK(whist_base_ot_receive_finish(x.chosen, &x.rx, at_a, x.b, &err), err);
    whist_status st =
        whist_cot_sender_init(&x.at_a, K, x.delta_a, x.chosen, x.trees, &unbound, &err);
    bool good = st == WHIST_OK && correlated(&x);
    CHECK(st == WHIST_OK || (st == WHIST_ERR_CHECK && strcmp(err.phase, "setup.trees") == 0));
    whist_cot_clear(&x.at_a);
    whist_cot_clear(&x.at_b);
    return good;
}

static void relay(void)
{
    static const struct base_ot_context none = {sid, 0, 0};
    static const struct base_ot_context m_to_a = {sid, 2, 0}, b_to_m = {sid, 1, 2};
    struct whist_error err;
    CHECK_OK(whist_crypto_init(&err), err);
    CHECK(relay_succeeds(&none, &none));
    CHECK(!relay_succeeds(&m_to_a, &b_to_m));
}

/* With the context in the hash alone M can still carry over one base for each OT, on a side that it
 * guesses: r'_{1−j} of its own, r'_j = base_j ⊖ Hash'_j(r'_{1−j}). Where the guess is A's choice, A
 * and B have the same point g^(ab). The KDF is what makes their keys differ even then. */
static void half_a_relay(void)
{
    static const struct base_ot_context at_a = {sid, 2, 0}, at_b = {sid, 1, 2};
    static struct run t, m;
    static uint8_t b[BASE_OT_COUNT][WHIST_SCALAR_LEN];
    struct whist_error err;
    start(&t, &at_a, 11); /* A's message to M */
    m = t;
    for (size_t i = 0; i < BASE_OT_COUNT; i++) {
        size_t j = t.choice[i]; /* a lucky guess */
        uint8_t base[WHIST_POINT_LEN], hashed[WHIST_POINT_LEN], *r = m.r + 2 * i * WHIST_POINT_LEN;
        crypto_core_ristretto255_random(r + (1 - j) * WHIST_POINT_LEN);
        hash_c(hashed, &at_b, (uint32_t)i, (uint8_t)j, r + (1 - j) * WHIST_POINT_LEN);
        base_of(base, &t, &at_a, i, j);
        CHECK(crypto_core_ristretto255_sub(r + j * WHIST_POINT_LEN, base, hashed) == 0);
    }
    CHECK_OK(answer(&m, &at_b, &err), err);
    memcpy(t.b, m.b, sizeof t.b);
    scalars_of_sender(b, 11);
    for (size_t i = 0; i < BASE_OT_COUNT; i++) {
        uint8_t base[WHIST_POINT_LEN], of_a[WHIST_POINT_LEN], of_b[WHIST_POINT_LEN];
        base_of(base, &m, &at_b, i, t.choice[i]);
        CHECK(crypto_scalarmult_ristretto255(of_b, b[i], base) == 0);
        CHECK(crypto_scalarmult_ristretto255(of_a, t.rx.a[i], t.b + i * WHIST_POINT_LEN) == 0);
        CHECK(memcmp(of_a, of_b, sizeof of_a) == 0);
    }
    CHECK_OK(finish(&t, &at_a, &err), err);
    memcpy(t.pairs, m.pairs, sizeof t.pairs);
    CHECK(matches(&t, 0) == 0 && matches(&t, 1) == 0);
}

static const struct test_case cases[] = {
    {"keys_agree", keys_agree},
    {"receiver_forgets", receiver_forgets},
    {"keys_are_as_defined", keys_are_as_defined},
    {"choices_are_as_defined", choices_are_as_defined},
    {"undecodable_r_is_refused", undecodable_r_is_refused},
    {"undecodable_b_is_refused", undecodable_b_is_refused},
    {"identity_in_r_is_refused", identity_in_r_is_refused},
    {"identity_as_r_is_no_harm", identity_as_r_is_no_harm},
    {"identity_as_b_is_refused", identity_as_b_is_refused},
    {"contexts_bind", contexts_bind},
    {"relay", relay},
    {"half_a_relay", half_a_relay},
};
TEST_MAIN(cases)
