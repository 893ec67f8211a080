/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A bad network in one process: a TCP proxy on loopback with a thread of its own, which loses,
 * repeats, holds and cuts what passes.
 *
 * Decisions depend only on the seed, the number of the connection and the number of the request on
 * it (for a stream: on the seed and the number of the connection), so the same traffic meets the
 * same faults. What fails inside ends the case. */
#ifndef WHIST_TEST_FAULT_PROXY_H
#define WHIST_TEST_FAULT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens; all-zero passes everything on. Shares are in 1,000 requests. A request or answer
 * that is lost takes its connection with it, as the next answer would be taken for the lost one. */
struct fault_plan {
    uint64_t seed;
    bool http; /* whole requests and answers (by content-length); else a stream of bytes (TLS) */

    unsigned drop_request; /* the server sees nothing of it */
    unsigned drop_answer;  /* the server has answered, the client sees nothing of that */
    unsigned cut_request;  /* the server sees a part of it, then both connections end */
    unsigned cut_answer;   /* the client sees a part of it, then both connections end */
    unsigned repeat;       /* the server sees it twice: half of them later, on a new connection */
    unsigned hold;         /* waits for 1 … hold_ms, so that other connections overtake it */
    int hold_ms;
    unsigned silent; /* of the lost ones, in 1,000: the connection stays open, without an answer */
    unsigned reset;  /* of the ends, in 1,000: by a reset instead of in order */

    uint64_t cut_bytes; /* streams: a connection ends after 1 … 2·cut_bytes bytes; 0: never */
};

/* What has happened so far. Bytes are those of TCP payload that the proxy has read. */
struct fault_counts {
    uint64_t connections, requests, answers;
    uint64_t dropped_requests, dropped_answers, cut_requests, cut_answers, repeats, held, silent;
    uint64_t cut_streams; /* by cut_bytes or fault_proxy_cut */
    uint64_t bytes_up;    /* from clients */
    uint64_t bytes_down;  /* from the server */
    uint64_t open;        /* connections of clients now */
};

struct fault_proxy;

/* A proxy on a free port of 127.0.0.1 in front of server_port there, which need not listen yet.
 * plan: copied; NULL: no faults. */
struct fault_proxy *fault_proxy_new(uint16_t server_port, const struct fault_plan *plan);
/* Ends all connections. NULL is allowed. */
void fault_proxy_free(struct fault_proxy *p);

uint16_t fault_proxy_port(const struct fault_proxy *p);
struct fault_counts fault_proxy_counts(struct fault_proxy *p);

/* From now on for new requests (streams: new connections). Keeps the mode. */
void fault_proxy_set_plan(struct fault_proxy *p, const struct fault_plan *plan);
/* Resets every connection; returns how many there were. */
size_t fault_proxy_cut(struct fault_proxy *p);
/* Nothing moves until it is resumed: connections stay, new ones wait. */
void fault_proxy_pause(struct fault_proxy *p, bool paused);
/* New connections are reset at once until that is taken back. */
void fault_proxy_refuse(struct fault_proxy *p, bool refuse);

#endif
