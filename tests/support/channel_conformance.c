/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel_conformance.h"

#include <pthread.h>
#include <stdatomic.h>

/* Long enough that a case which reaches it has failed. */
#define LONG_MS 60000

/* ---- Helpers ---- */

struct party_thread {
    pthread_t thread;
    struct whist_channel *ch;
    void (*fn)(struct whist_channel *ch, void *ctx);
    void *ctx;
};

static void *party_main(void *arg)
{
    struct party_thread *t = arg;
    t->fn(t->ch, t->ctx);
    return NULL;
}

static void start_party(struct party_thread *t)
{
    CHECK(pthread_create(&t->thread, NULL, party_main, t) == 0);
}

void run_parties(struct whist_channel *const *ch, size_t n,
                 void (*fn)(struct whist_channel *ch, void *ctx), void *ctx)
{
    struct party_thread t[WHIST_MAX_PARTIES];
    for (size_t i = 0; i < n; i++) {
        t[i] = (struct party_thread){.ch = ch[i], .fn = fn, .ctx = ctx};
        start_party(&t[i]);
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(t[i].thread, NULL);
    }
}

void make_channels(const struct conformance_channels *c, struct whist_channel **out, size_t n,
                   int64_t timeout_ms, size_t queue_bytes)
{
    struct whist_error err = {0};
    CHECK_OK(c->make(out, n, timeout_ms, queue_bytes, &err), err);
    for (size_t i = 0; i < n; i++) {
        CHECK(whist_channel_parties(out[i]) == n && whist_channel_me(out[i]) == i);
    }
}

void free_channels(struct whist_channel **ch, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        whist_channel_free(ch[i]);
    }
}

/* xorshift64 over the seed: different for neighbours, quick for megabytes. */
static uint64_t mixed(uint64_t seed)
{
    uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15;
    return x != 0 ? x : 1;
}

static uint64_t step(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

void fill_pattern(struct whist_buffer *buf, size_t len, uint64_t seed)
{
    CHECK(whist_buffer_resize(buf, len) == WHIST_OK);
    uint64_t x = mixed(seed);
    for (size_t i = 0; i < len; i++) {
        x = i % 8 == 0 ? step(x) : x;
        buf->data[i] = (uint8_t)(x >> (8 * (i % 8)));
    }
}

bool has_pattern(const struct whist_buffer *buf, size_t len, uint64_t seed)
{
    uint64_t x = mixed(seed);
    bool same = buf->len == len;
    for (size_t i = 0; same && i < len; i++) {
        x = i % 8 == 0 ? step(x) : x;
        same = buf->data[i] == (uint8_t)(x >> (8 * (i % 8)));
    }
    return same;
}

static void send_pattern(struct whist_channel *ch, size_t to, size_t len, uint64_t seed,
                         const char *phase)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    fill_pattern(&msg, len, seed);
    CHECK_OK(whist_channel_send(ch, to, whist_buffer_view(&msg), phase, 0, &err), err);
    whist_buffer_clear(&msg);
}

static void expect_pattern(struct whist_channel *ch, size_t from, size_t len, uint64_t seed,
                           const char *phase)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_channel_recv(ch, from, &msg, phase, 0, &err), err);
    CHECK_MSG(has_pattern(&msg, len, seed), "message of %zu bytes, seed %llu", len,
              (unsigned long long)seed);
    whist_buffer_clear(&msg);
}

/* ---- Order and sizes ---- */

/* Sizes that vary without a pattern the transport could lean on. */
static size_t some_size(uint64_t seed)
{
    uint64_t r = step(mixed(seed ^ 0xabcdef));
    return r % 16 == 0 ? r / 16 % 70000 : r / 16 % 300;
}

static void order_party(struct whist_channel *ch, void *ctx)
{
    const long count = *(const long *)ctx;
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);
    for (long k = 0; k < count; k++) {
        for (size_t p = 0; p < n; p++) {
            uint64_t seed = (uint64_t)k * 4096 + me * 64 + p;
            if (p != me) {
                send_pattern(ch, p, some_size(seed), seed, "order");
            }
        }
    }
    for (size_t p = 0; p < n; p++) {
        for (long k = 0; p != me && k < count; k++) {
            uint64_t seed = (uint64_t)k * 4096 + p * 64 + me;
            expect_pattern(ch, p, some_size(seed), seed, "order");
        }
    }
}

