/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "args.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum option_kind { KIND_FLAG, KIND_TEXT, KIND_NUMBER, KIND_SECONDS, KIND_INPUT, KIND_CONST };

struct option_info {
    const char *name;
    const char *arg; /* placeholder of the argument; NULL for a flag */
    enum option_kind kind;
    char letter;       /* short form, or 0 */
    uint64_t min, max; /* of numbers; of seconds, in milliseconds */
    const char *help;
};

#define MAX_SECONDS UINT64_C(10000000)

static const struct option_info options[N_OPTIONS] = {
    [OPT_SESSION] = {"session", "FILE", KIND_TEXT, 0, 0, 0,
                     "session file with all parties (whist session make)"},
    [OPT_ME] = {"me", "NAME", KIND_TEXT, 0, 0, 0,
                "the own party of the session file: its name or index"},
    [OPT_KEY] = {"key", "FILE", KIND_TEXT, 0, 0, 0,
                 "file of the own private key (default NAME.key)"},
    [OPT_CERT] = {"cert", "FILE", KIND_TEXT, 0, 0, 0,
                  "file of the own certificate (default: beside the key, .crt in place of .key, or "
                  "in the file of the key)"},
    [OPT_NAME] = {"name", "NAME", KIND_TEXT, 0, 0, 0, "name of the party"},
    [OPT_DAYS] = {"days", "N", KIND_NUMBER, 0, 1, 36500,
                  "validity of the certificate (default 3650)"},
    [OPT_URL] = {"url", "URL", KIND_TEXT, 0, 0, 0,
                 "where the others reach the party: https://HOST[:PORT][/PREFIX]"},
    [OPT_CA] = {"ca", "FILE", KIND_TEXT, 0, 0, 0,
                "CA certificates (PEM) that issued the party's certificate; then the name in it "
                "counts and not the pin"},
    [OPT_TLS_NAME] = {"tls-name", "NAME", KIND_TEXT, 0, 0, 0,
                      "DNS name in that certificate (default: the first one)"},
    [OPT_SERVER_PIN] = {"server-pin", "PIN", KIND_TEXT, 0, 0, 0,
                        "key of a proxy that ends TLS in front of the party"},
    [OPT_SERVER_CA] = {"server-ca", "FILE", KIND_TEXT, 0, 0, 0,
                       "CA certificates (PEM) of such a proxy"},
    [OPT_SERVER_NAME] = {"server-name", "NAME", KIND_TEXT, 0, 0, 0,
                         "DNS name in the proxy's certificate"},
    [OPT_PARTY] = {"party", "I", KIND_NUMBER, 0, 0, WHIST_MAX_PARTIES - 1,
                   "own index among the parties, from 0"},
    [OPT_URLS] = {"urls", "LIST", KIND_TEXT, 0, 0, 0,
                  "base URLs of all parties in order, separated by ';'"},
    [OPT_TO] = {"to", "P", KIND_NUMBER, 0, 0, WHIST_MAX_PARTIES - 1, "party that gets the message"},
    [OPT_FROM] = {"from", "P", KIND_NUMBER, 0, 0, WHIST_MAX_PARTIES - 1,
                  "party that sends the messages"},
    [OPT_PARTIES] = {"parties", "N", KIND_NUMBER, 0, 2, WHIST_MAX_PARTIES, "number of parties"},
    [OPT_INPUT] =
        {"input", "VALUE", KIND_INPUT, 0, 0, 0,
         "an input: decimal, 0x hex or 0b bits; @FILE reads it from a file and - from the "
         "next line of standard input, out of sight of the process list; once for each "
         "input, in the circuit's order"},
    [OPT_INPUT_JSON] = {"input-json", NULL, KIND_FLAG, 0, 0, 0,
                        "inputs of programs are JSON (otherwise only those that begin with { or "
                        "a quote)"},
    [OPT_FN] = {"fn", "NAME", KIND_TEXT, 0, 0, 0, "the pub fn of the program (default main)"},
    [OPT_CONST] = {"const", "PARTY::NAME=VALUE", KIND_CONST, 0, 0, 0,
                   "a constant that the program takes from outside, PARTY_0::ROWS=100, or @FILE "
                   "with one in each line; as often as needed"},
    [OPT_PANICS] =
        {"panics", "KIND", KIND_TEXT, 0, 0, 0,
         "what all learn of a panic: site (that and where), flag (that), or off (no checks, "
         "arithmetic wraps); by default what the program says, or site"},
    [OPT_OPTIMISE] = {"optimise", "LEVEL", KIND_NUMBER, 'O', 1, 2,
                      "1 (default), or 2: look longer for fewer gates"},
    [OPT_COMPILE_ONLY] = {"compile-only", NULL, KIND_FLAG, 0, 0, 0,
                          "compile the program and evaluate nothing"},
    [OPT_CHECK] = {"check", NULL, KIND_FLAG, 0, 0, 0,
                   "change nothing; exit status 1 if it is not formatted"},
    [OPT_OWNERS] = {"owners", "LIST", KIND_TEXT, 0, 0, 0,
                    "owning party of each circuit input, \"0,1,1\"; by default input k belongs to "
                    "party k mod n"},
    [OPT_EVALUATOR] = {"evaluator", "I", KIND_NUMBER, 0, 0, WHIST_MAX_PARTIES - 1,
                       "party that evaluates the garbled circuit (default 0)"},
    [OPT_OUTPUT_TO] = {"output-to", "LIST", KIND_TEXT, 0, 0, 0,
                       "parties that learn the outputs, \"0,2\" (default: all)"},
    [OPT_HTTP] = {"http", NULL, KIND_FLAG, 0, 0, 0, "one process a party and HTTP over loopback"},
    [OPT_BITS] = {"bits", "N", KIND_NUMBER, 0, 1, 4096,
                  "width of the numbers of a circuit made by name (default 32)"},
    [OPT_BIDDERS] = {"bidders", "N", KIND_NUMBER, 0, 2, 4096,
                     "bidders of the circuit \"auction\" (default 3)"},
    [OPT_OPERANDS] = {"operands", "N", KIND_NUMBER, 0, 2, 4096,
                      "operands of the circuits \"add\" and \"max\" (default 2)"},
    [OPT_COUNT] = {"count", "N", KIND_NUMBER, 0, 1, 1000000, "messages to receive (default 1)"},
    [OPT_OUT] = {"out", "DIR", KIND_TEXT, 0, 0, 0,
                 "write the messages as files 000000, 000001, ... in DIR"},
    [OPT_OUTPUT] = {"output", "FILE", KIND_TEXT, 'o', 0, 0, "write to FILE"},
    [OPT_FORMAT] = {"format", "KIND", KIND_TEXT, 0, 0, 0,
                    "whist (packed) or bristol; by default what FILE ends in: .whist, or else "
                    "Bristol Fashion"},
    [OPT_OLDER] = {"older", NULL, KIND_FLAG, 0, 0, 0,
                   "write the older Bristol format instead of Bristol Fashion"},
    [OPT_ANDS] = {"ands", "N", KIND_NUMBER, 0, 1, UINT64_C(1000000000000),
                  "AND gates of the large run (default 1000000)"},
    [OPT_QUICK] = {"quick", NULL, KIND_FLAG, 0, 0, 0, "fewer and shorter runs"},
    [OPT_RHO] = {"rho", "BITS", KIND_NUMBER, 0, 40, 60,
                 "statistical security, the same for all parties (default 40)"},
    [OPT_TIMEOUT] = {"timeout", "S", KIND_SECONDS, 0, 1, MAX_SECONDS * 1000,
                     "deadline in seconds (default 60)"},
    [OPT_HEARTBEAT] = {"heartbeat", "S", KIND_SECONDS, 0, 100, 3600000,
                       "longest silence of a party that is alive (default 5)"},
    [OPT_DEAD] = {"dead", "S", KIND_SECONDS, 0, 200, 86400000,
                  "silence after which an awaited party is taken for dead (default: two "
                  "heartbeats)"},
    [OPT_POST_BYTES] = {"post-bytes", "N", KIND_NUMBER, 0, 512, 4194304,
                        "longest body of a POST (default 1048576, which proxies let pass)"},
    [OPT_LISTEN] = {"listen", "ADDR:PORT", KIND_TEXT, 0, 0, 0,
                    "listen there instead of on the port of the own URL; or unix:/PATH"},
    [OPT_HOSTS] = {"hosts", "LIST", KIND_TEXT, 0, 0, 0,
                   "names of all parties' servers for TLS and the Host header, separated by ';', "
                   "where they are not those of the URLs; an empty one changes nothing"},
    [OPT_OPEN_METRICS] = {"open-metrics", NULL, KIND_FLAG, 0, 0, 0,
                          "answer GET /ready and /metrics to everybody"},
    [OPT_TRUSTED_PROXY] = {"trusted-proxy", "LIST", KIND_TEXT, 0, 0, 0,
                           "addresses of proxies, separated by commas, that end TLS and forward "
                           "the client's certificate"},
    [OPT_PROXY_HEADER] = {"proxy-header", "NAME", KIND_TEXT, 0, 0, 0,
                          "name of the HTTP header in which they do"},
    [OPT_INSECURE] = {"insecure", NULL, KIND_FLAG, 0, 0, 0,
                      "allow URLs off loopback although everything travels in the clear"},
    [OPT_TOKEN_FILE] = {"token-file", "FILE", KIND_TEXT, 0, 0, 0,
                        "secret of all parties, 16 characters at least, that goes with plain HTTP"},
    [OPT_LEGACY] = {"legacy", NULL, KIND_FLAG, 0, 0, 0,
                    "speak the legacy wire: plain HTTP without identities"},
    [OPT_STATS] = {"stats", NULL, KIND_FLAG, 0, 0, 0, "print what it cost, by phase"},
    [OPT_TRACE] = {"trace", "FILE", KIND_TEXT, 0, 0, 0,
                   "write a timeline to FILE, for ui.perfetto.dev or chrome://tracing"},
    [OPT_JSON] = {"json", NULL, KIND_FLAG, 0, 0, 0,
                  "print one line of JSON with the results or the error"},
    [OPT_LOG] = {"log", "LEVEL[=FILE]", KIND_TEXT, 0, 0, 0,
                 "log to standard error or FILE: error, warn, info, debug or trace"},
    [OPT_HELP] = {"help", NULL, KIND_FLAG, 'h', 0, 0, "this text"},
};

