/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* How native channels begin and end between processes: parties that are killed, stopped, late,
 * missing, or gone right after their last word (transport requirements 5, 8 and 13 in
 * docs/tests.md). */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "channel/native.h"
#include "core/core.h"
#include "harness.h"
#include "jobs.h"
#include "ports.h"

/* ---- Parties that are processes ---- */

struct group {
    size_t n;
    struct whist_http_options options;
    char url[WHIST_MAX_PARTIES][40];
    const char *urls[WHIST_MAX_PARTIES];
    int fds[WHIST_MAX_PARTIES]; /* bound; whether they listen already is up to the case */
    pid_t pid[WHIST_MAX_PARTIES];
};

/* A socket with a port of its own that refuses connections until somebody listens on it. */
static int bind_loopback(uint16_t *port_out)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0 && bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    *port_out = whist_net_port(fd);
    return fd;
}

static void make_group(struct group *g, size_t n, const struct whist_http_options *base)
{
    *g = (struct group){.n = n, .options = *base};
    for (size_t i = 0; i < n; i++) {
        uint16_t port;
        g->fds[i] = bind_loopback(&port);
        snprintf(g->url[i], sizeof g->url[i], "http://127.0.0.1:%u", (unsigned)port);
        g->urls[i] = g->url[i];
    }
    g->options.n = n;
    g->options.urls = g->urls;
}

static struct whist_channel *join(struct group *g, size_t i)
{
    struct whist_channel *ch;
    struct whist_error err;

    CHECK(listen(g->fds[i], 512) == 0);
    g->options.me = i;
    CHECK_OK(whist_channel_native_new_fd(&ch, &g->options, g->fds[i], &err), err);
    return ch;
}

/* Runs party i in a process of its own, which ends with what `body` returns. */
static void start(struct group *g, size_t i, int (*body)(struct whist_channel *ch, void *ctx),
                  void *ctx)
{
    fflush(stdout);
    g->pid[i] = fork();
    CHECK(g->pid[i] >= 0);
    if (g->pid[i] == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody outlives a failed case */
        struct whist_channel *ch = join(g, i);
        for (size_t k = 0; k < g->n; k++) {
            if (k != i) {
                close(g->fds[k]);
            }
        }
        int status = body(ch, ctx);
        whist_channel_free(ch);
        fflush(stdout);
        _exit(status);
    }
}

static void close_sockets(struct group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        close(g->fds[i]);
    }
}

static int wait_for(pid_t pid)
{
    int status;

    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

static void all_succeed(struct group *g)
{
    for (size_t i = 0; i < g->n; i++) {
        int status = wait_for(g->pid[i]);
        CHECK_MSG(WIFEXITED(status) && WEXITSTATUS(status) == 0, "party %zu: status %d", i, status);
    }
}

static void send_text(struct whist_channel *ch, size_t to, const char *text)
{
    struct whist_error err;

    CHECK_OK(whist_channel_send(ch, to, whist_bytes(text, strlen(text)), "x", 0, &err), err);
}

static void expect_text(struct whist_channel *ch, size_t from, const char *text)
{
    struct whist_buffer got = {0};
    struct whist_error err;

    CHECK_OK(whist_channel_recv(ch, from, &got, "x", 0, &err), err);
    CHECK_MSG(got.len == strlen(text) && memcmp(got.data, text, got.len) == 0, "%.*s", (int)got.len,
              (const char *)got.data);
    whist_buffer_clear(&got);
}

/* Everybody hears of everybody. */
static void meet(struct whist_channel *ch)
{
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);

    for (size_t j = 0; j < n; j++) {
        if (j != me) {
            send_text(ch, j, "hello");
        }
    }
    for (size_t j = 0; j < n; j++) {
        if (j != me) {
            expect_text(ch, j, "hello");
        }
    }
}

/* A party that leaves without a word does so when all have what it said before. */
static void last_of_all(struct whist_channel *ch, size_t leaver)
{
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);

    meet(ch);
    if (me != leaver) {
        send_text(ch, leaver, "ready");
        return;
    }
    for (size_t j = 0; j < n; j++) {
        if (j != me) {
            expect_text(ch, j, "ready");
        }
    }
}

static int close_well(struct whist_channel *ch)
{
    struct whist_error err;

    CHECK_OK(whist_channel_close(ch, 0, &err), err);
    return 0;
}

/* ---- Requirement 5 ---- */

#define VICTIM 3

