/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native links: messages, POSTs, windows. */
#include "delivery_pair.h"

#define MIB ((size_t)1 << 20)

/* ---- Options ---- */

static void refuses(struct delivery_options o, const char *part)
{
    struct delivery *d = NULL;
    struct whist_error err;
    CHECK(whist_delivery_new(&d, &o, 1, &err) == WHIST_ERR_ARGUMENT);
    CHECK_MSG(strstr(err.text, part) != NULL, "%s", err.text);
    CHECK(d == NULL);
}

static void options(void)
{
    struct pair p;
    pair_init(&p);
    struct delivery_options good = p.opt[1], o;
#define BAD(field, value, part) (o = good, o.field = (value), refuses(o, part))
    BAD(n, 1, "n");
    BAD(n, WHIST_MAX_PARTIES + 1, "n");
    BAD(me, 3, "me or peer");
    BAD(peer, 3, "me or peer");
    BAD(peer, 1, "me or peer");
    BAD(epoch, 0, "epoch");
    BAD(heartbeat_ms, -1, "time");
    BAD(dead_ms, -5, "time");
    BAD(answer_ms, (int64_t)1 << 40, "time");
    BAD(post_bytes, 511, "post_bytes");
    BAD(post_bytes, WHIST_POST_LIMIT + 1, "post_bytes");
    BAD(coalesce_bytes, 2 * MIB, "coalesce_bytes");
    BAD(depth, WHIST_DEPTH_MAX + 1, "depth");
    BAD(window_bytes, SIZE_MAX, "window_bytes");
    BAD(outbox_bytes, SIZE_MAX, "outbox_bytes");
    o = good;
    o.retry_min_ms = 20;
    o.retry_max_ms = 10;
    refuses(o, "time"); /* shorter than the shortest */
}

/* ---- Messages ---- */

static void both_ways(void)
{
    struct pair p;
    pair_open(&p);
    pair_send(&p, 1, 0, 0, "a");
    pair_send(&p, 1, 1, 7, "a");
    pair_send(&p, 2, 70000, 9, "");
    pair_send(&p, 1, 5000, 8, "b");
    pair_shuttle(&p);
    pair_take(&p, 2, 0, 0, "a");
    pair_take(&p, 2, 1, 7, "a");
    pair_take(&p, 2, 5000, 8, "b");
    pair_take(&p, 1, 70000, 9, "");
    CHECK(pair_try_take(&p, 1, "a") == WHIST_ERR_TIMEOUT);
    CHECK(!whist_delivery_readable(p.d[1]));
    struct delivery_stats a, b;
    whist_delivery_stats(p.d[1], &a);
    whist_delivery_stats(p.d[2], &b);
    CHECK(a.messages_sent == 3 && a.payload_sent == 5001 && a.messages_received == 1 &&
          a.payload_received == 70000);
    CHECK(b.messages_received == 3 && b.payload_received == 5001);
    CHECK(a.body_sent + b.body_sent == a.body_received + b.body_received);
    CHECK(a.frames_sent == b.frames_received &&
          a.posts_sent + b.posts_sent == a.posts_received + b.posts_received);
    CHECK(a.outbox_now == 0 && b.inbox_now == 0 && a.posts_lost == 0 && a.refused == 0);
    pair_free(&p);
}

