/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The server of an HTTP channel: POST …/msg/{from} goes into the inbox of that sender; when it is
 * full the answer is held, and so is everything behind it on that connection. I/O thread only. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "channel/http_impl.h"
#include "channel/http_route.h"

#define ACCEPTS_MAX     64    /* connections accepted in one turn of the loop */
#define ANSWERS_MAX     16384 /* bytes of unsent answers at which reading pauses */
#define ACCEPT_PAUSE_MS 100   /* when neither descriptors nor victims are left */
/* Body bytes beyond the limit that are read over before a connection is closed instead. */
#define OVERLONG_MAX ((uint64_t)1048576)
#define LINGER_MAX   ((size_t)4194304) /* the same, after the last answer */
#define SWEEP_MIN_MS 100

static void update(struct http_channel *ch, struct http_conn *c);

/* ---- Lists ---- */

static void unlink_conn(struct http_server *s, struct http_conn *c)
{
    *(c->prev != NULL ? &c->prev->next : &s->oldest) = c->next;
    *(c->next != NULL ? &c->next->prev : &s->newest) = c->prev;
}

static void link_newest(struct http_server *s, struct http_conn *c)
{
    c->prev = s->newest;
    c->next = NULL;
    *(s->newest != NULL ? &s->newest->next : &s->oldest) = c;
    s->newest = c;
}

static void append_held(struct http_server *s, struct http_conn *c)
{
    c->next_held = NULL;
    *s->held_tail = c;
    s->held_tail = &c->next_held;
}

static void remove_held(struct http_server *s, struct http_conn *c)
{
    for (struct http_conn **at = &s->held; *at != NULL; at = &(*at)->next_held) {
        if (*at == c) {
            *at = c->next_held;
            if (s->held_tail == &c->next_held) {
                s->held_tail = at;
            }
            return;
        }
    }
}

static void set_deadline(struct http_channel *ch, struct http_conn *c, int64_t after_ms)
{
    c->deadline_ms = ch->now_ms + after_ms;
    if (ch->server.sweep_ms == 0 || c->deadline_ms < ch->server.sweep_ms) {
        ch->server.sweep_ms = c->deadline_ms;
    }
}

static void destroy(struct http_channel *ch, struct http_conn *c)
{
    struct http_server *s = &ch->server;

    if (c->state == CONN_DEAD) {
        return;
    }
    if (c->state == CONN_HELD) {
        remove_held(s, c);
    }
    c->state = CONN_DEAD;
    close(c->io.fd);
    c->io.fd = -1;
    unlink_conn(s, c);
    s->n_conns--;
    whist_http_parser_clear(&c->parser);
    whist_buffer_clear(&c->in);
    whist_buffer_clear(&c->out);
    c->next_held = s->garbage;
    s->garbage = c;
    if (s->accept_again_ms != 0) {
        s->accept_again_ms = ch->now_ms; /* there is room again */
    }
}

void whist_httpd_collect(struct http_channel *ch)
{
    while (ch->server.garbage != NULL) {
        struct http_conn *c = ch->server.garbage;
        ch->server.garbage = c->next_held;
        whist_free(c);
    }
}

/* ---- Answers ---- */

static size_t unsent(const struct http_conn *c)
{
    return c->out.len - c->out_at;
}

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
        destroy(ch, c);
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
    set_deadline(ch, c, ch->tuning.idle_ms);
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
    inbox_result result = whist_inbox_push(&ch->inbox, c->from, &c->parser.body, NULL);

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
    append_held(&ch->server, c);
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
            remove_held(&ch->server, c);
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

    set_deadline(ch, c, ch->tuning.idle_ms);
    if (whist_http_route(&route, &c->parser, ch->peers[ch->base.me].url.prefix, ch->base.n) !=
        WHIST_OK) {
        destroy(ch, c);
        return;
    }
    if (route.status == 200) {
        c->from = route.from;
        warn_of_own_index(ch, c);
        if (c->parser.expect_continue &&
            whist_buffer_append(&c->out, WHIST_HTTP_CONTINUE, strlen(WHIST_HTTP_CONTINUE)) !=
                WHIST_OK) {
            destroy(ch, c);
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
    whist_logf(&ch->log, WHIST_LOG_INFO, "http: refused a request: %s", c->parser.why);
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
        destroy(ch, c);
        break;
    }
}

