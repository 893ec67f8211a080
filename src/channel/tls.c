/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One TLS connection over buffers. OpenSSL reads and writes through a BIO that is a window on them:
 * ciphertext is copied once, out of the caller's buffer or into the pending one. */
#include <openssl/err.h>

#include "channel/tls_impl.h"

/* Parts of a write that are shorter than this share a record; longer ones are encrypted where they
 * are. */
#define SMALL_PART ((size_t)4096)
/* First size of the pending buffer, in bytes: a handshake fits. Then it takes all it may need:
 * heads and tags of the records have less than 4 KiB. */
#define OUT_FIRST ((size_t)8192)
#define OUT_FULL  (WHIST_TLS_PENDING_MAX + 4096)

/* ---- The BIO between OpenSSL and the buffers ---- */

static int bio_read(BIO *bio, char *out, size_t len, size_t *got)
{
    struct tls *tls = BIO_get_data(bio);
    size_t n = len < tls->in.len ? len : tls->in.len;
    BIO_clear_retry_flags(bio);
    *got = n;
    if (n == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(out, tls->in.data, n);
    tls->in = whist_bytes(tls->in.data + n, tls->in.len - n);
    return 1;
}

static bool make_room(struct tls *tls, size_t len)
{
    struct whist_buffer *out = &tls->out;
    if (out->cap - out->len >= len) {
        return true;
    }
    if (tls->out_at != 0) {
        out->len -= tls->out_at;
        memmove(out->data, out->data + tls->out_at, out->len);
        tls->out_at = 0;
    }
    if (out->cap - out->len >= len) {
        return true;
    }
    size_t need = out->len + len;
    return whist_buffer_reserve(out, need <= OUT_FIRST  ? OUT_FIRST
                                     : need <= OUT_FULL ? OUT_FULL
                                                        : need) == WHIST_OK;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *put)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *put = 0;
    if (!make_room(tls, len)) {
        tls->no_memory = true;
        return 0;
    }
    memcpy(tls->out.data + tls->out.len, data, len);
    tls->out.len += len;
    *put = len;
    return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *whist_tls_bio_new(void)
{
    /* The type is that of memory BIOs: OpenSSL has few numbers for new ones, for all of a process.
     */
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_MEM, "whist");
    if (method != NULL && (BIO_meth_set_read_ex(method, bio_read) != 1 ||
                           BIO_meth_set_write_ex(method, bio_write) != 1 ||
                           BIO_meth_set_ctrl(method, bio_ctrl) != 1)) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

/* ---- Life ---- */

static whist_status tls_new(struct tls **tls_out, struct tls_context *context,
                            struct whist_error *err)
{
    ERR_clear_error();
    struct tls *tls = whist_zalloc(1, sizeof *tls);
    if (tls == NULL) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "TLS: out of memory");
    }
    tls->context = context;
    tls->key_update_bytes = KEY_UPDATE_BYTES;
    tls->ssl = SSL_new(context->ssl);
    BIO *bio = BIO_new(context->bio);
    if (tls->ssl == NULL || bio == NULL || SSL_set_app_data(tls->ssl, tls) != 1) {
        BIO_free(bio);
        whist_tls_free(tls);
        return whist_openssl_fail(err, WHIST_ERR_NOMEM, "TLS");
    }
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    *tls_out = tls;
    return WHIST_OK;
}

whist_status whist_tls_connect(struct tls **tls_out, struct tls_context *context,
                               const struct tls_trust *trust, size_t peer, const char *server_name,
                               struct whist_error *err)
{
    WHIST_REQUIRE(peer < trust->n);
    struct tls *tls;
    TRY(tls_new(&tls, context, err));
    tls->trust = trust;
    tls->peer = peer;
    SSL_set_connect_state(tls->ssl);
    if (server_name != NULL && SSL_set_tlsext_host_name(tls->ssl, server_name) != 1) {
        whist_tls_free(tls);
        return whist_openssl_fail(err, WHIST_ERR_NOMEM, "TLS");
    }
    int done =
        SSL_do_handshake(tls->ssl); /* only makes the ClientHello: there is nothing to read */
    if (SSL_get_error(tls->ssl, done) != SSL_ERROR_WANT_READ) {
        whist_status st = whist_tls_fault(tls, err);
        whist_tls_free(tls);
        return st;
    }
    ERR_clear_error();
    *tls_out = tls;
    return WHIST_OK;
}

