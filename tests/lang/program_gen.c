/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "program_gen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

/* ---- Types ---- */

enum kind { BOOL, INT, TUPLE, ARRAY, STRUCT, ENUM };

struct type {
    enum kind kind;
    const char *name; /* INT */
    bool is_signed;
    unsigned width;
    int number;   /* STRUCT, ENUM */
    int parts[4]; /* TUPLE, STRUCT: types; ARRAY: parts[0]; ENUM: the field of each variant, −1 */
    int more[4];  /* ENUM: a second field of each variant, −1 */
    int n_parts;  /* ARRAY: elements */
};

struct variable {
    int number, type;
    bool mut;
};

struct function {
    int number, result, params[3], n_params;
};

struct gen {
    uint64_t state;
    char *out;
    size_t len, cap;
    struct type types[64];
    int n_types;
    int consts[4], n_consts; /* their types */
    struct variable vars[64];
    int n_vars, next_var;
    struct function fns[6];
    int n_fns;
    int budget; /* expressions that may still be made */
    int loops;  /* nested */
    bool safe;
};

static uint32_t below(struct gen *g, uint32_t n)
{
    return (uint32_t)(splitmix64(&g->state) >> 8) % n;
}

static void put(struct gen *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct gen *g, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(g->out + g->len, g->cap - g->len, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= g->cap - g->len) {
        abort(); /* the caller's buffer is too small */
    }
    g->len += (size_t)n;
}

static void put_type(struct gen *g, int t)
{
    const struct type *y = &g->types[t];

    switch (y->kind) {
    case BOOL:
        put(g, "bool");
        break;
    case INT:
        put(g, "%s", y->name);
        break;
    case TUPLE:
        put(g, "(");
        for (int i = 0; i < y->n_parts; i++) {
            put(g, i == 0 ? "" : ", ");
            put_type(g, y->parts[i]);
        }
        put(g, ")");
        break;
    case ARRAY:
        put(g, "[");
        put_type(g, y->parts[0]);
        put(g, "; %d]", y->n_parts);
        break;
    default:
        put(g, "%c%d", y->kind == STRUCT ? 'S' : 'E', y->number);
    }
}

static int add_type(struct gen *g, struct type t)
{
    g->types[g->n_types] = t;
    return g->n_types++;
}

enum { T_BOOL, T_U8, T_U16, T_U32, T_U64, T_USIZE, T_I8, T_I16, T_I32, T_I64, N_SCALARS };

static void make_scalars(struct gen *g)
{
    static const char *const names[] = {"u8", "u16", "u32", "u64", "usize",
                                        "i8", "i16", "i32", "i64"};
    static const unsigned widths[] = {8, 16, 32, 64, 32, 8, 16, 32, 64};

    add_type(g, (struct type){.kind = BOOL, .width = 1});
    for (int i = 0; i < 9; i++) {
        add_type(g, (struct type){
                        .kind = INT, .name = names[i], .width = widths[i], .is_signed = i >= 5});
    }
}

static int any_type(struct gen *g)
{
    return below(g, 3) == 0 ? (int)below(g, (uint32_t)g->n_types) : (int)below(g, N_SCALARS);
}

/* The first field of a variant may not begin with a bracket. */
static int field_type(struct gen *g)
{
    int t = any_type(g);
    return g->types[t].kind == TUPLE || g->types[t].kind == ARRAY ? T_U8 : t;
}

static void make_types(struct gen *g)
{
    int n_structs = 0, n_enums = 0;

    make_scalars(g);
    for (int i = 0; i < 7; i++) {
        struct type t = {.kind = (enum kind)(TUPLE + below(g, 4))};
        t.n_parts = t.kind == TUPLE ? 2 + (int)below(g, 3) : 1 + (int)below(g, 4);
        for (int k = 0; k < t.n_parts; k++) {
            t.parts[k] = t.kind == ENUM ? (below(g, 3) == 0 ? -1 : field_type(g)) : any_type(g);
            t.more[k] = t.kind == ENUM && t.parts[k] >= 0 && below(g, 3) == 0 ? any_type(g) : -1;
        }
        t.number = t.kind == STRUCT ? n_structs++ : t.kind == ENUM ? n_enums++ : 0;
        add_type(g, t);
        if (t.kind == STRUCT) {
            put(g, "struct S%d { ", t.number);
            for (int f = 0; f < t.n_parts; f++) {
                put(g, "%c%d: ", 'z' - f, f); /* not in the order of names */
                put_type(g, t.parts[f]);
                put(g, ", ");
            }
            put(g, "}\n");
        } else if (t.kind == ENUM) {
            put(g, "enum E%d { ", t.number);
            for (int v = 0; v < t.n_parts; v++) {
                put(g, "V%d", v);
                if (t.parts[v] >= 0) {
                    put(g, "(");
                    put_type(g, t.parts[v]);
                    if (t.more[v] >= 0) {
                        put(g, ", ");
                        put_type(g, t.more[v]);
                    }
                    put(g, ")");
                }
                put(g, ", ");
            }
            put(g, "}\n");
        }
    }
}

