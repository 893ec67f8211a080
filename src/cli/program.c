/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logging.h"
#include "report.h"

bool program_is_text(struct whist_bytes text)
{
    size_t i = 0;

    while (i < text.len &&
           (text.data[i] == ' ' || (text.data[i] >= '\t' && text.data[i] <= '\r'))) {
        i++;
    }
    return !whist_packed_begins(text) &&
           (i == text.len || text.data[i] < '0' || text.data[i] > '9');
}

whist_status looks_like_program(bool *out, const char *path, struct whist_error *err)
{
    uint8_t start[4096];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        return cli_fail_errno(err, "cannot open %.200s", path);
    }
    size_t len = fread(start, 1, sizeof(start), file);
    bool broken = ferror(file) != 0;
    (void)fclose(file);
    if (broken) {
        return cli_fail(err, WHIST_ERR_IO, "cannot read %.200s", path);
    }
    *out = len != 0 && program_is_text(whist_bytes(start, len));
    return WHIST_OK;
}

/* ---- Errors in the source ---- */

static bool colours(void)
{
    const char *no = getenv("NO_COLOR");

    return has_terminal() && (no == NULL || no[0] == '\0');
}

static size_t count(const struct program *p, whist_severity severity)
{
    size_t n = 0, all = whist_program_n_diagnostics(p->p);
    struct whist_diagnostic d;

    for (size_t k = 0; k < all; k++) {
        whist_program_diagnostic(p->p, k, &d);
        n += d.severity == severity;
    }
    return n;
}

/* Prints all diagnostics and makes the one line that the command ends with. */
static whist_status refused(const struct program *p, whist_status st, struct whist_error *err)
{
    struct whist_buffer text = {0};
    size_t n = p->p != NULL ? count(p, WHIST_SEVERITY_ERROR) : 0;

    if (n == 0) {
        return cli_context(err, "%.200s: ", p->file);
    }
    if (whist_program_report(p->p, &text, colours()) == WHIST_OK) {
        fwrite(text.data, 1, text.len, stderr);
    }
    whist_buffer_clear(&text);
    return cli_fail(err, st, "%.200s has %zu error%s; 'whist explain KIND' says more about a kind",
                    p->file, n, n == 1 ? "" : "s");
}

/* ---- Opening ---- */

static whist_status read_panics(whist_panics *out, const char *text, struct whist_error *err)
{
    for (unsigned k = 0; whist_panics_name((whist_panics)k) != NULL; k++) {
        if (strcmp(text, whist_panics_name((whist_panics)k)) == 0) {
            *out = (whist_panics)k;
            return WHIST_OK;
        }
    }
    return cli_fail(err, WHIST_ERR_ARGUMENT, "--panics takes site, flag or off, not '%.40s'", text);
}

whist_status program_open(struct program *out, const struct args *args, const char *file,
                          struct whist_bytes text, struct whist_error *err)
{
    const struct whist_program_options options = {
        .file = file, .thorough = args_number(args, OPT_OPTIMISE, 1) > 1};
    whist_status st = WHIST_OK;

    memset(out, 0, sizeof(*out));
    out->file = file;
    out->fn = args_has(args, OPT_FN) ? args->text[OPT_FN] : "main";
    out->thorough = options.thorough;
    if (args_has(args, OPT_PANICS)) {
        TRY(read_panics(&out->panics, args->text[OPT_PANICS], err));
    }
    for (size_t i = 0; i < args->n_consts; i++) {
        TRY_OUT(consts_read(&out->consts, args->consts[i], err));
    }
    st = whist_program_new(&out->p, text, &options, err);
    if (st != WHIST_OK) {
        return refused(out, st, err);
    }
    whist_program_hash(out->p, out->hash);
    if (!args_has(args, OPT_PANICS) &&
        whist_program_panics(out->p, &out->panics, err) != WHIST_OK) {
        return cli_context(err, "%.200s: ", file);
    }
out:
    return st;
}

whist_status program_load(struct program *out, struct whist_buffer *text_out,
                          const struct args *args, struct whist_error *err)
{
    const char *file = args->operands[0];

    memset(out, 0, sizeof(*out));
    out->file = strcmp(file, "-") == 0 ? "standard input" : file;
    TRY(read_file(text_out, file, MAX_PROGRAM_TEXT, err));
    if (!program_is_text(whist_buffer_view(text_out))) {
        return cli_fail(err, WHIST_ERR_FORMAT,
                        "%.200s is a circuit and not a program; see 'whist circuit --help'", file);
    }
    TRY(program_open(out, args, out->file, whist_buffer_view(text_out), err));
    out->json_inputs = args_has(args, OPT_INPUT_JSON);
    return WHIST_OK;
}

