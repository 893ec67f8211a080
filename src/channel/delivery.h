/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Delivery: the ordered link between this party and one peer, both directions, over POSTs that may
 * be lost, repeated, reordered or cut (docs/wire.md, Native mode). Pure: bytes and the clock go in,
 * bytes and deadlines come out. No sockets, no threads, no locks: the caller holds a lock of its
 * own around every call for one link. Links share nothing.
 *
 * The caller (the HTTP binding) does five things:
 *   1. sends what whist_delivery_next_post hands out as POSTs to the peer, on any connection, in
 * any order, and reports each one's end with _answered or _lost, exactly once;
 *   2. hands every POST that came from the peer to _request, and sends the answer back at once;
 *   3. calls _tick at (not before) _next_deadline, which changes with every other call;
 *   4. closes the connection of a POST that _next_expired names, and reports it with _lost;
 *   5. after any call, looks at _next_post, _readable, _writable, _failure and _done, and wakes
 *      whoever waits for what they say.
 *
 * Life cycle. new → CONNECTING: hellos are sent until one is answered; then OPEN: both parties
 * agree (version, n, indices, session, config) and know each other's epoch; messages flow. _close →
 * a FIN follows what is queued; DONE when the peer has all of it and needs nothing more from this
 * party, or at the deadline. _abort, or an error → FAILED: messages that are queued are dropped,
 * the peer is told (an ABORT POST, and 410 to whatever it still sends) until it knows or the linger
 * is over; then DONE. Between DONE and free, _request goes on to answer. free is allowed at any
 * time.
 *
 * Sizes on the stream. Every frame counts its payload and WHIST_FRAME_COST bytes (whatever it takes
 * on the wire), so that empty messages are bounded too: this is its weight. Positions, credit and
 * the limits below are sums of weights.
 *
 * The binding finds the link of a POST by its path (session and sender); one for a session that it
 * does not know it answers with 404, one for a session that has ended with 410, each with a text.
 * Before contact the machine takes both for "not there yet", later for what they say.
 *
 * All times are milliseconds of whist_clock_ms; `now` never goes back. */
#ifndef WHIST_DELIVERY_H
#define WHIST_DELIVERY_H

#include "channel/channel_impl.h"

#define WHIST_SESSION_LEN 16 /* bytes of a session id */
#define WHIST_CONFIG_LEN  32 /* bytes of a configuration hash */

/* What a frame counts beside its payload, in bytes. */
#define WHIST_FRAME_COST 128

/* Longest POST that a link takes, in bytes: the limit for a server's bodies. */
#define WHIST_POST_LIMIT ((size_t)4194304)

/* Longest answer, in bytes: a client may drop the rest of a longer body. */
#define WHIST_ANSWER_MAX 1024

/* Most POSTs in flight that the option `depth` may ask for. */
#define WHIST_DEPTH_MAX 64

struct delivery;
struct parcel;

/* Zero values mean the defaults. */
struct delivery_options {
    size_t n, me, peer;                 /* number of parties; own and the peer's index */
    uint8_t session[WHIST_SESSION_LEN]; /* the parties must agree on it */
    uint8_t config[WHIST_CONFIG_LEN];   /* and on this hash of everything else they share */
    uint64_t epoch; /* random, not 0: this run of this party; the same for all its links */
    uint64_t seed;  /* of the retries' jitter; anything */
    int64_t connect_deadline_ms; /* absolute, required: contact must be made until then */
    int64_t heartbeat_ms;        /* longest silence of this party: 5,000 */
    int64_t dead_ms;      /* longest silence of the peer while something is awaited: 2 heartbeats */
    int64_t answer_ms;    /* for an answer, since the POST last made progress: 4,000 */
    int64_t retry_min_ms; /* first pause between attempts; doubles: 2 */
    int64_t retry_max_ms; /* longest pause: 1,000 */
    int64_t linger_ms;    /* how long a closed or failed link stays for the peer's sake: 1,000 */
    size_t outbox_bytes;  /* weights queued and not acknowledged, at most: 256 MiB */
    size_t window_bytes;  /* weights received and not taken, at most (plus one POST): 64 MiB */
    size_t post_bytes;    /* longest POST body, 512 … WHIST_POST_LIMIT: 1,048,576 */
    size_t coalesce_bytes; /* up to which small messages share a POST, ≤ post_bytes: 65,536; below
                              256: none do */
    size_t depth;          /* POSTs with messages in flight, 1 … WHIST_DEPTH_MAX: 8 */
};

