/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "oracle.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* A value: one byte for each bit of its type, in the order of inputs and outputs. */
typedef uint8_t *value;
__extension__ typedef __int128 number;

struct chunk {
    struct chunk *next;
    _Alignas(16) uint8_t bytes[];
};

struct oracle {
    struct chunk *chunks; /* everything made so far */
    jmp_buf panicked;
    uint32_t site;
};

struct frame {
    value *locals; /* by slot */
};

static void *get(struct oracle *o, size_t len)
{
    struct chunk *c = calloc(1, sizeof *c + len + 1);

    if (c == NULL) {
        abort();
    }
    c->next = o->chunks;
    o->chunks = c;
    return c->bytes;
}

static value make(struct oracle *o, const struct lang_type *t)
{
    return get(o, (size_t)t->bits);
}

static value copy(struct oracle *o, const struct lang_type *t, const uint8_t *from)
{
    value v = make(o, t);
    memcpy(v, from, (size_t)t->bits);
    return v;
}

_Noreturn static void panic(struct oracle *o, uint32_t site)
{
    o->site = site;
    longjmp(o->panicked, 1);
}

/* ---- Numbers ---- */

static number number_of(const struct lang_type *t, const uint8_t *v)
{
    number n = 0;

    for (uint64_t i = 0; i < t->bits; i++) {
        n = n * 2 + v[i];
    }
    return lang_is_signed(t) && v[0] != 0 ? n - ((number)1 << t->bits) : n;
}

static value of_number(struct oracle *o, const struct lang_type *t, number n)
{
    value v = make(o, t);

    for (uint64_t i = t->bits; i-- > 0;) {
        v[i] = (uint8_t)(n & 1);
        n >>= 1; /* gcc and clang keep the sign */
    }
    return v;
}

static bool fits(const struct lang_type *t, number n)
{
    number half = (number)1 << (t->bits - 1);
    return lang_is_signed(t) ? n >= -half && n < half : n >= 0 && n < 2 * half;
}

static value checked(struct oracle *o, const struct lang_type *t, number n, uint32_t site)
{
    if (!fits(t, n)) {
        panic(o, site);
    }
    return of_number(o, t, n);
}

static value divide(struct oracle *o, const struct lang_type *t, number a, number b, bool rest,
                    uint32_t site)
{
    if (b == 0) {
        panic(o, site);
    }
    if (!fits(t, a / b)) {
        panic(o, site + 1);
    }
    return of_number(o, t, rest ? a % b : a / b);
}

static value operate(struct oracle *o, uint8_t op, const struct lang_type *t, number a, number b,
                     uint32_t site)
{
    switch (op) {
    case OP_ADD:
        return checked(o, t, a + b, site);
    case OP_SUB:
        return checked(o, t, a - b, site);
    case OP_MUL: { /* of unsigned numbers up to 2^128, which signed ones of 128 bits do not hold */
        number r;
        return __builtin_mul_overflow(a, b, &r) ? (panic(o, site), NULL) : checked(o, t, r, site);
    }
    case OP_DIV:
    case OP_REM:
        return divide(o, t, a, b, op == OP_REM, site);
    case OP_AND:
        return of_number(o, t, a & b);
    case OP_OR:
        return of_number(o, t, a | b);
    case OP_XOR:
        return of_number(o, t, a ^ b);
    case OP_SHL:
    case OP_SHR:
        if (b >= (number)t->bits) {
            panic(o, site);
        }
        return of_number(o, t, op == OP_SHL ? a * ((number)1 << b) : a >> b);
    default:
        abort();
    }
}

static value truth(struct oracle *o, bool b)
{
    value v = get(o, 1);
    v[0] = b;
    return v;
}

static bool compare(uint8_t op, number a, number b)
{
    switch (op) {
    case OP_LT:
        return a < b;
    case OP_GT:
        return a > b;
    case OP_LE:
        return a <= b;
    case OP_GE:
        return a >= b;
    default:
        abort();
    }
}

/* ---- Parts ---- */

/* Bits before a field of a struct: fields lie in byte order of their names. */
static size_t struct_offset(const struct lang_struct *s, uint32_t field)
{
    const struct lang_name *name = s->fields[field].name;
    size_t at = 0;

    for (uint32_t i = 0; i < s->n_fields; i++) {
        const struct lang_name *other = s->fields[i].name;
        int order =
            memcmp(other->text, name->text, other->len < name->len ? other->len : name->len);
        if (order < 0 || (order == 0 && other->len < name->len)) {
            at += (size_t)s->fields[i].type->bits;
        }
    }
    return at;
}

static size_t part_offset(const struct lang_type *t, uint32_t field)
{
    size_t at = 0;

    if (t->kind == TYPE_STRUCT) {
        return struct_offset(t->strct, field);
    }
    for (uint32_t i = 0; i < field; i++) {
        at += (size_t)t->parts[i]->bits;
    }
    return at;
}

