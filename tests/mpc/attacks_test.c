/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The attacks on triples, garbling, inputs and outputs that docs/protocol.md (sentences marked (!))
 * mends, each with the mend and without. */
#include "channel/decorator.h"
#include "harness.h"
#include "players.h"

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static void weaken(struct players *p, unsigned weak)
{
    for (size_t i = 0; i < p->n; i++) {
        p->hooks[i].weak = weak;
    }
}

static void corrupt(struct players *p, size_t party, void *ctx,
                    void (*tamper)(void *ctx, struct whist_session *s, const char *point, int to,
                                   void *data, size_t len))
{
    p->hooks[party].tamper = tamper;
    p->hooks[party].ctx = ctx;
    p->hooks[party].deaf = true;
}

static uint8_t packed_bit(const uint8_t *bits, size_t k)
{
    return bits[k / 8] >> (k % 8) & 1;
}

/* ---- The inputs' Λ are echoed before any label is sent ---- */

/* P_2 tells P_1 another Λ of its input, which no AND gate touches: P_0 and P_1 accept different
 * outputs. */
static void equivocate(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    (void)ctx;
    (void)s;
    (void)len;
    if (is(point, "input.lambda") && to == 1) {
        *(uint8_t *)data ^= 1;
    }
}

static bool echo_attack(bool mended, uint64_t number)
{
    static struct players p;
    struct whist_circuit *circuit =
        circuit_of_text("2 5\n3 1 1 1\n1 1\n\n2 1 0 1 3 AND\n2 1 3 2 4 XOR\n");
    players_init(&p, circuit, 3, number % 3, number);
    p.dealt = true;
    weaken(&p, mended ? 0 : WEAK_NO_INPUT_ECHO);
    corrupt(&p, 2, &p, equivocate);
    players_run(&p);
    bool both = p.results[0].status == WHIST_OK && p.results[1].status == WHIST_OK;
    bool differ = both && p.results[0].outputs[0] != p.results[1].outputs[0];
    players_clear(&p);
    whist_circuit_free(circuit);
    return differ;
}

static void input_echo(void)
{
    long runs = test_scale(20);
    check_mend(echo_attack, runs, runs);
}

/* ---- The labels of α and β have tweaks of their own ---- */

/* E only looks: where both inputs of a gate carry one label, G_0 ⊕ G_1 = L_α,0 under one tweak, and
 * with L_α,1 that is Δ_i. */
static bool tweak_attack(bool mended, uint64_t number)
{
    static struct players p;
    const uint8_t owners[] = {1, 2};
    struct whist_circuit *circuit =
        circuit_of_text("4 6\n2 1 1\n1 2\n\n2 1 0 1 2 XOR\n2 1 2 1 3 XOR\n2 1 0 3 4 AND\n"
                        "2 1 0 0 5 AND\n");
    const size_t row_len = 5 * sizeof(struct block); /* G_0, G_1, S_0, S_1, S_2 */
    bool found = false;
    players_init(&p, circuit, 3, 0, number);
    p.dealt = true;
    p.setup.owners = owners;
    weaken(&p, mended ? 0 : WEAK_ONE_TWEAK);
    players_run(&p);
    for (size_t i = 1; i < 3; i++) {
        const struct spied *labels = players_find(&p, 0, false, i, "input.labels", 0);
        const struct spied *tables = players_find(&p, 0, false, i, "tables", 0);
        CHECK_OK(p.results[i].status, p.results[i].err);
        CHECK(labels != NULL && tables != NULL && tables->len >= 2 * row_len);
        for (size_t gate = 0; gate < 2; gate++) {
            const uint8_t *g = tables->data + gate * row_len;
            struct block sum = block_xor(block_load(g), block_load(g + sizeof sum));
            found |= same_block(block_xor(sum, block_load(labels->data)), p.delta[i]);
        }
    }
    players_clear(&p);
    whist_circuit_free(circuit);
    return found;
}

static void two_tweaks(void)
{
    check_mend(tweak_attack, 20, 1); /* if Λ_α is 1: half of the runs */
}

/* ---- No label of a constant is sent ---- */

struct constants {
    struct players p;
    bool not_zero;
    size_t seen;
};

static void look_at_constants(void *ctx, struct whist_session *s, const char *point, int to,
                              void *data, size_t len)
{
    struct constants *c = ctx;
    (void)s;
    (void)to;
    if (is(point, "eval.constant")) {
        for (size_t i = 0; i < len; i++) {
            c->not_zero |= ((const uint8_t *)data)[i] != 0;
        }
        c->seen++;
    }
}

