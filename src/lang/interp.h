/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The interpreter of word-level programs: the oracle for everything behind them. */
#ifndef WHIST_LANG_INTERP_H
#define WHIST_LANG_INTERP_H

#include "lang/word.h"

/* A run over the segments of a program, in order. All-zero but for inputs is the start. */
struct interp {
    const uint8_t *inputs; /* one bit a byte, all parties in order; borrowed */
    uint64_t *values;      /* limbs of 64 bits of all nodes of the segment */
    size_t *at;            /* where each node's limbs begin */
    uint64_t *held;        /* the kept words of the segment before, each in whole limbs */
    size_t *held_at;
    bool panicked;
    uint32_t site; /* number, valid after a panic */
};

/* Computes a segment; WHIST_ERR_NOMEM. */
WHIST_MUST_CHECK whist_status interp_segment(struct interp *run, const struct word_program *p);
/* After the last segment: output bits in the layout of word.h (interp_output_bits of them). */
void interp_outputs(const struct interp *run, const struct word_program *last,
                    uint8_t *outputs_out);
/* Frees. The struct may be used again after it is filled in anew. */
void interp_clear(struct interp *run);

/* Bits of the result, and of all outputs: result, flag, site. */
uint64_t word_result_bits(const struct word_program *last);
uint64_t word_output_bits(const struct word_program *last);

/* A program in one segment, from inputs to outputs. */
WHIST_MUST_CHECK whist_status interp_run(const struct word_program *p, uint8_t *outputs_out,
                                         const uint8_t *inputs);

#endif
