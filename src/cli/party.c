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

/* ---- What the parties agree on ---- */

static whist_status read_owners(struct computation *c, const char *text, struct whist_error *err)
{
    size_t n = 0, *list = calloc(c->n_inputs + 1, sizeof(*list));
    whist_status st = WHIST_OK;

    c->owners = calloc(c->n_inputs + 1, 1);
    if (list == NULL || c->owners == NULL) {
        st = cli_nomem(err);
        goto out;
    }
    for (size_t k = 0; k < c->n_inputs; k++) {
        c->owners[k] = (uint8_t)(k % c->n);
    }
    if (text == NULL) {
        goto out;
    }
    TRY_OUT(args_number_list(list, &n, c->n_inputs, text, c->n - 1, "owners", err));
    if (n != c->n_inputs) {
        st = cli_fail(err, WHIST_ERR_ARGUMENT,
                      "--owners names %zu owners, but the circuit has %zu inputs", n, c->n_inputs);
        goto out;
    }
    for (size_t k = 0; k < n; k++) {
        c->owners[k] = (uint8_t)list[k];
    }
out:
    free(list);
    return st;
}

static whist_status read_receivers(struct computation *c, const char *text, struct whist_error *err)
{
    size_t list[WHIST_MAX_PARTIES], n = c->n;

    for (size_t i = 0; i < n; i++) {
        list[i] = i;
    }
    if (text != NULL) {
        TRY(args_number_list(list, &n, WHIST_MAX_PARTIES, text, c->n - 1, "output-to", err));
    }
    for (size_t i = 0; i < n; i++) {
        c->receivers |= UINT64_C(1) << list[i];
    }
    return WHIST_OK;
}

static whist_status read_session(struct computation *c, const struct args *args, size_t n,
                                 struct whist_error *err)
{
    c->n = n != 0 ? n : c->n_inputs < 2 ? 2 : c->n_inputs;
    if (c->n > WHIST_MAX_PARTIES) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "the circuit has %zu inputs, but there are at most %d parties; give "
                        "--parties",
                        c->n_inputs, WHIST_MAX_PARTIES);
    }
    c->evaluator = (size_t)args_number(args, OPT_EVALUATOR, 0);
    if (c->evaluator >= c->n) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--evaluator %zu is not one of the %zu parties (0 to %zu)", c->evaluator,
                        c->n, c->n - 1);
    }
    c->session.rho = (uint32_t)args_number(args, OPT_RHO, 0);
    c->session.timeout_ms = wait_ms(args_timeout_ms(args));
    c->legacy = args_has(args, OPT_LEGACY);
    TRY(read_owners(c, args->text[OPT_OWNERS], err));
    return read_receivers(c, args->text[OPT_OUTPUT_TO], err);
}

whist_status computation_init(struct computation *c, const struct args *args, size_t n,
                              struct whist_error *err)
{
    memset(c, 0, sizeof(*c));
    TRY(circuit_load(&c->circuit, args, args->operands[0], err));
    c->input_widths = whist_circuit_input_widths(c->circuit, &c->n_inputs);
    c->output_widths = whist_circuit_output_widths(c->circuit, &c->n_outputs);
    c->n_output_bits = total_bits(c->output_widths, c->n_outputs);
    whist_status st = read_session(c, args, n, err);
    if (st != WHIST_OK) {
        computation_clear(c);
    }
    return st;
}

void computation_clear(struct computation *c)
{
    whist_circuit_free(c->circuit);
    free(c->owners);
    memset(c, 0, sizeof(*c));
}

size_t computation_groups(const struct computation *c, size_t party, size_t *groups)
{
    size_t n = 0;

    for (size_t k = 0; k < c->n_inputs; k++) {
        if (c->owners[k] == party) {
            groups[n++] = k;
        }
    }
    return n;
}

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
    return c->circuit != NULL ? whist_circuit_source_new(out, c->circuit, err)
                              : whist_synthetic_source_new(out, c->synthetic_ands, err);
}

static whist_status compute(struct party_result *out, const struct computation *c,
                            const struct stack *stack, const uint8_t *inputs, size_t n_input_bits,
                            struct whist_error *err)
{
    struct whist_gate_source *source = NULL;
    struct whist_session *session = NULL;
    struct whist_run run = {.owners = c->owners,
                            .evaluator = c->evaluator,
                            .receivers = c->receivers,
                            .inputs = inputs,
                            .n_inputs = n_input_bits};
    whist_status st;

    TRY_OUT(source_new(&source, c, err));
    waiting_begin(c->waits, stack->transport);
    st = whist_session_new(&session, stack->top, &c->session, err);
    waiting_end();
    TRY_OUT(st);
    run.source = source;
    st = whist_session_run(session, out->outputs, &run, err);
out:
    whist_session_free(session);
    whist_gate_source_free(source);
    return st;
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
                       struct whist_channel *channel, const uint8_t *inputs, size_t n_input_bits,
                       struct whist_error *err)
{
    int64_t start = clock_ns();
    struct stack stack = {0};
    struct cost cost = {0};
    whist_status st;

    memset(out, 0, sizeof(*out));
    TRY(stack_build(&stack, channel, c, err));
    size_t me = whist_channel_me(stack.top);
    watch_add(cancel_channel, stack.top);
    if ((c->receivers >> me & 1) != 0) {
        out->n_output_bits = c->n_output_bits;
        out->outputs = calloc(c->n_output_bits + 1, 1);
    }
    if ((c->receivers >> me & 1) != 0 && out->outputs == NULL) {
        st = cli_nomem(err);
        whist_channel_abort(stack.top, err);
    } else {
        st = compute(out, c, &stack, inputs, n_input_bits, err);
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
