/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The native mode as a whole: many sessions on one endpoint, ways to reach a party, who is let in,
 * and how things end. */
#include <stdatomic.h>
#include <unistd.h>

#include "channel_conformance.h"
#include "native_raw.h"
#include "ports.h"

/* ---- Ways ---- */

static void say_and_hear(struct whist_channel *from, struct whist_channel *to, const char *text)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_channel_send(from, whist_channel_me(to), whist_bytes(text, strlen(text)), "say",
                                0, &err),
             err);
    CHECK_OK(whist_channel_recv(to, whist_channel_me(from), &msg, "say", 0, &err), err);
    CHECK(msg.len == strlen(text) && memcmp(msg.data, text, msg.len) == 0);
    whist_buffer_clear(&msg);
}

static void both(const struct whist_http_options *o)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    for (size_t i = 0; i < 2; i++) {
        struct whist_http_options mine = *o;
        mine.n = 2;
        mine.me = i;
        mine.identity = o->trust != NULL ? test_identity(i) : NULL;
        CHECK_OK(whist_channel_http_new(&ch[i], &mine, &err), err);
    }
    say_and_hear(ch[0], ch[1], "there");
    say_and_hear(ch[1], ch[0], "and back");
    free_channels(ch, 2);
}

static void unix_sockets(void)
{
    char url[2][80];
    const char *const urls[] = {url[0], url[1]};
    char folder[] = "/tmp/whist-native-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    for (int i = 0; i < 2; i++) {
        snprintf(url[i], sizeof url[i], "unix:%s/%d", folder, i);
    }
    struct whist_http_options o = {.urls = urls};
    both(&o);
    CHECK(access(url[0] + 5, F_OK) != 0); /* removed */
    o.trust = test_trust();
    both(&o);
    /* One that a killed party left is replaced, one that is in use is not. */
    struct whist_error err = {0};
    struct whist_endpoint *ep, *other = NULL;
    int fd;
    CHECK_OK(whist_net_listen_unix(&fd, url[0] + 5, &err), err);
    close(fd);
    CHECK(access(url[0] + 5, F_OK) == 0);
    const struct whist_endpoint_options e = {.listen = url[0]};
    CHECK_OK(whist_endpoint_new(&ep, &e, &err), err);
    CHECK(whist_endpoint_new(&other, &e, &err) == WHIST_ERR_IO && other == NULL);
    whist_endpoint_free(ep);
    CHECK(rmdir(folder) == 0);
}

static void bad_options(void)
{
    static const struct {
        const char *url, *part;
        whist_status status;
    } cases[] = {
        {"ftp://x", "must start with", WHIST_ERR_ARGUMENT},
        {"https://127.0.0.1:5", "no identity", WHIST_ERR_ARGUMENT},
        {"unix:relative", "absolute path", WHIST_ERR_ARGUMENT},
        {"http://192.0.2.1:5", "TLS", WHIST_ERR_UNSUPPORTED},
    };
    struct whist_channel *ch = NULL;
    struct whist_error err = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const urls[] = {"http://127.0.0.1:1", cases[i].url};
        const struct whist_http_options o = {
            .n = 2, .urls = urls, .listen = "127.0.0.1:0", .token = "secret-token-123456"};
        CHECK(whist_channel_http_new(&ch, &o, &err) == cases[i].status);
        CHECK_MSG(strstr(err.text, cases[i].part) != NULL, "%s", err.text);
    }
    const char *const urls[] = {"http://127.0.0.1:1", "http://127.0.0.1:2"};
    struct whist_http_options o = {.n = 2, .urls = urls, .listen = "127.0.0.1:0"};
#define BAD(field, value)                                                                          \
    do {                                                                                           \
        struct whist_http_options b = o;                                                           \
        b.field = (value);                                                                         \
        CHECK(whist_channel_http_new(&ch, &b, &err) == WHIST_ERR_ARGUMENT);                        \
    } while (0)
    BAD(n, 1);
    BAD(n, WHIST_MAX_PARTIES + 1);
    BAD(me, 2);
    BAD(token, "short");
    BAD(token, "with a blank in it");
    BAD(connections, 17);
    BAD(pipeline, 17);
    BAD(post_bytes, 100);
    BAD(timeout_ms, -1);
    BAD(trust, test_trust());
    BAD(identity, test_identity(0));
    BAD(proxy_header, "x-cert");
    CHECK(ch == NULL);
}

/* ---- Many sessions ---- */

enum { SESSIONS = 20, PARTIES = 3 };

