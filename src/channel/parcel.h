/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Small messages that came in one POST: they stay in its body, one after the other, until the
 * application takes them, so that there is one piece of memory for all. Without a lock: a parcel is
 * the link's or its caller's. */
#ifndef WHIST_PARCEL_H
#define WHIST_PARCEL_H

#include "channel/frame.h"

struct parcel;

/* Of a POST of whole messages (view->whole); takes the contents of body, which the view shows. NULL
 * without memory, then body is untouched. */
struct parcel *whist_parcel_new(const struct post_view *view, struct whist_buffer *body);

/* A copy of the next message of *parcel, into msg_out, which must be empty. With the last one the
 * parcel is freed and *parcel is NULL. WHIST_ERR_PROTOCOL: it has another phase; WHIST_ERR_NOMEM.
 * Then nothing is consumed. */
WHIST_MUST_CHECK whist_status whist_parcel_take(struct parcel **parcel,
                                                struct whist_buffer *msg_out, const char *phase);

/* Number of the next message among all that the peer sent, from 0, and its label. */
uint64_t whist_parcel_next(const struct parcel *p, char label_out[WHIST_MAX_PHASE + 1]);

/* Messages that are left, at least one. */
uint32_t whist_parcel_count(const struct parcel *p);

/* Wipes and frees; NULL is allowed. */
void whist_parcel_free(struct parcel *p);

#endif
