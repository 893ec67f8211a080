/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Writer of Bristol Fashion and of the older Bristol format (bristol_read.c has their shapes). */
#include <stddef.h>

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
    uint64_t n_gates; /* of the file */
    uint32_t *number; /* number in the file of the wire that each gate of c writes */
    uint8_t *copied;  /* of each output: 1 if it is a copy */
    uint32_t next;    /* number of the next wire that is no output */
    const struct whist_sink *sink;
    struct whist_error *err;
    size_t len;
    char text[1 << 16]; /* not written yet */
};

/* ---- Numbers of wires ---- */

#define IS_OUTPUT UINT32_MAX

/* Gates that one gate becomes. */
static unsigned n_lowered(const struct writer *w, uint32_t op)
{
    return w->older && (op == WHIST_OP_COPY || op == WHIST_OP_CONST1) ? 2 : 1;
}

/* Marks gates that make outputs and outputs that are copies, and counts the gates of the file. */
static whist_status mark(struct writer *w)
{
    const struct whist_circuit *c = w->c;

    for (uint32_t k = 0; k < c->n_gates; k++) {
        uint32_t op = gate_at(c, k).op;
        if (w->older && op >= WHIST_OP_CONST0 && c->n_input_bits == 0) {
            return whist_fail(w->err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                              "the older Bristol format has no constants without inputs");
        }
        w->n_gates += n_lowered(w, op);
    }
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        uint32_t wire = c->outputs[i];
        if (wire < c->n_input_bits || w->number[wire - c->n_input_bits] == IS_OUTPUT) {
            w->copied[i] = 1;
            w->n_gates += n_lowered(w, WHIST_OP_COPY);
        } else {
            w->number[wire - c->n_input_bits] = IS_OUTPUT;
        }
    }
    return w->n_gates + c->n_input_bits <= WHIST_MAX_WIRES
               ? WHIST_OK
               : whist_fail(w->err, WHIST_ERR_LIMIT, WHIST_NO_PEER, NULL,
                            "the file would have more than 2^31 wires");
}

/* Number of output i. */
static uint32_t output_number(const struct writer *w, uint32_t i)
{
    return w->c->n_input_bits + (uint32_t)w->n_gates - w->c->n_output_bits + i;
}

static void number_all(struct writer *w)
{
    const struct whist_circuit *c = w->c;
    uint32_t next = c->n_input_bits;

    for (uint32_t k = 0; k < c->n_gates; k++) {
        next += n_lowered(w, gate_at(c, k).op) - 1;
        if (w->number[k] != IS_OUTPUT) {
            w->number[k] = next++;
        }
    }
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        if (!w->copied[i]) {
            w->number[c->outputs[i] - c->n_input_bits] = output_number(w, i);
        }
    }
}

static uint32_t number_of(const struct writer *w, uint32_t wire)
{
    uint32_t first = w->c->n_input_bits;
    return wire < first ? wire : w->number[wire - first];
}

/* ---- Text ---- */

static whist_status flush(struct writer *w)
{
    struct whist_bytes bytes = whist_bytes(w->text, w->len);
    w->len = 0;
    return bytes.len != 0 ? w->sink->write(w->sink->ctx, bytes, w->err) : WHIST_OK;
}

static char *put_number(char *p, uint64_t v)
{
    p = put_decimal(p, v);
    *p++ = ' ';
    return p;
}

/* A place for a line of up to 64 characters: five numbers of up to 10 digits and a word. */
static whist_status room(struct writer *w, char **p_out)
{
    if (sizeof w->text - w->len < 64) {
        TRY(flush(w));
    }
    *p_out = w->text + w->len;
    return WHIST_OK;
}

static void end_line(struct writer *w, char *p, const char *word)
{
    size_t len = strlen(word);
    memcpy(p, word, len);
    w->len = (size_t)(p - w->text) + len;
}

/* Wires have their numbers of the file. */
static whist_status put_gate(struct writer *w, uint32_t op, uint32_t a, uint32_t b, uint32_t out)
{
    static const char words[][5] = {"XOR\n", "AND\n", "INV\n", "EQW\n", "EQ\n", "EQ\n"};
    char *p;

    TRY(room(w, &p));
    p = put_number(p, op_reads_b(op) ? 2 : 1);
    p = put_number(p, 1);
    p = put_number(p, op_reads_a(op) ? a : op == WHIST_OP_CONST1);
    if (op_reads_b(op)) {
        p = put_number(p, b);
    }
    end_line(w, put_number(p, out), words[op]);
    return WHIST_OK;
}

