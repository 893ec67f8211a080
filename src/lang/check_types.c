/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Consts, types as written, structs and enums. */
#include "lang/check.h"

/* ---- Const expressions ---- */

static void want_outside(struct checker *c, const struct lang_cexpr *e)
{
    struct lang_unit *u = c->u;

    /* Most programs name a few; with very many some may be listed twice. */
    for (uint32_t i = u->n_wanted > 1000 ? u->n_wanted - 1000 : 0; i < u->n_wanted; i++) {
        if (u->wanted[i].party == e->party && u->wanted[i].name == e->name &&
            u->wanted[i].type == e->type) {
            return;
        }
    }
    u->wanted = check_grow(c->f, u->wanted, u->n_wanted, &c->cap_wanted, sizeof(*u->wanted));
    u->wanted[u->n_wanted].party = e->party;
    u->wanted[u->n_wanted].name = e->name;
    u->wanted[u->n_wanted].type = e->type;
    u->wanted[u->n_wanted].span = e->span;
    u->n_wanted++;
}

static void unknown_const(struct checker *c, const struct lang_cexpr *e)
{
    struct candidates all = {e->name, NULL, 3};
    struct lang_const *below = c->globals[e->name->id].constant;
    struct lang_diag *d = lang_report(c->u, DIAG_UnknownIdentifier, e->span,
                                      "there is no const `%.*s` here", NAME(e->name));

    if (below != NULL) {
        below->used = true;
        lang_diag_also(c->u, d, below->span, "defined only here");
        lang_diag_help(c->u, d, "a const may name the consts above it");
        return;
    }
    for (uint32_t i = 0; check_seen(c) && i < c->consts_above; i++) {
        check_candidate(&all, c->u->consts[i]->name);
    }
    check_suggest(c, d, &all);
}

/* The const that is named, if it is above; NULL after an error. */
static struct lang_const *named_const(struct checker *c, const struct lang_cexpr *e)
{
    struct lang_const *ref = c->globals[e->name->id].constant;

    if (ref == NULL || (c->consts_above < c->u->n_consts &&
                        ref->span.from >= c->u->consts[c->consts_above]->span.from)) {
        unknown_const(c, e);
        return NULL;
    }
    ref->used = true;
    return ref;
}

/* Nothing can be converted in consts. */
static void const_unexpected(struct checker *c, const struct lang_cexpr *e,
                             const struct lang_type *want, const struct lang_type *found)
{
    struct lang_diag *d;

    if (want->bad || found->bad) {
        return;
    }
    d = lang_report(c->u, DIAG_UnexpectedType, e->span, "expected %s, found %s",
                    check_text(c, want), check_text(c, found));
    lang_diag_label(c->u, d, "expected %s", check_text(c, want));
    if (e->kind == CEXPR_CONST) {
        lang_diag_also(c->u, d, e->ref->span, "defined here");
    }
}

/* A literal: in consts its suffix must be there, in sizes it may. */
static void check_const_number(struct checker *c, struct lang_cexpr *e,
                               const struct lang_type *want, bool in_size)
{
    struct lang_diag *d;

    if (e->suffix != 0) {
        const struct lang_type *own = front_scalar(c->f, (lang_type_kind)(e->suffix - 1));
        if (own != want) {
            const_unexpected(c, e, want, own);
        }
    } else if (!lang_is_integer(want)) {
        d = lang_report(c->u, DIAG_UnexpectedType, e->span, "expected %s, found a number",
                        check_text(c, want));
        lang_diag_label(c->u, d, "expected %s", check_text(c, want));
    } else if (!in_size) {
        d = lang_report(c->u, DIAG_UnexpectedType, e->span,
                        "numbers in consts need a suffix: expected %s", check_text(c, want));
        lang_diag_help(c->u, d, "write `%s%llu%s`", e->negative ? "-" : "",
                       (unsigned long long)e->value, check_text(c, want));
    }
}

static void check_cexpr(struct checker *c, struct lang_cexpr *e, const struct lang_type *want,
                        bool in_size)
{
    struct lang_diag *d;

    e->type = want;
    switch (e->kind) {
    case CEXPR_BOOL:
        if (want->kind != TYPE_BOOL) {
            const_unexpected(c, e, want, front_scalar(c->f, TYPE_BOOL));
        }
        return;
    case CEXPR_INT:
        check_const_number(c, e, want, in_size);
        return;
    case CEXPR_CONST:
        e->ref = named_const(c, e);
        if (e->ref != NULL && e->ref->type != want) {
            const_unexpected(c, e, want, e->ref->type);
        }
        return;
    case CEXPR_PARTY:
        want_outside(c, e);
        return;
    default:
        if (!lang_is_integer(want) && want->kind != TYPE_ERROR) {
            d = lang_report(c->u, DIAG_ExpectedNumberType, e->span,
                            "only numbers can be computed with, not %s", check_text(c, want));
            lang_diag_label(c->u, d, "expected %s", check_text(c, want));
            return;
        }
        for (uint32_t i = 0; i < e->n_args; i++) {
            check_cexpr(c, e->args[i], want, in_size);
        }
    }
}

