/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The public calls: policies of panics, parties, types, limits, cancelling, failing allocations. */
#include <whist/lang.h>

#include "harness.h"
#include "lang/exec.h"
#include "lang/program.h"

static struct whist_program *program_of(const char *source)
{
    struct whist_program *p;
    struct whist_error err = {0};
    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), NULL, &err), err);
    return p;
}

static struct whist_program *bound(const char *source, whist_panics panics)
{
    struct whist_program *p = program_of(source);
    struct whist_error err = {0};
    CHECK_OK(whist_program_bind(p, NULL, NULL, 0, panics, &err), err);
    return p;
}

/* Reads the arguments (one for each party), runs, gives the output bits as text. */
static const char *run(const struct whist_program *p, const char *const *args)
{
    static char text[1024];
    static uint8_t in[1024], out[1024];
    struct whist_error err = {0};
    size_t at = 0, n = whist_program_output_bits(p);

    for (size_t i = 0; i < whist_program_n_parties(p); i++) {
        const struct whist_type *t = whist_program_input_type(p, i);
        CHECK_OK(whist_program_read(p, in + at, t, whist_bytes(args[i], strlen(args[i])),
                                    WHIST_VALUE_STRICT, &err),
                 err);
        at += (size_t)whist_type_bits(t);
    }
    CHECK(n < sizeof out && at < sizeof in);
    CHECK_OK(whist_program_eval(p, out, in, &err), err);
    for (size_t k = 0; k < n; k++) {
        text[k] = (char)('0' + out[k]);
    }
    text[n] = 0;
    return text;
}

static struct whist_outcome outcome_of(const struct whist_program *p, const char *bits)
{
    uint8_t out[1024];
    struct whist_outcome o;
    struct whist_error err = {0};
    for (size_t k = 0; bits[k] != 0; k++) {
        out[k] = bits[k] == '1';
    }
    CHECK_OK(whist_program_outcome(p, out, &o, &err), err);
    return o;
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__})

static void policies_decide_what_is_told(void)
{
    static const char source[] = "pub fn main(x: u8, y: u8) -> u8 {\n    let s = x + y;\n"
                                 "    s / (x - y)\n}\n";

    struct whist_program *p = bound(source, WHIST_PANICS_SITE);
    CHECK(whist_program_n_sites(p) == 3 && whist_program_output_bits(p) == 8 + 1 + 2);
    CHECK(strcmp(run(p, ARGS("9", "6")), "00000101000") == 0);
    struct whist_outcome o = outcome_of(p, run(p, ARGS("200", "100")));
    CHECK(o.reason == WHIST_PANIC_OVERFLOW && o.place.line == 2 && o.place.column == 13);
    o = outcome_of(p, run(p, ARGS("5", "5")));
    CHECK(o.reason == WHIST_PANIC_DIV_BY_ZERO && o.place.line == 3 && o.place.column == 5);
    o = outcome_of(p, run(p, ARGS("100", "200"))); /* the sum comes first */
    CHECK(o.reason == WHIST_PANIC_OVERFLOW && o.place.line == 2);
    o = outcome_of(p, run(p, ARGS("1", "2")));
    CHECK(o.reason == WHIST_PANIC_OVERFLOW && o.place.line == 3 && o.place.column == 9);
    CHECK(strncmp(run(p, ARGS("1", "2")), "000000001", 9) == 0);
    whist_program_free(p);

    p = bound(source, WHIST_PANICS_FLAG);
    CHECK(strcmp(run(p, ARGS("9", "6")), "000001010") == 0);
    CHECK(strcmp(run(p, ARGS("1", "2")), "000000001") == 0);
    CHECK(outcome_of(p, run(p, ARGS("1", "2"))).reason == WHIST_PANIC_UNKNOWN);
    whist_program_free(p);

    p = bound(source, WHIST_PANICS_OFF);
    CHECK(whist_program_n_sites(p) == 0 && whist_program_output_bits(p) == 8);
    CHECK(strcmp(run(p, ARGS("200", "100")), "00000000") == 0); /* 44 / 100 */
    CHECK(outcome_of(p, run(p, ARGS("200", "100"))).reason == WHIST_PANIC_NONE);
    whist_program_free(p);
}

