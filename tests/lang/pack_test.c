/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Programs as packed circuits: what the file says of the program is enough to run it. */
#include <sys/resource.h>
#include <whist/lang.h>

#include "cases.h"
#include "core/core.h"
#include "harness.h"
#include "lang/program.h"
#include "parties.h"

/* ---- Support ---- */

static struct whist_program *bind(const char *source, const char *fn, whist_panics panics,
                                  const struct whist_program_const *consts, size_t n)
{
    const struct whist_program_options options = {.file = "some file.garble.rs"};
    struct whist_program *p = NULL;
    struct whist_error err;

    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), &options, &err), err);
    CHECK_OK(whist_program_bind(p, fn, consts, n, panics, &err), err);
    return p;
}

static whist_status append(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    (void)err;
    return whist_buffer_append(ctx, bytes.data, bytes.len);
}

static struct whist_buffer pack(const struct whist_program *p)
{
    struct whist_buffer file = {0};
    const struct whist_sink sink = {append, &file};
    struct whist_error err;

    CHECK_OK(whist_program_pack(p, &sink, &err), err);
    return file;
}

static struct whist_packed_file in_memory(const struct whist_buffer *file)
{
    return (struct whist_packed_file){.bytes = whist_buffer_view(file)};
}

/* The source of a packed program, and the program that its description gives. */
static struct whist_gate_source *unpack(const struct whist_buffer *file,
                                        struct whist_program **described_out)
{
    const struct whist_packed_file packed = in_memory(file);
    struct whist_buffer description = {0};
    struct whist_gate_source *src;
    struct whist_error err;

    CHECK_OK(whist_packed_source_new(&src, &description, &packed, &err), err);
    CHECK_OK(whist_program_from_description(described_out, whist_buffer_view(&description), &err),
             err);
    whist_buffer_clear(&description);
    return src;
}

static struct whist_buffer write_value(const struct whist_program *p, const struct whist_type *t,
                                       const uint8_t *bits)
{
    struct whist_buffer text = {0};
    struct whist_error err;

    CHECK_OK(whist_program_write(p, &text, t, bits, WHIST_VALUE_LITERAL, &err), err);
    return text;
}

static void check_same_text(struct whist_buffer x, struct whist_buffer y)
{
    CHECK_MSG(x.len == y.len && memcmp(x.data, y.data, x.len) == 0, "%.*s is not %.*s", (int)x.len,
              (const char *)x.data, (int)y.len, (const char *)y.data);
    whist_buffer_clear(&x);
    whist_buffer_clear(&y);
}

static bool same_name(struct whist_bytes x, struct whist_bytes y)
{
    return x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
}

/* Parties, their names and types, and sites are the same. */
static void check_same_shape(const struct whist_program *p, const struct whist_program *q)
{
    struct whist_outcome x, y;
    size_t n = p->panics == WHIST_PANICS_SITE ? whist_program_n_sites(p) : 0;

    CHECK(whist_program_n_parties(p) == whist_program_n_parties(q));
    CHECK(whist_program_n_params(p) == whist_program_n_params(q));
    for (size_t k = 0; k < whist_program_n_parties(p); k++) {
        CHECK(same_name(whist_program_input_name(p, k), whist_program_input_name(q, k)));
        CHECK(whist_type_bits(whist_program_input_type(p, k)) ==
              whist_type_bits(whist_program_input_type(q, k)));
    }
    CHECK(whist_program_output_bits(p) == whist_program_output_bits(q));
    CHECK(whist_program_n_sites(q) == n);
    for (size_t k = 0; k < n; k++) {
        whist_program_site(p, k, &x);
        whist_program_site(q, k, &y);
        CHECK(x.reason == y.reason && y.site == k && x.place.line == y.place.line &&
              x.place.column == y.place.column);
    }
    CHECK(strcmp(whist_program_file(p), whist_program_file(q)) == 0);
}

/* What comes out of the source is told by the described program as by the program itself. */
static void check_run(const struct whist_program *p, const struct whist_program *q,
                      struct whist_gate_source *src, const uint8_t *inputs)
{
    size_t n = whist_program_output_bits(p) + 1;
    uint8_t *out[2] = {calloc(1, n), calloc(1, n)};
    struct whist_outcome end[2];
    struct whist_error err;

