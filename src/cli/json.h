/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Writer of JSON on one line (RFC 8259). Names keep clear of those of jansson, which the library
 * links. Errors of memory are remembered: json_print_line reports them. A NULL key means an element
 * of an array or the outermost value. */
#ifndef WHIST_CLI_JSON_H
#define WHIST_CLI_JSON_H

#include <stdio.h>
#include <whist/whist.h>

struct json {
    struct whist_buffer text;
    bool comma;  /* the next value needs one before it */
    bool failed; /* out of memory */
};

void json_object_begin(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array_begin(struct json *j, const char *key);
void json_array_end(struct json *j);
/* Control characters, quotes and backslashes are escaped, bytes that are not UTF-8 become U+FFFD.
 */
void json_text(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
/* value with `decimals` digits after the point; not a number becomes null. */
void json_fixed(struct json *j, const char *key, double value, int decimals);
void json_bool(struct json *j, const char *key, bool value);
void json_none(struct json *j, const char *key);
/* "0x…" of a value of width bits, a byte each. */
void json_bits(struct json *j, const char *key, const uint8_t *bits, size_t width);
/* {"status", "peer", "phase", "text"}. */
void json_error(struct json *j, const char *key, const struct whist_error *err);

/* Writes the line; false if it could not be made or written. */
bool json_print_line(const struct json *j, FILE *to);
/* Wipes and frees. */
void json_clear(struct json *j);
/* Writes the line to standard output if st is WHIST_OK, and clears; returns st, or why it could not
 * be written. */
whist_status json_finish(struct json *j, whist_status st, struct whist_error *err);

#endif
