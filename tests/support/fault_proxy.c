/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#define _GNU_SOURCE /* accept4 */
#include "fault_proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/core.h"
#include "harness.h"
#include "jobs.h"
#include "ports.h"

#define READ_SIZE   ((size_t)256 << 10)
#define QUEUE_MAX   ((size_t)2 << 20) /* unsent bytes beyond which the other end is not read */
#define MESSAGE_MAX ((size_t)16 << 20)
#define HEAD_MAX    ((size_t)64 << 10)

/* Bytes that wait, from `at`. */
struct queue {
    uint8_t *p;
    size_t at, len, cap;
};

/* One of the two connections of a link. */
struct end {
    struct link *link;
    int fd; /* −1: none, or closed */
    struct queue in, out;
    size_t need;   /* length of the message at the front of `in`; 0: not known yet */
    bool eof;      /* it sends no more */
    bool shut;     /* nothing more is sent to it */
    bool closing;  /* to be shut when `out` is empty */
    uint32_t mask; /* that epoll watches for */
};

typedef enum fate_kind {
    FATE_PASS,
    FATE_DROP_REQUEST,
    FATE_DROP_ANSWER,
    FATE_CUT_REQUEST,
    FATE_CUT_ANSWER,
    FATE_REPEAT,
    FATE_REPEAT_LATER,
    FATE_DISCARD, /* of the second answer to a repeated request */
} fate_kind;

struct fate {
    fate_kind kind;
    uint64_t random; /* where to cut, how to end */
    int hold_ms;
    bool silent, reset;
};

/* A connection of a client with the one to the server that serves it. */
struct link {
    struct link *next;
    struct fault_proxy *proxy;
    struct end client, server; /* client.fd −1: a repeat that travels alone */
    uint64_t number, n_requests;
    struct fate *awaited; /* of requests that were passed on, oldest first */
    size_t n_awaited, cap_awaited;
    struct fate fate; /* of the request at the front, once drawn */
    bool drawn;
    int64_t held_until;  /* 0: not held */
    bool raw;            /* a stream, or HTTP that this file does not understand */
    uint64_t bytes_left; /* of a stream, before it is cut; 0: no limit */
    bool last;           /* takes no further request: ends once the answers before it are out */
    bool stay;           /* but does not end by itself */
    bool flush_and_end;  /* ends once what is queued is out */
    bool reset;          /* how it ends */
    bool counted;        /* in counts.open */
    bool dead;
};

struct fault_proxy {
    pthread_t thread;
    pthread_mutex_t lock; /* of all below; the thread does not hold it while it waits */
    struct fault_plan plan;
    struct fault_counts counts;
    struct link *links;
    uint16_t server_port, port;
    uint64_t n_links;
    int listen_fd, wake_fd, epoll_fd;
    bool paused, refuse, stop;
};

/* ---- Queues ---- */

static size_t waiting(const struct queue *q)
{
    return q->len - q->at;
}

/* Room for len more bytes. */
static uint8_t *reserve(struct queue *q, size_t len)
{
    if (q->at > 0 && (q->at == q->len || q->len + len > q->cap)) {
        memmove(q->p, q->p + q->at, waiting(q));
        q->len -= q->at;
        q->at = 0;
    }
    if (q->len + len > q->cap) {
        q->cap = (q->len + len) * 2;
        q->p = realloc(q->p, q->cap);
        CHECK(q->p != NULL);
    }
    return q->p + q->len;
}

static void append(struct queue *q, const uint8_t *data, size_t len)
{
    if (len > 0) {
        memcpy(reserve(q, len), data, len);
        q->len += len;
    }
}

static void consume(struct queue *q, size_t len)
{
    q->at += len;
    if (q->at == q->len) {
        q->at = q->len = 0;
    }
}

static void move_all(struct queue *to, struct queue *from)
{
    if (waiting(from) > 0) {
        append(to, from->p + from->at, waiting(from));
        consume(from, waiting(from));
    }
}

/* ---- HTTP, as much as this needs ---- */

