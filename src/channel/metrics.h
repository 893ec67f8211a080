/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Counts as text of Prometheus (exposition format 0.0.4), for GET /metrics. Pure: no clock, no
 * locks, no sockets. Nothing in it is secret. */
#ifndef WHIST_METRICS_H
#define WHIST_METRICS_H

#include <whist/http.h>

#include "core/core.h"

/* The content type of the text. */
#define WHIST_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* One channel of the endpoint: a party in a session. */
struct metrics_channel {
    uint8_t session[WHIST_HTTP_SESSION_LEN];
    size_t me;
    const struct whist_http_peer_stats *peers; /* n_peers rows */
    size_t n_peers;
    const struct whist_stats_row *phases; /* counts by phase and peer, where somebody counts them */
    size_t n_phases;
};

/* What the endpoint itself counts. */
struct metrics_endpoint {
    uint64_t accepted;                      /* connections since the beginning */
    uint64_t requests;                      /* requests that were answered */
    uint64_t refused;                       /* of these, with a status of 400 and more */
    size_t connections;                     /* now */
    const struct metrics_channel *channels; /* n_channels */
    size_t n_channels;
};

/* Appends the text. WHIST_ERR_NOMEM leaves text_out untouched. */
WHIST_MUST_CHECK whist_status whist_metrics_write(struct whist_buffer *text_out,
                                                  const struct metrics_endpoint *m,
                                                  struct whist_error *err);

/* Appends text as the value of a label, without the quotes: backslash, quote and newline are
 * escaped. */
WHIST_MUST_CHECK whist_status whist_metrics_label(struct whist_buffer *text_out, const char *text);

#endif
