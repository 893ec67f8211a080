/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A program as the public header has it: what the front end, the executor and the gates made. */
#ifndef WHIST_LANG_PROGRAM_H
#define WHIST_LANG_PROGRAM_H

#include <whist/lang.h>

#include "lang/diag.h"
#include "lang/layout.h"
#include "lang/word.h"

struct whist_program {
    struct whist_program_options options;
    struct lang_unit *unit;
    struct whist_diagnostic *diags;
    size_t n_diags;
    bool correct;     /* the source has no errors */
    uint8_t hash[32]; /* of the source */
    /* After whist_program_bind: */
    bool bound;
    const struct lang_fn *entry;
    whist_panics panics;
    struct layout layout;
    struct word_program words; /* the whole program, or its last segment */
    size_t n_segments;
    /* Made of a description: the types are those of some other program, whose sites these are; the
     * words give zeros and nobody may ask for them. */
    bool described;
    struct whist_outcome *described_sites; /* words.n_sites of them */
};

/* Reads the comments before the first definition; WHIST_ERR_FORMAT: the line says something
 * unknown, or it twice. */
WHIST_MUST_CHECK whist_status program_header(struct whist_bytes source, whist_panics *panics_out,
                                             unsigned *line_out);

/* Makes the bound program again: the segments but the last go to the sink (NULL: there is only one
 * segment, however large); the last one is the caller's to clear. */
WHIST_MUST_CHECK whist_status program_run(const struct whist_program *p, struct word_sink *sink,
                                          struct word_program *last_out, struct whist_error *err);

static inline const struct lang_type *program_type(const struct whist_type *t)
{
    return (const struct lang_type *)(const void *)t;
}
static inline const struct whist_type *public_type(const struct lang_type *t)
{
    return (const struct whist_type *)(const void *)t;
}

/* Line and column of a stretch of the source. */
struct whist_place program_place(const struct whist_program *p, struct lang_span span);

#endif
