/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY_ENDING  ".key"
#define CERT_ENDING ".crt"

/* What an HTTP token may be (RFC 6750 allows fewer characters, but nobody else reads ours). */
#define TOKEN_MIN 16
#define TOKEN_MAX 256

/* The certificate that belongs to a key: beside it, or in the same file (NULL). */
static const char *default_cert(char *text, const char *key)
{
    size_t len = strlen(key), ending = strlen(KEY_ENDING);
    struct stat info;

    if (len <= ending || len >= PATH_BYTES || strcmp(key + len - ending, KEY_ENDING) != 0) {
        return NULL;
    }
    memcpy(text, key, len - ending);
    memcpy(text + len - ending, CERT_ENDING, sizeof(CERT_ENDING));
    return stat(text, &info) == 0 ? text : NULL;
}

whist_status key_load(struct whist_identity **out, const struct args *args, const char *name,
                      struct whist_error *err)
{
    char own_key[WHIST_NAME_MAX + sizeof(KEY_ENDING)], own_cert[PATH_BYTES];
    const char *key = args->text[OPT_KEY], *cert = args->text[OPT_CERT];
    struct stat info;

    if (key == NULL && (name == NULL || !whist_name_valid(name))) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--key is missing: the file of the own key");
    }
    if (key == NULL) {
        snprintf(own_key, sizeof(own_key), "%s" KEY_ENDING, name);
        key = own_key;
        if (stat(key, &info) != 0) {
            return cli_fail(err, WHIST_ERR_IO,
                            "there is no %s here: name the file of your key with --key, or make "
                            "one with 'whist keygen --name %s'",
                            key, name);
        }
    }
    whist_status st =
        whist_identity_load(out, key, cert != NULL ? cert : default_cert(own_cert, key), err);
    /* Here it is a file that is not as it should be, not a peer that cheats. */
    return st == WHIST_ERR_CHECK ? (err->status = WHIST_ERR_IO) : st;
}

whist_status card_load(struct whist_card **out, const char *path, struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = read_file(&text, path, WHIST_SESSION_FILE_MAX, err);

    if (st == WHIST_OK) {
        st = whist_card_parse(out, whist_buffer_view(&text), path, err);
    }
    whist_buffer_clear(&text);
    return st;
}

whist_status session_load(struct whist_session_file **out, const char *path,
                          struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = read_file(&text, path, WHIST_SESSION_FILE_MAX, err);

    if (st == WHIST_OK) {
        st = whist_session_file_parse(out, whist_buffer_view(&text), path, err);
    }
    whist_buffer_clear(&text);
    return st;
}

/* Others must not be able to read it. */
static whist_status check_secret_file(const char *path, struct whist_error *err)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        return cli_fail_errno(err, "cannot open %.200s", path);
    }
    if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0) {
        return cli_fail(err, WHIST_ERR_IO,
                        "others can read %.200s (mode %03o): chmod 600 %.100s and take a new token "
                        "if they may have",
                        path, (unsigned)(info.st_mode & 0777), path);
    }
    if (S_ISREG(info.st_mode) && info.st_uid != geteuid() && info.st_uid != 0) {
        return cli_fail(err, WHIST_ERR_IO, "%.200s belongs to another user", path);
    }
    return WHIST_OK;
}

whist_status token_load(struct whist_buffer *out, const char *path, struct whist_error *err)
{
    TRY(check_secret_file(path, err));
    TRY(read_file(out, path, 4096, err));
    size_t len = 0;
    while (len < out->len && out->data[len] > 0x20 && out->data[len] < 0x7f) {
        len++;
    }
    size_t end = len;
    while (end < out->len && (out->data[end] == '\n' || out->data[end] == '\r')) {
        end++;
    }
    if (end != out->len || len < TOKEN_MIN || len > TOKEN_MAX) {
        return cli_fail(err, WHIST_ERR_FORMAT,
                        "%.200s holds no token: one line of %d to %d printable characters without "
                        "blanks ('openssl rand -hex 32' makes one)",
                        path, TOKEN_MIN, TOKEN_MAX);
    }
    out->len = len;
    return whist_buffer_append(out, "", 1) == WHIST_OK ? WHIST_OK : cli_nomem(err);
}

const char *date_text(char *text, int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm utc;

    if (gmtime_r(&when, &utc) == NULL || strftime(text, 32, "%Y-%m-%d", &utc) == 0) {
        snprintf(text, 32, "?");
    }
    return text;
}
