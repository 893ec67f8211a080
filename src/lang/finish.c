/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The walk over a function whose integers are inferred: final types, numbers in range, panic sites
 * in order, patterns that match everything they must. */
#include "lang/check.h"

static void finish_expr(struct checker *c, struct lang_expr *e);
static void finish_block(struct checker *c, struct lang_block *b);

/* ---- Panic sites ---- */

static uint32_t add_site(struct checker *c, lang_reason reason, struct lang_span span)
{
    struct lang_unit *u = c->u;

    u->sites = check_grow(c->f, u->sites, u->n_sites, &c->cap_sites, sizeof(*u->sites));
    u->sites[u->n_sites].reason = reason;
    u->sites[u->n_sites].span = span;
    u->sites[u->n_sites].fn = c->fn;
    return u->n_sites++;
}

static uint32_t operator_site(struct checker *c, lang_op op, struct lang_span span,
                              const struct lang_type *type)
{
    uint32_t site;

    switch (op) {
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_SHL:
    case OP_SHR:
    case OP_NEG:
        return add_site(c, LANG_OVERFLOW, span);
    case OP_DIV:
    case OP_REM:
        site = add_site(c, LANG_DIV_BY_ZERO, span);
        if (lang_is_signed(type)) {
            add_site(c, LANG_OVERFLOW, span);
        }
        return site;
    default:
        return LANG_NO_SITE;
    }
}

/* ---- Numbers ---- */

static const char *range_text(struct checker *c, const struct lang_type *t)
{
    return front_text(c->f, "%s%llu to %llu", lang_is_signed(t) ? "-" : "",
                      (unsigned long long)lang_max_magnitude(t->kind, true),
                      (unsigned long long)lang_max_magnitude(t->kind, false));
}

static void finish_number(struct checker *c, struct lang_expr *e, bool by_default)
{
    const struct lang_type *t = e->type;
    struct lang_diag *d;

    if (!lang_is_integer(t)) {
        return;
    }
    if (e->num.bits > lang_max_magnitude(t->kind, e->num.negative)) {
        d = lang_report(c->u, DIAG_UnexpectedType, e->span, "the number does not fit %s",
                        lang_scalar_name(t->kind));
        lang_diag_label(c->u, d, "%s holds %s", lang_scalar_name(t->kind), range_text(c, t));
        if (by_default) {
            lang_diag_help(c->u, d, "numbers are i32 if nothing else says; add a suffix");
        }
        return;
    }
    if (e->num.negative) {
        e->num.bits = 0 - e->num.bits;
    }
}

static void finish_range(struct checker *c, struct lang_expr *e)
{
    const struct lang_type *t = e->type->kind == TYPE_ARRAY ? e->type->elem : e->type;
    struct lang_diag *d;

    if (lang_is_integer(t) && e->num.to - 1 > lang_max_magnitude(t->kind, false)) {
        d = lang_report(c->u, DIAG_InvalidRange, e->span, "the range leaves %s",
                        lang_scalar_name(t->kind));
        lang_diag_label(c->u, d, "%s holds %s", lang_scalar_name(t->kind), range_text(c, t));
    }
}

/* ---- Patterns ---- */

static lang_wide wide_of(uint64_t magnitude, bool negative)
{
    return negative ? -(lang_wide)magnitude : (lang_wide)magnitude;
}

/* Ends of the range to two's complement; the type is bad afterwards if something is wrong. */
static void finish_number_pattern(struct checker *c, struct lang_pattern *p)
{
    const struct lang_type *t = p->type;
    lang_wide lo = wide_of(p->lo, p->lo_negative);
    lang_wide hi = wide_of(p->hi, p->hi_negative) - (p->inclusive ? 0 : 1), min, max;
    struct lang_diag *d = NULL;

    if (!lang_is_integer(t)) {
        return;
    }
    min = -(lang_wide)lang_max_magnitude(t->kind, true);
    max = (lang_wide)lang_max_magnitude(t->kind, false);
    if (lo > hi) {
        d = lang_report(c->u, DIAG_EmptyPattern, p->span, "this range matches nothing");
        lang_diag_label(c->u, d, "empty");
        lang_diag_help(c->u, d, "`..` ends before its end, `..=` with it");
    } else if (min == 0 && lo < 0) {
        d = lang_report(c->u, DIAG_ExpectedSignedNumberType, p->span,
                        "the value is %s and never negative", lang_scalar_name(t->kind));
        lang_diag_label(c->u, d, "never matches");
    } else if (lo < min || hi > max) {
        d = lang_report(c->u, DIAG_PatternOutOfRange, p->span, "the pattern leaves %s",
                        lang_scalar_name(t->kind));
        lang_diag_label(c->u, d, "%s holds %s", lang_scalar_name(t->kind), range_text(c, t));
    }
    if (d != NULL) {
        p->type = c->u->error_type;
        return;
    }
    p->lo = (uint64_t)lo;
    p->hi = (uint64_t)hi;
    p->irrefutable = lo == min && hi == max;
}