static void session_party(struct whist_channel *ch, void *ctx)
{
    (void)ctx;
    for (int round = 0; round < 5; round++) {
        struct whist_buffer in[PARTIES] = {{0}};
        struct whist_bytes out[PARTIES];
        struct whist_error err = {0};
        uint8_t word[8];
        put_le64(word, whist_channel_me(ch) * 1000 + (uint64_t)round);
        for (size_t i = 0; i < PARTIES; i++) {
            out[i] = whist_bytes(word, 8);
        }
        CHECK_OK(whist_exchange(ch, in, out, "round", 0, &err), err);
        for (size_t i = 0; i < PARTIES; i++) {
            CHECK(i == whist_channel_me(ch) || get_le64(in[i].data) == i * 1000 + (uint64_t)round);
            whist_buffer_clear(&in[i]);
        }
    }
}

struct session_thread {
    pthread_t thread;
    struct whist_channel *ch[PARTIES];
    bool aborts;
};

static void *session_main(void *arg)
{
    struct session_thread *t = arg;
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    run_parties(t->ch, PARTIES, session_party, NULL);
    if (t->aborts) {
        whist_channel_abort(t->ch[1], NULL);
        CHECK(whist_channel_recv(t->ch[0], 2, &msg, "x", 0, &err) == WHIST_ERR_ABORTED);
        CHECK(err.peer == 1);
    } else {
        run_parties(t->ch, PARTIES, session_party, NULL);
    }
    return NULL;
}

/* Sessions that share three endpoints do not disturb each other, also when some of them abort. */
static void many_sessions(bool tls)
{
    struct whist_endpoint *ep[PARTIES];
    struct session_thread t[SESSIONS] = {0};
    struct whist_error err = {0};
    char url[PARTIES][60];
    const char *urls[PARTIES];
    for (size_t i = 0; i < PARTIES; i++) {
        const struct whist_endpoint_options e = {.listen = "127.0.0.1:0",
                                                 .identity = tls ? test_identity(i) : NULL};
        CHECK_OK(whist_endpoint_new(&ep[i], &e, &err), err);
        snprintf(url[i], sizeof url[i], "http%s://127.0.0.1:%u", tls ? "s" : "",
                 (unsigned)whist_endpoint_port(ep[i]));
        urls[i] = url[i];
    }
    for (size_t s = 0; s < SESSIONS; s++) {
        t[s].aborts = s % 4 == 1;
        for (size_t i = 0; i < PARTIES; i++) {
            struct whist_http_options o = {.n = PARTIES,
                                           .me = i,
                                           .urls = urls,
                                           .endpoint = ep[i],
                                           .identity = tls ? test_identity(i) : NULL,
                                           .trust = tls ? test_trust() : NULL};
            o.session[3] = (uint8_t)s;
            CHECK_OK(whist_channel_http_new(&t[s].ch[i], &o, &err), err);
        }
    }
    for (size_t s = 0; s < SESSIONS; s++) {
        CHECK(pthread_create(&t[s].thread, NULL, session_main, &t[s]) == 0);
    }
    for (size_t s = 0; s < SESSIONS; s++) {
        pthread_join(t[s].thread, NULL);
        free_channels(t[s].ch, PARTIES);
    }
    for (size_t i = 0; i < PARTIES; i++) {
        whist_endpoint_free(ep[i]);
    }
}

static void sessions_plain(void)
{
    many_sessions(false);
}

static void sessions_tls(void)
{
    many_sessions(true);
}

/* ---- Agreement ---- */

static void expect(struct whist_channel *ch, size_t from, whist_status status, const char *part)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    whist_status st = whist_channel_recv(ch, from, &msg, "wait", 0, &err);
    CHECK_MSG(st == status && strstr(err.text, part) != NULL, "%s: %s", whist_status_name(st),
              err.text);
    whist_buffer_clear(&msg);
}

/* Two parties, where `change` makes the second one's options differ. */
static void differing(void (*change)(struct whist_http_options *), bool tls, whist_status status0,
                      const char *part0, whist_status status1, const char *part1)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    char url[2][60];
    const char *urls[] = {url[0], url[1], "http://127.0.0.1:1"};
    int fd[2];
    for (int i = 0; i < 2; i++) {
        uint16_t port;
        fd[i] = listen_loopback(&port);
        snprintf(url[i], sizeof url[i], "http%s://127.0.0.1:%u", tls ? "s" : "", (unsigned)port);
    }
    for (size_t i = 0; i < 2; i++) {
        struct whist_http_options o = {.n = 2,
                                       .me = i,
                                       .urls = urls,
                                       .connect_timeout_ms = 400,
                                       .identity = tls ? test_identity(i) : NULL,
                                       .trust = tls ? test_trust() : NULL};
        if (i == 1) {
            change(&o);
        }
        CHECK_OK(whist_channel_native_new_fd(&ch[i], &o, fd[i], &err), err);
    }
    expect(ch[0], 1, status0, part0);
    expect(ch[1], 0, status1, part1);
    free_channels(ch, 2);
}

