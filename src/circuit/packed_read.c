/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Reader of packed circuits: bytes to gates. Each count and slot is checked before it is used. */
#include "circuit/packed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum { BUFFER = 1 << 16 };

/* Input bits that a file may declare, however short it is. */
#define FREE_INPUTS ((uint64_t)1 << 24)

whist_status packed_fail(const struct packed_reader *r, whist_status status, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return whist_fail(r->err, status, WHIST_NO_PEER, NULL, "byte %" PRIu64 ": %s",
                      r->at - (r->len - r->pos), text);
}

static whist_status malformed(const struct packed_reader *r, const char *what)
{
    return packed_fail(r, WHIST_ERR_FORMAT, "%s", what);
}

/* ---- Bytes ---- */

static uint64_t file_len(const struct packed_reader *r)
{
    return r->file.read != NULL ? r->file.len : r->file.bytes.len;
}

static whist_status read_at(const struct packed_reader *r, uint8_t *out, uint64_t at, size_t len)
{
    if (r->file.read != NULL) {
        return r->file.read(r->file.ctx, out, at, len, r->err);
    }
    memcpy(out, r->file.bytes.data + at, len);
    return WHIST_OK;
}

/* Fills the buffer, which is used up. */
static whist_status refill(struct packed_reader *r)
{
    uint64_t left = r->end - r->at;
    size_t n = left < BUFFER ? (size_t)left : BUFFER;

    if (n == 0) {
        return malformed(r, "the file ends in the midst of a circuit");
    }
    r->pos = r->len = 0;
    TRY(read_at(r, r->buf, r->at, n));
    crypto_generichash_update(&r->hash, r->buf, n);
    r->at += n;
    r->len = n;
    return WHIST_OK;
}

static inline whist_status byte(struct packed_reader *r, uint8_t *out)
{
    if (r->pos == r->len) {
        TRY(refill(r));
    }
    *out = r->buf[r->pos++];
    return WHIST_OK;
}

static whist_status bytes(struct packed_reader *r, uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        TRY(byte(r, out + i));
    }
    return WHIST_OK;
}

/* Seven bits a byte, the least significant first; the top bit: more follow. There is one way to
 * spell a number, of 5 bytes at most. */
static inline whist_status number(struct packed_reader *r, uint64_t *out)
{
    uint64_t v = 0;
    uint8_t b = 0;

    for (unsigned shift = 0; shift < 35; shift += 7) {
        TRY(byte(r, &b));
        v |= (uint64_t)(b & 127) << shift;
        if (b < 128) {
            *out = v;
            return b != 0 || shift == 0 ? WHIST_OK : malformed(r, "a number has a needless byte");
        }
    }
    return malformed(r, "a number has more than 5 bytes");
}

static whist_status fixed(struct packed_reader *r, uint64_t expected, const char *what)
{
    uint8_t text[8];

    TRY(bytes(r, text, sizeof text));
    return get_le64(text) == expected
               ? WHIST_OK
               : packed_fail(r, WHIST_ERR_FORMAT, "the file says %" PRIu64 " %s, but has %" PRIu64,
                             get_le64(text), what, expected);
}

/* ---- Head ---- */

bool whist_packed_begins(struct whist_bytes start)
{
    return start.len >= PACKED_MAGIC_LEN && memcmp(start.data, PACKED_MAGIC, PACKED_MAGIC_LEN) == 0;
}

static whist_status read_version(struct packed_reader *r)
{
    uint8_t start[PACKED_MAGIC_LEN], version[PACKED_VERSION_LEN];

    TRY(bytes(r, start, sizeof start));
    if (!whist_packed_begins(whist_bytes(start, sizeof start))) {
        return malformed(r, "this is no packed circuit");
    }
    TRY(bytes(r, version, sizeof version));
    return get_le32(version) == PACKED_VERSION
               ? WHIST_OK
               : packed_fail(r, WHIST_ERR_UNSUPPORTED,
                             "version %" PRIu32 " of the format; known is version %d",
                             get_le32(version), PACKED_VERSION);
}

