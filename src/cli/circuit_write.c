/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist circuit convert|make: circuits as files. */
#include "cli.h"

static whist_status write_circuit(const struct args *args, const struct whist_circuit *circuit,
                                  struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = whist_bristol_write(&text, circuit, args_has(args, OPT_OLDER), err);

    if (st == WHIST_OK) {
        st = write_file(args->text[OPT_OUTPUT], whist_buffer_view(&text), err);
    }
    whist_buffer_clear(&text);
    return st;
}

whist_status cmd_circuit_convert(const struct args *args, struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;

    TRY(circuit_load(&circuit, args, args->operands[0], err));
    whist_status st = write_circuit(args, circuit, err);
    whist_circuit_free(circuit);
    return st;
}

static void list_circuits(void)
{
    const char *name, *description;

    for (size_t k = 0; (name = whist_circuit_make_name(k, &description)) != NULL; k++) {
        printf("%-10s %s\n", name, description);
    }
}

whist_status cmd_circuit_make(const struct args *args, struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;

    if (args->n_operands == 0) {
        list_circuits();
        return WHIST_OK;
    }
    TRY(circuit_make(&circuit, args, args->operands[0], err));
    whist_status st = write_circuit(args, circuit, err);
    whist_circuit_free(circuit);
    return st;
}
