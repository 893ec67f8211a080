/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Timelines: valid JSON whatever happens, slices that viewers can draw, bounded memory. jansson
 * reads them, a foreign and strict reader. */
#include <jansson.h>
#include <pthread.h>

#include "channel/memory.h"
#include "channel_conformance.h"

#define LONG_MS 60000

/* ---- The conformance suite ---- */

static bool write_nowhere(void *ctx, const char *text, size_t len)
{
    (void)ctx;
    return text != NULL && len > 0;
}

static whist_status make_timelines(struct whist_channel **out, size_t n, int64_t timeout_ms,
                                   size_t queue_bytes, struct whist_error *err)
{
    TRY(whist_memory_new(out, n, queue_bytes, false, timeout_ms, err));
    for (size_t i = 0; i < n; i++) {
        struct whist_channel *inner = out[i];
        out[i] = NULL;
        whist_status st = whist_channel_timeline_new(&out[i], inner, write_nowhere, NULL, err);
        if (st != WHIST_OK) {
            for (size_t k = 0; k < n; k++) {
                whist_channel_free(out[k]);
            }
            return st;
        }
    }
    return WHIST_OK;
}

static const struct conformance_channels timeline = {.make = make_timelines,
                                                     .sweep_allocations = true};
CONFORMANCE_FUNCTIONS(timeline, timeline)

/* ---- A file in memory ---- */

struct file {
    pthread_mutex_t lock;
    struct whist_buffer text;
    size_t calls, largest;
    size_t room; /* calls that succeed */
};

static bool write_file(void *ctx, const char *text, size_t len)
{
    struct file *f = ctx;
    pthread_mutex_lock(&f->lock);
    bool fits = f->calls < f->room;
    f->calls++;
    f->largest = len > f->largest ? len : f->largest;
    CHECK(len > 2 && memcmp(text + len - 2, ",\n", 2) == 0);
    CHECK(!fits || whist_buffer_append(&f->text, text, len) == WHIST_OK);
    pthread_mutex_unlock(&f->lock);
    return fits;
}

static void file_init(struct file *f)
{
    *f = (struct file){.lock = PTHREAD_MUTEX_INITIALIZER, .room = SIZE_MAX};
    CHECK(whist_buffer_append(&f->text, WHIST_TIMELINE_HEAD, strlen(WHIST_TIMELINE_HEAD)) ==
          WHIST_OK);
}

/* The events; the file is empty afterwards. */
static json_t *file_events(struct file *f)
{
    json_error_t err;
    CHECK(whist_buffer_append(&f->text, WHIST_TIMELINE_TAIL, strlen(WHIST_TIMELINE_TAIL)) ==
          WHIST_OK);
    json_t *events = json_loadb((const char *)f->text.data, f->text.len, 0, &err);
    CHECK_MSG(json_is_array(events), "line %d: %s", err.line, err.text);
    whist_buffer_clear(&f->text);
    return events;
}

static void make_pair(struct whist_channel *ch[2], struct file *f)
{
    struct whist_error err = {0};
    CHECK_OK(whist_channel_memory_new(ch, 2, LONG_MS, &err), err);
    for (size_t i = 0; i < 2; i++) {
        CHECK_OK(whist_channel_timeline_new(&ch[i], ch[i], write_file, f, &err), err);
    }
}

static void pass(struct whist_channel *from, struct whist_channel *to, size_t len,
                 const char *phase)
{
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    fill_pattern(&msg, len, len);
    CHECK_OK(whist_channel_send(from, to->me, whist_buffer_view(&msg), phase, 0, &err), err);
    CHECK_OK(whist_channel_recv(to, from->me, &msg, phase, 0, &err), err);
    CHECK(has_pattern(&msg, len, len));
    whist_buffer_clear(&msg);
}

/* ---- Reading events ---- */

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    return text != NULL ? text : "";
}

static json_int_t number_of(const json_t *event, const char *key)
{
    return json_integer_value(json_object_get(event, key));
}

/* Nanoseconds of a time stamp. */
static json_int_t ns_of(const json_t *event, const char *key)
{
    const json_t *v = json_object_get(event, key);
    CHECK(json_is_real(v));
    return (json_int_t)(json_real_value(v) * 1000 + 0.5);
}

