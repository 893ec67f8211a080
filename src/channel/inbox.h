/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inbox: what a transport keeps of messages that arrived and were not received yet. One FIFO for
 * each sender, a byte limit, failures of the whole channel or of one sender, and blocking takes
 * with deadlines. Knows nothing of how messages arrive. All functions but init and clear are safe
 * from several threads; the lock is never held while a callback runs.
 *
 * A transport also needs, beside its inbox, a way to wake its own blocked sends: whist_cond_* below
 * are the condition variables of this layer, on the monotonic clock of the deadlines. */
#ifndef WHIST_INBOX_H
#define WHIST_INBOX_H

#include <pthread.h>

#include "channel/channel_impl.h"

/* ---- Condition variables with deadlines of whist_clock_ms ---- */

/* Prepares a condition variable for whist_cond_wait; false when the system has no resources. */
bool whist_cond_init(pthread_cond_t *cond);
/* Waits until signalled (or a spurious wake-up): true; at the deadline, or when it has passed
 * already: false. The caller holds lock, and looks at its condition again in both cases. */
bool whist_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ms);

/* ---- Inbox ---- */

/* Called when a sender whose push was refused with INBOX_FULL has room again: once for each such
 * episode, on the thread that took a message, without locks held. Must not block. The push may be
 * tried again at once or later, from any thread; it may be refused again (and then the callback
 * comes again). */
typedef void (*inbox_space_fn)(void *ctx, size_t from);

/* One message of the queue. */
struct inbox_message {
    struct inbox_message *next;
    struct whist_buffer body;
    char phase[WHIST_MAX_PHASE + 1]; /* framed transports; empty otherwise */
};

/* The messages of one sender, oldest first. */
struct inbox_queue {
    struct inbox_message *head, **tail;
    size_t bytes;             /* of bodies, plus INBOX_MESSAGE_COST for each message */
    bool starved;             /* a push was refused and no space callback came since */
    bool failed;              /* nothing more will come: error, once the queue is empty */
    struct whist_error error; /* valid if failed */
    pthread_cond_t arrived;
};

struct inbox {
    pthread_mutex_t lock;
    size_t n;
    struct inbox_queue *from; /* n queues */
    size_t limit_each, limit_total, bytes_total;
    size_t n_starved;
    bool failed;              /* the whole channel */
    struct whist_error error; /* valid if failed */
    whist_arrival_hook hook;
    void *hook_ctx;
    size_t hooks_running;
    pthread_cond_t hook_done;
    inbox_space_fn space;
    void *space_ctx;
};

/* What a queued message counts towards the limits beside its bytes (its node and allocator
 * overhead), so that empty messages are bounded too. */
#define INBOX_MESSAGE_COST ((size_t)128)

typedef enum inbox_result {
    INBOX_OK,   /* queued, or consumed by the arrival hook; msg is empty */
    INBOX_FULL, /* over a limit; msg is untouched: keep it and try again after the space callback */
    INBOX_FAILED, /* the channel or this sender has failed: nobody will take it; msg is untouched */
    INBOX_NOMEM,  /* no memory for the node; msg is untouched */
} inbox_result;

/* limit_each, limit_total: most bytes queued for one sender, for all (0: no limit). A sender with
 * an empty queue may always queue one message, whatever its size and whatever the others hold: so
 * every sender makes progress. space may be NULL. On error in is as if it were never initialised.
 */
whist_status whist_inbox_init(struct inbox *in, size_t n, size_t limit_each, size_t limit_total,
                              inbox_space_fn space, void *space_ctx, struct whist_error *err);

/* Wipes and frees all. Nobody may be in a call or a hook. */
void whist_inbox_clear(struct inbox *in);

/* Queues a message of `from` and takes the contents of msg. phase: label that came with it, at most
 * WHIST_MAX_PHASE bytes, or NULL. The arrival hook sees the message first, also when there is no
 * room for it (an abort must get through), so it may see a message again whose push was refused.
 * Pushes for one sender must not run at the same time if their order matters. */
inbox_result whist_inbox_push(struct inbox *in, size_t from, struct whist_buffer *msg,
                              const char *phase);

/* The same without limits. */
inbox_result whist_inbox_push_urgent(struct inbox *in, size_t from, struct whist_buffer *msg,
                                     const char *phase);

/* Waits for the oldest message of `from` and moves it to msg_out (which must be empty) and its
 * label to phase_out (may be NULL; WHIST_MAX_PHASE + 1 bytes). A message that is there is delivered
 * even if the deadline has passed. `phase` is the receiver's label, for errors only; err must not
 * be NULL.
 *
 * Order of precedence: failure of the channel (its error, although messages may be queued: after an
 * abort nothing is delivered any more), a queued message, failure of the sender, WHIST_ERR_TIMEOUT
 * (which consumes nothing). Stored errors without a phase get the receiver's. */
whist_status whist_inbox_take(struct inbox *in, size_t from, struct whist_buffer *msg_out,
                              char *phase_out, const char *phase, int64_t deadline_ms,
                              struct whist_error *err);

/* The channel has failed: all waiting and later takes return a copy of *why, pushes INBOX_FAILED.
 * The first failure wins: returns false if there was one already. */
bool whist_inbox_fail(struct inbox *in, const struct whist_error *why);

/* Nothing more will come from this sender: takes return *why once the queue is empty, pushes
 * INBOX_FAILED. The first failure wins; false if there was one already. */
bool whist_inbox_fail_peer(struct inbox *in, size_t from, const struct whist_error *why);

/* True if the channel has failed; *err (may be NULL) then gets the error, with `phase` (may be
 * NULL) if it has none. For sends, which must fail as takes do. */
bool whist_inbox_failed(struct inbox *in, const char *phase, struct whist_error *err);

/* Bytes that `from` has queued (with INBOX_MESSAGE_COST each), for tests and stall reports. */
size_t whist_inbox_pending(struct inbox *in, size_t from);

/* Sets the arrival hook, NULL for none. The hook runs on the thread that pushes, without locks, and
 * may call whist_channel_abort of the channel that owns the inbox. Messages that are queued already
 * are shown to a new hook during this call, in order; takes must not run meanwhile. When the call
 * returns, the old hook is not running and will not run again: so a transport calls it with NULL
 * (or has ended the threads that push) before it is freed. Not from inside a hook. */
void whist_inbox_set_hook(struct inbox *in, whist_arrival_hook hook, void *ctx);

/* ---- Aborts ---- */

/* How long a transport without phases keeps trying to deliver the last message of abort_with when
 * it is freed, in milliseconds. */
#define WHIST_ABORT_LINGER_MS 500

/* Turns every byte of a text that is not printable ASCII into '?': for what comes from outside. */
void whist_make_printable(char *text);

/* The error that peers see when party `by` aborts with *why: WHIST_ERR_ABORTED, peer = by, the
 * phase of why, and a text that contains the name of why->status and why->text, of which only
 * printable ASCII survives (other bytes become '?'). out may be why. */
void whist_abort_seen_by_peers(struct whist_error *out, size_t by, const struct whist_error *why);

#endif
