/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "players.h"

#include "channel/decorator.h"
#include "dealer.h"
#include "harness.h"

/* ---- A channel that keeps a copy of every message ---- */

struct spy {
    struct decorator d;
    struct players *p;
};

static void keep(struct whist_channel *ch, bool sent, size_t peer, const struct whist_buffer *msg,
                 const char *phase)
{
    struct players *p = ((struct spy *)ch)->p;
    struct spied *m = calloc(1, sizeof *m);
    CHECK(m != NULL);
    m->sent = sent;
    m->peer = peer;
    snprintf(m->phase, sizeof m->phase, "%s", phase);
    m->data = malloc(msg->len + 1);
    CHECK(m->data != NULL);
    if (msg->len != 0) {
        memcpy(m->data, msg->data, msg->len);
    }
    m->len = msg->len;
    *p->last[ch->me] = m;
    p->last[ch->me] = &m->next;
}

static whist_status spy_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                             const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    keep(ch, true, to, msg, phase);
    return whist_pass_send(ch, to, msg, phase, deadline_ms, err);
}

static whist_status spy_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                             const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    whist_status st = whist_pass_recv(ch, from, msg_out, phase, deadline_ms, err);
    if (st == WHIST_OK) {
        keep(ch, false, from, msg_out, phase);
    }
    return st;
}

static void spy_free(struct whist_channel *ch)
{
    whist_decorator_free(&((struct spy *)ch)->d);
}

static const struct whist_channel_ops spy_ops = {
    .name = "spy",
    .send = spy_send,
    .recv = spy_recv,
    .abort = whist_pass_abort,
    .close = whist_pass_close,
    .set_arrival_hook = whist_pass_set_arrival_hook,
    .free = spy_free,
    .abort_with = whist_pass_abort_with,
};

static struct whist_channel *with_spy(void *ctx, size_t party, struct whist_channel *ch)
{
    struct whist_error err;
    struct spy *spy = whist_decorator_new(sizeof *spy, &spy_ops, ch, &err);
    (void)party;
    CHECK(spy != NULL);
    spy->p = ctx;
    return &spy->d.base;
}

const struct spied *players_find(const struct players *p, size_t party, bool sent, size_t peer,
                                 const char *phase, size_t k)
{
    for (const struct spied *m = p->first[party]; m != NULL; m = m->next) {
        if (m->sent == sent && m->peer == peer && strcmp(m->phase, phase) == 0 && k-- == 0) {
            return m;
        }
    }
    return NULL;
}

/* ---- Runs ---- */

static void opened(void *ctx, size_t party, struct whist_session *session)
{
    struct players *p = ctx;
    uint8_t seed[16] = {0};
    put_le64(seed, p->number);
    if (p->dealt) {
        deal_setup(session, seed);
        p->delta[party] = session->delta;
    }
}

void players_init(struct players *p, const struct whist_circuit *circuit, size_t n,
                  size_t evaluator, uint64_t number)
{
    CHECK(n >= 2 && n <= MAX_PLAYERS);
    *p = (struct players){.n = n, .circuit = circuit, .number = number};
    for (size_t i = 0; i < sizeof p->inputs; i++) {
        p->inputs[i] = mix(number * 64 + i) & 1;
    }
    for (size_t i = 0; i < n; i++) {
        put_le64(p->seeds[i], number);
        p->seeds[i][8] = (uint8_t)(i + 1);
        p->hooks[i].seed = p->seeds[i];
        p->last[i] = &p->first[i];
        p->setup.hooks[i] = &p->hooks[i];
    }
    p->setup.n = n;
    p->setup.circuit = circuit;
    p->setup.evaluator = evaluator;
    p->setup.inputs = p->inputs;
    p->setup.wrap = with_spy;
    p->setup.wrap_ctx = p;
    p->watch = (struct party_watch){.opened = opened, .ctx = p};
    p->setup.watch = &p->watch;
}

void players_run(struct players *p)
{
    parties_run(p->results, &p->setup);
}

void players_clear(struct players *p)
{
    parties_clear(p->results, p->n);
    for (size_t i = 0; i < p->n; i++) {
        for (struct spied *m = p->first[i], *next; m != NULL; m = next) {
            next = m->next;
            free(m->data);
            free(m);
        }
    }
}

bool players_got(const struct players *p, size_t party, const uint8_t *bits, size_t n)
{
    return p->results[party].status == WHIST_OK && memcmp(p->results[party].outputs, bits, n) == 0;
}

/* ---- Circuits ---- */

struct whist_circuit *circuit_of_text(const char *bristol)
{
    struct whist_circuit *c;
    struct whist_error err;
    CHECK_OK(whist_bristol_parse(&c, whist_bytes(bristol, strlen(bristol)), &err), err);
    return c;
}