static whist_status read_description(struct packed_reader *r, struct whist_buffer *out)
{
    uint8_t text[256];
    uint64_t len = 0;

    TRY(number(r, &len));
    if (len > PACKED_MAX_DESCRIPTION) {
        return packed_fail(r, WHIST_ERR_LIMIT, "the description has more than 2^24 bytes");
    }
    for (size_t n; len != 0; len -= n) {
        n = len < sizeof text ? (size_t)len : sizeof text;
        TRY(bytes(r, text, n));
        if (out != NULL && whist_buffer_append(out, text, n) != WHIST_OK) {
            return no_memory(r->err);
        }
    }
    return WHIST_OK;
}

static whist_status read_groups(struct packed_reader *r, struct numbers *widths, uint32_t *bits_out)
{
    uint64_t n = 0, width = 0, bits = 0;

    widths->len = 0;
    TRY(number(r, &n));
    for (uint64_t i = 0; i < n; i++) {
        TRY(number(r, &width));
        bits += width;
        if (width == 0) {
            return malformed(r, "a value has no wires");
        }
        if (bits > WHIST_MAX_WIRES) {
            return packed_fail(r, WHIST_ERR_LIMIT, "the circuit has more than 2^31 wires");
        }
        if (numbers_push(widths, (uint32_t)width) != WHIST_OK) {
            return no_memory(r->err);
        }
    }
    *bits_out = (uint32_t)bits;
    return WHIST_OK;
}

whist_status packed_start(struct packed_reader *r, struct whist_buffer *description_out)
{
    uint64_t len = file_len(r);

    if (r->buf == NULL) {
        r->buf = whist_alloc(BUFFER, 1);
        if (r->buf == NULL || sodium_init() < 0) {
            return no_memory(r->err);
        }
    }
    r->end = len < PACKED_DIGEST ? 0 : len - PACKED_DIGEST;
    r->at = r->pos = r->len = 0;
    r->n_gates = r->n_ands = r->last = 0;
    crypto_generichash_init(&r->hash, NULL, 0, PACKED_DIGEST);
    TRY(read_version(r));
    TRY(read_description(r, description_out));
    TRY(read_groups(r, &r->inputs, &r->n_input_bits));
    /* Inputs cost no bytes, so a limit keeps memory in proportion to them. */
    if (r->n_input_bits > FREE_INPUTS && r->n_input_bits > len) {
        return packed_fail(r, WHIST_ERR_FORMAT,
                           "%" PRIu32 " input wires, which the file is too short to use",
                           r->n_input_bits);
    }
    TRY(read_groups(r, &r->outputs, &r->n_output_bits));
    r->n_slots = r->n_input_bits;
    return r->n_output_bits != 0 ? WHIST_OK : malformed(r, "the circuit has no outputs");
}

/* ---- Gates ---- */

/* A slot that has a value. */
static inline whist_status slot(struct packed_reader *r, uint32_t *out, uint32_t from)
{
    uint64_t v = 0;

    TRY(number(r, &v));
    int64_t s = (int64_t)from + packed_unfold(v);
    if (s < 0 || s >= (int64_t)r->n_slots) {
        return packed_fail(r, WHIST_ERR_FORMAT, "slot %" PRId64 " has no value yet", s);
    }
    *out = (uint32_t)s;
    return WHIST_OK;
}

static inline whist_status operand(struct packed_reader *r, uint32_t *out, bool last, uint32_t from)
{
    if (!last) {
        TRY(slot(r, out, from));
        return *out != r->last ? WHIST_OK : malformed(r, "the slot written last is spelt out");
    }
    *out = r->last;
    return r->last < r->n_slots ? WHIST_OK : malformed(r, "no slot has been written yet");
}

