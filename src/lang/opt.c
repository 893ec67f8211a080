/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Optimiser: a program made again, node by node, from what is alive. */
#include "lang/opt_impl.h"

bool opt_grow(struct opt *o, void **array, size_t *cap, size_t need, size_t size)
{
    if (o->status == WHIST_OK && need > *cap) {
        size_t grown = need + need / 2 + 64;
        void *v = whist_realloc(*array, grown, size);
        if (v == NULL) {
            opt_fail(o, WHIST_ERR_NOMEM);
            return false;
        }
        *array = v;
        *cap = grown;
    }
    return o->status == WHIST_OK;
}

/* ---- Uses ---- */

static void each_operand(struct opt *o, word_id x, void (*fn)(struct opt *o, word_id x))
{
    const word_id *list;
    word_id fixed[3];
    size_t n = word_operands(o->p, x, &list, fixed);

    for (size_t i = 0; i < n; i++) {
        fn(o, fixed[i]);
    }
    for (uint32_t i = 0; list != NULL && i < word_at(o->p, x)->c; i++) {
        fn(o, list[i]);
    }
}

static void count_use(struct opt *o, word_id x)
{
    o->uses[x]++;
}

static void find_uses(struct opt *o)
{
    const struct word_program *p = o->p;

    for (size_t i = 0; i < p->n_result; i++) {
        count_use(o, p->result[i]);
    }
    for (size_t i = 0; i < p->n_kept; i++) {
        count_use(o, p->kept[i]);
    }
    for (size_t i = p->n_nodes; i-- > 0;) {
        o->uses[i] += p->nodes[i].op == WORD_PANIC;
        if (o->uses[i] != 0) {
            each_operand(o, (word_id)i, count_use);
        }
    }
}

/* ---- Selections of selections ---- */

/* The node's operands in the new program if it is a SELECT that only one node uses. */
static bool inner_select(const struct opt *o, word_id old, struct word_node *out)
{
    *out = *word_at(&o->out, o->map[old]);
    return out->op == WORD_SELECT && o->uses[old] == 1;
}

/*
 * Conditions are ANDed (one gate) rather than words selected twice:
 *   c ? (d ? u : y) : y = c∧d ? u : y and the like; c ? (d ? u : v) : (d ? w : v) = d ? (c ? u : w)
 *   : v.
 */
static word_id make_select(struct opt *o, const struct word_node *n)
{
    struct word_program *p = &o->out;
    word_id c = o->map[n->a], x = o->map[n->b], y = o->map[n->c];
    struct word_node nx, ny;
    bool sx = inner_select(o, n->b, &nx), sy = inner_select(o, n->c, &ny);

    if (n->width == 1) {
        return word_select(p, c, x, y);
    }
    if (sx && sy && nx.a == ny.a && nx.c == ny.c) {
        return word_select(p, nx.a, word_select(p, c, nx.b, ny.b), nx.c);
    }
    if (sx && sy && nx.a == ny.a && nx.b == ny.b) {
        return word_select(p, nx.a, nx.b, word_select(p, c, nx.c, ny.c));
    }
    if (sx && nx.c == y) {
        return word_select(p, word_and(p, c, nx.a), nx.b, y);
    }
    if (sx && nx.b == y) {
        return word_select(p, word_and(p, c, word_not(p, nx.a)), nx.c, y);
    }
    if (sy && ny.b == x) {
        return word_select(p, word_or(p, c, ny.a), x, ny.c);
    }
    if (sy && ny.c == x) {
        return word_select(p, word_and(p, word_not(p, c), ny.a), ny.b, x);
    }
    return word_select(p, c, x, y);
}

/* ---- Nodes ---- */

/* The new numbers of a node's list; NULL after remembering the error. */
static const word_id *new_list(struct opt *o, const struct word_node *n)
{
    if (!opt_grow(o, (void **)&o->list, &o->cap_list, n->c, sizeof *o->list)) {
        return NULL;
    }
    for (uint32_t i = 0; i < n->c; i++) {
        o->list[i] = o->map[o->p->pool[n->b + i]];
    }
    return o->list;
}

static word_id make_with_list(struct opt *o, const struct word_node *n)
{
    const word_id *list = new_list(o, n);
    const uint32_t *head = o->p->pool + n->b;

    if (list == NULL) {
        return 0;
    }
    switch (n->op) {
    case WORD_CONCAT:
        return word_concat(&o->out, list, n->c);
    case WORD_READ:
        return word_read(&o->out, o->map[n->a], list, n->c);
    case WORD_MERGE:
        return word_merge(&o->out, list, head[-2], n->c - head[-2], head[-1]);
    default:
        return word_compact(&o->out, list, n->c);
    }
}

static word_id make_leaf(struct opt *o, const struct word_node *n)
{
    switch (n->op) {
    case WORD_CONST:
        return n->width <= 64 ? word_const(&o->out, n->width, n->max)
                              : word_const_limbs(&o->out, n->width, o->p->pool + n->b);
    case WORD_INPUT:
        return word_input(&o->out, n->width, n->a);
    default:
        return word_held(&o->out, n->width, n->a, n->max);
    }
}

