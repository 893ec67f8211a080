/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What our server answers, byte for byte: the table "a legacy server" of docs/wire.md with a raw
 * socket as the client. */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports.h"
#include "raw_http.h"

#define OK_200    "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: *\r\n\r\n"
#define NOT_FOUND "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\ndate: *\r\n\r\n"
#define NOT_ALLOWED                                                                                \
    "HTTP/1.1 405 Method Not Allowed\r\nallow: POST\r\ncontent-length: 0\r\ndate: *\r\n\r\n"
#define BAD_REQUEST                                                                                \
    "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: *\r\n\r\n"
#define TEXT_400(len, text)                                                                        \
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: " len  \
    "\r\ndate: *\r\n\r\n" text
#define TOO_LARGE                                                                                  \
    "HTTP/1.1 413 Payload Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"                \
    "content-length: 56\r\ndate: *\r\n\r\n"                                                        \
    "Failed to buffer the request body: length limit exceeded"
#define BAD_BODY                                                                                   \
    TEXT_400("71", "Failed to buffer the request body: error reading a body from connection")

/* ---- A party whose server is under test ---- */

struct server {
    struct whist_channel *ch;
    uint16_t port;
};

static struct server start(size_t n, size_t me, size_t inbox_bytes, const char *prefix,
                           const struct whist_http_tuning *tuning)
{
    struct whist_http_options options = {
        .n = n, .me = me, .timeout_ms = RAW_PATIENCE_MS, .inbox_bytes = inbox_bytes};
    struct whist_error err = {0};
    struct server s;
    char urls[8][80];
    const char *pointers[8];
    int fd = listen_loopback(&s.port);

    for (size_t i = 0; i < n; i++) {
        snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u%s", (unsigned)s.port + (i != me),
                 prefix);
        pointers[i] = urls[i];
    }
    options.urls = pointers;
    CHECK_OK(whist_channel_http_new_fd(&s.ch, &options, fd, tuning, &err), err);
    CHECK(whist_channel_http_port(s.ch) == s.port);
    return s;
}

static void expect_message(struct server *s, size_t from, const char *body, size_t len)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};

    CHECK_OK(whist_channel_recv(s->ch, from, &msg, "test", 0, &err), err);
    CHECK_MSG(msg.len == len && (len == 0 || memcmp(msg.data, body, len) == 0), "%zu bytes: %.100s",
              msg.len, (const char *)msg.data);
    whist_buffer_clear(&msg);
}

static void expect_no_message(struct server *s, size_t from)
{
    struct whist_buffer msg = {0};

    CHECK(whist_channel_recv(s->ch, from, &msg, "test", 1, NULL) == WHIST_ERR_TIMEOUT);
}

/* ---- The table ---- */

enum { OPEN, FIN, END }; /* the connection afterwards; END: FIN or reset */

struct row {
    const char *request, *answer;
    int after;
    int from;         /* whose message it is; −1: none */
    const char *body; /* of the message */
};

