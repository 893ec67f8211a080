/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Requests as the server reads them: the first byte gives body limit and pieces, the rest is the
 * stream. Whole, byte by byte and in pieces it gives the same events; every head has a route. */
#include "channel/http_route.h"
#include "http_events.h"

static void check_route(const struct whist_http_parser *p)
{
    static const char *const prefixes[] = {"", "/p/q"};

    for (size_t i = 0; i < 2; i++) {
        struct whist_http_route route;
        HOLDS(whist_http_route(&route, p, prefixes[i], 3) == WHIST_OK);
        HOLDS(route.status == 200 || route.status == 400 || route.status == 404 ||
              route.status == 405);
        HOLDS(route.status != 200 || route.from < 3);
        HOLDS((route.status == 400) == (route.text.len != 0));
        HOLDS(route.allow_post == (route.status == 405));
        HOLDS(route.text.len <= p->target.len + 100);
        whist_buffer_clear(&route.text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    size_t limit = data[0] % 128;
    uint64_t whole = events_of(WHIST_HTTP_REQUEST, data + 1, size - 1, limit, 0, check_route);
    HOLDS(events_of(WHIST_HTTP_REQUEST, data + 1, size - 1, limit, 1, check_route) == whole);
    HOLDS(events_of(WHIST_HTTP_REQUEST, data + 1, size - 1, limit, 2 + data[0], check_route) ==
          whole);
    return 0;
}
