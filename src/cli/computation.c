/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What is computed: a circuit or a program, and the terms that the parties agree on. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "link.h"
#include "party.h"

static whist_status read_owners(struct computation *c, const char *text, struct whist_error *err)
{
    size_t n = 0, *list = calloc(c->n_inputs + 1, sizeof(*list));
    whist_status st = WHIST_OK;
    char what[800];

    free(c->owners);
    free(c->group_owners);
    c->owners = calloc(c->n_inputs + 1, 1);
    c->group_owners = calloc(c->n_inputs + 1, 1);
    if (list == NULL || c->owners == NULL || c->group_owners == NULL) {
        st = cli_nomem(err);
        goto out;
    }
    for (size_t k = 0; k < c->n_inputs; k++) {
        c->owners[k] = (uint8_t)(k % c->n);
    }
    if (text == NULL) {
        goto out;
    }
    TRY_OUT(args_number_list(list, &n, c->n_inputs, text, c->n - 1, "owners", err));
    if (n != c->n_inputs) {
        st = cli_fail(err, WHIST_ERR_ARGUMENT, "--owners names %zu owners, but %s", n,
                      computation_text(c, what, sizeof(what)));
        goto out;
    }
    for (size_t k = 0; k < n; k++) {
        c->owners[k] = (uint8_t)list[k];
    }
out:
    n = 0;
    for (size_t k = 0; st == WHIST_OK && k < c->n_inputs; k++) {
        if (c->input_widths[k] != 0) {
            c->group_owners[n++] = c->owners[k];
        }
    }
    free(list);
    return st;
}

static whist_status read_receivers(struct computation *c, const char *text, struct whist_error *err)
{
    size_t list[WHIST_MAX_PARTIES], n = c->n;

    for (size_t i = 0; i < n; i++) {
        list[i] = i;
    }
    if (text != NULL) {
        TRY(args_number_list(list, &n, WHIST_MAX_PARTIES, text, c->n - 1, "output-to", err));
    }
    for (size_t i = 0; i < n; i++) {
        c->receivers |= UINT64_C(1) << list[i];
    }
    return WHIST_OK;
}

/* How many parties there are and what they are to do; inputs may not be known yet. */
static whist_status read_session(struct computation *c, const struct args *args, size_t n,
                                 struct whist_error *err)
{
    char what[800];

    c->n = n != 0 ? n : c->n_inputs < 2 ? 2 : c->n_inputs;
    if (c->n > WHIST_MAX_PARTIES) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "%s, but there are at most %d parties; give --parties",
                        computation_text(c, what, sizeof(what)), WHIST_MAX_PARTIES);
    }
    c->evaluator = (size_t)args_number(args, OPT_EVALUATOR, 0);
    if (c->evaluator >= c->n) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--evaluator %zu is not one of the %zu parties (0 to %zu)", c->evaluator,
                        c->n, c->n - 1);
    }
    c->session.rho = (uint32_t)args_number(args, OPT_RHO, 0);
    c->session.timeout_ms = wait_ms(args_timeout_ms(args));
    c->legacy = args_has(args, OPT_LEGACY);
    return read_receivers(c, args->text[OPT_OUTPUT_TO], err);
}

/* ---- Circuit or program ---- */

static whist_status shape_of_program(struct computation *c, struct whist_error *err)
{
    TRY(program_bind(c->program, err));
    c->input_widths = c->program->widths;
    c->n_inputs = c->program->n_inputs;
    c->n_output_bits = whist_program_output_bits(c->program->p);
    return WHIST_OK;
}

static whist_status load_program(struct computation *c, const struct args *args,
                                 struct whist_bytes text, bool alone, struct whist_error *err)
{
    TRY(no_make_options(args, args->operands[0], "a program", err));
    c->program = calloc(1, sizeof(*c->program));
    if (c->program == NULL) {
        return cli_nomem(err);
    }
    TRY(program_open(c->program, args, args->operands[0], text, err));
    c->program->json_inputs = args_has(args, OPT_INPUT_JSON);
    return alone || program_is_complete(c->program) ? shape_of_program(c, err) : WHIST_OK;
}

