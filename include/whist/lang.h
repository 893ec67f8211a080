/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * The language: programs compiled from memory, diagnostics as data, literals to bits and back.
 *
 * A program goes through two steps. whist_program_new checks a source; whist_program_bind chooses
 * the function to run, gives values to the constants from outside and makes the program that is
 * then evaluated, turned into a circuit or streamed. In all calls err may be NULL; it is filled on
 * failure only. There is no global state: programs are independent, each used by one thread at a
 * time.
 */
#ifndef WHIST_LANG_H
#define WHIST_LANG_H

#include <stdbool.h>
#include <whist/bytes.h>
#include <whist/circuit.h>
#include <whist/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A checked, and after whist_program_bind also compiled, program. */
struct whist_program;

/** What a computation tells of a panic. */
typedef enum whist_panics {
    WHIST_PANICS_SITE, /**< that one happened, and where the first one was */
    WHIST_PANICS_FLAG, /**< that one happened */
    WHIST_PANICS_OFF,  /**< nothing: no checks are made and arithmetic wraps */
} whist_panics;

/** Name of a policy: "site", "flag", "off"; NULL if there is none. */
WHIST_API const char *whist_panics_name(whist_panics panics);

/** Why a computation panicked. */
typedef enum whist_panic_reason {
    WHIST_PANIC_NONE = 0,          /**< it did not */
    WHIST_PANIC_OVERFLOW = 1,      /**< a number left its type, or a shift its width */
    WHIST_PANIC_DIV_BY_ZERO = 2,   /**< division or remainder by 0 */
    WHIST_PANIC_OUT_OF_BOUNDS = 3, /**< an index was not below the size of the array */
    WHIST_PANIC_UNKNOWN = 4,       /**< one of them: the policy is WHIST_PANICS_FLAG */
} whist_panic_reason;

/** Short name of a reason: "Overflow", "DivByZero", "OutOfBounds", "Unknown", "" for none. */
WHIST_API const char *whist_panic_reason_name(whist_panic_reason reason);

/** Limits of what is accepted; 0 means the default. */
struct whist_program_limits {
    size_t max_source;   /**< bytes of the source; default 16 MiB */
    size_t max_memory;   /**< bytes of the checked program; default 1 GiB */
    uint64_t max_bits;   /**< of one type; default 2^30 */
    uint64_t max_steps;  /**< expressions and word operations, unrolled; default 2^30 */
    uint32_t max_errors; /**< diagnostics of one run; default 50 */
};

/** How a program is compiled. All zero is valid. */
struct whist_program_options {
    const char *file;                   /**< name for messages; NULL: "program" */
    struct whist_program_limits limits; /**< of size and time */
    /** Called now and then; true cancels: WHIST_ERR_CANCELLED. May be NULL. */
    bool (*cancelled)(void *arg);
    void *cancelled_arg; /**< given to cancelled */
    /** Looks for fewer AND gates everywhere in large programs too (all parties alike: it decides
     * the circuit). Small ones get all of it anyway. Several times as slow. */
    bool thorough;
};

/** A constant from outside, PARTY::NAME = value. */
struct whist_program_const {
    const char *party; /**< e.g. "PARTY_0" */
    const char *name;  /**< e.g. "ROWS" */
    const char *value; /**< a literal: "3usize", "3", "-4", "true" */
};

/** Checks a source (and frees nothing of the caller's).
 *  @param program_out made unless WHIST_ERR_NOMEM or WHIST_ERR_ARGUMENT is returned: when there are
 *  errors in it, it has the diagnostics and nothing else
 *  @param source the text; need not live longer than the call
 *  @param options may be NULL; copied
 *  @param err may be NULL
 *  @retval WHIST_ERR_FORMAT the program has errors: see whist_program_diagnostic
 *  @retval WHIST_ERR_LIMIT a limit is exceeded
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status
whist_program_new(struct whist_program **program_out, struct whist_bytes source,
                  const struct whist_program_options *options, struct whist_error *err);

/** The policy that the program asks for in a line comment before its first definition, which says
 *  "whist: panics = flag", say; WHIST_PANICS_SITE if it does not.
 *  @param p a program
 *  @param panics_out the policy
 *  @param err may be NULL
 *  @retval WHIST_ERR_FORMAT a comment "whist:" says something else */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_panics(const struct whist_program *p,
                                                             whist_panics *panics_out,
                                                             struct whist_error *err);

/** Name of the file, as the options or the description have it; lives as long as the program. */
WHIST_API const char *whist_program_file(const struct whist_program *p);

