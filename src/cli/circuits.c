/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Longest circuit file; 2^31 gates of some 30 bytes would not fit, but nobody's memory either. */
#define MAX_CIRCUIT_TEXT ((size_t)16 << 30)

size_t total_bits(const uint32_t *widths, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += widths[i];
    }
    return sum;
}

static bool can_be_made(const char *name)
{
    const char *known;

    for (size_t k = 0; (known = whist_circuit_make_name(k, NULL)) != NULL; k++) {
        if (strcmp(known, name) == 0) {
            return true;
        }
    }
    return false;
}

whist_status circuit_make(struct whist_circuit **out, const struct args *args, const char *name,
                          struct whist_error *err)
{
    struct whist_make_options options = {
        .bits = (size_t)args_number(args, OPT_BITS, 0),
        .bidders = (size_t)args_number(args, OPT_BIDDERS, 0),
        .operands = (size_t)args_number(args, OPT_OPERANDS, 0),
    };

    if (!can_be_made(name)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "no circuit can be made by the name '%.60s'; see 'whist circuit make "
                        "--help'",
                        name);
    }
    return whist_circuit_make(out, name, &options, err);
}

static whist_status parse_file(struct whist_circuit **out, const char *path,
                               struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = read_file(&text, path, MAX_CIRCUIT_TEXT, err);

    if (st == WHIST_OK) {
        st = whist_bristol_parse(out, whist_buffer_view(&text), err);
        if (st != WHIST_OK) {
            cli_context(err, "%.200s: ", path);
        }
    }
    whist_buffer_clear(&text);
    return st;
}

whist_status no_make_options(const struct args *args, const char *name, const char *what,
                             struct whist_error *err)
{
    const uint64_t options =
        option_bit(OPT_BITS) | option_bit(OPT_BIDDERS) | option_bit(OPT_OPERANDS);

    return (args->given & options) == 0
               ? WHIST_OK
               : cli_fail(err, WHIST_ERR_ARGUMENT,
                          "--bits, --bidders and --operands are for circuits made by name; "
                          "'%.60s' is %s",
                          name, what);
}

whist_status circuit_load(struct whist_circuit **out, const struct args *args, const char *name,
                          struct whist_error *err)
{
    if (strcmp(name, "-") != 0 && access(name, F_OK) != 0) {
        if (can_be_made(name)) {
            return circuit_make(out, args, name, err);
        }
        if (strchr(name, '/') == NULL) {
            return cli_fail(err, WHIST_ERR_IO,
                            "there is no file '%.60s', nor a circuit that can be made by that name",
                            name);
        }
    }
    TRY(no_make_options(args, name, "a file", err));
    return parse_file(out, name, err);
}
