/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* --trace FILE: one timeline for all parties of this command, threads or processes. */
#ifndef WHIST_CLI_TRACE_FILE_H
#define WHIST_CLI_TRACE_FILE_H

#include "cli.h"

/* Creates the file that --trace names; nothing without --trace. */
whist_status trace_file_open(const struct args *args, struct whist_error *err);
/* Puts a timeline around the channel if there is a file. Takes *channel, also on error. */
whist_status trace_file_wrap(struct whist_channel **channel, struct whist_error *err);
/* Ends the file; a warning if something could not be written. */
void trace_file_close(void);

#endif
