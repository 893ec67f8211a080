/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Numbers as text. The first two bytes give the width, the rest is the text: a number that is read
 * is written in both bases, and each is read as the same number again. */
#include <string.h>
#include <whist/circuit.h>

#include "fuzz.h"

enum { MAX_WIDTH = 2048 };

static void check_again(const uint8_t *bits, size_t width, const struct whist_buffer *text)
{
    uint8_t again[MAX_WIDTH];
    HOLDS(whist_value_parse(again, width, whist_buffer_view(text), NULL) == WHIST_OK);
    HOLDS(memcmp(bits, again, width) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bits[MAX_WIDTH];
    struct whist_buffer text = {0};

    if (size < 2) {
        return 0;
    }
    size_t width = 1 + (size_t)(data[0] | data[1] << 8) % MAX_WIDTH;
    memset(bits, 2, sizeof bits);
    whist_status st = whist_value_parse(bits, width, whist_bytes(data + 2, size - 2), NULL);
    if (st != WHIST_OK) {
        HOLDS(st == WHIST_ERR_FORMAT || st == WHIST_ERR_LIMIT);
        HOLDS(bits[0] == 2 && memcmp(bits, bits + 1, sizeof bits - 1) == 0); /* untouched */
        return 0;
    }
    for (size_t i = 0; i < width; i++) {
        HOLDS(bits[i] <= 1);
    }
    HOLDS(width == MAX_WIDTH || bits[width] == 2);
    HOLDS(whist_value_hex(&text, bits, width) == WHIST_OK);
    HOLDS(text.len == 2 + (width + 3) / 4);
    check_again(bits, width, &text);
    text.len = 0;
    HOLDS(whist_value_decimal(&text, bits, width) == WHIST_OK);
    check_again(bits, width, &text);
    whist_buffer_clear(&text);
    return 0;
}
