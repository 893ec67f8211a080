/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gates of every operation against the interpreter, and how many ANDs they take. */
#include "word_support.h"

/* ---- Operations on two numbers ---- */

static const struct binary {
    enum word_op op;
    const char *name;
} binaries[] = {
    {WORD_AND, "and"},
    {WORD_OR, "or"},
    {WORD_XOR, "xor"},
    {WORD_ADD, "add"},
    {WORD_SUB, "sub"},
    {WORD_MUL, "mul"},
    {WORD_UDIV, "udiv"},
    {WORD_UREM, "urem"},
    {WORD_SDIV, "sdiv"},
    {WORD_SREM, "srem"},
    {WORD_UADD_OVF, "uadd_ovf"},
    {WORD_SADD_OVF, "sadd_ovf"},
    {WORD_USUB_OVF, "usub_ovf"},
    {WORD_SSUB_OVF, "ssub_ovf"},
    {WORD_UMUL_OVF, "umul_ovf"},
    {WORD_SMUL_OVF, "smul_ovf"},
    {WORD_EQ, "eq"},
    {WORD_ULT, "ult"},
    {WORD_SLT, "slt"},
};
enum { N_BINARIES = sizeof binaries / sizeof binaries[0] };

/* All operations at once on two inputs, or on an input and a constant (second or first). */
static void build_all(struct word_program *p, word_id x, word_id y)
{
    for (size_t k = 0; k < N_BINARIES; k++) {
        word_result(p, word_binary(p, binaries[k].op, x, y));
    }
    word_result(p, word_unary(p, WORD_NOT, x));
    word_result(p, word_unary(p, WORD_NEG, x));
    word_id by = word_resize(p, y, 8, false);
    word_result(p, word_binary(p, WORD_SHL, x, by));
    word_result(p, word_binary(p, WORD_SHR, x, by));
    word_result(p, word_binary(p, WORD_SAR, x, by));
    word_result(p, word_select(p, word_slice(p, x, 0, 1), x, y));
}

/* One operation alone: no gate is shared with another. */
static void each_alone(uint32_t w, uint64_t step)
{
    for (size_t k = 0; k < N_BINARIES; k++) {
        struct word_program p;
        uint8_t in[128];
        program_init(&p, 2 * w, WORD_PANICS_OFF);
        word_result(&p,
                    word_binary(&p, binaries[k].op, word_input(&p, w, 0), word_input(&p, w, w)));
        struct whist_circuit *c = circuit_of(&p);
        for (uint64_t v = 0; v < (uint64_t)1 << 2 * w; v += step) {
            put_number(in, v, 2 * w);
            check_inputs(&p, c, in, binaries[k].name);
        }
        whist_circuit_free(c);
        word_clear(&p);
    }
}

static void operations_alone_exhaustive(void)
{
    for (uint32_t w = 1; w <= 6; w++) {
        each_alone(w, 1);
    }
}

static void operations_together_exhaustive(void)
{
    for (uint32_t w = 1; w <= 6; w++) {
        struct word_program p;
        uint8_t in[16];
        program_init(&p, 2 * w, WORD_PANICS_OFF);
        build_all(&p, word_input(&p, w, 0), word_input(&p, w, w));
        struct whist_circuit *c = circuit_of(&p);
        for (uint64_t v = 0; v < (uint64_t)1 << 2 * w; v++) {
            put_number(in, v, 2 * w);
            check_inputs(&p, c, in, "all operations");
        }
        whist_circuit_free(c);
        word_clear(&p);
    }
}

static void constants_exhaustive(void)
{
    for (uint32_t w = 1; w <= 6; w++) {
        for (uint64_t v = 0; v < (uint64_t)2 << w; v++) {
            struct word_program p;
            uint8_t in[8];
            program_init(&p, w, WORD_PANICS_OFF);
            word_id x = word_input(&p, w, 0), y = word_const(&p, w, v >> 1);
            build_all(&p, (v & 1) != 0 ? x : y, (v & 1) != 0 ? y : x);
            struct whist_circuit *c = circuit_of(&p);
            for (uint64_t u = 0; u < (uint64_t)1 << w; u++) {
                put_number(in, u, w);
                check_inputs(&p, c, in, "a constant operand");
            }
            whist_circuit_free(c);
            word_clear(&p);
        }
    }
}

