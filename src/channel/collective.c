/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Collectives: each queues all its sends before the first receive, and has one deadline for all of
 * it. Parties are served in turn from the next index on, so that not all start with party 0. */
#include "channel/channel_impl.h"
#include "crypto/crypto.h"

/* The caller's deadline, or the channel's timeout from now on: once for the whole collective. */
static int64_t whole_deadline(const struct whist_channel *ch, int64_t deadline_ms)
{
    if (deadline_ms != WHIST_DEADLINE_DEFAULT) {
        return deadline_ms;
    }
    int64_t now = whist_now_ms();
    return ch->timeout_ms > INT64_MAX - now ? INT64_MAX : now + ch->timeout_ms;
}

static void clear_all(struct whist_buffer *buffers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        whist_buffer_clear(&buffers[i]);
    }
}

/* out = msg. */
static whist_status keep_own(struct whist_buffer *out, struct whist_bytes msg, const char *phase,
                             struct whist_error *err)
{
    whist_buffer_clear(out);
    if (whist_buffer_append(out, msg.data, msg.len) != WHIST_OK) {
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, phase,
                          "no memory for the own message of %zu bytes", msg.len);
    }
    return WHIST_OK;
}

static whist_status send_to_all(struct whist_channel *ch, const struct whist_bytes *out,
                                const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    for (size_t d = 1; d < ch->n; d++) {
        size_t to = (ch->me + d) % ch->n;
        TRY(whist_channel_send(ch, to, out[to], phase, deadline_ms, err));
    }
    return WHIST_OK;
}

static whist_status receive_from_all(struct whist_channel *ch, struct whist_buffer *in_out,
                                     const char *phase, int64_t deadline_ms,
                                     struct whist_error *err)
{
    for (size_t d = 1; d < ch->n; d++) {
        size_t from = (ch->me + ch->n - d) % ch->n;
        TRY(whist_channel_recv(ch, from, &in_out[from], phase, deadline_ms, err));
    }
    return WHIST_OK;
}

whist_status whist_exchange(struct whist_channel *ch, struct whist_buffer *in_out,
                            const struct whist_bytes *out, const char *phase, int64_t deadline_ms,
                            struct whist_error *err)
{
    whist_status st;
    deadline_ms = whole_deadline(ch, deadline_ms);
    TRY_OUT(send_to_all(ch, out, phase, deadline_ms, err));
    TRY_OUT(receive_from_all(ch, in_out, phase, deadline_ms, err));
out:
    if (st != WHIST_OK) {
        clear_all(in_out, ch->n);
    }
    return st;
}

/* msg to every peer. */
static whist_status send_same(struct whist_channel *ch, struct whist_bytes msg, const char *phase,
                              int64_t deadline_ms, struct whist_error *err)
{
    struct whist_bytes out[WHIST_MAX_PARTIES];
    for (size_t i = 0; i < ch->n; i++) {
        out[i] = msg;
    }
    return send_to_all(ch, out, phase, deadline_ms, err);
}

whist_status whist_broadcast(struct whist_channel *ch, size_t root, struct whist_buffer *msg_out,
                             struct whist_bytes msg, const char *phase, int64_t deadline_ms,
                             struct whist_error *err)
{
    whist_status st;
    WHIST_REQUIRE(root < ch->n);
    deadline_ms = whole_deadline(ch, deadline_ms);
    if (ch->me != root) {
        return whist_channel_recv(ch, root, msg_out, phase, deadline_ms, err);
    }
    TRY_OUT(keep_own(msg_out, msg, phase, err));
    TRY_OUT(send_same(ch, msg, phase, deadline_ms, err));
out:
    if (st != WHIST_OK) {
        whist_buffer_clear(msg_out);
    }
    return st;
}

whist_status whist_gather(struct whist_channel *ch, size_t root, struct whist_buffer *all_out,
                          struct whist_bytes msg, const char *phase, int64_t deadline_ms,
                          struct whist_error *err)
{
    whist_status st;
    WHIST_REQUIRE(root < ch->n);
    deadline_ms = whole_deadline(ch, deadline_ms);
    if (ch->me != root) {
        return whist_channel_send(ch, root, msg, phase, deadline_ms, err);
    }
    TRY_OUT(keep_own(&all_out[root], msg, phase, err));
    TRY_OUT(receive_from_all(ch, all_out, phase, deadline_ms, err));
out:
    if (st != WHIST_OK) {
        clear_all(all_out, ch->n);
    }
    return st;
}

