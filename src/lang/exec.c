/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The executor: stack, steps, checks, entry function, inputs and outputs. */
#include "lang/exec_impl.h"

whist_status exec_limit(struct exec *x, const char *what)
{
    if (x->p.status == WHIST_OK) {
        whist_fail(x->err, WHIST_ERR_LIMIT, WHIST_NO_PEER, "compile",
                   "the program is too large: %s", what);
        word_fail(&x->p, WHIST_ERR_LIMIT);
    }
    return x->p.status;
}

whist_status exec_step(struct exec *x)
{
    if (x->steps++ >= x->options.max_steps) {
        return exec_limit(x, "more steps than allowed, with all calls and loops unrolled");
    }
    if (x->steps % 4096 == 0 && x->options.cancelled != NULL &&
        x->options.cancelled(x->options.cancelled_arg)) {
        word_fail(&x->p, WHIST_ERR_CANCELLED);
    }
    return x->p.status;
}

/* ---- Stack ---- */

whist_status exec_reserve(struct exec *x, size_t n)
{
    if (n > LAYOUT_MAX_WORDS || x->n_stack + n > 2 * LAYOUT_MAX_WORDS) {
        return exec_limit(x, "values of more than 2^28 words at a time");
    }
    if (x->n_stack + n <= x->cap_stack) {
        return x->p.status;
    }
    size_t cap = x->cap_stack + x->cap_stack / 2 + 64;
    cap = cap < x->n_stack + n ? x->n_stack + n : cap;
    word_id *v = whist_realloc(x->stack, cap, sizeof *v);
    if (v == NULL) {
        word_fail(&x->p, WHIST_ERR_NOMEM);
        return x->p.status;
    }
    x->stack = v;
    x->cap_stack = cap;
    return x->p.status;
}

whist_status exec_push(struct exec *x, word_id w)
{
    TRY(exec_reserve(x, 1));
    x->stack[x->n_stack++] = w;
    return WHIST_OK;
}

void exec_drop(struct exec *x, size_t to, size_t from)
{
    if (to != from) {
        memmove(x->stack + to, x->stack + from, (x->n_stack - from) * sizeof *x->stack);
        x->n_stack -= from - to;
    }
}

/* ---- Checks ---- */

void exec_check(struct exec *x, word_id cond, uint32_t site)
{
    if (site == LANG_NO_SITE || x->p.status != WHIST_OK) {
        return;
    }
    if (x->p.panics == WORD_PANICS_OFF || word_excludes(&x->p, x->guard, cond)) {
        return;
    }
    if (x->site_numbers[site] == 0) {
        enum word_reason reason = (enum word_reason)x->unit->sites[site].reason;
        x->site_numbers[site] = word_site(&x->p, reason, site) + 1;
    }
    word_panic(&x->p, x->guard, cond, x->site_numbers[site] - 1);
}

/* ---- Inputs and outputs ---- */

bool exec_is_array_entry(const struct lang_fn *entry)
{
    return entry->n_params == 1 && entry->params[0].local->type->kind == TYPE_ARRAY;
}

struct inputs {
    struct exec *x;
    uint64_t offset; /* bits */
};

/* The input bits as a constant. */
static word_id known_input(struct exec *x, uint32_t width, uint64_t offset)
{
    uint32_t *limbs = whist_zalloc((width + 31) / 32, sizeof *limbs);

    if (limbs == NULL) {
        word_fail(&x->p, WHIST_ERR_NOMEM);
        return 0;
    }
    for (uint32_t k = 0; k < width; k++) {
        limbs[k / 32] |= (x->options.inputs[offset + width - 1 - k] & 1U) << k % 32;
    }
    word_id w = word_const_limbs(&x->p, width, limbs);
    whist_free(limbs);
    return w;
}

static whist_status push_input(void *arg, uint32_t width)
{
    struct inputs *in = arg;

    if (in->offset + width > UINT32_MAX) {
        return exec_limit(in->x, "inputs of more than 2^32 bits");
    }
    TRY(exec_push(in->x, in->x->options.inputs != NULL
                             ? known_input(in->x, width, in->offset)
                             : word_input(&in->x->p, width, (uint32_t)in->offset)));
    in->offset += width;
    return in->x->p.status;
}

