/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Connections to a peer: requests out, answers in. Both happen in whatever thread has the occasion:
 * that of a sender, or the I/O thread. */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "channel/native.h"

#define INFORMATIONAL_MAX 16
#define ANSWERS_READ      16384           /* bytes of answers that are read at once */
#define LIGHT             ((size_t)65536) /* bytes in flight up to which a connection is preferred */
#define UNWRITTEN         ((size_t)262144) /* bytes not written yet, up to which one takes more */
#define IOV_MAX_PARTS     64
#define WRITE_MAX         ((size_t)1048576) /* bytes of one write, about */

static struct native_request *request_at(struct native_conn *c, size_t i)
{
    return &c->request[(c->at + i) % PIPELINE_MAX];
}

static bool has_unsent(const struct native_conn *c)
{
    return c->n_sent < c->count || whist_stream_unsent(&c->stream);
}

static void break_conn(struct native_conn *c, const char *why)
{
    if (!c->broken) {
        c->broken = true;
        snprintf(c->why, sizeof c->why, "%s", why);
    }
    atomic_store(&c->link->dirty, true);
    whist_http_wake(&c->link->ch->ep->loop);
}

static void break_errno(struct native_conn *c, const char *what, int error,
                        const struct whist_error *err)
{
    char text[WHIST_NET_TEXT_MAX], why[400];

    whist_net_error_text(text, error);
    snprintf(why, sizeof why, "%s%.380s", what, err->status != WHIST_OK ? err->text : text);
    break_conn(c, why);
}

/* ---- Requests ---- */

/* Bytes of requests that the socket has not taken yet. */
static size_t unwritten(struct native_conn *c)
{
    size_t n = 0;

    for (size_t i = c->n_sent; i < c->count; i++) {
        n += request_at(c, i)->len;
    }
    return n - (n != 0 ? c->offset : 0);
}

/* The connection for the next POST: one with little in flight, else the one with the fewest bytes;
 * NULL if there is none. On a long line connections are of different speed: so large POSTs are left
 * in the queue until a connection is about to run dry, and none waits on a slow one while others
 * are idle. What ends a link may overtake. */
static struct native_conn *pick(struct native_link *l)
{
    struct native_conn *best = NULL;
    size_t extra = whist_delivery_failure(l->d) != NULL ? 1 : 0;

    for (struct native_conn *c = l->conn; c < l->conn + l->max_conns; c++) {
        if (c->state != NATIVE_READY || c->broken || c->last) {
            continue;
        }
        if (c->bytes < LIGHT && c->count < l->light + extra) {
            return c;
        }
        if (c->count >= l->pipeline + extra || (extra == 0 && unwritten(c) >= UNWRITTEN)) {
            continue;
        }
        best = best == NULL || c->bytes < best->bytes ? c : best;
    }
    return best;
}

static char *put_text(char *at, const char *text, size_t len)
{
    memcpy(at, text, len);
    return at + len;
}

/* The end of a head: the length, what goes behind the body, and the empty line. One for each POST,
 * so without snprintf. */
static size_t put_tail(char out[HEAD_TAIL_MAX], const struct delivery_post *post)
{
    char *at = put_decimal(out, post->body_len);

    if (post->n_body < post->n_parts) {
        at = put_text(at, "\r\n" POST_END_FIELD ": ", 4 + sizeof POST_END_FIELD - 1);
    }
    for (size_t i = post->n_body; i < post->n_parts; i++) {
        at = put_hex(at, post->parts[i].data, post->parts[i].len);
    }
    return (size_t)(put_text(at, "\r\n\r\n", 4) - out);
}

static void begin_first(struct native_conn *c, int64_t now)
{
    c->first_ms = now;
    c->first_at = c->link->answered;
}

static void put(struct native_conn *c, const struct delivery_post *post, int64_t now)
{
    struct native_request *r = request_at(c, c->count);

    r->id = post->id;
    r->parts = post->parts;
    r->n_parts = post->n_body;
    r->tail_len = put_tail(r->tail, post);
    r->len = c->link->head_len + r->tail_len + post->body_len;
    c->bytes += r->len;
    if (c->count++ == 0) {
        begin_first(c, now);
    }
}

/* Gives POSTs to connections as long as there are both. */
static void assign(struct native_link *l, int64_t now)
{
    struct native_conn *c;
    struct delivery_post post;

    l->crowded = false;
    while ((c = pick(l)) != NULL) {
        if (l->has_parked) {
            l->has_parked = false;
            post = l->parked;
        } else if (!whist_delivery_next_post(l->d, now, &post)) {
            return;
        }
        put(c, &post, now);
    }
    l->crowded = true;
    if (!l->has_parked && l->dialling == NULL) {
        size_t open = 0;
        for (c = l->conn; c < l->conn + l->max_conns; c++) {
            open += c->state != NATIVE_OFF;
        }
        if (open == 0) {
            l->has_parked = whist_delivery_next_post(l->d, now, &l->parked);
            l->dial_after_ms = 0; /* it is no extra one */
        }
        if (l->has_parked || (open != 0 && open < l->max_conns && !l->dial_wanted &&
                              whist_delivery_wants_post(l->d, now))) {
            l->dial_wanted = true;
            atomic_store(&l->dirty, true);
            whist_http_wake(&l->ch->ep->loop);
        }
    }
}

