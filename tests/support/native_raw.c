/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "native_raw.h"

#include <unistd.h>

#include "ports.h"

void raw_party_start(struct raw_party *p, const struct whist_http_options *options,
                     const char *prefix)
{
    struct whist_http_options o = options != NULL ? *options : (struct whist_http_options){0};
    struct whist_error err = {0};
    char urls[2][80];
    uint16_t peer_port;
    int fd = listen_loopback(&p->port);

    *p = (struct raw_party){.port = p->port, .listener = listen_loopback(&peer_port)};
    snprintf(urls[0], sizeof urls[0], "http://127.0.0.1:%u%s", (unsigned)p->port, prefix);
    snprintf(urls[1], sizeof urls[1], "http://127.0.0.1:%u%s", (unsigned)peer_port, prefix);
    const char *const pointers[] = {urls[0], urls[1]};
    o.n = 2;
    o.me = 0;
    o.urls = pointers;
    for (unsigned i = 0; i < 16; i++) {
        o.session[i] = (uint8_t)(0x11 * i);
    }
    CHECK_OK(whist_channel_native_new_fd(&p->ch, &o, fd, &err), err);
    CHECK(whist_channel_http_port(p->ch) == p->port);
}

void raw_party_stop(struct raw_party *p)
{
    whist_channel_free(p->ch);
    close(p->listener);
}

static struct post_tail tail_of(const struct raw_party *p, uint8_t kind)
{
    return (struct post_tail){.from_epoch = RAW_EPOCH,
                              .to_epoch = p->epoch,
                              .ack = p->received,
                              .credit = p->received + (1 << 20),
                              .from = 1,
                              .to = 0,
                              .kind = kind};
}

size_t raw_hello(const struct raw_party *p, uint8_t *out)
{
    struct post_tail tail = tail_of(p, POST_HELLO);
    struct hello hello = {.n = 2};

    for (unsigned i = 0; i < 16; i++) {
        hello.session[i] = (uint8_t)(0x11 * i);
    }
    tail.meta_len = HELLO_LEN;
    whist_hello_put(out, &hello);
    whist_post_put_tail(out + HELLO_LEN, &tail);
    return HELLO_LEN + POST_TAIL_LEN;
}

size_t raw_data(struct raw_party *p, uint8_t *out, const void *payload, size_t len,
                const char *phase)
{
    struct post_tail tail = tail_of(p, POST_DATA);
    struct frame f = {.type = FRAME_DATA,
                      .flags = FRAME_FIRST | FRAME_LAST,
                      .phase = phase,
                      .phase_len = (uint8_t)strlen(phase),
                      .payload = whist_bytes(payload, len),
                      .total = len};
    size_t at = len;

    memcpy(out, payload, len);
    tail.meta_len = (uint32_t)whist_frame_put_head(out + at, &f, false);
    at += tail.meta_len;
    tail.n_frames = 1;
    tail.position = p->position;
    tail.first_message = p->messages++;
    p->position += len + WHIST_FRAME_COST;
    whist_post_put_tail(out + at, &tail);
    return at + POST_TAIL_LEN;
}

void raw_post(int fd, const char *path, const char *extra, const void *body, size_t len)
{
    char head[4096];
    int n = snprintf(head, sizeof head,
                     "POST %s HTTP/1.1\r\nhost: x\r\ncontent-type: application/octet-stream\r\n"
                     "%scontent-length: %zu\r\n\r\n",
                     path, extra, len);

    CHECK(n > 0 && (size_t)n < sizeof head);
    raw_send(fd, head, (size_t)n);
    raw_send(fd, body, len);
}

struct raw_message *raw_message_read(int fd)
{
    struct raw_message *m = malloc(sizeof *m);
    const char *field;

    CHECK(m != NULL);
    m->head_len = m->len = 0;
    do {
        CHECK(m->head_len < sizeof m->head - 1);
        raw_read(fd, m->head + m->head_len++, 1);
        m->head[m->head_len] = '\0';
    } while (m->head_len < 4 || strcmp(m->head + m->head_len - 4, "\r\n\r\n") != 0);
    field = strstr(m->head, "\r\ncontent-length: ");
    m->len = field != NULL ? (size_t)atol(field + 18) : 0;
    CHECK(m->len <= sizeof m->body);
    raw_read(fd, m->body, m->len);
    return m;
}

static int status_of(const struct raw_message *m)
{
    CHECK_MSG(memcmp(m->head, "HTTP/1.1 ", 9) == 0, "%s", m->head);
    return atoi(m->head + 9);
}

int raw_status(int fd)
{
    struct raw_message *m = raw_message_read(fd);
    int status = status_of(m);

    free(m);
    return status;
}

void raw_expect_text(int fd, int status, const char *part)
{
    struct raw_message *m = raw_message_read(fd);

    m->body[m->len] = '\0';
    CHECK_MSG(status_of(m) == status && strstr((char *)m->body, part) != NULL, "%s%s", m->head,
              (char *)m->body);
    CHECK(m->len == 0 || strstr(m->head, "content-type: text/plain; charset=utf-8\r\n") != NULL);
    free(m);
}

struct raw_message *raw_expect_machine(int fd, int status, struct answer_view *view_out)
{
    struct raw_message *m = raw_message_read(fd);

    CHECK_MSG(status_of(m) == status, "%s", m->head);
    CHECK_MSG(strstr(m->head, "\r\ncontent-type: application/octet-stream\r\n") != NULL, "%s",
              m->head);
    CHECK(whist_answer_parse(view_out, whist_bytes(m->body, m->len)));
    return m;
}

int raw_party_contact(struct raw_party *p, int fd)
{
    struct answer_view view;
    uint8_t body[256];
    int from = raw_accept(p->listener);
    struct raw_message *hello = raw_message_read(from);

    CHECK(hello->len == HELLO_LEN + POST_TAIL_LEN);
    p->epoch = get_le64(hello->body + HELLO_LEN);
    raw_answer(from, p, 0, true, "");
    free(hello);
    raw_post(fd, RAW_PATH, "", body, raw_hello(p, body));
    struct raw_message *m = raw_expect_machine(fd, 200, &view);
    CHECK(view.kind == ANSWER_OK && view.hello.len == HELLO_LEN && view.to_epoch == RAW_EPOCH);
    CHECK(p->epoch == view.from_epoch);
    free(m);
    return from;
}

void raw_answer(int fd, const struct raw_party *p, uint64_t ack, bool hello, const char *extra)
{
    uint8_t body[WHIST_ANSWER_MAX], block[HELLO_LEN];
    char head[400];
    struct hello h = {.n = 2};
    struct answer_view a = {.kind = ANSWER_OK,
                            .from_epoch = RAW_EPOCH,
                            .to_epoch = p->epoch,
                            .ack = ack,
                            .credit = ack + (1 << 26)};

    if (hello) {
        for (unsigned i = 0; i < 16; i++) {
            h.session[i] = (uint8_t)(0x11 * i);
        }
        whist_hello_put(block, &h);
        a.hello = whist_bytes(block, sizeof block);
    }
    size_t len = whist_answer_put(body, &a);
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 200 OK\r\n%scontent-type: application/octet-stream\r\n"
                     "content-length: %zu\r\n\r\n",
                     extra, len);
    raw_send(fd, head, (size_t)n);
    raw_send(fd, body, len);
}
