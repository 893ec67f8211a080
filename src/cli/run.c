/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist run: one party of a computation over HTTP. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "link.h"
#include "logging.h"
#include "party.h"
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

static whist_status run_party(const struct computation *c, const struct whist_http_options *http,
                              const struct values *inputs, const struct args *args,
                              struct whist_error *err)
{
    struct party_result result = {0};
    struct whist_channel *channel = NULL;

    TRY(watch_start(err));
    whist_status st = whist_channel_http_new(&channel, http, err);
    if (st == WHIST_OK) {
        st = party_run(&result, c, channel, true, inputs->bits, inputs->n_bits, err);
    }
    progress_end();
    watch_stop();
    if (st == WHIST_OK) {
        st = print_result(c, &result, args, err);
    }
    party_result_clear(&result);
    return st;
}

whist_status cmd_run(const struct args *args, struct whist_error *err)
{
    struct computation c = {0};
    struct url_list urls = {0};
    struct whist_http_options http;
    struct values inputs = {0};
    struct whist_log log;
    char who[16];
    whist_status st;

    snprintf(who, sizeof(who), "party %" PRIu64, args->number[OPT_PARTY]);
    TRY(logging_open(&log, args, who, err));
    TRY_OUT(link_options(&http, &urls, args, &log, err));
    TRY_OUT(computation_init(&c, args, urls.n, err));
    c.session.log = log;
    c.session.progress = progress_bar();
    TRY_OUT(read_own_inputs(&inputs, &c, http.me, args, err));
    st = run_party(&c, &http, &inputs, args, err);
out:
    values_clear(&inputs);
    computation_clear(&c);
    url_list_clear(&urls);
    logging_close();
    return st;
}
