/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Values of consts, sizes of arrays, layouts of types. */
#include "lang/front.h"

#include <stdio.h>

struct binder {
    struct front *f;
    struct lang_unit *u;
    struct lang_given *given;
    size_t n_given;
};

/* ---- Const expressions ---- */

static lang_wide wide_of(uint64_t magnitude, bool negative)
{
    return negative ? -(lang_wide)magnitude : (lang_wide)magnitude;
}

/* The value of a const as a number. */
static lang_wide const_value(const struct lang_const *k)
{
    return lang_is_signed(k->type) ? (lang_wide)(int64_t)k->bits : (lang_wide)k->bits;
}

/* Every sum has at most LANG_MAX_HEIGHT levels of at most 2^64 each, doubled at each level at worst
 * by sharing; beyond this bound the value is refused, so nothing overflows. */
#define MAX_VALUE ((lang_wide)1 << 100)

static bool combine(const struct lang_cexpr *e, lang_wide *out, bool *open_out)
{
    for (uint32_t i = 0; i < e->n_args; i++) {
        lang_wide arg;

        if (!lang_cexpr_value(e->args[i], &arg, open_out)) {
            return false;
        }
        if (i > 0 && (e->kind == CEXPR_ADD || e->kind == CEXPR_SUB)) {
            *out = e->kind == CEXPR_ADD ? *out + arg : *out - arg;
        } else if (i == 0 || (e->kind == CEXPR_MAX ? arg > *out : arg < *out)) {
            *out = arg;
        }
    }
    return *out <= MAX_VALUE && *out >= -MAX_VALUE;
}

bool lang_cexpr_value(const struct lang_cexpr *e, lang_wide *out, bool *open_out)
{
    switch (e->kind) {
    case CEXPR_BOOL:
    case CEXPR_INT:
        *out = wide_of(e->value, e->negative);
        return true;
    case CEXPR_CONST:
        if (e->ref == NULL || !e->ref->bound) {
            *open_out = true;
            return false;
        }
        *out = const_value(e->ref);
        return true;
    case CEXPR_PARTY:
        if (!e->bound) {
            *open_out = true;
            return false;
        }
        *out = wide_of(e->value, e->negative);
        return true;
    default:
        return combine(e, out, open_out);
    }
}

/* ---- Values from outside ---- */

static bool is_name(const struct lang_name *name, struct whist_bytes text)
{
    return name->len == text.len && memcmp(name->text, text.data, text.len) == 0;
}

static void missing_constant(struct binder *b, const struct lang_cexpr *e)
{
    struct lang_diag *d =
        lang_report(b->u, DIAG_MissingConstant, e->span, "the constant %.*s::%.*s is not given",
                    NAME(e->party), NAME(e->name));

    lang_diag_label(b->u, d, "%s, from outside", lang_type_text(b->u, e->type));
    lang_diag_help(b->u, d, "give it with --const %.*s::%.*s=VALUE", NAME(e->party), NAME(e->name));
}

static void wrong_constant(struct binder *b, const struct lang_cexpr *e, const struct lang_given *g)
{
    const char *type = lang_type_text(b->u, e->type);
    const char *value =
        g->is_bool
            ? (g->magnitude != 0 ? "true" : "false")
            : front_text(b->f, "%s%llu%s", g->negative ? "-" : "", (unsigned long long)g->magnitude,
                         g->suffix == 0 ? "" : lang_scalar_name((lang_type_kind)(g->suffix - 1)));
    struct lang_diag *d = lang_report(b->u, DIAG_InvalidLiteralType, e->span,
                                      "the constant %.*s::%.*s is %s, which is not %s",
                                      NAME(e->party), NAME(e->name), value, type);

    lang_diag_label(b->u, d, "expected %s", type);
}

/* Looks the value up; a later one of the same name replaces an earlier. */
static void bind_party(struct binder *b, struct lang_cexpr *e)
{
    struct lang_given *found = NULL;

    e->bound = false;
    for (size_t i = 0; i < b->n_given; i++) {
        if (is_name(e->party, b->given[i].party) && is_name(e->name, b->given[i].name)) {
            b->given[i].used = true;
            found = &b->given[i];
        }
    }
    if (found == NULL) {
        missing_constant(b, e);
        return;
    }
    if (found->is_bool != (e->type->kind == TYPE_BOOL) ||
        (found->suffix != 0 && found->suffix != e->type->kind + 1) ||
        found->magnitude > lang_max_magnitude(e->type->kind, found->negative)) {
        wrong_constant(b, e, found);
        return;
    }
    e->bound = true;
    e->value = found->magnitude;
    e->negative = found->negative;
}

static void bind_parties(struct binder *b, struct lang_cexpr *e)
{
    if (e->kind == CEXPR_PARTY) {
        bind_party(b, e);
    }
    for (uint32_t i = 0; i < e->n_args; i++) {
        bind_parties(b, e->args[i]);
    }
}

