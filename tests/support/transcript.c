/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "transcript.h"

#include <pthread.h>

#include "channel/decorator.h"
#include "harness.h"

struct transcript {
    struct decorator d;
    pthread_mutex_t lock;
    uint8_t (*hash_out)[WHIST_HASH_LEN];
    struct hash to[WHIST_MAX_PARTIES];
};

static whist_status transcript_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                    const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct transcript *t = (struct transcript *)ch;
    pthread_mutex_lock(&t->lock);
    whist_hash_field(&t->to[to], phase, strlen(phase));
    whist_hash_field(&t->to[to], msg->data, msg->len);
    pthread_mutex_unlock(&t->lock);
    return whist_pass_send(ch, to, msg, phase, deadline_ms, err);
}

static void transcript_free(struct whist_channel *ch)
{
    struct transcript *t = (struct transcript *)ch;
    for (size_t j = 0; j < ch->n; j++) {
        whist_hash_final(&t->to[j], t->hash_out[j]);
    }
    pthread_mutex_destroy(&t->lock);
    whist_decorator_free(&t->d);
}

static const struct whist_channel_ops transcript_ops = {
    .name = "transcript",
    .send = transcript_send,
    .recv = whist_pass_recv,
    .abort = whist_pass_abort,
    .close = whist_pass_close,
    .set_arrival_hook = whist_pass_set_arrival_hook,
    .free = transcript_free,
    .abort_with = whist_pass_abort_with,
};

struct whist_channel *transcript_new(struct whist_channel *inner,
                                     uint8_t (*hash_out)[WHIST_HASH_LEN])
{
    struct whist_error err;
    struct transcript *t = whist_decorator_new(sizeof *t, &transcript_ops, inner, &err);
    CHECK(t != NULL && pthread_mutex_init(&t->lock, NULL) == 0);
    t->hash_out = hash_out;
    for (size_t j = 0; j < inner->n; j++) {
        whist_hash_init(&t->to[j], "test transcript");
    }
    return &t->d.base;
}
