/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Private to tls*.c. */
#ifndef WHIST_CHANNEL_TLS_IMPL_H
#define WHIST_CHANNEL_TLS_IMPL_H

#include <openssl/ssl.h>
#include <pthread.h>

#include "channel/tls.h"
#include "channel/x509.h"

/* ---- Trust ---- */

/* One whist_proof, read. */
struct tls_proof {
    bool pinned;
    uint8_t pin[WHIST_PIN_LEN]; /* if pinned */
    X509_STORE *store;          /* of the CA, if not; NULL: no proof */
    char *tls_name;             /* goes with it */
};

struct tls_trusted {
    char name[WHIST_NAME_MAX + 1]; /* "" if it has none */
    struct tls_proof proof;
    struct tls_proof server; /* store NULL and not pinned: as proof */
};

struct tls_trust {
    uint64_t id; /* random: tells one trust from another that has its address later */
    size_t n;
    struct tls_trusted *parties;
};

/* A certificate that somebody has shown, and proved to have the key of. */
struct tls_shown {
    X509 *certificate;
    STACK_OF(X509) * chain; /* others that came with it, may be NULL */
    uint8_t pin[WHIST_PIN_LEN];
    int64_t not_before_s, not_after_s;
};

/* What is wrong with a certificate, worst (most telling) last. */
typedef enum tls_flaw {
    TLS_GOOD,
    TLS_UNKNOWN,       /* no party's */
    TLS_UNTRUSTED,     /* the right name, but not by the CA */
    TLS_OTHER_PARTY,   /* of another party than was expected */
    TLS_NOT_YET_VALID, /* the right one */
    TLS_EXPIRED,
    TLS_NO_MEMORY,
} tls_flaw;

/* Reads what is needed of a certificate; borrowed. False: out of memory. */
WHIST_MUST_CHECK bool whist_tls_show(struct tls_shown *shown_out, X509 *certificate,
                                     STACK_OF(X509) * chain);

/* Whose certificate it is, of those who connect to a server. err is filled unless TLS_GOOD. */
tls_flaw whist_tls_judge_client(const struct tls_trust *trust, size_t *party_out,
                                const struct tls_shown *shown, int64_t now_s,
                                struct whist_error *err);

/* Whether it is that of the server of party `peer`. */
tls_flaw whist_tls_judge_server(const struct tls_trust *trust, size_t peer,
                                const struct tls_shown *shown, int64_t now_s,
                                struct whist_error *err);

/* ---- Context ---- */

struct tls_context {
    SSL_CTX *ssl;
    BIO_METHOD *bio; /* moves bytes between OpenSSL and a struct tls */
    struct tls_clock clock;
    uint8_t pin[WHIST_PIN_LEN]; /* of the own certificate */
    pthread_mutex_t lock;       /* of what follows */
    const struct tls_trust **trusts;
    size_t n_trusts, cap_trusts;
};

int64_t whist_tls_now(const struct tls_clock *clock);

/* The method of the context's BIOs; NULL: out of memory. */
BIO_METHOD *whist_tls_bio_new(void);

/* ---- Connection ---- */

/* Bytes after which the key for sending changes: far below the 2^24.5 full records that AES-GCM
 * allows (RFC 8446, 5.5). */
#define KEY_UPDATE_BYTES ((uint64_t)1 << 36)

struct tls {
    struct tls_context *context;
    SSL *ssl;
    const struct tls_trust *trust; /* a client's */
    size_t peer;                   /* a client's */
    bool established, peer_closed, closing;
    bool no_memory;           /* ciphertext could not be kept */
    struct whist_error fault; /* status WHIST_OK: none */

    struct whist_bytes in;   /* ciphertext that was put and not read yet */
    struct whist_buffer out; /* ciphertext for the peer, from out_at on */
    size_t out_at;
    uint8_t *small; /* where small parts of a write come together: WHIST_TLS_RECORD bytes */

    uint64_t written;          /* plaintext since the key changed */
    uint64_t key_update_bytes; /* KEY_UPDATE_BYTES; tests lower it */

    struct tls_shown shown;        /* what it points to belongs to ssl; valid once established */
    char peer_pin[WHIST_PIN_TEXT]; /* "" before a certificate has come */
    uint64_t party_of;             /* id of the trust that `party` was asked for; 0: none */
    size_t party;
};

/* OpenSSL's callback for the peer's certificate: fills tls->fault and chooses the alert. */
int whist_tls_verify(X509_STORE_CTX *store, void *context);

/* The connection's last call failed inside OpenSSL: fills tls->fault from its queue (if the
 * verification has not done so) and copies it to err. */
whist_status whist_tls_fault(struct tls *tls, struct whist_error *err);

#endif
