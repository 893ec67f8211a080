/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: the peer's POSTs, and the inbox. */
#include <stdio.h>

#include "channel/delivery_impl.h"
#include "channel/inbox.h"

/* A message that is put together in a buffer of this many times what has arrived, at most: so a
 * declared length costs little, and little is copied. */
#define GROWTH 8

/* ---- Window ---- */

/* Messages that come are counted and dropped: nobody will take them. */
static bool discarding(const struct delivery *d)
{
    return d->closing || d->failed;
}

uint64_t whist_dlv_credit(const struct delivery *d)
{
    return d->in_consumed + d->opt.window_bytes;
}

void whist_dlv_stream(struct delivery *d)
{
    struct assembly *a = &d->assembly;
    bool next = d->ring.count == 0 && d->waiters != 0;
    if (a->active && (next || discarding(d))) {
        d->in_consumed += a->message.weight - a->streamed;
        a->streamed = a->message.weight;
    }
}

void whist_dlv_drop_buffer(struct whist_buffer *buf)
{
    if (buf->data != NULL) {
        whist_wipe(buf->data, buf->len);
        whist_pool_free(buf->data, buf->cap);
    }
    *buf = (struct whist_buffer){0};
}

/* ---- Ring of complete messages ---- */

static struct message *ring_at(const struct delivery *d, size_t i)
{
    return &d->ring.item[(d->ring.at + i) % d->ring.cap];
}

struct message *whist_dlv_ring_first(struct delivery *d)
{
    return ring_at(d, 0);
}

/* The first message, whose body has been taken, leaves the window. */
void whist_dlv_ring_pop(struct delivery *d)
{
    d->in_consumed += ring_at(d, 0)->weight;
    d->ring.at = (d->ring.at + 1) % d->ring.cap;
    d->ring.count--;
    whist_dlv_stream(d);
}

/* Room for n more. */
static bool ring_reserve(struct delivery *d, size_t n)
{
    struct ring *r = &d->ring;
    if (n <= r->cap - r->count) {
        return true;
    }
    size_t cap = r->cap * 2 > r->count + n ? r->cap * 2 : r->count + n;
    struct message *item = whist_alloc(cap, sizeof *item);
    if (item == NULL) {
        return false;
    }
    for (size_t i = 0; i < r->count; i++) {
        item[i] = *ring_at(d, i);
    }
    whist_free(r->item);
    *r = (struct ring){.item = item, .cap = cap, .count = r->count};
    return true;
}

/* ---- Frames of the POST whose turn it is ---- */

/* What a POST's frames would break; NULL if they fit behind what came before. */
static const char *misfit(const struct delivery *d, const struct post_view *v)
{
    struct frame_reader r = {.view = v};
    struct frame f;
    const struct assembly *a = &d->assembly;
    bool active = a->active;
    if (d->peer_fin) {
        return "messages after its FIN";
    }
    if (v->tail.first_message != d->in_begun) {
        return "a message number that is out of step";
    }
    while (whist_frame_next(&r, &f)) {
        if (((f.flags & FRAME_FIRST) != 0) == active) {
            return active ? "a new message inside another" : "a part of no message";
        }
        uint64_t left = a->total - a->arrived; /* used for the first frame alone */
        if (active &&
            (f.payload.len > left || (f.payload.len == left) != ((f.flags & FRAME_LAST) != 0))) {
            return "a message of another length than it declared";
        }
        active = (f.flags & FRAME_LAST) == 0;
    }
    return NULL;
}

/* Room for what is there of the assembly and len bytes more. */
static bool grow(struct assembly *a, size_t len)
{
    struct whist_buffer *body = &a->message.body;
    uint64_t need = a->arrived + len;
    if (need > SIZE_MAX / GROWTH) {
        return false;
    }
    if (need <= body->cap) {
        return true;
    }
    uint64_t want = need * GROWTH < a->total ? need * GROWTH : a->total;
    return whist_buffer_reserve(body, (size_t)want) == WHIST_OK;
}

/* A message of the frame's payload: of the POST's own buffer if it is all that is in it. */
static bool begin_message(struct message *m, const struct frame *f, const struct post_view *v,
                          struct whist_buffer *body)
{
    *m = (struct message){.weight = f->payload.len + WHIST_FRAME_COST};
    if (f->phase_len != 0) {
        memcpy(m->phase, f->phase, f->phase_len);
    }
    if (v->tail.n_frames > 1) {
        return whist_buffer_append(&m->body, f->payload.data, f->payload.len) == WHIST_OK;
    }
    if (f->payload.len == 0) {
        return true;
    }
    m->body = *body;
    m->body.len = f->payload.len;
    *body = (struct whist_buffer){0};
    return true;
}

