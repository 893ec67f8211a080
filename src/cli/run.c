/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist run: one party of a computation over HTTP. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "link.h"
#include "logging.h"
#include "party.h"
#include "trace_file.h"
#include "watch.h"

static whist_status read_own_inputs(struct values *out, const struct computation *c, size_t me,
                                    const struct args *args, struct whist_error *err)
{
    const struct value_reader reader = computation_reader(c);
    size_t *groups = calloc(c->n_inputs + 1, sizeof(*groups));
    char what[800];

    if (groups == NULL) {
        return cli_nomem(err);
    }
    size_t n = computation_groups(c, me, groups);
    whist_status st;
    if (n != args->n_inputs) {
        st = cli_fail(err, WHIST_ERR_ARGUMENT,
                      "%s; party %zu owns %zu of them, but --input is given %zu times",
                      computation_text(c, what, sizeof(what)), me, n, args->n_inputs);
    } else {
        st = values_read(out, args->inputs, groups, n, c->input_widths, &reader, err);
    }
    free(groups);
    return st;
}

/* A program may need the constants of others before it has a shape. */
struct late {
    struct computation *c;
    struct values *inputs;
    const struct args *args;
};

static whist_status meet(void *ctx, struct whist_channel *channel, struct whist_error *err)
{
    struct late *late = ctx;
    struct computation *c = late->c;

    TRY(program_meet(c->program, channel, c->session.timeout_ms, err));
    if (c->program->bound) {
        return WHIST_OK;
    }
    TRY(computation_bind(c, late->args, err));
    return read_own_inputs(late->inputs, c, whist_channel_me(channel), late->args, err);
}

static whist_status print_result(const struct computation *c, const struct party_result *r,
                                 const struct args *args, struct whist_error *err)
{
    struct json j = {0};

    if (!args_has(args, OPT_JSON)) {
        TRY(computation_print(c, r->outputs, err));
        if (args_has(args, OPT_STATS)) {
            print_cost(stdout, &r->cost);
        }
        return WHIST_OK;
    }
    json_object_begin(&j, NULL);
    whist_status st = computation_json(&j, c, r->outputs, r->n_ands, err);
    json_object_begin(&j, "stats");
    json_cost(&j, &r->cost);
    json_object_end(&j);
    json_object_end(&j);
    return json_finish(&j, st, err);
}

static whist_status run_party(const struct computation *c, const struct party_link *link,
                              const struct values *inputs, const struct args *args,
                              struct whist_error *err)
{
    struct party_result result = {0};
    struct whist_channel *channel = NULL;

    TRY(trace_file_open(args, err));
    TRY(watch_start(err));
    whist_status st = link_channel(&channel, link, err);
    if (st == WHIST_OK) {
        st = party_run(&result, c, channel, inputs, err);
    }
    progress_end();
    watch_stop();
    trace_file_close();
    if (st == WHIST_OK) {
        st = print_result(c, &result, args, err);
    }
    party_result_clear(&result);
    return st;
}

whist_status cmd_run(const struct args *args, struct whist_error *err)
{
    struct computation c = {0};
    struct values inputs = {0};
    struct late late = {&c, &inputs, args};
    struct whist_log log;
    char who[96];
    whist_status st;

    TRY(logging_open(&log, args, "", err));
    struct party_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        logging_close();
        return cli_nomem(err);
    }
    TRY_OUT(link_init(link, args, &log, err));
    logging_set_who(party_text(who, link, link->http.me));
    TRY_OUT(computation_init(&c, args, link->http.n, false, err));
    c.session.timeout_ms = link->http.timeout_ms;
    c.session.log = log;
    c.legacy = link->http.legacy;
    c.waits = link;
    c.session.progress = progress_bar();
    if (c.program != NULL) {
        c.meet = meet;
        c.meet_ctx = &late;
    }
    if (c.program == NULL || c.program->bound) {
        TRY_OUT(read_own_inputs(&inputs, &c, link->http.me, args, err));
    }
    st = run_party(&c, link, &inputs, args, err);
out:
    if (st != WHIST_OK && c.program != NULL && args_has(args, OPT_JSON)) {
        program_json_failure(c.program, err);
    }
    values_clear(&inputs);
    computation_clear(&c);
    link_clear(link);
    free(link);
    logging_close();
    return st;
}
