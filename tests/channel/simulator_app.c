/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "simulator_impl.h"

#define NEVER_ACTS INT64_MAX

static uint64_t mix(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t state = a * 0x9e3779b97f4a7c15u + b;
    splitmix64(&state);
    state ^= c * 0xd1342543de82ef95u;
    return splitmix64(&state);
}

/* ---- Messages: all follow from seed, direction and number ---- */

static uint64_t key_of(const struct sim *s, size_t from, size_t to, size_t index)
{
    return mix(s->plan.seed, from * 8 + to, index);
}

static size_t length_of(const struct sim *s, uint64_t key)
{
    uint64_t state = key;
    uint64_t kind = sim_below(&state, 100);
    if (kind < 8) {
        return 0;
    }
    if (kind < 70) {
        return sim_below(&state, 100);
    }
    return sim_below(&state, kind < 92 ? 2000 : s->plan.big);
}

static const char *phase_of(size_t index)
{
    static const char *const phases[] = {"hello", "chunk.cot", "and.open", ""};
    return phases[index / 3 % 4];
}

/* The run of the sender is in the first byte's low bits, so that runs cannot be mixed unseen. */
static uint8_t byte_at(uint64_t key, unsigned run, size_t i)
{
    return (uint8_t)((key >> (8 * (i % 8))) + i * 31 + run * 101);
}

static void fill_message(uint8_t *out, size_t len, uint64_t key, unsigned run)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = byte_at(key, run, i);
    }
}

/* ---- Life ---- */

static struct delivery_options random_options(struct sim *s, size_t p, size_t q)
{
    const struct sim_plan *plan = &s->plan;
    struct delivery_options o = {.n = plan->n, .me = p, .peer = q};
    o.epoch = mix(plan->seed, 77 + p, s->process[p].run) | 1;
    o.seed = splitmix64(&s->random);
    o.connect_deadline_ms = s->now + plan->connect_ms;
    o.heartbeat_ms = plan->heartbeat_ms;
    o.dead_ms = plan->dead_ms;
    o.linger_ms = plan->linger_ms;
    o.depth = 1 + sim_below(&s->random, 8);
    o.post_bytes = 512 + sim_below(&s->random, 4096);
    o.coalesce_bytes = 256 + sim_below(&s->random, o.post_bytes - 255);
    o.window_bytes = 1 + sim_below(&s->random, 3) * 6000 + sim_below(&s->random, 2000);
    o.outbox_bytes = 1 + sim_below(&s->random, 30000);
    return o;
}

static size_t count_of(const struct sim *s, size_t from, size_t to)
{
    size_t most = s->plan.messages;
    return s->plan.exact ? most : (size_t)(mix(s->plan.seed, from * 8 + to, 1u << 20) % (most + 1));
}

void sim_app_start(struct sim *s, size_t p)
{
    struct whist_error err;
    for (size_t q = 0; q < s->plan.n; q++) {
        struct sim_link *l = &s->process[p].link[q];
        *l = (struct sim_link){0};
        if (q == p) {
            continue;
        }
        struct delivery_options o = random_options(s, p, q);
        SIM_CHECK(whist_delivery_new(&l->d, &o, s->now, &err) == WHIST_OK, err.text);
        l->to_send = count_of(s, p, q);
        l->to_take = count_of(s, q, p);
        l->life_ms = s->now;
    }
}

static int64_t app_pause(struct sim *s)
{
    if (!s->plan.slow_apps || sim_below(&s->random, 4) != 0) {
        return 0;
    }
    return sim_between(&s->random, 0, sim_below(&s->random, 20) == 0 ? 4000 : 50);
}

/* ---- Sending and taking ---- */

static bool send_one(struct sim *s, size_t p, size_t q)
{
    struct sim_link *l = &s->process[p].link[q];
    uint64_t key = key_of(s, p, q, l->sent);
    struct whist_buffer msg = {0};
    struct whist_error err;
    size_t len = length_of(s, key);
    bool room = whist_delivery_writable(l->d, len);
    SIM_CHECK(whist_buffer_resize(&msg, len) == WHIST_OK, "memory");
    fill_message(msg.data, len, key, s->process[p].run);
    sim_starve(s);
    whist_status st = whist_delivery_send(l->d, s->now, &msg, phase_of(l->sent), &err);
    sim_feed();
    l->send_at = st == WHIST_ERR_NOMEM ? s->now + 10 : l->send_at;
    if (st == WHIST_ERR_WINDOW_FULL || st == WHIST_ERR_NOMEM) {
        SIM_CHECK((room || st == WHIST_ERR_WINDOW_FULL) && msg.len == len, "the message stays");
        whist_buffer_clear(&msg);
        return false;
    }
    whist_buffer_clear(&msg);
    if (st != WHIST_OK) {
        SIM_CHECK(whist_delivery_failure(l->d) != NULL || st == WHIST_ERR_CLOSED, err.text);
        l->to_send = l->sent; /* the failure is seen elsewhere */
        return false;
    }
    SIM_CHECK(room, "sent although there was no room");
    l->sent++;
    l->send_at = s->now + app_pause(s);
    return l->send_at <= s->now;
}

