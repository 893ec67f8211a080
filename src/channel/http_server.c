/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The server of the HTTP transport: bytes of a connection, requests, answers. While an answer is
 * held, so is everything behind it on that connection. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "channel/http_route.h"
#include "channel/http_server.h"

/* Room in a body from which on it is read into directly, and what is read behind it at once. */
#define DIRECT_MIN  ((size_t)16384)
#define BEHIND_BODY ((size_t)32768)
/* Answers that wait for others, less than these on a connection and for this long. */
#define LAZY_MAX    8
#define LAZY_MS     1
#define LAZY_REST   64    /* requests that are answered at once after a wait for nothing */
#define ANSWERS_MAX 16384 /* bytes of unsent answers at which reading pauses */
/* Body bytes beyond the limit that are read over before a connection is closed instead. */
#define OVERLONG_MAX ((uint64_t)1048576)
/* In a body that comes in parts of at least FAST bytes, parts of LOW_WATER are waited for. */
#define FAST          ((size_t)32768)
#define LOW_WATER     262144
#define TLS_RECORD    ((uint64_t)WHIST_TLS_RECORD + 256) /* a record with its head and tag */
#define TLS_HANDSHAKE 22                /* type of its first record (RFC 8446, 5.1) */
#define LINGER_MAX    ((size_t)4194304) /* the same, after the last answer */

static void update(struct http_server *s, struct http_conn *c);

/* ---- Answers ---- */

static whist_http_connection connection_field(const struct http_conn *c)
{
    if (c->parser.minor == 0) {
        return c->parser.keep_alive && !c->last ? WHIST_HTTP_CONNECTION_KEEP_ALIVE
                                                : WHIST_HTTP_CONNECTION_NONE;
    }
    return c->parser.keep_alive && !c->last ? WHIST_HTTP_CONNECTION_NONE
                                            : WHIST_HTTP_CONNECTION_CLOSE;
}

static void write_answer(struct http_server *s, struct http_conn *c,
                         const struct whist_http_answer *answer)
{
    c->answered = true;
    c->n_urgent++;
    if (whist_http_write_answer(&c->out, answer, time(NULL)) != WHIST_OK) {
        whist_httpd_end(s, c);
    }
}

static void answer(struct http_server *s, struct http_conn *c, int status, bool allow_post,
                   const char *type, struct whist_bytes body)
{
    const struct whist_http_answer a = {.status = status,
                                        .minor = c->parser.minor,
                                        .connection = connection_field(c),
                                        .allow_post = allow_post,
                                        .type = type,
                                        .text = body};
    write_answer(s, c, &a);
}

void whist_httpd_answer(struct http_server *s, struct http_conn *c, int status, bool allow_post,
                        struct whist_bytes text)
{
    answer(s, c, status, allow_post, NULL, text);
}

void whist_httpd_answer_text(struct http_server *s, struct http_conn *c, int status,
                             const char *text)
{
    answer(s, c, status, false, NULL, whist_bytes(text, strlen(text)));
}

void whist_httpd_answer_typed(struct http_server *s, struct http_conn *c, int status,
                              const char *type, struct whist_bytes body)
{
    answer(s, c, status, false, type, body);
}

void whist_httpd_lazy(struct http_conn *c)
{
    if (c->lazy_rest != 0) {
        c->lazy_rest--;
        return;
    }
    c->n_urgent--;
    c->n_lazy++;
}

bool whist_httpd_reserve(struct http_server *s, struct http_conn *c, size_t n)
{
    if (whist_buffer_reserve(&c->out, c->out.len + n) != WHIST_OK) {
        whist_httpd_end(s, c);
        return false;
    }
    return true;
}

/* The present request has been read and answered. */
void whist_httpd_end_request(struct http_server *s, struct http_conn *c)
{
    if (c->state == CONN_DEAD) {
        return;
    }
    whist_httpd_deadline(s, c, s->limits.idle_ms);
    if (c->last || !c->parser.keep_alive) {
        c->state = CONN_CLOSING;
        return;
    }
    whist_http_parser_next(&c->parser);
    c->answered = false;
    c->state = CONN_READING;
}

