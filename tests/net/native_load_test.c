/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native channels under load: everybody sends before anybody receives, messages larger than any
 * window, a party that does not receive, many sessions, many slow strangers (transport requirements
 * 2, 4, 11 and 16 in docs/tests.md). */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel_conformance.h"
#include "core/core.h"
#include "jobs.h"
#include "ports.h"

#define MIB ((size_t)1 << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* The most memory that this process ever had, in bytes. */
static size_t peak_memory(void)
{
    char line[200];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    CHECK(f != NULL);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "VmHWM: %zu", &kib) == 1) {
            break;
        }
    }
    fclose(f);
    return kib << 10;
}

static void check_memory(size_t before, size_t allowed)
{
    size_t now = peak_memory();

    printf("memory: %zu MiB more, %zu MiB allowed\n", (now - before) / MIB, allowed / MIB);
    CHECK(SANITIZED || now - before <= allowed);
}

/* Connected channels in one process, without proxies between them. */
static void make_direct(struct whist_channel **ch, size_t n, const struct whist_http_options *base)
{
    struct whist_error err;

    CHECK_OK(make_native_channels(ch, n, base, false, &err), err);
}

/* ---- Requirement 2 ---- */

struct all_to_all {
    size_t len;
};

static void send_then_receive(struct whist_channel *ch, void *ctx)
{
    const struct all_to_all *a = ctx;
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);
    struct whist_error err;

    for (size_t j = 0; j < n; j++) {
        struct whist_buffer msg = {0};
        if (j != me) {
            fill_pattern(&msg, a->len, me * 100 + j);
            CHECK_OK(whist_channel_send_owned(ch, j, &msg, "all", 0, &err), err);
        }
    }
    for (size_t j = 0; j < n; j++) {
        struct whist_buffer msg = {0};
        if (j != me) {
            CHECK_OK(whist_channel_recv(ch, j, &msg, "all", 0, &err), err);
            CHECK(has_pattern(&msg, a->len, j * 100 + me));
            whist_buffer_clear(&msg);
        }
    }
    CHECK_OK(whist_channel_close(ch, 0, &err), err);
}

/* len: in MiB in a soak run, a tenth otherwise. */
static void all_to_all(size_t n, size_t len)
{
    const size_t window = 2 * MIB;
    const struct whist_http_options base = {.inbox_bytes = window};
    struct all_to_all a = {.len = (size_t)test_scale((long)(len * MIB / 10))};
    struct whist_channel *ch[16];
    size_t before = peak_memory();

    make_direct(ch, n, &base);
    run_parties(ch, n, send_then_receive, &a);
    free_channels(ch, n);
    /* On each of the n (n − 1) ways: what is sent, what is received, a window and POSTs of slack.
     */
    check_memory(before, n * (n - 1) * (2 * a.len + window + 2 * MIB) + 32 * MIB);
}

static void all_to_all_3(void)
{
    all_to_all(3, 64);
}

static void all_to_all_8(void)
{
    all_to_all(8, 16);
}

static void all_to_all_16(void)
{
    all_to_all(16, 8);
}

static void exchange_party(struct whist_channel *ch, void *ctx)
{
    size_t len = *(size_t *)ctx, me = whist_channel_me(ch);
    struct whist_buffer mine = {0}, in[2] = {{0}};
    struct whist_bytes out[2];
    struct whist_error err;

    fill_pattern(&mine, len, me);
    out[1 - me] = whist_buffer_view(&mine);
    out[me] = whist_bytes(NULL, 0);
    CHECK_OK(whist_exchange(ch, in, out, "swap", 0, &err), err);
    CHECK(has_pattern(&in[1 - me], len, 1 - me));
    whist_buffer_clear(&in[0]);
    whist_buffer_clear(&in[1]);
    whist_buffer_clear(&mine);
    CHECK_OK(whist_channel_close(ch, 0, &err), err);
}

