/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Programs laid out: token by token, each with the space that belongs before it. */
#include "lang/format.h"

#include "lang/front.h"

#define INDENT 4 /* spaces a level */

/* A bracket that is open, and the level of the line on which it was opened. */
struct open {
    uint32_t level;
    struct open *below;
};

struct formatter {
    struct front *f;
    struct whist_buffer *out;
    struct open *open, *free;
    token_kind last, before_last; /* significant tokens, TOK_END at the start */
    bool last_was_unary;          /* the last token was a sign */
    bool empty_line_allowed;      /* not at the start, nor after an opening brace */
    uint32_t level;               /* of the line being written */
    bool line_begun;
};

static void put(struct formatter *w, const char *text, size_t len)
{
    whist_status st = whist_buffer_append(w->out, text, len);

    if (st != WHIST_OK) {
        front_fail(w->f, st);
    }
}

static bool opens(token_kind k)
{
    return k == TOK_PAREN_OPEN || k == TOK_BRACKET_OPEN || k == TOK_BRACE_OPEN;
}

static bool closes(token_kind k)
{
    return k == TOK_PAREN_CLOSE || k == TOK_BRACKET_CLOSE || k == TOK_BRACE_CLOSE;
}

/* After these an operand is complete, so that a minus is a subtraction. */
static bool ends_operand(token_kind k)
{
    return k == TOK_ID || k == TOK_NUM || k == TOK_PAREN_CLOSE || k == TOK_BRACKET_CLOSE ||
           k == TOK_BRACE_CLOSE;
}

/* ---- Spaces ---- */

/* Whether a space stands between two tokens of one line. adjacent: they touched. */
static bool space_between(const struct formatter *w, const struct token *t, bool adjacent)
{
    token_kind a = w->last, b = t->kind;

    if (a == TOK_PAREN_OPEN || a == TOK_BRACKET_OPEN || b == TOK_PAREN_CLOSE ||
        b == TOK_BRACKET_CLOSE || b == TOK_COMMA || b == TOK_SEMI || b == TOK_COLON ||
        a == TOK_COLON_COLON || b == TOK_COLON_COLON || a == TOK_DOT || b == TOK_DOT ||
        a == TOK_BANG || w->last_was_unary) {
        return false;
    }
    if (a == TOK_BRACE_OPEN && b == TOK_BRACE_CLOSE) {
        return false;
    }
    if (a == TOK_DOT_DOT || a == TOK_DOT_DOT_EQ) {
        return b == TOK_BRACE_CLOSE;
    }
    if (b == TOK_DOT_DOT || b == TOK_DOT_DOT_EQ) {
        return a == TOK_COMMA || a == TOK_BRACE_OPEN;
    }
    if (b == TOK_PAREN_OPEN) {
        return a != TOK_ID;
    }
    if (b == TOK_BRACKET_OPEN) {
        return !ends_operand(a);
    }
    /* After an if, `-1` begins a statement where `- 1` goes on, so nothing is changed there. */
    if (a == TOK_MINUS && w->before_last == TOK_BRACE_CLOSE && b == TOK_NUM) {
        return !adjacent;
    }
    return true;
}

/* A sign belongs to what follows it. */
static bool is_unary(const struct formatter *w, const struct token *t)
{
    return t->kind == TOK_MINUS && !ends_operand(w->last);
}

/* ---- Lines ---- */

static void push_open(struct formatter *w)
{
    struct open *o = w->free;

    if (o != NULL) {
        w->free = o->below;
    } else {
        o = front_alloc(w->f, sizeof(*o));
    }
    o->level = w->level;
    o->below = w->open;
    w->open = o;
}

/* The level of the line that the bracket was opened on. */
static uint32_t pop_open(struct formatter *w)
{
    struct open *o = w->open;
    uint32_t level;

    if (o == NULL) {
        return 0;
    }
    level = o->level;
    w->open = o->below;
    o->below = w->free;
    w->free = o;
    return level;
}

/* Whether a line that begins with t goes on with what stands before. */
static bool continues(const struct formatter *w, const struct token *t)
{
    switch (w->last) {
    case TOK_END:
    case TOK_SEMI:
    case TOK_COMMA:
    case TOK_BRACE_OPEN:
    case TOK_PAREN_OPEN:
    case TOK_BRACKET_OPEN:
        return false;
    case TOK_BRACE_CLOSE:
        return t->kind >= TOK_PLUS && t->kind <= TOK_SHR && t->kind != TOK_MINUS &&
               t->kind != TOK_BANG;
    default:
        return t->kind != TOK_BRACE_OPEN && t->kind != TOK_ELSE;
    }
}

static void begin_line(struct formatter *w, uint32_t level)
{
    static const char spaces[] = "                                ";

    w->level = level;
    w->line_begun = true;
    for (uint32_t n = level * INDENT; n > 0;) {
        uint32_t part = n < sizeof(spaces) - 1 ? n : (uint32_t)sizeof(spaces) - 1;
        put(w, spaces, part);
        n -= part;
    }
}

static uint32_t inner_level(const struct formatter *w)
{
    return w->open == NULL ? 0 : w->open->level + 1;
}

