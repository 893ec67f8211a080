/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A run in which memory ends at the k-th allocation, for all k: errors, no crash, no leak, and
 * nobody waits for a party that has given up. */
#include <pthread.h>

#include "core/core.h"
#include "dealer.h"
#include "harness.h"
#include "jobs.h"
#include "ports.h"
#include "small.h"

#define MAX_PARTIES 3

struct starving {
    struct small_run r; /* first: the watch's context is the run */
    pthread_barrier_t dealt;
    long allocations;
};

/* After the dealer, which needs memory itself, and for all parties at once. */
static void deal_then_starve(void *ctx, size_t party, struct whist_session *session)
{
    struct starving *s = ctx;
    deal_setup(session, s->r.deal_seed);
    pthread_barrier_wait(&s->dealt);
    if (party == 0) {
        whist_alloc_fail_after(s->allocations);
    }
    pthread_barrier_wait(&s->dealt);
}

/* A session that failed is dead: it has told the peers. In half of the runs the first party to give
 * up leaves some memory to the others, so they hear of it. */
static void after_failure(void *ctx, size_t party, struct whist_session *session,
                          struct whist_channel *ch, struct party_result *result)
{
    struct starving *s = ctx;
    bool no_source = result->err.phase[0] == '\0'; /* the circuit's, made before the run */
    (void)party;
    (void)ch;
    if (result->status == WHIST_OK) {
        return;
    }
    CHECK(session == NULL || session->dead || no_source);
    if (s->allocations % 2 == 0) {
        whist_alloc_fail_after(-1);
    }
}

/* A run of all parties needs more allocations than the one and fewer than the other: bounds that
 * show a sweep that sweeps nothing. */
#define LEAST_OF_RUN 300
#define MOST_OF_RUN  20000

enum transport { MEMORY, HTTP };

static bool expected_status(enum transport transport, whist_status st)
{
    bool any = st == WHIST_OK || st == WHIST_ERR_NOMEM || st == WHIST_ERR_ABORTED ||
               st == WHIST_ERR_CLOSED;
    /* The threads of the transport starve too: then a peer only sees that nothing comes, or comes
     * twice because the answer to it was lost. */
    bool at_peers = st == WHIST_ERR_TIMEOUT || st == WHIST_ERR_UNREACHABLE || st == WHIST_ERR_IO ||
                    st == WHIST_ERR_PROTOCOL;
    return any || (transport == HTTP && at_peers);
}

/* Right outputs where a run ended well. Returns whether all did. */
static bool check_starved(const struct small_run *r, const struct party_result *res,
                          enum transport transport, long k)
{
    bool all = true;
    for (size_t i = 0; i < r->setup.n; i++) {
        CHECK_MSG(expected_status(transport, res[i].status),
                  "allocation %ld, party %zu: %s (phase %s): %s", k, i,
                  whist_status_name(res[i].status), res[i].err.phase, res[i].err.text);
        CHECK_MSG(!res[i].ran || memcmp(res[i].outputs, r->expected, r->n_out) == 0,
                  "allocation %ld, party %zu has a wrong output", k, i);
        all = all && res[i].status == WHIST_OK;
    }
    return all;
}

/* One run; returns whether memory was enough for everybody. */
static bool starve(const struct whist_circuit *c, size_t n, long k, bool dealt,
                   enum transport transport)
{
    struct starving s;
    struct party_result res[MAX_PARTIES];
    struct whist_channel *channels[MAX_PARTIES];
    int64_t timeout_ms = k < MOST_OF_RUN ? 300 : 60000;
    struct whist_http_options options = {.timeout_ms = timeout_ms,
                                         .connect_timeout_ms = timeout_ms};
    struct whist_error err;
    small_init(&s.r, c, n, (uint64_t)k, dealt);
    s.allocations = k;
    s.r.setup.allocations = dealt ? 0 : k + 1;
    s.r.watch.opened = dealt ? deal_then_starve : NULL;
    s.r.watch.ended = after_failure;
    CHECK(pthread_barrier_init(&s.dealt, NULL, (unsigned)n) == 0);
    if (transport == HTTP) {
        CHECK_OK(make_http_channels(channels, n, &options, NULL, &err), err);
        for (size_t i = 0; i < n; i++) {
            CHECK_OK(whist_channel_envelope_new(&channels[i], channels[i], &err), err);
        }
        s.r.setup.channels = channels;
    }
    parties_run(res, &s.r.setup);
    bool all = check_starved(&s.r, res, transport, k);
    pthread_barrier_destroy(&s.dealt);
    parties_clear(res, n);
    small_clear(&s.r);
    return all;
}

/* ---- Sweeps: until memory is enough for everybody ---- */

/* Which k comes after k: every one if step is 1, seeded distances of `step` on average else. */
static long next_k(long k, long step)
{
    return k + 1 + (long)(mix((uint64_t)k) % (uint64_t)(2 * step - 1));
}

static void sweep_run(size_t n)
{
    struct whist_circuit *c = small_circuit(n);
    long step = test_scale(10) < 10 ? 2 : 1, k = 0;
    while (!starve(c, n, k, true, MEMORY)) {
        k = next_k(k, step);
        CHECK(k < MOST_OF_RUN);
    }
    printf("%zu parties: enough with %ld allocations\n", n, k);
    CHECK(k > LEAST_OF_RUN);
    whist_circuit_free(c);
}

static void run_of_two(void)
{
    sweep_run(2);
}

static void run_of_three(void)
{
    sweep_run(3);
}

/* From the opening of the session on, with the real set-up: a run costs 0.1 s. */
static void set_up(void)
{
    struct whist_circuit *c = small_circuit(2);
    long step = test_scale(10) < 10 ? 30 : 3, k = 0;
    while (!starve(c, 2, k, false, MEMORY)) {
        k = next_k(k, k < 200 ? step : 10 * step); /* later ones: see above */
        CHECK(k < MOST_OF_RUN);
    }
    CHECK(k > LEAST_OF_RUN);
    whist_circuit_free(c);
}

/* The threads of the transport allocate too; without memory nobody can tell the peers, so some runs
 * last until a deadline. */
static void over_http(void)
{
    struct whist_circuit *c = small_circuit(2);
    long step = test_scale(10) < 10 ? 150 : 30;
    for (long k = 0; k < 1200; k = next_k(k, step)) {
        (void)starve(c, 2, k, true, HTTP);
    }
    CHECK(starve(c, 2, MOST_OF_RUN, true, HTTP));
    whist_circuit_free(c);
}

static const struct test_case cases[] = {
    {"run_of_two", run_of_two},
    {"run_of_three", run_of_three},
    {"set_up", set_up},
    {"over_http", over_http},
};
TEST_MAIN(cases)
