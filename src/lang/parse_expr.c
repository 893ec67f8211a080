/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Tokens to expressions. */
#include "lang/parse.h"

struct lang_expr *parse_new_expr(struct parser *p, lang_expr_kind kind, uint32_t from)
{
    struct lang_expr *e = front_alloc(p->f, sizeof(*e));

    e->kind = (uint8_t)kind;
    e->site = LANG_NO_SITE;
    e->type = p->f->unit->error_type; /* until it is checked */
    e->height = 1;
    e->span.from = from;
    return e;
}

/* Sets the end and the height; NULL if it is too high. */
static struct lang_expr *finish(struct parser *p, struct lang_expr *e, unsigned below)
{
    e->span = parse_span(p, e->span.from);
    e->height = parse_height(p, e->span, below, 0);
    return e->height == 0 ? NULL : e;
}

/* [expr {"," expr} [","]] close: the items of e, from the mark on; NULL after an error. */
static struct lang_expr *finish_list(struct parser *p, struct lang_expr *e, size_t mark,
                                     token_kind close, struct lang_expr ***items_out)
{
    unsigned height = 0;

    while (!parse_at(p, close)) {
        struct lang_expr *item = parse_expr(p, false);
        if (item == NULL) {
            return NULL;
        }
        front_push(p->f, item);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    *items_out = front_take(p->f, mark, &e->n_items);
    for (uint32_t i = 0; i < e->n_items; i++) {
        height = (*items_out)[i]->height > height ? (*items_out)[i]->height : height;
    }
    return parse_expect(p, close, "after the values") ? finish(p, e, height) : NULL;
}

/* "(" ")" | "(" expr ")" | "(" expr "," [list(expr)] ")" */
static struct lang_expr *paren_expr(struct parser *p)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_TUPLE, p->tok.span.from), *first;
    size_t mark = front_mark(p->f);

    parse_next(p);
    if (parse_accept(p, TOK_PAREN_CLOSE)) {
        return finish(p, e, 0);
    }
    if ((first = parse_expr(p, false)) == NULL) {
        return NULL;
    }
    if (parse_accept(p, TOK_COMMA)) {
        front_push(p->f, first);
        return finish_list(p, e, mark, TOK_PAREN_CLOSE, &e->items);
    }
    if (!parse_expect(p, TOK_PAREN_CLOSE, "after the expression")) {
        return NULL;
    }
    first->parens = true;
    first->span = parse_span(p, e->span.from);
    return first;
}

/* "[" list(expr) "]" | "[" expr ";" (UINT | ID) "]" */
static struct lang_expr *array_expr(struct parser *p)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_ARRAY, p->tok.span.from), *first;
    size_t mark = front_mark(p->f);

    parse_next(p);
    if (parse_at(p, TOK_BRACKET_CLOSE)) {
        struct lang_diag *d = parse_error(p, DIAG_ExpectedExpr, "expected an element, found `]`");
        lang_diag_help(p->f->unit, d, "an array without elements is written [0u8; 0]");
        return NULL;
    }
    if ((first = parse_expr(p, false)) == NULL) {
        return NULL;
    }
    if (parse_accept(p, TOK_SEMI)) {
        e->kind = EXPR_REPEAT;
        e->args[0] = first;
        if ((e->size = parse_simple_size(p)) == NULL ||
            !parse_expect(p, TOK_BRACKET_CLOSE, "after the size")) {
            return NULL;
        }
        return finish(p, e, first->height);
    }
    front_push(p->f, first);
    if (!parse_accept(p, TOK_COMMA) && !parse_at(p, TOK_BRACKET_CLOSE)) {
        parse_expect(p, TOK_BRACKET_CLOSE, "or `,` after the element");
        return NULL;
    }
    return finish_list(p, e, mark, TOK_BRACKET_CLOSE, &e->items);
}

/* "{" [list(ID [":" expr])] "}" */
static struct lang_expr *struct_expr(struct parser *p, struct lang_expr *e)
{
    size_t mark = front_mark(p->f);
    struct lang_init **inits;
    unsigned height = 0;