/* POSTs in any order, each twice: the messages come once, in order. */
static void any_order(void)
{
    for (unsigned order = 0; order < 256; order++) {
        struct pair p;
        struct carried c[4];
        pair_open(&p);
        for (uint8_t i = 0; i < 4; i++) {
            pair_send(&p, 1, 100, i, "x");
            p.now++; /* more than two wait for others to share their POST, for a moment */
            CHECK(pair_post(&p, 1, &c[i]));
        }
        bool seen[4] = {false};
        for (unsigned k = 0; k < 4; k++) {
            unsigned which = order >> (2 * k) & 3;
            CHECK(pair_arrive(&p, &c[which]).status == 200);
            seen[which] = true;
        }
        uint8_t n = 0;
        while (n < 4 && seen[n]) {
            pair_take(&p, 2, 100, n++, "x");
        }
        CHECK(pair_try_take(&p, 2, "x") == WHIST_ERR_TIMEOUT);
        for (unsigned i = 0; i < 4; i++) {
            pair_carry(&p, &c[i]);
        }
        while (n < 4) {
            pair_take(&p, 2, 100, n++, "x");
        }
        CHECK(pair_try_take(&p, 2, "x") == WHIST_ERR_TIMEOUT);
        CHECK(p.d[1]->outbox == 0 && p.d[2]->n_early == 0);
        pair_free(&p);
    }
}

/* A take without a message consumes nothing, whatever else arrives: the next one gets the message
 * that was due. */
static void late_message(void)
{
    struct pair p;
    struct carried c[3];
    pair_open(&p);
    for (uint8_t i = 0; i < 3; i++) {
        pair_send(&p, 1, 10, i, "x");
        p.now++;
        CHECK(pair_post(&p, 1, &c[i]));
    }
    whist_delivery_wait_begin(p.d[2], p.now, "x");
    pair_carry(&p, &c[1]);
    pair_carry(&p, &c[2]);
    p.now += 1000;
    CHECK(pair_try_take(&p, 2, "x") == WHIST_ERR_TIMEOUT);
    whist_delivery_wait_end(p.d[2], p.now);
    p.now += 200;
    pair_carry(&p, &c[0]);
    for (uint8_t i = 0; i < 3; i++) {
        pair_take(&p, 2, 10, i, "x");
    }
    pair_free(&p);
}

/* ---- POSTs ---- */

/* While two POSTs are in flight a small message waits a millisecond for others, unless somebody
 * waits for an answer. */
static void small_ones_wait(void)
{
    struct pair p;
    struct carried c[3], more;
    pair_open(&p);
    for (unsigned i = 0; i < 2; i++) {
        pair_send(&p, 1, 10, (uint8_t)i, "x");
        CHECK(pair_post(&p, 1, &c[i]));
    }
    pair_send(&p, 1, 10, 2, "x");
    CHECK(!whist_delivery_wants_post(p.d[1], p.now) && !pair_post(&p, 1, &more));
    CHECK(whist_delivery_next_deadline(p.d[1]) == p.now + 1);
    whist_delivery_wait_begin(p.d[1], p.now, "x");
    CHECK(pair_post(&p, 1, &c[2]));
    whist_delivery_wait_end(p.d[1], p.now);
    pair_send(&p, 1, 10, 3, "x");
    CHECK(!pair_post(&p, 1, &more));
    p.now++;
    CHECK(pair_post(&p, 1, &more));
    pair_carry(&p, &c[0]);
    pair_carry(&p, &c[1]);
    pair_carry(&p, &c[2]);
    pair_carry(&p, &more);
    for (uint8_t i = 0; i < 4; i++) {
        pair_take(&p, 2, 10, i, "x");
    }
    pair_free(&p);
}

static void small_ones_share(void)
{
    struct pair p;
    struct carried c;
    pair_open(&p);
    for (unsigned i = 0; i < 2000; i++) {
        pair_send(&p, 1, 64, (uint8_t)i, "chunk.cot");
    }
    size_t n = 0, bytes = 0;
    while (pair_post(&p, 1, &c)) {
        CHECK(c.body.len <= 65536);
        bytes += c.body.len;
        n++;
        pair_carry(&p, &c);
    }
    CHECK_MSG(n == 3, "%zu", n); /* 144 KB */
    CHECK_MSG(bytes < 2000 * 72 + 3 * 200, "%zu", bytes);
    for (unsigned i = 0; i < 2000; i++) {
        pair_take(&p, 2, 64, (uint8_t)i, "chunk.cot");
    }
    pair_free(&p);
}

