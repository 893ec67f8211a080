/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist circuit convert|make: circuits as files. */
#include <string.h>

#include "cli.h"

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n > m && strcmp(text + n - m, end) == 0;
}

whist_status circuit_format(enum circuit_format *out, const struct args *args,
                            struct whist_error *err)
{
    const char *format = args->text[OPT_FORMAT], *path = args->text[OPT_OUTPUT];
    bool packed =
        format != NULL ? strcmp(format, "whist") == 0 : path != NULL && ends_with(path, ".whist");

    if (format != NULL && !packed && strcmp(format, "bristol") != 0) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--format takes whist or bristol, not '%.40s'",
                        format);
    }
    if (packed && args_has(args, OPT_OLDER)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--older is a Bristol format, not that of %s",
                        format != NULL ? "--format whist" : ".whist files");
    }
    *out = packed ? CIRCUIT_PACKED : args_has(args, OPT_OLDER) ? CIRCUIT_OLDER : CIRCUIT_BRISTOL;
    return WHIST_OK;
}

struct writing {
    const struct whist_circuit *circuit;
    enum circuit_format format;
    struct whist_bytes description;
};

static whist_status produce(const void *ctx, const struct whist_sink *sink, struct whist_error *err)
{
    const struct writing *w = ctx;
    struct whist_gate_source *source = NULL;

    if (w->format != CIRCUIT_PACKED) {
        return whist_bristol_stream(sink, w->circuit, w->format == CIRCUIT_OLDER, err);
    }
    TRY(whist_circuit_source_new(&source, w->circuit, err));
    whist_status st = whist_packed_write(sink, source, w->description, err);
    whist_gate_source_free(source);
    return st;
}

whist_status circuit_write(const struct args *args, enum circuit_format format,
                           const struct whist_circuit *circuit, struct whist_bytes description,
                           struct whist_error *err)
{
    const struct writing w = {circuit, format, description};

    return stream_file(args->text[OPT_OUTPUT], produce, &w, err);
}

whist_status cmd_circuit_convert(const struct args *args, struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;
    struct whist_buffer description = {0};
    enum circuit_format format;
    whist_status st;

    TRY(circuit_format(&format, args, err));
    TRY_OUT(circuit_load(&circuit, &description, args, args->operands[0], err));
    st = circuit_write(args, format, circuit, whist_buffer_view(&description), err);
out:
    whist_circuit_free(circuit);
    whist_buffer_clear(&description);
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
    enum circuit_format format;

    if (args->n_operands == 0) {
        list_circuits();
        return WHIST_OK;
    }
    TRY(circuit_format(&format, args, err));
    TRY(circuit_make(&circuit, args, args->operands[0], err));
    whist_status st = circuit_write(args, format, circuit, whist_bytes(NULL, 0), err);
    whist_circuit_free(circuit);
    return st;
}
