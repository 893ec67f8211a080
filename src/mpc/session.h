/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The engine's own view of a session. Notation of docs/protocol.md: P_i is this party (`me`), Δ_i
 * its global key; [x]^j is a bit of P_j under everybody's keys; a share ⟨x⟩ is, at P_i, for every
 * peer j a MAC M_j[x^i] on the own bit (the bit itself is its lowest bit) and a key K_i[x^j]
 * (lowest bit 0). */
#ifndef WHIST_MPC_SESSION_H
#define WHIST_MPC_SESSION_H

#include <whist/mpc.h>

#include "crypto/crypto.h"
#include "mpc/hooks.h"
#include "ot/cot.h"

#define MAX_N   WHIST_MAX_PARTIES
#define SID_LEN WHIST_HASH_LEN

/* Purposes of tweaks. */
enum purpose { LEAKY = 1, HALF_A = 2, HALF_B = 3, BLIND = 4 };

/* What a party shares with one peer. */
struct pair {
    struct cot tx;     /* this party holds Δ and gets keys of the peer's bits */
    struct cot rx;     /* this party gets MACs of its own bits */
    struct block seed; /* common 128 bits of zero shares */
};

/* Shares ⟨x_k⟩, k = 0 …: arrays by peer index, NULL at the own. */
struct shares {
    struct block *mac[MAX_N]; /* M_j[x^me] */
    struct block *key[MAX_N]; /* K_me[x^j] */
};

/* Memory of a chunk's arrays, allocated once and reused. */
struct arena {
    uint8_t *base;
    size_t len, used, taken; /* bytes; number of arrays taken (staggers their starts) */
};

struct whist_session {
    struct whist_channel *ch;
    size_t n, me, n_peers;
    size_t peers[MAX_N]; /* the n − 1 other indices, ascending */
    uint32_t rho, cot_k;
    uint64_t chunk_ands; /* option; 0: chosen for each run */
    int64_t timeout_ms;  /* 0: the channel's */
    struct whist_log log;
    whist_progress progress;
    void *progress_ctx;

    bool ready; /* base OTs and Δ-consistency are done */
    bool dead;  /* an error ended it; secrets are wiped */
    uint8_t sid[SID_LEN];
    struct prg rng;
    struct block delta, salt;
    struct pair *pair; /* n entries, the own unused */
    uint64_t step; /* counts commitments, coins, broadcasts, openings: never the same label twice */
    uint64_t runs;
    uint64_t leaky_counter, blind_counter, gate_counter, zero_counter; /* of tweaks, zero shares */
    struct hash echo; /* running hash of broadcasts that no echo has closed yet */
    struct arena arena;
#ifdef WHIST_TEST_HOOKS
    const struct whist_hooks *hooks;
    /* WEAK_EARLY_OPENING: whist_buckets, called within whist_leaky_ands. */
    whist_status (*early_opening)(void *ctx, struct whist_error *err);
    void *early_ctx;
#endif
};

/* ---- Errors ---- */

/* A failed security check. A test's deaf cheater goes on. */
#define CHECK_FAILED(s, err, peer, phase, ...)                                                     \
    (DEAF(s) ? WHIST_OK : whist_fail(err, WHIST_ERR_CHECK, (int)(peer), phase, __VA_ARGS__))

static inline whist_status whist_out_of_memory(struct whist_error *err, const char *phase)
{
    return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, phase, "out of memory");
}

/* ---- wire.c: arrays of fixed length, in messages of at most 1 MiB ---- */

#define WIRE_BLOCK ((size_t)1 << 20)

/* When an operation that begins now must have ended. */
int64_t whist_wire_deadline(const struct whist_session *s);
/* Sends len > 0 bytes to one peer. */
whist_status whist_wire_send(struct whist_session *s, size_t to, const void *data, size_t len,
                             const char *phase, struct whist_error *err);
/* Sends a message that is already a buffer of at most WIRE_BLOCK bytes; takes its contents. */
whist_status whist_wire_send_owned(struct whist_session *s, size_t to, struct whist_buffer *msg,
                                   const char *phase, struct whist_error *err);
/* Receives exactly len > 0 bytes. */
whist_status whist_wire_recv(struct whist_session *s, size_t from, void *out, size_t len,
                             const char *phase, struct whist_error *err);
