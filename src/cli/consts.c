/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Constants from outside: PARTY_0::ROWS=100. */
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define MAX_CONSTS_TEXT ((size_t)1 << 20)
#define MAX_CONST_LINE  ((size_t)300)
#define MAX_CONSTS      ((size_t)4096)

static bool is_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    return n != 0 && s[n] == '\0' && (s[0] < '0' || s[0] > '9');
}

/* Digits, a sign and letters of a suffix, or true and false: nothing that could hurt a terminal. */
static bool is_value(const char *s)
{
    size_t n = strspn(s, "-abcdefghijklmnopqrstuvwxyz0123456789");

    return n != 0 && s[n] == '\0';
}

static char *copy(const char *from, size_t len)
{
    char *text = malloc(len + 1);

    if (text != NULL) {
        memcpy(text, from, len);
        text[len] = '\0';
    }
    return text;
}

/* Without the spaces around it, owned. */
static char *trimmed(const char *from, size_t len)
{
    while (len != 0 && (*from == ' ' || *from == '\t')) {
        from++;
        len--;
    }
    while (len != 0 && (from[len - 1] == ' ' || from[len - 1] == '\t' || from[len - 1] == '\r')) {
        len--;
    }
    return copy(from, len);
}

static void free_const(struct whist_program_const *k)
{
    free((char *)(uintptr_t)k->party);
    free((char *)(uintptr_t)k->name);
    free((char *)(uintptr_t)k->value);
}

/* Takes the strings of k, also on error. */
static whist_status add(struct consts *c, struct whist_program_const *k, const char *from,
                        struct whist_error *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct whist_program_const *old = &c->list[i];
        if (strcmp(old->party, k->party) != 0 || strcmp(old->name, k->name) != 0) {
            continue;
        }
        whist_status st = strcmp(old->value, k->value) == 0
                              ? WHIST_OK
                              : cli_fail(err, WHIST_ERR_ARGUMENT,
                                         "%s sets the constant %.60s::%.60s to %.60s, but it was "
                                         "set to %.60s before",
                                         from, k->party, k->name, k->value, old->value);
        free_const(k);
        return st;
    }
    struct whist_program_const *list =
        c->n < MAX_CONSTS ? realloc(c->list, (c->n + 1) * sizeof(*list)) : NULL;
    if (list == NULL) {
        free_const(k);
        return c->n < MAX_CONSTS ? cli_nomem(err)
                                 : cli_fail(err, WHIST_ERR_LIMIT,
                                            "there are more than %zu constants", MAX_CONSTS);
    }
    list[c->n] = *k;
    c->list = list;
    c->n++;
    return WHIST_OK;
}

whist_status consts_add(struct consts *c, struct whist_bytes text, const char *from,
                        struct whist_error *err)
{
    struct whist_program_const k = {0};
    char line[MAX_CONST_LINE + 1];

    if (text.len > MAX_CONST_LINE || memchr(text.data, 0, text.len) != NULL) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "%s sets a constant in more than %zu characters",
                        from, MAX_CONST_LINE);
    }
    memcpy(line, text.data, text.len);
    line[text.len] = '\0';
    const char *colons = strstr(line, "::"), *equals = strchr(line, '=');
    if (colons != NULL && equals != NULL && colons < equals) {
        k.party = trimmed(line, (size_t)(colons - line));
        k.name = trimmed(colons + 2, (size_t)(equals - colons - 2));
        k.value = trimmed(equals + 1, strlen(equals + 1));
        if (k.party == NULL || k.name == NULL || k.value == NULL) {
            free_const(&k);
            return cli_nomem(err);
        }
        if (is_name(k.party) && is_name(k.name) && is_value(k.value)) {
            return add(c, &k, from, err);
        }
    }
    free_const(&k);
    cli_one_line(line, sizeof(line), line);
    return cli_fail(err, WHIST_ERR_ARGUMENT,
                    "%s: '%.80s' is not a constant like PARTY_0::ROWS=100 (a number or true or "
                    "false)",
                    from, line);
}

static whist_status read_lines(struct consts *c, const char *path, struct whist_bytes text,
                               struct whist_error *err)
{
    struct whist_bytes line;
    char from[280];

    for (size_t number = 1; bytes_line(&text, &line); number++) {
        size_t skip = 0;
        while (skip < line.len &&
               (line.data[skip] == ' ' || line.data[skip] == '\t' || line.data[skip] == '\r')) {
            skip++;
        }
        if (skip < line.len && line.data[skip] != '#') {
            snprintf(from, sizeof(from), "%.200s, line %zu", path, number);
            TRY(consts_add(c, line, from, err));
        }
    }
    return WHIST_OK;
}

whist_status consts_read(struct consts *c, const char *spec, struct whist_error *err)
{
    struct whist_buffer text = {0};

    if (spec[0] != '@') {
        return consts_add(c, whist_bytes(spec, strlen(spec)), "--const", err);
    }
    whist_status st = read_file(&text, spec + 1, MAX_CONSTS_TEXT, err);
    if (st == WHIST_OK) {
        st = read_lines(c, spec + 1, whist_buffer_view(&text), err);
    }
    whist_buffer_clear(&text);
    return st;
}

bool consts_have(const struct consts *c, struct whist_bytes party, struct whist_bytes name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (bytes_are(party, c->list[i].party) && bytes_are(name, c->list[i].name)) {
            return true;
        }
    }
    return false;
}

static int by_name(const void *a, const void *b)
{
    const struct whist_program_const *x = a, *y = b;
    int order = strcmp(x->party, y->party);

    return order != 0 ? order : strcmp(x->name, y->name);
}

void consts_sort(struct consts *c)
{
    if (c->n != 0) {
        qsort(c->list, c->n, sizeof(*c->list), by_name);
    }
}

void consts_clear(struct consts *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free_const(&c->list[i]);
    }
    free(c->list);
    memset(c, 0, sizeof(*c));
}
