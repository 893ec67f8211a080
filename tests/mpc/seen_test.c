/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What honest parties show: every value that is sent about secrets has its mask (docs/protocol.md,
 * Notation, §1 to §3, §6). A mask that is missing breaks no run, so no lie finds it out. */
#include "harness.h"
#include "players.h"

#define WORDS 32 /* of a batch at most here: one inner block */

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool bit_at(const struct block *words, size_t k)
{
    const struct block *w = &words[k / 128];
    return ((k % 128 < 64 ? w->lo >> (k % 64) : w->hi >> (k % 64)) & 1) != 0;
}

/* ---- Proofs of a batch ---- */

/* Choice bits of P_0's batches, by batch and peer. */
struct batches {
    struct players p;
    struct block u[2][MAX_PLAYERS][WORDS];
    size_t n_words[2], drawn;
};

static void note_u(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                   size_t len)
{
    struct batches *b = ctx;
    if (is(point, "ashare.u")) {
        size_t k = b->drawn++ / (s->n - 1);
        CHECK(k < 2 && len <= sizeof b->u[k][to]);
        b->n_words[k] = len / sizeof(struct block);
        memcpy(b->u[k][to], data, len);
    }
}

/* w = Σ χ_k·x_k ⊕ r, r the word before the last; ũ = Σ χ_b ⊙ u_b ⊕ the last word, which no other
 * peer has. */
static void check_batch(const struct batches *b, size_t k, const char *phase)
{
    static struct block rho[WORDS * 128];
    char check[WHIST_MAX_PHASE + 1], coin_name[WHIST_MAX_PHASE + 1];
    struct block chi[WORDS], w = {0, 0};
    uint8_t coin[32];
    size_t n = b->n_words[k];
    snprintf(check, sizeof check, "%s.check", phase);
    snprintf(coin_name, sizeof coin_name, "%s.coin", phase);
    players_coin(&b->p, 0, coin_name, coin);
    coin_blocks(rho, (n - 2) * 128, coin, "whist chi rows");
    coin_blocks(chi, n, coin, "whist chi columns");
    for (size_t r = 0; r < (n - 2) * 128; r++) {
        w = block_xor(w, block_and_bit(rho[r], bit_at(b->u[k][1], r)));
    }
    w = block_xor(w, b->u[k][1][n - 2]);
    CHECK(memcmp(b->u[k][1], b->u[k][2], (n - 1) * sizeof w) == 0);
    CHECK(!same_block(b->u[k][1][n - 2],
                      b->u[1 - k][1][b->n_words[1 - k] - 2])); /* fresh for every batch */
    CHECK(!same_block(b->u[k][1][n - 1], b->u[k][2][n - 1]));
    for (size_t j = 1; j < 3; j++) {
        struct block u_hash = b->u[k][j][n - 1];
        for (size_t i = 0; i + 1 < n; i++) {
            u_hash = block_xor(u_hash, whist_gf_mul(chi[i], b->u[k][j][i]));
        }
        const struct spied *m = players_find(&b->p, 0, true, j, check, 0);
        CHECK(m != NULL && m->len == 80); /* ũ, hash of columns, w, sum of MACs */
        CHECK(same_block(block_load(m->data), u_hash));
        CHECK(same_block(block_load(m->data + 48), w));
    }
}

static void proofs_of_batches_are_masked(void)
{
    static struct batches b;
    struct whist_circuit *circuit = lie_circuit(3);
    players_init(&b.p, circuit, 3, 1, 1);
    b.p.dealt = true;
    b.p.hooks[0].tamper = note_u;
    b.p.hooks[0].ctx = &b;
    players_run(&b.p);
    CHECK_OK(b.p.results[0].status, b.p.results[0].err);
    CHECK(b.drawn == 4); /* inputs and one chunk, two peers */
    check_batch(&b, 0, "input");
    check_batch(&b, 1, "chunk");
    players_clear(&b.p);
    whist_circuit_free(circuit);
}

/* ---- Commitments ---- */

static bool ends_in_open(const char *phase)
{
    size_t len = strlen(phase);
    return len > 5 && is(phase + len - 5, ".open");
}

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* The second message of an opening begins with the nonce: without one, the commitment to a d of few
 * bits could be opened by trying. */