whist_status whist_tls_accept(struct tls **tls_out, struct tls_context *context,
                              struct whist_error *err)
{
    TRY(tls_new(tls_out, context, err));
    SSL_set_accept_state((*tls_out)->ssl);
    return WHIST_OK;
}

void whist_tls_free(struct tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_free(tls->ssl);
    ERR_clear_error();
    whist_buffer_clear(&tls->out);
    if (tls->small != NULL) {
        whist_wipe(tls->small, WHIST_TLS_RECORD);
        whist_free(tls->small);
    }
    whist_free(tls);
}

/* ---- Ciphertext ---- */

void whist_tls_put(struct tls *tls, struct whist_bytes ciphertext)
{
    WHIST_REQUIRE(tls->in.len == 0);
    tls->in = ciphertext;
}

size_t whist_tls_unread(const struct tls *tls)
{
    return tls->in.len;
}

struct whist_bytes whist_tls_pending(const struct tls *tls)
{
    return tls->out.len != 0 ? whist_bytes(tls->out.data + tls->out_at, tls->out.len - tls->out_at)
                             : whist_bytes(NULL, 0);
}

void whist_tls_sent(struct tls *tls, size_t len)
{
    WHIST_REQUIRE(len <= tls->out.len - tls->out_at);
    tls->out_at += len;
    if (tls->out_at == tls->out.len) {
        tls->out_at = tls->out.len = 0;
    }
}

/* ---- Reading ---- */

static whist_status known_fault(const struct tls *tls, struct whist_error *err)
{
    if (tls->fault.status != WHIST_OK && err != NULL) {
        *err = tls->fault;
    }
    return tls->fault.status;
}

/* The handshake goes as far as the bytes do. */
static whist_status shake_hands(struct tls *tls, struct whist_error *err)
{
    int done = SSL_do_handshake(tls->ssl);
    if (done != 1) {
        return SSL_get_error(tls->ssl, done) == SSL_ERROR_WANT_READ ? WHIST_OK
                                                                    : whist_tls_fault(tls, err);
    }
    tls->shown.certificate = SSL_get0_peer_certificate(tls->ssl);
    tls->shown.chain = SSL_get_peer_cert_chain(tls->ssl);
    tls->established = true;
    return WHIST_OK;
}

whist_status whist_tls_read(struct tls *tls, void *out, size_t cap, size_t *len_out,
                            struct whist_error *err)
{
    size_t at = 0, got;
    WHIST_REQUIRE(cap >= 1);
    *len_out = 0;
    ERR_clear_error();
    TRY(known_fault(tls, err));
    if (!tls->established) {
        TRY(shake_hands(tls, err));
    }
    while (tls->established && !tls->peer_closed && at < cap) {
        int done = SSL_read_ex(tls->ssl, (uint8_t *)out + at, cap - at, &got);
        if (done == 1) {
            at += got;
            continue;
        }
        int why = SSL_get_error(tls->ssl, done);
        if (why == SSL_ERROR_WANT_READ) {
            break;
        }
        if (why == SSL_ERROR_ZERO_RETURN) {
            tls->peer_closed = true;
            break;
        }
        whist_status st = whist_tls_fault(tls, err);
        if (at != 0) {
            break; /* what came before is good; the next call fails */
        }
        return st;
    }
    if (tls->peer_closed) {
        tls->in.len = 0; /* nothing counts after it */
    }
    ERR_clear_error(); /* what OpenSSL could do without */
    *len_out = at;
    return WHIST_OK;
}

/* ---- Writing ---- */

/* One call of SSL_write: any number of records. */
static whist_status encrypt(struct tls *tls, const uint8_t *data, size_t len,
                            struct whist_error *err)
{
    size_t put = 0;
    if (tls->written >= tls->key_update_bytes) {
        if (SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1) {
            return whist_tls_fault(tls, err);
        }
        tls->written = 0;
    }
    /* The BIO takes everything, so this is all or an error. */
    if (SSL_write_ex(tls->ssl, data, len, &put) != 1 || put != len) {
        return whist_tls_fault(tls, err);
    }
    tls->written += len;
    return WHIST_OK;
}

