/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The fault proxy does what its plan says: on raw sockets, then under legacy channels. */
#include "fault_proxy.h"

#include <unistd.h>

#include "core/core.h"
#include "jobs.h"
#include "ports.h"
#include "raw_http.h"

#define REQUEST "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nhello"
#define ANSWER  "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes"

/* A server socket of the test with a proxy in front of it. */
struct net {
    int listen_fd;
    struct fault_proxy *proxy;
};

static struct net make_net(const struct fault_plan *plan)
{
    struct net net;
    uint16_t port;

    net.listen_fd = listen_loopback(&port);
    net.proxy = fault_proxy_new(port, plan);
    return net;
}

static void end_net(struct net *net)
{
    fault_proxy_free(net->proxy);
    close(net->listen_fd);
}

static int client_of(const struct net *net)
{
    return raw_connect(fault_proxy_port(net->proxy));
}

/* ---- Streams ---- */

static void passes_bytes(void)
{
    struct net net = make_net(NULL);
    int client = client_of(&net), server = raw_accept(net.listen_fd);
    enum { LEN = 100000, TIMES = 50 };
    uint8_t *data = malloc(LEN), *got = malloc(LEN);
    struct fault_counts counts;

    CHECK(data != NULL && got != NULL);
    for (uint64_t i = 0; i < TIMES; i++) {
        for (size_t k = 0; k < LEN; k++) {
            data[k] = (uint8_t)mix(i * LEN + k);
        }
        raw_send(client, data, LEN);
        raw_read(server, got, LEN);
        CHECK(memcmp(data, got, LEN) == 0);
        raw_send(server, data, LEN / 2);
        raw_read(client, got, LEN / 2);
    }
    raw_half_close(client);
    raw_expect_fin(server);
    raw_send_text(server, "rest");
    close(server);
    raw_expect(client, "rest");
    raw_expect_fin(client);
    counts = fault_proxy_counts(net.proxy);
    CHECK(counts.bytes_up == (uint64_t)LEN * TIMES && counts.connections == 1);
    CHECK(counts.bytes_down == (uint64_t)LEN / 2 * TIMES + 4);
    close(client);
    free(data);
    free(got);
    end_net(&net);
}

/* How many bytes arrive of a stream of 100,000 before the proxy cuts it. */
static size_t arrives(uint64_t seed)
{
    const struct fault_plan plan = {.seed = seed, .cut_bytes = 20000};
    struct net net = make_net(&plan);
    int client = client_of(&net), server = raw_accept(net.listen_fd);
    static const char block[1000];
    size_t n = 0;

    for (int i = 0; i < 100; i++) {
        if (send(client, block, sizeof block, MSG_NOSIGNAL) < 0) {
            break; /* cut already */
        }
    }
    for (char b[4096];;) {
        ssize_t got = recv(server, b, sizeof b, 0);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
    }
    CHECK(fault_proxy_counts(net.proxy).cut_streams == 1);
    close(client);
    close(server);
    end_net(&net);
    return n;
}

static void cuts_streams(void)
{
    size_t first = arrives(1);

    CHECK(first >= 1 && first <= 40000);
    CHECK(arrives(1) == first);
    CHECK(arrives(2) != first);
}

static void cut_by_hand(void)
{
    struct net net = make_net(NULL);
    int a = client_of(&net), sa = raw_accept(net.listen_fd);
    int b = client_of(&net), sb = raw_accept(net.listen_fd);

    CHECK(fault_proxy_cut(net.proxy) == 2);
    raw_expect_end(a);
    raw_expect_end(b);
    raw_expect_end(sa);
    raw_expect_end(sb);
    CHECK(fault_proxy_counts(net.proxy).open == 0);
    CHECK(fault_proxy_cut(net.proxy) == 0);
    close(a);
    close(b);
    close(sa);
    close(sb);
    end_net(&net);
}

static void pauses(void)
{
    struct net net = make_net(NULL);
    int early = client_of(&net), server = raw_accept(net.listen_fd), late;

    raw_send_text(early, "x");
    raw_expect(server, "x");
    fault_proxy_pause(net.proxy, true);
    late = client_of(&net);
    raw_send_text(early, "y");
    raw_send_text(late, "z");
    CHECK(raw_is_silent(server) && raw_nobody_connects(net.listen_fd));
    fault_proxy_pause(net.proxy, false);
    raw_expect(server, "y");
    close(server);
    server = raw_accept(net.listen_fd);
    raw_expect(server, "z");
    close(server);
    close(early);
    close(late);
    end_net(&net);
}

