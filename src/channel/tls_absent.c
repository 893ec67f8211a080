/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Stands in until tls.c is there. */
#include "channel/tls.h"
#define WEAK __attribute__((weak))
WEAK void whist_tls_close(struct tls *t)
{
    (void)t;
}
WEAK void whist_tls_free(struct tls *t)
{
    (void)t;
}
WEAK void whist_tls_sent(struct tls *t, size_t n)
{
    (void)t;
    (void)n;
}
WEAK void whist_tls_put(struct tls *t, struct whist_bytes b)
{
    (void)t;
    (void)b;
}
WEAK bool whist_tls_peer_closed(const struct tls *t)
{
    (void)t;
    return false;
}
WEAK struct whist_bytes whist_tls_pending(const struct tls *t)
{
    (void)t;
    return whist_bytes(NULL, 0);
}
WEAK whist_status whist_tls_accept(struct tls **o, struct tls_context *c, struct whist_error *e)
{
    (void)o;
    (void)c;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK whist_status whist_tls_write(struct tls *t, const struct whist_bytes *p, size_t n, size_t *k,
                                  struct whist_error *e)
{
    (void)t;
    (void)p;
    (void)n;
    (void)k;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK whist_status whist_tls_read(struct tls *t, void *p, size_t n, size_t *k, struct whist_error *e)
{
    (void)t;
    (void)p;
    (void)n;
    (void)k;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
