/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the front end: memory, tokens, and what its passes share. */
#ifndef WHIST_LANG_FRONT_H
#define WHIST_LANG_FRONT_H

#include "lang/diag.h"

#include <setjmp.h>

/* ---- Memory ---- */

/* One for each unit: everything dies together. */
struct lang_arena *lang_arena_new(size_t max_bytes);
void lang_arena_free(struct lang_arena *arena);
/* Zeroed, aligned for pointers and 64-bit numbers; NULL beyond the limit or without memory. */
void *lang_arena_try(struct lang_arena *arena, size_t size);

/* The state of a pass. The passes allocate everywhere, so failing to is the one thing that does not
 * come back through return values: it jumps to `failed`. Nothing but the arena and the two stacks
 * below is held while passes run, and all of them are freed where the jump lands. */
struct front {
    struct lang_unit *unit;
    jmp_buf failed;
    void **stack; /* lists under construction */
    size_t n_stack, cap_stack;
    uint64_t fuel;  /* of unification: what hostile types may cost altogether */
    bool too_large; /* a type or a size was refused since this was cleared */
};

_Noreturn void front_fail(struct front *f, whist_status status);
/* As lang_arena_try, but jumps. */
void *front_alloc(struct front *f, size_t size);
void *front_array(struct front *f, size_t count, size_t size);
/* Text in the arena. */
const char *front_text(struct front *f, const char *fmt, ...) WHIST_PRINTF(2, 3);

/* Lists of unknown length: push items, then take all above the mark as an array in the arena. */
static inline size_t front_mark(const struct front *f)
{
    return f->n_stack;
}
void front_push(struct front *f, void *item);
void *front_take(struct front *f, size_t mark, uint32_t *n_out);

/* NULL without memory. */
struct lang_diags *lang_diags_new(struct lang_arena *arena);

/* ---- Names ---- */

const struct lang_name *front_name(struct front *f, const char *text, size_t len);
/* Names so far: all ids are below. */
uint32_t lang_n_names(const struct lang_unit *unit);
bool lang_name_is(const struct lang_name *name, const char *text);
/* Byte order. */
int front_compare_names(const struct lang_name *a, const struct lang_name *b);
/* The numbers 0 … n - 1 in order of the names. */
uint32_t *front_sort_names(struct front *f, const struct lang_name *const *names, uint32_t n);
/* How a name is given to printf: "%.*s", NAME(name). */
#define NAME(name) (int)((name)->len > 80 ? 80 : (name)->len), (name)->text

/* ---- Tokens (scan.c) ---- */

typedef enum token_kind {
    TOK_END,
    TOK_BAD, /* was reported */
    TOK_ID,
    TOK_NUM,
    /* Keywords */
    TOK_CONST,
    TOK_STRUCT,
    TOK_ENUM,
    TOK_FN,
    TOK_LET,
    TOK_IF,
    TOK_ELSE,
    TOK_MATCH,
    TOK_MUT,
    TOK_AS,
    TOK_PUB,
    TOK_FOR,
    TOK_IN,
    /* Punctuation */
    TOK_PLUS,
    TOK_MINUS,
    TOK_STAR,
    TOK_SLASH,
    TOK_PERCENT,
    TOK_AMP,
    TOK_BAR,
    TOK_CARET,
    TOK_BANG,
    TOK_AND_AND,
    TOK_OR_OR,
    TOK_EQ_EQ,
    TOK_NE,
    TOK_LT,
    TOK_GT,
    TOK_LE,
    TOK_GE,
    TOK_SHL,
    TOK_SHR,
    TOK_ASSIGN,
    TOK_PLUS_ASSIGN,
    TOK_MINUS_ASSIGN,
    TOK_STAR_ASSIGN,
    TOK_SLASH_ASSIGN,
    TOK_PERCENT_ASSIGN,
    TOK_AMP_ASSIGN,
    TOK_BAR_ASSIGN,
    TOK_CARET_ASSIGN,
    TOK_SHL_ASSIGN,
    TOK_SHR_ASSIGN,
    TOK_DOT,
    TOK_DOT_DOT,
    TOK_DOT_DOT_EQ,
    TOK_COMMA,
    TOK_SEMI,
    TOK_COLON,
    TOK_COLON_COLON,
    TOK_ARROW,
    TOK_FAT_ARROW,
    TOK_PAREN_OPEN,
    TOK_PAREN_CLOSE,
    TOK_BRACKET_OPEN,
    TOK_BRACKET_CLOSE,
    TOK_BRACE_OPEN,
    TOK_BRACE_CLOSE,
    TOK_N_KINDS
} token_kind;

struct token {
    token_kind kind;
    struct lang_span span;
    const struct lang_name *name; /* ID, keywords */
    uint64_t value;               /* NUM */
    uint8_t suffix;               /* NUM: lang_type_kind + 1, or 0 */
    enum {                        /* NUM: whether the parser must report it */
           NUM_GOOD,
           NUM_HUGE,   /* beyond 64 bits */
           NUM_SUFFIX, /* what follows the digits is no suffix */
    } number;
};

struct scanner {
    struct front *f;
    uint32_t at;
    bool cut; /* a comment swallowed the rest: that the rest is missing needs no words */
};

/* The next token; reports what is no token. */
struct token scan_token(struct scanner *s);
/* "`+`", "a number", "a name": as messages call it. */
const char *token_text(token_kind kind);
/* Type of a suffix or a type's name (of len bytes), or -1: bool is not among them. */
int lang_integer_named(const char *text, size_t len);
/* "u8" … for TYPE_BOOL … TYPE_I64. */
const char *lang_scalar_name(lang_type_kind kind);
/* Largest magnitude of an integer type, for positive and for negative numbers. */
uint64_t lang_max_magnitude(lang_type_kind kind, bool negative);

/* ---- Parser ---- */

/* Fills the unit's lists of definitions. */
void front_parse(struct front *f);

/* ---- Types (types.c) ---- */

void front_types_init(struct front *f);
const struct lang_type *front_tuple(struct front *f, const struct lang_type **parts, uint32_t n);
const struct lang_type *front_array_of(struct front *f, const struct lang_type *elem,
                                       struct lang_size *size);
const struct lang_type *front_var_type(struct front *f, uint32_t var);
const struct lang_type *front_scalar(const struct front *f, lang_type_kind kind);
const struct lang_type *front_named(struct front *f, struct lang_struct *strct,
                                    struct lang_enum *enm);
struct lang_size *front_size_number(struct front *f, uint64_t n);
struct lang_size *front_size_const(struct front *f, struct lang_const *ref);
/* A tree without consts becomes a number; one const becomes that const. */
struct lang_size *front_size_expr(struct front *f, struct lang_cexpr *expr);
/* Nodes of a type or a size as written out; beyond, and beyond LANG_MAX_DEPTH, the error type or
 * the size 0 comes instead and too_large is set. */
#define LANG_MAX_TYPE_NODES 10000

/* Exact value of a const expression whose consts are bound; false beyond ±2^100. Sets *open_out
 * when it needs a value that is not there. */
__extension__ typedef __int128 lang_wide;
bool lang_cexpr_value(const struct lang_cexpr *e, lang_wide *out, bool *open_out);

/* ---- Checker ---- */

void front_check(struct front *f);

#endif
