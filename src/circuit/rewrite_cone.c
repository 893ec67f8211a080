/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Builder: a gate as a function of at most six nodes below it, made anew. A function of degree 2
 * needs half the rank of its quadratic form in ANDs and no fewer (Dickson); one of higher degree is
 * tried as x · g ⊕ h, g and h of degree 2. So ab ∨ bc ∨ ac takes one AND instead of four.
 */
#include "circuit/rewrite.h"

enum { LEAVES = 6, INNER = 24, MANY = 99 };

static const uint64_t variables[LEAVES] = {
    0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0,
    0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000,
};

/* The coefficients of x^i y^j …: bit k belongs to the product of the variables in k. */
static uint64_t coefficients(uint64_t t)
{
    for (unsigned k = 0; k < LEAVES; k++) {
        t ^= t << (1U << k) & variables[k];
    }
    return t;
}

/* Coefficients of products of three and more: numbers with at least three bits. */
#define CUBIC 0xfffefee8fee8e880

static bool is_quadratic(uint64_t c)
{
    return (c & CUBIC) == 0;
}

/* Row i: the variables that are multiplied with variable i. */
static void quadratic_form(uint64_t c, uint8_t rows[LEAVES])
{
    for (unsigned i = 0; i < LEAVES; i++) {
        rows[i] = 0;
        for (unsigned k = 0; k < LEAVES; k++) {
            rows[i] |= (uint8_t)(k != i ? (c >> (1U << i | 1U << k) & 1) << k : 0);
        }
    }
}

/* ANDs of a function of degree 2; MANY: it has another. */
static unsigned quadratic_cost(uint64_t t)
{
    uint64_t c = coefficients(t);
    uint8_t rows[LEAVES];
    unsigned rank = 0;

    if (!is_quadratic(c)) {
        return MANY;
    }
    quadratic_form(c, rows);
    for (unsigned k = 0; k < LEAVES; k++) {
        unsigned i = rank;
        while (i < LEAVES && (rows[i] >> k & 1) == 0) {
            i++;
        }
        if (i == LEAVES) {
            continue;
        }
        uint8_t pivot = rows[i];
        rows[i] = rows[rank];
        rows[rank++] = pivot;
        for (i = rank; i < LEAVES; i++) {
            rows[i] ^= (rows[i] >> k & 1) != 0 ? pivot : 0;
        }
    }
    return rank / 2;
}

/* t with variable k set to 0, to 1. */
static uint64_t low_half(uint64_t t, unsigned k)
{
    t &= ~variables[k];
    return t | t << (1U << k);
}
static uint64_t high_half(uint64_t t, unsigned k)
{
    t &= variables[k];
    return t | t >> (1U << k);
}

/* How a function is made: rest, or factor ∧ variable ⊕ rest, or factor ∧ ¬variable ⊕ rest. */
struct plan {
    unsigned cost;
    int variable; /* −1: none */
    bool negated;
    uint64_t factor, rest;
};

static struct plan plan_of(uint64_t t)
{
    struct plan best = {.cost = quadratic_cost(t), .variable = -1, .rest = t};

    for (unsigned k = 0; best.variable < 0 && best.cost == MANY && k < LEAVES; k++) {
        uint64_t low = low_half(t, k), high = high_half(t, k);
        unsigned factor = 1 + quadratic_cost(low ^ high);
        unsigned rest = quadratic_cost(low), other = quadratic_cost(high);
        bool negated = other < rest;
        unsigned cost = factor + (negated ? other : rest);
        if (cost < best.cost) {
            best = (struct plan){cost, (int)k, negated, low ^ high, negated ? high : low};
        }
    }
    return best;
}

/* ---- Cones ---- */

struct cone {
    const struct rewriting *r;
    uint32_t leaf[LEAVES];
    unsigned n_leaves;
    uint32_t inner[INNER]; /* descending: operands come after */
    unsigned n_inner;
};

static void add_leaf(struct cone *c, uint32_t x)
{
    for (unsigned i = 0; i < c->n_leaves; i++) {
        if (c->leaf[i] == x) {
            return;
        }
    }
    c->leaf[c->n_leaves++] = x;
}

/* Leaves that the cone has with leaf i opened. */
static unsigned opened(const struct cone *c, unsigned i)
{
    struct node g = c->r->old[c->leaf[i]];
    unsigned n = c->n_leaves + 1;

    for (unsigned k = 0; k < c->n_leaves; k++) {
        n -= c->leaf[k] == g.a || c->leaf[k] == g.b;
    }
    return n;
}

