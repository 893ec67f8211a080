/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What an endpoint does with requests (docs/wire.md): POST …/s/{session}/msg/{from} goes to the
 * link of that session and party, if the connection proves that it is that party's; GET of /health,
 * /ready and /metrics. I/O thread only. */
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#include "channel/frame.h"
#include "channel/http_route.h"
#include "channel/metrics.h"
#include "channel/native.h"

#define ANSWER_ROOM (WHIST_ANSWER_MAX + 512) /* bytes of a machine's answer with its head */
#define LAZY_BODY   ((size_t)1024)           /* bodies up to this long may wait for their answer */
#define ALIVE_MS    500                      /* between two times that a link is told of bytes */

/* ---- Paths ---- */

static bool is(struct whist_bytes s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.data, text, s.len) == 0;
}

/* A session has one path only. */
static int lower_hex_digit(uint8_t c)
{
    return c >= 'A' && c <= 'F' ? -1 : whist_hex_digit(c);
}

/* A path [PREFIX]/s/{session}/msg/{from}. */
struct route {
    struct whist_bytes prefix;
    uint8_t session[WHIST_SESSION_LEN];
    size_t from; /* SIZE_MAX: not a number of a party */
};

static size_t read_from(const uint8_t *s, size_t len)
{
    size_t n = 0;

    if (len == 0 || len > 4 || (len > 1 && s[0] == '0')) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return SIZE_MAX;
        }
        n = n * 10 + (size_t)(s[i] - '0');
    }
    return n;
}

static bool parse_path(struct route *r, struct whist_bytes path)
{
    const size_t fixed = 3 + 2 * WHIST_SESSION_LEN + 5; /* "/s/", id, "/msg/" */
    size_t end = path.len;

    while (end != 0 && path.data[end - 1] != '/') {
        end--;
    }
    if (end < fixed || end == path.len) {
        return false;
    }
    const uint8_t *at = path.data + end - fixed;
    if (memcmp(at, "/s/", 3) != 0 || memcmp(at + fixed - 5, "/msg/", 5) != 0) {
        return false;
    }
    for (size_t i = 0; i < WHIST_SESSION_LEN; i++) {
        int high = lower_hex_digit(at[3 + 2 * i]), low = lower_hex_digit(at[4 + 2 * i]);
        if (high < 0 || low < 0) {
            return false;
        }
        r->session[i] = (uint8_t)(high << 4 | low);
    }
    r->prefix = whist_bytes(path.data, end - fixed);
    r->from = read_from(path.data + end, path.len - end);
    return true;
}

/* ---- Who is it? ---- */

static bool is_loopback(const struct whist_net_address *a)
{
    struct sockaddr_in in4;
    struct sockaddr_in6 in6;

    switch (a->sa.ss_family) {
    case AF_UNIX:
        return true;
    case AF_INET:
        memcpy(&in4, &a->sa, sizeof in4);
        return ntohl(in4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        memcpy(&in6, &a->sa, sizeof in6);
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr) && in6.sin6_addr.s6_addr[12] == 127);
    default:
        return false;
    }
}

static bool same_host(const struct whist_net_address *a, const struct whist_net_address *b)
{
    struct sockaddr_in x4, y4;
    struct sockaddr_in6 x6, y6;

    if (a->sa.ss_family == AF_INET6 && b->sa.ss_family == AF_INET) {
        memcpy(&x6, &a->sa, sizeof x6); /* a socket for both families */
        memcpy(&y4, &b->sa, sizeof y4);
        return IN6_IS_ADDR_V4MAPPED(&x6.sin6_addr) &&
               memcmp(x6.sin6_addr.s6_addr + 12, &y4.sin_addr, 4) == 0;
    }
    if (a->sa.ss_family != b->sa.ss_family) {
        return false;
    }
    if (a->sa.ss_family == AF_INET) {
        memcpy(&x4, &a->sa, sizeof x4);
        memcpy(&y4, &b->sa, sizeof y4);
        return x4.sin_addr.s_addr == y4.sin_addr.s_addr;
    }
    if (a->sa.ss_family == AF_INET6) {
        memcpy(&x6, &a->sa, sizeof x6);
        memcpy(&y6, &b->sa, sizeof y6);
        return memcmp(&x6.sin6_addr, &y6.sin6_addr, sizeof x6.sin6_addr) == 0;
    }
    return true;
}

