/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/* ---- Errors ---- */

whist_status(whist_openssl_fail)(struct whist_error *err, whist_status status, const char *fmt, ...)
{
    const char *reason = NULL;
    unsigned long code;
    while ((code = ERR_get_error()) != 0) {
        if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE) {
            status = WHIST_ERR_NOMEM;
        }
        reason = reason != NULL ? reason : ERR_reason_error_string(code);
    }
    char text[sizeof((struct whist_error *)NULL)->text];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (status == WHIST_ERR_NOMEM) {
        return whist_fail(err, status, WHIST_NO_PEER, NULL, "%s: out of memory", text);
    }
    return whist_fail(err, status, WHIST_NO_PEER, NULL, "%s%s%s", text, reason != NULL ? ": " : "",
                      reason != NULL ? reason : "");
}

/* ---- Pins ---- */

#define PIN_PREFIX "sha256:"

bool whist_x509_pin(uint8_t pin_out[WHIST_PIN_LEN], const X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (len > 0) {
        crypto_hash_sha256(pin_out, der, (unsigned long long)len);
    }
    OPENSSL_free(der);
    ERR_clear_error();
    return len > 0;
}

void whist_pin_text(char text_out[WHIST_PIN_TEXT], const uint8_t pin[WHIST_PIN_LEN])
{
    size_t at = strlen(PIN_PREFIX);
    memcpy(text_out, PIN_PREFIX, at);
    sodium_bin2hex(text_out + at, WHIST_PIN_TEXT - at, pin, WHIST_PIN_LEN);
}

bool whist_pin_parse(uint8_t pin_out[WHIST_PIN_LEN], const char *text)
{
    uint8_t pin[WHIST_PIN_LEN];
    char again[WHIST_PIN_TEXT];
    size_t at = strlen(PIN_PREFIX), len;
    if (strlen(text) != WHIST_PIN_TEXT - 1 ||
        sodium_hex2bin(pin, sizeof pin, text + at, WHIST_PIN_TEXT - 1 - at, NULL, &len, NULL) !=
            0 ||
        len != sizeof pin) {
        return false;
    }
    whist_pin_text(again, pin);
    if (strcmp(again, text) != 0) {
        return false;
    }
    memcpy(pin_out, pin, sizeof pin);
    return true;
}

/* ---- Times ---- */

static int64_t seconds_of(const ASN1_TIME *t)
{
    struct tm tm;
    if (ASN1_TIME_to_tm(t, &tm) != 1) {
        ERR_clear_error();
        return INT64_MIN;
    }
    return (int64_t)timegm(&tm);
}

int64_t whist_x509_not_before(const X509 *certificate)
{
    return seconds_of(X509_get0_notBefore(certificate));
}

int64_t whist_x509_not_after(const X509 *certificate)
{
    return seconds_of(X509_get0_notAfter(certificate));
}

void whist_date_text(char text_out[WHIST_DATE_MAX], int64_t seconds)
{
    struct tm tm;
    time_t t = (time_t)seconds;
    if (gmtime_r(&t, &tm) == NULL ||
        strftime(text_out, WHIST_DATE_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0) {
        snprintf(text_out, WHIST_DATE_MAX, "an unreadable date");
    }
}

int64_t whist_wall_clock_s(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_REALTIME, &now) == 0 ? (int64_t)now.tv_sec : 0;
}

/* ---- PEM ---- */

/* No block asks for a passphrase on the terminal. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
static int no_passphrase(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf, (void)size, (void)rwflag, (void)ctx;
    return -1;
}

whist_status whist_pem_certificates(STACK_OF(X509) * *certificates_out, struct whist_bytes pem,
                                    const char *what, struct whist_error *err)
{
    whist_status st = WHIST_OK;
    X509 *one = NULL;
    STACK_OF(X509) *all = sk_X509_new_null();
    const void *text = pem.len != 0 ? (const void *)pem.data : "";
    BIO *bio = pem.len <= INT32_MAX ? BIO_new_mem_buf(text, (int)pem.len) : NULL;
    if (all == NULL || bio == NULL) {
        st = whist_openssl_fail(err, WHIST_ERR_NOMEM, "%s", what);
        goto out;
    }
    while ((one = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL)) != NULL) {
        if (sk_X509_push(all, one) == 0) {
            X509_free(one);
            st = whist_openssl_fail(err, WHIST_ERR_NOMEM, "%s", what);
            goto out;
        }
    }
    unsigned long code = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    if (!at_end) {
        st = whist_openssl_fail(err, WHIST_ERR_FORMAT, "%s: malformed certificate %d", what,
                                sk_X509_num(all) + 1);
    } else if (sk_X509_num(all) == 0) {
        ERR_clear_error();
        st = whist_fail(err, WHIST_ERR_FORMAT, WHIST_NO_PEER, NULL,
                        "%s: no certificate in it (PEM, \"-----BEGIN CERTIFICATE-----\")", what);
    }
out:
    BIO_free(bio);
    ERR_clear_error();
    if (st != WHIST_OK) {
        sk_X509_pop_free(all, X509_free);
        return st;
    }
    *certificates_out = all;
    return WHIST_OK;
}
