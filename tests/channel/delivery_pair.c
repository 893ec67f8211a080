/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "delivery_pair.h"

void pair_init(struct pair *p)
{
    *p = (struct pair){.now = 10000};
    for (size_t i = 1; i <= 2; i++) {
        p->opt[i] = (struct delivery_options){.n = 3,
                                              .me = i,
                                              .peer = 3 - i,
                                              .epoch = EPOCH(i),
                                              .seed = i,
                                              .connect_deadline_ms = p->now + 60000};
        memset(p->opt[i].session, 0x5e, WHIST_SESSION_LEN);
        memset(p->opt[i].config, 0xc0, WHIST_CONFIG_LEN);
    }
}

void pair_start(struct pair *p)
{
    for (size_t i = 1; i <= 2; i++) {
        CHECK_OK(whist_delivery_new(&p->d[i], &p->opt[i], p->now, &p->err), p->err);
    }
}

void pair_open(struct pair *p)
{
    pair_init(p);
    pair_start(p);
    pair_shuttle(p);
    CHECK(whist_delivery_connected(p->d[1]) && whist_delivery_connected(p->d[2]));
}

void pair_free(struct pair *p)
{
    whist_delivery_free(p->d[1]);
    whist_delivery_free(p->d[2]);
}

bool pair_post(struct pair *p, size_t i, struct carried *c)
{
    struct delivery_post post;
    size_t len = 0;
    if (!whist_delivery_next_post(p->d[i], p->now, &post)) {
        return false;
    }
    *c = (struct carried){.id = post.id, .from = i, .to = 3 - i};
    for (size_t k = 0; k < post.n_parts; k++) {
        CHECK(whist_buffer_append(&c->body, post.parts[k].data, post.parts[k].len) == WHIST_OK);
        len += post.parts[k].len;
    }
    CHECK(len == post.len);
    c->body_len = post.body_len;
    return true;
}

struct delivery_answer pair_arrive(struct pair *p, const struct carried *c)
{
    struct whist_buffer copy = {0};
    struct delivery_answer a;
    CHECK(whist_buffer_append(&copy, c->body.data, c->body.len) == WHIST_OK);
    whist_delivery_request(p->d[c->to], p->now, &copy, &a);
    CHECK(copy.data == NULL && a.len <= sizeof a.body);
    return a;
}

void pair_answer(struct pair *p, struct carried *c, const struct delivery_answer *a)
{
    whist_delivery_answered(p->d[c->from], p->now, c->id, a->status, whist_bytes(a->body, a->len));
    whist_buffer_clear(&c->body);
}

void pair_lose(struct pair *p, struct carried *c, const char *reason)
{
    whist_delivery_lost(p->d[c->from], p->now, c->id, reason);
    whist_buffer_clear(&c->body);
}

int pair_carry(struct pair *p, struct carried *c)
{
    struct delivery_answer a = pair_arrive(p, c);
    pair_answer(p, c, &a);
    return a.status;
}

size_t pair_shuttle(struct pair *p)
{
    struct carried c;
    size_t n = 0;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 1; i <= 2; i++) {
            while (pair_post(p, i, &c)) {
                pair_carry(p, &c);
                more = true;
                n++;
                CHECK(n < 1000000);
            }
        }
    }
    return n;
}

void pair_run(struct pair *p, int64_t t, bool shuttle)
{
    while (shuttle) {
        int64_t a = whist_delivery_next_deadline(p->d[1]);
        int64_t b = whist_delivery_next_deadline(p->d[2]);
        int64_t next = a < b ? a : b;
        if (next > t) {
            break;
        }
        p->now = next > p->now ? next : p->now;
        whist_delivery_tick(p->d[1], p->now);
        whist_delivery_tick(p->d[2], p->now);
        pair_shuttle(p);
    }
    p->now = t;
    whist_delivery_tick(p->d[1], p->now);
    whist_delivery_tick(p->d[2], p->now);
}

void pair_send(struct pair *p, size_t i, size_t len, uint8_t b, const char *phase)
{
    struct whist_buffer msg = {0};
    CHECK(whist_buffer_resize(&msg, len) == WHIST_OK);
    if (len != 0) {
        memset(msg.data, b, len);
    }
    CHECK_OK(whist_delivery_send(p->d[i], p->now, &msg, phase, &p->err), p->err);
    CHECK(msg.data == NULL && msg.len == 0);
}

void pair_take(struct pair *p, size_t i, size_t len, uint8_t b, const char *phase)
{
    struct whist_buffer msg = {0};
    CHECK_OK(whist_delivery_take(p->d[i], p->now, &msg, phase, &p->err), p->err);
    CHECK_MSG(msg.len == len, "%zu bytes, not %zu", msg.len, len);
    for (size_t k = 0; k < len; k++) {
        CHECK(msg.data[k] == b);
    }
    whist_buffer_clear(&msg);
}

whist_status pair_try_take(struct pair *p, size_t i, const char *phase)
{
    struct whist_buffer msg = {0};
    whist_status st = whist_delivery_take(p->d[i], p->now, &msg, phase, &p->err);
    whist_buffer_clear(&msg);
    return st;
}

void pair_failed(struct pair *p, size_t i, whist_status status, const char *part)
{
    const struct whist_error *e = whist_delivery_failure(p->d[i]);
    CHECK_MSG(e != NULL, "party %zu has not failed: %s", i, part);
    CHECK_MSG(e->status == status, "%s: %s", whist_status_name(e->status), e->text);
    CHECK_MSG(strstr(e->text, part) != NULL, "%s: not in: %s", part, e->text);
    CHECK(e->peer == (int)(3 - i));
}
