/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Tokens to blocks, statements and patterns. */
#include "lang/parse.h"

/* ---- Patterns ---- */

static struct lang_pattern *new_pattern(struct parser *p, lang_pattern_kind kind)
{
    struct lang_pattern *pat = front_alloc(p->f, sizeof(*pat));

    pat->kind = kind;
    pat->type = p->f->unit->error_type;
    return pat;
}

/* list(pattern) ")" */
static bool sub_patterns(struct parser *p, struct lang_pattern *pat)
{
    size_t mark = front_mark(p->f);

    while (!parse_at(p, TOK_PAREN_CLOSE)) {
        struct lang_pattern *sub = parse_pattern(p);
        if (sub == NULL) {
            return false;
        }
        front_push(p->f, sub);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    pat->subs = front_take(p->f, mark, &pat->n_subs);
    return parse_expect(p, TOK_PAREN_CLOSE, "after the patterns");
}

struct field_pattern {
    const struct lang_name *name;
    struct lang_span span;
    struct lang_pattern *sub;
};

/* ID [":" pattern] */
static struct field_pattern *field_pattern(struct parser *p)
{
    struct field_pattern *f = front_alloc(p->f, sizeof(*f));

    if ((f->name = parse_name(p, "a field", &f->span)) == NULL) {
        return NULL;
    }
    if (parse_accept(p, TOK_COLON)) {
        f->sub = parse_pattern(p);
        return f->sub == NULL ? NULL : f;
    }
    f->sub = new_pattern(p, PAT_BIND);
    f->sub->name = f->name;
    f->sub->span = f->span;
    f->sub->height = 1;
    return f;
}

/* "{" list(ID [":" pattern]) ["," ".."] "}" */
static bool struct_pattern(struct parser *p, struct lang_pattern *pat)
{
    struct field_pattern **fields;
    size_t mark = front_mark(p->f);

    parse_next(p);
    while (!parse_at(p, TOK_BRACE_CLOSE)) {
        struct field_pattern *f;

        if (parse_accept(p, TOK_DOT_DOT)) {
            pat->rest = true;
            break;
        }
        if ((f = field_pattern(p)) == NULL) {
            return false;
        }
        front_push(p->f, f);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    fields = front_take(p->f, mark, &pat->n_subs);
    pat->subs = front_array(p->f, pat->n_subs, sizeof(struct lang_pattern *));
    pat->fields = front_array(p->f, pat->n_subs, sizeof(*pat->fields));
    pat->field_names = front_array(p->f, pat->n_subs, sizeof(struct lang_name *));
    pat->field_spans = front_array(p->f, pat->n_subs, sizeof(*pat->field_spans));
    for (uint32_t i = 0; i < pat->n_subs; i++) {
        pat->subs[i] = fields[i]->sub;
        pat->field_names[i] = fields[i]->name;
        pat->field_spans[i] = fields[i]->span;
    }
    return parse_expect(p, TOK_BRACE_CLOSE, "after the fields");
}

/* ID | "true" | "false" | ID "::" ID ["(" …] | ID "{" … */
static struct lang_pattern *name_pattern(struct parser *p)
{
    struct lang_pattern *pat = new_pattern(p, PAT_BIND);
    struct lang_span ignored;

    pat->name = p->tok.name;
    parse_next(p);
    if (lang_name_is(pat->name, "true") || lang_name_is(pat->name, "false")) {
        pat->kind = PAT_BOOL;
        pat->lo = pat->hi = lang_name_is(pat->name, "true");
    } else if (parse_accept(p, TOK_COLON_COLON)) {
        pat->kind = PAT_VARIANT;
        pat->enum_name = pat->name;
        pat->name = parse_name(p, "a variant", &ignored);
        if (pat->name == NULL) {
            return NULL;
        }
        if (parse_accept(p, TOK_PAREN_OPEN)) {
            pat->tuple = true;
            return sub_patterns(p, pat) ? pat : NULL;
        }
    } else if (parse_at(p, TOK_BRACE_OPEN)) {
        pat->kind = PAT_STRUCT;
        return struct_pattern(p, pat) ? pat : NULL;
    }
    return pat;
}

/* ["-"] UINT */
static bool pattern_number(struct parser *p, uint64_t *value, bool *negative, uint8_t *suffix)
{
    uint32_t from = p->tok.span.from;

    *negative = parse_accept(p, TOK_MINUS);
    if (!parse_at(p, TOK_NUM)) {
        struct lang_diag *d =
            parse_error(p, *negative ? DIAG_InvalidPattern : DIAG_InvalidRangeExpr,
                        "expected a number, found %s", token_text(p->tok.kind));
        if (!*negative) {
            lang_diag_help(p->f->unit, d, "both ends of a range must be given, as numbers");
        }
        return false;
    }
    parse_number(p, *negative, from, value, suffix);
    return true;
}

/* NUM [(".." | "..=") NUM], with signs; both ends without suffix or with the same */
static struct lang_pattern *number_pattern(struct parser *p)
{
    struct lang_pattern *pat = new_pattern(p, PAT_INT);
    uint32_t from = p->tok.span.from;
    struct lang_diag *d;

    if (!pattern_number(p, &pat->lo, &pat->lo_negative, &pat->lo_suffix)) {
        return NULL;
    }
    pat->hi = pat->lo;
    pat->hi_negative = pat->lo_negative;
    pat->inclusive = true;
    if (!parse_at(p, TOK_DOT_DOT) && !parse_at(p, TOK_DOT_DOT_EQ)) {
        return pat;
    }
    pat->range = true;
    pat->inclusive = parse_at(p, TOK_DOT_DOT_EQ);
    parse_next(p);
    if (!pattern_number(p, &pat->hi, &pat->hi_negative, &pat->hi_suffix)) {
        return NULL;
    }
    if (pat->lo_suffix != pat->hi_suffix) {
        d = lang_report(p->f->unit, DIAG_InvalidRangeExpr, parse_span(p, from),
                        "the ends of a range must have the same suffix, or both none");
        lang_diag_help(p->f->unit, d, "the suffix may be left out on both sides");
    }
    return pat;
}

static struct lang_pattern *pattern_body(struct parser *p)
{
    struct lang_pattern *pat;
    struct lang_diag *d;

    switch (p->tok.kind) {
    case TOK_ID:
        return name_pattern(p);
    case TOK_NUM:
    case TOK_MINUS:
        return number_pattern(p);
    case TOK_PAREN_OPEN:
        parse_next(p);
        pat = new_pattern(p, PAT_TUPLE);
        return sub_patterns(p, pat) ? pat : NULL;
    default:
        d = parse_error(p, DIAG_InvalidPattern, "expected a pattern, found %s",
                        token_text(p->tok.kind));
        lang_diag_help(p->f->unit, d,
                       "patterns are names, numbers, ranges, true, false, tuples, structs and "
                       "variants of enums");
        return NULL;
    }
}

/* pattern = name | number | "(" [list(pattern)] ")" */
struct lang_pattern *parse_pattern(struct parser *p)
{
    uint32_t from = p->tok.span.from;
    struct lang_pattern *pat;
    unsigned height = 0;

    if (!parse_enter(p)) {
        return NULL;
    }
    pat = pattern_body(p);
    parse_leave(p);
    if (pat == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < pat->n_subs; i++) {
        height = pat->subs[i]->height > height ? pat->subs[i]->height : height;
    }
    pat->span = parse_span(p, from);
    pat->height = parse_height(p, pat->span, height, 0);
    return pat->height == 0 ? NULL : pat;
}

/* ---- Statements ---- */

static struct lang_stmt *new_stmt(struct parser *p, lang_stmt_kind kind, uint32_t from)
{
    struct lang_stmt *s = front_alloc(p->f, sizeof(*s));

    s->kind = kind;
    s->span.from = from;
    s->site = LANG_NO_SITE;
    return s;
}

/* "mut" ID | pattern, then [":" type] "=" expr */
static struct lang_stmt *parse_let(struct parser *p)
{
    struct lang_stmt *s = new_stmt(p, STMT_LET, p->tok.span.from);

    parse_next(p);
    s->mut = parse_accept(p, TOK_MUT);
    if (s->mut) {
        struct lang_pattern *pat = new_pattern(p, PAT_BIND);
        s->pattern = pat;
        pat->height = 1;
        if ((pat->name = parse_name(p, "a variable", &pat->span)) == NULL) {
            return NULL;
        }
    } else if ((s->pattern = parse_pattern(p)) == NULL) {
        return NULL;
    }
    if (parse_accept(p, TOK_COLON) && (s->given = parse_type(p)) == NULL) {
        return NULL;
    }
    if (!parse_expect(p, TOK_ASSIGN, "and the value after the variable") ||
        (s->value = parse_expr(p, false)) == NULL) {
        return NULL;
    }
    s->height = parse_height(p, s->value->span, s->value->height, s->pattern->height);
    return s->height == 0 ? NULL : s;
}

/* "for" pattern "in" expr block; join_iter(a, b) is known only as the expr here */
static struct lang_stmt *parse_for(struct parser *p)
{
    struct lang_stmt *s = new_stmt(p, STMT_FOR, p->tok.span.from);
    unsigned height;

    parse_next(p);
    if ((s->pattern = parse_pattern(p)) == NULL || !parse_expect(p, TOK_IN, "after the pattern") ||
        (s->value = parse_head(p)) == NULL) {
        return NULL;
    }
    height = s->value->height;
    if (parse_at(p, TOK_DOT_DOT) || parse_at(p, TOK_DOT_DOT_EQ)) {
        struct lang_diag *d = parse_error(
            p, DIAG_Expected, "expected `{` after the range, found %s", token_text(p->tok.kind));
        lang_diag_help(p->f->unit, d, "the ends of a range are numbers without a sign: 0..10");
        return NULL;
    }
    if (s->value->kind == EXPR_CALL && !s->value->parens && s->value->n_items == 2 &&
        lang_name_is(s->value->call.name, "join_iter")) {
        s->kind = STMT_FOR_JOIN;
        s->other = s->value->call.items[1];
        s->value = s->value->call.items[0];
    }
    if ((s->body = parse_block(p, "to begin the body of the loop")) == NULL) {
        return NULL;
    }
    height = s->pattern->height > height ? s->pattern->height : height;
    s->height = parse_height(p, s->pattern->span, height, s->body->height);
    return s->height == 0 ? NULL : s;
}

static bool assign_op(token_kind kind, lang_op *op)
{
    static const lang_op ops[TOK_N_KINDS] = {
        [TOK_PLUS_ASSIGN] = OP_ADD,  [TOK_MINUS_ASSIGN] = OP_SUB,   [TOK_STAR_ASSIGN] = OP_MUL,
        [TOK_SLASH_ASSIGN] = OP_DIV, [TOK_PERCENT_ASSIGN] = OP_REM, [TOK_AMP_ASSIGN] = OP_AND,
        [TOK_BAR_ASSIGN] = OP_OR,    [TOK_CARET_ASSIGN] = OP_XOR,   [TOK_SHL_ASSIGN] = OP_SHL,
        [TOK_SHR_ASSIGN] = OP_SHR,
    };

    if (kind < TOK_ASSIGN || kind > TOK_SHR_ASSIGN) {
        return false;
    }
    *op = ops[kind];
    return true;
}

/* The place that an expression is, or NULL. */
static struct lang_place *place_of(struct parser *p, struct lang_expr *e)
{
    struct lang_place *place = front_alloc(p->f, sizeof(*place));
    struct lang_expr *at = e;

    while (!at->parens && (at->kind == EXPR_INDEX || at->kind == EXPR_FIELD)) {
        place->n_steps++;
        at = at->args[0];
    }
    if (at->parens || at->kind != EXPR_LOCAL) {
        return NULL;
    }
    place->name = at->name;
    place->span = at->span;
    place->steps = front_array(p->f, place->n_steps, sizeof(*place->steps));
    at = e;
    for (uint32_t i = place->n_steps; i-- > 0; at = at->args[0]) {
        struct lang_step *step = &place->steps[i];
        step->site = LANG_NO_SITE;
        step->span.from = at->args[0]->span.to;
        step->span.to = at->span.to;
        step->index = at->kind == EXPR_INDEX ? at->args[1] : NULL;
        step->name = at->kind == EXPR_FIELD ? at->field_name : NULL;
        step->field = at->kind == EXPR_FIELD ? at->field : 0;
    }
    return place;
}

/* expr | place ("=" | "+=" | …) expr */
static struct lang_stmt *expr_stmt(struct parser *p)
{
    struct lang_stmt *s = new_stmt(p, STMT_EXPR, p->tok.span.from);
    unsigned height;

    if ((s->value = parse_expr(p, true)) == NULL) {
        return NULL;
    }
    height = s->value->height;
    if (assign_op(p->tok.kind, &s->op)) {
        s->kind = STMT_ASSIGN;
        s->place = place_of(p, s->value);
        if (s->place == NULL) {
            struct lang_diag *d =
                parse_error(p, DIAG_Expected, "expected `;`: what stands before %s is no place",
                            token_text(p->tok.kind));
            lang_diag_also(p->f->unit, d, s->value->span, "cannot be assigned");
            lang_diag_help(p->f->unit, d, "variables, their elements and their fields can be");
            return NULL;
        }
        parse_next(p);
        if ((s->value = parse_expr(p, false)) == NULL) {
            return NULL;
        }
        height = s->value->height > height ? s->value->height : height;
    }
    s->height = parse_height(p, s->value->span, height, 0);
    return s->height == 0 ? NULL : s;
}

/* What people try who know other languages. */
static void hint_statement(struct parser *p, struct lang_diag *d, const struct lang_stmt *s)
{
    static const struct {
        const char *word, *help;
    } hints[] = {
        {"while", "there is no `while`: loops run over ranges and arrays, `for i in 0..10`"},
        {"loop", "there is no `loop`: loops run over ranges and arrays, `for i in 0..10`"},
        {"return", "there is no `return`: the last expression of a function is its result"},
        {"break", "there is no `break`: loops always run to their end"},
        {"continue", "there is no `continue`: use `if` in the body of the loop"},
    };

    if (parse_at(p, TOK_PAREN_OPEN)) {
        lang_diag_help(p->f->unit, d,
                       "only functions can be called, by name; there are no methods");
    }
    if (s->kind != STMT_EXPR || s->value->kind != EXPR_LOCAL) {
        return;
    }
    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (lang_name_is(s->value->name, hints[i].word)) {
            lang_diag_help(p->f->unit, d, "%s", hints[i].help);
        }
    }
}

/* Said where the statement ends, which may be lines before what follows. */
static void report_no_end(struct parser *p, const struct lang_stmt *s, bool arm)
{
    struct lang_diag *d =
        parse_error(p, DIAG_Expected, "expected %s after the %s, found %s", arm ? "`,`" : "`;`",
                    arm ? "arm" : "statement", token_text(p->tok.kind));

    if (d->has_place) {
        d->span.from = d->span.to = p->last_to;
    }
    lang_diag_label(p->f->unit, d, "expected %s", arm ? "`,`" : "`;`");
    lang_diag_also(p->f->unit, d, p->tok.span, "did not expect this");
    hint_statement(p, d, s);
}

/* Whether the statement may end here without a semicolon. */
static bool stmt_ends(const struct parser *p, token_kind first, bool arm)
{
    if (parse_at(p, TOK_BRACE_CLOSE) || (arm && parse_at(p, TOK_COMMA))) {
        return true;
    }
    /* After an arm that ends in a brace the next one may follow. */
    if (arm && p->last_to > 0 && p->f->unit->source[p->last_to - 1] == '}') {
        return true;
    }
    return first == TOK_IF || first == TOK_MATCH || first == TOK_BRACE_OPEN || first == TOK_FOR;
}

/* stmt = (let | for | place op expr | expr) [";"]; the semicolon may be left out before `}`, before
 * `,` after an arm, and after if, match, for and blocks */
struct lang_stmt *parse_stmt(struct parser *p, bool arm)
{
    token_kind first = p->tok.kind;
    uint32_t from = p->tok.span.from;
    struct lang_stmt *s;

    if (first == TOK_ELSE || first == TOK_MUT || first == TOK_AS || first == TOK_IN) {
        parse_error(p, DIAG_ExpectedStmt, "expected a statement, found %s", token_text(first));
        parse_next(p);
        return NULL;
    }
    s = first == TOK_LET ? parse_let(p) : first == TOK_FOR ? parse_for(p) : expr_stmt(p);
    if (s == NULL) {
        return NULL;
    }
    s->span = parse_span(p, from);
    if (!parse_accept(p, TOK_SEMI) && !stmt_ends(p, first, arm)) {
        report_no_end(p, s, arm);
        return NULL;
    }
    return s;
}

/* block = "{" {stmt} "}" */
struct lang_block *parse_block(struct parser *p, const char *after)
{
    static const token_kind semi[] = {TOK_SEMI, TOK_END};
    struct lang_block *b = front_alloc(p->f, sizeof(*b));
    size_t mark = front_mark(p->f);
    bool no_struct = p->no_struct;
    unsigned height = 0;

    b->span.from = p->tok.span.from;
    b->type = p->f->unit->error_type;
    if (!parse_expect(p, TOK_BRACE_OPEN, after) || !parse_enter(p)) {
        return NULL;
    }
    p->no_struct = false;
    while (!parse_at(p, TOK_BRACE_CLOSE) && !parse_at(p, TOK_END) && !parse_at_definition(p)) {
        size_t good = front_mark(p->f);
        uint32_t depth = p->depth;
        struct lang_stmt *s = parse_stmt(p, false);

        if (s != NULL) {
            height = s->height > height ? s->height : height;
            front_push(p->f, s);
            continue;
        }
        p->f->n_stack = good;
        p->depth = depth;
        parse_skip_to(p, semi);
        parse_accept(p, TOK_SEMI);
    }
    parse_leave(p);
    p->no_struct = no_struct;
    b->stmts = front_take(p->f, mark, &b->n_stmts);
    if (!parse_at(p, TOK_BRACE_CLOSE)) {
        struct lang_span opening = {b->span.from, b->span.from + 1};
        struct lang_diag *d =
            parse_error(p, DIAG_Expected, "expected `}`, found %s", token_text(p->tok.kind));
        lang_diag_also(p->f->unit, d, opening, "this block is not closed");
        return NULL;
    }
    parse_next(p);
    b->span = parse_span(p, b->span.from);
    b->height = parse_height(p, b->span, height, 0);
    return b->height == 0 ? NULL : b;
}