/* Values near the ends of the ranges, powers of two, and random ones. */
static uint64_t edge_value(struct rng *r, uint32_t w)
{
    uint64_t near = rng_below(r, 4);
    switch (rng_below(r, 6)) {
    case 0:
        return near;
    case 1:
        return word_ones(w) - near;
    case 2:
        return ((uint64_t)1 << (w - 1)) + near - 2;
    case 3:
        return ((uint64_t)1 << rng_below(r, w)) - near + 1;
    case 4:
        return rng_next(r) >> rng_below(r, 64);
    default:
        return rng_next(r);
    }
}

static void wide_edges(uint32_t w, bool constant, struct rng *r)
{
    struct word_program p;
    uint8_t in[128];
    uint64_t v = edge_value(r, w) & word_ones(w);

    program_init(&p, constant ? w : 2 * w, WORD_PANICS_OFF);
    word_id x = word_input(&p, w, 0), y = constant ? word_const(&p, w, v) : word_input(&p, w, w);
    build_all(&p, x, y);
    struct whist_circuit *c = circuit_of(&p);
    for (int i = 0; i < (constant ? 20 : 400); i++) {
        put_number(in, edge_value(r, w), w);
        put_number(in + w, edge_value(r, w), w);
        if (i % 5 == 4) {
            memcpy(in + w, in, w);
        }
        check_inputs(&p, c, in, constant ? "edges beside a constant" : "edges");
    }
    whist_circuit_free(c);
    word_clear(&p);
}

static void operations_on_edge_values(void)
{
    struct rng r = {1};
    static const uint32_t widths[] = {7, 8, 9, 16, 17, 31, 32, 33, 63, 64};
    for (size_t k = 0; k < sizeof widths / sizeof widths[0]; k++) {
        wide_edges(widths[k], false, &r);
        for (long i = 0; i < test_scale(40); i++) {
            wide_edges(widths[k], true, &r);
        }
    }
}

/* Divisors for which a product with the reciprocal is cheaper, and others. */
static void divisors_with_cheap_reciprocals(void)
{
    static const struct {
        uint32_t w;
        uint64_t d;
        uint64_t most; /* ANDs of the quotient, unsigned */
    } divisors[] = {
        {32, 65537, 50}, {64, 4294967297, 100}, {32, 65793, 110}, {32, 65535, 64},
        {32, 641, 207},  {16, 257, 24},         {64, 10, 130},    {32, 1000, 156},
        {64, 1000, 460}, {64, UINT64_MAX, 63},  {64, 3, 63},      {32, 7, 62},
    };
    struct rng r = {8};

    for (size_t k = 0; k < sizeof divisors / sizeof divisors[0]; k++) {
        struct word_program p;
        uint32_t w = divisors[k].w;
        uint8_t in[64];
        for (int both = 0; both < 2; both++) {
            program_init(&p, w, WORD_PANICS_OFF);
            word_id x = word_input(&p, w, 0), y = word_const(&p, w, divisors[k].d);
            word_result(&p, word_binary(&p, WORD_UDIV, x, y));
            if (both != 0) {
                word_result(&p, word_binary(&p, WORD_UREM, x, y));
            }
            struct whist_circuit *c = circuit_of(&p);
            CHECK_MSG(both != 0 || c->n_ands <= divisors[k].most, "%u bits by %llu: %llu ANDs", w,
                      (unsigned long long)divisors[k].d, (unsigned long long)c->n_ands);
            for (int i = 0; i < 3000; i++) {
                uint64_t v = edge_value(&r, w), d = divisors[k].d;
                put_number(in, i % 2 != 0 ? v : v / d * d - (uint64_t)(i % 3 == 0), w);
                check_inputs(&p, c, in, "a constant divisor");
            }
            whist_circuit_free(c);
            word_clear(&p);
        }
    }
}

/* ---- Counts ---- */

struct counted {
    const char *name;
    enum word_op op, check; /* check: WORD_N_OPS: none */
    uint64_t most[4];       /* at 8, 16, 32, 64 bits: the value with its check, not masked */
};

