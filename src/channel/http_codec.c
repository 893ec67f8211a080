/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Parsing of HTTP/1.1 messages. Heads are collected up to the empty line and then read at once;
 * bodies are appended as they come. */
#include <strings.h>

#include "channel/http_codec.h"

/* Empty lines before a request line that are overlooked (RFC 9112, 2.2). */
#define EMPTY_LINES_MAX 8
/* A body is allocated whole once this part of it has arrived, so that a lie about its length costs
 * a sender an eighth of what it costs us. */
#define TRUST_SHARE 8
/* The same for senders that have proven who they are. */
#define TRUSTED_SHARE 64

enum state {
    IN_HEAD,
    HEAD_READ, /* HEAD was reported, the body begins */
    IN_BODY,   /* left bytes of it, or everything up to the end of the connection */
    CHUNK_SIZE,
    CHUNK_EXT,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    TRAILER, /* at the start of a line or within it */
    TRAILER_LF,
    COMPLETE,
    FAILED,
};

enum framing { NO_BODY, BY_LENGTH, CHUNKED, UNTIL_EOF };

bool whist_http_parser_idle(const struct whist_http_parser *p)
{
    return p->state == IN_HEAD && p->head.len == 0 && p->lines == 0;
}

bool whist_http_parser_in_body(const struct whist_http_parser *p)
{
    return p->state > IN_HEAD && p->state < COMPLETE;
}

static whist_http_event bad(struct whist_http_parser *p, int status, const char *why)
{
    p->bad_status = status;
    p->why = why;
    p->in_body = whist_http_parser_in_body(p);
    p->state = FAILED;
    return WHIST_HTTP_BAD;
}

static whist_http_event nomem(struct whist_http_parser *p)
{
    p->why = "out of memory";
    p->state = FAILED;
    return WHIST_HTTP_NOMEM;
}

void whist_http_parser_init(struct whist_http_parser *p, whist_http_kind kind, size_t body_limit)
{
    *p = (struct whist_http_parser){.kind = kind, .body_limit = body_limit, .state = IN_HEAD};
}

void whist_http_parser_clear(struct whist_http_parser *p)
{
    whist_buffer_clear(&p->head);
    whist_buffer_clear(&p->body);
}

void whist_http_parser_next(struct whist_http_parser *p)
{
    struct whist_buffer head = p->head;

    WHIST_REQUIRE(p->state == COMPLETE);
    whist_buffer_clear(&p->body);
    head.len = 0;
    whist_http_parser_init(p, p->kind, p->body_limit);
    p->head = head;
}

/* ---- Characters (RFC 9110, 5.6.2 and 5.5) ---- */

static bool is_token_char(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return true;
    }
    return c != 0 && c < 0x80 && strchr("!#$%&'*+-.^_`|~", (int)c) != NULL;
}

static bool is_token(struct whist_bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_token_char(s.data[i])) {
            return false;
        }
    }
    return s.len != 0;
}

static bool is_value_char(uint8_t c)
{
    return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static bool is_value(struct whist_bytes s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_value_char(s.data[i])) {
            return false;
        }
    }
    return true;
}

static bool equals(struct whist_bytes s, const char *lower)
{
    return s.len == strlen(lower) && strncasecmp((const char *)s.data, lower, s.len) == 0;
}

static struct whist_bytes trim(struct whist_bytes s)
{
    while (s.len != 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
        s = whist_bytes(s.data + 1, s.len - 1);
    }
    while (s.len != 0 && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t')) {
        s.len--;
    }
    return s;
}

/* ---- Head ---- */

static bool parse_version(struct whist_http_parser *p, struct whist_bytes s)
{
    if (s.len != 8 || memcmp(s.data, "HTTP/1.", 7) != 0 || (s.data[7] != '0' && s.data[7] != '1')) {
        return false;
    }
    p->minor = s.data[7] - '0';
    return true;
}

