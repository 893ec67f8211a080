/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The compression function of SHA-256 (FIPS 180-4). */
#include "circuit/builder.h"

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

typedef whist_wire word[32];

/* Rotations by r and s, and a rotation or (shift) a shift by t, XORed. */
static void sigma(struct whist_builder *b, word out, const word x, int r, int s, int t, bool shift)
{
    for (int i = 0; i < 32; i++) {
        whist_wire last = shift && i + t >= 32 ? 0 : x[(i + t) % 32];
        out[i] = whist_builder_xor(b, whist_builder_xor(b, x[(i + r) % 32], x[(i + s) % 32]), last);
    }
}

/* out = Σ of the words and the constant, mod 2^32. One sum of all has fewer ANDs than additions
 * one by one. */
static void add_words(struct whist_builder *b, word out, whist_wire *const *words, size_t n,
                      uint32_t constant)
{
    struct sum s;

    sum_init(&s, b, 32);
    for (size_t i = 0; i < n; i++) {
        sum_number(&s, words[i], 32, 0);
    }
    for (size_t i = 0; i < 32; i++) {
        if ((constant >> i & 1) != 0) {
            sum_constant(&s, i, false);
        }
    }
    sum_finish(&s, out, 0);
}

/* w[t] for t ≥ 16, in the place of w[t − 16]. */
static void next_message_word(struct whist_builder *b, word *w, int t)
{
    word s0, s1;

    sigma(b, s1, w[(t - 2) % 16], 17, 19, 10, true);
    sigma(b, s0, w[(t - 15) % 16], 7, 18, 3, true);
    add_words(b, w[t % 16], (whist_wire *[]){s1, w[(t - 7) % 16], s0, w[t % 16]}, 4, 0);
}

/* One round; v holds a … h. */
static void sha_round(struct whist_builder *b, word *v, word w, uint32_t constant)
{
    word s0, s1, ch, maj, t1;

    sigma(b, s1, v[4], 6, 11, 25, false);
    sigma(b, s0, v[0], 2, 13, 22, false);
    for (int i = 0; i < 32; i++) {
        ch[i] = whist_builder_mux(b, v[4][i], v[5][i], v[6][i]);
        maj[i] = builder_majority(b, v[0][i], v[1][i], v[2][i]);
    }
    add_words(b, t1, (whist_wire *[]){v[7], s1, ch, w}, 4, constant);
    memmove(v[1], v[0], 7 * sizeof(word));
    add_words(b, v[4], (whist_wire *[]){v[4], t1}, 2, 0);
    add_words(b, v[0], (whist_wire *[]){t1, s0, maj}, 3, 0);
}

/* Values are the big-endian numbers of the standard: the first word has the highest wires. */
static void input_words(struct whist_builder *b, word *out, size_t n)
{
    whist_wire w[512];
    whist_builder_input(b, w, 32 * n);
    for (size_t i = 0; i < n; i++) {
        memcpy(out[i], w + 32 * (n - 1 - i), sizeof out[i]);
    }
}

void make_sha256(struct whist_builder *b)
{
    word w[16], state[8], v[8];
    whist_wire out[256];

    input_words(b, w, 16);
    input_words(b, state, 8);
    memcpy(v, state, sizeof v);
    for (int t = 0; t < 64; t++) {
        if (t >= 16) {
            next_message_word(b, w, t);
        }
        sha_round(b, v, w[t % 16], round_constants[t]);
    }
    for (int i = 0; i < 8; i++) {
        add_words(b, out + 32 * (7 - i), (whist_wire *[]){state[i], v[i]}, 2, 0);
    }
    whist_builder_output(b, out, 256);
}