    CHECK(out[0] != NULL && out[1] != NULL);
    CHECK_OK(whist_program_eval(p, out[0], inputs, &err), err);
    CHECK_OK(whist_source_eval(src, out[1], inputs, &err), err);
    CHECK(memcmp(out[0], out[1], n - 1) == 0);
    CHECK_OK(whist_program_outcome(p, out[0], &end[0], &err), err);
    CHECK_OK(whist_program_outcome(q, out[1], &end[1], &err), err);
    CHECK(end[0].reason == end[1].reason && end[0].site == end[1].site);
    CHECK(end[0].place.line == end[1].place.line && end[0].place.column == end[1].place.column);
    if (end[0].reason == WHIST_PANIC_NONE) {
        check_same_text(write_value(p, whist_program_output_type(p), out[0]),
                        write_value(q, whist_program_output_type(q), out[1]));
    }
    free(out[0]);
    free(out[1]);
}

/* ---- All cases ---- */

enum { MAX_BITS = 1 << 16 };

static struct whist_program *program_of(const json_t *c)
{
    struct whist_program_const consts[CASE_CONSTS];
    size_t n = consts_of(c, consts);

    return bind(text_of(c, "source"), text_of(c, "fn"), WHIST_PANICS_SITE, consts, n);
}

/* Reads the arguments with the types of the described program: the bits are those of the case. */
static uint8_t *read_args(const json_t *c, const struct whist_program *q)
{
    uint8_t *bits = calloc(1, MAX_BITS);
    size_t i, n = 0;
    json_t *arg;
    struct whist_error err;

    CHECK(bits != NULL);
    json_array_foreach(json_object_get(c, "args"), i, arg)
    {
        const struct whist_type *t = whist_program_param_type(q, i);
        const char *text = json_string_value(arg);
        const char *expected = json_string_value(json_array_get(json_object_get(c, "arg_bits"), i));
        CHECK(n + whist_type_bits(t) <= MAX_BITS && strlen(expected) == whist_type_bits(t));
        CHECK_OK(whist_program_read(q, bits + n, t, whist_bytes(text, strlen(text)),
                                    WHIST_VALUE_LITERAL, &err),
                 err);
        for (; *expected != 0; expected++) {
            CHECK(bits[n++] == (*expected == '1'));
        }
    }
    return bits;
}

static bool runs(const json_t *c)
{
    const char *status = text_of(json_object_get(c, "expect"), "status");

    return (strcmp(status, "ok") == 0 || strcmp(status, "panic") == 0) &&
           strcmp(text_of(c, "binding"), "yes") == 0 && json_is_array(json_object_get(c, "args")) &&
           json_array_size(json_object_get(c, "args")) != 0 &&
           json_array_size(json_object_get(c, "args")) ==
               json_array_size(json_object_get(c, "arg_bits"));
}

static size_t check_file(const char *name, size_t every, size_t *n_seen)
{
    char path[512], *line = NULL;
    size_t cap = 0, n = 0;

    snprintf(path, sizeof path, "%s/garble/%s", WHIST_SHARED_DIR, name);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        SKIP("%s is not there", path);
    }
    while (getline(&line, &cap, f) > 0) {
        json_t *c = json_loads(line, 0, NULL);
        if (runs(c) && (*n_seen)++ % every == 0) {
            struct whist_program *p = program_of(c), *q;
            struct whist_buffer file = pack(p);
            struct whist_gate_source *src = unpack(&file, &q);
            check_same_shape(p, q);
            uint8_t *inputs = read_args(c, q);
            check_run(p, q, src, inputs);
            free(inputs);
            whist_gate_source_free(src);
            whist_buffer_clear(&file);
            whist_program_free(p);
            whist_program_free(q);
            n++;
        }
        json_decref(c);
    }
    free(line);
    fclose(f);
    return n;
}

/* Packed, each case has its types, its result and its panics still. */
static void packed_cases_run_as_their_programs(void)
{
    size_t every = test_scale(20) == 20 ? 3 : 30, n_seen = 0, n = 0;

    n += check_file("cases-own.jsonl", every, &n_seen);
    n += check_file("cases-reference-suite.jsonl", every, &n_seen);
    n += check_file("cases-reference-book.jsonl", every, &n_seen);
    n += check_file("cases-reference-examples.jsonl", every, &n_seen);
    CHECK(n >= 30);
    printf("%zu cases\n", n);
}

