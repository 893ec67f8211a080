/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "small.h"

#include "core/core.h"
#include "dealer.h"
#include "harness.h"
#include "jobs.h"

struct whist_circuit *small_circuit(size_t n)
{
    struct whist_builder *b;
    struct whist_circuit *c;
    struct whist_circuit_info info;
    struct whist_error err;
    whist_wire x[4][2], out[3];
    CHECK(n >= 2 && n <= 4);
    CHECK_OK(whist_builder_new(&b, &err), err);
    for (size_t i = 0; i < n; i++) {
        whist_builder_input(b, x[i], 2);
    }
    whist_wire t0 = whist_builder_and(b, x[0][0], x[1][0]);
    whist_wire t1 = whist_builder_xor(b, x[0][1], x[1][1]);
    for (size_t i = 2; i < n; i++) {
        t0 = whist_builder_xor(b, t0, x[i][1]);
        t1 = whist_builder_xor(b, t1, x[i][0]);
    }
    whist_wire t2 = whist_builder_and(b, t1, whist_builder_not(b, t0));
    whist_wire t3 = whist_builder_and(b, whist_builder_xor(b, t2, x[0][0]), x[n - 1][1]);
    whist_wire t4 = whist_builder_and(b, whist_builder_xor(b, t3, t0), t1);
    whist_wire t5 = whist_builder_and(b, whist_builder_not(b, t4), x[1][0]);
    out[0] = whist_builder_xor(b, t5, t2);
    out[1] = t3;
    out[2] = whist_builder_not(b, t1);
    whist_builder_output(b, out, 2);
    whist_builder_output(b, out + 2, 1);
    CHECK_OK(whist_builder_finish(b, &c, &err), err);
    whist_builder_free(b);
    CHECK_OK(whist_circuit_info(c, &info, &err), err);
    CHECK(info.n_and > SMALL_CHUNK && info.n_and <= 2 * SMALL_CHUNK);
    return c;
}

static void deal(void *ctx, size_t party, struct whist_session *session)
{
    const struct small_run *r = ctx;
    (void)party;
    deal_setup(session, r->deal_seed);
}

void small_init(struct small_run *r, const struct whist_circuit *circuit, size_t n, uint64_t number,
                bool dealt)
{
    *r = (struct small_run){.watch = {.opened = dealt ? deal : NULL, .ctx = r}};
    r->setup = (struct party_setup){
        .n = n, .circuit = circuit, .options = {.chunk_ands = SMALL_CHUNK}, .watch = &r->watch};
    for (size_t i = 0; i < 2 * n; i++) {
        r->inputs[i] = mix(number * 8 + i) & 1;
    }
    for (size_t i = 0; i < n; i++) {
        put_le64(r->seeds[i], number);
        r->seeds[i][8] = (uint8_t)(i + 1);
        r->hooks[i].seed = r->seeds[i];
        r->setup.hooks[i] = &r->hooks[i];
    }
    put_le64(r->deal_seed, number);
    r->setup.inputs = r->inputs;
    r->expected = parties_expect(&r->setup, &r->n_out);
}

void small_clear(struct small_run *r)
{
    free(r->expected);
}

size_t small_check(const struct small_run *r, const struct party_result *res, const char *what)
{
    size_t good = 0;
    for (size_t i = 0; i < r->setup.n; i++) {
        good += res[i].status == WHIST_OK;
        if (!res[i].ran) {
            CHECK_MSG(res[i].err.status == res[i].status && res[i].err.phase[0] != '\0',
                      "%s: party %zu: %s without a phase: %s", what, i,
                      whist_status_name(res[i].status), res[i].err.text);
            continue;
        }
        CHECK_MSG(!party_receives(&r->setup, i) ||
                      memcmp(res[i].outputs, r->expected, r->n_out) == 0,
                  "%s: party %zu has a wrong output", what, i);
    }
    return good;
}
