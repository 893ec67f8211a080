/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Keys and certificates, and their files. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs.h"
#include "harness.h"

/* ---- A folder of the case ---- */

#define TEMPLATE "/tmp/whist-identity-XXXXXX"

static char folder[sizeof TEMPLATE];
static char paths[4][80];

/* path(K): a file in the folder, by number. */
static const char *path(int k)
{
    return paths[k];
}

static void remove_folder(void)
{
    for (int k = 0; k < 4; k++) {
        unlink(paths[k]);
    }
    rmdir(folder);
}

static void make_folder(void)
{
    if (folder[0] != '\0') { /* of the case before, if all run in one process */
        remove_folder();
    } else {
        CHECK(atexit(remove_folder) == 0);
    }
    snprintf(folder, sizeof folder, "%s", TEMPLATE);
    CHECK(mkdtemp(folder) != NULL);
    for (int k = 0; k < 4; k++) {
        snprintf(paths[k], sizeof paths[k], "%s/%d", folder, k);
    }
}

static void write_text(const char *file, const char *text, mode_t mode)
{
    FILE *f = fopen(file, "w");
    CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
    CHECK(chmod(file, mode) == 0);
}

static char *read_text(const char *file)
{
    static char text[20000];
    FILE *f = fopen(file, "r");
    CHECK(f != NULL);
    size_t len = fread(text, 1, sizeof text - 1, f);
    text[len] = '\0';
    fclose(f);
    return text;
}

static mode_t mode_of(const char *file)
{
    struct stat info;
    CHECK(stat(file, &info) == 0);
    return info.st_mode & 07777;
}

/* ---- Making ---- */

static void generate(void)
{
    struct whist_identity *id = certs_self("alice-1.b_c", CERTS_NOW, 30);
    char pin[WHIST_PIN_TEXT];
    int64_t from, to;
    whist_identity_pin(id, pin);
    whist_identity_validity(id, &from, &to);
    CHECK(strcmp(whist_identity_name(id), "alice-1.b_c") == 0);
    CHECK(strlen(pin) == WHIST_PIN_TEXT - 1 && strncmp(pin, "sha256:", 7) == 0);
    CHECK(from == CERTS_NOW - CERTS_DAY && to == from + 30 * CERTS_DAY);
    whist_identity_validity(id, NULL, NULL);
    CHECK(X509_get_version(id->certificate) == X509_VERSION_3);
    CHECK(X509_verify(id->certificate, id->key) == 1);
    CHECK(X509_check_ca(id->certificate) == 0);
    CHECK(X509_check_purpose(id->certificate, X509_PURPOSE_SSL_SERVER, 0) == 1);
    CHECK(X509_check_purpose(id->certificate, X509_PURPOSE_SSL_CLIENT, 0) == 1);
    CHECK(X509_check_host(id->certificate, "alice-1.b_c", 0, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                          NULL) == 1);
    struct whist_identity *other = certs_self("alice-1.b_c", CERTS_NOW, 30);
    CHECK(memcmp(id->pin, other->pin, sizeof id->pin) != 0);
    CHECK(ASN1_INTEGER_cmp(X509_get0_serialNumber(id->certificate),
                           X509_get0_serialNumber(other->certificate)) != 0);
    whist_identity_free(id);
    whist_identity_free(other);
    whist_identity_free(NULL);
}

static void generate_defaults(void)
{
    struct whist_identity *id;
    struct whist_error err;
    struct whist_identity_options options = {.name = "a"};
    int64_t from, to, now = whist_wall_clock_s();
    CHECK_OK(whist_identity_generate(&id, &options, &err), err);
    whist_identity_validity(id, &from, &to);
    CHECK(from < now && from > now - 2 * CERTS_DAY && to == from + (int64_t)3650 * CERTS_DAY);
    whist_identity_free(id);
    /* A longest name, a date that needs the long form of ASN.1 (from 2050 on). */
    char name[WHIST_NAME_MAX + 1];
    memset(name, 'n', WHIST_NAME_MAX);
    name[WHIST_NAME_MAX] = '\0';
    options = (struct whist_identity_options){.name = name, .days = 36500};
    CHECK_OK(whist_identity_generate(&id, &options, &err), err);
    whist_identity_validity(id, &from, &to);
    CHECK(to == from + (int64_t)36500 * CERTS_DAY);
    CHECK(strcmp(whist_identity_name(id), name) == 0);
    whist_identity_free(id);
}

