/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The server of the HTTP transport: connections of others and their requests. What is done with a
 * request is up to a service: the legacy mode's (http_legacy.c) or the native mode's (endpoint.c).
 * I/O thread only (its loop's lock is held), but for init and clear. */
#ifndef WHIST_CHANNEL_HTTP_SERVER_H
#define WHIST_CHANNEL_HTTP_SERVER_H

#include <sys/uio.h>

#include "channel/http_codec.h"
#include "channel/http_loop.h"
#include "channel/http_net.h"
#include "channel/stream.h"

struct http_server;

typedef enum http_conn_state {
    CONN_READING,
    CONN_HELD,    /* the service holds the answer */
    CONN_CLOSING, /* to be closed once the answers are out */
    CONN_LINGER,  /* our side is shut; reads what still comes, so that the answers arrive */
    CONN_DEAD,
} http_conn_state;

struct http_conn {
    struct http_io io;
    struct http_server *server;
    struct stream stream;
    struct http_conn *prev, *next; /* least recently active first */
    struct http_conn *next_held;   /* or next to be freed */
    http_conn_state state;
    bool proven;   /* has delivered a message */
    bool answered; /* the present request has its answer; its body is read over */
    bool last;     /* the present request is the last one of this connection */
    bool eof;      /* the other side is shut */
    bool unknown;  /* its first byte will tell whether it speaks TLS */
    int64_t deadline_ms;
    size_t buffered;         /* bytes of memory it holds, as last accounted */
    size_t drained;          /* bytes read over while lingering */
    size_t n_lazy, n_urgent; /* unsent answers that may wait for others, and that may not */
    size_t lazy_rest;        /* requests that are answered at once, for none came meanwhile */
    bool is_lazy;            /* in the server's list */
    struct http_conn *next_lazy;
    uint32_t events;
    int low_water;   /* bytes that the socket waits for before it reports them */
    int64_t read_ms; /* when something came last */
    struct whist_http_parser parser;
    struct whist_buffer in; /* read and not yet parsed, from in_at on */
    size_t in_at;
    struct whist_buffer out; /* answers, from out_at on not sent */
    size_t out_at;
    struct whist_net_address address; /* of the other side */

    /* The service's: */
    size_t from;                      /* sender of the present request */
    uint8_t session[16];              /* native mode: its session */
    int64_t alive_ms;                 /* native mode: when the link was last told of bytes */
    uint64_t counted_in, counted_out; /* native mode: of the stream's, what links were told of */
};

struct http_service {
    /* The head of a request has arrived. Answers it (whist_httpd_answer) or lets the body come. */
    void (*head)(struct http_server *s, struct http_conn *c);
    /* A request whose head was not answered is there with its body: answers it and ends it, or
     * holds it (whist_httpd_hold). */
    void (*message)(struct http_server *s, struct http_conn *c);
    /* A part of such a request has arrived; may be NULL. */
    void (*progress)(struct http_server *s, struct http_conn *c);
    /* Of a server with TLS: whether this connection may also be in clear; NULL: none may. */
    bool (*may_be_plain)(const struct http_server *s, const struct http_conn *c);
};

/* Times in milliseconds and limits, none of them 0. */
struct http_limits {
    int64_t idle_ms;     /* after which a silent connection is closed */
    int64_t head_ms;     /* for a request head to arrive */
    int64_t linger_ms;   /* for the other end to close after our last answer */
    size_t max_buffered; /* bytes of unfinished requests and answers */
    size_t max_connections;
    size_t body_limit; /* longest body of a request */
};

struct http_server {
    struct http_loop *loop;
    const struct http_service *service;
    void *owner; /* the service's */
    struct whist_log log;
    struct http_limits limits;
    struct tls_context *tls; /* NULL: plain */
    struct http_io listener;
    struct http_conn *oldest, *newest;
    size_t n_conns;
    uint64_t accepted; /* connections since the beginning */
    size_t buffered;   /* sum over the connections */
    struct http_conn *held, **held_tail;
    struct http_conn *garbage; /* freed when no event can refer to them any more */
    int64_t sweep_ms;          /* earliest deadline of a connection; 0: none */
    int64_t accept_again_ms;   /* 0: accepting */
    struct http_conn *lazy;    /* connections with answers that wait for others, … */
    int64_t lazy_ms;           /* … until then */
    uint64_t warned;           /* bit 0: the service's; 1: of memory */
    int64_t refused_ms;        /* last warning about a certificate; 0: none */
    uint8_t *scratch;          /* HTTP_SCRATCH bytes, where the I/O thread reads */
};

#define HTTP_SCRATCH ((size_t)262144)

/* The default for max_connections: 1,024, at most half of what the process may open. */
size_t whist_httpd_default_connections(void);

/* Takes listen_fd (−1: set it later). WHIST_ERR_NOMEM. */
WHIST_MUST_CHECK whist_status whist_httpd_init(struct http_server *s, struct http_loop *loop,
                                               const struct http_service *service, void *owner,
                                               const struct http_limits *limits, int listen_fd,
                                               const struct whist_log *log,
                                               struct whist_error *err);
WHIST_MUST_CHECK bool whist_httpd_listen(struct http_server *s);
/* Closes everything. The thread does not run. Nothing if init was never called. */
void whist_httpd_clear(struct http_server *s);

/* ---- For the loop ---- */

/* Closes connections whose time is over, accepts again, frees connections that ended. */
void whist_httpd_turn(struct http_server *s);
/* When whist_httpd_turn must be called, at the latest. */
int64_t whist_httpd_deadline_of(const struct http_server *s);

/* ---- For the service ---- */

/* The answer to the present request; the body's type is text/plain. */
void whist_httpd_answer(struct http_server *s, struct http_conn *c, int status, bool allow_post,
                        struct whist_bytes text);
void whist_httpd_answer_text(struct http_server *s, struct http_conn *c, int status,
                             const char *text);
/* The same with another type (a constant) and "application/octet-stream" and so on. */
void whist_httpd_answer_typed(struct http_server *s, struct http_conn *c, int status,
                              const char *type, struct whist_bytes body);
/* The answer that was just written may wait a millisecond for others to share their write. */
void whist_httpd_lazy(struct http_conn *c);
/* Room for n more bytes of answers; false: no memory, and the connection has ended. */
bool whist_httpd_reserve(struct http_server *s, struct http_conn *c, size_t n);
/* The present request has been read and answered. */
void whist_httpd_end_request(struct http_server *s, struct http_conn *c);
/* The answer to the present request is held. */
void whist_httpd_hold(struct http_server *s, struct http_conn *c);
/* It was given after all: goes on with the connection. */
void whist_httpd_release(struct http_server *s, struct http_conn *c);
/* Ends a connection; c is valid until the turn is over. */
void whist_httpd_end(struct http_server *s, struct http_conn *c);

/* ---- Between http_server.c and http_conns.c ---- */

/* Sends the answers that have waited long enough. */
void whist_httpd_flush_lazy(struct http_server *s);

void whist_httpd_on_events(struct http_io *io, uint32_t events);
void whist_httpd_on_listener(struct http_io *io, uint32_t events);
/* It has been active. */
void whist_httpd_touch(struct http_server *s, struct http_conn *c);
/* The socket reports what comes only when there are so many bytes, or after a second of silence. */
void whist_httpd_low_water(struct http_server *s, struct http_conn *c, int bytes);
/* Its time is over in after_ms. */
void whist_httpd_deadline(struct http_server *s, struct http_conn *c, int64_t after_ms);
void whist_httpd_unhold(struct http_server *s, struct http_conn *c);
/* Counts its memory; when all connections hold more than max_buffered, some of them end, c last. */
void whist_httpd_account(struct http_server *s, struct http_conn *c);

static inline size_t whist_httpd_unsent(const struct http_conn *c)
{
    return c->out.len - c->out_at;
}

#endif
