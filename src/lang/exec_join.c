/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * join and join_iter. Rows of both tables become words of one width: key, tag (0: first table, 1:
 * second), the other columns, zeros. They are merged by key and tag; then rows with one key are
 * neighbours.
 */
#include "lang/exec_impl.h"

struct join {
    const struct lang_type *a, *b; /* element types */
    bool tuples;                   /* rows are tuples with the key first; else the row is the key */
    uint64_t n_a, n_b;
    uint32_t key, rest_a, rest_b, width; /* bits: of the key, of the other columns, of a row */
    size_t rows;                         /* stack: the rows in order */
};

static const struct lang_type *key_type(const struct join *j)
{
    return j->tuples ? j->a->parts[0] : j->a;
}

static whist_status describe(struct exec *x, struct join *j, const struct lang_type *a,
                             const struct lang_type *b, bool tuples)
{
    *j = (struct join){
        .a = a->elem, .b = b->elem, .tuples = tuples, .n_a = array_len(a), .n_b = array_len(b)};
    uint64_t key = key_type(j)->bits, rest_a = j->a->bits - key, rest_b = j->b->bits - key;
    uint64_t width = key + 1 + (rest_a > rest_b ? rest_a : rest_b);
    if (1 + key + rest_a + rest_b > WORD_MAX_WIDTH || j->n_a + j->n_b > LAYOUT_MAX_WORDS) {
        return exec_limit(x, "rows of a join of more than 2^20 bits");
    }
    j->key = (uint32_t)key;
    j->rest_a = (uint32_t)rest_a;
    j->rest_b = (uint32_t)rest_b;
    j->width = (uint32_t)width;
    return WHIST_OK;
}

/* Replaces the n rows of `words` words each from `from` on by one word each. */
static whist_status pack_rows(struct exec *x, const struct join *j, size_t from, uint64_t n,
                              const struct lang_type *row, uint32_t rest, word_id tag)
{
    size_t words = words_of(x, row), key_words = words_of(x, key_type(j));

    for (uint64_t i = 0; i < n; i++) {
        size_t mark = x->n_stack, at = from + (size_t)i * words;
        struct ref r = {.on_stack = true, .at = at};
        TRY(exec_step(x));
        TRY(exec_copy(x, r, key_words));
        TRY(exec_push(x, tag));
        r.at += key_words;
        TRY(exec_copy(x, r, words - key_words));
        word_id packed = exec_pack(x, mark, j->width - j->key - 1 - rest);
        x->n_stack = mark;
        TRY(exec_push(x, packed));
    }
    return x->p.status;
}

/* Evaluates both tables and merges them: the rows in order are pushed. */
static whist_status merge_tables(struct exec *x, struct join *j, const struct lang_expr *a,
                                 const struct lang_expr *b, uint32_t place)
{
    size_t mark = x->n_stack;

    TRY(exec_expr(x, a));
    size_t from_b = x->n_stack;
    TRY(exec_expr(x, b));
    size_t rows = x->n_stack;
    x->p.place = place;
    TRY(pack_rows(x, j, mark, j->n_a, j->a, j->rest_a, WORD_FALSE));
    TRY(pack_rows(x, j, from_b, j->n_b, j->b, j->rest_b, WORD_TRUE));
    word_id merged =
        word_merge(&x->p, x->stack + rows, (uint32_t)j->n_a, (uint32_t)j->n_b, j->key + 1);
    x->n_stack = mark;
    j->rows = mark;
    for (uint64_t k = 0; k < j->n_a + j->n_b; k++) {
        TRY(exec_push(x, word_pick(&x->p, merged, (uint32_t)k)));
    }
    return x->p.status;
}

/* ---- Pairs of neighbours ---- */

/* Pushes rows k and k + 1. */
static whist_status push_pair(struct exec *x, const struct join *j, uint64_t k)
{
    TRY(exec_push(x, x->stack[j->rows + k]));
    return exec_push(x, x->stack[j->rows + k + 1]);
}

/* Do the pair's rows have one key and come from different tables? */
static word_id pair_matches(struct exec *x, const struct join *j, size_t pair)
{
    if (x->p.status != WHIST_OK) {
        return 0;
    }
    uint32_t tag_at = j->width - j->key - 1;
    word_id a = x->stack[pair], b = x->stack[pair + 1];
    word_id tag_a = word_slice(&x->p, a, tag_at, 1), tag_b = word_slice(&x->p, b, tag_at, 1);
    word_id tags = word_binary(&x->p, WORD_XOR, tag_a, tag_b);
    if (j->key == 0 || x->p.status != WHIST_OK) {
        return tags;
    }
    word_id keys = word_eq(&x->p, word_slice(&x->p, a, tag_at + 1, j->key),
                           word_slice(&x->p, b, tag_at + 1, j->key));
    return word_and(&x->p, keys, tags);
}

/* Pushes the words of one of the pair's rows: its key, and what comes after the tag. */
static whist_status push_row(struct exec *x, const struct join *j, size_t row,
                             const struct lang_type *t)
{
    uint32_t top = j->width;

    TRY(exec_unpack(x, key_type(j), row, &top));
    top = j->width - j->key - 1;
    for (uint32_t i = 1; j->tuples && i < t->n_parts; i++) {
        TRY(exec_unpack(x, t->parts[i], row, &top));
    }
    return WHIST_OK;
}

