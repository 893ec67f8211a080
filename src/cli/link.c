/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "link.h"

#include <stdlib.h>
#include <string.h>

/* Takes white space off both ends, in place. */
static char *trim(char *s)
{
    size_t len;

    s += strspn(s, " \t\r\n");
    len = strlen(s);
    while (len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL) {
        s[--len] = '\0';
    }
    return s;
}

whist_status url_list_parse(struct url_list *out, const char *text, struct whist_error *err)
{
    memset(out, 0, sizeof(*out));
    out->text = strdup(text);
    if (out->text == NULL) {
        return cli_nomem(err);
    }
    for (char *next = out->text; next != NULL;) {
        char *url = next;
        next = strchr(url, ';');
        if (next != NULL) {
            *next++ = '\0';
        }
        url = trim(url);
        if (url[0] == '\0' && next == NULL && out->n > 0) {
            break; /* a ';' at the end */
        }
        if (url[0] == '\0') {
            return cli_fail(err, WHIST_ERR_ARGUMENT, "--urls: the URL of party %zu is empty",
                            out->n);
        }
        if (out->n == WHIST_MAX_PARTIES) {
            return cli_fail(err, WHIST_ERR_ARGUMENT, "--urls names more than %d parties",
                            WHIST_MAX_PARTIES);
        }
        out->urls[out->n++] = url;
    }
    if (out->n < 2) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--urls needs the URLs of all parties, two at least, separated by ';'");
    }
    return WHIST_OK;
}

void url_list_clear(struct url_list *list)
{
    free(list->text);
    memset(list, 0, sizeof(*list));
}

int64_t wait_ms(int64_t timeout_ms)
{
    return timeout_ms + timeout_ms / 20;
}

whist_status link_options(struct whist_http_options *out, struct url_list *list,
                          const struct args *args, const struct whist_log *log,
                          struct whist_error *err)
{
    int64_t timeout_ms = args_timeout_ms(args);

    TRY(url_list_parse(list, args->text[OPT_URLS], err));
    *out = (struct whist_http_options){
        .n = list->n,
        .legacy = true,
        .me = (size_t)args->number[OPT_PARTY],
        .urls = list->urls,
        .listen = args->text[OPT_LISTEN],
        .timeout_ms = wait_ms(timeout_ms),
        .connect_timeout_ms = timeout_ms,
        .insecure = args_has(args, OPT_INSECURE),
        .log = *log,
    };
    if (out->me >= out->n) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--party %zu is not one of the %zu parties of --urls (0 to %zu)", out->me,
                        out->n, out->n - 1);
    }
    return WHIST_OK;
}