/* ---- Requests ---- */

static void take_head(struct http_server *s, struct http_conn *c)
{
    whist_httpd_deadline(s, c, s->limits.idle_ms);
    s->service->head(s, c);
    if (c->state == CONN_DEAD) {
        return;
    }
    if (!c->answered) {
        if (c->parser.expect_continue &&
            whist_buffer_append(&c->out, WHIST_HTTP_CONTINUE, strlen(WHIST_HTTP_CONTINUE)) !=
                WHIST_OK) {
            whist_httpd_end(s, c);
        }
        return;
    }
    if (c->last) {
        c->state = CONN_CLOSING;
    }
}

static void take_malformed(struct http_server *s, struct http_conn *c)
{
    whist_logf(&s->log, WHIST_LOG_DEBUG, "http: refused a request: %s", c->parser.why);
    c->last = true;
    if (c->parser.in_body) {
        if (!c->answered) {
            const struct whist_http_answer a = {
                .status = 400,
                .minor = c->parser.minor,
                .text = whist_bytes(WHIST_HTTP_TEXT_BAD_BODY, strlen(WHIST_HTTP_TEXT_BAD_BODY))};
            write_answer(s, c, &a);
        }
    } else if (c->parser.bad_status != 0 && !c->eof) {
        const struct whist_http_answer a = {
            .status = c->parser.bad_status, .minor = 1, .connection = WHIST_HTTP_CONNECTION_CLOSE};
        write_answer(s, c, &a);
    }
    if (c->state != CONN_DEAD) {
        c->state = CONN_CLOSING;
    }
}

static void take_event(struct http_server *s, struct http_conn *c, whist_http_event ev)
{
    switch (ev) {
    case WHIST_HTTP_HEAD:
        take_head(s, c);
        break;
    case WHIST_HTTP_TOO_LARGE:
        if (!c->answered) {
            whist_httpd_answer_text(s, c, 413, WHIST_HTTP_TEXT_TOO_LARGE);
        }
        break;
    case WHIST_HTTP_DONE:
        if (c->answered) {
            whist_httpd_end_request(s, c);
        } else {
            s->service->message(s, c);
        }
        break;
    case WHIST_HTTP_BAD:
        take_malformed(s, c);
        break;
    default:
        whist_httpd_end(s, c);
        break;
    }
}

/* ---- Bytes ---- */

static bool may_parse(const struct http_conn *c)
{
    return c->state == CONN_READING && whist_httpd_unsent(c) < ANSWERS_MAX;
}

/* Parses what it may; returns how much. */
static size_t parse(struct http_server *s, struct http_conn *c, const uint8_t *data, size_t len)
{
    size_t at = 0;

    while (may_parse(c)) {
        size_t used;
        whist_http_event ev = whist_http_feed(&c->parser, &used, data + at, len - at);
        at += used;
        if (ev == WHIST_HTTP_MORE) {
            break;
        }
        take_event(s, c, ev);
    }
    if (c->state == CONN_READING && c->answered &&
        c->parser.body_seen > c->parser.body_limit + OVERLONG_MAX) {
        c->state = CONN_CLOSING;
    }
    return at;
}

static void parse_fresh(struct http_server *s, struct http_conn *c, const uint8_t *data, size_t len)
{
    size_t at = parse(s, c, data, len);

    if (at < len && (c->state == CONN_READING || c->state == CONN_HELD) &&
        whist_buffer_append(&c->in, data + at, len - at) != WHIST_OK) {
        whist_httpd_end(s, c);
    }
}

static void parse_kept(struct http_server *s, struct http_conn *c)
{
    c->in_at += parse(s, c, c->in.data + c->in_at, c->in.len - c->in_at);
    if (c->state != CONN_DEAD && c->in_at == c->in.len) {
        whist_buffer_clear(&c->in);
        c->in_at = 0;
    }
}

/* People must hear of it when a certificate was refused, by this party or by its peer: the parties'
 * session files differ. Not more often than once a second, because anybody may connect. */
