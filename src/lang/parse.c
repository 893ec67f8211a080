/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Tokens to definitions: consts, structs, enums, functions. The grammar stands above the functions;
 * {} repeats, [] is optional, list(x) is separated by commas and may end in one. */
#include "lang/parse.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- Tokens ---- */

void parse_next(struct parser *p)
{
    p->last_to = p->tok.span.to;
    if (p->quiet) {
        return;
    }
    if (p->has_ahead) {
        p->tok = p->ahead;
        p->has_ahead = false;
    } else {
        p->tok = scan_token(&p->scan);
    }
}

const struct token *parse_peek(struct parser *p)
{
    if (!p->has_ahead) {
        p->ahead = p->quiet ? p->tok : scan_token(&p->scan);
        p->has_ahead = true;
    }
    return &p->ahead;
}

bool parse_accept(struct parser *p, token_kind kind)
{
    if (p->tok.kind != kind) {
        return false;
    }
    parse_next(p);
    return true;
}

bool parse_at_definition(struct parser *p)
{
    switch (p->tok.kind) {
    case TOK_STRUCT:
    case TOK_ENUM:
    case TOK_FN:
    case TOK_PUB:
        return true;
    case TOK_CONST: /* const { is a size */
        return parse_peek(p)->kind != TOK_BRACE_OPEN;
    default:
        return false;
    }
}

static bool is_end(const struct parser *p, const token_kind *ends)
{
    for (; *ends != TOK_END; ends++) {
        if (p->tok.kind == *ends) {
            return true;
        }
    }
    return false;
}

/* Whether the token after a `}` belongs to what the brace stands in. */
static bool goes_on(const struct parser *p)
{
    return parse_at(p, TOK_PAREN_CLOSE) || parse_at(p, TOK_BRACKET_CLOSE) ||
           parse_at(p, TOK_COMMA) || parse_at(p, TOK_DOT) || parse_at(p, TOK_ELSE) ||
           parse_at(p, TOK_AS);
}

void parse_skip_to(struct parser *p, const token_kind *ends)
{
    uint32_t open = 0;

    while (!parse_at(p, TOK_END) && !parse_at_definition(p)) {
        if (open == 0 && (is_end(p, ends) || parse_at(p, TOK_BRACE_CLOSE))) {
            return;
        }
        if (parse_at(p, TOK_BRACE_OPEN)) {
            open++;
        } else if (parse_at(p, TOK_BRACE_CLOSE) && --open == 0) {
            parse_next(p);
            if (!goes_on(p)) {
                return;
            }
            continue;
        }
        parse_next(p);
    }
}

/* ---- Errors ---- */

struct lang_diag *parse_error(struct parser *p, lang_diag_kind kind, const char *fmt, ...)
{
    static struct lang_diag nowhere;
    char text[300];
    va_list args;

    if (p->quiet || parse_at(p, TOK_BAD) || (parse_at(p, TOK_END) && p->scan.cut)) {
        return &nowhere;
    }
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return lang_report(p->f->unit, kind, p->tok.span, "%s", text);
}

bool parse_expect(struct parser *p, token_kind kind, const char *after)
{
    struct lang_diag *d;

    if (parse_accept(p, kind)) {
        return true;
    }
    d = parse_error(p, DIAG_Expected, "expected %s %s, found %s", token_text(kind), after,
                    token_text(p->tok.kind));
    lang_diag_label(p->f->unit, d, "expected %s", token_text(kind));
    return false;
}

static void too_deep(struct parser *p, struct lang_span span)
{
    if (!p->quiet) {
        struct lang_diag *d =
            lang_report(p->f->unit, DIAG_NestedTooDeeply, span, "this is nested too deeply");
        lang_diag_help(p->f->unit, d,
                       "at most %d levels and %d operators in a row are accepted; use variables or "
                       "loops",
                       LANG_MAX_DEPTH, LANG_MAX_HEIGHT);
    }
    p->quiet = true;
    p->has_ahead = false;
    p->tok.kind = TOK_END;
}

bool parse_enter(struct parser *p)
{
    if (p->depth >= LANG_MAX_DEPTH) {
        too_deep(p, p->tok.span);
        return false;
    }
    p->depth++;
    return true;
}

uint16_t parse_height(struct parser *p, struct lang_span span, unsigned a, unsigned b)
{
    unsigned h = 1 + (a > b ? a : b);

    if (h > LANG_MAX_HEIGHT) {
        too_deep(p, span);
        return 0;
    }
    return (uint16_t)h;
}

