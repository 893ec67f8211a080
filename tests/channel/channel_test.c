/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The conformance suite on the memory transport and on stacks of decorators; the inbox by itself.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "channel/inbox.h"
#include "channel/memory.h"
#include "channel_conformance.h"

static size_t queue_or_default(size_t queue_bytes)
{
    return queue_bytes != 0 ? queue_bytes : MEMORY_QUEUE_BYTES;
}

static whist_status make_memory(struct whist_channel **out, size_t n, int64_t timeout_ms,
                                size_t queue_bytes, struct whist_error *err)
{
    return whist_memory_new(out, n, queue_or_default(queue_bytes), false, timeout_ms, err);
}

static whist_status make_bare(struct whist_channel **out, size_t n, int64_t timeout_ms,
                              size_t queue_bytes, struct whist_error *err)
{
    return whist_memory_new(out, n, queue_or_default(queue_bytes), true, timeout_ms, err);
}

typedef whist_status (*decorate_fn)(struct whist_channel **ch, struct whist_error *err);

/* Decorates n channels; on error all are freed. */
static whist_status decorate(struct whist_channel **ch, size_t n, decorate_fn fn,
                             struct whist_error *err)
{
    for (size_t i = 0; i < n; i++) {
        whist_status st = fn(&ch[i], err);
        if (st != WHIST_OK) {
            ch[i] = NULL; /* the constructor has freed it */
            free_channels(ch, n);
            return st;
        }
    }
    return WHIST_OK;
}

static whist_status add_envelope(struct whist_channel **ch, struct whist_error *err)
{
    return whist_channel_envelope_new(ch, *ch, err);
}

static void swallow(void *ctx, whist_log_level level, const char *text)
{
    (void)ctx;
    CHECK(level == WHIST_LOG_TRACE && text[0] != '\0' && strchr(text, '\n') == NULL);
}

static whist_status add_trace(struct whist_channel **ch, struct whist_error *err)
{
    struct whist_log log = {.fn = swallow, .level = WHIST_LOG_TRACE};
    return whist_channel_trace_new(ch, *ch, &log, err);
}

static whist_status add_stats(struct whist_channel **ch, struct whist_error *err)
{
    return whist_channel_stats_new(ch, *ch, err);
}

static whist_status add_no_fault(struct whist_channel **ch, struct whist_error *err)
{
    struct whist_fault_plan plan = {.fault = WHIST_FAULT_NONE};
    return whist_channel_faulty_new(ch, *ch, &plan, err);
}

static whist_status make_envelope(struct whist_channel **out, size_t n, int64_t timeout_ms,
                                  size_t queue_bytes, struct whist_error *err)
{
    TRY(make_bare(out, n, timeout_ms, queue_bytes, err));
    return decorate(out, n, add_envelope, err);
}

/* All decorators that change nothing, above the memory transport. */
static whist_status make_decorated(struct whist_channel **out, size_t n, int64_t timeout_ms,
                                   size_t queue_bytes, struct whist_error *err)
{
    TRY(make_memory(out, n, timeout_ms, queue_bytes, err));
    TRY(decorate(out, n, add_no_fault, err));
    TRY(decorate(out, n, add_stats, err));
    return decorate(out, n, add_trace, err);
}

/* Decorators below and above an envelope: hooks and last words pass through those below. */
static whist_status make_stack(struct whist_channel **out, size_t n, int64_t timeout_ms,
                               size_t queue_bytes, struct whist_error *err)
{
    TRY(make_bare(out, n, timeout_ms, queue_bytes, err));
    TRY(decorate(out, n, add_trace, err));
    TRY(decorate(out, n, add_no_fault, err));
    TRY(decorate(out, n, add_stats, err));
    TRY(decorate(out, n, add_envelope, err));
    return decorate(out, n, add_stats, err);
}

static const struct conformance_channels memory = {.make = make_memory, .sweep_allocations = true};
static const struct conformance_channels bare = {
    .make = make_bare, .bare = true, .sweep_allocations = true};
