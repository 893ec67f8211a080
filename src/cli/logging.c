/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "logging.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* One log and one terminal a process; the library logs from any thread. */
static struct {
    pthread_mutex_t lock;
    FILE *to;
    const char *who;
    bool quiet; /* errors are not logged: the command ends with them anyway */
    bool bar;   /* a progress bar stands on the terminal's last line */
} output = {.lock = PTHREAD_MUTEX_INITIALIZER, .who = ""};

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};
#define N_LEVELS (sizeof(level_names) / sizeof(level_names[0]))

static void erase_bar(void)
{
    if (output.bar) {
        fputs("\r\033[K", stderr);
        output.bar = false;
    }
}

static void write_line(void *ctx, whist_log_level level, const char *text)
{
    char line[1024], stamp[32] = "";
    struct timespec now;
    struct tm utc;

    (void)ctx;
    if (output.quiet && level == WHIST_LOG_ERROR) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc) != NULL) {
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    }
    cli_one_line(line, sizeof(line), text); /* parts of it may come from a peer */
    pthread_mutex_lock(&output.lock);
    erase_bar();
    fprintf(output.to, "%s.%03ldZ %s%s%s: %s\n", stamp, now.tv_nsec / 1000000, output.who,
            output.who[0] != '\0' ? " " : "", (size_t)level < N_LEVELS ? level_names[level] : "?",
            line);
    fflush(output.to);
    pthread_mutex_unlock(&output.lock);
}

static bool find_level(whist_log_level *out, const char *text, size_t len)
{
    for (size_t i = 0; i < N_LEVELS; i++) {
        if (strlen(level_names[i]) == len && strncmp(level_names[i], text, len) == 0) {
            *out = (whist_log_level)i;
            return true;
        }
    }
    return false;
}

whist_status logging_open(struct whist_log *out, const struct args *args, const char *who,
                          struct whist_error *err)
{
    const char *text = args->text[OPT_LOG];

    output.to = stderr;
    output.who = who;
    output.quiet = text == NULL;
    *out = (struct whist_log){.fn = write_line, .level = WHIST_LOG_WARN};
    if (text == NULL) {
        return WHIST_OK;
    }
    size_t len = strcspn(text, "=");
    if (!find_level(&out->level, text, len)) {
        return cli_fail(err, WHIST_ERR_ARGUMENT,
                        "--log takes error, warn, info, debug or trace, not '%.*s'",
                        (int)(len < 40 ? len : 40), text);
    }
    if (text[len] == '=') {
        output.to = fopen(text + len + 1, "ae");
        if (output.to == NULL) {
            output.to = stderr;
            return cli_fail_errno(err, "cannot open the log file %.200s", text + len + 1);
        }
    }
    return WHIST_OK;
}

void logging_set_who(const char *who)
{
    output.who = who;
}

void logging_close(void)
{
    if (output.to != NULL && output.to != stderr) {
        fclose(output.to);
    }
    output.to = stderr;
}

/* ---- Progress ---- */

#define BAR_WIDTH 30

static void draw(void *ctx, const char *phase, uint64_t done, uint64_t total)
{
    (void)ctx;
    pthread_mutex_lock(&output.lock);
    if (total == 0) {
        fprintf(stderr, "\r\033[K%" PRIu64 " AND gates  %.40s", done, phase);
    } else {
        char bar[BAR_WIDTH + 1];
        double share = done < total ? (double)done / (double)total : 1.0;
        size_t full = (size_t)(share * BAR_WIDTH);
        memset(bar, '.', BAR_WIDTH);
        memset(bar, '#', full);
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, "\r\033[K[%s] %3.0f %%  %.40s", bar, share * 100, phase);
    }
    fflush(stderr);
    output.bar = true;
    pthread_mutex_unlock(&output.lock);
}

bool has_terminal(void)
{
    const char *terminal = getenv("TERM");

    return isatty(STDERR_FILENO) != 0 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void progress_text(const char *text)
{
    if (!has_terminal()) {
        return;
    }
    pthread_mutex_lock(&output.lock);
    fprintf(stderr, "\r\033[K%.78s", text);
    fflush(stderr);
    output.bar = true;
    pthread_mutex_unlock(&output.lock);
}

whist_progress progress_bar(void)
{
    return has_terminal() ? draw : NULL;
}

void progress_end(void)
{
    pthread_mutex_lock(&output.lock);
    erase_bar();
    fflush(stderr);
    pthread_mutex_unlock(&output.lock);
}
