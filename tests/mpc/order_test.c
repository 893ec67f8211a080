/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* "The order is part of the security (!)" (docs/protocol.md §4): every rule on the messages of
 * honest runs; what a party that has seen a lie still sends; and the attack on the one order that a
 * hook can change. */
#include "harness.h"
#include "players.h"

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- Rules ---- */

/* Whatever a party has received by then decides what a cheater may know when it sends: a party must
 * have received its `count`-th message of phase `before` from every peer when it first sends one of
 * phase `after`. */
struct rule {
    const char *before;
    size_t count;
    const char *after;
    const char *why;
};

static const struct rule rules[] = {
    {"hello.echo", 1, "agree", "nothing before the echo of the hellos"},
    {"agree.echo", 1, "setup.seeds", "nothing before all have agreed on the run"},
    {"setup.trees", 1, "delta.cot", "the trees are checked before anything else is sent"},
    {"delta.cot", 1, "delta.coin.open", "χ after all corrections"},
    {"delta.coin.commit", 1, "delta.coin.open", "commitments first"},
    {"delta.check", 1, "delta.y", "column check before the bits are used"},
    {"delta.y", 1, "delta.z.open", "z after y"},
    {"delta.echo", 1, "delta.z.open", "z after the echo of y"},
    {"delta.z.commit", 1, "delta.z.open", "commitments first"},
    {"delta.z.open", 2, "input.cot", "Δ-consistency before its Δ is used"},
    {"delta.z.open", 2, "input.open", "Δ-consistency before masks"},
    {"delta.z.open", 2, "leaky.u", "Δ-consistency before U"},
    {"input.cot", 1, "input.coin.open", "χ after all corrections"},
    {"input.coin.commit", 1, "input.coin.open", "commitments first"},
    {"input.check", 1, "input.open", "checks before masks"},
    {"input.echo", 1, "input.open", "echo of w before masks"},
    {"input.open", 1, "input.lambda", "masks are checked before they meet inputs"},
    {"input.lambda", 1, "input.labels", "Λ before labels"},
    {"input.lambda.echo", 1, "input.labels", "echo of the inputs' Λ before labels"},
    {"chunk.cot", 1, "chunk.coin.open", "χ after all corrections"},
    {"chunk.coin.commit", 1, "chunk.coin.open", "commitments first"},
    {"chunk.check", 1, "leaky.u", "checks before U"},
    {"chunk.echo", 1, "leaky.u", "echo of w before U"},
    {"leaky.d.commit", 1, "leaky.d.open", "commitments first"},
    {"leaky.u", 1, "leaky.d.commit", "U before d"},
    {"leaky.d.open", 2, "leaky.coin.open", "χ after d"},
    {"leaky.d.open", 2, "bucket.coin.open", "rotations after all bets"},
    {"leaky.coin.open", 2, "zero.v", "χ before α is used"},
    {"zero.v", 1, "zero.zeta.commit", "V before ζ"},
    {"leaky.coin.commit", 1, "leaky.coin.open", "commitments first"},
    {"zero.zeta.commit", 1, "zero.zeta.open", "commitments first"},
    {"zero.zeta.open", 2, "and.open", "the zero test before any d of buckets and gates"},
    {"bucket.coin.commit", 1, "bucket.coin.open", "commitments first"},
    {"bucket.coin.open", 2, "and.open", "rotations before buckets"},
    {"zero.zeta.open", 2, "bucket.coin.open", "the zero test before the rotations"},
    {"and.open", 1, "tables", "all MACs before tables"},
    {"tables", 1, "label.check", "s of h_s after all tables"},
    {"label.check", 1, "circuit.check", "label check before circuit check"},
    {"label.check", 1, "output.open", "label check before output masks"},
    {"circuit.check", 1, "output.open", "circuit check before E's output masks"},
};

/* Number of the party's first call that sends `phase`; SIZE_MAX: never. */
static size_t first_sent(const struct players *p, size_t party, const char *phase)
{
    size_t at = 0;
    for (const struct spied *m = p->first[party]; m != NULL; m = m->next, at++) {
        if (m->sent && is(m->phase, phase)) {
            return at;
        }
    }
    return SIZE_MAX;
}

