/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "tls_pair.h"

#include <openssl/err.h>

#include "harness.h"

static int64_t pair_now(void *ctx)
{
    return ((const struct tls_pair *)ctx)->now_s;
}

static whist_status end_open(struct tls_end *end, struct tls_pair *pair,
                             const struct whist_identity *id,
                             const struct whist_party_trust *trusts, size_t n,
                             struct whist_error *err)
{
    struct tls_clock clock = {pair_now, pair};
    TRY(whist_tls_context_new(&end->context, id, &clock, err));
    TRY(whist_tls_trust_new(&end->trust, trusts, n, err));
    return whist_tls_context_add(end->context, end->trust, err);
}

whist_status tls_pair_try(struct tls_pair *pair, const struct whist_identity *a,
                          const struct whist_party_trust *client_trusts,
                          const struct whist_identity *b,
                          const struct whist_party_trust *server_trusts, size_t n,
                          struct whist_error *err)
{
    if (pair->now_s == 0) {
        pair->now_s = CERTS_NOW;
    }
    TRY(end_open(&pair->client, pair, a, client_trusts, n, err));
    TRY(end_open(&pair->server, pair, b, server_trusts, n, err));
    TRY(whist_tls_accept(&pair->server.tls, pair->server.context, err));
    return whist_tls_connect(&pair->client.tls, pair->client.context, pair->client.trust, 1,
                             "server.example", err);
}

void tls_pair_open(struct tls_pair *pair, const struct whist_identity *a,
                   const struct whist_party_trust *client_trusts, const struct whist_identity *b,
                   const struct whist_party_trust *server_trusts, size_t n)
{
    struct whist_error err;
    CHECK_OK(tls_pair_try(pair, a, client_trusts, b, server_trusts, n, &err), err);
}

static void end_close(struct tls_end *end)
{
    whist_tls_free(end->tls);
    if (end->context != NULL && end->trust != NULL) {
        whist_tls_context_remove(end->context, end->trust);
    }
    whist_tls_trust_free(end->trust);
    whist_tls_context_free(end->context);
    whist_buffer_clear(&end->got);
    *end = (struct tls_end){0};
}

void tls_pair_close(struct tls_pair *pair)
{
    end_close(&pair->client);
    end_close(&pair->server);
}

void tls_end_feed(struct tls_end *end, struct whist_bytes bytes)
{
    uint8_t out[5000]; /* no multiple of a record */
    size_t len = 1;
    if (end->status != WHIST_OK) {
        return;
    }
    whist_tls_put(end->tls, bytes);
    while (end->status == WHIST_OK && len != 0) {
        end->status = whist_tls_read(end->tls, out, sizeof out, &len, &end->err);
        CHECK(len <= sizeof out && (end->status == WHIST_OK || len == 0));
        CHECK(ERR_peek_error() == 0);
        if (whist_buffer_append(&end->got, out, len) != WHIST_OK) {
            end->status = WHIST_ERR_NOMEM;
        }
    }
    CHECK(end->status != WHIST_OK || whist_tls_unread(end->tls) == 0);
}

static bool carry(struct tls_end *from, struct tls_end *to, size_t piece)
{
    struct whist_bytes all = whist_tls_pending(from->tls);
    if (all.len == 0) {
        return false;
    }
    size_t len = piece != 0 && piece < all.len ? piece : all.len;
    tls_end_feed(to, whist_bytes(all.data, len));
    whist_tls_sent(from->tls, len);
    return true;
}

void tls_pair_run(struct tls_pair *pair)
{
    bool moved = true;
    while (moved) {
        moved = carry(&pair->client, &pair->server, pair->piece);
        moved = carry(&pair->server, &pair->client, pair->piece) || moved;
    }
}
