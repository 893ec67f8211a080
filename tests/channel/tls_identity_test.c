/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Who is let in: every way in which a certificate can be wrong, seen from both sides, and
 * certificates that proxies forward. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <sodium.h>

#include "harness.h"
#include "tls_pair.h"

/* ---- A session of three parties ---- */

enum { ALICE, BOB, CAROL, N };

static const char *const names[N] = {"alice", "bob", "carol"};
static struct whist_identity *ids[N];
static char pins[N][WHIST_PIN_TEXT];
static struct whist_party_trust parties[N];

static void make_parties(void)
{
    for (size_t i = 0; i < N; i++) {
        ids[i] = certs_self(names[i], CERTS_NOW, 30);
        whist_identity_pin(ids[i], pins[i]);
        parties[i] = (struct whist_party_trust){.name = names[i], .proof = {.pin = pins[i]}};
    }
}

static void free_parties(void)
{
    for (size_t i = 0; i < N; i++) {
        whist_identity_free(ids[i]);
    }
}

/* What one end says when it refuses the other, and what the other says of the alert; and that no
 * byte went through. `a` is the client (party 0), `b` the server (party 1). */
struct refusal {
    const struct whist_identity *a, *b;
    const struct whist_party_trust *a_trusts, *b_trusts; /* NULL: parties */
    int64_t now_s;
    bool by_server;
    const char *says, *alert;
    int peer; /* of the error at who refuses */
};

static void check_refusal(const struct refusal *r)
{
    struct tls_pair pair = {.now_s = r->now_s};
    struct whist_error err;
    size_t taken;
    tls_pair_open(&pair, r->a, r->a_trusts != NULL ? r->a_trusts : parties, r->b,
                  r->b_trusts != NULL ? r->b_trusts : parties, N);
    struct tls_end *end = r->by_server ? &pair.server : &pair.client;
    struct tls_end *other = r->by_server ? &pair.client : &pair.server;
    tls_pair_run(&pair);
    if (r->by_server) { /* the client may believe that it is in, and send */
        struct whist_bytes part = whist_bytes("secret", 6);
        whist_status st = whist_tls_write(pair.client.tls, &part, 1, &taken, &err);
        CHECK(st == pair.client.status);
        tls_pair_run(&pair);
    }
    CHECK_MSG(end->status == WHIST_ERR_CHECK, "%s: %s: %s", r->says, whist_status_name(end->status),
              end->err.text);
    CHECK_MSG(strstr(end->err.text, r->says) != NULL, "%s", end->err.text);
    CHECK_MSG(end->err.peer == r->peer, "%s: peer %d", end->err.text, end->err.peer);
    CHECK_MSG(other->status == WHIST_ERR_CLOSED, "%s: %s", whist_status_name(other->status),
              other->err.text);
    CHECK_MSG(strstr(other->err.text, r->alert) != NULL, "%s", other->err.text);
    CHECK(pair.client.got.len == 0 && pair.server.got.len == 0);
    CHECK(!whist_tls_established(end->tls));
    CHECK(ERR_peek_error() == 0);
    tls_pair_close(&pair);
}

static void check_accepted(const struct whist_identity *a, const struct whist_party_trust *a_trusts,
                           const struct whist_identity *b, const struct whist_party_trust *b_trusts,
                           size_t party)
{
    struct tls_pair pair = {0};
    struct whist_error err;
    size_t is = 99;
    tls_pair_open(&pair, a, a_trusts, b, b_trusts, N);
    tls_pair_run(&pair);
    CHECK_OK(pair.client.status, pair.client.err);
    CHECK_OK(pair.server.status, pair.server.err);
    CHECK(whist_tls_established(pair.client.tls) && whist_tls_established(pair.server.tls));
    CHECK_OK(whist_tls_party(pair.server.tls, pair.server.trust, &is, &err), err);
    CHECK(is == party);
    tls_pair_close(&pair);
}

/* ---- Pins ---- */

