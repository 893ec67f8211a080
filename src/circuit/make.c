/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Circuits of our own, by name. */
#include "circuit/builder.h"

enum {
    DEFAULT_BITS = 32,
    DEFAULT_BIDDERS = 3,
    DEFAULT_OPERANDS = 2,
    MAX_BITS = 4096,
    MAX_OPERANDS = 4096
};

/* Options with the defaults filled in. */
struct sizes {
    size_t bits, bidders, operands;
};

/* Declares n inputs of as many bits each; NULL after an error. Freed with whist_free. */
static whist_wire *number_inputs(struct whist_builder *b, size_t n, size_t bits)
{
    whist_wire *x = builder_wires(b, n * bits);
    for (size_t i = 0; i < n && x != NULL; i++) {
        whist_builder_input(b, x + i * bits, bits);
    }
    return x;
}

static void make_add(struct whist_builder *b, const struct sizes *s)
{
    whist_wire *x = number_inputs(b, s->operands, s->bits);
    for (size_t i = 1; i < s->operands && x != NULL; i++) {
        whist_builder_add(b, x, NULL, x, x + i * s->bits, s->bits);
    }
    if (x != NULL) {
        whist_builder_output(b, x, s->bits);
    }
    whist_free(x);
}

static const struct maker {
    const char *name, *description;
    void (*make)(struct whist_builder *b, const struct sizes *sizes);
} makers[] = {
    {"add", "sum of two numbers or more, mod 2^bits", make_add},
};

const char *whist_circuit_make_name(size_t k, const char **description_out)
{
    if (k >= sizeof makers / sizeof makers[0]) {
        return NULL;
    }
    if (description_out != NULL) {
        *description_out = makers[k].description;
    }
    return makers[k].name;
}

static whist_status read_options(struct sizes *s, const struct whist_make_options *o,
                                 struct whist_error *err)
{
    *s = (struct sizes){DEFAULT_BITS, DEFAULT_BIDDERS, DEFAULT_OPERANDS};
    if (o != NULL) {
        s->bits = o->bits != 0 ? o->bits : s->bits;
        s->bidders = o->bidders != 0 ? o->bidders : s->bidders;
        s->operands = o->operands != 0 ? o->operands : s->operands;
    }
    if (s->bits > MAX_BITS) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "bits must be 1 to %d, not %zu", MAX_BITS, s->bits);
    }
    if (s->bidders < 2 || s->bidders > MAX_OPERANDS) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "bidders must be 2 to %d, not %zu", MAX_OPERANDS, s->bidders);
    }
    if (s->operands < 2 || s->operands > MAX_OPERANDS) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "operands must be 2 to %d, not %zu", MAX_OPERANDS, s->operands);
    }
    return WHIST_OK;
}

whist_status whist_circuit_make(struct whist_circuit **circuit_out, const char *name,
                                const struct whist_make_options *options, struct whist_error *err)
{
    const struct maker *maker = NULL;
    struct whist_builder *b;
    struct sizes sizes;

    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        if (strcmp(name, makers[i].name) == 0) {
            maker = &makers[i];
        }
    }
    if (maker == NULL) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "there is no circuit named '%.40s' to make", name);
    }
    TRY(read_options(&sizes, options, err));
    TRY(whist_builder_new(&b, err));
    maker->make(b, &sizes);
    whist_status st = whist_builder_finish(b, circuit_out, err);
    whist_builder_free(b);
    return st;
}
