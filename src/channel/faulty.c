/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Faulty decorator: breaks one sent message, by number, so that tests can sweep over all of a run.
 * It stands above a channel that knows phases, so that payloads are broken and not their framing.
 */
#include "channel/decorator.h"
#include "channel/inbox.h"

struct faulty {
    struct decorator d;
    pthread_mutex_t lock;
    struct whist_fault_plan plan;
    uint64_t sent;
    bool cut;
    bool holding; /* a delayed message: */
    struct whist_buffer held;
    size_t held_to;
    const char *held_phase;
};

static struct faulty *faulty_of(struct whist_channel *ch)
{
    return (struct faulty *)ch;
}

static whist_status fail_cut(struct whist_error *err, const char *phase)
{
    return whist_fail(err, WHIST_ERR_CLOSED, WHIST_NO_PEER, phase,
                      "injected fault: this party's links are cut");
}

/* Random bytes unlike what was there: otherwise a short message might stay as it is. */
static void randomise(struct whist_buffer *msg, uint64_t *state)
{
    bool same = msg->len != 0;
    while (same) {
        for (size_t i = 0; i < msg->len; i++) {
            uint8_t b = (uint8_t)splitmix64(state);
            same = same && b == msg->data[i];
            msg->data[i] = b;
        }
    }
}

/* Faults that change the bytes. An empty message has no bit to flip, byte to cut or zero: it stays.
 */
static whist_status change_bytes(struct whist_buffer *msg, const struct whist_fault_plan *plan)
{
    uint64_t state = plan->seed;
    if (plan->fault == WHIST_FAULT_EXTEND) {
        uint8_t b = (uint8_t)splitmix64(&state);
        return whist_buffer_append(msg, &b, 1);
    }
    if (msg->len == 0) {
        return WHIST_OK;
    }
    if (plan->fault == WHIST_FAULT_FLIP) {
        uint64_t bit = splitmix64(&state) % ((uint64_t)msg->len * 8);
        msg->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    } else if (plan->fault == WHIST_FAULT_TRUNCATE) {
        msg->len--;
    } else if (plan->fault == WHIST_FAULT_ZERO) {
        memset(msg->data, 0, msg->len);
    } else if (plan->fault == WHIST_FAULT_RANDOM) {
        randomise(msg, &state);
    }
    return WHIST_OK;
}

/* Links are gone for both sides: the peers notice as far as the transport can tell them. */
static whist_status cut_links(struct faulty *f, const char *phase, struct whist_error *err)
{
    whist_status ignored = whist_channel_close(f->d.inner, LONG_AGO_MS, NULL); /* no flush */
    (void)ignored;
    return fail_cut(err, phase);
}

static whist_status send_twice(struct faulty *f, size_t to, struct whist_buffer *msg,
                               const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    TRY(whist_channel_send(f->d.inner, to, whist_buffer_view(msg), phase, deadline_ms, err));
    return whist_channel_send_owned(f->d.inner, to, msg, phase, deadline_ms, err);
}

static void hold(struct faulty *f, size_t to, struct whist_buffer *msg, const char *phase)
{
    pthread_mutex_lock(&f->lock);
    f->held = *msg;
    *msg = (struct whist_buffer){0};
    f->held_to = to;
    f->held_phase = phase;
    f->holding = true;
    pthread_mutex_unlock(&f->lock);
}

static whist_status break_message(struct faulty *f, size_t to, struct whist_buffer *msg,
                                  const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    switch (f->plan.fault) {
    case WHIST_FAULT_DROP:
        return WHIST_OK;
    case WHIST_FAULT_REPEAT:
        return send_twice(f, to, msg, phase, deadline_ms, err);
    case WHIST_FAULT_DELAY:
        hold(f, to, msg, phase);
        return WHIST_OK;
    case WHIST_FAULT_CUT:
        return cut_links(f, phase, err);
    default:
        break;
    }
    if (change_bytes(msg, &f->plan) != WHIST_OK) {
        return whist_fail(err, WHIST_ERR_NOMEM, (int)to, phase, "no memory to extend a message");
    }
    return whist_channel_send_owned(f->d.inner, to, msg, phase, deadline_ms, err);
}

