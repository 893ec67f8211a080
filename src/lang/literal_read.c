/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Garble's literals, read by type:
 *
 *   bool    = "true" | "false"
 *   integer = ["-"] DIGITS [suffix]
 *   tuple   = "(" [value {"," value} [","]] ")"
 *   array   = "[" value {"," value} [","] "]" | "[" value ";" size "]"
 *           | DIGITS [suffix] ".." DIGITS [suffix]        (of unsigned integers)
 *   struct  = NAME "{" [NAME ":" value {"," NAME ":" value} [","]] "}"
 *   enum    = NAME "::" NAME ["(" [value {"," value} [","]] ")"]
 *   size    = DIGITS ["usize"] | NAME                     (of a const)
 *
 * Any value but a tuple may stand in parentheses.
 */
#include "lang/literal_impl.h"

static whist_status read_value(struct reader *r, const struct path *path, uint8_t *bits,
                               const struct lang_type *t);

/* ---- Scalars ---- */

static whist_status read_bool(struct reader *r, const struct path *path, uint8_t *bits,
                              const struct lang_type *t)
{
    struct whist_bytes word = reader_word(r);

    if (!reader_is(word, "true") && !reader_is(word, "false")) {
        return reader_fail(r, path, t, "neither true nor false");
    }
    bits[0] = reader_is(word, "true");
    return WHIST_OK;
}

/* The suffix, if there is one, must name the type. */
static whist_status read_suffix(struct reader *r, const struct path *path,
                                const struct lang_type *t)
{
    const uint8_t *from = r->at;
    struct whist_bytes word = {0};

    if (r->at < r->end && *r->at != ' ') {
        word = reader_word(r);
    }
    if (word.len == 0 || word.data != from) {
        r->at = from;
        return WHIST_OK;
    }
    return reader_is(word, lang_type_text(r->unit, t))
               ? WHIST_OK
               : reader_fail(r, path, t, "a number with the suffix of another type");
}

static whist_status read_integer(struct reader *r, const struct path *path,
                                 const struct lang_type *t, struct number *out)
{
    if (!reader_number(r, out)) {
        return reader_fail(r, path, t, "not a number");
    }
    TRY(read_suffix(r, path, t));
    return literal_fits(out, t) ? WHIST_OK
                                : reader_fail(r, path, t, "a number outside the range of its type");
}

/* ---- Lists ---- */

/* One element and what comes after it: a comma that may be left out before the end. */
static bool list_goes_on(struct reader *r, uint8_t close)
{
    return reader_take(r, ',') && reader_peek(r) != close;
}

static whist_status read_tuple(struct reader *r, const struct path *path, uint8_t *bits,
                               const struct lang_type *t)
{
    if (!reader_take(r, '(')) {
        return reader_fail(r, path, t, "not a tuple");
    }
    for (uint32_t i = 0; i < t->n_parts; i++) {
        struct path at = {.up = path, .index = i};
        TRY(read_value(r, &at, bits, t->parts[i]));
        bits += t->parts[i]->bits;
        if (!list_goes_on(r, ')') && i + 1 < t->n_parts) {
            return reader_fail(r, path, t, "a tuple with too few parts");
        }
    }
    return reader_take(r, ')') ? WHIST_OK : reader_fail(r, path, t, "a tuple with too many parts");
}

static whist_status read_range(struct reader *r, const struct path *path, uint8_t *bits,
                               const struct lang_type *t)
{
    struct number from, to;

    if (!lang_is_integer(t->elem) || lang_is_signed(t->elem)) {
        return reader_fail(r, path, t, "not an array in brackets");
    }
    TRY(read_integer(r, path, t->elem, &from));
    if (!reader_take_twice(r, '.') || !reader_number(r, &to)) {
        return reader_fail(r, path, t, "neither an array in brackets nor a range");
    }
    TRY(read_suffix(r, path, t->elem));
    if (to.negative || to.magnitude < from.magnitude ||
        to.magnitude - from.magnitude != array_len(t) ||
        (array_len(t) != 0 && to.magnitude - 1 > UINT64_MAX >> (64 - lang_width(t->elem)))) {
        return reader_fail(r, path, t, "a range of another length");
    }
    for (uint64_t i = 0; i < array_len(t); i++, bits += t->elem->bits) {
        literal_put(bits, lang_width(t->elem), from.magnitude + i);
    }
    return WHIST_OK;
}

static bool const_value(const struct lang_unit *unit, struct whist_bytes name, uint64_t *out)
{
    for (uint32_t i = 0; i < unit->n_consts; i++) {
        if (unit->consts[i]->bound && reader_is_name(name, unit->consts[i]->name)) {
            *out = unit->consts[i]->bits;
            return true;
        }
    }
    return false;
}

