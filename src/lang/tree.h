/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The program as the front end leaves it: types, symbols and the typed tree. scan.c and parse.c
 * make the tree, check.c and its companions resolve names and types in place; afterwards it is read
 * only, but for what lang_bind fills in (values of consts, sizes and layouts of types). Everything
 * lives in the arena of its unit and dies with it. Nothing here is recursive beyond
 * LANG_MAX_HEIGHT. */
#ifndef WHIST_LANG_TREE_H
#define WHIST_LANG_TREE_H

#include "core/core.h"

struct lang_arena;
struct lang_diags;
struct lang_expr;
struct lang_pattern;
struct lang_block;
struct lang_type;
struct lang_struct;
struct lang_enum;
struct lang_fn;
struct lang_const;

/* Bytes from (inclusive) to to (exclusive) of the unit's source; lang_position gives line, column.
 */
struct lang_span {
    uint32_t from, to;
};

/* A name: bytes of the source (not NUL-terminated), interned: equal names have equal pointers. */
struct lang_name {
    const char *text;
    uint32_t len;
    uint32_t id; /* 0, 1, … in order of first appearance in the source */
};

/* ---- Const expressions: values of consts and sizes of arrays ---- */

typedef enum lang_cexpr_kind {
    CEXPR_BOOL,  /* value */
    CEXPR_INT,   /* value, of type number */
    CEXPR_CONST, /* ref: a const above */
    CEXPR_PARTY, /* PARTY::NAME, given by the outside at lang_bind */
    CEXPR_ADD,   /* args[0] + args[1], exact */
    CEXPR_SUB,
    CEXPR_MAX, /* n_args >= 1 */
    CEXPR_MIN,
} lang_cexpr_kind;

struct lang_cexpr {
    lang_cexpr_kind kind;
    struct lang_span span;
    const struct lang_type *type;  /* after check: bool or an integer type */
    uint64_t value;                /* BOOL: 0, 1; INT: two's complement, 64 bits */
    bool negative;                 /* INT: written with a minus sign; then value is the magnitude */
    uint8_t suffix;                /* INT: lang_type_kind + 1, or 0 */
    const struct lang_name *party; /* PARTY */
    const struct lang_name *name;  /* PARTY, CONST */
    const struct lang_const *ref;  /* CONST: after check */
    bool bound;                    /* PARTY: value and negative are given, by lang_bind */
    struct lang_cexpr **args;
    uint32_t n_args;
    uint32_t nodes; /* of the tree, up to LANG_MAX_TYPE_NODES + 1; set when it becomes a size */
    uint16_t height;
};

/* const NAME: type = value; */
struct lang_const {
    const struct lang_name *name;
    struct lang_span span;      /* the name */
    struct lang_typeref *given; /* the type as written */
    const struct lang_type *type;
    struct lang_cexpr *value;
    uint64_t bits;  /* after lang_bind: the value, two's complement in the width of its type */
    bool bound;     /* bits is valid */
    bool used, bad; /* bad: an error was reported for it */
};

/* ---- Types ---- */

typedef enum lang_type_kind {
    TYPE_BOOL,
    TYPE_U8,
    TYPE_U16,
    TYPE_U32,
    TYPE_U64,
    TYPE_USIZE, /* 32 bits, a type of its own */
    TYPE_I8,
    TYPE_I16,
    TYPE_I32,
    TYPE_I64,
    TYPE_TUPLE, /* parts; the unit type () has none */
    TYPE_ARRAY,
    TYPE_STRUCT,
    TYPE_ENUM,
    /* Only while checking, never in the finished tree of a program without errors: */
    TYPE_VAR,   /* an integer whose type is still open */
    TYPE_ERROR, /* of something that was reported: agrees with every type */
} lang_type_kind;

/* Size of an array. Two sizes are equal if both are numbers and equal, the same const, or the same
 * tree of a const expression; equal sizes are equal pointers. */
struct lang_size {
    enum { SIZE_NUMBER, SIZE_CONST, SIZE_EXPR } kind;
    uint64_t n; /* NUMBER: always; others: valid after lang_bind. Elements */
    struct lang_const *ref;
    struct lang_cexpr *expr;
    uint32_t id;            /* 0, 1, … in order of creation */
    struct lang_size *next; /* chain in the table of sizes */
};

/* Types are interned: equal types are equal pointers. `bits`, `cells` and the layouts of structs
 * and enums are valid after lang_bind (those of scalar types always). */
