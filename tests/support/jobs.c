/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "jobs.h"

#include <pthread.h>
#include <stdatomic.h>

#include "harness.h"

struct pool {
    size_t count;
    void (*job)(void *ctx, size_t k);
    void *ctx;
    atomic_size_t next;
};

static void *worker(void *arg)
{
    struct pool *p = arg;
    for (size_t k = p->next++; k < p->count; k = p->next++) {
        p->job(p->ctx, k);
    }
    return NULL;
}

void run_jobs(size_t count, size_t n_workers, void (*job)(void *ctx, size_t k), void *ctx)
{
    struct pool p = {.count = count, .job = job, .ctx = ctx};
    pthread_t threads[64];
    CHECK(n_workers <= sizeof threads / sizeof threads[0]);
    for (size_t i = 0; i < n_workers; i++) {
        CHECK(pthread_create(&threads[i], NULL, worker, &p) == 0);
    }
    for (size_t i = 0; i < n_workers; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

bool in_sweep(uint64_t k)
{
    long tenths = test_scale(10);
    return tenths >= 10 || (long)(mix(k) % 10) < tenths;
}
