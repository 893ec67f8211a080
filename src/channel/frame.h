/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The native mode's bytes (docs/wire.md, Native mode): bodies of POSTs and of their answers. Pure
 * functions on bytes; a parser reads nothing outside its view and believes nothing in it.
 *
 * A POST's body is read from its end, so that a payload starts where the body starts: a body of one
 * frame becomes the message without a copy.
 *
 *     payloads of all frames | meta (heads of the frames, or a hello, or an abort) | tail */
#ifndef WHIST_FRAME_H
#define WHIST_FRAME_H

#include "channel/delivery.h"

#define WIRE_VERSION 1u

#define POST_TAIL_LEN  72
#define HELLO_LEN      56
#define FRAME_HEAD_MAX (16 + WHIST_MAX_PHASE)
#define FIN_LEN        48 /* payload of a FIN */
#define ABORT_TEXT     300
#define ABORT_MAX      (4 + WHIST_MAX_PHASE + ABORT_TEXT)
#define ANSWER_FIXED   40
/* Largest meta of a POST without frames. */
#define POST_META_MAX ABORT_MAX
/* What a POST of one frame has beside its payload, at most. */
#define POST_OVERHEAD (FRAME_HEAD_MAX + POST_TAIL_LEN)
/* Field of a POST's head with what belongs behind its body, in hex; only of bodies of so many
 * bytes.
 */
#define POST_END_FIELD    "whist-end"
#define POST_END_BODY_MIN 512
/* No position is beyond this, so sums of positions and weights do not overflow. */
#define POSITION_MAX ((uint64_t)1 << 62)

/* ---- POST: the tail ---- */

typedef enum post_kind { POST_HELLO = 1, POST_DATA = 2, POST_UPDATE = 3, POST_ABORT = 4 } post_kind;

/* Flags of a POST and of an answer. */
#define FLAG_COMPLETE 1u /* the sender has the other's FIN, and the other has the sender's */

struct post_tail {
    uint64_t from_epoch;    /* of the sender's run; not 0 */
    uint64_t to_epoch;      /* of the receiver's, as the sender knows it; 0 in a HELLO: unknown */
    uint64_t position;      /* of the first frame; DATA only, else 0 */
    uint64_t first_message; /* messages that begin before this POST; DATA only, else 0 */
    uint64_t ack, credit;   /* of the opposite direction */
    uint32_t n_frames, meta_len;
    uint16_t from, to; /* party indices */
    uint8_t kind, flags;
};

void whist_post_put_tail(uint8_t out[POST_TAIL_LEN], const struct post_tail *tail);

/* ---- POST: frames ---- */

typedef enum frame_type { FRAME_DATA = 1, FRAME_FIN = 2 } frame_type;

#define FRAME_FIRST 1u
#define FRAME_LAST  2u

struct frame {
    uint8_t type, flags;
    uint8_t phase_len;          /* of FRAME_FIRST, else 0 */
    const char *phase;          /* phase_len printable bytes, not terminated */
    struct whist_bytes payload; /* borrowed */
    uint64_t total;             /* FRAME_FIRST: length of the whole message */
};

/* Writes the head of a frame (payload.len ≤ 2^32 − 1) and returns its length. same_phase: its label
 * is that of the frame before it in the same POST. */
size_t whist_frame_put_head(uint8_t out[FRAME_HEAD_MAX], const struct frame *frame,
                            bool same_phase);

/* A POST whose form is right. */
struct post_view {
    struct post_tail tail;
    struct whist_bytes payload, meta;
    uint64_t weight; /* of the frames */
    bool whole;      /* each frame is a whole message */
};

/* What the end of a body says about it. */
typedef enum post_flaw {
    POST_FINE,
    POST_FOREIGN, /* it does not end like a POST of this wire */
    POST_VERSION, /* of another version */
    POST_BAD,     /* malformed */
} post_flaw;

