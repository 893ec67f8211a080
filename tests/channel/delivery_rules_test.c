/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native links: agreement, runs of a party, time. */
#include "delivery_pair.h"

/* ---- Agreement ---- */

/* Both sides name the field and both values; nothing of a message was sent. */
static void disagree(struct pair *p, const char *field, const char *mine, const char *theirs)
{
    struct carried c;
    struct delivery_answer a;
    pair_start(p);
    pair_send(p, 1, 10, 1, "x");
    CHECK(pair_post(p, 1, &c));
    a = pair_arrive(p, &c);
    CHECK(a.status == 409);
    pair_answer(p, &c, &a);
    for (size_t i = 1; i <= 2; i++) {
        pair_failed(p, i, WHIST_ERR_MISMATCH, field);
        CHECK(strstr(whist_delivery_failure(p->d[i])->text, mine) != NULL);
        CHECK(strstr(whist_delivery_failure(p->d[i])->text, theirs) != NULL);
        CHECK(pair_try_take(p, i, "x") == WHIST_ERR_MISMATCH);
        CHECK(whist_delivery_done(p->d[i], NULL, NULL) && !pair_post(p, i, &c));
    }
    CHECK(p->d[2]->in_next == 0);
    pair_free(p);
}

static void mismatches(void)
{
    struct pair p;
    pair_init(&p);
    p.opt[2].n = 7;
    disagree(&p, "n: ", "counts 3", "counts 7");
    pair_init(&p);
    memset(p.opt[2].config, 0xd1, WHIST_CONFIG_LEN);
    disagree(&p, "config: ", "c0c0c0c0", "d1d1d1d1");
    pair_init(&p);
    p.opt[2].peer = 0; /* it takes this link for that to party 0 */
    pair_start(&p);
    struct carried c;
    CHECK(pair_post(&p, 1, &c));
    CHECK(pair_carry(&p, &c) == 409);
    const struct whist_error *e = whist_delivery_failure(p.d[2]);
    CHECK(e != NULL && e->status == WHIST_ERR_MISMATCH);
    CHECK(strstr(e->text, "from, to: this link is from 0 to 2, the POST from 1 to 2") != NULL);
    pair_failed(&p, 1, WHIST_ERR_MISMATCH, "from, to: this link is from 0 to 2");
    pair_free(&p);
}

static void versions(void)
{
    struct pair p;
    struct carried c;
    pair_init(&p);
    pair_start(&p);
    CHECK(pair_post(&p, 1, &c));
    c.body.data[c.body.len - 1] = 9;
    struct delivery_answer a = pair_arrive(&p, &c);
    CHECK(a.status == 409);
    pair_failed(&p, 2, WHIST_ERR_MISMATCH, "version: this party speaks 1, party 1 speaks 9");
    a.body[3] = 8; /* as if the answer were of another version */
    pair_answer(&p, &c, &a);
    pair_failed(&p, 1, WHIST_ERR_MISMATCH, "version: this party speaks 1, party 2 speaks 8");
    pair_free(&p);
}

static void ask_until_failed(struct pair *p)
{
    struct carried c;

    while (whist_delivery_failure(p->d[1]) == NULL) {
        while (pair_post(p, 1, &c)) {
            CHECK(pair_carry(p, &c) == 404);
        }
        p->now = whist_delivery_next_deadline(p->d[1]);
        whist_delivery_tick(p->d[1], p->now);
    }
}

/* The peer waits in another session: it is asked for two seconds more, then the error says what
 * differs. The other side, which has not asked yet, goes on. */
