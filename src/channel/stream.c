/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <errno.h>
#include <sys/socket.h>

#include "channel/stream.h"

/* Parts of one write, at most. */
#define PARTS_MAX 128

static bool is_wait(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK;
}

static stream_result write_plain(struct stream *s, const struct iovec *parts, int n_parts,
                                 size_t *taken)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n_parts};
    ssize_t n;

    do {
        n = sendmsg(s->fd, &msg, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return is_wait(errno) ? STREAM_WAIT : STREAM_ERROR;
    }
    *taken = (size_t)n;
    s->wire_out += (uint64_t)n;
    return STREAM_OK;
}

stream_result whist_stream_flush(struct stream *s, struct whist_error *err)
{
    (void)err;
    while (s->tls != NULL) {
        struct whist_bytes out = whist_tls_pending(s->tls);
        if (out.len == 0) {
            break;
        }
        ssize_t n = send(s->fd, out.data, out.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return is_wait(errno) ? STREAM_WAIT : STREAM_ERROR;
        }
        s->wire_out += (uint64_t)n;
        whist_tls_sent(s->tls, (size_t)n);
    }
    return STREAM_OK;
}

static stream_result write_tls(struct stream *s, const struct iovec *parts, int n_parts,
                               size_t *taken, struct whist_error *err)
{
    struct whist_bytes views[PARTS_MAX];
    stream_result r = whist_stream_flush(s, err);

    if (r != STREAM_OK) {
        return r;
    }
    for (int i = 0; i < n_parts; i++) {
        views[i] = whist_bytes(parts[i].iov_base, parts[i].iov_len);
    }
    if (whist_tls_write(s->tls, views, (size_t)n_parts, taken, err) != WHIST_OK) {
        (void)whist_stream_flush(s, err);
        return STREAM_ERROR;
    }
    r = whist_stream_flush(s, err);
    return r == STREAM_OK && *taken == 0 ? STREAM_WAIT : r;
}

stream_result whist_stream_write(struct stream *s, const struct iovec *parts, int n_parts,
                                 size_t *taken_out, struct whist_error *err)
{
    *taken_out = 0;
    err->status = WHIST_OK;
    WHIST_REQUIRE(n_parts > 0 && n_parts <= PARTS_MAX);
    return s->tls != NULL ? write_tls(s, parts, n_parts, taken_out, err)
                          : write_plain(s, parts, n_parts, taken_out);
}

bool whist_stream_unsent(const struct stream *s)
{
    return s->tls != NULL && whist_tls_pending(s->tls).len != 0;
}

stream_result whist_stream_read(struct stream *s, const struct iovec *parts, int n_parts,
                                size_t *len_out)
{
    ssize_t n;

    *len_out = 0;
    do {
        n = n_parts == 1 ? recv(s->fd, parts[0].iov_base, parts[0].iov_len, 0)
                         : readv(s->fd, parts, n_parts);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return is_wait(errno) ? STREAM_WAIT : STREAM_ERROR;
    }
    s->wire_in += (uint64_t)n;
    *len_out = (size_t)n;
    return n != 0 ? STREAM_OK : STREAM_EOF;
}

stream_result whist_stream_receive(struct stream *s, uint8_t *scratch, size_t cap, size_t *len_out)
{
    struct iovec part = {scratch, cap};
    stream_result r = whist_stream_read(s, &part, 1, len_out);

    if (r == STREAM_OK) {
        whist_tls_put(s->tls, whist_bytes(scratch, *len_out));
    }
    return r;
}

stream_result whist_stream_decrypt(struct stream *s, uint8_t *out, size_t cap, size_t *len_out,
                                   struct whist_error *err)
{
    err->status = WHIST_OK;
    *len_out = 0;
    if (whist_tls_read(s->tls, out, cap, len_out, err) != WHIST_OK) {
        return STREAM_ERROR;
    }
    if (*len_out != 0) {
        return STREAM_OK;
    }
    return whist_tls_peer_closed(s->tls) ? STREAM_EOF : STREAM_WAIT;
}

void whist_stream_clear(struct stream *s)
{
    whist_tls_free(s->tls);
    s->tls = NULL;
}
