/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Two processes that exchange messages over several links in turn. Through a socket pair the
 * leading one says what comes next, and the following one how much processor time it took. */
#define _GNU_SOURCE /* CPU_SET */
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench_link.h"
#include "report.h"

#define PORT_ATTEMPTS 5
#define MAX_ROUNDS    200000
/* BOTH_WAYS: a party sends so many bytes before it waits for the peer's. */
#define AHEAD ((size_t)4 << 20)

struct task {
    const struct contest *contest;
    struct link_place places[CONTEST_MAX];
    int control[2]; /* of the leading, the following process */
};

/* What comes next; no messages: the end. */
struct order {
    size_t kind;
    uint64_t count;
};

struct side {
    const struct contest *contest;
    struct link links[CONTEST_MAX];
    int control;
    uint8_t *data; /* a message */
    double *us;    /* MAX_ROUNDS */
};

struct answer {
    whist_status status;
    struct whist_error err;
    struct contest_result result;
};

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* ---- Patterns ---- */

static whist_status expect(struct link *l, size_t size, struct whist_error *err)
{
    struct whist_bytes message;

    TRY(link_recv(l, &message, err));
    return message.len == size ? WHIST_OK
                               : cli_fail(err, WHIST_ERR_PROTOCOL, "a message has a wrong length");
}

static whist_status ping_pong(struct side *s, struct link *l, size_t count, bool leads,
                              struct whist_error *err)
{
    size_t size = s->contest->size;

    for (size_t i = 0; i < count; i++) {
        int64_t start = clock_ns();
        if (leads) {
            TRY(link_send(l, s->data, size, err));
        }
        TRY(expect(l, size, err));
        if (!leads) {
            TRY(link_send(l, s->data, size, err));
        } else if (i < MAX_ROUNDS) {
            s->us[i] = (double)(clock_ns() - start) / 1000;
        }
    }
    return WHIST_OK;
}

static whist_status one_way(struct side *s, struct link *l, size_t count, bool leads,
                            struct whist_error *err)
{
    for (size_t i = 0; i < count; i++) {
        TRY(leads ? link_send(l, s->data, s->contest->size, err)
                  : expect(l, s->contest->size, err));
    }
    return WHIST_OK;
}

static whist_status both_ways(struct side *s, struct link *l, size_t count, struct whist_error *err)
{
    size_t size = s->contest->size, ahead = AHEAD / size;

    for (size_t i = 0; i < count + ahead; i++) {
        if (i < count) {
            TRY(link_send(l, s->data, size, err));
        }
        if (i >= ahead) {
            TRY(expect(l, size, err));
        }
    }
    return WHIST_OK;
}

static whist_status play(struct side *s, struct link *l, size_t count, bool leads,
                         struct whist_error *err)
{
    switch (s->contest->pattern) {
    case PING_PONG:
        return ping_pong(s, l, count, leads, err);
    case STREAM:
        return one_way(s, l, count, leads, err);
    default:
        return both_ways(s, l, count, err);
    }
}

/* ---- The leading process ---- */

static whist_status control_failed(struct whist_error *err)
{
    return cli_fail(err, WHIST_ERR_IO, "the other process has ended");
}

static whist_status run(struct side *s, struct run_result *out, size_t kind, uint64_t count,
                        struct whist_error *err)
{
    enum pattern pattern = s->contest->pattern;
    struct order order = {kind, count};
    struct link *l = &s->links[kind];
    double cpu = cpu_s();

    if (!write_all(s->control, &order, sizeof(order))) {
        return control_failed(err);
    }
    int64_t start = clock_ns();
    TRY(play(s, l, (size_t)count, true, err));
    if (pattern != PING_PONG) {
        TRY(expect(l, 1, err)); /* the peer has everything */
    }
    out->seconds = (double)(clock_ns() - start) / 1e9;
    out->cpu_s[0] = cpu_s() - cpu;
    if (!read_all(s->control, &out->cpu_s[1], sizeof(out->cpu_s[1]))) {
        return control_failed(err);
    }
    out->messages = (double)count * (pattern == BOTH_WAYS ? 2 : 1);
    out->bytes = out->messages * (double)s->contest->size;
    if (pattern == PING_PONG) {
        size_t n = count < MAX_ROUNDS ? (size_t)count : MAX_ROUNDS;
        qsort(s->us, n, sizeof(*s->us), compare);
        out->median_us = s->us[n / 2];
    }
    return WHIST_OK;
}

