/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A link: what is to be done after each change of its machine. */
#include "channel/native.h"

/* The I/O thread looks at a link at least this often, in milliseconds: so a thread of the
 * application need not wake it for a deadline that is further away. */
#define LOOK_MS 1000
/* POSTs wait, but there is no connection for them. */
#define CROWDED_MS 50

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void set_due(struct native_link *l, int64_t now)
{
    int64_t due = whist_delivery_next_deadline(l->d);

    if (due <= now && whist_delivery_wants_post(l->d, now)) {
        due = now + CROWDED_MS;
    }
    due = earlier(due, whist_dial_deadline(l));
    due = earlier(due, now + LOOK_MS);
    if (atomic_exchange(&l->due_ms, due) > due) {
        atomic_store(&l->dirty, true);
        whist_http_wake(&l->ch->ep->loop);
    }
}

/* Notes who is to be woken: by whist_link_unlock, since who is woken wants the lock. */
static void note_news(struct native_link *l)
{
    if (!l->done_seen && whist_delivery_done(l->d, NULL, NULL)) {
        l->done_seen = true;
        l->wake_all = true;
    }
    l->wake_receiver = (l->arrived.waiting != 0 || l->guest) && whist_delivery_readable(l->d);
    /* Only when the shortest message fits: those that wait must not wake each other for nothing. */
    l->wake_paced = l->paced.waiting != 0 && whist_delivery_outbox(l->d) <= PACE_LOW;
    l->wake_senders = l->least != SIZE_MAX && whist_delivery_roomy(l->d, l->least);
}

void whist_link_update(struct native_link *l, int64_t now)
{
    whist_client_pump(l, now);
    set_due(l, now);
    note_news(l);
}

/* Releases the lock, then wakes. */
static void unlock(struct native_link *l)
{
    bool all = l->wake_all, receiver = l->wake_receiver, senders = l->wake_senders;
    bool paced = all || l->wake_paced;

    bool guest = l->guest && (all || receiver) && !pthread_equal(l->guest_thread, pthread_self());
    bool waiting = l->arrived.waiting != 0;

    l->wake_all = l->wake_receiver = l->wake_senders = l->wake_paced = false;
    pthread_mutex_unlock(&l->lock);
    if (guest) {
        whist_http_loop_wake_guest(&l->ch->ep->loop);
    }
    if (all) {
        whist_waitq_wake(&l->arrived, true);
    } else if (receiver && waiting) {
        whist_waitq_wake(&l->arrived, false);
    }
    if (paced) {
        whist_waitq_wake(&l->paced, true);
    }
    if (all || senders) {
        whist_waitq_wake(&l->changed, true);
    }
}

void whist_link_unlock(struct native_link *l)
{
    const struct whist_error *why = whist_delivery_failure(l->d);
    struct whist_error copy;

    bool seen = l->failure_seen;

    /* Whoever sees a failure sees to it: also while another thread is about to. */
    if (why == NULL || (seen && atomic_load(&l->ch->failed))) {
        unlock(l);
        return;
    }
    copy = *why;
    l->failure_seen = true;
    l->wake_all = l->wake_all || !seen;
    unlock(l);
    if (!seen && !atomic_load(&l->ch->failed)) {
        whist_logf(&l->ch->log, WHIST_LOG_ERROR, "http: %s", copy.text);
    }
    /* A peer that cannot be reached is the matter of those who need it. Others' aborts reach
     * everybody from where they come. */
    if (copy.status != WHIST_ERR_UNREACHABLE) {
        whist_native_fail(l->ch, &copy, copy.status != WHIST_ERR_ABORTED);
    }
}

void whist_link_visit(struct native_link *l, int64_t now)
{
    uint64_t id;

    pthread_mutex_lock(&l->lock);
    atomic_store(&l->dirty, false);
    whist_client_progress(l, now);
    whist_delivery_tick(l->d, now);
    while (whist_delivery_next_expired(l->d, now, &id)) {
        whist_dial_give_up(l, now, id);
    }
    whist_dial_look(l, now);
    whist_link_update(l, now);
    whist_link_unlock(l);
}
