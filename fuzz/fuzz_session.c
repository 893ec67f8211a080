/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Cards and session files: what is read and written again is read as the same. */
#include <string.h>
#include <whist/channel.h>
#include <whist/identity.h>

#include "core/core.h"
#include "fuzz.h"

static void check_card(const struct whist_card *card)
{
    struct whist_buffer text = {0};
    struct whist_card *again;
    HOLDS(whist_name_valid(card->trust.name) && card->url != NULL);
    HOLDS((card->trust.proof.pin != NULL) != (card->trust.proof.ca != NULL));
    if (whist_card_write(&text, card, NULL) == WHIST_OK) { /* not for other than ASCII in a PEM */
        HOLDS(whist_card_parse(&again, whist_buffer_view(&text), NULL, NULL) == WHIST_OK);
        HOLDS(strcmp(again->url, card->url) == 0);
        HOLDS(strcmp(again->trust.name, card->trust.name) == 0);
        whist_card_free(again);
    }
    whist_buffer_clear(&text);
}

static void check_session(const struct whist_session_file *session)
{
    struct whist_buffer text = {0};
    struct whist_session_file *again;
    uint8_t hash[2][WHIST_SESSION_HASH_LEN];
    HOLDS(session->n >= 2 && session->n <= WHIST_MAX_PARTIES);
    for (size_t i = 0; i < session->n; i++) {
        HOLDS(whist_session_file_find(session, session->parties[i].trust.name) == i);
    }
    if (whist_session_file_write(&text, session, NULL) == WHIST_OK) {
        HOLDS(whist_session_file_parse(&again, whist_buffer_view(&text), NULL, NULL) == WHIST_OK);
        whist_session_file_hash(session, hash[0]);
        whist_session_file_hash(again, hash[1]);
        HOLDS(memcmp(hash[0], hash[1], sizeof hash[0]) == 0);
        HOLDS(memcmp(session->id, again->id, sizeof session->id) == 0);
        whist_session_file_free(again);
    }
    whist_buffer_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct whist_card *card = NULL;
    struct whist_session_file *session = NULL;
    struct whist_error err = {0};
    struct whist_bytes text = whist_bytes(data, size);
    if (whist_card_parse(&card, text, "x", &err) == WHIST_OK) {
        check_card(card);
        whist_card_free(card);
    } else {
        HOLDS(card == NULL && err.status != WHIST_OK && err.text[0] != '\0');
    }
    if (whist_session_file_parse(&session, text, "x", &err) == WHIST_OK) {
        check_session(session);
        whist_session_file_free(session);
    } else {
        HOLDS(session == NULL && err.status != WHIST_OK && err.text[0] != '\0');
    }
    return 0;
}
