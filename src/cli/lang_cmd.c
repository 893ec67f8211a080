/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist check|fmt|build|eval|explain: programs on one machine, without peers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

static whist_status open_file(struct program *p, const struct args *args, struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = program_load(p, &text, args, err);

    whist_buffer_clear(&text);
    return st;
}

/* ---- check ---- */

static whist_status print_warnings(const struct program *p, struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = whist_program_report(p->p, &text, false);

    if (st == WHIST_OK) {
        fwrite(text.data, 1, text.len, stderr);
    } else {
        st = cli_nomem(err);
    }
    whist_buffer_clear(&text);
    return st;
}

whist_status cmd_check(const struct args *args, struct whist_error *err)
{
    struct program p;
    struct json j = {0};
    whist_status st = open_file(&p, args, err);

    if (args_has(args, OPT_JSON) && (st == WHIST_OK || p.p != NULL)) {
        json_object_begin(&j, NULL);
        json_text(&j, "status", st == WHIST_OK ? "ok" : "error");
        program_json_diagnostics(&j, "diagnostics", &p, true);
        json_object_end(&j);
        if (!json_print_line(&j, stdout)) {
            st = cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
        }
        cli_error_is_told();
        json_clear(&j);
    } else if (st == WHIST_OK) {
        st = print_warnings(&p, err);
    }
    program_clear(&p);
    return st;
}

/* ---- explain ---- */

whist_status cmd_explain(const struct args *args, struct whist_error *err)
{
    const char *text = whist_diagnostic_explain(args->operands[0]);

    if (text == NULL) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "there is no kind of error '%.60s'; they stand in brackets behind 'error', "
                        "as in error[TypeMismatch]",
                        args->operands[0]);
    }
    fputs(text, stdout);
    return WHIST_OK;
}

/* ---- fmt ---- */

/* Rewrites the file only if it changes. Errors in types do not matter here. */
whist_status cmd_fmt(const struct args *args, struct whist_error *err)
{
    const char *file = args->operands[0];
    const struct whist_program_options options = {.file = file};
    struct whist_buffer text = {0}, out = {0};
    struct whist_program *p = NULL;
    whist_status st;

    TRY_OUT(read_file(&text, file, MAX_PROGRAM_TEXT, err));
    st = whist_program_new(&p, whist_buffer_view(&text), &options, err);
    if (p == NULL) {
        goto out;
    }
    st = whist_program_format(p, &out, err);
    if (st != WHIST_OK) {
        cli_context(err, "%.200s: ", file);
        goto out;
    }
    bool changes = !bytes_equal(whist_buffer_view(&text), whist_buffer_view(&out));
    if (args_has(args, OPT_CHECK)) {
        st = changes ? cli_fail(err, WHIST_ERR_FORMAT, "%.200s is not formatted", file) : WHIST_OK;
    } else if (changes || strcmp(file, "-") == 0) {
        st = write_file(file, whist_buffer_view(&out), err);
    }
out:
    whist_program_free(p);
    whist_buffer_clear(&text);
    whist_buffer_clear(&out);
    return st;
}

/* ---- build ---- */

static whist_status pack(const void *program, const struct whist_sink *sink,
                         struct whist_error *err)
{
    const struct program *p = program;

    return whist_program_pack(p->p, sink, err);
}

whist_status cmd_build(const struct args *args, struct whist_error *err)
{
    struct program p = {0};
    struct whist_circuit *circuit = NULL;
    enum circuit_format format;
    whist_status st;

    TRY(circuit_format(&format, args, err));
    TRY_OUT(open_file(&p, args, err));
    TRY_OUT(program_bind(&p, err));
    if (format == CIRCUIT_PACKED) {
        st = stream_file(args->text[OPT_OUTPUT], pack, &p, err);
        goto out;
    }
    TRY_OUT(whist_program_circuit(p.p, &circuit, err));
    st = circuit_write(args, format, circuit, whist_bytes(NULL, 0), err);
out:
    whist_circuit_free(circuit);
    program_clear(&p);
    return st;
}

/* ---- eval ---- */

/* A value for each party with an input or, for a function of one array, one for the array. */
static whist_status read_inputs(struct values *out, const struct program *p,
                                const struct args *args, struct whist_error *err)
{
    const struct value_reader reader = {program_read_input, p};
    char signature[800];
    size_t n = args->n_inputs;

    if (n == whist_program_n_params(p->p) && n != p->n_inputs) {
        const struct value_reader whole = {program_read_param, p};
        uint32_t bits = (uint32_t)whist_type_bits(whist_program_param_type(p->p, 0));
        const size_t first = 0;
        return values_read(out, args->inputs, &first, n, &bits, &whole, err);
    }
    if (n != p->n_inputs) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "%s, but --input is given %zu time%s",
                        program_signature(p, signature, sizeof(signature)), n, n == 1 ? "" : "s");
    }
    size_t *order = calloc(n + 1, sizeof(*order));
    if (order == NULL) {
        return cli_nomem(err);
    }
    for (size_t k = 0; k < n; k++) {
        order[k] = k;
    }
    whist_status st = values_read(out, args->inputs, order, n, p->widths, &reader, err);
    free(order);
    return st;
}

static whist_status print_json(const struct program *p, const uint8_t *outputs,
                               struct whist_error *err)
{
    struct json j = {0};
    uint64_t n_ands = 0;

    TRY(program_ands(&n_ands, p, NULL, err));
    json_object_begin(&j, NULL);
    whist_status st = WHIST_OK;
    if (outputs == NULL) {
        json_text(&j, "status", "compiles");
        json_number(&j, "and_gates", n_ands);
    } else {
        st = program_json(&j, p, outputs, n_ands, err);
    }
    json_object_end(&j);
    return json_finish(&j, st, err);
}

static whist_status evaluate(const struct program *p, const struct args *args,
                             struct whist_error *err)
{
    struct values inputs = {0};
    uint8_t *outputs = NULL;
    whist_status st;

    TRY_OUT(read_inputs(&inputs, p, args, err));
    outputs = calloc(whist_program_output_bits(p->p) + 1, 1);
    if (outputs == NULL) {
        st = cli_nomem(err);
        goto out;
    }
    TRY_OUT(whist_program_eval(p->p, outputs, inputs.bits, err));
    st = args_has(args, OPT_JSON) ? print_json(p, outputs, err) : program_print(p, outputs, err);
out:
    values_clear(&inputs);
    free(outputs);
    return st;
}

whist_status cmd_eval(const struct args *args, struct whist_error *err)
{
    struct program p;
    whist_status st;

    TRY_OUT(open_file(&p, args, err));
    TRY_OUT(program_bind(&p, err));
    if (!args_has(args, OPT_COMPILE_ONLY)) {
        st = evaluate(&p, args, err);
    } else if (args->n_inputs != 0) {
        st = cli_fail(err, WHIST_ERR_ARGUMENT, "--compile-only takes no --input");
    } else if (args_has(args, OPT_JSON)) {
        st = print_json(&p, NULL, err);
    }
out:
    if (st != WHIST_OK && args_has(args, OPT_JSON)) {
        program_json_failure(&p, err);
    }
    program_clear(&p);
    return st;
}
