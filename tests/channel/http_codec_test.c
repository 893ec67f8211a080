/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The HTTP codec: every input whole, one byte at a time and cut in two at each place gives the same
 * events. */
#include <stdarg.h>
#include <whist/channel.h>

#include "channel/http_codec.h"
#include "channel/http_route.h"
#include "harness.h"

#define BODY_LIMIT 10

/* ---- Events as text ---- */

static void note(struct whist_buffer *log, const char *fmt, ...) WHIST_PRINTF(2, 3);

static void note(struct whist_buffer *log, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    CHECK(n >= 0 && (size_t)n < sizeof text);
    CHECK(whist_buffer_append(log, text, (size_t)n) == WHIST_OK);
}

static void note_event(struct whist_buffer *log, const struct whist_http_parser *p,
                       whist_http_event ev)
{
    switch (ev) {
    case WHIST_HTTP_HEAD:
        if (p->kind == WHIST_HTTP_REQUEST) {
            note(log, "%.*s %.*s 1.%d", (int)p->method.len, (const char *)p->method.data,
                 (int)p->target.len, (const char *)p->target.data, p->minor);
        } else {
            note(log, "%d 1.%d", p->status, p->minor);
        }
        note(log, "%s%s%s", p->keep_alive ? " keep" : " close", p->has_body ? " body" : "",
             p->expect_continue ? " expect" : "");
        if (p->location.len != 0) {
            note(log, " to %.*s", (int)p->location.len, (const char *)p->location.data);
        }
        note(log, "|");
        break;
    case WHIST_HTTP_TOO_LARGE:
        note(log, "large|");
        break;
    case WHIST_HTTP_DONE:
        note(log, "done %llu [%.*s]|", (unsigned long long)p->body_seen, (int)p->body.len,
             (const char *)p->body.data);
        break;
    case WHIST_HTTP_BAD:
        note(log, "bad %d%s: %s|", p->bad_status, p->in_body ? " body" : "", p->why);
        break;
    default:
        note(log, "nomem|");
        break;
    }
}

/* Feeds one piece; false after BAD. */
static bool feed(struct whist_http_parser *p, struct whist_buffer *log, const char *data,
                 size_t len)
{
    size_t at = 0;
    for (;;) {
        size_t used = SIZE_MAX;
        /* A copy of exactly this length, so that a sanitizer sees reads beyond it. */
        uint8_t *copy = malloc(len - at + 1);
        CHECK(copy != NULL);
        memcpy(copy + 1, data + at, len - at);
        whist_http_event ev = whist_http_feed(p, &used, copy + 1, len - at);
        free(copy);
        CHECK(used <= len - at);
        at += used;
        if (ev == WHIST_HTTP_MORE) {
            CHECK(at == len);
            return true;
        }
        note_event(log, p, ev);
        if (ev == WHIST_HTTP_BAD || ev == WHIST_HTTP_NOMEM) {
            return false;
        }
        if (ev == WHIST_HTTP_DONE) {
            whist_http_parser_next(p);
        }
    }
}

/* The events of data, fed in pieces of `piece` bytes with the first one of `first`; then the end.
 */
static struct whist_buffer events(whist_http_kind kind, const char *data, size_t len, size_t first,
                                  size_t piece)
{
    struct whist_http_parser p;
    struct whist_buffer log = {0};
    bool good = true;

    whist_http_parser_init(&p, kind, BODY_LIMIT);
    CHECK(whist_http_parser_idle(&p));
    for (size_t at = 0; at < len && good;) {
        size_t n = at == 0 ? first : piece;
        n = n < len - at ? n : len - at;
        good = feed(&p, &log, data + at, n);
        at += n;
    }
    if (good) {
        whist_http_event ev = whist_http_feed_eof(&p);
        if (ev != WHIST_HTTP_MORE) {
            note(&log, "eof ");
            note_event(&log, &p, ev);
        }
    }
    whist_http_parser_clear(&p);
    CHECK(whist_buffer_append(&log, "", 1) == WHIST_OK);
    return log;
}

static void check_events(whist_http_kind kind, const char *data, size_t len, size_t first,
                         size_t piece, const char *want)
{
    struct whist_buffer got = events(kind, data, len, first, piece);
    CHECK_MSG(strcmp((const char *)got.data, want) == 0,
              "\ninput (first piece %zu, then %zu):\n%.300s\ngot:  %s\nwant: %s", first, piece,
              data, (const char *)got.data, want);
    whist_buffer_clear(&got);
}

