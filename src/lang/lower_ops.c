/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Words to gates, one operation after the other. */
#include "lang/lower.h"

static uint32_t width_of(const struct lower *l, word_id x)
{
    return word_width(l->p, x);
}

/* ---- Bits known or moved ---- */

static void lower_const(struct lower *l, word_id x, whist_wire *out)
{
    for (uint32_t k = 0; k < width_of(l, x); k++) {
        out[k] = whist_builder_const(l->b, word_const_bit(l->p, x, k));
    }
}

static void lower_input(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    WHIST_REQUIRE(n->width <= l->b->n_input_bits && n->a <= l->b->n_input_bits - n->width);
    for (uint32_t k = 0; k < n->width; k++) {
        out[k] = builder_input_wire(n->a + n->width - 1 - k);
    }
}

static void lower_resized(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    const whist_wire *a = lower_wires(l, n->a);
    uint32_t m = width_of(l, n->a);

    memcpy(out, a, m * sizeof *out);
    for (uint32_t k = m; k < n->width; k++) {
        out[k] = n->op == WORD_SEXT ? a[m - 1] : 0;
    }
}

static void lower_concat(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    for (uint32_t i = 0; i < n->c; i++) {
        word_id part = l->p->pool[n->b + i];
        memcpy(out, lower_wires(l, part), width_of(l, part) * sizeof *out);
        out += width_of(l, part);
    }
}

/* ---- One operation on bits or words ---- */

static void lower_bitwise(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    const whist_wire *a = lower_wires(l, n->a);
    const whist_wire *b = n->op == WORD_NOT ? a : lower_wires(l, n->b);

    for (uint32_t k = 0; k < n->width; k++) {
        switch (n->op) {
        case WORD_NOT:
            out[k] = whist_builder_not(l->b, a[k]);
            break;
        case WORD_AND:
            out[k] = whist_builder_and(l->b, a[k], b[k]);
            break;
        case WORD_OR:
            out[k] = whist_builder_or(l->b, a[k], b[k]);
            break;
        default:
            out[k] = whist_builder_xor(l->b, a[k], b[k]);
            break;
        }
    }
}

static void lower_select(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    whist_builder_select(l->b, out, lower_bit(l, n->a), lower_wires(l, n->b), lower_wires(l, n->c),
                         n->width);
}

static void lower_shift(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    const whist_wire *a = lower_wires(l, n->a);
    size_t bits = gadget_index_bits(n->width), given = width_of(l, n->b);
    whist_shift kind = n->op == WORD_SHL   ? WHIST_SHIFT_LEFT
                       : n->op == WORD_SHR ? WHIST_SHIFT_RIGHT
                                           : WHIST_SHIFT_RIGHT_SIGNED;

    if (bits == 0) {
        out[0] = a[0];
        return;
    }
    whist_builder_shift(l->b, out, a, n->width, lower_wires(l, n->b), bits < given ? bits : given,
                        kind);
}

/* ---- Comparison ---- */

/* The lowest bits are 0 and the top one is 1. */
static bool is_min(const whist_wire *y, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        if (y[i] != 0) {
            return false;
        }
    }
    return y[n - 1] == 1;
}

static bool is_zero(const whist_wire *y, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (y[i] != 0) {
            return false;
        }
    }
    return true;
}

/* x = 0 and x = MIN cost next to nothing beside a division by x and a negation of x. */
static whist_wire equal(struct lower *l, word_id id, const whist_wire *x, const whist_wire *y,
                        size_t n)
{
    uint8_t chain = l->chain[id];

    if ((chain & (CHAIN_DIVISOR | CHAIN_SIGNED_DIVISOR)) != 0 && is_zero(y, n)) {
        return gadget_is_zero(l->b, x, n, (chain & CHAIN_DIVISOR) == 0);
    }
    if ((chain & CHAIN_NEGATED) != 0 && is_min(y, n)) {
        return gadget_is_min(l->b, x, n);
    }
    return whist_builder_equal(l->b, x, y, n);
}

static void lower_compare(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    const whist_wire *a = lower_wires(l, n->a), *b = lower_wires(l, n->b);
    uint32_t w = width_of(l, n->a);

    if (n->op != WORD_EQ) {
        out[0] = whist_builder_less(l->b, a, b, w, n->op == WORD_SLT);
    } else if (word_is_const(l->p, n->a)) {
        out[0] = equal(l, n->b, b, a, w);
    } else {
        out[0] = equal(l, n->a, a, b, w);
    }
}

/* ---- Arithmetic, several results at once ---- */

/* The words that come from one adder, multiplier or divider: x itself and its twins. */
struct group {
    word_id value, unsigned_overflow, signed_overflow;
};

