/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "simulator_impl.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* ---- Seeds ---- */

static const char *scenario_name = "";
static uint64_t present_seed;
static const struct sim *present;

struct sim_totals whist_sim_totals;

const struct sim_totals *sim_totals(void)
{
    return &whist_sim_totals;
}

void sim_set_name(const char *scenario)
{
    scenario_name = scenario;
    whist_sim_totals = (struct sim_totals){0};
}

static void print_seed(void)
{
    fprintf(stderr,
            "scenario %s, seed %" PRIu64 ": again with WHIST_SIM_SEED=%" PRIu64 " and case %s\n",
            scenario_name, present_seed, present_seed, scenario_name);
}

/* Called by AddressSanitizer before its report. */
void __asan_on_error(void);
void __asan_on_error(void)
{
    print_seed();
}

static void on_signal(int number)
{
    print_seed();
    signal(number, SIG_DFL);
    raise(number);
}

_Noreturn void sim_fail(const char *file, int line, const char *cond, const char *text)
{
    char line_text[700];
    fprintf(stderr, "%s:%d: %s: %s\n", file, line, cond, text);
    print_seed();
    for (size_t p = 0; present != NULL && p < present->plan.n; p++) {
        for (size_t q = 0; q < present->plan.n; q++) {
            const struct sim_link *l = &present->process[p].link[q];
            if (present->process[p].state == PROCESS_ON && p != q) {
                fprintf(stderr, "at %" PRId64 " ms, party %zu (%zu/%zu sent, %zu/%zu taken): %s\n",
                        present->now, p, l->sent, l->to_send, l->taken, l->to_take,
                        whist_delivery_describe(l->d, present->now, line_text, sizeof line_text));
            }
        }
    }
    exit(1);
}

uint64_t sim_below(uint64_t *state, uint64_t below)
{
    return below == 0 ? 0 : splitmix64(state) % below;
}

int64_t sim_between(uint64_t *state, int64_t min, int64_t max)
{
    return min + (int64_t)sim_below(state, (uint64_t)(max - min) + 1);
}

static bool chance(struct sim *s, unsigned thousandths)
{
    return sim_below(&s->random, 1000) < thousandths;
}

static bool tracing(void)
{
    return getenv("WHIST_SIM_TRACE") != NULL;
}

#define TRACE(...) (tracing() ? (void)fprintf(stderr, __VA_ARGS__) : (void)0)

void sim_starve(struct sim *s)
{
    if (s->plan.starve != 0 && chance(s, s->plan.starve)) {
        whist_alloc_fail_after((long)sim_below(&s->random, 4));
    }
}

void sim_feed(void)
{
    whist_alloc_fail_after(-1);
}

/* ---- Events: a binary heap ---- */

