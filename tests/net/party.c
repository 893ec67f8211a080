/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A party without a computation, for the scripts of this folder: moves known bytes and says what it
 * took. Uses public headers only.
 *
 *   party make DIR URL...     DIR/p0.key, DIR/p0.crt, ... and DIR/session.json for parties at URLs
 *   party OPTION... exchange ROUNDS BYTES    all to all; says "up" before the first and "half" in
 *                                            the middle, each time waits for a line of input
 *   party OPTION... pingpong ROUNDS          between 0 and 1; the median round
 *   party OPTION... bulk MESSAGES BYTES      from 0 to 1
 *   party OPTION... huge BYTES               one message from 0 to 1; the memory that it takes
 *
 * Options: --me I; --urls LIST (plain) or --dir DIR (TLS; the URLs are those of the session);
 * --listen ADDR:PORT; --legacy; --token T; --connections C; --pipeline P; --connect-timeout MS;
 * --heartbeat MS; --proxy-header NAME (from proxies at 127.0.0.1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <whist/http.h>
#include <whist/identity.h>

#define MAX_ROUNDS  1000000
#define OPERAND_MAX ((long)1 << 33)

struct party {
    struct whist_channel *ch;
    size_t n, me;
    struct whist_error err;
};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "party: %s: %s\n", what, why);
    exit(1);
}

/* Every call of the library: must succeed. */
static void need(whist_status st, const char *what, const struct whist_error *err)
{
    if (st != WHIST_OK) {
        char text[600];
        snprintf(text, sizeof text, "%s (peer %d, phase %s): %s", whist_status_name(st), err->peer,
                 err->phase, err->text);
        fail(what, text);
    }
}

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- make ---- */

static void write_file(const char *path, const struct whist_buffer *data)
{
    FILE *f = fopen(path, "wb");

    if (f == NULL || fwrite(data->data, 1, data->len, f) != data->len || fclose(f) != 0) {
        fail("cannot write", path);
    }
}

static void make(const char *dir, char **urls, size_t n)
{
    struct whist_card cards[WHIST_MAX_PARTIES];
    const struct whist_card *pointers[WHIST_MAX_PARTIES];
    static char names[WHIST_MAX_PARTIES][8], pins[WHIST_MAX_PARTIES][WHIST_PIN_TEXT];
    struct whist_session_file *session = NULL;
    struct whist_buffer json = {0};
    struct whist_error err;
    char path[2][1000];

    for (size_t i = 0; i < n; i++) {
        struct whist_identity *id = NULL;
        snprintf(names[i], sizeof names[i], "p%zu", i);
        snprintf(path[0], sizeof path[0], "%s/p%zu.key", dir, i);
        snprintf(path[1], sizeof path[1], "%s/p%zu.crt", dir, i);
        need(whist_identity_generate(&id, &(struct whist_identity_options){.name = names[i]}, &err),
             "key", &err);
        need(whist_identity_save(id, path[0], path[1], &err), "key", &err);
        whist_identity_pin(id, pins[i]);
        whist_identity_free(id);
        cards[i] = (struct whist_card){.url = urls[i],
                                       .trust = {.name = names[i], .proof = {.pin = pins[i]}}};
        pointers[i] = &cards[i];
    }
    need(whist_session_file_new(&session, pointers, n, NULL, &err), "session", &err);
    need(whist_session_file_write(&json, session, &err), "session", &err);
    snprintf(path[0], sizeof path[0], "%s/session.json", dir);
    write_file(path[0], &json);
    whist_buffer_clear(&json);
    whist_session_file_free(session);
}

/* ---- Options ---- */

struct settings {
    struct whist_http_options http;
    const char *urls[WHIST_MAX_PARTIES];
    const char *dir;
    struct whist_identity *identity;
    struct whist_session_file *session;
    struct whist_party_trust trust[WHIST_MAX_PARTIES];
};

static void split_urls(struct settings *s, char *list)
{
    for (char *url = strtok(list, ";"); url != NULL; url = strtok(NULL, ";")) {
        if (s->http.n == WHIST_MAX_PARTIES) {
            fail("--urls", "too many");
        }
        s->urls[s->http.n++] = url;
    }
    s->http.insecure = true;
}

static void load_session(struct settings *s)
{
    char path[2][1000];
    static char text[100000];
    struct whist_error err;
    FILE *f;
    size_t len;

    snprintf(path[0], sizeof path[0], "%s/session.json", s->dir);
    f = fopen(path[0], "rb");
    if (f == NULL) {
        fail("cannot open", path[0]);
    }
    len = fread(text, 1, sizeof text, f);
    fclose(f);
    need(whist_session_file_parse(&s->session,
                                  (struct whist_bytes){.data = (const uint8_t *)text, .len = len},
                                  path[0], &err),
         "session", &err);
    snprintf(path[0], sizeof path[0], "%s/p%zu.key", s->dir, s->http.me);
    snprintf(path[1], sizeof path[1], "%s/p%zu.crt", s->dir, s->http.me);
    need(whist_identity_load(&s->identity, path[0], path[1], &err), "identity", &err);
    s->http.n = s->session->n;
    for (size_t i = 0; i < s->http.n; i++) {
        s->urls[i] = s->session->parties[i].url;
        s->trust[i] = s->session->parties[i].trust;
    }
    memcpy(s->http.session, s->session->id, sizeof s->http.session);
    whist_session_file_hash(s->session, s->http.config);
    s->http.identity = s->identity;
    s->http.trust = s->trust;
}

