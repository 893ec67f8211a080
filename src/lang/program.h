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
    bool correct; /* the source has no errors */
    /* After whist_program_bind: */
    bool bound;
    const struct lang_fn *entry;
    whist_panics panics;
    struct layout layout;
    struct word_program words;
};

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
