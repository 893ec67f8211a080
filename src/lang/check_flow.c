/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* if, match, blocks, statements, functions. */
#include "lang/check_flow.h"

/* ---- if, match ---- */

static void branch_mismatch(struct checker *c, struct lang_expr *e)
{
    struct lang_block *then = e->branch.then_block;
    struct lang_expr *other = e->branch.else_expr;
    struct lang_diag *d;

    if (then->type->bad || other->type->bad) {
        return;
    }
    d = lang_report(c->u, DIAG_TypeMismatch, e->span,
                    "the branches of `if` have different types, %s and %s",
                    check_text(c, then->type), check_text(c, other->type));
    lang_diag_also(c->u, d, then->span, "this is %s", check_text(c, then->type));
    lang_diag_also(c->u, d, other->span, "this is %s", check_text(c, other->type));
}

/* Without else the type is (). */
static void check_if_alone(struct checker *c, struct lang_expr *e, const struct lang_type *want)
{
    const struct lang_type *t;
    struct lang_diag *d;

    check_block(c, e->branch.then_block, NULL, NULL);
    t = e->branch.then_block->type;
    e->type = c->u->unit_type;
    if (infer_unify(c, t, e->type)) {
        return;
    }
    d = lang_report(c->u, DIAG_TypeMismatch, e->span, "an `if` whose value is %s needs an `else`",
                    check_text(c, t));
    lang_diag_also(c->u, d, e->branch.then_block->span, "this is %s", check_text(c, t));
    lang_diag_help(c->u, d, "add `else { ... }`");
    e->type = want != NULL ? c->u->error_type : e->type;
}

void check_if(struct checker *c, struct lang_expr *e, const struct lang_type *want,
              const struct why *why)
{
    struct why condition = {{0, 0}, NULL};

    check_expect(c, e->branch.cond, front_scalar(c->f, TYPE_BOOL), &condition);
    if (e->branch.else_expr == NULL) {
        check_if_alone(c, e, want);
        return;
    }
    check_block(c, e->branch.then_block, want, why);
    if (want != NULL) {
        check_expect(c, e->branch.else_expr, want, why);
        e->type = want;
        return;
    }
    e->type = e->branch.then_block->type;
    check_expr(c, e->branch.else_expr, NULL, NULL);
    if (!infer_unify(c, e->type, e->branch.else_expr->type)) {
        branch_mismatch(c, e);
        e->type = c->u->error_type;
    }
}

void check_match(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                 const struct why *why)
{
    struct why first = {{0, 0}, NULL};

    check_expr(c, e->match.value, NULL, NULL);
    for (uint32_t i = 0; i < e->n_items; i++) {
        struct lang_arm *arm = &e->match.arms[i];
        uint32_t scope = check_open_scope(c);

        check_pattern(c, arm->pattern, e->match.value->type, false);
        if (want != NULL) {
            check_expect(c, arm->body, want, why);
        } else {
            check_expr(c, arm->body, NULL, NULL);
            want = arm->body->type;
            first.span = arm->body->span;
            first.text = front_text(c->f, "the first arm is %s", check_text(c, want));
            why = &first;
        }
        check_close_scope(c, scope);
    }
    e->type = want != NULL ? want : c->u->unit_type;
}

/* ---- Statements ---- */

static void check_let(struct checker *c, struct lang_stmt *s)
{
    const struct lang_type *t;

    if (s->given != NULL) {
        struct why why = {s->given->span, "this type was declared"};
        t = check_typeref(c, s->given);
        check_expect(c, s->value, t, &why);
    } else {
        check_expr(c, s->value, NULL, NULL);
        t = s->value->type;
    }
    check_pattern(c, s->pattern, t, s->mut);
}

static void check_for(struct checker *c, struct lang_stmt *s)
{
    uint32_t scope;
    const struct lang_type *t;
    struct lang_diag *d;

    if (s->kind == STMT_FOR_JOIN) {
        t = check_join_rows(c, s->value, s->other);
    } else {
        check_expr(c, s->value, NULL, NULL);
        t = infer_prune(c, s->value->type);
        if (t->kind != TYPE_ARRAY && t->kind != TYPE_ERROR) {
            d = lang_report(c->u, DIAG_ExpectedArrayType, s->value->span,
                            "loops run over arrays and ranges, not over %s", check_text(c, t));
            lang_diag_label(c->u, d, "this is %s", check_text(c, t));
        }
        t = t->kind == TYPE_ARRAY ? t->elem : c->u->error_type;
    }
    scope = check_open_scope(c);
    check_pattern(c, s->pattern, t, false);
    check_block(c, s->body, NULL, NULL);
    check_close_scope(c, scope);
}

/* The variable that is assigned; NULL after an error. */
static struct lang_local *assigned(struct checker *c, const struct lang_place *p)
{
    struct lang_local *local = c->visible[p->name->id];
    const struct lang_const *constant = c->globals[p->name->id].constant;
    struct lang_diag *d;