bool program_is_complete(const struct program *p)
{
    struct whist_bytes party, name;
    const char *type;

    for (size_t k = 0; whist_program_wanted(p->p, k, &party, &name, &type); k++) {
        if (!consts_have(&p->consts, party, name)) {
            return false;
        }
    }
    return true;
}

/* Widths of the inputs of a program that is bound. */
static whist_status note_inputs(struct program *p, struct whist_error *err)
{
    free(p->widths);
    p->n_inputs = whist_program_n_parties(p->p);
    p->widths = calloc(p->n_inputs + 1, sizeof(*p->widths));
    if (p->widths == NULL) {
        return cli_nomem(err);
    }
    for (size_t k = 0; k < p->n_inputs; k++) {
        uint64_t bits = whist_type_bits(whist_program_input_type(p->p, k));
        if (bits > UINT32_MAX) {
            return cli_fail(err, WHIST_ERR_LIMIT, "%.200s: input %zu has %" PRIu64 " bits", p->file,
                            k, bits);
        }
        p->widths[k] = (uint32_t)bits;
    }
    p->bound = true;
    return WHIST_OK;
}

whist_status program_bind(struct program *p, struct whist_error *err)
{
    consts_sort(&p->consts);
    whist_status st = whist_program_bind(p->p, p->fn, p->consts.list, p->consts.n, p->panics, err);

    return st == WHIST_OK ? note_inputs(p, err) : refused(p, st, err);
}

whist_status program_described(struct program *out, struct whist_bytes description,
                               struct whist_error *err)
{
    struct whist_bytes fn;

    memset(out, 0, sizeof(*out));
    TRY(whist_program_from_description(&out->p, description, err));
    TRY(whist_program_panics(out->p, &out->panics, err));
    whist_program_hash(out->p, out->hash);
    if (!whist_program_fn(out->p, 0, &fn)) {
        return cli_fail(err, WHIST_ERR_FORMAT, "the description has no function");
    }
    out->fn = out->fn_text = calloc(fn.len + 1, 1);
    if (out->fn_text == NULL) {
        return cli_nomem(err);
    }
    memcpy(out->fn_text, fn.data, fn.len);
    out->file = whist_program_file(out->p);
    return note_inputs(out, err);
}

void program_clear(struct program *p)
{
    whist_program_free(p->p);
    consts_clear(&p->consts);
    free(p->widths);
    free(p->fn_text);
    memset(p, 0, sizeof(*p));
}

whist_status program_ands(uint64_t *n_out, const struct program *p,
                          const struct whist_circuit *circuit, struct whist_error *err)
{
    struct whist_gate_source *source = NULL;

    if (circuit != NULL) {
        *n_out = whist_circuit_n_ands(circuit);
        return WHIST_OK;
    }
    /* As they are computed: in pieces, so a program may be larger than memory. */
    TRY(whist_program_source(p->p, &source, err));
    *n_out = source->ops->shape(source)->n_ands;
    whist_gate_source_free(source);
    return WHIST_OK;
}

/* ---- Inputs ---- */

const char *program_signature(const struct program *p, char *text_out, size_t size)
{
    size_t n = p->n_inputs, at = 0;
    int len = snprintf(text_out, size, "%s takes %zu input%s%s", p->fn, n, n == 1 ? "" : "s",
                       n == 0 ? "" : " (");

    at = len > 0 ? (size_t)len : 0;
    for (size_t k = 0; k < n && at < size; k++) {
        struct whist_bytes name = whist_program_input_name(p->p, k);
        const char *type = whist_type_text(p->p, whist_program_input_type(p->p, k));
        len = k == 8 ? snprintf(text_out + at, size - at, ", …)")
                     : snprintf(text_out + at, size - at, "%s%.*s: %.60s%s", k == 0 ? "" : ", ",
                                (int)(name.len < 40 ? name.len : 40), (const char *)name.data,
                                type != NULL ? type : "?", k + 1 == n ? ")" : "");
        at += len > 0 ? (size_t)len : 0;
        if (k == 8) {
            break;
        }
    }
    return text_out;
}

/* Only a value with something behind it is read twice: as in Garble that is ignored ("1 + 1" is 1),
 * and people should know. */
