/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* How parties prove who they are: pins, CAs with names, and what is wrong with a certificate. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sodium.h>
#include <stdio.h>

#include "channel/tls_impl.h"

#define TLS_NAME_MAX 253 /* bytes of a DNS name */
#define CA_DEPTH     8   /* certificates between a party's and the CA's, at most */

/* ---- Reading a trust ---- */

static bool has_proof(const struct tls_proof *proof)
{
    return proof->pinned || proof->store != NULL;
}

static void proof_clear(struct tls_proof *proof)
{
    X509_STORE_free(proof->store);
    whist_free(proof->tls_name);
    *proof = (struct tls_proof){0};
}

/* "party 1 (bob)". */
static const char *label(char out[WHIST_NAME_MAX + 32], size_t party, const char *name)
{
    bool named = name != NULL && name[0] != '\0';
    snprintf(out, WHIST_NAME_MAX + 32, "party %zu%s%s%s", party, named ? " (" : "",
             named ? name : "", named ? ")" : "");
    return out;
}

static whist_status read_ca(struct tls_proof *proof, const char *pem, const char *what,
                            struct whist_error *err)
{
    STACK_OF(X509) * all;
    TRY(whist_pem_certificates(&all, whist_bytes(pem, strlen(pem)), what, err));
    whist_status st = WHIST_OK;
    proof->store = X509_STORE_new();
    for (int i = 0; i < sk_X509_num(all) && st == WHIST_OK; i++) {
        if (proof->store == NULL || X509_STORE_add_cert(proof->store, sk_X509_value(all, i)) != 1) {
            st = whist_openssl_fail(err, WHIST_ERR_NOMEM, "%s", what);
        }
    }
    sk_X509_pop_free(all, X509_free);
    return st;
}

static bool tls_name_valid(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.");
    return len >= 1 && len <= TLS_NAME_MAX && name[len] == '\0' && name[0] != '.';
}

static whist_status read_proof(struct tls_proof *proof, const struct whist_proof *from,
                               const char *what, struct whist_error *err)
{
    if (from->pin != NULL) {
        if (from->ca != NULL || from->tls_name != NULL) {
            return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                              "%s: a pin, or a CA and a name, but not both", what);
        }
        proof->pinned = true;
        return whist_pin_parse(proof->pin, from->pin)
                   ? WHIST_OK
                   : whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                                "%s: a pin is \"sha256:\" and 64 lower-case hexadecimal digits",
                                what);
    }
    if (from->ca == NULL || from->tls_name == NULL || !tls_name_valid(from->tls_name)) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "%s: needs a pin, or a CA (PEM) and a DNS name in lower case", what);
    }
    size_t len = strlen(from->tls_name) + 1;
    proof->tls_name = whist_alloc(len, 1);
    if (proof->tls_name == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "%s: out of memory", what);
    }
    memcpy(proof->tls_name, from->tls_name, len);
    whist_status st = read_ca(proof, from->ca, what, err);
    if (st == WHIST_ERR_FORMAT && err != NULL) {
        err->status = WHIST_ERR_ARGUMENT;
    }
    return st == WHIST_ERR_FORMAT ? WHIST_ERR_ARGUMENT : st;
}

static whist_status read_party(struct tls_trusted *party, const struct whist_party_trust *from,
                               size_t i, struct whist_error *err)
{
    char what[WHIST_NAME_MAX + 32];
    if (from->name != NULL && !whist_name_valid(from->name)) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, (int)i, NULL, "party %zu: not a valid name", i);
    }
    label(what, i, from->name);
    snprintf(party->name, sizeof party->name, "%s", from->name != NULL ? from->name : "");
    TRY(read_proof(&party->proof, &from->proof, what, err));
    const struct whist_proof *server = &from->server;
    return server->pin != NULL || server->ca != NULL || server->tls_name != NULL
               ? read_proof(&party->server, server, what, err)
               : WHIST_OK;
}

