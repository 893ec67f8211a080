/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Formatting: what comes out, and that it is the same program and stays as it is. */
#include "lang/format.h"

#include <jansson.h>

#include "harness.h"
#include "lang/diag.h"

static struct lang_unit *check_bytes(struct whist_bytes text)
{
    struct lang_unit *unit = NULL;
    whist_status st = lang_check(&unit, "test", text, NULL);

    CHECK(st == WHIST_OK || st == WHIST_ERR_FORMAT);
    return unit;
}

/* False if the program cannot be formatted. */
static bool format(struct whist_bytes text, struct whist_buffer *out)
{
    struct lang_unit *unit = check_bytes(text);
    whist_status st = lang_format(unit, out);

    CHECK(st == WHIST_OK || st == WHIST_ERR_FORMAT);
    lang_unit_free(unit);
    return st == WHIST_OK;
}

static void becomes(const char *text, const char *want)
{
    struct whist_buffer out = {0};

    CHECK(format(whist_bytes(text, strlen(text)), &out));
    CHECK_MSG(out.len == strlen(want) && (out.len == 0 || memcmp(out.data, want, out.len) == 0),
              "found:\n%.*s\nexpected:\n%s", (int)out.len, (const char *)out.data, want);
    whist_buffer_clear(&out);
}

static void spaces_are_uniform(void)
{
    becomes("pub   fn main( x:u8 ,y :[ u8;4 ] )->(u8,bool){(x+y [ 0 ]*- 1,! true)}",
            "pub fn main(x: u8, y: [u8; 4]) -> (u8, bool) { (x + y[0] * -1, !true) }\n");
    becomes("struct S{a:u8,b:[u8;const{N-1usize}]}",
            "struct S { a: u8, b: [u8; const { N - 1usize }] }\n");
    becomes(
        "fn f(e:E)->u8{match e{E :: A(x)=>x,E::B=>1,S{a,..}=>-1,-5 ..= 5=>2}}",
        "fn f(e: E) -> u8 { match e { E::A(x) => x, E::B => 1, S { a, .. } => -1, -5..=5 => 2 } "
        "}\n");
    becomes("fn f()->(){for i in 0 .. 4{}let mut t=(1,);t . 0+=f (x)as u8;if(a){}}",
            "fn f() -> () { for i in 0..4 {} let mut t = (1,); t.0 += f(x) as u8; if (a) {} }\n");
    becomes("fn f()->i8{a-1;a -1;a - -1;if a{b}-1;if a{b}- 1}",
            "fn f() -> i8 { a - 1; a - 1; a - -1; if a { b } -1; if a { b } - 1 }\n");
}

static void lines_are_indented(void)
{
    becomes("\n\nfn f(\nx: u8,\n  y: u8)\n-> u8\n{\n\n\n  let z =\nx +\ny;\n\n\n\n      "
            "g(\n(1,\n2),\n);\n"
            "if a {\nb\n} else {\nc\n}\n\n}\n\n\nfn g() -> u8 { 1 }",
            "fn f(\n"
            "    x: u8,\n"
            "    y: u8)\n"
            "    -> u8\n"
            "{\n"
            "    let z =\n"
            "        x +\n"
            "        y;\n"
            "\n"
            "    g(\n"
            "        (1,\n"
            "            2),\n"
            "    );\n"
            "    if a {\n"
            "        b\n"
            "    } else {\n"
            "        c\n"
            "    }\n"
            "}\n"
            "\n"
            "fn g() -> u8 { 1 }\n");
}

static void comments_stay(void)
{
    becomes(
        "// first  \n\n\n   // second\nfn f(x: u8/* why */) -> u8 { // begin\n// inside\nx    // "
        "end\n\n// last\n}\n/* block\n   kept */   // tail",
        "// first\n"
        "\n"
        "// second\n"
        "fn f(x: u8 /* why */) -> u8 { // begin\n"
        "    // inside\n"
        "    x // end\n"
        "\n"
        "    // last\n"
        "}\n"
        "/* block\n"
        "   kept */ // tail\n");
    becomes("", "");
    becomes("  \n \n", "");
    becomes("/* a /* b */ c */", "/* a /* b */ c */\n");
}

