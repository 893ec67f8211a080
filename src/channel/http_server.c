/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The server of an HTTP channel: POST …/msg/{from} goes into the inbox of that sender; when it is
 * full the answer is held, and so is everything behind it on that connection. I/O thread only. */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "channel/http_impl.h"
#include "channel/http_route.h"

#define ANSWER_ROOM 512   /* bytes of an answer without text, at most */
#define ANSWERS_MAX 16384 /* bytes of unsent answers at which reading pauses */
/* Body bytes beyond the limit that are read over before a connection is closed instead. */
#define OVERLONG_MAX ((uint64_t)1048576)
#define LINGER_MAX   ((size_t)4194304) /* the same, after the last answer */

static void update(struct http_channel *ch, struct http_conn *c);

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

static void write_answer(struct http_channel *ch, struct http_conn *c,
                         const struct whist_http_answer *answer)
{
    c->answered = true;
    if (whist_http_write_answer(&c->out, answer, time(NULL)) != WHIST_OK) {
        whist_httpd_end(ch, c);
    }
}

/* The answer to the present request, whose head was good. */
static void answer(struct http_channel *ch, struct http_conn *c, int status, bool allow_post,
                   struct whist_bytes text)
{
    const struct whist_http_answer a = {.status = status,
                                        .minor = c->parser.minor,
                                        .connection = connection_field(c),
                                        .allow_post = allow_post,
                                        .text = text};
    write_answer(ch, c, &a);
}

static void answer_text(struct http_channel *ch, struct http_conn *c, int status, const char *text)
{
    answer(ch, c, status, false, whist_bytes(text, strlen(text)));
}

/* The present request has been read and answered. */
static void end_request(struct http_channel *ch, struct http_conn *c)
{
    if (c->state == CONN_DEAD) {
        return;
    }
    whist_httpd_deadline(ch, c, ch->tuning.idle_ms);
    if (c->last || !c->parser.keep_alive) {
        c->state = CONN_CLOSING;
        return;
    }
    whist_http_parser_next(&c->parser);
    c->answered = false;
    c->state = CONN_READING;
}

/* ---- Delivery ---- */

static void refuse_message(struct http_channel *ch, struct http_conn *c, inbox_result result)
{
    struct whist_error why;
    char text[160];

    whist_buffer_clear(&c->parser.body);
    if (result == INBOX_NOMEM) {
        answer_text(ch, c, 503, "Out of memory");
    } else if (atomic_load(&ch->last_sent)) {
        /* The peers learn of the abort by a message; until then nothing may look like a fault. */
        answer(ch, c, 200, false, whist_bytes(NULL, 0));
    } else {
        bool failed = whist_inbox_failed(&ch->inbox, NULL, &why);
        snprintf(text, sizeof text, "This party has stopped: %s",
                 failed ? whist_status_text(why.status) : "it gave up on yours");
        answer_text(ch, c, 503, text);
    }
    end_request(ch, c);
}

/* Tries to queue the present message; false if there is no room. */
static bool deliver(struct http_channel *ch, struct http_conn *c)
{
    inbox_result result;

    /* Memory for the answer comes first: a message without one would be sent again. */
    if (whist_buffer_reserve(&c->out, c->out.len + ANSWER_ROOM) != WHIST_OK) {
        whist_httpd_end(ch, c);
        return true;
    }
    result = whist_inbox_push(&ch->inbox, c->from, &c->parser.body, NULL);
    if (result == INBOX_FULL) {
        return false;
    }
    if (result != INBOX_OK) {
        refuse_message(ch, c, result);
        return true;
    }
    c->proven = true;
    answer(ch, c, 200, false, whist_bytes(NULL, 0));
    end_request(ch, c);
    return true;
}

static bool is_anybody_held(const struct http_server *s, size_t from)
{
    for (const struct http_conn *c = s->held; c != NULL; c = c->next_held) {
        if (c->from == from) {
            return true;
        }
    }
    return false;
}

/* The present request is a whole message. One that comes on another connection while an earlier one
 * of the same sender is held stays behind it. */
static void take_message(struct http_channel *ch, struct http_conn *c)
{
    if (!is_anybody_held(&ch->server, c->from) && deliver(ch, c)) {
        return;
    }
    c->state = CONN_HELD;
    c->deadline_ms = 0;
    whist_httpd_hold(ch, c);
}

