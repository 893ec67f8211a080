/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Builder: an AND that the gates around it make superfluous. The nodes above x and y, down to at
 * most six leaves, are functions of these leaves, 64 bits of a truth table each. If x ∧ y is an XOR
 * of some of them, it costs nothing. This finds what no list of rules has, e.g. (x ⊕ z)(x ⊕ xz) =
 * x ⊕ xz.
 */
#include "circuit/builder.h"

enum { LEAVES = 6, NODES = 16 };

struct cone {
    uint32_t node[NODES]; /* leaves first, then gates, each after its operands */
    uint64_t table[NODES];
    unsigned n_leaves, n;
};

/* Puts x into a descending list without repetition. */
static void insert(uint32_t *list, unsigned *n, uint32_t x)
{
    unsigned at = *n;
    while (at > 0 && list[at - 1] < x) {
        at--;
    }
    if (at > 0 && list[at - 1] == x) {
        return;
    }
    for (unsigned i = *n; i > at; i--) {
        list[i] = list[i - 1];
    }
    list[at] = x;
    ++*n;
}

static bool is_gate(const struct whist_builder *b, uint32_t x)
{
    return x > b->n_leaves;
}

static bool contains(const uint32_t *list, unsigned n, uint32_t x)
{
    for (unsigned i = 0; i < n; i++) {
        if (list[i] == x) {
            return true;
        }
    }
    return false;
}

/* Replaces the newest leaf that leaves room by its operands, as often as there is room. */
static void grow_cone(const struct whist_builder *b, struct cone *c, uint32_t x, uint32_t y)
{
    uint32_t leaves[LEAVES + 1], gates[NODES];
    unsigned n_leaves = 0, n_gates = 0;

    insert(leaves, &n_leaves, x);
    insert(leaves, &n_leaves, y);
    for (unsigned i = 0; i < n_leaves && n_gates < NODES - LEAVES;) {
        uint32_t top = leaves[i];
        if (!is_gate(b, top)) {
            break;
        }
        struct node g = b->nodes[top];
        unsigned more = !contains(leaves, n_leaves, g.a) + !contains(leaves, n_leaves, g.b);
        if (n_leaves - 1 + more > LEAVES) {
            i++;
            continue;
        }
        gates[n_gates++] = top;
        n_leaves--;
        memmove(leaves + i, leaves + i + 1, (n_leaves - i) * sizeof *leaves);
        insert(leaves, &n_leaves, g.a);
        insert(leaves, &n_leaves, g.b);
        i = 0;
    }
    c->n_leaves = n_leaves;
    c->n = n_leaves + n_gates;
    for (unsigned k = 0; k < n_leaves; k++) {
        c->node[k] = leaves[k];
    }
    for (unsigned k = 0; k < n_gates; k++) {
        c->node[n_leaves + k] = gates[n_gates - 1 - k];
    }
}

static uint64_t table_of(const struct cone *c, unsigned n, uint32_t x)
{
    for (unsigned k = n; k-- > 0;) {
        if (c->node[k] == x) {
            return c->table[k];
        }
    }
    return 0;
}

static void fill_tables(const struct whist_builder *b, struct cone *c)
{
    static const uint64_t leaf[LEAVES] = {0xaaaaaaaaaaaaaaaaU, 0xccccccccccccccccU,
                                          0xf0f0f0f0f0f0f0f0U, 0xff00ff00ff00ff00U,
                                          0xffff0000ffff0000U, 0xffffffff00000000U};
    for (unsigned k = 0; k < c->n; k++) {
        if (k < c->n_leaves) {
            c->table[k] = leaf[k];
        } else {
            struct node g = b->nodes[c->node[k]];
            uint64_t x = table_of(c, k, g.a), y = table_of(c, k, g.b);
            c->table[k] = g.a > g.b ? x ^ y : x & y;
        }
    }
}

/* Writes `target` as an XOR of tables (bit k of *which: table k; bit NODES: the constant 1). */
static bool express(const struct cone *c, uint64_t target, uint32_t *which)
{
    uint64_t row[NODES + 1];
    uint32_t made[NODES + 1], used = 0;
    unsigned n = 0;

    for (unsigned k = 0; k <= c->n; k++) {
        uint64_t t = k < c->n ? c->table[k] : UINT64_MAX;
        uint32_t m = k < c->n ? (uint32_t)1 << k : (uint32_t)1 << NODES;
        for (unsigned i = 0; i < n; i++) {
            if ((t ^ row[i]) < t) {
                t ^= row[i];
                m ^= made[i];
            }
        }
        if (t != 0) {
            unsigned at = n++;
            for (; at > 0 && row[at - 1] < t; at--) { /* highest bits first */
                row[at] = row[at - 1];
                made[at] = made[at - 1];
            }
            row[at] = t;
            made[at] = m;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        if ((target ^ row[i]) < target) {
            target ^= row[i];
            used ^= made[i];
        }
    }
    *which = used;
    return target == 0;
}

bool builder_local_and(struct whist_builder *b, uint32_t x, uint32_t y, whist_wire *out)
{
    struct cone c;
    uint32_t which = 0;

    b->local_left--;
    grow_cone(b, &c, x, y);
    if (c.n == 2) {
        return false;
    }
    fill_tables(b, &c);
    if (!express(&c, table_of(&c, c.n, x) & table_of(&c, c.n, y), &which)) {
        return false;
    }
    *out = which >> NODES & 1;
    for (unsigned k = 0; k < c.n; k++) {
        if ((which >> k & 1) != 0) {
            *out = whist_builder_xor(b, *out, c.node[k] << 1);
        }
    }
    return true;
}