static whist_status usage_error(struct whist_error *err, const struct command *command,
                                const char *what)
{
    return cli_fail(err, WHIST_ERR_ARGUMENT, "%s; see 'whist %s --help'", what, command->name);
}

/* ---- Arguments of options ---- */

/* Digits only; false if there is anything else or the number is over max. */
static bool parse_number(uint64_t *out, const char *text, size_t len, uint64_t max)
{
    uint64_t v = 0;

    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (v > (max - digit) / 10 || digit > max) {
            return false;
        }
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

/* "2", "0.25": seconds with at most three decimals, into milliseconds. */
static bool parse_seconds(uint64_t *ms_out, const char *text, uint64_t max_ms)
{
    size_t whole_len = strcspn(text, ".");
    const char *point = text + whole_len;
    uint64_t whole = 0, part = 0;

    if (!parse_number(&whole, text, whole_len, max_ms / 1000)) {
        return false;
    }
    if (*point == '.') {
        size_t len = strlen(point + 1);
        if (len > 3 || !parse_number(&part, point + 1, len, 999)) {
            return false;
        }
        for (size_t i = len; i < 3; i++) {
            part *= 10;
        }
    }
    *ms_out = whole * 1000 + part;
    return *ms_out <= max_ms;
}

static whist_status take_argument(struct args *args, enum option_id id, const char *text,
                                  struct whist_error *err)
{
    const struct option_info *o = &options[id];
    uint64_t v = 0;

    if (o->kind == KIND_INPUT) {
        args->inputs[args->n_inputs++] = text;
    } else if (o->kind == KIND_CONST) {
        args->consts[args->n_consts++] = text;
    } else if (o->kind == KIND_NUMBER) {
        if (!parse_number(&v, text, strlen(text), o->max) || v < o->min) {
            return cli_fail(err, WHIST_ERR_ARGUMENT,
                            "--%s takes a number from %" PRIu64 " to %" PRIu64 ", not '%.40s'",
                            o->name, o->min, o->max, text);
        }
    } else if (o->kind == KIND_SECONDS) {
        if (!parse_seconds(&v, text, o->max) || v < o->min) {
            return cli_fail(err, WHIST_ERR_ARGUMENT,
                            "--%s takes seconds from %g to %g, not '%.40s'", o->name,
                            (double)o->min / 1000, (double)o->max / 1000, text);
        }
    } else if (text[0] == '\0') {
        return cli_fail(err, WHIST_ERR_ARGUMENT, "--%s needs an argument that is not empty",
                        o->name);
    }
    args->text[id] = text;
    args->number[id] = v;
    return WHIST_OK;
}

whist_status args_number_list(size_t *out, size_t *n_out, size_t room, const char *text,
                              uint64_t max, const char *option, struct whist_error *err)
{
    size_t n = 0;

    for (const char *p = text;; p++) {
        size_t len = strcspn(p, ",");
        uint64_t v = 0;
        if (!parse_number(&v, p, len, max)) {
            return cli_fail(err, WHIST_ERR_ARGUMENT,
                            "--%s takes numbers from 0 to %" PRIu64
                            " separated by commas, not '%.40s'",
                            option, max, text);
        }
        if (n == room) {
            return cli_fail(err, WHIST_ERR_ARGUMENT, "--%s takes at most %zu numbers", option,
                            room);
        }
        out[n++] = (size_t)v;
        p += len;
        if (*p == '\0') {
            break;
        }
    }
    *n_out = n;
    return WHIST_OK;
}

/* ---- The command line ---- */

/* N_OPTIONS if there is none of that name. */
static enum option_id find_long(const char *name, size_t len)
{
    for (int id = 0; id < N_OPTIONS; id++) {
        if (strlen(options[id].name) == len && memcmp(options[id].name, name, len) == 0) {
            return (enum option_id)id;
        }
    }
    return N_OPTIONS;
}

static enum option_id find_letter(char letter)
{
    for (int id = 0; id < N_OPTIONS; id++) {
        if (options[id].letter != 0 && options[id].letter == letter) {
            return (enum option_id)id;
        }
    }
    return N_OPTIONS;
}

/* The option in word, and where its attached argument starts (NULL if none is attached). */
static enum option_id identify(const char *word, const char **attached_out)
{
    *attached_out = NULL;
    if (word[1] == '-') {
        size_t len = strcspn(word + 2, "=");
        if (word[2 + len] == '=') {
            *attached_out = word + 2 + len + 1;
        }
        return find_long(word + 2, len);
    }
    if (word[2] != '\0') {
        *attached_out = word + 2;
    }
    return find_letter(word[1]);
}

static whist_status take_option(struct args *args, const char *word, char **argv, int argc, int *i,
                                struct whist_error *err)
{
    const struct command *command = args->command;
    const char *text = NULL;
    char what[120];
    enum option_id id = identify(word, &text);

    if (id == N_OPTIONS || (command->accepts & option_bit(id)) == 0) {
        snprintf(what, sizeof(what), "unknown option '%.*s'",
                 (int)(strcspn(word, "=") < 60 ? strcspn(word, "=") : 60), word);
        return usage_error(err, command, what);
    }
    const struct option_info *o = &options[id];
    if (o->kind != KIND_INPUT && o->kind != KIND_CONST && o->kind != KIND_FLAG &&
        args_has(args, id)) {
        snprintf(what, sizeof(what), "--%s is given twice", o->name);
        return usage_error(err, command, what);
    }
    if (o->kind == KIND_FLAG && text != NULL) {
        snprintf(what, sizeof(what), "--%s takes no argument", o->name);
        return usage_error(err, command, what);
    }
    args->given |= option_bit(id);
    if (o->kind == KIND_FLAG) {
        return WHIST_OK;
    }
    if (text == NULL) {
        if (*i + 1 >= argc) {
            snprintf(what, sizeof(what), "--%s needs an argument (%s)", o->name, o->arg);
            return usage_error(err, command, what);
        }
        text = argv[++*i];
    }
    return take_argument(args, id, text, err);
}

static whist_status check_complete(const struct args *args, struct whist_error *err)
{
    const struct command *command = args->command;
    char what[120];

    if (args->n_operands < command->min_operands) {
        snprintf(what, sizeof(what), "operand missing (%s)", command->operands);
        return usage_error(err, command, what);
    }
    if (args->n_operands > command->max_operands) {
        snprintf(what, sizeof(what), "unexpected operand '%.60s'",
                 args->operands[command->max_operands]);
        return usage_error(err, command, what);
    }
    for (int id = 0; id < N_OPTIONS; id++) {
        if ((command->needs & ~args->given & option_bit(id)) != 0) {
            snprintf(what, sizeof(what), "--%s is missing", options[id].name);
            return usage_error(err, command, what);
        }
    }
    return WHIST_OK;
}

whist_status args_parse(struct args *out, const struct command *command, int argc, char **argv,
                        struct whist_error *err)
{
    bool options_end = false;

    memset(out, 0, sizeof(*out));
    out->command = command;
    out->inputs = calloc((size_t)argc + 1, sizeof(*out->inputs));
    out->consts = calloc((size_t)argc + 1, sizeof(*out->consts));
    out->operands = calloc((size_t)argc + 1, sizeof(*out->operands));
    if (out->inputs == NULL || out->consts == NULL || out->operands == NULL) {
        return cli_nomem(err);
    }
    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        if (options_end || word[0] != '-' || word[1] == '\0') {
            out->operands[out->n_operands++] = word;
        } else if (strcmp(word, "--") == 0) {
            options_end = true;
        } else {
            TRY(take_option(out, word, argv, argc, &i, err));
        }
    }
    if (args_has(out, OPT_HELP)) {
        return WHIST_OK;
    }
    return check_complete(out, err);
}

