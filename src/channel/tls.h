/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One TLS 1.3 connection without I/O (RFC 8446, by OpenSSL 3): bytes in, bytes out. Both sides
 * always show a certificate. No tickets, resumption, early data or renegotiation.
 *
 * Three objects:
 *   - a context per endpoint: the own identity and the clock. Its functions are thread safe.
 *   - a trust per session: how each of its n parties proves itself. Immutable; added to the context
 *     while the session lives. A server takes a connection whose certificate is that of any party
 * of any trust of the context; which party of which session it is, is asked per request
 *     (whist_tls_party).
 *   - a connection. Used by one thread at a time.
 *
 * The caller's loop for a connection, until whist_tls_read fails:
 *     bytes from the socket → whist_tls_put; then whist_tls_read until it gives 0 bytes
 *     whist_tls_write; whist_tls_pending → socket → whist_tls_sent, after any of the others too
 * An error of a connection is final: send what is pending (the alert, for the peer's people), then
 * close. err->text says what was wrong in one sentence. */
#ifndef WHIST_CHANNEL_TLS_H
#define WHIST_CHANNEL_TLS_H

#include <whist/channel.h>
#include <whist/identity.h>

#include "core/core.h"

/* Ciphertext that is collected before whist_tls_write takes nothing more, in bytes. */
#define WHIST_TLS_PENDING_MAX ((size_t)262144)
/* Plaintext of a record, in bytes: whist_tls_read gives at most that at a time. */
#define WHIST_TLS_RECORD ((size_t)16384)

struct tls_context;
struct tls_trust;
struct tls;

/* ---- Context ---- */

/* Where the time comes from, for validity of certificates. */
struct tls_clock {
    int64_t (*now_s)(void *ctx); /* seconds since 1970; NULL: the system's */
    void *ctx;
};

/* identity is borrowed during the call: the context keeps what it needs. clock may be NULL.
 * WHIST_ERR_CHECK: the own certificate is not valid now (err says since or from when);
 * WHIST_ERR_NOMEM; WHIST_ERR_IO: OpenSSL refused something. */
WHIST_MUST_CHECK whist_status whist_tls_context_new(struct tls_context **context_out,
                                                    const struct whist_identity *identity,
                                                    const struct tls_clock *clock,
                                                    struct whist_error *err);
/* After all its connections. NULL is allowed. */
void whist_tls_context_free(struct tls_context *context);

/* ---- Trust ---- */

/* parties: n of them, borrowed during the call.
 * WHIST_ERR_ARGUMENT: no proof, a bad pin, PEM or name, or two parties with the same one; err names
 * the party. WHIST_ERR_NOMEM. */
WHIST_MUST_CHECK whist_status whist_tls_trust_new(struct tls_trust **trust_out,
                                                  const struct whist_party_trust *parties, size_t n,
                                                  struct whist_error *err);
/* After it was removed, and after the connections that were made with it. NULL is allowed. */
void whist_tls_trust_free(struct tls_trust *trust);

/* The context accepts parties of this trust (borrowed until removed). WHIST_ERR_NOMEM. */
WHIST_MUST_CHECK whist_status whist_tls_context_add(struct tls_context *context,
                                                    const struct tls_trust *trust,
                                                    struct whist_error *err);
/* Connections that were accepted because of it stay, but whist_tls_party is asked anyway. */
void whist_tls_context_remove(struct tls_context *context, const struct tls_trust *trust);

/* WHIST_ERR_CHECK unless the own certificate is that of party `me` of the trust: otherwise every
 * peer would refuse it. */
WHIST_MUST_CHECK whist_status whist_tls_trust_check_own(const struct tls_trust *trust, size_t me,
                                                        const struct whist_identity *identity,
                                                        struct whist_error *err);

/* A certificate that a trusted proxy has forwarded after it had seen proof of its key: URL-escaped
 * PEM (nginx: $ssl_client_escaped_cert) or DER in base64, bare or between colons (HAProxy:
 * %[ssl_c_der,base64]; Caddy: {http.request.tls.client.certificate_der_base64}; RFC 9440).
 * WHIST_ERR_FORMAT: none of these; WHIST_ERR_LIMIT: over 16 KiB; WHIST_ERR_CHECK: of no party, or
 * not valid now. clock may be NULL. */
WHIST_MUST_CHECK whist_status whist_tls_trust_forwarded(const struct tls_trust *trust,
                                                        size_t *party_out,
                                                        struct whist_bytes header,
                                                        const struct tls_clock *clock,
                                                        struct whist_error *err);

/* ---- Connection ---- */

/* A client's connection to party `peer` of the trust (borrowed, as the context, until freed): only
 * that party's server is accepted. server_name: DNS name of the URL for SNI, NULL for an address.
 * The ClientHello is pending on return. WHIST_ERR_NOMEM, WHIST_ERR_IO. */
WHIST_MUST_CHECK whist_status whist_tls_connect(struct tls **tls_out, struct tls_context *context,
                                                const struct tls_trust *trust, size_t peer,
                                                const char *server_name, struct whist_error *err);

/* A server's connection from somebody. */
WHIST_MUST_CHECK whist_status whist_tls_accept(struct tls **tls_out, struct tls_context *context,
                                               struct whist_error *err);

/* NULL is allowed. */
void whist_tls_free(struct tls *tls);

/* Ciphertext from the peer, any number of bytes. Borrowed, not copied: it must stay where it is
 * until whist_tls_read has given 0 bytes, or whist_tls_unread is 0. Only when whist_tls_unread is
 * 0. */
void whist_tls_put(struct tls *tls, struct whist_bytes ciphertext);
/* Bytes of it that were not looked at yet. */
size_t whist_tls_unread(const struct tls *tls);

/* Drives the handshake, then decrypts into out (cap ≥ 1), up to cap bytes. *len_out is 0 if there
 * is nothing more in what was put (or cap was filled before: then there may be); after the peer's
 * close_notify too (whist_tls_peer_closed).
 *   WHIST_ERR_CHECK     the peer's certificate: none, expired, not valid yet, unknown, another
 *                       party's. err->peer is the party where it is known
 *   WHIST_ERR_PROTOCOL  not TLS, another version, tampered or malformed records
 *   WHIST_ERR_CLOSED    the peer refused this party by an alert, whose meaning the text tells; it
 *                       may be temporary, if the peer has not opened the session yet
 *   WHIST_ERR_UNREACHABLE  as a server: no session is open, so nobody can be known
 *   WHIST_ERR_NOMEM */
WHIST_MUST_CHECK whist_status whist_tls_read(struct tls *tls, void *out, size_t cap,
                                             size_t *len_out, struct whist_error *err);

/* The socket has ended. WHIST_OK after close_notify; else WHIST_ERR_CLOSED: the text says what the
 * connection was doing. */
WHIST_MUST_CHECK whist_status whist_tls_eof(struct tls *tls, struct whist_error *err);

/* Encrypts from the parts, one after another as if they were one; *taken_out says how many bytes of
 * them all: 0 before the handshake is done, or while WHIST_TLS_PENDING_MAX is reached; fewer than
 * given if that was reached on the way. Small parts share records. Errors as whist_tls_read. */
WHIST_MUST_CHECK whist_status whist_tls_write(struct tls *tls, const struct whist_bytes *parts,
                                              size_t n_parts, size_t *taken_out,
                                              struct whist_error *err);

/* Ciphertext for the peer; valid until the next call for this connection. */
struct whist_bytes whist_tls_pending(const struct tls *tls);
/* The first len bytes of it went out. */
void whist_tls_sent(struct tls *tls, size_t len);

/* Queues close_notify (once; nothing before the handshake is done). No whist_tls_write after it. */
void whist_tls_close(struct tls *tls);

/* ---- What is known about a connection ---- */

/* The handshake is done: whist_tls_write takes bytes. As a client, the peer may still refuse this
 * party's certificate; its first answer shows that it did not. */
bool whist_tls_established(const struct tls *tls);
/* close_notify has come. */
bool whist_tls_peer_closed(const struct tls *tls);
/* Suite in use, "TLS_AES_128_GCM_SHA256"; "" before. */
const char *whist_tls_suite(const struct tls *tls);
/* Pin of the peer's certificate; "" if none was shown yet. */
const char *whist_tls_peer_pin(const struct tls *tls);

/* Which party of a trust the peer of an established connection is; remembered for the last trust
 * that was asked for, so it may be called for each request.
 * WHIST_ERR_CHECK: none of them (or its certificate has expired meanwhile). */
WHIST_MUST_CHECK whist_status whist_tls_party(struct tls *tls, const struct tls_trust *trust,
                                              size_t *party_out, struct whist_error *err);

#endif
