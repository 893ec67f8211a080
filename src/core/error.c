/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <stdarg.h>
#include <stdio.h>

#include "core/core.h"

static const struct {
    const char *name, *text;
} status_table[] = {
#define ROW(code, name, text) {name, text},
    WHIST_STATUS_TABLE(ROW)
#undef ROW
};

#define N_STATUS (sizeof status_table / sizeof status_table[0])

const char *whist_status_name(whist_status status)
{
    return (size_t)status < N_STATUS ? status_table[status].name : "unknown";
}

const char *whist_status_text(whist_status status)
{
    return (size_t)status < N_STATUS ? status_table[status].text : "unknown status";
}

const char *whist_version(void)
{
    return WHIST_VERSION;
}

whist_status(whist_fail)(struct whist_error *err, whist_status status, int peer, const char *phase,
                         const char *fmt, ...)
{
    if (err == NULL) {
        return status;
    }
    err->status = status;
    err->peer = peer;
    snprintf(err->phase, sizeof err->phase, "%s", phase != NULL ? phase : "");
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return status;
}

_Noreturn void whist_require_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "libwhist: caller's bug: %s does not hold (%s:%d)\n", cond, file, line);
    abort();
}

void whist_logf(const struct whist_log *log, whist_log_level level, const char *fmt, ...)
{
    if (log == NULL || log->fn == NULL || level > log->level) {
        return;
    }
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    log->fn(log->ctx, level, text);
}
