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
    struct type types[48];
    int n_types;
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

static void literal(struct gen *g, int t)
{
    const struct type *y = &g->types[t];

    if (y->kind == BOOL) {
        put(g, below(g, 2) != 0 ? "true" : "false");
        return;
    }
    unsigned bits = y->width < 31 ? y->width - (y->is_signed ? 1 : 0) : 30;
    uint32_t v = below(g, below(g, 2) != 0 ? 8 : (uint32_t)1 << bits);
    if (y->is_signed && below(g, 3) == 0) {
        put(g, "-%u%s", v == 0 ? 1 : v, y->name);
    } else {
        put(g, "%u%s", v, y->name);
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
    case 1: /* a shift in range */
        put(g, "((");
        expr(g, t, depth - 1);
        put(g, below(g, 2) != 0 ? ") << " : ") >> ");
        if (below(g, 2) != 0) {
            put(g, "%uu8)", below(g, y->width));
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

static void match_int(struct gen *g, int of, int t, int depth)
{
    int mark = g->n_vars;
    const struct type *y = &g->types[of];
    uint32_t lo = below(g, 5), hi = lo + below(g, 9);

    put(g, "%u..=%u", lo, hi);
    arm(g, t, depth, mark);
    if (y->is_signed) {
        put(g, "-3..=%u", lo + 1);
    } else {
        put(g, "%u", hi + 1);
    }
    arm(g, t, depth, mark);
    int v = bind(g, of, false);
    put(g, "v%d", v);
    arm(g, t, depth, mark);
}

static void match_enum(struct gen *g, int of, int t, int depth)
{
    const struct type *y = &g->types[of];

    for (int v = 0; v < y->n_parts; v++) {
        int mark = g->n_vars;
        put(g, "E%d::V%d", y->number, v);
        if (y->parts[v] >= 0 && g->types[y->parts[v]].kind == BOOL && below(g, 2) != 0) {
            put(g, "(true)");
            arm(g, t, depth, mark);
            put(g, "E%d::V%d(_)", y->number, v);
        } else if (y->parts[v] >= 0) {
            put(g, "(v%d)", bind(g, y->parts[v], false));
        }
        arm(g, t, depth, mark);
    }
}

static void match_other(struct gen *g, int of, int t, int depth)
{
    int mark = g->n_vars;
    const struct type *y = &g->types[of];

    if (y->kind == TUPLE && g->types[y->parts[0]].kind == INT) {
        put(g, "(%u", below(g, 4));
        for (int i = 1; i < y->n_parts; i++) {
            put(g, ", v%d", bind(g, y->parts[i], false));
        }
        put(g, ")");
        arm(g, t, depth, mark);
    } else if (y->kind == STRUCT && g->types[y->parts[0]].kind == BOOL) {
        put(g, "S%d { z0: %s, .. }", y->number, below(g, 2) != 0 ? "true" : "false");
        arm(g, t, depth, mark);
    }
    put(g, "_");
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
    if (y->kind == BOOL) {
        put(g, "true");
        arm(g, t, depth, mark);
        put(g, "false");
        arm(g, t, depth, mark);
    } else if (y->kind == INT) {
        match_int(g, of, t, depth);
    } else if (y->kind == ENUM) {
        match_enum(g, of, t, depth);
    } else {
        match_other(g, of, t, depth);
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

static void leaf(struct gen *g, int t)
{
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
        int t = g->types[array->type].parts[0];
        put(g, "for v%d in v%d { ", g->next_var, array->number);
        bind(g, t, false);
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

/* Tables whose keys ascend whatever the variables are. */
static void table(struct gen *g, int rest, int rows, int depth)
{
    put(g, "[");
    for (int i = 0; i < rows; i++) {
        put(g, i == 0 ? "((" : ", ((");
        expr(g, T_U8, depth - 1);
        put(g, ") %% 4u8 | %du8, ", 4 * i);
        expr(g, rest, depth - 1);
        put(g, ")");
    }
    put(g, "]");
}

static void join(struct gen *g, int depth)
{
    int a = (int)below(g, N_SCALARS), b = (int)below(g, N_SCALARS), mark = g->n_vars;
    int ta = g->next_var++, tb = g->next_var++, n_a = 1 + (int)below(g, 4),
        n_b = 1 + (int)below(g, 4);

    if (g->loops >= 1) {
        return;
    }
    put(g, "let t%d = ", ta);
    table(g, a, n_a, depth);
    put(g, "; let t%d = ", tb);
    table(g, b, n_b, depth);
    if (below(g, 3) == 0) {
        int r = add_type(g, (struct type){.kind = TUPLE, .parts = {T_U8, a}, .n_parts = 2});
        int s = add_type(g, (struct type){.kind = TUPLE, .parts = {T_U8, b}, .n_parts = 2});
        int row = add_type(g, (struct type){.kind = TUPLE, .parts = {T_BOOL, r, s}, .n_parts = 3});
        int v = bind(g, row, false);
        put(g, "; let j%d = join(t%d, t%d); let v%d = j%d[%uusize]; ", v, ta, tb, v, v,
            below(g, (uint32_t)(n_a + n_b - 1)));
        return;
    }
    g->loops += 2;
    put(g, "; for ((v%d, v%d), (_, v%d)) in join_iter(t%d, t%d) { ", g->next_var, g->next_var + 1,
        g->next_var + 2, ta, tb);
    bind(g, T_U8, false);
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

    switch (below(g, 16)) {
    case 0:
    case 1:
        let(g, depth);
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
        if (g->n_types < 44) {
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
    for (uint32_t i = below(g, 4); i > 0; i--) {
        function(g);
    }
    entry(g);
    size_t len = g->len;
    free(g);
    return len;
}
