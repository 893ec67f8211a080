/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Faulty, trace and statistics: what each adds to the conformance suite. */
#include <stdatomic.h>

#include "channel/inbox.h"
#include "channel/memory.h"
#include "channel_conformance.h"

#define LONG_MS 60000

static void make_pair(struct whist_channel *ch[2])
{
    struct whist_error err = {0};
    CHECK_OK(whist_channel_memory_new(ch, 2, LONG_MS, &err), err);
}

static void send_text(struct whist_channel *ch, size_t to, const char *text, whist_status want)
{
    struct whist_error err = {0};
    whist_status st = whist_channel_send(ch, to, whist_bytes(text, strlen(text)), "p", 0, &err);
    CHECK_MSG(st == want, "%s: %s", whist_status_name(st), err.text);
}

static void expect_bytes(struct whist_channel *ch, size_t from, const void *want, size_t len)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    CHECK_OK(whist_channel_recv(ch, from, &msg, "p", 0, &err), err);
    CHECK(msg.len == len && (len == 0 || memcmp(msg.data, want, len) == 0));
    whist_buffer_clear(&msg);
}

static void expect_text(struct whist_channel *ch, size_t from, const char *want)
{
    expect_bytes(ch, from, want, strlen(want));
}

static void expect_status(struct whist_channel *ch, size_t from, int64_t deadline_ms,
                          whist_status want)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    whist_status st = whist_channel_recv(ch, from, &msg, "p", deadline_ms, &err);
    CHECK_MSG(st == want, "%s: %s", whist_status_name(st), err.text);
    CHECK(err.text[0] != '\0' && msg.len == 0);
}

/* ---- Faulty ---- */

/* Two channels, the first with a fault at message `at`. */
static void make_faulty(struct whist_channel *ch[2], whist_fault fault, uint64_t at, uint64_t seed)
{
    struct whist_error err = {0};
    struct whist_fault_plan plan = {fault, at, seed};
    make_pair(ch);
    CHECK_OK(whist_channel_faulty_new(&ch[0], ch[0], &plan, &err), err);
    CHECK(ch[0]->framed && ch[0]->max_message == WHIST_MAX_MESSAGE);
    CHECK(whist_channel_faulty_sent(ch[0]) == 0);
}

static void faulty_drop(void)
{
    struct whist_channel *ch[2];
    make_faulty(ch, WHIST_FAULT_DROP, 1, 0);
    send_text(ch[0], 1, "one", WHIST_OK);
    send_text(ch[0], 1, "two", WHIST_OK);
    send_text(ch[0], 1, "three", WHIST_OK);
    CHECK(whist_channel_faulty_sent(ch[0]) == 3);
    expect_text(ch[1], 0, "one");
    expect_text(ch[1], 0, "three");
    expect_status(ch[1], 0, 1, WHIST_ERR_TIMEOUT);
    free_channels(ch, 2);
}

static void faulty_repeat(void)
{
    struct whist_channel *ch[2];
    make_faulty(ch, WHIST_FAULT_REPEAT, 1, 0);
    send_text(ch[0], 1, "one", WHIST_OK);
    send_text(ch[0], 1, "two", WHIST_OK);
    send_text(ch[0], 1, "three", WHIST_OK);
    CHECK(whist_channel_faulty_sent(ch[0]) == 3);
    expect_text(ch[1], 0, "one");
    expect_text(ch[1], 0, "two");
    expect_text(ch[1], 0, "two");
    expect_text(ch[1], 0, "three");
    free_channels(ch, 2);
}

static unsigned bits_between(const struct whist_buffer *a, const char *b)
{
    unsigned count = 0;
    for (size_t i = 0; i < a->len; i++) {
        for (unsigned x = a->data[i] ^ (uint8_t)b[i]; x != 0; x &= x - 1) {
            count++;
        }
    }
    return count;
}

/* What a fault that changes bytes makes of a text. */
static void changed(struct whist_buffer *out, whist_fault fault, const char *text, uint64_t seed)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    make_faulty(ch, fault, 0, seed);
    send_text(ch[0], 1, text, WHIST_OK);
    send_text(ch[0], 1, "same", WHIST_OK);
    CHECK_OK(whist_channel_recv(ch[1], 0, out, "p", 0, &err), err);
    expect_text(ch[1], 0, "same");
    free_channels(ch, 2);
}

