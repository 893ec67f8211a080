/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <string.h>

#include "cli.h"

bool bytes_equal(struct whist_bytes a, struct whist_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool bytes_are(struct whist_bytes bytes, const char *text)
{
    return bytes_equal(bytes, whist_bytes(text, strlen(text)));
}

bool bytes_line(struct whist_bytes *rest, struct whist_bytes *line_out)
{
    const uint8_t *end = rest->len != 0 ? memchr(rest->data, '\n', rest->len) : NULL;
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    size_t step = end != NULL ? len + 1 : len;

    if (rest->len == 0) {
        return false;
    }
    *line_out = whist_bytes(rest->data, len);
    *rest = whist_bytes(rest->data + step, rest->len - step);
    return true;
}
