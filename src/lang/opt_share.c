/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Optimiser: operations under exclusive conditions.
 *
 *   if c { s + x } else { s − y }    one adder, the operand selected
 *   if c { s + 1 }                   s + c: nothing is selected at all
 *   if c { x · y } else { z · u }    one multiplier
 *
 * The checks of the arms look at the shared operation: under their guards it is their own.
 */
#include "lang/opt_impl.h"

enum { MAX_DEPTH = 256, MAX_LEAVES = 256 };

static const struct word_node *node(const struct opt *o, word_id x)
{
    return &o->p->nodes[x];
}

/* ---- Trees ---- */

/* What a walk over the leaves does; false ends it. */
typedef bool (*leaf_fn)(struct opt *o, word_id leaf, void *arg);

static bool is_inner(const struct opt *o, word_id x, word_id root, word_id base)
{
    return node(o, x)->op == WORD_SELECT && x != base && (x == root || o->uses[x] == 1);
}

/* NOLINTNEXTLINE(misc-no-recursion): the depth is bounded */
static bool walk(struct opt *o, word_id x, word_id root, word_id base, unsigned depth, leaf_fn fn,
                 void *arg)
{
    if (!is_inner(o, x, root, base)) {
        return fn(o, x, arg);
    }
    return depth != 0 && walk(o, node(o, x)->b, root, base, depth - 1, fn, arg) &&
           walk(o, node(o, x)->c, root, base, depth - 1, fn, arg);
}

static bool is_sum(uint32_t op)
{
    return op == WORD_ADD || op == WORD_SUB;
}

/* Operations that are worth selecting operands for, even two. */
static bool is_costly(uint32_t op)
{
    return op == WORD_MUL || (op >= WORD_UDIV && op <= WORD_SREM) ||
           (op >= WORD_SHL && op <= WORD_SAR);
}

/* ---- Does it fit? ---- */

struct shape {
    struct plan pl;
    word_id first; /* leaf with an operation */
    unsigned n_leaves, n_ops;
};

static bool find_first(struct opt *o, word_id leaf, void *arg)
{
    struct shape *s = arg;
    uint32_t op = node(o, leaf)->op;

    if (s->first == 0 && o->uses[leaf] == 1 && (is_sum(op) || is_costly(op))) {
        s->first = leaf;
    }
    return ++s->n_leaves <= MAX_LEAVES;
}

static bool fits_sum(struct opt *o, word_id leaf, void *arg)
{
    struct shape *s = arg;
    const struct word_node *n = node(o, leaf);

    if (leaf == s->pl.base) {
        return true;
    }
    bool adds = n->op == WORD_ADD && (n->a == s->pl.base || n->b == s->pl.base);
    bool subtracts = n->op == WORD_SUB && n->a == s->pl.base;
    if (o->uses[leaf] != 1 || (!adds && !subtracts)) {
        return false;
    }
    s->pl.adds = s->pl.adds || adds;
    s->pl.subtracts = s->pl.subtracts || subtracts;
    s->n_ops++;
    return true;
}

/* A constant operand makes an operation cheap: then all must have the same. */
static bool same_constants(const struct opt *o, word_id x, word_id y)
{
    return x == y || (!word_is_const(o->p, x) && !word_is_const(o->p, y));
}

static bool fits_other(struct opt *o, word_id leaf, void *arg)
{
    struct shape *s = arg;
    const struct word_node *n = node(o, leaf), *first = node(o, s->first);

    if (o->uses[leaf] != 1 || n->op != first->op || !same_constants(o, n->a, first->a) ||
        !same_constants(o, n->b, first->b)) {
        return false;
    }
    s->n_ops++;
    return true;
}

/* ---- Marking ---- */

/* NOLINTNEXTLINE(misc-no-recursion): as walk */
static void mark(struct opt *o, const struct plan *pl, word_id x, uint32_t plan)
{
    bool inner = is_inner(o, x, pl->root, pl->base);

    if (!inner && x == pl->base && pl->is_sum) {
        return;
    }
    o->plan_of[x] = plan;
    if (inner) {
        mark(o, pl, node(o, x)->b, plan);
        mark(o, pl, node(o, x)->c, plan);
    }
}

/* The operand of a leaf that is not the base. */
static word_id other_operand(const struct opt *o, const struct plan *pl, word_id leaf)
{
    const struct word_node *n = node(o, leaf);
    return n->op == WORD_ADD && n->b == pl->base && n->a != pl->base ? n->a : n->b;
}

static size_t leaf_slot(const struct opt *o, uint32_t a, uint32_t b)
{
    uint64_t h = ((uint64_t)a << 32 | b) * 0x9e3779b97f4a7c15U;
    return (size_t)((h ^ h >> 29) * 0xbf58476d1ce4e5b9U >> (64 - o->leaf_bits));
}

/* What the predicate or leaf belongs to: sums of both kinds, products. A comparison is the borrow
 * of a difference (the signed one but for the top bit, so it cannot stand for it). */