static void sessions(void)
{
    struct pair p;
    pair_init(&p);
    memset(p.opt[2].session, 0xab, WHIST_SESSION_LEN);
    pair_start(&p);
    int64_t since = p.now;
    ask_until_failed(&p);
    CHECK(p.now == since + 2000 && p.now < p.opt[1].connect_deadline_ms);
    pair_failed(&p, 1, WHIST_ERR_MISMATCH, "session: this party has 5e5e5e5e");
    pair_failed(&p, 1, WHIST_ERR_MISMATCH, "party 2 has abababab");
    pair_failed(&p, 1, WHIST_ERR_MISMATCH, "each waits for the other (since 2000 ms)");
    CHECK(whist_delivery_failure(p.d[2]) == NULL);
    pair_free(&p);
    pair_init(&p); /* the connect deadline holds all the same */
    memset(p.opt[2].session, 0xab, WHIST_SESSION_LEN);
    p.opt[1].connect_deadline_ms = p.now + 1500;
    pair_start(&p);
    ask_until_failed(&p);
    CHECK(p.now == p.opt[1].connect_deadline_ms);
    pair_failed(&p, 1, WHIST_ERR_MISMATCH, "party 2 has abababab");
    pair_free(&p);
}

/* The peer is started anew, with the right session, within these seconds. */
static void session_put_right(void)
{
    struct pair p;
    struct carried c;
    uint8_t right[WHIST_SESSION_LEN];
    pair_init(&p);
    memcpy(right, p.opt[2].session, sizeof right);
    memset(p.opt[2].session, 0xab, WHIST_SESSION_LEN);
    pair_start(&p);
    CHECK(pair_post(&p, 1, &c) && pair_carry(&p, &c) == 404);
    whist_delivery_free(p.d[2]);
    memcpy(p.opt[2].session, right, sizeof right);
    CHECK_OK(whist_delivery_new(&p.d[2], &p.opt[2], p.now, &p.err), p.err);
    pair_shuttle(&p);
    CHECK(whist_delivery_connected(p.d[1]) && whist_delivery_connected(p.d[2]));
    pair_run(&p, p.now + 10000, true);
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    pair_free(&p);
}

/* ---- Runs of a party ---- */

/* A POST of or for another run is refused and changes nothing. */
static void stale_posts(void)
{
    struct pair p;
    struct carried c;
    pair_open(&p);
    pair_send(&p, 1, 10, 1, "x");
    CHECK(pair_post(&p, 1, &c));
    uint8_t *tail = c.body.data + c.body.len - POST_TAIL_LEN;
    tail[8] ^= 1; /* for another run of the receiver */
    CHECK(pair_arrive(&p, &c).status == 410);
    tail[8] ^= 1;
    tail[0] ^= 1; /* of another run of the sender */
    CHECK(pair_arrive(&p, &c).status == 410);
    tail[0] ^= 1;
    CHECK(whist_delivery_failure(p.d[2]) == NULL && p.d[2]->in_next == 0);
    CHECK(pair_carry(&p, &c) == 200);
    pair_take(&p, 2, 10, 1, "x");
    pair_free(&p);
}

/* Party 2 is started again: whatever happens first, both sides have a clear error. */
static void restart(void)
{
    for (int first = 0; first < 2; first++) {
        struct pair p;
        struct carried c;
        pair_open(&p);
        pair_send(&p, 1, 10, 1, "x");
        whist_delivery_free(p.d[2]);
        p.opt[2].epoch = 99;
        CHECK_OK(whist_delivery_new(&p.d[2], &p.opt[2], p.now, &p.err), p.err);
        if (first == 0) {
            CHECK(pair_post(&p, 1, &c) && pair_carry(&p, &c) == 410);
        } else {
            CHECK(pair_post(&p, 2, &c));
            CHECK(pair_carry(&p, &c) == 410);
            pair_failed(&p, 2, WHIST_ERR_ABORTED, "party 1 is in this session with an earlier run");
            /* Party 1 does not believe it yet: a late POST could say the same. It asks. */
            CHECK(whist_delivery_failure(p.d[1]) == NULL);
            CHECK(pair_post(&p, 1, &c));
            CHECK(pair_carry(&p, &c) == 410);
        }
        pair_failed(&p, 1, WHIST_ERR_ABORTED, "party 2 has been restarted");
        CHECK(whist_delivery_done(p.d[1], NULL, NULL));
        CHECK(pair_try_take(&p, 2, "x") != WHIST_OK);
        pair_free(&p);
    }
}

