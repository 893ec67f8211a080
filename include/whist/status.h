/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/** @file
 * Status codes and error context: what every fallible call of Whist returns.
 */
#ifndef WHIST_STATUS_H
#define WHIST_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WHIST_API               __attribute__((visibility("default")))
#define WHIST_MUST_CHECK        __attribute__((warn_unused_result))
#define WHIST_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define WHIST_API
#define WHIST_MUST_CHECK
#define WHIST_PRINTF(fmt, args)
#endif

/** The one table of status codes: code, name, text for people. */
#define WHIST_STATUS_TABLE(X)                                                                      \
    X(OK, "ok", "success")                                                                         \
    X(ERR_ARGUMENT, "argument", "invalid argument")                                                \
    X(ERR_NOMEM, "nomem", "out of memory")                                                         \
    X(ERR_IO, "io", "system call failed")                                                          \
    X(ERR_FORMAT, "format", "malformed input")                                                     \
    X(ERR_LIMIT, "limit", "a limit is exceeded")                                                   \
    X(ERR_UNSUPPORTED, "unsupported", "not supported")                                             \
    X(ERR_TIMEOUT, "timeout", "deadline passed")                                                   \
    X(ERR_UNREACHABLE, "unreachable", "peer is not reachable")                                     \
    X(ERR_WINDOW_FULL, "window-full", "the peer's outbox is full")                                 \
    X(ERR_CLOSED, "closed", "channel is closed")                                                   \
    X(ERR_PROTOCOL, "protocol", "peer sent a malformed or unexpected message")                     \
    X(ERR_MISMATCH, "mismatch", "parties disagree on a parameter")                                 \
    X(ERR_CHECK, "check", "a security check failed")                                               \
    X(ERR_ABORTED, "aborted", "a peer aborted")                                                    \
    X(ERR_CANCELLED, "cancelled", "cancelled by this party")

/** Status of a call; WHIST_OK is 0. */
typedef enum whist_status {
/** @cond one row of the table */
#define WHIST_STATUS_CODE(code, name, text) WHIST_##code,
    WHIST_STATUS_TABLE(WHIST_STATUS_CODE)
#undef WHIST_STATUS_CODE
    /** @endcond */
} whist_status;

/** Value of whist_error.peer when no peer is concerned. */
#define WHIST_NO_PEER (-1)

/**
 * What went wrong, for people and for programs. Callers own it; calls that take one accept NULL.
 * It is written only when the call fails. It never holds secrets.
 */
struct whist_error {
    whist_status status; /**< what the call returned */
    int peer;            /**< index of the party concerned, or WHIST_NO_PEER */
    char phase[48];      /**< protocol phase, NUL-terminated, empty if none */
    char text[400];      /**< one sentence: what happened, what was expected, what to do */
};

/** Short stable name of a status ("timeout"); "unknown" for a value outside the table. */
WHIST_API const char *whist_status_name(whist_status status);

/** One phrase for people ("deadline passed"); "unknown status" for a value outside the table. */
WHIST_API const char *whist_status_text(whist_status status);

/** Version of the library at run time, "MAJOR.MINOR.PATCH". */
WHIST_API const char *whist_version(void);

#ifdef __cplusplus
}
#endif
#endif
