/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The conformance suite over the native mode of HTTP on loopback, plain and over mutual TLS. */
#include "channel_conformance.h"
#include "ports.h"

static whist_status make_native(struct whist_channel **out, size_t n, int64_t timeout_ms,
                                size_t queue_bytes, struct whist_error *err)
{
    const struct whist_http_options options = {
        .timeout_ms = timeout_ms, .outbox_bytes = queue_bytes, .inbox_bytes = queue_bytes};
    return make_native_channels(out, n, &options, false, err);
}

static whist_status make_tls(struct whist_channel **out, size_t n, int64_t timeout_ms,
                             size_t queue_bytes, struct whist_error *err)
{
    const struct whist_http_options options = {
        .timeout_ms = timeout_ms, .outbox_bytes = queue_bytes, .inbox_bytes = queue_bytes};
    return make_native_channels(out, n, &options, true, err);
}

/* Beyond the outbox: the receiver's window and one POST. */
static const struct conformance_channels native = {.make = make_native, .window_slack = 1 << 21};
static const struct conformance_channels tls = {.make = make_tls, .window_slack = 1 << 21};

CONFORMANCE_FUNCTIONS(plain, native)
CONFORMANCE_FUNCTIONS(tls, tls)

static const struct test_case cases[] = {CONFORMANCE_CASES(plain) CONFORMANCE_CASES(tls)};
TEST_MAIN(cases)
