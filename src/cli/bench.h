/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the benchmarks share: raw limits of this machine, measured in the same run. */
#ifndef WHIST_CLI_BENCH_H
#define WHIST_CLI_BENCH_H

#include "cli.h"

/* AES-128 blocks a second on one core with one key, by the widest instructions there are; 0 without
 * any. */
double raw_aes_blocks_per_s(void);
/* Bytes a second of memcpy between two buffers of 64 MiB. */
double raw_memcpy_bytes_per_s(void);

/* Two processes on loopback that exchange messages over raw TCP (a length of 4 bytes before each),
 * or over the HTTP channel. */
enum link_kind { LINK_TCP, LINK_HTTP };

/* Messages of `size` bytes to and fro for about a second. */
struct ping_pong {
    double rounds_per_s;
    double median_us;
};
whist_status measure_ping_pong(struct ping_pong *out, enum link_kind kind, size_t size,
                               struct whist_error *err);
/* `count` messages in one direction, until the last is acknowledged: bytes a second. */
whist_status measure_stream(double *bytes_per_s_out, enum link_kind kind, size_t size, size_t count,
                            struct whist_error *err);

#endif
