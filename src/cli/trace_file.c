/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "trace_file.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/* Parties that are threads share the lock; those that are processes share the end of the file,
 * where each write lands whole (O_APPEND). */
static struct {
    pthread_mutex_t lock;
    int fd;
    const char *path;
    bool failed;
} file = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

static bool append(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    pthread_mutex_lock(&file.lock);
    file.failed = file.failed || !write_all(file.fd, text, len);
    bool written = !file.failed;
    pthread_mutex_unlock(&file.lock);
    return written;
}

whist_status trace_file_open(const struct args *args, struct whist_error *err)
{
    file.path = args->text[OPT_TRACE];
    if (file.path == NULL) {
        return WHIST_OK;
    }
    file.fd = open(file.path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
    if (file.fd < 0 || !append(NULL, WHIST_TIMELINE_HEAD, strlen(WHIST_TIMELINE_HEAD))) {
        return cli_fail_errno(err, "cannot create %.200s", file.path);
    }
    return WHIST_OK;
}

whist_status trace_file_wrap(struct whist_channel **channel, struct whist_error *err)
{
    return file.fd < 0 ? WHIST_OK
                       : whist_channel_timeline_new(channel, *channel, append, NULL, err);
}

void trace_file_close(void)
{
    if (file.fd < 0) {
        return;
    }
    bool written = append(NULL, WHIST_TIMELINE_TAIL, strlen(WHIST_TIMELINE_TAIL));
    if (close(file.fd) != 0 || !written) {
        fprintf(stderr, "whist: the timeline %s is not complete: it could not be written\n",
                file.path);
    }
    file.fd = -1;
}
