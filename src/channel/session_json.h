/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Private to card.c, session_file.c and session_json.c: JSON (RFC 8259) read strictly, by jansson.
 */
#ifndef WHIST_CHANNEL_SESSION_JSON_H
#define WHIST_CHANNEL_SESSION_JSON_H

#include <jansson.h>
#include <whist/channel.h>
#include <whist/identity.h>

#include "core/core.h"

#define WHIST_FILE_VERSION 1

/* Where a reader stands, for its errors. */
struct json_reader {
    const char *source; /* "alice.card"; NULL: none */
    int party;          /* index, or WHIST_NO_PEER */
    whist_status bad;   /* status of what is wrong: WHIST_ERR_FORMAT or WHIST_ERR_ARGUMENT */
    struct whist_error *err;
};

/* Fails with r->bad: "SOURCE: party K: " and the sentence. */
whist_status whist_json_fail(const struct json_reader *r, const char *fmt, ...) WHIST_PRINTF(2, 3);

/* Parses a text whose outermost value is an object with "whist": kind and "version": 1. *root_out
 * is to be released with json_decref. */
WHIST_MUST_CHECK whist_status whist_json_parse(const struct json_reader *r, json_t **root_out,
                                               struct whist_bytes text, const char *kind);

/* Refuses fields that are not in the list, which ends with NULL. */
WHIST_MUST_CHECK whist_status whist_json_check_fields(const struct json_reader *r,
                                                      const json_t *object,
                                                      const char *const *known);

/* The string of a field, borrowed; *text_out stays untouched if an optional one is missing. */
WHIST_MUST_CHECK whist_status whist_json_string(const struct json_reader *r, const json_t *object,
                                                const char *field, bool required,
                                                const char **text_out);

/* Reads the fields of a card but "whist" and "version"; strings are borrowed from the object.
 * Checks form and values, but not proofs, which whist_json_check_proofs does. */
WHIST_MUST_CHECK whist_status whist_json_read_card(const struct json_reader *r,
                                                   const json_t *object, const char *const *known,
                                                   struct whist_card *card_out);
/* Pins, certificates and names of n cards, and that no two are the same. */
WHIST_MUST_CHECK whist_status whist_json_check_proofs(const struct json_reader *r,
                                                      const struct whist_card *cards, size_t n);
/* The fields of a card in a party of a session; a card has "whist" and "version" before. */
extern const char *const whist_json_card_fields[];

/* Adds the fields of a card to an object. False: out of memory. */
WHIST_MUST_CHECK bool whist_json_put_card(json_t *object, const struct whist_card *card);
/* Adds "whist" and "version". */
WHIST_MUST_CHECK bool whist_json_put_head(json_t *object, const char *kind);
/* Adds a string that is UTF-8. */
WHIST_MUST_CHECK bool whist_json_put_string(json_t *object, const char *field, const char *text);
/* r->bad if a string of the card is not ASCII text, before jansson would refuse it without a
 * reason. */
WHIST_MUST_CHECK whist_status whist_json_check_text(const struct json_reader *r,
                                                    const struct whist_card *card);

/* Appends the object as indented JSON and a newline. WHIST_ERR_NOMEM leaves text_out untouched. */
WHIST_MUST_CHECK whist_status whist_json_write(struct whist_buffer *text_out, const json_t *root,
                                               struct whist_error *err);

#endif