static whist_http_event parse_request_line(struct whist_http_parser *p, struct whist_bytes line)
{
    const uint8_t *sp = memchr(line.data, ' ', line.len);
    const uint8_t *end = line.data + line.len, *sp2;

    if (equals(line, "pri * http/2.0")) {
        return bad(p, 0, "the client speaks HTTP/2");
    }
    sp2 = sp != NULL ? memchr(sp + 1, ' ', (size_t)(end - sp - 1)) : NULL;
    if (sp2 == NULL) {
        return bad(p, 400, "malformed request line");
    }
    p->method = whist_bytes(line.data, (size_t)(sp - line.data));
    p->target = whist_bytes(sp + 1, (size_t)(sp2 - sp - 1));
    if (!is_token(p->method) || p->target.len == 0) {
        return bad(p, 400, "malformed request line");
    }
    for (size_t i = 0; i < p->target.len; i++) {
        if (p->target.data[i] <= 0x20 || p->target.data[i] >= 0x7f || p->target.data[i] == '#') {
            return bad(p, 400, "a character of the request target is not allowed");
        }
    }
    if (!parse_version(p, whist_bytes(sp2 + 1, (size_t)(end - sp2 - 1)))) {
        return bad(p, 400, "the version is neither HTTP/1.1 nor HTTP/1.0");
    }
    return WHIST_HTTP_HEAD;
}

/* Some servers leave out the reason phrase together with the space before it. */
static whist_http_event parse_status_line(struct whist_http_parser *p, struct whist_bytes line)
{
    if (line.len < 12 || !parse_version(p, whist_bytes(line.data, 8)) || line.data[8] != ' ' ||
        (line.len > 12 && line.data[12] != ' ') ||
        !is_value(whist_bytes(line.data + 12, line.len - 12))) {
        return bad(p, 0, "malformed status line");
    }
    p->status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') {
            return bad(p, 0, "malformed status line");
        }
        p->status = p->status * 10 + (line.data[i] - '0');
    }
    return p->status >= 100 ? WHIST_HTTP_HEAD : bad(p, 0, "malformed status line");
}

static whist_http_event parse_start_line(struct whist_http_parser *p, struct whist_bytes line)
{
    return p->kind == WHIST_HTTP_REQUEST ? parse_request_line(p, line) : parse_status_line(p, line);
}

static whist_http_event parse_length(struct whist_http_parser *p, struct whist_bytes value)
{
    uint64_t n = 0;

    if (p->has_length) {
        return bad(p, 400, "two content-length fields");
    }
    if (value.len == 0) {
        return bad(p, 400, "malformed content-length");
    }
    for (size_t i = 0; i < value.len; i++) {
        uint64_t digit = (uint64_t)value.data[i] - '0';
        if (value.data[i] < '0' || value.data[i] > '9' || n > (UINT64_MAX - digit) / 10) {
            return bad(p, 400, "malformed content-length");
        }
        n = n * 10 + digit;
    }
    p->has_length = true;
    p->length = n;
    return WHIST_HTTP_HEAD;
}

/* A list of tokens; others than these two are none of our business. */
static void parse_connection(struct whist_bytes value, bool *close, bool *keep)
{
    while (value.len != 0) {
        const uint8_t *comma = memchr(value.data, ',', value.len);
        size_t len = comma != NULL ? (size_t)(comma - value.data) : value.len;
        struct whist_bytes token = trim(whist_bytes(value.data, len));
        *close = *close || equals(token, "close");
        *keep = *keep || equals(token, "keep-alive");
        len += comma != NULL;
        value = whist_bytes(value.data + len, value.len - len);
    }
}

struct head_flags {
    bool close, keep, expect;
};

static whist_http_event parse_field(struct whist_http_parser *p, struct whist_bytes line,
                                    struct head_flags *flags)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    struct whist_bytes name, value;

    if (line.data[0] == ' ' || line.data[0] == '\t') {
        return bad(p, 400, "a folded field");
    }
    if (colon == NULL) {
        return bad(p, 400, "malformed field");
    }
    name = whist_bytes(line.data, (size_t)(colon - line.data));
    value = trim(whist_bytes(colon + 1, line.len - name.len - 1));
    if (!is_token(name) || !is_value(value)) {
        return bad(p, 400, "malformed field");
    }
    if (equals(name, "content-length")) {
        return parse_length(p, value);
    }
    if (equals(name, "transfer-encoding")) {
        if (p->framing == CHUNKED || !equals(value, "chunked")) {
            return bad(p, 400, "a transfer-encoding other than chunked");
        }
        p->framing = CHUNKED;
    } else if (equals(name, "connection")) {
        parse_connection(value, &flags->close, &flags->keep);
    } else if (equals(name, "expect")) {
        flags->expect = flags->expect || equals(value, "100-continue");
    } else if (equals(name, "location")) {
        p->location = value;
    } else if (equals(name, "host")) {
        if (p->has_host && p->kind == WHIST_HTTP_REQUEST) {
            return bad(p, 400, "two host fields");
        }
        p->has_host = true;
    }
    return WHIST_HTTP_HEAD;
}

