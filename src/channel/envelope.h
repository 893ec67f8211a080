/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The envelope's bytes (docs/wire.md, Envelope). They stand behind the body, so that a body is
 * neither moved nor loses its alignment on the way:
 *
 *     body      the application's bytes; ABORT: a status byte and a text; BYE: empty
 *     phase     p bytes of printable ASCII
 *     sequence  8 bytes, little-endian: DATA messages sent before this one to the same peer
 *     p         1 byte, 0 … WHIST_MAX_PHASE
 *     type      1 byte, enum envelope_type
 *     version   1 byte, ENVELOPE_VERSION
 */
#ifndef WHIST_ENVELOPE_H
#define WHIST_ENVELOPE_H

#include "channel/channel_impl.h"

#define ENVELOPE_VERSION 1
#define ENVELOPE_FIXED   11                                 /* trailer without a label */
#define ENVELOPE_MAX     (ENVELOPE_FIXED + WHIST_MAX_PHASE) /* longest trailer */
#define ENVELOPE_TEXT    300                                /* longest text of an ABORT */

typedef enum envelope_type {
    ENVELOPE_DATA = 1,
    ENVELOPE_ABORT = 2,
    ENVELOPE_BYE = 3,
} envelope_type;

/* A parsed trailer. */
struct envelope_info {
    envelope_type type;
    uint64_t sequence;
    char phase[WHIST_MAX_PHASE + 1];
    size_t body_len;
};

/* Why a message is no envelope. */
typedef enum envelope_flaw {
    ENVELOPE_FINE,
    ENVELOPE_SHORT,   /* fewer bytes than a trailer, or than its label needs */
    ENVELOPE_FOREIGN, /* another version, or no envelope at all */
    ENVELOPE_BAD,     /* unknown type, label too long or not printable, bytes where none may be */
} envelope_flaw;

/* Parses a message from its end; info_out is valid only with ENVELOPE_FINE. Reads nothing outside.
 */
envelope_flaw whist_envelope_parse(struct envelope_info *info_out, struct whist_bytes msg);

/* Appends a trailer; the label is at most WHIST_MAX_PHASE bytes. WHIST_ERR_NOMEM leaves msg as it
 * was. */
whist_status whist_envelope_seal(struct whist_buffer *msg, envelope_type type, uint64_t sequence,
                                 const char *phase);

#endif
