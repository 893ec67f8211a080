/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The native channel: its making and its end. */
#include <stdio.h>
#include <unistd.h>

#include "channel/native.h"

#define DEFAULT_TIMEOUT_MS  60000
#define DEFAULT_STALL_MS    30000
#define DEFAULT_LINGER_MS   1000
#define DEFAULT_CONNECTIONS 2
#define DEFAULT_PIPELINE    4
#define DEFAULT_LAG_MS      4000
/* How long a channel that is freed without a close stays to say goodbye, in milliseconds. */
#define LEAVE_MS 100

static bool is_used(const struct native_channel *ch, size_t i)
{
    return ch->link != NULL && i != ch->base.me && ch->link[i].d != NULL;
}

/* ---- The end ---- */

/* Waits until the links need nothing more, or until then. */
static void wait_links(struct native_channel *ch, int64_t until_ms)
{
    for (size_t i = 0; i < ch->base.n; i++) {
        struct native_link *l = &ch->link[i];
        if (!is_used(ch, i)) {
            continue;
        }
        pthread_mutex_lock(&l->lock);
        while (!whist_delivery_done(l->d, NULL, NULL) &&
               (whist_delivery_connected(l->d) || atomic_load(&ch->failed)) &&
               whist_waitq_wait(&l->changed, &l->lock, until_ms)) {
        }
        pthread_mutex_unlock(&l->lock);
    }
}

static void leave(struct native_channel *ch)
{
    int64_t now = whist_now_ms();

    if (!atomic_load(&ch->failed) && !ch->closing) {
        for (size_t i = 0; i < ch->base.n; i++) {
            struct native_link *l = &ch->link[i];
            if (is_used(ch, i)) {
                pthread_mutex_lock(&l->lock);
                whist_delivery_close(l->d, now, now + LEAVE_MS);
                whist_link_update(l, now);
                whist_link_unlock(l);
            }
        }
        wait_links(ch, now + LEAVE_MS);
    } else {
        wait_links(ch, now + ch->linger_ms);
    }
}

static void clear_link(struct native_link *l)
{
    whist_parcel_free(l->hand);
    whist_delivery_free(l->d);
    pthread_mutex_destroy(&l->hand_lock);
    pthread_mutex_destroy(&l->lock);
    if (l->head != NULL) {
        whist_wipe(l->head, l->head_len); /* the token */
    }
    whist_free(l->head);
    whist_free(l->conn);
}

static void destroy(struct native_channel *ch)
{
    struct http_loop *loop = &ch->ep->loop;

    pthread_mutex_lock(&loop->lock);
    if (ch->registered) {
        whist_endpoint_remove(ch->ep, ch);
        ch->ep->leaving = ch->own_endpoint;
    }
    for (size_t i = 0; i < ch->base.n; i++) {
        if (is_used(ch, i)) {
            pthread_mutex_lock(&ch->link[i].lock);
            whist_dial_clear(&ch->link[i]);
            pthread_mutex_unlock(&ch->link[i].lock);
        }
    }
    if (ch->trust != NULL) {
        whist_tls_context_remove(ch->ep->tls, ch->trust);
    }
    whist_http_loop_sync(loop);
    pthread_mutex_unlock(&loop->lock);
}

static void free_parts(struct native_channel *ch)
{
    for (size_t i = 0; i < ch->base.n; i++) {
        if (is_used(ch, i)) {
            clear_link(&ch->link[i]);
        }
    }
    whist_free(ch->link);
    pthread_mutex_destroy(&ch->lock);
    if (ch->own_endpoint) {
        whist_endpoint_free(ch->ep);
    }
    whist_tls_trust_free(ch->trust);
    whist_wipe(ch, sizeof *ch);
    whist_free(ch);
}

void whist_native_free(struct whist_channel *base)
{
    struct native_channel *ch = (struct native_channel *)(void *)base;

    leave(ch);
    destroy(ch);
    free_parts(ch);
}

/* ---- Options ---- */

