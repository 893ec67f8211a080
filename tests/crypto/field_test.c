/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* GF(2^128): published products, field axioms, and a bit-wise reference. */
#include "crypto_support.h"

static struct block one(void)
{
    struct block r = {1, 0};
    return r;
}

/* Schoolbook: shift and add, one bit at a time. */
static struct block slow_mul(struct block a, struct block b)
{
    struct block r = {0, 0};
    for (unsigned i = 0; i < 128; i++) {
        bool top = (r.hi >> 63) != 0;
        uint64_t word = i < 64 ? b.hi : b.lo;
        r.hi = r.hi << 1 | r.lo >> 63;
        r.lo = r.lo << 1 ^ (top ? 0x87 : 0);
        r = (word >> (63 - i % 64) & 1) != 0 ? block_xor(r, a) : r;
    }
    return r;
}

static struct block mul(const struct whist_kernels *k, struct block a, struct block b)
{
    return k->gf_dot(&a, &b, 1);
}

/* GHASH writes the coefficient of X^0 into the highest bit of the first byte (SP 800-38D §6.3): its
 * blocks are ours with the bits of every byte reversed. */
static struct block ghash_block(const char *hex)
{
    uint8_t b[16], r[16];
    hex_bytes(b, sizeof(b), hex);
    for (size_t i = 0; i < 16; i++) {
        unsigned v = 0;
        for (unsigned j = 0; j < 8; j++) {
            v |= (b[i] >> j & 1U) << (7 - j);
        }
        r[i] = (uint8_t)v;
    }
    return block_load(r);
}

/* The GCM specification's test case 2. */
static void check_gcm(const struct whist_kernels *k)
{
    struct block h = ghash_block("66e94bd4ef8a2c3b884cfa59ca342b2e");
    struct block x1 = mul(k, ghash_block("0388dace60b6a392f328c2b971b2fe78"), h), x2;
    CHECK(block_equal(x1, ghash_block("5e2ec746917062882c85b0685353deb7")));
    x2 = mul(k, block_xor(x1, ghash_block("00000000000000000000000000000080")), h);
    CHECK(block_equal(x2, ghash_block("f38cbb1ad69223dcc3457ae5b6b0f885")));
}

static void products_of_gcm(void)
{
    for_each_table(check_gcm);
}

static struct block reversed(const char *hex)
{
    uint8_t b[16], r[16];
    hex_bytes(b, sizeof(b), hex);
    for (size_t i = 0; i < 16; i++) {
        r[i] = b[15 - i];
    }
    char out[33];
    sodium_bin2hex(out, sizeof(out), r, sizeof(r));
    return ghash_block(out);
}

/* RFC 8452 appendix A: POLYVAL(H, X_1, X_2) = ByteReverse(GHASH(mulX(ByteReverse(H)),
 * ByteReverse(X_1), ByteReverse(X_2))); multiplication by X is ours on both sides. */
static void check_polyval(const struct whist_kernels *k)
{
    struct block h = whist_gf_double(reversed("25629347589242761d31f826ba4b757b"));
    struct block x1 = reversed("4f4f95668c83dfb6401762bb2d01a262");
    struct block x2 = reversed("d1a24ddd2721d006bbe45f20d3c9f362");
    struct block r = mul(k, block_xor(mul(k, x1, h), x2), h);
    CHECK(block_equal(h, ghash_block("dcbaa5dd137c188ebb21492c23c9b112")));
    CHECK(block_equal(r, reversed("f7a3b47b846119fae5b7866cf5e5b77e")));
    /* The same as one inner product with powers of h. */
    struct block x[2] = {x1, x2}, powers[2] = {mul(k, h, h), h};
    CHECK(block_equal(r, k->gf_dot(x, powers, 2)));
}

static void polyval_rfc8452(void)
{
    for_each_table(check_polyval);
}