static void faulty_bytes(void)
{
    const char *text = "some words";
    const size_t len = strlen(text);
    struct whist_buffer got = {0}, again = {0};
    uint32_t flipped = 0;
    for (uint64_t seed = 0; seed < 64; seed++) {
        changed(&got, WHIST_FAULT_FLIP, text, seed);
        CHECK(got.len == len && bits_between(&got, text) == 1);
        for (size_t i = 0; i < len; i++) {
            flipped |= (uint32_t)(got.data[i] != (uint8_t)text[i]) << i;
        }
        changed(&got, WHIST_FAULT_RANDOM, text, seed);
        CHECK(got.len == len && memcmp(got.data, text, len) != 0);
        changed(&again, WHIST_FAULT_RANDOM, text, seed);
        CHECK(memcmp(got.data, again.data, len) == 0);
    }
    for (uint64_t seed = 0; seed < 2000; seed++) { /* some of them would draw an x */
        changed(&got, WHIST_FAULT_RANDOM, "x", seed);
        CHECK(got.len == 1 && got.data[0] != 'x');
    }
    CHECK(flipped == (1u << len) - 1); /* every byte is hit by some seed */
    changed(&got, WHIST_FAULT_TRUNCATE, text, 0);
    CHECK(got.len == len - 1 && memcmp(got.data, text, len - 1) == 0);
    changed(&got, WHIST_FAULT_EXTEND, text, 0);
    CHECK(got.len == len + 1 && memcmp(got.data, text, len) == 0);
    changed(&got, WHIST_FAULT_ZERO, text, 0);
    CHECK(got.len == len && got.data[0] == 0 && memcmp(got.data, got.data + 1, len - 1) == 0);
    for (whist_fault f = WHIST_FAULT_FLIP; f <= WHIST_FAULT_RANDOM; f++) {
        if (f != WHIST_FAULT_REPEAT) {
            changed(&got, f, "", 1);
            CHECK(got.len == (f == WHIST_FAULT_EXTEND));
        }
    }
    whist_buffer_clear(&got);
    whist_buffer_clear(&again);
}

static void faulty_delay(void)
{
    struct whist_channel *ch[3];
    struct whist_error err = {0};
    struct whist_fault_plan plan = {WHIST_FAULT_DELAY, 1, 0};
    CHECK_OK(whist_channel_memory_new(ch, 3, LONG_MS, &err), err);
    CHECK_OK(whist_channel_faulty_new(&ch[0], ch[0], &plan, &err), err);
    send_text(ch[0], 1, "one", WHIST_OK);
    send_text(ch[0], 1, "two", WHIST_OK);
    send_text(ch[0], 2, "other", WHIST_OK);
    expect_text(ch[2], 0, "other");
    expect_text(ch[1], 0, "one");
    expect_status(ch[1], 0, 1, WHIST_ERR_TIMEOUT);
    send_text(ch[0], 1, "three", WHIST_OK);
    send_text(ch[0], 1, "four", WHIST_OK);
    expect_text(ch[1], 0, "three");
    expect_text(ch[1], 0, "two");
    expect_text(ch[1], 0, "four");
    free_channels(ch, 3);
    /* With no later message it goes out at the end; without a close it is lost. */
    for (int closes = 0; closes < 2; closes++) {
        struct whist_channel *two[2];
        make_faulty(two, WHIST_FAULT_DELAY, 0, 0);
        send_text(two[0], 1, "last", WHIST_OK);
        if (closes != 0) {
            CHECK_OK(whist_channel_close(two[0], 0, &err), err);
            expect_text(two[1], 0, "last");
        }
        whist_channel_free(two[0]);
        expect_status(two[1], 0, 0, WHIST_ERR_CLOSED);
        whist_channel_free(two[1]);
    }
}

