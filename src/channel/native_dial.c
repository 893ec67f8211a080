/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* How connections to a peer are made, and how they end. Sockets are watched edge-triggered, for
 * everything, once: whoever gets EAGAIN knows that an event will come. I/O thread only. */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "channel/native.h"

#define ANSWER_KEPT   4096  /* bytes of an answer's body that are kept */
#define ADDRESS_MS    3000  /* for one of several addresses of a name */
#define IDLE_MS       45000 /* after which an idle connection is closed, before others do it */
#define EXTRA_WAIT_MS 1000  /* between attempts to make another connection beside others */
#define EXTRA_MS      3000  /* for such an attempt */
#define LAG_SHARES    4     /* how far behind its share a connection may fall */

static void on_events(struct http_io *io, uint32_t events);
static void dial_next(struct native_link *l, int64_t now);

/* ---- Ends ---- */

static void close_conn(struct native_link *l, struct native_conn *c, int64_t now)
{
    struct whist_error unused;

    while (c->busy) {
        (void)whist_waitq_wait(&l->changed, &l->lock, INT64_MAX);
    }
    if (c->stream.tls != NULL && c->io.fd >= 0) {
        whist_tls_close(c->stream.tls);
        (void)whist_stream_flush(&c->stream, &unused);
    }
    if (c->broken && c->stream.wire_in != 0 && c->why[0] != '\0') {
        whist_delivery_heard(l->d, now, c->why);
    }
    l->wire_in += c->stream.wire_in;
    l->wire_out += c->stream.wire_out;
    whist_stream_clear(&c->stream);
    whist_http_close(&l->ch->ep->loop, &c->io);
    whist_http_parser_clear(&c->parser);
    for (size_t i = 0; i < c->count; i++) {
        whist_delivery_lost(l->d, now, c->request[(c->at + i) % PIPELINE_MAX].id,
                            c->why[0] != '\0' ? c->why : NULL);
    }
    c->state = NATIVE_OFF;
    c->count = c->n_sent = c->offset = c->bytes = 0;
    c->broken = c->blocked = c->last = c->read_later = false;
    if (l->dialling == c) {
        l->dialling = NULL;
    }
}

static void note(struct native_link *l, const char *what, const char *why)
{
    snprintf(l->dial_why, sizeof l->dial_why, "%.*s%s%.130s", why[0] != '\0' ? 60 : 190, what,
             why[0] != '\0' ? ": " : "", why);
}

static void note_errno(struct native_link *l, const char *what, int error)
{
    char text[WHIST_NET_TEXT_MAX];

    whist_net_error_text(text, error);
    note(l, what, text);
}

/* No connection could be made. */
static void dial_failed(struct native_link *l, int64_t now)
{
    bool news = strcmp(l->dial_why, l->dial_said) != 0;

    whist_logf(&l->ch->log, news ? WHIST_LOG_INFO : WHIST_LOG_DEBUG,
               "http: party %zu (%s): %s; trying again", l->peer, l->url_text, l->dial_why);
    memcpy(l->dial_said, l->dial_why, sizeof l->dial_said);
    l->dialling = NULL;
    l->dial_wanted = false;
    l->dial_after_ms = now + EXTRA_WAIT_MS;
    if (l->has_parked) {
        l->has_parked = false;
        l->dial_after_ms = 0;
        whist_delivery_lost(l->d, now, l->parked.id, l->dial_why);
    }
}

/* ---- Connecting ---- */

static struct native_conn *free_conn(struct native_link *l)
{
    struct native_conn *c = l->conn;

    while (c < l->conn + l->max_conns && c->state != NATIVE_OFF) {
        c++;
    }
    return c < l->conn + l->max_conns ? c : NULL;
}

static void dial_start(struct native_link *l, int64_t now)
{
    l->next_address = 0;
    l->addresses.n = 0;
    if (free_conn(l) == NULL) {
        l->dial_wanted = false;
        return;
    }
    if (whist_net_literal(&l->addresses, &l->url)) {
        dial_next(l, now);
        return;
    }
    l->lookup = whist_net_lookup_start(&l->url, l->ch->ep->loop.wake.fd);
    if (l->lookup == NULL) {
        note(l, "no resources to look its name up", "");
        dial_failed(l, now);
    }
}

static void end_lookup(struct native_link *l, int64_t now)
{
    char text[WHIST_NET_TEXT_MAX];

    if (!whist_net_lookup_done(l->lookup, &l->addresses, text)) {
        return;
    }
    whist_net_lookup_free(l->lookup);
    l->lookup = NULL;
    if (l->addresses.n == 0) {
        note(l, "its name cannot be resolved", text);
        dial_failed(l, now);
        return;
    }
    dial_next(l, now);
}