    if (local != NULL && local->mut) {
        local->assigned = true;
        return local;
    }
    if (local == NULL && constant == NULL) {
        d = lang_report(c->u, DIAG_UnknownIdentifier, p->span, "there is no variable `%.*s`",
                        NAME(p->name));
        lang_diag_label(c->u, d, "not known here");
        check_suggest_value(c, d, p->name, false);
        return NULL;
    }
    if (local == NULL) {
        c->globals[p->name->id].constant->used = true;
    }
    d = lang_report(c->u, DIAG_IdentifierNotDeclaredAsMutable, p->span,
                    local == NULL ? "`%.*s` is a const and cannot be assigned"
                                  : "`%.*s` is not mutable and cannot be assigned",
                    NAME(p->name));
    lang_diag_label(c->u, d, "cannot be assigned");
    lang_diag_also(c->u, d, local == NULL ? constant->span : local->span, "declared here");
    if (local != NULL) {
        local->assigned = true;
        lang_diag_help(c->u, d,
                       local->param ? "declare it as `mut %.*s`" : "declare it with `let mut %.*s`",
                       NAME(p->name));
    }
    return local; /* its type is known: look at the rest */
}

static void check_place(struct checker *c, struct lang_place *p)
{
    const struct lang_type *t;
    struct lang_span whole = p->span;

    p->local = assigned(c, p);
    t = p->local == NULL ? c->u->error_type : p->local->type;
    for (uint32_t i = 0; i < p->n_steps; i++) {
        struct lang_step *step = &p->steps[i];

        if (step->index != NULL) {
            t = check_index(c, t, whole, step->index);
        } else {
            struct lang_span with = {whole.from, step->span.to};
            t = check_field(c, t, with, step->name, &step->field);
        }
        step->type = t;
        whole.to = step->span.to;
    }
    p->type = t;
}

static void check_assign(struct checker *c, struct lang_stmt *s)
{
    struct lang_span place = s->place->span;
    struct why why;

    check_place(c, s->place);
    if (s->place->n_steps > 0) {
        place.to = s->place->steps[s->place->n_steps - 1].span.to;
    }
    if (s->op == OP_NONE) {
        why.span = place;
        why.text = front_text(c->f, "this is %s", check_text(c, s->place->type));
        check_expect(c, s->value, s->place->type, &why);
        return;
    }
    if (s->place->local != NULL) {
        s->place->local->used = true;
    }
    check_operator(c, s->op, s->span, NULL, s->place->type, place, s->value);
}

static void check_stmt(struct checker *c, struct lang_stmt *s, const struct lang_type *want,
                       const struct why *why)
{
    switch (s->kind) {
    case STMT_LET:
        check_let(c, s);
        break;
    case STMT_FOR:
    case STMT_FOR_JOIN:
        check_for(c, s);
        break;
    case STMT_ASSIGN:
        check_assign(c, s);
        break;
    case STMT_EXPR:
        if (want != NULL) {
            check_expect(c, s->value, want, why);
        } else {
            check_expr(c, s->value, NULL, NULL);
        }
        break;
    }
}

void check_block(struct checker *c, struct lang_block *b, const struct lang_type *want,
                 const struct why *why)
{
    uint32_t scope = check_open_scope(c);
    struct lang_stmt *last = b->n_stmts > 0 ? b->stmts[b->n_stmts - 1] : NULL;
    struct lang_span end = {b->span.to - 1, b->span.to};

    for (uint32_t i = 0; i < b->n_stmts; i++) {
        check_stmt(c, b->stmts[i], b->stmts[i] == last ? want : NULL, why);
    }
    if (last != NULL && last->kind == STMT_EXPR) {
        b->type = want != NULL ? want : last->value->type;
    } else {
        b->type = c->u->unit_type;
        if (want != NULL && !infer_unify(c, want, b->type)) {
            check_unexpected(c, end, want, b->type, why);
            b->type = want;
        }
    }
    check_close_scope(c, scope);
}

/* ---- Functions ---- */

static void show_params(struct checker *c, struct lang_fn *fn)
{
    fn->locals = NULL;
    fn->n_locals = c->cap_locals = 0;
    for (uint32_t i = 0; i < fn->n_params; i++) {
        struct lang_param *p = &fn->params[i];
        struct lang_local *before = c->visible[p->name->id], *local;

        if (before != NULL) {
            struct lang_diag *d = lang_report(c->u, DIAG_DuplicateFnParam, p->span,
                                              "the parameter `%.*s` is there twice", NAME(p->name));
            lang_diag_label(c->u, d, "again here");
            lang_diag_also(c->u, d, before->span, "first here");
        }
        local = check_bind(c, p->name, p->span, p->local->type, p->mut);
        local->param = true;
        p->local = local;
    }
}

static void report_unused_locals(struct checker *c, const struct lang_fn *fn)
{
    for (uint32_t i = fn->pub ? fn->n_params : 0; i < fn->n_locals; i++) {
        const struct lang_local *local = fn->locals[i];
        struct lang_diag *d;

        if (local->used || local->name->text[0] == '_') {
            continue;
        }
        d = lang_report(c->u, DIAG_UnusedVariable, local->span, "`%.*s` is never used",
                        NAME(local->name));
        lang_diag_label(c->u, d, local->assigned ? "assigned, but never read" : "never used");
        lang_diag_help(c->u, d, "if that is intended, call it `_%.*s`", NAME(local->name));
    }
}

void check_function(struct checker *c, struct lang_fn *fn)
{
    struct why why = {fn->given->span, "the result of the function"};
    size_t errors = lang_n_errors(c->u);
    uint32_t scope = check_open_scope(c);

    c->fn = fn;
    infer_clear(c);
    show_params(c, fn);
    check_block(c, fn->body, fn->result, &why);
    check_close_scope(c, scope);
    check_finish(c, fn);
    if (lang_n_errors(c->u) == errors) {
        report_unused_locals(c, fn);
    }
    c->fn = NULL;
}
