/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The interpreter. Words are arrays of limbs of 64 bits, lowest first, unused bits 0. Not constant
 * time: it runs in the clear, at the owner's. */
#include "lang/interp.h"

#include "lang/network.h"
#include "lang/word_impl.h"

static size_t limbs_of(uint32_t width)
{
    return ((size_t)width + 63) / 64;
}

static bool get_bit(const uint64_t *v, uint64_t k)
{
    return v[k / 64] >> k % 64 & 1;
}

/* Copies `width` bits from bit `from` of v to bit `to` of out, which is 0 there. */
static void put_bits(uint64_t *out, uint64_t to, const uint64_t *v, uint64_t from, uint64_t width)
{
    while (width > 0) {
        uint64_t room = 64 - to % 64, there = 64 - from % 64, n = room < there ? room : there;
        n = n < width ? n : width;
        out[to / 64] |= (v[from / 64] >> from % 64 & word_ones((uint32_t)n)) << to % 64;
        to += n;
        from += n;
        width -= n;
    }
}

static bool less(const uint64_t *x, const uint64_t *y, size_t n)
{
    while (n-- > 0) {
        if (x[n] != y[n]) {
            return x[n] < y[n];
        }
    }
    return false;
}

struct machine {
    struct interp *run;
    const struct word_program *p;
    whist_status status;
};

static uint64_t *value(const struct machine *m, word_id x)
{
    return m->run->values + m->run->at[x];
}

/* ---- Wide words ---- */

static void wide_op(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    const uint64_t *x = value(m, n->a), *y = value(m, n->op == WORD_NOT ? n->a : n->b);
    size_t len = limbs_of(word_width(m->p, n->a));

    switch (n->op) {
    case WORD_EQ:
        out[0] = memcmp(x, y, len * sizeof *x) == 0;
        return;
    case WORD_ULT:
        out[0] = less(x, y, len);
        return;
    default:
        break;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = n->op == WORD_NOT   ? ~x[i]
                 : n->op == WORD_AND ? x[i] & y[i]
                 : n->op == WORD_OR  ? x[i] | y[i]
                                     : x[i] ^ y[i];
    }
    if (n->width % 64 != 0) {
        out[len - 1] &= word_ones(n->width % 64);
    }
}

static void arithmetic(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    uint32_t w = word_width(m->p, n->a);
    bool bits = n->op == WORD_NOT || n->op == WORD_AND || n->op == WORD_OR || n->op == WORD_XOR ||
                n->op == WORD_EQ || n->op == WORD_ULT;

    if (w > 64) {
        WHIST_REQUIRE(bits); /* no other operator takes words wider than 64 bits */
        wide_op(m, n, out);
        return;
    }
    bool unary = n->op == WORD_NOT || n->op == WORD_NEG;
    out[0] = word_compute((enum word_op)n->op, w, *value(m, n->a), unary ? 0 : *value(m, n->b));
}

/* ---- Words from inputs and other segments ---- */

static void leaf(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    const struct interp *run = m->run;

    switch (n->op) {
    case WORD_CONST:
        if (n->width <= 64) {
            out[0] = n->max;
        }
        for (uint32_t i = 0; n->width > 64 && i < n->c; i++) {
            out[i / 2] |= (uint64_t)m->p->pool[n->b + i] << i % 2 * 32;
        }
        return;
    case WORD_INPUT:
        for (uint32_t k = 0; k < n->width; k++) {
            out[k / 64] |= (uint64_t)(run->inputs[n->a + n->width - 1 - k] & 1) << k % 64;
        }
        return;
    default:
        WHIST_REQUIRE(run->held_at != NULL); /* the first segment has no HELD */
        memcpy(out, run->held + run->held_at[n->a], limbs_of(n->width) * sizeof *out);
    }
}

/* ---- Lists ---- */

static void read_list(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    uint32_t i = word_read_position(*value(m, n->a), n->c);
    memcpy(out, value(m, m->p->pool[n->b + i]), limbs_of(n->width) * sizeof *out);
}

struct merging {
    uint64_t *rows;
    size_t limbs;
    uint64_t key_from; /* lowest bit of the key */
};