static const struct conformance_channels envelope = {.make = make_envelope,
                                                     .sweep_allocations = true};
static const struct conformance_channels decorated = {.make = make_decorated,
                                                      .sweep_allocations = true};
static const struct conformance_channels stack = {.make = make_stack, .sweep_allocations = true};

CONFORMANCE_FUNCTIONS(memory, memory)
CONFORMANCE_FUNCTIONS(bare, bare)
CONFORMANCE_FUNCTIONS(envelope, envelope)
CONFORMANCE_FUNCTIONS(decorated, decorated)
CONFORMANCE_FUNCTIONS(stack, stack)

/* ---- Memory transport ---- */

static void memory_arguments(void)
{
    struct whist_channel *ch[WHIST_MAX_PARTIES + 1];
    struct whist_error err = {0};
    CHECK(whist_channel_memory_new(ch, 0, 1000, &err) == WHIST_ERR_ARGUMENT);
    CHECK(whist_channel_memory_new(ch, WHIST_MAX_PARTIES + 1, 1000, &err) == WHIST_ERR_ARGUMENT);
    CHECK(err.text[0] != '\0');
    CHECK(whist_channel_memory_new(ch, 2, 0, NULL) == WHIST_ERR_ARGUMENT);
    CHECK_OK(whist_channel_memory_new(ch, 1, 1000, &err), err);
    struct whist_buffer all[1] = {{0}};
    CHECK_OK(whist_echo_broadcast(ch[0], all, whist_bytes("me", 2), whist_bytes(NULL, 0), "one", 0,
                                  &err),
             err);
    CHECK(all[0].len == 2);
    whist_buffer_clear(&all[0]);
    CHECK_OK(whist_channel_close(ch[0], 0, &err), err);
    whist_channel_free(ch[0]);
}

/* Freed in every order, with messages queued both ways. */
static void memory_free_orders(void)
{
    static const size_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t o = 0; o < 6; o++) {
        struct whist_channel *ch[3];
        struct whist_error err = {0};
        CHECK_OK(whist_channel_memory_new(ch, 3, 1000, &err), err);
        for (size_t i = 0; i < 9; i++) {
            if (i / 3 != i % 3) {
                CHECK_OK(whist_channel_send(ch[i / 3], i % 3, whist_bytes("abc", 3), "x", 0, &err),
                         err);
            }
        }
        whist_channel_free(ch[orders[o][0]]);
        size_t gone = orders[o][0], left = orders[o][1];
        struct whist_buffer msg = {0};
        CHECK_OK(whist_channel_recv(ch[left], gone, &msg, "x", 0, &err), err);
        CHECK(msg.len == 3);
        CHECK(whist_channel_recv(ch[left], gone, &msg, "x", 0, &err) == WHIST_ERR_CLOSED);
        CHECK(err.peer == (int)gone);
        CHECK(whist_channel_send(ch[left], gone, whist_bytes("abc", 3), "x", 0, &err) ==
              WHIST_ERR_CLOSED);
        CHECK(err.peer == (int)gone);
        whist_channel_free(ch[left]);
        whist_channel_free(ch[orders[o][2]]);
    }
}

static void ends(struct whist_channel *ch, void *ctx)
{
    struct whist_error err = {0}, why = {.status = WHIST_ERR_CHECK};
    struct whist_buffer msg = {0};
    whist_status st = WHIST_OK;
    (void)ctx;
    if (whist_channel_me(ch) % 2 == 0) {
        whist_channel_abort(ch, &why);
        return;
    }
    while (st == WHIST_OK) {
        st = whist_channel_send(ch, 0, whist_bytes("abc", 3), "x", 0, &err);
    }
    CHECK(st == WHIST_ERR_ABORTED && (err.peer == 0 || err.peer == 2));
    CHECK(whist_channel_recv(ch, 2, &msg, "x", 0, &err) == WHIST_ERR_ABORTED);
}

