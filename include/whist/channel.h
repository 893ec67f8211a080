/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * The channel: whole messages between the n parties of a computation, in order for each pair.
 *
 * A channel belongs to one party. Its calls are safe from several threads; messages that different
 * threads send to the same peer go out in the order in which the calls took effect. Deadlines are
 * absolute, in milliseconds of whist_clock_ms(); WHIST_DEADLINE_DEFAULT means "the channel's own
 * timeout, counted from the call". Phase labels are short static strings ("chunk.cot"): they name a
 * protocol step in errors, traces and statistics, must stay valid for the life of the channel, and
 * never hold secrets.
 *
 * In all calls err may be NULL; it is filled on failure only. What a call puts into a buffer
 * belongs to the caller, who clears it.
 */
#ifndef WHIST_CHANNEL_H
#define WHIST_CHANNEL_H

#include <stdbool.h>
#include <whist/bytes.h>
#include <whist/log.h>
#include <whist/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The most parties of a computation. */
#define WHIST_MAX_PARTIES 64

/** Longest message that every transport carries, in bytes (the legacy wire's limit). */
#define WHIST_MAX_MESSAGE ((size_t)2097152)

/** Longest phase label that channels carry, in bytes. */
#define WHIST_MAX_PHASE 40

/** Deadline argument: the channel's own timeout, counted from the call. */
#define WHIST_DEADLINE_DEFAULT ((int64_t)0)

struct whist_channel;

/** Monotonic clock of all deadlines, in milliseconds; never 0. */
WHIST_API int64_t whist_clock_ms(void);

/** Number of parties, 1 … WHIST_MAX_PARTIES. */
WHIST_API size_t whist_channel_parties(const struct whist_channel *ch);

/** Own index, 0 … parties − 1. */
WHIST_API size_t whist_channel_me(const struct whist_channel *ch);

/**
 * Queues a message to party `to` (not the own index). The bytes are copied. Blocks only while the
 * peer's outbox is full.
 * @retval WHIST_ERR_LIMIT longer than the transport carries; nothing was sent
 * @retval WHIST_ERR_WINDOW_FULL the outbox stayed full until the deadline; nothing was sent
 * @retval WHIST_ERR_UNREACHABLE, WHIST_ERR_ABORTED, WHIST_ERR_CLOSED, WHIST_ERR_CANCELLED the
 *         channel or this peer has failed; err says why
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_channel_send(struct whist_channel *ch, size_t to,
                                                           struct whist_bytes msg,
                                                           const char *phase, int64_t deadline_ms,
                                                           struct whist_error *err);

/** As whist_channel_send, without a copy: takes the contents of msg, which is empty afterwards,
 * also on error. */
WHIST_API WHIST_MUST_CHECK whist_status
whist_channel_send_owned(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                         const char *phase, int64_t deadline_ms, struct whist_error *err);

/**
 * Waits for the next message of party `from`. On success msg_out, which must be empty or will be
 * cleared, owns it. A call that times out consumes nothing: the message is delivered to a later
 * one.
 * @retval WHIST_ERR_TIMEOUT nothing came until the deadline
 * @retval WHIST_ERR_PROTOCOL the peer is in another phase (where the transport knows phases)
 * @retval WHIST_ERR_UNREACHABLE, WHIST_ERR_ABORTED, WHIST_ERR_CLOSED, WHIST_ERR_CANCELLED as above
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_channel_recv(struct whist_channel *ch, size_t from,
                                                           struct whist_buffer *msg_out,
                                                           const char *phase, int64_t deadline_ms,
                                                           struct whist_error *err);

/**
 * Ends the computation for everybody: tells all peers (best effort, without blocking) and makes all
 * present and later calls on this channel fail with why->status. why->text must hold no secret; it
 * travels to the peers, which see WHIST_ERR_ABORTED. Only the first abort counts. Safe from any
 * thread, not from a signal handler.
 */
WHIST_API void whist_channel_abort(struct whist_channel *ch, const struct whist_error *why);

/**
 * Flushes what was sent, says goodbye where the transport can, and stops. Later calls fail with
 * WHIST_ERR_CLOSED. Bounded by the deadline.
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_channel_close(struct whist_channel *ch,
                                                            int64_t deadline_ms,
                                                            struct whist_error *err);

/** Frees a channel (closing it without a flush if whist_channel_close was not called). Decorators
 * free what they wrap. No other thread may still use it. NULL is allowed. */
