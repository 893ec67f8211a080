/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* AES-128 of every kernel table against published vectors and the definition of its S-box. */
#include "crypto_support.h"

static void check_key_expansion(const struct whist_kernels *k)
{
    static const char *const round_keys[11] = {
        "2b7e151628aed2a6abf7158809cf4f3c", "a0fafe1788542cb123a339392a6c7605",
        "f2c295f27a96b9435935807a7359f67f", "3d80477d4716fe3e1e237e446d7a883b",
        "ef44a541a8525b7fb671253bdb0bad00", "d4d1c6f87c839d87caf2b8bc11f915bc",
        "6d88a37a110b3efddbf98641ca0093fd", "4e54f70e5f5fc9f384a64fb24ea6dc4f",
        "ead27321b58dbad2312bf5607f8d292f", "ac7766f319fadc2128d12941575c006e",
        "d014f9a8c9ee2589e13f0cc8b6630ca6"};
    struct block keys[3] = {{0, 0}, hex_block(round_keys[0]), {~UINT64_C(0), 5}};
    struct aes_key out[3];
    k->aes_schedule(out, keys, 3);
    for (size_t r = 0; r < 11; r++) {
        CHECK_MSG(block_equal(out[1].rk[r], hex_block(round_keys[r])), "%s, round %zu", k->name, r);
    }
}

/* FIPS 197 appendix A.1. */
static void key_expansion_fips197(void)
{
    for_each_table(check_key_expansion);
}

struct vector {
    const char *key, *in, *out;
};

static void check_vectors(const struct whist_kernels *k, const struct vector *v, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct aes_key rk;
        struct block key = hex_block(v[i].key), in = hex_block(v[i].in), out;
        k->aes_schedule(&rk, &key, 1);
        k->aes_ecb(&out, &in, 1, &rk);
        CHECK_MSG(block_equal(out, hex_block(v[i].out)), "%s, vector %zu", k->name, i);
    }
}

static void check_fips197(const struct whist_kernels *k)
{
    static const struct vector v[] = {
        {"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
         "3925841d02dc09fbdc118597196a0b32"},
        {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
         "69c4e0d86a7b0430d8cdb78070b4c55a"},
    };
    check_vectors(k, v, sizeof(v) / sizeof(v[0]));
}

/* FIPS 197 appendices B and C.1. */
static void cipher_fips197(void)
{
    for_each_table(check_fips197);
}

/* SP 800-38A F.1.1, and the cipher's inputs and outputs within F.5.1. */
static void check_sp800_38a(const struct whist_kernels *k)
{
    static const char *const v[8][2] = {
        {"6bc1bee22e409f96e93d7e117393172a", "3ad77bb40d7a3660a89ecaf32466ef97"},
        {"ae2d8a571e03ac9c9eb76fac45af8e51", "f5d3d58503b9699de785895a96fdbaaf"},
        {"30c81c46a35ce411e5fbc1191a0a52ef", "43b1cd7f598ece23881b00e3ed030688"},
        {"f69f2445df4f9b17ad2b417be66c3710", "7b0c785e27e8ad3f8223207104725dd4"},
        {"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "ec8cdf7398607cb0f2d21675ea9ea1e4"},
        {"f0f1f2f3f4f5f6f7f8f9fafbfcfdff00", "362b7c3c6773516318a077d7fc5073ae"},
        {"f0f1f2f3f4f5f6f7f8f9fafbfcfdff01", "6a2cc3787889374fbeb4c81b17ba6c44"},
        {"f0f1f2f3f4f5f6f7f8f9fafbfcfdff02", "e89c399ff0f198c6d40a31db156cabfe"},
    };
    struct block key = hex_block("2b7e151628aed2a6abf7158809cf4f3c"), in[8], out[8];
    struct aes_key rk;
    for (size_t i = 0; i < 8; i++) {
        in[i] = hex_block(v[i][0]);
    }
    k->aes_schedule(&rk, &key, 1);
    k->aes_ecb(out, in, 8, &rk);
    for (size_t i = 0; i < 8; i++) {
        CHECK_MSG(block_equal(out[i], hex_block(v[i][1])), "%s, block %zu", k->name, i);
    }
}

static void cipher_sp800_38a(void)
{
    for_each_table(check_sp800_38a);
}

static uint8_t gf256_mul(unsigned a, unsigned b)
{
    unsigned r = 0;
    for (unsigned i = 0; i < 8; i++) {
        r ^= (b >> i & 1) != 0 ? a << i : 0;
    }
    for (unsigned i = 14; i >= 8; i--) {
        r ^= (r >> i & 1) != 0 ? 0x11bU << (i - 8) : 0;
    }
    return (uint8_t)r;
}

/* FIPS 197 §5.1.1: inverse in GF(2^8), then the affine map. */
static uint8_t sbox(unsigned x)
{
    unsigned inverse = 0, r = 0x63;
    while (x != 0 && gf256_mul(x, inverse) != 1) {
        inverse++;
    }
    for (unsigned i = 0; i < 5; i++) {
        r ^= (inverse << i | inverse >> (8 - i)) & 0xff;
    }
    return (uint8_t)r;
}

/* Round key 1 of a key 0 … 0 x x+1 x+2 x+3 shows the S-box: all its values, in 64 keys. */
static void check_sbox(const struct whist_kernels *k)
{
    struct block keys[64];
    struct aes_key out[64];
    for (size_t i = 0; i < 64; i++) {
        uint8_t b[16] = {0};
        for (size_t j = 0; j < 4; j++) {
            b[12 + j] = (uint8_t)(4 * i + j);
        }
        keys[i] = block_load(b);
    }
    k->aes_schedule(out, keys, 64);
    for (size_t i = 0; i < 64; i++) {
        uint8_t b[16];
        block_store(b, out[i].rk[1]);
        for (size_t j = 0; j < 4; j++) {
            unsigned x = (unsigned)(4 * i + (j + 1) % 4);
            CHECK_MSG((b[j] ^ (j == 0 ? 1 : 0)) == sbox(x), "%s, S-box of %u", k->name, x);
        }
    }
}

static void sbox_is_its_definition(void)
{
    for_each_table(check_sbox);
}

/* Each counter is one more in the low word only. */
static void check_ctr(const struct whist_kernels *k)
{
    struct block start = {UINT64_MAX - 20, 0x0123456789abcdef}, in[50], want[50], got[50];
    struct block key = random_block();
    struct aes_key rk;
    for (size_t i = 0; i < 50; i++) {
        in[i].lo = start.lo + i;
        in[i].hi = start.hi;
    }
    k->aes_schedule(&rk, &key, 1);
    k->aes_ecb(want, in, 50, &rk);
    k->aes_ctr(got, 50, &rk, start);
    CHECK_MSG(memcmp(want, got, sizeof(want)) == 0, "%s", k->name);
}

static void ctr_counts_without_carry(void)
{
    for_each_table(check_ctr);
}

static const struct test_case cases[] = {
    {"key_expansion_fips197", key_expansion_fips197},
    {"cipher_fips197", cipher_fips197},
    {"cipher_sp800_38a", cipher_sp800_38a},
    {"sbox_is_its_definition", sbox_is_its_definition},
    {"ctr_counts_without_carry", ctr_counts_without_carry},
};
TEST_MAIN(cases)
