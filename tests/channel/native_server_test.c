/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the server of a native party answers, byte for byte (docs/wire.md, Native mode over HTTP),
 * with a raw socket as the client. */
#include <poll.h>
#include <unistd.h>

#include "native_raw.h"
#include "ports.h"

/* ---- Answers of the machine ---- */

static void golden_answer(void)
{
    struct raw_party p;
    uint8_t body[256];
    char head[400];
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    raw_post(fd, RAW_PATH, "", body, raw_hello(&p, body));
    struct raw_message *m = raw_message_read(fd);
    CHECK(m->len == 40 + 56);
    const char *date = strstr(m->head, "\r\ndate: ");
    CHECK(date != NULL);
    snprintf(head, sizeof head,
             "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: 96\r\n"
             "date: %.29s\r\n\r\n",
             date + 8);
    CHECK_MSG(strcmp(m->head, head) == 0, "%s", m->head);
    CHECK(memcmp(m->body, "WHS\x01\x01\x02\x00\x00", 8) == 0);
    CHECK(get_le64(m->body + 16) == RAW_EPOCH);
    free(m);
    close(fd);
    raw_party_stop(&p);
}

static void expect_message(struct whist_channel *ch, const char *text, const char *phase)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_channel_recv(ch, 1, &msg, phase, 0, &err), err);
    CHECK(msg.len == strlen(text) && (msg.len == 0 || memcmp(msg.data, text, msg.len) == 0));
    whist_buffer_clear(&msg);
}

/* Twenty POSTs in one write: all are delivered, and answered in order. */
static void pipelined(void)
{
    struct raw_party p;
    struct answer_view view;
    uint8_t all[20 * 512];
    size_t len = 0;
    uint64_t before = 0;
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    for (unsigned i = 0; i < 20; i++) {
        uint8_t body[256];
        char text[20];
        snprintf(text, sizeof text, "message %u", i);
        size_t n = raw_data(&p, body, text, strlen(text), "x");
        len += (size_t)snprintf((char *)all + len, 200,
                                "POST " RAW_PATH " HTTP/1.1\r\ncontent-length: %zu\r\n\r\n", n);
        memcpy(all + len, body, n);
        len += n;
    }
    raw_send(fd, all, len);
    for (unsigned i = 0; i < 20; i++) {
        struct raw_message *m = raw_expect_machine(fd, 200, &view);
        CHECK(view.kind == ANSWER_OK && view.ack > before);
        before = view.ack;
        free(m);
    }
    CHECK(before == p.position);
    for (unsigned i = 0; i < 20; i++) {
        char text[20];
        snprintf(text, sizeof text, "message %u", i);
        expect_message(p.ch, text, "x");
    }
    close(fd);
    close(from);
    raw_party_stop(&p);
}

/* A POST that arrives byte by byte is one, and a repeat of it is not delivered again. */
static void slow_and_repeated(void)
{
    struct raw_party p;
    uint8_t body[256];
    char head[200];
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    size_t len = raw_data(&p, body, "once", 4, "x");
    snprintf(head, sizeof head, "POST " RAW_PATH " HTTP/1.1\r\ncontent-length: %zu\r\n\r\n", len);
    raw_send_text(fd, head);
    for (size_t i = 0; i < len; i++) {
        raw_send(fd, body + i, 1);
    }
    CHECK(raw_status(fd) == 200);
    raw_post(fd, RAW_PATH, "", body, len);
    CHECK(raw_status(fd) == 200);
    raw_post(fd, RAW_PATH, "", body, raw_data(&p, body, "twice", 5, "x"));
    CHECK(raw_status(fd) == 200);
    expect_message(p.ch, "once", "x");
    expect_message(p.ch, "twice", "x");
    close(fd);
    close(from);
    raw_party_stop(&p);
}

/* ---- A line that becomes slow ---- */

struct slowing {
    int fd;
    const uint8_t *body;
    size_t len;
};

