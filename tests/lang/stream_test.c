/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Gates of programs in segments: the same function, in the memory of a segment. */
#include "word_support.h"

enum { INPUT_BITS = 256, WIDTH = 16 };

/* A loop over rows with two variables, a check and a branch in each row. */
struct loop {
    uint32_t rows, rows_a_segment;
    uint32_t n_segments; /* given so far */
    uint32_t stop_after; /* segments, then the producer fails; 0: never */
};

static void loop_row(struct word_program *p, uint32_t row, word_id *sum, word_id *best)
{
    word_id v = word_resize(p, word_input(p, 8, row * 8 % INPUT_BITS), WIDTH, false);
    word_id larger = word_binary(p, WORD_ULT, *best, v);
    word_panic(p, larger, word_binary(p, WORD_UADD_OVF, *sum, v), row % 100);
    *sum = word_select(p, larger, word_binary(p, WORD_ADD, *sum, v),
                       word_binary(p, WORD_XOR, *sum, *best));
    *best = word_select(p, word_slice(p, *sum, 3, 1), *best,
                        word_binary(p, WORD_AND, v, word_unary(p, WORD_NOT, *best)));
}

static void start_segment(struct word_program *p)
{
    word_init(p);
    p->panics = WORD_PANICS_SITE;
    p->input_widths = whist_alloc(1, sizeof *p->input_widths);
    if (p->input_widths == NULL) {
        word_fail(p, WHIST_ERR_NOMEM);
        return;
    }
    p->input_widths[0] = INPUT_BITS;
    p->n_inputs = 1;
    for (int i = 0; i < 100; i++) {
        word_site(p, WORD_PANIC_OVERFLOW, 0);
    }
}

static whist_status run_loop(void *ctx, struct word_sink *sink, struct whist_error *err)
{
    struct loop *l = ctx;
    word_id sum = 0, best = 0;
    struct word_program p;

    l->n_segments = 0;
    bool last = false;
    for (uint32_t row = 0; !last;) {
        start_segment(&p);
        sum = row == 0 ? word_const(&p, WIDTH, 60000) : word_held(&p, WIDTH, 0, UINT64_MAX);
        best = row == 0 ? word_const(&p, WIDTH, 0) : word_held(&p, WIDTH, 1, UINT64_MAX);
        for (uint32_t k = 0; k < l->rows_a_segment && row < l->rows; k++) {
            loop_row(&p, row++, &sum, &best);
        }
        p.last = last = row >= l->rows;
        word_id kept[2] = {sum, best};
        if (p.last) {
            word_result(&p, sum);
            word_result(&p, best);
        } else {
            p.kept = whist_alloc(2, sizeof *p.kept);
            p.n_kept = p.kept != NULL ? 2 : 0;
            if (p.kept != NULL) {
                memcpy(p.kept, kept, sizeof kept);
            }
        }
        whist_status st = p.status != WHIST_OK       ? p.status
                          : p.n_kept == 0 && !p.last ? WHIST_ERR_NOMEM
                                                     : sink->segment(sink, &p, err);
        word_clear(&p);
        if (st != WHIST_OK) {
            return st;
        }
        if (++l->n_segments == l->stop_after) {
            return whist_fail(err, WHIST_ERR_LIMIT, WHIST_NO_PEER, "test", "stopped");
        }
    }
    return WHIST_OK;
}

/* The interpreter as a sink. */
struct interp_sink {
    struct word_sink sink;
    struct interp run;
    uint8_t *outputs;
};

static whist_status interp_take(struct word_sink *sink, const struct word_program *p,
                                struct whist_error *err)
{
    struct interp_sink *s = (struct interp_sink *)(void *)sink;
    (void)err;
    CHECK(interp_segment(&s->run, p) == WHIST_OK);
    if (p->last) {
        interp_outputs(&s->run, p, s->outputs);
    }
    return WHIST_OK;
}

static struct whist_gate_source *source_of(struct loop *l)
{
    struct whist_gate_source *src;
    struct whist_error err;
    struct gates_producer producer = {.run = run_loop, .ctx = l};
    CHECK_OK(gates_source_new(&src, &producer, &err), err);
    return src;
}

static void check_loop(uint32_t rows, uint32_t rows_a_segment)
{
    struct loop l = {rows, rows_a_segment, 0, 0};
    struct whist_gate_source *src = source_of(&l);
    struct rng r = {rows + rows_a_segment};
    uint8_t in[INPUT_BITS], want[2 * WIDTH + 8], got[2 * WIDTH + 8];
    struct whist_error err;

    CHECK(src->ops->shape(src)->output_widths[0] == sizeof want);
    for (int i = 0; i < 4; i++) {
        for (size_t k = 0; k < sizeof in; k++) {
            in[k] = i != 1 && (rng_next(&r) & 1) != 0;
        }
        struct interp_sink sink = {{interp_take}, {.inputs = in}, want};
        CHECK_OK(run_loop(&l, &sink.sink, &err), err);
        interp_clear(&sink.run);
        CHECK_OK(whist_source_eval(src, got, in, &err), err);
        CHECK_MSG(memcmp(want, got, sizeof want) == 0, "%u rows, %u a segment", rows,
                  rows_a_segment);
    }
    whist_gate_source_free(src);
}