static void pinned(void)
{
    make_parties();
    check_accepted(ids[ALICE], parties, ids[BOB], parties, ALICE);
    check_accepted(ids[CAROL], parties, ids[BOB], parties, CAROL);
    /* A new certificate for the same key is as good. */
    struct whist_identity *renewed = certs_self("alice", CERTS_NOW, 10);
    EVP_PKEY_free(renewed->key);
    renewed->key = ids[ALICE]->key;
    CHECK(EVP_PKEY_up_ref(renewed->key) == 1);
    CHECK(X509_set_pubkey(renewed->certificate, renewed->key) == 1);
    CHECK(X509_sign(renewed->certificate, renewed->key, EVP_sha256()) > 0);
    check_accepted(renewed, parties, ids[BOB], parties, ALICE);
    whist_identity_free(renewed);
    free_parties();
}

static void stranger(void)
{
    make_parties();
    struct whist_identity *eve = certs_self("alice", CERTS_NOW, 30); /* the name does not help */
    char pin[WHIST_PIN_TEXT];
    whist_identity_pin(eve, pin);
    check_refusal(&(struct refusal){.a = eve,
                                    .b = ids[BOB],
                                    .by_server = true,
                                    .says = pin,
                                    .alert = "does not know this party's key",
                                    .peer = WHIST_NO_PEER});
    check_refusal(&(struct refusal){.a = eve,
                                    .b = ids[BOB],
                                    .by_server = true,
                                    .says = "of no party of this session",
                                    .alert = "certificate unknown",
                                    .peer = WHIST_NO_PEER});
    check_refusal(&(struct refusal){.a = ids[ALICE],
                                    .b = eve,
                                    .says = pin,
                                    .alert = "does not know this party's key",
                                    .peer = BOB});
    check_refusal(&(struct refusal){
        .a = ids[ALICE], .b = eve, .says = pins[BOB], .alert = "certificate unknown", .peer = BOB});
    whist_identity_free(eve);
    free_parties();
}

static void another_party(void)
{
    make_parties();
    check_refusal(&(struct refusal){.a = ids[ALICE],
                                    .b = ids[CAROL],
                                    .says = "party 2 (carol) answered at the URL of party 1 (bob)",
                                    .alert = "expects another party",
                                    .peer = BOB});
    free_parties();
}

/* The certificate is right, but it is the party of another index than the request says: the server
 * learns the true one. */
static void another_from(void)
{
    make_parties();
    check_accepted(ids[CAROL], parties, ids[BOB], parties, CAROL);
    free_parties();
}

static void expired(void)
{
    make_parties();
    struct whist_identity *old = certs_self("alice", CERTS_NOW - 40 * CERTS_DAY, 30);
    struct whist_party_trust trusts[N];
    char pin[WHIST_PIN_TEXT];
    whist_identity_pin(old, pin);
    /* Everything is made in time, and the clock goes on: nothing but the date is wrong. */
    check_accepted(ids[ALICE], parties, ids[BOB], parties, ALICE);
    memcpy(trusts, parties, sizeof trusts);
    trusts[ALICE].proof.pin = pin;
    for (int by_server = 0; by_server < 2; by_server++) {
        struct tls_pair pair = {.now_s = CERTS_NOW - 40 * CERTS_DAY};
        struct whist_identity *b = certs_self("bob", pair.now_s, 300);
        char pin_b[WHIST_PIN_TEXT];
        whist_identity_pin(b, pin_b);
        trusts[BOB].proof.pin = pin_b;
        struct whist_party_trust swapped[N] = {trusts[BOB], trusts[ALICE], trusts[CAROL]};
        if (by_server == 1) {
            tls_pair_open(&pair, old, trusts, b, trusts, N);
        } else {
            tls_pair_open(&pair, b, swapped, old, swapped, N);
        }
        pair.now_s = CERTS_NOW;
        tls_pair_run(&pair);
        struct tls_end *end = by_server == 1 ? &pair.server : &pair.client;
        struct tls_end *other = by_server == 1 ? &pair.client : &pair.server;
        CHECK(end->status == WHIST_ERR_CHECK && end->err.peer == (by_server == 1 ? 0 : 1));
        CHECK_MSG(strstr(end->err.text, "(alice) expired on 2025-05-21 00:00:00 UTC") != NULL &&
                      strstr(end->err.text, "here it is 2025-06-01") != NULL,
                  "%s", end->err.text);
        CHECK_MSG(other->status == WHIST_ERR_CLOSED &&
                      strstr(other->err.text, "certificate has expired") != NULL,
                  "%s", other->err.text);
        tls_pair_close(&pair);
        whist_identity_free(b);
    }
    whist_identity_free(old);
    free_parties();
}