static whist_status check_options(const struct whist_http_options *o, struct whist_error *err)
{
    const char *bad = NULL;

    TRY(whist_http_check_parties(o, err));
    if (o->urls == NULL || o->timeout_ms < 0 || o->connect_timeout_ms < 0 || o->stall_ms < 0 ||
        o->linger_ms < 0 || o->heartbeat_ms < 0 || o->dead_ms < 0 || o->answer_ms < 0) {
        bad = "URLs are missing or a time is negative";
    } else if (o->connections > CONNECTIONS_MAX || o->pipeline > PIPELINE_MAX - 1) {
        bad = "more than 16 connections, or than 16 POSTs on each";
    } else if ((o->identity == NULL) != (o->trust == NULL)) {
        bad = "TLS needs an identity and what proves the others'";
    } else if (o->token != NULL && o->identity != NULL) {
        bad = "a token is for plain HTTP: with TLS the certificates prove who is who";
    }
    return bad == NULL ? WHIST_OK
                       : whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL, "%s", bad);
}

static whist_status check_token(const char *token, struct whist_error *err)
{
    size_t len = token != NULL ? strnlen(token, 257) : 16;

    for (size_t i = 0; token != NULL && i < len && len <= 256; i++) {
        if (token[i] <= 0x20 || token[i] >= 0x7f) {
            len = 0;
        }
    }
    return len >= 16 && len <= 256
               ? WHIST_OK
               : whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                            "a token has 16 to 256 printable characters without blanks");
}

static whist_status refuse_clear_text(const char *url, size_t party, const char *token,
                                      struct whist_error *err)
{
    return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                      "party %zu (%.80s) is not on this machine, and plain HTTP lets whoever is on "
                      "the way read and change all messages. Use a session file (TLS), or%s a "
                      "secret token (--token-file)%s",
                      party, url, token == NULL ? " allow it with --insecure and" : "",
                      token == NULL ? "" : " with --insecure");
}

/* ---- Links ---- */

static whist_status make_head(struct native_link *l, const struct whist_http_options *o,
                              struct whist_error *err)
{
    const struct native_channel *ch = l->ch;
    const char *host = o->hosts != NULL ? o->hosts[l->peer] : NULL;
    char authority[WHIST_URL_AUTHORITY_MAX];
    size_t room = WHIST_URL_PREFIX_MAX + 1024;

    whist_url_authority(authority, &l->url);
    l->head = whist_alloc(room, 1);
    if (l->head == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for a channel");
    }
    int n = snprintf(l->head, room,
                     "POST %s/s/%s/msg/%zu HTTP/1.1\r\nhost: %s\r\ncontent-type: "
                     "application/octet-stream\r\n%s%s%scontent-length: ",
                     l->url.prefix, ch->session_text, ch->base.me, host != NULL ? host : authority,
                     ch->token[0] != '\0' ? "authorization: Bearer " : "", ch->token,
                     ch->token[0] != '\0' ? "\r\n" : "");
    WHIST_REQUIRE(n > 0 && (size_t)n < room);
    l->head_len = (size_t)n;
    return WHIST_OK;
}

static whist_status check_host(const char *host, struct whist_error *err)
{
    size_t len = host != NULL ? strnlen(host, WHIST_URL_AUTHORITY_MAX) : 1;

    for (size_t i = 0; host != NULL && i < len; i++) {
        if (host[i] <= 0x20 || host[i] >= 0x7f) {
            len = 0;
        }
    }
    return len != 0 && len < WHIST_URL_AUTHORITY_MAX
               ? WHIST_OK
               : whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL, "a bad host name");
}

static whist_status read_url(struct native_link *l, const struct whist_http_options *o,
                             struct whist_error *err)
{
    const char *text = o->urls[l->peer];

    if (text == NULL) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "the URL of party %zu is missing", l->peer);
    }
    TRY(whist_url_parse_native(&l->url, text, err));
    if (l->url.tls != (o->identity != NULL) && l->url.kind != WHIST_URL_UNIX) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "party %zu: the URL %.80s is for %s", l->peer, text,
                          l->url.tls ? "TLS, but this party has no identity"
                                     : "plain HTTP, but this party has an identity: write https:");
    }
    if (o->identity == NULL && !l->url.loopback && !(o->insecure && o->token != NULL)) {
        return refuse_clear_text(text, l->peer, o->insecure ? NULL : o->token, err);
    }
    snprintf(l->url_text, sizeof l->url_text, "%s", text);
    return WHIST_OK;
}

