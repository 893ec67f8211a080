/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Bristol files: reading, writing, errors with line numbers, hostile files. */
#include <sys/resource.h>

#include "circuit_support.h"

static whist_status parse(struct whist_circuit **c, const char *text, struct whist_error *err)
{
    *c = NULL;
    return whist_bristol_parse(c, whist_bytes(text, strlen(text)), err);
}

static struct whist_circuit *parse_ok(const char *text)
{
    struct whist_circuit *c;
    struct whist_error err;
    CHECK_OK(parse(&c, text, &err), err);
    return c;
}

/* Evaluates on input bits given as a string of 0 and 1, compares the output bits. */
static void check_eval(const struct whist_circuit *c, const char *in, const char *want)
{
    uint8_t bits[64], out[64];
    struct whist_error err;

    CHECK(c->n_input_bits == strlen(in) && c->n_output_bits == strlen(want));
    for (size_t i = 0; in[i] != 0; i++) {
        bits[i] = in[i] == '1';
    }
    CHECK_OK(whist_circuit_eval(c, out, bits, &err), err);
    for (size_t i = 0; want[i] != 0; i++) {
        CHECK_MSG(out[i] == (want[i] == '1'), "output %zu on %s", i, in);
    }
}

static void check_all(const char *text, const char *const (*rows)[2], size_t n)
{
    struct whist_circuit *c = parse_ok(text);
    for (size_t i = 0; i < n; i++) {
        check_eval(c, rows[i][0], rows[i][1]);
    }
    whist_circuit_free(c);
}

#define ALL(text, ...)                                                                             \
    check_all(text, (const char *const[][2]){__VA_ARGS__},                                         \
              sizeof((const char *const[][2]){__VA_ARGS__}) / sizeof(char *[2]))

static void every_kind_of_gate(void)
{
    ALL("1 3\n2 1 1\n1 1\n\n2 1 0 1 2 XOR\n", {"00", "0"}, {"10", "1"}, {"01", "1"}, {"11", "0"});
    ALL("1 3\n2 1 1\n1 1\n\n2 1 0 1 2 AND\n", {"00", "0"}, {"10", "0"}, {"01", "0"}, {"11", "1"});
    ALL("1 2\n1 1\n1 1\n1 1 0 1 INV\n", {"0", "1"}, {"1", "0"});
    ALL("1 2\n1 1\n1 1\n1 1 0 1 NOT\n", {"0", "1"}, {"1", "0"});
    ALL("1 2\n1 1\n1 1\n1 1 0 1 EQW\n", {"0", "0"}, {"1", "1"});
    ALL("2 3\n1 1\n1 2\n1 1 0 1 EQ\n1 1 1 2 EQ\n", {"0", "01"}, {"1", "01"});
    ALL("1 6\n2 2 2\n1 2\n4 2 0 1 2 3 4 5 MAND\n", {"1111", "11"}, {"1110", "10"}, {"1101", "01"},
        {"0111", "01"}, {"1011", "10"});
    ALL("2 7\n2 2 2\n1 1\n4 2 0 1 2 3 4 5 MAND\n2 1 4 5 6 XOR\n", {"1111", "0"}, {"1110", "1"});
}

static void wires_in_any_numbering(void)
{
    /* Gate order decides, not the numbers; outputs are inputs where the last wires are. */
    ALL("3 5\n1 2\n1 1\n1 1 0 3 INV\n1 1 1 2 INV\n2 1 3 2 4 AND\n", {"00", "1"}, {"10", "0"});
    ALL("0 3\n1 3\n1 2\n", {"010", "10"}, {"001", "01"});
    ALL("0 2\n1 2\n2 1 1\n", {"01", "01"});
    ALL("1 3\n1 2\n1 2\n1 1 0 2 INV\n", {"01", "11"});
    /* A number that no gate assigns. */
    ALL("1 4\n1 2\n1 1\n2 1 0 1 3 XOR\n", {"01", "1"});
    /* No inputs. */
    ALL("1 1\n0\n1 1\n1 1 1 0 EQ\n", {"", "1"});
}