/* One gate of the circuit; `inner` of two gates that stand for one takes the next number. */
static whist_status put_lowered(struct writer *w, uint32_t op, uint32_t a, uint32_t b, uint32_t out)
{
    if (!w->older || op <= WHIST_OP_NOT) {
        return put_gate(w, op, a, b, out);
    }
    if (op == WHIST_OP_CONST0) {
        return put_gate(w, WHIST_OP_XOR, 0, 0, out);
    }
    uint32_t inner = w->next++;
    TRY(op == WHIST_OP_COPY ? put_gate(w, WHIST_OP_NOT, a, a, inner)
                            : put_gate(w, WHIST_OP_XOR, 0, 0, inner));
    return put_gate(w, WHIST_OP_NOT, inner, inner, out);
}

/* A line of numbers, the count first if it is wanted. */
static whist_status put_numbers(struct writer *w, bool count, const uint32_t *v, size_t n)
{
    char *p;
    if (count) {
        TRY(room(w, &p));
        p = put_number(p, n);
        w->len = (size_t)(p - w->text) - (n == 0);
    }
    for (size_t i = 0; i < n; i++) {
        TRY(room(w, &p));
        p = put_number(p, v[i]);
        w->len = (size_t)(p - w->text) - (i + 1 == n);
    }
    TRY(room(w, &p));
    end_line(w, p, "\n");
    return WHIST_OK;
}

static whist_status put_header(struct writer *w)
{
    const struct whist_circuit *c = w->c;
    uint32_t first[2] = {(uint32_t)w->n_gates, c->n_input_bits + (uint32_t)w->n_gates};
    char *p;

    TRY(put_numbers(w, false, first, 2));
    if (w->older) {
        uint32_t widths[3] = {c->n_inputs > 0 ? c->input_widths[0] : 0,
                              c->n_inputs > 1 ? c->input_widths[1] : 0, c->n_output_bits};
        TRY(put_numbers(w, false, widths, 3));
    } else {
        TRY(put_numbers(w, true, c->input_widths, c->n_inputs));
        TRY(put_numbers(w, true, c->output_widths, c->n_outputs));
    }
    TRY(room(w, &p));
    end_line(w, p, "\n");
    return WHIST_OK;
}

static whist_status put_all(struct writer *w)
{
    const struct whist_circuit *c = w->c;

    TRY(put_header(w));
    w->next = c->n_input_bits;
    for (uint32_t k = 0; k < c->n_gates; k++) {
        struct whist_gate g = gate_at(c, k);
        TRY(put_lowered(w, g.op, op_reads_a(g.op) ? number_of(w, g.a) : 0,
                        op_reads_b(g.op) ? number_of(w, g.b) : 0, w->number[k]));
        w->next += w->number[k] == w->next;
    }
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        if (w->copied[i]) {
            uint32_t a = number_of(w, c->outputs[i]);
            TRY(put_lowered(w, WHIST_OP_COPY, a, a, output_number(w, i)));
        }
    }
    return flush(w);
}

whist_status whist_bristol_stream(const struct whist_sink *sink, const struct whist_circuit *c,
                                  bool older, struct whist_error *err)
{
    whist_status st = WHIST_ERR_NOMEM;

    if (older && c->n_inputs > 2) {
        return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                          "the older Bristol format has two inputs, the circuit %zu", c->n_inputs);
    }
    struct writer *w = whist_alloc(1, sizeof *w);
    if (w == NULL) {
        return no_memory(err);
    }
    memset(w, 0, offsetof(struct writer, text));
    w->c = c;
    w->older = older;
    w->sink = sink;
    w->err = err;
    w->number = whist_zalloc(c->n_gates, sizeof *w->number);
    w->copied = whist_zalloc(c->n_output_bits, 1);
    if (w->number == NULL || w->copied == NULL) {
        no_memory(err);
        goto out;
    }
    TRY_OUT(mark(w));
    number_all(w);
    st = put_all(w);
out:
    whist_free(w->number);
    whist_free(w->copied);
    whist_free(w);
    return st;
}

static whist_status append(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    return whist_buffer_append(ctx, bytes.data, bytes.len) == WHIST_OK ? WHIST_OK : no_memory(err);
}

whist_status whist_bristol_write(struct whist_buffer *text_out, const struct whist_circuit *c,
                                 bool older, struct whist_error *err)
{
    const struct whist_sink sink = {append, text_out};
    size_t start = text_out->len;
    whist_status st = whist_bristol_stream(&sink, c, older, err);

    if (st != WHIST_OK) {
        text_out->len = start;
    }
    return st;
}
