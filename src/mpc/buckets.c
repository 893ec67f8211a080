/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* AND triples by rotation bucketing, and their use for the gates (docs/protocol.md §4, §5).
 *
 * Bound: a cheater that guesses m_x triples of row x is not caught with probability 2^−Σm_x and
 * then expects Π m_x / ℓ^(B−1) buckets of which it knows all B triples. m·2^−m ≤ 1/2 for every row,
 * and trying in chunk after chunk until caught it wins at most ℓ^−(B−1) / (2^B − 1). So B buckets
 * need (2^B − 1)·ℓ^(B−1) ≥ 2^ρ. */
#include "mpc/session.h"

#define MAX_BUCKET 20
#define TOO_LARGE  ((uint64_t)1 << 62)

static uint64_t saturating_mul(uint64_t a, uint64_t b)
{
    return a != 0 && b > TOO_LARGE / a ? TOO_LARGE : a * b;
}

static bool bucket_holds(unsigned rho, unsigned B, uint64_t l)
{
    uint64_t v = ((uint64_t)1 << B) - 1;
    for (unsigned i = 1; i < B; i++) {
        v = saturating_mul(v, l);
    }
    return v >= (uint64_t)1 << rho;
}

uint64_t whist_bucket_min_l(unsigned rho, unsigned B)
{
    uint64_t low = 1, high = TOO_LARGE;
    WHIST_REQUIRE(rho < 62 && B >= 2 && B <= MAX_BUCKET);
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        if (bucket_holds(rho, B, mid)) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}

void whist_bucket_choose(unsigned rho, uint64_t m, unsigned *B_out, uint64_t *l_out)
{
    uint64_t best = UINT64_MAX;
    for (unsigned B = 3; B <= MAX_BUCKET; B++) {
        uint64_t l = whist_bucket_min_l(rho, B);
        l = l < m ? m : l;
        if (saturating_mul(l, B) < best) {
            best = saturating_mul(l, B);
            *B_out = B;
            *l_out = l;
        }
    }
}

/* The chunk is as large as the smallest B needs whose ℓ is at most this. */
#define LARGEST_MIN_CHUNK ((uint64_t)1 << 19)
#define SMALLEST_CHUNK    ((uint64_t)1 << 18)

uint64_t whist_chunk_size(unsigned rho, uint64_t total)
{
    unsigned B = 3;
    while (whist_bucket_min_l(rho, B) > LARGEST_MIN_CHUNK) {
        B++;
    }
    uint64_t chunk = whist_bucket_min_l(rho, B);
    chunk = chunk < SMALLEST_CHUNK ? SMALLEST_CHUNK : chunk;
    if (total <= chunk) {
        return chunk;
    }
    uint64_t count = total / chunk; /* equal parts: no small last chunk with a larger B */
    return (total + count - 1) / count;
}

static const struct commit_phases COIN_PHASES = {"bucket.coin.commit", "bucket.coin.open"};
static const char PHASE[] = "and.open";

struct buckets {
    const struct whist_session *s;
    const struct shares *a, *b, *alpha;
    struct shares *c;
    size_t m, l;
    unsigned B;
    uint64_t rot[MAX_BUCKET];
};

/* dst[k] ⊕= row[(k + at + rot) mod l], k < count: at most two contiguous runs. */
static void xor_rotated(struct block *dst, const struct block *row, size_t l, uint64_t rot,
                        size_t at, size_t count)
{
    size_t from = (size_t)((at + rot) % l);
    for (size_t done = 0; done < count; from = 0) {
        size_t part = count - done < l - from ? count - done : l - from;
        for (size_t k = 0; k < part; k++) {
            dst[done + k].lo ^= row[from + k].lo;
            dst[done + k].hi ^= row[from + k].hi;
        }
        done += part;
    }
}

