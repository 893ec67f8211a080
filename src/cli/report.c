/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Outputs ---- */

/* Wider values are keys, blocks and hashes rather than numbers. */
#define MAX_DECIMAL_WIDTH 64

static whist_status output_text(struct whist_buffer *text, const uint8_t *bits, uint32_t width)
{
    if (width > MAX_DECIMAL_WIDTH) {
        return whist_value_hex(text, bits, width);
    }
    TRY(whist_value_decimal(text, bits, width));
    if (width == 1) {
        return WHIST_OK;
    }
    TRY(whist_buffer_append(text, " (", 2));
    TRY(whist_value_hex(text, bits, width));
    return whist_buffer_append(text, ")", 1);
}

whist_status print_outputs(const struct outputs *out, struct whist_error *err)
{
    const uint8_t *bits = out->bits;

    if (bits == NULL) {
        printf("no outputs: this party does not learn them\n");
        return WHIST_OK;
    }
    for (size_t i = 0; i < out->n; i++) {
        struct whist_buffer text = {0};
        if (output_text(&text, bits, out->widths[i]) != WHIST_OK) {
            whist_buffer_clear(&text);
            return cli_nomem(err);
        }
        printf("output %zu = %.*s\n", i, (int)text.len, (const char *)text.data);
        whist_buffer_clear(&text);
        bits += out->widths[i];
    }
    return WHIST_OK;
}

void json_outputs(struct json *j, const struct outputs *out)
{
    const uint8_t *bits = out->bits;

    json_array_begin(j, "outputs");
    for (size_t i = 0; bits != NULL && i < out->n; i++) {
        json_bits(j, NULL, bits, out->widths[i]);
        bits += out->widths[i];
    }
    json_array_end(j);
}

/* ---- Costs ---- */

int64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

whist_status cost_collect(struct cost *out, const struct whist_channel *channel,
                          const struct whist_channel *transport, int64_t time_ns,
                          struct whist_error *err)
{
    size_t n = whist_channel_stats(channel, NULL, 0);
    struct whist_stats_row *rows = calloc(n + 1, sizeof(*rows));

    memset(out, 0, sizeof(*out));
    out->time_ns = time_ns;
    out->n_peers = whist_channel_http_stats(transport, out->peers, WHIST_MAX_PARTIES);
    out->rows = calloc(n + 1, sizeof(*out->rows));
    if (rows == NULL || out->rows == NULL) {
        free(rows);
        cost_clear(out);
        return cli_nomem(err);
    }
    size_t now = whist_channel_stats(channel, rows, n);
    out->n_rows = now < n ? now : n;
    for (size_t i = 0; i < out->n_rows; i++) {
        out->rows[i].counts = rows[i];
        out->rows[i].counts.phase = NULL;
        snprintf(out->rows[i].phase, sizeof(out->rows[i].phase), "%s", rows[i].phase);
    }
    free(rows);
    return WHIST_OK;
}

void cost_clear(struct cost *cost)
{
    free(cost->rows);
    memset(cost, 0, sizeof(*cost));
}

/* Length of the group of a phase: what stands before the first dot. */
static size_t group_len(const char *phase)
{
    return strcspn(phase, ".");
}

static bool in_group(const char *phase, const char *group)
{
    return group_len(phase) == strlen(group) && strncmp(phase, group, strlen(group)) == 0;
}

struct cost_total cost_total(const struct cost *cost, const char *group)
{
    struct cost_total t = {0};

    for (size_t i = 0; i < cost->n_rows; i++) {
        const struct whist_stats_row *r = &cost->rows[i].counts;
        if (group != NULL && !in_group(cost->rows[i].phase, group)) {
            continue;
        }
        t.messages_sent += r->messages_sent;
        t.messages_received += r->messages_received;
        t.bytes_sent += r->bytes_sent;
        t.bytes_received += r->bytes_received;
        t.wait_ns += r->wait_ns;
        t.rounds += r->rounds;
        t.time_ns += r->time_ns;
    }
    return t;
}

/* The group of row i, if no row before it is of the same. */
static bool new_group(char *group, const struct cost *cost, size_t i)
{
    snprintf(group, WHIST_MAX_PHASE + 1, "%.*s", (int)group_len(cost->rows[i].phase),
             cost->rows[i].phase);
    for (size_t k = 0; k < i; k++) {
        if (in_group(cost->rows[k].phase, group)) {
            return false;
        }
    }
    return true;
}

const char *human_bytes(char *text, uint64_t bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double v = (double)bytes;
    size_t unit = 0;

    while (v >= 1000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
        v /= 1000;
        unit++;
    }
    snprintf(text, 32, "%.*f %s", unit == 0 ? 0 : 2, v, units[unit]);
    return text;
}

/* Sums over peers. */
struct wire_total {
    uint64_t sent, received, posts, repeated;
};

