/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Two processes on loopback that exchange messages. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"
#include "procs.h"
#include "report.h"

#define PHASE         "bench"
#define PING_PONG_NS  1000000000
#define MAX_ROUNDS    200000
#define PORT_ATTEMPTS 5

enum pattern { PING_PONG, STREAM };

struct task {
    enum link_kind kind;
    enum pattern pattern;
    size_t size, count;
    int listener; /* of LINK_TCP */
    struct sockaddr_in address;
    struct loopback_urls urls; /* of LINK_HTTP */
};

struct answer {
    whist_status status;
    struct whist_error err;
    double per_s, median_us;
};

/* ---- Links ---- */

struct link {
    int fd;                        /* LINK_TCP, or -1 */
    struct whist_channel *channel; /* LINK_HTTP */
    size_t peer;
    struct whist_buffer message; /* the last one received */
};

static whist_status tcp_open(struct link *l, const struct task *task, size_t me,
                             struct whist_error *err)
{
    int on = 1;

    if (me == 1) {
        l->fd = accept(task->listener, NULL, NULL);
    } else {
        l->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (l->fd >= 0 &&
            connect(l->fd, (const struct sockaddr *)&task->address, sizeof(task->address)) != 0) {
            return cli_fail_errno(err, "cannot connect over loopback");
        }
    }
    if (l->fd < 0 || setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
        return cli_fail_errno(err, "cannot use a socket");
    }
    return WHIST_OK;
}

static whist_status link_open(struct link *l, const struct task *task, size_t me,
                              struct whist_error *err)
{
    struct whist_http_options http = {.n = 2, .me = me, .legacy = true, .urls = task->urls.urls};

    *l = (struct link){.fd = -1, .peer = 1 - me};
    return task->kind == LINK_TCP ? tcp_open(l, task, me, err)
                                  : whist_channel_http_new(&l->channel, &http, err);
}

static whist_status link_send(struct link *l, const uint8_t *data, size_t len,
                              struct whist_error *err)
{
    uint32_t head = (uint32_t)len;

    if (l->channel != NULL) {
        return whist_channel_send(l->channel, l->peer, whist_bytes(data, len), PHASE,
                                  WHIST_DEADLINE_DEFAULT, err);
    }
    bool sent;
    if (len <= 64) { /* one segment */
        uint8_t small[4 + 64];
        memcpy(small, &head, 4);
        memcpy(small + 4, data, len);
        sent = write_all(l->fd, small, 4 + len);
    } else {
        sent = write_all(l->fd, &head, 4) && write_all(l->fd, data, len);
    }
    return sent ? WHIST_OK : cli_fail(err, WHIST_ERR_IO, "cannot write to a socket");
}

static whist_status link_recv(struct link *l, struct whist_error *err)
{
    uint32_t len;

    if (l->channel != NULL) {
        return whist_channel_recv(l->channel, l->peer, &l->message, PHASE, WHIST_DEADLINE_DEFAULT,
                                  err);
    }
    if (!read_all(l->fd, &len, 4) || len > WHIST_MAX_MESSAGE) {
        return cli_fail(err, WHIST_ERR_IO, "cannot read from a socket");
    }
    if (whist_buffer_resize(&l->message, len) != WHIST_OK) {
        return cli_nomem(err);
    }
    return read_all(l->fd, l->message.data, len)
               ? WHIST_OK
               : cli_fail(err, WHIST_ERR_IO, "cannot read from a socket");
}

static whist_status link_close(struct link *l, struct whist_error *err)
{
    whist_status st = WHIST_OK;

    if (l->channel != NULL) {
        st = whist_channel_close(l->channel, WHIST_DEADLINE_DEFAULT, err);
        whist_channel_free(l->channel);
    }
    if (l->fd >= 0) {
        close(l->fd);
    }
    whist_buffer_clear(&l->message);
    return st;
}

/* ---- Patterns; an empty message ends them ---- */

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static whist_status ping_pong(struct link *l, const struct task *task, const uint8_t *data,
                              struct answer *out)
{
    double *us = calloc(MAX_ROUNDS, sizeof(*us));
    int64_t start = clock_ns(), now = start;
    whist_status st = WHIST_OK;
    size_t n = 0;

    if (us == NULL) {
        return cli_nomem(&out->err);
    }
    for (; n < MAX_ROUNDS && now - start < PING_PONG_NS; n++) {
        int64_t before = now;
        TRY_OUT(link_send(l, data, task->size, &out->err));
        TRY_OUT(link_recv(l, &out->err));
        now = clock_ns();
        us[n] = (double)(now - before) / 1000;
    }
    out->per_s = (double)n * 1e9 / (double)(now - start);
    qsort(us, n, sizeof(*us), compare_times);
    out->median_us = us[n / 2];
    st = link_send(l, data, 0, &out->err);
out:
    free(us);
    return st;
}

