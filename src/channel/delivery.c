/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: life, failure, and the application's side. */
#include <stdarg.h>
#include <stdio.h>

#include "channel/delivery_impl.h"
#include "channel/inbox.h"

/* ---- Options ---- */

static void set_i64(int64_t *v, int64_t standard)
{
    *v = *v == 0 ? standard : *v;
}

static void set_size(size_t *v, size_t standard)
{
    *v = *v == 0 ? standard : *v;
}

static void set_defaults(struct delivery_options *o)
{
    set_i64(&o->heartbeat_ms, 5000);
    set_i64(&o->dead_ms, 2 * o->heartbeat_ms);
    set_i64(&o->answer_ms, 4000);
    set_i64(&o->retry_min_ms, 2);
    set_i64(&o->retry_max_ms, o->retry_min_ms > 1000 ? o->retry_min_ms : 1000);
    set_i64(&o->linger_ms, 1000);
    set_size(&o->outbox_bytes, (size_t)256 << 20);
    set_size(&o->window_bytes, (size_t)64 << 20);
    set_size(&o->post_bytes, 1048576);
    set_size(&o->coalesce_bytes, o->post_bytes < 65536 ? o->post_bytes : 65536);
    set_size(&o->depth, 8);
}

static bool time_ok(int64_t ms)
{
    return ms > 0 && ms <= INT32_MAX;
}

/* The first option out of range, or NULL. */
static const char *bad_option(const struct delivery_options *o)
{
    if (o->n < 2 || o->n > WHIST_MAX_PARTIES) {
        return "n";
    }
    if (o->me >= o->n || o->peer >= o->n || o->me == o->peer) {
        return "me or peer";
    }
    if (o->epoch == 0) {
        return "epoch";
    }
    if (!time_ok(o->heartbeat_ms) || !time_ok(o->dead_ms) || !time_ok(o->answer_ms) ||
        !time_ok(o->retry_min_ms) || !time_ok(o->retry_max_ms) || !time_ok(o->linger_ms) ||
        o->retry_max_ms < o->retry_min_ms) {
        return "a time";
    }
    if (o->post_bytes < 512 || o->post_bytes > WHIST_POST_LIMIT) {
        return "post_bytes";
    }
    if (o->coalesce_bytes > o->post_bytes) {
        return "coalesce_bytes";
    }
    if (o->depth > WHIST_DEPTH_MAX) {
        return "depth";
    }
    if (o->outbox_bytes > SIZE_MAX / 4 || o->window_bytes > SIZE_MAX / 4) {
        return "outbox_bytes or window_bytes";
    }
    return NULL;
}

/* ---- Life ---- */

whist_status whist_delivery_new(struct delivery **delivery_out,
                                const struct delivery_options *options, int64_t now,
                                struct whist_error *err)
{
    struct delivery_options opt = *options;
    set_defaults(&opt);
    const char *bad = bad_option(&opt);
    if (bad != NULL) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, (int)opt.peer, NULL,
                          "option out of range for a link: %s", bad);
    }
    struct delivery *d = whist_zalloc(1, sizeof *d);
    struct unit *fin = whist_zalloc(1, sizeof *fin);
    struct slot *slots = whist_zalloc(opt.depth + 1, sizeof *slots);
    struct whist_buffer payload = {0};
    if (d == NULL || fin == NULL || slots == NULL ||
        whist_buffer_reserve(&payload, FIN_LEN) != WHIST_OK) {
        whist_free(slots);
        whist_free(fin);
        whist_free(d);
        return whist_fail(err, WHIST_ERR_NOMEM, (int)opt.peer, NULL, "no memory for a link");
    }
    fin->payload = payload;
    d->opt = opt;
    d->random = opt.seed;
    d->fin = fin;
    d->slots = slots;
    d->n_slots = opt.depth + 1;
    d->queue_tail = &d->queue;
    d->segments_tail = &d->segments;
    d->life_ms = d->began_ms = now;
    whist_hash_init(&d->out.hash, "whist link");
    whist_hash_init(&d->in.hash, "whist link");
    *delivery_out = d;
    return WHIST_OK;
}

