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
    size_t *groups = calloc(c->n_inputs + 1, sizeof(*groups));

    if (groups == NULL) {
        return cli_nomem(err);
    }
    size_t n = computation_groups(c, me, groups);
    whist_status st;
    if (n != args->n_inputs) {
        st = cli_fail(err, WHIST_ERR_ARGUMENT,
                      "party %zu owns %zu of the circuit's %zu inputs, but --input is given %zu "
                      "times",
                      me, n, c->n_inputs, args->n_inputs);
    } else {
        st = values_read(out, args->inputs, groups, n, c->input_widths, err);
    }
    free(groups);
    return st;
}

static whist_status print_result(const struct computation *c, const struct party_result *r,
                                 const struct args *args, struct whist_error *err)
{
    struct outputs out = {c->output_widths, c->n_outputs, r->outputs};
    struct json j = {0};

    if (!args_has(args, OPT_JSON)) {
        TRY(print_outputs(&out, err));
        if (args_has(args, OPT_STATS)) {
            print_cost(stdout, &r->cost);
        }
        return WHIST_OK;
    }
    json_object_begin(&j, NULL);
    json_outputs(&j, &out);
    json_object_begin(&j, "stats");
    json_cost(&j, &r->cost);
    json_object_end(&j);
    json_object_end(&j);
    bool printed = json_print_line(&j, stdout);
    json_clear(&j);
    return printed ? WHIST_OK : cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
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
        st = party_run(&result, c, channel, inputs->bits, inputs->n_bits, err);
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
    TRY_OUT(computation_init(&c, args, link->http.n, err));
    c.session.timeout_ms = link->http.timeout_ms;
    c.session.log = log;
    c.legacy = link->http.legacy;
    c.waits = link;
    c.session.progress = progress_bar();
    TRY_OUT(read_own_inputs(&inputs, &c, link->http.me, args, err));
    st = run_party(&c, link, &inputs, args, err);
out:
    values_clear(&inputs);
    computation_clear(&c);
    link_clear(link);
    free(link);
    logging_close();
    return st;
}
