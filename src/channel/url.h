/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The base URL of a party: http://HOST[:PORT][/PREFIX]. One strict parser for everybody. */
#ifndef WHIST_CHANNEL_URL_H
#define WHIST_CHANNEL_URL_H

#include "core/core.h"

#define WHIST_URL_HOST_MAX   253 /* bytes of a DNS name */
#define WHIST_URL_PREFIX_MAX 1024
#define WHIST_URL_MAX        2048 /* bytes of a whole URL */

typedef enum whist_url_kind {
    WHIST_URL_NAME,
    WHIST_URL_IPV4,
    WHIST_URL_IPV6,
    WHIST_URL_UNIX, /* host is the path of a socket, of at most WHIST_URL_SOCKET_MAX bytes */
} whist_url_kind;

#define WHIST_URL_SOCKET_MAX 107

struct whist_url {
    whist_url_kind kind;
    uint16_t port;                         /* never 0 */
    bool loopback;                         /* 127.0.0.0/8, ::1, "localhost" or a Unix socket */
    bool tls;                              /* https */
    char host[WHIST_URL_HOST_MAX + 1];     /* lower case, canonical, without brackets */
    char prefix[WHIST_URL_PREFIX_MAX + 1]; /* "" or "/a/b", no slash at the end */
};

/* Reads a URL. Refused: other schemes, user information, query, fragment, port 0, empty or dot
 * segments, characters outside RFC 3986, and numbers that some resolvers take for addresses
 * ("127.1", "0x7f000001"). WHIST_ERR_ARGUMENT with a sentence that quotes the URL; out is then
 * untouched. */
WHIST_MUST_CHECK whist_status whist_url_parse(struct whist_url *out, const char *text,
                                              struct whist_error *err);

/* The same for the native mode: also "https://…" and "unix:/path". */
WHIST_MUST_CHECK whist_status whist_url_parse_native(struct whist_url *out, const char *text,
                                                     struct whist_error *err);

/* Reads "ADDR:PORT" of the option `listen`: a literal IPv4 or [IPv6] address or "localhost", and a
 * port, here also 0 (any free one). prefix of out is "". */
WHIST_MUST_CHECK whist_status whist_url_parse_listen(struct whist_url *out, const char *text,
                                                     struct whist_error *err);

/* Room for the authority as text: "[host]:port" and NUL. */
#define WHIST_URL_AUTHORITY_MAX (WHIST_URL_HOST_MAX + 9)

/* Writes the value of the `host` header: HOST, brackets around IPv6, :PORT unless it is the default
 * (as the legacy senders do); "localhost" for a Unix socket. */
void whist_url_authority(char out[WHIST_URL_AUTHORITY_MAX], const struct whist_url *url);

#endif