/* What a POST brings, before it counts. */
struct batch {
    size_t n_ring;     /* complete messages, behind the ring's last one */
    bool continues;    /* its first frame goes on with the assembly … */
    bool ends;         /* … and ends it */
    struct frame part; /* that frame */
    bool begins;       /* its last frame begins a new assembly */
    struct message begun;
    uint64_t begun_total;
    bool has_fin;
    struct fin fin;
};

static void drop_batch(struct delivery *d, struct batch *b)
{
    for (size_t i = b->ends ? 1 : 0; i < b->n_ring; i++) {
        whist_dlv_drop_buffer(&ring_at(d, d->ring.count + i)->body);
    }
    whist_dlv_drop_buffer(&b->begun.body);
}

/* Allocates everything that the POST needs; false without memory, and nothing has changed. */
static bool prepare(struct delivery *d, const struct post_view *v, struct whist_buffer *body,
                    struct batch *b)
{
    struct frame_reader r = {.view = v};
    struct frame f;
    if (!ring_reserve(d, v->tail.n_frames)) {
        return false;
    }
    while (whist_frame_next(&r, &f)) {
        bool fine = true;
        if (f.type == FRAME_FIN) {
            b->has_fin = whist_fin_get(&b->fin, f.payload);
        } else if ((f.flags & FRAME_FIRST) == 0) {
            b->continues = true;
            b->ends = (f.flags & FRAME_LAST) != 0;
            b->part = f;
            fine = discarding(d) || grow(&d->assembly, f.payload.len);
            b->n_ring += b->ends ? 1 : 0;
        } else if ((f.flags & FRAME_LAST) != 0) {
            fine = begin_message(ring_at(d, d->ring.count + b->n_ring), &f, v, body);
            b->n_ring++;
        } else {
            fine = begin_message(&b->begun, &f, v, body);
            b->begins = true;
            b->begun_total = f.total;
        }
        if (!fine) {
            drop_batch(d, b);
            return false;
        }
    }
    return true;
}

static void count_message(struct delivery *d, const struct message *m, uint64_t len)
{
    whist_dlv_run(&d->in, len, m->phase, strlen(m->phase));
    d->stats.messages_received++;
    d->stats.payload_received += len;
}

/* The first frame goes on with the message that is being put together. */
static void continue_assembly(struct delivery *d, const struct batch *b)
{
    struct assembly *a = &d->assembly;
    struct whist_buffer *body = &a->message.body;
    size_t len = b->part.payload.len;
    if (!discarding(d)) {
        memcpy(body->data + body->len, b->part.payload.data, len);
        body->len += len;
    }
    a->arrived += len;
    a->message.weight += len + WHIST_FRAME_COST;
    if (b->ends) {
        struct message *m = ring_at(d, d->ring.count);
        *m = a->message;
        m->weight -= a->streamed; /* given back already */
        a->active = false;
        a->message = (struct message){0};
    }
}

static void check_fin(struct delivery *d, int64_t now, const struct fin *fin)
{
    uint8_t hash[32];
    whist_dlv_run_hash(hash, &d->in);
    d->peer_fin = true;
    d->peer_fin_ms = now;
    if (fin->messages != d->in.messages || fin->bytes != d->in.bytes ||
        memcmp(fin->hash, hash, sizeof hash) != 0) {
        whist_dlv_fail(d, now, true, WHIST_ERR_CHECK, NULL,
                       "the messages of party %zu do not add up: it sent %llu (%llu bytes), %llu "
                       "(%llu bytes) came%s",
                       d->opt.peer, (unsigned long long)fin->messages,
                       (unsigned long long)fin->bytes, (unsigned long long)d->in.messages,
                       (unsigned long long)d->in.bytes,
                       fin->messages == d->in.messages ? ", and the hashes differ" : "");
    }
}

