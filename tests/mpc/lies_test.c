/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Lies in triples, garbling, inputs, checks and outputs (docs/protocol.md §3 to §6). */
#include "harness.h"
#include "lies.h"

/* ---- Leaky ANDs ---- */

/* The error of U is taken back in α: passes if the peer's a is 1, where U alone passes if it is 0.
 */
static void u_betting_on_one(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    struct block chi[32];
    CHECK(g->k < 32);
    if (to_peer(g, point, to, "leaky.u")) {
        xor_block(data + g->k * sizeof(struct block), g->r);
        g->hits++;
    } else if (strcmp(point, "leaky.chi") == 0) {
        CHECK(len == 32);
        coin_blocks(chi, 32, data, "whist chi triples");
        g->note = whist_gf_mul(chi[g->k], g->r);
    } else if (strcmp(point, "leaky.alpha") == 0) {
        xor_block(data, g->note);
    }
}

/* A flipped d moves every t of the triple by the party's Δ; the cheater takes its own back. */
static void d_against_own_delta(struct game *g, const char *point, int to, uint8_t *data,
                                size_t len)
{
    struct block chi[32];
    if (strcmp(point, "leaky.d") == 0 && to == WHIST_NO_PEER) {
        CHECK(g->k < 32 && g->k / 8 < len);
        data[g->k / 8] ^= (uint8_t)(1u << g->k % 8);
        g->hits++;
    } else if (strcmp(point, "leaky.chi") == 0) {
        coin_blocks(chi, 32, data, "whist chi triples");
        g->note = whist_gf_mul(chi[g->k], g->s->delta);
    } else if (strcmp(point, "leaky.alpha") == 0) {
        xor_block(data, g->note);
    }
}

/* The error of V is taken back in ζ: passes if the peer's bit of ρ is 1. */
static void v_betting_on_one(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    if (to_peer(g, point, to, "zero.v")) {
        CHECK(len == 128 * sizeof(struct block));
        xor_block(data + g->k * sizeof(struct block), g->r);
        g->hits++;
    } else if (strcmp(point, "zero.zeta.commit") == 0 && to == WHIST_NO_PEER) {
        xor_block(data, g->r);
    }
}

/* The tweak of the first triple towards the peer. */
static void wrong_tweak(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    (void)len;
    if (to_peer(g, point, to, "tweaks") && g->hits++ == 0) {
        xor_block(data, g->one);
    }
}

/* ---- Openings ---- */

/* The highest bit of the last byte is no mask: but the tag is that of all bits of the message. */
static void spare_bit_of_output(struct game *g, const char *point, int to, uint8_t *data,
                                size_t len)
{
    if (to_peer(g, point, to, "output.open")) {
        CHECK(len == 1 + sizeof(struct block) && LIE_OUTPUTS < 8);
        data[0] ^= 0x80;
        g->hits++;
    }
}

/* d = λ_α ⊕ a of a gate: these bits follow those of the buckets. */
static void wrong_gate_d(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    unsigned B;
    uint64_t l;
    if (to_peer(g, point, to, "and.open")) {
        whist_bucket_choose(40, g->m, &B, &l);
        size_t bit = (B - 1) * g->m + game_random(g, 5, g->m);
        CHECK(bit / 8 < len - sizeof(struct block));
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        g->hits++;
    }
}

/* ---- Evaluation ---- */

static void wrong_lambda(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    if (to_peer(g, point, to, "label.check")) {
        size_t at = sizeof(struct block) + WHIST_HASH_LEN, gate = g->m - 1;
        CHECK(len == at + (g->m + 7) / 8);
        data[at + gate / 8] ^= (uint8_t)(1u << gate % 8);
        g->hits++;
    }
}

/* Nobody reads a spare bit; of a chunk of five gates there are three. */
static void spare_bit_of_lambda(struct game *g, const char *point, int to, uint8_t *data,
                                size_t len)
{
    if (to_peer(g, point, to, "label.check")) {
        data[len - 1] ^= 0x80;
        g->passes = true;
        g->hits++;
    }
}

/* Another s to one garbler spoils the cheater's own circuit check alone. */
static void other_seed(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    (void)len;
    if (to_peer(g, point, to, "label.check")) {
        xor_block(data, g->r);
        g->passes = true;
        g->hits++;
    }
}

/* ---- In the first of several chunks ---- */