struct lang_type {
    lang_type_kind kind;
    uint32_t id;    /* 0, 1, … in order of creation; parts have smaller ids */
    uint64_t bits;  /* width in the layout of inputs and outputs; usize: 32 */
    uint64_t cells; /* scalars (bool, integers, whole enums) in it; for budgets */
    const struct lang_type *elem;
    struct lang_size *size; /* ARRAY */
    const struct lang_type **parts;
    uint32_t n_parts;          /* TUPLE */
    struct lang_struct *strct; /* STRUCT */
    struct lang_enum *enm;     /* ENUM */
    uint32_t var;              /* VAR: its number in the function */
    uint32_t nodes;            /* of the type as written out */
    uint16_t height;
    bool open;              /* contains a VAR */
    bool bad;               /* contains an ERROR */
    struct lang_type *next; /* chain in the table of types */
};

static inline bool lang_is_signed(const struct lang_type *t)
{
    return t->kind >= TYPE_I8 && t->kind <= TYPE_I64;
}
static inline bool lang_is_integer(const struct lang_type *t)
{
    return t->kind >= TYPE_U8 && t->kind <= TYPE_I64;
}
static inline bool lang_is_unit(const struct lang_type *t)
{
    return t->kind == TYPE_TUPLE && t->n_parts == 0;
}

/* A type as written. */
struct lang_typeref {
    enum { TYPEREF_NAME, TYPEREF_TUPLE, TYPEREF_ARRAY } kind;
    struct lang_span span;
    const struct lang_name *name; /* NAME */
    struct lang_typeref **parts;  /* TUPLE; ARRAY: parts[0] */
    uint32_t n_parts;
    uint16_t height;
    struct lang_cexpr *size; /* ARRAY: INT, CONST, or any with braces */
    bool braced;             /* ARRAY: written const { … } */
};

struct lang_field {
    const struct lang_name *name;
    struct lang_span span; /* the name */
    struct lang_typeref *given;
    const struct lang_type *type;
    uint64_t offset; /* after lang_bind: bits before it in the layout of the struct */
};

struct lang_struct {
    const struct lang_name *name;
    struct lang_span span;
    struct lang_field *fields; /* in order of declaration: the order of all field numbers here */
    uint32_t n_fields;
    uint32_t *sorted; /* field numbers in order of the layout: by name, byte order */
    uint32_t number;  /* in unit->structs */
    const struct lang_type *type;
};

struct lang_variant {
    const struct lang_name *name;
    struct lang_span span;
    struct lang_typeref **given;
    const struct lang_type **fields;
    uint64_t
        *offsets; /* after lang_bind: bits before each field, counted from the end of the tag */
    uint32_t n_fields;
    bool tuple; /* written with parentheses, though maybe without fields */
};

struct lang_enum {
    const struct lang_name *name;
    struct lang_span span;
    struct lang_variant *variants; /* in order of declaration: the number is the tag */
    uint32_t n_variants;
    uint32_t *sorted;      /* variant numbers by name, byte order */
    uint32_t number;       /* in unit->enums */
    uint32_t tag_bits;     /* ceil(log2(n_variants)) */
    uint64_t payload_bits; /* after lang_bind: of the largest variant; smaller ones end in zeros */
    const struct lang_type *type;
};

/* ---- Functions and variables ---- */

/* A parameter or a name bound by let, for or a match arm. Each binding is a local of its own, so
 * shadowing is resolved: two locals with one name have nothing to do with each other. */
struct lang_local {
    const struct lang_name *name;
    struct lang_span span; /* where it is bound */
    const struct lang_type *type;
    uint32_t
        slot; /* 0 … fn->n_locals - 1, unique in its function; parameters come first, in order */
    bool mut; /* may be assigned */
    bool param;
    bool used, assigned;
};

struct lang_param {
    const struct lang_name *name;
    struct lang_span span;
    struct lang_typeref *given;
    struct lang_local *local; /* after check; never NULL */
    bool mut;
};

struct lang_fn {
    const struct lang_name *name;
    struct lang_span span; /* the name */
    struct lang_param *params;
    uint32_t n_params;
    struct lang_typeref *given; /* of the result */
    const struct lang_type *result;
    struct lang_block *body;
    struct lang_local **locals; /* by slot */
    uint32_t n_locals;
    uint32_t index; /* in unit->fns */
    /* Functions it calls come before it in unit->order, so calls never recurse; the longest chain
     * of calls below it has `depth` calls (0: calls nothing). */
    uint32_t depth;
    bool pub;
    bool called; /* reachable from a pub function */
};

/* ---- Panic sites ---- */

