/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Every message of a run, broken in every way: all parties end with an error that names the phase,
 * or with the right output. */
#include <stdatomic.h>

#include "core/core.h"
#include "harness.h"
#include "jobs.h"
#include "ports.h"
#include "small.h"

#define MAX_PARTIES 3

/* ---- How many messages a party sends ---- */

/* Messages that a party sends before the set-up, up to its end, and in all. */
struct counts {
    size_t agreed, set_up, all;
};

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void count_messages(void *ctx, size_t party, struct whist_session *session,
                           struct whist_channel *ch, struct party_result *result)
{
    struct counts *counts = (struct counts *)((struct small_run *)ctx)->extra + party;
    struct whist_stats_row rows[200];
    size_t n = whist_channel_stats(ch, rows, 200);
    (void)session;
    (void)result;
    CHECK(n > 0 && n <= 200);
    for (size_t i = 0; i < n; i++) {
        bool agree = starts_with(rows[i].phase, "hello") || starts_with(rows[i].phase, "agree");
        bool set_up = starts_with(rows[i].phase, "setup") || starts_with(rows[i].phase, "delta");
        counts->agreed += agree ? rows[i].messages_sent : 0;
        counts->set_up += agree || set_up ? rows[i].messages_sent : 0;
        counts->all += rows[i].messages_sent;
    }
}

static struct whist_channel *with_stats(void *ctx, size_t party, struct whist_channel *ch)
{
    struct whist_error err;
    (void)ctx;
    (void)party;
    CHECK_OK(whist_channel_stats_new(&ch, ch, &err), err);
    return ch;
}

static void honest_counts(struct counts counts[MAX_PARTIES], const struct whist_circuit *circuit,
                          size_t n, bool dealt)
{
    struct small_run r;
    struct party_result res[MAX_PARTIES];
    memset(counts, 0, MAX_PARTIES * sizeof *counts);
    small_init(&r, circuit, n, 0, dealt);
    r.extra = counts;
    r.watch.ended = count_messages;
    r.setup.wrap = with_stats;
    parties_run(res, &r.setup);
    CHECK(small_check(&r, res, "honest run") == n);
    parties_clear(res, n);
    small_clear(&r);
}

/* ---- One broken run ---- */

enum layer { MEMORY, HTTP_ABOVE_ENVELOPE, HTTP_BELOW_ENVELOPE };

static const char *const layer_names[] = {"memory", "http, above the envelope",
                                          "http, below the envelope"};
static const char *const fault_names[] = {"none",   "drop", "flip",   "truncate", "extend",
                                          "repeat", "zero", "random", "delay",    "cut"};

struct job {
    struct whist_fault_plan plan;
    size_t party; /* whose message */
    uint64_t number;
};

struct sweep {
    const struct whist_circuit *circuit;
    size_t n;
    enum layer layer;
    bool dealt;
    bool alternate;     /* of a party's messages to its two peers each fault hits one */
    int64_t timeout_ms; /* where a message is missing; else nobody waits in vain */
    struct job *jobs;
    size_t n_jobs, cap;
    atomic_size_t tried[WHIST_FAULT_CUT + 1], noticed[WHIST_FAULT_CUT + 1];
};

struct layers {
    const struct sweep *sweep;
    const struct job *job;
};

static struct whist_channel *with_fault(void *ctx, size_t party, struct whist_channel *ch)
{
    const struct layers *l = ctx;
    struct whist_error err;
    if (l->sweep->layer == HTTP_ABOVE_ENVELOPE) {
        CHECK_OK(whist_channel_envelope_new(&ch, ch, &err), err);
    }
    if (party == l->job->party) {
        CHECK_OK(whist_channel_faulty_new(&ch, ch, &l->job->plan, &err), err);
    }
    if (l->sweep->layer == HTTP_BELOW_ENVELOPE) {
        CHECK_OK(whist_channel_envelope_new(&ch, ch, &err), err);
    }
    return ch;
}

static void run_broken(void *ctx, size_t k)
{
    struct sweep *sweep = ctx;
    const struct job *job = &sweep->jobs[k];
    whist_fault fault = job->plan.fault;
    struct layers layers = {sweep, job};
    struct small_run r;
    struct party_result res[MAX_PARTIES];
    struct whist_channel *channels[MAX_PARTIES];
    struct whist_error err;
    char what[200];
    bool waits = fault == WHIST_FAULT_DROP || fault == WHIST_FAULT_DELAY ||
                 fault == WHIST_FAULT_CUT; /* below an envelope nobody learns of it */
    int64_t timeout_ms = waits ? sweep->timeout_ms : 60000;
    snprintf(what, sizeof what, "%s, %zu parties, message %llu of party %zu, %s, seed %llu",
             layer_names[sweep->layer], sweep->n, (unsigned long long)job->plan.at, job->party,
             fault_names[fault], (unsigned long long)job->number);
    small_init(&r, sweep->circuit, sweep->n, job->number, sweep->dealt);
    r.setup.wrap = with_fault;
    r.setup.wrap_ctx = &layers;
    r.setup.timeout_ms = timeout_ms;
    if (sweep->layer != MEMORY) {
        struct whist_http_options options = {.timeout_ms = timeout_ms};
        CHECK_OK(make_http_channels(channels, sweep->n, &options, NULL, &err), err);
        r.setup.channels = channels;
    }
    parties_run(res, &r.setup);
    sweep->tried[fault]++;
    sweep->noticed[fault] += small_check(&r, res, what) < sweep->n;
    parties_clear(res, sweep->n);
    small_clear(&r);
}

/* ---- Sweeps ---- */

