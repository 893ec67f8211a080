/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One party of a computation, over whatever channel: what run, local and bench share. */
#ifndef WHIST_CLI_PARTY_H
#define WHIST_CLI_PARTY_H

#include "cli.h"
#include "report.h"

struct party_link; /* link.h */

/* What all parties of a computation agree on, and how this one runs it. */
struct computation {
    struct whist_circuit *circuit; /* NULL: synthetic_ands AND gates, made as they go */
    uint64_t synthetic_ands;
    size_t n; /* parties */
    uint8_t *owners;
    const uint32_t *input_widths, *output_widths; /* of the circuit */
    size_t n_inputs, n_outputs, n_output_bits;
    size_t evaluator;
    uint64_t receivers; /* bit i: party i learns the outputs; never 0 */
    struct whist_session_options session;
    bool legacy;                    /* over the legacy wire */
    const struct party_link *waits; /* show on the terminal whom the party waits for; or NULL */
};

/* Reads the operand CIRCUIT and the options that describe the computation of n parties (0: as many
 * as inputs, at least 2). */
whist_status computation_init(struct computation *c, const struct args *args, size_t n,
                              struct whist_error *err);
void computation_clear(struct computation *c);

/* The inputs of a party, in order: their indices in groups (room for n_inputs); returns how many.
 */
size_t computation_groups(const struct computation *c, size_t party, size_t *groups);

/* What one party has of a run. */
struct party_result {
    uint8_t *outputs; /* a byte for each bit; NULL: does not learn them */
    size_t n_output_bits;
    struct cost cost;
};

/* Runs the party of the channel and closes the channel; with c->legacy in an envelope, which brings
 * phases and aborts. What was sent is delivered on return, also
 * when the run failed.
 * @param channel taken; a transport
 * @param inputs own input bits, own groups in order */
whist_status party_run(struct party_result *out, const struct computation *c,
                       struct whist_channel *channel, const uint8_t *inputs, size_t n_input_bits,
                       struct whist_error *err);
void party_result_clear(struct party_result *r);

#endif
