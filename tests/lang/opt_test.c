/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The optimiser: the same outputs, from fewer gates. */
#include "lang/opt.h"
#include "word_support.h"

/* ---- What it saves ---- */

enum { W = 16 };

static uint64_t ands_of(struct word_program *p)
{
    struct whist_circuit *c = circuit_of(p);
    uint64_t n = c->n_ands;
    whist_circuit_free(c);
    word_clear(p);
    return n;
}

/* s after `if c { s op x }` with its check under the guard c. */
static word_id guarded(struct word_program *p, word_id c, enum word_op op, enum word_op check,
                       word_id s, word_id x)
{
    word_panic(p, c, word_binary(p, check, s, x), word_site(p, WORD_PANIC_OVERFLOW, 0));
    return word_binary(p, op, s, x);
}

static void a_guarded_increment_selects_nothing(void)
{
    struct word_program p;
    program_init(&p, 1 + W, WORD_PANICS_SITE);
    word_id c = word_input(&p, 1, 0), s = word_input(&p, W, 1), one = word_const(&p, W, 1);
    word_id more = guarded(&p, c, WORD_ADD, WORD_UADD_OVF, s, one);
    word_result(&p, word_select(&p, c, more, s));
    uint64_t n = ands_of(&p); /* half adders with c as carry; masks */
    CHECK_MSG(n <= W + W, "%llu ANDs", (unsigned long long)n);
}

static void arms_share_an_adder(void)
{
    struct word_program p;
    program_init(&p, 1 + 3 * W, WORD_PANICS_SITE);
    word_id c = word_input(&p, 1, 0), s = word_input(&p, W, 1), not_c = word_not(&p, c);
    word_id x = word_input(&p, W, 1 + W), y = word_input(&p, W, 1 + 2 * W);
    word_id sum = guarded(&p, c, WORD_ADD, WORD_SADD_OVF, s, x);
    word_id difference = guarded(&p, not_c, WORD_SUB, WORD_SSUB_OVF, s, y);
    word_result(&p, word_select(&p, c, sum, difference));
    uint64_t n = ands_of(&p); /* operand, adder, masks, two checks under guards */
    CHECK_MSG(n <= 3 * W + 4, "%llu ANDs", (unsigned long long)n);
}

/* A match with many arms, each with its addition and check: one adder. */
static void many_arms_share_an_adder(void)
{
    enum { ARMS = 20 };
    struct word_program p;
    struct rng r = {9};
    uint8_t in[5 + W + ARMS];
    program_init(&p, sizeof in, WORD_PANICS_SITE);
    word_id tag = word_input(&p, 5, 0), s = word_input(&p, W, 5), none = WORD_TRUE, result = s;
    word_id own[ARMS], sums[ARMS];
    for (uint32_t k = 0; k < ARMS; k++) {
        own[k] = word_eq(&p, tag, word_const(&p, 5, k));
        word_id y = word_resize(&p, word_input(&p, 1, 5 + W + k), W, false);
        sums[k] = guarded(&p, word_and(&p, none, own[k]), WORD_ADD, WORD_UADD_OVF, s, y);
        none = word_and(&p, none, word_not(&p, own[k]));
    }
    for (uint32_t k = ARMS; k-- > 0;) {
        result = word_select(&p, own[k], sums[k], result);
    }
    word_result(&p, result);
    struct whist_circuit *c = circuit_of(&p);
    CHECK_MSG(c->n_ands < ARMS * (4 + 2 + 3) + 3 * W, "%llu ANDs", (unsigned long long)c->n_ands);
    for (uint32_t i = 0; i < 500; i++) {
        for (size_t k = 0; k < sizeof in; k++) {
            in[k] = i % 2 != 0 || (rng_next(&r) & 1) != 0;
        }
        put_number(in, i % 32, 5);
        check_inputs(&p, c, in, "many arms");
    }
    whist_circuit_free(c);
    word_clear(&p);
}

