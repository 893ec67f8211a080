/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What every channel must do, whatever carries it: one set of cases, run on each transport and
 * stack of decorators. A test program describes how to make n connected channels and gets a table
 * of cases:
 *
 *     static const struct conformance_channels memory = {.make = make_memory, ...};
 *     CONFORMANCE_FUNCTIONS(memory, memory)
 *     static const struct test_case cases[] = {CONFORMANCE_CASES(memory)};
 *     TEST_MAIN(cases)
 */
#ifndef WHIST_CHANNEL_CONFORMANCE_H
#define WHIST_CHANNEL_CONFORMANCE_H

#include "channel/channel_impl.h"
#include "harness.h"

/* How to make n connected channels, 2 ≤ n ≤ 16, each to be freed by the suite. queue_bytes: about
 * how many bytes may wait for a receiver before a send blocks, 0 for the default. On error nothing
 * is left over (out is then not used). */
struct conformance_channels {
    whist_status (*make)(struct whist_channel **out, size_t n, int64_t timeout_ms,
                         size_t queue_bytes, struct whist_error *err);
    bool bare;              /* knows no phases, carries no aborts, no peer notices a close */
    size_t window_slack;    /* bytes in flight beyond queue_bytes (kernel buffers, say) */
    bool sweep_allocations; /* every operation runs in the calling thread, so allocation k is the
                               same in each run */
};

/* Calls fn for each channel in a thread of its own and waits for all. */
void run_parties(struct whist_channel *const *ch, size_t n,
                 void (*fn)(struct whist_channel *ch, void *ctx), void *ctx);

/* The channels of a description, which must succeed; and the end of them. */
void make_channels(const struct conformance_channels *c, struct whist_channel **out, size_t n,
                   int64_t timeout_ms, size_t queue_bytes);
void free_channels(struct whist_channel **ch, size_t n);

/* len bytes that depend on seed, in a buffer of the caller, and whether a message has them. */
void fill_pattern(struct whist_buffer *buf, size_t len, uint64_t seed);
bool has_pattern(const struct whist_buffer *buf, size_t len, uint64_t seed);

#define CONFORMANCE_LIST(X, ...)                                                                   \
    X(in_order, __VA_ARGS__)                                                                       \
    X(sizes, __VA_ARGS__)                                                                          \
    X(too_long, __VA_ARGS__)                                                                       \
    X(owned, __VA_ARGS__)                                                                          \
    X(many_threads, __VA_ARGS__)                                                                   \
    X(deadlines, __VA_ARGS__)                                                                      \
    X(phase_mismatch, __VA_ARGS__)                                                                 \
    X(abort_wakes_all, __VA_ARGS__)                                                                \
    X(first_abort_counts, __VA_ARGS__)                                                             \
    X(cancel_receive, __VA_ARGS__)                                                                 \
    X(cancel_send, __VA_ARGS__)                                                                    \
    X(abort_ends_send, __VA_ARGS__)                                                                \
    X(window_full, __VA_ARGS__)                                                                    \
    X(close_delivers, __VA_ARGS__)                                                                 \
    X(close_both_ways, __VA_ARGS__)                                                                \
    X(free_without_close, __VA_ARGS__)                                                             \
    X(collectives, __VA_ARGS__)                                                                    \
    X(allocation_failures, __VA_ARGS__)

#define CONFORMANCE_DECLARE(name, unused)                                                          \
    void conformance_##name(const struct conformance_channels *c);
CONFORMANCE_LIST(CONFORMANCE_DECLARE, 0)

#define CONFORMANCE_FUNCTION(name, prefix, description)                                            \
    static void prefix##_##name(void)                                                              \
    {                                                                                              \
        conformance_##name(&(description));                                                        \
    }
#define CONFORMANCE_FUNCTIONS(prefix, description)                                                 \
    CONFORMANCE_LIST(CONFORMANCE_FUNCTION, prefix, description)

#define CONFORMANCE_ENTRY(name, prefix) {#prefix "_" #name, prefix##_##name},
#define CONFORMANCE_CASES(prefix)       CONFORMANCE_LIST(CONFORMANCE_ENTRY, prefix)

#endif
