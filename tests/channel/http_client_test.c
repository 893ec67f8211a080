/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What our client sends, byte for byte, and what it makes of every kind of answer: the table "a
 * legacy sender" of docs/wire.md with a raw socket as the server. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ports.h"
#include "raw_http.h"

#define OK_200 "HTTP/1.1 200 OK\r\ncontent-length: 0\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"

/* ---- Party 1 of 3 sends to a raw socket that plays party 0 ---- */

struct client {
    struct whist_channel *ch;
    int listener; /* of party 0 */
    uint16_t port;
    atomic_int warnings;
    char prefix[40];
};

static void count_warnings(void *ctx, whist_log_level level, const char *text)
{
    struct client *c = ctx;
    CHECK(strchr(text, '\n') == NULL);
    if (level == WHIST_LOG_WARN) {
        atomic_fetch_add(&c->warnings, 1);
    }
}

struct setup {
    const char *host, *prefix; /* of party 0; NULL: 127.0.0.1, "" */
    int64_t connect_timeout_ms;
    size_t outbox_bytes;
    bool deaf;     /* the port is taken, but nobody listens yet */
    bool anywhere; /* party 0 listens on all IPv4 addresses */
    struct whist_http_tuning tuning;
};

static int bind_to(in_addr_t address, uint16_t *port_out)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    *port_out = whist_net_port(fd);
    return fd;
}

static void start(struct client *c, const struct setup *setup)
{
    struct whist_http_tuning tuning = setup->tuning;
    struct whist_error err = {0};
    char url[3][80];
    uint16_t own_port;
    int own = listen_loopback(&own_port);

    *c = (struct client){0};
    c->listener = bind_to(setup->anywhere ? INADDR_ANY : INADDR_LOOPBACK, &c->port);
    CHECK(setup->deaf || listen(c->listener, 10) == 0);
    snprintf(c->prefix, sizeof c->prefix, "%s", setup->prefix != NULL ? setup->prefix : "");
    snprintf(url[0], sizeof url[0], "http://%s:%u%s",
             setup->host != NULL ? setup->host : "127.0.0.1", (unsigned)c->port, c->prefix);
    snprintf(url[1], sizeof url[1], "http://127.0.0.1:%u", (unsigned)own_port);
    snprintf(url[2], sizeof url[2], "http://127.0.0.1:%u/self", (unsigned)own_port);
    const char *const urls[] = {url[0], url[1], url[2]};
    const struct whist_http_options options = {
        .n = 3,
        .me = 1,
        .urls = urls,
        .timeout_ms = RAW_PATIENCE_MS,
        .connect_timeout_ms =
            setup->connect_timeout_ms != 0 ? setup->connect_timeout_ms : RAW_PATIENCE_MS,
        .outbox_bytes = setup->outbox_bytes,
        .insecure = true,
        .log = {.fn = count_warnings, .ctx = c, .level = WHIST_LOG_TRACE}};
    tuning.retry_ms = 5;
    CHECK_OK(whist_channel_http_new_fd(&c->ch, &options, own, &tuning, &err), err);
}

static void stop(struct client *c)
{
    whist_channel_free(c->ch);
    close(c->listener);
}

static void send_to_0(struct client *c, const void *body, size_t len)
{
    struct whist_error err = {0};
    CHECK_OK(whist_channel_send(c->ch, 0, whist_bytes(body, len), "phase.x", 0, &err), err);
}

static void send_text(struct client *c, const char *text)
{
    send_to_0(c, text, strlen(text));
}

static void expect_request(struct client *c, int fd, const void *body, size_t len)
{
    char head[300], *got = malloc(len + 1);

    CHECK(got != NULL);
    snprintf(head, sizeof head,
             "POST %s/msg/1 HTTP/1.1\r\naccept: */*\r\nhost: 127.0.0.1:%u\r\n"
             "content-length: %zu\r\n\r\n",
             c->prefix, (unsigned)c->port, len);
    raw_expect(fd, head);
    raw_read(fd, got, len);
    CHECK(memcmp(got, body, len) == 0);
    free(got);
}

static void expect_text(struct client *c, int fd, const char *text)
{
    expect_request(c, fd, text, strlen(text));
}

/* All that was sent has been acknowledged. */
static void flush(struct client *c)
{
    struct whist_error err = {0};
    CHECK_OK(whist_channel_close(c->ch, 0, &err), err);
}

