/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The table of AND gates in docs/garble-compat.md: no more gates than it says, and the numbers of
 * the reference as the collection has them. Single operations, from source to gates, against the
 * gates that are known to be possible; and what the thorough level adds. */
#include <jansson.h>
#include <whist/lang.h>

#include "core/core.h"
#include "harness.h"

struct row {
    char name[128];
    uint64_t reference, ours;
    bool seen;
};

struct table {
    struct row rows[100];
    size_t n;
};

/* A number with commas. */
static uint64_t read_number(const char *text)
{
    uint64_t n = 0;

    for (; *text == ' ' || *text == ',' || (*text >= '0' && *text <= '9'); text++) {
        n = *text >= '0' ? n * 10 + (uint64_t)(*text - '0') : n;
    }
    return n;
}

/* Lines "| what | `case` | reference | ours | percent |" of the section. */
static void read_table(struct table *t)
{
    FILE *f = fopen(WHIST_SOURCE_DIR "/docs/garble-compat.md", "r");
    char *line = NULL;
    size_t cap = 0;
    bool inside = false;

    CHECK(f != NULL);
    while (getline(&line, &cap, f) > 0) {
        struct row *r = &t->rows[t->n];
        const char *name = line[0] == '|' ? strstr(line + 1, "| `") : NULL;

        inside |= strcmp(line, "## AND gates\n") == 0;
        if (!inside || name == NULL) {
            continue;
        }
        CHECK(t->n + 1 < sizeof(t->rows) / sizeof(t->rows[0]));
        CHECK(sscanf(name, "| `%127[^`]`", r->name) == 1);
        name = strchr(name + 1, '|') + 1;
        r->reference = read_number(name);
        r->ours = read_number(strchr(name, '|') + 1);
        t->n++;
    }
    free(line);
    fclose(f);
}

static size_t read_consts(const json_t *c, struct whist_program_const *consts, size_t max)
{
    const char *party, *name;
    json_t *names, *value;
    size_t n = 0;

    json_object_foreach(json_object_get(c, "consts"), party, names)
    {
        json_object_foreach(names, name, value)
        {
            CHECK(n < max);
            consts[n].party = party;
            consts[n].name = name;
            consts[n++].value = json_string_value(value);
        }
    }
    return n;
}

static uint64_t count_program(const char *source, const char *fn,
                              const struct whist_program_const *consts, size_t n, bool thorough)
{
    const struct whist_program_options options = {.thorough = thorough};
    struct whist_error err = {0};
    struct whist_program *p;
    struct whist_circuit *circuit;
    struct whist_circuit_info info;

    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), &options, &err), err);
    CHECK_OK(whist_program_bind(p, fn, consts, n, WHIST_PANICS_SITE, &err), err);
    CHECK_OK(whist_program_circuit(p, &circuit, &err), err);
    CHECK_OK(whist_circuit_info(circuit, &info, &err), err);
    whist_circuit_free(circuit);
    whist_program_free(p);
    return info.n_and;
}

static uint64_t count_ands(const json_t *c, bool thorough)
{
    struct whist_program_const consts[64];
    size_t n = read_consts(c, consts, 64);

    return count_program(json_string_value(json_object_get(c, "source")),
                         json_string_value(json_object_get(c, "fn")), consts, n, thorough);
}

static void check_case(struct table *t, const json_t *c)
{
    const char *name = json_string_value(json_object_get(c, "name"));

    for (size_t i = 0; i < t->n; i++) {
        struct row *r = &t->rows[i];
        uint64_t ours;

        if (strcmp(r->name, name) != 0 || r->seen) {
            continue;
        }
        r->seen = true;
        ours = count_ands(c, false);
        CHECK(count_ands(c, true) <= ours);
        printf("%-50s %6llu %6llu\n", name, (unsigned long long)r->reference,
               (unsigned long long)ours);
        CHECK((json_int_t)r->reference ==
              json_integer_value(json_object_get(c, "reference_and_gates")));
        CHECK_MSG(ours <= r->ours, "%s: %llu, documented %llu", name, (unsigned long long)ours,
                  (unsigned long long)r->ours);
    }
}

static void no_more_than_documented(void)
{
    static const char *const files[] = {"own", "reference-examples"};
    static struct table t;

    read_table(&t);
    CHECK(t.n >= 20);
    for (size_t i = 0; i < 2; i++) {
        char path[512], *line = NULL;
        size_t cap = 0;
        FILE *f;

        snprintf(path, sizeof(path), WHIST_SHARED_DIR "/garble/cases-%s.jsonl", files[i]);
        f = fopen(path, "r");
        if (f == NULL) {
            SKIP("no %s", path);
        }
        while (getline(&line, &cap, f) > 0) {
            json_t *c = json_loads(line, 0, NULL);
            CHECK(c != NULL);
            check_case(&t, c);
            json_decref(c);
        }
        free(line);
        fclose(f);
    }
    for (size_t i = 0; i < t.n; i++) {
        CHECK_MSG(t.rows[i].seen, "no case %s", t.rows[i].name);
    }
}

