/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Packed circuits as stored circuits and as gate sources. */
#include "circuit/packed.h"

/* ---- Wires of slots ---- */

/* The canonical wire that each slot holds, + 1; 0: the input of that number. */
static whist_status wires_start(struct numbers *wires, const struct packed_reader *r)
{
    wires->v = whist_zalloc(r->n_input_bits, sizeof *wires->v);
    wires->len = wires->cap = r->n_input_bits;
    return wires->v != NULL ? WHIST_OK : no_memory(r->err);
}

static inline uint32_t wire_of(const struct numbers *wires, uint32_t slot)
{
    return wires->v[slot] != 0 ? wires->v[slot] - 1 : slot;
}

/* Names the operands of the gate read last by their wires, and notes its result. */
static inline whist_status to_wires(struct numbers *wires, struct whist_gate *g,
                                    const struct packed_reader *r)
{
    uint32_t out = r->n_input_bits + (uint32_t)(r->n_gates - 1), slot = g->out;

    if (op_reads_a(g->op)) {
        g->a = wire_of(wires, g->a);
        g->b = wire_of(wires, g->b);
    }
    g->out = out;
    if (slot < wires->len) {
        wires->v[slot] = out + 1;
        return WHIST_OK;
    }
    return numbers_push(wires, out + 1) == WHIST_OK ? WHIST_OK : no_memory(r->err);
}

static void outputs_to_wires(const struct numbers *wires, uint32_t *outputs, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        outputs[i] = wire_of(wires, outputs[i]);
    }
}

/* ---- The stored circuit ---- */

static whist_status store_gates(struct packed_reader *r, struct whist_circuit *c,
                                struct numbers *wires)
{
    struct whist_gate g;
    size_t cap = 0;

    for (;;) {
        TRY(packed_next(r, &g));
        if (g.op == PACKED_END) {
            return WHIST_OK;
        }
        TRY(to_wires(wires, &g, r));
        if (c->n_gates == cap) {
            cap += cap / 2 + 1024;
            struct stored_gate *gates = whist_realloc(c->gates, cap, sizeof *gates);
            if (gates == NULL) {
                return no_memory(r->err);
            }
            c->gates = gates;
        }
        c->gates[c->n_gates++] = gate_pack(g.op, g.a, g.b);
    }
}

static whist_status read_circuit(struct packed_reader *r, struct whist_circuit *c,
                                 struct numbers *wires, struct numbers *outputs,
                                 struct whist_buffer *description_out)
{
    TRY(packed_start(r, description_out));
    TRY(wires_start(wires, r));
    c->n_input_bits = r->n_input_bits;
    TRY(store_gates(r, c, wires));
    TRY(packed_finish(r, outputs));
    outputs_to_wires(wires, outputs->v, outputs->len);
    c->n_output_bits = r->n_output_bits;
    c->n_inputs = r->inputs.len;
    c->n_outputs = r->outputs.len;
    c->outputs = numbers_take(outputs);
    c->input_widths = numbers_take(&r->inputs);
    c->output_widths = numbers_take(&r->outputs);
    return whist_circuit_seal(c, r->err);
}

whist_status whist_packed_read(struct whist_circuit **circuit_out,
                               struct whist_buffer *description_out,
                               const struct whist_packed_file *file, struct whist_error *err)
{
    struct packed_reader r = {.file = *file, .err = err};
    struct whist_circuit *c = whist_zalloc(1, sizeof *c);
    size_t len = description_out != NULL ? description_out->len : 0;
    struct numbers wires = {0}, outputs = {0};

    if (c == NULL) {
        return no_memory(err);
    }
    whist_status st = read_circuit(&r, c, &wires, &outputs, description_out);
    if (st == WHIST_OK) {
        *circuit_out = c;
    } else {
        whist_circuit_free(c);
        if (description_out != NULL) {
            description_out->len = len;
        }
    }
    numbers_clear(&wires);
    numbers_clear(&outputs);
    packed_stop(&r);
    return st;
}

/* ---- The source ---- */

struct packed_source {
    struct whist_gate_source base;
    struct packed_reader reader;
    struct whist_circuit_shape shape;
    struct numbers inputs, outputs; /* widths */
    struct numbers output_slots;
    uint8_t digest[PACKED_DIGEST];
    bool started, ended;
};

static const struct whist_circuit_shape *packed_shape(const struct whist_gate_source *src)
{
    return &((const struct packed_source *)src)->shape;
}

static whist_status changed(const struct packed_reader *r)
{
    return packed_fail(r, WHIST_ERR_FORMAT, "the file has changed since it was checked");
}

static bool same(const struct numbers *x, const struct numbers *y)
{
    return x->len == y->len && (x->len == 0 || memcmp(x->v, y->v, x->len * sizeof *x->v) == 0);
}

/* Begins a pass. */
static whist_status start(struct packed_source *s)
{
    struct packed_reader *r = &s->reader;

    TRY(packed_start(r, NULL));
    s->started = true;
    return same(&r->inputs, &s->inputs) && same(&r->outputs, &s->outputs) ? WHIST_OK : changed(r);
}

