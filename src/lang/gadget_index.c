/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gadgets: elements of arrays by secret indices. */
#include "lang/gadget.h"

size_t gadget_index_bits(size_t n)
{
    size_t k = 0;
    while (k < 63 && (uint64_t)1 << k < n) {
        k++;
    }
    return k;
}

/* Halves the column by the lowest index bit, then the next. A wire without a partner stays. */
whist_wire gadget_read(struct whist_builder *b, whist_wire *column, size_t count,
                       const whist_wire *index, size_t n_index)
{
    for (size_t k = 0; count > 1; k++, count = count / 2 + count % 2) {
        whist_wire bit = k < n_index ? index[k] : 0;
        for (size_t i = 0; i < count / 2; i++) {
            column[i] = whist_builder_mux(b, bit, column[2 * i + 1], column[2 * i]);
        }
        if (count % 2 != 0) {
            column[count / 2] = column[count - 1];
        }
    }
    return column[0];
}

/*
 * From the top index bit down: the wires for the numbers of the bits so far are split by the next
 * bit, in place. One without a partner stays. As exactly one of them is 1, all the upper halves add
 * up to the bit itself if everyone has a partner, so the last split is free.
 */
void gadget_decode(struct whist_builder *b, whist_wire *out, size_t count, const whist_wire *index,
                   size_t n_index)
{
    WHIST_REQUIRE(count > 0);
    out[0] = whist_builder_const(b, true);
    for (size_t k = gadget_index_bits(count); k-- > 0;) {
        whist_wire bit = k < n_index ? index[k] : 0, rest = bit;
        size_t n = (count - 1) >> k; /* the last number of this level */
        bool full = n % 2 != 0;
        for (size_t i = n / 2 + 1; i-- > 0;) {
            whist_wire parent = out[i];
            if (2 * i + 1 > n) {
                out[2 * i] = parent;
                continue;
            }
            whist_wire upper = full && i == 0 ? rest : whist_builder_and(b, parent, bit);
            rest = whist_builder_xor(b, rest, upper);
            out[2 * i + 1] = upper;
            out[2 * i] = whist_builder_xor(b, parent, upper);
        }
    }
}
