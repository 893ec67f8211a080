/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the tests of the command need beside a shell:
 *   cli_tool ports N      base URLs of N parties on free loopback ports, separated by ';'
 *   cli_tool json         checks that the last line of standard input is one JSON object and prints
 *                         it as lines PATH=VALUE (".stats.phases[0].peer=1")
 *   cli_tool timeline FILE  checks a file of trace events and prints how many slices and processes
 *                         it has
 *   cli_tool repin FILE I PIN  prints a session file with another pin for party I
 *   cli_tool terminal COMMAND...   runs it with standard error on a terminal, prints what came
 * there cli_tool typed TEXT COMMAND...   the same with standard input, where TEXT is typed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "cli_tool: %s\n", what);
    exit(1);
}

/* ---- ports ---- */

static void print_ports(int n)
{
    int fds[64];

    for (int i = 0; i < n && i < 64; i++) {
        struct sockaddr_in addr = {.sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t len = sizeof(addr);
        fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (fds[i] < 0 || bind(fds[i], (struct sockaddr *)&addr, len) != 0 ||
            getsockname(fds[i], (struct sockaddr *)&addr, &len) != 0) {
            fail("no free port");
        }
        printf("%shttp://127.0.0.1:%u", i == 0 ? "" : ";", (unsigned)ntohs(addr.sin_port));
    }
    printf("\n"); /* the sockets stay open until the end, so the ports differ */
}

/* ---- JSON (RFC 8259), strictly ---- */

#define MAX_DEPTH 16
#define MAX_PATH  1000

struct parser {
    const char *p, *end;
    char path[MAX_PATH];
    int depth;
};

static void value(struct parser *j);

static char take(struct parser *j)
{
    if (j->p == j->end) {
        fail("JSON ends too early");
    }
    return *j->p++;
}

static void expect(struct parser *j, char c)
{
    if (take(j) != c) {
        fprintf(stderr, "cli_tool: expected '%c' at %.40s\n", c, j->p - 1);
        exit(1);
    }
}

static void text(struct parser *j, char *out, size_t size)
{
    size_t n = 0;

    expect(j, '"');
    for (;;) {
        char c = take(j);
        if (c == '"') {
            break;
        }
        if ((unsigned char)c < 0x20) {
            fail("control character in a string");
        }
        if (c == '\\') {
            char e = take(j);
            if (strchr("\"\\/bfnrtu", e) == NULL) {
                fail("bad escape");
            }
            for (int i = 0; e == 'u' && i < 4; i++) {
                if (strchr("0123456789abcdefABCDEF", take(j)) == NULL) {
                    fail("bad \\u");
                }
            }
            c = e == '"' || e == '\\' ? e : '?';
        }
        if (n + 1 < size) {
            out[n++] = c;
        }
    }
    out[n] = '\0';
}

static void members(struct parser *j, char close)
{
    size_t len = strlen(j->path);
    char key[200];

    if (++j->depth > MAX_DEPTH) {
        fail("too deep");
    }
    if (j->p < j->end && *j->p == close) {
        j->p++;
        j->depth--;
        return;
    }
    for (int i = 0;; i++) {
        if (close == '}') {
            text(j, key, sizeof(key));
            expect(j, ':');
            snprintf(j->path + len, MAX_PATH - len, ".%s", key);
        } else {
            snprintf(j->path + len, MAX_PATH - len, "[%d]", i);
        }
        value(j);
        j->path[len] = '\0';
        char c = take(j);
        if (c == close) {
            break;
        }
        if (c != ',') {
            fail("expected ',' or the end of an object or array");
        }
    }
    j->depth--;
}

static void word(struct parser *j, const char *w)
{
    for (const char *c = w; *c != '\0'; c++) {
        expect(j, *c);
    }
    printf("%s=%s\n", j->path, w);
}

static void number(struct parser *j)
{
    char *after;
    char buf[64];
    size_t n = strspn(j->p, "-+.eE0123456789");

    if (n == 0 || n >= sizeof(buf) || (j->p[0] == '0' && n > 1 && j->p[1] != '.')) {
        fail("not a value");
    }
    memcpy(buf, j->p, n);
    buf[n] = '\0';
    (void)strtod(buf, &after);
    if (*after != '\0' || buf[0] == '.' || buf[0] == '+' || buf[n - 1] == '.') {
        fail("not a number");
    }
    printf("%s=%s\n", j->path, buf);
    j->p += n;
}

static void value(struct parser *j)
{
    char string[2000];

    switch (j->p < j->end ? *j->p : '\0') {
    case '{':
    case '[':
        members(j, take(j) == '{' ? '}' : ']');
        break;
    case '"':
        text(j, string, sizeof(string));
        printf("%s=%s\n", j->path, string);
        break;
    case 't':
        word(j, "true");
        break;
    case 'f':
        word(j, "false");
        break;
    case 'n':
        word(j, "null");
        break;
    default:
        number(j);
    }
}

static void check_json(void)
{
    static char all[1 << 22];
    size_t n = fread(all, 1, sizeof(all) - 1, stdin);
    struct parser j = {0};

    if (n == 0 || all[n - 1] != '\n') {
        fail("standard input does not end with a line");
    }
    all[n - 1] = '\0';
    const char *last = strrchr(all, '\n');
    j.p = last != NULL ? last + 1 : all;
    j.end = all + n - 1;
    if (*j.p != '{') {
        fail("the last line is no object");
    }
    value(&j);
    if (j.p != j.end) {
        fail("something follows the object");
    }
}

/* ---- timeline ---- */

/* Whole JSON, as a foreign reader sees it. */
static void check_timeline(const char *file)
{
    json_t *events = json_load_file(file, 0, NULL), *e;
    size_t i, slices = 0, processes = 0;

    if (!json_is_array(events)) {
        fail("the timeline is no array");
    }
    json_array_foreach(events, i, e)
    {
        const char *ph = json_string_value(json_object_get(e, "ph"));
        const char *name = json_string_value(json_object_get(e, "name"));
        if (ph == NULL || name == NULL || !json_is_integer(json_object_get(e, "pid"))) {
            fail("an event without kind, name or process");
        }
        processes += strcmp(name, "process_name") == 0;
        if (strcmp(ph, "X") == 0) {
            slices++;
            if (json_number_value(json_object_get(e, "dur")) < 0 ||
                !json_is_real(json_object_get(e, "ts"))) {
                fail("a slice without time");
            }
        }
    }
    printf("slices=%zu\nprocesses=%zu\n", slices, processes);
    json_decref(events);
}

/* ---- repin ---- */

static void repin(const char *file, size_t party, const char *pin)
{
    json_t *session = json_load_file(file, 0, NULL);
    json_t *card = json_array_get(json_object_get(session, "parties"), party);

    if (json_object_set_new(card, "pin", json_string(pin)) != 0 ||
        json_dumpf(session, stdout, 0) != 0) {
        fail("no session file with that party");
    }
    json_decref(session);
}

/* ---- terminal ---- */

static int on_terminal(const char *typed, char **argv)
{
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    int master, slave, status;
    char buf[4096];

    if (openpty(&master, &slave, NULL, NULL, &size) != 0) {
        fail("no terminal");
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(master);
        dup2(slave, STDERR_FILENO);
        if (typed != NULL) {
            dup2(slave, STDIN_FILENO);
        }
        close(slave);
        setenv("TERM", "xterm", 1);
        execv(argv[0], argv);
        _exit(127);
    }
    close(slave);
    if (typed != NULL && write(master, typed, strlen(typed)) != (ssize_t)strlen(typed)) {
        fail("cannot type");
    }
    for (;;) {
        ssize_t n = read(master, buf, sizeof(buf));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) { /* EIO: the other side is closed */
            break;
        }
        fwrite(buf, 1, (size_t)n, stdout);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "ports") == 0) {
        print_ports(atoi(argv[2]));
    } else if (argc == 2 && strcmp(argv[1], "json") == 0) {
        check_json();
    } else if (argc == 3 && strcmp(argv[1], "timeline") == 0) {
        check_timeline(argv[2]);
    } else if (argc == 5 && strcmp(argv[1], "repin") == 0) {
        repin(argv[2], (size_t)atoi(argv[3]), argv[4]);
    } else if (argc >= 3 && strcmp(argv[1], "terminal") == 0) {
        return on_terminal(NULL, argv + 2);
    } else if (argc >= 4 && strcmp(argv[1], "typed") == 0) {
        return on_terminal(argv[2], argv + 3);
    } else {
        fail("usage: cli_tool ports N | json | timeline FILE | repin FILE I PIN | "
             "terminal COMMAND... | typed TEXT COMMAND...");
    }
    return 0;
}