/* ---- Programs of many parts ---- */

static const char every_type[] =
    "enum Unit { Only }\n"
    "enum Shape { Dot, Line(u8, Unit), Box(Rest, [(i8, bool); 2]) }\n"
    "struct Rest { x: Far }\n"
    "struct Far { x: bool }\n"
    "struct zero0 { x: (), y: (u16,), shape: Shape }\n"
    "const N: usize = PARTY_0::N;\n"
    "pub fn zero(a: [zero0; N], b: (i64, usize), c: [u8; 0]) -> (zero0, [(); 3], i64) {\n"
    "    (a[b.1], [(); 3], b.0 + 1i64)\n"
    "}\n";

static void every_type_is_described(void)
{
    const struct whist_program_const n = {"PARTY_0", "N", "3"};

    for (int panics = WHIST_PANICS_SITE; panics <= WHIST_PANICS_OFF; panics++) {
        struct whist_program *p = bind(every_type, "zero", (whist_panics)panics, &n, 1), *q;
        struct whist_buffer file = pack(p);
        struct whist_gate_source *src = unpack(&file, &q);
        const struct whist_type *t = whist_program_param_type(q, 0);
        const char *text = "[zero0 {x: (), y: (7), shape: Shape::Line(3, Unit::Only)}, "
                           "zero0 {x: (), y: (8), shape: Shape::Dot}, "
                           "zero0 {x: (), y: (9), shape: Shape::Box(Rest {x: Far {x: true}}, [(-1, "
                           "true), (1, false)])}]";
        uint8_t in[1000] = {0};
        struct whist_error err;
        check_same_shape(p, q);
        CHECK_OK(
            whist_program_read(q, in, t, whist_bytes(text, strlen(text)), WHIST_VALUE_STRICT, &err),
            err);
        for (int index = 0; index < 4; index++) {
            in[whist_type_bits(t) + 64 + 31] = index & 1;
            in[whist_type_bits(t) + 64 + 30] = index >> 1 & 1;
            if (panics != WHIST_PANICS_OFF || index < 3) {
                check_run(p, q, src, in);
            }
        }
        whist_gate_source_free(src);
        whist_buffer_clear(&file);
        whist_program_free(p);
        whist_program_free(q);
    }
}

/* A program of one segment is the same circuit, packed or not. */
static void packed_programs_are_the_same_circuit(void)
{
    const char *source = "pub fn main(a: u32, b: u32) -> (u32, bool) { (a / b, !(a < b)) }";
    struct whist_program *p = bind(source, "main", WHIST_PANICS_SITE, NULL, 0);
    struct whist_buffer file = pack(p), again = pack(p);
    const struct whist_packed_file packed = in_memory(&file);
    struct whist_circuit *c, *d;
    struct whist_error err;
    size_t n;

    CHECK(file.len == again.len && memcmp(file.data, again.data, file.len) == 0);
    CHECK_OK(whist_program_circuit(p, &c, &err), err);
    CHECK_OK(whist_packed_read(&d, NULL, &packed, &err), err);
    n = whist_circuit_n_gates(c);
    CHECK(n == whist_circuit_n_gates(d));
    for (size_t k = 0; k < n; k++) {
        struct whist_gate x = whist_circuit_gate(c, k), y = whist_circuit_gate(d, k);
        CHECK(x.op == y.op && x.a == y.a && x.b == y.b && x.out == y.out);
    }
    whist_circuit_free(c);
    whist_circuit_free(d);
    whist_buffer_clear(&file);
    whist_buffer_clear(&again);
    whist_program_free(p);
}

/* ---- As a computation ---- */

static whist_status source_of(void *ctx, struct whist_gate_source **source_out,
                              struct whist_error *err)
{
    const struct whist_packed_file packed = in_memory(ctx);
    return whist_packed_source_new(source_out, NULL, &packed, err);
}

