/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Words: what is folded is what is computed, bounds hold, parts put together are the whole. */
#include "word_support.h"

__extension__ typedef __int128 wide;

static wide signed_of(uint64_t x, uint32_t w)
{
    return x >> (w - 1) & 1 ? (wide)x - ((wide)1 << w) : (wide)x;
}

static bool outside(wide v, uint32_t w, bool is_signed)
{
    wide lo = is_signed ? -((wide)1 << (w - 1)) : 0;
    wide hi = is_signed ? ((wide)1 << (w - 1)) - 1 : ((wide)1 << w) - 1;
    return v < lo || v > hi;
}

/* The meaning of an operator, from the text of word.h. Division by 0 is left out. */
static uint64_t meaning(enum word_op op, uint32_t w, uint64_t x, uint64_t y)
{
    wide ux = x, uy = y, sx = signed_of(x, w), sy = signed_of(y, w);
    wide r = op == WORD_AND        ? (wide)(x & y)
             : op == WORD_OR       ? (wide)(x | y)
             : op == WORD_XOR      ? (wide)(x ^ y)
             : op == WORD_ADD      ? ux + uy
             : op == WORD_SUB      ? ux - uy
             : op == WORD_MUL      ? (wide)(x * y)
             : op == WORD_UDIV     ? ux / uy
             : op == WORD_UREM     ? ux % uy
             : op == WORD_SDIV     ? sx / sy
             : op == WORD_SREM     ? sx % sy
             : op == WORD_UADD_OVF ? outside(ux + uy, w, false)
             : op == WORD_SADD_OVF ? outside(sx + sy, w, true)
             : op == WORD_USUB_OVF ? outside(ux - uy, w, false)
             : op == WORD_SSUB_OVF ? outside(sx - sy, w, true)
             : op == WORD_UMUL_OVF ? x != 0 && y > word_ones(w) / x
             : op == WORD_SMUL_OVF ? outside(sx * sy, w, true)
             : op == WORD_EQ       ? x == y
             : op == WORD_ULT      ? x < y
                                   : sx < sy;
    return (uint64_t)r & word_ones(w);
}

/* Runs a program of one result word of at most 64 bits on the two inputs of w bits. */
static uint64_t run2(const struct word_program *p, uint32_t w, uint64_t x, uint64_t y)
{
    uint8_t in[128], out[128];
    uint64_t v = 0;

    put_number(in, x, w);
    put_number(in + w, y, w);
    CHECK(interp_run(p, out, in) == WHIST_OK);
    for (uint32_t k = 0; k < word_width(p, p->result[0]); k++) {
        v = v << 1 | out[k];
    }
    return v;
}

/* x op y: from two inputs, with either of them constant, and with both. */
static void check_operator(enum word_op op, uint32_t w, uint64_t x, uint64_t y)
{
    if (y == 0 && op >= WORD_UDIV && op <= WORD_SREM) {
        return;
    }
    uint64_t want = meaning(op, w, x, y);
    for (int known = 0; known < 4; known++) {
        struct word_program p;
        program_init(&p, 2 * w, WORD_PANICS_OFF);
        word_id a = (known & 1) != 0 ? word_const(&p, w, x) : word_input(&p, w, 0);
        word_id b = (known & 2) != 0 ? word_const(&p, w, y) : word_input(&p, w, w);
        word_id r = word_binary(&p, op, a, b);
        word_result(&p, r);
        CHECK(p.status == WHIST_OK);
        CHECK(known != 3 || word_is_const(&p, r));
        uint64_t got = run2(&p, w, x, y);
        CHECK_MSG(got == want, "op %u, width %u, %llu %llu, known %d: %llu", op, w,
                  (unsigned long long)x, (unsigned long long)y, known, (unsigned long long)got);
        CHECK(got <= word_at(&p, r)->max);
        word_clear(&p);
    }
}

static void operators_mean_what_they_say(void)
{
    static const uint32_t widths[] = {1, 2, 3, 4, 8, 16, 33, 64};
    struct rng r = {1};

    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        uint32_t w = widths[i];
        for (uint32_t op = WORD_AND; op <= WORD_SLT; op++) {
            if (op == WORD_NEG) {
                continue;
            }
            for (uint64_t k = 0; k < 256; k++) {
                uint64_t x = w <= 4 ? k & word_ones(w) : rng_next(&r) >> rng_below(&r, 64);
                uint64_t y = w <= 4 ? k >> w & word_ones(w) : rng_next(&r) >> rng_below(&r, 64);
                if (w > 4 && k % 4 == 0) {
                    x = rng_next(&r) % 2 != 0 ? (uint64_t)1 << (w - 1) : UINT64_MAX;
                }
                check_operator((enum word_op)op, w, x & word_ones(w), y & word_ones(w));
            }
        }
    }
}

