/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the connections of an endpoint share: identity, settings of OpenSSL, who is trusted. */
#include <openssl/err.h>
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "channel/tls_impl.h"

/* Longest certificate message of a peer, in bytes: a chain has a few KiB. */
#define CERTIFICATES_MAX 32768
#define SECURITY_LEVEL   2 /* of OpenSSL: 112 bits */

int64_t whist_tls_now(const struct tls_clock *clock)
{
    return clock != NULL && clock->now_s != NULL ? clock->now_s(clock->ctx) : whist_wall_clock_s();
}

static bool fast_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__) && defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
    return true;
#endif
}

/* A server takes HTTP/1.1 if it is offered, and goes on without if not. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                           const unsigned char *in, unsigned int in_len, void *ctx)
{
    static const unsigned char http11[] = "\x08http/1.1";
    unsigned char *chosen;
    (void)ssl, (void)ctx;
    if (SSL_select_next_proto(&chosen, out_len, http11, sizeof http11 - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static bool set_up(SSL_CTX *ssl, const struct whist_identity *identity)
{
    static const unsigned char http11[] = "\x08http/1.1";
    const char *suites =
        fast_aes() ? "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
                   : "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384";
    SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, whist_tls_verify, NULL);
    SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, NULL);
    SSL_CTX_set_max_cert_list(ssl, CERTIFICATES_MAX);
    if (SSL_CTX_get_security_level(ssl) < SECURITY_LEVEL) {
        SSL_CTX_set_security_level(ssl, SECURITY_LEVEL);
    }
    return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) == 1 &&
           SSL_CTX_set_num_tickets(ssl, 0) == 1 && SSL_CTX_set_max_early_data(ssl, 0) == 1 &&
           SSL_CTX_set_ciphersuites(ssl, suites) == 1 &&
           SSL_CTX_set1_groups_list(ssl, "X25519:P-256:P-384") == 1 &&
           SSL_CTX_set_alpn_protos(ssl, http11, sizeof http11 - 1) == 0 &&
           SSL_CTX_use_certificate(ssl, identity->certificate) == 1 &&
           SSL_CTX_use_PrivateKey(ssl, identity->key) == 1 &&
           (identity->chain == NULL || SSL_CTX_set1_chain(ssl, identity->chain) == 1) &&
           SSL_CTX_check_private_key(ssl) == 1;
}

/* What every peer would refuse is refused here, with words. */
static whist_status check_own_dates(const struct whist_identity *identity, int64_t now_s,
                                    struct whist_error *err)
{
    char date[WHIST_DATE_MAX], now[WHIST_DATE_MAX];
    int64_t begin_s = whist_x509_not_before(identity->certificate);
    int64_t end_s = whist_x509_not_after(identity->certificate);
    bool early = now_s < begin_s || begin_s == INT64_MIN;
    if (!early && now_s <= end_s) {
        return WHIST_OK;
    }
    whist_date_text(date, early ? begin_s : end_s);
    whist_date_text(now, now_s);
    return whist_fail(err, WHIST_ERR_CHECK, WHIST_NO_PEER, NULL,
                      early ? "the own certificate is not valid before %s, and it is %s: is this "
                              "machine's clock right?"
                            : "the own certificate expired on %s, and it is %s: make a new one "
                              "(whist keygen) and give the others its card",
                      date, now);
}

whist_status whist_tls_context_new(struct tls_context **context_out,
                                   const struct whist_identity *identity,
                                   const struct tls_clock *clock, struct whist_error *err)
{
    TRY(check_own_dates(identity, whist_tls_now(clock), err));
    struct tls_context *context = whist_zalloc(1, sizeof *context);
    if (context == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "TLS: out of memory");
    }
    if (pthread_mutex_init(&context->lock, NULL) != 0) {
        whist_free(context);
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "TLS: out of memory");
    }
    ERR_clear_error();
    context->clock = clock != NULL ? *clock : (struct tls_clock){0};
    memcpy(context->pin, identity->pin, sizeof context->pin);
    context->bio = whist_tls_bio_new();
    context->ssl = SSL_CTX_new(TLS_method());
    if (context->bio == NULL || context->ssl == NULL || !set_up(context->ssl, identity)) {
        whist_status st = whist_openssl_fail(err, WHIST_ERR_IO, "cannot set up TLS");
        whist_tls_context_free(context);
        ERR_clear_error();
        return st;
    }
    ERR_clear_error();
    *context_out = context;
    return WHIST_OK;
}

