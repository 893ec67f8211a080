/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Envelope: phases, sequence numbers, aborts and goodbyes over a transport that carries bare bytes.
 */
#include "channel/envelope.h"

#include <stdio.h>

#include "channel/decorator.h"
#include "channel/inbox.h"

/* How long close waits for the goodbyes of the peers, so that none of them tries to send one to a
 * party that has gone, and how old a peer's goodbye may be for that peer to be still waiting for
 * ours. In milliseconds. */
#define BYE_LINGER_MS 1000
#define BYE_FRESH_MS  500

/* ---- Bytes ---- */

static bool printable(const uint8_t *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] < 0x20 || s[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

/* What each type may have before its trailer. */
static bool body_allowed(uint8_t type, size_t len)
{
    switch (type) {
    case ENVELOPE_DATA:
        return true;
    case ENVELOPE_ABORT:
        return len >= 1 && len <= 1 + ENVELOPE_TEXT;
    case ENVELOPE_BYE:
        return len == 0;
    default:
        return false;
    }
}

envelope_flaw whist_envelope_parse(struct envelope_info *info_out, struct whist_bytes msg)
{
    if (msg.len < ENVELOPE_FIXED) {
        return ENVELOPE_SHORT;
    }
    const uint8_t *end = msg.data + msg.len;
    size_t phase_len = end[-3];
    uint8_t type = end[-2];
    if (end[-1] != ENVELOPE_VERSION) {
        return ENVELOPE_FOREIGN;
    }
    if (phase_len > WHIST_MAX_PHASE) {
        return ENVELOPE_BAD;
    }
    if (msg.len - ENVELOPE_FIXED < phase_len) {
        return ENVELOPE_SHORT;
    }
    const uint8_t *phase = end - ENVELOPE_FIXED - phase_len;
    size_t body_len = msg.len - ENVELOPE_FIXED - phase_len;
    if (!body_allowed(type, body_len) || !printable(phase, phase_len)) {
        return ENVELOPE_BAD;
    }
    *info_out = (struct envelope_info){.type = (envelope_type)type,
                                       .sequence = get_le64(end - ENVELOPE_FIXED),
                                       .body_len = body_len};
    memcpy(info_out->phase, phase, phase_len);
    return ENVELOPE_FINE;
}

whist_status whist_envelope_seal(struct whist_buffer *msg, envelope_type type, uint64_t sequence,
                                 const char *phase)
{
    uint8_t trailer[ENVELOPE_MAX];
    size_t len = strlen(phase);
    WHIST_REQUIRE(len <= WHIST_MAX_PHASE);
    memcpy(trailer, phase, len);
    put_le64(trailer + len, sequence);
    trailer[len + 8] = (uint8_t)len;
    trailer[len + 9] = (uint8_t)type;
    trailer[len + 10] = ENVELOPE_VERSION;
    return whist_buffer_append(msg, trailer, len + ENVELOPE_FIXED);
}

/* ---- The channel ---- */

/* State of the link to one peer. */
struct envelope_link {
    bool sending, receiving; /* a thread has its turn: only it may touch the count */
    uint64_t sent, received; /* DATA messages */
    int64_t bye_ms;          /* when the goodbye arrived (it may still be queued), 0: not yet */
    bool closed;             /* in the receiver's turn: the goodbye has been received */
};

struct envelope {
    struct decorator d;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a turn, a goodbye, a failure */
    bool closing, failed;
    struct envelope_link link[]; /* n */
};

static struct envelope *envelope_of(struct whist_channel *ch)
{
    return (struct envelope *)ch;
}

/* Waits until no other thread has the turn. Sequence numbers must follow the order of the
 * transport, so one thread at a time sends to (or receives from) a peer; the others wait, each no
 * longer than until its own deadline. When the transport fails, the one inside returns and each
 * next one fails at once. */
static whist_status begin_turn(struct envelope *e, bool *turn, int64_t deadline_ms,
                               whist_status late)
{
    whist_status st = WHIST_OK;
    pthread_mutex_lock(&e->lock);
    while (*turn && st == WHIST_OK) {
        bool in_time = whist_cond_wait(&e->changed, &e->lock, deadline_ms);
        st = *turn && !in_time ? late : WHIST_OK;
    }
    if (st == WHIST_OK && e->closing) {
        st = WHIST_ERR_CLOSED;
    }
    if (st == WHIST_OK) {
        *turn = true;
    }
    pthread_mutex_unlock(&e->lock);
    return st;
}

static void end_turn(struct envelope *e, bool *turn)
{
    pthread_mutex_lock(&e->lock);
    *turn = false;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

static whist_status turn_error(struct whist_error *err, whist_status st, size_t peer,
                               const char *phase)
{
    if (st == WHIST_ERR_CLOSED) {
        return whist_fail(err, st, WHIST_NO_PEER, phase, "this party has closed its channel");
    }
    return whist_fail(err, st, (int)peer, phase,
                      "another thread was still using the link to party %zu at the deadline", peer);
}

static whist_status envelope_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                  const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct envelope *e = envelope_of(ch);
    struct envelope_link *link = &e->link[to];
    whist_status st = begin_turn(e, &link->sending, deadline_ms, WHIST_ERR_WINDOW_FULL);
    if (st != WHIST_OK) {
        return turn_error(err, st, to, phase);
    }
    if (whist_envelope_seal(msg, ENVELOPE_DATA, link->sent, phase) != WHIST_OK) {
        st = whist_fail(err, WHIST_ERR_NOMEM, (int)to, phase, "no memory for a message's envelope");
    } else {
        st = whist_channel_send_owned(e->d.inner, to, msg, phase, deadline_ms, err);
    }
    link->sent += st == WHIST_OK;
    end_turn(e, &link->sending);
    return st;
}

/* ---- Receiving ---- */

static whist_status fail_malformed(envelope_flaw flaw, size_t from, struct whist_bytes msg,
                                   const char *phase, struct whist_error *err)
{
    if (flaw == ENVELOPE_FOREIGN) {
        return whist_fail(err, WHIST_ERR_PROTOCOL, (int)from, phase,
                          "party %zu sent a message with envelope version %u where version %d was "
                          "expected: it runs another version of Whist, or another program",
                          from, (unsigned)msg.data[msg.len - 1], ENVELOPE_VERSION);
    }
    return whist_fail(
        err, WHIST_ERR_PROTOCOL, (int)from, phase,
        "party %zu sent %zu bytes that are not a proper envelope (%s): it runs another "
        "program, or the message was damaged on the way",
        from, msg.len, flaw == ENVELOPE_SHORT ? "too short" : "malformed fields");
}

/* The error of an ABORT message. */
static struct whist_error abort_error(size_t from, const struct envelope_info *info,
                                      const struct whist_buffer *msg)
{
    struct whist_error why = {.status = (whist_status)msg->data[0], .peer = WHIST_NO_PEER};
    snprintf(why.phase, sizeof why.phase, "%s", info->phase);
    memcpy(why.text, msg->data + 1, info->body_len - 1);
    whist_abort_seen_by_peers(&why, from, &why);
    return why;
}

/* A peer has aborted: all calls of this channel fail from now on, whomever they wait for. */
static void take_abort(struct envelope *e, const struct whist_error *why)
{
    whist_channel_abort(e->d.inner, why);
    pthread_mutex_lock(&e->lock);
    e->failed = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

/* Arrival hook: aborts overtake what is queued, and close learns of goodbyes. */
static bool on_arrival(void *ctx, size_t from, struct whist_buffer *msg)
{
    struct envelope *e = ctx;
    struct envelope_info info;
    if (whist_envelope_parse(&info, whist_buffer_view(msg)) != ENVELOPE_FINE) {
        return false; /* reported in its turn, by recv */
    }
    if (info.type == ENVELOPE_ABORT) {
        struct whist_error why = abort_error(from, &info, msg);
        whist_buffer_clear(msg);
        take_abort(e, &why);
        return true;
    }
    if (info.type == ENVELOPE_BYE) {
        pthread_mutex_lock(&e->lock);
        e->link[from].bye_ms = whist_now_ms();
        pthread_cond_broadcast(&e->changed);
        pthread_mutex_unlock(&e->lock);
    }
    return false;
}

static whist_status fail_closed(size_t from, const char *phase, struct whist_error *err)
{
    return whist_fail(err, WHIST_ERR_CLOSED, (int)from, phase, "party %zu has closed its channel",
                      from);
}

static whist_status check_sequence(const struct envelope_link *link, size_t from,
                                   const struct envelope_info *info, const char *phase,
                                   struct whist_error *err)
{
    if (info->sequence == link->received) {
        return WHIST_OK;
    }
    bool lost = info->sequence > link->received;
    return whist_fail(err, WHIST_ERR_PROTOCOL, (int)from, phase,
                      "party %zu sent message %llu (phase \"%s\") where message %llu was due (here "
                      "phase \"%s\"): %s on the way; start again with all parties",
                      from, (unsigned long long)info->sequence, info->phase,
                      (unsigned long long)link->received, phase,
                      lost ? "messages were lost" : "a message was repeated");
}

static whist_status check_phase(size_t from, const struct envelope_info *info, const char *phase,
                                struct whist_error *err)
{
    if (strcmp(info->phase, phase) == 0) {
        return WHIST_OK;
    }
    return whist_fail(
        err, WHIST_ERR_PROTOCOL, (int)from, phase,
        "party %zu is in phase \"%s\" where this party is in \"%s\" (message %llu): "
        "the parties do not run the same protocol; compare their commands and versions",
        from, info->phase, phase, (unsigned long long)info->sequence);
}

/* Opens what the transport delivered; in the receiver's turn. */
static whist_status open_message(struct envelope *e, size_t from, struct whist_buffer *msg,
                                 const char *phase, struct whist_error *err)
{
    struct envelope_link *link = &e->link[from];
    struct envelope_info info;
    envelope_flaw flaw = whist_envelope_parse(&info, whist_buffer_view(msg));
    if (flaw != ENVELOPE_FINE) {
        return fail_malformed(flaw, from, whist_buffer_view(msg), phase, err);
    }
    if (info.type == ENVELOPE_ABORT) { /* only if the transport has no hook */
        *err = abort_error(from, &info, msg);
        take_abort(e, err);
        return err->status;
    }
    TRY(check_sequence(link, from, &info, phase, err));
    if (info.type == ENVELOPE_BYE) {
        link->closed = true;
        return fail_closed(from, phase, err);
    }
    link->received++;
    TRY(check_phase(from, &info, phase, err));
    msg->len = info.body_len;
    return WHIST_OK;
}

static whist_status envelope_recv(struct whist_channel *ch, size_t from,
                                  struct whist_buffer *msg_out, const char *phase,
                                  int64_t deadline_ms, struct whist_error *err)
{
    struct envelope *e = envelope_of(ch);
    struct envelope_link *link = &e->link[from];
    whist_status st = begin_turn(e, &link->receiving, deadline_ms, WHIST_ERR_TIMEOUT);
    if (st != WHIST_OK) {
        return turn_error(err, st, from, phase);
    }
    if (link->closed) {
        st = fail_closed(from, phase, err);
    } else {
        st = whist_channel_recv(e->d.inner, from, msg_out, phase, deadline_ms, err);
        if (st == WHIST_OK) {
            st = open_message(e, from, msg_out, phase, err);
        }
    }
    end_turn(e, &link->receiving);
    return st;
}

/* ---- Ending ---- */

static void envelope_abort(struct whist_channel *ch, const struct whist_error *why)
{
    struct envelope *e = envelope_of(ch);
    struct whist_buffer last = {0};
    struct whist_error clean;
    whist_abort_seen_by_peers(&clean, ch->me, why); /* for its printable label */
    clean.phase[WHIST_MAX_PHASE] = '\0';
    size_t len = strnlen(why->text, ENVELOPE_TEXT);
    uint8_t status = (uint8_t)why->status;
    if (whist_buffer_append(&last, &status, 1) == WHIST_OK &&
        whist_buffer_append(&last, why->text, len) == WHIST_OK &&
        whist_envelope_seal(&last, ENVELOPE_ABORT, 0, clean.phase) == WHIST_OK) {
        whist_channel_abort_with(e->d.inner, why, whist_buffer_view(&last), clean.phase);
    } else {
        whist_channel_abort(e->d.inner, why); /* no memory to tell the peers */
    }
    whist_buffer_clear(&last);
    pthread_mutex_lock(&e->lock);
    e->failed = true;
    pthread_cond_broadcast(&e->changed);
    pthread_mutex_unlock(&e->lock);
}

/* Says goodbye to one peer, if that is possible without waiting: it only spares the peer a timeout.
 */
static void say_bye(struct envelope *e, size_t to)
{
    struct envelope_link *link = &e->link[to];
    struct whist_buffer bye = {0};
    pthread_mutex_lock(&e->lock);
    bool gone = link->bye_ms != 0 && whist_now_ms() - link->bye_ms > BYE_FRESH_MS;
    bool useful = !gone && !link->sending && !e->failed;
    link->sending = link->sending || useful;
    pthread_mutex_unlock(&e->lock);
    if (!useful) {
        return;
    }
    if (whist_envelope_seal(&bye, ENVELOPE_BYE, link->sent, "") == WHIST_OK) {
        whist_status ignored =
            whist_channel_send_owned(e->d.inner, to, &bye, "", LONG_AGO_MS, NULL);
        (void)ignored;
    }
    end_turn(e, &link->sending);
}

static bool all_said_bye(const struct envelope *e)
{
    for (size_t i = 0; i < e->d.base.n; i++) {
        if (i != e->d.base.me && e->link[i].bye_ms == 0) {
            return false;
        }
    }
    return true;
}

static void wait_for_byes(struct envelope *e, int64_t deadline_ms)
{
    int64_t until = whist_now_ms() + BYE_LINGER_MS;
    until = deadline_ms < until ? deadline_ms : until;
    pthread_mutex_lock(&e->lock);
    while (!e->failed && !all_said_bye(e) && whist_cond_wait(&e->changed, &e->lock, until)) {
    }
    pthread_mutex_unlock(&e->lock);
}

static whist_status envelope_close(struct whist_channel *ch, int64_t deadline_ms,
                                   struct whist_error *err)
{
    struct envelope *e = envelope_of(ch);
    pthread_mutex_lock(&e->lock);
    bool first = !e->closing && !e->failed;
    e->closing = true;
    pthread_mutex_unlock(&e->lock);
    for (size_t i = 0; first && i < ch->n; i++) {
        if (i != ch->me) {
            say_bye(e, i);
        }
    }
    if (first && e->d.inner->ops->set_arrival_hook != NULL) {
        wait_for_byes(e, deadline_ms);
    }
    return whist_channel_close(e->d.inner, deadline_ms, err);
}

static void envelope_free(struct whist_channel *ch)
{
    struct envelope *e = envelope_of(ch);
    whist_channel_free(e->d.inner); /* ends the hook, which uses what follows */
    pthread_cond_destroy(&e->changed);
    pthread_mutex_destroy(&e->lock);
    whist_free(e);
}

static const struct whist_channel_ops envelope_ops = {
    .name = "envelope",
    .send = envelope_send,
    .recv = envelope_recv,
    .abort = envelope_abort,
    .close = envelope_close,
    .free = envelope_free,
};

static whist_status init_sync(struct envelope *e, struct whist_error *err)
{
    if (!whist_cond_init(&e->changed)) {
        goto fail;
    }
    if (pthread_mutex_init(&e->lock, NULL) == 0) {
        return WHIST_OK;
    }
    pthread_cond_destroy(&e->changed);
fail:
    return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL,
                      "the system has no resources for an envelope");
}

whist_status whist_channel_envelope_new(struct whist_channel **channel_out,
                                        struct whist_channel *inner, struct whist_error *err)
{
    WHIST_REQUIRE(channel_out != NULL && inner != NULL);
    if (inner->framed || inner->max_message <= ENVELOPE_MAX) {
        whist_status st = whist_fail(
            err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
            "an envelope goes around a transport of bare messages longer than %d bytes; %s is none",
            ENVELOPE_MAX, inner->ops->name);
        whist_channel_free(inner);
        return st;
    }
    size_t size = sizeof(struct envelope) + inner->n * sizeof(struct envelope_link);
    struct envelope *e = whist_decorator_new(size, &envelope_ops, inner, err);
    if (e == NULL) {
        return WHIST_ERR_NOMEM;
    }
    whist_status st = init_sync(e, err);
    if (st != WHIST_OK) {
        whist_decorator_free(&e->d);
        return st;
    }
    e->d.base.max_message = inner->max_message - ENVELOPE_MAX;
    e->d.base.framed = true;
    if (inner->ops->set_arrival_hook != NULL) {
        inner->ops->set_arrival_hook(inner, on_arrival, e);
    }
    *channel_out = &e->d.base;
    return WHIST_OK;
}
