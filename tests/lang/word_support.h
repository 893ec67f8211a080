/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the tests of word-level programs share: programs made by hand, interpreter against gates. */
#ifndef WHIST_WORD_SUPPORT_H
#define WHIST_WORD_SUPPORT_H

#include <whist/circuit.h>

#include "circuit/circuit_internal.h"
#include "harness.h"
#include "lang/gates.h"
#include "lang/interp.h"
#include "rng.h"

/* An empty program whose one party has n input bits. */
static inline void program_init(struct word_program *p, uint32_t n, enum word_panics panics)
{
    word_init(p);
    p->input_widths = whist_alloc(1, sizeof *p->input_widths);
    CHECK(p->status == WHIST_OK && p->input_widths != NULL);
    p->input_widths[0] = n;
    p->n_inputs = 1;
    p->panics = panics;
}

static inline struct whist_circuit *circuit_of(const struct word_program *p)
{
    struct whist_circuit *c;
    struct whist_error err;
    CHECK(p->status == WHIST_OK);
    CHECK_OK(gates_circuit(&c, p, &err), err);
    return c;
}

/* Bits of a number, the most significant first, as inputs are. */
static inline void put_number(uint8_t *bits, uint64_t v, uint32_t width)
{
    for (uint32_t k = 0; k < width; k++) {
        bits[width - 1 - k] = v >> k & 1;
    }
}

static inline void check_inputs(const struct word_program *p, const struct whist_circuit *c,
                                const uint8_t *in, const char *what)
{
    static uint8_t want[1 << 16], got[1 << 16];
    struct whist_error err;
    size_t n = word_output_bits(p);

    CHECK(n <= sizeof want && c->n_output_bits == (n != 0 ? n : 1));
    CHECK(interp_run(p, want, in) == WHIST_OK);
    CHECK_OK(whist_circuit_eval(c, got, in, &err), err);
    for (size_t i = 0; i < n; i++) {
        if (want[i] != got[i]) {
            fprintf(stderr, "%s: output bit %zu of %zu is %u; inputs ", what, i, n, got[i]);
            for (uint32_t k = 0; k < c->n_input_bits; k++) {
                fputc('0' + in[k], stderr);
            }
            fputc('\n', stderr);
            exit(1);
        }
    }
}

#endif
