/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The checker: definitions, recursion, what is unused; and the words of its errors. */
#include "lang/check.h"

/* ---- Errors ---- */

const char *check_text(struct checker *c, const struct lang_type *t)
{
    t = infer_prune(c, t);
    return t->kind == TYPE_VAR ? "an integer" : lang_type_text(c->u, t);
}

void check_unexpected(struct checker *c, struct lang_span span, const struct lang_type *want,
                      const struct lang_type *found, const struct why *why)
{
    const char *wanted = check_text(c, want);
    struct lang_diag *d;

    if (want->bad || found->bad) {
        return;
    }
    d = lang_report(c->u, DIAG_UnexpectedType, span, "expected %s, found %s", wanted,
                    check_text(c, found));
    lang_diag_label(c->u, d, "expected %s", wanted);
    if (why != NULL && why->text != NULL) {
        lang_diag_also(c->u, d, why->span, "%s", why->text);
    }
    want = infer_prune(c, want);
    found = infer_prune(c, found);
    if ((lang_is_integer(want) || want->kind == TYPE_BOOL) &&
        (lang_is_integer(found) || found->kind == TYPE_BOOL)) {
        if (want->kind == TYPE_BOOL) {
            lang_diag_help(c->u, d, "compare it: `!= 0`");
        } else {
            lang_diag_help(c->u, d, "convert it with `as %s`", wanted);
        }
    } else if (want->kind == TYPE_ARRAY && found->kind == TYPE_ARRAY &&
               infer_prune(c, want->elem) == infer_prune(c, found->elem)) {
        lang_diag_help(c->u, d,
                       "sizes are equal if they are written alike: as the same number, "
                       "const or const { ... }");
    }
}

