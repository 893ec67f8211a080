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

/* ---- Answers: one for each POST, so they are put together by hand ---- */

static char *put_text(char *at, const char *text)
{
    size_t len = strlen(text);

    memcpy(at, text, len);
    return at + len;
}

/* The last n_digits decimal digits of v. */
static char *put_digits(char *at, unsigned v, size_t n_digits)
{
    for (size_t i = n_digits; i != 0; i--) {
        at[i - 1] = (char)('0' + v % 10);
        v /= 10;
    }
    return at + n_digits;
}

/* IMF-fixdate (RFC 9110, 5.6.7), independent of the locale; when is not before 1970. The calendar
 * is counted in years that begin in March, so that a leap day is the last of its year. */
static char *put_date(char *at, time_t when)
{
    static const char days[7][6] = {"Thu, ", "Fri, ", "Sat, ", "Sun, ", "Mon, ", "Tue, ", "Wed, "};
    static const char months[12][6] = {" Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ",
                                       " Sep ", " Oct ", " Nov ", " Dec ", " Jan ", " Feb "};
    uint64_t seconds = when > 0 ? (uint64_t)when : 0, day = seconds / 86400;
    unsigned of_day = (unsigned)(seconds % 86400);
    uint64_t since = day + 719468;                /* days since 1 March of the year 0 */
    unsigned of_era = (unsigned)(since % 146097); /* an era: 400 years */
    unsigned of_400 = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * of_400 + of_400 / 4 - of_400 / 100);
    unsigned month = (5 * of_year + 2) / 153;
    unsigned year = (unsigned)(since / 146097) * 400 + of_400 + (month >= 10 ? 1 : 0);

    at = put_text(at, days[day % 7]);
    at = put_digits(at, of_year - (153 * month + 2) / 5 + 1, 2);
    at = put_text(at, months[month]);
    at = put_digits(at, year, 4);
    *at++ = ' ';
    at = put_digits(at, of_day / 3600, 2);
    *at++ = ':';
    at = put_digits(at, of_day / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, of_day % 60, 2);
    return put_text(at, " GMT");
}

whist_status whist_http_write_answer(struct whist_buffer *out,
                                     const struct whist_http_answer *answer, time_t date)
{
    static const char *const connection[] = {
        [WHIST_HTTP_CONNECTION_NONE] = "",
        [WHIST_HTTP_CONNECTION_CLOSE] = "connection: close\r\n",
        [WHIST_HTTP_CONNECTION_KEEP_ALIVE] = "connection: keep-alive\r\n",
    };
    char head[400], *at;
    const char *type = answer->type != NULL ? answer->type : "text/plain; charset=utf-8";
    size_t before = out->len;

    WHIST_REQUIRE(strlen(type) < 100 && answer->status >= 100 && answer->status <= 999);
    at = put_text(head, answer->minor == 0 ? "HTTP/1.0 " : "HTTP/1.1 ");
    at = put_digits(at, (unsigned)answer->status, 3);
    *at++ = ' ';
    at = put_text(at, whist_http_reason(answer->status));
    at = put_text(at, "\r\n");
    at = put_text(at, connection[answer->connection]);
    if (answer->allow_post) {
        at = put_text(at, "allow: POST\r\n");
    }
    if (answer->text.len != 0) {
        at = put_text(at, "content-type: ");
        at = put_text(at, type);
        at = put_text(at, "\r\n");
    }
    at = put_text(at, "content-length: ");
    at = put_decimal(at, answer->text.len);
    at = put_text(at, "\r\ndate: ");
    at = put_date(at, date);
    at = put_text(at, "\r\n\r\n");
    TRY(whist_buffer_append(out, head, (size_t)(at - head)));
    if (whist_buffer_append(out, answer->text.data, answer->text.len) != WHIST_OK) {
        out->len = before;
        return WHIST_ERR_NOMEM;
    }
    return WHIST_OK;
}
