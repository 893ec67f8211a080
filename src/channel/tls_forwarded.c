/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A certificate in a header of a proxy that ends TLS in front of a party. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <sodium.h>

#include "channel/tls_impl.h"

#define HEADER_MAX ((size_t)16384)

/* %XX → byte, in place of the output's room (at least in.len). False: a % without two digits. */
static bool unescape(uint8_t *out, size_t *len_out, struct whist_bytes in)
{
    size_t len = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint8_t c = in.data[i];
        if (c == '%') {
            int high = i + 2 < in.len ? whist_hex_digit(in.data[i + 1]) : -1;
            int low = i + 2 < in.len ? whist_hex_digit(in.data[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        out[len++] = c;
    }
    *len_out = len;
    return true;
}

static bool starts_with(struct whist_bytes text, const char *with)
{
    size_t len = strlen(with);
    return text.len >= len && memcmp(text.data, with, len) == 0;
}

static STACK_OF(X509) * from_base64(uint8_t *room, struct whist_bytes header)
{
    size_t len;
    if (header.len >= 2 && header.data[0] == ':' && header.data[header.len - 1] == ':') {
        header = whist_bytes(header.data + 1, header.len - 2); /* RFC 9440 */
    }
    if (header.len == 0 ||
        sodium_base642bin(room, HEADER_MAX, (const char *)header.data, header.len, NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0) {
        return NULL;
    }
    const unsigned char *at = room;
    X509 *one = d2i_X509(NULL, &at, (long)len);
    STACK_OF(X509) *all = one != NULL && at == room + len ? sk_X509_new_null() : NULL;
    if (all == NULL || sk_X509_push(all, one) == 0) {
        sk_X509_free(all);
        X509_free(one);
        return NULL;
    }
    return all;
}

static STACK_OF(X509) * read_header(uint8_t *room, struct whist_bytes header)
{
    STACK_OF(X509) *all = NULL;
    struct whist_error err;
    size_t len;
    if (!starts_with(header, "-----BEGIN")) {
        return from_base64(room, header);
    }
    if (!unescape(room, &len, header) ||
        whist_pem_certificates(&all, whist_bytes(room, len), "", &err) != WHIST_OK) {
        return NULL;
    }
    return all;
}

whist_status whist_tls_trust_forwarded(const struct tls_trust *trust, size_t *party_out,
                                       struct whist_bytes header, const struct tls_clock *clock,
                                       struct whist_error *err)
{
    struct tls_shown shown;
    struct whist_error why;
    size_t party = 0;
    whist_status st = WHIST_OK;
    if (header.len > HEADER_MAX) {
        return whist_fail(err, WHIST_ERR_LIMIT, WHIST_NO_PEER, NULL,
                          "the certificate that the proxy forwards has %zu bytes; at most %zu are "
                          "taken",
                          header.len, HEADER_MAX);
    }
    uint8_t *room = whist_alloc(HEADER_MAX, 1);
    if (room == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "certificate: out of memory");
    }
    STACK_OF(X509) *all = read_header(room, header);
    X509 *leaf = all != NULL ? sk_X509_value(all, 0) : NULL;
    if (leaf == NULL) {
        st =
            whist_openssl_fail(err, WHIST_ERR_FORMAT,
                               "what the proxy forwards is no certificate (URL-escaped PEM, or DER "
                               "in base64)");
    } else if (!whist_tls_show(&shown, leaf, all)) {
        st = whist_openssl_fail(err, WHIST_ERR_NOMEM, "certificate: out of memory");
    } else if (whist_tls_judge_client(trust, &party, &shown, whist_tls_now(clock), &why) !=
               TLS_GOOD) {
        st = whist_fail(err, why.status, why.peer, NULL, "%s", why.text);
    } else {
        *party_out = party;
    }
    sk_X509_pop_free(all, X509_free);
    whist_free(room);
    ERR_clear_error();
    return st;
}
