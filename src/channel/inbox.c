/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/inbox.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

/* Longest wait of one call to the system, so that no deadline overflows its types. */
#define LONGEST_WAIT_MS ((int64_t)1000 * 3600 * 24)

bool whist_cond_init(pthread_cond_t *cond)
{
#ifdef __APPLE__ /* has relative waits instead of a choice of clocks */
    return pthread_cond_init(cond, NULL) == 0;
#else
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0) {
        return false;
    }
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
#endif
}

bool whist_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms)
{
    int64_t now = whist_now_ms();
    if (deadline_ms <= now) {
        return false;
    }
    int64_t wait = deadline_ms - now < LONGEST_WAIT_MS ? deadline_ms - now : LONGEST_WAIT_MS;
#ifdef __APPLE__
    struct timespec ts = {(time_t)(wait / 1000), (long)(wait % 1000 * 1000000)};
    (void)pthread_cond_timedwait_relative_np(cond, lock, &ts);
#else
    int64_t until = now + wait - 1; /* whist_now_ms() is one more than the clock */
    struct timespec ts = {(time_t)(until / 1000), (long)(until % 1000 * 1000000)};
    (void)pthread_cond_timedwait(cond, lock, &ts);
#endif
    return whist_now_ms() < deadline_ms;
}

static void drop_messages(struct inbox_message *m)
{
    while (m != NULL) {
        struct inbox_message *next = m->next;
        whist_buffer_clear(&m->body);
        whist_free(m);
        m = next;
    }
}

static size_t cost_of(const struct inbox_message *m)
{
    return m->body.len + INBOX_MESSAGE_COST;
}

static void append(struct inbox *in, struct inbox_queue *q, struct inbox_message *m)
{
    m->next = NULL;
    *q->tail = m;
    q->tail = &m->next;
    q->bytes += cost_of(m);
    in->bytes_total += cost_of(m);
}

static struct inbox_message *take_head(struct inbox *in, struct inbox_queue *q)
{
    struct inbox_message *m = q->head;
    q->head = m->next;
    if (q->head == NULL) {
        q->tail = &q->head;
    }
    q->bytes -= cost_of(m);
    in->bytes_total -= cost_of(m);
    return m;
}

static void destroy_queues(struct inbox *in, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        drop_messages(in->from[i].head);
        pthread_cond_destroy(&in->from[i].arrived);
    }
    whist_free(in->from);
    in->from = NULL;
}

whist_status whist_inbox_init(struct inbox *in, size_t n, size_t limit_each, size_t limit_total,
                              inbox_space_fn space, void *space_ctx, struct whist_error *err)
{
    size_t ready = 0;
    *in = (struct inbox){.n = n,
                         .limit_each = limit_each,
                         .limit_total = limit_total,
                         .space = space,
                         .space_ctx = space_ctx};
    in->from = whist_zalloc(n, sizeof *in->from);
    if (in->from == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for an inbox");
    }
    for (; ready < n; ready++) {
        in->from[ready].tail = &in->from[ready].head;
        if (!whist_cond_init(&in->from[ready].arrived)) {
            goto fail;
        }
    }
    if (!whist_cond_init(&in->hook_done)) {
        goto fail;
    }
    if (pthread_mutex_init(&in->lock, NULL) != 0) {
        pthread_cond_destroy(&in->hook_done);
        goto fail;
    }
    return WHIST_OK;
fail:
    destroy_queues(in, ready);
    return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL,
                      "the system has no resources for another inbox");
}

void whist_inbox_clear(struct inbox *in)
{
    destroy_queues(in, in->n);
    pthread_cond_destroy(&in->hook_done);
    pthread_mutex_destroy(&in->lock);
    *in = (struct inbox){0};
}

/* ---- Pushing ---- */

/* Shows a message to the hook, if there is one, without the lock (held before and after). */
static bool consumed_by_hook(struct inbox *in, size_t from, struct whist_buffer *msg)
{
    whist_arrival_hook hook = in->hook;
    void *ctx = in->hook_ctx;
    if (hook == NULL) {
        return false;
    }
    in->hooks_running++;
    pthread_mutex_unlock(&in->lock);
    bool consumed = hook(ctx, from, msg);
    pthread_mutex_lock(&in->lock);
    if (--in->hooks_running == 0) {
        pthread_cond_broadcast(&in->hook_done);
    }
    return consumed;
}