void conformance_in_order(const struct conformance_channels *c)
{
    struct whist_channel *ch[3];
    long count = test_scale(1000);
    make_channels(c, ch, 3, LONG_MS, 0);
    run_parties(ch, 3, order_party, &count);
    free_channels(ch, 3);
}

/* A transport without a limit is tried with what takes several POSTs. */
#define NO_LIMIT ((size_t)1 << 30)

static size_t longest(const struct whist_channel *ch)
{
    return ch->max_message < NO_LIMIT ? ch->max_message : 3 * WHIST_MAX_MESSAGE + 12345;
}

static void sizes_party(struct whist_channel *ch, void *ctx)
{
    size_t max = longest(ch);
    (void)ctx;
    const size_t sizes[] = {0,    1,     2,     15,      16,      17,         255,     256, 1023,
                            1024, 65535, 65536, 1 << 20, max - 1, max - 1024, max - 7, max, 0};
    size_t n = sizeof sizes / sizeof sizes[0];
    size_t peer = 1 - whist_channel_me(ch);
    for (size_t i = 0; i < n; i++) {
        send_pattern(ch, peer, sizes[i], i * 2 + peer, "sizes");
        expect_pattern(ch, peer, sizes[i], i * 2 + 1 - peer, "sizes");
    }
}

void conformance_sizes(const struct conformance_channels *c)
{
    struct whist_channel *ch[2];
    make_channels(c, ch, 2, LONG_MS, 0);
    CHECK(ch[0]->max_message >= WHIST_MAX_MESSAGE - 64);
    run_parties(ch, 2, sizes_party, NULL);
    free_channels(ch, 2);
}

void conformance_too_long(const struct conformance_channels *c)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    char number[32];
    make_channels(c, ch, 2, LONG_MS, 0);
    size_t max = ch[0]->max_message;
    if (max >= NO_LIMIT) {
        free_channels(ch, 2); /* to exit beside running threads is a race */
        SKIP("this transport carries messages of any length");
    }
    fill_pattern(&msg, max + 1, 1);
    CHECK(whist_channel_send(ch[0], 1, whist_buffer_view(&msg), "big", 0, &err) == WHIST_ERR_LIMIT);
    CHECK(err.status == WHIST_ERR_LIMIT && err.peer == 1 && strcmp(err.phase, "big") == 0);
    snprintf(number, sizeof number, "%zu", max);
    CHECK_MSG(strstr(err.text, number) != NULL, "%s", err.text);
    CHECK(whist_channel_send_owned(ch[0], 1, &msg, "big", 0, &err) == WHIST_ERR_LIMIT);
    CHECK(msg.data == NULL && msg.len == 0);
    /* Nothing was sent, and the channel works. */
    send_pattern(ch[0], 1, 5, 2, "small");
    expect_pattern(ch[1], 0, 5, 2, "small");
    free_channels(ch, 2);
}

void conformance_owned(const struct conformance_channels *c)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    make_channels(c, ch, 2, LONG_MS, 0);
    for (size_t extra = 0; extra <= 200; extra += 20) {
        struct whist_buffer msg = {0};
        CHECK(whist_buffer_reserve(&msg, 100 + extra) == WHIST_OK);
        fill_pattern(&msg, 100, extra);
        CHECK_OK(whist_channel_send_owned(ch[1], 0, &msg, "owned", 0, &err), err);
        CHECK(msg.data == NULL && msg.len == 0 && msg.cap == 0);
    }
    struct whist_buffer got = {0};
    fill_pattern(&got, 50, 9); /* what is in the output is dropped */
    for (size_t extra = 0; extra <= 200; extra += 20) {
        CHECK_OK(whist_channel_recv(ch[0], 1, &got, "owned", 0, &err), err);
        CHECK(has_pattern(&got, 100, extra));
    }
    whist_buffer_clear(&got);
    free_channels(ch, 2);
}

/* ---- Threads ---- */