/* Length of the head with its empty line; 0: not complete. */
static size_t head_length(const uint8_t *p, size_t len)
{
    for (size_t i = 3; i < len; i++) {
        if (p[i] == '\n' && p[i - 1] == '\r' && p[i - 2] == '\n' && p[i - 3] == '\r') {
            return i + 1;
        }
    }
    return 0;
}

/* Value of content-length, or −1. */
static long long body_length(const uint8_t *head, size_t len)
{
    static const char name[] = "\r\ncontent-length:";

    for (size_t i = 0; i + sizeof name - 1 < len; i++) {
        if (head[i] == '\r' && strncasecmp((const char *)head + i, name, sizeof name - 1) == 0) {
            return strtoll((const char *)head + i + sizeof name - 1, NULL, 10);
        }
    }
    return -1;
}

/* Length of the message at the front of the end's input once all of it is there, else 0. Turns the
 * link into a stream if it is no message with a length. */
static size_t whole_message(struct end *e)
{
    struct queue *q = &e->in;

    if (e->need == 0 && waiting(q) > 0) {
        const uint8_t *p = q->p + q->at;
        size_t head = head_length(p, waiting(q));
        long long body = head == 0 ? 0 : body_length(p, head);
        bool bodyless = e == &e->link->client || (head > 12 && memcmp(p + 8, " 1", 2) == 0);
        if (head == 0 && waiting(q) < HEAD_MAX) {
            return 0;
        }
        if (body < 0 && bodyless) {
            body = 0;
        }
        if (head == 0 || body < 0 || (unsigned long long)body > MESSAGE_MAX) {
            e->link->raw = true;
            return 0;
        }
        e->need = head + (size_t)body;
    }
    return e->need > 0 && waiting(q) >= e->need ? e->need : 0;
}

/* ---- Decisions ---- */

static struct fate draw(const struct link *l)
{
    const struct fault_plan *plan = &l->proxy->plan;
    uint64_t r = mix(mix(plan->seed ^ mix(l->number)) + l->n_requests);
    unsigned x = (unsigned)(r % 1000);
    const struct {
        unsigned share;
        fate_kind kind;
    } table[] = {{plan->drop_request, FATE_DROP_REQUEST},
                 {plan->drop_answer, FATE_DROP_ANSWER},
                 {plan->cut_request, FATE_CUT_REQUEST},
                 {plan->cut_answer, FATE_CUT_ANSWER},
                 {plan->repeat, (r >> 40 & 1) != 0 ? FATE_REPEAT : FATE_REPEAT_LATER}};
    struct fate f = {.kind = FATE_PASS, .random = mix(r)};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (x < table[i].share) {
            f.kind = table[i].kind;
            break;
        }
        x -= table[i].share;
    }
    f.silent = (r >> 20) % 1000 < plan->silent;
    f.reset = (r >> 30) % 1000 < plan->reset;
    if (plan->hold_ms > 0 && mix(r + 1) % 1000 < plan->hold) {
        f.hold_ms = 1 + (int)(mix(r + 2) % (uint64_t)plan->hold_ms);
    }
    return f;
}

/* ---- Links ---- */

static void watch(struct fault_proxy *p, struct end *e, uint32_t mask)
{
    struct epoll_event ev = {.events = mask, .data.ptr = e};

    if (e->fd >= 0 && mask != e->mask) {
        CHECK(epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, e->fd, &ev) == 0);
        e->mask = mask;
    }
}

static void take_fd(struct link *l, struct end *e, int fd, uint32_t mask)
{
    struct epoll_event ev = {.events = mask, .data.ptr = e};
    int on = 1;

    e->link = l;
    e->fd = fd;
    e->mask = mask;
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    CHECK(epoll_ctl(l->proxy->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0);
}

static void close_end(struct end *e, bool reset)
{
    struct linger abrupt = {.l_onoff = 1};

    if (e->fd >= 0) {
        if (reset) {
            CHECK(setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt) == 0);
        }
        close(e->fd);
        e->fd = -1;
    }
}

