/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What the delivery machine itself costs, without sockets and threads: nanoseconds of processor
 * time for each message at the sender, at the receiver's server, and at the receiver's application.
 */
#include <stdio.h>
#include <time.h>

#include "channel/delivery.h"

#define RUN_NS ((int64_t)300000000)

static int64_t cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void require(whist_status st)
{
    if (st != WHIST_OK) {
        fprintf(stderr, "delivery_bench: %s\n", whist_status_text(st));
        exit(1);
    }
}

struct costs {
    int64_t send, post, request, answer, take;
    double messages;
};

/* Carries all POSTs of one machine to the other one, and the answers back. */
static void carry(struct delivery *from, struct delivery *to, struct costs *c)
{
    struct delivery_post post;
    struct delivery_answer answer;

    for (;;) {
        int64_t t0 = cpu_ns();
        if (!whist_delivery_next_post(from, 1, &post)) {
            return;
        }
        int64_t t1 = cpu_ns();
        struct whist_buffer body = {0};
        for (size_t i = 0; i < post.n_parts; i++) {
            require(whist_buffer_append(&body, post.parts[i].data, post.parts[i].len));
        }
        int64_t t2 = cpu_ns();
        whist_delivery_request(to, 1, &body, &answer);
        int64_t t3 = cpu_ns();
        whist_delivery_answered(from, 1, post.id, answer.status,
                                whist_bytes(answer.body, answer.len));
        int64_t t4 = cpu_ns();
        c->post += t1 - t0;
        c->request += t3 - t2;
        c->answer += t4 - t3;
    }
}

static struct delivery *machine(size_t me)
{
    struct delivery_options o = {
        .n = 2, .me = me, .peer = 1 - me, .epoch = me + 1, .connect_deadline_ms = 1000000};
    struct delivery *d;

    require(whist_delivery_new(&d, &o, 1, NULL));
    return d;
}

static void round_trip(struct delivery *a, struct delivery *b, size_t size, size_t count,
                       const uint8_t *data, struct costs *c)
{
    int64_t t0 = cpu_ns();
    for (size_t i = 0; i < count; i++) {
        struct whist_buffer msg = {0};
        require(whist_buffer_append(&msg, data, size));
        require(whist_delivery_send(a, 1, &msg, "bench", NULL));
    }
    int64_t t1 = cpu_ns();
    carry(a, b, c);
    carry(b, a, c);
    int64_t t2 = cpu_ns();
    for (size_t i = 0; i < count; i++) {
        struct whist_buffer msg = {0};
        require(whist_delivery_take(b, 1, &msg, "bench", NULL));
        whist_buffer_clear(&msg);
    }
    c->send += t1 - t0;
    c->take += cpu_ns() - t2;
    c->messages += (double)count;
}

static void measure(size_t size, size_t count)
{
    struct delivery *a = machine(0), *b = machine(1);
    uint8_t *data = calloc(1, size + 1);
    struct costs c = {0};

    for (int i = 0; i < 3; i++) {
        carry(a, b, &c);
        carry(b, a, &c);
    }
    round_trip(a, b, size, count, data, &c);
    c = (struct costs){0};
    for (int64_t start = cpu_ns(); cpu_ns() - start < RUN_NS;) {
        round_trip(a, b, size, count, data, &c);
    }
    printf("%8zu bytes: send %6.0f, POST %6.0f, request %6.0f, answer %6.0f, take %6.0f\n", size,
           (double)c.send / c.messages, (double)c.post / c.messages, (double)c.request / c.messages,
           (double)c.answer / c.messages, (double)c.take / c.messages);
    free(data);
    whist_delivery_free(a);
    whist_delivery_free(b);
}

int main(void)
{
    printf("nanoseconds a message\n");
    measure(0, 1000);
    measure(64, 1000);
    measure(1024, 500);
    measure(65536, 16);
    measure(1048576, 2);
    return 0;
}
