/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Who is let in by a party that runs, over real connections: each way in which a client's
 * certificate can be wrong is answered by an alert, 401 or 403, with words for both sides, and no
 * byte reaches the messages of a party. */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "certs.h"
#include "channel/http_net.h"
#include "channel/tls_impl.h"
#include "ports.h"
#include "raw_http.h"

enum { ALICE, BOB, CAROL, N };

/* ---- A party that listens: bob ---- */

struct log_text {
    pthread_mutex_t lock;
    char text[20000]; /* all lines so far */
};

static void keep_line(void *ctx, whist_log_level level, const char *text)
{
    struct log_text *log = ctx;
    (void)level;
    pthread_mutex_lock(&log->lock);
    size_t len = strlen(log->text);
    snprintf(log->text + len, sizeof log->text - len, "%s\n", text);
    pthread_mutex_unlock(&log->lock);
}

static bool has_line(struct log_text *log, const char *text)
{
    pthread_mutex_lock(&log->lock);
    bool found = strstr(log->text, text) != NULL;
    pthread_mutex_unlock(&log->lock);
    return found;
}

struct bob {
    struct whist_identity *id;
    struct whist_party_trust trust[N];
    char pin[N][WHIST_PIN_TEXT];
    char *ca;
    int fds[N];
    char url[N][60];
    const char *urls[N];
    uint16_t port;
    struct whist_channel *ch;
    struct log_text log;
};

/* alice is pinned, carol has a CA. */
static void bob_start(struct bob *b, const struct whist_identity *alice,
                      const struct whist_identity *ca)
{
    struct whist_error err;
    *b = (struct bob){.log.lock = PTHREAD_MUTEX_INITIALIZER};
    b->id = certs_self("bob", CERTS_NOW, 36500); /* valid by all clocks here */
    b->ca = certs_pem(ca);
    whist_identity_pin(alice, b->pin[ALICE]);
    whist_identity_pin(b->id, b->pin[BOB]);
    b->trust[ALICE] = (struct whist_party_trust){.name = "alice", .proof = {.pin = b->pin[ALICE]}};
    b->trust[BOB] = (struct whist_party_trust){.name = "bob", .proof = {.pin = b->pin[BOB]}};
    b->trust[CAROL] = (struct whist_party_trust){
        .name = "carol", .proof = {.ca = b->ca, .tls_name = "carol.example"}};
    for (int i = 0; i < N; i++) {
        uint16_t port;
        b->fds[i] = listen_loopback(&port);
        snprintf(b->url[i], sizeof b->url[i], "https://127.0.0.1:%u", (unsigned)port);
        b->urls[i] = b->url[i];
        b->port = i == BOB ? port : b->port;
    }
    struct whist_http_options o = {.n = N,
                                   .me = BOB,
                                   .urls = b->urls,
                                   .identity = b->id,
                                   .trust = b->trust,
                                   .log = {keep_line, &b->log, WHIST_LOG_TRACE}};
    CHECK_OK(whist_channel_native_new_fd(&b->ch, &o, b->fds[BOB], &err), err);
}

/* So many POSTs of each party have got through, and no message; then it ends. */
static void bob_stop(struct bob *b, uint64_t posts)
{
    struct whist_http_peer_stats s[N];
    CHECK(whist_channel_http_stats(b->ch, s, N) == N - 1);
    for (int i = 0; i < N - 1; i++) {
        CHECK(s[i].posts_received == posts && s[i].messages_received == 0);
    }
    whist_channel_free(b->ch);
    close(b->fds[ALICE]);
    close(b->fds[CAROL]);
    free(b->ca);
    whist_identity_free(b->id);
}

/* ---- Somebody who connects ---- */

struct client {
    int fd;
    struct tls_context *context;
    struct tls_trust *trust;
    struct tls *tls;
    uint8_t cipher[20000];
    int64_t now_s; /* by its own clock its certificate is good */
};

