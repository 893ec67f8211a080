/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A bound program as its signature: what is needed to give inputs to its circuit and to read what
 * comes out (docs/circuit-format.md). The text says where checks are, and then, as a program, which
 * types and parameters there are; the body of its function gives zeros.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/crypto.h"
#include "lang/front.h"
#include "lang/program.h"

#define FIRST_LINE "whist program 1"

/* ---- Writing ---- */

/* A struct or enum that is used, and whether there is, or has to be, a function that gives one. */
struct named {
    const struct lang_type *type;
    enum { NO_ZERO, WANTS_ZERO, HAS_ZERO } zero;
};

struct describing {
    const struct whist_program *p;
    struct whist_buffer *text;
    struct named *named;
    size_t n_named, cap_named;
    const char *zero; /* prefix of the functions that give zeros */
    whist_status status;
};

static void fail(struct describing *d)
{
    d->status = WHIST_ERR_NOMEM;
}

static void put(struct describing *d, struct whist_bytes text)
{
    if (d->status == WHIST_OK && whist_buffer_append(d->text, text.data, text.len) != WHIST_OK) {
        fail(d);
    }
}

static void say(struct describing *d, const char *fmt, ...) WHIST_PRINTF(2, 3);
static void say(struct describing *d, const char *fmt, ...)
{
    char line[128];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    WHIST_REQUIRE(n >= 0 && (size_t)n < sizeof line);
    put(d, whist_bytes(line, (size_t)n));
}

static void put_name(struct describing *d, const struct lang_name *name)
{
    put(d, whist_bytes(name->text, name->len));
}

/* The number of a struct or enum; a new one if there is none yet. */
static size_t number_of(struct describing *d, const struct lang_type *t)
{
    size_t k = 0;

    while (k < d->n_named && d->named[k].type != t) {
        k++;
    }
    if (k == d->n_named && d->n_named == d->cap_named) {
        size_t cap = d->cap_named * 2 + 8;
        struct named *named = whist_realloc(d->named, cap, sizeof *named);
        if (named == NULL) {
            fail(d);
            return 0;
        }
        d->named = named;
        d->cap_named = cap;
    }
    if (k == d->n_named) {
        d->named[d->n_named++] = (struct named){.type = t};
    }
    return k;
}

/* Types nest as deep as LAYOUT_MAX_DEPTH. NOLINTNEXTLINE(misc-no-recursion) */
static void put_type(struct describing *d, const struct lang_type *t)
{
    switch (t->kind) {
    case TYPE_TUPLE:
        say(d, "(");
        for (uint32_t k = 0; k < t->n_parts; k++) {
            put_type(d, t->parts[k]);
            say(d, k + 1 == t->n_parts ? "" : ", ");
        }
        say(d, ")");
        break;
    case TYPE_ARRAY:
        say(d, "[");
        put_type(d, t->elem);
        say(d, "; %" PRIu64 "]", array_len(t));
        break;
    case TYPE_STRUCT:
        (void)number_of(d, t);
        put_name(d, t->strct->name);
        break;
    case TYPE_ENUM:
        (void)number_of(d, t);
        put_name(d, t->enm->name);
        break;
    default:
        say(d, "%s", lang_scalar_name(t->kind));
    }
}

