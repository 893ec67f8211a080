/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gates of a word-level program: storage of words, order of work, inputs and outputs. */
#include "lang/lower.h"
#include "lang/opt.h"

/* ---- Storage ---- */

whist_wire *lower_scratch(struct lower *l, size_t n)
{
    if (n > l->cap_scratch) {
        size_t cap = n + n / 2 + 64;
        whist_wire *w = whist_realloc(l->scratch, cap, sizeof *w);
        if (w == NULL) {
            builder_fail(l->b, WHIST_ERR_NOMEM);
            return NULL;
        }
        l->scratch = w;
        l->cap_scratch = cap;
    }
    return builder_ok(l->b) ? l->scratch : NULL;
}

/* The least k with 2^k ≥ n. */
static unsigned size_class(size_t n)
{
    unsigned k = 0;
    while ((size_t)1 << k < n) {
        k++;
    }
    return k;
}

/* Place of a piece of 2^k wires; SIZE_MAX after remembering the error. */
static size_t take_piece(struct lower *l, unsigned k)
{
    size_t at = k < 32 ? l->free_at[k] : 0;

    if (at != 0) {
        l->free_at[k] = l->arena[at - 1];
        return at - 1;
    }
    size_t need = l->n_arena + ((size_t)1 << k);
    if (k >= 32 || need >= UINT32_MAX) {
        builder_fail(l->b, WHIST_ERR_LIMIT);
        return SIZE_MAX;
    }
    if (need > l->cap_arena) {
        size_t cap = need + need / 2 + 1024;
        whist_wire *w = whist_realloc(l->arena, cap, sizeof *w);
        if (w == NULL) {
            builder_fail(l->b, WHIST_ERR_NOMEM);
            return SIZE_MAX;
        }
        l->arena = w;
        l->cap_arena = cap;
    }
    at = l->n_arena;
    l->n_arena = need;
    return at;
}

/* Wires of a node's result. */
static size_t result_len(const struct word_node *n)
{
    bool table = n->op == WORD_MERGE || n->op == WORD_COMPACT;
    return table ? (size_t)n->c * n->width : n->width;
}

void lower_store(struct lower *l, word_id x, const whist_wire *wires, size_t n)
{
    const struct word_node *node = word_at(l->p, x);
    size_t at = builder_ok(l->b) ? take_piece(l, size_class(n)) : SIZE_MAX;

    if (at == SIZE_MAX) {
        return;
    }
    whist_wire *to = l->arena + at;
    memcpy(to, wires, n * sizeof *to);
    l->at[x] = (uint32_t)at + 1;
    if (node->width <= 64 && n == node->width) {
        for (size_t k = n; k-- > 0 && node->max >> k == 0;) {
            to[k] = 0;
        }
    }
}

static void drop_decoders(struct lower *l, word_id index)
{
    for (struct decoder **p = &l->decoders; *p != NULL;) {
        struct decoder *d = *p;
        if (d->index == index) {
            *p = d->next;
            whist_free(d);
        } else {
            p = &d->next;
        }
    }
}

/* One use less; a word without uses is forgotten. */
static void release(struct lower *l, word_id x)
{
    if (--l->uses[x] == 0 && l->at[x] != 0) {
        size_t at = l->at[x] - 1;
        unsigned k = size_class(result_len(word_at(l->p, x)));
        l->arena[at] = l->free_at[k];
        l->free_at[k] = (uint32_t)at + 1;
        l->at[x] = 0;
        drop_decoders(l, x);
    }
}

/* ---- Uses ---- */

typedef void (*use_fn)(struct lower *l, word_id x);

static void count_use(struct lower *l, word_id x)
{
    l->uses[x]++;
}