static void expect_len(whist_http_kind kind, const char *data, size_t len, const char *want)
{
    check_events(kind, data, len, len, len, want);
    check_events(kind, data, len, 1, 1, want);
    for (size_t i = 1; i < len; i++) {
        check_events(kind, data, len, i, len, want);
    }
}

static void request(const char *data, const char *want)
{
    expect_len(WHIST_HTTP_REQUEST, data, strlen(data), want);
}

static void response(const char *data, const char *want)
{
    expect_len(WHIST_HTTP_RESPONSE, data, strlen(data), want);
}

/* ---- Requests ---- */

static void good_requests(void)
{
    request("", "");
    request("POST /msg/0 HTTP/1.1\r\naccept: */*\r\nhost: h:1\r\ncontent-length: 3\r\n\r\nabc",
            "POST /msg/0 1.1 keep body|done 3 [abc]|");
    request("GET / HTTP/1.1\r\n\r\n", "GET / 1.1 keep|done 0 []|");
    request("POST /x HTTP/1.1\r\nContent-Length:0\r\n\r\n", "POST /x 1.1 keep|done 0 []|");
    request("POST /x HTTP/1.1\r\nCONTENT-LENGTH: \t 0010 \t\r\n\r\n0123456789",
            "POST /x 1.1 keep body|done 10 [0123456789]|");
    request("\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n", "GET / 1.1 keep|done 0 []|");
    request("G!#$%&'*+-.^_`|~z /a?b=%zz&c=[] HTTP/1.0\r\nx:\r\nY: \x80\xff \t!\r\n\r\n",
            "G!#$%&'*+-.^_`|~z /a?b=%zz&c=[] 1.0 close|done 0 []|");
    request("OPTIONS * HTTP/1.1\r\n\r\n", "OPTIONS * 1.1 keep|done 0 []|");
    request("POST http://h:1/msg/0 HTTP/1.1\r\nhost: other\r\n\r\n",
            "POST http://h:1/msg/0 1.1 keep|done 0 []|");
}

static void connection_options(void)
{
    request("GET / HTTP/1.1\r\nconnection: close\r\n\r\n", "GET / 1.1 close|done 0 []|");
    request("GET / HTTP/1.1\r\nConnection: foo , CLOSE,bar\r\n\r\n", "GET / 1.1 close|done 0 []|");
    request("GET / HTTP/1.1\r\nconnection: foo\r\nconnection: close\r\n\r\n",
            "GET / 1.1 close|done 0 []|");
    request("GET / HTTP/1.1\r\nconnection: closed, ,\r\n\r\n", "GET / 1.1 keep|done 0 []|");
    request("GET / HTTP/1.0\r\nconnection: Keep-Alive\r\n\r\n", "GET / 1.0 keep|done 0 []|");
    request("GET / HTTP/1.0\r\nconnection: keep-alive, close\r\n\r\n",
            "GET / 1.0 close|done 0 []|");
    request("GET / HTTP/1.1\r\nupgrade: h2c\r\nconnection: upgrade, http2-settings\r\n\r\n",
            "GET / 1.1 keep|done 0 []|");
    request("POST / HTTP/1.1\r\nexpect: 100-Continue\r\ncontent-length: 1\r\n\r\na",
            "POST / 1.1 keep body expect|done 1 [a]|");
    request("POST / HTTP/1.1\r\nexpect: 100-continue\r\n\r\n", "POST / 1.1 keep|done 0 []|");
    request("POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 1\r\n\r\na",
            "POST / 1.0 close body|done 1 [a]|");
    request("POST / HTTP/1.1\r\nexpect: something\r\ncontent-length: 1\r\n\r\na",
            "POST / 1.1 keep body|done 1 [a]|");
}

static void pipelined_requests(void)
{
    request("POST /1 HTTP/1.1\r\ncontent-length: 1\r\n\r\naGET /2 HTTP/1.1\r\n\r\n"
            "POST /3 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n\r\n"
            "POST /4 HTTP/1.0\r\ncontent-length: 2\r\n\r\nbb",
            "POST /1 1.1 keep body|done 1 [a]|GET /2 1.1 keep|done 0 []|"
            "POST /3 1.1 keep body|done 0 []|POST /4 1.0 close body|done 2 [bb]|");
}

