/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What identities, trust and TLS share about certificates, over OpenSSL. Every function leaves the
 * thread's OpenSSL error queue empty. */
#ifndef WHIST_CHANNEL_X509_H
#define WHIST_CHANNEL_X509_H

#include <openssl/x509.h>
#include <whist/identity.h>

#include "core/core.h"

#define WHIST_PIN_LEN  32
#define WHIST_DATE_MAX 32 /* "2026-01-31 23:59:59 UTC" and NUL, with room for odd years */

/* Key and certificate of a party. */
struct whist_identity {
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * chain; /* CAs between, may be NULL */
    uint8_t pin[WHIST_PIN_LEN];
    char name[256]; /* first dNSName, "" if there is none that is printable and fits */
};

/* Fills *err with the sentence and, behind ": ", OpenSSL's first reason if it has one. Returns
 * WHIST_ERR_NOMEM instead of status if memory was the reason. Empties the queue. */
whist_status whist_openssl_fail(struct whist_error *err, whist_status status, const char *fmt, ...)
    WHIST_PRINTF(3, 4);
#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: this tells it that there is an error. */
#define whist_openssl_fail(err, status, ...)                                                       \
    ((void)whist_openssl_fail(err, status, __VA_ARGS__), (status))
#endif

/* SHA-256 of the SubjectPublicKeyInfo. */
WHIST_MUST_CHECK bool whist_x509_pin(uint8_t pin_out[WHIST_PIN_LEN], const X509 *certificate);
void whist_pin_text(char text_out[WHIST_PIN_TEXT], const uint8_t pin[WHIST_PIN_LEN]);
/* Only the one form that whist_pin_text writes. */
WHIST_MUST_CHECK bool whist_pin_parse(uint8_t pin_out[WHIST_PIN_LEN], const char *text);

/* Seconds since 1970; INT64_MIN if the time is malformed. */
int64_t whist_x509_not_before(const X509 *certificate);
int64_t whist_x509_not_after(const X509 *certificate);
/* "2026-01-31 23:59:59 UTC". */
void whist_date_text(char text_out[WHIST_DATE_MAX], int64_t seconds);

/* All certificates of a PEM text, in order; other blocks are passed over. *certificates_out is to
 * be freed with sk_X509_pop_free(…, X509_free).
 * WHIST_ERR_FORMAT: none, or a malformed one (the text begins with what); WHIST_ERR_NOMEM. */
WHIST_MUST_CHECK whist_status whist_pem_certificates(STACK_OF(X509) * *certificates_out,
                                                     struct whist_bytes pem, const char *what,
                                                     struct whist_error *err);

/* Seconds since 1970 by the system's clock. */
int64_t whist_wall_clock_s(void);

#endif
