/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What each place of a program costs in gates. */
#ifndef WHIST_LANG_COST_H
#define WHIST_LANG_COST_H

#include "lang/word.h"

/* Called for stretches of gates due to one byte of the source (UINT32_MAX: to none), in the order
 * they are made; only gates that the outputs need are counted. */
typedef void (*cost_visit)(void *ctx, uint32_t place, uint64_t n_ands, uint64_t n_gates);

/* The gates of a program that is one segment. */
WHIST_MUST_CHECK whist_status cost_walk(const struct word_program *program, cost_visit visit,
                                        void *ctx, struct whist_error *err);

#endif
