/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist keygen: a key and a self-signed certificate. whist party show: what the others get of it.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"
#include "keys.h"

/* ---- keygen ---- */

/* Names of the files: PREFIX.key and PREFIX.crt. */
struct key_files {
    char key[PATH_BYTES], cert[PATH_BYTES];
};

static bool is_directory(const char *path)
{
    struct stat info;
    size_t len = strlen(path);

    return (len > 0 && path[len - 1] == '/') || (stat(path, &info) == 0 && S_ISDIR(info.st_mode));
}

/* --name; else what -o ends with, if that is no folder; else the user's name. */
static whist_status choose_name(const char **out, const struct args *args, struct whist_error *err)
{
    const char *output = args->text[OPT_OUTPUT];
    const struct passwd *user;

    *out = args->text[OPT_NAME];
    if (*out == NULL && output != NULL && !is_directory(output)) {
        const char *slash = strrchr(output, '/');
        *out = slash != NULL ? slash + 1 : output;
    }
    if (*out == NULL) {
        user = getpwuid(geteuid());
        *out = user != NULL ? user->pw_name : "";
    }
    if (!whist_name_valid(*out)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "%s'%.80s' is no name of a party: give --name, 1 to %d of a-z, 0-9, '-', "
                        "'_' and '.', not beginning with '-' or '.'",
                        args_has(args, OPT_NAME) ? "--name: " : "", *out, WHIST_NAME_MAX);
    }
    return WHIST_OK;
}

static whist_status choose_files(struct key_files *out, const char *name, const char *output,
                                 struct whist_error *err)
{
    bool folder = output != NULL && is_directory(output);
    const char *base = output == NULL ? name : output;
    const char *gap = folder && base[strlen(base) - 1] != '/' ? "/" : "";
    const char *tail = folder ? name : "";

    if (strlen(base) + strlen(tail) + sizeof("/.key") > PATH_BYTES) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--output is too long");
    }
    snprintf(out->key, PATH_BYTES, "%s%s%s.key", base, gap, tail);
    snprintf(out->cert, PATH_BYTES, "%s%s%s.crt", base, gap, tail);
    return WHIST_OK;
}

/* Told with what to do; saving refuses to overwrite anyway. */
static whist_status check_free(const char *path, struct whist_error *err)
{
    struct stat info;

    if (lstat(path, &info) != 0) {
        return WHIST_OK;
    }
    return cli_fail(err, WHIST_ERR_IO,
                    "%.200s exists, and keys are not overwritten: take another --name or --output, "
                    "or remove it if nobody uses it",
                    path);
}

static whist_status print_key(const struct whist_identity *id, const struct key_files *files,
                              bool as_json, struct whist_error *err)
{
    char pin[WHIST_PIN_TEXT], until[32];
    int64_t end = 0;
    struct json j = {0};

    whist_identity_pin(id, pin);
    whist_identity_validity(id, NULL, &end);
    date_text(until, end);
    if (!as_json) {
        printf("private key  %s   (stays with you: nobody else needs it)\n"
               "certificate  %s   (public, valid until %s)\n"
               "pin          %s\n\n"
               "next: whist party show --key %s --url https://HOST:PORT > %s.card\n"
               "and give the card to the others.\n",
               files->key, files->cert, until, pin, files->key, whist_identity_name(id));
        return WHIST_OK;
    }
    json_object_begin(&j, NULL);
    json_text(&j, "name", whist_identity_name(id));
    json_text(&j, "key", files->key);
    json_text(&j, "certificate", files->cert);
    json_text(&j, "pin", pin);
    json_text(&j, "valid_until", until);
    json_object_end(&j);
    return json_finish(&j, WHIST_OK, err);
}