static void refuses(void)
{
    struct net net = make_net(NULL);
    int fd;

    fault_proxy_refuse(net.proxy, true);
    fd = client_of(&net);
    raw_expect_end(fd);
    close(fd);
    CHECK(raw_nobody_connects(net.listen_fd));
    fault_proxy_refuse(net.proxy, false);
    fd = client_of(&net);
    close(raw_accept(net.listen_fd));
    raw_expect_end(fd);
    close(fd);
    end_net(&net);
}

/* Nobody listens behind the proxy. */
static void no_server(void)
{
    struct net net = make_net(NULL);
    int fd;

    close(net.listen_fd);
    net.listen_fd = dup(STDIN_FILENO);
    fd = client_of(&net);
    raw_expect_end(fd);
    close(fd);
    end_net(&net);
}

/* ---- Requests ---- */

static const struct fault_plan http = {.http = true};

static void passes_requests(void)
{
    struct net net = make_net(&http);
    int client = client_of(&net), server = raw_accept(net.listen_fd);
    struct fault_counts counts;

    raw_send_slowly(client, REQUEST);
    raw_send_text(client, REQUEST REQUEST);
    raw_expect(server, REQUEST REQUEST REQUEST);
    raw_send_text(server, "HTTP/1.1 100 Continue\r\n\r\n" ANSWER ANSWER);
    raw_send_slowly(server, "HTTP/1.1 405 No\r\nContent-Length:0\r\n\r\n");
    raw_expect(client, "HTTP/1.1 100 Continue\r\n\r\n" ANSWER ANSWER
                       "HTTP/1.1 405 No\r\nContent-Length:0\r\n\r\n");
    counts = fault_proxy_counts(net.proxy);
    CHECK(counts.requests == 3 && counts.answers == 3);
    raw_send_text(client, "POST /b HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf");
    raw_half_close(client);
    raw_expect(server, "POST /b HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf");
    raw_expect_fin(server);
    close(server);
    raw_expect_fin(client);
    close(client);
    end_net(&net);
}

static void drops_requests(void)
{
    const struct fault_plan plan = {.http = true, .drop_request = 1000};
    struct net net = make_net(&plan);
    int client = client_of(&net), server = raw_accept(net.listen_fd);

    raw_send_text(client, REQUEST);
    raw_expect_end(client);
    raw_expect_end(server);
    CHECK(fault_proxy_counts(net.proxy).dropped_requests == 1);
    close(client);
    close(server);
    end_net(&net);
}

static void drops_answers(void)
{
    const struct fault_plan plan = {.http = true, .drop_answer = 1000};
    struct net net = make_net(&plan);
    int client = client_of(&net), server = raw_accept(net.listen_fd);

    raw_send_text(client, REQUEST REQUEST);
    raw_expect(server, REQUEST);
    raw_send_text(server, ANSWER);
    raw_expect_end(client);
    CHECK(fault_proxy_counts(net.proxy).dropped_answers == 1);
    close(client);
    close(server);
    end_net(&net);
}

/* The connection lives on and says nothing: only a timeout helps its client. */
static void swallows(void)
{
    const struct fault_plan plan = {.http = true, .drop_answer = 1000, .silent = 1000};
    struct net net = make_net(&plan);
    int client = client_of(&net), server = raw_accept(net.listen_fd);
    int other = client_of(&net), other_server = raw_accept(net.listen_fd);

    raw_send_text(client, REQUEST);
    raw_expect(server, REQUEST);
    raw_send_text(server, ANSWER);
    fault_proxy_set_plan(net.proxy, &http);
    while (fault_proxy_counts(net.proxy).silent == 0) { /* a round trip on another connection */
        raw_send_text(other, REQUEST);
        raw_expect(other_server, REQUEST);
        raw_send_text(other_server, ANSWER);
        raw_expect(other, ANSWER);
    }
    CHECK(raw_is_silent(client));
    close(client);
    raw_expect_end(server);
    close(server);
    close(other);
    close(other_server);
    end_net(&net);
}

