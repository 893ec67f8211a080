/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Packed circuits: bytes, round trips, hostile files. */
#include <dirent.h>

#include "circuit/packed.h"
#include "circuit_support.h"

/* ---- Support ---- */

static whist_status append(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    (void)err;
    return whist_buffer_append(ctx, bytes.data, bytes.len);
}

static struct whist_buffer pack_source(struct whist_gate_source *src, const char *description)
{
    struct whist_buffer out = {0};
    const struct whist_sink sink = {append, &out};
    struct whist_error err;

    CHECK_OK(whist_packed_write(&sink, src, whist_bytes(description, strlen(description)), &err),
             err);
    return out;
}

static struct whist_buffer pack(const struct whist_circuit *c, const char *description)
{
    struct whist_gate_source *src;
    struct whist_error err;

    CHECK_OK(whist_circuit_source_new(&src, c, &err), err);
    struct whist_buffer out = pack_source(src, description);
    whist_gate_source_free(src);
    return out;
}

static bool equal(const struct whist_buffer *x, const struct whist_buffer *y)
{
    return x->len == y->len && (x->len == 0 || memcmp(x->data, y->data, x->len) == 0);
}

static struct whist_packed_file in_memory(const struct whist_buffer *b)
{
    return (struct whist_packed_file){.bytes = whist_buffer_view(b)};
}

/* Gives a changed file the digest that fits it. */
static void mend_digest(struct whist_buffer *b)
{
    size_t n = b->len - PACKED_DIGEST;
    crypto_generichash(b->data + n, PACKED_DIGEST, b->data, n, NULL, 0);
}

static struct whist_circuit *half_adder(void)
{
    struct whist_builder *b = new_builder();
    whist_wire x[2], out[2];

    whist_builder_input(b, &x[0], 1);
    whist_builder_input(b, &x[1], 1);
    out[0] = whist_builder_xor(b, x[0], x[1]);
    out[1] = whist_builder_not(b, whist_builder_and(b, x[0], x[1]));
    whist_builder_output(b, out, 2);
    return finish(b);
}

/* Reads a file that must be good both ways, and checks that both are the circuit c. */
static void check_is(struct rng *rng, const struct whist_buffer *file,
                     const struct whist_circuit *c)
{
    const struct whist_packed_file packed = in_memory(file);
    struct whist_circuit *d;
    struct whist_gate_source *src;
    struct whist_error err;
    uint8_t *in = whist_alloc(c->n_input_bits, 1);
    uint8_t *out[2] = {whist_alloc(c->n_output_bits, 1), whist_alloc(c->n_output_bits, 1)};

    CHECK(in != NULL && out[0] != NULL && out[1] != NULL);
    CHECK_OK(whist_packed_read(&d, NULL, &packed, &err), err);
    CHECK(memcmp(c->id, d->id, sizeof c->id) == 0 && c->n_ands == d->n_ands);
    CHECK_OK(whist_packed_source_new(&src, NULL, &packed, &err), err);
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    CHECK(memcmp(shape->id, c->id, sizeof c->id) == 0);
    CHECK(shape->n_gates == c->n_gates && shape->n_ands == c->n_ands);
    CHECK(shape->n_inputs == c->n_inputs && shape->n_outputs == c->n_outputs);
    for (int i = 0; i < 2; i++) {
        rng_bits(rng, in, c->n_input_bits);
        CHECK_OK(whist_circuit_eval(c, out[0], in, &err), err);
        CHECK_OK(whist_source_eval(src, out[1], in, &err), err);
        CHECK(memcmp(out[0], out[1], c->n_output_bits) == 0);
    }
    whist_gate_source_free(src);
    whist_circuit_free(d);
    whist_free(in);
    whist_free(out[0]);
    whist_free(out[1]);
}

/* ---- Bytes ---- */

