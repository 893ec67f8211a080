/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The bytes of a connection: of the socket itself, or of TLS upon it. Non-blocking. */
#ifndef WHIST_CHANNEL_STREAM_H
#define WHIST_CHANNEL_STREAM_H

#include <sys/uio.h>

#include "channel/tls.h"

struct stream {
    int fd;
    struct tls *tls;                    /* owned; NULL: plain */
    _Atomic uint64_t wire_in, wire_out; /* bytes on the socket; may be read by others */
};

typedef enum stream_result {
    STREAM_OK,
    STREAM_WAIT,  /* not now: writing waits for EPOLLOUT, reading for EPOLLIN */
    STREAM_EOF,   /* reading: the other side is shut */
    STREAM_ERROR, /* broken: errno, or err for TLS (err->status is not WHIST_OK then) */
} stream_result;

/* Writes parts, one after another as if they were one; *taken_out bytes of them were taken (some
 * perhaps with STREAM_WAIT). With TLS what was taken may still wait in the stream. */
stream_result whist_stream_write(struct stream *s, const struct iovec *parts, int n_parts,
                                 size_t *taken_out, struct whist_error *err);
/* Writes what waits in the stream. */
stream_result whist_stream_flush(struct stream *s, struct whist_error *err);
/* Something waits in the stream. */
bool whist_stream_unsent(const struct stream *s);

/* Reads once from the socket: plain into parts (*len_out bytes of them); TLS into scratch
 * (ciphertext), from where whist_stream_decrypt reads on. */
stream_result whist_stream_read(struct stream *s, const struct iovec *parts, int n_parts,
                                size_t *len_out);
stream_result whist_stream_receive(struct stream *s, uint8_t *scratch, size_t cap, size_t *len_out);
/* TLS: plaintext, until STREAM_WAIT. */
stream_result whist_stream_decrypt(struct stream *s, uint8_t *out, size_t cap, size_t *len_out,
                                   struct whist_error *err);
/* Frees what TLS holds; the socket stays. */
void whist_stream_clear(struct stream *s);

#endif