/* A sender never sees a peer as merely closed while that peer's abort is on its way. */
static void memory_abort_races(void)
{
    for (long run = test_scale(300); run > 0; run--) {
        struct whist_channel *ch[4];
        struct whist_error err = {0};
        CHECK_OK(whist_channel_memory_new(ch, 4, 60000, &err), err);
        run_parties(ch, 4, ends, NULL);
        free_channels(ch, 4);
    }
}

struct blocked {
    struct whist_channel *ch;
    whist_status st;
    atomic_bool started;
};

static void *send_until_it_fails(void *arg)
{
    struct blocked *b = arg;
    struct whist_error err = {0};
    uint8_t body[1000] = {0};
    atomic_store(&b->started, true);
    while (b->st == WHIST_OK) {
        b->st = whist_channel_send(b->ch, 1, whist_bytes(body, sizeof body), "x", INT64_MAX, &err);
    }
    CHECK(err.peer == 1);
    return NULL;
}

/* Starts a thread that sends from ch[0] to party 1 until that fails; returns when there is no room.
 */
static pthread_t start_blocked(struct blocked *b, struct whist_channel *ch)
{
    struct whist_error err = {0};
    pthread_t thread;
    *b = (struct blocked){.ch = ch, .st = WHIST_OK};
    CHECK(pthread_create(&thread, NULL, send_until_it_fails, b) == 0);
    while (!atomic_load(&b->started) ||
           whist_channel_send(ch, 1, whist_bytes("x", 1), "x", 1, &err) == WHIST_OK) {
        sched_yield();
    }
    return thread;
}

/* Without messages about aborts, who sends to a party that has given up still does not wait. */
static void bare_sender_to_aborted(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    struct blocked b;
    CHECK_OK(whist_memory_new(ch, 2, 4096, true, 60000, &err), err);
    pthread_t thread = start_blocked(&b, ch[0]);
    whist_channel_abort(ch[1], NULL);
    pthread_join(thread, NULL);
    CHECK(b.st == WHIST_ERR_UNREACHABLE);
    free_channels(ch, 2);
}

static atomic_bool last_words_arrive;

/* Takes its time to act on the last words of a peer. */
static bool slow_to_abort(void *ctx, size_t from, struct whist_buffer *msg)
{
    struct whist_error why = {.status = WHIST_ERR_ABORTED, .peer = (int)from};
    atomic_store(&last_words_arrive, true);
    for (int i = 0; i < 1000; i++) {
        sched_yield();
    }
    whist_buffer_clear(msg);
    whist_channel_abort(ctx, &why);
    return true;
}

static void *abort_with_last_words(void *arg)
{
    struct whist_channel *ch = arg;
    struct whist_error why = {.status = WHIST_ERR_CHECK};
    ch->ops->abort_with(ch, &why, whist_bytes("last", 4));
    return NULL;
}

/* Who sends to a party that is just saying its last words hears them, not only that it has gone. */
static void bare_last_words_first(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    pthread_t thread;
    CHECK_OK(whist_memory_new(ch, 2, 4096, true, 60000, &err), err);
    ch[0]->ops->set_arrival_hook(ch[0], slow_to_abort, ch[0]);
    CHECK(pthread_create(&thread, NULL, abort_with_last_words, ch[1]) == 0);
    while (!atomic_load(&last_words_arrive)) {
        sched_yield();
    }
    CHECK(whist_channel_send(ch[0], 1, whist_bytes("x", 1), "x", 0, &err) == WHIST_ERR_ABORTED);
    pthread_join(thread, NULL);
    free_channels(ch, 2);
}