/* Counts since the beginning. Payload is what applications sent; body is bytes of POST and answer
 * bodies (HTTP heads and TLS are the binding's to count). */
struct delivery_stats {
    uint64_t messages_sent, messages_received; /* given to send; complete and in order */
    uint64_t payload_sent, payload_received;   /* bytes of these */
    uint64_t frames_sent, frames_received;     /* repeats not counted */
    uint64_t posts_sent, posts_received;       /* repeats counted */
    uint64_t body_sent, body_received;         /* bytes of POST and answer bodies */
    uint64_t posts_repeated;                   /* POSTs sent again */
    uint64_t posts_lost;                       /* POSTs that were not answered */
    uint64_t duplicates;                       /* POSTs received again */
    uint64_t reordered;                        /* POSTs received before an earlier one */
    uint64_t refused;                          /* POSTs answered with another status than 200 */
    uint64_t credit_stalls;       /* times that messages waited for the peer's credit */
    size_t outbox_now, inbox_now; /* weights held for the peer, for the application */
    int64_t rtt_us;               /* smoothed time to an answer; 0: none yet. Clock is in ms */
};

/* ---- Life ---- */

/* A link in state CONNECTING. The options are copied.
 * WHIST_ERR_ARGUMENT: an option out of range (err says which); WHIST_ERR_NOMEM. */
WHIST_MUST_CHECK whist_status whist_delivery_new(struct delivery **delivery_out,
                                                 const struct delivery_options *options,
                                                 int64_t now, struct whist_error *err);

/* Wipes and frees everything; POSTs that are in flight must not be read any more. NULL is allowed.
 */
void whist_delivery_free(struct delivery *d);

/* ---- The application's side ---- */

/* Queues a message; phase is at most WHIST_MAX_PHASE printable bytes, copied. On WHIST_OK the
 * contents of msg are taken; otherwise msg is untouched.
 *   WHIST_ERR_WINDOW_FULL  the outbox is full: try again when _writable. An empty outbox takes one
 *                          message of any size (err is not filled)
 *   WHIST_ERR_CLOSED       this party or the peer has closed
 *   WHIST_ERR_NOMEM
 *   otherwise              the status of _failure */
WHIST_MUST_CHECK whist_status whist_delivery_send(struct delivery *d, int64_t now,
                                                  struct whist_buffer *msg, const char *phase,
                                                  struct whist_error *err);

/* The same for a message that is borrowed. */
WHIST_MUST_CHECK whist_status whist_delivery_send_view(struct delivery *d, int64_t now,
                                                       struct whist_bytes msg, const char *phase,
                                                       struct whist_error *err);

/* Queues a small message together with others that wait already: false if that cannot be done. No
 * time passes, and there is nothing to do about it: what the others wait for is under way. */
bool whist_delivery_share(struct delivery *d, struct whist_bytes msg, const char *phase);

/* True if a message of len bytes would not meet WHIST_ERR_WINDOW_FULL now (it may meet an error).
 */
bool whist_delivery_writable(const struct delivery *d, size_t len);

/* Weights that are queued and not acknowledged, and position up to which the peer has everything.
 */
uint64_t whist_delivery_outbox(const struct delivery *d);
uint64_t whist_delivery_acked(const struct delivery *d);
/* POSTs with messages that are in flight. */
size_t whist_delivery_flying(const struct delivery *d);

/* True if it is worth it to wake a thread that waits for room for len bytes: there is that room,
 * and an eighth of the outbox or 1 MiB is free. (Otherwise each POST that is acknowledged would let
 * a sender do a single step.) */
bool whist_delivery_roomy(const struct delivery *d, size_t len);

