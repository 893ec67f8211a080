/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The public face of the language: programs and their life. */
#include <stdio.h>

#include "crypto/crypto.h"
#include "lang/format.h"
#include "lang/literal.h"
#include "lang/program.h"

struct whist_place program_place(const struct whist_program *p, struct lang_span span)
{
    struct whist_place place = {.offset = span.from, .length = span.to - span.from};

    lang_position(p->unit, span.from, &place.line, &place.column);
    lang_position(p->unit, span.to, &place.end_line, &place.end_column);
    return place;
}

/* ---- Diagnostics ---- */

static void forget_diags(struct whist_program *p)
{
    for (size_t i = 0; i < p->n_diags; i++) {
        whist_free((void *)(uintptr_t)p->diags[i].labels);
    }
    whist_free(p->diags);
    p->diags = NULL;
    p->n_diags = 0;
}

static whist_status copy_labels(const struct whist_program *p, const struct lang_diag *d,
                                struct whist_diagnostic *out)
{
    struct whist_label *labels = whist_alloc((size_t)d->n_more + 1, sizeof *labels);

    if (labels == NULL) {
        return WHIST_ERR_NOMEM;
    }
    for (uint32_t i = 0; i < d->n_more; i++) {
        labels[i] = (struct whist_label){.place = program_place(p, d->more[i].span),
                                         .text = d->more[i].text};
    }
    out->labels = labels;
    out->n_labels = d->n_more;
    return WHIST_OK;
}

static const char *const stages[] = {[LANG_SCAN] = "scan",
                                     [LANG_PARSE] = "parse",
                                     [LANG_TYPE] = "type",
                                     [LANG_COMPILE] = "compile",
                                     [LANG_LITERAL] = "literal"};

static whist_status collect_diags(struct whist_program *p)
{
    const struct lang_diag *first = lang_diag_first(p->unit);
    size_t n = 0;

    forget_diags(p);
    for (const struct lang_diag *d = first; d != NULL; d = d->next) {
        n++;
    }
    p->diags = whist_zalloc(n + 1, sizeof *p->diags);
    if (p->diags == NULL) {
        return WHIST_ERR_NOMEM;
    }
    for (const struct lang_diag *d = first; d != NULL; d = d->next) {
        struct whist_diagnostic *out = &p->diags[p->n_diags];
        *out = (struct whist_diagnostic){
            .severity = lang_diag_severity(d->kind) == LANG_ERROR ? WHIST_SEVERITY_ERROR
                                                                  : WHIST_SEVERITY_WARNING,
            .stage = stages[lang_diag_phase(d->kind)],
            .kind = lang_diag_name(d->kind),
            .message = d->text,
            .primary = {.place = {0}, .text = d->label},
            .help = d->help,
        };
        if (d->has_place) {
            out->primary.place = program_place(p, d->span);
        }
        TRY(copy_labels(p, d, out));
        p->n_diags++;
    }
    return WHIST_OK;
}

size_t whist_program_n_diagnostics(const struct whist_program *p)
{
    return p->n_diags;
}

void whist_program_diagnostic(const struct whist_program *p, size_t k, struct whist_diagnostic *out)
{
    WHIST_REQUIRE(k < p->n_diags);
    *out = p->diags[k];
}

whist_status whist_program_report(const struct whist_program *p, struct whist_buffer *text_out,
                                  bool colours)
{
    return lang_diags_text(p->unit, colours, text_out);
}

/* Fails with the number of errors; the texts are in the diagnostics. */
static whist_status fail_with_errors(const struct whist_program *p, struct whist_error *err)
{
    const struct whist_diagnostic *first = NULL;
    size_t n = lang_n_errors(p->unit);

    for (size_t i = 0; i < p->n_diags && first == NULL; i++) {
        first = p->diags[i].severity == WHIST_SEVERITY_ERROR ? &p->diags[i] : NULL;
    }
    if (first == NULL) {
        return whist_fail(err, WHIST_ERR_FORMAT, WHIST_NO_PEER, "compile",
                          "the program has errors");
    }
    char more[48] = "";
    if (n > 1) {
        snprintf(more, sizeof more, " (and %zu more)", n - 1);
    }
    return whist_fail(err, WHIST_ERR_FORMAT, WHIST_NO_PEER, "compile", "%s:%u:%u: %s%s",
                      p->unit->file, first->primary.place.line, first->primary.place.column,
                      first->message, more);
}