/* A head and most of a body at once, then byte by byte for longer than a silent peer may live. */
static void *slow_down(void *arg)
{
    const struct slowing *s = arg;
    char head[100];
    size_t at = s->len - s->len / 4;
    snprintf(head, sizeof head, "POST " RAW_PATH " HTTP/1.1\r\ncontent-length: %zu\r\n\r\n",
             s->len);
    raw_send_text(s->fd, head);
    raw_send(s->fd, s->body, at);
    for (int i = 0; i < 60; i++, at++) {
        raw_send(s->fd, s->body + at, 1);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    raw_send(s->fd, s->body + at, s->len - at);
    return NULL;
}

/* While a body comes fast the socket reports large parts only; when it comes slowly, each byte is a
 * sign of life all the same. */
static void fast_then_slow(void)
{
    enum { LEN = 1000000 };
    const struct whist_http_options o = {.heartbeat_ms = 700, .dead_ms = 2000, .timeout_ms = 60000};
    struct raw_party p;
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    pthread_t thread;
    uint8_t *payload = malloc(LEN), *body = malloc(LEN + 200);
    CHECK(payload != NULL && body != NULL);
    memset(payload, 'a', LEN);
    raw_party_start(&p, &o, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    struct slowing s = {fd, body, raw_data(&p, body, payload, LEN, "x")};
    CHECK(pthread_create(&thread, NULL, slow_down, &s) == 0);
    CHECK_OK(whist_channel_recv(p.ch, 1, &msg, "x", 0, &err), err);
    CHECK(msg.len == LEN && memcmp(msg.data, payload, LEN) == 0);
    pthread_join(thread, NULL);
    CHECK(raw_status(fd) == 200);
    whist_buffer_clear(&msg);
    free(payload);
    free(body);
    close(fd);
    close(from);
    raw_party_stop(&p);
}

/* A connection that is cut within a POST delivers nothing of it; the same POST on another one does.
 */
static void cut_and_sent_again(void)
{
    struct raw_party p;
    uint8_t body[3000], payload[2000];
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    memset(payload, 'a', sizeof payload);
    size_t len = raw_data(&p, body, payload, sizeof payload, "x");
    raw_send_text(fd, "POST " RAW_PATH " HTTP/1.1\r\ncontent-length: 2096\r\n\r\n");
    CHECK(len >= 2000);
    raw_send(fd, body, 1000);
    close(fd);
    fd = raw_connect(p.port);
    raw_post(fd, RAW_PATH, "", body, len);
    CHECK(raw_status(fd) == 200);
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_channel_recv(p.ch, 1, &msg, "x", 0, &err), err);
    CHECK(msg.len == sizeof payload && memcmp(msg.data, payload, msg.len) == 0);
    whist_buffer_clear(&msg);
    close(fd);
    close(from);
    raw_party_stop(&p);
}

/* ---- Refusals ---- */

static void refused_paths(void)
{
    static const struct {
        const char *request;
        int status;
        const char *text;
    } cases[] = {
        {"POST /s/00112233445566778899aabbccddeef0/msg/1", 404, "does not know this session"},
        {"POST /s/00112233445566778899AABBCCDDEEFF/msg/1", 404, "native mode"},
        {"POST /s/0011/msg/1", 404, "native mode"},
        {"POST /msg/1", 404, "native mode"},
        {"POST " RAW_PATH "/", 404, "nothing at this path"},
        {"POST /s/" RAW_SESSION "/msg/0", 400, "none of the other parties"},
        {"POST /s/" RAW_SESSION "/msg/2", 400, "none of the other parties"},
        {"POST /s/" RAW_SESSION "/msg/01", 400, "none of the other parties"},
        {"POST /s/" RAW_SESSION "/msg/x", 400, "none of the other parties"},
        {"POST /q" RAW_PATH, 404, "nothing at this path"},
        {"POST /p" RAW_PATH "?x", 400, ""},
        {"POST " RAW_PATH, 400, ""},
        {"GET " RAW_PATH, 405, ""},
        {"GET /msg/0", 405, ""},
        {"PUT " RAW_PATH, 405, ""},
        {"GET /", 404, "nothing at this path"},
        {"GET /health", 200, "up"},
        {"GET /p/health", 200, "up"},
        {"GET /ready", 503, "waiting"},
        {"GET /metrics", 200, ""},
        {"POST /health", 404, ""},
    };
    struct raw_party p;
    raw_party_start(&p, NULL, "/p");
    int fd = raw_connect(p.port);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char head[300];
        snprintf(head, sizeof head, "%s HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
                 cases[i].request);
        raw_send_text(fd, head);
        struct raw_message *m = raw_message_read(fd);
        m->body[m->len] = '\0';
        CHECK_MSG(atoi(m->head + 9) == cases[i].status &&
                      strstr((char *)m->body, cases[i].text) != NULL,
                  "%s: %s%s", cases[i].request, m->head, (char *)m->body);
        CHECK((cases[i].status == 405) == (strstr(m->head, "\r\nallow: POST\r\n") != NULL));
        free(m);
    }
    close(fd);
    raw_party_stop(&p);
}

