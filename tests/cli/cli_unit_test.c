/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Parts of the command that its outside does not show well: JSON escapes, exit statuses, options.
 */
#include <math.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "harness.h"

static void check_string(const char *value, const char *want)
{
    struct json j = {0};

    json_text(&j, NULL, value);
    CHECK(!j.failed);
    CHECK_MSG(j.text.len == strlen(want) && memcmp(j.text.data, want, j.text.len) == 0,
              "%.*s is not %s", (int)j.text.len, (const char *)j.text.data, want);
    json_clear(&j);
}

static void test_json_strings(void)
{
    check_string("", "\"\"");
    check_string("plain text/", "\"plain text/\"");
    check_string("a\"b\\c", "\"a\\\"b\\\\c\"");
    check_string("\x01\n\t\x1f\x7f", "\"\\u0001\\u000a\\u0009\\u001f\\u007f\"");
    check_string("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
                 "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"");
    /* Not UTF-8: lone bytes, overlong forms, surrogates, beyond U+10FFFF, cut sequences. */
    check_string("a\x80z", "\"a\\ufffdz\"");
    check_string("\xc0\xaf", "\"\\ufffd\\ufffd\"");
    check_string("\xe0\x9f\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    check_string("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
    check_string("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
    check_string("\xe2\x82", "\"\\ufffd\\ufffd\"");
    check_string("\xff\"", "\"\\ufffd\\\"\"");
}

static void test_json_values(void)
{
    static const uint8_t bits[] = {1, 0, 1, 1, 0};
    static const char want[] =
        "{\"n\":18446744073709551615,\"f\":0.500,\"t\":true,\"z\":null,\"a\":[1,2],"
        "\"e\":[],\"o\":{},\"v\":\"0x0d\",\"nan\":null}";
    struct json j = {0};

    json_object_begin(&j, NULL);
    json_number(&j, "n", UINT64_MAX);
    json_fixed(&j, "f", 0.5, 3);
    json_bool(&j, "t", true);
    json_none(&j, "z");
    json_array_begin(&j, "a");
    json_number(&j, NULL, 1);
    json_number(&j, NULL, 2);
    json_array_end(&j);
    json_array_begin(&j, "e");
    json_array_end(&j);
    json_object_begin(&j, "o");
    json_object_end(&j);
    json_bits(&j, "v", bits, sizeof(bits));
    json_fixed(&j, "nan", NAN, 3);
    json_object_end(&j);
    CHECK_MSG(j.text.len == strlen(want) && memcmp(j.text.data, want, j.text.len) == 0, "%.*s",
              (int)j.text.len, (const char *)j.text.data);
    json_clear(&j);
}

static void test_exit_statuses(void)
{
    CHECK(cli_exit_status(WHIST_OK) == 0);
    CHECK(cli_exit_status(WHIST_ERR_IO) == 1);
    CHECK(cli_exit_status(WHIST_ERR_NOMEM) == 1);
    CHECK(cli_exit_status(WHIST_ERR_FORMAT) == 1);
    CHECK(cli_exit_status(WHIST_ERR_LIMIT) == 1);
    CHECK(cli_exit_status(WHIST_ERR_CANCELLED) == 1);
    CHECK(cli_exit_status(WHIST_ERR_ARGUMENT) == 2);
    CHECK(cli_exit_status(WHIST_ERR_CHECK) == 4);
    CHECK(cli_exit_status(WHIST_ERR_ABORTED) == 4);
    CHECK(cli_exit_status(WHIST_ERR_PROTOCOL) == 4);
    CHECK(cli_exit_status(WHIST_ERR_MISMATCH) == 4);
    CHECK(cli_exit_status(WHIST_ERR_UNREACHABLE) == 5);
    CHECK(cli_exit_status(WHIST_ERR_TIMEOUT) == 5);
}

/* What a peer or a file says cannot move the terminal's cursor or fake a line. */
static void test_one_line(void)
{
    char out[16];

    cli_one_line(out, sizeof(out), "a\nb\x1b[2Jc\x7f");
    CHECK(strcmp(out, "a?b?[2Jc?") == 0);
    cli_one_line(out, 4, "abcdef");
    CHECK(strcmp(out, "abc") == 0);
}

static const struct command command = {
    .name = "test",
    .operands = "A [B]",
    .summary = "Test",
    .accepts = option_bit(OPT_INPUT) | option_bit(OPT_TIMEOUT) | option_bit(OPT_OUTPUT) |
               option_bit(OPT_JSON) | option_bit(OPT_PARTY),
    .needs = option_bit(OPT_PARTY),
    .min_operands = 1,
    .max_operands = 2,
};

static whist_status parse(struct args *args, char **argv)
{
    struct whist_error err = {.peer = WHIST_NO_PEER};
    int argc = 0;

    while (argv[argc] != NULL) {
        argc++;
    }
    whist_status st = args_parse(args, &command, argc, argv, &err);
    CHECK(st == WHIST_OK || strlen(err.text) > 0);
    return st;
}

static void test_options(void)
{
    char *argv[] = {(char *)"a",
                    (char *)"--input=",
                    (char *)"--party",
                    (char *)"7",
                    (char *)"-oFILE",
                    (char *)"--json",
                    (char *)"--json",
                    (char *)"--input",
                    (char *)"--json",
                    (char *)"--timeout=0.25",
                    (char *)"--",
                    (char *)"--party",
                    NULL};
    struct args args;

    CHECK(parse(&args, argv) == WHIST_OK);
    CHECK(args.n_operands == 2 && strcmp(args.operands[1], "--party") == 0);
    CHECK(args.n_inputs == 2 && args.inputs[0][0] == '\0' && strcmp(args.inputs[1], "--json") == 0);
    CHECK(args.number[OPT_PARTY] == 7 && args.number[OPT_TIMEOUT] == 250);
    CHECK(strcmp(args.text[OPT_OUTPUT], "FILE") == 0 && args_has(&args, OPT_JSON));
    CHECK(!args_has(&args, OPT_URLS) && args_number(&args, OPT_URLS, 5) == 5);
    args_clear(&args);
}

static void test_option_numbers(void)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "1.5",
                                      "64",
                                      "640",
                                      "18446744073709551616",
                                      "18446744073709551622"};
    static const char *const bad_seconds[] = {
        "", ".", "0", "0.000", "1.", "1.0000", "1e3", "-1", "10000000.001", "99999999999999999999"};
    struct args args;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char *argv[] = {(char *)"a", (char *)"--party", (char *)bad[i], NULL};
        CHECK_MSG(parse(&args, argv) == WHIST_ERR_ARGUMENT, "'%s'", bad[i]);
        args_clear(&args);
    }
    for (size_t i = 0; i < sizeof(bad_seconds) / sizeof(bad_seconds[0]); i++) {
        char *argv[] = {(char *)"a", (char *)"--party=0", (char *)"--timeout",
                        (char *)bad_seconds[i], NULL};
        CHECK_MSG(parse(&args, argv) == WHIST_ERR_ARGUMENT, "'%s'", bad_seconds[i]);
        args_clear(&args);
    }
    char *largest[] = {(char *)"a", (char *)"--party=63", (char *)"--timeout=10000000", NULL};
    CHECK(parse(&args, largest) == WHIST_OK && args.number[OPT_TIMEOUT] == 10000000000);
    args_clear(&args);
}

