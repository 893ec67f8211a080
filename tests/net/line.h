/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One direction of a network line, as arithmetic: rate, a queue before it, delay, loss. Times are
 * nanoseconds of a clock of the caller. */
#ifndef WHIST_TEST_LINE_H
#define WHIST_TEST_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
    uint64_t rate_bit;  /* a second; 0: any */
    int64_t delay_ns;   /* from the last bit sent to its arrival */
    uint32_t loss_ppm;  /* packets lost of a million, by chance */
    size_t queue_bytes; /* that may wait for the line; what comes on top is dropped */
    uint64_t seed;      /* of the chance */
    int64_t free_at;    /* when all that was taken has been sent */
    uint64_t n_lost, n_dropped, n_passed;
};

/* A packet of len bytes comes now (never earlier than the one before): whether it arrives, and
 * when. Packets arrive in the order in which they came. */
bool line_offer(struct line *line, int64_t *arrives_out, int64_t now, size_t len);

#endif