/* Party 0 has failed: with this status, and a text that contains these words. */
static void expect_failure(struct client *c, whist_status status, const char *words)
{
    struct whist_error err = {0};
    struct whist_buffer msg = {0};
    whist_status st = whist_channel_recv(c->ch, 0, &msg, "phase.y", 0, &err);
    char url[60];

    CHECK_MSG(st == status && err.status == status, "%s: %s", whist_status_name(st), err.text);
    CHECK_MSG(strstr(err.text, words) != NULL, "want \"%s\", got: %s", words, err.text);
    snprintf(url, sizeof url, "%u%s", (unsigned)c->port, c->prefix);
    CHECK_MSG(err.peer == 0 && strstr(err.text, "party 0") != NULL && strstr(err.text, url) != NULL,
              "peer %d: %s", err.peer, err.text);
    CHECK_MSG(strcmp(err.phase, "phase.x") == 0, "phase %s", err.phase);
    for (const char *p = err.text; *p != '\0'; p++) {
        CHECK(*p >= 0x20 && *p <= 0x7e);
    }
    /* The same from send and close; the other peer is not concerned. */
    CHECK(whist_channel_send(c->ch, 0, whist_bytes("x", 1), "phase.z", 0, &err) == status);
    CHECK(whist_channel_send(c->ch, 2, whist_bytes("x", 1), "phase.z", 0, NULL) == WHIST_OK);
    CHECK(whist_channel_close(c->ch, whist_clock_ms() + 20, &err) == status);
}

static void answer(int fd, const char *text)
{
    raw_send_text(fd, text);
}

/* ---- Requests ---- */

static void request_bytes(void)
{
    struct client c;
    start(&c, &(struct setup){0});
    send_text(&c, "hello");
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "hello");
    /* One message in flight: the next one waits for the answer, and uses the same connection. */
    send_text(&c, "");
    send_text(&c, "third\0");
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    CHECK(poll(&pfd, 1, 20) == 0);
    answer(fd, OK_200);
    expect_text(&c, fd, "");
    CHECK(poll(&pfd, 1, 20) == 0);
    answer(fd, OK_200);
    expect_text(&c, fd, "third");
    answer(fd, OK_200);
    flush(&c);
    raw_expect_end(fd);
    CHECK(raw_nobody_connects(c.listener));
    close(fd);
    stop(&c);
}

static void request_with_prefix(void)
{
    struct client c;
    start(&c, &(struct setup){.prefix = "/a/b"});
    send_text(&c, "hello");
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "hello");
    answer(fd, OK_200);
    flush(&c);
    close(fd);
    stop(&c);
}

static void request_to_localhost(void)
{
    struct client c;
    char head[200];
    start(&c, &(struct setup){.host = "LocalHost"});
    send_text(&c, "x");
    int fd = raw_accept(c.listener);
    snprintf(
        head, sizeof head,
        "POST /msg/1 HTTP/1.1\r\naccept: */*\r\nhost: localhost:%u\r\ncontent-length: 1\r\n\r\nx",
        (unsigned)c.port);
    raw_expect(fd, head);
    answer(fd, OK_200);
    flush(&c);
    close(fd);
    stop(&c);
}

static uint8_t *pattern(size_t len)
{
    uint8_t *p = malloc(len + 1);
    CHECK(p != NULL);
    for (size_t i = 0; i < len; i++) {
        p[i] = (uint8_t)(i * 37 + i / 253);
    }
    return p;
}

