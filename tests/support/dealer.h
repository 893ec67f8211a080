/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A trusted dealer in the place of the set-up: sessions that are ready without a base OT, which
 * costs 25 ms an ordered pair where the rest of a small run costs one. For tests of what follows.
 */
#ifndef WHIST_TEST_DEALER_H
#define WHIST_TEST_DEALER_H

#include "mpc/session.h"

/* Makes an open session ready. All parties give the same 16 bytes. */
void deal_setup(struct whist_session *s, const uint8_t seed[16]);

#endif
