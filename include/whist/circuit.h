/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * Boolean circuits: representation, gate sources, builder, Bristol files, plain evaluation.
 *
 * In all calls err may be NULL; it is filled on failure only. Objects that a call makes belong to
 * the caller, who frees them.
 */
#ifndef WHIST_CIRCUIT_H
#define WHIST_CIRCUIT_H

#include <stdbool.h>
#include <whist/bytes.h>
#include <whist/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Gate kinds. Every kind but XOR and AND ignores b; the constants ignore a too. */
typedef enum whist_op {
    WHIST_OP_XOR,
    WHIST_OP_AND,
    WHIST_OP_NOT,    /**< out = 1 − a ("INV") */
    WHIST_OP_COPY,   /**< out = a ("EQW") */
    WHIST_OP_CONST0, /**< out = 0 ("EQ") */
    WHIST_OP_CONST1, /**< out = 1 */
} whist_op;

/** One gate. Operands are slots (gate sources) or wires (circuits). */
struct whist_gate {
    uint32_t a;   /**< first operand */
    uint32_t b;   /**< second operand */
    uint32_t out; /**< where the result goes */
    uint32_t op;  /**< enum whist_op */
};

/**
 * What is known of a computation before its gates are seen. Inputs and outputs are groups of wires
 * ("values"): wire 0 of a group is the least significant bit.
 */
struct whist_circuit_shape {
    size_t n_slots;                /**< wires alive at the same time, at most; slot < n_slots */
    size_t n_inputs;               /**< input groups */
    const uint32_t *input_widths;  /**< bits of each; bit k of all, in order, starts in slot k */
    size_t n_outputs;              /**< output groups */
    const uint32_t *output_widths; /**< bits of each */
    uint64_t n_ands;               /**< AND gates, 0 if not known beforehand */
    uint64_t n_gates;              /**< all gates, 0 if not known beforehand */
    uint8_t id[32];                /**< hash that identifies the function: parties compare it */
};

struct whist_gate_source;

/** What a gate source implements. */
struct whist_gate_source_ops {
    /** The shape; borrowed, constant while the source lives. */
    const struct whist_circuit_shape *(*shape)(const struct whist_gate_source *src);
    /** Writes up to max gates in an order in which they can be computed; *n_out = 0 at the end. A
     * gate may write a slot that was read before (also its own operand's slot). */
    whist_status (*next)(struct whist_gate_source *src, struct whist_gate *gates_out, size_t max,
                         size_t *n_out, struct whist_error *err);
    /** Slots of all output bits, in order; valid after next has given 0. */
    const uint32_t *(*output_slots)(const struct whist_gate_source *src);
    /** Starts again with the first gate. */
    whist_status (*rewind)(struct whist_gate_source *src, struct whist_error *err);
    /** Frees the source. */
    void (*free)(struct whist_gate_source *src);
};

/** A source of gates that the engine pulls: a stored circuit, or a generator that makes gates as it
 * goes. Implementations have this as their first member. Not thread safe. */
struct whist_gate_source {
    const struct whist_gate_source_ops *ops; /**< of the kind of source */
};

/** Frees a source. NULL is allowed. */
WHIST_API void whist_gate_source_free(struct whist_gate_source *src);

/* ---- Stored circuits ---- */

/** A stored, validated circuit; immutable, may be shared among threads. */
struct whist_circuit;

/** Counts for people. */
struct whist_circuit_info {
    size_t n_inputs;    /**< input groups */
    size_t n_outputs;   /**< output groups */
    uint64_t n_gates;   /**< gates of all kinds */
    uint64_t n_wires;   /**< input bits and gates */
    uint64_t n_xor;     /**< XOR gates */
    uint64_t n_and;     /**< AND gates, which are what a protocol pays for */
    uint64_t n_not;     /**< NOT gates */
    uint64_t n_copy;    /**< copies */
    uint64_t n_const;   /**< constants */
    uint64_t and_depth; /**< most AND gates on a path from an input to an output */
    size_t max_live;    /**< slots needed by liveness */
};

/** Frees a circuit. NULL is allowed. */
WHIST_API void whist_circuit_free(struct whist_circuit *circuit);

/** Bits of each of the *n_out input groups; borrowed from the circuit. */
WHIST_API const uint32_t *whist_circuit_input_widths(const struct whist_circuit *c, size_t *n_out);

/** Bits of each of the *n_out output groups; borrowed from the circuit. */
WHIST_API const uint32_t *whist_circuit_output_widths(const struct whist_circuit *c, size_t *n_out);

