/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: the peer's POSTs, their order and their answers. */
#include <stdio.h>

#include "channel/delivery_impl.h"
#include "channel/inbox.h"

/* ---- Order ---- */

void whist_dlv_free_early(struct early *e)
{
    whist_dlv_drop_buffer(&e->body);
    whist_free(e);
}

/* Takes the first early POST, whose turn it is; false without memory, then it stays. */
static bool take_early(struct delivery *d, int64_t now)
{
    struct early *e = d->early;
    struct post_view v;
    const char *why;
    unsigned version;
    d->early = e->next; /* a failure drops what is in the list */
    d->n_early--;
    WHIST_REQUIRE(whist_post_parse(&v, &why, &version, whist_buffer_view(&e->body)) == POST_FINE);
    if (whist_dlv_take_in(d, now, &v, &e->body) == INTAKE_LATER) {
        e->next = d->early;
        d->early = e;
        d->n_early++;
        return false;
    }
    whist_dlv_free_early(e);
    return true;
}

void whist_dlv_drain(struct delivery *d, int64_t now)
{
    d->drain_ms = 0;
    while (!d->failed && d->early != NULL && d->early->position <= d->in_next) {
        struct early *e = d->early;
        if (e->position == d->in_next) {
            if (!take_early(d, now)) {
                d->drain_ms = now + NOMEM_PAUSE_MS;
                return;
            }
        } else if (e->position + e->weight <= d->in_next) {
            /* It waited for memory, came again, and was taken then. */
            d->early = e->next;
            d->n_early--;
            whist_dlv_free_early(e);
        } else {
            whist_dlv_broken(d, now, "POSTs that overlap");
        }
    }
}

/* Keeps a POST that came before its turn. */
static intake keep_early(struct delivery *d, int64_t now, const struct post_view *v,
                         struct whist_buffer *body)
{
    struct early **at = &d->early;
    while (*at != NULL && (*at)->position < v->tail.position) {
        at = &(*at)->next;
    }
    if (*at != NULL && (*at)->position == v->tail.position) {
        d->stats.duplicates++;
        if ((*at)->weight == v->weight) {
            return INTAKE_TAKEN;
        }
        whist_dlv_broken(d, now, "POSTs that overlap");
        return INTAKE_REFUSED;
    }
    if (d->n_early >= EARLY_MAX) {
        return INTAKE_LATER;
    }
    struct early *e = whist_alloc(1, sizeof *e);
    if (e == NULL) {
        return INTAKE_LATER;
    }
    *e = (struct early){.next = *at, .position = v->tail.position, .weight = v->weight};
    if (!whist_dlv_fits_buffer(body, body->len)) {
        if (whist_buffer_append(&e->body, body->data, body->len) != WHIST_OK) {
            whist_free(e);
            return INTAKE_LATER;
        }
    } else {
        e->body = *body;
        *body = (struct whist_buffer){0};
    }
    *at = e;
    d->n_early++;
    d->stats.reordered++;
    return INTAKE_TAKEN;
}

static intake take_data(struct delivery *d, int64_t now, const struct post_view *v,
                        struct whist_buffer *body)
{
    uint64_t position = v->tail.position;
    if (position < d->in_next) {
        d->stats.duplicates++;
        if (position + v->weight <= d->in_next) {
            return INTAKE_TAKEN;
        }
        whist_dlv_broken(d, now, "POSTs that overlap");
        return INTAKE_REFUSED;
    }
    if (position >= whist_dlv_credit(d)) {
        whist_dlv_broken(d, now, "more than its credit");
        return INTAKE_REFUSED;
    }
    if (position > d->in_next) {
        return keep_early(d, now, v, body);
    }
    intake got = whist_dlv_take_in(d, now, v, body);
    if (got == INTAKE_TAKEN) {
        whist_dlv_drain(d, now);
    }
    return got;
}

/* ---- Requests ---- */

