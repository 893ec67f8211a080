/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "raw_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_patience(int fd)
{
    struct timeval t = {.tv_sec = RAW_PATIENCE_MS / 1000};
    int on = 1;

    CHECK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0);
    CHECK(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) == 0);
    CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
}

int raw_connect(uint16_t port)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    set_patience(fd);
    CHECK(connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    return fd;
}

int raw_accept(int listen_fd)
{
    struct pollfd pfd = {.fd = listen_fd, .events = POLLIN};
    int fd;

    CHECK(poll(&pfd, 1, RAW_PATIENCE_MS) == 1);
    fd = accept(listen_fd, NULL, NULL);
    CHECK(fd >= 0);
    set_patience(fd);
    return fd;
}

bool raw_nobody_connects(int listen_fd)
{
    struct pollfd pfd = {.fd = listen_fd, .events = POLLIN};
    return poll(&pfd, 1, 0) == 0;
}

void raw_send(int fd, const void *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, (const char *)data + at, len - at, MSG_NOSIGNAL);
        CHECK_MSG(n > 0, "%s after %zu of %zu bytes", strerror(errno), at, len);
        at += (size_t)n;
    }
}

void raw_send_text(int fd, const char *text)
{
    raw_send(fd, text, strlen(text));
}

void raw_send_slowly(int fd, const char *text)
{
    for (; *text != '\0'; text++) {
        if (send(fd, text, 1, MSG_NOSIGNAL) != 1) {
            CHECK(errno == EPIPE || errno == ECONNRESET);
            return;
        }
    }
}

void raw_half_close(int fd)
{
    CHECK(shutdown(fd, SHUT_WR) == 0 || errno == ENOTCONN); /* the peer may have reset it */
}

void raw_read(int fd, void *out, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = recv(fd, (char *)out + at, len - at, 0);
        CHECK_MSG(n > 0, "%s after %zu of %zu bytes: %.*s",
                  n == 0 ? "the connection ended" : strerror(errno), at, len,
                  (int)(at < 300 ? at : 300), (const char *)out);
        at += (size_t)n;
    }
}

void raw_expect(int fd, const char *text)
{
    size_t len = strlen(text);
    char *got = calloc(1, len + 1);

    CHECK(got != NULL);
    for (size_t at = 0; at < len; at++) {
        raw_read(fd, got + at, 1);
        CHECK_MSG(got[at] == text[at], "\ngot:  %s\nwant: %s", got, text);
    }
    free(got);
}

/* Reads a head into out (with NUL). */
static void read_head(int fd, char *out, size_t cap)
{
    size_t len = 0;

    for (;;) {
        CHECK(len < cap - 1);
        raw_read(fd, out + len, 1);
        out[++len] = '\0';
        if (len >= 4 && strcmp(out + len - 4, "\r\n\r\n") == 0) {
            return;
        }
    }
}

/* "date: Sun, 06 Nov 1994 08:49:37 GMT" to "date: *". */
static void mask_date(char *head)
{
    char *at = strstr(head, "\r\ndate: ");

    if (at != NULL) {
        char *value = at + 8;
        CHECK_MSG(strlen(value) >= 31 && memcmp(value + 26, "GMT\r\n", 5) == 0 && value[3] == ',' &&
                      value[7] == ' ' && value[11] == ' ' && value[16] == ' ' && value[19] == ':' &&
                      value[22] == ':',
                  "odd date: %s", head);
        value[0] = '*';
        memmove(value + 1, value + 29, strlen(value + 29) + 1);
    }
}

void raw_expect_answer(int fd, const char *text)
{
    char got[70000];
    const char *field;
    size_t len, body = 0;

    read_head(fd, got, sizeof got);
    mask_date(got);
    len = strlen(got);
    field = strstr(got, "\r\ncontent-length: ");
    if (field != NULL) {
        body = (size_t)atol(field + 18);
    }
    CHECK(body < sizeof got - len);
    raw_read(fd, got + len, body);
    got[len + body] = '\0';
    CHECK_MSG(strcmp(got, text) == 0, "\ngot:  %s\nwant: %s", got, text);
}

void raw_expect_end(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);

    CHECK_MSG(n == 0 || (n < 0 && errno == ECONNRESET), "%zd: %s", n,
              n > 0 ? "more bytes" : strerror(errno));
}

void raw_expect_fin(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);

    CHECK_MSG(n == 0, "%zd: %s", n, n > 0 ? "more bytes" : strerror(errno));
}

bool raw_is_silent(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}