static void generate_refuses(void)
{
    static const struct whist_identity_options bad[] = {
        {.name = NULL},
        {.name = "Alice"},
        {.name = "a", .days = 36501},
        {.name = "a", .not_before_s = -1},
        {.name = "a", .not_before_s = INT64_MAX},
        {.name = "a", .days = 36500, .not_before_s = INT64_C(253000000000)},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct whist_identity *id = NULL;
        struct whist_error err;
        CHECK(whist_identity_generate(&id, &bad[i], &err) == WHIST_ERR_ARGUMENT && id == NULL);
        CHECK(err.text[0] != '\0');
    }
}

/* The pin is what the documented command prints. */
static void pin_by_openssl(void)
{
    char command[300], line[200] = "", pin[WHIST_PIN_TEXT];
    struct whist_identity *id = certs_self("alice", CERTS_NOW, 30);
    struct whist_error err;
    make_folder();
    if (system("command -v openssl sha256sum >/dev/null 2>&1") != 0) {
        SKIP("openssl or sha256sum is not there");
    }
    CHECK_OK(whist_identity_save(id, path(0), path(1), &err), err);
    snprintf(command, sizeof command,
             "openssl x509 -in %s -noout -pubkey | openssl pkey -pubin -outform der | sha256sum",
             path(1));
    FILE *out = popen(command, "r");
    CHECK(out != NULL && fgets(line, sizeof line, out) != NULL);
    pclose(out);
    whist_identity_pin(id, pin);
    CHECK_MSG(strncmp(line, pin + 7, 64) == 0, "%s is not %s", pin, line);
    whist_identity_free(id);
}

/* ---- Files ---- */

static void check_same(const struct whist_identity *a, const struct whist_identity *b)
{
    CHECK(EVP_PKEY_eq(a->key, b->key) == 1);
    CHECK(X509_cmp(a->certificate, b->certificate) == 0);
    CHECK(strcmp(a->name, b->name) == 0 && memcmp(a->pin, b->pin, sizeof a->pin) == 0);
}

static void save_and_load(void)
{
    struct whist_identity *id = certs_self("alice", CERTS_NOW, 30), *again;
    struct whist_error err;
    make_folder();
    CHECK_OK(whist_identity_save(id, path(0), path(1), &err), err);
    CHECK(mode_of(path(0)) == 0600 && (mode_of(path(1)) & 0022) == 0);
    CHECK(strstr(read_text(path(0)), "BEGIN PRIVATE KEY") != NULL);
    CHECK(strstr(read_text(path(0)), "CERTIFICATE") == NULL);
    CHECK(strstr(read_text(path(1)), "PRIVATE") == NULL);
    CHECK_OK(whist_identity_load(&again, path(0), path(1), &err), err);
    check_same(id, again);
    whist_identity_free(again);
    /* Both in one file. */
    CHECK_OK(whist_identity_save(id, path(2), NULL, &err), err);
    CHECK(mode_of(path(2)) == 0600);
    CHECK_OK(whist_identity_load(&again, path(2), NULL, &err), err);
    check_same(id, again);
    whist_identity_free(again);
    whist_identity_free(id);
    CHECK(ERR_peek_error() == 0);
}

static void save_overwrites_nothing(void)
{
    struct whist_identity *id = certs_self("alice", CERTS_NOW, 30);
    struct whist_error err;
    make_folder();
    write_text(path(0), "mine", 0600);
    CHECK(whist_identity_save(id, path(0), path(1), &err) == WHIST_ERR_IO);
    CHECK_MSG(strstr(err.text, path(0)) != NULL, "%s", err.text);
    CHECK(strcmp(read_text(path(0)), "mine") == 0);
    CHECK(access(path(1), F_OK) != 0);
    /* The certificate's file exists: the key is not left behind. */
    CHECK(whist_identity_save(id, path(2), path(0), &err) == WHIST_ERR_IO);
    CHECK(strcmp(read_text(path(0)), "mine") == 0);
    CHECK(access(path(2), F_OK) != 0);
    /* A link is not followed. */
    CHECK(symlink(path(3), path(1)) == 0);
    CHECK(whist_identity_save(id, path(1), NULL, &err) == WHIST_ERR_IO);
    CHECK(access(path(3), F_OK) != 0);
    whist_identity_free(id);
}

static void modes(void)
{
    static const mode_t bad[] = {0640, 0604, 0620, 0602, 0610, 0644, 0666, 0777};
    struct whist_identity *id = certs_self("alice", CERTS_NOW, 30), *again = NULL;
    struct whist_error err;
    char help[100];
    make_folder();
    CHECK_OK(whist_identity_save(id, path(0), path(1), &err), err);
    snprintf(help, sizeof help, "chmod 600 %s", path(0));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(chmod(path(0), bad[i]) == 0);
        CHECK(whist_identity_load(&again, path(0), path(1), &err) == WHIST_ERR_CHECK);
        CHECK_MSG(again == NULL && strstr(err.text, help) != NULL, "%s", err.text);
    }
    CHECK(chmod(path(0), 0400) == 0);
    CHECK_OK(whist_identity_load(&again, path(0), path(1), &err), err);
    whist_identity_free(again);
    whist_identity_free(id);
}

