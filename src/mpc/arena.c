/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Memory of a chunk's arrays, kept from chunk to chunk. */
#include "mpc/session.h"

/* Arrays that all start at 2 MiB borders collide in L1: each start is shifted by this much more. */
#define STAGGER ((size_t)4736)
#define GRAIN   ((size_t)1 << 20)

whist_status whist_arena_reset(struct arena *arena, size_t bytes, size_t arrays,
                               struct whist_error *err)
{
    size_t need = bytes + arrays * (STAGGER + 64);
    arena->used = 0;
    arena->taken = 0;
    if (need <= arena->len) {
        return WHIST_OK;
    }
    whist_arena_clear(arena);
    need = (need + GRAIN - 1) / GRAIN * GRAIN;
    arena->base = whist_alloc_aligned(need);
    if (arena->base == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "chunk",
                          "out of memory: a chunk needs %zu MiB; set a smaller chunk", need >> 20);
    }
    /* No huge pages: on virtual machines that give free memory back to their host the first touch
     * of one was measured at five times the cost of the small pages it replaces, and the arrays are
     * walked in order, so that misses of the TLB hardly show. */
    arena->len = need;
    return WHIST_OK;
}

void *whist_arena_take(struct arena *arena, size_t bytes)
{
    size_t start = (arena->used + 63) / 64 * 64;
    WHIST_REQUIRE(start + bytes <= arena->len);
    arena->used = start + bytes + STAGGER;
    arena->taken++;
    return arena->base + start;
}

void whist_arena_clear(struct arena *arena)
{
    whist_free_aligned(arena->base, arena->len);
    *arena = (struct arena){0};
}