static void blanks_and_line_ends(void)
{
    ALL("\n \t\n1 3 \r\n\r\n 2 1\t1\r\n1 1 \r\n\r\n  2  1 0 1 2 XOR  \r\n\r\n\t\r\n", {"10", "1"});
    ALL("1 3\n2 1 1\n1 1\n2 1 0 1 2 XOR", {"10", "1"});
    ALL("1 3\n2 1 1\n1 1\n2 1 0 1 2 XOR\r", {"10", "1"});
}

static void older_format(void)
{
    struct whist_circuit *c = parse_ok("2 5\n1 2 1\n\n2 1 0 1 3 AND\n1 1 3 4 INV\n");
    CHECK(c->n_inputs == 2 && c->input_widths[0] == 1 && c->input_widths[1] == 2);
    check_eval(c, "110", "0");
    whist_circuit_free(c);
    c = parse_ok("1 3\n2 0 1\n2 1 0 1 2 XOR\n"); /* one input value */
    CHECK(c->n_inputs == 1 && c->input_widths[0] == 2 && c->n_outputs == 1);
    check_eval(c, "10", "1");
    whist_circuit_free(c);
    c = parse_ok("0 2\n1 1 1\n");
    check_eval(c, "01", "1");
    whist_circuit_free(c);
    /* Three numbers stand in the second line of Bristol Fashion too. */
    c = parse_ok("1 3\n2 1 1\n1 1\n2 1 0 1 2 XOR\n");
    CHECK(c->n_inputs == 2 && c->n_outputs == 1 && c->output_widths[0] == 1);
    whist_circuit_free(c);
}

/* ---- Errors ---- */

#define HEAD "2 4\n2 1 1\n1 1\n"