static struct group find_group(const struct lower *l, word_id x, enum word_op value,
                               enum word_op unsigned_overflow, enum word_op signed_overflow)
{
    uint32_t op = word_at(l->p, x)->op;
    return (struct group){
        op == value ? x : lower_twin(l, x, value),
        op == unsigned_overflow ? x : lower_twin(l, x, unsigned_overflow),
        op == signed_overflow ? x : lower_twin(l, x, signed_overflow),
    };
}

static void store_group(struct lower *l, struct group g, const whist_wire *value, size_t n,
                        whist_wire unsigned_overflow, whist_wire signed_overflow)
{
    if (g.value != 0) {
        lower_store(l, g.value, value, n);
    }
    if (g.unsigned_overflow != 0) {
        lower_store(l, g.unsigned_overflow, &unsigned_overflow, 1);
    }
    if (g.signed_overflow != 0) {
        lower_store(l, g.signed_overflow, &signed_overflow, 1);
    }
}

static void lower_sum(struct lower *l, word_id x, bool subtract)
{
    struct group g = subtract ? find_group(l, x, WORD_SUB, WORD_USUB_OVF, WORD_SSUB_OVF)
                              : find_group(l, x, WORD_ADD, WORD_UADD_OVF, WORD_SADD_OVF);
    const struct word_node *n = word_at(l->p, x);
    uint32_t w = width_of(l, n->a);
    whist_wire *out = lower_scratch(l, w), carry = 0, into_top = 0;

    if (out == NULL) {
        return;
    }
    const whist_wire *a = lower_wires(l, n->a), *b = lower_wires(l, n->b);
    bool checked = g.unsigned_overflow != 0 || g.signed_overflow != 0;
    if (subtract) {
        whist_builder_sub(l->b, out, checked ? &carry : NULL, a, b, w);
    } else {
        whist_builder_add(l->b, out, checked ? &carry : NULL, a, b, w);
    }
    into_top = whist_builder_xor(l->b, whist_builder_xor(l->b, a[w - 1], b[w - 1]), out[w - 1]);
    store_group(l, g, out, w, carry, whist_builder_xor(l->b, carry, into_top));
}

static void lower_product(struct lower *l, word_id x)
{
    struct group g = find_group(l, x, WORD_MUL, WORD_UMUL_OVF, WORD_SMUL_OVF);
    const struct word_node *n = word_at(l->p, x);
    uint32_t w = width_of(l, n->a);
    whist_wire *out = lower_scratch(l, w), over[2] = {0, 0};

    if (out == NULL) {
        return;
    }
    const whist_wire *a = lower_wires(l, n->a), *b = lower_wires(l, n->b);
    if (g.unsigned_overflow != 0) {
        gadget_mul(l->b, out, &over[0], a, b, w, false);
    }
    if (g.signed_overflow != 0) {
        gadget_mul(l->b, out, &over[1], a, b, w, true);
    }
    if (g.unsigned_overflow == 0 && g.signed_overflow == 0) {
        whist_builder_mul(l->b, out, w, a, w, b, w);
    }
    store_group(l, g, out, w, over[0], over[1]);
}

static void lower_quotient(struct lower *l, word_id x, bool is_signed)
{
    enum word_op div = is_signed ? WORD_SDIV : WORD_UDIV, rem = is_signed ? WORD_SREM : WORD_UREM;
    const struct word_node *n = word_at(l->p, x);
    word_id q = n->op == div ? x : lower_twin(l, x, div);
    word_id r = n->op == rem ? x : lower_twin(l, x, rem);
    uint32_t w = n->width;
    whist_wire *out = lower_scratch(l, 2 * (size_t)w);

    if (out == NULL) {
        return;
    }
    gadget_div(l->b, out, out + w, lower_wires(l, n->a), lower_wires(l, n->b), w, is_signed);
    if (q != 0) {
        lower_store(l, q, out, w);
    }
    if (r != 0) {
        lower_store(l, r, out + w, w);
    }
}

/* ---- Arrays ---- */

static void lower_read(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    const whist_wire *index = lower_wires(l, n->a);
    whist_wire *column = builder_wires(l->b, n->c);

    for (uint32_t k = 0; k < n->width && column != NULL; k++) {
        for (uint32_t i = 0; i < n->c; i++) {
            column[i] = lower_wires(l, l->p->pool[n->b + i])[k];
        }
        out[k] = gadget_read(l->b, column, n->c, index, width_of(l, n->a));
    }
    whist_free(column);
}