static void put_call(struct describing *d, size_t k)
{
    if (k < d->n_named && d->named[k].zero == NO_ZERO) {
        d->named[k].zero = WANTS_ZERO;
    }
    say(d, "%s%zu()", d->zero, k);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static void put_zero(struct describing *d, const struct lang_type *t)
{
    switch (t->kind) {
    case TYPE_BOOL:
        say(d, "false");
        break;
    case TYPE_TUPLE:
        say(d, "(");
        for (uint32_t k = 0; k < t->n_parts; k++) {
            put_zero(d, t->parts[k]);
            say(d, k + 1 == t->n_parts && k != 0 ? "" : ", ");
        }
        say(d, ")");
        break;
    case TYPE_ARRAY:
        say(d, "[");
        put_zero(d, t->elem);
        say(d, "; %" PRIu64 "]", array_len(t));
        break;
    case TYPE_STRUCT:
    case TYPE_ENUM:
        put_call(d, number_of(d, t));
        break;
    default:
        say(d, "0%s", lang_scalar_name(t->kind));
    }
}

static void define_struct(struct describing *d, const struct lang_struct *s)
{
    say(d, "struct ");
    put_name(d, s->name);
    say(d, " {\n");
    for (uint32_t k = 0; k < s->n_fields; k++) {
        say(d, "    ");
        put_name(d, s->fields[k].name);
        say(d, ": ");
        put_type(d, s->fields[k].type);
        say(d, ",\n");
    }
    say(d, "}\n");
}

static void define_enum(struct describing *d, const struct lang_enum *e)
{
    say(d, "enum ");
    put_name(d, e->name);
    say(d, " {\n");
    for (uint32_t k = 0; k < e->n_variants; k++) {
        const struct lang_variant *v = &e->variants[k];
        say(d, "    ");
        put_name(d, v->name);
        for (uint32_t f = 0; f < v->n_fields; f++) {
            say(d, f == 0 ? "(" : ", ");
            put_type(d, v->fields[f]);
        }
        say(d, v->n_fields != 0 ? "),\n" : ",\n");
    }
    say(d, "}\n");
}

static void zero_of_struct(struct describing *d, const struct lang_struct *s)
{
    put_name(d, s->name);
    say(d, " {");
    for (uint32_t k = 0; k < s->n_fields; k++) {
        say(d, k == 0 ? " " : ", ");
        put_name(d, s->fields[k].name);
        say(d, ": ");
        put_zero(d, s->fields[k].type);
    }
    say(d, " }");
}

static void zero_of_enum(struct describing *d, const struct lang_enum *e)
{
    const struct lang_variant *v = &e->variants[0];

    put_name(d, e->name);
    say(d, "::");
    put_name(d, v->name);
    for (uint32_t f = 0; f < v->n_fields; f++) {
        say(d, f == 0 ? "(" : ", ");
        put_zero(d, v->fields[f]);
    }
    say(d, v->n_fields != 0 ? ")" : "");
}

static void put_zero_function(struct describing *d, size_t k)
{
    const struct lang_type *t = d->named[k].type;

    d->named[k].zero = HAS_ZERO;
    say(d, "fn %s%zu() -> ", d->zero, k);
    put_type(d, t);
    say(d, " {\n    ");
    if (t->kind == TYPE_STRUCT) {
        zero_of_struct(d, t->strct);
    } else {
        zero_of_enum(d, t->enm);
    }
    say(d, "\n}\n");
}

/* All functions that are called; a function that nobody calls would be an error. */
static void put_zero_functions(struct describing *d)
{
    for (size_t k = 0; k < d->n_named && d->status == WHIST_OK;) {
        if (d->named[k].zero == WANTS_ZERO) {
            put_zero_function(d, k);
            k = 0; /* it may call others */
        } else {
            k++;
        }
    }
}

/* All structs and enums; each may name further ones. */
static void put_definitions(struct describing *d)
{
    for (size_t k = 0; k < d->n_named && d->status == WHIST_OK; k++) {
        if (d->named[k].type->kind == TYPE_STRUCT) {
            define_struct(d, d->named[k].type->strct);
        } else {
            define_enum(d, d->named[k].type->enm);
        }
    }
}

static void put_sites(struct describing *d)
{
    size_t n = d->p->panics == WHIST_PANICS_SITE ? whist_program_n_sites(d->p) : 0;
    struct whist_outcome site;

    say(d, "sites %zu\n", n);
    for (size_t k = 0; k < n; k++) {
        whist_program_site(d->p, k, &site);
        say(d, "%s %" PRIu32 " %" PRIu32 "\n", whist_panic_reason_name(site.reason),
            site.place.line, site.place.column);
    }
}

/* Names of files are told as one line; others read it. */
static void put_file(struct describing *d)
{
    const char *file = d->p->unit->file;

    say(d, "file ");
    for (size_t i = 0; file[i] != '\0'; i++) {
        uint8_t c = (uint8_t)file[i];
        say(d, "%c", c < ' ' || c == 127 ? '?' : c);
    }
    say(d, "\n");
}

static void put_program(struct describing *d)
{
    const struct lang_fn *fn = d->p->entry;

    say(d, "// whist: panics = %s\n", whist_panics_name(d->p->panics));
    say(d, "pub fn ");
    put_name(d, fn->name);
    for (uint32_t k = 0; k < fn->n_params; k++) {
        say(d, k == 0 ? "(" : ", ");
        put_name(d, fn->params[k].name);
        say(d, ": ");
        put_type(d, fn->params[k].local->type);
    }
    say(d, fn->n_params == 0 ? "() -> " : ") -> ");
    put_type(d, fn->result);
    say(d, " {\n    ");
    put_zero(d, fn->result);
    say(d, "\n}\n");
    put_zero_functions(d);
    put_definitions(d);
}

whist_status whist_program_describe(const struct whist_program *p, struct whist_buffer *text_out,
                                    struct whist_error *err)
{
    WHIST_REQUIRE(p->bound);
    struct describing d = {.p = p, .text = text_out, .zero = "zero"};
    size_t start = text_out->len;

    if (p->entry->name->len >= 4 && memcmp(p->entry->name->text, d.zero, 4) == 0) {
        d.zero = "none"; /* of the two one is free: the entry is the only other function */
    }
    say(&d, FIRST_LINE "\n");
    put_file(&d);
    put_sites(&d);
    put_program(&d);
    whist_free(d.named);
    if (d.status != WHIST_OK) {
        text_out->len = start;
        return whist_fail(err, d.status, WHIST_NO_PEER, "describe",
                          "out of memory for the description of a program");
    }
    return WHIST_OK;
}

/* ---- Reading ---- */

struct description {
    struct whist_bytes rest;
    unsigned line;
    char file[256];
    struct whist_outcome *sites;
    size_t n_sites;
    struct whist_error *err;
};

static whist_status malformed(const struct description *d, const char *what)
{
    return whist_fail(d->err, WHIST_ERR_FORMAT, WHIST_NO_PEER, "describe",
                      "line %u of the description: %s", d->line, what);
}

static whist_status next_line(struct description *d, struct whist_bytes *out)
{
    const uint8_t *end = d->rest.len != 0 ? memchr(d->rest.data, '\n', d->rest.len) : NULL;

    d->line++;
    if (end == NULL) {
        return malformed(d, "the text ends");
    }
    *out = whist_bytes(d->rest.data, (size_t)(end - d->rest.data));
    d->rest = whist_bytes(end + 1, d->rest.len - out->len - 1);
    return WHIST_OK;
}

/* Takes a word and the blank behind it off the front. */
static bool take_word(struct whist_bytes *line, const char *word)
{
    size_t len = strlen(word);

    if (line->len <= len || memcmp(line->data, word, len) != 0 || line->data[len] != ' ') {
        return false;
    }
    *line = whist_bytes(line->data + len + 1, line->len - len - 1);
    return true;
}

/* Takes a decimal number, which ends at a blank or the line's end. */
static bool take_number(struct whist_bytes *line, uint32_t *out)
{
    uint64_t v = 0;
    size_t n = 0;

    for (; n < line->len && line->data[n] >= '0' && line->data[n] <= '9'; n++) {
        v = v * 10 + (uint64_t)(line->data[n] - '0');
        if (v > UINT32_MAX) {
            return false;
        }
    }
    if (n == 0 || (n < line->len && line->data[n] != ' ')) {
        return false;
    }
    n += n < line->len;
    *line = whist_bytes(line->data + n, line->len - n);
    *out = (uint32_t)v;
    return true;
}

static whist_status read_file_name(struct description *d)
{
    struct whist_bytes line;

    TRY(next_line(d, &line));
    if (!take_word(&line, "file")) {
        return malformed(d, "\"file NAME\" expected");
    }
    size_t n = line.len < sizeof d->file - 1 ? line.len : sizeof d->file - 1;
    for (size_t i = 0; i < n; i++) {
        d->file[i] = (char)(line.data[i] < ' ' || line.data[i] == 127 ? '?' : line.data[i]);
    }
    d->file[n] = '\0';
    return WHIST_OK;
}

static whist_status read_site(struct description *d, struct whist_outcome *out)
{
    struct whist_bytes line;

    TRY(next_line(d, &line));
    for (int r = WHIST_PANIC_OVERFLOW; r <= WHIST_PANIC_OUT_OF_BOUNDS; r++) {
        if (take_word(&line, whist_panic_reason_name((whist_panic_reason)r))) {
            out->reason = (whist_panic_reason)r;
        }
    }
    return out->reason != WHIST_PANIC_NONE && take_number(&line, &out->place.line) &&
                   take_number(&line, &out->place.column) && line.len == 0
               ? WHIST_OK
               : malformed(d, "a reason, a line and a column expected");
}

static whist_status read_sites(struct description *d)
{
    struct whist_bytes line;
    uint32_t n = 0;

    TRY(next_line(d, &line));
    if (!take_word(&line, "sites") || !take_number(&line, &n) || line.len != 0) {
        return malformed(d, "\"sites N\" expected");
    }
    if (n > d->rest.len) { /* a line each */
        return malformed(d, "more sites than there is text");
    }
    d->sites = whist_zalloc(n, sizeof *d->sites);
    if (d->sites == NULL) {
        return whist_fail(d->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "describe",
                          "out of memory for the description of a program");
    }
    for (; d->n_sites < n; d->n_sites++) {
        d->sites[d->n_sites].site = d->n_sites;
        TRY(read_site(d, &d->sites[d->n_sites]));
    }
    return WHIST_OK;
}

/* Compiles the program of the description. What it would compute is not what the circuit does. */
static whist_status compile(struct whist_program **out, struct description *d)
{
    const struct whist_program_options options = {.file = d->file};
    struct whist_program *p = NULL;
    struct whist_bytes fn, more;
    struct whist_buffer name = {0};
    whist_panics panics = WHIST_PANICS_SITE;
    whist_status st;

    TRY_OUT(whist_program_new(&p, d->rest, &options, d->err));
    TRY_OUT(whist_program_panics(p, &panics, d->err));
    if (!whist_program_fn(p, 0, &fn) || whist_program_fn(p, 1, &more)) {
        st = malformed(d, "one pub function expected");
        goto out;
    }
    if (whist_buffer_append(&name, fn.data, fn.len) != WHIST_OK ||
        whist_buffer_append(&name, "", 1) != WHIST_OK) {
        st = whist_fail(d->err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "describe", "out of memory");
        goto out;
    }
    TRY_OUT(whist_program_bind(p, (const char *)name.data, NULL, 0, panics, d->err));
    if (p->words.n_sites != 0) {
        st = malformed(d, "a body that cannot panic expected");
        goto out;
    }
    *out = p;
    p = NULL;
out:
    whist_buffer_clear(&name);
    whist_program_free(p);
    return st;
}

whist_status whist_program_from_description(struct whist_program **program_out,
                                            struct whist_bytes text, struct whist_error *err)
{
    struct description d = {.rest = text, .err = err};
    struct whist_bytes line;
    struct whist_program *p = NULL;
    struct hash h;
    whist_status st;

    TRY_OUT(next_line(&d, &line));
    if (line.len != strlen(FIRST_LINE) || memcmp(line.data, FIRST_LINE, line.len) != 0) {
        st = malformed(&d, "\"" FIRST_LINE "\" expected");
        goto out;
    }
    TRY_OUT(read_file_name(&d));
    TRY_OUT(read_sites(&d));
    TRY_OUT(compile(&p, &d));
    p->described = true;
    p->described_sites = d.sites;
    p->words.n_sites = d.n_sites;
    d.sites = NULL;
    whist_hash_init(&h, "whist program description");
    whist_hash_field(&h, text.data, text.len);
    whist_hash_final(&h, p->hash);
    *program_out = p;
out:
    whist_free(d.sites);
    return st;
}
