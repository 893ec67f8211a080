/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* BLAKE2b-256, its framing, and commitments. */
#include "crypto_support.h"

static void check_digest(const uint8_t got[32], const char *hex)
{
    uint8_t want[32];
    hex_bytes(want, sizeof(want), hex);
    CHECK_MSG(memcmp(got, want, sizeof(want)) == 0, "digest %s", hex);
}

/* RFC 7693 appendix A, and the same input at 256 bits. */
static void blake2b_of_abc(void)
{
    uint8_t out[64], want[64];
    CHECK(crypto_generichash(out, 64, (const uint8_t *)"abc", 3, NULL, 0) == 0);
    hex_bytes(want, 64,
              "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
              "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
    CHECK(memcmp(out, want, 64) == 0);
    CHECK(crypto_generichash(out, 32, (const uint8_t *)"abc", 3, NULL, 0) == 0);
    check_digest(out, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

/* BLAKE2b-256 over 64-bit little-endian lengths and bytes; digests computed apart. */
static void fields_are_framed_by_length(void)
{
    struct hash h;
    uint8_t out[32];
    whist_hash_init(&h, "");
    whist_hash_final(&h, out);
    check_digest(out, "81e47a19e6b29b0a65b9591762ce5143ed30d0261e5d24a3201752506b20f15c");
    whist_hash_init(&h, "test domain");
    whist_hash_field(&h, "abc", 3);
    whist_hash_u64(&h, 7);
    whist_hash_field(&h, NULL, 0);
    whist_hash_final(&h, out);
    check_digest(out, "ae35a400c1d6422664f5fc0f61b30fa373cb08ef83b3e38b59dccac5d028a658");
}

static void hash_two(uint8_t out[32], const char *domain, const char *a, const char *b)
{
    struct hash h;
    whist_hash_init(&h, domain);
    whist_hash_field(&h, a, strlen(a));
    whist_hash_field(&h, b, strlen(b));
    whist_hash_final(&h, out);
}

static void fields_do_not_run_together(void)
{
    uint8_t a[32], b[32];
    hash_two(a, "d", "ab", "c");
    hash_two(b, "d", "ab", "c");
    CHECK(memcmp(a, b, 32) == 0);
    hash_two(b, "d", "a", "bc");
    CHECK(memcmp(a, b, 32) != 0);
    hash_two(b, "e", "ab", "c");
    CHECK(memcmp(a, b, 32) != 0);
    hash_two(b, "", "dab", "c");
    CHECK(memcmp(a, b, 32) != 0);
}

/* A field in pieces: its length, then raw bytes. */
static void pieces_make_a_field(void)
{
    struct hash h;
    uint8_t a[32], b[32];
    hash_two(a, "d", "hello", "");
    whist_hash_init(&h, "d");
    whist_hash_u64(&h, 5);
    whist_hash_raw(&h, "he", 2);
    whist_hash_raw(&h, NULL, 0);
    whist_hash_raw(&h, "llo", 3);
    whist_hash_u64(&h, 0);
    whist_hash_final(&h, b);
    CHECK(memcmp(a, b, 32) == 0);
}

static void commitment_known_answer(void)
{
    uint8_t nonce[32], com[32];
    for (size_t i = 0; i < 32; i++) {
        nonce[i] = (uint8_t)i;
    }
    whist_commit(com, whist_bytes("context", 7), whist_bytes("value", 5), nonce);
    check_digest(com, "57eafebd7a2d9955b41547bfa323ad2c368203ac9a7b7a5eec3d1e3b8ec8b518");
}

/* Every bit of the commitment, value, context and nonce counts, and so do the lengths. */
static void commitment_binds_every_bit(void)
{
    uint8_t in[3][32], com[32];
    struct whist_bytes context = whist_bytes(in[0], 32), value = whist_bytes(in[1], 32);
    for (size_t i = 0; i < sizeof(in); i++) {
        in[i / 32][i % 32] = (uint8_t)(7 * i);
    }
    whist_commit(com, context, value, in[2]);
    CHECK(whist_commit_verify(com, context, value, in[2]));
    for (size_t bit = 0; bit < 8 * sizeof(in); bit++) {
        in[bit / 256][bit / 8 % 32] ^= (uint8_t)(1U << (bit % 8));
        CHECK_MSG(!whist_commit_verify(com, context, value, in[2]), "input bit %zu", bit);
        in[bit / 256][bit / 8 % 32] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t bit = 0; bit < 256; bit++) {
        com[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        CHECK_MSG(!whist_commit_verify(com, context, value, in[2]), "commitment bit %zu", bit);
        com[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    /* The border between context and value. */
    CHECK(!whist_commit_verify(com, whist_bytes(in[0], 31), whist_bytes(in[0] + 31, 33), in[2]));
    CHECK(!whist_commit_verify(com, whist_bytes(in[0], 33), whist_bytes(in[1] + 1, 31), in[2]));
    CHECK(!whist_commit_verify(com, context, whist_bytes(NULL, 0), in[2]));
    CHECK(whist_commit_verify(com, context, value, in[2]));
}

static const struct test_case cases[] = {
    {"blake2b_of_abc", blake2b_of_abc},
    {"fields_are_framed_by_length", fields_are_framed_by_length},
    {"fields_do_not_run_together", fields_do_not_run_together},
    {"pieces_make_a_field", pieces_make_a_field},
    {"commitment_known_answer", commitment_known_answer},
    {"commitment_binds_every_bit", commitment_binds_every_bit},
};
TEST_MAIN(cases)
