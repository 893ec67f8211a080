/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: deadlines, how a link ends, and texts about it. */
#include <stdio.h>

#include "channel/delivery_impl.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void sooner(int64_t *t, int64_t candidate)
{
    *t = candidate < *t ? candidate : *t;
}

/* Rounds of losses after which a peer that has closed is taken to have gone. */
#define GONE_LOSSES 3
/* How long a peer that waits in another session is given to be started anew, in milliseconds: for
 * more than the longest pause between two hellos, so that each of the two hears of it before the
 * other one leaves. */
#define FOREIGN_MS 2000

/* ---- The end ---- */

/* Until when a closing link stays for the peer's sake; NEVER: this party needs the peer still. */
static int64_t linger_end(const struct delivery *d)
{
    if (d->fin_acked) {
        return later(d->fin_acked_ms, d->peer_fin ? d->peer_fin_ms : 0) + d->opt.linger_ms;
    }
    /* The peer has closed and has all messages; it may be gone, so the FIN does not matter. */
    if (d->peer_fin && d->n_outbox == 0) {
        return later(d->closing_ms, d->peer_fin_ms) + d->opt.linger_ms;
    }
    return NEVER;
}

static bool closed(struct delivery *d, int64_t now)
{
    bool both = d->fin_acked && d->peer_fin && d->peer_complete && d->told_complete;
    /* All that is missing is the acknowledgement of our FIN by a peer that closed long ago and
     * cannot be reached: it has gone. */
    bool gone = !d->fin_acked && linger_end(d) != NEVER && d->failures >= GONE_LOSSES &&
                now >= d->peer_fin_ms + d->opt.linger_ms;
    if (both || gone || now >= linger_end(d)) {
        return true;
    }
    d->close_late = now >= d->close_deadline_ms && linger_end(d) == NEVER;
    return now >= d->close_deadline_ms;
}

void whist_dlv_settle(struct delivery *d, int64_t now)
{
    if (d->done) {
        return;
    }
    if (d->failed) {
        d->done = !d->tell || d->told || now >= d->tell_until_ms;
    } else if (d->closing) {
        d->done = closed(d, now);
    }
    if (d->done) {
        whist_dlv_await(d, now);
    }
}

/* ---- Deadlines ---- */

/* Heartbeats come whether something is awaited or not. Who begins to wait late gives one more. */
static int64_t dead_at(const struct delivery *d)
{
    int64_t beat = d->opt.heartbeat_ms < d->opt.dead_ms ? d->opt.heartbeat_ms : d->opt.dead_ms;

    return later(d->life_ms + d->opt.dead_ms, d->awaiting_ms + beat);
}

static int64_t beat_at(const struct delivery *d)
{
    return later(d->sent_ms + d->opt.heartbeat_ms, d->retry_ms);
}

/* Until when contact must be made. */
static int64_t connect_end(const struct delivery *d)
{
    int64_t t = d->opt.connect_deadline_ms;

    if (d->foreign_ms != 0) {
        sooner(&t, d->foreign_ms + FOREIGN_MS);
    }
    return t;
}

/* Of a link that works. */
static void open_deadlines(const struct delivery *d, int64_t *t)
{
    if (!d->connected) {
        sooner(t, connect_end(d));
    } else if (d->awaiting) {
        sooner(t, dead_at(d));
    }
    if (d->connected && !d->peer_fin && !d->control_flying) {
        sooner(t, beat_at(d));
    }
    if (d->closing) {
        sooner(t, d->close_deadline_ms);
        sooner(t, linger_end(d));
    }
    if (d->drain_ms != 0) {
        sooner(t, d->drain_ms);
    }
}

int64_t whist_delivery_next_deadline(struct delivery *d)
{
    int64_t t = NEVER;
    for (const struct slot *s = d->slots; s < d->slots + d->n_slots; s++) {
        if (s->id != 0 && !s->expired) {
            sooner(&t, s->moved_ms + d->opt.answer_ms);
        }
    }
    if (!d->done && (whist_dlv_has_data(d, NEVER) || whist_dlv_control(d, d->retry_ms) != 0)) {
        int64_t held = whist_dlv_held_until(d);
        sooner(&t, held != NEVER ? later(held, d->retry_ms) : d->retry_ms);
    }
    if (d->failed && !d->done) {
        sooner(&t, d->tell_until_ms);
    } else if (!d->failed && !d->done) {
        open_deadlines(d, &t);
    }
    d->promised_ms = t == NEVER ? 0 : t;
    return t;
}

