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
WEAK whist_status whist_tls_connect(struct tls **t, struct tls_context *c,
                                    const struct tls_trust *r, size_t p, const char *n,
                                    struct whist_error *e)
{
    (void)t;
    (void)c;
    (void)r;
    (void)p;
    (void)n;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK whist_status whist_tls_context_new(struct tls_context **c, const struct whist_identity *i,
                                        const struct tls_clock *k, struct whist_error *e)
{
    (void)c;
    (void)i;
    (void)k;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK void whist_tls_context_free(struct tls_context *c)
{
    (void)c;
}
WEAK whist_status whist_tls_context_add(struct tls_context *c, const struct tls_trust *t,
                                        struct whist_error *e)
{
    (void)c;
    (void)t;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK void whist_tls_context_remove(struct tls_context *c, const struct tls_trust *t)
{
    (void)c;
    (void)t;
}
WEAK whist_status whist_tls_trust_new(struct tls_trust **t, const struct whist_party_trust *p,
                                      size_t n, struct whist_error *e)
{
    (void)t;
    (void)p;
    (void)n;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK void whist_tls_trust_free(struct tls_trust *t)
{
    (void)t;
}
WEAK whist_status whist_tls_trust_check_own(const struct tls_trust *t, size_t m,
                                            const struct whist_identity *i, struct whist_error *e)
{
    (void)t;
    (void)m;
    (void)i;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK whist_status whist_tls_trust_forwarded(const struct tls_trust *t, size_t *p,
                                            struct whist_bytes h, const struct tls_clock *k,
                                            struct whist_error *e)
{
    (void)t;
    (void)p;
    (void)h;
    (void)k;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK whist_status whist_tls_party(struct tls *t, const struct tls_trust *r, size_t *p,
                                  struct whist_error *e)
{
    (void)t;
    (void)r;
    (void)p;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
WEAK bool whist_tls_established(const struct tls *t)
{
    (void)t;
    return false;
}
WEAK whist_status whist_tls_eof(struct tls *t, struct whist_error *e)
{
    (void)t;
    (void)e;
    return WHIST_ERR_UNSUPPORTED;
}
