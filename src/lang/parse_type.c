/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Tokens to types and const expressions. */
#include "lang/parse.h"

/* ---- Const expressions ---- */

static struct lang_cexpr *new_cexpr(struct parser *p, lang_cexpr_kind kind, uint32_t from)
{
    struct lang_cexpr *e = front_alloc(p->f, sizeof(*e));

    e->kind = kind;
    e->height = 1;
    e->span.from = from;
    return e;
}

static struct lang_cexpr *cexpr_number(struct parser *p, uint32_t from, bool negative)
{
    struct lang_cexpr *e = new_cexpr(p, CEXPR_INT, from);
    uint8_t suffix;

    e->negative = negative;
    parse_number(p, negative, from, &e->value, &suffix);
    e->suffix = suffix;
    e->span = parse_span(p, from);
    return e;
}

/* ("max" | "min") "(" list(cexpr) ")" */
static struct lang_cexpr *cexpr_extreme(struct parser *p, lang_cexpr_kind kind, uint32_t from)
{
    struct lang_cexpr *e = new_cexpr(p, kind, from);
    size_t mark = front_mark(p->f);
    unsigned height = 0;

    do {
        struct lang_cexpr *arg = parse_cexpr(p);
        if (arg == NULL) {
            return NULL;
        }
        height = arg->height > height ? arg->height : height;
        front_push(p->f, arg);
    } while (parse_accept(p, TOK_COMMA) && !parse_at(p, TOK_PAREN_CLOSE));
    e->args = front_take(p->f, mark, &e->n_args);
    if (!parse_expect(p, TOK_PAREN_CLOSE, "after the values")) {
        return NULL;
    }
    e->span = parse_span(p, from);
    e->height = parse_height(p, e->span, height, 0);
    return e->height == 0 ? NULL : e;
}

/* ID | ID "::" ID | max(…) | min(…) | "true" | "false" */
static struct lang_cexpr *cexpr_name(struct parser *p)
{
    uint32_t from = p->tok.span.from;
    const struct lang_name *name = p->tok.name;
    struct lang_cexpr *e;
    struct lang_span ignored;

    parse_next(p);
    if (parse_at(p, TOK_PAREN_OPEN) && (lang_name_is(name, "max") || lang_name_is(name, "min"))) {
        parse_next(p);
        return cexpr_extreme(p, lang_name_is(name, "max") ? CEXPR_MAX : CEXPR_MIN, from);
    }
    if (lang_name_is(name, "true") || lang_name_is(name, "false")) {
        e = new_cexpr(p, CEXPR_BOOL, from);
        e->value = lang_name_is(name, "true");
    } else if (parse_accept(p, TOK_COLON_COLON)) {
        e = new_cexpr(p, CEXPR_PARTY, from);
        e->party = name;
        e->name = parse_name(p, "a constant from outside", &ignored);
        if (e->name == NULL) {
            return NULL;
        }
    } else {
        e = new_cexpr(p, CEXPR_CONST, from);
        e->name = name;
    }
    e->span = parse_span(p, from);
    return e;
}

static struct lang_cexpr *invalid_cexpr(struct parser *p)
{
    struct lang_diag *d = parse_error(
        p, DIAG_InvalidConstExpr, "%s cannot stand in a const expression", token_text(p->tok.kind));
    lang_diag_help(p->f->unit, d,
                   "consts are made of numbers, bool, consts above, PARTY::NAME, +, -, max() and "
                   "min()");
    return NULL;
}

static struct lang_cexpr *cexpr_primary(struct parser *p)
{
    uint32_t from = p->tok.span.from;
    struct lang_cexpr *e;

    switch (p->tok.kind) {
    case TOK_ID:
        return cexpr_name(p);
    case TOK_NUM:
        return cexpr_number(p, from, false);
    case TOK_MINUS:
        parse_next(p);
        if (!parse_at(p, TOK_NUM)) {
            parse_error(p, DIAG_InvalidLiteral, "expected a number after `-`, found %s",
                        token_text(p->tok.kind));
            return NULL;
        }
        return cexpr_number(p, from, true);
    case TOK_PAREN_OPEN:
        parse_next(p);
        e = parse_cexpr(p);
        return e == NULL || !parse_expect(p, TOK_PAREN_CLOSE, "after the expression") ? NULL : e;
    default:
        return invalid_cexpr(p);
    }
}

static bool is_operator(const struct parser *p)
{
    return p->tok.kind >= TOK_PLUS && p->tok.kind <= TOK_SHR;
}

/* cexpr = primary {("+" | "-") primary} */
struct lang_cexpr *parse_cexpr(struct parser *p)
{
    struct lang_cexpr *left;

    if (!parse_enter(p)) {
        return NULL;
    }
    left = cexpr_primary(p);
    while (left != NULL && (parse_at(p, TOK_PLUS) || parse_at(p, TOK_MINUS))) {
        struct lang_cexpr *e =
            new_cexpr(p, parse_at(p, TOK_PLUS) ? CEXPR_ADD : CEXPR_SUB, left->span.from);
        struct lang_cexpr *right;

        parse_next(p);
        if ((right = cexpr_primary(p)) == NULL) {
            left = NULL;
            break;
        }
        e->args = front_array(p->f, 2, sizeof(struct lang_cexpr *));
        e->args[0] = left;
        e->args[1] = right;
        e->n_args = 2;
        e->span = parse_span(p, left->span.from);
        e->height = parse_height(p, e->span, left->height, right->height);
        left = e->height == 0 ? NULL : e;
    }
    if (left != NULL && is_operator(p)) {
        left = invalid_cexpr(p);
    }
    parse_leave(p);
    return left;
}