/* Whether the block or, as the difference of two labels, a sum with it stands in the message. */
static bool shows(const struct spied *m, struct block secret)
{
    for (size_t at = 0; at + sizeof secret <= m->len; at++) {
        if (same_block(block_load(m->data + at), secret)) {
            return true;
        }
        for (size_t b = at % 16; b < at && is(m->phase, "input.labels"); b += 16) {
            struct block sum = block_xor(block_load(m->data + at), block_load(m->data + b));
            if (same_block(sum, secret)) {
                return true;
            }
        }
    }
    return false;
}

/* E only looks at what it gets. Without the mend the garblers send L_0 of the constants, which is
 * 0 and Δ. With it E has not even a place to expect one: its labels of constants are zero. */
static bool constant_attack(bool mended, uint64_t number)
{
    static struct constants c;
    const size_t n = 2 + number % 2, n_inputs = 2;
    struct whist_circuit *circuit =
        circuit_of_text("5 7\n2 1 1\n1 1\n\n1 1 1 2 EQ\n1 1 0 3 EQ\n2 1 0 2 4 AND\n"
                        "2 1 4 3 5 XOR\n2 1 5 1 6 AND\n");
    uint8_t expected;
    bool found = false;
    struct whist_error err;
    c = (struct constants){.seen = 0};
    players_init(&c.p, circuit, n, 0, number);
    c.p.dealt = true;
    weaken(&c.p, mended ? 0 : WEAK_CONSTANT_LABEL);
    corrupt(&c.p, 0, &c, look_at_constants);
    players_run(&c.p);
    CHECK_OK(whist_circuit_eval(circuit, &expected, c.p.inputs, &err), err);
    for (size_t i = 1; i < n; i++) {
        const struct spied *labels = players_find(&c.p, 0, false, i, "input.labels", 0);
        CHECK(players_got(&c.p, i, &expected, 1));
        CHECK(labels != NULL && (labels->len == n_inputs * sizeof(struct block)) == mended);
        for (const struct spied *m = c.p.first[0]; m != NULL; m = m->next) {
            found |= !m->sent && m->peer == i && shows(m, c.p.delta[i]);
        }
    }
    CHECK(c.seen == 2 && !c.not_zero);
    players_clear(&c.p);
    whist_circuit_free(circuit);
    return found;
}

static void labels_of_constants(void)
{
    long runs = test_scale(20);
    check_mend(constant_attack, runs, runs);
}

/* ---- Label check with a collision-resistant hash ---- */

/* E announces two Λ wrong and chooses the seed 1, for which h_s is the XOR of the labels: the two Δ
 * cancel. */
static void cancel_deltas(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                          size_t len)
{
    const struct players *p = ctx;
    uint8_t *bits = (uint8_t *)data + sizeof(struct block) + WHIST_HASH_LEN;
    (void)s;
    if (is(point, "label.seed")) {
        CHECK(len == sizeof(struct block));
        block_store(data, whist_gf_x(0));
    } else if (is(point, "label.check") && to != WHIST_NO_PEER) {
        for (size_t gate = 2 * p->n; gate < 2 * p->n + 2; gate++) { /* both are outputs */
            bits[gate / 8] ^= (uint8_t)(1u << gate % 8);
        }
    }
}

static bool label_attack(bool mended, uint64_t number)
{
    static struct players p;
    const size_t n = 2 + number % 2, evaluator = number / 2 % n;
    struct whist_circuit *circuit = lie_circuit(n);
    struct whist_error err;
    uint8_t expected[LIE_OUTPUTS];
    bool wrong = true;
    players_init(&p, circuit, n, evaluator, number);
    p.dealt = true;
    weaken(&p, mended ? 0 : WEAK_LABEL_HASH);
    corrupt(&p, evaluator, &p, cancel_deltas);
    players_run(&p);
    CHECK_OK(whist_circuit_eval(circuit, expected, p.inputs, &err), err);
    for (size_t i = 0; i < n; i++) {
        bool honest = i != evaluator, good = p.results[i].status == WHIST_OK;
        wrong &= !honest || (good && !players_got(&p, i, expected, LIE_OUTPUTS));
        CHECK(!mended || !honest || is(p.results[i].err.phase, "label.check"));
    }
    players_clear(&p);
    whist_circuit_free(circuit);
    return wrong;
}

static void label_hash(void)
{
    long runs = test_scale(20);
    check_mend(label_attack, runs, runs);
}

/* ---- The sum of the α is never opened ---- */

/* P_1's inputs 0 … 3, E's 4 … 7; gate k has α = E's and β = P_1's input, in chunks of two gates. E
 * flips a d of the second chunk. The sum is then χ_0 ⊙ (Δ_0 ⊕ Δ_1); if it is opened E knows Δ_1,
 * decrypts G_0 of the first chunk's gates and reads λ_β. */
#define INPUTS 4