    parse_next(p);
    while (!parse_at(p, TOK_BRACE_CLOSE)) {
        struct lang_init *init = front_alloc(p->f, sizeof(*init));

        if ((init->name = parse_name(p, "a field", &init->span)) == NULL) {
            return NULL;
        }
        if (parse_accept(p, TOK_COLON)) {
            init->value = parse_expr(p, false);
            if (init->value == NULL) {
                return NULL;
            }
        } else { /* the variable of the same name */
            init->value = parse_new_expr(p, EXPR_LOCAL, init->span.from);
            init->value->span = init->span;
            init->value->name = init->name;
        }
        height = init->value->height > height ? init->value->height : height;
        front_push(p->f, init);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    inits = front_take(p->f, mark, &e->n_items);
    e->strct.inits = front_array(p->f, e->n_items, sizeof(*e->strct.inits));
    for (uint32_t i = 0; i < e->n_items; i++) {
        e->strct.inits[i] = *inits[i];
    }
    return parse_expect(p, TOK_BRACE_CLOSE, "after the fields") ? finish(p, e, height) : NULL;
}

/* ID | "true" | "false" | ID "(" … | ID "::" ID ["(" …] | ID "{" … */
static struct lang_expr *name_expr(struct parser *p, bool no_struct)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_LOCAL, p->tok.span.from);
    const struct lang_name *name = p->tok.name;
    struct lang_span ignored;

    parse_next(p);
    if (lang_name_is(name, "true") || lang_name_is(name, "false")) {
        e->kind = EXPR_BOOL;
        e->num.bits = lang_name_is(name, "true");
    } else if (parse_accept(p, TOK_PAREN_OPEN)) {
        e->kind = EXPR_CALL;
        e->call.name = name;
        return finish_list(p, e, front_mark(p->f), TOK_PAREN_CLOSE, &e->call.items);
    } else if (parse_accept(p, TOK_COLON_COLON)) {
        e->kind = EXPR_VARIANT;
        e->variant.enum_name = name;
        if ((e->variant.name = parse_name(p, "a variant", &ignored)) == NULL) {
            return NULL;
        }
        if (parse_accept(p, TOK_PAREN_OPEN)) {
            e->variant.tuple = true;
            return finish_list(p, e, front_mark(p->f), TOK_PAREN_CLOSE, &e->variant.items);
        }
    } else if (parse_at(p, TOK_BRACE_OPEN) && !no_struct) {
        e->kind = EXPR_STRUCT;
        e->strct.name = name;
        return struct_expr(p, e);
    } else {
        e->name = name;
    }
    return finish(p, e, 0);
}

/* UINT [".." UINT] */
static struct lang_expr *number_expr(struct parser *p)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_INT, p->tok.span.from);
    struct lang_diag *d;

    parse_number(p, false, e->span.from, &e->num.bits, &e->num.suffix);
    if (!parse_at(p, TOK_DOT_DOT) && !parse_at(p, TOK_DOT_DOT_EQ)) {
        return finish(p, e, 0);
    }
    if (parse_at(p, TOK_DOT_DOT_EQ) || parse_peek(p)->kind != TOK_NUM) {
        d = parse_error(p, DIAG_InvalidRangeExpr, "a range needs a number on both sides of `..`");
        lang_diag_help(p->f->unit, d, "write for example 0..10, which ends before 10");
        return NULL;
    }
    parse_next(p);
    e->kind = EXPR_RANGE;
    parse_number(p, false, p->tok.span.from, &e->num.to, &e->num.to_suffix);
    if (e->num.suffix != 0 && e->num.to_suffix != 0 && e->num.suffix != e->num.to_suffix) {
        d = lang_report(p->f->unit, DIAG_InvalidRangeTypes, parse_span(p, e->span.from),
                        "the ends of the range have different types, %s and %s",
                        lang_scalar_name((lang_type_kind)(e->num.suffix - 1)),
                        lang_scalar_name((lang_type_kind)(e->num.to_suffix - 1)));
        lang_diag_help(p->f->unit, d, "one suffix is enough");
    }
    return finish(p, e, 0);
}

