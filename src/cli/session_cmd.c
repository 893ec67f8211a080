/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist session make: cards of all parties become a session file. whist session show: what stands
 * in one, for people to compare. */
#include <inttypes.h>
#include <string.h>

#include "cli.h"
#include "json.h"
#include "keys.h"

static void hex_text(char *out, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* What both commands say of a session. */
struct summary {
    char id[2 * WHIST_SESSION_ID_LEN + 1], hash[2 * WHIST_SESSION_HASH_LEN + 1];
};

static void summarize(struct summary *out, const struct whist_session_file *s)
{
    uint8_t hash[WHIST_SESSION_HASH_LEN];

    whist_session_file_hash(s, hash);
    hex_text(out->id, s->id, sizeof(s->id));
    hex_text(out->hash, hash, sizeof(hash));
}

/* ---- For people ---- */

static void print_proof(const char *what, const struct whist_proof *proof)
{
    if (proof->pin != NULL) {
        printf("     %s  key pinned: %s\n", what, proof->pin);
    } else if (proof->ca != NULL) {
        printf("     %s  certificate for %s by the CA in the file\n", what, proof->tls_name);
    }
}

static void print_seconds(const char *what, uint32_t ms)
{
    if (ms != 0) {
        printf("%-8s %" PRIu32 ".%03" PRIu32 " s\n", what, ms / 1000, ms % 1000);
    }
}

static void print_settings(const struct whist_session_settings *s)
{
    print_seconds("timeout", s->timeout_ms);
    print_seconds("connect", s->connect_timeout_ms);
    print_seconds("beat", s->heartbeat_ms);
    print_seconds("dead", s->dead_ms);
    if (s->post_bytes != 0) {
        printf("%-8s %" PRIu32 " bytes at most\n", "posts", s->post_bytes);
    }
}

static void print_session(const struct whist_session_file *s)
{
    struct summary sum;

    summarize(&sum, s);
    printf("session  %s\nhash     %s\n", sum.id, sum.hash);
    print_settings(&s->settings);
    printf("parties  %zu\n", s->n);
    for (size_t i = 0; i < s->n; i++) {
        const struct whist_card *card = &s->parties[i];
        printf("  %zu  %s  %s\n", i, card->trust.name, card->url);
        print_proof("party ", &card->trust.proof);
        print_proof("server", &card->trust.server);
    }
}

/* ---- For programs ---- */

static void json_proof(struct json *j, const char *key, const struct whist_proof *proof)
{
    if (proof->pin == NULL && proof->ca == NULL) {
        return;
    }
    json_object_begin(j, key);
    if (proof->pin != NULL) {
        json_text(j, "pin", proof->pin);
    } else {
        json_text(j, "ca", proof->ca);
        json_text(j, "tls_name", proof->tls_name);
    }
    json_object_end(j);
}

static void json_setting(struct json *j, const char *key, uint32_t value)
{
    if (value != 0) {
        json_number(j, key, value);
    }
}

static whist_status print_json(const struct whist_session_file *s, struct whist_error *err)
{
    struct json j = {0};
    struct summary sum;

    summarize(&sum, s);
    json_object_begin(&j, NULL);
    json_text(&j, "session", sum.id);
    json_text(&j, "hash", sum.hash);
    json_array_begin(&j, "parties");
    for (size_t i = 0; i < s->n; i++) {
        json_object_begin(&j, NULL);
        json_number(&j, "party", i);
        json_text(&j, "name", s->parties[i].trust.name);
        json_text(&j, "url", s->parties[i].url);
        json_proof(&j, "proof", &s->parties[i].trust.proof);
        json_proof(&j, "server", &s->parties[i].trust.server);
        json_object_end(&j);
    }
    json_array_end(&j);
    json_object_begin(&j, "settings");
    json_setting(&j, "timeout_ms", s->settings.timeout_ms);
    json_setting(&j, "connect_timeout_ms", s->settings.connect_timeout_ms);
    json_setting(&j, "heartbeat_ms", s->settings.heartbeat_ms);
    json_setting(&j, "dead_ms", s->settings.dead_ms);
    json_setting(&j, "post_bytes", s->settings.post_bytes);
    json_object_end(&j);
    json_object_end(&j);
    return json_finish(&j, WHIST_OK, err);
}

/* ---- Commands ---- */

whist_status cmd_session_make(const struct args *args, struct whist_error *err)
{
    struct whist_card *cards[WHIST_MAX_PARTIES] = {NULL};
    const struct whist_session_settings settings = {
        .timeout_ms = (uint32_t)args_number(args, OPT_TIMEOUT, 0),
        .connect_timeout_ms = (uint32_t)args_number(args, OPT_TIMEOUT, 0),
        .heartbeat_ms = (uint32_t)args_number(args, OPT_HEARTBEAT, 0),
        .dead_ms = (uint32_t)args_number(args, OPT_DEAD, 0),
        .post_bytes = (uint32_t)args_number(args, OPT_POST_BYTES, 0),
    };
    const char *output = args->text[OPT_OUTPUT];
    struct whist_session_file *session = NULL;
    struct whist_buffer text = {0};
    size_t n = args->n_operands;
    whist_status st = WHIST_OK;

    for (size_t i = 0; i < n; i++) {
        TRY_OUT(card_load(&cards[i], args->operands[i], err));
    }
    TRY_OUT(whist_session_file_new(&session, (const struct whist_card *const *)cards, n, &settings,
                                   err));
    TRY_OUT(whist_session_file_write(&text, session, err));
    TRY_OUT(write_file(output, whist_buffer_view(&text), err));
    if (output != NULL && strcmp(output, "-") != 0) {
        print_session(session);
        printf("\n%s is the same file for all parties: each of them runs\n"
               "  whist run CIRCUIT --session %s --me NAME --key NAME.key --input ...\n",
               output, output);
    }
out:
    whist_buffer_clear(&text);
    whist_session_file_free(session);
    for (size_t i = 0; i < n; i++) {
        whist_card_free(cards[i]);
    }
    return st;
}

whist_status cmd_session_show(const struct args *args, struct whist_error *err)
{
    struct whist_session_file *session = NULL;
    whist_status st;

    TRY(session_load(&session, args->operands[0], err));
    if (args_has(args, OPT_JSON)) {
        st = print_json(session, err);
    } else {
        print_session(session);
        st = WHIST_OK;
    }
    whist_session_file_free(session);
    return st;
}
