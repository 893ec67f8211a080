/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* AES-128 bitsliced, in constant time on any machine: no table is looked up. A batch of blocks is
 * held as 8 planes, plane k the bits k of all bytes; every lane may have a key of its own, and the
 * key schedule runs in the same form. */
#include "crypto/kernels_impl.h"

/* Four blocks fit into 64 bits of a plane; the compiler maps the pair to what the machine has. */
#if defined(__GNUC__)
typedef uint64_t word __attribute__((vector_size(16)));
#define WORD_LANES 2
#else
typedef uint64_t word;
#define WORD_LANES 1
#endif
#define BATCH    ((size_t)4 * WORD_LANES)
#define N_ROUNDS 10

/* Bit 16 r + 4 c + b of a 64-bit lane belongs to row r, column c of block b of the lane. */
struct planes {
    word q[8];
};

static const uint8_t round_constant[N_ROUNDS] = {0x01, 0x02, 0x04, 0x08, 0x10,
                                                 0x20, 0x40, 0x80, 0x1b, 0x36};

/* ---- Between blocks and planes ---- */

/* Byte i of x to byte 2 i of the result. */
static uint64_t spread_bytes(uint32_t x)
{
    uint64_t r = x;
    r = (r | r << 16) & UINT64_C(0x0000ffff0000ffff);
    return (r | r << 8) & UINT64_C(0x00ff00ff00ff00ff);
}

static uint32_t gather_bytes(uint64_t x)
{
    x &= UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x >> 8) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(x | x >> 16);
}

static void swap_bits(word *a, word *b, uint64_t low, int distance)
{
    word t = ((*a >> distance) ^ *b) & low;
    *b ^= t;
    *a ^= t << distance;
}

/* Bit k of byte m of word j goes to bit j of byte m of word k; its own inverse. */
static void transpose_bits(word q[8])
{
    for (size_t i = 0; i < 8; i += 2) {
        swap_bits(&q[i], &q[i + 1], UINT64_C(0x5555555555555555), 1);
    }
    for (size_t i = 0; i < 8; i++) {
        if ((i & 2) == 0) {
            swap_bits(&q[i], &q[i + 2], UINT64_C(0x3333333333333333), 2);
        }
    }
    for (size_t i = 0; i < 4; i++) {
        swap_bits(&q[i], &q[i + 4], UINT64_C(0x0f0f0f0f0f0f0f0f), 4);
    }
}

/* BATCH blocks into planes. Word b of a lane takes columns 0 and 2 of block b, word 4 + b columns 1
 * and 3, so that the bit transposition lands on the layout of struct planes. */
static void planes_load(struct planes *p, const struct block *in)
{
    uint64_t w[8][WORD_LANES];
    for (size_t i = 0; i < BATCH; i++) {
        size_t b = i % 4, lane = i / 4;
        w[b][lane] = spread_bytes((uint32_t)in[i].lo) | spread_bytes((uint32_t)in[i].hi) << 8;
        w[4 + b][lane] = spread_bytes((uint32_t)(in[i].lo >> 32)) |
                         spread_bytes((uint32_t)(in[i].hi >> 32)) << 8;
    }
    memcpy(p->q, w, sizeof(p->q));
    transpose_bits(p->q);
}

static void planes_store(struct block *out, const struct planes *p)
{
    uint64_t w[8][WORD_LANES];
    struct planes t = *p;
    transpose_bits(t.q);
    memcpy(w, t.q, sizeof(t.q));
    for (size_t i = 0; i < BATCH; i++) {
        uint64_t even = w[i % 4][i / 4], odd = w[4 + i % 4][i / 4];
        out[i].lo = gather_bytes(even) | (uint64_t)gather_bytes(odd) << 32;
        out[i].hi = gather_bytes(even >> 8) | (uint64_t)gather_bytes(odd >> 8) << 32;
    }
}

static void planes_broadcast(struct planes *p, struct block x)
{
    struct block b[BATCH];
    for (size_t i = 0; i < BATCH; i++) {
        b[i] = x;
    }
    planes_load(p, b);
}

static void planes_xor(struct planes *a, const struct planes *b)
{
    for (size_t k = 0; k < 8; k++) {
        a->q[k] ^= b->q[k];
    }
}

/* ---- The cipher ---- */

/* The multiplicative core of the S-box: from the 22 linear forms y (and x7) of the input to the
 * products z. Boyar, Peralta: "A small depth-16 circuit for the AES S-box", 2011. */
