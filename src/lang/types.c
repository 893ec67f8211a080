/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Types and sizes of arrays, interned: equal ones are one object. */
#include "lang/front.h"

#include <stdio.h>

struct lang_types {
    struct lang_type **buckets; /* chains; cap a power of two */
    struct lang_size **size_buckets;
    uint32_t cap, size_cap;
    uint32_t cap_types, cap_sizes; /* of unit->types and unit->sizes */
};

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * 0x9e3779b97f4a7c15U;
    return h ^ h >> 29;
}

/* A copy of a list of n pointers in twice the capacity. */
static void *grow_list(struct front *f, void *list, uint32_t n, uint32_t *cap)
{
    void **grown;

    *cap = n == 0 ? 64 : n * 2;
    grown = front_array(f, *cap, sizeof(*grown));
    if (n > 0) {
        memcpy(grown, list, n * sizeof(*grown));
    }
    return grown;
}

/* ---- Sizes ---- */

static uint64_t hash_cexpr(const struct lang_cexpr *e)
{
    uint64_t h = mix(e->kind, e->n_args);

    if (e->kind == CEXPR_INT) {
        h = mix(h, e->value + e->negative);
    } else if (e->kind == CEXPR_CONST || e->kind == CEXPR_PARTY) {
        h = mix(h, e->name->id);
    }
    for (uint32_t i = 0; i < e->n_args; i++) {
        h = mix(h, hash_cexpr(e->args[i]));
    }
    return h;
}

static bool same_cexpr(const struct lang_cexpr *a, const struct lang_cexpr *b)
{
    if (a == b) {
        return true;
    }
    if (a->kind != b->kind || a->n_args != b->n_args || a->ref != b->ref || a->name != b->name ||
        a->party != b->party || a->value != b->value || a->negative != b->negative) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_args; i++) {
        if (!same_cexpr(a->args[i], b->args[i])) {
            return false;
        }
    }
    return true;
}

static uint64_t hash_size(const struct lang_size *s)
{
    switch (s->kind) {
    case SIZE_NUMBER:
        return mix(1, s->n);
    case SIZE_CONST:
        return mix(2, s->ref->name->id);
    default:
        return mix(3, hash_cexpr(s->expr));
    }
}

static bool same_size(const struct lang_size *a, const struct lang_size *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    return a->kind == SIZE_NUMBER  ? a->n == b->n
           : a->kind == SIZE_CONST ? a->ref == b->ref
                                   : same_cexpr(a->expr, b->expr);
}

static void rehash_sizes(struct front *f, struct lang_types *t)
{
    t->size_cap = t->size_cap == 0 ? 64 : t->size_cap * 2;
    t->size_buckets = front_array(f, t->size_cap, sizeof(struct lang_size *));
    for (uint32_t i = 0; i < f->unit->n_sizes; i++) {
        struct lang_size *s = f->unit->sizes[i];
        uint64_t at = hash_size(s) & (t->size_cap - 1);

        s->next = t->size_buckets[at];
        t->size_buckets[at] = s;
    }
}

static struct lang_size *intern_size(struct front *f, const struct lang_size *wanted)
{
    struct lang_unit *u = f->unit;
    struct lang_types *t = u->table;
    struct lang_size *s;
    uint64_t at;

    if (u->n_sizes >= t->size_cap) {
        rehash_sizes(f, t);
    }
    at = hash_size(wanted) & (t->size_cap - 1);
    for (s = t->size_buckets[at]; s != NULL; s = s->next) {
        if (same_size(s, wanted)) {
            return s;
        }
    }
    if (u->n_sizes == t->cap_sizes) {
        u->sizes = grow_list(f, u->sizes, u->n_sizes, &t->cap_sizes);
    }
    s = front_alloc(f, sizeof(*s));
    *s = *wanted;
    s->id = u->n_sizes;
    s->next = t->size_buckets[at];
    t->size_buckets[at] = s;
    u->sizes[u->n_sizes++] = s;
    return s;
}

struct lang_size *front_size_number(struct front *f, uint64_t n)
{
    struct lang_size s = {.kind = SIZE_NUMBER, .n = n};

    return intern_size(f, &s);
}

struct lang_size *front_size_const(struct front *f, struct lang_const *ref)
{
    struct lang_size s = {.kind = SIZE_CONST, .ref = ref};

    return intern_size(f, &s);
}

/* Counts the nodes; whether a const or a value from outside occurs. */
static bool measure(struct lang_cexpr *e)
{
    uint64_t nodes = 1;
    bool open = e->kind == CEXPR_CONST || e->kind == CEXPR_PARTY;

    for (uint32_t i = 0; i < e->n_args; i++) {
        open |= e->args[i]->nodes > LANG_MAX_TYPE_NODES || measure(e->args[i]);
        nodes += e->args[i]->nodes;
    }
    e->nodes = nodes > LANG_MAX_TYPE_NODES ? LANG_MAX_TYPE_NODES + 1 : (uint32_t)nodes;
    return open;
}