static void faulty_cut(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    make_faulty(ch, WHIST_FAULT_CUT, 1, 0);
    send_text(ch[1], 0, "back", WHIST_OK);
    send_text(ch[0], 1, "one", WHIST_OK);
    send_text(ch[0], 1, "two", WHIST_ERR_CLOSED);
    send_text(ch[0], 1, "three", WHIST_ERR_CLOSED);
    expect_status(ch[0], 1, 0, WHIST_ERR_CLOSED);
    CHECK(whist_channel_close(ch[0], 0, &err) == WHIST_ERR_CLOSED);
    whist_channel_abort(ch[0], NULL);
    expect_text(ch[1], 0, "one");
    expect_status(ch[1], 0, 0, WHIST_ERR_CLOSED); /* nobody waits for ever, nor hears an abort */
    free_channels(ch, 2);
}

static void faulty_too_long(void)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    make_faulty(ch, WHIST_FAULT_EXTEND, 0, 0);
    fill_pattern(&msg, WHIST_MAX_MESSAGE, 1);
    CHECK(whist_channel_send_owned(ch[0], 1, &msg, "p", 0, &err) == WHIST_ERR_LIMIT);
    free_channels(ch, 2);
}

/* ---- Trace ---- */

static char lines[8][512];
static size_t n_lines;

static void keep_line(void *ctx, whist_log_level level, const char *text)
{
    CHECK(ctx == lines && level == WHIST_LOG_TRACE && n_lines < 8);
    snprintf(lines[n_lines++], sizeof lines[0], "%s", text);
}

static void expect_line(size_t i, const char *begin, const char *end)
{
    CHECK(i < n_lines);
    size_t len = strlen(lines[i]);
    CHECK_MSG(strncmp(lines[i], begin, strlen(begin)) == 0, "%s", lines[i]);
    CHECK_MSG(len >= strlen(end) && strcmp(lines[i] + len - strlen(end), end) == 0, "%s", lines[i]);
}

static void trace_lines(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    struct whist_log log = {keep_line, lines, WHIST_LOG_TRACE};
    make_pair(ch);
    CHECK_OK(whist_channel_trace_new(&ch[0], ch[0], &log, &err), err);
    log.fn = NULL; /* the decorator has its own copy */
    send_text(ch[0], 1, "four", WHIST_OK);
    send_text(ch[1], 0, "seven..", WHIST_OK);
    expect_text(ch[0], 1, "seven..");
    expect_status(ch[0], 1, 1, WHIST_ERR_TIMEOUT);
    CHECK_OK(whist_channel_close(ch[0], 0, &err), err);
    struct whist_error why = {.status = WHIST_ERR_CHECK, .phase = "q", .text = "bad\nline"};
    whist_channel_abort(ch[0], &why);
    CHECK(n_lines == 5);
    expect_line(0, "party 0: send to 1, phase p, 4 bytes, ", " us: ok");
    expect_line(1, "party 0: recv from 1, phase p, 7 bytes, ", " us: ok");
    expect_line(2, "party 0: recv from 1, phase p, 0 bytes, ", " us: timeout");
    expect_line(3, "party 0: close, ", " us: ok");
    expect_line(4, "party 0: abort, phase q: check: bad?line", "line");
    free_channels(ch, 2);
}

static void trace_off(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    struct whist_log log = {keep_line, lines, WHIST_LOG_DEBUG};
    make_pair(ch);
    CHECK_OK(whist_channel_trace_new(&ch[0], ch[0], &log, &err), err);
    log.fn = NULL;
    CHECK_OK(whist_channel_trace_new(&ch[1], ch[1], &log, &err), err);
    send_text(ch[0], 1, "x", WHIST_OK);
    expect_text(ch[1], 0, "x");
    CHECK_OK(whist_channel_close(ch[0], 0, &err), err);
    CHECK(n_lines == 0);
    free_channels(ch, 2);
}

/* ---- Statistics ---- */

enum { S_PARTIES = 4, S_PHASES = 5 };

/* The application's own counts of what one party sent, by phase and receiver. */
struct own_counts {
    uint64_t messages[S_PHASES][S_PARTIES], bytes[S_PHASES][S_PARTIES];
};

static const char *const phase_names[S_PHASES] = {"hello", "cot", "triples", "garble", "output"};

/* A size and whether there is a message at all: the same for sender and receiver. */
static size_t planned(size_t phase, size_t from, size_t to, size_t k)
{
    size_t r = phase * 7919 + from * 104729 + to * 1299709 + k * 15485863;
    return r % 3 == 0 ? SIZE_MAX : r / 3 % 5000;
}

