/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The kernels over vector registers of LANES blocks. A kernel file defines V, LANES and the v_
 * operations of its instruction set, includes this once and puts the functions into its table.
 *
 * Everything is inlined and unrolled: the key schedules live from the independence of neighbouring
 * instructions. The last, incomplete batch runs through the same code with the absent blocks zero.
 */
#ifndef WHIST_KERNELS_X86_H
#define WHIST_KERNELS_X86_H

/* Constants lie in memory so that no kernel computes them. */

/* Byte 4 c + r takes byte 4 ((c − r) mod 4) + (r + 1) mod 4: RotWord in every column after the
 * inverse of ShiftRows, which AESENCLAST will do. */
static const struct block rot_word = {UINT64_C(0x080f0205040b0e01), UINT64_C(0x00070a0d0c030609)};
static const struct block high_half = {0, UINT64_MAX};
/* From the counters of one register to those of the next. */
static const struct block lane_step = {LANES, 0};
/* Bit q of every byte. */
#define BYTES_OF(x)                                                                                \
    {                                                                                              \
        UINT64_C(0x0101010101010101) * (x), UINT64_C(0x0101010101010101) * (x)                     \
    }
static const struct block bit_places[8] = {BYTES_OF(1),  BYTES_OF(2),  BYTES_OF(4),  BYTES_OF(8),
                                           BYTES_OF(16), BYTES_OF(32), BYTES_OF(64), BYTES_OF(128)};

/* Keys, and blocks of one state array, of a batch: 4 registers. */
#define BATCH ((size_t)4 * LANES)

INLINE size_t blocks_left(size_t count, size_t used)
{
    return count > used ? count - used : 0;
}

/* Registers of consecutive blocks, of which n exist. */
INLINE void load_n(V *v, const struct block *p, size_t n_regs, size_t n)
{
    for (size_t q = 0; q < n_regs; q++) {
        v[q] = v_load(p + q * LANES, blocks_left(n, q * LANES));
    }
}

INLINE void store_n(struct block *p, const V *v, size_t n_regs, size_t n)
{
    for (size_t q = 0; q < n_regs; q++) {
        v_store(p + q * LANES, v[q], blocks_left(n, q * LANES));
    }
}

/* ---- AES under one key ---- */

INLINE void encrypt_regs(V *s, size_t n_regs, const struct aes_key *key)
{
    V k = v_broadcast(&key->rk[0]);
    for (size_t q = 0; q < n_regs; q++) {
        s[q] = v_xor(s[q], k);
    }
    for (size_t r = 1; r < 10; r++) {
        k = v_broadcast(&key->rk[r]);
        for (size_t q = 0; q < n_regs; q++) {
            s[q] = v_aesenc(s[q], k);
        }
    }
    k = v_broadcast(&key->rk[10]);
    for (size_t q = 0; q < n_regs; q++) {
        s[q] = v_aesenclast(s[q], k);
    }
}

INLINE void ecb_batch(struct block *out, const struct block *in, size_t n_regs, size_t n,
                      const struct aes_key *key)
{
    V s[8];
    load_n(s, in, n_regs, n);
    encrypt_regs(s, n_regs, key);
    store_n(out, s, n_regs, n);
}

static void aes_ecb(struct block *out, const struct block *in, size_t count,
                    const struct aes_key *key)
{
    size_t i = 0;
    for (; count - i >= 2 * BATCH; i += 2 * BATCH) {
        ecb_batch(out + i, in + i, 8, 2 * BATCH, key);
    }
    for (; count - i >= BATCH; i += BATCH) {
        ecb_batch(out + i, in + i, 4, BATCH, key);
    }
    if (i < count) {
        ecb_batch(out + i, in + i, 4, count - i, key);
    }
}

/* Takes the counters from *next and moves it on. */
INLINE void ctr_batch(struct block *out, size_t n_regs, size_t n, const struct aes_key *key,
                      V *next)
{
    V s[8];
    for (size_t q = 0; q < n_regs; q++) {
        s[q] = *next;
        *next = v_add64(*next, v_broadcast(&lane_step));
    }
    encrypt_regs(s, n_regs, key);
    store_n(out, s, n_regs, n);
}

