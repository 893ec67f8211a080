/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Diagnostics of the front end: kinds, collection, rendering for terminals. */
#ifndef WHIST_LANG_DIAG_H
#define WHIST_LANG_DIAG_H

#include "lang/tree.h"

typedef enum lang_severity { LANG_ERROR, LANG_WARNING } lang_severity;

/* At which pass a kind arises: what `status` the command reports. */
typedef enum lang_phase {
    LANG_SCAN,
    LANG_PARSE,
    LANG_TYPE,
    LANG_COMPILE,
    LANG_LITERAL,
} lang_phase;

/* All kinds: name (= the code that `whist explain` takes), pass, severity. */
#define LANG_DIAG_TABLE(X)                                                                         \
    X(UnexpectedCharacter, SCAN, ERROR)                                                            \
    X(InvalidUnsignedNum, SCAN, ERROR)                                                             \
    X(InvalidSignedNum, SCAN, ERROR)                                                               \
    X(UnterminatedComment, SCAN, ERROR)                                                            \
    X(SourceTooLarge, SCAN, ERROR)                                                                 \
    X(InvalidTopLevelDef, PARSE, ERROR)                                                            \
    X(InvalidArraySize, PARSE, ERROR)                                                              \
    X(InvalidRangeExpr, PARSE, ERROR)                                                              \
    X(InvalidPattern, PARSE, ERROR)                                                                \
    X(InvalidLiteral, PARSE, ERROR)                                                                \
    X(InvalidConstExpr, PARSE, ERROR)                                                              \
    X(InvalidRangeTypes, PARSE, ERROR)                                                             \
    X(ExpectedStmt, PARSE, ERROR)                                                                  \
    X(ExpectedExpr, PARSE, ERROR)                                                                  \
    X(ExpectedIdentifier, PARSE, ERROR)                                                            \
    X(ExpectedMethodCallOrFieldAccess, PARSE, ERROR)                                               \
    X(Expected, PARSE, ERROR)                                                                      \
    X(NestedTooDeeply, PARSE, ERROR)                                                               \
    X(NoTopLevelFn, TYPE, ERROR)                                                                   \
    X(PubFnWithoutParams, TYPE, ERROR)                                                             \
    X(UnusedFn, TYPE, ERROR)                                                                       \
    X(RecursiveFnDef, TYPE, ERROR)                                                                 \
    X(RecursiveType, TYPE, ERROR)                                                                  \
    X(DuplicateDefinition, TYPE, ERROR)                                                            \
    X(DuplicateField, TYPE, ERROR)                                                                 \
    X(DuplicateVariant, TYPE, ERROR)                                                               \
    X(DuplicateBinding, TYPE, ERROR)                                                               \
    X(UnknownStructOrEnum, TYPE, ERROR)                                                            \
    X(UnknownStruct, TYPE, ERROR)                                                                  \
    X(UnknownStructField, TYPE, ERROR)                                                             \
    X(MissingStructField, TYPE, ERROR)                                                             \
    X(UnknownEnum, TYPE, ERROR)                                                                    \
    X(UnknownEnumVariant, TYPE, ERROR)                                                             \
    X(UnknownIdentifier, TYPE, ERROR)                                                              \
    X(IdentifierNotDeclaredAsMutable, TYPE, ERROR)                                                 \
    X(TupleAccessOutOfBounds, TYPE, ERROR)                                                         \
    X(DuplicateFnParam, TYPE, ERROR)                                                               \
    X(ExpectedBoolOrNumberType, TYPE, ERROR)                                                       \
    X(ExpectedNumberType, TYPE, ERROR)                                                             \
    X(ExpectedSignedNumberType, TYPE, ERROR)                                                       \
    X(ExpectedArrayType, TYPE, ERROR)                                                              \
    X(ExpectedTupleType, TYPE, ERROR)                                                              \
    X(ExpectedStructType, TYPE, ERROR)                                                             \
    X(ExpectedUnitVariantFoundTupleVariant, TYPE, ERROR)                                           \
    X(ExpectedTupleVariantFoundUnitVariant, TYPE, ERROR)                                           \
    X(UnexpectedEnumVariantArity, TYPE, ERROR)                                                     \
    X(UnexpectedType, TYPE, ERROR)                                                                 \
    X(WrongNumberOfArgs, TYPE, ERROR)                                                              \
    X(TypeMismatch, TYPE, ERROR)                                                                   \
    X(InvalidRange, TYPE, ERROR)                                                                   \
    X(PatternsAreNotExhaustive, TYPE, ERROR)                                                       \
    X(PatternsTooComplex, TYPE, ERROR)                                                             \
    X(RefutablePattern, TYPE, ERROR)                                                               \
    X(EmptyPattern, TYPE, ERROR)                                                                   \
    X(PatternOutOfRange, TYPE, ERROR)                                                              \
    X(TypeDoesNotSupportPatternMatching, TYPE, ERROR)                                              \
    X(ArraySizeNotConst, TYPE, ERROR)                                                              \
    X(ConstOutOfRange, TYPE, ERROR)                                                                \
    X(TypeTooLarge, TYPE, ERROR)                                                                   \
    X(FnNotFound, COMPILE, ERROR)                                                                  \
    X(MissingConstant, COMPILE, ERROR)                                                             \
    X(InvalidLiteralType, COMPILE, ERROR)                                                          \
    X(UnreachableArm, TYPE, WARNING)                                                               \
    X(UnusedVariable, TYPE, WARNING)                                                               \
    X(UnusedConst, TYPE, WARNING)                                                                  \
    X(UnusedGivenConstant, COMPILE, WARNING)

