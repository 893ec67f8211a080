/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gadgets: merging and compacting tables. */
#include "lang/gadget.h"
#include "lang/network.h"

/* ---- Merge ---- */

struct merge {
    struct whist_builder *b;
    whist_wire *rows;
    size_t width, key;
};

/* Swaps two rows if c is 1; an AND for each wire. */
static void swap_if(struct whist_builder *b, whist_wire c, whist_wire *x, whist_wire *y,
                    size_t width)
{
    for (size_t i = 0; i < width; i++) {
        whist_wire d = whist_builder_and(b, c, whist_builder_xor(b, x[i], y[i]));
        x[i] = whist_builder_xor(b, x[i], d);
        y[i] = whist_builder_xor(b, y[i], d);
    }
}

static void compare_rows(void *ctx, uint32_t low, uint32_t high)
{
    struct merge *m = ctx;
    whist_wire *x = m->rows + low * m->width, *y = m->rows + high * m->width;
    size_t above = m->width - m->key;
    whist_wire swap = whist_builder_less(m->b, y + above, x + above, m->key, false);

    swap_if(m->b, swap, x, y, m->width);
}

void gadget_merge(struct whist_builder *b, whist_wire *rows, uint32_t n_a, uint32_t n_b,
                  size_t width, size_t key)
{
    size_t n = (size_t)n_a + n_b;
    WHIST_REQUIRE(key > 0 && key <= width && n <= SIZE_MAX / width);
    struct merge m = {b, rows, width, key};
    whist_wire *sorted = builder_wires(b, n * width);
    uint32_t *order = builder_ok(b) ? whist_alloc(n, sizeof *order) : NULL;

    if (sorted != NULL && order != NULL &&
        network_merge(n_a, n_b, order, compare_rows, &m) == WHIST_OK) {
        for (size_t j = 0; j < n; j++) {
            memcpy(sorted + j * width, rows + order[j] * width, width * sizeof *rows);
        }
    } else {
        builder_fail(b, WHIST_ERR_NOMEM);
    }
    whist_free(order);
    builder_give(b, rows, sorted, n * width);
}

/* ---- Compaction ---- */

/*
 * Order-preserving compaction (Sasy, Johnson, Goldberg, "Fast fully oblivious compaction and
 * shuffling", CCS 2022, algorithms 1 and 2): N/2·log N swaps. It moves marked rows to the front, so
 * all of this counts rows from the end: row 0 is the last one.
 */
struct compaction {
    struct whist_builder *b;
    whist_wire *rows;
    size_t n, width;
    whist_wire *flags; /* top wires as they were at the beginning */
};

static whist_wire *row_at(const struct compaction *c, size_t i)
{
    return c->rows + (c->n - 1 - i) * c->width;
}

/* Number of flags first … first+n−1, `bits` wires. */
static void count_flags(const struct compaction *c, whist_wire *out, size_t bits, size_t first,
                        size_t n)
{
    struct sum s;
    sum_init(&s, c->b, bits);
    for (size_t i = 0; i < n; i++) {
        sum_bit(&s, c->flags[first + i], 0);
    }
    sum_finish(&s, out, 0);
}

/* out[i] = (i ≥ t) for i < 2^bits: a prefix sum over the one-hot form of t. */
static void thermometer(const struct compaction *c, whist_wire *out, const whist_wire *t,
                        size_t bits)
{
    size_t n = (size_t)1 << bits;
    gadget_decode(c->b, out, n, t, bits);
    for (size_t i = 1; i < n; i++) {
        out[i] = whist_builder_xor(c->b, out[i], out[i - 1]);
    }
}

/*
 * Compacts the 2^bits rows from `first` on to the places from z (bits wires) on, around the end.
 * scratch: 2^bits wires. At most 32 deep.
 * NOLINTBEGIN(misc-no-recursion)
 */
