/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * The log is a callback: the library never prints.
 */
#ifndef WHIST_LOG_H
#define WHIST_LOG_H

#include <whist/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Levels, most severe first. */
typedef enum whist_log_level {
    WHIST_LOG_ERROR,
    WHIST_LOG_WARN,
    WHIST_LOG_INFO,
    WHIST_LOG_DEBUG,
    WHIST_LOG_TRACE,
} whist_log_level;

/**
 * Where log lines go. All-zero means nowhere. fn may be called from any thread of the library, also
 * at the same time; it must not call back into the object that logs. text is one line without
 * newline, valid during the call, and never holds secrets.
 */
struct whist_log {
    /** Takes one line. */
    void (*fn)(void *ctx, whist_log_level level, const char *text);
    void *ctx;             /**< handed to fn */
    whist_log_level level; /**< lines less severe than this are not made */
};

#ifdef __cplusplus
}
#endif
#endif
