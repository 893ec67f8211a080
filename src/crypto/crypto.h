/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Crypto: PRG, field, hash, commitment and group, on top of the kernels and libsodium. Knows
 * nothing of parties or messages. */
#ifndef WHIST_CRYPTO_H
#define WHIST_CRYPTO_H

#include <sodium.h>

#include "crypto/kernels.h"

/* ---- PRG: AES-128 in counter mode ---- */

/* A pseudorandom stream. Not thread safe; wiped by prg_clear. */
struct prg {
    struct aes_key key;
    uint64_t counter;  /* next block */
    struct block last; /* the block that a partial read left over */
    size_t left;       /* bytes of it not used yet, 0 … 15 */
};
/* Stream of a 16-byte seed, from its beginning. */
void whist_prg_init(struct prg *prg, const void *seed);
void whist_prg_bytes(struct prg *prg, void *out, size_t n);
/* Whole blocks (16-byte aligned), the fast way; a left-over partial block is dropped. */
void whist_prg_blocks(struct prg *prg, struct block *out, size_t count);
/* Uniform in 0 … bound − 1 by rejection; bound > 0. For public coins only: time depends on the
 * value. */
uint64_t whist_prg_below(struct prg *prg, uint64_t bound);
void whist_prg_clear(struct prg *prg);

/* ---- GF(2^128) ---- */
struct block whist_gf_mul(struct block a, struct block b);
/* X^k, 0 ≤ k < 128; k public. */
struct block whist_gf_x(unsigned k);
/* a · X. */
struct block whist_gf_double(struct block a);
/* Σ X^i ⊙ b[i], i < 128 at most (Horner). */
struct block whist_gf_pack(const struct block *b, size_t count);
/* s, s², … s^count. */
void whist_gf_powers(struct block *out, struct block s, size_t count);

/* ---- Hash: BLAKE2b-256 with fields framed by their length ---- */

#define WHIST_HASH_LEN 32
struct hash {
    crypto_generichash_state state;
};
/* Starts a hash for one purpose; `domain` separates uses. */
void whist_hash_init(struct hash *h, const char *domain);
/* Adds one field: its length (64 bits) and its bytes. */
void whist_hash_field(struct hash *h, const void *data, size_t len);
/* Adds bytes without framing, for one long field in pieces: its length is the caller's to frame. */
void whist_hash_raw(struct hash *h, const void *data, size_t len);
void whist_hash_u64(struct hash *h, uint64_t v);
void whist_hash_final(struct hash *h, uint8_t out[WHIST_HASH_LEN]);

/* ---- Commitment: hash of (context, value, 32 random bytes) ---- */
/* context: session, chunk, label, party (docs/protocol.md, Commitments). Hiding and binding in the
 * random oracle model. */
void whist_commit(uint8_t com_out[WHIST_HASH_LEN], struct whist_bytes context,
                  struct whist_bytes value, const uint8_t nonce[32]);
bool whist_commit_verify(const uint8_t com[WHIST_HASH_LEN], struct whist_bytes context,
                         struct whist_bytes value, const uint8_t nonce[32]);

/* ---- Group: ristretto255 (RFC 9496), by libsodium ---- */
#define WHIST_POINT_LEN  32
#define WHIST_SCALAR_LEN 32
/* Call once before the functions below (idempotent, thread safe). */
whist_status whist_crypto_init(struct whist_error *err);

#endif