static int until_killed(struct whist_channel *ch, void *ctx)
{
    struct whist_buffer got = {0};
    struct whist_error err;
    size_t me = whist_channel_me(ch);

    (void)ctx;
    last_of_all(ch, VICTIM);
    if (me == VICTIM) {
        kill(getpid(), SIGKILL);
    }
    whist_status st = whist_channel_recv(ch, VICTIM, &got, "x", 0, &err);
    printf("party %zu: %s\n", me, err.text);
    CHECK_MSG(st == WHIST_ERR_UNREACHABLE || st == WHIST_ERR_ABORTED, "%s: %s",
              whist_status_name(st), err.text);
    CHECK(strstr(err.text, "party 3") != NULL);
    whist_channel_abort(ch, &err); /* as a computation does */
    return 0;
}

/* The text names the party, whoever notices first. */
static void killed(void)
{
    const struct whist_http_options base = {.heartbeat_ms = 300};
    struct group g;

    make_group(&g, 5, &base);
    for (size_t i = 0; i < g.n; i++) {
        start(&g, i, until_killed, NULL);
    }
    close_sockets(&g);
    for (size_t i = 0; i < g.n; i++) {
        int status = wait_for(g.pid[i]);
        CHECK(i == VICTIM ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : status == 0);
    }
}

static int until_abort(struct whist_channel *ch, void *ctx)
{
    struct whist_error err = {.status = WHIST_ERR_CHECK, .peer = WHIST_NO_PEER};
    struct whist_buffer got = {0};
    size_t me = whist_channel_me(ch);

    (void)ctx;
    last_of_all(ch, VICTIM); /* an abort overtakes what has not been taken */
    if (me == VICTIM) {
        snprintf(err.text, sizeof err.text, "the sum is wrong");
        snprintf(err.phase, sizeof err.phase, "sum");
        whist_channel_abort(ch, &err);
        return 0;
    }
    CHECK(whist_channel_recv(ch, (me + 1) % 5 == VICTIM ? (me + 2) % 5 : (me + 1) % 5, &got, "x", 0,
                             &err) == WHIST_ERR_ABORTED);
    CHECK_MSG(err.peer == VICTIM && strstr(err.text, "the sum is wrong") != NULL, "peer %d: %s",
              err.peer, err.text);
    return 0;
}

static void aborted(void)
{
    const struct whist_http_options base = {.heartbeat_ms = 60000, .dead_ms = 120000};
    struct group g;

    make_group(&g, 5, &base);
    for (size_t i = 0; i < g.n; i++) {
        start(&g, i, until_abort, NULL);
    }
    close_sockets(&g);
    all_succeed(&g);
}

static int to_sleeper(struct whist_channel *ch, void *ctx)
{
    int go = *(int *)ctx;
    char byte;

    meet(ch);
    CHECK(read(go, &byte, 1) == 1); /* it is stopped */
    for (int i = 0; i < 100; i++) {
        send_text(ch, 1, "while you slept");
    }
    printf("sent\n");
    fflush(stdout);
    CHECK(read(go, &byte, 1) == 1);
    expect_text(ch, 1, "awake");
    return close_well(ch);
}

static int sleeper(struct whist_channel *ch, void *ctx)
{
    (void)ctx;
    meet(ch);
    raise(SIGSTOP);
    for (int i = 0; i < 100; i++) {
        expect_text(ch, 0, "while you slept");
    }
    send_text(ch, 0, "awake");
    return close_well(ch);
}

/* For less than the time after which it would be dead: nothing is lost. */
static void stopped(void)
{
    const struct whist_http_options base = {.heartbeat_ms = 100, .dead_ms = 60000};
    struct group g;
    int go[2], status;

    CHECK(pipe(go) == 0);
    make_group(&g, 2, &base);
    start(&g, 0, to_sleeper, &go[0]);
    start(&g, 1, sleeper, NULL);
    close_sockets(&g);
    CHECK(waitpid(g.pid[1], &status, WUNTRACED) == g.pid[1] && WIFSTOPPED(status));
    CHECK(write(go[1], "12", 2) == 2);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL); /* some heartbeats pass */
    CHECK(kill(g.pid[1], SIGCONT) == 0);
    all_succeed(&g);
}

/* ---- Requirement 8 ---- */

static int late(struct whist_channel *ch, void *ctx)
{
    (void)ctx;
    meet(ch);
    return close_well(ch);
}

/* Eight parties come one by one in a random order, within a second. */
static void start_orders(void)
{
    const struct whist_http_options base = {.connect_timeout_ms = 60000};

    for (uint64_t order = 0; order < (uint64_t)test_scale(5); order++) {
        struct group g;
        size_t who[8];
        make_group(&g, 8, &base);
        for (size_t i = 0; i < 8; i++) {
            size_t at = mix(order * 8 + i) % (i + 1);
            who[i] = i;
            who[i] = who[at];
            who[at] = i;
        }
        for (size_t i = 0; i < 8; i++) {
            nanosleep(&(struct timespec){.tv_nsec = (long)(mix(order ^ i) % 120) * 1000000}, NULL);
            start(&g, who[i], late, NULL);
        }
        close_sockets(&g);
        all_succeed(&g);
    }
}

