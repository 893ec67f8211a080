/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: the outbox, and the POSTs that carry it. */
#include "channel/delivery_impl.h"

/* ---- Units ---- */

static void release_unit(struct unit *u)
{
    if (--u->refs == 0) {
        whist_buffer_clear(&u->payload);
        whist_buffer_clear(&u->heads);
        whist_free(u);
    }
}

static void append_unit(struct delivery *d, struct unit *u)
{
    u->refs = 1;
    u->next = NULL;
    *d->queue_tail = u;
    d->queue_tail = &u->next;
    d->open = u->shared ? u : NULL;
}

/* The first unit leaves the queue, with its reference. */
static struct unit *pop_unit(struct delivery *d)
{
    struct unit *u = d->queue;
    d->queue = u->next;
    if (d->queue == NULL) {
        d->queue_tail = &d->queue;
    }
    if (d->open == u) {
        d->open = NULL;
    }
    return u;
}

/* Room for n more bytes, at least for many small additions. */
static bool make_room(struct whist_buffer *buf, size_t n)
{
    size_t want = buf->len + n;
    return want <= buf->cap || whist_buffer_reserve(buf, want < 2048 ? 2048 : want) == WHIST_OK;
}

/* Writes the head of a whole message behind the heads of a shared unit, whose label it becomes. */
static bool add_head(struct unit *u, size_t len, const char *phase, size_t phase_len)
{
    struct frame f = {.type = FRAME_DATA,
                      .flags = FRAME_FIRST | FRAME_LAST,
                      .phase = phase,
                      .phase_len = (uint8_t)phase_len,
                      .payload.len = len,
                      .total = len};
    bool same = u->n_frames != 0 && memcmp(u->phase, phase, phase_len + 1) == 0;
    if (!make_room(&u->heads, FRAME_HEAD_MAX)) {
        return false;
    }
    u->heads.len += whist_frame_put_head(u->heads.data + u->heads.len, &f, same);
    if (!same) {
        memcpy(u->phase, phase, phase_len + 1);
    }
    u->n_frames++;
    return true;
}

/* Adds a small message to a unit that has some already. */
static bool share_unit(struct unit *u, struct whist_bytes msg, const char *phase, size_t phase_len)
{
    if (!make_room(&u->payload, msg.len) || !add_head(u, msg.len, phase, phase_len)) {
        return false;
    }
    if (msg.len != 0) {
        memcpy(u->payload.data + u->payload.len, msg.data, msg.len);
        u->payload.len += msg.len;
    }
    return true;
}

/* A unit that begins with the message; takes its contents. */
static bool new_unit(struct delivery *d, int64_t now, bool shared, struct whist_buffer *msg,
                     const char *phase, size_t phase_len)
{
    struct unit *u = whist_zalloc(1, sizeof *u);
    if (u == NULL) {
        return false;
    }
    u->shared = shared;
    u->type = FRAME_DATA;
    u->first_message = d->out.messages;
    if (shared && !add_head(u, msg->len, phase, phase_len)) {
        whist_free(u);
        return false;
    }
    u->opened_ms = now;
    memcpy(u->phase, phase, phase_len + 1);
    u->payload = *msg;
    *msg = (struct whist_buffer){0};
    append_unit(d, u);
    return true;
}

/* A message has been queued. */
static void count_queued(struct delivery *d, size_t len, const char *phase, size_t phase_len)
{
    whist_dlv_run(&d->out, len, phase, phase_len);
    d->outbox += len + WHIST_FRAME_COST;
    d->n_outbox++;
}

/* Room for messages that share a POST. */
static size_t shared_room(const struct delivery *d)
{
    return d->opt.coalesce_bytes >= 256 ? d->opt.coalesce_bytes - POST_TAIL_LEN : 0;
}

static bool is_small(const struct delivery *d, size_t len)
{
    return len <= shared_room(d) / 2 && len + FRAME_HEAD_MAX <= shared_room(d);
}

bool whist_dlv_share(struct delivery *d, struct whist_bytes msg, const char *phase,
                     size_t phase_len)
{
    struct unit *u = d->open;
    bool fits = u != NULL && is_small(d, msg.len) &&
                u->payload.len + u->heads.len + msg.len + FRAME_HEAD_MAX <= shared_room(d);
    if (!fits || !share_unit(u, msg, phase, phase_len)) {
        return false;
    }
    count_queued(d, msg.len, phase, phase_len);
    return true;
}