static void nonces_are_fresh(void)
{
    static struct players p;
    static uint8_t nonces[100][32];
    static const uint8_t zero[32];
    struct whist_circuit *circuit = lie_circuit(2);
    size_t n = 0;
    players_init(&p, circuit, 2, 0, 2);
    p.setup.repeat = 2;
    players_run(&p);
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(p.results[i].status, p.results[i].err);
        const struct spied *before = NULL;
        for (const struct spied *m = p.first[i]; m != NULL; m = m->next) {
            if (!m->sent || !ends_in_open(m->phase)) {
                continue;
            }
            bool second = before != NULL && is(before->phase, m->phase) && m->len == 64;
            if (second) {
                CHECK(n < 100 && memcmp(m->data, zero, 32) != 0);
                memcpy(nonces[n++], m->data, 32);
            }
            before = second ? NULL : m;
        }
    }
    /* Coin and z of Δ-consistency; in each run two coins of batches, d, χ, ζ, rotations. */
    CHECK_MSG(n == 2 * (2 + 2 * 6), "%zu openings", n);
    qsort(nonces, n, 32, compare_nonces);
    for (size_t k = 1; k < n; k++) {
        CHECK(memcmp(nonces[k - 1], nonces[k], 32) != 0);
    }
    players_clear(&p);
    whist_circuit_free(circuit);
}

/* A label tells session, step, phase and use apart: what was sent in one place is nothing in
 * another. */
static void labels_bind(void)
{
    static struct whist_session s[3];
    uint8_t out[5][WHIST_HASH_LEN];
    struct hash h;
    s[1].sid[31] = 1;
    s[2].step = 1;
    for (size_t k = 0; k < 5; k++) {
        whist_label(&h, k == 3 ? "other use" : "use", &s[k < 3 ? k : 0],
                    k == 4 ? "other" : "phase");
        whist_hash_final(&h, out[k]);
        for (size_t i = 0; i < k; i++) {
            CHECK_MSG(memcmp(out[i], out[k], WHIST_HASH_LEN) != 0, "labels %zu and %zu", i, k);
        }
    }
}

/* χ of an opening: one for every sender, receiver, step, phase and message. */
static void coefficients_bind(void)
{
    static struct whist_session s[2];
    static const struct {
        size_t session, from, to;
        uint8_t bits[2];
        size_t n_bytes;
        const char *phase;
    } uses[] = {
        {0, 1, 2, {0, 0}, 1, "a"}, {1, 1, 2, {0, 0}, 1, "a"}, {0, 0, 2, {0, 0}, 1, "a"},
        {0, 1, 0, {0, 0}, 1, "a"}, {0, 2, 1, {0, 0}, 1, "a"}, {0, 1, 2, {1, 0}, 1, "a"},
        {0, 1, 2, {0, 0}, 2, "a"}, {0, 1, 2, {0, 0}, 1, "b"},
    };
    enum { N_USES = sizeof uses / sizeof uses[0] };
    struct block chi[N_USES];
    struct prg prg;
    s[1].step = 1;
    for (size_t k = 0; k < N_USES; k++) {
        whist_open_chi(&prg, &s[uses[k].session], uses[k].from, uses[k].to, uses[k].bits,
                       uses[k].n_bytes, uses[k].phase);
        whist_prg_blocks(&prg, &chi[k], 1);
        for (size_t i = 0; i < k; i++) {
            CHECK_MSG(!same_block(chi[i], chi[k]), "uses %zu and %zu", i, k);
        }
    }
}

/* What is made from a coin depends on its use. */
static void uses_of_a_coin_differ(void)
{
    const uint8_t coins[2][32] = {{1}, {2}};
    struct block out[3];
    coin_blocks(&out[0], 1, coins[0], "one");
    coin_blocks(&out[1], 1, coins[0], "two");
    coin_blocks(&out[2], 1, coins[1], "one");
    CHECK(!same_block(out[0], out[1]) && !same_block(out[0], out[2]));
}

/* docs/protocol.md, Hashes. */
static void tweaks_are_as_defined(void)
{
    static struct whist_session s;
    s.salt = (struct block){mix(1), mix(2)};
    struct block t = whist_tweak(&s, HALF_B, 63, 5, 0xfedcba9876543210u);
    CHECK(t.lo == (mix(1) ^ 0xfedcba9876543210u));
    CHECK(t.hi == (mix(2) ^ (3u << 16 | 63u << 8 | 5u)));
    CHECK(LEAKY == 1 && HALF_A == 2 && HALF_B == 3 && BLIND == 4);
}

/* ---- Zero shares and seeds ---- */

