/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One party of a computation, over whatever channel: what run, local and bench share. */
#ifndef WHIST_CLI_PARTY_H
#define WHIST_CLI_PARTY_H

#include "cli.h"
#include "program.h"
#include "report.h"

struct party_link; /* link.h */

/* What all parties of a computation agree on, and how this one runs it. */
struct computation {
    struct program *program;       /* NULL: a circuit; else how its values are written too */
    struct whist_circuit *circuit; /* NULL: gates are made as they go: of … */
    struct packed_input *packed;   /* … this file, or (NULL) of the program, or … */
    uint64_t synthetic_ands;       /* … this many AND gates */
    size_t n;                      /* parties */
    uint8_t *owners;               /* of each input */
    uint8_t *group_owners;         /* of each input with bits, which is a group for the engine */
    const uint32_t *input_widths, *output_widths; /* of circuit or program; of a file: owned */
    struct whist_gate_source *shape_of;           /* owns them */
    size_t n_inputs, n_outputs, n_output_bits;
    size_t evaluator;
    uint64_t receivers; /* bit i: party i learns the outputs; never 0 */
    struct whist_session_options session;
    bool legacy;                    /* over the legacy wire */
    bool plain;                     /* processes of this command: without TLS */
    const struct party_link *waits; /* show on the terminal whom the party waits for; or NULL */
    /* What can be settled only with the others: called on the channel before the session; may
     * change the computation and the inputs of the party. NULL: nothing. */
    whist_status (*meet)(void *ctx, struct whist_channel *channel, struct whist_error *err);
    void *meet_ctx;
};

/* Reads the operand CIRCUIT or PROGRAM and the options that describe the computation of n parties
 * (0: as many as inputs, at least 2). Unless `alone`, a program may want constants that others
 * give: then program->bound is false afterwards, and computation_bind comes later. */
whist_status computation_init(struct computation *c, const struct args *args, size_t n, bool alone,
                              struct whist_error *err);
/* Compiles the program with its constants and reads who owns which input. */
whist_status computation_bind(struct computation *c, const struct args *args,
                              struct whist_error *err);
void computation_clear(struct computation *c);

/* Texts of inputs to bits. */
struct value_reader computation_reader(const struct computation *c);
/* "the circuit has 3 inputs", "main takes 2 inputs (a: u8, b: u8)". */
const char *computation_text(const struct computation *c, char *text_out, size_t size);
/* The result on standard output, as text; or the members of the object. outputs NULL: not learnt.
 */
whist_status computation_print(const struct computation *c, const uint8_t *outputs,
                               struct whist_error *err);
whist_status computation_json(struct json *j, const struct computation *c, const uint8_t *outputs,
                              uint64_t n_ands, struct whist_error *err);

/* The inputs of a party, in order: their indices in groups (room for n_inputs); returns how many.
 */
size_t computation_groups(const struct computation *c, size_t party, size_t *groups);

/* What one party has of a run. */
struct party_result {
    uint8_t *outputs; /* a byte for each bit; NULL: does not learn them */
    size_t n_output_bits;
    uint64_t n_ands; /* of the circuit */
    struct cost cost;
};

/* Runs the party of the channel and closes the channel; with c->legacy in an envelope, which brings
 * phases and aborts. What was sent is delivered on return, also
 * when the run failed.
 * @param channel taken; a transport
 * @param inputs own input bits, own groups in order; read after c->meet */
whist_status party_run(struct party_result *out, const struct computation *c,
                       struct whist_channel *channel, const struct values *inputs,
                       struct whist_error *err);
void party_result_clear(struct party_result *r);

#endif
