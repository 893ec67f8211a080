/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Types of operators and conversions. */
#include "lang/check_flow.h"

static const char *op_text(lang_op op)
{
    static const char *const texts[] = {
        [OP_NONE] = "=", [OP_ADD] = "+",   [OP_SUB] = "-",  [OP_MUL] = "*", [OP_DIV] = "/",
        [OP_REM] = "%",  [OP_AND] = "&",   [OP_XOR] = "^",  [OP_OR] = "|",  [OP_SHL] = "<<",
        [OP_SHR] = ">>", [OP_LAND] = "&&", [OP_LOR] = "||", [OP_EQ] = "==", [OP_NE] = "!=",
        [OP_LT] = "<",   [OP_GT] = ">",    [OP_LE] = "<=",  [OP_GE] = ">=", [OP_NOT] = "!",
        [OP_NEG] = "-",
    };

    return texts[op];
}

static bool is_bool_or_number(struct checker *c, const struct lang_type *t)
{
    return infer_is_number(c, t) || infer_prune(c, t)->kind == TYPE_BOOL;
}

/* An operand that must be a number, or a number or bool; false after an error. */
static bool operand(struct checker *c, lang_op op, struct lang_span span, const struct lang_type *t,
                    bool bools)
{
    struct lang_diag *d;

    if (bools ? is_bool_or_number(c, t) : infer_is_number(c, t)) {
        return true;
    }
    d = lang_report(c->u, bools ? DIAG_ExpectedBoolOrNumberType : DIAG_ExpectedNumberType, span,
                    "`%s` works on numbers%s, not on %s", op_text(op), bools ? " and bool" : "",
                    check_text(c, t));
    lang_diag_label(c->u, d, "this is %s", check_text(c, t));
    return false;
}

/* A negative number beside an unsigned operand: said at once, so that both are shown. */
static bool negative_beside(const struct lang_expr *literal, const struct lang_type *other)
{
    return literal != NULL && literal->kind == EXPR_INT && literal->num.negative &&
           literal->num.suffix == 0 && lang_is_integer(other) && !lang_is_signed(other);
}

struct side {
    const struct lang_type *type;
    struct lang_span span;
    bool negative; /* a negative number without suffix */
};

static void mismatch(struct checker *c, lang_op op, struct lang_span span, const struct side *s)
{
    const char *text[2];
    struct lang_diag *d;

    for (int i = 0; i < 2; i++) {
        text[i] = s[i].negative ? "a negative number" : check_text(c, s[i].type);
    }
    d = lang_report(c->u, DIAG_TypeMismatch, span,
                    "the sides of `%s` have different types, %s and %s", op_text(op), text[0],
                    text[1]);
    lang_diag_also(c->u, d, s[0].span, "this is %s", text[0]);
    lang_diag_also(c->u, d, s[1].span, "this is %s", text[1]);
    if (lang_is_integer(infer_prune(c, s[0].type)) && lang_is_integer(infer_prune(c, s[1].type))) {
        lang_diag_help(c->u, d, "convert one of them: `as %s`", text[0]);
    }
}

const struct lang_type *check_operator(struct checker *c, lang_op op, struct lang_span span,
                                       struct lang_expr *left, const struct lang_type *left_type,
                                       struct lang_span left_span, struct lang_expr *right)
{
    const struct lang_type *boolean = front_scalar(c->f, TYPE_BOOL);
    bool any = op == OP_EQ || op == OP_NE || op == OP_NONE;
    bool bools = op == OP_AND || op == OP_OR || op == OP_XOR;
    const struct lang_type *l = infer_prune(c, left_type), *r;