static uint32_t tag_bits(const struct lang_enum *e)
{
    uint32_t bits = 0;

    while ((uint64_t)1 << bits < e->n_variants) {
        bits++;
    }
    return bits;
}

static uint32_t tag_of(const struct lang_enum *e, const uint8_t *v)
{
    uint32_t tag = 0;

    for (uint32_t i = 0; i < tag_bits(e); i++) {
        tag = tag * 2 + v[i];
    }
    return tag;
}

/* ---- Patterns ---- */

/* Binds the names whether or not it matches: what is bound in vain is not looked at. */
static bool match(struct oracle *o, struct frame *f, const struct lang_pattern *p, const uint8_t *v)
{
    bool all = true;

    switch (p->kind) {
    case PAT_BIND:
        f->locals[p->local->slot] = copy(o, p->type, v);
        return true;
    case PAT_BOOL:
        return v[0] == p->lo;
    case PAT_INT: {
        number n = number_of(p->type, v);
        bool s = lang_is_signed(p->type);
        return n >= (s ? (number)(int64_t)p->lo : (number)p->lo) &&
               n <= (s ? (number)(int64_t)p->hi : (number)p->hi);
    }
    case PAT_TUPLE:
    case PAT_STRUCT:
        for (uint32_t i = 0; i < p->n_subs; i++) {
            uint32_t field = p->kind == PAT_STRUCT ? p->fields[i] : i;
            all &= match(o, f, p->subs[i], v + part_offset(p->type, field));
        }
        return all;
    case PAT_VARIANT:
        if (tag_of(p->type->enm, v) != p->variant) {
            return false;
        }
        v += tag_bits(p->type->enm);
        for (uint32_t i = 0; i < p->n_subs; i++) {
            all &= match(o, f, p->subs[i], v);
            v += p->subs[i]->type->bits;
        }
        return all;
    }
    abort();
}

/* ---- Expressions ---- */

static value eval(struct oracle *o, struct frame *f, const struct lang_expr *e);
static value block(struct oracle *o, struct frame *f, const struct lang_block *b);

static value call(struct oracle *o, const struct lang_fn *fn, value *args)
{
    struct frame f = {get(o, fn->n_locals * sizeof *f.locals)};

    for (uint32_t i = 0; i < fn->n_params; i++) {
        f.locals[fn->params[i].local->slot] = args[i];
    }
    return block(o, &f, fn->body);
}

static value call_expr(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    value *args = get(o, e->n_items * sizeof *args);

    for (uint32_t i = 0; i < e->n_items; i++) {
        args[i] = eval(o, f, e->call.items[i]);
    }
    return call(o, e->call.fn, args);
}

/* Items of a tuple or array, or of a variant from bit `at` on. */
static value items(struct oracle *o, struct frame *f, const struct lang_expr *e,
                   struct lang_expr **list, value v, size_t at)
{
    for (uint32_t i = 0; i < e->n_items; i++) {
        memcpy(v + at, eval(o, f, list[i]), (size_t)list[i]->type->bits);
        at += (size_t)list[i]->type->bits;
    }
    return v;
}

static value variant(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    value v = make(o, e->type);
    uint32_t bits = tag_bits(e->type->enm);

    for (uint32_t i = 0; i < bits; i++) {
        v[i] = e->variant.variant >> (bits - 1 - i) & 1;
    }
    return items(o, f, e, e->variant.items, v, bits);
}

static value strct(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    value v = make(o, e->type);

    for (uint32_t i = 0; i < e->n_items; i++) {
        const struct lang_init *init = &e->strct.inits[i];
        memcpy(v + struct_offset(e->type->strct, init->field), eval(o, f, init->value),
               (size_t)init->value->type->bits);
    }
    return v;
}

static value repeat(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    value v = make(o, e->type);
    value one = eval(o, f, e->args[0]);
    size_t bits = (size_t)e->type->elem->bits;

    for (uint64_t i = 0; i < e->type->size->n; i++) {
        memcpy(v + i * bits, one, bits);
    }
    return v;
}

static value range(struct oracle *o, const struct lang_expr *e)
{
    value v = make(o, e->type);
    size_t bits = (size_t)e->type->elem->bits;

    for (uint64_t i = 0; i < e->type->size->n; i++) {
        number n = (number)e->num.bits + (number)i;
        memcpy(v + i * bits, of_number(o, e->type->elem, n), bits);
    }
    return v;
}

static value index_expr(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    const struct lang_type *array = e->args[0]->type;
    value v = eval(o, f, e->args[0]);
    number i = number_of(e->args[1]->type, eval(o, f, e->args[1]));

    if (i >= (number)array->size->n) {
        panic(o, e->site);
    }
    return copy(o, e->type, v + (size_t)i * (size_t)e->type->bits);
}

