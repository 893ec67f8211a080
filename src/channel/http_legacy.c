/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the legacy mode does with requests: POST …/msg/{from} goes into the inbox of that sender;
 * when it is full the answer is held. I/O thread only. */
#include <stdio.h>

#include "channel/http_impl.h"
#include "channel/http_route.h"

#define ANSWER_ROOM 512 /* bytes of an answer without text, at most */

/* ---- Delivery ---- */

static void refuse_message(struct http_server *s, struct http_conn *c, inbox_result result)
{
    struct http_channel *ch = s->owner;
    struct whist_error why;
    char text[160];

    whist_buffer_clear(&c->parser.body);
    if (result == INBOX_NOMEM) {
        whist_httpd_answer_text(s, c, 503, "Out of memory");
    } else if (atomic_load(&ch->last_sent)) {
        /* The peers learn of the abort by a message; until then nothing may look like a fault. */
        whist_httpd_answer(s, c, 200, false, whist_bytes(NULL, 0));
    } else {
        bool failed = whist_inbox_failed(&ch->inbox, NULL, &why);
        snprintf(text, sizeof text, "This party has stopped: %s",
                 failed ? whist_status_text(why.status) : "it gave up on yours");
        whist_httpd_answer_text(s, c, 503, text);
    }
    whist_httpd_end_request(s, c);
}

/* Tries to queue the present message; false if there is no room. */
static bool deliver(struct http_server *s, struct http_conn *c)
{
    struct http_channel *ch = s->owner;
    inbox_result result;

    /* Memory for the answer comes first: a message without one would be sent again. */
    if (!whist_httpd_reserve(s, c, ANSWER_ROOM)) {
        return true;
    }
    result = whist_inbox_push(&ch->inbox, c->from, &c->parser.body, NULL);
    if (result == INBOX_FULL) {
        return false;
    }
    if (result != INBOX_OK) {
        refuse_message(s, c, result);
        return true;
    }
    c->proven = true;
    whist_httpd_answer(s, c, 200, false, whist_bytes(NULL, 0));
    whist_httpd_end_request(s, c);
    return true;
}

static bool is_anybody_held(const struct http_server *s, size_t from)
{
    for (const struct http_conn *c = s->held; c != NULL; c = c->next_held) {
        if (c->from == from) {
            return true;
        }
    }
    return false;
}

/* The present request is a whole message. One that comes on another connection while an earlier one
 * of the same sender is held stays behind it. */
static void take_message(struct http_server *s, struct http_conn *c)
{
    if (!is_anybody_held(s, c->from) && deliver(s, c)) {
        return;
    }
    whist_httpd_hold(s, c);
}

void whist_http_retry_held(struct http_channel *ch)
{
    struct http_server *s = &ch->server;
    struct http_conn *c = s->held, *next;
    uint64_t full = 0; /* senders; n <= 64 */

    for (; c != NULL; c = next) {
        uint64_t bit = (uint64_t)1 << c->from;
        next = c->next_held;
        if ((full & bit) != 0) {
            continue;
        }
        if (!deliver(s, c)) {
            full |= bit;
            continue;
        }
        whist_httpd_release(s, c);
    }
}

/* ---- Heads ---- */

static void warn_of_own_index(struct http_channel *ch, const struct http_conn *c)
{
    struct http_server *s = &ch->server;

    if (c->from == ch->base.me && (s->warned & 1) == 0) {
        s->warned |= 1;
        whist_logf(
            &s->log, WHIST_LOG_WARN,
            "http: a message says that it comes from party %zu, which is this one: is another "
            "party running with the same index?",
            c->from);
    }
}

static void take_head(struct http_server *s, struct http_conn *c)
{
    struct http_channel *ch = s->owner;
    struct whist_http_route route;

    if (whist_http_route(&route, &c->parser, ch->peers[ch->base.me].url.prefix, ch->base.n) !=
        WHIST_OK) {
        whist_httpd_end(s, c);
        return;
    }
    if (route.status == 200) {
        c->from = route.from;
        warn_of_own_index(ch, c);
        return;
    }
    /* Who waits for a 100 may or may not send the body now: only a new connection is unambiguous.
     */
    c->last = c->parser.expect_continue;
    whist_httpd_answer(s, c, route.status, route.allow_post, whist_buffer_view(&route.text));
    whist_buffer_clear(&route.text);
}

const struct http_service whist_http_legacy_service = {
    .head = take_head,
    .message = take_message,
};
