/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/frame.h"

#include "channel/inbox.h"

#define HEAD_FIXED 8
#define SAME_PHASE 255

static const uint8_t magic[3] = {'W', 'H', 'S'};

static void put_le16(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static uint16_t get_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static bool printable(const uint8_t *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] < 0x20 || s[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

/* ---- Tail ---- */

void whist_post_put_tail(uint8_t out[POST_TAIL_LEN], const struct post_tail *tail)
{
    memset(out, 0, POST_TAIL_LEN);
    put_le64(out, tail->from_epoch);
    put_le64(out + 8, tail->to_epoch);
    put_le64(out + 16, tail->position);
    put_le64(out + 24, tail->first_message);
    put_le64(out + 32, tail->ack);
    put_le64(out + 40, tail->credit);
    put_le32(out + 48, tail->n_frames);
    put_le32(out + 52, tail->meta_len);
    put_le16(out + 56, tail->from);
    put_le16(out + 58, tail->to);
    out[60] = tail->kind;
    out[61] = tail->flags;
    memcpy(out + 68, magic, 3);
    out[71] = WIRE_VERSION;
}

static void get_tail(struct post_tail *tail, const uint8_t *p)
{
    *tail = (struct post_tail){
        .from_epoch = get_le64(p),
        .to_epoch = get_le64(p + 8),
        .position = get_le64(p + 16),
        .first_message = get_le64(p + 24),
        .ack = get_le64(p + 32),
        .credit = get_le64(p + 40),
        .n_frames = get_le32(p + 48),
        .meta_len = get_le32(p + 52),
        .from = get_le16(p + 56),
        .to = get_le16(p + 58),
        .kind = p[60],
        .flags = p[61],
    };
}

/* ---- Frames ---- */

size_t whist_frame_put_head(uint8_t out[FRAME_HEAD_MAX], const struct frame *frame, bool same_phase)
{
    size_t at = HEAD_FIXED;
    bool label = (frame->flags & FRAME_FIRST) != 0;
    out[0] = frame->type;
    out[1] = frame->flags;
    out[2] = label && same_phase ? SAME_PHASE : frame->phase_len;
    out[3] = 0;
    put_le32(out + 4, (uint32_t)frame->payload.len);
    if (frame->flags == FRAME_FIRST) {
        put_le64(out + at, frame->total);
        at += 8;
    }
    if (label && !same_phase && frame->phase_len != 0) {
        memcpy(out + at, frame->phase, frame->phase_len);
        at += frame->phase_len;
    }
    return at;
}

/* Reads one head at the reader's place if it is what most are, that of a short message: a whole
 * message with the label of the one before. False: read_head has to look. */
static inline bool read_short_head(struct frame_reader *r, struct frame *f)
{
    static const uint8_t short_head[4] = {FRAME_DATA, FRAME_FIRST | FRAME_LAST, SAME_PHASE, 0};
    const struct post_view *v = r->view;
    const uint8_t *p = v->meta.data + r->meta_at;
    if (v->meta.len - r->meta_at < HEAD_FIXED || memcmp(p, short_head, 4) != 0 ||
        r->phase == NULL) {
        return false;
    }
    uint32_t len = get_le32(p + 4);
    if (len > v->payload.len - r->payload_at) {
        return false;
    }
    *f = (struct frame){.type = FRAME_DATA,
                        .flags = FRAME_FIRST | FRAME_LAST,
                        .phase_len = r->phase_len,
                        .phase = r->phase,
                        .total = len};
    if (len != 0) {
        f->payload = whist_bytes(v->payload.data + r->payload_at, len);
    }
    r->meta_at += HEAD_FIXED;
    r->payload_at += len;
    return true;
}

/* Reads one head at the reader's place; false, with a phrase, if it is malformed. Payload bounds
 * are checked, so a frame's view lies inside. */
static bool read_head(struct frame_reader *r, struct frame *f, const char **why)
{
    const struct whist_bytes meta = r->view->meta;
    size_t left = meta.len - r->meta_at;
    const uint8_t *p = meta.data + r->meta_at;
    *why = NULL;
    if (read_short_head(r, f)) {
        return true;
    }
    *why = "a frame's head is cut short";
    if (left < HEAD_FIXED) {
        return false;
    }
    size_t len = get_le32(p + 4), need = HEAD_FIXED, label = p[2];
    *f = (struct frame){.type = p[0], .flags = p[1], .total = len};
    if (f->flags == FRAME_FIRST) {
        need += 8;
        if (left < need) {
            return false;
        }
        f->total = get_le64(p + HEAD_FIXED);
    }
    if (label == SAME_PHASE) {
        *why = "a frame repeats a label that is not there";
        if (r->phase == NULL || (f->flags & FRAME_FIRST) == 0) {
            return false;
        }
    } else {
        *why = "a frame's label is too long, or not printable, or misplaced";
        if (label > WHIST_MAX_PHASE || left - need < label || !printable(p + need, label) ||
            (label != 0 && (f->flags & FRAME_FIRST) == 0)) {
            return false;
        }
        if ((f->flags & FRAME_FIRST) != 0) {
            r->phase = (const char *)(p + need);
            r->phase_len = (uint8_t)label;
        }
        need += label;
    }
    *why = "a frame is longer than its POST";
    if (len > r->view->payload.len - r->payload_at) {
        return false;
    }
    if ((f->flags & FRAME_FIRST) != 0) {
        f->phase = r->phase;
        f->phase_len = r->phase_len;
    }
    if (len != 0) {
        f->payload = whist_bytes(r->view->payload.data + r->payload_at, len);
    }
    *why = p[3] != 0 ? "a reserved byte is not 0" : NULL;
    r->meta_at += need;
    r->payload_at += len;
    return *why == NULL;
}

bool whist_frame_next(struct frame_reader *r, struct frame *frame_out)
{
    const char *why;
    return r->view->tail.kind == POST_DATA && r->meta_at < r->view->meta.len &&
           read_head(r, frame_out, &why);
}

/* What one frame must be at its place; NULL if it is. */
static const char *frame_rules(const struct frame *f, uint32_t index, uint32_t n)
{
    bool first = (f->flags & FRAME_FIRST) != 0, last = (f->flags & FRAME_LAST) != 0;
    if ((f->flags & ~(FRAME_FIRST | FRAME_LAST)) != 0) {
        return "a frame has unknown flags";
    }
    if (f->type == FRAME_FIN) {
        bool fine = first && last && f->payload.len == FIN_LEN && f->phase_len == 0;
        return fine && index + 1 == n ? NULL : "a FIN has not its form or its place";
    }
    if (f->type != FRAME_DATA) {
        return "a frame has an unknown type";
    }
    if ((!first && index != 0) || (!last && index + 1 != n)) {
        return "a part of a message stands inside a POST";
    }
    if (f->payload.len == 0 && !(first && last)) {
        return "a part of a message is empty";
    }
    if (f->flags == FRAME_FIRST && (f->total <= f->payload.len || f->total > POSITION_MAX)) {
        return "a message's length does not fit its first part";
    }
    return NULL;
}

static const char *parse_frames(struct post_view *v)
{
    struct frame_reader r = {.view = v};
    struct frame f;
    const char *why = NULL;
    v->whole = true;
    for (uint32_t i = 0; i < v->tail.n_frames; i++) {
        if (!read_head(&r, &f, &why)) {
            return why;
        }
        why = frame_rules(&f, i, v->tail.n_frames);
        if (why != NULL) {
            return why;
        }
        v->weight += f.payload.len + WHIST_FRAME_COST;
        v->whole = v->whole && f.type == FRAME_DATA && f.flags == (FRAME_FIRST | FRAME_LAST);
    }
    if (v->tail.n_frames == 0 || r.meta_at != v->meta.len || r.payload_at != v->payload.len) {
        return "the frames do not fill their POST";
    }
    return NULL;
}

/* The fields that each kind must leave empty, and the form of its meta. */
static const char *parse_meta(struct post_view *v)
{
    const struct post_tail *t = &v->tail;
    if (t->kind == POST_DATA) {
        return parse_frames(v);
    }
    if (t->n_frames != 0 || t->position != 0 || t->first_message != 0 || v->payload.len != 0) {
        return "bytes or frames where none may be";
    }
    struct hello hello;
    struct whist_error abort;
    switch (t->kind) {
    case POST_HELLO:
        return whist_hello_get(&hello, v->meta) ? NULL : "a malformed hello";
    case POST_UPDATE:
        return v->meta.len == 0 ? NULL : "bytes or frames where none may be";
    case POST_ABORT:
        return whist_abort_get(&abort, v->meta) ? NULL : "a malformed abort";
    default:
        return "an unknown kind of POST";
    }
}

static const char *tail_rules(const struct post_tail *t, const uint8_t *p)
{
    if (t->from_epoch == 0 || (t->to_epoch == 0 && t->kind != POST_HELLO)) {
        return "an epoch of 0";
    }
    if (t->position > POSITION_MAX || t->first_message > POSITION_MAX || t->ack > POSITION_MAX ||
        t->credit > POSITION_MAX) {
        return "a number out of range";
    }
    bool reserved = get_le32(p + 62) != 0 || get_le16(p + 66) != 0;
    return (t->flags & ~FLAG_COMPLETE) != 0 || reserved ? "reserved bits are not 0" : NULL;
}

post_flaw whist_post_parse(struct post_view *view_out, const char **why_out, unsigned *version_out,
                           struct whist_bytes body)
{
    struct post_view v = {0};
    *why_out = "not a POST of this wire";
    if (body.len < POST_TAIL_LEN || memcmp(body.data + body.len - 4, magic, 3) != 0) {
        return POST_FOREIGN;
    }
    const uint8_t *tail = body.data + body.len - POST_TAIL_LEN;
    *version_out = tail[POST_TAIL_LEN - 1];
    if (*version_out != WIRE_VERSION) {
        *why_out = "another version of the wire";
        return POST_VERSION;
    }
    get_tail(&v.tail, tail);
    size_t left = body.len - POST_TAIL_LEN;
    *why_out = tail_rules(&v.tail, tail);
    if (*why_out == NULL && v.tail.meta_len > left) {
        *why_out = "the heads are longer than the POST";
    }
    if (*why_out != NULL) {
        return POST_BAD;
    }
    v.payload = whist_bytes(body.data, left - v.tail.meta_len);
    v.meta = whist_bytes(body.data + v.payload.len, v.tail.meta_len);
    *why_out = parse_meta(&v);
    if (*why_out != NULL) {
        return POST_BAD;
    }
    *view_out = v;
    return POST_FINE;
}

uint8_t whist_post_seems(struct whist_bytes body)
{
    return body.len >= POST_TAIL_LEN ? body.data[body.len - POST_TAIL_LEN + 60] : 0;
}

bool whist_post_begins_message(struct whist_bytes body)
{
    if (whist_post_seems(body) != POST_DATA) {
        return false;
    }
    const uint8_t *tail = body.data + body.len - POST_TAIL_LEN;
    size_t meta_len = get_le32(tail + 52);
    return meta_len >= HEAD_FIXED && meta_len <= body.len - POST_TAIL_LEN &&
           (tail[1 - (ptrdiff_t)meta_len] & FRAME_FIRST) != 0;
}

/* ---- Blocks ---- */

void whist_hello_put(uint8_t out[HELLO_LEN], const struct hello *hello)
{
    put_le32(out, hello->n);
    put_le32(out + 4, 0);
    memcpy(out + 8, hello->session, WHIST_SESSION_LEN);
    memcpy(out + 24, hello->config, WHIST_CONFIG_LEN);
}

bool whist_hello_get(struct hello *hello_out, struct whist_bytes block)
{
    if (block.len != HELLO_LEN || get_le32(block.data + 4) != 0) {
        return false;
    }
    hello_out->n = get_le32(block.data);
    memcpy(hello_out->session, block.data + 8, WHIST_SESSION_LEN);
    memcpy(hello_out->config, block.data + 24, WHIST_CONFIG_LEN);
    return true;
}

size_t whist_abort_put(uint8_t out[ABORT_MAX], const struct whist_error *why)
{
    size_t phase_len = strnlen(why->phase, WHIST_MAX_PHASE);
    size_t text_len = strnlen(why->text, ABORT_TEXT);
    out[0] = (uint8_t)why->status;
    out[1] = (uint8_t)phase_len;
    put_le16(out + 2, (uint16_t)text_len);
    memcpy(out + 4, why->phase, phase_len);
    memcpy(out + 4 + phase_len, why->text, text_len);
    for (size_t i = 4; i < 4 + phase_len + text_len; i++) {
        out[i] = printable(out + i, 1) ? out[i] : '?';
    }
    return 4 + phase_len + text_len;
}

static bool known_failure(uint8_t status)
{
    return status != WHIST_OK && strcmp(whist_status_name((whist_status)status), "unknown") != 0;
}

bool whist_abort_get(struct whist_error *why_out, struct whist_bytes block)
{
    if (block.len < 4) {
        return false;
    }
    size_t phase_len = block.data[1], text_len = get_le16(block.data + 2);
    if (phase_len > WHIST_MAX_PHASE || text_len > ABORT_TEXT ||
        block.len != 4 + phase_len + text_len) {
        return false;
    }
    whist_status status = WHIST_ERR_ABORTED;
    if (known_failure(block.data[0])) {
        status = (whist_status)block.data[0];
    }
    *why_out = (struct whist_error){.status = status, .peer = WHIST_NO_PEER};
    memcpy(why_out->phase, block.data + 4, phase_len);
    memcpy(why_out->text, block.data + 4 + phase_len, text_len);
    whist_make_printable(why_out->phase);
    whist_make_printable(why_out->text);
    return true;
}

void whist_fin_put(uint8_t out[FIN_LEN], const struct fin *fin)
{
    put_le64(out, fin->messages);
    put_le64(out + 8, fin->bytes);
    memcpy(out + 16, fin->hash, 32);
}

bool whist_fin_get(struct fin *fin_out, struct whist_bytes block)
{
    if (block.len != FIN_LEN) {
        return false;
    }
    fin_out->messages = get_le64(block.data);
    fin_out->bytes = get_le64(block.data + 8);
    memcpy(fin_out->hash, block.data + 16, 32);
    return true;
}

/* ---- Answers ---- */

size_t whist_answer_put(uint8_t out[WHIST_ANSWER_MAX], const struct answer_view *a)
{
    size_t at = ANSWER_FIXED, room = WHIST_ANSWER_MAX - ANSWER_FIXED - a->hello.len;
    size_t meta_len = a->meta.len < room ? a->meta.len : room;
    WHIST_REQUIRE(a->hello.len == 0 || a->hello.len == HELLO_LEN);
    memcpy(out, magic, 3);
    out[3] = WIRE_VERSION;
    out[4] = a->kind;
    out[5] = (uint8_t)((a->flags & ~FLAG_HELLO) | (a->hello.len != 0 ? FLAG_HELLO : 0));
    put_le16(out + 6, (uint16_t)meta_len);
    put_le64(out + 8, a->from_epoch);
    put_le64(out + 16, a->to_epoch);
    put_le64(out + 24, a->ack);
    put_le64(out + 32, a->credit);
    if (a->hello.len != 0) {
        memcpy(out + at, a->hello.data, HELLO_LEN);
        at += HELLO_LEN;
    }
    if (meta_len != 0) {
        memcpy(out + at, a->meta.data, meta_len);
    }
    return at + meta_len;
}

bool whist_answer_parse(struct answer_view *answer_out, struct whist_bytes body)
{
    if (body.len < ANSWER_FIXED || memcmp(body.data, magic, 3) != 0 ||
        body.data[3] != WIRE_VERSION) {
        return false;
    }
    const uint8_t *p = body.data;
    struct answer_view a = {.kind = p[4],
                            .flags = p[5],
                            .from_epoch = get_le64(p + 8),
                            .to_epoch = get_le64(p + 16),
                            .ack = get_le64(p + 24),
                            .credit = get_le64(p + 32)};
    size_t hello_len = (a.flags & FLAG_HELLO) != 0 ? HELLO_LEN : 0, meta_len = get_le16(p + 6);
    if (body.len != ANSWER_FIXED + hello_len + meta_len || body.len > WHIST_ANSWER_MAX ||
        whist_answer_status(a.kind) == 0 || (a.flags & ~(FLAG_COMPLETE | FLAG_HELLO)) != 0 ||
        a.from_epoch == 0 || a.ack > POSITION_MAX || a.credit > POSITION_MAX) {
        return false;
    }
    a.hello = whist_bytes(p + ANSWER_FIXED, hello_len);
    a.meta = whist_bytes(p + ANSWER_FIXED + hello_len, meta_len);
    struct hello hello;
    if (hello_len != 0 && !whist_hello_get(&hello, a.hello)) {
        return false;
    }
    *answer_out = a;
    return true;
}

bool whist_answer_foreign_version(unsigned *version_out, struct whist_bytes body)
{
    if (body.len < 4 || memcmp(body.data, magic, 3) != 0 || body.data[3] == WIRE_VERSION) {
        return false;
    }
    *version_out = body.data[3];
    return true;
}

int whist_answer_status(uint8_t kind)
{
    static const int status[] = {0, 200, 410, 410, 409, 400, 503, 404};
    return kind < sizeof status / sizeof status[0] ? status[kind] : 0;
}
