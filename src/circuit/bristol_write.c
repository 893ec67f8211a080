/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Writer of Bristol Fashion and of the older Bristol format (bristol_read.c has their shapes). */
#include "circuit/circuit_internal.h"

/*
 * Both formats want the last wires to be the outputs. So the gates that make outputs take the last
 * numbers, and the others follow the inputs in order. An output that is an input, or the same
 * wire as an earlier output, gets a copy. The older format has no copies and constants: two INVs
 * make a copy, and a wire XORed with itself a 0.
 */
struct writer {
    const struct whist_circuit *c;
    bool older;
    struct whist_gate *gates; /* of the file, wires numbered canonically */
    uint64_t n_gates;
    uint32_t *moved;   /* wire of the file's circuit that gate k of c writes */
    uint32_t *outputs; /* all different, none an input */
    uint32_t *number;  /* number in the file of the wire of each gate */
};

/* ---- The gates of the file ---- */

/* Gates that one gate becomes. */
static unsigned n_lowered(const struct writer *w, uint32_t op)
{
    return w->older && (op == WHIST_OP_COPY || op == WHIST_OP_CONST1) ? 2 : 1;
}

static uint32_t add_gate(struct writer *w, uint32_t op, uint32_t a, uint32_t b)
{
    uint32_t out = w->c->n_input_bits + (uint32_t)w->n_gates;
    w->gates[w->n_gates++] = (struct whist_gate){a, b, out, op};
    return out;
}

static uint32_t lower(struct writer *w, uint32_t op, uint32_t a, uint32_t b)
{
    if (!w->older || op <= WHIST_OP_NOT) {
        return add_gate(w, op, a, b);
    }
    if (op == WHIST_OP_COPY) {
        uint32_t inverse = add_gate(w, WHIST_OP_NOT, a, a);
        return add_gate(w, WHIST_OP_NOT, inverse, inverse);
    }
    uint32_t zero = add_gate(w, WHIST_OP_XOR, 0, 0);
    return op == WHIST_OP_CONST0 ? zero : add_gate(w, WHIST_OP_NOT, zero, zero);
}

/* Wire of the file's circuit of a wire of c. */
static uint32_t moved_wire(const struct writer *w, uint32_t wire)
{
    return wire < w->c->n_input_bits ? wire : w->moved[wire - w->c->n_input_bits];
}

/* Room for all gates of the file; copies for all outputs are the most there can be. */
static whist_status make_room(struct writer *w, struct whist_error *err)
{
    const struct whist_circuit *c = w->c;
    uint64_t n = (uint64_t)c->n_output_bits * n_lowered(w, WHIST_OP_COPY);

    for (uint32_t k = 0; k < c->n_gates; k++) {
        if (w->older && c->gates[k].op >= WHIST_OP_CONST0 && c->n_input_bits == 0) {
            return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                              "the older Bristol format has no constants without inputs");
        }
        n += n_lowered(w, c->gates[k].op);
    }
    if (n + c->n_input_bits > WHIST_MAX_WIRES) {
        return whist_fail(err, WHIST_ERR_LIMIT, WHIST_NO_PEER, NULL,
                          "the file would have more than 2^31 wires");
    }
    w->gates = whist_alloc((size_t)n, sizeof *w->gates);
    w->number = whist_zalloc((size_t)n, sizeof *w->number);
    w->moved = whist_alloc(c->n_gates, sizeof *w->moved);
    w->outputs = whist_alloc(c->n_output_bits, sizeof *w->outputs);
    return w->gates == NULL || w->number == NULL || w->moved == NULL || w->outputs == NULL
               ? no_memory(err)
               : WHIST_OK;
}

static void lower_all(struct writer *w)
{
    const struct whist_circuit *c = w->c;
    uint32_t first = c->n_input_bits;

    for (uint32_t k = 0; k < c->n_gates; k++) {
        const struct whist_gate *g = &c->gates[k];
        w->moved[k] = lower(w, g->op, op_reads_a(g->op) ? moved_wire(w, g->a) : 0,
                            op_reads_b(g->op) ? moved_wire(w, g->b) : 0);
    }
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        uint32_t wire = moved_wire(w, c->outputs[i]);
        if (wire < first || w->number[wire - first] != 0) {
            wire = lower(w, WHIST_OP_COPY, wire, wire);
        }
        w->number[wire - first] = 1; /* taken; the numbers follow */
        w->outputs[i] = wire;
    }
}