/* 1 GiB each way at once in a soak run, in one message, with windows and outboxes of 8 MiB. */
static void exchange_large(void)
{
    const struct whist_http_options base = {.inbox_bytes = 8 * MIB, .outbox_bytes = 8 * MIB};
    size_t len = (size_t)test_scale((long)(1024 * MIB / 10)), before;
    struct whist_channel *ch[2];

    make_direct(ch, 2, &base);
    before = peak_memory();
    run_parties(ch, 2, exchange_party, &len);
    free_channels(ch, 2);
    /* Each party: its message, the copy that is sent, what arrives; twice the window. */
    check_memory(before, 2 * (3 * len + 16 * MIB) + 32 * MIB);
}

/* By send alone nothing moves on: an error at the deadline; others are not concerned. */
static void deaf_party(void)
{
    const struct whist_http_options base = {.inbox_bytes = 4 * MIB, .outbox_bytes = 4 * MIB};
    struct whist_buffer got = {0};
    struct whist_channel *ch[3];
    struct whist_error err;
    size_t sent = 0;
    whist_status st;
    uint8_t *block = calloc(1, MIB);

    CHECK(block != NULL);
    make_direct(ch, 3, &base);
    do {
        int64_t deadline = whist_clock_ms() + 300;
        st = whist_channel_send(ch[0], 2, whist_bytes(block, MIB), "x", deadline, &err);
        sent += st == WHIST_OK;
        CHECK(st == WHIST_OK || whist_clock_ms() >= deadline);
    } while (st == WHIST_OK && sent < 1024);
    CHECK(st == WHIST_ERR_WINDOW_FULL && err.peer == 2 && sent >= 4);
    printf("after %zu MiB: %s\n", sent, err.text);
    for (size_t i = 0; i < 100; i++) { /* party 1 is not held up by party 2 */
        CHECK_OK(whist_channel_send(ch[0], 1, whist_bytes(block, MIB), "y", 0, &err), err);
        CHECK_OK(whist_channel_recv(ch[1], 0, &got, "y", 0, &err), err);
        CHECK(got.len == MIB);
        whist_buffer_clear(&got);
    }
    for (size_t i = 0; i < sent; i++) { /* nothing was lost, and nothing was sent by the failure */
        CHECK_OK(whist_channel_recv(ch[2], 0, &got, "x", 0, &err), err);
        whist_buffer_clear(&got);
    }
    CHECK(whist_channel_recv(ch[2], 0, &got, "x", whist_clock_ms() + 50, &err) ==
          WHIST_ERR_TIMEOUT);
    free_channels(ch, 3);
    free(block);
}

/* ---- Requirement 11 ---- */

#define SESSIONS 100
#define PARTIES  4
#define ROUNDS   10

struct session {
    struct whist_channel *ch[PARTIES];
    uint64_t number;
};

static struct session sessions[SESSIONS];

static bool aborts(uint64_t session)
{
    return session % 10 == 3;
}

/* Every round everybody tells everybody a number of this session. In a session that aborts, one
 * party does so in the middle, and the others must see that. */
static void session_party(struct whist_channel *ch, void *ctx)
{
    const struct session *s = ctx;
    size_t me = whist_channel_me(ch);
    whist_status st = WHIST_OK;
    struct whist_error err = {.status = WHIST_OK};

    for (uint64_t r = 0; r < ROUNDS && st == WHIST_OK; r++) {
        struct whist_buffer in[PARTIES] = {{0}};
        struct whist_bytes out[PARTIES];
        uint64_t mine = mix(s->number << 32 ^ r << 8 ^ me);
        for (size_t j = 0; j < PARTIES; j++) {
            out[j] = whist_bytes(&mine, sizeof mine);
        }
        if (aborts(s->number) && me == s->number % PARTIES && r == ROUNDS / 2) {
            const struct whist_error why = {
                .status = WHIST_ERR_CHECK, .peer = WHIST_NO_PEER, .text = "on purpose"};
            whist_channel_abort(ch, &why);
        }
        st = whist_exchange(ch, in, out, "round", 0, &err);
        for (size_t j = 0; j < PARTIES; j++) {
            uint64_t want = mix(s->number << 32 ^ r << 8 ^ j);
            CHECK(st != WHIST_OK || j == me ||
                  (in[j].len == sizeof want && memcmp(in[j].data, &want, sizeof want) == 0));
            whist_buffer_clear(&in[j]);
        }
    }
    if (aborts(s->number)) {
        CHECK_MSG(st == WHIST_ERR_ABORTED || st == WHIST_ERR_CHECK, "%s", err.text);
        CHECK(strstr(err.text, "on purpose") != NULL);
    } else {
        CHECK_MSG(st == WHIST_OK, "session %llu: %s", (unsigned long long)s->number, err.text);
        CHECK_OK(whist_channel_close(ch, 0, &err), err);
    }
}