void check_consts(struct checker *c)
{
    for (uint32_t i = 0; i < c->u->n_consts; i++) {
        struct lang_const *k = c->u->consts[i];
        size_t errors = lang_n_errors(c->u);

        c->consts_above = i;
        k->type = check_typeref(c, k->given);
        if (k->type->kind != TYPE_BOOL && !lang_is_integer(k->type) &&
            k->type->kind != TYPE_ERROR) {
            struct lang_diag *d =
                lang_report(c->u, DIAG_ExpectedBoolOrNumberType, k->given->span,
                            "a const is a bool or an integer, not %s", check_text(c, k->type));
            lang_diag_label(c->u, d, "expected bool or an integer type");
            k->type = c->u->error_type;
        }
        check_cexpr(c, k->value, k->type, false);
        k->bad = lang_n_errors(c->u) > errors;
    }
    c->consts_above = c->u->n_consts;
}

/* ---- Types as written ---- */

/* An error if the type that was just made was refused. */
static const struct lang_type *check_large(struct checker *c, struct lang_span span,
                                           const struct lang_type *t)
{
    if (c->f->too_large) {
        struct lang_diag *d =
            lang_report(c->u, DIAG_TypeTooLarge, span, "this type is too large to write out");
        lang_diag_help(c->u, d, "give parts of it names as structs");
        c->f->too_large = false;
    }
    return t;
}

const struct lang_type *check_tuple(struct checker *c, struct lang_span span,
                                    const struct lang_type **parts, uint32_t n)
{
    return check_large(c, span, front_tuple(c->f, parts, n));
}

const struct lang_type *check_array(struct checker *c, struct lang_span span,
                                    const struct lang_type *elem, struct lang_size *size)
{
    return check_large(c, span, front_array_of(c->f, elem, size));
}

struct lang_size *check_size(struct checker *c, struct lang_cexpr *e)
{
    const struct lang_type *usize = front_scalar(c->f, TYPE_USIZE);
    struct lang_local *local;
    struct lang_diag *d;

    if (e->kind == CEXPR_INT) {
        if (e->value > UINT32_MAX) {
            d = lang_report(c->u, DIAG_TypeTooLarge, e->span,
                            "an array of %llu elements is too large", (unsigned long long)e->value);
            lang_diag_help(c->u, d, "sizes are usize, which has 32 bits");
            return NULL;
        }
        return front_size_number(c->f, e->value);
    }
    local = c->visible[e->name->id];
    if (local != NULL) {
        d = lang_report(c->u, DIAG_ArraySizeNotConst, e->span,
                        "the size of an array must be a const, and `%.*s` is a variable",
                        NAME(e->name));
        lang_diag_label(c->u, d, "not a const");
        lang_diag_also(c->u, d, local->span, "bound here");
        local->used = true;
        return NULL;
    }
    check_cexpr(c, e, usize, true);
    if (e->ref == NULL || e->ref->bad || e->ref->type != usize) {
        return NULL;
    }
    return front_size_const(c->f, (struct lang_const *)e->ref);
}

static struct lang_size *braced_size(struct checker *c, struct lang_cexpr *e)
{
    size_t errors = lang_n_errors(c->u);

    check_cexpr(c, e, front_scalar(c->f, TYPE_USIZE), true);
    return lang_n_errors(c->u) > errors ? NULL : front_size_expr(c->f, e);
}

static void unknown_type(struct checker *c, const struct lang_typeref *ref)
{
    struct candidates all = {ref->name, NULL, 3};
    struct lang_diag *d = lang_report(c->u, DIAG_UnknownStructOrEnum, ref->span,
                                      "there is no type `%.*s`", NAME(ref->name));

    lang_diag_label(c->u, d, "not a type");
    for (uint32_t i = 0; check_seen(c) && i < c->u->n_structs; i++) {
        check_candidate(&all, c->u->structs[i]->name);
    }
    for (uint32_t i = 0; check_seen(c) && i < c->u->n_enums; i++) {
        check_candidate(&all, c->u->enums[i]->name);
    }
    check_suggest(c, d, &all);
}

