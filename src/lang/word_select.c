/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Making selections and reads of arrays; folded as operators are (word_fold.c). */
#include "lang/word_impl.h"

/* ---- SELECT ---- */

static word_id make_select(struct word_program *p, word_id c, word_id x, word_id y)
{
    uint64_t mx = word_at(p, x)->max, my = word_at(p, y)->max;
    return word_make(p, (struct word_node){.op = WORD_SELECT,
                                           .width = word_width(p, x),
                                           .a = c,
                                           .b = x,
                                           .c = y,
                                           .max = mx > my ? mx : my});
}

static word_id select_bit(struct word_program *p, word_id c, word_id x, word_id y)
{
    if (x == WORD_TRUE || x == c) {
        return word_or(p, c, y);
    }
    if (x == WORD_FALSE) {
        return word_and(p, word_not(p, c), y);
    }
    if (y == WORD_FALSE || y == c) {
        return word_and(p, c, x);
    }
    if (y == WORD_TRUE) {
        return word_or(p, word_not(p, c), x);
    }
    return make_select(p, c, x, y);
}

word_id word_select(struct word_program *p, word_id c, word_id x, word_id y)
{
    if (p->status != WHIST_OK) {
        return 0;
    }
    WHIST_REQUIRE(word_width(p, c) == 1 && word_width(p, x) == word_width(p, y));
    if (word_at(p, c)->op == WORD_NOT) {
        word_id t = x;
        x = y;
        y = t;
        c = word_at(p, c)->a;
    }
    const struct word_node *nx = word_at(p, x), *ny = word_at(p, y);
    if (nx->op == WORD_SELECT && nx->a == c) {
        x = nx->b;
    }
    if (ny->op == WORD_SELECT && ny->a == c) {
        y = ny->c;
    }
    if (c == WORD_TRUE || x == y) {
        return x;
    }
    if (c == WORD_FALSE) {
        return y;
    }
    if (word_width(p, x) == 1) {
        return select_bit(p, c, x, y);
    }
    return make_select(p, c, x, y);
}

/* ---- Reads ---- */

word_id word_read(struct word_program *p, word_id index, const word_id *list, size_t n)
{
    uint64_t v, max = 0;

    if (p->status != WHIST_OK) {
        return 0;
    }
    uint32_t w = word_width(p, list[0]);
    if (word_const_value(p, index, &v)) {
        return list[word_read_position(v, (uint32_t)n)];
    }
    if (word_at(p, index)->max < n - 1) {
        n = (size_t)word_at(p, index)->max + 1;
    }
    bool equal = true;
    for (size_t i = 0; i < n; i++) {
        max = word_at(p, list[i])->max > max ? word_at(p, list[i])->max : max;
        equal = equal && list[i] == list[0];
    }
    if (equal) {
        return list[0];
    }
    return word_list(p, (struct word_node){.op = WORD_READ, .width = w, .a = index, .max = max},
                     list, n, NULL);
}

word_id word_decode(struct word_program *p, word_id index, uint32_t value, uint32_t n)
{
    uint64_t v;

    if (p->status != WHIST_OK) {
        return 0;
    }
    WHIST_REQUIRE(value < n);
    if (word_const_value(p, index, &v)) {
        return word_read_position(v, n) == value ? WORD_TRUE : WORD_FALSE;
    }
    if (value > word_at(p, index)->max) {
        return WORD_FALSE;
    }
    return word_make(p,
                     (struct word_node){
                         .op = WORD_DECODE, .width = 1, .a = index, .b = value, .c = n, .max = 1});
}
