/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Patterns: names and types. Ranges of numbers are checked when the types are final (finish.c),
 * exhaustiveness in useful.c. */
#include "lang/check_flow.h"

static void check_sub_patterns(struct checker *c, struct lang_pattern *p, bool mut)
{
    for (uint32_t i = 0; i < p->n_subs; i++) {
        check_pattern(c, p->subs[i], c->u->error_type, mut);
    }
}

static void bind_pattern(struct checker *c, struct lang_pattern *p, bool mut)
{
    p->local = check_bind(c, p->name, p->span, p->type, mut);
}

/* Constructors of another kind of type than the value has. */
static bool wrong_type(struct checker *c, struct lang_pattern *p, lang_diag_kind kind,
                       const char *what)
{
    struct lang_diag *d;

    if (p->type->kind == TYPE_ERROR) {
        return true;
    }
    if (p->type->kind == TYPE_ARRAY) {
        d = lang_report(c->u, DIAG_TypeDoesNotSupportPatternMatching, p->span,
                        "arrays can only be matched as a whole, by a name");
        lang_diag_label(c->u, d, "the value is %s", check_text(c, p->type));
    } else {
        d = lang_report(c->u, kind, p->span, "this pattern is for %s, the value is %s", what,
                        check_text(c, p->type));
        lang_diag_label(c->u, d, "expected a pattern for %s", check_text(c, p->type));
    }
    return true;
}

static void check_bool_pattern(struct checker *c, struct lang_pattern *p)
{
    if (p->type->kind != TYPE_BOOL && wrong_type(c, p, DIAG_UnexpectedType, "bool")) {
        p->type = c->u->error_type;
    }
}

static void check_number_pattern(struct checker *c, struct lang_pattern *p)
{
    const struct lang_type *t = p->type, *own;
    struct lang_diag *d;

    if (t->kind != TYPE_VAR && !lang_is_integer(t)) {
        wrong_type(c, p, DIAG_ExpectedNumberType, "numbers");
        p->type = c->u->error_type;
        return;
    }
    if (p->lo_suffix != 0) {
        own = front_scalar(c->f, (lang_type_kind)(p->lo_suffix - 1));
        if (!infer_unify(c, t, own)) {
            check_unexpected(c, p->span, t, own, NULL);
            p->type = c->u->error_type;
        }
    }
    t = infer_prune(c, t);
    if ((p->lo_negative || p->hi_negative) && lang_is_integer(t) && !lang_is_signed(t)) {
        d = lang_report(c->u, DIAG_ExpectedSignedNumberType, p->span,
                        "the value is %s and never negative", check_text(c, t));
        lang_diag_label(c->u, d, "never matches");
        p->type = c->u->error_type;
    }
}

static void check_tuple_pattern(struct checker *c, struct lang_pattern *p, bool mut)
{
    const struct lang_type *t = p->type;
    struct lang_diag *d;

    if (t->kind == TYPE_TUPLE && t->n_parts == p->n_subs) {
        for (uint32_t i = 0; i < p->n_subs; i++) {
            check_pattern(c, p->subs[i], t->parts[i], mut);
        }
        return;
    }
    if (t->kind != TYPE_TUPLE) {
        wrong_type(c, p, DIAG_ExpectedTupleType, "tuples");
    } else {
        d = lang_report(c->u, DIAG_UnexpectedEnumVariantArity, p->span,
                        "the pattern has %u part%s, the tuple has %u", p->n_subs,
                        p->n_subs == 1 ? "" : "s", t->n_parts);
        lang_diag_label(c->u, d, "the value is %s", check_text(c, t));
    }
    p->type = c->u->error_type;
    check_sub_patterns(c, p, mut);
}

