/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A sink that interprets a program segment by segment. */
#ifndef WHIST_SEGMENTS_H
#define WHIST_SEGMENTS_H

#include "lang/interp.h"

struct segments {
    struct word_sink sink;
    struct interp run;
};

static inline whist_status take_segment(struct word_sink *sink, const struct word_program *segment,
                                        struct whist_error *err)
{
    (void)err;
    return interp_segment(&((struct segments *)sink)->run, segment);
}

#endif
