/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* TLS connections over memory: bytes, records, ends. Who is let in: tls_identity_test.c. */
#include <openssl/err.h>

#include "harness.h"
#include "tls_pair.h"

/* ---- Two parties with pins ---- */

static struct whist_identity *alice, *bob;
static char pin_a[WHIST_PIN_TEXT], pin_b[WHIST_PIN_TEXT];
static struct whist_party_trust both[2];

static void make_parties(void)
{
    alice = certs_self("alice", CERTS_NOW, 30);
    bob = certs_self("bob", CERTS_NOW, 30);
    whist_identity_pin(alice, pin_a);
    whist_identity_pin(bob, pin_b);
    both[0] = (struct whist_party_trust){.name = "alice", .proof = {.pin = pin_a}};
    both[1] = (struct whist_party_trust){.name = "bob", .proof = {.pin = pin_b}};
}

static void free_parties(void)
{
    whist_identity_free(alice);
    whist_identity_free(bob);
}

static void open_pair(struct tls_pair *pair)
{
    make_parties();
    tls_pair_open(pair, alice, both, bob, both, 2);
    tls_pair_run(pair);
    CHECK_OK(pair->client.status, pair->client.err);
    CHECK_OK(pair->server.status, pair->server.err);
    CHECK(whist_tls_established(pair->client.tls) && whist_tls_established(pair->server.tls));
}

static void shut_pair(struct tls_pair *pair)
{
    CHECK(ERR_peek_error() == 0);
    tls_pair_close(pair);
    free_parties();
}

/* len bytes that depend on their place. */
static uint8_t *pattern(size_t len)
{
    uint8_t *data = malloc(len + 1);
    CHECK(data != NULL);
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 9));
    }
    return data;
}

/* Writes all of it and carries it over. */
static void send_all(struct tls_pair *pair, struct tls_end *from, const uint8_t *data, size_t len)
{
    struct whist_error err;
    size_t at = 0, taken;
    while (at < len) {
        struct whist_bytes part = whist_bytes(data + at, len - at);
        CHECK_OK(whist_tls_write(from->tls, &part, 1, &taken, &err), err);
        CHECK(taken != 0);
        CHECK(whist_tls_pending(from->tls).len < WHIST_TLS_PENDING_MAX + 4096);
        at += taken;
        tls_pair_run(pair);
    }
}

static void check_got(struct tls_end *end, const uint8_t *data, size_t len)
{
    CHECK_OK(end->status, end->err);
    CHECK_MSG(end->got.len == len, "%zu bytes, not %zu", end->got.len, len);
    CHECK(len == 0 || memcmp(end->got.data, data, len) == 0);
    whist_buffer_clear(&end->got);
}

/* ---- Cases ---- */

static void both_ways(void)
{
    struct tls_pair pair = {0};
    struct whist_error err;
    size_t party = 9;
    open_pair(&pair);
    send_all(&pair, &pair.client, (const uint8_t *)"hello", 5);
    check_got(&pair.server, (const uint8_t *)"hello", 5);
    send_all(&pair, &pair.server, (const uint8_t *)"good day", 8);
    check_got(&pair.client, (const uint8_t *)"good day", 8);
    CHECK_OK(whist_tls_party(pair.server.tls, pair.server.trust, &party, &err), err);
    CHECK(party == 0);
    CHECK_OK(whist_tls_party(pair.client.tls, pair.client.trust, &party, &err), err);
    CHECK(party == 1);
    CHECK(strcmp(whist_tls_peer_pin(pair.server.tls), pin_a) == 0);
    CHECK(strcmp(whist_tls_peer_pin(pair.client.tls), pin_b) == 0);
    CHECK(strncmp(whist_tls_suite(pair.client.tls), "TLS_", 4) == 0);
    CHECK(strcmp(whist_tls_suite(pair.client.tls), whist_tls_suite(pair.server.tls)) == 0);
    CHECK(strcmp(SSL_get_version(pair.client.tls->ssl), "TLSv1.3") == 0);
    CHECK(SSL_session_reused(pair.client.tls->ssl) == 0);
    shut_pair(&pair);
}