static void bad_request_lines(void)
{
    static const char *const lines[] = {
        "GET",
        "GET /",
        "GET / ",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /  HTTP/1.1",
        "GET /a b HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /\t HTTP/1.1",
        "G@T / HTTP/1.1",
        "GET / HTTP/1.2",
        "GET / HTTP/2.0",
        "GET / HTTP/1.10",
        "GET / HTTP/01.1",
        "GET / http/1.1",
        "GET / HTTP/1,1",
        "GET /a#b HTTP/1.1",
        "GET /\x7f HTTP/1.1",
        "GET /\x80 HTTP/1.1",
        "GET /\x01 HTTP/1.1",
        "get / FTP/1.1",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s\r\nhost: h\r\n\r\n", lines[i]);
        struct whist_buffer got =
            events(WHIST_HTTP_REQUEST, text, strlen(text), strlen(text), strlen(text));
        CHECK_MSG(strncmp((char *)got.data, "bad 400: ", 9) == 0, "%s: %s", text, (char *)got.data);
        expect_len(WHIST_HTTP_REQUEST, text, strlen(text), (char *)got.data);
        whist_buffer_clear(&got);
    }
    request("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "bad 0: the client speaks HTTP/2|");
    request("\x16\x03\x01", "bad 400: this is not HTTP|");
    request(" GET / HTTP/1.1\r\n", "bad 400: this is not HTTP|");
    request("\nGET / HTTP/1.1\r\n", "bad 400: this is not HTTP|");
    request("\rGET / HTTP/1.1\r\n\r\n", "bad 400: malformed request line|");
    request("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", "bad 400: empty lines before the message|");
    expect_len(WHIST_HTTP_REQUEST, "GET /\0 HTTP/1.1\r\n\r\n", 19,
               "bad 400: a character of the request target is not allowed|");
}

static void bad_fields(void)
{
    static const char *const fields[] = {
        "nocolon",
        ": value",
        "name : value",
        "na me: value",
        "n\x80: value",
        "n(: value",
        "name: va\x01lue",
        "name: va\rlue",
        "name: \x7f",
        "content-length: ",
        "content-length: +1",
        "content-length: -1",
        "content-length: 0x1",
        "content-length: 1 2",
        "content-length: 1,1",
        "content-length: 18446744073709551616",
        "content-length: 99999999999999999999999",
        "content-length: 1\r\ncontent-length: 1",
        "content-length: 1\r\nContent-Length: 2",
        "transfer-encoding: gzip",
        "transfer-encoding: ",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: identity",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 1",
        "content-length: 1\r\ntransfer-encoding: chunked",
        "content-length: 0\r\nTransfer-Encoding: Chunked",
        "host: a\r\nhost: a",
        "a: b\r\n folded",
        "a: b\r\n\tfolded: x",
    };
    char text[300];
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\nx: y\r\n%s\r\n\r\n", fields[i]);
        struct whist_buffer got =
            events(WHIST_HTTP_REQUEST, text, strlen(text), strlen(text), strlen(text));
        CHECK_MSG(strncmp((char *)got.data, "bad 400: ", 9) == 0, "%s: %s", text, (char *)got.data);
        expect_len(WHIST_HTTP_REQUEST, text, strlen(text), (char *)got.data);
        whist_buffer_clear(&got);
    }
    request("POST / HTTP/1.1\r\n folded: x\r\n\r\n", "bad 400: a folded field|");
    request("POST / HTTP/1.1\nhost: h\r\n\r\n", "bad 400: a line ends in LF without CR|");
    request("POST / HTTP/1.1\r\nhost: h\n\r\n", "bad 400: a line ends in LF without CR|");
    request("POST / HTTP/1.1\r\nhost: h\r\n\n", "bad 400: a line ends in LF without CR|");
    request("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n",
            "bad 400: transfer-encoding in HTTP/1.0|");
    expect_len(WHIST_HTTP_REQUEST, "GET / HTTP/1.1\r\na: \0\r\n\r\n", 24,
               "bad 400: malformed field|");
}

static void request_ends(void)
{
    request("G", "eof bad 400: the connection ended within a message|");
    request("GET / HTTP/1.1\r\n", "eof bad 400: the connection ended within a message|");
    request("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n",
            "POST / 1.1 keep body|eof bad 400 body: the connection ended within a message|");
    request("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nab",
            "POST / 1.1 keep body|eof bad 400 body: the connection ended within a message|");
    request("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
            "POST / 1.1 keep body|eof bad 400 body: the connection ended within a message|");
}

/* ---- Bodies ---- */

