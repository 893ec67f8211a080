/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native links: aborts, and closing. */
#include "delivery_pair.h"

/* ---- Out of step ---- */

static void out_of_step(const char *expected, bool together)
{
    struct pair p;
    char text[200];
    pair_open(&p);
    pair_send(&p, 1, 5, 1, "and.open");
    if (!together) {
        pair_shuttle(&p);
    }
    pair_send(&p, 1, 5, 2, "tables");
    pair_shuttle(&p);
    pair_take(&p, 2, 5, 1, "and.open");
    CHECK(pair_try_take(&p, 2, expected) == WHIST_ERR_PROTOCOL);
    CHECK(strcmp(p.err.phase, expected) == 0);
    pair_shuttle(&p);
    snprintf(text, sizeof text,
             "message 1 from party 1 to party 2: party 1 sent phase \"tables\", party 2 expects "
             "phase \"%s\"",
             expected);
    pair_failed(&p, 2, WHIST_ERR_PROTOCOL, text);
    pair_failed(&p, 1, WHIST_ERR_ABORTED, text);
    CHECK(whist_delivery_done(p.d[2], NULL, NULL));
    pair_free(&p);
}

/* In a POST of their own and in one with others; also labels that are a part of one another. */
static void phases(void)
{
    static const char *const expected[] = {"label.check", "tables2", "table", ""};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        out_of_step(expected[i], true);
        out_of_step(expected[i], false);
    }
}

/* ---- Aborts ---- */

/* It overtakes what is queued, and needs no credit. */
static void abort_first(void)
{
    struct pair p;
    struct carried c, stuck;
    struct whist_error why = {.status = WHIST_ERR_CHECK, .phase = "and.open", .text = "bad\nMAC"};
    struct whist_error second = {.status = WHIST_ERR_IO, .text = "second"};
    pair_init(&p);
    p.opt[2].window_bytes = 1000;
    pair_start(&p);
    pair_shuttle(&p);
    pair_send(&p, 1, 500, 1, "x");
    CHECK(pair_post(&p, 1, &stuck));
    for (unsigned i = 0; i < 5; i++) {
        pair_send(&p, 1, 100000, 1, "x");
    }
    whist_delivery_abort(p.d[1], p.now, &why);
    whist_delivery_abort(p.d[1], p.now, &second);
    CHECK(!whist_delivery_done(p.d[1], NULL, NULL));
    CHECK(pair_post(&p, 1, &c) && c.body.len < 100 + POST_TAIL_LEN);
    CHECK(pair_carry(&p, &c) == 200);
    pair_failed(&p, 2, WHIST_ERR_ABORTED, "party 1 aborted (check): bad?MAC");
    CHECK(strcmp(whist_delivery_failure(p.d[2])->phase, "and.open") == 0);
    whist_status st;
    CHECK(whist_delivery_done(p.d[1], &st, NULL) && st == WHIST_ERR_CHECK);
    CHECK(!pair_post(&p, 1, &c) && !pair_post(&p, 2, &c));
    pair_carry(&p, &stuck); /* its views are valid still, and its answer is read */
    CHECK(pair_try_take(&p, 1, "x") == WHIST_ERR_CHECK);
    CHECK(pair_try_take(&p, 2, "x") == WHIST_ERR_ABORTED);
    struct whist_buffer msg = {0};
    CHECK(whist_delivery_send(p.d[2], p.now, &msg, "x", &p.err) == WHIST_ERR_ABORTED);
    pair_free(&p);
}

/* The peer cannot be told: tried for the linger, then done. And whatever it sends is answered with
 * the reason. */
static void abort_lost(void)
{
    struct pair p;
    struct carried c;
    struct whist_error why = {.status = WHIST_ERR_IO, .text = "disk"};
    pair_open(&p);
    int64_t since = p.now;
    whist_delivery_abort(p.d[1], p.now, &why);
    while (!whist_delivery_done(p.d[1], NULL, NULL)) {
        while (pair_post(&p, 1, &c)) {
            pair_lose(&p, &c, "cut");
        }
        p.now = whist_delivery_next_deadline(p.d[1]);
        CHECK(p.now <= since + 1000);
        whist_delivery_tick(p.d[1], p.now);
    }
    CHECK(p.now == since + 1000);
    CHECK(whist_delivery_next_deadline(p.d[1]) == INT64_MAX);
    pair_send(&p, 2, 5, 5, "x");
    CHECK(pair_post(&p, 2, &c) && pair_carry(&p, &c) == 410);
    pair_failed(&p, 2, WHIST_ERR_ABORTED, "party 1 aborted (io): disk");
    pair_free(&p);
}

