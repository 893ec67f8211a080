/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist bench channel: the channel over HTTP beside raw TCP, and beside raw TLS, in the same run.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "bench_proxy.h"
#include "json.h"
#include "report.h"

/* Kinds of link that a row compares, each with the raw one beside it. */
static const enum link_kind all_kinds[] = {LINK_TCP, LINK_HTTP, LINK_TCP_TLS, LINK_HTTPS};
static const enum link_kind single_kinds[] = {LINK_TCP, LINK_SINGLE};

static const struct row {
    const char *name, *key;
    enum pattern pattern;
    size_t size;
    bool one_cpu;
    const enum link_kind *kinds; /* raw, ours, raw, ours */
    size_t n_kinds;
} rows[] = {
    {"ping-pong, one CPU", "ping_pong_one_cpu", PING_PONG, 64, true, all_kinds, 4},
    {"ping-pong", "ping_pong", PING_PONG, 64, false, all_kinds, 4},
    {"64 B", "stream_64", STREAM, 64, false, all_kinds, 4},
    {"64 B, one a POST", "single_64", STREAM, 64, false, single_kinds, 2},
    {"64 KiB", "stream_65536", STREAM, 65536, false, all_kinds, 4},
    {"1 MiB", "stream_1048576", STREAM, 1048576, false, all_kinds, 4},
    {"64 KiB both ways", "both_ways_65536", BOTH_WAYS, 65536, false, all_kinds, 4},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* Through a proxy. */
static const enum link_kind proxy_kinds[] = {LINK_HTTP};
static const struct row proxy_rows[] = {
    {"nginx, 64 KiB", "nginx_65536", STREAM, 65536, false, proxy_kinds, 1},
    {"nginx, 1 MiB", "nginx_1048576", STREAM, 1048576, false, proxy_kinds, 1},
    {"nginx, 8 MiB", "nginx_8388608", STREAM, 8388608, false, proxy_kinds, 1},
};
#define N_PROXY_ROWS (sizeof(proxy_rows) / sizeof(proxy_rows[0]))

#define ALL_TO_ALL "all_to_all" /* the last row */

static const char *const kind_names[] = {
    [LINK_TCP] = "raw TCP",   [LINK_TCP_TLS] = "raw TLS", [LINK_HTTP] = "plain",
    [LINK_HTTPS] = "TLS 1.3", [LINK_SINGLE] = "plain",
};
static const char *const kind_keys[] = {
    [LINK_TCP] = "raw_tcp", [LINK_TCP_TLS] = "raw_tls", [LINK_HTTP] = "plain",
    [LINK_HTTPS] = "tls",   [LINK_SINGLE] = "plain",
};

static struct contest contest_of(const struct row *row, bool quick)
{
    return (struct contest){
        .pattern = row->pattern,
        .size = row->size,
        .one_cpu = row->one_cpu,
        .kinds = row->kinds,
        .n_kinds = row->n_kinds,
        .n_runs = quick ? 3 : 9,
        .run_ms = quick ? 60 : 300,
    };
}

/* ---- For people ---- */

static void print_header(const struct contest *c)
{
    printf(
        "two processes on loopback, medians of %zu interleaved runs; ratios to the raw link of the "
        "same runs\n\n",
        c->n_runs);
    printf("%-20s %-8s %26s %6s   %30s %6s\n", "messages", "link", "", "ratio",
           "CPU time of both sides", "ratio");
}

static void rate_text(char *out, size_t size, const struct contest_result *r,
                      const struct contest *c, size_t k)
{
    if (c->pattern == PING_PONG) {
        snprintf(out, size, "%.0f rounds/s, p50 %.1f us", contest_median(r, c, k, run_rate),
                 contest_median(r, c, k, run_round_us));
    } else if (c->size < 4096) {
        snprintf(out, size, "%.0f messages/s", contest_median(r, c, k, run_rate));
    } else {
        snprintf(out, size, "%.0f MB/s", contest_median(r, c, k, run_bytes_per_s) / 1e6);
    }
}

static void cost_text(char *out, size_t size, const struct contest_result *r,
                      const struct contest *c, size_t k)
{
    if (c->pattern == PING_PONG || c->size < 4096) {
        snprintf(out, size, "%.2f us a %s", contest_median(r, c, k, run_cpu_us_per_message),
                 c->pattern == PING_PONG ? "round" : "message");
    } else {
        snprintf(out, size, "%.2f s a GB", contest_median(r, c, k, run_cpu_s_per_gb));
    }
}

static void print_row(const struct row *row, const struct contest_result *r,
                      const struct contest *c)
{
    char rate[64], cost[64];

    for (size_t k = 0; k < c->n_kinds; k++) {
        rate_text(rate, sizeof(rate), r, c, k);
        cost_text(cost, sizeof(cost), r, c, k);
        printf("%-20s %-8s %26s ", k == 0 ? row->name : "", kind_names[c->kinds[k]], rate);
        if (k % 2 == 0) {
            printf("%6s   %30s\n", "", cost);
        } else {
            printf("%6.2f   %30s %6.2f\n", contest_ratio(r, c, k, k - 1, run_rate), cost,
                   contest_ratio(r, c, k, k - 1, run_cpu_us_per_message));
        }
    }
    fflush(stdout);
}

/* ---- JSON ---- */

static void json_row(struct json *j, const struct row *row, const struct contest_result *r,
                     const struct contest *c)
{
    json_object_begin(j, row->key);
    json_number(j, "message_bytes", c->size);
    for (size_t k = 0; k < c->n_kinds; k++) {
        json_object_begin(j, kind_keys[c->kinds[k]]);
        json_fixed(j, c->pattern == PING_PONG ? "rounds_per_s" : "messages_per_s",
                   contest_median(r, c, k, run_rate), 1);
        if (c->pattern == PING_PONG) {
            json_fixed(j, "round_median_us", contest_median(r, c, k, run_round_us), 2);
        } else {
            json_fixed(j, "bytes_per_s", contest_median(r, c, k, run_bytes_per_s), 0);
            json_fixed(j, "cpu_s_per_gb", contest_median(r, c, k, run_cpu_s_per_gb), 4);
        }
        json_fixed(j, c->pattern == PING_PONG ? "cpu_us_per_round" : "cpu_us_per_message",
                   contest_median(r, c, k, run_cpu_us_per_message), 4);
        if (k % 2 == 1) {
            json_fixed(j, "ratio", contest_ratio(r, c, k, k - 1, run_rate), 3);
            json_fixed(j, "cpu_ratio", contest_ratio(r, c, k, k - 1, run_cpu_us_per_message), 3);
        }
        json_object_end(j);
    }
    json_object_end(j);
}

/* ---- What is measured ---- */

struct output {
    const struct args *args;
    struct json *json; /* NULL: a table */
    struct contest_result *result;
    bool quick;
};

/* All rows, or those that the operands name. */
static bool wanted(const struct output *o, const char *key)
{
    bool named = o->args->n_operands == 0;

    for (size_t i = 0; i < o->args->n_operands; i++) {
        named = named || strcmp(o->args->operands[i], key) == 0;
    }
    return named;
}

static bool is_row(const char *key)
{
    bool found = strcmp(key, ALL_TO_ALL) == 0;

    for (size_t i = 0; i < N_ROWS; i++) {
        found = found || strcmp(key, rows[i].key) == 0;
    }
    for (size_t i = 0; i < N_PROXY_ROWS; i++) {
        found = found || strcmp(key, proxy_rows[i].key) == 0;
    }
    return found;
}

static whist_status check_names(const struct args *args, struct whist_error *err)
{
    for (size_t i = 0; i < args->n_operands; i++) {
        if (!is_row(args->operands[i])) {
            return cli_fail(err, WHIST_ERR_ARGUMENT,
                            "there is no row \"%s\"; see 'whist bench channel --help'",
                            args->operands[i]);
        }
    }
    return WHIST_OK;
}

static whist_status measure_rows(const struct output *o, struct whist_error *err)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        struct contest c = contest_of(&rows[i], o->quick);
        if (!wanted(o, rows[i].key)) {
            continue;
        }
        TRY(contest_measure(o->result, &c, err));
        if (o->json != NULL) {
            json_row(o->json, &rows[i], o->result, &c);
        } else {
            print_row(&rows[i], o->result, &c);
        }
    }
    return WHIST_OK;
}

