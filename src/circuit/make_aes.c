/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* AES-128 (FIPS 197) with key schedule: 200 S-boxes of 32 ANDs, 6,400 in all. */
#include "circuit/builder.h"

/*
 * The S-box over the tower GF(((2^2)^2)^2), with the straight-line program of Boyar and Peralta, "A
 * depth-16 circuit for the AES S-box" (eprint 2011/332): linear maps at both ends, and between
 * them a product (9 ANDs), an inversion in GF(2^4) (5 ANDs) and two products by the inverse (18).
 * Their names are kept: U_0 is the most significant bit.
 */
struct sbox {
    struct whist_builder *b;
    whist_wire y[22], z[18]; /* y[0]: U_7 */
};

static whist_wire x2(struct sbox *s, whist_wire a, whist_wire b)
{
    return whist_builder_xor(s->b, a, b);
}

static whist_wire a2(struct sbox *s, whist_wire a, whist_wire b)
{
    return whist_builder_and(s->b, a, b);
}

/* y_1 … y_21 of the 8 input bits u. */
static void sbox_top(struct sbox *s, const whist_wire *u)
{
    whist_wire *y = s->y, t0 = x2(s, u[1], u[2]), t1;

    y[0] = u[7];
    y[14] = x2(s, u[3], u[5]);
    y[13] = x2(s, u[0], u[6]);
    y[9] = x2(s, u[0], u[3]);
    y[8] = x2(s, u[0], u[5]);
    y[1] = x2(s, t0, u[7]);
    y[4] = x2(s, y[1], u[3]);
    y[12] = x2(s, y[13], y[14]);
    y[2] = x2(s, y[1], u[0]);
    y[5] = x2(s, y[1], u[6]);
    y[3] = x2(s, y[5], y[8]);
    t1 = x2(s, u[4], y[12]);
    y[15] = x2(s, t1, u[5]);
    y[20] = x2(s, t1, u[1]);
    y[6] = x2(s, y[15], u[7]);
    y[10] = x2(s, y[15], t0);
    y[11] = x2(s, y[20], y[9]);
    y[7] = x2(s, u[7], y[11]);
    y[17] = x2(s, y[10], y[11]);
    y[19] = x2(s, y[10], y[8]);
    y[16] = x2(s, t0, y[11]);
    y[21] = x2(s, y[13], y[16]);
    y[18] = x2(s, u[0], y[16]);
}

/* Inverse in GF(2^4) of (v_0 … v_3): 5 ANDs. */
static void invert(struct sbox *s, whist_wire *out, const whist_wire *v)
{
    whist_wire p = x2(s, v[0], v[1]), q = a2(s, v[0], v[2]);
    whist_wire r = x2(s, v[3], q), w = x2(s, v[1], q);

    out[0] = x2(s, a2(s, p, r), v[1]);                 /* t29 */
    out[1] = x2(s, a2(s, w, x2(s, v[2], v[3])), v[3]); /* t33 */
    whist_wire e = a2(s, v[3], x2(s, r, out[1]));      /* t36 */
    out[2] = x2(s, e, x2(s, v[2], out[1]));            /* t37 */
    out[3] = x2(s, p, a2(s, out[0], x2(s, r, e)));     /* t40 */
}

static void sbox_middle(struct sbox *s)
{
    const whist_wire *y = s->y;
    whist_wire t2 = a2(s, y[12], y[15]), t7 = a2(s, y[13], y[16]), t12 = a2(s, y[9], y[11]);
    whist_wire t14 = x2(s, a2(s, y[14], y[17]), t12), t16 = x2(s, a2(s, y[8], y[10]), t12);
    whist_wire t4 = x2(s, a2(s, y[3], y[6]), t2), t6 = x2(s, a2(s, y[4], y[0]), t2);
    whist_wire t9 = x2(s, a2(s, y[5], y[1]), t7), t11 = x2(s, a2(s, y[2], y[7]), t7);
    whist_wire v[4] = {x2(s, x2(s, t4, t14), y[20]), x2(s, x2(s, t6, t16), y[19]),
                       x2(s, x2(s, t9, t14), y[21]), x2(s, x2(s, t11, t16), y[18])};
    whist_wire w[4];

    invert(s, w, v);
    whist_wire t41 = x2(s, w[3], w[2]), t42 = x2(s, w[0], w[1]), t43 = x2(s, w[0], w[3]);
    whist_wire t44 = x2(s, w[1], w[2]), t45 = x2(s, t42, t41);
    const whist_wire left[9] = {t44, w[2], w[1], t43, w[3], w[0], t42, t45, t41};
    static const uint8_t first[9] = {15, 6, 0, 16, 1, 7, 11, 17, 10};
    static const uint8_t second[9] = {12, 3, 4, 13, 5, 2, 9, 14, 8};
    for (int i = 0; i < 9; i++) {
        s->z[i] = a2(s, left[i], y[first[i]]);
        s->z[9 + i] = a2(s, left[i], y[second[i]]);
    }
}

