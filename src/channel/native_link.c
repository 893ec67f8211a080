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

static void wake(struct native_link *l)
{
    bool done = whist_delivery_done(l->d, NULL, NULL);

    if (done && !l->done_seen) {
        l->done_seen = true;
        pthread_cond_broadcast(&l->arrived);
        pthread_cond_broadcast(&l->changed);
    }
    if (l->n_receivers != 0 && whist_delivery_readable(l->d)) {
        pthread_cond_signal(&l->arrived);
    }
    if (l->n_senders != 0) {
        pthread_cond_broadcast(&l->changed);
    }
}

void whist_link_update(struct native_link *l, int64_t now)
{
    wake(l);
    whist_client_pump(l, now);
    set_due(l, now);
    wake(l);
}

void whist_link_unlock(struct native_link *l)
{
    const struct whist_error *why = whist_delivery_failure(l->d);
    struct whist_error copy;

    if (why == NULL || l->failure_seen) {
        pthread_mutex_unlock(&l->lock);
        return;
    }
    copy = *why;
    l->failure_seen = true;
    pthread_cond_broadcast(&l->arrived);
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    if (!atomic_load(&l->ch->failed)) {
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
