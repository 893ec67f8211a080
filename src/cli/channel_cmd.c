/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist channel send|recv: whole messages to and from a party, without any protocol. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "link.h"
#include "logging.h"
#include "watch.h"

/* The phase label; the legacy wire does not carry it. */
#define PHASE "channel"

/* Opens the channel; says when the command must be done and which of its parties the peer is. */
static whist_status open_link(struct whist_channel **out, int64_t *deadline_ms_out,
                              size_t *peer_out, struct party_link *link, enum option_id peer_option,
                              const struct args *args, struct whist_error *err)
{
    const char *name = peer_option == OPT_TO ? "to" : "from";
    size_t peer = (size_t)args->number[peer_option];

    if (peer >= link->http.n || peer == link->http.me) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        peer == link->http.me ? "--%s %zu is the own party"
                                              : "--%s %zu is not one of the %zu parties",
                        name, peer, link->http.n);
    }
    *peer_out = peer;
    if (!link->http.legacy) {
        /* The others need not be there. */
        *peer_out = peer < link->http.me ? 0 : 1;
        link_reduce(link, peer);
    }
    *deadline_ms_out = whist_clock_ms() + link->timeout_ms;
    TRY(watch_start(err));
    whist_status st = link_channel(out, link, err);
    if (st == WHIST_OK) {
        watch_add(cancel_channel, *out);
    } else {
        watch_stop();
    }
    return st;
}

/* What is said to the peer last, an abort too, goes out before this returns. */
static void close_link(struct whist_channel *channel)
{
    if (channel != NULL) {
        watch_remove(channel);
        watch_stop();
        whist_channel_free(channel);
    }
}

/* ---- send ---- */

/* Longest message of the native wire that the command reads into memory. */
#define MAX_FILE ((size_t)1 << 32)

/* What is to be sent, in order. Standard input is read before anything else: nobody is kept waiting
 * by who types, and signals are caught only while there is a channel to abort. */
struct source {
    const char *const *files; /* n_files */
    size_t n_files;
    struct whist_buffer typed; /* the first one that is "-" */
};

static whist_status source_open(struct source *s, const struct args *args, size_t max,
                                struct whist_error *err)
{
    static const char *const only_typed[] = {"-"};

    s->files = args->n_operands != 0 ? args->operands : only_typed;
    s->n_files = args->n_operands != 0 ? args->n_operands : 1;
    for (size_t i = 0; i < s->n_files; i++) {
        if (strcmp(s->files[i], "-") == 0) {
            return read_file(&s->typed, "-", max, err);
        }
    }
    return WHIST_OK;
}

static whist_status send_all(struct whist_channel *channel, size_t to, struct source *s, size_t max,
                             int64_t deadline_ms, struct whist_error *err)
{
    for (size_t i = 0; i < s->n_files; i++) {
        struct whist_buffer message = {0};
        whist_status st = WHIST_OK;
        if (strcmp(s->files[i], "-") == 0) {
            message = s->typed;
            s->typed = (struct whist_buffer){0};
        } else {
            st = read_file(&message, s->files[i], max, err);
        }
        if (st == WHIST_OK) {
            st = whist_channel_send_owned(channel, to, &message, PHASE, deadline_ms, err);
        }
        whist_buffer_clear(&message);
        TRY(st);
    }
    return whist_channel_close(channel, deadline_ms, err);
}

/* What can be said before anybody is disturbed: files that are not there. */
static whist_status check_files(const struct args *args, size_t max, struct whist_error *err)
{
    struct stat info;

    for (size_t i = 0; i < args->n_operands; i++) {
        const char *file = args->operands[i];
        if (strcmp(file, "-") == 0) {
            continue;
        }
        if (stat(file, &info) != 0) {
            return cli_fail_errno(err, "cannot open %.200s", file);
        }
        if (S_ISREG(info.st_mode) && (uint64_t)info.st_size > max) {
            return cli_fail(err, WHIST_ERR_LIMIT, "%.200s is longer than %zu bytes", file, max);
        }
    }
    return WHIST_OK;
}