/* The party is number 2 of 3. */
static const struct row rows[] = {
    {"POST /msg/0 HTTP/1.1\r\naccept: */*\r\nhost: 127.0.0.1:8000\r\ncontent-length: "
     "5\r\n\r\nhello",
     OK_200, OPEN, 0, "hello"},
    {"POST /msg/1 HTTP/1.1\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx",
     "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\ndate: *\r\n\r\n", FIN, 1, "x"},
    {"POST /msg/1 HTTP/1.0\r\ncontent-length: 1\r\n\r\nx",
     "HTTP/1.0 200 OK\r\ncontent-length: 0\r\ndate: *\r\n\r\n", FIN, 1, "x"},
    {"POST /msg/1 HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx",
     "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\ndate: *\r\n\r\n", OPEN, 1,
     "x"},
    {"POST /msg/3 HTTP/1.1\r\ncontent-length: 1\r\n\r\nx",
     TEXT_400("60", "Unknown party 3: this party knows 3 parties, numbered 0 to 2"), OPEN, -1, ""},
    {"POST /msg/4294967295 HTTP/1.1\r\n\r\n",
     TEXT_400("69", "Unknown party 4294967295: this party knows 3 parties, numbered 0 to 2"), OPEN,
     -1, ""},
    {"POST /msg/abc HTTP/1.1\r\ncontent-length: 3\r\n\r\nxyz",
     TEXT_400("42", "Invalid URL: Cannot parse `abc` to a `u32`"), OPEN, -1, ""},
    {"POST /msg/-1 HTTP/1.1\r\n\r\n", TEXT_400("41", "Invalid URL: Cannot parse `-1` to a `u32`"),
     OPEN, -1, ""},
    {"POST /msg/4294967296 HTTP/1.1\r\n\r\n",
     TEXT_400("49", "Invalid URL: Cannot parse `4294967296` to a `u32`"), OPEN, -1, ""},
    {"POST /msg/+1 HTTP/1.1\r\ncontent-length: 1\r\n\r\na", OK_200, OPEN, 1, "a"},
    {"POST /msg/01 HTTP/1.1\r\ncontent-length: 1\r\n\r\nb", OK_200, OPEN, 1, "b"},
    {"POST /msg/%30 HTTP/1.1\r\ncontent-length: 1\r\n\r\nc", OK_200, OPEN, 0, "c"},
    {"POST /msg/0?x=y HTTP/1.1\r\ncontent-length: 1\r\n\r\nd", OK_200, OPEN, 0, "d"},
    {"POST /msg/%ff HTTP/1.1\r\n\r\n", TEXT_400("36", "Invalid URL: Invalid UTF-8 in `from`"), OPEN,
     -1, ""},
    {"GET /msg/0 HTTP/1.1\r\naccept: */*\r\n\r\n", NOT_ALLOWED, OPEN, -1, ""},
    {"HEAD /msg/0 HTTP/1.1\r\n\r\n", NOT_ALLOWED, OPEN, -1, ""},
    {"PUT /msg/0 HTTP/1.1\r\ncontent-length: 2\r\n\r\nab", NOT_ALLOWED, OPEN, -1, ""},
    {"OPTIONS /msg/0 HTTP/1.1\r\n\r\n", NOT_ALLOWED, OPEN, -1, ""},
    {"GET / HTTP/1.1\r\n\r\n", NOT_FOUND, OPEN, -1, ""},
    {"POST /msg HTTP/1.1\r\n\r\n", NOT_FOUND, OPEN, -1, ""},
    {"POST /msg/ HTTP/1.1\r\n\r\n", NOT_FOUND, OPEN, -1, ""},
    {"POST /msg/0/ HTTP/1.1\r\n\r\n", NOT_FOUND, OPEN, -1, ""},
    {"POST //msg/0 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc", NOT_FOUND, OPEN, -1, ""},
    {"POST /msg/0 HTTP/1.1\r\ncontent-length: 10\r\n\r\nshort", BAD_BODY, FIN, -1, ""},
    {"POST /nowhere HTTP/1.1\r\ncontent-length: 10\r\n\r\nshort", NOT_FOUND, FIN, -1, ""},
    {"POST /msg/0 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
     "trailer: t\r\n\r\n",
     OK_200, OPEN, 0, "abcde"},
    {"POST /msg/0 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", BAD_BODY, FIN, -1, ""},
    {"POST /msg/0 HTTP/1.1\r\n\r\n", OK_200, OPEN, 0, ""},
    {"POST /msg/0 HTTP/1.1\r\ncontent-length: 0\r\n\r\n", OK_200, OPEN, 0, ""},
    {"POST /msg/0 HTTP/1.1\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n"
     "http2-settings: AAA\r\ncontent-length: 1\r\n\r\nu",
     OK_200, OPEN, 0, "u"},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", END, -1, ""},
    {"POST /msg/0\r\n\r\n", BAD_REQUEST, END, -1, ""},
    {"POST  /msg/0 HTTP/1.1\r\n\r\n", BAD_REQUEST, END, -1, ""},
    {"POST /msg/0 HTTP/1.1\r\ncontent-length: x\r\n\r\n", BAD_REQUEST, END, -1, ""},
    {"POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: "
     "chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
     BAD_REQUEST, END, -1, ""},
    {"POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\na", BAD_REQUEST, END,
     -1, ""},
    {"POST /msg/0 HTTP/1.1\ncontent-length: 1\n\na", BAD_REQUEST, END, -1, ""},
    {"POST /msg/0 HTTP/1.1\r\na: b\r\n c\r\ncontent-length: 1\r\n\r\na", BAD_REQUEST, END, -1, ""},
    {"\x16\x03\x01\x02", BAD_REQUEST, END, -1, ""},
    {"POST http://127.0.0.1:1/msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\nf", OK_200, OPEN, 0, "f"},
    {"POST http://[::1]/msg/0 HTTP/1.1\r\nhost: other\r\ncontent-length: 1\r\n\r\ng", OK_200, OPEN,
     0, "g"},
};