/* The "better" column of the language's description; operations that beat it have our numbers. */
static const struct counted counts[] = {
    {"add unsigned", WORD_ADD, WORD_UADD_OVF, {8, 16, 32, 64}},
    {"add signed", WORD_ADD, WORD_SADD_OVF, {8, 16, 32, 64}},
    {"sub unsigned", WORD_SUB, WORD_USUB_OVF, {8, 16, 32, 64}},
    {"sub signed", WORD_SUB, WORD_SSUB_OVF, {8, 16, 32, 64}},
    {"mul unsigned", WORD_MUL, WORD_UMUL_OVF, {84, 300, 1116, 4284}},
    {"mul signed", WORD_MUL, WORD_SMUL_OVF, {120, 368, 1248, 4544}},
    {"div unsigned", WORD_UDIV, WORD_EQ, {84, 300, 1116, 4284}},
    {"rem unsigned", WORD_UREM, WORD_EQ, {92, 316, 1148, 4348}},
    {"div signed", WORD_SDIV, WORD_EQ, {123, 387, 1299, 4659}},
    {"rem signed", WORD_SREM, WORD_EQ, {123, 387, 1299, 4659}},
    {"less", WORD_ULT, WORD_N_OPS, {8, 16, 32, 64}},
    {"less signed", WORD_SLT, WORD_N_OPS, {8, 16, 32, 64}},
    {"equal", WORD_EQ, WORD_N_OPS, {7, 15, 31, 63}},
    {"shift left", WORD_SHL, WORD_ULT, {28, 67, 162, 385}},
    {"shift right", WORD_SHR, WORD_ULT, {28, 67, 162, 385}},
    {"shift right signed", WORD_SAR, WORD_ULT, {25, 63, 157, 379}},
    {"negate", WORD_NEG, WORD_EQ, {14, 30, 62, 126}},
};

static word_id add_check(struct word_program *p, const struct counted *k, word_id x, word_id y,
                         uint32_t w)
{
    switch (k->op) {
    case WORD_UDIV:
    case WORD_UREM:
        return word_eq(p, y, word_const(p, w, 0));
    case WORD_SDIV:
    case WORD_SREM: {
        word_id min = word_const(p, w, (uint64_t)1 << (w - 1));
        word_id minus_1 = word_const(p, w, UINT64_MAX);
        return word_or(p, word_eq(p, y, word_const(p, w, 0)),
                       word_and(p, word_eq(p, x, min), word_eq(p, y, minus_1)));
    }
    case WORD_SHL:
    case WORD_SHR:
    case WORD_SAR:
        return word_not(p, word_binary(p, WORD_ULT, y, word_const(p, 8, w)));
    case WORD_NEG:
        return word_eq(p, x, word_const(p, w, (uint64_t)1 << (w - 1)));
    default:
        return word_binary(p, k->check, x, y);
    }
}

static uint64_t count_ands(const struct counted *k, uint32_t w)
{
    struct word_program p;
    bool shift = k->op == WORD_SHL || k->op == WORD_SHR || k->op == WORD_SAR;

    program_init(&p, 2 * w, WORD_PANICS_SITE);
    word_id x = word_input(&p, w, 0), y = word_input(&p, shift ? 8 : w, w);
    word_id z = k->op == WORD_NEG ? word_unary(&p, k->op, x) : word_binary(&p, k->op, x, y);
    word_result(&p, z);
    uint64_t masks = 0;
    if (k->check != WORD_N_OPS) {
        uint32_t site = word_site(&p, WORD_PANIC_OVERFLOW, 0);
        word_panic(&p, WORD_TRUE, add_check(&p, k, x, y, w), site);
        masks = word_width(&p, z);
    }
    struct whist_circuit *c = circuit_of(&p);
    uint64_t n = c->n_ands;
    whist_circuit_free(c);
    word_clear(&p);
    return n > masks ? n - masks : 0; /* a mask may be part of the value */
}

static void and_counts_of_operations(void)
{
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        printf("%-20s", counts[k].name);
        for (uint32_t i = 0; i < 4; i++) {
            uint64_t n = count_ands(&counts[k], 8u << i);
            printf(" %llu", (unsigned long long)n);
            fflush(stdout);
            CHECK_MSG(n <= counts[k].most[i], "%s, %u bits: %llu ANDs, not %llu", counts[k].name,
                      8u << i, (unsigned long long)n, (unsigned long long)counts[k].most[i]);
        }
        printf("\n");
    }
}