static inline whist_status result(struct packed_reader *r, struct whist_gate *g, uint8_t where)
{
    bool reads_a = op_reads_a(g->op), reads_b = op_reads_b(g->op);

    switch (where) {
    case PACKED_NEW:
        g->out = r->n_slots++;
        return WHIST_OK;
    case PACKED_TO_A:
        g->out = g->a;
        return reads_a ? WHIST_OK : malformed(r, "a gate without operands writes to one");
    case PACKED_TO_B:
        g->out = g->b;
        return reads_b && g->a != g->b
                   ? WHIST_OK
                   : malformed(r, "a gate without a second operand writes to it");
    default:
        TRY(slot(r, &g->out, reads_a ? g->a : r->last));
        return (reads_a && g->out == g->a) || (reads_b && g->out == g->b)
                   ? malformed(r, "an operand's slot is spelt out")
                   : WHIST_OK;
    }
}

whist_status packed_next(struct packed_reader *r, struct whist_gate *gate_out)
{
    struct whist_gate g = {0};
    uint8_t head = 0;

    TRY(byte(r, &head));
    g.op = head & PACKED_KIND;
    if (head == PACKED_END) {
        gate_out->op = PACKED_END;
        return WHIST_OK;
    }
    if (g.op > WHIST_OP_CONST1 || head > 127 ||
        (!op_reads_a(g.op) && (head & PACKED_A_LAST) != 0) ||
        (!op_reads_b(g.op) && (head & PACKED_B_LAST) != 0)) {
        return packed_fail(r, WHIST_ERR_FORMAT, "0x%02x begins no gate", head);
    }
    if (r->n_gates + r->n_input_bits >= WHIST_MAX_WIRES) {
        return packed_fail(r, WHIST_ERR_LIMIT, "the circuit has more than 2^31 wires");
    }
    if (op_reads_a(g.op)) {
        TRY(operand(r, &g.a, (head & PACKED_A_LAST) != 0, r->last));
        g.b = g.a;
    }
    if (op_reads_b(g.op)) {
        TRY(operand(r, &g.b, (head & PACKED_B_LAST) != 0, g.a));
    }
    TRY(result(r, &g, head & PACKED_WHERE));
    r->last = g.out;
    r->n_gates++;
    r->n_ands += g.op == WHIST_OP_AND;
    *gate_out = g;
    return WHIST_OK;
}

/* ---- Tail ---- */

whist_status packed_finish(struct packed_reader *r, struct numbers *slots_out)
{
    uint8_t digest[PACKED_DIGEST];
    uint32_t last = 0;

    for (uint32_t i = 0; i < r->n_output_bits; i++) {
        TRY(slot(r, &last, last));
        if (slots_out != NULL && numbers_push(slots_out, last) != WHIST_OK) {
            return no_memory(r->err);
        }
    }
    TRY(fixed(r, r->n_gates, "gates"));
    TRY(fixed(r, r->n_ands, "AND gates"));
    TRY(fixed(r, r->n_slots, "slots"));
    if (r->pos != r->len || r->at != r->end) {
        return malformed(r, "the circuit ends here, the file does not");
    }
    crypto_generichash_final(&r->hash, r->digest, sizeof r->digest);
    TRY(read_at(r, digest, r->end, sizeof digest));
    return memcmp(digest, r->digest, sizeof digest) == 0
               ? WHIST_OK
               : malformed(r, "the checksum is not that of the file");
}

void packed_stop(struct packed_reader *r)
{
    numbers_clear(&r->inputs);
    numbers_clear(&r->outputs);
    whist_free(r->buf);
    r->buf = NULL;
}

whist_status packed_claim(struct packed_reader *r, uint64_t *n_gates_out)
{
    uint64_t len = file_len(r);
    uint8_t text[8];

    *n_gates_out = 0;
    if (len < PACKED_TAIL) {
        return WHIST_OK; /* too short for anything; where it ends will be told */
    }
    TRY(read_at(r, text, len - PACKED_TAIL, sizeof text));
    *n_gates_out = get_le64(text);
    return WHIST_OK;
}
