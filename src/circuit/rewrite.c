/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Builder: all gates made again, now that it is known what uses them. Gates with one use are free
 * to become others:
 *   ab ⊕ ac ⊕ …     a(b ⊕ c) ⊕ …
 *   (ab)(ac)        abc
 * and small cones are made anew (rewrite_cone.c).
 */
#include "circuit/rewrite.h"

enum { MAX_TERMS = 24, MAX_PASSES = 3 };
#define NONE UINT32_MAX

/* Nodes of the old builder that stand for a sum or a product. */
struct terms {
    uint32_t node[MAX_TERMS];
    unsigned n;
    bool full;
};

/* Operands through gates of the same kind that have no other use. The depth is bounded by the
 * number of terms. NOLINTNEXTLINE(misc-no-recursion) */
static void collect(const struct rewriting *r, struct terms *t, uint32_t x, bool xor, bool top)
{
    bool inner = top || (r->uses[x] == 1 && (xor? rewriting_is_xor(r, x) : rewriting_is_and(r, x)));

    if (t->n + 2 > MAX_TERMS) {
        t->full = true;
    } else if (inner) {
        collect(r, t, r->old[x].a, xor, false);
        collect(r, t, r->old[x].b, xor, false);
    } else {
        t->node[t->n++] = x;
    }
}

/* ---- Products ---- */

static whist_wire make_and(const struct rewriting *r, uint32_t x)
{
    struct terms t = {.n = 0};
    unsigned n = 0;

    collect(r, &t, x, false, true);
    for (unsigned i = 0; i < t.n; i++) {
        unsigned k = 0;
        while (k < n && t.node[k] != t.node[i]) {
            k++;
        }
        if (k == n) {
            t.node[n++] = t.node[i];
        }
    }
    if (t.full || n == t.n) {
        return whist_builder_and(r->b, r->map[r->old[x].a], r->map[r->old[x].b]);
    }
    whist_wire w = r->map[t.node[0]];
    for (unsigned i = 1; i < n; i++) {
        w = whist_builder_and(r->b, w, r->map[t.node[i]]);
    }
    return w;
}

/* ---- Sums ---- */

static bool is_product(const struct rewriting *r, uint32_t x)
{
    return x != NONE && r->uses[x] == 1 && rewriting_is_and(r, x);
}

/* How many products of the terms have the factor. */
static unsigned with_factor(const struct rewriting *r, const struct terms *t, uint32_t factor)
{
    unsigned n = 0;
    for (unsigned i = 0; i < t->n; i++) {
        n += is_product(r, t->node[i]) &&
             (r->old[t->node[i]].a == factor || r->old[t->node[i]].b == factor);
    }
    return n;
}

/* The factor of most products, if of several; NONE otherwise. */
static uint32_t common_factor(const struct rewriting *r, const struct terms *t)
{
    uint32_t best = NONE;
    unsigned most = 1;

    for (unsigned i = 0; i < t->n; i++) {
        for (int side = 0; side < 2 && is_product(r, t->node[i]); side++) {
            uint32_t f = side == 0 ? r->old[t->node[i]].a : r->old[t->node[i]].b;
            unsigned n = with_factor(r, t, f);
            if (n > most) {
                most = n;
                best = f;
            }
        }
    }
    return best;
}

static whist_wire make_xor(const struct rewriting *r, uint32_t x)
{
    struct terms t = {.n = 0};
    uint32_t f;
    whist_wire sum = 0;

    collect(r, &t, x, true, true);
    f = t.full ? NONE : common_factor(r, &t);
    if (f == NONE) {
        return whist_builder_xor(r->b, r->map[r->old[x].a], r->map[r->old[x].b]);
    }
    for (; f != NONE; f = common_factor(r, &t)) {
        whist_wire others = 0;
        for (unsigned i = 0; i < t.n; i++) {
            uint32_t g = t.node[i];
            if (is_product(r, g) && (r->old[g].a == f || r->old[g].b == f)) {
                uint32_t other = r->old[g].a == f ? r->old[g].b : r->old[g].a;
                others = whist_builder_xor(r->b, others, r->map[other]);
                t.node[i] = NONE;
            }
        }
        sum = whist_builder_xor(r->b, sum, whist_builder_and(r->b, r->map[f], others));
    }
    for (unsigned i = 0; i < t.n; i++) {
        if (t.node[i] != NONE) {
            sum = whist_builder_xor(r->b, sum, r->map[t.node[i]]);
        }
    }
    return sum;
}

