/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Every kernel of every table bit for bit against the portable one, which other cases check against
 * definitions: random inputs, all small counts, in place, and nothing written past the end. */
#include "crypto_support.h"

#define SMALL  41  /* counts 0 … 40 */
#define LARGE  517 /* the largest count tried */
#define GUARD  4   /* blocks behind an output that must stay */
#define MEMORY (LARGE + GUARD)

static const struct whist_kernels *portable, *tested;

/* Counts of a sweep: all small ones, then some large. */
static size_t count_of(size_t step)
{
    static const size_t large[] = {63, 64, 65, 127, 128, 129, 255, 256, 511, LARGE};
    return step < SMALL ? step : large[step - SMALL];
}
#define N_COUNTS (SMALL + 10)

/* `got` begins with the n blocks of `want` and goes on with what was there before. */
static void check_blocks(const struct block *got, const struct block *want,
                         const struct block *before, size_t n, const char *what)
{
    CHECK_MSG(memcmp(got, want, n * 16) == 0, "%s of %s, %zu blocks", what, tested->name, n);
    CHECK_MSG(memcmp(got + n, before + n, GUARD * 16) == 0, "%s of %s wrote past %zu blocks", what,
              tested->name, n);
}

static struct block in0[MEMORY], in1[MEMORY], in2[MEMORY], want0[MEMORY], want1[MEMORY];
static struct block got0[MEMORY], got1[MEMORY], before[MEMORY];

static void fresh_inputs(void)
{
    random_blocks(in0, MEMORY);
    random_blocks(in1, MEMORY);
    random_blocks(in2, MEMORY);
    random_blocks(before, MEMORY);
    memcpy(got0, before, sizeof(before));
    memcpy(got1, before, sizeof(before));
}

static void compare_schedule(size_t n)
{
    static struct aes_key want[LARGE], got[LARGE + 1];
    struct block last = in0[n % 7];
    portable->aes_schedule(want, in0, n);
    for (size_t r = 0; r < 11; r++) {
        got[n].rk[r] = last;
    }
    tested->aes_schedule(got, in0, n);
    CHECK_MSG(memcmp(got, want, n * sizeof(got[0])) == 0, "schedule of %s, %zu keys", tested->name,
              n);
    for (size_t r = 0; r < 11; r++) {
        CHECK(block_equal(got[n].rk[r], last));
    }
}

static void compare_cipher(size_t n)
{
    struct aes_key key;
    struct block counter = in1[0];
    portable->aes_schedule(&key, in2, 1);
    portable->aes_ecb(want0, in0, n, &key);
    tested->aes_ecb(got0, in0, n, &key);
    check_blocks(got0, want0, before, n, "aes_ecb");
    memcpy(got1, in0, sizeof(in0));
    tested->aes_ecb(got1, got1, n, &key);
    check_blocks(got1, want0, in0, n, "aes_ecb in place");

    /* Every second time the low word overflows within the stream: no carry. */
    counter.lo = n % 2 == 0 ? UINT64_MAX - n / 2 : counter.lo;
    portable->aes_ctr(want0, n, &key, counter);
    memcpy(got0, before, sizeof(before));
    tested->aes_ctr(got0, n, &key, counter);
    check_blocks(got0, want0, before, n, "aes_ctr");
}

static void compare_hash1(size_t n)
{
    portable->hash1(want0, in0, in1, n);
    tested->hash1(got0, in0, in1, n);
    check_blocks(got0, want0, before, n, "hash1");
    memcpy(got0, in0, sizeof(in0));
    tested->hash1(got0, got0, in1, n);
    check_blocks(got0, want0, in0, n, "hash1 over x");
    memcpy(got0, in1, sizeof(in1));
    tested->hash1(got0, in0, got0, n);
    check_blocks(got0, want0, in1, n, "hash1 over t");
}

static void compare_hash2(size_t n)
{
    struct block delta = in2[0];
    portable->hash2(want0, want1, in0, in1, delta, n);
    tested->hash2(got0, got1, in0, in1, delta, n);
    check_blocks(got0, want0, before, n, "hash2, first");
    check_blocks(got1, want1, before, n, "hash2, second");
    memcpy(got0, in0, sizeof(in0));
    memcpy(got1, in1, sizeof(in1));
    tested->hash2(got0, got1, got0, got1, delta, n);
    check_blocks(got0, want0, in0, n, "hash2 over x");
    check_blocks(got1, want1, in1, n, "hash2 over t");
    memcpy(got0, in1, sizeof(in1));
    memcpy(got1, in0, sizeof(in0));
    tested->hash2(got0, got1, got1, got0, delta, n);
    check_blocks(got0, want0, in1, n, "hash2, first over t");
    check_blocks(got1, want1, in0, n, "hash2, second over x");
}