static value unary(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    value v = eval(o, f, e->args[0]);

    if (e->op == OP_NEG) {
        return checked(o, e->type, -number_of(e->type, v), e->site);
    }
    return of_number(o, e->type, ~number_of(e->type, v));
}

static value binary(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    const struct lang_type *t = e->args[0]->type;
    value a = eval(o, f, e->args[0]), b;

    if (e->op == OP_LAND || e->op == OP_LOR) {
        return (a[0] != 0) == (e->op == OP_LOR) ? a : eval(o, f, e->args[1]);
    }
    b = eval(o, f, e->args[1]);
    if (e->op == OP_EQ || e->op == OP_NE) {
        return truth(o, (memcmp(a, b, (size_t)t->bits) == 0) == (e->op == OP_EQ));
    }
    if (e->op >= OP_LT && e->op <= OP_GE) {
        return truth(o, compare(e->op, number_of(t, a), number_of(t, b)));
    }
    return operate(o, e->op, t, number_of(t, a), number_of(e->args[1]->type, b), e->site);
}

/* Puts rows of both tables with one key together, in ascending order: calls `row` for each pair. */
struct pairs {
    value a, b;
    const struct lang_type *row_a, *row_b;
    size_t key; /* bits */
    uint64_t n_a, n_b, i, k;
};

static struct pairs pairs_of(struct oracle *o, struct frame *f, const struct lang_expr *a,
                             const struct lang_expr *b, bool tuples)
{
    struct pairs p = {.row_a = a->type->elem, .row_b = b->type->elem};

    p.a = eval(o, f, a);
    p.b = eval(o, f, b);
    p.n_a = a->type->size->n;
    p.n_b = b->type->size->n;
    p.key = (size_t)(tuples ? p.row_a->parts[0]->bits : p.row_a->bits);
    return p;
}

static bool next_pair(struct pairs *p, const uint8_t **a_out, const uint8_t **b_out)
{
    while (p->i < p->n_a && p->k < p->n_b) {
        const uint8_t *a = p->a + p->i * p->row_a->bits, *b = p->b + p->k * p->row_b->bits;
        int order = memcmp(a, b, p->key);
        p->i += order <= 0;
        p->k += order >= 0;
        if (order == 0) {
            *a_out = a;
            *b_out = b;
            return true;
        }
    }
    return false;
}

static value join(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    struct pairs p = pairs_of(o, f, e->args[0], e->args[1], e->join_tuples), again = p;
    const uint8_t *a, *b;
    uint64_t n = 0;
    value v = make(o, e->type);
    size_t row = (size_t)e->type->elem->bits;

    while (next_pair(&p, &a, &b)) {
        n++;
    }
    for (uint8_t *at = v + (e->type->size->n - n) * row; next_pair(&again, &a, &b); at += row) {
        at[0] = 1;
        memcpy(at + 1, a, (size_t)p.row_a->bits);
        if (e->join_tuples) {
            memcpy(at + 1 + p.row_a->bits, b, (size_t)p.row_b->bits);
        }
    }
    return v;
}

static value branch(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    if (eval(o, f, e->branch.cond)[0] != 0) {
        return block(o, f, e->branch.then_block);
    }
    return e->branch.else_expr != NULL ? eval(o, f, e->branch.else_expr) : make(o, e->type);
}

static value arms(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    value v = eval(o, f, e->match.value);

    for (uint32_t i = 0; i < e->n_items; i++) {
        if (match(o, f, e->match.arms[i].pattern, v)) {
            return eval(o, f, e->match.arms[i].body);
        }
    }
    abort(); /* matches are exhaustive */
}

static value eval(struct oracle *o, struct frame *f, const struct lang_expr *e)
{
    switch (e->kind) {
    case EXPR_BOOL:
    case EXPR_INT:
        return of_number(o, e->type, (number)e->num.bits);
    case EXPR_CONST:
        return of_number(o, e->type, (number)e->ref->bits);
    case EXPR_LOCAL:
        return copy(o, e->type, f->locals[e->local->slot]);
    case EXPR_TUPLE:
    case EXPR_ARRAY:
        return items(o, f, e, e->items, make(o, e->type), 0);
    case EXPR_REPEAT:
        return repeat(o, f, e);
    case EXPR_RANGE:
        return range(o, e);
    case EXPR_STRUCT:
        return strct(o, f, e);
    case EXPR_VARIANT:
        return variant(o, f, e);
    case EXPR_INDEX:
        return index_expr(o, f, e);
    case EXPR_FIELD:
        return copy(o, e->type, eval(o, f, e->args[0]) + part_offset(e->args[0]->type, e->field));
    case EXPR_UNARY:
        return unary(o, f, e);
    case EXPR_BINARY:
        return binary(o, f, e);
    case EXPR_CAST:
        return of_number(o, e->type, number_of(e->args[0]->type, eval(o, f, e->args[0])));
    case EXPR_CALL:
        return call_expr(o, f, e);
    case EXPR_JOIN:
        return join(o, f, e);
    case EXPR_IF:
        return branch(o, f, e);
    case EXPR_MATCH:
        return arms(o, f, e);
    case EXPR_BLOCK:
        return block(o, f, e->block);
    default:
        abort();
    }
}