/* The example of docs/circuit-format.md, byte by byte. */
static void the_documented_file(void)
{
    static const uint8_t expected[] = {
        0x89, 'W',  'H',  'I', 'S', 'T', '\r', '\n', /* magic */
        1,    0,    0,    0,                         /* version */
        2,    'h',  'i',                             /* description */
        2,    1,    1,                               /* inputs */
        1,    2,                                     /* outputs */
        0x58, 0x02,       /* a: 0 + 1, b: the slot written last (0), to a new slot (2): XOR */
        0x11, 0x03, 0x02, /* a: 2 - 2, b: 0 + 1, to the slot of b (1): AND */
        0x2a,             /* a: the slot written last (1), to the same: NOT */
        0x07,             /* end */
        0x04, 0x01,       /* outputs: 0 + 2, 2 - 1 */
        3,    0,    0,    0,   0,   0,   0,    0, /* gates */
        1,    0,    0,    0,   0,   0,   0,    0, /* ANDs */
        3,    0,    0,    0,   0,   0,   0,    0, /* slots */
    };
    struct whist_circuit *c = half_adder();
    struct whist_buffer file = pack(c, "hi");
    struct rng rng = {1};

    CHECK(file.len == sizeof expected + PACKED_DIGEST);
    for (size_t i = 0; i < sizeof expected; i++) {
        CHECK_MSG(file.data[i] == expected[i], "byte %zu is 0x%02x, not 0x%02x", i, file.data[i],
                  expected[i]);
    }
    check_is(&rng, &file, c);
    whist_buffer_clear(&file);
    whist_circuit_free(c);
}

/* The digest of a file that uses all of the format: the same bytes from every compiler and on every
 * machine. */
static void the_same_bytes_everywhere(void)
{
    static const char expected[] =
        "8d5c9f644874ae06a3189fca4874486538669f8e2c0f5fd1a74fd6eccd131a79";
    char hex[2 * PACKED_DIGEST + 1];
    struct rng rng = {7};
    struct whist_circuit *c = random_circuit(&rng, 100000);
    struct whist_buffer file = pack(c, "");

    sodium_bin2hex(hex, sizeof hex, file.data + file.len - PACKED_DIGEST, PACKED_DIGEST);
    CHECK_MSG(strcmp(hex, expected) == 0, "%s", hex);
    whist_buffer_clear(&file);
    whist_circuit_free(c);
}

/* ---- Round trips ---- */

static void random_circuits_come_back(void)
{
    struct rng rng = {2};

    for (long i = 0; i < test_scale(3000); i++) {
        struct whist_circuit *c = random_circuit(&rng, i % 10 == 0 ? 3000 : 60);
        struct whist_buffer file = pack(c, "");
        check_is(&rng, &file, c);
        whist_buffer_clear(&file);
        whist_circuit_free(c);
    }
}

/* Writing what a file gives makes the same file. */
static void files_have_one_spelling(void)
{
    struct rng rng = {3};
    struct whist_error err;

    for (int i = 0; i < 200; i++) {
        struct whist_circuit *c = random_circuit(&rng, 100);
        struct whist_buffer file = pack(c, "what it is"), description = {0}, again;
        const struct whist_packed_file packed = in_memory(&file);
        struct whist_gate_source *src;

        CHECK_OK(whist_packed_source_new(&src, &description, &packed, &err), err);
        CHECK(description.len == 10 && memcmp(description.data, "what it is", 10) == 0);
        again = pack_source(src, "what it is");
        CHECK(equal(&file, &again));
        whist_gate_source_free(src);
        whist_buffer_clear(&again);
        whist_buffer_clear(&description);
        whist_buffer_clear(&file);
        whist_circuit_free(c);
    }
}

static struct whist_buffer to_bristol(const struct whist_circuit *c)
{
    struct whist_buffer text = {0};
    struct whist_error err;

    CHECK_OK(whist_bristol_write(&text, c, false, &err), err);
    return text;
}

static void check_bristol_comes_back(struct rng *rng, const struct whist_circuit *c)
{
    struct whist_buffer file = pack(c, ""), text[2];
    const struct whist_packed_file packed = in_memory(&file);
    struct whist_circuit *d;
    struct whist_error err;

    check_is(rng, &file, c);
    CHECK_OK(whist_packed_read(&d, NULL, &packed, &err), err);
    text[0] = to_bristol(c);
    text[1] = to_bristol(d);
    CHECK(equal(&text[0], &text[1]));
    CHECK(file.len < text[0].len / 2);
    whist_circuit_free(d);
    whist_buffer_clear(&file);
    whist_buffer_clear(&text[0]);
    whist_buffer_clear(&text[1]);
}

