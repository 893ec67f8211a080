/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the word-level program, for the files that make and interpret nodes. */
#ifndef WHIST_LANG_WORD_IMPL_H
#define WHIST_LANG_WORD_IMPL_H

#include <stdio.h>

#include "lang/word.h"

/* The node, which is not looked up, now or later; place is filled in. */
word_id word_append(struct word_program *p, struct word_node n);
/* The node, or an equal one that is there already; place is filled in, max is cut to the width. */
word_id word_make(struct word_program *p, struct word_node n);
/* A node with a list, which is put into the pool, after the two numbers of head (may be NULL). The
 * list must not lie in the pool. */
word_id word_list(struct word_program *p, struct word_node n, const word_id *list, size_t len,
                  const uint32_t head[2]);
/* Makes room for `need` elements; false after remembering the error. */
bool word_grow(struct word_program *p, void **array, size_t *cap, size_t need, size_t size);

/* Result of one bit: overflow and comparison. */
bool word_is_predicate(enum word_op op);
/* NOT … SAR on operands of w ≤ 64 bits (y of NOT and NEG is ignored; the amount of a shift is a
 * number of its own). */
uint64_t word_compute(enum word_op op, uint32_t w, uint64_t x, uint64_t y);

#endif
