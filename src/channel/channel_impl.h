/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a transport or decorator implements. Wrappers in channel.c check preconditions first. */
#ifndef WHIST_CHANNEL_IMPL_H
#define WHIST_CHANNEL_IMPL_H

#include <whist/channel.h>

#include "core/core.h"

/* Called for every message as it arrives, before it is queued, on whatever thread delivers it. Returns
 * true if it consumed the message (msg is then empty). Must not block. */
typedef bool (*whist_arrival_hook)(void *ctx, size_t from, struct whist_buffer *msg);

struct whist_channel_ops {
    const char *name; /* for logs: "memory", "http", "faulty" */
    /* Takes the contents of msg, also on error. */
    whist_status (*send)(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                         const char *phase, int64_t deadline_ms, struct whist_error *err);
    whist_status (*recv)(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                         const char *phase, int64_t deadline_ms, struct whist_error *err);
    void (*abort)(struct whist_channel *ch, const struct whist_error *why);
    whist_status (*close)(struct whist_channel *ch, int64_t deadline_ms, struct whist_error *err);
    /* Transports without phases only: see whist_arrival_hook. NULL otherwise. */
    void (*set_arrival_hook)(struct whist_channel *ch, whist_arrival_hook hook, void *ctx);
    void (*free)(struct whist_channel *ch);
};

struct whist_channel {
    const struct whist_channel_ops *ops;
    size_t n, me;
    int64_t timeout_ms; /* for WHIST_DEADLINE_DEFAULT */
    size_t max_message; /* longest message, in bytes */
    bool framed;        /* knows phases and carries aborts */
};

#endif
