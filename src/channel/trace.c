/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Trace decorator: one log line for each call, after it returned. Without a listener for the level
 * it only passes on: no clock, no text. */
#include "channel/decorator.h"
#include "channel/inbox.h"

struct trace {
    struct decorator d;
    struct whist_log log;
};

static const struct whist_log *listener(const struct whist_channel *ch)
{
    const struct whist_log *log = &((const struct trace *)ch)->log;
    return log->fn != NULL && log->level >= WHIST_LOG_TRACE ? log : NULL;
}

static long long us_since(int64_t start_ns)
{
    return (long long)((whist_now_ns() - start_ns) / 1000);
}

static whist_status trace_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                               const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    const struct whist_log *log = listener(ch);
    if (log == NULL) {
        return whist_pass_send(ch, to, msg, phase, deadline_ms, err);
    }
    int64_t start = whist_now_ns();
    size_t len = msg->len;
    whist_status st = whist_pass_send(ch, to, msg, phase, deadline_ms, err);
    whist_logf(log, WHIST_LOG_TRACE, "party %zu: send to %zu, phase %s, %zu bytes, %lld us: %s",
               ch->me, to, phase, len, us_since(start), whist_status_name(st));
    return st;
}

static whist_status trace_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                               const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    const struct whist_log *log = listener(ch);
    if (log == NULL) {
        return whist_pass_recv(ch, from, msg_out, phase, deadline_ms, err);
    }
    int64_t start = whist_now_ns();
    whist_status st = whist_pass_recv(ch, from, msg_out, phase, deadline_ms, err);
    whist_logf(log, WHIST_LOG_TRACE, "party %zu: recv from %zu, phase %s, %zu bytes, %lld us: %s",
               ch->me, from, phase, msg_out->len, us_since(start), whist_status_name(st));
    return st;
}

static void trace_abort(struct whist_channel *ch, const struct whist_error *why)
{
    struct whist_error clean = *why;
    whist_make_printable(clean.phase);
    whist_make_printable(clean.text);
    whist_logf(listener(ch), WHIST_LOG_TRACE, "party %zu: abort, phase %s: %s: %s", ch->me,
               clean.phase, whist_status_name(why->status), clean.text);
    whist_pass_abort(ch, why);
}

static whist_status trace_close(struct whist_channel *ch, int64_t deadline_ms,
                                struct whist_error *err)
{
    int64_t start = whist_now_ns();
    whist_status st = whist_pass_close(ch, deadline_ms, err);
    whist_logf(listener(ch), WHIST_LOG_TRACE, "party %zu: close, %lld us: %s", ch->me,
               us_since(start), whist_status_name(st));
    return st;
}

static void trace_free(struct whist_channel *ch)
{
    whist_decorator_free(&((struct trace *)ch)->d);
}

static const struct whist_channel_ops trace_ops = {
    .name = "trace",
    .send = trace_send,
    .recv = trace_recv,
    .abort = trace_abort,
    .close = trace_close,
    .set_arrival_hook = whist_pass_set_arrival_hook,
    .free = trace_free,
    .abort_with = whist_pass_abort_with,
    .set_counts = whist_pass_set_counts,
};

whist_status whist_channel_trace_new(struct whist_channel **channel_out,
                                     struct whist_channel *inner, const struct whist_log *log,
                                     struct whist_error *err)
{
    WHIST_REQUIRE(channel_out != NULL && log != NULL);
    struct trace *t = whist_decorator_new(sizeof *t, &trace_ops, inner, err);
    if (t == NULL) {
        return WHIST_ERR_NOMEM;
    }
    t->log = *log;
    *channel_out = &t->d.base;
    return WHIST_OK;
}
