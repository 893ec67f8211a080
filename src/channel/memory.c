/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Memory transport: all parties in one process. Each party has an inbox; a send pushes into the
 * receiver's. The parties share a hub, which the last one frees: so an inbox outlives its channel,
 * and a peer that sends to a freed channel finds it closed.
 *
 * Locks: hub.lock, then party.lock, then an inbox's own. No lock is held while a message is pushed,
 * because a push runs the receiver's arrival hook, which may abort the receiver's channel. */
#include "channel/memory.h"

#include <stdio.h>

#include "channel/inbox.h"

struct memory_party {
    struct whist_channel base;
    struct memory_hub *hub;
    struct inbox inbox;
    pthread_mutex_t lock;
    pthread_cond_t space; /* somebody's inbox has room again, or this channel has failed */
    uint64_t space_count; /* how often; a sender that was refused waits for a change */
};

struct memory_hub {
    pthread_mutex_t lock; /* makes an abort or a close one step for those who look at its traces */
    pthread_cond_t told;  /* telling became 0 */
    size_t telling;       /* bare channels that have failed and are sending their last words */
    size_t n, refs;
    struct memory_party party[];
};

static struct memory_party *party_of(struct whist_channel *ch)
{
    return (struct memory_party *)ch;
}

static void wake_senders(struct memory_party *p)
{
    pthread_mutex_lock(&p->lock);
    p->space_count++;
    pthread_cond_broadcast(&p->space);
    pthread_mutex_unlock(&p->lock);
}

/* Room in an inbox for party `from`, whose sends may wait for it. */
static void memory_space(void *ctx, size_t from)
{
    struct memory_hub *hub = ctx;
    wake_senders(&hub->party[from]);
}

/* Why nobody takes what is sent to `to` any more. */
static whist_status send_failed(struct memory_party *p, size_t to, const char *phase,
                                struct whist_error *err)
{
    struct whist_error theirs = {0};
    /* Waits for an abort or close in progress, which may have reached that inbox but not ours. */
    pthread_mutex_lock(&p->hub->lock);
    while (p->hub->telling != 0) {
        pthread_cond_wait(&p->hub->told, &p->hub->lock);
    }
    pthread_mutex_unlock(&p->hub->lock);
    if (whist_inbox_failed(&p->inbox, phase, err)) {
        return err->status;
    }
    if (whist_inbox_failed(&p->hub->party[to].inbox, phase, &theirs) &&
        theirs.status != WHIST_ERR_CLOSED) {
        return whist_fail(err, WHIST_ERR_UNREACHABLE, (int)to, phase,
                          "party %zu has failed (%s) and takes no more messages", to,
                          whist_status_name(theirs.status));
    }
    return whist_fail(err, WHIST_ERR_CLOSED, (int)to, phase,
                      "party %zu has closed its channel and takes no more messages", to);
}

/* Waits until space_count is not `seen` any more or the own channel has failed; false at the
 * deadline. */
static bool wait_for_space(struct memory_party *p, uint64_t seen, int64_t deadline_ms)
{
    bool in_time = true;
    pthread_mutex_lock(&p->lock);
    while (in_time && p->space_count == seen) {
        in_time = whist_cond_wait(&p->space, &p->lock, deadline_ms);
    }
    bool changed = p->space_count != seen;
    pthread_mutex_unlock(&p->lock);
    return changed;
}

static whist_status memory_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct memory_party *p = party_of(ch);
    for (;;) {
        pthread_mutex_lock(&p->lock);
        uint64_t seen = p->space_count;
        pthread_mutex_unlock(&p->lock);
        if (whist_inbox_failed(&p->inbox, phase, err)) {
            return err->status;
        }
        switch (whist_inbox_push(&p->hub->party[to].inbox, ch->me, msg, phase)) {
        case INBOX_OK:
            return WHIST_OK;
        case INBOX_FAILED:
            return send_failed(p, to, phase, err);
        case INBOX_NOMEM:
            return whist_fail(err, WHIST_ERR_NOMEM, (int)to, phase, "no memory to queue a message");
        case INBOX_FULL:
            break;
        }
        if (!wait_for_space(p, seen, deadline_ms)) {
            return whist_fail(err, WHIST_ERR_WINDOW_FULL, (int)to, phase,
                              "party %zu did not receive what waits for it until the deadline", to);
        }
    }
}

