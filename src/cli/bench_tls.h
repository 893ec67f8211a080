/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* OpenSSL behind the raw link of the benchmarks. */
#ifndef WHIST_CLI_BENCH_TLS_H
#define WHIST_CLI_BENCH_TLS_H

#include <sys/types.h>

#include "bench_tcp.h"

struct tls_stream;

/* Shakes hands over a socket that blocks; the socket stays the caller's. */
whist_status tls_stream_new(struct tls_stream **out, const struct tls_pair *pair, int fd,
                            bool server, struct whist_error *err);
void tls_stream_free(struct tls_stream *s);
/* As read and write on a socket that does not block: −1 with EAGAIN, 0 at the end. */
ssize_t tls_stream_read(struct tls_stream *s, void *data, size_t len);
/* What write has taken goes to the socket as far as that takes it; false if there is a rest, which
 * goes before the next write. */
bool tls_stream_flush(struct tls_stream *s);
ssize_t tls_stream_write(struct tls_stream *s, const void *data, size_t len);

#endif
