/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Start of the crypto layer. */
#include "crypto/crypto.h"

whist_status whist_crypto_init(struct whist_error *err)
{
    if (sodium_init() < 0) {
        return whist_fail(err, WHIST_ERR_UNSUPPORTED, WHIST_NO_PEER, NULL,
                          "libsodium could not be initialised");
    }
    (void)whist_kernels();
    return WHIST_OK;
}
