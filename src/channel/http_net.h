/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Sockets of the HTTP transport: addresses, name resolution beside the I/O thread, listening and
 * connecting without blocking. */
#ifndef WHIST_CHANNEL_HTTP_NET_H
#define WHIST_CHANNEL_HTTP_NET_H

#include <sys/socket.h>

#include "channel/url.h"

#define WHIST_NET_ADDRESSES_MAX 8

struct whist_net_address {
    struct sockaddr_storage sa;
    socklen_t len;
};

struct whist_net_addresses {
    struct whist_net_address at[WHIST_NET_ADDRESSES_MAX];
    size_t n;
};

#define WHIST_NET_TEXT_MAX 64 /* of an address with its port, or of an error */

/* "127.0.0.1:8000", "[::1]:8000". */
void whist_net_address_text(char out[WHIST_NET_TEXT_MAX], const struct whist_net_address *address);
/* strerror, safe from several threads. */
void whist_net_error_text(char out[WHIST_NET_TEXT_MAX], int error);

/* The addresses of a URL that need no look-up: a literal, a Unix socket, or "localhost", which
 * always means this machine (127.0.0.1, then ::1), whatever the system's tables say. False for
 * other names. */
bool whist_net_literal(struct whist_net_addresses *out, const struct whist_url *url);

bool whist_net_set_nonblocking(int fd);
/* No delay of small segments; probes that notice within a minute that the other machine is gone,
 * for an answer may be held for as long as the peer likes. Best effort. */
void whist_net_tune(int fd);

/* A non-blocking listening socket on an address (port 0: any free port). any: on all addresses of
 * the machine instead; of IPv4 if the URL is an IPv4 address, else of both families where the
 * system has both. Stores the port. */
WHIST_MUST_CHECK whist_status whist_net_listen(int *fd_out, uint16_t *port_out,
                                               const struct whist_url *url, bool any,
                                               struct whist_error *err);
/* A listening Unix socket, for this user alone. A socket file on which nobody listens any more is
 * replaced. */
WHIST_MUST_CHECK whist_status whist_net_listen_unix(int *fd_out, const char *path,
                                                    struct whist_error *err);
/* The port to which a socket is bound; 0 if unknown. */
uint16_t whist_net_port(int fd);

/* Starts a connection. Returns the socket, or −1 with errno. Whether it succeeded is known when the
 * socket becomes writable: whist_net_connected. */
int whist_net_connect(const struct whist_net_address *address);
/* 0, EINPROGRESS, or the errno with which a connection failed. A socket that is connected to itself
 * (Linux does that when a client's own port is the one it looks for) counts as refused. */
int whist_net_connected(int fd);

/* ---- Name resolution ---- */

struct whist_net_lookup;

/* Starts getaddrinfo in a thread of its own, because it may block for many seconds. wake_fd: an
 * eventfd that is written when the result is there (it is duplicated), or −1. NULL without
 * resources. */
struct whist_net_lookup *whist_net_lookup_start(const struct whist_url *url, int wake_fd);
/* False while the look-up runs. Then: addresses (n = 0 on failure, with the reason in text). */
bool whist_net_lookup_done(struct whist_net_lookup *lookup, struct whist_net_addresses *out,
                           char text[WHIST_NET_TEXT_MAX]);
/* Lets go of it, running or not. NULL is allowed. */
void whist_net_lookup_free(struct whist_net_lookup *lookup);

#endif