/** Hash of the source (BLAKE2b-256): parties compare it before anything else.
 *  @param p a program
 *  @param hash_out 32 bytes */
WHIST_API void whist_program_hash(const struct whist_program *p, uint8_t hash_out[32]);

/** What a kind of diagnostic means and how one mends it, in some sentences; NULL if there is no
 *  such kind. Names are those of whist_diagnostic.kind. */
WHIST_API const char *whist_diagnostic_explain(const char *kind);

/** Appends the source with spaces and indentation made uniform. Lines are broken where the author
 * broke them; comments stay. Formatting twice changes nothing more. Errors in types do not matter.
 *  @param p a program, also one with errors
 *  @param text_out appended to; untouched on errors
 *  @param err may be NULL
 *  @retval WHIST_ERR_FORMAT the source cannot be parsed: see whist_program_diagnostic
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_format(struct whist_program *p,
                                                             struct whist_buffer *text_out,
                                                             struct whist_error *err);

/** Frees a program. NULL is allowed. */
WHIST_API void whist_program_free(struct whist_program *p);

/** Chooses the entry function and the constants, and compiles. May be called again.
 *  @param p a program without errors
 *  @param fn name of a pub function; NULL: "main"
 *  @param consts constants from outside; names that the program does not use are no error
 *  @param n_consts how many
 *  @param panics what a run tells of panics
 *  @param err may be NULL
 *  @retval WHIST_ERR_FORMAT the constants or the function do not fit: see whist_program_diagnostic
 *  @retval WHIST_ERR_LIMIT too large
 *  @retval WHIST_ERR_CANCELLED by the options' callback
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_bind(struct whist_program *p, const char *fn,
                                                           const struct whist_program_const *consts,
                                                           size_t n_consts, whist_panics panics,
                                                           struct whist_error *err);

/* ---- Diagnostics ---- */

/** How grave a diagnostic is. */
typedef enum whist_severity {
    WHIST_SEVERITY_ERROR,  /**< the program is refused */
    WHIST_SEVERITY_WARNING /**< the program is accepted */
} whist_severity;

/** A stretch of the source; lines and columns from 1, columns count bytes. */
struct whist_place {
    uint32_t offset;     /**< first byte */
    uint32_t length;     /**< bytes */
    uint32_t line;       /**< of the first byte */
    uint32_t column;     /**< of the first byte */
    uint32_t end_line;   /**< of the byte after the last */
    uint32_t end_column; /**< of the byte after the last */
};

/** A label: a place and what is to be said about it. */
struct whist_label {
    struct whist_place place; /**< where */
    const char *text;         /**< may be empty */
};

/** One error or warning. All texts live as long as the program. */
struct whist_diagnostic {
    whist_severity severity;          /**< error or warning */
    const char *stage;                /**< "scan", "parse", "type" or "compile" */
    const char *kind;                 /**< stable name: "TypeMismatch" */
    const char *message;              /**< one sentence */
    struct whist_label primary;       /**< where it is */
    const struct whist_label *labels; /**< related places */
    size_t n_labels;                  /**< how many */
    const char *help;                 /**< how to fix it, or NULL */
};

/** How many diagnostics there are, in order of the source. */
WHIST_API size_t whist_program_n_diagnostics(const struct whist_program *p);
/** The k-th diagnostic. */
WHIST_API void whist_program_diagnostic(const struct whist_program *p, size_t k,
                                        struct whist_diagnostic *out);
/** Appends the diagnostics as people read them: file, line, caret, labels, help. */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_report(const struct whist_program *p,
                                                             struct whist_buffer *text_out,
                                                             bool colours);

/* ---- What a program is ---- */

/** The k-th constant that the program wants from outside, in order of first mention; false past the
 *  end. Names are not NUL-terminated. Before or after whist_program_bind. */
WHIST_API bool whist_program_wanted(const struct whist_program *p, size_t k,
                                    struct whist_bytes *party_out, struct whist_bytes *name_out,
                                    const char **type_out);

/** Name of the k-th pub function; false past the end. */
WHIST_API bool whist_program_fn(const struct whist_program *p, size_t k,
                                struct whist_bytes *name_out);

/** A type of a program; lives as long as the program, its sizes until the next whist_program_bind.
 */
struct whist_type;

/** Kinds of types. */
typedef enum whist_type_kind {
    WHIST_TYPE_BOOL,     /**< bool */
    WHIST_TYPE_UNSIGNED, /**< u8 … u64, usize */
    WHIST_TYPE_SIGNED,   /**< i8 … i64 */
    WHIST_TYPE_TUPLE,    /**< parts by number */
    WHIST_TYPE_ARRAY,    /**< equal parts */
    WHIST_TYPE_STRUCT,   /**< parts by name, in order of declaration */
    WHIST_TYPE_ENUM,     /**< parts are the variants: tuples */
} whist_type_kind;

