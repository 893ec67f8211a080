/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native channels of one process, each of them reached through a fault proxy of its own. */
#ifndef WHIST_TEST_NATIVE_NET_H
#define WHIST_TEST_NATIVE_NET_H

#include "channel/native.h"
#include "fault_proxy.h"

struct native_net {
    size_t n;
    struct whist_channel *ch[WHIST_MAX_PARTIES];
    struct fault_proxy *proxy[WHIST_MAX_PARTIES]; /* in front of party i */
    uint16_t port[WHIST_MAX_PARTIES];             /* on which party i really listens */
    int spare[WHIST_MAX_PARTIES]; /* the same listening sockets: a party can come again */
    struct whist_http_options options;
    char url[WHIST_MAX_PARTIES][40];
    const char *urls[WHIST_MAX_PARTIES];
};

/* base: options without n, me and urls; NULL: defaults. plan: of all proxies, each with a seed of
 * its own; NULL: no faults. Must succeed. */
void native_net_make(struct native_net *net, size_t n, const struct whist_http_options *base,
                     const struct fault_plan *plan);
/* A channel for party i, which has none (any more). */
void native_net_join(struct native_net *net, size_t i);
/* Frees the channels that are left. */
void native_net_free_channels(struct native_net *net);
/* The same, and the proxies. */
void native_net_free(struct native_net *net);

/* Closes all channels at once, which must succeed. */
void native_net_close(struct native_net *net);

#endif
