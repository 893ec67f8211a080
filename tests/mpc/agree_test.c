/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Parties that disagree, parties with wrong arguments of their own, and what an error leaves
 * behind. */
#include <pthread.h>

#include "channel/channel_impl.h"
#include "harness.h"
#include "mpc/session.h"
#include "small.h"

#define MAX_PARTIES 3

/* Offsets in the hello (session.c). */
enum { HELLO_VERSION = 8, HELLO_PARTIES = 12, HELLO_INDEX = 16 };

/* ---- Disagreement ---- */

/* What one party, the odd one, is told otherwise. */
struct odd {
    const char *field; /* in the text of the error */
    const struct whist_circuit *circuit;
    const uint8_t *owners;
    uint64_t evaluator, receivers;
    struct whist_session_options options;
    const char *forge; /* "hello" or "agree": its message is changed; NULL: none */
    size_t forge_at;   /* at this byte */
};

struct disagreement {
    struct small_run r; /* first: the watch's context is the run */
    const struct odd *odd;
    size_t party;
    struct whist_gate_source *source; /* of odd->circuit */
    uint8_t inputs[8];
};

static void vary(void *ctx, size_t party, struct whist_session_options *options,
                 struct whist_run *run)
{
    struct disagreement *d = ctx;
    if (party != d->party) {
        return;
    }
    if (options != NULL) {
        uint64_t chunk = options->chunk_ands;
        *options = d->odd->options;
        options->chunk_ands = options->chunk_ands != 0 ? options->chunk_ands : chunk;
        return;
    }
    run->source = d->source != NULL ? d->source : run->source;
    run->evaluator = d->odd->evaluator;
    run->receivers = d->odd->receivers;
    if (d->odd->owners != NULL) { /* party 1 gets the group of party 0 */
        run->owners = d->odd->owners;
        run->inputs = d->inputs;
        run->n_inputs = party == 1 ? 4 : party == 0 ? 0 : 2;
    }
}

static void forge(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                  size_t len)
{
    const struct disagreement *d = ctx;
    (void)s;
    /* What is broadcast is changed before it is sent. */
    bool now = strcmp(point, "hello") == 0 || to == WHIST_NO_PEER;
    if (now && strcmp(point, d->odd->forge) == 0) {
        CHECK(d->odd->forge_at < len);
        ((uint8_t *)data)[d->odd->forge_at] ^= 3;
    }
}

/* Nothing but the agreement was sent. */
static void check_phases(void *ctx, size_t party, struct whist_session *session,
                         struct whist_channel *ch, struct party_result *result)
{
    struct whist_stats_row rows[100];
    size_t n = whist_channel_stats(ch, rows, 100);
    (void)ctx;
    (void)party;
    (void)session;
    (void)result;
    CHECK(n <= 100);
    for (size_t i = 0; i < n; i++) {
        CHECK_MSG(strncmp(rows[i].phase, "hello", 5) == 0 ||
                      strncmp(rows[i].phase, "agree", 5) == 0,
                  "something was sent or awaited in phase %s", rows[i].phase);
    }
}

static struct whist_channel *with_stats(void *ctx, size_t party, struct whist_channel *ch)
{
    struct whist_error err;
    (void)ctx;
    (void)party;
    CHECK_OK(whist_channel_stats_new(&ch, ch, &err), err);
    return ch;
}

/* At least one party says mismatch; all end with the field's name. */
static void check_named(const struct odd *odd, const struct party_result *res, size_t n, size_t p)
{
    size_t mismatches = 0;
    for (size_t i = 0; i < n; i++) {
        const struct whist_error *err = &res[i].err;
        mismatches += res[i].status == WHIST_ERR_MISMATCH;
        CHECK_MSG(res[i].status == WHIST_ERR_MISMATCH || res[i].status == WHIST_ERR_ABORTED,
                  "%s: party %zu: %s", odd->field, i, whist_status_name(res[i].status));
        CHECK_MSG(strstr(err->text, odd->field) != NULL, "party %zu: \"%s\" does not name \"%s\"",
                  i, err->text, odd->field);
        CHECK(strcmp(err->phase, "hello") == 0 || strcmp(err->phase, "agree") == 0);
        /* Whom it names: the odd one, or at the odd one somebody else. */
        CHECK(err->peer >= 0 && err->peer < (int)n && err->peer != (int)i);
        CHECK(res[i].status == WHIST_ERR_ABORTED || i == p || err->peer == (int)p);
    }
    CHECK(mismatches > 0);
}

