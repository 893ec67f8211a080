/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Base OT: Masny–Rindal (MR19, fig. 1 "endemic OT" with a group) over ristretto255; maliciously
 * secure in the random oracle model. Bytes in, bytes out: the caller carries the two messages.
 *
 * - The receiver with choice c draws a scalar a and a point r_{1−c}, lets r_c = g^a −
 * Hash_c(r_{1−c}) and sends (r_0, r_1).
 * - The sender draws a scalar b, fresh for every OT, sends B = g^b and has for j = 0, 1 the keys
 *   k_j = KDF_j((r_j + Hash_j(r_{1−j}))^b). It must not send B before (r_0, r_1) arrived.
 * - The receiver has k_c = KDF_c(B^a).
 *
 * KDF and Hash bind session, roles, index and (KDF) the whole transcript, so that nobody can pass
 * another party's OT off as the own. */
#ifndef WHIST_BASE_OT_H
#define WHIST_BASE_OT_H

#include "crypto/crypto.h"

#define BASE_OT_COUNT 128                                   /* OTs of one run */
#define BASE_OT_R_LEN (BASE_OT_COUNT * 2 * WHIST_POINT_LEN) /* bytes of the receiver's message */
#define BASE_OT_B_LEN (BASE_OT_COUNT * WHIST_POINT_LEN)     /* bytes of the sender's message */

/* What both sides bind into hashes. */
struct base_ot_context {
    const uint8_t *sid; /* 32 bytes, borrowed */
    uint32_t sender, receiver;
};

/* The receiver's state between its two steps; secret. */
struct base_ot_receiver {
    uint8_t a[BASE_OT_COUNT][WHIST_SCALAR_LEN];
    uint8_t r[BASE_OT_COUNT][2][WHIST_POINT_LEN];
    uint8_t choice[BASE_OT_COUNT]; /* 0 or 1 */
};

/* First step of the receiver. choice: one byte (0 or 1) for each OT. rng gives the scalars and
 * points. */
void whist_base_ot_receive_start(struct base_ot_receiver *rx, uint8_t r_out[BASE_OT_R_LEN],
                                 const struct base_ot_context *ctx,
                                 const uint8_t choice[BASE_OT_COUNT], struct prg *rng);

/* The sender's only step. keys_out[i] = the two keys of OT i.
 * WHIST_ERR_CHECK: a point does not decode or is the identity. Outputs are wiped then. */
whist_status whist_base_ot_send(struct block keys_out[BASE_OT_COUNT][2],
                                uint8_t b_out[BASE_OT_B_LEN], const struct base_ot_context *ctx,
                                const uint8_t r[BASE_OT_R_LEN], struct prg *rng,
                                struct whist_error *err);

/* Last step of the receiver; wipes rx. keys_out[i] = the key of the chosen side of OT i. */
whist_status whist_base_ot_receive_finish(struct block keys_out[BASE_OT_COUNT],
                                          struct base_ot_receiver *rx,
                                          const struct base_ot_context *ctx,
                                          const uint8_t b[BASE_OT_B_LEN], struct whist_error *err);

#endif
