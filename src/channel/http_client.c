/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The client of an HTTP channel: for each peer a queue, a connection that stays open, and one
 * message in flight. Everything here runs with the peer's lock held; timers, connecting and reading
 * only on the I/O thread. */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "channel/http_impl.h"

#define ANSWER_MAX        4096 /* bytes of an answer's body that are kept */
#define INFORMATIONAL_MAX 16   /* answers 1xx before the final one */

static void begin_round(struct http_peer *p);
static void connect_next(struct http_peer *p);
static void on_events(struct http_io *io, uint32_t events);

bool whist_httpc_init(struct http_peer *p, struct http_channel *ch, size_t index,
                      const struct whist_url *url, const char *url_text)
{
    *p = (struct http_peer){.io = {.fd = -1, .on_events = on_events},
                            .ch = ch,
                            .index = index,
                            .url = *url,
                            .state = PEER_OFF};
    p->tail = &p->head;
    snprintf(p->url_text, sizeof p->url_text, "%s", url_text);
    whist_http_parser_init(&p->parser, WHIST_HTTP_RESPONSE, ANSWER_MAX);
    if (!whist_cond_init(&p->changed)) {
        return false;
    }
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        pthread_cond_destroy(&p->changed);
        return false;
    }
    return true;
}

/* ---- Queue ---- */

bool whist_httpc_queue(struct http_peer *p, struct whist_buffer *msg, const char *phase)
{
    struct http_message *m = whist_zalloc(1, sizeof *m);

    if (m == NULL) {
        return false;
    }
    m->body = *msg;
    m->phase = phase;
    *msg = (struct whist_buffer){0};
    *p->tail = m;
    p->tail = &m->next;
    p->bytes += m->body.len + WHIST_HTTP_MESSAGE_COST;
    return true;
}

static void drop_from(struct http_peer *p, struct http_message **at)
{
    struct http_message *m = *at;

    *at = NULL;
    p->tail = at;
    while (m != NULL) {
        struct http_message *next = m->next;
        p->bytes -= m->body.len + WHIST_HTTP_MESSAGE_COST;
        whist_buffer_clear(&m->body);
        whist_free(m);
        m = next;
    }
}

void whist_httpc_drop(struct http_peer *p)
{
    drop_from(p, p->in_flight ? &p->head->next : &p->head);
}

static void pop_head(struct http_peer *p)
{
    struct http_message *m = p->head;

    p->head = m->next;
    if (p->head == NULL) {
        p->tail = &p->head;
    }
    p->bytes -= m->body.len + WHIST_HTTP_MESSAGE_COST;
    whist_buffer_clear(&m->body);
    whist_free(m);
}

/* ---- Ends of connections ---- */

static void disconnect(struct http_peer *p)
{
    whist_http_close(&p->ch->loop, &p->io);
    p->in_flight = p->reused = p->want_write = false;
    whist_http_parser_clear(&p->parser);
    whist_http_parser_init(&p->parser, WHIST_HTTP_RESPONSE, ANSWER_MAX);
    p->timer_ms = 0;
}

