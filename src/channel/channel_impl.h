/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a transport or decorator implements. Wrappers in channel.c check preconditions first. */
#ifndef WHIST_CHANNEL_IMPL_H
#define WHIST_CHANNEL_IMPL_H

#include <whist/channel.h>

#include "core/core.h"

/* Called for every message as it arrives, before it is queued, on whatever thread delivers it.
 * Returns true if it consumed the message (msg is then empty). Must not block. */
typedef bool (*whist_arrival_hook)(void *ctx, size_t from, struct whist_buffer *msg);

/* Messages up to this length, in bytes, go through send_view. */
#define WHIST_VIEW_MAX ((size_t)4096)

/* All operations may be called from several threads at once (free excepted). The wrappers pass
 * valid indices, a phase of at most WHIST_MAX_PHASE printable bytes, an absolute deadline (never
 * WHIST_DEADLINE_DEFAULT), an empty msg_out and an err that is not NULL. */
struct whist_channel_ops {
    const char *name; /* for logs: "memory", "http", "faulty" */
    /* Takes the contents of msg, also on error. */
    whist_status (*send)(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                         const char *phase, int64_t deadline_ms, struct whist_error *err);
    /* Optional: the same for a message that is borrowed, if it is short; NULL otherwise. */
    whist_status (*send_view)(struct whist_channel *ch, size_t to, struct whist_bytes msg,
                              const char *phase, int64_t deadline_ms, struct whist_error *err);
    /* Optional: what can be done at once, with nothing else to see to; false: `send_view` or `recv`
     * says why not. For many short messages, which cost little more than these calls. */
    bool (*try_send)(struct whist_channel *ch, size_t to, struct whist_bytes msg,
                     const char *phase);
    bool (*try_recv)(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                     const char *phase);
    whist_status (*recv)(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                         const char *phase, int64_t deadline_ms, struct whist_error *err);
    void (*abort)(struct whist_channel *ch, const struct whist_error *why);
    whist_status (*close)(struct whist_channel *ch, int64_t deadline_ms, struct whist_error *err);
    /* Transports without phases only: see whist_arrival_hook. NULL otherwise. */
    void (*set_arrival_hook)(struct whist_channel *ch, whist_arrival_hook hook, void *ctx);
    void (*free)(struct whist_channel *ch);
    /* Transports without phases only: as abort, but every peer is still sent the message `last` (at
     * most 512 bytes, borrowed during the call), ahead of what is queued for it, which is dropped.
     * Does not block; free gives it WHIST_ABORT_LINGER_MS (inbox.h) to go out. This is how an
     * envelope tells the peers. NULL otherwise. */
    void (*abort_with)(struct whist_channel *ch, const struct whist_error *why,
                       struct whist_bytes last);
    /* Optional: a statistics decorator above, whose counts the transport may show
     * (whist_channel_stats) until it is called again with NULL. NULL otherwise. */
    void (*set_counts)(struct whist_channel *ch, const struct whist_channel *counts);
};

struct whist_channel {
    const struct whist_channel_ops *ops;
    size_t n, me;
    int64_t timeout_ms; /* for WHIST_DEADLINE_DEFAULT */
    size_t max_message; /* longest message, in bytes */
    bool framed;        /* knows phases and carries aborts */
};

#endif
