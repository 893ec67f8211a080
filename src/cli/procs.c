/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "procs.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "link.h"
#include "logging.h"
#include "watch.h"

/* How often other ports are tried when somebody else took one. */
#define PORT_ATTEMPTS 5

/* ---- Processes ---- */

/* A socket bound to a free port, or -1. */
static int bind_free_port(uint16_t *port_out)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd >= 0 && (bind(fd, (struct sockaddr *)&addr, len) != 0 ||
                    getsockname(fd, (struct sockaddr *)&addr, &len) != 0)) {
        close(fd);
        fd = -1;
    }
    *port_out = ntohs(addr.sin_port);
    return fd;
}

whist_status loopback_urls(struct loopback_urls *out, size_t n, struct whist_error *err)
{
    int fds[WHIST_MAX_PARTIES];
    size_t bound = 0;
    whist_status st = WHIST_OK;

    for (; bound < n; bound++) {
        uint16_t port;
        fds[bound] = bind_free_port(&port);
        if (fds[bound] < 0) {
            st = cli_fail_errno(err, "no free port on loopback");
            break;
        }
        snprintf(out->text[bound], sizeof(out->text[bound]), "http://127.0.0.1:%u", (unsigned)port);
        out->urls[bound] = out->text[bound];
    }
    for (size_t i = 0; i < bound; i++) {
        close(fds[i]);
    }
    return st;
}

static _Noreturn void child_main(int (*body)(void *ctx, size_t me, int fd), void *ctx, size_t me,
                                 int fd, pid_t parent)
{
    /* Ctrl-C is the parent's to pass on; if the parent dies, nobody needs the result. */
    setpgid(0, 0);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
#endif
    int status = getppid() == parent ? body(ctx, me, fd) : EXIT_ERROR;
    fflush(NULL);
    _exit(status);
}

whist_status procs_start(struct procs *p, size_t n, int (*body)(void *ctx, size_t me, int fd),
                         void *ctx, struct whist_error *err)
{
    pid_t parent = getpid();

    p->n = 0;
    fflush(NULL);
    for (size_t i = 0; i < n; i++) {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
            whist_status st = cli_fail_errno(err, "cannot make a socket pair");
            procs_end(p);
            return st;
        }
        pid_t pid = fork();
        if (pid == 0) {
            close(ends[0]);
            for (size_t k = 0; k < i; k++) {
                close(p->list[k].fd);
            }
            child_main(body, ctx, i, ends[1], parent);
        }
        close(ends[1]);
        if (pid < 0) {
            whist_status st = cli_fail_errno(err, "cannot start a process");
            close(ends[0]);
            procs_end(p);
            return st;
        }
        p->list[p->n++] = (struct proc){pid, ends[0]};
    }
    return WHIST_OK;
}

void procs_cancel(void *procs)
{
    const struct procs *p = procs;

    for (size_t i = 0; i < p->n; i++) {
        kill(p->list[i].pid, SIGTERM);
    }
}

bool procs_wait(struct procs *p)
{
    bool good = true;

    for (size_t i = 0; i < p->n; i++) {
        int status = 0;
        pid_t got;
        do {
            got = waitpid(p->list[i].pid, &status, 0);
        } while (got < 0 && errno == EINTR);
        good = good && got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        close(p->list[i].fd);
    }
    p->n = 0;
    return good;
}

void procs_end(struct procs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        kill(p->list[i].pid, SIGKILL);
    }
    (void)procs_wait(p);
}

/* ---- Results ---- */

/* What goes before outputs and rows; both ends are the same program. */
struct result_head {
    whist_status status;
    struct whist_error err;
    uint64_t peak_bytes;
    int64_t time_ns;
    size_t n_rows, n_peers, n_output_bits;
    bool learns;
};

bool proc_send_result(int fd, const struct proc_result *r)
{
    const struct party_result *p = &r->result;
    struct result_head head;

    memset(&head, 0, sizeof(head)); /* the padding travels too */
    head.status = r->status;
    head.err = r->err;
    head.peak_bytes = r->peak_bytes;
    head.time_ns = p->cost.time_ns;
    head.n_rows = p->cost.n_rows;
    head.n_peers = p->cost.n_peers;
    head.n_output_bits = p->n_output_bits;
    head.learns = p->outputs != NULL;
    return write_all(fd, &head, sizeof(head)) &&
           (!head.learns || write_all(fd, p->outputs, head.n_output_bits)) &&
           write_all(fd, p->cost.rows, head.n_rows * sizeof(*p->cost.rows)) &&
           write_all(fd, p->cost.peers, head.n_peers * sizeof(*p->cost.peers));
}