static void bounds_hold_through_chains(void)
{
    struct rng r = {7};

    for (int round = 0; round < 400; round++) {
        struct word_program p;
        program_init(&p, 16, WORD_PANICS_OFF);
        word_id pool[32] = {word_input(&p, 8, 0), word_input(&p, 8, 8), word_const(&p, 8, 3),
                            word_const(&p, 8, 100)};
        size_t n = 4;
        while (n < 32) {
            static const enum word_op ops[] = {WORD_AND,  WORD_OR,   WORD_XOR,  WORD_ADD, WORD_SUB,
                                               WORD_MUL,  WORD_UDIV, WORD_UREM, WORD_SHR, WORD_SHL,
                                               WORD_SREM, WORD_SDIV, WORD_SAR};
            word_id a = pool[rng_below(&r, (uint32_t)n)], b = pool[rng_below(&r, (uint32_t)n)];
            uint32_t from = rng_below(&r, 8);
            switch (rng_below(&r, 4)) {
            case 0:
                a = word_slice(&p, a, from, 8 - from);
                pool[n++] = word_resize(&p, a, 8, rng_below(&r, 2) != 0);
                break;
            case 1:
                pool[n++] = word_select(&p, word_binary(&p, WORD_ULT, a, b), a, b);
                break;
            case 2:
                pool[n] = word_read(&p, a, pool, n);
                n++;
                break;
            default:
                pool[n++] = word_binary(&p, ops[rng_below(&r, 13)], a, b);
            }
        }
        for (size_t i = 0; i < n; i++) {
            word_result(&p, pool[i]);
        }
        for (int k = 0; k < 20; k++) {
            uint8_t in[16], out[32 * 8];
            put_number(in, rng_next(&r), 16);
            CHECK(interp_run(&p, out, in) == WHIST_OK);
            for (size_t i = 0; i < n; i++) {
                uint64_t v = 0;
                for (size_t b = 0; b < 8; b++) {
                    v = v << 1 | out[8 * i + b];
                }
                CHECK(v <= word_at(&p, pool[i])->max);
            }
        }
        word_clear(&p);
    }
}

/* A word of any width taken apart at random places and put together is itself, also as a number. */
static void parts_make_the_whole(void)
{
    struct rng r = {3};

    for (int round = 0; round < 300; round++) {
        struct word_program p;
        uint32_t w = 1 + rng_below(&r, 300), at = 0;
        program_init(&p, w, WORD_PANICS_OFF);
        word_id x = word_input(&p, w, 0), parts[300];
        size_t n = 0;
        while (at < w) {
            uint32_t len = 1 + rng_below(&r, w - at);
            parts[n++] = word_slice(&p, x, at, len);
            at += len;
        }
        CHECK(word_concat(&p, parts, n) == x);
        uint32_t limbs[10];
        for (int i = 0; i < 10; i++) {
            limbs[i] = (uint32_t)rng_next(&r);
        }
        word_id c = word_const_limbs(&p, w, limbs);
        for (size_t i = 0; i < n; i++) { /* the same with a constant */
            at = word_at(&p, parts[i])->op == WORD_SLICE ? word_at(&p, parts[i])->b : 0;
            parts[i] = word_slice(&p, c, at, word_width(&p, parts[i]));
        }
        CHECK(word_eq(&p, word_concat(&p, parts, n), c) == WORD_TRUE);
        CHECK(p.status == WHIST_OK);
        word_clear(&p);
    }
}

static void equal_nodes_are_made_once(void)
{
    struct word_program p;

    program_init(&p, 64, WORD_PANICS_SITE);
    word_id x = word_input(&p, 32, 0), y = word_input(&p, 32, 32);
    CHECK(word_input(&p, 32, 0) == x);
    CHECK(word_binary(&p, WORD_ADD, x, y) == word_binary(&p, WORD_ADD, y, x));
    CHECK(word_const(&p, 8, 300) == word_const(&p, 8, 44));
    word_id c = word_eq(&p, x, y);
    CHECK(word_select(&p, c, x, x) == x);
    CHECK(word_select(&p, word_not(&p, c), x, y) == word_select(&p, c, y, x));
    CHECK(word_and(&p, c, word_not(&p, c)) == WORD_FALSE);
    CHECK(word_or(&p, c, word_not(&p, c)) == WORD_TRUE);
    CHECK(word_binary(&p, WORD_UREM, x, word_const(&p, 32, 500)) != x);
    word_id below = word_binary(&p, WORD_UREM, x, word_const(&p, 32, 500));
    CHECK(word_at(&p, below)->max == 499);
    CHECK(word_binary(&p, WORD_ULT, below, word_const(&p, 32, 500)) == WORD_TRUE);
    word_clear(&p);
}

static void limits_are_kept(void)
{
    struct word_program p;

    program_init(&p, 64, WORD_PANICS_SITE);
    p.max_nodes = 5;
    word_id x = word_input(&p, 32, 0);
    for (uint32_t i = 0; i < 10; i++) {
        x = word_binary(&p, WORD_ADD, x, word_const(&p, 32, i + 1));
    }
    CHECK(p.status == WHIST_ERR_LIMIT && x == 0);
    word_clear(&p);
    program_init(&p, 64, WORD_PANICS_SITE);
    word_id c = word_const(&p, WORD_MAX_WIDTH, 1), two[2] = {c, c};
    CHECK(word_concat(&p, two, 2) == 0 && p.status == WHIST_ERR_LIMIT);
    word_clear(&p);
}

static void failing_allocations_are_reported(void)
{
    for (long k = 0; k < 40; k++) {
        struct word_program p;
        whist_alloc_fail_after(k);
        word_init(&p);
        word_id x = word_input(&p, 32, 0), list[100];
        for (uint32_t i = 0; i < 100; i++) {
            x = word_binary(&p, WORD_ADD, x, word_const(&p, 32, i));
            list[i] = x;
        }
        word_result(&p, word_concat(&p, list, 100));
        whist_alloc_fail_after(-1);
        CHECK(p.status == WHIST_OK || p.status == WHIST_ERR_NOMEM);
        CHECK(k > 0 || p.status == WHIST_ERR_NOMEM);
        word_clear(&p);
    }
}

static const struct test_case cases[] = {
    {"operators_mean_what_they_say", operators_mean_what_they_say},
    {"bounds_hold_through_chains", bounds_hold_through_chains},
    {"parts_make_the_whole", parts_make_the_whole},
    {"equal_nodes_are_made_once", equal_nodes_are_made_once},
    {"limits_are_kept", limits_are_kept},
    {"failing_allocations_are_reported", failing_allocations_are_reported},
};
TEST_MAIN(cases)
