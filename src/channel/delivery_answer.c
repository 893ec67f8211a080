/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: how POSTs end. */
#include <stdio.h>

#include "channel/delivery_impl.h"
#include "channel/inbox.h"

/* Before the next attempt, in milliseconds: none after a first loss, then doubling, ± a quarter. */
static int64_t pause_ms(struct delivery *d)
{
    if (d->failures <= 1) {
        return 0;
    }
    int64_t ms = d->opt.retry_min_ms;
    for (unsigned i = 2; i < d->failures && ms < d->opt.retry_max_ms; i++) {
        ms *= 2;
    }
    ms = ms < d->opt.retry_max_ms ? ms : d->opt.retry_max_ms;
    return ms - ms / 4 + (int64_t)(splitmix64(&d->random) % (uint64_t)(ms / 2 + 1));
}

/* A POST was not answered, or the peer did not take it. Of the POSTs that were in flight together
 * only the first loss lengthens the pause. */
static void repeat_later(struct delivery *d, int64_t now, struct slot *s)
{
    d->stats.posts_lost++;
    if (s->round == d->round) {
        d->round++;
        d->failures++;
        d->retry_ms = now + pause_ms(d);
    }
    if (s->kind == POST_UPDATE && !d->peer_fin) {
        d->probe = true;
    }
    whist_dlv_end_slot(d, s, SEGMENT_WAITING);
}

void whist_delivery_lost(struct delivery *d, int64_t now, uint64_t id, const char *reason)
{
    struct slot *s = whist_dlv_slot(d, id);
    if (reason != NULL) {
        whist_dlv_trouble(d, "%s", reason);
    }
    repeat_later(d, now, s);
    whist_dlv_settle(d, now);
}

void whist_delivery_heard(struct delivery *d, int64_t now, const char *what)
{
    snprintf(d->answer, sizeof d->answer, "%s", what);
    whist_make_printable(d->answer);
    d->answer_ms = now;
}

void whist_delivery_progress(struct delivery *d, int64_t now, uint64_t id)
{
    struct slot *s = whist_dlv_slot(d, id);
    s->moved_ms = now;
}

bool whist_delivery_next_expired(struct delivery *d, int64_t now, uint64_t *id_out)
{
    for (struct slot *s = d->slots; s < d->slots + d->n_slots; s++) {
        if (s->id != 0 && !s->expired && now - s->moved_ms >= d->opt.answer_ms) {
            s->expired = true;
            *id_out = s->id;
            whist_dlv_trouble(d, "no answer for %lld ms", (long long)(now - s->moved_ms));
            return true;
        }
    }
    return false;
}

/* ---- Answers ---- */

static void copy_text(char *out, size_t size, struct whist_bytes text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;
    if (len != 0) {
        memcpy(out, text.data, len);
    }
    out[len] = '\0';
    whist_make_printable(out);
}

/* To send the same once more would get the same answer. */
static bool pointless(int status)
{
    switch (status) {
    case 404: /* a proxy whose server is down, or a party that does not have the session yet */
    case 408:
    case 421:
    case 425:
    case 429:
        return false;
    default:
        return status < 500;
    }
}

static const char *hint(int status)
{
    switch (status) {
    case 401:
    case 403:
        return "; is this party's certificate or token the one that it expects?";
    case 413:
        return "; a proxy on the way takes only shorter bodies: make the POSTs shorter";
    default:
        return status / 100 == 3 ? "; redirects are not followed: correct the URL" : "";
    }
}

/* An answer that no delivery machine wrote: a proxy's, another program's, or a server without this
 * session. */
