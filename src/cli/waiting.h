/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Whom the party still waits for, on the terminal, until all are there. */
#ifndef WHIST_CLI_WAITING_H
#define WHIST_CLI_WAITING_H

#include "link.h"

/* Starts to show it. link may be NULL, and the transport one that does not know: then nothing is
 * shown. Both outlive waiting_end. */
void waiting_begin(const struct party_link *link, const struct whist_channel *transport);
void waiting_end(void);

#endif