/* Two parties must not be the same one to everybody. */
static whist_status check_distinct(const struct tls_trust *trust,
                                   const struct whist_party_trust *from, struct whist_error *err)
{
    for (size_t i = 0; i < trust->n; i++) {
        for (size_t j = i + 1; j < trust->n; j++) {
            const struct tls_proof *a = &trust->parties[i].proof, *b = &trust->parties[j].proof;
            bool same = a->pinned && b->pinned
                            ? memcmp(a->pin, b->pin, sizeof a->pin) == 0
                            : !a->pinned && !b->pinned && strcmp(a->tls_name, b->tls_name) == 0;
            if (same) {
                char one[WHIST_NAME_MAX + 32], other[WHIST_NAME_MAX + 32];
                return whist_fail(err, WHIST_ERR_ARGUMENT, (int)j, NULL,
                                  "%s and %s have the same %s: each party needs its own",
                                  label(one, i, from[i].name), label(other, j, from[j].name),
                                  a->pinned ? "pin" : "TLS name");
            }
        }
    }
    return WHIST_OK;
}

whist_status whist_tls_trust_new(struct tls_trust **trust_out,
                                 const struct whist_party_trust *parties, size_t n,
                                 struct whist_error *err)
{
    WHIST_REQUIRE(n >= 1 && n <= WHIST_MAX_PARTIES);
    whist_status st = WHIST_OK;
    struct tls_trust *trust = whist_zalloc(1, sizeof *trust);
    if (trust != NULL) {
        trust->parties = whist_zalloc(n, sizeof *trust->parties);
    }
    if (trust == NULL || trust->parties == NULL) {
        st = whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "trust: out of memory");
        goto out;
    }
    trust->n = n;
    while (trust->id == 0) {
        whist_random(&trust->id, sizeof trust->id);
    }
    for (size_t i = 0; i < n; i++) {
        TRY_OUT(read_party(&trust->parties[i], &parties[i], i, err));
    }
    TRY_OUT(check_distinct(trust, parties, err));
    *trust_out = trust;
    trust = NULL;
out:
    whist_tls_trust_free(trust);
    ERR_clear_error();
    return st;
}

void whist_tls_trust_free(struct tls_trust *trust)
{
    if (trust == NULL) {
        return;
    }
    for (size_t i = 0; trust->parties != NULL && i < trust->n; i++) {
        proof_clear(&trust->parties[i].proof);
        proof_clear(&trust->parties[i].server);
    }
    whist_free(trust->parties);
    whist_free(trust);
}

/* ---- Judging a certificate ---- */

bool whist_tls_show(struct tls_shown *shown_out, X509 *certificate, STACK_OF(X509) * chain)
{
    struct tls_shown shown = {.certificate = certificate,
                              .chain = chain,
                              .not_before_s = whist_x509_not_before(certificate),
                              .not_after_s = whist_x509_not_after(certificate)};
    if (!whist_x509_pin(shown.pin, certificate)) {
        return false;
    }
    *shown_out = shown;
    return true;
}

static tls_flaw flaw(struct whist_error *err, tls_flaw what, int peer, const char *text)
{
    whist_fail(err, what == TLS_NO_MEMORY ? WHIST_ERR_NOMEM : WHIST_ERR_CHECK, peer, NULL, "%s",
               text);
    return what;
}

/* The certificate is that of `party`: is it valid now? */
static tls_flaw check_dates(const struct tls_shown *shown, const char *who, size_t party,
                            int64_t now_s, struct whist_error *err)
{
    char date[WHIST_DATE_MAX], now[WHIST_DATE_MAX], text[400];
    whist_date_text(now, now_s);
    if (now_s < shown->not_before_s || shown->not_before_s == INT64_MIN) {
        whist_date_text(date, shown->not_before_s);
        snprintf(text, sizeof text,
                 "the certificate of %s is not valid before %s, and here it is %s: is this "
                 "machine's clock right, and the peer's?",
                 who, date, now);
        return flaw(err, TLS_NOT_YET_VALID, (int)party, text);
    }
    if (now_s > shown->not_after_s) {
        whist_date_text(date, shown->not_after_s);
        snprintf(text, sizeof text,
                 "the certificate of %s expired on %s, and here it is %s: it needs a new one "
                 "(whist keygen), or one of the clocks is wrong",
                 who, date, now);
        return flaw(err, TLS_EXPIRED, (int)party, text);
    }
    return TLS_GOOD;
}

