/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Lies in the later blocks of long arrays, which are checked block by block, and pairs of lies that
 * a check with bad coefficients would cancel. */
#include "harness.h"
#include "players.h"

/* Gates of the circuit, more than any inner block takes (the largest: 1,024); 5 rows of triples. */
#define GATES 1100
#define FAR   1030 /* beyond the first 1,024 of what is counted in gates, triples or bits */

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Independent ANDs; `outputs` of them are outputs. */
static struct whist_circuit *wide_circuit(size_t n, size_t outputs)
{
    static char text[40 * GATES];
    size_t k = 2 * n;
    int at = snprintf(text, sizeof text, "%d %zu\n%zu", GATES, k + GATES, k);
    for (size_t i = 0; i < k; i++) {
        at += snprintf(text + at, sizeof text - (size_t)at, " 1");
    }
    at += snprintf(text + at, sizeof text - (size_t)at, "\n1 %zu\n\n", outputs);
    for (size_t g = 0; g < GATES; g++) {
        at += snprintf(text + at, sizeof text - (size_t)at, "2 1 %zu %zu %zu AND\n", g % k,
                       (g + 1) % k, k + g);
    }
    return circuit_of_text(text);
}

struct far {
    struct players p;
    size_t cheater, batches;
    bool told;
};

typedef void tamper(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                    size_t len);

static void flip(struct far *f, void *data, size_t len, size_t bit)
{
    CHECK(bit / 8 < len);
    ((uint8_t *)data)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    f->told = true;
}

/* Other choice bits towards P_2, in row 5,000 of the chunk's batch. */
static void other_bits(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    struct far *f = ctx;
    (void)s;
    if (is(point, "ashare.u") && to == 2 && f->batches++ == 1) {
        flip(f, data, len, 5000);
    }
}

/* Corrections of one half of the trees are off in a bit of the second inner block. */
static void other_column(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                         size_t len)
{
    struct far *f = ctx;
    size_t inner = 32 * 32 * sizeof(struct block); /* corrections of an inner block: 32 trees */
    (void)s;
    (void)to;
    if (is(point, "chunk.cot") && len > 2 * inner) {
        for (size_t tree = 0; tree < 16; tree++) {
            flip(f, data, len, 8 * (inner + tree * 32 * sizeof(struct block)) + 1);
        }
    }
}

static void far_d(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                  size_t len)
{
    (void)s;
    if (is(point, "leaky.d") && to == WHIST_NO_PEER) {
        flip(ctx, data, len, FAR);
    }
}

static void far_opening(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                        size_t len)
{
    (void)s;
    (void)to;
    if (is(point, "and.open")) {
        flip(ctx, data, len, 4000);
    }
}

/* The last of the a's of row 5. U is a bet on every bit of it: 100 bets. */
static void far_u(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                  size_t len)
{
    (void)s;
    (void)to;
    if (is(point, "leaky.u")) {
        for (size_t k = 1; k <= 100; k++) {
            flip(ctx, data, len, 8 * (len - k * sizeof(struct block)) + 5);
        }
    }
}

static void far_lambda(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    (void)s;
    (void)to;
    if (is(point, "label.check")) {
        flip(ctx, data, len, 8 * (sizeof(struct block) + WHIST_HASH_LEN) + FAR);
    }
}

/* Flips b_γ of two gates. */
static void flip_gates(struct far *f, const char *point, void *data, size_t len, size_t g0,
                       size_t g1)
{
    if (is(point, "tables")) {
        size_t bits = 8 * (len - (GATES + 7) / 8);
        flip(f, data, len, bits + g0);
        flip(f, data, len, bits + g1);
    }
}

/* Under coefficients that begin anew with each block they would cancel. */
static void a_block_apart(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                          size_t len)
{
    (void)s;
    (void)to;
    flip_gates(ctx, point, data, len, 3, 3 + 1024);
}

/* Both behind the first block of the circuit check. */
static void late_gates(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    (void)s;
    (void)to;
    flip_gates(ctx, point, data, len, FAR, FAR + 50);
}

/* Under a seed of h_s that is 1 they would. */
static void neighbours(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    (void)s;
    (void)to;
    flip_gates(ctx, point, data, len, 3, 4);
}

/* d of two triples: under equal χ the sum over all triples would be zero. */
static void two_d(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                  size_t len)
{
    (void)s;
    if (is(point, "leaky.d") && to == WHIST_NO_PEER) {
        flip(ctx, data, len, 3);
        flip(ctx, data, len, 3 + 1024);
    }
}

/* Two rows' bits towards P_2: under equal χ of rows w would be the same. */
static void two_bits(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                     size_t len)
{
    struct far *f = ctx;
    (void)s;
    if (is(point, "ashare.u") && to == 2 && f->batches++ == 1) {
        flip(f, data, len, 3);
        flip(f, data, len, 3 + 4096);
    }
}

