/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "parties.h"

#include <pthread.h>

#include "harness.h"

struct party {
    const struct party_setup *setup;
    size_t me;
    struct whist_channel *ch;
    struct party_result *result;
};

static struct whist_gate_source *make_source(const struct party_setup *setup)
{
    struct whist_gate_source *src;
    struct whist_error err;
    CHECK_OK(setup->circuit != NULL ? whist_circuit_source_new(&src, setup->circuit, &err)
                                    : whist_synthetic_source_new(&src, setup->synthetic_ands, &err),
             err);
    return src;
}

static size_t sum_widths(const uint32_t *widths, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += widths[i];
    }
    return sum;
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

/* One computation of the chain; returns its number of output bits. */
static size_t run_one(struct whist_session *session, const struct party_setup *setup, size_t me,
                      uint8_t *outputs, struct party_result *res)
{
    struct whist_gate_source *src = make_source(setup);
    const struct whist_circuit_shape *shape = src->ops->shape(src);
    uint8_t *own = calloc(1, sum_widths(shape->input_widths, shape->n_inputs) + 1);
    size_t n_own = own_inputs(own, setup, shape, me);
    struct whist_run run = {.source = src,
                            .owners = setup->owners,
                            .evaluator = setup->evaluator,
                            .receivers = setup->receivers,
                            .inputs = own,
                            .n_inputs = n_own};
    size_t n_out = sum_widths(shape->output_widths, shape->n_outputs);
    for (size_t k = 0; k < (setup->repeat != 0 ? setup->repeat : 1) && res->status == WHIST_OK;
         k++) {
        res->status = whist_session_run(session, outputs, &run, &res->err);
    }
    whist_gate_source_free(src);
    free(own);
    return n_out;
}

static size_t output_bits(const struct party_setup *setup)
{
    size_t sum = 0;
    for (const struct party_setup *one = setup; one != NULL; one = one->next) {
        struct whist_gate_source *src = make_source(one);
        const struct whist_circuit_shape *shape = src->ops->shape(src);
        sum += sum_widths(shape->output_widths, shape->n_outputs);
        whist_gate_source_free(src);
    }
    return sum;
}

static void *party_main(void *arg)
{
    struct party *p = arg;
    const struct party_setup *setup = p->setup;
    struct party_result *res = p->result;
    struct whist_session *session = NULL;
    size_t at = 0;
    res->outputs = calloc(1, output_bits(setup) + 1);
    res->status =
        whist_session_new_hooked(&session, p->ch, &setup->options, setup->hooks[p->me], &res->err);
    for (const struct party_setup *one = setup; one != NULL && res->status == WHIST_OK;
         one = one->next) {
        at += run_one(session, one, p->me, res->outputs + at, res);
    }
    if (res->status == WHIST_OK) {
        res->status = whist_channel_close(p->ch, WHIST_DEADLINE_DEFAULT, &res->err);
    }
    whist_session_free(session);
    return NULL;
}

void parties_run(struct party_result *results, const struct party_setup *setup)
{
    struct whist_channel *channels[WHIST_MAX_PARTIES];
    struct party parties[WHIST_MAX_PARTIES];
    pthread_t threads[WHIST_MAX_PARTIES];
    struct whist_error err;
    if (setup->channels != NULL) {
        memcpy(channels, setup->channels, setup->n * sizeof channels[0]);
    } else {
        CHECK_OK(whist_channel_memory_new(channels, setup->n,
                                          setup->timeout_ms != 0 ? setup->timeout_ms : 60000, &err),
                 err);
    }
    memset(results, 0, setup->n * sizeof *results);
    for (size_t i = 0; i < setup->n; i++) {
        if (setup->wrap != NULL) {
            channels[i] = setup->wrap(setup->wrap_ctx, i, channels[i]);
        }
        parties[i] = (struct party){setup, i, channels[i], &results[i]};
        CHECK(pthread_create(&threads[i], NULL, party_main, &parties[i]) == 0);
    }
    for (size_t i = 0; i < setup->n; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
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
