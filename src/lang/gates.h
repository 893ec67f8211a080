/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gates of a word-level program. */
#ifndef WHIST_LANG_GATES_H
#define WHIST_LANG_GATES_H

#include <whist/circuit.h>

#include "lang/word.h"

/*
 * The circuit of a program that is one segment. Inputs: a group for each party that has input bits,
 * in order; outputs: one group with the bits in the order of word.h (Layout). A program without any
 * output bit gets one that is 0. The operations may have been rewritten (opt.h) before or not.
 */
whist_status gates_circuit(struct whist_circuit **circuit_out, const struct word_program *program,
                           struct whist_error *err);

#endif