static void arms_share_a_multiplier(void)
{
    struct word_program p;
    program_init(&p, 1 + 3 * W, WORD_PANICS_OFF);
    word_id c = word_input(&p, 1, 0), x = word_input(&p, W, 1);
    word_id y = word_input(&p, W, 1 + W), z = word_input(&p, W, 1 + 2 * W);
    word_id xy = word_binary(&p, WORD_MUL, x, y), xz = word_binary(&p, WORD_MUL, z, z);
    word_result(&p, word_select(&p, c, xy, xz));
    uint64_t shared = ands_of(&p);
    program_init(&p, 1 + 3 * W, WORD_PANICS_OFF);
    word_result(&p, word_binary(&p, WORD_MUL, word_input(&p, W, 1), word_input(&p, W, 1 + W)));
    uint64_t one = ands_of(&p);
    CHECK_MSG(shared <= one + 2 * W, "%llu ANDs, one product has %llu", (unsigned long long)shared,
              (unsigned long long)one);
}

static void guarded_writes_and_their_conditions(void)
{
    enum { N = 8 };
    struct word_program p;
    program_init(&p, 4 + W + N * W, WORD_PANICS_OFF);
    word_id c = word_input(&p, 1, 0), i = word_input(&p, 3, 1), v = word_input(&p, W, 4);
    for (uint32_t k = 0; k < N; k++) {
        word_id old = word_input(&p, W, 4 + W + k * W);
        word_id new = word_select(&p, word_decode(&p, i, k, N), v, old);
        word_result(&p, word_select(&p, c, new, old));
    }
    uint64_t n = ands_of(&p);
    CHECK_MSG(n <= N * W + N + 5, "%llu ANDs", (unsigned long long)n);
}

/* if x >= y { x -= y }: the comparison is the borrow of the difference, and the check is none. */
static void a_comparison_and_its_difference_are_one(void)
{
    struct word_program p;
    program_init(&p, 2 * W, WORD_PANICS_SITE);
    word_id x = word_input(&p, W, 0), y = word_input(&p, W, W);
    word_id c = word_not(&p, word_binary(&p, WORD_ULT, x, y));
    word_id less = guarded(&p, c, WORD_SUB, WORD_USUB_OVF, x, y);
    word_result(&p, word_select(&p, c, less, x));
    uint64_t n = ands_of(&p);
    CHECK_MSG(n <= 2 * W, "%llu ANDs", (unsigned long long)n);
}

static void a_guarded_difference_shares_its_borrow(void)
{
    struct word_program p;
    program_init(&p, 1 + 2 * W, WORD_PANICS_SITE);
    word_id c = word_input(&p, 1, 0), x = word_input(&p, W, 1);
    word_id y = word_resize(&p, word_input(&p, 4, 1 + W), W, false);
    word_id less = guarded(&p, c, WORD_SUB, WORD_USUB_OVF, x, y);
    word_result(&p, word_select(&p, c, less, x));
    uint64_t n = ands_of(&p); /* 4 for the operand, the subtracter, masks, the check */
    CHECK_MSG(n <= 4 + 2 * W + 2, "%llu ANDs", (unsigned long long)n);
}

/* A check outside of the arm looks at the same sum: it must see the sum, not the selected one. */
static void checks_outside_keep_an_operation(void)
{
    struct word_program p;
    struct rng r = {6};
    uint8_t in[1 + 2 * W];
    program_init(&p, sizeof in, WORD_PANICS_SITE);
    word_id c = word_input(&p, 1, 0), s = word_input(&p, W, 1), x = word_input(&p, W, 1 + W);
    guarded(&p, WORD_TRUE, WORD_ADD, WORD_UADD_OVF, s, x);
    word_id sum = guarded(&p, c, WORD_ADD, WORD_UADD_OVF, s, x);
    word_result(&p, word_select(&p, c, sum, s));
    struct whist_circuit *circuit = circuit_of(&p);
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizeof in; k++) {
            in[k] = rng_next(&r) & 1;
        }
        check_inputs(&p, circuit, in, "overflow checked twice");
    }
    whist_circuit_free(circuit);
    word_clear(&p);
}

