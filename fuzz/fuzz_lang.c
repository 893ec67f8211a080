/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Source text: whatever it is, it is checked with bounded depth and memory, diagnostics lie within
 * it and can be rendered, and a program without errors has a complete typed tree. */
#include <string.h>

#include "fuzz.h"
#include "lang/diag.h"
#include "lang/format.h"

static void check_expr(const struct lang_unit *u, const struct lang_fn *fn,
                       const struct lang_expr *e);
static void check_block(const struct lang_unit *u, const struct lang_fn *fn,
                        const struct lang_block *b);

static void check_span(const struct lang_unit *u, struct lang_span s)
{
    HOLDS(s.from <= s.to && s.to <= u->len);
}

static void check_type(const struct lang_type *t)
{
    HOLDS(t != NULL && !t->open && !t->bad && t->kind != TYPE_VAR && t->kind != TYPE_ERROR);
}

static void check_local(const struct lang_fn *fn, const struct lang_local *local)
{
    HOLDS(local != NULL && local->slot < fn->n_locals && fn->locals[local->slot] == local);
    check_type(local->type);
}

static void check_site(const struct lang_unit *u, uint32_t site, lang_reason reason)
{
    HOLDS(site < u->n_sites && u->sites[site].reason == reason);
    check_span(u, u->sites[site].span);
}

static void check_operator(const struct lang_unit *u, lang_op op, uint32_t site,
                           const struct lang_type *t)
{
    switch (op) {
    case OP_ADD:
    case OP_SUB:
    case OP_MUL:
    case OP_SHL:
    case OP_SHR:
    case OP_NEG:
        check_site(u, site, LANG_OVERFLOW);
        break;
    case OP_DIV:
    case OP_REM:
        check_site(u, site, LANG_DIV_BY_ZERO);
        if (lang_is_signed(t)) {
            check_site(u, site + 1, LANG_OVERFLOW);
        }
        break;
    default:
        HOLDS(site == LANG_NO_SITE);
    }
}

/* The number, two's complement in 64 bits, is one of the type. */
static void check_number(const struct lang_type *t, uint64_t bits)
{
    uint32_t w = lang_width(t);

    HOLDS(lang_is_integer(t));
    if (w < 64 && lang_is_signed(t)) {
        HOLDS((int64_t)bits >= -((int64_t)1 << (w - 1)) && (int64_t)bits < (int64_t)1 << (w - 1));
    } else if (w < 64) {
        HOLDS(bits >> w == 0);
    }
}

static void check_pattern(const struct lang_unit *u, const struct lang_fn *fn,
                          const struct lang_pattern *p)
{
    check_span(u, p->span);
    check_type(p->type);
    HOLDS(p->height <= LANG_MAX_HEIGHT);
    if (p->kind == PAT_BIND) {
        check_local(fn, p->local);
        HOLDS(p->local->type == p->type);
    } else if (p->kind == PAT_INT) {
        check_number(p->type, p->lo);
        check_number(p->type, p->hi);
    } else if (p->kind == PAT_VARIANT) {
        HOLDS(p->variant < p->type->enm->n_variants);
        HOLDS(p->n_subs == p->type->enm->variants[p->variant].n_fields);
    } else if (p->kind == PAT_TUPLE) {
        HOLDS(p->n_subs == p->type->n_parts);
    }
    for (uint32_t i = 0; i < p->n_subs; i++) {
        HOLDS(p->kind != PAT_STRUCT || p->fields[i] < p->type->strct->n_fields);
        check_pattern(u, fn, p->subs[i]);
    }
}

static void check_items(const struct lang_unit *u, const struct lang_fn *fn,
                        struct lang_expr *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        check_expr(u, fn, items[i]);
    }
}

static void check_access(const struct lang_type *of, uint32_t field, const struct lang_type *t)
{
    if (of->kind == TYPE_STRUCT) {
        HOLDS(field < of->strct->n_fields && of->strct->fields[field].type == t);
    } else {
        HOLDS(of->kind == TYPE_TUPLE && field < of->n_parts && of->parts[field] == t);
    }
}

