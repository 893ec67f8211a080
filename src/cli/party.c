/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "party.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "link.h"
#include "logging.h"
#include "trace_file.h"
#include "waiting.h"
#include "watch.h"

/* How long an aborting party waits for its last words to get out. */
#define LAST_WORDS_MS 3000

/* ---- One party ---- */

/* The decorated channel; counts and top are the same channel unless calls are logged. */
struct stack {
    struct whist_channel *top;
    const struct whist_channel *counts, *transport;
};

/* Takes the transport, also on error. */
static whist_status stack_build(struct stack *s, struct whist_channel *transport,
                                const struct computation *c, struct whist_error *err)
{
    const struct whist_log *log = &c->session.log;
    struct whist_channel *channel = transport;

    s->transport = transport;
    if (c->legacy) {
        TRY(whist_channel_envelope_new(&channel, channel, err));
    }
    TRY(trace_file_wrap(&channel, err));
    TRY(whist_channel_stats_new(&channel, channel, err));
    s->top = channel;
    s->counts = channel;
    if (log->level >= WHIST_LOG_TRACE) {
        s->top = NULL;
        TRY(whist_channel_trace_new(&s->top, channel, log, err));
    }
    return WHIST_OK;
}

static whist_status source_new(struct whist_gate_source **out, const struct computation *c,
                               struct whist_error *err)
{
    if (c->circuit != NULL) {
        return whist_circuit_source_new(out, c->circuit, err);
    }
    if (c->packed != NULL) {
        return whist_packed_source_new(out, NULL, &c->packed->file, err);
    }
    return c->program != NULL ? whist_program_source(c->program->p, out, err)
                              : whist_synthetic_source_new(out, c->synthetic_ands, err);
}

static whist_status compute(struct party_result *out, const struct computation *c,
                            const struct stack *stack, const struct values *inputs,
                            struct whist_error *err)
{
    struct whist_gate_source *source = NULL;
    struct whist_session *session = NULL;
    struct whist_run run = {.owners = c->program != NULL ? c->group_owners : c->owners,
                            .evaluator = c->evaluator,
                            .receivers = c->receivers,
                            .inputs = inputs->bits,
                            .n_inputs = inputs->n_bits};
    whist_status st;

    TRY_OUT(source_new(&source, c, err));
    waiting_begin(c->waits, stack->transport);
    st = whist_session_new(&session, stack->top, &c->session, err);
    waiting_end();
    TRY_OUT(st);
    run.source = source;
    out->n_ands = source->ops->shape(source)->n_ands;
    st = whist_session_run(session, out->outputs, &run, err);
out:
    whist_session_free(session);
    whist_gate_source_free(source);
    return st;
}

/* What has to be settled with the others first, and room for what comes out. */
static whist_status prepare(struct party_result *out, const struct computation *c,
                            struct whist_channel *channel, struct whist_error *err)
{
    if (c->meet != NULL) {
        waiting_begin(c->waits, channel);
        whist_status st = c->meet(c->meet_ctx, channel, err);
        waiting_end();
        TRY(st);
    }
    if ((c->receivers >> whist_channel_me(channel) & 1) != 0) {
        out->n_output_bits = c->n_output_bits;
        out->outputs = calloc(c->n_output_bits + 1, 1);
        if (out->outputs == NULL) {
            return cli_nomem(err);
        }
    }
    return WHIST_OK;
}

/* The own result stands; a peer that missed the end says so itself. */
static void warn_of_close(const struct whist_log *log, const struct whist_error *err)
{
    if (log->fn == NULL || log->level < WHIST_LOG_WARN) {
        return;
    }
    char line[sizeof(err->text) + 80];
    snprintf(line, sizeof(line), "the last messages may not have reached everybody: %s", err->text);
    log->fn(log->ctx, WHIST_LOG_WARN, line);
}

static void close_channel(struct whist_channel *channel, whist_status st,
                          const struct computation *c)
{
    struct whist_error err = {.peer = WHIST_NO_PEER};
    int64_t deadline_ms =
        st == WHIST_OK ? WHIST_DEADLINE_DEFAULT : whist_clock_ms() + LAST_WORDS_MS;

    if (whist_channel_close(channel, deadline_ms, &err) != WHIST_OK && st == WHIST_OK) {
        warn_of_close(&c->session.log, &err);
    }
}

whist_status party_run(struct party_result *out, const struct computation *c,
                       struct whist_channel *channel, const struct values *inputs,
                       struct whist_error *err)
{
    int64_t start = clock_ns();
    struct stack stack = {0};
    struct cost cost = {0};
    whist_status st;

    memset(out, 0, sizeof(*out));
    TRY(stack_build(&stack, channel, c, err));
    watch_add(cancel_channel, stack.top);
    st = prepare(out, c, stack.top, err);
    if (st == WHIST_OK) {
        st = compute(out, c, &stack, inputs, err);
    } else {
        whist_channel_abort(stack.top, err);
    }
    close_channel(stack.top, st, c);
    if (cost_collect(&cost, stack.counts, stack.transport, clock_ns() - start, err) != WHIST_OK &&
        st == WHIST_OK) {
        st = err->status;
    }
    watch_remove(stack.top);
    whist_channel_free(stack.top);
    if (st != WHIST_OK) {
        party_result_clear(out);
    }
    out->cost = cost;
    return st;
}

void party_result_clear(struct party_result *r)
{
    if (r->outputs != NULL) {
        cli_wipe(r->outputs, r->n_output_bits);
    }
    free(r->outputs);
    cost_clear(&r->cost);
    memset(r, 0, sizeof(*r));
}
