/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* TLS 1.3 over a socket as OpenSSL does it, with what makes it fast: it reads ahead, and the
 * records of one write go to the system together. */
#include "bench_tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

#define READ_AHEAD   ((size_t)131072)
#define VALID_S      86400
#define WRITE_BUFFER 73728 /* 64 KiB, and what four records add */

struct tls_pair {
    EVP_PKEY *key;
    X509 *certificate;
};

struct tls_stream {
    pthread_mutex_t lock; /* of ssl, which one thread may use at a time */
    SSL_CTX *ctx;
    SSL *ssl;
    BIO *out; /* where records are collected */
};

static whist_status tls_failure(struct whist_error *err, const char *what)
{
    char text[160];

    ERR_error_string_n(ERR_get_error(), text, sizeof(text));
    return cli_fail(err, WHIST_ERR_IO, "TLS of the raw link: %s: %s", what, text);
}

void tls_pair_free(struct tls_pair *pair)
{
    if (pair != NULL) {
        X509_free(pair->certificate);
        EVP_PKEY_free(pair->key);
        free(pair);
    }
}

static bool make_certificate(struct tls_pair *pair)
{
    X509_NAME *name;

    pair->key = EVP_EC_gen("P-256");
    pair->certificate = X509_new();
    if (pair->key == NULL || pair->certificate == NULL) {
        return false;
    }
    name = X509_get_subject_name(pair->certificate);
    return X509_set_version(pair->certificate, 2) == 1 &&
           ASN1_INTEGER_set(X509_get_serialNumber(pair->certificate), 1) == 1 &&
           X509_gmtime_adj(X509_getm_notBefore(pair->certificate), -VALID_S) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(pair->certificate), VALID_S) != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"bench", -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(pair->certificate, name) == 1 &&
           X509_set_pubkey(pair->certificate, pair->key) == 1 &&
           X509_sign(pair->certificate, pair->key, EVP_sha256()) > 0;
}

whist_status tls_pair_new(struct tls_pair **out, struct whist_error *err)
{
    struct tls_pair *pair = calloc(1, sizeof(*pair));

    if (pair == NULL) {
        return cli_nomem(err);
    }
    if (!make_certificate(pair)) {
        tls_pair_free(pair);
        return tls_failure(err, "no certificate");
    }
    *out = pair;
    return WHIST_OK;
}

static SSL_CTX *make_context(const struct tls_pair *pair)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    if (ctx == NULL || SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_use_certificate(ctx, pair->certificate) != 1 ||
        SSL_CTX_use_PrivateKey(ctx, pair->key) != 1 ||
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), pair->certificate) != 1 ||
        SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
    return ctx;
}

/* The records of one write go to the system together. */
static bool collect_records(struct tls_stream *s)
{
    BIO *socket = SSL_get_wbio(s->ssl);

    s->out = BIO_new(BIO_f_buffer());
    if (s->out == NULL || BIO_set_write_buffer_size(s->out, WRITE_BUFFER) != 1 ||
        BIO_up_ref(socket) != 1) {
        BIO_free(s->out);
        return false;
    }
    SSL_set0_wbio(s->ssl, BIO_push(s->out, socket));
    return true;
}

whist_status tls_stream_new(struct tls_stream **out, const struct tls_pair *pair, int fd,
                            bool server, struct whist_error *err)
{
    struct tls_stream *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return cli_nomem(err);
    }
    pthread_mutex_init(&s->lock, NULL);
    s->ctx = make_context(pair);
    s->ssl = s->ctx != NULL ? SSL_new(s->ctx) : NULL;
    if (s->ssl == NULL || SSL_set_fd(s->ssl, fd) != 1 ||
        (server ? SSL_accept(s->ssl) : SSL_connect(s->ssl)) != 1) {
        tls_stream_free(s);
        return tls_failure(err, "no handshake");
    }
    if (!collect_records(s)) {
        tls_stream_free(s);
        return tls_failure(err, "no buffer");
    }
    *out = s;
    return WHIST_OK;
}

void tls_stream_free(struct tls_stream *s)
{
    if (s != NULL) {
        SSL_free(s->ssl);
        SSL_CTX_free(s->ctx);
        pthread_mutex_destroy(&s->lock);
        free(s);
    }
}

static ssize_t result(struct tls_stream *s, int done, const size_t *n)
{
    if (done == 1) {
        return (ssize_t)*n;
    }
    switch (SSL_get_error(s->ssl, done)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        errno = EIO;
        return -1;
    }
}

ssize_t tls_stream_read(struct tls_stream *s, void *data, size_t len)
{
    size_t n = 0;

    pthread_mutex_lock(&s->lock);
    ssize_t got = result(s, SSL_read_ex(s->ssl, data, len, &n), &n);
    pthread_mutex_unlock(&s->lock);
    return got;
}

/* What the socket does not take stays, to be flushed later. */
static bool flush(struct tls_stream *s)
{
    return BIO_wpending(s->out) == 0 || BIO_flush(s->out) == 1;
}

bool tls_stream_flush(struct tls_stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool done = flush(s);
    pthread_mutex_unlock(&s->lock);
    return done;
}

ssize_t tls_stream_write(struct tls_stream *s, const void *data, size_t len)
{
    size_t n = 0;

    pthread_mutex_lock(&s->lock);
    ssize_t put = -1;
    if (flush(s)) {
        put = result(s, SSL_write_ex(s->ssl, data, len, &n), &n);
        (void)flush(s);
    } else {
        errno = EAGAIN;
    }
    pthread_mutex_unlock(&s->lock);
    return put;
}