/* ---- Bytes ---- */

static bool may_parse(const struct http_conn *c)
{
    return c->state == CONN_READING && unsent(c) < ANSWERS_MAX;
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
        destroy(ch, c);
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
    while (unsent(c) != 0) {
        ssize_t n = send(c->io.fd, c->out.data + c->out_at, unsent(c), MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                destroy(ch, c);
            }
            return;
        }
        c->out_at += (size_t)n;
        set_deadline(ch, c, ch->tuning.idle_ms);
    }
    c->out.len = 0;
    c->out_at = 0;
}

static void close_down(struct http_channel *ch, struct http_conn *c)
{
    if (c->eof || shutdown(c->io.fd, SHUT_WR) != 0) {
        destroy(ch, c);
        return;
    }
    c->state = CONN_LINGER;
    whist_buffer_clear(&c->in);
    set_deadline(ch, c, ch->tuning.linger_ms);
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
    if (c->state == CONN_READING && c->eof && unsent(c) == 0) {
        destroy(ch, c);
    }
    if (c->state == CONN_CLOSING && unsent(c) == 0) {
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
    if (unsent(c) != 0) {
        events |= EPOLLOUT;
    }
    if (events != c->events && !whist_http_watch(ch, &c->io, events, false)) {
        destroy(ch, c);
    }
    c->events = events;
}

static void take_eof(struct http_channel *ch, struct http_conn *c)
{
    c->eof = true;
    if (c->state == CONN_LINGER || c->state == CONN_HELD) {
        destroy(ch, c); /* a held message was not acknowledged: its sender may send it again */
    } else if (c->state == CONN_READING && whist_http_feed_eof(&c->parser) == WHIST_HTTP_BAD) {
        take_malformed(ch, c);
    }
}

static void read_over(struct http_channel *ch, struct http_conn *c, size_t n)
{
    c->drained += n;
    if (c->drained > LINGER_MAX) {
        destroy(ch, c);
    }
}

static void read_request(struct http_channel *ch, struct http_conn *c)
{
    bool began = whist_http_parser_idle(&c->parser);
    ssize_t n = recv(c->io.fd, ch->scratch, HTTP_SCRATCH, 0);

    if (n < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            destroy(ch, c);
        }
        return;
    }
    if (n == 0) {
        take_eof(ch, c);
        return;
    }
    c->active_ms = ch->now_ms;
    unlink_conn(&ch->server, c);
    link_newest(&ch->server, c);
    if (c->state == CONN_LINGER) {
        read_over(ch, c, (size_t)n);
        return;
    }
    if (began) {
        set_deadline(ch, c, ch->tuning.head_ms);
    } else if (whist_http_parser_in_body(&c->parser)) {
        set_deadline(ch, c, ch->tuning.idle_ms);
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
            destroy(ch, c);
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

/* ---- Accepting ---- */

/* A connection that nobody will miss: the one that has been silent for longest of those that never
 * delivered a message, else of those between two requests; NULL if there is none. */
static struct http_conn *find_victim(struct http_channel *ch)
{
    struct http_conn *spare = NULL;

    for (struct http_conn *c = ch->server.oldest; c != NULL; c = c->next) {
        if (c->state == CONN_HELD) {
            continue;
        }
        if (!c->proven || c->state == CONN_LINGER) {
            return c;
        }
        if (spare == NULL && unsent(c) == 0 && whist_http_parser_idle(&c->parser)) {
            spare = c;
        }
    }
    return spare;
}

static void evict(struct http_channel *ch, struct http_conn *c)
{
    whist_logf(&ch->log, WHIST_LOG_DEBUG, "http: too many connections: closed the quietest");
    destroy(ch, c);
}

static void pause_accepting(struct http_channel *ch, int64_t until_ms)
{
    ch->server.accept_again_ms = until_ms;
    (void)whist_http_watch(ch, &ch->server.listener, 0, false);
}

static bool add_connection(struct http_channel *ch, int fd)
{
    int on = 1;
    struct http_conn *c = whist_zalloc(1, sizeof *c);

    if (c == NULL) {
        return false;
    }
    c->io = (struct http_io){.kind = IO_CONNECTION, .fd = fd};
    c->active_ms = ch->now_ms;
    c->events = EPOLLIN;
    whist_http_parser_init(&c->parser, WHIST_HTTP_REQUEST, ch->base.max_message);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!whist_net_set_nonblocking(fd) || !whist_http_watch(ch, &c->io, c->events, true)) {
        whist_free(c);
        return false;
    }
    link_newest(&ch->server, c);
    ch->server.n_conns++;
    set_deadline(ch, c, ch->tuning.idle_ms);
    return true;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

void whist_httpd_accept(struct http_channel *ch)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        bool full = ch->server.n_conns >= ch->tuning.max_connections;
        struct http_conn *victim = full ? find_victim(ch) : NULL;
        int fd;
        if (full && victim == NULL) {
            pause_accepting(ch, ch->now_ms + ACCEPT_PAUSE_MS);
            return;
        }
        fd = accept(ch->server.listener.fd, NULL, NULL);
        if (fd >= 0) {
            if (victim != NULL) {
                evict(ch, victim);
            }
            if (!add_connection(ch, fd)) {
                close(fd);
            }
        } else if (is_shortage(errno)) {
            victim = find_victim(ch);
            if (victim == NULL) {
                pause_accepting(ch, ch->now_ms + ACCEPT_PAUSE_MS);
            } else if (i == 0) { /* later there may be nothing left to accept */
                evict(ch, victim);
                continue;
            }
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
        /* Any other error concerns the one connection that was to be accepted. */
    }
}

/* ---- Time ---- */

static void sweep(struct http_channel *ch)
{
    struct http_conn *c = ch->server.oldest, *next;

    ch->server.sweep_ms = 0;
    for (; c != NULL; c = next) {
        next = c->next;
        if (c->deadline_ms == 0) {
            continue;
        }
        if (c->deadline_ms <= ch->now_ms) {
            destroy(ch, c);
        } else if (ch->server.sweep_ms == 0 || c->deadline_ms < ch->server.sweep_ms) {
            ch->server.sweep_ms = c->deadline_ms;
        }
    }
    if (ch->server.sweep_ms != 0 && ch->server.sweep_ms < ch->now_ms + SWEEP_MIN_MS) {
        ch->server.sweep_ms = ch->now_ms + SWEEP_MIN_MS;
    }
}

void whist_httpd_timers(struct http_channel *ch)
{
    struct http_server *s = &ch->server;

    if (s->sweep_ms != 0 && s->sweep_ms <= ch->now_ms) {
        sweep(ch);
    }
    if (s->accept_again_ms != 0 && s->accept_again_ms <= ch->now_ms) {
        s->accept_again_ms = 0;
        (void)whist_http_watch(ch, &s->listener, EPOLLIN, false);
    }
}

void whist_httpd_clear(struct http_channel *ch)
{
    for (struct http_conn *c = ch->server.oldest, *next; c != NULL; c = next) {
        next = c->next;
        (void)shutdown(c->io.fd, SHUT_WR); /* answers that are on their way still arrive */
        destroy(ch, c);
    }
    whist_httpd_collect(ch);
    if (ch->server.listener.fd >= 0) {
        close(ch->server.listener.fd);
        ch->server.listener.fd = -1;
    }
}