/* How many messages take about run_ms. This is also what warms the link up. */
static whist_status calibrate(struct side *s, uint64_t *count_out, size_t kind,
                              struct whist_error *err)
{
    double target = (double)s->contest->run_ms / 1000;
    uint64_t count = s->contest->size > 1048576 ? 8 : s->contest->size > 4096 ? 64 : 1024;
    struct run_result r;

    for (int i = 0; i < 8; i++) {
        TRY(run(s, &r, kind, count, err));
        double factor = target / r.seconds;
        count = (uint64_t)((double)count * (factor < 16 ? factor : 16)) + 1;
        if (factor < 1.5) {
            break;
        }
    }
    *count_out = count;
    return WHIST_OK;
}

static whist_status lead(struct side *s, struct contest_result *out, struct whist_error *err)
{
    const struct contest *c = s->contest;
    uint64_t counts[CONTEST_MAX];
    struct order end = {0, 0};

    for (size_t k = 0; k < c->n_kinds; k++) {
        TRY(calibrate(s, &counts[k], k, err));
    }
    for (size_t i = 0; i < c->n_runs; i++) {
        for (size_t k = 0; k < c->n_kinds; k++) {
            size_t kind = i % 2 == 0 ? k : c->n_kinds - 1 - k; /* none is always the first */
            TRY(run(s, &out->runs[kind][i], kind, counts[kind], err));
        }
    }
    return write_all(s->control, &end, sizeof(end)) ? WHIST_OK : control_failed(err);
}

/* ---- The following process ---- */

static whist_status follow(struct side *s, struct whist_error *err)
{
    static const uint8_t done = 1;
    struct order order;

    for (;;) {
        if (!read_all(s->control, &order, sizeof(order)) || order.kind >= s->contest->n_kinds) {
            return control_failed(err);
        }
        if (order.count == 0) {
            return WHIST_OK;
        }
        struct link *l = &s->links[order.kind];
        double cpu = cpu_s();
        TRY(play(s, l, (size_t)order.count, false, err));
        if (s->contest->pattern != PING_PONG) {
            TRY(link_send(l, &done, sizeof(done), err));
        }
        cpu = cpu_s() - cpu;
        if (!write_all(s->control, &cpu, sizeof(cpu))) {
            return control_failed(err);
        }
    }
}

/* ---- Processes ---- */

/* Before there are threads, which inherit it. */
static void stay_on_one_cpu(void)
{
    cpu_set_t all, one;

    if (sched_getaffinity(0, sizeof(all), &all) != 0) {
        return;
    }
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (CPU_ISSET(i, &all)) {
            CPU_ZERO(&one);
            CPU_SET(i, &one);
            (void)sched_setaffinity(0, sizeof(one), &one);
            return;
        }
    }
}

static whist_status play_side(struct side *s, const struct task *task, size_t me,
                              struct contest_result *out, struct whist_error *err)
{
    const struct contest *c = task->contest;
    whist_status st = WHIST_OK;
    size_t open = 0;

    s->data = calloc(c->size + 1, 1);
    s->us = calloc(MAX_ROUNDS, sizeof(*s->us));
    if (s->data == NULL || s->us == NULL) {
        st = cli_nomem(err);
        goto out;
    }
    for (; open < c->n_kinds; open++) {
        TRY_OUT(link_open(&s->links[open], &task->places[open], me, err));
    }
    st = me == 0 ? lead(s, out, err) : follow(s, err);
out:
    for (size_t k = 0; k < open; k++) {
        whist_status closed = link_close(&s->links[k], st == WHIST_OK ? err : NULL);
        st = st != WHIST_OK ? st : closed;
    }
    free(s->data);
    free(s->us);
    return st;
}