void whist_tls_context_free(struct tls_context *context)
{
    if (context == NULL) {
        return;
    }
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->bio);
    pthread_mutex_destroy(&context->lock);
    whist_free(context->trusts);
    whist_free(context);
}

/* ---- Who is trusted ---- */

whist_status whist_tls_context_add(struct tls_context *context, const struct tls_trust *trust,
                                   struct whist_error *err)
{
    whist_status st = WHIST_OK;
    pthread_mutex_lock(&context->lock);
    if (context->n_trusts == context->cap_trusts) {
        size_t cap = 2 * context->cap_trusts + 4;
        const struct tls_trust **grown =
            whist_realloc(context->trusts, cap, sizeof(const struct tls_trust *));
        if (grown == NULL) {
            st = whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "TLS: out of memory");
            goto out;
        }
        context->trusts = grown;
        context->cap_trusts = cap;
    }
    context->trusts[context->n_trusts++] = trust;
out:
    pthread_mutex_unlock(&context->lock);
    return st;
}

void whist_tls_context_remove(struct tls_context *context, const struct tls_trust *trust)
{
    pthread_mutex_lock(&context->lock);
    for (size_t i = 0; i < context->n_trusts; i++) {
        if (context->trusts[i] == trust) {
            context->trusts[i] = context->trusts[--context->n_trusts];
            break;
        }
    }
    pthread_mutex_unlock(&context->lock);
}

/* A party of any trust; otherwise the most telling flaw of all of them. */
static tls_flaw judge_any(struct tls_context *context, const struct tls_shown *shown, int64_t now_s,
                          struct whist_error *err)
{
    tls_flaw worst = TLS_GOOD;
    size_t party;
    pthread_mutex_lock(&context->lock);
    for (size_t i = 0; i < context->n_trusts; i++) {
        struct whist_error why;
        tls_flaw st = whist_tls_judge_client(context->trusts[i], &party, shown, now_s, &why);
        if (st == TLS_GOOD) {
            pthread_mutex_unlock(&context->lock);
            return st;
        }
        if (st > worst) {
            worst = st;
            *err = why;
        }
    }
    pthread_mutex_unlock(&context->lock);
    if (worst == TLS_GOOD) {
        /* No flaw of the certificate: a session begins or has just ended. */
        whist_fail(err, WHIST_ERR_UNREACHABLE, WHIST_NO_PEER, NULL, "no session is open here");
        worst = TLS_UNKNOWN;
    }
    return worst;
}

/* OpenSSL turns these codes into the alert of the name (ssl_x509err2alert). */
static int alert_code(tls_flaw what)
{
    switch (what) {
    case TLS_GOOD:
        return X509_V_OK;
    case TLS_UNTRUSTED:
        return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY; /* unknown_ca */
    case TLS_OTHER_PARTY:
        return X509_V_ERR_HOSTNAME_MISMATCH; /* bad_certificate */
    case TLS_NOT_YET_VALID:
        return X509_V_ERR_CERT_NOT_YET_VALID; /* bad_certificate */
    case TLS_EXPIRED:
        return X509_V_ERR_CERT_HAS_EXPIRED; /* certificate_expired */
    case TLS_NO_MEMORY:
        return X509_V_ERR_OUT_OF_MEM; /* internal_error */
    case TLS_UNKNOWN:
        break;
    }
    return X509_V_ERR_SUBJECT_ISSUER_MISMATCH; /* certificate_unknown */
}

int whist_tls_verify(X509_STORE_CTX *store, void *context)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = SSL_get_app_data(ssl);
    int64_t now_s = whist_tls_now(&tls->context->clock);
    tls_flaw st = TLS_NO_MEMORY;
    (void)context; /* the connection has its own */
    if (whist_tls_show(&tls->shown, X509_STORE_CTX_get0_cert(store),
                       X509_STORE_CTX_get0_untrusted(store))) {
        whist_pin_text(tls->peer_pin, tls->shown.pin);
        st = tls->trust != NULL
                 ? whist_tls_judge_server(tls->trust, tls->peer, &tls->shown, now_s, &tls->fault)
                 : judge_any(tls->context, &tls->shown, now_s, &tls->fault);
    } else {
        whist_fail(&tls->fault, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "TLS: out of memory");
    }
    X509_STORE_CTX_set_error(store, alert_code(st));
    return st == TLS_GOOD;
}
