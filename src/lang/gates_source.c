/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A gate source over a program: segments are made, turned into gates and forgotten. */
#include <pthread.h>
#include <sodium.h>

#include "lang/lower.h"

/* Gates that are made before somebody pulls them, at most. */
enum { QUEUE_GATES = 1 << 16 };

/* The executor goes as deep as the program is nested. */
#define STACK_BYTES ((size_t)16 << 20)

/* Takes segments and gives gates to an emitter. */
struct stream {
    struct word_sink sink;
    struct lower lower;
    struct emitter emitter;
    uint32_t *output_slots; /* after the last segment; shape.output_widths[0] of them */
    bool started;
    /* Of the first pass, NULL in others: */
    struct program_source *describe;
};

struct program_source {
    struct whist_gate_source base;
    struct gates_producer producer;
    struct whist_circuit_shape shape;
    struct numbers input_widths;
    uint32_t n_outputs;
    uint32_t *output_slots; /* NULL before the end of the first pass */
    crypto_generichash_state hash;
    /* The thread that makes gates, and what it shares with the one that pulls. */
    bool running;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct whist_gate *queue; /* QUEUE_GATES, a ring */
    uint64_t n_put, n_taken;  /* gates so far */
    bool ended, stop;
    whist_status status;
    struct whist_error err;
};

/* ---- Segments to gates ---- */

/* Flag and site bits follow the words. */
enum { STATE_WIRES = 1 + 32 };

/* Gates of a segment that is not the last. */
static void give_segment(struct stream *s)
{
    struct lower *l = &s->lower;
    size_t n = l->n_kept + STATE_WIRES;
    whist_wire *kept = builder_wires(l->b, n);

    if (kept == NULL) {
        return;
    }
    memcpy(kept, l->kept, l->n_kept * sizeof *kept);
    kept[l->n_kept] = l->flag;
    memcpy(kept + l->n_kept + 1, l->site, sizeof l->site);
    builder_rewrite(l->b, kept, n, NULL, 0);
    emit_piece(&s->emitter, l->b, kept, n);
    memcpy(l->kept, kept, l->n_kept * sizeof *kept);
    l->flag = kept[l->n_kept];
    memcpy(l->site, kept + l->n_kept + 1, sizeof l->site);
    whist_free(kept);
}

static void give_last(struct stream *s)
{
    struct lower *l = &s->lower;

    s->output_slots = whist_zalloc(l->n_outputs, sizeof *s->output_slots);
    if (s->output_slots == NULL) {
        builder_fail(l->b, WHIST_ERR_NOMEM);
        return;
    }
    builder_rewrite(l->b, l->outputs, l->n_outputs, NULL, 0);
    emit_end(&s->emitter, l->b, l->outputs, l->n_outputs, s->output_slots);
}

whist_status gates_inputs(struct numbers *widths, const struct word_program *p)
{
    for (size_t i = 0; i < p->n_inputs; i++) {
        if (p->input_widths[i] != 0) {
            TRY(numbers_push(widths, p->input_widths[i]));
        }
    }
    return WHIST_OK;
}

static whist_status take_segment(struct word_sink *sink, const struct word_program *p,
                                 struct whist_error *err)
{
    struct stream *s = (struct stream *)(void *)sink;
    struct lower *l = &s->lower;

    if (!s->started) {
        s->started = true;
        lower_inputs(l, p);
        if (s->describe != NULL && gates_inputs(&s->describe->input_widths, p) != WHIST_OK) {
            builder_fail(l->b, WHIST_ERR_NOMEM);
        }
    }
    lower_segment(l, p);
    if (builder_ok(l->b)) {
        if (p->last) {
            give_last(s);
        } else {
            give_segment(s);
        }
    }
    if (!builder_ok(l->b)) {
        return whist_fail(err, l->b->status, WHIST_NO_PEER, "gates", "cannot make the gates: %s",
                          whist_status_text(l->b->status));
    }
    return WHIST_OK;
}

/* Makes the whole program; gates go to `put`. */
static whist_status run_stream(struct stream *s, const struct gates_producer *producer,
                               whist_status (*put)(void *, const struct whist_gate *, size_t),
                               void *ctx, struct whist_error *err)
{
    s->sink.segment = take_segment;
    s->emitter.put = put;
    s->emitter.ctx = ctx;
    TRY(whist_builder_new(&s->lower.b, err));
    TRY(producer->run(producer->ctx, &s->sink, err));
    return s->output_slots != NULL ? WHIST_OK
                                   : whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, "gates",
                                                "the program has no last segment");
}

