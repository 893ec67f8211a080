/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The public wrappers: preconditions, default deadlines, limits that every transport has. */
#include <stdio.h>

#include "channel/channel_impl.h"

/* Room that a copied message gets beyond its bytes, so that an envelope's trailer (at most 51
 * bytes) does not move it. */
#define SLACK 64

size_t whist_channel_parties(const struct whist_channel *ch)
{
    return ch->n;
}

size_t whist_channel_me(const struct whist_channel *ch)
{
    return ch->me;
}

/* Labels are the caller's own constants, so a bad one is a bug. */
static bool phase_ok(const char *phase)
{
    size_t len = 0;
    if (phase == NULL) {
        return false;
    }
    for (; phase[len] != '\0'; len++) {
        if (len == WHIST_MAX_PHASE || phase[len] < 0x20 || phase[len] > 0x7e) {
            return false;
        }
    }
    return true;
}

static int64_t absolute(const struct whist_channel *ch, int64_t deadline_ms)
{
    if (deadline_ms != WHIST_DEADLINE_DEFAULT) {
        return deadline_ms;
    }
    int64_t now = whist_coarse_ms() + WHIST_COARSE_MS; /* never too early */
    return ch->timeout_ms > INT64_MAX - now ? INT64_MAX : now + ch->timeout_ms;
}

static void check_peer(const struct whist_channel *ch, size_t peer, const char *phase)
{
    WHIST_REQUIRE(ch != NULL);
    WHIST_REQUIRE(peer < ch->n && peer != ch->me);
    WHIST_REQUIRE(phase_ok(phase));
}

static whist_status check_length(const struct whist_channel *ch, size_t to, size_t len,
                                 const char *phase, struct whist_error *err)
{
    if (len <= ch->max_message) {
        return WHIST_OK;
    }
    return whist_fail(
        err, WHIST_ERR_LIMIT, (int)to, phase,
        "a message of %zu bytes to party %zu is longer than this channel carries (%zu "
        "bytes): send it in pieces",
        len, to, ch->max_message);
}

whist_status whist_channel_send_owned(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                      const char *phase, int64_t deadline_ms,
                                      struct whist_error *err)
{
    struct whist_error unused;
    check_peer(ch, to, phase);
    WHIST_REQUIRE(msg != NULL && (msg->data != NULL || msg->len == 0));
    whist_status st = check_length(ch, to, msg->len, phase, err);
    if (st == WHIST_OK) {
        st = ch->ops->send(ch, to, msg, phase, absolute(ch, deadline_ms),
                           err != NULL ? err : &unused);
    }
    whist_buffer_clear(msg);
    return st;
}

whist_status whist_channel_send(struct whist_channel *ch, size_t to, struct whist_bytes msg,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct whist_buffer copy = {0};
    check_peer(ch, to, phase);
    WHIST_REQUIRE(msg.data != NULL || msg.len == 0);
    TRY(check_length(ch, to, msg.len, phase, err));
    if (ch->ops->send_view != NULL && msg.len <= WHIST_VIEW_MAX) {
        struct whist_error unused;
        if (ch->ops->try_send != NULL && ch->ops->try_send(ch, to, msg, phase)) {
            return WHIST_OK;
        }
        return ch->ops->send_view(ch, to, msg, phase, absolute(ch, deadline_ms),
                                  err != NULL ? err : &unused);
    }
    if (whist_buffer_reserve(&copy, msg.len + SLACK) != WHIST_OK) {
        return whist_fail(err, WHIST_ERR_NOMEM, (int)to, phase,
                          "no memory for a message of %zu bytes", msg.len);
    }
    if (msg.len != 0) {
        memcpy(copy.data, msg.data, msg.len);
        copy.len = msg.len;
    }
    return whist_channel_send_owned(ch, to, &copy, phase, deadline_ms, err);
}

whist_status whist_channel_recv(struct whist_channel *ch, size_t from, struct whist_buffer *msg_out,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct whist_error unused;
    check_peer(ch, from, phase);
    WHIST_REQUIRE(msg_out != NULL);
    whist_buffer_clear(msg_out);
    if (ch->ops->try_recv != NULL && ch->ops->try_recv(ch, from, msg_out, phase)) {
        return WHIST_OK;
    }
    whist_status st = ch->ops->recv(ch, from, msg_out, phase, absolute(ch, deadline_ms),
                                    err != NULL ? err : &unused);
    if (st != WHIST_OK) {
        whist_buffer_clear(msg_out);
    }
    return st;
}

void whist_channel_abort(struct whist_channel *ch, const struct whist_error *why)
{
    struct whist_error copy = {.status = WHIST_ERR_CANCELLED, .peer = WHIST_NO_PEER};
    WHIST_REQUIRE(ch != NULL);
    if (why != NULL && why->status != WHIST_OK) {
        copy = *why;
        copy.phase[sizeof copy.phase - 1] = '\0';
        copy.text[sizeof copy.text - 1] = '\0';
    }
    if (copy.text[0] == '\0') {
        snprintf(copy.text, sizeof copy.text, "%s", whist_status_text(copy.status));
    }
    ch->ops->abort(ch, &copy);
}

whist_status whist_channel_close(struct whist_channel *ch, int64_t deadline_ms,
                                 struct whist_error *err)
{
    struct whist_error unused;
    WHIST_REQUIRE(ch != NULL);
    return ch->ops->close(ch, absolute(ch, deadline_ms), err != NULL ? err : &unused);
}

void whist_channel_free(struct whist_channel *ch)
{
    if (ch != NULL) {
        ch->ops->free(ch);
        whist_pool_trim();
    }
}