/* Parses a whole body: tail, meta and the heads of all frames. *why_out: what is wrong, a static
 * phrase, unless POST_FINE; *version_out is valid with POST_VERSION. Rules that it enforces: form
 * and ranges of each field; payloads fill the body; a frame without FRAME_FIRST is the first of its
 * POST, one without FRAME_LAST the last; only an empty message has an empty frame; a FIN ends its
 * POST. */
WHIST_MUST_CHECK post_flaw whist_post_parse(struct post_view *view_out, const char **why_out,
                                            unsigned *version_out, struct whist_bytes body);

/* Of a body that was not parsed yet. Its kind, as it seems; 0: it is too short for any. */
uint8_t whist_post_seems(struct whist_bytes body);
/* Whether its first frame seems to begin a message: so the rest of a long one is no short message.
 */
bool whist_post_begins_message(struct whist_bytes body);

/* Reads the frames of a parsed POST one after another; all-zero but for view is the beginning. */
struct frame_reader {
    const struct post_view *view;
    size_t meta_at, payload_at;
    const char *phase; /* the last label */
    uint8_t phase_len;
};
bool whist_frame_next(struct frame_reader *reader, struct frame *frame_out);

/* ---- Blocks of meta, and of a FIN ---- */

struct hello {
    uint32_t n;
    uint8_t session[WHIST_SESSION_LEN];
    uint8_t config[WHIST_CONFIG_LEN];
};
void whist_hello_put(uint8_t out[HELLO_LEN], const struct hello *hello);
WHIST_MUST_CHECK bool whist_hello_get(struct hello *hello_out, struct whist_bytes block);

/* Status, phase and text (cut to ABORT_TEXT bytes) of *why; unprintable bytes become '?', on both
 * ways. Returns the length. */
size_t whist_abort_put(uint8_t out[ABORT_MAX], const struct whist_error *why);
/* What the peer sent; an unknown status becomes WHIST_ERR_ABORTED. */
WHIST_MUST_CHECK bool whist_abort_get(struct whist_error *why_out, struct whist_bytes block);

struct fin {
    uint64_t messages, bytes; /* that the sender sent on this link */
    uint8_t hash[32];         /* running hash of them */
};
void whist_fin_put(uint8_t out[FIN_LEN], const struct fin *fin);
WHIST_MUST_CHECK bool whist_fin_get(struct fin *fin_out, struct whist_bytes block);

/* ---- Answers ---- */

typedef enum answer_kind {
    ANSWER_OK = 1,       /* 200: taken, or taken before */
    ANSWER_STALE = 2,    /* 410: of or for another run of a party */
    ANSWER_FAILED = 3,   /* 410: this party has given up; meta is an abort */
    ANSWER_MISMATCH = 4, /* 409: hellos differ; meta is a hello and a text */
    ANSWER_BAD = 5,      /* 400: malformed or against the rules; meta is a text */
    ANSWER_BUSY = 6,     /* 503: not taken, try again; meta is a text */
    ANSWER_UNKNOWN = 7,  /* 404: another session; meta is a hello and a text */
} answer_kind;

#define FLAG_HELLO 2u /* in an answer: meta starts with a hello */

struct answer_view {
    uint8_t kind, flags;
    uint64_t from_epoch; /* of who answers */
    uint64_t to_epoch;   /* from_epoch of the POST, 0 if it could not be read */
    uint64_t ack, credit;
    struct whist_bytes hello; /* HELLO_LEN bytes, or none */
    struct whist_bytes meta;  /* abort or text: what follows */
};

/* Writes an answer; meta is cut so that all fits into WHIST_ANSWER_MAX. Returns its length. */
size_t whist_answer_put(uint8_t out[WHIST_ANSWER_MAX], const struct answer_view *answer);
WHIST_MUST_CHECK bool whist_answer_parse(struct answer_view *answer_out, struct whist_bytes body);

/* True if the body is an answer of another version of this wire: its first four bytes never change.
 */
bool whist_answer_foreign_version(unsigned *version_out, struct whist_bytes body);

/* The HTTP status of a kind; 0 if there is none. */
int whist_answer_status(uint8_t kind);

#endif
