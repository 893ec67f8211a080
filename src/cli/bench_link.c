/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench_link.h"

#include <string.h>
#include <unistd.h>

#define PHASE "bench"

/* Keys, and who trusts whom; the URLs say so. */
static whist_status make_identities(struct link_place *p, struct whist_error *err)
{
    for (size_t i = 0; i < 2; i++) {
        struct whist_identity_options options = {.name = i == 0 ? "leader" : "follower"};
        TRY(whist_identity_generate(&p->identities[i], &options, err));
        whist_identity_pin(p->identities[i], p->pins[i]);
        p->trust[i] = (struct whist_party_trust){.name = options.name, .proof.pin = p->pins[i]};
        snprintf(p->https[i], sizeof(p->https[i]), "https%s", p->urls[i] + strlen("http"));
        p->https_urls[i] = p->https[i];
    }
    p->urls = p->https_urls;
    return WHIST_OK;
}

whist_status link_place_new(struct link_place *out, const struct contest *contest,
                            enum link_kind kind, struct whist_error *err)
{
    memset(out, 0, sizeof(*out));
    out->kind = kind;
    out->listener.fd = -1;
    if (kind == LINK_TCP || kind == LINK_TCP_TLS) {
        TRY(tcp_listen(&out->listener, err));
        return kind == LINK_TCP_TLS ? tls_pair_new(&out->tls, err) : WHIST_OK;
    }
    TRY(loopback_urls(&out->found, 2, err));
    out->urls = contest->urls != NULL ? contest->urls : out->found.urls;
    if (contest->urls != NULL) {
        out->listen[0] = contest->listen[0];
        out->listen[1] = contest->listen[1];
    }
    return kind == LINK_HTTPS ? make_identities(out, err) : WHIST_OK;
}

void link_place_clear(struct link_place *place)
{
    whist_identity_free(place->identities[0]);
    whist_identity_free(place->identities[1]);
    if (place->listener.fd >= 0) {
        close(place->listener.fd);
    }
    tls_pair_free(place->tls);
}

void link_http_options(struct whist_http_options *out, enum link_kind kind)
{
    *out = (struct whist_http_options){0};
    if (kind == LINK_SINGLE) {
        out->coalesce_bytes = 256; /* no room for two */
    }
}

whist_status link_open(struct link *l, const struct link_place *place, size_t me,
                       struct whist_error *err)
{
    struct whist_http_options http;

    memset(l, 0, sizeof(*l));
    l->peer = 1 - me;
    if (place->kind == LINK_TCP || place->kind == LINK_TCP_TLS) {
        return tcp_link_new(&l->tcp, &place->listener, me == 1, place->tls, err);
    }
    link_http_options(&http, place->kind);
    http.n = 2;
    http.me = me;
    http.urls = place->urls;
    http.listen = place->listen[me];
    http.identity = place->identities[me];
    http.trust = place->identities[me] != NULL ? place->trust : NULL;
    return whist_channel_http_new(&l->channel, &http, err);
}

whist_status link_send(struct link *l, const void *data, size_t len, struct whist_error *err)
{
    if (l->tcp != NULL) {
        return tcp_link_send(l->tcp, data, len, err);
    }
    return whist_channel_send(l->channel, l->peer, whist_bytes(data, len), PHASE,
                              WHIST_DEADLINE_DEFAULT, err);
}

whist_status link_recv(struct link *l, struct whist_bytes *out, struct whist_error *err)
{
    if (l->tcp != NULL) {
        tcp_link_release(l->tcp, l->tcp_message);
        l->tcp_message = NULL;
        TRY(tcp_link_recv(l->tcp, &l->tcp_message, err));
        *out = whist_bytes(l->tcp_message->data, l->tcp_message->len);
        return WHIST_OK;
    }
    TRY(whist_channel_recv(l->channel, l->peer, &l->message, PHASE, WHIST_DEADLINE_DEFAULT, err));
    *out = whist_buffer_view(&l->message);
    return WHIST_OK;
}

whist_status link_close(struct link *l, struct whist_error *err)
{
    whist_status st = WHIST_OK;

    if (l->channel != NULL) {
        st = whist_channel_close(l->channel, WHIST_DEADLINE_DEFAULT, err);
        whist_channel_free(l->channel);
    }
    if (l->tcp != NULL) {
        tcp_link_release(l->tcp, l->tcp_message);
        tcp_link_free(l->tcp);
    }
    whist_buffer_clear(&l->message);
    memset(l, 0, sizeof(*l));
    return st;
}
