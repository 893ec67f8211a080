/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist local: all parties of a computation on this machine. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "logging.h"
#include "party.h"
#include "procs.h"
#include "trace_file.h"
#include "watch.h"

/* ---- Parties as threads ---- */

struct party_thread {
    pthread_t thread;
    struct computation c; /* a copy: only one party shows progress */
    struct whist_channel *channel;
    uint8_t *inputs;
    size_t n_bits;
    struct proc_result *out;
};

static void *run_thread(void *arg)
{
    struct party_thread *t = arg;
    struct proc_result *r = t->out;

    r->err.peer = WHIST_NO_PEER;
    const struct values own = {t->inputs, t->n_bits};
    r->status = party_run(&r->result, &t->c, t->channel, &own, &r->err);
    return NULL;
}

static whist_status start_thread(struct party_thread *t, struct proc_result *out,
                                 const struct computation *c, struct whist_channel *channel,
                                 const uint8_t *inputs, struct whist_error *err)
{
    t->c = *c;
    t->c.legacy = false; /* messages stay in memory */
    t->channel = channel;
    t->out = out;
    if (whist_channel_me(channel) != 0) {
        t->c.session.progress = NULL;
    }
    t->inputs = party_inputs(c, inputs, whist_channel_me(channel), &t->n_bits);
    if (t->inputs == NULL) {
        return cli_nomem(err);
    }
    if (pthread_create(&t->thread, NULL, run_thread, t) != 0) {
        return cli_fail(err, WHIST_ERR_IO, "cannot start a thread");
    }
    return WHIST_OK;
}

static whist_status threads_compute(struct proc_result *results, const struct computation *c,
                                    const uint8_t *inputs, struct whist_error *err)
{
    struct whist_channel *channels[WHIST_MAX_PARTIES] = {NULL};
    struct party_thread *threads = calloc(c->n, sizeof(*threads));
    size_t started = 0;
    whist_status st;

    memset(results, 0, c->n * sizeof(*results));
    if (threads == NULL) {
        return cli_nomem(err);
    }
    TRY_OUT(watch_start(err));
    st = whist_channel_memory_new(channels, c->n, c->session.timeout_ms, err);
    for (; st == WHIST_OK && started < c->n; started++) {
        st = start_thread(&threads[started], &results[started], c, channels[started], inputs, err);
        if (st != WHIST_OK) {
            break;
        }
    }
    for (size_t i = started; st != WHIST_OK && i < c->n; i++) {
        if (channels[i] != NULL) {
            whist_channel_abort(channels[i], err); /* ends the parties that run */
            whist_channel_free(channels[i]);
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(threads[i].thread, NULL);
    }
    watch_stop();
out:
    for (size_t i = 0; i < c->n; i++) {
        if (threads[i].inputs != NULL) {
            cli_wipe(threads[i].inputs, threads[i].n_bits);
        }
        free(threads[i].inputs);
        if (st != WHIST_OK) {
            party_result_clear(&results[i].result);
        }
    }
    free(threads);
    return st;
}

/* ---- Results ---- */

/* Of several failures the one that caused the others. */
static whist_status first_cause(const struct proc_result *results, size_t n,
                                struct whist_error *err)
{
    const struct proc_result *cause = NULL;

    for (size_t i = 0; i < n; i++) {
        whist_status st = results[i].status;
        bool echo = st == WHIST_ERR_ABORTED || st == WHIST_ERR_CLOSED;
        if (st != WHIST_OK && (cause == NULL || (cause->status == WHIST_ERR_ABORTED && !echo))) {
            cause = &results[i];
        }
    }
    if (cause == NULL) {
        return WHIST_OK;
    }
    *err = cause->err;
    err->status = cause->status;
    if (cause->status != WHIST_ERR_CANCELLED) {
        cli_context(err, "party %zu: ", (size_t)(cause - results));
    }
    return cause->status;
}

/* The sums of all parties; rounds and time are those of the party that has most. */
static void json_all_costs(struct json *j, const struct proc_result *results, size_t n)
{
    uint64_t sent = 0, received = 0, rounds = 0;
    int64_t time_ns = 0;

    for (size_t i = 0; i < n; i++) {
        const struct cost *cost = &results[i].result.cost;
        struct cost_total t = cost_total(cost, NULL);
        sent += t.bytes_sent;
        received += t.bytes_received;
        rounds = t.rounds > rounds ? t.rounds : rounds;
        time_ns = cost->time_ns > time_ns ? cost->time_ns : time_ns;
    }
    json_fixed(j, "time_s", (double)time_ns / 1e9, 6);
    json_number(j, "bytes_sent", sent);
    json_number(j, "bytes_received", received);
    json_number(j, "rounds", rounds);
    json_array_begin(j, "parties");
    for (size_t i = 0; i < n; i++) {
        json_object_begin(j, NULL);
        json_number(j, "party", i);
        json_cost(j, &results[i].result.cost);
        json_object_end(j);
    }
    json_array_end(j);
}

static whist_status print_results(const struct computation *c, const struct proc_result *results,
                                  const struct args *args, struct whist_error *err)
{
    const uint8_t *outputs = NULL;
    struct json j = {0};

    for (size_t i = 0; i < c->n && outputs == NULL; i++) {
        outputs = results[i].result.outputs;
    }
    if (!args_has(args, OPT_JSON)) {
        TRY(computation_print(c, outputs, err));
        for (size_t i = 0; args_has(args, OPT_STATS) && i < c->n; i++) {
            printf("party %zu ", i);
            print_cost(stdout, &results[i].result.cost);
        }
        return WHIST_OK;
    }
    json_object_begin(&j, NULL);
    whist_status st = computation_json(&j, c, outputs, results[0].result.n_ands, err);
    json_object_begin(&j, "stats");
    json_all_costs(&j, results, c->n);
    json_object_end(&j);
    json_object_end(&j);
    return json_finish(&j, st, err);
}

/* ---- The command ---- */

static whist_status read_all_inputs(struct values *out, const struct computation *c,
                                    const struct args *args, struct whist_error *err)
{
    const struct value_reader reader = computation_reader(c);
    char what[800];

    if (args->n_inputs != c->n_inputs) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "%s, but --input is given %zu times",
                        computation_text(c, what, sizeof(what)), args->n_inputs);
    }
    size_t *groups = calloc(c->n_inputs + 1, sizeof(*groups));
    if (groups == NULL) {
        return cli_nomem(err);
    }
    for (size_t k = 0; k < c->n_inputs; k++) {
        groups[k] = k;
    }
    whist_status st =
        values_read(out, args->inputs, groups, c->n_inputs, c->input_widths, &reader, err);
    free(groups);
    return st;
}