enum { T_PARTIES = 3, T_SENDERS = 4, T_RECEIVERS = 2 };

struct traffic {
    struct whist_channel *ch;
    size_t peer, worker;
    long count;         /* messages of each sender thread */
    atomic_uchar *seen; /* receivers of one (receiver, sender): T_SENDERS × count */
    atomic_long *left;  /* messages that the receivers still have to take */
};

static void *traffic_sender(void *arg)
{
    struct traffic *t = arg;
    for (long k = 0; k < t->count; k++) {
        uint64_t id = (uint64_t)k * T_SENDERS + t->worker;
        struct whist_buffer msg = {0};
        struct whist_error err = {0};
        fill_pattern(&msg, 8 + some_size(id) % 200, id);
        put_le64(msg.data, id);
        CHECK_OK(whist_channel_send_owned(t->ch, t->peer, &msg, "threads", 0, &err), err);
    }
    return NULL;
}

static void *traffic_receiver(void *arg)
{
    struct traffic *t = arg;
    int64_t last[T_SENDERS] = {-1, -1, -1, -1};
    while (atomic_fetch_sub(t->left, 1) > 0) {
        struct whist_buffer msg = {0}, want = {0};
        struct whist_error err = {0};
        CHECK_OK(whist_channel_recv(t->ch, t->peer, &msg, "threads", 0, &err), err);
        CHECK(msg.len >= 8);
        uint64_t id = get_le64(msg.data);
        CHECK(id < (uint64_t)t->count * T_SENDERS);
        fill_pattern(&want, 8 + some_size(id) % 200, id);
        put_le64(want.data, id);
        CHECK(msg.len == want.len && memcmp(msg.data, want.data, want.len) == 0);
        CHECK(atomic_fetch_add(&t->seen[id], 1) == 0);           /* exactly once */
        CHECK(last[id % T_SENDERS] < (int64_t)(id / T_SENDERS)); /* in the order of its thread */
        last[id % T_SENDERS] = (int64_t)(id / T_SENDERS);
        whist_buffer_clear(&msg);
        whist_buffer_clear(&want);
    }
    return NULL;
}

/* All threads of one party: T_SENDERS to and T_RECEIVERS from each peer. */
static void traffic_party(struct whist_channel *ch, void *ctx)
{
    const long count = *(const long *)ctx;
    enum { PER_PEER = T_SENDERS + T_RECEIVERS, ALL = PER_PEER * T_PARTIES };
    pthread_t threads[ALL];
    struct traffic work[ALL];
    atomic_long left[T_PARTIES];
    atomic_uchar *seen[T_PARTIES] = {NULL};
    size_t n = 0;
    for (size_t p = 0; p < T_PARTIES; p++) {
        seen[p] = calloc((size_t)count * T_SENDERS, sizeof *seen[p]);
        CHECK(seen[p] != NULL);
        atomic_init(&left[p], count * T_SENDERS);
        for (size_t w = 0; p != whist_channel_me(ch) && w < PER_PEER; w++, n++) {
            work[n] = (struct traffic){ch, p, w, count, seen[p], &left[p]};
            CHECK(pthread_create(&threads[n], NULL,
                                 w < T_SENDERS ? traffic_sender : traffic_receiver, &work[n]) == 0);
        }
    }
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
    }
    for (size_t p = 0; p < T_PARTIES; p++) {
        for (long k = 0; p != whist_channel_me(ch) && k < count * T_SENDERS; k++) {
            CHECK(atomic_load(&seen[p][k]) == 1);
        }
        free(seen[p]);
    }
}

void conformance_many_threads(const struct conformance_channels *c)
{
    struct whist_channel *ch[T_PARTIES];
    long count = test_scale(500);
    make_channels(c, ch, T_PARTIES, LONG_MS, 0);
    run_parties(ch, T_PARTIES, traffic_party, &count);
    free_channels(ch, T_PARTIES);
}

/* ---- Deadlines ---- */