static void body_limits(void)
{
    request("POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\n0123456789",
            "POST / 1.1 keep body|done 10 [0123456789]|");
    request("POST / HTTP/1.1\r\ncontent-length: 11\r\n\r\n0123456789aGET / HTTP/1.1\r\n\r\n",
            "POST / 1.1 keep body|large|done 11 []|GET / 1.1 keep|done 0 []|");
    request("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n6\r\n012345\r\n6\r\n012345\r\n"
            "1\r\n0\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / 1.1 keep body|large|done 13 []|GET / 1.1 keep|done 0 []|");
    /* Never before the limit was read. */
    request("POST / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n0123456789",
            "POST / 1.1 keep body|eof bad 400 body: the connection ended within a message|");
    request("POST / HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n0123456789a",
            "POST / 1.1 keep body|large|eof bad 400 body: the connection ended within a message|");
}

static void chunked(const char *body, const char *want)
{
    char text[400];
    snprintf(text, sizeof text, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n%s", body);
    char all[500];
    snprintf(all, sizeof all, "POST / 1.1 keep body|%s", want);
    request(text, all);
}

static void chunked_bodies(void)
{
    chunked("0\r\n\r\n", "done 0 []|");
    chunked("3\r\nabc\r\n0\r\n\r\n", "done 3 [abc]|");
    chunked("1\r\na\r\n1\r\nb\r\n00\r\n\r\n", "done 2 [ab]|");
    chunked("A\r\n0123456789\r\n0\r\n\r\n", "done 10 [0123456789]|");
    chunked("000000000000000a\r\n0123456789\r\n0\r\n\r\n", "done 10 [0123456789]|");
    chunked("1;x\r\na\r\n1;x=y;z=\"q;\"\r\nb\r\n0;end\r\n\r\n", "done 2 [ab]|");
    chunked("1\r\na\r\n0\r\nTrailer: x\r\nother: \x80\r\n\r\n", "done 1 [a]|");
    chunked("2\r\n\r\n\r\n0\r\n\r\n", "done 2 [\r\n]|");
}

static void bad_chunks(void)
{
    static const char *const bodies[] = {
        "\r\n",
        "g\r\n",
        " 1\r\na\r\n",
        "1 \r\na\r\n",
        "0x1\r\na\r\n",
        "-1\r\na\r\n",
        "+1\r\na\r\n",
        "1\na\r\n",
        "1\r\r\na\r\n",
        "1\ra\r\n",
        "1;\na\r\n",
        "1;a\rb\r\n",
        "1;a\x01\r\na\r\n",
        ";x\r\n",
        "1\r\nab\r\n",
        "1\r\na\n0\r\n\r\n",
        "1\r\naX\n0\r\n\r\n",
        "1\r\na\rX",
        "1\r\na0\r\n\r\n",
        "00000000000000001\r\na\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\na\n\r\n",
        "0\r\n folded\r\n\r\n",
        "0\r\n:x\r\n\r\n",
        "0\r\na: \x01\r\n\r\n",
        "0\r\n\r\r\n",
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        char text[200];
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n%s",
                 bodies[i]);
        struct whist_buffer got =
            events(WHIST_HTTP_REQUEST, text, strlen(text), strlen(text), strlen(text));
        CHECK_MSG(strstr((char *)got.data, "|bad 400 body: ") != NULL, "%s: %s", text,
                  (char *)got.data);
        expect_len(WHIST_HTTP_REQUEST, text, strlen(text), (char *)got.data);
        whist_buffer_clear(&got);
    }
}

/* ---- Limits ---- */

static struct whist_buffer repeated(const char *before, const char *what, size_t count,
                                    const char *after)
{
    struct whist_buffer b = {0};
    CHECK(whist_buffer_reserve(&b, strlen(before) + count * strlen(what) + strlen(after)) ==
          WHIST_OK);
    CHECK(whist_buffer_append(&b, before, strlen(before)) == WHIST_OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(whist_buffer_append(&b, what, strlen(what)) == WHIST_OK);
    }
    CHECK(whist_buffer_append(&b, after, strlen(after)) == WHIST_OK);
    return b;
}

static void long_input(const struct whist_buffer *b, const char *start)
{
    const size_t pieces[] = {1, 7, 1000, 65536, b->len};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct whist_buffer got =
            events(WHIST_HTTP_REQUEST, (const char *)b->data, b->len, pieces[i], pieces[i]);
        CHECK_MSG(strncmp((char *)got.data, start, strlen(start)) == 0, "piece %zu: %.200s",
                  pieces[i], (char *)got.data);
        whist_buffer_clear(&got);
    }
}

