/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "lang/network.h"

/* Rows first, first + stride, …: n of them. */
struct rows {
    uint32_t first, stride, n;
};

static struct rows evens(struct rows r)
{
    return (struct rows){r.first, 2 * r.stride, r.n / 2 + r.n % 2};
}

static struct rows odds(struct rows r)
{
    return (struct rows){r.first + r.stride, 2 * r.stride, r.n / 2};
}

static uint32_t copy_rows(uint32_t *out, struct rows r)
{
    for (uint32_t i = 0; i < r.n; i++) {
        out[i] = r.first + i * r.stride;
    }
    return r.n;
}

/*
 * Writes the order of a and b merged to out; scratch is as long. The numbers of rows halve with
 * every level, so it is at most 32 deep.
 * NOLINTNEXTLINE(misc-no-recursion)
 */
static void merge(struct rows a, struct rows b, uint32_t *out, uint32_t *scratch, network_step step,
                  void *ctx)
{
    if (a.n == 0 || b.n == 0) {
        copy_rows(out, a.n != 0 ? a : b);
        return;
    }
    if (a.n == 1 && b.n == 1) {
        out[0] = a.first;
        out[1] = b.first;
        step(ctx, out[0], out[1]);
        return;
    }
    uint32_t n_even = evens(a).n + evens(b).n, n_odd = odds(a).n + odds(b).n;
    uint32_t *even = scratch, *odd = scratch + n_even;
    merge(evens(a), evens(b), even, out, step, ctx);
    merge(odds(a), odds(b), odd, out + n_even, step, ctx);
    /* The first is the first of the even ones; then each odd one meets the next even one. */
    uint32_t n = 0;
    out[n++] = even[0];
    for (uint32_t i = 0; i < n_odd; i++) {
        out[n++] = odd[i];
        if (i + 1 < n_even) {
            out[n++] = even[i + 1];
            step(ctx, odd[i], even[i + 1]);
        }
    }
    if (n_odd + 1 < n_even) {
        out[n] = even[n_even - 1];
    }
}

/* Comparators of rows of which those from `from` on are numbered backwards, up to n. */
struct turned {
    network_step step;
    void *ctx;
    uint32_t from, n;
};

static uint32_t turn(const struct turned *t, uint32_t row)
{
    return row < t->from ? row : t->from + t->n - 1 - row;
}

static void turned_step(void *ctx, uint32_t low, uint32_t high)
{
    const struct turned *t = ctx;
    t->step(t->ctx, turn(t, low), turn(t, high));
}

/*
 * Rows 0 … n−1 are ascending and then descending; the network is that of the power of two from n
 * on, with its first wires left out, as if they had rows that are never greater than others.
 */
static void bitonic(uint32_t n, network_step step, void *ctx)
{
    uint32_t wires = 1;

    while (wires < n) {
        wires *= 2;
    }
    for (uint32_t half = wires / 2, out = wires - n; half != 0; half /= 2) {
        for (uint32_t i = out; i < wires; i++) {
            if ((i & half) == 0) {
                step(ctx, i - out, i + half - out);
            }
        }
    }
}

/* The second table is read from its end. */
static void merge_small(uint32_t n_a, uint32_t n_b, uint32_t *order_out, network_step step,
                        void *ctx)
{
    uint32_t n = n_a + n_b;
    struct turned turned = {step, ctx, n_a, n};

    bitonic(n, turned_step, &turned);
    for (uint32_t i = 0; i < n; i++) {
        order_out[i] = i < n_a ? i : n_a + n - 1 - i;
    }
}

whist_status network_merge(uint32_t n_a, uint32_t n_b, uint32_t *order_out, network_step step,
                           void *ctx)
{
    struct rows a = {0, 1, n_a}, b = {n_a, 1, n_b};
    uint32_t *scratch = whist_alloc((size_t)n_a + n_b, sizeof *scratch);

    WHIST_REQUIRE(n_b <= UINT32_MAX / 2 && n_a <= UINT32_MAX / 2);
    if (scratch == NULL) {
        return WHIST_ERR_NOMEM;
    }
    if (n_a + n_b <= NETWORK_SMALL) {
        merge_small(n_a, n_b, order_out, step, ctx);
    } else {
        merge(a, b, order_out, scratch, step, ctx);
    }
    whist_free(scratch);
    return WHIST_OK;
}