WHIST_API void whist_channel_free(struct whist_channel *ch);

/* ---- Transports ---- */

/**
 * Memory transport: n connected channels in one process.
 * @param channels_out array of n, each to be freed on its own (in any order)
 * @param n number of parties, 1 … WHIST_MAX_PARTIES
 * @param timeout_ms default timeout of a call, > 0
 * @param err may be NULL
 * @retval WHIST_ERR_ARGUMENT n or timeout_ms out of range
 * @retval WHIST_ERR_NOMEM nothing was made
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_channel_memory_new(
    struct whist_channel **channels_out, size_t n, int64_t timeout_ms, struct whist_error *err);

/* ---- Decorators: each takes ownership of `inner`, also on error ---- */

/**
 * Envelope: gives a transport that carries bare bytes (HTTP in legacy mode) phases, sequence
 * numbers and aborts. Both ends must use it. Format: docs/wire.md.
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_channel_envelope_new(
    struct whist_channel **channel_out, struct whist_channel *inner, struct whist_error *err);

/** What the faulty decorator does to one message. */
typedef enum whist_fault {
    WHIST_FAULT_NONE,     /**< nothing: only counts */
    WHIST_FAULT_DROP,     /**< the message is not sent */
    WHIST_FAULT_FLIP,     /**< one bit is flipped */
    WHIST_FAULT_TRUNCATE, /**< the last byte is cut off */
    WHIST_FAULT_EXTEND,   /**< one byte is appended */
    WHIST_FAULT_REPEAT,   /**< the message is sent twice */
    WHIST_FAULT_ZERO,     /**< all bytes become 0 */
    WHIST_FAULT_RANDOM,   /**< all bytes become pseudorandom */
    WHIST_FAULT_DELAY,    /**< the message is sent after the next one to the same peer */
    WHIST_FAULT_CUT,      /**< this and every later call fails with WHIST_ERR_CLOSED */
} whist_fault;

/** Which message the faulty decorator breaks, and how. */
struct whist_fault_plan {
    whist_fault fault; /**< what happens to it */
    uint64_t at;       /**< index of the sent message, counted from 0 over all peers */
    uint64_t seed;     /**< chooses bit and bytes */
};

/** Faulty decorator: breaks one sent message on purpose, for tests of what stands above. */
WHIST_API WHIST_MUST_CHECK whist_status
whist_channel_faulty_new(struct whist_channel **channel_out, struct whist_channel *inner,
                         const struct whist_fault_plan *plan, struct whist_error *err);

/** Messages sent so far through a faulty decorator (to find the range of whist_fault_plan.at). */
WHIST_API uint64_t whist_channel_faulty_sent(const struct whist_channel *ch);

/** Trace decorator: one log line at level TRACE for each call (direction, peer, phase, bytes,
 * time). */
WHIST_API WHIST_MUST_CHECK whist_status whist_channel_trace_new(struct whist_channel **channel_out,
                                                                struct whist_channel *inner,
                                                                const struct whist_log *log,
                                                                struct whist_error *err);

/** What a file of timelines begins with. */
#define WHIST_TIMELINE_HEAD "[\n"
/** What it ends with: an event without a comma behind it. A file that was cut before still opens.
 */
#define WHIST_TIMELINE_TAIL "{\"name\":\"end\",\"ph\":\"M\",\"pid\":0,\"args\":{}}\n]\n"

/**
 * Takes len bytes of a timeline: whole events, each with a comma behind it. Called from the threads
 * that use the channel, one at a time for each channel; must not call back into it.
 * @return false: they could not be written; there will be no more calls for this channel
 */
typedef bool (*whist_timeline_write)(void *ctx, const char *text, size_t len);

/**
 * Timeline decorator: the calls of this party as trace events in JSON for Perfetto
 * (https://ui.perfetto.dev) or chrome://tracing: phases, and for each peer the sends and the time
 * waited in receives, with bytes. A file is WHIST_TIMELINE_HEAD, the events of any number of
 * parties on one machine (whole calls of write, in any order), and WHIST_TIMELINE_TAIL. Events are
 * handed on as a buffer of 64 KiB fills, at an abort, at the close, and the last when the channel
 * is freed; they hold no message bytes.
 * @param channel_out the decorated channel
 * @param inner taken, also on error
 * @param write where the events go; with ctx it must outlive the channel
 * @param ctx handed to write
 * @param err may be NULL
 * @retval WHIST_ERR_NOMEM
 */