/* ---- Expressions ---- */

static void expr(struct gen *g, int t, int depth);
static void block(struct gen *g, int t, int depth);

/* Small numbers, numbers of any size, and the ends of the type. */
static void literal(struct gen *g, int t)
{
    const struct type *y = &g->types[t];

    if (y->kind == BOOL) {
        put(g, below(g, 2) != 0 ? "true" : "false");
        return;
    }
    uint64_t max = ~(uint64_t)0 >> (64 - y->width + (y->is_signed ? 1 : 0));
    uint64_t v = splitmix64(&g->state);
    switch (below(g, 8)) {
    case 0:
        v = max;
        break;
    case 1:
        v &= max;
        break;
    case 2:
        v = (uint64_t)1 << v % (y->width - 1);
        break;
    default:
        v %= 8;
    }
    if (y->is_signed && below(g, 3) == 0) {
        v += v == 0 || (v == max && below(g, 2) != 0);
        put(g, "-%llu%s", (unsigned long long)v, y->name);
    } else {
        put(g, "%llu%s", (unsigned long long)v, y->name);
    }
}

/* An index in bounds, or now and then one that may be out of them. */
static void index_expr(struct gen *g, int n, int depth)
{
    if (depth <= 0 || below(g, 3) == 0) {
        put(g, "%uusize", below(g, (uint32_t)n));
        return;
    }
    bool wild = !g->safe && below(g, 8) == 0;
    put(g, "(");
    expr(g, T_USIZE, depth - 1);
    put(g, wild ? ")" : ") %% %dusize", n);
}

/* Goes from a variable's type down to part type t: prints the path. False: there is none. */
static bool path(struct gen *g, int from, int t, int depth)
{
    const struct type *y = &g->types[from];

    if (from == t) {
        return true;
    }
    if (y->kind == ARRAY) {
        size_t mark = g->len;
        put(g, "[");
        index_expr(g, y->n_parts, depth);
        put(g, "]");
        if (path(g, y->parts[0], t, depth)) {
            return true;
        }
        g->len = mark;
    }
    for (int i = 0; (y->kind == TUPLE || y->kind == STRUCT) && i < y->n_parts; i++) {
        size_t mark = g->len;
        if (y->kind == TUPLE) {
            put(g, ".%d", i);
        } else {
            put(g, ".%c%d", 'z' - i, i);
        }
        if (path(g, y->parts[i], t, depth)) {
            return true;
        }
        g->len = mark;
    }
    return false;
}

static bool variable(struct gen *g, int t, int depth, bool mut)
{
    for (int tries = 0; tries < 6 && g->n_vars > 0; tries++) {
        const struct variable *v = &g->vars[below(g, (uint32_t)g->n_vars)];
        size_t mark = g->len;
        if (mut && !v->mut) {
            continue;
        }
        put(g, "v%d", v->number);
        if (path(g, v->type, t, depth)) {
            return true;
        }
        g->len = mark;
    }
    return false;
}

