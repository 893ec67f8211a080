/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Cards: a party's name, URL and proof as JSON (docs/card.schema.json). */
#include <stdio.h>

#include "channel/session_json.h"
#include "channel/tls.h"
#include "channel/url.h"

const char *const whist_json_card_fields[] = {"name",     "url",    "pin", "ca",
                                              "tls_name", "server", NULL};

static const char *const file_fields[] = {"whist", "version",  "name",   "url", "pin",
                                          "ca",    "tls_name", "server", NULL};
static const char *const proof_fields[] = {"pin", "ca", "tls_name", NULL};

/* A card that was parsed, with the JSON that its strings belong to. */
struct card_box {
    struct whist_card card; /* first: whist_card_free gets its address */
    json_t *root;
};

/* ---- Reading ---- */

static whist_status read_proof(const struct json_reader *r, const json_t *object, const char *where,
                               struct whist_proof *proof_out)
{
    struct whist_proof proof = {0};
    TRY(whist_json_string(r, object, "pin", false, &proof.pin));
    TRY(whist_json_string(r, object, "ca", false, &proof.ca));
    TRY(whist_json_string(r, object, "tls_name", false, &proof.tls_name));
    bool pinned = proof.pin != NULL && proof.ca == NULL && proof.tls_name == NULL;
    bool by_ca = proof.pin == NULL && proof.ca != NULL && proof.tls_name != NULL;
    if (!pinned && !by_ca) {
        return whist_json_fail(r, "%sneeds either \"pin\" or both \"ca\" and \"tls_name\"", where);
    }
    *proof_out = proof;
    return WHIST_OK;
}

whist_status whist_json_read_card(const struct json_reader *r, const json_t *object,
                                  const char *const *known, struct whist_card *card_out)
{
    struct whist_card card = {0};
    struct whist_url url;
    struct whist_error why;
    TRY(whist_json_check_fields(r, object, known));
    TRY(whist_json_string(r, object, "name", true, &card.trust.name));
    if (!whist_name_valid(card.trust.name)) {
        return whist_json_fail(r,
                               "\"name\" must be 1 to %d of a-z, 0-9, '-', '_' and '.', and not "
                               "begin with '-' or '.'",
                               WHIST_NAME_MAX);
    }
    TRY(whist_json_string(r, object, "url", true, &card.url));
    if (whist_url_parse_native(&url, card.url, &why) != WHIST_OK) {
        return whist_json_fail(r, "\"url\": %s", why.text);
    }
    TRY(read_proof(r, object, "", &card.trust.proof));
    const json_t *server = json_object_get(object, "server");
    if (server != NULL) {
        if (!json_is_object(server)) {
            return whist_json_fail(r, "\"server\" is no object");
        }
        TRY(whist_json_check_fields(r, server, proof_fields));
        TRY(read_proof(r, server, "\"server\" ", &card.trust.server));
    }
    *card_out = card;
    return WHIST_OK;
}

whist_status whist_json_check_proofs(const struct json_reader *r, const struct whist_card *cards,
                                     size_t n)
{
    struct whist_party_trust trusts[WHIST_MAX_PARTIES];
    struct tls_trust *trust;
    struct whist_error why;
    WHIST_REQUIRE(n <= WHIST_MAX_PARTIES);
    for (size_t i = 0; i < n; i++) {
        trusts[i] = cards[i].trust;
    }
    whist_status st = whist_tls_trust_new(&trust, trusts, n, &why);
    if (st == WHIST_OK) {
        whist_tls_trust_free(trust);
        return st;
    }
    struct json_reader at = *r;
    at.bad = st == WHIST_ERR_ARGUMENT ? r->bad : st;
    st = whist_json_fail(&at, "%s", why.text);
    if (r->err != NULL) {
        r->err->peer = n > 1 ? why.peer : WHIST_NO_PEER;
    }
    return st;
}

/* Takes root, also on error. */
static whist_status card_from(struct whist_card **card_out, const struct json_reader *r,
                              json_t *root)
{
    struct card_box *box = whist_zalloc(1, sizeof *box);
    whist_status st;
    if (box == NULL) {
        st = whist_fail(r->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "card: out of memory");
        goto out;
    }
    TRY_OUT(whist_json_read_card(r, root, file_fields, &box->card));
    TRY_OUT(whist_json_check_proofs(r, &box->card, 1));
    box->root = root;
    *card_out = &box->card;
    return WHIST_OK;
out:
    json_decref(root);
    whist_free(box);
    return st;
}

whist_status whist_card_parse(struct whist_card **card_out, struct whist_bytes json,
                              const char *source, struct whist_error *err)
{
    struct json_reader r = {source, WHIST_NO_PEER, WHIST_ERR_FORMAT, err};
    json_t *root;
    TRY(whist_json_parse(&r, &root, json, "card"));
    return card_from(card_out, &r, root);
}

void whist_card_free(struct whist_card *card)
{
    struct card_box *box = (struct card_box *)card;
    if (box != NULL) {
        json_decref(box->root);
        whist_free(box);
    }
}

/* ---- Writing ---- */

static bool is_ascii(const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x7f || (c < 0x20 && c != '\n' && c != '\r' && c != '\t')) {
            return false;
        }
    }
    return true;
}

whist_status whist_json_check_text(const struct json_reader *r, const struct whist_card *card)
{
    const struct whist_proof *a = &card->trust.proof, *b = &card->trust.server;
    const struct {
        const char *name, *text;
    } fields[] = {
        {"name", card->trust.name}, {"url", card->url}, {"pin", a->pin}, {"ca", a->ca},
        {"tls_name", a->tls_name},  {"pin", b->pin},    {"ca", b->ca},   {"tls_name", b->tls_name}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (!is_ascii(fields[i].text)) {
            return whist_json_fail(r, "\"%s\" has other characters than ASCII text",
                                   fields[i].name);
        }
    }
    return WHIST_OK;
}

static bool put_proof(json_t *object, const struct whist_proof *proof)
{
    return (proof->pin == NULL || whist_json_put_string(object, "pin", proof->pin)) &&
           (proof->ca == NULL || whist_json_put_string(object, "ca", proof->ca)) &&
           (proof->tls_name == NULL || whist_json_put_string(object, "tls_name", proof->tls_name));
}

bool whist_json_put_card(json_t *object, const struct whist_card *card)
{
    const struct whist_proof *server = &card->trust.server;
    if ((card->trust.name != NULL && !whist_json_put_string(object, "name", card->trust.name)) ||
        (card->url != NULL && !whist_json_put_string(object, "url", card->url)) ||
        !put_proof(object, &card->trust.proof)) {
        return false;
    }
    if (server->pin == NULL && server->ca == NULL && server->tls_name == NULL) {
        return true;
    }
    json_t *inner = json_object();
    return json_object_set_new(object, "server", inner) == 0 && put_proof(inner, server);
}

whist_status whist_card_write(struct whist_buffer *json_out, const struct whist_card *card,
                              struct whist_error *err)
{
    struct json_reader r = {NULL, WHIST_NO_PEER, WHIST_ERR_ARGUMENT, err};
    struct whist_card *again;
    TRY(whist_json_check_text(&r, card));
    json_t *root = json_object();
    if (root == NULL || !whist_json_put_head(root, "card") || !whist_json_put_card(root, card)) {
        json_decref(root);
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "card: out of memory");
    }
    whist_status st;
    /* What is written can be read. */
    TRY_OUT(card_from(&again, &r, json_incref(root)));
    whist_card_free(again);
    st = whist_json_write(json_out, root, err);
out:
    json_decref(root);
    return st;
}
