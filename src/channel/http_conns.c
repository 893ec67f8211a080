/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The connections of an HTTP channel's server: accepting, limits, ends. I/O thread only. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "channel/http_impl.h"

#define ACCEPTS_MAX     64  /* connections accepted in one turn of the loop */
#define ACCEPT_PAUSE_MS 100 /* when neither descriptors nor victims are left */
#define SWEEP_MIN_MS    100

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

void whist_httpd_touch(struct http_channel *ch, struct http_conn *c)
{
    unlink_conn(&ch->server, c);
    link_newest(&ch->server, c);
}

void whist_httpd_hold(struct http_channel *ch, struct http_conn *c)
{
    struct http_server *s = &ch->server;

    c->next_held = NULL;
    *s->held_tail = c;
    s->held_tail = &c->next_held;
}

void whist_httpd_unhold(struct http_channel *ch, struct http_conn *c)
{
    struct http_server *s = &ch->server;

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

void whist_httpd_deadline(struct http_channel *ch, struct http_conn *c, int64_t after_ms)
{
    c->deadline_ms = ch->now_ms + after_ms;
    if (ch->server.sweep_ms == 0 || c->deadline_ms < ch->server.sweep_ms) {
        ch->server.sweep_ms = c->deadline_ms;
    }
}

void whist_httpd_end(struct http_channel *ch, struct http_conn *c)
{
    struct http_server *s = &ch->server;

    if (c->state == CONN_DEAD) {
        return;
    }
    if (c->state == CONN_HELD) {
        whist_httpd_unhold(ch, c);
    }
    c->state = CONN_DEAD;
    whist_http_close(ch, &c->io);
    unlink_conn(s, c);
    s->n_conns--;
    s->buffered -= c->buffered;
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
        if (spare == NULL && whist_httpd_unsent(c) == 0 && whist_http_parser_idle(&c->parser)) {
            spare = c;
        }
    }
    return spare;
}

static void evict(struct http_channel *ch, struct http_conn *c)
{
    whist_logf(&ch->log, WHIST_LOG_DEBUG, "http: too many connections: closed the quietest");
    whist_httpd_end(ch, c);
}

static void pause_accepting(struct http_channel *ch, int64_t until_ms)
{
    ch->server.accept_again_ms = until_ms;
    (void)whist_http_watch(ch, &ch->server.listener, 0, false);
}

static bool add_connection(struct http_channel *ch, int fd)
{
    struct http_conn *c = whist_zalloc(1, sizeof *c);

    if (c == NULL) {
        return false;
    }
    c->io = (struct http_io){.kind = IO_CONNECTION, .fd = fd};
    c->events = EPOLLIN;
    whist_http_parser_init(&c->parser, WHIST_HTTP_REQUEST, ch->base.max_message);
    whist_net_tune(fd);
    if (!whist_net_set_nonblocking(fd) || !whist_http_watch(ch, &c->io, c->events, true)) {
        whist_free(c);
        return false;
    }
    link_newest(&ch->server, c);
    ch->server.n_conns++;
    whist_httpd_deadline(ch, c, ch->tuning.idle_ms);
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

/* ---- Memory ---- */

/* The one that has most in memory of those that never delivered a message. */
static struct http_conn *find_hoarder(struct http_channel *ch)
{
    struct http_conn *most = NULL;

    for (struct http_conn *c = ch->server.oldest; c != NULL; c = c->next) {
        if (!c->proven && c->state != CONN_HELD && (most == NULL || c->buffered > most->buffered)) {
            most = c;
        }
    }
    return most != NULL && most->buffered != 0 ? most : NULL;
}

void whist_httpd_account(struct http_channel *ch, struct http_conn *c)
{
    struct http_server *s = &ch->server;

    if (c->state == CONN_DEAD) {
        return;
    }
    s->buffered -= c->buffered;
    c->buffered = c->parser.head.cap + c->parser.body.cap + c->in.cap + c->out.cap;
    s->buffered += c->buffered;
    while (s->buffered > ch->tuning.max_buffered && c->state != CONN_DEAD) {
        struct http_conn *victim = find_hoarder(ch);
        whist_logf(&ch->log, (s->warned & 2) == 0 ? WHIST_LOG_WARN : WHIST_LOG_DEBUG,
                   "http: unfinished messages take too much memory: closed a connection");
        s->warned |= 2;
        whist_httpd_end(ch, victim != NULL ? victim : c);
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
            whist_httpd_end(ch, c);
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
        whist_httpd_end(ch, c);
    }
    whist_httpd_collect(ch);
    whist_http_close(ch, &ch->server.listener);
}
