/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Patterns and the words of enums. */
#include "lang/exec_impl.h"

/* ---- Packing ---- */

word_id exec_pack(struct exec *x, size_t from, uint32_t pad)
{
    size_t n = x->n_stack - from;
    word_id *list = whist_alloc(n + 1, sizeof *list), packed = 0;

    if (list == NULL) {
        word_fail(&x->p, WHIST_ERR_NOMEM);
        return 0;
    }
    size_t k = 0;
    if (pad != 0) {
        list[k++] = word_const(&x->p, pad, 0);
    }
    for (size_t i = n; i-- > 0;) {
        list[k++] = x->stack[from + i];
    }
    if (x->p.status == WHIST_OK) {
        packed = word_concat(&x->p, list, k);
    }
    whist_free(list);
    return packed;
}

struct unpacking {
    struct exec *x;
    size_t from; /* stack: the word */
    uint32_t *top;
};

static whist_status push_slice(void *arg, uint32_t width)
{
    struct unpacking *u = arg;
    struct exec *x = u->x;

    TRY(x->p.status);
    *u->top -= width;
    return exec_push(x, word_slice(&x->p, x->stack[u->from], *u->top, width));
}

/* NOLINTNEXTLINE(readability-non-const-parameter): push_slice writes it */
whist_status exec_unpack(struct exec *x, const struct lang_type *t, size_t from, uint32_t *top)
{
    struct unpacking u = {.x = x, .from = from, .top = top};
    return layout_walk(t, push_slice, &u);
}

/* ---- Enums ---- */

whist_status exec_variant(struct exec *x, const struct lang_type *t, uint32_t variant,
                          size_t fields)
{
    const struct lang_enum *e = t->enm;
    const struct lang_variant *v = &e->variants[variant];
    uint64_t used = 0;
    word_id payload = 0;

    for (uint32_t i = 0; i < v->n_fields; i++) {
        used += v->fields[i]->bits;
    }
    if (e->payload_bits != 0) {
        payload = exec_pack(x, fields, (uint32_t)(e->payload_bits - used));
    }
    x->n_stack = fields;
    if (e->tag_bits != 0) {
        TRY(exec_push(x, word_const(&x->p, e->tag_bits, variant)));
    }
    return e->payload_bits != 0 ? exec_push(x, payload) : x->p.status;
}

/* Pushes the fields of a variant, as words; *out is where they are. */
static whist_status variant_fields(struct exec *x, const struct lang_pattern *pat, struct ref value,
                                   struct ref *out)
{
    const struct lang_enum *e = pat->type->enm;
    const struct lang_variant *v = &e->variants[pat->variant];
    uint32_t top = (uint32_t)e->payload_bits;

    *out = (struct ref){.on_stack = true, .at = x->n_stack};
    if (e->payload_bits == 0) {
        return WHIST_OK;
    }
    size_t payload = x->n_stack;
    TRY(exec_push(x, ref_word(x, value, e->tag_bits != 0 ? 1 : 0)));
    out->at = x->n_stack;
    for (uint32_t i = 0; i < v->n_fields; i++) {
        TRY(exec_unpack(x, v->fields[i], payload, &top));
    }
    return WHIST_OK;
}

/* ---- Walking parts ---- */

/* Type and place of sub-pattern k of a tuple, struct or variant (whose fields are at value). */
static struct ref part(struct exec *x, const struct lang_pattern *pat, uint32_t k, struct ref value,
                       size_t *at)
{
    switch (pat->kind) {
    case PAT_TUPLE:
        value.at += (size_t)layout_offset(x->layout, pat->type, k);
        return value;
    case PAT_STRUCT:
        value.at += (size_t)layout_offset(x->layout, pat->type, pat->fields[k]);
        return value;
    default: /* fields of a variant, one after the other */
        value.at += *at;
        *at += words_of(x, pat->subs[k]->type);
        return value;
    }
}

/* ---- Matching ---- */

static word_id in_range(struct exec *x, const struct lang_pattern *pat, word_id w)
{
    uint32_t width = word_width(&x->p, w);
    bool is_signed = lang_is_signed(pat->type);
    enum word_op less = is_signed ? WORD_SLT : WORD_ULT;
    uint64_t min = is_signed ? (uint64_t)1 << (width - 1) : 0;
    uint64_t max = is_signed ? min - 1 : word_ones(width);
    uint64_t lo = pat->lo & word_ones(width), hi = pat->hi & word_ones(width);
    word_id first = word_const(&x->p, width, lo), last = word_const(&x->p, width, hi);

    if (lo == hi) {
        return word_eq(&x->p, w, first);
    }
    word_id below = lo == min ? WORD_FALSE : word_binary(&x->p, less, w, first);
    word_id above = hi == max ? WORD_FALSE : word_binary(&x->p, less, last, w);
    return word_not(&x->p, word_or(&x->p, below, above));
}

whist_status exec_matches(struct exec *x, const struct lang_pattern *pat, struct ref value,
                          word_id *out)
{
    size_t mark = x->n_stack, at = 0;

    *out = WORD_TRUE;
    TRY(exec_step(x));
    switch (pat->kind) {
    case PAT_BIND:
        return WHIST_OK;
    case PAT_BOOL:
        *out = ref_word(x, value, 0);
        *out = pat->lo != 0 ? *out : word_not(&x->p, *out);
        return x->p.status;
    case PAT_INT:
        *out = in_range(x, pat, ref_word(x, value, 0));
        return x->p.status;
    case PAT_VARIANT:
        if (pat->type->enm->tag_bits != 0) {
            word_id tag = ref_word(x, value, 0);
            word_id want = word_const(&x->p, pat->type->enm->tag_bits, pat->variant);
            *out = x->p.status == WHIST_OK ? word_eq(&x->p, tag, want) : 0;
        }
        TRY(variant_fields(x, pat, value, &value));
        break;
    default:
        break;
    }
    for (uint32_t k = 0; k < pat->n_subs && *out != WORD_FALSE; k++) {
        word_id sub;
        TRY(exec_matches(x, pat->subs[k], part(x, pat, k, value, &at), &sub));
        *out = word_and(&x->p, *out, sub);
    }
    x->n_stack = mark;
    return x->p.status;
}

whist_status exec_bind(struct exec *x, const struct lang_pattern *pat, struct ref value)
{
    size_t mark = x->n_stack, at = 0;

    if (pat->kind == PAT_BIND) {
        size_t cell = exec_cell(x, pat->local), n = words_of(x, pat->type);
        for (size_t i = 0; i < n; i++) {
            exec_bind_cell(x, cell + i, ref_word(x, value, i));
        }
        return WHIST_OK;
    }
    if (pat->kind == PAT_VARIANT) {
        TRY(variant_fields(x, pat, value, &value));
    }
    for (uint32_t k = 0; k < pat->n_subs; k++) {
        TRY(exec_bind(x, pat->subs[k], part(x, pat, k, value, &at)));
    }
    x->n_stack = mark;
    return WHIST_OK;
}
