/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The native channel: the application's calls. */
#include <stdio.h>

#include "channel/native.h"

static struct native_channel *native_of(struct whist_channel *ch)
{
    return (struct native_channel *)(void *)ch;
}

/* ---- Failure of the whole channel ---- */

static whist_status report_failure(struct native_channel *ch, const char *phase,
                                   struct whist_error *err)
{
    pthread_mutex_lock(&ch->lock);
    *err = ch->error;
    pthread_mutex_unlock(&ch->lock);
    if (err->phase[0] == '\0' && phase != NULL) {
        snprintf(err->phase, sizeof err->phase, "%s", phase);
    }
    return err->status;
}

void whist_native_fail(struct native_channel *ch, const struct whist_error *why, bool tell)
{
    int64_t now = whist_now_ms();
    bool first;

    pthread_mutex_lock(&ch->lock);
    first = !atomic_load(&ch->failed);
    if (first) {
        ch->error = *why;
        atomic_store(&ch->failed, true);
    }
    pthread_mutex_unlock(&ch->lock);
    for (size_t i = 0; first && i < ch->base.n; i++) {
        struct native_link *l = &ch->link[i];
        if (i == ch->base.me) {
            continue;
        }
        pthread_mutex_lock(&l->lock);
        if (tell) {
            whist_delivery_abort(l->d, now, why);
        } else {
            whist_delivery_fail(l->d, now, why);
        }
        pthread_cond_broadcast(&l->arrived);
        pthread_cond_broadcast(&l->changed);
        whist_link_update(l, now);
        whist_link_unlock(l);
    }
}

static void native_abort(struct whist_channel *base, const struct whist_error *why)
{
    whist_native_fail(native_of(base), why, true);
}

/* ---- Waiting ---- */

/* A wait for a peer: until when, and when it is reported. */
struct wait {
    int64_t began_ms, deadline_ms, report_ms;
};

static struct wait begin_wait(const struct native_channel *ch, int64_t now, int64_t deadline_ms)
{
    return (struct wait){now, deadline_ms, now + ch->stall_ms};
}

/* Waits for a signal; false at the deadline. Says after a while what is going on. */
static bool wait_on(struct native_link *l, pthread_cond_t *cond, struct wait *w, const char *call,
                    const char *phase)
{
    int64_t until = w->deadline_ms < w->report_ms ? w->deadline_ms : w->report_ms;
    char text[700];

    if (whist_cond_wait(cond, &l->lock, until)) {
        return true;
    }
    int64_t now = whist_now_ms();
    if (now >= w->report_ms) {
        w->report_ms = now + l->ch->stall_ms;
        whist_delivery_describe(l->d, now, text, sizeof text);
        whist_logf(&l->ch->log, WHIST_LOG_WARN,
                   "http: session %s: party %zu waits since %lld ms in %s (phase %s): %s",
                   l->ch->session_text, l->ch->base.me, (long long)(now - w->began_ms), call, phase,
                   text);
    }
    return now < w->deadline_ms;
}

/* ---- Sending ---- */

static whist_status window_full(struct native_link *l, const struct wait *w, const char *phase,
                                struct whist_error *err)
{
    struct delivery_stats stats;
    char text[300];

    whist_delivery_stats(l->d, &stats);
    int64_t now = whist_now_ms();
    return whist_fail(err, WHIST_ERR_WINDOW_FULL, (int)l->peer, phase,
                      "party %zu (%s) did not take what is queued for it (%zu bytes) within %lld "
                      "ms; is it receiving? %s",
                      l->peer, l->url_text, stats.outbox_now, (long long)(now - w->began_ms),
                      whist_delivery_describe(l->d, now, text, sizeof text));
}

static whist_status send_locked(struct native_link *l, struct whist_buffer *msg, const char *phase,
                                int64_t deadline_ms, struct whist_error *err)
{
    struct native_channel *ch = l->ch;
    int64_t now = whist_now_ms();
    struct wait w = begin_wait(ch, now, deadline_ms);
    whist_status st = atomic_load(&ch->failed) ? report_failure(ch, phase, err)
                                               : whist_delivery_send(l->d, now, msg, phase, err);

    for (bool in_time = true; st == WHIST_ERR_WINDOW_FULL; now = whist_now_ms()) {
        if (!in_time) {
            return window_full(l, &w, phase, err);
        }
        whist_link_update(l, now);
        l->n_senders++;
        in_time =
            whist_delivery_writable(l->d, msg->len) || wait_on(l, &l->changed, &w, "send", phase);
        l->n_senders--;
        st = atomic_load(&ch->failed) ? report_failure(ch, phase, err)
                                      : whist_delivery_send(l->d, now, msg, phase, err);
    }
    if (st == WHIST_OK && whist_delivery_wants_post(l->d, now)) {
        whist_link_update(l, now);
    }
    return st;
}

static whist_status native_send(struct whist_channel *base, size_t to, struct whist_buffer *msg,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct native_link *l = &native_of(base)->link[to];

    pthread_mutex_lock(&l->lock);
    whist_status st = send_locked(l, msg, phase, deadline_ms, err);
    whist_link_unlock(l);
    whist_buffer_clear(msg);
    return st;
}

/* ---- Receiving ---- */

