/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Private values: VALUE stands in the process list for everybody to see, @FILE and - do not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

/* Longest text of all values of a source; a value of a million bits has 250 kB in hex. */
#define MAX_VALUE_TEXT ((size_t)64 << 20)

/* Standard input, read when the first "-" asks for it, handed out line by line; a terminal is asked
 * for each line. */
struct stdin_lines {
    struct whist_buffer text;
    size_t pos, n_typed;
    bool read;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_space(struct stdin_lines *in)
{
    while (in->pos < in->text.len && is_space(in->text.data[in->pos])) {
        in->pos++;
    }
}

/* Asks for a line; text is then that line. */
static whist_status type_line(struct stdin_lines *in, struct whist_error *err)
{
    uint8_t part[4096];
    ssize_t n = 0;

    fprintf(stderr, in->n_typed == 0 ? "your input: " : "your input %zu: ", in->n_typed + 1);
    fflush(stderr);
    in->n_typed++;
    whist_buffer_clear(&in->text);
    in->pos = 0;
    while (in->text.len == 0 || in->text.data[in->text.len - 1] != '\n') {
        n = read(STDIN_FILENO, part, sizeof(part));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0 || in->text.len > MAX_VALUE_TEXT) {
            break;
        }
        if (whist_buffer_append(&in->text, part, (size_t)n) != WHIST_OK) {
            cli_wipe(part, sizeof(part));
            return cli_nomem(err);
        }
    }
    cli_wipe(part, sizeof(part));
    return n < 0 ? cli_fail_errno(err, "cannot read standard input") : WHIST_OK;
}

static whist_status next_line(struct stdin_lines *in, struct whist_bytes *line_out,
                              struct whist_error *err)
{
    if (isatty(STDIN_FILENO) != 0) {
        TRY(type_line(in, err));
    } else if (!in->read) {
        TRY(read_file(&in->text, "-", MAX_VALUE_TEXT, err));
        in->read = true;
    }
    skip_space(in);
    if (in->pos == in->text.len) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "standard input holds no (further) value");
    }
    size_t start = in->pos;
    while (in->pos < in->text.len && in->text.data[in->pos] != '\n') {
        in->pos++;
    }
    *line_out = whist_bytes(in->text.data + start, in->pos - start);
    return WHIST_OK;
}

whist_status value_read_number(const void *ctx, uint8_t *bits_out, size_t group,
                               struct whist_bytes text, struct whist_error *err)
{
    const uint32_t *widths = ctx;
    whist_status st = whist_value_parse(bits_out, widths[group], text, err);

    /* A value that is no number, or too large, is wrong usage. */
    if (st == WHIST_ERR_FORMAT || st == WHIST_ERR_LIMIT) {
        err->status = WHIST_ERR_ARGUMENT;
        st = WHIST_ERR_ARGUMENT;
    }
    return st == WHIST_OK ? st
                          : cli_context(err, "circuit input %zu (%u bits): ", group, widths[group]);
}

static whist_status read_value(uint8_t *bits_out, size_t group, const char *spec,
                               const struct value_reader *reader, struct stdin_lines *in,
                               struct whist_error *err)
{
    struct whist_buffer text = {0};
    struct whist_bytes line;

    if (strcmp(spec, "-") == 0) {
        TRY(next_line(in, &line, err));
        return reader->read(reader->ctx, bits_out, group, line, err);
    }
    if (spec[0] != '@') {
        return reader->read(reader->ctx, bits_out, group, whist_bytes(spec, strlen(spec)), err);
    }
    whist_status st = read_file(&text, spec + 1, MAX_VALUE_TEXT, err);
    if (st == WHIST_OK) {
        st = reader->read(reader->ctx, bits_out, group, whist_buffer_view(&text), err);
    }
    whist_buffer_clear(&text);
    return st;
}

whist_status values_read(struct values *out, const char *const *specs, const size_t *group,
                         size_t n, const uint32_t *widths, const struct value_reader *reader,
                         struct whist_error *err)
{
    struct stdin_lines in = {0};
    whist_status st = WHIST_OK;
    size_t pos = 0;

    memset(out, 0, sizeof(*out));
    for (size_t k = 0; k < n; k++) {
        out->n_bits += widths[group[k]];
    }
    out->bits = calloc(out->n_bits + 1, 1);
    if (out->bits == NULL) {
        return cli_nomem(err);
    }
    for (size_t k = 0; k < n; k++) {
        TRY_OUT(read_value(out->bits + pos, group[k], specs[k], reader, &in, err));
        pos += widths[group[k]];
    }
    skip_space(&in);
    if (in.pos != in.text.len) {
        st = cli_fail(err, WHIST_ERR_ARGUMENT,
                      "standard input holds more than one line for each '--input -'");
    }
out:
    whist_buffer_clear(&in.text);
    if (st != WHIST_OK) {
        values_clear(out);
    }
    return st;
}

void values_clear(struct values *v)
{
    if (v->bits != NULL) {
        cli_wipe(v->bits, v->n_bits);
    }
    free(v->bits);
    memset(v, 0, sizeof(*v));
}
