/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Bristol files: what is read can be written and read again and computes the same; what is refused
 * is refused with a line number. */
#include <string.h>
#include <whist/circuit.h>

#include "circuit/circuit_internal.h"
#include "fuzz.h"

enum { MAX_INPUTS = 4096 };

/* Evaluates c on bits made from a seed. The caller frees the output bits. */
static uint8_t *evaluate(const struct whist_circuit *c, uint32_t seed)
{
    uint8_t *in = malloc((size_t)c->n_input_bits + 1), *out = malloc(c->n_output_bits);

    HOLDS(in != NULL && out != NULL);
    for (uint32_t i = 0; i < c->n_input_bits; i++) {
        seed = seed * 1664525 + 1013904223;
        in[i] = (uint8_t)(seed >> 31);
    }
    HOLDS(whist_circuit_eval(c, out, in, NULL) == WHIST_OK);

    struct whist_gate_source *src;
    uint8_t *from_source = malloc(c->n_output_bits);
    HOLDS(from_source != NULL);
    HOLDS(whist_circuit_source_new(&src, c, NULL) == WHIST_OK);
    HOLDS(whist_source_eval(src, from_source, in, NULL) == WHIST_OK);
    HOLDS(memcmp(out, from_source, c->n_output_bits) == 0);
    whist_gate_source_free(src);
    free(from_source);
    free(in);
    return out;
}

static void check_same(const struct whist_circuit *c, const struct whist_circuit *d)
{
    HOLDS(c->n_input_bits == d->n_input_bits && c->n_output_bits == d->n_output_bits);
    for (uint32_t seed = 0; seed < 2; seed++) {
        uint8_t *x = evaluate(c, seed), *y = evaluate(d, seed);
        HOLDS(memcmp(x, y, c->n_output_bits) == 0);
        free(x);
        free(y);
    }
}

static void check_round_trip(const struct whist_circuit *c, bool older)
{
    struct whist_buffer text = {0}, again = {0};
    struct whist_circuit *d;
    whist_status st = whist_bristol_write(&text, c, older, NULL);

    if (older && st == WHIST_ERR_UNSUPPORTED) {
        return;
    }
    HOLDS(st == WHIST_OK);
    HOLDS(whist_bristol_parse(&d, whist_buffer_view(&text), NULL) == WHIST_OK);
    check_same(c, d);
    HOLDS(whist_bristol_write(&again, d, older, NULL) == WHIST_OK);
    HOLDS(text.len == again.len && memcmp(text.data, again.data, text.len) == 0);
    whist_circuit_free(d);
    whist_buffer_clear(&text);
    whist_buffer_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct whist_circuit *c = NULL;
    struct whist_circuit_info info;
    struct whist_error err;
    whist_status st = whist_bristol_parse(&c, whist_bytes(data, size), &err);

    if (st != WHIST_OK) {
        HOLDS(st == WHIST_ERR_FORMAT || st == WHIST_ERR_LIMIT);
        HOLDS(c == NULL && err.status == st && strncmp(err.text, "line ", 5) == 0);
        return 0;
    }
    if (c->n_input_bits <= MAX_INPUTS) {
        HOLDS(whist_circuit_info(c, &info, NULL) == WHIST_OK);
        HOLDS(info.max_live <= info.n_wires && info.and_depth <= info.n_and);
        check_round_trip(c, false);
        check_round_trip(c, true);
    }
    whist_circuit_free(c);
    return 0;
}
