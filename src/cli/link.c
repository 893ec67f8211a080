/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "link.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"

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

/* ---- Which parties ---- */

/* The own index in a session file: a name, or a number. */
static whist_status find_me(size_t *out, const struct whist_session_file *s, const char *me,
                            struct whist_error *err)
{
    size_t index = whist_session_file_find(s, me), n_digits = strspn(me, "0123456789");

    if (index == s->n && n_digits > 0 && n_digits <= 3 && me[n_digits] == '\0') {
        index = (size_t)strtoul(me, NULL, 10);
    }
    if (index < s->n) {
        *out = index;
        return WHIST_OK;
    }
    char names[240] = "";
    for (size_t i = 0, len = 0; i < s->n && len < sizeof(names); i++) {
        int more = snprintf(names + len, sizeof(names) - len, "%s%s", i == 0 ? "" : ", ",
                            s->parties[i].trust.name);
        len += more > 0 ? (size_t)more : 0;
    }
    return cli_fail(err, WHIST_ERR_ARGUMENT, "--me: no party of the session is '%.64s'; it has %s",
                    me, names);
}

void link_use_session(struct party_link *link, struct whist_session_file *session, size_t me,
                      struct whist_identity *identity)
{
    link->session = session;
    link->identity = identity;
    for (size_t i = 0; i < session->n; i++) {
        link->names[i] = session->parties[i].trust.name;
        link->urls[i] = session->parties[i].url;
        link->trust[i] = session->parties[i].trust;
    }
    link->http.n = session->n;
    link->http.me = me;
    link->http.urls = link->urls;
    link->http.trust = link->trust;
    link->http.identity = identity;
    memcpy(link->http.session, session->id, sizeof(link->http.session));
    whist_session_file_hash(session, link->http.config);
    link->http.heartbeat_ms = session->settings.heartbeat_ms;
    link->http.dead_ms = session->settings.dead_ms;
    link->http.post_bytes = session->settings.post_bytes;
}

static whist_status by_session(struct party_link *link, const struct args *args,
                               struct whist_error *err)
{
    size_t me = 0;

    if (!args_has(args, OPT_ME)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--me is missing: which party of %.100s are you?",
                        args->text[OPT_SESSION]);
    }
    if (args_has(args, OPT_LEGACY) || args_has(args, OPT_INSECURE) ||
        args_has(args, OPT_TOKEN_FILE)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--legacy, --insecure and --token-file are for plain HTTP with --urls; a "
                        "session uses TLS");
    }
    TRY(session_load(&link->session, args->text[OPT_SESSION], err));
    TRY(find_me(&me, link->session, args->text[OPT_ME], err));
    TRY(key_load(&link->identity, args, link->session->parties[me].trust.name, err));
    link_use_session(link, link->session, me, link->identity);
    return WHIST_OK;
}

static whist_status by_urls(struct party_link *link, const struct args *args,
                            struct whist_error *err)
{
    if (args_has(args, OPT_KEY) || args_has(args, OPT_CERT) || args_has(args, OPT_ME)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--me, --key and --cert go with --session");
    }
    TRY(url_list_parse(&link->list, args->text[OPT_URLS], err));
    link->http.n = link->list.n;
    link->http.urls = link->list.urls;
    link->http.me = (size_t)args->number[OPT_PARTY];
    link->http.insecure = args_has(args, OPT_INSECURE);
    link->http.legacy = args_has(args, OPT_LEGACY);
    if (link->http.me >= link->http.n) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--party %zu is not one of the %zu parties of --urls (0 to %zu)",
                        link->http.me, link->http.n, link->http.n - 1);
    }
    if (args_has(args, OPT_TOKEN_FILE)) {
        TRY(token_load(&link->token, args->text[OPT_TOKEN_FILE], err));
        link->http.token = (const char *)link->token.data;
    }
    return WHIST_OK;
}

/* Exactly one of the two ways, and whole. */
static whist_status check_way(const struct args *args, struct whist_error *err)
{
    bool session = args_has(args, OPT_SESSION);
    bool party = args_has(args, OPT_PARTY), urls = args_has(args, OPT_URLS);

    if (session && (party || urls)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--session names the parties; --party and --urls cannot go with it");
    }
    if (!session && !party && !urls) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "which parties? --session FILE and --me NAME, or to try it out on this "
                        "machine --party I and --urls LIST; see 'whist %s --help'",
                        args->command->name);
    }
    if (!session && !(party && urls)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--%s is missing; see 'whist %s --help'",
                        party ? "urls" : "party", args->command->name);
    }
    return WHIST_OK;
}

/* ---- Proxies ---- */

/* As many entries as parties; an empty one stands for none. */
static whist_status read_hosts(struct party_link *link, const struct args *args,
                               struct whist_error *err)
{
    size_t n = 0;