/* A peer that reads slowly, through a small window: partial writes. */
static void slow_reader(void)
{
    struct client c;
    uint8_t *body = pattern(WHIST_MAX_MESSAGE), *got = malloc(WHIST_MAX_MESSAGE);
    int small = 4096;

    start(&c, &(struct setup){.tuning = {.send_buffer = 5000}});
    CHECK(got != NULL);
    CHECK(setsockopt(c.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    send_to_0(&c, body, WHIST_MAX_MESSAGE);
    send_text(&c, "next");
    int fd = raw_accept(c.listener);
    char head[200];
    snprintf(head, sizeof head,
             "POST /msg/1 HTTP/1.1\r\naccept: */*\r\nhost: 127.0.0.1:%u\r\n"
             "content-length: 2097152\r\n\r\n",
             (unsigned)c.port);
    raw_expect(fd, head);
    for (size_t at = 0, piece = 1; at < WHIST_MAX_MESSAGE; piece = piece * 3 % 20011) {
        size_t n = piece < WHIST_MAX_MESSAGE - at ? piece : WHIST_MAX_MESSAGE - at;
        raw_read(fd, got + at, n);
        at += n;
    }
    CHECK(memcmp(got, body, WHIST_MAX_MESSAGE) == 0);
    answer(fd, OK_200);
    expect_text(&c, fd, "next");
    answer(fd, OK_200);
    flush(&c);
    free(got);
    free(body);
    close(fd);
    stop(&c);
}

static void too_long(void)
{
    struct client c;
    struct whist_error err = {0};
    uint8_t *body = pattern(WHIST_MAX_MESSAGE + 1);

    start(&c, &(struct setup){0});
    CHECK(whist_channel_send(c.ch, 0, whist_bytes(body, WHIST_MAX_MESSAGE + 1), "x", 0, &err) ==
          WHIST_ERR_LIMIT);
    CHECK(strstr(err.text, "2097152") != NULL);
    free(body);
    stop(&c);
}

/* ---- Answers that are success ---- */

static const char *const good_answers[] = {
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: nginx\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n" OK_200,
    "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 102 Y\r\n\r\n" OK_200,
};

static const char *const last_answers[] = {
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\nok",
};

static void good_answers_keep(void (*send_answer)(int, const char *))
{
    struct client c;
    start(&c, &(struct setup){0});
    int fd = -1;
    for (size_t i = 0; i < sizeof good_answers / sizeof good_answers[0]; i++) {
        send_text(&c, "message");
        fd = fd >= 0 ? fd : raw_accept(c.listener);
        expect_text(&c, fd, "message");
        send_answer(fd, good_answers[i]);
    }
    for (size_t i = 0; i < sizeof last_answers / sizeof last_answers[0]; i++) {
        send_text(&c, "last");
        fd = fd >= 0 ? fd : raw_accept(c.listener);
        expect_text(&c, fd, "last");
        send_answer(fd, last_answers[i]);
        raw_expect_end(fd); /* our side closes, and opens another for the next message */
        close(fd);
        fd = -1;
    }
    CHECK(atomic_load(&c.warnings) == 0);
    flush(&c);
    stop(&c);
}

static void success(void)
{
    good_answers_keep(raw_send_text);
}

static void success_bytewise(void)
{
    good_answers_keep(raw_send_slowly);
}

/* ---- Not yet ---- */

static void not_found_is_not_yet(void)
{
    struct client c;
    start(&c, &(struct setup){0});
    send_text(&c, "patience");
    for (int i = 0; i < 5; i++) {
        int fd = raw_accept(c.listener);
        expect_text(&c, fd, "patience");
        answer(fd, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\ndate: x\r\n\r\n");
        raw_expect_end(fd);
        close(fd);
    }
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "patience");
    answer(fd, OK_200);
    flush(&c);
    close(fd);
    stop(&c);
}

static void not_found_for_ever(void)
{
    struct client c;
    start(&c, &(struct setup){.connect_timeout_ms = 50});
    send_text(&c, "patience");
    struct pollfd pfd = {.fd = c.listener, .events = POLLIN};
    static const char not_found[] = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n";
    while (whist_channel_send(c.ch, 0, whist_bytes("x", 1), "phase.x", 0, NULL) == WHIST_OK) {
        if (poll(&pfd, 1, 5) == 1) {
            int fd = raw_accept(c.listener);
            expect_text(&c, fd, "patience");
            (void)send(fd, not_found, strlen(not_found), MSG_NOSIGNAL);
            close(fd);
        }
    }
    expect_failure(&c, WHIST_ERR_UNREACHABLE, "could not be reached");
    stop(&c);
}

static void refused_is_not_yet(void)
{
    struct client c;
    start(&c, &(struct setup){.deaf = true});
    send_text(&c, "one");
    send_text(&c, "two");
    for (int64_t until = whist_now_ms() + 30; whist_now_ms() < until;) {
        sched_yield();
    }
    CHECK(listen(c.listener, 10) == 0);
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "one");
    answer(fd, OK_200);
    expect_text(&c, fd, "two");
    answer(fd, OK_200);
    flush(&c);
    close(fd);
    stop(&c);
}

static void refused_for_ever(void)
{
    struct client c;
    start(&c, &(struct setup){.deaf = true, .connect_timeout_ms = 30});
    send_text(&c, "one");
    expect_failure(&c, WHIST_ERR_UNREACHABLE, "Connection refused");
    stop(&c);
}

/* Who looks for a port on which nobody listens may get that very port as his own, and is then
 * connected to himself: that is nobody. */
static void connected_to_itself(void)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    uint16_t port;
    int fd = bind_to(INADDR_LOOPBACK, &port);

    sa.sin_port = htons(port);
    CHECK(connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    CHECK(whist_net_connected(fd) == ECONNREFUSED);
    close(fd);
}

/* The look-up itself: it may run on when nobody waits any more. */
static void look_up(void)
{
    struct whist_url url = {.kind = WHIST_URL_NAME, .port = 4711, .host = "127.0.0.1"};
    struct whist_net_addresses found = {0};
    char text[WHIST_NET_TEXT_MAX];
    struct whist_net_lookup *lookup = whist_net_lookup_start(&url, -1);

    CHECK(lookup != NULL);
    while (!whist_net_lookup_done(lookup, &found, text)) {
        sched_yield();
    }
    CHECK(found.n >= 1);
    whist_net_address_text(text, &found.at[0]);
    CHECK_MSG(strcmp(text, "127.0.0.1:4711") == 0, "%s", text);
    whist_net_lookup_free(lookup);
    for (int i = 0; i < 20; i++) {
        whist_net_lookup_free(whist_net_lookup_start(&url, -1));
    }
}

static void name_of_this_machine(void)
{
    struct client c;
    char name[100] = "";
    struct whist_url url;
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
    char text[400];

    CHECK(gethostname(name, sizeof name - 1) == 0);
    snprintf(text, sizeof text, "http://%s", name);
    if (whist_url_parse(&url, text, NULL) != WHIST_OK || url.kind != WHIST_URL_NAME ||
        url.loopback || getaddrinfo(name, NULL, &hints, &list) != 0) {
        SKIP("the name of this machine has no address");
    }
    freeaddrinfo(list);
    start(&c, &(struct setup){.host = name, .anywhere = true});
    send_text(&c, "x");
    int fd = raw_accept(c.listener);
    snprintf(text, sizeof text, "POST /msg/1 HTTP/1.1\r\naccept: */*\r\nhost: %s:%u\r\n", url.host,
             (unsigned)c.port);
    raw_expect(fd, text);
    raw_expect(fd, "content-length: 1\r\n\r\nx");
    answer(fd, OK_200);
    flush(&c);
    close(fd);
    stop(&c);
}

static void unknown_name(void)
{
    struct client c;
    start(&c, &(struct setup){.host = "whist.invalid", .connect_timeout_ms = 100});
    send_text(&c, "one");
    expect_failure(&c, WHIST_ERR_UNREACHABLE, "could not be reached within 0.1 s");
    stop(&c);
}

/* ---- Answers that are errors ---- */

static void fatal_answers(void)
{
    static const char *const table[][2] = {
        {"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", "answered 201 Created"},
        {"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n", "answered 202 Accepted"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "answered 204 No Content"},
        {"HTTP/1.1 301 X\r\nlocation: /msg/1\r\ncontent-length: 0\r\n\r\n",
         "301 Moved Permanently (redirects are not followed)"},
        {"HTTP/1.1 302 X\r\nlocation: /msg/1\r\ncontent-length: 0\r\n\r\n", "302 Found (redirects"},
        {"HTTP/1.1 303 X\r\nlocation: /msg/1\r\ncontent-length: 0\r\n\r\n", "303 See Other (red"},
        {"HTTP/1.1 307 X\r\nlocation: /msg/1\r\ncontent-length: 0\r\n\r\n", "307 Temporary Redir"},
        {"HTTP/1.1 308 X\r\nlocation: /msg/1\r\ncontent-length: 0\r\n\r\n", "308 Permanent Redir"},
        {"HTTP/1.1 400 Bad Request\r\ncontent-length: 42\r\n\r\n"
         "Invalid URL: Cannot parse `abc` to a `u32`",
         "400 Bad Request: \"Invalid URL: Cannot parse `abc` to a `u32`\""},
        {"HTTP/1.1 405 X\r\nallow: GET\r\ncontent-length: 0\r\n\r\n", "405 Method Not Allowed"},
        {"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\n\r\nbig",
         "413 Payload Too Large: \"b"},
        {"HTTP/1.1 500 X\r\ncontent-length: 10\r\n\r\na\x1b[31m\r\nb\xff",
         "500 Internal Server Error: \"a?[31m? b?\""},
        {"HTTP/1.1 502 X\r\nconnection: close\r\n\r\nwithout a length", "\"without a length\""},
        {"HTTP/1.1 503 X\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbusy\r\n0\r\n\r\n", "\"busy\""},
        {"HTTP/1.1 999 X\r\ncontent-length: 0\r\n\r\n", "answered 999"},
        {"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n", "answered 101 Switching"},
        {"HTTP/1.1 500 X\r\ncontent-length: 99999999\r\n\r\n", "ended the connection"},
        {"garbage\r\n\r\n", "did not answer in HTTP/1.1 (malformed status line)"},
        {"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", "did not answer in HTTP/1.1"},
        {"\x15\x03\x01\x00\x02", "did not answer in HTTP/1.1 (this is not HTTP)"},
        {"HTTP/1.1 200 OK\ncontent-length: 0\n\n", "did not answer in HTTP/1.1"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
         "two content-length fields"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n", "together"},
        {"HTTP/1.1 200 OK\r\ncontent-le", "ended within a message"},
        {"H", "ended within a message"},
        {"", "whether it has the last message is not known"},
        {"HTTP/1.1 100 Continue\r\n\r\n", "whether it has the last message is not known"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct client c;
        start(&c, &(struct setup){0});
        send_text(&c, "one");
        send_text(&c, "two");
        int fd = raw_accept(c.listener);
        expect_text(&c, fd, "one");
        answer(fd, table[i][0]);
        raw_half_close(fd);
        bool lost = strstr(table[i][1], "not known") != NULL;
        if (strstr(table[i][1], "ended the connection") == NULL) {
            expect_failure(&c, lost ? WHIST_ERR_UNREACHABLE : WHIST_ERR_PROTOCOL, table[i][1]);
        } else { /* cut within the text of an error: the connection's end is what is told */
            expect_failure(&c, WHIST_ERR_PROTOCOL, "ended within a message");
        }
        CHECK(raw_nobody_connects(c.listener));
        close(fd);
        stop(&c);
    }
}

static void long_answers(void)
{
    static char text[100000];
    struct client c;
    /* A text longer than what is shown. */
    start(&c, &(struct setup){0});
    send_text(&c, "one");
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "one");
    size_t len = (size_t)sprintf(text, "HTTP/1.1 500 X\r\ncontent-length: 90000\r\n\r\n");
    memset(text + len, 'e', 90000);
    (void)send(fd, text, len + 90000, MSG_NOSIGNAL);
    expect_failure(&c, WHIST_ERR_PROTOCOL, "answered 500");
    close(fd);
    stop(&c);
    /* A head without end. */
    start(&c, &(struct setup){0});
    send_text(&c, "one");
    fd = raw_accept(c.listener);
    expect_text(&c, fd, "one");
    len = (size_t)sprintf(text, "HTTP/1.1 200 OK\r\nx: ");
    memset(text + len, 'e', 90000);
    (void)send(fd, text, len + 90000, MSG_NOSIGNAL);
    expect_failure(&c, WHIST_ERR_PROTOCOL, "the head is longer than 65,536 bytes");
    close(fd);
    stop(&c);
    /* Informational answers without end. */
    start(&c, &(struct setup){0});
    send_text(&c, "one");
    fd = raw_accept(c.listener);
    expect_text(&c, fd, "one");
    for (int i = 0; i < 100; i++) {
        (void)send(fd, "HTTP/1.1 100 C\r\n\r\n", 18, MSG_NOSIGNAL);
    }
    expect_failure(&c, WHIST_ERR_PROTOCOL, "answered 100");
    close(fd);
    stop(&c);
}

/* An answer before the message was read. */
static void early_answers(void)
{
    static const char *const table[][2] = {
        {OK_200, "answered 200 before it had the whole message"},
        {"HTTP/1.1 413 Payload Too Large\r\nconnection: close\r\ncontent-length: 8\r\n\r\ntoo long",
         "413 Payload Too Large: \"too long\""},
    };
    uint8_t *body = pattern(WHIST_MAX_MESSAGE), some[100];

    for (size_t i = 0; i < 2; i++) {
        struct client c;
        int small = 4096;
        start(&c, &(struct setup){.tuning = {.send_buffer = 5000}});
        CHECK(setsockopt(c.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
        send_to_0(&c, body, WHIST_MAX_MESSAGE);
        int fd = raw_accept(c.listener);
        raw_read(fd, some, sizeof some);
        answer(fd, table[i][0]);
        expect_failure(&c, WHIST_ERR_PROTOCOL, table[i][1]);
        close(fd);
        stop(&c);
    }
    free(body);
}

/* ---- Connections that end ---- */

/* A server that restarts: the message that was on the old connection goes out once more, with a
 * warning; a second loss is an error. */
static void restart_on_a_used_connection(void)
{
    struct client c;
    start(&c, &(struct setup){0});
    int before = atomic_load(&c.warnings);
    send_text(&c, "one");
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "one");
    answer(fd, OK_200);
    send_text(&c, "two");
    expect_text(&c, fd, "two");
    close(fd);
    fd = raw_accept(c.listener);
    expect_text(&c, fd, "two");
    CHECK(atomic_load(&c.warnings) == before + 1);
    answer(fd, OK_200);
    send_text(&c, "three");
    expect_text(&c, fd, "three");
    struct linger reset = {.l_onoff = 1};
    CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset) == 0);
    close(fd);
    fd = raw_accept(c.listener);
    expect_text(&c, fd, "three");
    CHECK(atomic_load(&c.warnings) == before + 2);
    close(fd);
    struct whist_error err = {0};
    struct whist_buffer msg = {0};
    CHECK(whist_channel_recv(c.ch, 0, &msg, "x", 0, &err) == WHIST_ERR_UNREACHABLE);
    CHECK_MSG(strstr(err.text, "is not known") != NULL, "%s", err.text);
    CHECK(raw_nobody_connects(c.listener));
    stop(&c);
}

/* The server closed a connection that nothing was on: no repeat, no warning. */
static void closed_while_idle(void)
{
    struct client c;
    start(&c, &(struct setup){0});
    int before = atomic_load(&c.warnings);
    for (int i = 0; i < 5; i++) {
        send_text(&c, "one");
        int fd = raw_accept(c.listener);
        expect_text(&c, fd, "one");
        answer(fd, OK_200);
        if (i == 3) {
            answer(fd, "HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n");
        }
        /* Until the answer was taken, an end would concern this message. */
        struct pollfd pfd = {.fd = fd, .events = POLLIN};
        for (int64_t until = whist_now_ms() + 20; i != 3 && whist_now_ms() < until;) {
            CHECK(poll(&pfd, 1, 5) == 0);
        }
        if (i == 3) {
            raw_expect_end(fd);
        }
        close(fd);
    }
    CHECK(atomic_load(&c.warnings) == before);
    flush(&c);
    stop(&c);
}

/* Our side closes a connection that was idle for long, before proxies do. */
static void idle_for_long(void)
{
    struct client c;
    start(&c, &(struct setup){.tuning = {.client_idle_ms = 10}});
    for (int i = 0; i < 3; i++) {
        send_text(&c, "one");
        int fd = raw_accept(c.listener);
        expect_text(&c, fd, "one");
        answer(fd, OK_200);
        raw_expect_fin(fd);
        close(fd);
    }
    /* But not while an answer is held. */
    send_text(&c, "first");
    send_text(&c, "held");
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "first");
    answer(fd, OK_200);
    expect_text(&c, fd, "held");
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    CHECK(poll(&pfd, 1, 60) == 0);
    answer(fd, OK_200);
    raw_expect_fin(fd);
    close(fd);
    flush(&c);
    stop(&c);
}

