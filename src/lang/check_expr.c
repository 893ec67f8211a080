/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Types of expressions: access, literals of all kinds. Operators are in check_operator.c, calls in
 * check_call.c, control flow in check_flow.c. */
#include "lang/check_flow.h"

/* ---- Access ---- */

static void wrong_kind(struct checker *c, lang_diag_kind kind, struct lang_span span,
                       const char *what, const struct lang_type *t)
{
    struct lang_diag *d;

    if (t->bad) {
        return;
    }
    d = lang_report(c->u, kind, span, "expected %s, found %s", what, check_text(c, t));
    lang_diag_label(c->u, d, "this is %s", check_text(c, t));
}

const struct lang_type *check_index(struct checker *c, const struct lang_type *array,
                                    struct lang_span span, struct lang_expr *index)
{
    struct why why = {span, "indices of arrays are usize"};

    array = infer_prune(c, array);
    check_expect(c, index, front_scalar(c->f, TYPE_USIZE), &why);
    if (array->kind == TYPE_ARRAY) {
        return array->elem;
    }
    wrong_kind(c, DIAG_ExpectedArrayType, span, "an array", array);
    return c->u->error_type;
}

static const struct lang_type *tuple_field(struct checker *c, const struct lang_type *of,
                                           struct lang_span span, uint32_t field)
{
    struct lang_diag *d;

    if (of->kind != TYPE_TUPLE) {
        wrong_kind(c, DIAG_ExpectedTupleType, span, "a tuple", of);
        return c->u->error_type;
    }
    if (field >= of->n_parts) {
        d = lang_report(c->u, DIAG_TupleAccessOutOfBounds, span,
                        "there is no field %u in a tuple of %u", field, of->n_parts);
        lang_diag_label(c->u, d, "this is %s", check_text(c, of));
        lang_diag_help(c->u, d, "fields of tuples count from 0");
        return c->u->error_type;
    }
    return of->parts[field];
}

uint32_t check_find_field(const struct lang_struct *s, const struct lang_name *name)
{
    uint32_t from = 0, to = s->n_fields;

    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        int order = front_compare_names(s->fields[s->sorted[mid]].name, name);

        if (order == 0) {
            return s->sorted[mid];
        }
        if (order < 0) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    return s->n_fields;
}

void check_unknown_field(struct checker *c, const struct lang_struct *s, struct lang_span span,
                         const struct lang_name *name)
{
    struct candidates all = {name, NULL, 3};
    struct lang_diag *d = lang_report(c->u, DIAG_UnknownStructField, span,
                                      "`%.*s` has no field `%.*s`", NAME(s->name), NAME(name));

    lang_diag_label(c->u, d, "no such field");
    lang_diag_also(c->u, d, s->span, "`%.*s` is defined here", NAME(s->name));
    for (uint32_t i = 0; check_seen(c) && i < s->n_fields; i++) {
        check_candidate(&all, s->fields[i].name);
    }
    check_suggest(c, d, &all);
}

const struct lang_type *check_field(struct checker *c, const struct lang_type *of,
                                    struct lang_span span, const struct lang_name *name,
                                    uint32_t *field)
{
    of = infer_prune(c, of);
    if (of->kind == TYPE_ERROR) {
        return of;
    }
    if (name == NULL) {
        return tuple_field(c, of, span, *field);
    }
    if (of->kind != TYPE_STRUCT) {
        wrong_kind(c, DIAG_ExpectedStructType, span, "a struct", of);
        return c->u->error_type;
    }
    *field = check_find_field(of->strct, name);
    if (*field == of->strct->n_fields) {
        check_unknown_field(c, of->strct, span, name);
        *field = 0;
        return c->u->error_type;
    }
    return of->strct->fields[*field].type;
}

/* ---- Literals ---- */

/* Without a suffix it is what is expected; whether it fits is said when that is final. */
static void check_number(struct checker *c, struct lang_expr *e, const struct lang_type *want)
{
    if (e->num.suffix != 0) {
        e->type = front_scalar(c->f, (lang_type_kind)(e->num.suffix - 1));
    } else {
        e->type = want != NULL && infer_is_number(c, want) ? want : infer_new(c);
    }
}

