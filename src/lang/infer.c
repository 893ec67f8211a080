/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inference of integers: classes of equal unknowns, solved for each function. */
#include "lang/check.h"

const struct lang_type *infer_new(struct checker *c)
{
    c->vars = check_grow(c->f, c->vars, c->n_vars, &c->cap_vars, sizeof(*c->vars));
    c->vars[c->n_vars].parent = c->n_vars;
    c->vars[c->n_vars].bound = NULL;
    return front_var_type(c->f, c->n_vars++);
}

void infer_clear(struct checker *c)
{
    c->n_vars = 0;
}

static uint32_t root(struct checker *c, uint32_t var)
{
    while (c->vars[var].parent != var) {
        c->vars[var].parent = c->vars[c->vars[var].parent].parent;
        var = c->vars[var].parent;
    }
    return var;
}

const struct lang_type *infer_prune(struct checker *c, const struct lang_type *t)
{
    uint32_t var;

    if (t->kind != TYPE_VAR) {
        return t;
    }
    var = root(c, t->var);
    return c->vars[var].bound != NULL ? c->vars[var].bound : front_var_type(c->f, var);
}

bool infer_is_number(struct checker *c, const struct lang_type *t)
{
    t = infer_prune(c, t);
    return t->kind == TYPE_VAR || t->kind == TYPE_ERROR || lang_is_integer(t);
}

/* Types can share parts, so that a short program can describe a huge one; this bounds the work. */
static bool burn(struct checker *c)
{
    if (c->f->fuel > 0) {
        c->f->fuel--;
        return true;
    }
    if (!c->fuel_reported) {
        c->fuel_reported = true;
        lang_report_outside(c->u, DIAG_TypeTooLarge, "the types of this program are too large");
    }
    return false;
}

bool infer_unify(struct checker *c, const struct lang_type *a, const struct lang_type *b)
{
    a = infer_prune(c, a);
    b = infer_prune(c, b);
    if (a == b || a->kind == TYPE_ERROR || b->kind == TYPE_ERROR) {
        return true;
    }
    if (!burn(c)) {
        return true;
    }
    if (a->kind == TYPE_VAR && b->kind == TYPE_VAR) {
        c->vars[a->var > b->var ? a->var : b->var].parent = a->var > b->var ? b->var : a->var;
        return true;
    }
    if (a->kind == TYPE_VAR || b->kind == TYPE_VAR) {
        const struct lang_type *var = a->kind == TYPE_VAR ? a : b, *other = var == a ? b : a;
        if (!lang_is_integer(other)) {
            return false;
        }
        c->vars[var->var].bound = other;
        return true;
    }
    if (a->kind != b->kind || (!a->open && !b->open && !a->bad && !b->bad)) {
        return false;
    }
    if (a->kind == TYPE_ARRAY) {
        return a->size == b->size && infer_unify(c, a->elem, b->elem);
    }
    if (a->kind != TYPE_TUPLE || a->n_parts != b->n_parts) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_parts; i++) {
        if (!infer_unify(c, a->parts[i], b->parts[i])) {
            return false;
        }
    }
    return true;
}

const struct lang_type *infer_final(struct checker *c, const struct lang_type *t)
{
    const struct lang_type **parts;

    t = infer_prune(c, t);
    if (!t->open || !burn(c)) {
        return t->open ? c->u->error_type : t;
    }
    if (t->kind == TYPE_VAR) {
        return front_scalar(c->f, TYPE_I32);
    }
    if (t->kind == TYPE_ARRAY) {
        return front_array_of(c->f, infer_final(c, t->elem), t->size);
    }
    parts = front_array(c->f, t->n_parts, sizeof(*parts));
    for (uint32_t i = 0; i < t->n_parts; i++) {
        parts[i] = infer_final(c, t->parts[i]);
    }
    return front_tuple(c->f, parts, t->n_parts);
}
