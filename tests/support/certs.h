/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Keys and certificates for tests: self-signed ones, and a CA that issues them. */
#ifndef WHIST_TEST_CERTS_H
#define WHIST_TEST_CERTS_H

#include "channel/x509.h"

/* The time of tests whose clock is a parameter, seconds since 1970: 2025-06-01 00:00:00 UTC. */
#define CERTS_NOW INT64_C(1748736000)
#define CERTS_DAY 86400

/* A self-signed one, valid from a day before `from_s` for `days`. */
struct whist_identity *certs_self(const char *name, int64_t from_s, uint32_t days);

/* What certs_issue makes; zero values mean an ordinary certificate of a party. */
struct certs_form {
    const char *name;                    /* SAN dNSName; NULL: no SAN, with common_name */
    const char *common_name;             /* NULL: as name */
    const char *usage;                   /* extendedKeyUsage; NULL: "serverAuth,clientAuth" */
    bool ca;                             /* may issue others */
    int64_t begin_s, end_s;              /* 0: around CERTS_NOW and the present */
    const struct whist_identity *issuer; /* NULL: itself */
    int key;                             /* EVP_PKEY_ED25519, EVP_PKEY_RSA; 0: P-256 */
};
struct whist_identity *certs_issue(const struct certs_form *form);

/* The certificate as text, to be freed with free. */
char *certs_pem(const struct whist_identity *id);

/* malloc that fails when whist_alloc would; and the same for all of OpenSSL, to be called before it
 * is used. */
void *certs_malloc(size_t size);
void certs_hook_openssl(void);

#endif
