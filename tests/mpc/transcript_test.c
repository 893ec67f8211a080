/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* With seeded randomness a run is the same bytes every time: what the engine sends depends on
 * nothing else, and an unintended change of the wire shows. */
#include "transcript.h"

#include "core/core.h"
#include "harness.h"
#include "jobs.h"

#define MAX_PARTIES 3

/* Hashes of what party i sent to party j. */
struct transcripts {
    uint8_t of[MAX_PARTIES][MAX_PARTIES][WHIST_HASH_LEN];
};

static struct whist_channel *with_transcript(void *ctx, size_t party, struct whist_channel *ch)
{
    struct transcripts *t = ctx;
    return transcript_new(ch, t->of[party]);
}

/* Two computations with the real set-up, the first one in two chunks. The generator's function is
 * fixed for all times. */
static void record(struct transcripts *t, size_t n, uint8_t seed)
{
    uint8_t inputs[128], seeds[MAX_PARTIES][16] = {{0}};
    struct whist_hooks hooks[MAX_PARTIES] = {{0}};
    struct party_result res[MAX_PARTIES];
    struct party_setup second = {
        .n = n, .synthetic_ands = 3, .inputs = inputs, .receivers = 2, .evaluator = 1};
    struct party_setup setup = {.n = n,
                                .synthetic_ands = 12,
                                .inputs = inputs,
                                .next = &second,
                                .options = {.chunk_ands = 8},
                                .wrap = with_transcript,
                                .wrap_ctx = t};
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < sizeof inputs; i++) {
        inputs[i] = mix(i) & 1;
    }
    for (size_t i = 0; i < n; i++) {
        seeds[i][0] = seed;
        seeds[i][1] = (uint8_t)i;
        hooks[i].seed = seeds[i];
        setup.hooks[i] = &hooks[i];
    }
    parties_run(res, &setup);
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(res[i].status, res[i].err);
    }
    parties_clear(res, n);
}

static void same_seed_same_bytes(void)
{
    for (size_t n = 2; n <= MAX_PARTIES; n++) {
        struct transcripts a, b;
        record(&a, n, 1);
        record(&b, n, 1);
        CHECK(memcmp(&a, &b, sizeof a) == 0);
    }
}

/* Another seed changes what everybody sends to everybody. */
static void other_seed_other_bytes(void)
{
    struct transcripts a, b;
    record(&a, 3, 1);
    record(&b, 3, 2);
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < 3; j++) {
            CHECK(i == j || memcmp(a.of[i][j], b.of[i][j], WHIST_HASH_LEN) != 0);
        }
    }
}

/* The wire of one run with three parties. If this fails and you did not mean to change what the
 * engine sends, you have found a mistake. If you did: raise PROTOCOL_VERSION where old and new
 * parties would not understand each other, name the change in CHANGELOG.md, and put the hash that
 * this case prints in the place of this one. */
static const char PINNED[] = "7ffd039ddae714447b3be48116a6532cbdb6eede0f9cf587989e8216daefd52a";

static void pinned(void)
{
    struct transcripts t;
    struct hash h;
    uint8_t all[WHIST_HASH_LEN];
    char hex[2 * WHIST_HASH_LEN + 1];
    record(&t, 3, 1);
    whist_hash_init(&h, "test transcripts");
    whist_hash_raw(&h, &t, sizeof t);
    whist_hash_final(&h, all);
    sodium_bin2hex(hex, sizeof hex, all, sizeof all);
    CHECK_MSG(strcmp(hex, PINNED) == 0, "the transcript's hash is %s", hex);
}

static const struct test_case cases[] = {
    {"same_seed_same_bytes", same_seed_same_bytes},
    {"other_seed_other_bytes", other_seed_other_bytes},
    {"pinned", pinned},
};
TEST_MAIN(cases)
