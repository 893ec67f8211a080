/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist ping: waits until all parties are up. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "cli.h"
#include "json.h"
#include "link.h"

#define RETRY_MS 200

/* One party that is asked, by a thread of its own: one that does not answer delays no other. */
struct target {
    const struct whist_http_options *http; /* of all */
    size_t party;
    int64_t deadline_ms;
    pthread_t thread;
    struct whist_ping ping;
    whist_status status; /* other than WHIST_OK: the URL is wrong */
    struct whist_error err;
};

static void *ask(void *arg)
{
    struct target *t = arg;

    for (bool first = true;; first = false) {
        struct whist_ping last = {0};
        t->status = whist_http_ping_party(t->http, t->party, t->deadline_ms, &last, &t->err);
        /* An attempt that the deadline cuts off would only hide what is wrong. */
        if (first || last.up || whist_clock_ms() < t->deadline_ms) {
            t->ping = last;
        }
        if (t->status != WHIST_OK || t->ping.up || t->deadline_ms - whist_clock_ms() <= RETRY_MS) {
            return NULL;
        }
        const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
        nanosleep(&pause, NULL);
    }
}

static whist_status ask_all(struct target *targets, size_t n, struct whist_error *err)
{
    whist_status st = WHIST_OK;
    size_t started = 0;

    for (; started < n; started++) {
        if (pthread_create(&targets[started].thread, NULL, ask, &targets[started]) != 0) {
            st = cli_fail(err, WHIST_ERR_IO, "cannot start a thread");
            break;
        }
    }
    for (size_t i = 0; i < started; i++) {
        pthread_join(targets[i].thread, NULL);
    }
    for (size_t i = 0; i < n && st == WHIST_OK; i++) {
        if (targets[i].status != WHIST_OK) {
            *err = targets[i].err;
            st = cli_context(err, "party %zu: ", targets[i].party);
        }
    }
    return st;
}

static void print_targets(const struct party_link *link, const struct target *targets, size_t n)
{
    char text[sizeof(targets->ping.text)], party[96];

    for (size_t i = 0; i < n; i++) {
        const struct target *t = &targets[i];
        printf("%s  %s  ", party_text(party, link, t->party), t->http->urls[t->party]);
        if (t->ping.up) {
            printf("up, %.2f ms\n", (double)t->ping.round_trip_us / 1000);
        } else {
            cli_one_line(text, sizeof(text), t->ping.text);
            printf("%s\n", text);
        }
    }
}

static void json_targets(struct json *j, const struct target *targets, size_t n)
{
    json_array_begin(j, "parties");
    for (size_t i = 0; i < n; i++) {
        const struct target *t = &targets[i];
        json_object_begin(j, NULL);
        json_number(j, "party", t->party);
        json_text(j, "url", t->http->urls[t->party]);
        json_bool(j, "up", t->ping.up);
        if (t->ping.up) {
            json_fixed(j, "round_trip_s", (double)t->ping.round_trip_us / 1e6, 6);
        } else {
            json_none(j, "round_trip_s");
        }
        json_text(j, "text", t->ping.text);
        json_object_end(j);
    }
    json_array_end(j);
}

/* Who is missing; WHIST_OK if nobody is. */
static whist_status missing(const struct target *targets, size_t n, struct whist_error *err)
{
    size_t n_missing = 0, first = 0;

    for (size_t i = n; i-- > 0;) {
        if (!targets[i].ping.up) {
            n_missing++;
            first = i;
        }
    }
    if (n_missing == 0) {
        return WHIST_OK;
    }
    whist_status st =
        cli_fail(err, WHIST_ERR_UNREACHABLE, "%zu of %zu parties %s not up: %s", n_missing, n,
                 n_missing == 1 ? "is" : "are", targets[first].ping.text);
    err->peer = (int)targets[first].party;
    return st;
}

static whist_status report(const struct party_link *link, const struct target *targets, size_t n,
                           bool as_json, struct whist_error *err)
{
    whist_status st = missing(targets, n, err);
    struct json j = {0};

    if (!as_json) {
        print_targets(link, targets, n);
        return st;
    }
    json_object_begin(&j, NULL);
    json_targets(&j, targets, n);
    if (st != WHIST_OK) {
        json_error(&j, "error", err);
        cli_error_is_told();
    }
    json_object_end(&j);
    bool printed = json_print_line(&j, stdout);
    json_clear(&j);
    return printed ? st : cli_fail(err, WHIST_ERR_IO, "cannot write to standard output");
}

/* All parties but the own one. */
static size_t list_targets(struct target *targets, const struct party_link *link, size_t me,
                           int64_t deadline_ms)
{
    size_t n = 0;

    for (size_t i = 0; i < link->http.n; i++) {
        if (i != me) {
            targets[n++] =
                (struct target){.http = &link->http, .party = i, .deadline_ms = deadline_ms};
        }
    }
    return n;
}

/* Without --party nobody is left out. */
static whist_status ping_link(struct party_link *link, size_t *me_out, const struct args *args,
                              struct whist_error *err)
{
    const struct whist_log no_log = {.fn = NULL};
    struct args copy = *args;

    if (args_has(args, OPT_URLS) && !args_has(args, OPT_PARTY)) {
        copy.given |= option_bit(OPT_PARTY); /* as party 0, which does not matter here */
        copy.number[OPT_PARTY] = 0;
    }
    TRY(link_init(link, &copy, &no_log, err));
    *me_out = args_has(args, OPT_URLS) && !args_has(args, OPT_PARTY) ? SIZE_MAX : link->http.me;
    return WHIST_OK;
}

whist_status cmd_ping(const struct args *args, struct whist_error *err)
{
    struct target *targets = calloc(WHIST_MAX_PARTIES, sizeof(*targets));
    struct party_link *link = calloc(1, sizeof(*link));
    int64_t deadline_ms = whist_clock_ms() + args_timeout_ms(args);
    size_t me = 0;
    whist_status st;

    if (targets == NULL || link == NULL) {
        free(targets);
        free(link);
        return cli_nomem(err);
    }
    TRY_OUT(ping_link(link, &me, args, err));
    size_t n = list_targets(targets, link, me, deadline_ms);
    TRY_OUT(ask_all(targets, n, err));
    st = report(link, targets, n, args_has(args, OPT_JSON), err);
out:
    link_clear(link);
    free(link);
    free(targets);
    return st;
}