static void other_config(struct whist_http_options *o)
{
    o->config[0] = 0xab;
}

static void other_session(struct whist_http_options *o)
{
    o->session[0] = 0xab;
}

static void other_n(struct whist_http_options *o)
{
    o->n = 3;
}

static void mismatches(void)
{
    differing(other_config, false, WHIST_ERR_MISMATCH, "config", WHIST_ERR_MISMATCH, "config");
    differing(other_n, false, WHIST_ERR_MISMATCH, "n: this party counts 2", WHIST_ERR_MISMATCH,
              "n: this party counts");
    for (int tls = 0; tls < 2; tls++) {
        differing(other_session, tls == 1, WHIST_ERR_MISMATCH,
                  "session: this party has 00000000000000000000000000000000, party 1 has ab000000",
                  WHIST_ERR_MISMATCH, "each waits for the other");
    }
}

/* ---- Ends ---- */

/* A party that was killed and comes back is another run: the others fail cleanly. */
static void restarted(void)
{
    struct raw_party p;
    uint8_t body[256];
    struct answer_view view;
    raw_party_start(&p, NULL, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    size_t len = raw_hello(&p, body);
    put_le64(body + HELLO_LEN, RAW_EPOCH + 1);
    put_le64(body + HELLO_LEN + 8, 0);
    raw_post(fd, RAW_PATH, "", body, len);
    struct raw_message *m = raw_expect_machine(fd, 410, &view);
    CHECK(view.kind == ANSWER_STALE);
    free(m);
    /* It asks its peer, which is another one. */
    struct raw_message *update = raw_message_read(from);
    CHECK(update->body[update->len - POST_TAIL_LEN + 60] == POST_UPDATE);
    free(update);
    struct answer_view stale = {
        .kind = ANSWER_STALE, .from_epoch = RAW_EPOCH + 1, .to_epoch = p.epoch};
    uint8_t answer[WHIST_ANSWER_MAX];
    size_t n = whist_answer_put(answer, &stale);
    char head[100];
    snprintf(head, sizeof head, "HTTP/1.1 410 Gone\r\ncontent-length: %zu\r\n\r\n", n);
    raw_send_text(from, head);
    raw_send(from, answer, n);
    expect(p.ch, 1, WHIST_ERR_ABORTED, "restarted");
    close(fd);
    close(from);
    raw_party_stop(&p);
}

static atomic_int reports;

static void count_reports(void *ctx, whist_log_level level, const char *text)
{
    (void)ctx;
    if (level == WHIST_LOG_WARN && strstr(text, "party 0 waits since") != NULL &&
        strstr(text, "party 1: open; awaited: message 0 (phase wait)") != NULL) {
        atomic_fetch_add(&reports, 1);
    }
}

/* A peer that falls silent is taken for dead, and before that the wait is reported. */
static void silent_peer(void)
{
    const struct whist_http_options o = {.heartbeat_ms = 100,
                                         .dead_ms = 400,
                                         .stall_ms = 50,
                                         .timeout_ms = RAW_PATIENCE_MS,
                                         .log = {.fn = count_reports, .level = WHIST_LOG_WARN}};
    struct raw_party p;
    raw_party_start(&p, &o, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    int health = raw_connect(p.port);
    raw_send_text(health, "GET /ready HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\n\r\n");
    raw_expect_text(health, 200, "ready");
    CHECK(raw_status(health) == 200);
    close(health);
    expect(p.ch, 1, WHIST_ERR_UNREACHABLE, "no sign of life");
    CHECK(atomic_load(&reports) >= 1);
    close(fd);
    close(from);
    raw_party_stop(&p);
}

/* A peer that does not answer its POSTs in time: they are sent again on another connection. */
static void answer_in_time(void)
{
    const struct whist_http_options o = {.answer_ms = 100};
    struct raw_party p;
    raw_party_start(&p, &o, "");
    int fd = raw_connect(p.port);
    int from = raw_party_contact(&p, fd);
    struct whist_error err = {0};
    CHECK_OK(whist_channel_send(p.ch, 1, whist_bytes("x", 1), "x", 0, &err), err);
    free(raw_message_read(from));
    int second = raw_accept(p.listener);
    struct raw_message *m = raw_message_read(second);
    CHECK(m->body[0] == 'x');
    free(m);
    close(fd);
    close(from);
    close(second);
    raw_party_stop(&p);
}

/* A message much longer than the window and the POSTs. */
static void long_message(void)
{
    const struct whist_http_options o = {.inbox_bytes = 1 << 20, .post_bytes = 100000};
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0}, got = {0};
    struct whist_error err = {0};
    const size_t len = 30000000;
    for (int tls = 0; tls < 2; tls++) {
        CHECK_OK(make_native_channels(ch, 2, &o, tls == 1, &err), err);
        fill_pattern(&msg, len, 7);
        CHECK_OK(whist_channel_send_owned(ch[0], 1, &msg, "long", 0, &err), err);
        CHECK_OK(whist_channel_recv(ch[1], 0, &got, "long", 0, &err), err);
        CHECK(has_pattern(&got, len, 7));
        whist_buffer_clear(&got);
        struct whist_http_peer_stats s;
        CHECK(whist_channel_http_stats(ch[1], &s, 1) == 1);
        CHECK(s.payload_received == len && s.wire_received > len &&
              s.wire_received < len + len / 50);
        free_channels(ch, 2);
    }
}

/* Party 0 sends short messages before party 1 is there, so that they come in one POST; party 1 has
 * taken the first of them. */
static void with_messages_in_hand(struct whist_channel *ch[2], const char *const *labels, size_t n)
{
    struct whist_error err = {0};
    struct whist_buffer msg = {0};
    char url[2][40];
    const char *urls[] = {url[0], url[1]};
    int fd[2];
    for (int i = 0; i < 2; i++) {
        uint16_t port;
        fd[i] = listen_loopback(&port);
        snprintf(url[i], sizeof url[i], "http://127.0.0.1:%u", (unsigned)port);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct whist_http_options o = {.n = 2, .me = i, .urls = urls, .linger_ms = 50};
        CHECK_OK(whist_channel_native_new_fd(&ch[i], &o, fd[i], &err), err);
        for (size_t k = 0; i == 0 && k < n; k++) {
            CHECK_OK(whist_channel_send(ch[0], 1, whist_bytes("short", k + 1), labels[k], 0, &err),
                     err);
        }
    }
    CHECK_OK(whist_channel_recv(ch[1], 0, &msg, labels[0], 0, &err), err);
    CHECK(msg.len == 1);
    CHECK(((struct native_channel *)(void *)ch[1])->link[0].hand != NULL);
    whist_buffer_clear(&msg);
}

/* Labels are compared there too, and an end is an end. */
static void messages_in_hand(void)
{
    static const char *const labels[] = {"ab", "ab", "abc", "ab"};
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    with_messages_in_hand(ch, labels, 4);
    CHECK_OK(whist_channel_recv(ch[1], 0, &msg, "ab", 0, &err), err);
    CHECK(msg.len == 2);
    CHECK(whist_channel_recv(ch[1], 0, &msg, "ab", 0, &err) == WHIST_ERR_PROTOCOL);
    CHECK_MSG(strstr(err.text, "message 2 from party 0 to party 1: party 0 sent phase \"abc\", "
                               "party 1 expects phase \"ab\"") != NULL,
              "%s", err.text);
    expect(ch[0], 1, WHIST_ERR_ABORTED, "party 0 sent phase \"abc\"");
    free_channels(ch, 2);
    with_messages_in_hand(ch, labels, 2);
    whist_status st = whist_channel_close(ch[1], whist_clock_ms() + 50, &err);
    CHECK(st == WHIST_OK || st == WHIST_ERR_TIMEOUT);
    CHECK(whist_channel_recv(ch[1], 0, &msg, "ab", 0, &err) == WHIST_ERR_CLOSED);
    free_channels(ch, 2);
}

/* Whatever allocation fails, and all after it: two parties see the same bytes, or an error. */
static void conversation(long k, bool tls)
{
    const struct whist_http_options o = {.timeout_ms = 40,
                                         .connect_timeout_ms = 60,
                                         .linger_ms = 20,
                                         .heartbeat_ms = 20,
                                         .answer_ms = 30};
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    whist_alloc_fail_after(k);
    whist_status st = make_native_channels(ch, 2, &o, tls, &err);
    if (st != WHIST_OK) {
        whist_alloc_fail_after(-1);
        CHECK_MSG(st == WHIST_ERR_NOMEM || st == WHIST_ERR_IO, "allocation %ld: %s", k, err.text);
        return;
    }
    for (int i = 0; i < 4 && st == WHIST_OK; i++) {
        const char *text = i % 2 == 0 ? "hello" : "and some more";
        size_t from = (size_t)i / 2;
        st = whist_channel_send(ch[from], 1 - from, whist_bytes(text, strlen(text)), "x", 0, &err);
        if (st == WHIST_OK) {
            st = whist_channel_recv(ch[1 - from], from, &msg, "x", 0, &err);
            CHECK(st != WHIST_OK ||
                  (msg.len == strlen(text) && memcmp(msg.data, text, msg.len) == 0));
        }
    }
    whist_alloc_fail_after(-1);
    CHECK_MSG(st == WHIST_OK || err.text[0] != '\0', "allocation %ld: %s", k,
              whist_status_name(st));
    whist_buffer_clear(&msg);
    free_channels(ch, 2);
}

static void allocation_failures(void)
{
    (void)test_trust();
    for (long k = 0; k < test_scale(200); k++) {
        conversation(k, false);
        conversation(k, true);
    }
}

/* ---- Who is let in ---- */

static size_t shown; /* index of the key that the stranger shows */

static void other_key(struct whist_http_options *o)
{
    o->identity = test_identity(shown);
    static struct whist_party_trust trust[2];
    memcpy(trust, test_trust(), sizeof trust);
    trust[1] = test_trust()[shown]; /* of itself it thinks well */
    o->trust = trust;
}

static void strangers(void)
{
    shown = 40; /* a key of nobody: refused in the handshake, both ways */
    differing(other_key, true, WHIST_ERR_CHECK, "has the key sha256:", WHIST_ERR_UNREACHABLE,
              "does not know this party's key");
}

/* Party 2 posts as party 1. */
static void impostor(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    char url[3][60];
    const char *const urls[] = {url[0], url[1], url[2]};
    int fd[3];
    for (int i = 0; i < 3; i++) {
        uint16_t port;
        fd[i] = listen_loopback(&port);
        snprintf(url[i], sizeof url[i], "https://127.0.0.1:%u", (unsigned)port);
    }
    struct whist_http_options o = {.n = 3,
                                   .me = 0,
                                   .urls = urls,
                                   .connect_timeout_ms = 600,
                                   .identity = test_identity(0),
                                   .trust = test_trust()};
    CHECK_OK(whist_channel_native_new_fd(&ch[0], &o, fd[0], &err), err);
    struct whist_party_trust swapped[3];
    memcpy(swapped, test_trust(), sizeof swapped);
    swapped[1] = test_trust()[2];
    swapped[2] = test_trust()[1];
    o.me = 1;
    o.identity = test_identity(2);
    o.trust = swapped;
    CHECK_OK(whist_channel_native_new_fd(&ch[1], &o, fd[1], &err), err);
    expect(ch[1], 0, WHIST_ERR_PROTOCOL, "403");
    struct whist_http_peer_stats s[2];
    CHECK(whist_channel_http_stats(ch[0], s, 2) == 2 && s[0].posts_received == 0 &&
          s[1].posts_received == 0);
    close(fd[2]);
    free_channels(ch, 2);
}

/* Plain HTTP to a party that speaks TLS. */
static void plain_to_tls(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    CHECK_OK(make_native_channels(ch, 2, NULL, true, &err), err);
    int fd = raw_connect(whist_channel_http_port(ch[0]));
    raw_send_text(fd, "GET /health HTTP/1.1\r\n\r\n");
    char byte;
    while (recv(fd, &byte, 1, 0) == 1) { /* an alert, perhaps */
    }
    close(fd);
    say_and_hear(ch[0], ch[1], "goes on");
    free_channels(ch, 2);
}

static const struct test_case cases[] = {
    {"unix_sockets", unix_sockets},     {"bad_options", bad_options},
    {"sessions_plain", sessions_plain}, {"sessions_tls", sessions_tls},
    {"mismatches", mismatches},         {"restarted", restarted},
    {"silent_peer", silent_peer},       {"answer_in_time", answer_in_time},
    {"long_message", long_message},     {"allocation_failures", allocation_failures},
    {"strangers", strangers},           {"impostor", impostor},
    {"plain_to_tls", plain_to_tls},     {"messages_in_hand", messages_in_hand},
};
TEST_MAIN(cases)