static void head_limits(void)
{
    struct whist_buffer b =
        repeated("GET / HTTP/1.1\r\n", "a: b\r\n", WHIST_HTTP_FIELDS_MAX, "\r\n");
    long_input(&b, "GET / 1.1 keep|done");
    whist_buffer_clear(&b);
    b = repeated("GET / HTTP/1.1\r\n", "a: b\r\n", WHIST_HTTP_FIELDS_MAX + 1, "\r\n");
    long_input(&b, "bad 431: more than 100 fields|");
    whist_buffer_clear(&b);
    /* A head of exactly 65,536 bytes, then one more. */
    size_t rest = strlen("GET / HTTP/1.1\r\na: \r\n\r\n");
    b = repeated("GET / HTTP/1.1\r\na: ", "x", WHIST_HTTP_HEAD_MAX - rest, "\r\n\r\n");
    CHECK(b.len == WHIST_HTTP_HEAD_MAX);
    long_input(&b, "GET / 1.1 keep|done");
    whist_buffer_clear(&b);
    b = repeated("GET / HTTP/1.1\r\na: ", "x", WHIST_HTTP_HEAD_MAX - rest + 1, "\r\n\r\n");
    long_input(&b, "bad 431: the head is longer");
    whist_buffer_clear(&b);
    b = repeated("GET /", "x", 100000, "");
    long_input(&b, "bad 431: the head is longer");
    whist_buffer_clear(&b);
}

static void overhead_limits(void)
{
    const char *head = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1;";
    struct whist_buffer b = repeated(head, "x", WHIST_HTTP_TRAILER_MAX, "\r\na\r\n0\r\n\r\n");
    long_input(&b, "POST / 1.1 keep body|done 1 [a]|");
    whist_buffer_clear(&b);
    b = repeated(head, "x", WHIST_HTTP_TRAILER_MAX + 1, "\r\na\r\n0\r\n\r\n");
    long_input(&b, "POST / 1.1 keep body|bad 431 body: chunk ext");
    whist_buffer_clear(&b);
    head = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
    b = repeated(head, "abcdefgh: ijklmn\r\n", WHIST_HTTP_TRAILER_MAX / 16, "\r\n");
    long_input(&b, "POST / 1.1 keep body|done 0 []|");
    whist_buffer_clear(&b);
    b = repeated(head, "abcdefgh: ijklmn\r\n", WHIST_HTTP_TRAILER_MAX / 16, "x:\r\n\r\n");
    long_input(&b, "POST / 1.1 keep body|bad 431 body: chunk ext");
    whist_buffer_clear(&b);
}

/* The memory that a declared length costs before bytes arrive. */
static void declared_lengths_cost_nothing(void)
{
    static const char head[] = "POST / HTTP/1.1\r\ncontent-length: 2097152\r\n\r\n";
    struct whist_http_parser p;
    size_t used;
    uint8_t bytes[1000] = {0};

    whist_http_parser_init(&p, WHIST_HTTP_REQUEST, 2097152);
    CHECK(whist_http_feed(&p, &used, (const uint8_t *)head, sizeof head - 1) == WHIST_HTTP_HEAD);
    CHECK(whist_http_feed(&p, &used, NULL, 0) == WHIST_HTTP_MORE && p.body.cap == 0);
    for (size_t seen = sizeof bytes; seen <= 2097000; seen += sizeof bytes) {
        CHECK(whist_http_feed(&p, &used, bytes, sizeof bytes) == WHIST_HTTP_MORE);
        CHECK_MSG(p.body.len == seen && p.body.cap <= 8 * seen + 8192, "%zu bytes in %zu", seen,
                  p.body.cap);
    }
    whist_http_parser_clear(&p);
}

/* ---- Responses ---- */

static void good_responses(void)
{
    response("HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: x\r\n\r\n", "200 1.1 keep|done 0 []|");
    response("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
             "200 1.1 close|done 0 []|");
    response("HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", "200 1.0 close|done 0 []|");
    response("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
             "200 1.0 keep|done 0 []|");
    response("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nabc",
             "404 1.1 keep body|done 3 [abc]|");
    response("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", "200 1.1 keep|done 0 []|");
    response("HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", "200 1.1 keep|done 0 []|");
    response("HTTP/1.1 299 \x80 any thing\r\ncontent-length: 0\r\n\r\n", "299 1.1 keep|done 0 []|");
    response("HTTP/1.1 500 X\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
             "500 1.1 keep body|done 2 [ab]|");
    response("HTTP/1.1 302 Found\r\nlocation: http://e/\r\ncontent-length: 0\r\n\r\n",
             "302 1.1 keep to http://e/|done 0 []|");
    response("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nlink: y\r\n\r\n"
             "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 X\r\ncontent-length: 5\r\n\r\n",
             "100 1.1 keep|done 0 []|103 1.1 keep|done 0 []|204 1.1 keep|done 0 []|"
             "304 1.1 keep|done 0 []|");
    /* Without a length the end of the connection is the end of the body. */
    response("HTTP/1.1 200 OK\r\n\r\n", "200 1.1 close body|eof done 0 []|");
    response("HTTP/1.1 200 OK\r\n\r\nabc", "200 1.1 close body|eof done 3 [abc]|");
    response("HTTP/1.1 200 OK\r\n\r\n0123456789abc", "200 1.1 close body|large|eof done 13 []|");
}

