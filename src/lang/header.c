/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the comments before the first definition say to Whist:
 *
 *     // whist: panics = flag
 */
#include <string.h>

#include "lang/program.h"

/* The rest of the line behind a prefix and spaces, or false. */
static bool skip(struct whist_bytes *line, const char *prefix)
{
    size_t len = strlen(prefix);

    while (line->len != 0 && (*line->data == ' ' || *line->data == '\t')) {
        line->data++;
        line->len--;
    }
    if (line->len < len || memcmp(line->data, prefix, len) != 0) {
        return false;
    }
    line->data += len;
    line->len -= len;
    return true;
}

static bool ends(struct whist_bytes line)
{
    (void)skip(&line, "");
    return line.len == 0 || *line.data == '\r';
}

const char *whist_panics_name(whist_panics panics)
{
    static const char *const names[] = {
        [WHIST_PANICS_SITE] = "site", [WHIST_PANICS_FLAG] = "flag", [WHIST_PANICS_OFF] = "off"};

    return (size_t)panics < sizeof names / sizeof names[0] ? names[panics] : NULL;
}

/* "panics = KIND" */
static bool policy_of(struct whist_bytes line, whist_panics *out)
{
    if (!skip(&line, "panics") || !skip(&line, "=")) {
        return false;
    }
    for (unsigned k = 0; whist_panics_name((whist_panics)k) != NULL; k++) {
        struct whist_bytes rest = line;
        if (skip(&rest, whist_panics_name((whist_panics)k)) && ends(rest)) {
            *out = (whist_panics)k;
            return true;
        }
    }
    return false;
}

whist_status program_header(struct whist_bytes source, whist_panics *panics_out, unsigned *line_out)
{
    bool given = false;

    *panics_out = WHIST_PANICS_SITE;
    for (*line_out = 1; source.len != 0; ++*line_out) {
        const uint8_t *end = memchr(source.data, '\n', source.len);
        struct whist_bytes line = {source.data,
                                   end != NULL ? (size_t)(end - source.data) : source.len};
        size_t step = end != NULL ? line.len + 1 : line.len;

        if (skip(&line, "//")) {
            bool addressed = skip(&line, "whist:");
            if (addressed && (given || !policy_of(line, panics_out))) {
                return WHIST_ERR_FORMAT;
            }
            given = given || addressed;
        } else if (!ends(line)) {
            break;
        }
        source.data += step;
        source.len -= step;
    }
    return WHIST_OK;
}
