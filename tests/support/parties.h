/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* n parties in one process, a thread each, over memory channels: runs of the engine for tests. */
#ifndef WHIST_TEST_PARTIES_H
#define WHIST_TEST_PARTIES_H

#include <whist/whist.h>

#include "mpc/hooks.h"

/* What the parties run. Zero values mean the defaults of the engine. */
struct party_setup {
    size_t n;
    const struct whist_circuit *circuit; /* or: */
    uint64_t synthetic_ands;             /* AND gates of the synthetic generator */
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
    int64_t timeout_ms;              /* of the channels; 0: 60,000 */
    struct whist_channel **channels; /* framed channels to use (freed by the run); NULL: memory */
};

/* What came of it, by party. */
struct party_result {
    whist_status status;
    struct whist_error err;
    uint8_t *outputs; /* bits of all computations, one after the other; freed by parties_clear */
};

/* Runs all parties to their end. results: n places. */
void parties_run(struct party_result *results, const struct party_setup *setup);
void parties_clear(struct party_result *results, size_t n);

#endif