static void check_args(const struct lang_unit *u, const struct lang_fn *fn,
                       const struct lang_expr *e)
{
    const struct lang_type *a = e->args[0]->type;

    check_expr(u, fn, e->args[0]);
    switch ((lang_expr_kind)e->kind) {
    case EXPR_INDEX:
        check_expr(u, fn, e->args[1]);
        HOLDS(a->kind == TYPE_ARRAY && a->elem == e->type);
        HOLDS(e->args[1]->type->kind == TYPE_USIZE);
        check_site(u, e->site, LANG_OUT_OF_BOUNDS);
        break;
    case EXPR_BINARY:
        check_expr(u, fn, e->args[1]);
        HOLDS(e->op == OP_SHL || e->op == OP_SHR ? e->args[1]->type->kind == TYPE_U8
                                                 : a == e->args[1]->type);
        check_operator(u, (lang_op)e->op, e->site, a);
        break;
    case EXPR_UNARY:
        HOLDS(a == e->type);
        check_operator(u, (lang_op)e->op, e->site, a);
        break;
    case EXPR_JOIN:
        check_expr(u, fn, e->args[1]);
        HOLDS(e->type->elem->n_parts == (e->join_tuples ? 3 : 2));
        break;
    case EXPR_FIELD:
        check_access(a, e->field, e->type);
        break;
    case EXPR_REPEAT:
        HOLDS(e->type->elem == a);
        break;
    default:
        HOLDS(a->kind == TYPE_BOOL || lang_is_integer(a));
    }
}

static void check_if(const struct lang_unit *u, const struct lang_fn *fn, const struct lang_expr *e)
{
    check_expr(u, fn, e->branch.cond);
    HOLDS(e->branch.cond->type->kind == TYPE_BOOL);
    check_block(u, fn, e->branch.then_block);
    HOLDS(e->branch.then_block->type == e->type);
    if (e->branch.else_expr != NULL) {
        check_expr(u, fn, e->branch.else_expr);
        HOLDS(e->branch.else_expr->type == e->type);
    } else {
        HOLDS(lang_is_unit(e->type));
    }
}

static void check_match(const struct lang_unit *u, const struct lang_fn *fn,
                        const struct lang_expr *e)
{
    check_expr(u, fn, e->match.value);
    for (uint32_t i = 0; i < e->n_items; i++) {
        check_pattern(u, fn, e->match.arms[i].pattern);
        HOLDS(e->match.arms[i].pattern->type == e->match.value->type);
        check_expr(u, fn, e->match.arms[i].body);
        HOLDS(e->match.arms[i].body->type == e->type);
    }
}

static void check_struct(const struct lang_unit *u, const struct lang_fn *fn,
                         const struct lang_expr *e)
{
    HOLDS(e->n_items == e->type->strct->n_fields);
    for (uint32_t i = 0; i < e->n_items; i++) {
        const struct lang_init *init = &e->strct.inits[i];

        check_expr(u, fn, init->value);
        HOLDS(init->field < e->n_items);
        HOLDS(e->type->strct->fields[init->field].type == init->value->type);
    }
}