static void stream_clear(struct stream *s)
{
    lower_clear(&s->lower);
    emit_clear(&s->emitter);
    whist_free(s->output_slots);
}

whist_status gates_stream(uint32_t **output_slots_out, const struct gates_producer *producer,
                          whist_status (*put)(void *, const struct whist_gate *, size_t), void *ctx,
                          struct whist_error *err)
{
    struct stream s = {0};
    whist_status st = run_stream(&s, producer, put, ctx, err);

    if (st == WHIST_OK) {
        *output_slots_out = s.output_slots;
        s.output_slots = NULL;
    }
    stream_clear(&s);
    return st;
}

/* ---- The first pass ---- */

/* Inputs, outputs and every gate decide what the function is. */
static whist_status hash_gates(void *ctx, const struct whist_gate *gates, size_t n)
{
    enum { RECORD = 13, MANY = 64 };
    struct program_source *src = ctx;
    uint8_t text[MANY * RECORD];

    for (size_t at = 0; at < n; at += MANY) {
        size_t m = n - at < MANY ? n - at : MANY;
        for (size_t i = 0; i < m; i++) {
            const struct whist_gate *g = &gates[at + i];
            uint8_t *p = text + i * RECORD;
            p[0] = (uint8_t)g->op;
            put_le32(p + 1, g->a);
            put_le32(p + 5, g->b);
            put_le32(p + 9, g->out);
        }
        crypto_generichash_update(&src->hash, text, m * RECORD);
    }
    return WHIST_OK;
}

static void hash_numbers(crypto_generichash_state *h, const uint32_t *v, size_t n)
{
    uint8_t text[8];

    put_le64(text, n);
    crypto_generichash_update(h, text, 8);
    for (size_t i = 0; i < n; i++) {
        put_le32(text, v[i]);
        crypto_generichash_update(h, text, 4);
    }
}

static whist_status describe(struct program_source *src, struct whist_error *err)
{
    static const char domain[] = "whist program gates 1";
    struct stream s = {.describe = src};

    crypto_generichash_init(&src->hash, NULL, 0, sizeof src->shape.id);
    crypto_generichash_update(&src->hash, (const uint8_t *)domain, sizeof domain);
    whist_status st = run_stream(&s, &src->producer, hash_gates, src, err);
    if (st == WHIST_OK) {
        src->n_outputs = (uint32_t)s.lower.n_outputs;
        src->output_slots = s.output_slots;
        s.output_slots = NULL;
        hash_numbers(&src->hash, src->input_widths.v, src->input_widths.len);
        hash_numbers(&src->hash, src->output_slots, src->n_outputs);
        src->shape = (struct whist_circuit_shape){
            .n_slots = s.emitter.n_slots,
            .n_inputs = src->input_widths.len,
            .input_widths = src->input_widths.v,
            .n_outputs = 1,
            .output_widths = &src->n_outputs,
            .n_ands = s.emitter.n_ands,
            .n_gates = s.emitter.n_gates,
        };
        crypto_generichash_final(&src->hash, src->shape.id, sizeof src->shape.id);
    }
    stream_clear(&s);
    return st;
}

/* ---- The thread ---- */

static whist_status queue_gates(void *ctx, const struct whist_gate *gates, size_t n)
{
    struct program_source *src = ctx;

    pthread_mutex_lock(&src->lock);
    for (size_t i = 0; i < n;) {
        while (!src->stop && src->n_put - src->n_taken == QUEUE_GATES) {
            pthread_cond_wait(&src->changed, &src->lock);
        }
        if (src->stop) {
            break;
        }
        for (; i < n && src->n_put - src->n_taken < QUEUE_GATES; i++) {
            src->queue[src->n_put++ % QUEUE_GATES] = gates[i];
        }
        pthread_cond_signal(&src->changed);
    }
    whist_status st = src->stop ? WHIST_ERR_CANCELLED : WHIST_OK;
    pthread_mutex_unlock(&src->lock);
    return st;
}