static void check_row(struct server *s, const struct row *row, void (*send)(int, const char *))
{
    int fd = raw_connect(s->port);

    send(fd, row->request);
    if (row->after == FIN) {
        raw_half_close(fd);
    }
    if (row->answer[0] != '\0') {
        raw_expect_answer(fd, row->answer);
    }
    if (row->from >= 0) {
        expect_message(s, (size_t)row->from, row->body, strlen(row->body));
    }
    if (row->after == OPEN) {
        raw_send_text(fd, "POST /msg/1 HTTP/1.1\r\ncontent-length: 2\r\n\r\nok");
        raw_expect_answer(fd, OK_200);
        expect_message(s, 1, "ok", 2);
    } else if (row->after == FIN) {
        raw_expect_fin(fd);
    } else {
        raw_expect_end(fd);
    }
    close(fd);
}

static void check_table(void (*send)(int, const char *))
{
    struct server s = start(3, 2, 0, "", NULL);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check_row(&s, &rows[i], send);
    }
    expect_no_message(&s, 0);
    expect_no_message(&s, 1);
    whist_channel_free(s.ch);
}

static void table_whole(void)
{
    check_table(raw_send_text);
}

static void table_bytewise(void)
{
    check_table(raw_send_slowly);
}

/* All rows that leave the connection open, in one go. */
static void table_pipelined(void)
{
    struct server s = start(3, 2, 0, "", NULL);
    int fd = raw_connect(s.port);

    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (rows[i].after == OPEN) {
                raw_send_text(fd, rows[i].request);
            }
        }
    }
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            if (rows[i].after == OPEN) {
                raw_expect_answer(fd, rows[i].answer);
            }
            if (rows[i].after == OPEN && rows[i].from >= 0) {
                expect_message(&s, (size_t)rows[i].from, rows[i].body, strlen(rows[i].body));
            }
        }
    }
    CHECK(raw_is_silent(fd));
    close(fd);
    whist_channel_free(s.ch);
}

/* ---- Expect ---- */

