/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Names, calls, if, match, blocks, statements, functions. */
#include "lang/check_flow.h"

/* ---- Names ---- */

struct lang_local *check_bind(struct checker *c, const struct lang_name *name,
                              struct lang_span span, const struct lang_type *type, bool mut)
{
    struct lang_local *local = front_alloc(c->f, sizeof(*local));

    local->name = name;
    local->span = span;
    local->type = type;
    local->mut = mut;
    local->slot = c->fn->n_locals;
    c->fn->locals = check_grow(c->f, c->fn->locals, c->fn->n_locals, &c->cap_locals, sizeof(local));
    c->fn->locals[c->fn->n_locals++] = local;
    c->hidden = check_grow(c->f, c->hidden, c->n_hidden, &c->cap_hidden, sizeof(*c->hidden));
    c->hidden[c->n_hidden].name = name->id;
    c->hidden[c->n_hidden++].before = c->visible[name->id];
    c->visible[name->id] = local;
    return local;
}

void check_close_scope(struct checker *c, uint32_t scope)
{
    while (c->n_hidden > scope) {
        c->n_hidden--;
        c->visible[c->hidden[c->n_hidden].name] = c->hidden[c->n_hidden].before;
    }
}

/* Names that could have been meant: variables, consts, functions. */
static void suggest_value(struct checker *c, struct lang_diag *d, const struct lang_name *name,
                          bool fns)
{
    struct candidates all = {name, NULL, 3};

    if (!check_seen(c)) {
        return;
    }
    for (uint32_t i = 0; !fns && i < c->fn->n_locals; i++) {
        if (c->visible[c->fn->locals[i]->name->id] == c->fn->locals[i]) {
            check_candidate(&all, c->fn->locals[i]->name);
        }
    }
    for (uint32_t i = 0; !fns && i < c->u->n_consts; i++) {
        check_candidate(&all, c->u->consts[i]->name);
    }
    for (uint32_t i = 0; fns && i < c->u->n_fns; i++) {
        check_candidate(&all, c->u->fns[i]->name);
    }
    check_suggest(c, d, &all);
}

void check_name(struct checker *c, struct lang_expr *e)
{
    const struct lang_name *name = e->name;
    const struct global *g = &c->globals[name->id];
    struct lang_local *local = c->visible[name->id];
    struct lang_diag *d;

    if (local != NULL) {
        local->used = true;
        e->local = local;
        e->type = local->type;
        return;
    }
    if (g->constant != NULL) {
        g->constant->used = true;
        e->kind = EXPR_CONST;
        e->ref = g->constant;
        e->type = g->constant->type;
        return;
    }
    e->type = c->u->error_type;
    d = lang_report(c->u, DIAG_UnknownIdentifier, e->span, "there is no variable or const `%.*s`",
                    NAME(name));
    lang_diag_label(c->u, d, "not known here");
    if (g->fn != NULL) {
        lang_diag_help(c->u, d, "functions can only be called: %.*s(...)", NAME(name));
    } else if (g->enm != NULL || g->strct != NULL) {
        lang_diag_help(c->u, d, "`%.*s` is a type", NAME(name));
    } else {
        suggest_value(c, d, name, false);
    }
}

/* ---- Calls ---- */

static void wrong_count(struct checker *c, struct lang_span span, const struct lang_name *name,
                        uint32_t want, uint32_t n, const struct lang_fn *fn)
{
    struct lang_diag *d =
        lang_report(c->u, DIAG_WrongNumberOfArgs, span, "`%.*s` takes %u argument%s, here are %u",
                    NAME(name), want, want == 1 ? "" : "s", n);

    lang_diag_label(c->u, d, "expected %u argument%s", want, want == 1 ? "" : "s");
    if (fn != NULL) {
        lang_diag_also(c->u, d, fn->span, "`%.*s` is defined here", NAME(name));
    }
}

/* The arguments of a call that is wrong: they may be wrong too, and need their types. */
static void check_args_alone(struct checker *c, struct lang_expr *e)
{
    for (uint32_t i = 0; i < e->n_items; i++) {
        check_expr(c, e->call.items[i], NULL, NULL);
    }
    e->type = c->u->error_type;
}