/** How many gates there are. */
WHIST_API uint64_t whist_circuit_n_gates(const struct whist_circuit *c);

/** How many of them are AND gates. */
WHIST_API uint64_t whist_circuit_n_ands(const struct whist_circuit *c);

/** Gate k, in an order in which they can be computed. Wires are the input bits, in order, then the
 * results of the gates, in order. */
WHIST_API struct whist_gate whist_circuit_gate(const struct whist_circuit *c, uint64_t k);

/** Counts gates, depth and liveness; WHIST_ERR_NOMEM. */
WHIST_API WHIST_MUST_CHECK whist_status whist_circuit_info(const struct whist_circuit *c,
                                                           struct whist_circuit_info *info_out,
                                                           struct whist_error *err);

/**
 * Evaluates in the clear; WHIST_ERR_NOMEM leaves the outputs untouched.
 * @param c the circuit
 * @param outputs_out one byte (0 or 1) for each output bit, all groups in order
 * @param inputs one byte (0 or 1) for each input bit, all groups in order
 * @param err may be NULL
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_circuit_eval(const struct whist_circuit *c,
                                                           uint8_t *outputs_out,
                                                           const uint8_t *inputs,
                                                           struct whist_error *err);

/** Source over a stored circuit, which must outlive it; wires are mapped to slots by liveness. */
WHIST_API WHIST_MUST_CHECK whist_status whist_circuit_source_new(
    struct whist_gate_source **source_out, const struct whist_circuit *c, struct whist_error *err);

/** Generator: n_ands AND gates of a layered random function of two 64-bit inputs, made as pulled,
 * for benchmarks and streaming tests. One 64-bit output. */
WHIST_API WHIST_MUST_CHECK whist_status whist_synthetic_source_new(
    struct whist_gate_source **source_out, uint64_t n_ands, struct whist_error *err);

/** Evaluates a source in the clear (rewinds it first and afterwards). */
WHIST_API WHIST_MUST_CHECK whist_status whist_source_eval(struct whist_gate_source *src,
                                                          uint8_t *outputs_out,
                                                          const uint8_t *inputs,
                                                          struct whist_error *err);

/* ---- Files ---- */

/** Takes a file as it is written, piece by piece. */
struct whist_sink {
    /** Takes the next bytes; on an error the writer ends with it. */
    whist_status (*write)(void *ctx, struct whist_bytes bytes, struct whist_error *err);
    void *ctx; /**< passed on */
};

/* ---- Bristol files ---- */

/**
 * Reads Bristol Fashion or the older Bristol format (told apart by content).
 * @retval WHIST_ERR_FORMAT err->text begins with "line N: "
 * @retval WHIST_ERR_LIMIT more than 2^31 gates or wires
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_bristol_parse(struct whist_circuit **circuit_out,
                                                            struct whist_bytes text,
                                                            struct whist_error *err);

/** Writes Bristol Fashion (older = false) or the older format; appends to text_out. */
WHIST_API WHIST_MUST_CHECK whist_status whist_bristol_write(struct whist_buffer *text_out,
                                                            const struct whist_circuit *c,
                                                            bool older, struct whist_error *err);

/** The same to a sink: needs 4 bytes of memory a gate, however long the text is.
 * @retval WHIST_ERR_UNSUPPORTED the older format cannot say it
 * @retval WHIST_ERR_LIMIT more than 2^31 wires
 * @retval WHIST_ERR_NOMEM out of memory; or the status of the sink */
WHIST_API WHIST_MUST_CHECK whist_status whist_bristol_stream(const struct whist_sink *sink,
                                                             const struct whist_circuit *c,
                                                             bool older, struct whist_error *err);

/* ---- Packed files (docs/circuit-format.md) ---- */

/** Does a file that starts with these bytes (8 at least) say that it is a packed circuit? */
WHIST_API bool whist_packed_begins(struct whist_bytes start);

/** A packed circuit as a string of bytes that can be read anywhere. */
struct whist_packed_file {
    /** Reads len bytes from offset `at` on, which lie within the file; NULL: `bytes` is the file.
     */
    whist_status (*read)(void *ctx, uint8_t *out, uint64_t at, size_t len, struct whist_error *err);
    void *ctx;                /**< passed on */
    uint64_t len;             /**< bytes of the file, if there is `read` */
    struct whist_bytes bytes; /**< the file, if there is no `read` */
};

