/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Packed circuits: the bytes of the format, and writing gate by gate (docs/circuit-format.md). */
#ifndef WHIST_PACKED_H
#define WHIST_PACKED_H

#include "circuit/circuit_internal.h"

#define PACKED_MAGIC           "\x89WHIST\r\n"
#define PACKED_VERSION         1
#define PACKED_MAX_DESCRIPTION ((uint64_t)1 << 24)

enum {
    PACKED_MAGIC_LEN = 8,
    PACKED_VERSION_LEN = 4,
    PACKED_DIGEST = 32,                 /* BLAKE2b-256 of all bytes before it */
    PACKED_TAIL = 3 * 8 + PACKED_DIGEST /* gates, ANDs, slots, digest */
};

/* First byte of a gate: kind, where the result goes, operands that are not spelt out. */
enum {
    PACKED_KIND = 7,    /* bits: a whist_op, or … */
    PACKED_END = 7,     /* … the end of the gates */
    PACKED_WHERE = 24,  /* bits: */
    PACKED_FAR = 0,     /* a slot that is spelt out */
    PACKED_TO_A = 8,    /* slot of a */
    PACKED_TO_B = 16,   /* slot of b, which is another one */
    PACKED_NEW = 24,    /* the next slot */
    PACKED_A_LAST = 32, /* a is the slot that the gate before wrote (before the first: 0) */
    PACKED_B_LAST = 64, /* so is b */
};

/* Slots are spelt as differences, these as numbers without a sign: 0, −1, 1, −2, 2, … */
static inline uint64_t packed_fold(uint32_t slot, uint32_t from)
{
    int64_t d = (int64_t)slot - (int64_t)from;
    return d < 0 ? (uint64_t)(-d) * 2 - 1 : (uint64_t)d * 2;
}

static inline int64_t packed_unfold(uint64_t v)
{
    return (v & 1) != 0 ? -(int64_t)(v / 2) - 1 : (int64_t)(v / 2);
}

/*
 * Writes a packed circuit. All-zero but for sink and err is the start; packed_clear at the end,
 * always. The order: begin, gates, end. After an error calls do nothing and return it again.
 */
struct packed_writer {
    const struct whist_sink *sink;
    struct whist_error *err;
    crypto_generichash_state hash;
    struct numbers slot_of; /* by the source's slot: the file's + 1; 0: not written yet */
    uint32_t n_input_bits, n_slots, last;
    uint64_t n_gates, n_ands;
    uint8_t *text; /* not written yet */
    size_t len;
    whist_status status;
};
whist_status packed_begin(struct packed_writer *w, const uint32_t *input_widths, size_t n_inputs,
                          const uint32_t *output_widths, size_t n_outputs,
                          struct whist_bytes description);
whist_status packed_gates(struct packed_writer *w, const struct whist_gate *gates, size_t n);
whist_status packed_end(struct packed_writer *w, const uint32_t *output_slots, size_t n);
void packed_clear(struct packed_writer *w);

/*
 * Reads a packed circuit: packed_start (as often as wanted), then packed_next until it gives a
 * gate of kind PACKED_END, then packed_finish, which checks what the end says. Whatever the bytes,
 * slots are smaller than n_slots. All-zero but for file and err is the start; packed_stop at the
 * end, always.
 */
struct packed_reader {
    struct whist_packed_file file;
    struct whist_error *err;
    struct numbers inputs, outputs; /* widths */
    uint32_t n_input_bits, n_output_bits;
    uint32_t n_slots, last;
    uint64_t n_gates, n_ands;
    uint8_t digest[PACKED_DIGEST]; /* of the whole file; after packed_finish */
    crypto_generichash_state hash;
    uint64_t end, at; /* of what the digest is of; offset after the bytes in the buffer */
    uint8_t *buf;
    size_t pos, len;
};
/* description_out: appended; may be NULL. */
whist_status packed_start(struct packed_reader *r, struct whist_buffer *description_out);
/* Operands that the kind ignores are as in a stored circuit. */
whist_status packed_next(struct packed_reader *r, struct whist_gate *gate_out);
/* slots_out: of the output bits, appended; may be NULL. */
whist_status packed_finish(struct packed_reader *r, struct numbers *slots_out);
void packed_stop(struct packed_reader *r);
/* Number of gates that the end of the file claims. */
whist_status packed_claim(struct packed_reader *r, uint64_t *n_gates_out);
/* The bytes before the present place are wrong. */
whist_status packed_fail(const struct packed_reader *r, whist_status status, const char *fmt, ...)
    WHIST_PRINTF(3, 4);

#endif