struct streaming {
    struct players p;
    struct block masks[2 * INPUTS][2]; /* M and K */
    struct block delta, salt, own;     /* E's Δ; its part of what the last zero test opened */
    uint8_t coin[32];
    unsigned chunks;
};

static void spoil_the_second_chunk(void *ctx, struct whist_session *s, const char *point, int to,
                                   void *data, size_t len)
{
    struct streaming *a = ctx;
    if (is(point, "run.masks")) {
        CHECK(len >= sizeof a->masks);
        memcpy(a->masks, data, sizeof a->masks);
        a->delta = s->delta;
        a->salt = s->salt;
    } else if (is(point, "leaky.d") && a->chunks++ == 1) {
        *(uint8_t *)data ^= 1;
    } else if (is(point, "leaky.chi")) {
        memcpy(a->coin, data, 32);
    } else if (is(point, "zero.zeta.commit") && to == WHIST_NO_PEER) {
        a->own = block_load(data);
    }
}

/* Reads P_1's input that is β of the gate with a candidate for Δ_1; false if the gate shows that it
 * is the wrong candidate. */
static bool read_beta(const struct streaming *a, size_t gate, struct block delta, uint8_t *bit_out)
{
    static struct whist_session view; /* for the tweak */
    const struct spied *labels = players_find(&a->p, 0, false, 1, "input.labels", 0);
    const struct spied *tables = players_find(&a->p, 0, false, 1, "tables", 0);
    const struct spied *lambda = players_find(&a->p, 0, false, 1, "input.lambda", 0);
    struct block x[2], t[2], h[2], mac = a->masks[gate][0];
    CHECK(labels != NULL && tables != NULL && lambda != NULL);
    view.salt = a->salt;
    x[0] = block_load(labels->data + (INPUTS + gate) * sizeof x[0]);
    x[1] = block_xor(x[0], delta);
    t[0] = t[1] = whist_tweak(&view, HALF_A, 1, 1, gate);
    whist_kernels()->hash1(h, x, t, 2);
    struct block rest = block_xor(block_xor(h[0], h[1]), block_load(tables->data + gate * 32));
    rest = block_xor(rest, block_xor(mac, block_and_bit(delta, mac.lo)));
    bool one = same_block(rest, delta); /* λ^1_β */
    *bit_out = (uint8_t)(packed_bit(lambda->data, gate) ^ (mac.lo & 1) ^ one);
    return one || same_block(rest, (struct block){0, 0});
}

static bool alpha_attack(bool mended, uint64_t number)
{
    static struct streaming a;
    static const uint8_t owners[2 * INPUTS] = {1, 1, 1, 1, 0, 0, 0, 0};
    struct whist_circuit *circuit =
        circuit_of_text("4 12\n8 1 1 1 1 1 1 1 1\n1 1\n\n2 1 4 0 8 AND\n2 1 5 1 9 AND\n"
                        "2 1 6 2 10 AND\n2 1 7 3 11 AND\n");
    struct block chi;
    a = (struct streaming){.chunks = 0};
    players_init(&a.p, circuit, 2, 0, number);
    a.p.dealt = true;
    a.p.setup.owners = owners;
    a.p.setup.receivers = 1;
    a.p.setup.options.chunk_ands = 2;
    weaken(&a.p, mended ? 0 : WEAK_OPEN_ALPHA);
    corrupt(&a.p, 0, &a, spoil_the_second_chunk);
    players_run(&a.p);
    CHECK(a.p.results[1].status == WHIST_ERR_CHECK && a.chunks == 2);
    CHECK(is(a.p.results[1].err.phase, "zero.zeta.open"));
    coin_blocks(&chi, 1, a.coin, "whist chi triples");
    /* Value and nonce are two messages; P_1's abort may overtake them here, not on a real wire. */
    const struct spied *theirs = players_find(&a.p, 1, true, 0, "zero.zeta.open", 2);
    CHECK(theirs != NULL && theirs->len == sizeof chi);
    struct block sum = block_xor(a.own, block_load(theirs->data));
    struct block delta = block_xor(whist_gf_mul(sum, gf_inverse(chi)), a.delta);
    bool read = same_block(delta, a.p.delta[1]);
    for (size_t gate = 0; gate < 2; gate++) {
        uint8_t bit;
        read = read_beta(&a, gate, delta, &bit) && bit == a.p.inputs[gate] && read;
    }
    players_clear(&a.p);
    whist_circuit_free(circuit);
    return read;
}

static void blinded_zero_test(void)
{
    long runs = test_scale(20);
    check_mend(alpha_attack, runs, runs);
}

/* ---- A commitment is bound to its party ---- */

/* P_1 waits for each message of P_0's commitment and opening and sends the same back as its own:
 * but for the party in the commitment, the coin would always be zero. Not marked (!) in the
 * protocol, but the same kind of mend. */
