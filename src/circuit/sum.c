/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Builder: sums of many bits of any weights. */
#include "circuit/builder.h"

void sum_init(struct sum *s, struct whist_builder *b, size_t width)
{
    *s = (struct sum){.b = b, .width = width};
    if (builder_ok(b)) {
        s->columns = whist_zalloc(width, sizeof *s->columns);
        s->constant = whist_zalloc(width, 1);
        if (s->columns == NULL || s->constant == NULL) {
            builder_fail(b, WHIST_ERR_NOMEM);
        }
    }
}

void sum_constant(struct sum *s, size_t at, bool negative)
{
    /* Adding goes on past ones, which become zeros; subtracting past zeros, which become ones. */
    for (; at < s->width && builder_ok(s->b); at++) {
        s->constant[at] ^= 1;
        if (s->constant[at] != negative) {
            return;
        }
    }
}

void sum_bit(struct sum *s, whist_wire x, size_t at)
{
    if (at >= s->width || x == 0 || !builder_ok(s->b)) {
        return;
    }
    if (x == 1) {
        sum_constant(s, at, false);
    } else if (numbers_push(&s->columns[at], x) != WHIST_OK) {
        builder_fail(s->b, WHIST_ERR_NOMEM);
    }
}

void sum_minus_bit(struct sum *s, whist_wire x, size_t at)
{
    sum_bit(s, x ^ 1, at); /* −x = (1 − x) − 1 */
    sum_constant(s, at, true);
}

void sum_number(struct sum *s, const whist_wire *x, size_t n, size_t at)
{
    for (size_t i = 0; i < n; i++) {
        sum_bit(s, x[i], at + i);
    }
}

void sum_minus_number(struct sum *s, const whist_wire *x, size_t n, size_t at)
{
    for (size_t i = 0; i < n; i++) {
        sum_minus_bit(s, x[i], at + i);
    }
}

static int compare_wires(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

/* Merges in column k: x + x moves up as one bit, x + ¬x is 1. */
static void merge_column(struct sum *s, size_t k)
{
    struct numbers *c = &s->columns[k];
    size_t kept = 0;

    if (c->len > 1) {
        qsort(c->v, c->len, sizeof *c->v, compare_wires);
    }
    for (size_t i = 0; i < c->len;) {
        whist_wire x = c->v[i] & ~1u;
        size_t plain = 0, negated = 0;
        for (; i < c->len && c->v[i] == x; i++) {
            plain++;
        }
        for (; i < c->len && c->v[i] == (x | 1); i++) {
            negated++;
        }
        for (; plain != 0 && negated != 0; plain--, negated--) {
            sum_constant(s, k, false);
        }
        x |= negated != 0;
        for (plain += negated; plain >= 2; plain -= 2) {
            sum_bit(s, x, k + 1);
        }
        if (plain != 0) {
            c->v[kept++] = x;
        }
    }
    c->len = kept;
}

/* Adds up column k with full adders, carries going to column k + 1. The constant comes last, where
 * it costs nothing beside a single bit. */
static whist_wire add_column(struct sum *s, size_t k)
{
    struct whist_builder *b = s->b;
    struct numbers *c = &s->columns[k];
    bool top = k + 1 == s->width;
    size_t at = 0;

    while (c->len - at > 2 && builder_ok(b)) {
        whist_wire x = c->v[at], y = c->v[at + 1], z = c->v[at + 2];
        if (!top) {
            sum_bit(s, builder_majority(b, x, y, z), k + 1);
        }
        at += 3; /* the sum queues up behind the others, to keep the depth low */
        if (numbers_push(c, whist_builder_xor(b, whist_builder_xor(b, x, z), y)) != WHIST_OK) {
            builder_fail(b, WHIST_ERR_NOMEM);
        }
    }
    whist_wire x = c->len > at ? c->v[at] : 0, y = c->len > at + 1 ? c->v[at + 1] : 0;
    whist_wire one = whist_builder_const(b, s->constant[k] != 0);
    if (!top) {
        sum_bit(s, builder_majority(b, x, y, one), k + 1);
    }
    return whist_builder_xor(b, whist_builder_xor(b, x, one), y);
}

void sum_finish(struct sum *s, whist_wire *out, size_t skip)
{
    whist_wire *r = builder_wires(s->b, s->width);

    for (size_t k = 0; k < s->width && builder_ok(s->b); k++) {
        if (s->fill != NULL) {
            s->fill(s, k);
        }
        merge_column(s, k);
        r[k] = add_column(s, k);
    }
    if (r != NULL) {
        memmove(r, r + skip, (s->width - skip) * sizeof *r);
    }
    builder_give(s->b, out, r, s->width - skip);
    for (size_t k = 0; k < s->width && s->columns != NULL; k++) {
        numbers_clear(&s->columns[k]);
    }
    whist_free(s->columns);
    whist_free(s->constant);
}