static void *make_gates(void *arg)
{
    struct program_source *src = arg;
    struct stream s = {0};
    struct whist_error err = {0};
    whist_status st = run_stream(&s, &src->producer, queue_gates, src, &err);

    stream_clear(&s);
    pthread_mutex_lock(&src->lock);
    src->ended = true;
    src->status = st;
    src->err = err;
    pthread_cond_signal(&src->changed);
    pthread_mutex_unlock(&src->lock);
    return NULL;
}

static whist_status start(struct program_source *src, struct whist_error *err)
{
    pthread_attr_t attr;

    src->ended = src->stop = false;
    src->n_put = src->n_taken = 0;
    int failed = pthread_attr_init(&attr);
    if (failed == 0) {
        failed = pthread_attr_setstacksize(&attr, STACK_BYTES);
        failed = failed != 0 ? failed : pthread_create(&src->thread, &attr, make_gates, src);
        pthread_attr_destroy(&attr);
    }
    src->running = failed == 0;
    return src->running ? WHIST_OK
                        : whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "gates",
                                     "cannot start the thread that makes gates");
}

static void stop(struct program_source *src)
{
    if (src->running) {
        pthread_mutex_lock(&src->lock);
        src->stop = true;
        pthread_cond_signal(&src->changed);
        pthread_mutex_unlock(&src->lock);
        pthread_join(src->thread, NULL);
        src->running = false;
    }
}

/* ---- The source ---- */

static const struct whist_circuit_shape *program_shape(const struct whist_gate_source *base)
{
    return &((const struct program_source *)base)->shape;
}

static whist_status program_next(struct whist_gate_source *base, struct whist_gate *gates_out,
                                 size_t max, size_t *n_out, struct whist_error *err)
{
    struct program_source *src = (struct program_source *)base;
    size_t n = 0;

    WHIST_REQUIRE(max > 0);
    if (!src->running) {
        TRY(start(src, err));
    }
    pthread_mutex_lock(&src->lock);
    while (!src->ended && src->n_put == src->n_taken) {
        pthread_cond_wait(&src->changed, &src->lock);
    }
    for (; n < max && src->n_taken < src->n_put; n++) {
        gates_out[n] = src->queue[src->n_taken++ % QUEUE_GATES];
    }
    whist_status st = n == 0 ? src->status : WHIST_OK;
    pthread_cond_signal(&src->changed);
    pthread_mutex_unlock(&src->lock);
    if (st != WHIST_OK) {
        return whist_fail(err, st, WHIST_NO_PEER, "gates", "%s", src->err.text);
    }
    *n_out = n;
    return WHIST_OK;
}

static const uint32_t *program_output_slots(const struct whist_gate_source *base)
{
    return ((const struct program_source *)base)->output_slots;
}

static whist_status program_rewind(struct whist_gate_source *base, struct whist_error *err)
{
    (void)err;
    stop((struct program_source *)base); /* the next pull starts again */
    return WHIST_OK;
}

static void source_clear(struct program_source *src)
{
    stop(src);
    pthread_cond_destroy(&src->changed);
    pthread_mutex_destroy(&src->lock);
    whist_free(src->output_slots);
    whist_free(src->queue);
    numbers_clear(&src->input_widths);
    whist_free(src);
}

static void program_free(struct whist_gate_source *base)
{
    struct program_source *src = (struct program_source *)base;
    struct gates_producer producer = src->producer;

    source_clear(src);
    if (producer.free != NULL) {
        producer.free(producer.ctx);
    }
}

static const struct whist_gate_source_ops program_ops = {
    .shape = program_shape,
    .next = program_next,
    .output_slots = program_output_slots,
    .rewind = program_rewind,
    .free = program_free,
};

whist_status gates_source_new(struct whist_gate_source **source_out,
                              const struct gates_producer *producer, struct whist_error *err)
{
    struct program_source *src = whist_zalloc(1, sizeof *src);

    if (src == NULL || sodium_init() < 0) {
        whist_free(src);
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "gates",
                          "out of memory for the gates");
    }
    src->base.ops = &program_ops;
    src->producer = *producer;
    pthread_mutex_init(&src->lock, NULL);
    pthread_cond_init(&src->changed, NULL);
    src->queue = whist_alloc(QUEUE_GATES, sizeof *src->queue);
    whist_status st = src->queue == NULL ? whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, "gates",
                                                      "out of memory for the gates")
                                         : describe(src, err);
    if (st != WHIST_OK) {
        source_clear(src);
        return st;
    }
    *source_out = &src->base;
    return WHIST_OK;
}
