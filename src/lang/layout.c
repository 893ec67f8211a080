/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Words and bits of values. */
#include "lang/layout.h"

#include "lang/word.h"

static bool is_open(const struct lang_type *t)
{
    return t->open || t->bad || t->kind == TYPE_VAR || t->kind == TYPE_ERROR;
}

static whist_status measure(struct layout *l, const struct lang_type *t, unsigned depth);

/* Parts in the order of the layout: part order[i] (NULL: i) comes i-th. */
static whist_status measure_parts(struct layout *l, const struct lang_type *t, uint32_t n,
                                  unsigned depth)
{
    uint64_t at = 0;
    uint64_t *offsets = whist_alloc((size_t)n + 1, sizeof *offsets);

    if (offsets == NULL) {
        return WHIST_ERR_NOMEM;
    }
    whist_free(l->offsets[t->id]);
    l->offsets[t->id] = offsets;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = t->kind == TYPE_STRUCT ? t->strct->sorted[i] : i;
        const struct lang_type *part =
            t->kind == TYPE_STRUCT ? t->strct->fields[k].type : t->parts[k];
        TRY(measure(l, part, depth + 1));
        offsets[k] = at;
        at += layout_words(l, part);
        if (at > LAYOUT_MAX_WORDS) {
            return WHIST_ERR_LIMIT;
        }
    }
    l->words[t->id] = at;
    return WHIST_OK;
}

static whist_status measure_array(struct layout *l, const struct lang_type *t, unsigned depth)
{
    TRY(measure(l, t->elem, depth + 1));
    uint64_t words = layout_words(l, t->elem);
    if (array_len(t) > LAYOUT_MAX_WORDS ||
        (words != 0 && array_len(t) > LAYOUT_MAX_WORDS / words)) {
        return WHIST_ERR_LIMIT;
    }
    l->words[t->id] = words * array_len(t);
    return WHIST_OK;
}

static whist_status measure_enum(struct layout *l, const struct lang_type *t, unsigned depth)
{
    const struct lang_enum *e = t->enm;

    for (uint32_t v = 0; v < e->n_variants; v++) {
        for (uint32_t f = 0; f < e->variants[v].n_fields; f++) {
            TRY(measure(l, e->variants[v].fields[f], depth + 1));
        }
    }
    l->words[t->id] = (e->tag_bits != 0 ? 1U : 0U) + (e->payload_bits != 0 ? 1U : 0U);
    return e->payload_bits > WORD_MAX_WIDTH ? WHIST_ERR_LIMIT : WHIST_OK;
}

static whist_status measure(struct layout *l, const struct lang_type *t, unsigned depth)
{
    if (depth > LAYOUT_MAX_DEPTH) {
        return WHIST_ERR_LIMIT;
    }
    if (l->words[t->id] != UINT64_MAX) {
        return WHIST_OK;
    }
    switch (t->kind) {
    case TYPE_TUPLE:
        return measure_parts(l, t, t->n_parts, depth);
    case TYPE_STRUCT:
        return measure_parts(l, t, t->strct->n_fields, depth);
    case TYPE_ARRAY:
        return measure_array(l, t, depth);
    case TYPE_ENUM:
        return measure_enum(l, t, depth);
    default:
        l->words[t->id] = 1;
        return WHIST_OK;
    }
}

whist_status layout_init(struct layout *l, const struct lang_unit *unit)
{
    whist_status st = WHIST_OK;

    *l = (struct layout){.unit = unit};
    l->words = whist_alloc((size_t)unit->n_types + 1, sizeof *l->words);
    l->offsets = whist_zalloc((size_t)unit->n_types + 1, sizeof *l->offsets);
    if (l->words == NULL || l->offsets == NULL) {
        layout_clear(l);
        return WHIST_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < unit->n_types; i++) {
        l->words[i] = UINT64_MAX;
    }
    for (uint32_t i = 0; st == WHIST_OK && i < unit->n_types; i++) {
        if (!is_open(unit->types[i])) {
            st = measure(l, unit->types[i], 0);
        }
    }
    if (st != WHIST_OK) {
        layout_clear(l);
    }
    return st;
}

void layout_clear(struct layout *l)
{
    for (uint32_t i = 0; l->offsets != NULL && i < l->unit->n_types; i++) {
        whist_free(l->offsets[i]);
    }
    whist_free(l->offsets);
    whist_free(l->words);
    *l = (struct layout){0};
}

whist_status layout_walk(const struct lang_type *t, layout_visit visit, void *arg)
{
    if (t->bits == 0) {
        return WHIST_OK;
    }
    switch (t->kind) {
    case TYPE_TUPLE:
        for (uint32_t i = 0; i < t->n_parts; i++) {
            TRY(layout_walk(t->parts[i], visit, arg));
        }
        return WHIST_OK;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < t->strct->n_fields; i++) {
            TRY(layout_walk(t->strct->fields[t->strct->sorted[i]].type, visit, arg));
        }
        return WHIST_OK;
    case TYPE_ARRAY:
        for (uint64_t i = 0; i < array_len(t); i++) {
            TRY(layout_walk(t->elem, visit, arg));
        }
        return WHIST_OK;
    case TYPE_ENUM:
        if (t->enm->tag_bits != 0) {
            TRY(visit(arg, t->enm->tag_bits));
        }
        return t->enm->payload_bits != 0 ? visit(arg, (uint32_t)t->enm->payload_bits) : WHIST_OK;
    default:
        return visit(arg, lang_width(t));
    }
}