static void bristol_files_come_back(void)
{
    DIR *dir = opendir(WHIST_SHARED_DIR "/circuits");
    struct rng rng = {4};
    struct whist_error err;
    int n = 0;

    if (dir == NULL) {
        SKIP("no %s/circuits", WHIST_SHARED_DIR);
    }
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        struct whist_buffer text = {0};
        struct whist_circuit *c;
        char path[1000];
        snprintf(path, sizeof path, "%s/circuits/%s", WHIST_SHARED_DIR, entry->d_name);
        if (strstr(entry->d_name, ".txt") == NULL || !read_file(&text, path) ||
            whist_bristol_parse(&c, whist_buffer_view(&text), &err) != WHIST_OK) {
            whist_buffer_clear(&text);
            continue; /* notes */
        }
        check_bristol_comes_back(&rng, c);
        n++;
        whist_circuit_free(c);
        whist_buffer_clear(&text);
    }
    closedir(dir);
    CHECK_MSG(n >= 4, "%d files", n);
}

static void circuits_of_our_own_come_back(void)
{
    struct rng rng = {5};
    struct whist_error err;
    const char *name;

    for (size_t k = 0; (name = whist_circuit_make_name(k, NULL)) != NULL; k++) {
        struct whist_circuit *c;
        CHECK_OK(whist_circuit_make(&c, name, NULL, &err), err);
        check_bristol_comes_back(&rng, c);
        whist_circuit_free(c);
    }
}

/* A generator with other slots than those of the file: they are numbered anew. */
static void generators_are_packed(void)
{
    struct whist_gate_source *made, *packed_src;
    struct whist_error err;
    uint8_t in[128], out[2][64];
    struct rng rng = {6};

    CHECK_OK(whist_synthetic_source_new(&made, 50000, &err), err);
    struct whist_buffer file = pack_source(made, "");
    const struct whist_packed_file packed = in_memory(&file);
    CHECK_OK(whist_packed_source_new(&packed_src, NULL, &packed, &err), err);
    rng_bits(&rng, in, sizeof in);
    CHECK_OK(whist_source_eval(made, out[0], in, &err), err);
    CHECK_OK(whist_source_eval(packed_src, out[1], in, &err), err);
    CHECK(memcmp(out[0], out[1], sizeof out[0]) == 0);
    CHECK(packed_src->ops->shape(packed_src)->n_ands == 50000);
    whist_gate_source_free(made);
    whist_gate_source_free(packed_src);
    whist_buffer_clear(&file);
}

/* ---- Hostile files ---- */

/* Reads a file of any bytes both ways: both say the same. Returns the status. */
static whist_status read_any(const struct whist_buffer *file, struct whist_error *err)
{
    const struct whist_packed_file packed = in_memory(file);
    struct whist_circuit *c = NULL;
    struct whist_gate_source *src = NULL;
    struct whist_buffer description = {0};
    struct whist_error other;
    struct rng rng = {8};
    whist_status st = whist_packed_read(&c, &description, &packed, err);

    CHECK(whist_packed_source_new(&src, NULL, &packed, &other) == st);
    if (st == WHIST_OK) {
        check_is(&rng, file, c);
    } else {
        CHECK(c == NULL && src == NULL && description.len == 0);
        CHECK(st == WHIST_ERR_FORMAT || st == WHIST_ERR_LIMIT || st == WHIST_ERR_UNSUPPORTED);
        CHECK_MSG(strncmp(err->text, "byte ", 5) == 0, "%s", err->text);
    }
    whist_buffer_clear(&description);
    whist_gate_source_free(src);
    whist_circuit_free(c);
    return st;
}

static struct whist_buffer small_file(uint64_t seed)
{
    struct rng rng = {seed};
    struct whist_circuit *c = random_circuit(&rng, 40);
    struct whist_buffer file = pack(c, "a description");

    whist_circuit_free(c);
    return file;
}

static void files_cut_anywhere_are_refused(void)
{
    struct whist_buffer file = small_file(9);
    struct whist_error err;
    size_t len = file.len;

    for (file.len = 0; file.len < len; file.len++) {
        struct whist_buffer copy = {0}; /* so that a byte too far is seen */
        CHECK(whist_buffer_append(&copy, file.data, file.len) == WHIST_OK);
        CHECK(read_any(&copy, &err) == WHIST_ERR_FORMAT);
        if (copy.len >= PACKED_DIGEST) {
            mend_digest(&copy);
            CHECK(read_any(&copy, &err) == WHIST_ERR_FORMAT);
        }
        whist_buffer_clear(&copy);
    }
    whist_buffer_clear(&file);
}