/* Number of the call that receives the count-th message of the phase from the peer. */
static size_t received(const struct players *p, size_t party, size_t peer, const char *phase,
                       size_t count)
{
    size_t at = 0;
    for (const struct spied *m = p->first[party]; m != NULL; m = m->next, at++) {
        if (!m->sent && m->peer == peer && is(m->phase, phase) && --count == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

/* Whether the peer sends the party messages of the phase at all: garblers and E differ. */
static bool is_sent(const struct players *p, size_t from, size_t to, const char *phase)
{
    return players_find(p, from, true, to, phase, 0) != NULL;
}

/* Returns the first rule that the party broke, or NULL. hits_out[r]: how often rule r had a say. */
static const struct rule *broken_rule(const struct players *p, size_t party, size_t *hits_out)
{
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        size_t sent = first_sent(p, party, rules[r].after);
        for (size_t j = 0; j < p->n && sent != SIZE_MAX; j++) {
            if (j == party || !is_sent(p, j, party, rules[r].before)) {
                continue;
            }
            size_t got = received(p, party, j, rules[r].before, rules[r].count);
            if (got == SIZE_MAX || got > sent) {
                return &rules[r];
            }
            hits_out[r]++;
        }
    }
    return NULL;
}

/* B goes to a peer only after (r_0, r_1) came from it: both are messages of one phase. */
static void check_base_ot(const struct players *p, size_t party)
{
    for (size_t j = 0; j < p->n; j++) {
        bool r_came = false;
        size_t sent = 0;
        for (const struct spied *m = p->first[party]; m != NULL; m = m->next) {
            if (m->peer == j && is(m->phase, "setup.base-ot")) {
                r_came |= !m->sent;
                sent += m->sent;
                CHECK(sent < 2 || r_came);
            }
        }
        CHECK(j == party || sent == 2);
    }
}

static void run_honest(struct players *p, const struct whist_circuit *circuit, size_t n,
                       unsigned weak)
{
    players_init(p, circuit, n, n - 2, n);
    for (size_t i = 0; i < n; i++) {
        p->hooks[i].weak = weak;
    }
    players_run(p);
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(p->results[i].status, p->results[i].err);
    }
}

static void rules_of_honest_runs(void)
{
    static struct players p;
    size_t hits[sizeof rules / sizeof rules[0]] = {0};
    for (size_t n = 2; n <= 3; n++) {
        struct whist_circuit *circuit = lie_circuit(n);
        run_honest(&p, circuit, n, 0);
        for (size_t i = 0; i < n; i++) {
            const struct rule *broken = broken_rule(&p, i, hits);
            CHECK_MSG(broken == NULL, "party %zu of %zu sends %s before it has all of %s: %s", i, n,
                      broken->after, broken->before, broken->why);
            check_base_ot(&p, i);
        }
        players_clear(&p);
        whist_circuit_free(circuit);
    }
    for (size_t r = 0; r < sizeof rules / sizeof rules[0]; r++) {
        CHECK_MSG(hits[r] > 0, "no run has both %s and %s", rules[r].before, rules[r].after);
    }
}

static void a_broken_rule_is_seen(void)
{
    static struct players p;
    size_t hits[sizeof rules / sizeof rules[0]] = {0};
    struct whist_circuit *circuit = lie_circuit(2);
    run_honest(&p, circuit, 2, WEAK_EARLY_OPENING);
    for (size_t i = 0; i < 2; i++) {
        const struct rule *broken = broken_rule(&p, i, hits);
        CHECK(broken != NULL && is(broken->before, "zero.zeta.open"));
    }
    players_clear(&p);
    whist_circuit_free(circuit);
}

/* ---- After a lie ---- */

/* One lie for each check, told to everybody; the first thing that must not be sent after it. */
static const struct silence {
    const char *point;
    int to; /* WHIST_NO_PEER: before a broadcast or commitment; else to every peer */
    int at; /* byte; < 0: from the end */
    const char *never;
} silences[] = {
    {"setup.trees", 0, -1, "delta.cot"},
    {"delta.check", 0, 0, "delta.y"},
    {"delta.y", WHIST_NO_PEER, 0, "input.open"},
    {"input.check", 0, 16, "input.open"},
    {"ashare.w", WHIST_NO_PEER, 0, "input.open"},
    {"input.open", 0, -1, "input.labels"},
    {"chunk.check", 0, 16, "leaky.u"},
    {"chunk.echo", 0, 0, "leaky.u"},
    {"leaky.d", WHIST_NO_PEER, 0, "and.open"},
    {"and.open", 0, -1, "tables"},
    {"label.check", 0, 16, "circuit.check"},
    {"label.check", 0, 16, "output.open"},
    {"circuit.check", 0, 0, "output.open"},
};

struct liar {
    struct players p;
    const struct silence *silence;
};

static void lie_to_all(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    const struct silence *l = ((struct liar *)ctx)->silence;
    (void)s;
    if (is(point, l->point) && (to == WHIST_NO_PEER) == (l->to == WHIST_NO_PEER)) {
        ((uint8_t *)data)[l->at < 0 ? len - 1 : (size_t)l->at] ^= 1;
    }
}

/* The first call in which the honest party sends what it must not send after the lie. */
static size_t run_with_liar(const struct whist_circuit *circuit, const struct silence *silence,
                            bool lies, size_t liar)
{
    static struct liar l;
    size_t honest = 1 - liar;
    bool honest_evaluates = is(silence->point, "circuit.check");
    l = (struct liar){.silence = silence};
    players_init(&l.p, circuit, 2, honest_evaluates ? honest : liar, liar);
    l.p.hooks[liar].tamper = lies ? lie_to_all : NULL;
    l.p.hooks[liar].ctx = &l;
    l.p.hooks[liar].deaf = true;
    players_run(&l.p);
    CHECK_MSG(l.p.results[honest].status == (lies ? WHIST_ERR_CHECK : WHIST_OK), "lie in %s: %s",
              silence->point, whist_status_name(l.p.results[honest].status));
    size_t at = first_sent(&l.p, honest, silence->never);
    players_clear(&l.p);
    return at;
}

/* n = 2: with more honest parties one may be ahead of another that has already stopped. */
static void silence_after_a_lie(void)
{
    struct whist_circuit *circuit = lie_circuit(2);
    for (size_t k = 0; k < sizeof silences / sizeof silences[0]; k++) {
        const struct silence *s = &silences[k];
        CHECK(run_with_liar(circuit, s, false, k % 2) != SIZE_MAX);
        CHECK_MSG(run_with_liar(circuit, s, true, k % 2) == SIZE_MAX,
                  "%s was sent after a lie in %s", s->never, s->point);
    }
    whist_circuit_free(circuit);
}

/* ---- The zero test stands before the openings ---- */

/* E gives P_1 a wrong U for every triple. The zero test fails, but by how much depends on P_1's
 * bits a; what of it is opened tells E about them. If λ_α ⊕ a of the gates has been opened before,
 * that is about λ_α, which is about inputs. With the blinded zero test it is one bit at most for
 * the whole chunk, and one that says whether all bets were right: too little to show here. So both
 * forms of this test open the sum itself (WEAK_OPEN_ALPHA), which tells E every a: with the
 * openings in their place that is worth nothing for this chunk, as no d has left P_1; with the
 * early ones E reads all of P_1's inputs. */
#define INPUTS    4
#define MAX_TRIPS 128

struct early {
    struct players p;
    struct block r;
    struct block own_sum;
    size_t L, l;
    unsigned B;
    uint8_t own_a[MAX_TRIPS], coin[32];
    unsigned batches;
};

static void bet_on_everything(void *ctx, struct whist_session *s, const char *point, int to,
                              void *data, size_t len)
{
    struct early *e = ctx;
    const uint8_t *bytes = data;
    (void)s;
    if (is(point, "leaky.u")) {
        CHECK(len == e->L * sizeof e->r);
        for (size_t k = 0; k < e->L; k++) {
            xor_block((uint8_t *)data + k * sizeof e->r, e->r);
        }
    } else if (is(point, "ashare.u") && e->batches++ == 1) {
        /* The pool's order: b without its first m, a, … (chunk.c) */
        for (size_t k = 0; k < e->L; k++) {
            size_t row = e->L - INPUTS + k;
            e->own_a[k] = bytes[row / 8] >> (row % 8) & 1;
        }
    } else if (is(point, "leaky.chi")) {
        memcpy(e->coin, data, 32);
    } else if (is(point, "zero.zeta.commit") && to == WHIST_NO_PEER) {
        e->own_sum = block_load(data);
    }
}

/* Every a of P_1, from ⊕_k χ_k·a_k ⊙ r. */
static bool solve_for_a(const struct early *e, uint8_t a[MAX_TRIPS])
{
    struct block chi[MAX_TRIPS];
    const struct spied *theirs = players_find(&e->p, 1, true, 0, "zero.zeta.open", 0);
    CHECK(theirs != NULL && theirs->len == sizeof e->r);
    struct block sum = block_xor(e->own_sum, block_load(theirs->data));
    coin_blocks(chi, e->L, e->coin, "whist chi triples");
    return gf2_solve(a, chi, e->L, whist_gf_mul(sum, gf_inverse(e->r)));
}

/* P_1's inputs, if its d are to be had. */
static bool read_inputs(const struct early *e, const uint8_t a[MAX_TRIPS])
{
    const struct spied *theirs = players_find(&e->p, 1, true, 0, "and.open", 0);
    const struct spied *ours = players_find(&e->p, 0, true, 1, "and.open", 0);
    const struct spied *lambda = players_find(&e->p, 1, true, 0, "input.lambda", 0);
    uint64_t rot[32] = {0};
    uint8_t coin[32];
    struct prg prg;
    bool right = true;
    if (theirs == NULL || ours == NULL) {
        return false;
    }
    players_coin(&e->p, 0, "bucket.coin", coin);
    whist_coin_prg(&prg, coin, "whist rotations");
    for (unsigned x = 1; x < e->B; x++) {
        rot[x] = whist_prg_below(&prg, e->l);
    }
    for (size_t k = 0; k < INPUTS; k++) {
        size_t bit = (e->B - 1) * INPUTS + k;
        uint8_t x = (uint8_t)(theirs->data[bit / 8] ^ ours->data[bit / 8]) >> (bit % 8) & 1;
        for (unsigned row = 0; row < e->B; row++) {
            size_t t = row * e->l + (k + rot[row]) % e->l;
            x ^= e->own_a[t] ^ a[t];
        }
        right &= (x ^ (lambda->data[0] >> k & 1)) == e->p.inputs[k];
    }
    return right;
}

static bool early_attack(bool mended, uint64_t number)
{
    static struct early e;
    static const uint8_t owners[2 * INPUTS] = {1, 1, 1, 1, 0, 0, 0, 0};
    struct whist_circuit *circuit =
        circuit_of_text("4 12\n8 1 1 1 1 1 1 1 1\n1 1\n\n2 1 0 4 8 AND\n2 1 1 5 9 AND\n"
                        "2 1 2 6 10 AND\n2 1 3 7 11 AND\n");
    uint8_t a[MAX_TRIPS];
    uint64_t l;
    e = (struct early){.r = {mix(number) & ~(uint64_t)3, mix(number + 100)}};
    whist_bucket_choose(40, INPUTS, &e.B, &l);
    e.l = (size_t)l;
    e.L = e.B * e.l;
    CHECK(e.L <= MAX_TRIPS);
    players_init(&e.p, circuit, 2, 0, number);
    e.p.dealt = true;
    e.p.setup.owners = owners;
    for (size_t i = 0; i < 2; i++) {
        e.p.hooks[i].weak = WEAK_OPEN_ALPHA | (mended ? 0 : WEAK_EARLY_OPENING);
    }
    e.p.hooks[0].tamper = bet_on_everything;
    e.p.hooks[0].ctx = &e;
    e.p.hooks[0].deaf = true;
    players_run(&e.p);
    CHECK(e.p.results[1].status == WHIST_ERR_CHECK);
    CHECK(is(e.p.results[1].err.phase, "zero.zeta.open"));
    CHECK((first_sent(&e.p, 1, "and.open") == SIZE_MAX) == mended);
    bool read = solve_for_a(&e, a) && read_inputs(&e, a);
    players_clear(&e.p);
    whist_circuit_free(circuit);
    return read;
}

static void zero_test_before_openings(void)
{
    long runs = test_scale(20);
    check_mend(early_attack, runs, runs);
}

static const struct test_case cases[] = {
    {"rules_of_honest_runs", rules_of_honest_runs},
    {"a_broken_rule_is_seen", a_broken_rule_is_seen},
    {"silence_after_a_lie", silence_after_a_lie},
    {"zero_test_before_openings", zero_test_before_openings},
};
TEST_MAIN(cases)
