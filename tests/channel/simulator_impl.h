/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the simulator: simulator.c (clock, events, network, processes), simulator_app.c (what
 * the applications do and check). */
#ifndef WHIST_SIMULATOR_IMPL_H
#define WHIST_SIMULATOR_IMPL_H

#include "simulator.h"

/* A POST on its way. */
struct flight {
    size_t from, to;
    unsigned run_from; /* of the sender */
    uint64_t id;
    struct delivery_post post; /* its views, valid until it is over */
    uint8_t *body;             /* a copy */
    size_t len;
    bool over;   /* reported to the sender, or the sender is gone */
    bool drop;   /* the request does not arrive any more */
    size_t refs; /* events that mention it */
    struct delivery_answer answer;
    struct flight *next; /* of all that are not over */
};

typedef enum event_kind {
    EVENT_REQUEST, /* arrives; the answer goes back */
    EVENT_REPEAT,  /* arrives; the answer is dropped */
    EVENT_ANSWER,
    EVENT_LOST,
    EVENT_START,
    EVENT_STOP,
    EVENT_CUT,
    EVENT_VICTIM,
} event_kind;

struct event {
    int64_t at;
    uint64_t order; /* of events at one time */
    event_kind kind;
    struct flight *flight;
    size_t party, other;
    int64_t ms; /* how long */
};

/* One link, with its application. */
struct sim_link {
    struct delivery *d;
    size_t to_send, sent; /* messages */
    size_t to_take, taken;
    int64_t send_at, take_at; /* the application does not act before */
    bool waiting;
    int64_t give_up_at;
    unsigned run_seen; /* run of the peer whose messages came; 0: none yet, else run + 1 */
    int64_t life_ms;   /* last sign of life that the network brought */
};

typedef enum process_state { PROCESS_OFF, PROCESS_ON, PROCESS_ENDED } process_state;

struct process {
    process_state state;
    unsigned run;
    int64_t stopped_until; /* 0: runs */
    int64_t wake_ms;
    bool closing, failing;
    struct sim_link link[SIM_MAX_PARTIES];
};

struct sim {
    struct sim_plan plan;
    uint64_t random;
    int64_t now;
    struct event *heap;
    size_t n_heap, cap_heap;
    uint64_t order;
    struct process process[SIM_MAX_PARTIES];
    struct sim_result result[SIM_MAX_PARTIES];
    struct flight *flights;
};

extern struct sim_totals whist_sim_totals;

/* Lets an allocation of the next call fail, now and then; sim_feed ends it. */
void sim_starve(struct sim *s);
void sim_feed(void);

/* ---- simulator_app.c ---- */

/* Starts the application of party p: links and what is to be sent and taken. */
void sim_app_start(struct sim *s, size_t p);
/* What the application does now on one link. */
void sim_app_step(struct sim *s, size_t p, size_t q);
/* When it wants to act next. */
int64_t sim_app_wake(const struct sim *s, size_t p, size_t q);
/* All was sent and taken. */
bool sim_app_finished(const struct sim *s, size_t p);
/* Checks of one link at rest. */
void sim_check_link(const struct sim *s, size_t p, size_t q);

#endif
