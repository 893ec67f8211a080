/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the fuzz targets share. */
#ifndef WHIST_FUZZ_H
#define WHIST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* A target: called with any bytes; it aborts where something does not hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process with a trace unless cond holds. */
#define HOLDS(cond) ((cond) ? (void)0 : abort())

#endif