static whist_status make_machine(struct native_link *l, const struct whist_http_options *o,
                                 uint64_t epoch, struct whist_error *err)
{
    int64_t now = whist_now_ms();
    int64_t connect = o->connect_timeout_ms != 0 ? o->connect_timeout_ms : DEFAULT_TIMEOUT_MS;
    size_t depth = l->max_conns * l->pipeline + l->light - l->pipeline;
    struct delivery_options d = {
        .n = o->n,
        .me = o->me,
        .peer = l->peer,
        .epoch = epoch,
        .connect_deadline_ms = connect > INT64_MAX - now ? INT64_MAX : now + connect,
        .heartbeat_ms = o->heartbeat_ms,
        .dead_ms = o->dead_ms,
        .answer_ms = o->answer_ms,
        .linger_ms = l->ch->linger_ms,
        .outbox_bytes = o->outbox_bytes,
        .window_bytes = o->inbox_bytes,
        .post_bytes = o->post_bytes,
        .coalesce_bytes = o->coalesce_bytes,
        .depth = depth < WHIST_DEPTH_MAX ? depth : WHIST_DEPTH_MAX,
    };
    memcpy(d.session, o->session, sizeof d.session);
    memcpy(d.config, o->config, sizeof d.config);
    whist_random(&d.seed, sizeof d.seed);
    return whist_delivery_new(&l->d, &d, now, err);
}

static whist_status init_locks(struct native_link *l, struct whist_error *err)
{
    whist_waitq_init(&l->arrived);
    whist_waitq_init(&l->changed);
    l->least = SIZE_MAX;
    if (pthread_mutex_init(&l->lock, NULL) == 0) {
        if (pthread_mutex_init(&l->hand_lock, NULL) == 0) {
            return WHIST_OK;
        }
        pthread_mutex_destroy(&l->lock);
    }
    return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL,
                      "the system has no resources for a channel");
}

/* A link is complete when its machine is there (see is_used). */
static whist_status make_link(struct native_channel *ch, const struct whist_http_options *o,
                              size_t peer, uint64_t epoch, struct whist_error *err)
{
    struct native_link *l = &ch->link[peer];

    l->ch = ch;
    l->peer = peer;
    l->max_conns = o->connections != 0 ? o->connections : DEFAULT_CONNECTIONS;
    l->pipeline = o->pipeline != 0 ? o->pipeline : DEFAULT_PIPELINE;
    l->lag_ms = o->answer_ms != 0 ? o->answer_ms : DEFAULT_LAG_MS;
    l->light = o->pipeline != 0 ? o->pipeline : PIPELINE_MAX - 1;
    atomic_init(&l->dirty, true);
    atomic_init(&l->due_ms, 0);
    TRY(read_url(l, o, err));
    TRY(check_host(o->hosts != NULL ? o->hosts[peer] : NULL, err));
    if (l->url.kind == WHIST_URL_NAME) {
        snprintf(l->server_name, sizeof l->server_name, "%s", l->url.host);
    }
    if (o->hosts != NULL && o->hosts[peer] != NULL) {
        snprintf(l->server_name, sizeof l->server_name, "%.*s", (int)strcspn(o->hosts[peer], ":"),
                 o->hosts[peer]);
    }
    if (peer == ch->base.me) {
        return WHIST_OK;
    }
    TRY(init_locks(l, err));
    l->conn = whist_zalloc(l->max_conns, sizeof *l->conn);
    whist_status st = l->conn != NULL ? make_head(l, o, err)
                                      : whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL,
                                                   "no memory for a channel");
    for (size_t i = 0; st == WHIST_OK && i < l->max_conns; i++) {
        l->conn[i].io.fd = -1;
        l->conn[i].link = l;
    }
    st = st == WHIST_OK ? make_machine(l, o, epoch, err) : st;
    if (st != WHIST_OK) {
        clear_link(l);
    }
    return st;
}

