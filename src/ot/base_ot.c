/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* MR19, fig. 1 (see base_ot.h); the group and its encodings are RFC 9496. */
#include "ot/base_ot.h"

#define PHASE "setup.base-ot"

/* Uniform non-zero scalar. */
static void random_scalar(uint8_t out[WHIST_SCALAR_LEN], struct prg *rng)
{
    uint8_t wide[64];
    do {
        whist_prg_bytes(rng, wide, sizeof wide);
        crypto_core_ristretto255_scalar_reduce(out, wide);
    } while (sodium_is_zero(out, WHIST_SCALAR_LEN)); /* chance 2^−252 */
    whist_wipe(wide, sizeof wide);
}

/* The context in fixed width: sid ‖ sender ‖ receiver ‖ index. */
static void encode_context(uint8_t out[44], const struct base_ot_context *ctx, uint32_t index)
{
    memcpy(out, ctx->sid, 32);
    put_le32(out + 32, ctx->sender);
    put_le32(out + 36, ctx->receiver);
    put_le32(out + 40, index);
}

/* Hash_c(x) = ristretto255_from_hash(SHA-512("mr19-h" ‖ ctx ‖ c ‖ x)); c may be secret. */
static void hash_to_point(uint8_t out[WHIST_POINT_LEN], const struct base_ot_context *ctx,
                          uint32_t index, uint8_t c, const uint8_t x[WHIST_POINT_LEN])
{
    uint8_t input[6 + 44 + 1 + WHIST_POINT_LEN], wide[64];
    memcpy(input, "mr19-h", 6);
    encode_context(input + 6, ctx, index);
    input[50] = c;
    memcpy(input + 51, x, WHIST_POINT_LEN);
    crypto_hash_sha512(wide, input, sizeof input);
    crypto_core_ristretto255_from_hash(out, wide);
    whist_wipe(input, sizeof input);
}

static struct block derive_key(const struct base_ot_context *ctx, uint32_t index, uint8_t side,
                               const uint8_t *r, const uint8_t b[WHIST_POINT_LEN],
                               const uint8_t shared[WHIST_POINT_LEN])
{
    uint8_t context[44], key[WHIST_HASH_LEN];
    struct hash h;
    encode_context(context, ctx, index);
    whist_hash_init(&h, "whist mr19-k");
    whist_hash_field(&h, context, sizeof context);
    whist_hash_field(&h, &side, 1);
    whist_hash_field(&h, r, 2 * (size_t)WHIST_POINT_LEN);
    whist_hash_field(&h, b, WHIST_POINT_LEN);
    whist_hash_field(&h, shared, WHIST_POINT_LEN);
    whist_hash_final(&h, key);
    struct block out = block_load(key);
    whist_wipe(key, sizeof key);
    return out;
}

/* Swaps a and b if the lowest bit of c is 1; constant time. */
static void swap_if(uint8_t *a, uint8_t *b, uint8_t c)
{
    uint8_t m = (uint8_t)ct_mask(c);
    for (size_t i = 0; i < WHIST_POINT_LEN; i++) {
        uint8_t d = (uint8_t)((a[i] ^ b[i]) & m);
        a[i] ^= d;
        b[i] ^= d;
    }
}

void whist_base_ot_receive_start(struct base_ot_receiver *rx, uint8_t r_out[BASE_OT_R_LEN],
                                 const struct base_ot_context *ctx,
                                 const uint8_t choice[BASE_OT_COUNT], struct prg *rng)
{
    for (uint32_t i = 0; i < BASE_OT_COUNT; i++) {
        uint8_t wide[64], ga[WHIST_POINT_LEN], hashed[WHIST_POINT_LEN];
        uint8_t *chosen = rx->r[i][0], *other = rx->r[i][1];
        rx->choice[i] = choice[i] & 1;
        random_scalar(rx->a[i], rng);
        whist_prg_bytes(rng, wide, sizeof wide);
        crypto_core_ristretto255_from_hash(other, wide);
        hash_to_point(hashed, ctx, i, rx->choice[i], other);
        /* Neither call can fail: the scalar is not zero and both points are ours. */
        WHIST_REQUIRE(crypto_scalarmult_ristretto255_base(ga, rx->a[i]) == 0);
        WHIST_REQUIRE(crypto_core_ristretto255_sub(chosen, ga, hashed) == 0);
        swap_if(chosen, other, rx->choice[i]);
        memcpy(r_out + (size_t)i * 2 * WHIST_POINT_LEN, rx->r[i], 2 * WHIST_POINT_LEN);
        /* What went into `other` would tell which of the two is not g^a − Hash. */
        whist_wipe(wide, sizeof wide);
        whist_wipe(hashed, sizeof hashed);
        whist_wipe(ga, sizeof ga);
    }
}

