/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <strings.h>

#include "channel/url.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 3986: pchar without percent-encodings. */
static bool is_pchar(char c)
{
    return is_alnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@", c) != NULL);
}

/* Every failure says what is wrong with which URL. Control characters never reach the text. */
static whist_status refuse(struct whist_error *err, const char *text, const char *why)
{
    char shown[101];
    size_t n = 0;

    for (; n < sizeof shown - 1 && text[n] != '\0'; n++) {
        shown[n] = text[n] >= 0x20 && text[n] <= 0x7e ? text[n] : '?';
    }
    shown[n] = '\0';
    return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL, "URL \"%s%s\": %s", shown,
                      text[n] != '\0' ? "..." : "", why);
}

/* One decimal number of a port, without sign, blanks or leading zeros. */
static bool parse_port(uint16_t *out, const char *s, size_t len, bool zero_allowed)
{
    unsigned long port = 0;

    if (len == 0 || len > 5 || (len > 1 && s[0] == '0')) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_digit(s[i])) {
            return false;
        }
        port = port * 10 + (unsigned long)(s[i] - '0');
    }
    if (port > 65535 || (port == 0 && !zero_allowed)) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static bool parse_ipv4(struct whist_url *url)
{
    struct in_addr a;

    if (inet_pton(AF_INET, url->host, &a) != 1) {
        return false;
    }
    url->kind = WHIST_URL_IPV4;
    url->loopback = (ntohl(a.s_addr) >> 24) == 127;
    return true;
}

static bool parse_ipv6(struct whist_url *url)
{
    struct in6_addr a;
    char canonical[INET6_ADDRSTRLEN];

    if (inet_pton(AF_INET6, url->host, &a) != 1 ||
        inet_ntop(AF_INET6, &a, canonical, sizeof canonical) == NULL) {
        return false;
    }
    memcpy(url->host, canonical, strlen(canonical) + 1);
    url->kind = WHIST_URL_IPV6;
    url->loopback = IN6_IS_ADDR_LOOPBACK(&a) || (IN6_IS_ADDR_V4MAPPED(&a) && a.s6_addr[12] == 127);
    return true;
}

/* A label of a DNS name; underscores occur in the names of containers. */
static bool label_is_good(const char *s, size_t len)
{
    if (len == 0 || len > 63 || s[0] == '-' || s[len - 1] == '-') {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_') {
            return false;
        }
    }
    return true;
}

/* Resolvers read a name whose last label is a number as an IPv4 address in an odd notation. */
static bool label_is_number(const char *s, size_t len)
{
    size_t i = 0;
    bool hex = len >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X');

    for (i = hex ? 2 : 0; i < len; i++) {
        if (!(hex ? is_hex(s[i]) : is_digit(s[i]))) {
            return false;
        }
    }
    return true;
}

static bool parse_name(struct whist_url *url)
{
    const char *label = url->host;

    for (;;) {
        size_t len = strcspn(label, ".");
        if (!label_is_good(label, len)) {
            return false;
        }
        if (label[len] == '\0') {
            if (label_is_number(label, len)) {
                return false;
            }
            break;
        }
        label += len + 1;
    }
    for (char *c = url->host; *c != '\0'; c++) {
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
    }
    url->kind = WHIST_URL_NAME;
    url->loopback = strcmp(url->host, "localhost") == 0;
    return true;
}

/* Splits [IPv6] or HOST, and :PORT if there is one, from s of len bytes. Returns NULL or what is
 * wrong. */
static const char *parse_authority(struct whist_url *url, const char *s, size_t len, uint16_t port,
                                   bool zero_port_allowed)
{
    bool bracketed = len != 0 && s[0] == '[';
    const char *host = bracketed ? s + 1 : s;
    const char *end = memchr(s, bracketed ? ']' : ':', len);
    const char *rest;

    if (memchr(s, '@', len) != NULL) {
        return "user names and passwords are not allowed";
    }
    if (bracketed && end == NULL) {
        return "the closing ] of the IPv6 address is missing";
    }
    end = end != NULL ? end : s + len;
    rest = bracketed ? end + 1 : end;
    if (end == host) {
        return "the host is missing";
    }
    if ((size_t)(end - host) > WHIST_URL_HOST_MAX) {
        return "the host is too long";
    }
    memcpy(url->host, host, (size_t)(end - host));
    url->host[end - host] = '\0';
    if (strlen(url->host) != (size_t)(end - host) ||
        !(bracketed ? parse_ipv6(url) : (parse_ipv4(url) || parse_name(url)))) {
        return bracketed ? "the host is not an IPv6 address"
                         : "the host is neither a name nor an IPv4 address a.b.c.d nor [IPv6]";
    }
    url->port = port;
    if (rest != s + len &&
        (*rest != ':' ||
         !parse_port(&url->port, rest + 1, (size_t)(s + len - rest - 1), zero_port_allowed))) {
        return "the port is not a number from 1 to 65535";
    }
    return NULL;
}