/* An overflow that somebody looks at outside of the guard keeps its own adder. */
static void other_uses_keep_an_operation(void)
{
    struct word_program p;
    struct rng r = {5};
    uint8_t in[1 + 2 * W];
    program_init(&p, sizeof in, WORD_PANICS_SITE);
    word_id c = word_input(&p, 1, 0), s = word_input(&p, W, 1), x = word_input(&p, W, 1 + W);
    word_id over = word_binary(&p, WORD_UADD_OVF, s, x);
    word_id sum = guarded(&p, c, WORD_ADD, WORD_UADD_OVF, s, x);
    word_result(&p, word_select(&p, c, sum, s));
    word_result(&p, over);
    struct whist_circuit *circuit = circuit_of(&p);
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizeof in; k++) {
            in[k] = rng_next(&r) & 1;
        }
        check_inputs(&p, circuit, in, "overflow used twice");
    }
    whist_circuit_free(circuit);
    word_clear(&p);
}

/* ---- Random programs as the executor makes them ---- */

enum { VARS = 4, MAX_W = 6 };

struct maker {
    struct word_program p;
    struct rng r;
    uint32_t w;
    word_id vars[VARS];
};

static word_id any_operand(struct maker *m)
{
    uint64_t value = rng_next(&m->r);
    return rng_below(&m->r, 4) == 0 ? word_const(&m->p, m->w, value)
                                    : m->vars[rng_below(&m->r, VARS)];
}

static word_id any_condition(struct maker *m)
{
    word_id x = any_operand(m), y = any_operand(m);
    switch (rng_below(&m->r, 4)) {
    case 0:
        return word_eq(&m->p, x, y);
    case 1:
        return word_binary(&m->p, WORD_SLT, x, y);
    case 2:
        return word_slice(&m->p, x, rng_below(&m->r, m->w), 1);
    default:
        return word_binary(&m->p, WORD_ULT, x, y);
    }
}

static void assign(struct maker *m, word_id guard)
{
    static const enum word_op ops[] = {WORD_ADD,  WORD_SUB, WORD_ADD,  WORD_SUB, WORD_MUL,
                                       WORD_UDIV, WORD_XOR, WORD_SREM, WORD_SHL};
    enum word_op op = ops[rng_below(&m->r, sizeof ops / sizeof ops[0])];
    uint32_t to = rng_below(&m->r, VARS);
    word_id x = rng_below(&m->r, 3) != 0 ? m->vars[to] : any_operand(m), y = any_operand(m);
    bool s = rng_below(&m->r, 2) != 0;
    enum word_op check = op == WORD_ADD   ? (s ? WORD_SADD_OVF : WORD_UADD_OVF)
                         : op == WORD_SUB ? (s ? WORD_SSUB_OVF : WORD_USUB_OVF)
                         : op == WORD_MUL ? (s ? WORD_SMUL_OVF : WORD_UMUL_OVF)
                                          : WORD_N_OPS;

    if (check != WORD_N_OPS && rng_below(&m->r, 3) != 0) {
        uint32_t site = word_site(&m->p, WORD_PANIC_OVERFLOW, 0);
        word_panic(&m->p, guard, word_binary(&m->p, check, x, y), site);
    }
    if (op == WORD_SHL) {
        y = word_resize(&m->p, y, 8, false);
    }
    m->vars[to] = word_binary(&m->p, op, x, y);
}

static void statements(struct maker *m, word_id guard, unsigned depth);

static void branch(struct maker *m, word_id guard, unsigned depth)
{
    word_id c = any_condition(m), before[VARS], then[VARS];

    memcpy(before, m->vars, sizeof before);
    statements(m, word_and(&m->p, guard, c), depth - 1);
    memcpy(then, m->vars, sizeof then);
    memcpy(m->vars, before, sizeof before);
    if (rng_below(&m->r, 2) != 0) {
        statements(m, word_and(&m->p, guard, word_not(&m->p, c)), depth - 1);
    }
    for (int k = 0; k < VARS; k++) {
        m->vars[k] = word_select(&m->p, c, then[k], m->vars[k]);
    }
}

