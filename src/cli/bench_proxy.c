/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* An nginx with its default settings in front of two parties. */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench_proxy.h"

#define START_MS  5000
#define PATH_ROOM 64

extern char **environ;

static const char *find_nginx(void)
{
    static const char *const paths[] = {"/usr/sbin/nginx", "/usr/local/sbin/nginx",
                                        "/usr/bin/nginx", "/usr/local/bin/nginx"};

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        if (access(paths[i], X_OK) == 0) {
            return paths[i];
        }
    }
    return NULL;
}

/* What nginx keeps on disk, each in a directory of its own. */
static const char *const temp_dirs[] = {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"};
static const char *const files[] = {"nginx.conf", "pid", "error.log", "access.log"};

static const char *file_path(const struct proxy *p, char *out, const char *name)
{
    snprintf(out, PATH_ROOM, "%s/%s", p->dir, name);
    return out;
}

/* Debian's nginx.conf, but for the places of files, which another nginx may use; and a server for
 * each party. */
static bool write_config(const struct proxy *p)
{
    char path[PATH_ROOM];
    FILE *f = fopen(file_path(p, path, "nginx.conf"), "w");

    if (f == NULL) {
        return false;
    }
    fprintf(f,
            "%sworker_processes auto;\npid %s/pid;\nerror_log %s/error.log;\n"
            "events { worker_connections 768; }\n"
            "http {\n  sendfile on;\n  tcp_nopush on;\n  types_hash_max_size 2048;\n"
            "  access_log %s/access.log;\n  gzip on;\n",
            getuid() == 0 ? "user root;\n" : "", p->dir, p->dir, p->dir);
    for (size_t i = 0; i < sizeof(temp_dirs) / sizeof(temp_dirs[0]); i++) {
        fprintf(f, "  %s_temp_path %s/%s;\n", temp_dirs[i], p->dir, temp_dirs[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        fprintf(f, "  server { listen %s; location / { proxy_pass http://%s; } }\n",
                p->urls[i] + strlen("http://"), p->listen[i]);
    }
    fprintf(f, "}\n");
    return fclose(f) == 0;
}

/* It writes its process id when its servers listen. */
static bool wait_until_up(const struct proxy *p)
{
    const struct timespec pause = {.tv_nsec = 10000000};
    char path[PATH_ROOM];

    file_path(p, path, "pid");
    for (int ms = 0; ms < START_MS; ms += 10) {
        if (access(path, F_OK) == 0) {
            return true;
        }
        nanosleep(&pause, NULL);
    }
    return false;
}

void proxy_stop(struct proxy *p)
{
    char path[PATH_ROOM];

    if (p->pid > 0) {
        kill(p->pid, SIGTERM);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (p->dir[0] != '\0') {
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
            unlink(file_path(p, path, files[i]));
        }
        for (size_t i = 0; i < sizeof(temp_dirs) / sizeof(temp_dirs[0]); i++) {
            rmdir(file_path(p, path, temp_dirs[i]));
        }
        rmdir(p->dir);
    }
    memset(p, 0, sizeof(*p));
}

static whist_status start(struct proxy *p, const char *nginx, struct whist_error *err)
{
    char config[PATH_ROOM], program[] = "nginx", dash_c[] = "-c", dash_g[] = "-g",
                            front[] = "daemon off;";
    char *argv[] = {program, dash_c, config, dash_g, front, NULL};

    TRY(loopback_urls(&p->ports, 4, err));
    for (size_t i = 0; i < 2; i++) {
        p->urls[i] = p->ports.urls[i];
        p->listen[i] = p->ports.urls[2 + i] + strlen("http://");
    }
    snprintf(p->dir, sizeof(p->dir), "/tmp/whist-bench-XXXXXX");
    if (mkdtemp(p->dir) == NULL) {
        p->dir[0] = '\0';
        return cli_fail_errno(err, "cannot create a directory in /tmp");
    }
    file_path(p, config, "nginx.conf");
    if (!write_config(p) || posix_spawn(&p->pid, nginx, NULL, NULL, argv, environ) != 0 ||
        !wait_until_up(p)) {
        return cli_fail(err, WHIST_ERR_IO, "nginx does not start");
    }
    return WHIST_OK;
}

whist_status proxy_start(struct proxy *p, bool *there_out, struct whist_error *err)
{
    const char *nginx = find_nginx();
    whist_status st = WHIST_OK;

    memset(p, 0, sizeof(*p));
    *there_out = nginx != NULL;
    if (nginx != NULL) {
        st = start(p, nginx, err);
        if (st != WHIST_OK) {
            proxy_stop(p);
        }
    }
    return st;
}
