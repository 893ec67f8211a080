/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The word-level program: what the executor makes of a typed tree, what the optimiser rewrites and
 * what the gates are made from. A list of pure nodes in an order in which they can be computed,
 * each a word of bits. Aggregates are no words: the executor keeps them as flat lists of words.
 */
#ifndef WHIST_LANG_WORD_H
#define WHIST_LANG_WORD_H

#include "core/core.h"

/* Number of a node of a program. Node 0 is the constant 0 of one bit, node 1 the constant 1. */
typedef uint32_t word_id;
#define WORD_FALSE ((word_id)0)
#define WORD_TRUE  ((word_id)1)

/* Bits of a word: 1 … WORD_MAX_WIDTH. Bit 0 is the least significant. */
#define WORD_MAX_WIDTH ((uint32_t)1 << 20)

/*
 * Operands stand in a, b and c of the node. "list" is pool[b … b+c−1], a list of node numbers.
 * w is the node's width; operands have the same width where nothing else is said.
 */
enum word_op {
    WORD_CONST, /* w ≤ 64: the value is `max`; wider: pool[b … b+c−1] are limbs of 32 bits, lowest
                   first, c = ⌈w/32⌉, unused bits 0 */
    WORD_INPUT, /* input bits a … a+w−1, the first is the most significant (see Layout) */
    WORD_HELD,  /* word number a of the list `kept` of the segment before this one */
    WORD_NOT,   /* bitwise, a */
    WORD_AND,
    WORD_OR,
    WORD_XOR, /* bitwise, a and b */
    WORD_NEG, /* two's complement, wrapping, a */
    WORD_ADD,
    WORD_SUB,
    WORD_MUL,  /* a and b, wrapping */
    WORD_UDIV, /* by 0: all ones */
    WORD_UREM, /* by 0: a */
    WORD_SDIV, /* truncating; MIN / −1 = MIN; by 0: −1 */
    WORD_SREM, /* sign of a; MIN % −1 = 0; by 0: a */
    /* 1 bit: does ADD, SUB, MUL of a and b (of one width) leave the type, unsigned or signed? */
    WORD_UADD_OVF,
    WORD_SADD_OVF,
    WORD_USUB_OVF, /* also: a < b */
    WORD_SSUB_OVF,
    WORD_UMUL_OVF,
    WORD_SMUL_OVF,
    WORD_EQ,
    WORD_ULT,
    WORD_SLT, /* 1 bit: a = b, a < b (of one width, any width) */
    WORD_SHL,
    WORD_SHR,
    WORD_SAR,    /* a by the 8-bit word b mod word_shift_span(w); from w on zeros (SAR: signs) */
    WORD_SELECT, /* a (1 bit) ? b : c */
    WORD_ZEXT,
    WORD_SEXT,   /* a, narrower than w */
    WORD_SLICE,  /* bits b … b+w−1 of a; truncation has b = 0 */
    WORD_CONCAT, /* list, the first is least significant; w is the sum of their widths */
    WORD_READ,   /* list[word_read_position(a, c)]: words of width w, a an index of any width */
    WORD_DECODE, /* 1 bit: word_read_position(a, c) = b, where b is a number < c. The c bits for
                    one a are a one-hot decoder that several writes share */
    /*
     * Rows in order. list: rows of one width w. pool[b−2] is the number of rows of the first
     * table (they come first), pool[b−1] the number of leading bits that are the key (k ≤ w). Each
     * table is ascending by key, as unsigned numbers, no key twice in all; so are the results,
     * which PICK takes one by one. What comes out for other tables is decided by the network of
     * network.h, which interpreter and gates share.
     */
    WORD_MERGE,
    WORD_COMPACT, /* list: rows of one width w, all zero unless their top bit is 1, and of two
                     neighbours at most one is not zero (as in a join of ascending tables; else the
                     result is anything). The zero rows come first, then the others in the order
                     they have. Results: PICK */
    WORD_PICK,    /* row b of the MERGE or COMPACT node a */
    WORD_PANIC,   /* if a and c (1 bit each: the guard of the path, and the condition) then panic at
                     site b, unless an earlier PANIC did. Guards of inner paths are AND of the outer
                     one and something, so that checks share them. Width 1; nobody's operand */
    WORD_N_OPS
};

