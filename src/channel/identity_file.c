/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Keys and certificates in PEM files: file modes are checked, nothing is overwritten. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "channel/identity_impl.h"

#define PEM_FILE_MAX ((size_t)262144) /* bytes: a chain has a few KiB */

/* ---- Reading ---- */

static whist_status io_error(struct whist_error *err, const char *verb, const char *path)
{
    char why[128];
    int code = errno;
    if (strerror_r(code, why, sizeof why) != 0) {
        snprintf(why, sizeof why, "error %d", code);
    }
    return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "cannot %s %s: %s", verb, path, why);
}

/* A key that others can read is no secret. */
static whist_status check_mode(const struct stat *file, const char *path, struct whist_error *err)
{
    if (file->st_uid != geteuid() && file->st_uid != 0) {
        return whist_fail(err, WHIST_ERR_CHECK, WHIST_NO_PEER, NULL,
                          "%s belongs to another user: make it yours (chown) or take another key",
                          path);
    }
    if ((file->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return whist_fail(err, WHIST_ERR_CHECK, WHIST_NO_PEER, NULL,
                          "%s can be read or changed by others (mode %04o): chmod 600 %s; if "
                          "others have used this machine meanwhile, make a new key",
                          path, (unsigned)file->st_mode & 07777u, path);
    }
    return WHIST_OK;
}

static whist_status read_fd(int fd, struct whist_buffer *text_out, bool secret, const char *path,
                            struct whist_error *err)
{
    struct stat file;
    if (fstat(fd, &file) != 0) {
        return io_error(err, "read", path);
    }
    if (!S_ISREG(file.st_mode)) {
        return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "%s is no regular file", path);
    }
    if (secret) {
        TRY(check_mode(&file, path, err));
    }
    if (file.st_size < 0 || (uintmax_t)file.st_size > PEM_FILE_MAX) {
        return whist_fail(err, WHIST_ERR_LIMIT, WHIST_NO_PEER, NULL, "%s is too long for PEM",
                          path);
    }
    if (whist_buffer_resize(text_out, (size_t)file.st_size) != WHIST_OK) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "%s: out of memory", path);
    }
    size_t at = 0;
    while (at < text_out->len) {
        ssize_t got = read(fd, text_out->data + at, text_out->len - at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL,
                                         "%s changed while it was read", path)
                            : io_error(err, "read", path);
        }
        at += (size_t)got;
    }
    return WHIST_OK;
}

static whist_status read_file(struct whist_buffer *text_out, bool secret, const char *path,
                              struct whist_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return io_error(err, "read", path);
    }
    whist_status st = read_fd(fd, text_out, secret, path, err);
    close(fd);
    return st;
}

/* Answers every question for a passphrase with "there is none", and remembers that it was asked. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the type is OpenSSL's */
static int refuse_passphrase(char *buf, int size, int rwflag, void *asked)
{
    (void)buf, (void)size, (void)rwflag;
    *(bool *)asked = true;
    return -1;
}

static whist_status parse_key(EVP_PKEY **key_out, const struct whist_buffer *text, const char *path,
                              struct whist_error *err)
{
    bool encrypted = false;
    BIO *bio = BIO_new_mem_buf(text->len != 0 ? (const void *)text->data : "", (int)text->len);
    EVP_PKEY *key =
        bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, &encrypted) : NULL;
    bool no_bio = bio == NULL;
    BIO_free(bio);
    if (key == NULL) {
        if (encrypted) {
            ERR_clear_error();
            return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                              "the key in %s is encrypted: `openssl pkey` writes it without a "
                              "passphrase",
                              path);
        }
        return whist_openssl_fail(err, no_bio ? WHIST_ERR_NOMEM : WHIST_ERR_FORMAT,
                                  "%s: no private key in it (PEM)", path);
    }
    whist_status st = whist_identity_check_key(key, path, err);
    if (st != WHIST_OK) {
        EVP_PKEY_free(key);
        return st;
    }
    *key_out = key;
    return WHIST_OK;
}

