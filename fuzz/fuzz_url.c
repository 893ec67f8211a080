/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* URLs: what is read and written again is read as the same, and fits where it is used. */
#include <stdio.h>
#include <string.h>
#include <whist/channel.h>

#include "channel/http_codec.h"
#include "fuzz.h"

static bool same(const struct whist_url *a, const struct whist_url *b)
{
    return a->kind == b->kind && a->port == b->port && a->loopback == b->loopback &&
           strcmp(a->host, b->host) == 0 && strcmp(a->prefix, b->prefix) == 0;
}

static void check_url(const struct whist_url *url)
{
    char authority[WHIST_URL_AUTHORITY_MAX], text[WHIST_URL_MAX];
    char request[WHIST_HTTP_REQUEST_MAX];
    struct whist_url again;

    HOLDS(url->port != 0 && url->host[0] != '\0');
    HOLDS(url->prefix[0] == '\0' || url->prefix[0] == '/');
    whist_url_authority(authority, url);
    HOLDS(strlen(authority) < sizeof authority - 1);
    snprintf(text, sizeof text, "http://%s%s/", authority, url->prefix);
    HOLDS(whist_url_parse(&again, text, NULL) == WHIST_OK && same(url, &again));
    size_t len =
        whist_http_write_request(request, "POST", url, WHIST_MAX_PARTIES, WHIST_MAX_MESSAGE, true);
    HOLDS(len == strlen(request));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct whist_url url = {.port = 7};
    struct whist_error err = {0};
    char *text = malloc(size + 1);

    HOLDS(text != NULL);
    if (size != 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    if (whist_url_parse(&url, text, &err) == WHIST_OK) {
        check_url(&url);
    } else {
        HOLDS(url.port == 7 && err.status == WHIST_ERR_ARGUMENT && err.text[0] != '\0');
    }
    if (whist_url_parse_listen(&url, text, &err) == WHIST_OK) {
        HOLDS(url.prefix[0] == '\0' && (url.kind != WHIST_URL_NAME || url.loopback));
    }
    free(text);
    return 0;
}
