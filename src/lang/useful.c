/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Exhaustiveness and usefulness of patterns (Maranget, Warnings for pattern matching, 2007), with
 * numbers split at the ends of ranges. Work is bounded by fuel, depth by MAX_DEPTH. */
#include "lang/check.h"

#include <stdio.h>

#define MAX_DEPTH 2000

typedef const struct lang_pattern *cell; /* NULL: matches everything */

struct matrix {
    uint32_t n_rows, n_cols;
    const struct lang_type **types; /* of the columns */
    cell **rows;
};

struct search {
    uint64_t fuel;
    uint32_t depth;
    bool gave_up;
    char pool[4096]; /* texts of the witness */
    size_t n_pool;
};

/* Ways to be a value of the first column's type. */
struct ctor {
    enum { CTOR_RANGE, CTOR_VARIANT, CTOR_SINGLE } kind;
    uint64_t lo, hi; /* RANGE, in the order of the type */
    uint32_t variant;
};

static bool search(struct search *x, const struct matrix *m, const cell *q, const char **wit);

static bool burn(struct search *x, uint64_t n)
{
    if (x->gave_up || x->fuel < n) {
        x->gave_up = true;
        return false;
    }
    x->fuel -= n;
    return true;
}

/* Memory for the search, freed by whist_free; gives up without. */
static void *take(struct search *x, size_t count, size_t size)
{
    void *p = burn(x, count) ? whist_zalloc(count + 1, size) : NULL;

    if (p == NULL) {
        x->gave_up = true;
    }
    return p;
}

static cell simple(cell p)
{
    return p == NULL || p->irrefutable ? NULL : p;
}

/* ---- Order of values ---- */

/* Numbers as unsigned ones in the order of the type. */
static uint64_t ordered(const struct lang_type *t, uint64_t bits)
{
    return lang_is_signed(t) ? bits ^ (uint64_t)1 << 63 : bits;
}

static uint64_t first_value(const struct lang_type *t)
{
    return t->kind == TYPE_BOOL ? 0 : ordered(t, 0 - lang_max_magnitude(t->kind, true));
}

static uint64_t last_value(const struct lang_type *t)
{
    return t->kind == TYPE_BOOL ? 1 : ordered(t, lang_max_magnitude(t->kind, false));
}

/* ---- Witness ---- */

/* A copy of the text in the pool; "_" when that is full. */
static const char *keep(struct search *x, const char *text)
{
    size_t len = strlen(text) + 1;
    char *copy = x->pool + x->n_pool;

    if (len > sizeof(x->pool) - x->n_pool) {
        return NULL;
    }
    memcpy(copy, text, len);
    x->n_pool += len;
    return copy;
}

static void append(char *buf, size_t size, const char *text)
{
    size_t len = strlen(buf), n = strlen(text);

    if (n < size - len) {
        memcpy(buf + len, text, n + 1);
    }
}

static void append_value(char *buf, size_t size, const struct lang_type *t, uint64_t value)
{
    char text[32];
    uint64_t bits = ordered(t, value);

    if (t->kind == TYPE_BOOL) {
        append(buf, size, value != 0 ? "true" : "false");
    } else if (lang_is_signed(t)) {
        snprintf(text, sizeof(text), "%lld", (long long)bits);
        append(buf, size, text);
    } else {
        snprintf(text, sizeof(text), "%llu", (unsigned long long)bits);
        append(buf, size, text);
    }
}

static uint32_t arity(const struct lang_type *t, const struct ctor *k)
{
    if (k->kind == CTOR_RANGE) {
        return 0;
    }
    if (k->kind == CTOR_VARIANT) {
        return t->enm->variants[k->variant].n_fields;
    }
    return t->kind == TYPE_STRUCT ? t->strct->n_fields : t->n_parts;
}