/* ---- Making ---- */

static whist_status own_endpoint(struct native_channel *ch, const struct whist_http_options *o,
                                 int listen_fd, struct whist_error *err)
{
    const struct whist_url *own = &ch->link[ch->base.me].url;
    char authority[WHIST_URL_AUTHORITY_MAX], listen[WHIST_URL_AUTHORITY_MAX + 16];
    bool any = !own->loopback && own->kind != WHIST_URL_UNIX;

    if (any) {
        snprintf(listen, sizeof listen, "%s:%u", own->kind == WHIST_URL_IPV4 ? "0.0.0.0" : "[::]",
                 (unsigned)own->port);
    } else if (own->kind == WHIST_URL_UNIX) {
        snprintf(listen, sizeof listen, "unix:%s", own->host);
    } else {
        snprintf(authority, sizeof authority, own->kind == WHIST_URL_IPV6 ? "[%s]" : "%s",
                 own->host);
        snprintf(listen, sizeof listen, "%s:%u", authority, (unsigned)own->port);
    }
    const struct whist_endpoint_options e = {
        .listen = o->listen != NULL ? o->listen : listen,
        .prefix = own->prefix,
        .identity = o->identity,
        .trusted_proxies = o->trusted_proxies,
        .n_trusted_proxies = o->n_trusted_proxies,
        .proxy_header = o->proxy_header,
        .insecure = o->insecure,
        .open_metrics = o->open_metrics,
        .log = o->log,
    };
    return whist_endpoint_new_fd(&ch->ep, &e, listen_fd, err);
}

static whist_status make_trust(struct native_channel *ch, const struct whist_http_options *o,
                               struct whist_error *err)
{
    if (o->identity == NULL) {
        return WHIST_OK;
    }
    TRY(whist_tls_trust_new(&ch->trust, o->trust, o->n, err));
    return whist_tls_trust_check_own(ch->trust, o->me, o->identity, err);
}

/* All parts but the endpoint. */
static whist_status build(struct native_channel *ch, const struct whist_http_options *o,
                          struct whist_error *err)
{
    uint64_t epoch = 0;

    TRY(make_trust(ch, o, err));
    ch->link = whist_zalloc(o->n, sizeof *ch->link);
    if (ch->link == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for a channel");
    }
    while (epoch == 0) {
        whist_random(&epoch, sizeof epoch);
    }
    for (size_t i = 0; i < o->n; i++) {
        TRY(make_link(ch, o, i, epoch, err));
    }
    memcpy(ch->own_prefix, ch->link[o->me].url.prefix, sizeof ch->own_prefix);
    return WHIST_OK;
}

static whist_status go_live(struct native_channel *ch, struct whist_error *err)
{
    struct http_loop *loop = &ch->ep->loop;
    whist_status st = WHIST_OK;

    if ((ch->ep->tls == NULL) != (ch->trust == NULL)) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "the endpoint and the channel do not agree on TLS");
    }
    pthread_mutex_lock(&loop->lock);
    if (!whist_endpoint_add(ch->ep, ch)) {
        st = whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                        "the endpoint has a channel of this session already");
    } else {
        ch->registered = true;
        if (ch->trust != NULL) {
            st = whist_tls_context_add(ch->ep->tls, ch->trust, err);
        }
    }
    pthread_mutex_unlock(&loop->lock);
    whist_http_wake(loop);
    return st;
}

static void init(struct native_channel *ch, const struct whist_http_options *o)
{
    ch->base = (struct whist_channel){.ops = &whist_native_ops,
                                      .n = o->n,
                                      .me = o->me,
                                      .timeout_ms =
                                          o->timeout_ms != 0 ? o->timeout_ms : DEFAULT_TIMEOUT_MS,
                                      .max_message = SIZE_MAX / 16,
                                      .framed = true};
    ch->log = o->log;
    ch->linger_ms = o->linger_ms != 0 ? o->linger_ms : DEFAULT_LINGER_MS;
    ch->stall_ms = o->stall_ms != 0 ? o->stall_ms : DEFAULT_STALL_MS;
    memcpy(ch->session, o->session, sizeof ch->session);
    *put_hex(ch->session_text, ch->session, sizeof ch->session) = '\0';
    if (o->token != NULL) {
        snprintf(ch->token, sizeof ch->token, "%s", o->token);
    }
    atomic_init(&ch->failed, false);
}

