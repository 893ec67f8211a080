/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Computations among 2 or 3 parties of which some lie: seeded, every message kept, every hook free
 * for the test. */
#ifndef WHIST_TEST_PLAYERS_H
#define WHIST_TEST_PLAYERS_H

#include "jobs.h"
#include "mpc/session.h"
#include "parties.h"

#define MAX_PLAYERS 3

/* A message that a party sent (or received), in the order of its calls. */
struct spied {
    struct spied *next;
    bool sent;
    size_t peer;
    char phase[WHIST_MAX_PHASE + 1];
    uint8_t *data;
    size_t len;
};

struct players {
    size_t n;
    const struct whist_circuit *circuit;
    uint64_t number; /* all randomness of the run depends on it */
    uint8_t inputs[64], seeds[MAX_PLAYERS][16];
    struct whist_hooks hooks[MAX_PLAYERS];
    struct party_setup setup;
    struct party_watch watch;
    bool dealt;                      /* set-up by the dealer, without base OTs */
    struct block delta[MAX_PLAYERS]; /* Δ of all parties (if not dealt: when hooks note it) */
    struct spied *first[MAX_PLAYERS], **last[MAX_PLAYERS]; /* by party */
    struct party_result results[MAX_PLAYERS];
};

/* n ≤ 3 parties with random inputs and seeds of their own; honest until hooks are changed. The
 * structure may then not be moved. */
void players_init(struct players *p, const struct whist_circuit *circuit, size_t n,
                  size_t evaluator, uint64_t number);
void players_run(struct players *p);
void players_clear(struct players *p);

/* The k-th message of the phase that `party` sent to (or received from) the peer; NULL: none. */
const struct spied *players_find(const struct players *p, size_t party, bool sent, size_t peer,
                                 const char *phase, size_t k);
/* Whether the party ended well with these output bits. */
bool players_got(const struct players *p, size_t party, const uint8_t *bits, size_t n);

/* Every input meets two AND gates; three outputs for everybody, the last two are ANDs and one of
 * them is the last gate. n groups of inputs of one bit, owner = index mod n, twice. */
struct whist_circuit *lie_circuit(size_t n);
#define LIE_OUTPUTS 3
struct whist_circuit *circuit_of_text(const char *bristol);

/* Plays an attack in runs 0 … runs − 1, with the mend and without: with it, it must never succeed;
 * without, in `least` runs of all at least. attack: whether it succeeded. */
void check_mend(bool (*attack)(bool mended, uint64_t number), long runs, long least);

/* Coefficients from a coin, as the engine draws them. */
void coin_blocks(struct block *out, size_t count, const uint8_t coin[32], const char *use);
/* The coin of a phase ("chunk.coin") as it came out, from what `party` has sent and received. */
void players_coin(const struct players *p, size_t party, const char *phase, uint8_t out[32]);
/* a^−1 in GF(2^128). */
struct block gf_inverse(struct block a);
/* x with Σ x_k·columns[k] = sum, bits one a byte, n ≤ 128; false if there is none or not just one.
 */
bool gf2_solve(uint8_t *x, const struct block *columns, size_t n, struct block sum);
/* data ^= x, 16 bytes at any address. */
void xor_block(void *data, struct block x);
bool same_block(struct block a, struct block b);

#endif