static void begin(struct native_link *l, struct native_conn *c, int fd, int64_t now)
{
    c->io = (struct http_io){.fd = fd, .on_events = on_events};
    c->link = l;
    c->stream = (struct stream){.fd = fd};
    c->state = NATIVE_CONNECTING;
    c->at = c->count = c->n_sent = c->offset = c->bytes = 0;
    c->ending = false;
    c->busy = c->read_later = c->blocked = c->broken = c->last = false;
    c->moved = 0;
    c->idle_ms = now;
    c->n_informational = 0;
    c->why[0] = '\0';
    whist_http_parser_init(&c->parser, WHIST_HTTP_RESPONSE, ANSWER_KEPT);
}

static bool watch(struct native_link *l, struct native_conn *c)
{
    return whist_http_watch(&l->ch->ep->loop, &c->io,
                            EPOLLIN | EPOLLOUT | EPOLLRDHUP | (uint32_t)EPOLLET, true);
}

/* No connection beside others could be made. */
static void extra_failed(struct native_link *l, struct native_conn *c, int64_t now)
{
    whist_logf(&l->ch->log, WHIST_LOG_DEBUG, "http: party %zu (%s): no further connection: %s",
               l->peer, l->url_text, l->dial_why);
    l->has_known = false;
    l->dial_after_ms = now + EXTRA_WAIT_MS;
    if (c->state != NATIVE_OFF) {
        close_conn(l, c, now);
    }
}

/* Connections that take requests. */
static size_t count_ready(const struct native_link *l)
{
    size_t n = 0;

    for (const struct native_conn *c = l->conn; c < l->conn + l->max_conns; c++) {
        n += c->state == NATIVE_READY && !c->broken && !c->last ? 1 : 0;
    }
    return n;
}

/* Connections beside others go to the address of those: as many at once as there are already, since
 * on a long line each takes its time. */
static void dial_extra(struct native_link *l, int64_t now)
{
    size_t ready = count_ready(l), pending = 0;
    struct native_conn *c;

    for (c = l->conn; c < l->conn + l->max_conns; c++) {
        pending += c->state == NATIVE_CONNECTING || c->state == NATIVE_HANDSHAKE ? 1 : 0;
    }
    l->dial_wanted = false;
    while (pending == 0 && ready-- != 0 && (c = free_conn(l)) != NULL) {
        int fd = whist_net_connect(&l->known);
        if (fd >= 0) {
            begin(l, c, fd, now);
        }
        if (fd < 0 || !watch(l, c)) {
            note_errno(l, "connect", errno);
            extra_failed(l, c, now);
            return;
        }
    }
}

static void dial_next(struct native_link *l, int64_t now)
{
    struct native_conn *c = free_conn(l);

    l->dialling = NULL;
    while (c != NULL && l->next_address < l->addresses.n) {
        const struct whist_net_address *a = &l->addresses.at[l->next_address++];
        char where[WHIST_NET_TEXT_MAX];
        int fd = whist_net_connect(a);
        whist_net_address_text(where, a);
        if (fd >= 0) {
            begin(l, c, fd, now);
            if (watch(l, c)) {
                note(l, where, "no answer yet");
                l->dialling = c;
                l->dial_until_ms = l->next_address < l->addresses.n ? now + ADDRESS_MS : 0;
                return;
            }
            close_conn(l, c, now);
        }
        note_errno(l, where, errno);
    }
    dial_failed(l, now);
}

static void start_tls(struct native_link *l, struct native_conn *c, int64_t now)
{
    struct whist_error err;

    if (whist_tls_connect(&c->stream.tls, l->ch->ep->tls, l->ch->trust, l->peer,
                          l->server_name[0] != '\0' ? l->server_name : NULL, &err) != WHIST_OK) {
        note(l, "TLS", err.text);
        if (l->dialling != c) {
            extra_failed(l, c, now);
            return;
        }
        close_conn(l, c, now);
        dial_failed(l, now);
        return;
    }
    c->state = NATIVE_HANDSHAKE;
}

static void connected(struct native_link *l, struct native_conn *c, int64_t now)
{
    char where[WHIST_NET_TEXT_MAX];
    int error = whist_net_connected(c->io.fd);
    bool extra = l->dialling != c;
    const struct whist_net_address *address =
        extra ? &l->known : &l->addresses.at[l->next_address - 1];

    if (error == EINPROGRESS) {
        return;
    }
    if (error != 0) {
        whist_net_address_text(where, address);
        note_errno(l, where, error);
        if (extra) {
            extra_failed(l, c, now);
            return;
        }
        close_conn(l, c, now);
        dial_next(l, now);
        return;
    }
    l->connects++;
    l->known = *address;
    l->has_known = true;
    l->dial_wanted = false;
    if (l->ch->trust != NULL) {
        start_tls(l, c, now);
        return;
    }
    c->state = NATIVE_READY;
    l->dialling = extra ? l->dialling : NULL;
}

/* ---- Events and turns ---- */

static void handle_events(struct native_link *l, struct native_conn *c, uint32_t events,
                          int64_t now)
{
    if (c->state == NATIVE_CONNECTING) {
        connected(l, c, now);
        if (c->state != NATIVE_READY) {
            return;
        }
    }
    if ((events & EPOLLOUT) != 0) {
        c->blocked = false;
        c->writable = true;
    }
    c->ending = c->ending || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if ((events & ~(uint32_t)EPOLLOUT) == 0) {
        return;
    }
    if (c->busy) {
        c->read_later = true;
    } else {
        whist_client_read(c, now);
    }
}

