/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Source text to tokens, one at a time. */
#include "lang/front.h"

/* All tokens but names and numbers. The longest that fits is taken, so longer ones come first among
 * those that begin alike. */
static const struct {
    const char *text;
    token_kind kind;
} marks[] = {
    {"<<=", TOK_SHL_ASSIGN},
    {">>=", TOK_SHR_ASSIGN},
    {"..=", TOK_DOT_DOT_EQ},
    {"+=", TOK_PLUS_ASSIGN},
    {"-=", TOK_MINUS_ASSIGN},
    {"*=", TOK_STAR_ASSIGN},
    {"/=", TOK_SLASH_ASSIGN},
    {"%=", TOK_PERCENT_ASSIGN},
    {"&=", TOK_AMP_ASSIGN},
    {"|=", TOK_BAR_ASSIGN},
    {"^=", TOK_CARET_ASSIGN},
    {"&&", TOK_AND_AND},
    {"||", TOK_OR_OR},
    {"==", TOK_EQ_EQ},
    {"!=", TOK_NE},
    {"<=", TOK_LE},
    {">=", TOK_GE},
    {"<<", TOK_SHL},
    {">>", TOK_SHR},
    {"=>", TOK_FAT_ARROW},
    {"->", TOK_ARROW},
    {"::", TOK_COLON_COLON},
    {"..", TOK_DOT_DOT},
    {"+", TOK_PLUS},
    {"-", TOK_MINUS},
    {"*", TOK_STAR},
    {"/", TOK_SLASH},
    {"%", TOK_PERCENT},
    {"&", TOK_AMP},
    {"|", TOK_BAR},
    {"^", TOK_CARET},
    {"!", TOK_BANG},
    {"<", TOK_LT},
    {">", TOK_GT},
    {"=", TOK_ASSIGN},
    {".", TOK_DOT},
    {",", TOK_COMMA},
    {";", TOK_SEMI},
    {":", TOK_COLON},
    {"(", TOK_PAREN_OPEN},
    {")", TOK_PAREN_CLOSE},
    {"[", TOK_BRACKET_OPEN},
    {"]", TOK_BRACKET_CLOSE},
    {"{", TOK_BRACE_OPEN},
    {"}", TOK_BRACE_CLOSE},
};

static const struct {
    const char *text;
    token_kind kind;
} keywords[] = {
    {"const", TOK_CONST}, {"struct", TOK_STRUCT}, {"enum", TOK_ENUM}, {"fn", TOK_FN},
    {"let", TOK_LET},     {"if", TOK_IF},         {"else", TOK_ELSE}, {"match", TOK_MATCH},
    {"mut", TOK_MUT},     {"as", TOK_AS},         {"pub", TOK_PUB},   {"for", TOK_FOR},
    {"in", TOK_IN},
};

/* In order of lang_type_kind. */
static const struct {
    const char *name;
    uint64_t max, min; /* magnitudes */
} scalars[] = {
    {"bool", 1, 0},
    {"u8", UINT8_MAX, 0},
    {"u16", UINT16_MAX, 0},
    {"u32", UINT32_MAX, 0},
    {"u64", UINT64_MAX, 0},
    {"usize", UINT32_MAX, 0},
    {"i8", INT8_MAX, (uint64_t)1 << 7},
    {"i16", INT16_MAX, (uint64_t)1 << 15},
    {"i32", INT32_MAX, (uint64_t)1 << 31},
    {"i64", INT64_MAX, (uint64_t)1 << 63},
};

int lang_integer_named(const char *text, size_t len)
{
    for (int k = TYPE_U8; k <= TYPE_I64; k++) {
        if (strlen(scalars[k].name) == len && memcmp(scalars[k].name, text, len) == 0) {
            return k;
        }
    }
    return -1;
}

const char *lang_scalar_name(lang_type_kind kind)
{
    return scalars[kind].name;
}

uint64_t lang_max_magnitude(lang_type_kind kind, bool negative)
{
    return negative ? scalars[kind].min : scalars[kind].max;
}

