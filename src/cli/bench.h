/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the benchmarks share: raw limits of this machine, and links between two processes. */
#ifndef WHIST_CLI_BENCH_H
#define WHIST_CLI_BENCH_H

#include "cli.h"

/* ---- bench_raw.c ---- */

/* AES-128 blocks a second on one core with one key, by the widest instructions there are; 0 without
 * any. */
double raw_aes_blocks_per_s(void);
/* Bytes a second of memcpy between two buffers of 64 MiB. */
double raw_memcpy_bytes_per_s(void);

/* ---- bench_link.c, bench_run.c: two processes on loopback ---- */

enum link_kind {
    LINK_TCP,     /* bench_tcp.h */
    LINK_TCP_TLS, /* the same over OpenSSL */
    LINK_HTTP,    /* the channel, in clear */
    LINK_HTTPS,   /* the channel over mutual TLS */
    LINK_SINGLE,  /* the channel in clear, one message a POST */
};

enum pattern {
    PING_PONG, /* to and fro */
    STREAM,    /* one way, until the last one is acknowledged */
    BOTH_WAYS, /* a stream each way at once */
};

/* What is measured: the same messages over several links in turn, between the same processes. */
struct contest {
    enum pattern pattern;
    size_t size;  /* of a message, bytes */
    bool one_cpu; /* both processes on one CPU */
    const enum link_kind *kinds;
    size_t n_kinds; /* 1 … CONTEST_MAX */
    size_t n_runs;  /* of each kind, interleaved; 1 … RUNS_MAX */
    int64_t run_ms; /* about so long is each */
    /* Of LINK_HTTP through a proxy; NULL: found here. */
    const char *const *urls, *const *listen;
};
#define CONTEST_MAX 4
#define RUNS_MAX    15

/* One run. */
struct run_result {
    double seconds;
    double messages, bytes; /* rounds; both directions of BOTH_WAYS */
    double cpu_s[2];        /* processor time of the leading, the following process */
    double median_us;       /* PING_PONG: of a round */
};

struct contest_result {
    struct run_result runs[CONTEST_MAX][RUNS_MAX];
};

whist_status contest_measure(struct contest_result *out, const struct contest *contest,
                             struct whist_error *err);

/* Median of value(run of kind k), or of its ratio to the run of kind `to` of the same pair. */
typedef double (*run_value)(const struct run_result *run);
double contest_median(const struct contest_result *r, const struct contest *c, size_t k,
                      run_value value);
double contest_ratio(const struct contest_result *r, const struct contest *c, size_t k, size_t to,
                     run_value value);
double run_rate(const struct run_result *run);               /* messages (rounds) a second */
double run_round_us(const struct run_result *run);           /* PING_PONG: median */
double run_bytes_per_s(const struct run_result *run);        /* payload */
double run_cpu_s_per_gb(const struct run_result *run);       /* of both sides together */
double run_cpu_us_per_message(const struct run_result *run); /* of both sides together */

/* ---- bench_all.c ---- */

/* n processes; each sends `bytes` to every other one, by exchanges of messages. */
struct all_to_all {
    size_t n, message_bytes;
    uint64_t bytes;
};

struct all_to_all_result {
    double seconds;
    uint64_t peak_bytes; /* most memory that one of them held */
};

whist_status all_to_all_measure(struct all_to_all_result *out, const struct all_to_all *what,
                                struct whist_error *err);

#endif
