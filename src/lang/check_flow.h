/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the files about expressions share. */
#ifndef WHIST_LANG_CHECK_FLOW_H
#define WHIST_LANG_CHECK_FLOW_H

#include "lang/check.h"

/* check_operator.c */
void check_binary(struct checker *c, struct lang_expr *e);
void check_unary(struct checker *c, struct lang_expr *e);
void check_cast(struct checker *c, struct lang_expr *e);

/* check_call.c */
/* "did you mean": of the variables and consts in sight, or of the functions. */
void check_suggest_value(struct checker *c, struct lang_diag *d, const struct lang_name *name,
                         bool fns);
void check_name(struct checker *c, struct lang_expr *e);
void check_call(struct checker *c, struct lang_expr *e);

/* check_flow.c */
void check_if(struct checker *c, struct lang_expr *e, const struct lang_type *want,
              const struct why *why);
void check_match(struct checker *c, struct lang_expr *e, const struct lang_type *want,
                 const struct why *why);

/* check_expr.c */
/* The number of the field; n_fields if there is none of that name. */
uint32_t check_find_field(const struct lang_struct *s, const struct lang_name *name);
void check_unknown_field(struct checker *c, const struct lang_struct *s, struct lang_span span,
                         const struct lang_name *name);
void check_missing_fields(struct checker *c, const struct lang_struct *s, struct lang_span span,
                          const bool *given, bool pattern);
/* NULL after an error. */
struct lang_enum *check_enum_named(struct checker *c, const struct lang_name *name,
                                   struct lang_span span);
/* The variant with n fields in parentheses, or without parentheses; NULL after an error. */
const struct lang_variant *check_variant(struct checker *c, const struct lang_enum *enm,
                                         const struct lang_name *name, struct lang_span span,
                                         bool tuple, uint32_t n, uint32_t *number_out);

#endif