whist_status whist_scatter(struct whist_channel *ch, size_t root, struct whist_buffer *msg_out,
                           const struct whist_bytes *all, const char *phase, int64_t deadline_ms,
                           struct whist_error *err)
{
    whist_status st;
    WHIST_REQUIRE(root < ch->n);
    deadline_ms = whole_deadline(ch, deadline_ms);
    if (ch->me != root) {
        return whist_channel_recv(ch, root, msg_out, phase, deadline_ms, err);
    }
    TRY_OUT(keep_own(msg_out, all[root], phase, err));
    TRY_OUT(send_to_all(ch, all, phase, deadline_ms, err));
out:
    if (st != WHIST_OK) {
        whist_buffer_clear(msg_out);
    }
    return st;
}

/* ---- Echo broadcast ---- */

/* BLAKE2b over context, phase, n and all bodies in party order, each framed by its length: two
 * parties have the same hash only if they have seen the same messages. */
static void echo_hash(uint8_t hash_out[WHIST_HASH_LEN], const struct whist_channel *ch,
                      const struct whist_buffer *all, struct whist_bytes context, const char *phase)
{
    struct hash h;
    whist_hash_init(&h, "whist echo broadcast");
    whist_hash_field(&h, context.data, context.len);
    whist_hash_field(&h, phase, strlen(phase));
    whist_hash_u64(&h, ch->n);
    for (size_t i = 0; i < ch->n; i++) {
        whist_hash_field(&h, all[i].data, all[i].len);
    }
    whist_hash_final(&h, hash_out);
}

static whist_status compare_echo(const struct whist_channel *ch, const struct whist_buffer *echo,
                                 const uint8_t hash[WHIST_HASH_LEN], const char *phase,
                                 struct whist_error *err)
{
    for (size_t i = 0; i < ch->n; i++) {
        if (i == ch->me) {
            continue;
        }
        if (echo[i].len != WHIST_HASH_LEN) {
            return whist_fail(err, WHIST_ERR_PROTOCOL, (int)i, phase,
                              "the echo of party %zu has %zu bytes instead of %d", i, echo[i].len,
                              WHIST_HASH_LEN);
        }
        if (!whist_ct_equal(echo[i].data, hash, WHIST_HASH_LEN)) {
            return whist_fail(err, WHIST_ERR_CHECK, (int)i, phase,
                              "party %zu has seen other broadcast messages than this party: it, or "
                              "a party that sent them, cheats",
                              i);
        }
    }
    return WHIST_OK;
}

static whist_status exchange_echo(struct whist_channel *ch, const uint8_t hash[WHIST_HASH_LEN],
                                  const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct whist_buffer echo[WHIST_MAX_PARTIES] = {{0}};
    whist_status st;
    TRY_OUT(send_same(ch, whist_bytes(hash, WHIST_HASH_LEN), phase, deadline_ms, err));
    TRY_OUT(receive_from_all(ch, echo, phase, deadline_ms, err));
    TRY_OUT(compare_echo(ch, echo, hash, phase, err));
out:
    clear_all(echo, ch->n);
    return st;
}

whist_status whist_echo_broadcast(struct whist_channel *ch, struct whist_buffer *all_out,
                                  struct whist_bytes msg, struct whist_bytes context,
                                  const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    uint8_t hash[WHIST_HASH_LEN];
    whist_status st;
    deadline_ms = whole_deadline(ch, deadline_ms);
    TRY_OUT(keep_own(&all_out[ch->me], msg, phase, err));
    TRY_OUT(send_same(ch, msg, phase, deadline_ms, err));
    TRY_OUT(receive_from_all(ch, all_out, phase, deadline_ms, err));
    echo_hash(hash, ch, all_out, context, phase);
    TRY_OUT(exchange_echo(ch, hash, phase, deadline_ms, err));
out:
    if (st != WHIST_OK) {
        clear_all(all_out, ch->n);
    }
    return st;
}
