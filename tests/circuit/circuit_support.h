/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the circuit tests share: a seeded generator, random circuits, files. */
#ifndef WHIST_CIRCUIT_SUPPORT_H
#define WHIST_CIRCUIT_SUPPORT_H

#include <stdio.h>
#include <whist/circuit.h>

#include "circuit/circuit_internal.h"
#include "harness.h"
#include "rng.h"

static inline void rng_bits(struct rng *r, uint8_t *bits, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bits[i] = rng_next(r) >> 40 & 1;
    }
}

/* Bits of a number of up to 64 bits, zeros above. */
static inline void set_bits(uint8_t *bits, uint64_t v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bits[i] = i < 64 ? v >> i & 1 : 0;
    }
}

static inline struct whist_builder *new_builder(void)
{
    struct whist_builder *b;
    struct whist_error err;
    CHECK_OK(whist_builder_new(&b, &err), err);
    return b;
}

static inline struct whist_circuit *finish(struct whist_builder *b)
{
    struct whist_circuit *c;
    struct whist_error err;
    CHECK_OK(whist_builder_finish(b, &c, &err), err);
    whist_builder_free(b);
    return c;
}

/* The whole file; false if it cannot be opened. */
static inline bool read_file(struct whist_buffer *out, const char *path)
{
    FILE *f = fopen(path, "rb");
    char chunk[65536];
    size_t n;

    if (f == NULL) {
        return false;
    }
    while ((n = fread(chunk, 1, sizeof chunk, f)) != 0) {
        CHECK(whist_buffer_append(out, chunk, n) == WHIST_OK);
    }
    fclose(f);
    return true;
}

/* A circuit of up to max_gates gates of all kinds; outputs may repeat and may be inputs; inputs and
 * gates may be dead. */
static inline struct whist_circuit *random_circuit(struct rng *r, uint32_t max_gates)
{
    struct whist_circuit *c = whist_zalloc(1, sizeof *c);
    struct whist_error err;
    uint32_t wires;

    CHECK(c != NULL);
    c->n_inputs = 1 + rng_below(r, 3);
    c->n_outputs = 1 + rng_below(r, 3);
    c->n_gates = rng_below(r, max_gates + 1);
    c->input_widths = whist_alloc(c->n_inputs, sizeof(uint32_t));
    c->output_widths = whist_alloc(c->n_outputs, sizeof(uint32_t));
    c->gates = whist_zalloc(c->n_gates, sizeof *c->gates);
    CHECK(c->input_widths != NULL && c->output_widths != NULL && c->gates != NULL);
    for (size_t i = 0; i < c->n_inputs; i++) {
        c->n_input_bits += c->input_widths[i] = 1 + rng_below(r, 10);
    }
    for (size_t i = 0; i < c->n_outputs; i++) {
        c->n_output_bits += c->output_widths[i] = 1 + rng_below(r, 10);
    }
    wires = c->n_input_bits;
    for (uint32_t k = 0; k < c->n_gates; k++) {
        uint32_t op = rng_below(r, 12), near = wires < 40 || rng_below(r, 4) == 0 ? wires : 40;
        op = op > WHIST_OP_CONST1 ? op & 1 : op;
        uint32_t a = wires - 1 - rng_below(r, near), b = wires - 1 - rng_below(r, near);
        c->gates[k] = gate_pack(op, op_reads_a(op) ? a : 0, b);
        wires++;
    }
    c->outputs = whist_alloc(c->n_output_bits, sizeof *c->outputs);
    CHECK(c->outputs != NULL);
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        c->outputs[i] = rng_below(r, wires);
    }
    CHECK_OK(whist_circuit_seal(c, &err), err);
    return c;
}

/* Evaluates the circuit and a source over it on random inputs. */
static inline void check_source_equals_circuit(struct rng *r, const struct whist_circuit *c)
{
    struct whist_gate_source *src;
    struct whist_error err;
    uint8_t *in = whist_alloc(c->n_input_bits, 1);
    uint8_t *out[2] = {whist_alloc(c->n_output_bits, 1), whist_alloc(c->n_output_bits, 1)};

    CHECK(in != NULL && out[0] != NULL && out[1] != NULL);
    CHECK_OK(whist_circuit_source_new(&src, c, &err), err);
    for (int i = 0; i < 3; i++) {
        rng_bits(r, in, c->n_input_bits);
        CHECK_OK(whist_circuit_eval(c, out[0], in, &err), err);
        CHECK_OK(whist_source_eval(src, out[1], in, &err), err);
        CHECK(memcmp(out[0], out[1], c->n_output_bits) == 0);
    }
    whist_gate_source_free(src);
    whist_free(in);
    whist_free(out[0]);
    whist_free(out[1]);
}

#endif
