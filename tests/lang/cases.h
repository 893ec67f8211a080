/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Cases of programs with known answers, a JSON object each (../shared/garble, tests/lang/cases). */
#ifndef WHIST_TESTS_LANG_CASES_H
#define WHIST_TESTS_LANG_CASES_H

#include <jansson.h>
#include <whist/lang.h>

#include "harness.h"

enum { CASE_CONSTS = 64 };

/* The text of this key, or "". */
static inline const char *text_of(const json_t *c, const char *key)
{
    const char *s = json_string_value(json_object_get(c, key));
    return s != NULL ? s : "";
}

/* The constants that the case gives; how many. They live as long as the case. */
static inline size_t consts_of(const json_t *c, struct whist_program_const consts_out[CASE_CONSTS])
{
    size_t n = 0;
    const char *party, *name;
    json_t *names, *value;

    json_object_foreach(json_object_get(c, "consts"), party, names)
    {
        json_object_foreach(names, name, value)
        {
            CHECK(n < CASE_CONSTS);
            consts_out[n++] = (struct whist_program_const){party, name, json_string_value(value)};
        }
    }
    return n;
}

#endif
