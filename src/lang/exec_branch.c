/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Branches on secret conditions: journal, merge, if, match, && and ||. */
#include "lang/exec_impl.h"

/* ---- Journal ---- */

static whist_status add_change(struct exec *x, struct changes *c, struct change change)
{
    if (c->n == c->cap) {
        size_t cap = c->cap + c->cap / 2 + 64;
        struct change *v = whist_realloc(c->v, cap, sizeof *v);
        if (v == NULL) {
            word_fail(&x->p, WHIST_ERR_NOMEM);
            return x->p.status;
        }
        c->v = v;
        c->cap = cap;
    }
    c->v[c->n++] = change;
    return WHIST_OK;
}

whist_status exec_store(struct exec *x, size_t cell, word_id w)
{
    struct cell *c = &x->cells[cell];

    if (c->word == w) {
        return WHIST_OK;
    }
    if (c->arm != x->arm) {
        struct change old = {.cell = (uint32_t)cell, .word = c->word, .arm = c->arm};
        TRY(add_change(x, &x->journal, old));
        c->arm = x->arm;
    }
    c->word = w;
    return WHIST_OK;
}

/* ---- Arms ---- */

whist_status exec_branch_begin(struct exec *x, struct branch *b)
{
    *b = (struct branch){.at = x->n_stack,
                         .changes_from = x->changes.n,
                         .journal_from = x->journal.n,
                         .outer_arm = x->arm};
    return exec_push(x, x->guard);
}

whist_status exec_arm_begin(struct exec *x, struct branch *b)
{
    if (x->n_arms == UINT32_MAX) {
        return exec_limit(x, "more than 2^32 branches");
    }
    word_id taken = x->stack[b->at + 1 + b->n_arms + b->done];
    x->guard = word_and(&x->p, x->stack[b->at], taken);
    x->arm = ++x->n_arms;
    return x->p.status;
}

whist_status exec_arm_end(struct exec *x, struct branch *b)
{
    for (size_t i = b->journal_from; i < x->journal.n; i++) {
        struct change old = x->journal.v[i];
        struct cell *c = &x->cells[old.cell];
        struct change new = {.cell = old.cell, .word = c->word, .arm = b->done};
        if (new.word != old.word) {
            TRY(add_change(x, &x->changes, new));
        }
        *c = (struct cell){old.word, old.arm};
    }
    x->journal.n = b->journal_from;
    x->guard = x->stack[b->at];
    x->arm = b->outer_arm;
    b->done++;
    return x->p.status;
}

/* ---- Merging ---- */

static int by_cell(const void *a, const void *b)
{
    const struct change *x = a, *y = b;

    if (x->cell != y->cell) {
        return x->cell < y->cell ? -1 : 1;
    }
    return x->arm < y->arm ? -1 : x->arm > y->arm;
}

/*
 * The changes of one cell. If all arms change it, the conditions in order do: n − 1 selects. Else
 * each arm that does selects with the condition that excludes the others.
 */
static word_id merge_cell(struct exec *x, const struct branch *b, const struct change *c, size_t n,
                          bool all)
{
    const word_id *in_order = x->stack + b->at + 1, *taken = in_order + b->n_arms;

    if (all && n == b->n_arms) {
        word_id w = c[n - 1].word;
        for (size_t k = n - 1; k-- > 0;) {
            w = word_select(&x->p, in_order[k], c[k].word, w);
        }
        return w;
    }
    word_id w = x->cells[c->cell].word;
    for (size_t k = 0; k < n; k++) {
        w = word_select(&x->p, taken[c[k].arm], c[k].word, w);
    }
    return w;
}

whist_status exec_branch_end(struct exec *x, struct branch *b, bool all)
{
    size_t n = x->changes.n - b->changes_from;
    struct change *c = n != 0 ? x->changes.v + b->changes_from : NULL;

    if (n > 1) {
        qsort(c, n, sizeof *c, by_cell);
    }
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && c[i + run].cell == c[i].cell) {
            run++;
        }
        TRY(exec_store(x, c[i].cell, merge_cell(x, b, c + i, run, all)));
        i += run;
    }
    x->changes.n = b->changes_from;
    return x->p.status;
}