static void check_range(struct checker *c, struct lang_expr *e)
{
    uint8_t suffix = e->num.suffix != 0 ? e->num.suffix : e->num.to_suffix;
    const struct lang_type *elem =
        suffix != 0 ? front_scalar(c->f, (lang_type_kind)(suffix - 1)) : infer_new(c);
    uint64_t n = e->num.to - e->num.bits;
    struct lang_diag *d;

    if (e->num.to <= e->num.bits || n > UINT32_MAX) {
        d = lang_report(c->u, DIAG_InvalidRange, e->span, "the range is %s",
                        e->num.to == e->num.bits  ? "empty"
                        : e->num.to < e->num.bits ? "reversed"
                                                  : "too long");
        lang_diag_help(c->u, d,
                       n > UINT32_MAX && e->num.to > e->num.bits
                           ? "a range has at most 4294967295 elements"
                           : "the end must be above the start");
        e->num.to = e->num.bits + 1;
        e->type = front_array_of(c->f, elem, front_size_number(c->f, 1));
        return;
    }
    e->type = check_array(c, e->span, elem, front_size_number(c->f, n));
}

static void check_tuple_expr(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                             const struct why *why)
{
    const struct lang_type **parts = front_array(c->f, e->n_items, sizeof(*parts));
    bool alike = want != NULL && want->kind == TYPE_TUPLE && want->n_parts == e->n_items;

    for (uint32_t i = 0; i < e->n_items; i++) {
        if (alike) {
            check_expect(c, e->items[i], want->parts[i], why);
            parts[i] = want->parts[i];
        } else {
            check_expr(c, e->items[i], NULL, NULL);
            parts[i] = e->items[i]->type;
        }
    }
    e->type = alike ? want : check_tuple(c, e->span, parts, e->n_items);
}

static void check_array_expr(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                             const struct why *why)
{
    const struct lang_type *elem = want != NULL && want->kind == TYPE_ARRAY ? want->elem : NULL;
    struct why first = {e->items[0]->span, NULL};
    uint32_t i = 0;

    if (elem == NULL) {
        check_expr(c, e->items[0], NULL, NULL);
        elem = e->items[0]->type;
        i = 1;
        if (e->n_items > 1) {
            first.text = front_text(c->f, "the first element is %s", check_text(c, elem));
        }
        why = &first;
    }
    for (; i < e->n_items; i++) {
        check_expect(c, e->items[i], elem, why);
    }
    e->type = check_array(c, e->span, elem, front_size_number(c->f, e->n_items));
}

static void check_repeat(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                         const struct why *why)
{
    struct lang_size *size = check_size(c, e->size);

    if (want != NULL && want->kind == TYPE_ARRAY) {
        check_expect(c, e->args[0], want->elem, why);
    } else {
        check_expr(c, e->args[0], NULL, NULL);
    }
    e->type = size == NULL ? c->u->error_type : check_array(c, e->span, e->args[0]->type, size);
}

/* Fields that are missing in a literal or a pattern. given[i]: whether field i is there. */
void check_missing_fields(struct checker *c, const struct lang_struct *s, struct lang_span span,
                          const bool *given, bool pattern)
{
    struct lang_diag *d = NULL;

    for (uint32_t i = 0; i < s->n_fields; i++) {
        if (given[i]) {
            continue;
        }
        if (d == NULL) {
            d = lang_report(c->u, DIAG_MissingStructField, span, "`%.*s` has a field `%.*s` too",
                            NAME(s->name), NAME(s->fields[i].name));
            lang_diag_label(c->u, d, "`%.*s` is missing", NAME(s->fields[i].name));
            if (pattern) {
                lang_diag_help(c->u, d, "end the pattern with `..` to ignore other fields");
            }
        }
        if (check_seen(c)) {
            lang_diag_also(c->u, d, s->fields[i].span, "missing");
        }
    }
}