/* A connection that breaks before the whole message was written: the peer cannot have it. */
static void broken_while_sending(void)
{
    struct client c;
    uint8_t *body = pattern(WHIST_MAX_MESSAGE), some[100];
    int small = 4096;

    start(&c, &(struct setup){.tuning = {.send_buffer = 5000}});
    CHECK(setsockopt(c.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    send_to_0(&c, body, WHIST_MAX_MESSAGE);
    for (int i = 0; i < 3; i++) {
        int fd = raw_accept(c.listener);
        raw_read(fd, some, sizeof some);
        close(fd);
    }
    int fd = raw_accept(c.listener);
    expect_request(&c, fd, body, WHIST_MAX_MESSAGE);
    answer(fd, OK_200);
    flush(&c);
    free(body);
    close(fd);
    stop(&c);
}

/* ---- The outbox ---- */

static void outbox_is_bounded(void)
{
    struct client c;
    struct whist_error err = {0};
    static const uint8_t body[1000];
    int n = 0;

    start(&c, &(struct setup){.outbox_bytes = 5000});
    while (whist_channel_send(c.ch, 0, whist_bytes(body, sizeof body), "x", whist_clock_ms() + 20,
                              &err) == WHIST_OK) {
        n++;
    }
    CHECK(err.status == WHIST_ERR_WINDOW_FULL && err.peer == 0);
    CHECK_MSG(n == 4, "%d", n); /* each counts 128 bytes more */
    int fd = raw_accept(c.listener);
    for (int i = 0; i < 4; i++) {
        expect_request(&c, fd, body, sizeof body);
        answer(fd, OK_200);
    }
    /* What was refused was not sent; a message larger than the outbox goes alone. */
    uint8_t *big = pattern(100000);
    send_to_0(&c, big, 100000);
    CHECK(whist_channel_send(c.ch, 0, whist_bytes("", 0), "x", 1, &err) == WHIST_ERR_WINDOW_FULL);
    expect_request(&c, fd, big, 100000);
    answer(fd, OK_200);
    flush(&c);
    free(big);
    close(fd);
    stop(&c);
}

static void close_has_a_deadline(void)
{
    struct client c;
    struct whist_error err = {0};

    start(&c, &(struct setup){0});
    send_text(&c, "one");
    send_text(&c, "two");
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "one");
    answer(fd, OK_200);
    expect_text(&c, fd, "two");
    CHECK(whist_channel_close(c.ch, whist_clock_ms() + 30, &err) == WHIST_ERR_TIMEOUT);
    CHECK_MSG(err.peer == 0 && strstr(err.text, "had not taken all messages") != NULL, "%s",
              err.text);
    CHECK(whist_channel_close(c.ch, 0, &err) == WHIST_ERR_CLOSED);
    raw_expect_end(fd);
    close(fd);
    stop(&c);
}

/* The last message of an abort goes ahead of what is queued, which is dropped, but after the
 * message that is on its way. */
static void last_message_of_an_abort(void)
{
    struct client c;
    struct whist_error why = {.status = WHIST_ERR_CHECK, .peer = 2, .text = "why"};

    start(&c, &(struct setup){0});
    send_text(&c, "one");
    send_text(&c, "two");
    int fd = raw_accept(c.listener);
    expect_text(&c, fd, "one");
    c.ch->ops->abort_with(c.ch, &why, whist_bytes("last", 4));
    CHECK(whist_channel_send(c.ch, 0, whist_bytes("x", 1), "x", 0, NULL) == WHIST_ERR_CHECK);
    answer(fd, OK_200);
    expect_text(&c, fd, "last");
    answer(fd, OK_200);
    whist_channel_free(c.ch);
    raw_expect_end(fd);
    close(fd);
    close(c.listener);
}

/* ---- Making a channel ---- */

static whist_status make(const char *own, const char *other, const char *listen, bool insecure,
                         struct whist_error *err)
{
    const char *const urls[] = {own, other};
    const struct whist_http_options options = {
        .n = 2, .me = 0, .legacy = true, .urls = urls, .listen = listen, .insecure = insecure};
    struct whist_channel *ch = NULL;
    whist_status st = whist_channel_http_new(&ch, &options, err);

    if (st == WHIST_OK) {
        CHECK(whist_channel_http_port(ch) != 0);
        CHECK(!ch->framed && ch->max_message == WHIST_MAX_MESSAGE);
        whist_channel_free(ch);
    } else {
        CHECK(ch == NULL && err->status == st && err->text[0] != '\0');
    }
    return st;
}

/* A channel listens on the port of its own URL. A port that was free a moment ago may be taken by
 * somebody's outgoing connection: then another one. */
static void own_url_works(const char *host, bool insecure)
{
    struct whist_error err = {0};
    whist_status st = WHIST_ERR_IO;

    for (int tries = 0; tries < 20 && st == WHIST_ERR_IO; tries++) {
        char url[60];
        uint16_t port;
        close(listen_loopback(&port));
        snprintf(url, sizeof url, "http://%s:%u", host, (unsigned)port);
        st = make(url, "http://127.0.0.1:2", NULL, insecure, &err);
    }
    CHECK_OK(st, err);
}

static void options(void)
{
    struct whist_error err = {0};
    char url[60], address[60];
    uint16_t port;
    int taken = listen_loopback(&port);
    const char *own = "http://127.0.0.1:1", *other = "http://127.0.0.1:2";

    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)port);
    snprintf(address, sizeof address, "127.0.0.1:%u", (unsigned)port);
    CHECK(make(url, other, NULL, false, &err) == WHIST_ERR_IO);
    CHECK_MSG(strstr(err.text, address) != NULL && strstr(err.text, "in use") != NULL, "%s",
              err.text);
    close(taken);
    own_url_works("127.0.0.1", false);
    own_url_works("localhost", false);
    CHECK_OK(make(own, other, "127.0.0.1:0", false, &err), err);
    CHECK_OK(make(own, other, "localhost:0", false, &err), err);
    CHECK_OK(make(own, other, "0.0.0.0:0", false, &err), err);
    CHECK(make(own, other, "nonsense", false, &err) == WHIST_ERR_ARGUMENT);
    CHECK(make("ftp://x", other, NULL, false, &err) == WHIST_ERR_ARGUMENT);
    CHECK(make(own, "http://", NULL, false, &err) == WHIST_ERR_ARGUMENT);
    CHECK(make(own, NULL, NULL, false, &err) == WHIST_ERR_ARGUMENT);
    CHECK(make(own, "http://192.0.2.1:5", "127.0.0.1:0", false, &err) == WHIST_ERR_UNSUPPORTED);
    CHECK_MSG(strstr(err.text, "party 1 (http://192.0.2.1:5)") != NULL &&
                  strstr(err.text, "TLS") != NULL && strstr(err.text, "insecure") != NULL,
              "%s", err.text);
    CHECK(make("http://example.com", other, "127.0.0.1:0", false, &err) == WHIST_ERR_UNSUPPORTED);
    CHECK_OK(make(own, "http://192.0.2.1:5", "127.0.0.1:0", true, &err), err);
    own_url_works("192.0.2.1", true); /* on all addresses */
    own_url_works("example.com", true);
    struct whist_http_options o = {.n = 1, .legacy = true};
    struct whist_channel *ch;
    CHECK(whist_channel_http_new(&ch, &o, &err) == WHIST_ERR_ARGUMENT);
    o.n = WHIST_MAX_PARTIES + 1;
    CHECK(whist_channel_http_new(&ch, &o, &err) == WHIST_ERR_ARGUMENT);
    o = (struct whist_http_options){.n = 2, .me = 2, .legacy = true};
    CHECK(whist_channel_http_new(&ch, &o, &err) == WHIST_ERR_ARGUMENT);
    o = (struct whist_http_options){.n = 2, .timeout_ms = -1, .legacy = true};
    CHECK(whist_channel_http_new(&ch, &o, &err) == WHIST_ERR_ARGUMENT);
}

