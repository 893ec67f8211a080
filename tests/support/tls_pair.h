/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Two ends of a TLS connection in one thread, over memory. */
#ifndef WHIST_TEST_TLS_PAIR_H
#define WHIST_TEST_TLS_PAIR_H

#include "certs.h"
#include "channel/tls_impl.h"

/* One end: a party of a session of two or three. */
struct tls_end {
    struct tls_context *context;
    struct tls_trust *trust;
    struct tls *tls;
    struct whist_buffer got; /* plaintext */
    whist_status status;     /* of the call that failed */
    struct whist_error err;
};

struct tls_pair {
    struct tls_end client, server; /* parties 0 and 1 */
    int64_t now_s;                 /* the clock of both */
    size_t piece;                  /* most bytes that are carried at a time; 0: all */
};

/* Client with identity a, server with identity b; each trusts n parties. */
void tls_pair_open(struct tls_pair *pair, const struct whist_identity *a,
                   const struct whist_party_trust *client_trusts, const struct whist_identity *b,
                   const struct whist_party_trust *server_trusts, size_t n);
/* The same, where failures are ordinary: returns the first one. */
whist_status tls_pair_try(struct tls_pair *pair, const struct whist_identity *a,
                          const struct whist_party_trust *client_trusts,
                          const struct whist_identity *b,
                          const struct whist_party_trust *server_trusts, size_t n,
                          struct whist_error *err);
void tls_pair_close(struct tls_pair *pair);

/* Carries pending bytes both ways and reads, until nothing moves or an end has failed and its alert
 * has arrived. */
void tls_pair_run(struct tls_pair *pair);
/* Hands bytes to one end and reads what they give. */
void tls_end_feed(struct tls_end *end, struct whist_bytes bytes);

#endif