struct lang_size *front_size_expr(struct front *f, struct lang_cexpr *expr)
{
    struct lang_size s = {.kind = SIZE_EXPR, .expr = expr};
    bool open = measure(expr), ignored = false;
    lang_wide value;

    if (expr->nodes > LANG_MAX_TYPE_NODES || expr->height > LANG_MAX_DEPTH) {
        f->too_large = true;
        return front_size_number(f, 0);
    }
    if (expr->kind == CEXPR_CONST) {
        return front_size_const(f, (struct lang_const *)expr->ref);
    }
    if (!open && lang_cexpr_value(expr, &value, &ignored) && value >= 0 && value <= UINT32_MAX) {
        return front_size_number(f, (uint64_t)value);
    }
    return intern_size(f, &s);
}

/* ---- Types ---- */

static uint64_t hash_type(const struct lang_type *t)
{
    uint64_t h = mix(t->kind, t->n_parts);

    switch (t->kind) {
    case TYPE_TUPLE:
        for (uint32_t i = 0; i < t->n_parts; i++) {
            h = mix(h, t->parts[i]->id);
        }
        return h;
    case TYPE_ARRAY:
        return mix(mix(h, t->elem->id), t->size->id);
    case TYPE_STRUCT:
        return mix(h, t->strct->name->id);
    case TYPE_ENUM:
        return mix(h, t->enm->name->id);
    default:
        return mix(h, t->var);
    }
}

static bool same_type(const struct lang_type *a, const struct lang_type *b)
{
    if (a->kind != b->kind || a->n_parts != b->n_parts || a->elem != b->elem ||
        a->size != b->size || a->strct != b->strct || a->enm != b->enm || a->var != b->var) {
        return false;
    }
    for (uint32_t i = 0; i < a->n_parts; i++) {
        if (a->parts[i] != b->parts[i]) {
            return false;
        }
    }
    return true;
}

static void rehash_types(struct front *f, struct lang_types *t)
{
    t->cap = t->cap == 0 ? 256 : t->cap * 2;
    t->buckets = front_array(f, t->cap, sizeof(struct lang_type *));
    for (uint32_t i = 0; i < f->unit->n_types; i++) {
        struct lang_type *type = f->unit->types[i];
        uint64_t at = hash_type(type) & (t->cap - 1);

        type->next = t->buckets[at];
        t->buckets[at] = type;
    }
}

static void measure_type(struct lang_type *t)
{
    uint64_t nodes = 1;
    unsigned height = 0;

    if (t->elem != NULL) {
        nodes += t->elem->nodes;
        height = t->elem->height;
        t->open = t->elem->open;
        t->bad = t->elem->bad;
    }
    for (uint32_t i = 0; i < t->n_parts; i++) {
        nodes += t->parts[i]->nodes;
        height = t->parts[i]->height > height ? t->parts[i]->height : height;
        t->open |= t->parts[i]->open;
        t->bad |= t->parts[i]->bad;
    }
    t->nodes = nodes > UINT32_MAX ? UINT32_MAX : (uint32_t)nodes;
    t->height = (uint16_t)(height + 1);
    t->open |= t->kind == TYPE_VAR;
    t->bad |= t->kind == TYPE_ERROR;
}

static const struct lang_type *intern_type(struct front *f, struct lang_type *wanted)
{
    struct lang_unit *u = f->unit;
    struct lang_types *t = u->table;
    struct lang_type *type;
    uint64_t at;

    if (u->n_types >= t->cap) {
        rehash_types(f, t);
    }
    at = hash_type(wanted) & (t->cap - 1);
    for (type = t->buckets[at]; type != NULL; type = type->next) {
        if (same_type(type, wanted)) {
            return type;
        }
    }
    measure_type(wanted);
    if (wanted->nodes > LANG_MAX_TYPE_NODES || wanted->height > LANG_MAX_DEPTH) {
        f->too_large = true;
        return u->error_type;
    }
    if (u->n_types == t->cap_types) {
        u->types = grow_list(f, u->types, u->n_types, &t->cap_types);
    }
    type = front_alloc(f, sizeof(*type));
    *type = *wanted;
    if (type->n_parts > 0) {
        type->parts = front_array(f, type->n_parts, sizeof(*type->parts));
        memcpy(type->parts, wanted->parts, type->n_parts * sizeof(*type->parts));
    }
    type->id = u->n_types;
    type->next = t->buckets[at];
    t->buckets[at] = type;
    u->types[u->n_types++] = type;
    return type;
}

const struct lang_type *front_scalar(const struct front *f, lang_type_kind kind)
{
    return f->unit->scalars[kind];
}

const struct lang_type *front_tuple(struct front *f, const struct lang_type **parts, uint32_t n)
{
    struct lang_type t = {.kind = TYPE_TUPLE, .parts = parts, .n_parts = n};

    return intern_type(f, &t);
}

const struct lang_type *front_array_of(struct front *f, const struct lang_type *elem,
                                       struct lang_size *size)
{
    struct lang_type t = {.kind = TYPE_ARRAY, .elem = elem, .size = size};