static void each_operand(struct lower *l, word_id x, use_fn fn)
{
    const word_id *list;
    word_id fixed[3];
    size_t n = word_operands(l->p, x, &list, fixed);

    for (size_t i = 0; i < n; i++) {
        fn(l, fixed[i]);
    }
    for (uint32_t i = 0; list != NULL && i < word_at(l->p, x)->c; i++) {
        fn(l, list[i]);
    }
    /* A check looks at the factors of its guard too. */
    if (word_at(l->p, x)->op == WORD_PANIC && word_at(l->p, fixed[0])->op == WORD_AND) {
        fn(l, word_at(l->p, fixed[0])->a);
        fn(l, word_at(l->p, fixed[0])->b);
    }
}

static void note_chain(struct lower *l, const struct word_node *n)
{
    switch (n->op) {
    case WORD_UDIV:
    case WORD_UREM:
        l->chain[n->b] |= CHAIN_DIVISOR;
        break;
    case WORD_SDIV:
    case WORD_SREM:
        l->chain[n->b] |= CHAIN_SIGNED_DIVISOR;
        break;
    case WORD_NEG:
        l->chain[n->a] |= CHAIN_NEGATED;
        break;
    default:
        break;
    }
}

/* From the end: only what results, kept words and checks need is alive. */
static void find_uses(struct lower *l)
{
    const struct word_program *p = l->p;

    for (size_t i = 0; i < p->n_result; i++) {
        count_use(l, p->result[i]);
    }
    for (size_t i = 0; i < p->n_kept; i++) {
        count_use(l, p->kept[i]);
    }
    for (size_t i = p->n_nodes; i-- > 0;) {
        const struct word_node *n = &p->nodes[i];
        l->uses[i] += n->op == WORD_PANIC;
        if (l->uses[i] != 0) {
            each_operand(l, (word_id)i, count_use);
            note_chain(l, n);
        }
    }
}

word_id lower_twin(const struct lower *l, word_id x, enum word_op op)
{
    enum { FAR = 12 };
    const struct word_node *n = word_at(l->p, x);

    for (size_t i = (size_t)x + 1; i < l->p->n_nodes && i <= (size_t)x + FAR; i++) {
        const struct word_node *t = &l->p->nodes[i];
        if (t->op == (uint32_t)op && t->a == n->a && t->b == n->b && l->uses[i] != 0 &&
            l->at[i] == 0) {
            return (word_id)i;
        }
    }
    return 0;
}

/* ---- A segment ---- */

static void clear_segment(struct lower *l)
{
    whist_free(l->at);
    whist_free(l->uses);
    whist_free(l->chain);
    l->at = l->uses = NULL;
    l->chain = NULL;
    while (l->decoders != NULL) {
        struct decoder *d = l->decoders;
        l->decoders = d->next;
        whist_free(d);
    }
    memset(l->free_at, 0, sizeof l->free_at);
    l->n_arena = 0;
    l->n_active = 0;
}

/* The wires of the kept words, for the next segment. */
static void keep_words(struct lower *l)
{
    const struct word_program *p = l->p;
    size_t total = 0;

    for (size_t i = 0; i < p->n_kept; i++) {
        total += word_width(p, p->kept[i]);
    }
    whist_wire *kept = builder_wires(l->b, total + 1);
    uint32_t *at =
        builder_ok(l->b) && total < UINT32_MAX ? whist_alloc(p->n_kept + 1, sizeof *at) : NULL;
    if (kept == NULL || at == NULL) {
        builder_fail(l->b, WHIST_ERR_NOMEM);
        whist_free(kept);
        whist_free(at);
        return;
    }
    total = 0;
    for (size_t i = 0; i < p->n_kept; i++) {
        uint32_t w = word_width(p, p->kept[i]);
        memcpy(kept + total, lower_wires(l, p->kept[i]), w * sizeof *kept);
        at[i] = (uint32_t)total;
        total += w;
    }
    whist_free(l->kept);
    whist_free(l->kept_at);
    l->kept = kept;
    l->kept_at = at;
    l->n_kept = total;
}