/* The rows of the same table that have a formula, n² a + n b + c, at all widths from 4 on. */
static const struct {
    const char *name;
    enum word_op op, check;
    int64_t a, b, c;
} formulas[] = {
    {"add unsigned", WORD_ADD, WORD_UADD_OVF, 0, 1, 0},
    {"add signed", WORD_ADD, WORD_SADD_OVF, 0, 1, 0},
    {"sub unsigned", WORD_SUB, WORD_USUB_OVF, 0, 1, 0},
    {"sub signed", WORD_SUB, WORD_SSUB_OVF, 0, 1, 0},
    {"mul unsigned", WORD_MUL, WORD_UMUL_OVF, 1, 3, -4},
    {"mul signed", WORD_MUL, WORD_SMUL_OVF, 1, 7, 0},
    {"div unsigned", WORD_UDIV, WORD_EQ, 1, 3, -4},
    {"rem unsigned", WORD_UREM, WORD_EQ, 1, 4, -4},
    {"div signed", WORD_SDIV, WORD_EQ, 1, 9, -13},
    {"rem signed", WORD_SREM, WORD_EQ, 1, 9, -13},
    {"less", WORD_ULT, WORD_N_OPS, 0, 1, 0},
    {"less signed", WORD_SLT, WORD_N_OPS, 0, 1, 0},
    {"equal", WORD_EQ, WORD_N_OPS, 0, 1, -1},
    {"negate", WORD_NEG, WORD_EQ, 0, 2, -2},
};

static void and_counts_at_all_widths(void)
{
    for (size_t k = 0; k < sizeof formulas / sizeof formulas[0]; k++) {
        const struct counted one = {
            .name = formulas[k].name, .op = formulas[k].op, .check = formulas[k].check};
        for (int64_t w = 4; w <= 64; w++) { /* below, what the masks share decides */
            int64_t most = formulas[k].a * w * w + formulas[k].b * w + formulas[k].c;
            uint64_t n = count_ands(&one, (uint32_t)w);
            CHECK_MSG((int64_t)n <= most, "%s, %d bits: %llu ANDs, not %d", one.name, (int)w,
                      (unsigned long long)n, (int)most);
        }
    }
}

/* ---- Arrays ---- */

enum access { READ, WRITE };

/* read a[i] or write a[i] = v of n elements; index of n_index bits widened to 32. */
static struct whist_circuit *array_program(struct word_program *p, enum access access, uint32_t n,
                                           uint32_t w, uint32_t n_index, bool checked)
{
    word_id *list = whist_alloc(n, sizeof *list);
    CHECK(list != NULL);
    program_init(p, n_index + w + n * w, checked ? WORD_PANICS_SITE : WORD_PANICS_OFF);
    word_id i = word_resize(p, word_input(p, n_index, 0), 32, false);
    word_id v = word_input(p, w, n_index);
    for (uint32_t k = 0; k < n; k++) {
        list[k] = word_input(p, w, n_index + w + k * w);
    }
    if (checked) {
        uint32_t site = word_site(p, WORD_PANIC_OUT_OF_BOUNDS, 0);
        word_id good = word_binary(p, WORD_ULT, i, word_const(p, 32, n));
        word_panic(p, WORD_TRUE, word_not(p, good), site);
    }
    if (access == READ) {
        word_result(p, word_read(p, i, list, n));
    }
    for (uint32_t k = 0; access == WRITE && k < n; k++) {
        word_result(p, word_select(p, word_decode(p, i, k, n), v, list[k]));
    }
    whist_free(list);
    return circuit_of(p);
}

static void check_array(enum access access, uint32_t n, uint32_t w, uint32_t n_index, bool checked)
{
    struct word_program p;
    struct rng r = {n};
    uint8_t in[4096];
    struct whist_circuit *c = array_program(&p, access, n, w, n_index, checked);

    for (uint64_t i = 0; i < (uint64_t)1 << n_index; i++) {
        for (size_t k = 0; k < c->n_input_bits; k++) {
            in[k] = rng_next(&r) & 1;
        }
        put_number(in, i, n_index);
        check_inputs(&p, c, in, access == READ ? "read" : "write");
    }
    whist_circuit_free(c);
    word_clear(&p);
}

static void arrays_exhaustive(void)
{
    for (uint32_t n = 1; n <= 40; n++) {
        for (uint32_t n_index = 1; n_index <= 7; n_index++) {
            check_array(READ, n, 3, n_index, n_index % 2 != 0);
            check_array(WRITE, n, 2, n_index, n_index % 2 == 0);
        }
    }
}