static void number_all(struct writer *w)
{
    uint32_t first = w->c->n_input_bits, next = first;

    for (uint64_t k = 0; k < w->n_gates; k++) {
        if (w->number[k] == 0) {
            w->number[k] = next++;
        }
    }
    for (uint32_t i = 0; i < w->c->n_output_bits; i++) {
        w->number[w->outputs[i] - first] = next++;
    }
}

/* ---- Text ---- */

static char *put_number(char *p, uint64_t v)
{
    char digits[20];
    int n = 0;
    do {
        digits[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v != 0);
    while (n != 0) {
        *p++ = digits[--n];
    }
    *p++ = ' ';
    return p;
}

static char *put_wire(const struct writer *w, char *p, uint32_t wire)
{
    uint32_t first = w->c->n_input_bits;
    return put_number(p, wire < first ? wire : w->number[wire - first]);
}

static whist_status put_gate(const struct writer *w, struct whist_buffer *out,
                             const struct whist_gate *g)
{
    static const char words[][5] = {"XOR\n", "AND\n", "INV\n", "EQW\n", "EQ\n", "EQ\n"};
    char line[64], *p = line; /* five numbers of up to 10 digits and a word */

    p = put_number(p, op_reads_b(g->op) ? 2 : 1);
    p = put_number(p, 1);
    if (op_reads_a(g->op)) {
        p = put_wire(w, p, g->a);
    } else {
        p = put_number(p, g->op == WHIST_OP_CONST1);
    }
    if (op_reads_b(g->op)) {
        p = put_wire(w, p, g->b);
    }
    p = put_wire(w, p, g->out);
    size_t len = strlen(words[g->op]);
    memcpy(p, words[g->op], len);
    return whist_buffer_append(out, line, (size_t)(p - line) + len);
}

/* A line of numbers, the count first if it is wanted. */
static whist_status put_numbers(struct whist_buffer *out, bool count, const uint32_t *v, size_t n)
{
    char text[24];
    if (count) {
        char *p = put_number(text, n);
        TRY(whist_buffer_append(out, text, (size_t)(p - text) - (n == 0)));
    }
    for (size_t i = 0; i < n; i++) {
        char *p = put_number(text, v[i]);
        TRY(whist_buffer_append(out, text, (size_t)(p - text) - (i + 1 == n)));
    }
    return whist_buffer_append(out, "\n", 1);
}

static whist_status put_header(const struct writer *w, struct whist_buffer *out)
{
    const struct whist_circuit *c = w->c;
    uint32_t first[2] = {(uint32_t)w->n_gates, c->n_input_bits + (uint32_t)w->n_gates};

    TRY(put_numbers(out, false, first, 2));
    if (w->older) {
        uint32_t widths[3] = {c->n_inputs > 0 ? c->input_widths[0] : 0,
                              c->n_inputs > 1 ? c->input_widths[1] : 0, c->n_output_bits};
        TRY(put_numbers(out, false, widths, 3));
    } else {
        TRY(put_numbers(out, true, c->input_widths, c->n_inputs));
        TRY(put_numbers(out, true, c->output_widths, c->n_outputs));
    }
    return whist_buffer_append(out, "\n", 1);
}

static whist_status put_all(const struct writer *w, struct whist_buffer *out)
{
    TRY(put_header(w, out));
    for (uint64_t k = 0; k < w->n_gates; k++) {
        TRY(put_gate(w, out, &w->gates[k]));
    }
    return WHIST_OK;
}

whist_status whist_bristol_write(struct whist_buffer *text_out, const struct whist_circuit *c,
                                 bool older, struct whist_error *err)
{
    struct writer w = {.c = c, .older = older};
    size_t start = text_out->len;
    whist_status st;

    if (older && c->n_inputs > 2) {
        return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                          "the older Bristol format has two inputs, the circuit %zu", c->n_inputs);
    }
    TRY_OUT(make_room(&w, err));
    lower_all(&w);
    number_all(&w);
    st = put_all(&w, text_out);
    if (st != WHIST_OK) {
        text_out->len = start;
        no_memory(err);
    }
out:
    whist_free(w.gates);
    whist_free(w.moved);
    whist_free(w.outputs);
    whist_free(w.number);
    return st;
}
