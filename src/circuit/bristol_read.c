/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Reader of Bristol Fashion ("Bristol Fashion MPC circuits", Smart et al.) and of the older Bristol
 * format ("Circuits of basic functions suitable for MPC and FHE", Tillich and Smart):
 *
 *   gates wires                    gates wires
 *   inputs width…                  width-of-input-1 width-of-input-2 width-of-output
 *   outputs width…
 *   n_in n_out wire… wire… KIND    the same
 *
 * Memory follows the length of the text, never a number in it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "circuit/circuit_internal.h"

/* Input wires that a text may declare, however short it is. */
#define FREE_INPUTS ((uint64_t)1 << 24)

struct reader {
    const uint8_t *start, *p, *end;
    uint64_t line; /* counted from 1 */
    struct whist_error *err;
    uint64_t n_gates, n_wires; /* as declared */
    struct numbers list;       /* numbers of the present line */
    uint32_t *wire_of;         /* canonical wire + 1 of file wire n_input_bits + k; 0: unassigned */
    size_t cap;                /* gates allocated */
    struct whist_circuit *c;
};

static whist_status fail(const struct reader *r, whist_status status, const char *fmt, ...)
    WHIST_PRINTF(3, 4);
static whist_status fail(const struct reader *r, whist_status status, const char *fmt, ...)
{
    char text[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return whist_fail(r->err, status, WHIST_NO_PEER, NULL, "line %" PRIu64 ": %s", r->line, text);
}

static whist_status malformed(const struct reader *r, const char *what)
{
    return fail(r, WHIST_ERR_FORMAT, "%s", what);
}

/* ---- Characters ---- */

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* At the end of a line: LF, CR LF or the end of the text. */
static bool at_eol(const struct reader *r)
{
    return r->p == r->end || *r->p == '\n' ||
           (*r->p == '\r' && (r->p + 1 == r->end || r->p[1] == '\n'));
}

static void skip_blanks(struct reader *r)
{
    while (r->p != r->end && (*r->p == ' ' || *r->p == '\t')) {
        r->p++;
    }
}

static void next_line(struct reader *r)
{
    if (r->p != r->end && *r->p == '\r') {
        r->p++;
    }
    if (r->p != r->end) {
        r->p++;
        r->line++;
    }
}

/* Goes to the first character of the next line that is not blank; false at the end of the text. */
static bool skip_blank_lines(struct reader *r)
{
    for (;;) {
        skip_blanks(r);
        if (r->p == r->end) {
            return false;
        }
        if (!at_eol(r)) {
            return true;
        }
        next_line(r);
    }
}

static whist_status unexpected(const struct reader *r, const char *wanted)
{
    if (at_eol(r)) {
        return fail(r, WHIST_ERR_FORMAT, "%s expected, the %s ends", wanted,
                    r->p == r->end ? "text" : "line");
    }
    return *r->p > ' ' && *r->p < 127
               ? fail(r, WHIST_ERR_FORMAT, "%s expected, not '%c'", wanted, *r->p)
               : fail(r, WHIST_ERR_FORMAT, "%s expected, not the byte 0x%02x", wanted, *r->p);
}

static whist_status end_line(struct reader *r)
{
    skip_blanks(r);
    if (!at_eol(r)) {
        return unexpected(r, "end of line");
    }
    next_line(r);
    return WHIST_OK;
}

/* A decimal number up to 2^31. */
static whist_status read_number(struct reader *r, uint32_t *out)
{
    uint64_t v = 0;

    if (r->p == r->end || !is_digit(*r->p)) {
        return unexpected(r, "a number");
    }
    do {
        v = v * 10 + (uint64_t)(*r->p++ - '0');
        if (v > WHIST_MAX_WIRES) {
            return fail(r, WHIST_ERR_LIMIT, "a number exceeds 2^31, the limit of gates and wires");
        }
    } while (r->p != r->end && is_digit(*r->p));
    if (!at_eol(r) && *r->p != ' ' && *r->p != '\t') {
        return unexpected(r, "a blank after a number");
    }
    *out = (uint32_t)v;
    return WHIST_OK;
}

/* Reads numbers into r->list up to a word or the end of the line. */
static whist_status read_numbers(struct reader *r)
{
    r->list.len = 0;
    for (;;) {
        uint32_t v = 0;
        skip_blanks(r);
        if (at_eol(r) || is_letter(*r->p)) {
            return WHIST_OK;
        }
        TRY(read_number(r, &v));
        if (numbers_push(&r->list, v) != WHIST_OK) {
            return no_memory(r->err);
        }
    }
}

/* ---- Header ---- */

/* Copies the nonzero widths into a new group array of the circuit and sums them. */
static whist_status set_groups(struct reader *r, const uint32_t *widths, size_t n,
                               uint32_t **widths_out, size_t *n_out, uint32_t *bits_out)
{
    uint64_t bits = 0;
    uint32_t *copy = whist_alloc(n, sizeof *copy);

    if (copy == NULL) {
        return no_memory(r->err);
    }
    *widths_out = copy;
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        bits += widths[i];
        if (bits > r->n_wires) {
            return fail(r, WHIST_ERR_FORMAT, "more wires than the %" PRIu64 " of line 1",
                        r->n_wires);
        }
        if (widths[i] != 0) {
            copy[(*n_out)++] = widths[i];
        }
    }
    *bits_out = (uint32_t)bits;
    return WHIST_OK;
}

