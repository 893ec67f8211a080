/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <time.h>

#include <whist/channel.h>

#include "core/core.h"

int64_t whist_now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t whist_now_ms(void)
{
    return whist_now_ns() / 1000000 + 1; /* never 0: that means "default" for deadlines */
}

int64_t whist_coarse_ms(void)
{
#ifdef CLOCK_MONOTONIC_COARSE
    struct timespec ts;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &ts) == 0) {
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 + 1;
    }
#endif
    return whist_now_ms();
}

int64_t whist_clock_ms(void)
{
    return whist_now_ms();
}
