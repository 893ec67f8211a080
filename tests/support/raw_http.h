/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A raw socket that plays the other side of an HTTP connection, byte for byte. Everything that
 * fails or takes longer than RAW_PATIENCE_MS ends the case. */
#ifndef WHIST_TEST_RAW_HTTP_H
#define WHIST_TEST_RAW_HTTP_H

#include "core/core.h"
#include "harness.h"

#define RAW_PATIENCE_MS 60000

/* A blocking connection to 127.0.0.1. */
int raw_connect(uint16_t port);
/* The next connection to a listening socket. */
int raw_accept(int listen_fd);
/* No connection waits there. */
bool raw_nobody_connects(int listen_fd);

void raw_send(int fd, const void *data, size_t len);
void raw_send_text(int fd, const char *text);
/* The same one byte at a time, each in a segment of its own as far as the system allows;
 * ends early if the other side has closed. */
void raw_send_slowly(int fd, const char *text);
/* Our side is done. */
void raw_half_close(int fd);

/* Exactly len bytes. */
void raw_read(int fd, void *out, size_t len);
/* The next bytes are these. */
void raw_expect(int fd, const char *text);
/* The next message (head, and body by its content-length) is this one; its date shows as "*". */
void raw_expect_answer(int fd, const char *text);
/* The other end closed, in order (FIN) or not (reset). */
void raw_expect_end(int fd);
/* The other end closed in order. */
void raw_expect_fin(int fd);
/* Nothing has arrived so far. */
bool raw_is_silent(int fd);

#endif
