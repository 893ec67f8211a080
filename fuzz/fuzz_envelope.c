/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Envelopes from the wire: a parsed one seals to the same bytes, and whatever a peer sends, a
 * receive ends with a message or one of four errors. */
#include <string.h>

#include "channel/envelope.h"
#include "channel/memory.h"
#include "fuzz.h"

static void parse_and_seal(const uint8_t *data, size_t size)
{
    struct envelope_info info;
    struct whist_buffer again = {0};
    if (whist_envelope_parse(&info, whist_bytes(data, size)) != ENVELOPE_FINE) {
        return;
    }
    HOLDS(info.body_len <= size && strlen(info.phase) <= WHIST_MAX_PHASE);
    HOLDS(whist_buffer_append(&again, data, info.body_len) == WHIST_OK);
    HOLDS(whist_envelope_seal(&again, info.type, info.sequence, info.phase) == WHIST_OK);
    HOLDS(again.len == size && memcmp(again.data, data, size) == 0);
    whist_buffer_clear(&again);
}

/* The message comes twice: the second is out of sequence, or follows a goodbye or an abort. */
static void receive_twice(const uint8_t *data, size_t size)
{
    struct whist_channel *ch[2];
    struct whist_error err;
    HOLDS(whist_memory_new(ch, 2, MEMORY_QUEUE_BYTES, true, 1000, &err) == WHIST_OK);
    HOLDS(whist_channel_envelope_new(&ch[1], ch[1], &err) == WHIST_OK);
    for (int i = 0; i < 2; i++) {
        struct whist_buffer msg = {0};
        whist_status st = whist_channel_send(ch[0], 1, whist_bytes(data, size), "raw", 1, &err);
        HOLDS(st == WHIST_OK || st == WHIST_ERR_UNREACHABLE);
        st = whist_channel_recv(ch[1], 0, &msg, "phase", 1, &err);
        HOLDS((st == WHIST_OK && i == 0) || st == WHIST_ERR_PROTOCOL || st == WHIST_ERR_CLOSED ||
              st == WHIST_ERR_ABORTED);
        HOLDS(st == WHIST_OK || (err.peer == 0 && strlen(err.text) > 0));
        for (const char *c = err.text; st != WHIST_OK && *c != '\0'; c++) {
            HOLDS(*c >= 0x20 && *c <= 0x7e);
        }
        whist_buffer_clear(&msg);
    }
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size <= 4096) {
        parse_and_seal(data, size);
        receive_twice(data, size);
    }
    return 0;
}
