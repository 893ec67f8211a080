/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The exact text of diagnostics: diagnostics/NAME.garble.rs gives NAME.txt. Every kind of the table
 * has a case of its name, so that none is forgotten; further cases are named KIND_what. The first
 * lines of a program may say under which conditions it is compiled:
 *   //! const PARTY::NAME=VALUE    //! fn ENTRY    //! max_source BYTES
 * WHIST_TEST_WRITE=1 writes the texts instead of comparing them, to be read before they are kept.
 */
#include "lang/diag.h"

#include "harness.h"
#include <dirent.h>
#include <stdlib.h>

#define FOLDER WHIST_SOURCE_DIR "/tests/lang/diagnostics/"

/* Arms of numbers in two columns that do match everything, more than what may be looked at; too
 * long for a file. */
static struct whist_buffer many_arms(void)
{
    struct whist_buffer b = {0};
    static const char head[] = "pub fn main(x: (u32, u32)) -> u8 {\n    match x {\n";
    static const char tail[] = "        (8000..=4294967295, y) => 2,\n    }\n}\n";
    char line[80];

    CHECK(whist_buffer_append(&b, head, strlen(head)) == WHIST_OK);
    for (int i = 0; i < 8000; i++) {
        int n = snprintf(line, sizeof(line),
                         "        (%d, 0..=9) => 1,\n        (%d, 10..=4294967295) => 1,\n", i, i);
        CHECK(whist_buffer_append(&b, line, (size_t)n) == WHIST_OK);
    }
    CHECK(whist_buffer_append(&b, tail, strlen(tail)) == WHIST_OK);
    return b;
}

static struct whist_buffer read_file(const char *path)
{
    struct whist_buffer b = {0};
    char chunk[4096];
    size_t n;
    FILE *f = fopen(path, "rb");

    CHECK_MSG(f != NULL, "%s", path);
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        CHECK(whist_buffer_append(&b, chunk, n) == WHIST_OK);
    }
    fclose(f);
    return b;
}

struct setting {
    char party[32], name[32], entry[32];
    unsigned long long value;
    struct lang_given given;
    size_t n_given;
    struct lang_limits limits;
};

static void read_settings(struct setting *s, const struct whist_buffer *source)
{
    char text[400] = "", *line = text;
    size_t n = source->len < sizeof(text) - 1 ? source->len : sizeof(text) - 1;
    unsigned long long size;

    memcpy(text, source->data, n);
    strcpy(s->entry, "main");
    for (; strncmp(line, "//! ", 4) == 0; line = strchr(line, '\n') + 1) {
        if (sscanf(line, "//! const %31[A-Z_0-9]::%31[A-Z_0-9]=%llu", s->party, s->name,
                   &s->value) == 3) {
            s->given.party = whist_bytes(s->party, strlen(s->party));
            s->given.name = whist_bytes(s->name, strlen(s->name));
            s->given.magnitude = s->value;
            s->n_given = 1;
        } else if (sscanf(line, "//! max_source %llu", &size) == 1) {
            s->limits.max_source = (size_t)size;
        } else {
            CHECK(sscanf(line, "//! fn %31s", s->entry) == 1);
        }
    }
}

/* Compiles as far as the program allows. */
static struct lang_unit *compile(const char *file, const struct whist_buffer *source)
{
    struct setting s = {0};
    struct lang_unit *unit;
    whist_status st;

    read_settings(&s, source);
    st = lang_check(&unit, file, whist_buffer_view(source), &s.limits);
    CHECK(unit != NULL);
    if (st == WHIST_OK) {
        st = lang_bind(unit, &s.given, s.n_given);
    }
    if (st == WHIST_OK) {
        lang_find_entry(unit, s.entry);
    }
    return unit;
}

static void check_ranges(const struct lang_unit *unit, const struct lang_diag *d)
{
    for (; d != NULL; d = d->next) {
        CHECK(!d->has_place || (d->span.from <= d->span.to && d->span.to <= unit->len));
        for (uint32_t i = 0; i < d->n_more; i++) {
            CHECK(d->more[i].span.from <= d->more[i].span.to && d->more[i].span.to <= unit->len);
        }
    }
}

static void check_case(const char *name)
{
    char path[512], file[128], want_path[512];
    struct whist_buffer source, text = {0}, want;
    struct lang_unit *unit;
    size_t kind_len = strcspn(name, "_");
    bool found = strncmp(name, "several", 7) == 0;

    snprintf(file, sizeof(file), "%s.garble.rs", name);
    snprintf(path, sizeof(path), FOLDER "%s", file);
    snprintf(want_path, sizeof(want_path), FOLDER "%s.txt", name);
    source = strcmp(name, "PatternsTooComplex") == 0 ? many_arms() : read_file(path);
    unit = compile(file, &source);
    check_ranges(unit, lang_diag_first(unit));
    for (const struct lang_diag *d = lang_diag_first(unit); d != NULL; d = d->next) {
        const char *kind = lang_diag_name(d->kind);
        found |= strlen(kind) == kind_len && strncmp(kind, name, kind_len) == 0;
    }
    CHECK_MSG(found, "no diagnostic of that kind");
    CHECK(lang_diags_text(unit, false, &text) == WHIST_OK);
    if (getenv("WHIST_TEST_WRITE") != NULL) {
        FILE *f = fopen(want_path, "wb");
        CHECK(f != NULL && fwrite(text.data, 1, text.len, f) == text.len && fclose(f) == 0);
    }
    want = read_file(want_path);
    CHECK_MSG(want.len == text.len && memcmp(want.data, text.data, text.len) == 0,
              "found:\n%.*s\nexpected:\n%.*s", (int)text.len, (const char *)text.data,
              (int)want.len, (const char *)want.data);
    whist_buffer_clear(&want);
    whist_buffer_clear(&text);
    whist_buffer_clear(&source);
    lang_unit_free(unit);
}

/* ---- All cases: each kind, and the further files of the folder ---- */

static const char *const kinds[] = {
#define KIND(name, phase, severity) #name,
    LANG_DIAG_TABLE(KIND)
#undef KIND
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Calls run with every name, in order of the alphabet. */
static void for_all(void (*run)(const char *name))
{
    char *names[400];
    size_t n = 0;
    struct dirent *entry;
    DIR *dir = opendir(FOLDER);

    CHECK(dir != NULL);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        names[n++] = strdup(kinds[i]);
    }
    while ((entry = readdir(dir)) != NULL) {
        char *dot = strstr(entry->d_name, ".garble.rs");
        if (dot != NULL && (strchr(entry->d_name, '_') != NULL || entry->d_name[0] == 's')) {
            CHECK(n < sizeof(names) / sizeof(names[0]));
            *dot = '\0';
            names[n++] = strdup(entry->d_name);
        }
    }
    closedir(dir);
    qsort(names, n, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < n; i++) {
        run(names[i]);
        free(names[i]);
    }
}

static void print_name(const char *name)
{
    puts(name);
}

static void check_and_say(const char *name)
{
    check_case(name);
    printf("ok %s\n", name);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for_all(print_name);
    } else if (argc == 2) {
        check_case(argv[1]);
    } else {
        for_all(check_and_say);
    }
    return 0;
}
