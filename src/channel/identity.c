/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Keys and certificates: made, described and freed. Files: identity_file.c. */
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "channel/identity_impl.h"

#define DAY_S          86400
#define DAYS_DEFAULT   3650u
#define DAYS_MAX       36500u
#define BACKDATE_S     3600 /* peers' clocks may be behind by so much */
#define SERIAL_LEN     16   /* RFC 5280 allows 20 */
#define YEAR_9999_S    INT64_C(253402300799)
#define RSA_BITS_LEAST 2048

bool whist_name_valid(const char *name)
{
    if (name == NULL || name[0] == '-' || name[0] == '.') {
        return false;
    }
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.");
    return len >= 1 && len <= WHIST_NAME_MAX && name[len] == '\0';
}

void whist_identity_free(struct whist_identity *identity)
{
    if (identity == NULL) {
        return;
    }
    EVP_PKEY_free(identity->key); /* OpenSSL wipes private numbers */
    X509_free(identity->certificate);
    sk_X509_pop_free(identity->chain, X509_free);
    whist_free(identity);
}

/* ---- Description ---- */

/* The first dNSName of the certificate, if it is printable and fits. */
static void read_name(struct whist_identity *id)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(id->certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) {
            continue;
        }
        const unsigned char *text = ASN1_STRING_get0_data(name->d.dNSName);
        int len = ASN1_STRING_length(name->d.dNSName);
        bool good = len > 0 && (size_t)len < sizeof id->name;
        for (int k = 0; good && k < len; k++) {
            good = text[k] > 0x20 && text[k] < 0x7f;
        }
        if (good) {
            memcpy(id->name, text, (size_t)len);
            id->name[len] = '\0';
        }
        break;
    }
    GENERAL_NAMES_free(names);
}

whist_status whist_identity_complete(struct whist_identity *id, struct whist_error *err)
{
    if (!whist_x509_pin(id->pin, id->certificate)) {
        return whist_openssl_fail(err, WHIST_ERR_NOMEM, "certificate");
    }
    read_name(id);
    ERR_clear_error();
    return WHIST_OK;
}

const char *whist_identity_name(const struct whist_identity *identity)
{
    return identity->name;
}

void whist_identity_pin(const struct whist_identity *identity, char pin_out[WHIST_PIN_TEXT])
{
    whist_pin_text(pin_out, identity->pin);
}

void whist_identity_validity(const struct whist_identity *identity, int64_t *not_before_s_out,
                             int64_t *not_after_s_out)
{
    if (not_before_s_out != NULL) {
        *not_before_s_out = whist_x509_not_before(identity->certificate);
    }
    if (not_after_s_out != NULL) {
        *not_after_s_out = whist_x509_not_after(identity->certificate);
    }
}

whist_status whist_identity_certificate(const struct whist_identity *identity,
                                        struct whist_buffer *pem_out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    whist_status st = WHIST_ERR_NOMEM;
    if (bio != NULL && PEM_write_bio_X509(bio, identity->certificate) == 1) {
        long len = BIO_get_mem_data(bio, &text);
        st = whist_buffer_append(pem_out, text, (size_t)len);
    }
    BIO_free(bio);
    ERR_clear_error();
    return st;
}

/* ---- Making one ---- */

static bool add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;
    X509_EXTENSION_free(ext);
    return ok;
}

static bool set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_LEN];
    if (RAND_bytes(bytes, sizeof bytes) != 1) {
        return false;
    }
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive and of full length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return ok;
}

static bool set_subject(X509 *cert, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
                                      -1, 0) == 1 &&
           X509_set_issuer_name(cert, subject) == 1;
}

/* RFC 5280, for TLS servers and clients; no CA. */
static bool fill_certificate(struct whist_identity *id, const char *name, int64_t begin_s,
                             int64_t end_s)
{
    X509 *cert = id->certificate;
    char san[sizeof "DNS:" + WHIST_NAME_MAX];
    snprintf(san, sizeof san, "DNS:%s", name);
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           set_subject(cert, name) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)begin_s) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)end_s) != NULL &&
           X509_set_pubkey(cert, id->key) == 1 &&
           add_extension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(cert, NID_subject_key_identifier, "hash") &&
           add_extension(cert, NID_subject_alt_name, san) &&
           X509_sign(cert, id->key, EVP_sha256()) > 0;
}

whist_status whist_identity_generate(struct whist_identity **identity_out,
                                     const struct whist_identity_options *options,
                                     struct whist_error *err)
{
    uint32_t days = options->days != 0 ? options->days : DAYS_DEFAULT;
    int64_t begin_s =
        options->not_before_s != 0 ? options->not_before_s : whist_wall_clock_s() - BACKDATE_S;
    if (!whist_name_valid(options->name)) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "a party's name has 1 to %d of a-z, 0-9, '-', '_' and '.', and does not "
                          "begin with '-' or '.'",
                          WHIST_NAME_MAX);
    }
    if (days > DAYS_MAX || begin_s < 0 || begin_s > YEAR_9999_S - (int64_t)days * DAY_S) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "a certificate is valid for at most %u days, from 1970 to 9999",
                          DAYS_MAX);
    }
    struct whist_identity *id = whist_zalloc(1, sizeof *id);
    if (id == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "identity: out of memory");
    }
    whist_status st;
    id->key = EVP_EC_gen("P-256");
    id->certificate = X509_new();
    if (id->key == NULL || id->certificate == NULL ||
        !fill_certificate(id, options->name, begin_s, begin_s + (int64_t)days * DAY_S)) {
        st = whist_openssl_fail(err, WHIST_ERR_IO, "cannot make a key and certificate");
        goto out;
    }
    TRY_OUT(whist_identity_complete(id, err));
    *identity_out = id;
    id = NULL;
out:
    whist_identity_free(id);
    return st;
}

/* ---- Kinds of keys ---- */

whist_status whist_identity_check_key(EVP_PKEY *key, const char *what, struct whist_error *err)
{
    char group[32] = "";
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
        return WHIST_OK;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
            (strcmp(group, "prime256v1") == 0 || strcmp(group, "secp384r1") == 0 ||
             strcmp(group, "secp521r1") == 0)) {
            return WHIST_OK;
        }
        break;
    case EVP_PKEY_RSA:
        if (EVP_PKEY_get_bits(key) >= RSA_BITS_LEAST) {
            return WHIST_OK;
        }
        break;
    default:
        break;
    }
    ERR_clear_error();
    return whist_fail(
        err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
        "%s: of this kind of key TLS 1.3 makes no use here: take P-256, P-384, P-521, "
        "Ed25519 or RSA of %d bits and more",
        what, RSA_BITS_LEAST);
}