/* Nothing but the result tells which way a secret condition went. */
static void branches_leave_no_trace(void)
{
    struct whist_program *p = bound("pub fn main(c: bool, x: u8) -> u8 {\n"
                                    "    let r = if c { x + 1 } else { x - 1 };\n"
                                    "    let s = c && (x * 2 > 10);\n"
                                    "    let a = [1u8, 2u8];\n"
                                    "    let t = if c { a[x as usize % 2usize] } else { x / x };\n"
                                    "    x\n}\n",
                                    WHIST_PANICS_SITE);
    char first[1024];

    CHECK(whist_program_n_sites(p) > 3);
    snprintf(first, sizeof first, "%s", run(p, ARGS("true", "7")));
    CHECK(strcmp(run(p, ARGS("false", "7")), first) == 0);
    CHECK(outcome_of(p, first).reason == WHIST_PANIC_NONE);
    CHECK(outcome_of(p, run(p, ARGS("false", "0"))).reason == WHIST_PANIC_OVERFLOW);
    CHECK(outcome_of(p, run(p, ARGS("true", "0"))).reason == WHIST_PANIC_NONE);
    whist_program_free(p);
}

/* Reasons and lines of the first panic, in the order of evaluation. */
static void first_panic_in_program_order_wins(void)
{
    static const struct {
        const char *body;
        whist_panic_reason reason;
    } all[] = {
        {"x / (x - x) + (x + 255)", WHIST_PANIC_DIV_BY_ZERO},
        {"(x + 255) + x / (x - x)", WHIST_PANIC_OVERFLOW},
        {"{ let mut a = [x; 3]; a[x as usize + 7usize] = x / 0; a[0] }", WHIST_PANIC_DIV_BY_ZERO},
        {"{ let mut a = [x; 3]; a[x as usize + 7usize] += x / 0; a[0] }",
         WHIST_PANIC_OUT_OF_BOUNDS},
        {"[x, x / 0, x + 255][x as usize + 9usize]", WHIST_PANIC_DIV_BY_ZERO},
        {"if x > 0 { x + 255 } else { x / 0 }", WHIST_PANIC_OVERFLOW},
        {"match x { 0 => x / 0, 1 => x + 255, _ => x }", WHIST_PANIC_OVERFLOW},
        {"x << 8u8", WHIST_PANIC_OVERFLOW},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        char source[512];
        snprintf(source, sizeof source, "pub fn main(x: u8, y: u8) -> u8 { %s }", all[i].body);
        struct whist_program *p = bound(source, WHIST_PANICS_SITE);
        struct whist_outcome o = outcome_of(p, run(p, ARGS("1", "0")));
        CHECK_MSG(o.reason == all[i].reason, "%s: %s", all[i].body,
                  whist_panic_reason_name(o.reason));
        whist_program_free(p);
    }
}

static void effects_are_guarded(void)
{
    struct whist_program *p = bound(
        "fn bump(a: [u8; 3], i: usize) -> [u8; 3] { let mut b = a; b[i] += 1; b }\n"
        "pub fn main(c: bool, x: u8) -> [u8; 4] {\n"
        "    let mut a = [0u8, 1u8, 2u8];\n"
        "    let mut n = 0u8;\n"
        "    let d = c && ({ n = 7; a[x as usize % 3usize] = 9; x > 3 });\n"
        "    if c { if x > 5 { a = bump(a, 1usize); } else { n += 1; } } else { let n = 5u8; }\n"
        "    match x { 0..=3 => { a[0] = x; } 4 => { a[2] = n; } _ => { n = n ^ 64; } }\n"
        "    [a[0], a[1], a[2], n]\n"
        "}\n",
        WHIST_PANICS_OFF);
    static const struct {
        const char *c, *x;
        uint8_t want[4];
    } all[] = {
        {"true", "6", {9, 2, 2, 7 ^ 64}}, {"true", "4", {0, 9, 8, 8}},
        {"true", "2", {2, 1, 9, 8}},      {"false", "6", {0, 1, 2, 64}},
        {"false", "4", {0, 1, 0, 0}},     {"false", "3", {3, 1, 2, 0}},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const char *bits = run(p, ARGS(all[i].c, all[i].x));
        for (size_t k = 0; k < 4; k++) {
            CHECK_MSG(strtoul((char[9]){bits[8 * k], bits[8 * k + 1], bits[8 * k + 2],
                                        bits[8 * k + 3], bits[8 * k + 4], bits[8 * k + 5],
                                        bits[8 * k + 6], bits[8 * k + 7], 0},
                              NULL, 2) == all[i].want[k],
                      "%s %s: %s", all[i].c, all[i].x, bits);
        }
    }
    whist_program_free(p);
}