/* P_1 lies (evaluator or garbler): an honest party must stop in this phase. */
static void caught(tamper *lie, size_t n, bool evaluates, const char *phases)
{
    static struct far f;
    struct whist_circuit *circuit = wide_circuit(n, GATES);
    f = (struct far){.cheater = 1};
    players_init(&f.p, circuit, n, evaluates ? 1 : 0, n);
    f.p.dealt = true;
    f.p.hooks[1].tamper = lie;
    f.p.hooks[1].ctx = &f;
    f.p.hooks[1].deaf = true;
    players_run(&f.p);
    CHECK(f.told);
    bool by_check = false;
    for (size_t i = 0; i < n; i++) {
        const struct party_result *res = &f.p.results[i];
        CHECK_MSG(i == 1 || res->status != WHIST_OK, "party %zu has not stopped", i);
        CHECK_MSG(i == 1 || strstr(phases, res->err.phase) != NULL, "party %zu stopped in %s: %s",
                  i, res->err.phase, res->err.text);
        by_check |= i != 1 && res->status == WHIST_ERR_CHECK;
    }
    CHECK(by_check);
    players_clear(&f.p);
    whist_circuit_free(circuit);
}

/* ---- An opening with the best tag ---- */

#define OUTPUTS 1100

/* Inputs of P_0 that are the outputs as they are: the MACs of their masks are the cheater's. */
static struct whist_circuit *copying_circuit(void)
{
    static char text[40 * OUTPUTS];
    int at = snprintf(text, sizeof text, "%d %d\n2 %d 1\n1 %d\n\n", OUTPUTS, 2 * OUTPUTS + 1,
                      OUTPUTS, OUTPUTS);
    for (int i = 0; i < OUTPUTS; i++) {
        at += snprintf(text + at, sizeof text - (size_t)at, "1 1 %d %d EQW\n", i, OUTPUTS + 1 + i);
    }
    return circuit_of_text(text);
}

struct tagger {
    struct players p;
    struct block mac[OUTPUTS];
    bool told;
};

/* P_1 flips a bit beyond the first inner block and makes the tag of that block's bits anew, under
 * the χ of the flipped ones: all that it could do if the tag were not one of all bits. */
static void tag_of_first_block(void *ctx, struct whist_session *s, const char *point, int to,
                               void *data, size_t len)
{
    struct tagger *t = ctx;
    struct block chi[1024], tag = {0, 0};
    uint8_t *bits = data;
    struct prg prg;
    if (is(point, "run.masks")) {
        const struct block *masks = data; /* M and K of every wire */
        for (size_t k = 0; k < OUTPUTS; k++) {
            t->mac[k] = masks[2 * k];
        }
    } else if (is(point, "output.open") && to == 0) {
        CHECK(len == (OUTPUTS + 7) / 8 + sizeof tag);
        bits[FAR / 8] ^= 1;
        whist_open_chi(&prg, s, s->me, 0, bits, len - sizeof tag, point);
        whist_prg_blocks(&prg, chi, 1024);
        for (size_t k = 0; k < 1024; k++) {
            tag = block_xor(tag, whist_gf_mul(chi[k], t->mac[k]));
        }
        block_store(bits + len - sizeof tag, tag);
        t->told = true;
    }
}

static void tag_of_all_bits(void)
{
    static struct tagger t;
    static uint8_t inputs[OUTPUTS + 1];
    struct whist_circuit *circuit = copying_circuit();
    players_init(&t.p, circuit, 2, 0, 5);
    t.p.dealt = true;
    t.p.setup.inputs = inputs;
    t.p.hooks[1].tamper = tag_of_first_block;
    t.p.hooks[1].ctx = &t;
    t.p.hooks[1].deaf = true;
    players_run(&t.p);
    CHECK(t.told && t.p.results[0].status == WHIST_ERR_CHECK);
    CHECK(is(t.p.results[0].err.phase, "output.open"));
    players_clear(&t.p);
    whist_circuit_free(circuit);
}

#define CASE(name, n, evaluates, phases)                                                           \
    static void case_##name(void)                                                                  \
    {                                                                                              \
        caught(name, n, evaluates, phases);                                                        \
    }
CASE(other_bits, 3, false, "chunk.check")
CASE(two_bits, 3, true, "chunk.check")
CASE(other_column, 2, false, "chunk.check")
CASE(far_u, 2, true, "zero.zeta.open")
CASE(far_d, 2, false, "zero.zeta.open")
CASE(two_d, 2, true, "zero.zeta.open")
CASE(far_opening, 2, false, "and.open")
CASE(far_lambda, 2, true, "label.check")
CASE(a_block_apart, 2, false, "circuit.check")
CASE(late_gates, 2, false, "circuit.check")
CASE(neighbours, 2, false, "circuit.check")

static const struct test_case cases[] = {
    {"other_bits", case_other_bits},
    {"two_bits", case_two_bits},
    {"other_column", case_other_column},
    {"u", case_far_u},
    {"d", case_far_d},
    {"two_d", case_two_d},
    {"opening", case_far_opening},
    {"tag_of_all_bits", tag_of_all_bits},
    {"lambda", case_far_lambda},
    {"gates_a_block_apart", case_a_block_apart},
    {"late_gates", case_late_gates},
    {"neighbouring_gates", case_neighbours},
};
TEST_MAIN(cases)