static void log_broken(struct http_server *s, const struct whist_error *err)
{
    whist_log_level level = WHIST_LOG_INFO;
    if (err->status == WHIST_OK) {
        return;
    }
    if (err->status == WHIST_ERR_CHECK || err->status == WHIST_ERR_CLOSED) {
        int64_t now = whist_clock_ms();
        if (s->refused_ms == 0 || now - s->refused_ms >= 1000) {
            s->refused_ms = now;
            level = WHIST_LOG_WARN;
        }
    }
    whist_logf(&s->log, level, "http: a connection to this party ended: %s", err->text);
}

/* Sends what the socket takes. */
static void flush(struct http_server *s, struct http_conn *c)
{
    struct whist_error err = {.status = WHIST_OK};
    stream_result r = STREAM_OK;

    while (whist_httpd_unsent(c) != 0 && r == STREAM_OK) {
        const struct iovec part = {c->out.data + c->out_at, whist_httpd_unsent(c)};
        size_t n;
        r = whist_stream_write(&c->stream, &part, 1, &n, &err);
        c->out_at += n;
        if (n != 0) {
            whist_httpd_deadline(s, c, s->limits.idle_ms);
        }
    }
    if (r == STREAM_OK && whist_stream_unsent(&c->stream)) {
        r = whist_stream_flush(&c->stream, &err);
    }
    if (r == STREAM_ERROR) {
        log_broken(s, &err);
        whist_httpd_end(s, c);
        return;
    }
    if (whist_httpd_unsent(c) == 0) {
        c->out.len = 0;
        c->out_at = 0;
        c->n_lazy = c->n_urgent = 0;
    }
}

/* Bytes wait for the socket. */
static bool is_unsent(const struct http_conn *c)
{
    return whist_httpd_unsent(c) != 0 || whist_stream_unsent(&c->stream);
}

static void close_down(struct http_server *s, struct http_conn *c)
{
    struct whist_error err;

    if (c->stream.tls != NULL) {
        whist_tls_close(c->stream.tls);
        (void)whist_stream_flush(&c->stream, &err);
    }
    if (c->eof || shutdown(c->io.fd, SHUT_WR) != 0) {
        whist_httpd_end(s, c);
        return;
    }
    c->state = CONN_LINGER;
    whist_buffer_clear(&c->in);
    whist_httpd_deadline(s, c, s->limits.linger_ms);
}

/* The answers wait for others. */
static bool be_lazy(struct http_server *s, struct http_conn *c)
{
    if (c->n_lazy == 0 || c->n_lazy >= LAZY_MAX || c->n_urgent != 0 || c->state != CONN_READING ||
        c->eof || c->in.len != 0) {
        return false;
    }
    if (!c->is_lazy) {
        s->lazy_ms = s->lazy == NULL ? s->loop->now_ms + LAZY_MS : s->lazy_ms;
        c->is_lazy = true;
        c->next_lazy = s->lazy;
        s->lazy = c;
    }
    return true;
}

void whist_httpd_flush_lazy(struct http_server *s)
{
    while (s->lazy != NULL) {
        struct http_conn *c = s->lazy;
        s->lazy = c->next_lazy;
        c->is_lazy = false;
        if (c->n_lazy == 1) {
            c->lazy_rest = LAZY_REST; /* it does not send another request meanwhile */
        }
        c->n_urgent++;
        update(s, c);
    }
}

/* After every change: sends, goes on with what was kept, and asks for the events that matter now.
 */