static whist_status read_value(const struct program *p, uint8_t *bits_out, size_t number,
                               const struct whist_type *type, struct whist_bytes text,
                               struct whist_error *err)
{
    if (p->json_inputs || whist_value_begins_json(text)) {
        return whist_program_read(p->p, bits_out, type, text, WHIST_VALUE_JSON, err);
    }
    whist_status st = whist_program_read(p->p, bits_out, type, text, WHIST_VALUE_STRICT, err);
    if (st != WHIST_ERR_FORMAT) {
        return st;
    }
    st = whist_program_read(p->p, bits_out, type, text, WHIST_VALUE_LITERAL, err);
    if (st == WHIST_OK) {
        fprintf(stderr, "whist: warning: input %zu: the text after its value is ignored\n", number);
    }
    return st;
}

static whist_status read_typed(const struct program *p, uint8_t *bits_out, size_t number,
                               struct whist_bytes name, const struct whist_type *type,
                               struct whist_bytes text, struct whist_error *err)
{
    whist_status st = read_value(p, bits_out, number, type, text, err);

    if (st == WHIST_ERR_FORMAT || st == WHIST_ERR_LIMIT) {
        const char *type_name = whist_type_text(p->p, type);
        err->status = WHIST_ERR_ARGUMENT;
        st = cli_context(err, "input %zu (%.*s: %.60s): ", number,
                         (int)(name.len < 40 ? name.len : 40), (const char *)name.data,
                         type_name != NULL ? type_name : "?");
    }
    return st;
}

whist_status program_read_input(const void *ctx, uint8_t *bits_out, size_t party,
                                struct whist_bytes text, struct whist_error *err)
{
    const struct program *p = ctx;

    return read_typed(p, bits_out, party, whist_program_input_name(p->p, party),
                      whist_program_input_type(p->p, party), text, err);
}

whist_status program_read_param(const void *ctx, uint8_t *bits_out, size_t param,
                                struct whist_bytes text, struct whist_error *err)
{
    const struct program *p = ctx;

    return read_typed(p, bits_out, param, whist_program_input_name(p->p, 0),
                      whist_program_param_type(p->p, param), text, err);
}

/* ---- Results ---- */

static const char *reason_words(whist_panic_reason reason)
{
    switch (reason) {
    case WHIST_PANIC_OVERFLOW:
        return "overflow";
    case WHIST_PANIC_DIV_BY_ZERO:
        return "division by zero";
    case WHIST_PANIC_OUT_OF_BOUNDS:
        return "index out of bounds";
    default:
        return "the program panicked";
    }
}

whist_status program_print(const struct program *p, const uint8_t *outputs, struct whist_error *err)
{
    const struct whist_type *type = whist_program_output_type(p->p);
    struct whist_buffer text = {0};
    struct whist_outcome end;

    if (outputs == NULL) {
        printf("no output: this party does not learn it\n");
        return WHIST_OK;
    }
    TRY(whist_program_outcome(p->p, outputs, &end, err));
    if (end.reason != WHIST_PANIC_NONE && p->panics == WHIST_PANICS_SITE) {
        fprintf(stderr, "panic: %s at %s:%" PRIu32 ":%" PRIu32 "\n", reason_words(end.reason),
                p->file, end.place.line, end.place.column);
    } else if (end.reason != WHIST_PANIC_NONE) {
        fprintf(stderr, "panic: %s\n", reason_words(end.reason));
    }
    if (end.reason != WHIST_PANIC_NONE) {
        cli_panicked();
        return WHIST_OK;
    }
    whist_status st = whist_program_write(p->p, &text, type, outputs, WHIST_VALUE_LITERAL, err);
    if (st == WHIST_OK) {
        printf("%.*s\n", (int)text.len, (const char *)text.data);
    }
    whist_buffer_clear(&text);
    return st;
}

static whist_status json_value(struct json *j, const struct program *p, const uint8_t *outputs,
                               struct whist_error *err)
{
    const struct whist_type *type = whist_program_output_type(p->p);
    size_t n = (size_t)whist_type_bits(type);
    struct whist_buffer text = {0};
    char *bits = malloc(n + 1);
    whist_status st = bits != NULL ? WHIST_OK : cli_nomem(err);