static void constructor(struct gen *g, int t, int depth)
{
    const struct type *y = &g->types[t];

    switch (y->kind) {
    case TUPLE:
        put(g, "(");
        for (int i = 0; i < y->n_parts; i++) {
            put(g, i == 0 ? "" : ", ");
            expr(g, y->parts[i], depth - 1);
        }
        put(g, ")");
        break;
    case ARRAY:
        put(g, "[");
        if (below(g, 3) == 0) {
            expr(g, y->parts[0], depth - 1);
            put(g, "; %d", y->n_parts);
        } else {
            for (int i = 0; i < y->n_parts; i++) {
                put(g, i == 0 ? "" : ", ");
                expr(g, y->parts[0], depth - 1);
            }
        }
        put(g, "]");
        break;
    case STRUCT:
        put(g, "S%d { ", y->number);
        for (int i = 0, k = (int)below(g, 4); i < y->n_parts; i++) { /* in any order */
            int f = (i + k) % y->n_parts;
            put(g, "%c%d: ", 'z' - f, f);
            expr(g, y->parts[f], depth - 1);
            put(g, ", ");
        }
        put(g, "}");
        break;
    case ENUM: {
        int v = (int)below(g, (uint32_t)y->n_parts);
        put(g, "E%d::V%d", y->number, v);
        if (y->parts[v] >= 0) {
            put(g, "(");
            expr(g, y->parts[v], depth - 1);
            if (y->more[v] >= 0) {
                put(g, ", ");
                expr(g, y->more[v], depth - 1);
            }
            put(g, ")");
        }
        break;
    }
    default:
        literal(g, t);
    }
}

static void condition(struct gen *g, int depth)
{
    int t = (int)below(g, N_SCALARS);
    static const char *const compare[] = {"==", "!=", "<", ">", "<=", ">="};

    switch (below(g, 5)) {
    case 0:
        put(g, "(");
        expr(g, T_BOOL, depth - 1);
        put(g, below(g, 2) != 0 ? " && " : " || ");
        expr(g, T_BOOL, depth - 1);
        put(g, ")");
        break;
    case 1:
        put(g, "(!");
        expr(g, T_BOOL, depth - 1);
        put(g, ")");
        break;
    case 2:
        t = any_type(g);
        put(g, "((");
        expr(g, t, depth - 1);
        put(g, below(g, 2) != 0 ? ") == (" : ") != (");
        expr(g, t, depth - 1);
        put(g, "))");
        break;
    default:
        t = t == T_BOOL ? T_I16 : t;
        put(g, "((");
        expr(g, t, depth - 1);
        put(g, ") %s (", compare[below(g, 6)]);
        expr(g, t, depth - 1);
        put(g, "))");
    }
}

static void arithmetic(struct gen *g, int t, int depth)
{
    const struct type *y = &g->types[t];
    static const char *const bits[] = {"&", "|", "^"}, *const checked[] = {"+", "-", "*", "/", "%"};

    switch (below(g, g->safe ? 4 : 7)) {
    case 0: /* a cast */
        put(g, "((");
        expr(g, (int)below(g, N_SCALARS), depth - 1);
        put(g, ") as %s)", y->name);
        break;
    case 1: /* a shift, mostly in range */
        put(g, "((");
        expr(g, t, depth - 1);
        put(g, below(g, 2) != 0 ? ") << " : ") >> ");
        if (below(g, 2) != 0) {
            put(g, "%uu8)", below(g, y->width));
        } else if (!g->safe && below(g, 8) == 0) {
            expr(g, T_U8, depth - 1);
            put(g, ")");
        } else {
            put(g, "((");
            expr(g, T_U8, depth - 1);
            put(g, ") %% %uu8))", y->width);
        }
        break;
    case 2:
    case 3:
        put(g, "((");
        expr(g, t, depth - 1);
        put(g, ") %s (", bits[below(g, 3)]);
        expr(g, t, depth - 1);
        put(g, "))");
        break;
    case 4:
        if (y->is_signed) {
            put(g, "(-(");
            expr(g, t, depth - 1);
            put(g, "))");
            break;
        } /* fall through */
    default:
        put(g, "((");
        expr(g, t, depth - 1);
        put(g, ") %s (", checked[below(g, 5)]);
        if (below(g, 2) != 0) {
            literal(g, t);
        } else {
            expr(g, t, depth - 1);
        }
        put(g, "))");
    }
}

static int bind(struct gen *g, int t, bool mut)
{
    if (g->n_vars == 64) {
        g->vars[below(g, 64)] = (struct variable){g->next_var, t, mut};
        return g->next_var++;
    }
    g->vars[g->n_vars++] = (struct variable){g->next_var, t, mut};
    return g->next_var++;
}

/* mark: the variables outside of the arm. */
static void arm(struct gen *g, int t, int depth, int mark)
{
    put(g, " => ");
    block(g, t, depth - 1);
    put(g, " ");
    g->n_vars = mark;
}