/* The text of a value made by k. wit: of the n_used fields that are listed in used. */
static const char *witness_text(struct search *x, const struct lang_type *t, const struct ctor *k,
                                const uint32_t *used, uint32_t n_used, const char **wit)
{
    char buf[160] = "", name[64];
    uint32_t n = arity(t, k), shown = n > 12 ? 12 : n, next = 0;
    bool strct = t->kind == TYPE_STRUCT;

    if (k->kind == CTOR_RANGE) {
        append_value(buf, sizeof(buf), t, k->lo);
        if (k->lo != k->hi) {
            append(buf, sizeof(buf), "..=");
            append_value(buf, sizeof(buf), t, k->hi);
        }
        return keep(x, buf);
    }
    if (k->kind == CTOR_VARIANT) {
        snprintf(buf, sizeof(buf), "%.30s%.*s::%.*s", "", NAME(t->enm->name),
                 NAME(t->enm->variants[k->variant].name));
        if (n == 0) {
            return keep(x, buf);
        }
    } else if (strct) {
        snprintf(buf, sizeof(buf), "%.*s ", NAME(t->strct->name));
    }
    append(buf, sizeof(buf), strct ? "{ " : "(");
    for (uint32_t i = 0; i < shown; i++) {
        bool here = next < n_used && used[next] == i;

        if (strct && !here) {
            continue;
        }
        if (strct) {
            snprintf(name, sizeof(name), "%.*s: ", NAME(t->strct->fields[i].name));
            append(buf, sizeof(buf), name);
        }
        append(buf, sizeof(buf), here && wit[next] != NULL ? wit[next] : "_");
        next += here;
        append(buf, sizeof(buf), strct || i + 1 < n ? ", " : "");
    }
    append(buf, sizeof(buf), strct ? ".. }" : shown < n ? "...)" : ")");
    return keep(x, buf);
}

/* ---- Specialisation ---- */

static bool has_ctor(cell p, const struct lang_type *t, const struct ctor *k)
{
    switch (k->kind) {
    case CTOR_RANGE:
        return ordered(t, p->lo) <= k->lo && k->hi <= ordered(t, p->hi);
    case CTOR_VARIANT:
        return p->variant == k->variant;
    default:
        return true;
    }
}

/* Number of the field that sub i of p is about. */
static uint32_t field_of(cell p, uint32_t i)
{
    return p->kind == PAT_STRUCT ? p->fields[i] : i;
}

