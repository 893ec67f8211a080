/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"
#include "json.h"

static void set_error(struct whist_error *err, whist_status status)
{
    err->status = status;
    err->peer = WHIST_NO_PEER;
    err->phase[0] = '\0';
}

whist_status(cli_fail)(struct whist_error *err, whist_status status, const char *fmt, ...)
{
    va_list ap;

    set_error(err, status);
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return status;
}

whist_status(cli_fail_errno)(struct whist_error *err, const char *fmt, ...)
{
    int number = errno;
    char reason[100] = "unknown error";
    va_list ap;

    set_error(err, WHIST_ERR_IO);
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    if (strerror_r(number, reason, sizeof(reason)) != 0) {
        snprintf(reason, sizeof(reason), "error %d", number);
    }
    size_t len = strlen(err->text);
    snprintf(err->text + len, sizeof(err->text) - len, ": %s", reason);
    return err->status;
}

whist_status(cli_nomem)(struct whist_error *err)
{
    return cli_fail(err, WHIST_ERR_NOMEM, "out of memory");
}

whist_status cli_context(struct whist_error *err, const char *fmt, ...)
{
    char text[sizeof(err->text)];
    va_list ap;

    memcpy(text, err->text, sizeof(text));
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    size_t len = strlen(err->text);
    snprintf(err->text + len, sizeof(err->text) - len, "%s", text);
    return err->status;
}

void cli_one_line(char *out, size_t size, const char *text)
{
    size_t i = 0;

    for (; i + 1 < size && text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];
        out[i] = c < 0x20 || c == 0x7f ? '?' : (char)c;
    }
    out[i] = '\0';
}

enum exit_status cli_exit_status(whist_status status)
{
    switch (status) {
    case WHIST_OK:
        return EXIT_DONE;
    case WHIST_ERR_ARGUMENT:
    case WHIST_ERR_UNSUPPORTED: /* asks for other options (--insecure) */
        return EXIT_USAGE;
    case WHIST_ERR_CHECK:
    case WHIST_ERR_ABORTED:
    case WHIST_ERR_PROTOCOL:
    case WHIST_ERR_MISMATCH:
        return EXIT_ABORT;
    case WHIST_ERR_UNREACHABLE:
    case WHIST_ERR_TIMEOUT:
    case WHIST_ERR_WINDOW_FULL:
        return EXIT_MISSING;
    default:
        return EXIT_ERROR;
    }
}

/* Of the command that runs; there is one in a process. */
static struct {
    bool told;     /* it has printed its error in JSON */
    bool panicked; /* a program did */
    bool linked;   /* it talks to peers */
    struct {
        char name[WHIST_NAME_MAX + 1], url[200];
    } parties[WHIST_MAX_PARTIES];
} context;

void cli_name_parties(const char *const *names, const char *const *urls, size_t n)
{
    context.linked = true;
    for (size_t i = 0; i < n && i < WHIST_MAX_PARTIES; i++) {
        snprintf(context.parties[i].name, sizeof(context.parties[i].name), "%s",
                 names[i] != NULL ? names[i] : "");
        cli_one_line(context.parties[i].url, sizeof(context.parties[i].url), urls[i]);
    }
}

/* What to try after an error between parties. */
static const char *advice(whist_status status)
{
    switch (status) {
    case WHIST_ERR_UNREACHABLE:
        return "is that party running, with the same session? 'whist ping' shows who can be "
               "reached, and why not";
    case WHIST_ERR_TIMEOUT:
        return "see what that party is doing; slow machines and links need a longer --timeout";
    case WHIST_ERR_MISMATCH:
        return "all parties need the same session file (or list of URLs), circuit and options: "
               "compare them";
    case WHIST_ERR_ABORTED:
        return "the party that aborted shows the reason on its screen";
    case WHIST_ERR_CHECK:
    case WHIST_ERR_PROTOCOL:
        return "that party runs another version, a proxy is not set up for it, or somebody cheats: "
               "do not trust any output of this run";
    default:
        return NULL;
    }
}

static void print_advice(const struct whist_error *err)
{
    const char *text = context.linked ? advice(err->status) : NULL;

    if (text == NULL) {
        return;
    }
    fprintf(stderr, "  try: %s", text);
    if (err->status == WHIST_ERR_UNREACHABLE && err->peer >= 0 && err->peer < WHIST_MAX_PARTIES) {
        fprintf(stderr, " (%s)", context.parties[err->peer].url);
    }
    fputc('\n', stderr);
}

void cli_error_is_told(void)
{
    context.told = true;
}

static void print_json_error(const struct whist_error *err)
{
    struct json j = {0};

    json_object_begin(&j, NULL);
    json_error(&j, "error", err);
    json_object_end(&j);
    json_print_line(&j, stdout);
    json_clear(&j);
}

void cli_report_error(const struct whist_error *err, const char *command, bool json)
{
    char text[sizeof(err->text)], phase[sizeof(err->phase)];

    cli_one_line(text, sizeof(text), err->text);
    cli_one_line(phase, sizeof(phase), err->phase);
    fflush(stdout);
    fprintf(stderr, "whist%s%s: %s", command[0] != '\0' ? " " : "", command, text);
    if (err->peer != WHIST_NO_PEER || phase[0] != '\0') {
        fprintf(stderr, " (%s", whist_status_name(err->status));
        if (err->peer != WHIST_NO_PEER) {
            const char *name = err->peer >= 0 && err->peer < WHIST_MAX_PARTIES
                                   ? context.parties[err->peer].name
                                   : "";
            fprintf(stderr, "; party %d%s%s", err->peer, name[0] != '\0' ? ", " : "", name);
        }
        if (phase[0] != '\0') {
            fprintf(stderr, "; phase %s", phase);
        }
        fputc(')', stderr);
    }
    fputc('\n', stderr);
    if (strcmp(command, "ping") != 0) { /* which has just looked */
        print_advice(err);
    }
    if (json && !context.told) {
        print_json_error(err);
    }
}

void cli_wipe(void *p, size_t len)
{
    volatile uint8_t *bytes = p;

    for (size_t i = 0; i < len; i++) {
        bytes[i] = 0;
    }
}

void cli_panicked(void)
{
    context.panicked = true;
}

bool cli_has_panicked(void)
{
    return context.panicked;
}
