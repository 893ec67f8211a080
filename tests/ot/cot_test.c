/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Correlated OT (docs/protocol.md §1; SoftSpoken): trees with dealt base keys, columns, rows. */
#include "ot/cot.h"

#include "harness.h"

static const uint8_t sid[32] = "a session of the COT tests ....";
static const struct cot_context ctx = {sid, 3, 4};

/* Both ends of one direction. */
struct ends {
    unsigned k;
    struct block delta;
    struct block (*keys)[2], chosen[128]; /* 128 pairs; those that Δ chooses */
    uint8_t *msg;                         /* the trees */
    size_t len;
    struct cot tx, rx;
};

static void deal(struct ends *e, unsigned k, struct block delta, uint8_t seed)
{
    uint8_t seeds[16] = {seed, (uint8_t)k}, choice[128];
    struct whist_error err;
    struct prg prg;
    *e = (struct ends){.k = k, .delta = delta, .len = whist_cot_tree_message_len(k)};
    whist_prg_init(&prg, seeds);
    e->keys = whist_alloc_aligned(256 * sizeof(struct block));
    CHECK(e->keys != NULL);
    whist_prg_blocks(&prg, e->keys[0], 256);
    whist_cot_choices(choice, k, delta);
    for (size_t i = 0; i < 128; i++) {
        e->chosen[i] = e->keys[i][choice[i]];
    }
    e->msg = malloc(e->len);
    CHECK(e->msg != NULL);
    CHECK_OK(whist_cot_receiver_init(&e->rx, e->msg, k, e->keys, &ctx, &err), err);
}

static whist_status open_sender(struct ends *e, const struct cot_context *c,
                                struct whist_error *err)
{
    return whist_cot_sender_init(&e->tx, e->k, e->delta, e->chosen, e->msg, c, err);
}

static void clear(struct ends *e)
{
    whist_cot_clear(&e->tx);
    whist_cot_clear(&e->rx);
    free(e->msg);
    whist_free_aligned(e->keys, 256 * sizeof(struct block));
}

static struct block some_delta(uint8_t seed)
{
    uint8_t seeds[16] = {seed, 0xd};
    struct block delta;
    struct prg prg;
    whist_prg_init(&prg, seeds);
    whist_prg_blocks(&prg, &delta, 1);
    return delta;
}

/* ---- M = K ⊕ x·Δ ---- */

/* One inner block of n words: columns, then rows; returns the number of rows whose bit is 1. */
static size_t check_block(struct ends *e, struct prg *prg, size_t n)
{
    static struct block v[COT_BLOCK_ROWS], w[COT_BLOCK_ROWS], m[COT_BLOCK_ROWS], k[COT_BLOCK_ROWS];
    static struct block d[64 * COT_BLOCK_WORDS], u[COT_BLOCK_WORDS];
    const uint8_t *bits = (const uint8_t *)u;
    size_t ones = 0;
    whist_prg_blocks(prg, u, n);
    whist_cot_receive(&e->rx, v, d, u, n);
    whist_cot_send(&e->tx, w, d, n);
    whist_kernels()->transpose(m, v, n, n);
    whist_kernels()->transpose(k, w, n, n);
    for (size_t r = 0; r < 128 * n; r++) {
        uint64_t x = bits[r / 8] >> (r % 8) & 1;
        struct block want = block_xor(k[r], block_and_bit(e->delta, x));
        CHECK_MSG(memcmp(&m[r], &want, sizeof want) == 0, "k = %u, row %zu", e->k, r);
        ones += x;
    }
    return ones;
}

static void correlation(unsigned k)
{
    static struct ends e;
    struct whist_error err;
    struct prg prg;
    size_t rows = 0, ones = 0, least = (size_t)test_scale(1000000);
    deal(&e, k, some_delta((uint8_t)k), 1);
    CHECK_OK(open_sender(&e, &ctx, &err), err);
    whist_prg_init(&prg, "choice bits     ");
    for (size_t n = 1; n <= COT_BLOCK_WORDS; n++) { /* blocks of every size */
        ones += check_block(&e, &prg, n);
        rows += 128 * n;
    }
    while (rows < least) {
        ones += check_block(&e, &prg, COT_BLOCK_WORDS);
        rows += COT_BLOCK_ROWS;
    }
    CHECK(ones > rows / 2 - rows / 50 && ones < rows / 2 + rows / 50);
    clear(&e);
}