/* The values of all arms, of `words` words each, lie one after the other on top of the stack. They
 * are merged and take the place of the branch. */
static whist_status merge_values(struct exec *x, const struct branch *b, size_t words)
{
    size_t from = x->n_stack - words * b->n_arms, last = x->n_stack - words;

    for (size_t i = 0; i < words; i++) {
        word_id w = x->stack[last + i];
        for (uint32_t k = b->n_arms - 1; k-- > 0;) {
            word_id cond = x->stack[b->at + 1 + k];
            w = word_select(&x->p, cond, x->stack[from + k * words + i], w);
        }
        x->stack[last + i] = w;
    }
    exec_drop(x, b->at, last);
    return x->p.status;
}

/* ---- if ---- */

static whist_status then_value(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack;

    TRY(exec_block(x, e->branch.then_block));
    if (e->branch.else_expr == NULL) {
        x->n_stack = mark;
    }
    return WHIST_OK;
}

static whist_status else_value(struct exec *x, const struct lang_expr *e)
{
    return e->branch.else_expr == NULL ? WHIST_OK : exec_expr(x, e->branch.else_expr);
}

whist_status exec_if(struct exec *x, const struct lang_expr *e)
{
    struct branch b;
    word_id cond;

    TRY(exec_word(x, e->branch.cond, &cond));
    if (cond == WORD_TRUE) {
        return then_value(x, e);
    }
    if (cond == WORD_FALSE) {
        return else_value(x, e);
    }
    TRY(exec_branch_begin(x, &b));
    b.n_arms = 2;
    TRY(exec_push(x, cond));
    TRY(exec_push(x, WORD_TRUE));
    TRY(exec_push(x, cond));
    TRY(exec_push(x, word_not(&x->p, cond)));
    TRY(exec_arm_begin(x, &b));
    TRY(then_value(x, e));
    TRY(exec_arm_end(x, &b));
    TRY(exec_arm_begin(x, &b));
    TRY(else_value(x, e));
    TRY(exec_arm_end(x, &b));
    x->p.place = e->span.from;
    TRY(exec_branch_end(x, &b, true));
    return merge_values(x, &b, words_of(x, e->type));
}

/* ---- && and || ---- */

whist_status exec_logic(struct exec *x, const struct lang_expr *e)
{
    bool is_and = e->op == OP_LAND;
    word_id left, right;
    struct branch b;

    TRY(exec_word(x, e->args[0], &left));
    word_id goes_on = is_and ? left : word_not(&x->p, left);
    if (goes_on == WORD_FALSE) {
        return exec_push(x, left);
    }
    if (goes_on == WORD_TRUE) {
        return exec_expr(x, e->args[1]);
    }
    TRY(exec_branch_begin(x, &b));
    b.n_arms = 1;
    TRY(exec_push(x, goes_on));
    TRY(exec_push(x, goes_on));
    TRY(exec_arm_begin(x, &b));
    TRY(exec_expr(x, e->args[1]));
    TRY(exec_arm_end(x, &b));
    x->p.place = e->span.from;
    TRY(exec_branch_end(x, &b, false));
    right = x->stack[--x->n_stack];
    goes_on = x->stack[b.at + 1];
    x->n_stack = b.at;
    right = word_and(&x->p, goes_on, right);
    return exec_push(x, is_and ? right : word_or(&x->p, word_not(&x->p, goes_on), right));
}

/* ---- match ---- */

