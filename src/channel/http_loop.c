/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "channel/http_loop.h"

#define EVENTS_MAX 64

bool whist_http_watch(struct http_loop *loop, struct http_io *io, uint32_t events, bool add)
{
    struct epoll_event ev = {.events = events, .data.ptr = io};
    return epoll_ctl(loop->epoll_fd, add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, io->fd, &ev) == 0;
}

void whist_http_close(struct http_loop *loop, struct http_io *io)
{
    if (io->fd >= 0) {
        struct epoll_event unused = {0};
        /* Not left to close: a child of fork may hold a copy, and its events would come here. */
        (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, io->fd, &unused);
        close(io->fd);
        io->fd = -1;
    }
}

void whist_http_wake(struct http_loop *loop)
{
    uint64_t one = 1;

    if (!atomic_exchange(&loop->woken, true) && write(loop->wake.fd, &one, sizeof one) < 0) {
        /* The counter of an eventfd is full only if its reader has not run yet: it will. */
    }
}

static void on_wake(struct http_io *io, uint32_t events)
{
    struct http_loop *loop =
        (struct http_loop *)(void *)((char *)io - offsetof(struct http_loop, wake));
    uint64_t count;

    (void)events;
    if (read(io->fd, &count, sizeof count) > 0) {
        loop->wake_seen = true;
    }
}

/* Milliseconds until the next turn must come; −1: never. */
static int time_to_wait(struct http_loop *loop)
{
    int64_t until = loop->ops->deadline(loop->owner), wait;

    if (until == INT64_MAX) {
        return -1;
    }
    wait = until - whist_now_ms();
    return wait < 0 ? 0 : wait > 60000 ? 60000 : (int)wait;
}

static void *run(void *arg)
{
    struct http_loop *loop = arg;
    struct epoll_event events[EVENTS_MAX];

    pthread_mutex_lock(&loop->lock);
    while (!atomic_load(&loop->stop)) {
        int wait = time_to_wait(loop);
        pthread_mutex_unlock(&loop->lock);
        int n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait);
        pthread_mutex_lock(&loop->lock);
        loop->now_ms = whist_now_ms();
        loop->wake_seen = false;
        for (int i = 0; i < n; i++) {
            struct http_io *io = events[i].data.ptr;
            io->on_events(io, events[i].events);
        }
        if (loop->wake_seen) {
            /* Cleared before looking: who comes later writes again. */
            atomic_store(&loop->woken, false);
        }
        loop->ops->turn(loop->owner, loop->wake_seen);
        loop->turns++;
        pthread_cond_broadcast(&loop->turned);
    }
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

whist_status whist_http_loop_init(struct http_loop *loop, const struct http_loop_ops *ops,
                                  void *owner, struct whist_error *err)
{
    *loop = (struct http_loop){
        .ops = ops,
        .owner = owner,
        .wake = {.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .on_events = on_wake},
        .epoll_fd = epoll_create1(EPOLL_CLOEXEC),
        .now_ms = whist_now_ms()};
    atomic_init(&loop->woken, false);
    atomic_init(&loop->stop, false);
    if (loop->epoll_fd >= 0 && loop->wake.fd >= 0 &&
        whist_http_watch(loop, &loop->wake, EPOLLIN, true) &&
        pthread_mutex_init(&loop->lock, NULL) == 0) {
        if (pthread_cond_init(&loop->turned, NULL) == 0) {
            return WHIST_OK;
        }
        pthread_mutex_destroy(&loop->lock);
    }
    if (loop->epoll_fd >= 0) {
        close(loop->epoll_fd);
    }
    if (loop->wake.fd >= 0) {
        close(loop->wake.fd);
    }
    *loop = (struct http_loop){.epoll_fd = -1};
    return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL,
                      "no file descriptors for a channel (see ulimit -n)");
}

whist_status whist_http_loop_start(struct http_loop *loop, struct whist_error *err)
{
    sigset_t all, before;

    /* Signals are the application's business. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&loop->thread, NULL, run, loop);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "cannot start a thread");
    }
    loop->running = true;
    return WHIST_OK;
}

void whist_http_loop_sync(struct http_loop *loop)
{
    uint64_t seen = loop->turns;

    whist_http_wake(loop);
    while (loop->running && loop->turns == seen) {
        pthread_cond_wait(&loop->turned, &loop->lock);
    }
}

void whist_http_loop_stop(struct http_loop *loop)
{
    if (loop->running) {
        atomic_store(&loop->stop, true);
        whist_http_wake(loop);
        pthread_join(loop->thread, NULL);
        loop->running = false;
    }
}

void whist_http_loop_clear(struct http_loop *loop)
{
    if (loop->ops != NULL) {
        close(loop->wake.fd);
        close(loop->epoll_fd);
        pthread_cond_destroy(&loop->turned);
        pthread_mutex_destroy(&loop->lock);
        *loop = (struct http_loop){.epoll_fd = -1};
    }
}