static void sizes(void)
{
    static const size_t lens[] = {1,      2,      4095,   4096,   4097,   16383,   16384,
                                  16385,  32768,  65535,  65537,  262143, 262144,  262145,
                                  262166, 300000, 524288, 524289, 999999, 1048576, 5000001};
    struct tls_pair pair = {0};
    open_pair(&pair);
    uint8_t *data = pattern(5000001);
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        send_all(&pair, &pair.client, data, lens[i]);
        check_got(&pair.server, data, lens[i]);
        send_all(&pair, &pair.server, data, lens[i]);
        check_got(&pair.client, data, lens[i]);
    }
    free(data);
    shut_pair(&pair);
}

static void one_byte_at_a_time(void)
{
    struct tls_pair pair = {.piece = 1};
    open_pair(&pair);
    uint8_t *data = pattern(40000);
    send_all(&pair, &pair.client, data, 40000);
    check_got(&pair.server, data, 40000);
    send_all(&pair, &pair.server, data, 7);
    check_got(&pair.client, data, 7);
    free(data);
    shut_pair(&pair);
}

/* Records of the ciphertext that is pending. */
static size_t count_records(const struct tls *tls)
{
    struct whist_bytes all = whist_tls_pending(tls);
    size_t n = 0;
    for (size_t at = 0; at < all.len; n++) {
        CHECK(all.len - at >= 5);
        at += 5 + (size_t)(all.data[at + 3] << 8 | all.data[at + 4]);
        CHECK(at <= all.len);
    }
    return n;
}

static void parts(void)
{
    struct tls_pair pair = {0};
    struct whist_bytes part[300];
    struct whist_error err;
    size_t taken;
    open_pair(&pair);
    uint8_t *data = pattern(100000);
    for (size_t i = 0; i < 300; i++) { /* many small ones share records */
        part[i] = whist_bytes(data + 100 * i, 100);
    }
    CHECK_OK(whist_tls_write(pair.client.tls, part, 300, &taken, &err), err);
    CHECK(taken == 30000 && count_records(pair.client.tls) == 2);
    tls_pair_run(&pair);
    check_got(&pair.server, data, 30000);
    /* A head, a body and a tail, with empty parts between. */
    part[0] = whist_bytes(NULL, 0);
    part[1] = whist_bytes(data, 200);
    part[2] = whist_bytes(NULL, 0);
    part[3] = whist_bytes(data + 200, 65536);
    part[4] = whist_bytes(data + 65736, 72);
    part[5] = whist_bytes(NULL, 0);
    CHECK_OK(whist_tls_write(pair.client.tls, part, 6, &taken, &err), err);
    CHECK(taken == 65808 && count_records(pair.client.tls) == 6);
    tls_pair_run(&pair);
    check_got(&pair.server, data, 65808);
    CHECK_OK(whist_tls_write(pair.client.tls, NULL, 0, &taken, &err), err);
    CHECK(taken == 0 && whist_tls_pending(pair.client.tls).len == 0);
    free(data);
    shut_pair(&pair);
}

static void pending_is_bounded(void)
{
    struct tls_pair pair = {0};
    struct whist_error err;
    size_t taken, all = 0;
    open_pair(&pair);
    uint8_t *data = pattern(3000000);
    struct whist_bytes part = whist_bytes(data, 3000000);
    CHECK_OK(whist_tls_write(pair.client.tls, &part, 1, &all, &err), err);
    CHECK(all <= WHIST_TLS_PENDING_MAX && all > WHIST_TLS_PENDING_MAX - 16384);
    do { /* the last few bytes before the limit */
        part = whist_bytes(data + all, 3000000 - all);
        CHECK_OK(whist_tls_write(pair.client.tls, &part, 1, &taken, &err), err);
        all += taken;
    } while (taken != 0);
    CHECK(whist_tls_pending(pair.client.tls).len < WHIST_TLS_PENDING_MAX + 4096);
    /* A socket that takes odd pieces: what is pending moves in its buffer. */
    while (all < 3000000) {
        struct whist_bytes ready = whist_tls_pending(pair.client.tls);
        size_t len = ready.len < 70001 ? ready.len : 70001;
        tls_end_feed(&pair.server, whist_bytes(ready.data, len));
        whist_tls_sent(pair.client.tls, len);
        part = whist_bytes(data + all, 3000000 - all);
        CHECK_OK(whist_tls_write(pair.client.tls, &part, 1, &taken, &err), err);
        CHECK(whist_tls_pending(pair.client.tls).len < WHIST_TLS_PENDING_MAX + 4096);
        all += taken;
    }
    CHECK(pair.client.tls->out.cap <= WHIST_TLS_PENDING_MAX + 4096);
    tls_pair_run(&pair);
    check_got(&pair.server, data, 3000000);
    free(data);
    shut_pair(&pair);
}