/* Are two patterns known to exclude each other by their outermost constructor? */
static bool disjoint(const struct lang_pattern *p, const struct lang_pattern *q)
{
    if (p->kind != q->kind) {
        return false;
    }
    switch (p->kind) {
    case PAT_BOOL:
        return p->lo != q->lo;
    case PAT_VARIANT:
        return p->variant != q->variant;
    case PAT_INT:
        return lang_is_signed(p->type)
                   ? (int64_t)p->hi < (int64_t)q->lo || (int64_t)q->hi < (int64_t)p->lo
                   : p->hi < q->lo || q->hi < p->lo;
    default:
        return false;
    }
}

/* Above so many arms the conditions are not compared pairwise. */
#define MAX_COMPARED 256

/* Pushes for each arm (in `arms`, n of them) the condition that it is taken, from those in order
 * that are on the stack at `in_order`. */
static whist_status push_taken(struct exec *x, const struct lang_expr *e, const uint32_t *arms,
                               uint32_t n, size_t in_order)
{
    word_id none = WORD_TRUE; /* no arm before this one */

    for (uint32_t k = 0; k < n; k++) {
        const struct lang_pattern *pat = e->match.arms[arms[k]].pattern;
        bool alone = n <= MAX_COMPARED && !(k + 1 == n && pat->irrefutable);
        for (uint32_t i = 0; i < k && alone; i++) {
            alone = disjoint(pat, e->match.arms[arms[i]].pattern);
        }
        word_id own = x->stack[in_order + k];
        /* The arms take everything: the last is taken when the others are not. */
        TRY(exec_push(x, alone ? own : k + 1 == n ? none : word_and(&x->p, none, own)));
        none = word_and(&x->p, none, word_not(&x->p, own));
    }
    return x->p.status;
}

/* Begins the branch and pushes the conditions of all arms that can be taken; arms_out: their
 * numbers. */
static whist_status begin_match(struct exec *x, struct branch *b, const struct lang_expr *e,
                                struct ref value, uint32_t *arms_out)
{
    TRY(exec_branch_begin(x, b));
    for (uint32_t i = 0; i < e->n_items; i++) {
        word_id cond;
        TRY(exec_matches(x, e->match.arms[i].pattern, value, &cond));
        if (cond != WORD_FALSE) {
            arms_out[b->n_arms++] = i;
            TRY(exec_push(x, cond));
        }
        if (cond == WORD_TRUE) {
            break;
        }
    }
    if (b->n_arms == 0) { /* a tag that no variant has, known: no input can make it */
        return WHIST_ERR_FORMAT;
    }
    return push_taken(x, e, arms_out, b->n_arms, b->at + 1);
}

static whist_status run_match(struct exec *x, const struct lang_expr *e, struct ref value,
                              uint32_t *arms)
{
    struct branch b;

    TRY(begin_match(x, &b, e, value, arms));
    if (b.n_arms == 1) { /* no secret decides */
        x->n_stack = b.at;
        TRY(exec_bind(x, e->match.arms[arms[0]].pattern, value));
        return exec_expr(x, e->match.arms[arms[0]].body);
    }
    for (uint32_t k = 0; k < b.n_arms; k++) {
        TRY(exec_arm_begin(x, &b));
        TRY(exec_bind(x, e->match.arms[arms[k]].pattern, value));
        TRY(exec_expr(x, e->match.arms[arms[k]].body));
        TRY(exec_arm_end(x, &b));
    }
    x->p.place = e->span.from;
    TRY(exec_branch_end(x, &b, true));
    return merge_values(x, &b, words_of(x, e->type));
}

whist_status exec_match(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack;
    struct ref value;

    TRY(exec_ref(x, e->match.value, &value));
    x->p.place = e->span.from;
    uint32_t *arms = whist_alloc(e->n_items, sizeof *arms);
    if (arms == NULL) {
        return WHIST_ERR_NOMEM;
    }
    whist_status st = run_match(x, e, value, arms);
    whist_free(arms);
    TRY(st);
    size_t words = words_of(x, e->type);
    exec_drop(x, mark, x->n_stack - words);
    return x->p.status;
}
