/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the delivery machine: delivery.c (life, failure, the application's side),
 * delivery_send.c (outbox and POSTs), delivery_answer.c (their answers), delivery_recv.c (the
 * peer's POSTs), delivery_inbox.c (what they bring), delivery_clock.c (deadlines, closing, texts).
 *
 * Sending. Messages become units of a queue: a large one is a unit of its own, small ones share
 * one. A unit is cut into segments when there is a free slot and credit: one segment is what one
 * POST carries, always the same frames at the same position, however often it is sent. A slot is a
 * POST in flight. A segment leaves the list when the cumulative acknowledgement has passed it; if
 * its POST is still in flight then, the slot keeps it until the POST ends, for its views. */
#ifndef WHIST_DELIVERY_IMPL_H
#define WHIST_DELIVERY_IMPL_H

#include "channel/frame.h"
#include "channel/parcel.h"
#include "crypto/crypto.h"

#define NEVER INT64_MAX

/* Segments sent and not acknowledged, at most: with one POST lost the others go on only so far. */
#define SEGMENTS_MAX 192
/* POSTs received before an earlier one, kept at most; more than an honest peer has outstanding. */
#define EARLY_MAX 256
/* Room in the outbox for which a sender that waits is woken, at most, in bytes. */
#define ROOMY_MAX ((size_t)1048576)
/* Pause before memory is asked for again, in milliseconds. */
#define NOMEM_PAUSE_MS 50
/* With this many POSTs with messages in flight, small messages wait for others to share theirs, …
 */
#define HOLD_FLYING 2
/* … for this long at most, in milliseconds. */
#define HOLD_MS 1
/* How late a tick shows that this process itself was stopped, in milliseconds. */
#define OWN_PAUSE_MS 1000

/* Messages in one direction, counted and hashed. */
struct running {
    struct hash hash;
    uint64_t messages, bytes;
    char phase[WHIST_MAX_PHASE]; /* of the last one; phase_len */
    uint8_t phase_len;
    uint8_t records[256]; /* not hashed yet; n_records bytes */
    size_t n_records;
};

struct unit {
    struct unit *next;
    size_t refs;  /* 1 while in the queue, 1 for each segment of it */
    bool shared;  /* small messages; else one message or the FIN */
    uint8_t type; /* frame type, unless shared */
    struct whist_buffer payload;
    struct whist_buffer heads;       /* shared: of its frames */
    uint32_t n_frames;               /* in heads */
    uint64_t first_message;          /* messages before it */
    int64_t opened_ms;               /* shared: when its first message came */
    size_t cut;                      /* not shared: bytes that are in segments already */
    char phase[WHIST_MAX_PHASE + 1]; /* of the message; shared: of the last one */
};

typedef enum segment_state {
    SEGMENT_WAITING, /* to be sent (again) */
    SEGMENT_FLYING,  /* in a slot */
    SEGMENT_HELD,    /* answered: the peer has it, but something before it is missing */
} segment_state;

struct segment {
    struct segment *next;
    struct unit *unit; /* one reference */
    segment_state state;
    bool unlinked; /* not in the list any more: its slot frees it */
    bool repeat;   /* was sent before */
    uint64_t position, weight, first_message;
    size_t from, len;    /* of the unit's payload */
    size_t outbox;       /* what it frees in the outbox when acknowledged */
    uint32_t n_messages; /* that end in it */
    uint32_t n_frames;
    bool end_in_head; /* only the payload is in the body of the POST */
    size_t head_len;  /* 0: the unit's heads are used */
    uint8_t head[FRAME_HEAD_MAX];
};

struct slot {
    uint64_t id; /* 0: free */
    uint8_t kind;
    bool expired;
    bool complete;  /* says FLAG_COMPLETE */
    uint64_t round; /* of losses, at the time of sending */
    int64_t sent_ms, moved_ms;
    uint64_t acked;          /* what the peer had acknowledged when it was sent */
    struct segment *segment; /* DATA */
    struct whist_bytes parts[3];
    uint8_t end[POST_META_MAX + POST_TAIL_LEN]; /* meta without frames, and tail */
};

/* A message, or several that came together: then there is no body and no label. */
struct message {
    struct parcel *parcel;
    struct whist_buffer body;
    uint64_t weight; /* what taking it gives back to the window */
    char phase[WHIST_MAX_PHASE + 1];
};

/* Complete messages that wait for the application: a ring. */
struct ring {
    struct message *item; /* cap of them */
    size_t cap, at, count;
    uint64_t messages; /* in all items */
};

/* The message that is being put together. */
struct assembly {
    bool active;
    struct message message;
    uint64_t total, arrived; /* bytes */
    uint64_t streamed;       /* weight that went to a waiting caller already */
};

/* A POST that came before an earlier one. */
struct early {
    struct early *next;
    uint64_t position, weight;
    struct whist_buffer body;
};

struct delivery {
    struct delivery_options opt;
    struct delivery_stats stats;
    uint64_t random; /* state of the jitter's generator */

    /* The link */
    bool connected; /* OPEN: peer_epoch is the peer's and it knows ours */
    uint64_t peer_epoch;
    bool heard;          /* a hello came although no answer did */
    int64_t life_ms;     /* last sign of the peer's life */
    bool awaiting;       /* something is awaited … */
    int64_t awaiting_ms; /* … since then */
    bool failed;
    struct whist_error error;
    int64_t began_ms;   /* of the link */
    int64_t foreign_ms; /* since when the peer says that it waits in another session, as
                           mismatch_text says; 0: it does not */
    char mismatch_text[200];
    char trouble[200];   /* last reason of a loss */
    char answer[200];    /* last word of the peer's side that was none of a party, … */
    int64_t answer_ms;   /* … and when it came */
    int64_t promised_ms; /* what next_deadline said; 0: nothing */

    /* Telling the peer of a failure */
    bool tell, told;
    bool hearsay; /* another party's abort, which reaches the peer from there */
    int64_t tell_until_ms;
    struct whist_error tell_error;

    /* Closing */
    bool closing, fin_sent, fin_acked, peer_fin, peer_complete, told_complete, done;
    bool close_late; /* the deadline passed */
    int64_t closing_ms, close_deadline_ms;
    int64_t fin_acked_ms; /* from when on the peer's FIN is waited for; 0: not yet */
    int64_t peer_fin_ms;

    /* Sending */
    struct unit *queue, **queue_tail, *open; /* open: the last one, if more may be added */
    struct unit *fin;                        /* allocated beforehand */
    bool hurry; /* somebody waits for an answer to what is in `open`, perhaps: it does not wait */
    struct segment *segments, **segments_tail;
    size_t n_segments;
    uint64_t out_position; /* of the next new segment */
    uint64_t out_acked, out_credit;
    uint64_t outbox;   /* queued and not acknowledged: bytes and WHIST_FRAME_COST a message */
    uint64_t n_outbox; /* messages of it */
    struct running out;
    bool stalled;       /* for want of credit */
    struct slot *slots; /* depth + 1 */
    size_t n_slots, data_flying;
    bool control_flying;
    uint64_t last_id;
    int64_t sent_ms; /* when the last POST was handed out */
    bool probe;      /* a POST is wanted to learn whether the peer is the same still */

    /* Retries */
    unsigned failures; /* rounds of losses since the last answer */
    uint64_t round;
    int64_t retry_ms; /* nothing is sent before */

    /* Receiving */
    uint64_t in_next;     /* position of the next frame */
    uint64_t in_consumed; /* in_next minus what is held for the application */
    uint64_t in_told;     /* credit that the peer was told */
    uint64_t in_begun;    /* messages whose first frame came */
    struct running in;
    struct ring ring;
    struct assembly assembly;
    struct early *early;
    size_t n_early;
    int64_t drain_ms; /* when early ones, whose turn it is, ask for memory again; 0: none */
    size_t waiters;
    char wait_phase[WHIST_MAX_PHASE + 1];
};

/* ---- delivery.c ---- */

/* The link fails; the first failure stays. tell: the peer is to learn it. */
void whist_dlv_fail(struct delivery *d, int64_t now, bool tell, whist_status status,
                    const char *phase, const char *fmt, ...) WHIST_PRINTF(6, 7);
/* Adds a message to a running hash. phase: NULL if it is that of the message before. */
void whist_dlv_run(struct running *r, uint64_t len, const char *phase, size_t phase_len);
/* Hash of what was added so far. */
void whist_dlv_run_hash(uint8_t out[32], const struct running *r);
/* Looks whether something is awaited, and marks since when. */
void whist_dlv_await(struct delivery *d, int64_t now);
/* Remembers a reason for errors and reports; printable bytes survive. */
void whist_dlv_trouble(struct delivery *d, const char *fmt, ...) WHIST_PRINTF(2, 3);
void whist_dlv_hello(const struct delivery *d, struct hello *hello_out);
/* Compares the peer's hello; false, with a text that names field and values, if it differs. */
bool whist_dlv_agree(const struct delivery *d, const struct hello *theirs, char *text_out,
                     size_t text_size);
/* Contact is made: the peer's run is known, and it knows ours. */
void whist_dlv_connect(struct delivery *d, int64_t now, uint64_t peer_epoch);

/* ---- delivery_send.c ---- */

/* Queues the message; false without memory, then msg is untouched. */
bool whist_dlv_queue(struct delivery *d, int64_t now, struct whist_buffer *msg, const char *phase);
/* Adds a small message to what is queued already; false if it does not fit there. */
bool whist_dlv_share(struct delivery *d, struct whist_bytes msg, const char *phase,
                     size_t phase_len);
/* Until when the first unit of the queue waits for more messages; NEVER: it does not. */
int64_t whist_dlv_held_until(const struct delivery *d);
void whist_dlv_queue_fin(struct delivery *d);
/* Drops what is queued and unacknowledged; what is in flight stays until its POST ends. */
void whist_dlv_drop_out(struct delivery *d);
void whist_dlv_free_out(struct delivery *d);
/* What the peer says about our direction, in a POST or an answer. */
void whist_dlv_acked(struct delivery *d, int64_t now, uint64_t ack, uint64_t credit, uint8_t flags);
/* A POST is over. The segment stays as `state` unless it has been acknowledged. */
void whist_dlv_end_slot(struct delivery *d, struct slot *s, segment_state state);
struct slot *whist_dlv_slot(struct delivery *d, uint64_t id);
/* The kind of POST without messages that is to be sent now, 0: none. */
uint8_t whist_dlv_control(const struct delivery *d, int64_t now);
/* A segment waits, or can be cut from the queue. */
bool whist_dlv_has_data(const struct delivery *d, int64_t now);

/* ---- delivery_inbox.c ---- */

/* The credit that the peer has now. */
uint64_t whist_dlv_credit(const struct delivery *d);
/* What has arrived of the next message is a waiting caller's. */
void whist_dlv_stream(struct delivery *d);
struct message *whist_dlv_ring_first(struct delivery *d);
/* The first item, whose contents have been taken, leaves the window. */
void whist_dlv_ring_pop(struct delivery *d);

typedef enum intake {
    INTAKE_TAKEN,
    INTAKE_LATER,   /* no memory or room: nothing has changed */
    INTAKE_REFUSED, /* against the rules: the link has failed */
} intake;
/* Takes the POST that is next in order; uses the contents of body, which v shows, or leaves them.
 */
intake whist_dlv_take_in(struct delivery *d, int64_t now, const struct post_view *v,
                         struct whist_buffer *body);
/* The peer broke a rule: "party n sent …". */
void whist_dlv_broken(struct delivery *d, int64_t now, const char *why);
/* Drops what waits for the application and what is being put together; the counts go on. After a
 * failure also what waits for its turn. */
void whist_dlv_drop_in(struct delivery *d);
void whist_dlv_free_in(struct delivery *d);
/* Frees a buffer that may be filled in part only: wipes what was written, not what it could hold.
 */
void whist_dlv_drop_buffer(struct whist_buffer *buf);

/* A buffer of len bytes may be kept for as long as the application likes: what it could hold is not
 * much more. */
bool whist_dlv_fits_buffer(const struct whist_buffer *buf, size_t len);

/* ---- delivery_recv.c ---- */

/* Takes early POSTs whose turn has come. */
void whist_dlv_drain(struct delivery *d, int64_t now);
void whist_dlv_free_early(struct early *e);

/* ---- delivery_clock.c ---- */

/* Looks whether closing or telling has come to its end. */
void whist_dlv_settle(struct delivery *d, int64_t now);

#endif