static void aes_ctr(struct block *out, size_t count, const struct aes_key *key,
                    struct block counter)
{
    V next = v_count(counter);
    size_t i = 0;
    for (; count - i >= 2 * BATCH; i += 2 * BATCH) {
        ctr_batch(out + i, 8, 2 * BATCH, key, &next);
    }
    for (; count - i >= BATCH; i += BATCH) {
        ctr_batch(out + i, 4, BATCH, key, &next);
    }
    if (i < count) {
        ctr_batch(out + i, 4, count - i, key, &next);
    }
}

/* ---- Vertical key schedule ---- */

/* Transposes words: word j of register q goes to word q of register j, in every lane. */
INLINE void transpose_words(V out[4], const V in[4])
{
    V a = v_unpacklo32(in[0], in[1]), b = v_unpackhi32(in[0], in[1]);
    V c = v_unpacklo32(in[2], in[3]), d = v_unpackhi32(in[2], in[3]);
    out[0] = v_unpacklo64(a, c);
    out[1] = v_unpackhi64(a, c);
    out[2] = v_unpacklo64(b, d);
    out[3] = v_unpackhi64(b, d);
}

/* BATCH key schedules at once: w[j] holds word j of every key. sum = w0 ⊕ w1 ⊕ w2 ⊕ w3 is kept so
 * that the next w[3], on which the round after depends, comes one step after SubWord. */
struct schedule {
    V w[4], sum;
};

INLINE void schedule_start(struct schedule *ks, const V keys[4])
{
    transpose_words(ks->w, keys);
    ks->sum = v_xor(v_xor(ks->w[0], ks->w[1]), v_xor(ks->w[2], ks->w[3]));
}

/* The next round keys, as keys (lane l of register q: key q * LANES + l). */
INLINE void schedule_step(struct schedule *ks, V keys[4], int round_constant)
{
    /* SubWord(RotWord(w3)) of every key: the shuffle does RotWord and undoes ShiftRows. */
    V t = v_aesenclast(v_shuffle8(ks->w[3], v_broadcast(&rot_word)), v_set32(round_constant));
    V sum = v_xor(ks->w[1], ks->w[3]);
    ks->w[3] = v_xor(ks->sum, t);
    ks->sum = sum;
    ks->w[0] = v_xor(ks->w[0], t);
    ks->w[1] = v_xor(ks->w[1], ks->w[0]);
    ks->w[2] = v_xor(ks->w[2], ks->w[1]);
    transpose_words(keys, ks->w);
}

INLINE void schedule_store(struct aes_key *out, const V keys[4], size_t n, size_t round)
{
    for (size_t q = 0; q < 4; q++) {
        struct block b[LANES];
        v_store(b, keys[q], LANES);
        for (size_t l = 0; l < LANES && q * LANES + l < n; l++) {
            out[q * LANES + l].rk[round] = b[l];
        }
    }
}

static void aes_schedule(struct aes_key *out, const struct block *keys, size_t count)
{
    static const uint8_t round_constant[10] = {0x01, 0x02, 0x04, 0x08, 0x10,
                                               0x20, 0x40, 0x80, 0x1b, 0x36};
    for (size_t i = 0; i < count; i += BATCH) {
        size_t n = count - i < BATCH ? count - i : BATCH;
        struct schedule ks;
        V k[4];
        load_n(k, keys + i, 4, n);
        schedule_start(&ks, k);
        schedule_store(out + i, k, n, 0);
        for (size_t r = 1; r <= 10; r++) {
            schedule_step(&ks, k, round_constant[r - 1]);
            schedule_store(out + i, k, n, r);
        }
    }
}

/* ---- Hash: the tweak is the key ---- */

INLINE V sigma(V x)
{
    return v_xor(v_swap64(x), v_and(x, v_broadcast(&high_half)));
}

/* One round of `n_states` state arrays under the same keys. */
INLINE void hash_round(V *s, size_t n_states, struct schedule *ks, int round_constant)
{
    V k[4];
    schedule_step(ks, k, round_constant);
    for (size_t i = 0; i < 4 * n_states; i++) {
        s[i] = v_aesenc(s[i], k[i % 4]);
    }
}

