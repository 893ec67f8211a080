/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Shared by the tests of the crypto layer: vectors in hex, seeded blocks, a loop over the tables.
 */
#ifndef WHIST_CRYPTO_SUPPORT_H
#define WHIST_CRYPTO_SUPPORT_H

#include "crypto/crypto.h"
#include "harness.h"

static const char *const table_names[] = {"portable", "aesni", "vaes"};
#define N_TABLES (sizeof(table_names) / sizeof(table_names[0]))

/* len bytes of hex digits, exactly. */
static inline void hex_bytes(void *out, size_t len, const char *hex)
{
    size_t n;
    CHECK_MSG(sodium_hex2bin(out, len, hex, strlen(hex), NULL, &n, NULL) == 0 && n == len,
              "vector %s", hex);
}

static inline struct block hex_block(const char *hex)
{
    uint8_t b[16];
    hex_bytes(b, sizeof(b), hex);
    return block_load(b);
}

/* Runs check for every table that this machine and build have. */
static inline void for_each_table(void (*check)(const struct whist_kernels *k))
{
    for (size_t t = 0; t < N_TABLES; t++) {
        const struct whist_kernels *k = whist_kernels_by_name(table_names[t]);
        if (k != NULL) {
            check(k);
        }
    }
}

/* The same stream in every run. */
static inline void random_blocks(struct block *out, size_t count)
{
    static struct prg prg;
    static bool seeded;
    if (!seeded) {
        whist_prg_init(&prg, "tests of crypto.");
        seeded = true;
    }
    whist_prg_blocks(&prg, out, count);
}

static inline struct block random_block(void)
{
    struct block b;
    random_blocks(&b, 1);
    return b;
}

#endif