    if (st == WHIST_OK) {
        st = whist_program_write(p->p, &text, type, outputs, WHIST_VALUE_LITERAL, err);
    }
    if (st == WHIST_OK && whist_buffer_append(&text, "", 1) != WHIST_OK) {
        st = cli_nomem(err);
    }
    if (st == WHIST_OK) {
        for (size_t i = 0; i < n; i++) {
            bits[i] = (char)('0' + outputs[i]);
        }
        bits[n] = '\0';
        json_text(j, "output", (const char *)text.data);
        json_text(j, "bits", bits);
    }
    free(bits);
    whist_buffer_clear(&text);
    return st;
}

static void json_place(struct json *j, const char *file, const struct whist_place *place)
{
    json_text(j, "file", file);
    json_number(j, "line", place->line);
    json_number(j, "column", place->column);
}

whist_status program_json(struct json *j, const struct program *p, const uint8_t *outputs,
                          uint64_t n_ands, struct whist_error *err)
{
    struct whist_outcome end = {.reason = WHIST_PANIC_NONE};

    if (outputs == NULL) {
        json_text(j, "status", "ok");
        json_none(j, "output");
    } else {
        TRY(whist_program_outcome(p->p, outputs, &end, err));
        json_text(j, "status", end.reason == WHIST_PANIC_NONE ? "ok" : "panic");
    }
    if (outputs != NULL && end.reason == WHIST_PANIC_NONE) {
        TRY(json_value(j, p, outputs, err));
    } else if (end.reason != WHIST_PANIC_NONE) {
        json_text(j, "reason", whist_panic_reason_name(end.reason));
        if (p->panics == WHIST_PANICS_SITE) {
            json_object_begin(j, "site");
            json_number(j, "id", end.site);
            json_place(j, p->file, &end.place);
            json_object_end(j);
        }
        cli_panicked();
    }
    json_number(j, "and_gates", n_ands);
    return WHIST_OK;
}

/* ---- Diagnostics as JSON ---- */

static void json_label(struct json *j, const struct program *p, const struct whist_label *label)
{
    json_object_begin(j, NULL);
    json_place(j, p->file, &label->place);
    json_number(j, "end_line", label->place.end_line);
    json_number(j, "end_column", label->place.end_column);
    json_text(j, "message", label->text != NULL ? label->text : "");
    json_object_end(j);
}

static void json_diagnostic(struct json *j, const struct program *p,
                            const struct whist_diagnostic *d)
{
    json_object_begin(j, NULL);
    json_text(j, "severity", d->severity == WHIST_SEVERITY_ERROR ? "error" : "warning");
    json_text(j, "stage", d->stage);
    json_text(j, "kind", d->kind);
    json_place(j, p->file, &d->primary.place);
    json_number(j, "end_line", d->primary.place.end_line);
    json_number(j, "end_column", d->primary.place.end_column);
    json_text(j, "message", d->message);
    json_text(j, "label", d->primary.text != NULL ? d->primary.text : "");
    if (d->help != NULL) {
        json_text(j, "help", d->help);
    }
    json_array_begin(j, "labels");
    for (size_t i = 0; i < d->n_labels; i++) {
        json_label(j, p, &d->labels[i]);
    }
    json_array_end(j);
    json_object_end(j);
}

void program_json_diagnostics(struct json *j, const char *key, const struct program *p,
                              bool warnings)
{
    size_t n = p->p != NULL ? whist_program_n_diagnostics(p->p) : 0;
    struct whist_diagnostic d;

    json_array_begin(j, key);
    for (size_t k = 0; k < n; k++) {
        whist_program_diagnostic(p->p, k, &d);
        if (warnings || d.severity == WHIST_SEVERITY_ERROR) {
            json_diagnostic(j, p, &d);
        }
    }
    json_array_end(j);
}

void program_json_failure(const struct program *p, const struct whist_error *err)
{
    struct json j = {0};

    json_object_begin(&j, NULL);
    json_text(&j, "status", "error");
    if (p->p != NULL && count(p, WHIST_SEVERITY_ERROR) != 0) {
        program_json_diagnostics(&j, "errors", p, false);
    } else {
        json_array_begin(&j, "errors");
        json_object_begin(&j, NULL);
        json_text(&j, "kind", whist_status_name(err->status));
        json_text(&j, "file", p->file);
        json_text(&j, "message", err->text);
        json_object_end(&j);
        json_array_end(&j);
    }
    json_error(&j, "error", err);
    json_object_end(&j);
    if (json_print_line(&j, stdout)) {
        cli_error_is_told();
    }
    json_clear(&j);
}
