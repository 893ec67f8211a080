/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Session files: an id and the cards of all parties, in order (docs/session.md). */
#include <sodium.h>
#include <stdio.h>

#include "channel/session_json.h"
#include "channel/url.h"
#include "crypto/crypto.h"

#define ID_TEXT     (2 * WHIST_SESSION_ID_LEN + 1)
#define TIME_MAX_MS INT32_MAX
#define POST_LEAST  512
#define POST_MOST   4194304
#define N_SETTINGS  5

static const char *const file_fields[] = {"whist", "version", "id", "parties", "settings", NULL};

/* A session with the JSON that its strings belong to. */
struct session_box {
    struct whist_session_file session; /* first: whist_session_file_free gets its address */
    struct whist_card cards[WHIST_MAX_PARTIES];
    json_t *root;
};

/* ---- Settings: one table for reading, writing and hashing ---- */

static const struct setting {
    const char *name;
    size_t offset;
    json_int_t least, most;
} settings[] = {
    {"timeout_ms", offsetof(struct whist_session_settings, timeout_ms), 1, TIME_MAX_MS},
    {"connect_timeout_ms", offsetof(struct whist_session_settings, connect_timeout_ms), 1,
     TIME_MAX_MS},
    {"heartbeat_ms", offsetof(struct whist_session_settings, heartbeat_ms), 1, TIME_MAX_MS},
    {"dead_ms", offsetof(struct whist_session_settings, dead_ms), 1, TIME_MAX_MS},
    {"post_bytes", offsetof(struct whist_session_settings, post_bytes), POST_LEAST, POST_MOST},
};
static const char *const setting_fields[] = {"timeout_ms", "connect_timeout_ms", "heartbeat_ms",
                                             "dead_ms",    "post_bytes",         NULL};
_Static_assert(sizeof settings / sizeof settings[0] == N_SETTINGS, "all settings");
_Static_assert(sizeof(struct whist_session_settings) == N_SETTINGS * sizeof(uint32_t),
               "all settings");

static uint32_t setting_value(const struct whist_session_settings *s, size_t k)
{
    uint32_t value;
    memcpy(&value, (const char *)s + settings[k].offset, sizeof value);
    return value;
}

static whist_status read_settings(const struct json_reader *r, const json_t *object,
                                  struct whist_session_settings *out)
{
    if (object == NULL) {
        return WHIST_OK;
    }
    if (!json_is_object(object)) {
        return whist_json_fail(r, "\"settings\" is no object");
    }
    TRY(whist_json_check_fields(r, object, setting_fields));
    for (size_t k = 0; k < N_SETTINGS; k++) {
        const json_t *value = json_object_get(object, settings[k].name);
        if (value == NULL) {
            continue;
        }
        json_int_t number = json_integer_value(value);
        if (!json_is_integer(value) || number < settings[k].least || number > settings[k].most) {
            return whist_json_fail(r, "setting \"%s\" is no whole number from %lld to %lld",
                                   settings[k].name, (long long)settings[k].least,
                                   (long long)settings[k].most);
        }
        uint32_t small = (uint32_t)number;
        memcpy((char *)out + settings[k].offset, &small, sizeof small);
    }
    return WHIST_OK;
}

/* ---- Reading ---- */

static whist_status read_id(const struct json_reader *r, const json_t *root, uint8_t *id_out)
{
    const char *text = "";
    char again[ID_TEXT];
    size_t len = 0;
    TRY(whist_json_string(r, root, "id", true, &text));
    if (strlen(text) != ID_TEXT - 1 ||
        sodium_hex2bin(id_out, WHIST_SESSION_ID_LEN, text, ID_TEXT - 1, NULL, &len, NULL) != 0 ||
        strcmp(sodium_bin2hex(again, sizeof again, id_out, WHIST_SESSION_ID_LEN), text) != 0) {
        return whist_json_fail(r, "\"id\" is not %d lower-case hexadecimal digits", ID_TEXT - 1);
    }
    return WHIST_OK;
}