static void check_inits(struct checker *c, struct lang_expr *e, const struct lang_struct *s)
{
    bool *given = front_array(c->f, s->n_fields, sizeof(*given));

    for (uint32_t i = 0; i < e->n_items; i++) {
        struct lang_init *init = &e->strct.inits[i];
        struct why why;
        struct lang_diag *d;

        init->field = check_find_field(s, init->name);
        if (init->field == s->n_fields) {
            check_unknown_field(c, s, init->span, init->name);
            check_expr(c, init->value, NULL, NULL);
            continue;
        }
        if (given[init->field]) {
            d = lang_report(c->u, DIAG_DuplicateField, init->span,
                            "the field `%.*s` is given twice", NAME(init->name));
            lang_diag_label(c->u, d, "again here");
        }
        given[init->field] = true;
        why.span = s->fields[init->field].span;
        why.text = "the field is declared here";
        check_expect(c, init->value, s->fields[init->field].type, &why);
    }
    check_missing_fields(c, s, e->span, given, false);
}

static void check_struct_expr(struct checker *c, struct lang_expr *e)
{
    struct candidates all = {e->strct.name, NULL, 3};
    struct lang_struct *s = c->globals[e->strct.name->id].strct;
    struct lang_diag *d;

    if (s != NULL) {
        check_inits(c, e, s);
        e->type = s->type;
        return;
    }
    e->type = c->u->error_type;
    d = lang_report(c->u, DIAG_UnknownStruct, e->span, "there is no struct `%.*s`",
                    NAME(e->strct.name));
    for (uint32_t i = 0; check_seen(c) && i < c->u->n_structs; i++) {
        check_candidate(&all, c->u->structs[i]->name);
    }
    check_suggest(c, d, &all);
    for (uint32_t i = 0; i < e->n_items; i++) {
        check_expr(c, e->strct.inits[i].value, NULL, NULL);
    }
}

/* ---- Variants ---- */

struct lang_enum *check_enum_named(struct checker *c, const struct lang_name *name,
                                   struct lang_span span)
{
    struct candidates all = {name, NULL, 3};
    struct lang_enum *enm = c->globals[name->id].enm;
    struct lang_diag *d;

    if (enm == NULL) {
        d = lang_report(c->u, DIAG_UnknownEnum, span, "there is no enum `%.*s`", NAME(name));
        for (uint32_t i = 0; check_seen(c) && i < c->u->n_enums; i++) {
            check_candidate(&all, c->u->enums[i]->name);
        }
        check_suggest(c, d, &all);
    }
    return enm;
}

/* The number of the variant; false after an error. */
static bool find_variant(struct checker *c, const struct lang_enum *enm,
                         const struct lang_name *name, struct lang_span span, uint32_t *out)
{
    struct candidates all = {name, NULL, 3};
    struct lang_diag *d;
    uint32_t from = 0, to = enm->n_variants;

    while (from < to) {
        uint32_t mid = from + (to - from) / 2;
        int order = front_compare_names(enm->variants[enm->sorted[mid]].name, name);

        if (order == 0) {
            *out = enm->sorted[mid];
            return true;
        }
        if (order < 0) {
            from = mid + 1;
        } else {
            to = mid;
        }
    }
    d = lang_report(c->u, DIAG_UnknownEnumVariant, span, "`%.*s` has no variant `%.*s`",
                    NAME(enm->name), NAME(name));
    lang_diag_label(c->u, d, "no such variant");
    lang_diag_also(c->u, d, enm->span, "`%.*s` is defined here", NAME(enm->name));
    for (uint32_t i = 0; check_seen(c) && i < enm->n_variants; i++) {
        check_candidate(&all, enm->variants[i].name);
    }
    check_suggest(c, d, &all);
    return false;
}

const struct lang_variant *check_variant(struct checker *c, const struct lang_enum *enm,
                                         const struct lang_name *name, struct lang_span span,
                                         bool tuple, uint32_t n, uint32_t *number_out)
{
    const struct lang_variant *v;
    struct lang_diag *d;

    if (!find_variant(c, enm, name, span, number_out)) {
        return NULL;
    }
    v = &enm->variants[*number_out];
    if (tuple == v->tuple && n == v->n_fields) {
        return v;
    }
    if (tuple != v->tuple) {
        d = lang_report(c->u,
                        tuple ? DIAG_ExpectedUnitVariantFoundTupleVariant
                              : DIAG_ExpectedTupleVariantFoundUnitVariant,
                        span, "the variant `%.*s` has %s", NAME(name),
                        v->tuple ? "fields" : "no fields");
        lang_diag_help(c->u, d, v->tuple ? "write %.*s::%.*s(...)" : "write %.*s::%.*s",
                       NAME(enm->name), NAME(name));
    } else {
        d = lang_report(c->u, DIAG_UnexpectedEnumVariantArity, span,
                        "the variant `%.*s` has %u field%s, here are %u", NAME(name), v->n_fields,
                        v->n_fields == 1 ? "" : "s", n);
    }
    lang_diag_also(c->u, d, v->span, "`%.*s` is defined here", NAME(name));
    return NULL;
}

