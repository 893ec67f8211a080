/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The attacks on correlated OTs and Δ that docs/protocol.md (§1, sentences marked (!)) mends, each
 * with the mend and without. The one on base OTs is in tests/ot/base_ot_test.c: it needs no
 * session. */
#include "harness.h"
#include "players.h"

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- Column check, not one sum over rows ---- */

/* P_c gives row 0 of its batch the bit x in the columns 0 … 63 and 1 − x in the others, so that
 * K = M ⊕ x·Δ ⊕ (0, hi), Δ = (lo, hi). The row check compares
 *     Σ χ_r ⊙ K_r ⊕ w ⊙ Δ    with the sum that P_c sends.
 * With w' = w ⊕ χ_0 ⊙ ω, ω = X^64 / (1 + X^64), the left side is off by
 *     χ_0 ⊙ (X^64 ⊙ hi ⊕ ω ⊙ (lo ⊕ X^64 ⊙ hi)) = χ_0 ⊙ ω ⊙ (lo ⊕ hi),
 * because X^64 ⊕ ω ⊙ X^64 = ω. (With the columns 0 … 63 off instead, K = M ⊕ x·Δ ⊕ (lo ⊕ 1, 0), as
 * bit 0 of K is set to 0, and w' = w ⊕ χ_0 / (1 + X^64) gives the same but for χ_0.) So 64 guessed
 * bits, those of lo ⊕ hi, make it pass, and yet P_c knows not a single bit of Δ for itself: no
 * column's, of which 64 are inconsistent. (KOS15's lemma says that whoever passes knows Δ in all
 * inconsistent columns; see Roy, eprint 2022/192.) The column check asks for every one of them. The
 * test plays the lucky guess: it takes lo ⊕ hi, and nothing else, from the victim's Δ. */
struct row_attack {
    struct players p;
    size_t cheater, peer;
    unsigned batches;
    bool low;           /* the columns 0 … 63 are off */
    struct block shift; /* χ_0 ⊙ ω */
    struct block more;  /* 0, or χ_0 */
};

static void lie_in_half_of_the_columns(void *ctx, struct whist_session *s, const char *point,
                                       int to, void *data, size_t len)
{
    struct row_attack *a = ctx;
    size_t trees = 128 / s->cot_k;
    uint8_t coin[32];
    if (is(point, "chunk.cot")) {
        size_t first = a->low ? 0 : trees / 2;
        for (size_t tree = first; tree < first + trees / 2; tree++) {
            ((uint8_t *)data)[tree * (len / trees)] ^= 1;
        }
    } else if (is(point, "ashare.w") && a->batches++ == 1) { /* 0: the inputs */
        struct block chi, x64 = whist_gf_x(64), one = whist_gf_x(0);
        players_coin(&a->p, a->cheater, "chunk.coin", coin);
        coin_blocks(&chi, 1, coin, "whist chi rows");
        struct block rest = whist_gf_mul(chi, gf_inverse(block_xor(one, x64)));
        a->shift = whist_gf_mul(rest, x64);
        a->more = a->low ? chi : a->more;
        xor_block(data, a->low ? rest : a->shift);
    } else if (is(point, "chunk.check") && to == (int)a->peer) {
        /* Read only here: the victim's messages have come by now, so its Δ stands. */
        const struct block victim = a->p.delta[a->peer], guess = {victim.lo ^ victim.hi, 0};
        CHECK(len == 80); /* ũ, hash, w, sum of MACs */
        xor_block((uint8_t *)data + 64, block_xor(a->more, whist_gf_mul(a->shift, guess)));
    }
}

/* n = 2: towards a third party the same w' would need a guess of its Δ, too. */
static bool row_attack(bool mended, uint64_t number)
{
    static struct row_attack a;
    struct whist_circuit *circuit = lie_circuit(2);
    a = (struct row_attack){.cheater = number % 2, .peer = 1 - number % 2};
    a.low = number / 4 % 2 != 0;
    players_init(&a.p, circuit, 2, number / 2 % 2, number);
    a.p.dealt = true;
    for (size_t i = 0; i < 2; i++) {
        a.p.hooks[i].weak = mended ? 0 : WEAK_ROW_CHECK;
    }
    a.p.hooks[a.cheater].tamper = lie_in_half_of_the_columns;
    a.p.hooks[a.cheater].ctx = &a;
    a.p.hooks[a.cheater].deaf = true;
    players_run(&a.p);
    const struct party_result *victim = &a.p.results[a.peer];
    bool caught = victim->status == WHIST_ERR_CHECK && is(victim->err.phase, "chunk.check");
    CHECK(a.batches == 2 && (!mended || caught));
    players_clear(&a.p);
    whist_circuit_free(circuit);
    return !caught;
}

