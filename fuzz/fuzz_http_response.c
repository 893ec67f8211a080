/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Answers as the client reads them: the first byte gives body limit and pieces, the rest is the
 * stream up to the end of the connection. Whole, byte by byte and in pieces it gives the same
 * events. */
#include "http_events.h"

static void check_status(const struct whist_http_parser *p)
{
    HOLDS(p->status >= 100 && p->status <= 999);
    HOLDS(p->status >= 200 || !p->has_body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t limit = data[0] % 128;
    uint64_t whole = events_of(WHIST_HTTP_RESPONSE, data + 1, size - 1, limit, 0, check_status);
    HOLDS(events_of(WHIST_HTTP_RESPONSE, data + 1, size - 1, limit, 1, check_status) == whole);
    HOLDS(events_of(WHIST_HTTP_RESPONSE, data + 1, size - 1, limit, 2 + data[0], check_status) ==
          whole);
    return 0;
}