static bool is_trusted_proxy(const struct whist_endpoint *ep, const struct http_conn *c)
{
    for (size_t i = 0; i < ep->n_proxies; i++) {
        if (same_host(&c->address, &ep->proxies[i])) {
            return true;
        }
    }
    return false;
}

/* A proxy that ends TLS forwards in clear as a rule. */
static bool may_be_plain(const struct http_server *s, const struct http_conn *c)
{
    return is_trusted_proxy(s->owner, c);
}

/* The party that a trusted proxy vouches for. 401: none. */
static int forwarded_party(const struct native_channel *ch, const struct http_conn *c,
                           size_t *party_out, struct whist_error *err)
{
    struct whist_bytes value;
    size_t n = whist_http_find_field(&c->parser, ch->ep->proxy_header, &value);

    if (n != 1) {
        snprintf(err->text, sizeof err->text, "%s",
                 n == 0 ? "The proxy forwarded no certificate of the client"
                        : "The field of the forwarded certificate is there twice");
        return 401;
    }
    return whist_tls_trust_forwarded(ch->trust, party_out, value, NULL, err) == WHIST_OK ? 200
                                                                                         : 401;
}

static bool token_is_right(const struct native_channel *ch, const struct http_conn *c)
{
    static const char scheme[] = "bearer ";
    struct whist_bytes value;
    size_t len = strlen(ch->token), skip = sizeof scheme - 1;

    return whist_http_find_field(&c->parser, "authorization", &value) == 1 &&
           value.len == skip + len && strncasecmp((const char *)value.data, scheme, skip) == 0 &&
           whist_ct_equal(value.data + skip, ch->token, len);
}

/* Whether the connection is that of party `from`: 200, or the status and text of a refusal. */
static int check_sender(struct native_channel *ch, struct http_conn *c, size_t from, char *text,
                        size_t text_size)
{
    struct whist_error err = {.text = ""};
    size_t party = SIZE_MAX;
    int status = 200;

    if (ch->trust == NULL) {
        if (ch->token[0] != '\0' && !token_is_right(ch, c)) {
            snprintf(text, text_size, "This session needs a token, and this is not it");
            return 401;
        }
        return 200;
    }
    if (ch->ep->n_proxies != 0 && is_trusted_proxy(ch->ep, c)) {
        status = forwarded_party(ch, c, &party, &err);
    }
    if (party == SIZE_MAX && status == 200) {
        status = c->stream.tls != NULL &&
                         whist_tls_party(c->stream.tls, ch->trust, &party, &err) == WHIST_OK
                     ? 200
                     : 401;
    }
    if (status != 200) {
        snprintf(text, text_size, "Not a party of this session: %.200s", err.text);
        return status;
    }
    if (party != from) {
        snprintf(text, text_size, "The certificate is that of party %zu, the path says %zu", party,
                 from);
        return 403;
    }
    return 200;
}

/* ---- Heads of POSTs ---- */

static void refuse(struct whist_endpoint *ep, struct http_conn *c, int status, const char *text)
{
    /* What is not from a party is not read any further. */
    c->last = c->parser.expect_continue || status == 401 || status == 403 || status == 413;
    ep->refused++;
    ep->requests++;
    if (status == 405) {
        whist_httpd_answer(&ep->server, c, status, true, whist_bytes(NULL, 0));
    } else {
        whist_httpd_answer_text(&ep->server, c, status, text);
    }
}

static void refuse_session(struct whist_endpoint *ep, struct http_conn *c,
                           const uint8_t session[WHIST_SESSION_LEN])
{
    bool ended = whist_endpoint_has_ended(ep, session);

    if (ep->leaving) {
        /* As if it had left already: an answer would look like news, and there may be better ones
         * on their way (an abort that this party has heard of). */
        whist_httpd_end(&ep->server, c);
        return;
    }

    refuse(ep, c, ended ? 410 : 404,
           ended ? "This session has ended" : "This party does not know this session (yet)");
}

/* A hello of another session is told which one this party is in, if it waits there for the one that
 * asks: so both learn at once that they have not the same session, and not at their deadlines. For
 * the endpoint of a single channel; others may open the session yet. */
static struct native_channel *channel_for_strays(const struct whist_endpoint *ep,
                                                 const uint8_t session[WHIST_SESSION_LEN])
{
    struct native_channel *ch = NULL;

    for (size_t b = 0; b < CHANNEL_BUCKETS && ch == NULL; b++) {
        ch = ep->bucket[b];
    }
    return ch != NULL && ch->own_endpoint && !whist_endpoint_has_ended(ep, session) ? ch : NULL;
}

