/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * Byte views and growable buffers.
 */
#ifndef WHIST_BYTES_H
#define WHIST_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <whist/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A borrowed view of bytes; data may be NULL when len is 0. */
struct whist_bytes {
    const uint8_t *data; /**< borrowed */
    size_t len;          /**< bytes */
};

/** An owned, growable byte string. All-zero is a valid empty buffer. */
struct whist_buffer {
    uint8_t *data; /**< owned; whist_buffer_clear frees it */
    size_t len;    /**< bytes in use */
    size_t cap;    /**< bytes allocated */
};

/** A view of len bytes at data. */
static inline struct whist_bytes whist_bytes(const void *data, size_t len)
{
    struct whist_bytes b = {(const uint8_t *)data, len};
    return b;
}

/** A view of a buffer's bytes, valid until the buffer changes. */
static inline struct whist_bytes whist_buffer_view(const struct whist_buffer *buf)
{
    return whist_bytes(buf->data, buf->len);
}

/** Makes room for cap bytes in all; the contents stay. WHIST_ERR_NOMEM leaves buf untouched. */
WHIST_API WHIST_MUST_CHECK whist_status whist_buffer_reserve(struct whist_buffer *buf, size_t cap);

/** Sets the length; new bytes are uninitialised. WHIST_ERR_NOMEM leaves buf untouched. */
WHIST_API WHIST_MUST_CHECK whist_status whist_buffer_resize(struct whist_buffer *buf, size_t len);

/** Appends len bytes of data (which must not point into buf). WHIST_ERR_NOMEM leaves buf
 * untouched. */
WHIST_API WHIST_MUST_CHECK whist_status whist_buffer_append(struct whist_buffer *buf,
                                                            const void *data, size_t len);

/** Wipes and frees the contents; buf is then empty and usable again. */
WHIST_API void whist_buffer_clear(struct whist_buffer *buf);

#ifdef __cplusplus
}
#endif
#endif
