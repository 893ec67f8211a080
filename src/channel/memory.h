/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The memory transport with its settings; the public constructor uses the defaults. */
#ifndef WHIST_MEMORY_H
#define WHIST_MEMORY_H

#include "channel/channel_impl.h"

/* Most bytes that wait at a receiver for each sender, by default. */
#define MEMORY_QUEUE_BYTES ((size_t)256 << 20)

/* n connected channels. queue_bytes: after that many a send blocks. bare: a transport that knows no
 * phases and cannot carry aborts, like the legacy wire, for tests of the envelope. */
whist_status whist_memory_new(struct whist_channel **channels_out, size_t n, size_t queue_bytes,
                              bool bare, int64_t timeout_ms, struct whist_error *err);

#endif