/* Ends the line, if one was begun; n: line ends in the source. */
static void end_lines(struct formatter *w, uint32_t n, bool empty_allowed)
{
    if (n == 0) {
        return;
    }
    if (w->line_begun) {
        put(w, "\n", 1);
        w->line_begun = false;
    }
    if (n > 1 && empty_allowed && w->empty_line_allowed) {
        put(w, "\n", 1);
        w->empty_line_allowed = false;
    }
}

/* ---- Comments ---- */

static uint32_t comment_end(const struct lang_unit *u, uint32_t at, uint32_t to)
{
    uint32_t depth = 0;

    if (u->source[at + 1] == '/') {
        while (at < to && u->source[at] != '\n') {
            at++;
        }
        return at;
    }
    do {
        if (at + 1 < to && u->source[at] == '/' && u->source[at + 1] == '*') {
            depth++;
            at += 2;
        } else if (at + 1 < to && u->source[at] == '*' && u->source[at + 1] == '/') {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (depth > 0 && at < to);
    return at;
}

static void put_comment(struct formatter *w, uint32_t from, uint32_t to)
{
    const char *text = w->f->unit->source + from;
    uint32_t len = to - from;

    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r')) {
        len--;
    }
    if (w->line_begun) {
        put(w, " ", 1);
    } else {
        begin_line(w, inner_level(w));
    }
    put(w, text, len);
    w->empty_line_allowed = true;
}

/* What stands between two tokens: comments are written, ends of lines after the last of them are
 * counted. Sets *comment if there was one since the last end of line. */
static uint32_t put_gap(struct formatter *w, uint32_t from, uint32_t to, bool *comment)
{
    const struct lang_unit *u = w->f->unit;
    uint32_t lines = 0;

    *comment = false;
    for (uint32_t at = from; at < to;) {
        if (u->source[at] == '/') {
            uint32_t end = comment_end(u, at, to);

            end_lines(w, lines, true);
            put_comment(w, at, end);
            lines = 0;
            *comment = true;
            at = end;
        } else {
            lines += u->source[at] == '\n';
            at++;
        }
    }
    return lines;
}

/* ---- Tokens ---- */

static void put_token(struct formatter *w, const struct token *t)
{
    w->last_was_unary = is_unary(w, t);
    put(w, w->f->unit->source + t->span.from, t->span.to - t->span.from);
    if (opens(t->kind)) {
        push_open(w);
    }
    w->before_last = w->last;
    w->last = t->kind;
    w->empty_line_allowed = !opens(t->kind);
}

static bool same_line(const struct formatter *w, uint32_t from, uint32_t to)
{
    return memchr(w->f->unit->source + from, '\n', to - from) == NULL;
}

/* A line that begins with closing brackets stands where the line of the last of them began. */
static void begin_closing_line(struct formatter *w, struct scanner ahead, struct token t)
{
    uint32_t level = inner_level(w);
    struct open *o = w->open;

    for (bool here = true; here && closes(t.kind);) {
        uint32_t end = t.span.to;

        level = o == NULL ? 0 : o->level;
        o = o == NULL ? NULL : o->below;
        t = scan_token(&ahead);
        here = same_line(w, end, t.span.from);
    }
    begin_line(w, level);
}

static void format_token(struct formatter *w, const struct scanner *after, const struct token *t,
                         uint32_t from)
{
    bool comment;
    uint32_t lines = put_gap(w, from, t->span.from, &comment);

    end_lines(w, lines, !closes(t->kind));
    if (w->line_begun) {
        bool tight = closes(t->kind) || t->kind == TOK_COMMA || t->kind == TOK_SEMI;

        if (comment ? !tight : space_between(w, t, t->span.from == from)) {
            put(w, " ", 1);
        }
    } else if (closes(t->kind)) {
        begin_closing_line(w, *after, *t);
    } else {
        begin_line(w, inner_level(w) + (continues(w, t) ? 1 : 0));
    }
    if (closes(t->kind)) {
        pop_open(w);
    }
    put_token(w, t);
}

static void run(struct front *f, struct whist_buffer *out)
{
    struct formatter w = {.f = f, .out = out};
    struct scanner s = {f, 0, false};
    uint32_t from = 0;
    bool comment;

    for (;;) {
        struct token t = scan_token(&s);

        if (t.kind == TOK_END) {
            end_lines(&w, put_gap(&w, from, f->unit->len, &comment), false);
            break;
        }
        format_token(&w, &s, &t, from);
        from = t.span.to;
    }
    end_lines(&w, 1, false);
}

whist_status lang_format(struct lang_unit *unit, struct whist_buffer *out)
{
    struct front f = {.unit = unit};

    for (const struct lang_diag *d = lang_diag_first(unit); d != NULL; d = d->next) {
        if (lang_diag_severity(d->kind) == LANG_ERROR && lang_diag_phase(d->kind) <= LANG_PARSE) {
            return WHIST_ERR_FORMAT;
        }
    }
    unit->status = WHIST_OK;
    if (setjmp(f.failed) == 0) {
        run(&f, out);
    }
    whist_free(f.stack);
    return unit->status;
}