static const struct {
    const char *text;
    int line;
    whist_status status;
    const char *says;
} malformed[] = {
    {"", 1, WHIST_ERR_FORMAT, "number of gates"},
    {"\n\n", 3, WHIST_ERR_FORMAT, "number of gates"},
    {"abc\n", 1, WHIST_ERR_FORMAT, "number of gates"},
    {"1\n", 1, WHIST_ERR_FORMAT, "number of gates"},
    {"1 2 3\n", 1, WHIST_ERR_FORMAT, "number of gates"},
    {"-1 2\n", 1, WHIST_ERR_FORMAT, "not '-'"},
    {"1,2\n", 1, WHIST_ERR_FORMAT, "not ','"},
    {"1 2x\n", 1, WHIST_ERR_FORMAT, "not 'x'"},
    {"1 2\n", 2, WHIST_ERR_FORMAT, "the number of values"},
    {"1 2\nx\n", 2, WHIST_ERR_FORMAT, "not 'x'"},
    {"1 3\n2 1\n1 1\n", 2, WHIST_ERR_FORMAT, "2 widths announced, 1 found"},
    {"1 3\n2 1 1 1\n1 1\n", 2, WHIST_ERR_FORMAT, "2 widths announced, 3 found"},
    {"1 3\n2 1 0\n1 1\n", 2, WHIST_ERR_FORMAT, "no wires"},
    {"1 3\n2 2 2\n1 1\n", 2, WHIST_ERR_FORMAT, "more wires than the 3 of line 1"},
    {"1 3\n2 1 1\n2 1\n", 3, WHIST_ERR_FORMAT, "2 widths announced, 1 found"},
    {"1 3\n2 1 1\n\n0\n", 4, WHIST_ERR_FORMAT, "no outputs"},
    {"1 3\n2 1 1\n1 4\n", 3, WHIST_ERR_FORMAT, "more wires than the 3 of line 1"},
    {"1 3\n1 1 0\n2 1 0 1 2 XOR\n", 2, WHIST_ERR_FORMAT, "no outputs"},
    {"1 3\n2 2 1\n2 1 0 1 2 XOR\n", 2, WHIST_ERR_FORMAT, "more wires"},
    {"2147483649 3\n", 1, WHIST_ERR_LIMIT, "2^31"},
    {"1 99999999999999999999999999\n", 1, WHIST_ERR_LIMIT, "2^31"},
    {"1 1000\n2 1 1\n1 1\n2 1 0 1 2 XOR\n", 1, WHIST_ERR_FORMAT, "too short to assign"},
    {HEAD "2 1 0 1 2 XOR\n", 5, WHIST_ERR_FORMAT, "ends after 1 of the 2 gates"},
    {HEAD "2 1 0 1 2 XOR", 4, WHIST_ERR_FORMAT, "ends after 1 of the 2 gates"},
    {HEAD "2 1 0 1 2 XOR\n1 1 2 3 INV\n1 1 2 3 INV\n", 6, WHIST_ERR_FORMAT, "something follows"},
    {HEAD "2 1 0 1 2 XOR\n1 1 2 3 INV\n\n\n# end\n", 8, WHIST_ERR_FORMAT, "something follows"},
    {HEAD "2 1 0 1 2 XOR\n2 1 0 1 2 AND\n", 5, WHIST_ERR_FORMAT, "wire 2 is assigned twice"},
    {HEAD "2 1 0 1 0 XOR\n", 4, WHIST_ERR_FORMAT, "wire 0 is an input"},
    {HEAD "2 1 0 1 4 XOR\n", 4, WHIST_ERR_FORMAT, "wire 4 does not exist"},
    {HEAD "\n2 1 0 4 2 XOR\n", 5, WHIST_ERR_FORMAT, "wire 4 does not exist"},
    {HEAD "2 1 0 3 2 XOR\n", 4, WHIST_ERR_FORMAT, "wire 3 is used before it is assigned"},
    {HEAD "2 1 0 2 2 XOR\n", 4, WHIST_ERR_FORMAT, "wire 2 is used before it is assigned"},
    {HEAD "2 1 0 1 2 XOR\n2 1 0 2147483648 3 XOR\n", 5, WHIST_ERR_FORMAT, "does not exist"},
    {HEAD "2 1 0 4294967296 2 XOR\n", 4, WHIST_ERR_LIMIT, "2^31"},
    {HEAD "2 1 0 1 2 NAND\n", 4, WHIST_ERR_FORMAT, "unknown gate 'NAND'"},
    {HEAD "2 1 0 1 2 xor\n", 4, WHIST_ERR_FORMAT, "unknown gate 'xor'"},
    {HEAD "2 1 0 1 2 XORXORXORXORXORXOR\n", 4, WHIST_ERR_FORMAT, "end of line"},
    {HEAD "2 1 0 1 2\n", 4, WHIST_ERR_FORMAT, "the kind of the gate expected, the line ends"},
    {HEAD "2 1 0 1 2 XOR XOR\n", 4, WHIST_ERR_FORMAT, "end of line expected, not 'X'"},
    {HEAD "2 1 0 1 2 XOR 5\n", 4, WHIST_ERR_FORMAT, "end of line expected, not '5'"},
    {HEAD "2 1 0 1 XOR\n", 4, WHIST_ERR_FORMAT, "2 inputs and 1 outputs announced, 2 wires"},
    {HEAD "2    \n", 4, WHIST_ERR_FORMAT, "numbers of inputs and outputs"},
    {HEAD "XOR\n", 4, WHIST_ERR_FORMAT, "numbers of inputs and outputs"},
    {HEAD "3 1 0 1 0 2 XOR\n", 4, WHIST_ERR_FORMAT, "XOR takes 2 inputs and 1 output"},
    {HEAD "2 2 0 1 2 3 AND\n", 4, WHIST_ERR_FORMAT, "AND takes 2 inputs and 1 output"},
    {HEAD "2 1 0 1 2 INV\n", 4, WHIST_ERR_FORMAT, "INV takes 1 input and 1 output"},
    {HEAD "1 1 2 2 EQ\n", 4, WHIST_ERR_FORMAT, "the constant 0 or 1, not 2"},
    {HEAD "0 0 XOR\n", 4, WHIST_ERR_FORMAT, "XOR takes"},
    {HEAD "0 0 MAND\n", 4, WHIST_ERR_FORMAT, "MAND takes twice"},
    {HEAD "3 2 0 1 0 2 3 MAND\n", 4, WHIST_ERR_FORMAT, "MAND takes twice"},
    {HEAD "4 2 0 1 1 2 2 3 MAND\n", 4, WHIST_ERR_FORMAT, "wire 2 is used before"},
    {HEAD "4 2 0 1 1 0 2 2 MAND\n", 4, WHIST_ERR_FORMAT, "wire 2 is assigned twice"},
    {HEAD "2 1 0 1 2 XOR\r1 1 2 3 INV\n", 4, WHIST_ERR_FORMAT, "not the byte 0x0d"},
    {HEAD "2 1 0 1 2 \xc3\xa9\n", 4, WHIST_ERR_FORMAT, "not the byte 0xc3"},
    {"1 5\n2 1 1\n1 1\n2 1 0 1 2 XOR\n", 5, WHIST_ERR_FORMAT, "output wire 4 is never assigned"},
    {"\xef\xbb\xbf" HEAD, 1, WHIST_ERR_FORMAT, "not the byte 0xef"},
};