static void stats_party(struct whist_channel *ch, void *ctx)
{
    struct own_counts *own = (struct own_counts *)ctx + ch->me;
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    for (size_t i = 0; i < (size_t)S_PHASES * S_PARTIES * 20; i++) {
        size_t phase = i / 20 / S_PARTIES, peer = i / 20 % S_PARTIES, k = i % 20;
        size_t len = planned(phase, ch->me, peer, k);
        if (peer != ch->me && len != SIZE_MAX) {
            fill_pattern(&msg, len, i);
            CHECK_OK(
                whist_channel_send(ch, peer, whist_buffer_view(&msg), phase_names[phase], 0, &err),
                err);
            own->messages[phase][peer]++;
            own->bytes[phase][peer] += len;
        }
    }
    for (size_t i = 0; i < (size_t)S_PHASES * S_PARTIES * 20; i++) {
        size_t phase = i / 20 / S_PARTIES, peer = i / 20 % S_PARTIES, k = i % 20;
        if (peer != ch->me && planned(phase, peer, ch->me, k) != SIZE_MAX) {
            CHECK_OK(whist_channel_recv(ch, peer, &msg, phase_names[phase], 0, &err), err);
        }
    }
    whist_buffer_clear(&msg);
}

static size_t phase_index(const char *name)
{
    for (size_t i = 0; i < S_PHASES; i++) {
        if (strcmp(phase_names[i], name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void stats_equal_own_counts(void)
{
    static struct own_counts own[S_PARTIES];
    struct whist_channel *ch[S_PARTIES];
    struct whist_error err = {0};
    CHECK_OK(whist_channel_memory_new(ch, S_PARTIES, LONG_MS, &err), err);
    CHECK(whist_channel_stats(ch[0], NULL, 0) == 0);
    int64_t start_ns = whist_now_ns();
    for (size_t i = 0; i < S_PARTIES; i++) {
        CHECK_OK(whist_channel_stats_new(&ch[i], ch[i], &err), err);
        CHECK(whist_channel_stats(ch[i], NULL, 0) == 0);
    }
    run_parties(ch, S_PARTIES, stats_party, own);
    for (size_t i = 0; i < S_PARTIES; i++) {
        struct whist_stats_row rows[S_PARTIES * S_PHASES];
        size_t n = whist_channel_stats(ch[i], rows, S_PARTIES * S_PHASES);
        CHECK(n == (S_PARTIES - 1) * S_PHASES && whist_channel_stats(ch[i], NULL, 0) == n);
        uint64_t rounds = 0, wait_ns = 0, time_ns = 0;
        for (size_t r = 0; r < n; r++) {
            size_t phase = phase_index(rows[r].phase), peer = rows[r].peer;
            CHECK(phase < S_PHASES && peer < S_PARTIES && peer != i);
            CHECK(rows[r].messages_sent == own[i].messages[phase][peer]);
            CHECK(rows[r].bytes_sent == own[i].bytes[phase][peer]);
            CHECK(rows[r].messages_received == own[peer].messages[phase][i]);
            CHECK(rows[r].bytes_received == own[peer].bytes[phase][i]);
            rounds += rows[r].rounds;
            wait_ns += rows[r].wait_ns;
            time_ns += rows[r].time_ns;
        }
        CHECK(rounds == 1); /* all sends came before all receives */
        CHECK(wait_ns <= time_ns && time_ns <= (uint64_t)(whist_now_ns() - start_ns));
    }
    free_channels(ch, S_PARTIES);
}

static uint64_t rounds_of(const struct whist_channel *ch, const char *phase)
{
    struct whist_stats_row rows[64];
    size_t n = whist_channel_stats(ch, rows, 64);
    uint64_t rounds = 0;
    for (size_t i = 0; i < n && i < 64; i++) {
        rounds += strcmp(rows[i].phase, phase) == 0 ? rows[i].rounds : 0;
    }
    return rounds;
}

static void rounds_party(struct whist_channel *ch, void *ctx)
{
    struct whist_buffer in[S_PARTIES] = {{0}};
    struct whist_bytes out[S_PARTIES];
    struct whist_error err = {0};
    (void)ctx;
    for (size_t i = 0; i < S_PARTIES; i++) {
        out[i] = whist_bytes("abc", 3);
    }
    for (int k = 0; k < 3; k++) {
        CHECK_OK(whist_exchange(ch, in, out, "exchange", 0, &err), err);
    }
    CHECK_OK(whist_echo_broadcast(ch, in, out[0], out[0], "echo", 0, &err), err);
    for (int k = 0; k < 5; k++) { /* one way: the root never waits, the others never send */
        CHECK_OK(whist_broadcast(ch, 2, &in[0], out[0], "stream", 0, &err), err);
    }
    for (size_t i = 0; i < S_PARTIES; i++) {
        whist_buffer_clear(&in[i]);
    }
}

static void stats_rounds(void)
{
    struct whist_channel *ch[S_PARTIES];
    struct whist_error err = {0};
    CHECK_OK(whist_channel_memory_new(ch, S_PARTIES, LONG_MS, &err), err);
    for (size_t i = 0; i < S_PARTIES; i++) {
        CHECK_OK(whist_channel_stats_new(&ch[i], ch[i], &err), err);
    }
    run_parties(ch, S_PARTIES, rounds_party, NULL);
    for (size_t i = 0; i < S_PARTIES; i++) {
        CHECK(rounds_of(ch[i], "exchange") == 3 && rounds_of(ch[i], "echo") == 2);
        CHECK(rounds_of(ch[i], "stream") == 0);
    }
    free_channels(ch, S_PARTIES);
}

/* Failed calls count no messages; waiting that ended in a timeout is waiting. */
static void stats_failed_calls(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    struct whist_stats_row row = {0};
    make_pair(ch);
    CHECK_OK(whist_channel_stats_new(&ch[0], ch[0], &err), err);
    expect_status(ch[0], 1, whist_clock_ms() + 5, WHIST_ERR_TIMEOUT);
    CHECK(whist_channel_stats(ch[0], &row, 1) == 1);
    CHECK(row.wait_ns > 0 && row.messages_received == 0 && row.rounds == 0);
    whist_channel_free(ch[1]);
    send_text(ch[0], 1, "x", WHIST_ERR_CLOSED);
    CHECK(whist_channel_stats(ch[0], &row, 1) == 1);
    CHECK(row.messages_sent == 0 && row.bytes_sent == 0 && row.peer == 1);
    whist_channel_free(ch[0]);
}

/* ---- Constructors without memory free what they took ---- */

static void constructors_without_memory(void)
{
    struct whist_error err = {0};
    struct whist_fault_plan plan = {0};
    struct whist_log log = {0};
    for (int kind = 0; kind < 4; kind++) {
        struct whist_channel *ch[2], *none = NULL;
        whist_status st;
        CHECK_OK(whist_memory_new(ch, 2, 1000, kind == 3, LONG_MS, &err), err);
        whist_alloc_fail_after(0);
        st = kind == 0   ? whist_channel_faulty_new(&none, ch[0], &plan, &err)
             : kind == 1 ? whist_channel_trace_new(&none, ch[0], &log, &err)
             : kind == 2 ? whist_channel_stats_new(&none, ch[0], &err)
                         : whist_channel_envelope_new(&none, ch[0], &err);
        whist_alloc_fail_after(-1);
        CHECK(st == WHIST_ERR_NOMEM && none == NULL && err.text[0] != '\0');
        expect_status(ch[1], 0, 0, WHIST_ERR_CLOSED); /* the peer sees that it was freed */
        whist_channel_free(ch[1]);
    }
}

static const struct test_case cases[] = {
    {"faulty_drop", faulty_drop},
    {"faulty_repeat", faulty_repeat},
    {"faulty_bytes", faulty_bytes},
    {"faulty_delay", faulty_delay},
    {"faulty_cut", faulty_cut},
    {"faulty_too_long", faulty_too_long},
    {"trace_lines", trace_lines},
    {"trace_off", trace_off},
    {"stats_equal_own_counts", stats_equal_own_counts},
    {"stats_rounds", stats_rounds},
    {"stats_failed_calls", stats_failed_calls},
    {"constructors_without_memory", constructors_without_memory},
};
TEST_MAIN(cases)
