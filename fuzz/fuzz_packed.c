/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Packed circuits: what is read can be written again, byte for byte, and computes the same as a
 * stored circuit and as a source; what is refused is refused with the number of a byte. */
#include <string.h>

#include "circuit/packed.h"
#include "fuzz.h"
#include "lang/program.h"

enum { MAX_INPUTS = 4096 };

static whist_status append(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    (void)err;
    return whist_buffer_append(ctx, bytes.data, bytes.len);
}

static void check_same_values(const struct whist_circuit *c, struct whist_gate_source *src)
{
    uint8_t *in = malloc((size_t)c->n_input_bits + 1);
    uint8_t *out[2] = {malloc(c->n_output_bits), malloc(c->n_output_bits)};
    uint32_t seed = c->n_gates;

    HOLDS(in != NULL && out[0] != NULL && out[1] != NULL);
    for (uint32_t i = 0; i < c->n_input_bits; i++) {
        seed = seed * 1664525 + 1013904223;
        in[i] = (uint8_t)(seed >> 31);
    }
    HOLDS(whist_circuit_eval(c, out[0], in, NULL) == WHIST_OK);
    HOLDS(whist_source_eval(src, out[1], in, NULL) == WHIST_OK);
    HOLDS(memcmp(out[0], out[1], c->n_output_bits) == 0);
    free(in);
    free(out[0]);
    free(out[1]);
}

static struct whist_buffer describe(const struct whist_program *p)
{
    struct whist_buffer text = {0};

    HOLDS(whist_program_describe(p, &text, NULL) == WHIST_OK);
    return text;
}

/* The description is of a program, or it is refused. Described again it is a description, and then
 * always the same. */
static void check_description(struct whist_bytes text)
{
    struct whist_program *p = NULL, *q = NULL;
    struct whist_error err;

    if (whist_program_from_description(&p, text, &err) != WHIST_OK) {
        HOLDS(p == NULL);
        return;
    }
    struct whist_buffer once = describe(p);
    HOLDS(whist_program_from_description(&q, whist_buffer_view(&once), &err) == WHIST_OK);
    struct whist_buffer twice = describe(q);
    HOLDS(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
    HOLDS(whist_program_output_bits(p) >= whist_program_output_bits(q));
    whist_buffer_clear(&once);
    whist_buffer_clear(&twice);
    whist_program_free(p);
    whist_program_free(q);
}

static void check_file(struct whist_bytes bytes)
{
    const struct whist_packed_file file = {.bytes = bytes};
    struct whist_buffer again = {0}, description = {0};
    const struct whist_sink sink = {append, &again};
    struct whist_gate_source *src = NULL;
    struct whist_circuit *c = NULL;
    struct whist_error err;
    whist_status st = whist_packed_source_new(&src, &description, &file, &err);

    HOLDS(whist_packed_read(&c, NULL, &file, &err) == st);
    if (st != WHIST_OK) {
        HOLDS(st == WHIST_ERR_FORMAT || st == WHIST_ERR_LIMIT || st == WHIST_ERR_UNSUPPORTED);
        HOLDS(src == NULL && c == NULL && strncmp(err.text, "byte ", 5) == 0);
        HOLDS(description.len == 0);
        whist_buffer_clear(&description);
        return;
    }
    HOLDS(memcmp(src->ops->shape(src)->id, c->id, sizeof c->id) == 0);
    if (c->n_input_bits <= MAX_INPUTS) {
        check_same_values(c, src);
    }
    HOLDS(whist_packed_write(&sink, src, whist_buffer_view(&description), NULL) == WHIST_OK);
    HOLDS(again.len == bytes.len && memcmp(again.data, bytes.data, bytes.len) == 0);
    check_description(whist_buffer_view(&description));
    whist_gate_source_free(src);
    whist_circuit_free(c);
    whist_buffer_clear(&again);
    whist_buffer_clear(&description);
}

/* The bytes as they are, and with the digest that fits them: few get by otherwise. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size + PACKED_DIGEST);

    HOLDS(file != NULL && sodium_init() >= 0);
    check_file(whist_bytes(data, size));
    if (size != 0) {
        memcpy(file, data, size);
    }
    crypto_generichash(file + size, PACKED_DIGEST, file, size, NULL, 0);
    check_file(whist_bytes(file, size + PACKED_DIGEST));
    free(file);
    return 0;
}