static bool has_room(const struct inbox *in, const struct inbox_queue *q, size_t cost)
{
    return q->head == NULL ||
           ((in->limit_each == 0 ||
             (cost <= in->limit_each && q->bytes <= in->limit_each - cost)) &&
            (in->limit_total == 0 ||
             (cost <= in->limit_total && in->bytes_total <= in->limit_total - cost)));
}

static inbox_result push_locked(struct inbox *in, size_t from, struct whist_buffer *msg,
                                const char *phase, bool urgent)
{
    struct inbox_queue *q = &in->from[from];
    if (in->failed || q->failed) {
        return INBOX_FAILED;
    }
    if (consumed_by_hook(in, from, msg)) {
        return INBOX_OK;
    }
    if (in->failed || q->failed) { /* the lock was released */
        return INBOX_FAILED;
    }
    if (!urgent && !has_room(in, q, msg->len + INBOX_MESSAGE_COST)) {
        in->n_starved += !q->starved;
        q->starved = true;
        return INBOX_FULL;
    }
    struct inbox_message *m = whist_zalloc(1, sizeof *m);
    if (m == NULL) {
        return INBOX_NOMEM;
    }
    m->body = *msg;
    *msg = (struct whist_buffer){0};
    snprintf(m->phase, sizeof m->phase, "%s", phase != NULL ? phase : "");
    append(in, q, m);
    pthread_cond_signal(&q->arrived);
    return INBOX_OK;
}

inbox_result whist_inbox_push(struct inbox *in, size_t from, struct whist_buffer *msg,
                              const char *phase)
{
    pthread_mutex_lock(&in->lock);
    inbox_result result = push_locked(in, from, msg, phase, false);
    pthread_mutex_unlock(&in->lock);
    return result;
}

inbox_result whist_inbox_push_urgent(struct inbox *in, size_t from, struct whist_buffer *msg,
                                     const char *phase)
{
    pthread_mutex_lock(&in->lock);
    inbox_result result = push_locked(in, from, msg, phase, true);
    pthread_mutex_unlock(&in->lock);
    return result;
}

/* ---- Taking ---- */

/* Marks which starved senders have room again; bit i for sender i (n ≤ WHIST_MAX_PARTIES = 64). */
static uint64_t senders_with_room(struct inbox *in)
{
    uint64_t set = 0;
    for (size_t i = 0; in->n_starved != 0 && i < in->n; i++) {
        struct inbox_queue *q = &in->from[i];
        if (q->starved && has_room(in, q, INBOX_MESSAGE_COST)) {
            q->starved = false;
            in->n_starved--;
            set |= (uint64_t)1 << i;
        }
    }
    return set;
}

static void announce_space(struct inbox *in, uint64_t senders)
{
    for (size_t i = 0; senders != 0; i++, senders >>= 1) {
        if ((senders & 1) != 0 && in->space != NULL) {
            in->space(in->space_ctx, i);
        }
    }
}

static whist_status stored_error(struct whist_error *err, const struct whist_error *stored,
                                 const char *phase)
{
    if (err != NULL) {
        *err = *stored;
        if (err->phase[0] == '\0' && phase != NULL) {
            snprintf(err->phase, sizeof err->phase, "%s", phase);
        }
    }
    return stored->status;
}

static whist_status take_locked(struct inbox *in, size_t from, struct inbox_message **m_out,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct inbox_queue *q = &in->from[from];
    for (bool waiting = true;; waiting = whist_cond_wait(&q->arrived, &in->lock, deadline_ms)) {
        if (in->failed) {
            return stored_error(err, &in->error, phase);
        }
        if (q->head != NULL) {
            *m_out = take_head(in, q);
            return WHIST_OK;
        }
        if (q->failed) {
            return stored_error(err, &q->error, phase);
        }
        if (!waiting) {
            return whist_fail(
                err, WHIST_ERR_TIMEOUT, (int)from, phase,
                "nothing came from party %zu until the deadline: it is late, stopped, "
                "or itself waits for somebody",
                from);
        }
    }
}

