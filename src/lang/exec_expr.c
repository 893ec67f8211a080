/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Expressions: each pushes the words of its value. */
#include "lang/exec_impl.h"

/* ---- Values of several parts ---- */

static whist_status exec_items(struct exec *x, struct lang_expr **items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        TRY(exec_expr(x, items[i]));
    }
    return WHIST_OK;
}

static whist_status exec_repeat(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack;
    uint64_t n = array_len(e->type);

    TRY(exec_expr(x, e->args[0]));
    size_t words = x->n_stack - mark;
    if (n == 0 || words == 0) {
        x->n_stack = mark;
        return WHIST_OK;
    }
    TRY(exec_reserve(x, words * (size_t)(n - 1)));
    for (size_t i = words; i < words * n; i++) {
        x->stack[mark + i] = x->stack[mark + i - words];
    }
    x->n_stack = mark + words * (size_t)n;
    return WHIST_OK;
}

static whist_status exec_range(struct exec *x, const struct lang_expr *e)
{
    for (uint64_t i = e->num.bits; i != e->num.to; i++) {
        TRY(exec_push(x, word_const(&x->p, lang_width(e->type->elem), i)));
        TRY(exec_step(x));
    }
    return WHIST_OK;
}

/* Fields are evaluated as written and lie in the order of the layout. */
static whist_status exec_struct(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack, words = words_of(x, e->type);

    TRY(exec_reserve(x, words));
    for (size_t i = 0; i < words; i++) {
        x->stack[x->n_stack++] = WORD_FALSE;
    }
    for (uint32_t i = 0; i < e->n_items; i++) {
        size_t value = x->n_stack;
        size_t at = mark + (size_t)layout_offset(x->layout, e->type, e->strct.inits[i].field);
        TRY(exec_expr(x, e->strct.inits[i].value));
        memcpy(x->stack + at, x->stack + value, (x->n_stack - value) * sizeof *x->stack);
        x->n_stack = value;
    }
    return WHIST_OK;
}

static whist_status exec_enum(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack;

    TRY(exec_items(x, e->variant.items, e->n_items));
    return exec_variant(x, e->type, e->variant.variant, mark);
}

/* ---- Parts of values ---- */

static whist_status exec_part(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack, words = words_of(x, e->type);
    struct ref r;

    TRY(exec_ref(x, e, &r));
    if (!r.on_stack) {
        x->n_stack = mark;
        return exec_copy(x, r, words);
    }
    x->n_stack = r.at + words;
    exec_drop(x, mark, r.at);
    return WHIST_OK;
}

/* ---- Operators ---- */

static whist_status exec_compare(struct exec *x, const struct lang_expr *e)
{
    size_t mark = x->n_stack, words = words_of(x, e->args[0]->type);

    TRY(exec_expr(x, e->args[0]));
    TRY(exec_expr(x, e->args[1]));
    word_id equal = exec_equal(x, mark, mark + words, words);
    x->n_stack = mark;
    return exec_push(x, e->op == OP_NE ? word_not(&x->p, equal) : equal);
}

static whist_status exec_operator(struct exec *x, const struct lang_expr *e)
{
    if (e->op == OP_LAND || e->op == OP_LOR) {
        return exec_logic(x, e);
    }
    if (e->op == OP_EQ || e->op == OP_NE) {
        return exec_compare(x, e);
    }
    TRY(exec_expr(x, e->args[0]));
    TRY(exec_expr(x, e->args[1]));
    x->p.place = e->span.from;
    x->n_stack -= 2;
    word_id a = x->stack[x->n_stack], b = x->stack[x->n_stack + 1];
    return exec_push(x, exec_binary(x, e->op, e->args[0]->type, a, b, e->site));
}

static whist_status exec_cast(struct exec *x, const struct lang_expr *e)
{
    const struct lang_type *from = e->args[0]->type;
    word_id w;

    TRY(exec_word(x, e->args[0], &w));
    return exec_push(x, word_resize(&x->p, w, lang_width(e->type), lang_is_signed(from)));
}

static whist_status exec_negation(struct exec *x, const struct lang_expr *e)
{
    word_id w;

    TRY(exec_word(x, e->args[0], &w));
    return exec_push(x, exec_unary(x, e->op, w, e->site));
}

/* ---- All ---- */

static whist_status dispatch(struct exec *x, const struct lang_expr *e)
{
    switch (e->kind) {
    case EXPR_BOOL:
    case EXPR_INT:
        return exec_push(x, word_const(&x->p, lang_width(e->type), e->num.bits));
    case EXPR_CONST:
        return exec_push(x, word_const(&x->p, lang_width(e->type), e->ref->bits));
    case EXPR_LOCAL:
    case EXPR_INDEX:
    case EXPR_FIELD:
        return exec_part(x, e);
    case EXPR_TUPLE:
    case EXPR_ARRAY:
        return exec_items(x, e->items, e->n_items);
    case EXPR_REPEAT:
        return exec_repeat(x, e);
    case EXPR_RANGE:
        return exec_range(x, e);
    case EXPR_STRUCT:
        return exec_struct(x, e);
    case EXPR_VARIANT:
        return exec_enum(x, e);
    case EXPR_UNARY:
        return exec_negation(x, e);
    case EXPR_BINARY:
        return exec_operator(x, e);
    case EXPR_CAST:
        return exec_cast(x, e);
    case EXPR_CALL:
        return exec_call(x, e);
    case EXPR_JOIN:
        return exec_join(x, e);
    case EXPR_IF:
        return exec_if(x, e);
    case EXPR_MATCH:
        return exec_match(x, e);
    case EXPR_BLOCK:
        return exec_block(x, e->block);
    }
    return WHIST_ERR_UNSUPPORTED; /* no other kinds */
}

whist_status exec_expr(struct exec *x, const struct lang_expr *e)
{
    TRY(exec_step(x));
    if (x->depth >= EXEC_MAX_DEPTH) {
        return exec_limit(x, "calls and expressions are nested too deeply");
    }
    x->depth++;
    whist_status st = dispatch(x, e);
    x->depth--;
    return st != WHIST_OK ? st : x->p.status;
}

whist_status exec_word(struct exec *x, const struct lang_expr *e, word_id *out)
{
    TRY(exec_expr(x, e));
    *out = x->stack[--x->n_stack];
    return WHIST_OK;
}
