/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gates by place of the source, and the table of lines that the public header gives. */
#include "lang/cost.h"

#include "lang/lower.h"
#include "lang/program.h"

/* ---- Gates by place ---- */

/* The nodes from `first` on are due to the place. */
struct mark {
    size_t first;
    uint32_t place;
};

struct marks {
    struct mark *v;
    size_t n, cap;
    whist_status status;
};

static void add_mark(void *ctx, const struct whist_builder *b, uint32_t place)
{
    struct marks *m = ctx;

    if (m->n != 0 && (m->v[m->n - 1].place == place || m->v[m->n - 1].first == b->n_nodes)) {
        m->v[m->n - 1].place = place;
        return;
    }
    if (m->n == m->cap) {
        size_t cap = m->cap + m->cap / 2 + 256;
        struct mark *v = whist_realloc(m->v, cap, sizeof *v);
        if (v == NULL) {
            m->status = WHIST_ERR_NOMEM;
            return;
        }
        m->v = v;
        m->cap = cap;
    }
    m->v[m->n++] = (struct mark){b->n_nodes, place};
}

/* The gates as the circuit has them in the end. */
static void rewrite(struct lower *l, struct marks *m)
{
    size_t *first = whist_alloc(m->n + 1, sizeof *first);

    if (first == NULL) {
        m->status = WHIST_ERR_NOMEM;
        return;
    }
    for (size_t k = 0; k < m->n; k++) {
        first[k] = m->v[k].first;
    }
    builder_rewrite(l->b, l->outputs, l->n_outputs, first, m->n);
    for (size_t k = 0; k < m->n; k++) {
        m->v[k].first = first[k];
    }
    whist_free(first);
}

/* Nodes that the outputs need, one byte each; NULL without memory. */
static uint8_t *find_live(const struct lower *l)
{
    const struct whist_builder *b = l->b;
    uint8_t *live = whist_zalloc(b->n_nodes, 1);

    for (size_t i = 0; live != NULL && i < l->n_outputs; i++) {
        live[l->outputs[i] >> 1] = 1;
    }
    for (size_t i = b->n_nodes; live != NULL && i-- > (size_t)b->n_leaves + 1;) {
        if (live[i] != 0) {
            live[b->nodes[i].a] = 1;
            live[b->nodes[i].b] = 1;
        }
    }
    return live;
}

static void count_marks(const struct lower *l, const struct marks *m, const uint8_t *live,
                        cost_visit visit, void *ctx)
{
    const struct whist_builder *b = l->b;

    for (size_t k = 0; k < m->n; k++) {
        size_t end = k + 1 < m->n ? m->v[k + 1].first : b->n_nodes;
        uint64_t n_ands = 0, n_gates = 0;
        for (size_t i = m->v[k].first; i < end; i++) {
            n_gates += live[i];
            n_ands += live[i] != 0 && b->nodes[i].a < b->nodes[i].b;
        }
        if (n_gates != 0) {
            visit(ctx, m->v[k].place, n_ands, n_gates);
        }
    }
}

whist_status cost_walk(const struct word_program *program, cost_visit visit, void *ctx,
                       struct whist_error *err)
{
    struct marks marks = {0};
    struct lower l = {.note = add_mark, .note_ctx = &marks};
    uint8_t *live = NULL;

    TRY(whist_builder_new(&l.b, err));
    lower_inputs(&l, program);
    lower_segment(&l, program);
    if (builder_ok(l.b) && marks.status == WHIST_OK) {
        rewrite(&l, &marks);
    }
    whist_status st = l.b->status != WHIST_OK ? l.b->status : marks.status;
    if (st == WHIST_OK) {
        live = find_live(&l);
        st = live == NULL ? WHIST_ERR_NOMEM : WHIST_OK;
    }
    if (st == WHIST_OK) {
        count_marks(&l, &marks, live, visit, ctx);
    }
    whist_free(live);
    whist_free(marks.v);
    lower_clear(&l);
    return st == WHIST_OK ? st
                          : whist_fail(err, st, WHIST_NO_PEER, "cost", "%s",
                                       st == WHIST_ERR_NOMEM ? "out of memory for the circuit"
                                                             : "the circuit is too large");
}

/* ---- By line ---- */

struct table {
    const struct whist_program *p;
    uint64_t (*lines)[2]; /* by line: ANDs, all gates; 0: no line */
};

static void add_place(void *ctx, uint32_t place, uint64_t n_ands, uint64_t n_gates)
{
    struct table *t = ctx;
    uint32_t line = 0, column;

    if (place != LOWER_NO_PLACE) {
        lang_position(t->p->unit, place, &line, &column);
    }
    t->lines[line][0] += n_ands;
    t->lines[line][1] += n_gates;
}

/* The function that the line is in: the last that begins before its end. */
static struct whist_bytes fn_of_line(const struct lang_unit *unit, uint32_t line)
{
    const struct lang_fn *found = NULL;
    uint32_t at, column;

    for (uint32_t i = 0; i < unit->n_fns; i++) {
        lang_position(unit, unit->fns[i]->span.from, &at, &column);
        found = at <= line ? unit->fns[i] : found;
    }
    return found == NULL || line == 0 ? whist_bytes(NULL, 0)
                                      : whist_bytes(found->name->text, found->name->len);
}

static whist_status give_lines(const struct table *t, struct whist_cost **costs_out, size_t *n_out)
{
    size_t n = 0, n_lines = (size_t)t->p->unit->n_lines + 1;
    struct whist_cost *costs = whist_alloc(n_lines, sizeof *costs);

    if (costs == NULL) {
        return WHIST_ERR_NOMEM;
    }
    for (size_t i = 0; i < n_lines; i++) {
        if (t->lines[i][1] != 0) {
            costs[n++] = (struct whist_cost){.line = (uint32_t)i,
                                             .fn = fn_of_line(t->p->unit, (uint32_t)i),
                                             .n_ands = t->lines[i][0],
                                             .n_gates = t->lines[i][1]};
        }
    }
    *costs_out = costs;
    *n_out = n;
    return WHIST_OK;
}

whist_status whist_program_costs(const struct whist_program *p, struct whist_cost **costs_out,
                                 size_t *n_out, struct whist_error *err)
{
    WHIST_REQUIRE(p->bound && !p->described);
    struct word_program whole = {0};
    struct table t = {.p = p};
    whist_status st = WHIST_OK;

    t.lines = whist_zalloc((size_t)p->unit->n_lines + 1, sizeof *t.lines);
    if (t.lines == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "cost", "out of memory");
    }
    if (p->n_segments > 1) {
        st = program_run(p, NULL, &whole, err);
    }
    if (st == WHIST_OK) {
        st = cost_walk(p->n_segments > 1 ? &whole : &p->words, add_place, &t, err);
    }
    if (st == WHIST_OK && give_lines(&t, costs_out, n_out) != WHIST_OK) {
        st = whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "cost", "out of memory");
    }
    word_clear(&whole);
    whist_free(t.lines);
    return st;
}

void whist_program_costs_free(struct whist_cost *costs)
{
    whist_free(costs);
}
