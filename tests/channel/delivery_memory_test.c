/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Native links: what they hold, and what happens without memory. */
#include "delivery_pair.h"

#define MIB ((size_t)1 << 20)

/* ---- Memory ---- */

/* A head that promises 2^60 bytes costs what has arrived. */
static void declared_length(void)
{
    struct pair p;
    struct carried c;
    uint8_t head[FRAME_HEAD_MAX];
    pair_open(&p);
    pair_send(&p, 1, 100, 1, "x");
    CHECK(pair_post(&p, 1, &c));
    struct frame f = {.type = FRAME_DATA,
                      .flags = FRAME_FIRST,
                      .phase = "x",
                      .phase_len = 1,
                      .payload.len = 100,
                      .total = (uint64_t)1 << 60};
    size_t head_len = whist_frame_put_head(head, &f, false);
    struct post_tail tail = {.from_epoch = EPOCH(1),
                             .to_epoch = EPOCH(2),
                             .n_frames = 1,
                             .meta_len = (uint32_t)head_len,
                             .from = 1,
                             .to = 2,
                             .kind = POST_DATA};
    CHECK(whist_buffer_resize(&c.body, 100 + head_len + POST_TAIL_LEN) == WHIST_OK);
    memcpy(c.body.data + 100, head, head_len);
    whist_post_put_tail(c.body.data + 100 + head_len, &tail);
    CHECK(pair_arrive(&p, &c).status == 200);
    CHECK(p.d[2]->assembly.active && p.d[2]->assembly.message.body.cap < 1000);
    /* The next part: at most eight times what is there. */
    f.flags = 0;
    f.phase_len = 0;
    head_len = whist_frame_put_head(head, &f, false);
    tail.position = 228;
    tail.first_message = 1;
    tail.meta_len = (uint32_t)head_len;
    CHECK(whist_buffer_resize(&c.body, 100 + head_len + POST_TAIL_LEN) == WHIST_OK);
    memcpy(c.body.data + 100, head, head_len);
    whist_post_put_tail(c.body.data + 100 + head_len, &tail);
    CHECK(pair_arrive(&p, &c).status == 200);
    CHECK(p.d[2]->assembly.arrived == 200 && p.d[2]->assembly.message.body.cap <= 1600);
    whist_buffer_clear(&c.body);
    pair_free(&p);
}

/* Small messages in large buffers are not kept in these. */
static void large_buffers(void)
{
    struct pair p;
    struct carried c[3];
    struct delivery_answer a;
    pair_open(&p);
    for (unsigned i = 0; i < 3; i++) {
        pair_send(&p, 1, 20, (uint8_t)i, "x");
        p.now++;
        CHECK(pair_post(&p, 1, &c[i]));
    }
    for (unsigned i = 3; i-- > 0;) {
        CHECK(whist_buffer_reserve(&c[i].body, 100000) == WHIST_OK);
        whist_delivery_request(p.d[2], p.now, &c[i].body, &a);
        CHECK(a.status == 200);
        pair_answer(&p, &c[i], &a);
        CHECK(p.d[2]->early == NULL || p.d[2]->early->body.cap < 1000);
    }
    for (unsigned i = 0; i < 3; i++) {
        struct whist_buffer got = {0};
        CHECK_OK(whist_delivery_take(p.d[2], p.now, &got, "x", &p.err), p.err);
        CHECK(got.len == 20 && got.data[0] == i && got.cap < 1000);
        whist_buffer_clear(&got);
    }
    pair_free(&p);
}

static size_t peak_kib(void)
{
    char line[200];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        sscanf(line, "VmHWM: %zu", &kib);
    }
    if (f != NULL) {
        fclose(f);
    }
    return kib;
}

/* A message far longer than the window needs little more memory than its two buffers. */
static void memory_of_a_long_message(void)
{
#if defined(__SANITIZE_ADDRESS__)
    SKIP("a sanitizer's own memory would be measured");
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    SKIP("a sanitizer's own memory would be measured");
#endif
#endif
    struct pair p;
    size_t len = (size_t)test_scale(256) * MIB, window = 8 * MIB;
    pair_init(&p);
    p.opt[2].window_bytes = window;
    pair_start(&p);
    pair_shuttle(&p);
    whist_delivery_wait_begin(p.d[2], p.now, "x");
    pair_send(&p, 1, len, 5, "x");
    pair_shuttle(&p);
    size_t peak = peak_kib() * 1024;
    if (peak == 0) {
        SKIP("no /proc/self/status");
    }
    pair_take(&p, 2, len, 5, "x");
    CHECK_MSG(peak < 2 * len + 2 * window + 16 * MIB, "%zu MiB for %zu MiB", peak / MIB, len / MIB);
    whist_delivery_wait_end(p.d[2], p.now);
    pair_free(&p);
}