/**
 * Reads a packed circuit, once from the beginning to the end. Memory follows what was read.
 * @param circuit_out the circuit
 * @param description_out what the file says of it, appended; may be NULL
 * @param file the file
 * @param err may be NULL
 * @retval WHIST_ERR_FORMAT err->text begins with "byte N: "
 * @retval WHIST_ERR_LIMIT more than 2^31 wires
 * @retval WHIST_ERR_NOMEM out of memory; or the status of file->read
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_packed_read(struct whist_circuit **circuit_out,
                                                          struct whist_buffer *description_out,
                                                          const struct whist_packed_file *file,
                                                          struct whist_error *err);

/**
 * Source over a packed circuit, for those that are larger than memory. Reads the file once at once,
 * to check it and to compute the id (that of the stored circuit), and again for each pass of the
 * gates. `file` is copied; what it refers to must outlive the source. A file that has changed in
 * the meantime is an error of `next`. Parameters and results as of whist_packed_read.
 */
WHIST_API WHIST_MUST_CHECK whist_status
whist_packed_source_new(struct whist_gate_source **source_out, struct whist_buffer *description_out,
                        const struct whist_packed_file *file, struct whist_error *err);

/**
 * Writes all gates of a source, in one pass, as a packed circuit. Memory: 4 bytes a slot.
 * @param sink takes the file
 * @param src rewound first and afterwards
 * @param description anything; whist_program_describe makes it for programs
 * @param err may be NULL
 * @retval WHIST_ERR_LIMIT more than 2^31 wires, or a longer description than 2^24 bytes
 * @retval WHIST_ERR_NOMEM out of memory; or the status of sink or source
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_packed_write(const struct whist_sink *sink,
                                                           struct whist_gate_source *src,
                                                           struct whist_bytes description,
                                                           struct whist_error *err);

/* ---- Builder ---- */

/** A wire of a builder. Bits 0 and 1 as constants: whist_builder_const. */
typedef uint32_t whist_wire;

/**
 * Builds circuits gate by gate with constant folding and common subexpressions. Errors (memory,
 * limits) are remembered: calls after the first error do nothing and return wire 0, and
 * whist_builder_finish reports it. Vectors of wires are least significant first; out arrays may
 * alias inputs. A width of 0 is a caller's bug.
 */
struct whist_builder;

/** An empty builder; WHIST_ERR_NOMEM. */
WHIST_API WHIST_MUST_CHECK whist_status whist_builder_new(struct whist_builder **builder_out,
                                                          struct whist_error *err);
/** Frees a builder. NULL is allowed. */
WHIST_API void whist_builder_free(struct whist_builder *b);
/** Declares the next input group; all inputs come before the first gate. */
WHIST_API void whist_builder_input(struct whist_builder *b, whist_wire *out, size_t width);
/** Declares the next output group. */
WHIST_API void whist_builder_output(struct whist_builder *b, const whist_wire *wires, size_t width);
/** Turns the builder into a circuit; dead gates are left out. The builder may then only be freed.
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_builder_finish(struct whist_builder *b,
                                                             struct whist_circuit **circuit_out,
                                                             struct whist_error *err);
/** AND gates made so far. */
WHIST_API uint64_t whist_builder_ands(const struct whist_builder *b);

/** The constant `value`; no gate that is paid for. */
WHIST_API whist_wire whist_builder_const(struct whist_builder *b, bool value);
/** x XOR y, no AND. */
WHIST_API whist_wire whist_builder_xor(struct whist_builder *b, whist_wire x, whist_wire y);
/** x AND y, 1 AND. */
WHIST_API whist_wire whist_builder_and(struct whist_builder *b, whist_wire x, whist_wire y);
/** x OR y, 1 AND. */
WHIST_API whist_wire whist_builder_or(struct whist_builder *b, whist_wire x, whist_wire y);
/** NOT x, no AND. */
WHIST_API whist_wire whist_builder_not(struct whist_builder *b, whist_wire x);
/** One-bit select, 1 AND: c ? x : y. */
WHIST_API whist_wire whist_builder_mux(struct whist_builder *b, whist_wire c, whist_wire x,
                                       whist_wire y);

/** Sum mod 2^n, n−1 ANDs (n with carry_out, which may be NULL). */
WHIST_API void whist_builder_add(struct whist_builder *b, whist_wire *out, whist_wire *carry_out,
                                 const whist_wire *x, const whist_wire *y, size_t n);
/** Difference mod 2^n, n−1 ANDs (n with borrow_out, which may be NULL). */
WHIST_API void whist_builder_sub(struct whist_builder *b, whist_wire *out, whist_wire *borrow_out,
                                 const whist_wire *x, const whist_wire *y, size_t n);