/* Programs that were made a circuit have nothing left to choose. */
static whist_status no_program_options(const struct args *args, bool described,
                                       struct whist_error *err)
{
    const uint64_t programs = option_bit(OPT_FN) | option_bit(OPT_CONST) | option_bit(OPT_PANICS) |
                              option_bit(OPT_OPTIMISE) |
                              (described ? 0 : option_bit(OPT_INPUT_JSON));

    return (args->given & programs) == 0
               ? WHIST_OK
               : cli_fail(
                     err, WHIST_ERR_ARGUMENT,
                     "--fn, --const, --panics, --optimise%s for programs; '%.60s' is a circuit",
                     described ? " are" : " and --input-json are", args->operands[0]);
}

/* Do the widths of the program's inputs and outputs fit the circuit's? */
static bool fits(const struct computation *c, const struct program *p)
{
    size_t n = 0, n_out = whist_program_output_bits(p->p);

    for (size_t k = 0; k < p->n_inputs; k++) {
        if (p->widths[k] != 0 && (n == c->n_inputs || c->input_widths[n++] != p->widths[k])) {
            return false;
        }
    }
    return n == c->n_inputs && c->n_outputs == 1 && c->output_widths[0] == (n_out != 0 ? n_out : 1);
}

/* What a packed circuit says of the program that it was: how values are written. */
static whist_status describe(struct computation *c, const struct args *args,
                             struct whist_bytes description, struct whist_error *err)
{
    if (description.len == 0) {
        return WHIST_OK;
    }
    c->program = calloc(1, sizeof(*c->program));
    if (c->program == NULL) {
        return cli_nomem(err);
    }
    if (program_described(c->program, description, err) != WHIST_OK) {
        return cli_context(err, "%.200s: ", args->operands[0]);
    }
    if (!fits(c, c->program)) {
        return cli_fail(err, WHIST_ERR_FORMAT, "%.200s: the description does not fit the circuit",
                        args->operands[0]);
    }
    c->program->json_inputs = args_has(args, OPT_INPUT_JSON);
    c->input_widths = c->program->widths;
    c->n_inputs = c->program->n_inputs;
    return WHIST_OK;
}

/* A file that is larger than memory, maybe: only its shape is read now. */
static whist_status load_packed(struct computation *c, const struct args *args,
                                struct whist_buffer *description, struct whist_error *err)
{
    if (whist_packed_source_new(&c->shape_of, description, &c->packed->file, err) != WHIST_OK) {
        return cli_context(err, "%.200s: ", args->operands[0]);
    }
    const struct whist_circuit_shape *shape = c->shape_of->ops->shape(c->shape_of);
    c->input_widths = shape->input_widths;
    c->n_inputs = shape->n_inputs;
    c->output_widths = shape->output_widths;
    c->n_outputs = shape->n_outputs;
    return WHIST_OK;
}

static whist_status load_stored(struct computation *c, const struct args *args,
                                struct whist_buffer *description, struct whist_error *err)
{
    TRY(circuit_load(&c->circuit, description, args, args->operands[0], err));
    c->input_widths = whist_circuit_input_widths(c->circuit, &c->n_inputs);
    c->output_widths = whist_circuit_output_widths(c->circuit, &c->n_outputs);
    return WHIST_OK;
}

static whist_status open_packed(struct computation *c, const char *path, struct whist_error *err)
{
    struct packed_input *in = calloc(1, sizeof(*in));

    if (in == NULL) {
        return cli_nomem(err);
    }
    whist_status st = packed_open(in, path, err);
    if (st != WHIST_OK || in->fd < 0) {
        free(in);
        return st;
    }
    c->packed = in;
    return WHIST_OK;
}

static whist_status load_circuit(struct computation *c, const struct args *args, bool is_file,
                                 struct whist_error *err)
{
    struct whist_buffer description = {0};
    whist_status st;