static struct lang_expr *primary_expr(struct parser *p, bool no_struct)
{
    struct lang_diag *d;

    switch (p->tok.kind) {
    case TOK_ID:
        return name_expr(p, no_struct);
    case TOK_NUM:
        return number_expr(p);
    case TOK_PAREN_OPEN:
        return paren_expr(p);
    case TOK_BRACKET_OPEN:
        return array_expr(p);
    default:
        d = parse_error(p, DIAG_ExpectedExpr, "expected an expression, found %s",
                        token_text(p->tok.kind));
        if (parse_at(p, TOK_SEMI) && p->last_to > 0 &&
            strchr(";{}", p->f->unit->source[p->last_to - 1]) != NULL) {
            lang_diag_help(p->f->unit, d, "there are no empty statements: remove the `;`");
        } else if (parse_at(p, TOK_AMP)) {
            lang_diag_help(p->f->unit, d, "there are no references: values are passed whole");
        } else if (parse_at(p, TOK_BRACE_OPEN)) {
            lang_diag_help(p->f->unit, d, "put the block into parentheses");
        }
        return NULL;
    }
}

/* "[" expr "]" */
static struct lang_expr *index_expr(struct parser *p, struct lang_expr *array)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_INDEX, array->span.from);
    unsigned height;

    parse_next(p);
    e->args[0] = array;
    if ((e->args[1] = parse_expr(p, false)) == NULL ||
        !parse_expect(p, TOK_BRACKET_CLOSE, "after the index")) {
        return NULL;
    }
    height = array->height > e->args[1]->height ? array->height : e->args[1]->height;
    return finish(p, e, height);
}

/* "." (UINT | ID) */
static struct lang_expr *field_expr(struct parser *p, struct lang_expr *of)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_FIELD, of->span.from);
    struct lang_diag *d;

    parse_next(p);
    e->args[0] = of;
    if (parse_at(p, TOK_ID)) {
        e->field_name = p->tok.name;
    } else if (parse_at(p, TOK_NUM) && p->tok.suffix == 0 && p->tok.number == NUM_GOOD) {
        e->field = p->tok.value > UINT32_MAX ? UINT32_MAX : (uint32_t)p->tok.value;
    } else {
        d = parse_error(p, DIAG_ExpectedMethodCallOrFieldAccess,
                        "expected the name of a field or its number in the tuple");
        lang_diag_help(p->f->unit, d, "write for example s.name or t.0");
        return NULL;
    }
    parse_next(p);
    return finish(p, e, of->height);
}

/* primary {"[" expr "]" | "." UINT | "." ID} */
static struct lang_expr *postfix_expr(struct parser *p)
{
    bool no_struct = p->no_struct;
    struct lang_expr *e;

    p->no_struct = false; /* within brackets of any kind nothing is ambiguous */
    e = primary_expr(p, no_struct);
    while (e != NULL && (parse_at(p, TOK_BRACKET_OPEN) || parse_at(p, TOK_DOT))) {
        e = parse_at(p, TOK_DOT) ? field_expr(p, e) : index_expr(p, e);
    }
    p->no_struct = no_struct;
    return e;
}

/* unary = ("!" | "-") unary | postfix; a minus before a number is part of the number */
static struct lang_expr *unary_expr(struct parser *p)
{
    struct lang_expr *e;
    uint32_t from = p->tok.span.from;

    if (!parse_at(p, TOK_BANG) && !parse_at(p, TOK_MINUS)) {
        return postfix_expr(p);
    }
    if (parse_at(p, TOK_MINUS) && parse_peek(p)->kind == TOK_NUM) {
        parse_next(p);
        e = parse_new_expr(p, EXPR_INT, from);
        e->num.negative = true;
        parse_number(p, true, from, &e->num.bits, &e->num.suffix);
        return finish(p, e, 0);
    }
    if (!parse_enter(p)) {
        return NULL;
    }
    e = parse_new_expr(p, EXPR_UNARY, from);
    e->op = parse_at(p, TOK_BANG) ? OP_NOT : OP_NEG;
    parse_next(p);
    e->args[0] = unary_expr(p);
    parse_leave(p);
    return e->args[0] == NULL ? NULL : finish(p, e, e->args[0]->height);
}