/* Receives one message of exactly len bytes into msg_out (cleared first). */
whist_status whist_wire_recv_owned(struct whist_session *s, size_t from,
                                   struct whist_buffer *msg_out, size_t len, const char *phase,
                                   struct whist_error *err);
/* Sends out + j·out_stride (stride 0: the same to all) to every peer j and receives in + j·len from
 * it; the own place of `in` is not touched. */
whist_status whist_wire_exchange(struct whist_session *s, uint8_t *in, const uint8_t *out,
                                 size_t out_stride, size_t len, const char *phase,
                                 struct whist_error *err);

/* ---- agree.c: broadcast, commitments, coins, zero shares ---- */

/* Puts the common prefix of every label into a hash: session, step, phase. */
void whist_label(struct hash *h, const char *domain, const struct whist_session *s,
                 const char *phase);

/* Everybody's value to everybody: values = n places of len bytes, the own one filled in. The values
 * are added to the echo, which whist_echo must close before anything that depends on them is
 * revealed. */
whist_status whist_broadcast_all(struct whist_session *s, uint8_t *values, size_t len,
                                 const char *phase, struct whist_error *err);
/* Adds one party's broadcast body to the echo; all parties add the same ones in the same order. */
void whist_echo_add(struct whist_session *s, size_t party, const void *body, size_t len);
/* Compares the hash of all broadcasts since the last echo with every peer. */
whist_status whist_echo(struct whist_session *s, const char *phase, struct whist_error *err);

/* Phase names of a commitment and its opening. */
struct commit_phases {
    const char *commit, *open;
};
/* Commit to values[me], then open: values = n places of len bytes, the own one filled in. */
whist_status whist_commit_open(struct whist_session *s, uint8_t *values, size_t len,
                               const struct commit_phases *phases, struct whist_error *err);
/* A public coin; out seeds a PRG. */
whist_status whist_coin(struct whist_session *s, uint8_t out[32],
                        const struct commit_phases *phases, struct whist_error *err);
/* A PRG for one use of a coin. */
void whist_coin_prg(struct prg *prg, const uint8_t coin[32], const char *use);

/* Zero shares: streams whose XOR over all parties is zero. */
struct zero_stream {
    struct prg prg[MAX_N];
    size_t n;
};
/* Every call opens fresh streams; all parties call it in the same order. */
void whist_zero_init(struct zero_stream *z, struct whist_session *s, const char *label);
void whist_zero_blocks(struct zero_stream *z, struct block *out, size_t count);
void whist_zero_clear(struct zero_stream *z);

/* ---- arena.c ---- */
/* Makes room for `bytes` in `arrays` arrays; what was there before is lost (and wiped if it must
 * grow). */
whist_status whist_arena_reset(struct arena *arena, size_t bytes, size_t arrays,
                               struct whist_error *err);
void *whist_arena_take(struct arena *arena, size_t bytes);
void whist_arena_clear(struct arena *arena);

/* ---- setup.c ---- */
/* Seeds, base OTs, trees, Δ-consistency, salt. */
whist_status whist_setup(struct whist_session *s, struct whist_error *err);

/* ---- cot_batch.c: correlated OTs with all peers, both ways, with their checks ---- */

/* A batch of n_words·128 rows with every peer in both directions. The last word holds the column
 * check's mask rows; with an aShare check the word before it is sacrificed. Arrays of n_words·128
 * blocks are the caller's: columns first, rows after the check. */
struct cot_batch {
    size_t n_words;
    bool ashare;            /* the same choice bits for all peers, checked (§2) */
    struct block *u[MAX_N]; /* choice bits for each peer, n_words words */
    struct shares rows;
};
struct batch_phases {
    const char *cot, *check, *echo;
    struct commit_phases coin;
};
/* Words of a batch that gives `count` aShares. */
size_t whist_batch_words(size_t count);
/* Draws choice bits, sends and receives all corrections. After this whist_coin may be opened. */
whist_status whist_batch_correct(struct whist_session *s, struct cot_batch *b, const char *phase,
                                 struct whist_error *err);
/* Checks under the coin and turns columns into rows. */
whist_status whist_batch_check(struct whist_session *s, struct cot_batch *b, const uint8_t coin[32],
                               const char *phase, struct whist_error *err);