/* The peer closes or is freed while a send waits for room there. */
static void memory_close_ends_send(void)
{
    for (long run = test_scale(200); run > 0; run--) {
        struct whist_channel *ch[2];
        struct whist_error err = {0};
        struct blocked b;
        long kind = run % 4;
        CHECK_OK(whist_memory_new(ch, 2, 4096, kind / 2 == 1, 60000, &err), err);
        pthread_t thread = start_blocked(&b, ch[0]);
        if (kind % 2 == 0) {
            CHECK_OK(whist_channel_close(ch[1], 0, &err), err);
        } else {
            whist_channel_free(ch[1]);
        }
        pthread_join(thread, NULL);
        CHECK(b.st == WHIST_ERR_CLOSED);
        free_channels(ch, kind % 2 == 0 ? 2 : 1);
    }
}

/* ---- Inbox ---- */

static struct inbox box;
static size_t space_calls[4];

static void count_space(void *ctx, size_t from)
{
    (void)ctx;
    space_calls[from]++;
}

static inbox_result push(size_t from, size_t len, uint64_t seed)
{
    struct whist_buffer msg = {0};
    fill_pattern(&msg, len, seed);
    inbox_result r = whist_inbox_push(&box, from, &msg, "p");
    CHECK(r == INBOX_OK ? msg.data == NULL : has_pattern(&msg, len, seed));
    whist_buffer_clear(&msg);
    return r;
}

static void take(size_t from, size_t len, uint64_t seed)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    char phase[WHIST_MAX_PHASE + 1];
    CHECK_OK(whist_inbox_take(&box, from, &msg, phase, "p", 1, &err), err);
    CHECK(has_pattern(&msg, len, seed) && strcmp(phase, "p") == 0);
    whist_buffer_clear(&msg);
}

static void inbox_limits(void)
{
    struct whist_error err = {0};
    const size_t cost = 100 + INBOX_MESSAGE_COST;
    CHECK_OK(whist_inbox_init(&box, 4, 3 * cost, 5 * cost, count_space, NULL, &err), err);
    CHECK(push(0, 10000, 0) == INBOX_OK); /* always one */
    CHECK(push(0, 0, 1) == INBOX_FULL);
    CHECK(push(1, 100, 2) == INBOX_OK && push(1, 100, 3) == INBOX_FULL); /* over the total */
    CHECK(whist_inbox_pending(&box, 0) == 10000 + INBOX_MESSAGE_COST);
    take(0, 10000, 0);
    CHECK(space_calls[0] == 1 && space_calls[1] == 1 && space_calls[2] == 0);
    CHECK(push(0, 100, 4) == INBOX_OK && push(0, 100, 5) == INBOX_OK &&
          push(0, 100, 6) == INBOX_OK);
    CHECK(push(0, 0, 7) == INBOX_FULL); /* over its own */
    CHECK(push(1, 100, 8) == INBOX_OK && push(1, 0, 9) == INBOX_FULL &&
          push(1, 0, 9) == INBOX_FULL);
    CHECK(push(2, 100, 10) == INBOX_OK && push(3, 100, 11) == INBOX_OK); /* the first of each */
    take(2, 100, 10);
    take(3, 100, 11);
    CHECK(space_calls[0] == 1 && space_calls[1] == 1);
    take(0, 100, 4);
    CHECK(space_calls[0] == 2 && space_calls[1] == 2); /* once for each episode */
    take(0, 100, 5);
    CHECK(space_calls[0] == 2 && space_calls[1] == 2);
    take(1, 100, 2);
    take(1, 100, 8);
    take(0, 100, 6);
    CHECK(whist_inbox_pending(&box, 0) == 0 && whist_inbox_pending(&box, 1) == 0);
    struct whist_buffer big = {0};
    fill_pattern(&big, 100000, 1);
    CHECK(push(3, 1, 1) == INBOX_OK);
    CHECK(whist_inbox_push_urgent(&box, 3, &big, NULL) == INBOX_OK && big.data == NULL);
    whist_inbox_clear(&box);
}

