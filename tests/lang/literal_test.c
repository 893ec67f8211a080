/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Values as text: what is written is read, what is wrong is named and never repeated. */
#include <whist/lang.h>

#include "core/core.h"
#include "harness.h"

static const char source[] =
    "const N: usize = 2usize;\n"
    "struct Unit {}\n"
    "struct S { zeta: u8, alpha: (bool, i64), mid: [E; N] }\n"
    "enum E { None, One(u16), Two(usize, (), [bool; 3]) }\n"
    "enum Only { It(i8) }\n"
    "pub fn main(s: S, a: [i8; 2], u: [u16; 3], t: (Unit, Only, ()), b: bool, n: u64, z: [u8; 0], "
    "o: (u8)) -> u8 { 1 }\n";

enum { S, A, U, T, B, N, Z, O, N_PARAMS };

static struct whist_program *program(void)
{
    struct whist_program *p;
    struct whist_error err = {0};
    CHECK_OK(whist_program_new(&p, whist_bytes(source, strlen(source)), NULL, &err), err);
    CHECK_OK(whist_program_bind(p, NULL, NULL, 0, WHIST_PANICS_SITE, &err), err);
    CHECK(whist_program_n_params(p) == N_PARAMS);
    return p;
}

static whist_status read_text(const struct whist_program *p, int param, const char *text,
                              whist_value_format format, uint8_t *bits, struct whist_error *err)
{
    return whist_program_read(p, bits, whist_program_param_type(p, (size_t)param),
                              whist_bytes(text, strlen(text)), format, err);
}

/* Reads the text; the value written in both ways is as expected. */
static void check_value(int param, const char *text, const char *literal, const char *json)
{
    struct whist_program *p = program();
    struct whist_error err = {0};
    const struct whist_type *t = whist_program_param_type(p, (size_t)param);
    uint8_t bits[512], again[512];
    static const whist_value_format formats[] = {WHIST_VALUE_STRICT, WHIST_VALUE_JSON};
    const char *want[] = {literal, json};

    CHECK(whist_type_bits(t) <= sizeof bits);
    CHECK_OK(read_text(p, param, text, WHIST_VALUE_AUTO, bits, &err), err);
    for (int i = 0; i < 2; i++) {
        struct whist_buffer out = {0};
        CHECK_OK(whist_program_write(p, &out, t, bits, formats[i], &err), err);
        CHECK_MSG(out.len == strlen(want[i]) && memcmp(out.data, want[i], out.len) == 0, "%.*s",
                  (int)out.len, (const char *)out.data);
        if (param == Z && i == 0) { /* there is no literal of an empty array but [v; 0] */
            whist_buffer_clear(&out);
            continue;
        }
        CHECK_OK(whist_program_read(p, again, t, whist_buffer_view(&out), formats[i], &err), err);
        CHECK(memcmp(bits, again, (size_t)whist_type_bits(t)) == 0);
        whist_buffer_clear(&out);
    }
    whist_program_free(p);
}

static void values_are_read_and_written(void)
{
    check_value(
        S, " S{mid:[E::Two(7,(),[true,false,true]),E::None,],zeta:255u8, alpha : (true,-9i64) } ",
        "S {alpha: (true, -9), mid: [E::Two(7, (), [true, false, true]), E::None], zeta: "
        "255}",
        "{\"alpha\": [true, -9], \"mid\": [{\"Two\": [7, [], [true, false, true]]}, "
        "\"None\"], \"zeta\": 255}");
    check_value(S,
                "{ \"zeta\":1, \"mid\":[{\"One\":[65535]},{\"None\":[]}], "
                "\"alpha\":[false,\n-9223372036854775808]}",
                "S {alpha: (false, -9223372036854775808), mid: [E::One(65535), E::None], zeta: 1}",
                "{\"alpha\": [false, -9223372036854775808], \"mid\": [{\"One\": [65535]}, "
                "\"None\"], \"zeta\": 1}");
    check_value(S, "S { zeta: 1, alpha: (false, 0), mid: [E::One(3); N] }",
                "S {alpha: (false, 0), mid: [E::One(3), E::One(3)], zeta: 1}",
                "{\"alpha\": [false, 0], \"mid\": [{\"One\": [3]}, {\"One\": [3]}], \"zeta\": 1}");
    check_value(A, "[-128, 127i8]", "[-128, 127]", "[-128, 127]");
    check_value(A, "[-1; 2usize]", "[-1, -1]", "[-1, -1]");
    check_value(U, "65533..65536", "[65533, 65534, 65535]", "[65533, 65534, 65535]");
    check_value(U, "1u16..4u16", "[1, 2, 3]", "[1, 2, 3]");
    check_value(T, "(Unit {}, Only::It(-1), ())", "(Unit {}, Only::It(-1), ())",
                "[{}, {\"It\": [-1]}, []]");
    check_value(B, "true", "true", "true");
    check_value(A, " ( ([(1), -2]) )", "[1, -2]", "[1, -2]");
    check_value(N, "18446744073709551615", "18446744073709551615", "18446744073709551615");
    check_value(Z, "[7; 0]", "[]", "[]");
    check_value(O, "(5,)", "(5)", "[5]");
}

