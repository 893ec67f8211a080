/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Bucketing: the bound, the choice of B and ℓ, sizes of chunks (docs/protocol.md §4). */
#include "harness.h"
#include "jobs.h"
#include "mpc/session.h"

#define MAX_B 20 /* the largest that the engine considers */

__extension__ typedef unsigned __int128 u128;

/* (2^B − 1)·ℓ^(B−1) ≥ 2^ρ, by 128-bit products that stop as soon as they are large enough. */
static bool enough(unsigned rho, unsigned B, uint64_t l)
{
    u128 v = ((u128)1 << B) - 1, goal = (u128)1 << rho;
    for (unsigned i = 1; i < B && v < goal; i++) {
        v *= l; /* below 2^61 · 2^62 */
    }
    return v >= goal;
}

/* The published table for ρ = 40. */
static void published_values(void)
{
    static const uint64_t l[] = {396325, 4186, 434, 112, 46};
    for (unsigned B = 3; B <= 7; B++) {
        CHECK(whist_bucket_min_l(40, B) == l[B - 3]);
    }
}

static void smallest_l(void)
{
    for (unsigned rho = 1; rho <= 61; rho++) {
        for (unsigned B = 2; B <= MAX_B; B++) {
            uint64_t l = whist_bucket_min_l(rho, B);
            CHECK_MSG(l >= 1 && l < (uint64_t)1 << 62, "rho %u, B %u", rho, B);
            CHECK_MSG(enough(rho, B, l), "rho %u, B %u: %llu is too small", rho, B,
                      (unsigned long long)l);
            CHECK_MSG(l == 1 || !enough(rho, B, l - 1), "rho %u, B %u: %llu is too large", rho, B,
                      (unsigned long long)l);
        }
    }
}

/* ---- The bound itself, for tiny B and ℓ ---- */

static unsigned turned(unsigned row, unsigned by, unsigned l)
{
    return (row >> by | row << (l - by)) & ((1u << l) - 1);
}

static double power(double x, unsigned n)
{
    double p = 1;
    while (n-- > 0) {
        p *= x;
    }
    return p;
}

/* The guessed triples of each row, as a set of bits, numbered by `attack`. */
static void rows_of(unsigned rows[5], unsigned long attack, unsigned B, unsigned l)
{
    for (unsigned r = 0; r < B; r++) {
        rows[r] = (unsigned)(attack % ((1ul << l) - 1)) + 1; /* a row without a guess never wins */
        attack /= (1ul << l) - 1;
    }
}

/* Chance that the guesses are all right and that, under random rotations, a bucket is guessed
 * whole. stay: the chance of the former. */
static double chance(const unsigned rows[5], unsigned B, unsigned l, double *stay_out)
{
    unsigned long rotations = (unsigned long)power(l, B - 1), hits = 0;
    unsigned guesses = 0;
    for (unsigned r = 0; r < B; r++) {
        for (unsigned k = 0; k < l; k++) {
            guesses += rows[r] >> k & 1;
        }
    }
    for (unsigned long rot = 0; rot < rotations; rot++) {
        unsigned whole = rows[0];
        unsigned long rest = rot;
        for (unsigned r = 1; r < B; r++, rest /= l) {
            whole &= turned(rows[r], (unsigned)(rest % l), l);
        }
        hits += whole != 0;
    }
    *stay_out = power(0.5, guesses);
    return (double)hits / (double)rotations * *stay_out;
}

/* Over all sets of guessed triples: none wins more than 2^−B / ℓ^(B−1) in one chunk, one does, and
 * none wins more than ℓ^−(B−1) / (2^B − 1) by trying in chunk after chunk until it is caught. Not
 * even the strategy that changes its guesses: what is won later is worth `stay` times the best. */
static void exhaustive(unsigned B, unsigned l)
{
    double once = power(0.5, B) / power(l, B - 1), best = 0;
    double bound = 1 / power(l, B - 1) / (power(2, B) - 1);
    unsigned long attacks = (unsigned long)power(power(2, l) - 1, B);
    for (unsigned long a = 0; a < attacks; a++) {
        unsigned rows[5];
        double stay;
        rows_of(rows, a, B, l);
        double p = chance(rows, B, l, &stay);
        best = p > best ? p : best;
        CHECK(p + stay * bound <= bound * (1 + 1e-12)); /* bound is a fixed point of the game */
    }
    CHECK(best == once);
}

