/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the channel is measured against: one TCP connection that carries messages after their length
 * of 4 bytes, in clear or over TLS 1.3 by OpenSSL, with the threads that the channel has: an I/O
 * thread, and the application's, which wait on condition variables. Messages that are queued share
 * writes of up to 64 KiB; each is received as a piece of memory of its own. Nothing is
 * acknowledged, checked or sent again. */
#ifndef WHIST_CLI_BENCH_TCP_H
#define WHIST_CLI_BENCH_TCP_H

#include <netinet/in.h>

#include "cli.h"

/* A listening socket on a free port of 127.0.0.1. */
struct tcp_listener {
    int fd;
    struct sockaddr_in address;
};
whist_status tcp_listen(struct tcp_listener *out, struct whist_error *err);

struct tcp_link;

struct tcp_message {
    struct tcp_message *next;
    size_t len, room;
    uint8_t data[];
};

/* Key and self-signed certificate for both ends; TLS is mutual. */
struct tls_pair;
whist_status tls_pair_new(struct tls_pair **out, struct whist_error *err);
void tls_pair_free(struct tls_pair *pair);

/* One end: server accepts on the listener, the other one connects to it. tls may be NULL: in clear;
 * it is borrowed. */
whist_status tcp_link_new(struct tcp_link **out, const struct tcp_listener *listener, bool server,
                          const struct tls_pair *tls, struct whist_error *err);
/* Copies len bytes to the queue; waits while that is full. */
whist_status tcp_link_send(struct tcp_link *l, const uint8_t *data, size_t len,
                           struct whist_error *err);
/* The next message, to be given back with tcp_link_release. */
whist_status tcp_link_recv(struct tcp_link *l, struct tcp_message **out, struct whist_error *err);
void tcp_link_release(struct tcp_link *l, struct tcp_message *message);
/* Sends what is queued, closes, frees. NULL is allowed. */
void tcp_link_free(struct tcp_link *l);

#endif
