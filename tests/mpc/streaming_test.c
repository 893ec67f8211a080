/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Circuits that are made as they are pulled, in chunks of all sizes, against plain evaluation. */
#include "core/core.h"
#include "dealer.h"
#include "harness.h"
#include "jobs.h"
#include "parties.h"

#define MAX_SLOTS   64
#define MAX_OUTPUTS 12

enum mistake { FINE, SLOT_A, SLOT_B, SLOT_OUT, KIND, FAILS, TOO_MANY, SLOT_OUTPUT };

/* What a generator makes. */
struct recipe {
    uint64_t seed;
    uint32_t n_slots;
    uint32_t widths[4]; /* of the inputs */
    size_t n_inputs;
    uint64_t n_gates;
    uint64_t first_and, end_and; /* ANDs are among these gates only */
    uint32_t and_percent;
    bool announced; /* the shape says how many gates there are */
    /* Mistakes at the gate numbered `bad_at` (if that is not 0). */
    enum mistake mistake;
    uint64_t bad_at;
};

struct generator {
    struct whist_gate_source base;
    struct whist_circuit_shape shape;
    struct recipe recipe;
    uint32_t output_widths[2], outputs[MAX_OUTPUTS];
    uint64_t random, made;
    uint32_t defined; /* slots that have a value */
};

static uint32_t below(struct generator *g, uint32_t n)
{
    return (uint32_t)(mix(g->random++) % n);
}

static uint32_t input_bits(const struct recipe *r)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < r->n_inputs; i++) {
        sum += r->widths[i];
    }
    return sum;
}

/* Slots that have a value in the end; outputs are among them. */
static uint32_t defined_in_the_end(const struct recipe *r)
{
    uint64_t sum = input_bits(r) + r->n_gates;
    return sum < r->n_slots ? (uint32_t)sum : r->n_slots;
}

static uint32_t random_op(struct generator *g)
{
    const struct recipe *r = &g->recipe;
    uint32_t dice = below(g, 100);
    if (g->made >= r->first_and && g->made < r->end_and && below(g, 100) < r->and_percent) {
        return WHIST_OP_AND;
    }
    if (dice < 4) {
        return WHIST_OP_CONST0 + dice % 2;
    }
    return dice < 14 ? WHIST_OP_NOT : dice < 22 ? WHIST_OP_COPY : WHIST_OP_XOR;
}

/* XOR-heavy. First every slot gets a value, then slots are used again, every third result lands on
 * its own operand. Slot 0 keeps the first input, if there is one; an output becomes a constant. */
static struct whist_gate make_gate(struct generator *g)
{
    const struct recipe *r = &g->recipe;
    uint32_t keep = input_bits(r) > 0 ? 1 : 0;
    if (g->defined == 0) {
        return (struct whist_gate){.out = g->defined++, .op = WHIST_OP_CONST1};
    }
    struct whist_gate gate = {below(g, g->defined), below(g, g->defined), g->defined, random_op(g)};
    if (g->defined < r->n_slots) {
        g->defined++;
        return gate;
    }
    gate.out = below(g, 3) == 0 ? gate.a : below(g, r->n_slots);
    gate.out = gate.out < keep ? keep : gate.out;
    if (g->made == r->n_gates - 1 && g->outputs[3] >= keep) {
        gate = (struct whist_gate){.out = g->outputs[3], .op = WHIST_OP_CONST1};
    }
    return gate;
}

static void spoil(struct generator *g, struct whist_gate *gate)
{
    gate->a = g->recipe.mistake == SLOT_A ? g->recipe.n_slots : gate->a;
    gate->b = g->recipe.mistake == SLOT_B ? UINT32_MAX : gate->b;
    gate->out = g->recipe.mistake == SLOT_OUT ? g->recipe.n_slots : gate->out;
    gate->op = g->recipe.mistake == KIND ? WHIST_OP_CONST1 + 1 : WHIST_OP_XOR;
}

static whist_status generator_next(struct whist_gate_source *src, struct whist_gate *gates_out,
                                   size_t max, size_t *n_out, struct whist_error *err)
{
    struct generator *g = (struct generator *)src;
    uint64_t end = g->recipe.n_gates + (g->recipe.mistake == TOO_MANY);
    size_t n = 0;
    while (n < max && n < 1000 && g->made < end) { /* fewer than asked for: allowed */
        if (g->recipe.mistake == FAILS && g->made == g->recipe.bad_at) {
            return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, "source", "the disk is gone");
        }
        gates_out[n] = make_gate(g);
        if (g->recipe.bad_at != 0 && g->made == g->recipe.bad_at) {
            spoil(g, &gates_out[n]);
        }
        n++;
        g->made++;
    }
    *n_out = n;
    return WHIST_OK;
}

static const struct whist_circuit_shape *generator_shape(const struct whist_gate_source *src)
{
    return &((const struct generator *)src)->shape;
}

static const uint32_t *generator_outputs(const struct whist_gate_source *src)
{
    return ((const struct generator *)src)->outputs;
}

