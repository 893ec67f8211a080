/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* One option parser for all commands: a table of options, of which each command accepts some. */
#ifndef WHIST_CLI_ARGS_H
#define WHIST_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <whist/status.h>

/* In the order of the help text. */
enum option_id {
    OPT_SESSION,
    OPT_ME,
    OPT_KEY,
    OPT_CERT,
    OPT_NAME,
    OPT_DAYS,
    OPT_URL,
    OPT_CA,
    OPT_TLS_NAME,
    OPT_SERVER_PIN,
    OPT_SERVER_CA,
    OPT_SERVER_NAME,
    OPT_PARTY,
    OPT_URLS,
    OPT_TO,
    OPT_FROM,
    OPT_PARTIES,
    OPT_INPUT,
    OPT_INPUT_JSON,
    OPT_FN,
    OPT_CONST,
    OPT_PANICS,
    OPT_OPTIMISE,
    OPT_COMPILE_ONLY,
    OPT_CHECK,
    OPT_OWNERS,
    OPT_EVALUATOR,
    OPT_OUTPUT_TO,
    OPT_HTTP,
    OPT_BITS,
    OPT_BIDDERS,
    OPT_OPERANDS,
    OPT_COUNT,
    OPT_OUT,
    OPT_OUTPUT,
    OPT_FORMAT,
    OPT_OLDER,
    OPT_ANDS,
    OPT_QUICK,
    OPT_RHO,
    OPT_TIMEOUT,
    OPT_HEARTBEAT,
    OPT_DEAD,
    OPT_POST_BYTES,
    OPT_LISTEN,
    OPT_HOSTS,
    OPT_OPEN_METRICS,
    OPT_TRUSTED_PROXY,
    OPT_PROXY_HEADER,
    OPT_INSECURE,
    OPT_TOKEN_FILE,
    OPT_LEGACY,
    OPT_STATS,
    OPT_TRACE,
    OPT_JSON,
    OPT_LOG,
    OPT_HELP,
    N_OPTIONS
};

#define option_bit(id) (UINT64_C(1) << (id))

struct command;

/* A parsed command line; the strings are argv's. */
struct args {
    const struct command *command;
    uint64_t given;              /* option_bit() of the options that were given */
    const char *text[N_OPTIONS]; /* of options with an argument */
    uint64_t number[N_OPTIONS];  /* of options that are numbers; seconds are in milliseconds */
    const char **inputs;         /* --input, in order; owned */
    size_t n_inputs;
    const char **consts; /* --const, in order; owned */
    size_t n_consts;
    const char **operands; /* owned */
    size_t n_operands;
};

static inline bool args_has(const struct args *args, enum option_id id)
{
    return (args->given & option_bit(id)) != 0;
}

static inline uint64_t args_number(const struct args *args, enum option_id id, uint64_t otherwise)
{
    return args_has(args, id) ? args->number[id] : otherwise;
}

/* --timeout, or its default. */
static inline int64_t args_timeout_ms(const struct args *args)
{
    return (int64_t)args_number(args, OPT_TIMEOUT, 60000);
}

/* Parses what follows the command's name. WHIST_ERR_ARGUMENT with one clear line otherwise. --help
 * makes everything else optional. */
whist_status args_parse(struct args *out, const struct command *command, int argc, char **argv,
                        struct whist_error *err);
void args_clear(struct args *args);

/* Usage and options of a command, from the same table. */
void args_help(FILE *to, const struct command *command);

/* A list of numbers separated by commas, each at most max: "0,2". The array has room for `room`. */
whist_status args_number_list(size_t *out, size_t *n_out, size_t room, const char *text,
                              uint64_t max, const char *option, struct whist_error *err);

#endif