/* Final types; false if something in the pattern is bad. */
static bool finish_pattern(struct checker *c, struct lang_pattern *p)
{
    bool good, all = true;

    p->type = infer_final(c, p->type);
    good = p->type->kind != TYPE_ERROR;
    for (uint32_t i = 0; i < p->n_subs; i++) {
        good &= finish_pattern(c, p->subs[i]);
        all &= p->subs[i]->irrefutable;
    }
    switch (p->kind) {
    case PAT_BIND:
        p->irrefutable = true;
        return !p->type->bad;
    case PAT_BOOL:
        return good;
    case PAT_INT:
        finish_number_pattern(c, p);
        return p->type->kind != TYPE_ERROR;
    case PAT_VARIANT:
        p->irrefutable = good && all && p->type->enm->n_variants == 1;
        return good;
    default:
        p->irrefutable = all;
        return good;
    }
}

/* The pattern of a let or a for must match everything. */
static void finish_irrefutable(struct checker *c, struct lang_pattern *p, const char *where)
{
    char witness[200];
    bool gave_up = false;
    struct lang_diag *d;

    if (!finish_pattern(c, p) || p->irrefutable ||
        !patterns_incomplete(&c->pattern_fuel, p->type, &p, 1, witness, sizeof(witness),
                             &gave_up)) {
        return;
    }
    d = lang_report(c->u, DIAG_RefutablePattern, p->span,
                    "a pattern in `%s` must match every value", where);
    lang_diag_label(c->u, d, "does not match `%s`", witness);
    lang_diag_help(c->u, d, "use `match`, or bind the value to a name");
}

static void report_too_complex(struct checker *c, const struct lang_expr *e)
{
    struct lang_diag *d = lang_report(c->u, DIAG_PatternsTooComplex, e->match.value->span,
                                      "whether these patterns are exhaustive is too hard to say");

    lang_diag_help(c->u, d, "split the `match`, or end it with `_ =>`");
}

static void finish_arms(struct checker *c, struct lang_expr *e)
{
    const struct lang_type *t = e->match.value->type;
    struct lang_pattern **patterns = front_array(c->f, e->n_items, sizeof(*patterns));
    char witness[200];
    bool gave_up = false, missing, all = false;
    struct lang_diag *d;

    for (uint32_t i = 0; i < e->n_items; i++) {
        patterns[i] = e->match.arms[i].pattern;
        all |= patterns[i]->irrefutable;
    }
    missing = !all && patterns_incomplete(&c->pattern_fuel, t, patterns, e->n_items, witness,
                                          sizeof(witness), &gave_up);
    if (gave_up) {
        report_too_complex(c, e);
    } else if (missing) {
        d = lang_report(c->u, DIAG_PatternsAreNotExhaustive, e->match.value->span,
                        "the patterns do not match every value: `%s` is missing", witness);
        lang_diag_label(c->u, d, "this is %s", check_text(c, t));
        lang_diag_help(c->u, d, "add `%s => ...`, or `_ => ...` at the end", witness);
    }
    for (uint32_t i = 1; i < e->n_items && !gave_up; i++) {
        struct lang_arm *arm = &e->match.arms[i];

        arm->unreachable =
            !patterns_last_useful(&c->pattern_fuel, t, patterns, i + 1, &gave_up) && !gave_up;
        if (arm->unreachable) {
            d = lang_report(c->u, DIAG_UnreachableArm, arm->pattern->span,
                            "this arm is never reached");
            lang_diag_label(c->u, d, "the arms above match all of this");
        }
    }
}

static void finish_match(struct checker *c, struct lang_expr *e)
{
    bool good;

    finish_expr(c, e->match.value);
    good = !e->match.value->type->bad;
    for (uint32_t i = 0; i < e->n_items; i++) {
        good &= finish_pattern(c, e->match.arms[i].pattern);
        finish_expr(c, e->match.arms[i].body);
    }
    if (good) {
        finish_arms(c, e);
    }
}

/* ---- Expressions ---- */

static void finish_items(struct checker *c, struct lang_expr **items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        finish_expr(c, items[i]);
    }
}