/* Runs that differ only in P_0's and P_1's common zero shares (both XOR the same to its seeds). */
static void other_zero_shares(void *ctx, struct whist_session *s, const char *point, int to,
                              void *data, size_t len)
{
    (void)ctx;
    (void)len;
    if (is(point, "zero.seed") && to == 1 - (int)s->me) {
        *(uint8_t *)data ^= 1;
    }
}

/* Φ = …, ⊕ z: a party that computed the rest of Φ (it is bits and keys) could test it by U. */
static void zero_shares_are_in_u(void)
{
    static struct players p[2];
    struct whist_circuit *circuit = lie_circuit(3);
    for (size_t k = 0; k < 2; k++) {
        players_init(&p[k], circuit, 3, 2, 3);
        p[k].dealt = true;
        for (size_t i = 0; i < 2; i++) {
            p[k].hooks[i].tamper = k == 0 ? NULL : other_zero_shares;
        }
        players_run(&p[k]);
    }
    const struct spied *a = players_find(&p[0], 0, true, 2, "leaky.u", 0);
    const struct spied *b = players_find(&p[1], 0, true, 2, "leaky.u", 0);
    CHECK_OK(p[1].results[2].status, p[1].results[2].err);
    CHECK(a != NULL && b != NULL && a->len == b->len);
    for (size_t at = 0; at < a->len; at += sizeof(struct block)) {
        CHECK(!same_block(block_load(a->data + at), block_load(b->data + at)));
    }
    for (size_t k = 0; k < 2; k++) {
        players_clear(&p[k]);
    }
    whist_circuit_free(circuit);
}

struct salts {
    struct players p;
    struct block salt[MAX_PLAYERS], seed[MAX_PLAYERS][MAX_PLAYERS];
};

static void note_salt(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                      size_t len)
{
    struct salts *a = ctx;
    (void)to;
    (void)data;
    (void)len;
    if (is(point, "input.lambda")) {
        a->salt[s->me] = s->salt;
        for (size_t p = 0; p < s->n_peers; p++) {
            a->seed[s->me][s->peers[p]] = s->pair[s->peers[p]].seed;
        }
    }
}

/* The salt is common and another one in each session; a pair's seed has the part of both. */
static void salts_and_seeds(void)
{
    static struct salts a[2];
    struct whist_circuit *circuit = lie_circuit(2);
    for (size_t k = 0; k < 2; k++) {
        players_init(&a[k].p, circuit, 2, 0, 4 + k);
        for (size_t i = 0; i < 2; i++) {
            a[k].p.hooks[i].tamper = note_salt;
            a[k].p.hooks[i].ctx = &a[k];
        }
        players_run(&a[k].p);
        CHECK_OK(a[k].p.results[0].status, a[k].p.results[0].err);
        CHECK(same_block(a[k].salt[0], a[k].salt[1]));
        CHECK(same_block(a[k].seed[0][1], a[k].seed[1][0]));
        const struct spied *own = players_find(&a[k].p, 0, true, 1, "setup.seeds", 0);
        const struct spied *theirs = players_find(&a[k].p, 1, true, 0, "setup.seeds", 0);
        CHECK(own != NULL && theirs != NULL && own->len == sizeof(struct block));
        CHECK(same_block(a[k].seed[0][1],
                         block_xor(block_load(own->data), block_load(theirs->data))));
        players_clear(&a[k].p);
    }
    CHECK(!same_block(a[0].salt[0], a[1].salt[0]));
    whist_circuit_free(circuit);
}

/* Sessions without a test's seed: Δ with its pinned bits alone, what P_0 and P_1 send in the hello,
 * and P_0's choice bits. */
struct fresh {
    struct players p;
    struct block delta[MAX_PLAYERS], u;
};

static void note_fresh(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                       size_t len)
{
    struct fresh *f = ctx;
    (void)to;
    CHECK(!is(point, "ashare.u") || len >= sizeof f->u);
    if (is(point, "setup.delta")) {
        f->delta[s->me] = s->delta;
    } else if (is(point, "ashare.u") && s->me == 0) {
        f->u = block_load(data);
    }
}

