/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Large buffers are kept and reused: the first touch of a fresh page costs ten times a write to
 * memory, and messages of 1 MiB come and go by the thousand. What is kept is bounded, and not wiped
 * until it is given back: the next message overwrites it, and to wipe each would be a sixth of what
 * it costs to send. Channels give it back when they end (whist_pool_trim). */
#include <pthread.h>

#include "core/core.h"

/* Under AddressSanitizer a reused buffer would hide a use after free. gcc says so by a macro, clang
 * by a feature. */
#if defined(__SANITIZE_ADDRESS__)
#define POOL_OFF 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_OFF 1
#endif
#endif
#ifndef POOL_OFF
#define POOL_OFF 0
#endif

#define POOL_BYTES ((size_t)64 << 20) /* kept at most, of all sizes together */
#define N_CLASSES  8

/* Sizes: a little more than a power of two, for what a transport puts before a message. */
#define CLASS_EXTRA   ((size_t)4096)
#define CLASS_SIZE(k) (((size_t)16384 << (k)) + CLASS_EXTRA)

/* A kept buffer is a list node in its own memory. */
struct kept {
    struct kept *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *free_list[N_CLASSES];
static size_t kept_bytes;

/* Class of a capacity that came from whist_pool_capacity, or N_CLASSES. */
static size_t class_of(size_t cap)
{
    size_t k = cap < CLASS_SIZE(0) ? N_CLASSES : 0;
    while (k < N_CLASSES && CLASS_SIZE(k) != cap) {
        k++;
    }
    return k;
}

size_t whist_pool_capacity(size_t cap)
{
#if !POOL_OFF
    for (size_t k = cap > CLASS_SIZE(0) / 2 ? 0 : N_CLASSES; k < N_CLASSES; k++) {
        size_t below = k > 0 ? CLASS_SIZE(k - 1) : CLASS_SIZE(0) / 2;
        if (cap > below && cap <= CLASS_SIZE(k)) {
            return CLASS_SIZE(k);
        }
    }
#endif
    return cap;
}

void *whist_pool_alloc(size_t cap)
{
    size_t k = class_of(cap);
    struct kept *p = NULL;
    if (k < N_CLASSES) {
        pthread_mutex_lock(&lock);
        p = free_list[k];
        if (p != NULL && whist_may_allocate()) {
            free_list[k] = p->next;
            kept_bytes -= cap;
        } else {
            p = NULL;
        }
        pthread_mutex_unlock(&lock);
    }
    return p != NULL ? (void *)p : whist_alloc(cap, 1);
}

void whist_pool_free(void *p, size_t cap, size_t used)
{
    size_t k = p != NULL ? class_of(cap) : N_CLASSES;
    if (k < N_CLASSES) {
        pthread_mutex_lock(&lock);
        if (kept_bytes + cap <= POOL_BYTES) {
            struct kept *node = p;
            node->next = free_list[k];
            free_list[k] = node;
            kept_bytes += cap;
            p = NULL;
        }
        pthread_mutex_unlock(&lock);
    }
    if (p != NULL) {
        whist_wipe(p, used);
        whist_free(p);
    }
}

void whist_pool_trim(void)
{
    struct kept *list[N_CLASSES];

    pthread_mutex_lock(&lock);
    memcpy(list, free_list, sizeof list);
    memset(free_list, 0, sizeof free_list);
    kept_bytes = 0;
    pthread_mutex_unlock(&lock);
    for (size_t k = 0; k < N_CLASSES; k++) {
        while (list[k] != NULL) {
            struct kept *next = list[k]->next;
            whist_wipe(list[k], CLASS_SIZE(k));
            whist_free(list[k]);
            list[k] = next;
        }
    }
}