/* An array is evaluated before its index, and once for a loop, whatever these assign. */
static void arrays_are_what_they_were(void)
{
    struct whist_program *p = bound("pub fn main(x: u8, y: u8) -> [u8; 4] {\n"
                                    "    let mut a = [x, y];\n"
                                    "    let first = a[{ a[0] = 9u8; 0usize }];\n"
                                    "    let mut n = 0u8;\n"
                                    "    for v in a { n ^= v; a[1] = 100u8; a[0] = 50u8; }\n"
                                    "    let mut b = [[1u8, 2u8], [3u8, 4u8]];\n"
                                    "    let i = x as usize % 2usize;\n"
                                    "    b[i][{ b[0][0] = 7u8; y as usize % 2usize }] += b[i][0];\n"
                                    "    [first, n, b[0][0], b[1][1]]\n}\n",
                                    WHIST_PANICS_SITE);
    /* first = 3, n = 9 ^ 4; b[1][0] += 3 */
    CHECK(strncmp(run(p, ARGS("3", "4")), "00000011000011010000011100000100", 32) == 0);
    /* b[0][0] = 7; then b[0][0] = 7 + 7 */
    CHECK(strncmp(run(p, ARGS("2", "4")), "00000010000011010000111000000100", 32) == 0);
    whist_program_free(p);
}

static void types_and_parties_are_told(void)
{
    static const char source[] = "const N: usize = max(ANN::ROWS, BOB::ROWS);\n"
                                 "struct S { b: u8, a: [i16; N] }\n"
                                 "enum E { None, Two(u8, (bool, S)) }\n"
                                 "pub fn main(s: [E; 3]) -> S { S { b: 1, a: [2; N] } }\n"
                                 "pub fn other(x: u8, e: E) -> bool { true }\n";
    struct whist_program *p = program_of(source);
    struct whist_bytes party, name;
    const char *type;
    struct whist_error err = {0};

    CHECK(whist_program_wanted(p, 1, &party, &name, &type));
    CHECK(party.len == 3 && memcmp(party.data, "BOB", 3) == 0 && strcmp(type, "usize") == 0);
    CHECK(!whist_program_wanted(p, 2, &party, &name, &type));
    CHECK(whist_program_fn(p, 1, &name) && name.len == 5 && !whist_program_fn(p, 2, &name));

    const struct whist_program_const consts[] = {
        {"ANN", "ROWS", "2usize"}, {"BOB", "ROWS", "3"}, {"BOB", "UNUSED", "true"}};
    CHECK(whist_program_bind(p, NULL, consts, 1, WHIST_PANICS_SITE, &err) == WHIST_ERR_FORMAT);
    CHECK(whist_program_n_diagnostics(p) > 0);
    CHECK_OK(whist_program_bind(p, NULL, consts, 3, WHIST_PANICS_SITE, &err), err);
    CHECK(whist_program_n_parties(p) == 3 && whist_program_n_params(p) == 1);
    const struct whist_type *e = whist_program_input_type(p, 2);
    CHECK(whist_type_kind_of(e) == WHIST_TYPE_ENUM && whist_type_n_parts(e) == 2);
    CHECK(whist_type_bits(e) == 1 + 8 + 1 + 8 + 3 * 16);
    CHECK(whist_type_n_fields(e, 0) == 0 && whist_type_n_fields(e, 1) == 2);
    const struct whist_type *s = whist_type_part(whist_type_field(e, 1, 1), 1);
    CHECK(whist_type_kind_of(s) == WHIST_TYPE_STRUCT && s == whist_program_output_type(p));
    CHECK(whist_type_part_name(s, 0).data[0] == 'b');
    CHECK(strcmp(whist_type_text(p, whist_type_part(s, 1)), "[i16; N]") == 0);
    CHECK(whist_type_n_parts(whist_type_part(s, 1)) == 3);

    CHECK_OK(whist_program_bind(p, "other", consts, 2, WHIST_PANICS_SITE, &err), err);
    CHECK(whist_program_n_parties(p) == 2);
    CHECK(whist_program_bind(p, "absent", consts, 2, WHIST_PANICS_SITE, &err) == WHIST_ERR_FORMAT);
    CHECK(strstr(err.text, "absent") != NULL);
    whist_program_free(p);
}