static void not_yet_valid(void)
{
    make_parties();
    for (int by_server = 0; by_server < 2; by_server++) {
        struct tls_pair pair = {0};
        tls_pair_open(&pair, ids[ALICE], parties, ids[BOB], parties, N);
        pair.now_s = CERTS_NOW - 2 * CERTS_DAY; /* a clock that was set back */
        struct tls_end *end = by_server == 1 ? &pair.server : &pair.client;
        struct tls_end *other = by_server == 1 ? &pair.client : &pair.server;
        if (by_server == 1) { /* only at the server: the client sees its certificate before */
            struct whist_bytes hello = whist_tls_pending(pair.client.tls);
            tls_end_feed(&pair.server, hello);
            whist_tls_sent(pair.client.tls, hello.len);
            pair.now_s = CERTS_NOW;
            struct whist_bytes flight = whist_tls_pending(pair.server.tls);
            tls_end_feed(&pair.client, flight);
            whist_tls_sent(pair.server.tls, flight.len);
            CHECK_OK(pair.client.status, pair.client.err);
            pair.now_s = CERTS_NOW - 2 * CERTS_DAY;
        }
        tls_pair_run(&pair);
        CHECK(end->status == WHIST_ERR_CHECK);
        CHECK_MSG(strstr(end->err.text, "is not valid before 2025-05-31 00:00:00 UTC") != NULL &&
                      strstr(end->err.text, "clock") != NULL,
                  "%s", end->err.text);
        CHECK_MSG(other->status == WHIST_ERR_CLOSED &&
                      strstr(other->err.text, "by its clock") != NULL,
                  "%s", other->err.text);
        tls_pair_close(&pair);
    }
    free_parties();
}

/* A client without a certificate: somebody with another program. */
static void no_certificate(void)
{
    make_parties();
    struct tls_pair pair = {0};
    tls_pair_open(&pair, ids[ALICE], parties, ids[BOB], parties, N);
    SSL_certs_clear(pair.client.tls->ssl);
    tls_pair_run(&pair);
    CHECK(pair.server.status == WHIST_ERR_CHECK);
    CHECK_MSG(strstr(pair.server.err.text, "showed no certificate") != NULL, "%s",
              pair.server.err.text);
    CHECK(pair.client.status == WHIST_ERR_CLOSED);
    CHECK_MSG(strstr(pair.client.err.text, "got none") != NULL, "%s", pair.client.err.text);
    tls_pair_close(&pair);
    free_parties();
}

static void no_session(void)
{
    make_parties();
    struct tls_pair pair = {0};
    tls_pair_open(&pair, ids[ALICE], parties, ids[BOB], parties, N);
    whist_tls_context_remove(pair.server.context, pair.server.trust);
    tls_pair_run(&pair);
    CHECK(pair.server.status == WHIST_ERR_UNREACHABLE);
    CHECK_MSG(strstr(pair.server.err.text, "no session") != NULL, "%s", pair.server.err.text);
    CHECK(pair.client.status == WHIST_ERR_CLOSED);
    CHECK(strstr(pair.client.err.text, "not opened the session yet") != NULL);
    tls_pair_close(&pair);
    free_parties();
}