static void correlation_k2(void)
{
    correlation(2);
}

static void correlation_k4(void)
{
    correlation(4);
}

static void correlation_k8(void)
{
    correlation(8);
}

/* The streams go on: no block of columns or corrections comes twice. */
static void streams_go_on(void)
{
    static struct ends e;
    struct block v[2][128], d[2][64], u = {0, 0};
    for (unsigned k = 2; k <= 8; k *= 2) {
        deal(&e, k, some_delta(2), 2);
        whist_cot_receive(&e.rx, v[0], d[0], &u, 1);
        whist_cot_receive(&e.rx, v[1], d[1], &u, 1);
        for (size_t i = 0; i < 128; i++) {
            CHECK(memcmp(&v[0][i], &v[1][i], sizeof u) != 0);
            CHECK(i >= 128 / k || memcmp(&d[0][i], &d[1][i], sizeof u) != 0);
        }
        CHECK(e.rx.counter == 2);
        clear(&e);
    }
}

/* ---- Trees ---- */

static unsigned hole_of(const struct ends *e, size_t tree)
{
    size_t bit = tree * e->k;
    return (unsigned)((bit < 64 ? e->delta.lo >> bit : e->delta.hi >> (bit - 64)) &
                      ((1u << e->k) - 1));
}

/* The sender has every leaf of the receiver but one, in the order y ⊕ y*, and zero there. */
static void punctured_leaves(void)
{
    static struct ends e;
    struct block zero = {0, 0};
    struct aes_key of_zero;
    struct whist_error err;
    whist_kernels()->aes_schedule(&of_zero, &zero, 1);
    for (unsigned k = 2; k <= 8; k *= 2) {
        for (uint8_t seed = 0; seed < 4; seed++) {
            deal(&e, k, some_delta((uint8_t)(seed + 10)), seed);
            CHECK_OK(open_sender(&e, &ctx, &err), err);
            for (size_t tree = 0; tree < 128 / k; tree++) {
                const size_t n = (size_t)1 << k, hole = hole_of(&e, tree);
                const struct aes_key *ours = e.tx.leaves + tree * n, *all = e.rx.leaves + tree * n;
                CHECK(memcmp(&ours[0], &of_zero, sizeof of_zero) == 0);
                for (size_t y = 0; y < n; y++) {
                    bool same = memcmp(&ours[y ^ hole], &all[y], sizeof all[y]) == 0;
                    CHECK(same == (y != hole));
                    for (size_t z = 0; z < y; z++) {
                        CHECK(memcmp(&all[z], &all[y], sizeof all[y]) != 0);
                    }
                }
            }
            clear(&e);
        }
    }
}

static size_t tree_len(unsigned k)
{
    return (k - 1) * 2 * sizeof(struct block) + 32 + WHIST_HASH_LEN;
}

/* Whether trees with one bit flipped at `at` of the message are accepted. */
static bool accepted(struct ends *e, size_t at)
{
    struct whist_error err;
    e->msg[at] ^= 0x10;
    whist_status st = open_sender(e, &ctx, &err);
    CHECK(st == WHIST_OK || (st == WHIST_ERR_CHECK && err.peer == 4));
    CHECK(st == WHIST_OK || (strcmp(err.phase, "setup.trees") == 0 && e->tx.leaves == NULL));
    whist_cot_clear(&e->tx);
    e->msg[at] ^= 0x10;
    return st == WHIST_OK;
}

/* A spoiled sum of one side of one level passes for the holes whose bit of that level is the side:
 * exactly half of them. All holes of tree 1; each level and side, for k = 8 every seventh. */
