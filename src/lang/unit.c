/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A unit of source from text to typed tree. */
#include "lang/front.h"

#include <stdio.h>

#define DEFAULT_SOURCE ((size_t)16 << 20)
#define LARGEST_SOURCE ((size_t)1 << 30)
#define DEFAULT_MEMORY ((size_t)1 << 30)

static struct lang_limits with_defaults(const struct lang_limits *given)
{
    struct lang_limits l = {0};

    if (given != NULL) {
        l = *given;
    }
    l.max_source = l.max_source == 0 ? DEFAULT_SOURCE : l.max_source;
    l.max_source = l.max_source > LARGEST_SOURCE ? LARGEST_SOURCE : l.max_source;
    l.max_memory = l.max_memory == 0 ? DEFAULT_MEMORY : l.max_memory;
    l.max_bits = l.max_bits == 0 ? (uint64_t)1 << 30 : l.max_bits;
    l.max_cells = l.max_cells == 0 ? (uint64_t)1 << 26 : l.max_cells;
    l.max_errors = l.max_errors == 0 ? 50 : l.max_errors;
    return l;
}

static const char *copy_text(struct front *f, const void *text, size_t len)
{
    char *copy = front_alloc(f, len + 1);

    if (len > 0) {
        memcpy(copy, text, len);
    }
    return copy;
}

static void find_lines(struct front *f)
{
    struct lang_unit *u = f->unit;
    uint32_t n = 1;

    for (uint32_t i = 0; i < u->len; i++) {
        n += u->source[i] == '\n';
    }
    u->lines = front_array(f, n, sizeof(*u->lines));
    u->n_lines = 1;
    for (uint32_t i = 0; i < u->len; i++) {
        if (u->source[i] == '\n') {
            u->lines[u->n_lines++] = i + 1;
        }
    }
}

static void run(struct front *f, const char *file, struct whist_bytes source)
{
    struct lang_unit *u = f->unit;
    bool fits = source.len <= u->limits.max_source;

    u->file = copy_text(f, file, strlen(file));
    u->source = copy_text(f, source.data, fits ? source.len : 0);
    u->len = fits ? (uint32_t)source.len : 0;
    find_lines(f);
    if (!fits) {
        struct lang_diag *d = lang_report_outside(
            u, DIAG_SourceTooLarge, "the program has %zu bytes, which is too much", source.len);
        lang_diag_help(u, d, "at most %zu bytes are accepted", u->limits.max_source);
        return;
    }
    front_types_init(f);
    front_parse(f);
    if (lang_n_errors(u) == 0) {
        front_check(f);
    }
}

whist_status lang_check(struct lang_unit **unit_out, const char *file, struct whist_bytes source,
                        const struct lang_limits *limits)
{
    struct lang_unit *u = whist_zalloc(1, sizeof(*u));
    struct front f = {.unit = u};
    whist_status st = WHIST_OK;

    *unit_out = NULL;
    if (u == NULL) {
        return WHIST_ERR_NOMEM;
    }
    u->limits = with_defaults(limits);
    u->arena = lang_arena_new(u->limits.max_memory);
    if (u->arena == NULL || (u->diags = lang_diags_new(u->arena)) == NULL) {
        lang_unit_free(u);
        return WHIST_ERR_NOMEM;
    }
    if (setjmp(f.failed) == 0) {
        run(&f, file, source);
    }
    whist_free(f.stack);
    if (u->status == WHIST_ERR_LIMIT) {
        lang_report_outside(u, DIAG_SourceTooLarge,
                            "compiling the program takes more than %zu MiB of memory",
                            u->limits.max_memory >> 20);
    } else if (u->status != WHIST_OK) {
        st = u->status;
        lang_unit_free(u);
        return st;
    }
    *unit_out = u;
    return lang_n_errors(u) > 0 ? WHIST_ERR_FORMAT : WHIST_OK;
}

void lang_unit_free(struct lang_unit *u)
{
    if (u == NULL) {
        return;
    }
    lang_arena_free(u->arena);
    whist_free(u);
}

struct lang_fn *lang_find_entry(struct lang_unit *u, const char *name)
{
    struct lang_diag *d;

    for (uint32_t i = 0; i < u->n_fns; i++) {
        struct lang_fn *fn = u->fns[i];

        if (!lang_name_is(fn->name, name)) {
            continue;
        }
        if (fn->n_params > 0) {
            return fn;
        }
        d = lang_report(u, DIAG_FnNotFound, fn->span,
                        "the function `%.100s` has no parameters and cannot be run", name);
        lang_diag_label(u, d, "nobody would put anything in");
        return NULL;
    }
    d = lang_report_outside(u, DIAG_FnNotFound, "there is no function `%.100s`", name);
    for (uint32_t i = 0; i < u->n_fns; i++) {
        if (u->fns[i]->pub) {
            lang_diag_help(u, d, "there is `%.*s`", NAME(u->fns[i]->name));
            break;
        }
    }
    return NULL;
}

void lang_position(const struct lang_unit *u, uint32_t at, uint32_t *line_out, uint32_t *column_out)
{
    uint32_t from = 0, to = u->n_lines;

    while (to - from > 1) {
        uint32_t mid = from + (to - from) / 2;

        if (u->lines[mid] <= at) {
            from = mid;
        } else {
            to = mid;
        }
    }
    *line_out = from + 1;
    *column_out = at - u->lines[from] + 1;
}