/* Several sessions at one server: which party of which is asked apart. */
static void several_sessions(void)
{
    make_parties();
    struct tls_pair pair = {0};
    struct tls_trust *other, *foreign;
    struct whist_error err;
    size_t party;
    const struct whist_party_trust turned[2] = {parties[CAROL], parties[ALICE]};
    const struct whist_party_trust strangers[2] = {parties[BOB], parties[CAROL]};
    tls_pair_open(&pair, ids[ALICE], parties, ids[BOB], parties, N);
    CHECK_OK(whist_tls_trust_new(&other, turned, 2, &err), err);
    CHECK_OK(whist_tls_trust_new(&foreign, strangers, 2, &err), err);
    for (int i = 0; i < 10; i++) { /* the list grows */
        CHECK_OK(whist_tls_context_add(pair.server.context, foreign, &err), err);
    }
    CHECK_OK(whist_tls_context_add(pair.server.context, other, &err), err);
    tls_pair_run(&pair);
    CHECK_OK(pair.server.status, pair.server.err);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(whist_tls_party(pair.server.tls, pair.server.trust, &party, &err), err);
        CHECK(party == ALICE);
        CHECK_OK(whist_tls_party(pair.server.tls, other, &party, &err), err);
        CHECK(party == 1);
        CHECK(whist_tls_party(pair.server.tls, foreign, &party, &err) == WHIST_ERR_CHECK);
        CHECK(party == 1 && strstr(err.text, "no party of this session") != NULL);
    }
    pair.now_s = CERTS_NOW + 60 * CERTS_DAY; /* it expires while the connection lives */
    CHECK(whist_tls_party(pair.server.tls, pair.server.trust, &party, &err) == WHIST_ERR_CHECK);
    CHECK(strstr(err.text, "expired on") != NULL && err.peer == ALICE);
    for (int i = 0; i < 10; i++) {
        whist_tls_context_remove(pair.server.context, foreign);
    }
    whist_tls_context_remove(pair.server.context, other);
    whist_tls_context_remove(pair.server.context, other);
    whist_tls_trust_free(other);
    whist_tls_trust_free(foreign);
    tls_pair_close(&pair);
    free_parties();
}

/* ---- CAs ---- */

static void by_ca(void)
{
    make_parties();
    struct whist_identity *ca = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    struct whist_identity *wrong = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    struct whist_identity *good =
        certs_issue(&(struct certs_form){.name = "alice.p.example", .issuer = ca});
    struct whist_identity *server =
        certs_issue(&(struct certs_form){.name = "bob.p.example", .issuer = ca});
    struct whist_identity *forged =
        certs_issue(&(struct certs_form){.name = "alice.p.example", .issuer = wrong});
    struct whist_identity *cn = certs_issue(
        &(struct certs_form){.name = NULL, .common_name = "alice.p.example", .issuer = ca});
    struct whist_identity *wild =
        certs_issue(&(struct certs_form){.name = "*.p.example", .issuer = ca});
    struct whist_identity *no_client = certs_issue(
        &(struct certs_form){.name = "alice.p.example", .usage = "serverAuth", .issuer = ca});
    char *pem = certs_pem(ca);
    struct whist_party_trust trusts[N];
    memcpy(trusts, parties, sizeof trusts);
    trusts[ALICE].proof = (struct whist_proof){.ca = pem, .tls_name = "alice.p.example"};
    trusts[BOB].proof = (struct whist_proof){.ca = pem, .tls_name = "bob.p.example"};
    check_accepted(good, trusts, server, trusts, ALICE);
    check_accepted(ids[CAROL], trusts, server, trusts, CAROL); /* pins and CAs mixed */
    const struct {
        const struct whist_identity *id;
        const char *says, *alert;
        int peer;
    } bad[] = {{forged, "is not by the CA", "issued this party's certificate", ALICE},
               {no_client, "is not by the CA", "issued this party's certificate", ALICE},
               {cn, "no party of this session", "does not know", WHIST_NO_PEER},
               {wild, "no party of this session", "does not know", WHIST_NO_PEER},
               {ids[ALICE], "no party of this session", "does not know", WHIST_NO_PEER}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refusal(&(struct refusal){.a = bad[i].id,
                                        .b = server,
                                        .a_trusts = trusts,
                                        .b_trusts = trusts,
                                        .by_server = true,
                                        .says = bad[i].says,
                                        .alert = bad[i].alert,
                                        .peer = bad[i].peer});
    }
    check_refusal(&(struct refusal){.a = good,
                                    .b = wild,
                                    .a_trusts = trusts,
                                    .b_trusts = trusts,
                                    .says = "without the name \"bob.p.example\"",
                                    .alert = "does not know",
                                    .peer = BOB});
    check_refusal(&(struct refusal){.a = good,
                                    .b = good,
                                    .a_trusts = trusts,
                                    .b_trusts = trusts,
                                    .says = "party 0 (alice) answered at the URL of party 1 (bob)",
                                    .alert = "expects another party",
                                    .peer = BOB});
    struct whist_identity *const all[] = {ca, wrong, good, server, forged, cn, wild, no_client};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        whist_identity_free(all[i]);
    }
    free(pem);
    free_parties();
}

