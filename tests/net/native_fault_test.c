/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native channels over networks that lose, repeat, reorder and cut (transport requirements 1, 18
 * and 23 in docs/tests.md). */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "channel_conformance.h"
#include "core/core.h"
#include "jobs.h"
#include "native_net.h"

#define SENDERS 8

/* ---- Traffic whose receiver can tell what is missing, new, or out of order ---- */

/* Message k of sender t: 0 bytes to 64 KiB, short ones as likely as long ones. From 5 bytes on it
 * begins with t and k, so that order can be checked; of shorter ones only the sum counts. */
struct traffic {
    struct whist_channel *ch;
    size_t to;
    uint64_t sender, count, seed;
};

#define HEAD 5

static size_t size_of(const struct traffic *t, uint64_t k)
{
    uint64_t r = mix(t->seed ^ mix(t->sender * 1000003 + k));
    return (size_t)(mix(r) & (((uint64_t)1 << r % 17) - 1));
}

static void make_message(struct whist_buffer *msg, const struct traffic *t, uint64_t k)
{
    size_t len = size_of(t, k);

    fill_pattern(msg, len, mix(t->sender << 32 ^ k));
    if (len >= HEAD) {
        msg->data[0] = (uint8_t)t->sender;
        put_le32(msg->data + 1, (uint32_t)k);
    }
}