void whist_delivery_free(struct delivery *d)
{
    if (d != NULL) {
        whist_dlv_free_out(d);
        whist_dlv_free_in(d);
        whist_wipe(d, sizeof *d);
        whist_free(d);
    }
}

/* ---- Running hashes ---- */

/* Longest record: a length in groups of 7 bits, a label with its length. */
#define RECORD_MAX (10 + 1 + WHIST_MAX_PHASE)
/* In a record: the label is that of the message before. */
#define SAME_LABEL 255

/* Short records are hashed together: there is one for each message. */
void whist_dlv_run(struct running *r, uint64_t len, const char *phase, size_t phase_len)
{
    r->messages++;
    r->bytes += len;
    if (sizeof r->records - r->n_records < RECORD_MAX) {
        whist_hash_raw(&r->hash, r->records, r->n_records);
        r->n_records = 0;
    }
    uint8_t *at = put_varint(r->records + r->n_records, len);
    if (phase == NULL || (phase_len == r->phase_len && memcmp(r->phase, phase, phase_len) == 0)) {
        *at++ = SAME_LABEL;
    } else {
        *at++ = (uint8_t)phase_len;
        memcpy(at, phase, phase_len);
        at += phase_len;
        memcpy(r->phase, phase, phase_len);
        r->phase_len = (uint8_t)phase_len;
    }
    r->n_records = (size_t)(at - r->records);
}

void whist_dlv_run_hash(uint8_t out[32], const struct running *r)
{
    struct hash copy = r->hash;
    whist_hash_raw(&copy, r->records, r->n_records);
    whist_hash_final(&copy, out);
}

/* ---- Agreement ---- */

void whist_dlv_hello(const struct delivery *d, struct hello *hello_out)
{
    hello_out->n = (uint32_t)d->opt.n;
    memcpy(hello_out->session, d->opt.session, WHIST_SESSION_LEN);
    memcpy(hello_out->config, d->opt.config, WHIST_CONFIG_LEN);
}

static const char *hex(char *out, const uint8_t *bytes, size_t len)
{
    *put_hex(out, bytes, len) = '\0';
    return out;
}

bool whist_dlv_agree(const struct delivery *d, const struct hello *theirs, char *text_out,
                     size_t text_size)
{
    char a[2 * WHIST_CONFIG_LEN + 1], b[2 * WHIST_CONFIG_LEN + 1];
    if (memcmp(theirs->session, d->opt.session, WHIST_SESSION_LEN) != 0) {
        snprintf(text_out, text_size, "session: this party has %s, party %zu has %s",
                 hex(a, d->opt.session, WHIST_SESSION_LEN), d->opt.peer,
                 hex(b, theirs->session, WHIST_SESSION_LEN));
        return false;
    }
    if (theirs->n != d->opt.n) {
        snprintf(text_out, text_size, "n: this party counts %zu parties, party %zu counts %u",
                 d->opt.n, d->opt.peer, (unsigned)theirs->n);
        return false;
    }
    if (memcmp(theirs->config, d->opt.config, WHIST_CONFIG_LEN) != 0) {
        snprintf(text_out, text_size, "config: this party has hash %s, party %zu has %s",
                 hex(a, d->opt.config, WHIST_CONFIG_LEN), d->opt.peer,
                 hex(b, theirs->config, WHIST_CONFIG_LEN));
        return false;
    }
    return true;
}

void whist_dlv_connect(struct delivery *d, int64_t now, uint64_t peer_epoch)
{
    d->connected = true;
    d->peer_epoch = peer_epoch;
    d->life_ms = now;
    d->failures = 0;
    d->retry_ms = 0;
    d->foreign_ms = 0;
    whist_dlv_await(d, now);
}

bool whist_delivery_connected(const struct delivery *d)
{
    return d->connected;
}

/* ---- Failure ---- */

void whist_dlv_trouble(struct delivery *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(d->trouble, sizeof d->trouble, fmt, args);
    va_end(args);
    whist_make_printable(d->trouble);
}

/* After these, messages that came before may still be taken. */
static bool keeps_inbox(whist_status status)
{
    return status == WHIST_ERR_UNREACHABLE;
}

