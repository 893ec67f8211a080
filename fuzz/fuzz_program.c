/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Programs from text to circuit: what is accepted is executed, and interpreter and circuit agree
 * on any input bits, also on tags that no variant has. */
#include <string.h>
#include <whist/lang.h>

#include "fuzz.h"

enum { MAX_BITS = 1 << 17 };

/* Ends programs that go on for too long. */
static bool stop(void *arg)
{
    return ++*(int *)arg > 40;
}

static void run(const struct whist_program *p, const uint8_t *data, size_t size, bool compare)
{
    uint8_t *in = calloc(MAX_BITS, 1), *out = calloc(MAX_BITS, 1), *again = calloc(MAX_BITS, 1);
    struct whist_circuit *c;
    size_t n_in = 0, n_out = whist_program_output_bits(p);

    HOLDS(in != NULL && out != NULL && again != NULL);
    for (size_t i = 0; i < whist_program_n_params(p); i++) {
        n_in += (size_t)whist_type_bits(whist_program_param_type(p, i));
    }
    if (n_in < MAX_BITS && n_out < MAX_BITS) {
        for (size_t i = 0; i < n_in; i++) {
            in[i] = data[i % size] >> i % 7 & 1;
        }
        HOLDS(whist_program_eval(p, out, in, NULL) == WHIST_OK);
        HOLDS(whist_program_circuit(p, &c, NULL) == WHIST_OK);
        HOLDS(whist_circuit_eval(c, again, in, NULL) == WHIST_OK);
        HOLDS(!compare || memcmp(out, again, n_out) == 0);
        whist_circuit_free(c);
    }
    free(in);
    free(out);
    free(again);
}

/* Tables of a join that do not ascend give anything. */
static bool has_join(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i + 4 <= size; i++) {
        if (memcmp(data + i, "join", 4) == 0) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct whist_program_const consts[] = {
        {"PARTY_0", "N", "3"}, {"PARTY_0", "ROWS", "2"}, {"PARTY_1", "ROWS", "2"}};
    struct whist_program *p = NULL;
    int calls = 0;
    const struct whist_program_options options = {.limits = {.max_steps = 30000,
                                                             .max_bits = 1 << 16,
                                                             .max_memory = (size_t)64 << 20,
                                                             .max_source = 1 << 16},
                                                  .cancelled = stop,
                                                  .cancelled_arg = &calls};

    if (size != 0 && whist_program_new(&p, whist_bytes(data, size), &options, NULL) == WHIST_OK &&
        whist_program_bind(p, NULL, consts, 3, (whist_panics)(size % 3), NULL) == WHIST_OK) {
        run(p, data, size, !has_join(data, size));
    }
    whist_program_free(p);
    return 0;
}
