/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Diagnostics: kinds and collection. */
#include "lang/front.h"

#include <stdarg.h>
#include <stdio.h>

struct lang_diags {
    struct lang_diag *first, *last;
    size_t n[2];      /* by severity, also those that are not kept */
    size_t n_late[2]; /* of these, since the unit was checked */
    bool sorted;
    struct lang_diag lost; /* what is written when nothing is kept */
};

static const struct {
    const char *name;
    lang_phase phase;
    lang_severity severity;
} kinds[] = {
#define ROW(name, phase, severity) {#name, LANG_##phase, LANG_##severity},
    LANG_DIAG_TABLE(ROW)
#undef ROW
};

const char *lang_diag_name(lang_diag_kind kind)
{
    return kinds[kind].name;
}

lang_severity lang_diag_severity(lang_diag_kind kind)
{
    return kinds[kind].severity;
}

lang_phase lang_diag_phase(lang_diag_kind kind)
{
    return kinds[kind].phase;
}

const char *lang_phase_name(lang_phase phase)
{
    static const char *const names[] = {"scan_error", "parse_error", "type_error", "compile_error",
                                        "literal_error"};

    return names[phase];
}

struct lang_diags *lang_diags_new(struct lang_arena *arena)
{
    struct lang_diags *diags = lang_arena_try(arena, sizeof(*diags));

    if (diags != NULL) {
        diags->lost.text = diags->lost.label = "";
    }
    return diags;
}

/* The text in the arena; "" without memory. */
static const char *format(struct lang_unit *unit, const char *fmt, va_list args) WHIST_PRINTF(2, 0);
static const char *format(struct lang_unit *unit, const char *fmt, va_list args)
{
    char buf[600], *text;
    int len = vsnprintf(buf, sizeof(buf), fmt, args);
    size_t n = len < 0 ? 0 : (size_t)len < sizeof(buf) ? (size_t)len : sizeof(buf) - 1;

    text = lang_arena_try(unit->arena, n + 1);
    if (text == NULL) {
        return "";
    }
    memcpy(text, buf, n);
    return text;
}

static struct lang_diag *add(struct lang_unit *unit, lang_diag_kind kind, const char *fmt,
                             va_list args) WHIST_PRINTF(3, 0);
static struct lang_diag *add(struct lang_unit *unit, lang_diag_kind kind, const char *fmt,
                             va_list args)
{
    struct lang_diags *all = unit->diags;
    struct lang_diag *d;

    all->n_late[kinds[kind].severity] += unit->checked;
    if (++all->n[kinds[kind].severity] > unit->limits.max_errors ||
        (d = lang_arena_try(unit->arena, sizeof(*d))) == NULL) {
        return &all->lost;
    }
    d->kind = kind;
    d->late = unit->checked;
    d->text = format(unit, fmt, args);
    d->label = "";
    if (all->last == NULL) {
        all->first = d;
    } else {
        all->last->next = d;
    }
    all->last = d;
    all->sorted = false;
    return d;
}

struct lang_diag *lang_report(struct lang_unit *unit, lang_diag_kind kind, struct lang_span span,
                              const char *fmt, ...)
{
    struct lang_diag *d;
    va_list args;

    va_start(args, fmt);
    d = add(unit, kind, fmt, args);
    va_end(args);
    d->span = span;
    d->has_place = true;
    return d;
}

struct lang_diag *lang_report_outside(struct lang_unit *unit, lang_diag_kind kind, const char *fmt,
                                      ...)
{
    struct lang_diag *d;
    va_list args;

    va_start(args, fmt);
    d = add(unit, kind, fmt, args);
    va_end(args);
    d->has_place = false;
    return d;
}

void lang_diag_label(struct lang_unit *unit, struct lang_diag *d, const char *fmt, ...)
{
    va_list args;

    if (d->next == NULL && d != unit->diags->last) {
        return; /* not kept */
    }
    va_start(args, fmt);
    d->label = format(unit, fmt, args);
    va_end(args);
}

void lang_diag_also(struct lang_unit *unit, struct lang_diag *d, struct lang_span span,
                    const char *fmt, ...)
{
    struct lang_label *more;
    va_list args;

    if ((d->next == NULL && d != unit->diags->last) || d->n_more == LANG_MAX_LABELS ||
        (more = lang_arena_try(unit->arena, (d->n_more + 1) * sizeof(*more))) == NULL) {
        return;
    }
    if (d->n_more > 0) {
        memcpy(more, d->more, d->n_more * sizeof(*more));
    }
    va_start(args, fmt);
    more[d->n_more].span = span;
    more[d->n_more].text = format(unit, fmt, args);
    va_end(args);
    d->more = more;
    d->n_more++;
}

void lang_diag_help(struct lang_unit *unit, struct lang_diag *d, const char *fmt, ...)
{
    va_list args;

    if (d->next == NULL && d != unit->diags->last) {
        return;
    }
    va_start(args, fmt);
    d->help = format(unit, fmt, args);
    va_end(args);
}

void lang_diags_clear_late(struct lang_unit *unit)
{
    struct lang_diags *all = unit->diags;
    struct lang_diag **at = &all->first;

    all->last = NULL;
    while (*at != NULL) {
        if ((*at)->late) {
            *at = (*at)->next;
        } else {
            all->last = *at;
            at = &(*at)->next;
        }
    }
    for (int i = 0; i < 2; i++) {
        all->n[i] -= all->n_late[i];
        all->n_late[i] = 0;
    }
}

static bool comes_before(const struct lang_diag *a, const struct lang_diag *b)
{
    if (a->has_place != b->has_place) {
        return a->has_place;
    }
    return a->has_place && a->span.from < b->span.from;
}

/* By place; those at one place stay in the order they arose. There are few. */
static void sort(struct lang_diags *all)
{
    struct lang_diag *sorted = NULL, *d = all->first;

    while (d != NULL) {
        struct lang_diag *next = d->next, **at = &sorted;

        while (*at != NULL && !comes_before(d, *at)) {
            at = &(*at)->next;
        }
        d->next = *at;
        *at = d;
        d = next;
    }
    all->first = all->last = sorted;
    while (all->last != NULL && all->last->next != NULL) {
        all->last = all->last->next;
    }
    all->sorted = true;
}

const struct lang_diag *lang_diag_first(struct lang_unit *unit)
{
    if (!unit->diags->sorted) {
        sort(unit->diags);
    }
    return unit->diags->first;
}

size_t lang_n_errors(const struct lang_unit *unit)
{
    return unit->diags->n[LANG_ERROR];
}

size_t lang_n_warnings(const struct lang_unit *unit)
{
    return unit->diags->n[LANG_WARNING];
}