#define FIRST_CHUNK 3 /* gates */

static void first_chunk_lambda(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    if (to_peer(g, point, to, "label.check") && g->hits++ == 0) {
        data[len - 1] ^= 1 << (FIRST_CHUNK - 1);
    }
}

static void first_chunk_b_gamma(struct game *g, const char *point, int to, uint8_t *data,
                                size_t len)
{
    if (strcmp(point, "tables") == 0 && to == (int)g->p.setup.evaluator && g->hits++ == 0) {
        data[len - 1] ^= 1 << (FIRST_CHUNK - 1);
    }
}

static void first_chunk_d(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    (void)len;
    if (strcmp(point, "leaky.d") == 0 && to == WHIST_NO_PEER && g->hits++ == 0) {
        data[0] ^= 1;
    }
}

static void first_chunk_opening(struct game *g, const char *point, int to, uint8_t *data,
                                size_t len)
{
    (void)len;
    if (to_peer(g, point, to, "and.open") && g->hits++ == 0) {
        data[0] ^= 1;
    }
}

/* ---- Tables ---- */

static void wrong_b_gamma(struct game *g, const char *point, int to, uint8_t *data, size_t len)
{
    if (strcmp(point, "tables") == 0 && to == (int)g->p.setup.evaluator) {
        size_t gate = g->m - 1, at = len - (g->m + 7) / 8;
        data[at + gate / 8] ^= (uint8_t)(1u << gate % 8);
        g->hits++;
    }
}

/* Offset of the label hash in E's message: the seed of h_s stands before it. */
enum { AT_LABEL_HASH = 16 };

#define ROW(r) ((enum place)(LAST_ROW + (r)))

