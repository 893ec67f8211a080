/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Values as text, led by the type. The first byte gives type and format, the rest is the text: a
 * value that is read is written in both ways, and each is read as the same bits again. */
#include <string.h>
#include <whist/lang.h>

#include "fuzz.h"

enum { MAX_BITS = 1024 };

static const char source[] =
    "const N: usize = 2usize;\n"
    "struct Unit {}\n"
    "struct S { zeta: u8, alpha: (bool, i64), mid: [E; N] }\n"
    "enum E { None, One(u16), Two(usize, (), [bool; 3]) }\n"
    "enum Only { It(i8) }\n"
    "pub fn main(s: S, a: [i8; 4], u: [u16; 3], t: (Unit, Only, ()), b: bool, n: u64, o: (u8), e: "
    "[E; 3]) -> u8 { 1 }\n";

/* Made once: the target itself keeps nothing. */
static struct whist_program *program(void)
{
    static struct whist_program *p;

    if (p == NULL) {
        HOLDS(whist_program_new(&p, whist_bytes(source, sizeof source - 1), NULL, NULL) ==
              WHIST_OK);
        HOLDS(whist_program_bind(p, NULL, NULL, 0, WHIST_PANICS_OFF, NULL) == WHIST_OK);
    }
    return p;
}

static void check_again(const struct whist_type *t, const uint8_t *bits, whist_value_format format)
{
    uint8_t again[MAX_BITS];
    struct whist_buffer text = {0};

    HOLDS(whist_program_write(program(), &text, t, bits, format, NULL) == WHIST_OK);
    HOLDS(whist_program_read(program(), again, t, whist_buffer_view(&text), format, NULL) ==
          WHIST_OK);
    HOLDS(memcmp(bits, again, (size_t)whist_type_bits(t)) == 0);
    whist_buffer_clear(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bits[MAX_BITS];
    struct whist_error err = {0};

    if (size == 0) {
        return 0;
    }
    const struct whist_type *t =
        whist_program_param_type(program(), data[0] / 4 % whist_program_n_params(program()));
    size_t n = (size_t)whist_type_bits(t);
    whist_value_format format = (whist_value_format)(data[0] % 4);
    HOLDS(n < MAX_BITS);
    memset(bits, 2, sizeof bits);
    whist_status st =
        whist_program_read(program(), bits, t, whist_bytes(data + 1, size - 1), format, &err);
    for (size_t i = 0; i < n; i++) {
        HOLDS(bits[i] <= (st == WHIST_OK));
    }
    HOLDS(bits[n] == 2);
    if (st == WHIST_OK) {
        check_again(t, bits, WHIST_VALUE_STRICT);
        check_again(t, bits, WHIST_VALUE_JSON);
    } else {
        HOLDS(st == WHIST_ERR_FORMAT && err.text[0] != 0);
    }
    return 0;
}