static void errors_name_the_line(void)
{
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct whist_circuit *c;
        struct whist_error err = {0};
        char prefix[32];
        snprintf(prefix, sizeof prefix, "line %d: ", malformed[i].line);
        whist_status st = parse(&c, malformed[i].text, &err);
        CHECK_MSG(st == malformed[i].status && c == NULL && err.status == st,
                  "case %zu gives %s: %s", i, whist_status_name(st), err.text);
        CHECK_MSG(strncmp(err.text, prefix, strlen(prefix)) == 0 &&
                      strstr(err.text, malformed[i].says) != NULL,
                  "case %zu: '%s', not '%s… %s'", i, err.text, prefix, malformed[i].says);
    }
}

static void nul_bytes_are_refused(void)
{
    static const char good[] = "1 3\n2 1 1\n1 1\n\n2 1 0 1 2 XOR\n";
    char text[sizeof good];

    for (size_t i = 0; i < sizeof good - 1; i++) {
        struct whist_circuit *c = NULL;
        struct whist_error err;
        memcpy(text, good, sizeof good);
        text[i] = 0;
        whist_status st = whist_bristol_parse(&c, whist_bytes(text, sizeof good - 1), &err);
        CHECK_MSG(st == WHIST_ERR_FORMAT && strncmp(err.text, "line ", 5) == 0, "byte %zu", i);
    }
}

/* A text cut off anywhere is refused, or is complete but for the line end. */
static void cut_off_texts_are_refused(void)
{
    static const char good[] = "2 4\n2 1 1\n1 1\n\n2 1 0 1 2 XOR\n1 1 2 3 INV\n";

    for (size_t len = 0; len < sizeof good - 2; len++) {
        struct whist_circuit *c = NULL;
        struct whist_error err;
        whist_status st = whist_bristol_parse(&c, whist_bytes(good, len), &err);
        CHECK_MSG(st == WHIST_ERR_FORMAT && c == NULL, "%zu bytes", len);
    }
}

/* ---- Hostile files: little text, huge numbers ---- */

/* Limits the address space, where no sanitizer needs all of it. */
static void limit_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if !defined(__has_feature)
#define WHIST_MAY_LIMIT 1
#elif !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
#define WHIST_MAY_LIMIT 1
#endif
#endif
#ifdef WHIST_MAY_LIMIT
    struct rlimit limit = {(rlim_t)300 << 20, (rlim_t)300 << 20};
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
#endif
}

