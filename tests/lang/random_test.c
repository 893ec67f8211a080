/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Random programs in six ways: the words of the program, the words of the program with these
 * inputs as constants (where every condition is known, so nothing of branches is used), the words
 * in small segments, the circuits of both levels, and the oracle, which walks the tree and shares
 * nothing with the others.
 */
#include <whist/lang.h>

#include "harness.h"
#include "lang/exec.h"
#include "lang/program.h"
#include "oracle.h"
#include "program_gen.h"
#include "segments.h"

/* ---- Random inputs ---- */

/* A value of the type: numbers are often small, enums have tags that exist and padding of zeros. */
static uint8_t *put_value(uint64_t *state, const struct lang_type *t, uint8_t *bits)
{
    uint64_t v = splitmix64(state);

    switch (t->kind) {
    case TYPE_TUPLE:
        for (uint32_t i = 0; i < t->n_parts; i++) {
            bits = put_value(state, t->parts[i], bits);
        }
        return bits;
    case TYPE_ARRAY:
        for (uint64_t i = 0; i < t->size->n; i++) {
            bits = put_value(state, t->elem, bits);
        }
        return bits;
    case TYPE_STRUCT:
        for (uint32_t i = 0; i < t->strct->n_fields; i++) {
            bits = put_value(state, t->strct->fields[t->strct->sorted[i]].type, bits);
        }
        return bits;
    case TYPE_ENUM: {
        const struct lang_enum *e = t->enm;
        uint32_t tag = (uint32_t)(v % e->n_variants);
        for (uint32_t k = e->tag_bits; k-- > 0;) {
            *bits++ = tag >> k & 1;
        }
        uint8_t *end = bits + e->payload_bits;
        memset(bits, 0, (size_t)e->payload_bits);
        for (uint32_t f = 0; f < e->variants[tag].n_fields; f++) {
            bits = put_value(state, e->variants[tag].fields[f], bits);
        }
        return end;
    }
    default:
        v = (v & 3) == 0 ? v >> 8 : (v & 3) == 1 ? v >> 60 : v >> 56 & 3;
        for (uint32_t k = lang_width(t); k-- > 0;) {
            *bits++ = v >> k & 1;
        }
        return bits;
    }
}

/* ---- Six ways ---- */

/* What a run says: result bits, and the check that failed first (UINT32_MAX: none). */
struct result {
    uint8_t bits[8192];
    size_t n;
    uint32_t origin;
};

static void take_outputs(struct result *r, const struct word_program *last, const uint8_t *out)
{
    r->n = (size_t)word_result_bits(last);
    r->origin = UINT32_MAX;
    CHECK(r->n <= sizeof r->bits);
    memcpy(r->bits, out, r->n);
    if (last->panics == WORD_PANICS_SITE && out[r->n] != 0) {
        uint32_t site = 0;
        for (uint32_t k = 0; k < word_site_bits(last->n_sites); k++) {
            site = site << 1 | out[r->n + 1 + k];
        }
        CHECK(site < last->n_sites);
        r->origin = last->sites[site].origin;
    }
}

static void run_words(struct result *r, const struct whist_program *p, const uint8_t *in,
                      size_t segment, bool known)
{
    struct segments s = {.sink = {take_segment}, .run = {.inputs = in}};
    const struct exec_options options = {.panics = (enum word_panics)p->panics,
                                         .inputs = known ? in : NULL,
                                         .sink = segment != 0 ? &s.sink : NULL,
                                         .segment_nodes = segment};
    struct word_program last;
    struct whist_error err = {0};
    uint8_t out[sizeof r->bits + 64];

    CHECK_OK(exec_program(&last, &p->layout, p->entry, &options, &err), err);
    CHECK(word_output_bits(&last) <= sizeof out);
    CHECK(interp_segment(&s.run, &last) == WHIST_OK);
    interp_outputs(&s.run, &last, out);
    take_outputs(r, &last, out);
    word_clear(&last);
    interp_clear(&s.run);
}

static void compare(const struct result *a, const struct result *b, const char *what,
                    const char *source, uint64_t seed)
{
    if (a->n == b->n && a->origin == b->origin && memcmp(a->bits, b->bits, a->n) == 0) {
        return;
    }
    fprintf(stderr, "program %llu, %s differs\n%s\n", (unsigned long long)seed, what, source);
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        if (a->bits[i] != b->bits[i]) {
            fprintf(stderr, "result bit %zu\n", i);
            break;
        }
    }
    fprintf(stderr, "sites %u and %u\n", a->origin, b->origin);
    exit(1);
}

