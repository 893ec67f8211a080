/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Runs everything that computes on secrets over memory that was never written. Under valgrind's
 * memcheck, which follows undefined values through registers, a branch or an address that depends
 * on a secret is then an error. Alone this program checks nothing: ctest runs it under valgrind. */
#include "crypto_support.h"

#define COUNT    40
#define N_LEAVES 16

/* Memory whose bytes memcheck holds for undefined, and the compiler for anything. */
static void *secret(size_t len)
{
    void *p = whist_alloc_aligned(len);
    CHECK(p != NULL);
    __asm__ volatile("" : "+r"(p) : : "memory");
    return p;
}

static struct block *secret_blocks(size_t count)
{
    return secret(count * sizeof(struct block));
}

static void run_aes(const struct whist_kernels *k, struct block *out, const struct block *in,
                    size_t n)
{
    struct aes_key *keys = secret(COUNT * sizeof(*keys));
    k->aes_schedule(keys, in, n);
    k->aes_ecb(out, in, n, keys);
    k->aes_ctr(out, n, keys, in[0]);
    k->hash1(out, in, in + 1, n);
    k->hash2(out, out + COUNT, in, in + 1, in[2], n);
    whist_free_aligned(keys, COUNT * sizeof(*keys));
}

static void run_field(const struct whist_kernels *k, struct block *out, const struct block *in,
                      size_t n)
{
    out[0] = k->gf_dot(in, in + 1, n);
    k->gf_dot2(out + 1, in, in + 1, in + 2, n);
    out[3] = k->bit0_dot(in, in + 1, n);
    out[4] = k->bits_dot(in, (const uint8_t *)in, n);
}

static void run_cot(const struct whist_kernels *k)
{
    size_t stride = 5, len = COT_COLUMNS * stride;
    struct block *cols = secret_blocks(len), *rows = secret_blocks(len), *seeds = secret_blocks(16);
    struct aes_key *leaves = secret(N_LEAVES * sizeof(*leaves));
    k->aes_schedule(leaves, seeds, N_LEAVES);
    k->cot_expand(cols, stride, rows, leaves, N_LEAVES, 7, stride, false);
    k->cot_expand(cols, stride, rows, leaves, N_LEAVES, 7, stride, true);
    k->transpose(rows, cols, stride, stride);
    whist_free_aligned(cols, len * sizeof(*cols));
    whist_free_aligned(rows, len * sizeof(*rows));
    whist_free_aligned(seeds, 16 * sizeof(*seeds));
    whist_free_aligned(leaves, N_LEAVES * sizeof(*leaves));
}

static void run_layer(struct block *out, const struct block *in)
{
    uint8_t digest[WHIST_HASH_LEN];
    struct prg prg;
    whist_prg_init(&prg, in);
    whist_prg_bytes(&prg, out, 55);
    whist_prg_blocks(&prg, out, 20);
    whist_prg_clear(&prg);
    out[0] = whist_gf_mul(in[0], in[1]);
    out[1] = whist_gf_double(in[0]);
    out[2] = whist_gf_pack(in, COUNT);
    whist_gf_powers(out + 3, in[0], 20);
    whist_commit(digest, whist_bytes("context", 7), whist_bytes(in, 100), (const uint8_t *)in);
}

static void run_table(const char *name)
{
    const struct whist_kernels *k = whist_kernels_by_name(name);
    struct block *in = secret_blocks(COUNT + 2), *out = secret_blocks(2 * COUNT);
    for (size_t n = 0; k != NULL && n <= COUNT; n++) {
        run_aes(k, out, in, n);
        run_field(k, out, in, n);
    }
    if (k != NULL) {
        run_cot(k);
    }
    run_layer(out, in);
    whist_free_aligned(in, (COUNT + 2) * sizeof(*in));
    whist_free_aligned(out, 2 * COUNT * sizeof(*out));
}

static void portable(void)
{
    run_table("portable");
}

static void aesni(void)
{
    run_table("aesni");
}

/* The other way round: this must be reported, or the cases above prove nothing. */
static void branch_is_seen(void)
{
    struct block *in = secret_blocks(2);
    struct block r = whist_gf_mul(in[0], in[1]);
    if (block_bit0(r) != 0) {
        puts("a secret bit is set");
    }
    whist_free_aligned(in, 2 * sizeof(*in));
}

static const struct test_case cases[] = {
    {"portable", portable},
    {"aesni", aesni},
    {"branch_is_seen", branch_is_seen},
};
TEST_MAIN(cases)