static void inbox_precedence(void)
{
    struct whist_error err = {0}, why = {.status = WHIST_ERR_UNREACHABLE, .peer = 1};
    struct whist_buffer msg = {0};
    CHECK_OK(whist_inbox_init(&box, 3, 0, 0, NULL, NULL, &err), err);
    CHECK(push(1, 5, 1) == INBOX_OK && push(2, 5, 2) == INBOX_OK);
    CHECK(!whist_inbox_failed(&box, "x", &err));
    CHECK(whist_inbox_fail_peer(&box, 1, &why) && !whist_inbox_fail_peer(&box, 1, &why));
    CHECK(push(1, 5, 3) == INBOX_FAILED && push(2, 5, 4) == INBOX_OK);
    take(1, 5, 1); /* what had arrived */
    CHECK(whist_inbox_take(&box, 1, &msg, NULL, "x", 1, &err) == WHIST_ERR_UNREACHABLE);
    CHECK(err.peer == 1 && strcmp(err.phase, "x") == 0);
    CHECK(whist_inbox_take(&box, 0, &msg, NULL, "x", 1, &err) == WHIST_ERR_TIMEOUT);
    take(2, 5, 2);
    why = (struct whist_error){.status = WHIST_ERR_CHECK, .peer = 2, .phase = "theirs"};
    CHECK(whist_inbox_fail(&box, &why) && !whist_inbox_fail(&box, &why));
    for (size_t i = 0; i < 3; i++) {
        CHECK(whist_inbox_take(&box, i, &msg, NULL, "x", 1, &err) == WHIST_ERR_CHECK);
        CHECK(strcmp(err.phase, "theirs") == 0);
        CHECK(push(i, 1, 1) == INBOX_FAILED);
    }
    CHECK(whist_inbox_failed(&box, "x", &err) && err.status == WHIST_ERR_CHECK);
    whist_inbox_clear(&box);
}

/* A hook that consumes what starts with 'A'. */
static size_t hook_calls[4];

static bool consume_a(void *ctx, size_t from, struct whist_buffer *msg)
{
    CHECK(ctx == &box);
    hook_calls[from]++;
    if (msg->len != 0 && msg->data[0] == 'A') {
        whist_buffer_clear(msg);
        return true;
    }
    return false;
}

static void push_text(size_t from, const char *text, inbox_result want)
{
    struct whist_buffer msg = {0};
    CHECK(whist_buffer_append(&msg, text, strlen(text)) == WHIST_OK);
    CHECK(whist_inbox_push(&box, from, &msg, NULL) == want);
    whist_buffer_clear(&msg);
}

static void take_text(size_t from, const char *want)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_inbox_take(&box, from, &msg, NULL, "p", 1, &err), err);
    CHECK(msg.len == strlen(want) && memcmp(msg.data, want, msg.len) == 0);
    whist_buffer_clear(&msg);
}

static void inbox_hook(void)
{
    struct whist_error err = {0};
    CHECK_OK(whist_inbox_init(&box, 4, 2 * (INBOX_MESSAGE_COST + 2), 0, NULL, NULL, &err), err);
    push_text(0, "b1", INBOX_OK);
    push_text(0, "A1", INBOX_OK);
    push_text(1, "A2", INBOX_OK);
    whist_inbox_set_hook(&box, consume_a, &box);
    CHECK(hook_calls[0] == 2 && hook_calls[1] == 1 && hook_calls[2] == 0);
    CHECK(whist_inbox_pending(&box, 1) == 0);
    push_text(0, "b2", INBOX_OK);
    push_text(0, "b3", INBOX_FULL);
    push_text(0, "A3", INBOX_OK); /* no room is needed for what is consumed */
    CHECK(hook_calls[0] == 5);
    whist_inbox_set_hook(&box, NULL, NULL);
    take_text(0, "b1");
    push_text(0, "A4", INBOX_OK);
    take_text(0, "b2");
    take_text(0, "A4");
    CHECK(hook_calls[0] == 5);
    whist_inbox_clear(&box);
}

static atomic_bool in_hook, leave_hook, hook_is_off;

