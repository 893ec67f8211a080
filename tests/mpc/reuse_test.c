/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Nothing is used twice in a session (docs/protocol.md, Hashes, Notation): the tweaks under one Δ,
 * the streams of zero shares; over chunks, runs and changing evaluators. */
#include "harness.h"
#include "players.h"

#define LEN 32 /* bytes of an entry; tweaks are filled up with zeros */

/* What a party has used. Both kinds of entries cannot be mistaken: seeds end in random bytes. */
struct used {
    uint8_t (*entries)[LEN];
    size_t n, cap, n_tweaks, n_seeds;
};

static void note(struct used *u, const void *entry, size_t len)
{
    if (u->n == u->cap) {
        u->cap = 2 * u->cap + 1000;
        u->entries = realloc(u->entries, u->cap * LEN);
        CHECK(u->entries != NULL);
    }
    memset(u->entries[u->n], 0, LEN);
    memcpy(u->entries[u->n++], entry, len);
}

static void look(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                 size_t len)
{
    struct used *u = ctx;
    (void)s;
    (void)to;
    if (strcmp(point, "tweaks") == 0) {
        for (size_t at = 0; at < len; at += sizeof(struct block)) {
            note(u, (const uint8_t *)data + at, sizeof(struct block));
            u->n_tweaks++;
        }
    } else if (strcmp(point, "zero.seed") == 0) {
        note(u, data, len);
        u->n_seeds++;
    }
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, LEN);
}

static void nothing_twice(void)
{
    static struct players p;
    static struct used used[MAX_PLAYERS];
    struct whist_circuit *circuit = lie_circuit(3); /* 8 AND gates */
    struct party_setup more[3];
    players_init(&p, circuit, 3, 0, 1);
    p.setup.options.chunk_ands = 3;
    for (size_t i = 0; i < 3; i++) { /* runs of one session */
        more[i] = (struct party_setup){.n = 3, .circuit = circuit, .inputs = p.inputs};
        more[i].evaluator = (i + 1) % 3;
        more[i].next = i < 2 ? &more[i + 1] : NULL;
        p.hooks[i].tamper = look;
        p.hooks[i].ctx = &used[i];
    }
    p.setup.next = more;
    players_run(&p);
    for (size_t i = 0; i < 3; i++) {
        struct used *u = &used[i];
        CHECK_OK(p.results[i].status, p.results[i].err);
        /* As garbler in 2 or 3 runs: 8 gates, 2 tweaks towards each garbler; in 4 runs of 3 chunks:
         * leaky triples towards each peer and 128 tweaks of the zero test. */
        CHECK(u->n_tweaks > 2 * 8 * 2 * 2 + 4 * 3 * (128 + 8) * 2);
        CHECK(u->n_seeds == (1 + 4 * 3) * 2); /* Δ-consistency, chunks */
        qsort(u->entries, u->n, LEN, compare);
        for (size_t k = 1; k < u->n; k++) {
            CHECK_MSG(memcmp(u->entries[k - 1], u->entries[k], LEN) != 0,
                      "party %zu uses something twice", i);
        }
        free(u->entries);
    }
    players_clear(&p);
    whist_circuit_free(circuit);
}

static const struct test_case cases[] = {
    {"nothing_twice", nothing_twice},
};
TEST_MAIN(cases)
