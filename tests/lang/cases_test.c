/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The collected cases in ../shared/garble, compiled, and computed by the interpreter, in segments
 * and by the circuit. AND gates are counted against the reference's. */
#include <whist/lang.h>

#include "cases.h"
#include "harness.h"
#include "lang/exec.h"
#include "lang/program.h"
#include "segments.h"

/* ---- Counting ---- */

struct class
{
    char name[64];
    size_t n, passed, advice, advice_agreed;
};

struct tally {
    struct class classes[64];
    size_t n_classes;
    size_t shown;                    /* failures printed */
    uint64_t n_ands, reference_ands; /* of distinct sources */
    size_t above;                    /* circuits with more than they may have */
};

/* The class of "own/arith/add_u8/0" is "own/arith". */
static struct class *class_of(struct tally *t, const char *name)
{
    const char *end = strchr(name, '/');
    const char *second = end != NULL ? strchr(end + 1, '/') : NULL;
    size_t len = second != NULL ? (size_t)(second - name)
                 : end != NULL  ? (size_t)(end - name)
                                : strlen(name);
    CHECK(len < sizeof t->classes[0].name);
    for (size_t i = 0; i < t->n_classes; i++) {
        if (strncmp(t->classes[i].name, name, len) == 0 && t->classes[i].name[len] == 0) {
            return &t->classes[i];
        }
    }
    CHECK(t->n_classes < 64);
    struct class *c = &t->classes[t->n_classes++];
    memcpy(c->name, name, len);
    return c;
}

/* ---- One case ---- */

struct outcome {
    char status[24];
    char kind[64]; /* of the first error */
    const char *reason;
    char *bits; /* owned */
    struct whist_buffer text;
    bool compiled;
    uint64_t n_ands;
    char why[400]; /* a defect of ours, whatever the status */
};

static void set_error(struct outcome *o, const struct whist_program *p,
                      const struct whist_error *err)
{
    snprintf(o->status, sizeof o->status, "error");
    snprintf(o->why, sizeof o->why, "%s: %.300s", whist_status_name(err->status), err->text);
    for (size_t i = 0; p != NULL && i < whist_program_n_diagnostics(p); i++) {
        struct whist_diagnostic d;
        whist_program_diagnostic(p, i, &d);
        if (d.severity == WHIST_SEVERITY_ERROR) {
            snprintf(o->status, sizeof o->status, "%s_error", d.stage);
            snprintf(o->kind, sizeof o->kind, "%s", d.kind);
            return;
        }
    }
}

static whist_status bind_case(struct whist_program *p, const json_t *c, struct whist_error *err)
{
    struct whist_program_const consts[CASE_CONSTS];
    size_t n = consts_of(c, consts);

    return whist_program_bind(p, text_of(c, "fn"), consts, n, WHIST_PANICS_SITE, err);
}

/* Reads the arguments one after the other and compares their bits with those of the case. */
static bool read_args(struct outcome *o, const struct whist_program *p, const json_t *c,
                      uint8_t *inputs)
{
    const json_t *args = json_object_get(c, "args"), *bits = json_object_get(c, "arg_bits");
    struct whist_error err = {0};

    if (json_array_size(args) != whist_program_n_params(p)) {
        snprintf(o->status, sizeof o->status, "literal_error");
        return false;
    }
    for (size_t i = 0; i < json_array_size(args); i++) {
        const struct whist_type *t = whist_program_param_type(p, i);
        const char *text = json_string_value(json_array_get(args, i));
        const char *want = json_string_value(json_array_get(bits, i));
        size_t n = (size_t)whist_type_bits(t);
        if (whist_program_read(p, inputs, t, whist_bytes(text, strlen(text)), WHIST_VALUE_LITERAL,
                               &err) != WHIST_OK) {
            snprintf(o->status, sizeof o->status, "literal_error");
            snprintf(o->kind, sizeof o->kind, "%.60s", err.text);
            return false;
        }
        for (size_t k = 0; want != NULL && k < n; k++) {
            if (strlen(want) != n || inputs[k] != want[k] - '0') {
                snprintf(o->why, sizeof o->why, "argument %zu has other bits", i);
            }
        }
        inputs += n;
    }
    return true;
}