/* With a CA between, which the party sends along; and an anchor that is no root. */
static void chains(void)
{
    make_parties();
    struct whist_identity *root = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    struct whist_identity *between =
        certs_issue(&(struct certs_form){.name = "between", .ca = true, .issuer = root});
    struct whist_identity *a =
        certs_issue(&(struct certs_form){.name = "alice.example", .issuer = between});
    struct whist_identity *no_ca = certs_issue(&(struct certs_form){.name = "no", .issuer = root});
    struct whist_identity *bad =
        certs_issue(&(struct certs_form){.name = "alice.example", .issuer = no_ca});
    char *pem = certs_pem(root), *pem_between = certs_pem(between);
    struct whist_party_trust trusts[N];
    memcpy(trusts, parties, sizeof trusts);
    trusts[ALICE].proof = (struct whist_proof){.ca = pem_between, .tls_name = "alice.example"};
    check_accepted(a, trusts, ids[BOB], trusts, ALICE);
    trusts[ALICE].proof.ca = pem;
    struct refusal r = {.a = a,
                        .b = ids[BOB],
                        .a_trusts = trusts,
                        .b_trusts = trusts,
                        .by_server = true,
                        .says = "is not by the CA",
                        .alert = "unknown CA",
                        .peer = ALICE};
    check_refusal(&r); /* the link is missing */
    a->chain = sk_X509_new_null();
    CHECK(X509_up_ref(between->certificate) == 1 &&
          sk_X509_push(a->chain, between->certificate) == 1);
    check_accepted(a, trusts, ids[BOB], trusts, ALICE);
    bad->chain = sk_X509_new_null();
    CHECK(X509_up_ref(no_ca->certificate) == 1 &&
          sk_X509_push(bad->chain, no_ca->certificate) == 1);
    r.a = bad; /* a certificate that is no CA has issued it */
    check_refusal(&r);
    struct whist_identity *const all[] = {root, between, a, no_ca, bad};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        whist_identity_free(all[i]);
    }
    free(pem);
    free(pem_between);
    free_parties();
}

/* A proxy with a key of its own answers for a party; it cannot pose as the party elsewhere. */
static void server_proof(void)
{
    make_parties();
    struct whist_identity *proxy = certs_self("proxy", CERTS_NOW, 30);
    char pin[WHIST_PIN_TEXT];
    struct whist_party_trust trusts[N];
    whist_identity_pin(proxy, pin);
    memcpy(trusts, parties, sizeof trusts);
    trusts[BOB].server.pin = pin;
    check_accepted(ids[ALICE], trusts, proxy, trusts, ALICE);
    check_refusal(&(struct refusal){.a = ids[ALICE],
                                    .b = ids[CAROL],
                                    .a_trusts = trusts,
                                    .b_trusts = trusts,
                                    .says = "party 2 (carol) answered",
                                    .alert = "another party",
                                    .peer = BOB});
    check_refusal(&(struct refusal){.a = proxy,
                                    .b = proxy,
                                    .a_trusts = trusts,
                                    .b_trusts = trusts,
                                    .by_server = true,
                                    .says = "no party of this session",
                                    .alert = "does not know",
                                    .peer = WHIST_NO_PEER});
    whist_identity_free(proxy);
    free_parties();
}

/* ---- The own certificate ---- */

