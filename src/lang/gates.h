/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gates of a word-level program. */
#ifndef WHIST_LANG_GATES_H
#define WHIST_LANG_GATES_H

#include "circuit/circuit_internal.h"
#include "lang/word.h"

/*
 * The circuit of a program that is one segment. Inputs: a group for each party that has input bits,
 * in order; outputs: one group with the bits in the order of word.h (Layout). A program without any
 * output bit gets one that is 0. The program is rewritten (opt.h) on the way.
 */
whist_status gates_circuit(struct whist_circuit **circuit_out, const struct word_program *program,
                           struct whist_error *err);

/*
 * What makes a program again whenever its gates are wanted: always the same segments, each given to
 * sink->segment (which may ask for an end by returning an error), the last one with its result.
 */
struct gates_producer {
    whist_status (*run)(void *ctx, struct word_sink *sink, struct whist_error *err);
    void (*free)(void *ctx); /* may be NULL; called when the source is freed */
    void *ctx;
};

/* Appends the bits of each party that has input bits. */
whist_status gates_inputs(struct numbers *widths, const struct word_program *p);

/*
 * Gives all gates of a program to `put`, in one pass. Inputs and outputs as of gates_circuit.
 * *output_slots_out: where the outputs are, the caller's to free.
 */
whist_status gates_stream(uint32_t **output_slots_out, const struct gates_producer *producer,
                          whist_status (*put)(void *ctx, const struct whist_gate *gates, size_t n),
                          void *ctx, struct whist_error *err);

/*
 * A source of the gates of a program, made as they are pulled: needs memory for the largest
 * segment. Inputs and outputs as of gates_circuit. Makes the program once at once, to count and to
 * hash, and again after each rewind, on a thread of its own while gates are pulled. On failure the
 * producer is the caller's still.
 */
whist_status gates_source_new(struct whist_gate_source **source_out,
                              const struct gates_producer *producer, struct whist_error *err);

#endif