struct word_node {
    uint32_t op;    /* enum word_op */
    uint32_t width; /* bits */
    uint32_t a, b, c;
    uint32_t place; /* byte of the source that the node is due to, for costs by line */
    uint64_t max;   /* no value is above it (unsigned); words wider than 64 bits: UINT64_MAX.
                       Holds wherever the value matters: what a check excludes (an index that was
                       x − y and wrapped) may be above, but then the run has panicked, or the
                       value is selected away */
};

enum word_reason {
    WORD_PANIC_OVERFLOW = 1,
    WORD_PANIC_DIV_BY_ZERO = 2,
    WORD_PANIC_OUT_OF_BOUNDS = 3,
};

/* Where a program may panic; all unrolled and inlined copies of a check share one. Sites are
 * numbered from 0 in the order of the first PANIC that names them. */
struct word_site {
    uint32_t reason; /* enum word_reason */
    uint32_t origin; /* index in the unit's sites: which check it is */
};

enum word_panics { /* the policy; values as enum whist_panics */
                   WORD_PANICS_SITE,
                   WORD_PANICS_FLAG,
                   WORD_PANICS_OFF,
};

/*
 * Layout. Inputs: the bits of all parties in order, each scalar most significant bit first.
 * Outputs, in this order:
 *   result  the words of `result` in order, each most significant bit first; all 0 after a panic
 *   flag    1 bit, 1 after a panic; always there (unless policy OFF)
 *   site    policy SITE: word_site_bits(n_sites) bits, most significant first, the number of the
 *           first site in program order whose condition held; 0 without a panic
 * With policy OFF there are no PANIC nodes and the result is what the words say.
 *
 * Segments. A large program comes in several: each is a word_program of its own. At the end of a
 * segment, `kept` lists the words that later ones refer to (by HELD); all others may be forgotten.
 * Only the last one has a `result`. Sites and their numbers are those of the whole program; the
 * last segment has all of them.
 */
struct word_program {
    struct word_node *nodes;
    size_t n_nodes, cap_nodes;
    uint32_t *pool;
    size_t n_pool, cap_pool;
    uint32_t *input_widths; /* of the parties, bits (0 is allowed) */
    size_t n_inputs;
    word_id *result;
    size_t n_result, cap_result;
    word_id *kept; /* segments but the last */
    size_t n_kept, cap_kept;
    bool last;
    enum word_panics panics;
    bool thorough; /* gates are rewritten without limits of time */
    struct word_site *sites;
    size_t n_sites, cap_sites;
    uint64_t max_nodes;  /* limit; more are WHIST_ERR_LIMIT */
    uint32_t place;      /* given to nodes that are made */
    whist_status status; /* first error; calls after it do nothing and return node 0 */
    uint32_t *table;     /* hash consing: numbers of nodes, 0 is empty (word.c) */
    size_t table_bits, n_table;
};

/* Bits that number n sites: ⌈log2 n⌉, 0 for n ≤ 1. */
uint32_t word_site_bits(size_t n_sites);

/* An empty program with its two constants; word_clear also after failure. */
void word_init(struct word_program *p);
void word_clear(struct word_program *p);

static inline const struct word_node *word_at(const struct word_program *p, word_id x)
{
    return &p->nodes[x];
}
static inline uint32_t word_width(const struct word_program *p, word_id x)
{
    return p->nodes[x].width;
}
static inline bool word_is_const(const struct word_program *p, word_id x)
{
    return p->nodes[x].op == WORD_CONST;
}
/* True for a constant of at most 64 bits with its value. */
static inline bool word_const_value(const struct word_program *p, word_id x, uint64_t *value_out)
{
    const struct word_node *n = &p->nodes[x];
    if (n->op != WORD_CONST || n->width > 64) {
        return false;
    }
    *value_out = n->max;
    return true;
}
/* Bit k of a constant of any width. */
bool word_const_bit(const struct word_program *p, word_id x, uint32_t k);
/* All ones of w ≤ 64 bits. */
static inline uint64_t word_ones(uint32_t w)
{
    return w >= 64 ? UINT64_MAX : ((uint64_t)1 << w) - 1;
}

/* Shift amounts are taken mod this: the power of two from w on. */
static inline uint32_t word_shift_span(uint32_t w)
{
    uint32_t span = 1;
    while (span < w) {
        span *= 2;
    }
    return span;
}
/* The element that an index reads from n: the index itself if it is below n, and else what a tree
 * of selections gives that has no element to spare; only the low ⌈log2 n⌉ bits count. A check says
 * that the index is wrong, so nothing is paid for another value. */