/* Opens the newest leaf that is a gate; the cone has room for what comes. False: there is none. */
static bool grow(struct cone *c)
{
    unsigned best = LEAVES;

    for (unsigned i = 0; i < c->n_leaves; i++) {
        bool gate = rewriting_is_gate(c->r, c->leaf[i]) && opened(c, i) <= LEAVES;
        if (gate && (best == LEAVES || c->leaf[i] > c->leaf[best])) {
            best = i;
        }
    }
    if (best == LEAVES || c->n_inner == INNER) {
        return false;
    }
    uint32_t x = c->leaf[best];
    c->leaf[best] = c->leaf[--c->n_leaves];
    add_leaf(c, c->r->old[x].a);
    add_leaf(c, c->r->old[x].b);
    unsigned at = c->n_inner++;
    for (; at > 0 && c->inner[at - 1] < x; at--) {
        c->inner[at] = c->inner[at - 1];
    }
    c->inner[at] = x;
    return true;
}

/* ANDs that nobody needs once the gate at the top is made otherwise. */
static unsigned freed_ands(const struct cone *c)
{
    uint8_t seen[INNER] = {REWRITE_MANY};
    unsigned n = 0;

    for (unsigned i = 0; i < c->n_inner; i++) {
        uint32_t x = c->inner[i];
        if (i != 0 && seen[i] != c->r->uses[x]) {
            continue;
        }
        n += rewriting_is_and(c->r, x);
        for (unsigned k = i + 1; k < c->n_inner; k++) {
            if (c->inner[k] == c->r->old[x].a || c->inner[k] == c->r->old[x].b) {
                seen[k]++;
            }
        }
    }
    return n;
}

static uint64_t table_of(const struct cone *c, const uint64_t *inner, uint32_t x)
{
    for (unsigned i = 0; i < c->n_leaves; i++) {
        if (c->leaf[i] == x) {
            return variables[i];
        }
    }
    for (unsigned i = 0; i < c->n_inner; i++) {
        if (c->inner[i] == x) {
            return inner[i];
        }
    }
    return 0; /* the constant */
}

/* What the gate at the top is, of the leaves. */
static uint64_t function_of(const struct cone *c)
{
    uint64_t tables[INNER] = {0};

    for (unsigned i = c->n_inner; i-- > 0;) {
        struct node g = c->r->old[c->inner[i]];
        uint64_t x = table_of(c, tables, g.a), y = table_of(c, tables, g.b);
        tables[i] = rewriting_is_xor(c->r, c->inner[i]) ? x ^ y : x & y;
    }
    return tables[0];
}

/* ---- Gates ---- */

static whist_wire linear(const struct cone *c, unsigned which, uint64_t *table_out)
{
    whist_wire w = 0;

    *table_out = 0;
    for (unsigned i = 0; i < c->n_leaves; i++) {
        if ((which >> i & 1) != 0) {
            w = whist_builder_xor(c->r->b, w, c->r->map[c->leaf[i]]);
            *table_out ^= variables[i];
        }
    }
    return w;
}

/* Splits off products of linear forms until no product of variables is left. */
static whist_wire make_quadratic(const struct cone *c, uint64_t t)
{
    whist_wire sum = 0;
    uint8_t rows[LEAVES];
    uint64_t of = coefficients(t);

    for (unsigned i = 0; i < LEAVES;) {
        quadratic_form(of, rows);
        if (rows[i] == 0) {
            i++;
            continue;
        }
        unsigned k = 0;
        while ((rows[i] >> k & 1) == 0) {
            k++;
        }
        unsigned both = 1U << i | 1U << k;
        uint64_t x, y;
        whist_wire left = linear(c, 1U << i | (rows[k] & ~both), &x);
        whist_wire right = linear(c, 1U << k | (rows[i] & ~both), &y);
        sum = whist_builder_xor(c->r->b, sum, whist_builder_and(c->r->b, left, right));
        of = coefficients(t ^= x & y);
    }
    for (unsigned i = 0; i < c->n_leaves; i++) {
        if ((of >> (1U << i) & 1) != 0) {
            sum = whist_builder_xor(c->r->b, sum, c->r->map[c->leaf[i]]);
        }
    }
    return sum ^ (whist_wire)(of & 1);
}

static whist_wire make(const struct cone *c, const struct plan *p)
{
    whist_wire rest = make_quadratic(c, p->rest);

    if (p->variable < 0) {
        return rest;
    }
    whist_wire w = c->r->map[c->leaf[p->variable]] ^ (p->negated ? 1U : 0U);
    whist_wire product = whist_builder_and(c->r->b, w, make_quadratic(c, p->factor));
    return whist_builder_xor(c->r->b, product, rest);
}

bool rewrite_cone(struct rewriting *r, uint32_t x, whist_wire *out)
{
    struct cone c = {.r = r, .leaf = {x}, .n_leaves = 1}, best = {0};
    struct plan plan = {0};
    unsigned saved = 0;

    if (r->b->cones_left == 0) {
        return false;
    }
    r->b->cones_left--;
    while (grow(&c)) {
        unsigned freed = freed_ands(&c);
        if (freed < saved + 1) {
            continue;
        }
        struct plan p = plan_of(function_of(&c));
        if (p.cost + saved < freed) {
            saved = freed - p.cost;
            plan = p;
            best = c;
        }
    }
    if (saved == 0) {
        return false;
    }
    *out = make(&best, &plan);
    return true;
}
