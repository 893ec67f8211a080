/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Known answers through the whole protocol over HTTP on loopback: AES-128 (FIPS 197), SHA-256 (FIPS
 * 180-4), sums and products of 64-bit numbers, with published circuits and with our own. One
 * session runs all computations of a case; evaluator, owners and receivers change from each to the
 * next, and parties own no input at all. */
#include "core/core.h"
#include "harness.h"
#include "jobs.h"
#include "parties.h"
#include "ports.h"

#define MAX_PARTIES 5
#define MAX_BITS    768
#define MAX_RUNS    500

/* ---- Computations and their answers ---- */

struct answer {
    uint8_t in[MAX_BITS], out[256], owners[2];
    size_t n_out;
};

struct plan {
    size_t n, count;
    struct answer *answers;     /* count */
    struct party_setup *setups; /* count, a chain */
    struct whist_circuit *circuits[4];
    size_t n_circuits;
};

static void plan_init(struct plan *p, size_t n)
{
    *p = (struct plan){.n = n};
    p->answers = calloc(MAX_RUNS, sizeof *p->answers);
    p->setups = calloc(MAX_RUNS, sizeof *p->setups);
    CHECK(p->answers != NULL && p->setups != NULL);
}

static void plan_clear(struct plan *p)
{
    for (size_t i = 0; i < p->n_circuits; i++) {
        whist_circuit_free(p->circuits[i]);
    }
    free(p->answers);
    free(p->setups);
}

/* The next computation; the caller fills in inputs and output. Roles take turns. */
static struct answer *add(struct plan *p, const struct whist_circuit *c, size_t n_out)
{
    size_t k = p->count++;
    CHECK(k < MAX_RUNS);
    struct answer *a = &p->answers[k];
    a->n_out = n_out;
    a->owners[0] = (uint8_t)(k / 2 % p->n);
    a->owners[1] = (uint8_t)((k + 1) % p->n);
    p->setups[k] = (struct party_setup){.n = p->n,
                                        .circuit = c,
                                        .owners = a->owners,
                                        .evaluator = k % p->n,
                                        .receivers = mix(k) % ((uint64_t)1 << p->n),
                                        .inputs = a->in};
    if (k > 0) {
        p->setups[k - 1].next = &p->setups[k];
    }
    return a;
}

static void parse_hex(uint8_t *bits, size_t width, const char *hex)
{
    char text[200];
    struct whist_error err;
    snprintf(text, sizeof text, "0x%s", hex);
    CHECK_OK(whist_value_parse(bits, width, whist_bytes(text, strlen(text)), &err), err);
}

static void add_hex(struct plan *p, const struct whist_circuit *c, const char *x, const char *y,
                    const char *out)
{
    size_t n_in, n_out;
    const uint32_t *in_widths = whist_circuit_input_widths(c, &n_in);
    const uint32_t *out_widths = whist_circuit_output_widths(c, &n_out);
    CHECK(n_in == 2 && n_out == 1 && in_widths[0] + in_widths[1] <= MAX_BITS);
    CHECK(out_widths[0] <= 256);
    struct answer *a = add(p, c, out_widths[0]);
    parse_hex(a->in, in_widths[0], x);
    parse_hex(a->in + in_widths[0], in_widths[1], y);
    parse_hex(a->out, out_widths[0], out);
}

/* FIPS 197, appendices B and C.1: every evaluator has a turn. */
static void add_aes(struct plan *p, const struct whist_circuit *c)
{
    for (size_t k = 0; k < p->n; k++) {
        if (k % 2 == 0) {
            add_hex(p, c, "2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
                    "3925841d02dc09fbdc118597196a0b32");
        } else {
            add_hex(p, c, "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
                    "69c4e0d86a7b0430d8cdb78070b4c55a");
        }
    }
}

