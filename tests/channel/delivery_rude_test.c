/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native links: peers that break the rules. */
#include "delivery_pair.h"

/* ---- Rude peers ---- */

/* A POST of frames as a peer might write it. */
struct rude {
    struct post_tail tail;
    struct frame frame[3];
    size_t n;
    size_t back; /* not 0: the byte so many before the tail … */
    uint8_t is;  /* … is this */
};

static struct rude polite(void)
{
    struct rude r = {.n = 1};
    r.tail = (struct post_tail){.from_epoch = EPOCH(1),
                                .to_epoch = EPOCH(2),
                                .n_frames = 1,
                                .from = 1,
                                .to = 2,
                                .kind = POST_DATA};
    for (size_t i = 0; i < 3; i++) {
        r.frame[i] = (struct frame){.type = FRAME_DATA,
                                    .flags = FRAME_FIRST | FRAME_LAST,
                                    .phase = "x",
                                    .phase_len = 1,
                                    .payload.len = 10,
                                    .total = 10};
    }
    return r;
}

static int send_rude(struct pair *p, const struct rude *r)
{
    struct carried c = {.from = 1, .to = 2};
    struct post_tail tail = r->tail;
    uint8_t end[POST_TAIL_LEN], heads[3 * FRAME_HEAD_MAX];
    size_t heads_len = 0;
    for (size_t i = 0; i < r->n; i++) {
        size_t at = c.body.len;
        CHECK(whist_buffer_resize(&c.body, at + r->frame[i].payload.len) == WHIST_OK);
        if (c.body.len != at) {
            memset(c.body.data + at, 4, c.body.len - at);
        }
        heads_len += whist_frame_put_head(heads + heads_len, &r->frame[i], false);
    }
    tail.meta_len += (uint32_t)heads_len;
    whist_post_put_tail(end, &tail);
    CHECK(whist_buffer_append(&c.body, heads, heads_len) == WHIST_OK);
    if (r->back != 0) {
        c.body.data[c.body.len - r->back] = r->is;
    }
    CHECK(whist_buffer_append(&c.body, end, sizeof end) == WHIST_OK);
    int status = pair_arrive(p, &c).status;
    whist_buffer_clear(&c.body);
    return status;
}

/* Malformed: refused, and the link is as before, since anybody may have sent it. */
static void malformed(const struct rude *r)
{
    struct pair p;
    struct rude good = polite();
    pair_open(&p);
    CHECK(send_rude(&p, r) == 400);
    CHECK(whist_delivery_failure(p.d[2]) == NULL);
    CHECK(p.d[2]->in_next == 0 && p.d[2]->ring.count == 0);
    CHECK(send_rude(&p, &good) == 200);
    pair_take(&p, 2, 10, 4, "x");
    pair_free(&p);
}

/* Well formed, from the peer's run, and against the rules: the link fails, and the peer is told. */
static void against(const struct rude *before, const struct rude *r, const char *part)
{
    struct pair p;
    pair_open(&p);
    if (before != NULL) {
        CHECK(send_rude(&p, before) == 200);
    }
    CHECK(send_rude(&p, r) == 400 || p.d[2]->failed);
    pair_failed(&p, 2, WHIST_ERR_PROTOCOL, part);
    pair_shuttle(&p);
    pair_failed(&p, 1, WHIST_ERR_ABORTED, part);
    pair_free(&p);
}

