/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What OpenSSL's errors mean, in sentences for people. */
#include <openssl/err.h>
#include <stdio.h>

#include "channel/tls_impl.h"

/* What an alert of the peer means for this party (RFC 8446, 6). */
static const struct {
    int alert;
    const char *text;
} alerts[] = {
    {SSL_AD_BAD_CERTIFICATE, "the peer refuses this party's certificate: by its clock it is not "
                             "valid yet, or it expects another party here"},
    {SSL_AD_UNSUPPORTED_CERTIFICATE, "the peer cannot use this party's kind of certificate"},
    {SSL_AD_CERTIFICATE_EXPIRED, "the peer says that this party's certificate has expired: make a "
                                 "new one, or compare the clocks"},
    {SSL_AD_CERTIFICATE_UNKNOWN, "the peer does not know this party's key: it has another session "
                                 "file, one with an old card of this party, or has not opened the "
                                 "session yet"},
    {SSL_AD_UNKNOWN_CA, "the peer does not trust who has issued this party's certificate: it needs "
                        "that CA, or this party's pin, in its session file"},
    {SSL_AD_ACCESS_DENIED, "the peer does not let this party in"},
    {TLS13_AD_CERTIFICATE_REQUIRED, "the peer asked for this party's certificate and got none"},
    {SSL_AD_PROTOCOL_VERSION, "the peer does not speak TLS 1.3"},
    {SSL_AD_HANDSHAKE_FAILURE, "the peer found no parameters of TLS that both sides take"},
    {SSL_AD_UNRECOGNIZED_NAME, "the peer is no server of the name in the URL"},
    {SSL_AD_NO_APPLICATION_PROTOCOL, "the peer does not speak HTTP/1.1"},
    {SSL_AD_INTERNAL_ERROR, "the peer has a failure of its own, perhaps no memory"},
    {SSL_AD_BAD_RECORD_MAC, "bytes were changed on the way to the peer"},
    {SSL_AD_DECRYPT_ERROR,
     "the peer found a wrong signature: does somebody change the bytes on the "
     "way?"},
};

static whist_status alert_fault(struct tls *tls, int alert)
{
    const char *text = NULL;
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alerts[i].alert == alert) {
            text = alerts[i].text;
        }
    }
    const char *name = SSL_alert_desc_string_long(alert);
    return whist_fail(&tls->fault, WHIST_ERR_CLOSED, WHIST_NO_PEER, NULL, "%s (TLS alert \"%s\")",
                      text != NULL ? text : "the peer ended the connection with an error", name);
}

/* A reason of OpenSSL's TLS code. */
static whist_status reason_fault(struct tls *tls, int reason)
{
    const char *text = NULL;
    whist_status st = WHIST_ERR_PROTOCOL;
    switch (reason) {
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        st = WHIST_ERR_CHECK;
        text = "who connected showed no certificate: every party needs one (whist keygen)";
        break;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
        text = "who connected speaks plain HTTP, not TLS: does its session file say https?";
        break;
    case SSL_R_WRONG_VERSION_NUMBER:
        text = "the peer does not speak TLS: is it a server of plain HTTP, or is the port wrong?";
        break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
        text = "the peer does not speak TLS 1.3";
        break;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
        text = "there are no parameters of TLS that both sides take";
        break;
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_BAD_SIGNATURE:
        text = "bytes of the connection were changed on the way";
        break;
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
        text = "the peer's certificates are too long";
        break;
    default:
        break;
    }
    if (text == NULL) {
        text = "what the peer sent is no correct TLS 1.3";
    }
    return whist_fail(&tls->fault, st, WHIST_NO_PEER, NULL, "%s", text);
}

whist_status whist_tls_fault(struct tls *tls, struct whist_error *err)
{
    unsigned long code, first = 0;
    bool no_memory = tls->no_memory;
    while ((code = ERR_get_error()) != 0) {
        no_memory = no_memory || ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
        first = first != 0 ? first : code;
    }
    if (tls->fault.status == WHIST_OK) {
        int reason = ERR_GET_REASON(first);
        if (no_memory) {
            whist_fail(&tls->fault, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "TLS: out of memory");
        } else if (ERR_GET_LIB(first) != ERR_LIB_SSL) {
            whist_fail(&tls->fault, WHIST_ERR_PROTOCOL, WHIST_NO_PEER, NULL,
                       "the TLS connection failed%s%s", first != 0 ? ": " : "",
                       first != 0 ? ERR_reason_error_string(first) : "");
        } else if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
            alert_fault(tls, reason - SSL_AD_REASON_OFFSET);
        } else {
            reason_fault(tls, reason);
        }
        if (tls->trust != NULL) {
            tls->fault.peer = (int)tls->peer;
        }
    }
    if (err != NULL) {
        *err = tls->fault;
    }
    return tls->fault.status;
}

whist_status whist_tls_eof(struct tls *tls, struct whist_error *err)
{
    if (tls->fault.status != WHIST_OK) {
        return whist_tls_fault(tls, err);
    }
    if (tls->peer_closed) {
        return WHIST_OK;
    }
    return whist_fail(err, WHIST_ERR_CLOSED, tls->trust != NULL ? (int)tls->peer : WHIST_NO_PEER,
                      NULL, "%s",
                      tls->established ? "the TLS connection was cut: its end was not announced"
                                       : "the connection was closed before TLS was agreed on");
}