static void expect(const char *key, const char *cert, whist_status status, const char *says)
{
    struct whist_identity *id = NULL;
    struct whist_error err;
    whist_status st = whist_identity_load(&id, key, cert, &err);
    CHECK_MSG(st == status, "%s, not %s: %s", whist_status_name(st), whist_status_name(status),
              err.text);
    CHECK_MSG(strstr(err.text, says) != NULL, "%s", err.text);
    CHECK(id == NULL && ERR_peek_error() == 0);
    CHECK(strstr(err.text, "PRIVATE KEY-----M") == NULL);
    CHECK(whist_identity_load(&id, key, cert, NULL) == status);
}

static void save_key(const char *file, EVP_PKEY *key, const char *passphrase)
{
    FILE *f = fopen(file, "w");
    CHECK(f != NULL && key != NULL);
    CHECK(PEM_write_PKCS8PrivateKey(f, key, passphrase != NULL ? EVP_aes_128_cbc() : NULL,
                                    passphrase, passphrase != NULL ? (int)strlen(passphrase) : 0,
                                    NULL, NULL) == 1);
    CHECK(fclose(f) == 0 && chmod(file, 0600) == 0);
}

static void bad_files(void)
{
    struct whist_identity *id = certs_self("alice", CERTS_NOW, 30);
    struct whist_identity *other = certs_self("bob", CERTS_NOW, 30);
    struct whist_error err;
    make_folder();
    CHECK_OK(whist_identity_save(id, path(0), path(1), &err), err);
    expect("/nowhere/key", path(1), WHIST_ERR_IO, "cannot read /nowhere/key");
    expect(path(0), "/nowhere/crt", WHIST_ERR_IO, "cannot read /nowhere/crt");
    expect(folder, path(1), WHIST_ERR_IO, "no regular file");
    expect(path(0), NULL, WHIST_ERR_FORMAT, "no certificate");
    CHECK(chmod(path(1), 0600) == 0);
    expect(path(1), path(1), WHIST_ERR_FORMAT, "no private key");
    write_text(path(2), "", 0600);
    expect(path(2), path(1), WHIST_ERR_FORMAT, "no private key");
    expect(path(0), path(2), WHIST_ERR_FORMAT, "no certificate");
    write_text(path(2), "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0600);
    expect(path(0), path(2), WHIST_ERR_FORMAT, "malformed certificate 1");
    write_text(path(2), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600);
    expect(path(2), path(1), WHIST_ERR_FORMAT, "no private key");
    save_key(path(2), other->key, NULL);
    expect(path(2), path(1), WHIST_ERR_FORMAT, "does not belong");
    save_key(path(2), id->key, "secret");
    expect(path(2), path(1), WHIST_ERR_UNSUPPORTED, "encrypted");
    FILE *f = fopen(path(2), "w");
    CHECK(f != NULL && fseek(f, 300000, SEEK_SET) == 0 && fputc('\n', f) == '\n' && fclose(f) == 0);
    expect(path(2), path(1), WHIST_ERR_LIMIT, "too long");
    whist_identity_free(id);
    whist_identity_free(other);
}

static void kinds_of_keys(void)
{
    static const struct {
        int kind;
        bool good;
    } kinds[] = {{0, true}, {EVP_PKEY_ED25519, true}, {EVP_PKEY_RSA, true}};
    struct whist_error err;
    make_folder();
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct certs_form form = {.name = "alice", .key = kinds[i].kind};
        struct whist_identity *id = certs_issue(&form), *again;
        CHECK_OK(whist_identity_save(id, path(0), path(1), &err), err);
        CHECK_OK(whist_identity_load(&again, path(0), path(1), &err), err);
        check_same(id, again);
        whist_identity_free(id);
        whist_identity_free(again);
        CHECK(unlink(path(0)) == 0 && unlink(path(1)) == 0);
    }
    EVP_PKEY *bad[] = {EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"),
                       EVP_PKEY_Q_keygen(NULL, NULL, "X25519")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        save_key(path(2), bad[i], NULL);
        expect(path(2), NULL, WHIST_ERR_UNSUPPORTED, "kind of key");
        EVP_PKEY_free(bad[i]);
    }
}