static void bytes_too_many_are_refused(void)
{
    struct whist_buffer file = small_file(9);
    struct whist_error err;

    for (int i = 0; i < 3; i++) {
        CHECK(whist_buffer_append(&file, "", 1) == WHIST_OK);
        CHECK(read_any(&file, &err) == WHIST_ERR_FORMAT);
        mend_digest(&file);
        CHECK(read_any(&file, &err) == WHIST_ERR_FORMAT);
    }
    CHECK_MSG(strstr(err.text, "the circuit ends here") != NULL, "%s", err.text);
    whist_buffer_clear(&file);
}

/* Every byte with every other value: the checksum shows it; with one that fits, the file is refused
 * or is a circuit. */
static void every_byte_changed(void)
{
    struct whist_error err;
    long n_good = 0;

    for (uint64_t seed = 10; seed < 10 + (uint64_t)test_scale(4); seed++) {
        struct whist_buffer file = small_file(seed);
        for (size_t at = 0; at < file.len; at++) {
            for (int change = 1; change < 256; change += change < 16 ? 1 : 7) {
                struct whist_buffer copy = {0};
                CHECK(whist_buffer_append(&copy, file.data, file.len) == WHIST_OK);
                copy.data[at] ^= (uint8_t)change;
                CHECK(read_any(&copy, &err) != WHIST_OK);
                mend_digest(&copy);
                if (at < file.len - PACKED_DIGEST) {
                    n_good += read_any(&copy, &err) == WHIST_OK;
                }
                whist_buffer_clear(&copy);
            }
        }
        whist_buffer_clear(&file);
    }
    CHECK(n_good > 100); /* other descriptions, kinds and slots */
}

/* A file that is `head` and then `rest` zeros, and what is said of it. */
static void check_refused(const char *head, size_t len, size_t rest, whist_status expected,
                          const char *text)
{
    struct whist_buffer file = {0};
    struct whist_error err;

    CHECK(whist_buffer_append(&file, PACKED_MAGIC "\1\0\0\0", 12) == WHIST_OK);
    CHECK(whist_buffer_append(&file, head, len) == WHIST_OK);
    for (size_t i = 0; i < rest + PACKED_DIGEST; i++) {
        CHECK(whist_buffer_append(&file, "", 1) == WHIST_OK);
    }
    mend_digest(&file);
    CHECK(read_any(&file, &err) == expected);
    CHECK_MSG(strstr(err.text, text) != NULL, "%s", err.text);
    whist_buffer_clear(&file);
}

#define REFUSED(head, rest, status, text) check_refused(head, sizeof(head) - 1, rest, status, text)

/* Counts are not believed: nothing is allocated for what has not been read. */
static void counts_that_are_not_true(void)
{
    REFUSED("\xff\xff\xff\xff\x0f", 100, WHIST_ERR_LIMIT, "2^24");        /* description */
    REFUSED("\x80\x80\x80\x04", 100, WHIST_ERR_FORMAT, "ends in the");    /* 2^23 of it */
    REFUSED("\0\xff\xff\xff\xff\x0f", 100, WHIST_ERR_FORMAT, "no wires"); /* inputs, zero wide */
    REFUSED("\0\xff\xff\xff\xff\x0f\1\1", 0, WHIST_ERR_FORMAT, "ends in the");
    REFUSED("\0\1\xff\xff\xff\xff\x0f", 100, WHIST_ERR_LIMIT, "2^31");
    REFUSED("\0\1\xff\xff\xff\x0f", 100, WHIST_ERR_FORMAT, "too short to use"); /* 2^25 inputs */
    REFUSED("\0\0\1\xff\xff\xff\x0f\7", 5, WHIST_ERR_FORMAT, "slot 0 has no value");
    REFUSED("\0\1\1\1\xff\xff\xff\x0f\7", 5, WHIST_ERR_FORMAT, "ends in the"); /* 2^25 outputs */
    REFUSED("\0\1\1\0", 100, WHIST_ERR_FORMAT, "no outputs");
    REFUSED("\0\1\1\1\1\7\0\1\0\0\0\0\0\0\0", 16, WHIST_ERR_FORMAT, "says 1 gates, but has 0");
    REFUSED("\0\1\1\1\1\7\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0", 8, WHIST_ERR_FORMAT, "AND gates");
    REFUSED("\0\1\1\1\1\7\0", 24, WHIST_ERR_FORMAT, "says 0 slots, but has 1");
}