/* Freed after the events of this round, which may point to it. */
static void kill_link(struct link *l)
{
    if (!l->dead) {
        l->dead = true;
        l->proxy->counts.open -= l->counted;
        close_end(&l->client, l->reset);
        close_end(&l->server, l->reset);
    }
}

static struct link *new_link(struct fault_proxy *p, int client_fd)
{
    struct sockaddr_in sa = {.sin_family = AF_INET,
                             .sin_port = htons(p->server_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct link *l = calloc(1, sizeof *l);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool connected;

    CHECK(l != NULL && fd >= 0);
    l->proxy = p;
    l->raw = !p->plan.http;
    l->client.fd = -1;
    l->client.link = l;
    if (client_fd >= 0) {
        l->number = p->n_links++;
        p->counts.connections++;
        p->counts.open++;
        l->counted = true;
        take_fd(l, &l->client, client_fd, EPOLLIN);
    }
    if (l->raw && p->plan.cut_bytes > 0) {
        uint64_t r = mix(p->plan.seed ^ mix(l->number));
        l->bytes_left = 1 + r % (2 * p->plan.cut_bytes);
        l->reset = (r >> 30) % 1000 < p->plan.reset;
    }
    connected = connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0 || errno == EINPROGRESS;
    take_fd(l, &l->server, fd, EPOLLIN | EPOLLOUT);
    l->next = p->links;
    p->links = l;
    if (!connected) {
        l->reset = true;
        kill_link(l);
    }
    return l;
}

static void free_link(struct link *l)
{
    free(l->client.in.p);
    free(l->client.out.p);
    free(l->server.in.p);
    free(l->server.out.p);
    free(l->awaited);
    free(l);
}

static void await(struct link *l, const struct fate *f, fate_kind kind)
{
    if (l->n_awaited == l->cap_awaited) {
        l->cap_awaited = l->cap_awaited * 2 + 8;
        l->awaited = realloc(l->awaited, l->cap_awaited * sizeof *l->awaited);
        CHECK(l->awaited != NULL);
    }
    l->awaited[l->n_awaited] = *f;
    l->awaited[l->n_awaited++].kind = kind;
}

/* The same request once more, alone, on a connection of its own. */
static void repeat_later(struct link *l, const struct fate *f, const uint8_t *request, size_t len)
{
    struct link *stray = new_link(l->proxy, -1);

    append(&stray->server.out, request, len);
    await(stray, f, FATE_DISCARD);
    stray->last = true;
}

/* The whole request of len bytes at the front meets its fate. */
static void pass_request(struct link *l, size_t len)
{
    const struct fate *f = &l->fate;
    const uint8_t *request = l->client.in.p + l->client.in.at;
    struct fault_counts *c = &l->proxy->counts;

    l->last = f->kind == FATE_DROP_REQUEST || f->kind == FATE_CUT_REQUEST;
    l->reset = f->reset;
    switch (f->kind) {
    case FATE_DROP_REQUEST:
        c->dropped_requests++;
        l->stay = f->silent;
        c->silent += f->silent;
        break;
    case FATE_CUT_REQUEST:
        c->cut_requests++;
        append(&l->server.out, request, f->random % len);
        l->flush_and_end = true;
        break;
    case FATE_REPEAT:
        c->repeats++;
        append(&l->server.out, request, len);
        append(&l->server.out, request, len);
        await(l, f, FATE_PASS);
        await(l, f, FATE_DISCARD);
        break;
    case FATE_REPEAT_LATER:
        c->repeats++;
        append(&l->server.out, request, len);
        await(l, f, FATE_PASS);
        repeat_later(l, f, request, len);
        break;
    default:
        append(&l->server.out, request, len);
        await(l, f, f->kind);
        break;
    }
    consume(&l->client.in, len);
    l->client.need = 0;
    l->n_requests++;
    c->requests++;
}

/* Takes requests as long as they are whole, not held, and the server keeps up. */
static void pass_requests(struct link *l, int64_t now)
{
    size_t len;

    while (!l->raw && !l->last && waiting(&l->server.out) < QUEUE_MAX &&
           (len = whole_message(&l->client)) > 0) {
        if (!l->drawn) {
            l->fate = draw(l);
            l->drawn = true;
            l->held_until = l->fate.hold_ms > 0 ? now + l->fate.hold_ms : 0;
            l->proxy->counts.held += l->fate.hold_ms > 0;
        }
        if (l->held_until > now) {
            return;
        }
        l->held_until = 0;
        l->drawn = false;
        pass_request(l, len);
    }
}

/* The whole answer of len bytes at the front belongs to the oldest request. */
static void pass_answer(struct link *l, size_t len)
{
    const uint8_t *answer = l->server.in.p + l->server.in.at;
    struct fault_counts *c = &l->proxy->counts;
    struct fate f = l->awaited[0];

    if (memcmp(answer + 8, " 1", 2) == 0) { /* an interim answer: the real one follows */
        append(&l->client.out, answer, len);
        return;
    }
    l->n_awaited--;
    memmove(l->awaited, l->awaited + 1, l->n_awaited * sizeof f);
    c->answers += f.kind != FATE_DISCARD;
    if (f.kind == FATE_PASS) {
        append(&l->client.out, answer, len);
    } else if (f.kind != FATE_DISCARD) {
        l->last = l->flush_and_end = true;
        l->reset = f.reset;
        if (f.kind == FATE_CUT_ANSWER) {
            c->cut_answers++;
            append(&l->client.out, answer, f.random % len);
        } else {
            c->dropped_answers++;
            l->flush_and_end = !f.silent;
            l->stay = f.silent;
            c->silent += f.silent;
        }
    }
}

static void pass_answers(struct link *l)
{
    size_t len;

    while (!l->raw && !l->stay && !l->flush_and_end && l->n_awaited > 0 &&
           (len = whole_message(&l->server)) > 0) {
        pass_answer(l, len);
        consume(&l->server.in, len);
        l->server.need = 0;
    }
}

/* ---- Bytes ---- */

static void drain(struct end *e)
{
    while (waiting(&e->out) > 0 && e->fd >= 0) {
        ssize_t n = send(e->fd, e->out.p + e->out.at, waiting(&e->out), MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
            return;
        }
        if (n < 0) { /* it has gone: what it should have got is lost, as on a real path */
            consume(&e->out, waiting(&e->out));
            e->closing = true;
            return;
        }
        consume(&e->out, (size_t)n);
    }
}

/* Reads what is there; a stream goes straight to the other side's queue. */
static void fill(struct link *l, struct end *e, struct end *other)
{
    struct queue *q = l->raw ? &other->out : &e->in;
    size_t room = READ_SIZE;
    ssize_t n;

    if (l->bytes_left > 0 && l->bytes_left < room) {
        room = (size_t)l->bytes_left;
    }
    if (e->need > waiting(q) && e->need - waiting(q) > room) {
        room = e->need - waiting(q); /* the rest of a long body */
    }
    n = recv(e->fd, reserve(q, room), room, 0);
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) {
        return;
    }
    if (n < 0) {
        l->reset = true;
        kill_link(l);
        return;
    }
    e->eof = n == 0;
    q->len += (size_t)n;
    *(e == &l->client ? &l->proxy->counts.bytes_up : &l->proxy->counts.bytes_down) += (uint64_t)n;
    if (l->bytes_left > 0 && n > 0) {
        l->bytes_left -= (uint64_t)n;
        if (l->bytes_left == 0) {
            l->proxy->counts.cut_streams++;
            l->flush_and_end = true;
        }
    }
}

static bool reads(const struct link *l, const struct end *e, const struct end *other)
{
    bool full = waiting(&other->out) >= QUEUE_MAX ||
                (!l->raw && waiting(&e->in) >= QUEUE_MAX && e->need <= waiting(&e->in));
    bool deaf = l->last && e == &l->client && !l->stay;
    return !e->eof && !full && !deaf && !l->flush_and_end;
}

static void shut_if_done(struct end *e)
{
    if (e->closing && !e->shut && waiting(&e->out) == 0) {
        if (e->fd >= 0) {
            shutdown(e->fd, SHUT_WR);
        }
        e->shut = true;
    }
    if (e->eof && e->shut) { /* epoll would report its end for ever */
        close_end(e, false);
    }
}

/* Whatever can be done for a link now. */
static void serve(struct link *l, int64_t now)
{
    bool out_empty;

    if (l->raw) { /* what was read before it turned out to be a stream */
        move_all(&l->server.out, &l->client.in);
        move_all(&l->client.out, &l->server.in);
    }
    pass_requests(l, now);
    pass_answers(l);
    if (l->client.eof && l->held_until == 0 && whole_message(&l->client) == 0) {
        move_all(&l->server.out, &l->client.in); /* a request that was cut before us */
        l->server.closing = true;
    }
    if (l->server.eof && !l->stay) {
        move_all(&l->client.out, &l->server.in);
        l->client.closing = true;
    }
    drain(&l->client);
    drain(&l->server);
    shut_if_done(&l->client);
    shut_if_done(&l->server);
    out_empty = waiting(&l->client.out) == 0 && waiting(&l->server.out) == 0;
    if ((l->client.shut && l->server.shut) || (l->client.eof && l->stay) ||
        (l->server.eof && (l->client.shut || l->client.fd < 0)) ||
        (out_empty && (l->flush_and_end || (l->last && l->n_awaited == 0 && !l->stay)))) {
        kill_link(l);
        return;
    }
    watch(l->proxy, &l->client,
          (reads(l, &l->client, &l->server) ? EPOLLIN : 0u) |
              (waiting(&l->client.out) > 0 ? EPOLLOUT : 0u));
    watch(l->proxy, &l->server,
          (reads(l, &l->server, &l->client) ? EPOLLIN : 0u) |
              (waiting(&l->server.out) > 0 ? EPOLLOUT : 0u));
}

/* ---- The thread ---- */

static void accept_all(struct fault_proxy *p)
{
    for (;;) {
        int fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            CHECK(errno == EAGAIN || errno == ECONNABORTED || errno == EINTR);
            return;
        }
        if (p->refuse) {
            struct end e = {.fd = fd};
            close_end(&e, true);
        } else {
            new_link(p, fd);
        }
    }
}

