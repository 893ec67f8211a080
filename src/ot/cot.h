/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Correlated OT: SoftSpoken (Roy, eprint 2022/192) with small-field parameter k, for one ordered
 * pair.
 *
 * The COT sender P_i holds Δ and gets keys K, the COT receiver P_j holds choice bits x and gets
 * MACs M = K ⊕ x·Δ. Each has 128/k GGM trees of 2^k leaves; the sender misses one leaf a tree, the
 * hole y* = the tree's k bits of Δ. Streams are AES-CTR of the leaves and are never rewound. Bytes
 * in, bytes out: the caller carries the messages. Work is done in columns: w_c = v_c ⊕ Δ_c·u for c
 * = 0 … 127; their transpose gives the rows K and M. */
#ifndef WHIST_COT_H
#define WHIST_COT_H

#include "crypto/crypto.h"

#define COT_BLOCK_WORDS 32                      /* 128-bit words of a column in one inner block */
#define COT_BLOCK_ROWS  (COT_BLOCK_WORDS * 128) /* COTs of an inner block */

/* Bytes of the GGM message for all trees: (k−1) levels of two sums, t̃ (32 bytes), t̂ (32 bytes)
 * each. */
size_t whist_cot_tree_message_len(unsigned k);
/* Bytes of correction for n_words words: one column a tree. */
size_t whist_cot_correction_len(unsigned k, size_t n_words);

/* Binds the trees' check to session and roles. */
struct cot_context {
    const uint8_t *sid; /* 32 bytes, borrowed */
    uint32_t sender, receiver;
};

/* One side's expanded leaves; secret. */
struct cot {
    unsigned k;
    size_t n_trees, n_leaves; /* 128 / k, 2^k */
    struct aes_key
        *leaves;      /* [n_trees][n_leaves]; the sender's in order y ⊕ y*: place 0 = the hole */
    uint64_t counter; /* next block of all streams */
    struct block delta; /* sender: Δ; receiver: zero */
};

/* Base-OT choices of the sender: OT tree·k + level is the complement of the hole's bit of that
 * level. */
void whist_cot_choices(uint8_t choice_out[128], unsigned k, struct block delta);

/* COT receiver: grows the trees from its 128 pairs of base keys and writes the message to the
 * sender. */
whist_status whist_cot_receiver_init(struct cot *cot, uint8_t *msg_out, unsigned k,
                                     struct block keys[128][2], const struct cot_context *ctx,
                                     struct whist_error *err);

/* COT sender: rebuilds all leaves but the holes from its 128 chosen keys and the message, and
 * checks t̂. WHIST_ERR_CHECK: the trees are not consistent; nothing may be sent after that. */
whist_status whist_cot_sender_init(struct cot *cot, unsigned k, struct block delta,
                                   const struct block keys[128], const uint8_t *msg,
                                   const struct cot_context *ctx, struct whist_error *err);

void whist_cot_clear(struct cot *cot);

/* Receiver: n_words ≤ COT_BLOCK_WORDS words of all columns v (column c at cols + c·n_words) and the
 * corrections for choice bits u (n_words words): tree τ at d_out + τ·n_words. */
void whist_cot_receive(struct cot *cot, struct block *cols, struct block *d_out,
                       const struct block *u, size_t n_words);

/* Sender: the same columns w, from the received corrections. */
void whist_cot_send(struct cot *cot, struct block *cols, const struct block *d, size_t n_words);

#endif
