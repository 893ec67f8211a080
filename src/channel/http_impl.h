/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the HTTP transport's legacy mode: http.c (the channel), http_client.c (a queue and a
 * connection for each peer), http_legacy.c (what its server does with requests). Loop and server
 * are those of the native mode (http_loop.h, http_server.h).
 *
 * Locks: a peer's lock, then the inbox's own. No lock is held while a message is pushed into the
 * inbox, because that runs the arrival hook, which may abort this channel. Server connections and
 * all timers belong to the I/O thread alone. */
#ifndef WHIST_CHANNEL_HTTP_IMPL_H
#define WHIST_CHANNEL_HTTP_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <whist/http.h>

#include "channel/http_server.h"
#include "channel/inbox.h"

/* Times in milliseconds and limits; 0 means the default. For tests. */
struct whist_http_tuning {
    int64_t retry_ms;       /* between attempts to reach a peer, at most: 200 */
    int64_t address_ms;     /* for one of several addresses of a name: 3,000 */
    int64_t client_idle_ms; /* after which our own idle connection is closed: 45,000 */
    int64_t idle_ms;        /* after which a silent connection to our server is closed: 75,000 */
    int64_t head_ms;        /* for a request head to arrive: 30,000 */
    int64_t linger_ms;      /* for the other end to close after our last answer: 2,000 */
    int send_buffer;        /* of our own connections, in bytes: the system's choice */
    size_t max_buffered;    /* bytes of unfinished requests and answers: 64 MiB + 4 MiB a party */
    size_t max_connections; /* of our server: 1,024, at most half of what the process may open */
};

/* Legacy mode as whist_channel_http_new. listen_fd: a listening socket to use instead of opening
 * one (taken, also on error), or −1. tuning may be NULL. */
WHIST_MUST_CHECK whist_status whist_channel_http_new_fd(struct whist_channel **channel_out,
                                                        const struct whist_http_options *options,
                                                        int listen_fd,
                                                        const struct whist_http_tuning *tuning,
                                                        struct whist_error *err);

/* ---- Client ---- */

struct http_message {
    struct http_message *next;
    struct whist_buffer body;
    const char *phase;
};

typedef enum http_peer_state {
    PEER_OFF,        /* no connection; one is made when there is something to send */
    PEER_LOOKUP,     /* the name is being resolved */
    PEER_CONNECTING, /* to address[next_address − 1] */
    PEER_READY,      /* connected */
    PEER_WAITING,    /* between two attempts */
    PEER_FAILED,     /* for good: see error */
} http_peer_state;

/* All of it under the lock, but for timer_ms. */
struct http_peer {
    struct http_io io;
    struct http_channel *ch;
    size_t index;
    struct whist_url url;
    char url_text[120]; /* for people; long ones are cut */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* the queue became shorter, or the peer or channel failed */
    int64_t timer_ms;       /* next thing to do without an event; 0: none; I/O thread only */

    struct http_message *head, **tail;
    size_t bytes; /* queued, with WHIST_HTTP_MESSAGE_COST for each message */

    http_peer_state state;
    struct whist_net_lookup *lookup;
    struct whist_net_addresses addresses;
    size_t next_address;
    int64_t trying_since; /* first attempt since the last success; 0: none */
    int64_t idle_since;
    bool want_write; /* EPOLLOUT is asked for */

    bool in_flight; /* the head of the queue is on this connection */
    bool reused;    /* this connection has answered before */
    unsigned n_informational;
    size_t request_len, sent; /* sent: of request and body */
    char request[WHIST_HTTP_REQUEST_MAX];
    struct whist_http_parser parser;

    char last_error[200]; /* of the attempts since trying_since */
    struct whist_error error;
};

/* What a queued message counts towards outbox_bytes beside its bytes. */
#define WHIST_HTTP_MESSAGE_COST ((size_t)128)

struct http_channel {
    struct whist_channel base;
    struct whist_log log;
    struct whist_http_tuning tuning;
    struct http_limits limits; /* of the server */
    int64_t connect_timeout_ms;
    size_t outbox_bytes;
    uint16_t port;
    struct inbox inbox;
    struct http_peer *peers; /* n; that of the own index is not used but for its url */
    struct http_server server;
    struct http_loop loop;
    atomic_bool closing;   /* close was called: no more sends */
    atomic_bool last_sent; /* abort_with was called: the peers are being told */
};

/* ---- http_legacy.c: I/O thread only ---- */

extern const struct http_service whist_http_legacy_service; /* owner: the channel */
/* Tries again to deliver the messages whose answers are held. */
void whist_http_retry_held(struct http_channel *ch);

/* ---- http_client.c: all but init and clear with the peer's lock held ---- */

/* False when the system has no resources. */
WHIST_MUST_CHECK bool whist_httpc_init(struct http_peer *p, struct http_channel *ch, size_t index,
                                       const struct whist_url *url, const char *url_text);

/* Takes the contents of msg. */
WHIST_MUST_CHECK bool whist_httpc_queue(struct http_peer *p, struct whist_buffer *msg,
                                        const char *phase);
/* Drops what is queued, but for a message whose sending has begun. */
void whist_httpc_drop(struct http_peer *p);
/* From the thread of the sender: begins to send at once if the connection is free, else leaves it
 * to the I/O thread. */
void whist_httpc_start(struct http_peer *p);
/* I/O thread: goes on after a wake-up, at a timer. */
void whist_httpc_pump(struct http_peer *p);
void whist_httpc_timer(struct http_peer *p);
/* Closes the connection and frees what the client holds, without the lock. */
void whist_httpc_clear(struct http_peer *p);

#endif