/* A chain is kept in order. */
static void chain(void)
{
    struct whist_identity *root = certs_issue(&(struct certs_form){.name = "root", .ca = true});
    struct whist_identity *between =
        certs_issue(&(struct certs_form){.name = "between", .ca = true, .issuer = root});
    struct whist_identity *id =
        certs_issue(&(struct certs_form){.name = "alice", .issuer = between});
    struct whist_identity *again;
    struct whist_error err;
    make_folder();
    id->chain = sk_X509_new_null();
    CHECK(X509_up_ref(between->certificate) == 1 &&
          sk_X509_push(id->chain, between->certificate) == 1);
    CHECK_OK(whist_identity_save(id, path(0), path(1), &err), err);
    CHECK_OK(whist_identity_load(&again, path(0), path(1), &err), err);
    check_same(id, again);
    CHECK(sk_X509_num(again->chain) == 1);
    CHECK(X509_cmp(sk_X509_value(again->chain, 0), between->certificate) == 0);
    whist_identity_free(again);
    whist_identity_free(id);
    whist_identity_free(between);
    whist_identity_free(root);
}

/* ---- Pins and dates as text ---- */

static void pins(void)
{
    uint8_t pin[WHIST_PIN_LEN], want[WHIST_PIN_LEN];
    char text[WHIST_PIN_TEXT], bad[WHIST_PIN_TEXT + 1];
    for (size_t i = 0; i < sizeof want; i++) {
        want[i] = (uint8_t)(i * 9 + 5);
    }
    whist_pin_text(text, want);
    CHECK(whist_pin_parse(pin, text) && memcmp(pin, want, sizeof pin) == 0);
    for (size_t i = 0; i < WHIST_PIN_TEXT - 1; i++) {
        static const char wrong[] = {'g', ' ', ':', 'A', '\0', '\n'};
        for (size_t k = 0; k < sizeof wrong; k++) {
            memcpy(bad, text, sizeof text);
            if (bad[i] != wrong[k]) {
                bad[i] = wrong[k];
                CHECK(!whist_pin_parse(pin, bad));
            }
        }
    }
    snprintf(bad, sizeof bad, "%s0", text);
    CHECK(!whist_pin_parse(pin, bad) && !whist_pin_parse(pin, ""));
    CHECK(memcmp(pin, want, sizeof pin) == 0); /* untouched */
}

static void dates(void)
{
    char text[WHIST_DATE_MAX];
    whist_date_text(text, CERTS_NOW);
    CHECK(strcmp(text, "2025-06-01 00:00:00 UTC") == 0);
    whist_date_text(text, 0);
    CHECK(strcmp(text, "1970-01-01 00:00:00 UTC") == 0);
    whist_date_text(text, INT64_MIN);
    CHECK(strstr(text, "unreadable") != NULL);
    whist_date_text(text, INT64_MAX);
    CHECK(strstr(text, "unreadable") != NULL);
}

/* ---- Without memory ---- */

static whist_status whole_life(struct whist_error *err)
{
    struct whist_identity *id = NULL, *again = NULL;
    struct whist_buffer pem = {0};
    struct whist_identity_options options = {.name = "alice"};
    whist_status st;
    TRY_OUT(whist_identity_generate(&id, &options, err));
    TRY_OUT(whist_identity_save(id, path(0), path(1), err));
    TRY_OUT(whist_identity_load(&again, path(0), path(1), err));
    st = whist_identity_certificate(again, &pem);
    if (st != WHIST_OK) {
        err->status = st;
    }
out:
    whist_identity_free(id);
    whist_identity_free(again);
    whist_buffer_clear(&pem);
    return st;
}

static void without_memory(void)
{
    struct whist_error err;
    certs_hook_openssl();
    make_folder();
    CHECK_OK(whole_life(&err), err); /* what OpenSSL keeps for ever is there now */
    for (long k = 0;; k += 1 + k / 20) {
        unlink(path(0));
        unlink(path(1));
        whist_alloc_fail_after(k);
        whist_status st = whole_life(&err);
        whist_alloc_fail_after(-1);
        CHECK(ERR_peek_error() == 0);
        if (st == WHIST_OK) {
            CHECK(k > 100);
            break;
        }
        CHECK(err.status == st &&
              (st != WHIST_ERR_NOMEM || access(path(0), F_OK) != 0 || access(path(1), F_OK) == 0));
    }
}

static const struct test_case cases[] = {
    {"without_memory", without_memory}, /* first: the hook goes before any use of OpenSSL */
    {"generate", generate},
    {"generate_defaults", generate_defaults},
    {"generate_refuses", generate_refuses},
    {"pin_by_openssl", pin_by_openssl},
    {"save_and_load", save_and_load},
    {"save_overwrites_nothing", save_overwrites_nothing},
    {"modes", modes},
    {"bad_files", bad_files},
    {"kinds_of_keys", kinds_of_keys},
    {"chain", chain},
    {"pins", pins},
    {"dates", dates},
};
TEST_MAIN(cases)
