/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* AES-128 of every kernel table against published vectors. */
#include "crypto/crypto.h"
#include "harness.h"

static const char *const table_names[] = {"portable", "aesni", "vaes"};
#define N_TABLES (sizeof(table_names) / sizeof(table_names[0]))

static struct block from_hex(const char *hex)
{
    uint8_t b[16];
    size_t n;
    CHECK(sodium_hex2bin(b, 16, hex, strlen(hex), " ", &n, NULL) == 0 && n == 16);
    return block_load(b);
}

/* FIPS 197 appendix A.1: round keys 0, 1, 9, 10 of the example key. */
static void key_expansion_fips197(void)
{
    struct block key = from_hex("2b7e151628aed2a6abf7158809cf4f3c");
    for (size_t t = 0; t < N_TABLES; t++) {
        const struct whist_kernels *k = whist_kernels_by_name(table_names[t]);
        struct aes_key out;
        if (k == NULL) {
            continue;
        }
        k->aes_schedule(&out, &key, 1);
        CHECK(block_equal(out.rk[0], key));
        CHECK(block_equal(out.rk[1], from_hex("a0fafe1788542cb123a339392a6c7605")));
        CHECK(block_equal(out.rk[9], from_hex("ac7766f319fadc2128d12941575c006e")));
        CHECK(block_equal(out.rk[10], from_hex("d014f9a8c9ee2589e13f0cc8b6630ca6")));
    }
}

/* FIPS 197 appendix B and C.1. */
static void cipher_fips197(void)
{
    static const char *const v[2][3] = {
        {"2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734",
         "3925841d02dc09fbdc118597196a0b32"},
        {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
         "69c4e0d86a7b0430d8cdb78070b4c55a"},
    };
    for (size_t t = 0; t < N_TABLES; t++) {
        const struct whist_kernels *k = whist_kernels_by_name(table_names[t]);
        for (size_t i = 0; k != NULL && i < 2; i++) {
            struct aes_key rk;
            struct block key = from_hex(v[i][0]), in = from_hex(v[i][1]), out;
            k->aes_schedule(&rk, &key, 1);
            k->aes_ecb(&out, &in, 1, &rk);
            CHECK_MSG(block_equal(out, from_hex(v[i][2])), "%s, vector %zu", k->name, i);
        }
    }
}

static const struct test_case cases[] = {
    {"key_expansion_fips197", key_expansion_fips197},
    {"cipher_fips197", cipher_fips197},
};
TEST_MAIN(cases)