static void finish_unary(struct checker *c, struct lang_expr *e)
{
    struct lang_diag *d;

    finish_expr(c, e->args[0]);
    if (e->op != OP_NEG) {
        return;
    }
    if (lang_is_integer(e->type) && !lang_is_signed(e->type)) {
        d = lang_report(c->u, DIAG_ExpectedSignedNumberType, e->span,
                        "only signed numbers can be negated, not %s",
                        lang_scalar_name(e->type->kind));
        lang_diag_label(c->u, d, "this is %s", lang_scalar_name(e->type->kind));
    }
    e->site = operator_site(c, OP_NEG, e->span, e->type);
}

static void finish_by_kind(struct checker *c, struct lang_expr *e)
{
    switch ((lang_expr_kind)e->kind) {
    case EXPR_TUPLE:
    case EXPR_ARRAY:
        finish_items(c, e->items, e->n_items);
        break;
    case EXPR_VARIANT:
        finish_items(c, e->variant.items, e->n_items);
        break;
    case EXPR_CALL:
        finish_items(c, e->call.items, e->n_items);
        break;
    case EXPR_STRUCT:
        for (uint32_t i = 0; i < e->n_items; i++) {
            finish_expr(c, e->strct.inits[i].value);
        }
        break;
    case EXPR_UNARY:
        finish_unary(c, e);
        break;
    case EXPR_BINARY:
    case EXPR_JOIN:
        finish_expr(c, e->args[0]);
        finish_expr(c, e->args[1]);
        e->site = operator_site(c, (lang_op)e->op, e->span, e->type);
        break;
    case EXPR_INDEX:
        finish_expr(c, e->args[0]);
        finish_expr(c, e->args[1]);
        e->site = add_site(c, LANG_OUT_OF_BOUNDS, e->args[1]->span);
        break;
    case EXPR_FIELD:
    case EXPR_CAST:
    case EXPR_REPEAT:
        finish_expr(c, e->args[0]);
        break;
    case EXPR_IF:
        finish_expr(c, e->branch.cond);
        finish_block(c, e->branch.then_block);
        if (e->branch.else_expr != NULL) {
            finish_expr(c, e->branch.else_expr);
        }
        break;
    case EXPR_MATCH:
        finish_match(c, e);
        break;
    case EXPR_BLOCK:
        finish_block(c, e->block);
        break;
    case EXPR_BOOL:
    case EXPR_INT:
    case EXPR_RANGE:
    case EXPR_CONST:
    case EXPR_LOCAL:
        break;
    }
}

static void finish_expr(struct checker *c, struct lang_expr *e)
{
    bool by_default = infer_prune(c, e->type)->kind == TYPE_VAR;

    e->type = infer_final(c, e->type);
    if (e->kind == EXPR_INT) {
        finish_number(c, e, by_default);
    } else if (e->kind == EXPR_RANGE) {
        finish_range(c, e);
    } else {
        finish_by_kind(c, e);
    }
}

/* ---- Statements ---- */

/* The value comes before the place, as it does when the program runs. */
static void finish_assign(struct checker *c, struct lang_stmt *s)
{
    struct lang_place *p = s->place;

    finish_expr(c, s->value);
    p->type = infer_final(c, p->type);
    for (uint32_t i = 0; i < p->n_steps; i++) {
        struct lang_step *step = &p->steps[i];

        step->type = infer_final(c, step->type);
        if (step->index != NULL) {
            finish_expr(c, step->index);
            step->site = add_site(c, LANG_OUT_OF_BOUNDS, step->index->span);
        }
    }
    s->site = operator_site(c, s->op, s->span, p->type);
}

static void finish_block(struct checker *c, struct lang_block *b)
{
    b->type = infer_final(c, b->type);
    for (uint32_t i = 0; i < b->n_stmts; i++) {
        struct lang_stmt *s = b->stmts[i];

        if (s->kind == STMT_ASSIGN) {
            finish_assign(c, s);
            continue;
        }
        finish_expr(c, s->value);
        if (s->other != NULL) {
            finish_expr(c, s->other);
        }
        if (s->pattern != NULL) {
            finish_irrefutable(c, s->pattern, s->kind == STMT_LET ? "let" : "for");
        }
        if (s->body != NULL) {
            finish_block(c, s->body);
        }
    }
}

void check_finish(struct checker *c, struct lang_fn *fn)
{
    for (uint32_t i = 0; i < fn->n_locals; i++) {
        fn->locals[i]->type = infer_final(c, fn->locals[i]->type);
    }
    finish_block(c, fn->body);
}