static json_int_t arg_of(const json_t *event, const char *key)
{
    const json_t *v = json_object_get(json_object_get(event, "args"), key);
    return json_is_integer(v) ? json_integer_value(v) : -1;
}

/* The k-th event with this category and kind, or NULL. */
static json_t *find(const json_t *events, json_int_t pid, const char *category, const char *ph,
                    size_t k)
{
    size_t i;
    json_t *e;
    json_array_foreach(events, i, e)
    {
        if (strcmp(text_of(e, "cat"), category) == 0 && strcmp(text_of(e, "ph"), ph) == 0 &&
            number_of(e, "pid") == pid && k-- == 0) {
            return e;
        }
    }
    return NULL;
}

/* ---- Cases ---- */

static void events(void)
{
    struct whist_channel *ch[2];
    struct file f;
    file_init(&f);
    make_pair(ch, &f);
    pass(ch[0], ch[1], 5, "hello");
    pass(ch[1], ch[0], 7, "chunk.cot");
    pass(ch[0], ch[1], 9, "chunk.check");
    pass(ch[0], ch[1], 0, "a\"b\\c");
    free_channels(ch, 2);
    json_t *all = file_events(&f);
    const char *const names[] = {"hello", "chunk.cot", "chunk.check", "a\"b\\c"};
    json_int_t end = 0;
    for (size_t k = 0; k < 4; k++) { /* phases tile their track */
        json_t *phase = find(all, 1, "phase", "X", k);
        CHECK(strcmp(text_of(phase, "name"), names[k]) == 0);
        CHECK(k == 0 || llabs(ns_of(phase, "ts") - end) <= 2);
        end = ns_of(phase, "ts") + ns_of(phase, "dur");
    }
    CHECK(find(all, 1, "phase", "X", 4) == NULL);
    json_t *group = find(all, 1, "group", "X", 0);
    CHECK(strcmp(text_of(group, "name"), "chunk") == 0 && find(all, 1, "group", "X", 1) == NULL);
    json_int_t inner = ns_of(find(all, 1, "phase", "X", 1), "ts");
    CHECK(inner > ns_of(group, "ts") && inner <= ns_of(group, "ts") + 2);
    CHECK(number_of(group, "tid") == number_of(find(all, 1, "phase", "X", 0), "tid"));
    const int sent[] = {5, 9, 0};
    for (size_t k = 0; k < 3; k++) {
        CHECK(arg_of(find(all, 1, "send", "X", k), "bytes") == sent[k]);
        CHECK(arg_of(find(all, 2, "wait", "X", k), "bytes") == sent[k]);
        CHECK(arg_of(find(all, 2, "wait", "X", k), "peer") == 0);
        json_t *from = find(all, 1, "message", "s", k), *to = find(all, 2, "message", "f", k);
        CHECK(strcmp(text_of(from, "id"), text_of(to, "id")) == 0);
        json_t *send = find(all, 1, "send", "X", k);
        CHECK(ns_of(from, "ts") == ns_of(send, "ts"));
        CHECK(number_of(from, "tid") == number_of(send, "tid"));
    }
    CHECK(find(all, 1, "send", "X", 3) == NULL && find(all, 1, "wait", "X", 1) == NULL);
    json_decref(all);
}

/* What came before an abort is there at once, and the whole stays valid. */
static void aborted(void)
{
    struct whist_channel *ch[2];
    struct whist_buffer msg = {0};
    struct whist_error err = {0};
    struct file f;
    struct whist_error why = {.status = WHIST_ERR_CHECK, .peer = 1, .phase = "triples"};
    memset(why.text, '"', sizeof why.text - 1); /* the longest there is */
    file_init(&f);
    make_pair(ch, &f);
    pass(ch[0], ch[1], 5, "hello");
    whist_channel_abort(ch[0], &why);
    CHECK(f.calls == 1);
    CHECK(whist_channel_recv(ch[1], 0, &msg, "triples", 0, &err) == WHIST_ERR_ABORTED);
    free_channels(ch, 2);
    json_t *all = file_events(&f);
    json_t *mark = find(all, 1, "abort", "i", 0);
    CHECK(strcmp(text_of(mark, "name"), "abort: check") == 0);
    const char *text = text_of(json_object_get(mark, "args"), "text");
    CHECK(strlen(text) == sizeof why.text - 1);
    json_t *failed = find(all, 2, "wait", "X", 1);
    CHECK(strcmp(text_of(json_object_get(failed, "args"), "status"), "aborted") == 0);
    CHECK(arg_of(failed, "bytes") == -1 && find(all, 2, "message", "f", 1) == NULL);
    json_decref(all);
}

