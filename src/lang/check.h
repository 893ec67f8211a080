/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the checker: names, types, inference of integers. */
#ifndef WHIST_LANG_CHECK_H
#define WHIST_LANG_CHECK_H

#include "lang/front.h"

/* What a name means outside of functions: three spaces of names. */
struct global {
    struct lang_const *constant;
    struct lang_struct *strct;
    struct lang_enum *enm;
    struct lang_fn *fn;
};

/* An integer whose type is open: a class of equal ones, in a forest of parents. */
struct int_var {
    uint32_t parent;               /* itself: a root */
    const struct lang_type *bound; /* of a root: the type, once it is known */
};

struct hidden {
    uint32_t name;
    struct lang_local *before;
};

struct call_edge {
    uint32_t from, to; /* fn->index */
    struct lang_span span;
};

struct checker {
    struct front *f;
    struct lang_unit *u;
    struct global *globals;      /* by name id */
    struct lang_local **visible; /* by name id: the innermost binding */
    struct hidden *hidden;       /* what bindings hide, innermost last */
    uint32_t n_hidden, cap_hidden;
    struct lang_fn *fn; /* the function being checked, or NULL */
    uint32_t cap_locals;
    struct int_var *vars; /* of the function */
    uint32_t n_vars, cap_vars;
    struct call_edge *calls; /* of all functions, in order of the source */
    uint32_t n_calls, cap_calls;
    uint32_t cap_sites, cap_wanted;
    uint64_t pattern_fuel;
    uint32_t consts_above; /* while a const is checked: those it may name; else all */
    bool fuel_reported;
    bool in_pattern;
};

/* Why a type is expected: where that was said. */
struct why {
    struct lang_span span;
    const char *text; /* NULL: nothing to point at */
};

/* ---- Errors (check.c) ---- */

/* "expected u8, found bool" at the place; nothing if one of them is bad. */
void check_unexpected(struct checker *c, struct lang_span span, const struct lang_type *want,
                      const struct lang_type *found, const struct why *why);
const char *check_text(struct checker *c, const struct lang_type *t);
/* "did you mean `…`?" for the name in the list that is closest, if one is close. */
struct candidates {
    const struct lang_name *wanted, *best;
    uint32_t distance;
};
/* Whether the error will be seen: looking for names takes time. */
static inline bool check_seen(const struct checker *c)
{
    return lang_n_errors(c->u) <= c->u->limits.max_errors;
}
void check_candidate(struct candidates *all, const struct lang_name *name);
void check_suggest(struct checker *c, struct lang_diag *d, const struct candidates *all);
/* A list one longer: returns the list, moved if need be; its items have the size given. */
void *check_grow(struct front *f, void *list, uint32_t n, uint32_t *cap, size_t size);

/* ---- Types and consts (check_types.c) ---- */

void check_consts(struct checker *c);
void check_layouts(struct checker *c);
const struct lang_type *check_typeref(struct checker *c, const struct lang_typeref *ref);
/* The size written as INT or CONST; NULL after an error. */
struct lang_size *check_size(struct checker *c, struct lang_cexpr *e);
const struct lang_type *check_tuple(struct checker *c, struct lang_span span,
                                    const struct lang_type **parts, uint32_t n);
const struct lang_type *check_array(struct checker *c, struct lang_span span,
                                    const struct lang_type *elem, struct lang_size *size);

/* ---- Inference (infer.c) ---- */

const struct lang_type *infer_new(struct checker *c);
/* The type as far as it is known at the top: a VAR only if it is open. */
const struct lang_type *infer_prune(struct checker *c, const struct lang_type *t);
/* Makes them equal; false if they cannot be. Bad types agree with everything. */
bool infer_unify(struct checker *c, const struct lang_type *a, const struct lang_type *b);
/* The type with all that was found out; what is still open is i32. */
const struct lang_type *infer_final(struct checker *c, const struct lang_type *t);
/* Forgets the variables. */
void infer_clear(struct checker *c);

/* An integer type, an open integer, or bad. */
bool infer_is_number(struct checker *c, const struct lang_type *t);

/* ---- Functions (check_stmt.c, check_pattern.c, check_expr.c) ---- */

struct lang_local *check_bind(struct checker *c, const struct lang_name *name,
                              struct lang_span span, const struct lang_type *type, bool mut);
static inline uint32_t check_open_scope(const struct checker *c)
{
    return c->n_hidden;
}
void check_close_scope(struct checker *c, uint32_t scope);

/* want: what is expected, for better places of errors, or NULL; the type is set in every case. */
void check_expr(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                const struct why *why);
/* check_expr, and an error unless the type agrees. */
void check_expect(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                  const struct why *why);
void check_block(struct checker *c, struct lang_block *b, const struct lang_type *want,
                 const struct why *why);
/* Binds the names in the pattern. */
void check_pattern(struct checker *c, struct lang_pattern *p, const struct lang_type *type,
                   bool mut);
/* Type of left op right for all operators but && and ||, both sides being checked; the error type
 * after an error. span: of the whole. */
const struct lang_type *check_operator(struct checker *c, lang_op op, struct lang_span span,
                                       struct lang_expr *left, const struct lang_type *left_type,
                                       struct lang_span left_span, struct lang_expr *right);
const struct lang_type *check_index(struct checker *c, const struct lang_type *array,
                                    struct lang_span span, struct lang_expr *index);
/* The type of the field; sets *field to its number. name NULL: of a tuple. */
const struct lang_type *check_field(struct checker *c, const struct lang_type *of,
                                    struct lang_span span, const struct lang_name *name,
                                    uint32_t *field);
const struct lang_type *check_join_rows(struct checker *c, struct lang_expr *a,
                                        struct lang_expr *b);
void check_function(struct checker *c, struct lang_fn *fn);

/* ---- After inference (finish.c) ---- */

/* Final types, ranges of numbers, panic sites, exhaustiveness, in the whole function. */
void check_finish(struct checker *c, struct lang_fn *fn);

/* ---- Patterns (useful.c) ---- */

/* Whether some value of the type is matched by none of the patterns. Writes an example to witness
 * (of len bytes). Sets *gave_up if the question is too hard. */
bool patterns_incomplete(uint64_t *fuel, const struct lang_type *type,
                         struct lang_pattern *const *patterns, uint32_t n, char *witness,
                         size_t len, bool *gave_up);
/* Whether the last of n patterns matches a value that none of the others does. */
bool patterns_last_useful(uint64_t *fuel, const struct lang_type *type,
                          struct lang_pattern *const *patterns, uint32_t n, bool *gave_up);

#endif
