/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Builder: shifts and array elements, by amounts and indices that are wires. */
#include "circuit/builder.h"

/* Number of low bits of an amount or index that tell values below n apart. */
static size_t bits_below(size_t n)
{
    size_t k = 0;
    while (k < 63 && (uint64_t)1 << k < n) {
        k++;
    }
    return k;
}

static whist_wire any(struct whist_builder *b, const whist_wire *x, size_t n)
{
    whist_wire out = 0;
    for (size_t i = 0; i < n; i++) {
        out = whist_builder_or(b, out, x[i]);
    }
    return out;
}

/* ---- Shifts ---- */

/*
 * Shifts r towards higher indices in place, zeros come in. The stages go from 1 to the largest
 * power of two. Amounts beyond all stages (`over`) give zeros, which costs least in the last stage:
 * its low bits are masked anyway.
 */
static void shift_up(struct whist_builder *b, whist_wire *r, size_t n, const whist_wire *amount,
                     size_t n_stages, whist_wire over)
{
    whist_wire keep = whist_builder_not(b, over);

    for (size_t k = 0; k < n_stages; k++) {
        size_t by = (size_t)1 << k;
        bool last = k + 1 == n_stages;
        whist_wire stay = whist_builder_not(b, amount[k]);
        if (last) {
            stay = whist_builder_and(b, stay, keep);
        }
        for (size_t i = n; i-- > 0 && builder_ok(b);) {
            if (i < by) {
                r[i] = whist_builder_and(b, stay, r[i]);
            } else {
                r[i] = whist_builder_mux(b, amount[k], r[i - by], r[i]);
                r[i] = last ? whist_builder_and(b, keep, r[i]) : r[i];
            }
        }
    }
    if (n_stages == 0) { /* one bit */
        r[0] = whist_builder_and(b, keep, r[0]);
    }
}

void whist_builder_shift(struct whist_builder *b, whist_wire *out, const whist_wire *x, size_t n,
                         const whist_wire *amount, size_t n_amount, whist_shift kind)
{
    WHIST_REQUIRE(n > 0 && n_amount > 0);
    whist_wire *r = builder_wires(b, n), *t = builder_wires(b, n);
    size_t n_stages = bits_below(n) < n_amount ? bits_below(n) : n_amount;

    if (r != NULL && t != NULL) {
        bool left = kind == WHIST_SHIFT_LEFT;
        /* XORed with the sign, signs come in as zeros. */
        whist_wire sign = kind == WHIST_SHIFT_RIGHT_SIGNED ? x[n - 1] : 0;
        for (size_t i = 0; i < n; i++) {
            t[left ? i : n - 1 - i] = whist_builder_xor(b, x[i], sign);
        }
        shift_up(b, t, n, amount, n_stages, any(b, amount + n_stages, n_amount - n_stages));
        for (size_t i = 0; i < n; i++) {
            r[i] = whist_builder_xor(b, t[left ? i : n - 1 - i], sign);
        }
    }
    whist_free(t);
    builder_give(b, out, r, n);
}

/* ---- Array elements ---- */

/* index < count, for a count that the index can reach. */
static whist_wire in_range(struct whist_builder *b, const whist_wire *index, size_t n_index,
                           size_t count)
{
    whist_wire less = 0; /* of the bits below i */
    for (size_t i = 0; i < n_index; i++) {
        bool bit = i < 64 && ((uint64_t)count >> i & 1) != 0;
        less =
            bit ? whist_builder_not(b, whist_builder_and(b, index[i], whist_builder_not(b, less)))
                : whist_builder_and(b, whist_builder_not(b, index[i]), less);
    }
    return less;
}

/* Halves the array by the lowest index bit, then the next. An element without a partner stays, or
 * becomes 0 where the bit is 1, if `strict`. */
static void select_tree(struct whist_builder *b, whist_wire *r, size_t count, size_t n,
                        const whist_wire *index, bool strict)
{
    for (; count > 1; count = (count + 1) / 2, index++) {
        for (size_t i = 0; i < count / 2 && builder_ok(b); i++) {
            for (size_t k = 0; k < n; k++) {
                r[i * n + k] =
                    whist_builder_mux(b, *index, r[(2 * i + 1) * n + k], r[2 * i * n + k]);
            }
        }
        for (size_t k = 0; k < n && count % 2 != 0; k++) {
            whist_wire last = r[(count - 1) * n + k];
            r[count / 2 * n + k] =
                strict ? whist_builder_and(b, whist_builder_not(b, *index), last) : last;
        }
    }
}

void whist_builder_index(struct whist_builder *b, whist_wire *out, const whist_wire *array,
                         size_t count, size_t n, const whist_wire *index, size_t n_index)
{
    WHIST_REQUIRE(n > 0 && count > 0 && n_index > 0);
    size_t n_bits = bits_below(count);
    /* Elements that a short index cannot reach. */
    if (n_index < n_bits) {
        count = (size_t)1 << n_index;
        n_bits = n_index;
    }
    whist_wire *r = count <= SIZE_MAX / n ? builder_wires(b, count * n) : NULL;
    size_t odd = 0; /* levels at which an element has no partner */
    for (size_t c = count; c > 1; c = (c + 1) / 2) {
        odd += c % 2;
    }
    /* One such level alone costs no more than the mask that makes up for all. */
    bool strict = n_index == n_bits && odd <= 1;
    if (r != NULL) {
        memcpy(r, array, count * n * sizeof *r);
        select_tree(b, r, count, n, index, strict);
        whist_wire good =
            strict ? whist_builder_const(b, true) : in_range(b, index, n_index, count);
        for (size_t k = 0; k < n; k++) {
            out[k] = whist_builder_and(b, good, r[k]);
        }
    } else {
        builder_fail(b, WHIST_ERR_NOMEM);
        memset(out, 0, n * sizeof *out);
    }
    whist_free(r);
}