/* A line of Bristol Fashion: a count and as many widths. */
static whist_status check_count(const struct reader *r)
{
    if (r->list.len == 0) {
        return unexpected(r, "the number of values");
    }
    if (r->list.v[0] != r->list.len - 1) {
        return fail(r, WHIST_ERR_FORMAT, "%" PRIu32 " widths announced, %zu found", r->list.v[0],
                    r->list.len - 1);
    }
    for (size_t i = 1; i < r->list.len; i++) {
        if (r->list.v[i] == 0) {
            return malformed(r, "a value has no wires");
        }
    }
    return WHIST_OK;
}

/* The older format has no third line of numbers: the text ends or a gate follows, which ends in a
 * word. */
static bool is_older(const struct reader *r)
{
    struct reader ahead = *r;

    if (r->list.len != 3) {
        return false;
    }
    next_line(&ahead);
    if (!skip_blank_lines(&ahead)) {
        return true;
    }
    while (!at_eol(&ahead) && !is_letter(*ahead.p)) {
        ahead.p++;
    }
    return !at_eol(&ahead);
}

static whist_status read_groups(struct reader *r)
{
    struct whist_circuit *c = r->c;

    TRY(read_numbers(r));
    if (is_older(r)) {
        TRY(set_groups(r, r->list.v, 2, &c->input_widths, &c->n_inputs, &c->n_input_bits));
        TRY(set_groups(r, r->list.v + 2, 1, &c->output_widths, &c->n_outputs, &c->n_output_bits));
    } else {
        TRY(check_count(r));
        TRY(set_groups(r, r->list.v + 1, r->list.len - 1, &c->input_widths, &c->n_inputs,
                       &c->n_input_bits));
        TRY(end_line(r));
        skip_blank_lines(r);
        TRY(read_numbers(r));
        TRY(check_count(r));
        TRY(set_groups(r, r->list.v + 1, r->list.len - 1, &c->output_widths, &c->n_outputs,
                       &c->n_output_bits));
    }
    if (c->n_output_bits == 0) {
        return malformed(r, "the circuit has no outputs");
    }
    /* Inputs cost no text, so a limit keeps memory in proportion to it. */
    if (c->n_input_bits > FREE_INPUTS && c->n_input_bits > (uint64_t)(r->end - r->start)) {
        return fail(r, WHIST_ERR_FORMAT,
                    "%" PRIu32 " input wires, which the text is too short to use", c->n_input_bits);
    }
    return end_line(r);
}

static whist_status read_header(struct reader *r)
{
    skip_blank_lines(r);
    TRY(read_numbers(r));
    if (r->list.len != 2) {
        return malformed(r, "the number of gates and the number of wires expected");
    }
    uint64_t line = r->line;
    r->n_gates = r->list.v[0];
    r->n_wires = r->list.v[1];
    TRY(end_line(r));
    skip_blank_lines(r);
    TRY(read_groups(r));
    /* A gate assigns each wire by a number of its own, two characters at least. */
    uint64_t n_assigned = r->n_wires - r->c->n_input_bits;
    if (n_assigned > (uint64_t)(r->end - r->p) / 2) {
        r->line = line;
        return fail(r, WHIST_ERR_FORMAT, "%" PRIu64 " wires, which the text is too short to assign",
                    r->n_wires);
    }
    r->wire_of = whist_zalloc((size_t)n_assigned, sizeof *r->wire_of);
    return r->wire_of == NULL ? no_memory(r->err) : WHIST_OK;
}

/* ---- Gates ---- */

