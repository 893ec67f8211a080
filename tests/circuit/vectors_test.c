/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Known answers: published circuits and our own, against FIPS 197 and FIPS 180-4. */
#include "circuit_support.h"

static struct whist_circuit *shared_circuit(const char *name)
{
    struct whist_buffer text = {0};
    struct whist_circuit *c;
    struct whist_error err;
    char path[1000];

    snprintf(path, sizeof path, "%s/circuits/%s", WHIST_SHARED_DIR, name);
    if (!read_file(&text, path)) {
        SKIP("no %s", path);
    }
    CHECK_OK(whist_bristol_parse(&c, whist_buffer_view(&text), &err), err);
    whist_buffer_clear(&text);
    return c;
}

/* Evaluates on hex inputs, compares with the hex output. */
static void check_hex(const struct whist_circuit *c, const char *const *in, const char *out)
{
    uint8_t bits[1024], result[256], *p = bits;
    struct whist_buffer text = {0};
    struct whist_error err;
    size_t n;
    const uint32_t *widths = whist_circuit_input_widths(c, &n);

    for (size_t i = 0; i < n; p += widths[i++]) {
        char hex[200];
        snprintf(hex, sizeof hex, "0x%s", in[i]);
        CHECK_OK(whist_value_parse(p, widths[i], whist_bytes(hex, strlen(hex)), &err), err);
    }
    widths = whist_circuit_output_widths(c, &n);
    CHECK(n == 1 && widths[0] <= sizeof result);
    CHECK_OK(whist_circuit_eval(c, result, bits, &err), err);
    CHECK(whist_value_hex(&text, result, widths[0]) == WHIST_OK);
    CHECK_MSG(text.len == strlen(out) + 2 && memcmp(text.data + 2, out, text.len - 2) == 0,
              "got %.*s", (int)text.len, (const char *)text.data);
    whist_buffer_clear(&text);
}

/* FIPS 197: appendix B, C.1. */
static void check_aes(const struct whist_circuit *c)
{
    check_hex(
        c, (const char *[]){"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734"},
        "3925841d02dc09fbdc118597196a0b32");
    check_hex(
        c, (const char *[]){"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff"},
        "69c4e0d86a7b0430d8cdb78070b4c55a");
}

#define SHA256_IV "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19"

/* FIPS 180-4 example "abc", and both blocks of the 448-bit example. */
static void check_sha256(const struct whist_circuit *c)
{
    check_hex(c,
              (const char *[]){"61626380000000000000000000000000000000000000000000000000000000000"
                               "000000000000000000000000000000000000000000000000000000000000018",
                               SHA256_IV},
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_hex(c,
              (const char *[]){"6162636462636465636465666465666765666768666768696768696a68696a6b"
                               "696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f6d6e6f706e6f70718000000000000000",
                               SHA256_IV},
              "85e655d6417a17953363376a624cde5c76e09589cac5f811cc4b32c1f20e533a");
    check_hex(c,
              (const char *[]){"0000000000000000000000000000000000000000000000000000000000000000"
                               "00000000000000000000000000000000000000000000000000000000000001c0",
                               "85e655d6417a17953363376a624cde5c76e09589cac5f811cc4b32c1f20e533a"},
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void published_aes128(void)
{
    struct whist_circuit *c = shared_circuit("aes_128.txt");
    check_aes(c);
    whist_circuit_free(c);
}

static void published_sha256(void)
{
    struct whist_circuit *c = shared_circuit("sha256.txt");
    check_sha256(c);
    whist_circuit_free(c);
}

/* Same inputs, same outputs, same order of bits. */
static void own_equal_published(void)
{
    static const char *const names[][2] = {{"aes128", "aes_128.txt"}, {"sha256", "sha256.txt"}};
    struct rng rng = {8};
    uint8_t in[768], out[2][256];

    for (int k = 0; k < 2; k++) {
        struct whist_circuit *theirs = shared_circuit(names[k][1]), *ours;
        struct whist_error err;
        CHECK_OK(whist_circuit_make(&ours, names[k][0], NULL, &err), err);
        CHECK(ours->n_input_bits == theirs->n_input_bits && ours->n_ands <= theirs->n_ands);
        CHECK(ours->n_output_bits == theirs->n_output_bits);
        for (long i = 0; i < test_scale(100); i++) {
            rng_bits(&rng, in, ours->n_input_bits);
            CHECK_OK(whist_circuit_eval(ours, out[0], in, &err), err);
            CHECK_OK(whist_circuit_eval(theirs, out[1], in, &err), err);
            CHECK(memcmp(out[0], out[1], ours->n_output_bits) == 0);
        }
        whist_circuit_free(ours);
        whist_circuit_free(theirs);
    }
}

static void published_arithmetic(void)
{
    static const char *const name[] = {"add64.txt", "mul64.txt"};
    struct rng rng = {7};

    for (int k = 0; k < 2; k++) {
        struct whist_circuit *c = shared_circuit(name[k]);
        for (int i = 0; i < 200; i++) {
            uint64_t x = rng_next(&rng), y = rng_next(&rng);
            char in[2][17], out[17];
            snprintf(in[0], 17, "%016llx", (unsigned long long)x);
            snprintf(in[1], 17, "%016llx", (unsigned long long)y);
            snprintf(out, 17, "%016llx", (unsigned long long)(k == 0 ? x + y : x * y));
            check_hex(c, (const char *[]){in[0], in[1]}, out);
        }
        whist_circuit_free(c);
    }
}

static void own_aes128(void)
{
    struct whist_circuit *c;
    struct whist_error err;

    CHECK_OK(whist_circuit_make(&c, "aes128", NULL, &err), err);
    check_aes(c);
    CHECK(c->n_ands == 6400);
    whist_circuit_free(c);
}

static void own_sha256(void)
{
    struct whist_circuit *c;
    struct whist_error err;

    CHECK_OK(whist_circuit_make(&c, "sha256", NULL, &err), err);
    check_sha256(c);
    CHECK_MSG(c->n_ands == 22271, "%llu ANDs", (unsigned long long)c->n_ands);
    whist_circuit_free(c);
}

static const struct test_case cases[] = {
    {"own_aes128", own_aes128},
    {"own_sha256", own_sha256},
    {"own_equal_published", own_equal_published},
    {"published_aes128", published_aes128},
    {"published_sha256", published_sha256},
    {"published_arithmetic", published_arithmetic},
};
TEST_MAIN(cases)