static void nothing_before_the_handshake(void)
{
    struct tls_pair pair = {0};
    struct whist_error err;
    size_t taken = 1;
    make_parties();
    tls_pair_open(&pair, alice, both, bob, both, 2);
    struct whist_bytes part = whist_bytes("x", 1);
    CHECK_OK(whist_tls_write(pair.client.tls, &part, 1, &taken, &err), err);
    CHECK(taken == 0);
    CHECK_OK(whist_tls_write(pair.server.tls, &part, 1, &taken, &err), err);
    CHECK(taken == 0);
    whist_tls_close(pair.server.tls);
    CHECK(whist_tls_pending(pair.server.tls).len == 0);
    CHECK(whist_tls_peer_pin(pair.server.tls)[0] == '\0');
    CHECK(whist_tls_suite(pair.server.tls)[0] == '\0');
    CHECK(whist_tls_eof(pair.server.tls, &err) == WHIST_ERR_CLOSED);
    CHECK(strstr(err.text, "before TLS") != NULL);
    shut_pair(&pair);
}

/* After the handshake a server says nothing: there are no tickets, and nothing to resume. */
static void no_tickets(void)
{
    struct tls_pair pair = {0};
    make_parties();
    tls_pair_open(&pair, alice, both, bob, both, 2);
    while (!whist_tls_established(pair.server.tls)) {
        struct whist_bytes out = whist_tls_pending(pair.client.tls);
        tls_end_feed(&pair.server, out);
        whist_tls_sent(pair.client.tls, out.len);
        if (!whist_tls_established(pair.server.tls)) {
            out = whist_tls_pending(pair.server.tls);
            CHECK(out.len != 0);
            tls_end_feed(&pair.client, out);
            whist_tls_sent(pair.server.tls, out.len);
        }
    }
    CHECK(whist_tls_pending(pair.server.tls).len == 0);
    CHECK(SSL_SESSION_has_ticket(SSL_get0_session(pair.client.tls->ssl)) == 0);
    shut_pair(&pair);
}

static void ends(void)
{
    struct tls_pair pair = {0};
    struct whist_error err;
    open_pair(&pair);
    send_all(&pair, &pair.client, (const uint8_t *)"last", 4);
    whist_tls_close(pair.client.tls);
    whist_tls_close(pair.client.tls);
    tls_pair_run(&pair);
    check_got(&pair.server, (const uint8_t *)"last", 4);
    CHECK(whist_tls_peer_closed(pair.server.tls));
    CHECK_OK(whist_tls_eof(pair.server.tls, &err), err);
    CHECK(!whist_tls_peer_closed(pair.client.tls));
    /* The other direction is still open. */
    send_all(&pair, &pair.server, (const uint8_t *)"answer", 6);
    check_got(&pair.client, (const uint8_t *)"answer", 6);
    CHECK(whist_tls_eof(pair.client.tls, &err) == WHIST_ERR_CLOSED && err.peer == 1);
    CHECK(strstr(err.text, "cut") != NULL);
    whist_tls_close(pair.server.tls);
    tls_pair_run(&pair);
    CHECK_OK(whist_tls_eof(pair.client.tls, &err), err);
    /* What comes after close_notify does not count. */
    tls_end_feed(&pair.client, whist_bytes("garbage", 7));
    check_got(&pair.client, NULL, 0);
    shut_pair(&pair);
}