static void check_expr(const struct lang_unit *u, const struct lang_fn *fn,
                       const struct lang_expr *e)
{
    check_span(u, e->span);
    check_type(e->type);
    HOLDS(e->height <= LANG_MAX_HEIGHT);
    switch ((lang_expr_kind)e->kind) {
    case EXPR_BOOL:
        HOLDS(e->type->kind == TYPE_BOOL && e->num.bits <= 1);
        break;
    case EXPR_INT:
        check_number(e->type, e->num.bits);
        break;
    case EXPR_RANGE:
        HOLDS(e->num.bits < e->num.to && e->type->size->n == e->num.to - e->num.bits);
        check_number(e->type->elem, e->num.to - 1);
        break;
    case EXPR_CONST:
        HOLDS(e->ref->type == e->type);
        break;
    case EXPR_LOCAL:
        check_local(fn, e->local);
        HOLDS(e->local->type == e->type);
        break;
    case EXPR_TUPLE:
        HOLDS(e->n_items == e->type->n_parts);
        check_items(u, fn, e->items, e->n_items);
        break;
    case EXPR_ARRAY:
        HOLDS(e->n_items == e->type->size->n);
        check_items(u, fn, e->items, e->n_items);
        break;
    case EXPR_STRUCT:
        check_struct(u, fn, e);
        break;
    case EXPR_VARIANT:
        HOLDS(e->n_items == e->type->enm->variants[e->variant.variant].n_fields);
        check_items(u, fn, e->variant.items, e->n_items);
        break;
    case EXPR_CALL:
        HOLDS(e->n_items == e->call.fn->n_params && e->call.fn->result == e->type);
        HOLDS(e->call.fn->depth < fn->depth);
        check_items(u, fn, e->call.items, e->n_items);
        break;
    case EXPR_IF:
        check_if(u, fn, e);
        break;
    case EXPR_MATCH:
        check_match(u, fn, e);
        break;
    case EXPR_BLOCK:
        check_block(u, fn, e->block);
        HOLDS(e->block->type == e->type);
        break;
    default:
        check_args(u, fn, e);
    }
}

static void check_assign(const struct lang_unit *u, const struct lang_fn *fn,
                         const struct lang_stmt *s)
{
    const struct lang_place *p = s->place;
    const struct lang_type *t = p->local->type;

    check_local(fn, p->local);
    HOLDS(p->local->mut);
    for (uint32_t i = 0; i < p->n_steps; i++) {
        if (p->steps[i].index != NULL) {
            check_expr(u, fn, p->steps[i].index);
            check_site(u, p->steps[i].site, LANG_OUT_OF_BOUNDS);
            HOLDS(t->kind == TYPE_ARRAY && t->elem == p->steps[i].type);
        } else {
            check_access(t, p->steps[i].field, p->steps[i].type);
        }
        t = p->steps[i].type;
    }
    HOLDS(t == p->type);
    check_operator(u, s->op, s->site, t);
}

static void check_block(const struct lang_unit *u, const struct lang_fn *fn,
                        const struct lang_block *b)
{
    check_span(u, b->span);
    check_type(b->type);
    for (uint32_t i = 0; i < b->n_stmts; i++) {
        const struct lang_stmt *s = b->stmts[i];

        check_expr(u, fn, s->value);
        if (s->other != NULL) {
            check_expr(u, fn, s->other);
        }
        if (s->pattern != NULL) {
            check_pattern(u, fn, s->pattern);
            HOLDS(s->pattern->irrefutable);
        }
        if (s->body != NULL) {
            check_block(u, fn, s->body);
        }
        if (s->kind == STMT_ASSIGN) {
            check_assign(u, fn, s);
        }
    }
}

static void check_tree(const struct lang_unit *u)
{
    for (uint32_t i = 0; i < u->n_fns; i++) {
        const struct lang_fn *fn = u->fns[i];

        for (uint32_t k = 0; k < fn->n_locals; k++) {
            check_local(fn, fn->locals[k]);
        }
        check_block(u, fn, fn->body);
        HOLDS(fn->body->type == fn->result);
    }
}

static void check_diagnostics(struct lang_unit *u)
{
    struct whist_buffer text = {0};

    for (const struct lang_diag *d = lang_diag_first(u); d != NULL; d = d->next) {
        if (d->has_place) {
            check_span(u, d->span);
        }
        for (uint32_t i = 0; i < d->n_more; i++) {
            check_span(u, d->more[i].span);
        }
        HOLDS(d->text[0] != '\0');
    }
    HOLDS(lang_diags_text(u, true, &text) == WHIST_OK);
    whist_buffer_clear(&text);
}