static int64_t client_now(void *ctx)
{
    return ((const struct client *)ctx)->now_s;
}

static void push(struct client *c)
{
    struct whist_bytes out = whist_tls_pending(c->tls);
    if (out.len != 0) { /* the server may be gone already */
        (void)!send(c->fd, out.data, out.len, MSG_NOSIGNAL);
        whist_tls_sent(c->tls, out.len);
    }
}

/* Reads what comes next; 0 bytes are an end. */
static whist_status pull(struct client *c, char *out, size_t cap, size_t *len_out,
                         struct whist_error *err)
{
    *len_out = 0;
    ssize_t n = recv(c->fd, c->cipher, sizeof c->cipher, 0);
    if (n <= 0) {
        return whist_tls_eof(c->tls, err);
    }
    whist_tls_put(c->tls, whist_bytes(c->cipher, (size_t)n));
    whist_status st = whist_tls_read(c->tls, out, cap, len_out, err);
    push(c);
    return st;
}

static void client_open(struct client *c, struct bob *b, const struct whist_identity *id,
                        int64_t now_s, bool bare)
{
    struct whist_error err;
    *c = (struct client){.now_s = now_s};
    struct tls_clock clock = {client_now, c};
    CHECK_OK(whist_tls_context_new(&c->context, id, &clock, &err), err);
    CHECK_OK(whist_tls_trust_new(&c->trust, b->trust, N, &err), err);
    CHECK_OK(whist_tls_connect(&c->tls, c->context, c->trust, BOB, NULL, &err), err);
    if (bare) {
        SSL_certs_clear(c->tls->ssl);
    }
    c->fd = raw_connect(b->port);
}

static void client_close(struct client *c)
{
    whist_tls_free(c->tls);
    whist_tls_trust_free(c->trust);
    whist_tls_context_free(c->context);
    close(c->fd);
}

/* Connects, sends a POST as party `from` and returns the answer's status; 0 if TLS was refused,
 * then err says how. */
static int post(struct bob *b, const struct whist_identity *id, int64_t now_s, bool bare,
                size_t from, struct whist_error *err)
{
    struct client c;
    char request[300], answer[2000] = "";
    size_t len, taken = 0;
    whist_status st = WHIST_OK;
    snprintf(request, sizeof request,
             "POST /s/%032d/msg/%zu HTTP/1.1\r\nhost: a\r\ncontent-type: application/octet-stream"
             "\r\ncontent-length: 5\r\n\r\nhello",
             0, from);
    struct whist_bytes part = whist_bytes(request, strlen(request));
    client_open(&c, b, id, now_s, bare);
    push(&c);
    while (st == WHIST_OK && !whist_tls_established(c.tls)) {
        st = pull(&c, answer, sizeof answer - 1, &len, err);
    }
    if (st == WHIST_OK) {
        CHECK_OK(whist_tls_write(c.tls, &part, 1, &taken, err), *err);
        CHECK(taken == part.len);
        push(&c);
        do {
            st = pull(&c, answer, sizeof answer - 1, &len, err);
        } while (st == WHIST_OK && len == 0);
        answer[len] = '\0';
    }
    client_close(&c);
    if (st != WHIST_OK) {
        return 0;
    }
    CHECK(strncmp(answer, "HTTP/1.1 ", 9) == 0);
    return atoi(answer + 9);
}

/* ---- The matrix ---- */