static void cuts_requests(void)
{
    const struct fault_plan plan = {.http = true, .cut_request = 1000, .reset = 500};
    struct net net = make_net(&plan);
    size_t shortest = 1000, longest = 0;

    for (int i = 0; i < 50; i++) {
        int client = client_of(&net), server = raw_accept(net.listen_fd);
        char got[sizeof REQUEST];
        ssize_t n;
        size_t len = 0;
        raw_send_text(client, REQUEST);
        while ((n = recv(server, got + len, sizeof got - len, 0)) > 0) {
            len += (size_t)n;
        }
        CHECK(len < sizeof REQUEST - 1 && memcmp(got, REQUEST, len) == 0);
        raw_expect_end(client);
        shortest = len < shortest ? len : shortest;
        longest = len > longest ? len : longest;
        close(client);
        close(server);
    }
    CHECK(fault_proxy_counts(net.proxy).cut_requests == 50);
    CHECK(longest > shortest);
    end_net(&net);
}

static void cuts_answers(void)
{
    const struct fault_plan plan = {.http = true, .cut_answer = 1000};
    struct net net = make_net(&plan);

    for (int i = 0; i < 20; i++) {
        int client = client_of(&net), server = raw_accept(net.listen_fd);
        char got[sizeof ANSWER];
        ssize_t n;
        size_t len = 0;
        raw_send_text(client, REQUEST);
        raw_expect(server, REQUEST);
        raw_send_text(server, ANSWER);
        while ((n = recv(client, got + len, sizeof got - len, 0)) > 0) {
            len += (size_t)n;
        }
        CHECK(len < sizeof ANSWER - 1 && memcmp(got, ANSWER, len) == 0);
        close(client);
        close(server);
    }
    CHECK(fault_proxy_counts(net.proxy).cut_answers == 20);
    end_net(&net);
}

/* A server for one connection that answers every request until its client ends; returns how many
 * there were. */
static int answer_all(int fd)
{
    char got[sizeof REQUEST];
    int requests = 0;

    for (size_t len = 0;;) {
        ssize_t n = recv(fd, got + len, sizeof REQUEST - 1 - len, 0);
        if (n <= 0) {
            close(fd);
            return requests;
        }
        len += (size_t)n;
        if (len == sizeof REQUEST - 1) {
            CHECK(memcmp(got, REQUEST, len) == 0);
            raw_send_text(fd, ANSWER);
            requests++;
            len = 0;
        }
    }
}

static void repeats(void)
{
    const struct fault_plan plan = {.http = true, .repeat = 1000};
    struct net net = make_net(&plan);
    int client = client_of(&net), server = raw_accept(net.listen_fd), seen, later = 0;
    uint64_t n;

    for (int i = 0; i < 20; i++) {
        raw_send_text(client, REQUEST);
    }
    raw_half_close(client);
    seen = answer_all(server);
    for (int i = 0; i < 20; i++) {
        raw_expect(client, ANSWER);
    }
    raw_expect_end(client);
    while (seen + later < 40) { /* the others come on connections of their own */
        later += answer_all(raw_accept(net.listen_fd));
    }
    CHECK(seen > 20 && later > 0);
    n = fault_proxy_counts(net.proxy).repeats;
    CHECK(n == 20);
    close(client);
    end_net(&net);
}

static void holds(void)
{
    const struct fault_plan plan = {.http = true, .hold = 1000, .hold_ms = 1000000000};
    struct net net = make_net(&plan);
    int held = client_of(&net), held_server = raw_accept(net.listen_fd);
    int other = client_of(&net), server = raw_accept(net.listen_fd);

    raw_send_text(held, REQUEST);
    while (fault_proxy_counts(net.proxy).held == 0) {
        sched_yield();
    }
    fault_proxy_set_plan(net.proxy, &http);
    raw_send_text(other, REQUEST);
    raw_expect(server, REQUEST);
    raw_send_text(server, ANSWER);
    raw_expect(other, ANSWER);
    CHECK(raw_is_silent(held_server));
    close(held);
    close(held_server);
    close(other);
    close(server);
    end_net(&net);
}

