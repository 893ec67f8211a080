/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a native party sends, byte for byte, and what it makes of every kind of answer and of
 * connections that end, with a raw socket as the server. */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "native_raw.h"
#include "ports.h"

static void send_bytes(struct whist_channel *ch, size_t len, uint8_t b)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK(whist_buffer_resize(&msg, len) == WHIST_OK);
    memset(msg.data, b, len);
    CHECK_OK(whist_channel_send_owned(ch, 1, &msg, "bulk", 0, &err), err);
}

/* The next request is a POST with messages; its first payload byte. */
static uint8_t expect_data(int fd)
{
    struct raw_message *m = raw_message_read(fd);
    struct post_view v;
    const char *why;
    unsigned version;
    CHECK(whist_post_parse(&v, &why, &version, whist_bytes(m->body, m->len)) == POST_FINE);
    CHECK_MSG(v.tail.kind == POST_DATA, "kind %u", v.tail.kind);
    uint8_t first = m->body[0];
    free(m);
    return first;
}

/* What a link fails with when its hello, or what comes after contact, is answered with this. */
static void expect_failure(struct raw_party *p, whist_status status, const char *part)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    whist_status st = whist_channel_recv(p->ch, 1, &msg, "wait", 0, &err);
    CHECK_MSG(st == status && strstr(err.text, part) != NULL, "%s: %s", whist_status_name(st),
              err.text);
    CHECK(err.peer == 1 && err.phase[0] != '\0');
}

/* ---- Requests ---- */

static void golden_request(void)
{
    const char *const hosts[] = {NULL, "alice.example:8443"};
    const struct whist_http_options o = {.token = "secret-token-123456", .hosts = hosts};
    struct raw_party p;
    char want[400];
    for (int with = 0; with < 2; with++) {
        raw_party_start(&p, with == 1 ? &o : NULL, "/some/path");
        int fd = raw_accept(p.listener);
        struct raw_message *m = raw_message_read(fd);
        uint16_t port = whist_net_port(p.listener);
        snprintf(want, sizeof want,
                 "POST /some/path/s/" RAW_SESSION "/msg/0 HTTP/1.1\r\nhost: %s\r\n"
                 "content-type: application/octet-stream\r\n%scontent-length: 128\r\n\r\n",
                 with == 1 ? "alice.example:8443" : "127.0.0.1:PORT",
                 with == 1 ? "authorization: Bearer secret-token-123456\r\n" : "");
        char *at = strstr(want, "PORT");
        if (at != NULL) {
            char tail[300];
            snprintf(tail, sizeof tail, "%s", at + 4);
            snprintf(at, sizeof want - (size_t)(at - want), "%u%s", (unsigned)port, tail);
        }
        CHECK_MSG(strcmp(m->head, want) == 0, "\ngot:  %s\nwant: %s", m->head, want);
        CHECK(m->len == 128 && memcmp(m->body + 124, "WHS\x01", 4) == 0);
        free(m);
        close(fd);
        raw_party_stop(&p);
    }
}

/* Several POSTs are on a connection before the first is answered, and a second connection takes
 * what is beyond. */
static void pipelining(void)
{
    struct raw_party p;
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    bool seen[8] = {false};
    for (uint8_t i = 0; i < 8; i++) {
        send_bytes(p.ch, 100000, i);
    }
    int second = raw_accept(p.listener);
    for (unsigned i = 0; i < 4; i++) {
        seen[expect_data(from) & 7] = true;
        seen[expect_data(second) & 7] = true;
    }
    for (unsigned i = 0; i < 8; i++) {
        CHECK(seen[i]);
    }
    CHECK(raw_is_silent(from) && raw_is_silent(second));
    close(fd);
    close(from);
    close(second);
    raw_party_stop(&p);
}

/* The POSTs behind one that was answered with `connection: close`, or that were not answered when
 * the connection ended, are sent again, in order, on another one. */