/* The decoder of an index that is alive, first in the list then. */
static struct decoder *find_decoder(struct lower *l, word_id index, uint32_t count)
{
    for (struct decoder **p = &l->decoders; *p != NULL; p = &(*p)->next) {
        struct decoder *d = *p;
        if (d->index == index && d->count == count) {
            *p = d->next;
            d->next = l->decoders;
            l->decoders = d;
            return d;
        }
    }
    struct decoder *d = whist_zalloc(sizeof *d + count * sizeof *d->wires, 1);
    if (d == NULL) {
        builder_fail(l->b, WHIST_ERR_NOMEM);
        return NULL;
    }
    *d = (struct decoder){l->decoders, index, count};
    gadget_decode(l->b, d->wires, count, lower_wires(l, index), width_of(l, index));
    l->decoders = d;
    return d;
}

static void lower_decode(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);
    const struct decoder *d = find_decoder(l, n->a, n->c);
    out[0] = d != NULL ? d->wires[n->b] : 0;
}

/* ---- Tables ---- */

static void gather_rows(struct lower *l, const struct word_node *n, whist_wire *rows)
{
    for (uint32_t i = 0; i < n->c; i++) {
        memcpy(rows + (size_t)i * n->width, lower_wires(l, l->p->pool[n->b + i]),
               n->width * sizeof *rows);
    }
}

static void lower_table(struct lower *l, word_id x)
{
    const struct word_node *n = word_at(l->p, x);
    size_t len = (size_t)n->c * n->width;
    whist_wire *rows = lower_scratch(l, len);

    if (rows == NULL) {
        return;
    }
    gather_rows(l, n, rows);
    if (n->op == WORD_MERGE) {
        uint32_t first = l->p->pool[n->b - 2], key = l->p->pool[n->b - 1];
        gadget_merge(l->b, rows, first, n->c - first, n->width, key);
    } else {
        gadget_compact(l->b, rows, n->c, n->width, true);
    }
    lower_store(l, x, rows, len);
}

/* ---- All ---- */

static void lower_one(struct lower *l, word_id x, whist_wire *out)
{
    const struct word_node *n = word_at(l->p, x);

    switch (n->op) {
    case WORD_CONST:
        lower_const(l, x, out);
        break;
    case WORD_INPUT:
        lower_input(l, x, out);
        break;
    case WORD_HELD:
        memcpy(out, l->kept + l->kept_at[n->a], n->width * sizeof *out);
        break;
    case WORD_NEG:
        whist_builder_neg(l->b, out, lower_wires(l, n->a), n->width);
        break;
    case WORD_EQ:
    case WORD_ULT:
    case WORD_SLT:
        lower_compare(l, x, out);
        break;
    case WORD_SHL:
    case WORD_SHR:
    case WORD_SAR:
        lower_shift(l, x, out);
        break;
    case WORD_SELECT:
        lower_select(l, x, out);
        break;
    case WORD_ZEXT:
    case WORD_SEXT:
        lower_resized(l, x, out);
        break;
    case WORD_SLICE:
        memcpy(out, lower_wires(l, n->a) + n->b, n->width * sizeof *out);
        break;
    case WORD_PICK:
        memcpy(out, lower_wires(l, n->a) + (size_t)n->b * n->width, n->width * sizeof *out);
        break;
    case WORD_CONCAT:
        lower_concat(l, x, out);
        break;
    case WORD_READ:
        lower_read(l, x, out);
        break;
    case WORD_DECODE:
        lower_decode(l, x, out);
        break;
    default:
        lower_bitwise(l, x, out);
        break;
    }
}

void lower_word(struct lower *l, word_id x)
{
    const struct word_node *n = word_at(l->p, x);

    switch (n->op) {
    case WORD_ADD:
    case WORD_UADD_OVF:
    case WORD_SADD_OVF:
        lower_sum(l, x, false);
        return;
    case WORD_SUB:
    case WORD_USUB_OVF:
    case WORD_SSUB_OVF:
        lower_sum(l, x, true);
        return;
    case WORD_MUL:
    case WORD_UMUL_OVF:
    case WORD_SMUL_OVF:
        lower_product(l, x);
        return;
    case WORD_UDIV:
    case WORD_UREM:
        lower_quotient(l, x, false);
        return;
    case WORD_SDIV:
    case WORD_SREM:
        lower_quotient(l, x, true);
        return;
    case WORD_MERGE:
    case WORD_COMPACT:
        lower_table(l, x);
        return;
    case WORD_PANIC:
        lower_panic(l, x);
        return;
    default:
        break;
    }
    whist_wire *out = lower_scratch(l, n->width);
    if (out != NULL) {
        lower_one(l, x, out);
        lower_store(l, x, out, n->width);
    }
}