static void update(struct http_server *s, struct http_conn *c)
{
    uint32_t events = 0;

    if (be_lazy(s, c)) {
        return;
    }
    flush(s, c);
    while (may_parse(c) && c->in.len != 0) {
        parse_kept(s, c);
        if (c->state != CONN_DEAD) {
            flush(s, c);
        }
    }
    if (c->state == CONN_READING && c->eof && !is_unsent(c)) {
        whist_httpd_end(s, c);
    }
    if (c->state == CONN_CLOSING && !is_unsent(c)) {
        close_down(s, c);
    }
    if (c->state == CONN_DEAD) {
        return;
    }
    if (c->state == CONN_LINGER || (may_parse(c) && !c->eof)) {
        events |= EPOLLIN;
    }
    if (c->state == CONN_HELD) {
        events |= EPOLLRDHUP;
    }
    if (is_unsent(c)) {
        events |= EPOLLOUT;
    }
    if (events != c->events && !whist_http_watch(s->loop, &c->io, events, false)) {
        whist_httpd_end(s, c);
        return;
    }
    c->events = events;
    whist_httpd_account(s, c);
}

static void take_eof(struct http_server *s, struct http_conn *c)
{
    c->eof = true;
    if (c->state == CONN_LINGER || c->state == CONN_HELD) {
        whist_httpd_end(s,
                        c); /* a held message was not acknowledged: its sender may send it again */
    } else if (c->state == CONN_READING && whist_http_feed_eof(&c->parser) == WHIST_HTTP_BAD) {
        take_malformed(s, c);
    }
}

static void read_over(struct http_server *s, struct http_conn *c, size_t n)
{
    c->drained += n;
    if (c->drained > LINGER_MAX) {
        whist_httpd_end(s, c);
    }
}

/* Bytes are there: deadlines, and what is not read as a request any more. */
static bool note_bytes(struct http_server *s, struct http_conn *c, size_t n)
{
    whist_httpd_touch(s, c);
    if (c->state == CONN_LINGER) {
        read_over(s, c, n);
        return false;
    }
    if (whist_http_parser_idle(&c->parser)) {
        whist_httpd_deadline(s, c, s->limits.head_ms);
    } else if (whist_http_parser_in_body(&c->parser)) {
        whist_httpd_deadline(s, c, s->limits.idle_ms);
    }
    return true;
}

/* Where plaintext may go: straight into the body where that is worth it, and what comes behind it
 * into the spare room; else into that alone. Returns how many parts. */
static int choose_parts(struct http_conn *c, struct iovec spare, struct iovec parts[2])
{
    size_t room = 0;
    uint8_t *body = NULL;

    if (c->state == CONN_READING && !c->answered && c->in.len == 0) {
        body = whist_http_body_room(&c->parser, &room);
    }
    if (body == NULL || room < DIRECT_MIN) {
        parts[0] = spare;
        return 1;
    }
    parts[0] = (struct iovec){body, room};
    parts[1] =
        (struct iovec){spare.iov_base, spare.iov_len < BEHIND_BODY ? spare.iov_len : BEHIND_BODY};
    return 2;
}

/* n bytes were read. While a long body comes fast, the socket reports only larger parts of it: to
 * be woken for each packet costs both sides more than the bytes. */
static void choose_low_water(struct http_server *s, struct http_conn *c, size_t n)
{
    uint64_t left = c->state == CONN_READING ? whist_http_body_left(&c->parser) : 0;
    uint64_t in_part = c->stream.tls != NULL ? TLS_RECORD : 0; /* of it, may have been read */
    int bytes = 1;

    if (n >= FAST && left > in_part) {
        left -= in_part;
        bytes = left < LOW_WATER ? (int)left : LOW_WATER;
    }
    c->read_ms = s->loop->now_ms;
    whist_httpd_low_water(s, c, bytes);
}

/* n bytes are in the parts. */
static void take_parts(struct http_server *s, struct http_conn *c, const struct iovec *parts,
                       int n_parts, size_t n)
{
    size_t direct = n_parts == 2 ? (n < parts[0].iov_len ? n : parts[0].iov_len) : 0;

    if (!note_bytes(s, c, n)) {
        return;
    }
    if (direct != 0) {
        whist_http_body_put(&c->parser, direct);
    }
    parse_fresh(s, c, parts[n_parts - 1].iov_base, n - direct);
}

/* A read from the socket gave nothing. */
static void read_nothing(struct http_server *s, struct http_conn *c, stream_result why)
{
    if (why == STREAM_EOF) {
        take_eof(s, c);
    } else if (why == STREAM_ERROR) {
        whist_httpd_end(s, c);
    }
}