static whist_status stream(struct link *l, const struct task *task, const uint8_t *data,
                           struct answer *out)
{
    int64_t start = clock_ns();

    for (size_t i = 0; i < task->count; i++) {
        TRY(link_send(l, data, task->size, &out->err));
    }
    TRY(link_send(l, data, 0, &out->err));
    TRY(link_recv(l, &out->err));
    out->per_s = (double)task->size * (double)task->count * 1e9 / (double)(clock_ns() - start);
    return WHIST_OK;
}

/* The other side: echoes, or takes everything and then answers once. */
static whist_status answer_peer(struct link *l, const struct task *task, struct whist_error *err)
{
    uint8_t done = 1;

    for (;;) {
        TRY(link_recv(l, err));
        if (l->message.len == 0) {
            return task->pattern == STREAM ? link_send(l, &done, 1, err) : WHIST_OK;
        }
        if (task->pattern == PING_PONG) {
            TRY(link_send(l, l->message.data, l->message.len, err));
        }
    }
}

static int task_body(void *ctx, size_t me, int fd)
{
    const struct task *task = ctx;
    struct answer a;
    struct link link;
    uint8_t *data = calloc(task->size + 1, 1);

    memset(&a, 0, sizeof(a));
    a.err.peer = WHIST_NO_PEER;
    a.status = data == NULL ? cli_nomem(&a.err) : link_open(&link, task, me, &a.err);
    if (a.status == WHIST_OK) {
        a.status = me == 1                      ? answer_peer(&link, task, &a.err)
                   : task->pattern == PING_PONG ? ping_pong(&link, task, data, &a)
                                                : stream(&link, task, data, &a);
        whist_status closed = link_close(&link, &a.err);
        a.status = a.status != WHIST_OK ? a.status : closed;
    }
    free(data);
    return write_all(fd, &a, sizeof(a)) ? 0 : 1;
}

/* ---- A measurement ---- */

static whist_status open_listener(struct task *task, struct whist_error *err)
{
    socklen_t len = sizeof(task->address);

    task->listener = socket(AF_INET, SOCK_STREAM, 0);
    task->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (task->listener < 0 || bind(task->listener, (struct sockaddr *)&task->address, len) != 0 ||
        listen(task->listener, 1) != 0 ||
        getsockname(task->listener, (struct sockaddr *)&task->address, &len) != 0) {
        return cli_fail_errno(err, "cannot listen on loopback");
    }
    return WHIST_OK;
}

static whist_status attempt(struct answer *out, struct task *task, struct whist_error *err)
{
    struct procs procs;

    memset(out, 0, sizeof(*out));
    TRY(loopback_urls(&task->urls, 2, err));
    TRY(procs_start(&procs, 2, task_body, task, err));
    bool got = read_all(procs.list[0].fd, out, sizeof(*out));
    procs_end(&procs);
    if (!got) {
        return cli_fail(err, WHIST_ERR_IO, "a process ended without a result");
    }
    *err = out->err;
    return out->status;
}

static whist_status measure(struct answer *out, struct task *task, struct whist_error *err)
{
    whist_status st = WHIST_ERR_IO;

    task->listener = -1;
    if (task->kind == LINK_TCP) {
        TRY(open_listener(task, err));
    }
    for (int i = 0; i < PORT_ATTEMPTS && st == WHIST_ERR_IO; i++) {
        st = attempt(out, task, err);
    }
    if (task->listener >= 0) {
        close(task->listener);
    }
    return st;
}

whist_status measure_ping_pong(struct ping_pong *out, enum link_kind kind, size_t size,
                               struct whist_error *err)
{
    struct task task = {.kind = kind, .pattern = PING_PONG, .size = size};
    struct answer a;

    TRY(measure(&a, &task, err));
    out->rounds_per_s = a.per_s;
    out->median_us = a.median_us;
    return WHIST_OK;
}

whist_status measure_stream(double *bytes_per_s_out, enum link_kind kind, size_t size, size_t count,
                            struct whist_error *err)
{
    struct task task = {.kind = kind, .pattern = STREAM, .size = size, .count = count};
    struct answer a;

    TRY(measure(&a, &task, err));
    *bytes_per_s_out = a.per_s;
    return WHIST_OK;
}