static void expect_timeout(struct whist_channel *ch, size_t from, int64_t deadline_ms)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK(whist_channel_recv(ch, from, &msg, "late", deadline_ms, &err) == WHIST_ERR_TIMEOUT);
    CHECK(err.status == WHIST_ERR_TIMEOUT && err.peer == (int)from);
    CHECK(strcmp(err.phase, "late") == 0 && err.text[0] != '\0' && msg.len == 0);
}

void conformance_deadlines(const struct conformance_channels *c)
{
    struct whist_channel *ch[3];
    make_channels(c, ch, 3, 30, 0);
    int64_t start = whist_clock_ms();
    expect_timeout(ch[0], 1, start + 20);
    CHECK(whist_clock_ms() >= start + 20);
    start = whist_clock_ms();
    expect_timeout(ch[0], 1, WHIST_DEADLINE_DEFAULT);
    CHECK(whist_clock_ms() >= start + 30);
    expect_timeout(ch[0], 1, -5);
    expect_timeout(ch[0], 1, 1);
    /* The others' messages do not move the deadline, and what timed out is delivered later. */
    send_pattern(ch[2], 0, 10, 20, "late");
    expect_timeout(ch[0], 1, whist_clock_ms() + 20);
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    send_pattern(ch[1], 0, 10, 1, "late");
    send_pattern(ch[1], 0, 11, 2, "late");
    for (uint64_t k = 1; k <= 2; k++) {
        CHECK_OK(whist_channel_recv(ch[0], 1, &msg, "late", INT64_MAX, &err), err);
        CHECK(has_pattern(&msg, 9 + (size_t)k, k));
    }
    CHECK_OK(whist_channel_recv(ch[0], 2, &msg, "late", INT64_MAX, &err), err);
    CHECK(has_pattern(&msg, 10, 20));
    whist_buffer_clear(&msg);
    free_channels(ch, 3);
}

void conformance_phase_mismatch(const struct conformance_channels *c)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    if (c->bare) {
        SKIP("this transport knows no phases");
    }
    make_channels(c, ch, 2, LONG_MS, 0);
    send_pattern(ch[0], 1, 4, 1, "input.masks");
    CHECK(whist_channel_recv(ch[1], 0, &msg, "output.shares", 0, &err) == WHIST_ERR_PROTOCOL);
    CHECK(err.peer == 0 && strcmp(err.phase, "output.shares") == 0 && msg.len == 0);
    CHECK_MSG(strstr(err.text, "input.masks") != NULL && strstr(err.text, "output.shares") != NULL,
              "%s", err.text);
    free_channels(ch, 2);
}

/* ---- Aborts ---- */

struct abort_watch {
    atomic_int seen;
};

static void expect_abort_of_1(whist_status st, const struct whist_error *err)
{
    CHECK_MSG(st == WHIST_ERR_ABORTED, "%s: %s", whist_status_name(st), err->text);
    CHECK(err->status == st && err->peer == 1 && strcmp(err->phase, "triples.check") == 0);
    CHECK_MSG(strstr(err->text, "MAC of row 7") != NULL && strstr(err->text, "party 1") != NULL,
              "%s", err->text);
}

/* Everybody but party 1 waits for the next other party, which never sends. */
static void abort_party(struct whist_channel *ch, void *ctx)
{
    struct abort_watch *watch = ctx;
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);
    if (me == 1) {
        struct whist_error why = {.status = WHIST_ERR_CHECK, .peer = 2};
        snprintf(why.phase, sizeof why.phase, "triples.check");
        snprintf(why.text, sizeof why.text, "MAC of row 7 does not hold\n\x1b[31m");
        whist_channel_abort(ch, &why);
        CHECK(whist_channel_recv(ch, 0, &msg, "any", 0, &err) == WHIST_ERR_CHECK);
        CHECK(strcmp(err.phase, "triples.check") == 0);
        CHECK(whist_channel_send(ch, 0, whist_bytes("x", 1), "any", 0, &err) == WHIST_ERR_CHECK);
        CHECK(whist_channel_close(ch, 0, &err) == WHIST_ERR_CHECK);
        return;
    }
    size_t other = (me + 1) % n == 1 ? (me + 2) % n : (me + 1) % n;
    whist_status st = whist_channel_recv(ch, other, &msg, "any", 0, &err);
    expect_abort_of_1(st, &err);
    CHECK(strchr(err.text, '\n') == NULL && strchr(err.text, '\x1b') == NULL);
    expect_abort_of_1(whist_channel_recv(ch, 1, &msg, "any", 0, &err), &err);
    expect_abort_of_1(whist_channel_send(ch, other, whist_bytes("x", 1), "any", 0, &err), &err);
    atomic_fetch_add(&watch->seen, 1);
}