static void clear_wake(struct fault_proxy *p)
{
    uint64_t n;
    CHECK(read(p->wake_fd, &n, sizeof n) == sizeof n || errno == EAGAIN);
}

static void on_event(struct fault_proxy *p, const struct epoll_event *ev, int64_t now)
{
    struct end *e = ev->data.ptr;
    struct link *l;

    if (ev->data.ptr == &p->listen_fd) {
        accept_all(p);
        return;
    }
    if (ev->data.ptr == &p->wake_fd) {
        clear_wake(p);
        return;
    }
    l = e->link;
    if (l->dead || e->fd < 0) {
        return;
    }
    if ((ev->events & EPOLLERR) != 0) { /* refused or reset */
        l->reset = true;
        kill_link(l);
        return;
    }
    if ((ev->events & (EPOLLIN | EPOLLHUP)) != 0) {
        fill(l, e, e == &l->client ? &l->server : &l->client);
    }
    if (!l->dead) {
        serve(l, now);
    }
}

/* Serves held requests whose time has come, frees dead links; returns how long to wait. */
static int look_after(struct fault_proxy *p, int64_t now)
{
    int64_t next = INT64_MAX;

    for (struct link *l = p->links; l != NULL; l = l->next) {
        if (!l->dead && l->held_until > 0 && l->held_until <= now) {
            serve(l, now);
        }
        if (!l->dead && l->held_until > now && l->held_until < next) {
            next = l->held_until;
        }
    }
    for (struct link **at = &p->links; *at != NULL;) {
        struct link *l = *at;
        if (l->dead) {
            *at = l->next;
            free_link(l);
        } else {
            at = &l->next;
        }
    }
    return next == INT64_MAX ? -1 : (int)(next - now);
}

