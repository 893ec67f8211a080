/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Memory of a unit: an arena, lists under construction, names. */
#include "lang/front.h"

#include <stdarg.h>
#include <stdio.h>

#define CHUNK ((size_t)64 * 1024)

struct chunk {
    struct chunk *next;
    size_t used, cap; /* bytes after the header */
};

struct lang_arena {
    struct chunk *chunks; /* the newest first */
    size_t total, max;    /* bytes */
    bool full;            /* something did not fit below the limit */
};

/* What may be allocated beyond the limit, so that exceeding it can be reported. */
#define RESERVE ((size_t)64 * 1024)

struct lang_arena *lang_arena_new(size_t max_bytes)
{
    struct lang_arena *a = whist_zalloc(1, sizeof(*a));

    if (a != NULL) {
        a->max = max_bytes;
    }
    return a;
}

void lang_arena_free(struct lang_arena *a)
{
    if (a == NULL) {
        return;
    }
    while (a->chunks != NULL) {
        struct chunk *next = a->chunks->next;
        whist_free(a->chunks);
        a->chunks = next;
    }
    whist_free(a);
}

static bool add_chunk(struct lang_arena *a, size_t size)
{
    /* Chunks grow with the arena, so that there are few of them. */
    size_t cap = a->total / 8 > CHUNK ? a->total / 8 : CHUNK;
    struct chunk *c;

    if (cap < size) {
        cap = size;
    }
    if (cap > a->max - a->total) {
        cap = a->max - a->total;
    }
    if (cap < size && !a->full) {
        a->full = true;
        a->max += RESERVE;
        return false;
    }
    if (cap < size || (c = whist_zalloc(1, sizeof(*c) + cap)) == NULL) {
        return false;
    }
    c->cap = cap;
    c->next = a->chunks;
    a->chunks = c;
    a->total += cap;
    return true;
}

void *lang_arena_try(struct lang_arena *a, size_t size)
{
    char *p;

    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size = (size + 15) / 16 * 16;
    if ((a->chunks == NULL || a->chunks->cap - a->chunks->used < size) && !add_chunk(a, size)) {
        return NULL;
    }
    p = (char *)(a->chunks + 1) + a->chunks->used;
    a->chunks->used += size;
    return p;
}

/* ---- What jumps ---- */

void front_fail(struct front *f, whist_status status)
{
    if (f->unit->status == WHIST_OK) {
        f->unit->status = status;
    }
    longjmp(f->failed, 1);
}

void *front_alloc(struct front *f, size_t size)
{
    void *p = lang_arena_try(f->unit->arena, size);

    if (p == NULL) {
        front_fail(f, f->unit->arena->full ? WHIST_ERR_LIMIT : WHIST_ERR_NOMEM);
    }
    return p;
}

void *front_array(struct front *f, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / 2 / size) {
        front_fail(f, WHIST_ERR_NOMEM);
    }
    return front_alloc(f, count * size);
}

const char *front_text(struct front *f, const char *fmt, ...)
{
    char buf[1024], *text;
    va_list args;
    size_t len;

    va_start(args, fmt);
    vsnprintf(buf, sizeof(buf), fmt, args);
    va_end(args);
    len = strlen(buf);
    text = front_alloc(f, len + 1);
    memcpy(text, buf, len + 1);
    return text;
}

void front_push(struct front *f, void *item)
{
    if (f->n_stack == f->cap_stack) {
        size_t cap = f->cap_stack == 0 ? 256 : f->cap_stack * 2;
        void **grown = whist_realloc(f->stack, cap, sizeof(*grown));
        if (grown == NULL) {
            front_fail(f, WHIST_ERR_NOMEM);
        }
        f->stack = grown;
        f->cap_stack = cap;
    }
    f->stack[f->n_stack++] = item;
}