/* A hello of an earlier run that comes late does no harm. */
static void late_hello(void)
{
    struct pair p, old;
    struct carried c, more;
    pair_init(&old);
    old.opt[1].epoch = 55;
    pair_start(&old);
    CHECK(pair_post(&old, 1, &c));
    pair_init(&p);
    pair_start(&p);
    CHECK(pair_arrive(&p, &c).status == 200); /* before contact: answered, not believed */
    CHECK(!whist_delivery_connected(p.d[2]));
    pair_shuttle(&p);
    CHECK(p.d[2]->peer_epoch == EPOCH(1));
    CHECK(pair_arrive(&p, &c).status == 410); /* and after */
    CHECK(pair_post(&p, 2, &more) && pair_carry(&p, &more) == 200);
    CHECK(whist_delivery_failure(p.d[2]) == NULL);
    whist_buffer_clear(&c.body);
    pair_free(&p);
    pair_free(&old);
}

/* ---- Time ---- */

/* The pauses between attempts: none, then 50, 100 … 1,000, each ± a quarter. Losses of POSTs that
 * were in flight together count once. */
static void retries(void)
{
    struct pair p, again;
    struct carried c;
    int64_t expected = 0, pauses[12];
    pair_init(&p);
    pair_start(&p);
    for (unsigned i = 0; i < 12; i++) {
        CHECK(pair_post(&p, 1, &c));
        pair_lose(&p, &c, "connection refused");
        int64_t next = whist_delivery_next_deadline(p.d[1]);
        pauses[i] = next - p.now;
        CHECK(pauses[i] >= expected - expected / 4 && pauses[i] <= expected + expected / 4 + 1);
        CHECK(expected == 0 || !pair_post(&p, 1, &c));
        p.now = next > p.now ? next : p.now;
        expected = expected == 0 ? 2 : expected * 2;
        expected = expected > 1000 ? 1000 : expected;
    }
    pair_free(&p);
    pair_init(&again);
    pair_start(&again);
    for (unsigned i = 0; i < 12; i++) { /* the same seed, the same pauses */
        CHECK(pair_post(&again, 1, &c));
        pair_lose(&again, &c, NULL);
        CHECK(whist_delivery_next_deadline(again.d[1]) - again.now == pauses[i]);
        again.now += pauses[i];
    }
    pair_free(&again);
}