/* This process was stopped, or was given no time: what came meanwhile has not been looked at, so
 * everybody's silence counts from now on. */
static void own_pause(struct delivery *d, int64_t now)
{
    if (d->promised_ms == 0 || now - d->promised_ms <= OWN_PAUSE_MS) {
        return;
    }
    d->life_ms = now;
    for (struct slot *s = d->slots; s < d->slots + d->n_slots; s++) {
        s->moved_ms = now;
    }
}

static void what_is_awaited(const struct delivery *d, char *out, size_t size)
{
    if (d->waiters != 0) {
        snprintf(out, size, "message %llu (phase %s)", (unsigned long long)d->in.messages,
                 d->wait_phase);
    } else if (d->n_outbox != 0) {
        snprintf(out, size, "the acknowledgement of %llu messages",
                 (unsigned long long)d->n_outbox);
    } else {
        snprintf(out, size, "that it acknowledges the end");
    }
}

static void fail_connect(struct delivery *d, int64_t now)
{
    const char *heard = d->heard ? "; it reaches this party, but not the other way round" : "";
    char answer[240] = "; there was no answer at all. Is it running, and reachable at its URL?";
    bool more = d->trouble[0] != '\0' && strcmp(d->trouble, d->answer) != 0;
    if (d->foreign_ms != 0) {
        whist_dlv_fail(d, now, false, WHIST_ERR_MISMATCH, NULL,
                       "%s, and each waits for the other (since %lld ms)", d->mismatch_text,
                       (long long)(now - d->foreign_ms));
        return;
    }
    if (d->answer[0] != '\0') {
        snprintf(answer, sizeof answer, "; its last answer, %lld ms ago: %.195s",
                 (long long)(now - d->answer_ms), d->answer);
    }
    whist_dlv_fail(d, now, false, WHIST_ERR_UNREACHABLE, NULL,
                   "no contact with party %zu since %lld ms (%u attempts)%s%s%.100s%s", d->opt.peer,
                   (long long)(now - d->began_ms), (unsigned)d->stats.posts_sent, heard,
                   more ? "; last trouble: " : "", more ? d->trouble : "", answer);
}

static void fail_dead(struct delivery *d, int64_t now)
{
    char what[100];
    what_is_awaited(d, what, sizeof what);
    whist_dlv_fail(d, now, true, WHIST_ERR_UNREACHABLE, d->waiters != 0 ? d->wait_phase : NULL,
                   "party %zu gives no sign of life since %lld ms; awaited: %s, since %lld ms%s%s. "
                   "Has it crashed, or is the network cut?",
                   d->opt.peer, (long long)(now - d->life_ms), what,
                   (long long)(now - d->awaiting_ms), d->trouble[0] != '\0' ? "; last: " : "",
                   d->trouble);
}

void whist_delivery_tick(struct delivery *d, int64_t now)
{
    own_pause(d, now);
    d->promised_ms = 0;
    if (d->drain_ms != 0 && now >= d->drain_ms) {
        whist_dlv_drain(d, now);
    }
    if (!d->failed && !d->done) {
        if (!d->connected && now >= connect_end(d)) {
            fail_connect(d, now);
        } else if (d->connected && d->awaiting && now >= dead_at(d)) {
            fail_dead(d, now);
        }
    }
    whist_dlv_settle(d, now);
}

/* ---- For people ---- */

const char *whist_delivery_describe(const struct delivery *d, int64_t now, char *text_out,
                                    size_t text_size)
{
    char what[100] = "nothing";
    const char *state = d->failed      ? "failed"
                        : d->done      ? "closed"
                        : d->closing   ? "closing"
                        : d->connected ? "open"
                                       : "connecting";
    if (d->awaiting) {
        what_is_awaited(d, what, sizeof what);
    }
    snprintf(
        text_out, text_size,
        "party %zu: %s; awaited: %s, since %lld ms; last sign of life %lld ms ago; next to it: "
        "message %llu (%llu not acknowledged, credit %lld); next from it: message %llu (%llu "
        "not taken); last trouble: %s",
        d->opt.peer, state, what, d->awaiting ? (long long)(now - d->awaiting_ms) : 0,
        (long long)(now - d->life_ms), (unsigned long long)d->out.messages,
        (unsigned long long)d->n_outbox, (long long)(d->out_credit - d->out_position),
        (unsigned long long)d->in.messages, (unsigned long long)d->ring.messages,
        d->trouble[0] != '\0' ? d->trouble : "none");
    return text_out;
}
