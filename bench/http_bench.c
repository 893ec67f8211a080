/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The HTTP transport on loopback beside raw TCP between the same two threads: rounds of a ping-pong
 * per second, and bytes per second one way. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/http_impl.h"

#define RUN_NS ((int64_t)1000000000)

/* One side of a link, by either means. */
struct side {
    struct whist_channel *ch; /* or: */
    int fd;
    size_t peer, len;
    bool echo; /* answers every message */
    long count;
    uint8_t *buffer;
};

static void fail(const char *what)
{
    fprintf(stderr, "http_bench: %s\n", what);
    exit(1);
}

static void send_one(struct side *s)
{
    if (s->ch != NULL) {
        if (whist_channel_send(s->ch, s->peer, whist_bytes(s->buffer, s->len), "bench", 0, NULL) !=
            WHIST_OK) {
            fail("send");
        }
        return;
    }
    for (size_t at = 0; at < s->len;) {
        ssize_t n = send(s->fd, s->buffer + at, s->len - at, MSG_NOSIGNAL);
        if (n <= 0) {
            fail("send");
        }
        at += (size_t)n;
    }
}

static void receive_one(struct side *s)
{
    struct whist_buffer msg = {0};
    if (s->ch != NULL) {
        if (whist_channel_recv(s->ch, s->peer, &msg, "bench", 0, NULL) != WHIST_OK) {
            fail("receive");
        }
        whist_buffer_clear(&msg);
        return;
    }
    for (size_t at = 0; at < s->len;) {
        ssize_t n = recv(s->fd, s->buffer + at, s->len - at, 0);
        if (n <= 0) {
            fail("receive");
        }
        at += (size_t)n;
    }
}

static void *far_side(void *arg)
{
    struct side *s = arg;
    for (long i = 0; i < s->count; i++) {
        receive_one(s);
        if (s->echo) {
            send_one(s);
        }
    }
    if (!s->echo) { /* all has arrived */
        s->len = 1;
        send_one(s);
    }
    return NULL;
}

/* Nanoseconds that `count` messages take. */
static int64_t run(struct side *near, struct side *far, long count, bool echo)
{
    pthread_t thread;
    size_t len = near->len;
    int64_t start = whist_now_ns();

    near->count = far->count = count;
    near->echo = far->echo = echo;
    if (pthread_create(&thread, NULL, far_side, far) != 0) {
        fail("thread");
    }
    for (long i = 0; i < count; i++) {
        send_one(near);
        if (echo) {
            receive_one(near);
        }
    }
    if (!echo) {
        near->len = 1;
        receive_one(near);
    }
    pthread_join(thread, NULL);
    near->len = far->len = len;
    return whist_now_ns() - start;
}

static double rate(struct side *near, struct side *far, size_t len, bool echo)
{
    long count = 16;
    int64_t ns = 0;

    near->len = far->len = len;
    for (; ns < RUN_NS / 2; count *= 2) {
        ns = run(near, far, count, echo);
    }
    return (double)(count / 2) * 1e9 / (double)ns;
}

static int listen_any(struct sockaddr_in *sa)
{
    socklen_t size = sizeof *sa;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *sa = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)sa, sizeof *sa) != 0 || listen(fd, 16) != 0 ||
        getsockname(fd, (struct sockaddr *)sa, &size) != 0) {
        fail("listen");
    }
    return fd;
}

static void make_raw(struct side *near, struct side *far)
{
    struct sockaddr_in sa;
    int listener = listen_any(&sa), on = 1;

    near->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (near->fd < 0 || connect(near->fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        fail("connect");
    }
    far->fd = accept(listener, NULL, NULL);
    (void)setsockopt(near->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(far->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    close(listener);
}

static void make_http(struct side *near, struct side *far)
{
    struct sockaddr_in sa[2];
    int fds[2] = {listen_any(&sa[0]), listen_any(&sa[1])};
    char text[2][40];
    const char *urls[2] = {text[0], text[1]};
    struct side *sides[2] = {near, far};

    for (size_t i = 0; i < 2; i++) {
        snprintf(text[i], sizeof text[i], "http://127.0.0.1:%u", (unsigned)ntohs(sa[i].sin_port));
    }
    for (size_t i = 0; i < 2; i++) {
        const struct whist_http_options o = {.n = 2, .me = i, .urls = urls};
        if (whist_channel_http_new_fd(&sides[i]->ch, &o, fds[i], NULL, NULL) != WHIST_OK) {
            fail("channel");
        }
        sides[i]->peer = 1 - i;
    }
}

int main(void)
{
    static const size_t sizes[] = {64, 4096, 65536, 1048576};
    struct side raw[2] = {{0}}, http[2] = {{0}};

    make_raw(&raw[0], &raw[1]);
    make_http(&http[0], &http[1]);
    for (size_t i = 0; i < 2; i++) {
        raw[i].buffer = calloc(1, 1048576);
        http[i].buffer = calloc(1, 1048576);
        if (raw[i].buffer == NULL || http[i].buffer == NULL) {
            fail("memory");
        }
    }
    printf("%8s %28s %28s\n", "bytes", "rounds/s raw, http", "MB/s one way raw, http");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double mb = (double)sizes[i] / 1e6;
        printf("%8zu %14.0f %13.0f", sizes[i], rate(&raw[0], &raw[1], sizes[i], true),
               rate(&http[0], &http[1], sizes[i], true));
        printf(" %14.0f %13.0f\n", rate(&raw[0], &raw[1], sizes[i], false) * mb,
               rate(&http[0], &http[1], sizes[i], false) * mb);
    }
    for (size_t i = 0; i < 2; i++) {
        close(raw[i].fd);
        free(raw[i].buffer);
        free(http[i].buffer);
        whist_channel_free(http[i].ch);
    }
    return 0;
}