whist_status whist_inbox_take(struct inbox *in, size_t from, struct whist_buffer *msg_out,
                              char *phase_out, const char *phase, int64_t deadline_ms,
                              struct whist_error *err)
{
    struct inbox_message *m = NULL;
    pthread_mutex_lock(&in->lock);
    whist_status st = take_locked(in, from, &m, phase, deadline_ms, err);
    uint64_t with_room = st == WHIST_OK ? senders_with_room(in) : 0;
    pthread_mutex_unlock(&in->lock);
    if (m == NULL) {
        return st;
    }
    announce_space(in, with_room);
    *msg_out = m->body;
    if (phase_out != NULL) {
        memcpy(phase_out, m->phase, sizeof m->phase);
    }
    whist_free(m);
    return WHIST_OK;
}

/* ---- Failing ---- */

bool whist_inbox_fail(struct inbox *in, const struct whist_error *why)
{
    WHIST_REQUIRE(why->status != WHIST_OK);
    pthread_mutex_lock(&in->lock);
    bool first = !in->failed;
    if (first) {
        in->failed = true;
        in->error = *why;
        for (size_t i = 0; i < in->n; i++) {
            pthread_cond_broadcast(&in->from[i].arrived);
        }
    }
    pthread_mutex_unlock(&in->lock);
    return first;
}

bool whist_inbox_fail_peer(struct inbox *in, size_t from, const struct whist_error *why)
{
    struct inbox_queue *q = &in->from[from];
    WHIST_REQUIRE(why->status != WHIST_OK);
    pthread_mutex_lock(&in->lock);
    bool first = !q->failed;
    if (first) {
        q->failed = true;
        q->error = *why;
        pthread_cond_broadcast(&q->arrived);
    }
    pthread_mutex_unlock(&in->lock);
    return first;
}

bool whist_inbox_failed(struct inbox *in, const char *phase, struct whist_error *err)
{
    pthread_mutex_lock(&in->lock);
    bool failed = in->failed;
    if (failed) {
        (void)stored_error(err, &in->error, phase);
    }
    pthread_mutex_unlock(&in->lock);
    return failed;
}

size_t whist_inbox_pending(struct inbox *in, size_t from)
{
    pthread_mutex_lock(&in->lock);
    size_t bytes = in->from[from].bytes;
    pthread_mutex_unlock(&in->lock);
    return bytes;
}

/* ---- Hook ---- */

/* Shows the messages that were queued before the hook came. The list is taken out meanwhile; what
 * arrives then is appended behind it afterwards. */
static void show_queued(struct inbox *in, size_t from)
{
    struct inbox_queue *q = &in->from[from];
    struct inbox_message *old = NULL, **old_tail = &old;
    while (q->head != NULL) {
        *old_tail = take_head(in, q);
        old_tail = &(*old_tail)->next;
    }
    *old_tail = NULL;
    struct inbox_message *kept = NULL, **kept_tail = &kept;
    while (old != NULL) {
        struct inbox_message *m = old;
        old = m->next;
        m->next = NULL;
        if (consumed_by_hook(in, from, &m->body)) {
            drop_messages(m);
        } else {
            *kept_tail = m;
            kept_tail = &m->next;
        }
    }
    *kept_tail = q->head;
    struct inbox_message *all = kept;
    q->head = NULL;
    q->tail = &q->head;
    in->bytes_total -= q->bytes;
    q->bytes = 0;
    while (all != NULL) {
        struct inbox_message *m = all;
        all = m->next;
        append(in, q, m);
    }
}

void whist_inbox_set_hook(struct inbox *in, whist_arrival_hook hook, void *ctx)
{
    pthread_mutex_lock(&in->lock);
    in->hook = hook;
    in->hook_ctx = ctx;
    while (in->hooks_running != 0) {
        pthread_cond_wait(&in->hook_done, &in->lock);
    }
    for (size_t i = 0; hook != NULL && i < in->n; i++) {
        show_queued(in, i);
    }
    pthread_mutex_unlock(&in->lock);
}

/* ---- Aborts ---- */

void whist_make_printable(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        *c = *c >= 0x20 && *c <= 0x7e ? *c : '?';
    }
}

void whist_abort_seen_by_peers(struct whist_error *out, size_t by, const struct whist_error *why)
{
    struct whist_error seen = {.status = WHIST_ERR_ABORTED, .peer = (int)by};
    snprintf(seen.phase, sizeof seen.phase, "%s", why->phase);
    /* The text is cut first, so that a long one never pushes out what stands before it. */
    snprintf(seen.text, sizeof seen.text, "party %zu aborted (%s): %.300s", by,
             whist_status_name(why->status), why->text);
    whist_make_printable(seen.phase);
    whist_make_printable(seen.text);
    *out = seen;
}
