/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A decorator that hashes what a party sends to each peer: lengths, phases and bytes, in order. */
#ifndef WHIST_TEST_TRANSCRIPT_H
#define WHIST_TEST_TRANSCRIPT_H

#include "crypto/crypto.h"
#include "parties.h"

/* hash_out: n places, one for each peer, written when the channel is freed. Takes inner. */
struct whist_channel *transcript_new(struct whist_channel *inner,
                                     uint8_t (*hash_out)[WHIST_HASH_LEN]);

#endif