static void randomness_is_of_the_system(void)
{
    static struct fresh f[2];
    struct whist_circuit *circuit = lie_circuit(2);
    for (size_t k = 0; k < 2; k++) {
        players_init(&f[k].p, circuit, 2, 0, 8);
        for (size_t i = 0; i < 2; i++) {
            f[k].p.hooks[i] = (struct whist_hooks){.tamper = note_fresh, .ctx = &f[k]};
        }
        players_run(&f[k].p);
        CHECK_OK(f[k].p.results[0].status, f[k].p.results[0].err);
        CHECK((f[k].delta[0].lo & 3) == 1 && (f[k].delta[1].lo & 3) == 3); /* n mod 2 at P_0 */
        CHECK(!same_block(f[k].delta[0], f[k].delta[1]) && f[k].delta[0].hi != 0);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct spied *a = players_find(&f[0].p, i, true, 1 - i, "hello", 0);
        const struct spied *b = players_find(&f[1].p, i, true, 1 - i, "hello", 0);
        CHECK(a != NULL && b != NULL && a->len == 76 && b->len == 76);
        CHECK(memcmp(a->data + 44, b->data + 44, 32) != 0);
        CHECK(!same_block(f[0].delta[i], f[1].delta[i]));
    }
    CHECK(!same_block(f[0].u, f[1].u) && !same_block(f[0].u, (struct block){0, 0}));
    for (size_t k = 0; k < 2; k++) {
        players_clear(&f[k].p);
    }
    whist_circuit_free(circuit);
}

/* ---- Who gets what ---- */

/* P_0 and P_1 own inputs, P_2 receives: masks of inputs go to owners, of outputs to receivers. */
static void masks_go_to_whom_they_concern(void)
{
    static struct players p;
    static const uint8_t owners[] = {0, 1, 0, 1, 1, 0};
    struct whist_circuit *circuit = lie_circuit(3);
    for (size_t evaluator = 0; evaluator < 3; evaluator++) {
        players_init(&p, circuit, 3, evaluator, 6);
        p.dealt = true;
        p.setup.owners = owners;
        p.setup.receivers = 1 << 2;
        players_run(&p);
        for (size_t i = 0; i < 3; i++) {
            CHECK_OK(p.results[i].status, p.results[i].err);
            for (size_t j = 0; j < 3; j++) {
                bool sent = i != j && players_find(&p, i, true, j, "output.open", 0) != NULL;
                CHECK(sent == (i != j && j == 2));
                sent = i != j && players_find(&p, i, true, j, "input.open", 0) != NULL;
                CHECK(sent == (i != j && j != 2));
                CHECK(i == j || players_find(&p, i, true, j, "input.open", 1) == NULL);
                sent = i != j && players_find(&p, i, true, j, "input.labels", 0) != NULL;
                CHECK(sent == (i != j && j == evaluator));
            }
        }
        players_clear(&p);
    }
    whist_circuit_free(circuit);
}

/* Labels are drawn anew in every run: no two of a garbler's, in two runs on the same inputs. */
static void labels_are_fresh(void)
{
    static struct players p;
    struct whist_circuit *circuit = lie_circuit(2);
    struct block seen[16];
    size_t n = 0;
    players_init(&p, circuit, 2, 0, 7);
    p.dealt = true;
    p.setup.repeat = 2;
    players_run(&p);
    CHECK_OK(p.results[0].status, p.results[0].err);
    for (size_t run = 0; run < 2; run++) {
        const struct spied *m = players_find(&p, 1, true, 0, "input.labels", run);
        CHECK(m != NULL && m->len == 4 * sizeof seen[0]);
        for (size_t at = 0; at < m->len; at += sizeof seen[0]) {
            seen[n++] = block_load(m->data + at);
        }
    }
    for (size_t k = 0; k < n; k++) {
        for (size_t i = 0; i < k; i++) {
            struct block d = block_xor(seen[i], seen[k]);
            CHECK(!same_block(d, (struct block){0, 0}) && !same_block(d, p.delta[1]));
            CHECK(d.hi != 0); /* nor numbers */
        }
    }
    players_clear(&p);
    whist_circuit_free(circuit);
}

static const struct test_case cases[] = {
    {"proofs_of_batches_are_masked", proofs_of_batches_are_masked},
    {"nonces_are_fresh", nonces_are_fresh},
    {"labels_bind", labels_bind},
    {"coefficients_bind", coefficients_bind},
    {"uses_of_a_coin_differ", uses_of_a_coin_differ},
    {"randomness_is_of_the_system", randomness_is_of_the_system},
    {"tweaks_are_as_defined", tweaks_are_as_defined},
    {"zero_shares_are_in_u", zero_shares_are_in_u},
    {"salts_and_seeds", salts_and_seeds},
    {"masks_go_to_whom_they_concern", masks_go_to_whom_they_concern},
    {"labels_are_fresh", labels_are_fresh},
};
TEST_MAIN(cases)
