/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/waitq.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void whist_waitq_init(struct waitq *q)
{
    atomic_init(&q->news, 0);
    q->waiting = 0;
}

/* The moment at which whist_now_ms becomes deadline_ms. */
static struct timespec moment(int64_t deadline_ms)
{
    int64_t ms = deadline_ms - 1;
    return (struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
}

bool whist_waitq_wait(struct waitq *q, pthread_mutex_t *lock, int64_t deadline_ms)
{
    uint32_t seen = atomic_load(&q->news);
    struct timespec until = moment(deadline_ms);

    if (deadline_ms <= whist_now_ms()) {
        return false;
    }
    q->waiting++;
    pthread_mutex_unlock(lock);
    long r = syscall(SYS_futex, &q->news, FUTEX_WAIT_BITSET_PRIVATE, seen,
                     deadline_ms == INT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    bool late = r != 0 && errno == ETIMEDOUT;
    pthread_mutex_lock(lock);
    q->waiting--;
    return !late;
}

void whist_waitq_wake(struct waitq *q, bool all)
{
    atomic_fetch_add(&q->news, 1);
    (void)syscall(SYS_futex, &q->news, FUTEX_WAKE_PRIVATE, all ? INT_MAX : 1, NULL, NULL, 0);
}
