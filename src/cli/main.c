/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "cli.h"
#include "json.h"

static void print_overview(FILE *to)
{
    fprintf(to, "usage: whist COMMAND [OPERAND]... [OPTION]...\n\n"
                "Secure multi-party computation over HTTP.\n\ncommands:\n");
    for (size_t i = 0; i < n_commands; i++) {
        fprintf(to, "  %-17s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(to, "\n'whist COMMAND --help' tells more, as do the man pages: whist(1) and\n"
                "whist-run(1), whist-local(1), whist-check(1), whist-fmt(1), whist-eval(1),\n"
                "whist-cost(1), whist-build(1), whist-explain(1), whist-keygen(1),\n"
                "whist-party(1), whist-session(1), whist-circuit(1), whist-channel(1),\n"
                "whist-ping(1), whist-bench(1).\n"
                "'whist --version' prints the version.\n");
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* Prints the commands of a group ("circuit"); false if there is no such group. */
static bool print_group(FILE *to, const char *group)
{
    size_t len = strlen(group);
    bool found = false;

    for (size_t i = 0; i < n_commands; i++) {
        if (strncmp(commands[i].name, group, len) == 0 && commands[i].name[len] == ' ') {
            if (!found) {
                fprintf(to, "usage: whist %s COMMAND [OPERAND]... [OPTION]...\n\ncommands:\n",
                        group);
            }
            fprintf(to, "  %-17s %s\n", commands[i].name, commands[i].summary);
            found = true;
        }
    }
    return found;
}

/* True if the words begin with the command's name; *used_out is the number of words of it. */
static bool matches(const struct command *command, int argc, char **argv, int *used_out)
{
    const char *space = strchr(command->name, ' ');
    size_t first = space != NULL ? (size_t)(space - command->name) : strlen(command->name);

    if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], command->name, first) != 0) {
        return false;
    }
    *used_out = space != NULL ? 2 : 1;
    return space == NULL || (argc >= 2 && strcmp(argv[1], space + 1) == 0);
}

static bool is_group(const char *word)
{
    size_t len = strlen(word);

    for (size_t i = 0; i < n_commands; i++) {
        if (strncmp(commands[i].name, word, len) == 0 && commands[i].name[len] == ' ') {
            return true;
        }
    }
    return false;
}

static whist_status unknown_command(int argc, char **argv, struct whist_error *err)
{
    if (argc == 0) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "a command is missing; see 'whist --help'");
    }
    if (is_group(argv[0])) {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "%s '%s%s%.40s'; see 'whist %s --help'",
                        argc >= 2 ? "unknown command" : "a command is missing after", argv[0],
                        argc >= 2 ? " " : "", argc >= 2 ? argv[1] : "", argv[0]);
    }
    return cli_fail(err, WHIST_ERR_ARGUMENT, "unknown command '%.40s'; see 'whist --help'",
                    argv[0]);
}

/* What is asked of the command as a whole; true if that was all. */
static bool overview(int argc, char **argv)
{
    if (argc >= 1 && strcmp(argv[0], "--version") == 0) {
        printf("whist %s\n", whist_version());
        return true;
    }
    if (argc >= 1 && (is_help(argv[0]) || (argc == 1 && strcmp(argv[0], "help") == 0))) {
        print_overview(stdout);
        return true;
    }
    return argc == 2 && is_help(argv[1]) && print_group(stdout, argv[0]);
}

static whist_status run_command(const struct command *command, int argc, char **argv,
                                struct whist_error *err)
{
    struct args args;
    whist_status st = args_parse(&args, command, argc, argv, err);

    if (st == WHIST_OK && args_has(&args, OPT_HELP)) {
        args_help(stdout, command);
    } else if (st == WHIST_OK) {
        st = command->run(&args, err);
    }
    args_clear(&args);
    return st;
}

/* Also wrong usage is told in JSON when JSON was asked for. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0) {
            return true;
        }
    }
    return false;
}

int main(int argc, char **argv)
{
    struct whist_error err = {.status = WHIST_OK, .peer = WHIST_NO_PEER};
    const struct rlimit no_core = {0, 0};
    const struct command *command = NULL;
    whist_status st;
    int used = 0;

    signal(SIGPIPE, SIG_IGN);
    (void)setrlimit(RLIMIT_CORE, &no_core); /* inputs and keys do not go to disk */
    argc = argc > 0 ? argc - 1 : 0;
    argv++;
    if (argc >= 2 && strcmp(argv[0], "help") == 0) { /* help COMMAND: COMMAND --help */
        argv[0] = argv[1];
        argv[1] = argc >= 3 ? argv[2] : (char *)"--help";
        if (argc >= 3) {
            argv[2] = (char *)"--help";
        }
    }
    if (overview(argc, argv)) {
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_ERROR;
    }
    for (size_t i = 0; i < n_commands && command == NULL; i++) {
        if (matches(&commands[i], argc, argv, &used)) {
            command = &commands[i];
        }
    }
    if (command == NULL) {
        st = unknown_command(argc, argv, &err);
    } else {
        st = run_command(command, argc - used, argv + used, &err);
    }
    if (st == WHIST_OK && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        st = cli_fail_errno(&err, "cannot write to standard output");
    }
    if (st != WHIST_OK) {
        err.status = st;
        cli_report_error(&err, command != NULL ? command->name : "", wants_json(argc, argv));
    }
    if (st == WHIST_OK && cli_has_panicked()) {
        return EXIT_PANIC;
    }
    return (int)cli_exit_status(st);
}