bool whist_dlv_queue(struct delivery *d, int64_t now, struct whist_buffer *msg, const char *phase)
{
    size_t len = msg->len, phase_len = strlen(phase);
    if (whist_dlv_share(d, whist_buffer_view(msg), phase, phase_len)) {
        whist_buffer_clear(msg);
        return true;
    }
    if (!new_unit(d, now, is_small(d, len), msg, phase, phase_len)) {
        return false;
    }
    count_queued(d, len, phase, phase_len);
    return true;
}

void whist_dlv_queue_fin(struct delivery *d)
{
    struct unit *u = d->fin;
    struct fin fin = {.messages = d->out.messages, .bytes = d->out.bytes};
    whist_dlv_run_hash(fin.hash, &d->out);
    whist_fin_put(u->payload.data, &fin);
    u->payload.len = FIN_LEN;
    u->type = FRAME_FIN;
    u->first_message = d->out.messages;
    d->fin = NULL;
    append_unit(d, u);
}

/* ---- Segments ---- */

static void free_segment(struct segment *g)
{
    release_unit(g->unit);
    whist_free(g);
}

/* Out of the list; a segment in flight is left to its slot. */
static void unlink_segment(struct delivery *d)
{
    struct segment *g = d->segments;
    d->segments = g->next;
    if (d->segments == NULL) {
        d->segments_tail = &d->segments;
    }
    d->n_segments--;
    if (g->state == SEGMENT_FLYING) {
        g->unlinked = true;
    } else {
        free_segment(g);
    }
}

/* The next part of the unit, which is one message or the FIN. As much payload as a body takes, so
 * that a message of a round length is one POST: what belongs behind it goes into the head then. */
static void cut_part(const struct delivery *d, struct segment *g, struct unit *u)
{
    size_t most = d->opt.post_bytes, left = u->payload.len - u->cut;
    g->from = u->cut;
    g->len = left < most ? left : most;
    g->end_in_head = g->len > most - POST_OVERHEAD;
    bool first = u->cut == 0, last = g->len == left;
    struct frame f = {.type = u->type,
                      .flags = (uint8_t)((first ? FRAME_FIRST : 0) | (last ? FRAME_LAST : 0)),
                      .phase = u->phase,
                      .phase_len = (uint8_t)(first ? strlen(u->phase) : 0),
                      .payload = whist_bytes(u->payload.data + u->cut, g->len),
                      .total = u->payload.len};
    g->head_len = whist_frame_put_head(g->head, &f, false);
    g->n_frames = 1;
    g->first_message = u->first_message + (first ? 0 : 1);
    if (u->type == FRAME_DATA) {
        g->n_messages = last ? 1 : 0;
        g->outbox = g->len + (last ? WHIST_FRAME_COST : 0);
    }
    u->cut += g->len;
}

static struct segment *first_waiting(const struct delivery *d)
{
    struct segment *g = d->segments;
    while (g != NULL && g->state != SEGMENT_WAITING) {
        g = g->next;
    }
    return g;
}

int64_t whist_dlv_held_until(const struct delivery *d)
{
    const struct unit *u = d->queue;
    bool held = u != NULL && u == d->open && d->data_flying >= HOLD_FLYING && !d->hurry &&
                !d->closing && first_waiting(d) == NULL;
    return held ? u->opened_ms + HOLD_MS : NEVER;
}

static bool is_held(const struct delivery *d, int64_t now)
{
    int64_t until = whist_dlv_held_until(d);
    return until != NEVER && now < until;
}

/* Makes the next segment of what is queued; NULL if there is nothing, no credit or no memory. */
static struct segment *cut(struct delivery *d, int64_t now)
{
    struct unit *u = d->queue;
    if (u == NULL || d->n_segments >= SEGMENTS_MAX || is_held(d, now)) {
        return NULL;
    }
    if (d->out_position >= d->out_credit) {
        d->stats.credit_stalls += d->stalled ? 0 : 1;
        d->stalled = true;
        return NULL;
    }
    struct segment *g = whist_zalloc(1, sizeof *g);
    if (g == NULL) {
        d->retry_ms = now + NOMEM_PAUSE_MS;
        return NULL;
    }
    d->stalled = false;
    g->unit = u;
    if (u->shared) {
        d->hurry = d->hurry && u != d->open;
        g->len = u->payload.len;
        g->n_frames = g->n_messages = u->n_frames;
        g->first_message = u->first_message;
        g->outbox = g->len + (size_t)g->n_frames * WHIST_FRAME_COST;
        pop_unit(d); /* its reference is the segment's now */
    } else {
        cut_part(d, g, u);
        if (u->cut == u->payload.len) {
            pop_unit(d);
        } else {
            u->refs++;
        }
    }
    g->position = d->out_position;
    g->weight = g->len + (uint64_t)g->n_frames * WHIST_FRAME_COST;
    d->out_position += g->weight;
    *d->segments_tail = g;
    d->segments_tail = &g->next;
    d->n_segments++;
    d->stats.frames_sent += g->n_frames;
    return g;
}