static whist_status compute_all(const struct computation *c, const struct values *inputs,
                                const struct args *args, struct whist_error *err)
{
    struct proc_result *results = calloc(c->n, sizeof(*results));

    if (results == NULL) {
        return cli_nomem(err);
    }
    whist_status st = trace_file_open(args, err);
    if (st != WHIST_OK) {
        free(results);
        return st;
    }
    st = args_has(args, OPT_HTTP) ? procs_compute(results, c, inputs->bits, err)
                                  : threads_compute(results, c, inputs->bits, err);
    progress_end();
    trace_file_close();
    if (st == WHIST_OK) {
        st = first_cause(results, c->n, err);
        if (st == WHIST_OK) {
            st = print_results(c, results, args, err);
        }
        for (size_t i = 0; i < c->n; i++) {
            party_result_clear(&results[i].result);
        }
    }
    free(results);
    return st;
}

whist_status cmd_local(const struct args *args, struct whist_error *err)
{
    struct computation c = {0};
    struct values inputs = {0};
    struct whist_log log;
    whist_status st;

    TRY(logging_open(&log, args, "", err));
    TRY_OUT(computation_init(&c, args, (size_t)args_number(args, OPT_PARTIES, 0), true, err));
    if (c.program != NULL && c.packed == NULL && c.circuit == NULL) { /* one for all parties */
        TRY_OUT(whist_program_circuit(c.program->p, &c.circuit, err));
    }
    c.session.log = log;
    c.session.progress = progress_bar();
    TRY_OUT(read_all_inputs(&inputs, &c, args, err));
    st = compute_all(&c, &inputs, args, err);
out:
    if (st != WHIST_OK && c.program != NULL && args_has(args, OPT_JSON)) {
        program_json_failure(c.program, err);
    }
    values_clear(&inputs);
    computation_clear(&c);
    logging_close();
    return st;
}