/* s[i] = AES_k(s[i]) ⊕ s[i], register i under the keys of register i mod 4. */
INLINE void hash_states(V *s, size_t n_states, V k[4])
{
    struct schedule ks;
    V feed[8];
    for (size_t i = 0; i < 4 * n_states; i++) {
        feed[i] = s[i];
        s[i] = v_xor(s[i], k[i % 4]);
    }
    schedule_start(&ks, k);
    hash_round(s, n_states, &ks, 0x01);
    hash_round(s, n_states, &ks, 0x02);
    hash_round(s, n_states, &ks, 0x04);
    hash_round(s, n_states, &ks, 0x08);
    hash_round(s, n_states, &ks, 0x10);
    hash_round(s, n_states, &ks, 0x20);
    hash_round(s, n_states, &ks, 0x40);
    hash_round(s, n_states, &ks, 0x80);
    hash_round(s, n_states, &ks, 0x1b);
    schedule_step(&ks, k, 0x36);
    for (size_t i = 0; i < 4 * n_states; i++) {
        s[i] = v_aesenclast(s[i], v_xor(k[i % 4], feed[i]));
    }
}

INLINE void hash1_batch(struct block *out, const struct block *x, const struct block *t, size_t n)
{
    V s[4], k[4];
    load_n(s, x, 4, n);
    load_n(k, t, 4, n);
    for (size_t q = 0; q < 4; q++) {
        s[q] = sigma(s[q]);
    }
    hash_states(s, 1, k);
    store_n(out, s, 4, n);
}

static void hash1(struct block *out, const struct block *x, const struct block *t, size_t count)
{
    size_t i = 0;
    for (; count - i >= BATCH; i += BATCH) {
        hash1_batch(out + i, x + i, t + i, BATCH);
    }
    if (i < count) {
        hash1_batch(out + i, x + i, t + i, count - i);
    }
}

INLINE void hash2_batch(struct block *out0, struct block *out1, const struct block *x,
                        const struct block *t, V sigma_delta, size_t n)
{
    V s[8], k[4];
    load_n(s, x, 4, n);
    load_n(k, t, 4, n);
    for (size_t q = 0; q < 4; q++) {
        s[q] = sigma(s[q]);
        s[4 + q] = v_xor(s[q], sigma_delta); /* σ is linear */
    }
    hash_states(s, 2, k);
    store_n(out0, s, 4, n);
    store_n(out1, s + 4, 4, n);
}

static void hash2(struct block *out0, struct block *out1, const struct block *x,
                  const struct block *t, struct block delta, size_t count)
{
    V sigma_delta = sigma(v_set128(delta));
    size_t i = 0;
    for (; count - i >= BATCH; i += BATCH) {
        hash2_batch(out0 + i, out1 + i, x + i, t + i, sigma_delta, BATCH);
    }
    if (i < count) {
        hash2_batch(out0 + i, out1 + i, x + i, t + i, sigma_delta, count - i);
    }
}

/* ---- GF(2^128) ---- */

/* A sum of products before reduction, Karatsuba: low halves, high halves, sums of halves. */
struct products {
    V low, high, mid;
};

INLINE void products_clear(struct products *p)
{
    p->low = p->high = p->mid = v_zero();
}

INLINE V sum_of_halves(V a)
{
    return v_xor(a, v_swap64(a));
}

INLINE void products_add(struct products *p, V a, V a_sum, V b)
{
    p->low = v_xor(p->low, v_clmul(a, b, 0x00));
    p->high = v_xor(p->high, v_clmul(a, b, 0x11));
    p->mid = v_xor(p->mid, v_clmul(a_sum, sum_of_halves(b), 0x00));
}

