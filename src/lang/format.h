/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The one way to lay programs out. */
#ifndef WHIST_LANG_FORMAT_H
#define WHIST_LANG_FORMAT_H

#include "lang/tree.h"

/*
 * Appends the program with spaces and indentation made uniform. Lines are broken where the author
 * broke them, as gofmt does; at most one empty line stays. Comments stay as they are. The tokens
 * are the same, and formatting again changes nothing. The unit must have no errors of scanner or
 * parser: WHIST_ERR_FORMAT otherwise; WHIST_ERR_NOMEM.
 */
WHIST_MUST_CHECK whist_status lang_format(struct lang_unit *unit, struct whist_buffer *out);

#endif
