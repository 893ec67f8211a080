/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "channel/http_loop.h"

#define EVENTS_MAX 64
/* How long the I/O thread waits for another guest, in milliseconds. */
#define PARK_MS 2

bool whist_http_watch(struct http_loop *loop, struct http_io *io, uint32_t events, bool add)
{
    /* The lowest bit of the address tells about the owner when the address may be stale. */
    uint64_t tag = io->fleeting ? 1 : 0;
    struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)(uintptr_t)io | tag};
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
    if (!atomic_load(&loop->guest)) {
        whist_http_loop_unpark(loop);
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

/* Waits for events until a time, at most, and takes a turn. Whoever calls this has the lock. */
static void take_turn(struct http_loop *loop, int64_t until_ms)
{
    struct epoll_event events[EVENTS_MAX];
    int wait = time_to_wait(loop);

    if (until_ms != INT64_MAX) {
        int64_t left = until_ms - whist_now_ms();
        left = left < 0 ? 0 : left;
        wait = wait < 0 || left < wait ? (int)left : wait;
    }
    uint64_t before = loop->all_turns;
    pthread_mutex_unlock(&loop->lock);
    int n = epoll_wait(loop->epoll_fd, events, EVENTS_MAX, wait);
    pthread_mutex_lock(&loop->lock);
    loop->now_ms = whist_now_ms();
    loop->wake_seen = false;
    for (int i = 0; i < n; i++) {
        uint64_t tagged = events[i].data.u64;
        struct http_io *io = (struct http_io *)(uintptr_t)(tagged & ~(uint64_t)1);
        /* If another thread took a turn meanwhile, fleeting ones may be gone. They are watched
         * level-triggered: what is there still comes again. */
        if ((tagged & 1) == 0 || loop->all_turns == before) {
            io->on_events(io, events[i].events);
        }
    }
    if (loop->wake_seen) {
        /* Cleared before looking: who comes later writes again. */
        atomic_store(&loop->woken, false);
    }
    loop->ops->turn(loop->owner, loop->wake_seen);
    loop->all_turns++;
}

/* There is a guest: this thread need not wait for events. Without one it has to, at once: what
 * comes would wait for PARK_MS. */
static bool park(struct http_loop *loop)
{
    if (!atomic_load(&loop->guest)) {
        return false;
    }
    if (atomic_load(&loop->guest_wake)) {
        whist_http_wake(loop); /* this thread has taken the event that was for the guest */
    }
    atomic_store(&loop->parked, true);
    (void)whist_waitq_wait(&loop->park, &loop->lock, whist_now_ms() + PARK_MS);
    atomic_store(&loop->parked, false);
    return true;
}

static void *run(void *arg)
{
    struct http_loop *loop = arg;

    pthread_mutex_lock(&loop->lock);
    while (!atomic_load(&loop->stop)) {
        if (!park(loop)) {
            take_turn(loop, INT64_MAX);
            loop->turns++;
            pthread_cond_broadcast(&loop->turned);
        }
    }
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

bool whist_http_loop_guest(struct http_loop *loop, int64_t until_ms)
{
    bool first;

    pthread_mutex_lock(&loop->lock);
    first = !atomic_exchange(&loop->guest, true);
    if (first) {
        if (!atomic_exchange(&loop->guest_wake, false)) {
            take_turn(loop, until_ms);
            atomic_store(&loop->guest_wake, false);
        }
        atomic_store(&loop->guest, false);
    }
    pthread_mutex_unlock(&loop->lock);
    return first;
}

void whist_http_loop_wake_guest(struct http_loop *loop)
{
    atomic_store(&loop->guest_wake, true);
    whist_http_wake(loop);
}

void whist_http_loop_unpark(struct http_loop *loop)
{
    if (atomic_load(&loop->parked)) {
        whist_waitq_wake(&loop->park, true);
    }
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
    atomic_init(&loop->guest, false);
    atomic_init(&loop->guest_wake, false);
    atomic_init(&loop->parked, false);
    whist_waitq_init(&loop->park);
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
