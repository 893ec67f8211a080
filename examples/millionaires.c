/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Yao's millionaires: two parties find out who is richer, and nothing else. Both run in this one
 * process, a thread each, over the memory channel. Usage: millionaires WEALTH WEALTH */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <whist/whist.h>

#define BITS 64

/* out = 1 if the first number is less than the second, and 1 if they are equal. */
static whist_status make_circuit(struct whist_circuit **circuit_out, struct whist_error *err)
{
    struct whist_builder *b = NULL;
    whist_wire x[BITS], y[BITS], out[2];
    whist_status st = whist_builder_new(&b, err);

    if (st != WHIST_OK) {
        return st;
    }
    whist_builder_input(b, x, BITS);
    whist_builder_input(b, y, BITS);
    out[0] = whist_builder_less(b, x, y, BITS, false);
    out[1] = whist_builder_equal(b, x, y, BITS);
    whist_builder_output(b, out, 2);
    st = whist_builder_finish(b, circuit_out, err);
    whist_builder_free(b);
    return st;
}

/* One party: its secret, its end of the channel, and what it finds out. */
struct party {
    struct whist_channel *channel;
    const struct whist_circuit *circuit; /* shared: it never changes */
    uint8_t secret[BITS];
    uint8_t result[2];
    whist_status status;
    struct whist_error err;
};

static whist_status compute(struct party *p)
{
    struct whist_session *session = NULL;
    struct whist_gate_source *source = NULL;
    struct whist_run run = {.inputs = p->secret, .n_inputs = BITS};
    whist_status st = whist_circuit_source_new(&source, p->circuit, &p->err);

    if (st == WHIST_OK) {
        st = whist_session_new(&session, p->channel, NULL, &p->err);
    }
    if (st == WHIST_OK) {
        run.source = source; /* input group k belongs to party k, both learn the output */
        st = whist_session_run(session, p->result, &run, &p->err);
    }
    if (st == WHIST_OK) {
        st = whist_channel_close(p->channel, WHIST_DEADLINE_DEFAULT, &p->err);
    }
    whist_session_free(session);
    whist_gate_source_free(source);
    return st;
}

static void *run_party(void *arg)
{
    struct party *p = arg;
    p->status = compute(p);
    if (p->status != WHIST_OK) { /* the other party shall not wait */
        whist_channel_abort(p->channel, &p->err);
    }
    return NULL;
}

/* Runs both to their end; returns the first failure. */
static whist_status run_both(struct party party[2], struct whist_error *err)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, run_party, &party[1]) != 0) {
        *err = (struct whist_error){WHIST_ERR_NOMEM, WHIST_NO_PEER, "", "no thread"};
        return err->status;
    }
    run_party(&party[0]);
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++) {
        if (party[i].status != WHIST_OK) {
            *err = party[i].err;
            return err->status;
        }
    }
    return WHIST_OK;
}

static whist_status millionaires(struct party party[2], struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;
    struct whist_channel *channels[2] = {NULL, NULL};
    whist_status st = make_circuit(&circuit, err);

    if (st == WHIST_OK) {
        st = whist_channel_memory_new(channels, 2, 60000, err);
    }
    if (st == WHIST_OK) {
        for (int i = 0; i < 2; i++) {
            party[i].channel = channels[i];
            party[i].circuit = circuit;
        }
        st = run_both(party, err);
    }
    whist_channel_free(channels[0]);
    whist_channel_free(channels[1]);
    whist_circuit_free(circuit);
    return st;
}

static int read_wealth(uint8_t bits_out[BITS], const char *text)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);

    if (errno != 0 || end == text || *end != '\0' || *text == '-') {
        fprintf(stderr, "millionaires: '%s' is no number below 2^64\n", text);
        return -1;
    }
    for (int k = 0; k < BITS; k++) {
        bits_out[k] = (uint8_t)(value >> k & 1);
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct party party[2] = {{.status = WHIST_OK}, {.status = WHIST_OK}};
    struct whist_error err;

    if (argc != 3) {
        fprintf(stderr, "usage: millionaires WEALTH WEALTH\n");
        return 2;
    }
    if (read_wealth(party[0].secret, argv[1]) != 0 || read_wealth(party[1].secret, argv[2]) != 0) {
        return 2;
    }
    if (millionaires(party, &err) != WHIST_OK) {
        fprintf(stderr, "millionaires: %s: %s\n", whist_status_text(err.status), err.text);
        return 1;
    }
    for (int i = 0; i < 2; i++) { /* each party prints what it has found out */
        const uint8_t *r = party[i].result;
        printf("party %d: %s\n", i,
               r[1]   ? "both are equally rich"
               : r[0] ? "party 1 is richer"
                      : "party 0 is richer");
    }
    return 0;
}