static void read_plain(struct http_server *s, struct http_conn *c)
{
    struct iovec parts[2];
    int n_parts = choose_parts(c, (struct iovec){s->scratch, HTTP_SCRATCH}, parts);
    size_t n;
    stream_result r = whist_stream_read(&c->stream, parts, n_parts, &n);

    if (r == STREAM_OK) {
        take_parts(s, c, parts, n_parts, n);
        choose_low_water(s, c, n);
    } else {
        read_nothing(s, c, r);
    }
}

/* Decrypts what has come. */
static void read_records(struct http_server *s, struct http_conn *c)
{
    struct whist_error err = {.status = WHIST_OK};
    uint8_t plain[WHIST_TLS_RECORD];
    stream_result r = STREAM_OK;

    while (r == STREAM_OK && c->state != CONN_DEAD) {
        struct iovec parts[2];
        int n_parts = choose_parts(c, (struct iovec){plain, sizeof plain}, parts);
        size_t n;
        r = whist_stream_decrypt(&c->stream, parts[0].iov_base, parts[0].iov_len, &n, &err);
        if (r == STREAM_OK) {
            take_parts(s, c, parts, n_parts, n);
        }
    }
    if (r == STREAM_ERROR && c->state != CONN_DEAD) {
        log_broken(s, &err);
        (void)whist_stream_flush(&c->stream, &err); /* the alert */
        whist_httpd_end(s, c);
    } else if (r == STREAM_EOF && !c->eof) {
        take_eof(s, c);
    }
}

static void read_tls(struct http_server *s, struct http_conn *c)
{
    size_t n;
    stream_result r = whist_stream_receive(&c->stream, s->scratch, HTTP_SCRATCH, &n);

    if (r == STREAM_OK) {
        read_records(s, c);
        choose_low_water(s, c, n);
    } else {
        read_nothing(s, c, r);
    }
}

/* Looks at the first byte of a connection: TLS begins with a handshake record, HTTP with a letter.
 * False: it is not there yet, or the connection has ended. */
static bool decide(struct http_server *s, struct http_conn *c)
{
    struct whist_error err;
    uint8_t first;
    ssize_t n = recv(c->io.fd, &first, 1, MSG_PEEK);

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return false;
    }
    if (n <= 0 ||
        (first == TLS_HANDSHAKE && whist_tls_accept(&c->stream.tls, s->tls, &err) != WHIST_OK)) {
        whist_httpd_end(s, c);
        return false;
    }
    c->unknown = false;
    return true;
}

static void read_request(struct http_server *s, struct http_conn *c)
{
    if (c->unknown && !decide(s, c)) {
        return;
    }
    if (c->stream.tls != NULL) {
        read_tls(s, c);
    } else {
        read_plain(s, c);
    }
    if (c->state == CONN_READING && !c->answered && s->service->progress != NULL &&
        whist_http_parser_in_body(&c->parser)) {
        s->service->progress(s, c);
    }
}

static void handle_events(struct http_server *s, struct http_conn *c, uint32_t events)
{
    if (c->state == CONN_HELD) {
        if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
            whist_logf(&s->log, WHIST_LOG_INFO, "http: party %zu left before its message was taken",
                       c->from);
            whist_httpd_end(s, c);
            return;
        }
    } else if ((events & ~(uint32_t)EPOLLOUT) != 0 &&
               ((c->events & EPOLLIN) != 0 || (events & (EPOLLHUP | EPOLLERR)) != 0)) {
        read_request(s, c);
    }
    if (c->state != CONN_DEAD) {
        update(s, c);
    }
}

void whist_httpd_on_events(struct http_io *io, uint32_t events)
{
    struct http_conn *c = (struct http_conn *)(void *)io;

    if (c->state != CONN_DEAD) {
        handle_events(c->server, c, events);
    }
}

void whist_httpd_release(struct http_server *s, struct http_conn *c)
{
    if (c->state != CONN_DEAD) {
        whist_httpd_unhold(s, c);
        update(s, c);
    }
}
