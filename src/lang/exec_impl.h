/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Inside of the executor.
 *
 * Values are lists of words in the order of layout.h. While expressions are evaluated they lie on
 * one stack; variables lie in cells. Nothing else holds the number of a word across the evaluation
 * of anything, so that a segment can end between any two statements: there all words alive are in
 * the stack, the cells, the journal and the touched lists.
 *
 * Branches. An arm of a secret condition runs on the cells themselves. The first time it changes a
 * cell, the old word goes into the journal; at the end of the arm its changes are taken back and
 * remembered; at the end of all arms the cells that any of them touched are merged. So a branch
 * costs what it touches.
 */
#ifndef WHIST_LANG_EXEC_IMPL_H
#define WHIST_LANG_EXEC_IMPL_H

#include "lang/exec.h"

struct cell {
    word_id word;
    uint32_t arm; /* the arm that has the old word in the journal already, or that bound the cell */
};

/* A change that an arm made: in the journal `word` is the old one; among the changes it is the one
 * at the end of the arm. */
struct change {
    uint32_t cell;
    word_id word;
    uint32_t arm; /* journal: the cell's former `arm`; changes: number of the arm in its branch */
};

struct changes {
    struct change *v;
    size_t n, cap;
};

struct frame {
    const struct lang_fn *fn;
    size_t base;           /* first cell */
    const size_t *offsets; /* by slot: cells before it */
};

struct exec {
    struct word_program p;
    const struct layout *layout;
    const struct lang_unit *unit;
    struct exec_options options;
    word_id guard; /* condition of the path: 1 bit */
    uint32_t arm;  /* number of the arm that runs, 0: no secret condition is above */
    uint32_t n_arms;
    word_id *stack;
    size_t n_stack, cap_stack;
    struct cell *cells;
    size_t n_cells, cap_cells;
    struct changes journal, changes;
    struct frame frame;
    size_t **fn_offsets;    /* by fn->index: offsets of its slots, and the sum */
    uint32_t *site_numbers; /* by index in unit->sites: number + 1, or 0 */
    size_t segment_start;   /* nodes that were made again at its beginning */
    size_t segment_end;     /* nodes at which it ends */
    uint64_t steps;
    unsigned depth;
    struct whist_error *err;
};

/* Where the words of a value are: on the stack or in cells. */
struct ref {
    bool on_stack;
    size_t at;
};

/* ---- exec.c ---- */

/* Remembers that a limit is exceeded. */
whist_status exec_limit(struct exec *x, const char *what);
/* Counts a step; fails when there were too many or the caller cancels. */
whist_status exec_step(struct exec *x);
/* Makes room for and pushes one word; makes room for n more. */
whist_status exec_push(struct exec *x, word_id w);
whist_status exec_reserve(struct exec *x, size_t n);
/* Moves the words from `from` on down to `to`: what was between is gone. */
void exec_drop(struct exec *x, size_t to, size_t from);
/* A check: if cond (and the guard), panic at the unit's site. */
void exec_check(struct exec *x, word_id cond, uint32_t site);
static inline size_t words_of(const struct exec *x, const struct lang_type *t)
{
    return (size_t)layout_words(x->layout, t);
}
static inline word_id ref_word(const struct exec *x, struct ref r, size_t k)
{
    return r.on_stack ? x->stack[r.at + k] : x->cells[r.at + k].word;
}
static inline size_t exec_cell(const struct exec *x, const struct lang_local *local)
{
    return x->frame.base + x->frame.offsets[local->slot];
}

/* ---- exec_segment.c ---- */

/* Hands the program made so far to the sink and goes on with an empty one. */
whist_status exec_segment(struct exec *x);

/* ---- exec_stmt.c ---- */

/* Pushes the value of the block. */
whist_status exec_block(struct exec *x, const struct lang_block *b);
whist_status exec_call(struct exec *x, const struct lang_expr *e);
/* Runs a function whose arguments are the top words of the stack, in order; they are replaced by
 * its result. */