/* Refused by its head, before any byte of the body; the connection ends. */
static void too_large(void)
{
    struct raw_party p;
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    raw_send_text(fd, "POST " RAW_PATH " HTTP/1.1\r\ncontent-length: 4194305\r\n\r\n");
    raw_expect_text(fd, 413, "4194304");
    raw_expect_end(fd);
    close(fd);
    fd = raw_connect(p.port); /* 2^60 costs nothing either */
    raw_send_text(fd, "POST " RAW_PATH " HTTP/1.1\r\ncontent-length: 1152921504606846976\r\n\r\n");
    raw_expect_text(fd, 413, "4194304");
    close(fd);
    fd = raw_connect(p.port); /* chunked: when it has come */
    raw_send_text(fd, "POST " RAW_PATH " HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n400001\r\n");
    char *body = calloc(1, 4194305);
    CHECK(body != NULL);
    raw_send(fd, body, 4194305);
    free(body);
    CHECK(raw_status(fd) == 413);
    close(fd);
    raw_party_stop(&p);
}

static void tokens(void)
{
    static const char *const wrong[] = {
        "",
        "authorization: Bearer secret-token-12345\r\n",
        "authorization: Bearer secret-token-1234567\r\n",
        "authorization: Bearer secret-token-12345x\r\n",
        "authorization: Basic secret-token-123456\r\n",
        "authorization: Bearer secret-token-123456\r\nauthorization: Bearer x\r\n",
    };
    const struct whist_http_options o = {.token = "secret-token-123456"};
    struct raw_party p;
    uint8_t body[256];
    raw_party_start(&p, &o, "");
    size_t len = raw_hello(&p, body);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int fd = raw_connect(p.port);
        raw_post(fd, RAW_PATH, wrong[i], body, len);
        raw_expect_text(fd, 401, "token");
        raw_expect_end(fd);
        close(fd);
    }
    struct whist_http_peer_stats s;
    CHECK(whist_channel_http_stats(p.ch, &s, 1) == 1 && s.posts_received == 0);
    int fd = raw_connect(p.port);
    raw_post(fd, RAW_PATH, "Authorization: bearer secret-token-123456\r\n", body, len);
    CHECK(raw_status(fd) == 200);
    close(fd);
    raw_party_stop(&p);
}

/* What is malformed as HTTP ends the connection, and nothing else. */
static void smuggling(void)
{
    static const char *const bad[] = {
        "content-length: 3\r\ncontent-length: 3\r\n",
        "content-length: 3\r\ntransfer-encoding: chunked\r\n",
        "content-length : 3\r\n",
        "x: y\r\n folded\r\ncontent-length: 3\r\n",
        "content-length: 3\n",
        "content-length: +3\r\n",
    };
    struct raw_party p;
    raw_party_start(&p, NULL, "");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[300];
        int fd = raw_connect(p.port);
        snprintf(text, sizeof text, "POST " RAW_PATH " HTTP/1.1\r\n%s\r\nabc", bad[i]);
        raw_send_text(fd, text);
        CHECK(raw_status(fd) == 400);
        raw_expect_end(fd);
        close(fd);
    }
    int fd = raw_connect(p.port);
    raw_send_text(fd, "GET /health HTTP/1.1\r\n\r\n");
    CHECK(raw_status(fd) == 200);
    close(fd);
    raw_party_stop(&p);
}

/* ---- Sessions ---- */