static void print_log(void *ctx, whist_log_level level, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%d: %s\n", (int)level, text);
}

/* Returns the index of the first operand. */
static int parse(struct settings *s, int argc, char **argv)
{
    static const char *const loopback[] = {"127.0.0.1"};
    int i = 1;

    s->http.urls = s->urls;
    s->http.log = (struct whist_log){.fn = print_log, .level = WHIST_LOG_WARN};
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *name = argv[i] + 2;
        if (strcmp(name, "legacy") == 0) {
            s->http.legacy = true;
            continue;
        }
        if (++i == argc) {
            fail(name, "needs a value");
        }
        if (strcmp(name, "me") == 0) {
            s->http.me = (size_t)atol(argv[i]);
        } else if (strcmp(name, "urls") == 0) {
            split_urls(s, argv[i]);
        } else if (strcmp(name, "dir") == 0) {
            s->dir = argv[i];
        } else if (strcmp(name, "listen") == 0) {
            s->http.listen = argv[i];
        } else if (strcmp(name, "token") == 0) {
            s->http.token = argv[i];
        } else if (strcmp(name, "connect-timeout") == 0) {
            s->http.connect_timeout_ms = atol(argv[i]);
        } else if (strcmp(name, "connections") == 0) {
            s->http.connections = (size_t)atol(argv[i]);
        } else if (strcmp(name, "pipeline") == 0) {
            s->http.pipeline = (size_t)atol(argv[i]);
        } else if (strcmp(name, "heartbeat") == 0) {
            s->http.heartbeat_ms = atol(argv[i]);
        } else if (strcmp(name, "proxy-header") == 0) {
            s->http.proxy_header = argv[i];
            s->http.trusted_proxies = loopback;
            s->http.n_trusted_proxies = 1;
        } else {
            fail(name, "unknown option");
        }
    }
    if (s->dir != NULL) {
        load_session(s);
    }
    return i;
}

/* ---- Work ---- */

/* Bytes that depend on who sends them in which round. */
static void pattern(struct whist_buffer *b, size_t len, size_t from, uint64_t round)
{
    uint64_t x = (round + 1) * 0x9e3779b97f4a7c15u ^ from;

    if (whist_buffer_resize(b, len) != WHIST_OK) {
        fail("memory", "none left");
    }
    for (size_t i = 0; i < len; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        b->data[i] = (uint8_t)x;
    }
}

static void exchange_once(struct party *p, uint64_t round, size_t len)
{
    struct whist_buffer mine = {0}, want = {0}, in[WHIST_MAX_PARTIES] = {{0}};
    struct whist_bytes out[WHIST_MAX_PARTIES];

    pattern(&mine, len, p->me, round);
    for (size_t j = 0; j < p->n; j++) {
        out[j] = (struct whist_bytes){.data = mine.data, .len = len};
    }
    need(whist_exchange(p->ch, in, out, "exchange", 0, &p->err), "exchange", &p->err);
    for (size_t j = 0; j < p->n; j++) {
        pattern(&want, len, j, round);
        if (j != p->me && (in[j].len != len || memcmp(in[j].data, want.data, len) != 0)) {
            fail("exchange", "other bytes than were sent");
        }
        whist_buffer_clear(&in[j]);
    }
    whist_buffer_clear(&mine);
    whist_buffer_clear(&want);
}

static void say_and_wait(const char *word)
{
    char line[16];

    printf("%s\n", word);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) {
        fail(word, "input ended");
    }
}

static void exchange(struct party *p, long rounds, size_t len)
{
    say_and_wait("up");
    for (long r = 0; r < rounds; r++) {
        if (r == rounds / 2) {
            say_and_wait("half");
        }
        exchange_once(p, (uint64_t)r, len);
    }
}

static void send_to(struct party *p, size_t to, struct whist_bytes msg)
{
    need(whist_channel_send(p->ch, to, msg, "work", 0, &p->err), "send", &p->err);
}

static size_t receive_from(struct party *p, size_t from)
{
    struct whist_buffer got = {0};
    size_t len;

    need(whist_channel_recv(p->ch, from, &got, "work", 0, &p->err), "receive", &p->err);
    len = got.len;
    whist_buffer_clear(&got);
    return len;
}