static void set_last_error(struct http_peer *p, const char *what, const char *why)
{
    snprintf(p->last_error, sizeof p->last_error, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
}

static void set_last_errno(struct http_peer *p, const char *what, int error)
{
    char text[WHIST_NET_TEXT_MAX];

    whist_net_error_text(text, error);
    set_last_error(p, what, text);
}

/* Nothing can be sent to this peer any more; why is the end of a sentence about it. */
static void fail_peer(struct http_peer *p, whist_status status, const char *why)
{
    const char *phase = p->head != NULL ? p->head->phase : NULL;

    whist_fail(&p->error, status, (int)p->index, phase, "party %zu (%s) %s", p->index, p->url_text,
               why);
    whist_logf(&p->ch->log, WHIST_LOG_ERROR, "http: %s", p->error.text);
    whist_net_lookup_free(p->lookup);
    p->lookup = NULL;
    disconnect(p);
    p->state = PEER_FAILED;
    drop_from(p, &p->head);
    (void)whist_inbox_fail_peer(&p->ch->inbox, p->index, &p->error);
    pthread_cond_broadcast(&p->changed);
}

static int64_t give_up_at(struct http_peer *p)
{
    if (p->trying_since == 0) {
        p->trying_since = p->ch->loop.now_ms;
    }
    return p->ch->connect_timeout_ms > INT64_MAX - p->trying_since
               ? INT64_MAX
               : p->trying_since + p->ch->connect_timeout_ms;
}

static void fail_unreachable(struct http_peer *p)
{
    char why[340];

    snprintf(why, sizeof why,
             "could not be reached within %.1f s; last attempt: %s. Check that it is running, its "
             "URL, and what lies between (firewall, proxy)",
             (double)p->ch->connect_timeout_ms / 1000.0,
             p->last_error[0] != '\0' ? p->last_error : "still under way");
    fail_peer(p, WHIST_ERR_UNREACHABLE, why);
}

#define FIRST_RETRY_MS 10

/* How long to wait before the next attempt: soon at first, since parties that are started together
 * come up within milliseconds of each other, then half as long again as was tried, up to retry_ms.
 */
static int64_t retry_after(const struct http_peer *p)
{
    int64_t wait = (p->ch->loop.now_ms - p->trying_since) / 2;

    wait = wait > FIRST_RETRY_MS ? wait : FIRST_RETRY_MS;
    return wait < p->ch->tuning.retry_ms ? wait : p->ch->tuning.retry_ms;
}

/* This attempt has failed (see last_error) and the peer does not have the message: the next one in
 * a moment. */
static void try_later(struct http_peer *p)
{
    int64_t end = give_up_at(p), next = p->ch->loop.now_ms + retry_after(p);

    disconnect(p);
    if (p->ch->loop.now_ms >= end) {
        fail_unreachable(p);
        return;
    }
    whist_logf(&p->ch->log, WHIST_LOG_DEBUG, "http: party %zu (%s): %s; trying again", p->index,
               p->url_text, p->last_error);
    p->state = PEER_WAITING;
    p->timer_ms = next < end ? next : end;
}

/* The connection ended with a message on it and without an answer. */
static void lost(struct http_peer *p, const char *why)
{
    bool whole = p->sent == p->request_len + p->head->body.len, reused = p->reused;
    char text[300];

    if (!whole && !reused) {
        set_last_error(p, "the connection broke while a message was being sent", why);
        try_later(p);
        return;
    }
    if (whole && !reused) {
        snprintf(text, sizeof text,
                 "ended the connection instead of answering (%s): whether it has the last message "
                 "is not known",
                 why);
        fail_peer(p, WHIST_ERR_UNREACHABLE, text);
        return;
    }
    if (whole) {
        whist_logf(
            &p->ch->log, WHIST_LOG_WARN,
            "http: party %zu (%s): the connection ended before an answer (%s); sending again "
            "on a new one: the message may arrive twice",
            p->index, p->url_text, why);
    }
    disconnect(p);
    begin_round(p);
}

/* ---- Connecting ---- */

static void begin_round(struct http_peer *p)
{
    int64_t end = give_up_at(p);

    p->next_address = 0;
    p->addresses.n = 0;
    if (whist_net_literal(&p->addresses, &p->url)) {
        connect_next(p);
        return;
    }
    p->lookup = whist_net_lookup_start(&p->url, p->ch->loop.wake.fd);
    if (p->lookup == NULL) {
        set_last_error(p, "no resources to look its name up", "");
        try_later(p);
        return;
    }
    p->state = PEER_LOOKUP;
    p->timer_ms = end;
}

static void end_lookup(struct http_peer *p)
{
    char text[WHIST_NET_TEXT_MAX];

    if (!whist_net_lookup_done(p->lookup, &p->addresses, text)) {
        return;
    }
    whist_net_lookup_free(p->lookup);
    p->lookup = NULL;
    if (p->addresses.n == 0) {
        set_last_error(p, "its name cannot be resolved", text);
        try_later(p);
        return;
    }
    connect_next(p);
}

static void connect_next(struct http_peer *p)
{
    int64_t end = give_up_at(p), soon = p->ch->loop.now_ms + p->ch->tuning.address_ms;

    while (p->next_address < p->addresses.n) {
        const struct whist_net_address *a = &p->addresses.at[p->next_address++];
        char where[WHIST_NET_TEXT_MAX];
        whist_net_address_text(where, a);
        p->io.fd = whist_net_connect(a);
        if (p->io.fd >= 0 && p->ch->tuning.send_buffer != 0) {
            (void)setsockopt(p->io.fd, SOL_SOCKET, SO_SNDBUF, &p->ch->tuning.send_buffer,
                             sizeof p->ch->tuning.send_buffer);
        }
        if (p->io.fd >= 0 && whist_http_watch(&p->ch->loop, &p->io, EPOLLOUT, true)) {
            set_last_error(p, where, "no answer yet");
            p->state = PEER_CONNECTING;
            p->timer_ms = p->next_address < p->addresses.n && soon < end ? soon : end;
            return;
        }
        set_last_errno(p, where, errno);
        disconnect(p);
    }
    try_later(p);
}

static void connected(struct http_peer *p)
{
    char where[WHIST_NET_TEXT_MAX];
    int error = whist_net_connected(p->io.fd);

    if (error == EINPROGRESS) {
        return;
    }
    if (error == 0 && !whist_http_watch(&p->ch->loop, &p->io, EPOLLIN | EPOLLRDHUP, false)) {
        error = errno;
    }
    if (error != 0) {
        whist_net_address_text(where, &p->addresses.at[p->next_address - 1]);
        set_last_errno(p, where, error);
        disconnect(p);
        connect_next(p);
        return;
    }
    p->state = PEER_READY;
    p->idle_since = p->ch->loop.now_ms;
    p->timer_ms = p->idle_since + p->ch->tuning.client_idle_ms;
    whist_httpc_pump(p);
}

/* ---- Sending ---- */

static void watch_writes(struct http_peer *p, bool on)
{
    if (p->want_write != on &&
        whist_http_watch(&p->ch->loop, &p->io, EPOLLIN | EPOLLRDHUP | (on ? (uint32_t)EPOLLOUT : 0),
                         false)) {
        p->want_write = on;
    }
}

/* Sends what the socket takes. False with errno if the connection is broken. */
static bool write_message(struct http_peer *p)
{
    const struct whist_buffer *body = &p->head->body;
    size_t total = p->request_len + body->len;

    while (p->sent < total) {
        struct iovec parts[2];
        struct msghdr msg = {.msg_iov = parts};
        size_t body_at = p->sent > p->request_len ? p->sent - p->request_len : 0;
        if (p->sent < p->request_len) {
            parts[msg.msg_iovlen++] =
                (struct iovec){p->request + p->sent, p->request_len - p->sent};
        }
        if (body_at < body->len) {
            parts[msg.msg_iovlen++] = (struct iovec){body->data + body_at, body->len - body_at};
        }
        ssize_t n = sendmsg(p->io.fd, &msg, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            bool wait = errno == EAGAIN || errno == EWOULDBLOCK;
            if (wait) {
                watch_writes(p, true);
            }
            return wait;
        }
        p->sent += (size_t)n;
    }
    watch_writes(p, false);
    return true;
}

/* Whether an idle connection is still good: a server may have closed it meanwhile, and nothing may
 * come without having been asked for. */
static bool is_fresh(const struct http_peer *p)
{
    char byte;

    return recv(p->io.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* Puts the head of the queue on the connection. */
static bool begin_message(struct http_peer *p)
{
    p->in_flight = true;
    p->sent = 0;
    p->n_informational = 0;
    p->request_len = whist_http_write_request(p->request, "POST", &p->url, p->ch->base.me,
                                              p->head->body.len, false);
    return write_message(p);
}

void whist_httpc_start(struct http_peer *p)
{
    if (p->state == PEER_READY && !p->in_flight && p->head != NULL && is_fresh(p)) {
        /* A connection that breaks here is an event for the I/O thread. */
        (void)begin_message(p);
    } else if (p->state == PEER_OFF || (p->state == PEER_READY && !p->in_flight)) {
        whist_http_wake(&p->ch->loop);
    }
}

/* ---- Answers ---- */

/* The text of an answer for people: one line of printable ASCII. */
static void quote_body(char *out, size_t cap, const struct whist_buffer *body)
{
    size_t n = 0;

    for (; n < body->len && n < cap - 1; n++) {
        uint8_t c = body->data[n];
        out[n] = (char)(c >= 0x20 && c <= 0x7e ? c : c == '\n' || c == '\t' ? ' ' : '?');
    }
    out[n] = '\0';
}

static void fail_answer(struct http_peer *p)
{
    char text[161], why[300];
    const char *reason = whist_http_reason(p->parser.status);

    quote_body(text, sizeof text, &p->parser.body);
    snprintf(why, sizeof why, "answered %d%s%s%s%s%s%s", p->parser.status,
             reason[0] != '\0' ? " " : "", reason, text[0] != '\0' ? ": \"" : "", text,
             text[0] != '\0' ? "\"" : "",
             p->parser.status / 100 == 3 ? " (redirects are not followed)" : "");
    fail_peer(p, WHIST_ERR_PROTOCOL, why);
}

/* A complete answer, or (cut) a 200 or an overlong answer whose rest is not waited for. */
static void take_answer(struct http_peer *p, bool cut)
{
    bool whole = p->sent == p->request_len + p->head->body.len;

    if (p->parser.status == 404) {
        set_last_error(p, "it answered 404 Not Found", "");
        try_later(p);
        return;
    }
    if (p->parser.status != 200) {
        fail_answer(p);
        return;
    }
    if (!whole) {
        fail_peer(p, WHIST_ERR_PROTOCOL, "answered 200 before it had the whole message");
        return;
    }
    pop_head(p);
    pthread_cond_broadcast(&p->changed);
    p->in_flight = false;
    p->trying_since = 0;
    p->last_error[0] = '\0';
    if (cut || !p->parser.keep_alive) {
        disconnect(p);
        p->state = PEER_OFF;
    } else {
        whist_http_parser_next(&p->parser);
        p->reused = true;
        p->idle_since = p->ch->loop.now_ms;
        p->timer_ms = p->timer_ms != 0 ? p->timer_ms : p->idle_since + p->ch->tuning.client_idle_ms;
    }
}

/* One event of the answer's parser. False when the connection or the message is done with. */
static bool take_event(struct http_peer *p, whist_http_event ev)
{
    char why[200];

    switch (ev) {
    case WHIST_HTTP_HEAD:
        if (p->parser.status == 200 && p->parser.has_body) {
            take_answer(p, true);
            return false;
        }
        return true;
    case WHIST_HTTP_TOO_LARGE:
        take_answer(p, true);
        return false;
    case WHIST_HTTP_DONE:
        if (p->parser.status >= 200) {
            take_answer(p, false);
            return false;
        }
        if (p->parser.status != 101 && ++p->n_informational <= INFORMATIONAL_MAX) {
            whist_http_parser_next(&p->parser);
            return true;
        }
        fail_answer(p);
        return false;
    case WHIST_HTTP_BAD:
        snprintf(why, sizeof why, "did not answer in HTTP/1.1 (%s)", p->parser.why);
        fail_peer(p, WHIST_ERR_PROTOCOL, why);
        return false;
    default:
        fail_peer(p, WHIST_ERR_NOMEM, "answered, but there is no memory for the answer");
        return false;
    }
}

static void close_idle(struct http_peer *p)
{
    disconnect(p);
    p->state = PEER_OFF;
}

static void feed_answer(struct http_peer *p, const uint8_t *data, size_t len)
{
    size_t used = 0, n;

    while (p->in_flight) {
        whist_http_event ev = whist_http_feed(&p->parser, &n, data + used, len - used);
        used += n;
        if (ev == WHIST_HTTP_MORE) {
            return;
        }
        if (!take_event(p, ev)) {
            break;
        }
    }
    if (p->state == PEER_READY && used < len) {
        whist_logf(&p->ch->log, WHIST_LOG_DEBUG, "http: party %zu sent more than its answer",
                   p->index);
        close_idle(p);
    }
}

/* The connection has ended: why, or "" for an orderly end. */
static void ended(struct http_peer *p, const char *why)
{
    if (!p->in_flight) {
        close_idle(p);
        return;
    }
    if (whist_http_parser_idle(&p->parser)) {
        lost(p, why[0] != '\0' ? why : "closed by the other end");
        return;
    }
    whist_http_event ev = whist_http_feed_eof(&p->parser);
    if (ev == WHIST_HTTP_MORE) { /* after an informational answer */
        lost(p, why[0] != '\0' ? why : "closed by the other end");
        return;
    }
    (void)take_event(p, ev);
}

/* Whoever calls this pumps afterwards. */
static void read_answer(struct http_peer *p)
{
    uint8_t data[4096];
    char why[WHIST_NET_TEXT_MAX];
    ssize_t n = recv(p->io.fd, data, sizeof data, 0);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return;
    }
    if (n < 0) {
        whist_net_error_text(why, errno);
        ended(p, why);
    } else if (n == 0) {
        ended(p, "");
    } else if (!p->in_flight) {
        close_idle(p);
    } else {
        feed_answer(p, data, (size_t)n);
    }
}

/* ---- Entries of the I/O thread ---- */

/* Does the next thing; true if there may be another one at once. */
static bool pump_once(struct http_peer *p)
{
    if (p->state == PEER_LOOKUP) {
        end_lookup(p);
    } else if (p->state == PEER_OFF && p->head != NULL) {
        begin_round(p);
    } else if (p->state == PEER_READY && !p->in_flight && p->head != NULL) {
        if (p->reused && !is_fresh(p)) {
            disconnect(p);
            begin_round(p);
        } else if (!begin_message(p)) {
            read_answer(p); /* an early answer explains more than a broken pipe */
            return true;
        }
    }
    return false;
}

void whist_httpc_pump(struct http_peer *p)
{
    while (pump_once(p)) {
        /* How often answers come early is up to the peer: a loop, no recursion. */
    }
}

void whist_httpc_timer(struct http_peer *p)
{
    int64_t now = p->ch->loop.now_ms, idle_end = p->idle_since + p->ch->tuning.client_idle_ms;

    p->timer_ms = 0;
    switch (p->state) {
    case PEER_READY:
        if (!p->in_flight && idle_end <= now) {
            close_idle(p);
            whist_httpc_pump(p);
        } else {
            p->timer_ms = p->in_flight ? now + p->ch->tuning.client_idle_ms : idle_end;
        }
        break;
    case PEER_CONNECTING:
    case PEER_LOOKUP:
    case PEER_WAITING:
        if (p->head == NULL) { /* dropped by an abort */
            whist_net_lookup_free(p->lookup);
            p->lookup = NULL;
            disconnect(p);
            p->state = PEER_OFF;
            p->trying_since = 0;
        } else if (now >= give_up_at(p)) {
            fail_unreachable(p);
        } else if (p->state == PEER_WAITING) {
            begin_round(p);
        } else if (p->state == PEER_CONNECTING) {
            disconnect(p);
            connect_next(p);
        }
        break;
    default:
        break;
    }
}

static void handle_events(struct http_peer *p, uint32_t events)
{
    if (p->state == PEER_CONNECTING) {
        connected(p);
        return;
    }
    if (p->state != PEER_READY) {
        return; /* of a connection that is gone */
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0) {
        read_answer(p);
    }
    if (p->state == PEER_READY && p->in_flight && p->want_write && !write_message(p)) {
        read_answer(p);
    }
    whist_httpc_pump(p);
}

static void on_events(struct http_io *io, uint32_t events)
{
    struct http_peer *p = (struct http_peer *)(void *)io;

    pthread_mutex_lock(&p->lock);
    handle_events(p, events);
    pthread_mutex_unlock(&p->lock);
}

void whist_httpc_clear(struct http_peer *p)
{
    whist_net_lookup_free(p->lookup);
    p->lookup = NULL;
    disconnect(p);
    drop_from(p, &p->head);
    whist_http_parser_clear(&p->parser);
}
