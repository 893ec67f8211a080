/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Diagnostics as text for people. */
#include "lang/diag.h"

#include <stdarg.h>
#include <stdio.h>

/* Lines longer than this are cut around the place, in columns. */
#define MAX_LINE 160

/* Output that remembers its first failure. */
struct out {
    struct whist_buffer *buf;
    whist_status st;
    bool color;
};

static void put(struct out *o, const char *text, size_t len)
{
    if (o->st == WHIST_OK) {
        o->st = whist_buffer_append(o->buf, text, len);
    }
}

static void put_string(struct out *o, const char *text)
{
    put(o, text, strlen(text));
}

static void putf(struct out *o, const char *fmt, ...) WHIST_PRINTF(2, 3);
static void putf(struct out *o, const char *fmt, ...)
{
    char text[800];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    put_string(o, text);
}

static void put_times(struct out *o, char c, uint32_t n)
{
    for (; n > 0; n--) {
        put(o, &c, 1);
    }
}

typedef enum style { PLAIN, STRONG, RED, YELLOW, BLUE, GREEN } style;

static void set(struct out *o, style s)
{
    static const char *const codes[] = {
        "\033[0m", "\033[1m", "\033[1;31m", "\033[1;33m", "\033[1;34m", "\033[1;32m",
    };

    if (o->color) {
        put_string(o, codes[s]);
    }
}

/* ---- Text ---- */

struct place {
    uint32_t line, column;       /* of the first byte, from 1 */
    uint32_t line_to, column_to; /* behind the last */
};

static struct place place_of(const struct lang_unit *u, struct lang_span span)
{
    struct place p;

    lang_position(u, span.from, &p.line, &p.column);
    lang_position(u, span.to, &p.line_to, &p.column_to);
    return p;
}

/* The bytes of a line, without its end. */
static struct lang_span line_span(const struct lang_unit *u, uint32_t line)
{
    struct lang_span s = {u->lines[line - 1], line < u->n_lines ? u->lines[line] : u->len};

    while (s.to > s.from && (u->source[s.to - 1] == '\n' || u->source[s.to - 1] == '\r')) {
        s.to--;
    }
    return s;
}

static uint32_t digits(uint32_t n)
{
    uint32_t d = 1;

    for (; n >= 10; n /= 10) {
        d++;
    }
    return d;
}

static void put_gutter(struct out *o, uint32_t width, uint32_t line)
{
    set(o, BLUE);
    if (line == 0) {
        put_times(o, ' ', width);
    } else {
        putf(o, "%*u", (int)width, line);
    }
    put_string(o, " |");
    set(o, PLAIN);
}

/* The part of a line that is shown: all of it, or what surrounds a column. */
static struct lang_span shown_part(struct lang_span line, uint32_t column)
{
    if (line.to - line.from > MAX_LINE) {
        uint32_t at = line.from + column - 1;

        if (at > line.from + MAX_LINE / 2) {
            line.from = at - MAX_LINE / 2;
        }
        if (line.to - line.from > MAX_LINE) {
            line.to = line.from + MAX_LINE;
        }
    }
    return line;
}

/* A line of source, unless it was just shown, and below it a mark with a text. */
static void put_place(struct out *o, const struct lang_unit *u, uint32_t width,
                      struct lang_span span, bool shown, const char *mark, style s,
                      const char *text)
{
    struct place p = place_of(u, span);
    struct lang_span line = shown_part(line_span(u, p.line), p.column);
    uint32_t to = span.to < line.to ? span.to : line.to;
    uint32_t n = to > span.from ? to - span.from : 1;

    if (!shown) {
        put_gutter(o, width, p.line);
        put_string(o, line.to > line.from ? " " : "");
        for (uint32_t i = line.from; i < line.to; i++) {
            uint8_t c = (uint8_t)u->source[i];
            char printed = c < 0x20 || c == 0x7f ? ' ' : (char)c;
            put(o, &printed, 1);
        }
        put_string(o, "\n");
    }
    put_gutter(o, width, 0);
    put_string(o, " ");
    for (uint32_t i = line.from; i < span.from && i < line.to; i++) {
        /* a column for each character, not for each byte of UTF-8 in a comment */
        if (((uint8_t)u->source[i] & 0xc0) != 0x80) {
            put_string(o, " ");
        }
    }
    set(o, s);
    put_times(o, mark[0], n);
    if (text[0] != '\0') {
        putf(o, " %s", text);
    }
    set(o, PLAIN);
    put_string(o, "\n");
}