static void sbox_core(word z[18], const word y[22], word x7)
{
    word t2 = y[12] & y[15], t7 = y[13] & y[16], t12 = y[9] & y[11];
    word t4 = (y[3] & y[6]) ^ t2, t6 = (y[4] & x7) ^ t2;
    word t9 = (y[5] & y[1]) ^ t7, t11 = (y[2] & y[7]) ^ t7;
    word t14 = (y[14] & y[17]) ^ t12, t16 = (y[8] & y[10]) ^ t12;
    word t21 = t4 ^ t14 ^ y[20], t22 = t6 ^ t16 ^ y[19];
    word t23 = t9 ^ t14 ^ y[21], t24 = t11 ^ t16 ^ y[18];
    /* Inversion in GF(2^4). */
    word t25 = t21 ^ t22, t26 = t21 & t23;
    word t27 = t24 ^ t26, t29 = (t25 & t27) ^ t22;
    word t33 = ((t22 ^ t26) & (t23 ^ t24)) ^ t24;
    word t36 = t24 & (t27 ^ t33), t37 = t36 ^ t23 ^ t33;
    word t40 = t25 ^ (t29 & (t27 ^ t36)), t41 = t40 ^ t37;
    word t42 = t29 ^ t33, t43 = t29 ^ t40, t44 = t33 ^ t37, t45 = t42 ^ t41;
    z[0] = t44 & y[15], z[1] = t37 & y[6], z[2] = t33 & x7;
    z[3] = t43 & y[16], z[4] = t40 & y[1], z[5] = t29 & y[7];
    z[6] = t42 & y[11], z[7] = t45 & y[17], z[8] = t41 & y[10];
    z[9] = t44 & y[12], z[10] = t37 & y[3], z[11] = t33 & y[4];
    z[12] = t43 & y[13], z[13] = t40 & y[5], z[14] = t29 & y[2];
    z[15] = t42 & y[9], z[16] = t45 & y[14], z[17] = t41 & y[8];
}

static void sub_bytes(struct planes *p)
{
    word *q = p->q, y[22], z[18];
    word x0 = q[7], x1 = q[6], x2 = q[5], x3 = q[4], x4 = q[3], x5 = q[2], x6 = q[1], x7 = q[0];
    word t0 = x1 ^ x2, t1;

    y[14] = x3 ^ x5, y[13] = x0 ^ x6, y[9] = x0 ^ x3, y[8] = x0 ^ x5;
    y[1] = t0 ^ x7, y[4] = y[1] ^ x3, y[12] = y[13] ^ y[14], y[2] = y[1] ^ x0;
    y[5] = y[1] ^ x6, y[3] = y[5] ^ y[8];
    t1 = x4 ^ y[12];
    y[15] = t1 ^ x5, y[20] = t1 ^ x1, y[6] = y[15] ^ x7, y[10] = y[15] ^ t0;
    y[11] = y[20] ^ y[9], y[7] = x7 ^ y[11], y[17] = y[10] ^ y[11], y[19] = y[10] ^ y[8];
    y[16] = t0 ^ y[11], y[21] = y[13] ^ y[16], y[18] = x0 ^ y[16];
    y[0] = x7;
    sbox_core(z, y, x7);

    word t46 = z[15] ^ z[16], t48 = z[5] ^ z[13], t53 = z[0] ^ z[3];
    word t57 = z[2] ^ z[12] ^ t53, t58 = z[4] ^ t46, t59 = z[3] ^ z[6] ^ z[7];
    word t62 = z[7] ^ z[8] ^ t58, t63 = z[9] ^ z[10] ^ t58, t64 = z[4] ^ t59;
    word t65 = z[14] ^ t57 ^ t62, t66 = z[1] ^ t63;
    q[7] = t59 ^ t63;
    q[1] = ~(z[12] ^ t48 ^ t62);
    q[0] = ~(t48 ^ t46 ^ t57);
    q[4] = t53 ^ t66;
    q[3] = z[2] ^ z[5] ^ t66;
    q[2] = z[10] ^ z[11] ^ t65;
    q[6] = ~(t64 ^ q[4]);
    q[5] = ~(z[16] ^ z[17] ^ t64 ^ t65);
}

/* Row r turns by r columns: rows 2 and 3 by two, then rows 1 and 3 by one. */
static word shift_rows(word x)
{
    word t = (x ^ x >> 8) & UINT64_C(0x00ff00ff00000000);
    x ^= t ^ t << 8;
    return (x & UINT64_C(0x0000ffff0000ffff)) | ((x >> 4) & UINT64_C(0x0fff00000fff0000)) |
           ((x << 12) & UINT64_C(0xf0000000f0000000));
}