/* Each number and gate has one spelling. */
static void other_spellings(void)
{
    REFUSED("\x80\0", 100, WHIST_ERR_FORMAT, "needless byte");
    REFUSED("\x80\x80\x80\x80\x80\0", 100, WHIST_ERR_FORMAT, "more than 5 bytes");
    REFUSED("\0\1\2\1\1\x06", 30, WHIST_ERR_FORMAT, "0x06 begins no gate");
    REFUSED("\0\1\2\1\1\xa0", 30, WHIST_ERR_FORMAT, "0xa0 begins no gate");
    REFUSED("\0\1\2\1\1\x27", 30, WHIST_ERR_FORMAT, "0x27 begins no gate");
    REFUSED("\0\1\2\1\1\x5a", 30, WHIST_ERR_FORMAT, "0x5a begins no gate"); /* NOT has no b */
    REFUSED("\0\1\2\1\1\x3c", 30, WHIST_ERR_FORMAT, "0x3c begins no gate"); /* nor 0 an a */
    REFUSED("\0\1\2\1\1\x18\0\2", 30, WHIST_ERR_FORMAT, "written last is spelt out");
    REFUSED("\0\1\2\1\1\x38\0", 30, WHIST_ERR_FORMAT, "written last is spelt out");
    REFUSED("\0\1\2\1\1\x20\2\0", 30, WHIST_ERR_FORMAT, "operand's slot is spelt out");
    REFUSED("\0\1\2\1\1\x70", 30, WHIST_ERR_FORMAT, "second operand");
    REFUSED("\0\1\2\1\1\x32", 30, WHIST_ERR_FORMAT, "second operand");
    REFUSED("\0\1\2\1\1\x0c", 30, WHIST_ERR_FORMAT, "without operands");
    REFUSED("\0\1\2\1\1\x38\4", 30, WHIST_ERR_FORMAT, "slot 2 has no value");
    REFUSED("\0\1\2\1\1\x38\1", 30, WHIST_ERR_FORMAT, "slot -1 has no value");
    REFUSED("\0\0\1\1\x22", 30, WHIST_ERR_FORMAT, "no slot has been written");
}

static void later_versions_are_refused(void)
{
    struct whist_buffer file = small_file(9);
    struct whist_error err;

    file.data[PACKED_MAGIC_LEN] = 2;
    mend_digest(&file);
    CHECK(read_any(&file, &err) == WHIST_ERR_UNSUPPORTED);
    CHECK_MSG(strstr(err.text, "version 2") != NULL, "%s", err.text);
    whist_buffer_clear(&file);
}

/* ---- What goes wrong outside ---- */

/* Pulls all gates; the first error. */
static whist_status pull_all(struct whist_gate_source *src, struct whist_error *err)
{
    struct whist_gate g[7];
    size_t n;

    do {
        TRY(src->ops->next(src, g, 7, &n, err));
    } while (n != 0);
    return src->ops->next(src, g, 7, &n, err); /* the end stays the end */
}

/* Whatever becomes of the file after it was checked, the gates are those of its shape, or there is
 * an error. */
static void files_that_change_after_the_check(void)
{
    struct whist_buffer file = small_file(11);
    const struct whist_packed_file packed = in_memory(&file);
    struct whist_gate_source *src;
    struct whist_error err;

    CHECK_OK(whist_packed_source_new(&src, NULL, &packed, &err), err);
    CHECK_OK(pull_all(src, &err), err);
    for (size_t at = 0; at < file.len - PACKED_DIGEST; at++) {
        for (int change = 1; change < 256; change *= 2) {
            file.data[at] ^= (uint8_t)change;
            mend_digest(&file);
            CHECK_OK(src->ops->rewind(src, &err), err);
            CHECK(pull_all(src, &err) != WHIST_OK);
            file.data[at] ^= (uint8_t)change;
        }
    }
    mend_digest(&file);
    CHECK_OK(src->ops->rewind(src, &err), err);
    CHECK_OK(pull_all(src, &err), err);
    whist_gate_source_free(src);
    whist_buffer_clear(&file);
}

struct failing {
    const struct whist_buffer *file;
    long left; /* calls that succeed */
};

static whist_status failing_read(void *ctx, uint8_t *out, uint64_t at, size_t len,
                                 struct whist_error *err)
{
    struct failing *f = ctx;

    if (f->left-- == 0) {
        return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "injected");
    }
    CHECK(at + len <= f->file->len);
    memcpy(out, f->file->data + at, len);
    return WHIST_OK;
}

static whist_status failing_write(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    struct failing *f = ctx;

    (void)bytes;
    return f->left-- == 0 ? whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "injected")
                          : WHIST_OK;
}