/* Aborted before there was contact: the peer hears of it when it comes. */
static void abort_early(void)
{
    struct pair p;
    struct whist_error why = {.status = WHIST_ERR_CANCELLED, .text = "interrupted"};
    pair_init(&p);
    pair_start(&p);
    whist_delivery_abort(p.d[1], p.now, &why);
    pair_shuttle(&p);
    CHECK(whist_delivery_done(p.d[1], NULL, NULL));
    pair_failed(&p, 2, WHIST_ERR_ABORTED, "party 1 aborted (cancelled): interrupted");
    pair_free(&p);
}

/* The binding's own reason, not told to the peer. */
static void binding_fails(void)
{
    struct pair p;
    struct carried c;
    struct whist_error why = {.status = WHIST_ERR_IO, .peer = 2, .text = "its certificate expired"};
    pair_open(&p);
    whist_delivery_fail(p.d[1], p.now, &why);
    pair_failed(&p, 1, WHIST_ERR_IO, "its certificate expired");
    CHECK(!pair_post(&p, 1, &c) && whist_delivery_done(p.d[1], NULL, NULL));
    pair_free(&p);
}

/* ---- Closing ---- */

static void close_both(void)
{
    struct pair p;
    whist_status st = WHIST_ERR_IO;
    pair_open(&p);
    pair_send(&p, 1, 100000, 1, "x");
    pair_send(&p, 2, 3, 2, "x");
    pair_shuttle(&p);
    pair_take(&p, 1, 3, 2, "x");
    whist_delivery_close(p.d[1], p.now, p.now + 5000);
    CHECK(pair_try_take(&p, 1, "x") == WHIST_ERR_CLOSED);
    struct whist_buffer msg = {0};
    CHECK(whist_delivery_send(p.d[1], p.now, &msg, "x", &p.err) == WHIST_ERR_CLOSED);
    pair_shuttle(&p);
    CHECK(whist_delivery_send(p.d[2], p.now, &msg, "x", &p.err) == WHIST_ERR_CLOSED);
    CHECK(strstr(p.err.text, "party 1 has closed") != NULL);
    pair_take(&p, 2, 100000, 1, "x");
    CHECK(whist_delivery_readable(p.d[2]) && pair_try_take(&p, 2, "x") == WHIST_ERR_CLOSED);
    CHECK(strstr(p.err.text, "after 1 messages") != NULL);
    CHECK(!whist_delivery_done(p.d[1], NULL, NULL));
    whist_delivery_close(p.d[2], p.now, p.now + 5000);
    CHECK(!whist_delivery_done(p.d[2], NULL, NULL));
    pair_shuttle(&p); /* no time passes */
    for (size_t i = 1; i <= 2; i++) {
        CHECK(whist_delivery_done(p.d[i], &st, &p.err) && st == WHIST_OK);
        CHECK(whist_delivery_next_deadline(p.d[i]) == INT64_MAX);
    }
    pair_free(&p);
}

/* The party with the last word closes and is gone as soon as its link lets it, whatever answers are
 * lost on the way; the other one misses nothing and has no error. */
static void last_word(void)
{
    for (unsigned lost = 0; lost < 1000; lost++) {
        struct pair p;
        struct carried c;
        whist_status st = WHIST_ERR_IO;
        uint64_t random = lost;
        pair_open(&p);
        pair_send(&p, 1, 50, 7, "last");
        whist_delivery_close(p.d[1], p.now, p.now + 60000);
        bool gone = false, closing = false;
        int64_t end = p.now + 5000;
        while (!whist_delivery_done(p.d[2], &st, &p.err)) {
            for (size_t i = 1; i <= 2; i++) {
                while (!(gone && i == 1) && pair_post(&p, i, &c)) {
                    unsigned fate = (unsigned)(random++ * 2654435761u >> 7) % 4;
                    if (gone || (fate == 0 && p.now < end - 4800)) {
                        pair_lose(&p, &c, "connection refused");
                    } else if (fate == 1 && p.now < end - 4800) {
                        (void)pair_arrive(&p, &c);
                        pair_lose(&p, &c, "cut");
                    } else {
                        pair_carry(&p, &c);
                    }
                }
            }
            gone = gone || whist_delivery_done(p.d[1], NULL, NULL);
            if (!closing && whist_delivery_readable(p.d[2])) {
                pair_take(&p, 2, 50, 7, "last");
                whist_delivery_close(p.d[2], p.now, p.now + 60000);
                closing = true;
                continue;
            }
            p.now += 10;
            whist_delivery_tick(p.d[1], p.now);
            whist_delivery_tick(p.d[2], p.now);
            CHECK(p.now < end);
        }
        CHECK_MSG(st == WHIST_OK, "%u: %s", lost, p.err.text);
        pair_free(&p);
    }
}

