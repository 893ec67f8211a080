/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- Text ---- */

/* Longest line without its labels. */
#define LINE_BYTES 256

WHIST_PRINTF(2, 3) static whist_status put(struct whist_buffer *out, const char *fmt, ...)
{
    char text[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    WHIST_REQUIRE(len >= 0 && (size_t)len < sizeof text);
    return whist_buffer_append(out, text, (size_t)len);
}

whist_status whist_metrics_label(struct whist_buffer *text_out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '\n':
            TRY(whist_buffer_append(text_out, "\\n", 2));
            break;
        case '"':
        case '\\':
            TRY(whist_buffer_append(text_out, "\\", 1));
            /* fall through */
        default:
            TRY(whist_buffer_append(text_out, text, 1));
        }
    }
    return WHIST_OK;
}

/* ---- The table ---- */

/* What a field of a struct holds, and how it is shown. */
enum field_kind { FIELD_BOOL, FIELD_SIZE, FIELD_U64, FIELD_US, FIELD_NS };

struct field {
    const char *direction; /* value of the label "direction"; NULL: none */
    size_t offset;
    enum field_kind kind;
};

/* A family of samples: all of one name stand together, behind its help and type. */
struct family {
    const char *name, *type, *help;
    struct field fields[2]; /* the second one is there if it has a direction */
};

#define PEER(member, kind)                                                                         \
    {                                                                                              \
        NULL, offsetof(struct whist_http_peer_stats, member), kind                                 \
    }
#define PEER_WAY(way, member, kind)                                                                \
    {                                                                                              \
        way, offsetof(struct whist_http_peer_stats, member), kind                                  \
    }
#define ROW(member, kind)                                                                          \
    {                                                                                              \
        NULL, offsetof(struct whist_stats_row, member), kind                                       \
    }
#define ROW_WAY(way, member, kind)                                                                 \
    {                                                                                              \
        way, offsetof(struct whist_stats_row, member), kind                                        \
    }

static const struct family peer_families[] = {
    {"whist_peer_connected",
     "gauge",
     "1 if this party and its peer agree on the session",
     {PEER(connected, FIELD_BOOL)}},
    {"whist_messages_total",
     "counter",
     "Messages",
     {PEER_WAY("sent", messages_sent, FIELD_U64),
      PEER_WAY("received", messages_received, FIELD_U64)}},
    {"whist_payload_bytes_total",
     "counter",
     "Bytes of messages",
     {PEER_WAY("sent", payload_sent, FIELD_U64),
      PEER_WAY("received", payload_received, FIELD_U64)}},
    {"whist_wire_bytes_total",
     "counter",
     "Bytes on the sockets: bodies, HTTP heads, TLS",
     {PEER_WAY("sent", wire_sent, FIELD_U64), PEER_WAY("received", wire_received, FIELD_U64)}},
    {"whist_posts_total",
     "counter",
     "POSTs, repeats included",
     {PEER_WAY("sent", posts_sent, FIELD_U64), PEER_WAY("received", posts_received, FIELD_U64)}},
    {"whist_posts_repeated_total",
     "counter",
     "POSTs sent again",
     {PEER(posts_repeated, FIELD_U64)}},
    {"whist_posts_lost_total",
     "counter",
     "POSTs that were not answered",
     {PEER(posts_lost, FIELD_U64)}},
    {"whist_posts_refused_total",
     "counter",
     "POSTs answered with another status than 200",
     {PEER(refused, FIELD_U64)}},
    {"whist_duplicates_total", "counter", "POSTs received again", {PEER(duplicates, FIELD_U64)}},
    {"whist_reordered_total",
     "counter",
     "POSTs received before an earlier one",
     {PEER(reordered, FIELD_U64)}},
    {"whist_credit_stalls_total",
     "counter",
     "Times that messages waited for the credit of the peer",
     {PEER(credit_stalls, FIELD_U64)}},
    {"whist_connects_total",
     "counter",
     "Connections made to the peer",
     {PEER(connects, FIELD_U64)}},
    {"whist_connections", "gauge", "Connections to the peer", {PEER(connections, FIELD_SIZE)}},
    {"whist_outbox_bytes",
     "gauge",
     "Bytes queued for the peer or not acknowledged",
     {PEER(outbox_bytes, FIELD_SIZE)}},
    {"whist_inbox_bytes",
     "gauge",
     "Bytes received from the peer and not taken",
     {PEER(inbox_bytes, FIELD_SIZE)}},
    {"whist_rtt_seconds",
     "gauge",
     "Smoothed time to the answer of a POST",
     {PEER(rtt_us, FIELD_US)}},
};

