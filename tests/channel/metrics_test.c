/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The text of /metrics against the exposition format: families stand together, labels are escaped.
 */
#include "channel/metrics.h"

#include "harness.h"

static const struct whist_http_peer_stats peers[2] = {
    {.peer = 0,
     .connected = true,
     .messages_sent = 1,
     .messages_received = 2,
     .payload_sent = 3,
     .payload_received = 4,
     .wire_sent = 5,
     .wire_received = 6,
     .posts_sent = 7,
     .posts_received = 8,
     .posts_repeated = 9,
     .posts_lost = 10,
     .duplicates = 11,
     .reordered = 12,
     .refused = 13,
     .credit_stalls = 14,
     .connects = 15,
     .connections = 16,
     .outbox_bytes = 17,
     .inbox_bytes = 18,
     .rtt_us = 1234567},
    {.peer = 2, .messages_sent = UINT64_MAX},
};

static const struct whist_stats_row rows[1] = {{.phase = "a\"b\\c",
                                                .peer = 2,
                                                .messages_sent = 21,
                                                .messages_received = 22,
                                                .bytes_sent = 23,
                                                .bytes_received = 24,
                                                .wait_ns = 1500000001,
                                                .rounds = 25}};

static const struct metrics_channel channel = {
    .session = {0xab, 0x01}, .me = 1, .peers = peers, .n_peers = 2, .phases = rows, .n_phases = 1};

static const struct metrics_endpoint endpoint = {.accepted = 31,
                                                 .requests = 32,
                                                 .refused = 33,
                                                 .connections = 34,
                                                 .channels = &channel,
                                                 .n_channels = 1};

#define LABELS(peer) "{session=\"ab010000000000000000000000000000\",party=\"1\",peer=\"" peer "\""

static char *write_text(const struct metrics_endpoint *m, struct whist_buffer *text)
{
    struct whist_error err = {0};
    CHECK_OK(whist_metrics_write(text, m, &err), err);
    CHECK(whist_buffer_append(text, "", 1) == WHIST_OK);
    return (char *)text->data;
}

static void has_line(const char *text, const char *line)
{
    size_t len = strlen(line);
    for (const char *p = text; p != NULL; p = strchr(p, '\n'), p = p == NULL ? NULL : p + 1) {
        if (strncmp(p, line, len) == 0 && p[len] == '\n') {
            return;
        }
    }
    CHECK_MSG(false, "no line %s in:\n%s", line, text);
}

static void samples(void)
{
    struct whist_buffer buf = {0};
    const char *text = write_text(&endpoint, &buf);
    has_line(text, "whist_peer_connected" LABELS("0") "} 1");
    has_line(text, "whist_peer_connected" LABELS("2") "} 0");
    has_line(text, "whist_messages_total" LABELS("0") ",direction=\"sent\"} 1");
    has_line(text, "whist_messages_total" LABELS("0") ",direction=\"received\"} 2");
    has_line(text, "whist_messages_total" LABELS("2") ",direction=\"sent\"} 18446744073709551615");
    has_line(text, "whist_payload_bytes_total" LABELS("0") ",direction=\"sent\"} 3");
    has_line(text, "whist_payload_bytes_total" LABELS("0") ",direction=\"received\"} 4");
    has_line(text, "whist_wire_bytes_total" LABELS("0") ",direction=\"sent\"} 5");
    has_line(text, "whist_wire_bytes_total" LABELS("0") ",direction=\"received\"} 6");
    has_line(text, "whist_posts_total" LABELS("0") ",direction=\"sent\"} 7");
    has_line(text, "whist_posts_total" LABELS("0") ",direction=\"received\"} 8");
    has_line(text, "whist_posts_repeated_total" LABELS("0") "} 9");
    has_line(text, "whist_posts_lost_total" LABELS("0") "} 10");
    has_line(text, "whist_duplicates_total" LABELS("0") "} 11");
    has_line(text, "whist_reordered_total" LABELS("0") "} 12");
    has_line(text, "whist_posts_refused_total" LABELS("0") "} 13");
    has_line(text, "whist_credit_stalls_total" LABELS("0") "} 14");
    has_line(text, "whist_connects_total" LABELS("0") "} 15");
    has_line(text, "whist_connections" LABELS("0") "} 16");
    has_line(text, "whist_outbox_bytes" LABELS("0") "} 17");
    has_line(text, "whist_inbox_bytes" LABELS("0") "} 18");
    has_line(text, "whist_rtt_seconds" LABELS("0") "} 1.234567");
    has_line(text, "whist_rtt_seconds" LABELS("2") "} 0.000000");
    has_line(text, "whist_endpoint_accepted_total 31");
    has_line(text, "whist_endpoint_requests_total 32");
    has_line(text, "whist_endpoint_refused_total 33");
    has_line(text, "whist_endpoint_connections 34");
    has_line(text, "whist_endpoint_sessions 1");
    whist_buffer_clear(&buf);
}