void conformance_abort_wakes_all(const struct conformance_channels *c)
{
    struct whist_channel *ch[5];
    if (c->bare) {
        SKIP("this transport carries no aborts");
    }
    for (long run = test_scale(20); run > 0; run--) {
        struct abort_watch watch = {0};
        make_channels(c, ch, 5, LONG_MS, 0);
        /* What is queued is not delivered after the abort. */
        send_pattern(ch[1], 0, 3, 1, "any");
        struct whist_buffer msg = {0};
        struct whist_error err = {0};
        CHECK_OK(whist_channel_recv(ch[0], 1, &msg, "any", 0, &err), err);
        whist_buffer_clear(&msg);
        run_parties(ch, 5, abort_party, &watch);
        CHECK(atomic_load(&watch.seen) == 4);
        free_channels(ch, 5);
    }
}

void conformance_first_abort_counts(const struct conformance_channels *c)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0}, why = {.status = WHIST_ERR_FORMAT, .peer = WHIST_NO_PEER};
    make_channels(c, ch, 2, LONG_MS, 0);
    snprintf(why.text, sizeof why.text, "first");
    whist_channel_abort(ch[0], &why);
    why.status = WHIST_ERR_CHECK;
    snprintf(why.text, sizeof why.text, "second");
    whist_channel_abort(ch[0], &why);
    CHECK(whist_channel_recv(ch[0], 1, &msg, "x", 0, &err) == WHIST_ERR_FORMAT);
    CHECK(strcmp(err.text, "first") == 0 && strcmp(err.phase, "x") == 0);
    if (!c->bare) {
        whist_status st = whist_channel_recv(ch[1], 0, &msg, "x", 0, &err);
        CHECK_MSG(st == WHIST_ERR_ABORTED, "%s: %s", whist_status_name(st), err.text);
        CHECK(err.peer == 0 && strstr(err.text, "first") != NULL);
        /* A party that has heard an abort adds none of its own. */
        whist_channel_abort(ch[1], &why);
        CHECK(whist_channel_recv(ch[1], 0, &msg, "x", 0, &err) == WHIST_ERR_ABORTED);
    }
    free_channels(ch, 2);
}

struct blocked_call {
    struct whist_channel *ch;
    atomic_bool started;
    whist_status st;
    struct whist_error err;
};

static void *blocked_recv(void *arg)
{
    struct blocked_call *b = arg;
    struct whist_buffer msg = {0};
    atomic_store(&b->started, true);
    b->st = whist_channel_recv(b->ch, 1, &msg, "wait", INT64_MAX, &b->err);
    whist_buffer_clear(&msg);
    return NULL;
}

static void *blocked_send(void *arg)
{
    struct blocked_call *b = arg;
    struct whist_buffer msg = {0};
    fill_pattern(&msg, 60000, 0);
    atomic_store(&b->started, true);
    do {
        b->st = whist_channel_send(b->ch, 1, whist_buffer_view(&msg), "wait", INT64_MAX, &b->err);
    } while (b->st == WHIST_OK);
    whist_buffer_clear(&msg);
    return NULL;
}

/* Threads of party 0 are in `call`, which only an abort by party `by` ends, with `want`. */
static void end_blocked(const struct conformance_channels *c, void *(*call)(void *), size_t by,
                        whist_status want)
{
    const size_t threads = 4;
    struct whist_channel *ch[2];
    struct blocked_call b[4] = {{0}};
    pthread_t t[4];
    make_channels(c, ch, 2, LONG_MS, 1 << 16);
    for (size_t i = 0; i < threads; i++) {
        b[i].ch = ch[0];
        CHECK(pthread_create(&t[i], NULL, call, &b[i]) == 0);
    }
    for (size_t i = 0; i < threads; i++) {
        while (!atomic_load(&b[i].started)) {
            sched_yield();
        }
    }
    whist_channel_abort(ch[by], NULL);
    for (size_t i = 0; i < threads; i++) {
        pthread_join(t[i], NULL);
        CHECK_MSG(b[i].st == want && b[i].err.status == want, "%s: %s", whist_status_name(b[i].st),
                  b[i].err.text);
        CHECK(b[i].err.peer == (by == 0 ? WHIST_NO_PEER : 1) && b[i].err.text[0] != '\0');
    }
    free_channels(ch, 2);
}