static void losses_together(void)
{
    struct pair p;
    struct carried c[4];
    pair_open(&p);
    for (unsigned i = 0; i < 4; i++) {
        pair_send(&p, 1, 40000, (uint8_t)i, "x");
        CHECK(pair_post(&p, 1, &c[i]));
    }
    for (unsigned i = 0; i < 4; i++) {
        pair_lose(&p, &c[i], "cut");
    }
    for (unsigned i = 0; i < 4; i++) { /* at once, oldest first */
        CHECK(pair_post(&p, 1, &c[i]));
        CHECK(c[i].body.data[0] == i);
    }
    pair_lose(&p, &c[0], "cut");
    CHECK(!pair_post(&p, 1, &c[0]));
    CHECK(pair_carry(&p, &c[1]) == 200); /* the link works: no pause */
    CHECK(pair_post(&p, 1, &c[0]));
    for (unsigned i = 0; i < 4; i++) {
        if (i != 1) {
            pair_carry(&p, &c[i]);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        pair_take(&p, 2, 40000, (uint8_t)i, "x");
    }
    struct delivery_stats stats;
    whist_delivery_stats(p.d[1], &stats);
    CHECK(stats.posts_lost == 5 && stats.posts_repeated == 5);
    pair_free(&p);
}

static void overdue(void)
{
    struct pair p;
    struct carried c, d;
    uint64_t id;
    pair_open(&p);
    pair_send(&p, 1, 40000, 1, "x");
    CHECK(pair_post(&p, 1, &c));
    pair_send(&p, 1, 40000, 2, "x");
    CHECK(pair_post(&p, 1, &d));
    p.now += 3000;
    whist_delivery_progress(p.d[1], p.now, d.id);
    CHECK(whist_delivery_next_deadline(p.d[1]) == p.now + 1000);
    p.now += 999;
    CHECK(!whist_delivery_next_expired(p.d[1], p.now, &id));
    p.now += 1;
    CHECK(whist_delivery_next_expired(p.d[1], p.now, &id) && id == c.id);
    CHECK(!whist_delivery_next_expired(p.d[1], p.now, &id));
    p.now += 3000;
    CHECK(whist_delivery_next_expired(p.d[1], p.now, &id) && id == d.id);
    pair_carry(&p, &c); /* the answer comes after all */
    pair_lose(&p, &d, NULL);
    pair_shuttle(&p);
    pair_take(&p, 2, 40000, 1, "x");
    pair_take(&p, 2, 40000, 2, "x");
    pair_free(&p);
}

static void heartbeats(void)
{
    struct pair p;
    struct carried c;
    pair_open(&p);
    int64_t since = p.now;
    CHECK(whist_delivery_next_deadline(p.d[1]) == since + 5000);
    p.now = since + 4000;
    pair_send(&p, 1, 1, 1, "x"); /* any POST is a sign of life */
    pair_shuttle(&p);
    CHECK(whist_delivery_next_deadline(p.d[1]) == since + 9000);
    p.now = since + 8999;
    CHECK(!pair_post(&p, 1, &c));
    p.now = since + 9000;
    CHECK(pair_post(&p, 1, &c) && c.body.len == POST_TAIL_LEN);
    pair_lose(&p, &c, "cut"); /* a lost one comes again */
    CHECK(pair_post(&p, 1, &c));
    pair_carry(&p, &c);
    CHECK(!pair_post(&p, 1, &c));
    /* An hour of nothing but heartbeats is no error, also while somebody waits. */
    whist_delivery_wait_begin(p.d[1], p.now, "x");
    pair_run(&p, p.now + 3600000, true);
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    CHECK(p.d[1]->stats.posts_sent < 800);
    whist_delivery_wait_end(p.d[1], p.now);
    pair_free(&p);
}

/* Silence is an error exactly when it has lasted dead_ms and something is awaited. */
static void dead_peer(void)
{
    struct pair p;
    struct carried c;
    pair_open(&p);
    pair_send(&p, 2, 5, 6, "y");
    pair_shuttle(&p);
    int64_t last = p.now;
    pair_run(&p, last + 30000, false); /* nothing is awaited */
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    whist_delivery_wait_begin(p.d[1], p.now, "chunk.cot");
    last = p.now;
    p.now = last + 3000;
    while (pair_post(&p, 1, &c)) {
        pair_lose(&p, &c, "connection refused");
    }
    pair_run(&p, last + 4999, false);
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    pair_run(&p, last + 5000, false);
    pair_failed(&p, 1, WHIST_ERR_UNREACHABLE, "party 2 gives no sign of life since 35000 ms");
    pair_failed(&p, 1, WHIST_ERR_UNREACHABLE,
                "awaited: message 1 (phase chunk.cot), since 5000 ms; last: connection refused");
    CHECK(strcmp(whist_delivery_failure(p.d[1])->phase, "chunk.cot") == 0);
    pair_take(&p, 1, 5, 6, "y"); /* what was there can be taken */
    CHECK(pair_try_take(&p, 1, "y") == WHIST_ERR_UNREACHABLE);
    whist_delivery_wait_end(p.d[1], p.now);
    pair_free(&p);
}

/* Two heartbeats after its last sign of life, also if something is awaited only since then. */
static void dead_before_awaited(void)
{
    struct pair p;
    pair_open(&p);
    int64_t last = p.now;
    pair_run(&p, last + 4000, false);
    whist_delivery_wait_begin(p.d[1], p.now, "x");
    pair_run(&p, last + 9999, false);
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    pair_run(&p, last + 10000, false);
    pair_failed(&p, 1, WHIST_ERR_UNREACHABLE, "no sign of life since 10000 ms");
    whist_delivery_wait_end(p.d[1], p.now);
    pair_free(&p);
}

static void signs_of_life(void)
{
    struct pair p;
    struct carried c;
    pair_open(&p);
    whist_delivery_wait_begin(p.d[1], p.now, "x");
    p.now += 9000;
    whist_delivery_alive(p.d[1], p.now); /* a long body is on its way */
    CHECK(p.d[1]->life_ms == p.now);
    p.now += 9000;
    whist_delivery_tick(p.d[1], p.now);
    CHECK(pair_post(&p, 2, &c));
    CHECK(pair_carry(&p, &c) == 200); /* its POST */
    p.now += 9000;
    CHECK(pair_post(&p, 1, &c));
    pair_carry(&p, &c); /* its answer */
    p.now += 9999;
    whist_delivery_tick(p.d[1], p.now);
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    p.now += 1;
    whist_delivery_tick(p.d[1], p.now);
    pair_failed(&p, 1, WHIST_ERR_UNREACHABLE, "no sign of life since 10000 ms");
    whist_delivery_wait_end(p.d[1], p.now);
    pair_free(&p);
}

/* This process was stopped itself: on waking up it does not take that for the peer's silence. */
static void own_stop(void)
{
    struct pair p;
    uint64_t id;
    struct carried c;
    pair_open(&p);
    whist_delivery_wait_begin(p.d[1], p.now, "x");
    pair_send(&p, 1, 5, 1, "x");
    CHECK(pair_post(&p, 1, &c));
    CHECK(whist_delivery_next_deadline(p.d[1]) == p.now + 4000);
    p.now += 3600000;
    whist_delivery_tick(p.d[1], p.now);
    CHECK(whist_delivery_failure(p.d[1]) == NULL);
    CHECK(!whist_delivery_next_expired(p.d[1], p.now, &id)); /* its answer may be there */
    CHECK(p.d[1]->life_ms == p.now);
    p.now += 4000 + OWN_PAUSE_MS; /* a little late is just late */
    whist_delivery_tick(p.d[1], p.now);
    CHECK(whist_delivery_next_expired(p.d[1], p.now, &id) && id == c.id);
    pair_carry(&p, &c);
    whist_delivery_wait_end(p.d[1], p.now);
    pair_free(&p);
}

static void no_contact(void)
{
    struct pair p;
    struct carried c;
    pair_init(&p);
    pair_start(&p);
    while (p.now < p.opt[1].connect_deadline_ms) {
        CHECK(whist_delivery_failure(p.d[1]) == NULL);
        while (pair_post(&p, 1, &c)) {
            pair_lose(&p, &c, "name not found: b.example");
        }
        p.now = whist_delivery_next_deadline(p.d[1]);
        whist_delivery_tick(p.d[1], p.now);
    }
    CHECK(p.now == p.opt[1].connect_deadline_ms);
    pair_failed(&p, 1, WHIST_ERR_UNREACHABLE, "no contact with party 2 since 60000 ms");
    pair_failed(
        &p, 1, WHIST_ERR_UNREACHABLE,
        "last trouble: name not found: b.example; there was no answer at all. Is it running");
    CHECK(whist_delivery_done(p.d[1], NULL, NULL));
    pair_free(&p);
}

/* What the peer's side has said once is not lost behind what comes later. */
static void last_answer(void)
{
    struct pair p;
    struct carried c;
    struct delivery_answer a = {.status = 404, .len = 8};
    memcpy(a.body, "not yet\n", 8);
    pair_init(&p);
    pair_start(&p);
    CHECK(pair_post(&p, 1, &c));
    pair_answer(&p, &c, &a);
    while (whist_delivery_failure(p.d[1]) == NULL) {
        while (pair_post(&p, 1, &c)) {
            pair_lose(&p, &c, "connection refused");
        }
        p.now = whist_delivery_next_deadline(p.d[1]);
        whist_delivery_tick(p.d[1], p.now);
    }
    pair_failed(&p, 1, WHIST_ERR_UNREACHABLE,
                "last trouble: connection refused; its last answer, 60000 ms ago: answer 404 that "
                "is not of this wire: not yet?");
    pair_free(&p);
}

/* Answers that no party wrote. */
static void foreign_answers(void)
{
    static const struct {
        int status;
        bool fatal;
        const char *part;
    } table[] = {
        {200, true, "answered 200: <html>"},
        {204, true, "answered 204"},
        {301, true, "redirects are not followed"},
        {308, true, "redirects are not followed"},
        {400, true, "answered 400"},
        {401, true, "certificate or token"},
        {403, true, "certificate or token"},
        {404, false, NULL},
        {405, true, "answered 405"},
        {408, false, NULL},
        {410, false, NULL},
        {413, true, "make the POSTs shorter"},
        {429, false, NULL},
        {500, false, NULL},
        {502, false, NULL},
        {503, false, NULL},
        {504, false, NULL},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pair p;
        struct carried c;
        struct delivery_answer a = {.status = table[i].status, .len = 7};
        memcpy(a.body, "<html>\x01", 7);
        pair_init(&p);
        pair_start(&p);
        CHECK(pair_post(&p, 1, &c));
        pair_answer(&p, &c, &a);
        if (table[i].fatal) {
            pair_failed(&p, 1, WHIST_ERR_PROTOCOL, table[i].part);
        } else {
            CHECK(whist_delivery_failure(p.d[1]) == NULL);
            CHECK(strstr(p.d[1]->trouble, "<html>?") != NULL);
            CHECK(pair_post(&p, 1, &c) && pair_carry(&p, &c) == 200);
        }
        pair_free(&p);
    }
    struct pair p;
    struct carried c;
    struct delivery_answer a = {.status = 410, .len = 5};
    memcpy(a.body, "ended", 5);
    pair_open(&p);
    pair_send(&p, 1, 1, 1, "x");
    CHECK(pair_post(&p, 1, &c));
    pair_answer(&p, &c, &a); /* after contact this is an end */
    pair_failed(&p, 1, WHIST_ERR_ABORTED, "party 2 has ended this session (answer 410: ended)");
    pair_free(&p);
}

/* ---- For people ---- */

static void describe(void)
{
    struct pair p;
    char text[600], cut[20];
    pair_open(&p);
    pair_send(&p, 1, 10, 1, "x");
    whist_delivery_wait_begin(p.d[1], p.now, "tables");
    p.now += 31000;
    whist_delivery_describe(p.d[1], p.now, text, sizeof text);
    CHECK(strstr(text, "party 2: open; awaited: message 0 (phase tables), since 31000 ms") != NULL);
    CHECK(strstr(text, "next to it: message 1 (1 not acknowledged") != NULL);
    CHECK(strlen(whist_delivery_describe(p.d[1], p.now, cut, sizeof cut)) == sizeof cut - 1);
    whist_delivery_wait_end(p.d[1], p.now);
    pair_free(&p);
}

static const struct test_case cases[] = {
    {"mismatches", mismatches},
    {"versions", versions},
    {"sessions", sessions},
    {"session_put_right", session_put_right},
    {"stale_posts", stale_posts},
    {"restart", restart},
    {"late_hello", late_hello},
    {"retries", retries},
    {"losses_together", losses_together},
    {"overdue", overdue},
    {"heartbeats", heartbeats},
    {"dead_peer", dead_peer},
    {"dead_before_awaited", dead_before_awaited},
    {"signs_of_life", signs_of_life},
    {"own_stop", own_stop},
    {"no_contact", no_contact},
    {"last_answer", last_answer},
    {"foreign_answers", foreign_answers},
    {"describe", describe},
};

TEST_MAIN(cases)