    if (!args_has(args, OPT_HOSTS)) {
        return WHIST_OK;
    }
    link->hosts_text = strdup(args->text[OPT_HOSTS]);
    if (link->hosts_text == NULL) {
        return cli_nomem(err);
    }
    for (char *next = link->hosts_text; next != NULL; n++) {
        char *host = next;
        next = strchr(host, ';');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (n < link->http.n && host[0] != '\0') {
            link->hosts[n] = host;
        }
    }
    if (n != link->http.n) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--hosts names %zu servers of %zu parties", n,
                        link->http.n);
    }
    link->http.hosts = link->hosts;
    return WHIST_OK;
}

static whist_status read_proxies(struct party_link *link, const struct args *args,
                                 struct whist_error *err)
{
    if (args_has(args, OPT_TRUSTED_PROXY) != args_has(args, OPT_PROXY_HEADER)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--trusted-proxy and --proxy-header go together");
    }
    if (!args_has(args, OPT_TRUSTED_PROXY)) {
        return WHIST_OK;
    }
    link->proxies_text = strdup(args->text[OPT_TRUSTED_PROXY]);
    if (link->proxies_text == NULL) {
        return cli_nomem(err);
    }
    for (char *next = link->proxies_text; next != NULL;) {
        char *address = next;
        next = strchr(address, ',');
        if (next != NULL) {
            *next++ = '\0';
        }
        if (link->http.n_trusted_proxies == MAX_PROXIES) {
            return cli_fail(err, WHIST_ERR_ARGUMENT, "--trusted-proxy takes at most %d addresses",
                            MAX_PROXIES);
        }
        link->proxies[link->http.n_trusted_proxies++] = address;
    }
    link->http.trusted_proxies = link->proxies;
    link->http.proxy_header = args->text[OPT_PROXY_HEADER];
    return WHIST_OK;
}

/* ---- The whole ---- */

static void set_times(struct party_link *link, const struct args *args)
{
    uint32_t shared_ms = link->session != NULL ? link->session->settings.timeout_ms : 0;
    uint32_t connect_ms = link->session != NULL ? link->session->settings.connect_timeout_ms : 0;

    link->timeout_ms =
        shared_ms != 0 && !args_has(args, OPT_TIMEOUT) ? (int64_t)shared_ms : args_timeout_ms(args);
    link->http.timeout_ms = wait_ms(link->timeout_ms);
    link->http.connect_timeout_ms =
        connect_ms != 0 && !args_has(args, OPT_TIMEOUT) ? (int64_t)connect_ms : link->timeout_ms;
}

whist_status link_init(struct party_link *out, const struct args *args, const struct whist_log *log,
                       struct whist_error *err)
{
    memset(out, 0, sizeof(*out));
    TRY(check_way(args, err));
    out->http.listen = args->text[OPT_LISTEN];
    out->http.log = *log;
    TRY(args_has(args, OPT_SESSION) ? by_session(out, args, err) : by_urls(out, args, err));
    out->http.open_metrics = args_has(args, OPT_OPEN_METRICS);
    TRY(read_hosts(out, args, err));
    TRY(read_proxies(out, args, err));
    set_times(out, args);
    cli_name_parties(out->names, out->http.urls, out->http.n);
    return WHIST_OK;
}

void link_clear(struct party_link *link)
{
    whist_identity_free(link->identity);
    whist_session_file_free(link->session);
    whist_buffer_clear(&link->token);
    free(link->hosts_text);
    free(link->proxies_text);
    url_list_clear(&link->list);
    memset(link, 0, sizeof(*link));
}

whist_status link_channel(struct whist_channel **out, const struct party_link *link,
                          struct whist_error *err)
{
    whist_status st = whist_channel_http_new(out, &link->http, err);

    /* Nobody has cheated yet: the own key is not the one of --me. */
    return st == WHIST_ERR_CHECK ? (err->status = WHIST_ERR_ARGUMENT) : st;
}

void link_reduce(struct party_link *link, size_t peer)
{
    size_t low = peer < link->http.me ? peer : link->http.me;
    size_t high = peer < link->http.me ? link->http.me : peer;
    const char *urls[2] = {link->http.urls[low], link->http.urls[high]};

    link->hosts[0] = link->hosts[low];
    link->hosts[1] = link->hosts[high];
    link->trust[0] = link->trust[low];
    link->trust[1] = link->trust[high];
    link->names[0] = link->names[low];
    link->names[1] = link->names[high];
    memcpy(link->urls, urls, sizeof(urls));
    link->http.urls = link->urls;
    link->http.me = peer < link->http.me ? 1 : 0;
    link->http.n = 2;
}

const char *party_text(char *text, const struct party_link *link, size_t party)
{
    if (link->names[party] != NULL) {
        snprintf(text, 96, "party %zu (%s)", party, link->names[party]);
    } else {
        snprintf(text, 96, "party %zu", party);
    }
    return text;
}