/* Edit distance of two names of at most 30 bytes, up to a limit. */
static uint32_t distance(const struct lang_name *a, const struct lang_name *b, uint32_t limit)
{
    uint8_t row[32];

    if (a->len > 30 || b->len > 30) {
        return limit;
    }
    for (uint32_t j = 0; j <= b->len; j++) {
        row[j] = (uint8_t)j;
    }
    for (uint32_t i = 1; i <= a->len; i++) {
        uint8_t diagonal = row[0];

        row[0] = (uint8_t)i;
        for (uint32_t j = 1; j <= b->len; j++) {
            uint8_t best = (uint8_t)(diagonal + (a->text[i - 1] != b->text[j - 1]));

            best = row[j] < best ? (uint8_t)(row[j] + 1) : best;
            best = row[j - 1] < best ? (uint8_t)(row[j - 1] + 1) : best;
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b->len] < limit ? row[b->len] : limit;
}

void check_candidate(struct candidates *all, const struct lang_name *name)
{
    uint32_t d = distance(all->wanted, name, all->distance);

    /* Short names are all alike. */
    if (d < all->distance && d * 2 <= all->wanted->len) {
        all->best = name;
        all->distance = d;
    }
}

void check_suggest(struct checker *c, struct lang_diag *d, const struct candidates *all)
{
    if (all->best != NULL) {
        lang_diag_help(c->u, d, "did you mean `%.*s`?", NAME(all->best));
    }
}

void *check_grow(struct front *f, void *list, uint32_t n, uint32_t *cap, size_t size)
{
    void *grown;

    if (n < *cap) {
        return list;
    }
    *cap = n == 0 ? 16 : n * 2;
    grown = front_array(f, *cap, size);
    if (n > 0) {
        memcpy(grown, list, n * size);
    }
    return grown;
}

/* ---- Definitions ---- */

static void duplicate(struct checker *c, const struct lang_name *name, struct lang_span second,
                      struct lang_span first)
{
    struct lang_diag *d =
        lang_report(c->u, DIAG_DuplicateDefinition, second, "`%.*s` is defined twice", NAME(name));

    lang_diag_label(c->u, d, "again here");
    lang_diag_also(c->u, d, first, "first here");
}

static void declare_types(struct checker *c)
{
    for (uint32_t i = 0; i < c->u->n_structs; i++) {
        struct lang_struct *s = c->u->structs[i];
        struct global *g = &c->globals[s->name->id];

        if (g->strct != NULL) {
            duplicate(c, s->name, s->span, g->strct->span);
        } else {
            g->strct = s;
        }
        s->type = front_named(c->f, s, NULL);
    }
    for (uint32_t i = 0; i < c->u->n_enums; i++) {
        struct lang_enum *e = c->u->enums[i];
        struct global *g = &c->globals[e->name->id];

        if (g->strct != NULL || g->enm != NULL) {
            struct lang_span other = g->enm != NULL ? g->enm->span : g->strct->span;
            bool later = other.from > e->span.from;
            duplicate(c, e->name, later ? other : e->span, later ? e->span : other);
        } else {
            g->enm = e;
        }
        e->type = front_named(c->f, NULL, e);
    }
}

static void declare(struct checker *c)
{
    declare_types(c);
    for (uint32_t i = 0; i < c->u->n_consts; i++) {
        struct lang_const *k = c->u->consts[i];
        struct global *g = &c->globals[k->name->id];

        k->type = c->u->error_type;
        if (g->constant != NULL) {
            duplicate(c, k->name, k->span, g->constant->span);
            k->used = true;
        } else {
            g->constant = k;
        }
    }
    for (uint32_t i = 0; i < c->u->n_fns; i++) {
        struct lang_fn *fn = c->u->fns[i];
        struct global *g = &c->globals[fn->name->id];

        fn->index = i;
        if (g->fn != NULL) {
            duplicate(c, fn->name, fn->span, g->fn->span);
            fn->called = true;
        } else {
            g->fn = fn;
        }
    }
}

static void check_signature(struct checker *c, struct lang_fn *fn)
{
    for (uint32_t i = 0; i < fn->n_params; i++) {
        struct lang_param *p = &fn->params[i];

        p->local = front_alloc(c->f, sizeof(*p->local));
        p->local->name = p->name;
        p->local->span = p->span;
        p->local->slot = i;
        p->local->mut = p->mut;
        p->local->param = true;
        p->local->type = check_typeref(c, p->given);
    }
    fn->result = check_typeref(c, fn->given);
    if (fn->pub && fn->n_params == 0) {
        struct lang_diag *d =
            lang_report(c->u, DIAG_PubFnWithoutParams, fn->span,
                        "the pub function `%.*s` has no parameters", NAME(fn->name));
        lang_diag_label(c->u, d, "needs a parameter");
        lang_diag_help(c->u, d, "every parameter is the input of a party");
    }
}

/* ---- Graphs ---- */

/* Who needs whom: functions that call, types that contain. Edges in order of their start. */
struct edge {
    uint32_t from, to;
    struct lang_span span;
};

struct graph {
    uint32_t n;
    uint32_t *first; /* edges of node i: first[i] … first[i + 1] - 1 */
    struct edge *edges;
    uint32_t n_edges, cap_edges;
    uint32_t *order; /* out: nodes, those that are needed first */
    uint8_t *state;  /* 0 new, 1 on the path, 2 done */
};

static void add_edge(struct checker *c, struct graph *g, uint32_t from, uint32_t to,
                     struct lang_span span)
{
    g->edges = check_grow(c->f, g->edges, g->n_edges, &g->cap_edges, sizeof(*g->edges));
    g->edges[g->n_edges].from = from;
    g->edges[g->n_edges].to = to;
    g->edges[g->n_edges++].span = span;
}

typedef void cycle_fn(struct checker *c, const struct graph *g, const uint32_t *path, uint32_t len);

/* Where a walk is: the edges taken from its start, the next edge of each node. */
struct walk {
    uint32_t *path, *at;
    uint32_t len, node;
    uint32_t n_order;
};

static void index_edges(struct checker *c, struct graph *g)
{
    g->first = front_array(c->f, (size_t)g->n + 2, sizeof(*g->first));
    for (uint32_t i = 0; i < g->n_edges; i++) {
        g->first[g->edges[i].from + 1]++;
    }
    for (uint32_t i = 0; i < g->n; i++) {
        g->first[i + 1] += g->first[i];
    }
}

/* Takes one edge. One back into the path closes a cycle. */
static void follow(struct checker *c, struct graph *g, struct walk *w, uint32_t edge,
                   cycle_fn *cycle)
{
    uint32_t to = g->edges[edge].to, from = w->len;

    if (g->state[to] == 0) {
        g->state[to] = 1;
        w->path[w->len++] = edge;
        w->node = to;
    } else if (g->state[to] == 1) {
        w->path[w->len] = edge;
        while (from > 0 && g->edges[w->path[from]].from != to) {
            from--;
        }
        cycle(c, g, w->path + from, w->len + 1 - from);
    }
}

static void walk_from(struct checker *c, struct graph *g, struct walk *w, uint32_t start,
                      cycle_fn *cycle)
{
    g->state[start] = 1;
    w->node = start;
    w->len = 0;
    for (;;) {
        if (g->edges != NULL && w->at[w->node] < g->first[w->node + 1]) {
            follow(c, g, w, w->at[w->node]++, cycle);
            continue;
        }
        g->state[w->node] = 2;
        g->order[w->n_order++] = w->node;
        if (w->len == 0) {
            return;
        }
        w->node = g->edges[w->path[--w->len]].from;
    }
}

/* Depth-first, without recursion; calls cycle with the edges of each cycle that is met. */
static void walk_graph(struct checker *c, struct graph *g, cycle_fn *cycle)
{
    struct walk w = {.path = front_array(c->f, (size_t)g->n + 1, sizeof(*w.path)),
                     .at = front_array(c->f, (size_t)g->n + 1, sizeof(*w.at))};

    index_edges(c, g);
    g->order = front_array(c->f, g->n, sizeof(*g->order));
    g->state = front_array(c->f, (size_t)g->n + 1, sizeof(*g->state));
    memcpy(w.at, g->first, g->n * sizeof(*w.at));
    for (uint32_t start = 0; start < g->n; start++) {
        if (g->state[start] == 0) {
            walk_from(c, g, &w, start, cycle);
        }
    }
}

/* ---- Types that contain themselves ---- */

struct named {
    const struct lang_name *name;
    struct lang_span span;
};

static struct named named_at(const struct checker *c, uint32_t i)
{
    const struct lang_unit *u = c->u;
    struct named n;

    if (i < u->n_structs) {
        n.name = u->structs[i]->name;
        n.span = u->structs[i]->span;
    } else {
        n.name = u->enums[i - u->n_structs]->name;
        n.span = u->enums[i - u->n_structs]->span;
    }
    return n;
}

static void report_type_cycle(struct checker *c, const struct graph *g, const uint32_t *path,
                              uint32_t len)
{
    struct named n = named_at(c, g->edges[path[0]].from);
    struct lang_diag *d =
        lang_report(c->u, DIAG_RecursiveType, n.span, "`%.*s` contains itself", NAME(n.name));

    lang_diag_label(c->u, d, "would be infinitely large");
    for (uint32_t i = 0; i < len && i < 5; i++) {
        n = named_at(c, g->edges[path[i]].to);
        lang_diag_also(c->u, d, g->edges[path[i]].span, "contains `%.*s`", NAME(n.name));
    }
}

/* Edges for the structs and enums in a type as written. */
static void type_edges(struct checker *c, struct graph *g, uint32_t from,
                       const struct lang_typeref *ref)
{
    const struct global *of;

    for (uint32_t i = 0; i < ref->n_parts; i++) {
        type_edges(c, g, from, ref->parts[i]);
    }
    if (ref->kind != TYPEREF_NAME) {
        return;
    }
    of = &c->globals[ref->name->id];
    if (lang_integer_named(ref->name->text, ref->name->len) >= 0 ||
        lang_name_is(ref->name, "bool")) {
        return;
    }
    if (of->strct != NULL) {
        add_edge(c, g, from, of->strct->number, ref->span);
    } else if (of->enm != NULL) {
        add_edge(c, g, from, c->u->n_structs + of->enm->number, ref->span);
    }
}

static void order_types(struct checker *c)
{
    struct lang_unit *u = c->u;
    struct graph g = {.n = u->n_structs + u->n_enums};

    for (uint32_t i = 0; i < u->n_structs; i++) {
        u->structs[i]->number = i;
    }
    for (uint32_t i = 0; i < u->n_enums; i++) {
        u->enums[i]->number = i;
    }
    for (uint32_t i = 0; i < u->n_structs; i++) {
        for (uint32_t k = 0; k < u->structs[i]->n_fields; k++) {
            type_edges(c, &g, i, u->structs[i]->fields[k].given);
        }
    }
    for (uint32_t i = 0; i < u->n_enums; i++) {
        for (uint32_t k = 0; k < u->enums[i]->n_variants; k++) {
            const struct lang_variant *v = &u->enums[i]->variants[k];
            for (uint32_t j = 0; j < v->n_fields; j++) {
                type_edges(c, &g, u->n_structs + i, v->given[j]);
            }
        }
    }
    walk_graph(c, &g, report_type_cycle);
    u->type_order = g.order;
}

/* ---- Functions that call themselves ---- */

static void report_call_cycle(struct checker *c, const struct graph *g, const uint32_t *path,
                              uint32_t len)
{
    struct lang_fn *fn = c->u->fns[g->edges[path[0]].from];
    struct lang_diag *d = lang_report(c->u, DIAG_RecursiveFnDef, fn->span,
                                      "the function `%.*s` calls itself", NAME(fn->name));

    lang_diag_label(c->u, d, "calls itself");
    for (uint32_t i = 0; i < len && i < 5; i++) {
        lang_diag_also(c->u, d, g->edges[path[i]].span, "calls `%.*s`",
                       NAME(c->u->fns[g->edges[path[i]].to]->name));
    }
    lang_diag_help(c->u, d, "calls are inlined, so they must end; use a loop");
    for (uint32_t i = 0; i < len; i++) {
        c->u->fns[g->edges[path[i]].from]->called = true;
    }
}

/* Orders the functions, finds what is called from pub functions. */
static void order_functions(struct checker *c)
{
    struct lang_unit *u = c->u;
    struct graph g = {.n = u->n_fns};

    for (uint32_t i = 0; i < c->n_calls; i++) {
        add_edge(c, &g, c->calls[i].from, c->calls[i].to, c->calls[i].span);
    }
    walk_graph(c, &g, report_call_cycle);
    u->order = front_array(c->f, u->n_fns, sizeof(*u->order));
    for (uint32_t i = 0; i < u->n_fns; i++) {
        struct lang_fn *fn = u->order[i] = u->fns[g.order[i]];

        for (uint32_t e = g.first[fn->index]; g.edges != NULL && e < g.first[fn->index + 1]; e++) {
            uint32_t depth = u->fns[g.edges[e].to]->depth + 1;
            fn->depth = depth > fn->depth ? depth : fn->depth;
        }
    }
    for (uint32_t i = u->n_fns; i-- > 0;) { /* callers first */
        struct lang_fn *fn = u->order[i];
        uint32_t end = g.first[fn->index + 1];

        fn->called |= fn->pub;
        for (uint32_t e = g.first[fn->index]; g.edges != NULL && fn->called && e < end; e++) {
            u->fns[g.edges[e].to]->called = true;
        }
    }
}

static void report_unused(struct checker *c)
{
    struct lang_diag *d;

    for (uint32_t i = 0; i < c->u->n_fns; i++) {
        struct lang_fn *fn = c->u->fns[i];

        if (fn->called) {
            continue;
        }
        d = lang_report(c->u, DIAG_UnusedFn, fn->span, "the function `%.*s` is never used",
                        NAME(fn->name));
        lang_diag_label(c->u, d, "no pub function calls it");
        if (lang_name_is(fn->name, "main")) {
            lang_diag_help(c->u, d, "write `pub fn main`");
        } else {
            lang_diag_help(c->u, d, "remove it, or make it `pub`");
        }
    }
    for (uint32_t i = 0; i < c->u->n_consts; i++) {
        struct lang_const *k = c->u->consts[i];

        if (!k->used && !k->bad && k->name->text[0] != '_') {
            d = lang_report(c->u, DIAG_UnusedConst, k->span, "the const `%.*s` is never used",
                            NAME(k->name));
            lang_diag_label(c->u, d, "never used");
        }
    }
}

void front_check(struct front *f)
{
    struct checker c = {.f = f, .u = f->unit, .pattern_fuel = 100000000};
    uint32_t n_names = lang_n_names(f->unit);

    c.globals = front_array(f, n_names, sizeof(*c.globals));
    c.visible = front_array(f, n_names, sizeof(struct lang_local *));
    c.consts_above = f->unit->n_consts;
    f->fuel = 100000000;
    declare(&c);
    check_consts(&c);
    check_layouts(&c);
    order_types(&c);
    for (uint32_t i = 0; i < f->unit->n_fns; i++) {
        check_signature(&c, f->unit->fns[i]);
    }
    for (uint32_t i = 0; i < f->unit->n_fns; i++) {
        check_function(&c, f->unit->fns[i]);
    }
    order_functions(&c);
    report_unused(&c);
    f->unit->checked = lang_n_errors(f->unit) == 0;
}
