/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Everybody sends to everybody at once, a process a party. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench.h"
#include "bench_link.h"
#include "procs.h"
#include "report.h"

#define PHASE         "bench"
#define PORT_ATTEMPTS 5

struct task {
    const struct all_to_all *what;
    struct loopback_urls urls;
};

struct answer {
    whist_status status;
    struct whist_error err;
    double seconds;
    uint64_t peak_bytes;
};

static uint64_t peak_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}

/* One exchange in which everybody sends a message of len bytes to everybody. */
static whist_status exchange(struct whist_channel *channel, const uint8_t *data, size_t len,
                             struct whist_error *err)
{
    struct whist_buffer in[WHIST_MAX_PARTIES] = {{0}};
    struct whist_bytes out[WHIST_MAX_PARTIES];
    size_t n = whist_channel_parties(channel);

    for (size_t i = 0; i < n; i++) {
        out[i] = whist_bytes(data, len);
    }
    whist_status st = whist_exchange(channel, in, out, PHASE, WHIST_DEADLINE_DEFAULT, err);
    for (size_t i = 0; i < n; i++) {
        whist_buffer_clear(&in[i]);
    }
    return st;
}

static whist_status take_part(struct answer *a, const struct all_to_all *what,
                              struct whist_channel *channel, struct whist_error *err)
{
    uint8_t *data = calloc(what->message_bytes, 1);
    whist_status st = WHIST_OK;

    if (data == NULL) {
        return cli_nomem(err);
    }
    TRY_OUT(exchange(channel, data, 0, err)); /* all are there */
    int64_t start = clock_ns();
    for (uint64_t done = 0; done < what->bytes; done += what->message_bytes) {
        TRY_OUT(exchange(channel, data, what->message_bytes, err));
    }
    a->seconds = (double)(clock_ns() - start) / 1e9;
    st = whist_channel_close(channel, WHIST_DEADLINE_DEFAULT, err);
out:
    free(data);
    return st;
}

static int task_body(void *ctx, size_t me, int fd)
{
    const struct task *task = ctx;
    struct whist_http_options http;
    struct whist_channel *channel = NULL;
    struct answer a;

    memset(&a, 0, sizeof(a));
    a.err.peer = WHIST_NO_PEER;
    link_http_options(&http, LINK_HTTP);
    http.n = task->what->n;
    http.me = me;
    http.urls = task->urls.urls;
    a.status = whist_channel_http_new(&channel, &http, &a.err);
    if (a.status == WHIST_OK) {
        a.status = take_part(&a, task->what, channel, &a.err);
    }
    whist_channel_free(channel);
    a.peak_bytes = peak_bytes();
    return write_all(fd, &a, sizeof(a)) ? EXIT_DONE : EXIT_ERROR;
}

static whist_status attempt(struct all_to_all_result *out, struct task *task,
                            struct whist_error *err)
{
    whist_status st = WHIST_OK;
    struct procs procs;

    memset(out, 0, sizeof(*out));
    TRY(loopback_urls(&task->urls, task->what->n, err));
    TRY(procs_start(&procs, task->what->n, task_body, task, err));
    for (size_t i = 0; i < procs.n && st == WHIST_OK; i++) {
        struct answer a;
        if (!read_all(procs.list[i].fd, &a, sizeof(a))) {
            st = cli_fail(err, WHIST_ERR_IO, "a process ended without a result");
        } else if (a.status != WHIST_OK) {
            *err = a.err;
            st = a.status;
        } else {
            out->seconds = a.seconds > out->seconds ? a.seconds : out->seconds;
            out->peak_bytes = a.peak_bytes > out->peak_bytes ? a.peak_bytes : out->peak_bytes;
        }
    }
    procs_end(&procs);
    return st;
}

whist_status all_to_all_measure(struct all_to_all_result *out, const struct all_to_all *what,
                                struct whist_error *err)
{
    struct task task = {.what = what};
    whist_status st = WHIST_ERR_IO;

    for (int i = 0; i < PORT_ATTEMPTS && st == WHIST_ERR_IO; i++) {
        st = attempt(out, &task, err);
    }
    return st;
}