static inline uint32_t word_read_position(uint64_t index, uint32_t n)
{
    uint32_t position = 0, k = 0;
    while (k < 32 && (uint64_t)1 << k < n) {
        k++;
    }
    while (k-- > 0) {
        position = 2 * position + (uint32_t)(index >> k & 1);
        if (position > (n - 1) >> k) {
            position--;
        }
    }
    return position;
}

/* The operands that are nodes, in order: fixed ones are put in fixed_out (room for 3), lists are
 * borrowed from the pool. Returns how many. */
size_t word_operands(const struct word_program *p, word_id x, const word_id **list_out,
                     word_id fixed_out[3]);

/*
 * Making nodes. Known values are folded, equal nodes are made once (lists are not looked up).
 * Operands may be any nodes of p of the widths that the op wants.
 */
word_id word_const(struct word_program *p, uint32_t width, uint64_t value); /* mod 2^width */
/* limbs: ⌈width/32⌉, lowest first; bits above the width are ignored. */
word_id word_const_limbs(struct word_program *p, uint32_t width, const uint32_t *limbs);
word_id word_input(struct word_program *p, uint32_t width, uint32_t offset);
word_id word_held(struct word_program *p, uint32_t width, uint32_t index, uint64_t max);
/* NOT, NEG */
word_id word_unary(struct word_program *p, enum word_op op, word_id x);
/* AND … SREM, the overflow predicates, EQ, ULT, SLT, SHL, SHR, SAR */
word_id word_binary(struct word_program *p, enum word_op op, word_id x, word_id y);
word_id word_select(struct word_program *p, word_id c, word_id x, word_id y);
/* To any width: extends (by signs or zeros), truncates, or gives x itself. */
word_id word_resize(struct word_program *p, word_id x, uint32_t width, bool is_signed);
word_id word_slice(struct word_program *p, word_id x, uint32_t low, uint32_t width);
/* n ≥ 1 words, the first is least significant. */
word_id word_concat(struct word_program *p, const word_id *list, size_t n);
/* n ≥ 1 words of one width. */
word_id word_read(struct word_program *p, word_id index, const word_id *list, size_t n);
word_id word_decode(struct word_program *p, word_id index, uint32_t value, uint32_t n);
/* n_a + n_b ≥ 1 rows of one width. */
word_id word_merge(struct word_program *p, const word_id *rows, uint32_t n_a, uint32_t n_b,
                   uint32_t key_width);
word_id word_compact(struct word_program *p, const word_id *rows, uint32_t n);
word_id word_pick(struct word_program *p, word_id from, uint32_t row);
/* A new site; its number. */
uint32_t word_site(struct word_program *p, enum word_reason reason, uint32_t origin);
/* A check in program order, under a guard. Nothing is made when one of them is known to be false or
 * the policy is OFF. */
void word_panic(struct word_program *p, word_id guard, word_id cond, uint32_t site);

static inline word_id word_not(struct word_program *p, word_id x)
{
    return word_unary(p, WORD_NOT, x);
}
static inline word_id word_and(struct word_program *p, word_id x, word_id y)
{
    return word_binary(p, WORD_AND, x, y);
}
static inline word_id word_or(struct word_program *p, word_id x, word_id y)
{
    return word_binary(p, WORD_OR, x, y);
}
static inline word_id word_eq(struct word_program *p, word_id x, word_id y)
{
    return word_binary(p, WORD_EQ, x, y);
}

/* Does guard = 1 say that cond = 1, that cond = 0? False: not as far as is looked. */
bool word_implies(const struct word_program *p, word_id guard, word_id cond);
bool word_excludes(const struct word_program *p, word_id guard, word_id cond);

/* Appends to `result`. */
void word_result(struct word_program *p, word_id x);
/* Remembers the first error. */
void word_fail(struct word_program *p, whist_status status);

/* Text of all nodes, for people and tests: one line a node. */
whist_status word_dump(const struct word_program *p, struct whist_buffer *text_out);

/* Where segments go: each is borrowed during the call. */
struct word_sink {
    whist_status (*segment)(struct word_sink *sink, const struct word_program *segment,
                            struct whist_error *err);
};

#endif