/* ---- Statements ---- */

/* The bits of the place in its variable; the bounds are checked in order. */
static uint8_t *place(struct oracle *o, struct frame *f, const struct lang_place *p,
                      const number *indices)
{
    const struct lang_type *t = p->local->type;
    uint8_t *at = f->locals[p->local->slot];

    for (uint32_t i = 0; i < p->n_steps; i++) {
        const struct lang_step *s = &p->steps[i];
        if (s->index == NULL) {
            at += part_offset(t, s->field);
        } else if (indices[i] >= (number)t->size->n) {
            panic(o, s->site);
        } else {
            at += (size_t)indices[i] * (size_t)t->elem->bits;
        }
        t = s->type;
    }
    return at;
}

/* Indices, then the value, then the bounds; with an operator the bounds and the old value first. */
static void assign(struct oracle *o, struct frame *f, const struct lang_stmt *s)
{
    const struct lang_place *p = s->place;
    number *indices = get(o, p->n_steps * sizeof *indices), old = 0;
    value v;

    for (uint32_t i = 0; i < p->n_steps; i++) {
        if (p->steps[i].index != NULL) {
            indices[i] = number_of(p->steps[i].index->type, eval(o, f, p->steps[i].index));
        }
    }
    if (s->op != OP_NONE) {
        old = number_of(p->type, place(o, f, p, indices));
    }
    v = eval(o, f, s->value);
    if (s->op != OP_NONE) {
        v = operate(o, (uint8_t)s->op, p->type, old, number_of(s->value->type, v), s->site);
    }
    memcpy(place(o, f, p, indices), v, (size_t)p->type->bits);
}

static void loop(struct oracle *o, struct frame *f, const struct lang_stmt *s)
{
    value v = eval(o, f, s->value);
    const struct lang_type *t = s->value->type;

    for (uint64_t i = 0; i < t->size->n; i++) {
        match(o, f, s->pattern, v + i * t->elem->bits);
        block(o, f, s->body);
    }
}

static void loop_join(struct oracle *o, struct frame *f, const struct lang_stmt *s)
{
    struct pairs p = pairs_of(o, f, s->value, s->other, true);
    const uint8_t *a, *b;

    while (next_pair(&p, &a, &b)) {
        value v = make(o, s->pattern->type);
        memcpy(v, a, (size_t)p.row_a->bits);
        memcpy(v + p.row_a->bits, b, (size_t)p.row_b->bits);
        match(o, f, s->pattern, v);
        block(o, f, s->body);
    }
}

static value block(struct oracle *o, struct frame *f, const struct lang_block *b)
{
    value last = NULL;

    for (uint32_t i = 0; i < b->n_stmts; i++) {
        const struct lang_stmt *s = b->stmts[i];
        last = NULL;
        switch (s->kind) {
        case STMT_LET:
            match(o, f, s->pattern, eval(o, f, s->value));
            break;
        case STMT_FOR:
            loop(o, f, s);
            break;
        case STMT_FOR_JOIN:
            loop_join(o, f, s);
            break;
        case STMT_ASSIGN:
            assign(o, f, s);
            break;
        case STMT_EXPR:
            last = eval(o, f, s->value);
            break;
        }
    }
    return last != NULL ? last : get(o, 0);
}

static void walk(struct oracle *o, uint8_t *bits_out, const struct lang_fn *fn,
                 const uint8_t *params)
{
    value *args = get(o, fn->n_params * sizeof *args);

    for (uint32_t i = 0; i < fn->n_params; i++) {
        args[i] = copy(o, fn->params[i].local->type, params);
        params += fn->params[i].local->type->bits;
    }
    memcpy(bits_out, call(o, fn, args), (size_t)fn->result->bits);
}

uint32_t oracle_run(uint8_t *bits_out, const struct lang_fn *fn, const uint8_t *params)
{
    struct oracle *o = calloc(1, sizeof *o);
    uint32_t site;

    if (o == NULL) {
        abort();
    }
    o->site = LANG_NO_SITE;
    memset(bits_out, 0, (size_t)fn->result->bits);
    if (setjmp(o->panicked) == 0) {
        walk(o, bits_out, fn, params);
    }
    site = o->site;
    while (o->chunks != NULL) {
        struct chunk *c = o->chunks;
        o->chunks = c->next;
        free(c);
    }
    free(o);
    return site;
}