/* One segment of the prefix: s up to len bytes. */
static const char *check_segment(const char *s, size_t len)
{
    size_t dots = 0, units = 0;

    for (size_t i = 0; i < len; units++) {
        if (s[i] == '%') {
            if (len - i < 3 || !is_hex(s[i + 1]) || !is_hex(s[i + 2])) {
                return "a % in the path is not followed by two hex digits";
            }
            dots += s[i + 1] == '2' && (s[i + 2] == 'e' || s[i + 2] == 'E');
            i += 3;
        } else {
            if (!is_pchar(s[i])) {
                return "a character of the path is not allowed";
            }
            dots += s[i] == '.';
            i++;
        }
    }
    if (units == 0) {
        return "the path has an empty segment";
    }
    if (dots == units && units <= 2) {
        return "the path has a segment \".\" or \"..\"";
    }
    return NULL;
}

static const char *parse_prefix(struct whist_url *url, const char *s)
{
    size_t len = strlen(s);

    if (strchr(s, '?') != NULL || strchr(s, '#') != NULL) {
        return "a query (?) or fragment (#) is not allowed";
    }
    if (len != 0 && s[len - 1] == '/') {
        len--;
    }
    if (len > WHIST_URL_PREFIX_MAX) {
        return "the path is too long";
    }
    for (size_t i = 0; i < len;) {
        size_t segment = 1; /* after the slash at s[i] */
        while (i + segment < len && s[i + segment] != '/') {
            segment++;
        }
        const char *why = check_segment(s + i + 1, segment - 1);
        if (why != NULL) {
            return why;
        }
        i += segment;
    }
    memcpy(url->prefix, s, len);
    url->prefix[len] = '\0';
    return NULL;
}

/* What follows http:// or https://. */
static const char *parse_rest(struct whist_url *url, const char *authority, uint16_t port)
{
    const char *path = authority + strcspn(authority, "/?#");
    const char *why = parse_authority(url, authority, (size_t)(path - authority), port, false);

    return why == NULL ? parse_prefix(url, path) : why;
}

static bool starts(const char *text, const char *scheme)
{
    return strncasecmp(text, scheme, strlen(scheme)) == 0;
}

whist_status whist_url_parse(struct whist_url *out, const char *text, struct whist_error *err)
{
    struct whist_url url = {0};
    const char *why;

    if (strnlen(text, WHIST_URL_MAX + 1) > WHIST_URL_MAX) {
        return refuse(err, text, "longer than 2048 bytes");
    }
    if (starts(text, "https://")) {
        return refuse(
            err, text,
            "https is not supported here (it is for the native mode with a key); use http://");
    }
    if (!starts(text, "http://")) {
        return refuse(err, text, "it must start with http://");
    }
    why = parse_rest(&url, text + 7, 80);
    if (why != NULL) {
        return refuse(err, text, why);
    }
    *out = url;
    return WHIST_OK;
}

static whist_status parse_socket(struct whist_url *out, const char *text, struct whist_error *err)
{
    struct whist_url url = {.kind = WHIST_URL_UNIX, .loopback = true};
    size_t len = strlen(text + 5);

    if (text[5] != '/' || len > WHIST_URL_SOCKET_MAX) {
        return refuse(err, text, "after unix: comes an absolute path of at most 107 bytes");
    }
    memcpy(url.host, text + 5, len);
    *out = url;
    return WHIST_OK;
}

whist_status whist_url_parse_native(struct whist_url *out, const char *text,
                                    struct whist_error *err)
{
    struct whist_url url = {0};
    const char *why;

    if (strnlen(text, WHIST_URL_MAX + 1) > WHIST_URL_MAX) {
        return refuse(err, text, "longer than 2048 bytes");
    }
    if (starts(text, "unix:")) {
        return parse_socket(out, text, err);
    }
    url.tls = starts(text, "https://");
    if (!url.tls && !starts(text, "http://")) {
        return refuse(err, text, "it must start with https://, http:// or unix:/");
    }
    why = parse_rest(&url, text + (url.tls ? 8 : 7), url.tls ? 443 : 80);
    if (why != NULL) {
        return refuse(err, text, why);
    }
    *out = url;
    return WHIST_OK;
}

whist_status whist_url_parse_listen(struct whist_url *out, const char *text,
                                    struct whist_error *err)
{
    struct whist_url url = {0};
    const char *why = "longer than 2048 bytes";
    size_t len = strnlen(text, WHIST_URL_MAX + 1);
    const char *colon = strrchr(text, ':');

    if (len <= WHIST_URL_MAX) {
        why = parse_authority(&url, text, len, 80, true);
    }
    if (why == NULL && (colon == NULL || strchr(colon, ']') != NULL)) {
        why = "the port is missing";
    }
    if (why == NULL && url.kind == WHIST_URL_NAME && !url.loopback) {
        why = "the host is neither an address nor localhost";
    }
    if (why != NULL) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "listen address \"%.60s\" is not ADDR:PORT: %s", text, why);
    }
    *out = url;
    return WHIST_OK;
}

void whist_url_authority(char out[WHIST_URL_AUTHORITY_MAX], const struct whist_url *url)
{
    bool ipv6 = url->kind == WHIST_URL_IPV6;
    char port[8] = "";

    if (url->kind == WHIST_URL_UNIX) {
        snprintf(out, WHIST_URL_AUTHORITY_MAX, "localhost");
        return;
    }
    if (url->port != (url->tls ? 443 : 80)) {
        snprintf(port, sizeof port, ":%u", (unsigned)url->port);
    }
    snprintf(out, WHIST_URL_AUTHORITY_MAX, "%s%s%s%s", ipv6 ? "[" : "", url->host, ipv6 ? "]" : "",
             port);
}