static bool before(const struct event *a, const struct event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct sim *s, struct event e)
{
    if (s->n_heap == s->cap_heap) {
        s->cap_heap = s->cap_heap * 2 + 64;
        s->heap = realloc(s->heap, s->cap_heap * sizeof *s->heap);
        SIM_CHECK(s->heap != NULL, "memory");
    }
    if (e.order == 0) {
        e.order = ++s->order;
        if (e.flight != NULL) {
            e.flight->refs++;
        }
    }
    size_t i = s->n_heap++;
    while (i > 0 && before(&e, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = e;
}

static struct event pop(struct sim *s)
{
    struct event top = s->heap[0], last = s->heap[--s->n_heap];
    size_t i = 0;
    for (size_t child = 1; child < s->n_heap; child = 2 * i + 1) {
        if (child + 1 < s->n_heap && before(&s->heap[child + 1], &s->heap[child])) {
            child++;
        }
        if (!before(&s->heap[child], &last)) {
            break;
        }
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = last;
    return top;
}

/* ---- Network ---- */

static int64_t delay(struct sim *s)
{
    return sim_between(&s->random, s->plan.delay_min, s->plan.delay_max);
}

static void release_flight(struct sim *s, struct flight *f)
{
    if (!f->over || f->refs != 0) {
        return;
    }
    struct flight **at = &s->flights;
    while (*at != f) {
        at = &(*at)->next;
    }
    *at = f->next;
    free(f->body);
    free(f);
}

static void at_flight(struct sim *s, event_kind kind, struct flight *f, int64_t at)
{
    push(s, (struct event){.at = at, .kind = kind, .flight = f});
}

/* A POST goes out: its fate is thrown here, but for the answer's. */
static void send_post(struct sim *s, size_t p, size_t q, const struct delivery_post *post)
{
    struct flight *f = calloc(1, sizeof *f);
    SIM_CHECK(f != NULL, "memory");
    *f = (struct flight){.from = p,
                         .to = q,
                         .run_from = s->process[p].run,
                         .id = post->id,
                         .post = *post,
                         .body = malloc(post->len),
                         .next = s->flights};
    s->flights = f;
    for (size_t i = 0; i < post->n_parts; i++) {
        SIM_CHECK(post->parts[i].len != 0, "an empty part");
        memcpy(f->body + f->len, post->parts[i].data, post->parts[i].len);
        f->len += post->parts[i].len;
    }
    SIM_CHECK(f->len == post->len && post->body_len <= s->process[p].link[q].d->opt.post_bytes,
              "a POST of another length than it says, or too long");
    int64_t there = s->now + delay(s);
    TRACE("%" PRId64 " post %zu>%zu id %" PRIu64 " len %zu kind %d\n", s->now, p, q, f->id, f->len,
          f->body[f->len - 12]);
    if (chance(s, s->plan.lose_request)) {
        f->drop = true;
        if (!chance(s, s->plan.silent)) {
            at_flight(s, EVENT_LOST, f, there);
        }
    } else if (chance(s, s->plan.late)) {
        at_flight(s, EVENT_LOST, f, there);
        at_flight(s, EVENT_REPEAT, f, there + sim_between(&s->random, 0, 3000));
    } else {
        at_flight(s, EVENT_REQUEST, f, there);
        if (chance(s, s->plan.repeat)) {
            at_flight(s, EVENT_REPEAT, f, there + sim_between(&s->random, 0, 2000));
        }
    }
}

static void check_views(const struct flight *f)
{
    size_t at = 0;
    for (size_t i = 0; i < f->post.n_parts; i++) {
        SIM_CHECK(memcmp(f->post.parts[i].data, f->body + at, f->post.parts[i].len) == 0,
                  "the views of a POST changed in flight");
        at += f->post.parts[i].len;
    }
}

static bool sender_lives(const struct sim *s, const struct flight *f)
{
    return s->process[f->from].state == PROCESS_ON && s->process[f->from].run == f->run_from;
}

/* The POST is over for its sender: with an answer, or without. */
static void end_flight(struct sim *s, struct flight *f, bool answered, const char *reason)
{
    struct sim_link *l = &s->process[f->from].link[f->to];
    if (f->over) {
        return;
    }
    f->over = true;
    if (!sender_lives(s, f)) {
        return;
    }
    check_views(f);
    TRACE("%" PRId64 " %s %zu>%zu id %" PRIu64 "\n", s->now, answered ? "answered" : reason,
          f->from, f->to, f->id);
    if (!answered) {
        whist_delivery_lost(l->d, s->now, f->id, reason);
        return;
    }
    if (f->answer.status != 404) {
        l->life_ms = s->now;
    }
    whist_delivery_answered(l->d, s->now, f->id, f->answer.status,
                            whist_bytes(f->answer.body, f->answer.len));
}

/* A request reaches party f->to. */
static void arrive(struct sim *s, struct flight *f, bool answer)
{
    struct sim_link *l = &s->process[f->to].link[f->from];
    if (f->drop) {
        return;
    }
    if (s->process[f->to].state != PROCESS_ON) {
        if (answer) {
            at_flight(s, EVENT_LOST, f, s->now + delay(s));
        }
        return;
    }
    struct whist_buffer body = {0};
    struct delivery_answer a;
    bool connected = whist_delivery_connected(l->d);
    SIM_CHECK(whist_buffer_append(&body, f->body, f->len) == WHIST_OK, "memory");
    sim_starve(s);
    whist_delivery_request(l->d, s->now, &body, &a);
    sim_feed();
    whist_sim_totals.busy += a.status == 503 ? 1 : 0;
    SIM_CHECK(body.data == NULL, "the body was not taken");
    if (a.status == 200 && (connected || whist_delivery_connected(l->d))) {
        l->life_ms = s->now;
    }
    TRACE("%" PRId64 " request %zu>%zu id %" PRIu64 ": %d\n", s->now, f->from, f->to, f->id,
          a.status);
    if (!answer || f->over) {
        return;
    }
    f->answer = a;
    if (!chance(s, s->plan.lose_answer)) {
        at_flight(s, EVENT_ANSWER, f, s->now + delay(s));
    } else if (!chance(s, s->plan.silent)) {
        at_flight(s, EVENT_LOST, f, s->now + delay(s));
    }
}

/* All connections between two parties break: POSTs in flight are lost, half of those that were not
 * there yet arrive all the same. */
static void cut_pair(struct sim *s, size_t p, size_t q)
{
    bool both = s->process[p].state == PROCESS_ON && s->process[q].state == PROCESS_ON;
    whist_sim_totals.cuts += p != q && both ? 1 : 0;
    for (struct flight *f = s->flights; f != NULL; f = f->next) {
        bool between = (f->from == p && f->to == q) || (f->from == q && f->to == p);
        if (between && !f->over) {
            f->drop = f->drop || chance(s, 500);
            at_flight(s, EVENT_LOST, f, s->now);
        }
    }
}

/* ---- Processes ---- */

static void add_totals(const struct delivery *d)
{
    struct sim_totals *t = &whist_sim_totals;
    struct delivery_stats stats;
    if (d != NULL) {
        whist_delivery_stats(d, &stats);
        t->posts += stats.posts_sent;
        t->lost += stats.posts_lost;
        t->repeated += stats.posts_repeated;
        t->duplicates += stats.duplicates;
        t->reordered += stats.reordered;
        t->stalls += stats.credit_stalls;
    }
}

static void end_process(struct sim *s, size_t p)
{
    struct process *proc = &s->process[p];
    whist_sim_totals.ended_ok += s->result[p].status == WHIST_OK ? 1 : 0;
    whist_sim_totals.ended_badly += s->result[p].status != WHIST_OK ? 1 : 0;
    for (struct flight *f = s->flights; f != NULL; f = f->next) {
        if (f->from == p && f->run_from == proc->run) {
            f->over = true;
        }
    }
    for (size_t q = 0; q < s->plan.n; q++) {
        add_totals(proc->link[q].d);
        whist_delivery_free(proc->link[q].d);
        proc->link[q].d = NULL;
    }
    proc->state = PROCESS_ENDED;
    s->result[p].ended_ms = s->now;
    TRACE("%" PRId64 " party %zu ends: %s %s\n", s->now, p, whist_status_name(s->result[p].status),
          s->result[p].text);
}

static void start_process(struct sim *s, size_t p, unsigned run)
{
    struct process *proc = &s->process[p];
    *proc = (struct process){.state = PROCESS_ON, .run = run};
    s->result[p] = (struct sim_result){.started = true, .restarted = run != 0};
    TRACE("%" PRId64 " party %zu starts, run %u\n", s->now, p, run);
    sim_app_start(s, p);
}

/* What a silent peer's error must obey. */
static void check_failure_time(const struct sim *s, size_t p, size_t q)
{
    const struct sim_link *l = &s->process[p].link[q];
    const struct delivery *d = l->d;
    if (d->error.status != WHIST_ERR_UNREACHABLE || s->plan.pauses != 0) {
        return;
    }
    if (!d->connected) {
        SIM_CHECK(s->now == d->opt.connect_deadline_ms, "a connect error not at its deadline");
        return;
    }
    int64_t silent = l->life_ms + d->opt.dead_ms, awaited = d->awaiting_ms + d->opt.heartbeat_ms;
    SIM_CHECK(s->now == (silent > awaited ? silent : awaited),
              "a dead peer noticed not at its deadline");
}

/* As a channel does: one link's failure ends all. */
static void notice_failure(struct sim *s, size_t p, size_t q)
{
    struct process *proc = &s->process[p];
    const struct whist_error *why = whist_delivery_failure(proc->link[q].d);
    if (why == NULL || proc->failing) {
        return;
    }
    check_failure_time(s, p, q);
    proc->failing = true;
    struct sim_result *r = &s->result[p];
    r->status = why->status;
    r->peer = why->peer;
    r->failed_ms = s->now;
    snprintf(r->text, sizeof r->text, "%s", why->text);
    TRACE("%" PRId64 " party %zu fails: %s\n", s->now, p, why->text);
    struct whist_error copy = *why;
    for (size_t k = 0; k < s->plan.n; k++) {
        if (k != p) {
            whist_delivery_abort(proc->link[k].d, s->now, &copy);
        }
    }
}

static void close_links(struct sim *s, size_t p)
{
    struct process *proc = &s->process[p];
    proc->closing = true;
    for (size_t q = 0; q < s->plan.n; q++) {
        if (q != p) {
            sim_app_step(s, p, q);
            whist_delivery_close(proc->link[q].d, s->now, s->now + 120000);
        }
    }
}

/* True if all links of a closing or failed process are through. */
static bool process_done(struct sim *s, size_t p)
{
    struct process *proc = &s->process[p];
    struct whist_error err;
    for (size_t q = 0; q < s->plan.n; q++) {
        whist_status st = WHIST_OK;
        if (q == p) {
            continue;
        }
        if (!whist_delivery_done(proc->link[q].d, &st, &err)) {
            return false;
        }
        if (st != WHIST_OK && s->result[p].status == WHIST_OK) {
            s->result[p].status = st;
            s->result[p].peer = (int)q;
            snprintf(s->result[p].text, sizeof s->result[p].text, "%s", err.text);
        }
    }
    return true;
}

static void pump_link(struct sim *s, size_t p, size_t q)
{
    struct sim_link *l = &s->process[p].link[q];
    struct delivery_post post;
    uint64_t id;
    sim_app_step(s, p, q);
    while (whist_delivery_next_expired(l->d, s->now, &id)) {
        struct flight *f = s->flights;
        while (f->over || f->from != p || f->to != q || f->id != id) {
            f = f->next;
        }
        whist_sim_totals.overdue++;
        end_flight(s, f, false, "overdue");
        release_flight(s, f);
    }
    for (;;) {
        sim_starve(s);
        bool more = whist_delivery_next_post(l->d, s->now, &post);
        sim_feed();
        if (!more) {
            return;
        }
        send_post(s, p, q, &post);
    }
}

/* After whatever happened to a process: the binding's round. */
static void pump(struct sim *s, size_t p)
{
    struct process *proc = &s->process[p];
    bool failing = !proc->failing;
    while (proc->failing != failing) { /* once more after a failure */
        failing = proc->failing;
        for (size_t q = 0; q < s->plan.n; q++) {
            if (q != p) {
                pump_link(s, p, q);
                notice_failure(s, p, q);
                sim_check_link(s, p, q);
            }
        }
    }
    if (!proc->closing && !proc->failing && sim_app_finished(s, p)) {
        close_links(s, p);
        pump(s, p);
        return;
    }
    if ((proc->closing || proc->failing) && process_done(s, p)) {
        end_process(s, p);
        return;
    }
    proc->wake_ms = INT64_MAX;
    for (size_t q = 0; q < s->plan.n; q++) {
        if (q != p) {
            int64_t a = sim_app_wake(s, p, q), b = whist_delivery_next_deadline(proc->link[q].d);
            proc->wake_ms = a < proc->wake_ms ? a : proc->wake_ms;
            proc->wake_ms = b < proc->wake_ms ? b : proc->wake_ms;
        }
    }
}

/* ---- Running ---- */

static void victim_event(struct sim *s)
{
    size_t v = s->plan.victim;
    struct process *proc = &s->process[v];
    struct whist_error why = {.status = WHIST_ERR_CHECK, .phase = "and.open", .text = "bad MAC"};
    if (proc->state != PROCESS_ON) {
        return;
    }
    switch (s->plan.event) {
    case SIM_KILL:
        end_process(s, v);
        s->result[v].killed = true;
        break;
    case SIM_RESTART:
        end_process(s, v);
        start_process(s, v, proc->run + 1);
        break;
    case SIM_ABORT:
        for (size_t q = 0; q < s->plan.n; q++) {
            if (q != v && !proc->failing) {
                whist_delivery_abort(proc->link[q].d, s->now, &why);
            }
        }
        break;
    default:
        break;
    }
}

static size_t party_of(const struct event *e)
{
    switch (e->kind) {
    case EVENT_REQUEST:
    case EVENT_REPEAT:
        return e->flight->to;
    case EVENT_ANSWER:
    case EVENT_LOST:
        return e->flight->from;
    default:
        return e->party;
    }
}

static void handle(struct sim *s, const struct event *e)
{
    switch (e->kind) {
    case EVENT_REQUEST:
        arrive(s, e->flight, true);
        break;
    case EVENT_REPEAT:
        arrive(s, e->flight, false);
        break;
    case EVENT_ANSWER:
        end_flight(s, e->flight, true, NULL);
        break;
    case EVENT_LOST:
        end_flight(s, e->flight, false, "connection broken");
        break;
    case EVENT_START:
        start_process(s, e->party, 0);
        break;
    case EVENT_STOP:
        s->process[e->party].stopped_until = s->now + e->ms;
        TRACE("%" PRId64 " party %zu stopped for %" PRId64 "\n", s->now, e->party, e->ms);
        break;
    case EVENT_CUT:
        cut_pair(s, e->party, e->other);
        break;
    case EVENT_VICTIM:
        victim_event(s);
        break;
    }
}

static void one_event(struct sim *s)
{
    struct event e = pop(s);
    size_t p = party_of(&e);
    struct process *proc = &s->process[p];
    bool stopped = proc->stopped_until > s->now;
    if (stopped && e.kind != EVENT_START && e.kind != EVENT_STOP && e.kind != EVENT_VICTIM) {
        e.at = proc->stopped_until; /* what came meanwhile waits in the system's buffers */
        push(s, e);
        return;
    }
    handle(s, &e);
    if (e.flight != NULL) {
        e.flight->refs--;
        release_flight(s, e.flight);
    }
    if (proc->state == PROCESS_ON && proc->stopped_until <= s->now) {
        pump(s, p);
    }
}

static void one_timer(struct sim *s, size_t p)
{
    for (size_t q = 0; q < s->plan.n; q++) {
        if (q != p && whist_delivery_next_deadline(s->process[p].link[q].d) <= s->now) {
            sim_starve(s);
            whist_delivery_tick(s->process[p].link[q].d, s->now);
            sim_feed();
        }
    }
    pump(s, p);
}

/* The party whose process has something to do first, and when; events may come before. */
static size_t first_timer(const struct sim *s, int64_t *at_out)
{
    size_t best = 0;
    *at_out = INT64_MAX;
    for (size_t p = 0; p < s->plan.n; p++) {
        const struct process *proc = &s->process[p];
        int64_t at = proc->wake_ms > proc->stopped_until ? proc->wake_ms : proc->stopped_until;
        if (proc->state == PROCESS_ON && proc->wake_ms != INT64_MAX && at < *at_out) {
            *at_out = at;
            best = p;
        }
    }
    return best;
}

static void schedule(struct sim *s)
{
    const struct sim_plan *plan = &s->plan;
    for (size_t p = 0; p < plan->n; p++) {
        if (plan->event == SIM_ABSENT && p == plan->victim) {
            continue;
        }
        int64_t at = 1000 + sim_between(&s->random, 0, plan->start_max);
        push(s, (struct event){.at = at, .kind = EVENT_START, .party = p});
    }
    for (unsigned i = 0; i < plan->pauses; i++) {
        push(s, (struct event){.at = 1000 + sim_between(&s->random, plan->start_max, 20000),
                               .kind = EVENT_STOP,
                               .party = sim_below(&s->random, plan->n),
                               .ms = sim_between(&s->random, 1, plan->pause_max)});
    }
    for (unsigned i = 0; i < plan->cuts; i++) {
        size_t p = sim_below(&s->random, plan->n), q = sim_below(&s->random, plan->n);
        push(s, (struct event){.at = 1000 + sim_between(&s->random, 0, 10000),
                               .kind = EVENT_CUT,
                               .party = p,
                               .other = q});
    }
    if (plan->event != SIM_NOTHING && plan->event != SIM_ABSENT) {
        push(s, (struct event){.at = plan->event_ms, .kind = EVENT_VICTIM, .party = plan->victim});
    }
}

static void clear(struct sim *s)
{
    while (s->n_heap != 0) {
        struct event e = pop(s);
        if (e.flight != NULL) {
            e.flight->refs--;
            release_flight(s, e.flight);
        }
    }
    free(s->heap);
    while (s->flights != NULL) {
        SIM_CHECK(s->flights->over && s->flights->refs == 0, "a POST was forgotten");
        release_flight(s, s->flights);
    }
}

static bool all_ended(const struct sim *s)
{
    for (size_t p = 0; p < s->plan.n; p++) {
        bool absent = s->plan.event == SIM_ABSENT && p == s->plan.victim;
        if (s->process[p].state != PROCESS_ENDED && !absent) {
            return false;
        }
    }
    return true;
}

void sim_run(const struct sim_plan *plan, struct sim_result results_out[SIM_MAX_PARTIES])
{
    struct sim s = {.plan = *plan, .random = plan->seed, .now = 1000};
    unsigned same = 0;
    present_seed = plan->seed;
    present = &s;
    signal(SIGABRT, on_signal);
    schedule(&s);
    while (!all_ended(&s)) {
        int64_t timer;
        size_t p = first_timer(&s, &timer);
        int64_t event = s.n_heap != 0 ? s.heap[0].at : INT64_MAX;
        int64_t next = timer < event ? timer : event;
        SIM_CHECK(next != INT64_MAX, "nothing more will happen");
        same = next <= s.now ? same + 1 : 0;
        SIM_CHECK(same < 20000, "the clock does not go on");
        s.now = next > s.now ? next : s.now;
        SIM_CHECK(s.now <= plan->time_max, "it does not end");
        if (event <= timer) {
            one_event(&s);
        } else {
            one_timer(&s, p);
        }
    }
    clear(&s);
    memcpy(results_out, s.result, sizeof s.result);
    present = NULL;
}
