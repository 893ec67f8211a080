/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* whist bench engine: computations over HTTP on loopback, one process a party, from a cold start:
 * what is timed begins before the first process and ends after the last. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "procs.h"

#define DEFAULT_ANDS UINT64_C(1000000)
#define SMALL_RUNS   5 /* of which the median is told; the large run is made once */

/* One computation, and the median run of it. */
struct bench_case {
    const char *name;
    const char *circuit; /* name of a circuit that can be made; NULL: synthetic */
};
static const struct bench_case cases[] = {
    {"AES-128", "aes128"}, {"SHA-256", "sha256"}, {NULL, NULL}};
#define N_CASES (sizeof(cases) / sizeof(cases[0]))

struct measured {
    char name[40];
    size_t n;
    uint64_t ands;
    double seconds;        /* whole processes */
    uint64_t bytes;        /* payload that all parties sent */
    uint64_t peak_bytes;   /* of the party that took most */
    struct cost evaluator; /* by phase, as the evaluator saw it */
};

/* ---- One run ---- */

/* What is computed: a circuit, or a source for the shape of the synthetic one. */
struct subject {
    struct computation c;
    struct whist_gate_source *source;
    uint8_t *inputs, *expected;
    uint64_t ands;
};

static whist_status subject_source(struct subject *s, const struct bench_case *what, uint64_t ands,
                                   struct whist_error *err)
{
    struct whist_make_options defaults = {0};

    if (what->circuit == NULL) {
        s->c.synthetic_ands = ands;
        return whist_synthetic_source_new(&s->source, ands, err);
    }
    TRY(whist_circuit_make(&s->c.circuit, what->circuit, &defaults, err));
    return whist_circuit_source_new(&s->source, s->c.circuit, err);
}

static whist_status subject_init(struct subject *s, const struct bench_case *what, uint64_t ands,
                                 size_t n, struct whist_error *err)
{
    memset(s, 0, sizeof(*s));
    TRY(subject_source(s, what, ands, err));
    const struct whist_circuit_shape *shape = s->source->ops->shape(s->source);
    struct computation *c = &s->c;
    c->n = n;
    c->plain = true; /* as other programs are measured */
    c->n_inputs = shape->n_inputs;
    c->input_widths = shape->input_widths;
    c->n_outputs = shape->n_outputs;
    c->output_widths = shape->output_widths;
    c->n_output_bits = total_bits(c->output_widths, c->n_outputs);
    c->receivers = n < 64 ? (UINT64_C(1) << n) - 1 : UINT64_MAX;
    s->ands = shape->n_ands;
    size_t n_bits = total_bits(c->input_widths, c->n_inputs);
    c->owners = calloc(c->n_inputs + 1, 1);
    s->inputs = calloc(n_bits + 1, 1);
    s->expected = calloc(c->n_output_bits + 1, 1);
    if (c->owners == NULL || s->inputs == NULL || s->expected == NULL) {
        return cli_nomem(err);
    }
    for (size_t k = 0; k < c->n_inputs; k++) {
        c->owners[k] = (uint8_t)(k % n);
    }
    for (size_t i = 0; i < n_bits; i++) {
        s->inputs[i] = i % 3 == 0 || i % 7 == 2; /* any input will do */
    }
    return whist_source_eval(s->source, s->expected, s->inputs, err);
}

static void subject_clear(struct subject *s)
{
    whist_gate_source_free(s->source);
    free(s->inputs);
    free(s->expected);
    computation_clear(&s->c);
}

static whist_status check_results(const struct subject *s, const struct proc_result *results,
                                  struct whist_error *err)
{
    for (size_t i = 0; i < s->c.n; i++) {
        if (results[i].status != WHIST_OK) {
            *err = results[i].err;
            err->status = results[i].status;
            return cli_context(err, "party %zu: ", i);
        }
        if (memcmp(results[i].result.outputs, s->expected, s->c.n_output_bits) != 0) {
            return cli_fail(err, WHIST_ERR_CHECK, "party %zu has a wrong output", i);
        }
    }
    return WHIST_OK;
}

