/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Numbers as text. */
#include "circuit_support.h"

static whist_status parse(uint8_t *bits, size_t width, const char *text)
{
    struct whist_error err;
    return whist_value_parse(bits, width, whist_bytes(text, strlen(text)), &err);
}

static uint64_t parse_ok(size_t width, const char *text)
{
    uint8_t bits[64];
    uint64_t v = 0;
    CHECK_MSG(parse(bits, width, text) == WHIST_OK, "'%s'", text);
    for (size_t i = 0; i < width; i++) {
        CHECK(bits[i] <= 1);
        v |= (uint64_t)bits[i] << i;
    }
    return v;
}

static void numbers_are_read(void)
{
    CHECK(parse_ok(1, "0") == 0 && parse_ok(1, "1") == 1 && parse_ok(64, "0") == 0);
    CHECK(parse_ok(8, "255") == 255 && parse_ok(8, "0xff") == 255 && parse_ok(8, "0Xfe") == 254);
    CHECK(parse_ok(8, "0b11111111") == 255 && parse_ok(3, "0B101") == 5);
    CHECK(parse_ok(64, "18446744073709551615") == UINT64_MAX);
    CHECK(parse_ok(64, "0xFEDCBA9876543210") == 0xfedcba9876543210u);
    CHECK(parse_ok(64, "  \t12345678901234567890\r\n") == 12345678901234567890u);
    CHECK(parse_ok(4, "0000000000000000000000000000000000000000000000000015") == 15);
    CHECK(parse_ok(4, "0x0000000000000000000000000000000f") == 15);
    CHECK(parse_ok(4, "0b00000000000000000000000000001111") == 15);
    CHECK(parse_ok(33, "4294967296") == (uint64_t)1 << 32);
    CHECK(parse_ok(10, "1000") == 1000 && parse_ok(30, "1000000000") == 1000000000);
}

static void bad_numbers_are_refused(void)
{
    static const char *const bad[] = {"",    " ",     "x",     "0x",  "0b",   "-1",        "+1",
                                      "1 2", "1.5",   "0xg",   "0b2", "12a",  "0x 1",      "1e3",
                                      "0o7", "\"1\"", "1_000", "0b",  "0x-1", "\xc2\xa0 1"};
    static const struct {
        size_t width;
        const char *text;
    } wide[] = {{1, "2"},
                {8, "256"},
                {8, "0x100"},
                {8, "0b100000000"},
                {3, "8"},
                {3, "0x8"},
                {64, "18446744073709551616"},
                {32, "4294967296"},
                {9, "512"},
                {31, "2147483648"},
                {8, "99999999999999999999999999999999999999999999999999999999999999"}};
    uint8_t bits[64], before[64];
    struct whist_error err;

    memset(before, 7, sizeof before);
    memcpy(bits, before, sizeof bits);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_MSG(parse(bits, 32, bad[i]) == WHIST_ERR_FORMAT, "'%s'", bad[i]);
    }
    CHECK(whist_value_parse(bits, 32,
                            whist_bytes("1\0"
                                        "2",
                                        3),
                            &err) == WHIST_ERR_FORMAT);
    CHECK(whist_value_parse(bits, 32, whist_bytes(NULL, 0), &err) == WHIST_ERR_FORMAT);
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        CHECK_MSG(parse(bits, wide[i].width, wide[i].text) == WHIST_ERR_LIMIT, "'%s'",
                  wide[i].text);
    }
    CHECK(memcmp(bits, before, sizeof bits) == 0);
}

/* Numbers a little or much too large, for all widths. */
static void too_large_by_any_power(void)
{
    static uint8_t bits[1000], out[1000];
    struct whist_buffer t = {0};

    for (size_t width = 1; width < 400; width += width < 140 ? 1 : 7) {
        for (size_t top = width; top < width + width / 4 + 70; top++) {
            struct whist_error err;
            bits[top] = 1;
            t.len = 0;
            CHECK(whist_value_decimal(&t, bits, top + 1) == WHIST_OK);
            CHECK_MSG(whist_value_parse(out, width, whist_buffer_view(&t), &err) == WHIST_ERR_LIMIT,
                      "2^%zu in %zu bits", top, width);
            bits[top] = 0;
        }
    }
    whist_buffer_clear(&t);
}