/* A hello of another session: this party says which one it is in, as long as it waits there. */
static void stray_hello(void)
{
    static const char path[] = "/s/ab112233445566778899aabbccddeeff/msg/1";
    struct raw_party p;
    struct answer_view view;
    struct hello mine;
    uint8_t body[256], data[256];
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    size_t len = raw_hello(&p, body);
    body[8] = 0xab;
    for (int i = 0; i < 2; i++) {
        raw_post(fd, path, "", body, len);
        struct raw_message *m = raw_expect_machine(fd, 404, &view);
        CHECK(view.kind == ANSWER_UNKNOWN && view.to_epoch == RAW_EPOCH);
        CHECK(whist_hello_get(&mine, view.hello) && mine.session[0] == 0 && mine.n == 2);
        free(m);
    }
    body[8] = 0xac; /* not the session of its path */
    raw_post(fd, path, "", body, len);
    raw_expect_text(fd, 404, "does not know this session");
    body[8] = 0xab;
    raw_post(fd, path, "", data, raw_data(&p, data, "x", 1, "x")); /* no hello */
    raw_expect_text(fd, 404, "does not know this session");
    raw_post(fd, "/s/ab112233445566778899aabbccddeeff/msg/0", "", body, len); /* its own index */
    raw_expect_text(fd, 404, "does not know this session");
    p.position = p.messages = 0;
    int from = raw_party_contact(&p, fd);
    raw_post(fd, path, "", body, len); /* it does not wait any more */
    raw_expect_text(fd, 404, "does not know this session");
    close(fd);
    close(from);
    raw_party_stop(&p);
}

/* What may be the secret of a session is not told to whoever has not its token. */
static void stray_without_token(void)
{
    const struct whist_http_options o = {.token = "secret-token-123456"};
    struct raw_party p;
    struct answer_view view;
    uint8_t body[256];
    raw_party_start(&p, &o, "");
    size_t len = raw_hello(&p, body);
    body[8] = 0xab;
    int fd = raw_connect(p.port);
    raw_post(fd, "/s/ab112233445566778899aabbccddeeff/msg/1", "", body, len);
    raw_expect_text(fd, 404, "does not know this session");
    raw_post(fd, "/s/ab112233445566778899aabbccddeeff/msg/1",
             "authorization: Bearer secret-token-123456\r\n", body, len);
    free(raw_expect_machine(fd, 404, &view));
    close(fd);
    raw_party_stop(&p);
}

/* A session that has ended is remembered while its endpoint lives. */
static void ended_session(void)
{
    const struct whist_endpoint_options e = {.listen = "127.0.0.1:0"};
    struct whist_endpoint *ep;
    struct whist_error err = {0};
    uint8_t body[256];
    struct raw_party p = {0};
    CHECK_OK(whist_endpoint_new(&ep, &e, &err), err);
    p.port = whist_endpoint_port(ep);
    const char *const urls[] = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
    struct whist_http_options o = {.n = 2, .me = 0, .urls = urls, .endpoint = ep};
    for (unsigned i = 0; i < 16; i++) {
        o.session[i] = (uint8_t)(0x11 * i);
    }
    struct whist_channel *second = NULL;
    CHECK_OK(whist_channel_http_new(&p.ch, &o, &err), err);
    CHECK(whist_channel_http_new(&second, &o, &err) == WHIST_ERR_ARGUMENT && second == NULL);
    int fd = raw_connect(p.port);
    size_t len = raw_hello(&p, body);
    raw_post(fd, RAW_PATH, "", body, len);
    CHECK(raw_status(fd) == 200);
    whist_channel_free(p.ch);
    raw_post(fd, RAW_PATH, "", body, len);
    raw_expect_text(fd, 410, "ended");
    o.session[0] = 1; /* another one can be opened */
    CHECK_OK(whist_channel_http_new(&p.ch, &o, &err), err);
    raw_post(fd, "/s/01112233445566778899aabbccddeeff/msg/1", "", body, len);
    CHECK(raw_status(fd) == 404); /* the hello is of the first one */
    close(fd);
    whist_channel_free(p.ch);
    whist_endpoint_free(ep);
}

static const struct test_case cases[] = {
    {"golden_answer", golden_answer},
    {"pipelined", pipelined},
    {"slow_and_repeated", slow_and_repeated},
    {"fast_then_slow", fast_then_slow},
    {"cut_and_sent_again", cut_and_sent_again},
    {"refused_paths", refused_paths},
    {"too_large", too_large},
    {"tokens", tokens},
    {"smuggling", smuggling},
    {"stray_hello", stray_hello},
    {"stray_without_token", stray_without_token},
    {"ended_session", ended_session},
};
TEST_MAIN(cases)
