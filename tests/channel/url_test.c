/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "channel/url.h"
#include "harness.h"

static struct whist_url parse(const char *text)
{
    struct whist_url url;
    struct whist_error err = {0};
    CHECK_OK(whist_url_parse(&url, text, &err), err);
    return url;
}

static void refuse(const char *text, const char *why)
{
    struct whist_url url = {.port = 7};
    struct whist_error err = {0};
    CHECK_MSG(whist_url_parse(&url, text, &err) == WHIST_ERR_ARGUMENT, "%s was taken", text);
    CHECK(url.port == 7 && err.status == WHIST_ERR_ARGUMENT);
    CHECK_MSG(strstr(err.text, why) != NULL, "%s: got: %s", text, err.text);
    for (const char *c = err.text; *c != '\0'; c++) {
        CHECK(*c >= 0x20 && *c <= 0x7e);
    }
    CHECK(whist_url_parse(&url, text, NULL) == WHIST_ERR_ARGUMENT);
}

static void expect(const char *text, whist_url_kind kind, const char *host, unsigned port,
                   const char *prefix, const char *authority)
{
    struct whist_url url = parse(text);
    char got[WHIST_URL_AUTHORITY_MAX];
    whist_url_authority(got, &url);
    CHECK_MSG(url.kind == kind && strcmp(url.host, host) == 0 && url.port == port &&
                  strcmp(url.prefix, prefix) == 0,
              "%s: kind %d, host %s, port %u, prefix %s", text, (int)url.kind, url.host,
              (unsigned)url.port, url.prefix);
    CHECK_MSG(strcmp(got, authority) == 0, "%s: authority %s", text, got);
}

static void good_urls(void)
{
    expect("http://127.0.0.1:8000", WHIST_URL_IPV4, "127.0.0.1", 8000, "", "127.0.0.1:8000");
    expect("http://127.0.0.1:8000/", WHIST_URL_IPV4, "127.0.0.1", 8000, "", "127.0.0.1:8000");
    expect("http://Example.COM", WHIST_URL_NAME, "example.com", 80, "", "example.com");
    expect("HTTP://example.com:80/", WHIST_URL_NAME, "example.com", 80, "", "example.com");
    expect("http://party_1.net-2:65535/a/b", WHIST_URL_NAME, "party_1.net-2", 65535, "/a/b",
           "party_1.net-2:65535");
    expect("http://h:1/a/b/", WHIST_URL_NAME, "h", 1, "/a/b", "h:1");
    expect("http://h/%20~!$&'()*+,;=:@-._", WHIST_URL_NAME, "h", 80, "/%20~!$&'()*+,;=:@-._", "h");
    expect("http://h/...", WHIST_URL_NAME, "h", 80, "/...", "h");
    expect("http://[::1]:9/x", WHIST_URL_IPV6, "::1", 9, "/x", "[::1]:9");
    expect("http://[2001:DB8:0:0:0:0:0:1]", WHIST_URL_IPV6, "2001:db8::1", 80, "", "[2001:db8::1]");
    expect("http://1a", WHIST_URL_NAME, "1a", 80, "", "1a");
    expect("http://10.example", WHIST_URL_NAME, "10.example", 80, "", "10.example");
}

static void loopback(void)
{
    CHECK(parse("http://127.0.0.1").loopback);
    CHECK(parse("http://127.255.3.4").loopback);
    CHECK(parse("http://localhost:1").loopback);
    CHECK(parse("http://LOCALHOST:1").loopback);
    CHECK(parse("http://[::1]").loopback);
    CHECK(parse("http://[::ffff:127.0.0.1]").loopback);
    CHECK(!parse("http://126.0.0.1").loopback);
    CHECK(!parse("http://128.0.0.1").loopback);
    CHECK(!parse("http://0.0.0.0").loopback);
    CHECK(!parse("http://[::]").loopback);
    CHECK(!parse("http://[::ffff:1.2.3.4]").loopback);
    CHECK(!parse("http://[::7f00:1]").loopback);
    CHECK(!parse("http://localhost.example").loopback);
    CHECK(!parse("http://local").loopback);
}