static void truncated(void)
{
    struct tls_pair pair = {0};
    struct whist_error err;
    size_t taken;
    open_pair(&pair);
    uint8_t *data = pattern(50000);
    struct whist_bytes part = whist_bytes(data, 50000);
    CHECK_OK(whist_tls_write(pair.client.tls, &part, 1, &taken, &err), err);
    struct whist_bytes all = whist_tls_pending(pair.client.tls);
    tls_end_feed(&pair.server, whist_bytes(all.data, all.len - 1));
    CHECK_OK(pair.server.status, pair.server.err);
    CHECK(pair.server.got.len == 3 * WHIST_TLS_RECORD); /* no byte of the record that was cut */
    CHECK(memcmp(pair.server.got.data, data, pair.server.got.len) == 0);
    CHECK(whist_tls_eof(pair.server.tls, &err) == WHIST_ERR_CLOSED);
    free(data);
    shut_pair(&pair);
}

/* One bit of a record is flipped: what came before it is delivered, nothing after it, both ends get
 * an error with words. */
static void tampered(void)
{
    for (size_t at = 0; at < 3; at++) {
        struct tls_pair pair = {0};
        struct whist_error err;
        size_t taken;
        static const size_t places[] = {16384 + 22 + 10, 16384 + 22 + 1000, 2 * (16384 + 22) - 1};
        open_pair(&pair);
        uint8_t *data = pattern(50000);
        struct whist_bytes part = whist_bytes(data, 50000);
        CHECK_OK(whist_tls_write(pair.client.tls, &part, 1, &taken, &err), err);
        struct whist_bytes all = whist_tls_pending(pair.client.tls);
        uint8_t *bad = malloc(all.len);
        CHECK(bad != NULL);
        memcpy(bad, all.data, all.len);
        bad[places[at]] ^= 4;
        tls_end_feed(&pair.server, whist_bytes(bad, all.len));
        whist_tls_sent(pair.client.tls, all.len);
        CHECK(pair.server.status == WHIST_ERR_PROTOCOL);
        CHECK(strstr(pair.server.err.text, "changed on the way") != NULL);
        CHECK(pair.server.got.len == WHIST_TLS_RECORD);
        CHECK(memcmp(pair.server.got.data, data, pair.server.got.len) == 0);
        CHECK(whist_tls_eof(pair.server.tls, &err) == WHIST_ERR_PROTOCOL);
        CHECK(whist_tls_write(pair.server.tls, &part, 1, &taken, &err) == WHIST_ERR_PROTOCOL);
        tls_pair_run(&pair);
        CHECK(pair.client.status == WHIST_ERR_CLOSED);
        CHECK(strstr(pair.client.err.text, "bad record mac") != NULL);
        free(bad);
        free(data);
        shut_pair(&pair);
    }
}

static void keys_are_updated(void)
{
    struct tls_pair pair = {0};
    open_pair(&pair);
    uint8_t *data = pattern(100000);
    pair.client.tls->key_update_bytes = 65536;
    pair.server.tls->key_update_bytes = 1;
    for (int i = 0; i < 20; i++) {
        send_all(&pair, &pair.client, data, 100000);
        check_got(&pair.server, data, 100000);
        CHECK(pair.client.tls->written <= 100000);
        send_all(&pair, &pair.server, data, 5000);
        check_got(&pair.client, data, 5000);
    }
    free(data);
    shut_pair(&pair);
}

/* ---- Who speaks no TLS 1.3 ---- */

static void feed_text(const char *text, bool to_server, const char *expected)
{
    struct tls_pair pair = {0};
    make_parties();
    tls_pair_open(&pair, alice, both, bob, both, 2);
    struct tls_end *end = to_server ? &pair.server : &pair.client;
    tls_end_feed(end, whist_bytes(text, strlen(text)));
    CHECK(end->status == WHIST_ERR_PROTOCOL);
    CHECK_MSG(strstr(end->err.text, expected) != NULL, "%s", end->err.text);
    shut_pair(&pair);
}