/** Kind of a type. */
WHIST_API whist_type_kind whist_type_kind_of(const struct whist_type *t);
/** Bits of a value. */
WHIST_API uint64_t whist_type_bits(const struct whist_type *t);
/** As one writes it: "[(u8, bool); 3]". */
WHIST_API const char *whist_type_text(const struct whist_program *p, const struct whist_type *t);
/** Parts of a tuple, fields of a struct, elements of an array, variants of an enum; else 0. */
WHIST_API uint64_t whist_type_n_parts(const struct whist_type *t);
/** Type of part k (of an array: of any k; of an enum: NULL). */
WHIST_API const struct whist_type *whist_type_part(const struct whist_type *t, uint64_t k);
/** Name of field or variant k (not NUL-terminated); empty for other types. */
WHIST_API struct whist_bytes whist_type_part_name(const struct whist_type *t, uint64_t k);
/** Fields of variant k of an enum. */
WHIST_API size_t whist_type_n_fields(const struct whist_type *t, uint64_t variant);
/** Type of field f of variant k of an enum. */
WHIST_API const struct whist_type *whist_type_field(const struct whist_type *t, uint64_t variant,
                                                    size_t f);

/* ---- After whist_program_bind ---- */

/** Parties with an input: one for each parameter; for a function with one parameter that is an
 *  array, one for each element. */
WHIST_API size_t whist_program_n_parties(const struct whist_program *p);
/** Type of a party's input. */
WHIST_API const struct whist_type *whist_program_input_type(const struct whist_program *p,
                                                            size_t party);
/** Name of the parameter; not NUL-terminated. */
WHIST_API struct whist_bytes whist_program_input_name(const struct whist_program *p, size_t party);
/** Parameters of the function. */
WHIST_API size_t whist_program_n_params(const struct whist_program *p);
/** Type of a parameter. A value of it is the inputs of all its parties, one after the other. */
WHIST_API const struct whist_type *whist_program_param_type(const struct whist_program *p,
                                                            size_t k);
/** Type of the result. */
WHIST_API const struct whist_type *whist_program_output_type(const struct whist_program *p);
/** Output bits: result, flag and site (see whist_program_outcome). */
WHIST_API size_t whist_program_output_bits(const struct whist_program *p);

/** How values are written. */
typedef enum whist_value_format {
    WHIST_VALUE_AUTO,    /**< reading only: JSON if it starts with { or ", else Garble */
    WHIST_VALUE_LITERAL, /**< Garble's literals; as there, text after the value is ignored */
    WHIST_VALUE_STRICT,  /**< Garble's literals and nothing after them */
    WHIST_VALUE_JSON,    /**< JSON led by the type */
} whist_value_format;

/** What WHIST_VALUE_AUTO takes for JSON. */
WHIST_API bool whist_value_begins_json(struct whist_bytes text);

/** Reads a value of a type. Bits are one byte each, in the order of the layout: scalars most
 *  significant bit first, structs' fields by name, enums tag first.
 *  @param p the program of the type
 *  @param bits_out whist_type_bits(t) bytes
 *  @param t the type
 *  @param text the literal; secret: it is not repeated in errors
 *  @param format how it is written
 *  @param err says which part is wrong and which type was expected there
 *  @retval WHIST_ERR_FORMAT it is no value of the type
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status
whist_program_read(const struct whist_program *p, uint8_t *bits_out, const struct whist_type *t,
                   struct whist_bytes text, whist_value_format format, struct whist_error *err);

/** Appends a value as text (Garble without suffixes, or JSON). bits as in whist_program_read.
 *  @retval WHIST_ERR_FORMAT the bits are no value of the type (a tag that no variant has)
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_write(
    const struct whist_program *p, struct whist_buffer *text_out, const struct whist_type *t,
    const uint8_t *bits, whist_value_format format, struct whist_error *err);

/** How a run ended. */
struct whist_outcome {
    whist_panic_reason reason; /**< WHIST_PANIC_NONE: the result is valid */
    size_t site;               /**< number of the site (policy WHIST_PANICS_SITE) */
    struct whist_place place;  /**< where it is (policy WHIST_PANICS_SITE) */
};

/** Sites that can panic. */
WHIST_API size_t whist_program_n_sites(const struct whist_program *p);
/** Reason and place of a site. */
WHIST_API void whist_program_site(const struct whist_program *p, size_t site,
                                  struct whist_outcome *out);