/* Sends the delayed message if there is one for `to` (or for anybody: to = n). */
static whist_status release_held(struct faulty *f, size_t to, int64_t deadline_ms,
                                 struct whist_error *err)
{
    struct whist_buffer msg = {0};
    pthread_mutex_lock(&f->lock);
    bool release = f->holding && (to == f->d.base.n || to == f->held_to);
    size_t held_to = f->held_to;
    const char *phase = f->held_phase;
    if (release) {
        f->holding = false;
        msg = f->held;
        f->held = (struct whist_buffer){0};
    }
    pthread_mutex_unlock(&f->lock);
    return release ? whist_channel_send_owned(f->d.inner, held_to, &msg, phase, deadline_ms, err)
                   : WHIST_OK;
}

static whist_status faulty_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct faulty *f = faulty_of(ch);
    pthread_mutex_lock(&f->lock);
    bool hit = f->plan.fault != WHIST_FAULT_NONE && f->sent == f->plan.at;
    bool cut = f->cut;
    f->sent += !cut;
    f->cut = cut || (hit && f->plan.fault == WHIST_FAULT_CUT);
    pthread_mutex_unlock(&f->lock);
    if (cut) {
        return fail_cut(err, phase);
    }
    if (hit) {
        return break_message(f, to, msg, phase, deadline_ms, err);
    }
    TRY(whist_channel_send_owned(f->d.inner, to, msg, phase, deadline_ms, err));
    return release_held(f, to, deadline_ms, err);
}

static bool is_cut(struct faulty *f)
{
    pthread_mutex_lock(&f->lock);
    bool cut = f->cut;
    pthread_mutex_unlock(&f->lock);
    return cut;
}

static whist_status faulty_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    if (is_cut(faulty_of(ch))) {
        return fail_cut(err, phase);
    }
    return whist_pass_recv(ch, from, msg_out, phase, deadline_ms, err);
}

static whist_status faulty_close(struct whist_channel *ch, int64_t deadline_ms,
                                 struct whist_error *err)
{
    struct faulty *f = faulty_of(ch);
    if (is_cut(f)) {
        return fail_cut(err, NULL);
    }
    whist_status st = release_held(f, ch->n, deadline_ms, err);
    whist_status closed = whist_channel_close(f->d.inner, deadline_ms, st == WHIST_OK ? err : NULL);
    return st != WHIST_OK ? st : closed;
}

static void faulty_free(struct whist_channel *ch)
{
    struct faulty *f = faulty_of(ch);
    whist_buffer_clear(&f->held);
    pthread_mutex_destroy(&f->lock);
    whist_decorator_free(&f->d);
}

static const struct whist_channel_ops faulty_ops = {
    .name = "faulty",
    .send = faulty_send,
    .recv = faulty_recv,
    .abort = whist_pass_abort,
    .close = faulty_close,
    .set_arrival_hook = whist_pass_set_arrival_hook,
    .free = faulty_free,
    .abort_with = whist_pass_abort_with,
};

whist_status whist_channel_faulty_new(struct whist_channel **channel_out,
                                      struct whist_channel *inner,
                                      const struct whist_fault_plan *plan, struct whist_error *err)
{
    WHIST_REQUIRE(channel_out != NULL && plan != NULL);
    WHIST_REQUIRE(plan->fault <= WHIST_FAULT_CUT);
    struct faulty *f = whist_decorator_new(sizeof *f, &faulty_ops, inner, err);
    if (f == NULL) {
        return WHIST_ERR_NOMEM;
    }
    if (pthread_mutex_init(&f->lock, NULL) != 0) {
        whist_decorator_free(&f->d);
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no resources for a lock");
    }
    f->plan = *plan;
    *channel_out = &f->d.base;
    return WHIST_OK;
}

uint64_t whist_channel_faulty_sent(const struct whist_channel *ch)
{
    WHIST_REQUIRE(ch != NULL && ch->ops == &faulty_ops);
    struct faulty *f = (struct faulty *)ch;
    pthread_mutex_lock(&f->lock);
    uint64_t sent = f->sent;
    pthread_mutex_unlock(&f->lock);
    return sent;
}