/* Moves the next message to msg_out, which must be empty.
 *   WHIST_ERR_NOMEM     nothing is consumed
 *   WHIST_ERR_TIMEOUT   there is none yet; nothing is consumed (err is not filled)
 *   WHIST_ERR_PROTOCOL  it has another phase; err names both labels. Nothing is consumed; the link
 *                       fails with this error and the peer is told
 *   WHIST_ERR_CLOSED    the peer has closed and all its messages have been taken, or this party has
 *   otherwise           the status of _failure. After UNREACHABLE what is there can still be taken;
 *                       after any other failure nothing can */
WHIST_MUST_CHECK whist_status whist_delivery_take(struct delivery *d, int64_t now,
                                                  struct whist_buffer *msg_out, const char *phase,
                                                  struct whist_error *err);

/* Hands over the next messages, if they came in one POST (parcel.h): so a caller can read them
 * without the lock of the link. They leave the window at once. Otherwise NULL: _take says what
 * there is. */
struct parcel *whist_delivery_take_parcel(struct delivery *d);

/* As _take, of such messages: the next one of *parcel, which is NULL after the last one. */
WHIST_MUST_CHECK whist_status whist_delivery_take_from(struct delivery *d, int64_t now,
                                                       struct parcel **parcel,
                                                       struct whist_buffer *msg_out,
                                                       const char *phase, struct whist_error *err);

/* True if _take would not return WHIST_ERR_TIMEOUT. */
bool whist_delivery_readable(const struct delivery *d);

/* A thread begins (ends) to wait for a message of this phase, after a _take without success. While
 * somebody waits, a silent peer is dead after dead_ms, and a message of any size passes the window:
 * if it is the next one to be taken, what has arrived of it belongs to the waiting caller and no
 * longer counts. Begin and end come in pairs; several threads may wait at once. */
void whist_delivery_wait_begin(struct delivery *d, int64_t now, const char *phase);
void whist_delivery_wait_end(struct delivery *d, int64_t now);

/* The link's failure, or NULL. Once set it never changes. Its peer is the other party; it has a
 * phase if one is concerned:
 *   WHIST_ERR_UNREACHABLE  no contact until the connect deadline, or the peer fell silent: the text
 *                          says what was awaited, since when, and the last reason
 *   WHIST_ERR_MISMATCH     hellos differ: the text names the field and both values
 *   WHIST_ERR_ABORTED      the peer has aborted, or has been restarted
 *   WHIST_ERR_PROTOCOL     the peer broke the wire's rules, or the parties are out of step
 *   WHIST_ERR_CHECK        the running hashes of the messages differ
 *   or what was given to _abort or _fail */
const struct whist_error *whist_delivery_failure(const struct delivery *d);

/* ---- Ends ---- */

/* Queues a FIN; later sends fail with WHIST_ERR_CLOSED; messages that come are dropped. Only the
 * first call counts. Nothing if the link has failed. */
void whist_delivery_close(struct delivery *d, int64_t now, int64_t deadline_ms);

/* Ends the link with *why (its status, phase and text go to the peer, text without bytes that are
 * not printable): everything that is queued is dropped and an ABORT goes out at once, even if a
 * message stands before it; tried until answered or linger_ms are over. Nothing if the link has
 * failed already. */
void whist_delivery_abort(struct delivery *d, int64_t now, const struct whist_error *why);

/* Ends the link with *why without telling the peer: for what only the binding sees (the peer's
 * certificate is a stranger's, say). Nothing if the link has failed already. If *why is the abort
 * of another party, the peer hears it from that one: meanwhile its POSTs are answered with BUSY. */
void whist_delivery_fail(struct delivery *d, int64_t now, const struct whist_error *why);

/* True if the link needs nothing more: after _close when both ends are through or at its deadline;
 * after a failure when the peer knows or the linger is over. status_out and err (may be NULL): how
 * a close ended: WHIST_OK; WHIST_ERR_TIMEOUT, the peer does not have everything (err counts);
 * WHIST_ERR_CLOSED, it closed before it had everything; otherwise the status of _failure. */
bool whist_delivery_done(const struct delivery *d, whist_status *status_out,
                         struct whist_error *err);

/* ---- Client side: POSTs to the peer ---- */