/* One side of one OT for the sender; r: r_0 ‖ r_1. */
static whist_status sender_key(struct block *out, const struct base_ot_context *ctx, uint32_t index,
                               uint8_t side, const uint8_t *r, const uint8_t b[WHIST_SCALAR_LEN],
                               const uint8_t gb[WHIST_POINT_LEN], struct whist_error *err)
{
    uint8_t hashed[WHIST_POINT_LEN], base[WHIST_POINT_LEN], shared[WHIST_POINT_LEN];
    hash_to_point(hashed, ctx, index, side, r + (size_t)(1 - side) * WHIST_POINT_LEN);
    if (crypto_core_ristretto255_add(base, r + (size_t)side * WHIST_POINT_LEN, hashed) != 0 ||
        crypto_scalarmult_ristretto255(shared, b, base) != 0) {
        return whist_fail(err, WHIST_ERR_CHECK, (int)ctx->receiver, PHASE,
                          "base OT %u: a point of party %u is not valid", index, ctx->receiver);
    }
    *out = derive_key(ctx, index, side, r, gb, shared);
    whist_wipe(shared, sizeof shared);
    return WHIST_OK;
}

whist_status whist_base_ot_send(struct block keys_out[BASE_OT_COUNT][2],
                                uint8_t b_out[BASE_OT_B_LEN], const struct base_ot_context *ctx,
                                const uint8_t r[BASE_OT_R_LEN], struct prg *rng,
                                struct whist_error *err)
{
    whist_status st = WHIST_OK;
    uint8_t b[WHIST_SCALAR_LEN];
    for (uint32_t i = 0; i < BASE_OT_COUNT; i++) {
        const uint8_t *pair = r + (size_t)i * 2 * WHIST_POINT_LEN;
        uint8_t *gb = b_out + (size_t)i * WHIST_POINT_LEN;
        random_scalar(b, rng);
        WHIST_REQUIRE(crypto_scalarmult_ristretto255_base(gb, b) == 0);
        for (uint8_t side = 0; side < 2; side++) {
            TRY_OUT(sender_key(&keys_out[i][side], ctx, i, side, pair, b, gb, err));
        }
    }
out:
    whist_wipe(b, sizeof b);
    if (st != WHIST_OK) {
        whist_wipe(keys_out, BASE_OT_COUNT * sizeof keys_out[0]);
        memset(b_out, 0, BASE_OT_B_LEN);
    }
    return st;
}

whist_status whist_base_ot_receive_finish(struct block keys_out[BASE_OT_COUNT],
                                          struct base_ot_receiver *rx,
                                          const struct base_ot_context *ctx,
                                          const uint8_t b[BASE_OT_B_LEN], struct whist_error *err)
{
    whist_status st = WHIST_OK;
    for (uint32_t i = 0; i < BASE_OT_COUNT; i++) {
        const uint8_t *gb = b + (size_t)i * WHIST_POINT_LEN;
        uint8_t shared[WHIST_POINT_LEN];
        if (crypto_scalarmult_ristretto255(shared, rx->a[i], gb) != 0) {
            st = whist_fail(err, WHIST_ERR_CHECK, (int)ctx->sender, PHASE,
                            "base OT %u: the point of party %u is not valid", i, ctx->sender);
            whist_wipe(keys_out, BASE_OT_COUNT * sizeof keys_out[0]);
            break;
        }
        keys_out[i] = derive_key(ctx, i, rx->choice[i], rx->r[i][0], gb, shared);
        whist_wipe(shared, sizeof shared);
    }
    whist_wipe(rx, sizeof *rx);
    return st;
}