static whist_status generator_rewind(struct whist_gate_source *src, struct whist_error *err)
{
    struct generator *g = (struct generator *)src;
    (void)err;
    g->random = g->recipe.seed << 32;
    g->made = 0;
    g->defined = input_bits(&g->recipe);
    return WHIST_OK;
}

static void generator_free(struct whist_gate_source *src)
{
    free(src);
}

static const struct whist_gate_source_ops generator_ops = {
    .shape = generator_shape,
    .next = generator_next,
    .output_slots = generator_outputs,
    .rewind = generator_rewind,
    .free = generator_free,
};

/* A run through the gates counts the ANDs for the shape. */
static void count_ands(struct generator *g)
{
    struct whist_gate gates[1000];
    struct whist_error err;
    size_t n;
    CHECK_OK(generator_rewind(&g->base, &err), err);
    do {
        CHECK_OK(generator_next(&g->base, gates, 1000, &n, &err), err);
        for (size_t i = 0; i < n; i++) {
            g->shape.n_ands += gates[i].op == WHIST_OP_AND;
        }
    } while (n != 0);
}

/* Some outputs are the same wire, the first one is an input. */
static void choose_outputs(struct generator *g)
{
    const struct recipe *r = &g->recipe;
    for (uint32_t i = 1; i < MAX_OUTPUTS; i++) {
        g->outputs[i] = (uint32_t)(mix(r->seed + i) % defined_in_the_end(r));
    }
    g->outputs[4] = g->outputs[MAX_OUTPUTS - 1] = g->outputs[3];
    g->outputs[5] = r->mistake == SLOT_OUTPUT ? r->n_slots : g->outputs[5];
}

static whist_status make_generator(void *ctx, struct whist_gate_source **source_out,
                                   struct whist_error *err)
{
    const struct recipe *r = ctx;
    struct generator *g = calloc(1, sizeof *g);
    g->base.ops = &generator_ops;
    g->recipe = *r;
    g->output_widths[0] = MAX_OUTPUTS - 3;
    g->output_widths[1] = 3;
    g->shape = (struct whist_circuit_shape){.n_slots = r->n_slots,
                                            .n_inputs = r->n_inputs,
                                            .input_widths = g->recipe.widths,
                                            .n_outputs = 2,
                                            .output_widths = g->output_widths,
                                            .n_gates = r->announced ? r->n_gates : 0};
    put_le64(g->shape.id, r->seed);
    choose_outputs(g);
    if (r->mistake == FINE && r->announced) {
        count_ands(g);
    }
    CHECK_OK(generator_rewind(&g->base, err), *err);
    *source_out = &g->base;
    return WHIST_OK;
}

/* ---- Right circuits ---- */

static const uint8_t DEAL_SEED[16] = "streaming test";

static void deal(void *ctx, size_t party, struct whist_session *session)
{
    (void)ctx;
    (void)party;
    deal_setup(session, DEAL_SEED);
}

static const struct party_watch dealt = {.opened = deal};

#define CHAIN 8

/* A computation and all that it borrows. */
struct computation {
    struct recipe recipe;
    uint8_t inputs[MAX_SLOTS], owners[4];
    uint8_t *expected;
    size_t n_out;
};

/* Recipes for the k-th computation of a chain: all shapes take turns. */
static struct recipe make_recipe(uint64_t seed, size_t k)
{
    struct recipe r = {.seed = seed, .announced = (mix(seed) & 1) != 0};
    r.n_inputs = k == 1 ? 0 : 1 + mix(seed + 1) % 4; /* no input at all */
    for (size_t i = 0; i < r.n_inputs; i++) {
        r.widths[i] = (uint32_t)(mix(seed + 2 + i) % 7);
    }
    r.n_slots = input_bits(&r) + 1 + (uint32_t)(mix(seed + 7) % (MAX_SLOTS - 28));
    r.n_gates = k == 2 ? 0 : 1 + mix(seed + 8) % 400;
    r.n_gates += input_bits(&r) == 0; /* outputs need something */
    r.and_percent = (uint32_t[]){30, 30, 30, 0, 100, 10, 30, 60}[k % CHAIN]; /* 3: no AND at all */
    r.first_and = k == 5 ? r.n_gates / 2 : 0;
    r.end_and = k == 6 ? r.n_gates / 2 : r.n_gates; /* none at the end */
    return r;
}

static void prepare(struct computation *c, struct party_setup *s, size_t n, uint64_t seed, size_t k)
{
    c->recipe = make_recipe(seed, k);
    for (size_t i = 0; i < MAX_SLOTS; i++) {
        c->inputs[i] = mix(seed * 100 + i) & 1;
    }
    for (size_t i = 0; i < 4; i++) {
        c->owners[i] = (uint8_t)(mix(seed * 200 + i) % n);
    }
    *s = (struct party_setup){.n = n,
                              .make_source = make_generator,
                              .source_ctx = &c->recipe,
                              .owners = c->owners,
                              .evaluator = mix(seed + 20) % n,
                              .receivers = mix(seed + 21) % ((uint64_t)1 << n),
                              .inputs = c->inputs,
                              .watch = &dealt};
    c->expected = parties_expect(s, &c->n_out);
}