/* A pattern that takes some values of the type: nested, with names in it. All: it takes all. */
static void pattern(struct gen *g, int t, bool all, int depth)
{
    const struct type *y = &g->types[t];
    bool leaf = depth <= 0 || y->kind == ARRAY || (all && y->kind <= INT) || below(g, 4) == 0;

    if (leaf || (y->kind == ENUM && all && y->n_parts > 1)) {
        put(g, "v%d", g->next_var);
        bind(g, t, false);
        return;
    }
    if (y->kind == BOOL) {
        put(g, below(g, 2) != 0 ? "true" : "false");
    } else if (y->kind == INT) {
        uint32_t lo = below(g, 5), hi = lo + below(g, 120);
        if (below(g, 3) == 0) {
            literal(g, t);
        } else {
            put(g, y->is_signed && below(g, 2) != 0 ? "-%u" : "%u", lo);
            put(g, below(g, 2) != 0 ? "..%u" : "..=%u", hi + 1);
        }
    } else if (y->kind == ENUM) {
        int v = (int)below(g, (uint32_t)y->n_parts);
        put(g, "E%d::V%d", y->number, v);
        if (y->parts[v] >= 0) {
            put(g, "(");
            pattern(g, y->parts[v], all, depth - 1);
            if (y->more[v] >= 0) {
                put(g, ", ");
                pattern(g, y->more[v], all, depth - 1);
            }
            put(g, ")");
        }
    } else if (y->kind == TUPLE) {
        for (int i = 0; i < y->n_parts; i++) {
            put(g, i == 0 ? "(" : ", ");
            pattern(g, y->parts[i], all, depth - 1);
        }
        put(g, ")");
    } else {
        put(g, "S%d { ", y->number);
        for (int i = 0; i < y->n_parts; i++) {
            if (below(g, 3) != 0) {
                put(g, "%c%d: ", 'z' - i, i);
                pattern(g, y->parts[i], all, depth - 1);
                put(g, ", ");
            }
        }
        put(g, ".. }");
    }
}

/* Every variant in turn. */
static void match_enum(struct gen *g, int of, int t, int depth)
{
    const struct type *y = &g->types[of];

    for (int v = 0; v < y->n_parts; v++) {
        int mark = g->n_vars;
        put(g, "E%d::V%d", y->number, v);
        if (y->parts[v] >= 0 && g->types[y->parts[v]].kind == BOOL && y->more[v] < 0 &&
            below(g, 2) != 0) {
            put(g, "(true)");
            arm(g, t, depth, mark);
            put(g, "E%d::V%d(_)", y->number, v);
        } else if (y->parts[v] >= 0) {
            put(g, "(v%d", bind(g, y->parts[v], false));
            if (y->more[v] >= 0) {
                put(g, ", ");
                pattern(g, y->more[v], true, 2);
            }
            put(g, ")");
        }
        arm(g, t, depth, mark);
    }
}

/* Some patterns, and one for the rest. */
static void match_some(struct gen *g, int of, int t, int depth)
{
    int mark = g->n_vars;

    for (uint32_t i = 1 + below(g, 3); i > 0; i--) {
        pattern(g, of, false, 3);
        arm(g, t, depth, mark);
    }
    pattern(g, of, true, (int)below(g, 3));
    arm(g, t, depth, mark);
}

static void match(struct gen *g, int t, int depth)
{
    int of = any_type(g), mark = g->n_vars;
    const struct type *y = &g->types[of];

    put(g, "(match (");
    /* Struct literals may not stand here. */
    put(g, "({ let m = ");
    expr(g, of, depth - 1);
    put(g, "; m })) { ");
    if (y->kind == BOOL && below(g, 2) != 0) {
        put(g, "true");
        arm(g, t, depth, mark);
        put(g, "false");
        arm(g, t, depth, mark);
    } else if (y->kind == ENUM && below(g, 2) != 0) {
        match_enum(g, of, t, depth);
    } else {
        match_some(g, of, t, depth);
    }
    put(g, "})");
    g->n_vars = mark;
}