static whist_status memory_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    char theirs[WHIST_MAX_PHASE + 1];
    TRY(whist_inbox_take(&party_of(ch)->inbox, from, msg_out, theirs, phase, deadline_ms, err));
    if (ch->framed && strcmp(theirs, phase) != 0) {
        return whist_fail(err, WHIST_ERR_PROTOCOL, (int)from, phase,
                          "party %zu is in phase \"%s\" where this party is in \"%s\": the parties "
                          "do not run the same protocol",
                          from, theirs, phase);
    }
    return WHIST_OK;
}

static void memory_abort(struct whist_channel *ch, const struct whist_error *why)
{
    struct memory_party *p = party_of(ch);
    struct memory_hub *hub = p->hub;
    struct whist_error seen;
    whist_abort_seen_by_peers(&seen, ch->me, why);
    pthread_mutex_lock(&hub->lock);
    bool first = whist_inbox_fail(&p->inbox, why);
    for (size_t i = 0; first && i < hub->n; i++) {
        if (ch->framed && i != ch->me) {
            (void)whist_inbox_fail(&hub->party[i].inbox, &seen);
        }
        wake_senders(&hub->party[i]); /* its own and those who wait for room here */
    }
    pthread_mutex_unlock(&hub->lock);
}

static void tell_last(struct memory_party *p, struct whist_bytes last)
{
    for (size_t i = 0; i < p->hub->n; i++) {
        struct whist_buffer copy = {0};
        if (i != p->base.me && whist_buffer_append(&copy, last.data, last.len) == WHIST_OK) {
            (void)whist_inbox_push_urgent(&p->hub->party[i].inbox, p->base.me, &copy, NULL);
        }
        whist_buffer_clear(&copy);
        wake_senders(&p->hub->party[i]);
    }
}

/* The bare variant's last words. They are pushed without the hub's lock, because the hooks that see
 * them abort other channels. */
static void memory_abort_with(struct whist_channel *ch, const struct whist_error *why,
                              struct whist_bytes last)
{
    struct memory_party *p = party_of(ch);
    pthread_mutex_lock(&p->hub->lock);
    bool first = whist_inbox_fail(&p->inbox, why);
    p->hub->telling += first;
    pthread_mutex_unlock(&p->hub->lock);
    if (!first) {
        return;
    }
    tell_last(p, last);
    pthread_mutex_lock(&p->hub->lock);
    if (--p->hub->telling == 0) {
        pthread_cond_broadcast(&p->hub->told);
    }
    pthread_mutex_unlock(&p->hub->lock);
}

/* Closes; false if the channel had failed or was closed before. */
static bool shut(struct memory_party *p)
{
    struct memory_hub *hub = p->hub;
    struct whist_error mine = {.status = WHIST_ERR_CLOSED, .peer = WHIST_NO_PEER};
    struct whist_error theirs = {.status = WHIST_ERR_CLOSED, .peer = (int)p->base.me};
    snprintf(mine.text, sizeof mine.text, "this party has closed its channel");
    snprintf(theirs.text, sizeof theirs.text, "party %zu has closed its channel", p->base.me);
    pthread_mutex_lock(&hub->lock);
    bool first = whist_inbox_fail(&p->inbox, &mine);
    for (size_t i = 0; i < hub->n; i++) {
        if (i != p->base.me) {
            (void)whist_inbox_fail_peer(&hub->party[i].inbox, p->base.me, &theirs);
            wake_senders(&hub->party[i]); /* those who wait for room here */
        }
    }
    pthread_mutex_unlock(&hub->lock);
    wake_senders(p);
    return first;
}

static whist_status memory_close(struct whist_channel *ch, int64_t deadline_ms,
                                 struct whist_error *err)
{
    struct memory_party *p = party_of(ch);
    (void)deadline_ms; /* what was sent is in the peers' inboxes already */
    if (shut(p)) {
        return WHIST_OK;
    }
    (void)whist_inbox_failed(&p->inbox, NULL, err);
    return err->status;
}

static void memory_set_arrival_hook(struct whist_channel *ch, whist_arrival_hook hook, void *ctx)
{
    whist_inbox_set_hook(&party_of(ch)->inbox, hook, ctx);
}