static void bound_by_exhaustive_search(void)
{
    exhaustive(2, 2);
    exhaustive(2, 3);
    exhaustive(2, 4);
    exhaustive(2, 5);
    exhaustive(3, 2);
    exhaustive(3, 3);
    exhaustive(3, 4);
    exhaustive(4, 2);
    exhaustive(4, 3);
    exhaustive(3, 5);
    exhaustive(3, 6);
    exhaustive(4, 4);
    exhaustive(5, 3);
}

/* ---- Choices ---- */

static void check_choice(unsigned rho, uint64_t m)
{
    unsigned B;
    uint64_t l;
    whist_bucket_choose(rho, m, &B, &l);
    CHECK(B >= 3 && B <= MAX_B && l >= m && l >= 1);
    CHECK_MSG(enough(rho, B, l), "rho %u, m %llu: B = %u, l = %llu are not secure", rho,
              (unsigned long long)m, B, (unsigned long long)l);
    for (unsigned other = 2; other <= MAX_B; other++) {
        uint64_t least = m != 0 ? m : 1;
        while (!enough(rho, other, least)) {
            least += least < 1000 ? 1 : least / 500; /* at most 0.2 % above the smallest */
        }
        CHECK_MSG((u128)B * l <= (u128)other * least, "rho %u, m %llu: B = %u is better than %u",
                  rho, (unsigned long long)m, other, B);
    }
}

static void best_choice(void)
{
    static const unsigned rhos[] = {40, 41, 47, 54, 60};
    for (size_t r = 0; r < sizeof rhos / sizeof rhos[0]; r++) {
        for (uint64_t m = 1; m <= 600; m++) {
            check_choice(rhos[r], m);
        }
        for (uint64_t k = 0; k < 300; k++) {
            check_choice(rhos[r], mix(k) >> (38 + k % 20)); /* up to 2^26 */
        }
        for (unsigned B = 3; B <= 7; B++) { /* where the choice changes */
            uint64_t l = whist_bucket_min_l(rhos[r], B);
            for (uint64_t m = l < 3 ? 1 : l - 2; m <= l + 2 && m <= (uint64_t)1 << 26; m++) {
                check_choice(rhos[r], m);
            }
        }
    }
}

/* A chunk of a long run uses the smallest B that there is for chunks of a reasonable size, all
 * chunks of it are about as long, and the memory stays bounded. */
static void chunk_sizes(void)
{
    for (unsigned rho = 40; rho <= 60; rho++) {
        uint64_t base = whist_chunk_size(rho, 0);
        unsigned B;
        uint64_t l;
        CHECK(base >= (uint64_t)1 << 18 && base <= (uint64_t)1 << 19);
        whist_bucket_choose(rho, base, &B, &l);
        CHECK(l == base); /* no triple is made in vain */
        CHECK(rho != 40 || (B == 3 && base == 396325));
        for (uint64_t k = 0; k < 2000; k++) {
            uint64_t total = k < 1000 ? k * 1009 : mix(k) >> (20 + k % 24);
            uint64_t size = whist_chunk_size(rho, total);
            CHECK(size >= base && size < 2 * base);
            if (total <= base) {
                CHECK(size == base);
                continue;
            }
            uint64_t count = (total + size - 1) / size, last = total - (count - 1) * size;
            CHECK_MSG(last + count > size || last == size,
                      "rho %u: %llu gates in %llu chunks of %llu, the last of %llu", rho,
                      (unsigned long long)total, (unsigned long long)count,
                      (unsigned long long)size, (unsigned long long)last);
        }
    }
}

static const struct test_case cases[] = {
    {"published_values", published_values},
    {"smallest_l", smallest_l},
    {"bound_by_exhaustive_search", bound_by_exhaustive_search},
    {"best_choice", best_choice},
    {"chunk_sizes", chunk_sizes},
};
TEST_MAIN(cases)