static void bad_urls(void)
{
    static const char *const table[][2] = {
        {"", "must start with http://"},
        {"http", "must start with http://"},
        {"http:/h", "must start with http://"},
        {"127.0.0.1:8000", "must start with http://"},
        {" http://h", "must start with http://"},
        {"ftp://h", "must start with http://"},
        {"https://h", "https is not supported"},
        {"http://", "host is missing"},
        {"http:///x", "host is missing"},
        {"http://:80", "host is missing"},
        {"http://[]:80", "host is missing"},
        {"http://u@h", "user names"},
        {"http://u:p@h:1/", "user names"},
        {"http://h:", "port is not"},
        {"http://h:/", "port is not"},
        {"http://h:0", "port is not"},
        {"http://h:080", "port is not"},
        {"http://h:65536", "port is not"},
        {"http://h:100000", "port is not"},
        {"http://h:99999999999999999999", "port is not"},
        {"http://h:-1", "port is not"},
        {"http://h:+1", "port is not"},
        {"http://h: 1", "port is not"},
        {"http://h:1x", "port is not"},
        {"http://h:1:2", "port is not"},
        {"http://[::1]x", "port is not"},
        {"http://[::1", "closing ]"},
        {"http://[::1:80", "closing ]"},
        {"http://[127.0.0.1]", "not an IPv6 address"},
        {"http://[fe80::1%eth0]", "not an IPv6 address"},
        {"http://[:::1]", "not an IPv6 address"},
        {"http://::1", "host is missing"},
        {"http://2001:db8::1", "neither a name"},
        {"http://1.2.3", "neither a name"},
        {"http://127.1", "neither a name"},
        {"http://2130706433", "neither a name"},
        {"http://0x7f000001", "neither a name"},
        {"http://0x", "neither a name"},
        {"http://a.0X7F", "neither a name"},
        {"http://127.0.0.01", "neither a name"},
        {"http://127.0.0.256", "neither a name"},
        {"http://-a", "neither a name"},
        {"http://a-", "neither a name"},
        {"http://a..b", "neither a name"},
        {"http://a.", "neither a name"},
        {"http://.a", "neither a name"},
        {"http://a b", "neither a name"},
        {"http://a%41", "neither a name"},
        {"http://m\xc3\xbcller", "neither a name"},
        {"http://h\\x", "neither a name"},
        {"http://h?q", "query"},
        {"http://h/?q", "query"},
        {"http://h/a#f", "fragment"},
        {"http://h#f", "fragment"},
        {"http://h//", "empty segment"},
        {"http://h//a", "empty segment"},
        {"http://h/a//b", "empty segment"},
        {"http://h/.", "segment \".\""},
        {"http://h/a/../b", "segment \".\""},
        {"http://h/%2e", "segment \".\""},
        {"http://h/.%2E/", "segment \".\""},
        {"http://h/%", "two hex digits"},
        {"http://h/%2", "two hex digits"},
        {"http://h/%zz", "two hex digits"},
        {"http://h/a b", "character of the path"},
        {"http://h/a\tb\x01", "character of the path"},
        {"http://h/\xff", "character of the path"},
        {"http://h/a\"<>", "character of the path"},
        {"http://h/a;http://g\n", "empty segment"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        refuse(table[i][0], table[i][1]);
    }
}

static void fill(char *out, const char *before, char c, size_t count, const char *after)
{
    char *p = out + sprintf(out, "%s", before);
    memset(p, c, count);
    sprintf(p + count, "%s", after);
}

static void lengths(void)
{
    char text[4000], name[300] = "";

    for (size_t i = 0; i < 3; i++) { /* 3 labels of 63 and one of 61: 253 bytes */
        fill(name + strlen(name), "", 'a', 63, ".");
    }
    fill(name + strlen(name), "", 'b', 61, "");
    CHECK(strlen(name) == WHIST_URL_HOST_MAX);
    sprintf(text, "http://%s:65535", name);
    struct whist_url url = parse(text);
    char authority[WHIST_URL_AUTHORITY_MAX];
    whist_url_authority(authority, &url);
    CHECK(strncmp(authority, name, 253) == 0 && strcmp(authority + 253, ":65535") == 0);
    sprintf(text, "http://%sb", name);
    refuse(text, "host is too long");
    fill(text, "http://", 'a', 64, "");
    refuse(text, "neither a name");
    fill(text, "http://h/", 'p', WHIST_URL_PREFIX_MAX - 1, "/");
    CHECK(strlen(parse(text).prefix) == WHIST_URL_PREFIX_MAX);
    fill(text, "http://h/", 'p', WHIST_URL_PREFIX_MAX, "");
    refuse(text, "path is too long");
    fill(text, "http://h/", 'p', 3000, "");
    refuse(text, "longer than 2048");
}

static void listen_addresses(void)
{
    static const char *const bad[] = {"",        "8000",       "127.0.0.1",  "127.0.0.1:",
                                      ":8000",   "[::1]",      "::1:8000",   "127.0.0.1:65536",
                                      "h:8000",  "*:8000",     "127.1:8000", "127.0.0.1:80/",
                                      "[::1]80", "1.2.3.4:00", "a@[::1]:80", "localhost"};
    struct whist_url url;
    struct whist_error err = {0};

    CHECK_OK(whist_url_parse_listen(&url, "0.0.0.0:0", &err), err);
    CHECK(url.kind == WHIST_URL_IPV4 && url.port == 0 && !url.loopback && url.prefix[0] == '\0');
    CHECK_OK(whist_url_parse_listen(&url, "[::]:8000", &err), err);
    CHECK(url.kind == WHIST_URL_IPV6 && url.port == 8000 && strcmp(url.host, "::") == 0);
    CHECK_OK(whist_url_parse_listen(&url, "localhost:1", &err), err);
    CHECK(url.loopback && url.port == 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_MSG(whist_url_parse_listen(&url, bad[i], &err) == WHIST_ERR_ARGUMENT, "%s", bad[i]);
        CHECK(strstr(err.text, "ADDR:PORT") != NULL);
    }
}

static const struct test_case cases[] = {
    {"good_urls", good_urls}, {"loopback", loopback},       {"bad_urls", bad_urls},
    {"lengths", lengths},     {"listen", listen_addresses},
};
TEST_MAIN(cases)
