/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a run costs: counted bytes against the formulas of docs/protocol.md, and memory. */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "jobs.h"
#include "mpc/session.h"
#include "parties.h"

#define MAX_PARTIES 5
#define COT_K       4

/* ---- Counting ---- */

/* The terms of the formula, of all parties together, in bytes. */
struct bytes {
    double cot, u, openings, tables, lambda, all;
};

static struct whist_channel *with_stats(void *ctx, size_t party, struct whist_channel *ch)
{
    struct whist_error err;
    (void)ctx;
    (void)party;
    CHECK_OK(whist_channel_stats_new(&ch, ch, &err), err);
    return ch;
}

static void add_rows(struct bytes *sum, const struct whist_stats_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *phase = rows[i].phase;
        double sent = (double)rows[i].bytes_sent;
        sum->all += sent;
        sum->cot += strcmp(phase, "chunk.cot") == 0 ? sent : 0;
        sum->u += strcmp(phase, "leaky.u") == 0 ? sent : 0;
        sum->openings += strcmp(phase, "leaky.d.open") == 0 ? sent : 0;
        sum->openings += strcmp(phase, "and.open") == 0 ? sent : 0;
        sum->tables += strcmp(phase, "tables") == 0 ? sent : 0;
        sum->lambda += strcmp(phase, "label.check") == 0 ? sent : 0;
    }
}

static void count(void *ctx, size_t party, struct whist_session *session, struct whist_channel *ch,
                  struct party_result *result)
{
    struct bytes *sum = (struct bytes *)ctx + party;
    struct whist_stats_row rows[500];
    size_t n = whist_channel_stats(ch, rows, 500);
    (void)session;
    (void)result;
    CHECK(n > 0 && n <= 500);
    add_rows(sum, rows, n);
}

/* One run of m ANDs in one chunk, with everything that belongs to it, hello and set-up too. */
static struct bytes measure(size_t n, uint64_t m)
{
    uint8_t inputs[128];
    struct bytes of[MAX_PARTIES] = {{0}}, sum = {0};
    struct party_result res[MAX_PARTIES];
    struct party_watch watch = {.ended = count, .ctx = of};
    struct party_setup setup = {.n = n,
                                .synthetic_ands = m,
                                .inputs = inputs,
                                .options = {.cot_k = COT_K},
                                .watch = &watch,
                                .wrap = with_stats};
    for (size_t i = 0; i < sizeof inputs; i++) {
        inputs[i] = mix(m + i) & 1;
    }
    parties_run(res, &setup);
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(res[i].status, res[i].err);
        sum.cot += of[i].cot;
        sum.u += of[i].u;
        sum.openings += of[i].openings;
        sum.tables += of[i].tables;
        sum.lambda += of[i].lambda;
        sum.all += of[i].all;
    }
    parties_clear(res, n);
    return sum;
}

/* ---- Formulas ---- */

static struct bytes formula(size_t parties, unsigned B)
{
    double n = (double)parties, pairs = n * (n - 1);
    struct bytes f = {.cot = 4 * 3 * B * pairs,
                      .u = 16 * B * pairs,
                      .openings = 2 * B * pairs / 8,
                      .tables = 16 * (n - 1) * (3 * n - 4) + 1.0 / 8, /* with b_γ */
                      .lambda = (n - 1) / 8};
    f.all = f.cot + f.u + f.openings + f.tables + f.lambda;
    return f;
}

static void near(const char *term, double got, double want, double slack)
{
    CHECK_MSG(got >= want * (1 - slack) && got <= want * (1 + slack),
              "%s: %.3f bytes an AND, the formula says %.3f", term, got, want);
}

/* What one more AND costs: the difference of two runs is free of the costs of a run. */
static void compare(size_t n, unsigned B, uint64_t m1, uint64_t m2)
{
    for (uint64_t m = m1; m <= m2; m += m2 - m1) {
        unsigned chosen;
        uint64_t l;
        whist_bucket_choose(40, m, &chosen, &l);
        CHECK(chosen == B && l == m && whist_chunk_size(40, m) >= m);
    }
    struct bytes a = measure(n, m1), b = measure(n, m2), f = formula(n, B);
    double d = (double)(m2 - m1);
    printf("n %zu, B %u: %.2f bytes an AND, %.2f with everything at %llu ANDs\n", n, B,
           (b.all - a.all) / d, b.all / (double)m2, (unsigned long long)m2);
    near("correlated OT", (b.cot - a.cot) / d, f.cot, 0.01);
    near("U", (b.u - a.u) / d, f.u, 0.0001);
    near("openings", (b.openings - a.openings) / d, f.openings, 0.01);
    near("tables", (b.tables - a.tables) / d, f.tables, 0.001);
    near("Λ", (b.lambda - a.lambda) / d, f.lambda, 0.01);
    near("all", (b.all - a.all) / d, f.all, 0.01);
    if (B == 3) {
        double most = n == 2 ? 205 : n == 3 ? 680 : 2430;
        CHECK_MSG(b.all / (double)m2 <= most, "n %zu: %.1f bytes an AND in all", n,
                  b.all / (double)m2);
    }
}

static void buckets_of_five(void)
{
    compare(2, 5, 1000, 3000);
    compare(3, 5, 1000, 3000);
    compare(5, 5, 1000, 3000);
}

static void buckets_of_four(void)
{
    compare(2, 4, 10000, 30000);
    compare(3, 4, 10000, 30000);
    compare(5, 4, 10000, 30000);
}

static void buckets_of_three(void)
{
    if (test_scale(10) < 10) {
        SKIP("400,000 ANDs take too long here");
    }
    compare(2, 3, 400000, 430000);
    compare(3, 3, 400000, 430000);
    if (test_scale(1) > 1) { /* 3 GB and a minute */
        compare(5, 3, 400000, 430000);
    }
}

/* ---- Memory ---- */

/* Peak memory in bytes of a process that runs `chunks` chunks of two parties. */
static double peak_of(uint64_t chunk, uint64_t chunks)
{
    static const uint8_t inputs[128];
    struct rusage usage;
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct party_result res[2];
        struct party_setup setup = {.n = 2,
                                    .synthetic_ands = chunk * chunks,
                                    .inputs = inputs,
                                    .options = {.chunk_ands = chunk}};
        parties_run(res, &setup);
        CHECK_OK(res[0].status, res[0].err);
        CHECK_OK(res[1].status, res[1].err);
        parties_clear(res, 2);
        exit(0);
    }
    CHECK(wait4(child, &status, 0, &usage) == child && status == 0);
    return (double)usage.ru_maxrss * 1024;
}

/* Memory follows the chunk, not the circuit. */
static void memory_of_long_circuits(void)
{
    if (test_scale(10) < 10) {
        SKIP("sanitizers keep memory that was freed");
    }
    double two = peak_of(20000, 2), twelve = peak_of(20000, 12), large = peak_of(80000, 2);
    printf("peak: %.1f MB for 2 chunks, %.1f MB for 12, %.1f MB for 2 of 4 times the size\n",
           two / 1e6, twelve / 1e6, large / 1e6);
    CHECK_MSG(twelve < 1.3 * two, "%.1f MB for 2 chunks, %.1f MB for 12", two / 1e6, twelve / 1e6);
    CHECK(large > 1.5 * two); /* so the measure shows memory that is kept */
}

static const struct test_case cases[] = {
    {"buckets_of_five", buckets_of_five},
    {"buckets_of_four", buckets_of_four},
    {"buckets_of_three", buckets_of_three},
    {"memory_of_long_circuits", memory_of_long_circuits},
};
TEST_MAIN(cases)
