/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* SoftSpoken: GGM trees, the check of them, streams and columns (docs/protocol.md §1). */
#include "ot/cot.h"

#define PHASE      "setup.trees"
#define MAX_LEAVES 256
#define T_LEN      32 /* bytes of t_y */

size_t whist_cot_tree_message_len(unsigned k)
{
    return (size_t)(128 / k) * ((k - 1) * 2 * sizeof(struct block) + T_LEN + WHIST_HASH_LEN);
}

size_t whist_cot_correction_len(unsigned k, size_t n_words)
{
    return 128 / k * n_words * sizeof(struct block);
}

void whist_cot_choices(uint8_t choice_out[128], unsigned k, struct block delta)
{
    for (unsigned i = 0; i < 128; i++) {
        unsigned bit = i / k * k + (k - 1 - i % k); /* level 0 decides the leaf index's top bit */
        uint64_t word = bit < 64 ? delta.lo : delta.hi;
        choice_out[i] = (uint8_t)(~(word >> (bit % 64)) & 1);
    }
}

/* AES_parent(i), i = 0 … count − 1: children of a node, or s and t of a last one. */
static void derive(struct block *out, struct block parent, size_t count)
{
    struct aes_key key;
    whist_kernels()->aes_schedule(&key, &parent, 1);
    whist_kernels()->aes_ctr(out, count, &key, (struct block){0, 0});
    whist_wipe(&key, sizeof key);
}

/* Replaces the nodes of one level by their children, in place, from the last to the first. */
static void grow_level(struct block *nodes, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        struct block pair[2];
        derive(pair, nodes[i], 2);
        nodes[2 * i] = pair[0];
        nodes[2 * i + 1] = pair[1];
        whist_wipe(pair, sizeof pair);
    }
}

static struct block sum_of(const struct block *nodes, size_t n, size_t parity)
{
    struct block sum = {0, 0};
    for (size_t i = parity; i < n; i += 2) {
        sum = block_xor(sum, nodes[i]);
    }
    return sum;
}

static void xor_t(uint8_t *acc, const uint8_t *t)
{
    for (size_t i = 0; i < T_LEN; i++) {
        acc[i] ^= t[i];
    }
}

/* Last layer: r_y → stream seed s_y (in place) and t_y. */
static void finish_leaves(struct block *leaves, uint8_t t_out[][T_LEN], size_t n)
{
    for (size_t y = 0; y < n; y++) {
        struct block st[3];
        derive(st, leaves[y], 3);
        leaves[y] = st[0];
        memcpy(t_out[y], &st[1], T_LEN);
        whist_wipe(st, sizeof st);
    }
}

/* t̂ = hash(sid, j, i, τ, t_0 ‖ … ‖ t_{2^k−1}). */
static void hash_t(uint8_t out[WHIST_HASH_LEN], const struct cot_context *ctx, size_t tree,
                   uint8_t t[][T_LEN], size_t n)
{
    struct hash h;
    whist_hash_init(&h, "whist pprf-check");
    whist_hash_field(&h, ctx->sid, 32);
    whist_hash_u64(&h, ctx->receiver);
    whist_hash_u64(&h, ctx->sender);
    whist_hash_u64(&h, tree);
    whist_hash_field(&h, t, n * T_LEN);
    whist_hash_final(&h, out);
}

static whist_status allocate(struct cot *cot, unsigned k, struct block delta,
                             struct whist_error *err)
{
    WHIST_REQUIRE(k == 2 || k == 4 || k == 8);
    *cot = (struct cot){.k = k, .n_trees = 128 / k, .n_leaves = (size_t)1 << k, .delta = delta};
    cot->leaves = whist_alloc_aligned(cot->n_trees * cot->n_leaves * sizeof(struct aes_key));
    if (cot->leaves == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, PHASE, "out of memory");
    }
    return WHIST_OK;
}

void whist_cot_clear(struct cot *cot)
{
    if (cot->leaves != NULL) {
        whist_free_aligned(cot->leaves, cot->n_trees * cot->n_leaves * sizeof(struct aes_key));
    }
    whist_wipe(cot, sizeof *cot);
}

