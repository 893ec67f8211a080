/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One question to one party, from the calling thread: GET …/msg/0, which a party answers with 405.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <whist/http.h>

#include "channel/http_codec.h"
#include "channel/http_net.h"

#define ANSWER_MAX        4096
#define INFORMATIONAL_MAX 16
#define LOOKUP_POLL_MS    5 /* between two looks at a running look-up */

struct ping {
    struct whist_url url;
    int64_t deadline_ms;
    struct whist_ping *out;
    int fd;
};

static void say(struct ping *p, const char *what, const char *why)
{
    snprintf(p->out->text, sizeof p->out->text, "%s%s%s", what, why[0] != '\0' ? ": " : "", why);
}

static void say_errno(struct ping *p, const char *what, int error)
{
    char text[WHIST_NET_TEXT_MAX];

    whist_net_error_text(text, error);
    say(p, what, text);
}

/* Waits for events on the socket; false at the deadline. */
static bool wait_for(struct ping *p, short events)
{
    struct pollfd pfd = {.fd = p->fd, .events = events};

    for (;;) {
        int64_t left = p->deadline_ms - whist_now_ms();
        int n = left <= 0 ? 0 : poll(&pfd, 1, left > 60000 ? 60000 : (int)left);
        if (n > 0 || (n < 0 && errno != EINTR)) {
            return true; /* an error shows in the next call */
        }
        if (left <= 0) {
            return false;
        }
    }
}

static bool resolve(struct ping *p, struct whist_net_addresses *addresses)
{
    char text[WHIST_NET_TEXT_MAX] = "";
    struct whist_net_lookup *lookup;
    bool done;

    if (whist_net_literal(addresses, &p->url)) {
        return true;
    }
    lookup = whist_net_lookup_start(&p->url, -1);
    if (lookup == NULL) {
        say(p, "no resources to look its name up", "");
        return false;
    }
    while (!(done = whist_net_lookup_done(lookup, addresses, text)) &&
           whist_now_ms() < p->deadline_ms) {
        (void)poll(NULL, 0, LOOKUP_POLL_MS);
    }
    whist_net_lookup_free(lookup);
    if (!done) {
        say(p, "the look-up of its name did not end before the deadline", "");
    } else if (addresses->n == 0) {
        say(p, "its name cannot be resolved", text);
    }
    return done && addresses->n != 0;
}

/* Connects to one address; on failure says why. */
static bool connect_to(struct ping *p, const struct whist_net_address *address)
{
    char where[WHIST_NET_TEXT_MAX];
    int error = EINPROGRESS;

    whist_net_address_text(where, address);
    p->fd = whist_net_connect(address);
    if (p->fd < 0) {
        say_errno(p, where, errno);
        return false;
    }
    while (error == EINPROGRESS && wait_for(p, POLLOUT)) {
        error = whist_net_connected(p->fd);
    }
    if (error == 0) {
        return true;
    }
    if (error == EINPROGRESS) {
        say(p, where, "no connection before the deadline");
    } else {
        say_errno(p, where, error);
    }
    close(p->fd);
    p->fd = -1;
    return false;
}

static bool send_all(struct ping *p, const char *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(p->fd, data + at, len - at, MSG_NOSIGNAL);
        if (n >= 0) {
            at += (size_t)n;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(p, POLLOUT)) {
                say(p, "no answer before the deadline", "");
                return false;
            }
        } else if (errno != EINTR) {
            say_errno(p, "the connection broke", errno);
            return false;
        }
    }
    return true;
}

/* Bytes of the answer: > 0, 0 at its end, < 0 after saying why not. */
static ssize_t receive(struct ping *p, uint8_t *data, size_t cap)
{
    for (;;) {
        ssize_t n = recv(p->fd, data, cap, 0);
        if (n >= 0) {
            return n;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (!wait_for(p, POLLIN)) {
                say(p, "it accepts connections, but does not answer", "");
                return -1;
            }
        } else if (errno != EINTR) {
            say_errno(p, "it ended the connection without an answer", errno);
            return -1;
        }
    }
}

static void judge(struct ping *p, const struct whist_http_parser *answer)
{
    const char *reason = whist_http_reason(answer->status);
    char text[80];

    if (answer->status == 405) {
        p->out->up = true;
        say(p, "up", "");
        return;
    }
    snprintf(text, sizeof text, "it answered %d%s%s", answer->status, reason[0] != '\0' ? " " : "",
             reason);
    say(p, text,
        answer->status == 404 ? "another server, or a wrong path in the URL"
                              : "a party answers 405 here, so this is another server or a proxy");
}

/* Reads up to the head of the final answer; its body does not matter. */
static bool read_answer(struct ping *p, struct whist_http_parser *answer)
{
    uint8_t data[2048];
    size_t at = 0, used, n_informational = 0;
    ssize_t n = 0;

    for (;;) {
        whist_http_event ev = whist_http_feed(answer, &used, data + at, (size_t)n - at);
        at += used;
        if (ev == WHIST_HTTP_HEAD && answer->status >= 200) {
            return true;
        }
        if (ev == WHIST_HTTP_DONE && answer->status != 101 &&
            ++n_informational <= INFORMATIONAL_MAX) {
            whist_http_parser_next(answer);
        } else if (ev == WHIST_HTTP_MORE) {
            n = receive(p, data, sizeof data);
            at = 0;
            if (n < 0) {
                return false;
            }
            if (n == 0) {
                say(p, "it ended the connection without an answer", "");
                return false;
            }
        } else if (ev != WHIST_HTTP_HEAD) {
            say(p, "it does not answer in HTTP/1.1", answer->why != NULL ? answer->why : "");
            return false;
        }
    }
}

static void ask(struct ping *p)
{
    char request[WHIST_HTTP_REQUEST_MAX];
    size_t len = whist_http_write_request(request, "GET", &p->url, 0, SIZE_MAX, true);
    struct whist_http_parser answer;
    int64_t start = whist_now_ns();

    whist_http_parser_init(&answer, WHIST_HTTP_RESPONSE, ANSWER_MAX);
    if (send_all(p, request, len) && read_answer(p, &answer)) {
        p->out->round_trip_us = (whist_now_ns() - start) / 1000;
        judge(p, &answer);
    }
    whist_http_parser_clear(&answer);
}

whist_status whist_http_ping(const char *url, int64_t deadline_ms, struct whist_ping *ping_out,
                             struct whist_error *err)
{
    struct whist_net_addresses addresses = {0};
    struct ping p = {.fd = -1, .out = ping_out};

    WHIST_REQUIRE(url != NULL && ping_out != NULL);
    TRY(whist_url_parse(&p.url, url, err));
    *ping_out = (struct whist_ping){0};
    p.deadline_ms = deadline_ms != WHIST_DEADLINE_DEFAULT ? deadline_ms : whist_now_ms() + 5000;
    if (!resolve(&p, &addresses)) {
        return WHIST_OK;
    }
    for (size_t i = 0; i < addresses.n && p.fd < 0; i++) {
        (void)connect_to(&p, &addresses.at[i]);
    }
    if (p.fd >= 0) {
        ask(&p);
        close(p.fd);
    }
    return WHIST_OK;
}