/* Refused with a text that has the words; the value stands in no error. */
static void check_refused(int param, const char *text, whist_value_format format, const char *words)
{
    struct whist_program *p = program();
    struct whist_error err = {0};
    uint8_t bits[512];
    size_t n = (size_t)whist_type_bits(whist_program_param_type(p, (size_t)param));

    memset(bits, 7, sizeof bits);
    whist_status st = read_text(p, param, text, format, bits, &err);
    CHECK_MSG(st == WHIST_ERR_FORMAT, "%s was accepted", text);
    CHECK_MSG(strstr(err.text, words) != NULL, "%s: %s", text, err.text);
    CHECK(strstr(err.text, "4711") == NULL);
    for (size_t i = 0; i < n; i++) {
        CHECK(bits[i] == 0);
    }
    CHECK(bits[n] == 7);
    whist_program_free(p);
}

static void errors_name_part_and_type(void)
{
    const whist_value_format l = WHIST_VALUE_STRICT, j = WHIST_VALUE_JSON;

    check_refused(S, "S { zeta: 4711, alpha: (true, 1), mid: [E::None; 2] }", l,
                  ".zeta: a number outside the range of its type: expected u8 (0 to 255)");
    check_refused(S, "S { zeta: 1, alpha: (true, 1), mid: [E::None, E::Two(1, (), [true, 4711])] }",
                  l, ".mid[1].Two[2][1]: neither true nor false: expected bool");
    check_refused(S, "S { zeta: 1, alpha: (true, 1) }", l, ".mid: a field is missing");
    check_refused(S, "S { zeta: 1, zeta: 1 }", l, ".zeta: a field that is given twice");
    check_refused(S, "S { zeta: 1, eta: 4711 }", l, "a field that the struct does not have");
    check_refused(S, "S { zeta }", l, ".zeta: no value: expected u8");
    check_refused(S, "T { zeta: 1 }", l, "expected S");
    check_refused(S, "S { zeta: 1, alpha: (true, 1), mid: [F::None; 2] }", l, ".mid[0]: not this");
    check_refused(S, "S { zeta: 1, alpha: (true, 1), mid: [E::Four; 2] }", l, "a variant that");
    check_refused(A, "[1, 200]", l, "[1]: a number outside the range of its type: expected i8");
    check_refused(A, "[1]", l, "too few elements: expected [i8; 2]");
    check_refused(A, "[1, 2, 3]", l, "too many elements");
    check_refused(A, "[1; 3]", l, "another length");
    check_refused(A, "1..3", l, "expected [i8; 2]");
    check_refused(U, "1..3", l, "another length");
    check_refused(U, "65534..65537", l, "another length");
    check_refused(U, "[1u8, 2, 3]", l, "[0]: a number with the suffix of another type");
    check_refused(U, "[-1, 2, 3]", l, "[0]: a number outside the range");
    check_refused(N, "18446744073709551616", l, "expected u64");
    check_refused(N, "4711 4711", l, "more text after the value");
    check_refused(N, "", l, "no value: expected u64");
    check_refused(N, "--1", l, "not a number");
    check_refused(Z, "[]", l, "expected [u8; 0]");
    check_refused(B, "((true)", l, "no closing bracket");
    check_refused(B, "1", l, "neither true nor false");
    check_refused(S, "{\"zeta\": 4711}", j, ".zeta: a number outside the range");
    check_refused(S, "{\"zeta\": 1, \"zeta\": 1}", j, ".zeta: a field that is given twice");
    check_refused(S, "{\"zeta\": 1,}", j, "a field that the struct does not have");
    check_refused(S, "{}", j, ".zeta: a field is missing");
    check_refused(S, "{\"mid\": [\"One\", \"None\"]}", j, ".mid[0].One: a variant without");
    check_refused(S, "{\"mid\": [{\"One\": [1, 2]}]}", j, ".mid[0].One: an array with too many");
    check_refused(S, "{\"mid\": [{\"One\": [1]} \"None\"]}", j, ".mid: an array with too few");
    check_refused(A, "[1.5, 2]", j, "[0]: not an integer");
    check_refused(A, "[1e1, 2]", j, "[0]: not an integer");
    check_refused(A, "[1, 2,]", j, "too many elements");
    check_refused(A, "[\"1\", 2]", j, "[0]: not a number");
    check_refused(A, "[1, 2] 4711", j, "more text after the value");
    check_refused(B, "\"true\"", j, "neither true nor false");
}

