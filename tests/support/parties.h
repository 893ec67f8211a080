/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* n parties in one process, a thread each, over memory channels: runs of the engine for tests. */
#ifndef WHIST_TEST_PARTIES_H
#define WHIST_TEST_PARTIES_H

#include <whist/whist.h>

#include "mpc/hooks.h"

/* What came of it, by party. */
struct party_result {
    whist_status status; /* of the session and its runs; if they are good, of the close */
    struct whist_error err;
    bool ran;         /* all runs ended well: there are outputs, whatever came of the close */
    uint8_t *outputs; /* bits of all computations, one after the other; freed by parties_clear */
};

/* What a test does at some points of a party's life, in the party's thread. Any may be NULL. */
struct party_watch {
    /* Before the session is opened (run is NULL) and before each run (options is NULL): may change
     * what this party is told. */
    void (*vary)(void *ctx, size_t party, struct whist_session_options *options,
                 struct whist_run *run);
    /* The session is open, nothing has run yet. */
    void (*opened)(void *ctx, size_t party, struct whist_session *session);
    /* After the last run, before close. session: NULL if it could not be opened. May replace the
     * result. */
    void (*ended)(void *ctx, size_t party, struct whist_session *session, struct whist_channel *ch,
                  struct party_result *result);
    void *ctx;
};

/* What the parties run. Zero values mean the defaults of the engine. */
struct party_setup {
    size_t n;
    const struct whist_circuit *circuit; /* or: */
    whist_status (*make_source)(void *ctx, struct whist_gate_source **source_out,
                                struct whist_error *err); /* a source for each party, or: */
    void *source_ctx;
    uint64_t synthetic_ands; /* AND gates of the synthetic generator */
    const uint8_t *owners;
    size_t evaluator;
    uint64_t receivers;
    const uint8_t *inputs; /* all input bits of the circuit; each party gets its own */
    size_t repeat;         /* runs on the same session; 0: 1 */
    /* Other computations that follow on the same session, each with n, circuit or synthetic_ands,
     * owners, evaluator, receivers, inputs and repeat of its own; `next` is NULL at the last. */
    const struct party_setup *next;
    struct whist_session_options options;
    const struct whist_hooks *hooks[WHIST_MAX_PARTIES]; /* NULL: none */
    /* Wraps the channel of a party (takes ownership); NULL: not. */
    struct whist_channel *(*wrap)(void *ctx, size_t party, struct whist_channel *ch);
    void *wrap_ctx;
    const struct party_watch *watch; /* NULL: none */
    long allocations;   /* that succeed before memory has run out for all parties; 0: no limit */
    int64_t timeout_ms; /* of the channels; 0: 60,000 */
    struct whist_channel **channels; /* framed channels to use (freed by the run); NULL: memory */
};

/* Runs all parties to their end. results: n places. A party that fails aborts its channel, as a
 * program does that gives up. */
void parties_run(struct party_result *results, const struct party_setup *setup);
void parties_clear(struct party_result *results, size_t n);

/* What the plain evaluator says of the first computation; freed by the caller. */
uint8_t *parties_expect(const struct party_setup *setup, size_t *n_bits_out);
/* Whether the party receives the outputs of this computation. */
bool party_receives(const struct party_setup *setup, size_t party);

#endif