static void broken_programs_are_refused(void)
{
    struct whist_buffer out = {0};

    CHECK(!format(whist_bytes("fn f( -> u8 { 1 }", 17), &out) && out.len == 0);
    CHECK(!format(whist_bytes("fn f() -> u8 { 1 } #", 20), &out) && out.len == 0);
    CHECK(!format(whist_bytes("/* no end", 9), &out) && out.len == 0);
}

/* ---- On all programs there are ---- */

/* Equal but for white space. */
static bool same_but_space(struct whist_bytes a, struct whist_bytes b)
{
    size_t i = 0, k = 0;

    for (;;) {
        while (i < a.len && strchr(" \t\r\n", a.data[i]) != NULL && a.data[i] != 0) {
            i++;
        }
        while (k < b.len && strchr(" \t\r\n", b.data[k]) != NULL && b.data[k] != 0) {
            k++;
        }
        if (i == a.len || k == b.len) {
            return i == a.len && k == b.len;
        }
        if (a.data[i++] != b.data[k++]) {
            return false;
        }
    }
}

/* The same program: as many panic sites, the same diagnostics. */
static void check_same(struct whist_bytes a, struct whist_bytes b)
{
    struct lang_unit *u = check_bytes(a), *v = check_bytes(b);
    const struct lang_diag *d = lang_diag_first(u), *e = lang_diag_first(v);

    for (; d != NULL && e != NULL; d = d->next, e = e->next) {
        CHECK(d->kind == e->kind && strcmp(d->text, e->text) == 0);
    }
    CHECK(d == NULL && e == NULL);
    CHECK(u->n_sites == v->n_sites && u->n_types == v->n_types && u->n_fns == v->n_fns);
    lang_unit_free(u);
    lang_unit_free(v);
}

static size_t check_program(const char *text)
{
    struct whist_bytes source = whist_bytes(text, strlen(text));
    struct whist_buffer once = {0}, twice = {0};
    size_t formatted = 0;

    if (format(source, &once)) {
        CHECK_MSG(same_but_space(source, whist_buffer_view(&once)), "%s", text);
        check_same(source, whist_buffer_view(&once));
        CHECK(format(whist_buffer_view(&once), &twice));
        CHECK_MSG(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0,
                  "%.*s\nthen:\n%.*s", (int)once.len, (const char *)once.data, (int)twice.len,
                  (const char *)twice.data);
        formatted = 1;
    }
    whist_buffer_clear(&once);
    whist_buffer_clear(&twice);
    return formatted;
}

static size_t check_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0, n = 0;

    if (f == NULL) {
        return 0;
    }
    while (getline(&line, &cap, f) > 0) {
        json_t *c = json_loads(line, 0, NULL);
        CHECK(c != NULL);
        n += check_program(json_string_value(json_object_get(c, "source")));
        json_decref(c);
    }
    free(line);
    fclose(f);
    return n;
}

static void same_program(void)
{
    CHECK(check_file(WHIST_SOURCE_DIR "/tests/lang/cases/own.jsonl") > 300);
}

static void same_program_collected(void)
{
    if (check_file(WHIST_SHARED_DIR "/garble/cases-reference-suite.jsonl") == 0) {
        SKIP("no " WHIST_SHARED_DIR "/garble");
    }
    CHECK(check_file(WHIST_SHARED_DIR "/garble/cases-reference-examples.jsonl") > 0);
    CHECK(check_file(WHIST_SHARED_DIR "/garble/cases-reference-book.jsonl") > 0);
}

static const struct test_case cases[] = {
    {"spaces_are_uniform", spaces_are_uniform},
    {"lines_are_indented", lines_are_indented},
    {"comments_stay", comments_stay},
    {"broken_programs_are_refused", broken_programs_are_refused},
    {"same_program", same_program},
    {"same_program_collected", same_program_collected},
};

TEST_MAIN(cases)