static void costs_of_lines_add_up(void)
{
    struct whist_program *p = bound("fn f(x: u16) -> u16 {\n"
                                    "    x * x\n"
                                    "}\n"
                                    "pub fn main(x: u16, y: u16) -> u16 {\n"
                                    "    let mut s = 0u16;\n"
                                    "    for i in 0u16..3u16 {\n"
                                    "        s = s + f(x ^ i);\n"
                                    "    }\n"
                                    "    let unused = s & y;\n"
                                    "    if s > y {\n"
                                    "        s\n"
                                    "    } else {\n"
                                    "        y\n"
                                    "    }\n"
                                    "}\n",
                                    WHIST_PANICS_SITE);
    struct whist_cost *costs;
    size_t n;
    struct whist_error err = {0};
    struct whist_circuit *c;
    struct whist_circuit_info info;
    uint64_t n_ands = 0;
    static const uint32_t lines[] = {0, 2, 7, 10};

    CHECK_OK(whist_program_costs(p, &costs, &n, &err), err);
    CHECK_OK(whist_program_circuit(p, &c, &err), err);
    CHECK_OK(whist_circuit_info(c, &info, &err), err);
    CHECK(n == 4);
    for (size_t i = 0; i < n; i++) {
        CHECK(costs[i].line == lines[i]);
        n_ands += costs[i].n_ands;
    }
    CHECK(n_ands == info.n_and);
    CHECK(costs[0].n_ands == 16 && costs[0].fn.len == 0);
    CHECK(costs[1].fn.len == 1 && costs[1].n_ands > 2 * costs[2].n_ands);
    /* Bit 1 of a square is 0, so a sum of squares is a little cheaper than two additions. */
    CHECK(costs[2].fn.len == 4 && costs[2].n_ands > 24 && costs[2].n_ands <= 2 * 16);
    CHECK(costs[3].n_ands == 16 + 16);
    whist_program_costs_free(costs);
    whist_circuit_free(c);
    whist_program_free(p);
}

struct tally {
    struct word_sink sink;
    size_t n_segments, n_nodes;
};

static whist_status tally_segment(struct word_sink *sink, const struct word_program *segment,
                                  struct whist_error *err)
{
    struct tally *t = (struct tally *)sink;
    (void)err;
    t->n_segments++;
    t->n_nodes += segment->n_nodes;
    return WHIST_OK;
}

/* Words that stay alive are made again in every segment, so segments grow with them. */
static void segments_cost_no_more_than_the_program(void)
{
    struct whist_program *p = bound("pub fn main(rows: [u32; 5000], t: u32) -> u32 {\n"
                                    "    let mut s = 0u32;\n"
                                    "    for r in rows { if r > t { s ^= r; } }\n"
                                    "    s\n}\n",
                                    WHIST_PANICS_SITE);
    struct tally t = {.sink = {tally_segment}};
    const struct exec_options options = {.sink = &t.sink, .segment_nodes = 16};
    struct word_program last;
    struct whist_error err = {0};

    CHECK_OK(exec_program(&last, &p->layout, p->entry, &options, &err), err);
    CHECK(t.n_segments >= 2 && t.n_nodes + last.n_nodes < 3 * p->words.n_nodes);
    word_clear(&last);
    whist_program_free(p);
}

static bool cancel_later(void *arg)
{
    return --*(int *)arg < 0;
}

static void limits_and_cancelling_end_the_work(void)
{
    static const char source[] = "pub fn main(x: u32, y: u32) -> u32 {\n    let mut s = x;\n"
                                 "    for i in 0u32..100000u32 { s = s ^ (y & i); }\n    s\n}\n";
    struct whist_program *p;
    struct whist_error err = {0};
    int calls = 3;
    struct whist_program_options options = {.limits = {.max_steps = 1000}};

    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), &options, &err), err);
    CHECK(whist_program_bind(p, NULL, NULL, 0, WHIST_PANICS_SITE, &err) == WHIST_ERR_LIMIT);
    CHECK(strstr(err.text, "steps") != NULL);
    whist_program_free(p);
    options = (struct whist_program_options){.cancelled = cancel_later, .cancelled_arg = &calls};
    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), &options, &err), err);
    CHECK(whist_program_bind(p, NULL, NULL, 0, WHIST_PANICS_SITE, &err) == WHIST_ERR_CANCELLED);
    whist_program_free(p);
}

