/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One process a party on loopback, each with a socket pair that brings its result. They are forked
 * before any thread exists and run no other program: nothing private ever stands in a command line.
 */
#ifndef WHIST_CLI_PROCS_H
#define WHIST_CLI_PROCS_H

#include <sys/types.h>

#include "cli.h"
#include "party.h"

/* Finds n free ports of 127.0.0.1 and writes their URLs. Another process may take one before it is
 * used: the caller tries again. */
struct loopback_urls {
    char text[WHIST_MAX_PARTIES][48];
    const char *urls[WHIST_MAX_PARTIES];
};
whist_status loopback_urls(struct loopback_urls *out, size_t n, struct whist_error *err);

struct proc {
    pid_t pid;
    int fd; /* to and from the process */
};

struct procs {
    struct proc list[WHIST_MAX_PARTIES];
    size_t n;
};

/* Starts n processes; each calls body(ctx, me, fd) and ends with what it returns. */
whist_status procs_start(struct procs *p, size_t n, int (*body)(void *ctx, size_t me, int fd),
                         void *ctx, struct whist_error *err);
/* Tells all to end: SIGTERM, which a party answers by aborting. */
void procs_cancel(void *procs);
/* Ends those that still run (SIGKILL) and reaps all. */
void procs_end(struct procs *p);
/* Reaps all, waiting for them. False if one of them did not end with status 0. */
bool procs_wait(struct procs *p);

/* A party's result through its socket pair. */
struct proc_result {
    whist_status status;
    struct whist_error err;
    struct party_result result;
    uint64_t peak_bytes; /* most memory the process held */
};
bool proc_send_result(int fd, const struct proc_result *r);
/* WHIST_ERR_IO if the process ended without a result; WHIST_OK even if its status is an error. */
whist_status proc_recv_result(struct proc_result *out, const struct proc *p, size_t party,
                              struct whist_error *err);

/* Runs all parties of c over HTTP, one process each: native with mutual TLS and keys for this run
 * only, with c->plain without TLS, or with c->legacy over the legacy wire. Collects n results.
 * inputs is a byte for each bit of all inputs in the circuit's order. */
whist_status procs_compute(struct proc_result *results, const struct computation *c,
                           const uint8_t *inputs, struct whist_error *err);
/* The input bits of one party, its groups in order; to be wiped and freed. NULL: out of memory. */
uint8_t *party_inputs(const struct computation *c, const uint8_t *inputs, size_t party,
                      size_t *n_bits_out);

#endif
