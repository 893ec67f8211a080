/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Whole runs whose secrets (Δ, seeds, leaves, a party's randomness, inputs) memcheck holds for
 * undefined. What a party sends, or commits to in order to open it, becomes defined, and so does
 * the result of a comparison in constant time: that is what the protocol makes public. Any other
 * branch or address that depends on a secret is then an error. Alone this program checks nothing:
 * ctest runs it under valgrind, with functions wrapped by the linker (CMakeLists.txt). */
#include <valgrind/memcheck.h>

#include "dealer.h"
#include "harness.h"
#include "ot/base_ot.h"
#include "players.h"

bool __wrap_whist_ct_equal(const void *a, const void *b, size_t n);
bool __real_whist_ct_equal(const void *a, const void *b, size_t n);

bool __wrap_whist_ct_equal(const void *a, const void *b, size_t n)
{
    bool equal = __real_whist_ct_equal(a, b, n);
    VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof equal);
    return equal;
}

static void hide(const void *p, size_t len)
{
    VALGRIND_MAKE_MEM_UNDEFINED(p, len);
}

int __wrap_crypto_core_ristretto255_sub(unsigned char *r, const unsigned char *p,
                                        const unsigned char *q);
int __real_crypto_core_ristretto255_sub(unsigned char *r, const unsigned char *p,
                                        const unsigned char *q);

/* libsodium branches on whether both points are good, which they always are. */
int __wrap_crypto_core_ristretto255_sub(unsigned char *r, const unsigned char *p,
                                        const unsigned char *q)
{
    unsigned char points[2][WHIST_POINT_LEN];
    memcpy(points[0], p, WHIST_POINT_LEN);
    memcpy(points[1], q, WHIST_POINT_LEN);
    VALGRIND_MAKE_MEM_DEFINED(points, sizeof points);
    int bad = __real_crypto_core_ristretto255_sub(r, points[0], points[1]);
    hide(r, WHIST_POINT_LEN);
    return bad;
}

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && strcmp(s + n - k, end) == 0;
}

/* Values at these points are used by their party alone, though one for each peer. */
static bool stays_secret(const char *point)
{
    static const char *const points[] = {"setup.delta", "ashare.u", "pair.u", "tweaks",
                                         "zero.seed"};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        if (strcmp(point, points[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void publish(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                    size_t len)
{
    bool goes_out = to != WHIST_NO_PEER && !stays_secret(point);
    bool will = ends_in(point, ".commit") || strcmp(point, "ashare.w") == 0 ||
                strcmp(point, "input.lambda") == 0;
    (void)ctx;
    (void)s;
    if (goes_out || will) {
        VALGRIND_MAKE_MEM_DEFINED(data, len);
    }
}

static void hide_leaves(const struct cot *c)
{
    hide(c->leaves, c->n_trees * c->n_leaves * sizeof c->leaves[0]);
    hide(&c->delta, sizeof c->delta);
}

static void deal_and_hide(void *ctx, size_t party, struct whist_session *s)
{
    const uint8_t seed[16] = {1};
    (void)ctx;
    (void)party;
    deal_setup(s, seed);
    hide(&s->delta, sizeof s->delta);
    hide(&s->rng.key, sizeof s->rng.key);
    hide(&s->rng.last, sizeof s->rng.last);
    for (size_t p = 0; p < s->n_peers; p++) {
        struct pair *pair = &s->pair[s->peers[p]];
        hide_leaves(&pair->tx);
        hide_leaves(&pair->rx);
        hide(&pair->seed, sizeof pair->seed);
    }
}

static void hide_inputs(void *ctx, size_t party, struct whist_session_options *options,
                        struct whist_run *run)
{
    (void)ctx;
    (void)party;
    if (options == NULL && run->n_inputs != 0) {
        hide(run->inputs, run->n_inputs);
    }
}

static void run_parties(size_t n, bool published)
{
    static struct players p;
    struct whist_circuit *circuit = lie_circuit(n);
    players_init(&p, circuit, n, n - 1, 1);
    p.setup.options.chunk_ands = 5;
    p.watch.opened = deal_and_hide;
    p.watch.vary = hide_inputs;
    for (size_t i = 0; i < n; i++) {
        p.hooks[i].tamper = published ? publish : NULL;
    }
    players_run(&p);
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(p.results[i].status, p.results[i].err);
    }
    players_clear(&p);
    whist_circuit_free(circuit);
}

static void two_parties(void)
{
    run_parties(2, true);
}

static void three_parties(void)
{
    run_parties(3, true);
}

/* The trees of correlated OT: Δ says where the holes are. */
static void trees(void)
{
    static const uint8_t sid[32] = "trees of which Δ is a secret.";
    static struct block keys[128][2], chosen[128], cols[128 * 4], d[64 * 4];
    static uint8_t msg[8192];
    const struct cot_context ctx = {sid, 0, 1};
    struct whist_error err;
    struct block delta = {0x0123456789abcdef, 0xfedcba9876543210};
    struct cot tx, rx;
    uint8_t choice[128];
    for (unsigned k = 2; k <= 8; k *= 2) {
        for (size_t i = 0; i < 128; i++) {
            keys[i][0] = (struct block){i, k};
            keys[i][1] = (struct block){i, k + 100};
        }
        CHECK(whist_cot_tree_message_len(k) <= sizeof msg);
        CHECK_OK(whist_cot_receiver_init(&rx, msg, k, keys, &ctx, &err), err);
        hide(&delta, sizeof delta);
        whist_cot_choices(choice, k, delta);
        for (size_t i = 0; i < 128; i++) {
            struct block x = block_xor(keys[i][0], keys[i][1]);
            chosen[i] = block_xor(keys[i][0], block_and_bit(x, choice[i]));
        }
        CHECK_OK(whist_cot_sender_init(&tx, k, delta, chosen, msg, &ctx, &err), err);
        whist_cot_send(&tx, cols, d, 4);
        whist_cot_clear(&tx);
        whist_cot_clear(&rx);
    }
}

/* The choices of base OTs are bits of Δ. Scalars are defined here: libsodium's products are its
 * own to keep constant. */
static void base_ots(void)
{
    static const uint8_t sid[32] = "base OTs with secret choices.";
    static struct base_ot_receiver rx;
    static uint8_t r[BASE_OT_R_LEN], b[BASE_OT_B_LEN];
    static struct block pairs[128][2], keys[128];
    const struct base_ot_context ctx = {sid, 0, 1};
    uint8_t choice[128] = {0};
    struct whist_error err;
    struct prg rng;
    whist_prg_init(&rng, sid);
    hide(choice, sizeof choice);
    whist_base_ot_receive_start(&rx, r, &ctx, choice, &rng);
    VALGRIND_MAKE_MEM_DEFINED(r, sizeof r);
    CHECK_OK(whist_base_ot_send(pairs, b, &ctx, r, &rng, &err), err);
    CHECK_OK(whist_base_ot_receive_finish(keys, &rx, &ctx, b, &err), err);
}

/* The other way round: what is not published must be reported, or the cases above prove nothing. */
static void secrets_are_seen(void)
{
    run_parties(2, false);
}

static const struct test_case cases[] = {
    {"two_parties", two_parties}, {"three_parties", three_parties},       {"trees", trees},
    {"base_ots", base_ots},       {"secrets_are_seen", secrets_are_seen},
};
TEST_MAIN(cases)