/* Keys are the top bits: comparing rows shifted by the bits below the key. */
static bool key_less(const struct merging *s, const uint64_t *x, const uint64_t *y)
{
    for (size_t k = s->limbs; k-- > 0;) {
        uint64_t mask = s->key_from >= (k + 1) * 64 ? 0
                        : s->key_from <= k * 64     ? UINT64_MAX
                                                    : ~word_ones((uint32_t)(s->key_from % 64));
        if ((x[k] & mask) != (y[k] & mask)) {
            return (x[k] & mask) < (y[k] & mask);
        }
    }
    return false;
}

static void compare_rows(void *arg, uint32_t i, uint32_t j)
{
    const struct merging *s = arg;
    uint64_t *x = s->rows + i * s->limbs, *y = s->rows + j * s->limbs;

    if (!key_less(s, y, x)) {
        return;
    }
    for (size_t k = 0; k < s->limbs; k++) {
        uint64_t t = x[k];
        x[k] = y[k];
        y[k] = t;
    }
}

static void merge_rows(struct machine *m, const struct word_node *n, uint64_t *out)
{
    size_t limbs = limbs_of(n->width);
    const uint32_t *list = m->p->pool + n->b;
    uint32_t n_a = list[-2], key = list[-1];
    uint64_t *rows = whist_alloc((size_t)n->c * limbs, sizeof *rows);
    uint32_t *order = whist_alloc(n->c, sizeof *order);
    struct merging s = {.rows = rows, .limbs = limbs, .key_from = n->width - key};

    if (rows == NULL || order == NULL) {
        m->status = WHIST_ERR_NOMEM;
        goto out;
    }
    for (uint32_t i = 0; i < n->c; i++) {
        memcpy(rows + i * limbs, value(m, list[i]), limbs * sizeof *rows);
    }
    m->status = network_merge(n_a, n->c - n_a, order, compare_rows, &s);
    for (uint32_t i = 0; m->status == WHIST_OK && i < n->c; i++) {
        memcpy(out + i * limbs, rows + order[i] * limbs, limbs * sizeof *rows);
    }
out:
    whist_free(rows);
    whist_free(order);
}

static void compact_rows(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    size_t limbs = limbs_of(n->width), to = n->c;
    const uint32_t *list = m->p->pool + n->b;

    for (uint32_t i = n->c; i-- > 0;) {
        if (get_bit(value(m, list[i]), n->width - 1)) {
            memcpy(out + --to * limbs, value(m, list[i]), limbs * sizeof *out);
        }
    }
}

static void concat(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < n->c; i++) {
        word_id part = m->p->pool[n->b + i];
        put_bits(out, at, value(m, part), 0, word_width(m->p, part));
        at += word_width(m->p, part);
    }
}

static void extend(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    uint32_t w = word_width(m->p, n->a);
    static const uint64_t ones = UINT64_MAX;

    put_bits(out, 0, value(m, n->a), 0, w);
    for (uint64_t k = w; n->op == WORD_SEXT && get_bit(out, w - 1) && k < n->width;) {
        uint64_t step = n->width - k < 64 ? n->width - k : 64;
        put_bits(out, k, &ones, 0, step);
        k += step;
    }
}

/* ---- Nodes ---- */

static void panic(const struct machine *m, const struct word_node *n, uint64_t *out)
{
    out[0] = *value(m, n->a) & *value(m, n->c);
    if (out[0] != 0 && !m->run->panicked) {
        m->run->panicked = true;
        m->run->site = n->b;
    }
}

static void step(struct machine *m, word_id x)
{
    const struct word_node *n = word_at(m->p, x);
    uint64_t *out = value(m, x);

    switch (n->op) {
    case WORD_CONST:
    case WORD_INPUT:
    case WORD_HELD:
        leaf(m, n, out);
        break;
    case WORD_SELECT:
        memcpy(out, value(m, *value(m, n->a) != 0 ? n->b : n->c), limbs_of(n->width) * sizeof *out);
        break;
    case WORD_ZEXT:
    case WORD_SEXT:
        extend(m, n, out);
        break;
    case WORD_SLICE:
        put_bits(out, 0, value(m, n->a), n->b, n->width);
        break;
    case WORD_CONCAT:
        concat(m, n, out);
        break;
    case WORD_READ:
        read_list(m, n, out);
        break;
    case WORD_DECODE:
        out[0] = word_read_position(*value(m, n->a), n->c) == n->b;
        break;
    case WORD_MERGE:
        merge_rows(m, n, out);
        break;
    case WORD_COMPACT:
        compact_rows(m, n, out);
        break;
    case WORD_PICK: {
        size_t limbs = limbs_of(n->width);
        memcpy(out, value(m, n->a) + n->b * limbs, limbs * sizeof *out);
        break;
    }
    case WORD_PANIC:
        panic(m, n, out);
        break;
    default:
        arithmetic(m, n, out);
    }
}