/* An answer in the making. */
struct reply {
    struct answer_view a;
    uint8_t hello[HELLO_LEN];
    uint8_t abort[ABORT_MAX];
    char text[sizeof((struct whist_error *)0)->text];
};

static void say(struct reply *p, uint8_t kind, const char *text)
{
    p->a.kind = kind;
    snprintf(p->text, sizeof p->text, "%s", text);
    p->a.meta = whist_bytes(p->text, strlen(p->text));
}

static void add_hello(const struct delivery *d, struct reply *p)
{
    struct hello hello;
    whist_dlv_hello(d, &hello);
    whist_hello_put(p->hello, &hello);
    p->a.hello = whist_bytes(p->hello, HELLO_LEN);
}

/* The peer's hello is not ours: the error, seen from the peer's side, and our hello. */
static void reply_mismatch(struct delivery *d, int64_t now, struct reply *p, const char *text)
{
    say(p, ANSWER_MISMATCH, text);
    add_hello(d, p);
    whist_dlv_fail(d, now, false, WHIST_ERR_MISMATCH, NULL, "%s", text);
}

/* What a failed link answers to everything. */
static void reply_failed(struct delivery *d, struct reply *p, uint8_t kind)
{
    if (kind == POST_ABORT) {
        p->a.kind = ANSWER_OK;
    } else if (d->hearsay) {
        say(p, ANSWER_BUSY, "another party has aborted");
    } else if (kind == POST_HELLO && d->error.status == WHIST_ERR_MISMATCH) {
        say(p, ANSWER_MISMATCH, d->error.text);
        add_hello(d, p);
    } else {
        p->a.kind = ANSWER_FAILED;
        p->a.meta = whist_bytes(p->abort, whist_abort_put(p->abort, &d->error));
    }
}

static void request_hello(struct delivery *d, int64_t now, const struct post_view *v,
                          struct reply *p)
{
    struct hello theirs;
    char text[300];
    if (!whist_hello_get(&theirs, v->meta)) {
        say(p, ANSWER_BAD, "a malformed hello");
        return;
    }
    if (memcmp(theirs.session, d->opt.session, WHIST_SESSION_LEN) != 0) {
        (void)whist_dlv_agree(d, &theirs, text, sizeof text);
        whist_dlv_trouble(d, "hello of another session; %s", text);
        say(p, ANSWER_UNKNOWN, text);
        add_hello(d, p);
        return;
    }
    if (v->tail.from != d->opt.peer || v->tail.to != d->opt.me) {
        if (d->connected) {
            say(p, ANSWER_BAD, "from or to is not that of this link");
            return;
        }
        snprintf(text, sizeof text,
                 "from, to: this link is from %zu to %zu, the POST from %u to %u", d->opt.peer,
                 d->opt.me, (unsigned)v->tail.from, (unsigned)v->tail.to);
        reply_mismatch(d, now, p, text);
        return;
    }
    if (d->connected && v->tail.from_epoch != d->peer_epoch) {
        d->probe = true; /* to learn whether it has been restarted */
        say(p, ANSWER_STALE, "this session is under way with another run of yours");
        return;
    }
    if (!whist_dlv_agree(d, &theirs, text, sizeof text)) {
        reply_mismatch(d, now, p, text);
        return;
    }
    d->heard = true;
    if (!d->connected) {
        d->failures = 0; /* it is there: our own hello need not wait */
        d->retry_ms = 0;
    }
    if (!d->connected && v->tail.to_epoch == d->opt.epoch) {
        whist_dlv_connect(d, now, v->tail.from_epoch);
    }
    if (d->connected) {
        d->life_ms = now;
    }
    add_hello(d, p);
}

static void request_abort(struct delivery *d, int64_t now, const struct post_view *v)
{
    struct whist_error why;
    if (whist_abort_get(&why, v->meta)) {
        whist_abort_seen_by_peers(&why, d->opt.peer, &why);
        whist_dlv_fail(d, now, false, WHIST_ERR_ABORTED, why.phase, "%s", why.text);
    }
}

