/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the pass that makes all gates again. */
#ifndef WHIST_REWRITE_H
#define WHIST_REWRITE_H

#include "circuit/builder.h"

struct marks {
    size_t *at;
    size_t n;
};

/* So many uses, or more. */
#define REWRITE_MANY 255

struct rewriting {
    struct whist_builder *b;
    const struct node *old;
    size_t n_old;
    whist_wire *map; /* of old nodes */
    uint8_t *uses;   /* of old nodes; 0: dead */
    struct marks marks;
};

static inline bool rewriting_is_gate(const struct rewriting *r, uint32_t x)
{
    return x > r->b->n_leaves;
}
static inline bool rewriting_is_xor(const struct rewriting *r, uint32_t x)
{
    return rewriting_is_gate(r, x) && r->old[x].a > r->old[x].b;
}
static inline bool rewriting_is_and(const struct rewriting *r, uint32_t x)
{
    return rewriting_is_gate(r, x) && r->old[x].a < r->old[x].b;
}

/* Makes the old gate x from the nodes around it with fewer ANDs than all that would be gone with
 * it; false if there is no way. */
bool rewrite_cone(struct rewriting *r, uint32_t x, whist_wire *out);

#endif
