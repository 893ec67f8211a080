/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A generator of gates: a random function of any number of AND gates, in bounded memory. */
#include <sodium.h>

#include "circuit/circuit_internal.h"

/*
 * Two banks of slots take turns: each layer reads one and writes the other, a cell a slot, so the
 * ANDs of a layer are independent of each other. A cell has 1, 2 or 3 XORs and one AND, for the
 * layers' cells in turn. First every slot is filled with an XOR of input bits, at the end the bank
 * written last is folded into 64 outputs.
 */
enum { N_IN = 128, N_OUT = 64, MIN_BANK = 128, MAX_BANK = 2048, CELL_GATES = 4 };

/* Most AND gates, so that all counts stay far from overflow. */
#define MAX_ANDS ((uint64_t)1 << 48)

struct synthetic {
    struct whist_gate_source base;
    struct whist_circuit_shape shape;
    uint32_t in_widths[2], out_widths[1];
    uint32_t outputs[N_OUT];
    uint32_t bank; /* slots of a bank, a power of two */
    uint64_t n_ands;
    uint64_t random; /* state of the generator */
    uint64_t gate;   /* gates of the first part and of the last part made so far */
    uint64_t ands;   /* cells made so far */
    struct whist_gate cell[CELL_GATES]; /* of a cell that did not fit into the caller's array */
    uint32_t cell_at, cell_len;
};

/* Gates of the first part: slots N_IN … 2·bank − 1. */
static uint64_t fill_gates(const struct synthetic *s)
{
    return 2 * (uint64_t)s->bank - N_IN;
}

/* Gates of the last part: each output gathers bank / 64 slots. */
static uint64_t fold_gates(const struct synthetic *s)
{
    return s->bank - N_OUT;
}

static struct whist_gate fill_gate(struct synthetic *s)
{
    uint32_t out = N_IN + (uint32_t)s->gate;
    uint64_t r = splitmix64(&s->random);
    uint32_t a = (uint32_t)(r & 0xffffffff) % out, b = (uint32_t)(r >> 32) % (out - 1);
    return (struct whist_gate){a, b < a ? b : b + 1, out, WHIST_OP_XOR};
}

/* Folds the bank that the latest cell wrote: slot j gathers j + 64, j + 128, … */
static struct whist_gate fold_gate(struct synthetic *s)
{
    uint32_t k = (uint32_t)(s->gate - fill_gates(s));
    uint32_t base = s->outputs[0], out = base + k % N_OUT;
    return (struct whist_gate){out, base + N_OUT + k, out, WHIST_OP_XOR};
}

/* Writes the cell number s->ands; returns its number of gates. */
static uint32_t make_cell(struct synthetic *s, struct whist_gate *g)
{
    uint32_t mask = s->bank - 1;
    uint64_t layer = s->ands / s->bank;
    uint32_t from = (layer & 1) != 0 ? s->bank : 0, to = s->bank - from;
    uint32_t out = to + ((uint32_t)s->ands & mask);
    uint64_t r = splitmix64(&s->random);
    uint32_t a = from + ((uint32_t)r & mask), b = from + ((uint32_t)(r >> 12) & mask);
    uint32_t c = from + ((uint32_t)(r >> 24) & mask), d = from + ((uint32_t)(r >> 36) & mask);
    uint32_t e = from + ((uint32_t)(r >> 48) & mask);
    uint32_t kind = (uint32_t)(s->ands++ % 3), n = 0;

    if (kind != 0) {
        g[n++] = (struct whist_gate){a, d, out, WHIST_OP_XOR};
        a = out;
    }
    g[n++] = (struct whist_gate){a, b, out, WHIST_OP_AND};
    g[n++] = (struct whist_gate){out, c, out, WHIST_OP_XOR};
    if (kind == 2) {
        g[n++] = (struct whist_gate){out, e, out, WHIST_OP_XOR};
    }
    return n;
}

static size_t take_cell(struct synthetic *s, struct whist_gate *gates_out, size_t max)
{
    size_t n = 0;
    for (; n < max && s->cell_at < s->cell_len; n++) {
        gates_out[n] = s->cell[s->cell_at++];
    }
    return n;
}