static void huge_numbers_take_no_memory(void)
{
    static const char *const texts[] = {
        "2147483648 2147483648\n2 1 1\n1 1\n2 1 0 1 2 XOR\n",
        "2147483648 3\n2 1 1\n1 1\n2 1 0 1 2 XOR\n",
        "1 2147483648\n2 1 1\n1 1\n2 1 0 1 2 XOR\n",
        "1 2147483648\n1 2147483647\n1 1\n1 1 0 2147483647 INV\n",
        "0 2147483648\n1 2147483648\n1 2147483648\n",
        "0 2147483648\n1 2147483648\n1 1\n",
        "1 2147483648\n2147483648 1 1\n1 1\n",
        "1 2147483648\n2147483647 2147483647 2147483647\n",
        "1 3\n2 1 1\n1 1\n2147483648 2147483648 0 1 2 MAND\n",
        "1 3\n2 1 1\n1 1\n2147483648 1073741824 0 1 2 MAND\n",
    };

    limit_memory();
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct whist_circuit *c;
        struct whist_error err;
        whist_status st = parse(&c, texts[i], &err);
        CHECK_MSG(st == WHIST_ERR_FORMAT, "text %zu: %s", i, whist_status_name(st));
    }
    /* Many unused inputs are fine up to a limit. */
    struct whist_circuit *c = parse_ok("0 16777216\n1 16777216\n1 1\n");
    CHECK(c->n_input_bits == 1 << 24);
    whist_circuit_free(c);
}

/* A megabyte of one character or number, in places where it could be gathered. */
static void long_lines_take_bounded_memory(void)
{
    static const char *const heads[] = {"", "1 3\n", "1 3\n2 1 1\n", HEAD, HEAD "2 1 "};
    static const char *const fills[] = {
        " ", "\n", "\r", "0", "9", "1 ", "X", "\t1", "2 1 0 1 2 XOR\n"};
    const size_t len = 1000000;
    char *text = malloc(len);

    CHECK(text != NULL);
    limit_memory();
    for (size_t h = 0; h < sizeof heads / sizeof heads[0]; h++) {
        for (size_t f = 0; f < sizeof fills / sizeof fills[0]; f++) {
            struct whist_circuit *c = NULL;
            struct whist_error err;
            size_t at = strlen(heads[h]), n = strlen(fills[f]);
            memcpy(text, heads[h], at);
            for (; at < len; at++) {
                text[at] = fills[f][(at - strlen(heads[h])) % n];
            }
            whist_status st = whist_bristol_parse(&c, whist_bytes(text, len), &err);
            CHECK(st == WHIST_ERR_FORMAT || st == WHIST_ERR_LIMIT);
            CHECK(strncmp(err.text, "line ", 5) == 0);
        }
    }
    free(text);
}

/* ---- Writing ---- */

static void write_circuit(struct whist_buffer *out, const struct whist_circuit *c, bool older)
{
    struct whist_error err;
    out->len = 0;
    CHECK_OK(whist_bristol_write(out, c, older, &err), err);
}

static void check_same(struct rng *rng, const struct whist_circuit *x,
                       const struct whist_circuit *y)
{
    uint8_t in[64], out[2][64];
    struct whist_error err;

    CHECK(x->n_input_bits == y->n_input_bits && x->n_output_bits == y->n_output_bits);
    for (int i = 0; i < 8; i++) {
        rng_bits(rng, in, x->n_input_bits);
        CHECK_OK(whist_circuit_eval(x, out[0], in, &err), err);
        CHECK_OK(whist_circuit_eval(y, out[1], in, &err), err);
        CHECK(memcmp(out[0], out[1], x->n_output_bits) == 0);
    }
}

/* Written and read again a circuit computes the same; after one round it does not change any more.
 */