static int task_body(void *ctx, size_t me, int fd)
{
    const struct task *task = ctx;
    struct side side = {.contest = task->contest, .control = task->control[me]};
    struct answer *a = calloc(1, sizeof(*a));

    if (a == NULL) {
        return EXIT_ERROR;
    }
    close(task->control[1 - me]);
    a->err.peer = WHIST_NO_PEER;
    if (task->contest->one_cpu) {
        stay_on_one_cpu();
    }
    a->status = play_side(&side, task, me, &a->result, &a->err);
    bool sent = write_all(fd, a, sizeof(*a));
    free(a);
    return sent ? EXIT_DONE : EXIT_ERROR;
}

static whist_status collect(struct answer *answers, const struct procs *procs,
                            struct whist_error *err)
{
    for (size_t i = 0; i < procs->n; i++) {
        if (!read_all(procs->list[i].fd, &answers[i], sizeof(answers[i]))) {
            return cli_fail(err, WHIST_ERR_IO, "a process ended without a result");
        }
    }
    for (size_t i = 0; i < procs->n; i++) {
        if (answers[i].status != WHIST_OK) {
            *err = answers[i].err;
            return answers[i].status;
        }
    }
    return WHIST_OK;
}

static whist_status attempt(struct answer *answers, struct task *task, struct whist_error *err)
{
    const struct contest *c = task->contest;
    whist_status st = WHIST_OK;
    struct procs procs;
    size_t made = 0;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, task->control) != 0) {
        return cli_fail_errno(err, "cannot make a socket pair");
    }
    while (made < c->n_kinds) {
        size_t k = made++;
        TRY_OUT(link_place_new(&task->places[k], c, c->kinds[k], err));
    }
    TRY_OUT(procs_start(&procs, 2, task_body, task, err));
    close(task->control[0]);
    close(task->control[1]);
    task->control[0] = task->control[1] = -1;
    st = collect(answers, &procs, err);
    procs_end(&procs);
out:
    for (size_t k = 0; k < made; k++) {
        link_place_clear(&task->places[k]);
    }
    for (int i = 0; i < 2; i++) {
        if (task->control[i] >= 0) {
            close(task->control[i]);
        }
    }
    return st;
}

whist_status contest_measure(struct contest_result *out, const struct contest *contest,
                             struct whist_error *err)
{
    struct answer *answers = calloc(2, sizeof(*answers));
    struct task task = {.contest = contest};
    whist_status st = WHIST_ERR_IO;

    if (answers == NULL) {
        return cli_nomem(err);
    }
    for (int i = 0; i < PORT_ATTEMPTS && st == WHIST_ERR_IO; i++) {
        st = attempt(answers, &task, err);
    }
    if (st == WHIST_OK) {
        *out = answers[0].result;
    }
    free(answers);
    return st;
}

/* ---- Numbers ---- */

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), compare);
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

double contest_median(const struct contest_result *r, const struct contest *c, size_t k,
                      run_value value)
{
    double values[RUNS_MAX];

    for (size_t i = 0; i < c->n_runs; i++) {
        values[i] = value(&r->runs[k][i]);
    }
    return median(values, c->n_runs);
}

double contest_ratio(const struct contest_result *r, const struct contest *c, size_t k, size_t to,
                     run_value value)
{
    double values[RUNS_MAX];

    for (size_t i = 0; i < c->n_runs; i++) {
        values[i] = value(&r->runs[k][i]) / value(&r->runs[to][i]);
    }
    return median(values, c->n_runs);
}

double run_rate(const struct run_result *run)
{
    return run->messages / run->seconds;
}

double run_bytes_per_s(const struct run_result *run)
{
    return run->bytes / run->seconds;
}

double run_round_us(const struct run_result *run)
{
    return run->median_us;
}

double run_cpu_s_per_gb(const struct run_result *run)
{
    return (run->cpu_s[0] + run->cpu_s[1]) * 1e9 / run->bytes;
}

double run_cpu_us_per_message(const struct run_result *run)
{
    return (run->cpu_s[0] + run->cpu_s[1]) * 1e6 / run->messages;
}