static void statements(struct maker *m, word_id guard, unsigned depth)
{
    for (uint32_t n = 1 + rng_below(&m->r, 3); n-- > 0;) {
        if (depth > 0 && rng_below(&m->r, 2) != 0) {
            branch(m, guard, depth);
        } else {
            assign(m, guard);
        }
    }
}

/* Inputs of 2 variables; the others start as constants. */
static void make_program(struct maker *m, uint64_t seed)
{
    m->r = (struct rng){seed};
    m->w = 2 + rng_below(&m->r, MAX_W - 1);
    program_init(&m->p, 2 * m->w, seed % 7 == 0 ? WORD_PANICS_OFF : WORD_PANICS_SITE);
    for (uint32_t k = 0; k < VARS; k++) {
        m->vars[k] = k < 2 ? word_input(&m->p, m->w, k * m->w) : word_const(&m->p, m->w, k);
    }
    statements(m, WORD_TRUE, 4);
    for (uint32_t k = 0; k < VARS; k++) {
        word_result(&m->p, m->vars[k]);
    }
    CHECK(m->p.status == WHIST_OK);
}

static void random_programs_keep_their_meaning(void)
{
    for (uint64_t seed = 0; seed < (uint64_t)test_scale(3000); seed++) {
        struct maker m;
        struct word_program better;
        uint8_t in[2 * MAX_W], want[256], got[256];
        char name[40];

        make_program(&m, seed);
        CHECK(opt_program(&better, &m.p) == WHIST_OK);
        struct whist_circuit *c = circuit_of(&m.p);
        snprintf(name, sizeof name, "program %llu", (unsigned long long)seed);
        size_t n = word_output_bits(&m.p);
        CHECK(n <= sizeof want && word_output_bits(&better) == n);
        for (int i = 0; i < 40; i++) {
            put_number(in, i == 0 ? 0 : i == 1 ? UINT64_MAX : rng_next(&m.r), 2 * m.w);
            CHECK(interp_run(&m.p, want, in) == WHIST_OK);
            CHECK(interp_run(&better, got, in) == WHIST_OK);
            CHECK_MSG(memcmp(want, got, n) == 0, "%s", name);
            check_inputs(&m.p, c, in, name);
        }
        whist_circuit_free(c);
        word_clear(&better);
        word_clear(&m.p);
    }
}

static void every_allocation_may_fail(void)
{
    struct maker m;
    struct word_program better;
    long fail = 0;

    for (uint64_t seed = 0; seed < 5; seed++) {
        make_program(&m, seed);
        for (fail = 0;; fail++) {
            whist_alloc_fail_after(fail);
            whist_status st = opt_program(&better, &m.p);
            whist_alloc_fail_after(-1);
            if (st == WHIST_OK) {
                break;
            }
            CHECK(st == WHIST_ERR_NOMEM && better.nodes == NULL);
        }
        CHECK(fail > 8);
        word_clear(&better);
        word_clear(&m.p);
    }
}

static const struct test_case cases[] = {
    {"a_guarded_increment_selects_nothing", a_guarded_increment_selects_nothing},
    {"arms_share_an_adder", arms_share_an_adder},
    {"many_arms_share_an_adder", many_arms_share_an_adder},
    {"arms_share_a_multiplier", arms_share_a_multiplier},
    {"guarded_writes_and_their_conditions", guarded_writes_and_their_conditions},
    {"a_comparison_and_its_difference_are_one", a_comparison_and_its_difference_are_one},
    {"a_guarded_difference_shares_its_borrow", a_guarded_difference_shares_its_borrow},
    {"checks_outside_keep_an_operation", checks_outside_keep_an_operation},
    {"other_uses_keep_an_operation", other_uses_keep_an_operation},
    {"random_programs_keep_their_meaning", random_programs_keep_their_meaning},
    {"every_allocation_may_fail", every_allocation_may_fail},
};
TEST_MAIN(cases)