static void run_session(void *ctx, size_t k)
{
    (void)ctx;
    run_parties(sessions[k].ch, PARTIES, session_party, &sessions[k]);
}

static void hundred_sessions(void)
{
    struct whist_endpoint *ep[PARTIES];
    char url[PARTIES][40];
    const char *urls[PARTIES];
    struct whist_error err;

    for (size_t i = 0; i < PARTIES; i++) {
        const struct whist_endpoint_options o = {.listen = "127.0.0.1:0"};
        CHECK_OK(whist_endpoint_new(&ep[i], &o, &err), err);
        snprintf(url[i], sizeof url[i], "http://127.0.0.1:%u",
                 (unsigned)whist_endpoint_port(ep[i]));
        urls[i] = url[i];
    }
    for (size_t k = 0; k < SESSIONS; k++) {
        sessions[k].number = k;
        for (size_t i = 0; i < PARTIES; i++) {
            struct whist_http_options o = {.n = PARTIES, .me = i, .urls = urls, .endpoint = ep[i]};
            o.connections = 1;
            o.session[0] = (uint8_t)k;
            CHECK_OK(whist_channel_http_new(&sessions[k].ch[i], &o, &err), err);
        }
    }
    run_jobs(SESSIONS, 20, run_session, NULL);
    for (size_t k = 0; k < SESSIONS; k++) {
        free_channels(sessions[k].ch, PARTIES);
    }
    for (size_t i = 0; i < PARTIES; i++) {
        whist_endpoint_free(ep[i]);
    }
}

/* ---- Requirement 16 ---- */

/* A stranger that sends a request, or half of a head, and then nothing more. */
static int slow_stranger(uint16_t port, size_t k)
{
    static const char text[] = "POST /s/00000000000000000000000000000000/msg/1 HTTP/1.1\r\n"
                               "host: x\r\ncontent-length: 1000000\r\n\r\nbegin";
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
        CHECK(errno == ECONNREFUSED || errno == ECONNRESET);
        close(fd);
        return -1;
    }
    (void)send(fd, text, k % (sizeof text - 1), MSG_NOSIGNAL); /* it may be closed already */
    return fd;
}

/* 10,000 in a soak run: more than the server keeps; the parties do not notice. */
static void slow_strangers(void)
{
    size_t n = (size_t)test_scale(1000), before = peak_memory();
    int *fds = malloc(n * sizeof *fds);
    struct whist_buffer got = {0};
    struct whist_channel *ch[2];
    struct whist_error err;
    uint16_t port;

    CHECK(fds != NULL);
    make_direct(ch, 2, NULL);
    port = whist_channel_http_port(ch[0]);
    for (size_t k = 0; k < n; k++) {
        size_t from = k % 2;
        fds[k] = slow_stranger(port, k);
        CHECK_OK(whist_channel_send(ch[from], 1 - from, whist_bytes(&k, sizeof k), "x", 0, &err),
                 err);
        CHECK_OK(whist_channel_recv(ch[1 - from], from, &got, "x", 0, &err), err);
        CHECK(got.len == sizeof k && memcmp(got.data, &k, sizeof k) == 0);
        whist_buffer_clear(&got);
    }
    check_memory(before, 64 * MIB);
    for (size_t k = 0; k < n; k++) {
        if (fds[k] >= 0) {
            close(fds[k]);
        }
    }
    free_channels(ch, 2);
    free(fds);
}

static const struct test_case cases[] = {
    {"all_to_all_3", all_to_all_3},     {"all_to_all_8", all_to_all_8},
    {"all_to_all_16", all_to_all_16},   {"exchange_large", exchange_large},
    {"deaf_party", deaf_party},         {"hundred_sessions", hundred_sessions},
    {"slow_strangers", slow_strangers},
};
TEST_MAIN(cases)
