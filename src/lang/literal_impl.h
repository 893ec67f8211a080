/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the readers of literals and of JSON share. */
#ifndef WHIST_LANG_LITERAL_IMPL_H
#define WHIST_LANG_LITERAL_IMPL_H

#include "lang/layout.h"
#include "lang/literal.h"

/* Where in the value the reader is; the frames lie on the C stack. */
struct path {
    const struct path *up;
    const struct lang_name *field; /* NULL: index */
    uint64_t index;
};

struct reader {
    const uint8_t *at, *end;
    struct lang_unit *unit;
    struct whist_error *err;
};

/* Fails with the path, what is wrong, and the type expected there. Returns WHIST_ERR_FORMAT. */
whist_status reader_fail(struct reader *r, const struct path *path, const struct lang_type *t,
                         const char *what);

/* Skips white space. */
void reader_skip(struct reader *r);
/* The next byte after white space, 0 at the end. */
uint8_t reader_peek(struct reader *r);
/* Takes the byte if it is next. */
bool reader_take(struct reader *r, uint8_t c);
/* Takes it twice, one directly after the other. */
bool reader_take_twice(struct reader *r, uint8_t c);
/* A word of letters, digits and _; empty if there is none. */
struct whist_bytes reader_word(struct reader *r);
/* True if the bytes are the text. */
bool reader_is(struct whist_bytes b, const char *text);
bool reader_is_name(struct whist_bytes b, const struct lang_name *name);

/* A number of digits with an optional sign. False: no digits, or more than 64 bits. */
struct number {
    bool negative;
    uint64_t magnitude;
};
bool reader_number(struct reader *r, struct number *out);
/* Is it in the range of the integer type? */
bool literal_fits(const struct number *n, const struct lang_type *t);
/* Two's complement. */
static inline uint64_t literal_bits(const struct number *n)
{
    return n->negative ? 0 - n->magnitude : n->magnitude;
}
/* Most significant bit first. */
void literal_put(uint8_t *bits_out, uint32_t width, uint64_t value);
uint64_t literal_get(const uint8_t *bits, uint32_t width);

/* Number of the field or variant with that name, or UINT32_MAX. */
uint32_t literal_field(const struct lang_struct *s, struct whist_bytes name);
/* In a struct of type t: reads up to the value of field k, which must exist and not be seen yet. */
WHIST_MUST_CHECK whist_status literal_field_begin(struct reader *r, const struct path *path,
                                                  const struct lang_type *t, uint32_t k,
                                                  bool *seen);
/* All fields have been seen? */
WHIST_MUST_CHECK whist_status literal_fields_end(struct reader *r, const struct path *path,
                                                 const struct lang_type *t, const bool *seen);
uint32_t literal_variant(const struct lang_enum *e, struct whist_bytes name);

#endif