/* FIPS 180-4: "abc", and the two blocks of the 448-bit message. */
static void add_sha256(struct plan *p, const struct whist_circuit *c)
{
    static const char iv[] = "6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19";
    static const char middle[] = "85e655d6417a17953363376a624cde5c76e09589cac5f811cc4b32c1f20e533a";
    add_hex(p, c,
            "6162638000000000000000000000000000000000000000000000000000000000"
            "0000000000000000000000000000000000000000000000000000000000000018",
            iv, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    add_hex(p, c,
            "6162636462636465636465666465666765666768666768696768696a68696a6b"
            "696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f6d6e6f706e6f70718000000000000000",
            iv, middle);
    add_hex(p, c,
            "0000000000000000000000000000000000000000000000000000000000000000"
            "00000000000000000000000000000000000000000000000000000000000001c0",
            middle, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

static void put_bits(uint8_t *bits, uint64_t v)
{
    for (size_t i = 0; i < 64; i++) {
        bits[i] = v >> i & 1;
    }
}

/* Sums and products take turns, extreme values first. */
static void add_numbers(struct plan *p, const struct whist_circuit *sum,
                        const struct whist_circuit *product, size_t pairs)
{
    static const uint64_t special[] = {0, ~(uint64_t)0, 1, (uint64_t)1 << 63};
    for (size_t k = 0; k < pairs; k++) {
        uint64_t x = k < 16 ? special[k / 4] : mix(2 * k), y = k < 16 ? special[k % 4] : mix(~k);
        for (int multiply = 0; multiply < 2; multiply++) {
            struct answer *a = add(p, multiply ? product : sum, 64);
            put_bits(a->in, x);
            put_bits(a->in + 64, y);
            put_bits(a->out, multiply ? x * y : x + y);
        }
    }
}

/* ---- Running ---- */

static void run(struct plan *p)
{
    struct whist_channel *channels[MAX_PARTIES];
    struct party_result res[MAX_PARTIES];
    struct whist_error err;
    CHECK_OK(make_http_channels(channels, p->n, NULL, NULL, &err), err);
    for (size_t i = 0; i < p->n; i++) {
        CHECK_OK(whist_channel_envelope_new(&channels[i], channels[i], &err), err);
    }
    p->setups[0].channels = channels;
    parties_run(res, &p->setups[0]);
    for (size_t i = 0; i < p->n; i++) {
        size_t at = 0, received = 0;
        CHECK_OK(res[i].status, res[i].err);
        for (size_t k = 0; k < p->count; at += p->answers[k++].n_out) {
            const struct answer *a = &p->answers[k];
            bool receives = party_receives(&p->setups[k], i);
            received += receives;
            CHECK_MSG(!receives || memcmp(res[i].outputs + at, a->out, a->n_out) == 0,
                      "computation %zu: party %zu has a wrong output", k, i);
            for (size_t b = 0; b < a->n_out && !receives; b++) {
                CHECK_MSG(res[i].outputs[at + b] == 0, "party %zu has learnt an output", i);
            }
        }
        CHECK(received > 0);
    }
    parties_clear(res, p->n);
}

static struct whist_circuit *published(struct plan *p, const char *name)
{
    struct whist_buffer text = {0};
    struct whist_error err;
    char path[1000];
    uint8_t part[65536];
    size_t n;
    snprintf(path, sizeof path, "%s/circuits/%s", WHIST_SHARED_DIR, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        plan_clear(p);
        SKIP("no %s", path);
    }
    while ((n = fread(part, 1, sizeof part, f)) != 0) {
        CHECK(whist_buffer_append(&text, part, n) == WHIST_OK);
    }
    fclose(f);
    struct whist_circuit **out = &p->circuits[p->n_circuits++];
    CHECK_OK(whist_bristol_parse(out, whist_buffer_view(&text), &err), err);
    whist_buffer_clear(&text);
    return *out;
}

static struct whist_circuit *own(struct plan *p, const char *name)
{
    struct whist_make_options options = {.bits = 64};
    struct whist_error err;
    struct whist_circuit **out = &p->circuits[p->n_circuits++];
    CHECK_OK(whist_circuit_make(out, name, &options, &err), err);
    return *out;
}

static void ciphers(size_t n, bool from_files)
{
    struct plan p;
    plan_init(&p, n);
    add_aes(&p, from_files ? published(&p, "aes_128.txt") : own(&p, "aes128"));
    add_sha256(&p, from_files ? published(&p, "sha256.txt") : own(&p, "sha256"));
    run(&p);
    plan_clear(&p);
}

static void numbers(size_t n, bool from_files)
{
    struct plan p;
    plan_init(&p, n);
    const struct whist_circuit *sum = from_files ? published(&p, "add64.txt") : own(&p, "add");
    const struct whist_circuit *product = from_files ? published(&p, "mul64.txt") : own(&p, "mul");
    long pairs = test_scale(from_files ? 200 : 40);
    add_numbers(&p, sum, product, pairs < MAX_RUNS / 2 ? (size_t)pairs : MAX_RUNS / 2);
    run(&p);
    plan_clear(&p);
}

#define CASES(X)                                                                                   \
    X(ciphers, 2)                                                                                  \
    X(ciphers, 3)                                                                                  \
    X(ciphers, 5)                                                                                  \
    X(numbers, 2)                                                                                  \
    X(numbers, 3)                                                                                  \
    X(numbers, 5)

#define CASE_FUNCTIONS(what, n)                                                                    \
    static void published_##what##_##n(void)                                                       \
    {                                                                                              \
        what(n, true);                                                                             \
    }                                                                                              \
    static void own_##what##_##n(void)                                                             \
    {                                                                                              \
        what(n, false);                                                                            \
    }
CASES(CASE_FUNCTIONS)

#define CASE_ENTRIES(what, n)                                                                      \
    {"published_" #what "_" #n, published_##what##_##n}, {"own_" #what "_" #n, own_##what##_##n},
static const struct test_case cases[] = {CASES(CASE_ENTRIES)};
TEST_MAIN(cases)