static int family(uint32_t op)
{
    switch (op) {
    case WORD_ADD:
    case WORD_UADD_OVF:
    case WORD_SADD_OVF:
        return 1;
    case WORD_SUB:
    case WORD_USUB_OVF:
    case WORD_ULT:
    case WORD_SSUB_OVF:
    case WORD_SLT:
        return 2;
    case WORD_MUL:
    case WORD_UMUL_OVF:
    case WORD_SMUL_OVF:
        return 3;
    default:
        return 0;
    }
}

static struct leaf_entry *find_leaf(const struct opt *o, const struct word_node *n)
{
    size_t mask = ((size_t)1 << o->leaf_bits) - 1;
    size_t at = leaf_slot(o, n->a, n->b);

    for (; o->leaves[at].leaf != 0; at = (at + 1) & mask) {
        const struct word_node *l = node(o, o->leaves[at].leaf);
        if (l->a == n->a && l->b == n->b && family(l->op) == family(n->op)) {
            break;
        }
    }
    return &o->leaves[at];
}

static bool note_leaf(struct opt *o, word_id leaf, void *arg)
{
    const struct plan *pl = arg;

    if ((leaf != pl->base || !pl->is_sum) && family(node(o, leaf)->op) != 0 &&
        o->n_leaves * 2 < (size_t)1 << o->leaf_bits) {
        *find_leaf(o, node(o, leaf)) = (struct leaf_entry){leaf, (uint32_t)o->n_plans};
        o->n_leaves++;
    }
    return true;
}

static void accept(struct opt *o, struct shape *s)
{
    if (!opt_grow(o, (void **)&o->plans, &o->cap_plans, o->n_plans + 1, sizeof *o->plans)) {
        return;
    }
    uint32_t plan = (uint32_t)o->n_plans + 1;

    mark(o, &s->pl, s->pl.root, plan);
    walk(o, s->pl.root, s->pl.root, s->pl.base, MAX_DEPTH, note_leaf, &s->pl);
    o->plans[o->n_plans++] = s->pl;
}

static bool try_sum(struct opt *o, const struct shape *found, word_id base)
{
    struct shape s = *found;
    const struct word_node *n = node(o, s.pl.root);

    s.pl.is_sum = true;
    s.pl.op = WORD_ADD;
    s.pl.base = base;
    if (n->b == base && n->c == base) {
        return false;
    }
    if (!walk(o, s.pl.root, s.pl.root, base, MAX_DEPTH, fits_sum, &s) || s.n_ops == 0) {
        return false;
    }
    accept(o, &s);
    return true;
}

static void try_root(struct opt *o, word_id root)
{
    struct shape s = {.pl = {.root = root}};

    if (!walk(o, root, root, 0, MAX_DEPTH, find_first, &s) || s.first == 0) {
        return;
    }
    const struct word_node *first = node(o, s.first);
    s.n_leaves = 0;
    if (is_sum(first->op)) {
        if (!try_sum(o, &s, first->a) && first->op == WORD_ADD) {
            try_sum(o, &s, first->b);
        }
        return;
    }
    s.pl.op = first->op;
    if (walk(o, root, root, 0, MAX_DEPTH, fits_other, &s) && s.n_ops > 1) {
        accept(o, &s);
    }
}

/* ---- Checks ---- */

bool share_never(const struct opt *o, word_id guard, word_id cond)
{
    return word_excludes(o->p, guard, cond);
}

/* Is the leaf the one that is taken whenever the guard holds? */
/* NOLINTNEXTLINE(misc-no-recursion): as walk */
static bool guard_takes(const struct opt *o, const struct plan *pl, word_id x, word_id leaf,
                        word_id guard)
{
    const struct word_node *n = node(o, x);

    if (!is_inner(o, x, pl->root, pl->base)) {
        return x == leaf;
    }
    return (guard_takes(o, pl, n->b, leaf, guard) && word_implies(o->p, guard, n->a)) ||
           (guard_takes(o, pl, n->c, leaf, guard) && word_excludes(o->p, guard, n->a));
}

/* Overflow predicates of leaves belong to the plan, if checks that look at them are all that uses
 * them, under guards that take the leaf. Otherwise there is no plan: the predicate would have to
 * have an adder of its own. */
static void adopt_predicates(struct opt *o)
{
    const struct word_program *p = o->p;

    for (size_t i = 0; i < p->n_nodes; i++) {
        const struct word_node *n = &p->nodes[i];
        if (is_overflow(n->op) && o->uses[i] != 0) {
            const struct leaf_entry *e = find_leaf(o, n);
            o->plan_of[i] = e->leaf != 0 ? e->plan + 1 : 0;
            o->map[i] = 0; /* until the plans are made: the checks that look at it */
        }
    }
    for (size_t i = 0; i < p->n_nodes; i++) {
        const struct word_node *n = &p->nodes[i];
        if (n->op == WORD_PANIC && is_overflow(node(o, n->c)->op) && plan_at(o, n->c) != NULL) {
            struct plan *pl = plan_at(o, n->c);
            word_id leaf = find_leaf(o, node(o, n->c))->leaf;
            o->map[n->c]++;
            pl->cancelled = !guard_takes(o, pl, pl->root, leaf, n->a);
        }
    }
    for (size_t i = 0; i < p->n_nodes; i++) {
        if (is_overflow(p->nodes[i].op) && plan_at(o, (word_id)i) != NULL) {
            plan_at(o, (word_id)i)->cancelled =
                o->map[i] != o->uses[i] || p->nodes[i].op == WORD_SLT;
        }
    }
}