static bool carries_name(const struct tls_shown *shown, const char *name)
{
    return X509_check_host(shown->certificate, name, 0,
                           X509_CHECK_FLAG_NO_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           NULL) == 1;
}

/* A certificate with the right name: has the CA issued it? Dates of the certificate itself are left
 * to check_dates, which says more. */
static tls_flaw check_chain(const struct tls_proof *proof, const struct tls_shown *shown,
                            const char *who, size_t party, int purpose, int64_t now_s,
                            struct whist_error *err)
{
    char text[400];
    tls_flaw st = check_dates(shown, who, party, now_s, err);
    if (st != TLS_GOOD) {
        return st;
    }
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    if (ctx == NULL ||
        X509_STORE_CTX_init(ctx, proof->store, shown->certificate, shown->chain) != 1) {
        st = flaw(err, TLS_NO_MEMORY, (int)party, "certificate: out of memory");
        goto out;
    }
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_set_time(param, (time_t)now_s);
    X509_VERIFY_PARAM_set_depth(param, CA_DEPTH);
    X509_VERIFY_PARAM_set_auth_level(param, 2);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    if (X509_VERIFY_PARAM_set_purpose(param, purpose) != 1 || X509_verify_cert(ctx) != 1) {
        int code = X509_STORE_CTX_get_error(ctx);
        if (code == X509_V_ERR_OUT_OF_MEM) {
            st = flaw(err, TLS_NO_MEMORY, (int)party, "certificate: out of memory");
            goto out;
        }
        snprintf(text, sizeof text,
                 "a certificate for %s is not by the CA that the session file names for it: %s",
                 who, X509_verify_cert_error_string(code));
        st = flaw(err, TLS_UNTRUSTED, (int)party, text);
    }
out:
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    return st;
}

/* Whether the certificate is what `proof` asks for. TLS_UNKNOWN (err is not filled): it is another
 * key or name. */
static tls_flaw check_proof(const struct tls_proof *proof, const struct tls_shown *shown,
                            const char *who, size_t party, int purpose, int64_t now_s,
                            struct whist_error *err)
{
    if (proof->pinned) {
        return memcmp(proof->pin, shown->pin, sizeof proof->pin) == 0
                   ? check_dates(shown, who, party, now_s, err)
                   : TLS_UNKNOWN;
    }
    return carries_name(shown, proof->tls_name)
               ? check_chain(proof, shown, who, party, purpose, now_s, err)
               : TLS_UNKNOWN;
}

/* Whose certificate it is, for either purpose; pins go first, so a pinned key is nobody else's. */
static tls_flaw find_party(const struct tls_trust *trust, size_t *party_out,
                           const struct tls_shown *shown, int purpose, int64_t now_s,
                           struct whist_error *err)
{
    tls_flaw worst = TLS_UNKNOWN;
    for (int pinned = 1; pinned >= 0; pinned--) {
        for (size_t i = 0; i < trust->n; i++) {
            struct whist_error why;
            char who[WHIST_NAME_MAX + 32];
            const struct tls_trusted *party = &trust->parties[i];
            if (party->proof.pinned != (pinned == 1)) {
                continue;
            }
            label(who, i, party->name);
            tls_flaw st = check_proof(&party->proof, shown, who, i, purpose, now_s, &why);
            if (st == TLS_GOOD) {
                *party_out = i;
                return st;
            }
            if (st > worst) {
                worst = st;
                *err = why;
            }
        }
    }
    return worst;
}

