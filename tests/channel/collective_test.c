/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Collectives beyond the conformance suite: cheaters, absent parties, 64 parties. */
#include <stdatomic.h>

#include "channel_conformance.h"
#include "crypto/crypto.h"

#define LONG_MS 60000

static void make_memory(struct whist_channel **ch, size_t n, int64_t timeout_ms)
{
    struct whist_error err = {0};
    CHECK_OK(whist_channel_memory_new(ch, n, timeout_ms, &err), err);
}

static void clear_n(struct whist_buffer *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        whist_buffer_clear(&b[i]);
    }
}

/* ---- Echo broadcast against an equivocating sender ---- */

struct equivocation {
    size_t n, cheater;
    uint64_t victims; /* parties that get the other message; neither none nor all of the honest */
    uint64_t run;
    atomic_size_t caught;
};

static const char context[] = "session 1";

static struct whist_bytes honest_word(uint8_t out[16], uint64_t run, size_t party)
{
    put_le64(out, run);
    put_le64(out + 8, party);
    return whist_bytes(out, 16);
}

/* The hash that a party computes, written again from its description. */
static void view_hash(uint8_t out[32], const struct equivocation *q, bool victim)
{
    struct hash h;
    uint8_t body[16];
    whist_hash_init(&h, "whist echo broadcast");
    whist_hash_field(&h, context, sizeof context);
    whist_hash_field(&h, "coin", 4);
    whist_hash_u64(&h, q->n);
    for (size_t i = 0; i < q->n; i++) {
        (void)honest_word(body, q->run, i);
        body[15] ^= (uint8_t)(victim && i == q->cheater);
        whist_hash_field(&h, body, sizeof body);
    }
    whist_hash_final(&h, out);
}

/* Tells every party what it expects to hear. */
static void cheat(struct whist_channel *ch, const struct equivocation *q)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    uint8_t body[16], hash[32];
    for (int step = 0; step < 2; step++) {
        for (size_t p = 0; p < q->n; p++) {
            bool victim = (q->victims >> p & 1) != 0;
            if (p == q->cheater) {
                continue;
            }
            (void)honest_word(body, q->run, q->cheater);
            body[15] ^= (uint8_t)victim;
            view_hash(hash, q, victim);
            CHECK_OK(whist_channel_send(ch, p,
                                        step == 0 ? whist_bytes(body, 16) : whist_bytes(hash, 32),
                                        "coin", 0, &err),
                     err);
        }
        for (size_t p = 0; step == 0 && p < q->n; p++) {
            if (p != q->cheater) {
                CHECK_OK(whist_channel_recv(ch, p, &msg, "coin", 0, &err), err);
            }
        }
    }
    whist_buffer_clear(&msg);
}

static void equivocation_party(struct whist_channel *ch, void *ctx)
{
    struct equivocation *q = ctx;
    struct whist_buffer all[16] = {{0}};
    struct whist_error err = {0};
    uint8_t body[16];
    size_t me = whist_channel_me(ch);
    if (me == q->cheater) {
        cheat(ch, q);
        return;
    }
    whist_status st = whist_echo_broadcast(ch, all, honest_word(body, q->run, me),
                                           whist_bytes(context, sizeof context), "coin", 0, &err);
    if (st == WHIST_ERR_CHECK) {
        /* The named peer is on the other side. */
        CHECK(err.peer >= 0 && (size_t)err.peer != q->cheater && (size_t)err.peer < q->n);
        CHECK((q->victims >> me & 1) != (q->victims >> (size_t)err.peer & 1));
        CHECK(all[0].data == NULL && strcmp(err.phase, "coin") == 0);
        atomic_fetch_add(&q->caught, 1);
    } else {
        CHECK_OK(st, err);
    }
    clear_n(all, q->n);
}

static uint64_t random_state = 1;

