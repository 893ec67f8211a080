/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Two delivery machines and a clock, for tests of single rules. Party 1 and party 2 of 3; every
 * POST passes through the test's hands, or through pair_shuttle. */
#ifndef WHIST_DELIVERY_PAIR_H
#define WHIST_DELIVERY_PAIR_H

#include "channel/delivery_impl.h"
#include "harness.h"

#define EPOCH(i) (0x1111111111111111u * (i) + 7)

struct pair {
    struct delivery *d[3]; /* [1] and [2] */
    struct delivery_options opt[3];
    int64_t now;
    struct whist_error err;
};

/* A POST on its way, copied. */
struct carried {
    uint64_t id;
    size_t from, to;
    struct whist_buffer body; /* with its end, … */
    size_t body_len;          /* … which is behind so many bytes if it goes into the head */
};

/* Default options, the clock at 10,000; change p->opt, then pair_start. */
void pair_init(struct pair *p);
void pair_start(struct pair *p);
/* All of it, and both links open. */
void pair_open(struct pair *p);
void pair_free(struct pair *p);

/* The next POST of party i, if any. */
bool pair_post(struct pair *p, size_t i, struct carried *c);
/* Hands a POST to the other side; the answer. The POST can be handed in again. */
struct delivery_answer pair_arrive(struct pair *p, const struct carried *c);
/* The answer reaches the sender. */
void pair_answer(struct pair *p, struct carried *c, const struct delivery_answer *a);
void pair_lose(struct pair *p, struct carried *c, const char *reason);
/* There and back at once; the HTTP status. */
int pair_carry(struct pair *p, struct carried *c);
/* Both sides' POSTs, until none is left. Returns how many. */
size_t pair_shuttle(struct pair *p);
/* Goes on to time t: shuttling at every deadline, or with nothing but a tick at t. */
void pair_run(struct pair *p, int64_t t, bool shuttle);

/* Party i sends a message of len bytes of value b; must succeed. */
void pair_send(struct pair *p, size_t i, size_t len, uint8_t b, const char *phase);
/* Party i takes a message and compares. */
void pair_take(struct pair *p, size_t i, size_t len, uint8_t b, const char *phase);
whist_status pair_try_take(struct pair *p, size_t i, const char *phase);

/* The failure of party i's link: its status and a part of its text. */
void pair_failed(struct pair *p, size_t i, whist_status status, const char *part);

#endif
