/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The connections of the HTTP transport's server: accepting, limits, ends. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "channel/http_server.h"

#define ACCEPTS_MAX         64  /* connections accepted in one turn of the loop */
#define ACCEPT_PAUSE_MS     100 /* when neither descriptors nor victims are left */
#define SWEEP_MIN_MS        100
#define DEFAULT_CONNECTIONS 1024

/* Silence after which a connection reports single bytes again. */
#define SLOW_MS 1000

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

void whist_httpd_touch(struct http_server *s, struct http_conn *c)
{
    unlink_conn(s, c);
    link_newest(s, c);
}

static void sweep_at(struct http_server *s, int64_t at_ms)
{
    if (s->sweep_ms == 0 || at_ms < s->sweep_ms) {
        s->sweep_ms = at_ms;
    }
}

void whist_httpd_low_water(struct http_server *s, struct http_conn *c, int bytes)
{
    if (bytes != c->low_water &&
        setsockopt(c->io.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0) {
        c->low_water = bytes;
    }
    if (c->low_water > 1) {
        sweep_at(s, c->read_ms + SLOW_MS);
    }
}

void whist_httpd_hold(struct http_server *s, struct http_conn *c)
{
    c->state = CONN_HELD;
    c->deadline_ms = 0;
    c->next_held = NULL;
    *s->held_tail = c;
    s->held_tail = &c->next_held;
}

void whist_httpd_unhold(struct http_server *s, struct http_conn *c)
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

void whist_httpd_deadline(struct http_server *s, struct http_conn *c, int64_t after_ms)
{
    c->deadline_ms = s->loop->now_ms + after_ms;
    sweep_at(s, c->deadline_ms);
}

void whist_httpd_end(struct http_server *s, struct http_conn *c)
{
    if (c->state == CONN_DEAD) {
        return;
    }
    if (c->state == CONN_HELD) {
        whist_httpd_unhold(s, c);
    }
    c->state = CONN_DEAD;
    if (c->is_lazy) {
        struct http_conn **at = &s->lazy;
        while (*at != c) {
            at = &(*at)->next_lazy;
        }
        *at = c->next_lazy;
    }
    whist_stream_clear(&c->stream);
    whist_http_close(s->loop, &c->io);
    unlink_conn(s, c);
    s->n_conns--;
    s->buffered -= c->buffered;
    whist_http_parser_clear(&c->parser);
    whist_buffer_clear(&c->in);
    whist_buffer_clear(&c->out);
    c->next_held = s->garbage;
    s->garbage = c;
    if (s->accept_again_ms != 0) {
        s->accept_again_ms = s->loop->now_ms; /* there is room again */
    }
}

static void collect(struct http_server *s)
{
    while (s->garbage != NULL) {
        struct http_conn *c = s->garbage;
        s->garbage = c->next_held;
        whist_free(c);
    }
}

/* ---- Accepting ---- */

/* A connection that nobody will miss: the one that has been silent for longest of those that never
 * delivered a message, else of those between two requests; NULL if there is none. */
static struct http_conn *find_victim(struct http_server *s)
{
    struct http_conn *spare = NULL;

    for (struct http_conn *c = s->oldest; c != NULL; c = c->next) {
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

static void evict(struct http_server *s, struct http_conn *c)
{
    whist_logf(&s->log, WHIST_LOG_DEBUG, "http: too many connections: closed the quietest");
    whist_httpd_end(s, c);
}

static void pause_accepting(struct http_server *s, int64_t until_ms)
{
    s->accept_again_ms = until_ms;
    (void)whist_http_watch(s->loop, &s->listener, 0, false);
}

static bool add_connection(struct http_server *s, int fd, const struct whist_net_address *address)
{
    struct http_conn *c = whist_zalloc(1, sizeof *c);
    struct whist_error err;

    if (c == NULL) {
        return false;
    }
    c->io = (struct http_io){.fd = fd, .fleeting = true, .on_events = whist_httpd_on_events};
    c->server = s;
    c->stream.fd = fd;
    c->address = *address;
    c->events = EPOLLIN;
    c->low_water = 1;
    whist_http_parser_init(&c->parser, WHIST_HTTP_REQUEST, s->limits.body_limit);
    whist_net_tune(fd);
    c->unknown =
        s->tls != NULL && s->service->may_be_plain != NULL && s->service->may_be_plain(s, c);
    if ((s->tls != NULL && !c->unknown &&
         whist_tls_accept(&c->stream.tls, s->tls, &err) != WHIST_OK) ||
        !whist_net_set_nonblocking(fd) || !whist_http_watch(s->loop, &c->io, c->events, true)) {
        whist_stream_clear(&c->stream);
        whist_free(c);
        return false;
    }
    link_newest(s, c);
    s->n_conns++;
    s->accepted++;
    whist_httpd_deadline(s, c, s->limits.idle_ms);
    return true;
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_some(struct http_server *s)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        bool full = s->n_conns >= s->limits.max_connections;
        struct http_conn *victim = full ? find_victim(s) : NULL;
        struct whist_net_address from = {.len = sizeof from.sa};
        int fd;
        if (full && victim == NULL) {
            pause_accepting(s, s->loop->now_ms + ACCEPT_PAUSE_MS);
            return;
        }
        fd = accept(s->listener.fd, (struct sockaddr *)&from.sa, &from.len);
        if (fd >= 0) {
            if (victim != NULL) {
                evict(s, victim);
            }
            if (!add_connection(s, fd, &from)) {
                close(fd);
            }
        } else if (is_shortage(errno)) {
            victim = find_victim(s);
            if (victim == NULL) {
                pause_accepting(s, s->loop->now_ms + ACCEPT_PAUSE_MS);
            } else if (i == 0) { /* later there may be nothing left to accept */
                evict(s, victim);
                continue;
            }
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        }
        /* Any other error concerns the one connection that was to be accepted. */
    }
}

void whist_httpd_on_listener(struct http_io *io, uint32_t events)
{
    (void)events;
    if (io->fd >= 0) {
        accept_some(
            (struct http_server *)(void *)((char *)io - offsetof(struct http_server, listener)));
    }
}

/* ---- Memory ---- */

/* The one that has most in memory of those that never delivered a message. */
static struct http_conn *find_hoarder(struct http_server *s)
{
    struct http_conn *most = NULL;

    for (struct http_conn *c = s->oldest; c != NULL; c = c->next) {
        if (!c->proven && c->state != CONN_HELD && (most == NULL || c->buffered > most->buffered)) {
            most = c;
        }
    }
    return most != NULL && most->buffered != 0 ? most : NULL;
}

void whist_httpd_account(struct http_server *s, struct http_conn *c)
{
    if (c->state == CONN_DEAD) {
        return;
    }
    s->buffered -= c->buffered;
    c->buffered = c->parser.head.cap + c->parser.body.cap + c->in.cap + c->out.cap;
    s->buffered += c->buffered;
    while (s->buffered > s->limits.max_buffered && c->state != CONN_DEAD) {
        struct http_conn *victim = find_hoarder(s);
        whist_logf(&s->log, (s->warned & 2) == 0 ? WHIST_LOG_WARN : WHIST_LOG_DEBUG,
                   "http: unfinished messages take too much memory: closed a connection");
        s->warned |= 2;
        whist_httpd_end(s, victim != NULL ? victim : c);
    }
}

/* ---- Time ---- */

static void sweep(struct http_server *s)
{
    struct http_conn *c = s->oldest, *next;

    s->sweep_ms = 0;
    for (; c != NULL; c = next) {
        next = c->next;
        if (c->low_water > 1) {
            bool slow = c->read_ms + SLOW_MS <= s->loop->now_ms;
            whist_httpd_low_water(s, c, slow ? 1 : c->low_water);
        }
        if (c->deadline_ms == 0) {
            continue;
        }
        if (c->deadline_ms <= s->loop->now_ms) {
            whist_httpd_end(s, c);
        } else {
            sweep_at(s, c->deadline_ms);
        }
    }
    if (s->sweep_ms != 0 && s->sweep_ms < s->loop->now_ms + SWEEP_MIN_MS) {
        s->sweep_ms = s->loop->now_ms + SWEEP_MIN_MS;
    }
}

void whist_httpd_turn(struct http_server *s)
{
    if (s->sweep_ms != 0 && s->sweep_ms <= s->loop->now_ms) {
        sweep(s);
    }
    if (s->accept_again_ms != 0 && s->accept_again_ms <= s->loop->now_ms) {
        s->accept_again_ms = 0;
        (void)whist_http_watch(s->loop, &s->listener, EPOLLIN, false);
    }
    if (s->lazy != NULL && s->lazy_ms <= s->loop->now_ms) {
        whist_httpd_flush_lazy(s);
    }
    collect(s);
}

int64_t whist_httpd_deadline_of(const struct http_server *s)
{
    int64_t first = INT64_MAX;

    if (s->sweep_ms != 0) {
        first = s->sweep_ms;
    }
    if (s->accept_again_ms != 0 && s->accept_again_ms < first) {
        first = s->accept_again_ms;
    }
    if (s->lazy != NULL && s->lazy_ms < first) {
        first = s->lazy_ms;
    }
    return first;
}

/* ---- Life ---- */

size_t whist_httpd_default_connections(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur / 2 < DEFAULT_CONNECTIONS) {
        return (size_t)(files.rlim_cur / 2);
    }
    return DEFAULT_CONNECTIONS;
}

whist_status whist_httpd_init(struct http_server *s, struct http_loop *loop,
                              const struct http_service *service, void *owner,
                              const struct http_limits *limits, int listen_fd,
                              const struct whist_log *log, struct whist_error *err)
{
    *s = (struct http_server){.loop = loop,
                              .service = service,
                              .owner = owner,
                              .log = *log,
                              .limits = *limits,
                              .listener = {.fd = listen_fd, .on_events = whist_httpd_on_listener},
                              .scratch = whist_alloc(HTTP_SCRATCH, 1)};
    s->held_tail = &s->held;
    return s->scratch != NULL
               ? WHIST_OK
               : whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for a channel");
}

bool whist_httpd_listen(struct http_server *s)
{
    return whist_http_watch(s->loop, &s->listener, EPOLLIN, true);
}

void whist_httpd_clear(struct http_server *s)
{
    if (s->loop == NULL) {
        return;
    }
    whist_httpd_flush_lazy(s);
    for (struct http_conn *c = s->oldest, *next; c != NULL; c = next) {
        next = c->next;
        (void)shutdown(c->io.fd, SHUT_WR); /* answers that are on their way still arrive */
        whist_httpd_end(s, c);
    }
    collect(s);
    whist_http_close(s->loop, &s->listener);
    whist_free(s->scratch);
    *s = (struct http_server){.listener = {.fd = -1}};
}
