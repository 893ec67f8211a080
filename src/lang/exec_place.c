/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Reading parts of values and assigning to them. A known index costs what the element costs. */
#include "lang/exec_impl.h"

whist_status exec_copy(struct exec *x, struct ref r, size_t n)
{
    TRY(exec_reserve(x, n));
    for (size_t i = 0; i < n; i++) {
        x->stack[x->n_stack + i] = ref_word(x, r, i);
    }
    x->n_stack += n;
    return WHIST_OK;
}

static whist_status push_zero(void *arg, uint32_t width)
{
    struct exec *x = arg;
    return exec_push(x, word_const(&x->p, width, 0));
}

/* ---- Indices ---- */

/* Panics unless index < n. */
static void check_bounds(struct exec *x, word_id index, uint64_t n, uint32_t site)
{
    if (x->p.status != WHIST_OK || x->p.panics == WORD_PANICS_OFF || n > UINT32_MAX) {
        return; /* no index of 32 bits is beyond */
    }
    word_id size = word_const(&x->p, word_width(&x->p, index), n);
    exec_check(x, word_not(&x->p, word_binary(&x->p, WORD_ULT, index, size)), site);
}

/* Elements that an index can reach. */
static uint64_t reach(const struct exec *x, word_id index, uint64_t n)
{
    uint64_t max = word_at(&x->p, index)->max;
    return max < n ? max + 1 : n;
}

/* The element of the array (of `words` words each) at a secret index: pushed. */
static whist_status read_secret(struct exec *x, struct ref array, uint64_t n, size_t words,
                                word_id index)
{
    uint64_t reached = reach(x, index, n);
    word_id *list = whist_alloc((size_t)reached + 1, sizeof *list);

    if (list == NULL) {
        return WHIST_ERR_NOMEM;
    }
    whist_status st = exec_reserve(x, words);
    for (size_t k = 0; st == WHIST_OK && k < words; k++) {
        for (uint64_t i = 0; i < reached; i++) {
            list[i] = ref_word(x, array, (size_t)i * words + k);
        }
        x->stack[x->n_stack++] = word_read(&x->p, index, list, (size_t)reached);
        st = exec_step(x);
    }
    whist_free(list);
    return st;
}

/* The element at an index: a part of the array, or pushed. */
static whist_status element(struct exec *x, struct ref *r, const struct lang_type *array,
                            word_id index, uint32_t site)
{
    uint64_t n = array_len(array), v;
    size_t words = words_of(x, array->elem), at = x->n_stack;
    bool known = word_const_value(&x->p, index, &v);

    check_bounds(x, index, n, site);
    if (known && v < n) {
        r->at += (size_t)v * words;
        return x->p.status;
    }
    if (known || n == 0) { /* a panic, or a path that is never taken */
        TRY(layout_walk(array->elem, push_zero, x));
    } else {
        TRY(read_secret(x, *r, n, words, index));
    }
    *r = (struct ref){.on_stack = true, .at = at};
    return x->p.status;
}

/* ---- Reading ---- */

/* May the expression assign to a variable of this function? Calls have their own. */
static bool may_assign(const struct lang_expr *e)
{
    struct lang_expr **items = NULL;
    uint32_t n = 0;

    switch (e->kind) {
    case EXPR_IF:
    case EXPR_MATCH:
    case EXPR_BLOCK:
    case EXPR_STRUCT:
        return true;
    case EXPR_TUPLE:
    case EXPR_ARRAY:
        items = e->items;
        n = e->n_items;
        break;
    case EXPR_CALL:
        items = e->call.items;
        n = e->n_items;
        break;
    case EXPR_VARIANT:
        items = e->variant.items;
        n = e->n_items;
        break;
    case EXPR_INDEX:
    case EXPR_BINARY:
    case EXPR_JOIN:
        return may_assign(e->args[0]) || may_assign(e->args[1]);
    case EXPR_FIELD:
    case EXPR_UNARY:
    case EXPR_CAST:
    case EXPR_REPEAT:
        return may_assign(e->args[0]);
    default:
        return false;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (may_assign(items[i])) {
            return true;
        }
    }
    return false;
}

static whist_status ref_index(struct exec *x, const struct lang_expr *e, struct ref *out)
{
    const struct lang_type *array = e->args[0]->type;
    word_id index;

    TRY(exec_ref(x, e->args[0], out));
    if (!out->on_stack && may_assign(e->args[1])) { /* the array is what it was before */
        size_t at = x->n_stack;
        TRY(exec_copy(x, *out, words_of(x, array)));
        *out = (struct ref){.on_stack = true, .at = at};
    }
    TRY(exec_word(x, e->args[1], &index));
    x->p.place = e->span.from;
    return element(x, out, array, index, e->site);
}