static void compare_dot(size_t n)
{
    struct block want[2], got[2];
    CHECK(block_equal(tested->gf_dot(in0, in1, n), portable->gf_dot(in0, in1, n)));
    CHECK(block_equal(tested->gf_dot(in0, in0, n), portable->gf_dot(in0, in0, n)));
    portable->gf_dot2(want, in0, in1, in2, n);
    tested->gf_dot2(got, in0, in1, in2, n);
    CHECK_MSG(memcmp(got, want, sizeof(want)) == 0, "gf_dot2 of %s, %zu", tested->name, n);
    CHECK(block_equal(tested->bit0_dot(in0, in1, n), portable->bit0_dot(in0, in1, n)));
    CHECK(block_equal(tested->bits_dot(in0, (const uint8_t *)in1, n),
                      portable->bits_dot(in0, (const uint8_t *)in1, n)));
}

#define COT_BLOCKS 32
#define COT_STRIDE (COT_BLOCKS + 3)

static void compare_cot_expand(unsigned k, size_t n_blocks, bool skip0)
{
    static struct aes_key leaves[256];
    static struct block seeds[256], want[9 * COT_STRIDE], got[9 * COT_STRIDE];
    uint64_t counter = n_blocks % 3 == 0 ? UINT64_MAX - 1 : 77 + n_blocks;
    size_t n_leaves = (size_t)1 << k;

    random_blocks(seeds, n_leaves);
    portable->aes_schedule(leaves, seeds, n_leaves);
    random_blocks(want, 9 * COT_STRIDE);
    memcpy(got, want, sizeof(want));
    portable->cot_expand(want, COT_STRIDE, want + 8 * COT_STRIDE, leaves, n_leaves, counter,
                         n_blocks, skip0);
    if (skip0) {
        random_blocks(leaves[0].rk, 11);
    }
    tested->cot_expand(got, COT_STRIDE, got + 8 * COT_STRIDE, leaves, n_leaves, counter, n_blocks,
                       skip0);
    CHECK_MSG(memcmp(got, want, sizeof(want)) == 0, "cot_expand of %s: k = %u, %zu blocks, skip %d",
              tested->name, k, n_blocks, skip0);
}

static void compare_transpose(size_t n_blocks, size_t stride)
{
    static struct block cols[COT_COLUMNS * COT_STRIDE], want[COT_COLUMNS * COT_BLOCKS + GUARD];
    static struct block got[COT_COLUMNS * COT_BLOCKS + GUARD];
    random_blocks(cols, COT_COLUMNS * COT_STRIDE);
    random_blocks(want, COT_COLUMNS * COT_BLOCKS + GUARD);
    memcpy(got, want, sizeof(want));
    portable->transpose(want, cols, stride, n_blocks);
    tested->transpose(got, cols, stride, n_blocks);
    CHECK_MSG(memcmp(got, want, sizeof(want)) == 0, "transpose of %s: %zu blocks, stride %zu",
              tested->name, n_blocks, stride);
}

static void compare_table(const char *name)
{
    portable = whist_kernels_by_name("portable");
    tested = whist_kernels_by_name(name);
    if (tested == NULL) {
        SKIP("this machine or build has no %s kernels", name);
    }
    for (size_t step = 0; step < N_COUNTS; step++) {
        size_t n = count_of(step);
        void (*const compare[])(size_t) = {compare_schedule, compare_cipher, compare_hash1,
                                           compare_hash2, compare_dot};
        for (size_t i = 0; i < sizeof(compare) / sizeof(compare[0]); i++) {
            fresh_inputs();
            compare[i](n);
        }
    }
    for (size_t n = 0; n <= COT_BLOCKS; n++) {
        static const unsigned depths[] = {2, 4, 8, 3, 5};
        for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
            compare_cot_expand(depths[i], n, false);
            compare_cot_expand(depths[i], n, true);
        }
        compare_transpose(n, n);
        compare_transpose(n, COT_STRIDE);
    }
}

static void aesni_equals_portable(void)
{
    compare_table("aesni");
}

static void vaes_equals_portable(void)
{
    compare_table("vaes");
}

/* Aliasing and the ends of the portable table itself. */
static void portable_equals_portable(void)
{
    compare_table("portable");
}

/* ---- The portable table against the definitions ---- */

