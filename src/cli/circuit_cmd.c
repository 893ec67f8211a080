/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist circuit info|check|eval: circuits in the clear, without any protocol. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "report.h"

static void print_widths(const char *what, const uint32_t *widths, size_t n)
{
    printf("%-12s %zu group%s of", what, n, n == 1 ? "" : "s");
    for (size_t i = 0; i < n; i++) {
        printf(" %" PRIu32, widths[i]);
    }
    printf(" bits\n");
}

static void json_widths(struct json *j, const char *key, const uint32_t *widths, size_t n)
{
    json_array_begin(j, key);
    for (size_t i = 0; i < n; i++) {
        json_number(j, NULL, widths[i]);
    }
    json_array_end(j);
}

/* The counts in the order in which they are told. */
struct count {
    const char *label, *key;
    uint64_t value;
};

static whist_status print_info(const struct whist_circuit *circuit,
                               const struct whist_circuit_info *info, bool as_json)
{
    const struct count counts[] = {
        {"gates", "gates", info->n_gates},
        {"wires", "wires", info->n_wires},
        {"XOR", "xor", info->n_xor},
        {"AND", "and", info->n_and},
        {"NOT", "not", info->n_not},
        {"copies", "copy", info->n_copy},
        {"constants", "const", info->n_const},
        {"AND depth", "and_depth", info->and_depth},
        {"live wires", "max_live", info->max_live},
    };
    size_t n_in, n_out;
    const uint32_t *in = whist_circuit_input_widths(circuit, &n_in);
    const uint32_t *out = whist_circuit_output_widths(circuit, &n_out);
    struct json j = {0};

    if (!as_json) {
        print_widths("inputs", in, n_in);
        print_widths("outputs", out, n_out);
        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
            printf("%-12s %" PRIu64 "\n", counts[i].label, counts[i].value);
        }
        return WHIST_OK;
    }
    json_object_begin(&j, NULL);
    json_widths(&j, "inputs", in, n_in);
    json_widths(&j, "outputs", out, n_out);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        json_number(&j, counts[i].key, counts[i].value);
    }
    json_object_end(&j);
    bool printed = json_print_line(&j, stdout);
    json_clear(&j);
    return printed ? WHIST_OK : WHIST_ERR_IO;
}

whist_status cmd_circuit_info(const struct args *args, struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;
    struct whist_circuit_info info;

    TRY(circuit_load(&circuit, NULL, args, args->operands[0], err));
    whist_status st = whist_circuit_info(circuit, &info, err);
    if (st == WHIST_OK && print_info(circuit, &info, args_has(args, OPT_JSON)) != WHIST_OK) {
        st = cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
    }
    whist_circuit_free(circuit);
    return st;
}

whist_status cmd_circuit_check(const struct args *args, struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;

    TRY(circuit_load(&circuit, NULL, args, args->operands[0], err));
    printf("%s: well-formed, %" PRIu64 " gates\n", args->operands[0],
           whist_circuit_n_gates(circuit));
    whist_circuit_free(circuit);
    return WHIST_OK;
}

static whist_status print_eval(const struct outputs *out, bool as_json, struct whist_error *err)
{
    struct json j = {0};

    if (!as_json) {
        return print_outputs(out, err);
    }
    json_object_begin(&j, NULL);
    json_outputs(&j, out);
    json_object_end(&j);
    return json_finish(&j, WHIST_OK, err);
}

static whist_status eval_inputs(struct values *values, const struct args *args,
                                const struct whist_circuit *circuit, struct whist_error *err)
{
    size_t n;
    const uint32_t *widths = whist_circuit_input_widths(circuit, &n);
    const struct value_reader reader = {value_read_number, widths};

    if (args->n_inputs != n) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "the circuit has %zu inputs, but --input is given %zu times", n,
                        args->n_inputs);
    }
    size_t *group = calloc(n + 1, sizeof(*group));
    if (group == NULL) {
        return cli_nomem(err);
    }
    for (size_t k = 0; k < n; k++) {
        group[k] = k;
    }
    whist_status st = values_read(values, args->inputs, group, n, widths, &reader, err);
    free(group);
    return st;
}

whist_status cmd_circuit_eval(const struct args *args, struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;
    struct values values = {0};
    struct outputs out = {0};
    uint8_t *bits = NULL;
    size_t n_bits = 0;
    whist_status st;

    TRY(circuit_load(&circuit, NULL, args, args->operands[0], err));
    TRY_OUT(eval_inputs(&values, args, circuit, err));
    out.widths = whist_circuit_output_widths(circuit, &out.n);
    n_bits = total_bits(out.widths, out.n);
    out.bits = bits = calloc(n_bits + 1, 1);
    if (bits == NULL) {
        st = cli_nomem(err);
        goto out;
    }
    TRY_OUT(whist_circuit_eval(circuit, bits, values.bits, err));
    st = print_eval(&out, args_has(args, OPT_JSON), err);
out:
    if (bits != NULL) {
        cli_wipe(bits, n_bits);
    }
    free(bits);
    values_clear(&values);
    whist_circuit_free(circuit);
    return st;
}
