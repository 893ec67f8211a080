/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Names of values, calls, joins. */
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
void check_suggest_value(struct checker *c, struct lang_diag *d, const struct lang_name *name,
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
        check_suggest_value(c, d, name, false);
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
        check_suggest_value(c, d, name, true);
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