/* out_r = 2 (a_r + a_{r+1}) + a_{r+1} + a_{r+2} + a_{r+3}; rows are 16 bits apart. */
static void mix_columns(struct planes *p)
{
    word next[8], sum[8];
    for (size_t k = 0; k < 8; k++) {
        next[k] = p->q[k] >> 16 | p->q[k] << 48;
        sum[k] = p->q[k] ^ next[k];
    }
    for (size_t k = 0; k < 8; k++) {
        p->q[k] = next[k] ^ (sum[k] >> 32 | sum[k] << 32);
        if (k > 0) {
            p->q[k] ^= sum[k - 1];
        }
        if ((0x1b >> k & 1) != 0) {
            p->q[k] ^= sum[7];
        }
    }
}

/* Round 1 … 10 under the round key. */
static void cipher_round(struct planes *s, const struct planes *round_key, unsigned round)
{
    sub_bytes(s);
    for (size_t k = 0; k < 8; k++) {
        s->q[k] = shift_rows(s->q[k]);
    }
    if (round != N_ROUNDS) {
        mix_columns(s);
    }
    planes_xor(s, round_key);
}

/* Round key round − 1 to round key round (FIPS 197 §5.2). */
static void key_step(struct planes *key, unsigned round)
{
    struct planes s = *key;
    sub_bytes(&s);
    for (size_t k = 0; k < 8; k++) {
        /* RotWord of column 3, as column 0. */
        word t = (s.q[k] >> 12) & UINT64_C(0x000f000f000f000f);
        t = t >> 16 | t << 48;
        t ^= (uint64_t)0xf * (round_constant[round - 1] >> k & 1U);
        /* Each column is the sum of those before it. */
        word v = key->q[k] ^ t;
        v ^= (v << 4) & UINT64_C(0xfff0fff0fff0fff0);
        v ^= (v << 8) & UINT64_C(0xff00ff00ff00ff00);
        key->q[k] = v;
    }
}

struct key_planes {
    struct planes rk[N_ROUNDS + 1];
};

static void encrypt(struct planes *s, const struct key_planes *key)
{
    planes_xor(s, &key->rk[0]);
    for (unsigned r = 1; r <= N_ROUNDS; r++) {
        cipher_round(s, &key->rk[r], r);
    }
}

/* ---- Kernels ---- */

static size_t batch_of(size_t left)
{
    return left < BATCH ? left : BATCH;
}

/* n ≤ BATCH blocks, the rest zero. */
static void load_padded(struct block out[BATCH], const struct block *in, size_t n)
{
    memset(out, 0, BATCH * sizeof(*out));
    memcpy(out, in, n * sizeof(*out));
}

void whist_portable_aes_schedule(struct aes_key *out, const struct block *keys, size_t count)
{
    for (size_t i = 0; i < count; i += BATCH) {
        size_t n = batch_of(count - i);
        struct block b[BATCH];
        struct planes key;
        load_padded(b, keys + i, n);
        planes_load(&key, b);
        for (unsigned r = 0; r <= N_ROUNDS; r++) {
            if (r > 0) {
                key_step(&key, r);
                planes_store(b, &key);
            }
            for (size_t j = 0; j < n; j++) {
                out[i + j].rk[r] = b[j];
            }
        }
    }
}

static void load_one_key(struct key_planes *planes, const struct aes_key *key)
{
    for (size_t r = 0; r <= N_ROUNDS; r++) {
        planes_broadcast(&planes->rk[r], key->rk[r]);
    }
}

void whist_portable_aes_ecb(struct block *out, const struct block *in, size_t count,
                            const struct aes_key *key)
{
    struct key_planes planes;
    if (count == 0) {
        return;
    }
    load_one_key(&planes, key);
    for (size_t i = 0; i < count; i += BATCH) {
        size_t n = batch_of(count - i);
        struct block b[BATCH];
        struct planes s;
        load_padded(b, in + i, n);
        planes_load(&s, b);
        encrypt(&s, &planes);
        planes_store(b, &s);
        memcpy(out + i, b, n * sizeof(*out));
    }
}