static void malformed_posts(void)
{
    struct rude r;
#define MALFORMED(change) (r = polite(), change, malformed(&r))
    MALFORMED(r.tail.n_frames = 0);
    MALFORMED(r.tail.n_frames = 2);
    MALFORMED(r.tail.n_frames = UINT32_MAX);
    MALFORMED(r.tail.meta_len = UINT32_MAX - 8);
    MALFORMED(r.tail.meta_len = 1);
    MALFORMED(r.tail.from_epoch = 0);
    MALFORMED(r.tail.to_epoch = 0);
    MALFORMED(r.tail.flags = 2);
    MALFORMED(r.tail.kind = 0);
    MALFORMED(r.tail.kind = 5);
    MALFORMED(r.tail.kind = POST_UPDATE);
    MALFORMED(r.tail.kind = POST_HELLO);
    MALFORMED(r.tail.kind = POST_ABORT);
    MALFORMED(r.tail.from = 0);
    MALFORMED(r.tail.to = 1);
    MALFORMED(r.tail.position = UINT64_MAX);
    MALFORMED(r.tail.credit = UINT64_MAX);
    MALFORMED(r.frame[0].type = 0);
    MALFORMED(r.frame[0].type = 3);
    MALFORMED(r.frame[0].type = FRAME_FIN);
    MALFORMED(r.frame[0].flags = 7);
    MALFORMED(r.frame[0].phase = "\x01");
    MALFORMED((r.frame[0].phase_len = WHIST_MAX_PHASE + 1,
               r.frame[0].phase = "12345678901234567890123456789012345678901"));
    MALFORMED((r.frame[0].flags = FRAME_FIRST, r.frame[0].total = 10));
    MALFORMED((r.frame[0].flags = FRAME_FIRST, r.frame[0].total = UINT64_MAX));
    MALFORMED((r.n = r.tail.n_frames = 2, r.frame[0].flags = FRAME_FIRST, r.frame[0].total = 11));
    MALFORMED((r.n = r.tail.n_frames = 2, r.frame[1].flags = FRAME_LAST, r.frame[1].phase_len = 0));
    MALFORMED((r.frame[0].payload.len = 0, r.frame[0].flags = FRAME_FIRST));
    /* Heads of 9 bytes each: a length too large, too small, a label too long. */
    MALFORMED((r.back = 5, r.is = 11));
    MALFORMED((r.back = 5, r.is = 9));
    MALFORMED((r.back = 7, r.is = 2));
    MALFORMED((r.n = r.tail.n_frames = 2, r.back = 5, r.is = 11));
    MALFORMED((r.n = r.tail.n_frames = 2, r.back = 5, r.is = 9));
    MALFORMED((r.n = r.tail.n_frames = 2, r.back = 14, r.is = 20));
    MALFORMED((r.n = r.tail.n_frames = 2, r.back = 16, r.is = 40));
    MALFORMED((r.back = 7, r.is = 255)); /* no label before it */
    MALFORMED((r.back = 6, r.is = 1));
}

/* Longer than any POST, though its end is that of a good one. */
static void too_long(void)
{
    struct pair p;
    struct rude r = polite();
    pair_open(&p);
    r.frame[0].payload.len = WHIST_POST_LIMIT + POST_OVERHEAD;
    CHECK(send_rude(&p, &r) == 400 && p.d[2]->in_next == 0);
    CHECK(whist_delivery_failure(p.d[2]) == NULL);
    pair_free(&p);
}

static void broken_rules(void)
{
    struct rude r = polite(), first = polite(), part;
    r.tail.first_message = 1;
    against(NULL, &r, "a message number that is out of step");
    r = polite();
    r.frame[0].flags = FRAME_LAST;
    r.frame[0].phase_len = 0;
    against(NULL, &r, "a part of no message");
    r = polite();
    r.tail.ack = 1;
    against(NULL, &r, "acknowledges position 1, but only 0 was sent");
    r = polite();
    r.tail.position = 1;
    against(&first, &r, "POSTs that overlap");
    r = polite();
    r.tail.position = (uint64_t)64 << 20;
    against(NULL, &r, "more than its credit");
    /* A message of 30 bytes, in parts of 10. */
    part = polite();
    part.frame[0].flags = FRAME_FIRST;
    part.frame[0].total = 30;
    r = polite();
    r.tail.position = 138;
    r.tail.first_message = 1;
    against(&part, &r, "a new message inside another");
    r.frame[0].flags = FRAME_LAST;
    r.frame[0].phase_len = 0;
    against(&part, &r, "a message of another length than it declared");
    r.frame[0].flags = 0;
    r.frame[0].payload.len = 20;
    against(&part, &r, "a message of another length than it declared");
    r.frame[0].payload.len = 21;
    against(&part, &r, "a message of another length than it declared");
}

/* POSTs kept for their turn that do not fit together, and too many of them. */
static void early_posts(void)
{
    struct pair p;
    struct rude r = polite();
    pair_open(&p);
    r.tail.position = 138;
    r.tail.first_message = 1;
    CHECK(send_rude(&p, &r) == 200 && send_rude(&p, &r) == 200);
    r.frame[0].payload.len = 11;
    CHECK(send_rude(&p, &r) == 400); /* the same place, another length */
    pair_failed(&p, 2, WHIST_ERR_PROTOCOL, "POSTs that overlap");
    pair_free(&p);
    pair_open(&p);
    r = polite();
    r.tail.first_message = 1;
    for (unsigned i = 1; i <= EARLY_MAX; i++) {
        r.tail.position = 138 * (uint64_t)i;
        CHECK(send_rude(&p, &r) == 200);
    }
    r.tail.position = 138 * (uint64_t)(EARLY_MAX + 1);
    CHECK(send_rude(&p, &r) == 503);
    CHECK(whist_delivery_failure(p.d[2]) == NULL);
    r = polite();
    r.frame[0].payload.len = 20; /* now the next one begins inside it */
    CHECK(send_rude(&p, &r) == 200);
    pair_failed(&p, 2, WHIST_ERR_PROTOCOL, "POSTs that overlap");
    pair_free(&p);
}