static void output_bits(struct lower *l)
{
    const struct word_program *p = l->p;
    whist_wire good = whist_builder_not(l->b, l->flag);
    uint32_t n_site = word_site_bits(p->n_sites);
    size_t n = 1 + 32;

    for (size_t i = 0; i < p->n_result; i++) {
        n += word_width(p, p->result[i]);
    }
    whist_wire *out = builder_wires(l->b, n);
    if (out == NULL) {
        return;
    }
    n = 0;
    for (size_t i = 0; i < p->n_result; i++) {
        const whist_wire *w = lower_wires(l, p->result[i]);
        for (uint32_t k = word_width(p, p->result[i]); k-- > 0;) {
            out[n++] = whist_builder_and(l->b, w[k], good);
        }
    }
    if (p->panics != WORD_PANICS_OFF) {
        out[n++] = l->flag;
    }
    for (uint32_t k = p->panics == WORD_PANICS_SITE ? n_site : 0; k-- > 0;) {
        out[n++] = l->site[k];
    }
    l->outputs = out;
    l->n_outputs = n != 0 ? n : 1;
}

static void lower_words(struct lower *l, const struct word_program *p)
{
    l->p = p;
    l->at = whist_zalloc(p->n_nodes, sizeof *l->at);
    l->uses = whist_zalloc(p->n_nodes, sizeof *l->uses);
    l->chain = whist_zalloc(p->n_nodes, sizeof *l->chain);
    if (l->at == NULL || l->uses == NULL || l->chain == NULL) {
        builder_fail(l->b, WHIST_ERR_NOMEM);
        clear_segment(l);
        return;
    }
    find_uses(l);
    for (size_t i = 0; i < p->n_nodes && builder_ok(l->b); i++) {
        if (l->uses[i] == 0) {
            continue;
        }
        if (l->note != NULL) {
            l->note(l->note_ctx, l->b, p->nodes[i].place);
        }
        if (l->at[i] == 0) {
            lower_word(l, (word_id)i);
        }
        each_operand(l, (word_id)i, release);
    }
    if (l->note != NULL) {
        l->note(l->note_ctx, l->b, LOWER_NO_PLACE);
    }
    if (builder_ok(l->b) && p->last) {
        output_bits(l);
    } else if (builder_ok(l->b)) {
        keep_words(l);
    }
    clear_segment(l);
}

void lower_segment(struct lower *l, const struct word_program *p)
{
    struct word_program better;
    whist_status st = opt_program(&better, p);

    if (st != WHIST_OK) {
        builder_fail(l->b, st);
        return;
    }
    if (better.thorough) {
        l->b->local_left = l->b->rewrite_left = l->b->cones_left = UINT64_MAX;
    }
    lower_words(l, &better);
    l->p = NULL;
    word_clear(&better);
}

void lower_inputs(struct lower *l, const struct word_program *p)
{
    for (size_t i = 0; i < p->n_inputs; i++) {
        whist_wire *w = p->input_widths[i] != 0 ? builder_wires(l->b, p->input_widths[i]) : NULL;
        if (w != NULL) {
            whist_builder_input(l->b, w, p->input_widths[i]);
        }
        whist_free(w);
    }
}

void lower_clear(struct lower *l)
{
    clear_segment(l);
    whist_free(l->arena);
    whist_free(l->scratch);
    whist_free(l->kept);
    whist_free(l->kept_at);
    whist_free(l->outputs);
    whist_builder_free(l->b);
    *l = (struct lower){0};
}

/* ---- The circuit ---- */

whist_status gates_circuit(struct whist_circuit **circuit_out, const struct word_program *program,
                           struct whist_error *err)
{
    struct lower l = {0};
    whist_status st;

    WHIST_REQUIRE(program->last);
    TRY(whist_builder_new(&l.b, err));
    lower_inputs(&l, program);
    lower_segment(&l, program);
    if (builder_ok(l.b)) {
        builder_rewrite(l.b, l.outputs, l.n_outputs, NULL, 0);
        whist_builder_output(l.b, l.outputs, l.n_outputs);
    }
    st = whist_builder_finish(l.b, circuit_out, err);
    lower_clear(&l);
    return st;
}