WHIST_API WHIST_MUST_CHECK whist_status
whist_channel_timeline_new(struct whist_channel **channel_out, struct whist_channel *inner,
                           whist_timeline_write write, void *ctx, struct whist_error *err);

/** Statistics decorator: counts for whist_channel_stats. */
WHIST_API WHIST_MUST_CHECK whist_status whist_channel_stats_new(struct whist_channel **channel_out,
                                                                struct whist_channel *inner,
                                                                struct whist_error *err);

/** Counts of one (phase, peer). */
struct whist_stats_row {
    const char *phase;          /**< borrowed: lives as long as the channel */
    size_t peer;                /**< index of the other party */
    uint64_t messages_sent;     /**< to the peer */
    uint64_t messages_received; /**< from the peer */
    uint64_t bytes_sent;        /**< payload of the messages sent */
    uint64_t bytes_received;    /**< payload of the messages received */
    uint64_t wait_ns;           /**< time spent waiting in receive */
    uint64_t rounds;  /**< receives that waited for the peers after this party had sent something */
    uint64_t time_ns; /**< time from the end of this party's previous call, of any phase and peer,
                       * to the end of this one: computing and waiting */
};

/**
 * Reads the counts of a statistics decorator.
 * @param ch any channel
 * @param rows_out room for max rows, may be NULL if max is 0
 * @param max rows to write at most
 * @return number of rows there are (which may exceed max); 0 if ch counts nothing
 */
WHIST_API size_t whist_channel_stats(const struct whist_channel *ch,
                                     struct whist_stats_row *rows_out, size_t max);

/* ---- Collectives ---- */

/**
 * Sends out[j] to and receives in[j] from every peer j; entries of the own index are ignored.
 * Cannot deadlock: all sends are queued before the first receive.
 * Fails with what whist_channel_send and whist_channel_recv fail with.
 * @param ch the channel
 * @param in_out n buffers, empty or to be cleared; each owned by the caller afterwards
 * @param out n views, borrowed during the call
 * @param phase label of all these messages
 * @param deadline_ms for the whole exchange
 * @param err may be NULL
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_exchange(struct whist_channel *ch,
                                                       struct whist_buffer *in_out,
                                                       const struct whist_bytes *out,
                                                       const char *phase, int64_t deadline_ms,
                                                       struct whist_error *err);

/** Party root sends msg to all; everybody, also root, gets it in msg_out. Not verified. */
WHIST_API WHIST_MUST_CHECK whist_status whist_broadcast(struct whist_channel *ch, size_t root,
                                                        struct whist_buffer *msg_out,
                                                        struct whist_bytes msg, const char *phase,
                                                        int64_t deadline_ms,
                                                        struct whist_error *err);

/** Everybody sends msg to root, which gets n buffers (its own included); others get none. */
WHIST_API WHIST_MUST_CHECK whist_status whist_gather(struct whist_channel *ch, size_t root,
                                                     struct whist_buffer *all_out,
                                                     struct whist_bytes msg, const char *phase,
                                                     int64_t deadline_ms, struct whist_error *err);

/** Root sends all[j] to party j; everybody, also root, gets the own part in msg_out. */
WHIST_API WHIST_MUST_CHECK whist_status whist_scatter(struct whist_channel *ch, size_t root,
                                                      struct whist_buffer *msg_out,
                                                      const struct whist_bytes *all,
                                                      const char *phase, int64_t deadline_ms,
                                                      struct whist_error *err);

/**
 * Verified broadcast of everybody's message at once: all send msg to all, then all exchange a hash
 * of (label, all n messages in party order) and compare.
 * @param ch the channel
 * @param all_out n buffers, the own message included
 * @param msg the own message, borrowed
 * @param context mixed into the hash (session id, say), the same for all parties
 * @param phase label of both rounds
 * @param deadline_ms for both rounds together
 * @param err may be NULL
 * @retval WHIST_ERR_CHECK a peer has seen other messages; err names it
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_echo_broadcast(
    struct whist_channel *ch, struct whist_buffer *all_out, struct whist_bytes msg,
    struct whist_bytes context, const char *phase, int64_t deadline_ms, struct whist_error *err);

#ifdef __cplusplus
}
#endif
#endif
