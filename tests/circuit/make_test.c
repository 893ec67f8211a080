/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Circuits by name, except AES-128 and SHA-256 (vectors_test.c). */
#include "circuit_support.h"

enum { MAX_BITS = 4096 };

static struct whist_circuit *make(const char *name, size_t bits, size_t bidders, size_t operands)
{
    struct whist_make_options o = {bits, bidders, operands};
    struct whist_circuit *c;
    struct whist_error err;
    CHECK_OK(whist_circuit_make(&c, name, &o, &err), err);
    return c;
}

/* Evaluates on numbers of `bits` bits, one for each input; writes one for each output. */
static void run(const struct whist_circuit *c, uint64_t *out, const uint64_t *in, size_t bits)
{
    static uint8_t in_bits[MAX_BITS], out_bits[MAX_BITS];
    struct whist_error err;
    size_t n, at = 0;
    const uint32_t *widths = whist_circuit_input_widths(c, &n);

    for (size_t i = 0; i < n; i++) {
        CHECK(widths[i] == bits);
        for (size_t k = 0; k < bits; k++) {
            in_bits[i * bits + k] = in[i] >> k & 1;
        }
    }
    CHECK_OK(whist_circuit_eval(c, out_bits, in_bits, &err), err);
    widths = whist_circuit_output_widths(c, &n);
    for (size_t i = 0; i < n; i++) {
        out[i] = 0;
        for (size_t k = 0; k < widths[i]; k++) {
            out[i] |= (uint64_t)out_bits[at++] << k;
        }
    }
}

static uint64_t mask(size_t bits)
{
    return bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;
}

/* Random numbers, often equal or small. */
static void random_numbers(struct rng *rng, uint64_t *v, size_t n, size_t bits)
{
    uint32_t kind = rng_below(rng, 3);
    for (size_t i = 0; i < n; i++) {
        uint64_t r = rng_next(rng);
        v[i] = (kind == 0 ? r : kind == 1 ? r % 4 : mask(bits) - r % 3) & mask(bits);
    }
}

static void arithmetic(void)
{
    static const size_t widths[] = {1, 2, 7, 8, 16, 31, 32, 33, 64};
    struct rng rng = {2};
    uint64_t v[2], out[2];

    for (size_t w = 0; w < sizeof widths / sizeof widths[0]; w++) {
        size_t bits = widths[w];
        struct whist_circuit *add = make("add", bits, 0, 0), *mul = make("mul", bits, 0, 0);
        struct whist_circuit *div = make("div", bits, 0, 0), *cmp = make("compare", bits, 0, 0);
        for (int i = 0; i < 200; i++) {
            random_numbers(&rng, v, 2, bits);
            run(add, out, v, bits);
            CHECK(out[0] == ((v[0] + v[1]) & mask(bits)));
            run(mul, out, v, bits);
            CHECK(out[0] == ((v[0] * v[1]) & mask(bits)));
            run(div, out, v, bits);
            CHECK(out[0] == (v[1] == 0 ? mask(bits) : v[0] / v[1]));
            CHECK(out[1] == (v[1] == 0 ? v[0] : v[0] % v[1]));
            run(cmp, out, v, bits);
            CHECK(out[0] == (v[0] < v[1]) && out[1] == (v[0] == v[1]));
        }
        whist_circuit_free(add);
        whist_circuit_free(mul);
        whist_circuit_free(div);
        whist_circuit_free(cmp);
    }
}

static void many_operands(void)
{
    struct rng rng = {3};
    uint64_t v[17], out[1];

    for (size_t n = 2; n <= 17; n++) {
        size_t bits = 1 + rng_below(&rng, 64);
        struct whist_circuit *add = make("add", bits, 0, n), *max = make("max", bits, 0, n);
        for (int i = 0; i < 50; i++) {
            uint64_t sum = 0, most = 0;
            random_numbers(&rng, v, n, bits);
            for (size_t k = 0; k < n; k++) {
                sum += v[k];
                most = v[k] > most ? v[k] : most;
            }
            run(add, out, v, bits);
            CHECK(out[0] == (sum & mask(bits)));
            run(max, out, v, bits);
            CHECK(out[0] == most);
        }
        CHECK(add->n_ands <= (n - 1) * (bits - 1) && max->n_ands == (n - 1) * 2 * bits);
        whist_circuit_free(add);
        whist_circuit_free(max);
    }
}

/* Second price: the winner has the highest bid and the lowest index of these; pays the highest of
 * the other bids. */
static void check_auction(const struct whist_circuit *c, const uint64_t *bids, size_t n,
                          size_t bits)
{
    uint64_t out[2], second = 0;
    size_t winner = 0;

    for (size_t i = 1; i < n; i++) {
        winner = bids[i] > bids[winner] ? i : winner;
    }
    for (size_t i = 0; i < n; i++) {
        second = i != winner && bids[i] > second ? bids[i] : second;
    }
    run(c, out, bids, bits);
    CHECK_MSG(out[0] == winner && out[1] == second,
              "%zu bidders: winner %llu, not %zu, price %llu, not %llu", n,
              (unsigned long long)out[0], winner, (unsigned long long)out[1],
              (unsigned long long)second);
}