static void text_after_a_literal_is_told(void)
{
    struct whist_program *p = program();
    struct whist_error err = {0};
    uint8_t bits[64];

    CHECK_OK(read_text(p, B, "true + 1", WHIST_VALUE_LITERAL, bits, &err), err);
    CHECK(bits[0] == 1);
    CHECK(read_text(p, B, "true + 1", WHIST_VALUE_STRICT, bits, &err) == WHIST_ERR_FORMAT);
    whist_program_free(p);
}

/* Every prefix and every change of one byte of a value is read or refused, in bounds. */
static void broken_texts_do_no_harm(void)
{
    static const char *const texts[] = {
        "S {alpha: (true, -9), mid: [E::Two(7, (), [true, false, true]), E::None], zeta: 25u8}",
        "{\"alpha\": [true, -9], \"mid\": [{\"Two\": [7, [], [true, false, true]]}, \"None\"], "
        "\"zeta\": 2}"};
    static const char bytes[] = "\0\"\\[](){},;:.-09azE \n\xff";
    struct whist_program *p = program();

    for (int i = 0; i < 2; i++) {
        size_t n = strlen(texts[i]);
        uint8_t bits[512];
        const struct whist_type *t = whist_program_param_type(p, S);
        for (size_t at = 0; at <= n; at++) {
            for (size_t k = 0; k <= sizeof bytes; k++) {
                uint8_t *text = malloc(n + 1); /* its own allocation: sanitizers see the end */
                CHECK(text != NULL);
                memcpy(text, texts[i], n);
                size_t len = k == sizeof bytes ? at : n;
                if (k < sizeof bytes && at < n) {
                    text[at] = (uint8_t)bytes[k];
                }
                uint8_t *exact = malloc(len != 0 ? len : 1);
                CHECK(exact != NULL);
                memcpy(exact, text, len);
                whist_status st =
                    whist_program_read(p, bits, t, whist_bytes(exact, len),
                                       i == 0 ? WHIST_VALUE_STRICT : WHIST_VALUE_JSON, NULL);
                CHECK(st == WHIST_OK || st == WHIST_ERR_FORMAT);
                free(text);
                free(exact);
            }
        }
    }
    whist_program_free(p);
}

static void impossible_tags_are_not_written(void)
{
    struct whist_program *p = program();
    struct whist_error err = {0};
    struct whist_buffer out = {0};
    const struct whist_type *s = whist_program_param_type(p, S);
    const struct whist_type *e = whist_type_part(whist_type_part(s, 2), 0);
    uint8_t bits[64] = {1, 1};

    CHECK(whist_type_kind_of(e) == WHIST_TYPE_ENUM);
    CHECK(whist_program_write(p, &out, e, bits, WHIST_VALUE_LITERAL, &err) == WHIST_ERR_FORMAT);
    whist_buffer_clear(&out);
    whist_program_free(p);
}

static const struct test_case cases[] = {
    {"values_are_read_and_written", values_are_read_and_written},
    {"errors_name_part_and_type", errors_name_part_and_type},
    {"text_after_a_literal_is_told", text_after_a_literal_is_told},
    {"broken_texts_do_no_harm", broken_texts_do_no_harm},
    {"impossible_tags_are_not_written", impossible_tags_are_not_written},
};
TEST_MAIN(cases)
