/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The conformance suite over the native mode of HTTP on loopback. */
#include "channel_conformance.h"
#include "ports.h"

static whist_status make_native(struct whist_channel **out, size_t n, int64_t timeout_ms,
                                size_t queue_bytes, struct whist_error *err)
{
    const struct whist_http_options options = {
        .timeout_ms = timeout_ms, .outbox_bytes = queue_bytes, .inbox_bytes = queue_bytes};
    return make_native_channels(out, n, &options, err);
}

/* Beyond the outbox: the receiver's window and one POST. */
static const struct conformance_channels native = {.make = make_native, .window_slack = 1 << 21};

CONFORMANCE_FUNCTIONS(native, native)

static const struct test_case cases[] = {CONFORMANCE_CASES(native)};
TEST_MAIN(cases)
