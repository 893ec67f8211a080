/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the condition of a path says of other conditions. */
#include "lang/word.h"

/* How many factors of a guard are looked at, and how deep into the other condition. A guard is a
 * chain as long as the path is deep or as the arms of a match are many. */
enum { VISITS = 512, PENDING = 32, DEPTH = 6 };

static bool is_factor(const struct word_program *p, word_id x, word_id cond, bool negated)
{
    return negated ? word_at(p, x)->op == WORD_NOT && word_at(p, x)->a == cond : x == cond;
}

/* Is cond (or NOT cond) a factor of the guard? When in doubt, no. */
static bool has_factor(const struct word_program *p, word_id guard, word_id cond, bool negated)
{
    word_id pending[PENDING]; /* products */
    unsigned n = 0;

    if (is_factor(p, guard, cond, negated)) {
        return true;
    }
    pending[n++] = guard;
    for (unsigned visits = 0; n != 0 && visits < VISITS; visits++) {
        const struct word_node *w = word_at(p, pending[--n]);
        const word_id factors[2] = {w->a, w->b};
        for (int i = 0; i < 2 && w->op == WORD_AND; i++) {
            if (is_factor(p, factors[i], cond, negated)) {
                return true;
            }
            if (word_at(p, factors[i])->op == WORD_AND && n < PENDING) {
                pending[n++] = factors[i];
            }
        }
    }
    return false;
}

/* NOLINTBEGIN(misc-no-recursion): the depth is bounded */
static bool excludes(const struct word_program *p, word_id guard, word_id cond, unsigned depth);

/* Does guard = 1 say that cond = 1, by its factors? */
static bool implies(const struct word_program *p, word_id guard, word_id cond, unsigned depth)
{
    const struct word_node *c = word_at(p, cond);

    if (cond == WORD_TRUE || has_factor(p, guard, cond, false)) {
        return true;
    }
    if (depth == 0) {
        return false;
    }
    return (c->op == WORD_NOT && excludes(p, guard, c->a, depth - 1)) ||
           (c->op == WORD_AND && implies(p, guard, c->a, depth - 1) &&
            implies(p, guard, c->b, depth - 1));
}

/* Does guard = 1 say that cond = 0? */
static bool excludes(const struct word_program *p, word_id guard, word_id cond, unsigned depth)
{
    const struct word_node *c = word_at(p, cond);

    if (cond == WORD_FALSE || has_factor(p, guard, cond, true)) {
        return true;
    }
    if (depth == 0) {
        return false;
    }
    return (c->op == WORD_NOT && implies(p, guard, c->a, depth - 1)) ||
           (c->op == WORD_AND &&
            (excludes(p, guard, c->a, depth - 1) || excludes(p, guard, c->b, depth - 1)));
}
/* NOLINTEND(misc-no-recursion) */

bool word_implies(const struct word_program *p, word_id guard, word_id cond)
{
    return implies(p, guard, cond, DEPTH);
}

bool word_excludes(const struct word_program *p, word_id guard, word_id cond)
{
    return excludes(p, guard, cond, DEPTH);
}
