/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* HTTP transport, legacy mode (docs/wire.md): the channel itself, its making and its end. */
#include <stdio.h>
#include <unistd.h>

#include "channel/http_impl.h"
#include "channel/native.h"

#define DEFAULT_TIMEOUT_MS 60000
#define DEFAULT_OUTBOX     ((size_t)268435456)
#define DEFAULT_INBOX      ((size_t)67108864)
#define DEFAULT_BUFFERED   ((size_t)67108864)
#define BUFFERED_EACH      ((size_t)4194304)

static struct http_channel *http_of(struct whist_channel *ch)
{
    return (struct http_channel *)ch;
}

/* ---- Sending and receiving ---- */

/* What keeps this call from sending, with the peer's lock held. */
static whist_status check_sending(struct http_channel *ch, struct http_peer *p, const char *phase,
                                  struct whist_error *err)
{
    if (whist_inbox_failed(&ch->inbox, phase, err)) {
        return err->status;
    }
    if (atomic_load(&ch->closing)) {
        return whist_fail(err, WHIST_ERR_CLOSED, (int)p->index, phase, "the channel is closed");
    }
    if (p->state == PEER_FAILED) {
        *err = p->error;
        if (err->phase[0] == '\0') {
            snprintf(err->phase, sizeof err->phase, "%s", phase);
        }
        return err->status;
    }
    return WHIST_OK;
}

/* Whether the outbox takes len bytes more; an empty one takes any message. */
static bool has_room(const struct http_channel *ch, const struct http_peer *p, size_t len)
{
    size_t cost = len + WHIST_HTTP_MESSAGE_COST;
    return p->head == NULL || (cost <= ch->outbox_bytes && p->bytes <= ch->outbox_bytes - cost);
}

static whist_status send_locked(struct http_channel *ch, struct http_peer *p,
                                struct whist_buffer *msg, const char *phase, int64_t deadline_ms,
                                struct whist_error *err)
{
    TRY(check_sending(ch, p, phase, err));
    for (bool in_time = true; !has_room(ch, p, msg->len);) {
        if (!in_time) {
            return whist_fail(err, WHIST_ERR_WINDOW_FULL, (int)p->index, phase,
                              "party %zu (%s) did not take what is queued for it (%zu bytes) until "
                              "the deadline%s%s",
                              p->index, p->url_text, p->bytes,
                              p->last_error[0] != '\0' ? "; last error: " : "", p->last_error);
        }
        in_time = whist_cond_wait(&p->changed, &p->lock, deadline_ms);
        TRY(check_sending(ch, p, phase, err));
    }
    if (!whist_httpc_queue(p, msg, phase)) {
        return whist_fail(err, WHIST_ERR_NOMEM, (int)p->index, phase,
                          "no memory to queue a message");
    }
    whist_httpc_start(p);
    return WHIST_OK;
}

static whist_status http_send(struct whist_channel *base, size_t to, struct whist_buffer *msg,
                              const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct http_channel *ch = http_of(base);
    struct http_peer *p = &ch->peers[to];

    pthread_mutex_lock(&p->lock);
    whist_status st = send_locked(ch, p, msg, phase, deadline_ms, err);
    pthread_mutex_unlock(&p->lock);
    whist_buffer_clear(msg);
    return st;
}

static whist_status http_recv(struct whist_channel *base, size_t from, struct whist_buffer *msg_out,
                              const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    return whist_inbox_take(&http_of(base)->inbox, from, msg_out, NULL, phase, deadline_ms, err);
}

static void space_again(void *ctx, size_t from)
{
    (void)from; /* the I/O thread looks at all held answers */
    whist_http_wake(&http_of(ctx)->loop);
}

static void http_set_arrival_hook(struct whist_channel *base, whist_arrival_hook hook, void *ctx)
{
    whist_inbox_set_hook(&http_of(base)->inbox, hook, ctx);
}

/* ---- Aborting and ending ---- */

