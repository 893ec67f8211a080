/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the readers of literals and of JSON share: bytes, numbers, bits, errors. */
#include "lang/literal_impl.h"

#include <stdio.h>

/* ---- Errors ---- */

/* Writes the path, outermost part first, to out (NUL-terminated); returns how many bytes. */
static size_t path_text(const struct path *p, char *out, size_t cap)
{
    const struct path *parts[16];
    size_t n = 0, len = 0;

    for (; p != NULL && p->up != NULL; p = p->up) {
        if (n < 16) {
            parts[n++] = p;
        } else { /* the innermost parts are kept: they say most */
            len = 1;
        }
    }
    len = (size_t)snprintf(out, cap, "%s", len != 0 ? "…" : "");
    while (n-- > 0 && len < cap) {
        int k = parts[n]->field != NULL
                    ? snprintf(out + len, cap - len, ".%.*s",
                               (int)(parts[n]->field->len < 64 ? parts[n]->field->len : 64),
                               parts[n]->field->text)
                    : snprintf(out + len, cap - len, "[%llu]", (unsigned long long)parts[n]->index);
        len += k < 0 ? 0 : (size_t)k;
    }
    return len < cap ? len : cap - 1;
}

static void range_text(const struct lang_type *t, char *out, size_t cap)
{
    uint32_t w = lang_width(t);

    if (lang_is_signed(t)) {
        long long max = (long long)(UINT64_MAX >> (65 - w));
        snprintf(out, cap, " (%lld to %lld)", -max - 1, max);
    } else {
        snprintf(out, cap, " (0 to %llu)", (unsigned long long)(UINT64_MAX >> (64 - w)));
    }
}

whist_status reader_fail(struct reader *r, const struct path *path, const struct lang_type *t,
                         const char *what)
{
    char where[160], range[64] = "";
    size_t len = path_text(path, where, sizeof where);

    if (lang_is_integer(t)) {
        range_text(t, range, sizeof range);
    }
    return whist_fail(r->err, WHIST_ERR_FORMAT, WHIST_NO_PEER, "input", "%s%s%s: expected %s%s",
                      len != 0 ? where : "", len != 0 ? ": " : "", what, lang_type_text(r->unit, t),
                      range);
}

/* ---- Bytes ---- */

void reader_skip(struct reader *r)
{
    while (r->at < r->end &&
           (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) {
        r->at++;
    }
}

uint8_t reader_peek(struct reader *r)
{
    reader_skip(r);
    return r->at < r->end ? *r->at : 0;
}

bool reader_take(struct reader *r, uint8_t c)
{
    if (reader_peek(r) != c || r->at == r->end) {
        return false;
    }
    r->at++;
    return true;
}

bool reader_take_twice(struct reader *r, uint8_t c)
{
    if (reader_peek(r) != c || r->end - r->at < 2 || r->at[1] != c) {
        return false;
    }
    r->at += 2;
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

struct whist_bytes reader_word(struct reader *r)
{
    reader_skip(r);
    const uint8_t *from = r->at;
    while (r->at < r->end && is_word(*r->at)) {
        r->at++;
    }
    return whist_bytes(from, (size_t)(r->at - from));
}

bool reader_is(struct whist_bytes b, const char *text)
{
    return b.len == strlen(text) && memcmp(b.data, text, b.len) == 0;
}

bool reader_is_name(struct whist_bytes b, const struct lang_name *name)
{
    return b.len == name->len && b.len != 0 && memcmp(b.data, name->text, b.len) == 0;
}

/* ---- Numbers ---- */

bool reader_number(struct reader *r, struct number *out)
{
    *out = (struct number){.negative = reader_peek(r) == '-'};
    if (out->negative) {
        r->at++;
    }
    const uint8_t *from = r->at;
    for (; r->at < r->end && is_digit(*r->at); r->at++) {
        if (__builtin_mul_overflow(out->magnitude, 10U, &out->magnitude) ||
            __builtin_add_overflow(out->magnitude, (uint64_t)(*r->at - '0'), &out->magnitude)) {
            return false;
        }
    }
    return r->at != from;
}

bool literal_fits(const struct number *n, const struct lang_type *t)
{
    uint32_t w = lang_width(t);
    uint64_t max = UINT64_MAX >> (64 - w);

    if (lang_is_signed(t)) {
        return n->magnitude <= (max >> 1) + (n->negative ? 1 : 0);
    }
    return n->magnitude <= max && (!n->negative || n->magnitude == 0);
}

void literal_put(uint8_t *bits_out, uint32_t width, uint64_t value)
{
    for (uint32_t k = 0; k < width; k++) {
        bits_out[k] = value >> (width - 1 - k) & 1;
    }
}

uint64_t literal_get(const uint8_t *bits, uint32_t width)
{
    uint64_t value = 0;

    for (uint32_t k = 0; k < width; k++) {
        value = value << 1 | (bits[k] & 1U);
    }
    return value;
}

/* ---- Names ---- */

uint32_t literal_field(const struct lang_struct *s, struct whist_bytes name)
{
    for (uint32_t i = 0; i < s->n_fields; i++) {
        if (reader_is_name(name, s->fields[i].name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

whist_status literal_field_begin(struct reader *r, const struct path *path,
                                 const struct lang_type *t, uint32_t k, bool *seen)
{
    if (k == UINT32_MAX) {
        return reader_fail(r, path, t, "a field that the struct does not have");
    }
    struct path at = {.up = path, .field = t->strct->fields[k].name};
    if (seen[k]) {
        return reader_fail(r, &at, t, "a field that is given twice");
    }
    seen[k] = true;
    return reader_take(r, ':') ? WHIST_OK
                               : reader_fail(r, &at, t->strct->fields[k].type, "no value");
}

whist_status literal_fields_end(struct reader *r, const struct path *path,
                                const struct lang_type *t, const bool *seen)
{
    for (uint32_t k = 0; k < t->strct->n_fields; k++) {
        struct path at = {.up = path, .field = t->strct->fields[k].name};
        if (!seen[k]) {
            return reader_fail(r, &at, t->strct->fields[k].type, "a field is missing");
        }
    }
    return WHIST_OK;
}

uint32_t literal_variant(const struct lang_enum *e, struct whist_bytes name)
{
    for (uint32_t i = 0; i < e->n_variants; i++) {
        if (reader_is_name(name, e->variants[i].name)) {
            return i;
        }
    }
    return UINT32_MAX;
}
