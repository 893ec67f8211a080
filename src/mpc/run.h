/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One run: wires in slots, chunks of gates, garbling and evaluation. */
#ifndef WHIST_MPC_RUN_H
#define WHIST_MPC_RUN_H

#include "mpc/session.h"

/* A gate whose AND batch must be finished before: it reads or writes an output of the batch. */
#define GATE_FLUSH 0x100u
#define GATE_OP(g) ((g)->op & 0xffu)

/* Most AND gates garbled or evaluated together. */
#define AND_BATCH 16

/* All gates of a chunk at most, of any kind: bounds memory for circuits with few ANDs. Part of what
 * the parties agree on. */
#define CHUNK_MAX_GATES ((size_t)1 << 22)

/* Gates pulled from the source at a time. */
#define CARRY ((size_t)4096)

/* Arrays of the chunk in hand; the arena owns those with one entry for each AND. */
struct chunk {
    struct whist_gate *gates; /* all kinds, op with GATE_FLUSH */
    size_t n_gates;
    size_t m; /* AND gates */
    unsigned B;
    size_t l;            /* triples of a row, ≥ m */
    uint64_t first_gate; /* session-wide number of the first AND: the counter of its tweaks */
    struct shares a, b, c, gamma, rho; /* c: r before, λ_αβ and then λ_αβ ⊕ λ_γ after */
    struct shares alpha;      /* gathered masks of first inputs; b[0 … m) those of second ones */
    struct shares pool;       /* the aShares of the batch */
    struct block *sums;       /* scratch of the leaky ANDs */
    struct block *out_label0; /* garbler: L_{γ,0} in gate order */
    uint8_t *lam;             /* Λ of a, b, γ in bits 0, 1, 2, in gate order */
    struct block check_seed;  /* s of the circuit check, chosen by E */
#ifdef WHIST_TEST_HOOKS
    uint8_t weak_tag[MAX_N][WHIST_HASH_LEN]; /* WEAK_LABEL_HASH: tags in the place of the hashes */
#endif
};

struct run {
    struct whist_session *s;
    const struct whist_run *spec;
    const struct whist_circuit_shape *shape;
    size_t evaluator;
    uint64_t receivers;
    bool evaluates;         /* this party is the evaluator */
    size_t n_garblers;      /* = n_peers of the evaluator */
    size_t garblers[MAX_N]; /* ascending; [0] is the first garbler */
    size_t n_input_bits, n_output_bits;
    uint8_t *owner_of_bit; /* for each input bit */

    /* By slot. A mask record has, for peer number p, M at 2p and K at 2p + 1. */
    struct block *masks;
    size_t mask_stride;
    struct block *labels; /* garbler: L_{w,0}; evaluator: active labels of the n − 1 garblers */
    size_t label_stride;
    uint8_t *lambda; /* Λ_w */
    uint32_t *stamp; /* batch in which an AND last wrote the slot */
    uint32_t batch;

    uint64_t total_ands, done_ands;
    uint64_t chunk_ands;
    struct whist_gate *carry; /* CARRY gates: pulled from the source and not yet in a chunk */
    size_t n_carry, carry_at;
    bool source_ended;
    size_t gates_cap;   /* room in chunk.gates */
    size_t table_gates; /* AND gates of a table message */
    struct chunk chunk;
    int64_t last_progress_ms;
};

/* ---- chunk.c ---- */
/* Works off all gates of the source. */
whist_status whist_run_chunks(struct run *r, struct whist_error *err);

/* ---- garble.c, evaluate.c: labels of one chunk, tables on the wire ---- */
/* Bytes of one gate's rows from one garbler: G_0, G_1 and n − 2 triples S. */
static inline size_t whist_row_len(const struct run *r)
{
    return sizeof(struct block) * (2 + 3 * (r->n_garblers - 1));
}
whist_status whist_garble_chunk(struct run *r, struct whist_error *err);
/* label_hash: one running hash for each garbler, in the order of r->garblers; labels are added. */
whist_status whist_evaluate_chunk(struct run *r, struct hash *label_hash, struct whist_error *err);

/* ---- checks.c ---- */
/* Label check (garblers) and circuit check (evaluator) of the chunk (§6). label_hash: the
 * evaluator's, else NULL. */
whist_status whist_check_chunk(struct run *r, struct hash *label_hash, struct whist_error *err);
void whist_label_hash_init(struct hash *h, const struct run *r, size_t garbler);
#ifdef WHIST_TEST_HOOKS
/* A tag of h_s in the place of the hash (n ≤ 1024), for WEAK_LABEL_HASH. */
void whist_label_poly_tag(uint8_t out[WHIST_HASH_LEN], const struct block *labels, size_t n,
                          struct block seed);
#endif

/* ---- io.c ---- */
whist_status whist_run_inputs(struct run *r, struct whist_error *err);
whist_status whist_run_outputs(struct run *r, uint8_t *outputs_out, struct whist_error *err);

#endif