/* ---- Single operations ---- */

/* What an operation of the description's table costs at most at 8, 16, 32 and 64 bits, with its
 * checks and without the masks of the result. */
static const struct {
    const char *expr, *result, *of; /* $: the type; of: u, i */
    uint64_t most[4];
    bool panics;
} operations[] = {
    {"x + y", "$", "ui", {8, 16, 32, 64}, true},
    {"x - y", "$", "ui", {8, 16, 32, 64}, true},
    {"x * y", "$", "u", {84, 300, 1116, 4284}, true},
    {"x * y", "$", "i", {120, 368, 1248, 4544}, true},
    {"x / y", "$", "u", {84, 300, 1116, 4284}, true},
    {"x % y", "$", "u", {92, 316, 1148, 4348}, true},
    {"x / y", "$", "i", {123, 387, 1299, 4659}, true},
    {"x % y", "$", "i", {123, 387, 1299, 4659}, true},
    {"(x / y, x % y)", "($, $)", "u", {92, 316, 1148, 4348}, true},
    {"x < y", "bool", "ui", {8, 16, 32, 64}, false},
    {"x > y", "bool", "ui", {8, 16, 32, 64}, false},
    {"x <= y", "bool", "ui", {8, 16, 32, 64}, false},
    {"x >= y", "bool", "ui", {8, 16, 32, 64}, false},
    {"x == y", "bool", "ui", {7, 15, 31, 63}, false},
    {"x != y", "bool", "ui", {7, 15, 31, 63}, false},
    {"if s < 128 { x } else { y }", "$", "ui", {8, 16, 32, 64}, false},
    {"x << s", "$", "ui", {28, 67, 162, 385}, true},
    {"x >> s", "$", "u", {28, 67, 162, 385}, true},
    {"x >> s", "$", "i", {25, 63, 157, 379}, true},
    {"-x", "$", "i", {14, 30, 62, 126}, true},
    {"x * 10", "$", "u", {8, 16, 32, 64}, true},
    {"x / 10", "$", "u", {33, 193, 897, 3841}, false},
};

/* Copies with $ replaced by the type. */
static void put(char *out, const char *text, char kind, unsigned w)
{
    for (out += strlen(out); *text != 0; text++) {
        if (*text == '$') {
            out += sprintf(out, "%c%u", kind, w);
        } else {
            *out++ = *text;
            *out = 0;
        }
    }
}

static void count_operation(size_t k, char kind, unsigned at)
{
    char text[256] = "pub fn main(x: $, y: $, s: u8) -> ", source[512] = "";
    uint64_t n[2], masks = operations[k].panics ? 8U << at : 0;

    strcat(text, operations[k].result);
    strcat(text, " { ");
    strcat(text, operations[k].expr);
    strcat(text, " }");
    put(source, text, kind, 8U << at);
    masks *= strchr(operations[k].result, ',') != NULL ? 2 : 1;
    for (int level = 0; level < 2; level++) {
        n[level] = count_program(source, "main", NULL, 0, level != 0);
        CHECK_MSG(n[level] <= operations[k].most[at] + masks, "%s: %llu ANDs, level %d", source,
                  (unsigned long long)n[level], level + 1);
    }
    CHECK(n[1] <= n[0]);
}

static void operations_cost_what_is_known_to_be_possible(void)
{
    for (size_t k = 0; k < sizeof operations / sizeof operations[0]; k++) {
        for (const char *kind = operations[k].of; *kind != 0; kind++) {
            for (unsigned at = 0; at < 4; at++) {
                count_operation(k, *kind, at);
            }
        }
    }
}

/* The default level looks closely at the first million gates. */
static void thorough_level_saves_in_large_programs(void)
{
    static const char source[] =
        "pub fn main(v: [(u64, u64, u64); 4400], c: u8) -> u64 { let mut n = 0u64;"
        "for (x, y, z) in v { n ^= (x & y) | (y & z) | (x & z); } n }";
    uint64_t plain = count_program(source, "main", NULL, 0, false);
    uint64_t thorough = count_program(source, "main", NULL, 0, true);

    CHECK_MSG(thorough < plain, "%llu ANDs, thorough %llu", (unsigned long long)plain,
              (unsigned long long)thorough);
}

static const struct test_case cases[] = {
    {"no_more_than_documented", no_more_than_documented},
    {"operations_cost_what_is_known_to_be_possible", operations_cost_what_is_known_to_be_possible},
    {"thorough_level_saves_in_large_programs", thorough_level_saves_in_large_programs},
};

TEST_MAIN(cases)