static void unknown_function(struct checker *c, struct lang_expr *e)
{
    const struct lang_name *name = e->call.name;
    struct lang_local *local = c->visible[name->id];
    struct lang_diag *d;

    check_args_alone(c, e);
    if (local != NULL) {
        local->used = true;
        d = lang_report(c->u, DIAG_NoTopLevelFn, e->span, "`%.*s` is a variable, not a function",
                        NAME(name));
        lang_diag_label(c->u, d, "cannot be called");
        lang_diag_also(c->u, d, local->span, "bound here");
        return;
    }
    d = lang_report(c->u, DIAG_UnknownIdentifier, e->span, "there is no function `%.*s`",
                    NAME(name));
    lang_diag_label(c->u, d, "not known");
    if (lang_name_is(name, "join_iter")) {
        lang_diag_help(c->u, d, "join_iter is known in `for ... in join_iter(a, b)` only");
    } else if (lang_name_is(name, "max") || lang_name_is(name, "min")) {
        lang_diag_help(c->u, d, "max and min are known in consts only; define a function");
    } else {
        suggest_value(c, d, name, true);
    }
}

/* The array type of a table, or NULL after an error. */
static const struct lang_type *table_type(struct checker *c, struct lang_expr *e, bool tuples)
{
    const struct lang_type *t;
    struct lang_diag *d;
    bool good;

    check_expr(c, e, NULL, NULL);
    t = infer_prune(c, e->type);
    if (t->bad) {
        return NULL;
    }
    if (t->kind != TYPE_ARRAY) {
        d = lang_report(c->u, DIAG_ExpectedArrayType, e->span, "tables to join are arrays, not %s",
                        check_text(c, t));
        lang_diag_label(c->u, d, "this is %s", check_text(c, t));
        return NULL;
    }
    good = t->elem->kind == TYPE_TUPLE && t->elem->n_parts > 0;
    if (tuples && !good) {
        d = lang_report(c->u, DIAG_ExpectedTupleType, e->span,
                        "rows of tables to join are tuples that begin with the key, not %s",
                        check_text(c, t->elem));
        lang_diag_label(c->u, d, "an array of %s", check_text(c, t->elem));
        return NULL;
    }
    return t;
}

static bool same_keys(struct checker *c, struct lang_expr *a, const struct lang_type *key_a,
                      struct lang_expr *b, const struct lang_type *key_b)
{
    struct lang_span span = {a->span.from, b->span.to};
    struct lang_diag *d;

    if (infer_unify(c, key_a, key_b)) {
        return true;
    }
    d = lang_report(c->u, DIAG_TypeMismatch, span, "the keys have different types, %s and %s",
                    check_text(c, key_a), check_text(c, key_b));
    lang_diag_also(c->u, d, a->span, "keys are %s", check_text(c, key_a));
    lang_diag_also(c->u, d, b->span, "keys are %s", check_text(c, key_b));
    return false;
}

const struct lang_type *check_join_rows(struct checker *c, struct lang_expr *a, struct lang_expr *b)
{
    const struct lang_type *ta = table_type(c, a, true), *tb = table_type(c, b, true);
    struct lang_span span = {a->span.from, b->span.to};
    const struct lang_type *rows[2];

    if (ta == NULL || tb == NULL) {
        return c->u->error_type;
    }
    if (!same_keys(c, a, ta->elem->parts[0], b, tb->elem->parts[0])) {
        return c->u->error_type;
    }
    rows[0] = ta->elem;
    rows[1] = tb->elem;
    return check_tuple(c, span, rows, 2);
}

static struct lang_cexpr *size_cexpr(struct checker *c, struct lang_size *s)
{
    struct lang_cexpr *e;

    if (s->kind == SIZE_EXPR) {
        return s->expr;
    }
    e = front_alloc(c->f, sizeof(*e));
    e->kind = s->kind == SIZE_NUMBER ? CEXPR_INT : CEXPR_CONST;
    e->height = 1;
    e->type = front_scalar(c->f, TYPE_USIZE);
    if (s->kind == SIZE_NUMBER) {
        e->value = s->n;
    } else {
        e->ref = s->ref;
        e->name = s->ref->name;
    }
    return e;
}