static bool same_place(const char *one, const char *other)
{
    struct whist_url a, b;
    return strcmp(one, other) == 0 ||
           (whist_url_parse_native(&a, one, NULL) == WHIST_OK &&
            whist_url_parse_native(&b, other, NULL) == WHIST_OK && a.port == b.port &&
            strcmp(a.host, b.host) == 0 && strcmp(a.prefix, b.prefix) == 0);
}

static whist_status check_distinct(const struct json_reader *r, const struct whist_card *cards,
                                   size_t n)
{
    for (size_t j = 1; j < n; j++) {
        struct json_reader at = *r;
        at.party = (int)j;
        for (size_t i = 0; i < j; i++) {
            if (strcmp(cards[i].trust.name, cards[j].trust.name) == 0) {
                return whist_json_fail(&at, "has the name \"%s\", as party %zu",
                                       cards[j].trust.name, i);
            }
            if (same_place(cards[i].url, cards[j].url)) {
                return whist_json_fail(&at, "has the URL of party %zu: %.200s", i, cards[j].url);
            }
        }
    }
    return WHIST_OK;
}

static whist_status read_parties(const struct json_reader *r, const json_t *root,
                                 struct session_box *box)
{
    const json_t *list = json_object_get(root, "parties");
    if (!json_is_array(list)) {
        return whist_json_fail(r, "\"parties\" is missing or no array");
    }
    size_t n = json_array_size(list);
    if (n < 2 || n > WHIST_MAX_PARTIES) {
        return whist_json_fail(r, "\"parties\" has %zu entries; a session has 2 to %d parties", n,
                               WHIST_MAX_PARTIES);
    }
    for (size_t i = 0; i < n; i++) {
        struct json_reader at = *r;
        const json_t *party = json_array_get(list, i);
        at.party = (int)i;
        if (!json_is_object(party)) {
            return whist_json_fail(&at, "no object");
        }
        TRY(whist_json_read_card(&at, party, whist_json_card_fields, &box->cards[i]));
    }
    box->session.n = n;
    box->session.parties = box->cards;
    TRY(check_distinct(r, box->cards, n));
    return whist_json_check_proofs(r, box->cards, n);
}

/* Takes root, also on error. */
static whist_status session_from(struct whist_session_file **session_out,
                                 const struct json_reader *r, json_t *root)
{
    struct session_box *box = whist_zalloc(1, sizeof *box);
    whist_status st;
    if (box == NULL) {
        st = whist_fail(r->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "session: out of memory");
        goto out;
    }
    TRY_OUT(whist_json_check_fields(r, root, file_fields));
    TRY_OUT(read_id(r, root, box->session.id));
    TRY_OUT(read_settings(r, json_object_get(root, "settings"), &box->session.settings));
    TRY_OUT(read_parties(r, root, box));
    box->root = root;
    *session_out = &box->session;
    return WHIST_OK;
out:
    json_decref(root);
    whist_free(box);
    return st;
}

whist_status whist_session_file_parse(struct whist_session_file **session_out,
                                      struct whist_bytes json, const char *source,
                                      struct whist_error *err)
{
    struct json_reader r = {source, WHIST_NO_PEER, WHIST_ERR_FORMAT, err};
    json_t *root;
    TRY(whist_json_parse(&r, &root, json, "session"));
    return session_from(session_out, &r, root);
}

void whist_session_file_free(struct whist_session_file *session)
{
    struct session_box *box = (struct session_box *)session;
    if (box != NULL) {
        json_decref(box->root);
        whist_free(box);
    }
}

/* ---- Making and writing ---- */

static bool put_settings(json_t *root, const struct whist_session_settings *from)
{
    json_t *object = NULL;
    for (size_t k = 0; k < N_SETTINGS; k++) {
        uint32_t value = setting_value(from, k);
        if (value == 0) {
            continue;
        }
        if (object == NULL) {
            object = json_object();
            if (json_object_set_new(root, "settings", object) != 0) {
                return false;
            }
        }
        if (json_object_set_new(object, settings[k].name, json_integer((json_int_t)value)) != 0) {
            return false;
        }
    }
    return true;
}