static whist_status ended_early(size_t party, struct whist_error *err)
{
    whist_status st =
        cli_fail(err, WHIST_ERR_IO, "the process of party %zu ended without a result", party);

    err->peer = (int)party;
    return st;
}

whist_status proc_recv_result(struct proc_result *out, const struct proc *p, size_t party,
                              struct whist_error *err)
{
    struct party_result *r = &out->result;
    struct result_head head;

    memset(out, 0, sizeof(*out));
    if (!read_all(p->fd, &head, sizeof(head))) {
        return ended_early(party, err);
    }
    out->status = head.status;
    out->err = head.err;
    out->peak_bytes = head.peak_bytes;
    r->cost.time_ns = head.time_ns;
    r->cost.rows = calloc(head.n_rows + 1, sizeof(*r->cost.rows));
    r->outputs = head.learns ? calloc(head.n_output_bits + 1, 1) : NULL;
    if (r->cost.rows == NULL || (head.learns && r->outputs == NULL)) {
        party_result_clear(r);
        return cli_nomem(err);
    }
    r->cost.n_rows = head.n_rows;
    r->cost.n_peers = head.n_peers;
    r->n_output_bits = head.n_output_bits;
    if ((head.learns && !read_all(p->fd, r->outputs, head.n_output_bits)) ||
        !read_all(p->fd, r->cost.rows, head.n_rows * sizeof(*r->cost.rows)) ||
        !read_all(p->fd, r->cost.peers, head.n_peers * sizeof(*r->cost.peers))) {
        party_result_clear(r);
        return ended_early(party, err);
    }
    return WHIST_OK;
}

/* ---- A computation ---- */

uint8_t *party_inputs(const struct computation *c, const uint8_t *inputs, size_t party,
                      size_t *n_bits_out)
{
    uint8_t *own = calloc(total_bits(c->input_widths, c->n_inputs) + 1, 1);
    size_t n = 0;

    for (size_t k = 0; own != NULL && k < c->n_inputs; k++) {
        if (c->owners[k] == party) {
            memcpy(own + n, inputs, c->input_widths[k]);
            n += c->input_widths[k];
        }
        inputs += c->input_widths[k];
    }
    *n_bits_out = n;
    return own;
}

struct party_task {
    const struct computation *c;
    const uint8_t *inputs;
    struct loopback_urls urls;
    /* For TLS: keys that live as long as this command. All processes get all of them by the fork;
     * they belong to the same user, who sees all inputs anyway. */
    struct whist_identity *keys[WHIST_MAX_PARTIES];
    struct whist_session_file *session;
};

static bool uses_tls(const struct party_task *task)
{
    return !task->c->legacy && !task->c->plain;
}

static whist_status make_keys(struct party_task *task, struct whist_error *err)
{
    for (size_t i = 0; i < task->c->n && uses_tls(task); i++) {
        char name[40];
        snprintf(name, sizeof(name), "party-%zu", i);
        const struct whist_identity_options options = {.name = name, .days = 1};
        TRY(whist_identity_generate(&task->keys[i], &options, err));
    }
    return WHIST_OK;
}

/* A session of the present URLs and these keys. */
static whist_status make_session(struct party_task *task, struct whist_error *err)
{
    struct whist_card cards[WHIST_MAX_PARTIES] = {{0}};
    const struct whist_card *list[WHIST_MAX_PARTIES];
    char pins[WHIST_MAX_PARTIES][WHIST_PIN_TEXT], urls[WHIST_MAX_PARTIES][64];

    for (size_t i = 0; i < task->c->n; i++) {
        whist_identity_pin(task->keys[i], pins[i]);
        snprintf(urls[i], sizeof(urls[i]), "https%s", task->urls.text[i] + strlen("http"));
        cards[i].url = urls[i];
        cards[i].trust.name = whist_identity_name(task->keys[i]);
        cards[i].trust.proof.pin = pins[i];
        list[i] = &cards[i];
    }
    whist_session_file_free(task->session);
    task->session = NULL;
    return whist_session_file_new(&task->session, list, task->c->n, NULL, err);
}

static void clear_task(struct party_task *task)
{
    whist_session_file_free(task->session);
    for (size_t i = 0; i < WHIST_MAX_PARTIES; i++) {
        whist_identity_free(task->keys[i]);
    }
}

/* The options of a party; link is not cleared, since key and session belong to the task. */
static void set_link(struct party_link *link, const struct party_task *task, size_t me)
{
    memset(link, 0, sizeof(*link));
    if (uses_tls(task)) {
        link_use_session(link, task->session, me, task->keys[me]);
    } else {
        link->http.n = task->c->n;
        link->http.me = me;
        link->http.urls = task->urls.urls;
        link->http.legacy = task->c->legacy;
    }
    link->http.timeout_ms = task->c->session.timeout_ms;
    link->http.connect_timeout_ms = task->c->session.timeout_ms;
    link->http.log = task->c->session.log;
}