void conformance_cancel_receive(const struct conformance_channels *c)
{
    for (long run = test_scale(20); run > 0; run--) {
        end_blocked(c, blocked_recv, 0, WHIST_ERR_CANCELLED);
    }
}

void conformance_cancel_send(const struct conformance_channels *c)
{
    for (long run = test_scale(20); run > 0; run--) {
        end_blocked(c, blocked_send, 0, WHIST_ERR_CANCELLED);
    }
}

/* The peer to whom party 0 sends, and which receives nothing, aborts. */
void conformance_abort_ends_send(const struct conformance_channels *c)
{
    if (c->bare) {
        SKIP("this transport carries no aborts");
    }
    for (long run = test_scale(60); run > 0; run--) {
        end_blocked(c, blocked_send, 1, WHIST_ERR_ABORTED);
    }
}

/* ---- Full queues ---- */

void conformance_window_full(const struct conformance_channels *c)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    const size_t len = 10000, window = 1 << 16;
    size_t sent = 0, most = (window + c->window_slack) / len + 4;
    whist_status st = WHIST_OK;
    make_channels(c, ch, 2, LONG_MS, window);
    while (st == WHIST_OK) {
        struct whist_buffer msg = {0};
        fill_pattern(&msg, len, sent);
        st = whist_channel_send_owned(ch[0], 1, &msg, "fill", whist_clock_ms() + 30, &err);
        sent += st == WHIST_OK;
        CHECK_MSG(sent <= most, "%zu messages of %zu bytes went into a window of %zu", sent, len,
                  window);
    }
    CHECK_MSG(st == WHIST_ERR_WINDOW_FULL, "%s: %s", whist_status_name(st), err.text);
    CHECK(err.peer == 1 && strcmp(err.phase, "fill") == 0 && sent >= window / len / 2);
    /* The other direction is not held up, what was refused was not sent, and there is room again.
     */
    send_pattern(ch[1], 0, 7, 7, "back");
    expect_pattern(ch[0], 1, 7, 7, "back");
    for (size_t k = 0; k < sent; k++) {
        expect_pattern(ch[1], 0, len, k, "fill");
    }
    send_pattern(ch[0], 1, 8, 8, "after");
    expect_pattern(ch[1], 0, 8, 8, "after");
    free_channels(ch, 2);
}

/* ---- Ends ---- */

static void close_party(struct whist_channel *ch, void *ctx)
{
    const struct conformance_channels *c = ctx;
    struct whist_error err = {0};
    struct whist_buffer msg = {0};
    if (whist_channel_me(ch) == 0) {
        for (uint64_t k = 0; k < 50; k++) {
            send_pattern(ch, 1, 1000, k, "last");
        }
        CHECK_OK(whist_channel_close(ch, 0, &err), err);
        CHECK(whist_channel_send(ch, 1, whist_bytes("x", 1), "x", 0, &err) == WHIST_ERR_CLOSED);
        CHECK(whist_channel_recv(ch, 1, &msg, "x", 0, &err) == WHIST_ERR_CLOSED);
        CHECK(whist_channel_close(ch, 0, &err) == WHIST_ERR_CLOSED && err.text[0] != '\0');
        return;
    }
    for (uint64_t k = 0; k < 50; k++) {
        expect_pattern(ch, 0, 1000, k, "last");
    }
    if (!c->bare) {
        for (int again = 0; again < 2; again++) {
            CHECK(whist_channel_recv(ch, 0, &msg, "more", 0, &err) == WHIST_ERR_CLOSED);
            CHECK_MSG(err.peer == 0 && strcmp(err.phase, "more") == 0 &&
                          strstr(err.text, "party 0") != NULL,
                      "%s", err.text);
        }
    }
    CHECK_OK(whist_channel_close(ch, 0, &err), err);
}