static void cut(bool politely)
{
    const struct whist_http_options o = {.connections = 1};
    struct raw_party p;
    raw_party_start(&p, &o, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    for (uint8_t i = 0; i < 4; i++) {
        send_bytes(p.ch, 50000, i);
    }
    for (uint8_t i = 0; i < 4; i++) {
        CHECK(expect_data(from) == i);
    }
    if (politely) {
        raw_answer(from, &p, 50128, false, "connection: close\r\n");
        raw_expect_fin(from);
    }
    close(from);
    from = raw_accept(p.listener);
    for (uint8_t i = politely ? 1 : 0; i < 4; i++) {
        CHECK(expect_data(from) == i);
    }
    CHECK(raw_is_silent(from));
    raw_answer(from, &p, 4 * 50128, false, "");
    send_bytes(p.ch, 50000, 9);
    CHECK(expect_data(from) == 9);
    close(from);
    close(fd);
    raw_party_stop(&p);
}

static void cut_hard(void)
{
    cut(false);
}

static void cut_politely(void)
{
    cut(true);
}

static atomic_int behind;

static void count_behind(void *ctx, whist_log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    atomic_fetch_add(&behind, strstr(text, "fell far behind") != NULL ? 1 : 0);
}

/* Reads a little now and then, as a slow line would, until the connection ends. */
static void *trickle(void *arg)
{
    static char data[32768];
    int fd = *(int *)arg;
    while (recv(fd, data, sizeof data, 0) > 0) {
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    return NULL;
}

/* A connection that moves, but far slower than the other one, is given up: its POST, for which all
 * others wait, goes over that one. */
static void far_behind(void)
{
    const struct whist_http_options o = {.connections = 2,
                                         .pipeline = 1,
                                         .answer_ms = 2000,
                                         .post_bytes = WHIST_POST_LIMIT,
                                         .log = {.fn = count_behind, .level = WHIST_LOG_DEBUG}};
    struct raw_party p;
    pthread_t reader;
    raw_party_start(&p, &o, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    for (uint8_t i = 0; i < 10; i++) {
        send_bytes(p.ch, 4000000, i);
    }
    CHECK(pthread_create(&reader, NULL, trickle, &from) == 0);
    int second = raw_accept(p.listener);
    for (uint8_t i = 1; i < 10; i++) {
        CHECK(expect_data(second) == i);
        raw_answer(second, &p, 0, false, "");
    }
    CHECK(expect_data(second) == 0);
    CHECK(atomic_load(&behind) == 1);
    raw_answer(second, &p, 10 * 4000128, false, "");
    pthread_join(reader, NULL);
    close(from);
    close(second);
    close(fd);
    raw_party_stop(&p);
}

/* ---- Answers ---- */

static void answers(const char *text, whist_status status, const char *part, bool contact)
{
    const struct whist_http_options o = {.connect_timeout_ms = 1500, .timeout_ms = RAW_PATIENCE_MS};
    struct raw_party p;
    raw_party_start(&p, &o, "");
    int fd = raw_connect(p.port), from;
    if (contact) {
        from = raw_party_contact(&p, fd);
        send_bytes(p.ch, 100, 1);
        CHECK(expect_data(from) == 1);
    } else {
        from = raw_accept(p.listener);
        free(raw_message_read(from));
    }
    raw_send_text(from, text);
    close(p.listener); /* a second attempt is refused */
    p.listener = from;
    expect_failure(&p, status, part);
    close(fd);
    raw_party_stop(&p);
}

#define EMPTY "content-length: 0\r\n\r\n"

static void final_answers(void)
{
    for (int contact = 0; contact < 2; contact++) {
        bool c = contact == 1;
        answers("HTTP/1.1 301 Moved\r\nlocation: http://other/\r\n" EMPTY, WHIST_ERR_PROTOCOL,
                "redirects are not followed", c);
        answers("HTTP/1.1 307 Moved\r\nlocation: http://other/\r\n" EMPTY, WHIST_ERR_PROTOCOL,
                "redirects are not followed", c);
        answers("HTTP/1.1 401 No\r\ncontent-length: 7\r\n\r\nunknown", WHIST_ERR_PROTOCOL,
                "answered 401: unknown; is this party's certificate or token", c);
        answers("HTTP/1.1 403 No\r\n" EMPTY, WHIST_ERR_PROTOCOL, "answered 403", c);
        answers("HTTP/1.1 413 Too Large\r\n" EMPTY, WHIST_ERR_PROTOCOL, "shorter bodies", c);
        answers("HTTP/1.1 204 Fine\r\n\r\n", WHIST_ERR_PROTOCOL, "answered 204", c);
    }
    answers("HTTP/1.1 410 Gone\r\ncontent-length: 5\r\n\r\nended", WHIST_ERR_ABORTED,
            "has ended this session", true);
}

/* These may pass: they are tried again, until the connect deadline. */
static void passing_answers(void)
{
    answers("HTTP/1.1 404 Not Found\r\n" EMPTY, WHIST_ERR_UNREACHABLE, "no contact", false);
    answers("HTTP/1.1 502 Bad Gateway\r\n" EMPTY, WHIST_ERR_UNREACHABLE, "no contact", false);
    answers("HTTP/1.1 410 Gone\r\n" EMPTY, WHIST_ERR_UNREACHABLE, "no contact", false);
    answers("SSH-2.0-OpenSSH_9\r\n", WHIST_ERR_UNREACHABLE, "no contact", false);
    answers("HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 4\r\n\r\nabcd",
            WHIST_ERR_UNREACHABLE, "no contact", false);
}

/* An answer that never ends, or comes too slowly, is as good as none: the POST is sent again on
 * another connection, and memory stays as it was. */
struct babbler {
    int fd;
    const char *head, *part;
    long pause_ns;
};

static void *babble(void *arg)
{
    const struct babbler *b = arg;
    size_t len = strlen(b->part);
    (void)!send(b->fd, b->head, strlen(b->head), MSG_NOSIGNAL);
    while (send(b->fd, b->part, len, MSG_NOSIGNAL) > 0) {
        nanosleep(&(struct timespec){.tv_nsec = b->pause_ns}, NULL);
    }
    return NULL;
}

static void endless(const char *head, const char *part, long pause_ns)
{
    const struct whist_http_options o = {.answer_ms = 300};
    struct raw_party p;
    pthread_t thread;
    raw_party_start(&p, &o, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    send_bytes(p.ch, 100, 7);
    CHECK(expect_data(from) == 7);
    struct babbler b = {from, head, part, pause_ns};
    CHECK(pthread_create(&thread, NULL, babble, &b) == 0);
    int again = raw_accept(p.listener);
    CHECK(expect_data(again) == 7);
    raw_answer(again, &p, 228, false, "");
    pthread_join(thread, NULL); /* its connection was closed */
    send_bytes(p.ch, 100, 8);
    CHECK(expect_data(again) == 8);
    close(from);
    close(again);
    close(fd);
    raw_party_stop(&p);
}

static void endless_answers(void)
{
    static char field[1010] = "x: ";
    memset(field + 3, 'y', 1000);
    memcpy(field + 1003, "\r\n", 3);
    endless("HTTP/1.1 200 OK\r\n", field, 0); /* a head without end */
    endless("HTTP/1.1 200 OK\r\ncontent-length: 1152921504606846976\r\n\r\n", field, 0);
    endless("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "4\r\nabcd\r\n", 0);
    endless("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", "a", 20000000); /* slowly */
    endless("HTTP/1.1 20", "", 0); /* not at all: half a line */
}

/* Informational answers are read over, but not for ever. */
static void informational(void)
{
    struct raw_party p;
    raw_party_start(&p, NULL, "");
    int from = raw_accept(p.listener);
    struct raw_message *m = raw_message_read(from);
    p.epoch = get_le64(m->body + HELLO_LEN);
    free(m);
    for (int i = 0; i < 16; i++) {
        raw_send_text(from, "HTTP/1.1 102 Processing\r\n\r\n");
    }
    raw_answer(from, &p, 0, true, "");
    send_bytes(p.ch, 100, 5);
    CHECK(expect_data(from) == 5);
    for (int i = 0; i < 17; i++) {
        raw_send_text(from, "HTTP/1.1 102 Processing\r\n\r\n");
    }
    int again = raw_accept(p.listener);
    CHECK(expect_data(again) == 5);
    close(from);
    close(again);
    raw_party_stop(&p);
}

/* An answer without a request, and one that comes before the request is whole. */
static void out_of_turn(void)
{
    struct raw_party p;
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    raw_answer(from, &p, 0, false, "");
    raw_expect_end(from);
    close(from);
    send_bytes(p.ch, 3000000, 5);
    from = raw_accept(p.listener);
    raw_answer(from, &p, 3000000, false, ""); /* acknowledges what was not sent */
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    whist_status st = whist_channel_recv(p.ch, 1, &msg, "wait", whist_clock_ms() + 300, &err);
    CHECK_MSG(st == WHIST_ERR_TIMEOUT || st == WHIST_ERR_PROTOCOL, "%s: %s", whist_status_name(st),
              err.text);
    close(from);
    close(fd);
    raw_party_stop(&p);
}

static const struct test_case cases[] = {
    {"golden_request", golden_request},
    {"pipelining", pipelining},
    {"cut_hard", cut_hard},
    {"cut_politely", cut_politely},
    {"far_behind", far_behind},
    {"final_answers", final_answers},
    {"passing_answers", passing_answers},
    {"endless_answers", endless_answers},
    {"informational", informational},
    {"out_of_turn", out_of_turn},
};
TEST_MAIN(cases)