static void spoiled_sums(void)
{
    static struct ends e;
    for (unsigned k = 2; k <= 8; k *= 2) {
        const unsigned holes = 1u << k;
        for (unsigned part = 0; part < 2 * (k - 1); part += k == 8 ? 7 : 1) {
            unsigned level = part / 2 + 1, side = part % 2, passed = 0;
            for (unsigned hole = 0; hole < holes; hole++) {
                struct block delta = some_delta(7);
                delta.lo = (delta.lo & ~((uint64_t)(holes - 1) << k)) | (uint64_t)hole << k;
                deal(&e, k, delta, 7);
                bool good = accepted(&e, tree_len(k) + part * sizeof(struct block));
                CHECK(good == ((hole >> (k - 1 - level) & 1) == side));
                passed += good;
                clear(&e);
            }
            CHECK(passed == holes / 2);
        }
    }
}

/* t̃ and t̂ are used for every hole. */
static void spoiled_t(void)
{
    static struct ends e;
    for (unsigned k = 2; k <= 8; k *= 2) {
        size_t sums = (k - 1) * 2 * sizeof(struct block);
        deal(&e, k, some_delta(8), 8);
        for (size_t tree = 0; tree < 128 / k; tree++) {
            CHECK(!accepted(&e, tree * tree_len(k) + sums));
            CHECK(!accepted(&e, tree * tree_len(k) + sums + 32));
        }
        clear(&e);
    }
}

/* Wrong base keys of the sender: all trees that use one fail. */
static void wrong_base_key(void)
{
    static struct ends e;
    struct whist_error err;
    for (unsigned k = 2; k <= 8; k *= 2) {
        deal(&e, k, some_delta(9), 9);
        for (size_t i = 0; i < 128; i += 7) {
            e.chosen[i].hi ^= 1;
            CHECK(open_sender(&e, &ctx, &err) == WHIST_ERR_CHECK);
            e.chosen[i].hi ^= 1;
        }
        clear(&e);
    }
}

static void contexts_bind(void)
{
    static const uint8_t other_sid[32] = "another session of these tests.";
    static const struct cot_context others[] = {
        {other_sid, 3, 4}, {sid, 4, 4}, {sid, 3, 3}, {sid, 4, 3}};
    static struct ends e;
    struct whist_error err;
    deal(&e, 4, some_delta(11), 11);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        CHECK(open_sender(&e, &others[i], &err) == WHIST_ERR_CHECK);
    }
    CHECK_OK(open_sender(&e, &ctx, &err), err);
    clear(&e);
}

/* t̂ tells trees apart: two from the same base keys have the same t̃ and another t̂. */
static void trees_bind(void)
{
    static struct ends e;
    struct whist_error err;
    const size_t at = tree_len(4) - WHIST_HASH_LEN - 32;
    deal(&e, 4, some_delta(12), 12);
    whist_cot_clear(&e.rx);
    memcpy(e.keys + 4, e.keys, 4 * sizeof e.keys[0]);
    CHECK_OK(whist_cot_receiver_init(&e.rx, e.msg, 4, e.keys, &ctx, &err), err);
    const uint8_t *first = e.msg + at, *second = e.msg + tree_len(4) + at;
    CHECK(memcmp(first, second, 32) == 0);
    CHECK(memcmp(first + 32, second + 32, WHIST_HASH_LEN) != 0);
    clear(&e);
}

static void lengths(void)
{
    CHECK(whist_cot_tree_message_len(2) == 64 * (2 * 16 + 64));
    CHECK(whist_cot_tree_message_len(4) == 32 * (6 * 16 + 64));
    CHECK(whist_cot_tree_message_len(8) == 16 * (14 * 16 + 64));
    CHECK(whist_cot_correction_len(2, 3) == 64 * 3 * 16);
    CHECK(whist_cot_correction_len(8, COT_BLOCK_WORDS) == 16 * 32 * 16);
}

static const struct test_case cases[] = {
    {"correlation_k2", correlation_k2},
    {"correlation_k4", correlation_k4},
    {"correlation_k8", correlation_k8},
    {"streams_go_on", streams_go_on},
    {"punctured_leaves", punctured_leaves},
    {"spoiled_sums", spoiled_sums},
    {"spoiled_t", spoiled_t},
    {"wrong_base_key", wrong_base_key},
    {"contexts_bind", contexts_bind},
    {"trees_bind", trees_bind},
    {"lengths", lengths},
};
TEST_MAIN(cases)
