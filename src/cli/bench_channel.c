/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist bench channel: the channel over HTTP beside raw TCP, and beside raw TLS, in the same run.
 */
#include <stdlib.h>

#include "bench.h"
#include "json.h"
#include "report.h"

/* Kinds of link that a row compares, each with the raw one beside it. */
static const enum link_kind all_kinds[] = {LINK_TCP, LINK_HTTP, LINK_TCP_TLS};
static const enum link_kind single_kinds[] = {LINK_TCP, LINK_SINGLE};

static const struct row {
    const char *name, *key;
    enum pattern pattern;
    size_t size;
    bool one_cpu;
    const enum link_kind *kinds; /* raw, ours, raw, ours */
    size_t n_kinds;
} rows[] = {
    {"ping-pong, one CPU", "ping_pong_one_cpu", PING_PONG, 64, true, all_kinds, 3},
    {"ping-pong", "ping_pong", PING_PONG, 64, false, all_kinds, 3},
    {"64 B", "stream_64", STREAM, 64, false, all_kinds, 3},
    {"64 B, one a POST", "single_64", STREAM, 64, false, single_kinds, 2},
    {"64 KiB", "stream_65536", STREAM, 65536, false, all_kinds, 3},
    {"1 MiB", "stream_1048576", STREAM, 1048576, false, all_kinds, 3},
    {"64 KiB both ways", "both_ways_65536", BOTH_WAYS, 65536, false, all_kinds, 3},
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

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

static whist_status measure_rows(struct json *j, bool quick, bool as_json, struct whist_error *err)
{
    struct contest_result *r = calloc(1, sizeof(*r));
    whist_status st = WHIST_OK;

    if (r == NULL) {
        return cli_nomem(err);
    }
    for (size_t i = 0; i < N_ROWS; i++) {
        struct contest c = contest_of(&rows[i], quick);
        if (i == 0 && !as_json) {
            print_header(&c);
        }
        TRY_OUT(contest_measure(r, &c, err));
        if (as_json) {
            json_row(j, &rows[i], r, &c);
        } else {
            print_row(&rows[i], r, &c);
        }
    }
out:
    free(r);
    return st;
}

whist_status cmd_bench_channel(const struct args *args, struct whist_error *err)
{
    bool as_json = args_has(args, OPT_JSON), quick = args_has(args, OPT_QUICK);
    struct json j = {0};

    json_object_begin(&j, NULL);
    whist_status st = measure_rows(&j, quick, as_json, err);
    json_object_end(&j);
    if (st == WHIST_OK && as_json && !json_print_line(&j, stdout)) {
        st = cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
    }
    json_clear(&j);
    return st;
}