/* ---- A pass ---- */

static void use(const struct rewriting *r, uint32_t x)
{
    if (r->uses[x] != REWRITE_MANY) {
        r->uses[x]++;
    }
}

static void count_uses(struct rewriting *r, const whist_wire *roots, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        r->uses[roots[i] >> 1] = REWRITE_MANY; /* a root is not to be changed */
    }
    for (size_t i = r->n_old; i-- > (size_t)r->b->n_leaves + 1;) {
        if (r->uses[i] != 0) {
            struct node g = r->old[i];
            use(r, g.a);
            use(r, g.b);
        }
    }
}

static void remake(struct rewriting *r)
{
    size_t mark = 0;

    for (size_t i = 0; i < r->n_old && builder_ok(r->b); i++) {
        uint32_t x = (uint32_t)i;
        while (mark < r->marks.n && r->marks.at[mark] <= i) {
            r->marks.at[mark++] = x <= r->b->n_leaves ? i : r->b->n_nodes;
        }
        if (x <= r->b->n_leaves) {
            r->map[i] = x << 1;
        } else if (r->uses[i] != 0) {
            bool made = rewrite_cone(r, x, &r->map[i]);
            r->map[i] = made ? r->map[i] : rewriting_is_xor(r, x) ? make_xor(r, x) : make_and(r, x);
        }
    }
    for (; mark < r->marks.n; mark++) {
        r->marks.at[mark] = r->b->n_nodes;
    }
}

/* ANDs that the roots need. */
static uint64_t needed_ands(const struct rewriting *r)
{
    uint64_t n = 0;
    for (size_t i = (size_t)r->b->n_leaves + 1; i < r->n_old; i++) {
        n += r->uses[i] != 0 && rewriting_is_and(r, (uint32_t)i);
    }
    return n;
}

/* Makes everything again; returns how many ANDs there were before. */
static uint64_t pass(struct whist_builder *b, whist_wire *roots, size_t n, struct marks marks)
{
    struct rewriting r = {.b = b, .n_old = b->n_nodes, .marks = marks};
    struct node *old = whist_alloc(b->n_nodes, sizeof *old);
    uint64_t ands = 0;

    r.map = whist_zalloc(b->n_nodes, sizeof *r.map);
    r.uses = whist_zalloc(b->n_nodes, sizeof *r.uses);
    if (old == NULL || r.map == NULL || r.uses == NULL) {
        builder_fail(b, WHIST_ERR_NOMEM);
    } else {
        memcpy(old, b->nodes, b->n_nodes * sizeof *old);
        r.old = old;
        count_uses(&r, roots, n);
        ands = needed_ands(&r);
        builder_restart(b, b->n_leaves - b->n_input_bits);
        b->n_ands = 0;
        remake(&r);
        for (size_t i = 0; i < n && builder_ok(b); i++) {
            roots[i] = r.map[roots[i] >> 1] ^ (roots[i] & 1);
        }
    }
    whist_free(old);
    whist_free(r.map);
    whist_free(r.uses);
    return ands;
}

void builder_rewrite(struct whist_builder *b, whist_wire *roots, size_t n, size_t *marks,
                     size_t n_marks)
{
    uint64_t before = UINT64_MAX;

    for (int i = 0; i < MAX_PASSES && builder_ok(b) && b->n_nodes <= b->rewrite_left; i++) {
        b->rewrite_left -= b->n_nodes;
        uint64_t ands = pass(b, roots, n, (struct marks){marks, n_marks});
        if (ands >= before) {
            break; /* the pass before has changed nothing */
        }
        before = ands;
    }
}