static whist_status run_once(struct measured *out, const struct subject *s, struct whist_error *err)
{
    struct proc_result *results = calloc(s->c.n, sizeof(*results));

    if (results == NULL) {
        return cli_nomem(err);
    }
    int64_t start = clock_ns();
    whist_status st = procs_compute(results, &s->c, s->inputs, err);
    out->seconds = (double)(clock_ns() - start) / 1e9;
    if (st != WHIST_OK) {
        free(results);
        return st;
    }
    st = check_results(s, results, err);
    for (size_t i = 0; i < s->c.n; i++) {
        out->bytes += cost_total(&results[i].result.cost, NULL).bytes_sent;
        if (results[i].peak_bytes > out->peak_bytes) {
            out->peak_bytes = results[i].peak_bytes;
        }
    }
    out->evaluator = results[0].result.cost;
    results[0].result.cost = (struct cost){0};
    for (size_t i = 0; i < s->c.n; i++) {
        party_result_clear(&results[i].result);
    }
    free(results);
    return st;
}

/* ---- One case ---- */

static int compare_runs(const void *a, const void *b)
{
    double x = ((const struct measured *)a)->seconds, y = ((const struct measured *)b)->seconds;

    return (x > y) - (x < y);
}

static whist_status measure(struct measured *out, const struct bench_case *what, uint64_t ands,
                            size_t n, struct whist_error *err)
{
    struct measured runs[SMALL_RUNS];
    size_t n_runs = what->circuit != NULL ? SMALL_RUNS : 1, done = 0;
    struct subject s;
    whist_status st = subject_init(&s, what, ands, n, err);

    memset(runs, 0, sizeof(runs));
    for (; st == WHIST_OK && done < n_runs; done++) {
        st = run_once(&runs[done], &s, err);
    }
    qsort(runs, done, sizeof(*runs), compare_runs);
    for (size_t i = 0; i < done; i++) {
        if (st == WHIST_OK && i == n_runs / 2) {
            *out = runs[i];
        } else {
            cost_clear(&runs[i].evaluator);
        }
    }
    out->n = n;
    out->ands = s.ands;
    if (what->name != NULL) {
        snprintf(out->name, sizeof(out->name), "%s", what->name);
    } else {
        snprintf(out->name, sizeof(out->name), "%" PRIu64 " ANDs", s.ands);
    }
    subject_clear(&s);
    return st;
}

/* ---- Output ---- */

struct limits {
    double aes_blocks_per_s, memcpy_bytes_per_s, tcp_bytes_per_s, tcp_rounds_per_s;
};

static whist_status measure_tcp(double *out, enum pattern pattern, size_t size, run_value value,
                                struct whist_error *err)
{
    static const enum link_kind tcp = LINK_TCP;
    struct contest c = {
        .pattern = pattern, .size = size, .kinds = &tcp, .n_kinds = 1, .n_runs = 3, .run_ms = 200};
    struct contest_result *r = calloc(1, sizeof(*r));

    if (r == NULL) {
        return cli_nomem(err);
    }
    whist_status st = contest_measure(r, &c, err);
    if (st == WHIST_OK) {
        *out = contest_median(r, &c, 0, value);
    }
    free(r);
    return st;
}

static whist_status measure_limits(struct limits *out, struct whist_error *err)
{
    out->aes_blocks_per_s = raw_aes_blocks_per_s();
    out->memcpy_bytes_per_s = raw_memcpy_bytes_per_s();
    TRY(measure_tcp(&out->tcp_rounds_per_s, PING_PONG, 64, run_rate, err));
    return measure_tcp(&out->tcp_bytes_per_s, STREAM, 1048576, run_bytes_per_s, err);
}

static void print_limits(const struct limits *l)
{
    printf("this machine, raw: %.0f M AES blocks/s on a core, memcpy %.1f GB/s, loopback TCP %.1f "
           "GB/s and %.0f rounds/s\n",
           l->aes_blocks_per_s / 1e6, l->memcpy_bytes_per_s / 1e9, l->tcp_bytes_per_s / 1e9,
           l->tcp_rounds_per_s);
}