static const char *wide_text(struct binder *b, lang_wide value)
{
    /* 2^101 has 31 digits */
    char buf[40], *at = buf + sizeof(buf) - 1;
    bool negative = value < 0;

    *at = '\0';
    value = negative ? -value : value;
    do {
        *--at = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value != 0);
    if (negative) {
        *--at = '-';
    }
    return front_text(b->f, "%s", at);
}

static void out_of_range(struct binder *b, struct lang_span span, bool known, lang_wide value,
                         const struct lang_type *type)
{
    const char *name = lang_type_text(b->u, type);
    struct lang_diag *d;

    if (known) {
        d = lang_report(b->u, DIAG_ConstOutOfRange, span, "the value is %s, which is not in %s",
                        wide_text(b, value), name);
    } else {
        d = lang_report(b->u, DIAG_ConstOutOfRange, span, "the value is not in %s", name);
    }
    lang_diag_label(b->u, d, "%s holds %s%llu to %llu", name, lang_is_signed(type) ? "-" : "",
                    (unsigned long long)lang_max_magnitude(type->kind, true),
                    (unsigned long long)lang_max_magnitude(type->kind, false));
}

static bool in_range(const struct lang_type *type, lang_wide value)
{
    return value <= (lang_wide)lang_max_magnitude(type->kind, false) &&
           value >= -(lang_wide)lang_max_magnitude(type->kind, true);
}

static void bind_consts(struct binder *b)
{
    for (uint32_t i = 0; i < b->u->n_consts; i++) {
        b->u->consts[i]->bound = false;
    }
    for (uint32_t i = 0; i < b->u->n_consts; i++) {
        struct lang_const *k = b->u->consts[i];
        bool open = false, known;
        lang_wide value = 0;

        bind_parties(b, k->value);
        known = lang_cexpr_value(k->value, &value, &open);
        if (open) {
            continue; /* was reported where the value is missing */
        }
        if (!known || !in_range(k->type, value)) {
            out_of_range(b, k->value->span, known, value, k->type);
            continue;
        }
        k->bits = (uint64_t)value;
        k->bound = true;
    }
}

static void bind_sizes(struct binder *b)
{
    for (uint32_t i = 0; i < b->u->n_sizes; i++) {
        struct lang_size *s = b->u->sizes[i];
        bool open = false, known;
        lang_wide value = 0;

        if (s->kind == SIZE_NUMBER) {
            continue;
        }
        s->n = 0;
        if (s->kind == SIZE_CONST) {
            s->n = s->ref->bound ? s->ref->bits : 0;
            continue;
        }
        bind_parties(b, s->expr);
        known = lang_cexpr_value(s->expr, &value, &open);
        if (open) {
            continue;
        }
        if (!known || value < 0 || value > UINT32_MAX) {
            out_of_range(b, s->expr->span, known, value, b->u->scalars[TYPE_USIZE]);
            continue;
        }
        s->n = (uint64_t)value;
    }
}

/* ---- Layouts ---- */

#define TOO_MANY UINT64_MAX

static uint64_t add_sizes(uint64_t a, uint64_t b)
{
    return a > TOO_MANY - b ? TOO_MANY : a + b;
}

static uint64_t multiply_sizes(uint64_t a, uint64_t b)
{
    return a != 0 && b > TOO_MANY / a ? TOO_MANY : a * b;
}

/* Sums that stop at TOO_MANY. Arrays count each element as a cell of at least one, so that work
 * over empty elements is bounded too. */
static void lay_out_struct(struct lang_type *t)
{
    struct lang_struct *s = t->strct;

    for (uint32_t i = 0; i < s->n_fields; i++) {
        struct lang_field *f = &s->fields[s->sorted[i]];

        f->offset = t->bits;
        t->bits = add_sizes(t->bits, f->type->bits);
        t->cells = add_sizes(t->cells, f->type->cells);
    }
}

static void lay_out_enum(struct lang_type *t)
{
    struct lang_enum *e = t->enm;

    e->payload_bits = 0;
    for (uint32_t i = 0; i < e->n_variants; i++) {
        struct lang_variant *v = &e->variants[i];
        uint64_t bits = 0;

        for (uint32_t k = 0; k < v->n_fields; k++) {
            v->offsets[k] = bits;
            bits = add_sizes(bits, v->fields[k]->bits);
            t->cells = add_sizes(t->cells, v->fields[k]->cells);
        }
        e->payload_bits = bits > e->payload_bits ? bits : e->payload_bits;
    }
    t->bits = add_sizes(e->tag_bits, e->payload_bits);
    t->cells = add_sizes(t->cells, 1);
}

static void lay_out(struct lang_type *t)
{
    t->bits = t->cells = 0;
    if (t->kind == TYPE_STRUCT) {
        lay_out_struct(t);
    } else if (t->kind == TYPE_ENUM) {
        lay_out_enum(t);
    } else if (t->kind == TYPE_ARRAY) {
        uint64_t each = t->elem->cells == 0 ? 1 : t->elem->cells;
        t->bits = multiply_sizes(t->size->n, t->elem->bits);
        t->cells = multiply_sizes(t->size->n, each);
    } else {
        for (uint32_t i = 0; i < t->n_parts; i++) {
            t->bits = add_sizes(t->bits, t->parts[i]->bits);
            t->cells = add_sizes(t->cells, t->parts[i]->cells);
        }
    }
}

