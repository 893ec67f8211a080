/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Runs that end early although nobody cheats: a peer that is silent or goes away, a party that is
 * cancelled. */
#include <pthread.h>

#include "core/core.h"
#include "harness.h"
#include "mpc/session.h"
#include "small.h"

/* The session's own timeout counts, not the channel's, which is a minute. */
static void silent_peer(void)
{
    struct whist_session_options options = {.timeout_ms = 50};
    struct whist_session *s = NULL;
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err;
    CHECK_OK(whist_channel_memory_new(ch, 2, 60000, &err), err);
    CHECK(whist_session_new(&s, ch[0], &options, &err) == WHIST_ERR_TIMEOUT && s == NULL);
    CHECK(err.peer == 1 && strcmp(err.phase, "hello") == 0);
    /* The peer is told when it wakes up. */
    CHECK(whist_channel_recv(ch[1], 0, &msg, "hello", WHIST_DEADLINE_DEFAULT, &err) ==
          WHIST_ERR_ABORTED);
    CHECK(err.peer == 0 && strstr(err.text, "timeout") != NULL);
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
}

/* The k-th party leaves, without a word, when the session is open. */
struct leaver {
    struct small_run r; /* first: the watch's context is the run */
    size_t party;
    struct whist_channel *ch[3];
};

static struct whist_channel *remember(void *ctx, size_t party, struct whist_channel *ch)
{
    struct leaver *l = ctx;
    l->ch[party] = ch;
    return ch;
}

static void leave(void *ctx, size_t party, struct whist_session *session)
{
    struct leaver *l = ctx;
    struct whist_error err;
    (void)session;
    if (party == l->party) {
        CHECK_OK(whist_channel_close(l->ch[party], WHIST_DEADLINE_DEFAULT, &err), err);
    }
}

static void peer_that_leaves(void)
{
    for (size_t party = 0; party < 3; party++) {
        struct whist_circuit *c = small_circuit(3);
        struct leaver l = {.party = party};
        struct party_result res[3];
        small_init(&l.r, c, 3, party, false);
        l.r.watch.opened = leave;
        l.r.setup.wrap = remember;
        l.r.setup.wrap_ctx = &l;
        parties_run(res, &l.r.setup);
        CHECK(small_check(&l.r, res, "a party has left") == 0);
        for (size_t i = 0; i < 3; i++) {
            CHECK(res[i].status == WHIST_ERR_CLOSED ||
                  (i != party && res[i].status == WHIST_ERR_ABORTED));
        }
        parties_clear(res, 3);
        small_clear(&l.r);
        whist_circuit_free(c);
    }
}

/* ---- Cancelling ---- */

struct canceller {
    struct whist_channel *ch[3];
    size_t party;
    int countdown; /* progress reports until then */
};

static void cancel(struct canceller *c)
{
    struct whist_error why = {.status = WHIST_ERR_CANCELLED, .peer = WHIST_NO_PEER};
    snprintf(why.text, sizeof why.text, "interrupted by the user");
    whist_channel_abort(c->ch[c->party], &why);
}

static void count_down(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    struct canceller *c = ctx;
    CHECK(phase != NULL && done <= total);
    if (c->countdown-- == 0) {
        cancel(c);
    }
}

static struct whist_channel *note(void *ctx, size_t party, struct whist_channel *ch)
{
    ((struct canceller *)ctx)->ch[party] = ch;
    return ch;
}

static void only_one_counts(void *ctx, size_t party, struct whist_session_options *options,
                            struct whist_run *run)
{
    struct canceller *c = ctx;
    (void)run;
    if (options != NULL && party == c->party) {
        options->progress = count_down;
        options->progress_ctx = c;
    }
}

static void check_wiped(void *ctx, size_t party, struct whist_session *s, struct whist_channel *ch,
                        struct party_result *result)
{
    (void)ctx;
    (void)party;
    (void)ch;
    (void)result;
    CHECK(s != NULL && s->dead && s->arena.base == NULL);
    CHECK(s->delta.lo == 0 && s->delta.hi == 0);
}

static void check_cancelled(const struct party_result *res, size_t n, size_t party)
{
    for (size_t i = 0; i < n; i++) {
        CHECK_MSG(res[i].status == (i == party ? WHIST_ERR_CANCELLED : WHIST_ERR_ABORTED),
                  "party %zu: %s", i, whist_status_name(res[i].status));
        CHECK(strstr(res[i].err.text, "interrupted by the user") != NULL);
        CHECK(res[i].err.phase[0] != '\0' && (i == party || res[i].err.peer == (int)party));
    }
}

/* In the middle of a chunk, by the progress function: garbler and evaluator. */
static void cancelled_while_it_runs(void)
{
    static const uint8_t inputs[128];
    for (size_t party = 0; party < 2; party++) {
        struct canceller c = {.party = party, .countdown = 0};
        struct party_result res[2];
        struct party_watch watch = {.vary = only_one_counts, .ended = check_wiped, .ctx = &c};
        struct party_setup setup = {.n = 2,
                                    .synthetic_ands = 50000,
                                    .inputs = inputs,
                                    .options = {.chunk_ands = 10000},
                                    .watch = &watch,
                                    .wrap = note,
                                    .wrap_ctx = &c};
        parties_run(res, &setup);
        check_cancelled(res, 2, party);
        parties_clear(res, 2);
    }
}

/* Another thread cancels a party that waits for a peer which never comes. */
static void *cancel_main(void *arg)
{
    cancel(arg);
    return NULL;
}

static void cancelled_from_another_thread(void)
{
    struct canceller c = {.party = 0};
    struct whist_session *s = NULL;
    struct whist_error err;
    pthread_t thread;
    CHECK_OK(whist_channel_memory_new(c.ch, 3, 600000, &err), err);
    CHECK(pthread_create(&thread, NULL, cancel_main, &c) == 0);
    CHECK(whist_session_new(&s, c.ch[0], NULL, &err) == WHIST_ERR_CANCELLED && s == NULL);
    CHECK(strcmp(err.text, "interrupted by the user") == 0 && err.phase[0] != '\0');
    CHECK(pthread_join(thread, NULL) == 0);
    for (size_t i = 0; i < 3; i++) {
        whist_channel_free(c.ch[i]);
    }
}

static const struct test_case cases[] = {
    {"silent_peer", silent_peer},
    {"peer_that_leaves", peer_that_leaves},
    {"cancelled_while_it_runs", cancelled_while_it_runs},
    {"cancelled_from_another_thread", cancelled_from_another_thread},
};
TEST_MAIN(cases)
