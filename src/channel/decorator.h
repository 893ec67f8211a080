/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What decorators share: the channel that they wrap and own, and operations that only pass on. */
#ifndef WHIST_DECORATOR_H
#define WHIST_DECORATOR_H

#include "channel/channel_impl.h"

/* A deadline that has passed: do not wait. */
#define LONG_AGO_MS 1

/* First member of every decorator. */
struct decorator {
    struct whist_channel base;
    struct whist_channel *inner; /* owned */
};

/* A zeroed decorator of `size` bytes (which starts with a struct decorator) around inner, with
 * inner's parties, limits and timeout. Takes inner, also on error: then inner is freed, NULL
 * returned and *err filled. */
void *whist_decorator_new(size_t size, const struct whist_channel_ops *ops,
                          struct whist_channel *inner, struct whist_error *err);

/* Frees the decorator's memory and what it wraps. */
void whist_decorator_free(struct decorator *d);

/* Operations that a table may name. */
whist_status whist_pass_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                             const char *phase, int64_t deadline_ms, struct whist_error *err);
whist_status whist_pass_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                             const char *phase, int64_t deadline_ms, struct whist_error *err);
void whist_pass_abort(struct whist_channel *ch, const struct whist_error *why);
whist_status whist_pass_close(struct whist_channel *ch, int64_t deadline_ms,
                              struct whist_error *err);
void whist_pass_set_arrival_hook(struct whist_channel *ch, whist_arrival_hook hook, void *ctx);
void whist_pass_abort_with(struct whist_channel *ch, const struct whist_error *why,
                           struct whist_bytes last);
void whist_pass_set_counts(struct whist_channel *ch, const struct whist_channel *counts);

/* set_counts of any channel: nothing where the transport shows none. */
void whist_channel_set_counts(struct whist_channel *ch, const struct whist_channel *counts);

/* abort_with of any channel: where the transport has none, `last` is queued as a usual message if
 * that is possible without waiting. */
void whist_channel_abort_with(struct whist_channel *ch, const struct whist_error *why,
                              struct whist_bytes last, const char *phase);

#endif
