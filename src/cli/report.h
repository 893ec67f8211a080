/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a computation gave and what it cost, for people and as JSON. */
#ifndef WHIST_CLI_REPORT_H
#define WHIST_CLI_REPORT_H

#include "cli.h"
#include "json.h"

/* Output groups; bits is a byte for each bit of all groups in order. */
struct outputs {
    const uint32_t *widths;
    size_t n;
    const uint8_t *bits; /* NULL: this party does not learn them */
};

/* One line for each group: decimal and hex up to 64 bits, hex above. */
whist_status print_outputs(const struct outputs *out, struct whist_error *err);
/* "outputs":["0x…"]; empty if not learnt. */
void json_outputs(struct json *j, const struct outputs *out);

/* A row of the statistics with its own copy of the phase, so that it outlives the channel. */
struct cost_row {
    char phase[WHIST_MAX_PHASE + 1];
    struct whist_stats_row counts; /* .phase is not used */
};

/* What a party's run cost. */
struct cost {
    struct whist_http_peer_stats peers[WHIST_MAX_PARTIES]; /* counts of the native wire */
    size_t n_peers;                                        /* 0: another transport */
    int64_t time_ns; /* from the opening of the channel to its close */
    struct cost_row *rows;
    size_t n_rows;
};

/* Sums over rows. */
struct cost_total {
    uint64_t messages_sent, messages_received, bytes_sent, bytes_received, wait_ns, rounds, time_ns;
};

/* Nanoseconds of a monotonic clock. */
int64_t clock_ns(void);
/* Copies the counts of a channel and of the transport below it. */
whist_status cost_collect(struct cost *out, const struct whist_channel *channel,
                          const struct whist_channel *transport, int64_t time_ns,
                          struct whist_error *err);
void cost_clear(struct cost *cost);
/* Over all rows, or those of one group of phases: "chunk" of "chunk.cot" and "chunk.check". */
struct cost_total cost_total(const struct cost *cost, const char *group);

/* A table, a line for each group of phases. */
void print_cost(FILE *to, const struct cost *cost);
/* The members of a "stats" object, without its braces. */
void json_cost(struct json *j, const struct cost *cost);

/* "1.25 MB" and the like; text has room for 32 bytes. */
const char *human_bytes(char *text, uint64_t bytes);

#endif