tls_flaw whist_tls_judge_client(const struct tls_trust *trust, size_t *party_out,
                                const struct tls_shown *shown, int64_t now_s,
                                struct whist_error *err)
{
    tls_flaw st = find_party(trust, party_out, shown, X509_PURPOSE_SSL_CLIENT, now_s, err);
    if (st == TLS_UNKNOWN) {
        char pin[WHIST_PIN_TEXT], text[400];
        whist_pin_text(pin, shown->pin);
        snprintf(text, sizeof text,
                 "the certificate is of no party of this session (its key is %s): has a party made "
                 "a new key since the session file was made?",
                 pin);
        return flaw(err, st, WHIST_NO_PEER, text);
    }
    return st;
}

tls_flaw whist_tls_judge_server(const struct tls_trust *trust, size_t peer,
                                const struct tls_shown *shown, int64_t now_s,
                                struct whist_error *err)
{
    const struct tls_trusted *party = &trust->parties[peer];
    const struct tls_proof *proof = has_proof(&party->server) ? &party->server : &party->proof;
    char who[WHIST_NAME_MAX + 32], other[WHIST_NAME_MAX + 32], text[400], pin[WHIST_PIN_TEXT],
        want[WHIST_PIN_TEXT];
    size_t owner;
    struct whist_error ignored;
    label(who, peer, party->name);
    tls_flaw st = check_proof(proof, shown, who, peer, X509_PURPOSE_SSL_SERVER, now_s, err);
    if (st != TLS_UNKNOWN) {
        return st;
    }
    if (find_party(trust, &owner, shown, X509_PURPOSE_SSL_SERVER, now_s, &ignored) == TLS_GOOD &&
        owner != peer) {
        snprintf(text, sizeof text,
                 "%s answered at the URL of %s: are URLs in the session file mixed up, or does a "
                 "proxy lead to the wrong place?",
                 label(other, owner, trust->parties[owner].name), who);
        return flaw(err, TLS_OTHER_PARTY, (int)peer, text);
    }
    whist_pin_text(pin, shown->pin);
    if (proof->pinned) {
        whist_pin_text(want, proof->pin);
        snprintf(
            text, sizeof text,
            "the server at the URL of %s has the key %s, but the session file says %s: has it a "
            "new key or a proxy in front of it, or is somebody in between?",
            who, pin, want);
    } else {
        snprintf(
            text, sizeof text,
            "the server at the URL of %s has a certificate without the name \"%s\" (its key is "
            "%s)",
            who, proof->tls_name, pin);
    }
    return flaw(err, TLS_UNKNOWN, (int)peer, text);
}

/* ---- The own certificate ---- */

whist_status whist_tls_trust_check_own(const struct tls_trust *trust, size_t me,
                                       const struct whist_identity *identity,
                                       struct whist_error *err)
{
    WHIST_REQUIRE(me < trust->n);
    struct tls_shown shown;
    struct whist_error why;
    char who[WHIST_NAME_MAX + 32], pin[WHIST_PIN_TEXT];
    size_t owner = trust->n;
    if (!whist_tls_show(&shown, identity->certificate, identity->chain)) {
        return whist_fail(err, WHIST_ERR_NOMEM, (int)me, NULL, "certificate: out of memory");
    }
    /* Dates are the context's to check; here it is about whose key it is. */
    tls_flaw st =
        find_party(trust, &owner, &shown, X509_PURPOSE_SSL_CLIENT, shown.not_after_s, &why);
    if (st == TLS_GOOD && owner == me) {
        return WHIST_OK;
    }
    if (st == TLS_NO_MEMORY) {
        return whist_fail(err, WHIST_ERR_NOMEM, (int)me, NULL, "%s", why.text);
    }
    label(who, me, trust->parties[me].name);
    if (st == TLS_UNTRUSTED && why.peer == (int)me) {
        return whist_fail(err, WHIST_ERR_CHECK, (int)me, NULL, "%s", why.text);
    }
    whist_pin_text(pin, shown.pin);
    return whist_fail(err, WHIST_ERR_CHECK, (int)me, NULL,
                      "the own key (%s) is not that of %s in the session%s: another key file, or "
                      "another party, or a new card for the session file is needed",
                      pin, who, st == TLS_GOOD ? ", but that of another party" : "");
}