typedef enum lang_diag_kind {
#define LANG_DIAG_KIND(name, phase, severity) DIAG_##name,
    LANG_DIAG_TABLE(LANG_DIAG_KIND)
#undef LANG_DIAG_KIND
        DIAG_N_KINDS,
} lang_diag_kind;

/* A related place with its text. */
struct lang_label {
    struct lang_span span;
    const char *text;
};

/* Further labels are left out. */
#define LANG_MAX_LABELS 8

struct lang_diag {
    lang_diag_kind kind;
    struct lang_span span;
    const char *text;        /* one sentence without a full stop */
    const char *label;       /* under the caret; "" for none */
    struct lang_label *more; /* in the order they were added */
    uint32_t n_more;
    const char *help; /* NULL: none */
    bool late;        /* arose after the unit was checked */
    bool has_place;   /* false: concerns the whole program or something outside it */
    struct lang_diag *next;
};

const char *lang_diag_name(lang_diag_kind kind);
lang_severity lang_diag_severity(lang_diag_kind kind);
lang_phase lang_diag_phase(lang_diag_kind kind);
/* "scan_error", "parse_error", "type_error", "compile_error", "literal_error". */
const char *lang_phase_name(lang_phase phase);
/* Some sentences for `whist explain`; NULL if no kind has that name. */
const char *lang_diag_explain(const char *name);

/* ---- Adding (front end) ---- */

/* Adds a diagnostic; never NULL: beyond max_errors, or without memory, it is one that is thrown
 * away. The text is formatted into the arena. */
struct lang_diag *lang_report(struct lang_unit *unit, lang_diag_kind kind, struct lang_span span,
                              const char *fmt, ...) WHIST_PRINTF(4, 5);
/* One that concerns no place in the source. */
struct lang_diag *lang_report_outside(struct lang_unit *unit, lang_diag_kind kind, const char *fmt,
                                      ...) WHIST_PRINTF(3, 4);
/* The words under the caret. */
void lang_diag_label(struct lang_unit *unit, struct lang_diag *d, const char *fmt, ...)
    WHIST_PRINTF(3, 4);
void lang_diag_also(struct lang_unit *unit, struct lang_diag *d, struct lang_span span,
                    const char *fmt, ...) WHIST_PRINTF(4, 5);
void lang_diag_help(struct lang_unit *unit, struct lang_diag *d, const char *fmt, ...)
    WHIST_PRINTF(3, 4);

/* Forgets those that arose after the unit was checked: each call of lang_bind reports for itself.
 */
void lang_diags_clear_late(struct lang_unit *unit);

/* ---- Reading ---- */

/* All of them, sorted by place, errors and warnings mixed; those without a place come last. */
const struct lang_diag *lang_diag_first(struct lang_unit *unit);
/* Errors that arose, also those beyond max_errors. */
size_t lang_n_errors(const struct lang_unit *unit);
size_t lang_n_warnings(const struct lang_unit *unit);

/* ---- Rendering ---- */

/* The diagnostic as people read it, with the line of source, a caret and labels; ends in an empty
 * line. color: with ANSI escapes. */
WHIST_MUST_CHECK whist_status lang_diag_text(const struct lang_unit *unit,
                                             const struct lang_diag *d, bool color,
                                             struct whist_buffer *out);
/* All of them, as text, followed by "2 errors, 1 warning". */
WHIST_MUST_CHECK whist_status lang_diags_text(struct lang_unit *unit, bool color,
                                              struct whist_buffer *out);

#endif