struct mirror {
    struct decorator d;
    struct whist_buffer kept; /* received early */
};

static whist_status mirror_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct mirror *m = (struct mirror *)ch;
    if (is(phase, "bucket.coin.commit") || is(phase, "bucket.coin.open")) {
        TRY(whist_pass_recv(ch, to, &m->kept, phase, deadline_ms, err));
        whist_buffer_clear(msg);
        CHECK(whist_buffer_append(msg, m->kept.data, m->kept.len) == WHIST_OK);
    }
    return whist_pass_send(ch, to, msg, phase, deadline_ms, err);
}

static whist_status mirror_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct mirror *m = (struct mirror *)ch;
    if (m->kept.data == NULL) {
        return whist_pass_recv(ch, from, msg_out, phase, deadline_ms, err);
    }
    *msg_out = m->kept;
    m->kept = (struct whist_buffer){0};
    return WHIST_OK;
}

static void mirror_free(struct whist_channel *ch)
{
    whist_buffer_clear(&((struct mirror *)ch)->kept);
    whist_decorator_free(&((struct mirror *)ch)->d);
}

static const struct whist_channel_ops mirror_ops = {
    .name = "mirror",
    .send = mirror_send,
    .recv = mirror_recv,
    .abort = whist_pass_abort,
    .close = whist_pass_close,
    .free = mirror_free,
};

static struct whist_channel *with_mirror(void *ctx, size_t party, struct whist_channel *ch)
{
    struct whist_error err;
    (void)ctx;
    if (party == 1) {
        struct mirror *m = whist_decorator_new(sizeof *m, &mirror_ops, ch, &err);
        CHECK(m != NULL);
        return &m->d.base;
    }
    return ch;
}

static void copied_commitment(void)
{
    static struct players p;
    struct whist_circuit *circuit = lie_circuit(2);
    players_init(&p, circuit, 2, 0, 1);
    p.dealt = true;
    p.setup.wrap = with_mirror;
    p.hooks[1].deaf = true;
    players_run(&p);
    CHECK(p.results[0].status == WHIST_ERR_CHECK);
    CHECK(is(p.results[0].err.phase, "bucket.coin.open") && p.results[0].err.peer == 1);
    players_clear(&p);
    whist_circuit_free(circuit);
}

/* ---- χ of an opening depends on the bits ---- */

/* P_0 opens more than 128 bits, so some of the χ of the true bits sum to zero: it flips those bits
 * and leaves the tag. As the χ come from a hash of the bits, the flipped ones have others. */
static void flip_dependent_bits(void *ctx, struct whist_session *s, const char *point, int to,
                                void *data, size_t len)
{
    bool *told = ctx;
    size_t n_bytes = len - sizeof(struct block), k = 0;
    struct block chi[129];
    uint8_t x[129] = {0}, *bits = data;
    struct prg prg;
    if (!is(point, "and.open") || to == WHIST_NO_PEER) {
        return;
    }
    CHECK(n_bytes * 8 > 129 + 7);
    whist_open_chi(&prg, s, s->me, (size_t)to, bits, n_bytes, point);
    whist_prg_blocks(&prg, chi, 129);
    while (!gf2_solve(x, chi, k, chi[k])) { /* the first that depends on those before it */
        k++;
        CHECK(k < 129);
    }
    x[k] = 1;
    for (size_t i = 0; i <= k; i++) {
        bits[i / 8] ^= (uint8_t)(x[i] << i % 8);
    }
    *told = true;
}

static void tag_of_other_bits(void)
{
    static struct players p;
    char text[4000];
    int at = snprintf(text, sizeof text, "60 62\n2 1 1\n1 1\n\n");
    for (int g = 0; g < 60; g++) {
        at += snprintf(text + at, sizeof text - (size_t)at, "2 1 %d %d %d AND\n", g, g + 1, g + 2);
    }
    struct whist_circuit *circuit = circuit_of_text(text);
    bool told = false;
    players_init(&p, circuit, 2, 1, 2);
    p.dealt = true;
    corrupt(&p, 0, &told, flip_dependent_bits);
    players_run(&p);
    CHECK(told && p.results[1].status == WHIST_ERR_CHECK);
    CHECK(is(p.results[1].err.phase, "and.open"));
    players_clear(&p);
    whist_circuit_free(circuit);
}

static const struct test_case cases[] = {
    {"input_echo", input_echo},
    {"two_tweaks", two_tweaks},
    {"labels_of_constants", labels_of_constants},
    {"label_hash", label_hash},
    {"blinded_zero_test", blinded_zero_test},
    {"copied_commitment", copied_commitment},
    {"tag_of_other_bits", tag_of_other_bits},
};
TEST_MAIN(cases)