static void sbox_bottom(struct sbox *s, whist_wire *out)
{
    const whist_wire *z = s->z;
    whist_wire t46 = x2(s, z[15], z[16]), t47 = x2(s, z[10], z[11]), t48 = x2(s, z[5], z[13]);
    whist_wire t49 = x2(s, z[9], z[10]), t50 = x2(s, z[2], z[12]), t51 = x2(s, z[2], z[5]);
    whist_wire t52 = x2(s, z[7], z[8]), t53 = x2(s, z[0], z[3]), t54 = x2(s, z[6], z[7]);
    whist_wire t55 = x2(s, z[16], z[17]), t56 = x2(s, z[12], t48), t57 = x2(s, t50, t53);
    whist_wire t58 = x2(s, z[4], t46), t59 = x2(s, z[3], t54), t60 = x2(s, t46, t57);
    whist_wire t61 = x2(s, z[14], t57), t62 = x2(s, t52, t58), t63 = x2(s, t49, t58);
    whist_wire t64 = x2(s, z[4], t59), t65 = x2(s, t61, t62), t66 = x2(s, z[1], t63);
    whist_wire t67 = x2(s, t64, t65);

    out[0] = x2(s, t59, t63);
    out[3] = x2(s, t53, t66);
    out[4] = x2(s, t51, t66);
    out[5] = x2(s, t47, t65);
    out[1] = whist_builder_not(s->b, x2(s, t64, out[3]));
    out[2] = whist_builder_not(s->b, x2(s, t55, t67));
    out[6] = whist_builder_not(s->b, x2(s, t56, t62));
    out[7] = whist_builder_not(s->b, x2(s, t48, t60));
}

/* Substitutes a byte, least significant bit first. */
static void substitute(struct whist_builder *b, whist_wire *byte)
{
    struct sbox s = {.b = b};
    whist_wire u[8], out[8];

    for (int i = 0; i < 8; i++) {
        u[i] = byte[7 - i];
    }
    sbox_top(&s, u);
    sbox_middle(&s);
    sbox_bottom(&s, out);
    for (int i = 0; i < 8; i++) {
        byte[7 - i] = out[i];
    }
}

/* ---- The cipher: bytes in the order of FIPS 197, bits of a byte least significant first ---- */

typedef whist_wire aes_bytes[16][8];

static void xor_bytes(struct whist_builder *b, whist_wire (*out)[8], whist_wire (*x)[8], int n)
{
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < 8; k++) {
            out[i][k] = whist_builder_xor(b, out[i][k], x[i][k]);
        }
    }
}

/* Multiplies by X modulo X^8 + X^4 + X^3 + X + 1. */
static void double_byte(struct whist_builder *b, whist_wire *out, const whist_wire *x)
{
    for (int k = 0; k < 8; k++) {
        whist_wire low = k != 0 ? x[k - 1] : 0;
        bool fold = k == 0 || k == 1 || k == 3 || k == 4;
        out[k] = fold ? whist_builder_xor(b, low, x[7]) : low;
    }
}

static void mix_column(struct whist_builder *b, whist_wire (*col)[8])
{
    whist_wire old[4][8], all[8], twice[8];

    memcpy(old, col, sizeof old);
    for (int k = 0; k < 8; k++) {
        all[k] = whist_builder_xor(b, whist_builder_xor(b, old[0][k], old[1][k]),
                                   whist_builder_xor(b, old[2][k], old[3][k]));
    }
    for (int i = 0; i < 4; i++) {
        whist_wire pair[8]; /* a_i + a_(i+1) */
        for (int k = 0; k < 8; k++) {
            pair[k] = whist_builder_xor(b, old[i][k], old[(i + 1) % 4][k]);
        }
        double_byte(b, twice, pair);
        for (int k = 0; k < 8; k++) {
            whist_wire rest = whist_builder_xor(b, all[k], old[i][k]);
            col[i][k] = whist_builder_xor(b, twice[k], rest);
        }
    }
}

static void substitute_and_shift_rows(struct whist_builder *b, aes_bytes state)
{
    aes_bytes old;

    memcpy(old, state, sizeof old);
    for (int i = 0; i < 16; i++) {
        substitute(b, old[i]);
    }
    for (int i = 0; i < 16; i++) { /* row i % 4 moves left by i % 4 columns */
        memcpy(state[i], old[(i + 4 * (i % 4)) % 16], sizeof state[i]);
    }
}

/* Turns the key of one round into that of the next. */
static void next_key(struct whist_builder *b, aes_bytes key, unsigned rcon)
{
    whist_wire t[4][8];

    for (int i = 0; i < 4; i++) {
        memcpy(t[i], key[12 + (i + 1) % 4], sizeof t[i]);
        substitute(b, t[i]);
    }
    for (int k = 0; k < 8; k++) {
        t[0][k] = whist_builder_xor(b, t[0][k], whist_builder_const(b, (rcon >> k & 1) != 0));
    }
    xor_bytes(b, key, t, 4);
    for (int w = 1; w < 4; w++) {
        xor_bytes(b, key + 4 * w, key + 4 * (w - 1), 4);
    }
}

/* Values are the big-endian numbers of the standard: byte 0 has the highest wires. */
static void input_bytes(struct whist_builder *b, aes_bytes out)
{
    whist_wire w[128];
    whist_builder_input(b, w, 128);
    for (int i = 0; i < 16; i++) {
        memcpy(out[i], w + 8 * (15 - i), sizeof out[i]);
    }
}

void make_aes128(struct whist_builder *b)
{
    aes_bytes key, state;
    whist_wire out[128];
    unsigned rcon = 1;

    input_bytes(b, key);
    input_bytes(b, state);
    xor_bytes(b, state, key, 16);
    for (int round = 1; round <= 10; round++) {
        substitute_and_shift_rows(b, state);
        for (int c = 0; c < 4 && round != 10; c++) {
            mix_column(b, state + 4 * c);
        }
        next_key(b, key, rcon);
        xor_bytes(b, state, key, 16);
        rcon = rcon << 1 ^ (rcon >> 7) * 0x11b;
    }
    for (int i = 0; i < 16; i++) {
        memcpy(out + 8 * (15 - i), state[i], sizeof state[i]);
    }
    whist_builder_output(b, out, 128);
}