static void auction(void)
{
    struct rng rng = {4};
    uint64_t bids[40];

    for (size_t n = 2; n <= 40; n++) {
        size_t bits = n == 3 ? 32 : 1 + rng_below(&rng, 64);
        struct whist_circuit *c = make("auction", bits, n, 0);
        for (int i = 0; i < 200; i++) {
            random_numbers(&rng, bids, n, bits);
            check_auction(c, bids, n, bits);
        }
        whist_circuit_free(c);
    }
}

/* All auctions of three and of five small bids. */
static void auction_exhaustive(void)
{
    for (size_t n = 3; n <= 5; n += 2) {
        struct whist_circuit *c = make("auction", 2, n, 0);
        for (uint64_t all = 0; all < (uint64_t)1 << 2 * n; all++) {
            uint64_t bids[5];
            for (size_t i = 0; i < n; i++) {
                bids[i] = all >> 2 * i & 3;
            }
            check_auction(c, bids, n, 2);
        }
        whist_circuit_free(c);
    }
}

static void defaults_and_shapes(void)
{
    static const struct {
        const char *name;
        size_t n_in, in_bits, n_out, out_bits[2];
        uint64_t n_ands;
    } want[] = {
        {"add", 2, 32, 1, {32, 0}, 31},        {"mul", 2, 32, 1, {32, 0}, 558},
        {"div", 2, 32, 2, {32, 32}, 652},      {"max", 2, 32, 1, {32, 0}, 64},
        {"compare", 2, 32, 2, {1, 1}, 63},     {"auction", 3, 32, 2, {2, 32}, 193},
        {"aes128", 2, 128, 1, {128, 0}, 6400}, {"sha256", 2, 0, 1, {256, 0}, 22271},
    };
    struct rng rng = {5};

    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        struct whist_circuit *c;
        struct whist_error err;
        const char *description = NULL;
        CHECK(strcmp(whist_circuit_make_name(i, &description), want[i].name) == 0);
        CHECK(description != NULL && description[0] != 0);
        CHECK_OK(whist_circuit_make(&c, want[i].name, NULL, &err), err);
        CHECK(c->n_inputs == want[i].n_in && c->n_outputs == want[i].n_out);
        for (size_t k = 0; k < c->n_inputs && want[i].in_bits != 0; k++) {
            CHECK(c->input_widths[k] == want[i].in_bits);
        }
        for (size_t k = 0; k < c->n_outputs; k++) {
            CHECK(c->output_widths[k] == want[i].out_bits[k]);
        }
        CHECK_MSG(c->n_ands == want[i].n_ands, "%s: %llu ANDs", want[i].name,
                  (unsigned long long)c->n_ands);
        check_source_equals_circuit(&rng, c);
        whist_circuit_free(c);
    }
    CHECK(whist_circuit_make_name(8, NULL) == NULL);
}

static void wrong_parameters_are_refused(void)
{
    static const struct whist_make_options bad[] = {
        {.bits = MAX_BITS + 1}, {.bits = SIZE_MAX}, {.bidders = 1},
        {.bidders = SIZE_MAX},  {.operands = 1},    {.operands = 100000},
    };
    struct whist_circuit *c = NULL;
    struct whist_error err;

    CHECK(whist_circuit_make(&c, "nothing", NULL, &err) == WHIST_ERR_ARGUMENT);
    CHECK(strstr(err.text, "'nothing'") != NULL);
    CHECK(whist_circuit_make(&c, "", NULL, &err) == WHIST_ERR_ARGUMENT);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(whist_circuit_make(&c, "auction", &bad[i], &err) == WHIST_ERR_ARGUMENT);
    }
    CHECK(c == NULL);
}

static void every_allocation_may_fail(void)
{
    static const char *const names[] = {"add", "mul", "div", "max", "compare", "auction", "aes128"};
    struct whist_make_options o = {.bits = 12, .bidders = 5, .operands = 3};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        whist_status st = WHIST_ERR_NOMEM;
        for (long fail = 0; st != WHIST_OK; fail++) {
            struct whist_circuit *c = NULL;
            struct whist_error err;
            whist_alloc_fail_after(fail);
            st = whist_circuit_make(&c, names[i], &o, &err);
            whist_alloc_fail_after(-1);
            CHECK(st == WHIST_OK ? c != NULL : st == WHIST_ERR_NOMEM && c == NULL);
            whist_circuit_free(c);
        }
    }
}

static const struct test_case cases[] = {
    {"arithmetic", arithmetic},
    {"many_operands", many_operands},
    {"auction", auction},
    {"auction_exhaustive", auction_exhaustive},
    {"defaults_and_shapes", defaults_and_shapes},
    {"wrong_parameters_are_refused", wrong_parameters_are_refused},
    {"every_allocation_may_fail", every_allocation_may_fail},
};
TEST_MAIN(cases)
