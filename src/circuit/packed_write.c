/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Writer of packed circuits. */
#include "circuit/packed.h"

/* The longest record: a gate with three slots of 5 bytes; or a number of 8 bytes. */
enum { TEXT = 1 << 16, MAX_RECORD = 16 };

/* ---- Bytes ---- */

static void fail(struct packed_writer *w, whist_status status, const char *text)
{
    if (w->status == WHIST_OK) {
        w->status = whist_fail(w->err, status, WHIST_NO_PEER, NULL, "%s", text);
    }
}

static void flush(struct packed_writer *w)
{
    if (w->status == WHIST_OK && w->len != 0) {
        crypto_generichash_update(&w->hash, w->text, w->len);
        w->status = w->sink->write(w->sink->ctx, whist_bytes(w->text, w->len), w->err);
    }
    w->len = 0;
}

/* Room for one more record. */
static uint8_t *room(struct packed_writer *w)
{
    if (TEXT - w->len < MAX_RECORD) {
        flush(w);
    }
    return w->text + w->len;
}

static void number(struct packed_writer *w, uint64_t v)
{
    w->len = (size_t)(put_varint(room(w), v) - w->text);
}

static void bytes(struct packed_writer *w, const uint8_t *data, size_t len)
{
    while (len != 0) {
        uint8_t *p = room(w);
        size_t n = TEXT - w->len < len ? TEXT - w->len : len;
        memcpy(p, data, n);
        w->len += n;
        data += n;
        len -= n;
    }
}

static void fixed(struct packed_writer *w, uint64_t v)
{
    put_le64(room(w), v);
    w->len += 8;
}

/* ---- Head ---- */

static uint64_t groups(struct packed_writer *w, const uint32_t *widths, size_t n)
{
    uint64_t bits = 0;

    number(w, n);
    for (size_t i = 0; i < n; i++) {
        number(w, widths[i]);
        bits += widths[i];
    }
    return bits;
}

whist_status packed_begin(struct packed_writer *w, const uint32_t *input_widths, size_t n_inputs,
                          const uint32_t *output_widths, size_t n_outputs,
                          struct whist_bytes description)
{
    uint8_t version[PACKED_VERSION_LEN];

    w->text = whist_alloc(TEXT, 1);
    if (w->text == NULL || sodium_init() < 0) {
        fail(w, WHIST_ERR_NOMEM, "out of memory for a circuit");
        return w->status;
    }
    if (description.len > PACKED_MAX_DESCRIPTION) {
        fail(w, WHIST_ERR_LIMIT, "the description of a circuit has more than 2^24 bytes");
        return w->status;
    }
    crypto_generichash_init(&w->hash, NULL, 0, PACKED_DIGEST);
    put_le32(version, PACKED_VERSION);
    bytes(w, (const uint8_t *)PACKED_MAGIC, PACKED_MAGIC_LEN);
    bytes(w, version, sizeof version);
    number(w, description.len);
    bytes(w, description.data, description.len);
    uint64_t n_in = groups(w, input_widths, n_inputs);
    uint64_t n_out = groups(w, output_widths, n_outputs);
    if (n_in > WHIST_MAX_WIRES || n_out > WHIST_MAX_WIRES) {
        fail(w, WHIST_ERR_LIMIT, "the circuit has more than 2^31 wires");
        return w->status;
    }
    w->n_input_bits = w->n_slots = (uint32_t)n_in;
    return w->status;
}

/* ---- Gates ---- */

/* The file's slot of a slot of the source. Inputs have the first slots of both. */
static uint32_t slot_read(const struct packed_writer *w, uint32_t slot)
{
    uint32_t known = slot < w->slot_of.len ? w->slot_of.v[slot] : 0;

    if (known == 0) {
        WHIST_REQUIRE(slot < w->n_input_bits);
        return slot;
    }
    return known - 1;
}

/* The same of a slot that is written; *new_out: for the first time. */
static uint32_t slot_written(struct packed_writer *w, uint32_t slot, bool *new_out)
{
    *new_out = false;
    if (slot < w->n_input_bits) {
        return slot;
    }
    while (w->slot_of.len <= slot) {
        if (numbers_push(&w->slot_of, 0) != WHIST_OK) {
            fail(w, WHIST_ERR_NOMEM, "out of memory for a circuit");
            return 0;
        }
    }
    if (w->slot_of.v[slot] == 0) {
        *new_out = true;
        w->slot_of.v[slot] = ++w->n_slots;
    }
    return w->slot_of.v[slot] - 1;
}

