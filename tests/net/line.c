/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "line.h"

#include "jobs.h"

#define SECOND ((int64_t)1000000000)

static int64_t time_of(const struct line *line, size_t bytes)
{
    return line->rate_bit == 0 ? 0 : (int64_t)(bytes * 8 * (uint64_t)SECOND / line->rate_bit);
}

bool line_offer(struct line *line, int64_t *arrives_out, int64_t now, size_t len)
{
    uint64_t number = line->n_lost + line->n_dropped + line->n_passed;
    int64_t start = line->free_at > now ? line->free_at : now;

    if (mix(line->seed ^ mix(number)) % 1000000 < line->loss_ppm) {
        line->n_lost++;
        return false;
    }
    if (start - now > time_of(line, line->queue_bytes)) {
        line->n_dropped++;
        return false;
    }
    line->n_passed++;
    line->free_at = start + time_of(line, len);
    *arrives_out = line->free_at + line->delay_ns;
    return true;
}