/* The body of a POST shows the message itself, and becomes the message. */
static void nothing_is_copied(void)
{
    struct pair p;
    struct delivery_post post;
    struct whist_buffer msg = {0}, body = {0}, got = {0};
    struct delivery_answer a;
    pair_open(&p);
    CHECK(whist_buffer_resize(&msg, 200000) == WHIST_OK);
    memset(msg.data, 3, msg.len);
    const uint8_t *sent = msg.data;
    CHECK_OK(whist_delivery_send(p.d[1], p.now, &msg, "x", &p.err), p.err);
    CHECK(whist_delivery_next_post(p.d[1], p.now, &post));
    CHECK(post.parts[0].data == sent && post.parts[0].len == 200000);
    for (size_t i = 0; i < post.n_parts; i++) {
        CHECK(whist_buffer_append(&body, post.parts[i].data, post.parts[i].len) == WHIST_OK);
    }
    const uint8_t *came = body.data;
    whist_delivery_request(p.d[2], p.now, &body, &a);
    CHECK_OK(whist_delivery_take(p.d[2], p.now, &got, "x", &p.err), p.err);
    CHECK(got.data == came && got.len == 200000);
    whist_buffer_clear(&got);
    pair_free(&p);
}

static void long_ones_split(void)
{
    struct pair p;
    struct carried c;
    size_t n = 0;
    pair_open(&p);
    pair_send(&p, 1, 5 * MIB, 1, "big");
    pair_send(&p, 1, 3, 2, "small");
    while (pair_post(&p, 1, &c)) {
        CHECK(c.body_len == (n < 5 ? 1048576 : c.body.len)); /* the rest is for the head */
        CHECK(pair_carry(&p, &c) == 200);
        n++;
    }
    CHECK_MSG(n == 6, "%zu", n);
    pair_take(&p, 2, 5 * MIB, 1, "big");
    pair_take(&p, 2, 3, 2, "small");
    pair_free(&p);
}

static void depth(void)
{
    struct pair p;
    struct carried c[4];
    pair_init(&p);
    p.opt[1].depth = 3;
    pair_start(&p);
    pair_shuttle(&p);
    for (unsigned i = 0; i < 3; i++) {
        pair_send(&p, 1, 40000, 0, "x");
        CHECK(pair_post(&p, 1, &c[i]));
    }
    pair_send(&p, 1, 40000, 0, "x");
    CHECK(!pair_post(&p, 1, &c[3]));
    pair_carry(&p, &c[1]);
    CHECK(pair_post(&p, 1, &c[3])); /* answered, although not acknowledged */
    pair_carry(&p, &c[0]);
    pair_carry(&p, &c[2]);
    pair_carry(&p, &c[3]);
    pair_free(&p);
}

static void from_hex(struct whist_buffer *out, const char *hex)
{
    for (; *hex != '\0'; hex += hex[0] == ' ' ? 1 : 2) {
        unsigned v;
        if (hex[0] != ' ') {
            CHECK(sscanf(hex, "%2x", &v) == 1);
            CHECK(whist_buffer_append(out, (uint8_t[]){(uint8_t)v}, 1) == WHIST_OK);
        }
    }
}