static void plain_http(void)
{
    feed_text("POST /s/00/msg/1 HTTP/1.1\r\nhost: a\r\n\r\n", true, "plain HTTP");
    feed_text("GET / HTTP/1.1\r\nhost: a\r\n\r\n", true, "plain HTTP");
    feed_text("HTTP/1.1 400 Bad Request\r\n\r\n", false, "plain HTTP");
    feed_text("SSH-2.0-OpenSSH_9.2\r\n", false, "does not speak TLS");
}

/* A peer that only knows TLS 1.2. */
static void older_version(void)
{
    for (int old = 0; old < 2; old++) {
        struct tls_pair pair = {0};
        make_parties();
        tls_pair_open(&pair, alice, both, bob, both, 2);
        struct tls_end *end = old == 0 ? &pair.client : &pair.server;
        struct tls_end *other = old == 0 ? &pair.server : &pair.client;
        whist_tls_free(end->tls);
        CHECK(SSL_CTX_set_min_proto_version(end->context->ssl, TLS1_2_VERSION) == 1);
        CHECK(SSL_CTX_set_max_proto_version(end->context->ssl, TLS1_2_VERSION) == 1);
        SSL_CTX_set_cipher_list(end->context->ssl, "ECDHE-ECDSA-AES128-GCM-SHA256");
        struct whist_error err;
        CHECK_OK(old == 0 ? whist_tls_connect(&end->tls, end->context, end->trust, 1, NULL, &err)
                          : whist_tls_accept(&end->tls, end->context, &err),
                 err);
        tls_pair_run(&pair);
        CHECK(other->status == (old == 0 ? WHIST_ERR_PROTOCOL : WHIST_ERR_CLOSED));
        CHECK_MSG(strstr(other->err.text, "does not speak TLS 1.3") != NULL, "%s", other->err.text);
        CHECK(end->status != WHIST_OK);
        shut_pair(&pair);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

/* Bytes of a real handshake, broken at random: an error or patience, and nothing in the queue. */
static void garbage(void)
{
    uint64_t seed = 1;
    make_parties();
    for (long round = 0; round < test_scale(300); round++) {
        struct tls_pair pair = {.piece = 1 + next_random(&seed) % 700};
        tls_pair_open(&pair, alice, both, bob, both, 2);
        bool to_server = true;
        for (int step = 0;
             step < 60 && pair.client.status == WHIST_OK && pair.server.status == WHIST_OK;
             step++, to_server = !to_server) {
            struct tls_end *from = to_server ? &pair.client : &pair.server;
            struct tls_end *to = to_server ? &pair.server : &pair.client;
            struct whist_bytes all = whist_tls_pending(from->tls);
            uint8_t bytes[700];
            size_t len = all.len < pair.piece ? all.len : pair.piece;
            memcpy(bytes, all.data != NULL ? all.data : bytes, len);
            if (len != 0 && next_random(&seed) % 8 == 0) {
                bytes[next_random(&seed) % len] ^= (uint8_t)(1 + next_random(&seed) % 255);
            }
            tls_end_feed(to, whist_bytes(bytes, len));
            whist_tls_sent(from->tls, len);
        }
        CHECK(pair.client.got.len == 0 && pair.server.got.len == 0);
        tls_pair_close(&pair);
    }
    free_parties();
}

static const struct test_case cases[] = {
    {"both_ways", both_ways},
    {"sizes", sizes},
    {"one_byte_at_a_time", one_byte_at_a_time},
    {"parts", parts},
    {"pending_is_bounded", pending_is_bounded},
    {"nothing_before_the_handshake", nothing_before_the_handshake},
    {"no_tickets", no_tickets},
    {"ends", ends},
    {"truncated", truncated},
    {"tampered", tampered},
    {"keys_are_updated", keys_are_updated},
    {"plain_http", plain_http},
    {"older_version", older_version},
    {"garbage", garbage},
};
TEST_MAIN(cases)