static void print_measured(const struct measured *m)
{
    double ands = (double)m->ands;
    char peak[32];

    printf("%zu  %-16s %9" PRIu64 " %8.3f s %10.0f %9.1f %9.1f %11s\n", m->n, m->name, m->ands,
           m->seconds, ands / m->seconds, (double)m->bytes / ands,
           (double)m->bytes / ands / (double)m->n, human_bytes(peak, m->peak_bytes));
    fflush(stdout);
}

static void json_measured(struct json *j, const struct measured *m)
{
    double ands = (double)m->ands;

    json_object_begin(j, NULL);
    json_text(j, "name", m->name);
    json_number(j, "parties", m->n);
    json_number(j, "ands", m->ands);
    json_fixed(j, "time_s", m->seconds, 6);
    json_fixed(j, "ands_per_s", ands / m->seconds, 1);
    json_fixed(j, "bytes_per_and", (double)m->bytes / ands, 3);
    json_fixed(j, "bytes_per_and_and_party", (double)m->bytes / ands / (double)m->n, 3);
    json_number(j, "peak_bytes", m->peak_bytes);
    json_object_begin(j, "evaluator");
    json_cost(j, &m->evaluator);
    json_object_end(j);
    json_object_end(j);
}

static void json_limits(struct json *j, const struct limits *l)
{
    json_object_begin(j, "raw");
    json_fixed(j, "aes_blocks_per_s", l->aes_blocks_per_s, 0);
    json_fixed(j, "memcpy_bytes_per_s", l->memcpy_bytes_per_s, 0);
    json_fixed(j, "tcp_bytes_per_s", l->tcp_bytes_per_s, 0);
    json_fixed(j, "tcp_rounds_per_s", l->tcp_rounds_per_s, 0);
    json_object_end(j);
}

static void print_phases(const struct measured *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (all[i].ands > 0 && strcmp(all[i].name + strlen(all[i].name) - 4, "ANDs") == 0) {
            printf("\n%s, %zu parties, evaluator ", all[i].name, all[i].n);
            print_cost(stdout, &all[i].evaluator);
        }
    }
}

static whist_status measure_all(struct measured *all, size_t *n_out, const struct args *args,
                                bool as_json, struct whist_error *err)
{
    static const size_t standard[] = {2, 3, 5};
    uint64_t only = args_number(args, OPT_PARTIES, 0);
    uint64_t ands = args_number(args, OPT_ANDS, DEFAULT_ANDS);

    for (size_t k = 0; k < (only != 0 ? 1 : 3); k++) {
        size_t n = only != 0 ? (size_t)only : standard[k];
        for (size_t i = 0; i < N_CASES; i++) {
            struct measured *m = &all[(*n_out)++];
            TRY(measure(m, &cases[i], ands, n, err));
            if (!as_json) {
                print_measured(m);
            }
        }
    }
    return WHIST_OK;
}

whist_status cmd_bench_engine(const struct args *args, struct whist_error *err)
{
    bool as_json = args_has(args, OPT_JSON);
    struct measured all[3 * N_CASES];
    struct limits limits;
    struct json j = {0};
    size_t n = 0;

    memset(all, 0, sizeof(all));
    TRY(measure_limits(&limits, err));
    if (!as_json) {
        print_limits(&limits);
        printf("HTTP on loopback, one process a party, cold start to exit\n\n");
        printf("n  %-16s %9s %10s %10s %9s %9s %11s\n", "computation", "ANDs", "time", "AND/s",
               "B/AND", "a party", "peak memory");
    }
    whist_status st = measure_all(all, &n, args, as_json, err);
    if (st == WHIST_OK && !as_json) {
        print_phases(all, n);
    } else if (st == WHIST_OK) {
        json_object_begin(&j, NULL);
        json_limits(&j, &limits);
        json_array_begin(&j, "runs");
        for (size_t i = 0; i < n; i++) {
            json_measured(&j, &all[i]);
        }
        json_array_end(&j);
        json_object_end(&j);
        st = json_finish(&j, st, err);
    }
    for (size_t i = 0; i < n; i++) {
        cost_clear(&all[i].evaluator);
    }
    return st;
}
