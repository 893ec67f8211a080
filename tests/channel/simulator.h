/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Simulator of native links: n parties, each a process with delivery machines and an application,
 * on a virtual clock over a network that loses, repeats, delays, reorders and cuts POSTs and
 * answers; processes start late, are stopped, killed, restarted. Everything follows from one seed.
 *
 * The simulator checks by itself, at all times: messages arrive once, in order and whole, from one
 * run of the sender; no more is held than windows and outboxes allow; a POST's views do not change
 * in flight; no link asks for a time that has passed again and again; silence is an error exactly
 * at its deadline; everything comes to an end. */
#ifndef WHIST_SIMULATOR_H
#define WHIST_SIMULATOR_H

#include "channel/delivery_impl.h"

#define SIM_MAX_PARTIES 5

/* Chances are in thousandths, times in milliseconds. */
struct sim_plan {
    uint64_t seed;
    size_t n;
    unsigned lose_request, lose_answer; /* of POSTs */
    unsigned silent;                    /* of losses: nobody notices before the answer is overdue */
    unsigned repeat;                    /* of POSTs: the request arrives a second time, later */
    unsigned late;                      /* of POSTs: reported lost, and arrives afterwards */
    unsigned cuts;                      /* how often all connections of a pair break */
    unsigned starve;                    /* of calls: an allocation in it fails */
    int64_t delay_min, delay_max;       /* one way */
    size_t messages;                    /* of each direction, at most … */
    bool exact;                         /* … or exactly */
    size_t big;                         /* longest of the long ones */
    bool slow_apps;                     /* receive with pauses, and give up waiting now and then */
    int64_t start_max;                  /* parties start within this */
    int64_t connect_ms, dead_ms, linger_ms, heartbeat_ms;
    unsigned pauses;   /* how often parties are stopped … */
    int64_t pause_max; /* … for how long */
    int64_t time_max;  /* all must be over by then */
    /* One event: what happens to which party, and when. */
    enum { SIM_NOTHING, SIM_KILL, SIM_ABORT, SIM_RESTART, SIM_ABSENT } event;
    size_t victim;
    int64_t event_ms;
};

/* How it ended for one party. */
struct sim_result {
    bool started, killed, restarted;
    whist_status status; /* WHIST_OK: all messages there, all links closed */
    int peer;            /* of the error */
    int64_t failed_ms;   /* when the first link failed; 0: none */
    int64_t ended_ms;    /* when the process ended */
    char text[400];
};

/* What happened in all runs since sim_set_name, so that a scenario can see that its faults came. */
struct sim_totals {
    uint64_t messages, bytes, longer_than_window;
    uint64_t posts, lost, repeated, duplicates, reordered, stalls, overdue, cuts, busy, gave_up;
    uint64_t ended_ok, ended_badly, own_pauses;
};
const struct sim_totals *sim_totals(void);

/* Runs a plan to its end; ends the program, with the seed, if a check fails. */
void sim_run(const struct sim_plan *plan, struct sim_result results_out[SIM_MAX_PARTIES]);

/* The same generator for plans. */
/* 0 … below − 1. */
uint64_t sim_below(uint64_t *state, uint64_t below);
/* min … max. */
int64_t sim_between(uint64_t *state, int64_t min, int64_t max);

/* What is printed when a check fails: how to run this seed again. */
void sim_set_name(const char *scenario);
_Noreturn void sim_fail(const char *file, int line, const char *cond, const char *text);
#define SIM_CHECK(cond, text) ((cond) ? (void)0 : sim_fail(__FILE__, __LINE__, #cond, text))

#endif
