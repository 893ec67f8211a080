/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The table of commands. */
#include "cli.h"

#define BIT(name) option_bit(OPT_##name)

/* What every command takes. */
#define COMMON (BIT(HELP) | BIT(LEGACY))
/* What describes a circuit made by name. */
#define MAKE (BIT(BITS) | BIT(BIDDERS) | BIT(OPERANDS))
/* What describes a program. */
#define PROGRAM (BIT(FN) | BIT(CONST) | BIT(PANICS) | BIT(OPTIMISE))
/* What describes a computation. */
#define COMPUTATION                                                                                \
    (MAKE | PROGRAM | BIT(INPUT) | BIT(INPUT_JSON) | BIT(OWNERS) | BIT(EVALUATOR) |                \
     BIT(OUTPUT_TO) | BIT(RHO) | BIT(TIMEOUT) | BIT(STATS) | BIT(JSON) | BIT(LOG) | BIT(TRACE))
/* What describes an HTTP link. */
#define LINK                                                                                       \
    (BIT(SESSION) | BIT(ME) | BIT(KEY) | BIT(CERT) | BIT(PARTY) | BIT(URLS) | BIT(LISTEN) |        \
     BIT(HOSTS) | BIT(OPEN_METRICS) | BIT(TRUSTED_PROXY) | BIT(PROXY_HEADER) | BIT(INSECURE) |     \
     BIT(TOKEN_FILE))

#define LINK_USAGE "(--session FILE --me NAME | --party I --urls LIST)"
#define LINK_DETAILS                                                                               \
    "\nThe parties stand in a session file, with their keys ('whist session make'); or,\n"         \
    "to try things out on one machine, in a list of URLs without keys."

#define CIRCUIT_DETAILS                                                                            \
    "\nCIRCUIT is a file (packed, in Bristol Fashion or the older Bristol format) or, where\n"     \
    "there is no such file, the name of a circuit that 'whist circuit make' makes."