static int compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void pingpong(struct party *p, long rounds)
{
    static int64_t took[MAX_ROUNDS];
    static const uint8_t data[64];
    const struct whist_bytes msg = {.data = data, .len = sizeof data};

    for (long r = -5; r < rounds; r++) { /* the first ones make connections */
        int64_t since = now_us();
        if (p->me == 0) {
            send_to(p, 1, msg);
            receive_from(p, 1);
        } else {
            receive_from(p, 0);
            send_to(p, 0, msg);
        }
        if (r >= 0) {
            took[r] = now_us() - since;
        }
    }
    qsort(took, (size_t)rounds, sizeof took[0], compare);
    printf("median %.3f ms, 90 %% %.3f ms, worst %.3f ms\n", (double)took[rounds / 2] / 1e3,
           (double)took[rounds * 9 / 10] / 1e3, (double)took[rounds - 1] / 1e3);
}

/* The most memory that this process ever had beyond the message, in MiB. */
static void print_memory(size_t len)
{
    char line[200];
    long kib = 0;
    FILE *f = fopen("/proc/self/status", "r");

    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "VmHWM: %ld", &kib) == 1) {
            break;
        }
    }
    if (f != NULL) {
        fclose(f);
    }
    printf("memory beyond the message: %ld MiB\n", kib / 1024 - (long)(len >> 20));
}

/* One message, which is given away when it is sent. */
static void huge(struct party *p, size_t len)
{
    struct whist_buffer b = {0};

    if (p->me == 0) {
        pattern(&b, len, 0, 0);
        need(whist_channel_send_owned(p->ch, 1, &b, "work", 0, &p->err), "send", &p->err);
        receive_from(p, 1);
    } else {
        if (receive_from(p, 0) != len) {
            fail("huge", "another length");
        }
        send_to(p, 0, (struct whist_bytes){.data = (const uint8_t *)"", .len = 1});
    }
    print_memory(len);
}

static void bulk(struct party *p, long messages, size_t len)
{
    struct whist_buffer b = {0};
    int64_t since;

    pattern(&b, len, 0, 0);
    send_to(p, !p->me, (struct whist_bytes){.data = b.data, .len = 1}); /* connects both ways */
    receive_from(p, !p->me);
    since = now_us();
    if (p->me == 0) {
        for (long i = 0; i < messages; i++) {
            send_to(p, 1, (struct whist_bytes){.data = b.data, .len = len});
        }
        receive_from(p, 1);
    } else {
        for (long i = 0; i < messages; i++) {
            if (receive_from(p, 0) != len) {
                fail("bulk", "another length");
            }
        }
        send_to(p, 0, (struct whist_bytes){.data = b.data, .len = 1});
    }
    printf("%.2f Mbit/s\n", (double)len * (double)messages * 8 / (double)(now_us() - since));
    whist_buffer_clear(&b);
}

static long operand(int argc, char **argv, int i)
{
    long x = i < argc ? atol(argv[i]) : 0;

    if (x < 1 || x > OPERAND_MAX) {
        fail("operands", "a number is missing or out of range");
    }
    return x;
}

static void work(struct party *p, int argc, char **argv, int i)
{
    long count = operand(argc, argv, i + 1);

    if (strcmp(argv[i], "exchange") == 0) {
        exchange(p, count, (size_t)operand(argc, argv, i + 2));
    } else if (strcmp(argv[i], "pingpong") == 0) {
        pingpong(p, count < MAX_ROUNDS ? count : MAX_ROUNDS);
    } else if (strcmp(argv[i], "huge") == 0) {
        huge(p, (size_t)count);
    } else if (strcmp(argv[i], "bulk") == 0) {
        bulk(p, count, (size_t)operand(argc, argv, i + 2));
    } else {
        fail(argv[i], "unknown work");
    }
}

static void print_stats(const struct party *p)
{
    struct whist_http_peer_stats rows[WHIST_MAX_PARTIES];
    size_t n = whist_channel_http_stats(p->ch, rows, WHIST_MAX_PARTIES);

    for (size_t i = 0; i < n; i++) {
        printf("peer %zu: %llu posts, %llu repeated, %llu lost, %llu connects\n", rows[i].peer,
               (unsigned long long)rows[i].posts_sent, (unsigned long long)rows[i].posts_repeated,
               (unsigned long long)rows[i].posts_lost, (unsigned long long)rows[i].connects);
    }
}

int main(int argc, char **argv)
{
    struct settings s = {0};
    struct party p = {0};
    int i;

    if (argc > 4 && strcmp(argv[1], "make") == 0) {
        make(argv[2], argv + 3, (size_t)argc - 3);
        return 0;
    }
    i = parse(&s, argc, argv);
    if (i >= argc || s.http.n < 2) {
        fail("usage", "see tests/net/party.c");
    }
    need(whist_channel_http_new(&p.ch, &s.http, &p.err), "channel", &p.err);
    p.n = s.http.n;
    p.me = s.http.me;
    work(&p, argc, argv, i);
    need(whist_channel_close(p.ch, 0, &p.err), "close", &p.err);
    print_stats(&p);
    whist_channel_free(p.ch);
    whist_identity_free(s.identity);
    whist_session_file_free(s.session);
    return 0;
}