static whist_status measure_proxied(const struct output *o, struct whist_error *err)
{
    whist_status st = WHIST_OK;
    struct proxy proxy;
    bool there, any = false;

    for (size_t i = 0; i < N_PROXY_ROWS; i++) {
        any = any || wanted(o, proxy_rows[i].key);
    }
    if (!any) {
        return WHIST_OK;
    }
    TRY(proxy_start(&proxy, &there, err));
    if (!there && o->json == NULL) {
        printf("through nginx: not installed\n");
    }
    for (size_t i = 0; there && i < N_PROXY_ROWS; i++) {
        struct contest c = contest_of(&proxy_rows[i], o->quick);
        if (!wanted(o, proxy_rows[i].key)) {
            continue;
        }
        c.urls = proxy.urls;
        c.listen = proxy.listen;
        TRY_OUT(contest_measure(o->result, &c, err));
        if (o->json != NULL) {
            json_row(o->json, &proxy_rows[i], o->result, &c);
        } else {
            print_row(&proxy_rows[i], o->result, &c);
        }
    }
out:
    if (there) {
        proxy_stop(&proxy);
    }
    return st;
}

static whist_status measure_all_to_all(const struct output *o, struct whist_error *err)
{
    struct all_to_all what = {
        .n = 16, .message_bytes = 1048576, .bytes = (uint64_t)(o->quick ? 4 : 64) << 20};
    struct all_to_all_result r;
    char peak[32];

    if (!wanted(o, ALL_TO_ALL)) {
        return WHIST_OK;
    }
    TRY(all_to_all_measure(&r, &what, err));
    double total = (double)what.bytes * (double)what.n * (double)(what.n - 1);
    if (o->json == NULL) {
        printf(
            "\n%zu parties, %.0f MiB from each to each by exchanges of 1 MiB: %.1f s, %.0f MB/s in "
            "all, peak memory of a party %s\n",
            what.n, (double)what.bytes / 1048576, r.seconds, total / r.seconds / 1e6,
            human_bytes(peak, r.peak_bytes));
        return WHIST_OK;
    }
    json_object_begin(o->json, ALL_TO_ALL);
    json_number(o->json, "parties", what.n);
    json_number(o->json, "bytes_each", what.bytes);
    json_number(o->json, "message_bytes", what.message_bytes);
    json_fixed(o->json, "time_s", r.seconds, 3);
    json_number(o->json, "peak_bytes", r.peak_bytes);
    json_object_end(o->json);
    return WHIST_OK;
}

whist_status cmd_bench_channel(const struct args *args, struct whist_error *err)
{
    bool as_json = args_has(args, OPT_JSON);
    struct json j = {0};
    struct output o = {.args = args,
                       .json = as_json ? &j : NULL,
                       .result = calloc(1, sizeof(*o.result)),
                       .quick = args_has(args, OPT_QUICK)};
    whist_status st = WHIST_OK;

    if (o.result == NULL) {
        return cli_nomem(err);
    }
    TRY_OUT(check_names(args, err));
    if (!as_json) {
        const struct contest c = contest_of(&rows[0], o.quick);
        print_header(&c);
    }
    json_object_begin(&j, NULL);
    TRY_OUT(measure_rows(&o, err));
    TRY_OUT(measure_proxied(&o, err));
    TRY_OUT(measure_all_to_all(&o, err));
    json_object_end(&j);
    if (as_json && !json_print_line(&j, stdout)) {
        st = cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
    }
out:
    json_clear(&j);
    free(o.result);
    return st;
}
