/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Cards and session files: what is written is read again, what is wrong is named. */
#include <jansson.h>
#include <stdio.h>
#include <whist/channel.h>

#include "certs.h"
#include "core/core.h"
#include "harness.h"
#include "schema.h"

#define PIN_A "sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PIN_B "sha256:10112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PIN_C "sha256:20112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const struct whist_card alice = {.url = "https://alice.example:8443",
                                        .trust = {.name = "alice", .proof = {.pin = PIN_A}}};
static const struct whist_card bob = {.url = "https://[::1]:9000/whist",
                                      .trust = {.name = "bob", .proof = {.pin = PIN_B}}};
static const struct whist_card *const both[] = {&alice, &bob};

static whist_status parse_card(struct whist_card **out, const char *text, struct whist_error *err)
{
    return whist_card_parse(out, whist_bytes(text, strlen(text)), "x.card", err);
}

static whist_status parse_session(struct whist_session_file **out, const char *text,
                                  struct whist_error *err)
{
    return whist_session_file_parse(out, whist_bytes(text, strlen(text)), "s.json", err);
}

/* The text of a buffer, terminated. */
static char *text_of(struct whist_buffer *buf)
{
    CHECK(whist_buffer_append(buf, "", 1) == WHIST_OK);
    return (char *)buf->data;
}

static void check_schema(const char *schema, const char *text)
{
    char path[400], why[300] = "";
    snprintf(path, sizeof path, "%s/docs/%s", WHIST_SOURCE_DIR, schema);
    json_t *s = json_load_file(path, 0, NULL), *t = json_loads(text, 0, NULL);
    CHECK_MSG(s != NULL, "%s", path);
    CHECK(t != NULL);
    CHECK_MSG(schema_holds(s, t, why, sizeof why), "%s: %s\n%s", schema, why, text);
    json_decref(s);
    json_decref(t);
}

static void check_not_schema(const char *schema, const char *text)
{
    char path[400], why[300] = "";
    snprintf(path, sizeof path, "%s/docs/%s", WHIST_SOURCE_DIR, schema);
    json_t *s = json_load_file(path, 0, NULL), *t = json_loads(text, JSON_DECODE_ANY, NULL);
    CHECK(s != NULL && t != NULL);
    CHECK_MSG(!schema_holds(s, t, why, sizeof why), "%s", text);
    json_decref(s);
    json_decref(t);
}

/* ---- Names ---- */

static void names(void)
{
    char name[70];
    CHECK(whist_name_valid("a") && whist_name_valid("0") && whist_name_valid("a-b_c.d9"));
    CHECK(whist_name_valid("_x"));
    CHECK(!whist_name_valid("") && !whist_name_valid(NULL) && !whist_name_valid("A"));
    CHECK(!whist_name_valid("-a") && !whist_name_valid(".a") && !whist_name_valid("a b"));
    CHECK(!whist_name_valid("a/b") && !whist_name_valid("\xc3\xa4") && !whist_name_valid("a\n"));
    memset(name, 'a', sizeof name);
    name[64] = '\0';
    CHECK(whist_name_valid(name));
    name[64] = 'a';
    name[65] = '\0';
    CHECK(!whist_name_valid(name));
}

/* ---- Cards ---- */

static void card_round_trip(const struct whist_card *card)
{
    struct whist_buffer text = {0};
    struct whist_card *again;
    struct whist_error err;
    CHECK_OK(whist_card_write(&text, card, &err), err);
    CHECK(text.len > 2 && text.data[text.len - 1] == '\n' && text.data[0] == '{');
    CHECK_OK(whist_card_parse(&again, whist_buffer_view(&text), NULL, &err), err);
    const struct whist_proof *const p[2][2] = {{&card->trust.proof, &again->trust.proof},
                                               {&card->trust.server, &again->trust.server}};
    CHECK(strcmp(again->url, card->url) == 0);
    CHECK(strcmp(again->trust.name, card->trust.name) == 0);
    for (int i = 0; i < 2; i++) {
        const char *const a[] = {p[i][0]->pin, p[i][0]->ca, p[i][0]->tls_name};
        const char *const b[] = {p[i][1]->pin, p[i][1]->ca, p[i][1]->tls_name};
        for (int k = 0; k < 3; k++) {
            CHECK((a[k] == NULL) == (b[k] == NULL) && (a[k] == NULL || strcmp(a[k], b[k]) == 0));
        }
    }
    check_schema("card.schema.json", text_of(&text));
    whist_card_free(again);
    whist_buffer_clear(&text);
}

