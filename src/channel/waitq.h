/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Threads that wait for news under a lock. What a condition variable does, with one system call for
 * a wait and one for a wake (the C library's costs a third one when the lock is taken again). */
#ifndef WHIST_CHANNEL_WAITQ_H
#define WHIST_CHANNEL_WAITQ_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/core.h"

struct waitq {
    _Atomic uint32_t news; /* counts calls of wake */
    size_t waiting;        /* threads in a wait; guarded by the lock */
};

void whist_waitq_init(struct waitq *q);
/* Waits, with the lock released meanwhile, for a wake (or nothing at all): true. At the deadline
 * (whist_now_ms), or if it has passed: false. */
bool whist_waitq_wait(struct waitq *q, pthread_mutex_t *lock, int64_t deadline_ms);
/* One of the threads that wait, or all, look again. With or without the lock. */
void whist_waitq_wake(struct waitq *q, bool all);

#endif