/* After the first element and the semicolon. */
static whist_status read_repeat(struct reader *r, const struct path *path, uint8_t *bits,
                                const struct lang_type *t)
{
    struct number n = {0};
    uint8_t c = reader_peek(r);

    if (c >= '0' && c <= '9') {
        if (!reader_number(r, &n)) {
            return reader_fail(r, path, t, "an array of another length");
        }
        TRY(read_suffix(r, path, r->unit->scalars[TYPE_USIZE]));
    } else if (!const_value(r->unit, reader_word(r), &n.magnitude)) {
        return reader_fail(r, path, t, "an array of a length that is neither number nor const");
    }
    if (n.magnitude != array_len(t)) {
        return reader_fail(r, path, t, "an array of another length");
    }
    for (uint64_t i = 1; i < array_len(t); i++) {
        memcpy(bits + i * t->elem->bits, bits, (size_t)t->elem->bits);
    }
    return reader_take(r, ']') ? WHIST_OK : reader_fail(r, path, t, "an array without its end");
}

/* [v; 0] has an element to read and no place for it. */
static whist_status read_nothing(struct reader *r, const struct path *path,
                                 const struct lang_type *t)
{
    struct path at = {.up = path};
    uint8_t *dummy = whist_zalloc((size_t)t->elem->bits + 1, 1);

    if (dummy == NULL) {
        return whist_fail(r->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "input", "out of memory");
    }
    whist_status st = reader_peek(r) == ']'
                          ? reader_fail(r, path, t, "an empty array: write [v; 0]")
                          : read_value(r, &at, dummy, t->elem);
    whist_wipe(dummy, (size_t)t->elem->bits + 1);
    whist_free(dummy);
    TRY(st);
    return reader_take(r, ';') ? read_repeat(r, path, NULL, t)
                               : reader_fail(r, path, t, "an array with too many elements");
}

static whist_status read_array(struct reader *r, const struct path *path, uint8_t *bits,
                               const struct lang_type *t)
{
    uint64_t n = array_len(t);

    if (!reader_take(r, '[')) {
        return read_range(r, path, bits, t);
    }
    if (n == 0) {
        return read_nothing(r, path, t);
    }
    for (uint64_t i = 0; i < n; i++) {
        struct path at = {.up = path, .index = i};
        TRY(read_value(r, &at, bits + i * t->elem->bits, t->elem));
        if (i == 0 && reader_take(r, ';')) {
            return read_repeat(r, path, bits, t);
        }
        if (!list_goes_on(r, ']') && i + 1 < n) {
            return reader_fail(r, path, t, "an array with too few elements");
        }
    }
    return reader_take(r, ']') ? WHIST_OK
                               : reader_fail(r, path, t, "an array with too many elements");
}

/* ---- Structs and enums ---- */

static whist_status read_fields(struct reader *r, const struct path *path, uint8_t *bits,
                                const struct lang_type *t, bool *seen)
{
    const struct lang_struct *s = t->strct;

    for (uint32_t n = 0; reader_peek(r) != '}'; n++) {
        uint32_t k = literal_field(s, reader_word(r));
        TRY(literal_field_begin(r, path, t, k, seen));
        struct path at = {.up = path, .field = s->fields[k].name};
        TRY(read_value(r, &at, bits + s->fields[k].offset, s->fields[k].type));
        if (!list_goes_on(r, '}')) {
            break;
        }
    }
    TRY(literal_fields_end(r, path, t, seen));
    return reader_take(r, '}') ? WHIST_OK : reader_fail(r, path, t, "a struct without its end");
}

static whist_status read_struct(struct reader *r, const struct path *path, uint8_t *bits,
                                const struct lang_type *t)
{
    if (!reader_is_name(reader_word(r), t->strct->name) || !reader_take(r, '{')) {
        return reader_fail(r, path, t, "not this struct");
    }
    bool *seen = whist_zalloc((size_t)t->strct->n_fields + 1, sizeof *seen);
    if (seen == NULL) {
        return whist_fail(r->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "input", "out of memory");
    }
    whist_status st = read_fields(r, path, bits, t, seen);
    whist_free(seen);
    return st;
}

