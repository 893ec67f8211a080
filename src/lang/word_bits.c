/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Taking words apart and putting them together: no gates, so the aim is few nodes and known bits.
 */
#include "lang/word_impl.h"

/* ---- Resizing ---- */

word_id word_resize(struct word_program *p, word_id x, uint32_t width, bool is_signed)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    const struct word_node *n = word_at(p, x);
    uint32_t w = n->width;
    uint64_t v;
    if (width <= w) {
        return word_slice(p, x, 0, width);
    }
    if (width <= 64 && word_const_value(p, x, &v)) {
        bool negative = is_signed && (v >> (w - 1) & 1) != 0;
        return word_const(p, width, negative ? v | ~word_ones(w) : v);
    }
    if (is_signed && w <= 64 && n->max <= word_ones(w) >> 1) {
        is_signed = false;
    }
    enum word_op op = is_signed ? WORD_SEXT : WORD_ZEXT;
    if (n->op == (uint32_t)op) {
        x = n->a;
    }
    return word_make(
        p, (struct word_node){
               .op = op, .width = width, .a = x, .max = is_signed || w > 64 ? UINT64_MAX : n->max});
}

/* ---- SLICE ---- */

static word_id slice_const(struct word_program *p, word_id x, uint32_t low, uint32_t width)
{
    if (width <= 64) {
        uint64_t v = 0;
        for (uint32_t k = width; k-- > 0;) {
            v = v << 1 | word_const_bit(p, x, low + k);
        }
        return word_const(p, width, v);
    }
    uint32_t *limbs = whist_zalloc((width + 31) / 32, sizeof *limbs);
    if (limbs == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
        return 0;
    }
    for (uint32_t k = 0; k < width; k++) {
        limbs[k / 32] |= (uint32_t)word_const_bit(p, x, low + k) << k % 32;
    }
    word_id id = word_const_limbs(p, width, limbs);
    whist_free(limbs);
    return id;
}

/* A slice that lies within one part of a CONCAT is a slice of that part; a slice that begins and
 * ends between parts is their CONCAT. */
static bool slice_concat(struct word_program *p, word_id x, uint32_t low, uint32_t width,
                         word_id *out)
{
    uint32_t b = word_at(p, x)->b, c = word_at(p, x)->c, at = 0, i = 0;

    while (at + word_width(p, p->pool[b + i]) <= low) {
        at += word_width(p, p->pool[b + i++]);
    }
    uint32_t first = i, part = word_width(p, p->pool[b + i]);
    if (low + width <= at + part) {
        *out = word_slice(p, p->pool[b + i], low - at, width);
        return true;
    }
    if (at != low) {
        return false;
    }
    while (i < c && at < low + width) {
        at += word_width(p, p->pool[b + i++]);
    }
    if (at != low + width) {
        return false;
    }
    word_id *list = whist_alloc(i - first, sizeof *list);
    if (list == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
        return false;
    }
    memcpy(list, p->pool + b + first, (i - first) * sizeof *list);
    *out = word_concat(p, list, i - first);
    whist_free(list);
    return true;
}

static word_id slice_extended(struct word_program *p, word_id x, uint32_t low, uint32_t width)
{
    const struct word_node *n = word_at(p, x);
    uint32_t from = word_width(p, n->a);

    if (low + width <= from) {
        return word_slice(p, n->a, low, width);
    }
    if (n->op == WORD_ZEXT && low >= from) {
        return word_const(p, width, 0);
    }
    if (low < from) { /* the top of the operand, extended again */
        bool is_signed = n->op == WORD_SEXT;
        return word_resize(p, word_slice(p, n->a, low, from - low), width, is_signed);
    }
    return word_resize(p, word_slice(p, n->a, from - 1, 1), width, true);
}

word_id word_slice(struct word_program *p, word_id x, uint32_t low, uint32_t width)
{
    word_id out;

    if (p->status != WHIST_OK) {
        return 0;
    }
    const struct word_node *n = word_at(p, x);
    WHIST_REQUIRE(width >= 1 && low < n->width && width <= n->width - low);
    if (width == n->width) {
        return x;
    }
    switch (n->op) {
    case WORD_CONST:
        return slice_const(p, x, low, width);
    case WORD_SLICE:
        return word_slice(p, n->a, n->b + low, width);
    case WORD_ZEXT:
    case WORD_SEXT:
        return slice_extended(p, x, low, width);
    case WORD_CONCAT:
        if (slice_concat(p, x, low, width, &out)) {
            return out;
        }
        break;
    default:
        break;
    }
    n = word_at(p, x);
    uint64_t max = n->width <= 64 ? n->max >> low : UINT64_MAX;
    if (max == 0) {
        return word_const(p, width, 0);
    }
    return word_make(
        p, (struct word_node){.op = WORD_SLICE, .width = width, .a = x, .b = low, .max = max});
}