/* Lets all blocked sends look again. `last`: message to put in place of what is queued, or NULL. */
static void stop_sending(struct http_channel *ch, const struct whist_bytes *last)
{
    for (size_t i = 0; i < ch->base.n; i++) {
        struct http_peer *p = &ch->peers[i];
        struct whist_buffer copy = {0};
        if (i == ch->base.me) {
            continue;
        }
        pthread_mutex_lock(&p->lock);
        whist_httpc_drop(p);
        if (last != NULL && p->state != PEER_FAILED &&
            whist_buffer_append(&copy, last->data, last->len) == WHIST_OK &&
            whist_httpc_queue(p, &copy, "abort")) {
            whist_httpc_start(p);
        }
        whist_buffer_clear(&copy);
        pthread_cond_broadcast(&p->changed);
        pthread_mutex_unlock(&p->lock);
    }
}

static void http_abort(struct whist_channel *base, const struct whist_error *why)
{
    struct http_channel *ch = http_of(base);

    if (whist_inbox_fail(&ch->inbox, why)) {
        stop_sending(ch, NULL);
        whist_http_wake(&ch->loop);
    }
}

static void http_abort_with(struct whist_channel *base, const struct whist_error *why,
                            struct whist_bytes last)
{
    struct http_channel *ch = http_of(base);

    atomic_store(&ch->last_sent, true);
    if (whist_inbox_fail(&ch->inbox, why)) {
        stop_sending(ch, &last);
        whist_http_wake(&ch->loop);
    }
}

/* Waits until the queue of a peer is empty. */
static whist_status flush_peer(struct http_channel *ch, struct http_peer *p, int64_t deadline_ms,
                               struct whist_error *err)
{
    whist_status st = WHIST_OK;

    pthread_mutex_lock(&p->lock);
    for (bool in_time = true; p->head != NULL && st == WHIST_OK;) {
        if (whist_inbox_failed(&ch->inbox, NULL, err)) {
            st = err->status;
        } else if (!in_time) {
            st = whist_fail(err, WHIST_ERR_TIMEOUT, (int)p->index, p->head->phase,
                            "party %zu (%s) had not taken all messages (%zu bytes were left) when "
                            "the channel was closed%s%s",
                            p->index, p->url_text, p->bytes,
                            p->last_error[0] != '\0' ? "; last error: " : "", p->last_error);
        } else {
            in_time = whist_cond_wait(&p->changed, &p->lock, deadline_ms);
        }
    }
    if (st == WHIST_OK && p->state == PEER_FAILED) {
        *err = p->error;
        st = err->status;
    }
    pthread_mutex_unlock(&p->lock);
    return st;
}

static whist_status flush_all(struct http_channel *ch, int64_t deadline_ms, struct whist_error *err)
{
    struct whist_error other;
    whist_status st = WHIST_OK;

    for (size_t i = 0; i < ch->base.n; i++) {
        if (i != ch->base.me) {
            whist_status one =
                flush_peer(ch, &ch->peers[i], deadline_ms, st == WHIST_OK ? err : &other);
            st = st == WHIST_OK ? one : st;
        }
    }
    return st;
}

/* Ends the I/O thread and closes all sockets. Not from two threads at once. */
static void stop(struct http_channel *ch)
{
    whist_http_loop_stop(&ch->loop);
    whist_httpd_clear(&ch->server);
    for (size_t i = 0; i < ch->base.n; i++) {
        pthread_mutex_lock(&ch->peers[i].lock);
        whist_httpc_clear(&ch->peers[i]);
        pthread_mutex_unlock(&ch->peers[i].lock);
    }
}

static whist_status http_close(struct whist_channel *base, int64_t deadline_ms,
                               struct whist_error *err)
{
    struct http_channel *ch = http_of(base);
    struct whist_error closed;

    if (whist_inbox_failed(&ch->inbox, NULL, err)) {
        return err->status; /* the thread may still be telling the peers */
    }
    if (atomic_exchange(&ch->closing, true)) {
        return whist_fail(err, WHIST_ERR_CLOSED, WHIST_NO_PEER, NULL, "the channel is closed");
    }
    whist_status st = flush_all(ch, deadline_ms, err);
    if (whist_inbox_failed(&ch->inbox, NULL, NULL)) {
        return st; /* aborted meanwhile */
    }
    /* The thread ends first: who has sent us his last message gets his answer or none, not a 503.
     */
    stop(ch);
    whist_fail(&closed, WHIST_ERR_CLOSED, WHIST_NO_PEER, NULL, "the channel is closed");
    (void)whist_inbox_fail(&ch->inbox, &closed);
    stop_sending(ch, NULL);
    return st;
}

