/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Players that follow the protocol but for one lie, and how a run with one may end. */
#ifndef WHIST_TEST_LIES_H
#define WHIST_TEST_LIES_H

#include "players.h"

enum role { EITHER, EVALUATOR, GARBLER, FIRST_GARBLER };

enum outcome {
    CAUGHT, /* in every run */
    BET,    /* in some runs; in the others the output is right */
    MAY,    /* as BET, but either may be rare */
    PASSES, /* in none: it is a lie about the own input */
    KNOWN,  /* the lie says in each run (game.passes) */
};

/* Whom it tells the lie. */
enum target { TO_PEER, TO_ALL, BROADCAST, TO_EVALUATOR };

/* Where in the message: a byte offset, or one of these. */
enum place {
    BLOCK_K = -1,       /* block k, a random triple */
    BIT_K = -2,         /* bit k */
    BLOCK_OF_PEER = -3, /* block with the peer's index */
    LAST_BLOCK = -4,
    LAST_ROW = -16, /* first row of the last gate's table; LAST_ROW + r: row r */
};

/* What is XORed to it: a random block, one random bit, the lowest bit, the own Δ. */
enum error { NOTHING, BY_R, BY_ONE, BY_BIT0, BY_DELTA };

struct game;

struct lie {
    const char *name;
    enum role role;
    size_t least_n;
    enum outcome outcome;
    const char *checks; /* phases in which honest parties may stop, separated by spaces */
    /* A change of one message, or else a function that sees every point. */
    const char *point;
    enum target target;
    int place;
    enum error error;
    bool set_up;         /* it is about the set-up; for all others a dealer does that */
    uint64_t chunk_ands; /* 0: one chunk */
    void (*tell)(struct game *g, const char *point, int to, uint8_t *data, size_t len);
};

/* The middle of a row in a table of lies. */
#define CHANGE(where, whom, at, by) .point = (where), .target = (whom), .place = (at), .error = (by)

/* One run with a liar. */
struct game {
    struct players p;
    size_t run;
    const struct lie *lie;
    size_t cheater, peer;    /* the peer it lies to: the last other party */
    struct whist_session *s; /* the cheater's */
    struct block r, one;     /* r: bits 0 and 1 are 0, bit 2 is 1 */
    size_t k, m;             /* a triple; AND gates of the circuit */
    struct block note;       /* the lie's own */
    unsigned hits;           /* the lie's own: messages seen */
    const char *checks;      /* instead of the lie's, if not NULL */
    bool passes;             /* KNOWN: it must pass, or else be caught */
};

/* A number below `bound` for the run; `use` tells numbers apart. */
size_t game_random(const struct game *g, uint64_t use, size_t bound);
/* Whether this is the point, with the lie's peer. */
bool to_peer(const struct game *g, const char *point, int to, const char *wanted);

/* Program of one case for each lie and n = 2, 3: NAME_n2, NAME_n3. */
int lies_main(int argc, char **argv, const struct lie *lies, size_t count);

#endif