/* The same outputs when the program comes in many small segments? */
static void eval_in_segments(struct outcome *o, const struct whist_program *p, const uint8_t *in,
                             const uint8_t *want, size_t n_out)
{
    struct segments s = {.sink = {take_segment}, .run = {.inputs = in}};
    const struct exec_options options = {
        .panics = WORD_PANICS_SITE, .sink = &s.sink, .segment_nodes = 16};
    struct word_program last;
    struct whist_error err = {0};
    uint8_t *out = calloc(n_out + 1, 1);

    CHECK(out != NULL);
    CHECK_OK(exec_program(&last, &p->layout, p->entry, &options, &err), err);
    CHECK(interp_segment(&s.run, &last) == WHIST_OK);
    CHECK(word_output_bits(&last) == n_out);
    interp_outputs(&s.run, &last, out);
    if (memcmp(out, want, n_out) != 0) {
        snprintf(o->why, sizeof o->why, "segments give other outputs");
    }
    word_clear(&last);
    interp_clear(&s.run);
    free(out);
}

static void eval_circuit(struct outcome *o, const struct whist_program *p, const uint8_t *in,
                         const uint8_t *want, size_t n_out)
{
    struct whist_circuit *c;
    struct whist_circuit_info info;
    struct whist_error err = {0};
    uint8_t *out = calloc(n_out + 1, 1);

    CHECK(out != NULL);
    CHECK_OK(whist_program_circuit(p, &c, &err), err);
    CHECK_OK(whist_circuit_info(c, &info, &err), err);
    CHECK_OK(whist_circuit_eval(c, out, in, &err), err);
    o->compiled = true;
    o->n_ands = info.n_and;
    if (memcmp(out, want, n_out) != 0) {
        snprintf(o->why, sizeof o->why, "the circuit gives other outputs");
    }
    whist_circuit_free(c);
    free(out);
}

static void eval_case(struct outcome *o, const struct whist_program *p, const json_t *c)
{
    struct whist_error err = {0};
    struct whist_outcome end;
    size_t n_in = 0, n_out = whist_program_output_bits(p);
    size_t n_result = (size_t)whist_type_bits(whist_program_output_type(p));

    for (size_t i = 0; i < whist_program_n_params(p); i++) {
        n_in += (size_t)whist_type_bits(whist_program_param_type(p, i));
    }
    uint8_t *in = calloc(n_in + 1, 1), *out = calloc(n_out + 1, 1);
    CHECK(in != NULL && out != NULL);
    if (read_args(o, p, c, in)) {
        CHECK_OK(whist_program_eval(p, out, in, &err), err);
        eval_in_segments(o, p, in, out, n_out);
        eval_circuit(o, p, in, out, n_out);
        CHECK_OK(whist_program_outcome(p, out, &end, &err), err);
        snprintf(o->status, sizeof o->status, end.reason == WHIST_PANIC_NONE ? "ok" : "panic");
        o->reason = whist_panic_reason_name(end.reason);
        o->bits = calloc(n_result + 1, 1);
        CHECK(o->bits != NULL);
        for (size_t k = 0; k < n_result; k++) {
            o->bits[k] = (char)('0' + out[k]);
            if (end.reason != WHIST_PANIC_NONE && out[k] != 0) {
                snprintf(o->why, sizeof o->why, "result is not 0 after a panic");
            }
        }
        if (end.reason == WHIST_PANIC_NONE) {
            CHECK_OK(whist_program_write(p, &o->text, whist_program_output_type(p), out,
                                         WHIST_VALUE_LITERAL, &err),
                     err);
        }
    }
    free(in);
    free(out);
}