/* True if the body is read: it may be such a hello. */
static bool take_stray(struct whist_endpoint *ep, struct http_conn *c, const struct route *r)
{
    struct native_channel *ch = channel_for_strays(ep, r->session);
    char text[400];

    if (ch == NULL || r->from >= ch->base.n || r->from == ch->base.me || !c->parser.has_length ||
        c->parser.length != HELLO_LEN + POST_TAIL_LEN ||
        (r->prefix.len != 0 && !is(r->prefix, ch->own_prefix)) ||
        check_sender(ch, c, r->from, text, sizeof text) != 200) {
        return false;
    }
    c->from = r->from;
    memcpy(c->session, r->session, sizeof c->session);
    return true;
}

static void take_post(struct whist_endpoint *ep, struct http_conn *c, const struct route *r)
{
    struct native_channel *ch = whist_endpoint_find(ep, r->session);
    char text[400];

    if (ch == NULL) {
        if (!take_stray(ep, c, r)) {
            refuse_session(ep, c, r->session);
        }
        return;
    }
    if (r->prefix.len != 0 && !is(r->prefix, ch->own_prefix)) {
        refuse(ep, c, 404, "There is nothing at this path");
        return;
    }
    if (r->from >= ch->base.n || r->from == ch->base.me) {
        snprintf(text, sizeof text, "The sender is none of the other parties (of %zu; this is %zu)",
                 ch->base.n, ch->base.me);
        refuse(ep, c, 400, text);
        return;
    }
    int status = check_sender(ch, c, r->from, text, sizeof text);
    if (status != 200) {
        whist_logf(&ep->log, WHIST_LOG_WARN, "http: session %s: refused a POST of party %zu: %s",
                   ch->session_text, r->from, text);
        refuse(ep, c, status, text);
        return;
    }
    if (c->parser.has_length && c->parser.length > WHIST_POST_LIMIT) {
        refuse(ep, c, 413, "A POST has at most 4194304 bytes");
        return;
    }
    c->from = r->from;
    memcpy(c->session, r->session, sizeof c->session);
    c->proven = true;
    c->parser.trusted = true;
}

/* ---- GET ---- */

static bool is_ready(const struct whist_endpoint *ep)
{
    for (size_t b = 0; b < CHANNEL_BUCKETS; b++) {
        for (const struct native_channel *ch = ep->bucket[b]; ch != NULL; ch = ch->next) {
            for (size_t i = 0; i < ch->base.n; i++) {
                struct native_link *l = &ch->link[i];
                if (i == ch->base.me) {
                    continue;
                }
                pthread_mutex_lock(&l->lock);
                bool good = whist_delivery_connected(l->d) && whist_delivery_failure(l->d) == NULL;
                pthread_mutex_unlock(&l->lock);
                if (!good) {
                    return false;
                }
            }
        }
    }
    return true;
}

/* A copy of the counts by phase, where somebody counts them, with the labels behind the rows. */
static struct whist_stats_row *copy_counts(struct native_channel *ch, size_t *n_out)
{
    const size_t label = WHIST_MAX_PHASE + 1;
    struct whist_stats_row *rows = NULL;

    pthread_mutex_lock(&ch->lock);
    size_t n = ch->counts != NULL ? whist_channel_stats(ch->counts, NULL, 0) : 0;
    if (n != 0 && (rows = whist_zalloc(n, sizeof *rows + label)) != NULL) {
        size_t now = whist_channel_stats(ch->counts, rows, n);
        n = now < n ? now : n;
        char *text = (char *)(rows + n);
        for (size_t i = 0; i < n; i++, text += label) {
            snprintf(text, label, "%s", rows[i].phase);
            rows[i].phase = text;
        }
    }
    pthread_mutex_unlock(&ch->lock);
    *n_out = rows != NULL ? n : 0;
    return rows;
}

/* The counts of all channels. False without memory. */
static bool collect(const struct whist_endpoint *ep, struct metrics_channel **channels_out,
                    size_t *n_out)
{
    size_t n = 0, k = 0;

    for (size_t b = 0; b < CHANNEL_BUCKETS; b++) {
        for (const struct native_channel *ch = ep->bucket[b]; ch != NULL; ch = ch->next) {
            n++;
        }
    }
    struct metrics_channel *m = whist_zalloc(n + 1, sizeof *m);
    *channels_out = m;
    *n_out = n;
    for (size_t b = 0; m != NULL && b < CHANNEL_BUCKETS; b++) {
        for (struct native_channel *ch = ep->bucket[b]; ch != NULL; ch = ch->next, k++) {
            struct whist_http_peer_stats *rows = whist_zalloc(ch->base.n, sizeof *rows);
            memcpy(m[k].session, ch->session, sizeof m[k].session);
            m[k].me = ch->base.me;
            m[k].peers = rows;
            m[k].n_peers = rows != NULL ? whist_channel_http_stats(&ch->base, rows, ch->base.n) : 0;
            m[k].phases = copy_counts(ch, &m[k].n_phases);
        }
    }
    return m != NULL;
}

