/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

bool write_all(int fd, const void *data, size_t len)
{
    const uint8_t *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

bool read_all(int fd, void *data, size_t len)
{
    uint8_t *p = data;

    while (len > 0) {
        ssize_t n = read(fd, p, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        p += n;
        len -= (size_t)n;
    }
    return true;
}

/* A larger buffer without leaving secrets in the old one, as realloc would. */
static whist_status grow(struct whist_buffer *buf, size_t cap, struct whist_error *err)
{
    struct whist_buffer bigger = {0};

    if (whist_buffer_reserve(&bigger, cap) != WHIST_OK ||
        whist_buffer_append(&bigger, buf->data, buf->len) != WHIST_OK) {
        whist_buffer_clear(&bigger);
        return cli_nomem(err);
    }
    whist_buffer_clear(buf);
    *buf = bigger;
    return WHIST_OK;
}

static whist_status read_descriptor(struct whist_buffer *out, int fd, const char *name, size_t max,
                                    struct whist_error *err)
{
    for (;;) {
        if (out->cap - out->len < 4096) {
            TRY(grow(out, out->cap < 8192 ? 16384 : out->cap * 2, err));
        }
        ssize_t n = read(fd, out->data + out->len, out->cap - out->len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return cli_fail_errno(err, "cannot read %.200s", name);
        }
        if (n == 0) {
            return WHIST_OK;
        }
        out->len += (size_t)n;
        if (out->len > max) {
            return cli_fail(err, WHIST_ERR_LIMIT, "%.200s is longer than %zu bytes", name, max);
        }
    }
}

whist_status read_file(struct whist_buffer *out, const char *path, size_t max,
                       struct whist_error *err)
{
    if (strcmp(path, "-") == 0) {
        return read_descriptor(out, STDIN_FILENO, "standard input", max, err);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cli_fail_errno(err, "cannot open %.200s", path);
    }
    whist_status st = read_descriptor(out, fd, path, max, err);
    close(fd);
    return st;
}

whist_status write_file(const char *path, struct whist_bytes bytes, struct whist_error *err)
{
    if (path == NULL || strcmp(path, "-") == 0) {
        fflush(stdout);
        return write_all(STDOUT_FILENO, bytes.data, bytes.len)
                   ? WHIST_OK
                   : cli_fail_errno(err, "cannot write to standard output");
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return cli_fail_errno(err, "cannot create %.200s", path);
    }
    bool written = write_all(fd, bytes.data, bytes.len);
    if (close(fd) != 0 || !written) {
        return cli_fail_errno(err, "cannot write %.200s", path);
    }
    return WHIST_OK;
}

static whist_status sink_write(void *ctx, struct whist_bytes bytes, struct whist_error *err)
{
    const int *fd = ctx;

    return write_all(*fd, bytes.data, bytes.len) ? WHIST_OK : cli_fail_errno(err, "cannot write");
}

static bool is_regular(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

whist_status stream_file(const char *path,
                         whist_status (*produce)(const void *ctx, const struct whist_sink *sink,
                                                 struct whist_error *err),
                         const void *ctx, struct whist_error *err)
{
    int fd = STDOUT_FILENO;
    const struct whist_sink sink = {sink_write, &fd};

    if (path == NULL || strcmp(path, "-") == 0) {
        fflush(stdout);
        return produce(ctx, &sink, err);
    }
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        return cli_fail_errno(err, "cannot create %.200s", path);
    }
    bool regular = is_regular(fd);
    whist_status st = produce(ctx, &sink, err);
    if (st == WHIST_ERR_IO) {
        cli_context(err, "%.200s: ", path);
    }
    if (close(fd) != 0 && st == WHIST_OK) {
        st = cli_fail_errno(err, "cannot write %.200s", path);
    }
    if (st != WHIST_OK && regular) {
        unlink(path);
    }
    return st;
}

whist_status write_new_file(int dir, const char *name, struct whist_bytes bytes,
                            struct whist_error *err)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0) {
        return cli_fail_errno(err, "cannot create %.200s", name);
    }
    bool written = write_all(fd, bytes.data, bytes.len);
    if (close(fd) != 0 || !written) {
        whist_status st = cli_fail_errno(err, "cannot write %.200s", name);
        unlinkat(dir, name, 0);
        return st;
    }
    return WHIST_OK;
}