/* Order of the numbers: as in whist/lang.h. */
typedef enum lang_reason {
    LANG_OVERFLOW = 1,
    LANG_DIV_BY_ZERO = 2,
    LANG_OUT_OF_BOUNDS = 3,
} lang_reason;

/* What may panic, by place in the source; unit->sites, in order of the source within a function
 * (left operand, right operand, the operation itself). Inlined copies share the site. */
struct lang_site {
    lang_reason reason;
    struct lang_span span; /* the whole operation; for an index, the index expression in brackets */
    struct lang_fn *fn;
};

#define LANG_NO_SITE UINT32_MAX

/* ---- Expressions ---- */

typedef enum lang_op {
    OP_NONE, /* assignment without an operator */
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_REM,
    OP_AND,
    OP_XOR,
    OP_OR,
    OP_SHL, /* the amount is a u8 */
    OP_SHR,
    OP_LAND, /* &&: the right side is guarded by the left, assignments included */
    OP_LOR,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_GT,
    OP_LE,
    OP_GE,
    OP_NOT, /* unary */
    OP_NEG,
} lang_op;

typedef enum lang_expr_kind {
    EXPR_BOOL,    /* bits: 0 or 1 */
    EXPR_INT,     /* bits: in range of the type, two's complement in 64 bits (sign-extended) */
    EXPR_CONST,   /* ref; its value is ref->bits after lang_bind */
    EXPR_LOCAL,   /* local */
    EXPR_TUPLE,   /* items; () has none */
    EXPR_ARRAY,   /* items: at least one */
    EXPR_REPEAT,  /* [args[0]; n]: n is type->size; args[0] is evaluated once, also for n = 0 */
    EXPR_RANGE,   /* from … to - 1, an array; both as EXPR_INT's bits, from < to */
    EXPR_STRUCT,  /* inits: in order of evaluation (as written); every field exactly once */
    EXPR_VARIANT, /* variant of type->enm, items: its fields */
    EXPR_INDEX,   /* args[0][args[1]]; the index is a usize; site: out of bounds */
    EXPR_FIELD,   /* args[0].field: of a tuple or a struct (number in declaration order) */
    EXPR_UNARY,   /* op args[0] (NOT, NEG); NEG: site */
    EXPR_BINARY,  /* args[0] op args[1]; site */
    EXPR_CAST,    /* args[0] as type: bool and integers; never panics */
    EXPR_CALL,    /* fn(items): evaluated in order */
    EXPR_JOIN,    /* join(args[0], args[1]); join_tuples tells which of the two forms */
    EXPR_IF,      /* if args[0] then_block else args[1]; args[1] NULL: the type is () */
    EXPR_MATCH,   /* match args[0] arms; exhaustive, the first that matches is taken */
    EXPR_BLOCK,   /* block */
} lang_expr_kind;

struct lang_init {
    const struct lang_name *name;
    struct lang_span span; /* the name */
    struct lang_expr *value;
    uint32_t field; /* number in declaration order */
};

struct lang_arm {
    struct lang_pattern *pattern;
    struct lang_expr *body; /* a statement that is no expression stands in a block of its own */
    struct lang_span span;
    bool unreachable; /* earlier arms take everything; there was a warning */
};

struct lang_expr {
    uint8_t kind;     /* lang_expr_kind */
    uint8_t op;       /* lang_op: UNARY, BINARY */
    uint16_t height;  /* of the tree below; at most LANG_MAX_HEIGHT */
    bool parens;      /* written in parentheses */
    bool join_tuples; /* JOIN: rows are tuples: result (bool, TA, TB); else (bool, T) */
    struct lang_span span;
    const struct lang_type *type;
    /* Where it may panic: index in unit->sites, or LANG_NO_SITE. ADD SUB MUL SHL SHR NEG: overflow;
     * INDEX: out of bounds; DIV and REM: division by zero, and if the type is signed, site + 1 is
     * overflow (MIN / -1), to be tested second. */
    uint32_t site;
    uint32_t n_items;
    union {
        struct {            /* BOOL, INT, RANGE */
            uint64_t bits;  /* magnitude until checked */
            uint64_t to;    /* RANGE */
            bool negative;  /* INT: written with a minus sign, or folded from -(literal) */
            uint8_t suffix; /* the written type: lang_type_kind + 1, or 0 */
            uint8_t to_suffix;
        } num;
        struct lang_const *ref;
        struct lang_local *local;
        struct lang_expr **items;
        struct {                     /* STRUCT */
            struct lang_init *inits; /* n_items of them */
            const struct lang_name *name;
        } strct;
        struct { /* VARIANT */
            struct lang_expr **items;
            const struct lang_name *enum_name, *name;
            uint32_t variant;
            bool tuple; /* written with parentheses */
        } variant;
        struct { /* CALL */
            struct lang_expr **items;
            const struct lang_name *name;
            struct lang_fn *fn;
        } call;
        struct { /* INDEX, FIELD, UNARY, BINARY, CAST, REPEAT, JOIN */
            struct lang_expr *args[2];
            union {
                uint32_t field;             /* FIELD */
                struct lang_typeref *given; /* CAST: the type as written */
                struct lang_cexpr *size;    /* REPEAT: INT or CONST */
            };
            const struct lang_name *field_name; /* FIELD of a struct; NULL: of a tuple */
        };
        struct { /* IF */
            struct lang_expr *cond;
            struct lang_block *then_block;
            struct lang_expr *else_expr; /* NULL, a BLOCK or an IF */
        } branch;
        struct { /* MATCH */
            struct lang_expr *value;
            struct lang_arm *arms; /* n_items of them */
        } match;
        struct lang_block *block;
        const struct lang_name *name; /* LOCAL, CONST until they are resolved */
    };
};

