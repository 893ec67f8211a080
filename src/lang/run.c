/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A bound program, executed again for whoever wants its words: interpreter, circuit, gate source.
 */
#include "circuit/packed.h"
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
    WHIST_REQUIRE(p->bound && !p->described);
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
    WHIST_REQUIRE(p->bound && !p->described);
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
    const struct whist_program *p = ctx;
    struct word_program last;

    if (p->n_segments == 1) {
        return sink->segment(sink, &p->words, err);
    }
    TRY(program_run(p, sink, &last, err));
    whist_status st = sink->segment(sink, &last, err);
    word_clear(&last);
    return st;
}

static struct gates_producer producer_of(const struct whist_program *p)
{
    return (struct gates_producer){.run = produce, .ctx = (void *)(uintptr_t)p};
}

whist_status whist_program_source(const struct whist_program *p,
                                  struct whist_gate_source **source_out, struct whist_error *err)
{
    WHIST_REQUIRE(p->bound && !p->described);
    const struct gates_producer producer = producer_of(p);
    return gates_source_new(source_out, &producer, err);
}

/* ---- Gates into a file ---- */

static whist_status pack_gates(void *ctx, const struct whist_gate *gates, size_t n)
{
    return packed_gates(ctx, gates, n);
}

static whist_status pack(struct packed_writer *w, const struct whist_program *p,
                         struct whist_bytes description, struct whist_error *err)
{
    const struct gates_producer producer = producer_of(p);
    uint32_t n_outputs = (uint32_t)word_output_bits(&p->words), *slots = NULL;
    struct numbers inputs = {0};
    whist_status st = gates_inputs(&inputs, &p->words);

    n_outputs += n_outputs == 0; /* gates_circuit makes one */
    if (st != WHIST_OK) {
        st = whist_fail(err, st, WHIST_NO_PEER, "gates", "out of memory for the gates");
    } else {
        st = packed_begin(w, inputs.v, inputs.len, &n_outputs, 1, description);
    }
    if (st == WHIST_OK) {
        st = gates_stream(&slots, &producer, pack_gates, w, err);
    }
    if (st == WHIST_OK) {
        st = packed_end(w, slots, n_outputs);
    }
    numbers_clear(&inputs);
    whist_free(slots);
    return st;
}

whist_status whist_program_pack(const struct whist_program *p, const struct whist_sink *sink,
                                struct whist_error *err)
{
    WHIST_REQUIRE(p->bound && !p->described);
    struct whist_error write_err = {.peer = WHIST_NO_PEER};
    struct packed_writer w = {.sink = sink, .err = &write_err};
    struct whist_buffer description = {0};
    whist_status st = whist_program_describe(p, &description, err);

    if (st == WHIST_OK) {
        st = pack(&w, p, whist_buffer_view(&description), err);
    }
    if (w.status != WHIST_OK && err != NULL) { /* what was wrong with the file says more */
        *err = write_err;
    }
    packed_clear(&w);
    whist_buffer_clear(&description);
    return st;
}