static void run_case(struct outcome *o, const json_t *c)
{
    const char *source = text_of(c, "source");
    struct whist_program *p = NULL;
    struct whist_error err = {0};

    whist_status st = whist_program_new(&p, whist_bytes(source, strlen(source)), NULL, &err);
    if (st == WHIST_OK) {
        st = bind_case(p, c, &err);
    }
    if (st != WHIST_OK) {
        set_error(o, p, &err);
    } else if (json_is_null(json_object_get(c, "args"))) {
        snprintf(o->status, sizeof o->status, "compiles");
    } else {
        eval_case(o, p, c);
    }
    whist_program_free(p);
}

/* ---- Comparing ---- */

static bool agrees(struct outcome *o, const json_t *c)
{
    const json_t *e = json_object_get(c, "expect");
    const char *bits = json_string_value(json_object_get(e, "out_bits"));

    if (o->why[0] != 0 && strstr(text_of(e, "status"), "_error") == NULL) {
        return false;
    }
    if (strcmp(o->status, text_of(e, "status")) != 0) {
        return false;
    }
    if (strcmp(o->status, "panic") == 0) {
        return strcmp(o->reason, text_of(e, "reason")) == 0;
    }
    if (strcmp(o->status, "ok") != 0) {
        return true;
    }
    size_t n = strlen(text_of(e, "out"));
    return (bits == NULL || strcmp(o->bits, bits) == 0) && o->text.len == n &&
           memcmp(o->text.data, text_of(e, "out"), n) == 0;
}

static void show(struct tally *t, const struct outcome *o, const json_t *c, bool binding)
{
    const json_t *e = json_object_get(c, "expect");

    if (getenv("WHIST_CASES_VERBOSE") == NULL && (t->shown >= 40 || !binding)) {
        return;
    }
    t->shown++;
    printf("%s %s: want %s %s %s, have %s %s %s %.*s; %s\n", binding ? "FAIL" : "advice",
           text_of(c, "name"), text_of(e, "status"), text_of(e, "reason"), text_of(e, "out"),
           o->status, o->kind, o->reason != NULL ? o->reason : "", (int)o->text.len,
           o->text.data != NULL ? (const char *)o->text.data : "", o->why);
}

/* Masks of the result included, at most one AND a bit above the reference. */
static void count_ands(struct tally *t, const struct outcome *o, const json_t *c)
{
    static char last[1 << 16]; /* source of the case before: cases of one source are neighbours */
    const json_t *ands = json_object_get(c, "reference_and_gates");
    uint64_t reference = (uint64_t)json_integer_value(ands);
    uint64_t bits = (uint64_t)json_integer_value(json_object_get(c, "output_bits"));
    char key[sizeof last];

    /* Where the reference is wrong, it counts another program. */
    if (!o->compiled || ands == NULL || json_object_get(c, "reference_differs") != NULL ||
        strcmp(text_of(c, "binding"), "yes") != 0) {
        return;
    }
    char *consts = json_dumps(json_object_get(c, "consts"), JSON_SORT_KEYS);
    snprintf(key, sizeof key, "%s|%s|%s", text_of(c, "source"), text_of(c, "fn"), consts);
    free(consts);
    if (strcmp(key, last) == 0) {
        return;
    }
    memcpy(last, key, sizeof last);
    t->n_ands += o->n_ands;
    t->reference_ands += reference;
    if (o->n_ands > reference + bits) {
        t->above++;
        printf("ANDS %s: %llu, the reference has %llu and %llu output bits\n", text_of(c, "name"),
               (unsigned long long)o->n_ands, (unsigned long long)reference,
               (unsigned long long)bits);
    }
}