static whist_status synthetic_next(struct whist_gate_source *src, struct whist_gate *gates_out,
                                   size_t max, size_t *n_out, struct whist_error *err)
{
    struct synthetic *s = (struct synthetic *)src;
    uint64_t fill = fill_gates(s), end = fill + fold_gates(s);
    size_t n = 0;

    (void)err;
    WHIST_REQUIRE(max > 0);
    for (; s->gate < fill && n < max; s->gate++) {
        gates_out[n++] = fill_gate(s);
    }
    if (s->gate >= fill) {
        n += take_cell(s, gates_out + n, max - n);
        while (s->ands < s->n_ands && max - n >= CELL_GATES) {
            n += make_cell(s, gates_out + n);
        }
        while (s->ands < s->n_ands && n < max) {
            s->cell_len = make_cell(s, s->cell);
            s->cell_at = 0;
            n += take_cell(s, gates_out + n, max - n);
        }
        for (; s->ands == s->n_ands && s->gate < end && n < max; s->gate++) {
            gates_out[n++] = fold_gate(s);
        }
    }
    *n_out = n;
    return WHIST_OK;
}

static const struct whist_circuit_shape *synthetic_shape(const struct whist_gate_source *src)
{
    return &((const struct synthetic *)src)->shape;
}

static const uint32_t *synthetic_output_slots(const struct whist_gate_source *src)
{
    return ((const struct synthetic *)src)->outputs;
}

static whist_status synthetic_rewind(struct whist_gate_source *src, struct whist_error *err)
{
    struct synthetic *s = (struct synthetic *)src;
    (void)err;
    s->random = s->n_ands;
    s->gate = s->ands = 0;
    s->cell_at = s->cell_len = 0;
    return WHIST_OK;
}

static void synthetic_free(struct whist_gate_source *src)
{
    whist_free(src);
}

static const struct whist_gate_source_ops synthetic_ops = {
    .shape = synthetic_shape,
    .next = synthetic_next,
    .output_slots = synthetic_output_slots,
    .rewind = synthetic_rewind,
    .free = synthetic_free,
};

static void synthetic_describe(struct synthetic *s)
{
    static const char domain[] = "whist synthetic 1";
    uint8_t text[sizeof domain + 8];
    /* The last cell wrote into bank 1 in even layers, 0 in odd ones; without cells take bank 0. */
    uint64_t last_layer = (s->n_ands - 1) / s->bank;
    uint32_t base = s->n_ands != 0 && (last_layer & 1) == 0 ? s->bank : 0;

    for (uint32_t i = 0; i < N_OUT; i++) {
        s->outputs[i] = base + i;
    }
    s->in_widths[0] = s->in_widths[1] = s->out_widths[0] = 64;
    s->shape = (struct whist_circuit_shape){
        .n_slots = 2 * (size_t)s->bank,
        .n_inputs = 2,
        .input_widths = s->in_widths,
        .n_outputs = 1,
        .output_widths = s->out_widths,
        .n_ands = s->n_ands,
        /* cells have 2, 3 and 4 gates in turn */
        .n_gates = fill_gates(s) + s->n_ands / 3 * 9 + (uint64_t[]){0, 2, 5}[s->n_ands % 3] +
                   fold_gates(s),
    };
    memcpy(text, domain, sizeof domain);
    put_le64(text + sizeof domain, s->n_ands);
    crypto_generichash(s->shape.id, sizeof s->shape.id, text, sizeof text, NULL, 0);
}

whist_status whist_synthetic_source_new(struct whist_gate_source **source_out, uint64_t n_ands,
                                        struct whist_error *err)
{
    if (n_ands > MAX_ANDS) {
        return whist_fail(err, WHIST_ERR_LIMIT, WHIST_NO_PEER, NULL,
                          "a synthetic circuit has at most 2^48 AND gates");
    }
    struct synthetic *s = whist_zalloc(1, sizeof *s);
    if (s == NULL) {
        return no_memory(err);
    }
    s->base.ops = &synthetic_ops;
    s->n_ands = n_ands;
    s->bank = MIN_BANK;
    while (s->bank < MAX_BANK && s->bank < n_ands / 4) {
        s->bank *= 2;
    }
    synthetic_describe(s);
    *source_out = &s->base;
    return synthetic_rewind(&s->base, err);
}