/* Parts first: types within have smaller numbers, but for structs and enums, which go by
 * type_order; `done` says what is laid out. Depth is bounded by the height of types. */
static void lay_out_parts(struct binder *b, bool *done, const struct lang_type *t)
{
    if (done[t->id]) {
        return;
    }
    done[t->id] = true;
    if (t->kind == TYPE_ARRAY) {
        lay_out_parts(b, done, t->elem);
    }
    for (uint32_t i = 0; i < t->n_parts; i++) {
        lay_out_parts(b, done, t->parts[i]);
    }
    if (t->kind >= TYPE_TUPLE && t->kind <= TYPE_ARRAY) {
        lay_out(b->u->types[t->id]);
    }
}

static void lay_out_named(struct binder *b, bool *done, uint32_t number)
{
    const struct lang_unit *u = b->u;
    const struct lang_type *t;

    if (number < u->n_structs) {
        const struct lang_struct *s = u->structs[number];
        for (uint32_t i = 0; i < s->n_fields; i++) {
            lay_out_parts(b, done, s->fields[i].type);
        }
        t = s->type;
    } else {
        const struct lang_enum *e = u->enums[number - u->n_structs];
        for (uint32_t i = 0; i < e->n_variants; i++) {
            for (uint32_t k = 0; k < e->variants[i].n_fields; k++) {
                lay_out_parts(b, done, e->variants[i].fields[k]);
            }
        }
        t = e->type;
    }
    lay_out(u->types[t->id]);
    done[t->id] = true;
}

/* Where the program speaks of a value of that type; false if nowhere. */
static bool find_type(const struct lang_unit *u, const struct lang_type *t, struct lang_span *out)
{
    for (uint32_t i = 0; i < u->n_fns; i++) {
        const struct lang_fn *fn = u->fns[i];

        for (uint32_t k = 0; k < fn->n_locals; k++) {
            if (fn->locals[k]->type == t) {
                *out = fn->locals[k]->span;
                return true;
            }
        }
        if (fn->result == t) {
            *out = fn->given->span;
            return true;
        }
    }
    return false;
}

static void too_large(struct binder *b, const struct lang_type *t)
{
    const char *text = lang_type_text(b->u, t);
    struct lang_span span;
    struct lang_diag *d =
        find_type(b->u, t, &span)
            ? lang_report(b->u, DIAG_TypeTooLarge, span, "the type %s is too large", text)
            : lang_report_outside(b->u, DIAG_TypeTooLarge, "the type %s is too large", text);

    lang_diag_help(b->u, d, "at most %llu bits and %llu elements are accepted",
                   (unsigned long long)b->u->limits.max_bits,
                   (unsigned long long)b->u->limits.max_cells);
}

static void bind_layouts(struct binder *b)
{
    const struct lang_unit *u = b->u;
    bool *done = front_array(b->f, u->n_types, sizeof(*done));

    for (uint32_t i = 0; i < u->n_structs + u->n_enums; i++) {
        lay_out_named(b, done, u->type_order[i]);
    }
    for (uint32_t i = 0; i < u->n_types; i++) {
        const struct lang_type *t = u->types[i];

        if (t->open || t->bad) {
            continue;
        }
        lay_out_parts(b, done, t);
    }
    for (uint32_t i = 0; i < u->n_types && lang_n_errors(b->u) == 0; i++) {
        const struct lang_type *t = u->types[i];

        if (t->bits > u->limits.max_bits || t->cells > u->limits.max_cells) {
            too_large(b, t);
        }
    }
}

static void report_unused(struct binder *b)
{
    for (size_t i = 0; i < b->n_given; i++) {
        const struct lang_given *g = &b->given[i];

        if (!g->used) {
            lang_report_outside(
                b->u, DIAG_UnusedGivenConstant, "the program does not use the constant %.*s::%.*s",
                (int)(g->party.len > 80 ? 80 : g->party.len), (const char *)g->party.data,
                (int)(g->name.len > 80 ? 80 : g->name.len), (const char *)g->name.data);
        }
    }
}

static void run(struct binder *b)
{
    for (size_t i = 0; i < b->n_given; i++) {
        b->given[i].used = false;
    }
    bind_consts(b);
    bind_sizes(b);
    if (lang_n_errors(b->u) == 0) {
        bind_layouts(b);
    }
    report_unused(b);
}

whist_status lang_bind(struct lang_unit *unit, struct lang_given *given, size_t n_given)
{
    struct front f = {.unit = unit};
    struct binder b = {&f, unit, given, n_given};

    WHIST_REQUIRE(unit->checked);
    lang_diags_clear_late(unit);
    unit->bound = false;
    unit->status = WHIST_OK;
    if (setjmp(f.failed) == 0) {
        run(&b);
    }
    whist_free(f.stack);
    if (unit->status != WHIST_OK) {
        return unit->status;
    }
    unit->bound = lang_n_errors(unit) == 0;
    return unit->bound ? WHIST_OK : WHIST_ERR_FORMAT;
}
