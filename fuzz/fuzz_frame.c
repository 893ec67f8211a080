/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Bodies of native POSTs and of their answers. The first byte chooses: an even one gives the rest
 * to the parsers, an odd one makes it a peer's side of a conversation with a live link. */
#include <string.h>

#include "channel/delivery_impl.h"
#include "fuzz.h"

#define MINE   0x1111111111111111u
#define THEIRS 0x2222222222222222u

/* ---- Parsers ---- */

static void read_frames(const struct post_view *v)
{
    struct frame_reader r = {.view = v};
    struct frame f;
    uint32_t n = 0;
    size_t payload = 0;
    while (whist_frame_next(&r, &f)) {
        HOLDS(f.phase_len <= WHIST_MAX_PHASE && f.total >= f.payload.len);
        HOLDS(f.payload.len == 0 || f.payload.data == v->payload.data + payload);
        payload += f.payload.len;
        n++;
    }
    HOLDS(n == v->tail.n_frames && payload == v->payload.len);
    HOLDS(n == 0 || v->weight == payload + (uint64_t)n * WHIST_FRAME_COST);
}

static void parse_post(const uint8_t *data, size_t size)
{
    struct post_view v;
    const char *why;
    unsigned version;
    uint8_t tail[POST_TAIL_LEN];
    if (whist_post_parse(&v, &why, &version, whist_bytes(data, size)) != POST_FINE) {
        HOLDS(why != NULL);
        return;
    }
    whist_post_put_tail(tail, &v.tail);
    HOLDS(memcmp(tail, data + size - POST_TAIL_LEN, POST_TAIL_LEN) == 0);
    read_frames(&v);
}

static void parse_answer(const uint8_t *data, size_t size)
{
    struct answer_view a;
    uint8_t again[WHIST_ANSWER_MAX];
    if (whist_answer_parse(&a, whist_bytes(data, size))) {
        HOLDS(whist_answer_put(again, &a) == size && memcmp(again, data, size) == 0);
    }
}

static void parse_abort(const uint8_t *data, size_t size)
{
    struct whist_error e, again;
    uint8_t block[ABORT_MAX];
    if (whist_abort_get(&e, whist_bytes(data, size))) {
        HOLDS(e.status != WHIST_OK);
        size_t len = whist_abort_put(block, &e);
        HOLDS(len <= size && whist_abort_get(&again, whist_bytes(block, len)));
        HOLDS(strcmp(again.text, e.text) == 0 && again.status == e.status);
    }
}

/* Every prefix, each in memory of its very size. */
static void parse_prefixes(const uint8_t *data, size_t size)
{
    for (size_t len = 0; len <= size; len += size < 300 || len + 200 > size ? 1 : 97) {
        uint8_t *exact = malloc(len + (len == 0));
        HOLDS(exact != NULL);
        if (len != 0) {
            memcpy(exact, data, len);
        }
        parse_post(exact, len);
        parse_answer(exact, len);
        parse_abort(exact, len);
        free(exact);
    }
}

/* ---- A link ---- */

static struct delivery *new_link(void)
{
    struct delivery_options o = {.n = 3, .me = 0, .peer = 1, .epoch = MINE};
    struct delivery *d = NULL;
    struct whist_error err;
    o.connect_deadline_ms = 1 << 20;
    o.window_bytes = 8192;
    o.post_bytes = 1024;
    HOLDS(whist_delivery_new(&d, &o, 1, &err) == WHIST_OK);
    return d;
}

static void check(const struct delivery *d)
{
    uint64_t held = d->assembly.active ? d->assembly.message.weight - d->assembly.streamed : 0;
    for (size_t i = 0; i < d->ring.count; i++) {
        held += d->ring.item[(d->ring.at + i) % d->ring.cap].weight;
    }
    HOLDS(d->failed || held == d->in_next - d->in_consumed);
    HOLDS(d->out_acked <= d->out_position && d->n_early <= EARLY_MAX);
    HOLDS(d->assembly.message.body.cap <= 8 * d->assembly.arrived + 4096);
}

/* Makes the end of a body a tail for this link; where it stands in the stream may stay as it came.
 */
static void mend_tail(const struct delivery *d, uint8_t *body, size_t len, unsigned how)
{
    if (len < POST_TAIL_LEN || (how & 1) == 0) {
        return;
    }
    uint8_t *tail = body + len - POST_TAIL_LEN;
    put_le64(tail, THEIRS);
    put_le64(tail + 8, MINE);
    if ((how & 2) != 0) {
        put_le64(tail + 16, tail[60] == POST_DATA ? d->in_next : 0);
        put_le64(tail + 24, tail[60] == POST_DATA ? d->in_begun : 0);
    }
    if ((how & 4) != 0) {
        put_le64(tail + 32, d->out_acked);
        tail[40 + 7] = 0;
    }
    memcpy(tail + 56, "\1\0\0\0", 4);
    memset(tail + 62, 0, 6);
    memcpy(tail + 68, "WHS\1", 4);
}

