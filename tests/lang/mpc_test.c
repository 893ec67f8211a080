/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The collected cases in ../shared/garble (sanitizers: a sample) as real computations: parties over
 * memory channels learn what the interpreter says. All cases of one number of parties share a
 * session. */
#include <whist/lang.h>

#include "cases.h"
#include "harness.h"
#include "parties.h"

enum { MAX_RUNS = 4000, MAX_BITS = 1 << 13 };

struct sample {
    size_t n_parties; /* of the session */
    size_t n, n_seen;
    size_t every; /* of so many cases one is taken */
    struct party_setup setups[MAX_RUNS];
    uint8_t *expect; /* output bits of all runs, one after the other */
    size_t n_bits;
};

static struct whist_program *program_of(const json_t *c)
{
    const char *source = text_of(c, "source");
    struct whist_program_const consts[CASE_CONSTS];
    struct whist_program *p = NULL;
    size_t n = consts_of(c, consts);

    CHECK(whist_program_new(&p, whist_bytes(source, strlen(source)), NULL, NULL) == WHIST_OK);
    CHECK(whist_program_bind(p, text_of(c, "fn"), consts, n, WHIST_PANICS_SITE, NULL) == WHIST_OK);
    return p;
}

/* Input bits of all parties; the case has them. */
static uint8_t *inputs_of(const json_t *c)
{
    uint8_t *bits = calloc(1, MAX_BITS);
    size_t i, n = 0;
    json_t *arg;

    CHECK(bits != NULL);
    json_array_foreach(json_object_get(c, "arg_bits"), i, arg)
    {
        for (const char *s = json_string_value(arg); *s != 0; s++) {
            CHECK(n < MAX_BITS);
            bits[n++] = *s == '1';
        }
    }
    return bits;
}

static void add(struct sample *s, const json_t *c)
{
    struct whist_program *p = program_of(c);
    size_t n = whist_program_n_parties(p), n_out = whist_program_output_bits(p), n_groups = 0;
    bool fits = s->n_parties == 2 ? n <= 2 : n == s->n_parties;
    struct whist_circuit *circuit;
    uint8_t *owners = calloc(1, WHIST_MAX_PARTIES);

    CHECK(owners != NULL);
    if (!fits || n_out == 0 || s->n_seen++ % s->every != 0 || s->n == MAX_RUNS) {
        free(owners);
        whist_program_free(p);
        return;
    }
    for (size_t i = 0; i < n; i++) { /* parties without input bits have no group */
        if (whist_type_bits(whist_program_input_type(p, i)) != 0) {
            owners[n_groups++] = (uint8_t)i;
        }
    }
    struct party_setup *run = &s->setups[s->n];
    uint8_t *inputs = inputs_of(c);
    CHECK(whist_program_circuit(p, &circuit, NULL) == WHIST_OK);
    *run = (struct party_setup){.n = s->n_parties,
                                .circuit = circuit,
                                .owners = owners,
                                .evaluator = s->n % s->n_parties,
                                .inputs = inputs};
    s->expect = realloc(s->expect, s->n_bits + n_out);
    CHECK(s->expect != NULL);
    CHECK(whist_program_eval(p, s->expect + s->n_bits, inputs, NULL) == WHIST_OK);
    s->n_bits += n_out;
    if (s->n++ > 0) {
        s->setups[s->n - 2].next = run;
    }
    whist_program_free(p);
}

static void add_file(struct sample *s, const char *name)
{
    char path[512], *line = NULL;
    size_t cap = 0;

    snprintf(path, sizeof path, "%s/garble/%s", WHIST_SHARED_DIR, name);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        SKIP("%s is not there", path);
    }
    while (getline(&line, &cap, f) > 0) {
        json_t *c = json_loads(line, 0, NULL);
        const char *status = text_of(json_object_get(c, "expect"), "status");
        bool runs = strcmp(status, "ok") == 0 || strcmp(status, "panic") == 0;
        if (runs && strcmp(text_of(c, "binding"), "yes") == 0 &&
            json_array_size(json_object_get(c, "arg_bits")) != 0) {
            add(s, c);
        }
        json_decref(c);
    }
    free(line);
    fclose(f);
}

static void compute_sample(size_t n_parties, size_t every)
{
    static struct sample s;
    struct party_result results[3];

    s = (struct sample){.n_parties = n_parties, .every = every};
    add_file(&s, "cases-own.jsonl");
    add_file(&s, "cases-reference-suite.jsonl");
    add_file(&s, "cases-reference-book.jsonl");
    add_file(&s, "cases-reference-examples.jsonl");
    CHECK(s.n > 0);
    parties_run(results, &s.setups[0]);
    for (size_t i = 0; i < n_parties; i++) {
        CHECK_OK(results[i].status, results[i].err);
        CHECK(memcmp(results[i].outputs, s.expect, s.n_bits) == 0);
    }
    printf("%zu cases among %zu parties\n", s.n, n_parties);
    parties_clear(results, n_parties);
    for (size_t i = 0; i < s.n; i++) {
        whist_circuit_free((struct whist_circuit *)(uintptr_t)s.setups[i].circuit);
        free((void *)(uintptr_t)s.setups[i].owners);
        free((void *)(uintptr_t)s.setups[i].inputs);
    }
    free(s.expect);
}

static void two_parties_compute_what_the_interpreter_says(void)
{
    compute_sample(2, test_scale(20) == 20 ? 1 : 20);
}

static void three_parties_compute_what_the_interpreter_says(void)
{
    compute_sample(3, test_scale(20) == 20 ? 1 : 20);
}

static const struct test_case cases[] = {
    {"two_parties_compute_what_the_interpreter_says",
     two_parties_compute_what_the_interpreter_says},
    {"three_parties_compute_what_the_interpreter_says",
     three_parties_compute_what_the_interpreter_says},
};
TEST_MAIN(cases)
