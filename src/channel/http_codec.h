/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* HTTP/1.1 (RFC 9110, 9112) as bytes in, events out: no sockets, no clock. Strict: whatever two
 * implementations could read differently is refused. */
#ifndef WHIST_CHANNEL_HTTP_CODEC_H
#define WHIST_CHANNEL_HTTP_CODEC_H

#include <time.h>

#include "channel/url.h"

#define WHIST_HTTP_HEAD_MAX   65536 /* bytes of a start line with its fields */
#define WHIST_HTTP_FIELDS_MAX 100
#define WHIST_HTTP_TRAILER_MAX                                                                     \
    16384 /* bytes of chunk extensions, and of trailers, in a message                              \
           */

typedef enum whist_http_kind { WHIST_HTTP_REQUEST, WHIST_HTTP_RESPONSE } whist_http_kind;

typedef enum whist_http_event {
    WHIST_HTTP_MORE,      /* everything was consumed; feed more bytes */
    WHIST_HTTP_HEAD,      /* the head is complete; feed on, also without bytes */
    WHIST_HTTP_TOO_LARGE, /* the body passed the limit and is dropped; feed on to find its end */
    WHIST_HTTP_DONE,      /* the message is complete; take the body, then call _next */
    WHIST_HTTP_BAD,       /* malformed: see bad_status and why; the connection must be closed */
    WHIST_HTTP_NOMEM,     /* out of memory; the connection must be closed */
} whist_http_event;

/* One end's view of the messages of one connection. The fields up to `body` are for the reader:
 * those of the head are valid from HEAD until _next. */
struct whist_http_parser {
    const char *why;      /* BAD: what is wrong, a static phrase */
    int bad_status;       /* BAD, requests: status of the answer; 0: close without one */
    bool in_body;         /* BAD: the head was good, the body is not */
    int status;           /* responses: 100 … 999 */
    int minor;            /* 0 or 1: HTTP/1.minor */
    bool keep_alive;      /* the connection stays open after this message */
    bool expect_continue; /* "expect: 100-continue" on HTTP/1.1 and a body to come */
    bool has_body;        /* a body of at least one byte, or of unknown length, is announced */
    struct whist_bytes method, target; /* requests: views of the head */
    struct whist_bytes location;       /* responses: view of that field's value, or empty */
    struct whist_buffer body; /* what arrived; taken by copying the struct and zeroing it */
    uint64_t body_seen;       /* body bytes so far, dropped ones included */
    bool trusted; /* set by the reader: a length that this sender declares may cost more memory */
    bool has_length;
    uint64_t length; /* declared, or of the chunk */

    /* The rest is the parser's own. */
    whist_http_kind kind;
    size_t body_limit;
    int state;
    struct whist_buffer head;
    size_t line_start; /* of the line being read, within head */
    size_t lines;      /* start line and fields seen, or leading empty lines */
    int framing;
    bool has_host, dropping;
    uint64_t left;   /* of it */
    unsigned digits; /* of a chunk size */
    size_t line_len; /* of a trailer line */
    size_t overhead; /* bytes of chunk extensions and trailers */
};

/* body_limit: longest body that is kept, in bytes. All memory is allocated as bytes arrive. */
void whist_http_parser_init(struct whist_http_parser *p, whist_http_kind kind, size_t body_limit);
void whist_http_parser_clear(struct whist_http_parser *p);
/* After DONE: ready for the next message of the connection. */
void whist_http_parser_next(struct whist_http_parser *p);

/* Reads from data up to the next event; *used_out bytes of it were consumed (all on MORE). After
 * BAD or NOMEM only _clear is allowed. */
WHIST_MUST_CHECK whist_http_event whist_http_feed(struct whist_http_parser *p, size_t *used_out,
                                                  const uint8_t *data, size_t len);

/* Bytes that are missing of a body by length; 0 outside of one. */
uint64_t whist_http_body_left(const struct whist_http_parser *p);

/* Room for the next bytes of a body by length, of which *room_out may be put there directly; NULL
 * if there is none. Never much more memory than what has arrived. */
uint8_t *whist_http_body_room(struct whist_http_parser *p, size_t *room_out);
/* len bytes were put there; feed on, also without bytes. */
void whist_http_body_put(struct whist_http_parser *p, size_t len);

/* The other end closed: DONE if that completes a response, BAD within a message, else MORE. */
WHIST_MUST_CHECK whist_http_event whist_http_feed_eof(struct whist_http_parser *p);

/* Fields of a request of this name (lower case) whose head was read: how many, and the value of the
 * last one, a view of the head. */
size_t whist_http_find_field(const struct whist_http_parser *p, const char *name,
                             struct whist_bytes *value_out);

/* Nothing of a message has arrived yet. */
bool whist_http_parser_idle(const struct whist_http_parser *p);
/* The head was read and the body is not complete. */
bool whist_http_parser_in_body(const struct whist_http_parser *p);

/* ---- Requests out ---- */

#define WHIST_HTTP_REQUEST_MAX (WHIST_URL_PREFIX_MAX + WHIST_URL_AUTHORITY_MAX + 128)

/* Writes a head as the legacy senders do: METHOD prefix/msg/from; accept, host, and content-length
 * if length is not SIZE_MAX; `connection: close` last if asked. Returns its length. */
size_t whist_http_write_request(char out[WHIST_HTTP_REQUEST_MAX], const char *method,
                                const struct whist_url *url, size_t from, size_t length,
                                bool close);

/* ---- Answers out ---- */

typedef enum whist_http_connection {
    WHIST_HTTP_CONNECTION_NONE,
    WHIST_HTTP_CONNECTION_CLOSE,
    WHIST_HTTP_CONNECTION_KEEP_ALIVE,
} whist_http_connection;

struct whist_http_answer {
    int status;
    int minor;                        /* version: HTTP/1.minor */
    whist_http_connection connection; /* field `connection`, first if present */
    bool allow_post;                  /* field `allow: POST` */
    const char *type;                 /* of the body; NULL: text/plain; charset=utf-8 */
    struct whist_bytes text;          /* body; without one there is no `content-type` */
};

/* Appends the answer; date is its `date`. */
WHIST_MUST_CHECK whist_status whist_http_write_answer(struct whist_buffer *out,
                                                      const struct whist_http_answer *answer,
                                                      time_t date);

#define WHIST_HTTP_CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"

/* Reason phrase of a status, "" if unknown. */
const char *whist_http_reason(int status);

#endif
