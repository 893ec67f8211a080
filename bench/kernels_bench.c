/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Nanoseconds per item of every kernel of every table this machine has, on one core, with the raw
 * limits of the same machine beside them. Medians of several runs; the data lie in the cache. */
#include <stdio.h>

#include "crypto/crypto.h"

#define ITEMS    1024
#define COT_ROWS 4096
#define N_BLOCKS (COT_ROWS / 128)
#define RUNS     7
#define RUN_NS   10000000

struct bench {
    const struct whist_kernels *k;
    struct block *a, *b, *c, *d; /* COT_COLUMNS * N_BLOCKS blocks each, of random bytes */
    struct aes_key *keys;        /* 256 of them */
    uint64_t counter;
};

static struct block sink;

static void run_schedule(struct bench *s, size_t n)
{
    s->k->aes_schedule(s->keys, s->a, n);
}
static void run_ecb(struct bench *s, size_t n)
{
    s->k->aes_ecb(s->b, s->a, n, s->keys);
}
static void run_ctr(struct bench *s, size_t n)
{
    struct block counter = {s->counter++, 0};
    s->k->aes_ctr(s->b, n, s->keys, counter);
}
static void run_hash1(struct bench *s, size_t n)
{
    s->k->hash1(s->c, s->a, s->b, n);
}
static void run_hash2(struct bench *s, size_t n)
{
    s->k->hash2(s->c, s->d, s->a, s->b, sink, n / 2);
}
static void run_dot(struct bench *s, size_t n)
{
    sink = block_xor(sink, s->k->gf_dot(s->a, s->b, n));
}
static void run_dot2(struct bench *s, size_t n)
{
    struct block out[2];
    s->k->gf_dot2(out, s->a, s->b, s->c, n / 2);
    sink = block_xor(sink, block_xor(out[0], out[1]));
}
static void run_bit0(struct bench *s, size_t n)
{
    sink = block_xor(sink, s->k->bit0_dot(s->a, s->b, n));
}
static void run_bits(struct bench *s, size_t n)
{
    sink = block_xor(sink, s->k->bits_dot(s->a, (const uint8_t *)s->b, n));
}
/* 128 / k trees make the columns of n COTs; the last tree of k = 8 and so on fits exactly. */
static void run_expand(struct bench *s, size_t n, unsigned k)
{
    for (size_t tree = 0; tree < COT_COLUMNS / k; tree++) {
        s->k->cot_expand(s->a + tree * k * N_BLOCKS, N_BLOCKS, s->b, s->keys, (size_t)1 << k,
                         s->counter, n / 128, tree % 2 == 0);
    }
    s->counter += n / 128;
}
static void run_expand2(struct bench *s, size_t n)
{
    run_expand(s, n, 2);
}
static void run_expand4(struct bench *s, size_t n)
{
    run_expand(s, n, 4);
}
static void run_expand8(struct bench *s, size_t n)
{
    run_expand(s, n, 8);
}
static void run_transpose(struct bench *s, size_t n)
{
    s->k->transpose(s->b, s->a, N_BLOCKS, n / 128);
}
static void run_powers(struct bench *s, size_t n)
{
    whist_gf_powers(s->b, s->a[0], n);
}
static void run_memcpy(struct bench *s, size_t n)
{
    memcpy(s->b, s->a, n * sizeof(*s->a));
    __asm__ volatile("" ::: "memory");
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Median time of a call in ns. */
static double measure(struct bench *s, void (*run)(struct bench *, size_t), size_t n)
{
    double t[RUNS];
    long calls = 1;
    for (int i = -1; i < RUNS;) {
        int64_t start = whist_now_ns(), ns;
        for (long c = 0; c < calls; c++) {
            run(s, n);
        }
        ns = whist_now_ns() - start;
        if (i < 0) { /* warming up: find how many calls fill a run */
            if (ns < RUN_NS) {
                calls *= 2;
                continue;
            }
        } else {
            t[i] = (double)ns / (double)calls;
        }
        i++;
    }
    qsort(t, RUNS, sizeof(t[0]), by_value);
    return t[RUNS / 2];
}

static const struct row {
    const char *name;
    void (*run)(struct bench *, size_t);
    size_t items;
} rows[] = {
    {"aes_ctr, block", run_ctr, ITEMS},
    {"aes_ecb, block", run_ecb, ITEMS},
    {"aes_schedule, key", run_schedule, 256},
    {"hash1, hash", run_hash1, ITEMS},
    {"hash2, hash (two a tweak)", run_hash2, ITEMS},
    {"gf_dot, product", run_dot, ITEMS},
    {"gf_dot2, product (two a coefficient)", run_dot2, ITEMS},
    {"bit0_dot, bit", run_bit0, ITEMS},
    {"bits_dot, bit", run_bits, ITEMS},
    {"cot_expand k = 2, COT", run_expand2, COT_ROWS},
    {"cot_expand k = 4, COT", run_expand4, COT_ROWS},
    {"cot_expand k = 8, COT", run_expand8, COT_ROWS},
    {"transpose, COT", run_transpose, COT_ROWS},
    {"one call: aes_ctr of 1 block", run_ctr, 1},
    {"one call: hash1 of 1", run_hash1, 1},
    {"one call: hash1 of 3", run_hash1, 3},
    {"one call: hash2 of 1 tweak", run_hash2, 2},
    {"one call: gf_dot of 1", run_dot, 1},
};

static void print_tables(struct bench *s)
{
    static const char *const names[] = {"portable", "aesni", "vaes"};
    printf("%-38s %10s %10s %10s\n", "ns per item", names[0], names[1], names[2]);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("%-38s", rows[i].name);
        for (size_t t = 0; t < 3; t++) {
            s->k = whist_kernels_by_name(names[t]);
            if (s->k == NULL) {
                printf(" %10s", "-");
                continue;
            }
            printf(" %10.2f",
                   measure(s, rows[i].run, rows[i].items) /
                       (strncmp(rows[i].name, "one", 3) == 0 ? 1.0 : (double)rows[i].items));
            fflush(stdout);
        }
        printf("\n");
    }
}

int main(void)
{
    size_t count = (size_t)COT_COLUMNS * N_BLOCKS, bytes = count * sizeof(struct block);
    struct bench s = {0};
    struct prg prg;
    int status = 1;

    s.k = whist_kernels();
    s.keys = whist_alloc_aligned(256 * sizeof(*s.keys));
    struct block **arrays[] = {&s.a, &s.b, &s.c, &s.d};
    whist_prg_init(&prg, "kernels_bench.c.");
    for (size_t i = 0; i < 4; i++) {
        *arrays[i] = whist_alloc_aligned(bytes);
        if (*arrays[i] == NULL || s.keys == NULL) {
            fprintf(stderr, "out of memory\n");
            goto out;
        }
        whist_prg_blocks(&prg, *arrays[i], count);
    }
    s.k->aes_schedule(s.keys, s.a, 256);
    print_tables(&s);
    printf("\nwhist_gf_powers: %.2f ns a power\n", measure(&s, run_powers, ITEMS) / ITEMS);
    printf("limits: AES-CTR %.0f M blocks/s, memcpy %.2f ns per 16 bytes in L1, %.2f in L2\n",
           1000.0 * ITEMS / measure(&s, run_ctr, ITEMS), measure(&s, run_memcpy, 512) / 512,
           measure(&s, run_memcpy, count) / (double)count);
    status = 0;
out:
    for (size_t i = 0; i < 4; i++) {
        whist_free_aligned(*arrays[i], bytes);
    }
    whist_free_aligned(s.keys, 256 * sizeof(*s.keys));
    return status;
}