static void answer_metrics(struct whist_endpoint *ep, struct http_conn *c)
{
    struct metrics_channel *channels = NULL;
    struct whist_buffer text = {0};
    size_t n = 0;

    if (collect(ep, &channels, &n)) {
        const struct metrics_endpoint m = {.accepted = ep->server.accepted,
                                           .requests = ep->requests,
                                           .refused = ep->refused,
                                           .connections = ep->server.n_conns,
                                           .channels = channels,
                                           .n_channels = n};
        if (whist_metrics_write(&text, &m, NULL) == WHIST_OK) {
            whist_httpd_answer_typed(&ep->server, c, 200, WHIST_METRICS_TYPE,
                                     whist_buffer_view(&text));
        }
        for (size_t i = 0; i < n; i++) {
            whist_free((void *)(uintptr_t)channels[i].peers);
            whist_free((void *)(uintptr_t)channels[i].phases);
        }
        whist_free(channels);
    }
    if (text.len == 0) {
        whist_httpd_answer_text(&ep->server, c, 503, "Out of memory");
    }
    whist_buffer_clear(&text);
}

/* Health routes are for people and machines nearby, and for parties. */
static bool may_see(const struct whist_endpoint *ep, const struct http_conn *c)
{
    /* A certificate was shown and is that of a party of some session, or TLS had refused it. */
    return ep->open_metrics || is_loopback(&c->address) || c->stream.tls != NULL;
}

static void take_get(struct whist_endpoint *ep, struct http_conn *c, struct whist_bytes path)
{
    size_t prefix_len = strlen(ep->prefix);

    if (prefix_len != 0 && path.len >= prefix_len &&
        memcmp(path.data, ep->prefix, prefix_len) == 0) {
        path = whist_bytes(path.data + prefix_len, path.len - prefix_len);
    }
    if (is(path, "/health")) {
        whist_httpd_answer_text(&ep->server, c, 200, "up\n");
    } else if (!is(path, "/ready") && !is(path, "/metrics")) {
        refuse(ep, c, 404, "There is nothing at this path");
        return;
    } else if (!may_see(ep, c)) {
        refuse(ep, c, 403, "For this machine and for parties only");
        return;
    } else if (is(path, "/metrics")) {
        answer_metrics(ep, c);
    } else {
        bool ready = is_ready(ep);
        whist_httpd_answer_text(&ep->server, c, ready ? 200 : 503,
                                ready ? "ready\n" : "waiting for parties\n");
    }
    ep->requests++;
}

static bool is_message_path(struct whist_bytes path)
{
    size_t end = path.len;

    while (end != 0 && path.data[end - 1] != '/') {
        end--;
    }
    return end >= 5 && end != path.len && memcmp(path.data + end - 5, "/msg/", 5) == 0;
}

static void take_head(struct http_server *s, struct http_conn *c)
{
    struct whist_endpoint *ep = s->owner;
    struct whist_bytes path = whist_http_path(c->parser.target);
    struct route r;
    bool post = is(c->parser.method, "POST"), get = is(c->parser.method, "GET");

    if (post && parse_path(&r, path)) {
        take_post(ep, c, &r);
    } else if (is_message_path(path)) {
        refuse(ep, c, post ? 404 : 405,
               "This party speaks the native mode: POST /s/{session}/msg/{party}");
    } else if (get) {
        take_get(ep, c, path);
    } else {
        refuse(ep, c, 404, "There is nothing at this path");
    }
}

/* ---- Bodies ---- */

/* The link of the present request; NULL if its session has ended meanwhile. */
static struct native_link *link_of(const struct whist_endpoint *ep, const struct http_conn *c)
{
    struct native_channel *ch = whist_endpoint_find(ep, c->session);

    return ch != NULL && c->from < ch->base.n && c->from != ch->base.me ? &ch->link[c->from] : NULL;
}

