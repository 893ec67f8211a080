/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One party of a computation over HTTP, as a program of its own: everybody has a number, all learn
 * the greatest. The number comes from standard input, because everybody on the machine can read
 * arguments.
 *
 *   party INDEX URL URL...        the URLs of all parties in order, the own one included
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <whist/whist.h>

#define BITS 32

/* The link to the others: HTTP in clear, on this machine. With https URLs, an identity and the keys
 * of the others (whist/identity.h) the same channel speaks mutual TLS. */
static whist_status open_link(struct whist_channel **channel_out, size_t me,
                              const char *const *urls, size_t n, struct whist_error *err)
{
    struct whist_http_options options = {.n = n, .me = me, .urls = urls};

    return whist_channel_http_new(channel_out, &options, err);
}

/* The greatest of n numbers, and a source of its gates. */
static whist_status make_function(struct whist_circuit **circuit_out,
                                  struct whist_gate_source **source_out, size_t n,
                                  struct whist_error *err)
{
    struct whist_make_options options = {.bits = BITS, .operands = n};
    whist_status st = whist_circuit_make(circuit_out, "max", &options, err);

    return st == WHIST_OK ? whist_circuit_source_new(source_out, *circuit_out, err) : st;
}

/* Opens a session, runs one computation on it, and says goodbye. */
static whist_status compute(uint8_t result_out[BITS], struct whist_channel *channel,
                            struct whist_gate_source *source, const uint8_t secret[BITS],
                            struct whist_error *err)
{
    struct whist_session *session = NULL;
    struct whist_run run = {.source = source, .inputs = secret, .n_inputs = BITS};
    whist_status st = whist_session_new(&session, channel, NULL, err);

    if (st == WHIST_OK) {
        st = whist_session_run(session, result_out, &run, err);
    }
    whist_session_free(session);
    return st == WHIST_OK ? whist_channel_close(channel, WHIST_DEADLINE_DEFAULT, err) : st;
}

static whist_status take_part(uint8_t result_out[BITS], size_t me, const char *const *urls,
                              size_t n, const uint8_t secret[BITS], struct whist_error *err)
{
    struct whist_circuit *circuit = NULL;
    struct whist_gate_source *source = NULL;
    struct whist_channel *channel = NULL;
    whist_status st = make_function(&circuit, &source, n, err);

    if (st == WHIST_OK) {
        st = open_link(&channel, me, urls, n, err);
    }
    if (st == WHIST_OK) {
        st = compute(result_out, channel, source, secret, err);
    }
    whist_channel_free(channel);
    whist_gate_source_free(source);
    whist_circuit_free(circuit);
    return st;
}

static whist_status read_secret(uint8_t bits_out[BITS], struct whist_error *err)
{
    char line[100];

    if (fgets(line, sizeof line, stdin) == NULL) {
        line[0] = '\0';
    }
    return whist_value_parse(bits_out, BITS, whist_bytes(line, strlen(line)), err);
}

static whist_status print_result(const uint8_t bits[BITS])
{
    struct whist_buffer text = {NULL, 0, 0};
    whist_status st = whist_value_decimal(&text, bits, BITS);

    if (st == WHIST_OK) {
        printf("%.*s\n", (int)text.len, (const char *)text.data);
    }
    whist_buffer_clear(&text);
    return st;
}

int main(int argc, char **argv)
{
    struct whist_error err = {.peer = WHIST_NO_PEER};
    uint8_t secret[BITS], result[BITS];
    size_t n = argc > 2 ? (size_t)argc - 2 : 0;
    size_t me = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;

    if (n < 2 || me >= n) {
        fprintf(stderr, "usage: party INDEX URL URL...\n");
        return 2;
    }
    whist_status st = read_secret(secret, &err);
    if (st == WHIST_OK) {
        st = take_part(result, me, (const char *const *)(argv + 2), n, secret, &err);
    }
    if (st == WHIST_OK) {
        st = print_result(result);
    }
    if (st != WHIST_OK) { /* err names the peer and the phase where there is one */
        fprintf(stderr, "party %zu: %s: %s\n", me, whist_status_text(st), err.text);
        return 1;
    }
    return 0;
}