/* ---- for … in join_iter ---- */

static whist_status run_pair(struct exec *x, const struct join *j, const struct lang_stmt *s,
                             uint64_t k)
{
    size_t pair = x->n_stack;
    struct branch b;

    TRY(exec_step(x));
    x->p.place = s->span.from;
    TRY(push_pair(x, j, k));
    word_id match = pair_matches(x, j, pair);
    if (match == WORD_FALSE) {
        x->n_stack = pair;
        return x->p.status;
    }
    TRY(exec_branch_begin(x, &b));
    b.n_arms = 1;
    TRY(exec_push(x, match));
    TRY(exec_push(x, match));
    struct ref rows = {.on_stack = true, .at = x->n_stack};
    TRY(push_row(x, j, pair, j->a));
    TRY(push_row(x, j, pair + 1, j->b));
    TRY(exec_arm_begin(x, &b));
    TRY(exec_bind(x, s->pattern, rows));
    TRY(exec_block(x, s->body));
    TRY(exec_arm_end(x, &b));
    x->p.place = s->span.from;
    TRY(exec_branch_end(x, &b, false));
    x->n_stack = pair;
    return x->p.status;
}

whist_status exec_for_join(struct exec *x, const struct lang_stmt *s)
{
    size_t mark = x->n_stack;
    struct join j;

    TRY(describe(x, &j, s->value->type, s->other->type, true));
    if (j.n_a == 0 || j.n_b == 0) { /* no pairs; the tables may panic all the same */
        TRY(exec_expr(x, s->value));
        TRY(exec_expr(x, s->other));
        x->n_stack = mark;
        return WHIST_OK;
    }
    TRY(merge_tables(x, &j, s->value, s->other, s->span.from));
    for (uint64_t k = 0; k + 1 < j.n_a + j.n_b; k++) {
        TRY(run_pair(x, &j, s, k));
    }
    x->n_stack = mark;
    return x->p.status;
}

/* ---- join ---- */

/* Pushes a row of the result in one word: match, key, columns of both tables; zero without a
 * match. */
static whist_status push_result(struct exec *x, const struct join *j, uint64_t k)
{
    size_t pair = x->n_stack;

    TRY(exec_step(x));
    TRY(push_pair(x, j, k));
    size_t parts = x->n_stack;
    TRY(exec_push(x, pair_matches(x, j, pair)));
    uint32_t below = j->width - j->key - 1;
    TRY(x->p.status);
    if (j->key != 0) {
        TRY(exec_push(x, word_slice(&x->p, x->stack[pair], below + 1, j->key)));
    }
    if (j->rest_a != 0) {
        TRY(exec_push(x, word_slice(&x->p, x->stack[pair], below - j->rest_a, j->rest_a)));
    }
    if (j->rest_b != 0) {
        TRY(exec_push(x, word_slice(&x->p, x->stack[pair + 1], below - j->rest_b, j->rest_b)));
    }
    TRY(x->p.status);
    word_id match = x->stack[parts], row = exec_pack(x, parts, 0);
    TRY(x->p.status);
    row = word_select(&x->p, match, row, word_const(&x->p, word_width(&x->p, row), 0));
    x->n_stack = pair;
    return exec_push(x, row);
}

/* Pushes the words of a result: the row in one word is on the stack at `row`. */
static whist_status unpack_result(struct exec *x, const struct join *j, size_t row)
{
    TRY(x->p.status);
    uint32_t width = word_width(&x->p, x->stack[row]), top = width - 1;

    TRY(exec_push(x, word_slice(&x->p, x->stack[row], width - 1, 1)));
    TRY(exec_unpack(x, key_type(j), row, &top));
    for (uint32_t i = 1; j->tuples && i < j->a->n_parts; i++) {
        TRY(exec_unpack(x, j->a->parts[i], row, &top));
    }
    if (j->tuples) {
        uint32_t key_top = width - 1;
        TRY(exec_unpack(x, key_type(j), row, &key_top));
        for (uint32_t i = 1; i < j->b->n_parts; i++) {
            TRY(exec_unpack(x, j->b->parts[i], row, &top));
        }
    }
    return x->p.status;
}

whist_status exec_join(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack;
    struct join j;

    TRY(describe(x, &j, e->args[0]->type, e->args[1]->type, e->join_tuples));
    if (j.n_a + j.n_b < 2) { /* no pairs */
        TRY(exec_expr(x, e->args[0]));
        TRY(exec_expr(x, e->args[1]));
        x->n_stack = mark;
        return WHIST_OK;
    }
    TRY(merge_tables(x, &j, e->args[0], e->args[1], e->span.from));
    uint32_t n = (uint32_t)(j.n_a + j.n_b - 1);
    size_t rows = x->n_stack;
    for (uint32_t k = 0; k < n; k++) {
        TRY(push_result(x, &j, k));
    }
    word_id compact = word_compact(&x->p, x->stack + rows, n);
    x->n_stack = mark;
    TRY(exec_push(x, compact));
    for (uint32_t k = 0; k < n; k++) {
        size_t row = x->n_stack;
        TRY(exec_push(x, word_pick(&x->p, x->stack[mark], k)));
        TRY(unpack_result(x, &j, row));
        exec_drop(x, row, row + 1);
    }
    exec_drop(x, mark, mark + 1);
    return x->p.status;
}