/* The opened values: rows x = 1 … B−1 of b_1[k] ⊕ b_x[k + r_x], then λ_α[k] ⊕ a[k]; m of each. */
static const struct block *opened_part(const void *ctx, struct block *tmp, size_t peer, bool key,
                                       size_t at, size_t count)
{
    const struct buckets *q = ctx;
    const struct block *a = key ? q->a->key[peer] : q->a->mac[peer];
    const struct block *b = key ? q->b->key[peer] : q->b->mac[peer];
    const struct block *alpha = key ? q->alpha->key[peer] : q->alpha->mac[peer];
    for (size_t done = 0; done < count;) {
        size_t row = (at + done) / q->m + 1, k = (at + done) % q->m;
        size_t part = count - done < q->m - k ? count - done : q->m - k;
        struct block *out = tmp + done;
        if (row < q->B) {
            memcpy(out, b + k, part * sizeof *out);
            xor_rotated(out, b + row * q->l, q->l, q->rot[row], k, part);
        } else {
            memcpy(out, alpha + k, part * sizeof *out);
            xor_rotated(out, a, q->l, 0, k, part);
        }
        done += part;
    }
    return tmp;
}

/* a of row 1 ⊕= the rotated a of all other rows. */
static void combine_a(const struct buckets *q)
{
    for (size_t p = 0; p < q->s->n_peers; p++) {
        size_t j = q->s->peers[p];
        for (unsigned x = 1; x < q->B; x++) {
            xor_rotated(q->a->mac[j], q->a->mac[j] + x * q->l, q->l, q->rot[x], 0, q->m);
            xor_rotated(q->a->key[j], q->a->key[j] + x * q->l, q->l, q->rot[x], 0, q->m);
        }
    }
}

/* c[k] ⊕= src[k] where bit first + k of the public d is 1. */
static void xor_where(struct block *c, const struct block *src, const uint8_t *d, size_t first,
                      size_t count)
{
    for (size_t k = 0; k < count; k++) {
        size_t bit = first + k;
        uint64_t m = (uint64_t)0 - (d[bit / 8] >> (bit % 8) & 1);
        c[k].lo ^= src[k].lo & m;
        c[k].hi ^= src[k].hi & m;
    }
}

/* c of row 1 ⊕= c' ⊕ d·a' for every other row, then d·b for the gate: ⟨λ_αβ⟩. */
static void combine_c_array(const struct buckets *q, struct block *c, const struct block *a,
                            const struct block *b, const uint8_t *d)
{
    for (unsigned x = 1; x < q->B; x++) {
        size_t first = (x - 1) * q->m, from = (size_t)(q->rot[x] % q->l);
        xor_rotated(c, c + x * q->l, q->l, q->rot[x], 0, q->m);
        for (size_t done = 0; done < q->m; from = 0) {
            size_t part = q->m - done < q->l - from ? q->m - done : q->l - from;
            xor_where(c + done, a + x * q->l + from, d, first + done, part);
            done += part;
        }
    }
    xor_where(c, b, d, (q->B - 1) * q->m, q->m);
}

whist_status whist_buckets(struct whist_session *s, const struct shares *a, const struct shares *b,
                           struct shares *c, const struct shares *alpha, size_t m, size_t l,
                           unsigned B, struct whist_error *err)
{
    struct buckets q = {.s = s, .a = a, .b = b, .alpha = alpha, .c = c, .m = m, .l = l, .B = B};
    struct share_view view = {opened_part, &q};
    size_t count = B * m;
    uint8_t coin[32];
    struct prg prg;
    uint8_t *d = whist_alloc((count + 7) / 8, 1);
    if (d == NULL) {
        return whist_out_of_memory(err, PHASE);
    }
    whist_status st;
    WHIST_REQUIRE(B <= MAX_BUCKET && m <= l);
    TRY_OUT(whist_coin(s, coin, &COIN_PHASES, err));
    whist_coin_prg(&prg, coin, "whist rotations");
    for (unsigned x = 1; x < B; x++) {
        q.rot[x] = whist_prg_below(&prg, l);
    }
    combine_a(&q);
    TRY_OUT(whist_view_open(s, d, &view, count, UINT64_MAX, PHASE, err));
    for (size_t p = 0; p < s->n_peers; p++) {
        size_t j = s->peers[p];
        combine_c_array(&q, c->mac[j], a->mac[j], b->mac[j], d);
        combine_c_array(&q, c->key[j], a->key[j], b->key[j], d);
    }
out:
    whist_free(d);
    return st;
}