static whist_status grow(struct reader *r)
{
    struct whist_circuit *c = r->c;
    if (c->n_gates < r->cap) {
        return WHIST_OK;
    }
    /* At first what is announced, as far as the text can hold it: 10 bytes for the shortest gate.
     */
    size_t most = (size_t)(r->end - r->p) / 10 + 1;
    size_t cap = r->cap != 0 ? r->cap + r->cap / 2 + 16 : r->n_gates < most ? r->n_gates : most;
    struct stored_gate *gates = whist_realloc(c->gates, cap, sizeof *gates);
    if (gates == NULL) {
        return no_memory(r->err);
    }
    c->gates = gates;
    r->cap = cap;
    return WHIST_OK;
}

/* Canonical wire of a wire of the file that exists; false if it is not assigned. */
static bool is_assigned(const struct reader *r, uint32_t wire, uint32_t *canonical_out)
{
    uint32_t first = r->c->n_input_bits, after = 0;

    if (wire < first) {
        *canonical_out = wire;
        return true;
    }
    if (r->wire_of != NULL) {
        after = r->wire_of[wire - first];
    }
    *canonical_out = after - 1;
    return after != 0;
}

static whist_status operand(const struct reader *r, uint32_t wire, uint32_t *canonical_out)
{
    if (wire >= r->n_wires) {
        return fail(r, WHIST_ERR_FORMAT, "wire %" PRIu32 " does not exist: line 1 has %" PRIu64,
                    wire, r->n_wires);
    }
    if (!is_assigned(r, wire, canonical_out)) {
        return fail(r, WHIST_ERR_FORMAT, "wire %" PRIu32 " is used before it is assigned", wire);
    }
    return WHIST_OK;
}

/* Appends a gate whose operands are canonical and assigns its file wire. */
static whist_status add_gate(struct reader *r, uint32_t op, uint32_t a, uint32_t b, uint32_t wire)
{
    struct whist_circuit *c = r->c;
    uint32_t first = c->n_input_bits;

    if (wire < first) {
        return fail(r, WHIST_ERR_FORMAT, "wire %" PRIu32 " is an input and cannot be assigned",
                    wire);
    }
    if (wire >= r->n_wires) {
        return fail(r, WHIST_ERR_FORMAT, "wire %" PRIu32 " does not exist: line 1 has %" PRIu64,
                    wire, r->n_wires);
    }
    if (r->wire_of[wire - first] != 0) {
        return fail(r, WHIST_ERR_FORMAT, "wire %" PRIu32 " is assigned twice", wire);
    }
    TRY(grow(r));
    c->gates[c->n_gates] = gate_pack(op, a, b);
    c->n_gates++;
    r->wire_of[wire - first] = first + c->n_gates;
    return WHIST_OK;
}

static whist_status binary_gate(struct reader *r, uint32_t op, const uint32_t *w)
{
    uint32_t a = 0, b = 0;
    TRY(operand(r, w[0], &a));
    TRY(operand(r, w[1], &b));
    return add_gate(r, op, a, b, w[2]);
}

static whist_status unary_gate(struct reader *r, uint32_t op, const uint32_t *w)
{
    uint32_t a = 0;
    TRY(operand(r, w[0], &a));
    return add_gate(r, op, a, a, w[1]);
}

static whist_status constant_gate(struct reader *r, uint32_t op, const uint32_t *w)
{
    (void)op;
    if (w[0] > 1) {
        return fail(r, WHIST_ERR_FORMAT, "EQ takes the constant 0 or 1, not %" PRIu32, w[0]);
    }
    return add_gate(r, w[0] != 0 ? WHIST_OP_CONST1 : WHIST_OP_CONST0, 0, 0, w[1]);
}

/* Several ANDs at once: a_1 … a_n b_1 … b_n c_1 … c_n. They are simultaneous: none may use the
 * output of another. */
static whist_status multiple_and(struct reader *r, const uint32_t *w, uint32_t n)
{
    for (uint32_t i = 0; i < 2 * n; i++) {
        uint32_t canonical = 0;
        TRY(operand(r, w[i], &canonical));
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t one[3] = {w[i], w[n + i], w[2 * n + i]};
        TRY(binary_gate(r, WHIST_OP_AND, one));
    }
    return WHIST_OK;
}

static const struct kind {
    char name[5];
    uint8_t n_in;
    uint8_t op;
    whist_status (*make)(struct reader *r, uint32_t op, const uint32_t *wires);
} kinds[] = {
    {"XOR", 2, WHIST_OP_XOR, binary_gate}, {"AND", 2, WHIST_OP_AND, binary_gate},
    {"INV", 1, WHIST_OP_NOT, unary_gate},  {"NOT", 1, WHIST_OP_NOT, unary_gate},
    {"EQW", 1, WHIST_OP_COPY, unary_gate}, {"EQ", 1, WHIST_OP_CONST0, constant_gate},
};