const struct lang_name *parse_name(struct parser *p, const char *what, struct lang_span *span_out)
{
    const struct lang_name *name = p->tok.name;
    struct lang_diag *d;

    *span_out = p->tok.span;
    if (parse_accept(p, TOK_ID)) {
        return name;
    }
    d = parse_error(p, DIAG_ExpectedIdentifier, "expected the name of %s, found %s", what,
                    token_text(p->tok.kind));
    if (p->tok.name != NULL && !parse_at_definition(p)) {
        lang_diag_help(p->f->unit, d, "%s is a keyword and cannot be a name",
                       token_text(p->tok.kind));
    }
    return NULL;
}

static void bad_number(struct parser *p, struct lang_span span, bool negative)
{
    struct lang_unit *u = p->f->unit;
    int len = (int)(span.to - span.from > 40 ? 40 : span.to - span.from);
    const char *text = u->source + span.from;
    lang_type_kind type = p->tok.suffix > 0 ? (lang_type_kind)(p->tok.suffix - 1) : TYPE_BOOL;
    bool is_signed = negative && (type == TYPE_BOOL || type >= TYPE_I8);
    lang_diag_kind kind = is_signed ? DIAG_InvalidSignedNum : DIAG_InvalidUnsignedNum;
    struct lang_diag *d;

    if (p->tok.number == NUM_SUFFIX) {
        d = lang_report(u, kind, span, "`%.*s` is not a number", len, text);
        lang_diag_help(u, d,
                       "numbers are decimal digits, which may be followed by one of u8, u16, u32, "
                       "u64, usize, i8, i16, i32, i64");
    } else if (p->tok.suffix == 0) {
        d = lang_report(u, kind, span, "`%.*s` does not fit any type", len, text);
        lang_diag_help(u, d, "numbers reach from -9223372036854775808 to 18446744073709551615");
    } else {
        d = lang_report(u, kind, span, "`%.*s` is out of range", len, text);
        lang_diag_help(u, d, "%s holds %s%llu to %llu", lang_scalar_name(type),
                       type >= TYPE_I8 ? "-" : "",
                       (unsigned long long)lang_max_magnitude(type, true),
                       (unsigned long long)lang_max_magnitude(type, false));
    }
}

void parse_number(struct parser *p, bool negative, uint32_t from, uint64_t *value_out,
                  uint8_t *suffix_out)
{
    struct lang_span span = {from, p->tok.span.to};
    uint64_t max = negative ? (uint64_t)1 << 63 : UINT64_MAX;

    *value_out = p->tok.value;
    *suffix_out = p->tok.suffix;
    if (p->tok.suffix > 0) {
        max = lang_max_magnitude((lang_type_kind)(p->tok.suffix - 1), negative);
    }
    if (p->tok.number != NUM_GOOD || p->tok.value > max) {
        bad_number(p, span, negative);
        *value_out = 0;
    }
    parse_next(p);
}

/* ---- Definitions ---- */

/* const = "const" ID ":" type "=" cexpr ";" */
static struct lang_const *parse_const(struct parser *p)
{
    struct lang_const *c = front_alloc(p->f, sizeof(*c));

    parse_next(p);
    if ((c->name = parse_name(p, "a const", &c->span)) == NULL ||
        !parse_expect(p, TOK_COLON, "after the name of the const") ||
        (c->given = parse_type(p)) == NULL ||
        !parse_expect(p, TOK_ASSIGN, "after the type of the const") ||
        (c->value = parse_cexpr(p)) == NULL ||
        !parse_expect(p, TOK_SEMI, "after the value of the const")) {
        return NULL;
    }
    return c;
}

/* struct = "struct" ID "{" [list(ID ":" type)] "}" */
static struct lang_struct *parse_struct(struct parser *p)
{
    struct lang_struct *s = front_alloc(p->f, sizeof(*s));
    size_t mark;
    struct lang_field **fields;

