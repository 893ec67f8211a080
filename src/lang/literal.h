/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Values as text and as bits, led by the type. Bits are one byte each, in the order of layout.h.
 * The text is a private input: no error repeats it, and a failed reading leaves zeros. */
#ifndef WHIST_LANG_LITERAL_H
#define WHIST_LANG_LITERAL_H

#include "lang/tree.h"

/* Garble's literal; strict: text after it is an error. bits_out: t->bits bytes. WHIST_ERR_FORMAT
 * with the part that is wrong and the type expected there. */
WHIST_MUST_CHECK whist_status literal_read(struct lang_unit *unit, uint8_t *bits_out,
                                           const struct lang_type *t, struct whist_bytes text,
                                           bool strict, struct whist_error *err);
/* JSON: numbers, booleans, arrays for arrays and tuples, objects for structs, for enums "Variant"
 * or {"Variant": [fields]}. */
WHIST_MUST_CHECK whist_status literal_read_json(struct lang_unit *unit, uint8_t *bits_out,
                                                const struct lang_type *t, struct whist_bytes text,
                                                struct whist_error *err);
/* The value of a constant from outside: a number with or without suffix, true or false. Fills in
 * all but the names; WHIST_ERR_FORMAT if it is neither. */
WHIST_MUST_CHECK whist_status literal_const(struct lang_given *out, struct whist_bytes text);
/* Appends the value. WHIST_ERR_FORMAT: a tag that no variant has. */
WHIST_MUST_CHECK whist_status literal_write(struct whist_buffer *text_out,
                                            const struct lang_type *t, const uint8_t *bits,
                                            bool json, struct whist_error *err);

#endif