static char *a_ca(void)
{
    struct whist_identity *ca = certs_issue(&(struct certs_form){.name = "ca", .ca = true});
    char *pem = certs_pem(ca);
    whist_identity_free(ca);
    return pem;
}

static void cards(void)
{
    char *ca = a_ca();
    struct whist_card card = alice;
    card_round_trip(&alice);
    card_round_trip(&bob);
    card.trust.server.pin = PIN_B;
    card_round_trip(&card);
    card.trust.server = (struct whist_proof){.ca = ca, .tls_name = "www.example"};
    card_round_trip(&card);
    card.trust.proof = (struct whist_proof){.ca = ca, .tls_name = "alice.example"};
    card_round_trip(&card);
    card.url = "http://127.0.0.1:8000";
    card_round_trip(&card);
    card.url = "unix:/run/whist/alice";
    card_round_trip(&card);
    free(ca);
    whist_card_free(NULL);
}

static void bad_cards_are_not_written(void)
{
    static const struct {
        struct whist_card card;
        const char *says;
    } bad[] = {
        {{.url = "https://a", .trust = {.name = "Alice", .proof = {.pin = PIN_A}}}, "\"name\""},
        {{.url = "https://a", .trust = {.proof = {.pin = PIN_A}}}, "\"name\" is missing"},
        {{.trust = {.name = "alice", .proof = {.pin = PIN_A}}}, "\"url\" is missing"},
        {{.url = "ftp://a", .trust = {.name = "alice", .proof = {.pin = PIN_A}}}, "\"url\""},
        {{.url = "https://a", .trust = {.name = "alice"}}, "either \"pin\""},
        {{.url = "https://a", .trust = {.name = "alice", .proof = {.pin = "sha256:00"}}},
         "64 lower-case"},
        {{.url = "https://a", .trust = {.name = "alice", .proof = {.pin = PIN_A, .ca = "x"}}},
         "either \"pin\""},
        {{.url = "https://a", .trust = {.name = "alice", .proof = {.ca = "x", .tls_name = "a"}}},
         "no certificate"},
        {{.url = "https://\xff", .trust = {.name = "alice", .proof = {.pin = PIN_A}}}, "ASCII"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct whist_buffer text = {0};
        struct whist_error err;
        CHECK(whist_card_write(&text, &bad[i].card, &err) == WHIST_ERR_ARGUMENT);
        CHECK_MSG(strstr(err.text, bad[i].says) != NULL, "%s", err.text);
        CHECK(text.len == 0 && err.status == WHIST_ERR_ARGUMENT);
        CHECK(whist_card_write(&text, &bad[i].card, NULL) == WHIST_ERR_ARGUMENT);
    }
}

#define CARD(rest) "{\"whist\":\"card\",\"version\":1," rest "}"
#define GOOD       "\"name\":\"alice\",\"url\":\"https://a:1\",\"pin\":\"" PIN_A "\""

static void malformed_cards(void)
{
    static const struct {
        const char *text, *says;
        whist_status status;
    } bad[] = {
        {"", "line", WHIST_ERR_FORMAT},
        {"{", "line", WHIST_ERR_FORMAT},
        {"[]", "no JSON object", WHIST_ERR_FORMAT},
        {"{}", "no card of whist", WHIST_ERR_FORMAT},
        {CARD(GOOD) "x", "line 1", WHIST_ERR_FORMAT},
        {"{\"whist\":\"session\",\"version\":1}", "a session, where a card", WHIST_ERR_FORMAT},
        {"{\"whist\":\"card\"," GOOD "}", "\"version\"", WHIST_ERR_FORMAT},
        {"{\"whist\":\"card\",\"version\":\"1\"," GOOD "}", "\"version\"", WHIST_ERR_FORMAT},
        {"{\"whist\":\"card\",\"version\":2," GOOD "}", "version 2", WHIST_ERR_UNSUPPORTED},
        {CARD(GOOD ",\"colour\":1"), "unknown field \"colour\"", WHIST_ERR_FORMAT},
        {CARD(GOOD ",\"name\":\"bob\""), "duplicate", WHIST_ERR_FORMAT},
        {CARD("\"name\":7,\"url\":\"https://a:1\",\"pin\":\"" PIN_A "\""), "\"name\" is no string",
         WHIST_ERR_FORMAT},
        {CARD("\"name\":\"al\\u0000ice\",\"url\":\"https://a:1\",\"pin\":\"" PIN_A "\""), "line",
         WHIST_ERR_FORMAT},
        {CARD("\"name\":\"alice\",\"url\":\"https://a b\",\"pin\":\"" PIN_A "\""), "\"url\"",
         WHIST_ERR_FORMAT},
        {CARD("\"name\":\"alice\",\"url\":\"https://a:1\""), "either \"pin\"", WHIST_ERR_FORMAT},
        {CARD("\"name\":\"alice\",\"url\":\"https://a:1\",\"ca\":\"x\""), "either \"pin\"",
         WHIST_ERR_FORMAT},
        {CARD("\"name\":\"alice\",\"url\":\"https://a:1\",\"pin\":\"SHA256:00\""), "64 lower-case",
         WHIST_ERR_FORMAT},
        {CARD(GOOD ",\"server\":7"), "\"server\" is no object", WHIST_ERR_FORMAT},
        {CARD(GOOD ",\"server\":{}"), "\"server\" needs either", WHIST_ERR_FORMAT},
        {CARD(GOOD ",\"server\":{\"pin\":\"" PIN_B "\",\"x\":1}"), "unknown field \"x\"",
         WHIST_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct whist_card *card = NULL;
        struct whist_error err;
        whist_status st = parse_card(&card, bad[i].text, &err);
        CHECK_MSG(st == bad[i].status, "%s: %s", bad[i].text, whist_status_name(st));
        CHECK(card == NULL && err.status == st);
        CHECK_MSG(strstr(err.text, bad[i].says) != NULL, "%s: %s", bad[i].text, err.text);
        CHECK(strncmp(err.text, "x.card: ", 8) == 0);
        CHECK(parse_card(&card, bad[i].text, NULL) == st);
    }
    check_not_schema("card.schema.json", CARD(GOOD ",\"colour\":1"));
    check_not_schema("card.schema.json", CARD("\"name\":\"alice\",\"url\":\"https://a:1\""));
    check_not_schema("card.schema.json",
                     CARD("\"name\":\"A\",\"url\":\"https://a:1\",\"pin\":\"" PIN_A "\""));
    check_not_schema("card.schema.json", CARD(GOOD ",\"ca\":\"x\",\"tls_name\":\"x\""));
    check_not_schema("card.schema.json", "{\"whist\":\"card\",\"version\":2," GOOD "}");
    check_not_schema("card.schema.json", "[]");
}

static void deep_or_long(void)
{
    struct whist_card *card;
    struct whist_error err;
    size_t len = WHIST_SESSION_FILE_MAX + 1;
    char *text = malloc(len);
    CHECK(text != NULL);
    memset(text, '[', len);
    CHECK(whist_card_parse(&card, whist_bytes(text, len), NULL, &err) == WHIST_ERR_LIMIT);
    CHECK(whist_card_parse(&card, whist_bytes(text, len - 1), NULL, &err) == WHIST_ERR_FORMAT);
    memset(text, ' ', len);
    memcpy(text, CARD(GOOD), strlen(CARD(GOOD)));
    CHECK_OK(whist_card_parse(&card, whist_bytes(text, len - 1), NULL, &err), err);
    whist_card_free(card);
    free(text);
}

/* ---- Sessions ---- */

static void sessions(void)
{
    struct whist_session_settings settings = {.timeout_ms = 5000, .post_bytes = 65536};
    struct whist_session_file *a, *b;
    struct whist_buffer text = {0};
    struct whist_error err;
    uint8_t hash_a[WHIST_SESSION_HASH_LEN], hash_b[WHIST_SESSION_HASH_LEN];
    CHECK_OK(whist_session_file_new(&a, both, 2, &settings, &err), err);
    CHECK_OK(whist_session_file_write(&text, a, &err), err);
    CHECK_OK(whist_session_file_parse(&b, whist_buffer_view(&text), "s", &err), err);
    CHECK(a->n == 2 && b->n == 2 && memcmp(a->id, b->id, sizeof a->id) == 0);
    CHECK(memcmp(&b->settings, &settings, sizeof settings) == 0);
    CHECK(strcmp(b->parties[1].url, bob.url) == 0 &&
          strcmp(b->parties[0].trust.name, "alice") == 0);
    CHECK(whist_session_file_find(b, "alice") == 0 && whist_session_file_find(b, "bob") == 1);
    CHECK(whist_session_file_find(b, "carol") == 2);
    whist_session_file_hash(a, hash_a);
    whist_session_file_hash(b, hash_b);
    CHECK(memcmp(hash_a, hash_b, sizeof hash_a) == 0);
    check_schema("session.schema.json", text_of(&text));
    whist_session_file_free(b);
    CHECK_OK(whist_session_file_new(&b, both, 2, &settings, &err), err);
    CHECK(memcmp(a->id, b->id, sizeof a->id) != 0); /* random */
    whist_session_file_free(a);
    whist_session_file_free(b);
    whist_session_file_free(NULL);
    whist_buffer_clear(&text);
}

static void largest_session(void)
{
    struct whist_card card[WHIST_MAX_PARTIES];
    const struct whist_card *list[WHIST_MAX_PARTIES + 1];
    char name[WHIST_MAX_PARTIES][8], url[WHIST_MAX_PARTIES][40],
        pin[WHIST_MAX_PARTIES][WHIST_PIN_TEXT];
    struct whist_session_file *s;
    struct whist_buffer text = {0};
    struct whist_error err;
    for (int i = 0; i < WHIST_MAX_PARTIES; i++) {
        snprintf(name[i], sizeof name[i], "p%d", i);
        snprintf(url[i], sizeof url[i], "https://10.0.0.%d:8443", i);
        snprintf(pin[i], sizeof pin[i], "sha256:%064x", i);
        card[i] =
            (struct whist_card){.url = url[i], .trust = {.name = name[i], .proof.pin = pin[i]}};
        list[i] = &card[i];
    }
    list[WHIST_MAX_PARTIES] = &alice;
    CHECK_OK(whist_session_file_new(&s, list, WHIST_MAX_PARTIES, NULL, &err), err);
    CHECK_OK(whist_session_file_write(&text, s, &err), err);
    check_schema("session.schema.json", text_of(&text));
    whist_session_file_free(s);
    whist_buffer_clear(&text);
    CHECK(whist_session_file_new(&s, list, WHIST_MAX_PARTIES + 1, NULL, &err) ==
          WHIST_ERR_ARGUMENT);
    CHECK(whist_session_file_new(&s, list, 1, NULL, &err) == WHIST_ERR_ARGUMENT);
    CHECK(strstr(err.text, "2 to 64 parties") != NULL);
}

static void same_twice(void)
{
    struct whist_card card = bob;
    const struct whist_card *list[] = {&alice, &card};
    struct whist_session_file *s;
    struct whist_error err;
    card.trust.name = "alice";
    CHECK(whist_session_file_new(&s, list, 2, NULL, &err) == WHIST_ERR_ARGUMENT);
    CHECK_MSG(strstr(err.text, "party 1: has the name \"alice\"") != NULL, "%s", err.text);
    CHECK(err.peer == 1);
    card = bob;
    card.url = "https://ALICE.example:8443/";
    CHECK(whist_session_file_new(&s, list, 2, NULL, &err) == WHIST_ERR_ARGUMENT);
    CHECK_MSG(strstr(err.text, "URL of party 0") != NULL && err.peer == 1, "%s", err.text);
    card = bob;
    card.trust.proof.pin = PIN_A;
    CHECK(whist_session_file_new(&s, list, 2, NULL, &err) == WHIST_ERR_ARGUMENT);
    CHECK_MSG(strstr(err.text, "same pin") != NULL && err.peer == 1, "%s", err.text);
    card = bob;
    card.trust.server.pin = PIN_A; /* a proxy's key may be shared */
    CHECK_OK(whist_session_file_new(&s, list, 2, NULL, &err), err);
    whist_session_file_free(s);
}

#define ID         "\"id\":\"000102030405060708090a0b0c0d0e0f\""
#define SESSION(x) "{\"whist\":\"session\",\"version\":1," x "}"
#define ALICE      "{\"name\":\"alice\",\"url\":\"https://a\",\"pin\":\"" PIN_A "\"}"
#define BOB        "{\"name\":\"bob\",\"url\":\"https://b\",\"pin\":\"" PIN_B "\"}"
#define PARTIES    "\"parties\":[" ALICE "," BOB "]"

static void malformed_sessions(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {SESSION(PARTIES), "\"id\" is missing"},
        {SESSION("\"id\":\"00\"," PARTIES), "\"id\" is not 32"},
        {SESSION("\"id\":\"000102030405060708090A0B0C0D0E0F\"," PARTIES), "\"id\" is not 32"},
        {SESSION(ID), "\"parties\" is missing"},
        {SESSION(ID ",\"parties\":{}"), "\"parties\" is missing or no array"},
        {SESSION(ID ",\"parties\":[" ALICE "]"), "has 1 entries"},
        {SESSION(ID ",\"parties\":[" ALICE ",7]"), "party 1: no object"},
        {SESSION(ID ",\"parties\":[" ALICE ",{\"name\":\"bob\"}]"), "party 1: \"url\" is missing"},
        {SESSION(ID ",\"parties\":[" ALICE ",{\"whist\":\"card\"}]"),
         "party 1: unknown field \"whist\""},
        {SESSION(ID ",\"parties\":[" ALICE
                    ",{\"name\":\"bob\",\"url\":\"https://b\",\"pin\":\"x\"}]"),
         "party 1 (bob): a pin"},
        {SESSION(ID "," PARTIES ",\"more\":1"), "unknown field \"more\""},
        {SESSION(ID "," PARTIES ",\"settings\":[]"), "\"settings\" is no object"},
        {SESSION(ID "," PARTIES ",\"settings\":{\"x\":1}"), "unknown field \"x\""},
        {SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":0}"), "\"timeout_ms\""},
        {SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":-1}"), "\"timeout_ms\""},
        {SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":1.5}"), "\"timeout_ms\""},
        {SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":\"1\"}"), "\"timeout_ms\""},
        {SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":2147483648}"), "\"timeout_ms\""},
        {SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":99999999999999999999}"), "line"},
        {SESSION(ID "," PARTIES ",\"settings\":{\"post_bytes\":511}"), "512 to 4194304"},
        {SESSION(ID "," PARTIES ",\"settings\":{\"post_bytes\":512,\"post_bytes\":513}"),
         "duplicate"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct whist_session_file *s = NULL;
        struct whist_error err;
        whist_status st = parse_session(&s, bad[i].text, &err);
        CHECK_MSG(st == WHIST_ERR_FORMAT, "%s: %s", bad[i].text, whist_status_name(st));
        CHECK(s == NULL);
        CHECK_MSG(strstr(err.text, bad[i].says) != NULL, "%s: %s", bad[i].text, err.text);
        CHECK(strncmp(err.text, "s.json: ", 8) == 0);
    }
    check_not_schema("session.schema.json", SESSION(PARTIES));
    check_not_schema("session.schema.json", SESSION(ID ",\"parties\":[" ALICE "]"));
    check_not_schema("session.schema.json", SESSION(ID "," PARTIES ",\"settings\":{\"x\":1}"));
    check_not_schema("session.schema.json",
                     SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":0}"));
}

