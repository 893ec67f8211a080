/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Programs and constants are agreed on before any data: each party tells all others, by a verified
 * broadcast, what it is going to run and which constants it sets. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define PHASE       "program"
#define MAX_MESSAGE ((size_t)1 << 20)

/* ---- What a party tells: lines of text ---- */

static bool put_line(struct whist_buffer *out, const char *key, const char *value)
{
    return whist_buffer_append(out, key, strlen(key)) == WHIST_OK &&
           whist_buffer_append(out, " ", 1) == WHIST_OK &&
           whist_buffer_append(out, value, strlen(value)) == WHIST_OK &&
           whist_buffer_append(out, "\n", 1) == WHIST_OK;
}

static whist_status announce(struct whist_buffer *out, const struct program *p,
                             struct whist_error *err)
{
    char line[320], hash[65];
    bool fine = true;

    for (size_t i = 0; i < sizeof(p->hash); i++) {
        snprintf(hash + 2 * i, 3, "%02x", p->hash[i]);
    }
    fine = put_line(out, "version", whist_version()) && put_line(out, "program", hash) &&
           put_line(out, "fn", p->fn) && put_line(out, "panics", whist_panics_name(p->panics)) &&
           put_line(out, "optimise", p->thorough ? "2" : "1");
    for (size_t i = 0; fine && i < p->consts.n; i++) {
        const struct whist_program_const *k = &p->consts.list[i];
        snprintf(line, sizeof(line), "%s::%s=%s", k->party, k->name, k->value);
        fine = put_line(out, "const", line);
    }
    return fine ? WHIST_OK : cli_nomem(err);
}

/* ---- What the others tell ---- */

/* The next line without its end; false past the last one. */
static bool next_line(struct whist_bytes *rest, struct whist_bytes *line_out)
{
    const uint8_t *end = rest->len != 0 ? memchr(rest->data, '\n', rest->len) : NULL;

    if (end == NULL) {
        return false;
    }
    *line_out = whist_bytes(rest->data, (size_t)(end - rest->data));
    *rest = whist_bytes(end + 1, rest->len - line_out->len - 1);
    return true;
}

static whist_status mismatch(size_t peer, const char *field, struct whist_bytes theirs,
                             struct whist_bytes mine, struct whist_error *err)
{
    char a[80], b[80];

    snprintf(a, sizeof(a), "%.*s", (int)(theirs.len < 70 ? theirs.len : 70),
             (const char *)theirs.data);
    snprintf(b, sizeof(b), "%.*s", (int)(mine.len < 70 ? mine.len : 70), (const char *)mine.data);
    cli_one_line(a, sizeof(a), a);
    cli_fail(err, WHIST_ERR_MISMATCH,
             "the parties are not about to run the same: party %zu has %s '%s', this party '%s'",
             peer, field, a, b);
    err->peer = (int)peer;
    snprintf(err->phase, sizeof(err->phase), "%s", PHASE);
    return WHIST_ERR_MISMATCH;
}

static bool starts(struct whist_bytes line, const char *key)
{
    size_t n = strlen(key);

    return line.len > n && memcmp(line.data, key, n) == 0 && line.data[n] == ' ';
}

static struct whist_bytes value_of(struct whist_bytes line, const char *key)
{
    size_t n = strlen(key) + 1;

    return whist_bytes(line.data + n, line.len - n);
}

static whist_status take_consts(struct program *p, size_t peer, struct whist_bytes rest,
                                struct whist_error *err)
{
    struct whist_bytes line;
    char from[32];

    snprintf(from, sizeof(from), "party %zu", peer);
    while (next_line(&rest, &line)) {
        size_t before = p->consts.n;
        whist_status st = starts(line, "const")
                              ? consts_add(&p->consts, value_of(line, "const"), from, err)
                              : cli_fail(err, WHIST_ERR_PROTOCOL,
                                         "party %zu sent an unknown line about its program", peer);
        if (st != WHIST_OK) {
            st = st == WHIST_ERR_ARGUMENT ? WHIST_ERR_MISMATCH : st;
            err->status = st;
            err->peer = (int)peer;
            return st;
        }
        if (p->consts.n != before) {
            const struct whist_program_const *k = &p->consts.list[before];
            fprintf(stderr, "constant of party %zu: %s::%s = %s\n", peer, k->party, k->name,
                    k->value);
        }
    }
    return WHIST_OK;
}

static whist_status compare(struct program *p, size_t peer, struct whist_bytes theirs,
                            struct whist_bytes mine, struct whist_error *err)
{
    static const char *const keys[] = {"version", "program", "fn", "panics", "optimise"};

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct whist_bytes a, b;
        if (!next_line(&mine, &b) || !next_line(&theirs, &a) || !starts(a, keys[i])) {
            cli_fail(err, WHIST_ERR_PROTOCOL, "party %zu does not say which %s it has", peer,
                     keys[i]);
            err->peer = (int)peer;
            return WHIST_ERR_PROTOCOL;
        }
        if (!bytes_equal(a, b)) {
            return mismatch(peer, keys[i], value_of(a, keys[i]), value_of(b, keys[i]), err);
        }
    }
    return take_consts(p, peer, theirs, err);
}

whist_status program_meet(struct program *p, struct whist_channel *channel, int64_t timeout_ms,
                          struct whist_error *err)
{
    const struct whist_bytes context = whist_bytes("whist program", 13);
    size_t n = whist_channel_parties(channel), me = whist_channel_me(channel);
    struct whist_buffer mine = {0}, all[WHIST_MAX_PARTIES] = {{0}};
    whist_status st;

    TRY_OUT(announce(&mine, p, err));
    TRY_OUT(whist_echo_broadcast(channel, all, whist_buffer_view(&mine), context, PHASE,
                                 whist_clock_ms() + timeout_ms, err));
    for (size_t i = 0; i < n; i++) {
        if (i != me && all[i].len > MAX_MESSAGE) {
            st = cli_fail(err, WHIST_ERR_PROTOCOL, "party %zu says too much about its program", i);
            goto out;
        }
        if (i != me) {
            TRY_OUT(compare(p, i, whist_buffer_view(&all[i]), whist_buffer_view(&mine), err));
        }
    }
out:
    whist_buffer_clear(&mine);
    for (size_t i = 0; i < n; i++) {
        whist_buffer_clear(&all[i]);
    }
    return st;
}