void whist_portable_aes_ctr(struct block *out, size_t count, const struct aes_key *key,
                            struct block counter)
{
    struct key_planes planes;
    if (count == 0) {
        return;
    }
    load_one_key(&planes, key);
    for (size_t i = 0; i < count; i += BATCH) {
        size_t n = batch_of(count - i);
        struct block b[BATCH];
        struct planes s;
        for (size_t j = 0; j < BATCH; j++) {
            b[j].lo = counter.lo + i + j;
            b[j].hi = counter.hi;
        }
        planes_load(&s, b);
        encrypt(&s, &planes);
        planes_store(b, &s);
        memcpy(out + i, b, n * sizeof(*out));
    }
}

/* H(x[j]; t[j]) for a batch, with x0 and x1 under the same keys; x1 may be NULL. In place. */
static void hash_batch(struct block *x0, struct block *x1, const struct block *t)
{
    struct block *x[2] = {x0, x1};
    size_t n = x1 != NULL ? 2 : 1;
    struct planes s[2], whitened[2], key;

    for (size_t h = 0; h < n; h++) {
        for (size_t j = 0; j < BATCH; j++) {
            x[h][j] = block_sigma(x[h][j]);
        }
        planes_load(&whitened[h], x[h]);
        s[h] = whitened[h];
    }
    planes_load(&key, t);
    for (size_t h = 0; h < n; h++) {
        planes_xor(&s[h], &key);
    }
    for (unsigned r = 1; r <= N_ROUNDS; r++) {
        key_step(&key, r);
        for (size_t h = 0; h < n; h++) {
            cipher_round(&s[h], &key, r);
        }
    }
    for (size_t h = 0; h < n; h++) {
        planes_xor(&s[h], &whitened[h]);
        planes_store(x[h], &s[h]);
    }
}

void whist_portable_hash1(struct block *out, const struct block *x, const struct block *t,
                          size_t count)
{
    for (size_t i = 0; i < count; i += BATCH) {
        size_t n = batch_of(count - i);
        struct block b[BATCH], key[BATCH];
        load_padded(b, x + i, n);
        load_padded(key, t + i, n);
        hash_batch(b, NULL, key);
        memcpy(out + i, b, n * sizeof(*out));
    }
}

void whist_portable_hash2(struct block *out0, struct block *out1, const struct block *x,
                          const struct block *t, struct block delta, size_t count)
{
    for (size_t i = 0; i < count; i += BATCH) {
        size_t n = batch_of(count - i);
        struct block b0[BATCH], b1[BATCH], key[BATCH];
        load_padded(b0, x + i, n);
        load_padded(key, t + i, n);
        for (size_t j = 0; j < BATCH; j++) {
            b1[j] = block_xor(b0[j], delta);
        }
        hash_batch(b0, b1, key);
        memcpy(out0 + i, b0, n * sizeof(*out0));
        memcpy(out1 + i, b1, n * sizeof(*out1));
    }
}

/* Round keys of n ≤ BATCH leaves, one a lane. */
static void load_leaf_keys(struct key_planes *planes, const struct aes_key *leaves, size_t n)
{
    for (size_t r = 0; r <= N_ROUNDS; r++) {
        struct block b[BATCH];
        memset(b, 0, sizeof(b));
        for (size_t j = 0; j < n; j++) {
            b[j] = leaves[j].rk[r];
        }
        planes_load(&planes->rk[r], b);
    }
}

void whist_portable_cot_expand(struct block *cols_out, size_t stride, struct block *sum_out,
                               const struct aes_key *leaves, size_t n_leaves, uint64_t counter,
                               size_t n_blocks, bool skip0)
{
    unsigned k = leaf_bits(n_leaves);
    memset(sum_out, 0, n_blocks * sizeof(*sum_out));
    for (unsigned b = 0; b < k; b++) {
        memset(cols_out + b * stride, 0, n_blocks * sizeof(*cols_out));
    }
    for (size_t first = 0; first < n_leaves; first += BATCH) {
        size_t n = batch_of(n_leaves - first);
        struct key_planes planes;
        load_leaf_keys(&planes, leaves + first, n);
        for (size_t i = 0; i < n_blocks; i++) {
            struct block r[BATCH], in = {counter + i, 0};
            struct planes s;
            planes_broadcast(&s, in);
            encrypt(&s, &planes);
            planes_store(r, &s);
            for (size_t j = first == 0 && skip0 ? 1 : 0; j < n; j++) {
                sum_out[i] = block_xor(sum_out[i], r[j]);
                for (unsigned b = 0; b < k; b++) {
                    if (((first + j) >> b & 1) != 0) {
                        struct block *col = cols_out + b * stride + i;
                        *col = block_xor(*col, r[j]);
                    }
                }
            }
        }
    }
}