static void foreign(struct delivery *d, int64_t now, struct slot *s, int status,
                    struct whist_bytes body)
{
    char text[121];
    unsigned version;
    if (whist_answer_foreign_version(&version, body) && !d->connected) {
        whist_dlv_end_slot(d, s, SEGMENT_WAITING);
        whist_dlv_fail(d, now, false, WHIST_ERR_MISMATCH, NULL,
                       "version: this party speaks %u, party %zu speaks %u", WIRE_VERSION,
                       d->opt.peer, version);
        return;
    }
    copy_text(text, sizeof text, body);
    whist_dlv_trouble(d, "answer %d that is not of this wire: %s", status, text);
    whist_delivery_heard(d, now, d->trouble);
    bool ended = status == 410 && d->connected;
    if (ended && !d->failed && d->closing && d->fin_acked && d->peer_fin) {
        /* It has closed, as this party has, and gone. */
        whist_dlv_end_slot(d, s, SEGMENT_WAITING);
        d->peer_complete = d->told_complete = true;
        return;
    }
    if (ended || (status != 410 && pointless(status))) {
        whist_dlv_end_slot(d, s, SEGMENT_WAITING);
        whist_dlv_fail(d, now, false, ended ? WHIST_ERR_ABORTED : WHIST_ERR_PROTOCOL, NULL,
                       ended ? "party %zu has ended this session (answer %d: %s)%s"
                             : "party %zu or a proxy before it answered %d: %s%s",
                       d->opt.peer, status, text, hint(status));
        return;
    }
    repeat_later(d, now, s);
}

static void answered_time(struct delivery *d, int64_t now, const struct slot *s)
{
    int64_t us = (now - s->sent_ms) * 1000;
    d->stats.rtt_us += d->stats.rtt_us == 0 ? us : (us - d->stats.rtt_us) / 8;
}

static void restarted(struct delivery *d, int64_t now)
{
    whist_dlv_fail(d, now, false, WHIST_ERR_ABORTED, NULL,
                   "party %zu has been restarted: its new run cannot go on with this session",
                   d->opt.peer);
}

/* A hello's answer: the fields are compared before anything else flows. */
static void hello_answered(struct delivery *d, int64_t now, const struct answer_view *a)
{
    struct hello theirs;
    char text[300];
    if (a->hello.len == 0 || !whist_hello_get(&theirs, a->hello)) {
        whist_dlv_fail(d, now, false, WHIST_ERR_PROTOCOL, NULL,
                       "party %zu answered a hello without its own", d->opt.peer);
    } else if (!whist_dlv_agree(d, &theirs, text, sizeof text)) {
        whist_dlv_fail(d, now, false, WHIST_ERR_MISMATCH, NULL, "%s", text);
    } else if (d->connected && a->from_epoch != d->peer_epoch) {
        restarted(d, now);
    } else if (!d->connected) {
        whist_dlv_connect(d, now, a->from_epoch);
    }
}

static void fail_with_text(struct delivery *d, int64_t now, const struct answer_view *a)
{
    struct hello theirs;
    char text[300];
    if (a->kind == ANSWER_MISMATCH) {
        bool differ = a->hello.len != 0 && whist_hello_get(&theirs, a->hello) &&
                      !whist_dlv_agree(d, &theirs, text, sizeof text);
        if (!differ) {
            copy_text(text, sizeof text, a->meta);
        }
        whist_dlv_fail(d, now, false, WHIST_ERR_MISMATCH, NULL, "%s", text);
        return;
    }
    copy_text(text, sizeof text, a->meta);
    whist_dlv_fail(d, now, false, WHIST_ERR_PROTOCOL, NULL, "party %zu refuses a POST: %s",
                   d->opt.peer, text);
}

/* The peer has given up and says why. */
static void peer_failed(struct delivery *d, int64_t now, struct whist_bytes block)
{
    struct whist_error why;
    if (!whist_abort_get(&why, block)) {
        why = (struct whist_error){.status = WHIST_ERR_ABORTED, .text = "without a reason"};
    }
    whist_abort_seen_by_peers(&why, d->opt.peer, &why);
    whist_dlv_fail(d, now, false, WHIST_ERR_ABORTED, why.phase, "%s", why.text);
}

/* "Of or for another run". */
static void stale(struct delivery *d, int64_t now, const struct answer_view *a)
{
    if (d->connected && a->from_epoch != d->peer_epoch) {
        restarted(d, now);
        return;
    }
    whist_dlv_fail(d, now, false, WHIST_ERR_ABORTED, NULL,
                   "party %zu is in this session with an earlier run of this party: end both and "
                   "start anew",
                   d->opt.peer);
}

