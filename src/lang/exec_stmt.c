/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Functions, blocks, statements. */
#include "lang/exec_impl.h"

/* ---- Functions ---- */

static whist_status fn_offsets(struct exec *x, const struct lang_fn *fn, const size_t **out)
{
    size_t *offsets = x->fn_offsets[fn->index];

    if (offsets == NULL) {
        offsets = whist_alloc((size_t)fn->n_locals + 1, sizeof *offsets);
        if (offsets == NULL) {
            return WHIST_ERR_NOMEM;
        }
        x->fn_offsets[fn->index] = offsets;
        offsets[0] = 0;
        for (uint32_t i = 0; i < fn->n_locals; i++) {
            offsets[i + 1] = offsets[i] + words_of(x, fn->locals[i]->type);
            if (offsets[i + 1] > LAYOUT_MAX_WORDS) {
                offsets[fn->n_locals] = offsets[i + 1];
                break;
            }
        }
    }
    *out = offsets;
    return offsets[fn->n_locals] > LAYOUT_MAX_WORDS
               ? exec_limit(x, "variables of more than 2^27 words in a function")
               : WHIST_OK;
}

static whist_status push_frame(struct exec *x, const struct lang_fn *fn)
{
    const size_t *offsets;

    TRY(fn_offsets(x, fn, &offsets));
    size_t n = offsets[fn->n_locals], need = x->n_cells + n;
    if (need > 2 * LAYOUT_MAX_WORDS) {
        return exec_limit(x, "variables of more than 2^28 words at a time");
    }
    if (need > x->cap_cells) {
        size_t cap = x->cap_cells + x->cap_cells / 2 + 64;
        cap = cap < need ? need : cap;
        struct cell *v = whist_realloc(x->cells, cap, sizeof *v);
        if (v == NULL) {
            return WHIST_ERR_NOMEM;
        }
        x->cells = v;
        x->cap_cells = cap;
    }
    for (size_t i = x->n_cells; i < need; i++) {
        x->cells[i] = (struct cell){WORD_FALSE, 0};
    }
    x->frame = (struct frame){.fn = fn, .base = x->n_cells, .offsets = offsets};
    x->n_cells = need;
    return WHIST_OK;
}

whist_status exec_fn(struct exec *x, const struct lang_fn *fn)
{
    struct frame caller = x->frame;
    size_t n_args = 0;

    TRY(push_frame(x, fn));
    for (uint32_t i = 0; i < fn->n_params; i++) {
        n_args += words_of(x, fn->params[i].local->type);
    }
    /* Parameters have the first slots, in order. */
    size_t args = x->n_stack - n_args;
    for (size_t i = 0; i < n_args; i++) {
        exec_bind_cell(x, x->frame.base + i, x->stack[args + i]);
    }
    x->n_stack = args;
    TRY(exec_block(x, fn->body));
    x->n_cells = x->frame.base;
    x->frame = caller;
    return x->p.status;
}

whist_status exec_call(struct exec *x, const struct lang_expr *e)
{
    for (uint32_t i = 0; i < e->n_items; i++) {
        TRY(exec_expr(x, e->call.items[i]));
    }
    return exec_fn(x, e->call.fn);
}

/* ---- Loops ---- */

static whist_status run_body(struct exec *x, const struct lang_stmt *s, struct ref element)
{
    size_t mark = x->n_stack;

    TRY(exec_step(x));
    TRY(exec_bind(x, s->pattern, element));
    TRY(exec_block(x, s->body));
    x->n_stack = mark;
    return x->p.status;
}

static whist_status for_range(struct exec *x, const struct lang_stmt *s)
{
    const struct lang_expr *r = s->value;
    uint32_t width = lang_width(r->type->elem);
    size_t mark = x->n_stack;

    for (uint64_t i = r->num.bits; i != r->num.to; i++) {
        TRY(exec_push(x, word_const(&x->p, width, i)));
        TRY(run_body(x, s, (struct ref){.on_stack = true, .at = mark}));
        x->n_stack = mark;
    }
    return WHIST_OK;
}

/* A variable that the body cannot change need not be copied. */
static bool is_fixed(const struct lang_expr *e)
{
    while (e->kind == EXPR_FIELD || e->kind == EXPR_INDEX) {
        e = e->args[0];
    }
    return e->kind != EXPR_LOCAL || !e->local->mut;
}

static whist_status for_array(struct exec *x, const struct lang_stmt *s)
{
    size_t mark = x->n_stack, step = words_of(x, s->value->type->elem);
    struct ref r = {.on_stack = true, .at = mark};

    if (is_fixed(s->value)) {
        TRY(exec_ref(x, s->value, &r));
    } else {
        TRY(exec_expr(x, s->value));
    }
    for (uint64_t i = 0; i < array_len(s->value->type); i++) {
        TRY(run_body(x, s, r));
        r.at += step;
    }
    x->n_stack = mark;
    return WHIST_OK;
}

/* ---- Statements ---- */

static whist_status exec_let(struct exec *x, const struct lang_stmt *s)
{
    size_t mark = x->n_stack;
    struct ref r;

    TRY(exec_ref(x, s->value, &r));
    TRY(exec_bind(x, s->pattern, r));
    x->n_stack = mark;
    return WHIST_OK;
}

/* Leaves the value of an expression on the stack. */
static whist_status exec_stmt(struct exec *x, const struct lang_stmt *s)
{
    TRY(exec_step(x));
    if (x->options.sink != NULL && x->p.n_nodes >= x->segment_end) {
        TRY(exec_segment(x));
    }
    x->p.place = s->span.from;
    switch (s->kind) {
    case STMT_LET:
        return exec_let(x, s);
    case STMT_FOR:
        return s->value->kind == EXPR_RANGE ? for_range(x, s) : for_array(x, s);
    case STMT_FOR_JOIN:
        return exec_for_join(x, s);
    case STMT_ASSIGN:
        return exec_assign(x, s);
    default:
        return exec_expr(x, s->value);
    }
}

whist_status exec_block(struct exec *x, const struct lang_block *b)
{
    size_t mark = x->n_stack;

    for (uint32_t i = 0; i < b->n_stmts; i++) {
        x->n_stack = mark;
        TRY(exec_stmt(x, b->stmts[i]));
    }
    return x->p.status;
}