/* One tree of the receiver; advances *msg past what it wrote. */
static void grow_tree(struct aes_key *out, uint8_t **msg, struct block (*m)[2],
                      const struct cot *cot, size_t tree, const struct cot_context *ctx)
{
    struct block nodes[MAX_LEAVES];
    uint8_t t[MAX_LEAVES][T_LEN], t_sum[T_LEN] = {0};
    nodes[0] = m[0][0];
    nodes[1] = m[0][1];
    for (unsigned level = 1; level < cot->k; level++) {
        grow_level(nodes, (size_t)1 << level);
        for (size_t side = 0; side < 2; side++, *msg += sizeof(struct block)) {
            struct block sum = sum_of(nodes, (size_t)2 << level, side);
            block_store(*msg, block_xor(sum, m[level][side]));
        }
    }
    finish_leaves(nodes, t, cot->n_leaves);
    for (size_t y = 0; y < cot->n_leaves; y++) {
        xor_t(t_sum, t[y]);
    }
    memcpy(*msg, t_sum, T_LEN);
    hash_t(*msg + T_LEN, ctx, tree, t, cot->n_leaves);
    *msg += T_LEN + WHIST_HASH_LEN;
    whist_kernels()->aes_schedule(out, nodes, cot->n_leaves);
    whist_wipe(nodes, sizeof nodes);
    whist_wipe(t, sizeof t);
}

whist_status whist_cot_receiver_init(struct cot *cot, uint8_t *msg_out, unsigned k,
                                     struct block keys[128][2], const struct cot_context *ctx,
                                     struct whist_error *err)
{
    TRY(allocate(cot, k, (struct block){0, 0}, err));
    for (size_t tree = 0; tree < cot->n_trees; tree++) {
        grow_tree(cot->leaves + tree * cot->n_leaves, &msg_out, keys + tree * k, cot, tree, ctx);
    }
    return WHIST_OK;
}

/* nodes[i] ^= x where mask is all ones and i = index, for all i < n: a store to a secret place. */
static void xor_at(struct block *nodes, size_t n, uint64_t index, struct block x)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t d = i ^ index;
        uint64_t same = ct_mask(~((d | (~d + 1)) >> 63)); /* all ones if i = index */
        nodes[i].lo ^= x.lo & same;
        nodes[i].hi ^= x.hi & same;
    }
}

static void zero_at(struct block *nodes, size_t n, uint64_t index)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t d = i ^ index;
        uint64_t other = ~ct_mask(~((d | (~d + 1)) >> 63));
        nodes[i].lo &= other;
        nodes[i].hi &= other;
    }
}

/* The sum over the side that the secret bit selects, without a secret index. */
static struct block sum_of_side(const struct block *nodes, size_t n, uint64_t side)
{
    struct block s0 = sum_of(nodes, n, 0), s1 = sum_of(nodes, n, 1);
    return block_xor(s0, block_and_bit(block_xor(s0, s1), side));
}

/* Rebuilds the leaves of one tree, zero at the hole. The hole is secret: every node is computed,
 * the punctured path as garbage that is zeroed at each level. */
static void puncture_tree(struct block *nodes, const uint8_t **msg, const struct block *chosen,
                          const struct cot *cot, uint64_t hole)
{
    uint64_t path = hole >> (cot->k - 1) & 1;
    nodes[0] = block_and_bit(chosen[0], path);
    nodes[1] = block_and_bit(chosen[0], 1 - path);
    for (unsigned level = 1; level < cot->k; level++) {
        size_t n = (size_t)2 << level;
        uint64_t bit = hole >> (cot->k - 1 - level) & 1, side = 1 - bit;
        grow_level(nodes, n / 2);
        zero_at(nodes, n, 2 * path);
        zero_at(nodes, n, 2 * path + 1);
        struct block sent0 = block_load(*msg), sent1 = block_load(*msg + sizeof(struct block));
        struct block sent = block_xor(sent0, block_and_bit(block_xor(sent0, sent1), side));
        struct block sibling =
            block_xor(block_xor(sent, chosen[level]), sum_of_side(nodes, n, side));
        xor_at(nodes, n, 2 * path + side, sibling);
        path = 2 * path + bit;
        *msg += 2 * sizeof(struct block);
    }
}

/* The check of t̂; advances *msg. t holds garbage at the hole, which is replaced by t̃ ⊕ the others.
 */
static bool check_tree(uint8_t t[][T_LEN], const uint8_t **msg, const struct cot *cot, size_t tree,
                       uint64_t hole, const struct cot_context *ctx)
{
    uint8_t hole_t[T_LEN], expect[WHIST_HASH_LEN];
    memcpy(hole_t, *msg, T_LEN);
    for (size_t y = 0; y < cot->n_leaves; y++) {
        uint64_t d = y ^ hole;
        uint8_t other = (uint8_t)~ct_mask(~((d | (~d + 1)) >> 63));
        for (size_t b = 0; b < T_LEN; b++) {
            t[y][b] &= other;
            hole_t[b] ^= t[y][b];
        }
    }
    for (size_t y = 0; y < cot->n_leaves; y++) {
        uint64_t d = y ^ hole;
        uint8_t same = (uint8_t)ct_mask(~((d | (~d + 1)) >> 63));
        for (size_t b = 0; b < T_LEN; b++) {
            t[y][b] = (uint8_t)(t[y][b] | (hole_t[b] & same));
        }
    }
    hash_t(expect, ctx, tree, t, cot->n_leaves);
    bool good = whist_ct_equal(expect, *msg + T_LEN, WHIST_HASH_LEN);
    *msg += T_LEN + WHIST_HASH_LEN;
    whist_wipe(hole_t, sizeof hole_t);
    return good;
}

