/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- Files ---- */

static whist_status read_at(void *ctx, uint8_t *out, uint64_t at, size_t len,
                            struct whist_error *err)
{
    const struct packed_input *in = ctx;

    while (len != 0) {
        ssize_t n = pread(in->fd, out, len, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return cli_fail_errno(err, "cannot read the circuit");
        }
        if (n == 0) {
            return cli_fail(err, WHIST_ERR_IO, "the circuit has become shorter");
        }
        out += n;
        at += (uint64_t)n;
        len -= (size_t)n;
    }
    return WHIST_OK;
}

whist_status packed_open(struct packed_input *out, const char *path, struct whist_error *err)
{
    uint8_t start[8];
    struct stat st;

    *out = (struct packed_input){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (out->fd < 0) {
        return cli_fail_errno(err, "cannot open %.200s", path);
    }
    if (fstat(out->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        pread(out->fd, start, sizeof(start), 0) != (ssize_t)sizeof(start) ||
        !whist_packed_begins(whist_bytes(start, sizeof(start)))) {
        packed_close(out);
        return WHIST_OK;
    }
    out->file =
        (struct whist_packed_file){.read = read_at, .ctx = out, .len = (uint64_t)st.st_size};
    return WHIST_OK;
}

void packed_close(struct packed_input *in)
{
    if (in->fd >= 0) {
        close(in->fd);
    }
    in->fd = -1;
}

/* Any format, from bytes. */
static whist_status parse(struct whist_circuit **out, struct whist_buffer *description_out,
                          struct whist_bytes text, struct whist_error *err)
{
    const struct whist_packed_file file = {.bytes = text};

    return whist_packed_begins(text) ? whist_packed_read(out, description_out, &file, err)
                                     : whist_bristol_parse(out, text, err);
}

static whist_status parse_file(struct whist_circuit **out, struct whist_buffer *description_out,
                               const char *path, struct whist_error *err)
{
    struct packed_input packed = {.fd = -1};
    struct whist_buffer text = {0};
    whist_status st = WHIST_OK;

    if (strcmp(path, "-") != 0) {
        TRY(packed_open(&packed, path, err));
    }
    if (packed.fd >= 0) {
        st = whist_packed_read(out, description_out, &packed.file, err);
    } else {
        st = read_file(&text, path, MAX_CIRCUIT_TEXT, err);
        if (st != WHIST_OK) {
            goto out; /* names the file itself */
        }
        st = parse(out, description_out, whist_buffer_view(&text), err);
    }
    if (st != WHIST_OK) {
        cli_context(err, "%.200s: ", path);
    }
out:
    packed_close(&packed);
    whist_buffer_clear(&text);
    return st;
}

/* ---- The operand ---- */

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

whist_status circuit_load(struct whist_circuit **out, struct whist_buffer *description_out,
                          const struct args *args, const char *name, struct whist_error *err)
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
    return parse_file(out, description_out, name, err);
}