static whist_status fail(struct whist_error *err, whist_status st)
{
    return whist_fail(err, st, WHIST_NO_PEER, "compile", "%s",
                      st == WHIST_ERR_NOMEM ? "out of memory for the program"
                                            : "the program exceeds a limit");
}

/* ---- Life ---- */

whist_status whist_program_new(struct whist_program **program_out, struct whist_bytes source,
                               const struct whist_program_options *options, struct whist_error *err)
{
    struct whist_program *p = whist_zalloc(1, sizeof *p);

    if (p == NULL) {
        return fail(err, WHIST_ERR_NOMEM);
    }
    if (options != NULL) {
        p->options = *options;
    }
    struct hash h;
    whist_hash_init(&h, "whist program");
    whist_hash_field(&h, source.data, source.len);
    whist_hash_final(&h, p->hash);
    const struct lang_limits limits = {.max_source = p->options.limits.max_source,
                                       .max_memory = p->options.limits.max_memory,
                                       .max_bits = p->options.limits.max_bits,
                                       .max_errors = p->options.limits.max_errors};
    const char *file = p->options.file != NULL ? p->options.file : "program";
    whist_status st = lang_check(&p->unit, file, source, &limits);
    p->options.file = NULL; /* the unit has a copy */
    if (p->unit == NULL) {
        whist_program_free(p);
        return fail(err, st);
    }
    whist_status collected = collect_diags(p);
    if (collected != WHIST_OK || st == WHIST_ERR_NOMEM) {
        whist_program_free(p);
        return fail(err, WHIST_ERR_NOMEM);
    }
    *program_out = p;
    p->correct = st == WHIST_OK;
    return st == WHIST_OK ? st : st == WHIST_ERR_FORMAT ? fail_with_errors(p, err) : fail(err, st);
}

whist_status whist_program_panics(const struct whist_program *p, whist_panics *panics_out,
                                  struct whist_error *err)
{
    struct whist_error unused;
    unsigned line;
    const char *source = p->unit->source;

    if (program_header(whist_bytes(source, p->unit->len), panics_out, &line) != WHIST_OK) {
        return whist_fail(
            err != NULL ? err : &unused, WHIST_ERR_FORMAT, WHIST_NO_PEER, NULL,
            "line %u: a comment to Whist says \"panics = site\", \"panics = flag\" or "
            "\"panics = off\", once",
            line);
    }
    return WHIST_OK;
}

void whist_program_hash(const struct whist_program *p, uint8_t hash_out[32])
{
    memcpy(hash_out, p->hash, sizeof p->hash);
}

const char *whist_diagnostic_explain(const char *kind)
{
    return lang_diag_explain(kind);
}

whist_status whist_program_format(struct whist_program *p, struct whist_buffer *text_out,
                                  struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = lang_format(p->unit, &text);

    if (st == WHIST_OK) {
        st = whist_buffer_append(text_out, text.data, text.len);
    }
    whist_buffer_clear(&text);
    if (st == WHIST_ERR_FORMAT) {
        return fail_with_errors(p, err);
    }
    return st == WHIST_OK ? st : fail(err, st);
}

static void unbind(struct whist_program *p)
{
    if (p->bound) {
        word_clear(&p->words);
    }
    layout_clear(&p->layout);
    p->bound = false;
}

void whist_program_free(struct whist_program *p)
{
    if (p == NULL) {
        return;
    }
    unbind(p);
    forget_diags(p);
    lang_unit_free(p->unit);
    whist_free(p->described_sites);
    whist_free(p);
}

/* ---- Binding ---- */

struct counter {
    struct word_sink sink;
    size_t n_segments;
};