    parse_next(p);
    if ((s->name = parse_name(p, "a struct", &s->span)) == NULL ||
        !parse_expect(p, TOK_BRACE_OPEN, "after the name of the struct")) {
        return NULL;
    }
    mark = front_mark(p->f);
    while (!parse_at(p, TOK_BRACE_CLOSE)) {
        struct lang_field *field = front_alloc(p->f, sizeof(*field));

        if ((field->name = parse_name(p, "a field", &field->span)) == NULL ||
            !parse_expect(p, TOK_COLON, "after the name of the field") ||
            (field->given = parse_type(p)) == NULL) {
            return NULL;
        }
        front_push(p->f, field);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    fields = front_take(p->f, mark, &s->n_fields);
    s->fields = front_array(p->f, s->n_fields, sizeof(*s->fields));
    for (uint32_t i = 0; i < s->n_fields; i++) {
        s->fields[i] = *fields[i];
    }
    return parse_expect(p, TOK_BRACE_CLOSE, "after the fields") ? s : NULL;
}

/* variant = ID ["(" [list(type)] ")"]; the first type must not begin with ( or [ */
static struct lang_variant *parse_variant(struct parser *p)
{
    struct lang_variant *v = front_alloc(p->f, sizeof(*v));
    size_t mark;

    if ((v->name = parse_name(p, "a variant", &v->span)) == NULL) {
        return NULL;
    }
    if (!parse_accept(p, TOK_PAREN_OPEN)) {
        return v;
    }
    v->tuple = true;
    if (parse_at(p, TOK_PAREN_OPEN) || parse_at(p, TOK_BRACKET_OPEN)) {
        struct lang_diag *d = parse_error(
            p, DIAG_Expected, "expected a name: the first field of a variant cannot begin with %s",
            token_text(p->tok.kind));
        lang_diag_help(p->f->unit, d, "put the %s into a struct, or another field before it",
                       parse_at(p, TOK_PAREN_OPEN) ? "tuple" : "array");
        return NULL;
    }
    mark = front_mark(p->f);
    while (!parse_at(p, TOK_PAREN_CLOSE)) {
        struct lang_typeref *t = parse_type(p);
        if (t == NULL) {
            return NULL;
        }
        front_push(p->f, t);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    v->given = front_take(p->f, mark, &v->n_fields);
    return parse_expect(p, TOK_PAREN_CLOSE, "after the fields") ? v : NULL;
}

/* enum = "enum" ID "{" list(variant) "}" */
static struct lang_enum *parse_enum(struct parser *p)
{
    struct lang_enum *e = front_alloc(p->f, sizeof(*e));
    struct lang_variant **variants;
    size_t mark;

    parse_next(p);
    if ((e->name = parse_name(p, "an enum", &e->span)) == NULL ||
        !parse_expect(p, TOK_BRACE_OPEN, "after the name of the enum")) {
        return NULL;
    }
    mark = front_mark(p->f);
    do {
        struct lang_variant *v = parse_variant(p);
        if (v == NULL) {
            return NULL;
        }
        front_push(p->f, v);
    } while (parse_accept(p, TOK_COMMA) && !parse_at(p, TOK_BRACE_CLOSE));
    variants = front_take(p->f, mark, &e->n_variants);
    e->variants = front_array(p->f, e->n_variants, sizeof(*e->variants));
    for (uint32_t i = 0; i < e->n_variants; i++) {
        e->variants[i] = *variants[i];
    }
    return parse_expect(p, TOK_BRACE_CLOSE, "after the variants") ? e : NULL;
}

/* "(" [list(["mut"] ID ":" type)] ")" */
static bool parse_params(struct parser *p, struct lang_fn *fn)
{
    struct lang_param **params;
    size_t mark = front_mark(p->f);

    if (!parse_expect(p, TOK_PAREN_OPEN, "after the name of the function")) {
        return false;
    }
    while (!parse_at(p, TOK_PAREN_CLOSE)) {
        struct lang_param *param = front_alloc(p->f, sizeof(*param));

        param->mut = parse_accept(p, TOK_MUT);
        if ((param->name = parse_name(p, "a parameter", &param->span)) == NULL ||
            !parse_expect(p, TOK_COLON, "after the name of the parameter") ||
            (param->given = parse_type(p)) == NULL) {
            return false;
        }
        front_push(p->f, param);
        if (!parse_accept(p, TOK_COMMA)) {
            break;
        }
    }
    params = front_take(p->f, mark, &fn->n_params);
    fn->params = front_array(p->f, fn->n_params, sizeof(*fn->params));
    for (uint32_t i = 0; i < fn->n_params; i++) {
        fn->params[i] = *params[i];
    }
    return parse_expect(p, TOK_PAREN_CLOSE, "after the parameters");
}

/* fn = "fn" ID params "->" type block */
static struct lang_fn *parse_fn(struct parser *p, bool pub)
{
    struct lang_fn *fn = front_alloc(p->f, sizeof(*fn));

