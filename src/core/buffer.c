/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "core/core.h"

whist_status whist_buffer_reserve(struct whist_buffer *buf, size_t cap)
{
    if (cap <= buf->cap) {
        return WHIST_OK;
    }
    size_t grown = buf->cap + buf->cap / 2;
    if (grown < cap) {
        grown = cap;
    }
    /* A fresh block, so that the old one can be wiped: buffers carry labels and shares. */
    grown = whist_pool_capacity(grown);
    uint8_t *data = whist_pool_alloc(grown);
    if (data == NULL) {
        return WHIST_ERR_NOMEM;
    }
    if (buf->len != 0) {
        memcpy(data, buf->data, buf->len);
    }
    whist_pool_free(buf->data, buf->cap, buf->cap);
    buf->data = data;
    buf->cap = grown;
    return WHIST_OK;
}

whist_status whist_buffer_resize(struct whist_buffer *buf, size_t len)
{
    TRY(whist_buffer_reserve(buf, len));
    buf->len = len;
    return WHIST_OK;
}

whist_status whist_buffer_append(struct whist_buffer *buf, const void *data, size_t len)
{
    if (len == 0) {
        return WHIST_OK;
    }
    if (len > SIZE_MAX - buf->len) {
        return WHIST_ERR_NOMEM;
    }
    TRY(whist_buffer_reserve(buf, buf->len + len));
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    return WHIST_OK;
}

void whist_buffer_clear(struct whist_buffer *buf)
{
    whist_pool_free(buf->data, buf->cap, buf->cap);
    *buf = (struct whist_buffer){0};
}