/** Two's complement negation. */
WHIST_API void whist_builder_neg(struct whist_builder *b, whist_wire *out, const whist_wire *x,
                                 size_t n);
/** x < y, n ANDs. */
WHIST_API whist_wire whist_builder_less(struct whist_builder *b, const whist_wire *x,
                                        const whist_wire *y, size_t n, bool is_signed);
/** x = y, n−1 ANDs. */
WHIST_API whist_wire whist_builder_equal(struct whist_builder *b, const whist_wire *x,
                                         const whist_wire *y, size_t n);
/** c ? x : y, n ANDs. */
WHIST_API void whist_builder_select(struct whist_builder *b, whist_wire *out, whist_wire c,
                                    const whist_wire *x, const whist_wire *y, size_t n);
/** Product mod 2^out_width of an nx-bit and an ny-bit unsigned number; out_width ≤ nx + ny. */
WHIST_API void whist_builder_mul(struct whist_builder *b, whist_wire *out, size_t out_width,
                                 const whist_wire *x, size_t nx, const whist_wire *y, size_t ny);
/** Quotient and remainder, n bits each (either may be NULL). Division by zero gives quotient
 * 2^n − 1 and remainder x; signed division truncates towards zero. */
WHIST_API void whist_builder_div(struct whist_builder *b, whist_wire *quotient_out,
                                 whist_wire *remainder_out, const whist_wire *x,
                                 const whist_wire *y, size_t n, bool is_signed);
/** Shift kinds. */
typedef enum whist_shift {
    WHIST_SHIFT_LEFT,
    WHIST_SHIFT_RIGHT,
    WHIST_SHIFT_RIGHT_SIGNED
} whist_shift;
/** Shift by an amount of n_amount bits; amounts ≥ n give all zeros (or all signs). */
WHIST_API void whist_builder_shift(struct whist_builder *b, whist_wire *out, const whist_wire *x,
                                   size_t n, const whist_wire *amount, size_t n_amount,
                                   whist_shift kind);
/** out = array[index]: `count` elements of n bits each, one after the other; an index ≥ count gives
 * zeros. */
WHIST_API void whist_builder_index(struct whist_builder *b, whist_wire *out,
                                   const whist_wire *array, size_t count, size_t n,
                                   const whist_wire *index, size_t n_index);

/* ---- Circuits of our own ---- */

/** Parameters of whist_circuit_make; zero values mean the defaults. */
struct whist_make_options {
    size_t bits;     /**< width of numbers; 0: 32 */
    size_t bidders;  /**< of "auction"; 0: 3 */
    size_t operands; /**< of "add" and "max"; 0: 2 */
};

/**
 * Makes a circuit by name: "add" (sum mod 2^bits), "mul", "div" (quotient, remainder), "max",
 * "compare" (x < y, x = y), "auction" (sealed-bid second price: winner's index, price), "aes128"
 * (key, block → block), "sha256" (block of 512 bits, state of 256 → state).
 * @retval WHIST_ERR_ARGUMENT unknown name or parameters out of range
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_circuit_make(struct whist_circuit **circuit_out,
                                                           const char *name,
                                                           const struct whist_make_options *options,
                                                           struct whist_error *err);

/** Name and one-line description of the k-th circuit that can be made; NULL past the end. */
WHIST_API const char *whist_circuit_make_name(size_t k, const char **description_out);

/* ---- Values ---- */

/**
 * Reads a number in decimal, 0x hex or 0b binary of at most `width` bits into bits (one byte each,
 * least significant first). Surrounding white space is allowed. Constant-time it is not: it runs at
 * the owner's.
 * @retval WHIST_ERR_FORMAT not a number
 * @retval WHIST_ERR_LIMIT the number needs more than width bits
 */
WHIST_API WHIST_MUST_CHECK whist_status whist_value_parse(uint8_t *bits_out, size_t width,
                                                          struct whist_bytes text,
                                                          struct whist_error *err);

/** Appends the value as "0x…", with ceil(width / 4) digits. */
WHIST_API WHIST_MUST_CHECK whist_status whist_value_hex(struct whist_buffer *text_out,
                                                        const uint8_t *bits, size_t width);

/** Appends the value in decimal. */
WHIST_API WHIST_MUST_CHECK whist_status whist_value_decimal(struct whist_buffer *text_out,
                                                            const uint8_t *bits, size_t width);

#ifdef __cplusplus
}
#endif
#endif