static void judge(struct tally *t, const json_t *c)
{
    struct outcome o = {0};
    struct class *class = class_of(t, text_of(c, "name"));
    bool binding = strcmp(text_of(c, "binding"), "yes") == 0;

    run_case(&o, c);
    bool ok = agrees(&o, c);
    count_ands(t, &o, c);
    if (binding) {
        class->n++;
        class->passed += ok;
    } else {
        class->advice++;
        class->advice_agreed += ok;
    }
    if (!ok) {
        show(t, &o, c, binding);
    }
    free(o.bits);
    whist_buffer_clear(&o.text);
}

static void run_file(struct tally *t, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/garble/%s", WHIST_SHARED_DIR, name);
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;

    if (f == NULL) {
        SKIP("%s is not there", path);
    }
    while (getline(&line, &cap, f) > 0) {
        json_t *c = json_loads(line, 0, NULL);
        const char *only = getenv("WHIST_CASES_ONLY");
        CHECK(c != NULL);
        if (only == NULL || strncmp(text_of(c, "name"), only, strlen(only)) == 0) {
            judge(t, c);
        }
        json_decref(c);
    }
    free(line);
    fclose(f);
}

static void check_file(const char *name)
{
    static struct tally t;
    bool all = true;

    run_file(&t, name);
    for (size_t i = 0; i < t.n_classes; i++) {
        const struct class *c = &t.classes[i];
        printf("%-32s %4zu of %4zu binding, %3zu of %3zu advice\n", c->name, c->passed, c->n,
               c->advice_agreed, c->advice);
        all = all && c->passed == c->n;
    }
    printf("ANDs %llu, reference %llu, %.1f %%\n", (unsigned long long)t.n_ands,
           (unsigned long long)t.reference_ands,
           100.0 * (double)t.n_ands / (double)t.reference_ands);
    fflush(stdout);
    CHECK(all && t.above == 0 && t.n_ands * 100 <= t.reference_ands * 80);
}

static void own_cases_hold(void)
{
    check_file("cases-own.jsonl");
}

static void suite_cases_hold(void)
{
    check_file("cases-reference-suite.jsonl");
}

static void book_cases_hold(void)
{
    check_file("cases-reference-book.jsonl");
}

static void example_cases_hold(void)
{
    check_file("cases-reference-examples.jsonl");
}

/* ---- Our own ---- */

/* Probes of the whole language, worked out by hand from its description. */
static bool probe_agrees(struct outcome *o, const json_t *c)
{
    const json_t *e = json_object_get(c, "expect");
    const char *kind = json_string_value(json_array_get(json_object_get(e, "errors"), 0));

    if (kind != NULL) {
        return strstr(o->status, "error") != NULL && strcmp(o->kind, kind) == 0;
    }
    return agrees(o, c);
}

static void probes_hold(void)
{
    FILE *f = fopen(WHIST_SOURCE_DIR "/tests/lang/cases/probes.jsonl", "r");
    char *line = NULL;
    size_t cap = 0, n = 0, bad = 0;

    CHECK(f != NULL);
    for (; getline(&line, &cap, f) > 0; n++) {
        struct outcome o = {0};
        json_t *c = json_loads(line, 0, NULL);
        CHECK(c != NULL);
        run_case(&o, c);
        if (!probe_agrees(&o, c)) {
            bad++;
            printf("%s have %s %s %s %.*s; %s\n", line, o.status, o.kind,
                   o.reason != NULL ? o.reason : "", (int)o.text.len,
                   o.text.data != NULL ? (const char *)o.text.data : "", o.why);
        }
        free(o.bits);
        whist_buffer_clear(&o.text);
        json_decref(c);
    }
    free(line);
    fclose(f);
    CHECK(n > 300 && bad == 0);
}

static const struct test_case cases[] = {
    {"own_cases_hold", own_cases_hold},   {"suite_cases_hold", suite_cases_hold},
    {"book_cases_hold", book_cases_hold}, {"example_cases_hold", example_cases_hold},
    {"probes_hold", probes_hold},
};
TEST_MAIN(cases)