static whist_status count_segment(struct word_sink *sink, const struct word_program *segment,
                                  struct whist_error *err)
{
    (void)segment;
    (void)err;
    ((struct counter *)sink)->n_segments++;
    return WHIST_OK;
}

/* Most programs are one segment, which is kept. Of others only the last one is: it knows the sites
 * and the result. */
static whist_status first_run(struct whist_program *p, struct whist_error *err)
{
    struct counter counter = {.sink = {count_segment}};

    TRY(program_run(p, &counter.sink, &p->words, err));
    p->n_segments = counter.n_segments + 1;
    p->bound = true;
    return WHIST_OK;
}

static whist_status compile(struct whist_program *p, const char *fn, struct lang_given *given,
                            size_t n_given, struct whist_error *err)
{
    whist_status st = lang_bind(p->unit, given, n_given);

    if (st == WHIST_OK) {
        p->entry = lang_find_entry(p->unit, fn != NULL ? fn : "main");
        st = p->entry != NULL ? WHIST_OK : WHIST_ERR_FORMAT;
    }
    if (collect_diags(p) != WHIST_OK) {
        return fail(err, WHIST_ERR_NOMEM);
    }
    if (st != WHIST_OK) {
        return st == WHIST_ERR_FORMAT ? fail_with_errors(p, err) : fail(err, st);
    }
    st = layout_init(&p->layout, p->unit);
    if (st != WHIST_OK) {
        return fail(err, st);
    }
    return first_run(p, err);
}

whist_status whist_program_bind(struct whist_program *p, const char *fn,
                                const struct whist_program_const *consts, size_t n_consts,
                                whist_panics panics, struct whist_error *err)
{
    WHIST_REQUIRE(p->correct && !p->described && panics <= WHIST_PANICS_OFF);
    struct lang_given *given = whist_zalloc(n_consts + 1, sizeof *given);
    whist_status st = WHIST_OK;

    if (given == NULL) {
        return fail(err, WHIST_ERR_NOMEM);
    }
    unbind(p);
    p->panics = panics;
    for (size_t i = 0; st == WHIST_OK && i < n_consts; i++) {
        struct whist_bytes value = whist_bytes(consts[i].value, strlen(consts[i].value));
        st = literal_const(&given[i], value);
        given[i].party = whist_bytes(consts[i].party, strlen(consts[i].party));
        given[i].name = whist_bytes(consts[i].name, strlen(consts[i].name));
        if (st != WHIST_OK) {
            whist_fail(err, st, WHIST_NO_PEER, "compile",
                       "the constant %.100s::%.100s: \"%.60s\" is neither a number nor true nor "
                       "false",
                       consts[i].party, consts[i].name, consts[i].value);
        }
    }
    if (st == WHIST_OK) {
        st = compile(p, fn, given, n_consts, err);
    }
    whist_free(given);
    if (st != WHIST_OK) {
        unbind(p);
    }
    return st;
}

/* ---- Values ---- */

bool whist_value_begins_json(struct whist_bytes text)
{
    size_t at = 0;

    while (at < text.len && (text.data[at] == ' ' || text.data[at] == '\t' ||
                             text.data[at] == '\n' || text.data[at] == '\r')) {
        at++;
    }
    return at < text.len && (text.data[at] == '{' || text.data[at] == '"');
}

whist_status whist_program_read(const struct whist_program *p, uint8_t *bits_out,
                                const struct whist_type *t, struct whist_bytes text,
                                whist_value_format format, struct whist_error *err)
{
    bool json =
        format == WHIST_VALUE_JSON || (format == WHIST_VALUE_AUTO && whist_value_begins_json(text));

    return json ? literal_read_json(p->unit, bits_out, program_type(t), text, err)
                : literal_read(p->unit, bits_out, program_type(t), text,
                               format == WHIST_VALUE_STRICT, err);
}

whist_status whist_program_write(const struct whist_program *p, struct whist_buffer *text_out,
                                 const struct whist_type *t, const uint8_t *bits,
                                 whist_value_format format, struct whist_error *err)
{
    (void)p;
    return literal_write(text_out, program_type(t), bits, format == WHIST_VALUE_JSON, err);
}