static whist_status read_enum(struct reader *r, const struct path *path, uint8_t *bits,
                              const struct lang_type *t)
{
    const struct lang_enum *e = t->enm;

    if (!reader_is_name(reader_word(r), e->name) || !reader_take_twice(r, ':')) {
        return reader_fail(r, path, t, "not this enum");
    }
    uint32_t k = literal_variant(e, reader_word(r));
    if (k == UINT32_MAX) {
        return reader_fail(r, path, t, "a variant that the enum does not have");
    }
    const struct lang_variant *v = &e->variants[k];
    struct path at = {.up = path, .field = v->name};
    literal_put(bits, e->tag_bits, k);
    if (!v->tuple) {
        return WHIST_OK;
    }
    if (!reader_take(r, '(')) {
        return reader_fail(r, &at, t, "a variant without its fields");
    }
    for (uint32_t f = 0; f < v->n_fields; f++) {
        struct path field = {.up = &at, .index = f};
        TRY(read_value(r, &field, bits + e->tag_bits + v->offsets[f], v->fields[f]));
        if (!list_goes_on(r, ')') && f + 1 < v->n_fields) {
            return reader_fail(r, &at, t, "a variant with too few fields");
        }
    }
    return reader_take(r, ')') ? WHIST_OK
                               : reader_fail(r, &at, t, "a variant with too many fields");
}

/* ---- All ---- */

static whist_status read_bare(struct reader *r, const struct path *path, uint8_t *bits,
                              const struct lang_type *t)
{
    struct number n;

    switch (t->kind) {
    case TYPE_BOOL:
        return read_bool(r, path, bits, t);
    case TYPE_TUPLE:
        return read_tuple(r, path, bits, t);
    case TYPE_ARRAY:
        return read_array(r, path, bits, t);
    case TYPE_STRUCT:
        return read_struct(r, path, bits, t);
    case TYPE_ENUM:
        return read_enum(r, path, bits, t);
    default:
        TRY(read_integer(r, path, t, &n));
        literal_put(bits, lang_width(t), literal_bits(&n));
        return WHIST_OK;
    }
}

/* bits is zero already. As deep as the type is nested. */
static whist_status read_value(struct reader *r, const struct path *path, uint8_t *bits,
                               const struct lang_type *t)
{
    size_t n_open = 0;

    while (t->kind != TYPE_TUPLE && reader_take(r, '(')) {
        n_open++;
    }
    TRY(read_bare(r, path, bits, t));
    for (; n_open > 0; n_open--) {
        if (!reader_take(r, ')')) {
            return reader_fail(r, path, t, "no closing bracket");
        }
    }
    return WHIST_OK;
}

whist_status literal_read(struct lang_unit *unit, uint8_t *bits_out, const struct lang_type *t,
                          struct whist_bytes text, bool strict, struct whist_error *err)
{
    struct reader r = {.at = text.data, .end = text.data + text.len, .unit = unit, .err = err};
    struct path root = {0};

    memset(bits_out, 0, (size_t)t->bits);
    whist_status st = reader_peek(&r) == 0 && r.at == r.end ? reader_fail(&r, &root, t, "no value")
                                                            : read_value(&r, &root, bits_out, t);
    if (st == WHIST_OK && strict && (reader_peek(&r) != 0 || r.at != r.end)) {
        st = reader_fail(&r, &root, t, "more text after the value");
    }
    if (st != WHIST_OK) {
        whist_wipe(bits_out, (size_t)t->bits);
    }
    return st;
}

/* ---- Constants from outside ---- */

static const char *const suffixes[] = {
    [TYPE_U8] = "u8",   [TYPE_U16] = "u16",     [TYPE_U32] = "u32",
    [TYPE_U64] = "u64", [TYPE_USIZE] = "usize", [TYPE_I8] = "i8",
    [TYPE_I16] = "i16", [TYPE_I32] = "i32",     [TYPE_I64] = "i64"};

static bool const_number(struct reader *r, struct lang_given *out)
{
    struct number n;

    if (!reader_number(r, &n)) {
        return false;
    }
    out->negative = n.negative;
    out->magnitude = n.magnitude;
    if (r->at == r->end || *r->at == ' ') {
        return true;
    }
    struct whist_bytes suffix = reader_word(r);
    for (int k = TYPE_U8; k <= TYPE_I64; k++) {
        if (reader_is(suffix, suffixes[k])) {
            out->suffix = (uint8_t)(k + 1);
            return true;
        }
    }
    return false;
}

whist_status literal_const(struct lang_given *out, struct whist_bytes text)
{
    struct reader r = {.at = text.data, .end = text.data + text.len};
    uint8_t c = reader_peek(&r);
    bool ok;

    *out = (struct lang_given){0};
    if (c == '-' || (c >= '0' && c <= '9')) {
        ok = const_number(&r, out);
    } else {
        struct whist_bytes word = reader_word(&r);
        out->is_bool = true;
        out->magnitude = reader_is(word, "true");
        ok = out->magnitude != 0 || reader_is(word, "false");
    }
    return ok && reader_peek(&r) == 0 && r.at == r.end ? WHIST_OK : WHIST_ERR_FORMAT;
}
