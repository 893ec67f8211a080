/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist cost: what a program will cost, by function and line, before anybody runs it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"
#include "report.h"

/* AND gates a second of a run on one core a party, n = 2, 3, 5 and more: what `whist bench engine`
 * gives on a small server, rounded down. An estimate needs no more. */
static const struct {
    size_t n;
    double rate;
} rates[] = {{2, 1.5e6}, {3, 6e5}, {5, 1.8e5}, {8, 6e4}, {16, 1.2e4}, {64, 5e2}};

/* Time of a run without gates: mostly base OTs, one core a party. */
#define START_S      0.02
#define START_PAIR_S 0.012
/* Bytes of a run without gates, for an ordered pair of parties: base OTs, trees, checks. */
#define START_BYTES 24000
/* For an ordered pair and a gate: a share has 4 bytes of corrections and three belong to a triple;
 * a triple has a block U and a bit of d; a gate has B bits of openings (docs/protocol.md, Costs).
 */
#define TRIPLE_BYTES  (3 * 4 + 16 + 0.125)
#define OPENING_BYTES 0.125
#define LABEL_BYTES   16.0

struct estimate {
    size_t n;
    double bytes, seconds; /* bytes: of all parties together */
};

/* Triples for a gate (docs/protocol.md §4, rho = 40). */
static unsigned bucket(uint64_t n_ands)
{
    static const uint64_t from[] = {297250, 3350, 362, 93, 40};
    unsigned b = 3;

    for (size_t i = 0; i < sizeof(from) / sizeof(from[0]) && n_ands < from[i]; i++) {
        b++;
    }
    return b;
}

static double rate_of(size_t n)
{
    size_t i = 0;

    while (rates[i].n < n) {
        i++;
    }
    return rates[i].rate;
}

static struct estimate estimate(size_t n, uint64_t n_ands, size_t n_input_bits)
{
    double parties = (double)n, pairs = parties * (parties - 1), ands = (double)n_ands;
    double row = 16 * (2 + 3 * (parties - 2)) + 0.125 * 2;
    double gate = pairs * bucket(n_ands) * (TRIPLE_BYTES + OPENING_BYTES) + (parties - 1) * row;

    return (struct estimate){.n = n,
                             .bytes = pairs * START_BYTES + ands * gate +
                                      (double)n_input_bits *
                                          (pairs * 4.25 + (parties - 1) * LABEL_BYTES),
                             .seconds = START_S + START_PAIR_S * (parties - 1) + ands / rate_of(n)};
}

struct costs {
    struct whist_cost *lines;
    size_t n;
    uint64_t n_ands, n_gates;
};

/* The AND gates of the function of line k, counted at its first line; false at the others. */
static bool of_function(const struct costs *c, size_t k, uint64_t *ands_out)
{
    struct whist_bytes fn = c->lines[k].fn;

    *ands_out = 0;
    for (size_t i = 0; i < c->n; i++) {
        struct whist_bytes other = c->lines[i].fn;
        if (!bytes_equal(other, fn)) {
            continue;
        }
        if (i < k) {
            return false;
        }
        *ands_out += c->lines[i].n_ands;
    }
    return true;
}

static const char *name_of(struct whist_bytes fn, char *text_out, size_t size)
{
    snprintf(text_out, size, "%.*s", (int)(fn.len < size ? fn.len : size - 1),
             fn.len != 0 ? (const char *)fn.data : "");
    return fn.len != 0 ? text_out : "(result)";
}

/* The line of the source, without its indentation. */
static struct whist_bytes line_text(struct whist_bytes source, uint32_t line)
{
    struct whist_bytes text = {NULL, 0};

    for (uint32_t at = 0; at < line; at++) {
        if (!bytes_line(&source, &text)) {
            return whist_bytes(NULL, 0);
        }
    }
    while (text.len != 0 && (*text.data == ' ' || *text.data == '\t')) {
        text.data++;
        text.len--;
    }
    text.len = text.len < 60 ? text.len : 60;
    return text;
}

static double percent(uint64_t part, uint64_t all)
{
    return all != 0 ? 100 * (double)part / (double)all : 0;
}