/* A scalar made of any variable of another scalar type. */
static bool cast(struct gen *g, int t)
{
    size_t mark = g->len;

    put(g, g->types[t].kind == BOOL ? "((" : "(");
    for (int tries = 0; tries < 4; tries++) {
        if (variable(g, (int)below(g, N_SCALARS), 0, false)) {
            put(g, g->types[t].kind == BOOL ? " as u8) > 2u8)" : " as %s)", g->types[t].name);
            return true;
        }
    }
    g->len = mark;
    return false;
}

/* The name of a const of the type. */
static bool constant(struct gen *g, int t)
{
    for (int i = 0; i < g->n_consts; i++) {
        if (g->consts[i] == t) {
            put(g, "C%d", i);
            return true;
        }
    }
    return false;
}

static void leaf(struct gen *g, int t)
{
    if (below(g, 5) == 0 && constant(g, t)) {
        return;
    }
    if (below(g, 5) != 0 && variable(g, t, 0, false)) {
        return;
    }
    if (t < N_SCALARS && below(g, 4) != 0 && cast(g, t)) {
        return;
    }
    constructor(g, t, 0);
}

static bool call(struct gen *g, int t, int depth)
{
    for (int i = 0; i < g->n_fns; i++) {
        const struct function *f = &g->fns[i];
        if (f->result == t) {
            put(g, "f%d(", f->number);
            for (int k = 0; k < f->n_params; k++) {
                put(g, k == 0 ? "" : ", ");
                expr(g, f->params[k], depth - 1);
            }
            put(g, ")");
            return true;
        }
    }
    return false;
}

static void expr(struct gen *g, int t, int depth)
{
    const struct type *y = &g->types[t];

    g->budget--;
    if (depth <= 0 || g->budget <= 0) {
        leaf(g, t);
        return;
    }
    switch (below(g, 10)) {
    case 0:
        put(g, "(if ");
        condition(g, depth);
        put(g, " ");
        block(g, t, depth - 1);
        put(g, " else ");
        block(g, t, depth - 1);
        put(g, ")");
        return;
    case 1:
        match(g, t, depth - 1);
        return;
    case 2:
        if (call(g, t, depth)) {
            return;
        }
        break;
    case 3:
        put(g, "(");
        block(g, t, depth - 1);
        put(g, ")");
        return;
    case 4:
    case 5:
    case 6:
        if (variable(g, t, depth, false)) {
            return;
        }
        break;
    default:
        break;
    }
    if (y->kind == BOOL) {
        condition(g, depth);
    } else if (y->kind == INT) {
        arithmetic(g, t, depth);
    } else {
        constructor(g, t, depth);
    }
}

/* ---- Statements ---- */

static void assignment(struct gen *g, int depth)
{
    int t = any_type(g);
    static const char *const safe[] = {"&=", "|=", "^="}, *const checked[] = {
                                                              "+=", "-=", "*=", "/=", "%="};

    if (!variable(g, t, depth, true)) {
        return;
    }
    const char *op = "=";
    if (g->types[t].kind == INT && below(g, 6) == 0) {
        put(g, below(g, 2) != 0 ? " <<= " : " >>= ");
        put(g, "(");
        expr(g, T_U8, depth - 1);
        put(g, ") %% %uu8; ", g->types[t].width);
        return;
    }
    if (g->types[t].kind == INT && below(g, 2) != 0) {
        op = g->safe || below(g, 2) != 0 ? safe[below(g, 3)] : checked[below(g, 5)];
    }
    put(g, " %s ", op);
    expr(g, t, depth - 1);
    put(g, "; ");
}

static void statements(struct gen *g, int n, int depth);

/* Any variable that is an array, best one that changes. NULL: there is none. */
static const struct variable *array_variable(struct gen *g)
{
    const struct variable *found = NULL;

    for (int tries = 0; tries < 10 && g->n_vars > 0; tries++) {
        const struct variable *v = &g->vars[below(g, (uint32_t)g->n_vars)];
        if (g->types[v->type].kind == ARRAY && (found == NULL || !found->mut)) {
            found = v;
        }
    }
    return found;
}