/* Paused, only a wake-up counts: everything else stays in the system's queues. */
static int wait_events(struct fault_proxy *p, bool paused, int wait_ms, struct epoll_event *events,
                       int max)
{
    struct pollfd wake = {.fd = p->wake_fd, .events = POLLIN};
    int n = paused ? poll(&wake, 1, -1) : epoll_wait(p->epoll_fd, events, max, wait_ms);

    CHECK(n >= 0 || errno == EINTR);
    if (paused) {
        clear_wake(p);
        return 0;
    }
    return n;
}

static void *proxy_thread(void *arg)
{
    struct fault_proxy *p = arg;
    struct epoll_event events[64];

    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        bool paused = p->paused;
        int wait = paused ? -1 : look_after(p, whist_now_ms()), n;
        pthread_mutex_unlock(&p->lock);
        n = wait_events(p, paused, wait, events, 64);
        pthread_mutex_lock(&p->lock);
        for (int i = 0; i < n && !p->paused; i++) { /* they are reported again */
            on_event(p, &events[i], whist_now_ms());
        }
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* ---- Outside ---- */

static void wake(struct fault_proxy *p)
{
    uint64_t one = 1;
    CHECK(write(p->wake_fd, &one, sizeof one) == sizeof one);
}

static void add(struct fault_proxy *p, int *fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = fd};
    CHECK(epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, *fd, &ev) == 0);
}