static void phases(void)
{
    const char *row = LABELS("2") ",phase=\"a\\\"b\\\\c\"";
    struct whist_buffer buf = {0};
    const char *text = write_text(&endpoint, &buf);
    char line[200];
    snprintf(line, sizeof line, "whist_phase_wait_seconds_total%s} 1.500000001", row);
    has_line(text, line);
    snprintf(line, sizeof line, "whist_phase_rounds_total%s} 25", row);
    has_line(text, line);
    snprintf(line, sizeof line, "whist_phase_messages_total%s,direction=\"received\"} 22", row);
    has_line(text, line);
    snprintf(line, sizeof line, "whist_phase_bytes_total%s,direction=\"sent\"} 23", row);
    has_line(text, line);
    whist_buffer_clear(&buf);
}

/* Name of the metric of a line. */
static size_t name_len(const char *line)
{
    return strcspn(line, "{ \n");
}

/* Every line is a HELP, the TYPE of the same name behind it, or a sample of that name; no name
 * comes twice. */
static void families(void)
{
    const struct metrics_channel two[2] = {channel, channel};
    struct metrics_endpoint m = endpoint;
    struct whist_buffer buf = {0};
    char seen[64][64], *save = NULL;
    size_t n = 0;
    m.channels = two;
    m.n_channels = 2;
    bool typed = true;
    for (char *line = strtok_r(write_text(&m, &buf), "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        if (strncmp(line, "# HELP ", 7) == 0) {
            CHECK(typed && n < 64 && name_len(line + 7) < 64);
            snprintf(seen[n++], 64, "%.*s", (int)name_len(line + 7), line + 7);
            for (size_t i = 0; i + 1 < n; i++) {
                CHECK(strcmp(seen[i], seen[n - 1]) != 0);
            }
            CHECK(line[strlen(line) - 1] == '.');
            typed = false;
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            CHECK(n > 0 && !typed && strncmp(line + 7, seen[n - 1], strlen(seen[n - 1])) == 0);
            const char *type = line + 7 + strlen(seen[n - 1]);
            bool total = strstr(seen[n - 1], "_total") != NULL;
            CHECK(strcmp(type, total ? " counter" : " gauge") == 0);
            typed = true;
        } else {
            CHECK(n > 0 && typed && name_len(line) == strlen(seen[n - 1]));
            CHECK(strncmp(line, seen[n - 1], name_len(line)) == 0);
        }
    }
    CHECK(n == 6 + 16 + 4);
    whist_buffer_clear(&buf);
}

static void labels(void)
{
    struct whist_buffer buf = {0};
    CHECK(whist_metrics_label(&buf, "a\\b\"c\nd\xc3\xa9") == WHIST_OK);
    CHECK(buf.len == 12 && memcmp(buf.data, "a\\\\b\\\"c\\nd\xc3\xa9", 12) == 0);
    whist_buffer_clear(&buf);
}

static void without_memory(void)
{
    struct whist_buffer buf = {0};
    struct whist_error err = {0};
    CHECK(whist_buffer_append(&buf, "x", 1) == WHIST_OK);
    whist_status st = WHIST_ERR_NOMEM;
    long k = 0;
    for (; st != WHIST_OK; k++) {
        whist_alloc_fail_after(k);
        st = whist_metrics_write(&buf, &endpoint, &err);
        whist_alloc_fail_after(-1);
        CHECK(st == WHIST_OK || (st == WHIST_ERR_NOMEM && buf.len == 1));
    }
    CHECK(k > 1 && buf.len > 1000);
    whist_buffer_clear(&buf);
}

static const struct test_case cases[] = {
    {"samples", samples},
    {"phases", phases},
    {"families", families},
    {"labels", labels},
    {"without_memory", without_memory},
};
TEST_MAIN(cases)