/* Many messages pass through a bounded buffer. */
static void streamed(void)
{
    struct whist_channel *ch[2];
    struct file f;
    file_init(&f);
    make_pair(ch, &f);
    for (size_t i = 0; i < 3000; i++) {
        pass(ch[i % 2], ch[1 - i % 2], i, i % 5 == 0 ? "one" : "two.three");
    }
    CHECK(f.calls > 10 && f.largest <= 65536);
    free_channels(ch, 2);
    json_t *all = file_events(&f);
    CHECK(find(all, 1, "send", "X", 1499) != NULL && find(all, 1, "send", "X", 1500) == NULL);
    CHECK(find(all, 2, "wait", "X", 1499) != NULL);
    json_decref(all);
}

/* A full disk ends the timeline, not the computation. */
static void cannot_write(void)
{
    struct whist_channel *ch[2];
    struct whist_error err = {0};
    struct file f;
    file_init(&f);
    f.room = 1;
    CHECK_OK(whist_channel_memory_new(ch, 2, LONG_MS, &err), err);
    CHECK_OK(whist_channel_timeline_new(&ch[0], ch[0], write_file, &f, &err), err);
    for (size_t i = 0; i < 2000; i++) {
        pass(ch[0], ch[1], i, "phase");
    }
    CHECK_OK(whist_channel_close(ch[0], 0, &err), err);
    free_channels(ch, 2);
    CHECK(f.calls == 2);
    json_decref(file_events(&f));
}

/* ---- Several threads at once ---- */

struct waiter {
    pthread_t thread;
    pthread_barrier_t *start;
    struct whist_channel *ch;
};

static void *wait_in_vain(void *arg)
{
    struct waiter *w = arg;
    struct whist_buffer msg = {0};
    pthread_barrier_wait(w->start);
    CHECK(whist_channel_recv(w->ch, 1, &msg, "phase", whist_clock_ms() + 30, NULL) ==
          WHIST_ERR_TIMEOUT);
    return NULL;
}

/* Slices of one track do not overlap, although the calls did. */
static void threads(void)
{
    struct whist_channel *ch[2];
    struct file f;
    pthread_barrier_t start;
    struct waiter w[4];
    file_init(&f);
    make_pair(ch, &f);
    CHECK(pthread_barrier_init(&start, NULL, 4) == 0);
    for (size_t i = 0; i < 4; i++) {
        w[i] = (struct waiter){.start = &start, .ch = ch[0]};
        CHECK(pthread_create(&w[i].thread, NULL, wait_in_vain, &w[i]) == 0);
    }
    for (size_t i = 0; i < 4; i++) {
        pthread_join(w[i].thread, NULL);
    }
    pthread_barrier_destroy(&start);
    free_channels(ch, 2);
    json_t *all = file_events(&f);
    json_int_t end = 0;
    for (size_t i = 0; i < 4; i++) {
        json_t *e = find(all, 1, "wait", "X", i);
        CHECK(ns_of(e, "ts") >= end - 1 && ns_of(e, "dur") >= 1);
        end = ns_of(e, "ts") + ns_of(e, "dur");
    }
    json_decref(all);
}

static const struct test_case cases[] = {
    CONFORMANCE_CASES(timeline) /* each with a comma behind it */
    {"events", events},
    {"aborted", aborted},
    {"streamed", streamed},
    {"cannot_write", cannot_write},
    {"threads", threads},
};
TEST_MAIN(cases)