/* A program of several segments, streamed into a file and from there into the engine. */
static void packed_programs_are_computed(void)
{
    const char *source = "pub fn main(a: [u8; 60], b: u8) -> u8 {\n"
                         "    let mut s = b;\n"
                         "    for round in 0u16..1000u16 {\n"
                         "        for x in a {\n"
                         "            s = (s << 1u8) ^ x ^ (s >> 7u8);\n"
                         "        }\n"
                         "        s = s + (round as u8 & 1u8);\n"
                         "    }\n"
                         "    s\n"
                         "}\n";
    struct whist_program *p = bind(source, "main", WHIST_PANICS_SITE, NULL, 0), *q;
    struct whist_buffer file = pack(p);
    struct whist_gate_source *src = unpack(&file, &q);
    const uint8_t owners[2] = {0, 1};
    uint8_t inputs[61 * 8], *expected = calloc(1, whist_program_output_bits(p));
    struct party_result results[2];
    struct whist_error err;
    uint64_t state = 1;

    CHECK(p->n_segments > 1 && expected != NULL);
    for (size_t i = 0; i < sizeof inputs; i++) {
        inputs[i] = splitmix64(&state) & 1;
    }
    check_run(p, q, src, inputs);
    const struct party_setup setup = {
        .n = 2, .make_source = source_of, .source_ctx = &file, .owners = owners, .inputs = inputs};
    CHECK_OK(whist_program_eval(p, expected, inputs, &err), err);
    parties_run(results, &setup);
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(results[i].status, results[i].err);
        CHECK(memcmp(results[i].outputs, expected, whist_program_output_bits(p)) == 0);
    }
    parties_clear(results, 2);
    free(expected);
    whist_gate_source_free(src);
    whist_buffer_clear(&file);
    whist_program_free(p);
    whist_program_free(q);
}

/* ---- Memory ---- */

static const char join[] =
    "pub fn main(a: [([u8; 20], u32); 1000], b: [([u8; 20], u32); 1000]) -> (u32, u64) {\n"
    "    let mut n = 0u32;\n"
    "    let mut s = 0u64;\n"
    "    for ((_, x), (_, y)) in join_iter(a, b) {\n"
    "        n += 1;\n"
    "        s += x as u64 + y as u64;\n"
    "    }\n"
    "    (n, s)\n"
    "}\n";

static whist_status count(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    (void)err;
    *(uint64_t *)ctx += bytes.len;
    return WHIST_OK;
}

static void check_memory(const char *what)
{
    struct rusage usage;

    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    printf("%s: %ld MB\n", what, usage.ru_maxrss / 1024);
    CHECK(usage.ru_maxrss < 300L * 1024);
}

/* 14.6 million gates, packed, as a stored circuit and as a Bristol file, in less than 300 MB. */
static void a_join_of_large_tables_fits(void)
{
    struct whist_circuit *c;
    struct whist_error err;
    uint64_t n_bytes = 0;
    const struct whist_sink sink = {count, &n_bytes};

    if (test_scale(10) != 10) {
        SKIP("sanitizers need memory of their own");
    }
    struct whist_program *p = bind(join, "main", WHIST_PANICS_SITE, NULL, 0);
    CHECK_OK(whist_program_pack(p, &sink, &err), err);
    CHECK(n_bytes > 1 << 24);
    check_memory("packed");
    CHECK_OK(whist_program_circuit(p, &c, &err), err);
    CHECK(whist_circuit_n_gates(c) * 6 > n_bytes); /* some five bytes a gate */
    check_memory("stored");
    CHECK_OK(whist_bristol_stream(&sink, c, false, &err), err);
    check_memory("Bristol");
    whist_circuit_free(c);
    whist_program_free(p);
}

/* ---- What goes wrong ---- */

static const char good[] = "whist program 1\n"
                           "file f\n"
                           "sites 2\n"
                           "Overflow 1 2\n"
                           "OutOfBounds 30 4\n"
                           "// whist: panics = site\n"
                           "pub fn main(a: u8) -> u8 {\n"
                           "    0u8\n"
                           "}\n";

static whist_status read_text(const char *text, size_t len, struct whist_error *err)
{
    struct whist_program *p = NULL;
    char *copy = malloc(len + 1);

    CHECK(copy != NULL);
    memcpy(copy, text, len);
    char *exact = realloc(copy, len + (len == 0));
    CHECK(exact != NULL);
    whist_status st = whist_program_from_description(&p, whist_bytes(exact, len), err);
    CHECK((st == WHIST_OK) == (p != NULL));
    whist_program_free(p);
    free(exact);
    return st;
}