/* ---- Patterns ---- */

typedef enum lang_pattern_kind {
    PAT_BIND,    /* local; matches everything (`_` too is a name) */
    PAT_BOOL,    /* lo: 0 or 1 */
    PAT_INT,     /* lo … hi inclusive, lo <= hi in the order of the type; a number has lo == hi.
                  * Two's complement in 64 bits (sign-extended) */
    PAT_TUPLE,   /* subs: one for each part */
    PAT_STRUCT,  /* subs[i] for fields[i] (numbers in declaration order); fields that are not
                  * mentioned match everything */
    PAT_VARIANT, /* variant of type->enm; subs: one for each of its fields */
} lang_pattern_kind;

struct lang_pattern {
    lang_pattern_kind kind;
    struct lang_span span;
    const struct lang_type *type;
    bool irrefutable; /* matches every value of its type; always so in let and for */
    /* As written, until checked: */
    bool lo_negative, hi_negative, inclusive, range, tuple, rest;
    uint8_t lo_suffix, hi_suffix; /* lang_type_kind + 1, or 0 */
    uint16_t height;
    uint64_t lo, hi;
    struct lang_local *local;
    const struct lang_name *name;      /* BIND; STRUCT; VARIANT: of the variant */
    const struct lang_name *enum_name; /* VARIANT */
    uint32_t variant;
    uint32_t n_subs;
    struct lang_pattern **subs;
    uint32_t *fields; /* STRUCT */
    const struct lang_name **field_names;
    struct lang_span *field_spans;
};

/* ---- Statements ---- */

typedef enum lang_stmt_kind {
    STMT_LET,      /* let pattern = value; `let mut NAME` is a BIND of a mutable local */
    STMT_FOR,      /* for pattern in value body: value is an array, evaluated once */
    STMT_FOR_JOIN, /* for pattern in join_iter(value, other) body; the pattern's type is the pair
                    * of the two rows' types */
    STMT_ASSIGN,   /* place op= value */
    STMT_EXPR,     /* value */
} lang_stmt_kind;

/* One step into a place: [index] or .field */
struct lang_step {
    struct lang_span span;
    struct lang_expr *index;      /* NULL: a field */
    const struct lang_name *name; /* field of a struct; NULL: of a tuple */
    uint32_t field;               /* number in the tuple, or in declaration order */
    uint32_t site;                /* index: out of bounds */
    const struct lang_type *type; /* of the place after the step */
};

struct lang_place {
    struct lang_local *local;
    const struct lang_name *name;
    struct lang_span span;
    struct lang_step *steps;
    uint32_t n_steps;
    const struct lang_type *type; /* of what is assigned */
};

struct lang_stmt {
    lang_stmt_kind kind;
    lang_op op; /* ASSIGN: OP_NONE, or the operator of a compound assignment */
    bool mut;   /* LET */
    struct lang_span span;
    uint32_t site; /* ASSIGN with an operator: as for EXPR_BINARY */
    uint16_t height;
    struct lang_pattern *pattern;
    struct lang_typeref *given; /* LET: the type as written, or NULL */
    struct lang_expr *value, *other;
    struct lang_place *place;
    struct lang_block *body;
};

/* The value is that of the last statement if that is an expression, else (); a semicolon after it
 * makes no difference. An empty block is (). */
struct lang_block {
    struct lang_span span;
    struct lang_stmt **stmts;
    uint32_t n_stmts;
    uint16_t height;
    const struct lang_type *type;
};