static void check_bitwise(const struct whist_kernels *k)
{
    struct block a[40], b[40], c[40], want, want2, got[2];
    for (long run = test_scale(100); run > 0; run--) {
        random_blocks(a, 40);
        random_blocks(b, 40);
        random_blocks(c, 40);
        memset(&want, 0, sizeof(want));
        memset(&want2, 0, sizeof(want2));
        for (size_t n = 0; n <= 40; n++) {
            CHECK_MSG(block_equal(k->gf_dot(a, b, n), want), "%s, %zu", k->name, n);
            k->gf_dot2(got, a, b, c, n);
            CHECK_MSG(block_equal(got[0], want) && block_equal(got[1], want2), "%s, %zu", k->name,
                      n);
            if (n < 40) {
                want = block_xor(want, slow_mul(a[n], b[n]));
                want2 = block_xor(want2, slow_mul(a[n], c[n]));
            }
        }
    }
}

static void inner_products_bit_by_bit(void)
{
    for_each_table(check_bitwise);
}

static void check_axioms(const struct whist_kernels *k)
{
    struct block zero = {0, 0}, ones = {UINT64_MAX, UINT64_MAX};
    for (int i = 0; i < 100; i++) {
        struct block a = i == 0 ? ones : random_block(), b = random_block(), c = random_block();
        struct block power = a, inverse = one();
        CHECK(block_equal(mul(k, a, b), mul(k, b, a)));
        CHECK(block_equal(mul(k, a, mul(k, b, c)), mul(k, mul(k, a, b), c)));
        CHECK(block_equal(mul(k, a, block_xor(b, c)), block_xor(mul(k, a, b), mul(k, a, c))));
        CHECK(block_equal(mul(k, a, one()), a) && block_equal(mul(k, a, zero), zero));
        /* a^(2^128 − 2) is the inverse: the product of a^(2^i), 1 ≤ i ≤ 127. */
        for (unsigned j = 1; j < 128; j++) {
            power = mul(k, power, power);
            inverse = mul(k, inverse, power);
        }
        CHECK(block_equal(mul(k, a, inverse), one()));
        CHECK(block_equal(mul(k, power, power), a));
    }
}

static void field_axioms(void)
{
    for_each_table(check_axioms);
}

static void powers_of_x(void)
{
    struct block low = {0x87, 0}, x = whist_gf_x(1);
    CHECK(block_equal(whist_gf_x(0), one()));
    CHECK(block_equal(whist_gf_mul(whist_gf_x(127), x), low));
    for (unsigned i = 1; i < 128; i++) {
        CHECK(block_equal(whist_gf_mul(whist_gf_x(i - 1), x), whist_gf_x(i)));
    }
    for (int i = 0; i < 1000; i++) {
        struct block a = random_block();
        CHECK(block_equal(whist_gf_double(a), whist_gf_mul(a, x)));
    }
}

static void pack_is_a_sum_of_shifts(void)
{
    struct block b[128], want = {0, 0};
    random_blocks(b, 128);
    for (size_t n = 0; n <= 128; n++) {
        CHECK(block_equal(whist_gf_pack(b, n), want));
        if (n < 128) {
            want = block_xor(want, whist_gf_mul(whist_gf_x((unsigned)n), b[n]));
        }
    }
}

static void powers_multiply(void)
{
    struct block s = random_block(), p[70] = {{0, 0}}, last = {1, 2};
    p[69] = last;
    whist_gf_powers(p, s, 0);
    CHECK(p[0].lo == 0 && p[0].hi == 0);
    whist_gf_powers(p, s, 69);
    CHECK(block_equal(p[0], s) && block_equal(p[69], last));
    for (size_t i = 1; i < 69; i++) {
        CHECK(block_equal(p[i], slow_mul(p[i - 1], s)));
    }
}

static const struct test_case cases[] = {
    {"products_of_gcm", products_of_gcm},
    {"polyval_rfc8452", polyval_rfc8452},
    {"inner_products_bit_by_bit", inner_products_bit_by_bit},
    {"field_axioms", field_axioms},
    {"powers_of_x", powers_of_x},
    {"pack_is_a_sum_of_shifts", pack_is_a_sum_of_shifts},
    {"powers_multiply", powers_multiply},
};
TEST_MAIN(cases)