/* All addresses, of both families where there are two; ::1 alone if that is the URL. */
static void listening_addresses(void)
{
    static const char *const hosts[] = {"0.0.0.0", "[::]", "[::1]"};

    for (size_t i = 0; i < 3; i++) {
        char address[40], url[60];
        struct whist_error err = {0};
        struct whist_channel *ch;
        struct whist_ping ping;
        snprintf(address, sizeof address, "%s:0", hosts[i]);
        const char *const urls[] = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
        const struct whist_http_options o = {
            .n = 2, .legacy = true, .urls = urls, .listen = address};
        whist_status st = whist_channel_http_new(&ch, &o, &err);
        if (st == WHIST_ERR_IO && i != 0) {
            continue; /* a machine without IPv6 */
        }
        CHECK_OK(st, err);
        unsigned port = whist_channel_http_port(ch);
        snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
        CHECK_OK(whist_http_ping(url, 0, &ping, &err), err);
        CHECK_MSG(ping.up == (i != 2), "%s: %s", address, ping.text);
        snprintf(url, sizeof url, "http://[::1]:%u", port);
        CHECK_OK(whist_http_ping(url, 0, &ping, &err), err);
        CHECK_MSG(ping.up == (i != 0), "%s: %s", address, ping.text);
        whist_channel_free(ch);
    }
}

