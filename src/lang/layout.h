/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* How values lie in lists of words and in bits. Both have one order: elements and parts as they
 * come, fields of a struct by name; an enum is two words, its tag and its payload (either is left
 * out if it has no bits); every other scalar is one word. The bits are those of the words in order,
 * each most significant bit first. */
#ifndef WHIST_LANG_LAYOUT_H
#define WHIST_LANG_LAYOUT_H

#include "lang/tree.h"

/* Most words of one value. */
#define LAYOUT_MAX_WORDS ((uint64_t)1 << 27)
/* Deepest nesting of types; more is a limit exceeded. */
#define LAYOUT_MAX_DEPTH 2000

/* Of all types of a bound unit. */
struct layout {
    const struct lang_unit *unit;
    uint64_t *words;    /* by type id: words of a value (computed once) */
    uint64_t **offsets; /* by type id, of tuples and structs: words before part or field k */
};

/* The unit must be bound, and the layout is made anew after each lang_bind. */
WHIST_MUST_CHECK whist_status layout_init(struct layout *l, const struct lang_unit *unit);
void layout_clear(struct layout *l);

/* Words of a value of the type; at most LAYOUT_MAX_WORDS. */
static inline uint64_t layout_words(const struct layout *l, const struct lang_type *t)
{
    return l->words[t->id];
}
/* Words before part k of a tuple, or field k (order of declaration) of a struct. */
static inline uint64_t layout_offset(const struct layout *l, const struct lang_type *t, uint32_t k)
{
    return l->offsets[t->id][k];
}

/* Elements of an array. */
static inline uint64_t array_len(const struct lang_type *t)
{
    return t->size->n;
}

/* Walks the words of a type in order: calls visit with the width of each. Stops at the first
 * failure. */
typedef whist_status (*layout_visit)(void *arg, uint32_t width);
WHIST_MUST_CHECK whist_status layout_walk(const struct lang_type *t, layout_visit visit, void *arg);

#endif
