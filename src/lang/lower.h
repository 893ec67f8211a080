/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Inside of the way from words to gates. */
#ifndef WHIST_LANG_LOWER_H
#define WHIST_LANG_LOWER_H

#include "lang/gadget.h"
#include "lang/gates.h"

/* A guard of checks with the wire "the guard holds and nothing has panicked". Each entry implies
 * the ones below. */
struct active {
    word_id guard;
    whist_wire wire;
};

enum { MAX_ACTIVE = 32 };

/* Place of gates that belong to no line: masks of the result. */
#define LOWER_NO_PLACE UINT32_MAX

/* A one-hot decoder of a word that is alive. */
struct decoder {
    struct decoder *next;
    word_id index;
    uint32_t count;
    whist_wire wires[];
};

/*
 * A program on its way to gates. Wires of words lie in an arena, in pieces of 2^k; a word is
 * forgotten after its last use.
 */
struct lower {
    struct whist_builder *b;
    const struct word_program *p;
    uint32_t *at;   /* where a word's wires are, + 1; 0: nowhere */
    uint32_t *uses; /* to come; 0: dead */
    uint8_t *chain; /* enum chain: how a comparison with the word shares most gates */
    whist_wire *arena;
    size_t n_arena, cap_arena;
    uint32_t free_at[33]; /* + 1: pieces of 2^k to be used again, linked by their first wire */
    whist_wire *scratch;
    size_t cap_scratch;
    struct decoder *decoders;
    /* What one segment hands to the next. */
    whist_wire *kept;
    uint32_t *kept_at;   /* first wire of each */
    size_t n_kept;       /* wires */
    whist_wire flag;     /* has panicked */
    whist_wire site[32]; /* bits of the first site; 0 if there was none */
    struct active active[MAX_ACTIVE];
    size_t n_active;
    whist_wire *outputs; /* after the last segment */
    size_t n_outputs;
    /* If set, called before the gates of each word are made (cost.c). */
    void (*note)(void *ctx, const struct whist_builder *b, uint32_t place);
    void *note_ctx;
};

enum chain { CHAIN_NONE = 0, CHAIN_DIVISOR = 1, CHAIN_SIGNED_DIVISOR = 2, CHAIN_NEGATED = 4 };

/* Wires of a word that is alive; valid until the next lower_store. */
static inline const whist_wire *lower_wires(const struct lower *l, word_id x)
{
    return l->arena + (l->at[x] - 1);
}
static inline whist_wire lower_bit(const struct lower *l, word_id x)
{
    return *lower_wires(l, x);
}

/* n wires of scratch; NULL after remembering the error. The next call takes them back. */
whist_wire *lower_scratch(struct lower *l, size_t n);
/* Keeps n wires as the result of a word; what its `max` excludes becomes 0. */
void lower_store(struct lower *l, word_id x, const whist_wire *wires, size_t n);
/* The next word (not far) that is `op` of the same operands as x, and is alive and still without
 * wires; 0 if there is none. */
word_id lower_twin(const struct lower *l, word_id x, enum word_op op);

/* The program from beginning to end (gates.c): inputs once, then each segment. */
void lower_inputs(struct lower *l, const struct word_program *p);
void lower_segment(struct lower *l, const struct word_program *p);
void lower_clear(struct lower *l);

/* Gates of a word (lower_ops.c); also of twins. */
void lower_word(struct lower *l, word_id x);

/* Checks and what they leave (lower_panic.c). */
void lower_panic(struct lower *l, word_id x);

#endif