static void set_failure(struct delivery *d, int64_t now, bool tell, const struct whist_error *why)
{
    if (d->failed || d->done) {
        return;
    }
    d->failed = true;
    d->error = *why;
    d->error.peer = (int)d->opt.peer;
    d->tell = tell;
    d->tell_error = *why;
    d->tell_until_ms = now + d->opt.linger_ms;
    d->retry_ms = 0;
    whist_dlv_drop_out(d);
    if (!keeps_inbox(why->status)) {
        whist_dlv_drop_in(d);
    }
    whist_dlv_await(d, now);
    whist_dlv_settle(d, now);
}

void whist_dlv_fail(struct delivery *d, int64_t now, bool tell, whist_status status,
                    const char *phase, const char *fmt, ...)
{
    struct whist_error why = {.status = status};
    va_list args;
    if (phase != NULL) {
        snprintf(why.phase, sizeof why.phase, "%s", phase);
    }
    va_start(args, fmt);
    vsnprintf(why.text, sizeof why.text, fmt, args);
    va_end(args);
    set_failure(d, now, tell, &why);
}

void whist_delivery_abort(struct delivery *d, int64_t now, const struct whist_error *why)
{
    WHIST_REQUIRE(why->status != WHIST_OK);
    set_failure(d, now, true, why);
}

void whist_delivery_fail(struct delivery *d, int64_t now, const struct whist_error *why)
{
    WHIST_REQUIRE(why->status != WHIST_OK);
    d->hearsay = d->hearsay || (!d->failed && !d->done && why->status == WHIST_ERR_ABORTED &&
                                why->peer != (int)d->opt.peer);
    set_failure(d, now, false, why);
}

const struct whist_error *whist_delivery_failure(const struct delivery *d)
{
    return d->failed ? &d->error : NULL;
}

static whist_status report_failure(const struct delivery *d, const char *phase,
                                   struct whist_error *err)
{
    const char *label = d->error.phase[0] != '\0' ? d->error.phase : phase;
    return whist_fail(err, d->error.status, (int)d->opt.peer, label, "%s", d->error.text);
}

/* ---- Messages ---- */

bool whist_delivery_writable(const struct delivery *d, size_t len)
{
    return d->outbox == 0 || (len <= d->opt.outbox_bytes &&
                              d->outbox + len + WHIST_FRAME_COST <= d->opt.outbox_bytes);
}

uint64_t whist_delivery_outbox(const struct delivery *d)
{
    return d->outbox;
}

uint64_t whist_delivery_acked(const struct delivery *d)
{
    return d->out_acked;
}

size_t whist_delivery_flying(const struct delivery *d)
{
    return d->data_flying;
}

bool whist_delivery_roomy(const struct delivery *d, size_t len)
{
    size_t eighth = d->opt.outbox_bytes / 8, room = eighth < ROOMY_MAX ? eighth : ROOMY_MAX;
    return whist_delivery_writable(d, len > room ? len : room);
}

/* What keeps the link from sending. */
static whist_status check_sending(const struct delivery *d, size_t len, const char *phase,
                                  struct whist_error *err)
{
    size_t peer = d->opt.peer;
    WHIST_REQUIRE(strlen(phase) <= WHIST_MAX_PHASE);
    if (d->failed) {
        return report_failure(d, phase, err);
    }
    if (d->closing || d->done) {
        return whist_fail(err, WHIST_ERR_CLOSED, (int)peer, phase, "the channel is closed");
    }
    if (d->peer_fin) {
        return whist_fail(err, WHIST_ERR_CLOSED, (int)peer, phase,
                          "party %zu has closed its channel and takes no more messages", peer);
    }
    return whist_delivery_writable(d, len) ? WHIST_OK : WHIST_ERR_WINDOW_FULL;
}

static void count_sent(struct delivery *d, size_t len)
{
    d->stats.messages_sent++;
    d->stats.payload_sent += len;
}