static void bad_responses(void)
{
    static const char *const texts[] = {
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1\t200 OK\r\n\r\n",
        "HTTP/1.1 200OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n\r\n",
        "HTTP/1.2 200 OK\r\n\r\n",
        "http/1.1 200 OK\r\n\r\n",
        "ICY 200 OK and more\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        "SSH-2.0-OpenSSH_9\r\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct whist_buffer got = events(WHIST_HTTP_RESPONSE, texts[i], strlen(texts[i]),
                                         strlen(texts[i]), strlen(texts[i]));
        CHECK_MSG(strncmp((char *)got.data, "bad ", 4) == 0 ||
                      strncmp((char *)got.data, "eof bad ", 8) == 0,
                  "%s: %s", texts[i], (char *)got.data);
        expect_len(WHIST_HTTP_RESPONSE, texts[i], strlen(texts[i]), (char *)got.data);
        whist_buffer_clear(&got);
    }
    response("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab",
             "200 1.1 keep body|eof bad 400 body: the connection ended within a message|");
}

/* ---- Memory ---- */

static void allocation_failures(void)
{
    static const char text[] =
        "POST /msg/%30 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc"
        "POST /msg/x HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n9\r\n012345678\r\n0\r\n\r\n";
    bool failed = true;

    for (long k = 0; failed; k++) {
        struct whist_http_parser p;
        struct whist_http_route route;
        size_t at = 0, used;
        CHECK(k < 1000);
        failed = false;
        whist_http_parser_init(&p, WHIST_HTTP_REQUEST, 100);
        whist_alloc_fail_after(k);
        while (!failed) {
            size_t n = at + 7 < sizeof text - 1 ? 7 : sizeof text - 1 - at;
            whist_http_event ev = whist_http_feed(&p, &used, (const uint8_t *)text + at, n);
            at += used;
            failed = ev == WHIST_HTTP_NOMEM;
            if (ev == WHIST_HTTP_HEAD) {
                whist_status st = whist_http_route(&route, &p, "", 2);
                CHECK(st == WHIST_OK || (st == WHIST_ERR_NOMEM && route.text.data == NULL));
                failed = st != WHIST_OK;
                whist_buffer_clear(&route.text);
            } else if (ev == WHIST_HTTP_DONE) {
                whist_http_parser_next(&p);
            } else if (ev == WHIST_HTTP_MORE && at == sizeof text - 1) {
                break;
            }
            CHECK(ev != WHIST_HTTP_BAD);
        }
        whist_alloc_fail_after(-1);
        whist_http_parser_clear(&p);
        CHECK(failed || k > 3);
    }
}

/* ---- Routes ---- */

static void route(const char *method, const char *target, const char *prefix, int status,
                  size_t from, const char *text)
{
    const struct whist_http_parser p = {.method = whist_bytes(method, strlen(method)),
                                        .target = whist_bytes(target, strlen(target))};
    struct whist_http_route r;

    CHECK(whist_http_route(&r, &p, prefix, 3) == WHIST_OK);
    CHECK_MSG(r.status == status && (status != 200 || r.from == from), "%s %s: %d, from %zu",
              method, target, r.status, r.from);
    CHECK(r.allow_post == (status == 405));
    CHECK_MSG(r.text.len == strlen(text) &&
                  (r.text.len == 0 || memcmp(r.text.data, text, r.text.len) == 0),
              "%s %s: %.*s", method, target, (int)r.text.len, (char *)r.text.data);
    whist_buffer_clear(&r.text);
}