void args_clear(struct args *args)
{
    free(args->inputs);
    free(args->consts);
    free(args->operands);
    memset(args, 0, sizeof(*args));
}

/* ---- Help ---- */

#define HELP_COLUMN 24
#define HELP_WIDTH  79

/* Prints words from the present column on, wrapped, further lines indented. */
static void print_wrapped(FILE *to, const char *text, size_t column, size_t indent)
{
    bool first = true;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        if (!first && column + 1 + len > HELP_WIDTH) {
            fprintf(to, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', to);
            column++;
        }
        fprintf(to, "%.*s", (int)len, text);
        column += len;
        text += len;
        text += strspn(text, " ");
        first = false;
    }
    fputc('\n', to);
}

static void print_option(FILE *to, const struct option_info *o)
{
    char head[80];
    int len = snprintf(head, sizeof(head), "  %s%c%s--%s%s%s", o->letter != 0 ? "-" : "",
                       o->letter != 0 ? o->letter : ' ', o->letter != 0 ? ", " : "   ", o->name,
                       o->arg != NULL ? " " : "", o->arg != NULL ? o->arg : "");
    size_t column = len > 0 ? (size_t)len : 0;

    fputs(head, to);
    if (column + 2 > HELP_COLUMN) {
        fprintf(to, "\n%*s", HELP_COLUMN, "");
    } else {
        fprintf(to, "%*s", (int)(HELP_COLUMN - column), "");
    }
    print_wrapped(to, o->help, HELP_COLUMN, HELP_COLUMN);
}

void args_help(FILE *to, const struct command *command)
{
    fprintf(to, "usage: whist %s", command->name);
    if (command->operands[0] != '\0') {
        fprintf(to, " %s", command->operands);
    }
    if (command->choice != NULL) {
        fprintf(to, " %s", command->choice);
    }
    for (int id = 0; id < N_OPTIONS; id++) {
        if ((command->needs & option_bit(id)) != 0) {
            fprintf(to, " --%s %s", options[id].name, options[id].arg);
        }
    }
    fprintf(to, " [OPTION]...\n\n%s.\n", command->summary);
    if (command->details != NULL) {
        fprintf(to, "%s\n", command->details);
    }
    fprintf(to, "\noptions:\n");
    for (int id = 0; id < N_OPTIONS; id++) {
        if ((command->accepts & option_bit(id)) != 0) {
            print_option(to, &options[id]);
        }
    }
}