static void request(struct delivery *d, int64_t now, const uint8_t *data, size_t len, unsigned how)
{
    struct whist_buffer body = {0};
    struct delivery_answer answer;
    struct answer_view a;
    HOLDS(whist_buffer_append(&body, data, len) == WHIST_OK);
    mend_tail(d, body.data, len, how);
    whist_delivery_request(d, now, &body, &answer);
    HOLDS(body.data == NULL);
    HOLDS(whist_answer_parse(&a, whist_bytes(answer.body, answer.len)));
    HOLDS(a.from_epoch == MINE && whist_answer_status(a.kind) == answer.status);
}

/* A POST of the link is answered with the bytes, or lost. */
static void answer(struct delivery *d, int64_t now, uint8_t *data, size_t len, unsigned how)
{
    struct delivery_post post;
    if (!whist_delivery_next_post(d, now, &post)) {
        return;
    }
    size_t sum = 0;
    for (size_t i = 0; i < post.n_parts; i++) {
        sum += post.parts[i].len;
    }
    HOLDS(sum == post.len && post.body_len <= 1024);
    if ((how & 1) != 0 && len >= ANSWER_FIXED) {
        memcpy(data, "WHS\1", 4);
        put_le64(data + 8, THEIRS);
        put_le64(data + 16, MINE);
    }
    struct answer_view a;
    bool fine = whist_answer_parse(&a, whist_bytes(data, len));
    if ((how & 2) != 0) {
        whist_delivery_lost(d, now, post.id, "lost");
    } else {
        int status = fine ? whist_answer_status(a.kind) : 200 + (int)how;
        whist_delivery_answered(d, now, post.id, status, whist_bytes(data, len));
    }
}

static void application(struct delivery *d, int64_t now, unsigned how)
{
    struct whist_buffer msg = {0};
    struct whist_error err;
    static const char *const phases[] = {"", "x", "tables", "and.open"};
    if ((how & 4) != 0) {
        whist_status st = whist_buffer_resize(&msg, how * 30);
        HOLDS(st == WHIST_OK);
        memset(msg.data, 1, msg.len);
        st = whist_delivery_send(d, now, &msg, phases[how & 3], &err);
        HOLDS((st == WHIST_OK) == (msg.data == NULL));
    } else {
        bool readable = whist_delivery_readable(d);
        whist_status st = whist_delivery_take(d, now, &msg, phases[how & 3], &err);
        HOLDS(readable == (st != WHIST_ERR_TIMEOUT));
        HOLDS(st != WHIST_ERR_PROTOCOL || whist_delivery_failure(d) != NULL);
    }
    whist_buffer_clear(&msg);
}

/* Records of (kind, how, length, bytes). */
static void converse(const uint8_t *data, size_t size)
{
    struct delivery *d = new_link();
    int64_t now = 1;
    char text[300];
    bool waiting = false;
    whist_dlv_connect(d, now, THEIRS);
    while (size >= 4) {
        unsigned kind = data[0] % 8, how = data[1];
        size_t len = (size_t)data[2] | (size_t)data[3] << 8;
        data += 4;
        size -= 4;
        len = len < size ? len : size;
        uint8_t *bytes = malloc(len + 1);
        HOLDS(bytes != NULL);
        memcpy(bytes, data, len);
        if (kind < 3) {
            request(d, now, bytes, len, how);
        } else if (kind < 5) {
            answer(d, now, bytes, len, how);
        } else if (kind == 5) {
            application(d, now, how);
        } else if (kind == 6) {
            now += how * 10;
            whist_delivery_tick(d, now);
            (void)whist_delivery_next_deadline(d);
        } else if (how < 8) {
            whist_delivery_close(d, now, now + 1000);
        } else {
            waiting ? whist_delivery_wait_end(d, now) : whist_delivery_wait_begin(d, now, "x");
            waiting = !waiting;
        }
        free(bytes);
        data += len;
        size -= len;
        check(d);
    }
    HOLDS(strlen(whist_delivery_describe(d, now, text, sizeof text)) < sizeof text);
    whist_delivery_free(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65536) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        parse_prefixes(data + 1, size - 1);
    } else {
        converse(data + 1, size - 1);
    }
    return 0;
}
