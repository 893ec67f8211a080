/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The forwarder's arithmetic, on a clock of the test. */
#include "line.h"

#include "harness.h"

#define MS ((int64_t)1000000)

static void delay_and_rate(void)
{
    struct line line = {.rate_bit = 100000000, .delay_ns = 50 * MS, .queue_bytes = 10000};
    int64_t at;

    CHECK(line_offer(&line, &at, 0, 1250)); /* 10,000 bits: 0.1 ms */
    CHECK(at == 50 * MS + MS / 10);
    CHECK(line_offer(&line, &at, 0, 1250)); /* waits for the first */
    CHECK(at == 50 * MS + MS / 5);
    CHECK(line_offer(&line, &at, 10 * MS, 0)); /* the line is free again */
    CHECK(at == 60 * MS);
}

static void any_rate(void)
{
    struct line line = {.delay_ns = MS};
    int64_t at;

    for (int i = 0; i < 1000; i++) {
        CHECK(line_offer(&line, &at, 5 * MS, 1500) && at == 6 * MS);
    }
}

/* A second's worth of packets at twice the rate: half of them is dropped, beyond a full queue. */
static void bounded_queue(void)
{
    struct line line = {.rate_bit = 8000000, .queue_bytes = 50000}; /* 1,000 packets a second */
    int64_t at = 0, last = 0;

    for (int i = 0; i < 2000; i++) {
        int64_t now = i * MS / 2;
        if (line_offer(&line, &at, now, 1000)) {
            CHECK(at - last >= MS && at - now <= 52 * MS); /* the queue lasts for 50 ms */
            last = at;
        }
    }
    CHECK(line.n_passed >= 1050 && line.n_passed <= 1052);
    CHECK(line.n_passed + line.n_dropped == 2000 && line.n_lost == 0);
}

static void loss(void)
{
    struct line a = {.loss_ppm = 10000, .seed = 1}, b = a, none = {0};
    int64_t at;

    for (int i = 0; i < 100000; i++) {
        bool arrived = line_offer(&a, &at, i, 100);
        CHECK(arrived == line_offer(&b, &at, i, 100));
        CHECK(line_offer(&none, &at, i, 100));
    }
    CHECK(a.n_lost > 800 && a.n_lost < 1200 && a.n_lost + a.n_passed == 100000);
}

static const struct test_case cases[] = {{"delay_and_rate", delay_and_rate},
                                         {"any_rate", any_rate},
                                         {"bounded_queue", bounded_queue},
                                         {"loss", loss}};
TEST_MAIN(cases)