static whist_status note_sent(struct delivery *d, int64_t now, bool queued, size_t len,
                              const char *phase, struct whist_error *err)
{
    if (!queued) {
        return whist_fail(err, WHIST_ERR_NOMEM, (int)d->opt.peer, phase,
                          "no memory to queue %zu bytes", len);
    }
    count_sent(d, len);
    if (!d->awaiting) {
        whist_dlv_await(d, now);
    }
    return WHIST_OK;
}

whist_status whist_delivery_send(struct delivery *d, int64_t now, struct whist_buffer *msg,
                                 const char *phase, struct whist_error *err)
{
    size_t len = msg->len;
    TRY(check_sending(d, len, phase, err));
    return note_sent(d, now, whist_dlv_queue(d, now, msg, phase), len, phase, err);
}

bool whist_delivery_share(struct delivery *d, struct whist_bytes msg, const char *phase)
{
    /* Where there is an open unit, nothing has failed or closed: that would have dropped it, or put
     * a FIN behind it. */
    if (d->open == NULL || d->peer_fin || !whist_delivery_writable(d, msg.len) ||
        !whist_dlv_share(d, msg, phase, strlen(phase))) {
        return false;
    }
    count_sent(d, msg.len);
    return true;
}

whist_status whist_delivery_send_view(struct delivery *d, int64_t now, struct whist_bytes msg,
                                      const char *phase, struct whist_error *err)
{
    struct whist_buffer copy = {0};
    if (whist_delivery_share(d, msg, phase)) {
        return WHIST_OK;
    }
    TRY(check_sending(d, msg.len, phase, err));
    bool queued = whist_buffer_append(&copy, msg.data, msg.len) == WHIST_OK &&
                  whist_dlv_queue(d, now, &copy, phase);
    whist_buffer_clear(&copy);
    return note_sent(d, now, queued, msg.len, phase, err);
}

bool whist_delivery_readable(const struct delivery *d)
{
    return d->ring.count != 0 || d->failed || d->peer_fin || d->closing || d->done;
}

/* The parties are out of step: for both, an error with both labels. */
static whist_status out_of_step(struct delivery *d, int64_t now, uint64_t index, const char *label,
                                const char *phase, struct whist_error *err)
{
    if (d->failed) {
        return report_failure(d, phase, err);
    }
    whist_dlv_fail(d, now, true, WHIST_ERR_PROTOCOL, phase,
                   "out of step at message %llu from party %zu to party %zu: party %zu sent phase "
                   "\"%s\", party %zu expects phase \"%s\"",
                   (unsigned long long)index, d->opt.peer, d->opt.me, d->opt.peer, label, d->opt.me,
                   phase);
    return report_failure(d, phase, err);
}

whist_status whist_delivery_take_from(struct delivery *d, int64_t now, struct parcel **parcel,
                                      struct whist_buffer *msg_out, const char *phase,
                                      struct whist_error *err)
{
    char label[WHIST_MAX_PHASE + 1];
    whist_status st = whist_parcel_take(parcel, msg_out, phase);
    if (st == WHIST_ERR_PROTOCOL) {
        uint64_t index = whist_parcel_next(*parcel, label);
        return out_of_step(d, now, index, label, phase, err);
    }
    return st == WHIST_OK ? st
                          : whist_fail(err, st, (int)d->opt.peer, phase, "no memory for a message");
}

struct parcel *whist_delivery_take_parcel(struct delivery *d)
{
    struct parcel *p = NULL;
    if (d->ring.count != 0 && !d->closing && !d->done) {
        p = whist_dlv_ring_first(d)->parcel;
    }
    if (p != NULL) {
        d->ring.messages -= whist_parcel_count(p);
        whist_dlv_ring_pop(d);
    }
    return p;
}

