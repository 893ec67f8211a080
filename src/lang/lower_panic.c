/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Checks to gates. A check that fires is new = guard ∧ ¬flag ∧ condition. At most one `new` of the
 * program is ever 1, so flag and site are XORs of them, and all checks under one guard share guard
 * ∧ ¬flag: one AND a check and one for the guard.
 */
#include "lang/lower.h"

/* The topmost entry that the guard implies, as its factors say; n_active if there is none.
 * The depth is bounded. NOLINTNEXTLINE(misc-no-recursion) */
static size_t implied(const struct lower *l, word_id guard, unsigned depth)
{
    size_t best = l->n_active;

    for (size_t i = l->n_active; i-- > 0;) {
        if (l->active[i].guard == guard) {
            return i;
        }
    }
    const struct word_node *n = word_at(l->p, guard);
    if (n->op == WORD_AND && depth != 0) {
        size_t x = implied(l, n->a, depth - 1), y = implied(l, n->b, depth - 1);
        best = x == l->n_active || (y != l->n_active && y > x) ? y : x;
    }
    return best;
}

/* Guard ∧ ¬flag; puts the guard on top. */
static whist_wire activate(struct lower *l, word_id guard)
{
    size_t at = implied(l, guard, 4);

    if (at < l->n_active && l->active[at].guard == guard) {
        l->n_active = at + 1;
        return l->active[at].wire;
    }
    whist_wire wire = at < l->n_active ? l->active[at].wire : whist_builder_not(l->b, l->flag);
    /* Of a guard x ∧ y only y is needed where x is in already: then x ∧ y itself may be no gate. */
    const struct word_node *n = word_at(l->p, guard);
    word_id more = guard;
    if (n->op == WORD_AND && at < l->n_active) {
        more = l->active[at].guard == n->a ? n->b : l->active[at].guard == n->b ? n->a : guard;
    }
    wire = whist_builder_and(l->b, wire, lower_bit(l, more));
    l->n_active = at < l->n_active ? at + 1 : 0;
    if (l->n_active == MAX_ACTIVE) {
        l->n_active = 0;
    }
    l->active[l->n_active++] = (struct active){guard, wire};
    return wire;
}

static void record_site(struct lower *l, uint32_t site, whist_wire fires)
{
    for (size_t k = 0; site != 0; k++, site >>= 1) {
        if ((site & 1) != 0) {
            l->site[k] = whist_builder_xor(l->b, l->site[k], fires);
        }
    }
}

void lower_panic(struct lower *l, word_id x)
{
    const struct word_node *n = word_at(l->p, x);
    whist_wire fires = whist_builder_and(l->b, activate(l, n->a), lower_bit(l, n->c));

    l->flag = whist_builder_xor(l->b, l->flag, fires);
    for (size_t i = 0; i < l->n_active; i++) {
        l->active[i].wire = whist_builder_xor(l->b, l->active[i].wire, fires);
    }
    if (l->p->panics == WORD_PANICS_SITE) {
        record_site(l, n->b, fires);
    }
}