/* The example of docs/wire.md. */
static void documented_example(void)
{
    struct pair p;
    struct carried c;
    struct whist_buffer hi = {0}, expected = {0}, answer = {0};
    pair_init(&p);
    for (size_t i = 1; i <= 2; i++) {
        p.opt[i].epoch = 0x1111111111111111u * i;
        p.opt[i].window_bytes = 65536;
    }
    pair_start(&p);
    pair_shuttle(&p);
    from_hex(&hi, "6869");
    CHECK_OK(whist_delivery_send(p.d[1], p.now, &hi, "x", &p.err), p.err);
    pair_send(&p, 1, 0, 0, "x");
    CHECK(pair_post(&p, 1, &c));
    from_hex(&expected, "6869 01 03 01 00 02000000 78 01 03 ff 00 00000000 "
                        "1111111111111111 2222222222222222 0000000000000000 0000000000000000 "
                        "0000000000000000 0000010000000000 02000000 11000000 0100 0200 02 00 "
                        "000000000000 574853 01");
    CHECK(c.body.len == expected.len && memcmp(c.body.data, expected.data, expected.len) == 0);
    struct delivery_answer a = pair_arrive(&p, &c);
    from_hex(&answer, "574853 01 01 00 0000 2222222222222222 1111111111111111 0201000000000000 "
                      "0000010000000000");
    CHECK(a.status == 200 && a.len == answer.len && memcmp(a.body, answer.data, a.len) == 0);
    pair_answer(&p, &c, &a);
    whist_buffer_clear(&expected);
    whist_buffer_clear(&answer);
    pair_free(&p);
}

/* The first hello goes out before anything, and messages only after it was answered. */
static void agreement_first(void)
{
    struct pair p;
    struct carried c, more;
    pair_init(&p);
    pair_start(&p);
    pair_send(&p, 1, 10, 1, "x");
    CHECK(pair_post(&p, 1, &c));
    CHECK(c.body.len == HELLO_LEN + POST_TAIL_LEN && c.body.data[HELLO_LEN + 60] == POST_HELLO);
    CHECK(!pair_post(&p, 1, &more));
    struct delivery_answer a = pair_arrive(&p, &c);
    CHECK(!pair_post(&p, 1, &more) && !whist_delivery_connected(p.d[2]));
    pair_answer(&p, &c, &a);
    CHECK(whist_delivery_connected(p.d[1]));
    CHECK(pair_post(&p, 1, &c));
    CHECK(pair_carry(&p, &c) == 200);
    CHECK(whist_delivery_connected(p.d[2])); /* who knows our run had an answer to its hello */
    pair_take(&p, 2, 10, 1, "x");
    pair_free(&p);
}

/* ---- Outbox and window ---- */

static void outbox(void)
{
    struct pair p;
    struct whist_buffer msg = {0};
    pair_init(&p);
    p.opt[1].outbox_bytes = 1000;
    pair_start(&p);
    CHECK(whist_delivery_writable(p.d[1], 1 << 30)); /* one message of any size */
    pair_send(&p, 1, 5000, 1, "x");
    CHECK(!whist_delivery_writable(p.d[1], 0));
    CHECK(whist_buffer_resize(&msg, 10) == WHIST_OK);
    CHECK(whist_delivery_send(p.d[1], p.now, &msg, "x", &p.err) == WHIST_ERR_WINDOW_FULL);
    CHECK(msg.len == 10);
    whist_buffer_clear(&msg);
    pair_shuttle(&p);
    CHECK(whist_delivery_writable(p.d[1], 5000));
    pair_send(&p, 1, 1000 - 2 * WHIST_FRAME_COST - 1, 1, "x");
    CHECK(whist_delivery_writable(p.d[1], 1) && !whist_delivery_writable(p.d[1], 2));
    CHECK(!whist_delivery_writable(p.d[1], SIZE_MAX));
    CHECK(!whist_delivery_roomy(p.d[1], 1)); /* an eighth is not free */
    pair_shuttle(&p);
    CHECK(whist_delivery_roomy(p.d[1], 1) && whist_delivery_roomy(p.d[1], 5000));
    pair_send(&p, 1, 1000 - 2 * WHIST_FRAME_COST - 124, 1, "x"); /* 124 + 128 are free */
    CHECK(whist_delivery_writable(p.d[1], 124) && !whist_delivery_roomy(p.d[1], 1));
    pair_free(&p);
}

/* Nobody takes: the sender stops at the window; each taken quarter of it opens it again, by a POST
 * of the receiver. No answer is ever held. */