/* What the connection has cost since it was last looked at goes to the link. */
static void count_wire(struct native_link *l, struct http_conn *c)
{
    uint64_t in = c->stream.wire_in, out = c->stream.wire_out;

    l->wire_in += in - c->counted_in;
    l->wire_out += out - c->counted_out;
    c->counted_in = in;
    c->counted_out = out;
}

/* Puts behind the body what the head has of its end; an HTTP status. */
static int add_end(struct http_conn *c)
{
    struct whist_bytes hex;
    uint8_t end[POST_OVERHEAD];
    size_t n = c->parser.body.len >= POST_END_BODY_MIN
                   ? whist_http_find_field(&c->parser, POST_END_FIELD, &hex)
                   : 0;

    if (n == 0) {
        return 200;
    }
    if (n > 1 || hex.len % 2 != 0 || hex.len / 2 > sizeof end) {
        return 400;
    }
    for (size_t i = 0; i < hex.len / 2; i++) {
        int high = whist_hex_digit(hex.data[2 * i]), low = whist_hex_digit(hex.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return 400;
        }
        end[i] = (uint8_t)(high << 4 | low);
    }
    return whist_buffer_append(&c->parser.body, end, hex.len / 2) == WHIST_OK ? 200 : 503;
}

/* The waiting link that a hello of another session is for; NULL: it is none, or none waits. */
static struct native_link *stray_link(const struct whist_endpoint *ep, const struct http_conn *c)
{
    const struct native_channel *ch = channel_for_strays(ep, c->session);
    const struct whist_buffer *body = &c->parser.body;

    if (ch == NULL || c->from >= ch->base.n || c->from == ch->base.me ||
        body->len != HELLO_LEN + POST_TAIL_LEN ||
        whist_post_seems(whist_buffer_view(body)) != POST_HELLO ||
        memcmp(body->data + 8, c->session, WHIST_SESSION_LEN) != 0) {
        return NULL;
    }
    struct native_link *l = &ch->link[c->from];
    pthread_mutex_lock(&l->lock);
    bool waits = !whist_delivery_connected(l->d) && whist_delivery_failure(l->d) == NULL;
    pthread_mutex_unlock(&l->lock);
    return waits ? l : NULL;
}

static void take_message(struct http_server *s, struct http_conn *c)
{
    struct whist_endpoint *ep = s->owner;
    struct native_link *l = link_of(ep, c);
    struct delivery_answer answer;
    int64_t now = s->loop->now_ms;
    int status;

    if (l == NULL && (ep->leaving || (l = stray_link(ep, c)) == NULL)) {
        refuse_session(ep, c, c->session);
        if (!ep->leaving) {
            whist_httpd_end_request(s, c);
        }
        return;
    }
    ep->requests++;
    if ((status = add_end(c)) != 200) {
        refuse(ep, c, status, status == 400 ? "A malformed field " POST_END_FIELD : "No memory");
        whist_httpd_end_request(s, c);
        return;
    }
    /* Memory for the answer comes first: a message without one would be sent again. */
    if (!whist_httpd_reserve(s, c, ANSWER_ROOM)) {
        return;
    }
    bool lazy = c->parser.body.len <= LAZY_BODY &&
                whist_post_begins_message(whist_buffer_view(&c->parser.body));
    pthread_mutex_lock(&l->lock);
    count_wire(l, c);
    l->lone = lazy;
    whist_delivery_request(l->d, now, &c->parser.body, &answer);
    whist_link_update(l, now);
    whist_link_unlock(l);
    ep->refused += answer.status >= 400 ? 1 : 0;
    whist_httpd_answer_typed(s, c, answer.status, "application/octet-stream",
                             whist_bytes(answer.body, answer.len));
    if (lazy && answer.status == 200 && c->parser.keep_alive && c->state == CONN_READING) {
        whist_httpd_lazy(c);
    }
    whist_httpd_end_request(s, c);
}

static void take_part(struct http_server *s, struct http_conn *c)
{
    struct native_link *l;
    int64_t now = s->loop->now_ms;

    if (now - c->alive_ms < ALIVE_MS) {
        return;
    }
    c->alive_ms = now;
    l = link_of(s->owner, c);
    if (l != NULL) {
        pthread_mutex_lock(&l->lock);
        whist_delivery_alive(l->d, now);
        pthread_mutex_unlock(&l->lock);
    }
}

const struct http_service whist_endpoint_service = {
    .head = take_head,
    .message = take_message,
    .progress = take_part,
    .may_be_plain = may_be_plain,
};