const char *token_text(token_kind kind)
{
    static const char *const words[] = {
        [TOK_END] = "the end of the program",
        [TOK_BAD] = "an unknown character",
        [TOK_ID] = "a name",
        [TOK_NUM] = "a number",
        [TOK_CONST] = "`const`",
        [TOK_STRUCT] = "`struct`",
        [TOK_ENUM] = "`enum`",
        [TOK_FN] = "`fn`",
        [TOK_LET] = "`let`",
        [TOK_IF] = "`if`",
        [TOK_ELSE] = "`else`",
        [TOK_MATCH] = "`match`",
        [TOK_MUT] = "`mut`",
        [TOK_AS] = "`as`",
        [TOK_PUB] = "`pub`",
        [TOK_FOR] = "`for`",
        [TOK_IN] = "`in`",
        [TOK_PLUS] = "`+`",
        [TOK_MINUS] = "`-`",
        [TOK_STAR] = "`*`",
        [TOK_SLASH] = "`/`",
        [TOK_PERCENT] = "`%`",
        [TOK_AMP] = "`&`",
        [TOK_BAR] = "`|`",
        [TOK_CARET] = "`^`",
        [TOK_BANG] = "`!`",
        [TOK_AND_AND] = "`&&`",
        [TOK_OR_OR] = "`||`",
        [TOK_EQ_EQ] = "`==`",
        [TOK_NE] = "`!=`",
        [TOK_LT] = "`<`",
        [TOK_GT] = "`>`",
        [TOK_LE] = "`<=`",
        [TOK_GE] = "`>=`",
        [TOK_SHL] = "`<<`",
        [TOK_SHR] = "`>>`",
        [TOK_ASSIGN] = "`=`",
        [TOK_PLUS_ASSIGN] = "`+=`",
        [TOK_MINUS_ASSIGN] = "`-=`",
        [TOK_STAR_ASSIGN] = "`*=`",
        [TOK_SLASH_ASSIGN] = "`/=`",
        [TOK_PERCENT_ASSIGN] = "`%=`",
        [TOK_AMP_ASSIGN] = "`&=`",
        [TOK_BAR_ASSIGN] = "`|=`",
        [TOK_CARET_ASSIGN] = "`^=`",
        [TOK_SHL_ASSIGN] = "`<<=`",
        [TOK_SHR_ASSIGN] = "`>>=`",
        [TOK_DOT] = "`.`",
        [TOK_DOT_DOT] = "`..`",
        [TOK_DOT_DOT_EQ] = "`..=`",
        [TOK_COMMA] = "`,`",
        [TOK_SEMI] = "`;`",
        [TOK_COLON] = "`:`",
        [TOK_COLON_COLON] = "`::`",
        [TOK_ARROW] = "`->`",
        [TOK_FAT_ARROW] = "`=>`",
        [TOK_PAREN_OPEN] = "`(`",
        [TOK_PAREN_CLOSE] = "`)`",
        [TOK_BRACKET_OPEN] = "`[`",
        [TOK_BRACKET_CLOSE] = "`]`",
        [TOK_BRACE_OPEN] = "`{`",
        [TOK_BRACE_CLOSE] = "`}`",
    };

    return words[kind];
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Skips a block comment that begins at s->at; comments nest. */
static void skip_block_comment(struct scanner *s)
{
    const struct lang_unit *u = s->f->unit;
    struct lang_span opening = {s->at, s->at + 2};
    uint32_t depth = 1;

    s->at += 2;
    while (s->at < u->len && depth > 0) {
        const char *c = u->source + s->at;
        bool pair = s->at + 1 < u->len;

        if (pair && c[0] == '/' && c[1] == '*') {
            depth++;
            s->at += 2;
        } else if (pair && c[0] == '*' && c[1] == '/') {
            depth--;
            s->at += 2;
        } else {
            s->at++;
        }
    }
    s->cut = depth > 0;
    if (s->cut) {
        struct lang_diag *d =
            lang_report(s->f->unit, DIAG_UnterminatedComment, opening, "this comment never ends");
        lang_diag_label(s->f->unit, d, "begins here");
        lang_diag_help(s->f->unit, d, "comments nest: every `/*` needs its `*/`");
    }
}

static void skip_space(struct scanner *s)
{
    const struct lang_unit *u = s->f->unit;

    while (s->at < u->len) {
        char c = u->source[s->at], next = s->at + 1 < u->len ? u->source[s->at + 1] : '\0';

        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            s->at++;
        } else if (c == '/' && next == '/') {
            while (s->at < u->len && u->source[s->at] != '\n') {
                s->at++;
            }
        } else if (c == '/' && next == '*') {
            skip_block_comment(s);
        } else {
            return;
        }
    }
}

