/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The meaning of a program, word by word from docs/language.md: walks the checked tree with the
 * inputs at hand. Nothing of the executor, the words, the optimiser and the gates is used. */
#ifndef WHIST_ORACLE_H
#define WHIST_ORACLE_H

#include "lang/tree.h"

/* Runs the function on its parameters (one byte a bit, one after the other) and writes the bits of
 * the result. Returns the site where it panics, or LANG_NO_SITE; then the result is zero. The
 * tables of joins must be in order. */
uint32_t oracle_run(uint8_t *bits_out, const struct lang_fn *fn, const uint8_t *params);

#endif