static void routes(void)
{
    static const char *const nowhere[] = {
        "/",       "/msg",     "/msg/",           "/msg/0/",  "//msg/0",
        "/msg//0", "/msg/0/1", "/MSG/0",          "/msg/?0",  "/x/msg/0",
        "*",       "http://h", "http://h?/msg/0", "http://",  "http://h/",
        "msg/0",   "h:80",     "http://h//msg/0", "/%6dsg/0", "/p/msg/0"};
    static const char *const odd[][2] = {{"abc", "abc"},
                                         {"-1", "-1"},
                                         {"4294967296", "4294967296"},
                                         {"%61bc", "abc"},
                                         {"+", "+"},
                                         {"++1", "++1"},
                                         {"1+", "1+"},
                                         {"0x1", "0x1"},
                                         {"1.0", "1.0"},
                                         {"%", "%"},
                                         {"%3", "%3"},
                                         {"%zz", "%zz"},
                                         {"%3g", "%3g"},
                                         {"%20", " "},
                                         {"%2F", "/"},
                                         {"%c3%bc", "\xc3\xbc"},
                                         {"1%0A", "1\n"},
                                         {"%2B", "+"},
                                         {"%F4%8F%BF%BF", "\xf4\x8f\xbf\xbf"},
                                         {"%E2%82%AC", "\xe2\x82\xac"}};
    static const char *const not_utf8[] = {
        "%ff",          "%80",          "%c0%80", "%c3",  "%e0%80%80", "%ed%a0%80",
        "%f4%90%80%80", "%f5%80%80%80", "%c3x",   "1%fe", "%e2%82",    "%f0%8f%bf%bf"};
    char target[64], text[100];

    route("POST", "/msg/0", "", 200, 0, "");
    route("POST", "/msg/2", "", 200, 2, "");
    route("POST", "/msg/+1", "", 200, 1, "");
    route("POST", "/msg/01", "", 200, 1, "");
    route("POST", "/msg/%30", "", 200, 0, "");
    route("POST", "/msg/%2B1", "", 200, 1, "");
    route("POST", "/msg/0?x=y", "", 200, 0, "");
    route("POST", "/msg/0?x=/y?z", "", 200, 0, "");
    route("POST", "/msg/00000000000000000000000000000002", "", 200, 2, "");
    route("POST", "http://h/msg/1", "", 200, 1, "");
    route("POST", "HTTP://u@h:1/msg/1?q", "", 200, 1, "");
    route("POST", "/p/q/msg/1", "/p/q", 200, 1, "");
    route("POST", "/msg/1", "/p/q", 200, 1, "");
    route("POST", "/p/msg/1", "/p/q", 404, 0, "");
    route("POST", "/p/q/p/q/msg/1", "/p/q", 404, 0, "");
    route("POST", "/msg/msg/1", "/msg", 200, 1, "");
    route("GET", "/msg/0", "", 405, 0, "");
    route("GET", "/msg/abc", "", 405, 0, "");
    route("HEAD", "/msg/0", "", 405, 0, "");
    route("post", "/msg/0", "", 405, 0, "");
    route("POSTS", "/msg/0", "", 405, 0, "");
    route("POST", "/msg/3", "", 400, 0,
          "Unknown party 3: this party knows 3 parties, numbered 0 to 2");
    route("POST", "/msg/4294967295", "", 400, 0,
          "Unknown party 4294967295: this party knows 3 parties, numbered 0 to 2");
    for (size_t i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
        route("POST", nowhere[i], "", 404, 0, "");
        route("GET", nowhere[i], "", 404, 0, "");
    }
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        snprintf(target, sizeof target, "/msg/%s", odd[i][0]);
        snprintf(text, sizeof text, "Invalid URL: Cannot parse `%s` to a `u32`", odd[i][1]);
        route("POST", target, "", 400, 0, text);
    }
    for (size_t i = 0; i < sizeof not_utf8 / sizeof not_utf8[0]; i++) {
        snprintf(target, sizeof target, "/msg/%s", not_utf8[i]);
        route("POST", target, "", 400, 0, "Invalid URL: Invalid UTF-8 in `from`");
    }
}

/* ---- Writers ---- */