static void count_array(enum access access, uint32_t n, uint32_t n_index, uint64_t most)
{
    struct word_program p;
    struct whist_circuit *c = array_program(&p, access, n, 32, n_index, true);
    bool checked = n_index >= 32 || n < (uint64_t)1 << n_index;
    uint64_t masks = checked ? 32 * (access == READ ? 1 : n) : 0, got = c->n_ands - masks;
    printf("%s of %u, %u bits of index: %llu\n", access == READ ? "read" : "write", n, n_index,
           (unsigned long long)got);
    fflush(stdout);
    CHECK_MSG(got <= most, "%llu ANDs, not %llu", (unsigned long long)got,
              (unsigned long long)most);
    whist_circuit_free(c);
    word_clear(&p);
}

static void and_counts_of_arrays(void)
{
    count_array(READ, 8, 32, 252);
    count_array(READ, 64, 32, 2041);
    count_array(READ, 256, 32, 8183);
    count_array(READ, 1000, 32, 31996);
    count_array(WRITE, 8, 32, 290);
    count_array(WRITE, 64, 32, 2135);
    count_array(WRITE, 256, 32, 8469);
    count_array(WRITE, 8, 8, 266);
    count_array(WRITE, 64, 8, 2111);
    count_array(WRITE, 256, 8, 8446);
}

/* ---- Tables ---- */

static uint64_t check_merge(struct rng *r, uint32_t n_a, uint32_t n_b, uint32_t key, uint32_t rest)
{
    struct word_program p;
    word_id list[64];
    uint32_t w = key + 1 + rest, n = n_a + n_b;
    static uint8_t in[4096];

    program_init(&p, n * (key + rest), WORD_PANICS_OFF);
    for (uint32_t k = 0; k < n; k++) {
        word_id parts[3] = {rest != 0 ? word_input(&p, rest, k * (key + rest) + key) : 0,
                            k < n_a ? WORD_FALSE : WORD_TRUE,
                            word_input(&p, key, k * (key + rest))};
        list[k] = word_concat(&p, parts + (rest == 0), rest != 0 ? 3 : 2);
    }
    word_id merged = word_merge(&p, list, n_a, n_b, key + 1);
    for (uint32_t k = 0; k < n; k++) {
        CHECK(word_width(&p, list[k]) == w);
        word_result(&p, word_pick(&p, merged, k));
    }
    struct whist_circuit *c = circuit_of(&p);
    for (int i = 0; i < 30; i++) {
        for (uint32_t k = 0, v = 0; k < n; k++) {
            v = k == 0 || k == n_a ? rng_below(r, 4) : v + 1 + rng_below(r, 3);
            put_number(in + k * (key + rest), v, key);
            put_number(in + k * (key + rest) + key, rng_next(r), rest);
        }
        check_inputs(&p, c, in, "merge");
    }
    uint64_t n_ands = c->n_ands;
    whist_circuit_free(c);
    word_clear(&p);
    return n_ands;
}

static void merge_of_tables(void)
{
    struct rng r = {3};
    for (uint32_t n_a = 0; n_a <= 9; n_a++) {
        for (uint32_t n_b = n_a == 0; n_b <= 9; n_b++) {
            check_merge(&r, n_a, n_b, 8, n_b % 3 * 5);
        }
    }
    /* 35 comparators of 10 by 10 rows. */
    uint64_t n = check_merge(&r, 10, 10, 8, 11);
    CHECK_MSG(n <= 35 * (9 + 20), "%llu ANDs", (unsigned long long)n);
}

static uint64_t check_compact(struct rng *r, uint32_t n, uint32_t w, uint32_t limit)
{
    struct word_program p;
    word_id list[256];
    static uint8_t in[4096];

    program_init(&p, n * w, WORD_PANICS_OFF);
    for (uint32_t k = 0; k < n; k++) {
        list[k] = word_input(&p, w, k * w);
    }
    word_id packed = word_compact(&p, list, n);
    for (uint32_t k = 0; k < n; k++) {
        word_result(&p, word_pick(&p, packed, k));
    }
    struct whist_circuit *c = circuit_of(&p);
    uint32_t all = n < 12 ? 1u << n : limit;
    for (uint32_t i = 0; i < all; i++) {
        uint64_t marks = n < 12 ? i : rng_next(r) & rng_next(r);
        marks &= ~(marks << 1); /* no neighbours: of a run every other one */
        memset(in, 0, n * w);
        for (uint32_t k = 0; k < n; k++) {
            if ((marks >> k % 63 & 1) != 0 && (k % 63 != 0 || k == 0)) {
                put_number(in + k * w, rng_next(r) | (uint64_t)1 << (w - 1), w);
            }
        }
        check_inputs(&p, c, in, "compact");
    }
    uint64_t n_ands = c->n_ands;
    whist_circuit_free(c);
    word_clear(&p);
    return n_ands;
}