static void check_variant_pattern(struct checker *c, struct lang_pattern *p, bool mut)
{
    struct lang_enum *enm = check_enum_named(c, p->enum_name, p->span);
    const struct lang_variant *v = NULL;

    if (enm != NULL && p->type->kind == TYPE_ENUM && p->type->enm == enm) {
        v = check_variant(c, enm, p->name, p->span, p->tuple, p->n_subs, &p->variant);
    } else if (enm != NULL && p->type->kind == TYPE_ENUM) {
        check_unexpected(c, p->span, p->type, enm->type, NULL);
    } else if (enm != NULL) {
        wrong_type(c, p, DIAG_UnexpectedType, check_text(c, enm->type));
    }
    if (v == NULL) {
        p->type = c->u->error_type;
        check_sub_patterns(c, p, mut);
        return;
    }
    for (uint32_t i = 0; i < p->n_subs; i++) {
        check_pattern(c, p->subs[i], v->fields[i], mut);
    }
}

static void check_field_patterns(struct checker *c, struct lang_pattern *p,
                                 const struct lang_struct *s, bool mut)
{
    bool *given = front_array(c->f, s->n_fields, sizeof(*given));
    struct lang_diag *d;

    for (uint32_t i = 0; i < p->n_subs; i++) {
        uint32_t field = check_find_field(s, p->field_names[i]);
        const struct lang_type *t = c->u->error_type;

        if (field == s->n_fields) {
            check_unknown_field(c, s, p->field_spans[i], p->field_names[i]);
            field = 0;
        } else {
            if (given[field]) {
                d = lang_report(c->u, DIAG_DuplicateField, p->field_spans[i],
                                "the field `%.*s` is matched twice", NAME(p->field_names[i]));
                lang_diag_label(c->u, d, "again here");
            }
            given[field] = true;
            t = s->fields[field].type;
        }
        p->fields[i] = field;
        check_pattern(c, p->subs[i], t, mut);
    }
    if (!p->rest) {
        check_missing_fields(c, s, p->span, given, true);
    }
}

static void check_struct_pattern(struct checker *c, struct lang_pattern *p, bool mut)
{
    struct lang_struct *s = c->globals[p->name->id].strct;
    struct lang_diag *d;

    if (s != NULL && p->type == s->type) {
        check_field_patterns(c, p, s, mut);
        return;
    }
    if (s == NULL) {
        d = lang_report(c->u, DIAG_UnknownStruct, p->span, "there is no struct `%.*s`",
                        NAME(p->name));
        lang_diag_label(c->u, d, "not a struct");
    } else if (p->type->kind == TYPE_STRUCT) {
        check_unexpected(c, p->span, p->type, s->type, NULL);
    } else {
        wrong_type(c, p, DIAG_ExpectedStructType, check_text(c, s->type));
    }
    p->type = c->u->error_type;
    check_sub_patterns(c, p, mut);
}

static void by_kind(struct checker *c, struct lang_pattern *p, bool mut)
{
    switch (p->kind) {
    case PAT_BIND:
        bind_pattern(c, p, mut);
        break;
    case PAT_BOOL:
        check_bool_pattern(c, p);
        break;
    case PAT_INT:
        check_number_pattern(c, p);
        break;
    case PAT_TUPLE:
        check_tuple_pattern(c, p, mut);
        break;
    case PAT_STRUCT:
        check_struct_pattern(c, p, mut);
        break;
    case PAT_VARIANT:
        check_variant_pattern(c, p, mut);
        break;
    }
}

/* The same name twice in one pattern: the later would hide the earlier. */
static void report_twice(struct checker *c, uint32_t first_slot)
{
    for (uint32_t i = first_slot; i < c->fn->n_locals; i++) {
        const struct lang_local *local = c->fn->locals[i], *last = c->visible[local->name->id];
        struct lang_diag *d;

        if (last == local || local->name->text[0] == '_') {
            continue;
        }
        d = lang_report(c->u, DIAG_DuplicateBinding, last->span,
                        "`%.*s` is bound twice in one pattern", NAME(local->name));
        lang_diag_label(c->u, d, "again here");
        lang_diag_also(c->u, d, local->span, "first here");
    }
}

void check_pattern(struct checker *c, struct lang_pattern *p, const struct lang_type *type,
                   bool mut)
{
    uint32_t first_slot = c->fn->n_locals;
    bool whole = !c->in_pattern;

    c->in_pattern = true;
    p->type = infer_prune(c, type);
    by_kind(c, p, mut);
    if (whole) {
        c->in_pattern = false;
        report_twice(c, first_slot);
    }
}
