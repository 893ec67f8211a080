/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* JSON Schema, as much of draft 2020-12 as the schemas in docs/ use: type, const, pattern,
 * maxLength, minimum, maximum, required, properties, additionalProperties (false), items,
 * minItems, maxItems, oneOf, $ref into $defs. A keyword that is not known
 * fails the test. */
#ifndef WHIST_TEST_SCHEMA_H
#define WHIST_TEST_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether the value holds to the schema; why: a sentence if not. */
bool schema_holds(const json_t *schema, const json_t *value, char *why, size_t why_size);

#endif
