/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What a statistics decorator counts shows in /metrics of the transport below it, while it lives.
 */
#include <unistd.h>

#include "channel/decorator.h"
#include "ports.h"
#include "raw_http.h"

/* The answer to GET /metrics, up to its end. */
static char *get_metrics(uint16_t port, struct whist_buffer *text)
{
    int fd = raw_connect(port);
    char part[4096];
    ssize_t n;

    raw_send_text(fd, "GET /metrics HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    text->len = 0;
    while ((n = read(fd, part, sizeof part)) > 0) {
        CHECK(whist_buffer_append(text, part, (size_t)n) == WHIST_OK);
    }
    CHECK(n == 0 && whist_buffer_append(text, "", 1) == WHIST_OK);
    close(fd);
    return (char *)text->data;
}

static void shown(void)
{
    struct whist_channel *ch[2];
    struct whist_buffer text = {0}, msg = {0};
    struct whist_error err = {0};
    struct whist_log no_log = {0};

    CHECK_OK(make_native_channels(ch, 2, NULL, false, &err), err);
    uint16_t port = whist_channel_http_port(ch[0]);
    struct whist_channel *transport = ch[0];
    CHECK_OK(whist_channel_trace_new(&ch[0], ch[0], &no_log, &err), err);
    CHECK(strstr(get_metrics(port, &text), "whist_phase") == NULL);
    CHECK_OK(whist_channel_stats_new(&ch[0], ch[0], &err), err);
    CHECK_OK(whist_channel_send(ch[0], 1, whist_bytes("abc", 3), "step.a", 0, &err), err);
    CHECK_OK(whist_channel_send(ch[1], 0, whist_bytes("abcd", 4), "step.b", 0, &err), err);
    CHECK_OK(whist_channel_recv(ch[0], 1, &msg, "step.b", 0, &err), err);
    const char *got = get_metrics(port, &text);
    CHECK(strstr(got, "party=\"0\",peer=\"1\",phase=\"step.a\",direction=\"sent\"} 3\n") != NULL);
    CHECK(strstr(got, "party=\"0\",peer=\"1\",phase=\"step.b\",direction=\"received\"} 4\n") !=
          NULL);
    CHECK(strstr(got, "whist_phase_wait_seconds_total{") != NULL);
    whist_channel_set_counts(transport, NULL); /* as the end of the decorator does */
    CHECK(strstr(get_metrics(port, &text), "whist_phase") == NULL);
    whist_channel_free(ch[0]);
    whist_channel_free(ch[1]);
    whist_buffer_clear(&text);
    whist_buffer_clear(&msg);
}

static const struct test_case cases[] = {{"shown", shown}};
TEST_MAIN(cases)