static void close_deadline(void)
{
    struct pair p;
    struct carried c;
    whist_status st = WHIST_OK;
    pair_open(&p);
    pair_send(&p, 1, 10, 1, "x");
    int64_t deadline = p.now + 3000;
    whist_delivery_close(p.d[1], p.now, deadline);
    while (pair_post(&p, 1, &c)) {
        pair_lose(&p, &c, "connection refused");
    }
    pair_run(&p, deadline - 1, false);
    CHECK(!whist_delivery_done(p.d[1], NULL, NULL));
    pair_run(&p, deadline, false);
    CHECK(whist_delivery_done(p.d[1], &st, &p.err) && st == WHIST_ERR_TIMEOUT);
    CHECK(strstr(p.err.text, "party 2 had not acknowledged 1 messages") != NULL);
    pair_free(&p);
}

/* A peer that goes on working is waited for only so long. */
static void close_alone(void)
{
    struct pair p;
    whist_status st = WHIST_ERR_IO;
    pair_open(&p);
    whist_delivery_close(p.d[1], p.now, p.now + 60000);
    pair_shuttle(&p);
    int64_t since = p.now;
    pair_run(&p, since + 999, true);
    CHECK(!whist_delivery_done(p.d[1], NULL, NULL));
    pair_run(&p, since + 1000, true);
    CHECK(whist_delivery_done(p.d[1], &st, &p.err) && st == WHIST_OK);
    /* The other one closes when this one is gone. */
    struct carried c;
    whist_delivery_close(p.d[2], p.now, p.now + 60000);
    for (unsigned i = 0; i < 3; i++) {
        CHECK(pair_post(&p, 2, &c));
        pair_lose(&p, &c, "connection refused");
        p.now += 200;
    }
    CHECK(whist_delivery_done(p.d[2], &st, &p.err) && st == WHIST_OK);
    pair_free(&p);
}

/* Everything has arrived but the FIN, and the peer falls silent: that is noticed too. */
static void close_dead(void)
{
    struct pair p;
    whist_status st = WHIST_OK;
    pair_open(&p);
    int64_t since = p.now;
    whist_delivery_close(p.d[1], p.now, p.now + 60000);
    pair_run(&p, since + 9999, false);
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    pair_run(&p, since + 10000, false);
    pair_failed(&p, 1, WHIST_ERR_UNREACHABLE, "awaited: that it acknowledges the end");
    pair_run(&p, since + 11000, false);
    CHECK(whist_delivery_done(p.d[1], &st, &p.err) && st == WHIST_ERR_UNREACHABLE);
    pair_free(&p);
}

/* Who has all and knows that the other has all says so, once: then nobody has to linger. */
static void complete(void)
{
    struct pair p;
    struct carried c;
    pair_open(&p);
    whist_delivery_close(p.d[1], p.now, p.now + 5000);
    whist_delivery_close(p.d[2], p.now, p.now + 5000);
    CHECK(pair_post(&p, 1, &c) && pair_carry(&p, &c) == 200); /* FIN */
    CHECK(!pair_post(&p, 1, &c));
    CHECK(pair_post(&p, 2, &c)); /* FIN */
    struct delivery_answer a = pair_arrive(&p, &c);
    CHECK((a.body[5] & FLAG_COMPLETE) != 0 && (c.body.data[c.body.len - 11] & FLAG_COMPLETE) == 0);
    pair_answer(&p, &c, &a);
    CHECK(pair_post(&p, 2, &c) && c.body.len == POST_TAIL_LEN);
    CHECK((c.body.data[61] & FLAG_COMPLETE) != 0);
    CHECK(!whist_delivery_done(p.d[1], NULL, NULL) && !whist_delivery_done(p.d[2], NULL, NULL));
    pair_carry(&p, &c);
    CHECK(whist_delivery_done(p.d[1], NULL, NULL) && whist_delivery_done(p.d[2], NULL, NULL));
    CHECK(!pair_post(&p, 1, &c) && !pair_post(&p, 2, &c));
    pair_free(&p);
}