/* Puts `with` in the place of `what`. */
static void check_refused(const char *what, const char *with, const char *said)
{
    char text[1000];
    const char *at = strstr(good, what);
    struct whist_error err;

    CHECK(at != NULL);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, with, at + strlen(what));
    CHECK_MSG(read_text(text, strlen(text), &err) == WHIST_ERR_FORMAT, "%s", text);
    CHECK_MSG(strstr(err.text, said) != NULL, "%s", err.text);
}

static void descriptions_that_are_none(void)
{
    struct whist_error err;

    CHECK_OK(read_text(good, strlen(good), &err), err);
    for (size_t len = 0; len + 2 < strlen(good); len++) {
        CHECK(read_text(good, len, &err) == WHIST_ERR_FORMAT);
    }
    check_refused("program 1", "program 2", "line 1");
    check_refused("file f", "name f", "line 2");
    check_refused("sites 2", "sites 4294967295", "more sites");
    check_refused("sites 2", "sites 4294967296", "line 3");
    check_refused("sites 2", "sites -1", "line 3");
    check_refused("sites 2", "sites 3", "line 6");
    check_refused("Overflow", "Unknown", "line 4");
    check_refused("1 2", "1", "line 4");
    check_refused("1 2", "1 2 3", "line 4");
    check_refused("1 2", "x 2", "line 4");
    check_refused("pub fn", "fn", "never used");
    check_refused("pub fn", "pub fn f(x: u8) -> u8 { x } pub fn", "one pub function");
    check_refused("0u8", "a + 1u8", "cannot panic");
    check_refused("0u8", "0u16", "f:");
    check_refused("= site", "= sight", "panics = site");
}

static whist_status full(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    (void)ctx;
    (void)bytes;
    return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "the disk is full");
}

/* The sink's own words come through. */
static void errors_of_the_sink_are_told(void)
{
    const char *source = "pub fn main(a: [u64; 99]) -> u64 { a[a[0] as usize] * a[1] * a[2] }";
    struct whist_program *p = bind(source, "main", WHIST_PANICS_SITE, NULL, 0);
    const struct whist_sink sink = {full, NULL};
    struct whist_error err;

    CHECK(whist_program_pack(p, &sink, &err) == WHIST_ERR_IO);
    CHECK_MSG(strcmp(err.text, "the disk is full") == 0, "%s", err.text);
    CHECK(whist_program_pack(p, &sink, NULL) == WHIST_ERR_IO);
    whist_program_free(p);
}

static void without_memory(void)
{
    struct whist_program *p = bind("struct S { x: [bool; 2] }\n"
                                   "pub fn main(a: S, b: i8) -> (S, i8) { (a, 7i8 / b) }",
                                   "main", WHIST_PANICS_SITE, NULL, 0);
    whist_status st = WHIST_ERR_NOMEM;

    for (long fail = 0; st != WHIST_OK; fail++) {
        struct whist_buffer file = {0}, text = {0};
        const struct whist_sink sink = {append, &file};
        struct whist_program *q = NULL;
        CHECK(fail < 2000);
        whist_alloc_fail_after(fail);
        whist_status packed = whist_program_pack(p, &sink, NULL);
        whist_alloc_fail_after(fail);
        whist_status described = whist_program_describe(p, &text, NULL);
        whist_status read = described == WHIST_OK
                                ? whist_program_from_description(&q, whist_buffer_view(&text), NULL)
                                : described;
        whist_alloc_fail_after(-1);
        CHECK(packed == WHIST_OK || packed == WHIST_ERR_NOMEM);
        CHECK(read == WHIST_OK || read == WHIST_ERR_NOMEM);
        st = packed == WHIST_OK ? read : packed;
        whist_buffer_clear(&file);
        whist_buffer_clear(&text);
        whist_program_free(q);
    }
    whist_program_free(p);
}

static const struct test_case cases[] = {
    {"packed_cases_run_as_their_programs", packed_cases_run_as_their_programs},
    {"every_type_is_described", every_type_is_described},
    {"packed_programs_are_the_same_circuit", packed_programs_are_the_same_circuit},
    {"packed_programs_are_computed", packed_programs_are_computed},
    {"a_join_of_large_tables_fits", a_join_of_large_tables_fits},
    {"descriptions_that_are_none", descriptions_that_are_none},
    {"errors_of_the_sink_are_told", errors_of_the_sink_are_told},
    {"without_memory", without_memory},
};
TEST_MAIN(cases)