static void releases(void)
{
    const struct fault_plan plan = {.http = true, .hold = 1000, .hold_ms = 20};
    struct net net = make_net(&plan);
    int client = client_of(&net), server = raw_accept(net.listen_fd);

    for (int i = 0; i < 10; i++) {
        raw_send_text(client, REQUEST);
        raw_expect(server, REQUEST);
        raw_send_text(server, ANSWER);
        raw_expect(client, ANSWER);
    }
    CHECK(fault_proxy_counts(net.proxy).held == 10);
    close(client);
    close(server);
    end_net(&net);
}

/* What became of 100 requests, each on a new connection, as one letter each. */
static void fates(uint64_t seed, char out[101])
{
    const struct fault_plan plan = {
        .http = true, .seed = seed, .drop_request = 300, .drop_answer = 300};
    struct net net = make_net(&plan);

    for (int i = 0; i < 100; i++) {
        int client = client_of(&net), server = raw_accept(net.listen_fd);
        char got[sizeof ANSWER];
        int served;
        raw_send_text(client, REQUEST);
        raw_half_close(client);
        served = answer_all(server);
        out[i] = served == 0 ? '-' : recv(client, got, sizeof got, 0) > 0 ? 'p' : 'a';
        close(client);
    }
    out[100] = '\0';
    end_net(&net);
}

static void same_seed_same_fates(void)
{
    char first[101], second[101], other[101];

    fates(7, first);
    fates(7, second);
    fates(8, other);
    CHECK_MSG(strcmp(first, second) == 0, "\n%s\n%s", first, second);
    CHECK(strcmp(first, other) != 0);
    CHECK(strchr(first, '-') != NULL && strchr(first, 'p') != NULL && strchr(first, 'a') != NULL);
}

/* ---- Under legacy channels ---- */

/* Two channels that reach each other through a proxy each. */
static void under_legacy(void)
{
    const struct fault_plan plan = {.http = true, .hold = 200, .hold_ms = 3};
    struct fault_proxy *proxies[2];
    struct whist_channel *ch[2];
    char urls[2][40];
    const char *pointers[2] = {urls[0], urls[1]};
    int fds[2];
    struct whist_error err;

    for (size_t i = 0; i < 2; i++) {
        uint16_t port;
        fds[i] = listen_loopback(&port);
        proxies[i] = fault_proxy_new(port, &plan);
        snprintf(urls[i], sizeof urls[i], "http://127.0.0.1:%u",
                 (unsigned)fault_proxy_port(proxies[i]));
    }
    for (size_t i = 0; i < 2; i++) {
        const struct whist_http_options options = {.n = 2, .me = i, .urls = pointers};
        CHECK_OK(whist_channel_http_new_fd(&ch[i], &options, fds[i], NULL, &err), err);
    }
    for (uint64_t k = 0; k < 200; k++) {
        size_t from = k % 3 == 0;
        struct whist_buffer got = {0};
        CHECK_OK(whist_channel_send(ch[from], !from, (struct whist_bytes){(uint8_t *)&k, sizeof k},
                                    "k", 0, &err),
                 err);
        CHECK_OK(whist_channel_recv(ch[!from], from, &got, "k", 0, &err), err);
        CHECK(got.len == sizeof k && memcmp(got.data, &k, sizeof k) == 0);
        whist_buffer_clear(&got);
    }
    CHECK(fault_proxy_counts(proxies[0]).requests + fault_proxy_counts(proxies[1]).requests == 200);
    for (size_t i = 0; i < 2; i++) {
        whist_channel_free(ch[i]);
        fault_proxy_free(proxies[i]);
    }
}

static const struct test_case cases[] = {
    {"passes_bytes", passes_bytes},
    {"cuts_streams", cuts_streams},
    {"cut_by_hand", cut_by_hand},
    {"pauses", pauses},
    {"refuses", refuses},
    {"no_server", no_server},
    {"passes_requests", passes_requests},
    {"drops_requests", drops_requests},
    {"drops_answers", drops_answers},
    {"swallows", swallows},
    {"cuts_requests", cuts_requests},
    {"cuts_answers", cuts_answers},
    {"repeats", repeats},
    {"holds", holds},
    {"releases", releases},
    {"same_seed_same_fates", same_seed_same_fates},
    {"under_legacy", under_legacy},
};
TEST_MAIN(cases)
