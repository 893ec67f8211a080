/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Gadgets: operations of the word-level program on wires, where the builder has none. Words are
 * least significant bit first. Errors are remembered by the builder.
 */
#ifndef WHIST_LANG_GADGET_H
#define WHIST_LANG_GADGET_H

#include "circuit/builder.h"

/* ---- Arithmetic (gadget_arith.c); out may not overlap operands ---- */

/* xy mod 2^n and whether the exact product differs from it, as unsigned or signed numbers. */
void gadget_mul(struct whist_builder *b, whist_wire *out, whist_wire *overflow_out,
                const whist_wire *x, const whist_wire *y, size_t n, bool is_signed);
/* Quotient and remainder as whist_builder_div gives them. */
void gadget_div(struct whist_builder *b, whist_wire *quotient_out, whist_wire *remainder_out,
                const whist_wire *x, const whist_wire *y, size_t n, bool is_signed);
/* The same for constant divisors, if there is a way that is cheaper than the divider
 * (gadget_const.c); false if there is none and nothing was written. */
bool gadget_div_constant(struct whist_builder *b, whist_wire *quotient_out,
                         whist_wire *remainder_out, const whist_wire *x, const whist_wire *y,
                         size_t n, bool is_signed);
/* x = 0 in a chain from the top, which a division by x has too. */
whist_wire gadget_is_zero(struct whist_builder *b, const whist_wire *x, size_t n, bool is_signed);
/* x = 10…0 in a chain from the lowest bit, which the negation of x has too. */
whist_wire gadget_is_min(struct whist_builder *b, const whist_wire *x, size_t n);

/* ---- Arrays (gadget_index.c) ---- */

/* Bits that tell n numbers apart: ⌈log2 n⌉. */
size_t gadget_index_bits(size_t n);
/* One of `count` wires by the low bits of index, which has n_index bits (missing ones are 0);
 * word_read_position says which for an index beyond. Destroys `column`. count − 1 ANDs. */
whist_wire gadget_read(struct whist_builder *b, whist_wire *column, size_t count,
                       const whist_wire *index, size_t n_index);
/* count wires, of which the one that gadget_read takes is 1. At most 2^k − k − 1 ANDs for the k
 * index bits. */
void gadget_decode(struct whist_builder *b, whist_wire *out, size_t count, const whist_wire *index,
                   size_t n_index);

/* ---- Tables (gadget_join.c); n rows of `width` wires one after the other ---- */

/* The merge of network.h, the rows compared by their top `key` wires; rows in order afterwards. */
void gadget_merge(struct whist_builder *b, whist_wire *rows, uint32_t n_a, uint32_t n_b,
                  size_t width, size_t key);
/* Moves the rows whose top wire is 1 to the end, in their order; all others must be all zero.
 * sparse: of two neighbours at most one is 1. */
void gadget_compact(struct whist_builder *b, whist_wire *rows, size_t n, size_t width, bool sparse);

#endif