static void round_trips(void)
{
    struct whist_buffer text[2] = {{0}, {0}};
    struct whist_error err;
    struct rng rng = {17};

    for (long i = 0; i < test_scale(2000); i++) {
        struct whist_circuit *c = random_circuit(&rng, 200), *d, *e;
        bool older = i % 2 != 0;
        if (older && c->n_inputs > 2) {
            CHECK(whist_bristol_write(&text[0], c, true, &err) == WHIST_ERR_UNSUPPORTED);
            older = false;
        }
        write_circuit(&text[0], c, older);
        CHECK_OK(whist_bristol_parse(&d, whist_buffer_view(&text[0]), &err), err);
        check_same(&rng, c, d);
        CHECK(older ? d->n_outputs == 1 : d->n_outputs == c->n_outputs);
        CHECK(d->n_inputs == c->n_inputs && d->input_widths[0] == c->input_widths[0]);
        write_circuit(&text[1], d, older);
        CHECK(text[0].len == text[1].len && memcmp(text[0].data, text[1].data, text[0].len) == 0);
        CHECK_OK(whist_bristol_parse(&e, whist_buffer_view(&text[1]), &err), err);
        CHECK(memcmp(d->id, e->id, sizeof d->id) == 0);
        for (uint64_t k = 0; older && k < d->n_gates; k++) {
            CHECK(whist_circuit_gate(d, k).op <= WHIST_OP_NOT);
        }
        whist_circuit_free(c);
        whist_circuit_free(d);
        whist_circuit_free(e);
    }
    whist_buffer_clear(&text[0]);
    whist_buffer_clear(&text[1]);
}

static void written_text(void)
{
    struct whist_buffer text = {0};
    struct whist_circuit *c = parse_ok("3 6\n2 1 2\n2 1 1\n2 1 0 1 4 AND\n1 1 4 3 INV\n"
                                       "2 1 3 2 5 XOR\n");
    static const char fashion[] =
        "3 6\n2 1 2\n2 1 1\n\n2 1 0 1 4 AND\n1 1 4 3 INV\n2 1 3 2 5 XOR\n";
    static const char older[] = "3 6\n1 2 2\n\n2 1 0 1 4 AND\n1 1 4 3 INV\n2 1 3 2 5 XOR\n";
    write_circuit(&text, c, false);
    CHECK(text.len == sizeof fashion - 1 && memcmp(text.data, fashion, text.len) == 0);
    write_circuit(&text, c, true);
    CHECK(text.len == sizeof older - 1 && memcmp(text.data, older, text.len) == 0);
    whist_circuit_free(c);
    /* Copies and constants: of their own here, from other gates there. */
    c = parse_ok("2 3\n1 1\n1 3\n1 1 1 1 EQ\n1 1 1 2 EQW\n");
    static const char fashion2[] = "3 4\n1 1\n1 3\n\n1 1 1 2 EQ\n1 1 2 3 EQW\n1 1 0 1 EQW\n";
    static const char older2[] = "6 7\n1 0 3\n\n2 1 0 0 1 XOR\n1 1 1 5 INV\n1 1 5 2 INV\n"
                                 "1 1 2 6 INV\n1 1 0 3 INV\n1 1 3 4 INV\n";
    write_circuit(&text, c, false);
    CHECK(text.len == sizeof fashion2 - 1 && memcmp(text.data, fashion2, text.len) == 0);
    write_circuit(&text, c, true);
    CHECK(text.len == sizeof older2 - 1 && memcmp(text.data, older2, text.len) == 0);
    whist_circuit_free(c);
    struct whist_error err;
    c = parse_ok("1 1\n0\n1 1\n1 1 1 0 EQ\n");
    CHECK(whist_bristol_write(&text, c, true, &err) == WHIST_ERR_UNSUPPORTED);
    whist_circuit_free(c);
    whist_buffer_clear(&text);
}

/* ---- Identity ---- */