static void put_gate(struct packed_writer *w, const struct whist_gate *g)
{
    bool reads_a = op_reads_a(g->op), reads_b = op_reads_b(g->op), new;
    uint32_t a = reads_a ? slot_read(w, g->a) : w->last, b = reads_b ? slot_read(w, g->b) : 0;
    uint32_t out = slot_written(w, g->out, &new);
    uint8_t *head = room(w), *p = head + 1;

    *head = (uint8_t)g->op;
    if (reads_a && a == w->last) {
        *head |= PACKED_A_LAST;
    } else if (reads_a) {
        p = put_varint(p, packed_fold(a, w->last));
    }
    if (reads_b && b == w->last) {
        *head |= PACKED_B_LAST;
    } else if (reads_b) {
        p = put_varint(p, packed_fold(b, a));
    }
    if (new) {
        *head |= PACKED_NEW;
    } else if (reads_a && out == a) {
        *head |= PACKED_TO_A;
    } else if (reads_b && out == b) {
        *head |= PACKED_TO_B;
    } else {
        p = put_varint(p, packed_fold(out, a));
    }
    w->len = (size_t)(p - w->text);
    w->last = out;
    w->n_gates++;
    w->n_ands += g->op == WHIST_OP_AND;
}

whist_status packed_gates(struct packed_writer *w, const struct whist_gate *gates, size_t n)
{
    if (w->n_gates + n + w->n_input_bits > WHIST_MAX_WIRES) {
        fail(w, WHIST_ERR_LIMIT, "the circuit has more than 2^31 wires");
    }
    for (size_t i = 0; i < n && w->status == WHIST_OK; i++) {
        WHIST_REQUIRE(gates[i].op <= WHIST_OP_CONST1);
        put_gate(w, &gates[i]);
    }
    return w->status;
}

whist_status packed_end(struct packed_writer *w, const uint32_t *output_slots, size_t n)
{
    uint32_t last = 0;

    if (w->status != WHIST_OK) {
        return w->status;
    }
    number(w, PACKED_END);
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = slot_read(w, output_slots[i]);
        number(w, packed_fold(slot, last));
        last = slot;
    }
    fixed(w, w->n_gates);
    fixed(w, w->n_ands);
    fixed(w, w->n_slots);
    flush(w);
    if (w->status == WHIST_OK) {
        uint8_t digest[PACKED_DIGEST];
        crypto_generichash_final(&w->hash, digest, sizeof digest);
        w->status = w->sink->write(w->sink->ctx, whist_bytes(digest, sizeof digest), w->err);
    }
    return w->status;
}

void packed_clear(struct packed_writer *w)
{
    numbers_clear(&w->slot_of);
    whist_free(w->text);
    w->text = NULL;
}

/* ---- Of a source ---- */

static whist_status put_source(struct packed_writer *w, struct whist_gate_source *src,
                               struct whist_error *err)
{
    struct whist_gate gates[512];
    size_t n;

    do {
        TRY(src->ops->next(src, gates, sizeof gates / sizeof gates[0], &n, err));
        TRY(packed_gates(w, gates, n));
    } while (n != 0);
    return WHIST_OK;
}

whist_status whist_packed_write(const struct whist_sink *sink, struct whist_gate_source *src,
                                struct whist_bytes description, struct whist_error *err)
{
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    struct packed_writer w = {.sink = sink, .err = err};
    size_t n_outputs = 0;
    whist_status st;

    for (size_t i = 0; i < shape->n_outputs; i++) {
        n_outputs += shape->output_widths[i];
    }
    TRY(src->ops->rewind(src, err));
    TRY_OUT(packed_begin(&w, shape->input_widths, shape->n_inputs, shape->output_widths,
                         shape->n_outputs, description));
    TRY_OUT(put_source(&w, src, err));
    TRY_OUT(packed_end(&w, src->ops->output_slots(src), n_outputs));
    st = src->ops->rewind(src, err);
out:
    packed_clear(&w);
    return st;
}