    fn->pub = pub;
    parse_next(p);
    if ((fn->name = parse_name(p, "a function", &fn->span)) == NULL || !parse_params(p, fn) ||
        !parse_expect(p, TOK_ARROW, "and the type of the result after the parameters") ||
        (fn->given = parse_type(p)) == NULL ||
        (fn->body = parse_block(p, "to begin the function")) == NULL) {
        return NULL;
    }
    return fn;
}

static void bad_definition(struct parser *p)
{
    static const struct {
        const char *word, *help;
    } hints[] = {
        {"use", "there are no imports: a program is one file"},
        {"mod", "there are no modules: a program is one file"},
        {"impl", "there are no methods: write functions"},
        {"trait", "there are no traits"},
        {"type", "there are no aliases of types: write a struct"},
        {"static", "write `const`"},
        {"async", "there are no asynchronous functions"},
    };
    struct lang_unit *u = p->f->unit;
    struct lang_diag *d = parse_error(p, DIAG_InvalidTopLevelDef,
                                      "expected `const`, `struct`, `enum` or `fn`, found %s",
                                      token_text(p->tok.kind));

    if (parse_at(p, TOK_LET)) {
        lang_diag_help(u, d, "`let` stands inside functions; outside of them write `const`");
    }
    for (size_t i = 0; parse_at(p, TOK_ID) && i < sizeof(hints) / sizeof(hints[0]); i++) {
        if (lang_name_is(p->tok.name, hints[i].word)) {
            lang_diag_help(u, d, "%s", hints[i].help);
        }
    }
}

struct definitions {
    size_t n[4]; /* of each kind so far */
    void **list[4];
    size_t cap[4];
};

static void add_definition(struct front *f, struct definitions *d, int kind, void *item)
{
    if (d->n[kind] == d->cap[kind]) {
        size_t cap = d->cap[kind] == 0 ? 16 : d->cap[kind] * 2;
        void **list = front_array(f, cap, sizeof(*list));

        if (d->n[kind] > 0) {
            memcpy(list, d->list[kind], d->n[kind] * sizeof(*list));
        }
        d->list[kind] = list;
        d->cap[kind] = cap;
    }
    d->list[kind][d->n[kind]++] = item;
}

/* One definition; false after an error. */
static bool parse_definition(struct parser *p, struct definitions *defs)
{
    bool pub = parse_accept(p, TOK_PUB);
    void *item;
    int kind;

    switch (p->tok.kind) {
    case TOK_CONST:
        kind = 0;
        item = parse_const(p);
        break;
    case TOK_STRUCT:
        kind = 1;
        item = parse_struct(p);
        break;
    case TOK_ENUM:
        kind = 2;
        item = parse_enum(p);
        break;
    case TOK_FN:
        kind = 3;
        item = parse_fn(p, pub);
        break;
    default:
        bad_definition(p);
        parse_next(p);
        return false;
    }
    if (item != NULL) {
        add_definition(p->f, defs, kind, item);
    }
    return item != NULL;
}

/* program = {["pub"] (const | struct | enum | fn)} */
void front_parse(struct front *f)
{
    struct parser p = {.f = f, .scan = {f, 0, false}};
    struct definitions defs = {{0}, {NULL}, {0}};
    static const token_kind none[] = {TOK_END};
    struct lang_unit *u = f->unit;

    parse_next(&p);
    while (!parse_at(&p, TOK_END)) {
        if (parse_definition(&p, &defs)) {
            continue;
        }
        f->n_stack = 0;
        p.depth = 0;
        do { /* a `}` here closes nothing, a `;` ends nothing */
            parse_skip_to(&p, none);
        } while (parse_accept(&p, TOK_BRACE_CLOSE) || parse_accept(&p, TOK_SEMI));
    }
    u->consts = (struct lang_const **)defs.list[0];
    u->n_consts = (uint32_t)defs.n[0];
    u->structs = (struct lang_struct **)defs.list[1];
    u->n_structs = (uint32_t)defs.n[1];
    u->enums = (struct lang_enum **)defs.list[2];
    u->n_enums = (uint32_t)defs.n[2];
    u->fns = (struct lang_fn **)defs.list[3];
    u->n_fns = (uint32_t)defs.n[3];
}