/* `count` parties are ready. */
static void destroy_hub(struct memory_hub *hub, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        whist_inbox_clear(&hub->party[i].inbox);
        pthread_cond_destroy(&hub->party[i].space);
        pthread_mutex_destroy(&hub->party[i].lock);
    }
    pthread_cond_destroy(&hub->told);
    pthread_mutex_destroy(&hub->lock);
    whist_free(hub);
}

static void memory_free(struct whist_channel *ch)
{
    struct memory_party *p = party_of(ch);
    struct memory_hub *hub = p->hub;
    (void)shut(p);
    whist_inbox_set_hook(&p->inbox, NULL, NULL);
    pthread_mutex_lock(&hub->lock);
    bool last = --hub->refs == 0;
    pthread_mutex_unlock(&hub->lock);
    if (last) {
        destroy_hub(hub, hub->n);
    }
}

static const struct whist_channel_ops memory_ops = {
    .name = "memory",
    .send = memory_send,
    .recv = memory_recv,
    .abort = memory_abort,
    .close = memory_close,
    .free = memory_free,
};

static const struct whist_channel_ops bare_ops = {
    .name = "memory (bare)",
    .send = memory_send,
    .recv = memory_recv,
    .abort = memory_abort,
    .close = memory_close,
    .set_arrival_hook = memory_set_arrival_hook,
    .free = memory_free,
    .abort_with = memory_abort_with,
};

static whist_status party_init(struct memory_party *p, size_t queue_bytes, struct whist_error *err)
{
    TRY(whist_inbox_init(&p->inbox, p->hub->n, queue_bytes, 0, memory_space, p->hub, err));
    if (!whist_cond_init(&p->space)) {
        goto no_cond;
    }
    if (pthread_mutex_init(&p->lock, NULL) == 0) {
        return WHIST_OK;
    }
    pthread_cond_destroy(&p->space);
no_cond:
    whist_inbox_clear(&p->inbox);
    return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL,
                      "the system has no resources for another channel");
}

/* A hub without its parties; NULL without memory. */
static struct memory_hub *hub_new(size_t n)
{
    struct memory_hub *hub = whist_zalloc(1, sizeof *hub + n * sizeof hub->party[0]);
    if (hub == NULL) {
        return NULL;
    }
    if (!whist_cond_init(&hub->told)) {
        goto no_cond;
    }
    if (pthread_mutex_init(&hub->lock, NULL) == 0) {
        return hub;
    }
    pthread_cond_destroy(&hub->told);
no_cond:
    whist_free(hub);
    return NULL;
}

whist_status whist_memory_new(struct whist_channel **channels_out, size_t n, size_t queue_bytes,
                              bool bare, int64_t timeout_ms, struct whist_error *err)
{
    size_t ready = 0;
    struct memory_hub *hub = hub_new(n);
    if (hub == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no memory for %zu channels",
                          n);
    }
    hub->n = hub->refs = n;
    for (; ready < n; ready++) {
        struct memory_party *p = &hub->party[ready];
        p->base = (struct whist_channel){.ops = bare ? &bare_ops : &memory_ops,
                                         .n = n,
                                         .me = ready,
                                         .timeout_ms = timeout_ms,
                                         .max_message = WHIST_MAX_MESSAGE,
                                         .framed = !bare};
        p->hub = hub;
        whist_status st = party_init(p, queue_bytes, err);
        if (st != WHIST_OK) {
            destroy_hub(hub, ready);
            return st;
        }
    }
    for (size_t i = 0; i < n; i++) {
        channels_out[i] = &hub->party[i].base;
    }
    return WHIST_OK;
}

whist_status whist_channel_memory_new(struct whist_channel **channels_out, size_t n,
                                      int64_t timeout_ms, struct whist_error *err)
{
    WHIST_REQUIRE(channels_out != NULL);
    if (n == 0 || n > WHIST_MAX_PARTIES || timeout_ms <= 0) {
        return whist_fail(
            err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
            "a memory channel needs 1 to %d parties and a timeout above 0 ms, not %zu "
            "parties and %lld ms",
            WHIST_MAX_PARTIES, n, (long long)timeout_ms);
    }
    return whist_memory_new(channels_out, n, MEMORY_QUEUE_BYTES, false, timeout_ms, err);
}
