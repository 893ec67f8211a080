/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist bench channel: the HTTP channel beside raw TCP in the same run. */
#include "bench.h"
#include "json.h"
#include "report.h"

static const struct stream_case {
    const char *name;
    size_t size, count;
} streams[] = {
    {"64 B", 64, 20000},
    {"64 KiB", 65536, 4096},
    {"1 MiB", 1048576, 512},
};
#define N_STREAMS (sizeof(streams) / sizeof(streams[0]))

struct results {
    struct ping_pong ping_pong[2]; /* by link_kind */
    double bytes_per_s[2][N_STREAMS];
};

static whist_status measure_all(struct results *r, struct whist_error *err)
{
    for (int kind = LINK_TCP; kind <= LINK_HTTP; kind++) {
        TRY(measure_ping_pong(&r->ping_pong[kind], (enum link_kind)kind, 64, err));
        for (size_t i = 0; i < N_STREAMS; i++) {
            TRY(measure_stream(&r->bytes_per_s[kind][i], (enum link_kind)kind, streams[i].size,
                               streams[i].count, err));
        }
    }
    return WHIST_OK;
}

static void print_results(const struct results *r)
{
    const struct ping_pong *tcp = &r->ping_pong[LINK_TCP], *http = &r->ping_pong[LINK_HTTP];

    printf("two processes on loopback             HTTP channel         raw TCP   ratio\n");
    printf("ping-pong of 64 B, rounds/s         %14.0f  %14.0f  %6.2f\n", http->rounds_per_s,
           tcp->rounds_per_s, http->rounds_per_s / tcp->rounds_per_s);
    printf("ping-pong of 64 B, median           %11.1f us  %11.1f us  %6.2f\n", http->median_us,
           tcp->median_us, http->median_us / tcp->median_us);
    for (size_t i = 0; i < N_STREAMS; i++) {
        double a = r->bytes_per_s[LINK_HTTP][i], b = r->bytes_per_s[LINK_TCP][i];
        printf("stream of %6s, MB/s               %14.1f  %14.1f  %6.2f\n", streams[i].name,
               a / 1e6, b / 1e6, a / b);
        printf("stream of %6s, messages/s         %14.0f  %14.0f  %6.2f\n", streams[i].name,
               a / (double)streams[i].size, b / (double)streams[i].size, a / b);
    }
}

static void json_kind(struct json *j, const char *key, const struct results *r, int kind)
{
    json_object_begin(j, key);
    json_fixed(j, "rounds_per_s", r->ping_pong[kind].rounds_per_s, 1);
    json_fixed(j, "round_median_us", r->ping_pong[kind].median_us, 2);
    json_array_begin(j, "streams");
    for (size_t i = 0; i < N_STREAMS; i++) {
        json_object_begin(j, NULL);
        json_number(j, "message_bytes", streams[i].size);
        json_fixed(j, "bytes_per_s", r->bytes_per_s[kind][i], 0);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

whist_status cmd_bench_channel(const struct args *args, struct whist_error *err)
{
    struct results r;
    struct json j = {0};

    TRY(measure_all(&r, err));
    if (!args_has(args, OPT_JSON)) {
        print_results(&r);
        return WHIST_OK;
    }
    json_object_begin(&j, NULL);
    json_kind(&j, "http", &r, LINK_HTTP);
    json_kind(&j, "tcp", &r, LINK_TCP);
    json_object_end(&j);
    bool printed = json_print_line(&j, stdout);
    json_clear(&j);
    return printed ? WHIST_OK : cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
}