/* RFC 9112, 6.3. */
static whist_http_event choose_framing(struct whist_http_parser *p, const struct head_flags *flags)
{
    bool request = p->kind == WHIST_HTTP_REQUEST;

    if (p->framing == CHUNKED && p->has_length) {
        return bad(p, 400, "content-length and transfer-encoding together");
    }
    if (p->framing == CHUNKED && p->minor == 0) {
        return bad(p, 400, "transfer-encoding in HTTP/1.0");
    }
    p->keep_alive = p->minor == 1 ? !flags->close : flags->keep && !flags->close;
    if (!request && (p->status < 200 || p->status == 204 || p->status == 304)) {
        p->framing = NO_BODY;
    } else if (p->framing != CHUNKED) {
        p->framing = p->has_length ? BY_LENGTH : request ? NO_BODY : UNTIL_EOF;
    }
    if (p->framing == UNTIL_EOF) {
        p->keep_alive = false;
    }
    p->left = p->length;
    p->has_body = p->framing == BY_LENGTH ? p->length != 0 : p->framing != NO_BODY;
    p->expect_continue = flags->expect && p->minor == 1 && p->has_body;
    return WHIST_HTTP_HEAD;
}

static whist_http_event parse_head(struct whist_http_parser *p)
{
    const uint8_t *at = p->head.data, *end = p->head.data + p->head.len;
    struct head_flags flags = {0};
    whist_http_event ev = WHIST_HTTP_HEAD;

    for (size_t i = 0; ev == WHIST_HTTP_HEAD; i++) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
        struct whist_bytes line = whist_bytes(at, (size_t)(lf - at) - 1);
        if (line.len == 0) {
            ev = choose_framing(p, &flags);
            break;
        }
        ev = i != 0 ? parse_field(p, line, &flags) : parse_start_line(p, line);
        at = lf + 1;
    }
    if (ev == WHIST_HTTP_HEAD) {
        p->state = HEAD_READ;
    }
    return ev;
}

size_t whist_http_find_field(const struct whist_http_parser *p, const char *name,
                             struct whist_bytes *value_out)
{
    const uint8_t *at = p->head.data, *end = p->head.data + p->head.len;
    size_t n = 0;

    while (at < end) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
        if (lf == NULL || lf - at < 2) {
            break;
        }
        const uint8_t *colon = at != p->head.data ? memchr(at, ':', (size_t)(lf - at)) : NULL;
        if (colon != NULL && equals(whist_bytes(at, (size_t)(colon - at)), name)) {
            *value_out = trim(whist_bytes(colon + 1, (size_t)(lf - colon) - 2));
            n++;
        }
        at = lf + 1;
    }
    return n;
}

/* A line of the head has arrived whole. MORE: go on. */
static whist_http_event end_of_line(struct whist_http_parser *p)
{
    size_t len = p->head.len - p->line_start; /* with CR LF */

    if (len < 2 || p->head.data[p->head.len - 2] != '\r') {
        return bad(p, 400, "a line ends in LF without CR");
    }
    if (len == 2 && p->line_start == 0) {
        p->head.len = 0;
        if (p->kind == WHIST_HTTP_RESPONSE || ++p->lines > EMPTY_LINES_MAX) {
            return bad(p, 400, "empty lines before the message");
        }
        return WHIST_HTTP_MORE;
    }
    if (len == 2) {
        return parse_head(p);
    }
    if (p->line_start == 0) {
        /* Refused at once, because other protocols may never send an empty line; read again with
         * the fields, when the head does not move any more. */
        whist_http_event ev = parse_start_line(p, whist_bytes(p->head.data, len - 2));
        if (ev != WHIST_HTTP_HEAD) {
            return ev;
        }
        p->lines = 0;
    }
    p->line_start = p->head.len;
    return ++p->lines > 1 + WHIST_HTTP_FIELDS_MAX ? bad(p, 431, "more than 100 fields")
                                                  : WHIST_HTTP_MORE;
}

