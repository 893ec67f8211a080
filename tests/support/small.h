/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A small computation of 2 to 4 parties in two chunks: for tests that run it thousands of times. */
#ifndef WHIST_TEST_SMALL_H
#define WHIST_TEST_SMALL_H

#include "parties.h"

#define SMALL_CHUNK 3 /* AND gates of a chunk; the circuit has 5 */

/* Two input bits of every party; XOR, AND, NOT; two output groups. */
struct whist_circuit *small_circuit(size_t n);

/* A run of it with what it needs beside. */
struct small_run {
    uint8_t inputs[8], seeds[4][16], deal_seed[16];
    uint8_t *expected;
    size_t n_out;
    struct whist_hooks hooks[4];
    struct party_watch watch; /* its ctx is the run */
    void *extra;              /* the test's own */
    struct party_setup setup;
};

/* Prepares a run whose inputs and randomness depend on `number`. dealt: set-up by the dealer. The
 * run may be changed before parties_run, but not moved or copied. */
void small_init(struct small_run *r, const struct whist_circuit *circuit, size_t n, uint64_t number,
                bool dealt);
void small_clear(struct small_run *r);

/* Every party that ran to the end and receives must have the right output, every other one an error
 * with a phase. Returns how many ended well. what: the case, for the message. */
size_t small_check(const struct small_run *r, const struct party_result *res, const char *what);

#endif