/* Allocation k fails while channels are made and a message goes back and forth. */
static void allocation_failures(void)
{
    bool done = false;

    for (long k = 0; !done; k++) {
        struct whist_channel *ch[2];
        struct whist_error err = {0};
        struct whist_buffer msg = {0};
        const struct whist_http_options o = {.timeout_ms = 300};
        CHECK(k < 2000);
        whist_alloc_fail_after(k);
        whist_status st = make_http_channels(ch, 2, &o, NULL, &err);
        if (st == WHIST_OK) {
            st = whist_channel_send(ch[0], 1, whist_bytes("hello", 5), "x", 0, &err);
            if (st == WHIST_OK) {
                st = whist_channel_recv(ch[1], 0, &msg, "x", 0, &err);
                CHECK(st != WHIST_OK || (msg.len == 5 && memcmp(msg.data, "hello", 5) == 0));
            }
            done = st == WHIST_OK &&
                   whist_channel_close(ch[0], whist_clock_ms() + 300, &err) == WHIST_OK;
            whist_channel_free(ch[0]);
            whist_channel_free(ch[1]);
        }
        whist_alloc_fail_after(-1);
        CHECK_MSG(st == WHIST_OK || err.text[0] != '\0', "allocation %ld", k);
        whist_buffer_clear(&msg);
    }
}