static struct lang_cexpr *binary_cexpr(struct checker *c, lang_cexpr_kind kind,
                                       struct lang_cexpr *a, struct lang_cexpr *b)
{
    struct lang_cexpr *e = front_alloc(c->f, sizeof(*e));

    e->kind = kind;
    e->type = a->type;
    e->args = front_array(c->f, 2, sizeof(struct lang_cexpr *));
    e->args[0] = a;
    e->args[1] = b;
    e->n_args = 2;
    e->height = (uint16_t)(1 + (a->height > b->height ? a->height : b->height));
    return e;
}

/* SIZE_A + SIZE_B - 1usize */
static struct lang_size *join_size(struct checker *c, struct lang_size *a, struct lang_size *b)
{
    struct lang_cexpr *sum = binary_cexpr(c, CEXPR_ADD, size_cexpr(c, a), size_cexpr(c, b));
    struct lang_cexpr *one = size_cexpr(c, front_size_number(c->f, 1));

    return front_size_expr(c->f, binary_cexpr(c, CEXPR_SUB, sum, one));
}

/* join(a, b): [(bool, T); n + m - 1], of tuples [(bool, TA, TB); n + m - 1] */
static void check_join(struct checker *c, struct lang_expr *e)
{
    struct lang_expr *a = e->call.items[0], *b = e->call.items[1];
    const struct lang_type *ta = table_type(c, a, false), *tb = table_type(c, b, false);
    const struct lang_type *parts[3] = {front_scalar(c->f, TYPE_BOOL), NULL, NULL};

    e->kind = EXPR_JOIN;
    e->n_items = 0;
    e->args[0] = a;
    e->args[1] = b;
    e->type = c->u->error_type;
    if (ta == NULL || tb == NULL) {
        return;
    }
    parts[1] = infer_prune(c, ta->elem);
    parts[2] = infer_prune(c, tb->elem);
    e->join_tuples = parts[1]->kind == TYPE_TUPLE && parts[1]->n_parts > 0;
    if (e->join_tuples != (parts[2]->kind == TYPE_TUPLE && parts[2]->n_parts > 0)) {
        struct lang_expr *plain = e->join_tuples ? b : a;
        struct lang_diag *d = lang_report(c->u, DIAG_ExpectedTupleType, plain->span,
                                          "one table has tuples as rows, the other %s",
                                          check_text(c, parts[e->join_tuples ? 2 : 1]));
        lang_diag_label(c->u, d, "rows are no tuples");
        return;
    }
    if (e->join_tuples ? same_keys(c, a, parts[1]->parts[0], b, parts[2]->parts[0])
                       : same_keys(c, a, parts[1], b, parts[2])) {
        e->type = check_array(c, e->span, check_tuple(c, e->span, parts, e->join_tuples ? 3 : 2),
                              join_size(c, ta->size, tb->size));
    }
}

void check_call(struct checker *c, struct lang_expr *e)
{
    struct lang_fn *fn = c->globals[e->call.name->id].fn;

    if (lang_name_is(e->call.name, "join")) {
        if (e->n_items == 2) {
            check_join(c, e);
        } else {
            wrong_count(c, e->span, e->call.name, 2, e->n_items, NULL);
            check_args_alone(c, e);
        }
        return;
    }
    if (fn == NULL || c->visible[e->call.name->id] != NULL) {
        unknown_function(c, e);
        return;
    }
    e->call.fn = fn;
    e->type = fn->result;
    c->calls = check_grow(c->f, c->calls, c->n_calls, &c->cap_calls, sizeof(*c->calls));
    c->calls[c->n_calls].from = c->fn->index;
    c->calls[c->n_calls].to = fn->index;
    c->calls[c->n_calls++].span = e->span;
    if (e->n_items != fn->n_params) {
        wrong_count(c, e->span, fn->name, fn->n_params, e->n_items, fn);
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        if (i < fn->n_params) {
            struct why why = {fn->params[i].span, "the parameter is declared here"};
            check_expect(c, e->call.items[i], fn->params[i].local->type, &why);
        } else {
            check_expr(c, e->call.items[i], NULL, NULL);
        }
    }
}

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
        suggest_value(c, d, p->name, false);
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