static void run_oracle(struct result *r, const struct whist_program *p, const uint8_t *in)
{
    r->n = (size_t)p->entry->result->bits;
    CHECK(r->n <= sizeof r->bits);
    r->origin = oracle_run(r->bits, p->entry, in);
}

static void run_circuit(struct result *r, const struct whist_program *p,
                        const struct whist_circuit *c, const uint8_t *in)
{
    static uint8_t out[sizeof r->bits + 64];
    struct whist_error err = {0};

    CHECK_OK(whist_circuit_eval(c, out, in, &err), err);
    take_outputs(r, &p->words, out);
}

/* Runs that ended well, and that panicked: the programs must do both. */
static struct {
    unsigned long long good, panics;
} tally;

static void run_inputs(struct whist_program *const p[2], struct whist_circuit *const c[2],
                       const uint8_t *in, const char *source, uint64_t seed)
{
    static struct result words, other;

    run_words(&words, p[0], in, 0, false);
    run_oracle(&other, p[0], in);
    compare(&words, &other, "the oracle", source, seed);
    tally.good += words.origin == UINT32_MAX;
    tally.panics += words.origin != UINT32_MAX;
    run_words(&other, p[0], in, 0, true);
    compare(&words, &other, "known inputs", source, seed);
    run_words(&other, p[0], in, 24, false);
    compare(&words, &other, "segments", source, seed);
    run_circuit(&other, p[0], c[0], in);
    compare(&words, &other, "circuit", source, seed);
    run_circuit(&other, p[1], c[1], in);
    compare(&words, &other, "thorough circuit", source, seed);
}

static void run_program(struct whist_program *const p[2], const char *source, uint64_t seed)
{
    static uint8_t in[16384];
    struct whist_circuit *c[2];
    struct whist_circuit_info info[2];
    struct whist_error err = {0};
    uint64_t state = seed;

    for (int level = 0; level < 2; level++) {
        CHECK_OK(whist_program_circuit(p[level], &c[level], &err), err);
        CHECK_OK(whist_circuit_info(c[level], &info[level], &err), err);
    }
    CHECK_MSG(info[1].n_and <= info[0].n_and, "program %llu has more gates when thorough",
              (unsigned long long)seed);
    for (int round = 0; round < 4; round++) {
        uint8_t *end = in;
        for (uint32_t i = 0; i < p[0]->entry->n_params; i++) {
            const struct lang_type *t = p[0]->entry->params[i].local->type;
            CHECK((size_t)(end - in) + t->bits <= sizeof in);
            end = put_value(&state, t, end);
        }
        run_inputs(p, c, in, source, seed);
    }
    whist_circuit_free(c[0]);
    whist_circuit_free(c[1]);
}

static struct whist_program *make_program(const char *source, size_t len, bool thorough,
                                          whist_panics panics, uint64_t seed)
{
    const struct whist_program_options options = {.thorough = thorough};
    struct whist_error err = {0};
    struct whist_program *p = NULL;

    if (whist_program_new(&p, whist_bytes(source, len), &options, &err) != WHIST_OK) {
        fprintf(stderr, "program %llu is refused: %s\n%s\n", (unsigned long long)seed, err.text,
                source);
        exit(1);
    }
    CHECK_OK(whist_program_bind(p, NULL, NULL, 0, panics, &err), err);
    return p;
}

static void run_seeds(uint64_t from, long n, bool safe)
{
    static char source[1 << 20];
    whist_panics panics = safe ? WHIST_PANICS_OFF : WHIST_PANICS_SITE;

    for (uint64_t seed = from; seed < from + (uint64_t)n; seed++) {
        size_t len = program_gen(seed, safe, source, sizeof source);
        struct whist_program *p[2];
        for (int level = 0; level < 2; level++) {
            p[level] = make_program(source, len, level != 0, panics, seed);
        }
        run_program(p, source, seed);
        whist_program_free(p[0]);
        whist_program_free(p[1]);
    }
}

static void programs_that_panic_agree(void)
{
    run_seeds(1, test_scale(1000), false);
    printf("%llu results, %llu panics\n", tally.good, tally.panics);
    CHECK(tally.good > tally.panics / 4 && tally.panics > tally.good / 4);
}

static void programs_without_checks_agree(void)
{
    tally.good = tally.panics = 0;
    run_seeds(1, test_scale(1000), true);
    CHECK(tally.good > 0 && tally.panics == 0);
}

static const struct test_case cases[] = {
    {"programs_that_panic_agree", programs_that_panic_agree},
    {"programs_without_checks_agree", programs_without_checks_agree},
};
TEST_MAIN(cases)
