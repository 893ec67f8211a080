/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Ends of segments: the program made so far is handed over, and the executor goes on with an empty
 * one, in which the words that are still alive are HELD (constants and inputs are made again). All
 * of them are in the stack, the cells, the journal, the changes and the guard (exec_impl.h).
 */
#include "lang/exec_impl.h"
#include "lang/word_impl.h"

struct renaming {
    struct word_program *old, *new;
    word_id *map; /* by old number: the new one; 0: none yet */
};

static void keep(struct renaming *r, word_id x)
{
    struct word_program *p = r->old;

    if (word_grow(p, (void **)&p->kept, &p->cap_kept, p->n_kept + 1, sizeof *p->kept)) {
        p->kept[p->n_kept++] = x;
    }
}

static word_id rename_word(struct renaming *r, word_id x)
{
    const struct word_node *n = word_at(r->old, x);

    if (x <= WORD_TRUE) {
        return x;
    }
    if (r->map[x] != 0) {
        return r->map[x];
    }
    switch (n->op) {
    case WORD_CONST:
        r->map[x] = n->width <= 64 ? word_const(r->new, n->width, n->max)
                                   : word_const_limbs(r->new, n->width, r->old->pool + n->b);
        break;
    case WORD_INPUT: /* nothing looks for it: parameters are bound */
        r->map[x] = word_append(r->new, *n);
        break;
    default:
        r->map[x] = word_append(r->new, (struct word_node){.op = WORD_HELD,
                                                           .width = n->width,
                                                           .a = (uint32_t)r->old->n_kept,
                                                           .max = n->max});
        keep(r, x);
        break;
    }
    return r->map[x];
}

static void rename_all(struct exec *x, struct renaming *r)
{
    x->guard = rename_word(r, x->guard);
    for (size_t i = 0; i < x->n_stack; i++) {
        x->stack[i] = rename_word(r, x->stack[i]);
    }
    for (size_t i = 0; i < x->n_cells; i++) {
        x->cells[i].word = rename_word(r, x->cells[i].word);
    }
    for (size_t i = 0; i < x->journal.n; i++) {
        x->journal.v[i].word = rename_word(r, x->journal.v[i].word);
    }
    for (size_t i = 0; i < x->changes.n; i++) {
        x->changes.v[i].word = rename_word(r, x->changes.v[i].word);
    }
}

/* What belongs to the whole program goes over to the next segment. */
static void hand_on(struct word_program *new, struct word_program *old)
{
    new->input_widths = old->input_widths;
    new->n_inputs = old->n_inputs;
    new->sites = old->sites;
    new->n_sites = old->n_sites;
    new->cap_sites = old->cap_sites;
    old->input_widths = NULL;
    old->sites = NULL;
}

whist_status exec_segment(struct exec *x)
{
    struct word_program old = x->p;
    struct renaming r = {.old = &old, .new = &x->p};

    x->steps += old.n_nodes - x->segment_start;
    word_init(&x->p);
    x->p.panics = old.panics;
    x->p.thorough = old.thorough;
    x->p.max_nodes = old.max_nodes;
    x->p.place = old.place;
    r.map = whist_zalloc(old.n_nodes, sizeof *r.map);
    whist_status st = r.map == NULL ? WHIST_ERR_NOMEM : WHIST_OK;
    if (st == WHIST_OK) {
        rename_all(x, &r);
        st = old.status != WHIST_OK ? old.status : x->p.status;
    }
    old.last = false;
    if (st == WHIST_OK) {
        st = x->options.sink->segment(x->options.sink, &old, x->err);
    }
    whist_free(r.map);
    hand_on(&x->p, &old);
    word_clear(&old);
    if (st != WHIST_OK) {
        word_fail(&x->p, st);
    }
    /* What is alive is made again each time: a segment has at least as many nodes of its own. */
    size_t alive = x->p.n_nodes, own = x->options.segment_nodes;
    x->segment_start = alive;
    x->segment_end = alive + (own > alive ? own : alive);
    return x->p.status;
}