bool whist_dlv_has_data(const struct delivery *d, int64_t now)
{
    if (d->failed || !d->connected || d->data_flying >= d->opt.depth) {
        return false;
    }
    bool more = d->queue != NULL && d->n_segments < SEGMENTS_MAX &&
                d->out_position < d->out_credit && !is_held(d, now);
    return more || first_waiting(d) != NULL;
}

/* ---- POSTs ---- */

struct slot *whist_dlv_slot(struct delivery *d, uint64_t id)
{
    struct slot *s = d->slots;
    while (s < d->slots + d->n_slots && s->id != id) {
        s++;
    }
    WHIST_REQUIRE(id != 0 && s < d->slots + d->n_slots);
    return s;
}

static struct slot *take_slot(struct delivery *d, int64_t now, uint8_t kind)
{
    struct slot *s = d->slots;
    while (s->id != 0) {
        s++;
    }
    *s = (struct slot){.id = ++d->last_id,
                       .kind = kind,
                       .round = d->round,
                       .sent_ms = now,
                       .moved_ms = now,
                       .acked = d->out_acked};
    return s;
}

uint8_t whist_dlv_control(const struct delivery *d, int64_t now)
{
    if (d->control_flying) {
        return 0;
    }
    if (d->failed) {
        bool wanted = d->tell && !d->told && now < d->tell_until_ms;
        return wanted ? (d->connected ? POST_ABORT : POST_HELLO) : 0;
    }
    if (d->done) {
        return 0;
    }
    if (!d->connected) {
        return POST_HELLO;
    }
    if (d->probe || (d->fin_acked && d->peer_fin && !d->told_complete)) {
        return POST_UPDATE;
    }
    uint64_t grown = whist_dlv_credit(d) - d->in_told;
    bool beat = now - d->sent_ms >= d->opt.heartbeat_ms;
    return !d->peer_fin && (beat || (grown != 0 && grown >= d->opt.window_bytes / 4)) ? POST_UPDATE
                                                                                      : 0;
}

/* Meta of a POST without frames. */
static size_t put_meta(const struct delivery *d, uint8_t kind, uint8_t *out)
{
    struct hello hello;
    switch (kind) {
    case POST_HELLO:
        whist_dlv_hello(d, &hello);
        whist_hello_put(out, &hello);
        return HELLO_LEN;
    case POST_ABORT:
        return whist_abort_put(out, &d->tell_error);
    default:
        return 0;
    }
}

/* Meta and tail; credit and acknowledgement are those of now, also when frames are sent again. */
static void put_end(struct delivery *d, struct slot *s, size_t heads_len, size_t *n_parts)
{
    const struct segment *g = s->segment;
    size_t meta_len = put_meta(d, s->kind, s->end);
    struct post_tail tail = {.from_epoch = d->opt.epoch,
                             .to_epoch = d->peer_epoch,
                             .position = g != NULL ? g->position : 0,
                             .first_message = g != NULL ? g->first_message : 0,
                             .ack = d->in_next,
                             .credit = whist_dlv_credit(d),
                             .n_frames = g != NULL ? g->n_frames : 0,
                             .meta_len = (uint32_t)(heads_len + meta_len),
                             .from = (uint16_t)d->opt.me,
                             .to = (uint16_t)d->opt.peer,
                             .kind = s->kind};
    if (d->fin_acked && d->peer_fin) {
        s->complete = true;
        tail.flags = FLAG_COMPLETE;
    }
    d->in_told = tail.credit;
    whist_post_put_tail(s->end + meta_len, &tail);
    s->parts[(*n_parts)++] = whist_bytes(s->end, meta_len + POST_TAIL_LEN);
}