static void compaction_of_tables(void)
{
    struct rng r = {4};
    for (uint32_t n = 1; n <= 40; n++) {
        check_compact(&r, n, 6, 300);
    }
    uint64_t n = check_compact(&r, 199, 20, 50);
    printf("compact 199 rows of 20 bits: %llu\n", (unsigned long long)n);
    CHECK(n <= 727 * 20);
}

/* ---- Panics ---- */

/* A tree of guards with checks on input bits; each node of the tree runs some of its checks, one
 * arm, some more, the other arm, and so on. */
static void random_checks(struct word_program *p, struct rng *r, word_id guard, uint32_t n_bits,
                          unsigned depth)
{
    for (uint32_t i = rng_below(r, 3) + 1; i-- > 0;) {
        for (uint32_t k = rng_below(r, 3); k-- > 0;) {
            word_id cond = word_input(p, 1, rng_below(r, n_bits));
            if (rng_below(r, 3) == 0) {
                cond = word_and(p, cond, word_input(p, 1, rng_below(r, n_bits)));
            }
            uint32_t site = rng_below(r, 3) != 0 || p->n_sites == 0
                                ? word_site(p, WORD_PANIC_OVERFLOW, 0)
                                : rng_below(r, (uint32_t)p->n_sites);
            word_panic(p, guard, cond, site);
        }
        if (depth > 0) {
            word_id c = word_input(p, 1, rng_below(r, n_bits));
            random_checks(p, r, word_and(p, guard, c), n_bits, depth - 1);
            if (rng_below(r, 2) != 0) {
                random_checks(p, r, word_and(p, guard, word_not(p, c)), n_bits, depth - 1);
            }
        }
    }
}

static void checks_under_guards(void)
{
    enum { N = 8 };
    for (uint64_t seed = 0; seed < (uint64_t)test_scale(400); seed++) {
        struct word_program p;
        struct rng r = {seed};
        uint8_t in[N];
        program_init(&p, N, seed % 3 == 0 ? WORD_PANICS_FLAG : WORD_PANICS_SITE);
        random_checks(&p, &r, WORD_TRUE, N, 3);
        word_result(&p, word_input(&p, N, 0));
        struct whist_circuit *c = circuit_of(&p);
        for (uint32_t v = 0; v < 1u << N; v++) {
            put_number(in, v, N);
            check_inputs(&p, c, in, "checks");
        }
        whist_circuit_free(c);
        word_clear(&p);
    }
}

/* One AND for each check, one for each guard. */
static void and_counts_of_checks(void)
{
    enum { N = 20 };
    struct word_program p;
    program_init(&p, 2 * N + 2, WORD_PANICS_SITE);
    word_id c = word_input(&p, 1, 0), d = word_input(&p, 1, 1);
    word_id guard = word_and(&p, c, d);
    for (uint32_t k = 0; k < 2 * N; k++) {
        uint32_t site = word_site(&p, WORD_PANIC_OVERFLOW, 0);
        word_panic(&p, k < N ? c : guard, word_input(&p, 1, 2 + k), site);
    }
    struct whist_circuit *circuit = circuit_of(&p);
    CHECK_MSG(circuit->n_ands <= 2 * N + 1, "%llu ANDs", (unsigned long long)circuit->n_ands);
    whist_circuit_free(circuit);
    word_clear(&p);
}

static const struct test_case cases[] = {
    {"operations_alone_exhaustive", operations_alone_exhaustive},
    {"operations_together_exhaustive", operations_together_exhaustive},
    {"constants_exhaustive", constants_exhaustive},
    {"operations_on_edge_values", operations_on_edge_values},
    {"divisors_with_cheap_reciprocals", divisors_with_cheap_reciprocals},
    {"and_counts_of_operations", and_counts_of_operations},
    {"and_counts_at_all_widths", and_counts_at_all_widths},
    {"arrays_exhaustive", arrays_exhaustive},
    {"and_counts_of_arrays", and_counts_of_arrays},
    {"merge_of_tables", merge_of_tables},
    {"compaction_of_tables", compaction_of_tables},
    {"checks_under_guards", checks_under_guards},
    {"and_counts_of_checks", and_counts_of_checks},
};
TEST_MAIN(cases)