static void credit(void)
{
    struct pair p;
    struct carried c;
    struct delivery_stats stats;
    pair_init(&p);
    p.opt[2].window_bytes = 40000;
    p.opt[1].coalesce_bytes = 256;
    pair_start(&p);
    pair_shuttle(&p);
    for (unsigned i = 0; i < 200; i++) {
        pair_send(&p, 1, 872, (uint8_t)i, "x"); /* weight 1,000 */
    }
    pair_shuttle(&p);
    CHECK(p.d[1]->out_position == 40000 && p.d[2]->in_next == 40000);
    whist_delivery_stats(p.d[1], &stats);
    CHECK(stats.credit_stalls == 1);
    for (unsigned i = 0; i < 9; i++) {
        pair_take(&p, 2, 872, (uint8_t)i, "x");
        CHECK(!pair_post(&p, 2, &c));
    }
    pair_take(&p, 2, 872, 9, "x");
    CHECK(pair_post(&p, 2, &c));
    CHECK(c.body.len == POST_TAIL_LEN && pair_carry(&p, &c) == 200);
    CHECK(!pair_post(&p, 2, &c));
    pair_shuttle(&p);
    CHECK(p.d[1]->out_position == 50000);
    for (unsigned i = 10; i < 200; i++) {
        pair_take(&p, 2, 872, (uint8_t)i, "x");
        pair_shuttle(&p);
    }
    CHECK(p.d[1]->outbox == 0);
    pair_free(&p);
}

/* Credit that answers have told needs no POST, and what an overtaken answer says is old. */
static void credit_in_answers(void)
{
    struct pair p;
    struct carried c[2];
    struct delivery_answer a[2];
    pair_init(&p);
    p.opt[2].window_bytes = 40000;
    pair_start(&p);
    pair_shuttle(&p);
    for (unsigned i = 0; i < 100; i++) {
        pair_send(&p, 1, 872, (uint8_t)i, "x");
        CHECK(pair_post(&p, 1, &c[0]) && pair_carry(&p, &c[0]) == 200);
        pair_take(&p, 2, 872, (uint8_t)i, "x");
        CHECK(!pair_post(&p, 2, &c[0]));
    }
    for (unsigned i = 0; i < 2; i++) {
        pair_send(&p, 1, 872, 1, "x");
        CHECK(pair_post(&p, 1, &c[i]));
        a[i] = pair_arrive(&p, &c[i]);
        pair_take(&p, 2, 872, 1, "x");
    }
    pair_answer(&p, &c[1], &a[1]);
    uint64_t told = p.d[1]->out_credit;
    pair_answer(&p, &c[0], &a[0]);
    CHECK(told == 101000 + 40000 && p.d[1]->out_credit == told);
    CHECK(p.d[1]->out_acked == 102000);
    pair_free(&p);
}

/* With one POST missing the others go on, but not without end. */
static void one_missing(void)
{
    struct pair p;
    struct carried first, c;
    size_t n = 1;
    pair_open(&p);
    for (unsigned i = 0; i < 300; i++) {
        pair_send(&p, 1, 40000, (uint8_t)i, "x");
    }
    CHECK(pair_post(&p, 1, &first));
    while (pair_post(&p, 1, &c)) {
        CHECK(pair_carry(&p, &c) == 200);
        n++;
    }
    CHECK_MSG(n == SEGMENTS_MAX, "%zu", n);
    pair_carry(&p, &first);
    pair_shuttle(&p);
    for (unsigned i = 0; i < 300; i++) {
        pair_take(&p, 2, 40000, (uint8_t)i, "x");
    }
    pair_free(&p);
}

