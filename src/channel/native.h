/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the HTTP transport's native mode: delivery machines, and what carries their POSTs.
 *
 *   endpoint.c           the server with its I/O thread, and the channels that live on it
 *   endpoint_requests.c  what it does with requests: to which link, from whom, health
 *   native.c             the channel: calls of the application
 *   native_make.c        its making, and its end
 *   native_link.c        a link: its machine, what is to be done after each change, deadlines
 *   native_client.c      connections to a peer: requests out, answers in
 *   native_dial.c        how they are made, and how they end
 *
 * Threads and locks. The lock of the endpoint's loop guards the registry of channels, connections
 * of others, and the making and closing of our own; the I/O thread has it but while it waits. The
 * lock of a link guards its machine and connections; threads of the application have that one
 * alone, and receivers that of the hand besides. Order: loop, hand, link, channel. A connection is
 * `busy` while a thread writes to it with the link's lock released: nobody else touches its stream
 * then, and the bytes that are being written stay where they are, because answers are looked at
 * only by whoever is not writing. */
#ifndef WHIST_CHANNEL_NATIVE_H
#define WHIST_CHANNEL_NATIVE_H

#include <whist/http.h>

#include "channel/delivery.h"
#include "channel/frame.h"
#include "channel/http_server.h"
#include "channel/inbox.h"
#include "channel/parcel.h"
#include "channel/waitq.h"

/* POSTs on one connection, at most: 16, and one that has to overtake (an abort). */
#define PIPELINE_MAX    17
#define CONNECTIONS_MAX 16
/* End of a head, in bytes. */
#define HEAD_TAIL_MAX (64 + 2 * POST_OVERHEAD)

/* A sender with more than HIGH in the outbox, of a peer that receives, waits until no more than LOW
 * is left: what waits there leaves the cache, and its memory is new each time. */
#define PACE_HIGH ((size_t)8 << 20)
#define PACE_LOW  ((size_t)4 << 20)

struct native_channel;
struct native_link;

/* ---- Endpoint ---- */

#define CHANNEL_BUCKETS 64
#define ENDED_MAX       4096 /* ids of ended sessions that are remembered */

struct whist_endpoint {
    struct http_loop loop;
    struct http_server server;
    struct whist_log log;
    uint16_t port;
    char unix_path[108];                   /* "" unless it listens there */
    char prefix[WHIST_URL_PREFIX_MAX + 1]; /* of health routes */
    struct whist_net_address *proxies;     /* trusted; n_proxies */
    size_t n_proxies;
    char proxy_header[65]; /* lower case; "" for none */
    bool open_metrics;
    struct tls_context *tls; /* NULL: plain */
    struct native_channel *bucket[CHANNEL_BUCKETS];
    uint8_t (*ended)[WHIST_SESSION_LEN]; /* a ring */
    size_t ended_at, n_ended;
    uint64_t requests, refused;
    bool leaving; /* its only channel is gone, and so will it be: no more answers */
};

extern const struct http_service whist_endpoint_service; /* owner: the endpoint */

/* As whist_endpoint_new; listen_fd: a listening socket to use (taken, also on error), or −1. */
WHIST_MUST_CHECK whist_status whist_endpoint_new_fd(struct whist_endpoint **endpoint_out,
                                                    const struct whist_endpoint_options *options,
                                                    int listen_fd, struct whist_error *err);
/* With the loop's lock. Add: false if the session is there already. */
bool whist_endpoint_add(struct whist_endpoint *ep, struct native_channel *ch);
void whist_endpoint_remove(struct whist_endpoint *ep, struct native_channel *ch);
struct native_channel *whist_endpoint_find(const struct whist_endpoint *ep,
                                           const uint8_t session[WHIST_SESSION_LEN]);
bool whist_endpoint_has_ended(const struct whist_endpoint *ep,
                              const uint8_t session[WHIST_SESSION_LEN]);

