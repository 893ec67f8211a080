/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Numbers as people write them, to bits and back. The numbers are private inputs: no error repeats
 * them, and copies are wiped. */
#include "circuit/circuit_internal.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct whist_bytes trim(struct whist_bytes t)
{
    while (t.len != 0 && is_space(t.data[0])) {
        t = whist_bytes(t.data + 1, t.len - 1);
    }
    while (t.len != 0 && is_space(t.data[t.len - 1])) {
        t.len--;
    }
    return t;
}

static int digit_value(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 16;
}

static whist_status too_wide(size_t width, struct whist_error *err)
{
    return whist_fail(err, WHIST_ERR_LIMIT, WHIST_NO_PEER, NULL,
                      "the number needs more than %zu bits", width);
}

/* Digits of log2_base bits each, most significant first. */
static whist_status parse_power(uint8_t *bits_out, size_t width, struct whist_bytes digits,
                                unsigned log2_base, struct whist_error *err)
{
    for (int pass = 0; pass < 2; pass++) { /* checks all before it writes */
        for (size_t i = 0; i < digits.len; i++) {
            unsigned d = (unsigned)digit_value(digits.data[digits.len - 1 - i]);
            for (unsigned k = 0; k < log2_base; k++) {
                size_t at = i * log2_base + k;
                if (at < width && pass != 0) {
                    bits_out[at] = d >> k & 1;
                }
                if (at >= width && (d >> k & 1) != 0) {
                    return too_wide(width, err);
                }
            }
        }
    }
    for (size_t at = digits.len * log2_base; at < width; at++) {
        bits_out[at] = 0;
    }
    return WHIST_OK;
}

/* limbs = limbs · 10^n + d, where the digits d (n ≤ 9) come first in text; the product fits by the
 * caller's choice of n_limbs. */
