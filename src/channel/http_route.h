/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a request of the legacy wire asks for: POST [prefix]/msg/{from}. No I/O. */
#ifndef WHIST_CHANNEL_HTTP_ROUTE_H
#define WHIST_CHANNEL_HTTP_ROUTE_H

#include "channel/http_codec.h"

struct whist_http_route {
    int status;               /* 200: a message of party `from`; else the answer */
    size_t from;              /* valid if status is 200; below n */
    bool allow_post;          /* of the answer */
    struct whist_buffer text; /* of the answer; owned, to be cleared */
};

/* Reads method and target of a request whose head is complete. prefix: of the own URL; paths
 * without it are accepted too, because a proxy may have stripped it. n: number of parties.
 * WHIST_ERR_NOMEM leaves out empty. */
WHIST_MUST_CHECK whist_status whist_http_route(struct whist_http_route *out,
                                               const struct whist_http_parser *request,
                                               const char *prefix, size_t n);

/* The path of a target in origin form ("/p?q") or absolute form ("http://host/p?q"), without query.
 */
struct whist_bytes whist_http_path(struct whist_bytes target);

/* The text of an answer 413, and of the 400 to a body that is cut short or malformed. */
#define WHIST_HTTP_TEXT_TOO_LARGE "Failed to buffer the request body: length limit exceeded"
#define WHIST_HTTP_TEXT_BAD_BODY                                                                   \
    "Failed to buffer the request body: error reading a body from connection"

#endif