const struct command commands[] = {
    {"run", "CIRCUIT|PROGRAM", "One party of a computation over HTTP",
     LINK_DETAILS CIRCUIT_DETAILS "\n--timeout bounds each wait for a peer.",
     COMMON | COMPUTATION | LINK, 0, 1, 1, cmd_run, LINK_USAGE},
    {"local", "CIRCUIT|PROGRAM", "All parties of a computation on this machine",
     CIRCUIT_DETAILS "\n--timeout bounds each wait for a peer.",
     COMMON | COMPUTATION | BIT(PARTIES) | BIT(HTTP), 0, 1, 1, cmd_local, NULL},
    {"check", "PROGRAM", "Find the errors of a program", NULL, BIT(HELP) | BIT(JSON), 0, 1, 1,
     cmd_check, NULL},
    {"fmt", "PROGRAM", "Make spaces and indentation of a program uniform",
     "\nRewrites the file; '-' is standard input to standard output.", BIT(HELP) | BIT(CHECK), 0, 1,
     1, cmd_fmt, NULL},
    {"eval", "PROGRAM", "Evaluate a program in the clear, on this machine", NULL,
     BIT(HELP) | PROGRAM | BIT(INPUT) | BIT(INPUT_JSON) | BIT(COMPILE_ONLY) | BIT(JSON), 0, 1, 1,
     cmd_eval, NULL},
    {"cost", "PROGRAM", "What a program costs, by function and line",
     "\nTraffic and time are estimates, for 2, 3 and 5 parties or for --parties.",
     BIT(HELP) | PROGRAM | BIT(PARTIES) | BIT(JSON), 0, 1, 1, cmd_cost, NULL},
    {"build", "PROGRAM", "Compile a program to a circuit file", NULL,
     BIT(HELP) | PROGRAM | BIT(OUTPUT) | BIT(FORMAT), 0, 1, 1, cmd_build, NULL},
    {"explain", "KIND", "Say more about a kind of error in programs", NULL, BIT(HELP), 0, 1, 1,
     cmd_explain, NULL},
    {"keygen", "", "Make a key and a certificate for a party",
     "\nThey go to NAME.key and NAME.crt in this folder; --output names another folder,\n"
     "or a prefix in the place of NAME. Files that exist are not overwritten.",
     COMMON | BIT(NAME) | BIT(DAYS) | BIT(OUTPUT) | BIT(JSON), 0, 0, 0, cmd_keygen, NULL},
    {"party show", "", "Print the own card: what the others need of a party",
     "\nThe card is JSON: name, URL and pin of the key (or CA and name).",
     COMMON | BIT(NAME) | BIT(URL) | BIT(KEY) | BIT(CERT) | BIT(CA) | BIT(TLS_NAME) |
         BIT(SERVER_PIN) | BIT(SERVER_CA) | BIT(SERVER_NAME) | BIT(OUTPUT),
     BIT(URL), 0, 0, cmd_party_show, NULL},
    {"session make", "CARD CARD...", "Make a session file of the cards of all parties",
     "\nThe order of the cards is that of the parties: the first one is party 0.",
     COMMON | BIT(OUTPUT) | BIT(TIMEOUT) | BIT(HEARTBEAT) | BIT(DEAD) | BIT(POST_BYTES), 0, 2,
     WHIST_MAX_PARTIES, cmd_session_make, NULL},
    {"session show", "FILE", "Print a session file for people", NULL, COMMON | BIT(JSON), 0, 1, 1,
     cmd_session_show, NULL},
    {"circuit info", "CIRCUIT", "Counts of a circuit", CIRCUIT_DETAILS, COMMON | MAKE | BIT(JSON),
     0, 1, 1, cmd_circuit_info, NULL},
    {"circuit check", "CIRCUIT", "Is a circuit file well-formed?", CIRCUIT_DETAILS, COMMON | MAKE,
     0, 1, 1, cmd_circuit_check, NULL},
    {"circuit eval", "CIRCUIT", "Evaluate a circuit in the clear", CIRCUIT_DETAILS,
     COMMON | MAKE | BIT(INPUT) | BIT(JSON), 0, 1, 1, cmd_circuit_eval, NULL},
    {"circuit convert", "CIRCUIT", "Rewrite a circuit in another format", CIRCUIT_DETAILS,
     COMMON | MAKE | BIT(OUTPUT) | BIT(FORMAT) | BIT(OLDER), 0, 1, 1, cmd_circuit_convert, NULL},
    {"circuit make", "[NAME]", "Make a circuit by name",
     "\nWithout NAME it lists the circuits that can be made.",
     COMMON | MAKE | BIT(OUTPUT) | BIT(FORMAT) | BIT(OLDER), 0, 0, 1, cmd_circuit_make, NULL},
    {"channel send", "[FILE]...", "Send files or standard input, each as one message",
     "\n--timeout bounds the whole command.", COMMON | LINK | BIT(TIMEOUT) | BIT(LOG) | BIT(TO),
     BIT(TO), 0, SIZE_MAX, cmd_channel_send, LINK_USAGE},
    {"channel recv", "", "Receive messages",
     "\nThey go to standard output, one after the other, or into files.\n"
     "--timeout bounds the whole command.",
     COMMON | LINK | BIT(TIMEOUT) | BIT(LOG) | BIT(FROM) | BIT(COUNT) | BIT(OUT), BIT(FROM), 0, 0,
     cmd_channel_recv, LINK_USAGE},
    {"ping", "", "Wait until all parties are up",
     "\nAsks every party (but the own one, if --me or --party is given) until it answers\n"
     "like a party. --timeout bounds the whole command.",
     COMMON | BIT(SESSION) | BIT(ME) | BIT(KEY) | BIT(CERT) | BIT(PARTY) | BIT(URLS) |
         BIT(TIMEOUT) | BIT(JSON),
     0, 0, 0, cmd_ping, "(--session FILE --me NAME | --urls LIST)"},
    {"bench engine", "", "Measure the engine over HTTP on loopback",
     "\nFor 2, 3 and 5 parties, or --parties: AES-128, SHA-256 and --ands AND gates.",
     COMMON | BIT(PARTIES) | BIT(ANDS) | BIT(JSON), 0, 0, 0, cmd_bench_engine, NULL},
    {"bench channel", "[ROW]...", "Measure the HTTP channel beside raw TCP and raw TLS",
     "\nROW: ping_pong_one_cpu, ping_pong, stream_64, single_64, stream_65536, stream_1048576,\n"
     "both_ways_65536, nginx_65536, nginx_1048576, nginx_8388608 or all_to_all; without one, "
     "all.",
     COMMON | BIT(QUICK) | BIT(JSON), 0, 0, SIZE_MAX, cmd_bench_channel, NULL},
};

const size_t n_commands = sizeof(commands) / sizeof(commands[0]);