static void run_chain(size_t n, uint64_t chunk, uint64_t seed)
{
    struct computation c[CHAIN];
    struct party_setup s[CHAIN];
    struct party_result res[WHIST_MAX_PARTIES];
    for (size_t k = 0; k < CHAIN; k++) {
        prepare(&c[k], &s[k], n, seed * CHAIN + k, k);
        s[k].next = k + 1 < CHAIN ? &s[k + 1] : NULL;
    }
    s[0].options.chunk_ands = chunk;
    parties_run(res, &s[0]);
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;
        CHECK_OK(res[i].status, res[i].err);
        for (size_t k = 0; k < CHAIN; at += c[k++].n_out) {
            CHECK_MSG(!party_receives(&s[k], i) ||
                          memcmp(res[i].outputs + at, c[k].expected, c[k].n_out) == 0,
                      "n %zu, chunk %llu, seed %llu, computation %zu, party %zu", n,
                      (unsigned long long)chunk, (unsigned long long)seed, k, i);
        }
    }
    for (size_t k = 0; k < CHAIN; k++) {
        free(c[k].expected);
    }
    parties_clear(res, n);
}

struct chains {
    size_t n;
    uint64_t chunk;
};

static void chain_job(void *ctx, size_t k)
{
    const struct chains *chains = ctx;
    run_chain(chains->n, chains->chunk, 1 + k);
}

static void chunks_of(uint64_t chunk, long seeds)
{
    for (size_t n = 2; n <= 3; n++) {
        struct chains chains = {n, chunk};
        run_jobs((size_t)test_scale(seeds), 2, chain_job, &chains);
    }
}

static void chunks_of_one(void)
{
    chunks_of(1, 10);
}

static void chunks_of_seven(void)
{
    chunks_of(7, 30);
}

static void chunks_of_64(void)
{
    chunks_of(64, 50);
}

static void chunks_of_any_size(void)
{
    chunks_of(0, 50);
}

/* More gates than a chunk takes, of whatever kind: the first chunk has no AND, another one few. */
static void cap_on_gates(void)
{
    struct computation c;
    struct party_setup s;
    struct party_result res[2];
    prepare(&c, &s, 2, 5, 0);
    free(c.expected);
    c.recipe.n_gates = ((uint64_t)2 << 22) + 1000;
    c.recipe.first_and = c.recipe.n_gates - 300;
    c.recipe.end_and = c.recipe.n_gates;
    c.recipe.and_percent = 50;
    s.receivers = 0;
    c.expected = parties_expect(&s, &c.n_out);
    parties_run(res, &s);
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(res[i].status, res[i].err);
        CHECK(memcmp(res[i].outputs, c.expected, c.n_out) == 0);
    }
    free(c.expected);
    parties_clear(res, 2);
}

/* ---- Wrong sources ---- */

/* A source that breaks its promises at all parties: an error, no crash, no output. */
static void wrong_sources(void)
{
    static const whist_status expected[] = {[SLOT_A] = WHIST_ERR_ARGUMENT,
                                            [SLOT_B] = WHIST_ERR_ARGUMENT,
                                            [SLOT_OUT] = WHIST_ERR_ARGUMENT,
                                            [KIND] = WHIST_ERR_ARGUMENT,
                                            [FAILS] = WHIST_ERR_IO,
                                            [TOO_MANY] = WHIST_ERR_ARGUMENT,
                                            [SLOT_OUTPUT] = WHIST_ERR_ARGUMENT};
    for (enum mistake m = SLOT_A; m <= SLOT_OUTPUT; m++) {
        struct computation c;
        struct party_setup s;
        struct party_result res[2];
        prepare(&c, &s, 2, 77, 0);
        free(c.expected);
        c.recipe.n_gates = 100;
        c.recipe.announced = true;
        c.recipe.bad_at = m <= FAILS ? 60 : 0;
        c.recipe.mistake = m;
        parties_run(res, &s);
        for (size_t i = 0; i < 2; i++) {
            bool own = res[i].status == expected[m];
            CHECK_MSG(own || res[i].status == WHIST_ERR_ABORTED, "mistake %d: party %zu: %s",
                      (int)m, i, whist_status_name(res[i].status));
            CHECK(!own || res[i].err.text[0] != '\0');
        }
        CHECK(res[0].status == expected[m] || res[1].status == expected[m]);
        parties_clear(res, 2);
    }
}

static const struct test_case cases[] = {
    {"chunks_of_one", chunks_of_one}, {"chunks_of_seven", chunks_of_seven},
    {"chunks_of_64", chunks_of_64},   {"chunks_of_any_size", chunks_of_any_size},
    {"cap_on_gates", cap_on_gates},   {"wrong_sources", wrong_sources},
};
TEST_MAIN(cases)