static struct wire_total wire_total(const struct cost *cost)
{
    struct wire_total t = {0};

    for (size_t i = 0; i < cost->n_peers; i++) {
        t.sent += cost->peers[i].wire_sent;
        t.received += cost->peers[i].wire_received;
        t.posts += cost->peers[i].posts_sent;
        t.repeated += cost->peers[i].posts_repeated;
    }
    return t;
}

static void print_wire(FILE *to, const struct cost *cost)
{
    struct wire_total t = wire_total(cost);
    char sent[32], received[32];

    if (cost->n_peers > 0) {
        fprintf(to, "wire: %s sent, %s received, %" PRIu64 " POSTs, %" PRIu64 " of them repeats\n",
                human_bytes(sent, t.sent), human_bytes(received, t.received), t.posts, t.repeated);
    }
}

void print_cost(FILE *to, const struct cost *cost)
{
    struct cost_total all = cost_total(cost, NULL);
    char sent[32], received[32], group[WHIST_MAX_PHASE + 1];

    fprintf(to, "cost: %.3f s, %s sent, %s received, %" PRIu64 " rounds\n",
            (double)cost->time_ns / 1e9, human_bytes(sent, all.bytes_sent),
            human_bytes(received, all.bytes_received), all.rounds);
    print_wire(to, cost);
    fprintf(to, "  %-12s %12s %12s %11s %11s %7s\n", "phase", "time", "of it waited", "sent",
            "received", "rounds");
    for (size_t i = 0; i < cost->n_rows; i++) {
        if (!new_group(group, cost, i)) {
            continue;
        }
        struct cost_total t = cost_total(cost, group);
        fprintf(to, "  %-12s %9.1f ms %9.1f ms %11s %11s %7" PRIu64 "\n", group,
                (double)t.time_ns / 1e6, (double)t.wait_ns / 1e6, human_bytes(sent, t.bytes_sent),
                human_bytes(received, t.bytes_received), t.rounds);
    }
}

static void json_counts(struct json *j, const struct cost_total *t)
{
    json_fixed(j, "wait_s", (double)t->wait_ns / 1e9, 6);
    json_number(j, "messages_sent", t->messages_sent);
    json_number(j, "messages_received", t->messages_received);
    json_number(j, "bytes_sent", t->bytes_sent);
    json_number(j, "bytes_received", t->bytes_received);
    json_number(j, "rounds", t->rounds);
}

static void json_peer(struct json *j, const struct whist_http_peer_stats *p)
{
    json_object_begin(j, NULL);
    json_number(j, "peer", p->peer);
    json_number(j, "wire_bytes_sent", p->wire_sent);
    json_number(j, "wire_bytes_received", p->wire_received);
    json_number(j, "posts_sent", p->posts_sent);
    json_number(j, "posts_received", p->posts_received);
    json_number(j, "posts_repeated", p->posts_repeated);
    json_number(j, "posts_lost", p->posts_lost);
    json_number(j, "posts_refused", p->refused);
    json_number(j, "duplicates", p->duplicates);
    json_number(j, "reordered", p->reordered);
    json_number(j, "credit_stalls", p->credit_stalls);
    json_number(j, "connects", p->connects);
    if (p->rtt_us > 0) {
        json_fixed(j, "rtt_s", (double)p->rtt_us / 1e6, 6);
    } else {
        json_none(j, "rtt_s");
    }
    json_object_end(j);
}

/* What went over the sockets; nothing for a transport that does not count it. */
static void json_wire(struct json *j, const struct cost *cost)
{
    struct wire_total t = wire_total(cost);

    if (cost->n_peers == 0) {
        return;
    }
    json_number(j, "wire_bytes_sent", t.sent);
    json_number(j, "wire_bytes_received", t.received);
    json_number(j, "posts_repeated", t.repeated);
    json_array_begin(j, "peers");
    for (size_t i = 0; i < cost->n_peers; i++) {
        json_peer(j, &cost->peers[i]);
    }
    json_array_end(j);
}

void json_cost(struct json *j, const struct cost *cost)
{
    struct cost_total all = cost_total(cost, NULL);

    json_fixed(j, "time_s", (double)cost->time_ns / 1e9, 6);
    json_counts(j, &all);
    json_wire(j, cost);
    json_array_begin(j, "phases");
    for (size_t i = 0; i < cost->n_rows; i++) {
        struct cost one = {.rows = &cost->rows[i], .n_rows = 1};
        struct cost_total t = cost_total(&one, NULL);
        json_object_begin(j, NULL);
        json_text(j, "phase", cost->rows[i].phase);
        json_number(j, "peer", cost->rows[i].counts.peer);
        json_fixed(j, "time_s", (double)t.time_ns / 1e9, 6);
        json_counts(j, &t);
        json_object_end(j);
    }
    json_array_end(j);
}
