/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "parties.h"

#include <pthread.h>

#include "core/core.h"
#include "harness.h"

struct party {
    const struct party_setup *setup;
    size_t me;
    struct whist_channel *ch;
    struct party_result *result;
};

static whist_status make_source(const struct party_setup *setup, struct whist_gate_source **out,
                                struct whist_error *err)
{
    if (setup->circuit != NULL) {
        return whist_circuit_source_new(out, setup->circuit, err);
    }
    if (setup->make_source != NULL) {
        return setup->make_source(setup->source_ctx, out, err);
    }
    return whist_synthetic_source_new(out, setup->synthetic_ands, err);
}

static size_t sum_widths(const uint32_t *widths, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += widths[i];
    }
    return sum;
}

static size_t output_bits(const struct party_setup *setup)
{
    struct whist_gate_source *src;
    struct whist_error err;
    CHECK_OK(make_source(setup, &src, &err), err);
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    size_t sum = sum_widths(shape->output_widths, shape->n_outputs);
    whist_gate_source_free(src);
    return sum;
}

static size_t all_output_bits(const struct party_setup *setup)
{
    size_t sum = 0;
    for (const struct party_setup *one = setup; one != NULL; one = one->next) {
        sum += output_bits(one);
    }
    return sum;
}

uint8_t *parties_expect(const struct party_setup *setup, size_t *n_bits_out)
{
    struct whist_gate_source *src;
    struct whist_error err;
    CHECK_OK(make_source(setup, &src, &err), err);
    *n_bits_out = output_bits(setup);
    uint8_t *out = calloc(1, *n_bits_out + 1);
    CHECK_OK(whist_source_eval(src, out, setup->inputs, &err), err);
    whist_gate_source_free(src);
    return out;
}

bool party_receives(const struct party_setup *setup, size_t party)
{
    return setup->receivers == 0 || (setup->receivers >> party & 1) != 0;
}

/* Copies the party's own bits; returns their number. */
static size_t own_inputs(uint8_t *out, const struct party_setup *setup,
                         const struct whist_circuit_shape *shape, size_t me)
{
    size_t count = 0, at = 0;
    for (size_t k = 0; k < shape->n_inputs; k++) {
        size_t owner = setup->owners != NULL ? setup->owners[k] : k % setup->n;
        for (uint32_t b = 0; b < shape->input_widths[k]; b++, at++) {
            if (owner == me) {
                out[count++] = setup->inputs[at];
            }
        }
    }
    return count;
}

/* One computation of the chain. */
static void run_one(struct whist_session *session, const struct party_setup *setup,
                    const struct party *p, uint8_t *outputs)
{
    static const struct party_watch nothing;
    const struct party_watch *watch = p->setup->watch != NULL ? p->setup->watch : &nothing;
    struct party_result *res = p->result;
    struct whist_gate_source *src = NULL;
    res->status = make_source(setup, &src, &res->err);
    if (res->status != WHIST_OK) {
        return;
    }
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    uint8_t *own = calloc(1, sum_widths(shape->input_widths, shape->n_inputs) + 1);
    for (size_t k = 0; k < (setup->repeat != 0 ? setup->repeat : 1) && res->status == WHIST_OK;
         k++) {
        struct whist_run run = {.source = src,
                                .owners = setup->owners,
                                .evaluator = setup->evaluator,
                                .receivers = setup->receivers,
                                .inputs = own,
                                .n_inputs = own_inputs(own, setup, shape, p->me)};
        if (watch->vary != NULL) {
            watch->vary(watch->ctx, p->me, NULL, &run);
        }
        res->status = whist_session_run(session, outputs, &run, &res->err);
    }
    whist_gate_source_free(src);
    free(own);
}

static void *party_main(void *arg)
{
    struct party *p = arg;
    static const struct party_watch nothing;
    const struct party_setup *setup = p->setup;
    const struct party_watch *watch = setup->watch != NULL ? setup->watch : &nothing;
    struct whist_session_options options = setup->options;
    struct party_result *res = p->result;
    struct whist_session *session = NULL;
    size_t at = 0;
    if (watch->vary != NULL) {
        watch->vary(watch->ctx, p->me, &options, NULL);
    }
    res->status =
        whist_session_new_hooked(&session, p->ch, &options, setup->hooks[p->me], &res->err);
    if (res->status == WHIST_OK && watch->opened != NULL) {
        watch->opened(watch->ctx, p->me, session);
    }
    for (const struct party_setup *one = setup; one != NULL && res->status == WHIST_OK;
         one = one->next) {
        run_one(session, one, p, res->outputs + at);
        at += one->next != NULL ? output_bits(one) : 0;
    }
    if (watch->ended != NULL) {
        watch->ended(watch->ctx, p->me, session, p->ch, res);
    }
    res->ran = res->status == WHIST_OK;
    if (!res->ran) {
        whist_channel_abort(p->ch, &res->err);
    } else {
        res->status = whist_channel_close(p->ch, WHIST_DEADLINE_DEFAULT, &res->err);
    }
    whist_session_free(session);
    return NULL;
}

static void make_channels(struct whist_channel **channels, const struct party_setup *setup)
{
    struct whist_error err;
    if (setup->channels != NULL) {
        memcpy(channels, setup->channels, setup->n * sizeof channels[0]);
    } else {
        CHECK_OK(whist_channel_memory_new(channels, setup->n,
                                          setup->timeout_ms != 0 ? setup->timeout_ms : 60000, &err),
                 err);
    }
    for (size_t i = 0; i < setup->n && setup->wrap != NULL; i++) {
        channels[i] = setup->wrap(setup->wrap_ctx, i, channels[i]);
    }
}

void parties_run(struct party_result *results, const struct party_setup *setup)
{
    struct whist_channel *channels[WHIST_MAX_PARTIES];
    struct party parties[WHIST_MAX_PARTIES];
    pthread_t threads[WHIST_MAX_PARTIES];
    size_t n_out = all_output_bits(setup);
    make_channels(channels, setup);
    for (size_t i = 0; i < setup->n; i++) {
        results[i] = (struct party_result){.outputs = calloc(1, n_out + 1)};
        parties[i] = (struct party){setup, i, channels[i], &results[i]};
    }
    whist_alloc_fail_after(setup->allocations != 0 ? setup->allocations - 1 : -1);
    for (size_t i = 0; i < setup->n; i++) {
        CHECK(pthread_create(&threads[i], NULL, party_main, &parties[i]) == 0);
    }
    for (size_t i = 0; i < setup->n; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    whist_alloc_fail_after(-1);
    for (size_t i = 0; i < setup->n; i++) {
        whist_channel_free(channels[i]);
    }
}

void parties_clear(struct party_result *results, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(results[i].outputs);
    }
}