static whist_status declare_inputs(struct exec *x, const struct lang_fn *entry)
{
    bool array = exec_is_array_entry(entry);
    const struct lang_type *first = entry->n_params > 0 ? entry->params[0].local->type : NULL;
    uint64_t n = array ? array_len(first) : entry->n_params;

    x->p.input_widths = whist_alloc((size_t)n + 1, sizeof *x->p.input_widths);
    if (x->p.input_widths == NULL) {
        return WHIST_ERR_NOMEM;
    }
    for (uint64_t i = 0; i < n; i++) {
        uint64_t bits = array ? first->elem->bits : entry->params[i].local->type->bits;
        if (bits > UINT32_MAX) {
            return exec_limit(x, "an input of more than 2^32 bits");
        }
        x->p.input_widths[i] = (uint32_t)bits;
    }
    x->p.n_inputs = (size_t)n;
    return WHIST_OK;
}

static whist_status run(struct exec *x, const struct lang_fn *entry)
{
    struct inputs in = {.x = x};

    TRY(declare_inputs(x, entry));
    for (uint32_t i = 0; i < entry->n_params; i++) {
        TRY(layout_walk(entry->params[i].local->type, push_input, &in));
    }
    TRY(exec_fn(x, entry));
    for (size_t i = 0; i < x->n_stack; i++) {
        word_result(&x->p, x->stack[i]);
    }
    return x->p.status;
}

/* ---- Life ---- */

static whist_status init(struct exec *x)
{
    word_init(&x->p);
    x->p.panics = x->options.panics;
    x->p.thorough = x->options.thorough;
    x->p.max_nodes = x->options.max_steps < UINT32_MAX ? x->options.max_steps : UINT32_MAX;
    x->guard = WORD_TRUE;
    x->fn_offsets = whist_zalloc((size_t)x->unit->n_fns + 1, sizeof *x->fn_offsets);
    x->site_numbers = whist_zalloc((size_t)x->unit->n_sites + 1, sizeof *x->site_numbers);
    return x->fn_offsets == NULL || x->site_numbers == NULL ? WHIST_ERR_NOMEM : x->p.status;
}

static void clear(struct exec *x)
{
    for (uint32_t i = 0; x->fn_offsets != NULL && i < x->unit->n_fns; i++) {
        whist_free(x->fn_offsets[i]);
    }
    whist_free(x->fn_offsets);
    whist_free(x->site_numbers);
    whist_free(x->stack);
    whist_free(x->cells);
    whist_free(x->journal.v);
    whist_free(x->changes.v);
}

static whist_status explain(struct whist_error *err, whist_status st)
{
    if (err != NULL && st == WHIST_ERR_LIMIT && err->status == WHIST_ERR_LIMIT) {
        return st; /* exec_limit said which */
    }
    const char *text = st == WHIST_ERR_NOMEM       ? "out of memory for the program"
                       : st == WHIST_ERR_CANCELLED ? "compiling was cancelled"
                                                   : "the program is too large";
    return whist_fail(err, st, WHIST_NO_PEER, "compile", "%s", text);
}

whist_status exec_program(struct word_program *program_out, const struct layout *layout,
                          const struct lang_fn *entry, const struct exec_options *options,
                          struct whist_error *err)
{
    struct exec x = {.layout = layout, .unit = layout->unit, .options = *options, .err = err};

    if (x.options.max_steps == 0) {
        x.options.max_steps = EXEC_MAX_STEPS;
    }
    if (x.options.segment_nodes == 0) {
        x.options.segment_nodes = EXEC_SEGMENT_NODES;
    }
    x.segment_end = x.options.segment_nodes;
    if (err != NULL) {
        err->status = WHIST_OK;
    }
    whist_status st = init(&x);
    if (st == WHIST_OK) {
        st = run(&x, entry);
    }
    clear(&x);
    if (st != WHIST_OK) {
        word_clear(&x.p);
        return explain(err, st);
    }
    *program_out = x.p;
    return WHIST_OK;
}