/* Digits and what is glued to them. Whether it fits its suffix depends on a sign before it, so the
 * parser says so. */
static void scan_number(struct scanner *s, struct token *t)
{
    const struct lang_unit *u = s->f->unit;
    uint32_t suffix;
    int type;

    t->kind = TOK_NUM;
    for (; s->at < u->len && is_digit(u->source[s->at]); s->at++) {
        uint64_t digit = (uint64_t)(u->source[s->at] - '0');

        if (t->value > (UINT64_MAX - digit) / 10) {
            t->number = NUM_HUGE;
        } else {
            t->value = t->value * 10 + digit;
        }
    }
    suffix = s->at;
    while (s->at < u->len && is_word(u->source[s->at])) {
        s->at++;
    }
    if (s->at == suffix) {
        return;
    }
    type = lang_integer_named(u->source + suffix, s->at - suffix);
    if (type < 0) {
        t->number = NUM_SUFFIX;
    } else {
        t->suffix = (uint8_t)(type + 1);
    }
}

static void scan_word(struct scanner *s, struct token *t)
{
    const struct lang_unit *u = s->f->unit;
    uint32_t from = s->at;

    while (s->at < u->len && is_word(u->source[s->at])) {
        s->at++;
    }
    t->kind = TOK_ID;
    t->name = front_name(s->f, u->source + from, s->at - from);
    for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++) {
        if (lang_name_is(t->name, keywords[i].text)) {
            t->kind = keywords[i].kind;
        }
    }
}

static bool scan_mark(struct scanner *s, struct token *t)
{
    const struct lang_unit *u = s->f->unit;

    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        size_t len = strlen(marks[i].text);

        if (len <= u->len - s->at && memcmp(u->source + s->at, marks[i].text, len) == 0) {
            t->kind = marks[i].kind;
            s->at += (uint32_t)len;
            return true;
        }
    }
    return false;
}

/* Skips what looks like a string or a character up to its end on the same line, if there is one. */
static void skip_quoted(struct scanner *s, char quote)
{
    const struct lang_unit *u = s->f->unit;

    for (uint32_t at = s->at; at < u->len && u->source[at] != '\n'; at++) {
        if (u->source[at] == quote) {
            s->at = at + 1;
            return;
        }
    }
}

/* Says what is wrong with a character that begins no token, and skips it with all like it. */
static void bad_character(struct scanner *s, struct token *t)
{
    struct lang_unit *u = s->f->unit;
    uint8_t c = (uint8_t)u->source[s->at];
    struct lang_diag *d;
    struct lang_span span = {s->at, s->at + 1};

    t->kind = TOK_BAD;
    if (c >= 0x80) {
        while (s->at < u->len && (uint8_t)u->source[s->at] >= 0x80) {
            s->at++;
        }
        span.to = s->at;
        d = lang_report(u, DIAG_UnexpectedCharacter, span, "programs are written in ASCII");
        lang_diag_label(u, d, "not ASCII");
        lang_diag_help(u, d, "%s",
                       span.from == 0 && span.to >= 3 && memcmp(u->source, "\xef\xbb\xbf", 3) == 0
                           ? "the file begins with a byte order mark: save it without"
                           : "other letters may stand in comments only");
        return;
    }
    s->at++;
    if (c < 0x20 || c == 0x7f) {
        d = lang_report(u, DIAG_UnexpectedCharacter, span, "unexpected character with code %u", c);
    } else {
        d = lang_report(u, DIAG_UnexpectedCharacter, span, "unexpected character `%c`", c);
    }
    lang_diag_label(u, d, "no token begins so");
    if (c == '"' || c == '\'') {
        skip_quoted(s, (char)c);
        lang_diag_help(u, d, "there are no strings and no characters, only numbers: [u8; N]");
    }
}

struct token scan_token(struct scanner *s)
{
    const struct lang_unit *u = s->f->unit;
    struct token t = {TOK_END, {0, 0}, NULL, 0, 0, NUM_GOOD};

    skip_space(s);
    t.span.from = s->at;
    if (s->at < u->len) {
        char c = u->source[s->at];

        if (is_digit(c)) {
            scan_number(s, &t);
        } else if (is_word(c)) {
            scan_word(s, &t);
        } else if (!scan_mark(s, &t)) {
            bad_character(s, &t);
        }
    }
    t.span.to = s->at;
    return t;
}
