/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One end of a link between two processes, of any kind. */
#ifndef WHIST_CLI_BENCH_LINK_H
#define WHIST_CLI_BENCH_LINK_H

#include "bench.h"
#include "bench_tcp.h"
#include "procs.h"

#include <whist/identity.h>

/* What both processes must know; made before they are. */
struct link_place {
    enum link_kind kind;
    struct tcp_listener listener;
    struct tls_pair *tls;                 /* LINK_TCP_TLS */
    struct whist_identity *identities[2]; /* LINK_HTTPS */
    char pins[2][WHIST_PIN_TEXT];
    struct whist_party_trust trust[2];
    char https[2][48];
    const char *https_urls[2];
    struct loopback_urls found;
    const char *const *urls; /* where the parties are reached */
    const char *listen[2];   /* where they listen, NULL: by the URL */
};

whist_status link_place_new(struct link_place *out, const struct contest *contest,
                            enum link_kind kind, struct whist_error *err);
void link_place_clear(struct link_place *place);

/* The options of the channel for a kind of link, but for the parties. */
void link_http_options(struct whist_http_options *out, enum link_kind kind);

struct link {
    struct tcp_link *tcp;          /* LINK_TCP… */
    struct whist_channel *channel; /* LINK_HTTP… */
    size_t peer;
    struct whist_buffer message; /* the last one received */
    struct tcp_message *tcp_message;
};

whist_status link_open(struct link *l, const struct link_place *place, size_t me,
                       struct whist_error *err);
whist_status link_send(struct link *l, const void *data, size_t len, struct whist_error *err);
/* The view is valid until the next call. */
whist_status link_recv(struct link *l, struct whist_bytes *out, struct whist_error *err);
/* Flushes and frees. */
whist_status link_close(struct link *l, struct whist_error *err);

#endif