static const struct test_case cases[] = {
    {"request_bytes", request_bytes},
    {"request_with_prefix", request_with_prefix},
    {"request_to_localhost", request_to_localhost},
    {"slow_reader", slow_reader},
    {"too_long", too_long},
    {"success", success},
    {"success_bytewise", success_bytewise},
    {"not_found_is_not_yet", not_found_is_not_yet},
    {"not_found_for_ever", not_found_for_ever},
    {"refused_is_not_yet", refused_is_not_yet},
    {"refused_for_ever", refused_for_ever},
    {"connected_to_itself", connected_to_itself},
    {"look_up", look_up},
    {"name_of_this_machine", name_of_this_machine},
    {"unknown_name", unknown_name},
    {"fatal_answers", fatal_answers},
    {"long_answers", long_answers},
    {"early_answers", early_answers},
    {"restart_on_a_used_connection", restart_on_a_used_connection},
    {"closed_while_idle", closed_while_idle},
    {"idle_for_long", idle_for_long},
    {"broken_while_sending", broken_while_sending},
    {"outbox_is_bounded", outbox_is_bounded},
    {"close_has_a_deadline", close_has_a_deadline},
    {"last_message_of_an_abort", last_message_of_an_abort},
    {"options", options},
    {"listening_addresses", listening_addresses},
    {"allocation_failures", allocation_failures},
};
TEST_MAIN(cases)