static struct lang_expr *block_expr(struct parser *p, const char *after)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_BLOCK, p->tok.span.from);

    e->block = parse_block(p, after);
    return e->block == NULL ? NULL : finish(p, e, e->block->height);
}

/* "if" expr block ["else" (if | block)] */
static struct lang_expr *if_expr(struct parser *p)
{
    struct lang_expr *e = parse_new_expr(p, EXPR_IF, p->tok.span.from);
    unsigned height;

    if (!parse_enter(p)) {
        return NULL;
    }
    parse_next(p);
    if ((e->branch.cond = parse_head(p)) == NULL ||
        (e->branch.then_block = parse_block(p, "after the condition")) == NULL) {
        return NULL;
    }
    if (parse_accept(p, TOK_ELSE)) {
        e->branch.else_expr =
            parse_at(p, TOK_IF) ? if_expr(p) : block_expr(p, "or `if` after `else`");
        if (e->branch.else_expr == NULL) {
            return NULL;
        }
    }
    parse_leave(p);
    height = e->branch.cond->height;
    height = e->branch.then_block->height > height ? e->branch.then_block->height : height;
    if (e->branch.else_expr != NULL && e->branch.else_expr->height > height) {
        height = e->branch.else_expr->height;
    }
    return finish(p, e, height);
}

/* pattern "=>" stmt [","] */
static struct lang_arm *parse_arm(struct parser *p)
{
    struct lang_arm *arm = front_alloc(p->f, sizeof(*arm));
    uint32_t from = p->tok.span.from;
    struct lang_stmt *s;
    struct lang_block *b;

    if ((arm->pattern = parse_pattern(p)) == NULL ||
        !parse_expect(p, TOK_FAT_ARROW, "after the pattern") || (s = parse_stmt(p, true)) == NULL) {
        return NULL;
    }
    arm->span = parse_span(p, from);
    parse_accept(p, TOK_COMMA);
    if (s->kind == STMT_EXPR) {
        arm->body = s->value;
        return arm;
    }
    b = front_alloc(p->f, sizeof(*b));
    b->span = s->span;
    b->stmts = front_array(p->f, 1, sizeof(struct lang_stmt *));
    b->stmts[0] = s;
    b->n_stmts = 1;
    b->height = parse_height(p, b->span, s->height, 0);
    arm->body = parse_new_expr(p, EXPR_BLOCK, s->span.from);
    arm->body->span = s->span;
    arm->body->block = b;
    arm->body->height = parse_height(p, b->span, b->height, 0);
    return arm->body->height == 0 ? NULL : arm;
}

/* "match" expr "{" {arm} "}" */
static struct lang_expr *match_expr(struct parser *p)
{
    static const token_kind comma[] = {TOK_COMMA, TOK_SEMI, TOK_END};
    struct lang_expr *e = parse_new_expr(p, EXPR_MATCH, p->tok.span.from);
    bool no_struct = p->no_struct;
    struct lang_arm **arms;
    size_t mark;
    unsigned height;

    parse_next(p);
    if ((e->match.value = parse_head(p)) == NULL ||
        !parse_expect(p, TOK_BRACE_OPEN, "after the value to match")) {
        return NULL;
    }
    height = e->match.value->height;
    mark = front_mark(p->f);
    p->no_struct = false;
    while (!parse_at(p, TOK_BRACE_CLOSE) && !parse_at(p, TOK_END) && !parse_at_definition(p)) {
        size_t good = front_mark(p->f);
        uint32_t depth = p->depth;
        struct lang_arm *arm = parse_arm(p);

        if (arm != NULL) {
            height = arm->body->height > height ? arm->body->height : height;
            height = arm->pattern->height > height ? arm->pattern->height : height;
            front_push(p->f, arm);
            continue;
        }
        p->f->n_stack = good;
        p->depth = depth;
        parse_skip_to(p, comma);
        if (!parse_accept(p, TOK_COMMA)) {
            parse_accept(p, TOK_SEMI);
        }
    }
    p->no_struct = no_struct;
    arms = front_take(p->f, mark, &e->n_items);
    e->match.arms = front_array(p->f, e->n_items, sizeof(*e->match.arms));
    for (uint32_t i = 0; i < e->n_items; i++) {
        e->match.arms[i] = *arms[i];
    }
    return parse_expect(p, TOK_BRACE_CLOSE, "after the arms") ? finish(p, e, height) : NULL;
}