static void the_id_is_of_the_function_as_written(void)
{
    static const char *const other[] = {
        "2 4\n1 2\n1 1\n2 1 0 1 2 XOR\n1 1 2 3 INV\n", /* another grouping */
        "2 4\n2 1 1\n1 1\n2 1 0 1 2 AND\n1 1 2 3 INV\n",
        "2 4\n2 1 1\n1 1\n2 1 1 0 2 XOR\n1 1 2 3 INV\n",
        "2 4\n2 1 1\n1 1\n2 1 0 1 2 XOR\n1 1 2 3 EQW\n",
        "2 4\n2 1 1\n1 2\n2 1 0 1 2 XOR\n1 1 2 3 INV\n",
        "2 4\n2 1 1\n2 1 1\n2 1 0 1 2 XOR\n1 1 2 3 INV\n",
        "2 4\n2 1 1\n1 1\n2 1 0 1 3 XOR\n1 1 3 2 INV\n", /* another output */
    };
    struct whist_circuit *c = parse_ok("2 4\n2 1 1\n1 1\n2 1 0 1 2 XOR\n1 1 2 3 INV\n");
    struct whist_circuit *same = parse_ok("2 9\r\n2 1 1\n1 1\n2 1 0 1 5 XOR\n1 1 5 8 INV\n");

    CHECK(memcmp(c->id, same->id, 32) == 0);
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        struct whist_circuit *d = parse_ok(other[i]);
        CHECK_MSG(memcmp(c->id, d->id, 32) != 0, "circuit %zu", i);
        whist_circuit_free(d);
    }
    whist_circuit_free(same);
    whist_circuit_free(c);
    c = parse_ok("0 2\n1 2\n1 2\n"); /* the same wires in one value and in two */
    same = parse_ok("0 2\n1 2\n2 1 1\n");
    CHECK(memcmp(c->id, same->id, 32) != 0);
    whist_circuit_free(same);
    whist_circuit_free(c);
}

/* ---- Allocation failures ---- */

static void every_allocation_may_fail(void)
{
    struct rng rng = {21};
    struct whist_circuit *c = random_circuit(&rng, 3000);
    struct whist_buffer text = {0};
    struct whist_error err;
    uint8_t in[64], out[64];

    write_circuit(&text, c, false);
    rng_bits(&rng, in, 64);
    for (long fail = 0, failed = 1; failed != 0; fail++) {
        struct whist_circuit *d = NULL;
        struct whist_gate_source *src = NULL;
        struct whist_circuit_info info;
        struct whist_buffer again = {0};
        whist_status st[6] = {WHIST_OK};
        whist_alloc_fail_after(fail);
        st[0] = whist_bristol_parse(&d, whist_buffer_view(&text), &err);
        whist_alloc_fail_after(fail);
        st[1] = whist_bristol_write(&again, c, fail % 2 != 0 && c->n_inputs < 3, &err);
        whist_alloc_fail_after(fail);
        st[2] = whist_circuit_info(c, &info, &err);
        whist_alloc_fail_after(fail);
        st[3] = whist_circuit_eval(c, out, in, &err);
        whist_alloc_fail_after(fail);
        st[4] = whist_circuit_source_new(&src, c, &err);
        whist_alloc_fail_after(st[4] == WHIST_OK ? fail : -1);
        st[5] = st[4] == WHIST_OK ? whist_source_eval(src, out, in, &err) : WHIST_OK;
        whist_alloc_fail_after(-1);
        failed = 0;
        for (int i = 0; i < 6; i++) {
            CHECK(st[i] == WHIST_OK || st[i] == WHIST_ERR_NOMEM);
            failed += st[i] != WHIST_OK;
        }
        CHECK(st[1] == WHIST_OK || again.len == 0);
        CHECK(fail > 3 || failed != 0);
        whist_circuit_free(d);
        whist_gate_source_free(src);
        whist_buffer_clear(&again);
    }
    whist_buffer_clear(&text);
    whist_circuit_free(c);
}

static const struct test_case cases[] = {
    {"every_kind_of_gate", every_kind_of_gate},
    {"wires_in_any_numbering", wires_in_any_numbering},
    {"blanks_and_line_ends", blanks_and_line_ends},
    {"older_format", older_format},
    {"errors_name_the_line", errors_name_the_line},
    {"nul_bytes_are_refused", nul_bytes_are_refused},
    {"cut_off_texts_are_refused", cut_off_texts_are_refused},
    {"huge_numbers_take_no_memory", huge_numbers_take_no_memory},
    {"long_lines_take_bounded_memory", long_lines_take_bounded_memory},
    {"round_trips", round_trips},
    {"written_text", written_text},
    {"the_id_is_of_the_function_as_written", the_id_is_of_the_function_as_written},
    {"every_allocation_may_fail", every_allocation_may_fail},
};
TEST_MAIN(cases)