whist_status cmd_channel_send(const struct args *args, struct whist_error *err)
{
    struct whist_channel *channel = NULL;
    struct party_link *link = calloc(1, sizeof(*link));
    struct source source = {0};
    struct whist_log log;
    int64_t deadline_ms;
    whist_status st;
    size_t to;

    if (link == NULL) {
        return cli_nomem(err);
    }
    TRY_OUT(logging_open(&log, args, "", err));
    TRY_OUT(link_init(link, args, &log, err));
    /* Before the deadline: see wait_ms. */
    link->http.connect_timeout_ms -= link->http.connect_timeout_ms / 20;
    if (link->http.legacy && link->http.listen == NULL) {
        /* Nobody is to be told "200" for a message that this command would throw away; and a
         * receiver of the same party may hold the port. */
        link->http.listen = "127.0.0.1:0";
    }
    size_t max = link->http.legacy ? WHIST_MAX_MESSAGE : MAX_FILE;
    TRY_OUT(check_files(args, max, err));
    TRY_OUT(source_open(&source, args, max, err));
    TRY_OUT(open_link(&channel, &deadline_ms, &to, link, OPT_TO, args, err));
    st = send_all(channel, to, &source, max, deadline_ms, err);
out:
    close_link(channel);
    whist_buffer_clear(&source.typed);
    link_clear(link);
    free(link);
    logging_close();
    return st;
}

/* ---- recv ---- */

/* Where messages go: files in a directory, or standard output. */
struct sink {
    const char *dir; /* NULL: standard output */
    int fd;          /* of the directory */
};

static void file_name(char *out, size_t size, size_t index)
{
    snprintf(out, size, "%06zu", index);
}

static whist_status sink_open(struct sink *s, const char *dir, size_t count,
                              struct whist_error *err)
{
    struct stat info;
    char name[24];

    s->dir = dir;
    s->fd = -1;
    if (dir == NULL) {
        return WHIST_OK;
    }
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return cli_fail_errno(err, "cannot create the directory %.200s", dir);
    }
    s->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->fd < 0) {
        return cli_fail_errno(err, "cannot open the directory %.200s", dir);
    }
    /* Told before a message is taken, which could not be had again. */
    for (size_t i = 0; i < count; i++) {
        file_name(name, sizeof(name), i);
        if (fstatat(s->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
            return cli_fail(err, WHIST_ERR_IO, "%.200s holds a file %s already", dir, name);
        }
    }
    return WHIST_OK;
}

static whist_status sink_put(struct sink *s, size_t index, struct whist_bytes message,
                             struct whist_error *err)
{
    char name[24];

    if (s->dir == NULL) {
        return write_file(NULL, message, err);
    }
    file_name(name, sizeof(name), index);
    return write_new_file(s->fd, name, message, err);
}

static void sink_close(struct sink *s)
{
    if (s->fd >= 0) {
        close(s->fd);
    }
}

static whist_status receive(struct whist_channel *channel, size_t from, size_t count,
                            struct sink *sink, int64_t deadline_ms, struct whist_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct whist_buffer message = {0};
        TRY(whist_channel_recv(channel, from, &message, PHASE, deadline_ms, err));
        whist_status st = sink_put(sink, i, whist_buffer_view(&message), err);
        whist_buffer_clear(&message);
        TRY(st);
    }
    return whist_channel_close(channel, deadline_ms, err);
}

whist_status cmd_channel_recv(const struct args *args, struct whist_error *err)
{
    size_t count = (size_t)args_number(args, OPT_COUNT, 1);
    struct whist_channel *channel = NULL;
    struct party_link *link = calloc(1, sizeof(*link));
    struct sink sink = {.fd = -1};
    struct whist_log log;
    int64_t deadline_ms;
    whist_status st;
    size_t from;

    if (link == NULL) {
        return cli_nomem(err);
    }
    TRY_OUT(logging_open(&log, args, "", err));
    TRY_OUT(link_init(link, args, &log, err));
    if (link->http.legacy) {
        /* Hold the answer to what nobody asked for yet, as the legacy server does with its queue
         * of 1: an accepted message that is not taken before the command ends is lost. */
        link->http.inbox_bytes = 1;
    }
    TRY_OUT(sink_open(&sink, args->text[OPT_OUT], count, err));
    TRY_OUT(open_link(&channel, &deadline_ms, &from, link, OPT_FROM, args, err));
    st = receive(channel, from, count, &sink, deadline_ms, err);
out:
    close_link(channel);
    sink_close(&sink);
    link_clear(link);
    free(link);
    logging_close();
    return st;
}