whist_status exec_ref(struct exec *x, const struct lang_expr *e, struct ref *out)
{
    switch (e->kind) {
    case EXPR_LOCAL:
        *out = (struct ref){.on_stack = false, .at = exec_cell(x, e->local)};
        return WHIST_OK;
    case EXPR_FIELD:
        TRY(exec_ref(x, e->args[0], out));
        out->at += (size_t)layout_offset(x->layout, e->args[0]->type, e->field);
        return WHIST_OK;
    case EXPR_INDEX:
        TRY(exec_step(x));
        return ref_index(x, e, out);
    default:
        *out = (struct ref){.on_stack = true, .at = x->n_stack};
        return exec_expr(x, e);
    }
}

/* ---- Assigning ---- */

struct assignment {
    const struct lang_place *place;
    size_t indices; /* on the stack: the words of the index steps, in order */
    size_t value;   /* on the stack */
};

/* Follows the steps to read the place; the checks of the indices are made. The value is pushed, or
 * a part of the variable. */
static whist_status read_place(struct exec *x, const struct assignment *a, struct ref *out)
{
    const struct lang_place *p = a->place;
    const struct lang_type *t = p->local->type;
    size_t index = a->indices;

    *out = (struct ref){.on_stack = false, .at = exec_cell(x, p->local)};
    for (uint32_t i = 0; i < p->n_steps; i++) {
        const struct lang_step *s = &p->steps[i];
        if (s->index == NULL) {
            out->at += (size_t)layout_offset(x->layout, t, s->field);
        } else {
            TRY(element(x, out, t, x->stack[index++], s->site));
        }
        t = s->type;
    }
    return WHIST_OK;
}

static void check_place(struct exec *x, const struct assignment *a)
{
    const struct lang_place *p = a->place;
    const struct lang_type *t = p->local->type;
    size_t index = a->indices;

    for (uint32_t i = 0; i < p->n_steps; i++) {
        if (p->steps[i].index != NULL) {
            check_bounds(x, x->stack[index++], array_len(t), p->steps[i].site);
        }
        t = p->steps[i].type;
    }
}

/* Writes the value to the cells from `cell` on, where cond holds (besides the path). */
static whist_status write_words(struct exec *x, const struct assignment *a, size_t cell, size_t n,
                                word_id cond)
{
    for (size_t i = 0; i < n; i++) {
        word_id old = x->cells[cell + i].word, new = x->stack[a->value + i];
        TRY(exec_store(x, cell + i, word_select(&x->p, cond, new, old)));
    }
    return x->p.status;
}

/* Writes by the steps from number k on; index is where the next index word is. Recurses
 * once for each step. */
static whist_status write_place(struct exec *x, const struct assignment *a, uint32_t k,
                                size_t index, const struct lang_type *t, size_t cell, word_id cond)
{
    const struct lang_place *p = a->place;
    uint64_t v;

    TRY(exec_step(x));
    for (; k < p->n_steps && p->steps[k].index == NULL; k++) {
        cell += (size_t)layout_offset(x->layout, t, p->steps[k].field);
        t = p->steps[k].type;
    }
    if (k == p->n_steps) {
        return write_words(x, a, cell, words_of(x, t), cond);
    }
    word_id i = x->stack[index];
    uint64_t n = array_len(t), from = 0, to = reach(x, i, n);
    if (word_const_value(&x->p, i, &v)) {
        from = v;
        to = v < n ? v + 1 : v;
    }
    size_t words = words_of(x, t->elem);
    for (uint64_t e = from; e < to; e++) {
        word_id here = word_and(&x->p, cond, word_decode(&x->p, i, (uint32_t)e, (uint32_t)n));
        TRY(write_place(x, a, k + 1, index + 1, t->elem, cell + (size_t)e * words, here));
    }
    return x->p.status;
}

whist_status exec_assign(struct exec *x, const struct lang_stmt *s)
{
    const struct lang_place *p = s->place;
    struct assignment a = {.place = p, .indices = x->n_stack};

    for (uint32_t i = 0; i < p->n_steps; i++) {
        if (p->steps[i].index != NULL) {
            TRY(exec_expr(x, p->steps[i].index));
        }
    }
    a.value = x->n_stack;
    if (s->op != OP_NONE) {
        struct ref old;
        TRY(read_place(x, &a, &old));
        TRY(exec_push(x, ref_word(x, old, 0)));
        exec_drop(x, a.value, x->n_stack - 1);
    }
    TRY(exec_expr(x, s->value));
    x->p.place = s->span.from;
    if (s->op != OP_NONE) {
        word_id r =
            exec_binary(x, s->op, p->type, x->stack[a.value], x->stack[a.value + 1], s->site);
        x->stack[a.value] = r;
    } else {
        check_place(x, &a);
    }
    TRY(write_place(x, &a, 0, a.indices, p->local->type, exec_cell(x, p->local), WORD_TRUE));
    x->n_stack = a.indices;
    return x->p.status;
}