static void segments_compute_the_same(void)
{
    static const uint32_t rows[] = {0, 1, 2, 5, 17, 100};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint32_t s = 1; s < 20; s += 3) {
            check_loop(rows[i], s);
        }
        check_loop(rows[i], 1000);
    }
}

/* Slots follow what is alive, not the length of the loop. */
static void long_loops_need_few_slots(void)
{
    struct loop l = {20000, 500, 0, 0}, shorter = {1000, 500, 0, 0};
    struct whist_gate_source *src = source_of(&l), *small = source_of(&shorter);
    const struct whist_circuit_shape *shape = src->ops->shape(src);

    CHECK(l.n_segments == 40);
    CHECK(shape->n_gates > 1000000 && shape->n_slots < 1000);
    CHECK(shape->n_slots <= small->ops->shape(small)->n_slots + 100);
    whist_gate_source_free(src);
    whist_gate_source_free(small);
    check_loop(20000, 500);
}

/* The same gates every time, as many as announced. */
static void gates_are_the_same_after_rewind(void)
{
    struct loop l = {300, 7, 0, 0}, same = l; /* each source has a thread */
    struct whist_gate_source *src = source_of(&l), *twin = source_of(&same);
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    static struct whist_gate a[5000], b[777];
    struct whist_error err;
    uint64_t total = 0;
    size_t n, m;

    CHECK(memcmp(shape->id, twin->ops->shape(twin)->id, 32) == 0);
    CHECK_OK(src->ops->next(src, a, 100, &n, &err), err);
    CHECK_OK(src->ops->rewind(src, &err), err); /* in the middle */
    for (;;) {
        CHECK_OK(src->ops->next(src, b, 777, &n, &err), err);
        for (size_t at = 0; at < n; at += m) {
            CHECK_OK(twin->ops->next(twin, a, n - at, &m, &err), err);
            CHECK(m > 0 && memcmp(a, b + at, m * sizeof *a) == 0);
        }
        total += n;
        if (n == 0) {
            break;
        }
    }
    CHECK(total == shape->n_gates);
    whist_gate_source_free(src);
    whist_gate_source_free(twin);
}

static void other_programs_have_other_ids(void)
{
    struct loop l = {30, 7, 0, 0}, other = {31, 7, 0, 0};
    struct whist_gate_source *src = source_of(&l), *twin = source_of(&other);
    CHECK(memcmp(src->ops->shape(src)->id, twin->ops->shape(twin)->id, 32) != 0);
    whist_gate_source_free(src); /* never started */
    whist_gate_source_free(twin);
}

static void producers_that_fail(void)
{
    struct loop l = {300, 7, 0, 3};
    struct gates_producer producer = {.run = run_loop, .ctx = &l};
    struct whist_gate_source *src;
    static struct whist_gate gates[1000];
    struct whist_error err;
    whist_status st;
    size_t n;

    CHECK(gates_source_new(&src, &producer, &err) == WHIST_ERR_LIMIT);
    CHECK(strcmp(err.text, "stopped") == 0);
    l.stop_after = 0;
    src = source_of(&l);
    l.stop_after = 3; /* fails the second time only */
    do {
        st = src->ops->next(src, gates, 1000, &n, &err);
    } while (st == WHIST_OK && n != 0);
    CHECK(st == WHIST_ERR_LIMIT && strcmp(err.text, "stopped") == 0);
    whist_gate_source_free(src);
}

static void every_allocation_may_fail(void)
{
    struct loop l = {40, 7, 0, 0};
    struct gates_producer producer = {.run = run_loop, .ctx = &l};
    struct whist_error err;
    long fail = 0;

    for (;; fail++) {
        struct whist_gate_source *src = NULL;
        whist_alloc_fail_after(fail);
        whist_status st = gates_source_new(&src, &producer, &err);
        whist_alloc_fail_after(-1);
        if (st == WHIST_OK) {
            whist_gate_source_free(src);
            break;
        }
        CHECK(st == WHIST_ERR_NOMEM && src == NULL);
    }
    CHECK(fail > 100);
}

static const struct test_case cases[] = {
    {"segments_compute_the_same", segments_compute_the_same},
    {"long_loops_need_few_slots", long_loops_need_few_slots},
    {"gates_are_the_same_after_rewind", gates_are_the_same_after_rewind},
    {"other_programs_have_other_ids", other_programs_have_other_ids},
    {"producers_that_fail", producers_that_fail},
    {"every_allocation_may_fail", every_allocation_may_fail},
};
TEST_MAIN(cases)