/* The value is private: an error must not repeat it. */
static void errors_do_not_repeat_the_value(void)
{
    uint8_t bits[8];
    struct whist_error err;
    CHECK(whist_value_parse(bits, 8, whist_bytes("7654321", 7), &err) == WHIST_ERR_LIMIT);
    CHECK(strstr(err.text, "7654321") == NULL && strstr(err.text, "8 bits") != NULL);
    CHECK(whist_value_parse(bits, 8, whist_bytes("s3cret", 6), &err) == WHIST_ERR_FORMAT);
    CHECK(strstr(err.text, "s3cret") == NULL);
}

static void check_text(whist_status st, struct whist_buffer *text, const char *want)
{
    CHECK(st == WHIST_OK);
    CHECK_MSG(text->len == strlen(want) && memcmp(text->data, want, text->len) == 0,
              "'%.*s', not '%s'", (int)text->len, (const char *)text->data, want);
    text->len = 0;
}

static void numbers_are_written(void)
{
    struct whist_buffer t = {0};
    uint8_t bits[128] = {0};

    check_text(whist_value_hex(&t, bits, 1), &t, "0x0");
    check_text(whist_value_hex(&t, bits, 32), &t, "0x00000000");
    check_text(whist_value_decimal(&t, bits, 128), &t, "0");
    bits[4] = bits[1] = 1;
    check_text(whist_value_hex(&t, bits, 5), &t, "0x12");
    check_text(whist_value_hex(&t, bits, 9), &t, "0x012");
    check_text(whist_value_decimal(&t, bits, 5), &t, "18");
    memset(bits, 1, sizeof bits);
    check_text(whist_value_hex(&t, bits, 127), &t, "0x7fffffffffffffffffffffffffffffff");
    check_text(whist_value_decimal(&t, bits, 128), &t, "340282366920938463463374607431768211455");
    check_text(whist_value_decimal(&t, bits, 30), &t, "1073741823");
    CHECK(whist_buffer_append(&t, "x=", 2) == WHIST_OK);
    check_text(whist_value_decimal(&t, bits, 8), &t, "x=255");
    whist_buffer_clear(&t);
}

/* What is written in either base is read again, for all widths. */
static void round_trips(void)
{
    static uint8_t bits[5000], again[5000];
    struct whist_buffer t = {0};
    struct whist_error err;
    struct rng rng = {1};

    for (size_t width = 1; width <= 5000; width += width < 300 ? 1 : 97) {
        rng_bits(&rng, bits, width);
        for (size_t i = 0; width % 3 == 0 && i < width / 2; i++) {
            bits[width - 1 - i] = width % 2 != 0; /* long runs at the top */
        }
        for (int base = 0; base < 2; base++) {
            t.len = 0;
            CHECK((base == 0 ? whist_value_hex : whist_value_decimal)(&t, bits, width) == WHIST_OK);
            CHECK_OK(whist_value_parse(again, width, whist_buffer_view(&t), &err), err);
            CHECK_MSG(memcmp(bits, again, width) == 0, "width %zu", width);
            if (bits[width - 1] != 0 && width > 1) {
                CHECK(whist_value_parse(again, width - 1, whist_buffer_view(&t), &err) ==
                      WHIST_ERR_LIMIT);
            }
        }
    }
    whist_buffer_clear(&t);
}

static void every_allocation_may_fail(void)
{
    uint8_t bits[100] = {1};
    struct whist_buffer t = {0};

    CHECK(whist_buffer_append(&t, "x", 1) == WHIST_OK);
    for (long fail = 0; fail < 3; fail++) {
        whist_alloc_fail_after(fail);
        CHECK((whist_value_decimal(&t, bits, 100) == WHIST_ERR_NOMEM) == (t.len == 1));
        whist_alloc_fail_after(-1);
        CHECK(t.len == 1);
    }
    whist_alloc_fail_after(0);
    CHECK(whist_value_hex(&t, bits, 100) == WHIST_ERR_NOMEM && t.len == 1);
    CHECK(parse(bits, 100, "1") == WHIST_ERR_NOMEM);
    whist_alloc_fail_after(-1);
    whist_buffer_clear(&t);
}

static const struct test_case cases[] = {
    {"numbers_are_read", numbers_are_read},
    {"bad_numbers_are_refused", bad_numbers_are_refused},
    {"too_large_by_any_power", too_large_by_any_power},
    {"errors_do_not_repeat_the_value", errors_do_not_repeat_the_value},
    {"numbers_are_written", numbers_are_written},
    {"round_trips", round_trips},
    {"every_allocation_may_fail", every_allocation_may_fail},
};
TEST_MAIN(cases)
