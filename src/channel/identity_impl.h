/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Private to identity*.c. */
#ifndef WHIST_CHANNEL_IDENTITY_IMPL_H
#define WHIST_CHANNEL_IDENTITY_IMPL_H

#include "channel/x509.h"

/* Fills pin and name from the certificate. */
WHIST_MUST_CHECK whist_status whist_identity_complete(struct whist_identity *id,
                                                      struct whist_error *err);

/* WHIST_ERR_UNSUPPORTED for a key that TLS 1.3 or its security level 2 has no use for. */
WHIST_MUST_CHECK whist_status whist_identity_check_key(EVP_PKEY *key, const char *what,
                                                       struct whist_error *err);

#endif
