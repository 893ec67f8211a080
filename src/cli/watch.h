/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Ctrl-C: a thread that waits for SIGINT and SIGTERM, so that what answers them may take locks. */
#ifndef WHIST_CLI_WATCH_H
#define WHIST_CLI_WATCH_H

#include "cli.h"

/* Blocks both signals in this thread and in those it creates, and starts the watcher. A first
 * signal calls what watch_add added, a second one ends the process at once. */
whist_status watch_start(struct whist_error *err);
/* fn is called once, on the watcher's thread; at once, on this one, if the signal has come already.
 * Safe from any thread, also without a watcher; at most WHIST_MAX_PARTIES at a time. */
void watch_add(void (*fn)(void *ctx), void *ctx);
/* Takes it out again; on return fn does not run. */
void watch_remove(const void *ctx);
/* True once a signal has come. */
bool watch_cancelled(void);
/* Ends the watcher; the signals stay blocked. */
void watch_stop(void);

/* For watch_add, with a channel: aborts it for all parties. */
void cancel_channel(void *channel);

#endif
