/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Rewriting of word-level programs: the same outputs from fewer gates. */
#ifndef WHIST_LANG_OPT_H
#define WHIST_LANG_OPT_H

#include "lang/word.h"

/*
 * Makes a program with the same inputs, outputs, kept words and checks. Dead nodes are left out;
 * operations under exclusive conditions are shared (opt_share.c); selections are put together.
 * On failure program_out is cleared. Time is linear in the size of the program.
 */
WHIST_MUST_CHECK whist_status opt_program(struct word_program *program_out,
                                          const struct word_program *program);

#endif