/* Room for the values of all nodes, zeroed. */
static whist_status prepare(struct interp *run, const struct word_program *p)
{
    size_t total = 0;

    whist_free(run->values);
    whist_free(run->at);
    run->values = NULL;
    run->at = whist_alloc(p->n_nodes + 1, sizeof *run->at);
    if (run->at == NULL) {
        return WHIST_ERR_NOMEM;
    }
    for (size_t i = 0; i < p->n_nodes; i++) {
        const struct word_node *n = &p->nodes[i];
        bool rows = n->op == WORD_MERGE || n->op == WORD_COMPACT;
        run->at[i] = total;
        total += limbs_of(n->width) * (rows ? n->c : 1);
    }
    run->at[p->n_nodes] = total;
    run->values = whist_zalloc(total, sizeof *run->values);
    return run->values == NULL ? WHIST_ERR_NOMEM : WHIST_OK;
}

/* Takes the kept words over to the next segment. */
static whist_status hold(struct interp *run, const struct word_program *p)
{
    size_t total = 0;
    size_t *at = whist_alloc(p->n_kept + 1, sizeof *at);

    for (size_t i = 0; at != NULL && i < p->n_kept; i++) {
        at[i] = total;
        total += limbs_of(word_width(p, p->kept[i]));
    }
    uint64_t *held = whist_alloc(total + 1, sizeof *held);
    if (at == NULL || held == NULL) {
        whist_free(at);
        whist_free(held);
        return WHIST_ERR_NOMEM;
    }
    for (size_t i = 0; i < p->n_kept; i++) {
        memcpy(held + at[i], run->values + run->at[p->kept[i]],
               limbs_of(word_width(p, p->kept[i])) * sizeof *held);
    }
    whist_free(run->held);
    whist_free(run->held_at);
    run->held = held;
    run->held_at = at;
    return WHIST_OK;
}

whist_status interp_segment(struct interp *run, const struct word_program *p)
{
    struct machine m = {.run = run, .p = p};

    TRY(prepare(run, p));
    for (size_t i = 0; i < p->n_nodes; i++) {
        step(&m, (word_id)i);
        TRY(m.status);
    }
    return p->last ? WHIST_OK : hold(run, p);
}

uint64_t word_result_bits(const struct word_program *last)
{
    uint64_t bits = 0;

    for (size_t i = 0; i < last->n_result; i++) {
        bits += word_width(last, last->result[i]);
    }
    return bits;
}

uint64_t word_output_bits(const struct word_program *last)
{
    uint64_t bits = word_result_bits(last);

    if (last->panics != WORD_PANICS_OFF) {
        bits++;
    }
    return last->panics == WORD_PANICS_SITE ? bits + word_site_bits(last->n_sites) : bits;
}

void interp_outputs(const struct interp *run, const struct word_program *last, uint8_t *outputs_out)
{
    uint8_t *out = outputs_out;

    for (size_t i = 0; i < last->n_result; i++) {
        const uint64_t *v = run->values + run->at[last->result[i]];
        for (uint32_t k = word_width(last, last->result[i]); k-- > 0;) {
            *out++ = get_bit(v, k) && !run->panicked;
        }
    }
    if (last->panics != WORD_PANICS_OFF) {
        *out++ = run->panicked;
    }
    if (last->panics == WORD_PANICS_SITE) {
        for (uint32_t k = word_site_bits(last->n_sites); k-- > 0;) {
            *out++ = run->panicked && (run->site >> k & 1) != 0;
        }
    }
}

void interp_clear(struct interp *run)
{
    whist_free(run->values);
    whist_free(run->at);
    whist_free(run->held);
    whist_free(run->held_at);
    *run = (struct interp){0};
}

whist_status interp_run(const struct word_program *p, uint8_t *outputs_out, const uint8_t *inputs)
{
    struct interp run = {.inputs = inputs};
    whist_status st = interp_segment(&run, p);

    if (st == WHIST_OK) {
        interp_outputs(&run, p, outputs_out);
    }
    interp_clear(&run);
    return st;
}
