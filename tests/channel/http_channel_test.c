/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The conformance suite over HTTP on loopback, bare and under an envelope. */
#include "channel_conformance.h"
#include "ports.h"

static whist_status make_http(struct whist_channel **out, size_t n, int64_t timeout_ms,
                              size_t queue_bytes, struct whist_error *err)
{
    const struct whist_http_options options = {
        .timeout_ms = timeout_ms, .outbox_bytes = queue_bytes, .inbox_bytes = queue_bytes};
    return make_http_channels(out, n, &options, NULL, err);
}

static whist_status make_envelope(struct whist_channel **out, size_t n, int64_t timeout_ms,
                                  size_t queue_bytes, struct whist_error *err)
{
    TRY(make_http(out, n, timeout_ms, queue_bytes, err));
    for (size_t i = 0; i < n; i++) {
        whist_status st = whist_channel_envelope_new(&out[i], out[i], err);
        if (st != WHIST_OK) {
            out[i] = NULL; /* the constructor has freed it */
            free_channels(out, n);
            return st;
        }
    }
    return WHIST_OK;
}

/* Beyond the outbox: one message being sent, the kernel's buffers, one held, the inbox. */
static const struct conformance_channels http = {
    .make = make_http, .bare = true, .window_slack = 16 << 20};
static const struct conformance_channels enveloped = {.make = make_envelope,
                                                      .window_slack = 16 << 20};

CONFORMANCE_FUNCTIONS(http, http)
CONFORMANCE_FUNCTIONS(envelope, enveloped)

static const struct test_case cases[] = {CONFORMANCE_CASES(http) CONFORMANCE_CASES(envelope)};
TEST_MAIN(cases)