static bool slow_hook(void *ctx, size_t from, struct whist_buffer *msg)
{
    (void)ctx, (void)from, (void)msg;
    atomic_store(&in_hook, true);
    while (!atomic_load(&leave_hook)) {
        sched_yield();
    }
    CHECK(!atomic_load(&hook_is_off));
    return false;
}

static void *push_one(void *arg)
{
    (void)arg;
    CHECK(push(0, 1, 1) == INBOX_OK);
    return NULL;
}

static void *let_go(void *arg)
{
    (void)arg;
    atomic_store(&leave_hook, true);
    return NULL;
}

/* Taking the hook off waits for the one that runs. */
static void inbox_hook_ends(void)
{
    pthread_t pusher, releaser;
    struct whist_error err = {0};
    CHECK_OK(whist_inbox_init(&box, 1, 0, 0, NULL, NULL, &err), err);
    whist_inbox_set_hook(&box, slow_hook, NULL);
    CHECK(pthread_create(&pusher, NULL, push_one, NULL) == 0);
    while (!atomic_load(&in_hook)) {
        sched_yield();
    }
    CHECK(pthread_create(&releaser, NULL, let_go, NULL) == 0);
    whist_inbox_set_hook(&box, NULL, NULL);
    atomic_store(&hook_is_off, true);
    pthread_join(pusher, NULL);
    pthread_join(releaser, NULL);
    take(0, 1, 1);
    whist_inbox_clear(&box);
}

static void inbox_allocation_failures(void)
{
    struct whist_error err = {0};
    whist_alloc_fail_after(0);
    CHECK(whist_inbox_init(&box, 4, 0, 0, NULL, NULL, &err) == WHIST_ERR_NOMEM);
    whist_alloc_fail_after(-1);
    CHECK_OK(whist_inbox_init(&box, 4, 0, 0, NULL, NULL, &err), err);
    struct whist_buffer msg = {0};
    fill_pattern(&msg, 10, 1);
    whist_alloc_fail_after(0);
    CHECK(whist_inbox_push(&box, 0, &msg, "p") == INBOX_NOMEM);
    whist_alloc_fail_after(-1);
    CHECK(has_pattern(&msg, 10, 1) && whist_inbox_pending(&box, 0) == 0);
    CHECK(whist_inbox_push(&box, 0, &msg, "p") == INBOX_OK);
    take(0, 10, 1);
    whist_inbox_clear(&box);
}

static void abort_text(void)
{
    struct whist_error why = {.status = (whist_status)99, .peer = 3}, seen;
    memset(why.text, 'x', sizeof why.text - 1);
    why.text[0] = '\x7f';
    memset(why.phase, '\n', sizeof why.phase - 1);
    whist_abort_seen_by_peers(&seen, 7, &why);
    CHECK(seen.status == WHIST_ERR_ABORTED && seen.peer == 7);
    CHECK(strncmp(seen.text, "party 7 aborted (unknown): ?xxx", 31) == 0);
    CHECK(strlen(seen.text) < sizeof seen.text && seen.phase[0] == '?');
}

static const struct test_case cases[] = {
    CONFORMANCE_CASES(memory) CONFORMANCE_CASES(bare) CONFORMANCE_CASES(envelope)
        CONFORMANCE_CASES(decorated) CONFORMANCE_CASES(stack){"memory_arguments", memory_arguments},
    {"memory_free_orders", memory_free_orders},
    {"memory_abort_races", memory_abort_races},
    {"bare_sender_to_aborted", bare_sender_to_aborted},
    {"bare_last_words_first", bare_last_words_first},
    {"memory_close_ends_send", memory_close_ends_send},
    {"inbox_limits", inbox_limits},
    {"inbox_precedence", inbox_precedence},
    {"inbox_hook", inbox_hook},
    {"inbox_hook_ends", inbox_hook_ends},
    {"inbox_allocation_failures", inbox_allocation_failures},
    {"abort_text", abort_text},
};
TEST_MAIN(cases)