static void loop(struct gen *g, int depth)
{
    int mark = g->n_vars;

    if (g->loops >= 2) {
        return;
    }
    const struct variable *array = array_variable(g);
    g->loops++;
    if (array != NULL && below(g, 2) != 0) { /* that the body may change */
        int t = g->types[array->type].parts[0], number = array->number;
        put(g, "for ");
        pattern(g, t, true, (int)below(g, 3));
        put(g, " in v%d { ", number);
    } else if (below(g, 2) != 0) {
        uint32_t from = below(g, 3);
        int t = below(g, 2) != 0 ? T_USIZE : T_U8;
        put(g, "for v%d in %u%s..%u%s { ", g->next_var, from, g->types[t].name,
            from + 1 + below(g, 3), g->types[t].name);
        bind(g, t, false);
    } else {
        int t = (int)below(g, N_SCALARS), number = g->next_var++;
        put(g, "for v%d in [", number);
        for (uint32_t i = 0, n = 1 + below(g, 3); i < n; i++) {
            put(g, i == 0 ? "" : ", ");
            expr(g, t, 0); /* no struct literals in the head */
        }
        put(g, "] { ");
        bind(g, t, false);
        g->vars[g->n_vars - 1].number = number;
    }
    statements(g, 1 + (int)below(g, 2), depth - 1);
    put(g, "} ");
    g->n_vars = mark;
    g->loops--;
}

/* A key of a row: ascends with the row whatever the variables are. Keys are numbers, alone or
 * before another one. */
static void key(struct gen *g, int t, int row, int depth)
{
    bool pair = g->types[t].kind == TUPLE;

    put(g, pair ? "((" : "(");
    expr(g, T_U8, depth - 1);
    put(g, ") %% 4u8 | %du8", 4 * row);
    if (pair) {
        put(g, ", (");
        expr(g, g->types[t].parts[1], depth - 1);
        put(g, ") %% 2%s)", g->types[g->types[t].parts[1]].name);
    }
}

/* Rows (key, rest), or keys alone. */
static void table(struct gen *g, int key_type, int rest, int rows, int depth)
{
    put(g, "[");
    for (int i = 0; i < rows; i++) {
        put(g, i == 0 ? "" : ", ");
        put(g, rest >= 0 ? "(" : "");
        key(g, key_type, i, depth);
        if (rest >= 0) {
            put(g, ", ");
            expr(g, rest, depth - 1);
            put(g, ")");
        }
    }
    put(g, "]");
}

/* A row of join(): rests below zero mean tables of keys alone, of which pairs are rows too. */
static int result_type(struct gen *g, int k, int a, int b)
{
    struct type row = {.kind = TUPLE, .parts = {T_BOOL, k}, .n_parts = 2};

    if (a < 0 && g->types[k].kind == TUPLE) {
        row = (struct type){.kind = TUPLE, .parts = {T_BOOL, k, k}, .n_parts = 3};
    } else if (a >= 0) {
        int r = add_type(g, (struct type){.kind = TUPLE, .parts = {k, a}, .n_parts = 2});
        int s = add_type(g, (struct type){.kind = TUPLE, .parts = {k, b}, .n_parts = 2});
        row = (struct type){.kind = TUPLE, .parts = {T_BOOL, r, s}, .n_parts = 3};
    }
    return add_type(g, row);
}

static void join_result(struct gen *g, int k, int a, int b, int rows, int ta, int tb)
{
    int row = result_type(g, k, a, b);
    int t = add_type(g, (struct type){.kind = ARRAY, .parts = {row}, .n_parts = rows});

    if (below(g, 2) != 0) {
        put(g, "; let v%d = join(t%d, t%d); ", g->next_var, ta, tb);
        bind(g, t, false);
    } else {
        put(g, "; let v%d = join(t%d, t%d)[%uusize]; ", g->next_var, ta, tb,
            below(g, (uint32_t)rows));
        bind(g, row, false);
    }
}

static void join(struct gen *g, int depth)
{
    int k = T_U8, a = any_type(g), b = any_type(g), mark = g->n_vars;
    int ta = g->next_var++, tb = g->next_var++;
    int n_a = 1 + (int)below(g, 4), n_b = 1 + (int)below(g, 4);

    if (g->loops >= 1) {
        return;
    }
    if (below(g, 3) == 0) {
        int second = T_U8 + (int)below(g, 5);
        k = add_type(g, (struct type){.kind = TUPLE, .parts = {T_U8, second}, .n_parts = 2});
    }
    bool result = below(g, 3) == 0;
    if (result && below(g, 2) != 0) {
        a = b = -1;
    }
    put(g, "let t%d = ", ta);
    table(g, k, a, n_a, depth);
    put(g, "; let t%d = ", tb);
    table(g, k, b, n_b, depth);
    if (result) {
        join_result(g, k, a, b, n_a + n_b - 1, ta, tb);
        return;
    }
    g->loops += 2;
    put(g, "; for ((v%d, v%d), (_, v%d)) in join_iter(t%d, t%d) { ", g->next_var, g->next_var + 1,
        g->next_var + 2, ta, tb);
    bind(g, k, false);
    bind(g, a, false);
    bind(g, b, false);
    statements(g, 1 + (int)below(g, 2), depth - 1);
    put(g, "} ");
    g->n_vars = mark;
    g->loops -= 2;
}