static whist_http_event feed_head(struct whist_http_parser *p, size_t *used, const uint8_t *data,
                                  size_t len)
{
    while (*used < len) {
        const uint8_t *from = data + *used, *lf = memchr(from, '\n', len - *used);
        size_t take = lf != NULL ? (size_t)(lf - from) + 1 : len - *used;
        /* TLS and other binary protocols never send a LF in time: refused by their first byte. */
        if (p->head.len == 0 && *from != '\r' && !is_token_char(*from)) {
            return bad(p, 400, "this is not HTTP");
        }
        if (take > WHIST_HTTP_HEAD_MAX - p->head.len) {
            return bad(p, 431, "the head is longer than 65,536 bytes");
        }
        if (whist_buffer_append(&p->head, from, take) != WHIST_OK) {
            return nomem(p);
        }
        *used += take;
        if (lf != NULL) {
            whist_http_event ev = end_of_line(p);
            if (ev != WHIST_HTTP_MORE) {
                return ev;
            }
        }
    }
    return WHIST_HTTP_MORE;
}

/* ---- Body ---- */

/* Room for len more bytes. Never much more than what has arrived. */
static bool reserve_body(struct whist_http_parser *p, size_t len)
{
    size_t need = p->body.len + len;

    if (need > p->body.cap && p->framing == BY_LENGTH && p->length <= p->body_limit &&
        need >= p->length / (p->trusted ? TRUSTED_SHARE : TRUST_SHARE)) {
        need = (size_t)p->length;
    }
    return whist_buffer_reserve(&p->body, need) == WHIST_OK;
}

/* Takes len bytes of the body. MORE: go on. */
static whist_http_event take_body(struct whist_http_parser *p, const uint8_t *data, size_t len)
{
    p->body_seen += len;
    if (p->dropping) {
        return WHIST_HTTP_MORE;
    }
    if (len > p->body_limit - p->body.len) {
        whist_buffer_clear(&p->body);
        p->dropping = true;
        return WHIST_HTTP_TOO_LARGE;
    }
    if (!reserve_body(p, len) || whist_buffer_append(&p->body, data, len) != WHIST_OK) {
        return nomem(p);
    }
    return WHIST_HTTP_MORE;
}

uint64_t whist_http_body_left(const struct whist_http_parser *p)
{
    return p->state == IN_BODY && p->framing == BY_LENGTH ? p->left : 0;
}

uint8_t *whist_http_body_room(struct whist_http_parser *p, size_t *room_out)
{
    size_t room;

    if (p->state != IN_BODY || p->framing != BY_LENGTH || p->dropping ||
        p->length > p->body_limit || !reserve_body(p, 1)) {
        return NULL;
    }
    room = p->body.cap - p->body.len;
    *room_out = p->left < room ? (size_t)p->left : room;
    return p->body.data + p->body.len;
}

void whist_http_body_put(struct whist_http_parser *p, size_t len)
{
    WHIST_REQUIRE(p->state == IN_BODY && len <= p->left && len <= p->body.cap - p->body.len);
    p->body.len += len;
    p->body_seen += len;
    p->left -= len;
    if (p->left == 0) {
        p->state = COMPLETE;
    }
}

static whist_http_event begin_body(struct whist_http_parser *p)
{
    switch (p->framing) {
    case CHUNKED:
        p->state = CHUNK_SIZE;
        return WHIST_HTTP_MORE;
    case BY_LENGTH:
    case UNTIL_EOF:
        p->state = p->has_body ? IN_BODY : COMPLETE;
        break;
    default:
        p->state = COMPLETE;
        break;
    }
    return p->state == COMPLETE ? WHIST_HTTP_DONE : WHIST_HTTP_MORE;
}

/* A stretch of data bytes: the plain body, or the data of a chunk. */
static whist_http_event feed_data(struct whist_http_parser *p, size_t *used, const uint8_t *data,
                                  size_t len)
{
    size_t take = len - *used;
    whist_http_event ev;

    if (p->framing != UNTIL_EOF) {
        take = p->left < take ? (size_t)p->left : take;
        p->left -= take;
    }
    ev = take_body(p, data + *used, take);
    *used += take;
    if (ev == WHIST_HTTP_NOMEM) {
        return ev;
    }
    if (p->framing == CHUNKED && p->left == 0) {
        p->state = CHUNK_DATA_CR;
    } else if (p->framing == BY_LENGTH && p->left == 0) {
        p->state = COMPLETE;
    }
    return ev;
}