static void add_job(struct sweep *s, size_t party, size_t at, whist_fault fault, uint64_t seed)
{
    if (s->n_jobs == s->cap) {
        s->cap = 2 * s->cap + 1000;
        s->jobs = realloc(s->jobs, s->cap * sizeof *s->jobs);
        CHECK(s->jobs != NULL);
    }
    s->jobs[s->n_jobs++] = (struct job){{fault, at, seed}, party, seed};
}

/* More of something in soak runs. */
static size_t soaked(size_t n)
{
    long tenths = test_scale(10);
    return tenths > 10 ? n * (size_t)tenths / 10 : n;
}

/* All faults on the messages first … end − 1 of one party, some bits of each flipped. */
static void add_jobs(struct sweep *s, size_t party, size_t first, size_t end, size_t flips)
{
    for (size_t at = first; at < end; at++) {
        for (whist_fault f = WHIST_FAULT_DROP; f <= WHIST_FAULT_CUT; f++) {
            if (s->alternate && (at + f + party) % 2 != 0) {
                continue;
            }
            for (size_t k = 0; k < (f == WHIST_FAULT_FLIP ? soaked(flips) : soaked(1)); k++) {
                uint64_t seed =
                    ((uint64_t)s->n << 8 | party) << 40 | at << 24 | (uint64_t)f << 16 | k;
                if (in_sweep(seed)) {
                    add_job(s, party, at, f, seed);
                }
            }
        }
    }
}

/* What the sweep must have shown: a length is always checked, a message that is missing always
 * noticed; a flipped bit may be one that nobody looks at. */
static void run_sweep(struct sweep *s, size_t n_workers)
{
    CHECK(s->n_jobs != 0);
    run_jobs(s->n_jobs, n_workers, run_broken, s);
    for (whist_fault f = WHIST_FAULT_DROP; f <= WHIST_FAULT_CUT; f++) {
        printf("%s: %zu of %zu noticed\n", fault_names[f], s->noticed[f], s->tried[f]);
        bool always = f == WHIST_FAULT_DROP || f == WHIST_FAULT_TRUNCATE ||
                      f == WHIST_FAULT_EXTEND || f == WHIST_FAULT_CUT;
        CHECK_MSG(s->noticed[f] >= (always ? s->tried[f] : s->tried[f] / 2), "%s: %zu of %zu",
                  fault_names[f], s->noticed[f], s->tried[f]);
    }
    free(s->jobs);
}

/* Timeouts where a message never comes. Sanitizers make everything ten times slower. */
static int64_t patience(int64_t ms)
{
    return test_scale(10) < 10 ? 5 * ms : ms;
}

/* All messages of a run, with a dealer's set-up. */
static void sweep_run(size_t n)
{
    struct whist_circuit *c = small_circuit(n);
    struct counts counts[MAX_PARTIES];
    struct sweep s = {.circuit = c, .n = n, .dealt = true, .timeout_ms = patience(300)};
    honest_counts(counts, c, n, true);
    for (size_t p = 0; p < n; p++) {
        CHECK(counts[p].agreed == counts[p].set_up && counts[p].agreed < counts[p].all);
        add_jobs(&s, p, 0, counts[p].all, 8);
    }
    run_sweep(&s, 16);
    whist_circuit_free(c);
}

/* The messages of the set-up. */
static void sweep_set_up(size_t n)
{
    struct whist_circuit *c = small_circuit(n);
    struct counts counts[MAX_PARTIES];
    /* Base OTs make a run of three cost 0.15 s: all of them in soak runs only. */
    struct sweep s = {.circuit = c,
                      .n = n,
                      .alternate = n > 2 && test_scale(10) == 10,
                      .timeout_ms = patience(2000)};
    honest_counts(counts, c, n, false);
    for (size_t p = 0; p < n; p++) {
        CHECK(counts[p].agreed < counts[p].set_up && counts[p].set_up < counts[p].all);
        add_jobs(&s, p, counts[p].agreed, counts[p].set_up, 1);
    }
    run_sweep(&s, 12);
    whist_circuit_free(c);
}

/* Every fifth message over HTTP on loopback; below the envelope its own bytes are broken too. */
static void sample_http(size_t n, enum layer layer)
{
    struct whist_circuit *c = small_circuit(n);
    struct counts counts[MAX_PARTIES];
    struct sweep s = {
        .circuit = c, .n = n, .layer = layer, .dealt = true, .timeout_ms = patience(300)};
    honest_counts(counts, c, n, true);
    for (size_t p = 0; p < n; p++) {
        for (size_t at = p; at < counts[p].all; at += 5) {
            add_jobs(&s, p, at, at + 1, 2);
        }
    }
    run_sweep(&s, 16);
    whist_circuit_free(c);
}

static void two_parties(void)
{
    sweep_run(2);
}

static void three_parties(void)
{
    sweep_run(3);
}

static void set_up_of_two(void)
{
    sweep_set_up(2);
}

static void set_up_of_three(void)
{
    sweep_set_up(3);
}

static void http_above_the_envelope(void)
{
    sample_http(2, HTTP_ABOVE_ENVELOPE);
    sample_http(3, HTTP_ABOVE_ENVELOPE);
}

static void http_below_the_envelope(void)
{
    sample_http(2, HTTP_BELOW_ENVELOPE);
    sample_http(3, HTTP_BELOW_ENVELOPE);
}

static const struct test_case cases[] = {
    {"two_parties", two_parties},
    {"three_parties", three_parties},
    {"set_up_of_two", set_up_of_two},
    {"set_up_of_three", set_up_of_three},
    {"http_above_the_envelope", http_above_the_envelope},
    {"http_below_the_envelope", http_below_the_envelope},
};
TEST_MAIN(cases)
