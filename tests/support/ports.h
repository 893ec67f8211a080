/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* HTTP channels over loopback on ports that nobody else uses: the listening sockets are open before
 * the first channel is made, so no port can be taken in between. */
#ifndef WHIST_TEST_PORTS_H
#define WHIST_TEST_PORTS_H

#include "channel/http_impl.h"
#include "channel/native.h"

/* A listening socket on 127.0.0.1 with a port that the system chose. Aborts the case on failure. */
int listen_loopback(uint16_t *port_out);

/* n channels of one process, legacy mode. base: options without n, me and urls (NULL: defaults);
 * tuning may be NULL. On error nothing is left over. */
whist_status make_http_channels(struct whist_channel **out, size_t n,
                                const struct whist_http_options *base,
                                const struct whist_http_tuning *tuning, struct whist_error *err);

/* The same in native mode. tls: with keys of the parties of test_party. */
whist_status make_native_channels(struct whist_channel **out, size_t n,
                                  const struct whist_http_options *base, bool tls,
                                  struct whist_error *err);

/* Key of party i, the same for the life of the process, and how all of them prove themselves. */
const struct whist_identity *test_identity(size_t i);
const struct whist_party_trust *test_trust(void);

#endif
