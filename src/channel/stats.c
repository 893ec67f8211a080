/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Statistics decorator: counts by (phase, peer).
 *
 * Messages and bytes are counted when the call succeeds; bytes are the payload's. The time of every
 * receive, also a failed one, is waiting time.
 *
 * The time from one call's end to the next one's, over all phases and peers, counts for the later
 * call: computing what is sent, or waiting. So the times of all rows sum to the whole run up to its
 * last call.
 *
 * Rounds: a receive that succeeds counts one round for its phase and peer if this party has sent
 * something, to anybody, since the last counted round (or the start). So an exchange with all peers
 * is one round, an echo broadcast two, a stream in one direction none, and the sum over the peers
 * of a phase is the number of times that the phase went from sending to waiting. The definition
 * does not depend on timing: equal runs give equal counts. */
#include <stdio.h>

#include "channel/decorator.h"
#include "channel/inbox.h"

struct counts {
    uint64_t messages_sent, messages_received, bytes_sent, bytes_received, wait_ns, rounds;
    uint64_t time_ns;
};

struct stats_phase {
    struct stats_phase *next; /* in order of first use */
    char name[WHIST_MAX_PHASE + 1];
    struct counts peer[]; /* n */
};

struct stats {
    struct decorator d;
    pthread_mutex_t lock;
    struct stats_phase *first, **end;
    bool sent_since_round;
    int64_t last_ns; /* end of the last call */
};

/* Counts of a phase and peer, made if new; NULL without memory. */
static struct counts *counts_of(struct stats *s, const char *phase, size_t peer,
                                struct whist_error *err)
{
    size_t size = sizeof(struct stats_phase) + s->d.base.n * sizeof(struct counts);
    pthread_mutex_lock(&s->lock);
    struct stats_phase *p = s->first;
    while (p != NULL && strcmp(p->name, phase) != 0) {
        p = p->next;
    }
    if (p == NULL && (p = whist_zalloc(1, size)) != NULL) {
        snprintf(p->name, sizeof p->name, "%s", phase);
        *s->end = p;
        s->end = &p->next;
    }
    pthread_mutex_unlock(&s->lock);
    if (p == NULL) {
        (void)whist_fail(err, WHIST_ERR_NOMEM, (int)peer, phase, "no memory for statistics");
        return NULL;
    }
    return &p->peer[peer];
}

/* Counts the time since the last call for this one. The lock is held. */
static void count_time(struct stats *s, struct counts *c, int64_t now_ns)
{
    if (now_ns > s->last_ns) { /* another thread's call may have ended meanwhile */
        c->time_ns += (uint64_t)(now_ns - s->last_ns);
        s->last_ns = now_ns;
    }
}

static whist_status stats_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                               const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct stats *s = (struct stats *)ch;
    size_t len = msg->len;
    struct counts *c = counts_of(s, phase, to, err);
    if (c == NULL) {
        return WHIST_ERR_NOMEM;
    }
    TRY(whist_pass_send(ch, to, msg, phase, deadline_ms, err));
    int64_t now = whist_now_ns();
    pthread_mutex_lock(&s->lock);
    count_time(s, c, now);
    c->messages_sent++;
    c->bytes_sent += len;
    s->sent_since_round = true;
    pthread_mutex_unlock(&s->lock);
    return WHIST_OK;
}

static whist_status stats_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                               const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct stats *s = (struct stats *)ch;
    struct counts *c = counts_of(s, phase, from, err);
    if (c == NULL) {
        return WHIST_ERR_NOMEM;
    }
    int64_t start = whist_now_ns();
    whist_status st = whist_pass_recv(ch, from, msg_out, phase, deadline_ms, err);
    int64_t now = whist_now_ns();
    pthread_mutex_lock(&s->lock);
    count_time(s, c, now);
    c->wait_ns += (uint64_t)(now - start);
    if (st == WHIST_OK) {
        c->messages_received++;
        c->bytes_received += msg_out->len;
        c->rounds += s->sent_since_round;
        s->sent_since_round = false;
    }
    pthread_mutex_unlock(&s->lock);
    return st;
}

static void stats_free(struct whist_channel *ch)
{
    struct stats *s = (struct stats *)ch;
    whist_channel_set_counts(s->d.inner, NULL);
    for (struct stats_phase *p = s->first; p != NULL;) {
        struct stats_phase *next = p->next;
        whist_free(p);
        p = next;
    }
    pthread_mutex_destroy(&s->lock);
    whist_decorator_free(&s->d);
}

static const struct whist_channel_ops stats_ops = {
    .name = "statistics",
    .send = stats_send,
    .recv = stats_recv,
    .abort = whist_pass_abort,
    .close = whist_pass_close,
    .set_arrival_hook = whist_pass_set_arrival_hook,
    .free = stats_free,
    .abort_with = whist_pass_abort_with,
    .set_counts = whist_pass_set_counts,
};

whist_status whist_channel_stats_new(struct whist_channel **channel_out,
                                     struct whist_channel *inner, struct whist_error *err)
{
    WHIST_REQUIRE(channel_out != NULL);
    struct stats *s = whist_decorator_new(sizeof *s, &stats_ops, inner, err);
    if (s == NULL) {
        return WHIST_ERR_NOMEM;
    }
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        whist_decorator_free(&s->d);
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no resources for a lock");
    }
    s->end = &s->first;
    s->last_ns = whist_now_ns();
    whist_channel_set_counts(inner, &s->d.base);
    *channel_out = &s->d.base;
    return WHIST_OK;
}

static bool is_empty(const struct counts *c)
{
    return c->messages_sent == 0 && c->messages_received == 0 && c->wait_ns == 0;
}

size_t whist_channel_stats(const struct whist_channel *ch, struct whist_stats_row *rows_out,
                           size_t max)
{
    WHIST_REQUIRE(ch != NULL && (rows_out != NULL || max == 0));
    if (ch->ops != &stats_ops) {
        return 0;
    }
    struct stats *s = (struct stats *)ch;
    size_t count = 0;
    pthread_mutex_lock(&s->lock);
    for (struct stats_phase *p = s->first; p != NULL; p = p->next) {
        for (size_t i = 0; i < ch->n; i++) {
            const struct counts *c = &p->peer[i];
            if (is_empty(c)) {
                continue;
            }
            if (count < max) {
                rows_out[count] =
                    (struct whist_stats_row){.phase = p->name,
                                             .peer = i,
                                             .messages_sent = c->messages_sent,
                                             .messages_received = c->messages_received,
                                             .bytes_sent = c->bytes_sent,
                                             .bytes_received = c->bytes_received,
                                             .wait_ns = c->wait_ns,
                                             .rounds = c->rounds,
                                             .time_ns = c->time_ns};
            }
            count++;
        }
    }
    pthread_mutex_unlock(&s->lock);
    return count;
}
