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
    struct sum sum;

    if (x != NULL) {
        sum_init(&sum, b, s->bits);
        for (size_t i = 0; i < s->operands; i++) {
            sum_number(&sum, x + i * s->bits, s->bits, 0);
        }
        sum_finish(&sum, x, 0);
        whist_builder_output(b, x, s->bits);
    }
    whist_free(x);
}

static void make_mul(struct whist_builder *b, const struct sizes *s)
{
    whist_wire *x = number_inputs(b, 2, s->bits);
    if (x != NULL) {
        whist_builder_mul(b, x, s->bits, x, s->bits, x + s->bits, s->bits);
        whist_builder_output(b, x, s->bits);
    }
    whist_free(x);
}

static void make_div(struct whist_builder *b, const struct sizes *s)
{
    whist_wire *x = number_inputs(b, 2, s->bits);
    if (x != NULL) {
        whist_wire *y = x + s->bits;
        whist_builder_div(b, x, y, x, y, s->bits, false);
        whist_builder_output(b, x, s->bits);
        whist_builder_output(b, y, s->bits);
    }
    whist_free(x);
}

static void make_max(struct whist_builder *b, const struct sizes *s)
{
    whist_wire *x = number_inputs(b, s->operands, s->bits);
    for (size_t i = 1; i < s->operands && x != NULL; i++) {
        const whist_wire *y = x + i * s->bits;
        whist_builder_select(b, x, whist_builder_less(b, x, y, s->bits, false), y, x, s->bits);
    }
    if (x != NULL) {
        whist_builder_output(b, x, s->bits);
    }
    whist_free(x);
}

static void make_compare(struct whist_builder *b, const struct sizes *s)
{
    whist_wire *x = number_inputs(b, 2, s->bits);
    if (x != NULL) {
        whist_wire less = whist_builder_less(b, x, x + s->bits, s->bits, false);
        whist_wire equal = whist_builder_equal(b, x, x + s->bits, s->bits);
        whist_builder_output(b, &less, 1);
        whist_builder_output(b, &equal, 1);
    }
    whist_free(x);
}

/* ---- Auction ---- */

/* The result of an auction among some bidders: three numbers in a row. */
struct auction {
    whist_wire *first, *second; /* highest and second highest bid, n bits */
    whist_wire *winner;         /* n_index bits */
    size_t n, n_index;
    bool has_second;
};

/* (x, y) = y > x ? (y, x) : (x, y); returns the condition. 2n ANDs. */
static whist_wire sort_two(struct whist_builder *b, whist_wire *x, whist_wire *y, size_t n)
{
    whist_wire swap = whist_builder_less(b, x, y, n, false);
    for (size_t i = 0; i < n; i++) {
        whist_wire d = whist_builder_and(b, swap, whist_builder_xor(b, x[i], y[i]));
        x[i] = whist_builder_xor(b, x[i], d);
        y[i] = whist_builder_xor(b, y[i], d);
    }
    return swap;
}

/* Joins the auction of later bidders into that of earlier ones, who win ties. The loser of the two
 * winners meets the second of the winner's side. */
static void join(struct whist_builder *b, struct auction *x, struct auction *y)
{
    whist_wire swap = sort_two(b, x->first, y->first, x->n);
    whist_builder_select(b, x->winner, swap, y->winner, x->winner, x->n_index);
    if (!x->has_second) { /* then y has none either */
        memcpy(x->second, y->first, x->n * sizeof *x->second);
        x->has_second = true;
        return;
    }
    if (y->has_second) { /* else it wins over x's first, and no second can matter */
        whist_builder_select(b, x->second, swap, y->second, x->second, x->n);
    }
    sort_two(b, x->second, y->first, x->n);
}

/* The bidders are joined two by two, then the pairs, and so on. */
static void make_auction(struct whist_builder *b, const struct sizes *s)
{
    size_t n = s->bits, k = s->bidders, n_index = 0;
    while ((size_t)1 << n_index < k) {
        n_index++;
    }
    whist_wire *bids = number_inputs(b, k, n), *rest = builder_wires(b, k * (n + n_index));
    struct auction *a = whist_alloc(k, sizeof *a);
    if (bids == NULL || rest == NULL || a == NULL) {
        builder_fail(b, WHIST_ERR_NOMEM);
        k = 0;
    }
    for (size_t i = 0; i < k; i++) {
        whist_wire *own = rest + i * (n + n_index);
        a[i] = (struct auction){bids + i * n, own, own + n, n, n_index, false};
        for (size_t j = 0; j < n_index; j++) {
            a[i].winner[j] = whist_builder_const(b, (i >> j & 1) != 0);
        }
    }
    for (size_t step = 1; step < k; step *= 2) {
        for (size_t i = 0; i + step < k; i += 2 * step) {
            join(b, &a[i], &a[i + step]);
        }
    }
    if (k != 0) {
        whist_builder_output(b, a[0].winner, n_index);
        whist_builder_output(b, a[0].second, n);
    }
    whist_free(a);
    whist_free(rest);
    whist_free(bids);
}

static void make_cipher(struct whist_builder *b, const struct sizes *s)
{
    (void)s;
    make_aes128(b);
}

static void make_hash(struct whist_builder *b, const struct sizes *s)
{
    (void)s;
    make_sha256(b);
}

static const struct maker {
    const char *name, *description;
    void (*make)(struct whist_builder *b, const struct sizes *sizes);
} makers[] = {
    {"add", "sum of two numbers or more, mod 2^bits", make_add},
    {"mul", "product of two numbers, mod 2^bits", make_mul},
    {"div", "quotient and remainder of two numbers", make_div},
    {"max", "largest of two numbers or more", make_max},
    {"compare", "x < y and x = y", make_compare},
    {"auction", "sealed-bid second-price auction: winner's index, price", make_auction},
    {"aes128", "AES-128: key, block -> block", make_cipher},
    {"sha256", "SHA-256 compression: block of 512 bits, state of 256 -> state", make_hash},
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