/* Writes "L" as soon as it listens, and goes on when the parent answers: then all listen, and
 * nobody waits to try again because a peer was not up yet. */
static whist_status run_child(struct proc_result *r, const struct party_task *task, size_t me,
                              int fd, bool *listens_out)
{
    struct computation c = *task->c;
    struct party_link *link = calloc(1, sizeof(*link));
    struct whist_channel *channel = NULL;
    size_t n_bits = 0;

    if (link == NULL) {
        return cli_nomem(&r->err);
    }
    set_link(link, task, me);
    whist_status st = watch_start(&r->err);
    if (st == WHIST_OK) {
        st = whist_channel_http_new(&channel, &link->http, &r->err);
    }
    free(link);
    TRY(st);
    *listens_out = true;
    char go;
    if (!write_all(fd, "L", 1) || !read_all(fd, &go, 1)) {
        whist_channel_free(channel);
        return cli_fail(&r->err, WHIST_ERR_IO, "the parent is gone");
    }
    uint8_t *own = party_inputs(&c, task->inputs, me, &n_bits);
    if (own == NULL) {
        whist_channel_free(channel);
        return cli_nomem(&r->err);
    }
    if (me != 0) {
        c.session.progress = NULL;
    }
    const struct values inputs = {own, n_bits};
    st = party_run(&r->result, &c, channel, &inputs, &r->err);
    progress_end();
    cli_wipe(own, n_bits);
    free(own);
    return st;
}

static int child_body(void *ctx, size_t me, int fd)
{
    struct proc_result r = {.err.peer = WHIST_NO_PEER};
    struct rusage usage;
    char who[24];

    snprintf(who, sizeof(who), "party %zu", me);
    logging_set_who(who);
    bool listens = false;
    r.status = run_child(&r, ctx, me, fd, &listens);
    if (!listens && !write_all(fd, "F", 1)) {
        return EXIT_ERROR;
    }
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        r.peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
    }
    bool sent = proc_send_result(fd, &r);
    party_result_clear(&r.result);
    return sent ? 0 : EXIT_ERROR;
}

/* Waits until all listen and lets them go on; the error of the first that cannot. */
static whist_status all_listen(const struct procs *p, struct whist_error *err)
{
    struct proc_result failed;

    for (size_t i = 0; i < p->n; i++) {
        char ready = 0;
        if (!read_all(p->list[i].fd, &ready, 1)) {
            return ended_early(i, err);
        }
        if (ready == 'F') {
            TRY(proc_recv_result(&failed, &p->list[i], i, err));
            party_result_clear(&failed.result);
            *err = failed.err;
            return failed.status;
        }
    }
    for (size_t i = 0; i < p->n; i++) {
        if (!write_all(p->list[i].fd, "G", 1)) {
            return ended_early(i, err);
        }
    }
    return WHIST_OK;
}

/* Starts the parties, with other ports if one was taken meanwhile. */
static whist_status start_parties(struct procs *p, struct party_task *task, struct whist_error *err)
{
    whist_status st = WHIST_ERR_IO;

    TRY(make_keys(task, err));
    for (int attempt = 0; attempt < PORT_ATTEMPTS && st == WHIST_ERR_IO; attempt++) {
        TRY(loopback_urls(&task->urls, task->c->n, err));
        if (uses_tls(task)) {
            TRY(make_session(task, err));
        }
        TRY(procs_start(p, task->c->n, child_body, task, err));
        st = all_listen(p, err);
        if (st != WHIST_OK) {
            procs_end(p);
        }
    }
    return st;
}

whist_status procs_compute(struct proc_result *results, const struct computation *c,
                           const uint8_t *inputs, struct whist_error *err)
{
    struct party_task task = {.c = c, .inputs = inputs};
    struct procs procs = {.n = 0};
    whist_status st = WHIST_OK;
    size_t n = 0;

    memset(results, 0, c->n * sizeof(*results));
    st = start_parties(&procs, &task, err);
    clear_task(&task); /* the processes have their own */
    TRY(st);
    st = watch_start(err);
    if (st == WHIST_OK) {
        watch_add(procs_cancel, &procs);
        for (; n < c->n && st == WHIST_OK; n++) {
            st = proc_recv_result(&results[n], &procs.list[n], n, err);
        }
        watch_remove(&procs);
        watch_stop();
    }
    if (st == WHIST_OK) {
        (void)procs_wait(&procs); /* their results are in */
    } else {
        procs_end(&procs);
    }
    for (size_t i = 0; st != WHIST_OK && i < n; i++) {
        party_result_clear(&results[i].result);
    }
    return st;
}