/* Which fields of k matter: column + 1 for those; returns how many. */
static uint32_t used_fields(const struct matrix *m, const cell *q, const struct ctor *k,
                            uint32_t *column, uint32_t n)
{
    const struct lang_type *t = m->types[0];
    uint32_t n_used = 0;

    for (uint32_t r = 0; r <= m->n_rows; r++) {
        cell p = r < m->n_rows ? simple(m->rows[r][0]) : q != NULL ? simple(q[0]) : NULL;

        for (uint32_t i = 0; p != NULL && has_ctor(p, t, k) && i < p->n_subs; i++) {
            if (simple(p->subs[i]) != NULL) {
                column[field_of(p, i)] = 1;
            }
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        if (column[i] != 0) {
            column[i] = ++n_used;
        }
    }
    return n_used;
}

static void expand(cell *out, const cell *row, uint32_t n_cols, const uint32_t *column,
                   uint32_t n_used)
{
    cell p = simple(row[0]);

    for (uint32_t i = 0; p != NULL && i < p->n_subs; i++) {
        uint32_t col = column[field_of(p, i)];
        if (col != 0) {
            out[col - 1] = simple(p->subs[i]);
        }
    }
    for (uint32_t i = 1; i < n_cols; i++) {
        out[n_used + i - 1] = row[i];
    }
}

static const struct lang_type *field_type(const struct lang_type *t, const struct ctor *k,
                                          uint32_t i)
{
    return k->kind == CTOR_VARIANT  ? t->enm->variants[k->variant].fields[i]
           : t->kind == TYPE_STRUCT ? t->strct->fields[i].type
                                    : t->parts[i];
}

/* Rows whose first cell takes values of k, without that cell; enough for ranges and for values
 * that no row's constructor makes (k NULL). */
static bool search_rest(struct search *x, const struct matrix *m, const cell *q,
                        const struct ctor *k, const char **wit)
{
    struct matrix rest = {0, m->n_cols - 1, m->types + 1, take(x, m->n_rows, sizeof(cell *))};
    bool found = false;

    for (uint32_t r = 0; rest.rows != NULL && r < m->n_rows; r++) {
        cell p = simple(m->rows[r][0]);
        if (p == NULL || (k != NULL && has_ctor(p, m->types[0], k))) {
            rest.rows[rest.n_rows++] = m->rows[r] + 1;
        }
    }
    if (rest.rows != NULL) {
        found = search(x, &rest, q == NULL ? NULL : q + 1, wit + 1);
    }
    whist_free(rest.rows);
    return found;
}

/* The matrix of the fields of a constructor, whose columns come instead of the first. */
struct fields {
    struct matrix m;
    cell *cells, *q;
    uint32_t *column; /* of each field: column + 1, or 0 if it does not matter */
    uint32_t *used;   /* fields that matter, in order */
    uint32_t n_used;
    const char **wit; /* of the columns */
};

static void free_fields(struct fields *s)
{
    whist_free(s->column);
    whist_free(s->used);
    whist_free(s->m.types);
    whist_free(s->m.rows);
    whist_free(s->cells);
    whist_free(s->wit);
}

/* False without memory; what there is is freed by free_fields. */
static bool allocate_fields(struct search *x, struct fields *s, const struct matrix *m,
                            const cell *q, const struct ctor *k)
{
    uint32_t n = arity(m->types[0], k);

    s->column = take(x, n, sizeof(*s->column));
    if (s->column == NULL) {
        return false;
    }
    s->n_used = used_fields(m, q, k, s->column, n);
    s->m.n_cols = s->n_used + m->n_cols - 1;
    s->m.types = take(x, s->m.n_cols, sizeof(*s->m.types));
    s->m.rows = take(x, m->n_rows, sizeof(*s->m.rows));
    s->cells = take(x, ((size_t)m->n_rows + 1) * s->m.n_cols, sizeof(*s->cells));
    s->wit = take(x, s->m.n_cols, sizeof(*s->wit));
    s->used = take(x, s->n_used, sizeof(*s->used));
    return s->m.types != NULL && s->m.rows != NULL && s->cells != NULL && s->wit != NULL &&
           s->used != NULL;
}

static void fill_fields(struct fields *s, const struct matrix *m, const cell *q,
                        const struct ctor *k)
{
    const struct lang_type *t = m->types[0];
    uint32_t n = arity(t, k);

    for (uint32_t i = 0; i < n; i++) {
        if (s->column[i] != 0) {
            s->m.types[s->column[i] - 1] = field_type(t, k, i);
            s->used[s->column[i] - 1] = i;
        }
    }
    for (uint32_t i = 1; i < m->n_cols; i++) {
        s->m.types[s->n_used + i - 1] = m->types[i];
    }
    for (uint32_t r = 0; r < m->n_rows; r++) {
        cell p = simple(m->rows[r][0]);
        if (p == NULL || has_ctor(p, t, k)) {
            cell *row = s->cells + (size_t)s->m.n_rows * s->m.n_cols;
            expand(row, m->rows[r], m->n_cols, s->column, s->n_used);
            s->m.rows[s->m.n_rows++] = row;
        }
    }
    if (q != NULL) {
        s->q = s->cells + (size_t)m->n_rows * s->m.n_cols;
        expand(s->q, q, m->n_cols, s->column, s->n_used);
    }
}

static bool search_fields(struct search *x, const struct matrix *m, const cell *q,
                          const struct ctor *k, const char **wit)
{
    struct fields s = {.n_used = 0};
    bool found = false;

    if (allocate_fields(x, &s, m, q, k)) {
        fill_fields(&s, m, q, k);
        found = search(x, &s.m, s.q, s.wit);
    }
    if (found) {
        wit[0] = witness_text(x, m->types[0], k, s.used, s.n_used, s.wit);
        for (uint32_t i = 1; i < m->n_cols; i++) {
            wit[i] = s.wit[s.n_used + i - 1];
        }
    }
    free_fields(&s);
    return found;
}

/* ---- First columns ---- */

static bool search_variants(struct search *x, const struct matrix *m, const cell *q,
                            const char **wit)
{
    const struct lang_enum *enm = m->types[0]->enm;
    bool *present = take(x, enm->n_variants, sizeof(*present)), found = false;
    struct ctor k = {.kind = CTOR_VARIANT};

    if (present == NULL) {
        return false;
    }
    for (uint32_t r = 0; r < m->n_rows; r++) {
        cell p = simple(m->rows[r][0]);
        if (p != NULL) {
            present[p->variant] = true;
        }
    }
    if (q != NULL && simple(q[0]) != NULL) {
        k.variant = q[0]->variant;
        found = search_fields(x, m, q, &k, wit);
        whist_free(present);
        return found;
    }
    while (k.variant < enm->n_variants && present[k.variant]) {
        k.variant++;
    }
    if (k.variant < enm->n_variants && search_rest(x, m, q, NULL, wit)) {
        wit[0] = witness_text(x, m->types[0], &k, NULL, 0, NULL);
        found = true;
    }
    for (k.variant = 0; !found && !x->gave_up && k.variant < enm->n_variants; k.variant++) {
        found = present[k.variant] && search_fields(x, m, q, &k, wit);
    }
    whist_free(present);
    return found;
}

static int compare_cuts(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Starts of the pieces of [lo, hi] that no range of a row divides, sorted; n_out of them. */
static uint64_t *cut(struct search *x, const struct matrix *m, uint64_t lo, uint64_t hi,
                     size_t *n_out)
{
    uint64_t *cuts = take(x, 2 * (size_t)m->n_rows + 1, sizeof(*cuts));
    size_t n = 1, kept = 1;

    if (cuts == NULL) {
        return NULL;
    }
    cuts[0] = lo;
    for (uint32_t r = 0; r < m->n_rows; r++) {
        cell p = simple(m->rows[r][0]);
        uint64_t from = p == NULL ? lo : ordered(m->types[0], p->lo);
        uint64_t to = p == NULL ? hi : ordered(m->types[0], p->hi);

        if (from > lo && from <= hi) {
            cuts[n++] = from;
        }
        if (to >= lo && to < hi) {
            cuts[n++] = to + 1;
        }
    }
    qsort(cuts, n, sizeof(*cuts), compare_cuts);
    for (size_t i = 1; i < n; i++) {
        if (cuts[i] != cuts[kept - 1]) {
            cuts[kept++] = cuts[i];
        }
    }
    *n_out = kept;
    return cuts;
}

struct interval {
    uint64_t lo, hi;
};

static int compare_intervals(const void *a, const void *b)
{
    return compare_cuts(&((const struct interval *)a)->lo, &((const struct interval *)b)->lo);
}

/* The last column: the first gap between the ranges of the rows. */
static bool find_gap(struct search *x, const struct matrix *m, struct ctor *k)
{
    struct interval *list = take(x, m->n_rows, sizeof(*list));
    uint64_t next = k->lo;
    bool found = false, full = list == NULL;

    for (uint32_t r = 0; !full && r < m->n_rows; r++) {
        cell p = simple(m->rows[r][0]);

        full = p == NULL;
        if (p != NULL) {
            list[r].lo = ordered(m->types[0], p->lo);
            list[r].hi = ordered(m->types[0], p->hi);
        }
    }
    if (!full) {
        uint32_t r = 0;

        qsort(list, m->n_rows, sizeof(*list), compare_intervals);
        for (; r < m->n_rows && list[r].lo <= next && !full; r++) {
            if (list[r].hi >= next) {
                full = list[r].hi >= k->hi;
                next = list[r].hi + 1;
            }
        }
        found = !full;
        k->lo = next;
        if (found && r < m->n_rows && list[r].lo <= k->hi) {
            k->hi = list[r].lo - 1;
        }
    }
    whist_free(list);
    return found;
}

static bool search_numbers(struct search *x, const struct matrix *m, const cell *q,
                           const char **wit)
{
    const struct lang_type *t = m->types[0];
    struct ctor k = {.kind = CTOR_RANGE, .lo = first_value(t), .hi = last_value(t)};
    uint64_t *cuts, last;
    size_t n;
    bool found = false;

    if (q != NULL && simple(q[0]) != NULL) {
        k.lo = ordered(t, q[0]->lo);
        k.hi = ordered(t, q[0]->hi);
    }
    if (m->n_cols == 1) {
        found = find_gap(x, m, &k);
    } else {
        last = k.hi;
        cuts = cut(x, m, k.lo, k.hi, &n);
        for (size_t i = 0; cuts != NULL && i < n && !found && !x->gave_up; i++) {
            k.lo = cuts[i];
            k.hi = i + 1 < n ? cuts[i + 1] - 1 : last;
            found = search_rest(x, m, q, &k, wit);
        }
        whist_free(cuts);
    }
    if (found) {
        wit[0] = witness_text(x, t, &k, NULL, 0, NULL);
    }
    return found;
}

/* Whether there are values that q (NULL: everything) matches and no row does; wit: texts of an
 * example, NULL for any value. */
static bool search(struct search *x, const struct matrix *m, const cell *q, const char **wit)
{
    struct ctor single = {.kind = CTOR_SINGLE};
    bool found, idle;

    if (m->n_rows == 0) {
        return true;
    }
    if (m->n_cols == 0 || !burn(x, m->n_rows)) {
        return false;
    }
    idle = q == NULL || simple(q[0]) == NULL;
    for (uint32_t r = 0; r < m->n_rows && idle; r++) {
        idle = simple(m->rows[r][0]) == NULL;
    }
    if (x->depth++ >= MAX_DEPTH) {
        x->gave_up = true;
        return false;
    }
    if (idle) {
        found = search_rest(x, m, q, NULL, wit);
    } else if (m->types[0]->kind == TYPE_ENUM) {
        found = search_variants(x, m, q, wit);
    } else if (m->types[0]->kind == TYPE_TUPLE || m->types[0]->kind == TYPE_STRUCT) {
        found = search_fields(x, m, q, &single, wit);
    } else {
        found = search_numbers(x, m, q, wit);
    }
    x->depth--;
    return found;
}

/* ---- Questions ---- */

static bool ask(struct search *x, const struct lang_type *type,
                struct lang_pattern *const *patterns, uint32_t n, const cell *q, const char **wit)
{
    cell *cells = take(x, n, sizeof(*cells)), **rows = take(x, n, sizeof(*rows));
    struct matrix m = {n, 1, &type, rows};
    bool found = false;

    for (uint32_t i = 0; cells != NULL && rows != NULL && i < n; i++) {
        cells[i] = patterns[i];
        rows[i] = &cells[i];
    }
    if (cells != NULL && rows != NULL) {
        found = search(x, &m, q, wit);
    }
    whist_free(cells);
    whist_free(rows);
    return found;
}

bool patterns_incomplete(uint64_t *fuel, const struct lang_type *type,
                         struct lang_pattern *const *patterns, uint32_t n, char *witness,
                         size_t len, bool *gave_up)
{
    struct search x = {.fuel = *fuel};
    const char *wit[1] = {NULL};
    bool found = ask(&x, type, patterns, n, NULL, wit);

    *fuel = x.fuel;
    *gave_up = x.gave_up;
    snprintf(witness, len, "%s", wit[0] != NULL ? wit[0] : "_");
    return found && !x.gave_up;
}

bool patterns_last_useful(uint64_t *fuel, const struct lang_type *type,
                          struct lang_pattern *const *patterns, uint32_t n, bool *gave_up)
{
    struct search x = {.fuel = *fuel};
    const char *wit[1] = {NULL};
    cell q = patterns[n - 1];
    bool found = ask(&x, type, patterns, n - 1, &q, wit);

    *fuel = x.fuel;
    *gave_up = x.gave_up;
    return found || x.gave_up;
}