/* One POST to send. The views are borrowed and stay valid until this POST is reported with
 * _answered or _lost (or the link is freed), whatever is called meanwhile. */
struct delivery_post {
    uint64_t id;                     /* not 0; never used twice */
    const struct whist_bytes *parts; /* in pieces, of which none is empty */
    size_t n_parts;                  /* 1 … 3 */
    size_t n_body;                   /* of them, in the body; the rest goes into the head */
    size_t len, body_len;            /* of all parts; of those in the body */
};

/* The next POST to send now, if any: call until it returns false. POSTs may be sent at the same
 * time on several connections. At most depth + 1 are in flight. */
bool whist_delivery_next_post(struct delivery *d, int64_t now, struct delivery_post *post_out);

/* True if _next_post would hand one out now (unless memory is short). */
bool whist_delivery_wants_post(const struct delivery *d, int64_t now);

/* The whole answer of a POST came: its HTTP status, and the first WHIST_ANSWER_MAX bytes of its
 * body at most. The machine decides what the status means; foreign answers (a proxy's 502) count as
 * a loss or, when to repeat is pointless (3xx, 401, 403, 413 …), end the link. */
void whist_delivery_answered(struct delivery *d, int64_t now, uint64_t id, int status,
                             struct whist_bytes body);

/* A POST was not answered: no connection, connection broken, no valid HTTP. Whether it arrived is
 * unknown. reason: a phrase for people ("connection refused"), kept for errors; may be NULL. Its
 * frames are sent again, after a pause unless the link answered since the last loss. */
void whist_delivery_lost(struct delivery *d, int64_t now, uint64_t id, const char *reason);

/* The peer, or what is in its place, has said something that is no answer of a party (an alert of
 * TLS, other text): kept for errors beside the last reason of a loss. */
void whist_delivery_heard(struct delivery *d, int64_t now, const char *what);

/* Bytes of this POST (or of one before it on its connection) have moved: its time for an answer
 * starts again. Optional, for slow links. */
void whist_delivery_progress(struct delivery *d, int64_t now, uint64_t id);

/* A POST whose answer is overdue, once for each: true and its id. The caller gives up its
 * connection and calls _lost for it and for what else was on the way there. Call after _tick until
 * false. */
bool whist_delivery_next_expired(struct delivery *d, int64_t now, uint64_t *id_out);

/* ---- Server side: POSTs of the peer ---- */

/* What to answer. */
struct delivery_answer {
    int status;                     /* HTTP: 200, 400, 404, 409, 410, 503 */
    size_t len;                     /* of body */
    uint8_t body[WHIST_ANSWER_MAX]; /* content-type application/octet-stream */
};

/* A whole POST came for this link, from a connection that has proven to be the peer's. The machine
 * takes the contents of body when it can use them and clears it in any case. It accepts repeats and
 * any order. The answer is complete when this returns: nothing is ever held back; but deliver first
 * (wake readers), then write. */
void whist_delivery_request(struct delivery *d, int64_t now, struct whist_buffer *body,
                            struct delivery_answer *answer_out);

/* Bytes came from the peer that do not make a POST yet (a long body on a slow link): it is alive.
 */
void whist_delivery_alive(struct delivery *d, int64_t now);

/* ---- Clock ---- */

/* When _tick must be called, at the latest; INT64_MAX: never. May lie in the past. Valid until the
 * next call of any other function. */
int64_t whist_delivery_next_deadline(struct delivery *d);

/* Time has passed: heartbeats, retries, expired POSTs, deadlines. May be called at any time. If it
 * comes more than a second after the promised deadline this process was stopped itself: then the
 * peer's silence counts from now on. */
void whist_delivery_tick(struct delivery *d, int64_t now);

/* ---- For people ---- */

void whist_delivery_stats(const struct delivery *d, struct delivery_stats *stats_out);

/* True once both parties agree (state OPEN was reached): for readiness. */
bool whist_delivery_connected(const struct delivery *d);

/* For stall reports: one line that says what is awaited since when, the phase and number of the
 * next message each way, and the last trouble. Returns text_out. */
const char *whist_delivery_describe(const struct delivery *d, int64_t now, char *text_out,
                                    size_t text_size);

#endif