static void shift_in(uint32_t *limbs, size_t n_limbs, const uint8_t *text, size_t n)
{
    uint64_t mul = 1, carry = 0;
    for (size_t i = 0; i < n; i++) {
        mul *= 10;
        carry = carry * 10 + (uint64_t)digit_value(text[i]);
    }
    for (size_t i = 0; i < n_limbs; i++) {
        carry += limbs[i] * mul;
        limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
}

static whist_status parse_decimal(uint8_t *bits_out, size_t width, struct whist_bytes digits,
                                  struct whist_error *err)
{
    while (digits.len != 0 && digits.data[0] == '0') {
        digits = whist_bytes(digits.data + 1, digits.len - 1);
    }
    /* A number of d digits is at least 10^(d−1) > 2^(3(d−1)). */
    if (digits.len != 0 && digits.len - 1 > width / 3) {
        return too_wide(width, err);
    }
    /* d ≤ width / 3 + 1 digits are fewer than 2^(4d) ≤ 2^(4·width/3 + 4). */
    size_t n_limbs = width / 24 + 2;
    uint32_t *limbs = whist_zalloc(n_limbs, sizeof *limbs);
    if (limbs == NULL) {
        return no_memory(err);
    }
    for (size_t at = 0; at < digits.len; at += 9) {
        size_t n = digits.len - at < 9 ? digits.len - at : 9;
        /* Grows by at most 30 bits a turn: limbs above are zero still. */
        size_t used = at / 9 + 1;
        shift_in(limbs, used < n_limbs ? used : n_limbs, digits.data + at, n);
    }
    bool fits = true;
    for (size_t i = width; i < 32 * n_limbs; i++) {
        fits = fits && (limbs[i / 32] >> i % 32 & 1) == 0;
    }
    for (size_t i = 0; fits && i < width; i++) {
        bits_out[i] = limbs[i / 32] >> i % 32 & 1;
    }
    whist_wipe(limbs, n_limbs * sizeof *limbs);
    whist_free(limbs);
    return fits ? WHIST_OK : too_wide(width, err);
}

whist_status whist_value_parse(uint8_t *bits_out, size_t width, struct whist_bytes text,
                               struct whist_error *err)
{
    struct whist_bytes t = trim(text);
    unsigned log2_base = 0;

    if (t.len >= 2 && t.data[0] == '0') {
        uint8_t c = t.data[1];
        log2_base = c == 'x' || c == 'X' ? 4 : c == 'b' || c == 'B' ? 1 : 0;
    }
    if (log2_base != 0) {
        t = whist_bytes(t.data + 2, t.len - 2);
    }
    int base = log2_base != 0 ? 1 << log2_base : 10;
    bool good = t.len != 0;
    for (size_t i = 0; i < t.len; i++) {
        good = good && digit_value(t.data[i]) < base;
    }
    if (!good) {
        return whist_fail(err, WHIST_ERR_FORMAT, WHIST_NO_PEER, NULL,
                          "not a number in decimal, 0x hex or 0b binary");
    }
    return log2_base != 0 ? parse_power(bits_out, width, t, log2_base, err)
                          : parse_decimal(bits_out, width, t, err);
}

whist_status whist_value_hex(struct whist_buffer *text_out, const uint8_t *bits, size_t width)
{
    size_t n = width / 4 + (width % 4 != 0), start = text_out->len;

    if (n > SIZE_MAX - 2 - start) {
        return WHIST_ERR_NOMEM;
    }
    TRY(whist_buffer_resize(text_out, start + 2 + n));
    uint8_t *p = text_out->data + start;
    *p++ = '0';
    *p++ = 'x';
    for (size_t i = n; i-- > 0;) {
        unsigned d = 0;
        for (size_t k = 4; k-- > 0;) {
            d = 2 * d + (4 * i + k < width ? bits[4 * i + k] & 1u : 0);
        }
        *p++ = (uint8_t) "0123456789abcdef"[d];
    }
    return WHIST_OK;
}

/* limbs = limbs / 10^9; returns the remainder. */
static uint32_t divide(uint32_t *limbs, size_t n_limbs)
{
    uint64_t rest = 0;
    for (size_t i = n_limbs; i-- > 0;) {
        rest = rest << 32 | limbs[i];
        limbs[i] = (uint32_t)(rest / 1000000000);
        rest %= 1000000000;
    }
    return (uint32_t)rest;
}

/* Writes the digits of limbs, which become 0, so that they end at text + len; returns how many. */
static size_t write_digits(uint8_t *text, size_t len, uint32_t *limbs, size_t n_limbs)
{
    size_t n = 0;
    while (n_limbs != 0) {
        uint32_t rest = divide(limbs, n_limbs);
        while (n_limbs != 0 && limbs[n_limbs - 1] == 0) {
            n_limbs--;
        }
        for (int i = 0; i < 9 && (n_limbs != 0 || rest != 0 || n == 0); i++) {
            text[len - ++n] = (uint8_t)('0' + rest % 10);
            rest /= 10;
        }
    }
    return n;
}

whist_status whist_value_decimal(struct whist_buffer *text_out, const uint8_t *bits, size_t width)
{
    size_t n_limbs = width / 32 + 1;
    size_t max = 10 * n_limbs; /* digits of a limb, at most */
    uint32_t *limbs = whist_zalloc(n_limbs, sizeof *limbs);
    uint8_t *text = whist_alloc(max, 1);
    whist_status st = WHIST_ERR_NOMEM;

    if (limbs != NULL && text != NULL) {
        for (size_t i = 0; i < width; i++) {
            limbs[i / 32] |= (bits[i] & 1u) << i % 32;
        }
        size_t n = write_digits(text, max, limbs, n_limbs);
        st = whist_buffer_append(text_out, text + max - n, n);
        whist_wipe(text, max);
        whist_wipe(limbs, n_limbs * sizeof *limbs);
    }
    whist_free(text);
    whist_free(limbs);
    return st;
}