static void reads_and_writes_that_fail(void)
{
    struct whist_circuit *d = NULL;
    struct whist_gate_source *src, *made = NULL;
    struct whist_error err;
    whist_status st[2] = {WHIST_ERR_IO, WHIST_ERR_IO}, written = WHIST_ERR_IO;

    CHECK_OK(whist_synthetic_source_new(&src, 30000, &err), err);
    struct whist_buffer file = pack_source(src, "");
    CHECK(file.len > 3 * 65536);
    for (long n = 0; st[0] != WHIST_OK || st[1] != WHIST_OK || written != WHIST_OK; n++) {
        struct failing f = {&file, n}, g = {&file, n}, w = {NULL, n};
        struct whist_packed_file packed = {failing_read, &f, file.len, {0}};
        const struct whist_sink sink = {failing_write, &w};
        st[0] = whist_packed_read(&d, NULL, &packed, &err);
        CHECK((st[0] == WHIST_OK) == (d != NULL) &&
              (d != NULL || strcmp(err.text, "injected") == 0));
        whist_circuit_free(d);
        d = NULL;
        packed.ctx = &g;
        st[1] = whist_packed_source_new(&made, NULL, &packed, &err);
        st[1] = st[1] == WHIST_OK ? pull_all(made, &err) : st[1];
        CHECK(st[1] == WHIST_OK || strcmp(err.text, "injected") == 0);
        whist_gate_source_free(made);
        made = NULL;
        written = whist_packed_write(&sink, src, whist_bytes(NULL, 0), &err);
        CHECK(n >= 3 || written == WHIST_ERR_IO);
        CHECK(n < 100);
    }
    whist_gate_source_free(src);
    whist_buffer_clear(&file);
}

static void without_memory(void)
{
    struct whist_buffer file = small_file(13), out = {0};
    const struct whist_packed_file packed = in_memory(&file);
    const struct whist_sink sink = {append, &out};
    struct whist_error err;
    whist_status st = WHIST_ERR_NOMEM;

    for (long fail = 0; st != WHIST_OK; fail++) {
        struct whist_circuit *c = NULL;
        struct whist_gate_source *src = NULL;
        struct whist_buffer description = {0};
        whist_status all[3];
        CHECK(fail < 200);
        out.len = 0;
        whist_alloc_fail_after(fail);
        all[0] = whist_packed_read(&c, &description, &packed, &err);
        whist_alloc_fail_after(fail);
        all[1] = whist_packed_source_new(&src, &description, &packed, &err);
        all[1] = all[1] == WHIST_OK ? pull_all(src, &err) : all[1];
        whist_alloc_fail_after(src != NULL ? fail : -1);
        all[2] = src != NULL ? whist_packed_write(&sink, src, whist_bytes("x", 1), &err)
                             : WHIST_ERR_NOMEM;
        whist_alloc_fail_after(-1);
        st = WHIST_OK;
        for (int i = 0; i < 3; i++) {
            CHECK(all[i] == WHIST_OK || all[i] == WHIST_ERR_NOMEM);
            st = all[i] != WHIST_OK ? all[i] : st;
        }
        whist_circuit_free(c);
        whist_gate_source_free(src);
        whist_buffer_clear(&description);
    }
    whist_buffer_clear(&file);
    whist_buffer_clear(&out);
}

static const struct test_case cases[] = {
    {"the_documented_file", the_documented_file},
    {"the_same_bytes_everywhere", the_same_bytes_everywhere},
    {"random_circuits_come_back", random_circuits_come_back},
    {"files_have_one_spelling", files_have_one_spelling},
    {"bristol_files_come_back", bristol_files_come_back},
    {"circuits_of_our_own_come_back", circuits_of_our_own_come_back},
    {"generators_are_packed", generators_are_packed},
    {"files_cut_anywhere_are_refused", files_cut_anywhere_are_refused},
    {"bytes_too_many_are_refused", bytes_too_many_are_refused},
    {"every_byte_changed", every_byte_changed},
    {"counts_that_are_not_true", counts_that_are_not_true},
    {"other_spellings", other_spellings},
    {"later_versions_are_refused", later_versions_are_refused},
    {"files_that_change_after_the_check", files_that_change_after_the_check},
    {"reads_and_writes_that_fail", reads_and_writes_that_fail},
    {"without_memory", without_memory},
};
TEST_MAIN(cases)
