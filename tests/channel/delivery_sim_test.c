/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native links under a simulated network, seed by seed (simulator.h). A seed that fails is printed;
 * WHIST_SIM_SEED=n in the environment runs that seed alone, WHIST_SIM_TRACE=1 shows what happens.
 */
#include "harness.h"
#include "simulator.h"

typedef void (*scenario_fn)(struct sim_plan *plan, uint64_t *random);
typedef void (*verdict_fn)(const struct sim_plan *plan, const struct sim_result *results);

/* A network and parties without faults; scenarios add theirs. */
static struct sim_plan calm(uint64_t seed, uint64_t *random)
{
    struct sim_plan plan = {.seed = seed};
    plan.n = 2 + (sim_below(random, 10) < 4 ? 0 : sim_below(random, 4));
    plan.delay_max = (int64_t)sim_below(random, 3) * 60;
    plan.messages = plan.n > 3 ? 40 : 150;
    plan.big = 1000u << sim_below(random, 6);
    plan.slow_apps = sim_below(random, 2) == 0;
    plan.connect_ms = 60000;
    plan.dead_ms = 60000;
    plan.linger_ms = 30000;
    plan.heartbeat_ms = 5000;
    plan.time_max = 3600000;
    return plan;
}

#define N(field) (unsigned long long)t->field

static void run_seeds(const char *name, long count, scenario_fn scenario, verdict_fn verdict)
{
    const char *one = getenv("WHIST_SIM_SEED");
    sim_set_name(name);
    for (long i = 0; i < (one != NULL ? 1 : count); i++) {
        uint64_t seed = one != NULL ? strtoull(one, NULL, 10) : (uint64_t)i + 1;
        uint64_t random = seed * 0x9e3779b97f4a7c15u + (uint64_t)strlen(name);
        struct sim_plan plan = calm(seed, &random);
        struct sim_result results[SIM_MAX_PARTIES];
        scenario(&plan, &random);
        sim_run(&plan, results);
        verdict(&plan, results);
    }
    const struct sim_totals *t = sim_totals();
    printf(
        "%s: %ld seeds; %llu messages, %llu bytes, %llu longer than the window; %llu POSTs, %llu "
        "lost, %llu repeated; %llu duplicates, %llu reordered, %llu stalls, %llu overdue, %llu "
        "cut, "
        "%llu busy, %llu gave up waiting; %llu ended well, %llu not\n",
        name, count, N(messages), N(bytes), N(longer_than_window), N(posts), N(lost), N(repeated),
        N(duplicates), N(reordered), N(stalls), N(overdue), N(cuts), N(busy), N(gave_up),
        N(ended_ok), N(ended_badly));
}

static void all_fine(const struct sim_plan *plan, const struct sim_result *results)
{
    for (size_t p = 0; p < plan->n; p++) {
        SIM_CHECK(results[p].status == WHIST_OK, results[p].text);
    }
}

/* ---- Everything arrives ---- */

static void lossy_plan(struct sim_plan *plan, uint64_t *random)
{
    plan->lose_request = (unsigned)sim_below(random, 4) * 50;
    plan->lose_answer = (unsigned)sim_below(random, 4) * 100;
    plan->silent = (unsigned)sim_below(random, 3) * 50;
    plan->repeat = (unsigned)sim_below(random, 3) * 50;
    plan->late = (unsigned)sim_below(random, 3) * 30;
    plan->cuts = (unsigned)sim_below(random, 4) * 10;
    plan->start_max = (int64_t)sim_below(random, 2) * 20000;
    if (sim_below(random, 3) == 0) {
        plan->pauses = 3;
        plan->pause_max = 20000;
    }
}

static void sim_lossy(void)
{
    run_seeds("sim_lossy", test_scale(5000), lossy_plan, all_fine);
}

/* No losses, defaults of the real channel: the party with the last word ends at once, and nobody
 * misses anything. */
static void calm_plan(struct sim_plan *plan, uint64_t *random)
{
    plan->dead_ms = 10000;
    plan->linger_ms = 1000;
    plan->repeat = 50;
    plan->start_max = (int64_t)sim_below(random, 2) * 20000;
}

static void sim_calm(void)
{
    run_seeds("sim_calm", test_scale(2000), calm_plan, all_fine);
}