struct fault_proxy *fault_proxy_new(uint16_t server_port, const struct fault_plan *plan)
{
    struct fault_proxy *p = calloc(1, sizeof *p);

    CHECK(p != NULL);
    p->server_port = server_port;
    p->plan = plan != NULL ? *plan : (struct fault_plan){0};
    CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
    p->listen_fd = listen_loopback(&p->port);
    CHECK(fcntl(p->listen_fd, F_SETFL, O_NONBLOCK) == 0);
    p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(p->wake_fd >= 0 && p->epoll_fd >= 0);
    add(p, &p->listen_fd);
    add(p, &p->wake_fd);
    CHECK(pthread_create(&p->thread, NULL, proxy_thread, p) == 0);
    return p;
}

void fault_proxy_free(struct fault_proxy *p)
{
    if (p == NULL) {
        return;
    }
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    wake(p);
    pthread_mutex_unlock(&p->lock);
    CHECK(pthread_join(p->thread, NULL) == 0);
    while (p->links != NULL) {
        struct link *l = p->links;
        p->links = l->next;
        kill_link(l);
        free_link(l);
    }
    close(p->listen_fd);
    close(p->wake_fd);
    close(p->epoll_fd);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

uint16_t fault_proxy_port(const struct fault_proxy *p)
{
    return p->port;
}

struct fault_counts fault_proxy_counts(struct fault_proxy *p)
{
    struct fault_counts counts;

    pthread_mutex_lock(&p->lock);
    counts = p->counts;
    pthread_mutex_unlock(&p->lock);
    return counts;
}

void fault_proxy_set_plan(struct fault_proxy *p, const struct fault_plan *plan)
{
    pthread_mutex_lock(&p->lock);
    bool http = p->plan.http;
    p->plan = *plan;
    p->plan.http = http;
    pthread_mutex_unlock(&p->lock);
}

size_t fault_proxy_cut(struct fault_proxy *p)
{
    size_t n = 0;

    pthread_mutex_lock(&p->lock);
    for (struct link *l = p->links; l != NULL; l = l->next) {
        if (!l->dead) {
            n += l->counted;
            l->reset = true;
            kill_link(l);
        }
    }
    p->counts.cut_streams += n;
    wake(p); /* to free them */
    pthread_mutex_unlock(&p->lock);
    return n;
}

void fault_proxy_pause(struct fault_proxy *p, bool paused)
{
    pthread_mutex_lock(&p->lock);
    p->paused = paused;
    wake(p);
    pthread_mutex_unlock(&p->lock);
}

void fault_proxy_refuse(struct fault_proxy *p, bool refuse)
{
    pthread_mutex_lock(&p->lock);
    p->refuse = refuse;
    pthread_mutex_unlock(&p->lock);
}
