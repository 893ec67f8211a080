/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The front end: which programs it takes, what it knows of them, and that hostile ones are refused.
 */
#include "lang/front.h"

#include <jansson.h>

#include "harness.h"

/* ---- Programs ---- */

static struct lang_unit *check_text(const char *text, size_t len, const struct lang_limits *limits)
{
    struct lang_unit *unit = NULL;
    whist_status st = lang_check(&unit, "test", whist_bytes(text, len), limits);

    CHECK(unit != NULL);
    CHECK((st == WHIST_OK) == (lang_n_errors(unit) == 0));
    return unit;
}

static void show(struct lang_unit *unit)
{
    struct whist_buffer text = {0};

    CHECK(lang_diags_text(unit, false, &text) == WHIST_OK);
    fprintf(stderr, "%.*s\n", (int)text.len, (const char *)text.data);
    whist_buffer_clear(&text);
}

/* A program without errors, bound without constants. */
static struct lang_unit *good(const char *text)
{
    struct lang_unit *unit = check_text(text, strlen(text), NULL);

    if (lang_n_errors(unit) > 0 || lang_bind(unit, NULL, 0) != WHIST_OK) {
        show(unit);
        CHECK(false);
    }
    return unit;
}

static bool has_kind(struct lang_unit *unit, const char *kind)
{
    for (const struct lang_diag *d = lang_diag_first(unit); d != NULL; d = d->next) {
        if (strcmp(lang_diag_name(d->kind), kind) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- The collected cases ---- */

struct tally {
    char name[64];
    size_t n, passed;
};

/* Whether docs/garble-compat.md lists the case, whose name it has without the number at the end. */
static bool is_listed(const json_t *c)
{
    const char *name = json_string_value(json_object_get(c, "name"));
    char text[8192], quoted[128];
    size_t len = strcspn(name, "0123456789");
    FILE *f = fopen(WHIST_SOURCE_DIR "/docs/garble-compat.md", "r");

    CHECK(f != NULL && len > 1);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    snprintf(quoted, sizeof(quoted), "`%.*s`", (int)len - 1, name);
    return strstr(text, quoted) != NULL;
}

/* One of the kinds that the reference reports. Where it is lax, a clear error is right too, if the
 * documents say so. */
static bool agrees(struct lang_unit *unit, const json_t *c)
{
    const json_t *expect = json_object_get(c, "expect");
    const char *status = json_string_value(json_object_get(expect, "status"));
    const char *binding = json_string_value(json_object_get(c, "binding"));
    const char *pass = NULL;
    size_t i;
    json_t *kind;

    for (const struct lang_diag *d = lang_diag_first(unit); d != NULL && pass == NULL;
         d = d->next) {
        if (lang_diag_severity(d->kind) == LANG_ERROR) {
            pass = lang_phase_name(lang_diag_phase(d->kind));
        }
    }
    if (strcmp(status, "ok") == 0 || strcmp(status, "panic") == 0 ||
        strcmp(status, "compiles") == 0 || strcmp(status, "literal_error") == 0) {
        return pass == NULL || (strcmp(binding, "advice") == 0 && is_listed(c));
    }
    if (pass == NULL || strcmp(pass, status) != 0) {
        return false;
    }
    json_array_foreach(json_object_get(expect, "errors"), i, kind)
    {
        if (has_kind(unit, json_string_value(kind))) {
            return true;
        }
    }
    return false;
}

static size_t read_consts(const json_t *c, struct lang_given *given, size_t max)
{
    static const char *const suffixes[] = {"bool",  "u8", "u16", "u32", "u64",
                                           "usize", "i8", "i16", "i32", "i64"};
    const char *party, *name;
    json_t *names, *value;
    size_t n = 0;

    json_object_foreach(json_object_get(c, "consts"), party, names)
    {
        json_object_foreach(names, name, value)
        {
            const char *text = json_string_value(value);
            struct lang_given *g = &given[n++];
            char *end;

            CHECK(n <= max);
            memset(g, 0, sizeof(*g));
            g->party = whist_bytes(party, strlen(party));
            g->name = whist_bytes(name, strlen(name));
            g->is_bool = strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
            g->negative = text[0] == '-';
            g->magnitude = g->is_bool ? (uint64_t)(text[0] == 't')
                                      : strtoull(g->negative ? text + 1 : text, &end, 10);
            for (size_t k = 0; !g->is_bool && k < 10; k++) {
                if (strcmp(end, suffixes[k]) == 0) {
                    g->suffix = (uint8_t)(k + 1);
                }
            }
        }
    }
    return n;
}

static void run_case(const json_t *c, struct tally *t)
{
    const char *source = json_string_value(json_object_get(c, "source"));
    struct lang_given given[64];
    size_t n = read_consts(c, given, 64);
    struct lang_unit *unit = check_text(source, strlen(source), NULL);

    if (lang_n_errors(unit) == 0 &&
        lang_find_entry(unit, json_string_value(json_object_get(c, "fn"))) != NULL) {
        whist_status st = lang_bind(unit, given, n);
        CHECK(st == WHIST_OK || st == WHIST_ERR_FORMAT);
    }
    t->n++;
    if (agrees(unit, c)) {
        t->passed++;
    } else {
        fprintf(stderr, "%s:\n%s", json_string_value(json_object_get(c, "name")), source);
        show(unit);
    }
    lang_unit_free(unit);
}

static struct tally *tally_of(struct tally *list, const json_t *c)
{
    char name[64];

    snprintf(name, sizeof(name), "%s (%s)",
             json_string_value(json_object_get(json_object_get(c, "expect"), "status")),
             json_string_value(json_object_get(c, "binding")));
    while (list->n > 0 && strcmp(list->name, name) != 0) {
        list++;
    }
    strcpy(list->name, name);
    return list;
}

/* False if there is no such file. */
static bool run_file(const char *path, struct tally *tallies)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;

    if (f == NULL) {
        return false;
    }
    while (getline(&line, &cap, f) > 0) {
        json_error_t err;
        json_t *c = json_loads(line, 0, &err);

        CHECK_MSG(c != NULL, "%s: %s", path, err.text);
        run_case(c, tally_of(tallies, c));
        json_decref(c);
    }
    free(line);
    fclose(f);
    return true;
}

static void finish_tallies(const struct tally *t)
{
    bool all = true;

    CHECK(t->n > 0);
    for (; t->n > 0; t++) {
        printf("%-24s %4zu of %4zu\n", t->name, t->passed, t->n);
        all &= t->passed == t->n;
    }
    CHECK(all);
}

static void own_cases(void)
{
    struct tally tallies[32] = {0};

    CHECK(run_file(WHIST_SOURCE_DIR "/tests/lang/cases/own.jsonl", tallies));
    finish_tallies(tallies);
}

static void collected_cases(void)
{
    static const char *const files[] = {"own", "reference-suite", "reference-book",
                                        "reference-examples"};
    struct tally tallies[32] = {0};

    for (size_t i = 0; i < 4; i++) {
        char path[512];
        snprintf(path, sizeof(path), WHIST_SHARED_DIR "/garble/cases-%s.jsonl", files[i]);
        if (!run_file(path, tallies)) {
            SKIP("no %s", path);
        }
    }
    finish_tallies(tallies);
}

/* ---- What is known of a program ---- */

static const struct lang_local *local_named(const struct lang_unit *u, const char *name)
{
    const struct lang_fn *fn = u->fns[u->n_fns - 1];

    for (uint32_t i = 0; i < fn->n_locals; i++) {
        if (strlen(name) == fn->locals[i]->name->len &&
            memcmp(name, fn->locals[i]->name->text, strlen(name)) == 0) {
            CHECK(fn->locals[i]->slot == i);
            return fn->locals[i];
        }
    }
    CHECK_MSG(false, "no variable %s", name);
    return NULL;
}

static void check_type(struct lang_unit *u, const char *name, const char *want)
{
    const char *found = lang_type_text(u, local_named(u, name)->type);

    CHECK_MSG(strcmp(found, want) == 0, "%s is %s, expected %s", name, found, want);
}

static void integers_are_inferred(void)
{
    struct lang_unit *u = good("fn f(a: u16) -> u16 { a }\n"
                               "pub fn main(x: u8, i: i64) -> u8 {\n"
                               "    let default = 5;\n"
                               "    let later = 7;\n"
                               "    let chain = later;\n"
                               "    let sum = x + chain;\n"
                               "    let list = [1, 2, 3];\n"
                               "    let wide = f(list[0]);\n"
                               "    let pair = (1, (2, true));\n"
                               "    let negative = if i > 0 { i } else { -1 };\n"
                               "    let index = 2;\n"
                               "    let at = list[index];\n"
                               "    let shift = x << 3;\n"
                               "    let mut changed = 0;\n"
                               "    for loop_var in 0..3 { changed = changed + loop_var; }\n"
                               "    let small: i8 = changed;\n"
                               "    let matched = 9;\n"
                               "    match matched { 1u16 => true, _ => false };\n"
                               "    (default as u8) + sum + (pair.0 as u8)\n"
                               "}\n");

    check_type(u, "default", "i32");
    check_type(u, "later", "u8");
    check_type(u, "chain", "u8");
    check_type(u, "list", "[u16; 3]");
    check_type(u, "wide", "u16");
    check_type(u, "pair", "(i32, (i32, bool))");
    check_type(u, "negative", "i64");
    check_type(u, "index", "usize");
    check_type(u, "at", "u16");
    check_type(u, "shift", "u8");
    check_type(u, "changed", "i8");
    check_type(u, "loop_var", "i8");
    check_type(u, "matched", "u16");
    lang_unit_free(u);
}

static void layouts_follow_consts(void)
{
    static const char text[] = "const N: usize = PARTY_0::N;\n"
                               "const M: i8 = max(-3i8, PARTY_1::M) - 2i8;\n"
                               "struct S { zeta: u8, alpha: [u16; N], mid: bool }\n"
                               "enum E { A, B(S, u8), C(u64) }\n"
                               "pub fn main(e: E, m: [i8; const { N + N - 1usize }]) -> i8 {\n"
                               "    let s = S { zeta: 1, alpha: [2; N], mid: true };\n"
                               "    m[0] + M\n"
                               "}\n";
    struct lang_unit *u = check_text(text, strlen(text), NULL);
    struct lang_given given[2] = {
        {.party = whist_bytes("PARTY_0", 7), .name = whist_bytes("N", 1), .magnitude = 3},
        {.party = whist_bytes("PARTY_1", 7),
         .name = whist_bytes("M", 1),
         .negative = true,
         .magnitude = 100,
         .suffix = TYPE_I8 + 1},
    };
    const struct lang_struct *s = u->structs[0];

    CHECK(u->n_wanted == 2 && u->wanted[0].type->kind == TYPE_USIZE);
    CHECK(lang_bind(u, given, 2) == WHIST_OK);
    CHECK(given[0].used && given[1].used);
    CHECK((int64_t)u->consts[1]->bits == -5);
    /* by name: alpha, mid, zeta */
    CHECK(s->fields[1].offset == 0 && s->fields[2].offset == 48 && s->fields[0].offset == 49);
    CHECK(s->type->bits == 57);
    CHECK(u->enums[0]->tag_bits == 2 && u->enums[0]->payload_bits == 65);
    CHECK(u->enums[0]->variants[1].offsets[1] == 57 && u->enums[0]->type->bits == 67);
    CHECK(local_named(u, "m")->type->bits == 40);
    /* the same tree with other constants */
    given[0].magnitude = 1;
    given[1].negative = false;
    CHECK(lang_bind(u, given, 2) == WHIST_OK);
    CHECK(s->type->bits == 25 && u->enums[0]->payload_bits == 64);
    CHECK((int64_t)u->consts[1]->bits == 98 && local_named(u, "m")->type->bits == 8);
    /* and with ones that do not fit */
    given[1].negative = true;
    given[1].magnitude = 129;
    CHECK(lang_bind(u, given, 2) == WHIST_ERR_FORMAT && has_kind(u, "InvalidLiteralType"));
    CHECK(lang_bind(u, given, 1) == WHIST_ERR_FORMAT && has_kind(u, "MissingConstant"));
    given[0].magnitude = 0;
    given[1].magnitude = 1;
    CHECK(lang_bind(u, given, 2) == WHIST_ERR_FORMAT && has_kind(u, "ConstOutOfRange"));
    given[0].magnitude = 4;
    CHECK(lang_bind(u, given, 2) == WHIST_OK && s->type->bits == 73);
    lang_unit_free(u);
}

static void sites_are_in_order(void)
{
    static const struct {
        const char *text;
        lang_reason reason;
    } want[] = {
        {"a + 1", LANG_OVERFLOW},
        {"b / c", LANG_DIV_BY_ZERO},
        {"b / c", LANG_OVERFLOW},
        {"i", LANG_OUT_OF_BOUNDS},
        {"x[i] << 3", LANG_OVERFLOW},
        {"-b", LANG_OVERFLOW},
        {"1 - 2", LANG_OVERFLOW},
        {"i", LANG_OUT_OF_BOUNDS},
        {"m[i] %= 1 - 2", LANG_DIV_BY_ZERO},
    };
    struct lang_unit *u = good("pub fn main(a: u8, b: i8, c: i8, x: [u8; 2], i: usize) -> u8 {\n"
                               "    let mut m = x;\n"
                               "    let s = (a + 1, b / c, x[i] << 3, -b, a ^ 1, b < c);\n"
                               "    m[i] %= 1 - 2;\n"
                               "    m[0]\n"
                               "}\n");

    for (size_t k = 0; k < sizeof(want) / sizeof(want[0]); k++) {
        const struct lang_site *site = &u->sites[k];
        size_t len = strlen(want[k].text);

        CHECK(k < u->n_sites && site->reason == want[k].reason && site->fn == u->fns[0]);
        CHECK_MSG(site->span.to - site->span.from >= len &&
                      memcmp(u->source + site->span.from, want[k].text, len) == 0,
                  "site %zu: %.20s", k, u->source + site->span.from);
    }
    CHECK(u->n_sites == sizeof(want) / sizeof(want[0]) + 1);
    lang_unit_free(u);
}

static void calls_come_before_callers(void)
{
    struct lang_unit *u = good("pub fn main(x: u8) -> u8 { h(x) + g(x) }\n"
                               "fn h(x: u8) -> u8 { g(x) }\n"
                               "fn g(x: u8) -> u8 { x }\n");

    CHECK(u->order[0] == u->fns[2] && u->order[1] == u->fns[1] && u->order[2] == u->fns[0]);
    CHECK(u->fns[0]->depth == 2 && u->fns[1]->depth == 1 && u->fns[2]->depth == 0);
    lang_unit_free(u);
}

/* Equal types are one object, also among many. */
static void many_types_are_interned(void)
{
    struct whist_buffer b = {0};
    struct lang_unit *u;
    char line[200];
    int n;

    for (int i = 0; i < 1000; i++) {
        n = snprintf(line, sizeof(line),
                     "const C%d: usize = %dusize;\n"
                     "pub fn f%d(x: [(u8, bool); %d], y: [u8; C%d], "
                     "z: [u8; const { C%d + 1usize }]) -> () { () }\n",
                     i, i, i, i, i, i);
        CHECK(whist_buffer_append(&b, line, (size_t)n) == WHIST_OK);
    }
    for (int i = 0; i < 1000; i++) {
        n = snprintf(line, sizeof(line),
                     "pub fn g%d(x: [(u8, bool); %d], y: [u8; C%d], "
                     "z: [u8; const { C%d + 1usize }]) -> () { f%d(x, y, z) }\n",
                     i, i, i, i, i);
        CHECK(whist_buffer_append(&b, line, (size_t)n) == WHIST_OK);
    }
    CHECK(whist_buffer_append(&b, "", 1) == WHIST_OK);
    u = good((const char *)b.data);
    for (uint32_t i = 0; i < 1000; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            CHECK(u->fns[i]->params[k].local->type == u->fns[1000 + i]->params[k].local->type);
        }
        CHECK(u->fns[i]->params[0].local->type->bits == 9 * i);
        CHECK(u->fns[i]->params[2].local->type->bits == 8 * (i + 1));
    }
    CHECK(u->n_types < 3100);
    lang_unit_free(u);
    whist_buffer_clear(&b);
}

/* What the reference gets wrong and the description allows. */
static void liberties_are_taken(void)
{
    lang_unit_free(good("pub fn main(a: u8) -> u8 { a-1 }\n"));
    lang_unit_free(good("pub fn main(a: [u8; 4]) -> u8 { a[1 + 1] << (1 + 2) }\n"));
    lang_unit_free(good("pub fn main(a: i8) -> u8 {\n"
                        "    match a { -5..=5 => 1, -128..=-6 => 2, 6..=127 => 3 }\n"
                        "}\n"));
    lang_unit_free(good("pub fn main(a: u8) -> u8 {\n"
                        "    let mut b = a;\n"
                        "    if a > 1 { b = 2 }\n"
                        "    -1;\n"
                        "    match b { 1 => { b = 2 } 2 => b = 3, _ => b = 4, };\n"
                        "    b\n"
                        "}\n"));
    lang_unit_free(good("const N: usize = 2usize;\n"
                        "struct S { a: [u8; N] }\n"
                        "pub fn main(a: u8) -> S { S { a: [a; N] } }\n"));
}

/* ---- Documents ---- */

/* Every program of docs/language.md is one: a fenced block of the language garble. */
static void documented_programs_compile(void)
{
    FILE *f = fopen(WHIST_SOURCE_DIR "/docs/language.md", "r");
    char *line = NULL;
    size_t cap = 0, n = 0;
    struct whist_buffer b = {0};
    bool inside = false;

    CHECK(f != NULL);
    while (getline(&line, &cap, f) > 0) {
        if (!inside) {
            inside = strcmp(line, "```garble\n") == 0;
        } else if (strcmp(line, "```\n") != 0) {
            CHECK(whist_buffer_append(&b, line, strlen(line)) == WHIST_OK);
        } else {
            struct lang_unit *unit = check_text((const char *)b.data, b.len, NULL);
            if (lang_diag_first(unit) != NULL) {
                show(unit);
                CHECK(false);
            }
            lang_unit_free(unit);
            b.len = 0;
            inside = false;
            n++;
        }
    }
    CHECK(n >= 8 && !inside);
    whist_buffer_clear(&b);
    free(line);
    fclose(f);
}

/* ---- Grammar for editors ---- */

/* Whether some pattern below matches the word; includes lead to what there is. */
static bool has_word(const json_t *node, const json_t *repository, const char *word)
{
    char quoted[40];
    const char *key, *match, *at;
    size_t len = strlen(word), i;
    json_t *child;
    bool found = false;

    if (json_is_array(node)) {
        json_array_foreach(node, i, child)
        {
            found |= has_word(child, repository, word);
        }
        return found;
    }
    json_object_foreach((json_t *)(uintptr_t)node, key, child)
    {
        found |= has_word(child, repository, word);
        if (strcmp(key, "include") == 0) {
            CHECK(json_object_get(repository, json_string_value(child) + 1) != NULL);
        }
    }
    match = json_string_value(json_object_get(node, "match"));
    at = match == NULL ? NULL : strstr(match, word);
    snprintf(quoted, sizeof(quoted), "\\b%s\\b", word);
    return found ||
           (at != NULL &&
            ((at > match && strchr("(|", at[-1]) != NULL && strchr("|)", at[len]) != NULL) ||
             strcmp(match, quoted) == 0));
}

static void grammar_knows_all_words(void)
{
    json_t *grammar = json_load_file(WHIST_SOURCE_DIR "/editors/garble.tmLanguage.json", 0, NULL);
    const json_t *repository = json_object_get(grammar, "repository");
    char word[32];

    CHECK(repository != NULL);
    for (token_kind kind = TOK_CONST; kind <= TOK_IN; kind++) {
        /* `const`, without the quotes */
        snprintf(word, sizeof(word), "%.*s", (int)strlen(token_text(kind)) - 2,
                 token_text(kind) + 1);
        CHECK_MSG(has_word(grammar, repository, word), "%s", word);
    }
    for (lang_type_kind kind = TYPE_BOOL; kind <= TYPE_I64; kind++) {
        CHECK_MSG(has_word(grammar, repository, lang_scalar_name(kind)), "%s",
                  lang_scalar_name(kind));
    }
    CHECK(has_word(grammar, repository, "join_iter") && has_word(grammar, repository, "true"));
    CHECK(!has_word(grammar, repository, "while"));
    json_decref(grammar);
}

/* ---- Hostile programs ---- */

/* before, then n times part, then after */
static void refuse(const char *kind, const char *before, const char *part, size_t n,
                   const char *after)
{
    struct whist_buffer b = {0};
    struct lang_unit *unit;

    CHECK(whist_buffer_reserve(&b, strlen(before) + n * strlen(part) + strlen(after)) == WHIST_OK);
    CHECK(whist_buffer_append(&b, before, strlen(before)) == WHIST_OK);
    for (size_t i = 0; i < n; i++) {
        CHECK(whist_buffer_append(&b, part, strlen(part)) == WHIST_OK);
    }
    CHECK(whist_buffer_append(&b, after, strlen(after)) == WHIST_OK);
    unit = check_text((const char *)b.data, b.len, NULL);
    if (lang_n_errors(unit) == 0) {
        CHECK(lang_bind(unit, NULL, 0) == WHIST_ERR_FORMAT);
    }
    if (!has_kind(unit, kind)) {
        fprintf(stderr, "expected %s\n", kind);
        show(unit);
        CHECK(false);
    }
    lang_unit_free(unit);
    whist_buffer_clear(&b);
}

#define MAIN "pub fn main(x: u8) -> u8 { "

static void depth_is_limited(void)
{
    size_t n = (size_t)test_scale(100000);

    refuse("NestedTooDeeply", MAIN, "(", n, "x }");
    refuse("NestedTooDeeply", MAIN, "{", n, "x }");
    refuse("NestedTooDeeply", MAIN, "!", n, "x }");
    refuse("NestedTooDeeply", MAIN, "- ", n, "x }");
    refuse("NestedTooDeeply", MAIN, "x + ", n, "x }");
    refuse("NestedTooDeeply", MAIN, "x[", n, "x }");
    refuse("NestedTooDeeply", MAIN "x", "[0]", n, " }");
    refuse("NestedTooDeeply", MAIN "x", ".0", n, " = 1; x }");
    refuse("NestedTooDeeply", MAIN "x", " as u8", n, " }");
    refuse("NestedTooDeeply", MAIN, "f(", n, "x }");
    refuse("NestedTooDeeply", MAIN "if x == 0 { 1 } ", "else if x == 1 { 2 } ", n, "else { 3 } }");
    refuse("NestedTooDeeply", MAIN, "match x { y => ", n, "x }");
    refuse("NestedTooDeeply", MAIN, "for i in 0..2 { ", n, "x }");
    refuse("NestedTooDeeply", MAIN "match x { ", "(", n, "y => 1 } }");
    refuse("NestedTooDeeply", "pub fn main(x: ", "(", n, "u8");
    refuse("NestedTooDeeply", "pub fn main(x: ", "[", n, "u8");
    refuse("NestedTooDeeply", "const A: u8 = ", "(", n, "1u8");
    refuse("NestedTooDeeply", "const A: u8 = ", "1u8 + ", n, "1u8;");
}

static void length_is_limited(void)
{
    size_t n = (size_t)test_scale(10000000);

    refuse("UnexpectedCharacter", MAIN, "#", n, " }");
    refuse("UnterminatedComment", MAIN, "/*", n / 2, " }");
    refuse("ExpectedExpr", MAIN, ";", n, " }");
    refuse("InvalidTopLevelDef", "", "}", n, "");
    refuse("InvalidTopLevelDef", "", "{", n, "");
    refuse("ExpectedIdentifier", "", "fn ", n / 3, "");
    refuse("UnknownIdentifier", MAIN, "y; ", n / 3, "x }");
    refuse("InvalidUnsignedNum", MAIN, "9", n, " }");
    refuse("SourceTooLarge", MAIN, "                ", 1 << 20, "x }");
}

static void sizes_are_limited(void)
{
    refuse("TypeTooLarge", "pub fn main(x: [u8; 1099511627776]) -> u8 { 1 }", "", 0, "");
    refuse("InvalidUnsignedNum", "pub fn main(x: [u8; 99999999999999999999]) -> u8 { 1 }", "", 0,
           "");
    refuse("TypeTooLarge", "pub fn main(x: [(); 4294967295]) -> u8 { 1 }", "", 0, "");
    refuse("TypeTooLarge", "pub fn main(x: [[[(); 65536]; 65536]; 65536]) -> u8 { 1 }", "", 0, "");
    refuse("TypeTooLarge",
           "struct A { x: [u64; 4000000000] } struct B { x: [A; 4000000000] } "
           "struct C { x: [B; 4000000000] } enum E { A(u8, [C; 4000000000]) } "
           "pub fn main(x: E) -> u8 { 1 }",
           "", 0, "");
    refuse("TypeTooLarge", "pub fn main(x: (", "u8, ", 20000, "u8)) -> u8 { 1 }");
    refuse("TypeTooLarge", MAIN "let y = (1, 2); ", "let y = (y, y); ", 64, "x }");
    refuse("TypeTooLarge", "pub fn main(a: [u8; 3]) -> u8 { let t = join(a, a); ",
           "let t = join(t, t); ", 64, "1 }");
    refuse("TypeTooLarge",
           "const N: usize = 3usize; pub fn main(a: [u8; N]) -> u8 { "
           "let t = join(a, a); ",
           "let t = join(t, t); ", 64, "1 }");
    refuse("ConstOutOfRange", "pub fn main(a: [u8; 0]) -> u8 { join(a, a); 1 }", "", 0, "");
    refuse("RecursiveType", "struct A { b: [B; 2] } enum B { X(u8, (A)) } " MAIN "x }", "", 0, "");
}

static void memory_is_limited(void)
{
    struct lang_limits limits = {.max_memory = (size_t)1 << 20};
    struct whist_buffer b = {0};
    struct lang_unit *unit;

    CHECK(whist_buffer_append(&b, MAIN, strlen(MAIN)) == WHIST_OK);
    for (int i = 0; i < 20000; i++) {
        CHECK(whist_buffer_append(&b, "x + x; ", 7) == WHIST_OK);
    }
    CHECK(whist_buffer_append(&b, "}", 1) == WHIST_OK);
    unit = check_text((const char *)b.data, b.len, &limits);
    CHECK(has_kind(unit, "SourceTooLarge"));
    lang_unit_free(unit);
    limits.max_memory = 0;
    unit = check_text((const char *)b.data, b.len, &limits);
    CHECK(lang_n_errors(unit) == 0);
    lang_unit_free(unit);
    whist_buffer_clear(&b);
}

/* ---- Without memory ---- */

static const char with_everything[] =
    "const N: usize = P::N;\n"
    "struct S { a: u8, b: [u8; N] }\n"
    "enum E { A, B(u8, S) }\n"
    "fn f(s: S) -> u8 { s.a }\n"
    "pub fn main(x: u8, e: E) -> u8 {\n"
    "    let mut t = (1, [x; 3]);\n"
    "    for i in 0..3 { t.1[i] += 1; }\n"
    "    match e { E::A => 1, E::B(0..=99, s) => f(s), E::B(y, S { a, .. }) => a + y }\n"
    "}\n";

static void failing_allocations_are_reported(void)
{
    struct lang_given n = {
        .party = whist_bytes("P", 1), .name = whist_bytes("N", 1), .magnitude = 3};
    bool done = false;

    for (long k = 0; !done; k++) {
        struct lang_unit *unit = NULL;
        whist_status st;

        CHECK(k < 10000);
        whist_alloc_fail_after(k);
        st = lang_check(&unit, "test", whist_bytes(with_everything, sizeof(with_everything) - 1),
                        NULL);
        if (st == WHIST_OK) {
            st = lang_bind(unit, &n, 1);
            done = st == WHIST_OK;
        }
        whist_alloc_fail_after(-1);
        CHECK(done || st == WHIST_ERR_NOMEM || st == WHIST_ERR_FORMAT);
        lang_unit_free(unit);
    }
}

/* ---- Rendering ---- */

static void check_buffer(struct whist_buffer *b, const char *want)
{
    CHECK_MSG(b->len == strlen(want) && memcmp(b->data, want, b->len) == 0,
              "found:\n%.*s\nexpected:\n%s", (int)b->len, (const char *)b->data, want);
    whist_buffer_clear(b);
}

static void terminals_get_colours(void)
{
    static const char text[] = "pub fn main(x: u8) -> u16 {\n\tx /* \" */\n}\n";
    struct lang_unit *u = check_text(text, strlen(text), NULL);
    struct whist_buffer b = {0};

    CHECK(lang_diag_text(u, lang_diag_first(u), true, &b) == WHIST_OK);
    check_buffer(&b, "\033[1;31merror[UnexpectedType]\033[1m: expected u16, found u8\033[0m\n"
                     " \033[1;34m--> \033[0mtest:2:2\n"
                     "\033[1;34m  |\033[0m\n"
                     "\033[1;34m1 |\033[0m pub fn main(x: u8) -> u16 {\n"
                     "\033[1;34m  |\033[0m                       \033[1;34m--- the result of the "
                     "function\033[0m\n"
                     "\033[1;34m2 |\033[0m  x /* \" */\n"
                     "\033[1;34m  |\033[0m  \033[1;31m^ expected u16\033[0m\n"
                     "\033[1;34m  |\033[0m\n"
                     " \033[1;34m = \033[1;32mhelp\033[0m: convert it with `as u16`\n\n");
    lang_unit_free(u);
}

static void errors_are_counted_beyond_the_limit(void)
{
    struct lang_limits limits = {.max_errors = 2};
    static const char text[] = "pub fn main(x: u8) -> u8 { a; b; c; d; x }\n";
    struct lang_unit *u = check_text(text, strlen(text), &limits);
    struct whist_buffer b = {0};
    const char *end;

    CHECK(lang_n_errors(u) == 4);
    CHECK(lang_diag_first(u)->next->next == NULL);
    CHECK(lang_diags_text(u, false, &b) == WHIST_OK && whist_buffer_append(&b, "", 1) == WHIST_OK);
    end = strstr((const char *)b.data, "\n\n4 errors; the first 2 are shown\n");
    CHECK(end != NULL);
    whist_buffer_clear(&b);
    lang_unit_free(u);
}

static void warnings_outlive_binding(void)
{
    static const char text[] = "const N: u8 = P::N;\n"
                               "pub fn main(x: u8) -> u8 { let unused = 1u8; x + N }\n";
    struct lang_unit *u = check_text(text, strlen(text), NULL);
    struct lang_given given[2] = {
        {.party = whist_bytes("P", 1), .name = whist_bytes("N", 1), .magnitude = 300},
        {.party = whist_bytes("P", 1), .name = whist_bytes("M", 1), .magnitude = 1},
    };

    CHECK(lang_n_warnings(u) == 1);
    CHECK(lang_bind(u, given, 2) == WHIST_ERR_FORMAT);
    CHECK(lang_n_errors(u) == 1 && lang_n_warnings(u) == 2);
    CHECK(lang_diag_first(u)->kind == DIAG_InvalidLiteralType);
    given[0].magnitude = 3;
    CHECK(lang_bind(u, given, 1) == WHIST_OK);
    CHECK(lang_n_errors(u) == 0 && lang_n_warnings(u) == 1);
    CHECK(lang_diag_first(u)->kind == DIAG_UnusedVariable && lang_diag_first(u)->next == NULL);
    lang_unit_free(u);
}

static void every_kind_is_explained(void)
{
    static const char *const kinds[] = {
#define KIND(name, phase, severity) #name,
        LANG_DIAG_TABLE(KIND)
#undef KIND
    };

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *text = lang_diag_explain(kinds[i]);
        CHECK_MSG(text != NULL && strlen(text) > 20 && text[strlen(text) - 1] == '\n', "%s",
                  kinds[i]);
    }
    CHECK(lang_diag_explain("Unknown") == NULL);
}

static const struct test_case cases[] = {
    {"own_cases", own_cases},
    {"collected_cases", collected_cases},
    {"integers_are_inferred", integers_are_inferred},
    {"layouts_follow_consts", layouts_follow_consts},
    {"sites_are_in_order", sites_are_in_order},
    {"calls_come_before_callers", calls_come_before_callers},
    {"many_types_are_interned", many_types_are_interned},
    {"liberties_are_taken", liberties_are_taken},
    {"documented_programs_compile", documented_programs_compile},
    {"grammar_knows_all_words", grammar_knows_all_words},
    {"depth_is_limited", depth_is_limited},
    {"length_is_limited", length_is_limited},
    {"sizes_are_limited", sizes_are_limited},
    {"memory_is_limited", memory_is_limited},
    {"failing_allocations_are_reported", failing_allocations_are_reported},
    {"terminals_get_colours", terminals_get_colours},
    {"errors_are_counted_beyond_the_limit", errors_are_counted_beyond_the_limit},
    {"warnings_outlive_binding", warnings_outlive_binding},
    {"every_kind_is_explained", every_kind_is_explained},
};

TEST_MAIN(cases)