/* The sum over the lanes modulo X^128 + X^7 + X^2 + X + 1. */
INLINE struct block products_reduce(const struct products *p)
{
    const __m128i poly = _mm_set_epi32(0, 0, 0, 0x87);
    __m128i low = v_sum_lanes(p->low), high = v_sum_lanes(p->high), mid = v_sum_lanes(p->mid), t;
    struct block r;
    mid = _mm_xor_si128(mid, _mm_xor_si128(low, high));
    low = _mm_xor_si128(low, _mm_slli_si128(mid, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(mid, 8));
    t = _mm_clmulepi64_si128(high, poly, 0x01);
    low = _mm_xor_si128(low, _mm_slli_si128(t, 8));
    high = _mm_xor_si128(high, _mm_srli_si128(t, 8));
    low = _mm_xor_si128(low, _mm_clmulepi64_si128(high, poly, 0x00));
    _mm_store_si128((__m128i *)(void *)&r, low);
    return r;
}

INLINE void dot_step(struct products *p, const struct block *a, const struct block *b, size_t n)
{
    V va = v_load(a, n);
    products_add(p, va, sum_of_halves(va), v_load(b, n));
}

static struct block gf_dot(const struct block *a, const struct block *b, size_t count)
{
    struct products p;
    size_t i = 0;
    products_clear(&p);
    for (; count - i >= 2 * LANES; i += 2 * LANES) {
        dot_step(&p, a + i, b + i, LANES);
        dot_step(&p, a + i + LANES, b + i + LANES, LANES);
    }
    for (; i < count; i += LANES) {
        dot_step(&p, a + i, b + i, count - i);
    }
    return products_reduce(&p);
}

INLINE void dot2_step(struct products p[2], const struct block *chi, const struct block *x,
                      const struct block *y, size_t n)
{
    V c = v_load(chi, n), c_sum = sum_of_halves(c);
    products_add(&p[0], c, c_sum, v_load(x, n));
    products_add(&p[1], c, c_sum, v_load(y, n));
}

static void gf_dot2(struct block out[2], const struct block *chi, const struct block *x,
                    const struct block *y, size_t count)
{
    struct products p[2];
    size_t i = 0;
    products_clear(&p[0]);
    products_clear(&p[1]);
    for (; count - i >= LANES; i += LANES) {
        dot2_step(p, chi + i, x + i, y + i, LANES);
    }
    if (i < count) {
        dot2_step(p, chi + i, x + i, y + i, count - i);
    }
    out[0] = products_reduce(&p[0]);
    out[1] = products_reduce(&p[1]);
}

INLINE struct block sum_lanes(V v)
{
    struct block r;
    _mm_store_si128((__m128i *)(void *)&r, v_sum_lanes(v));
    return r;
}

INLINE V bit0_term(const struct block *chi, const struct block *b, size_t n)
{
    return v_and(v_load(chi, n), v_mask_bit0(v_load(b, n)));
}

static struct block bit0_dot(const struct block *chi, const struct block *b, size_t count)
{
    V even = v_zero(), odd = v_zero();
    size_t i = 0;
    for (; count - i >= 2 * LANES; i += 2 * LANES) {
        even = v_xor(even, bit0_term(chi + i, b + i, LANES));
        odd = v_xor(odd, bit0_term(chi + i + LANES, b + i + LANES, LANES));
    }
    for (; i < count; i += LANES) {
        even = v_xor(even, bit0_term(chi + i, b + i, count - i));
    }
    return sum_lanes(v_xor(even, odd));
}

/* The terms of one byte of bits, of which n exist. */
INLINE V bits_term(const struct block *chi, uint8_t bits, size_t n)
{
    V b = v_set8((char)bits), sum = v_zero();
    for (size_t q = 0; q < 8 / LANES; q++) {
        V place = v_load(bit_places + q * LANES, LANES);
        V mask = v_equal8(v_and(b, place), place);
        sum = v_xor(sum, v_and(v_load(chi + q * LANES, blocks_left(n, q * LANES)), mask));
    }
    return sum;
}

static struct block bits_dot(const struct block *chi, const uint8_t *bits, size_t count)
{
    V even = v_zero(), odd = v_zero();
    size_t i = 0;
    for (; count - i >= 16; i += 16) {
        even = v_xor(even, bits_term(chi + i, bits[i / 8], 8));
        odd = v_xor(odd, bits_term(chi + i + 8, bits[i / 8 + 1], 8));
    }
    for (; i < count; i += 8) {
        even = v_xor(even, bits_term(chi + i, bits[i / 8], count - i));
    }
    return sum_lanes(v_xor(even, odd));
}

/* ---- SoftSpoken: expansion and folding of a tree ---- */

#define TREE_BITS_MAX 16

/* Two registers of one stream, and what is added up of them. */
struct pair {
    V v[2];
};

INLINE struct pair pair_xor(struct pair a, struct pair b)
{
    struct pair r = {{v_xor(a.v[0], b.v[0]), v_xor(a.v[1], b.v[1])}};
    return r;
}

/* The streams of four leaves at one place: each round key serves two registers. */
INLINE void expand_leaves(struct pair r[4], const struct aes_key *leaves, struct pair counters)
{
    for (size_t y = 0; y < 4; y++) {
        V k = v_broadcast(&leaves[y].rk[0]);
        r[y].v[0] = v_xor(counters.v[0], k);
        r[y].v[1] = v_xor(counters.v[1], k);
    }
    for (size_t round = 1; round < 10; round++) {
        for (size_t y = 0; y < 4; y++) {
            V k = v_broadcast(&leaves[y].rk[round]);
            r[y].v[0] = v_aesenc(r[y].v[0], k);
            r[y].v[1] = v_aesenc(r[y].v[1], k);
        }
    }
    for (size_t y = 0; y < 4; y++) {
        V k = v_broadcast(&leaves[y].rk[10]);
        r[y].v[0] = v_aesenclast(r[y].v[0], k);
        r[y].v[1] = v_aesenclast(r[y].v[1], k);
    }
}

/* Sums of one place over the leaves. open[l] is the sum of a finished subtree of 4 · 2^l leaves
 * that waits for its sibling; the odd sibling's sum is what column 2 + l takes. */
struct fold {
    struct pair low[2], high[TREE_BITS_MAX], open[TREE_BITS_MAX];
};

INLINE void fold_group(struct fold *f, const struct pair r[4], size_t group)
{
    struct pair odd = pair_xor(r[1], r[3]), upper = pair_xor(r[2], r[3]);
    struct pair sum = pair_xor(pair_xor(r[0], r[2]), odd);
    size_t l = 0;
    f->low[0] = pair_xor(f->low[0], odd);
    f->low[1] = pair_xor(f->low[1], upper);
    for (; (group >> l & 1) != 0; l++) {
        /* The first odd subtree of a level starts its column. */
        f->high[l] = group >> l == 1 ? sum : pair_xor(f->high[l], sum);
        sum = pair_xor(sum, f->open[l]);
    }
    f->open[l] = sum;
}

/* One place of all streams, n blocks of it. */
INLINE void expand_place(struct block *cols_out, size_t stride, struct block *sum_out,
                         const struct aes_key *leaves, unsigned k, struct block counter, size_t n,
                         bool skip0)
{
    struct pair zero = {{v_zero(), v_zero()}}, counters, r[4];
    struct fold f;
    counters.v[0] = v_count(counter);
    counters.v[1] = v_add64(counters.v[0], v_broadcast(&lane_step));
    f.low[0] = f.low[1] = zero;
    for (size_t group = 0; group < (size_t)1 << (k - 2); group++) {
        expand_leaves(r, leaves + 4 * group, counters);
        if (skip0 && group == 0) {
            r[0] = zero;
        }
        fold_group(&f, r, group);
    }
    store_n(cols_out, f.low[0].v, 2, n);
    store_n(cols_out + stride, f.low[1].v, 2, n);
    for (unsigned b = 2; b < k; b++) {
        store_n(cols_out + b * stride, f.high[b - 2].v, 2, n);
    }
    store_n(sum_out, f.open[k - 2].v, 2, n);
}

INLINE void expand_tree(struct block *cols_out, size_t stride, struct block *sum_out,
                        const struct aes_key *leaves, unsigned k, uint64_t counter, size_t n_blocks,
                        bool skip0)
{
    size_t i = 0;
    struct block c = {counter, 0};
    for (; n_blocks - i >= 2 * LANES; i += 2 * LANES, c.lo += 2 * LANES) {
        expand_place(cols_out + i, stride, sum_out + i, leaves, k, c, 2 * LANES, skip0);
    }
    if (i < n_blocks) {
        expand_place(cols_out + i, stride, sum_out + i, leaves, k, c, n_blocks - i, skip0);
    }
}

static void cot_expand(struct block *cols_out, size_t stride, struct block *sum_out,
                       const struct aes_key *leaves, size_t n_leaves, uint64_t counter,
                       size_t n_blocks, bool skip0)
{
    unsigned k = leaf_bits(n_leaves);
    WHIST_REQUIRE(k >= 2 && k <= TREE_BITS_MAX && n_leaves == (size_t)1 << k);
    /* The usual depths with their loops unrolled. */
    if (k == 4) {
        expand_tree(cols_out, stride, sum_out, leaves, 4, counter, n_blocks, skip0);
    } else if (k == 2) {
        expand_tree(cols_out, stride, sum_out, leaves, 2, counter, n_blocks, skip0);
    } else {
        expand_tree(cols_out, stride, sum_out, leaves, k, counter, n_blocks, skip0);
    }
}

/* ---- Transposition of 128 columns ---- */

/* In every byte place: bit j of register i changes places with bit i of register j. */
#define SWAP_BITS(a, b, distance, low)                                                             \
    do {                                                                                           \
        V t_ = v_and(v_xor(v_shr16(a, distance), b), low);                                         \
        (b) = v_xor(b, t_);                                                                        \
        (a) = v_xor(a, v_shl16(t_, distance));                                                     \
    } while (0)

INLINE void transpose_bits(V r[8])
{
    const V low4 = v_set8(0x0f), low2 = v_set8(0x33), low1 = v_set8(0x55);
    for (size_t i = 0; i < 4; i++) {
        SWAP_BITS(r[i], r[i + 4], 4, low4);
    }
    for (size_t i = 0; i < 8; i += i % 2 == 0 ? 1 : 3) {
        SWAP_BITS(r[i], r[i + 2], 2, low2);
    }
    for (size_t i = 0; i < 8; i += 2) {
        SWAP_BITS(r[i], r[i + 1], 1, low1);
    }
}

/* A step rotates the address (register, byte in lane) of every byte by one bit; four transpose. */
INLINE void unpack_step(V out[16], const V in[16])
{
    for (size_t i = 0; i < 8; i++) {
        out[2 * i] = v_unpacklo8(in[i], in[i + 8]);
        out[2 * i + 1] = v_unpackhi8(in[i], in[i + 8]);
    }
}

/* 128 columns by n (1 … LANES) blocks. */
INLINE void transpose_strip(struct block *rows, const struct block *cols, size_t stride, size_t n)
{
    /* [bit of the byte][8 columns]: byte m is the byte of these columns in row 8 m + bit. */
    V bytes[8][16];
    for (size_t g = 0; g < 16; g++) {
        V r[8];
        for (size_t i = 0; i < 8; i++) {
            r[i] = v_load(cols + (8 * g + i) * stride, n);
        }
        transpose_bits(r);
        for (size_t i = 0; i < 8; i++) {
            bytes[i][g] = r[i];
        }
    }
    for (size_t i = 0; i < 8; i++) {
        V a[16], b[16];
        unpack_step(a, bytes[i]);
        unpack_step(b, a);
        unpack_step(a, b);
        unpack_step(b, a);
        for (size_t m = 0; m < 16; m++) {
            v_store_lanes(rows + 8 * m + i, 128, b[m], n);
        }
    }
}

static void transpose(struct block *rows_out, const struct block *cols, size_t stride,
                      size_t n_blocks)
{
    size_t j = 0;
    for (; n_blocks - j >= LANES; j += LANES) {
        transpose_strip(rows_out + 128 * j, cols + j, stride, LANES);
    }
    if (j < n_blocks) {
        transpose_strip(rows_out + 128 * j, cols + j, stride, n_blocks - j);
    }
}

#define KERNEL_TABLE(table_name)                                                                   \
    {                                                                                              \
        .name = (table_name), .aes_schedule = aes_schedule, .aes_ecb = aes_ecb,                    \
        .aes_ctr = aes_ctr, .hash1 = hash1, .hash2 = hash2, .gf_dot = gf_dot, .gf_dot2 = gf_dot2,  \
        .bit0_dot = bit0_dot, .bits_dot = bits_dot, .cot_expand = cot_expand,                      \
        .transpose = transpose,                                                                    \
    }

#endif