/* { statements } with variables of its own. */
static void body(struct gen *g, int depth)
{
    int mark = g->n_vars;

    put(g, "{ ");
    statements(g, 1 + (int)below(g, 3), depth - 1);
    put(g, "} ");
    g->n_vars = mark;
}

/* A new variable with the name, the type and the rights of one at hand. */
static void shadow(struct gen *g, int depth)
{
    if (g->n_vars > 0) {
        const struct variable v = g->vars[below(g, (uint32_t)g->n_vars)];
        put(g, v.mut ? "let mut v%d = " : "let v%d = ", v.number);
        expr(g, v.type, depth - 1);
        put(g, "; ");
    }
}

/* The names are there after the value. */
static void let_pattern(struct gen *g, int depth)
{
    struct variable names[64];
    int t = any_type(g), n = g->n_vars;

    put(g, "let ");
    pattern(g, t, true, 3);
    put(g, " = ");
    int after = g->n_vars;
    memcpy(names, g->vars, sizeof names);
    g->n_vars = n;
    expr(g, t, depth - 1);
    put(g, "; ");
    memcpy(g->vars, names, sizeof names);
    g->n_vars = after;
}

static void let(struct gen *g, int depth)
{
    int t = any_type(g), number = g->next_var++;
    bool mut = below(g, 2) != 0;

    put(g, mut ? "let mut v%d = " : "let v%d = ", number);
    expr(g, t, depth - 1);
    put(g, "; ");
    bind(g, t, mut);
    g->vars[g->n_vars - 1].number = number;
}

static void if_statement(struct gen *g, int depth)
{
    put(g, "if ");
    condition(g, 1);
    put(g, " ");
    body(g, depth);
    if (below(g, 2) != 0) {
        put(g, "else ");
        body(g, depth);
    }
}

static void match_statement(struct gen *g, int depth)
{
    put(g, "match (");
    expr(g, T_U8, 1);
    put(g, ") & 3u8 { 0 => ");
    body(g, depth);
    put(g, "1..=2 => ");
    body(g, depth);
    put(g, "_ => ");
    body(g, depth);
    put(g, "} ");
}

/* Assignments on the right of && and ||, and in an index. */
static void effects(struct gen *g, int depth)
{
    int t, number = g->next_var++;
    const struct variable *array = array_variable(g);
    put(g, "let v%d = ", number);
    if (array != NULL && below(g, 2) == 0) {
        int n = g->types[array->type].n_parts;
        t = g->types[array->type].parts[0];
        put(g, "v%d[{ ", array->number);
        if (array->mut) { /* reads what was there before */
            put(g, "v%d[0usize] = ", array->number);
            expr(g, t, 0);
            put(g, "; ");
        }
        assignment(g, depth);
        put(g, "(");
        expr(g, T_USIZE, 1);
        put(g, ") %% %dusize }]; ", n);
    } else {
        t = T_BOOL;
        condition(g, 1);
        put(g, below(g, 2) != 0 ? " && ({ " : " || ({ ");
        statements(g, 1 + (int)below(g, 2), depth - 1);
        expr(g, T_BOOL, 1);
        put(g, " }); ");
    }
    bind(g, t, false);
    g->vars[g->n_vars - 1].number = number;
}