static uint64_t random_number(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static size_t run_equivocation(size_t n, size_t cheater, uint64_t victims, uint64_t run)
{
    struct whist_channel *ch[16];
    struct equivocation q = {.n = n, .cheater = cheater, .victims = victims, .run = run};
    make_memory(ch, n, LONG_MS);
    run_parties(ch, n, equivocation_party, &q);
    free_channels(ch, n);
    return atomic_load(&q.caught);
}

static void equivocating_sender(void)
{
    long runs = test_scale(1000);
    for (long run = 0; run < runs; run++) {
        size_t n = 3 + (size_t)run % 14;
        size_t cheater = (size_t)(random_number() % n);
        uint64_t honest = ((1u << n) - 1) & ~(1u << cheater), victims;
        do {
            victims = random_number() & honest;
        } while (victims == 0 || victims == honest);
        /* Every honest party notices, whichever side it is on. */
        CHECK(run_equivocation(n, cheater, victims, (uint64_t)run) == n - 1);
    }
}

/* The same player without the lie is not caught: the test can tell the difference. */
static void equivocation_to_nobody(void)
{
    for (size_t n = 3; n <= 16; n++) {
        CHECK(run_equivocation(n, n / 2, 0, n) == 0);
        CHECK(run_equivocation(n, n / 2, (1u << n) - 1, n) == 0);
    }
}

/* Party 0 echoes `echo`; party 1 is honest. */
static void echo_of_two(const void *echo, size_t len, whist_status want)
{
    struct whist_channel *ch[2];
    struct whist_buffer all[2] = {{0}};
    struct whist_error err = {0};
    make_memory(ch, 2, LONG_MS);
    CHECK_OK(whist_channel_send(ch[0], 1, whist_bytes("a", 1), "coin", 0, &err), err);
    CHECK_OK(whist_channel_send(ch[0], 1, whist_bytes(echo, len), "coin", 0, &err), err);
    whist_status st =
        whist_echo_broadcast(ch[1], all, whist_bytes("b", 1), whist_bytes("c", 1), "coin", 0, &err);
    CHECK_MSG(st == want, "%s: %s", whist_status_name(st), err.text);
    CHECK(st == WHIST_OK || (err.peer == 0 && all[0].data == NULL && all[1].data == NULL));
    clear_n(all, 2);
    free_channels(ch, 2);
}

static void two_hash(uint8_t out[32], const char *ctx, const char *phase, const char *a,
                     const char *b)
{
    struct hash h;
    whist_hash_init(&h, "whist echo broadcast");
    whist_hash_field(&h, ctx, strlen(ctx));
    whist_hash_field(&h, phase, strlen(phase));
    whist_hash_u64(&h, 2);
    whist_hash_field(&h, a, strlen(a));
    whist_hash_field(&h, b, strlen(b));
    whist_hash_final(&h, out);
}

static void echo_covers_everything(void)
{
    uint8_t hash[40] = {0};
    two_hash(hash, "c", "coin", "a", "b");
    echo_of_two(hash, 32, WHIST_OK);
    for (size_t bit = 0; bit < 256; bit += 5) {
        hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
        echo_of_two(hash, 32, WHIST_ERR_CHECK);
        hash[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    const size_t lengths[] = {0, 1, 31, 33, 40};
    for (size_t i = 0; i < 5; i++) {
        echo_of_two(hash, lengths[i], WHIST_ERR_PROTOCOL);
    }
    two_hash(hash, "d", "coin", "a", "b");
    echo_of_two(hash, 32, WHIST_ERR_CHECK);
    two_hash(hash, "c", "Coin", "a", "b");
    echo_of_two(hash, 32, WHIST_ERR_CHECK);
    two_hash(hash, "c", "coin", "b", "a");
    echo_of_two(hash, 32, WHIST_ERR_CHECK);
    two_hash(hash, "c", "coin", "ab", "");
    echo_of_two(hash, 32, WHIST_ERR_CHECK);
    two_hash(hash, "cc", "oin", "a", "b");
    echo_of_two(hash, 32, WHIST_ERR_CHECK);
}

/* ---- Absent and failing parties ---- */

/* Calls collective `kind` of 5; n ≤ 64. */
static whist_status collective(struct whist_channel *ch, int kind, struct whist_buffer *in,
                               int64_t deadline_ms, struct whist_error *err)
{
    struct whist_bytes msg = whist_bytes("some bytes", 10), out[WHIST_MAX_PARTIES];
    for (size_t i = 0; i < WHIST_MAX_PARTIES; i++) {
        out[i] = msg;
    }
    switch (kind) {
    case 0:
        return whist_exchange(ch, in, out, "c", deadline_ms, err);
    case 1:
        return whist_broadcast(ch, 1, &in[0], msg, "c", deadline_ms, err);
    case 2:
        return whist_gather(ch, 0, in, msg, "c", deadline_ms, err);
    case 3:
        return whist_scatter(ch, 1, &in[0], out, "c", deadline_ms, err);
    default:
        return whist_echo_broadcast(ch, in, msg, msg, "c", deadline_ms, err);
    }
}

/* Party 1 is missing: the others get an error that names it, and no output. */
static void absent_party(void)
{
    for (int kind = 0; kind < 5; kind++) {
        for (int how = 0; how < 3; how++) {
            struct whist_channel *ch[3];
            struct whist_buffer in[3] = {{0}};
            struct whist_error err = {0};
            make_memory(ch, 3, how == 0 ? 20 : LONG_MS);
            CHECK_OK(whist_channel_send(ch[2], 0, whist_bytes("here", 4), "c", 0, &err), err);
            if (how == 1) {
                CHECK_OK(whist_channel_close(ch[1], 0, &err), err);
            } else if (how == 2) {
                struct whist_error why = {.status = WHIST_ERR_CHECK, .text = "why"};
                whist_channel_abort(ch[1], &why);
            }
            whist_status st = collective(ch[0], kind, in, WHIST_DEADLINE_DEFAULT, &err);
            CHECK_MSG(st == (how == 0   ? WHIST_ERR_TIMEOUT
                             : how == 1 ? WHIST_ERR_CLOSED
                                        : WHIST_ERR_ABORTED),
                      "collective %d: %s: %s", kind, whist_status_name(st), err.text);
            CHECK(err.peer == 1);
            for (size_t i = 0; i < 3; i++) {
                CHECK(in[i].data == NULL && in[i].len == 0);
            }
            free_channels(ch, 3);
        }
    }
}

/* One deadline for all of it, not one for each receive. */
static void one_deadline(void)
{
    struct whist_channel *ch[3];
    struct whist_buffer in[3] = {{0}};
    struct whist_error err = {0};
    make_memory(ch, 3, LONG_MS);
    CHECK_OK(whist_channel_send(ch[1], 0, whist_bytes("x", 1), "c", 0, &err), err);
    CHECK_OK(whist_channel_send(ch[2], 0, whist_bytes("x", 1), "c", 0, &err), err);
    CHECK_OK(collective(ch[0], 0, in, 1, &err), err); /* all is there: the deadline is no matter */
    CHECK(in[1].len == 1 && in[2].len == 1);
    CHECK(collective(ch[0], 0, in, 1, &err) == WHIST_ERR_TIMEOUT);
    clear_n(in, 3);
    free_channels(ch, 3);
}

/* A channel of three that always succeeds, and lets time pass in every call. */
static int64_t deadlines[64];
static size_t n_deadlines;

static void note_deadline(int64_t deadline_ms)
{
    int64_t now = whist_clock_ms();
    CHECK(n_deadlines < 64);
    deadlines[n_deadlines++] = deadline_ms;
    while (whist_clock_ms() == now) {
    }
}

static whist_status noting_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    (void)ch, (void)to, (void)msg, (void)phase, (void)err;
    note_deadline(deadline_ms);
    return WHIST_OK;
}

static whist_status noting_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    (void)ch, (void)from, (void)msg_out, (void)phase, (void)err;
    note_deadline(deadline_ms);
    return WHIST_OK;
}

/* The default timeout counts from the start of the whole collective. */
static void default_deadline(void)
{
    static const struct whist_channel_ops ops = {
        .name = "noting", .send = noting_send, .recv = noting_recv};
    for (int kind = 0; kind < 5; kind++) {
        for (size_t me = 0; me < 2; me++) { /* of roots and others */
            struct whist_channel ch = {
                .ops = &ops, .n = 3, .me = me, .timeout_ms = 1000, .max_message = 100};
            struct whist_buffer in[3] = {{0}};
            struct whist_error err = {0};
            n_deadlines = 0;
            int64_t start = whist_clock_ms();
            whist_status st = collective(&ch, kind, in, WHIST_DEADLINE_DEFAULT, &err);
            CHECK(st == WHIST_OK || (kind == 4 && st == WHIST_ERR_PROTOCOL));
            CHECK(n_deadlines > 0 && deadlines[0] >= start + 1000);
            for (size_t i = 1; i < n_deadlines; i++) {
                CHECK(deadlines[i] == deadlines[0]);
            }
            clear_n(in, 3);
        }
    }
}

/* Each gives up at once on an error, and tells the others. */
static void try_all(struct whist_channel *ch, void *ctx)
{
    struct whist_buffer in[WHIST_MAX_PARTIES] = {{0}};
    struct whist_error err = {0};
    whist_status st = WHIST_OK;
    for (int kind = 0; kind < 5 && st == WHIST_OK; kind++) {
        st = collective(ch, kind, in, WHIST_DEADLINE_DEFAULT, &err);
    }
    if (st != WHIST_OK) {
        CHECK_MSG(st == WHIST_ERR_NOMEM || st == WHIST_ERR_ABORTED, "%s: %s", whist_status_name(st),
                  err.text);
        whist_channel_abort(ch, &err);
    }
    if (st == WHIST_OK) {
        atomic_fetch_add((atomic_size_t *)ctx, 1);
    }
    clear_n(in, whist_channel_parties(ch));
}

static void allocation_failures(void)
{
    atomic_size_t done = 0;
    for (long k = 0; atomic_load(&done) != 3; k++) {
        struct whist_channel *ch[3];
        CHECK(k < 1000);
        atomic_store(&done, 0);
        make_memory(ch, 3, LONG_MS);
        whist_alloc_fail_after(k);
        run_parties(ch, 3, try_all, &done);
        whist_alloc_fail_after(-1);
        free_channels(ch, 3);
    }
}

static void sixty_four_parties(void)
{
    struct whist_channel *ch[WHIST_MAX_PARTIES];
    atomic_size_t done = 0;
    make_memory(ch, WHIST_MAX_PARTIES, LONG_MS);
    run_parties(ch, WHIST_MAX_PARTIES, try_all, &done);
    CHECK(atomic_load(&done) == WHIST_MAX_PARTIES);
    free_channels(ch, WHIST_MAX_PARTIES);
}

static const struct test_case cases[] = {
    {"equivocating_sender", equivocating_sender},
    {"equivocation_to_nobody", equivocation_to_nobody},
    {"echo_covers_everything", echo_covers_everything},
    {"absent_party", absent_party},
    {"one_deadline", one_deadline},
    {"default_deadline", default_deadline},
    {"allocation_failures", allocation_failures},
    {"sixty_four_parties", sixty_four_parties},
};
TEST_MAIN(cases)
