/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The command: what its files share. It stands on the public headers alone. */
#ifndef WHIST_CLI_H
#define WHIST_CLI_H

#include <stdio.h>
#include <whist/identity.h>
#include <whist/whist.h>

#include "args.h"

/* Exit statuses (whist(1)). */
enum exit_status {
    EXIT_DONE = 0,
    EXIT_ERROR = 1,
    EXIT_USAGE = 2,
    EXIT_PANIC = 3,   /* the program panicked */
    EXIT_ABORT = 4,   /* a check failed, or a peer aborted or broke the protocol */
    EXIT_MISSING = 5, /* a peer is missing or a deadline passed */
};

/* Returns from the calling function when the expression is not WHIST_OK. */
#define TRY(expr)                                                                                  \
    do {                                                                                           \
        whist_status try_status_ = (expr);                                                         \
        if (try_status_ != WHIST_OK) {                                                             \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

/* Sets the local `st` and jumps to the label `out` when the expression is not WHIST_OK. */
#define TRY_OUT(expr)                                                                              \
    do {                                                                                           \
        st = (expr);                                                                               \
        if (st != WHIST_OK) {                                                                      \
            goto out;                                                                              \
        }                                                                                          \
    } while (0)

/* ---- fail.c: errors ---- */

/* Fills *err and returns status. WHIST_ERR_ARGUMENT stands for wrong usage everywhere. */
whist_status cli_fail(struct whist_error *err, whist_status status, const char *fmt, ...)
    WHIST_PRINTF(3, 4);
/* The same with " : " and the text of errno. */
whist_status cli_fail_errno(struct whist_error *err, const char *fmt, ...) WHIST_PRINTF(2, 3);
whist_status cli_nomem(struct whist_error *err);
#ifdef __clang_analyzer__
/* The analyzer sees one file at a time: this tells it that the status comes back. */
#define cli_fail(err, status, ...) ((void)cli_fail(err, status, __VA_ARGS__), (status))
#define cli_fail_errno(err, ...)   ((void)cli_fail_errno(err, __VA_ARGS__), WHIST_ERR_IO)
#define cli_nomem(err)             ((void)cli_nomem(err), WHIST_ERR_NOMEM)
#endif
/* Puts a prefix before err->text; returns err->status. */
whist_status cli_context(struct whist_error *err, const char *fmt, ...) WHIST_PRINTF(2, 3);
/* Copies text of a peer or a file so that it is one line without control characters. */
void cli_one_line(char *out, size_t size, const char *text);
enum exit_status cli_exit_status(whist_status status);
/* One line on standard error; with --json also the object on standard output. */
void cli_report_error(const struct whist_error *err, const char *command, bool json);
/* Names and URLs that errors add to the indices of parties, which are copied; names may be NULL.
 * From then on errors also say what to try: the command talks to peers. */
void cli_name_parties(const char *const *names, const char *const *urls, size_t n);
/* The command has printed an object with the error itself. */
void cli_error_is_told(void);
/* The computation went well and the program panicked: the process ends with EXIT_PANIC. */
void cli_panicked(void);
bool cli_has_panicked(void);
/* Overwrites with zeros; not optimised away. */
void cli_wipe(void *p, size_t len);

/* ---- bytes.c ---- */

bool bytes_equal(struct whist_bytes a, struct whist_bytes b);
bool bytes_are(struct whist_bytes bytes, const char *text);
/* Takes the next line off the front, without its end; false if nothing is left. */
bool bytes_line(struct whist_bytes *rest, struct whist_bytes *line_out);

/* ---- files.c ---- */

/* Reads a whole file, or standard input if path is "-"; WHIST_ERR_LIMIT beyond max bytes. */
whist_status read_file(struct whist_buffer *out, const char *path, size_t max,
                       struct whist_error *err);
/* Writes to a file, or to standard output if path is NULL or "-". */
whist_status write_file(const char *path, struct whist_bytes bytes, struct whist_error *err);
/* The same piece by piece: `produce` gives the file to a sink. What could not be finished is
 * removed.
 */
whist_status stream_file(const char *path,
                         whist_status (*produce)(const void *ctx, const struct whist_sink *sink,
                                                 struct whist_error *err),
                         const void *ctx, struct whist_error *err);
/* Creates a file that must not exist. */
whist_status write_new_file(int dir, const char *name, struct whist_bytes bytes,
                            struct whist_error *err);
/* Whole writes and reads on a descriptor, past EINTR; false on error or end of file. */
bool write_all(int fd, const void *data, size_t len);
bool read_all(int fd, void *data, size_t len);

/* ---- values.c: private values from the command line ---- */

/* Bits of several values, a byte each; wiped by values_clear. */
struct values {
    uint8_t *bits;
    size_t n_bits;
};

/* How a text becomes bits; errors name the input. */
struct value_reader {
    whist_status (*read)(const void *ctx, uint8_t *bits_out, size_t group, struct whist_bytes text,
                         struct whist_error *err);
    const void *ctx;
};

/* For circuits: decimal, 0x hex, 0b bits. ctx: the widths of all inputs. */
whist_status value_read_number(const void *ctx, uint8_t *bits_out, size_t group,
                               struct whist_bytes text, struct whist_error *err);
/* Reads the value specifications VALUE, @FILE and - (the next line of standard input), in order.
 * group[k] is the input of specification k, of widths[group[k]] bits. */
whist_status values_read(struct values *out, const char *const *specs, const size_t *group,
                         size_t n, const uint32_t *widths, const struct value_reader *reader,
                         struct whist_error *err);
void values_clear(struct values *v);

/* ---- circuits.c: the operand CIRCUIT ---- */

/* A regular file that is a packed circuit, open for reading. */
struct packed_input {
    int fd; /* -1: none */
    struct whist_packed_file file;
};

/* Opens a file if it begins like a packed circuit; otherwise out->fd is -1. */
whist_status packed_open(struct packed_input *out, const char *path, struct whist_error *err);
void packed_close(struct packed_input *in);

/* Reads a circuit file of any format (or "-"); if there is none and it is the name of a circuit
 * that can be made, makes it. description_out: what a packed file says of it, appended; may be
 * NULL. */
whist_status circuit_load(struct whist_circuit **out, struct whist_buffer *description_out,
                          const struct args *args, const char *name, struct whist_error *err);
/* Makes a circuit by name with the options --bits, --bidders, --operands. */
whist_status circuit_make(struct whist_circuit **out, const struct args *args, const char *name,
                          struct whist_error *err);
/* WHIST_ERR_ARGUMENT if these options are given for something else: "a file", "a program". */
whist_status no_make_options(const struct args *args, const char *name, const char *what,
                             struct whist_error *err);
/* Formats of circuit files. */
enum circuit_format { CIRCUIT_BRISTOL, CIRCUIT_OLDER, CIRCUIT_PACKED };
/* What --format and --older say, or else the suffix of --output. */
whist_status circuit_format(enum circuit_format *out, const struct args *args,
                            struct whist_error *err);
/* Writes to --output. The description is for packed files. */
whist_status circuit_write(const struct args *args, enum circuit_format format,
                           const struct whist_circuit *circuit, struct whist_bytes description,
                           struct whist_error *err);
/* Sum of widths. */
size_t total_bits(const uint32_t *widths, size_t n);

/* ---- commands.c and the files of the commands ---- */

struct command {
    const char *name;     /* "circuit make" */
    const char *operands; /* for the usage line, "" if none */
    const char *summary;  /* one line */
    const char *details;  /* further lines of the help text, or NULL */
    uint64_t accepts;     /* option_bit() of what it takes */
    uint64_t needs;       /* of these, what must be given */
    size_t min_operands, max_operands;
    whist_status (*run)(const struct args *args, struct whist_error *err);
    const char *choice; /* for the usage line: options of which one group is needed, or NULL */
};

extern const struct command commands[];
extern const size_t n_commands;

whist_status cmd_run(const struct args *args, struct whist_error *err);
whist_status cmd_local(const struct args *args, struct whist_error *err);
whist_status cmd_circuit_info(const struct args *args, struct whist_error *err);
whist_status cmd_circuit_check(const struct args *args, struct whist_error *err);
whist_status cmd_circuit_eval(const struct args *args, struct whist_error *err);
whist_status cmd_circuit_convert(const struct args *args, struct whist_error *err);
whist_status cmd_circuit_make(const struct args *args, struct whist_error *err);
whist_status cmd_channel_send(const struct args *args, struct whist_error *err);
whist_status cmd_channel_recv(const struct args *args, struct whist_error *err);
whist_status cmd_keygen(const struct args *args, struct whist_error *err);
whist_status cmd_party_show(const struct args *args, struct whist_error *err);
whist_status cmd_session_make(const struct args *args, struct whist_error *err);
whist_status cmd_session_show(const struct args *args, struct whist_error *err);
whist_status cmd_check(const struct args *args, struct whist_error *err);
whist_status cmd_build(const struct args *args, struct whist_error *err);
whist_status cmd_eval(const struct args *args, struct whist_error *err);
whist_status cmd_fmt(const struct args *args, struct whist_error *err);
whist_status cmd_cost(const struct args *args, struct whist_error *err);
whist_status cmd_explain(const struct args *args, struct whist_error *err);
whist_status cmd_ping(const struct args *args, struct whist_error *err);
whist_status cmd_bench_engine(const struct args *args, struct whist_error *err);
whist_status cmd_bench_channel(const struct args *args, struct whist_error *err);

#endif