/* One that waits for memory comes again: it is taken once. */
static void early_again(void)
{
    struct pair p;
    struct rude first = polite(), second = polite();
    pair_open(&p);
    second.tail.position = 138;
    second.tail.first_message = 1;
    second.frame[0].payload.len = 20;
    CHECK(send_rude(&p, &second) == 200);
    whist_alloc_fail_after(
        5); /* four for the test's own buffers, one for the first message's place */
    CHECK(send_rude(&p, &first) == 200);
    whist_alloc_fail_after(-1);
    CHECK(p.d[2]->ring.count == 1 && p.d[2]->n_early == 1 && p.d[2]->drain_ms == p.now + 50);
    CHECK(send_rude(&p, &second) == 200);
    CHECK(whist_delivery_failure(p.d[2]) == NULL);
    CHECK(p.d[2]->ring.count == 2 && p.d[2]->n_early == 0);
    pair_take(&p, 2, 10, 4, "x");
    pair_take(&p, 2, 20, 4, "x");
    pair_free(&p);
    pair_open(&p); /* or it does not come again: then the clock brings it */
    CHECK(send_rude(&p, &second) == 200);
    whist_alloc_fail_after(5);
    CHECK(send_rude(&p, &first) == 200);
    whist_alloc_fail_after(-1);
    CHECK(whist_delivery_next_deadline(p.d[2]) == p.now + 50);
    p.now += 50;
    whist_delivery_tick(p.d[2], p.now);
    CHECK(p.d[2]->ring.count == 2 && p.d[2]->drain_ms == 0);
    pair_free(&p);
}

static void after_fin(void)
{
    struct pair p;
    struct rude r = polite();
    pair_open(&p);
    whist_delivery_close(p.d[1], p.now, p.now + 1000);
    pair_shuttle(&p);
    r.tail.position = FIN_LEN + WHIST_FRAME_COST;
    CHECK(send_rude(&p, &r) == 400);
    pair_failed(&p, 2, WHIST_ERR_PROTOCOL, "messages after its FIN");
    pair_free(&p);
}

/* Every byte of an answer is changed once: never a crash, and no acknowledgement that was not
 * given.
 */
static void answers_changed(void)
{
    for (size_t at = 0; at < ANSWER_FIXED; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct pair p;
            struct carried c;
            pair_open(&p);
            pair_send(&p, 1, 10, 1, "x");
            CHECK(pair_post(&p, 1, &c));
            struct delivery_answer a = pair_arrive(&p, &c);
            a.body[at] ^= (uint8_t)(1u << bit);
            pair_answer(&p, &c, &a);
            CHECK(p.d[1]->out_acked <= 138);
            if (at >= 8 && at < 16) { /* another run answers */
                pair_failed(&p, 1, WHIST_ERR_ABORTED, "party 2 has been restarted");
            } else if (at < 4 || (at >= 16 && at < 24)) { /* not an answer to this POST */
                CHECK(p.d[1]->failed && p.d[1]->out_acked == 0);
            }
            pair_free(&p);
        }
    }
}

/* Answers that a party would not give. `open`: to a message of an open link, else to a hello. */
static void odd_answer(bool open, struct answer_view a, whist_status status, const char *part)
{
    struct pair p;
    struct carried c;
    struct delivery_answer out = {.status = whist_answer_status(a.kind)};
    if (open) {
        pair_open(&p);
        pair_send(&p, 1, 10, 1, "x");
    } else {
        pair_init(&p);
        pair_start(&p);
    }
    CHECK(pair_post(&p, 1, &c));
    a.from_epoch = EPOCH(2);
    a.to_epoch = EPOCH(1);
    out.len = whist_answer_put(out.body, &a);
    pair_answer(&p, &c, &out);
    pair_failed(&p, 1, status, part);
    CHECK(pair_try_take(&p, 1, "x") == status);
    pair_free(&p);
}