/* Everything but the memory of the channel itself. Takes listen_fd. */
static whist_status make(struct native_channel *ch, const struct whist_http_options *options,
                         int listen_fd, struct whist_error *err)
{
    init(ch, options);
    whist_status st = build(ch, options, err);

    if (st == WHIST_OK && options->endpoint != NULL) {
        ch->ep = options->endpoint;
    } else if (st == WHIST_OK) {
        st = own_endpoint(ch, options, listen_fd, err);
        listen_fd = -1;
        ch->own_endpoint = st == WHIST_OK;
    }
    if (listen_fd >= 0) {
        close(listen_fd);
    }
    return st == WHIST_OK ? go_live(ch, err) : st;
}

whist_status whist_channel_native_new_fd(struct whist_channel **channel_out,
                                         const struct whist_http_options *options, int listen_fd,
                                         struct whist_error *err)
{
    struct native_channel *ch = NULL;
    whist_status st = check_options(options, err);

    st = st == WHIST_OK ? check_token(options->token, err) : st;
    if (st == WHIST_OK) {
        ch = whist_zalloc(1, sizeof *ch);
        if (ch == NULL || pthread_mutex_init(&ch->lock, NULL) != 0) {
            whist_free(ch);
            ch = NULL;
            st = whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for a channel");
        }
    }
    if (ch == NULL) {
        if (listen_fd >= 0) {
            close(listen_fd);
        }
        return st;
    }
    st = make(ch, options, listen_fd, err);
    if (st != WHIST_OK) {
        if (ch->ep != NULL) {
            destroy(ch);
        }
        free_parts(ch);
        return st;
    }
    *channel_out = &ch->base;
    return WHIST_OK;
}

bool whist_channel_is_native(const struct whist_channel *ch)
{
    return ch->ops == &whist_native_ops;
}

/* ---- Statistics ---- */

static struct whist_http_peer_stats read_stats(struct native_link *l)
{
    struct whist_http_peer_stats s = {.peer = l->peer};
    struct delivery_stats d;

    pthread_mutex_lock(&l->lock);
    whist_delivery_stats(l->d, &d);
    s.connected = whist_delivery_connected(l->d) && whist_delivery_failure(l->d) == NULL;
    s.messages_sent = d.messages_sent;
    s.messages_received = d.messages_received;
    s.payload_sent = d.payload_sent;
    s.payload_received = d.payload_received;
    s.wire_sent = l->wire_out;
    s.wire_received = l->wire_in;
    s.posts_sent = d.posts_sent;
    s.posts_received = d.posts_received;
    s.posts_repeated = d.posts_repeated;
    s.posts_lost = d.posts_lost;
    s.duplicates = d.duplicates;
    s.reordered = d.reordered;
    s.refused = d.refused;
    s.credit_stalls = d.credit_stalls;
    s.connects = l->connects;
    s.outbox_bytes = d.outbox_now;
    s.inbox_bytes = d.inbox_now;
    s.rtt_us = d.rtt_us;
    for (size_t i = 0; i < l->max_conns; i++) {
        if (l->conn[i].state != NATIVE_OFF) {
            s.wire_sent += l->conn[i].stream.wire_out;
            s.wire_received += l->conn[i].stream.wire_in;
            s.connections++;
        }
    }
    pthread_mutex_unlock(&l->lock);
    return s;
}

size_t whist_channel_http_stats(const struct whist_channel *base,
                                struct whist_http_peer_stats *rows_out, size_t max)
{
    struct native_channel *ch = (struct native_channel *)(void *)(uintptr_t)base;
    size_t n = 0;

    if (!whist_channel_is_native(base)) {
        return 0;
    }
    for (size_t i = 0; i < ch->base.n; i++) {
        if (is_used(ch, i)) {
            if (n < max) {
                rows_out[n] = read_stats(&ch->link[i]);
            }
            n++;
        }
    }
    return n;
}