/* Stopped for less than the deadline, on a network without losses: no error. */
static void pause_plan(struct sim_plan *plan, uint64_t *random)
{
    plan->dead_ms = 10000;
    plan->linger_ms = 30000;
    plan->slow_apps = true;
    plan->pauses = 1 + (unsigned)sim_below(random, 2);
    plan->pause_max = 4000;
}

static void sim_pause(void)
{
    run_seeds("sim_pause", test_scale(1000), pause_plan, all_fine);
}

/* ---- Somebody fails ---- */

static void victim(struct sim_plan *plan, uint64_t *random)
{
    plan->victim = sim_below(random, plan->n);
    plan->event_ms = 1000 + sim_between(random, 0, sim_below(random, 2) == 0 ? 300 : 10000);
    plan->dead_ms = 10000;
    plan->linger_ms = 1000;
}

static void names(const struct sim_plan *plan, const struct sim_result *r)
{
    char name[32];
    snprintf(name, sizeof name, "party %zu ", plan->victim);
    SIM_CHECK(r->peer == (int)plan->victim || strstr(r->text, name) != NULL, r->text);
}

static void kill_plan(struct sim_plan *plan, uint64_t *random)
{
    victim(plan, random);
    plan->event = SIM_KILL;
    plan->slow_apps = true;
    plan->connect_ms = 15000;
}

/* Whoever was not through ends with an error that names the victim. When, is checked by the
 * simulator: exactly dead_ms after the last sign of life, or after something began to be awaited.
 */
static void killed(const struct sim_plan *plan, const struct sim_result *results)
{
    for (size_t p = 0; p < plan->n; p++) {
        const struct sim_result *r = &results[p];
        if (p != plan->victim && r->status != WHIST_OK) {
            SIM_CHECK(results[plan->victim].killed, r->text);
            names(plan, r);
        }
    }
}

static void sim_kill(void)
{
    run_seeds("sim_kill", test_scale(1000), kill_plan, killed);
}

/* One of five is killed while all wait for it: two heartbeats later all the others know. */
static void kill_busy_plan(struct sim_plan *plan, uint64_t *random)
{
    victim(plan, random);
    plan->n = 5;
    plan->event = SIM_KILL;
    plan->event_ms = 1500 + (int64_t)sim_below(random, 3000);
    plan->delay_min = 20;
    plan->delay_max = 80;
    plan->messages = 4000;
    plan->exact = true;
    plan->big = 100;
    plan->slow_apps = false;
}

static void killed_busy(const struct sim_plan *plan, const struct sim_result *results)
{
    for (size_t p = 0; p < plan->n; p++) {
        const struct sim_result *r = &results[p];
        if (p != plan->victim) {
            names(plan, r);
            SIM_CHECK(r->failed_ms != 0 && r->failed_ms <= plan->event_ms + 2 * plan->delay_max +
                                                               2 * plan->heartbeat_ms,
                      "later than two heartbeats");
        }
    }
}

static void sim_kill_busy(void)
{
    run_seeds("sim_kill_busy", test_scale(100), kill_busy_plan, killed_busy);
}

static void abort_plan(struct sim_plan *plan, uint64_t *random)
{
    victim(plan, random);
    plan->event = SIM_ABORT;
    plan->event_ms = 3000 + sim_between(random, 0, 3000);
    plan->slow_apps = true;
    plan->messages = 200;
}

static void aborted(const struct sim_plan *plan, const struct sim_result *results)
{
    for (size_t p = 0; p < plan->n; p++) {
        const struct sim_result *r = &results[p];
        if (p == plan->victim || results[plan->victim].status != WHIST_ERR_CHECK ||
            r->status == WHIST_OK) {
            continue;
        }
        names(plan, r);
        SIM_CHECK(r->status == WHIST_ERR_ABORTED, r->text);
        SIM_CHECK(strstr(r->text, "bad MAC") != NULL, r->text);
        SIM_CHECK(r->failed_ms - plan->event_ms <= 1000, "an abort took longer than a second");
    }
}

static void sim_abort(void)
{
    run_seeds("sim_abort", test_scale(700), abort_plan, aborted);
}