/* ---- Writing ---- */

struct parts {
    struct iovec v[IOV_MAX_PARTS];
    int n;
    size_t len, skip;
};

/* Adds a part, without what was written of it already. */
static void add(struct parts *p, const void *data, size_t len)
{
    if (p->skip >= len) {
        p->skip -= len;
        return;
    }
    p->v[p->n++] = (struct iovec){(uint8_t *)(uintptr_t)data + p->skip, len - p->skip};
    p->len += len - p->skip;
    p->skip = 0;
}

static void collect(struct native_conn *c, struct parts *p)
{
    *p = (struct parts){.skip = c->offset};
    for (size_t i = c->n_sent; i < c->count && p->len < WRITE_MAX && p->n + 5 <= IOV_MAX_PARTS;
         i++) {
        const struct native_request *r = request_at(c, i);
        add(p, c->link->head, c->link->head_len);
        add(p, r->tail, r->tail_len);
        for (size_t k = 0; k < r->n_parts; k++) {
            add(p, r->parts[k].data, r->parts[k].len);
        }
    }
}

static void advance(struct native_conn *c, size_t n)
{
    c->offset += n;
    while (c->n_sent < c->count && c->offset >= request_at(c, c->n_sent)->len) {
        c->offset -= request_at(c, c->n_sent)->len;
        c->n_sent++;
    }
}

/* Writes what the socket takes, with the lock released meanwhile. */
static void write_out(struct native_link *l, struct native_conn *c, int64_t now)
{
    struct whist_error err = {.status = WHIST_OK};
    struct parts p;
    stream_result r = STREAM_OK;

    c->busy = true;
    while (has_unsent(c) && r == STREAM_OK && !c->broken) {
        size_t n = 0;
        collect(c, &p);
        c->writable = false;
        pthread_mutex_unlock(&l->lock);
        r = p.n != 0 ? whist_stream_write(&c->stream, p.v, p.n, &n, &err)
                     : whist_stream_flush(&c->stream, &err);
        int error = errno;
        pthread_mutex_lock(&l->lock);
        advance(c, n);
        if (r == STREAM_WAIT && c->writable) {
            r = STREAM_OK; /* the event came before this thread could wait for it */
        } else if (r == STREAM_ERROR) {
            break_errno(c, "sending: ", error, &err);
        }
    }
    c->blocked = r == STREAM_WAIT;
    c->idle_ms = now;
    if (c->read_later && !c->broken) {
        c->read_later = false;
        whist_client_read(c, now);
    }
    c->busy = false;
    if (c->broken) {
        whist_waitq_wake(&l->changed, true); /* who waits to close it */
    }
}

void whist_client_pump(struct native_link *l, int64_t now)
{
    for (;;) {
        struct native_conn *c = l->conn, *end = l->conn + l->max_conns;
        assign(l, now);
        while (c < end && (c->state < NATIVE_HANDSHAKE || c->busy || c->blocked || c->broken ||
                           (c->state == NATIVE_HANDSHAKE ? !whist_stream_unsent(&c->stream)
                                                         : !has_unsent(c)))) {
            c++;
        }
        if (c == end) {
            return;
        }
        write_out(l, c, now);
    }
}

void whist_client_progress(struct native_link *l, int64_t now)
{
    for (struct native_conn *c = l->conn; c < l->conn + l->max_conns; c++) {
        int queued = 0;
        if (c->state != NATIVE_READY || c->count == 0 || c->broken || c->busy) {
            continue;
        }
        if (ioctl(c->io.fd, SIOCOUTQ, &queued) != 0 || queued < 0) {
            continue;
        }
        uint64_t moved = c->stream.wire_out - (uint64_t)queued;
        if (moved != c->moved) {
            c->moved = moved;
            for (size_t i = 0; i < c->count; i++) {
                whist_delivery_progress(l->d, now, request_at(c, i)->id);
            }
        }
    }
}

/* ---- Answers ---- */

/* A whole answer has come. */
static void take_answer(struct native_conn *c, int64_t now)
{
    struct native_request *r = request_at(c, 0);
    struct whist_bytes body = whist_buffer_view(&c->parser.body);
    char why[160];
    bool early = c->n_sent == 0;

    if (early && c->parser.status < 400) {
        snprintf(why, sizeof why, "it answered %d before it had the whole POST", c->parser.status);
        break_conn(c, why);
        return;
    }
    c->bytes -= r->len;
    c->at = (c->at + 1) % PIPELINE_MAX;
    c->count--;
    c->n_sent -= early ? 0 : 1;
    c->link->answered += r->len;
    begin_first(c, now);
    body.len = body.len < WHIST_ANSWER_MAX ? body.len : WHIST_ANSWER_MAX;
    whist_delivery_answered(c->link->d, now, r->id, c->parser.status, body);
    if (early) {
        /* A refusal that did not wait for the body: what follows is not a request for the server.
         */
        c->offset = 0;
        break_conn(c, "");
    } else if (!c->parser.keep_alive) {
        c->last = true;
        break_conn(c, "");
    } else {
        whist_http_parser_next(&c->parser);
        c->n_informational = 0;
    }
}