void whist_httpd_retry_held(struct http_channel *ch)
{
    struct http_conn *c = ch->server.held, *next;
    uint64_t full = 0; /* senders; n <= 64 */

    for (; c != NULL; c = next) {
        uint64_t bit = (uint64_t)1 << c->from;
        next = c->next_held;
        if ((full & bit) != 0) {
            continue;
        }
        if (!deliver(ch, c)) {
            full |= bit;
            continue;
        }
        if (c->state != CONN_DEAD) {
            whist_httpd_unhold(ch, c);
            update(ch, c);
        }
    }
}

/* ---- Requests ---- */

static void warn_of_own_index(struct http_channel *ch, const struct http_conn *c)
{
    if (c->from == ch->base.me && (ch->server.warned & 1) == 0) {
        ch->server.warned |= 1;
        whist_logf(
            &ch->log, WHIST_LOG_WARN,
            "http: a message says that it comes from party %zu, which is this one: is another "
            "party running with the same index?",
            c->from);
    }
}

static void take_head(struct http_channel *ch, struct http_conn *c)
{
    struct whist_http_route route;

    whist_httpd_deadline(ch, c, ch->tuning.idle_ms);
    if (whist_http_route(&route, &c->parser, ch->peers[ch->base.me].url.prefix, ch->base.n) !=
        WHIST_OK) {
        whist_httpd_end(ch, c);
        return;
    }
    if (route.status == 200) {
        c->from = route.from;
        warn_of_own_index(ch, c);
        if (c->parser.expect_continue &&
            whist_buffer_append(&c->out, WHIST_HTTP_CONTINUE, strlen(WHIST_HTTP_CONTINUE)) !=
                WHIST_OK) {
            whist_httpd_end(ch, c);
        }
        return;
    }
    /* Who waits for a 100 may or may not send the body now: only a new connection is unambiguous.
     */
    c->last = c->parser.expect_continue;
    answer(ch, c, route.status, route.allow_post, whist_buffer_view(&route.text));
    whist_buffer_clear(&route.text);
    if (c->last && c->state != CONN_DEAD) {
        c->state = CONN_CLOSING;
    }
}

static void take_malformed(struct http_channel *ch, struct http_conn *c)
{
    whist_logf(&ch->log, WHIST_LOG_DEBUG, "http: refused a request: %s", c->parser.why);
    c->last = true;
    if (c->parser.in_body) {
        if (!c->answered) {
            const struct whist_http_answer a = {
                .status = 400,
                .minor = c->parser.minor,
                .text = whist_bytes(WHIST_HTTP_TEXT_BAD_BODY, strlen(WHIST_HTTP_TEXT_BAD_BODY))};
            write_answer(ch, c, &a);
        }
    } else if (c->parser.bad_status != 0 && !c->eof) {
        const struct whist_http_answer a = {
            .status = c->parser.bad_status, .minor = 1, .connection = WHIST_HTTP_CONNECTION_CLOSE};
        write_answer(ch, c, &a);
    }
    if (c->state != CONN_DEAD) {
        c->state = CONN_CLOSING;
    }
}

static void take_event(struct http_channel *ch, struct http_conn *c, whist_http_event ev)
{
    switch (ev) {
    case WHIST_HTTP_HEAD:
        take_head(ch, c);
        break;
    case WHIST_HTTP_TOO_LARGE:
        if (!c->answered) {
            answer_text(ch, c, 413, WHIST_HTTP_TEXT_TOO_LARGE);
        }
        break;
    case WHIST_HTTP_DONE:
        if (c->answered) {
            end_request(ch, c);
        } else {
            take_message(ch, c);
        }
        break;
    case WHIST_HTTP_BAD:
        take_malformed(ch, c);
        break;
    default:
        whist_httpd_end(ch, c);
        break;
    }
}

/* ---- Bytes ---- */

static bool may_parse(const struct http_conn *c)
{
    return c->state == CONN_READING && whist_httpd_unsent(c) < ANSWERS_MAX;
}

/* Parses what it may; returns how much. */
static size_t parse(struct http_channel *ch, struct http_conn *c, const uint8_t *data, size_t len)
{
    size_t at = 0;

    while (may_parse(c)) {
        size_t used;
        whist_http_event ev = whist_http_feed(&c->parser, &used, data + at, len - at);
        at += used;
        if (ev == WHIST_HTTP_MORE) {
            break;
        }
        take_event(ch, c, ev);
    }
    if (c->state == CONN_READING && c->answered &&
        c->parser.body_seen > c->parser.body_limit + OVERLONG_MAX) {
        c->state = CONN_CLOSING;
    }
    return at;
}