static void hash_is_aes_under_the_tweak(void)
{
    portable = whist_kernels_by_name("portable");
    random_blocks(in0, 20);
    random_blocks(in1, 20);
    random_blocks(in2, 1);
    portable->hash2(want0, want1, in0, in1, in2[0], 20);
    portable->hash1(got0, in0, in1, 20);
    for (size_t i = 0; i < 20; i++) {
        for (int second = 0; second < 2; second++) {
            struct block x = second != 0 ? block_xor(in0[i], in2[0]) : in0[i], y;
            struct block sigma = {x.hi, x.hi ^ x.lo};
            struct aes_key key;
            portable->aes_schedule(&key, &in1[i], 1);
            portable->aes_ecb(&y, &sigma, 1, &key);
            y = block_xor(y, sigma);
            CHECK(block_equal(y, second != 0 ? want1[i] : want0[i]));
            CHECK(second != 0 || block_equal(y, got0[i]));
        }
    }
}

static bool bit_of(const struct block *b, size_t i)
{
    return (((const uint8_t *)b)[i / 8] >> (i % 8) & 1) != 0;
}

static void transpose_moves_bits(void)
{
    static struct block cols[COT_COLUMNS * 5], rows[COT_COLUMNS * 3];
    portable = whist_kernels_by_name("portable");
    random_blocks(cols, COT_COLUMNS * 5);
    portable->transpose(rows, cols, 5, 3);
    for (size_t r = 0; r < COT_COLUMNS * 3; r++) {
        for (size_t c = 0; c < COT_COLUMNS; c++) {
            CHECK(bit_of(&rows[r], c) == bit_of(&cols[c * 5], r));
        }
    }
}

static void cot_expand_sums_streams(void)
{
    static struct block cols[4 * 9], sum[7], streams[16][7];
    static struct aes_key leaves[16];
    portable = whist_kernels_by_name("portable");
    random_blocks(in0, 16);
    portable->aes_schedule(leaves, in0, 16);
    for (size_t y = 0; y < 16; y++) {
        struct block counter = {1000, 0};
        portable->aes_ctr(streams[y], 7, &leaves[y], counter);
    }
    for (int skip = 0; skip < 2; skip++) {
        portable->cot_expand(cols, 9, sum, leaves, 16, 1000, 7, skip != 0);
        for (size_t i = 0; i < 7; i++) {
            struct block want[5] = {{0, 0}};
            for (size_t y = skip != 0 ? 1 : 0; y < 16; y++) {
                for (size_t b = 0; b < 4; b++) {
                    want[b] = block_xor(want[b], block_and_bit(streams[y][i], y >> b));
                }
                want[4] = block_xor(want[4], streams[y][i]);
            }
            for (size_t b = 0; b < 4; b++) {
                CHECK(block_equal(cols[b * 9 + i], want[b]));
            }
            CHECK(block_equal(sum[i], want[4]));
        }
    }
}

static void bit_sums_select_coefficients(void)
{
    portable = whist_kernels_by_name("portable");
    random_blocks(in0, 100);
    random_blocks(in1, 100);
    for (size_t n = 0; n <= 100; n++) {
        struct block packed = {0, 0}, low = {0, 0};
        for (size_t i = 0; i < n; i++) {
            packed = bit_of(in1, i) ? block_xor(packed, in0[i]) : packed;
            low = bit_of(&in1[i], 0) ? block_xor(low, in0[i]) : low;
        }
        CHECK(block_equal(portable->bits_dot(in0, (const uint8_t *)in1, n), packed));
        CHECK(block_equal(portable->bit0_dot(in0, in1, n), low));
    }
}

static void dispatch_is_constant(void)
{
    const struct whist_kernels *k = whist_kernels();
    CHECK(k != NULL && k == whist_kernels() && k == whist_kernels_by_name(k->name));
    CHECK(whist_kernels_by_name("none") == NULL && whist_kernels_by_name("") == NULL);
    CHECK(whist_kernels_by_name("portable") != NULL);
    if (whist_kernels_by_name("vaes") != NULL) {
        CHECK(strcmp(k->name, "vaes") == 0);
    }
}

static const struct test_case cases[] = {
    {"aesni_equals_portable", aesni_equals_portable},
    {"vaes_equals_portable", vaes_equals_portable},
    {"portable_equals_portable", portable_equals_portable},
    {"hash_is_aes_under_the_tweak", hash_is_aes_under_the_tweak},
    {"transpose_moves_bits", transpose_moves_bits},
    {"cot_expand_sums_streams", cot_expand_sums_streams},
    {"bit_sums_select_coefficients", bit_sums_select_coefficients},
    {"dispatch_is_constant", dispatch_is_constant},
};
TEST_MAIN(cases)