    if (op == OP_SHL || op == OP_SHR) {
        struct why why = {left_span, "amounts of shifts are u8"};
        bool good = operand(c, op, left_span, l, false);
        check_expect(c, right, front_scalar(c->f, TYPE_U8), &why);
        return good ? l : c->u->error_type;
    }
    check_expr(c, right, NULL, NULL);
    r = infer_prune(c, right->type);
    if (negative_beside(left, r) || negative_beside(right, l) || !infer_unify(c, l, r)) {
        if (!l->bad && !r->bad) {
            struct side sides[2] = {
                {l, left_span, negative_beside(left, r)},
                {r, right->span, negative_beside(right, l)},
            };
            mismatch(c, op, span, sides);
        }
        right->type = r->kind == TYPE_VAR ? c->u->error_type : r;
        if (left != NULL && l->kind == TYPE_VAR) {
            left->type = c->u->error_type;
        }
        return op >= OP_EQ ? boolean : c->u->error_type;
    }
    if (!any && !operand(c, op, left_span, l, bools)) {
        return op >= OP_EQ ? boolean : c->u->error_type;
    }
    return op >= OP_EQ ? boolean : l;
}

void check_binary(struct checker *c, struct lang_expr *e)
{
    struct why why = {{0, 0}, NULL};
    lang_op op = (lang_op)e->op;

    if (op == OP_LAND || op == OP_LOR) {
        e->type = front_scalar(c->f, TYPE_BOOL);
        check_expect(c, e->args[0], e->type, &why);
        check_expect(c, e->args[1], e->type, &why);
        return;
    }
    check_expr(c, e->args[0], NULL, NULL);
    e->type =
        check_operator(c, op, e->span, e->args[0], e->args[0]->type, e->args[0]->span, e->args[1]);
}

void check_unary(struct checker *c, struct lang_expr *e)
{
    struct lang_expr *arg = e->args[0];
    const struct lang_type *t;
    struct lang_diag *d;

    check_expr(c, arg, NULL, NULL);
    t = infer_prune(c, arg->type);
    e->type = t;
    if (e->op == OP_NOT) {
        if (!operand(c, OP_NOT, arg->span, t, true)) {
            e->type = c->u->error_type;
        }
    } else if (!infer_is_number(c, t) || (lang_is_integer(t) && !lang_is_signed(t))) {
        d = lang_report(c->u, DIAG_ExpectedSignedNumberType, e->span,
                        "only signed numbers can be negated, not %s", check_text(c, t));
        lang_diag_label(c->u, d, "this is %s", check_text(c, t));
        e->type = c->u->error_type;
    }
}

/* A number of which nothing is known but that it is converted, and too large for i32, is taken as
 * it stands: `5000000000 as u64`. */
static void widen_literal(struct checker *c, const struct lang_expr *e)
{
    bool open = e->kind == EXPR_INT && infer_prune(c, e->type)->kind == TYPE_VAR;

    if (open && e->num.bits > lang_max_magnitude(TYPE_I32, e->num.negative)) {
        bool fits = e->num.bits <= lang_max_magnitude(TYPE_I64, e->num.negative);
        infer_unify(c, e->type, front_scalar(c->f, fits ? TYPE_I64 : TYPE_U64));
    }
}

void check_cast(struct checker *c, struct lang_expr *e)
{
    struct lang_expr *arg = e->args[0];
    struct lang_diag *d;

    check_expr(c, arg, NULL, NULL);
    widen_literal(c, arg);
    e->type = check_typeref(c, e->given);
    if (!is_bool_or_number(c, arg->type)) {
        d = lang_report(c->u, DIAG_ExpectedBoolOrNumberType, arg->span,
                        "only numbers and bool can be converted, not %s", check_text(c, arg->type));
        lang_diag_label(c->u, d, "this is %s", check_text(c, arg->type));
    }
    if (e->type->kind != TYPE_BOOL && !lang_is_integer(e->type) && e->type->kind != TYPE_ERROR) {
        d = lang_report(c->u, DIAG_ExpectedBoolOrNumberType, e->given->span,
                        "values can be converted to numbers and bool, not to %s",
                        check_text(c, e->type));
        lang_diag_label(c->u, d, "expected bool or an integer type");
        e->type = c->u->error_type;
    }
}