static struct lang_expr *control_expr(struct parser *p)
{
    return parse_at(p, TOK_IF)      ? if_expr(p)
           : parse_at(p, TOK_MATCH) ? match_expr(p)
                                    : unary_expr(p);
}

/* cast = (if | match | unary) {"as" type} */
static struct lang_expr *cast_expr(struct parser *p)
{
    struct lang_expr *e = control_expr(p);

    while (e != NULL && parse_at(p, TOK_AS)) {
        struct lang_expr *cast = parse_new_expr(p, EXPR_CAST, e->span.from);

        parse_next(p);
        cast->args[0] = e;
        cast->given = parse_type(p);
        e = cast->given == NULL ? NULL : finish(p, cast, e->height);
    }
    return e;
}

/* Binary operators, tighter ones with higher levels; all of them group to the left. */
static const struct {
    uint8_t level, op;
} binary[TOK_N_KINDS] = {
    [TOK_OR_OR] = {1, OP_LOR}, [TOK_AND_AND] = {2, OP_LAND}, [TOK_EQ_EQ] = {3, OP_EQ},
    [TOK_NE] = {3, OP_NE},     [TOK_LT] = {4, OP_LT},        [TOK_GT] = {4, OP_GT},
    [TOK_LE] = {4, OP_LE},     [TOK_GE] = {4, OP_GE},        [TOK_BAR] = {5, OP_OR},
    [TOK_CARET] = {6, OP_XOR}, [TOK_AMP] = {7, OP_AND},      [TOK_SHL] = {8, OP_SHL},
    [TOK_SHR] = {8, OP_SHR},   [TOK_PLUS] = {9, OP_ADD},     [TOK_MINUS] = {9, OP_SUB},
    [TOK_STAR] = {10, OP_MUL}, [TOK_SLASH] = {10, OP_DIV},   [TOK_PERCENT] = {10, OP_REM},
};

/* After a statement that is an if or a match, `-1` begins the next one. */
static bool begins_statement(struct parser *p, const struct lang_expr *left)
{
    return (left->kind == EXPR_IF || left->kind == EXPR_MATCH) && !left->parens &&
           parse_at(p, TOK_MINUS) && parse_peek(p)->kind == TOK_NUM &&
           parse_peek(p)->span.from == p->tok.span.to;
}

/* cast {op cast}, of operators at least as tight as the level */
static struct lang_expr *binary_expr(struct parser *p, unsigned level, bool stmt)
{
    struct lang_expr *left = cast_expr(p);

    while (left != NULL && binary[p->tok.kind].level >= level) {
        unsigned own = binary[p->tok.kind].level;
        struct lang_expr *e, *right;

        if (stmt && begins_statement(p, left)) {
            break;
        }
        e = parse_new_expr(p, EXPR_BINARY, left->span.from);
        e->op = binary[p->tok.kind].op;
        parse_next(p);
        if ((right = binary_expr(p, own + 1, false)) == NULL) {
            return NULL;
        }
        e->args[0] = left;
        e->args[1] = right;
        left = finish(p, e, left->height > right->height ? left->height : right->height);
    }
    return left;
}

/* expr = block | binary */
struct lang_expr *parse_expr(struct parser *p, bool stmt)
{
    struct lang_expr *e;

    if (!parse_enter(p)) {
        return NULL;
    }
    e = parse_at(p, TOK_BRACE_OPEN) ? block_expr(p, "") : binary_expr(p, 1, stmt);
    parse_leave(p);
    return e;
}

struct lang_expr *parse_head(struct parser *p)
{
    bool no_struct = p->no_struct;
    struct lang_expr *e;

    p->no_struct = true;
    e = parse_expr(p, false);
    p->no_struct = no_struct;
    return e;
}