static whist_status make_gate(struct reader *r, const char *name)
{
    uint32_t n_in = r->list.v[0], n_out = r->list.v[1];
    const uint32_t *wires = r->list.v + 2;

    if (strcmp(name, "MAND") == 0) {
        if (n_out == 0 || n_in != 2 * (uint64_t)n_out) {
            return fail(r, WHIST_ERR_FORMAT, "MAND takes twice as many inputs as outputs");
        }
        return multiple_and(r, wires, n_out);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(name, kinds[i].name) == 0) {
            if (n_in != kinds[i].n_in || n_out != 1) {
                return fail(r, WHIST_ERR_FORMAT, "%s takes %d input%s and 1 output", name,
                            kinds[i].n_in, kinds[i].n_in == 1 ? "" : "s");
            }
            return kinds[i].make(r, kinds[i].op, wires);
        }
    }
    return fail(r, WHIST_ERR_FORMAT, "unknown gate '%s'", name);
}

static whist_status read_gate(struct reader *r)
{
    char name[16];
    size_t len = 0;

    TRY(read_numbers(r));
    if (r->list.len < 2) {
        return unexpected(r, "the numbers of inputs and outputs of a gate");
    }
    if ((uint64_t)r->list.v[0] + r->list.v[1] != r->list.len - 2) {
        return fail(r, WHIST_ERR_FORMAT,
                    "%" PRIu32 " inputs and %" PRIu32 " outputs announced, %zu wires found",
                    r->list.v[0], r->list.v[1], r->list.len - 2);
    }
    while (r->p != r->end && is_letter(*r->p) && len < sizeof name - 1) {
        name[len++] = (char)*r->p++;
    }
    name[len] = 0;
    if (len == 0) {
        return unexpected(r, "the kind of the gate");
    }
    /* The line must end before the gate counts: its number stands in errors of both. */
    skip_blanks(r);
    if (!at_eol(r)) {
        return unexpected(r, "end of line");
    }
    TRY(make_gate(r, name));
    next_line(r);
    return WHIST_OK;
}

static whist_status read_gates(struct reader *r)
{
    for (uint64_t i = 0; i < r->n_gates; i++) {
        if (!skip_blank_lines(r)) {
            return fail(r, WHIST_ERR_FORMAT,
                        "the text ends after %" PRIu64 " of the %" PRIu64 " gates of line 1", i,
                        r->n_gates);
        }
        TRY(read_gate(r));
    }
    if (skip_blank_lines(r)) {
        return fail(r, WHIST_ERR_FORMAT, "something follows the %" PRIu64 " gates of line 1",
                    r->n_gates);
    }
    return WHIST_OK;
}

/* The last wires of the file are the outputs. */
static whist_status set_outputs(struct reader *r)
{
    struct whist_circuit *c = r->c;
    uint32_t start = (uint32_t)(r->n_wires - c->n_output_bits);

    c->outputs = whist_alloc(c->n_output_bits, sizeof *c->outputs);
    if (c->outputs == NULL) {
        return no_memory(r->err);
    }
    for (uint32_t i = 0; i < c->n_output_bits; i++) {
        uint32_t wire = start + i;
        if (!is_assigned(r, wire, &c->outputs[i])) {
            return fail(r, WHIST_ERR_FORMAT, "the output wire %" PRIu32 " is never assigned", wire);
        }
    }
    return WHIST_OK;
}

whist_status whist_bristol_parse(struct whist_circuit **circuit_out, struct whist_bytes text,
                                 struct whist_error *err)
{
    struct reader r = {.line = 1, .err = err};
    whist_status st;

    if (text.len != 0) {
        r.p = r.start = text.data;
        r.end = text.data + text.len;
    }
    r.c = whist_zalloc(1, sizeof *r.c);
    if (r.c == NULL) {
        return no_memory(err);
    }
    TRY_OUT(read_header(&r));
    TRY_OUT(read_gates(&r));
    TRY_OUT(set_outputs(&r));
    TRY_OUT(whist_circuit_seal(r.c, err));
    *circuit_out = r.c;
    r.c = NULL;
out:
    numbers_clear(&r.list);
    whist_free(r.wire_of);
    whist_circuit_free(r.c);
    return st;
}