/* out[p] = leaves[p ^ hole]: a butterfly of conditional swaps, one for each bit of the secret hole.
 */
static void shift_by_hole(struct block *leaves, size_t n, uint64_t hole)
{
    for (size_t half = 1, b = 0; half < n; half *= 2, b++) {
        uint64_t m = ct_mask(hole >> b);
        for (size_t i = 0; i < n; i++) {
            if ((i & half) == 0) {
                struct block d = block_xor(leaves[i], leaves[i + half]);
                d.lo &= m;
                d.hi &= m;
                leaves[i] = block_xor(leaves[i], d);
                leaves[i + half] = block_xor(leaves[i + half], d);
            }
        }
    }
}

static uint64_t tree_hole(struct block delta, unsigned k, size_t tree)
{
    size_t bit = tree * k;
    return (bit < 64 ? delta.lo >> bit : delta.hi >> (bit - 64)) & (((uint64_t)1 << k) - 1);
}

whist_status whist_cot_sender_init(struct cot *cot, unsigned k, struct block delta,
                                   const struct block keys[128], const uint8_t *msg,
                                   const struct cot_context *ctx, struct whist_error *err)
{
    struct block nodes[MAX_LEAVES];
    uint8_t t[MAX_LEAVES][T_LEN];
    bool good = true;
    TRY(allocate(cot, k, delta, err));
    for (size_t tree = 0; tree < cot->n_trees; tree++) {
        uint64_t hole = tree_hole(delta, k, tree);
        puncture_tree(nodes, &msg, keys + tree * k, cot, hole);
        finish_leaves(nodes, t, cot->n_leaves);
        good &= check_tree(t, &msg, cot, tree, hole, ctx);
        shift_by_hole(nodes, cot->n_leaves, hole);
        nodes[0] = (struct block){0, 0};
        whist_kernels()->aes_schedule(cot->leaves + tree * cot->n_leaves, nodes, cot->n_leaves);
    }
    whist_wipe(nodes, sizeof nodes);
    whist_wipe(t, sizeof t);
    if (!good) {
        whist_cot_clear(cot);
        return whist_fail(err, WHIST_ERR_CHECK, (int)ctx->receiver, PHASE,
                          "the GGM trees of party %u are not consistent", ctx->receiver);
    }
    return WHIST_OK;
}

void whist_cot_receive(struct cot *cot, struct block *cols, struct block *d_out,
                       const struct block *u, size_t n_words)
{
    WHIST_REQUIRE(n_words <= COT_BLOCK_WORDS);
    for (size_t tree = 0; tree < cot->n_trees; tree++) {
        struct block *d = d_out + tree * n_words;
        whist_kernels()->cot_expand(cols + tree * cot->k * n_words, n_words, d,
                                    cot->leaves + tree * cot->n_leaves, cot->n_leaves, cot->counter,
                                    n_words, false);
        for (size_t i = 0; i < n_words; i++) {
            d[i] = block_xor(d[i], u[i]);
        }
    }
    cot->counter += n_words;
}

void whist_cot_send(struct cot *cot, struct block *cols, const struct block *d, size_t n_words)
{
    struct block sum[COT_BLOCK_WORDS];
    WHIST_REQUIRE(n_words <= COT_BLOCK_WORDS);
    for (size_t tree = 0; tree < cot->n_trees; tree++) {
        struct block *tree_cols = cols + tree * cot->k * n_words;
        uint64_t hole = tree_hole(cot->delta, cot->k, tree);
        whist_kernels()->cot_expand(tree_cols, n_words, sum, cot->leaves + tree * cot->n_leaves,
                                    cot->n_leaves, cot->counter, n_words, true);
        for (unsigned b = 0; b < cot->k; b++) {
            uint64_t m = ct_mask(hole >> b);
            for (size_t i = 0; i < n_words; i++) {
                tree_cols[b * n_words + i].lo ^= d[tree * n_words + i].lo & m;
                tree_cols[b * n_words + i].hi ^= d[tree * n_words + i].hi & m;
            }
        }
    }
    cot->counter += n_words;
    whist_wipe(sum, sizeof sum);
}