void conformance_close_delivers(const struct conformance_channels *c)
{
    struct whist_channel *ch[2];
    make_channels(c, ch, 2, LONG_MS, 0);
    run_parties(ch, 2, close_party, (void *)c);
    free_channels(ch, 2);
}

static void last_word_party(struct whist_channel *ch, void *ctx)
{
    struct whist_error err = {0};
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);
    (void)ctx;
    for (size_t p = 0; p < n; p++) {
        if (p != me) {
            send_pattern(ch, p, 100, p, "end");
        }
    }
    for (size_t p = 0; p < n; p++) {
        if (p != me) {
            expect_pattern(ch, p, 100, me, "end");
        }
    }
    CHECK_OK(whist_channel_close(ch, 0, &err), err);
}

void conformance_close_both_ways(const struct conformance_channels *c)
{
    struct whist_channel *ch[3];
    for (long run = test_scale(30); run > 0; run--) {
        make_channels(c, ch, 3, LONG_MS, 0);
        run_parties(ch, 3, last_word_party, NULL);
        free_channels(ch, 3);
    }
}

void conformance_free_without_close(const struct conformance_channels *c)
{
    struct whist_channel *ch[3];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    make_channels(c, ch, 3, LONG_MS, 0);
    send_pattern(ch[0], 1, 1000, 1, "x");
    send_pattern(ch[2], 1, 1000, 2, "x");
    expect_pattern(ch[1], 2, 1000, 2, "x");
    whist_channel_free(ch[2]);
    expect_pattern(ch[1], 0, 1000, 1, "x");
    send_pattern(ch[1], 0, 10, 3, "x");
    expect_pattern(ch[0], 1, 10, 3, "x");
    CHECK(whist_channel_recv(ch[0], 1, &msg, "x", 1, &err) == WHIST_ERR_TIMEOUT);
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
    whist_channel_free(NULL);
}

/* ---- Collectives ---- */

static void clear_n(struct whist_buffer *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        whist_buffer_clear(&b[i]);
    }
}

/* Message of party `from` to party `to` (n: to all). */
static struct whist_bytes word(struct whist_buffer *keep, size_t from, size_t to)
{
    uint64_t seed = from * 100 + to;
    fill_pattern(keep, some_size(seed), seed);
    return whist_buffer_view(keep);
}

static bool is_word(const struct whist_buffer *b, size_t from, size_t to)
{
    uint64_t seed = from * 100 + to;
    return has_pattern(b, some_size(seed), seed);
}

static void exchange_all(struct whist_channel *ch)
{
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);
    struct whist_buffer keep[WHIST_MAX_PARTIES] = {{0}}, in[WHIST_MAX_PARTIES] = {{0}};
    struct whist_bytes out[WHIST_MAX_PARTIES] = {{0}};
    struct whist_error err = {0};
    for (size_t p = 0; p < n; p++) {
        out[p] = word(&keep[p], me, p);
    }
    CHECK_OK(whist_exchange(ch, in, out, "exchange", 0, &err), err);
    for (size_t p = 0; p < n; p++) {
        CHECK(p == me ? in[p].len == 0 : is_word(&in[p], p, me));
    }
    clear_n(keep, n);
    clear_n(in, n);
}

static void rooted(struct whist_channel *ch, size_t root)
{
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);
    struct whist_buffer keep[WHIST_MAX_PARTIES] = {{0}}, in[WHIST_MAX_PARTIES] = {{0}};
    struct whist_bytes out[WHIST_MAX_PARTIES] = {{0}};
    struct whist_buffer one = {0};
    struct whist_error err = {0};
    for (size_t p = 0; p < n; p++) {
        out[p] = word(&keep[p], root, p);
    }
    CHECK_OK(whist_scatter(ch, root, &one, me == root ? out : NULL, "scatter", 0, &err), err);
    CHECK(is_word(&one, root, me));
    CHECK_OK(
        whist_broadcast(ch, root, &one, me == root ? out[0] : whist_bytes(NULL, 0), "all", 0, &err),
        err);
    CHECK(is_word(&one, root, 0));
    clear_n(keep, n);
    CHECK_OK(whist_gather(ch, root, in, word(&keep[0], me, n), "gather", 0, &err), err);
    for (size_t p = 0; p < n; p++) {
        CHECK(me != root ? in[p].len == 0 : is_word(&in[p], p, n));
    }
    whist_buffer_clear(&one);
    clear_n(keep, n);
    clear_n(in, n);
}