static void parse_fresh(struct http_channel *ch, struct http_conn *c, const uint8_t *data,
                        size_t len)
{
    size_t at = parse(ch, c, data, len);

    if (at < len && (c->state == CONN_READING || c->state == CONN_HELD) &&
        whist_buffer_append(&c->in, data + at, len - at) != WHIST_OK) {
        whist_httpd_end(ch, c);
    }
}

static void parse_kept(struct http_channel *ch, struct http_conn *c)
{
    c->in_at += parse(ch, c, c->in.data + c->in_at, c->in.len - c->in_at);
    if (c->state != CONN_DEAD && c->in_at == c->in.len) {
        whist_buffer_clear(&c->in);
        c->in_at = 0;
    }
}

/* Sends what the socket takes. */
static void flush(struct http_channel *ch, struct http_conn *c)
{
    while (whist_httpd_unsent(c) != 0) {
        ssize_t n = send(c->io.fd, c->out.data + c->out_at, whist_httpd_unsent(c), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                whist_httpd_end(ch, c);
            }
            return;
        }
        c->out_at += (size_t)n;
        whist_httpd_deadline(ch, c, ch->tuning.idle_ms);
    }
    c->out.len = 0;
    c->out_at = 0;
}

static void close_down(struct http_channel *ch, struct http_conn *c)
{
    if (c->eof || shutdown(c->io.fd, SHUT_WR) != 0) {
        whist_httpd_end(ch, c);
        return;
    }
    c->state = CONN_LINGER;
    whist_buffer_clear(&c->in);
    whist_httpd_deadline(ch, c, ch->tuning.linger_ms);
}

/* After every change: sends, goes on with what was kept, and asks for the events that matter now.
 */
static void update(struct http_channel *ch, struct http_conn *c)
{
    uint32_t events = 0;

    flush(ch, c);
    while (may_parse(c) && c->in.len != 0) {
        parse_kept(ch, c);
        if (c->state != CONN_DEAD) {
            flush(ch, c);
        }
    }
    if (c->state == CONN_READING && c->eof && whist_httpd_unsent(c) == 0) {
        whist_httpd_end(ch, c);
    }
    if (c->state == CONN_CLOSING && whist_httpd_unsent(c) == 0) {
        close_down(ch, c);
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
    if (whist_httpd_unsent(c) != 0) {
        events |= EPOLLOUT;
    }
    if (events != c->events && !whist_http_watch(ch, &c->io, events, false)) {
        whist_httpd_end(ch, c);
    }
    c->events = events;
    whist_httpd_account(ch, c);
}

static void take_eof(struct http_channel *ch, struct http_conn *c)
{
    c->eof = true;
    if (c->state == CONN_LINGER || c->state == CONN_HELD) {
        whist_httpd_end(ch,
                        c); /* a held message was not acknowledged: its sender may send it again */
    } else if (c->state == CONN_READING && whist_http_feed_eof(&c->parser) == WHIST_HTTP_BAD) {
        take_malformed(ch, c);
    }
}

static void read_over(struct http_channel *ch, struct http_conn *c, size_t n)
{
    c->drained += n;
    if (c->drained > LINGER_MAX) {
        whist_httpd_end(ch, c);
    }
}

static void read_request(struct http_channel *ch, struct http_conn *c)
{
    bool began = whist_http_parser_idle(&c->parser);
    ssize_t n = recv(c->io.fd, ch->scratch, HTTP_SCRATCH, 0);

    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            whist_httpd_end(ch, c);
        }
        return;
    }
    if (n == 0) {
        take_eof(ch, c);
        return;
    }
    whist_httpd_touch(ch, c);
    if (c->state == CONN_LINGER) {
        read_over(ch, c, (size_t)n);
        return;
    }
    if (began) {
        whist_httpd_deadline(ch, c, ch->tuning.head_ms);
    } else if (whist_http_parser_in_body(&c->parser)) {
        whist_httpd_deadline(ch, c, ch->tuning.idle_ms);
    }
    parse_fresh(ch, c, ch->scratch, (size_t)n);
}

void whist_httpd_events(struct http_channel *ch, struct http_conn *c, uint32_t events)
{
    if (c->state == CONN_DEAD) {
        return;
    }
    if (c->state == CONN_HELD) {
        if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
            whist_logf(&ch->log, WHIST_LOG_INFO,
                       "http: party %zu left before its message was taken", c->from);
            whist_httpd_end(ch, c);
            return;
        }
    } else if ((events & ~(uint32_t)EPOLLOUT) != 0 &&
               ((c->events & EPOLLIN) != 0 || (events & (EPOLLHUP | EPOLLERR)) != 0)) {
        read_request(ch, c);
    }
    if (c->state != CONN_DEAD) {
        update(ch, c);
    }
}
