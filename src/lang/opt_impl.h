/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the optimiser. */
#ifndef WHIST_LANG_OPT_IMPL_H
#define WHIST_LANG_OPT_IMPL_H

#include "lang/opt.h"
#include "lang/word_impl.h"

/*
 * A plan: a tree of selections whose leaves are operations of one kind, of which at most one is
 * taken, becomes one operation on selected operands. No node of the tree but the root has another
 * use.
 */
struct plan {
    word_id root; /* the SELECT on top */
    bool is_sum;  /* leaves: base + y, base − y, or base itself (y = 0); else any operands */
    uint32_t op;  /* of all leaves; of a sum: ADD */
    word_id base;
    bool adds, subtracts; /* a sum has leaves of this kind */
    bool cancelled;
    bool made;          /* the operation is in the new program: */
    word_id x, y, flip; /* its operands; flip: all ones where base − y = ¬(¬base + y) is taken */
};

struct leaf_entry {
    word_id leaf; /* 0: empty */
    uint32_t plan;
};

struct opt {
    const struct word_program *p;
    struct word_program out;
    word_id *map;   /* new numbers */
    uint8_t *done;  /* map is valid */
    uint32_t *uses; /* by nodes that are alive, results and kept words */
    uint32_t
        *plan_of; /* of tree nodes, and of overflow predicates of leaves: number + 1; 0: none */
    struct plan *plans;
    size_t n_plans, cap_plans;
    struct leaf_entry *leaves; /* by operands, open addressing */
    size_t leaf_bits, n_leaves;
    word_id *stack; /* nodes to be made */
    size_t n_stack, cap_stack;
    word_id *list; /* scratch */
    size_t cap_list;
    whist_status status;
};

/* Finds the plans (opt_share.c). */
void share_find(struct opt *o);
/* Calls fn for each node that must be made before the plan's operation. */
void share_needs(struct opt *o, const struct plan *pl, void (*fn)(struct opt *o, word_id x));
/* The new word for a plan's root or for the overflow predicate x of one of its leaves. */
word_id share_make(struct opt *o, struct plan *pl, word_id x);

/* Is the condition 0 whenever the guard is 1, as their factors say? */
bool share_never(const struct opt *o, word_id guard, word_id cond);

static inline struct plan *plan_at(const struct opt *o, word_id x)
{
    return o->plan_of[x] == 0 || o->plans[o->plan_of[x] - 1].cancelled
               ? NULL
               : &o->plans[o->plan_of[x] - 1];
}
static inline bool is_overflow(uint32_t op)
{
    return (op >= WORD_UADD_OVF && op <= WORD_SMUL_OVF) || op == WORD_ULT || op == WORD_SLT;
}
static inline void opt_fail(struct opt *o, whist_status st)
{
    if (o->status == WHIST_OK) {
        o->status = st;
    }
}
/* Makes room in an array of o. */
bool opt_grow(struct opt *o, void **array, size_t *cap, size_t need, size_t size);

#endif