/* Formatting gives the same program, and then nothing new. */
static void check_format(struct lang_unit *u, size_t n_errors)
{
    struct lang_limits limits = {.max_memory = (size_t)64 << 20};
    struct whist_buffer once = {0}, twice = {0};
    struct lang_unit *v;
    whist_status st;

    if (lang_format(u, &once) != WHIST_OK) {
        return;
    }
    st = lang_check(&v, "fuzz", whist_buffer_view(&once), &limits);
    HOLDS(v != NULL && (st == WHIST_OK || st == WHIST_ERR_FORMAT));
    HOLDS(lang_n_errors(v) == n_errors && v->n_sites == u->n_sites && v->n_types == u->n_types);
    HOLDS(lang_format(v, &twice) == WHIST_OK);
    HOLDS(once.len == twice.len);
    HOLDS(once.len == 0 || memcmp(once.data, twice.data, once.len) == 0);
    lang_unit_free(v);
    whist_buffer_clear(&once);
    whist_buffer_clear(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lang_limits limits = {.max_memory = (size_t)64 << 20};
    struct lang_unit *u;
    whist_status st = lang_check(&u, "fuzz", whist_bytes(data, size), &limits);

    HOLDS(u != NULL);
    HOLDS((st == WHIST_OK) == (lang_n_errors(u) == 0));
    HOLDS(st == WHIST_OK || st == WHIST_ERR_FORMAT);
    check_diagnostics(u);
    check_format(u, lang_n_errors(u));
    if (st == WHIST_OK) {
        check_tree(u);
        st = lang_bind(u, NULL, 0);
        HOLDS(st == WHIST_OK || st == WHIST_ERR_FORMAT);
        check_diagnostics(u);
    }
    lang_unit_free(u);
    return 0;
}

#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
/* Mutations of whole tokens: most changes of single bytes end in the scanner or the parser. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static bool is_word(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* The word, or the one character, that byte `at` belongs to. */
static struct lang_span token_at(const uint8_t *data, size_t size, size_t at)
{
    size_t from = at, to = at + 1;

    if (is_word(data[at])) {
        while (from > 0 && is_word(data[from - 1])) {
            from--;
        }
        while (to < size && is_word(data[to])) {
            to++;
        }
    }
    return (struct lang_span){(uint32_t)from, (uint32_t)to};
}

static uint32_t draw(uint64_t *state, size_t n)
{
    *state = *state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((*state >> 33) % n);
}

/* Puts len bytes in place of a span; the new size, or the old one if there is no room. */
static size_t splice(uint8_t *data, size_t size, size_t max_size, struct lang_span at,
                     const void *text, size_t len)
{
    size_t rest = size - at.to;

    if (at.from + len + rest > max_size) {
        return size;
    }
    memmove(data + at.from + len, data + at.to, rest);
    memcpy(data + at.from, text, len);
    return at.from + len + rest;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
    static const char *const words[] = {
        "join", "join_iter", "match", "if",   "else", "for", "in",  "let", "mut", "as", "const",
        "u8",   "i8",        "usize", "bool", "_",    "0",   "255", "..",  "..=", "::", "=>",
        "true", "{",         "}",     "(",    ")",    "[",   "]",   ",",   ";",   "-",  "!",
        "x",    "main",      "+=",    "<<",   "&&",   "==",  "&",   "*",   "/",   "%",  "=",
    };
    uint64_t state = seed;
    struct lang_span a, b;
    uint8_t copy[64];
    size_t len;

    if (size == 0 || size > 100000 || draw(&state, 4) == 0) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    a = token_at(data, size, draw(&state, size));
    b = token_at(data, size, draw(&state, size));
    len = b.to - b.from < sizeof(copy) ? b.to - b.from : sizeof(copy);
    memcpy(copy, data + b.from, len);
    switch (draw(&state, 4)) {
    case 0: /* leave a token out */
        return splice(data, size, max_size, a, "", 0);
    case 1: /* one in place of another */
        return splice(data, size, max_size, a, copy, len);
    case 2: /* one more */
        a.to = a.from;
        return splice(data, size, max_size, a, copy, len);
    default: {
        const char *word = words[draw(&state, sizeof(words) / sizeof(words[0]))];
        return splice(data, size, max_size, a, word, strlen(word));
    }
    }
}
#endif