static void print_table(const struct costs *c, struct whist_bytes source)
{
    char name[80];
    uint64_t ands;

    printf("%12s %6s  %s\n", "AND gates", "", "function");
    for (size_t k = 0; k < c->n; k++) {
        if (of_function(c, k, &ands)) {
            printf("%12" PRIu64 " %5.1f%%  %s\n", ands, percent(ands, c->n_ands),
                   name_of(c->lines[k].fn, name, sizeof(name)));
        }
    }
    printf("\n%12s %6s %6s  %s\n", "AND gates", "", "line", "source");
    for (size_t k = 0; k < c->n; k++) {
        const struct whist_cost *l = &c->lines[k];
        struct whist_bytes text = line_text(source, l->line);
        if (l->n_ands != 0 && l->line != 0) {
            printf("%12" PRIu64 " %5.1f%% %6" PRIu32 "  %.*s\n", l->n_ands,
                   percent(l->n_ands, c->n_ands), l->line, (int)text.len, (const char *)text.data);
        } else if (l->n_ands != 0) {
            printf("%12" PRIu64 " %5.1f%% %6s  (result, masked when the program panics)\n",
                   l->n_ands, percent(l->n_ands, c->n_ands), "");
        }
    }
    printf("%12" PRIu64 "         all\n", c->n_ands);
}

static void print_estimates(const struct estimate *list, size_t n)
{
    char size[32];

    printf("\nestimated for a run, all parties together (one core a party, a fast network):\n");
    printf("%9s %12s %10s\n", "parties", "traffic", "time");
    for (size_t i = 0; i < n; i++) {
        printf("%9zu %12s %8.2f s\n", list[i].n, human_bytes(size, (uint64_t)list[i].bytes),
               list[i].seconds);
    }
}

static void json_costs(struct json *j, const struct costs *c, const struct program *p,
                       const struct estimate *list, size_t n)
{
    char name[80];
    uint64_t ands;

    json_object_begin(j, NULL);
    json_text(j, "file", p->file);
    json_number(j, "and_gates", c->n_ands);
    json_number(j, "gates", c->n_gates);
    json_array_begin(j, "functions");
    for (size_t k = 0; k < c->n; k++) {
        if (of_function(c, k, &ands) && c->lines[k].fn.len != 0) {
            json_object_begin(j, NULL);
            json_text(j, "name", name_of(c->lines[k].fn, name, sizeof(name)));
            json_number(j, "and_gates", ands);
            json_object_end(j);
        }
    }
    json_array_end(j);
    json_array_begin(j, "lines");
    for (size_t k = 0; k < c->n; k++) {
        json_object_begin(j, NULL);
        json_number(j, "line", c->lines[k].line);
        json_text(j, "function",
                  c->lines[k].fn.len != 0 ? name_of(c->lines[k].fn, name, sizeof(name)) : "");
        json_number(j, "and_gates", c->lines[k].n_ands);
        json_number(j, "gates", c->lines[k].n_gates);
        json_object_end(j);
    }
    json_array_end(j);
    json_array_begin(j, "estimates");
    for (size_t i = 0; i < n; i++) {
        json_object_begin(j, NULL);
        json_number(j, "parties", list[i].n);
        json_number(j, "bytes", (uint64_t)list[i].bytes);
        json_fixed(j, "seconds", list[i].seconds, 3);
        json_object_end(j);
    }
    json_array_end(j);
    json_object_end(j);
}

/* For --parties, or for 2, 3 and 5 of them. */
static size_t estimates(struct estimate list[3], const struct costs *c, const struct program *p,
                        const struct args *args)
{
    const size_t usual[] = {2, 3, 5};
    size_t bits = total_bits(p->widths, p->n_inputs);
    size_t n = args_has(args, OPT_PARTIES) ? 1 : 3;

    for (size_t i = 0; i < n; i++) {
        list[i] = estimate((size_t)args_number(args, OPT_PARTIES, usual[i]), c->n_ands, bits);
    }
    return n;
}

static whist_status tell(const struct costs *c, const struct program *p, struct whist_bytes source,
                         const struct args *args, struct whist_error *err)
{
    struct estimate list[3];
    size_t n = estimates(list, c, p, args);
    struct json j = {0};

    if (args_has(args, OPT_JSON)) {
        json_costs(&j, c, p, list, n);
        return json_finish(&j, WHIST_OK, err);
    }
    print_table(c, source);
    print_estimates(list, n);
    return WHIST_OK;
}

whist_status cmd_cost(const struct args *args, struct whist_error *err)
{
    struct whist_buffer source = {0};
    struct costs c = {0};
    struct program p;
    whist_status st;

    TRY_OUT(program_load(&p, &source, args, err));
    TRY_OUT(program_bind(&p, err));
    TRY_OUT(whist_program_costs(p.p, &c.lines, &c.n, err));
    for (size_t k = 0; k < c.n; k++) {
        c.n_ands += c.lines[k].n_ands;
        c.n_gates += c.lines[k].n_gates;
    }
    st = tell(&c, &p, whist_buffer_view(&source), args, err);
out:
    if (st != WHIST_OK && args_has(args, OPT_JSON)) {
        program_json_failure(&p, err);
    }
    whist_program_costs_free(c.lines);
    whist_buffer_clear(&source);
    program_clear(&p);
    return st;
}
