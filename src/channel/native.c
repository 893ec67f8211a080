/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The native channel: the application's calls. */
#include <stdio.h>

#include "channel/native.h"

/* How long a sender that is ahead waits, at most, in milliseconds. */
#define PACE_MS 2
/* With so much to send, one message after another, the I/O thread writes while the sender goes on.
 */
#define BULK_BYTES ((size_t)65536)

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
        l->wake_all = true;
        whist_link_update(l, now);
        whist_link_unlock(l);
    }
}

static void native_abort(struct whist_channel *base, const struct whist_error *why)
{
    whist_native_fail(native_of(base), why, true);
}

/* ---- Waiting ---- */

/* The time for the machine, which never goes back: coarse where it does not matter. */
static int64_t link_now(struct native_link *l, bool exact)
{
    int64_t now = exact ? whist_now_ms() : whist_coarse_ms();

    l->now_ms = now > l->now_ms ? now : l->now_ms;
    return l->now_ms;
}

/* A wait for a peer: until when, and when it is reported. */
struct wait {
    int64_t began_ms, deadline_ms, report_ms;
};

static struct wait begin_wait(const struct native_channel *ch, int64_t now, int64_t deadline_ms)
{
    return (struct wait){now, deadline_ms, now + ch->stall_ms};
}

/* Waits for a signal; false at the deadline. Says after a while what is going on. */
static bool wait_on(struct native_link *l, struct waitq *q, struct wait *w, const char *call,
                    const char *phase)
{
    int64_t until = w->deadline_ms < w->report_ms ? w->deadline_ms : w->report_ms;
    char text[700];

    if (whist_waitq_wait(q, &l->lock, until)) {
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

/* What is to be sent: owned or borrowed. */
struct outgoing {
    struct whist_buffer *owned; /* NULL: view */
    struct whist_bytes view;
};

static whist_status try_send(struct native_link *l, int64_t now, const struct outgoing *m,
                             const char *phase, struct whist_error *err)
{
    if (atomic_load(&l->ch->failed)) {
        return report_failure(l->ch, phase, err);
    }
    return m->owned != NULL ? whist_delivery_send(l->d, now, m->owned, phase, err)
                            : whist_delivery_send_view(l->d, now, m->view, phase, err);
}

static bool native_try_send(struct whist_channel *base, size_t to, struct whist_bytes msg,
                            const char *phase)
{
    struct native_link *l = &native_of(base)->link[to];

    pthread_mutex_lock(&l->lock);
    bool done = !atomic_load_explicit(&l->ch->failed, memory_order_relaxed) &&
                whist_delivery_share(l->d, msg, phase);
    pthread_mutex_unlock(&l->lock);
    return done;
}

/* The outbox is full. */
static whist_status send_later(struct native_link *l, const struct outgoing *m, const char *phase,
                               int64_t deadline_ms, struct whist_error *err)
{
    int64_t now = link_now(l, true);
    struct wait w = begin_wait(l->ch, now, deadline_ms);
    size_t len = m->owned != NULL ? m->owned->len : m->view.len;
    whist_status st = WHIST_ERR_WINDOW_FULL;

    for (bool in_time = true; st == WHIST_ERR_WINDOW_FULL; now = link_now(l, true)) {
        if (!in_time) {
            return window_full(l, &w, phase, err);
        }
        whist_link_update(l, now);
        if (!whist_delivery_writable(l->d, len)) {
            l->least = len < l->least ? len : l->least;
            whist_http_loop_unpark(&l->ch->ep->loop);
            in_time = wait_on(l, &l->changed, &w, "send", phase);
            l->least = l->changed.waiting == 0 ? SIZE_MAX : l->least;
        }
        st = try_send(l, now, m, phase, err);
    }
    return st;
}

/* Without the lock, after a message was queued. */
static void pace(struct native_link *l)
{
    pthread_mutex_lock(&l->lock);
    if (whist_delivery_outbox(l->d) > PACE_LOW) {
        (void)whist_waitq_wait(&l->paced, &l->lock, whist_now_ms() + PACE_MS);
    }
    pthread_mutex_unlock(&l->lock);
}

/* Ahead of a peer that has taken something since it was asked last. */
static bool is_ahead(struct native_link *l)
{
    uint64_t acked = whist_delivery_acked(l->d);
    bool ahead = whist_delivery_outbox(l->d) > PACE_HIGH && acked != l->paced_at;

    l->paced_at = ahead ? acked : l->paced_at;
    return ahead;
}

static whist_status send_one(struct whist_channel *base, size_t to, const struct outgoing *m,
                             const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct native_link *l = &native_of(base)->link[to];

    pthread_mutex_lock(&l->lock);
    int64_t now = link_now(l, false);
    whist_status st = try_send(l, now, m, phase, err);
    if (st == WHIST_ERR_WINDOW_FULL) {
        st = send_later(l, m, phase, deadline_ms, err);
    }
    if (st == WHIST_OK && !l->crowded && whist_delivery_wants_post(l->d, now)) {
        bool stream = !l->turn || whist_delivery_flying(l->d) != 0;
        if (stream && whist_delivery_outbox(l->d) > BULK_BYTES) {
            atomic_store(&l->dirty, true);
            whist_http_wake(&l->ch->ep->loop);
        } else {
            whist_link_update(l, link_now(l, true));
        }
    }
    l->turn = false;
    bool ahead = st == WHIST_OK && is_ahead(l);
    whist_link_unlock(l);
    if (ahead) {
        pace(l);
    }
    return st;
}

static whist_status native_send(struct whist_channel *base, size_t to, struct whist_buffer *msg,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    const struct outgoing m = {.owned = msg};
    whist_status st = send_one(base, to, &m, phase, deadline_ms, err);

    whist_buffer_clear(msg);
    return st;
}

static whist_status native_send_view(struct whist_channel *base, size_t to, struct whist_bytes msg,
                                     const char *phase, int64_t deadline_ms,
                                     struct whist_error *err)
{
    const struct outgoing m = {.view = msg};

    return send_one(base, to, &m, phase, deadline_ms, err);
}

/* ---- Receiving ---- */

/* A parcel that is in hand is read with its own lock alone, which the I/O thread does not know. */
static bool may_read_hand(const struct native_link *l)
{
    return l->hand != NULL && !atomic_load_explicit(&l->ch->failed, memory_order_relaxed) &&
           !atomic_load_explicit(&l->ch->closing, memory_order_relaxed);
}

static bool native_try_recv(struct whist_channel *base, size_t from, struct whist_buffer *msg_out,
                            const char *phase)
{
    struct native_link *l = &native_of(base)->link[from];

    pthread_mutex_lock(&l->hand_lock);
    bool done = may_read_hand(l) && whist_parcel_take(&l->hand, msg_out, phase) == WHIST_OK;
    pthread_mutex_unlock(&l->hand_lock);
    return done;
}

/* With both locks. */
static whist_status take(struct native_link *l, int64_t now, struct whist_buffer *msg_out,
                         const char *phase, struct whist_error *err)
{
    if (atomic_load(&l->ch->failed)) {
        return report_failure(l->ch, phase, err);
    }
    if (l->hand == NULL) {
        l->hand = whist_delivery_take_parcel(l->d);
    }
    if (l->hand == NULL) {
        return whist_delivery_take(l->d, now, msg_out, phase, err);
    }
    return may_read_hand(l)
               ? whist_delivery_take_from(l->d, now, &l->hand, msg_out, phase, err)
               : whist_fail(err, WHIST_ERR_CLOSED, (int)l->peer, phase, "the channel is closed");
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

/* How long a receiver stays a guest of the loop for one message, in milliseconds. */
#define GUEST_MS 5

/* Where messages come one at a time, the thread that waits for one takes the turns of the loop: so
 * it need not be woken. True after a turn; false if that is not the way to wait now. */
static bool be_guest(struct native_link *l, int64_t began_ms, int64_t deadline_ms)
{
    int64_t until = began_ms + GUEST_MS < deadline_ms ? began_ms + GUEST_MS : deadline_ms;
    bool done;

    if (!l->lone || l->guest || l->arrived.waiting != 0 || !l->ch->own_endpoint ||
        whist_now_ms() >= until) {
        return false;
    }
    l->guest = true;
    l->guest_thread = pthread_self();
    whist_link_unlock(l);
    done = whist_http_loop_guest(&l->ch->ep->loop, until);
    pthread_mutex_lock(&l->lock);
    l->guest = false;
    return done;
}

/* In this order, so that whoever waits longest does not pass what is in another's hand. */
static void lock_to_receive(struct native_link *l)
{
    pthread_mutex_lock(&l->hand_lock);
    pthread_mutex_lock(&l->lock);
}

static whist_status wait_for_message(struct native_link *l, struct whist_buffer *msg_out,
                                     const char *phase, int64_t deadline_ms,
                                     struct whist_error *err)
{
    int64_t now = link_now(l, true);
    struct wait w = begin_wait(l->ch, now, deadline_ms);
    whist_status st;

    whist_delivery_wait_begin(l->d, now, phase);
    whist_link_update(l, now); /* whoever waits has sent what there was to send */
    for (bool in_time = true;;) {
        now = link_now(l, true);
        st = take(l, now, msg_out, phase, err);
        if (st != WHIST_ERR_TIMEOUT) {
            break;
        }
        if (!in_time || now >= deadline_ms) {
            st = timed_out(l, &w, phase, err);
            break;
        }
        pthread_mutex_unlock(&l->hand_lock);
        if (!be_guest(l, w.began_ms, deadline_ms)) {
            whist_http_loop_unpark(&l->ch->ep->loop);
            in_time = wait_on(l, &l->arrived, &w, "receive", phase);
        }
        pthread_mutex_unlock(&l->lock);
        lock_to_receive(l);
    }
    whist_delivery_wait_end(l->d, now);
    return st;
}

static whist_status native_recv(struct whist_channel *base, size_t from,
                                struct whist_buffer *msg_out, const char *phase,
                                int64_t deadline_ms, struct whist_error *err)
{
    struct native_link *l = &native_of(base)->link[from];

    lock_to_receive(l);
    int64_t now = link_now(l, false);
    whist_status st = take(l, now, msg_out, phase, err);
    if (st == WHIST_ERR_TIMEOUT) {
        st = wait_for_message(l, msg_out, phase, deadline_ms, err);
    }
    l->turn = true;
    bool more = l->hand != NULL || whist_delivery_readable(l->d);
    l->wake_receiver = l->arrived.waiting != 0 && more; /* the next one */
    if (!l->crowded && whist_delivery_wants_post(l->d, now)) {
        whist_link_update(l, link_now(l, true)); /* there is room for the peer */
    }
    whist_link_unlock(l);
    pthread_mutex_unlock(&l->hand_lock);
    return st;
}

/* ---- Closing ---- */

static whist_status wait_done(struct native_link *l, int64_t until_ms, struct whist_error *err)
{
    whist_status st = WHIST_OK;

    pthread_mutex_lock(&l->lock);
    while (!whist_delivery_done(l->d, &st, err)) {
        if (!whist_waitq_wait(&l->changed, &l->lock, until_ms) &&
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
        l->wake_all = true;
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
    again = atomic_exchange(&ch->closing, true);
    if (again) {
        return whist_fail(err, WHIST_ERR_CLOSED, WHIST_NO_PEER, NULL, "the channel is closed");
    }
    whist_status st = close_links(ch, deadline_ms, err);
    return st != WHIST_OK && atomic_load(&ch->failed) ? report_failure(ch, NULL, err) : st;
}

static void native_set_counts(struct whist_channel *base, const struct whist_channel *counts)
{
    struct native_channel *ch = (struct native_channel *)base;

    pthread_mutex_lock(&ch->lock);
    ch->counts = counts;
    pthread_mutex_unlock(&ch->lock);
}

const struct whist_channel_ops whist_native_ops = {
    .name = "http",
    .send = native_send,
    .send_view = native_send_view,
    .try_send = native_try_send,
    .try_recv = native_try_recv,
    .recv = native_recv,
    .abort = native_abort,
    .close = native_close,
    .free = whist_native_free,
    .set_counts = native_set_counts,
};