static void test_number_lists(void)
{
    struct whist_error err;
    size_t list[3], n = 0;

    CHECK(args_number_list(list, &n, 3, "0,2,1", 2, "owners", &err) == WHIST_OK);
    CHECK(n == 3 && list[0] == 0 && list[1] == 2 && list[2] == 1);
    CHECK(args_number_list(list, &n, 3, "0,1,2,0", 2, "owners", &err) == WHIST_ERR_ARGUMENT);
    CHECK(args_number_list(list, &n, 3, "3", 2, "owners", &err) == WHIST_ERR_ARGUMENT);
    CHECK(args_number_list(list, &n, 3, "", 2, "owners", &err) == WHIST_ERR_ARGUMENT);
    CHECK(args_number_list(list, &n, 3, "0,", 2, "owners", &err) == WHIST_ERR_ARGUMENT);
    CHECK(args_number_list(list, &n, 3, ",0", 2, "owners", &err) == WHIST_ERR_ARGUMENT);
    CHECK(args_number_list(list, &n, 3, "0;1", 2, "owners", &err) == WHIST_ERR_ARGUMENT);
}

static const struct test_case cases[] = {
    {"json_strings", test_json_strings},
    {"json_values", test_json_values},
    {"exit_statuses", test_exit_statuses},
    {"one_line", test_one_line},
    {"options", test_options},
    {"option_numbers", test_option_numbers},
    {"number_lists", test_number_lists},
};

TEST_MAIN(cases)