static void http_free(struct whist_channel *base)
{
    struct http_channel *ch = http_of(base);

    if (atomic_load(&ch->last_sent) && ch->loop.running) {
        int64_t deadline = whist_now_ms() + WHIST_ABORT_LINGER_MS;
        for (size_t i = 0; i < ch->base.n; i++) {
            struct http_peer *p = &ch->peers[i];
            pthread_mutex_lock(&p->lock);
            while (p->head != NULL && whist_cond_wait(&p->changed, &p->lock, deadline)) {
            }
            pthread_mutex_unlock(&p->lock);
        }
    }
    stop(ch);
    for (size_t i = 0; i < ch->base.n; i++) {
        pthread_cond_destroy(&ch->peers[i].changed);
        pthread_mutex_destroy(&ch->peers[i].lock);
    }
    whist_inbox_clear(&ch->inbox);
    whist_http_loop_clear(&ch->loop);
    whist_free(ch->peers);
    whist_free(ch);
}

static const struct whist_channel_ops http_ops = {
    .name = "http",
    .send = http_send,
    .recv = http_recv,
    .abort = http_abort,
    .close = http_close,
    .set_arrival_hook = http_set_arrival_hook,
    .free = http_free,
    .abort_with = http_abort_with,
};

uint16_t whist_channel_http_port(const struct whist_channel *ch)
{
    if (whist_channel_is_native(ch)) {
        return ((const struct native_channel *)(const void *)ch)->ep->port;
    }
    return ch->ops == &http_ops ? ((const struct http_channel *)ch)->port : 0;
}

/* ---- Making ---- */

/* Fills in defaults. */
static struct whist_http_tuning tuning_of(const struct whist_http_tuning *given, size_t n)
{
    struct whist_http_tuning t = given != NULL ? *given : (struct whist_http_tuning){0};

    t.retry_ms = t.retry_ms != 0 ? t.retry_ms : 200;
    t.address_ms = t.address_ms != 0 ? t.address_ms : 3000;
    t.client_idle_ms = t.client_idle_ms != 0 ? t.client_idle_ms : 45000;
    t.idle_ms = t.idle_ms != 0 ? t.idle_ms : 75000;
    t.head_ms = t.head_ms != 0 ? t.head_ms : 30000;
    t.linger_ms = t.linger_ms != 0 ? t.linger_ms : 2000;
    t.max_buffered = t.max_buffered != 0 ? t.max_buffered : DEFAULT_BUFFERED + n * BUFFERED_EACH;
    t.max_connections =
        t.max_connections != 0 ? t.max_connections : whist_httpd_default_connections();
    return t;
}

whist_status whist_http_check_parties(const struct whist_http_options *o, struct whist_error *err)
{
    if (o->n < 2 || o->n > WHIST_MAX_PARTIES) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "%zu parties: this transport is for 2 to %d", o->n, WHIST_MAX_PARTIES);
    }
    if (o->me >= o->n) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "the own index is %zu, but there are %zu parties, numbered from 0", o->me,
                          o->n);
    }
    return WHIST_OK;
}

static whist_status check_options(const struct whist_http_options *o, struct whist_error *err)
{
    TRY(whist_http_check_parties(o, err));
    if (o->urls == NULL || o->timeout_ms < 0 || o->connect_timeout_ms < 0) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "URLs are missing or a timeout is negative");
    }
    return WHIST_OK;
}

static whist_status refuse_clear_text(const char *url, size_t party, struct whist_error *err)
{
    return whist_fail(
        err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
        "party %zu (%.80s) is not on this machine, and there is no TLS yet: whoever is on the way "
        "could read and change all messages (bits and labels included) and pose as a party. Use "
        "loopback URLs, through a tunnel (ssh, WireGuard) if need be, or allow it with the option "
        "insecure (--insecure)",
        party, url);
}

