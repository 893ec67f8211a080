/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The table of commands. */
#include "cli.h"

#define BIT(name) option_bit(OPT_##name)

/* What every command takes. */
#define COMMON (BIT(HELP) | BIT(LEGACY))
/* What describes a circuit made by name. */
#define MAKE (BIT(BITS) | BIT(BIDDERS) | BIT(OPERANDS))
/* What describes a computation. */
#define COMPUTATION                                                                                \
    (MAKE | BIT(INPUT) | BIT(OWNERS) | BIT(EVALUATOR) | BIT(OUTPUT_TO) | BIT(RHO) | BIT(TIMEOUT) | \
     BIT(STATS) | BIT(JSON) | BIT(LOG))
/* What describes an HTTP link. */
#define LINK (BIT(PARTY) | BIT(URLS) | BIT(LISTEN) | BIT(INSECURE))

#define CIRCUIT_DETAILS                                                                            \
    "\nCIRCUIT is a file in Bristol Fashion or the older Bristol format, or, where there\n"        \
    "is no such file, the name of a circuit that 'whist circuit make' makes."

const struct command commands[] = {
    {"run", "CIRCUIT", "One party of a computation over HTTP",
     CIRCUIT_DETAILS "\n--timeout bounds each wait for a peer.", COMMON | COMPUTATION | LINK,
     BIT(PARTY) | BIT(URLS), 1, 1, cmd_run},
    {"local", "CIRCUIT", "All parties of a computation on this machine",
     CIRCUIT_DETAILS "\n--timeout bounds each wait for a peer.",
     COMMON | COMPUTATION | BIT(PARTIES) | BIT(HTTP), 0, 1, 1, cmd_local},
    {"circuit info", "CIRCUIT", "Counts of a circuit", CIRCUIT_DETAILS, COMMON | MAKE | BIT(JSON),
     0, 1, 1, cmd_circuit_info},
    {"circuit check", "CIRCUIT", "Is a circuit file well-formed?", CIRCUIT_DETAILS, COMMON | MAKE,
     0, 1, 1, cmd_circuit_check},
    {"circuit eval", "CIRCUIT", "Evaluate a circuit in the clear", CIRCUIT_DETAILS,
     COMMON | MAKE | BIT(INPUT) | BIT(JSON), 0, 1, 1, cmd_circuit_eval},
    {"circuit convert", "CIRCUIT", "Rewrite a circuit in Bristol Fashion", CIRCUIT_DETAILS,
     COMMON | MAKE | BIT(OUTPUT) | BIT(OLDER), 0, 1, 1, cmd_circuit_convert},
    {"circuit make", "[NAME]", "Make a circuit by name",
     "\nWithout NAME it lists the circuits that can be made.",
     COMMON | MAKE | BIT(OUTPUT) | BIT(OLDER), 0, 0, 1, cmd_circuit_make},
    {"channel send", "[FILE]", "Send a file or standard input as one message",
     "\n--timeout bounds the whole command.", COMMON | LINK | BIT(TIMEOUT) | BIT(LOG) | BIT(TO),
     BIT(PARTY) | BIT(URLS) | BIT(TO), 0, 1, cmd_channel_send},
    {"channel recv", "", "Receive messages",
     "\nThey go to standard output, one after the other, or into files.\n"
     "--timeout bounds the whole command.",
     COMMON | LINK | BIT(TIMEOUT) | BIT(LOG) | BIT(FROM) | BIT(COUNT) | BIT(OUT),
     BIT(PARTY) | BIT(URLS) | BIT(FROM), 0, 0, cmd_channel_recv},
    {"ping", "", "Wait until all parties are up",
     "\nAsks every URL (but the own one, if --party is given) until it answers like a\n"
     "party. --timeout bounds the whole command.",
     COMMON | BIT(PARTY) | BIT(URLS) | BIT(TIMEOUT) | BIT(JSON), BIT(URLS), 0, 0, cmd_ping},
    {"bench engine", "", "Measure the engine over HTTP on loopback",
     "\nFor 2, 3 and 5 parties, or --parties: AES-128, SHA-256 and --ands AND gates.",
     COMMON | BIT(PARTIES) | BIT(ANDS) | BIT(JSON), 0, 0, 0, cmd_bench_engine},
    {"bench channel", "", "Measure the HTTP channel beside raw TCP and raw TLS", NULL,
     COMMON | BIT(QUICK) | BIT(JSON), 0, 0, 0, cmd_bench_channel},
};

const size_t n_commands = sizeof(commands) / sizeof(commands[0]);
