/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The endpoint: a listening server, its I/O thread, and the channels that live on it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <unistd.h>

#include "channel/native.h"

#define IDLE_MS      75000
#define HEAD_MS      30000
#define LINGER_MS    2000
#define MAX_BUFFERED ((size_t)268435456)

/* ---- Registry ---- */

static size_t bucket_of(const uint8_t session[WHIST_SESSION_LEN])
{
    return get_le32(session) % CHANNEL_BUCKETS;
}

struct native_channel *whist_endpoint_find(const struct whist_endpoint *ep,
                                           const uint8_t session[WHIST_SESSION_LEN])
{
    struct native_channel *ch = ep->bucket[bucket_of(session)];

    while (ch != NULL && memcmp(ch->session, session, WHIST_SESSION_LEN) != 0) {
        ch = ch->next;
    }
    return ch;
}

bool whist_endpoint_has_ended(const struct whist_endpoint *ep,
                              const uint8_t session[WHIST_SESSION_LEN])
{
    for (size_t i = 0; i < ep->n_ended; i++) {
        if (memcmp(ep->ended[i], session, WHIST_SESSION_LEN) == 0) {
            return true;
        }
    }
    return false;
}

bool whist_endpoint_add(struct whist_endpoint *ep, struct native_channel *ch)
{
    size_t b = bucket_of(ch->session);

    if (whist_endpoint_find(ep, ch->session) != NULL) {
        return false;
    }
    ch->next = ep->bucket[b];
    ep->bucket[b] = ch;
    return true;
}

void whist_endpoint_remove(struct whist_endpoint *ep, struct native_channel *ch)
{
    struct native_channel **at = &ep->bucket[bucket_of(ch->session)];

    while (*at != ch) {
        at = &(*at)->next;
    }
    *at = ch->next;
    memcpy(ep->ended[ep->ended_at], ch->session, WHIST_SESSION_LEN);
    ep->ended_at = (ep->ended_at + 1) % ENDED_MAX;
    ep->n_ended += ep->n_ended < ENDED_MAX ? 1 : 0;
}

/* ---- The I/O thread ---- */

static void turn(void *owner, bool woken)
{
    struct whist_endpoint *ep = owner;
    int64_t now = ep->loop.now_ms;

    for (size_t b = 0; b < CHANNEL_BUCKETS; b++) {
        for (struct native_channel *ch = ep->bucket[b]; ch != NULL; ch = ch->next) {
            for (size_t i = 0; i < ch->base.n; i++) {
                struct native_link *l = &ch->link[i];
                if (i != ch->base.me && (atomic_load(&l->dirty) || atomic_load(&l->due_ms) <= now ||
                                         (woken && l->lookup != NULL))) {
                    whist_link_visit(l, now);
                }
            }
        }
    }
    whist_httpd_turn(&ep->server);
}

static int64_t next_turn(void *owner)
{
    const struct whist_endpoint *ep = owner;
    int64_t first = whist_httpd_deadline_of(&ep->server);

    for (size_t b = 0; b < CHANNEL_BUCKETS; b++) {
        for (struct native_channel *ch = ep->bucket[b]; ch != NULL; ch = ch->next) {
            for (size_t i = 0; i < ch->base.n; i++) {
                int64_t due = i != ch->base.me ? atomic_load(&ch->link[i].due_ms) : INT64_MAX;
                first = due < first ? due : first;
            }
        }
    }
    return first;
}

static const struct http_loop_ops loop_ops = {.turn = turn, .deadline = next_turn};

/* ---- Options ---- */

static whist_status add_proxy(struct whist_endpoint *ep, const char *text, struct whist_error *err)
{
    struct whist_net_address *a = &ep->proxies[ep->n_proxies];
    struct sockaddr_in in4 = {.sin_family = AF_INET};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

    *a = (struct whist_net_address){0};
    if (strcmp(text, "unix") == 0) {
        a->sa.ss_family = AF_UNIX;
    } else if (inet_pton(AF_INET, text, &in4.sin_addr) == 1) {
        memcpy(&a->sa, &in4, sizeof in4);
    } else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1) {
        memcpy(&a->sa, &in6, sizeof in6);
    } else {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "trusted proxy \"%.60s\" is not an address", text);
    }
    ep->n_proxies++;
    return WHIST_OK;
}

static whist_status set_proxies(struct whist_endpoint *ep, const struct whist_endpoint_options *o,
                                struct whist_error *err)
{
    size_t len = o->proxy_header != NULL ? strlen(o->proxy_header) : 0;