    return intern_type(f, &t);
}

const struct lang_type *front_var_type(struct front *f, uint32_t var)
{
    struct lang_type t = {.kind = TYPE_VAR, .var = var};

    return intern_type(f, &t);
}

const struct lang_type *front_named(struct front *f, struct lang_struct *strct,
                                    struct lang_enum *enm)
{
    struct lang_type t = {
        .kind = strct != NULL ? TYPE_STRUCT : TYPE_ENUM, .strct = strct, .enm = enm};

    return intern_type(f, &t);
}

void front_types_init(struct front *f)
{
    static const uint8_t bits[] = {1, 8, 16, 32, 64, 32, 8, 16, 32, 64};
    struct lang_unit *u = f->unit;
    struct lang_type error = {.kind = TYPE_ERROR};

    u->table = front_alloc(f, sizeof(*u->table));
    u->error_type = intern_type(f, &error);
    for (int kind = TYPE_BOOL; kind <= TYPE_I64; kind++) {
        struct lang_type t = {.kind = (lang_type_kind)kind, .bits = bits[kind], .cells = 1};
        u->scalars[kind] = intern_type(f, &t);
    }
    u->unit_type = front_tuple(f, NULL, 0);
}

/* ---- As text ---- */

struct text {
    char buf[240];
    size_t len;
    bool full;
};

static void put(struct text *t, const char *s, size_t n)
{
    if (t->full || n > sizeof(t->buf) - 4 - t->len) {
        if (!t->full) {
            memcpy(t->buf + t->len, "...", 3);
            t->len += 3;
        }
        t->full = true;
        return;
    }
    memcpy(t->buf + t->len, s, n);
    t->len += n;
}

static void put_string(struct text *t, const char *s)
{
    put(t, s, strlen(s));
}

static void put_cexpr(struct text *t, const struct lang_cexpr *e)
{
    char number[24];

    if (t->full) {
        return;
    }
    switch (e->kind) {
    case CEXPR_BOOL:
        put_string(t, e->value != 0 ? "true" : "false");
        break;
    case CEXPR_INT:
        snprintf(number, sizeof(number), "%s%llu", e->negative ? "-" : "",
                 (unsigned long long)e->value);
        put_string(t, number);
        break;
    case CEXPR_PARTY:
        put(t, e->party->text, e->party->len);
        put_string(t, "::");
        put(t, e->name->text, e->name->len);
        break;
    case CEXPR_CONST:
        put(t, e->name->text, e->name->len);
        break;
    default:
        put_string(t, e->kind == CEXPR_MAX ? "max(" : e->kind == CEXPR_MIN ? "min(" : "");
        for (uint32_t i = 0; i < e->n_args && !t->full; i++) {
            put_string(t, i == 0                 ? ""
                          : e->kind == CEXPR_ADD ? " + "
                          : e->kind == CEXPR_SUB ? " - "
                                                 : ", ");
            put_cexpr(t, e->args[i]);
        }
        put_string(t, e->kind == CEXPR_MAX || e->kind == CEXPR_MIN ? ")" : "");
    }
}

static void put_size(struct text *t, const struct lang_size *s)
{
    char number[24];

    switch (s->kind) {
    case SIZE_NUMBER:
        snprintf(number, sizeof(number), "%llu", (unsigned long long)s->n);
        put_string(t, number);
        break;
    case SIZE_CONST:
        put(t, s->ref->name->text, s->ref->name->len);
        break;
    default:
        put_string(t, "const { ");
        put_cexpr(t, s->expr);
        put_string(t, " }");
    }
}

static void put_type(struct text *t, const struct lang_type *type)
{
    if (t->full) {
        return;
    }
    switch (type->kind) {
    case TYPE_TUPLE:
        put_string(t, "(");
        for (uint32_t i = 0; i < type->n_parts && !t->full; i++) {
            put_string(t, i == 0 ? "" : ", ");
            put_type(t, type->parts[i]);
        }
        put_string(t, ")");
        break;
    case TYPE_ARRAY:
        put_string(t, "[");
        put_type(t, type->elem);
        put_string(t, "; ");
        put_size(t, type->size);
        put_string(t, "]");
        break;
    case TYPE_STRUCT:
        put(t, type->strct->name->text, type->strct->name->len);
        break;
    case TYPE_ENUM:
        put(t, type->enm->name->text, type->enm->name->len);
        break;
    case TYPE_VAR:
        put_string(t, "integer");
        break;
    case TYPE_ERROR:
        put_string(t, "?");
        break;
    default:
        put_string(t, lang_scalar_name(type->kind));
    }
}

const char *lang_type_text(struct lang_unit *unit, const struct lang_type *type)
{
    struct text t = {.len = 0};
    char *copy;

    if (type->kind <= TYPE_I64) {
        return lang_scalar_name(type->kind);
    }
    put_type(&t, type);
    copy = lang_arena_try(unit->arena, t.len + 1);
    if (copy == NULL) {
        return "?";
    }
    memcpy(copy, t.buf, t.len);
    return copy;
}