static void check_message(struct sim *s, size_t p, size_t q, const struct whist_buffer *msg)
{
    struct sim_link *l = &s->process[p].link[q];
    uint64_t key = key_of(s, q, p, l->taken);
    SIM_CHECK(msg->len == length_of(s, key), "a message of another length");
    for (unsigned run = 0; msg->len != 0 && l->run_seen == 0; run++) {
        SIM_CHECK(run < 2, "bytes that nobody sent");
        l->run_seen = msg->data[0] == byte_at(key, run, 0) ? run + 1 : 0;
    }
    for (size_t i = 0; i < msg->len; i++) {
        SIM_CHECK(msg->data[i] == byte_at(key, l->run_seen - 1, i), "other bytes than were sent");
    }
}

static void set_waiting(struct sim *s, struct sim_link *l, bool waiting)
{
    if (waiting && !l->waiting) {
        whist_delivery_wait_begin(l->d, s->now, phase_of(l->taken));
        bool gives_up = s->plan.slow_apps && sim_below(&s->random, 4) == 0;
        l->give_up_at = gives_up ? s->now + sim_between(&s->random, 1, 3000) : NEVER_ACTS;
    } else if (!waiting && l->waiting) {
        whist_delivery_wait_end(l->d, s->now);
    }
    l->waiting = waiting;
}

static bool take_one(struct sim *s, size_t p, size_t q)
{
    struct sim_link *l = &s->process[p].link[q];
    struct whist_buffer msg = {0};
    struct whist_error err;
    bool readable = whist_delivery_readable(l->d);
    whist_status st = whist_delivery_take(l->d, s->now, &msg, phase_of(l->taken), &err);
    SIM_CHECK((st == WHIST_ERR_TIMEOUT) == !readable, "readable and take differ");
    if (st == WHIST_ERR_TIMEOUT) {
        set_waiting(s, l, true);
        return false;
    }
    set_waiting(s, l, false);
    if (st != WHIST_OK) {
        SIM_CHECK(whist_delivery_failure(l->d) != NULL, err.text);
        l->to_take = l->taken;
        return false;
    }
    check_message(s, p, q, &msg);
    whist_sim_totals.messages++;
    whist_sim_totals.bytes += msg.len;
    whist_sim_totals.longer_than_window += msg.len > l->d->opt.window_bytes ? 1 : 0;
    whist_buffer_clear(&msg);
    l->taken++;
    l->take_at = s->now + app_pause(s);
    return l->take_at <= s->now;
}

void sim_app_step(struct sim *s, size_t p, size_t q)
{
    struct sim_link *l = &s->process[p].link[q];
    if (s->process[p].closing || s->process[p].failing) {
        set_waiting(s, l, false);
        return;
    }
    while (l->sent < l->to_send && s->now >= l->send_at && send_one(s, p, q)) {
    }
    if (l->waiting && s->now >= l->give_up_at) {
        set_waiting(s, l, false);
        whist_sim_totals.gave_up++;
        l->take_at = s->now + sim_between(&s->random, 1, 1000);
    }
    while (l->taken < l->to_take && s->now >= l->take_at && take_one(s, p, q)) {
    }
}

int64_t sim_app_wake(const struct sim *s, size_t p, size_t q)
{
    const struct sim_link *l = &s->process[p].link[q];
    int64_t t = NEVER_ACTS;
    if (s->process[p].closing || s->process[p].failing) {
        return t;
    }
    if (l->sent < l->to_send && l->send_at > s->now) {
        t = l->send_at;
    }
    if (l->waiting) {
        t = l->give_up_at < t ? l->give_up_at : t;
    } else if (l->taken < l->to_take && l->take_at > s->now && l->take_at < t) {
        t = l->take_at;
    }
    return t;
}

bool sim_app_finished(const struct sim *s, size_t p)
{
    for (size_t q = 0; q < s->plan.n; q++) {
        const struct sim_link *l = &s->process[p].link[q];
        if (q != p && (l->sent < l->to_send || l->taken < l->to_take)) {
            return false;
        }
    }
    return true;
}

/* ---- Checks ---- */

/* Weights that are held: of complete messages, of what is put together and is nobody's yet, and of
 * POSTs before their turn. */
void sim_check_link(const struct sim *s, size_t p, size_t q)
{
    const struct delivery *d = s->process[p].link[q].d;
    struct delivery_stats stats;
    uint64_t held = 0, ring = 0;
    whist_delivery_stats(d, &stats);
    for (const struct early *e = d->early; e != NULL; e = e->next) {
        held += e->weight;
    }
    for (size_t i = 0; i < d->ring.count; i++) {
        ring += d->ring.item[(d->ring.at + i) % d->ring.cap].weight;
    }
    if (d->assembly.active) {
        ring += d->assembly.message.weight - d->assembly.streamed;
    }
    if (!d->failed) {
        SIM_CHECK(ring == d->in_next - d->in_consumed, "the window's account is wrong");
    }
    /* One POST of the peer may pass the credit. */
    SIM_CHECK(held + ring <= d->opt.window_bytes + 512 + 4096 + 128 * 64, "over the window");
    SIM_CHECK(stats.outbox_now <= d->opt.outbox_bytes || d->n_outbox == 1, "over the outbox");
    SIM_CHECK(d->data_flying <= d->opt.depth, "over the depth");
    SIM_CHECK((d->n_outbox == 0) == (d->outbox == 0), "the outbox's account is wrong");
}
