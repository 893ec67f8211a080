/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* JSON led by the type. Numbers are integers of any of the types' ranges, so no general parser,
 * which would make floats of them, comes between. */
#include "lang/literal_impl.h"

static whist_status read_value(struct reader *r, const struct path *path, uint8_t *bits,
                               const struct lang_type *t);

/* ---- Strings: names only ---- */

/* The name between quotes; names need no escapes, so a string with any is none of them. False: no
 * string. */
static bool read_string(struct reader *r, struct whist_bytes *out)
{
    if (!reader_take(r, '"')) {
        return false;
    }
    const uint8_t *from = r->at;
    while (r->at < r->end && *r->at != '"' && *r->at >= 0x20) {
        r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
    }
    *out = whist_bytes(from, (size_t)(r->at - from));
    return reader_take(r, '"');
}

/* ---- Scalars ---- */

static whist_status read_scalar(struct reader *r, const struct path *path, uint8_t *bits,
                                const struct lang_type *t)
{
    struct number n;

    if (t->kind == TYPE_BOOL) {
        struct whist_bytes word = reader_word(r);
        if (!reader_is(word, "true") && !reader_is(word, "false")) {
            return reader_fail(r, path, t, "neither true nor false");
        }
        bits[0] = reader_is(word, "true");
        return WHIST_OK;
    }
    uint8_t c = reader_peek(r);
    if ((c != '-' && (c < '0' || c > '9')) || !reader_number(r, &n)) {
        return reader_fail(r, path, t, "not a number of at most 64 bits");
    }
    if (r->at < r->end && (*r->at == '.' || *r->at == 'e' || *r->at == 'E')) {
        return reader_fail(r, path, t, "not an integer");
    }
    if (!literal_fits(&n, t)) {
        return reader_fail(r, path, t, "a number outside the range of its type");
    }
    literal_put(bits, lang_width(t), literal_bits(&n));
    return WHIST_OK;
}

/* ---- Arrays and tuples ---- */

/* What comes before element i of n, or after the last one: [ , ] in their places. */
static bool list_step(struct reader *r, uint64_t i, uint64_t n)
{
    if (i == 0 && !reader_take(r, '[')) {
        return false;
    }
    if (i == n) {
        return reader_take(r, ']');
    }
    return i == 0 ? reader_peek(r) != ']' : reader_take(r, ',');
}

static whist_status read_list(struct reader *r, const struct path *path, uint8_t *bits,
                              const struct lang_type *t)
{
    bool array = t->kind == TYPE_ARRAY;
    uint64_t n = array ? array_len(t) : t->n_parts;

    for (uint64_t i = 0; i < n; i++) {
        const struct lang_type *part = array ? t->elem : t->parts[i];
        struct path at = {.up = path, .index = i};
        if (!list_step(r, i, n)) {
            return reader_fail(r, path, t, "an array with too few elements, or none at all");
        }
        TRY(read_value(r, &at, bits, part));
        bits += part->bits;
    }
    return list_step(r, n, n) ? WHIST_OK
                              : reader_fail(r, path, t, "an array with too many elements");
}

/* ---- Structs and enums ---- */

static whist_status read_fields(struct reader *r, const struct path *path, uint8_t *bits,
                                const struct lang_type *t, bool *seen)
{
    const struct lang_struct *s = t->strct;
    struct whist_bytes name;

    for (uint32_t n = 0; reader_peek(r) != '}'; n++) {
        if (n != 0 && !reader_take(r, ',')) {
            break;
        }
        uint32_t k = read_string(r, &name) ? literal_field(s, name) : UINT32_MAX;
        TRY(literal_field_begin(r, path, t, k, seen));
        struct path at = {.up = path, .field = s->fields[k].name};
        TRY(read_value(r, &at, bits + s->fields[k].offset, s->fields[k].type));
    }
    TRY(literal_fields_end(r, path, t, seen));
    return reader_take(r, '}') ? WHIST_OK : reader_fail(r, path, t, "an object without its end");
}

static whist_status read_struct(struct reader *r, const struct path *path, uint8_t *bits,
                                const struct lang_type *t)
{
    if (!reader_take(r, '{')) {
        return reader_fail(r, path, t, "not an object");
    }
    bool *seen = whist_zalloc((size_t)t->strct->n_fields + 1, sizeof *seen);
    if (seen == NULL) {
        return whist_fail(r->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "input", "out of memory");
    }
    whist_status st = read_fields(r, path, bits, t, seen);
    whist_free(seen);
    return st;
}

static whist_status read_variant(struct reader *r, const struct path *path, uint8_t *bits,
                                 const struct lang_type *t, uint32_t k)
{
    const struct lang_enum *e = t->enm;
    const struct lang_variant *v = &e->variants[k];
    struct path at = {.up = path, .field = v->name};

    for (uint32_t f = 0; f < v->n_fields; f++) {
        struct path field = {.up = &at, .index = f};
        if (!list_step(r, f, v->n_fields)) {
            return reader_fail(r, &at, t, "an array with too few fields, or none at all");
        }
        TRY(read_value(r, &field, bits + e->tag_bits + v->offsets[f], v->fields[f]));
    }
    return list_step(r, v->n_fields, v->n_fields)
               ? WHIST_OK
               : reader_fail(r, &at, t, "an array with too many fields");
}

static whist_status read_enum(struct reader *r, const struct path *path, uint8_t *bits,
                              const struct lang_type *t)
{
    struct whist_bytes name = {0};
    bool object = reader_take(r, '{');
    uint32_t k = read_string(r, &name) ? literal_variant(t->enm, name) : UINT32_MAX;

    if (k == UINT32_MAX) {
        return reader_fail(r, path, t,
                           name.len != 0 ? "a variant that the enum does not have"
                                         : "neither \"Variant\" nor {\"Variant\": [fields]}");
    }
    literal_put(bits, t->enm->tag_bits, k);
    if (!object) {
        struct path at = {.up = path, .field = t->enm->variants[k].name};
        return t->enm->variants[k].n_fields == 0
                   ? WHIST_OK
                   : reader_fail(r, &at, t, "a variant without its fields");
    }
    if (!reader_take(r, ':')) {
        return reader_fail(r, path, t, "a variant without its fields");
    }
    TRY(read_variant(r, path, bits, t, k));
    return reader_take(r, '}') ? WHIST_OK : reader_fail(r, path, t, "an object without its end");
}

/* ---- All ---- */

/* bits is zero already. As deep as the type is nested. */
static whist_status read_value(struct reader *r, const struct path *path, uint8_t *bits,
                               const struct lang_type *t)
{
    switch (t->kind) {
    case TYPE_TUPLE:
    case TYPE_ARRAY:
        return read_list(r, path, bits, t);
    case TYPE_STRUCT:
        return read_struct(r, path, bits, t);
    case TYPE_ENUM:
        return read_enum(r, path, bits, t);
    default:
        return read_scalar(r, path, bits, t);
    }
}

whist_status literal_read_json(struct lang_unit *unit, uint8_t *bits_out, const struct lang_type *t,
                               struct whist_bytes text, struct whist_error *err)
{
    struct reader r = {.at = text.data, .end = text.data + text.len, .unit = unit, .err = err};
    struct path root = {0};

    memset(bits_out, 0, (size_t)t->bits);
    whist_status st = read_value(&r, &root, bits_out, t);
    if (st == WHIST_OK && (reader_peek(&r) != 0 || r.at != r.end)) {
        st = reader_fail(&r, &root, t, "more text after the value");
    }
    if (st != WHIST_OK) {
        whist_wipe(bits_out, (size_t)t->bits);
    }
    return st;
}
