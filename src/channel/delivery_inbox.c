/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: the window, and the frames of the POST whose turn it is. */
#include <stdio.h>

#include "channel/delivery_impl.h"

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
        whist_pool_free(buf->data, buf->cap, buf->len);
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
    *r = (struct ring){.item = item, .cap = cap, .count = r->count, .messages = r->messages};
    return true;
}

/* ---- Frames of the POST whose turn it is ---- */

/* What a POST's frames would break; NULL if they fit behind what came before. Only the first one
 * can: those behind it begin messages, and those before the last one end theirs (whist_post_parse).
 */
static const char *misfit(const struct delivery *d, const struct post_view *v)
{
    struct frame_reader r = {.view = v};
    struct frame f;
    const struct assembly *a = &d->assembly;
    if (d->peer_fin) {
        return "messages after its FIN";
    }
    if (v->tail.first_message != d->in_begun) {
        return "a message number that is out of step";
    }
    WHIST_REQUIRE(whist_frame_next(&r, &f));
    if (((f.flags & FRAME_FIRST) != 0) == a->active) {
        return a->active ? "a new message inside another" : "a part of no message";
    }
    uint64_t left = a->total - a->arrived;
    if (a->active &&
        (f.payload.len > left || (f.payload.len == left) != ((f.flags & FRAME_LAST) != 0))) {
        return "a message of another length than it declared";
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

bool whist_dlv_fits_buffer(const struct whist_buffer *buf, size_t len)
{
    return buf->cap / 2 <= len + 1024;
}

/* A message of the frame's payload: of the POST's own buffer if it is all that is in it. */
static bool begin_message(struct message *m, const struct frame *f, const struct post_view *v,
                          struct whist_buffer *body)
{
    *m = (struct message){.weight = f->payload.len + WHIST_FRAME_COST};
    if (f->phase_len != 0) {
        memcpy(m->phase, f->phase, f->phase_len);
    }
    if (v->tail.n_frames > 1 || !whist_dlv_fits_buffer(body, f->payload.len)) {
        return whist_buffer_append(&m->body, f->payload.data, f->payload.len) == WHIST_OK;
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

static void count_message(struct delivery *d, uint64_t len, const char *phase, size_t phase_len)
{
    whist_dlv_run(&d->in, len, phase, phase_len);
    d->ring.messages++;
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

/* The frames of a POST are in the ring and the assembly. */
static void arrived(struct delivery *d, const struct post_view *v)
{
    d->in_next += v->weight;
    d->stats.frames_received += v->tail.n_frames;
    whist_dlv_stream(d);
    if (discarding(d)) {
        whist_dlv_drop_in(d);
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
        count_message(d, b->ends && i == 0 ? ended : m->body.len, m->phase, strlen(m->phase));
    }
    d->ring.count += b->n_ring;
    d->in_begun += b->n_ring - (b->ends ? 1 : 0) + (b->begins ? 1 : 0);
    if (b->begins) {
        d->assembly = (struct assembly){.active = true,
                                        .message = b->begun,
                                        .total = b->begun_total,
                                        .arrived = b->begun.body.len};
    }
    d->in_consumed += b->has_fin ? FIN_LEN + WHIST_FRAME_COST : 0;
    arrived(d, v);
    if (b->has_fin) {
        check_fin(d, now, &b->fin);
    }
}

/* Several whole messages stay together in the POST's body until they are taken; false without
 * memory. */
static bool take_together(struct delivery *d, const struct post_view *v, struct whist_buffer *body)
{
    struct frame_reader r = {.view = v};
    struct frame f;
    struct parcel *p = ring_reserve(d, 1) ? whist_parcel_new(v, body) : NULL;
    if (p == NULL) {
        return false;
    }
    for (const char *before = NULL; whist_frame_next(&r, &f); before = f.phase) {
        count_message(d, f.payload.len, f.phase != before ? f.phase : NULL, f.phase_len);
    }
    *ring_at(d, d->ring.count) = (struct message){.parcel = p, .weight = v->weight};
    d->ring.count++;
    d->in_begun += v->tail.n_frames;
    arrived(d, v);
    return true;
}

void whist_dlv_broken(struct delivery *d, int64_t now, const char *why)
{
    whist_dlv_fail(d, now, true, WHIST_ERR_PROTOCOL, NULL, "party %zu sent %s", d->opt.peer, why);
}

intake whist_dlv_take_in(struct delivery *d, int64_t now, const struct post_view *v,
                         struct whist_buffer *body)
{
    struct batch b = {0};
    const char *why = misfit(d, v);
    if (why != NULL) {
        whist_dlv_broken(d, now, why);
        return INTAKE_REFUSED;
    }
    if (v->whole && v->tail.n_frames > 1 && whist_dlv_fits_buffer(body, body->len)) {
        if (!take_together(d, v, body)) {
            return INTAKE_LATER;
        }
    } else if (prepare(d, v, body, &b)) {
        commit(d, now, v, &b);
    } else {
        return INTAKE_LATER;
    }
    whist_dlv_await(d, now);
    return INTAKE_TAKEN;
}

/* ---- Ends ---- */

/* Drops what waits for the application and what is being put together; the counts go on. */
void whist_dlv_drop_in(struct delivery *d)
{
    while (d->ring.count != 0) {
        whist_parcel_free(ring_at(d, 0)->parcel);
        whist_dlv_drop_buffer(&ring_at(d, 0)->body);
        whist_dlv_ring_pop(d);
    }
    d->ring.messages = 0;
    whist_dlv_drop_buffer(&d->assembly.message.body);
    whist_dlv_stream(d);
    if (d->failed) {
        while (d->early != NULL) {
            struct early *e = d->early;
            d->early = e->next;
            whist_dlv_free_early(e);
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
