/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/decorator.h"

static struct whist_channel *inner_of(struct whist_channel *ch)
{
    return ((struct decorator *)ch)->inner;
}

void *whist_decorator_new(size_t size, const struct whist_channel_ops *ops,
                          struct whist_channel *inner, struct whist_error *err)
{
    WHIST_REQUIRE(inner != NULL);
    struct decorator *d = whist_zalloc(1, size);
    if (d == NULL) {
        whist_channel_free(inner);
        (void)whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for a %s channel",
                         ops->name);
        return NULL;
    }
    d->base = *inner;
    d->base.ops = ops;
    d->inner = inner;
    return d;
}

void whist_decorator_free(struct decorator *d)
{
    whist_channel_free(d->inner);
    whist_free(d);
}

whist_status whist_pass_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                             const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    return whist_channel_send_owned(inner_of(ch), to, msg, phase, deadline_ms, err);
}

whist_status whist_pass_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                             const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    return whist_channel_recv(inner_of(ch), from, msg_out, phase, deadline_ms, err);
}

void whist_pass_abort(struct whist_channel *ch, const struct whist_error *why)
{
    whist_channel_abort(inner_of(ch), why);
}

whist_status whist_pass_close(struct whist_channel *ch, int64_t deadline_ms,
                              struct whist_error *err)
{
    return whist_channel_close(inner_of(ch), deadline_ms, err);
}

void whist_pass_set_arrival_hook(struct whist_channel *ch, whist_arrival_hook hook, void *ctx)
{
    struct whist_channel *inner = inner_of(ch);
    if (inner->ops->set_arrival_hook != NULL) {
        inner->ops->set_arrival_hook(inner, hook, ctx);
    }
}

void whist_channel_set_counts(struct whist_channel *ch, const struct whist_channel *counts)
{
    if (ch->ops->set_counts != NULL) {
        ch->ops->set_counts(ch, counts);
    }
}

void whist_pass_set_counts(struct whist_channel *ch, const struct whist_channel *counts)
{
    whist_channel_set_counts(inner_of(ch), counts);
}

void whist_channel_abort_with(struct whist_channel *ch, const struct whist_error *why,
                              struct whist_bytes last, const char *phase)
{
    if (ch->ops->abort_with != NULL) {
        ch->ops->abort_with(ch, why, last);
        return;
    }
    for (size_t i = 0; i < ch->n; i++) {
        if (i != ch->me) {
            whist_status ignored = whist_channel_send(ch, i, last, phase, LONG_AGO_MS, NULL);
            (void)ignored;
        }
    }
    whist_channel_abort(ch, why);
}

void whist_pass_abort_with(struct whist_channel *ch, const struct whist_error *why,
                           struct whist_bytes last)
{
    whist_channel_abort_with(inner_of(ch), why, last, "abort");
}
