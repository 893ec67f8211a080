/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Programs of the language on the command line: loading, constants, inputs, results. */
#ifndef WHIST_CLI_PROGRAM_H
#define WHIST_CLI_PROGRAM_H

#include <whist/lang.h>

#include "cli.h"
#include "json.h"

/* Longest program file. */
#define MAX_PROGRAM_TEXT ((size_t)16 << 20)

/* Constants from outside; the strings are owned. Sorted by party and name after consts_sort. */
struct consts {
    struct whist_program_const *list;
    size_t n;
};

struct program {
    struct whist_program *p;
    const char *file; /* as the user named it */
    const char *fn;   /* "main" or --fn */
    char *fn_text;    /* owned; of a described program: fn */
    whist_panics panics;
    bool thorough; /* -O2 */
    struct consts consts;
    bool json_inputs; /* --input-json */
    uint8_t hash[32]; /* of the source */
    bool bound;
    uint32_t *widths; /* bits of each party's input; of a bound program */
    size_t n_inputs;  /* parties with an input */
};

/* A text is a circuit if it begins like one (a digit), else a program. */
bool program_is_text(struct whist_bytes text);
/* The same of a file. */
whist_status looks_like_program(bool *out, const char *path, struct whist_error *err);

/* Checks the source and reads --fn, --panics and --const. Errors of the source go to standard error
 * in full; err says how many there are. */
whist_status program_open(struct program *out, const struct args *args, const char *file,
                          struct whist_bytes text, struct whist_error *err);
/* The same of the file that is the first operand, or standard input; text_out: its source. */
whist_status program_load(struct program *out, struct whist_buffer *text_out,
                          const struct args *args, struct whist_error *err);
/* The program of a packed circuit (whist_program_describe), bound. */
whist_status program_described(struct program *out, struct whist_bytes description,
                               struct whist_error *err);
/* Compiles with the constants. */
whist_status program_bind(struct program *p, struct whist_error *err);
/* All constants that the program wants are given. */
bool program_is_complete(const struct program *p);
void program_clear(struct program *p);

/* AND gates of the circuit; made if circuit is NULL. */
whist_status program_ands(uint64_t *n_out, const struct program *p,
                          const struct whist_circuit *circuit, struct whist_error *err);

/* "main takes 2 inputs (a: u8, b: u8)". */
const char *program_signature(const struct program *p, char *text_out, size_t size);
/* For values_read; ctx: the program. Inputs by party, or by parameter. */
whist_status program_read_input(const void *ctx, uint8_t *bits_out, size_t party,
                                struct whist_bytes text, struct whist_error *err);
whist_status program_read_param(const void *ctx, uint8_t *bits_out, size_t param,
                                struct whist_bytes text, struct whist_error *err);

/* What came out. outputs: whist_program_output_bits bytes, NULL: not learnt. Prints the value, or
 * the panic on standard error; then the process ends with status 3. */
whist_status program_print(const struct program *p, const uint8_t *outputs,
                           struct whist_error *err);
/* The members of the object: status, output, bits, reason, site, and_gates. */
whist_status program_json(struct json *j, const struct program *p, const uint8_t *outputs,
                          uint64_t n_ands, struct whist_error *err);
/* "diagnostics" or "errors": an array with one object for each. */
void program_json_diagnostics(struct json *j, const char *key, const struct program *p,
                              bool warnings);
/* With --json: the object for a program with errors, so that nothing else is printed. */
void program_json_failure(const struct program *p, const struct whist_error *err);

/* ---- consts.c ---- */

/* Adds what --const says: PARTY::NAME=VALUE or @FILE. */
whist_status consts_read(struct consts *c, const char *spec, struct whist_error *err);
/* Adds one; the same again is no error, another value is. from: for the error, "party 1". */
whist_status consts_add(struct consts *c, struct whist_bytes text, const char *from,
                        struct whist_error *err);
bool consts_have(const struct consts *c, struct whist_bytes party, struct whist_bytes name);
void consts_sort(struct consts *c);
void consts_clear(struct consts *c);

/* ---- program_meet.c ---- */

/* Tells the peers program, function, policy and own constants, compares, and takes over the
 * constants of the others, which are shown on standard error. WHIST_ERR_MISMATCH names the peer and
 * the field. */
whist_status program_meet(struct program *p, struct whist_channel *channel, int64_t timeout_ms,
                          struct whist_error *err);

#endif
