/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli.h"

static void put(struct json *j, const void *data, size_t len)
{
    if (!j->failed && whist_buffer_append(&j->text, data, len) != WHIST_OK) {
        j->failed = true;
    }
}

static void puts_raw(struct json *j, const char *text)
{
    put(j, text, strlen(text));
}

/* Length of the well-formed UTF-8 sequence at s (Unicode, table 3-7), or 0. s ends with NUL. */
static size_t utf8_length(const unsigned char *s)
{
    static const struct {
        unsigned char first_min, first_max, second_min, second_max, length;
    } rows[] = {
        {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
        {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
        {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };

    if (s[0] < 0x80) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (s[0] < rows[i].first_min || s[0] > rows[i].first_max) {
            continue;
        }
        if (s[1] < rows[i].second_min || s[1] > rows[i].second_max) {
            return 0;
        }
        for (size_t k = 2; k < rows[i].length; k++) {
            if (s[k] < 0x80 || s[k] > 0xbf) {
                return 0;
            }
        }
        return rows[i].length;
    }
    return 0;
}

static void put_string(struct json *j, const char *value)
{
    const unsigned char *s = (const unsigned char *)value;

    puts_raw(j, "\"");
    while (*s != '\0') {
        size_t len = utf8_length(s);
        char escape[8];
        if (len == 0) {
            puts_raw(j, "\\ufffd");
            s++;
        } else if (*s == '"' || *s == '\\') {
            escape[0] = '\\';
            escape[1] = (char)*s++;
            put(j, escape, 2);
        } else if (*s < 0x20 || *s == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", *s++);
            puts_raw(j, escape);
        } else {
            put(j, s, len);
            s += len;
        }
    }
    puts_raw(j, "\"");
}

/* What stands before a value: comma and key. */
static void lead(struct json *j, const char *key)
{
    if (j->comma) {
        puts_raw(j, ",");
    }
    if (key != NULL) {
        put_string(j, key);
        puts_raw(j, ":");
    }
    j->comma = true;
}

static void begin(struct json *j, const char *key, const char *bracket)
{
    lead(j, key);
    puts_raw(j, bracket);
    j->comma = false;
}

static void end(struct json *j, const char *bracket)
{
    puts_raw(j, bracket);
    j->comma = true;
}

void json_object_begin(struct json *j, const char *key)
{
    begin(j, key, "{");
}

void json_object_end(struct json *j)
{
    end(j, "}");
}

void json_array_begin(struct json *j, const char *key)
{
    begin(j, key, "[");
}

void json_array_end(struct json *j)
{
    end(j, "]");
}

void json_text(struct json *j, const char *key, const char *value)
{
    lead(j, key);
    put_string(j, value);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
    char text[24];

    lead(j, key);
    snprintf(text, sizeof(text), "%" PRIu64, value);
    puts_raw(j, text);
}

void json_fixed(struct json *j, const char *key, double value, int decimals)
{
    char text[64];

    if (!isfinite(value) || fabs(value) > 1e30) {
        json_none(j, key);
        return;
    }
    lead(j, key);
    snprintf(text, sizeof(text), "%.*f", decimals, value);
    puts_raw(j, text);
}

void json_bool(struct json *j, const char *key, bool value)
{
    lead(j, key);
    puts_raw(j, value ? "true" : "false");
}

void json_none(struct json *j, const char *key)
{
    lead(j, key);
    puts_raw(j, "null");
}

void json_bits(struct json *j, const char *key, const uint8_t *bits, size_t width)
{
    lead(j, key);
    puts_raw(j, "\"");
    if (!j->failed && whist_value_hex(&j->text, bits, width) != WHIST_OK) {
        j->failed = true;
    }
    puts_raw(j, "\"");
}

void json_error(struct json *j, const char *key, const struct whist_error *err)
{
    json_object_begin(j, key);
    json_text(j, "status", whist_status_name(err->status));
    if (err->peer == WHIST_NO_PEER) {
        json_none(j, "peer");
    } else {
        json_number(j, "peer", (uint64_t)err->peer);
    }
    json_text(j, "phase", err->phase);
    json_text(j, "text", err->text);
    json_object_end(j);
}

bool json_print_line(const struct json *j, FILE *to)
{
    if (j->failed) {
        return false;
    }
    return fwrite(j->text.data, 1, j->text.len, to) == j->text.len && fputc('\n', to) != EOF &&
           fflush(to) == 0;
}

void json_clear(struct json *j)
{
    whist_buffer_clear(&j->text);
    memset(j, 0, sizeof(*j));
}

whist_status json_finish(struct json *j, whist_status st, struct whist_error *err)
{
    if (st == WHIST_OK && !json_print_line(j, stdout)) {
        st = cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
    }
    json_clear(j);
    return st;
}