static void request_data(struct delivery *d, int64_t now, const struct post_view *v,
                         struct whist_buffer *body, struct reply *p)
{
    switch (take_data(d, now, v, body)) {
    case INTAKE_LATER:
        say(p, ANSWER_BUSY, "no room for this POST now");
        break;
    case INTAKE_REFUSED:
        say(p, ANSWER_BAD, d->error.text);
        break;
    case INTAKE_TAKEN:
        break;
    }
}

/* POSTs of a run that knows ours. */
static void request_known(struct delivery *d, int64_t now, const struct post_view *v,
                          struct whist_buffer *body, struct reply *p)
{
    if (v->tail.from != d->opt.peer || v->tail.to != d->opt.me) {
        say(p, ANSWER_BAD, "from or to is not that of this link");
        return;
    }
    if (v->tail.to_epoch != d->opt.epoch || (d->connected && v->tail.from_epoch != d->peer_epoch)) {
        say(p, ANSWER_STALE, "of or for another run");
        return;
    }
    if (!d->connected) {
        whist_dlv_connect(d, now, v->tail.from_epoch);
    }
    d->life_ms = now;
    if (d->failed) {
        reply_failed(d, p, v->tail.kind);
        return;
    }
    if (v->tail.kind == POST_ABORT) {
        request_abort(d, now, v);
        return;
    }
    whist_dlv_acked(d, now, v->tail.ack, v->tail.credit, v->tail.flags);
    if (d->failed) {
        reply_failed(d, p, v->tail.kind);
    } else if (v->tail.kind == POST_DATA) {
        request_data(d, now, v, body, p);
    }
}

static void dispatch(struct delivery *d, int64_t now, struct whist_buffer *body, struct reply *p)
{
    struct post_view v;
    const char *why;
    char text[300];
    unsigned version = 0;
    post_flaw flaw = whist_post_parse(&v, &why, &version, whist_buffer_view(body));
    if (body->len > WHIST_POST_LIMIT + POST_OVERHEAD) {
        say(p, ANSWER_BAD, "a POST that is too long");
    } else if (flaw == POST_VERSION && !d->connected) {
        snprintf(text, sizeof text, "version: this party speaks %u, party %zu speaks %u",
                 WIRE_VERSION, d->opt.peer, version);
        reply_mismatch(d, now, p, text);
    } else if (flaw != POST_FINE) {
        say(p, ANSWER_BAD, why);
    } else {
        p->a.to_epoch = v.tail.from_epoch;
        if (v.tail.kind != POST_HELLO) {
            request_known(d, now, &v, body, p);
        } else if (d->failed) {
            reply_failed(d, p, POST_HELLO);
        } else {
            request_hello(d, now, &v, p);
        }
    }
}

void whist_delivery_request(struct delivery *d, int64_t now, struct whist_buffer *body,
                            struct delivery_answer *answer_out)
{
    struct reply p = {.a.kind = ANSWER_OK, .a.from_epoch = d->opt.epoch};
    d->stats.posts_received++;
    d->stats.body_received += body->len;
    dispatch(d, now, body, &p);
    whist_dlv_drop_buffer(body);
    p.a.ack = d->in_next;
    p.a.credit = whist_dlv_credit(d);
    if (p.a.kind == ANSWER_OK) {
        d->in_told = p.a.credit > d->in_told ? p.a.credit : d->in_told;
        if (d->fin_acked && d->peer_fin) {
            p.a.flags = FLAG_COMPLETE;
            d->told_complete = d->told_complete || d->peer_complete;
        }
    } else {
        d->stats.refused++;
    }
    answer_out->status = whist_answer_status(p.a.kind);
    answer_out->len = whist_answer_put(answer_out->body, &p.a);
    d->stats.body_sent += answer_out->len;
    whist_dlv_settle(d, now);
}

void whist_delivery_alive(struct delivery *d, int64_t now)
{
    if (d->connected) {
        d->life_ms = now;
    }
}
