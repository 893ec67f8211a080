/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The I/O thread of the HTTP transport: one epoll set, level-triggered, so that nothing is lost
 * when an event is left for the next turn. */
#ifndef WHIST_CHANNEL_HTTP_LOOP_H
#define WHIST_CHANNEL_HTTP_LOOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "channel/waitq.h"

/* First member of whatever owns a socket. Events of a socket that was closed in the same turn come
 * with fd −1. */
struct http_io {
    int fd;        /* −1: none */
    bool fleeting; /* freed at the end of the turn in which it was closed */
    void (*on_events)(struct http_io *io, uint32_t events);
};

/* What the owner of a loop does between the events. */
struct http_loop_ops {
    /* After the events of a turn; woken: whist_http_wake was called. */
    void (*turn)(void *owner, bool woken);
    /* When the next turn must come, at the latest; INT64_MAX: never. */
    int64_t (*deadline)(void *owner);
};

struct http_loop {
    const struct http_loop_ops *ops;
    void *owner;
    pthread_mutex_t lock; /* held by the thread but while it waits: what belongs to it may be
                             changed by others who hold it */
    int epoll_fd;
    struct http_io wake;   /* an eventfd */
    atomic_bool woken;     /* wake has been written and not been read */
    atomic_bool stop;      /* the thread ends */
    bool wake_seen;        /* in this turn */
    uint64_t turns;        /* ended */
    pthread_cond_t turned; /* another one has ended */

    /* A guest: a thread of the application that waits for a message and takes the turns meanwhile,
     * which spares waking it. The I/O thread parks as long as guests come. */
    atomic_bool guest;      /* there is one */
    atomic_bool guest_wake; /* it has to look for its message */
    uint64_t all_turns;     /* of both */
    atomic_bool parked;
    struct waitq park;
    bool running; /* thread is there to be joined */
    pthread_t thread;
    int64_t now_ms; /* of the present turn */
};

/* On error nothing is left over. */
WHIST_MUST_CHECK whist_status whist_http_loop_init(struct http_loop *loop,
                                                   const struct http_loop_ops *ops, void *owner,
                                                   struct whist_error *err);
WHIST_MUST_CHECK whist_status whist_http_loop_start(struct http_loop *loop,
                                                    struct whist_error *err);
/* Ends the thread, if it runs. Not from two threads at once. */
void whist_http_loop_stop(struct http_loop *loop);
/* After stop; nothing if init was not successful. */
void whist_http_loop_clear(struct http_loop *loop);

/* Waits, with the lock held, until the thread has ended a turn: then no event of a socket that was
 * closed before can come any more. Not from the thread itself. */
void whist_http_loop_sync(struct http_loop *loop);

/* The calling thread takes turns in place of the I/O thread, until it is woken or until_ms: for a
 * thread that waits for what a turn may bring. False: there is a guest already. */
bool whist_http_loop_guest(struct http_loop *loop, int64_t until_ms);
/* The guest looks for its message. From any thread but the guest's. */
void whist_http_loop_wake_guest(struct http_loop *loop);
/* The I/O thread goes on at once if it is parked. Without the lock. */
void whist_http_loop_unpark(struct http_loop *loop);

/* Makes the thread take a turn. From any thread. */
void whist_http_wake(struct http_loop *loop);
/* Asks for events (EPOLLIN, …) of a socket: add it first, then change. */
bool whist_http_watch(struct http_loop *loop, struct http_io *io, uint32_t events, bool add);
/* Stops watching a socket and closes it; nothing if there is none. */
void whist_http_close(struct http_loop *loop, struct http_io *io);

#endif
