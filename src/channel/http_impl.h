/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the HTTP transport: http.c (the channel), http_loop.c (its one I/O thread),
 * http_client.c (a queue and a connection for each peer), http_server.c (connections of others).
 *
 * Locks: a peer's lock, then the inbox's own. No lock is held while a message is pushed into the
 * inbox, because that runs the arrival hook, which may abort this channel. Server connections and
 * all timers belong to the I/O thread alone. */
#ifndef WHIST_CHANNEL_HTTP_IMPL_H
#define WHIST_CHANNEL_HTTP_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <whist/http.h>

#include "channel/http_codec.h"
#include "channel/http_net.h"
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

/* Legacy mode as whist_channel_http_new. listen_fd: a listening socket to use instead of opening one (taken,
 * also on error), or −1. tuning may be NULL. */
WHIST_MUST_CHECK whist_status whist_channel_http_new_fd(struct whist_channel **channel_out,
                                                        const struct whist_http_options *options,
                                                        int listen_fd,
                                                        const struct whist_http_tuning *tuning,
                                                        struct whist_error *err);

/* ---- Sockets of the I/O thread ---- */

typedef enum http_io_kind { IO_WAKE, IO_LISTENER, IO_CONNECTION, IO_PEER } http_io_kind;

/* First member of whatever owns a socket; the loop finds its owner by it. */
struct http_io {
    http_io_kind kind;
    int fd; /* −1: none */
};

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

/* ---- Server ---- */

typedef enum http_conn_state {
    CONN_READING,
    CONN_HELD,    /* the answer waits for room in the inbox */
    CONN_CLOSING, /* to be closed once the answers are out */
    CONN_LINGER,  /* our side is shut; reads what still comes, so that the answers arrive */
    CONN_DEAD,
} http_conn_state;

struct http_conn {
    struct http_io io;
    struct http_conn *prev, *next; /* least recently active first */
    struct http_conn *next_held;   /* or next to be freed */
    http_conn_state state;
    bool proven;   /* has delivered a message */
    bool answered; /* the present request has its answer; its body is read over */
    bool last;     /* the present request is the last one of this connection */
    bool eof;      /* the other side is shut */
    size_t from;   /* sender of the present request */
    int64_t deadline_ms;
    size_t buffered; /* bytes of memory it holds, as last accounted */
    size_t drained;  /* bytes read over while lingering */
    uint32_t events;
    struct whist_http_parser parser;
    struct whist_buffer in; /* read and not yet parsed, from in_at on */
    size_t in_at;
    struct whist_buffer out; /* answers, from out_at on not sent */
    size_t out_at;
};

struct http_server {
    struct http_io listener;
    struct http_conn *oldest, *newest;
    size_t n_conns;
    size_t buffered; /* sum over the connections */
    struct http_conn *held, **held_tail;
    struct http_conn *garbage; /* freed when no event can refer to them any more */
    int64_t sweep_ms;          /* earliest deadline of a connection; 0: none */
    int64_t accept_again_ms;   /* 0: accepting */
    uint64_t warned;           /* bit 0: of a message from the own index; 1: of memory */
};

struct http_channel {
    struct whist_channel base;
    struct whist_log log;
    struct whist_http_tuning tuning;
    int64_t connect_timeout_ms;
    size_t outbox_bytes;
    uint16_t port;
    struct inbox inbox;
    struct http_peer *peers; /* n; that of the own index is not used but for its url */
    struct http_server server;
    int epoll_fd;
    struct http_io wake; /* an eventfd */
    atomic_bool woken;   /* wake has been written and not been read */
    atomic_bool stop;
    atomic_bool closing;   /* close was called: no more sends */
    atomic_bool last_sent; /* abort_with was called: the peers are being told */
    pthread_t thread;
    bool running;     /* thread is there to be joined */
    uint8_t *scratch; /* HTTP_SCRATCH bytes, where the I/O thread reads */
    int64_t now_ms;   /* of the loop's present turn */
};

#define HTTP_SCRATCH ((size_t)262144)

/* ---- http_loop.c ---- */

void *whist_http_loop(void *arg);
/* Makes the I/O thread look at all peers and held answers. From any thread. */
void whist_http_wake(struct http_channel *ch);
/* Asks for events (EPOLLIN, …) of a socket: add it first, then change. */
bool whist_http_watch(struct http_channel *ch, struct http_io *io, uint32_t events, bool add);
/* Stops watching a socket and closes it; nothing if there is none. */
void whist_http_close(struct http_channel *ch, struct http_io *io);

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
/* I/O thread: goes on after a wake-up, at a timer, on events of the socket. */
void whist_httpc_pump(struct http_peer *p);
void whist_httpc_timer(struct http_peer *p);
void whist_httpc_events(struct http_peer *p, uint32_t events);
/* Closes the connection and frees what the client holds, without the lock. */
void whist_httpc_clear(struct http_peer *p);

/* ---- http_server.c: I/O thread only ---- */

void whist_httpd_events(struct http_channel *ch, struct http_conn *c, uint32_t events);
/* Tries again to deliver the messages whose answers are held. */
void whist_httpd_retry_held(struct http_channel *ch);

/* ---- http_conns.c: I/O thread only ---- */

void whist_httpd_accept(struct http_channel *ch);
/* Closes connections whose time is over, and accepts again. */
void whist_httpd_timers(struct http_channel *ch);
/* Frees connections that ended; between two turns of the loop. */
void whist_httpd_collect(struct http_channel *ch);
/* Closes everything. The thread has ended. */
void whist_httpd_clear(struct http_channel *ch);
/* Ends one connection; c is valid until whist_httpd_collect. */
void whist_httpd_end(struct http_channel *ch, struct http_conn *c);
/* It has been active. */
void whist_httpd_touch(struct http_channel *ch, struct http_conn *c);
/* Its time is over in after_ms. */
void whist_httpd_deadline(struct http_channel *ch, struct http_conn *c, int64_t after_ms);
/* Appends to, removes from the list of held answers. */
void whist_httpd_hold(struct http_channel *ch, struct http_conn *c);
void whist_httpd_unhold(struct http_channel *ch, struct http_conn *c);
/* Counts its memory; when all connections hold more than max_buffered, some of them end, c last. */
void whist_httpd_account(struct http_channel *ch, struct http_conn *c);

static inline size_t whist_httpd_unsent(const struct http_conn *c)
{
    return c->out.len - c->out_at;
}

#endif