/* What a party says of one that it cannot reach at this URL. */
static void unreachable(const char *url, const char *reason)
{
    const struct whist_http_options base = {
        .connect_timeout_ms = 300, .insecure = true, .token = "0123456789abcdef"};
    struct whist_buffer got = {0};
    struct whist_channel *ch;
    struct whist_error err;
    struct group g;

    make_group(&g, 2, &base);
    if (url != NULL) {
        g.urls[1] = url;
    }
    ch = join(&g, 0);
    CHECK(whist_channel_recv(ch, 1, &got, "x", 0, &err) == WHIST_ERR_UNREACHABLE);
    printf("%s\n", err.text);
    CHECK(err.peer == 1 && strcmp(err.phase, "x") == 0 && strstr(err.text, "party 1") != NULL);
    CHECK_MSG(strstr(err.text, reason) != NULL, "'%s' is not in it", reason);
    whist_channel_free(ch);
    close(g.fds[1]);
}

static void missing_party(void)
{
    unreachable(NULL, "refused");
}

static void wrong_host(void)
{
    unreachable("http://no-such-host.invalid:9", "resolved");
}

/* A server that is there, but speaks something else, first or when it is spoken to. */
static void other_server(bool first, const char *reason)
{
    uint16_t port;
    int fd = listen_loopback(&port);
    char url[40], byte;
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int peer; (peer = accept(fd, NULL, NULL)) >= 0; close(peer)) {
            (void)(first || recv(peer, &byte, 1, 0));
            (void)send(peer, "220 mail ready\r\n", 16, MSG_NOSIGNAL);
        }
        _exit(0);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)port);
    unreachable(url, reason);
    CHECK(kill(pid, SIGKILL) == 0);
    wait_for(pid);
    close(fd);
}

static void wrong_server(void)
{
    other_server(false, "did not answer in HTTP/1.1");
}

static void eager_server(void)
{
    other_server(true, "it ");
}

/* ---- Requirement 13 ---- */

static int last_word(struct whist_channel *ch, void *ctx)
{
    (void)ctx;
    expect_text(ch, 1, "last question");
    send_text(ch, 1, "last word");
    return close_well(ch);
}

static int listener(struct whist_channel *ch, void *ctx)
{
    (void)ctx;
    send_text(ch, 0, "last question");
    expect_text(ch, 0, "last word");
    return close_well(ch);
}

/* The party with the last word exits at once: 1,000 times in a soak run, none is lost. */
static void last_words(void)
{
    const struct whist_http_options base = {.timeout_ms = 60000};

    for (long i = 0; i < test_scale(100); i++) {
        struct group g;
        make_group(&g, 2, &base);
        start(&g, 0, last_word, NULL);
        start(&g, 1, listener, NULL);
        close_sockets(&g);
        all_succeed(&g);
    }
}

static int goes_without_word(struct whist_channel *ch, void *ctx)
{
    (void)ctx;
    last_of_all(ch, 1);
    kill(getpid(), SIGKILL);
    return 1;
}

/* A close whose peer is dead ends at its deadline at the latest, and says so. */
static void close_with_the_dead(void)
{
    const struct whist_http_options base = {.heartbeat_ms = 60000, .dead_ms = 120000};
    struct whist_channel *ch;
    struct whist_error err;
    struct group g;

    make_group(&g, 2, &base);
    start(&g, 1, goes_without_word, NULL);
    close(g.fds[1]);
    ch = join(&g, 0);
    last_of_all(ch, 1);
    wait_for(g.pid[1]);
    send_text(ch, 1, "to nobody");
    int64_t deadline = whist_clock_ms() + 500;
    whist_status st = whist_channel_close(ch, deadline, &err);
    CHECK_MSG(st == WHIST_ERR_TIMEOUT || st == WHIST_ERR_UNREACHABLE, "%s", whist_status_name(st));
    printf("%s\n", err.text);
    CHECK(st != WHIST_ERR_TIMEOUT || whist_clock_ms() >= deadline);
    whist_channel_free(ch);
}

static const struct test_case cases[] = {
    {"killed", killed},
    {"aborted", aborted},
    {"stopped", stopped},
    {"start_orders", start_orders},
    {"missing_party", missing_party},
    {"wrong_host", wrong_host},
    {"wrong_server", wrong_server},
    {"eager_server", eager_server},
    {"last_words", last_words},
    {"close_with_the_dead", close_with_the_dead},
};
TEST_MAIN(cases)
