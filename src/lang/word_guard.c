/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the condition of a path says of other conditions. */
#include "lang/word.h"

/* Factors are looked at down to this depth. */
enum { FACTORS = 6 };

static bool excludes(const struct word_program *p, word_id guard, word_id cond, unsigned depth);

/* Does guard = 1 say that cond = 1, by its factors? */
static bool implies(const struct word_program *p, word_id guard, word_id cond, unsigned depth)
{
    const struct word_node *g = word_at(p, guard), *c = word_at(p, cond);

    if (guard == cond || cond == WORD_TRUE) {
        return true;
    }
    if (depth == 0) {
        return false;
    }
    if (c->op == WORD_NOT && excludes(p, guard, c->a, depth - 1)) {
        return true;
    }
    if (c->op == WORD_AND && implies(p, guard, c->a, depth - 1) &&
        implies(p, guard, c->b, depth - 1)) {
        return true;
    }
    return g->op == WORD_AND &&
           (implies(p, g->a, cond, depth - 1) || implies(p, g->b, cond, depth - 1));
}

/* Does guard = 1 say that cond = 0? */
static bool excludes(const struct word_program *p, word_id guard, word_id cond, unsigned depth)
{
    const struct word_node *g = word_at(p, guard), *c = word_at(p, cond);

    if (cond == WORD_FALSE || (g->op == WORD_NOT && g->a == cond)) {
        return true;
    }
    if (depth == 0) {
        return false;
    }
    if (c->op == WORD_NOT && implies(p, guard, c->a, depth - 1)) {
        return true;
    }
    if (c->op == WORD_AND &&
        (excludes(p, guard, c->a, depth - 1) || excludes(p, guard, c->b, depth - 1))) {
        return true;
    }
    return g->op == WORD_AND &&
           (excludes(p, g->a, cond, depth - 1) || excludes(p, g->b, cond, depth - 1));
}

bool word_implies(const struct word_program *p, word_id guard, word_id cond)
{
    return implies(p, guard, cond, FACTORS);
}

bool word_excludes(const struct word_program *p, word_id guard, word_id cond)
{
    return excludes(p, guard, cond, FACTORS);
}