/* ---- Without memory ---- */

struct talk {
    struct pair p;
    size_t sent[3], taken[3];
};

static const size_t talk_len[] = {0, 10, 300, 5000, 90, 20000, 1};
#define N_TALK (sizeof talk_len / sizeof talk_len[0])

/* As pair_shuttle, but what the test itself needs is allocated outside the hooks. */
static void carry_starved(struct talk *t, size_t i)
{
    struct delivery_post post;
    struct delivery_answer a;
    while (whist_delivery_next_post(t->p.d[i], t->p.now, &post)) {
        struct whist_buffer body = {.data = malloc(post.len), .cap = post.len};
        for (size_t k = 0; k < post.n_parts; k++) {
            memcpy(body.data + body.len, post.parts[k].data, post.parts[k].len);
            body.len += post.parts[k].len;
        }
        whist_delivery_request(t->p.d[3 - i], t->p.now, &body, &a);
        whist_delivery_answered(t->p.d[i], t->p.now, post.id, a.status, whist_bytes(a.body, a.len));
    }
}

/* Messages of all kinds, both ways, for `rounds` rounds of 20 ms; true if all arrived. */
static bool talk(struct talk *t, unsigned rounds)
{
    for (unsigned r = 0; r < rounds; r++) {
        for (size_t i = 1; i <= 2; i++) {
            struct whist_buffer msg = {0};
            if (t->sent[i] < N_TALK) {
                size_t len = talk_len[t->sent[i]];
                msg = (struct whist_buffer){.data = calloc(1, len + 1), .len = len, .cap = len + 1};
                whist_status st = whist_delivery_send(t->p.d[i], t->p.now, &msg, "x", &t->p.err);
                CHECK(st == WHIST_OK || (st == WHIST_ERR_NOMEM && msg.len == len));
                t->sent[i] += st == WHIST_OK ? 1 : 0;
                whist_buffer_clear(&msg);
            }
            carry_starved(t, i);
            if (t->taken[i] < N_TALK && whist_delivery_readable(t->p.d[i])) {
                pair_take(&t->p, i, talk_len[t->taken[i]++], 0, "x");
            }
            CHECK(whist_delivery_failure(t->p.d[i]) == NULL);
        }
        t->p.now += 20;
        whist_delivery_tick(t->p.d[1], t->p.now);
        whist_delivery_tick(t->p.d[2], t->p.now);
        if (t->taken[1] == N_TALK && t->taken[2] == N_TALK) {
            return true;
        }
    }
    return false;
}

/* For all k: the k-th allocation and all later ones fail for a while, then there is memory again
 * and everything arrives. */
static void allocations(void)
{
    bool enough = false;
    long k = 0;
    for (; !enough; k++) {
        struct talk t = {0};
        pair_init(&t.p);
        t.p.opt[1].post_bytes = t.p.opt[2].post_bytes = 1024;
        pair_start(&t.p);
        whist_alloc_fail_after(k);
        enough = talk(&t, 20);
        whist_alloc_fail_after(-1);
        CHECK(enough || talk(&t, 200));
        pair_free(&t.p);
    }
    CHECK_MSG(k > 50, "%ld", k);
}

static void allocations_of_new(void)
{
    struct pair p;
    long k = 0;
    for (bool made = false; !made; k++) {
        pair_init(&p);
        whist_alloc_fail_after(k);
        whist_status st = whist_delivery_new(&p.d[1], &p.opt[1], p.now, &p.err);
        whist_alloc_fail_after(-1);
        made = st == WHIST_OK;
        CHECK(made || (st == WHIST_ERR_NOMEM && p.d[1] == NULL));
        whist_delivery_free(p.d[1]);
    }
    CHECK(k == 5);
}

static const struct test_case cases[] = {
    {"declared_length", declared_length},
    {"large_buffers", large_buffers},
    {"memory_of_a_long_message", memory_of_a_long_message},
    {"allocations", allocations},
    {"allocations_of_new", allocations_of_new},
};

TEST_MAIN(cases)