/** Takes output bits apart: [result][flag][site number, most significant bit first]. The result is
 *  the first whist_type_bits(output type) of them.
 *  @retval WHIST_ERR_FORMAT a number that no site has */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_outcome(const struct whist_program *p,
                                                              const uint8_t *outputs,
                                                              struct whist_outcome *out,
                                                              struct whist_error *err);

/** Computes in the clear, on the words, without a circuit: the oracle for everything else.
 *  @param p a bound program
 *  @param outputs_out whist_program_output_bits(p) bytes, one bit each
 *  @param inputs all parties' bits in order, one byte each
 *  @param err may be NULL
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_eval(const struct whist_program *p,
                                                           uint8_t *outputs_out,
                                                           const uint8_t *inputs,
                                                           struct whist_error *err);

/** The circuit: an input group for each party with input bits, one output group of
 *  whist_program_output_bits wires, wire 0 the first of them.
 *  @param p a bound program
 *  @param circuit_out the caller's to free
 *  @param err may be NULL
 *  @retval WHIST_ERR_LIMIT more gates than a stored circuit holds
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_circuit(const struct whist_program *p,
                                                              struct whist_circuit **circuit_out,
                                                              struct whist_error *err);

/** The same gates, made as they are pulled: for programs whose circuit is larger than memory. They
 *  are made once at once, to count them, and again, in a thread of the source, while they are
 *  pulled; `cancelled` of the options is called from there too.
 *  @param p a bound program, which must outlive the source and not be bound again
 *  @param source_out the caller's to free
 *  @param err may be NULL
 *  @retval WHIST_ERR_LIMIT too large
 *  @retval WHIST_ERR_CANCELLED by the options' callback
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_source(const struct whist_program *p,
                                                             struct whist_gate_source **source_out,
                                                             struct whist_error *err);

/** Writes the circuit as a packed file (docs/circuit-format.md), with its description, in one pass
 *  and in memory for the largest part of the program, not for the circuit.
 *  @param p a bound program
 *  @param sink takes the file
 *  @param err may be NULL
 *  @retval WHIST_ERR_LIMIT too large
 *  @retval WHIST_ERR_CANCELLED by the options' callback
 *  @retval WHIST_ERR_NOMEM out of memory; or the status of the sink */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_pack(const struct whist_program *p,
                                                           const struct whist_sink *sink,
                                                           struct whist_error *err);

/** Appends what has to be known of a program to give inputs to its circuit and to read its outputs:
 *  file, places of checks, policy, function, types; as text (docs/circuit-format.md).
 *  @param p a bound program
 *  @param text_out appended to; untouched on errors
 *  @param err may be NULL
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_describe(const struct whist_program *p,
                                                               struct whist_buffer *text_out,
                                                               struct whist_error *err);

/** A bound program of a description. It has the types, parameters and sites of the one that was
 *  described, and so reads and writes values and tells outcomes; its hash is that of the
 *  description. It cannot be evaluated, made a circuit of or bound again: a caller's bug.
 *  @param program_out the caller's to free
 *  @param text the description
 *  @param err may be NULL
 *  @retval WHIST_ERR_FORMAT it is no description
 *  @retval WHIST_ERR_LIMIT a limit is exceeded
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_from_description(
    struct whist_program **program_out, struct whist_bytes text, struct whist_error *err);

/** What a line of the source costs. */
struct whist_cost {
    uint32_t line;         /**< from 1; 0: no line (masks of the result) */
    struct whist_bytes fn; /**< name of the function it is in, not NUL-terminated; empty: none */
    uint64_t n_ands;       /**< AND gates, over all calls and rounds of loops */
    uint64_t n_gates;      /**< AND and XOR gates */
};

/** What each line costs, in order of lines; their AND gates are those of the circuit. A gate that
 *  several lines need counts for the one that made it.
 *  @param p a bound program
 *  @param costs_out for whist_program_costs_free
 *  @param n_out how many lines
 *  @param err may be NULL
 *  @retval WHIST_ERR_LIMIT more gates than a stored circuit holds
 *  @retval WHIST_ERR_NOMEM out of memory */
WHIST_API WHIST_MUST_CHECK whist_status whist_program_costs(const struct whist_program *p,
                                                            struct whist_cost **costs_out,
                                                            size_t *n_out, struct whist_error *err);
/** Frees what whist_program_costs gave. NULL is allowed. */
WHIST_API void whist_program_costs_free(struct whist_cost *costs);

#ifdef __cplusplus
}
#endif
#endif
