/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The symbolic executor: runs a checked and bound program on words instead of values. Functions are
 * inlined, loops unrolled, both arms of a secret condition run; what is known stays known. */
#ifndef WHIST_LANG_EXEC_H
#define WHIST_LANG_EXEC_H

#include "lang/layout.h"
#include "lang/word.h"

struct exec_options {
    enum word_panics panics;
    bool thorough;                /* of the program */
    uint64_t max_steps;           /* expressions, statements and nodes; 0: EXEC_MAX_STEPS */
    bool (*cancelled)(void *arg); /* may be NULL */
    void *cancelled_arg;
    const uint8_t *inputs;  /* one bit a byte: the program of these inputs alone; NULL: of all */
    struct word_sink *sink; /* takes the segments but the last; NULL: one segment */
    size_t segment_nodes;   /* a segment has about so many, or as many as words are alive; 0:
                               EXEC_SEGMENT_NODES */
};
#define EXEC_MAX_STEPS     ((uint64_t)1 << 30)
#define EXEC_SEGMENT_NODES ((size_t)1 << 17)

/* Deepest nesting of expressions and statements, over all calls. */
#define EXEC_MAX_DEPTH 8000

/*
 * Makes the program of a function: the only segment or the last one. The layout is that of the
 * unit. WHIST_ERR_LIMIT (too many steps, too deep, too wide), WHIST_ERR_NOMEM,
 * WHIST_ERR_CANCELLED; the program is then cleared.
 */
WHIST_MUST_CHECK whist_status exec_program(struct word_program *program_out,
                                           const struct layout *layout, const struct lang_fn *entry,
                                           const struct exec_options *options,
                                           struct whist_error *err);

/* Does each element of the only parameter come from a party of its own? */
bool exec_is_array_entry(const struct lang_fn *entry);

#endif