/* ---- CONCAT ---- */

struct parts {
    word_id *v;
    size_t n;
};

static word_id join_consts(struct word_program *p, word_id low, word_id high)
{
    uint32_t w = word_width(p, low), total = w + word_width(p, high);
    uint32_t *limbs = whist_zalloc((total + 31) / 32, sizeof *limbs);

    if (limbs == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
        return 0;
    }
    for (uint32_t k = 0; k < total; k++) {
        bool bit = k < w ? word_const_bit(p, low, k) : word_const_bit(p, high, k - w);
        limbs[k / 32] |= (uint32_t)bit << k % 32;
    }
    word_id id = word_const_limbs(p, total, limbs);
    whist_free(limbs);
    return id;
}

/* Two neighbours that are one word: halves of the same, or constants of at most 64 bits. */
static bool join_two(struct word_program *p, word_id low, word_id high, word_id *out)
{
    const struct word_node *l = word_at(p, low), *h = word_at(p, high);

    if (l->op == WORD_SLICE && h->op == WORD_SLICE && l->a == h->a && l->b + l->width == h->b) {
        *out = word_slice(p, l->a, l->b, l->width + h->width);
        return true;
    }
    if (l->op == WORD_CONST && h->op == WORD_CONST && l->width + h->width <= 64) {
        *out = join_consts(p, low, high);
        return true;
    }
    return false;
}

static void push_part(struct word_program *p, struct parts *parts, word_id x)
{
    word_id joined;

    while (parts->n > 0 && join_two(p, parts->v[parts->n - 1], x, &joined)) {
        x = joined;
        parts->n--;
    }
    parts->v[parts->n++] = x;
}

static word_id concat_consts(struct word_program *p, const word_id *list, size_t n, uint32_t width)
{
    uint32_t *limbs = whist_zalloc((width + 31) / 32, sizeof *limbs), at = 0;

    if (limbs == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < word_width(p, list[i]); k++, at++) {
            limbs[at / 32] |= (uint32_t)word_const_bit(p, list[i], k) << at % 32;
        }
    }
    word_id id = word_const_limbs(p, width, limbs);
    whist_free(limbs);
    return id;
}

static word_id make_concat(struct word_program *p, const struct parts *parts)
{
    uint64_t width = 0, max = 0;
    bool all_const = true;

    for (size_t i = 0; i < parts->n; i++) {
        uint64_t m = word_at(p, parts->v[i])->max;
        max = width < 64 ? max | m << width : max;
        width += word_width(p, parts->v[i]);
        all_const = all_const && word_is_const(p, parts->v[i]);
    }
    if (width > WORD_MAX_WIDTH) {
        word_fail(p, WHIST_ERR_LIMIT);
        return 0;
    }
    if (parts->n == 1) {
        return parts->v[0];
    }
    if (all_const) {
        return concat_consts(p, parts->v, parts->n, (uint32_t)width);
    }
    /* Zeros on top are an extension, so that bounds and further extensions are seen. */
    if (parts->n == 2 && word_at(p, parts->v[1])->max == 0 && word_is_const(p, parts->v[1])) {
        return word_resize(p, parts->v[0], (uint32_t)width, false);
    }
    return word_list(p,
                     (struct word_node){.op = WORD_CONCAT,
                                        .width = (uint32_t)width,
                                        .max = width > 64 ? UINT64_MAX : max},
                     parts->v, parts->n, NULL);
}

word_id word_concat(struct word_program *p, const word_id *list, size_t n)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    struct parts parts = {whist_alloc(n, sizeof(word_id)), 0};
    if (parts.v == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
        return 0;
    }
    for (size_t i = 0; i < n && p->status == WHIST_OK; i++) {
        push_part(p, &parts, list[i]);
    }
    word_id id = p->status == WHIST_OK ? make_concat(p, &parts) : 0;
    whist_free(parts.v);
    return id;
}
