/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* TLS: bytes of the network into both ends of a handshake, and certificates that proxies forward.
 * The first byte chooses: 0 a header; 1 bytes to a server, 2 to a client; otherwise a true
 * handshake and a message, of which the rest changes bytes: three for each, place (16 bits) and
 * what to add. Whoever ends up with plaintext has the other's certificate and the right bytes. */
#include <openssl/err.h>
#include <string.h>

#include "channel/tls.h"
#include "fuzz.h"

#define NOW_S INT64_C(1748736000)

static struct tls_context *context[2];
static struct tls_trust *trust;

static int64_t now(void *ctx)
{
    (void)ctx;
    return NOW_S;
}

static void set_up(void)
{
    static const char *const names[] = {"alice", "bob"};
    static char pins[2][WHIST_PIN_TEXT];
    const struct tls_clock clock = {now, NULL};
    struct whist_party_trust parties[2];
    struct whist_identity *id[2];
    for (int i = 0; i < 2; i++) {
        struct whist_identity_options o = {.name = names[i], .not_before_s = NOW_S - 86400};
        HOLDS(whist_identity_generate(&id[i], &o, NULL) == WHIST_OK);
        HOLDS(whist_tls_context_new(&context[i], id[i], &clock, NULL) == WHIST_OK);
        whist_identity_pin(id[i], pins[i]);
        parties[i] = (struct whist_party_trust){.name = names[i], .proof = {.pin = pins[i]}};
        whist_identity_free(id[i]);
    }
    HOLDS(whist_tls_trust_new(&trust, parties, 2, NULL) == WHIST_OK);
    for (int i = 0; i < 2; i++) {
        HOLDS(whist_tls_context_add(context[i], trust, NULL) == WHIST_OK);
    }
}

/* One end, and what it has read. */
struct end {
    struct tls *tls;
    whist_status status;
    uint8_t got[64];
    size_t n_got;
};

static void feed(struct end *end, const uint8_t *data, size_t len)
{
    uint8_t out[64];
    size_t n = 1;
    struct whist_error err = {0};
    if (end->status != WHIST_OK) {
        return;
    }
    whist_tls_put(end->tls, whist_bytes(data, len));
    while (end->status == WHIST_OK && n != 0) {
        end->status = whist_tls_read(end->tls, out, sizeof out, &n, &err);
        HOLDS(ERR_peek_error() == 0 && end->status == err.status);
        HOLDS(n == 0 || whist_tls_established(end->tls));
        HOLDS(n <= sizeof end->got - end->n_got);
        memcpy(end->got + end->n_got, out, n);
        end->n_got += n;
    }
}

/* Carries what is pending, changed where the edits say so. at: bytes carried so far. */
static bool carry(struct end *from, struct end *to, size_t *at, const uint8_t *edits,
                  size_t n_edits)
{
    struct whist_bytes all = whist_tls_pending(from->tls);
    if (all.len == 0) {
        return false;
    }
    uint8_t *bytes = malloc(all.len);
    HOLDS(bytes != NULL);
    memcpy(bytes, all.data, all.len);
    for (size_t i = 0; i + 3 <= n_edits; i += 3) {
        size_t place = (size_t)edits[i] << 8 | edits[i + 1];
        if (place >= *at && place - *at < all.len) {
            bytes[place - *at] = (uint8_t)(bytes[place - *at] + edits[i + 2]);
        }
    }
    *at += all.len;
    feed(to, bytes, all.len);
    whist_tls_sent(from->tls, all.len);
    free(bytes);
    return true;
}

static void handshake(const uint8_t *edits, size_t n_edits)
{
    static const char message[] = "sixteen letters.";
    struct end client = {0}, server = {0};
    struct whist_bytes part = whist_bytes(message, 16);
    struct whist_error err;
    size_t at = 0, taken = 0, party;
    HOLDS(whist_tls_connect(&client.tls, context[0], trust, 1, "b.example", NULL) == WHIST_OK);
    HOLDS(whist_tls_accept(&server.tls, context[1], NULL) == WHIST_OK);
    bool moved = true;
    while (moved) {
        moved = carry(&client, &server, &at, edits, n_edits);
        moved = carry(&server, &client, &at, edits, n_edits) || moved;
        if (taken == 0 && client.status == WHIST_OK && whist_tls_established(client.tls)) {
            HOLDS(whist_tls_write(client.tls, &part, 1, &taken, &err) == WHIST_OK && taken == 16);
            moved = true;
        }
    }
    HOLDS(client.n_got == 0 && (server.n_got == 0 || server.n_got == 16));
    if (server.n_got != 0) {
        HOLDS(memcmp(server.got, message, 16) == 0);
        HOLDS(whist_tls_party(server.tls, trust, &party, &err) == WHIST_OK && party == 0);
    }
    whist_tls_free(client.tls);
    whist_tls_free(server.tls);
}

static void garbage(const uint8_t *data, size_t size, bool to_server)
{
    struct end end = {0};
    HOLDS((to_server ? whist_tls_accept(&end.tls, context[1], NULL)
                     : whist_tls_connect(&end.tls, context[0], trust, 1, NULL, NULL)) == WHIST_OK);
    feed(&end, data, size);
    HOLDS(!whist_tls_established(end.tls) && end.n_got == 0);
    whist_tls_free(end.tls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t party = 9;
    if (trust == NULL) {
        set_up();
    }
    if (size == 0) {
        return 0;
    }
    if (data[0] == 0) { /* the keys are new in each process: nobody has the certificate */
        HOLDS(whist_tls_trust_forwarded(trust, &party, whist_bytes(data + 1, size - 1), NULL,
                                        NULL) != WHIST_OK);
        HOLDS(party == 9 && ERR_peek_error() == 0);
    } else if (data[0] <= 2) {
        garbage(data + 1, size - 1, data[0] == 1);
    } else {
        handshake(data + 1, size - 1);
    }
    return 0;
}
