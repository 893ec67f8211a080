/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Writing of requests and answers, byte for byte as on the legacy wire (docs/wire.md). */
#include <stdio.h>

#include "channel/http_codec.h"

size_t whist_http_write_request(char out[WHIST_HTTP_REQUEST_MAX], const char *method,
                                const struct whist_url *url, size_t from, size_t length, bool close)
{
    char authority[WHIST_URL_AUTHORITY_MAX], content_length[48] = "";
    int n;

    whist_url_authority(authority, url);
    if (length != SIZE_MAX) {
        snprintf(content_length, sizeof content_length, "content-length: %zu\r\n", length);
    }
    n = snprintf(out, WHIST_HTTP_REQUEST_MAX,
                 "%s %s/msg/%zu HTTP/1.1\r\naccept: */*\r\nhost: %s\r\n%s%s\r\n", method,
                 url->prefix, from, authority, content_length,
                 close ? "connection: close\r\n" : "");
    WHIST_REQUIRE(n > 0 && (size_t)n < WHIST_HTTP_REQUEST_MAX);
    return (size_t)n;
}

const char *whist_http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Payload Too Large"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].status == status) {
            return table[i].reason;
        }
    }
    return "";
}

/* IMF-fixdate (RFC 9110, 5.6.7), independent of the locale. */
static void write_date(char *out, size_t cap, time_t when)
{
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm = {0};

    gmtime_r(&when, &tm);
    snprintf(out, cap, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7], tm.tm_mday,
             months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

whist_status whist_http_write_answer(struct whist_buffer *out,
                                     const struct whist_http_answer *answer, time_t date)
{
    static const char *const connection[] = {
        [WHIST_HTTP_CONNECTION_NONE] = "",
        [WHIST_HTTP_CONNECTION_CLOSE] = "connection: close\r\n",
        [WHIST_HTTP_CONNECTION_KEEP_ALIVE] = "connection: keep-alive\r\n",
    };
    char head[400], date_text[64];
    const char *type = answer->type != NULL ? answer->type : "text/plain; charset=utf-8";
    size_t before = out->len;
    int n;

    write_date(date_text, sizeof date_text, date);
    n = snprintf(head, sizeof head,
                 "HTTP/1.%d %d %s\r\n%s%s%s%s%scontent-length: %zu\r\ndate: %s\r\n\r\n",
                 answer->minor, answer->status, whist_http_reason(answer->status),
                 connection[answer->connection], answer->allow_post ? "allow: POST\r\n" : "",
                 answer->text.len != 0 ? "content-type: " : "", answer->text.len != 0 ? type : "",
                 answer->text.len != 0 ? "\r\n" : "", answer->text.len, date_text);
    WHIST_REQUIRE(n > 0 && (size_t)n < sizeof head);
    TRY(whist_buffer_append(out, head, (size_t)n));
    if (whist_buffer_append(out, answer->text.data, answer->text.len) != WHIST_OK) {
        out->len = before;
        return WHIST_ERR_NOMEM;
    }
    return WHIST_OK;
}