/* Everything is allocated: the POST counts. */
static void commit(struct delivery *d, int64_t now, const struct post_view *v, struct batch *b)
{
    uint64_t ended = b->ends ? d->assembly.total : 0;
    if (b->continues) {
        continue_assembly(d, b);
    }
    for (size_t i = 0; i < b->n_ring; i++) {
        const struct message *m = ring_at(d, d->ring.count + i);
        count_message(d, m, b->ends && i == 0 ? ended : m->body.len);
    }
    d->ring.count += b->n_ring;
    d->in_begun += b->n_ring - (b->ends ? 1 : 0) + (b->begins ? 1 : 0);
    if (b->begins) {
        d->assembly = (struct assembly){.active = true,
                                        .message = b->begun,
                                        .total = b->begun_total,
                                        .arrived = b->begun.body.len};
    }
    d->in_next += v->weight;
    d->stats.frames_received += v->tail.n_frames;
    d->in_consumed += b->has_fin ? FIN_LEN + WHIST_FRAME_COST : 0;
    whist_dlv_stream(d);
    if (discarding(d)) {
        whist_dlv_drop_in(d);
    }
    if (b->has_fin) {
        check_fin(d, now, &b->fin);
    }
    whist_dlv_await(d, now);
}

typedef enum intake { TAKEN, LATER, REFUSED } intake;

static void broken(struct delivery *d, int64_t now, const char *why)
{
    whist_dlv_fail(d, now, true, WHIST_ERR_PROTOCOL, NULL, "party %zu sent %s", d->opt.peer, why);
}

/* Takes the POST that is next in order. */
static intake take_in(struct delivery *d, int64_t now, const struct post_view *v,
                      struct whist_buffer *body)
{
    struct batch b = {0};
    const char *why = misfit(d, v);
    if (why != NULL) {
        broken(d, now, why);
        return REFUSED;
    }
    if (!prepare(d, v, body, &b)) {
        return LATER;
    }
    commit(d, now, v, &b);
    return TAKEN;
}

/* ---- Order ---- */

static void free_early(struct early *e)
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
    if (take_in(d, now, &v, &e->body) == LATER) {
        e->next = d->early;
        d->early = e;
        d->n_early++;
        return false;
    }
    free_early(e);
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
            free_early(e);
        } else {
            broken(d, now, "POSTs that overlap");
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
            return TAKEN;
        }
        broken(d, now, "POSTs that overlap");
        return REFUSED;
    }
    if (d->n_early >= EARLY_MAX) {
        return LATER;
    }
    struct early *e = whist_alloc(1, sizeof *e);
    if (e == NULL) {
        return LATER;
    }
    *e = (struct early){
        .next = *at, .position = v->tail.position, .weight = v->weight, .body = *body};
    *body = (struct whist_buffer){0};
    *at = e;
    d->n_early++;
    d->stats.reordered++;
    return TAKEN;
}

static intake take_data(struct delivery *d, int64_t now, const struct post_view *v,
                        struct whist_buffer *body)
{
    uint64_t position = v->tail.position;
    if (position < d->in_next) {
        d->stats.duplicates++;
        if (position + v->weight <= d->in_next) {
            return TAKEN;
        }
        broken(d, now, "POSTs that overlap");
        return REFUSED;
    }
    if (position >= whist_dlv_credit(d)) {
        broken(d, now, "more than its credit");
        return REFUSED;
    }
    if (position > d->in_next) {
        return keep_early(d, now, v, body);
    }
    intake got = take_in(d, now, v, body);
    if (got == TAKEN) {
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
    case LATER:
        say(p, ANSWER_BUSY, "no room for this POST now");
        break;
    case REFUSED:
        say(p, ANSWER_BAD, d->error.text);
        break;
    case TAKEN:
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
    if (flaw == POST_VERSION && !d->connected) {
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

/* ---- Ends ---- */

/* Drops what waits for the application and what is being put together; the counts go on. */
void whist_dlv_drop_in(struct delivery *d)
{
    while (d->ring.count != 0) {
        whist_dlv_drop_buffer(&ring_at(d, 0)->body);
        whist_dlv_ring_pop(d);
    }
    whist_dlv_drop_buffer(&d->assembly.message.body);
    whist_dlv_stream(d);
    if (d->failed) {
        while (d->early != NULL) {
            struct early *e = d->early;
            d->early = e->next;
            free_early(e);
        }
        d->n_early = 0;
        d->drain_ms = 0;
    }
}

void whist_dlv_free_in(struct delivery *d)
{
    d->failed = true;
    whist_dlv_drop_in(d);
    whist_free(d->ring.item);
}