static void right(void)
{
    struct whist_error err;
    struct bob b;
    struct whist_identity *alice = certs_self("alice", CERTS_NOW, 36500);
    struct whist_identity *ca = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    struct whist_identity *carol =
        certs_issue(&(struct certs_form){.name = "carol.example", .issuer = ca});
    bob_start(&b, alice, ca);
    /* They get as far as the machine, which finds no POST of the wire in it. */
    CHECK(post(&b, alice, CERTS_NOW, false, ALICE, &err) == 400);
    CHECK(post(&b, carol, CERTS_NOW, false, CAROL, &err) == 400);
    /* Another from: of another party, of bob himself, of nobody. */
    CHECK(post(&b, alice, CERTS_NOW, false, CAROL, &err) == 403);
    CHECK(post(&b, carol, CERTS_NOW, false, ALICE, &err) == 403);
    CHECK(post(&b, alice, CERTS_NOW, false, BOB, &err) >= 400);
    CHECK(post(&b, alice, CERTS_NOW, false, N, &err) >= 400);
    whist_identity_free(alice);
    whist_identity_free(carol);
    whist_identity_free(ca);
    bob_stop(&b, 1); /* those with 403 are not among them */
}

/* Refused in the handshake: the alert says why, and the log of the party does. */
static void refused(const struct whist_identity *alice, const struct whist_identity *ca,
                    const struct whist_identity *shown, int64_t now_s, bool bare, size_t from,
                    const char *alert, const char *line)
{
    struct whist_error err;
    struct bob b;
    bob_start(&b, alice, ca);
    int status = post(&b, shown, now_s, bare, from, &err);
    CHECK_MSG(status == 0, "status %d", status);
    CHECK_MSG(err.status == WHIST_ERR_CLOSED && strstr(err.text, alert) != NULL, "%s", err.text);
    CHECK_MSG(has_line(&b.log, line), "%s", b.log.text);
    bob_stop(&b, 0);
}

static void wrong(void)
{
    int64_t late = INT64_C(4000000000); /* 2096 */
    struct whist_identity *alice = certs_self("alice", CERTS_NOW, 36500);
    struct whist_identity *old = certs_self("alice", CERTS_NOW, 30);
    struct whist_identity *young = certs_self("alice", late, 30);
    struct whist_identity *ca = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    struct whist_identity *other = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    struct whist_identity *forged =
        certs_issue(&(struct certs_form){.name = "carol.example", .issuer = other});
    struct whist_identity *eve = certs_self("alice", CERTS_NOW, 36500);
    refused(alice, ca, alice, CERTS_NOW, true, ALICE, "got none", "showed no certificate");
    refused(alice, ca, eve, CERTS_NOW, false, ALICE, "does not know this party's key",
            "of no party of this session");
    refused(alice, ca, forged, CERTS_NOW, false, CAROL, "does not trust who has issued",
            "is not by the CA");
    refused(old, ca, old, CERTS_NOW, false, ALICE, "has expired",
            "party 0 (alice) expired on 2025-06-30");
    refused(young, ca, young, late, false, ALICE, "by its clock",
            "party 0 (alice) is not valid before 2096-");
    struct whist_identity *const all[] = {alice, old, young, ca, other, forged, eve};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        whist_identity_free(all[i]);
    }
}

/* An old program's handshake, and none at all. */
static void no_tls(void)
{
    struct whist_identity *alice = certs_self("alice", CERTS_NOW, 36500);
    struct whist_identity *ca = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    static const char plain[] = "POST /s/00000000000000000000000000000000/msg/0 HTTP/1.1\r\n"
                                "host: a\r\ncontent-length: 5\r\n\r\nhello";
    struct bob b;
    uint8_t bytes[200];
    bob_start(&b, alice, ca);
    int fd = raw_connect(b.port);
    raw_send_text(fd, plain);
    ssize_t n = recv(fd, bytes, sizeof bytes, 0);
    CHECK(n <= 0 || bytes[0] == 21); /* an alert, no answer of HTTP */
    close(fd);
    CHECK(has_line(&b.log, "plain HTTP"));
    bob_stop(&b, 0);
    whist_identity_free(alice);
    whist_identity_free(ca);
}

static const struct test_case cases[] = {
    {"right", right},
    {"wrong", wrong},
    {"no_tls", no_tls},
};
TEST_MAIN(cases)