/* An OK that says less than it must: it goes behind what was acknowledged before the POST was sent,
 * or it does not take the POST although that was the next one. To go on would mean to wait for
 * ever.
 */
static bool takes_nothing(const struct slot *s, const struct answer_view *a)
{
    return s->kind == POST_DATA && (a->ack < s->acked || a->ack == s->segment->position);
}

static void taken(struct delivery *d, int64_t now, struct slot *s, const struct answer_view *a)
{
    bool hello = s->kind == POST_HELLO;
    if (!d->failed && a->from_epoch == d->peer_epoch && takes_nothing(s, a)) {
        unsigned long long position = s->segment->position;
        whist_dlv_end_slot(d, s, SEGMENT_WAITING);
        whist_dlv_fail(d, now, true, WHIST_ERR_PROTOCOL, NULL,
                       "party %zu answered OK to messages that it does not acknowledge (position "
                       "%llu, acknowledged %llu)",
                       d->opt.peer, position, (unsigned long long)a->ack);
        return;
    }
    d->told = d->told || s->kind == POST_ABORT;
    d->told_complete = d->told_complete || s->complete;
    whist_dlv_end_slot(d, s, SEGMENT_HELD);
    if (hello) {
        hello_answered(d, now, a);
    } else if (a->from_epoch != d->peer_epoch) {
        restarted(d, now);
    }
    if (!d->failed) {
        whist_dlv_acked(d, now, a->ack, a->credit, a->flags);
    }
}

/* The peer is in another session and waits for this party there, as this one does here: so one of
 * the two has the wrong session. It may be started anew, with the right one, in the next moment. */
static void unknown_session(struct delivery *d, int64_t now, struct slot *s,
                            const struct answer_view *a)
{
    struct hello theirs;
    if (d->connected) {
        whist_dlv_end_slot(d, s, SEGMENT_WAITING);
        restarted(d, now);
        return;
    }
    bool differ = a->hello.len != 0 && whist_hello_get(&theirs, a->hello) &&
                  !whist_dlv_agree(d, &theirs, d->mismatch_text, sizeof d->mismatch_text);
    if (differ && d->foreign_ms == 0) {
        d->foreign_ms = now;
    }
    whist_dlv_trouble(d, "answer 404: another session");
    whist_delivery_heard(d, now, d->trouble);
    repeat_later(d, now, s);
}

/* True if the answer is from this session's peer, and alive. */
static void from_peer(struct delivery *d, int64_t now, struct slot *s, const struct answer_view *a)
{
    if (a->kind == ANSWER_UNKNOWN) {
        unknown_session(d, now, s, a);
        return;
    }
    answered_time(d, now, s);
    if (a->kind == ANSWER_BUSY) {
        char text[121];
        copy_text(text, sizeof text, a->meta);
        whist_dlv_trouble(d, "answer 503: %s", text);
        d->life_ms = now;
        repeat_later(d, now, s);
        return;
    }
    d->failures = 0;
    d->retry_ms = 0;
    d->life_ms = now;
    if (a->kind == ANSWER_OK) {
        taken(d, now, s, a);
        return;
    }
    whist_dlv_end_slot(d, s, SEGMENT_WAITING);
    d->told = true; /* whatever it is, the peer does not go on */
    if (a->kind == ANSWER_STALE) {
        stale(d, now, a);
    } else if (a->kind == ANSWER_FAILED) {
        peer_failed(d, now, a->meta);
    } else {
        fail_with_text(d, now, a);
    }
}

void whist_delivery_answered(struct delivery *d, int64_t now, uint64_t id, int status,
                             struct whist_bytes body)
{
    struct slot *s = whist_dlv_slot(d, id);
    struct answer_view a;
    d->stats.body_received += body.len;
    bool ours = whist_answer_parse(&a, body) && status == whist_answer_status(a.kind) &&
                (a.to_epoch == d->opt.epoch || (a.to_epoch == 0 && a.kind == ANSWER_BAD));
    if (ours) {
        from_peer(d, now, s, &a);
    } else {
        foreign(d, now, s, status, body);
    }
    whist_dlv_settle(d, now);
}