static void column_check(void)
{
    long runs = test_scale(20);
    check_mend(row_attack, runs, runs);
}

/* ---- Mask rows of the column check for every peer ---- */

/* P_1 and P_2 collude. From ũ_1 = h_1(u) and ũ_2 = h_2(u) under different challenges, but with a
 * common mask, they have an equation on P_0's choice bits u without a mask; with the broadcast w
 * that is enough for all masks of a run with up to 128 input bits, and so for P_0's inputs. In the
 * engine all pairs share one challenge, so a common mask alone gives ũ_1 = ũ_2: the attack needs
 * verifiers that choose their own (WEAK_OWN_CHI, in both forms), as they do in protocols whose
 * pairs draw their coins apart. The mend is what makes that harmless. */
#define OWN_INPUTS 16

struct mask_attack {
    struct players p;
    uint8_t own_bits[MAX_PLAYERS][OWN_INPUTS]; /* shares of the masks of P_0's inputs */
};

static void note_masks(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    struct mask_attack *a = ctx;
    (void)to;
    if (is(point, "run.masks")) {
        const struct block *masks = data; /* M and K for each peer, by wire */
        CHECK(len >= OWN_INPUTS * 4 * sizeof *masks);
        for (size_t w = 0; w < OWN_INPUTS; w++) {
            a->own_bits[s->me][w] = masks[4 * w].lo & 1;
        }
    }
}

/* P_0's choice bits, from the proofs that P_1 and P_2 got. Verifier i's challenge is X^−i ⊙ χ and
 * it gets X^i times the whole: ũ_i = S ⊕ X^i ⊙ m, S = χ_0 ⊙ x ⊕ χ_1 ⊙ r, x the data word, r the
 * sacrificed one, m the mask; w = Σ ρ_k·x_k ⊕ r. So Σ_k (χ_0 ⊙ X^k ⊕ χ_1 ⊙ ρ_k)·x_k = S ⊕ χ_1 ⊙ w.
 */
static bool solve_for_u(const struct mask_attack *a, uint8_t x[128])
{
    uint8_t coin[32];
    struct block chi[2], rho[128], columns[128];
    const struct spied *to_1 = players_find(&a->p, 1, false, 0, "input.check", 0);
    const struct spied *to_2 = players_find(&a->p, 2, false, 0, "input.check", 0);
    CHECK(to_1 != NULL && to_2 != NULL && to_1->len == 80);
    players_coin(&a->p, 1, "input.coin", coin);
    coin_blocks(chi, 2, coin, "whist chi columns");
    coin_blocks(rho, 128, coin, "whist chi rows");
    struct block u1 = block_load(to_1->data), w = block_load(to_1->data + 48);
    struct block both = block_xor(u1, block_load(to_2->data));
    struct block scale = block_xor(whist_gf_x(1), whist_gf_x(2));
    struct block m = whist_gf_mul(both, gf_inverse(scale));
    struct block sum = block_xor(u1, whist_gf_mul(whist_gf_x(1), m));
    for (unsigned k = 0; k < 128; k++) {
        columns[k] = block_xor(whist_gf_mul(chi[0], whist_gf_x(k)), whist_gf_mul(chi[1], rho[k]));
    }
    return gf2_solve(x, columns, 128, block_xor(sum, whist_gf_mul(chi[1], w)));
}

static bool mask_attack(bool mended, uint64_t number)
{
    static struct mask_attack a;
    struct whist_circuit *circuit = circuit_of_text("2 20\n3 16 1 1\n1 1\n\n"
                                                    "2 1 0 16 18 AND\n2 1 18 17 19 XOR\n");
    uint8_t x[128];
    a = (struct mask_attack){.own_bits = {{0}}};
    players_init(&a.p, circuit, 3, 1, number);
    a.p.dealt = true;
    for (size_t i = 0; i < 3; i++) {
        a.p.hooks[i].weak = WEAK_OWN_CHI | (mended ? 0 : WEAK_COMMON_MASK);
        a.p.hooks[i].tamper = i == 0 ? NULL : note_masks;
        a.p.hooks[i].ctx = &a;
    }
    players_run(&a.p);
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(a.p.results[i].status, a.p.results[i].err); /* nobody lies: they only look */
    }
    const struct spied *lambda = players_find(&a.p, 1, false, 0, "input.lambda", 0);
    CHECK(lambda != NULL && lambda->len == OWN_INPUTS / 8);
    bool read = solve_for_u(&a, x);
    for (size_t w = 0; w < OWN_INPUTS; w++) {
        uint8_t public_bit = lambda->data[w / 8] >> (w % 8) & 1;
        read &= (public_bit ^ x[w] ^ a.own_bits[1][w] ^ a.own_bits[2][w]) == a.p.inputs[w];
    }
    players_clear(&a.p);
    whist_circuit_free(circuit);
    return read;
}

