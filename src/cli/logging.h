/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* --log LEVEL[=FILE], and progress bars. */
#ifndef WHIST_CLI_LOGGING_H
#define WHIST_CLI_LOGGING_H

#include "cli.h"

/* Opens the log that --log asks for; without --log, warnings go to standard error (errors
 * do not: the command ends with them). `who` stands in
 * every line and may be empty; it must outlive the log. */
whist_status logging_open(struct whist_log *out, const struct args *args, const char *who,
                          struct whist_error *err);
/* Changes who stands in the lines (after a fork). */
void logging_set_who(const char *who);
void logging_close(void);

/* Standard error is a terminal that can do more than lines. */
bool has_terminal(void);

/* whist_progress for sessions: a bar on standard error, if that is a terminal. NULL otherwise. */
whist_progress progress_bar(void);
/* A line in the place of the bar, if standard error is a terminal. */
void progress_text(const char *text);
/* Takes the bar away. */
void progress_end(void);

#endif