static void odd_answers(void)
{
    uint8_t block[HELLO_LEN];
    struct hello hello = {.n = 9};
    memset(hello.session, 0x5e, WHIST_SESSION_LEN);
    whist_hello_put(block, &hello);
    struct answer_view a = {.kind = ANSWER_OK};
    odd_answer(false, a, WHIST_ERR_PROTOCOL, "answered a hello without its own");
    a.hello = whist_bytes(block, HELLO_LEN);
    odd_answer(false, a, WHIST_ERR_MISMATCH, "party 2 counts 9");
    a = (struct answer_view){.kind = ANSWER_BAD, .meta = whist_bytes("so\nso", 5)};
    odd_answer(true, a, WHIST_ERR_PROTOCOL, "party 2 refuses a POST: so?so");
    a.kind = ANSWER_FAILED;
    odd_answer(true, a, WHIST_ERR_ABORTED, "without a reason");
    a.kind = ANSWER_MISMATCH;
    odd_answer(true, a, WHIST_ERR_MISMATCH, "so?so");
    a.kind = ANSWER_UNKNOWN;
    odd_answer(true, a, WHIST_ERR_ABORTED, "party 2 has been restarted");
    a.kind = ANSWER_STALE;
    odd_answer(true, a, WHIST_ERR_ABORTED, "with an earlier run of this party");
}

/* A peer that says OK and takes nothing: at the first POST, and after it has taken some. */
static void empty_praise(void)
{
    for (int before = 0; before < 3; before++) {
        struct pair p;
        struct carried c;
        struct answer_view a;
        pair_open(&p);
        for (int i = 0; i < before; i++) {
            pair_send(&p, 1, 40000, 1, "x");
            pair_shuttle(&p);
        }
        pair_send(&p, 1, 40000, 2, "x");
        CHECK(pair_post(&p, 1, &c));
        struct delivery_answer honest = pair_arrive(&p, &c);
        CHECK(whist_answer_parse(&a, whist_bytes(honest.body, honest.len)));
        a.ack -= before == 2 ? 2 * 40128 : 40128; /* as before the POST, or further back */
        honest.len = whist_answer_put(honest.body, &a);
        pair_answer(&p, &c, &honest);
        pair_failed(&p, 1, WHIST_ERR_PROTOCOL, "party 2 answered OK to messages that it does not");
        pair_free(&p);
    }
}

/* Hellos that our own sender does not send. */
static void odd_hellos(void)
{
    struct pair p;
    struct carried c, late;
    pair_init(&p);
    pair_start(&p);
    CHECK(pair_post(&p, 1, &c));
    put_le64(c.body.data + HELLO_LEN + 8, EPOCH(2)); /* who knows our run has had an answer */
    CHECK(pair_arrive(&p, &c).status == 200 && whist_delivery_connected(p.d[2]));
    CHECK(pair_arrive(&p, &c).status == 200); /* again */
    c.body.data[HELLO_LEN + 58] = 0;          /* to another party */
    CHECK(pair_arrive(&p, &c).status == 400 && whist_delivery_failure(p.d[2]) == NULL);
    c.body.data[HELLO_LEN + 58] = 2;
    c.body.data[4] = 1; /* reserved */
    CHECK(pair_arrive(&p, &c).status == 400 && whist_delivery_failure(p.d[2]) == NULL);
    c.body.data[4] = 0;
    c.body.data[0] = 4; /* the same run, and another n */
    CHECK(pair_arrive(&p, &c).status == 409);
    pair_failed(&p, 2, WHIST_ERR_MISMATCH, "n: this party counts 3 parties, party 1 counts 4");
    c.body.data[0] = 3;
    CHECK(pair_arrive(&p, &c).status == 409); /* what failed stays so */
    CHECK(pair_carry(&p, &c) == 409);
    CHECK(!pair_post(&p, 2, &late));
    pair_free(&p);
}

/* A POST that ends inside its tail, or whose heads are longer than it is. */
static void short_posts(void)
{
    struct pair p;
    struct carried c;
    pair_open(&p);
    pair_send(&p, 1, 10, 1, "x");
    CHECK(pair_post(&p, 1, &c));
    size_t len = c.body.len;
    for (size_t cut = 1; cut <= len; cut++) {
        struct carried part = {.from = 1, .to = 2, .body = c.body};
        part.body.len = len - cut; /* without its end */
        CHECK(pair_arrive(&p, &part).status == 400);
        part.body.data = c.body.data + cut; /* without its beginning */
        CHECK(pair_arrive(&p, &part).status == 400);
    }
    CHECK(whist_delivery_failure(p.d[2]) == NULL && p.d[2]->in_next == 0);
    CHECK(pair_carry(&p, &c) == 200);
    pair_free(&p);
}

static const struct test_case cases[] = {
    {"malformed_posts", malformed_posts}, {"too_long", too_long},
    {"broken_rules", broken_rules},       {"early_posts", early_posts},
    {"early_again", early_again},         {"after_fin", after_fin},
    {"answers_changed", answers_changed}, {"odd_answers", odd_answers},
    {"odd_hellos", odd_hellos},           {"short_posts", short_posts},
    {"empty_praise", empty_praise},
};

TEST_MAIN(cases)
