/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Arrays on the wire: every message has a length that both sides know (docs/wire.md, Engine
 * messages). */
#include "mpc/session.h"

int64_t whist_wire_deadline(const struct whist_session *s)
{
    return s->timeout_ms != 0 ? whist_now_ms() + s->timeout_ms : WHIST_DEADLINE_DEFAULT;
}

whist_status whist_wire_send_owned(struct whist_session *s, size_t to, struct whist_buffer *msg,
                                   const char *phase, struct whist_error *err)
{
    TAMPER(s, phase, to, msg->data, msg->len);
    return whist_channel_send_owned(s->ch, to, msg, phase, whist_wire_deadline(s), err);
}

whist_status whist_wire_send(struct whist_session *s, size_t to, const void *data, size_t len,
                             const char *phase, struct whist_error *err)
{
    for (size_t at = 0; at < len; at += WIRE_BLOCK) {
        size_t part = len - at < WIRE_BLOCK ? len - at : WIRE_BLOCK;
        struct whist_buffer msg = {0};
        if (whist_buffer_append(&msg, (const uint8_t *)data + at, part) != WHIST_OK) {
            return whist_out_of_memory(err, phase);
        }
        TRY(whist_wire_send_owned(s, to, &msg, phase, err));
    }
    return WHIST_OK;
}

whist_status whist_wire_recv_owned(struct whist_session *s, size_t from,
                                   struct whist_buffer *msg_out, size_t len, const char *phase,
                                   struct whist_error *err)
{
    TRY(whist_channel_recv(s->ch, from, msg_out, phase, whist_wire_deadline(s), err));
    if (msg_out->len != len) {
        size_t got = msg_out->len;
        whist_buffer_clear(msg_out);
        return whist_fail(err, WHIST_ERR_PROTOCOL, (int)from, phase,
                          "party %zu sent a message of %zu bytes where %zu were expected", from,
                          got, len);
    }
    return WHIST_OK;
}

whist_status whist_wire_recv(struct whist_session *s, size_t from, void *out, size_t len,
                             const char *phase, struct whist_error *err)
{
    struct whist_buffer msg = {0};
    for (size_t at = 0; at < len; at += WIRE_BLOCK) {
        size_t part = len - at < WIRE_BLOCK ? len - at : WIRE_BLOCK;
        TRY(whist_wire_recv_owned(s, from, &msg, part, phase, err));
        memcpy((uint8_t *)out + at, msg.data, part);
        whist_buffer_clear(&msg);
    }
    return WHIST_OK;
}

whist_status whist_wire_exchange(struct whist_session *s, uint8_t *in, const uint8_t *out,
                                 size_t out_stride, size_t len, const char *phase,
                                 struct whist_error *err)
{
    /* Block by block, so that what waits in the queues stays bounded. */
    for (size_t at = 0; at < len; at += WIRE_BLOCK) {
        size_t part = len - at < WIRE_BLOCK ? len - at : WIRE_BLOCK;
        for (size_t p = 0; p < s->n_peers; p++) {
            size_t j = s->peers[p];
            TRY(whist_wire_send(s, j, out + j * out_stride + at, part, phase, err));
        }
        for (size_t p = 0; p < s->n_peers; p++) {
            size_t j = s->peers[p];
            TRY(whist_wire_recv(s, j, in + j * len + at, part, phase, err));
        }
    }
    return WHIST_OK;
}