static whist_status parse_certificates(struct whist_identity *id, const struct whist_buffer *text,
                                       const char *path, struct whist_error *err)
{
    TRY(whist_pem_certificates(&id->chain, whist_buffer_view(text), path, err));
    id->certificate = sk_X509_shift(id->chain);
    if (X509_check_private_key(id->certificate, id->key) != 1) {
        return whist_openssl_fail(err, WHIST_ERR_FORMAT,
                                  "the first certificate in %s does not belong to the key", path);
    }
    return WHIST_OK;
}

whist_status whist_identity_load(struct whist_identity **identity_out, const char *key_file,
                                 const char *cert_file, struct whist_error *err)
{
    struct whist_buffer key_text = {0}, cert_text = {0};
    struct whist_identity *id = whist_zalloc(1, sizeof *id);
    whist_status st;
    if (id == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "identity: out of memory");
    }
    TRY_OUT(read_file(&key_text, true, key_file, err));
    TRY_OUT(parse_key(&id->key, &key_text, key_file, err));
    if (cert_file != NULL) {
        TRY_OUT(read_file(&cert_text, false, cert_file, err));
        TRY_OUT(parse_certificates(id, &cert_text, cert_file, err));
    } else {
        TRY_OUT(parse_certificates(id, &key_text, key_file, err));
    }
    TRY_OUT(whist_identity_complete(id, err));
    *identity_out = id;
    id = NULL;
out:
    whist_buffer_clear(&key_text);
    whist_buffer_clear(&cert_text);
    whist_identity_free(id);
    return st;
}

/* ---- Writing ---- */

static whist_status write_file(const char *path, mode_t mode, BIO *text, struct whist_error *err)
{
    char *data;
    size_t at = 0, len = (size_t)BIO_get_mem_data(text, &data);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        return io_error(err, "make", path);
    }
    whist_status st = WHIST_OK;
    while (st == WHIST_OK && at < len) {
        ssize_t put = write(fd, data + at, len - at);
        if (put >= 0) {
            at += (size_t)put;
        } else if (errno != EINTR) {
            st = io_error(err, "write", path);
        }
    }
    if (st == WHIST_OK && fsync(fd) != 0 && errno != EINVAL) {
        st = io_error(err, "write", path);
    }
    if (close(fd) != 0 && st == WHIST_OK) {
        st = io_error(err, "write", path);
    }
    if (st != WHIST_OK) {
        unlink(path);
    }
    return st;
}

static bool write_certificates(BIO *to, const struct whist_identity *id)
{
    bool ok = PEM_write_bio_X509(to, id->certificate) == 1;
    for (int i = 0; ok && i < sk_X509_num(id->chain); i++) {
        ok = PEM_write_bio_X509(to, sk_X509_value(id->chain, i)) == 1;
    }
    return ok;
}

whist_status whist_identity_save(const struct whist_identity *identity, const char *key_file,
                                 const char *cert_file, struct whist_error *err)
{
    /* OpenSSL wipes what its memory BIOs have held. */
    BIO *key = BIO_new(BIO_s_mem()), *cert = BIO_new(BIO_s_mem());
    whist_status st;
    if (key == NULL || cert == NULL ||
        PEM_write_bio_PKCS8PrivateKey(key, identity->key, NULL, NULL, 0, NULL, NULL) != 1 ||
        !write_certificates(cert_file != NULL ? cert : key, identity)) {
        st = whist_openssl_fail(err, WHIST_ERR_NOMEM, "cannot write %s", key_file);
        goto out;
    }
    TRY_OUT(write_file(key_file, S_IRUSR | S_IWUSR, key, err));
    if (cert_file != NULL) {
        st = write_file(cert_file, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, cert, err);
        if (st != WHIST_OK) {
            unlink(key_file);
        }
    }
out:
    BIO_free(key);
    BIO_free(cert);
    ERR_clear_error();
    return st;
}