static whist_status finish(struct packed_source *s)
{
    TRY(packed_finish(&s->reader, NULL));
    s->ended = true;
    return memcmp(s->digest, s->reader.digest, sizeof s->digest) == 0 ? WHIST_OK
                                                                      : changed(&s->reader);
}

static whist_status packed_pull(struct whist_gate_source *src, struct whist_gate *gates_out,
                                size_t max, size_t *n_out, struct whist_error *err)
{
    struct packed_source *s = (struct packed_source *)src;
    struct packed_reader *r = &s->reader;
    size_t n = 0;

    WHIST_REQUIRE(max > 0);
    r->err = err;
    if (!s->started) {
        TRY(start(s));
    }
    while (n < max && !s->ended) {
        TRY(packed_next(r, &gates_out[n]));
        if (gates_out[n].op == PACKED_END) {
            TRY(finish(s));
        } else if (r->n_slots > s->shape.n_slots || r->n_gates > s->shape.n_gates ||
                   r->n_ands > s->shape.n_ands) {
            return changed(r);
        } else {
            n++;
        }
    }
    *n_out = n;
    return WHIST_OK;
}

static const uint32_t *packed_output_slots(const struct whist_gate_source *src)
{
    return ((const struct packed_source *)src)->output_slots.v;
}

static whist_status packed_rewind(struct whist_gate_source *src, struct whist_error *err)
{
    struct packed_source *s = (struct packed_source *)src;

    (void)err;
    s->started = s->ended = false;
    return WHIST_OK;
}

static void packed_free(struct whist_gate_source *src)
{
    struct packed_source *s = (struct packed_source *)src;

    packed_stop(&s->reader);
    numbers_clear(&s->inputs);
    numbers_clear(&s->outputs);
    numbers_clear(&s->output_slots);
    whist_free(s);
}

static const struct whist_gate_source_ops packed_ops = {
    .shape = packed_shape,
    .next = packed_pull,
    .output_slots = packed_output_slots,
    .rewind = packed_rewind,
    .free = packed_free,
};

/* The first pass: checks everything and computes the id, as whist_circuit_seal does. */
static whist_status check_gates(struct packed_source *s, struct numbers *wires, uint64_t claim)
{
    struct packed_reader *r = &s->reader;
    struct numbers outputs = {0};
    struct circuit_hash hash;
    struct whist_gate g;
    whist_status st;

    circuit_hash_begin(&hash, r->inputs.v, r->inputs.len, r->outputs.v, r->outputs.len, claim);
    for (;;) {
        TRY_OUT(packed_next(r, &g));
        if (g.op == PACKED_END) {
            break;
        }
        TRY_OUT(to_wires(wires, &g, r));
        circuit_hash_gate(&hash, g.op, g.a, g.b);
    }
    TRY_OUT(packed_finish(r, &outputs));
    for (size_t i = 0; i < outputs.len; i++) {
        if (numbers_push(&s->output_slots, outputs.v[i]) != WHIST_OK) {
            st = no_memory(r->err);
            goto out;
        }
    }
    outputs_to_wires(wires, outputs.v, outputs.len);
    circuit_hash_end(&hash, s->shape.id, outputs.v, outputs.len);
out:
    numbers_clear(&outputs);
    return st;
}

static whist_status check(struct packed_source *s, struct whist_buffer *description_out)
{
    struct packed_reader *r = &s->reader;
    struct numbers wires = {0};
    uint64_t claim;

    TRY(packed_start(r, description_out));
    TRY(packed_claim(r, &claim));
    whist_status st = wires_start(&wires, r);
    if (st == WHIST_OK) {
        st = check_gates(s, &wires, claim);
    }
    numbers_clear(&wires);
    TRY(st);
    s->inputs = r->inputs; /* the next pass reads them again, and they are compared */
    s->outputs = r->outputs;
    r->inputs = r->outputs = (struct numbers){0};
    memcpy(s->digest, r->digest, sizeof s->digest);
    s->shape.n_slots = r->n_slots;
    s->shape.n_inputs = s->inputs.len;
    s->shape.input_widths = s->inputs.v;
    s->shape.n_outputs = s->outputs.len;
    s->shape.output_widths = s->outputs.v;
    s->shape.n_ands = r->n_ands;
    s->shape.n_gates = r->n_gates;
    return WHIST_OK;
}

whist_status whist_packed_source_new(struct whist_gate_source **source_out,
                                     struct whist_buffer *description_out,
                                     const struct whist_packed_file *file, struct whist_error *err)
{
    struct packed_source *s = whist_zalloc(1, sizeof *s);
    size_t len = description_out != NULL ? description_out->len : 0;

    if (s == NULL) {
        return no_memory(err);
    }
    s->base.ops = &packed_ops;
    s->reader.file = *file;
    s->reader.err = err;
    whist_status st = check(s, description_out);
    if (st != WHIST_OK) {
        packed_free(&s->base);
        if (description_out != NULL) {
            description_out->len = len;
        }
        return st;
    }
    *source_out = &s->base;
    return WHIST_OK;
}