static word_id make_node(struct opt *o, const struct word_node *n)
{
    struct word_program *p = &o->out;

    switch (n->op) {
    case WORD_CONST:
    case WORD_INPUT:
    case WORD_HELD:
        return make_leaf(o, n);
    case WORD_NOT:
    case WORD_NEG:
        return word_unary(p, (enum word_op)n->op, o->map[n->a]);
    case WORD_SELECT:
        return make_select(o, n);
    case WORD_ZEXT:
    case WORD_SEXT:
        return word_resize(p, o->map[n->a], n->width, n->op == WORD_SEXT);
    case WORD_SLICE:
        return word_slice(p, o->map[n->a], n->b, n->width);
    case WORD_DECODE:
        return word_decode(p, o->map[n->a], n->b, n->c);
    case WORD_PICK:
        return word_pick(p, o->map[n->a], n->b);
    case WORD_PANIC:
        if (!share_never(o, n->a, n->c)) {
            word_panic(p, o->map[n->a], o->map[n->c], n->b);
        }
        return 0;
    case WORD_CONCAT:
    case WORD_READ:
    case WORD_MERGE:
    case WORD_COMPACT:
        return make_with_list(o, n);
    default:
        return word_binary(p, (enum word_op)n->op, o->map[n->a], o->map[n->b]);
    }
}

/* ---- Order ---- */

static void need(struct opt *o, word_id x)
{
    if (!o->done[x] &&
        opt_grow(o, (void **)&o->stack, &o->cap_stack, o->n_stack + 1, sizeof *o->stack)) {
        o->stack[o->n_stack++] = x;
    }
}

static void make(struct opt *o, word_id x)
{
    const struct word_node *n = word_at(o->p, x);
    struct plan *pl = plan_at(o, x);

    o->out.place = n->place;
    o->map[x] = pl != NULL ? share_make(o, pl, x) : make_node(o, n);
    o->done[x] = 1;
    if (pl == NULL && n->width <= 64 && n->op != WORD_PANIC && o->out.status == WHIST_OK) {
        struct word_node *made = &o->out.nodes[o->map[x]];
        if (made->op != WORD_CONST && made->max > n->max) { /* what the maker knew besides */
            made->max = n->max;
        }
    }
}

/* Makes a node after all it needs. Mostly that is there: only the operands of shared operations
 * come earlier than in the old program. */
static void make_all(struct opt *o, word_id x)
{
    need(o, x);
    while (o->n_stack != 0 && o->status == WHIST_OK) {
        word_id top = o->stack[o->n_stack - 1];
        size_t before = o->n_stack;
        if (!o->done[top]) {
            const struct plan *pl = plan_at(o, top);
            if (pl != NULL) {
                share_needs(o, pl, need);
            } else {
                each_operand(o, top, need);
            }
            if (o->n_stack != before) {
                continue;
            }
            make(o, top);
        }
        o->n_stack--;
    }
}

/* Nodes of trees but their roots are not made, predicates when a check wants them. */
static bool is_absorbed(const struct opt *o, word_id x)
{
    const struct plan *pl = plan_at(o, x);
    return pl != NULL && pl->root != x;
}

static void rebuild(struct opt *o)
{
    const struct word_program *p = o->p;

    for (size_t i = 0; i < p->n_nodes && o->status == WHIST_OK; i++) {
        if (o->uses[i] != 0 && !o->done[i] && !is_absorbed(o, (word_id)i)) {
            make_all(o, (word_id)i);
        }
        if (o->out.status != WHIST_OK) {
            opt_fail(o, o->out.status);
        }
    }
    for (size_t i = 0; i < p->n_result && o->status == WHIST_OK; i++) {
        word_result(&o->out, o->map[p->result[i]]);
    }
    for (size_t i = 0; i < p->n_kept && o->status == WHIST_OK; i++) {
        o->out.kept[i] = o->map[p->kept[i]];
        o->out.n_kept = i + 1;
    }
}

/* ---- Life ---- */

static void *copy(const void *array, size_t n, size_t size)
{
    void *v = whist_alloc(n + 1, size);
    if (v != NULL && n != 0) {
        memcpy(v, array, n * size);
    }
    return v;
}

static void begin(struct opt *o, const struct word_program *p)
{
    struct word_program *out = &o->out;

    word_init(out);
    out->max_nodes = p->max_nodes;
    out->panics = p->panics;
    out->thorough = p->thorough;
    out->last = p->last;
    out->n_inputs = p->n_inputs;
    out->input_widths = copy(p->input_widths, p->n_inputs, sizeof *p->input_widths);
    out->sites = copy(p->sites, p->n_sites, sizeof *p->sites);
    out->n_sites = out->cap_sites = p->n_sites;
    out->kept = whist_alloc(p->n_kept + 1, sizeof *out->kept);
    o->map = whist_zalloc(p->n_nodes, sizeof *o->map);
    o->done = whist_zalloc(p->n_nodes, sizeof *o->done);
    o->uses = whist_zalloc(p->n_nodes, sizeof *o->uses);
    o->plan_of = whist_zalloc(p->n_nodes, sizeof *o->plan_of);
    if (out->status != WHIST_OK || out->input_widths == NULL || out->sites == NULL ||
        out->kept == NULL || o->map == NULL || o->done == NULL || o->uses == NULL ||
        o->plan_of == NULL) {
        opt_fail(o, WHIST_ERR_NOMEM);
    }
}

whist_status opt_program(struct word_program *program_out, const struct word_program *program)
{
    struct opt o = {.p = program};

    begin(&o, program);
    if (o.status == WHIST_OK) {
        find_uses(&o);
        share_find(&o);
        rebuild(&o);
    }
    opt_fail(&o, o.out.status);
    whist_free(o.map);
    whist_free(o.done);
    whist_free(o.uses);
    whist_free(o.plan_of);
    whist_free(o.plans);
    whist_free(o.leaves);
    whist_free(o.stack);
    whist_free(o.list);
    if (o.status != WHIST_OK) {
        word_clear(&o.out);
    }
    *program_out = o.out;
    return o.status;
}
