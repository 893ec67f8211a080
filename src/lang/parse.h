/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the parser. A function that parses something returns NULL after an error, which was
 * reported; its callers return NULL too, up to a list of statements, arms or definitions, which
 * skips to where the next one may begin. */
#ifndef WHIST_LANG_PARSE_H
#define WHIST_LANG_PARSE_H

#include "lang/front.h"

struct parser {
    struct front *f;
    struct scanner scan;
    struct token tok, ahead; /* the current one; the one after it, if has_ahead */
    bool has_ahead;
    uint32_t last_to; /* end of the token before */
    uint32_t depth;   /* of recursion */
    bool no_struct;   /* in the head of if, match, for: `{` after a name begins the block */
    bool quiet;       /* the rest is skipped, without further errors */
};

/* ---- Tokens ---- */

void parse_next(struct parser *p);
const struct token *parse_peek(struct parser *p);
static inline bool parse_at(const struct parser *p, token_kind kind)
{
    return p->tok.kind == kind;
}
/* Skips the token if it is of that kind. */
bool parse_accept(struct parser *p, token_kind kind);
/* The same, and an error if not. */
bool parse_expect(struct parser *p, token_kind kind, const char *after);
/* Skips to one of the ends (0-terminated list) outside of all brackets, or to a `}` that closes
 * more than was opened, or to a definition. */
void parse_skip_to(struct parser *p, const token_kind *ends);

/* Whether the current token begins a definition. */
bool parse_at_definition(struct parser *p);

/* ---- Errors ---- */

/* A diagnostic at the current token; thrown away if the token was bad itself. */
struct lang_diag *parse_error(struct parser *p, lang_diag_kind kind, const char *fmt, ...)
    WHIST_PRINTF(3, 4);
/* Counts one level of recursion; false, after an error, beyond the limit. */
bool parse_enter(struct parser *p);
static inline void parse_leave(struct parser *p)
{
    p->depth--;
}
/* 1 + the higher of two, or 0 after an error beyond the limit. */
uint16_t parse_height(struct parser *p, struct lang_span span, unsigned a, unsigned b);

static inline struct lang_span parse_span(const struct parser *p, uint32_t from)
{
    struct lang_span s = {from, p->last_to};
    return s;
}

/* ---- Parts ---- */

/* The name, or NULL after an error that says what it was expected to be: "a parameter". */
const struct lang_name *parse_name(struct parser *p, const char *what, struct lang_span *span_out);
/* Takes the number at the current token, whose sign was read; reports one out of range, which then
 * counts as 0. */
void parse_number(struct parser *p, bool negative, uint32_t from, uint64_t *value_out,
                  uint8_t *suffix_out);

struct lang_typeref *parse_type(struct parser *p);
struct lang_cexpr *parse_cexpr(struct parser *p);
/* Size of an array as it may stand in an expression: a number or a name. */
struct lang_cexpr *parse_simple_size(struct parser *p);
struct lang_pattern *parse_pattern(struct parser *p);
struct lang_block *parse_block(struct parser *p, const char *after);
struct lang_stmt *parse_stmt(struct parser *p, bool arm);
/* stmt: the expression begins a statement. */
struct lang_expr *parse_expr(struct parser *p, bool stmt);
/* The head of if, match or for. */
struct lang_expr *parse_head(struct parser *p);
struct lang_expr *parse_new_expr(struct parser *p, lang_expr_kind kind, uint32_t from);

#endif