static const struct lie lies[] = {
    {"u_one_bit", EITHER, 2, BET, "zero.zeta.open", CHANGE("leaky.u", TO_PEER, BLOCK_K, BY_ONE)},
    {"u_other_phi", EITHER, 2, BET, "zero.zeta.open", CHANGE("leaky.u", TO_ALL, BLOCK_K, BY_R)},
    {"u_betting_on_one", EITHER, 2, BET, "zero.zeta.open", .tell = u_betting_on_one},
    {"wrong_d", EITHER, 2, CAUGHT, "zero.zeta.open", CHANGE("leaky.d", BROADCAST, BIT_K, BY_BIT0)},
    {"wrong_alpha", EITHER, 2, CAUGHT, "zero.zeta.open",
     CHANGE("leaky.alpha", BROADCAST, 0, BY_ONE)},
    {"v_one_bit", EITHER, 2, BET, "zero.zeta.open", CHANGE("zero.v", TO_PEER, BLOCK_K, BY_ONE)},
    {"wrong_zeta", EITHER, 2, CAUGHT, "zero.zeta.open",
     CHANGE("zero.zeta.commit", BROADCAST, 0, BY_ONE)},
    {"wrong_bucket_d", EITHER, 2, CAUGHT, "and.open", CHANGE("and.open", TO_PEER, 0, BY_BIT0)},
    {"wrong_gate_d", EITHER, 2, CAUGHT, "and.open", .tell = wrong_gate_d},
    {"wrong_tag_of_d", EITHER, 2, CAUGHT, "and.open",
     CHANGE("and.open", TO_PEER, LAST_BLOCK, BY_ONE)},
    {"wrong_input_mask", EITHER, 2, CAUGHT, "input.open",
     CHANGE("input.open", TO_PEER, 0, BY_BIT0)},
    {"wrong_output_mask", EITHER, 2, CAUGHT, "output.open",
     CHANGE("output.open", TO_PEER, 0, BY_BIT0)},
    {"wrong_tag_of_output", EITHER, 2, CAUGHT, "output.open",
     CHANGE("output.open", TO_PEER, LAST_BLOCK, BY_ONE)},
    {"equivocated_lambda", EITHER, 2, CAUGHT, "input.lambda.echo",
     CHANGE("input.lambda", TO_PEER, 0, BY_BIT0)},
    {"other_lambda", EITHER, 2, PASSES, "", CHANGE("input.lambda", BROADCAST, 0, BY_BIT0)},
    {"wrong_lambda", EVALUATOR, 2, CAUGHT, "label.check", .tell = wrong_lambda},
    {"wrong_label_hash", EVALUATOR, 2, CAUGHT, "label.check",
     CHANGE("label.check", TO_PEER, AT_LABEL_HASH, BY_ONE)},
    /* The own rows G only spoil the cheater's own labels, of which nobody knows what they should
     * be: it shows if Λ, the lowest bit of the first garbler's, comes out wrong. */
    {"g0_one_bit", GARBLER, 2, MAY, "label.check circuit.check",
     CHANGE("tables", TO_EVALUATOR, ROW(0), BY_ONE)},
    {"g1_one_bit", GARBLER, 2, MAY, "label.check circuit.check",
     CHANGE("tables", TO_EVALUATOR, ROW(1), BY_ONE)},
    {"g0_lowest_bit", FIRST_GARBLER, 2, BET, "label.check circuit.check",
     CHANGE("tables", TO_EVALUATOR, ROW(0), BY_BIT0)},
    {"g1_lowest_bit", FIRST_GARBLER, 2, BET, "label.check circuit.check",
     CHANGE("tables", TO_EVALUATOR, ROW(1), BY_BIT0)},
    {"g0_off_by_delta", GARBLER, 2, BET, "label.check circuit.check",
     CHANGE("tables", TO_EVALUATOR, ROW(0), BY_DELTA)},
    {"g1_off_by_delta", GARBLER, 2, BET, "label.check circuit.check",
     CHANGE("tables", TO_EVALUATOR, ROW(1), BY_DELTA)},
    /* S spoils the label of another garbler, which sees it. */
    {"s0_one_bit", GARBLER, 3, BET, "label.check", CHANGE("tables", TO_EVALUATOR, ROW(2), BY_ONE)},
    {"s1_one_bit", GARBLER, 3, BET, "label.check", CHANGE("tables", TO_EVALUATOR, ROW(3), BY_ONE)},
    {"s2_one_bit", GARBLER, 3, CAUGHT, "label.check",
     CHANGE("tables", TO_EVALUATOR, ROW(4), BY_ONE)},
    {"wrong_b_gamma", FIRST_GARBLER, 2, CAUGHT, "label.check circuit.check", .tell = wrong_b_gamma},
    {"input_label_one_bit", GARBLER, 2, MAY, "label.check circuit.check",
     CHANGE("input.label", TO_EVALUATOR, 0, BY_ONE)},
    {"input_label_of_other_value", GARBLER, 2, MAY, "label.check circuit.check",
     CHANGE("input.label", TO_EVALUATOR, 0, BY_DELTA)},
    {"d_against_own_delta", EITHER, 2, CAUGHT, "zero.zeta.open", .tell = d_against_own_delta},
    {"v_betting_on_one", EITHER, 2, BET, "zero.zeta.open", .tell = v_betting_on_one},
    {"wrong_tweak", EITHER, 2, CAUGHT, "zero.zeta.open", .tell = wrong_tweak},
    {"wrong_zero_seed", EITHER, 2, CAUGHT, "zero.zeta.open",
     CHANGE("zero.seed", TO_PEER, 0, BY_ONE)},
    {"spare_bit_of_output", EITHER, 2, CAUGHT, "output.open", .tell = spare_bit_of_output},
    {"spare_bit_of_lambda", EVALUATOR, 2, KNOWN, "", .tell = spare_bit_of_lambda, .chunk_ands = 5},
    {"other_seed", EVALUATOR, 2, KNOWN, "", .tell = other_seed},
    {"first_chunk_lambda", EVALUATOR, 2, CAUGHT, "label.check", .tell = first_chunk_lambda,
     .chunk_ands = FIRST_CHUNK},
    {"first_chunk_b_gamma", FIRST_GARBLER, 2, CAUGHT, "label.check circuit.check",
     .tell = first_chunk_b_gamma, .chunk_ands = FIRST_CHUNK},
    {"first_chunk_d", EITHER, 2, CAUGHT, "zero.zeta.open", .tell = first_chunk_d,
     .chunk_ands = FIRST_CHUNK},
    {"first_chunk_opening", EITHER, 2, CAUGHT, "and.open", .tell = first_chunk_opening,
     .chunk_ands = FIRST_CHUNK},
    {"wrong_circuit_check", GARBLER, 2, CAUGHT, "circuit.check",
     CHANGE("circuit.check", TO_EVALUATOR, 0, BY_ONE)},
};

int main(int argc, char **argv)
{
    return lies_main(argc, argv, lies, sizeof lies / sizeof lies[0]);
}