static void disagree(const struct whist_circuit *c, size_t n, size_t party, const struct odd *odd)
{
    struct disagreement d;
    struct party_result res[MAX_PARTIES];
    struct whist_error err;
    small_init(&d.r, c, n, 1, false);
    d.odd = odd;
    d.party = party;
    d.source = NULL;
    memset(d.inputs, 1, sizeof d.inputs);
    if (odd->circuit != NULL) {
        CHECK_OK(whist_circuit_source_new(&d.source, odd->circuit, &err), err);
    }
    d.r.watch.vary = vary;
    d.r.watch.ended = check_phases;
    d.r.setup.wrap = with_stats;
    d.r.hooks[party].ctx = &d;
    d.r.hooks[party].tamper = odd->forge != NULL ? forge : NULL;
    parties_run(res, &d.r.setup);
    check_named(odd, res, n, party);
    parties_clear(res, n);
    whist_gate_source_free(d.source);
    small_clear(&d.r);
}

/* The same shape, another function. */
static struct whist_circuit *other_circuit(size_t n)
{
    struct whist_builder *b;
    struct whist_circuit *c;
    struct whist_error err;
    whist_wire x[MAX_PARTIES][2], out[3];
    CHECK_OK(whist_builder_new(&b, &err), err);
    for (size_t i = 0; i < n; i++) {
        whist_builder_input(b, x[i], 2);
    }
    out[0] = whist_builder_and(b, x[0][0], x[1][1]);
    out[1] = whist_builder_and(b, x[0][1], x[1][0]);
    out[2] = whist_builder_xor(b, out[0], x[n - 1][0]);
    whist_builder_output(b, out, 2);
    whist_builder_output(b, out + 2, 1);
    CHECK_OK(whist_builder_finish(b, &c, &err), err);
    whist_builder_free(b);
    return c;
}

static void disagreements(void)
{
    static const uint8_t owners[] = {1, 1, 2};
    for (size_t n = 2; n <= MAX_PARTIES; n++) {
        struct whist_circuit *c = small_circuit(n), *other = other_circuit(n);
        const struct odd odds[] = {
            {.field = "circuit", .circuit = other},
            {.field = "owners", .owners = owners},
            {.field = "evaluator", .evaluator = 1},
            {.field = "receivers", .receivers = 1},
            {.field = "rho", .options = {.rho = 41}},
            {.field = "parameter k", .options = {.cot_k = 8}},
            {.field = "chunk size", .options = {.chunk_ands = SMALL_CHUNK + 1}},
            {.field = "protocol version", .forge = "hello", .forge_at = HELLO_VERSION},
            {.field = "number of parties", .forge = "hello", .forge_at = HELLO_PARTIES},
            {.field = "index of the party", .forge = "hello", .forge_at = HELLO_INDEX},
            {.field = "number of the run", .forge = "agree"}, /* stands first */
        };
        for (size_t k = 0; k < sizeof odds / sizeof odds[0]; k++) {
            for (size_t party = 0; party < n; party++) {
                disagree(c, n, party, &odds[k]);
            }
        }
        whist_circuit_free(other);
        whist_circuit_free(c);
    }
}

/* A hello that is none: the peer speaks something else. */
static void not_a_hello(void)
{
    struct whist_channel *ch[2];
    struct whist_session *s = NULL;
    struct whist_error err;
    CHECK_OK(whist_channel_memory_new(ch, 2, 60000, &err), err);
    CHECK_OK(whist_channel_send(ch[1], 0, whist_bytes("GET / HTTP/1.1", 14), "hello",
                                WHIST_DEADLINE_DEFAULT, &err),
             err);
    CHECK(whist_session_new(&s, ch[0], NULL, &err) == WHIST_ERR_PROTOCOL && s == NULL);
    CHECK(err.peer == 1 && strcmp(err.phase, "hello") == 0 && strstr(err.text, "Whist") != NULL);
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
}