static void compact_to(const struct compaction *c, size_t first, size_t bits, const whist_wire *z,
                       whist_wire *scratch)
{
    struct whist_builder *b = c->b;
    whist_wire m[64], right[64];
    size_t half = (size_t)1 << bits >> 1;

    if (bits == 0 || !builder_ok(b)) {
        return;
    }
    if (bits == 1) { /* the row that is marked alone goes to place z */
        whist_wire swap =
            whist_builder_and(b, whist_builder_not(b, c->flags[first]), c->flags[first + 1]);
        swap_if(b, whist_builder_xor(b, swap, z[0]), row_at(c, first), row_at(c, first + 1),
                c->width);
        return;
    }
    count_flags(c, m, bits, first, half); /* ≤ half: bits wires */
    whist_builder_add(b, right, NULL, z, m, bits);
    compact_to(c, first, bits - 1, z, scratch);
    compact_to(c, first + half, bits - 1, right, scratch);
    /* Whether the first marked rows of the two halves lie in different halves of the result; z mod
     * half + m may reach half itself. */
    whist_wire low_sum[64], s;
    memcpy(low_sum, z, (bits - 1) * sizeof *z);
    low_sum[bits - 1] = 0;
    whist_builder_add(b, low_sum, NULL, low_sum, m, bits);
    s = whist_builder_xor(b, low_sum[bits - 1], z[bits - 1]);
    thermometer(c, scratch, right, bits - 1);
    for (size_t i = 0; i < half && builder_ok(b); i++) {
        swap_if(b, whist_builder_xor(b, s, scratch[i]), row_at(c, first + i),
                row_at(c, first + half + i), c->width);
    }
}

/* Compacts n rows from `first` on to the front: the topmost power of two of them, around its end
 * such that the marked ones of the others, which come before, can take their places. */
static void compact_front(const struct compaction *c, size_t first, size_t n, whist_wire *scratch)
{
    struct whist_builder *b = c->b;
    whist_wire m[64], z[64];
    size_t bits = 0;

    if (n < 2 || !builder_ok(b)) {
        return;
    }
    while ((size_t)2 << bits <= n) {
        bits++;
    }
    size_t power = (size_t)1 << bits, rest = n - power;
    count_flags(c, m, bits + 1, first, rest);
    /* z = (power − rest + m) mod power */
    for (size_t i = 0; i < bits; i++) {
        z[i] = whist_builder_const(b, ((power - rest) >> i & 1) != 0);
    }
    if (bits != 0) {
        whist_builder_add(b, z, NULL, z, m, bits);
    }
    compact_front(c, first, rest, scratch);
    compact_to(c, first + rest, bits, z, scratch);
    if (rest != 0) {
        thermometer(c, scratch, m, bits); /* m ≤ rest < power */
    }
    for (size_t i = 0; i < rest && builder_ok(b); i++) {
        swap_if(b, scratch[i], row_at(c, first + i), row_at(c, first + power + i), c->width);
    }
}
/* NOLINTEND(misc-no-recursion) */

/* Of two neighbours one is zero: adds them, the upper half of the rows becomes zero. Returns how
 * many rows are left, the last ones. */
static size_t add_neighbours(struct whist_builder *b, whist_wire *rows, size_t n, size_t width)
{
    size_t left = n / 2 + n % 2;
    WHIST_REQUIRE(rows != NULL || n == 0);
    for (size_t i = 0; i < left; i++) { /* from the end, in place */
        whist_wire *to = rows + (n - 1 - i) * width;
        const whist_wire *x = rows + (n - 1 - 2 * i) * width;
        const whist_wire *y = 2 * i + 1 < n ? x - width : NULL;
        for (size_t k = 0; k < width; k++) {
            to[k] = y != NULL ? whist_builder_xor(b, x[k], y[k]) : x[k];
        }
    }
    memset(rows, 0, (n - left) * width * sizeof *rows);
    return left;
}

void gadget_compact(struct whist_builder *b, whist_wire *rows, size_t n, size_t width, bool sparse)
{
    WHIST_REQUIRE(width > 0 && n <= SIZE_MAX / 2 / width);
    size_t left = sparse ? add_neighbours(b, rows, n, width) : n;
    struct compaction c = {b, rows + (n - left) * width, left, width, builder_wires(b, left)};
    whist_wire *scratch = builder_wires(b, left);

    if (c.flags != NULL && scratch != NULL) {
        for (size_t i = 0; i < left; i++) {
            c.flags[i] = row_at(&c, i)[width - 1];
        }
        compact_front(&c, 0, left, scratch);
    }
    whist_free(c.flags);
    whist_free(scratch);
}