static void restart_plan(struct sim_plan *plan, uint64_t *random)
{
    lossy_plan(plan, random);
    plan->pauses = 0;
    plan->silent = 0;
    victim(plan, random);
    plan->event = SIM_RESTART;
    plan->connect_ms = 30000;
}

/* The simulator has checked that no messages of two runs were mixed. Everybody ends; those that
 * were not through with the first run have an error. */
static void restarted(const struct sim_plan *plan, const struct sim_result *results)
{
    for (size_t p = 0; p < plan->n; p++) {
        const struct sim_result *r = &results[p];
        SIM_CHECK(r->started && r->ended_ms != 0, "no end");
        if (p != plan->victim && r->status != WHIST_OK && results[plan->victim].restarted) {
            bool clear = strstr(r->text, "party") != NULL;
            SIM_CHECK(clear, r->text);
        }
    }
}

static void sim_restart(void)
{
    run_seeds("sim_restart", test_scale(700), restart_plan, restarted);
}

/* ---- Memory and long runs ---- */

/* Now and then there is no memory: what came is refused and comes again. */
static void starve_plan(struct sim_plan *plan, uint64_t *random)
{
    lossy_plan(plan, random);
    plan->starve = 30;
}

static void sim_starve_all(void)
{
    run_seeds("sim_starve_all", test_scale(1000), starve_plan, all_fine);
    SIM_CHECK(getenv("WHIST_SIM_SEED") != NULL || sim_totals()->busy > 0, "memory was never short");
}

/* A link that is cut a thousand times goes on where it was. */
static void cuts_plan(struct sim_plan *plan, uint64_t *random)
{
    plan->n = 2;
    plan->cuts = 4000; /* half of them of a party with itself, and some after the end */
    plan->delay_min = 5;
    plan->delay_max = 20 + (int64_t)sim_below(random, 30);
    plan->messages = 20000;
    plan->exact = true;
    plan->big = 4000;
}

static void thousand_cuts(const struct sim_plan *plan, const struct sim_result *results)
{
    static uint64_t before;
    all_fine(plan, results);
    SIM_CHECK(sim_totals()->cuts - before >= 1000, "fewer cuts than a thousand");
    before = sim_totals()->cuts;
}

static void sim_cuts(void)
{
    run_seeds("sim_cuts", test_scale(20), cuts_plan, thousand_cuts);
}

/* Many messages of up to 64 KiB over a network that loses 30 % of the answers, 10 % of the requests
 * and repeats 10 %. */
static void many_plan(struct sim_plan *plan, uint64_t *random)
{
    plan->n = 2;
    plan->lose_request = 100;
    plan->lose_answer = 300;
    plan->silent = 20;
    plan->repeat = 100;
    plan->cuts = 100;
    plan->delay_max = (int64_t)sim_below(random, 20);
    plan->messages = (size_t)test_scale(10000);
    plan->exact = true;
    plan->big = 65536;
    plan->time_max = INT64_MAX / 2;
}

static void sim_many(void)
{
    run_seeds("sim_many", 1, many_plan, all_fine);
}

static void absent_plan(struct sim_plan *plan, uint64_t *random)
{
    victim(plan, random);
    plan->event = SIM_ABSENT;
    plan->connect_ms = 20000;
    plan->lose_answer = 100;
}

static void absent(const struct sim_plan *plan, const struct sim_result *results)
{
    for (size_t p = 0; p < plan->n; p++) {
        if (p != plan->victim) {
            names(plan, &results[p]);
            SIM_CHECK(results[p].failed_ms <= 21000, "later than the connect deadline");
        }
    }
}

static void sim_absent(void)
{
    run_seeds("sim_absent", test_scale(300), absent_plan, absent);
}

static const struct test_case cases[] = {
    {"sim_lossy", sim_lossy},
    {"sim_calm", sim_calm},
    {"sim_pause", sim_pause},
    {"sim_kill", sim_kill},
    {"sim_abort", sim_abort},
    {"sim_restart", sim_restart},
    {"sim_absent", sim_absent},
    {"sim_kill_busy", sim_kill_busy},
    {"sim_starve_all", sim_starve_all},
    {"sim_cuts", sim_cuts},
    {"sim_many", sim_many},
};

TEST_MAIN(cases)