static const struct family phase_families[] = {
    {"whist_phase_wait_seconds_total",
     "counter",
     "Time spent waiting in receive",
     {ROW(wait_ns, FIELD_NS)}},
    {"whist_phase_rounds_total",
     "counter",
     "Receives that waited for the peers after something was sent",
     {ROW(rounds, FIELD_U64)}},
    {"whist_phase_messages_total",
     "counter",
     "Messages of a phase",
     {ROW_WAY("sent", messages_sent, FIELD_U64),
      ROW_WAY("received", messages_received, FIELD_U64)}},
    {"whist_phase_bytes_total",
     "counter",
     "Bytes of messages of a phase",
     {ROW_WAY("sent", bytes_sent, FIELD_U64), ROW_WAY("received", bytes_received, FIELD_U64)}},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Samples ---- */

static whist_status put_value(struct whist_buffer *out, const struct field *f, const void *from)
{
    const uint8_t *at = (const uint8_t *)from + f->offset;
    uint64_t v = 0;
    if (f->kind == FIELD_BOOL) {
        bool b;
        memcpy(&b, at, sizeof b);
        v = b;
    } else if (f->kind == FIELD_SIZE) {
        size_t s;
        memcpy(&s, at, sizeof s);
        v = s;
    } else {
        memcpy(&v, at, sizeof v);
    }
    if (f->kind == FIELD_US) {
        return put(out, "%" PRIu64 ".%06" PRIu64 "\n", v / 1000000, v % 1000000);
    }
    if (f->kind == FIELD_NS) {
        return put(out, "%" PRIu64 ".%09" PRIu64 "\n", v / 1000000000, v % 1000000000);
    }
    return put(out, "%" PRIu64 "\n", v);
}

/* One sample; phase may be NULL. */
static whist_status put_sample(struct whist_buffer *out, const struct family *family,
                               const struct field *f, const struct metrics_channel *ch, size_t peer,
                               const char *phase, const void *from)
{
    TRY(put(out, "%s{session=\"", family->name));
    for (size_t i = 0; i < sizeof ch->session; i++) {
        TRY(put(out, "%02x", ch->session[i]));
    }
    TRY(put(out, "\",party=\"%zu\",peer=\"%zu\"", ch->me, peer));
    if (phase != NULL) {
        TRY(put(out, ",phase=\""));
        TRY(whist_metrics_label(out, phase));
        TRY(put(out, "\""));
    }
    if (f->direction != NULL) {
        TRY(put(out, ",direction=\"%s\"", f->direction));
    }
    TRY(put(out, "} "));
    return put_value(out, f, from);
}

static whist_status put_head(struct whist_buffer *out, const char *name, const char *type,
                             const char *help)
{
    return put(out, "# HELP %s %s.\n# TYPE %s %s\n", name, help, name, type);
}

static size_t n_fields(const struct family *family)
{
    return family->fields[1].direction != NULL ? 2 : 1;
}

static whist_status put_peer_family(struct whist_buffer *out, const struct family *family,
                                    const struct metrics_endpoint *m)
{
    TRY(put_head(out, family->name, family->type, family->help));
    for (size_t c = 0; c < m->n_channels; c++) {
        const struct metrics_channel *ch = &m->channels[c];
        for (size_t i = 0; i < ch->n_peers * n_fields(family); i++) {
            const struct whist_http_peer_stats *peer = &ch->peers[i / n_fields(family)];
            TRY(put_sample(out, family, &family->fields[i % n_fields(family)], ch, peer->peer, NULL,
                           peer));
        }
    }
    return WHIST_OK;
}

static whist_status put_phase_family(struct whist_buffer *out, const struct family *family,
                                     const struct metrics_endpoint *m)
{
    bool any = false;
    for (size_t c = 0; c < m->n_channels; c++) {
        const struct metrics_channel *ch = &m->channels[c];
        for (size_t i = 0; i < ch->n_phases * n_fields(family); i++) {
            const struct whist_stats_row *row = &ch->phases[i / n_fields(family)];
            if (!any) {
                TRY(put_head(out, family->name, family->type, family->help));
                any = true;
            }
            TRY(put_sample(out, family, &family->fields[i % n_fields(family)], ch, row->peer,
                           row->phase, row));
        }
    }
    return WHIST_OK;
}

static whist_status put_number(struct whist_buffer *out, const char *name, const char *type,
                               const char *help, uint64_t value)
{
    TRY(put_head(out, name, type, help));
    return put(out, "%s %" PRIu64 "\n", name, value);
}

static whist_status put_endpoint(struct whist_buffer *out, const struct metrics_endpoint *m)
{
    TRY(put_head(out, "whist_build_info", "gauge", "Always 1; the version is a label"));
    TRY(put(out, "whist_build_info{version=\"%s\"} 1\n", whist_version()));
    TRY(put_number(out, "whist_endpoint_sessions", "gauge", "Sessions on this server",
                   m->n_channels));
    TRY(put_number(out, "whist_endpoint_connections", "gauge", "Connections to this server",
                   m->connections));
    TRY(put_number(out, "whist_endpoint_accepted_total", "counter",
                   "Connections that this server accepted", m->accepted));
    TRY(put_number(out, "whist_endpoint_requests_total", "counter", "Requests answered",
                   m->requests));
    return put_number(out, "whist_endpoint_refused_total", "counter",
                      "Requests answered with a status of 400 and more", m->refused);
}

static whist_status put_all(struct whist_buffer *out, const struct metrics_endpoint *m)
{
    TRY(put_endpoint(out, m));
    for (size_t i = 0; i < COUNT(peer_families); i++) {
        TRY(put_peer_family(out, &peer_families[i], m));
    }
    for (size_t i = 0; i < COUNT(phase_families); i++) {
        TRY(put_phase_family(out, &phase_families[i], m));
    }
    return WHIST_OK;
}

whist_status whist_metrics_write(struct whist_buffer *text_out, const struct metrics_endpoint *m,
                                 struct whist_error *err)
{
    struct whist_buffer text = {0};
    whist_status st = put_all(&text, m);
    if (st == WHIST_OK) {
        st = whist_buffer_append(text_out, text.data, text.len);
    }
    whist_buffer_clear(&text);
    return st == WHIST_OK ? WHIST_OK
                          : whist_fail(err, st, WHIST_NO_PEER, NULL, "no memory for metrics");
}