/* ---- Types ---- */

/* UINT | ID */
struct lang_cexpr *parse_simple_size(struct parser *p)
{
    struct lang_cexpr *e;
    struct lang_diag *d;

    if (parse_at(p, TOK_NUM)) {
        bool good = p->tok.suffix == 0 || p->tok.suffix == TYPE_USIZE + 1;
        if (good || p->tok.number != NUM_GOOD) {
            return cexpr_number(p, p->tok.span.from, false);
        }
        d = parse_error(p, DIAG_InvalidArraySize, "the size of an array is a usize, not %s",
                        lang_scalar_name((lang_type_kind)(p->tok.suffix - 1)));
        lang_diag_help(p->f->unit, d, "write %llu", (unsigned long long)p->tok.value);
        return NULL;
    }
    if (parse_at(p, TOK_ID)) {
        e = new_cexpr(p, CEXPR_CONST, p->tok.span.from);
        e->name = p->tok.name;
        parse_next(p);
        e->span = parse_span(p, e->span.from);
        return e;
    }
    d = parse_error(p, DIAG_InvalidArraySize, "%s cannot be the size of an array",
                    token_text(p->tok.kind));
    lang_diag_help(p->f->unit, d, "a number or the name of a const can");
    return NULL;
}

/* size = UINT | ID | "const" "{" cexpr "}" */
static bool parse_size(struct parser *p, struct lang_typeref *t)
{
    if (!parse_at(p, TOK_CONST)) {
        t->size = parse_simple_size(p);
        return t->size != NULL;
    }
    parse_next(p);
    t->braced = true;
    return parse_expect(p, TOK_BRACE_OPEN, "after `const`") && (t->size = parse_cexpr(p)) != NULL &&
           parse_expect(p, TOK_BRACE_CLOSE, "after the size");
}

/* "[" type ";" size "]" */
static bool array_type(struct parser *p, struct lang_typeref *t)
{
    struct lang_diag *d;

    parse_next(p);
    t->kind = TYPEREF_ARRAY;
    t->parts = front_array(p->f, 1, sizeof(struct lang_typeref *));
    t->n_parts = 1;
    t->parts[0] = parse_type(p);
    if (t->parts[0] == NULL || !parse_expect(p, TOK_SEMI, "after the type of the elements") ||
        !parse_size(p, t)) {
        return false;
    }
    if (is_operator(p)) {
        d = parse_error(p, DIAG_Expected, "expected `]` after the size, found %s",
                        token_text(p->tok.kind));
        lang_diag_help(p->f->unit, d, "write a computed size as const { ... }");
        return false;
    }
    return parse_expect(p, TOK_BRACKET_CLOSE, "after the size");
}

/* "(" [list(type)] ")": also with one type and no comma it is a tuple */
static bool tuple_type(struct parser *p, struct lang_typeref *t)
{
    size_t mark = front_mark(p->f);

    parse_next(p);
    t->kind = TYPEREF_TUPLE;
    while (!parse_at(p, TOK_PAREN_CLOSE)) {
        struct lang_typeref *part = parse_type(p);
        if (part == NULL) {
            return false;
        }
        front_push(p->f, part);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    t->parts = front_take(p->f, mark, &t->n_parts);
    return parse_expect(p, TOK_PAREN_CLOSE, "after the types");
}

static bool type_body(struct parser *p, struct lang_typeref *t)
{
    struct lang_diag *d;

    switch (p->tok.kind) {
    case TOK_BRACKET_OPEN:
        return array_type(p, t);
    case TOK_PAREN_OPEN:
        return tuple_type(p, t);
    case TOK_ID:
        t->kind = TYPEREF_NAME;
        t->name = p->tok.name;
        parse_next(p);
        return true;
    default:
        d = parse_error(p, DIAG_ExpectedIdentifier, "expected a type, found %s",
                        token_text(p->tok.kind));
        if (parse_at(p, TOK_AMP)) {
            lang_diag_help(p->f->unit, d, "there are no references: values are passed whole");
        }
        return false;
    }
}

/* type = ID | tuple | array */
struct lang_typeref *parse_type(struct parser *p)
{
    struct lang_typeref *t = front_alloc(p->f, sizeof(*t));
    uint32_t from = p->tok.span.from;
    unsigned height = 0;
    bool good;

    if (!parse_enter(p)) {
        return NULL;
    }
    good = type_body(p, t);
    parse_leave(p);
    if (!good) {
        return NULL;
    }
    for (uint32_t i = 0; i < t->n_parts; i++) {
        height = t->parts[i]->height > height ? t->parts[i]->height : height;
    }
    t->span = parse_span(p, from);
    t->height = parse_height(p, t->span, height, 0);
    return t->height == 0 ? NULL : t;
}