static void own(void)
{
    make_parties();
    struct tls_trust *trust;
    struct tls_context *context = NULL;
    struct whist_error err;
    struct whist_identity *old = certs_self("old", CERTS_NOW - 400 * CERTS_DAY, 30);
    struct whist_identity *future = certs_self("future", INT64_C(7258118400), 30);
    CHECK_OK(whist_tls_trust_new(&trust, parties, N, &err), err);
    CHECK_OK(whist_tls_trust_check_own(trust, ALICE, ids[ALICE], &err), err);
    CHECK(whist_tls_trust_check_own(trust, ALICE, ids[BOB], &err) == WHIST_ERR_CHECK);
    CHECK(strstr(err.text, "party 0 (alice)") != NULL &&
          strstr(err.text, "that of another party") != NULL);
    CHECK(whist_tls_trust_check_own(trust, ALICE, old, &err) == WHIST_ERR_CHECK);
    CHECK(strstr(err.text, "is not that of party 0 (alice)") != NULL);
    whist_tls_trust_free(trust);
    CHECK(whist_tls_context_new(&context, old, NULL, &err) == WHIST_ERR_CHECK);
    CHECK_MSG(strstr(err.text, "own certificate expired on 2024-") != NULL, "%s", err.text);
    CHECK(whist_tls_context_new(&context, future, NULL, &err) == WHIST_ERR_CHECK);
    CHECK_MSG(strstr(err.text, "not valid before 2199-12-31") != NULL, "%s", err.text);
    CHECK(context == NULL);
    whist_identity_free(old);
    whist_identity_free(future);
    free_parties();
}

