/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The I/O thread of an HTTP channel: one epoll set for the listener, the connections of others and
 * our own. Level-triggered, so that nothing is lost when an event is left for the next turn. */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "channel/http_impl.h"

#define EVENTS_MAX 64

bool whist_http_watch(struct http_channel *ch, struct http_io *io, uint32_t events, bool add)
{
    struct epoll_event ev = {.events = events, .data.ptr = io};
    return epoll_ctl(ch->epoll_fd, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, io->fd, &ev) == 0;
}

void whist_http_close(struct http_channel *ch, struct http_io *io)
{
    if (io->fd >= 0) {
        struct epoll_event unused = {0};
        /* Not left to close: a child of fork may hold a copy, and its events would come here. */
        (void)epoll_ctl(ch->epoll_fd, EPOLL_CTL_DEL, io->fd, &unused);
        close(io->fd);
        io->fd = -1;
    }
}

void whist_http_wake(struct http_channel *ch)
{
    uint64_t one = 1;

    if (!atomic_exchange(&ch->woken, true) && write(ch->wake.fd, &one, sizeof one) < 0) {
        /* The counter of an eventfd is full only if its reader has not run yet: it will. */
    }
}

static void dispatch(struct http_channel *ch, struct http_io *io, uint32_t events, bool *woken)
{
    struct http_peer *p;
    uint64_t count;

    switch (io->kind) {
    case IO_WAKE:
        if (read(io->fd, &count, sizeof count) > 0) {
            *woken = true;
        }
        break;
    case IO_LISTENER:
        whist_httpd_accept(ch);
        break;
    case IO_CONNECTION:
        whist_httpd_events(ch, (struct http_conn *)io, events);
        break;
    case IO_PEER:
        p = (struct http_peer *)io;
        pthread_mutex_lock(&p->lock);
        whist_httpc_events(p, events);
        pthread_mutex_unlock(&p->lock);
        break;
    }
}

static void visit_peers(struct http_channel *ch, bool woken)
{
    for (size_t i = 0; i < ch->base.n; i++) {
        struct http_peer *p = &ch->peers[i];
        bool due = p->timer_ms != 0 && p->timer_ms <= ch->now_ms;
        if (i == ch->base.me || !(due || woken)) {
            continue;
        }
        pthread_mutex_lock(&p->lock);
        if (due) {
            whist_httpc_timer(p);
        }
        if (woken) {
            whist_httpc_pump(p);
        }
        pthread_mutex_unlock(&p->lock);
    }
}

/* Milliseconds until the next timer; −1 if there is none. */
static int time_to_wait(const struct http_channel *ch)
{
    int64_t first = INT64_MAX, wait;

    for (size_t i = 0; i < ch->base.n; i++) {
        int64_t t = i != ch->base.me ? ch->peers[i].timer_ms : 0;
        first = t != 0 && t < first ? t : first;
    }
    if (ch->server.sweep_ms != 0 && ch->server.sweep_ms < first) {
        first = ch->server.sweep_ms;
    }
    if (ch->server.accept_again_ms != 0 && ch->server.accept_again_ms < first) {
        first = ch->server.accept_again_ms;
    }
    if (first == INT64_MAX) {
        return -1;
    }
    wait = first - whist_now_ms();
    return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

void *whist_http_loop(void *arg)
{
    struct http_channel *ch = arg;
    struct epoll_event events[EVENTS_MAX];

    while (!atomic_load(&ch->stop)) {
        int n = epoll_wait(ch->epoll_fd, events, EVENTS_MAX, time_to_wait(ch));
        bool woken = false;
        ch->now_ms = whist_now_ms();
        for (int i = 0; i < n; i++) {
            dispatch(ch, events[i].data.ptr, events[i].events, &woken);
        }
        if (woken) {
            /* Cleared before looking: who comes later writes again. */
            atomic_store(&ch->woken, false);
            whist_httpd_retry_held(ch);
        }
        visit_peers(ch, woken);
        whist_httpd_timers(ch);
        whist_httpd_collect(ch);
    }
    return NULL;
}
