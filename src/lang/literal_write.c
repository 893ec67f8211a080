/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Values as text: Garble's literals without suffixes, or JSON. */
#include <stdio.h>

#include "lang/literal_impl.h"

struct writer {
    struct whist_buffer *out;
    bool json;
    struct whist_error *err;
};

static whist_status write_value(struct writer *w, const struct lang_type *t, const uint8_t *bits);

static whist_status put(struct writer *w, const char *text)
{
    return whist_buffer_append(w->out, text, strlen(text));
}

static whist_status put_name(struct writer *w, const struct lang_name *name)
{
    return whist_buffer_append(w->out, name->text, name->len);
}

static whist_status put_key(struct writer *w, const struct lang_name *name)
{
    const char *quote = w->json ? "\"" : "";

    TRY(put(w, quote));
    TRY(put_name(w, name));
    return put(w, quote);
}

static whist_status write_integer(struct writer *w, const struct lang_type *t, const uint8_t *bits)
{
    char text[24];
    uint32_t width = lang_width(t);
    uint64_t v = literal_get(bits, width);

    if (lang_is_signed(t) && (v >> (width - 1) & 1) != 0) {
        uint64_t magnitude = (0 - v) & (UINT64_MAX >> (64 - width));
        snprintf(text, sizeof text, "-%llu", (unsigned long long)magnitude);
    } else {
        snprintf(text, sizeof text, "%llu", (unsigned long long)v);
    }
    return put(w, text);
}

static whist_status write_list(struct writer *w, const struct lang_type *t, const uint8_t *bits)
{
    bool array = t->kind == TYPE_ARRAY;
    uint64_t n = array ? array_len(t) : t->n_parts;

    TRY(put(w, array || w->json ? "[" : "("));
    for (uint64_t i = 0; i < n; i++) {
        const struct lang_type *part = array ? t->elem : t->parts[i];
        TRY(put(w, i == 0 ? "" : ", "));
        TRY(write_value(w, part, bits));
        bits += part->bits;
    }
    return put(w, array || w->json ? "]" : ")");
}

static whist_status write_struct(struct writer *w, const struct lang_type *t, const uint8_t *bits)
{
    const struct lang_struct *s = t->strct;

    if (!w->json) {
        TRY(put_name(w, s->name));
        TRY(put(w, " "));
    }
    TRY(put(w, "{"));
    for (uint32_t i = 0; i < s->n_fields; i++) {
        const struct lang_field *f = &s->fields[s->sorted[i]];
        TRY(put(w, i == 0 ? "" : ", "));
        TRY(put_key(w, f->name));
        TRY(put(w, ": "));
        TRY(write_value(w, f->type, bits + f->offset));
    }
    return put(w, "}");
}

static whist_status write_fields(struct writer *w, const struct lang_variant *v,
                                 const uint8_t *payload)
{
    TRY(put(w, w->json ? "[" : "("));
    for (uint32_t i = 0; i < v->n_fields; i++) {
        TRY(put(w, i == 0 ? "" : ", "));
        TRY(write_value(w, v->fields[i], payload + v->offsets[i]));
    }
    return put(w, w->json ? "]" : ")");
}

static whist_status write_enum(struct writer *w, const struct lang_type *t, const uint8_t *bits)
{
    const struct lang_enum *e = t->enm;
    uint64_t tag = literal_get(bits, e->tag_bits);

    if (tag >= e->n_variants) {
        return whist_fail(w->err, WHIST_ERR_FORMAT, WHIST_NO_PEER, "output",
                          "the bits are no value of the enum %.*s", (int)e->name->len,
                          e->name->text);
    }
    const struct lang_variant *v = &e->variants[tag];
    if (!w->json) {
        TRY(put_name(w, e->name));
        TRY(put(w, "::"));
        TRY(put_name(w, v->name));
        return v->tuple ? write_fields(w, v, bits + e->tag_bits) : WHIST_OK;
    }
    if (!v->tuple) {
        return put_key(w, v->name);
    }
    TRY(put(w, "{"));
    TRY(put_key(w, v->name));
    TRY(put(w, ": "));
    TRY(write_fields(w, v, bits + e->tag_bits));
    return put(w, "}");
}

static whist_status write_value(struct writer *w, const struct lang_type *t, const uint8_t *bits)
{
    switch (t->kind) {
    case TYPE_BOOL:
        return put(w, (bits[0] & 1) != 0 ? "true" : "false");
    case TYPE_TUPLE:
    case TYPE_ARRAY:
        return write_list(w, t, bits);
    case TYPE_STRUCT:
        return write_struct(w, t, bits);
    case TYPE_ENUM:
        return write_enum(w, t, bits);
    default:
        return write_integer(w, t, bits);
    }
}

whist_status literal_write(struct whist_buffer *text_out, const struct lang_type *t,
                           const uint8_t *bits, bool json, struct whist_error *err)
{
    struct writer w = {.out = text_out, .json = json, .err = err};
    whist_status st = write_value(&w, t, bits);

    return st == WHIST_ERR_NOMEM
               ? whist_fail(err, st, WHIST_NO_PEER, "output", "out of memory for the value")
               : st;
}