static void writes_requests(void)
{
    struct whist_url url;
    char out[WHIST_HTTP_REQUEST_MAX];
    char prefix[WHIST_URL_MAX];

    CHECK(whist_url_parse(&url, "http://127.0.0.1:8001/p/", NULL) == WHIST_OK);
    size_t n = whist_http_write_request(out, "POST", &url, 12, 345, false);
    CHECK(n == strlen(out));
    CHECK(strcmp(out, "POST /p/msg/12 HTTP/1.1\r\naccept: */*\r\nhost: 127.0.0.1:8001\r\n"
                      "content-length: 345\r\n\r\n") == 0);
    CHECK(whist_url_parse(&url, "http://[::1]", NULL) == WHIST_OK);
    (void)whist_http_write_request(out, "GET", &url, 0, SIZE_MAX, true);
    CHECK(strcmp(out, "GET /msg/0 HTTP/1.1\r\naccept: */*\r\nhost: [::1]\r\n"
                      "connection: close\r\n\r\n") == 0);
    /* The longest of all fits. */
    size_t len = (size_t)sprintf(prefix, "http://");
    for (size_t i = 0; i < 253; i++) {
        prefix[len++] = i % 63 == 62 ? '.' : 'a';
    }
    len += (size_t)sprintf(prefix + len, ":65535/");
    memset(prefix + len, 'x', 1023);
    prefix[len + 1023] = '\0';
    CHECK(whist_url_parse(&url, prefix, NULL) == WHIST_OK);
    n = whist_http_write_request(out, "POST", &url, 63, WHIST_MAX_MESSAGE, true);
    CHECK(n < sizeof out && n == strlen(out));
}

static void answer_is(struct whist_http_answer a, const char *want)
{
    struct whist_buffer out = {0};
    CHECK(whist_buffer_append(&out, "x", 1) == WHIST_OK);
    CHECK(whist_http_write_answer(&out, &a, 784111777) == WHIST_OK);
    CHECK_MSG(out.len == strlen(want) + 1 && memcmp(out.data + 1, want, out.len - 1) == 0, "%.*s",
              (int)out.len, (char *)out.data);
    whist_buffer_clear(&out);
    for (long k = 0; k < 2; k++) {
        whist_alloc_fail_after(k);
        whist_status st = whist_http_write_answer(&out, &a, 784111777);
        whist_alloc_fail_after(-1);
        CHECK(st == WHIST_OK || out.len == 0);
        CHECK(k != 0 || st == WHIST_ERR_NOMEM);
        whist_buffer_clear(&out);
    }
}

static void writes_answers(void)
{
    answer_is(
        (struct whist_http_answer){.status = 200, .minor = 1},
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    answer_is((struct whist_http_answer){.status = 405,
                                         .minor = 1,
                                         .allow_post = true,
                                         .connection = WHIST_HTTP_CONNECTION_CLOSE},
              "HTTP/1.1 405 Method Not Allowed\r\nconnection: close\r\nallow: POST\r\n"
              "content-length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    answer_is((struct whist_http_answer){.status = 400,
                                         .connection = WHIST_HTTP_CONNECTION_KEEP_ALIVE,
                                         .text = whist_bytes("no", 2)},
              "HTTP/1.0 400 Bad Request\r\nconnection: keep-alive\r\n"
              "content-type: text/plain; charset=utf-8\r\ncontent-length: 2\r\n"
              "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\nno");
}

static void writes_dates(void)
{
    static const struct {
        long long when;
        const char *date;
    } table[] = {
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {951825599, "Tue, 29 Feb 2000 11:59:59 GMT"},
        {951868800, "Wed, 01 Mar 2000 00:00:00 GMT"},
        {1709251199, "Thu, 29 Feb 2024 23:59:59 GMT"},
        {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    const struct whist_http_answer a = {.status = 200, .minor = 1};

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct whist_buffer out = {0};
        CHECK(whist_http_write_answer(&out, &a, (time_t)table[i].when) == WHIST_OK);
        CHECK(whist_buffer_append(&out, "", 1) == WHIST_OK);
        CHECK_MSG(strstr((char *)out.data, table[i].date) != NULL, "%s", (char *)out.data);
        whist_buffer_clear(&out);
    }
}

static const struct test_case cases[] = {
    {"good_requests", good_requests},
    {"connection_options", connection_options},
    {"pipelined_requests", pipelined_requests},
    {"bad_request_lines", bad_request_lines},
    {"bad_fields", bad_fields},
    {"request_ends", request_ends},
    {"body_limits", body_limits},
    {"chunked_bodies", chunked_bodies},
    {"bad_chunks", bad_chunks},
    {"head_limits", head_limits},
    {"overhead_limits", overhead_limits},
    {"declared_lengths_cost_nothing", declared_lengths_cost_nothing},
    {"good_responses", good_responses},
    {"bad_responses", bad_responses},
    {"allocation_failures", allocation_failures},
    {"routes", routes},
    {"writes_requests", writes_requests},
    {"writes_answers", writes_answers},
    {"writes_dates", writes_dates},
};
TEST_MAIN(cases)