static whist_status take(struct native_link *l, int64_t now, struct whist_buffer *msg_out,
                         const char *phase, struct whist_error *err)
{
    return atomic_load(&l->ch->failed) ? report_failure(l->ch, phase, err)
                                       : whist_delivery_take(l->d, now, msg_out, phase, err);
}

static whist_status timed_out(struct native_link *l, const struct wait *w, const char *phase,
                              struct whist_error *err)
{
    char text[400];
    int64_t now = whist_now_ms();

    return whist_fail(err, WHIST_ERR_TIMEOUT, (int)l->peer, phase,
                      "no message from party %zu (%s) for %lld ms; %s", l->peer, l->url_text,
                      (long long)(now - w->began_ms),
                      whist_delivery_describe(l->d, now, text, sizeof text));
}

static whist_status wait_for_message(struct native_link *l, int64_t now,
                                     struct whist_buffer *msg_out, const char *phase,
                                     int64_t deadline_ms, struct whist_error *err)
{
    struct wait w = begin_wait(l->ch, now, deadline_ms);
    whist_status st;

    whist_delivery_wait_begin(l->d, now, phase);
    l->n_receivers++;
    whist_link_update(l, now); /* whoever waits has sent what there was to send */
    for (bool in_time = true;;) {
        now = whist_now_ms();
        st = take(l, now, msg_out, phase, err);
        if (st != WHIST_ERR_TIMEOUT) {
            break;
        }
        if (!in_time || now >= deadline_ms) {
            st = timed_out(l, &w, phase, err);
            break;
        }
        in_time = wait_on(l, &l->arrived, &w, "receive", phase);
    }
    l->n_receivers--;
    whist_delivery_wait_end(l->d, now);
    return st;
}

static whist_status native_recv(struct whist_channel *base, size_t from,
                                struct whist_buffer *msg_out, const char *phase,
                                int64_t deadline_ms, struct whist_error *err)
{
    struct native_link *l = &native_of(base)->link[from];
    int64_t now = whist_now_ms();

    pthread_mutex_lock(&l->lock);
    whist_status st = take(l, now, msg_out, phase, err);
    if (st == WHIST_ERR_TIMEOUT) {
        st = wait_for_message(l, now, msg_out, phase, deadline_ms, err);
    }
    if (l->n_receivers != 0 && whist_delivery_readable(l->d)) {
        pthread_cond_signal(&l->arrived); /* for the next one */
    }
    if (whist_delivery_wants_post(l->d, now)) {
        whist_link_update(l, now); /* there is room for the peer */
    }
    whist_link_unlock(l);
    return st;
}

/* ---- Closing ---- */

static whist_status wait_done(struct native_link *l, int64_t until_ms, struct whist_error *err)
{
    whist_status st = WHIST_OK;

    pthread_mutex_lock(&l->lock);
    while (!whist_delivery_done(l->d, &st, err)) {
        if (!whist_cond_wait(&l->changed, &l->lock, until_ms) &&
            !whist_delivery_done(l->d, &st, err)) {
            st = whist_fail(err, WHIST_ERR_TIMEOUT, (int)l->peer, NULL,
                            "party %zu (%s) did not come to its end", l->peer, l->url_text);
            break;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return st;
}

static int64_t add_ms(int64_t a, int64_t b)
{
    return a > INT64_MAX - b ? INT64_MAX : a + b;
}

static whist_status close_links(struct native_channel *ch, int64_t deadline_ms,
                                struct whist_error *err)
{
    int64_t now = whist_now_ms();
    struct whist_error other;
    whist_status st = WHIST_OK;

    for (size_t i = 0; i < ch->base.n; i++) {
        struct native_link *l = &ch->link[i];
        if (i == ch->base.me) {
            continue;
        }
        pthread_mutex_lock(&l->lock);
        whist_delivery_close(l->d, now, deadline_ms);
        pthread_cond_broadcast(&l->arrived);
        pthread_cond_broadcast(&l->changed);
        whist_link_update(l, now);
        whist_link_unlock(l);
    }
    for (size_t i = 0; i < ch->base.n; i++) {
        if (i != ch->base.me) {
            /* The machines keep to the deadline; the rest is for a thread that is slow. */
            whist_status one = wait_done(&ch->link[i], add_ms(deadline_ms, ch->linger_ms + 1000),
                                         st == WHIST_OK ? err : &other);
            st = st == WHIST_OK ? one : st;
        }
    }
    return st;
}

static whist_status native_close(struct whist_channel *base, int64_t deadline_ms,
                                 struct whist_error *err)
{
    struct native_channel *ch = native_of(base);
    bool again;

    if (atomic_load(&ch->failed)) {
        return report_failure(ch, NULL, err);
    }
    pthread_mutex_lock(&ch->lock);
    again = ch->closing;
    ch->closing = true;
    pthread_mutex_unlock(&ch->lock);
    if (again) {
        return whist_fail(err, WHIST_ERR_CLOSED, WHIST_NO_PEER, NULL, "the channel is closed");
    }
    whist_status st = close_links(ch, deadline_ms, err);
    return st != WHIST_OK && atomic_load(&ch->failed) ? report_failure(ch, NULL, err) : st;
}

const struct whist_channel_ops whist_native_ops = {
    .name = "http",
    .send = native_send,
    .recv = native_recv,
    .abort = native_abort,
    .close = native_close,
    .free = whist_native_free,
};