whist_status exec_fn(struct exec *x, const struct lang_fn *fn);

/* ---- exec_expr.c ---- */

/* Pushes the value. */
whist_status exec_expr(struct exec *x, const struct lang_expr *e);
/* A value of one word. */
whist_status exec_word(struct exec *x, const struct lang_expr *e, word_id *out);

/* ---- exec_op.c ---- */

/* x op y for numbers or bools of the type t with the checks of the site. */
word_id exec_binary(struct exec *x, lang_op op, const struct lang_type *t, word_id a, word_id b,
                    uint32_t site);
word_id exec_unary(struct exec *x, lang_op op, word_id a, uint32_t site);
/* Are the n words at a and b of the stack equal? */
word_id exec_equal(struct exec *x, size_t a, size_t b, size_t n);

/* ---- exec_place.c ---- */

/* The value without copying it, if it is a variable or a known part of one; else it is pushed. */
whist_status exec_ref(struct exec *x, const struct lang_expr *e, struct ref *out);
/* Pushes n words. */
whist_status exec_copy(struct exec *x, struct ref r, size_t n);
whist_status exec_assign(struct exec *x, const struct lang_stmt *s);

/* ---- exec_branch.c ---- */

/* Changes a cell; an arm's first change goes into the journal. */
whist_status exec_store(struct exec *x, size_t cell, word_id w);
/* Gives a cell its first word: nothing to be taken back. */
static inline void exec_bind_cell(struct exec *x, size_t cell, word_id w)
{
    x->cells[cell] = (struct cell){w, x->arm};
}
whist_status exec_if(struct exec *x, const struct lang_expr *e);
whist_status exec_match(struct exec *x, const struct lang_expr *e);
whist_status exec_logic(struct exec *x, const struct lang_expr *e);

/*
 * A branch. On the stack lie, from `at` on: the guard outside; for each arm the condition that it
 * is taken if none before it is; for each arm the condition that it is taken, which excludes those
 * of the others. The caller pushes these (exec_branch_begin the guard), runs the arms in order
 * between exec_arm_begin and exec_arm_end, and merges.
 */
struct branch {
    size_t at;
    size_t changes_from; /* in x->changes */
    size_t journal_from;
    uint32_t outer_arm;
    uint32_t n_arms, done; /* all, ended */
};
whist_status exec_branch_begin(struct exec *x, struct branch *b);
whist_status exec_arm_begin(struct exec *x, struct branch *b);
whist_status exec_arm_end(struct exec *x, struct branch *b);
/* Merges the cells. all: one of the arms is taken in any case. */
whist_status exec_branch_end(struct exec *x, struct branch *b, bool all);

/* ---- exec_pattern.c ---- */

/* Condition under which the value matches. */
whist_status exec_matches(struct exec *x, const struct lang_pattern *pat, struct ref value,
                          word_id *out);
/* Binds the names of the pattern to the parts of the value. */
whist_status exec_bind(struct exec *x, const struct lang_pattern *pat, struct ref value);
/* Pushes tag and payload of a variant whose fields are the words from `fields` to the top of the
 * stack; they are replaced. */
whist_status exec_variant(struct exec *x, const struct lang_type *t, uint32_t variant,
                          size_t fields);
/* Pushes the words of a value of type t that are the bits of the word on the stack at `from`,
 * beginning below bit *top, which moves down. */
whist_status exec_unpack(struct exec *x, const struct lang_type *t, size_t from, uint32_t *top);
/* The words from `from` to the top as one word, the first on top, with `pad` zeros below. At least
 * one bit. */
word_id exec_pack(struct exec *x, size_t from, uint32_t pad);

/* ---- exec_join.c ---- */

whist_status exec_join(struct exec *x, const struct lang_expr *e);
whist_status exec_for_join(struct exec *x, const struct lang_stmt *s);

#endif