/* Every cut of a good text is an error; every changed byte too, or another session. */
static void cut_and_changed(void)
{
    static const char text[] =
        SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":5,\"dead_ms\":9}");
    struct whist_session_file *s;
    struct whist_error err;
    CHECK_OK(parse_session(&s, text, &err), err);
    whist_session_file_free(s);
    for (size_t len = 0; len < sizeof text - 1; len++) {
        CHECK(whist_session_file_parse(&s, whist_bytes(text, len), NULL, &err) == WHIST_ERR_FORMAT);
    }
    for (size_t at = 0; at < sizeof text - 1; at++) {
        static const char changes[] = {' ', '"', '{', '9', 'x', '\\', '\0', (char)0x80, '\n'};
        for (size_t k = 0; k < sizeof changes; k++) {
            char changed[sizeof text];
            memcpy(changed, text, sizeof text);
            changed[at] = changes[k];
            if (whist_session_file_parse(&s, whist_bytes(changed, sizeof text - 1), NULL, &err) ==
                WHIST_OK) {
                whist_session_file_free(s);
            }
        }
    }
}

/* ---- The hash ---- */

static void hash_text(char out[65], const char *text)
{
    struct whist_session_file *s;
    struct whist_error err;
    uint8_t hash[WHIST_SESSION_HASH_LEN];
    CHECK_OK(parse_session(&s, text, &err), err);
    whist_session_file_hash(s, hash);
    for (size_t i = 0; i < sizeof hash; i++) {
        snprintf(out + 2 * i, 3, "%02x", hash[i]);
    }
    whist_session_file_free(s);
}

