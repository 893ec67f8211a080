/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdio.h>
#include <strings.h>

#include "channel/http_route.h"

struct whist_bytes whist_http_path(struct whist_bytes target)
{
    const uint8_t *query;

    if (target.len >= 7 && strncasecmp((const char *)target.data, "http://", 7) == 0) {
        size_t i = 7;
        while (i < target.len && target.data[i] != '/' && target.data[i] != '?') {
            i++;
        }
        target = whist_bytes(target.data + i, target.len - i);
    }
    query = target.len != 0 ? memchr(target.data, '?', target.len) : NULL;
    return query != NULL ? whist_bytes(target.data, (size_t)(query - target.data)) : target;
}

static bool strip(struct whist_bytes *path, const char *start)
{
    size_t len = strlen(start);

    if (path->len < len || (len != 0 && memcmp(path->data, start, len) != 0)) {
        return false;
    }
    *path = whist_bytes(path->data + len, path->len - len);
    return true;
}

/* The segment {from} of a path, still percent-encoded; false if the path is another one. */
static bool find_segment(struct whist_bytes *segment_out, struct whist_bytes path,
                         const char *prefix)
{
    struct whist_bytes rest = path;

    if (!strip(&rest, "/msg/") || rest.len == 0 || memchr(rest.data, '/', rest.len) != NULL) {
        rest = path;
        if (!strip(&rest, prefix) || !strip(&rest, "/msg/") || rest.len == 0 ||
            memchr(rest.data, '/', rest.len) != NULL) {
            return false;
        }
    }
    *segment_out = rest;
    return true;
}

/* Percent-decodes; what is not an encoding stays as it is. out has room for s.len bytes. */
static size_t decode(uint8_t *out, struct whist_bytes s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        int high = i + 2 < s.len && s.data[i] == '%' ? whist_hex_digit(s.data[i + 1]) : -1;
        int low = high >= 0 ? whist_hex_digit(s.data[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            out[n++] = s.data[i];
        }
    }
    return n;
}

/* Well-formed UTF-8 (Unicode 15, table 3-7): no surrogates, no overlong forms. */
static bool is_utf8(const uint8_t *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint8_t c = s[i++], low = 0x80, high = 0xbf;
        size_t more;
        if (c < 0x80) {
            continue;
        }
        if (c < 0xc2 || c > 0xf4) {
            return false;
        }
        more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : low;
        high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : high;
        for (; more != 0; more--, low = 0x80, high = 0xbf) {
            if (i == len || s[i] < low || s[i] > high) {
                return false;
            }
            i++;
        }
    }
    return true;
}

/* A decimal number below 2^32; one plus sign and leading zeros are allowed, as in the legacy. */
static bool parse_u32(uint64_t *out, const uint8_t *s, size_t len)
{
    uint64_t n = 0;
    size_t i = len != 0 && s[0] == '+';

    if (i == len) {
        return false;
    }
    for (; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return false;
        }
        n = n * 10 + (uint64_t)(s[i] - '0');
        if (n > UINT32_MAX) {
            return false;
        }
    }
    *out = n;
    return true;
}

static whist_status append_text(struct whist_buffer *out, const char *text)
{
    return whist_buffer_append(out, text, strlen(text));
}

/* Reads the decoded segment, or makes the answer 400. */
static whist_status read_from(struct whist_http_route *out, const uint8_t *s, size_t len, size_t n)
{
    uint64_t from;
    char text[120];

    out->status = 400;
    if (!is_utf8(s, len)) {
        return append_text(&out->text, "Invalid URL: Invalid UTF-8 in `from`");
    }
    if (!parse_u32(&from, s, len)) {
        TRY(append_text(&out->text, "Invalid URL: Cannot parse `"));
        TRY(whist_buffer_append(&out->text, s, len));
        return append_text(&out->text, "` to a `u32`");
    }
    if (from >= n) {
        snprintf(text, sizeof text,
                 "Unknown party %llu: this party knows %zu parties, numbered 0 to %zu",
                 (unsigned long long)from, n, n - 1);
        return append_text(&out->text, text);
    }
    out->status = 200;
    out->from = (size_t)from;
    return WHIST_OK;
}

whist_status whist_http_route(struct whist_http_route *out, const struct whist_http_parser *request,
                              const char *prefix, size_t n)
{
    struct whist_bytes method = request->method, segment;
    uint8_t *decoded;
    whist_status st;

    *out = (struct whist_http_route){.status = 404};
    if (!find_segment(&segment, whist_http_path(request->target), prefix)) {
        return WHIST_OK;
    }
    if (method.len != 4 || memcmp(method.data, "POST", 4) != 0) {
        out->status = 405;
        out->allow_post = true;
        return WHIST_OK;
    }
    decoded = whist_alloc(segment.len, 1);
    if (decoded == NULL) {
        return WHIST_ERR_NOMEM;
    }
    st = read_from(out, decoded, decode(decoded, segment), n);
    whist_free(decoded);
    if (st != WHIST_OK) {
        whist_buffer_clear(&out->text);
    }
    return st;
}