static void own_masks(void)
{
    check_mend(mask_attack, 20, 1); /* the equations are independent in 29 % of the runs */
}

/* ---- Δ-consistency with fresh bits for every pair ---- */

/* P_2 has another Δ ⊕ R towards P_0. Column 2 of the z is then off by x^{0→2} ⊙ R. If P_0 uses the
 * same bits with everybody, y shows them: y_1 = x^{0→1} ⊕ x^{2→1}. */
struct delta_attack {
    struct players p;
    struct block r, to_1; /* x^{2→1} */
    bool trust_y;         /* takes y^0_2 for x^{0→2}, which it would be without the zero share */
};

static struct block sum_of_y(const struct delta_attack *a, size_t column)
{
    struct block sum = {0, 0};
    for (size_t i = 0; i < 3; i++) {
        const struct spied *m = players_find(&a->p, 2, i == 2, i == 2 ? 0 : i, "delta.y", 0);
        CHECK(m != NULL && m->len == 3 * sizeof sum);
        sum = block_xor(sum, block_load(m->data + column * sizeof sum));
    }
    return sum;
}

static void use_two_deltas(void *ctx, struct whist_session *s, const char *point, int to,
                           void *data, size_t len)
{
    struct delta_attack *a = ctx;
    (void)s;
    (void)len;
    if (is(point, "setup.delta") && to == 0) {
        xor_block(data, a->r);
    } else if (is(point, "pair.u") && to == 1) {
        a->to_1 = block_load(data);
    } else if (is(point, "delta.z")) {
        const struct spied *y = players_find(&a->p, 2, false, 0, "delta.y", 0);
        struct block x = block_xor(sum_of_y(a, 1), a->to_1);
        CHECK(y != NULL && y->len == 3 * sizeof x);
        x = a->trust_y ? block_load(y->data + 2 * sizeof x) : x;
        xor_block((uint8_t *)data + (2 * 3 + 2) * sizeof x, whist_gf_mul(x, a->r));
    }
}

/* Whether no honest party notices. */
static bool two_deltas(unsigned weak, bool trust_y, uint64_t number)
{
    static struct delta_attack a;
    struct whist_circuit *circuit = lie_circuit(3);
    a = (struct delta_attack){.r = {mix(number) & ~(uint64_t)3, mix(number + 100)}};
    a.trust_y = trust_y;
    players_init(&a.p, circuit, 3, number % 3, number);
    for (size_t i = 0; i < 3; i++) {
        a.p.hooks[i].weak = weak;
    }
    a.p.hooks[2].tamper = use_two_deltas;
    a.p.hooks[2].ctx = &a;
    a.p.hooks[2].deaf = true;
    players_run(&a.p);
    bool caught = false;
    for (size_t i = 0; i < 2; i++) {
        caught |= a.p.results[i].status != WHIST_OK && is(a.p.results[i].err.phase, "delta.z.open");
    }
    players_clear(&a.p);
    whist_circuit_free(circuit);
    return !caught;
}

static bool delta_attack(bool mended, uint64_t number)
{
    return two_deltas(mended ? 0 : WEAK_COMMON_BITS, false, number);
}

/* Without the zero shares of y, fresh bits for every pair would not help: y itself shows x^{0→2}.
 */
static void y_is_blinded(void)
{
    for (uint64_t number = 0; number < 2; number++) {
        CHECK(!two_deltas(0, true, number));
    }
}

static void own_bits_in_delta_consistency(void)
{
    long runs = test_scale(4);
    check_mend(delta_attack, runs, runs);
}

static const struct test_case cases[] = {
    {"column_check", column_check},
    {"own_masks", own_masks},
    {"y_is_blinded", y_is_blinded},
    {"own_bits_in_delta_consistency", own_bits_in_delta_consistency},
};
TEST_MAIN(cases)
