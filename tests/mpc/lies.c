/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "lies.h"

#include "harness.h"
#include "mpc/run.h"

size_t game_random(const struct game *g, uint64_t use, size_t bound)
{
    return (size_t)(mix(g->p.number * 16 + use) % bound);
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

bool to_peer(const struct game *g, const char *point, int to, const char *wanted)
{
    return is(point, wanted) && to == (int)g->peer;
}

/* ---- Lies that change one message ---- */

static bool is_target(const struct game *g, int to)
{
    switch (g->lie->target) {
    case TO_PEER:
        return to == (int)g->peer;
    case TO_ALL:
        return to != WHIST_NO_PEER;
    case TO_EVALUATOR:
        return to == (int)g->p.setup.evaluator;
    default:
        return to == WHIST_NO_PEER;
    }
}

static size_t offset(const struct game *g, size_t len)
{
    size_t row_len = sizeof(struct block) * (2 + 3 * (g->p.n - 2)); /* as whist_row_len */
    int place = g->lie->place;
    switch (place) {
    case BLOCK_K:
        return g->k * sizeof(struct block);
    case BIT_K:
        return g->k / 8;
    case BLOCK_OF_PEER:
        return g->peer * sizeof(struct block);
    case LAST_BLOCK:
        return len - sizeof(struct block);
    default:
        return place >= 0
                   ? (size_t)place
                   : (g->m - 1) * row_len + (size_t)(place - LAST_ROW) * sizeof(struct block);
    }
}

static void change(struct game *g, uint8_t *data, size_t len)
{
    size_t at = offset(g, len);
    g->hits++;
    CHECK(at < len);
    switch (g->lie->error) {
    case BY_R:
        xor_block(data + at, g->r);
        break;
    case BY_ONE:
        xor_block(data + at, g->one);
        break;
    case BY_DELTA:
        xor_block(data + at, g->s->delta);
        break;
    default:
        data[at] ^= (uint8_t)(1u << (g->lie->place == BIT_K ? g->k % 8 : 0));
        break;
    }
}

static void cheat(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                  size_t len)
{
    struct game *g = ctx;
    g->s = s;
    if (is(point, "setup.delta")) {
        g->p.delta[s->me] = s->delta;
    }
    if (g->lie->tell != NULL) {
        g->lie->tell(g, point, to, data, len);
    } else if (is(point, g->lie->point) && is_target(g, to)) {
        change(g, data, len);
    }
}

/* Honest parties only show their Δ: some lies succeed for one value of a bit of it, and the test
 * says for which. */
static void show(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                 size_t len)
{
    struct game *g = ctx;
    (void)to;
    (void)data;
    (void)len;
    if (is(point, "setup.delta")) {
        g->p.delta[s->me] = s->delta;
    }
}

/* ---- One run ---- */

static void choose_players(struct game *g, size_t n, enum role role)
{
    size_t evaluator = game_random(g, 1, n);
    g->cheater = role == EVALUATOR ? evaluator : (evaluator + 1 + game_random(g, 2, n - 1)) % n;
    if (role == FIRST_GARBLER) {
        g->cheater = evaluator == 0 ? 1 : 0;
    }
    g->peer = g->cheater == n - 1 ? n - 2 : n - 1;
    g->p.setup.evaluator = evaluator;
    for (size_t i = 0; i < n; i++) {
        g->p.hooks[i].tamper = i == g->cheater ? cheat : show;
        g->p.hooks[i].ctx = g;
    }
    g->p.hooks[g->cheater].deaf = true;
}

static bool is_listed(const char *checks, const char *phase)
{
    size_t len = strlen(phase);
    for (const char *p = checks; len != 0 && (p = strstr(p, phase)) != NULL; p += len) {
        if ((p == checks || p[-1] == ' ') && (p[len] == ' ' || p[len] == '\0')) {
            return true;
        }
    }
    return false;
}

/* Whether honest parties noticed. None may have a wrong output or stop elsewhere. */
static bool judge(const struct game *g, const uint8_t *expected, const char *what)
{
    const char *checks = g->checks != NULL ? g->checks : g->lie->checks;
    bool caught = false, by_check = false;
    for (size_t i = 0; i < g->p.n; i++) {
        const struct party_result *res = &g->p.results[i];
        if (i == g->cheater) {
            continue;
        }
        if (res->status == WHIST_OK) {
            CHECK_MSG(players_got(&g->p, i, expected, LIE_OUTPUTS),
                      "%s: party %zu accepted a "
                      "wrong output",
                      what, i);
            continue;
        }
        CHECK_MSG(res->status == WHIST_ERR_CHECK || res->status == WHIST_ERR_ABORTED,
                  "%s: party %zu ended with %s in %s: %s", what, i, whist_status_name(res->status),
                  res->err.phase, res->err.text);
        CHECK_MSG(is_listed(checks, res->err.phase), "%s: party %zu stopped in %s, not in %s: %s",
                  what, i, res->err.phase, checks, res->err.text);
        caught = true;
        by_check |= res->status == WHIST_ERR_CHECK;
    }
    CHECK_MSG(!caught || by_check, "%s: no honest party has found it out itself", what);
    return caught;
}

/* Every run has its own randomness. */
static uint64_t number_of(const char *name, size_t n, size_t run)
{
    uint64_t x = n;
    for (; *name != '\0'; name++) {
        x = mix(x + (uint8_t)*name);
    }
    return mix(x + run);
}

/* Plays one run; true if the lie was caught. */
static bool play(const struct lie *lie, const struct whist_circuit *circuit, size_t n,
                 enum role role, size_t run)
{
    static struct game g;
    uint8_t expected[LIE_OUTPUTS], inputs[sizeof g.p.inputs];
    struct whist_error err;
    char what[200];
    uint64_t number = number_of(lie->name, n, run);
    g = (struct game){.lie = lie, .run = run};
    players_init(&g.p, circuit, n, 0, number);
    g.p.dealt = !lie->set_up;
    g.p.setup.options.chunk_ands = lie->chunk_ands;
    choose_players(&g, n, role);
    g.m = 2 * n + 2;
    g.k = game_random(&g, 3, 18);
    g.r = (struct block){(mix(number + 7) & ~(uint64_t)3) | 4, mix(number + 8)};
    g.one = whist_gf_x((unsigned)game_random(&g, 4, 128));
    snprintf(what, sizeof what, "%s, n = %zu, evaluator %zu, cheater %zu, peer %zu, run %zu",
             lie->name, n, g.p.setup.evaluator, g.cheater, g.peer, run);
    players_run(&g.p);
    memcpy(inputs, g.p.inputs, sizeof inputs);
    inputs[g.cheater] ^= lie->outcome == PASSES; /* its first input */
    CHECK_OK(whist_circuit_eval(circuit, expected, inputs, &err), err);
    bool caught = judge(&g, expected, what);
    CHECK_MSG(g.hits > 0, "%s: the lie was never told", what);
    CHECK_MSG(lie->outcome != CAUGHT || caught, "%s: not caught", what);
    CHECK_MSG(lie->outcome != PASSES || !caught, "%s: stopped", what);
    CHECK_MSG(lie->outcome != KNOWN || caught != g.passes, "%s: %s", what,
              caught ? "caught though it should pass" : "passed though it should be caught");
    players_clear(&g.p);
    return caught;
}

/* As many runs with a cheating evaluator as with a cheating garbler, if the lie fits both. */
static void play_all(const struct lie *lie, size_t n)
{
    struct whist_circuit *circuit = lie_circuit(n);
    long runs = 2 * test_scale(lie->set_up ? 8 : 32), caught = 0; /* base OTs take long */
    for (long i = 0; i < runs; i++) {
        enum role role = lie->role != EITHER ? lie->role : i % 2 == 0 ? EVALUATOR : GARBLER;
        caught += play(lie, circuit, n, role, (size_t)i);
    }
    printf("%s, n = %zu: caught in %ld of %ld runs\n", lie->name, n, caught, runs);
    CHECK_MSG(lie->outcome != BET || runs < 16 || (caught > 0 && caught < runs),
              "%s, n = %zu: caught in %ld of %ld runs", lie->name, n, caught, runs);
    whist_circuit_free(circuit);
}

int lies_main(int argc, char **argv, const struct lie *lies, size_t count)
{
    bool list = argc == 2 && is(argv[1], "--list"), found = false;
    for (size_t i = 0; i < count; i++) {
        for (size_t n = lies[i].least_n; n <= 3; n++) {
            char name[100];
            snprintf(name, sizeof name, "%s_n%zu", lies[i].name, n);
            if (list) {
                puts(name);
            } else if (argc < 2 || is(argv[1], name)) {
                play_all(&lies[i], n);
                found = true;
            }
        }
    }
    if (!list && !found) {
        fprintf(stderr, "no case %s\n", argv[1]);
        return 1;
    }
    return 0;
}
