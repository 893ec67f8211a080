/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist channel send|recv: whole messages to and from a party, without any protocol. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "link.h"
#include "logging.h"

/* The phase label; the legacy wire does not carry it. */
#define PHASE "channel"

/* Opens the channel and says when the command must be done. */
static whist_status open_link(struct whist_channel **out, int64_t *deadline_ms_out,
                              struct whist_http_options *http, enum option_id peer_option,
                              const struct args *args, struct whist_error *err)
{
    const char *name = peer_option == OPT_TO ? "to" : "from";
    uint64_t peer = args->number[peer_option];

    if (peer >= http->n || peer == http->me) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        peer == http->me ? "--%s %zu is the own party"
                                         : "--%s %zu is not one of the parties of --urls",
                        name, (size_t)peer);
    }
    *deadline_ms_out = whist_clock_ms() + args_timeout_ms(args);
    return whist_channel_http_new(out, http, err);
}

/* ---- send ---- */

whist_status cmd_channel_send(const struct args *args, struct whist_error *err)
{
    const char *file = args->n_operands > 0 ? args->operands[0] : "-";
    struct whist_channel *channel = NULL;
    struct whist_buffer message = {0};
    struct url_list urls = {0};
    struct whist_http_options http;
    struct whist_log log;
    int64_t deadline_ms;
    whist_status st;

    TRY(logging_open(&log, args, "", err));
    TRY_OUT(link_options(&http, &urls, args, &log, err));
    http.connect_timeout_ms -= http.connect_timeout_ms / 20; /* before the deadline: see wait_ms */
    if (http.listen == NULL) {
        /* Nobody is to be told "200" for a message that this command would throw away; and a
         * receiver of the same party may hold the port. */
        http.listen = "127.0.0.1:0";
    }
    TRY_OUT(read_file(&message, file, WHIST_MAX_MESSAGE + 1, err));
    if (message.len > WHIST_MAX_MESSAGE) {
        st = cli_fail(err, WHIST_ERR_LIMIT, "the message is longer than %zu bytes",
                      WHIST_MAX_MESSAGE);
        goto out;
    }
    TRY_OUT(open_link(&channel, &deadline_ms, &http, OPT_TO, args, err));
    TRY_OUT(whist_channel_send_owned(channel, (size_t)args->number[OPT_TO], &message, PHASE,
                                     deadline_ms, err));
    st = whist_channel_close(channel, deadline_ms, err);
out:
    whist_channel_free(channel);
    whist_buffer_clear(&message);
    url_list_clear(&urls);
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

static whist_status receive(struct whist_channel *channel, const struct args *args, size_t count,
                            struct sink *sink, int64_t deadline_ms, struct whist_error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct whist_buffer message = {0};
        TRY(whist_channel_recv(channel, (size_t)args->number[OPT_FROM], &message, PHASE,
                               deadline_ms, err));
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
    struct url_list urls = {0};
    struct sink sink = {.fd = -1};
    struct whist_http_options http;
    struct whist_log log;
    int64_t deadline_ms;
    whist_status st;

    TRY(logging_open(&log, args, "", err));
    TRY_OUT(link_options(&http, &urls, args, &log, err));
    /* Hold the answer to what nobody asked for yet, as the legacy server does with its queue of 1:
     * an accepted message that is not taken before the command ends is lost. */
    http.inbox_bytes = 1;
    TRY_OUT(sink_open(&sink, args->text[OPT_OUT], count, err));
    TRY_OUT(open_link(&channel, &deadline_ms, &http, OPT_FROM, args, err));
    st = receive(channel, args, count, &sink, deadline_ms, err);
out:
    whist_channel_free(channel);
    sink_close(&sink);
    url_list_clear(&urls);
    logging_close();
    return st;
}
