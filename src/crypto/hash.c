/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Hash and commitments: BLAKE2b-256 (RFC 7693) over framed fields. */
#include "crypto/crypto.h"

/* libsodium fails only for lengths out of range, which are constants here. */
#define SODIUM_REQUIRE(call) WHIST_REQUIRE((call) == 0)

void whist_hash_init(struct hash *h, const char *domain)
{
    SODIUM_REQUIRE(crypto_generichash_init(&h->state, NULL, 0, WHIST_HASH_LEN));
    whist_hash_field(h, domain, strlen(domain));
}

void whist_hash_raw(struct hash *h, const void *data, size_t len)
{
    if (len > 0) {
        SODIUM_REQUIRE(crypto_generichash_update(&h->state, data, len));
    }
}

void whist_hash_u64(struct hash *h, uint64_t v)
{
    uint8_t bytes[8];
    put_le64(bytes, v);
    whist_hash_raw(h, bytes, sizeof(bytes));
}

void whist_hash_field(struct hash *h, const void *data, size_t len)
{
    whist_hash_u64(h, len);
    whist_hash_raw(h, data, len);
}

void whist_hash_final(struct hash *h, uint8_t out[WHIST_HASH_LEN])
{
    SODIUM_REQUIRE(crypto_generichash_final(&h->state, out, WHIST_HASH_LEN));
    whist_wipe(h, sizeof(*h));
}

void whist_commit(uint8_t com_out[WHIST_HASH_LEN], struct whist_bytes context,
                  struct whist_bytes value, const uint8_t nonce[32])
{
    struct hash h;
    whist_hash_init(&h, "whist commitment");
    whist_hash_field(&h, context.data, context.len);
    whist_hash_field(&h, value.data, value.len);
    whist_hash_field(&h, nonce, 32);
    whist_hash_final(&h, com_out);
}

bool whist_commit_verify(const uint8_t com[WHIST_HASH_LEN], struct whist_bytes context,
                         struct whist_bytes value, const uint8_t nonce[32])
{
    uint8_t expected[WHIST_HASH_LEN];
    whist_commit(expected, context, value, nonce);
    return whist_ct_equal(com, expected, sizeof(expected));
}