static void fill(struct delivery *d, int64_t now, struct slot *s, struct delivery_post *post)
{
    size_t n = 0, heads_len = 0;
    struct segment *g = s->segment;
    if (g != NULL) {
        if (g->len != 0) {
            s->parts[n++] = whist_bytes(g->unit->payload.data + g->from, g->len);
        }
        s->parts[n] = g->head_len != 0 ? whist_bytes(g->head, g->head_len)
                                       : whist_buffer_view(&g->unit->heads);
        heads_len = s->parts[n++].len;
    }
    put_end(d, s, heads_len, &n);
    *post = (struct delivery_post){.id = s->id, .parts = s->parts, .n_parts = n};
    post->n_body = g != NULL && g->end_in_head ? 1 : n;
    for (size_t i = 0; i < n; i++) {
        post->len += s->parts[i].len;
        post->body_len += i < post->n_body ? s->parts[i].len : 0;
    }
    d->sent_ms = now;
    d->probe = false;
    d->stats.posts_sent++;
    d->stats.body_sent += post->len;
}

bool whist_delivery_next_post(struct delivery *d, int64_t now, struct delivery_post *post_out)
{
    if (now < d->retry_ms) {
        return false;
    }
    struct segment *g = NULL;
    if (!d->failed && !d->done && d->connected && d->data_flying < d->opt.depth) {
        g = first_waiting(d);
        g = g != NULL ? g : cut(d, now);
    }
    uint8_t kind = g != NULL ? POST_DATA : whist_dlv_control(d, now);
    if (kind == 0 || now < d->retry_ms) {
        return false;
    }
    struct slot *s = take_slot(d, now, kind);
    if (g != NULL) {
        d->stats.posts_repeated += g->repeat ? 1 : 0;
        g->repeat = true;
        g->state = SEGMENT_FLYING;
        s->segment = g;
        d->data_flying++;
    } else {
        d->control_flying = true;
    }
    fill(d, now, s, post_out);
    return true;
}

bool whist_delivery_wants_post(const struct delivery *d, int64_t now)
{
    return now >= d->retry_ms && !d->done &&
           (whist_dlv_has_data(d, now) || whist_dlv_control(d, now) != 0);
}

void whist_dlv_end_slot(struct delivery *d, struct slot *s, segment_state state)
{
    struct segment *g = s->segment;
    if (g == NULL) {
        d->control_flying = false;
    } else {
        d->data_flying--;
        g->state = state;
        if (g->unlinked) {
            free_segment(g);
        }
    }
    s->segment = NULL;
    s->id = 0;
}

/* ---- Acknowledgements ---- */

void whist_dlv_acked(struct delivery *d, int64_t now, uint64_t ack, uint64_t credit, uint8_t flags)
{
    if (d->failed) {
        return;
    }
    if (ack > d->out_position) {
        whist_dlv_fail(d, now, true, WHIST_ERR_PROTOCOL, NULL,
                       "party %zu acknowledges position %llu, but only %llu was sent", d->opt.peer,
                       (unsigned long long)ack, (unsigned long long)d->out_position);
        return;
    }
    d->out_acked = ack > d->out_acked ? ack : d->out_acked;
    d->out_credit = credit > d->out_credit ? credit : d->out_credit;
    while (d->segments != NULL && d->segments->position + d->segments->weight <= d->out_acked) {
        const struct segment *g = d->segments;
        d->outbox -= g->outbox;
        d->n_outbox -= g->n_messages;
        if (g->unit->type == FRAME_FIN) {
            d->fin_acked = true;
            d->fin_acked_ms = now;
        }
        unlink_segment(d);
    }
    if ((flags & FLAG_COMPLETE) != 0) {
        d->peer_complete = true;
    }
    whist_dlv_await(d, now);
}

/* ---- Ends ---- */

void whist_dlv_drop_out(struct delivery *d)
{
    while (d->queue != NULL) {
        release_unit(pop_unit(d));
    }
    while (d->segments != NULL) {
        unlink_segment(d);
    }
    d->outbox = 0;
    d->n_outbox = 0;
}

void whist_dlv_free_out(struct delivery *d)
{
    whist_dlv_drop_out(d);
    for (size_t i = 0; i < d->n_slots; i++) {
        if (d->slots[i].id != 0 && d->slots[i].segment != NULL) {
            free_segment(d->slots[i].segment);
        }
    }
    if (d->fin != NULL) {
        d->fin->refs = 1;
        release_unit(d->fin);
    }
    whist_wipe(d->slots, d->n_slots * sizeof *d->slots);
    whist_free(d->slots);
}