/* ---- Wrong arguments ---- */

static void number_of_parties(void)
{
    struct whist_channel *ch[WHIST_MAX_PARTIES + 1], many = {.n = 65, .framed = true};
    struct whist_session *s = NULL;
    struct whist_error err;
    CHECK(whist_channel_memory_new(ch, WHIST_MAX_PARTIES + 1, 60000, &err) == WHIST_ERR_ARGUMENT);
    CHECK(whist_session_new(&s, &many, NULL, &err) == WHIST_ERR_ARGUMENT && s == NULL);
    CHECK_OK(whist_channel_memory_new(ch, 1, 60000, &err), err);
    CHECK(whist_session_new(&s, ch[0], NULL, &err) == WHIST_ERR_ARGUMENT && s == NULL);
    CHECK(strstr(err.text, "two parties") != NULL);
    whist_channel_free(ch[0]);
}

static void bad_options(void)
{
    static const struct whist_session_options bad[] = {
        {.rho = 39}, {.rho = 61}, {.cot_k = 1}, {.cot_k = 3}, {.cot_k = 16}, {.chunk_ands = ~0ull}};
    struct whist_channel *ch[2];
    struct whist_session *s = NULL;
    struct whist_error err;
    CHECK_OK(whist_channel_memory_new(ch, 2, 60000, &err), err);
    CHECK_OK(whist_channel_stats_new(&ch[0], ch[0], &err), err);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(whist_session_new(&s, ch[0], &bad[i], &err) == WHIST_ERR_ARGUMENT && s == NULL);
        CHECK(err.text[0] != '\0' && whist_channel_stats(ch[0], NULL, 0) == 0);
    }
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
}

/* A transport without phases and aborts needs its envelope first. */
static void bare_channel(void)
{
    struct whist_channel bare = {.n = 2};
    struct whist_session *s = NULL;
    struct whist_error err;
    CHECK(whist_session_new(&s, &bare, NULL, &err) == WHIST_ERR_ARGUMENT && s == NULL);
    CHECK(strstr(err.text, "envelope") != NULL);
}

static uint64_t messages_sent(const struct whist_channel *ch)
{
    struct whist_stats_row rows[200];
    size_t n = whist_channel_stats(ch, rows, 200);
    uint64_t sum = 0;
    CHECK(n <= 200);
    for (size_t i = 0; i < n; i++) {
        sum += rows[i].messages_sent;
    }
    return sum;
}

struct wrong_call {
    struct small_run r;
    struct whist_channel *ch[2];
};

static struct whist_channel *keep_stats(void *ctx, size_t party, struct whist_channel *ch)
{
    struct wrong_call *w = ctx;
    w->ch[party] = with_stats(NULL, party, ch);
    return w->ch[party];
}

/* Runs that are wrong at party 0, in several ways; the right one follows on the same session. */
static void try_wrong_runs(void *ctx, size_t party, struct whist_session *session)
{
    static const uint8_t far[] = {0, 2};
    struct wrong_call *w = ctx;
    struct whist_gate_source *src;
    struct whist_error err;
    uint8_t in[8] = {0}, out[3] = {9, 9, 9};
    uint64_t before = messages_sent(w->ch[party]);
    CHECK_OK(whist_circuit_source_new(&src, w->r.setup.circuit, &err), err);
    const struct whist_run good = {.source = src, .inputs = in, .n_inputs = 2};
    struct whist_run bad[8];
    for (size_t i = 0; i < 8; i++) {
        bad[i] = good;
    }
    bad[0].evaluator = 2;
    bad[1].receivers = 4;
    bad[2].owners = far;
    bad[3].n_inputs = 1;
    bad[4].n_inputs = 3;
    bad[5].inputs = NULL;
    bad[6].evaluator = SIZE_MAX;
    for (size_t i = 0; i < 8; i++) {
        memset(&err, 0, sizeof err);
        whist_status st = whist_session_run(session, i == 7 ? NULL : out, &bad[i], &err);
        CHECK_MSG(st == WHIST_ERR_ARGUMENT && err.text[0] != '\0', "wrong run %zu: %s", i,
                  whist_status_name(st));
        CHECK(!session->dead && messages_sent(w->ch[party]) == before && out[0] == 9);
    }
    whist_gate_source_free(src);
}