    if (is_file) {
        TRY(open_packed(c, args->operands[0], err));
    }
    if (c->packed != NULL) {
        TRY(no_make_options(args, args->operands[0], "a file", err));
        st = load_packed(c, args, &description, err);
    } else {
        st = load_stored(c, args, &description, err);
    }
    if (st == WHIST_OK) {
        c->n_output_bits = total_bits(c->output_widths, c->n_outputs);
        st = no_program_options(args, description.len != 0, err);
    }
    if (st == WHIST_OK) {
        st = describe(c, args, whist_buffer_view(&description), err);
    }
    whist_buffer_clear(&description);
    return st;
}

/* The file is read twice if it is a circuit, whose limit is larger. */
static whist_status load(struct computation *c, const struct args *args, bool alone,
                         struct whist_error *err)
{
    const char *name = args->operands[0];
    struct whist_buffer text = {0};
    bool is_program = false;

    if (strcmp(name, "-") == 0 || access(name, F_OK) != 0) {
        return load_circuit(c, args, false, err);
    }
    TRY(looks_like_program(&is_program, name, err));
    if (!is_program) {
        return load_circuit(c, args, true, err);
    }
    whist_status st = read_file(&text, name, MAX_PROGRAM_TEXT, err);
    if (st == WHIST_OK) {
        st = load_program(c, args, whist_buffer_view(&text), alone, err);
    }
    whist_buffer_clear(&text);
    return st;
}

whist_status computation_init(struct computation *c, const struct args *args, size_t n, bool alone,
                              struct whist_error *err)
{
    memset(c, 0, sizeof(*c));
    TRY(load(c, args, alone, err));
    TRY(read_session(c, args, n, err));
    return c->program == NULL || c->program->bound ? read_owners(c, args->text[OPT_OWNERS], err)
                                                   : WHIST_OK;
}

whist_status computation_bind(struct computation *c, const struct args *args,
                              struct whist_error *err)
{
    TRY(shape_of_program(c, err));
    return read_owners(c, args->text[OPT_OWNERS], err);
}

void computation_clear(struct computation *c)
{
    whist_circuit_free(c->circuit);
    whist_gate_source_free(c->shape_of);
    if (c->packed != NULL) {
        packed_close(c->packed);
    }
    free(c->packed);
    if (c->program != NULL) {
        program_clear(c->program);
    }
    free(c->program);
    free(c->owners);
    free(c->group_owners);
    memset(c, 0, sizeof(*c));
}

size_t computation_groups(const struct computation *c, size_t party, size_t *groups)
{
    size_t n = 0;

    for (size_t k = 0; k < c->n_inputs; k++) {
        if (c->owners[k] == party) {
            groups[n++] = k;
        }
    }
    return n;
}

struct value_reader computation_reader(const struct computation *c)
{
    return c->program != NULL ? (struct value_reader){program_read_input, c->program}
                              : (struct value_reader){value_read_number, c->input_widths};
}

const char *computation_text(const struct computation *c, char *text_out, size_t size)
{
    if (c->program != NULL) {
        return program_signature(c->program, text_out, size);
    }
    snprintf(text_out, size, "the circuit has %zu inputs", c->n_inputs);
    return text_out;
}

/* ---- Results ---- */

whist_status computation_print(const struct computation *c, const uint8_t *outputs,
                               struct whist_error *err)
{
    const struct outputs out = {c->output_widths, c->n_outputs, outputs};

    return c->program != NULL ? program_print(c->program, outputs, err) : print_outputs(&out, err);
}

whist_status computation_json(struct json *j, const struct computation *c, const uint8_t *outputs,
                              uint64_t n_ands, struct whist_error *err)
{
    const struct outputs out = {c->output_widths, c->n_outputs, outputs};

    if (c->program != NULL) {
        return program_json(j, c->program, outputs, n_ands, err);
    }
    json_outputs(j, &out);
    return WHIST_OK;
}