/* It closed before it had everything. */
static void closed_too_early(void)
{
    struct pair p;
    struct carried c;
    whist_status st = WHIST_OK;
    pair_open(&p);
    whist_delivery_close(p.d[2], p.now, p.now + 60000);
    pair_send(&p, 1, 10, 1, "x");
    CHECK(pair_post(&p, 2, &c));
    pair_carry(&p, &c);
    whist_delivery_close(p.d[1], p.now, p.now + 2000);
    while (!whist_delivery_done(p.d[1], &st, &p.err)) {
        while (pair_post(&p, 1, &c)) {
            pair_lose(&p, &c, "connection refused");
        }
        p.now = whist_delivery_next_deadline(p.d[1]);
        whist_delivery_tick(p.d[1], p.now);
    }
    CHECK(st == WHIST_ERR_CLOSED && p.now == 12000);
    CHECK(strstr(p.err.text, "before it had the last 1 messages") != NULL);
    pair_free(&p);
}

/* The counts agree, but not what was counted. */
static void hashes(void)
{
    struct pair p;
    pair_open(&p);
    pair_send(&p, 1, 10, 1, "x");
    pair_shuttle(&p);
    pair_take(&p, 2, 10, 1, "x");
    whist_dlv_run(&p.d[1]->out, 10, "x", 1);
    p.d[1]->out.messages--;
    p.d[1]->out.bytes -= 10;
    whist_delivery_close(p.d[1], p.now, p.now + 1000);
    pair_shuttle(&p);
    pair_failed(&p, 2, WHIST_ERR_CHECK, "the messages of party 1 do not add up");
    pair_failed(&p, 2, WHIST_ERR_CHECK, "the hashes differ");
    pair_failed(&p, 1, WHIST_ERR_ABORTED, "party 2 aborted (check): the messages of party 1");
    pair_free(&p);
}

/* The hash is over length and label of each message: pinned, since both ends must compute the same.
 */
static void hash_fields(void)
{
    struct running a = {0}, b;
    uint8_t x[32], y[32];
    whist_hash_init(&a.hash, "whist link");
    b = a;
    whist_dlv_run(&a, 258, "", 0);
    whist_dlv_run(&a, 3, "ab", 2);
    whist_dlv_run(&a, 127, "ab", 2);
    whist_dlv_run(&a, UINT64_MAX, "a", 1);
    const uint8_t records[] = {130, 2,   255, 3,   2,   'a', 'b', 127, 255, 255, 255,
                               255, 255, 255, 255, 255, 255, 255, 1,   1,   'a'};
    whist_hash_raw(&b.hash, records, sizeof records);
    for (size_t i = 0; i < 1000; i++) { /* more than are kept before they are hashed */
        whist_dlv_run(&a, i % 100, "a", 1);
        whist_hash_raw(&b.hash, (const uint8_t[]){(uint8_t)(i % 100), 255}, 2);
    }
    whist_dlv_run_hash(x, &a);
    whist_hash_final(&b.hash, y);
    CHECK(memcmp(x, y, 32) == 0 && a.messages == 1004);
    CHECK(a.bytes == 258 + 3 + 127 + UINT64_MAX + 1000 / 2 * 99);
}

static const struct test_case cases[] = {
    {"phases", phases},
    {"abort_first", abort_first},
    {"abort_lost", abort_lost},
    {"abort_early", abort_early},
    {"binding_fails", binding_fails},
    {"close_both", close_both},
    {"last_word", last_word},
    {"close_deadline", close_deadline},
    {"close_alone", close_alone},
    {"close_dead", close_dead},
    {"complete", complete},
    {"closed_too_early", closed_too_early},
    {"hashes", hashes},
    {"hash_fields", hash_fields},
};

TEST_MAIN(cases)