static void check_variant_expr(struct checker *c, struct lang_expr *e)
{
    struct lang_enum *enm = check_enum_named(c, e->variant.enum_name, e->span);
    const struct lang_variant *v = NULL;

    e->type = enm == NULL ? c->u->error_type : enm->type;
    if (enm != NULL) {
        v = check_variant(c, enm, e->variant.name, e->span, e->variant.tuple, e->n_items,
                          &e->variant.variant);
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        if (v != NULL) {
            struct why why = {v->span, "the variant is defined here"};
            check_expect(c, e->variant.items[i], v->fields[i], &why);
        } else {
            check_expr(c, e->variant.items[i], NULL, NULL);
        }
    }
}

/* ---- Any expression ---- */

/* 1.5 reads as field 5 of 1. */
static void report_fraction(struct checker *c, struct lang_expr *e)
{
    struct lang_diag *d = lang_report(c->u, DIAG_ExpectedTupleType, e->span,
                                      "expected a tuple before `.%u`, found a number", e->field);

    lang_diag_label(c->u, d, "a number has no fields");
    lang_diag_help(c->u, d, "there are only whole numbers");
    e->type = c->u->error_type;
}

static void check_by_kind(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                          const struct why *why)
{
    switch ((lang_expr_kind)e->kind) {
    case EXPR_BOOL:
        e->type = front_scalar(c->f, TYPE_BOOL);
        break;
    case EXPR_INT:
        check_number(c, e, want);
        break;
    case EXPR_RANGE:
        check_range(c, e);
        break;
    case EXPR_CONST:
    case EXPR_LOCAL:
        check_name(c, e);
        break;
    case EXPR_TUPLE:
        check_tuple_expr(c, e, want, why);
        break;
    case EXPR_ARRAY:
        check_array_expr(c, e, want, why);
        break;
    case EXPR_REPEAT:
        check_repeat(c, e, want, why);
        break;
    case EXPR_STRUCT:
        check_struct_expr(c, e);
        break;
    case EXPR_VARIANT:
        check_variant_expr(c, e);
        break;
    case EXPR_INDEX:
        check_expr(c, e->args[0], NULL, NULL);
        e->type = check_index(c, e->args[0]->type, e->args[0]->span, e->args[1]);
        break;
    case EXPR_FIELD:
        check_expr(c, e->args[0], NULL, NULL);
        if (e->args[0]->kind == EXPR_INT && e->field_name == NULL) {
            report_fraction(c, e);
            break;
        }
        e->type = check_field(c, e->args[0]->type, e->span, e->field_name, &e->field);
        break;
    case EXPR_UNARY:
        check_unary(c, e);
        break;
    case EXPR_BINARY:
        check_binary(c, e);
        break;
    case EXPR_CAST:
        check_cast(c, e);
        break;
    case EXPR_CALL:
    case EXPR_JOIN:
        check_call(c, e);
        break;
    case EXPR_IF:
        check_if(c, e, want, why);
        break;
    case EXPR_MATCH:
        check_match(c, e, want, why);
        break;
    case EXPR_BLOCK:
        check_block(c, e->block, want, why);
        e->type = e->block->type;
        break;
    }
}

void check_expr(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                const struct why *why)
{
    check_by_kind(c, e, want == NULL ? NULL : infer_prune(c, want), why);
}

void check_expect(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                  const struct why *why)
{
    check_expr(c, e, want, why);
    if (!infer_unify(c, want, e->type)) {
        check_unexpected(c, e->span, want, e->type, why);
    }
}