/* Where a write stands in its parts. */
struct cursor {
    const struct whist_bytes *part;
    size_t left; /* parts, *part included */
    size_t at;   /* bytes of *part that are done */
};

static void skip_empty(struct cursor *c)
{
    while (c->left != 0 && c->at == c->part->len) {
        c->part++;
        c->left--;
        c->at = 0;
    }
}

/* Copies small parts, up to a record or room, and encrypts them. */
static whist_status encrypt_small(struct tls *tls, struct cursor *c, size_t room, size_t *done_out,
                                  struct whist_error *err)
{
    size_t len = 0, limit = room < WHIST_TLS_RECORD ? room : WHIST_TLS_RECORD;
    if (tls->small == NULL) {
        tls->small = whist_alloc(WHIST_TLS_RECORD, 1);
        if (tls->small == NULL) {
            tls->no_memory = true;
            return whist_tls_fault(tls, err);
        }
    }
    for (; c->left != 0 && len < limit && c->part->len - c->at < SMALL_PART; skip_empty(c)) {
        size_t n = c->part->len - c->at;
        n = n < limit - len ? n : limit - len;
        memcpy(tls->small + len, c->part->data + c->at, n);
        len += n;
        c->at += n;
    }
    *done_out = len;
    return encrypt(tls, tls->small, len, err);
}

whist_status whist_tls_write(struct tls *tls, const struct whist_bytes *parts, size_t n_parts,
                             size_t *taken_out, struct whist_error *err)
{
    struct cursor c = {parts, n_parts, 0};
    WHIST_REQUIRE(!tls->closing);
    *taken_out = 0;
    ERR_clear_error();
    TRY(known_fault(tls, err));
    skip_empty(&c);
    while (tls->established && c.left != 0) {
        size_t pending = tls->out.len - tls->out_at, done = c.part->len - c.at;
        if (pending >= WHIST_TLS_PENDING_MAX) {
            break;
        }
        size_t room = WHIST_TLS_PENDING_MAX - pending;
        if (done < SMALL_PART) {
            TRY(encrypt_small(tls, &c, room, &done, err));
        } else {
            done = done < room ? done : room;
            TRY(encrypt(tls, c.part->data + c.at, done, err));
            c.at += done;
        }
        *taken_out += done;
        skip_empty(&c);
    }
    ERR_clear_error();
    return WHIST_OK;
}

void whist_tls_close(struct tls *tls)
{
    if (tls->established && !tls->closing && tls->fault.status == WHIST_OK) {
        tls->closing = true;
        (void)SSL_shutdown(tls->ssl); /* without memory the peer sees a cut */
        ERR_clear_error();
    }
}

/* ---- What is known ---- */

bool whist_tls_established(const struct tls *tls)
{
    return tls->established;
}

bool whist_tls_peer_closed(const struct tls *tls)
{
    return tls->peer_closed;
}

const char *whist_tls_suite(const struct tls *tls)
{
    return tls->established ? SSL_get_cipher_name(tls->ssl) : "";
}

const char *whist_tls_peer_pin(const struct tls *tls)
{
    return tls->peer_pin;
}

whist_status whist_tls_party(struct tls *tls, const struct tls_trust *trust, size_t *party_out,
                             struct whist_error *err)
{
    WHIST_REQUIRE(tls->established);
    int64_t now_s = whist_tls_now(&tls->context->clock);
    struct whist_error why;
    size_t party;
    bool valid = now_s >= tls->shown.not_before_s && now_s <= tls->shown.not_after_s;
    if (tls->trust == trust && valid) {
        *party_out = tls->peer;
        return WHIST_OK;
    }
    if (tls->party_of != trust->id || !valid) {
        if (whist_tls_judge_client(trust, &party, &tls->shown, now_s, &why) != TLS_GOOD) {
            return whist_fail(err, why.status, why.peer, NULL, "%s", why.text);
        }
        tls->party = party;
        tls->party_of = trust->id;
    }
    *party_out = tls->party;
    return WHIST_OK;
}