/* Depends on all bytes; a sum of these on no order. */
static uint64_t hash_of(const uint8_t *data, size_t len)
{
    uint64_t h = mix(len), word;
    size_t i = 0;

    for (; i + 8 <= len; i += 8) {
        memcpy(&word, data + i, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; i < len; i++) {
        h = mix(h ^ data[i]);
    }
    return mix(h);
}

static _Atomic uint64_t sum_sent, bytes_sent;

static sem_t *gate; /* each message waits for it; NULL: none */

static void *send_all(void *arg)
{
    const struct traffic *t = arg;
    struct whist_error err;

    for (uint64_t k = 0; k < t->count; k++) {
        struct whist_buffer msg = {0};
        if (gate != NULL) {
            CHECK(sem_wait(gate) == 0);
        }
        make_message(&msg, t, k);
        sum_sent += hash_of(msg.data, msg.len);
        bytes_sent += msg.len;
        CHECK_OK(whist_channel_send_owned(t->ch, t->to, &msg, "work", 0, &err), err);
    }
    return NULL;
}

/* How many messages have arrived. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    uint64_t n;
} arrived = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0};

static void count_arrived(void)
{
    pthread_mutex_lock(&arrived.lock);
    arrived.n++;
    pthread_cond_signal(&arrived.more);
    pthread_mutex_unlock(&arrived.lock);
}

/* Waits until there are more than that; returns how many. */
static uint64_t wait_for_more(uint64_t than)
{
    pthread_mutex_lock(&arrived.lock);
    while (arrived.n <= than) {
        pthread_cond_wait(&arrived.more, &arrived.lock);
    }
    uint64_t n = arrived.n;
    pthread_mutex_unlock(&arrived.lock);
    return n;
}

struct receiver {
    struct whist_channel *ch;
    uint64_t n, count, sum;
};

/* A message of at least HEAD bytes is the next one of its sender that says its number. */
static void check_order(const struct receiver *r, uint64_t next[SENDERS],
                        const struct whist_buffer *msg)
{
    const struct traffic t = {.sender = msg->data[0], .seed = 1};
    uint64_t k = get_le32(msg->data + 1), *at = &next[t.sender % SENDERS];

    CHECK(t.sender < r->n && k < r->count);
    while (*at < k && size_of(&t, *at) < HEAD) {
        ++*at;
    }
    CHECK_MSG(*at == k, "message %llu of sender %llu came instead of %llu", (unsigned long long)k,
              (unsigned long long)t.sender, (unsigned long long)*at);
    ++*at;
    CHECK(msg->len == size_of(&t, k));
}

/* Takes count messages of each of n senders. */
static void *receive_all(void *arg)
{
    struct receiver *r = arg;
    uint64_t next[SENDERS] = {0};
    struct whist_error err;

    for (uint64_t i = 0; i < r->n * r->count; i++) {
        struct whist_buffer msg = {0};
        CHECK_OK(whist_channel_recv(r->ch, 0, &msg, "work", 0, &err), err);
        r->sum += hash_of(msg.data, msg.len);
        if (msg.len >= HEAD) {
            check_order(r, next, &msg);
        }
        whist_buffer_clear(&msg);
        count_arrived();
    }
    return NULL;
}

/* Sends count messages from each of n threads, party 0 to party 1, while `meanwhile` runs. */
static void run_traffic(struct native_net *net, size_t n, uint64_t count,
                        void (*meanwhile)(struct native_net *net))
{
    struct traffic t[SENDERS];
    struct receiver r = {.ch = net->ch[1], .n = n, .count = count};
    pthread_t threads[SENDERS], receiver;

    CHECK(pthread_create(&receiver, NULL, receive_all, &r) == 0);
    for (size_t i = 0; i < n; i++) {
        t[i] = (struct traffic){.ch = net->ch[0], .to = 1, .sender = i, .count = count, .seed = 1};
        CHECK(pthread_create(&threads[i], NULL, send_all, &t[i]) == 0);
    }
    if (meanwhile != NULL) {
        meanwhile(net);
    }
    for (size_t i = 0; i < n; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(pthread_join(receiver, NULL) == 0);
    CHECK(r.sum == sum_sent);
}

static void print_faults(struct native_net *net)
{
    for (size_t i = 0; i < net->n; i++) {
        struct fault_counts c = fault_proxy_counts(net->proxy[i]);
        printf(
            "to party %zu: %llu requests on %llu connections; lost: %llu requests, %llu answers; "
            "cut: %llu, %llu; %llu repeated, %llu held, %llu silent, %llu streams cut\n",
            i, (unsigned long long)c.requests, (unsigned long long)c.connections,
            (unsigned long long)c.dropped_requests, (unsigned long long)c.dropped_answers,
            (unsigned long long)c.cut_requests, (unsigned long long)c.cut_answers,
            (unsigned long long)c.repeats, (unsigned long long)c.held, (unsigned long long)c.silent,
            (unsigned long long)c.cut_streams);
    }
}

/* ---- Requirement 1 ---- */

static const struct fault_plan bad = {.seed = 1,
                                      .http = true,
                                      .drop_answer = 300,
                                      .drop_request = 100,
                                      .cut_request = 50,
                                      .cut_answer = 50,
                                      .repeat = 100,
                                      .hold = 50,
                                      .hold_ms = 5,
                                      .reset = 500};

/* 10^6 messages in a soak run. */
static void exactly_once(void)
{
    struct native_net net;
    struct whist_http_peer_stats stats;
    struct fault_counts c;

    native_net_make(&net, 2, NULL, &bad);
    run_traffic(&net, SENDERS, (uint64_t)test_scale(100000) / SENDERS, NULL);
    native_net_close(&net);
    CHECK(whist_channel_http_stats(net.ch[0], &stats, 1) == 1);
    print_faults(&net);
    printf("%llu MB in %llu messages; %llu POSTs, %llu of them again\n",
           (unsigned long long)bytes_sent / 1000000, (unsigned long long)stats.messages_sent,
           (unsigned long long)stats.posts_sent, (unsigned long long)stats.posts_repeated);
    c = fault_proxy_counts(net.proxy[1]);
    CHECK(c.dropped_answers > 0 && c.dropped_requests > 0 && c.repeats > 0 && c.cut_requests > 0);
    CHECK(stats.posts_repeated > 0 && stats.payload_sent == bytes_sent);
    native_net_free(&net);
}

/* The same where the only sign of a loss is silence. */
static void silence(void)
{
    const struct fault_plan plan = {.seed = 2,
                                    .http = true,
                                    .drop_answer = 60,
                                    .drop_request = 60,
                                    .hold = 100,
                                    .hold_ms = 3,
                                    .silent = 1000};
    const struct whist_http_options base = {.answer_ms = 50};
    struct native_net net;

    native_net_make(&net, 2, &base, &plan);
    run_traffic(&net, SENDERS, (uint64_t)test_scale(8000) / SENDERS, NULL);
    native_net_close(&net);
    print_faults(&net);
    const struct fault_counts c = fault_proxy_counts(net.proxy[1]);
    CHECK(c.silent > 0 || c.requests < 200); /* few POSTs, where messages share them, may get by */
    native_net_free(&net);
}

/* Streams that are cut at random bytes. */
static void random_cuts(void)
{
    const struct fault_plan plan = {.seed = 3, .cut_bytes = 300000, .reset = 500};
    struct native_net net;

    native_net_make(&net, 2, NULL, &plan);
    run_traffic(&net, SENDERS, (uint64_t)test_scale(20000) / SENDERS, NULL);
    native_net_close(&net);
    print_faults(&net);
    CHECK(fault_proxy_counts(net.proxy[1]).cut_streams > 0);
    native_net_free(&net);
}

/* ---- Requirement 23 ---- */

#define CUTS    100 /* 1,000 in a soak run */
#define BETWEEN 100 /* messages */

/* Cuts all connections while something is under way. */
static void cut_often(struct native_net *net)
{
    long effective = 0; /* there was a connection to be cut */

    for (long i = 0; i < 3 * test_scale(CUTS); i++) {
        for (int k = 0; k < BETWEEN; k++) {
            CHECK(sem_post(gate) == 0);
        }
        wait_for_more((uint64_t)i * BETWEEN); /* one of these: the link is there again */
        effective += fault_proxy_cut(net->proxy[0]) + fault_proxy_cut(net->proxy[1]) > 0;
    }
    printf("%ld cuts\n", effective);
    CHECK(effective >= test_scale(CUTS));
}

static void link_cut(void)
{
    struct native_net net;
    struct whist_http_peer_stats stats;
    uint64_t cuts = (uint64_t)test_scale(CUTS);
    sem_t sem;

    CHECK(sem_init(&sem, 0, 0) == 0);
    gate = &sem;
    native_net_make(&net, 2, NULL, NULL);
    run_traffic(&net, 2, cuts * BETWEEN * 3 / 2, cut_often);
    native_net_close(&net);
    print_faults(&net);
    CHECK(whist_channel_http_stats(net.ch[0], &stats, 1) == 1);
    CHECK(stats.connects > cuts / 8); /* a cut may have met the peer's connections alone */
    CHECK(sem_destroy(&sem) == 0);
    native_net_free(&net);
}

/* The network stops for everybody, with everything under way. */
static void pause_often(struct native_net *net)
{
    uint64_t seen = 0;

    for (int i = 0; i < 10; i++) {
        seen = wait_for_more(seen);
        fault_proxy_pause(net->proxy[0], true);
        fault_proxy_pause(net->proxy[1], true);
        fault_proxy_pause(net->proxy[i % 2], false);
        fault_proxy_pause(net->proxy[1 - i % 2], false);
    }
}

static void link_pauses(void)
{
    struct native_net net;

    native_net_make(&net, 2, NULL, NULL);
    run_traffic(&net, 2, 5000, pause_often);
    native_net_close(&net);
    native_net_free(&net);
}

/* A party that comes again is another run: both ends fail, nothing of the old one is delivered. */
static void party_restart(void)
{
    struct native_net net;
    struct whist_error err;
    struct whist_buffer got = {0};
    uint8_t old[100] = "old", young[3] = "new";
    whist_status st;

    native_net_make(&net, 2, NULL, NULL);
    CHECK_OK(whist_channel_send(net.ch[1], 0, (struct whist_bytes){old, 3}, "x", 0, &err), err);
    CHECK_OK(whist_channel_recv(net.ch[0], 1, &got, "x", 0, &err), err);
    for (int i = 0; i < 1000; i++) { /* some of them arrive, none is taken */
        CHECK_OK(whist_channel_send(net.ch[0], 1, (struct whist_bytes){old, 100}, "x", 0, &err),
                 err);
    }
    /* Killed, as far as the network can tell: it says nothing more. */
    fault_proxy_refuse(net.proxy[0], true);
    fault_proxy_cut(net.proxy[0]);
    whist_channel_free(net.ch[1]);
    net.ch[1] = NULL;
    fault_proxy_refuse(net.proxy[0], false);
    native_net_join(&net, 1);
    st = whist_channel_send(net.ch[1], 0, (struct whist_bytes){young, 3}, "x", 0, &err);
    CHECK(st == WHIST_OK || st == WHIST_ERR_ABORTED);
    st = whist_channel_recv(net.ch[0], 1, &got, "x", 0, &err);
    CHECK_MSG(st == WHIST_ERR_ABORTED && err.peer == 1, "%s: %s", whist_status_name(st), err.text);
    printf("%s\n", err.text);
    st = whist_channel_recv(net.ch[1], 0, &got, "x", 0, &err);
    CHECK_MSG(st == WHIST_ERR_ABORTED && err.peer == 0, "%s: %s", whist_status_name(st), err.text);
    printf("%s\n", err.text);
    whist_buffer_clear(&got);
    native_net_free(&net);
}

/* ---- Requirement 18 ---- */

static void check_wire(uint64_t counted, uint64_t seen)
{
    double off = (double)counted / (double)seen - 1;

    printf("%llu bytes counted, %llu seen\n", (unsigned long long)counted,
           (unsigned long long)seen);
    CHECK_MSG(off > -0.01 && off < 0.01, "off by %.2f %%", off * 100);
}

static void statistics(void)
{
    struct native_net net;
    struct whist_http_peer_stats s[2];
    struct fault_counts c[2];

    native_net_make(&net, 2, NULL, NULL);
    run_traffic(&net, SENDERS, 1000, NULL);
    native_net_close(&net);
    for (size_t i = 0; i < 2; i++) {
        CHECK(whist_channel_http_stats(net.ch[i], &s[i], 1) == 1 && s[i].peer == 1 - i);
    }
    CHECK(s[0].messages_sent == SENDERS * 1000 && s[1].messages_received == SENDERS * 1000);
    CHECK(s[0].payload_sent == bytes_sent && s[1].payload_received == bytes_sent);
    CHECK(s[1].messages_sent == 0 && s[1].payload_sent == 0);
    native_net_free_channels(&net);
    c[0] = fault_proxy_counts(net.proxy[0]);
    c[1] = fault_proxy_counts(net.proxy[1]);
    check_wire(s[0].wire_sent, c[1].bytes_up + c[0].bytes_down);
    check_wire(s[0].wire_received, c[0].bytes_up + c[1].bytes_down);
    check_wire(s[1].wire_sent, c[0].bytes_up + c[1].bytes_down);
    native_net_free(&net);
}

static const struct test_case cases[] = {
    {"exactly_once", exactly_once}, {"silence", silence},         {"random_cuts", random_cuts},
    {"link_cut", link_cut},         {"link_pauses", link_pauses}, {"party_restart", party_restart},
    {"statistics", statistics},
};
TEST_MAIN(cases)