    if ((o->n_trusted_proxies != 0) != (len != 0) || len >= sizeof ep->proxy_header) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "trusted proxies and the field in which they forward certificates (1 to "
                          "64 characters) belong together");
    }
    for (size_t i = 0; i < len; i++) {
        char c = o->proxy_header[i];
        ep->proxy_header[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    if (len == 0) {
        return WHIST_OK;
    }
    ep->proxies = whist_zalloc(o->n_trusted_proxies, sizeof *ep->proxies);
    if (ep->proxies == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for an endpoint");
    }
    for (size_t i = 0; i < o->n_trusted_proxies; i++) {
        TRY(add_proxy(ep, o->trusted_proxies[i], err));
    }
    return WHIST_OK;
}

/* ---- Listening ---- */

static whist_status listen_unix(struct whist_endpoint *ep, const char *path,
                                struct whist_error *err)
{
    TRY(whist_net_listen_unix(&ep->server.listener.fd, path, err));
    snprintf(ep->unix_path, sizeof ep->unix_path, "%s", path);
    return WHIST_OK;
}

static whist_status open_listener(struct whist_endpoint *ep, const struct whist_endpoint_options *o,
                                  struct whist_error *err)
{
    struct whist_url url;
    bool any;

    if (ep->server.listener.fd >= 0) {
        ep->port = whist_net_port(ep->server.listener.fd);
        return whist_net_set_nonblocking(ep->server.listener.fd)
                   ? WHIST_OK
                   : whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "cannot use that socket");
    }
    if (o->listen == NULL) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "an endpoint needs an address to listen on");
    }
    if (strncmp(o->listen, "unix:", 5) == 0) {
        return listen_unix(ep, o->listen + 5, err);
    }
    TRY(whist_url_parse_listen(&url, o->listen, err));
    any = strcmp(url.host, "::") == 0 || strcmp(url.host, "0.0.0.0") == 0;
    if (!url.loopback && o->identity == NULL && !o->insecure) {
        return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                          "listening in clear on %.60s would let others read and change messages: "
                          "use TLS, a loopback address, or --insecure",
                          o->listen);
    }
    /* [::] means both families where the system has them. */
    url.kind = any && url.kind == WHIST_URL_IPV6 ? WHIST_URL_NAME : url.kind;
    TRY(whist_net_listen(&ep->server.listener.fd, &ep->port, &url, any, err));
    if (!url.loopback && o->identity == NULL) {
        whist_logf(&ep->log, WHIST_LOG_WARN,
                   "http: listening in clear on port %u for other machines; anybody on the way can "
                   "read messages",
                   (unsigned)ep->port);
    }
    return WHIST_OK;
}

/* ---- Life ---- */

static whist_status build(struct whist_endpoint *ep, const struct whist_endpoint_options *o,
                          int listen_fd, struct whist_error *err)
{
    const struct http_limits limits = {
        .idle_ms = IDLE_MS,
        .head_ms = HEAD_MS,
        .linger_ms = LINGER_MS,
        .max_buffered = MAX_BUFFERED,
        .max_connections =
            o->max_connections != 0 ? o->max_connections : whist_httpd_default_connections(),
        .body_limit = WHIST_POST_LIMIT,
    };
    whist_status st = whist_http_loop_init(&ep->loop, &loop_ops, ep, err);
    if (st != WHIST_OK) {
        if (listen_fd >= 0) {
            close(listen_fd);
        }
        return st;
    }
    TRY(whist_httpd_init(&ep->server, &ep->loop, &whist_endpoint_service, ep, &limits, listen_fd,
                         &o->log, err));
    ep->ended = whist_zalloc(ENDED_MAX, sizeof *ep->ended);
    if (ep->ended == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for an endpoint");
    }
    if (o->prefix != NULL && strlen(o->prefix) < sizeof ep->prefix) {
        snprintf(ep->prefix, sizeof ep->prefix, "%s", o->prefix);
    }
    TRY(set_proxies(ep, o, err));
    if (o->identity != NULL) {
        TRY(whist_tls_context_new(&ep->tls, o->identity, NULL, err));
        ep->server.tls = ep->tls;
    }
    TRY(open_listener(ep, o, err));
    if (!whist_httpd_listen(&ep->server)) {
        return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL,
                          "no file descriptors for a server (see ulimit -n)");
    }
    return whist_http_loop_start(&ep->loop, err);
}

void whist_endpoint_free(struct whist_endpoint *ep)
{
    if (ep == NULL) {
        return;
    }
    for (size_t b = 0; b < CHANNEL_BUCKETS; b++) {
        WHIST_REQUIRE(ep->bucket[b] == NULL);
    }
    whist_http_loop_stop(&ep->loop);
    whist_httpd_clear(&ep->server);
    whist_http_loop_clear(&ep->loop);
    if (ep->unix_path[0] != '\0') {
        (void)unlink(ep->unix_path);
    }
    whist_tls_context_free(ep->tls);
    whist_free(ep->proxies);
    whist_free(ep->ended);
    whist_free(ep);
}

whist_status whist_endpoint_new_fd(struct whist_endpoint **endpoint_out,
                                   const struct whist_endpoint_options *options, int listen_fd,
                                   struct whist_error *err)
{
    struct whist_endpoint *ep = whist_zalloc(1, sizeof *ep);

    if (ep == NULL) {
        if (listen_fd >= 0) {
            close(listen_fd);
        }
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for an endpoint");
    }
    ep->log = options->log;
    ep->open_metrics = options->open_metrics;
    whist_status st = build(ep, options, listen_fd, err);
    if (st != WHIST_OK) {
        whist_endpoint_free(ep);
        return st;
    }
    *endpoint_out = ep;
    return WHIST_OK;
}

whist_status whist_endpoint_new(struct whist_endpoint **endpoint_out,
                                const struct whist_endpoint_options *options,
                                struct whist_error *err)
{
    WHIST_REQUIRE(endpoint_out != NULL && options != NULL);
    return whist_endpoint_new_fd(endpoint_out, options, -1, err);
}

uint16_t whist_endpoint_port(const struct whist_endpoint *endpoint)
{
    return endpoint->port;
}