void *front_take(struct front *f, size_t mark, uint32_t *n_out)
{
    size_t n = f->n_stack - mark;
    void *list = NULL;

    if (n > 0) {
        list = front_array(f, n, sizeof(void *));
        memcpy(list, f->stack + mark, n * sizeof(void *));
    }
    f->n_stack = mark;
    *n_out = (uint32_t)n;
    return list;
}

/* ---- Names ---- */

struct lang_names {
    struct lang_name **table; /* open addressing, cap a power of two */
    uint32_t n, cap;
};

static uint32_t hash_text(const char *text, size_t len)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < len; i++) {
        h = (h ^ (uint8_t)text[i]) * 16777619U;
    }
    return h ^ h >> 15;
}

/* The place of the name in the table, or the empty one where it belongs. */
static struct lang_name **find_name(struct lang_names *t, const char *text, size_t len)
{
    uint32_t i = hash_text(text, len) & (t->cap - 1);

    while (t->table[i] != NULL &&
           (t->table[i]->len != len || memcmp(t->table[i]->text, text, len) != 0)) {
        i = (i + 1) & (t->cap - 1);
    }
    return &t->table[i];
}

static void grow_names(struct front *f, struct lang_names *t)
{
    struct lang_name **old = t->table;
    uint32_t n = t->cap;

    t->cap = n == 0 ? 256 : n * 2;
    t->table = front_array(f, t->cap, sizeof(struct lang_name *));
    for (uint32_t i = 0; i < n; i++) {
        if (old[i] != NULL) {
            *find_name(t, old[i]->text, old[i]->len) = old[i];
        }
    }
}

const struct lang_name *front_name(struct front *f, const char *text, size_t len)
{
    struct lang_names *t = f->unit->names;
    struct lang_name **at, *name;

    if (t == NULL) {
        t = f->unit->names = front_alloc(f, sizeof(*t));
    }
    if (t->n >= t->cap / 2) {
        grow_names(f, t);
    }
    at = find_name(t, text, len);
    if (*at == NULL) {
        name = front_alloc(f, sizeof(*name));
        name->text = text;
        name->len = (uint32_t)len;
        name->id = t->n++;
        *at = name;
    }
    return *at;
}

uint32_t lang_n_names(const struct lang_unit *unit)
{
    return unit->names == NULL ? 0 : unit->names->n;
}

bool lang_name_is(const struct lang_name *name, const char *text)
{
    return strlen(text) == name->len && memcmp(name->text, text, name->len) == 0;
}

int front_compare_names(const struct lang_name *a, const struct lang_name *b)
{
    uint32_t n = a->len < b->len ? a->len : b->len;
    int order = memcmp(a->text, b->text, n);

    return order != 0 ? order : a->len < b->len ? -1 : a->len > b->len;
}

/* Heap sort: no recursion, and bounded on whatever names there are. */
static void sift(const struct lang_name *const *names, uint32_t *list, uint32_t at, uint32_t n)
{
    for (;;) {
        uint32_t child = 2 * at + 1, swap;

        if (child >= n) {
            return;
        }
        if (child + 1 < n && front_compare_names(names[list[child]], names[list[child + 1]]) < 0) {
            child++;
        }
        if (front_compare_names(names[list[at]], names[list[child]]) >= 0) {
            return;
        }
        swap = list[at];
        list[at] = list[child];
        list[child] = swap;
        at = child;
    }
}

uint32_t *front_sort_names(struct front *f, const struct lang_name *const *names, uint32_t n)
{
    uint32_t *list = front_array(f, n, sizeof(*list));

    for (uint32_t i = 0; i < n; i++) {
        list[i] = i;
    }
    for (uint32_t i = n / 2; i-- > 0;) {
        sift(names, list, i, n);
    }
    for (uint32_t end = n; end > 1; end--) {
        uint32_t last = list[end - 1];

        list[end - 1] = list[0];
        list[0] = last;
        sift(names, list, 0, end - 1);
    }
    return list;
}