static void destroy_peers(struct http_channel *ch, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        pthread_cond_destroy(&ch->peers[i].changed);
        pthread_mutex_destroy(&ch->peers[i].lock);
    }
    whist_free(ch->peers);
    ch->peers = NULL;
}

static bool same_url(const struct whist_url *a, const struct whist_url *b)
{
    return a->port == b->port && strcmp(a->host, b->host) == 0 && strcmp(a->prefix, b->prefix) == 0;
}

static void warn_of_equal_urls(struct http_channel *ch)
{
    for (size_t i = 0; i < ch->base.n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (same_url(&ch->peers[i].url, &ch->peers[j].url)) {
                whist_logf(&ch->log, WHIST_LOG_WARN, "http: parties %zu and %zu have the same URL",
                           j, i);
            }
        }
    }
}

static whist_status make_peer(struct http_channel *ch, const struct whist_http_options *o,
                              size_t index, struct whist_error *err)
{
    struct whist_url url;

    if (o->urls[index] == NULL) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "the URL of party %zu is missing", index);
    }
    TRY(whist_url_parse(&url, o->urls[index], err));
    if (!url.loopback && !o->insecure) {
        return refuse_clear_text(o->urls[index], index, err);
    }
    if (!whist_httpc_init(&ch->peers[index], ch, index, &url, o->urls[index])) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL,
                          "the system has no resources for a channel");
    }
    return WHIST_OK;
}

static whist_status make_peers(struct http_channel *ch, const struct whist_http_options *o,
                               struct whist_error *err)
{
    ch->peers = whist_zalloc(o->n, sizeof *ch->peers);
    if (ch->peers == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for a channel");
    }
    for (size_t i = 0; i < o->n; i++) {
        whist_status st = make_peer(ch, o, i, err);
        if (st != WHIST_OK) {
            destroy_peers(ch, i);
            return st;
        }
    }
    warn_of_equal_urls(ch);
    return WHIST_OK;
}

static whist_status open_listener(struct http_channel *ch, const struct whist_http_options *o,
                                  int listen_fd, struct whist_error *err)
{
    const struct whist_url *own = &ch->peers[ch->base.me].url;
    struct whist_url listen;
    bool any = false;

    if (listen_fd >= 0) {
        ch->port = whist_net_port(listen_fd);
        if (!whist_net_set_nonblocking(listen_fd)) {
            return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "cannot use that socket");
        }
        return WHIST_OK;
    }
    if (o->listen != NULL) {
        TRY(whist_url_parse_listen(&listen, o->listen, err));
    } else {
        listen = *own;
        any = !own->loopback;
    }
    TRY(whist_net_listen(&ch->server.listener.fd, &ch->port, &listen, any, err));
    if (any || !listen.loopback) {
        whist_logf(&ch->log, WHIST_LOG_WARN,
                   "http: listening in clear on port %u for other machines; anybody on the way can "
                   "read and change messages",
                   (unsigned)ch->port);
    }
    return WHIST_OK;
}

/* ---- The I/O thread ---- */

static void visit_peers(struct http_channel *ch, bool woken)
{
    for (size_t i = 0; i < ch->base.n; i++) {
        struct http_peer *p = &ch->peers[i];
        bool due = p->timer_ms != 0 && p->timer_ms <= ch->loop.now_ms;
        if (i == ch->base.me || !(due || woken)) {
            continue;
        }
        pthread_mutex_lock(&p->lock);
        if (due) {
            whist_httpc_timer(p);
        }
        if (woken) {
            whist_httpc_pump(p);
        }
        pthread_mutex_unlock(&p->lock);
    }
}

static void turn(void *owner, bool woken)
{
    struct http_channel *ch = owner;

    if (woken) {
        whist_http_retry_held(ch);
    }
    visit_peers(ch, woken);
    whist_httpd_turn(&ch->server);
}

static int64_t next_turn(void *owner)
{
    const struct http_channel *ch = owner;
    int64_t first = whist_httpd_deadline_of(&ch->server);

    for (size_t i = 0; i < ch->base.n; i++) {
        int64_t t = i != ch->base.me ? ch->peers[i].timer_ms : 0;
        first = t != 0 && t < first ? t : first;
    }
    return first;
}