/* Both, with coin and echo: count aShares into out (arrays of whist_batch_words(count)·128 blocks).
 */
whist_status whist_ashares(struct whist_session *s, const struct shares *out, size_t count,
                           const struct batch_phases *phases, struct whist_error *err);

/* ---- shares.c ---- */

/* The view from index `at` on. */
struct shares whist_shares_at(const struct shares *x, const struct whist_session *s, size_t at);
/* ⟨x_k⟩ += bit k of `bits` (public, packed). */
void whist_shares_add_public(struct shares *x, const struct whist_session *s, const uint8_t *bits,
                             size_t count);
/* out[k] = own share of x_k·⊕Δ: x^i·Δ_i ⊕ ⊕_j (K_i[x^j] ⊕ M_j[x^i]). */
void whist_shares_times_delta(struct block *out, const struct shares *x,
                              const struct whist_session *s, size_t at, size_t count);
/* Opens shares: all of `x` to the parties in `to` (bit mask). bits_out gets the packed values if
 * this party is among them. The tag of a message is Σ χ_k ⊙ M_k with χ from a hash of its bits. */
whist_status whist_shares_open(struct whist_session *s, uint8_t *bits_out, const struct shares *x,
                               size_t count, uint64_t to, const char *phase,
                               struct whist_error *err);
/* Shares that are computed as they are read: a part of the MACs or keys towards one peer, either in
 * place or written to tmp (count ≤ 1024). Only reads; the same values every time. */
struct share_view {
    const struct block *(*part)(const void *ctx, struct block *tmp, size_t peer, bool key,
                                size_t at, size_t count);
    const void *ctx;
};
/* As whist_shares_open. */
whist_status whist_view_open(struct whist_session *s, uint8_t *bits_out, const struct share_view *x,
                             size_t count, uint64_t to, const char *phase, struct whist_error *err);
/* χ of one opening message: from party `from` to party `to`, all its bits, in `step`. */
void whist_open_chi(struct prg *prg, const struct whist_session *s, size_t from, size_t to,
                    const uint8_t *bits, size_t n_bytes, const char *phase);

/* ---- leaky.c, garble.c, evaluate.c: tweaks of H ---- */

/* A tweak: salt ⊕ (purpose ‖ owner of the key ‖ owner of the bit ‖ counter). */
static inline struct block whist_tweak(const struct whist_session *s, enum purpose purpose,
                                       size_t owner, size_t target, uint64_t counter)
{
    struct block t = {s->salt.lo ^ counter,
                      s->salt.hi ^ ((uint64_t)purpose << 16 | (uint64_t)owner << 8 | target)};
    return t;
}

/* ---- buckets.c: sizes ---- */

/* Smallest ℓ with (2^B − 1)·ℓ^(B−1) ≥ 2^rho (docs/protocol.md, Bucketing); UINT64_MAX if beyond
 * 2^62. */
uint64_t whist_bucket_min_l(unsigned rho, unsigned B);
/* B and ℓ that make B·ℓ least for m gates. */
void whist_bucket_choose(unsigned rho, uint64_t m, unsigned *B_out, uint64_t *l_out);
/* Gates of a chunk for a run of `total` AND gates (0: not known). */
uint64_t whist_chunk_size(unsigned rho, uint64_t total);

/* ---- leaky.c, buckets.c: triples ---- */

/* Leaky ANDs (§3): ⟨c_k⟩ = ⟨a_k⟩∧⟨b_k⟩ for `count` triples; r becomes c. rho: 128 fresh aShares.
 * s_mem: `count` blocks of scratch. */
whist_status whist_leaky_ands(struct whist_session *s, const struct shares *a,
                              const struct shares *b, struct shares *r, const struct shares *rho,
                              struct block *s_mem, size_t count, struct whist_error *err);

/* Buckets and gates (§4, §5): rows of l leaky triples a, b, c; alpha: masks of the gates' first
 * inputs; b of row 1 is the mask of the second. After it c[k] = ⟨λ_αβ⟩ for k < m. */
whist_status whist_buckets(struct whist_session *s, const struct shares *a, const struct shares *b,
                           struct shares *c, const struct shares *alpha, size_t m, size_t l,
                           unsigned B, struct whist_error *err);

#endif