static void bad_trusts(void)
{
    make_parties();
    char *pem = certs_pem(ids[ALICE]);
    const struct {
        struct whist_party_trust party;
        const char *says;
    } bad[] = {
        {{.name = "x"}, "party 1 (x): needs a pin"},
        {{.proof = {.pin = "sha256:1"}}, "party 1: a pin is"},
        {{.proof = {.pin = pins[BOB], .ca = pem}}, "not both"},
        {{.proof = {.ca = pem}}, "needs a pin"},
        {{.proof = {.tls_name = "x"}}, "needs a pin"},
        {{.proof = {.ca = pem, .tls_name = "UPPER"}}, "lower case"},
        {{.proof = {.ca = pem, .tls_name = "*.x"}}, "lower case"},
        {{.proof = {.ca = "", .tls_name = "x"}}, "no certificate"},
        {{.proof = {.ca = "-----BEGIN CERTIFICATE-----\nx", .tls_name = "x"}}, "malformed"},
        {{.proof = {.pin = pins[BOB]}, .server = {.ca = pem}}, "needs a pin"},
        {{.proof = {.pin = pins[ALICE]}}, "have the same pin"},
        {{.name = "Bad Name", .proof = {.pin = pins[BOB]}}, "not a valid name"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct whist_party_trust two[] = {parties[ALICE], bad[i].party};
        struct tls_trust *trust = NULL;
        struct whist_error err;
        CHECK(whist_tls_trust_new(&trust, two, 2, &err) == WHIST_ERR_ARGUMENT && trust == NULL);
        CHECK_MSG(strstr(err.text, bad[i].says) != NULL, "%s", err.text);
        CHECK(whist_tls_trust_new(&trust, two, 2, NULL) == WHIST_ERR_ARGUMENT);
        CHECK(ERR_peek_error() == 0);
    }
    free(pem);
    free_parties();
}

/* ---- Certificates that a proxy forwards ---- */

/* As nginx does for $ssl_client_escaped_cert. */
static char *escaped(const char *pem)
{
    char *out = calloc(3, strlen(pem) + 1), *p = out;
    CHECK(out != NULL);
    for (; *pem != '\0'; pem++) {
        bool plain = (*pem >= 'a' && *pem <= 'z') || (*pem >= 'A' && *pem <= 'Z') ||
                     (*pem >= '0' && *pem <= '9') || *pem == '-' || *pem == '/' || *pem == '=';
        p += plain ? sprintf(p, "%c", *pem) : sprintf(p, "%%%02X", (unsigned char)*pem);
    }
    return out;
}

/* extra: bytes behind the certificate. */
static char *base64(const struct whist_identity *id, const char *around, size_t extra)
{
    unsigned char *der = calloc(1, 4096), *end = der;
    CHECK(der != NULL && i2d_X509(id->certificate, NULL) < 4000);
    size_t len = (size_t)i2d_X509(id->certificate, &end) + extra;
    size_t room = sodium_base64_encoded_len(len, sodium_base64_VARIANT_ORIGINAL);
    char *text = malloc(room), *out = malloc(room + 3);
    CHECK(text != NULL && out != NULL);
    sodium_bin2base64(text, room, der, len, sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, room + 3, "%s%s%s", around, text, around);
    free(der);
    free(text);
    return out;
}

static int64_t test_now(void *ctx)
{
    return *(int64_t *)ctx;
}

static void forwarded(void)
{
    make_parties();
    int64_t now_s = CERTS_NOW;
    struct tls_clock clock = {test_now, &now_s};
    struct whist_identity *eve = certs_self("alice", CERTS_NOW, 30);
    struct tls_trust *trust;
    struct whist_error err;
    size_t party = 9;
    char *pem = certs_pem(ids[CAROL]), *pem_eve = certs_pem(eve);
    char *const texts[] = {escaped(pem),     base64(ids[CAROL], "", 0), base64(ids[CAROL], ":", 0),
                           escaped(pem_eve), base64(eve, "", 0),        base64(ids[CAROL], "", 1)};
    CHECK_OK(whist_tls_trust_new(&trust, parties, N, &err), err);
    for (int i = 0; i < 3; i++) {
        struct whist_bytes header = whist_bytes(texts[i], strlen(texts[i]));
        CHECK_OK(whist_tls_trust_forwarded(trust, &party, header, &clock, &err), err);
        CHECK(party == CAROL);
        now_s = CERTS_NOW + 60 * CERTS_DAY;
        CHECK(whist_tls_trust_forwarded(trust, &party, header, &clock, &err) == WHIST_ERR_CHECK);
        CHECK(strstr(err.text, "party 2 (carol) expired on") != NULL && err.peer == CAROL);
        now_s = CERTS_NOW;
        for (size_t len = 0; len + 4 < header.len; len += len < 40 ? 1 : 37) { /* cut */
            whist_status st =
                whist_tls_trust_forwarded(trust, &party, whist_bytes(texts[i], len), &clock, &err);
            CHECK_MSG(st == WHIST_ERR_FORMAT, "%zu of %zu: %s", len, header.len,
                      whist_status_name(st));
            CHECK(ERR_peek_error() == 0);
        }
    }
    for (int i = 3; i < 5; i++) {
        struct whist_bytes header = whist_bytes(texts[i], strlen(texts[i]));
        CHECK(whist_tls_trust_forwarded(trust, &party, header, &clock, &err) == WHIST_ERR_CHECK);
        CHECK(strstr(err.text, "no party of this session") != NULL);
    }
    struct whist_bytes longer = whist_bytes(texts[5], strlen(texts[5]));
    CHECK(whist_tls_trust_forwarded(trust, &party, longer, &clock, &err) == WHIST_ERR_FORMAT);
    static const char *const bad[] = {
        "",     "-",          "%",           "%2",
        "%zz",  "-----BEGIN", "-----BEGIN%", "-----BEGIN%20CERTIFICATE-----%0A",
        "AAAA", "::",         ":AAAA:",      "====",
        "null", "(null)"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct whist_bytes header = whist_bytes(bad[i], strlen(bad[i]));
        CHECK(whist_tls_trust_forwarded(trust, &party, header, NULL, &err) == WHIST_ERR_FORMAT);
    }
    char *large = calloc(1, 16385);
    CHECK(large != NULL);
    memset(large, 'A', 16385);
    CHECK(whist_tls_trust_forwarded(trust, &party, whist_bytes(large, 16385), NULL, &err) ==
          WHIST_ERR_LIMIT);
    CHECK(whist_tls_trust_forwarded(trust, &party, whist_bytes(large, 16384), NULL, &err) ==
          WHIST_ERR_FORMAT);
    free(large);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        free(texts[i]);
    }
    free(pem);
    free(pem_eve);
    whist_tls_trust_free(trust);
    whist_identity_free(eve);
    free_parties();
}

/* ---- Threads and memory ---- */

static void *many_handshakes(void *unused)
{
    (void)unused;
    for (long i = 0; i < test_scale(20); i++) {
        check_accepted(ids[ALICE], parties, ids[BOB], parties, ALICE);
    }
    return NULL;
}

/* Sessions come and go in one thread while another shakes hands at the same context. */
struct comings {
    struct tls_context *context;
    const struct tls_trust *trust;
};

static void *come_and_go(void *ctx)
{
    const struct comings *c = ctx;
    struct whist_error err;
    for (long i = 0; i < test_scale(2000); i++) {
        CHECK_OK(whist_tls_context_add(c->context, c->trust, &err), err);
        whist_tls_context_remove(c->context, c->trust);
    }
    return NULL;
}

