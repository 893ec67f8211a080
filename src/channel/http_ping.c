/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One question to one party, from the calling thread: GET …/msg/0, which a party of either mode
 * answers with 405. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <whist/http.h>

#include "channel/http_codec.h"
#include "channel/http_net.h"
#include "channel/tls.h"

#define ANSWER_MAX        4096
#define READ_MAX          16384
#define INFORMATIONAL_MAX 16
#define LOOKUP_POLL_MS    5 /* between two looks at a running look-up */

struct ping {
    struct whist_url url;
    int64_t deadline_ms;
    struct whist_ping *out;
    int fd;
    struct tls *tls;          /* NULL: in clear */
    uint8_t cipher[READ_MAX]; /* what tls looks at */
};

static void say(struct ping *p, const char *what, const char *why)
{
    snprintf(p->out->text, sizeof p->out->text, "%.240s%s%.150s", what, why[0] != '\0' ? ": " : "",
             why);
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

/* Bytes from the socket: > 0, 0 at its end, < 0 after saying why not. */
static ssize_t receive_raw(struct ping *p, uint8_t *data, size_t cap)
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

/* ---- TLS ---- */

static bool flush(struct ping *p)
{
    for (;;) {
        struct whist_bytes pending = whist_tls_pending(p->tls);
        if (pending.len == 0) {
            return true;
        }
        if (!send_all(p, (const char *)pending.data, pending.len)) {
            return false;
        }
        whist_tls_sent(p->tls, pending.len);
    }
}

/* Plaintext; 0 in the handshake means that it is done. As receive_raw. */
static ssize_t receive_tls(struct ping *p, uint8_t *data, size_t cap, bool handshake)
{
    struct whist_error err = {0};
    size_t len = 0;

    for (;;) {
        if (whist_tls_read(p->tls, data, cap, &len, &err) != WHIST_OK) {
            (void)flush(p); /* the alert */
            say(p, err.text, "");
            return -1;
        }
        if (!flush(p)) {
            return -1;
        }
        if (len != 0 || whist_tls_peer_closed(p->tls) ||
            (handshake && whist_tls_established(p->tls))) {
            return (ssize_t)len;
        }
        ssize_t n = receive_raw(p, p->cipher, sizeof p->cipher);
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            say(p, whist_tls_eof(p->tls, &err) != WHIST_OK ? err.text : "it closed the connection",
                "");
            return -1;
        }
        whist_tls_put(p->tls, whist_bytes(p->cipher, (size_t)n));
    }
}

static ssize_t receive(struct ping *p, uint8_t *data, size_t cap)
{
    return p->tls != NULL ? receive_tls(p, data, cap, false) : receive_raw(p, data, cap);
}

static bool send_request(struct ping *p, const char *request, size_t len)
{
    const struct whist_bytes part = whist_bytes(request, len);
    struct whist_error err = {0};
    size_t taken = 0;
    uint8_t none;

    if (p->tls == NULL) {
        return send_all(p, request, len);
    }
    if (receive_tls(p, &none, 1, true) < 0) {
        return false;
    }
    if (whist_tls_write(p->tls, &part, 1, &taken, &err) != WHIST_OK || taken != len) {
        say(p, "TLS", err.text);
        return false;
    }
    return flush(p);
}

/* ---- The question ---- */

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
    if (send_request(p, request, len) && read_answer(p, &answer)) {
        p->out->round_trip_us = (whist_now_ns() - start) / 1000;
        judge(p, &answer);
    }
    whist_http_parser_clear(&answer);
}

/* Connects, in clear. */
static bool reach(struct ping *p)
{
    struct whist_net_addresses addresses = {0};

    p->fd = -1;
    if (!resolve(p, &addresses)) {
        return false;
    }
    for (size_t i = 0; i < addresses.n && p->fd < 0; i++) {
        (void)connect_to(p, &addresses.at[i]);
    }
    return p->fd >= 0;
}

static int64_t absolute(int64_t deadline_ms)
{
    return deadline_ms != WHIST_DEADLINE_DEFAULT ? deadline_ms : whist_now_ms() + 5000;
}

whist_status whist_http_ping(const char *url, int64_t deadline_ms, struct whist_ping *ping_out,
                             struct whist_error *err)
{
    struct ping p = {.out = ping_out};

    WHIST_REQUIRE(url != NULL && ping_out != NULL);
    TRY(whist_url_parse(&p.url, url, err));
    *ping_out = (struct whist_ping){0};
    p.deadline_ms = absolute(deadline_ms);
    if (reach(&p)) {
        ask(&p);
        close(p.fd);
    }
    return WHIST_OK;
}

/* Asks over TLS, as whoever options->identity is. */
static whist_status ask_tls(struct ping *p, const struct whist_http_options *options, size_t party,
                            struct whist_error *err)
{
    const char *name = p->url.kind == WHIST_URL_NAME ? p->url.host : NULL;
    struct tls_context *context = NULL;
    struct tls_trust *trust = NULL;
    whist_status st;

    if (options->identity == NULL || options->trust == NULL) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, (int)party, NULL,
                          "to ask party %zu over TLS the own key is needed", party);
    }
    TRY_OUT(whist_tls_context_new(&context, options->identity, NULL, err));
    TRY_OUT(whist_tls_trust_new(&trust, options->trust, options->n, err));
    if (reach(p)) {
        st = whist_tls_connect(&p->tls, context, trust, party, name, err);
        if (st == WHIST_OK) {
            ask(p);
            whist_tls_close(p->tls);
            (void)flush(p);
        }
        close(p->fd);
    }
out:
    whist_tls_free(p->tls);
    whist_tls_trust_free(trust);
    whist_tls_context_free(context);
    return st;
}

whist_status whist_http_ping_party(const struct whist_http_options *options, size_t party,
                                   int64_t deadline_ms, struct whist_ping *ping_out,
                                   struct whist_error *err)
{
    struct ping p = {.out = ping_out};

    WHIST_REQUIRE(options != NULL && options->urls != NULL && party < options->n);
    WHIST_REQUIRE(ping_out != NULL);
    TRY(whist_url_parse_native(&p.url, options->urls[party], err));
    *ping_out = (struct whist_ping){0};
    p.deadline_ms = absolute(deadline_ms);
    if (p.url.tls) {
        return ask_tls(&p, options, party, err);
    }
    if (reach(&p)) {
        ask(&p);
        close(p.fd);
    }
    return WHIST_OK;
}