/* ---- Connections to a peer ---- */

typedef enum native_conn_state {
    NATIVE_OFF,
    NATIVE_CONNECTING,
    NATIVE_HANDSHAKE, /* TLS */
    NATIVE_READY,
} native_conn_state;

struct native_request {
    uint64_t id;                     /* of its POST */
    const struct whist_bytes *parts; /* the body; borrowed from the machine */
    size_t n_parts;
    size_t len; /* of head and body */
    size_t tail_len;
    char tail[HEAD_TAIL_MAX]; /* end of the head: its length, what goes behind the body, empty line
                               */
};

struct native_conn {
    struct http_io io;
    struct native_link *link;
    native_conn_state state;
    struct stream stream;
    bool busy;       /* a thread writes, with the lock released */
    bool ending;     /* its end was announced: read up to it */
    bool read_later; /* there was something to read meanwhile */
    bool blocked;    /* the socket takes nothing more: waits for EPOLLOUT */
    bool writable;   /* EPOLLOUT came since the last write began */
    bool broken;     /* to be closed by the I/O thread; why says more */
    bool last;       /* the server takes no more requests on it */
    struct native_request request[PIPELINE_MAX]; /* a ring */
    size_t at, count;                            /* unanswered */
    size_t n_sent;                               /* of them, wholly written */
    size_t offset;                               /* of the next one, written */
    size_t bytes;                                /* of the unanswered ones */
    int64_t first_ms;                            /* since when the first of them is the first … */
    uint64_t first_at; /* … and what the link had answered by then, in bytes */
    uint64_t moved;    /* bytes that left this machine, when last looked */
    int64_t idle_ms;   /* since when nothing was sent */
    unsigned n_informational;
    struct whist_http_parser parser;
    char why[300]; /* broken: for people; "" for an orderly end */
};

/* ---- Link ---- */

struct native_link {
    struct native_channel *ch;
    size_t peer;
    pthread_mutex_t lock;
    struct waitq arrived; /* a message, or the link has failed or closed */
    struct waitq changed; /* there is room, a connection is not busy any more, or the same */
    struct delivery *d;
    struct waitq paced; /* senders that are ahead: little is left in the outbox */
    uint64_t paced_at;  /* acknowledged when one of them last waited */
    int64_t now_ms;     /* the latest time that the machine was told by the application's threads */
    size_t least; /* length of the shortest message that waits for room; SIZE_MAX: none does */
    pthread_mutex_t hand_lock;
    struct parcel *hand; /* messages that a receiver has taken out of the machine; or NULL */
    bool guest;          /* a receiver takes turns of the loop, as its guest: guest_thread */
    pthread_t guest_thread;
    bool turn; /* a message was received since one was sent */
    bool lone; /* the last POST was a short one: messages come one at a time */
    bool failure_seen, done_seen;
    bool wake_all, wake_receiver, wake_senders, wake_paced; /* by whist_link_unlock */
    atomic_bool dirty;                                      /* the I/O thread has to look at it */
    _Atomic int64_t due_ms; /* when the I/O thread looks at it, at the latest */

    struct whist_url url;
    char url_text[120]; /* for people; long ones are cut */
    char *head;         /* of requests, up to the length */
    size_t head_len;
    char server_name[WHIST_URL_HOST_MAX + 1]; /* of TLS; "" for an address */

    struct native_conn *conn; /* max_conns */
    size_t max_conns, pipeline;
    size_t light;    /* POSTs on a connection as long as they are small; at least pipeline */
    bool crowded;    /* there was no room on the connections when last looked: the event that makes
                        room looks again */
    bool has_parked; /* a POST waits for a connection */
    struct delivery_post parked;