/* One event of the answers' parser. */
static void take_event(struct native_conn *c, whist_http_event ev, int64_t now)
{
    char why[160];

    switch (ev) {
    case WHIST_HTTP_HEAD:
    case WHIST_HTTP_TOO_LARGE:
        break;
    case WHIST_HTTP_DONE:
        if (c->parser.status >= 200) {
            take_answer(c, now);
        } else if (c->parser.status != 101 && ++c->n_informational <= INFORMATIONAL_MAX) {
            whist_http_parser_next(&c->parser);
        } else {
            break_conn(c, "too many informational answers, or one to an upgrade");
        }
        break;
    case WHIST_HTTP_BAD:
        snprintf(why, sizeof why, "it did not answer in HTTP/1.1 (%s)", c->parser.why);
        break_conn(c, why);
        break;
    default:
        break_conn(c, "no memory for an answer");
        break;
    }
}

static void feed(struct native_conn *c, const uint8_t *data, size_t len, int64_t now)
{
    size_t used = 0, n;

    while (!c->broken && (used < len || !whist_http_parser_idle(&c->parser))) {
        if (c->count == 0) {
            break_conn(c, "it sent more than was asked for");
            return;
        }
        whist_http_event ev = whist_http_feed(&c->parser, &n, data + used, len - used);
        used += n;
        if (ev == WHIST_HTTP_MORE) {
            return;
        }
        take_event(c, ev, now);
    }
}

/* The other side is shut. */
static void take_eof(struct native_conn *c, int64_t now)
{
    if (c->broken) {
        return;
    }
    if (c->count != 0 && !whist_http_parser_idle(&c->parser)) {
        whist_http_event ev = whist_http_feed_eof(&c->parser);
        if (ev == WHIST_HTTP_DONE) {
            take_event(c, ev, now);
        }
        break_conn(c, "the connection ended within an answer");
        return;
    }
    break_conn(c, c->count != 0 && c->stream.wire_in == 0 ? "the connection ended before an answer"
                                                          : "");
}

static void read_plain(struct native_conn *c, int64_t now)
{
    uint8_t data[ANSWERS_READ];
    struct whist_error none = {.status = WHIST_OK};
    const struct iovec part = {data, sizeof data};

    while (!c->broken) {
        size_t n;
        switch (whist_stream_read(&c->stream, &part, 1, &n)) {
        case STREAM_OK:
            feed(c, data, n, now);
            if (n < sizeof data && !c->ending) {
                return; /* what comes later is another event */
            }
            break;
        case STREAM_EOF:
            take_eof(c, now);
            return;
        case STREAM_ERROR:
            break_errno(c, "", errno, &none);
            return;
        default:
            return;
        }
    }
}

static void established(struct native_conn *c)
{
    if (c->state == NATIVE_HANDSHAKE && whist_tls_established(c->stream.tls)) {
        c->state = NATIVE_READY;
        c->link->dialling = c->link->dialling == c ? NULL : c->link->dialling;
    }
}

static void read_tls(struct native_conn *c, int64_t now)
{
    uint8_t cipher[ANSWERS_READ], plain[ANSWERS_READ];
    struct whist_error err = {.status = WHIST_OK};

    while (!c->broken) {
        size_t len;
        stream_result r = whist_stream_receive(&c->stream, cipher, sizeof cipher, &len);
        if (r == STREAM_EOF) {
            if (whist_tls_eof(c->stream.tls, &err) != WHIST_OK && c->state == NATIVE_HANDSHAKE) {
                break_errno(c, "", 0, &err);
            }
            take_eof(c, now);
            return;
        }
        if (r != STREAM_OK) {
            if (r == STREAM_ERROR) {
                break_errno(c, "", errno, &err);
            }
            return;
        }
        while (r == STREAM_OK) {
            size_t n;
            r = whist_stream_decrypt(&c->stream, plain, sizeof plain, &n, &err);
            if (r == STREAM_OK) {
                feed(c, plain, n, now);
            }
        }
        established(c);
        if (r == STREAM_ERROR) {
            (void)whist_stream_flush(&c->stream, &(struct whist_error){0}); /* the alert */
            if (err.status == WHIST_ERR_CHECK && !whist_delivery_connected(c->link->d)) {
                whist_delivery_fail(c->link->d, now, &err); /* to try again would not help */
            }
            break_errno(c, "", 0, &err);
        } else if (r == STREAM_EOF) {
            take_eof(c, now);
        }
    }
}

void whist_client_read(struct native_conn *c, int64_t now)
{
    if (c->stream.tls != NULL) {
        read_tls(c, now);
    } else {
        read_plain(c, now);
    }
}