static void hash(void)
{
    static const char *const others[] = {
        SESSION(ID ",\"parties\":[" BOB "," ALICE "]"),
        SESSION(ID "," PARTIES ",\"settings\":{\"timeout_ms\":5}"),
        SESSION(ID "," PARTIES ",\"settings\":{\"dead_ms\":5}"),
        SESSION(ID ",\"parties\":[" ALICE
                   ",{\"name\":\"bob\",\"url\":\"https://b\",\"pin\":\"" PIN_C "\"}]"),
        SESSION(ID ",\"parties\":[" ALICE ",{\"name\":\"bo\",\"url\":\"https://b\",\"pin\":\"" PIN_B
                   "\"}]"),
        SESSION(ID ",\"parties\":[" ALICE
                   ",{\"name\":\"bob\",\"url\":\"https://b\",\"pin\":\"" PIN_B
                   "\",\"server\":{\"pin\":\"" PIN_C "\"}}]"),
    };
    static const char *const same[] = {
        SESSION(PARTIES " ,\n\"settings\":{}," ID),
        SESSION("\"id\":\"ff0102030405060708090a0b0c0d0e0f\"," PARTIES),
        SESSION(ID ",\"parties\":[" ALICE ",{\"pin\":\"" PIN_B
                   "\",\"url\":\"https://elsewhere\",\"name\":\"bob\"}]"),
    };
    char first[65], other[65];
    hash_text(first, SESSION(ID "," PARTIES));
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        hash_text(other, same[i]);
        CHECK_MSG(strcmp(first, other) == 0, "%s", same[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        hash_text(other, others[i]);
        CHECK_MSG(strcmp(first, other) != 0, "%s", others[i]);
    }
    /* docs/session.md, example */
    CHECK_MSG(strcmp(first, "ceb42ca92764720d06435c00c579b10e"
                            "502ca53de0c9c79f0c8c991a45c71c1f") == 0,
              "%s", first);
}

/* ---- Without memory ---- */

static void without_memory(void)
{
    char *ca = a_ca();
    struct whist_card card = bob;
    const struct whist_card *list[] = {&alice, &card};
    card.trust.server = (struct whist_proof){.ca = ca, .tls_name = "www.example"};
    json_set_alloc_funcs(certs_malloc, free);
    for (long k = 0;; k++) {
        struct whist_session_file *s = NULL, *again = NULL;
        struct whist_buffer text = {0};
        struct whist_error err;
        whist_alloc_fail_after(k);
        whist_status st = whist_session_file_new(&s, list, 2, NULL, &err);
        if (st == WHIST_OK) {
            st = whist_session_file_write(&text, s, &err);
        }
        if (st == WHIST_OK) {
            st = whist_session_file_parse(&again, whist_buffer_view(&text), NULL, &err);
        }
        whist_alloc_fail_after(-1);
        /* jansson takes a token for which it has no memory for a malformed one. */
        CHECK_MSG(st == WHIST_OK || st == WHIST_ERR_NOMEM || (s != NULL && st == WHIST_ERR_FORMAT),
                  "allocation %ld: %s: %s", k, whist_status_name(st), err.text);
        whist_session_file_free(s);
        whist_session_file_free(again);
        whist_buffer_clear(&text);
        if (st == WHIST_OK) {
            CHECK(k > 100);
            break;
        }
    }
    free(ca);
}

static const struct test_case cases[] = {
    {"names", names},
    {"cards", cards},
    {"bad_cards_are_not_written", bad_cards_are_not_written},
    {"malformed_cards", malformed_cards},
    {"deep_or_long", deep_or_long},
    {"sessions", sessions},
    {"largest_session", largest_session},
    {"same_twice", same_twice},
    {"malformed_sessions", malformed_sessions},
    {"cut_and_changed", cut_and_changed},
    {"hash", hash},
    {"without_memory", without_memory},
};
TEST_MAIN(cases)