static const struct http_loop_ops loop_ops = {.turn = turn, .deadline = next_turn};

static whist_status start(struct http_channel *ch, struct whist_error *err)
{
    if (!whist_httpd_listen(&ch->server)) {
        return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL,
                          "no file descriptors for a channel (see ulimit -n)");
    }
    return whist_http_loop_start(&ch->loop, err);
}

static void init_channel(struct http_channel *ch, const struct whist_http_options *o,
                         const struct whist_http_tuning *tuning)
{
    int64_t timeout = o->timeout_ms != 0 ? o->timeout_ms : DEFAULT_TIMEOUT_MS;

    ch->base = (struct whist_channel){.ops = &http_ops,
                                      .n = o->n,
                                      .me = o->me,
                                      .timeout_ms = timeout,
                                      .max_message = WHIST_MAX_MESSAGE};
    ch->log = o->log;
    ch->tuning = tuning_of(tuning, o->n);
    ch->limits = (struct http_limits){.idle_ms = ch->tuning.idle_ms,
                                      .head_ms = ch->tuning.head_ms,
                                      .linger_ms = ch->tuning.linger_ms,
                                      .max_buffered = ch->tuning.max_buffered,
                                      .max_connections = ch->tuning.max_connections,
                                      .body_limit = WHIST_MAX_MESSAGE};
    ch->connect_timeout_ms =
        o->connect_timeout_ms != 0 ? o->connect_timeout_ms : DEFAULT_TIMEOUT_MS;
    ch->outbox_bytes = o->outbox_bytes != 0 ? o->outbox_bytes : DEFAULT_OUTBOX;
    atomic_init(&ch->closing, false);
    atomic_init(&ch->last_sent, false);
}

/* Makes all parts; on error the caller frees what is there (see undo). */
static whist_status build(struct http_channel *ch, const struct whist_http_options *o,
                          int listen_fd, struct whist_error *err)
{
    TRY(whist_inbox_init(&ch->inbox, o->n, o->inbox_bytes != 0 ? o->inbox_bytes : DEFAULT_INBOX, 0,
                         space_again, ch, err));
    TRY(whist_http_loop_init(&ch->loop, &loop_ops, ch, err));
    TRY(whist_httpd_init(&ch->server, &ch->loop, &whist_http_legacy_service, ch, &ch->limits,
                         listen_fd, &ch->log, err));
    TRY(make_peers(ch, o, err));
    TRY(open_listener(ch, o, listen_fd, err));
    return start(ch, err);
}

static void undo(struct http_channel *ch)
{
    whist_httpd_clear(&ch->server);
    whist_http_loop_clear(&ch->loop);
    if (ch->peers != NULL) {
        destroy_peers(ch, ch->base.n);
    }
    if (ch->inbox.from != NULL) {
        whist_inbox_clear(&ch->inbox);
    }
    whist_free(ch);
}

whist_status whist_channel_http_new_fd(struct whist_channel **channel_out,
                                       const struct whist_http_options *options, int listen_fd,
                                       const struct whist_http_tuning *tuning,
                                       struct whist_error *err)
{
    struct http_channel *ch = NULL;
    whist_status st = check_options(options, err);

    if (st == WHIST_OK) {
        ch = whist_zalloc(1, sizeof *ch);
        st = ch != NULL
                 ? WHIST_OK
                 : whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for a channel");
    }
    if (st != WHIST_OK) {
        if (listen_fd >= 0) {
            close(listen_fd);
        }
        return st;
    }
    init_channel(ch, options, tuning);
    st = build(ch, options, listen_fd, err);
    if (st != WHIST_OK) {
        undo(ch);
        return st;
    }
    *channel_out = &ch->base;
    return WHIST_OK;
}

whist_status whist_channel_http_new(struct whist_channel **channel_out,
                                    const struct whist_http_options *options,
                                    struct whist_error *err)
{
    WHIST_REQUIRE(channel_out != NULL && options != NULL);
    if (!options->legacy) {
        return whist_channel_native_new_fd(channel_out, options, -1, err);
    }
    return whist_channel_http_new_fd(channel_out, options, -1, NULL, err);
}