static whist_http_event chunk_size_byte(struct whist_http_parser *p, uint8_t c)
{
    int value = whist_hex_digit(c);

    if (value >= 0) {
        if (++p->digits > 16) {
            return bad(p, 400, "malformed chunk size");
        }
        p->left = p->left << 4 | (uint64_t)value;
        return WHIST_HTTP_MORE;
    }
    if (p->digits == 0 || (c != ';' && c != '\r')) {
        return bad(p, 400, "malformed chunk size");
    }
    p->state = c == ';' ? CHUNK_EXT : CHUNK_SIZE_LF;
    return WHIST_HTTP_MORE;
}

/* Chunk extensions and trailers are read over, within bounds. */
static whist_http_event overhead_byte(struct whist_http_parser *p, uint8_t c)
{
    if (!is_value_char(c)) {
        return bad(p, 400, "malformed chunk extension or trailer");
    }
    if (++p->overhead > WHIST_HTTP_TRAILER_MAX) {
        return bad(p, 431, "chunk extensions and trailers are too long");
    }
    return WHIST_HTTP_MORE;
}

static whist_http_event trailer_byte(struct whist_http_parser *p, uint8_t c)
{
    if (c == '\r') {
        p->state = TRAILER_LF;
        return WHIST_HTTP_MORE;
    }
    if (p->line_len++ == 0 && !is_token_char(c)) {
        return bad(p, 400, "malformed chunk extension or trailer");
    }
    return overhead_byte(p, c);
}

/* The bytes between the stretches of data. */
static whist_http_event chunk_byte(struct whist_http_parser *p, uint8_t c)
{
    switch (p->state) {
    case CHUNK_SIZE:
        return chunk_size_byte(p, c);
    case CHUNK_EXT:
        if (c == '\r') {
            p->state = CHUNK_SIZE_LF;
            return WHIST_HTTP_MORE;
        }
        return overhead_byte(p, c);
    case TRAILER:
        return trailer_byte(p, c);
    case CHUNK_DATA_CR:
        p->state = CHUNK_DATA_LF;
        return c == '\r' ? WHIST_HTTP_MORE : bad(p, 400, "a chunk is longer than it says");
    default: /* CHUNK_SIZE_LF, CHUNK_DATA_LF, TRAILER_LF */
        break;
    }
    if (c != '\n') {
        return bad(p, 400, "CR without LF in a chunked body");
    }
    if (p->state == CHUNK_DATA_LF) {
        p->state = CHUNK_SIZE;
        p->digits = 0;
    } else if (p->state == CHUNK_SIZE_LF) {
        p->state = p->left != 0 ? CHUNK_DATA : TRAILER;
        p->line_len = 0;
    } else {
        p->state = p->line_len == 0 ? COMPLETE : TRAILER;
        p->line_len = 0;
    }
    return WHIST_HTTP_MORE;
}

whist_http_event whist_http_feed(struct whist_http_parser *p, size_t *used_out, const uint8_t *data,
                                 size_t len)
{
    whist_http_event ev = WHIST_HTTP_MORE;
    size_t used = 0;

    WHIST_REQUIRE(p->state != FAILED);
    while (ev == WHIST_HTTP_MORE) {
        if (p->state == COMPLETE) {
            ev = WHIST_HTTP_DONE;
        } else if (p->state == HEAD_READ) {
            ev = begin_body(p);
        } else if (used == len) {
            break;
        } else if (p->state == IN_HEAD) {
            ev = feed_head(p, &used, data, len);
        } else if (p->state == IN_BODY || p->state == CHUNK_DATA) {
            ev = feed_data(p, &used, data, len);
        } else {
            ev = chunk_byte(p, data[used++]);
        }
    }
    *used_out = used;
    return ev;
}

whist_http_event whist_http_feed_eof(struct whist_http_parser *p)
{
    WHIST_REQUIRE(p->state != FAILED);
    if (p->state == COMPLETE || (p->state == IN_BODY && p->framing == UNTIL_EOF)) {
        p->state = COMPLETE;
        return WHIST_HTTP_DONE;
    }
    if (p->state == IN_HEAD && p->head.len == 0) {
        return WHIST_HTTP_MORE;
    }
    return bad(p, 400, "the connection ended within a message");
}