static void echo_all(struct whist_channel *ch)
{
    size_t n = whist_channel_parties(ch), me = whist_channel_me(ch);
    struct whist_buffer keep = {0}, all[WHIST_MAX_PARTIES] = {{0}};
    struct whist_error err = {0};
    CHECK_OK(
        whist_echo_broadcast(ch, all, word(&keep, me, n), whist_bytes("ctx", 3), "echo", 0, &err),
        err);
    for (size_t p = 0; p < n; p++) {
        CHECK(is_word(&all[p], p, n));
    }
    whist_buffer_clear(&keep);
    clear_n(all, n);
}

static void collectives_party(struct whist_channel *ch, void *ctx)
{
    (void)ctx;
    exchange_all(ch);
    for (size_t root = 0; root < whist_channel_parties(ch); root++) {
        rooted(ch, root);
    }
    echo_all(ch);
    exchange_all(ch);
}

void conformance_collectives(const struct conformance_channels *c)
{
    const size_t sizes[] = {2, 3, 5, 16};
    for (size_t i = 0; i < 4; i++) {
        struct whist_channel *ch[16];
        make_channels(c, ch, sizes[i], LONG_MS, 0);
        run_parties(ch, sizes[i], collectives_party, NULL);
        free_channels(ch, sizes[i]);
    }
}

/* ---- Allocation failures ---- */

/* A short conversation in one thread; stops at the first error. Two parties see the same bytes or
 * an error, whatever fails. */
static whist_status conversation(const struct conformance_channels *c, struct whist_error *err)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0}, got = {0};
    TRY(c->make(ch, 2, 200, 0, err));
    whist_status st = whist_channel_send(ch[0], 1, whist_bytes("hello", 5), "one", 0, err);
    if (st == WHIST_OK) {
        st = whist_channel_recv(ch[1], 0, &got, "one", 0, err);
        CHECK(st != WHIST_OK || (got.len == 5 && memcmp(got.data, "hello", 5) == 0));
    }
    if (st == WHIST_OK) {
        st = whist_buffer_append(&msg, "back again", 10);
        err->status = st;
    }
    if (st == WHIST_OK) {
        st = whist_channel_send_owned(ch[1], 0, &msg, "two", 0, err);
    }
    if (st == WHIST_OK) {
        st = whist_channel_recv(ch[0], 1, &got, "two", 0, err);
        CHECK(st != WHIST_OK || (got.len == 10 && memcmp(got.data, "back again", 10) == 0));
    }
    if (st == WHIST_ERR_NOMEM) {
        whist_channel_abort(ch[0], err);
        CHECK(whist_channel_recv(ch[0], 1, &got, "x", 0, NULL) == WHIST_ERR_NOMEM);
    }
    whist_buffer_clear(&msg);
    whist_buffer_clear(&got);
    free_channels(ch, 2);
    return st;
}

void conformance_allocation_failures(const struct conformance_channels *c)
{
    struct whist_error err = {0};
    whist_status st = WHIST_ERR_NOMEM;
    if (!c->sweep_allocations) {
        SKIP("other threads allocate too");
    }
    for (long k = 0; st != WHIST_OK; k++) {
        CHECK_MSG(k < 1000, "still failing: %s", err.text);
        whist_alloc_fail_after(k);
        st = conversation(c, &err);
        whist_alloc_fail_after(-1);
        CHECK_MSG(st == WHIST_OK || st == WHIST_ERR_NOMEM, "allocation %ld: %s: %s", k,
                  whist_status_name(st), err.text);
    }
    CHECK_OK(conversation(c, &err), err);
}
