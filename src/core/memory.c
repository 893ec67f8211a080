/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Allocation, wiping, comparison and randomness. */
#include <sodium.h>

#include "core/core.h"

#ifdef WHIST_TEST_HOOKS
#include <stdatomic.h>

static atomic_long allocations_left = -1;
static _Atomic uint64_t wiped;

uint64_t whist_wiped_bytes(void)
{
    return atomic_load(&wiped);
}

void whist_alloc_fail_after(long n)
{
    atomic_store(&allocations_left, n);
}

bool whist_may_allocate(void)
{
    long left = atomic_load(&allocations_left);
    while (left > 0) {
        if (atomic_compare_exchange_weak(&allocations_left, &left, left - 1)) {
            return true;
        }
    }
    return left < 0;
}
#endif

static bool size_of(size_t count, size_t size, size_t *bytes_out)
{
    if (size != 0 && count > (size_t)PTRDIFF_MAX / size) {
        return false;
    }
    *bytes_out = count * size != 0 ? count * size : 1;
    return whist_may_allocate();
}

void *whist_alloc(size_t count, size_t size)
{
    size_t bytes;
    return size_of(count, size, &bytes) ? malloc(bytes) : NULL;
}

void *whist_zalloc(size_t count, size_t size)
{
    size_t bytes;
    return size_of(count, size, &bytes) ? calloc(1, bytes) : NULL;
}

void *whist_realloc(void *p, size_t count, size_t size)
{
    size_t bytes;
    return size_of(count, size, &bytes) ? realloc(p, bytes) : NULL;
}

void whist_free(void *p)
{
    free(p);
}

void *whist_alloc_aligned(size_t len)
{
    size_t bytes;
    void *p = NULL;
    if (len > (size_t)PTRDIFF_MAX - 64 || !size_of(len, 1, &bytes)) {
        return NULL;
    }
    return posix_memalign(&p, 64, bytes) == 0 ? p : NULL;
}

void whist_free_aligned(void *p, size_t len)
{
    if (p != NULL) {
        whist_wipe(p, len);
        free(p);
    }
}

void whist_wipe(void *p, size_t len)
{
    if (len != 0) {
        sodium_memzero(p, len);
#ifdef WHIST_TEST_HOOKS
        atomic_fetch_add(&wiped, len);
#endif
    }
}

bool whist_ct_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void whist_random(void *out, size_t n)
{
    randombytes_buf(out, n);
}
