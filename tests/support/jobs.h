/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Many independent small runs, several at a time: most of them wait more than they compute. */
#ifndef WHIST_TEST_JOBS_H
#define WHIST_TEST_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Calls job(ctx, k) for k = 0 … count − 1, on n_workers threads. */
void run_jobs(size_t count, size_t n_workers, void (*job)(void *ctx, size_t k), void *ctx);

/* A number that depends on x and looks random (SplitMix64's mixing function). */
uint64_t mix(uint64_t x);

/* Whether the k-th of many cases is in the part of a sweep that test_scale asks for: a seeded tenth
 * under sanitizers, all of it otherwise. */
bool in_sweep(uint64_t k);

#endif
