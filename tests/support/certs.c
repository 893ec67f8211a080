/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "certs.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "channel/identity_impl.h"
#include "harness.h"

struct whist_identity *certs_self(const char *name, int64_t from_s, uint32_t days)
{
    struct whist_identity *id;
    struct whist_error err;
    struct whist_identity_options options = {
        .name = name, .days = days, .not_before_s = from_s - CERTS_DAY};
    CHECK_OK(whist_identity_generate(&id, &options, &err), err);
    return id;
}

static void extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(ext != NULL && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

static EVP_PKEY *make_key(int kind)
{
    EVP_PKEY *key = kind == EVP_PKEY_ED25519 ? EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")
                    : kind == EVP_PKEY_RSA   ? EVP_RSA_gen(2048)
                                             : EVP_EC_gen("P-256");
    CHECK(key != NULL);
    return key;
}

struct whist_identity *certs_issue(const struct certs_form *form)
{
    static long serial = 1;
    struct whist_error err;
    char san[300];
    struct whist_identity *id = whist_zalloc(1, sizeof *id);
    CHECK(id != NULL);
    id->key = make_key(form->key);
    X509 *cert = id->certificate = X509_new();
    const struct whist_identity *issuer = form->issuer != NULL ? form->issuer : id;
    const char *cn = form->common_name != NULL ? form->common_name : form->name;
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)cn, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer->certificate));
    ASN1_TIME_set(X509_getm_notBefore(cert),
                  (time_t)(form->begin_s != 0 ? form->begin_s : CERTS_NOW - CERTS_DAY));
    ASN1_TIME_set(X509_getm_notAfter(cert),
                  (time_t)(form->end_s != 0 ? form->end_s : INT64_C(4102444800)));
    X509_set_pubkey(cert, id->key);
    extend(cert, issuer->certificate, NID_basic_constraints,
           form->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    extend(cert, issuer->certificate, NID_key_usage,
           form->ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
    if (!form->ca) {
        extend(cert, issuer->certificate, NID_ext_key_usage,
               form->usage != NULL ? form->usage : "serverAuth,clientAuth");
    }
    if (!form->ca && form->name != NULL) {
        snprintf(san, sizeof san, "DNS:%s", form->name);
        extend(cert, issuer->certificate, NID_subject_alt_name, san);
    }
    CHECK(X509_sign(cert, issuer->key,
                    EVP_PKEY_get_base_id(issuer->key) == EVP_PKEY_ED25519 ? NULL : EVP_sha256()) >
          0);
    CHECK_OK(whist_identity_complete(id, &err), err);
    return id;
}

char *certs_pem(const struct whist_identity *id)
{
    struct whist_buffer pem = {0};
    CHECK(whist_identity_certificate(id, &pem) == WHIST_OK);
    CHECK(whist_buffer_append(&pem, "", 1) == WHIST_OK);
    char *text = strdup((const char *)pem.data);
    CHECK(text != NULL);
    whist_buffer_clear(&pem);
    return text;
}

void *certs_malloc(size_t size)
{
    return whist_may_allocate() ? malloc(size) : NULL;
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return certs_malloc(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return whist_may_allocate() ? realloc(p, size) : NULL;
}

static void openssl_free(void *p, const char *file, int line)
{
    (void)file, (void)line;
    free(p);
}

void certs_hook_openssl(void)
{
    CHECK(CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1);
}