/* The JSON of a session; cards[i] is its party i. */
static whist_status session_json(const struct json_reader *r, json_t **root_out,
                                 const uint8_t *id_bytes, const struct whist_card *const *cards,
                                 size_t n, const struct whist_session_settings *from)
{
    char id[ID_TEXT];
    sodium_bin2hex(id, sizeof id, id_bytes, WHIST_SESSION_ID_LEN);
    for (size_t i = 0; i < n; i++) {
        struct json_reader at = *r;
        at.party = (int)i;
        TRY(whist_json_check_text(&at, cards[i]));
    }
    json_t *root = json_object(), *list = json_array();
    bool ok = root != NULL && whist_json_put_head(root, "session") &&
              whist_json_put_string(root, "id", id);
    if (!ok) {
        json_decref(list);
    }
    ok = ok && json_object_set_new(root, "parties", list) == 0;
    for (size_t i = 0; ok && i < n; i++) {
        json_t *party = json_object();
        ok = json_array_append_new(list, party) == 0 && whist_json_put_card(party, cards[i]);
    }
    if (!ok || !put_settings(root, from)) {
        json_decref(root);
        return whist_fail(r->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "session: out of memory");
    }
    *root_out = root;
    return WHIST_OK;
}

whist_status whist_session_file_new(struct whist_session_file **session_out,
                                    const struct whist_card *const *cards, size_t n,
                                    const struct whist_session_settings *from,
                                    struct whist_error *err)
{
    static const struct whist_session_settings defaults;
    struct json_reader r = {NULL, WHIST_NO_PEER, WHIST_ERR_ARGUMENT, err};
    uint8_t id[WHIST_SESSION_ID_LEN];
    json_t *root;
    whist_random(id, sizeof id);
    TRY(session_json(&r, &root, id, cards, n, from != NULL ? from : &defaults));
    return session_from(session_out, &r, root);
}

whist_status whist_session_file_write(struct whist_buffer *json_out,
                                      const struct whist_session_file *session,
                                      struct whist_error *err)
{
    struct json_reader r = {NULL, WHIST_NO_PEER, WHIST_ERR_ARGUMENT, err};
    const struct whist_card *cards[WHIST_MAX_PARTIES];
    struct whist_session_file *again;
    json_t *root;
    WHIST_REQUIRE(session->n <= WHIST_MAX_PARTIES);
    for (size_t i = 0; i < session->n; i++) {
        cards[i] = &session->parties[i];
    }
    TRY(session_json(&r, &root, session->id, cards, session->n, &session->settings));
    whist_status st;
    /* What is written can be read. */
    TRY_OUT(session_from(&again, &r, json_incref(root)));
    whist_session_file_free(again);
    st = whist_json_write(json_out, root, err);
out:
    json_decref(root);
    return st;
}

/* ---- Questions ---- */

size_t whist_session_file_find(const struct whist_session_file *session, const char *name)
{
    size_t i = 0;
    while (i < session->n && strcmp(session->parties[i].trust.name, name) != 0) {
        i++;
    }
    return i;
}

static void hash_text(struct hash *h, const char *text)
{
    whist_hash_field(h, text != NULL ? text : "", text != NULL ? strlen(text) : 0);
}

static void hash_proof(struct hash *h, const struct whist_proof *proof)
{
    hash_text(h, proof->pin);
    hash_text(h, proof->ca);
    hash_text(h, proof->tls_name);
}

void whist_session_file_hash(const struct whist_session_file *session,
                             uint8_t hash_out[WHIST_SESSION_HASH_LEN])
{
    struct hash h;
    whist_hash_init(&h, "whist session 1");
    whist_hash_u64(&h, session->n);
    for (size_t i = 0; i < session->n; i++) {
        hash_text(&h, session->parties[i].trust.name);
        hash_proof(&h, &session->parties[i].trust.proof);
        hash_proof(&h, &session->parties[i].trust.server);
    }
    for (size_t k = 0; k < N_SETTINGS; k++) {
        whist_hash_u64(&h, setting_value(&session->settings, k));
    }
    whist_hash_final(&h, hash_out);
}
