/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The options of an HTTP link: --party, --urls, --listen, --insecure, --timeout, --log. */
#ifndef WHIST_CLI_LINK_H
#define WHIST_CLI_LINK_H

#include "cli.h"

/* URLs split at ';'. */
struct url_list {
    char *text; /* owned copy, with NULs for ';' */
    const char *urls[WHIST_MAX_PARTIES];
    size_t n;
};

whist_status url_list_parse(struct url_list *out, const char *text, struct whist_error *err);
void url_list_clear(struct url_list *list);

/* How long a party waits for a message. Somewhat longer than it tries to reach a peer that is not
 * up, so that the error says why the peer could not be reached. */
int64_t wait_ms(int64_t timeout_ms);

/* The options for whist_channel_http_new, URLs and the log included; checks --party. Borrows from
 * list and args. */
whist_status link_options(struct whist_http_options *out, struct url_list *list,
                          const struct args *args, const struct whist_log *log,
                          struct whist_error *err);

#endif