static void threads(void)
{
    make_parties();
    struct tls_pair pair = {0};
    struct tls_trust *other;
    struct whist_error err;
    const struct whist_party_trust strangers[2] = {parties[BOB], parties[CAROL]};
    pthread_t thread[3];
    tls_pair_open(&pair, ids[ALICE], parties, ids[BOB], parties, N);
    CHECK_OK(whist_tls_trust_new(&other, strangers, 2, &err), err);
    struct comings comings = {pair.server.context, other};
    CHECK(pthread_create(&thread[0], NULL, many_handshakes, NULL) == 0);
    CHECK(pthread_create(&thread[1], NULL, many_handshakes, NULL) == 0);
    CHECK(pthread_create(&thread[2], NULL, come_and_go, &comings) == 0);
    for (long i = 0; i < test_scale(20); i++) {
        tls_pair_run(&pair);
        CHECK_OK(pair.server.status, pair.server.err);
        CHECK(whist_tls_established(pair.server.tls));
        whist_tls_free(pair.client.tls);
        whist_tls_free(pair.server.tls);
        CHECK_OK(whist_tls_accept(&pair.server.tls, pair.server.context, &err), err);
        CHECK_OK(whist_tls_connect(&pair.client.tls, pair.client.context, pair.client.trust, BOB,
                                   NULL, &err),
                 err);
    }
    for (int i = 0; i < 3; i++) {
        CHECK(pthread_join(thread[i], NULL) == 0);
    }
    whist_tls_trust_free(other);
    tls_pair_close(&pair);
    free_parties();
}

/* A whole connection where allocation k fails, for every k: an error, no leak, nothing in OpenSSL's
 * queue; or success, where OpenSSL can do without. */
static void without_memory(void)
{
    certs_hook_openssl();
    make_parties();
    check_accepted(ids[ALICE], parties, ids[BOB], parties, ALICE); /* what stays for ever */
    for (long k = 0;; k += test_scale(10) >= 10 ? 1 : 7) {
        struct tls_pair pair = {.now_s = CERTS_NOW};
        struct whist_error err = {0};
        struct whist_bytes part = whist_bytes("hello", 5);
        size_t taken = 0;
        whist_alloc_fail_after(k);
        whist_status st = tls_pair_try(&pair, ids[ALICE], parties, ids[BOB], parties, N, &err);
        if (st == WHIST_OK) {
            tls_pair_run(&pair);
            st = whist_tls_established(pair.client.tls)
                     ? whist_tls_write(pair.client.tls, &part, 1, &taken, &err)
                     : WHIST_ERR_CLOSED;
            tls_pair_run(&pair);
        }
        whist_alloc_fail_after(-1);
        CHECK_MSG(ERR_peek_error() == 0, "allocation %ld: %s", k,
                  ERR_error_string(ERR_peek_error(), NULL));
        bool done = st == WHIST_OK && taken == 5 && pair.server.got.len == 5;
        CHECK(pair.server.got.len == 0 || memcmp(pair.server.got.data, "hello", 5) == 0);
        bool failed = pair.server.status != WHIST_OK || pair.client.status != WHIST_OK;
        tls_pair_close(&pair);
        if (done && k > 5000) {
            break;
        }
        CHECK_MSG(done || st != WHIST_OK || failed, "allocation %ld: nothing failed", k);
    }
    free_parties();
}

static const struct test_case cases[] = {
    {"without_memory", without_memory}, /* first: the hook goes before any use of OpenSSL */
    {"pinned", pinned},
    {"stranger", stranger},
    {"another_party", another_party},
    {"another_from", another_from},
    {"expired", expired},
    {"not_yet_valid", not_yet_valid},
    {"no_certificate", no_certificate},
    {"no_session", no_session},
    {"several_sessions", several_sessions},
    {"by_ca", by_ca},
    {"chains", chains},
    {"server_proof", server_proof},
    {"own", own},
    {"bad_trusts", bad_trusts},
    {"forwarded", forwarded},
    {"threads", threads},
};
TEST_MAIN(cases)