static void statement(struct gen *g, int depth)
{
    int mark = g->n_vars;

    switch (below(g, 18)) {
    case 0:
    case 1:
        let(g, depth);
        break;
    case 16:
        shadow(g, depth);
        break;
    case 17:
        if (g->n_vars < 40) {
            let_pattern(g, depth);
        }
        break;
    case 2:
    case 3:
    case 4:
        if_statement(g, depth);
        break;
    case 5:
        loop(g, depth);
        break;
    case 6:
        if (g->n_types < 56) {
            join(g, depth);
        }
        break;
    case 7:
    case 8:
        match_statement(g, depth);
        break;
    case 9:
        effects(g, depth);
        g->n_vars = mark; /* what was bound inside is gone */
        break;
    default:
        assignment(g, depth);
    }
}

static void statements(struct gen *g, int n, int depth)
{
    for (int i = 0; i < n && depth > 0 && g->budget > 0; i++) {
        statement(g, depth);
    }
}

static void block(struct gen *g, int t, int depth)
{
    int mark = g->n_vars;

    put(g, "{ ");
    if (below(g, 2) != 0) {
        statements(g, 1 + (int)below(g, 2), depth);
    }
    expr(g, t, depth - 1);
    put(g, " }");
    g->n_vars = mark;
}

static void constants(struct gen *g)
{
    for (g->n_consts = 0; g->n_consts < 4; g->n_consts++) {
        int t = (int)below(g, N_SCALARS), n = g->n_consts;
        put(g, "const C%d: %s = ", n, t == T_BOOL ? "bool" : g->types[t].name);
        if (t != T_BOOL && below(g, 3) == 0) {
            put(g, below(g, 2) != 0 ? "max(" : "min(");
            literal(g, t);
            put(g, ", ");
            literal(g, t);
            put(g, ")");
        } else {
            literal(g, t);
        }
        put(g, ";\n");
        g->consts[n] = t;
    }
}

static void parameters(struct gen *g, struct function *f)
{
    for (int i = 0; i < f->n_params; i++) {
        bool mut = below(g, 3) == 0;
        f->params[i] = i == 0 ? (int)below(g, N_SCALARS) : any_type(g);
        put(g, "%s%sv%d: ", i == 0 ? "" : ", ", mut ? "mut " : "", g->next_var);
        bind(g, f->params[i], mut);
        put_type(g, f->params[i]);
    }
}

static void function(struct gen *g)
{
    struct function f = {.number = g->n_fns, .result = any_type(g)};

    g->n_vars = 0;
    g->budget = 40;
    f.n_params = 1 + (int)below(g, 3);
    put(g, "pub fn f%d(", f.number);
    parameters(g, &f);
    put(g, ") -> ");
    put_type(g, f.result);
    put(g, " { ");
    statements(g, 3, 3);
    expr(g, f.result, 3);
    put(g, " }\n");
    g->fns[g->n_fns++] = f;
}

/* Variables that everything else changes, and that are the result. */
static void entry(struct gen *g)
{
    struct function f = {.n_params = 2 + (int)below(g, 2)};
    struct type result = {.kind = TUPLE, .n_parts = 4};
    int first;

    g->n_vars = 0;
    g->budget = 160;
    for (int i = 0; i < 4; i++) {
        result.parts[i] = any_type(g);
    }
    for (int i = N_SCALARS; i < g->n_types; i++) { /* an array if there is one */
        result.parts[0] = g->types[i].kind == ARRAY ? i : result.parts[0];
    }
    put(g, "pub fn main(");
    parameters(g, &f);
    put(g, ") -> ");
    put_type(g, add_type(g, result));
    put(g, " { ");
    first = g->next_var;
    for (int i = 0; i < 4; i++) {
        put(g, "let mut v%d = ", first + i);
        g->next_var = first + 4;
        constructor(g, result.parts[i], 1);
        put(g, "; ");
    }
    for (int i = 0; i < 4; i++) {
        bind(g, result.parts[i], true);
        g->vars[g->n_vars - 1].number = first + i;
    }
    statements(g, 10, 4);
    put(g, "(v%d, v%d, v%d, v%d) }\n", first, first + 1, first + 2, first + 3);
}

size_t program_gen(uint64_t seed, bool safe, char *out, size_t cap)
{
    struct gen *g = calloc(1, sizeof *g);

    if (g == NULL) {
        abort();
    }
    g->state = seed * 2 + safe;
    g->out = out;
    g->cap = cap;
    g->safe = safe;
    make_types(g);
    constants(g);
    for (uint32_t i = below(g, 4); i > 0; i--) {
        function(g);
    }
    entry(g);
    size_t len = g->len;
    free(g);
    return len;
}