void share_find(struct opt *o)
{
    size_t n_selects = 0;

    for (size_t i = 0; i < o->p->n_nodes; i++) {
        n_selects += o->p->nodes[i].op == WORD_SELECT && o->uses[i] != 0;
    }
    for (o->leaf_bits = 6; (size_t)1 << o->leaf_bits < 4 * n_selects; o->leaf_bits++) {
    }
    o->leaves = whist_zalloc((size_t)1 << o->leaf_bits, sizeof *o->leaves);
    if (o->leaves == NULL) {
        opt_fail(o, WHIST_ERR_NOMEM);
        return;
    }
    for (size_t i = o->p->n_nodes; i-- > 0 && o->status == WHIST_OK;) {
        const struct word_node *n = &o->p->nodes[i];
        if (n->op == WORD_SELECT && n->width > 1 && o->uses[i] != 0 && o->plan_of[i] == 0) {
            try_root(o, (word_id)i);
        }
    }
    if (o->n_plans != 0 && o->status == WHIST_OK) {
        adopt_predicates(o);
    }
}

/* ---- Making ---- */

/* NOLINTBEGIN(misc-no-recursion): as walk */
static void needs(struct opt *o, const struct plan *pl, word_id x,
                  void (*fn)(struct opt *o, word_id x))
{
    const struct word_node *n = node(o, x);

    if (is_inner(o, x, pl->root, pl->base)) {
        fn(o, n->a);
        needs(o, pl, n->b, fn);
        needs(o, pl, n->c, fn);
    } else if (pl->is_sum && x == pl->base) {
        fn(o, x);
    } else {
        fn(o, n->a);
        fn(o, n->b);
    }
}

enum part { PART_X, PART_Y, PART_FLIP };

/* One operand, selected by the conditions of the tree. */
static word_id select_part(struct opt *o, const struct plan *pl, word_id x, enum part part)
{
    const struct word_node *n = node(o, x);

    if (is_inner(o, x, pl->root, pl->base)) {
        word_id b = select_part(o, pl, n->b, part), c = select_part(o, pl, n->c, part);
        return word_select(&o->out, o->map[n->a], b, c);
    }
    if (part == PART_FLIP) {
        return (pl->is_sum && x == pl->base) || n->op == WORD_ADD ? WORD_FALSE : WORD_TRUE;
    }
    if (!pl->is_sum) {
        return o->map[part == PART_X ? n->a : n->b];
    }
    return x == pl->base ? word_const(&o->out, word_width(&o->out, o->map[x]), 0)
                         : o->map[other_operand(o, pl, x)];
}
/* NOLINTEND(misc-no-recursion) */

void share_needs(struct opt *o, const struct plan *pl, void (*fn)(struct opt *o, word_id x))
{
    needs(o, pl, pl->root, fn);
}

static void make_operands(struct opt *o, struct plan *pl)
{
    if (pl->made) {
        return;
    }
    pl->made = true;
    pl->y = select_part(o, pl, pl->root, PART_Y);
    if (!pl->is_sum) {
        pl->x = select_part(o, pl, pl->root, PART_X);
        return;
    }
    pl->x = o->map[pl->base];
    if (pl->adds && pl->subtracts) {
        word_id flip = select_part(o, pl, pl->root, PART_FLIP);
        pl->flip = word_resize(&o->out, flip, word_width(&o->out, pl->x), true);
        pl->x = word_binary(&o->out, WORD_XOR, pl->x, pl->flip);
    }
}

/* base − y leaves the type exactly if ¬base + y does, signed or unsigned. */
static uint32_t shared_op(const struct plan *pl, uint32_t op)
{
    if (!pl->is_sum) {
        return op == WORD_SELECT ? pl->op : op;
    }
    bool sub = pl->subtracts && !pl->adds;
    switch (op) {
    case WORD_UADD_OVF:
    case WORD_USUB_OVF:
    case WORD_ULT:
        return sub ? WORD_USUB_OVF : WORD_UADD_OVF;
    case WORD_SADD_OVF:
    case WORD_SSUB_OVF:
        return sub ? WORD_SSUB_OVF : WORD_SADD_OVF;
    default:
        return sub ? WORD_SUB : WORD_ADD;
    }
}

word_id share_make(struct opt *o, struct plan *pl, word_id x)
{
    make_operands(o, pl);
    enum word_op op = (enum word_op)shared_op(pl, node(o, x)->op);
    word_id w = word_binary(&o->out, op, pl->x, pl->y);

    if (x == pl->root && pl->adds && pl->subtracts) {
        w = word_binary(&o->out, WORD_XOR, w, pl->flip);
    }
    return w;
}