/* Calls nested in blocks, up to the limit and beyond. */
static void deep_programs_are_refused(void)
{
    static char source[1 << 20];
    size_t at = 0;
    struct whist_error err = {0};

    at += (size_t)snprintf(source, sizeof source, "fn f0(x: u32) -> u32 { x }\n");
    for (int i = 1; i < 40; i++) {
        at += (size_t)snprintf(source + at, sizeof source - at, "fn f%d(x: u32) -> u32 { ", i);
        for (int k = 0; k < 300; k++) {
            at += (size_t)snprintf(source + at, sizeof source - at, "if x > %d { ", k);
        }
        at += (size_t)snprintf(source + at, sizeof source - at, "f%d(x)", i - 1);
        for (int k = 0; k < 300; k++) {
            at += (size_t)snprintf(source + at, sizeof source - at, "} else { x }");
        }
        at += (size_t)snprintf(source + at, sizeof source - at, "}\n");
    }
    snprintf(source + at, sizeof source - at, "pub fn main(x: u32, y: u32) -> u32 { f39(x) }\n");
    struct whist_program *p = program_of(source);
    CHECK(whist_program_bind(p, NULL, NULL, 0, WHIST_PANICS_SITE, &err) == WHIST_ERR_LIMIT);
    CHECK(strstr(err.text, "deep") != NULL);
    whist_program_free(p);
}

static const char everything[] =
    "struct S { b: u8, a: [i16; 2] }\n"
    "enum E { None, Two(u8, S) }\n"
    "fn f(e: E, n: u8) -> u8 { match e { E::None => n, E::Two(k, s) => k + s.b } }\n"
    "pub fn main(e: E, t: [(u8, u16); 3]) -> ([(bool, (u8, u16), (u8, bool)); const { 3usize + "
    "2usize - 1usize }], u8) {\n"
    "    let mut a = [0u8; 4];\n"
    "    for ((k, x), (_, y)) in join_iter(t, [(1u8, true), (2u8, false)]) { a[k as usize] += 1; "
    "}\n"
    "    (join(t, [(1u8, true), (2u8, false)]), f(e, a[1]))\n"
    "}\n";

static void failing_allocations_are_survived(void)
{
    struct whist_error err = {0};
    bool done = false;

    for (long k = 0; !done; k += 1 + k / 40) {
        struct whist_program *p = NULL;
        uint8_t in[1 + 8 + 40 + 72] = {0}, out[1024];
        whist_alloc_fail_after(k);
        whist_status st =
            whist_program_new(&p, whist_bytes(everything, strlen(everything)), NULL, &err);
        if (st == WHIST_OK) {
            st = whist_program_bind(p, NULL, NULL, 0, WHIST_PANICS_SITE, &err);
        }
        if (st == WHIST_OK) {
            CHECK(whist_program_output_bits(p) <= sizeof out);
            st = whist_program_eval(p, out, in, &err);
        }
        done = st == WHIST_OK;
        whist_alloc_fail_after(-1);
        CHECK_MSG(done || st == WHIST_ERR_NOMEM, "%ld: %s", k, err.text);
        whist_program_free(p);
        CHECK(k < 100000);
    }
}

static const struct test_case cases[] = {
    {"policies_decide_what_is_told", policies_decide_what_is_told},
    {"branches_leave_no_trace", branches_leave_no_trace},
    {"first_panic_in_program_order_wins", first_panic_in_program_order_wins},
    {"effects_are_guarded", effects_are_guarded},
    {"arrays_are_what_they_were", arrays_are_what_they_were},
    {"types_and_parties_are_told", types_and_parties_are_told},
    {"segments_cost_no_more_than_the_program", segments_cost_no_more_than_the_program},
    {"costs_of_lines_add_up", costs_of_lines_add_up},
    {"limits_and_cancelling_end_the_work", limits_and_cancelling_end_the_work},
    {"deep_programs_are_refused", deep_programs_are_refused},
    {"failing_allocations_are_survived", failing_allocations_are_survived},
};
TEST_MAIN(cases)
