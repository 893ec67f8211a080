/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the two HTTP fuzzers share: the events of some input as a digest, however it is cut. */
#ifndef WHIST_FUZZ_HTTP_EVENTS_H
#define WHIST_FUZZ_HTTP_EVENTS_H

#include <string.h>

#include "channel/http_codec.h"
#include "fuzz.h"

/* Called at each HEAD. */
typedef void (*at_head)(const struct whist_http_parser *p);

static inline void mix(uint64_t *digest, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        *digest = (*digest ^ ((const uint8_t *)data)[i]) * 0x100000001b3;
    }
    *digest = (*digest ^ len) * 0x100000001b3;
}

static inline void mix_number(uint64_t *digest, uint64_t value)
{
    mix(digest, &value, sizeof value);
}

static inline void mix_event(uint64_t *digest, const struct whist_http_parser *p,
                             whist_http_event ev, at_head head)
{
    mix_number(digest, (uint64_t)ev);
    HOLDS(p->body.len <= p->body_limit && p->body.len <= p->body_seen);
    switch (ev) {
    case WHIST_HTTP_HEAD:
        mix(digest, p->method.data, p->method.len);
        mix(digest, p->target.data, p->target.len);
        mix(digest, p->location.data, p->location.len);
        mix_number(digest, (uint64_t)p->status << 8 | (uint64_t)p->minor << 3 |
                               (uint64_t)p->keep_alive << 2 | (uint64_t)p->expect_continue << 1 |
                               p->has_body);
        HOLDS(p->body_seen == 0 && p->minor <= 1 && (p->has_body || !p->expect_continue));
        head(p);
        break;
    case WHIST_HTTP_TOO_LARGE:
        HOLDS(p->body.len == 0 && p->body_seen > p->body_limit);
        break;
    case WHIST_HTTP_DONE:
        mix(digest, p->body.data, p->body.len);
        mix_number(digest, p->body_seen);
        HOLDS(p->has_body || p->body_seen == 0);
        break;
    case WHIST_HTTP_BAD:
        mix(digest, p->why, strlen(p->why));
        mix_number(digest, (uint64_t)p->bad_status << 1 | p->in_body);
        break;
    default:
        abort();
    }
}

/* Feeds one piece; false after BAD. */
static inline bool mix_piece(uint64_t *digest, struct whist_http_parser *p, const uint8_t *data,
                             size_t len, at_head head)
{
    for (size_t at = 0;;) {
        size_t used = SIZE_MAX;
        whist_http_event ev = whist_http_feed(p, &used, data + at, len - at);
        HOLDS(used <= len - at);
        at += used;
        if (ev == WHIST_HTTP_MORE) {
            HOLDS(at == len);
            return true;
        }
        mix_event(digest, p, ev, head);
        if (ev == WHIST_HTTP_BAD) {
            return false;
        }
        if (ev == WHIST_HTTP_DONE) {
            whist_http_parser_next(p);
            HOLDS(whist_http_parser_idle(p));
        }
    }
}

/* seed: 0 for the whole at once, 1 for single bytes, else pieces of pseudorandom sizes. */
static inline uint64_t events_of(whist_http_kind kind, const uint8_t *data, size_t len,
                                 size_t body_limit, uint32_t seed, at_head head)
{
    struct whist_http_parser p;
    uint64_t digest = 0xcbf29ce484222325;
    bool good = true;

    whist_http_parser_init(&p, kind, body_limit);
    for (size_t at = 0; at < len && good;) {
        size_t n = seed == 0 ? len : 1;
        if (seed > 1) {
            seed = seed * 1664525 + 1013904223;
            n = 1 + (seed >> 16) % 64;
        }
        n = n < len - at ? n : len - at;
        good = mix_piece(&digest, &p, data + at, n, head);
        at += n;
    }
    if (good) {
        whist_http_event ev = whist_http_feed_eof(&p);
        if (ev != WHIST_HTTP_MORE) {
            mix_event(&digest, &p, ev, head);
        }
    }
    whist_http_parser_clear(&p);
    return digest;
}

#endif