/* The POST with the news about credit is lost: it comes again. */
static void credit_lost(void)
{
    struct pair p;
    struct carried c;
    pair_init(&p);
    p.opt[2].window_bytes = 1000;
    pair_start(&p);
    pair_shuttle(&p);
    pair_send(&p, 1, 40000, 1, "x");
    pair_send(&p, 1, 40000, 2, "x");
    pair_shuttle(&p);
    pair_take(&p, 2, 40000, 1, "x");
    CHECK(pair_post(&p, 2, &c));
    pair_lose(&p, &c, "cut");
    CHECK(pair_post(&p, 2, &c));
    pair_carry(&p, &c);
    pair_shuttle(&p);
    pair_take(&p, 2, 40000, 2, "x");
    pair_free(&p);
}

/* A message longer than the window passes if somebody waits for it, and only then. */
static void longer_than_window(void)
{
    struct pair p;
    pair_init(&p);
    p.opt[2].window_bytes = 100000;
    p.opt[1].post_bytes = 10000;
    p.opt[1].coalesce_bytes = 1000;
    pair_start(&p);
    pair_shuttle(&p);
    pair_send(&p, 1, 10, 1, "x");
    pair_send(&p, 1, 3000000, 2, "x");
    pair_shuttle(&p);
    uint64_t there = p.d[2]->in_next;
    CHECK(there >= 100000 && there < 110200);
    whist_delivery_wait_begin(p.d[2], p.now, "x"); /* the small one is next */
    pair_shuttle(&p);
    CHECK(p.d[2]->in_next == there);
    whist_delivery_wait_end(p.d[2], p.now);
    pair_take(&p, 2, 10, 1, "x");
    pair_shuttle(&p);
    CHECK(p.d[2]->in_next < 111000 && p.d[1]->outbox != 0); /* it is next, but nobody waits */
    whist_delivery_wait_begin(p.d[2], p.now, "x");
    pair_shuttle(&p);
    CHECK(p.d[1]->outbox == 0);
    whist_delivery_wait_end(p.d[2], p.now);
    pair_take(&p, 2, 3000000, 2, "x");
    struct delivery_stats stats;
    whist_delivery_stats(p.d[2], &stats);
    CHECK(stats.inbox_now == 0);
    pair_free(&p);
}

/* Two send each other far more than outboxes and windows hold, each sending whenever there is room
 * and taking what is there: done. By sending alone: the outbox is full. */
static void exchange(void)
{
    struct pair p;
    size_t sent[3] = {0}, taken[3] = {0}, n = 2000;
    pair_init(&p);
    for (size_t i = 1; i <= 2; i++) {
        p.opt[i].outbox_bytes = 100000;
        p.opt[i].window_bytes = 50000;
    }
    pair_start(&p);
    while (whist_delivery_writable(p.d[1], 10000)) {
        pair_send(&p, 1, 10000, (uint8_t)sent[1]++, "x");
        pair_shuttle(&p);
    }
    CHECK_MSG(sent[1] < 20, "%zu", sent[1]);
    while (taken[1] < n || taken[2] < n) {
        for (size_t i = 1; i <= 2; i++) {
            if (sent[i] < n && whist_delivery_writable(p.d[i], 10000)) {
                pair_send(&p, i, 10000, (uint8_t)sent[i]++, "x");
            }
            if (whist_delivery_readable(p.d[i])) {
                pair_take(&p, i, 10000, (uint8_t)taken[i]++, "x");
            }
        }
        pair_shuttle(&p);
    }
    pair_free(&p);
}

static const struct test_case cases[] = {
    {"options", options},
    {"both_ways", both_ways},
    {"any_order", any_order},
    {"late_message", late_message},
    {"small_ones_wait", small_ones_wait},
    {"small_ones_share", small_ones_share},
    {"nothing_is_copied", nothing_is_copied},
    {"long_ones_split", long_ones_split},
    {"depth", depth},
    {"documented_example", documented_example},
    {"agreement_first", agreement_first},
    {"outbox", outbox},
    {"credit", credit},
    {"credit_in_answers", credit_in_answers},
    {"one_missing", one_missing},
    {"credit_lost", credit_lost},
    {"longer_than_window", longer_than_window},
    {"exchange", exchange},
};

TEST_MAIN(cases)