static void wrong_runs_leave_the_session(void)
{
    struct whist_circuit *c = small_circuit(2);
    struct wrong_call w;
    struct party_result res[2];
    small_init(&w.r, c, 2, 2, false);
    w.r.watch.opened = try_wrong_runs;
    w.r.setup.wrap = keep_stats;
    w.r.setup.wrap_ctx = &w;
    parties_run(res, &w.r.setup);
    CHECK(small_check(&w.r, res, "after wrong runs") == 2);
    parties_clear(res, 2);
    small_clear(&w.r);
    whist_circuit_free(c);
}

/* ---- After an error ---- */

static bool all_zero(const void *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (((const uint8_t *)p)[i] != 0) {
            return false;
        }
    }
    return true;
}

/* The session of a failed run holds no secret and refuses everything. */
static void check_dead(void *ctx, size_t party, struct whist_session *s, struct whist_channel *ch,
                       struct party_result *result)
{
    struct small_run *r = ctx;
    struct whist_gate_source *src;
    struct whist_error err;
    uint8_t in[2] = {0}, out[3] = {9, 9, 9};
    CHECK(result->status != WHIST_OK && s != NULL && s->dead);
    CHECK(all_zero(&s->delta, sizeof s->delta));
    CHECK(all_zero(s->pair, s->n * sizeof *s->pair)); /* trees (freed: wiped), seeds */
    CHECK(all_zero(&s->rng, sizeof s->rng));
    CHECK(s->arena.base == NULL);
    uint64_t before = messages_sent(ch);
    CHECK_OK(whist_circuit_source_new(&src, r->setup.circuit, &err), err);
    struct whist_run run = {.source = src, .inputs = in, .n_inputs = 2};
    CHECK(whist_session_run(s, out, &run, &err) == WHIST_ERR_CLOSED);
    CHECK(strstr(err.text, "session") != NULL && out[0] == 9);
    CHECK(messages_sent(ch) == before);
    whist_gate_source_free(src);
    (void)party;
}

/* The last party sends wrong bits of the buckets' openings: nobody's session survives. */
static void lie_once(void *ctx, struct whist_session *s, const char *point, int to, void *data,
                     size_t len)
{
    (void)ctx;
    (void)to;
    if (strcmp(point, "and.open") == 0 && len > 0) {
        CHECK(!all_zero(&s->delta, sizeof s->delta) && s->arena.base != NULL);
        ((uint8_t *)data)[0] ^= 1;
    }
}

static void secrets_are_wiped(void)
{
    for (size_t n = 2; n <= MAX_PARTIES; n++) {
        struct whist_circuit *c = small_circuit(n);
        struct small_run r;
        struct party_result res[MAX_PARTIES];
        small_init(&r, c, n, 3, false);
        r.watch.ended = check_dead;
        r.setup.wrap = with_stats;
        r.hooks[n - 1].tamper = lie_once;
        parties_run(res, &r.setup);
        CHECK(small_check(&r, res, "a lie") == 0);
        CHECK(res[0].status == WHIST_ERR_CHECK || res[0].status == WHIST_ERR_ABORTED);
        parties_clear(res, n);
        small_clear(&r);
        whist_circuit_free(c);
    }
}

static const struct test_case cases[] = {
    {"disagreements", disagreements},
    {"not_a_hello", not_a_hello},
    {"number_of_parties", number_of_parties},
    {"bad_options", bad_options},
    {"bare_channel", bare_channel},
    {"wrong_runs_leave_the_session", wrong_runs_leave_the_session},
    {"secrets_are_wiped", secrets_are_wiped},
};
TEST_MAIN(cases)
