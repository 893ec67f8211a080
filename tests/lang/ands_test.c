/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The table of AND gates in docs/garble-compat.md: no more gates than it says, and the numbers of
 * the reference as the collection has them. */
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

static uint64_t count_ands(const json_t *c)
{
    struct whist_program_const consts[64];
    size_t n = read_consts(c, consts, 64);
    const char *source = json_string_value(json_object_get(c, "source"));
    struct whist_error err = {0};
    struct whist_program *p;
    struct whist_circuit *circuit;
    struct whist_circuit_info info;

    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), NULL, &err), err);
    CHECK_OK(whist_program_bind(p, json_string_value(json_object_get(c, "fn")), consts, n,
                                WHIST_PANICS_SITE, &err),
             err);
    CHECK_OK(whist_program_circuit(p, &circuit, &err), err);
    CHECK_OK(whist_circuit_info(circuit, &info, &err), err);
    whist_circuit_free(circuit);
    whist_program_free(p);
    return info.n_and;
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
        ours = count_ands(c);
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

static const struct test_case cases[] = {
    {"no_more_than_documented", no_more_than_documented},
};

TEST_MAIN(cases)
