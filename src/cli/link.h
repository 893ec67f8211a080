/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* How this party reaches the others: by a session file with keys (--session, --me), or by bare URLs
 * (--party, --urls). */
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

#define MAX_PROXIES 16

/* What an open channel needs; all of it is borrowed by `http`. */
struct party_link {
    struct whist_http_options http;
    int64_t timeout_ms;                   /* --timeout, or what the session says */
    const char *names[WHIST_MAX_PARTIES]; /* of the session; NULL: none */
    struct url_list list;                 /* of --urls */
    struct whist_session_file *session;
    struct whist_identity *identity;
    const char *urls[WHIST_MAX_PARTIES];
    struct whist_party_trust trust[WHIST_MAX_PARTIES];
    struct whist_buffer token;
    char *hosts_text;
    const char *hosts[WHIST_MAX_PARTIES];
    char *proxies_text;
    const char *proxies[MAX_PROXIES];
};

/* Reads the options of a link; wrong usage unless they name all parties and the own one. Large:
 * make it static or allocate it. link_clear also after an error. */
whist_status link_init(struct party_link *out, const struct args *args, const struct whist_log *log,
                       struct whist_error *err);
void link_clear(struct party_link *link);

/* Opens the channel of the link. */
whist_status link_channel(struct whist_channel **out, const struct party_link *link,
                          struct whist_error *err);

/* The same for party me of a session: takes session and identity. */
void link_use_session(struct party_link *link, struct whist_session_file *session, size_t me,
                      struct whist_identity *identity);

/* Leaves two parties, this one and `peer`, with their order: for a message between these that needs
 * no third. Not for the legacy wire, which knows no sessions. */
void link_reduce(struct party_link *link, size_t peer);

/* "party 1 (bob)" or "party 1"; text has room for 96 bytes. */
const char *party_text(char *text, const struct party_link *link, size_t party);

#endif