whist_status cmd_keygen(const struct args *args, struct whist_error *err)
{
    struct whist_identity_options options = {.days = (uint32_t)args_number(args, OPT_DAYS, 0)};
    struct whist_identity *id = NULL;
    struct key_files *files = calloc(1, sizeof(*files));
    whist_status st;

    if (files == NULL) {
        return cli_nomem(err);
    }
    TRY_OUT(choose_name(&options.name, args, err));
    TRY_OUT(choose_files(files, options.name, args->text[OPT_OUTPUT], err));
    TRY_OUT(check_free(files->key, err));
    TRY_OUT(check_free(files->cert, err));
    TRY_OUT(whist_identity_generate(&id, &options, err));
    TRY_OUT(whist_identity_save(id, files->key, files->cert, err));
    st = print_key(id, files, args_has(args, OPT_JSON), err);
out:
    whist_identity_free(id);
    free(files);
    return st;
}

/* ---- party show ---- */

/* How a server proves itself that is not the party: a proxy that ends TLS. */
static whist_status read_server(struct whist_proof *out, struct whist_buffer *ca,
                                const struct args *args, struct whist_error *err)
{
    if (args_has(args, OPT_SERVER_NAME) != args_has(args, OPT_SERVER_CA)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--server-ca and --server-name go together");
    }
    if (args_has(args, OPT_SERVER_PIN) && args_has(args, OPT_SERVER_CA)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "give --server-pin or --server-ca, not both");
    }
    out->pin = args->text[OPT_SERVER_PIN];
    if (args_has(args, OPT_SERVER_CA)) {
        TRY(read_file(ca, args->text[OPT_SERVER_CA], WHIST_SESSION_FILE_MAX, err));
        TRY(whist_buffer_append(ca, "", 1) == WHIST_OK ? WHIST_OK : cli_nomem(err));
        out->ca = (const char *)ca->data;
        out->tls_name = args->text[OPT_SERVER_NAME];
    }
    return WHIST_OK;
}

/* The proof of the party: the pin of its key, or a CA and the name in its certificate. */
static whist_status read_proof(struct whist_proof *out, struct whist_buffer *ca, const char *pin,
                               const struct whist_identity *id, const struct args *args,
                               struct whist_error *err)
{
    if (!args_has(args, OPT_CA)) {
        if (args_has(args, OPT_TLS_NAME)) {
            return cli_fail(err, WHIST_ERR_ARGUMENT, "--tls-name goes with --ca");
        }
        out->pin = pin;
        return WHIST_OK;
    }
    TRY(read_file(ca, args->text[OPT_CA], WHIST_SESSION_FILE_MAX, err));
    TRY(whist_buffer_append(ca, "", 1) == WHIST_OK ? WHIST_OK : cli_nomem(err));
    out->ca = (const char *)ca->data;
    out->tls_name =
        args_has(args, OPT_TLS_NAME) ? args->text[OPT_TLS_NAME] : whist_identity_name(id);
    return WHIST_OK;
}

whist_status cmd_party_show(const struct args *args, struct whist_error *err)
{
    struct whist_card card = {.url = args->text[OPT_URL]};
    struct whist_identity *id = NULL;
    struct whist_buffer ca = {0}, server_ca = {0}, text = {0};
    char pin[WHIST_PIN_TEXT];
    whist_status st;

    TRY(key_load(&id, args, args->text[OPT_NAME], err));
    whist_identity_pin(id, pin);
    card.trust.name = args_has(args, OPT_NAME) ? args->text[OPT_NAME] : whist_identity_name(id);
    TRY_OUT(read_proof(&card.trust.proof, &ca, pin, id, args, err));
    TRY_OUT(read_server(&card.trust.server, &server_ca, args, err));
    TRY_OUT(whist_card_write(&text, &card, err));
    st = write_file(args->text[OPT_OUTPUT], whist_buffer_view(&text), err);
out:
    whist_buffer_clear(&text);
    whist_buffer_clear(&server_ca);
    whist_buffer_clear(&ca);
    whist_identity_free(id);
    return st;
}
