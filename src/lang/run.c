/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A bound program, executed again for whoever wants its words: interpreter, circuit, gate source.
 */
#include "lang/exec.h"
#include "lang/gates.h"
#include "lang/interp.h"
#include "lang/program.h"

whist_status program_run(const struct whist_program *p, struct word_sink *sink,
                         struct word_program *last_out, struct whist_error *err)
{
    const struct exec_options options = {.panics = (enum word_panics)p->panics,
                                         .thorough = p->options.thorough,
                                         .max_steps = p->options.limits.max_steps,
                                         .cancelled = p->options.cancelled,
                                         .cancelled_arg = p->options.cancelled_arg,
                                         .sink = sink};
    return exec_program(last_out, &p->layout, p->entry, &options, err);
}

/* ---- In the clear ---- */

struct evaluation {
    struct word_sink sink;
    struct interp run;
};

static whist_status eval_segment(struct word_sink *sink, const struct word_program *segment,
                                 struct whist_error *err)
{
    whist_status st = interp_segment(&((struct evaluation *)sink)->run, segment);
    return st == WHIST_OK
               ? st
               : whist_fail(err, st, WHIST_NO_PEER, "eval", "out of memory for the values");
}

whist_status whist_program_eval(const struct whist_program *p, uint8_t *outputs_out,
                                const uint8_t *inputs, struct whist_error *err)
{
    WHIST_REQUIRE(p->bound);
    struct evaluation e = {.sink = {eval_segment}, .run = {.inputs = inputs}};
    struct word_program made = {0};
    const struct word_program *last = &p->words;
    whist_status st = WHIST_OK;

    if (p->n_segments > 1) {
        st = program_run(p, &e.sink, &made, err);
        last = &made;
    }
    if (st == WHIST_OK) {
        st = eval_segment(&e.sink, last, err);
    }
    if (st == WHIST_OK) {
        interp_outputs(&e.run, last, outputs_out);
    }
    interp_clear(&e.run);
    word_clear(&made);
    return st;
}

/* ---- Circuits ---- */

whist_status whist_program_circuit(const struct whist_program *p,
                                   struct whist_circuit **circuit_out, struct whist_error *err)
{
    WHIST_REQUIRE(p->bound);
    if (p->n_segments == 1) {
        return gates_circuit(circuit_out, &p->words, err);
    }
    struct word_program whole;
    TRY(program_run(p, NULL, &whole, err));
    whist_status st = gates_circuit(circuit_out, &whole, err);
    word_clear(&whole);
    return st;
}

/* ---- Gates as they are pulled ---- */

static whist_status produce(void *ctx, struct word_sink *sink, struct whist_error *err)
{
    struct word_program last;

    TRY(program_run(ctx, sink, &last, err));
    whist_status st = sink->segment(sink, &last, err);
    word_clear(&last);
    return st;
}

whist_status whist_program_source(const struct whist_program *p,
                                  struct whist_gate_source **source_out, struct whist_error *err)
{
    WHIST_REQUIRE(p->bound);
    const struct gates_producer producer = {.run = produce, .ctx = (void *)(uintptr_t)p};
    return gates_source_new(source_out, &producer, err);
}