/* The place itself and the labels, in order of lines; those of one line share it. Returns the width
 * of line numbers. */
static uint32_t sort_places(const struct lang_unit *u, const struct lang_diag *d,
                            struct lang_label *out)
{
    uint32_t width = 1;

    for (uint32_t i = 0; i <= d->n_more; i++) {
        struct lang_label next = {d->span, d->label};
        uint32_t line, at = i;

        if (i > 0) {
            next = d->more[i - 1];
        }
        line = place_of(u, next.span).line;
        width = digits(line) > width ? digits(line) : width;
        for (; at > 0 && place_of(u, out[at - 1].span).line > line; at--) {
            out[at] = out[at - 1];
        }
        out[at] = next;
    }
    return width;
}

static void put_help(struct out *o, uint32_t width, const char *help)
{
    put_gutter(o, width, 0);
    put_string(o, "\n");
    put_times(o, ' ', width);
    set(o, BLUE);
    put_string(o, " = ");
    set(o, GREEN);
    put_string(o, "help");
    set(o, PLAIN);
    putf(o, ": %s\n", help);
}

static void put_source(struct out *o, const struct lang_unit *u, const struct lang_diag *d, style s)
{
    struct lang_label places[LANG_MAX_LABELS + 1];
    struct place p = place_of(u, d->span);
    uint32_t width = sort_places(u, d, places), last = 0;

    put_times(o, ' ', width);
    set(o, BLUE);
    put_string(o, "--> ");
    set(o, PLAIN);
    putf(o, "%s:%u:%u\n", u->file, p.line, p.column);
    put_gutter(o, width, 0);
    put_string(o, "\n");
    for (uint32_t i = 0; i <= d->n_more; i++) {
        uint32_t line = place_of(u, places[i].span).line;
        bool main = places[i].text == d->label;

        if (last != 0 && line > last + 1) {
            set(o, BLUE);
            put_string(o, "...\n");
            set(o, PLAIN);
        }
        put_place(o, u, width, places[i].span, line == last, main ? "^" : "-", main ? s : BLUE,
                  places[i].text);
        last = line;
    }
    if (d->help != NULL) {
        put_help(o, width, d->help);
    }
}

whist_status lang_diag_text(const struct lang_unit *unit, const struct lang_diag *d, bool color,
                            struct whist_buffer *buf)
{
    struct out o = {buf, WHIST_OK, color};
    bool error = lang_diag_severity(d->kind) == LANG_ERROR;

    set(&o, error ? RED : YELLOW);
    putf(&o, "%s[%s]", error ? "error" : "warning", lang_diag_name(d->kind));
    set(&o, STRONG);
    putf(&o, ": %s", d->text);
    set(&o, PLAIN);
    put_string(&o, "\n");
    if (d->has_place) {
        put_source(&o, unit, d, error ? RED : YELLOW);
    } else if (d->help != NULL) {
        set(&o, GREEN);
        put_string(&o, " = help");
        set(&o, PLAIN);
        putf(&o, ": %s\n", d->help);
    }
    put_string(&o, "\n");
    return o.st;
}

whist_status lang_diags_text(struct lang_unit *unit, bool color, struct whist_buffer *buf)
{
    struct out o = {buf, WHIST_OK, color};
    size_t n[2] = {lang_n_warnings(unit), lang_n_errors(unit)};
    const char *separator = "";

    for (const struct lang_diag *d = lang_diag_first(unit); d != NULL; d = d->next) {
        if (o.st == WHIST_OK) {
            o.st = lang_diag_text(unit, d, color, buf);
        }
    }
    for (int i = 1; i >= 0; i--) {
        if (n[i] > 0) {
            putf(&o, "%s%zu %s%s", separator, n[i], i == 1 ? "error" : "warning",
                 n[i] == 1 ? "" : "s");
            separator = ", ";
        }
    }
    if (n[1] > unit->limits.max_errors || n[0] > unit->limits.max_errors) {
        putf(&o, "; the first %u are shown", unit->limits.max_errors);
    }
    if (n[0] + n[1] > 0) {
        put_string(&o, "\n");
    }
    return o.st;
}