struct whist_circuit *lie_circuit(size_t n)
{
    size_t k = 2 * n, x = 4 * n;
    char text[1024];
    int at = snprintf(text, sizeof text, "%zu %zu\n%zu", k + 5, x + 5, k);
    for (size_t i = 0; i < k; i++) {
        at += snprintf(text + at, sizeof text - (size_t)at, " 1");
    }
    at += snprintf(text + at, sizeof text - (size_t)at, "\n1 %d\n\n", LIE_OUTPUTS);
    for (size_t i = 0; i < k; i++) {
        at += snprintf(text + at, sizeof text - (size_t)at, "2 1 %zu %zu %zu AND\n", i, (i + 1) % k,
                       k + i);
    }
    snprintf(text + at, sizeof text - (size_t)at,
             "2 1 %zu %zu %zu XOR\n1 1 %zu %zu INV\n2 1 %zu %zu %zu AND\n2 1 %zu %zu %zu XOR\n"
             "2 1 %zu %zu %zu AND\n",
             k, k + 1, x, x, x + 1, x + 1, k + 2, x + 2, x + 2, k + 3, x + 3, x + 3, x + 2, x + 4);
    return circuit_of_text(text);
}

/* ---- What a cheater computes ---- */

void coin_blocks(struct block *out, size_t count, const uint8_t coin[32], const char *use)
{
    struct prg prg;
    whist_coin_prg(&prg, coin, use);
    whist_prg_blocks(&prg, out, count);
}

void players_coin(const struct players *p, size_t party, const char *phase, uint8_t out[32])
{
    char open[WHIST_MAX_PHASE + 1];
    size_t other = party == 0 ? 1 : 0;
    snprintf(open, sizeof open, "%s.open", phase);
    const struct spied *own = players_find(p, party, true, other, open, 0);
    CHECK(own != NULL && own->len == 32);
    memcpy(out, own->data, 32);
    for (size_t i = 0; i < p->n; i++) {
        const struct spied *m = i == party ? NULL : players_find(p, party, false, i, open, 0);
        CHECK(i == party || (m != NULL && m->len == 32));
        for (size_t b = 0; b < 32 && m != NULL; b++) {
            out[b] ^= m->data[b];
        }
    }
}

struct block gf_inverse(struct block a)
{
    struct block t = a; /* a^(2^128 − 2) = (a^(2^127 − 1))^2 */
    for (int i = 0; i < 126; i++) {
        t = whist_gf_mul(whist_gf_mul(t, t), a);
    }
    return whist_gf_mul(t, t);
}

/* Bit i of b. */
static bool bit_of(struct block b, size_t i)
{
    return ((i < 64 ? b.lo >> i : b.hi >> (i - 64)) & 1) != 0;
}

/* A vector and which columns it is the sum of. */
struct combination {
    struct block v, from;
    bool used;
};

/* Clears the bits of c that have a pivot; returns the lowest bit left, or 128. */
static size_t reduce(struct combination *c, const struct combination *pivots)
{
    size_t left = 128;
    for (size_t i = 128; i-- > 0;) {
        if (bit_of(c->v, i) && pivots[i].used) {
            c->v = block_xor(c->v, pivots[i].v);
            c->from = block_xor(c->from, pivots[i].from);
        } else if (bit_of(c->v, i) && left == 128) {
            left = i;
        }
    }
    return left;
}

bool gf2_solve(uint8_t *x, const struct block *columns, size_t n, struct block sum)
{
    struct combination pivots[128] = {{{0, 0}, {0, 0}, false}}, c;
    CHECK(n <= 128);
    for (size_t k = 0; k < n; k++) {
        c = (struct combination){columns[k], whist_gf_x((unsigned)k), true};
        size_t i = reduce(&c, pivots);
        if (i == 128) {
            return false;
        }
        pivots[i] = c;
    }
    c = (struct combination){sum, {0, 0}, true};
    bool solved = reduce(&c, pivots) == 128;
    for (size_t k = 0; k < n; k++) {
        x[k] = bit_of(c.from, k);
    }
    return solved;
}

void check_mend(bool (*attack)(bool mended, uint64_t number), long runs, long least)
{
    long with = 0, without = 0;
    for (long i = 0; i < runs; i++) {
        with += attack(true, (uint64_t)i);
        without += attack(false, (uint64_t)i);
    }
    printf("succeeded in %ld of %ld runs with the mend, in %ld without\n", with, runs, without);
    CHECK_MSG(with == 0, "the attack succeeds in %ld of %ld runs", with, runs);
    CHECK_MSG(without >= least, "the attack succeeds in %ld of %ld runs without the mend, not %ld",
              without, runs, least);
}

void xor_block(void *data, struct block x)
{
    block_store(data, block_xor(block_load(data), x));
}

bool same_block(struct block a, struct block b)
{
    return a.lo == b.lo && a.hi == b.hi;
}