static const struct lang_type *named_type(struct checker *c, const struct lang_typeref *ref)
{
    const struct global *g = &c->globals[ref->name->id];
    int kind = lang_integer_named(ref->name->text, ref->name->len);

    if (kind >= 0) {
        return front_scalar(c->f, (lang_type_kind)kind);
    }
    if (lang_name_is(ref->name, "bool")) {
        return front_scalar(c->f, TYPE_BOOL);
    }
    if (g->strct != NULL) {
        return g->strct->type;
    }
    if (g->enm != NULL) {
        return g->enm->type;
    }
    unknown_type(c, ref);
    return c->u->error_type;
}

const struct lang_type *check_typeref(struct checker *c, const struct lang_typeref *ref)
{
    const struct lang_type **parts;
    struct lang_size *size;

    if (ref->kind == TYPEREF_NAME) {
        return named_type(c, ref);
    }
    parts = front_array(c->f, ref->n_parts, sizeof(*parts));
    for (uint32_t i = 0; i < ref->n_parts; i++) {
        parts[i] = check_typeref(c, ref->parts[i]);
    }
    if (ref->kind == TYPEREF_TUPLE) {
        return check_tuple(c, ref->span, parts, ref->n_parts);
    }
    size = ref->braced ? braced_size(c, ref->size) : check_size(c, ref->size);
    if (size == NULL) {
        return c->u->error_type;
    }
    return check_array(c, ref->span, parts[0], size);
}

/* ---- Structs and enums ---- */

static void check_struct(struct checker *c, struct lang_struct *s)
{
    const struct lang_name **names = front_array(c->f, s->n_fields, sizeof(*names));

    for (uint32_t i = 0; i < s->n_fields; i++) {
        names[i] = s->fields[i].name;
    }
    s->sorted = front_sort_names(c->f, names, s->n_fields);
    for (uint32_t i = 0; i < s->n_fields; i++) {
        s->fields[i].type = check_typeref(c, s->fields[i].given);
    }
    for (uint32_t i = 0; i + 1 < s->n_fields; i++) {
        struct lang_field *a = &s->fields[s->sorted[i]], *b = &s->fields[s->sorted[i + 1]];

        if (a->name == b->name) {
            struct lang_field *second = a->span.from < b->span.from ? b : a;
            struct lang_diag *d = lang_report(c->u, DIAG_DuplicateField, second->span,
                                              "the field `%.*s` is there twice", NAME(a->name));
            lang_diag_label(c->u, d, "again here");
            lang_diag_also(c->u, d, second == a ? b->span : a->span, "first here");
        }
    }
}

static void check_variants(struct checker *c, struct lang_enum *e)
{
    const struct lang_name **names = front_array(c->f, e->n_variants, sizeof(*names));

    for (uint32_t i = 0; i < e->n_variants; i++) {
        struct lang_variant *v = &e->variants[i];

        names[i] = v->name;
        v->fields = front_array(c->f, v->n_fields, sizeof(*v->fields));
        v->offsets = front_array(c->f, v->n_fields, sizeof(*v->offsets));
        for (uint32_t k = 0; k < v->n_fields; k++) {
            v->fields[k] = check_typeref(c, v->given[k]);
        }
    }
    e->sorted = front_sort_names(c->f, names, e->n_variants);
    for (uint32_t i = 0; i + 1 < e->n_variants; i++) {
        struct lang_variant *a = &e->variants[e->sorted[i]], *b = &e->variants[e->sorted[i + 1]];

        if (a->name == b->name) {
            struct lang_variant *second = a->span.from < b->span.from ? b : a;
            struct lang_diag *d = lang_report(c->u, DIAG_DuplicateVariant, second->span,
                                              "the variant `%.*s` is there twice", NAME(a->name));
            lang_diag_label(c->u, d, "again here");
            lang_diag_also(c->u, d, second == a ? b->span : a->span, "first here");
        }
    }
    for (e->tag_bits = 0; ((uint64_t)1 << e->tag_bits) < e->n_variants; e->tag_bits++) {
    }
}

void check_layouts(struct checker *c)
{
    for (uint32_t i = 0; i < c->u->n_structs; i++) {
        check_struct(c, c->u->structs[i]);
    }
    for (uint32_t i = 0; i < c->u->n_enums; i++) {
        check_variants(c, c->u->enums[i]);
    }
}
