/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <pthread.h>
#include <unistd.h>

#include "ports.h"
#include "raw_http.h"

static struct whist_ping ping_url(const char *url, int64_t deadline_ms)
{
    struct whist_ping ping = {.round_trip_us = -1};
    struct whist_error err = {0};
    CHECK_OK(whist_http_ping(url, deadline_ms, &ping, &err), err);
    return ping;
}

static void a_party_is_up(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    char url[60];

    CHECK_OK(make_http_channels(ch, 2, NULL, NULL, &err), err);
    for (size_t i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "http://localhost:%u", (unsigned)whist_channel_http_port(ch[i]));
        struct whist_ping ping = ping_url(url, 0);
        CHECK_MSG(ping.up && strcmp(ping.text, "up") == 0, "%s", ping.text);
        CHECK(ping.round_trip_us >= 0);
    }
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
}

/* ---- Others ---- */

struct other {
    int listener;
    uint16_t port;
    const char *answer;
    bool slowly;
    pthread_t thread;
};

static void *other_main(void *arg)
{
    struct other *o = arg;
    char head[200];
    int fd = raw_accept(o->listener);

    snprintf(
        head, sizeof head,
        "GET /p/msg/0 HTTP/1.1\r\naccept: */*\r\nhost: 127.0.0.1:%u\r\nconnection: close\r\n\r\n",
        (unsigned)o->port);
    raw_expect(fd, head);
    if (o->slowly) {
        raw_send_slowly(fd, o->answer);
    } else {
        raw_send_text(fd, o->answer);
    }
    raw_half_close(fd);
    raw_expect_end(fd);
    close(fd);
    return NULL;
}

static void expect_other(const char *answer, bool slowly, bool up, const char *words)
{
    struct other o = {.answer = answer, .slowly = slowly};
    char url[60];

    o.listener = listen_loopback(&o.port);
    CHECK(pthread_create(&o.thread, NULL, other_main, &o) == 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/p/", (unsigned)o.port);
    struct whist_ping ping = ping_url(url, whist_clock_ms() + RAW_PATIENCE_MS);
    pthread_join(o.thread, NULL);
    CHECK_MSG(ping.up == up && strstr(ping.text, words) != NULL, "%s: %s", answer, ping.text);
    close(o.listener);
}

static void other_servers(void)
{
    static const struct {
        const char *answer;
        bool up;
        const char *words;
    } table[] = {
        {"HTTP/1.1 405 Method Not Allowed\r\nallow: POST\r\ncontent-length: 0\r\n\r\n", true, "up"},
        {"HTTP/1.1 405\r\n\r\n", true, "up"},
        {"HTTP/1.1 103 X\r\n\r\nHTTP/1.1 405 X\r\n\r\n", true, "up"},
        {"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", false,
         "answered 404 Not Found: an"},
        {"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", false, "it answered 200 OK: a party"},
        {"HTTP/1.1 302 Found\r\nlocation: http://x/\r\n\r\n", false, "it answered 302 Found"},
        {"HTTP/1.1 101 X\r\n\r\n", false, "HTTP/1.1"},
        {"HTTP/1.1 405 Me", false, "ended the connection"},
        {"", false, "ended the connection"},
        {"SSH-2.0\r\n", false, "does not answer in HTTP/1.1: malformed status line"},
    };
    for (size_t i = 0; i < 2 * sizeof table / sizeof table[0]; i++) {
        expect_other(table[i / 2].answer, i % 2 == 1, table[i / 2].up, table[i / 2].words);
    }
}

static void nobody_there(void)
{
    uint16_t port;
    int listener = listen_loopback(&port);
    char url[60];

    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)port);
    struct whist_ping ping = ping_url(url, whist_clock_ms() + 30); /* in the backlog */
    CHECK_MSG(!ping.up && strstr(ping.text, "does not answer") != NULL, "%s", ping.text);
    close(listener);
    ping = ping_url(url, 0);
    CHECK_MSG(!ping.up && strstr(ping.text, "Connection refused") != NULL, "%s", ping.text);
    ping = ping_url("http://whist.invalid:1", whist_clock_ms() + 50);
    CHECK_MSG(!ping.up && strstr(ping.text, "name") != NULL, "%s", ping.text);
    ping = ping_url(url, 1); /* the deadline has passed */
    CHECK(!ping.up && ping.text[0] != '\0');
}

static void bad_urls(void)
{
    struct whist_ping ping;
    struct whist_error err = {0};

    CHECK(whist_http_ping("https://h", 0, &ping, &err) == WHIST_ERR_ARGUMENT);
    CHECK(err.text[0] != '\0');
    CHECK(whist_http_ping("", 0, &ping, NULL) == WHIST_ERR_ARGUMENT);
}

static void allocation_failures(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    char url[60];
    bool up = false;

    CHECK_OK(make_http_channels(ch, 2, NULL, NULL, &err), err);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)whist_channel_http_port(ch[0]));
    for (long k = 0; !up; k++) {
        CHECK(k < 100);
        whist_alloc_fail_after(k);
        struct whist_ping ping = ping_url(url, 0);
        whist_alloc_fail_after(-1);
        CHECK(ping.text[0] != '\0');
        up = ping.up;
    }
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
}

static const struct test_case cases[] = {
    {"a_party_is_up", a_party_is_up},
    {"other_servers", other_servers},
    {"nobody_there", nobody_there},
    {"bad_urls", bad_urls},
    {"allocation_failures", allocation_failures},
};
TEST_MAIN(cases)
