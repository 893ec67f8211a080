/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Random well-typed programs: all types, nested control flow, arrays, joins, panics. */
#ifndef WHIST_PROGRAM_GEN_H
#define WHIST_PROGRAM_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes the source of program number `seed` to out (NUL-terminated) and returns its length. The
 * entry function main has two or three parameters. safe: no panics are meant to happen and indices
 * are in bounds, so that the program also makes sense without checks. */
size_t program_gen(uint64_t seed, bool safe, char *out, size_t cap);

#endif
