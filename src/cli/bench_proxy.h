/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A proxy in front of two parties on loopback. */
#ifndef WHIST_CLI_BENCH_PROXY_H
#define WHIST_CLI_BENCH_PROXY_H

#include "procs.h"

struct proxy {
    const char *urls[2];   /* where the parties are reached */
    const char *listen[2]; /* where they listen */
    struct loopback_urls ports;
    char dir[32]; /* its files */
    pid_t pid;
};

/* Starts the system's nginx with a configuration of its own, default but for what names ports and
 * files. *there_out: nginx is installed. */
whist_status proxy_start(struct proxy *p, bool *there_out, struct whist_error *err);
/* Ends it and removes its files. */
void proxy_stop(struct proxy *p);

#endif