/* ---- The unit ---- */

/* Limits of what is accepted; 0 in a field means the default. */
struct lang_limits {
    size_t max_source;   /* bytes; default 16 MiB, at most 1 GiB */
    size_t max_memory;   /* bytes of the arena; default 1 GiB */
    uint64_t max_bits;   /* of one type; default 2^30 */
    uint64_t max_cells;  /* of one type; default 2^26 */
    uint32_t max_errors; /* reported in one run; default 50 */
};

/* Height of every tree: expressions with their blocks, patterns, types, const expressions. */
#define LANG_MAX_HEIGHT 3000
/* Nesting in the source, where brackets, blocks and signs count; height of types. Long sums are
 * high without being nested. */
#define LANG_MAX_DEPTH 1000

/* A constant from outside: PARTY::NAME = value. */
struct lang_given {
    struct whist_bytes party, name;
    bool is_bool, negative; /* negative: of the magnitude */
    uint64_t magnitude;     /* bool: 0 or 1 */
    uint8_t suffix;         /* lang_type_kind + 1, or 0 */
    bool used;              /* out: the program names it */
};

/* A constant that the program wants from outside, in order of first mention. */
struct lang_wanted {
    const struct lang_name *party, *name;
    const struct lang_type *type;
    struct lang_span span;
};

struct lang_unit {
    const char *file; /* for messages; copied */
    const char *source;
    uint32_t len;
    uint32_t *lines; /* start of each line */
    uint32_t n_lines;
    struct lang_limits limits;
    struct lang_arena *arena;
    struct lang_diags *diags;
    whist_status status; /* first failure that is no diagnostic: out of memory, a limit */

    struct lang_const **consts; /* each in order of the source */
    uint32_t n_consts;
    struct lang_struct **structs;
    uint32_t n_structs;
    struct lang_enum **enums;
    uint32_t n_enums;
    uint32_t *type_order; /* structs (by number), enums (n_structs + number): parts before wholes */
    struct lang_fn **fns;
    uint32_t n_fns;
    struct lang_fn **order; /* callees before callers; n_fns */
    struct lang_site *sites;
    uint32_t n_sites;
    struct lang_wanted *wanted;
    uint32_t n_wanted;
    struct lang_type **types; /* by id */
    uint32_t n_types;
    struct lang_size **sizes; /* by id */
    uint32_t n_sizes;
    bool checked, bound;

    struct lang_names *names;                      /* table of names */
    struct lang_types *table;                      /* table of types and sizes */
    const struct lang_type *scalars[TYPE_I64 + 1]; /* TYPE_BOOL … TYPE_I64 */
    const struct lang_type *unit_type, *error_type;
};

/* ---- What the front end does ---- */

/* Scans, parses and checks. What is wrong with the program is in the unit's diagnostics
 * (lang/diag.h), and then the status is WHIST_ERR_FORMAT; WHIST_ERR_NOMEM without any diagnostic.
 * The unit is made in every case but WHIST_ERR_NOMEM and freed by the caller. file is the name for
 * messages; limits may be NULL. */
WHIST_MUST_CHECK whist_status lang_check(struct lang_unit **unit_out, const char *file,
                                         struct whist_bytes source,
                                         const struct lang_limits *limits);

/* Gives values to consts, numbers to sizes, layouts to types. The unit must have been checked
 * without errors; may be called again with other constants. Adds diagnostics (MissingConstant,
 * InvalidLiteralType, ConstOutOfRange, InvalidArraySize, TypeTooLarge): WHIST_ERR_FORMAT. */
WHIST_MUST_CHECK whist_status lang_bind(struct lang_unit *unit, struct lang_given *given,
                                        size_t n_given);

/* NULL is allowed. */
void lang_unit_free(struct lang_unit *unit);

/* The function of that name, pub or not, if it has parameters; NULL after adding a diagnostic
 * (FnNotFound). */
struct lang_fn *lang_find_entry(struct lang_unit *unit, const char *name);

/* Line and column of a byte of the source, both from 1; columns count bytes. */
void lang_position(const struct lang_unit *unit, uint32_t at, uint32_t *line_out,
                   uint32_t *column_out);

/* The type as one writes it ("[(u8, bool); 3]"), in the arena; never NULL. */
const char *lang_type_text(struct lang_unit *unit, const struct lang_type *type);

/* Bits of a scalar type (bool: 1, usize: 32). */
static inline uint32_t lang_width(const struct lang_type *t)
{
    return (uint32_t)t->bits;
}

#endif