static void expect_continue(void)
{
    struct server s = start(3, 2, 0, "", NULL);
    int fd = raw_connect(s.port);

    for (int i = 0; i < 2; i++) {
        raw_send_text(fd,
                      "POST /msg/0 HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
        raw_expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
        raw_send_text(fd, "body");
        raw_expect_answer(fd, OK_200);
        expect_message(&s, 0, "body", 4);
    }
    /* No body to wait for; then a body that came unasked. */
    raw_send_text(fd, "POST /msg/0 HTTP/1.1\r\nexpect: 100-continue\r\n\r\n");
    raw_expect_answer(fd, OK_200);
    expect_message(&s, 0, "", 0);
    raw_send_text(fd,
                  "POST /msg/0 HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\nbody");
    raw_expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    raw_expect_answer(fd, OK_200);
    expect_message(&s, 0, "body", 4);
    /* The path's error comes at once, and nobody knows whether the body will. */
    raw_send_text(fd, "POST /msg/9 HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n");
    raw_expect_answer(
        fd, "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n"
            "content-type: text/plain; charset=utf-8\r\ncontent-length: 60\r\ndate: *\r\n\r\n"
            "Unknown party 9: this party knows 3 parties, numbered 0 to 2");
    raw_expect_fin(fd);
    close(fd);
    whist_channel_free(s.ch);
}

/* ---- Sizes ---- */

static char *pattern(size_t len)
{
    char *p = malloc(len + 1);
    CHECK(p != NULL);
    for (size_t i = 0; i < len; i++) {
        p[i] = (char)(i * 31 + i / 251);
    }
    return p;
}

static void send_body(int fd, const char *body, size_t len)
{
    char head[100];
    snprintf(head, sizeof head, "POST /msg/0 HTTP/1.1\r\ncontent-length: %zu\r\n\r\n", len);
    raw_send_text(fd, head);
    raw_send(fd, body, len);
}

static void longest_message(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    int fd = raw_connect(s.port);
    char *body = pattern(WHIST_MAX_MESSAGE + 1);

    for (int i = 0; i < 3; i++) {
        send_body(fd, body, WHIST_MAX_MESSAGE);
        raw_expect_answer(fd, OK_200);
        expect_message(&s, 0, body, WHIST_MAX_MESSAGE);
        send_body(fd, body, WHIST_MAX_MESSAGE + 1);
        raw_expect_answer(fd, TOO_LARGE);
    }
    expect_no_message(&s, 0);
    free(body);
    close(fd);
    whist_channel_free(s.ch);
}

static void send_chunked(int fd, const char *body, size_t len)
{
    char size[40];
    raw_send_text(fd, "POST /msg/0 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
    for (size_t at = 0; at < len;) {
        size_t n = at % 100000 + 1;
        n = n < len - at ? n : len - at;
        snprintf(size, sizeof size, "%zx\r\n", n);
        raw_send_text(fd, size);
        raw_send(fd, body + at, n);
        raw_send_text(fd, "\r\n");
        at += n;
    }
    raw_send_text(fd, "0\r\n\r\n");
}

static void longest_chunked_message(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    int fd = raw_connect(s.port);
    char *body = pattern(WHIST_MAX_MESSAGE + 1);

    send_chunked(fd, body, WHIST_MAX_MESSAGE);
    raw_expect_answer(fd, OK_200);
    expect_message(&s, 0, body, WHIST_MAX_MESSAGE);
    send_chunked(fd, body, WHIST_MAX_MESSAGE + 1);
    raw_expect_answer(fd, TOO_LARGE);
    send_chunked(fd, body, 10);
    raw_expect_answer(fd, OK_200);
    expect_message(&s, 0, body, 10);
    free(body);
    close(fd);
    whist_channel_free(s.ch);
}

/* Not before the limit was read, and without an end the connection is closed. */
static void endless_body(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    int fd = raw_connect(s.port), other = raw_connect(s.port);
    char *body = pattern(WHIST_MAX_MESSAGE + 1);

    raw_send_text(fd, "POST /msg/0 HTTP/1.1\r\ncontent-length: 18446744073709551615\r\n\r\n");
    raw_send(fd, body, WHIST_MAX_MESSAGE);
    raw_send_text(other, "GET /msg/0 HTTP/1.1\r\n\r\n");
    raw_expect_answer(other, NOT_ALLOWED);
    CHECK(raw_is_silent(fd));
    raw_send(fd, "x", 1);
    raw_expect_answer(fd, TOO_LARGE);
    raw_send(fd, body, 1048576);
    (void)send(fd, body, WHIST_MAX_MESSAGE, MSG_NOSIGNAL | MSG_DONTWAIT);
    raw_expect_end(fd);
    free(body);
    close(fd);
    close(other);
    whist_channel_free(s.ch);
}

static void long_heads(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    static char head[80000];
    int fd = raw_connect(s.port);
    size_t len = (size_t)sprintf(head, "POST /msg/0 HTTP/1.1\r\na: ");

    memset(head + len, 'x', 65536);
    raw_send(fd, head, 65536 + len);
    raw_expect_answer(fd, "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
                          "content-length: 0\r\ndate: *\r\n\r\n");
    raw_expect_end(fd);
    close(fd);
    fd = raw_connect(s.port);
    len = (size_t)sprintf(head, "POST /msg/0 HTTP/1.1\r\n");
    for (int i = 0; i < 101; i++) {
        len += (size_t)sprintf(head + len, "a%d: b\r\n", i);
    }
    raw_send(fd, head, len);
    raw_expect_answer(fd, "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n"
                          "content-length: 0\r\ndate: *\r\n\r\n");
    raw_expect_end(fd);
    close(fd);
    /* A long `from` comes back whole. */
    fd = raw_connect(s.port);
    static char answer[80000];
    len = (size_t)sprintf(head, "POST /msg/");
    memset(head + len, 'y', 60000);
    sprintf(head + len + 60000, " HTTP/1.1\r\n\r\n");
    raw_send_text(fd, head);
    len = (size_t)sprintf(answer, TEXT_400("60039", "Invalid URL: Cannot parse `"));
    memset(answer + len, 'y', 60000);
    sprintf(answer + len + 60000, "` to a `u32`");
    raw_expect_answer(fd, answer);
    close(fd);
    whist_channel_free(s.ch);
}

/* ---- Paths ---- */

static void path_prefix(void)
{
    struct server s = start(3, 2, 0, "/a%20b/c/", NULL);
    int fd = raw_connect(s.port);

    raw_send_text(fd, "POST /a%20b/c/msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1"
                      "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n2"
                      "POST /x/msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n3"
                      "GET /a%20b/c/msg/0 HTTP/1.1\r\n\r\n");
    raw_expect_answer(fd, OK_200);
    raw_expect_answer(fd, OK_200);
    raw_expect_answer(fd, NOT_FOUND);
    raw_expect_answer(fd, NOT_ALLOWED);
    expect_message(&s, 0, "1", 1);
    expect_message(&s, 0, "2", 1);
    close(fd);
    whist_channel_free(s.ch);
}

/* The own index is in range; whoever uses it is taken at his word. */
static void own_index(void)
{
    struct server s = start(2, 0, 0, "", NULL);
    int fd = raw_connect(s.port);

    raw_send_text(fd, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1");
    raw_expect_answer(fd, OK_200);
    close(fd);
    whist_channel_free(s.ch);
}

/* ---- Full queues ---- */

#define SMALL_INBOX 1000 /* bytes; a message of 600 fills it */

static void send_600(int fd, int from, char c, bool http10)
{
    char text[800];
    int n = snprintf(text, sizeof text, "POST /msg/%d HTTP/1.%d\r\ncontent-length: 600\r\n\r\n",
                     from, http10 ? 0 : 1);
    memset(text + n, c, 600);
    raw_send(fd, text, (size_t)n + 600);
}

static void expect_600(struct server *s, size_t from, char c)
{
    char body[600];
    memset(body, c, sizeof body);
    expect_message(s, from, body, sizeof body);
}

/* Whoever is asked now has seen everything that was sent before. */
static void settle(struct server *s)
{
    int fd = raw_connect(s->port);
    for (int i = 0; i < 3; i++) {
        raw_send_text(fd, "GET /msg/0 HTTP/1.1\r\n\r\n");
        raw_expect_answer(fd, NOT_ALLOWED);
    }
    close(fd);
}

static void answer_is_held(void)
{
    struct server s = start(3, 2, SMALL_INBOX, "", NULL);
    int fd = raw_connect(s.port), other = raw_connect(s.port);

    send_600(fd, 0, 'a', false);
    raw_expect_answer(fd, OK_200);
    send_600(fd, 0, 'b', false);
    raw_send_text(fd, "POST /msg/1 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1" /* blocked behind it */
                      "GET /msg/0 HTTP/1.1\r\n\r\n");
    settle(&s);
    CHECK(raw_is_silent(fd));
    expect_no_message(&s, 1);
    raw_send_text(other, "POST /msg/1 HTTP/1.1\r\ncontent-length: 1\r\n\r\n2");
    raw_expect_answer(other, OK_200); /* others are not concerned */
    expect_message(&s, 1, "2", 1);
    expect_600(&s, 0, 'a');
    raw_expect_answer(fd, OK_200);
    raw_expect_answer(fd, OK_200);
    raw_expect_answer(fd, NOT_ALLOWED);
    expect_600(&s, 0, 'b');
    expect_message(&s, 1, "1", 1);
    close(fd);
    close(other);
    whist_channel_free(s.ch);
}

/* Messages of one sender on several connections: first come, first served. */
static void held_in_order(void)
{
    struct server s = start(2, 1, SMALL_INBOX, "", NULL);
    int fd[8];

    for (int i = 0; i < 8; i++) {
        fd[i] = raw_connect(s.port);
        send_600(fd[i], 0, (char)('a' + i), i == 3);
        settle(&s);
        CHECK(raw_is_silent(fd[i]) == (i != 0));
    }
    for (int i = 0; i < 8; i++) {
        raw_expect_answer(
            fd[i], i != 3 ? OK_200 : "HTTP/1.0 200 OK\r\ncontent-length: 0\r\ndate: *\r\n\r\n");
        expect_600(&s, 0, (char)('a' + i));
        close(fd[i]);
    }
    whist_channel_free(s.ch);
}

/* A message that would fit does not overtake a held one, also when the held ones are looked at for
 * the sake of another sender. */
static void held_are_not_overtaken(void)
{
    struct server s = start(3, 2, SMALL_INBOX, "", NULL);
    int fd[3], other = raw_connect(s.port);

    for (int i = 0; i < 3; i++) {
        fd[i] = raw_connect(s.port);
        if (i < 2) {
            send_600(fd[i], 0, (char)('a' + i), false);
        } else {
            raw_send_text(fd[i], "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\nc");
        }
        settle(&s);
        CHECK(raw_is_silent(fd[i]) == (i != 0));
    }
    send_600(other, 1, 'x', false);
    raw_expect_answer(other, OK_200);
    send_600(other, 1, 'y', false);
    settle(&s);
    expect_600(&s, 1, 'x');
    raw_expect_answer(other, OK_200);
    CHECK(raw_is_silent(fd[1]) && raw_is_silent(fd[2]));
    expect_600(&s, 0, 'a');
    expect_600(&s, 0, 'b');
    expect_message(&s, 0, "c", 1);
    for (int i = 0; i < 3; i++) {
        raw_expect_answer(fd[i], OK_200);
        close(fd[i]);
    }
    close(other);
    whist_channel_free(s.ch);
}

/* A pipeline of many messages through a small inbox. */
static void held_pipeline(void)
{
    struct server s = start(2, 1, SMALL_INBOX, "", NULL);
    int fd = raw_connect(s.port);

    for (int i = 0; i < 100; i++) {
        send_600(fd, 0, (char)('0' + i % 64), false);
    }
    for (int i = 0; i < 100; i++) {
        expect_600(&s, 0, (char)('0' + i % 64));
        raw_expect_answer(fd, OK_200);
    }
    close(fd);
    whist_channel_free(s.ch);
}

/* A sender that leaves while its answer is held will send again: its message is not taken. */
static void held_and_gone(void)
{
    struct server s = start(2, 1, SMALL_INBOX, "", NULL);
    int fd = raw_connect(s.port), gone = raw_connect(s.port);

    send_600(fd, 0, 'a', false);
    raw_expect_answer(fd, OK_200);
    send_600(gone, 0, 'b', false);
    settle(&s);
    close(gone);
    settle(&s);
    expect_600(&s, 0, 'a');
    send_600(fd, 0, 'c', false);
    raw_expect_answer(fd, OK_200);
    expect_600(&s, 0, 'c');
    /* And one whose answer is held when the channel ends. */
    send_600(fd, 0, 'd', false);
    raw_expect_answer(fd, OK_200);
    send_600(fd, 0, 'e', false);
    settle(&s);
    whist_channel_free(s.ch);
    raw_expect_end(fd);
    close(fd);
}

/* A client that sends and never reads. */
static void unread_answers(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    int fd = raw_connect(s.port), other = raw_connect(s.port);
    static const char request[] = "GET /msg/0 HTTP/1.1\r\n\r\n";
    size_t whole = 0;

    for (int tries = 0; tries < 200; tries++) {
        ssize_t n = send(fd, request, sizeof request - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n == sizeof request - 1 && whole < 400000) {
            whole++;
            n = send(fd, request, sizeof request - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        if (n > 0 && n < (ssize_t)sizeof request - 1) {
            break; /* the last one is incomplete */
        }
        settle(&s);
    }
    raw_send_text(other, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1");
    raw_expect_answer(other, OK_200);
    CHECK(whole > 100);
    for (size_t i = 0; i < whole && i < 5000; i++) {
        raw_expect_answer(fd, NOT_ALLOWED);
    }
    close(fd);
    close(other);
    whist_channel_free(s.ch);
}

/* ---- After the end ---- */

static void after_an_abort(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    struct whist_error why = {.status = WHIST_ERR_CHECK, .peer = 0, .text = "secret-free"};
    int fd = raw_connect(s.port);

    raw_send_text(fd, "GET /msg/0 HTTP/1.1\r\n\r\n");
    raw_expect_answer(fd, NOT_ALLOWED);
    whist_channel_abort(s.ch, &why);
    raw_send_text(fd, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1");
    raw_expect_answer(fd, "HTTP/1.1 503 Service Unavailable\r\n"
                          "content-type: text/plain; charset=utf-8\r\ncontent-length: 47\r\n"
                          "date: *\r\n\r\nThis party has stopped: a security check failed");
    whist_channel_free(s.ch);
    raw_expect_end(fd);
    close(fd);
}

static void after_a_close(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    struct whist_error err = {0};
    struct whist_buffer msg = {0};
    int fd = raw_connect(s.port);

    raw_send_text(fd, "GET /msg/0 HTTP/1.1\r\n\r\n");
    raw_expect_answer(fd, NOT_ALLOWED);
    CHECK_OK(whist_channel_close(s.ch, 0, &err), err);
    raw_expect_fin(fd);
    close(fd);
    CHECK(whist_channel_recv(s.ch, 0, &msg, "x", 0, &err) == WHIST_ERR_CLOSED);
    CHECK(whist_channel_send(s.ch, 0, whist_bytes("x", 1), "x", 0, &err) == WHIST_ERR_CLOSED);
    CHECK(whist_channel_close(s.ch, 0, &err) == WHIST_ERR_CLOSED);
    whist_channel_free(s.ch);
}

/* ---- Hostile clients ---- */

static void silent_connections_end(void)
{
    const struct whist_http_tuning tuning = {.idle_ms = 400, .head_ms = 150};
    struct server s = start(2, 1, 0, "", &tuning);
    int used = raw_connect(s.port), silent, slow, body;

    raw_send_text(used, "GET /msg/0 HTTP/1.1\r\n\r\n");
    raw_expect_answer(used, NOT_ALLOWED);
    silent = raw_connect(s.port);
    slow = raw_connect(s.port);
    raw_send_text(slow, "POST /msg/0 HT");
    body = raw_connect(s.port);
    raw_send_text(body, "POST /msg/0 HTTP/1.1\r\ncontent-length: 5\r\n\r\nabc");
    raw_expect_end(silent);
    raw_expect_end(slow);
    raw_expect_end(body);
    raw_expect_end(used);
    close(silent);
    close(slow);
    close(body);
    close(used);
    expect_no_message(&s, 0);
    whist_channel_free(s.ch);
}

/* Many slow connections do not keep a party's out, neither an old nor a new one, nor a held one. */
static void slow_connections_give_way(void)
{
    const struct whist_http_tuning tuning = {.max_connections = 20};
    struct server s = start(3, 2, SMALL_INBOX, "", &tuning);
    enum { SLOW = 200 };
    int old = raw_connect(s.port), held = raw_connect(s.port), slow[SLOW];

    raw_send_text(old, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1");
    raw_expect_answer(old, OK_200);
    send_600(old, 1, 'a', false);
    raw_expect_answer(old, OK_200);
    send_600(held, 1, 'b', false);
    settle(&s);
    for (int i = 0; i < SLOW; i++) {
        slow[i] = raw_connect(s.port);
        if (i % 3 != 0) {
            raw_send_text(slow[i], i % 3 == 1 ? "POST /ms"
                                              : "POST /msg/0 HTTP/1.1\r\ncontent-length"
                                                ": 9\r\n\r\nab");
        }
        if (i % 20 == 0) {
            int fresh = raw_connect(s.port);
            raw_send_text(fresh, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n2");
            raw_expect_answer(fresh, OK_200);
            close(fresh);
            expect_message(&s, 0, i == 0 ? "1" : "2", 1);
        }
    }
    raw_send_text(old, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n3");
    raw_expect_answer(old, OK_200);
    expect_600(&s, 1, 'a');
    raw_expect_answer(held, OK_200);
    for (int i = 0; i < SLOW; i++) {
        close(slow[i]);
    }
    close(old);
    close(held);
    whist_channel_free(s.ch);
}

static bool has_ended(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* Unfinished messages of strangers do not take all memory, and not a party's connection. */
static void hoarders_give_way(void)
{
    enum { LIMIT = 500000, HOARDERS = 20, HOARD = 60000 };
    const struct whist_http_tuning tuning = {.max_buffered = LIMIT};
    struct server s = start(2, 1, 0, "", &tuning);
    int party = raw_connect(s.port), hoarder[HOARDERS], left = 0;
    char *body = pattern(HOARD);

    raw_send_text(party, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1");
    raw_expect_answer(party, OK_200);
    raw_send_text(party, "POST /msg/0 HTTP/1.1\r\ncontent-length: 60001\r\n\r\n2");
    for (int i = 0; i < HOARDERS; i++) {
        hoarder[i] = raw_connect(s.port);
        raw_send_text(hoarder[i], "POST /msg/0 HTTP/1.1\r\ncontent-length: 60001\r\n\r\n");
        (void)send(hoarder[i], body, HOARD, MSG_NOSIGNAL);
        settle(&s);
    }
    for (int i = 0; i < HOARDERS; i++) {
        left += !has_ended(hoarder[i]);
        close(hoarder[i]);
    }
    CHECK_MSG(left >= 1 && left * HOARD <= LIMIT, "%d left", left);
    raw_send(party, body, HOARD);
    raw_expect_answer(party, OK_200);
    expect_message(&s, 0, "1", 1);
    free(body);
    close(party);
    whist_channel_free(s.ch);
}

/* All connections deliver: the longest idle one gives way. When all are busy, new ones wait. */
static void idle_connections_give_way(void)
{
    const struct whist_http_tuning tuning = {.max_connections = 4};
    struct server s = start(2, 1, SMALL_INBOX, "", &tuning);
    int fd[4], fresh;

    for (int i = 0; i < 4; i++) {
        fd[i] = raw_connect(s.port);
        raw_send_text(fd[i], "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n1");
        raw_expect_answer(fd[i], OK_200);
        expect_message(&s, 0, "1", 1);
    }
    fresh = raw_connect(s.port);
    raw_send_text(fresh, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n2");
    raw_expect_answer(fresh, OK_200);
    expect_message(&s, 0, "2", 1);
    raw_expect_end(fd[0]);
    close(fd[0]);
    fd[0] = fresh;
    send_600(fd[0], 0, 'a', false);
    raw_expect_answer(fd[0], OK_200);
    for (int i = 0; i < 4; i++) {
        send_600(fd[i], 0, (char)('b' + i), false); /* all are held */
    }
    fresh = raw_connect(s.port);
    raw_send_text(fresh, "GET /msg/0 HTTP/1.1\r\n\r\n");
    expect_600(&s, 0, 'a');
    for (int i = 0; i < 4; i++) {
        struct whist_buffer msg = {0};
        struct whist_error err = {0};
        CHECK_OK(whist_channel_recv(s.ch, 0, &msg, "x", 0, &err), err);
        CHECK(msg.len == 600);
        whist_buffer_clear(&msg);
    }
    raw_expect_answer(fresh, NOT_ALLOWED); /* as soon as one of them was idle */
    close(fresh);
    for (int i = 0; i < 4; i++) {
        close(fd[i]);
    }
    whist_channel_free(s.ch);
}

/* Takes all file descriptors that are left; returns how many. */
static int fill_descriptors(int filler[64])
{
    struct rlimit limit = {64, 64};
    int n = 0;

    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    while (n < 64 && (filler[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        n++;
    }
    CHECK(n > 1 && n < 64);
    return n;
}

/* The process has no descriptor left for an accept; later it has. */
static void out_of_descriptors(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    int filler[64], n = fill_descriptors(filler), fd;

    close(filler[--n]); /* for our end */
    fd = raw_connect(s.port);
    raw_send_text(fd, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n2");
    for (int64_t until = whist_now_ms() + 20; whist_now_ms() < until;) {
        CHECK(raw_is_silent(fd));
    }
    close(filler[--n]);
    raw_expect_answer(fd, OK_200);
    while (n > 0) {
        close(filler[--n]);
    }
    expect_message(&s, 0, "2", 1);
    close(fd);
    whist_channel_free(s.ch);
}

/* As before, but a stranger's connection can give way. */
static void stranger_gives_a_descriptor(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    int stranger = raw_connect(s.port), filler[64], n, fd;

    raw_send_text(stranger, "GET /msg/0 HTTP/1.1\r\n\r\n");
    raw_expect_answer(stranger, NOT_ALLOWED);
    n = fill_descriptors(filler);
    close(filler[--n]); /* for our end */
    fd = raw_connect(s.port);
    raw_send_text(fd, "POST /msg/0 HTTP/1.1\r\ncontent-length: 1\r\n\r\n2");
    raw_expect_answer(fd, OK_200);
    raw_expect_end(stranger);
    while (n > 0) {
        close(filler[--n]);
    }
    expect_message(&s, 0, "2", 1);
    close(stranger);
    close(fd);
    whist_channel_free(s.ch);
}

/* Allocations fail one after the other while the server works: it answers, or ends the connection,
 * and delivers what it acknowledges and nothing else. */
static void allocation_failures(void)
{
    struct server s = start(2, 1, 0, "", NULL);
    bool acknowledged = false;

    for (long k = 0; k < 12; k++) {
        static const char request[] = "POST /msg/0 HTTP/1.1\r\ncontent-length: 4000\r\n\r\n";
        char head[200] = "", body[4000];
        struct whist_buffer msg = {0};
        int fd = raw_connect(s.port);
        memset(body, (int)('a' + k), sizeof body);
        settle(&s);
        whist_alloc_fail_after(k);
        (void)send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
        (void)send(fd, body, sizeof body, MSG_NOSIGNAL);
        ssize_t n = recv(fd, head, sizeof head - 1, 0);
        whist_alloc_fail_after(-1);
        acknowledged = n > 0 && strncmp(head, "HTTP/1.1 200 ", 13) == 0;
        CHECK_MSG(n <= 0 || acknowledged || strncmp(head, "HTTP/1.1 503 ", 13) == 0, "%s", head);
        whist_status st = whist_channel_recv(s.ch, 0, &msg, "x", acknowledged ? 0 : 1, NULL);
        CHECK(st == (acknowledged ? WHIST_OK : WHIST_ERR_TIMEOUT));
        CHECK(st != WHIST_OK || (msg.len == sizeof body && memcmp(msg.data, body, msg.len) == 0));
        whist_buffer_clear(&msg);
        close(fd);
    }
    CHECK(acknowledged);
    whist_channel_free(s.ch);
}

static const struct test_case cases[] = {
    {"table_whole", table_whole},
    {"table_bytewise", table_bytewise},
    {"table_pipelined", table_pipelined},
    {"expect_continue", expect_continue},
    {"longest_message", longest_message},
    {"longest_chunked_message", longest_chunked_message},
    {"endless_body", endless_body},
    {"long_heads", long_heads},
    {"path_prefix", path_prefix},
    {"own_index", own_index},
    {"answer_is_held", answer_is_held},
    {"held_in_order", held_in_order},
    {"held_are_not_overtaken", held_are_not_overtaken},
    {"held_pipeline", held_pipeline},
    {"held_and_gone", held_and_gone},
    {"unread_answers", unread_answers},
    {"after_an_abort", after_an_abort},
    {"after_a_close", after_a_close},
    {"silent_connections_end", silent_connections_end},
    {"slow_connections_give_way", slow_connections_give_way},
    {"hoarders_give_way", hoarders_give_way},
    {"idle_connections_give_way", idle_connections_give_way},
    {"out_of_descriptors", out_of_descriptors},
    {"stranger_gives_a_descriptor", stranger_gives_a_descriptor},
    {"allocation_failures", allocation_failures},
};
TEST_MAIN(cases)