    /* Dialling, one at a time; I/O thread only */
    uint64_t answered; /* bytes of answered requests */
    int64_t lag_ms;    /* a connection that lags behind the others is given up after that */
    bool dial_wanted;
    bool has_known; /* the address where the last connection was made */
    struct whist_net_address known;
    struct native_conn *dialling;
    struct whist_net_lookup *lookup;
    struct whist_net_addresses addresses;
    size_t next_address;
    int64_t dial_until_ms; /* for this address; 0: no limit but the machine's */
    int64_t dial_after_ms; /* no attempt for another connection before */
    char dial_why[200];    /* what kept the last attempt from success … */
    char dial_said[200];   /* … and the one before */

    uint64_t connects;
    uint64_t wire_in, wire_out; /* of connections that ended, and those from the peer */
};

/* ---- Channel ---- */

struct native_channel {
    struct whist_channel base;
    struct whist_endpoint *ep;
    bool own_endpoint, registered;
    struct native_channel *next; /* of its bucket */
    struct whist_log log;
    uint8_t session[WHIST_SESSION_LEN];
    char session_text[2 * WHIST_SESSION_LEN + 1];
    char own_prefix[WHIST_URL_PREFIX_MAX + 1];
    char token[257];
    struct tls_trust *trust; /* NULL: plain */
    int64_t linger_ms, stall_ms;
    struct native_link *link; /* n; that of the own index is not used */

    pthread_mutex_t lock;
    const struct whist_channel *counts; /* a statistics decorator above, or NULL */
    atomic_bool failed;                 /* error is set */
    atomic_bool closing;
    struct whist_error error; /* of the whole channel */
};

/* ---- http.c ---- */

/* Number of parties and own index, which both modes check alike. */
WHIST_MUST_CHECK whist_status whist_http_check_parties(const struct whist_http_options *o,
                                                       struct whist_error *err);

/* ---- native_make.c ---- */

/* As whist_channel_http_new in native mode; listen_fd as above. */
WHIST_MUST_CHECK whist_status whist_channel_native_new_fd(struct whist_channel **channel_out,
                                                          const struct whist_http_options *options,
                                                          int listen_fd, struct whist_error *err);
bool whist_channel_is_native(const struct whist_channel *ch);
void whist_native_free(struct whist_channel *base);
extern const struct whist_channel_ops whist_native_ops; /* native.c */

/* ---- native.c ---- */

/* The channel fails with *why, if it has not failed yet. The other links: tell: their peers are to
 * learn it. Without locks of links. */
void whist_native_fail(struct native_channel *ch, const struct whist_error *why, bool tell);

/* ---- native_link.c: with the link's lock ---- */

/* After any change: sends what can be sent (which may release the lock meanwhile), wakes who waits,
 * and sees to it that the I/O thread comes in time. */
void whist_link_update(struct native_link *l, int64_t now);
/* Releases the lock, and sees to the link's failure if it is new. */
void whist_link_unlock(struct native_link *l);
/* I/O thread: a turn of the loop for this link, lock not held. woken: it is dirty or due. */
void whist_link_visit(struct native_link *l, int64_t now);

/* ---- native_client.c: with the link's lock ---- */

/* Hands POSTs of the machine to connections, and writes. May release the lock meanwhile. */
void whist_client_pump(struct native_link *l, int64_t now);
/* Reads answers until there are no more. */
void whist_client_read(struct native_conn *c, int64_t now);
/* Bytes have moved on a connection: its POSTs are alive. */
void whist_client_progress(struct native_link *l, int64_t now);

/* ---- native_dial.c: I/O thread, with the locks of loop and link ---- */

/* Does what is to be done about connections: makes one that is wanted, closes those that are
 * broken, idle or too late. */
void whist_dial_look(struct native_link *l, int64_t now);
/* The connection of this POST is given up. */
void whist_dial_give_up(struct native_link *l, int64_t now, uint64_t id);
/* Closes everything. */
void whist_dial_clear(struct native_link *l);
/* When whist_dial_look must come, at the latest. */
int64_t whist_dial_deadline(const struct native_link *l);

#endif