whist_status whist_delivery_take(struct delivery *d, int64_t now, struct whist_buffer *msg_out,
                                 const char *phase, struct whist_error *err)
{
    size_t peer = d->opt.peer;
    WHIST_REQUIRE(msg_out->data == NULL && strlen(phase) <= WHIST_MAX_PHASE);
    if (d->closing || d->done) {
        return d->failed
                   ? report_failure(d, phase, err)
                   : whist_fail(err, WHIST_ERR_CLOSED, (int)peer, phase, "the channel is closed");
    }
    if (d->ring.count != 0) {
        struct message *m = whist_dlv_ring_first(d);
        if (m->parcel != NULL) {
            TRY(whist_delivery_take_from(d, now, &m->parcel, msg_out, phase, err));
            uint64_t weight = msg_out->len + WHIST_FRAME_COST;
            d->in_consumed += weight;
            m->weight -= weight;
            d->ring.messages--;
            if (m->parcel == NULL) {
                whist_dlv_ring_pop(d);
            }
            return WHIST_OK;
        }
        if (strcmp(m->phase, phase) != 0) {
            char label[WHIST_MAX_PHASE + 1];
            memcpy(label, m->phase, sizeof label); /* a failure drops the message */
            return out_of_step(d, now, d->in.messages - d->ring.messages, label, phase, err);
        }
        *msg_out = m->body;
        m->body = (struct whist_buffer){0};
        d->ring.messages--;
        whist_dlv_ring_pop(d);
        return WHIST_OK;
    }
    if (d->failed) {
        return report_failure(d, phase, err);
    }
    if (d->peer_fin) {
        return whist_fail(err, WHIST_ERR_CLOSED, (int)peer, phase,
                          "party %zu has closed its channel after %llu messages", peer,
                          (unsigned long long)d->in.messages);
    }
    return WHIST_ERR_TIMEOUT;
}

void whist_delivery_wait_begin(struct delivery *d, int64_t now, const char *phase)
{
    d->waiters++;
    d->hurry = d->open != NULL;
    snprintf(d->wait_phase, sizeof d->wait_phase, "%s", phase);
    whist_dlv_stream(d);
    whist_dlv_await(d, now);
}

void whist_delivery_wait_end(struct delivery *d, int64_t now)
{
    WHIST_REQUIRE(d->waiters != 0);
    d->waiters--;
    whist_dlv_await(d, now);
}

void whist_dlv_await(struct delivery *d, int64_t now)
{
    bool receiving = d->waiters != 0 && !d->peer_fin;
    bool goodbye = d->closing && !d->fin_acked && !d->peer_fin;
    bool awaiting = !d->failed && !d->done && (receiving || goodbye || d->outbox != 0);
    if (awaiting && !d->awaiting) {
        d->awaiting_ms = now;
    }
    d->awaiting = awaiting;
}

void whist_delivery_stats(const struct delivery *d, struct delivery_stats *stats_out)
{
    *stats_out = d->stats;
    stats_out->outbox_now = (size_t)d->outbox;
    stats_out->inbox_now = (size_t)(d->in_next - d->in_consumed);
}

/* ---- Ends ---- */

void whist_delivery_close(struct delivery *d, int64_t now, int64_t deadline_ms)
{
    if (d->closing || d->failed || d->done) {
        return;
    }
    d->closing = true;
    d->closing_ms = now;
    d->close_deadline_ms = deadline_ms;
    whist_dlv_queue_fin(d);
    whist_dlv_drop_in(d);
    whist_dlv_await(d, now);
    whist_dlv_settle(d, now);
}

bool whist_delivery_done(const struct delivery *d, whist_status *status_out,
                         struct whist_error *err)
{
    whist_status st = WHIST_OK;
    size_t peer = d->opt.peer;
    if (!d->done) {
        return false;
    }
    unsigned long long left = d->n_outbox;
    if (d->failed) {
        st = report_failure(d, NULL, err);
    } else if (left != 0 && d->peer_fin) {
        st = whist_fail(err, WHIST_ERR_CLOSED, (int)peer, NULL,
                        "party %zu closed its channel before it had the last %llu messages", peer,
                        left);
    } else if (d->close_late) {
        st = whist_fail(
            err, WHIST_ERR_TIMEOUT, (int)peer, NULL,
            "closing: at the deadline party %zu had not acknowledged %llu messages%s%.150s", peer,
            left, d->trouble[0] != '\0' ? "; last trouble: " : "", d->trouble);
    }
    if (status_out != NULL) {
        *status_out = st;
    }
    return true;
}