static void on_events(struct http_io *io, uint32_t events)
{
    struct native_conn *c = (struct native_conn *)(void *)io;
    struct native_link *l = c->link;

    if (io->fd < 0) {
        return;
    }
    int64_t now = l->ch->ep->loop.now_ms;
    pthread_mutex_lock(&l->lock);
    handle_events(l, c, events, now);
    whist_dial_look(l, now);
    whist_link_update(l, now);
    whist_link_unlock(l);
}

/* The others have moved several times what this one should have, and its first POST is not done:
 * what comes after that waits for it. A new connection, or another one, will do better. */
static bool lags(const struct native_link *l, const struct native_conn *c, int64_t now)
{
    uint64_t open = 0;

    for (const struct native_conn *o = l->conn; o < l->conn + l->max_conns; o++) {
        open += o->state == NATIVE_READY ? 1 : 0;
    }
    return open > 1 && c->count != 0 && now - c->first_ms >= l->lag_ms &&
           l->answered - c->first_at >= LAG_SHARES * open * c->request[c->at].len;
}

/* A connection that is good for nothing more. */
static void retire(struct native_link *l, struct native_conn *c, int64_t now)
{
    bool pending = c->state == NATIVE_CONNECTING || c->state == NATIVE_HANDSHAKE;

    if (pending && c != l->dialling && now - c->idle_ms >= EXTRA_MS) {
        note(l, "no answer", "");
        extra_failed(l, c, now);
    } else if (c->state == NATIVE_READY && c->count == 0 && now - c->idle_ms >= IDLE_MS) {
        c->why[0] = '\0';
        close_conn(l, c, now);
    } else if (c->state == NATIVE_READY && lags(l, c, now)) {
        snprintf(c->why, sizeof c->why, "a connection fell far behind the others");
        whist_logf(&l->ch->log, WHIST_LOG_DEBUG, "http: party %zu (%s): %s", l->peer, l->url_text,
                   c->why);
        close_conn(l, c, now);
    }
}

void whist_dial_look(struct native_link *l, int64_t now)
{
    for (struct native_conn *c = l->conn; c < l->conn + l->max_conns; c++) {
        if (c->broken) {
            /* Over before the POST for which it was made had its turn? */
            bool in_vain = l->has_parked && l->dialling == NULL;
            if (c->state == NATIVE_HANDSHAKE || in_vain) {
                note(l, c->state == NATIVE_HANDSHAKE ? "TLS handshake" : "before a request",
                     c->why[0] != '\0' ? c->why : "the connection ended");
                if (!in_vain && c != l->dialling) {
                    extra_failed(l, c, now);
                    continue;
                }
                close_conn(l, c, now);
                dial_failed(l, now);
            } else {
                close_conn(l, c, now);
            }
        } else {
            retire(l, c, now);
        }
    }
    if (l->lookup != NULL) {
        end_lookup(l, now);
    } else if (l->dialling != NULL && l->dialling->state == NATIVE_CONNECTING &&
               l->dial_until_ms != 0 && now >= l->dial_until_ms) {
        close_conn(l, l->dialling, now);
        dial_next(l, now);
    } else if (l->dial_wanted && l->dialling == NULL && now >= l->dial_after_ms) {
        if (l->has_known && count_ready(l) != 0) {
            dial_extra(l, now);
        } else {
            dial_start(l, now);
        }
    }
}

void whist_dial_give_up(struct native_link *l, int64_t now, uint64_t id)
{
    if (l->has_parked && l->parked.id == id) {
        if (l->dialling != NULL) {
            close_conn(l, l->dialling, now);
        }
        dial_failed(l, now);
        return;
    }
    for (struct native_conn *c = l->conn; c < l->conn + l->max_conns; c++) {
        for (size_t i = 0; i < c->count; i++) {
            if (c->request[(c->at + i) % PIPELINE_MAX].id == id) {
                snprintf(c->why, sizeof c->why, "no answer in time");
                close_conn(l, c, now);
                return;
            }
        }
    }
}

void whist_dial_clear(struct native_link *l)
{
    int64_t now = whist_now_ms();

    whist_net_lookup_free(l->lookup);
    l->lookup = NULL;
    for (struct native_conn *c = l->conn; c < l->conn + l->max_conns; c++) {
        if (c->state != NATIVE_OFF) {
            close_conn(l, c, now);
        }
    }
    if (l->has_parked) {
        l->has_parked = false;
        whist_delivery_lost(l->d, now, l->parked.id, NULL);
    }
}

int64_t whist_dial_deadline(const struct native_link *l)
{
    if (l->dialling != NULL) {
        return l->dial_until_ms != 0 ? l->dial_until_ms : INT64_MAX;
    }
    return l->dial_wanted && l->lookup == NULL ? l->dial_after_ms : INT64_MAX;
}
