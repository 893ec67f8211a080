/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* Timeline decorator: the calls of one party as trace events in JSON ("Trace Event Format", array
 * form), which Perfetto and chrome://tracing open.
 *
 * A party is a process of the timeline. Its tracks (threads): phases; for each peer the receives,
 * whose length is the time waited; for each peer the sends. The phases tile their track: the time
 * since the previous call counts for the phase of the present one, as in the statistics. A label
 * "chunk.cot" lies below a slice "chunk". Arrows join the k-th message of a sender to the k-th
 * receive where one file holds both parties; both use the clock of the machine.
 *
 * Memory is bounded: events are formatted into one buffer, which is handed on when it is full. */
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

#include "channel/decorator.h"
#include "channel/inbox.h"

#define TEXT_BYTES ((size_t)65536)
/* Longest event: a text of 399 bytes, each escaped by one more, and what stands around it. */
#define EVENT_BYTES ((size_t)1536)

/* Tracks of a party; numbers of threads are unique in a file, as viewers want them. */
#define TRACKS(n) (2 * (n) + 1)
enum { TRACK_PHASES = 0 };

struct track {
    int64_t end_ns; /* of its last slice */
    uint64_t messages;
};

struct slice {
    char name[WHIST_MAX_PHASE + 1];
    int64_t start_ns;
};

struct timeline {
    struct decorator d;
    whist_timeline_write write;
    void *ctx;
    pthread_mutex_t lock; /* of all below */
    bool broken;          /* writing has failed: nothing more is written */
    int64_t last_ns;      /* end of the last call */
    struct slice phase, group;
    size_t used;
    char text[TEXT_BYTES];
    struct track tracks[]; /* TRACKS(n) */
};

/* ---- Text; the lock is held ---- */

static void hand_on(struct timeline *t)
{
    if (t->used > 0 && !t->broken) {
        t->broken = !t->write(t->ctx, t->text, t->used);
    }
    t->used = 0;
}

/* Appends an event of at most EVENT_BYTES. */
WHIST_PRINTF(2, 3) static void event(struct timeline *t, const char *fmt, ...)
{
    va_list args;
    if (t->used + EVENT_BYTES > TEXT_BYTES) {
        hand_on(t);
    }
    va_start(args, fmt);
    int len = vsnprintf(t->text + t->used, TEXT_BYTES - t->used, fmt, args);
    va_end(args);
    WHIST_REQUIRE(len > 0 && (size_t)len < EVENT_BYTES);
    t->used += (size_t)len;
}

/* Text of printable bytes as it stands in a JSON string; out has room for 2 · strlen + 1. */
static const char *escaped(char *out, const char *text)
{
    char *o = out;
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            *o++ = '\\';
        }
        *o++ = *text;
    }
    *o = '\0';
    return out;
}

/* Microseconds with three decimals, as the format counts. */
struct stamp {
    char text[32];
};

static struct stamp stamp(int64_t ns)
{
    struct stamp s;
    snprintf(s.text, sizeof s.text, "%" PRId64 ".%03d", ns / 1000, (int)(ns % 1000));
    return s;
}

static size_t pid_of(const struct timeline *t)
{
    return t->d.base.me + 1; /* 0 is the idle process to viewers */
}

static size_t tid_of(const struct timeline *t, size_t track)
{
    return pid_of(t) * 1000 + track;
}

static size_t receive_track(size_t peer)
{
    return 1 + 2 * peer;
}

static size_t send_track(size_t peer)
{
    return 2 + 2 * peer;
}

static void name_track(struct timeline *t, size_t track, const char *what, size_t peer)
{
    char name[64];
    if (peer == SIZE_MAX) {
        snprintf(name, sizeof name, "%s", what);
    } else {
        snprintf(name, sizeof name, "%s party %zu", what, peer);
    }
    event(t,
          "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%zu,\"tid\":%zu,\"args\":"
          "{\"name\":\"%s\"}},\n"
          "{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"pid\":%zu,\"tid\":%zu,\"args\":"
          "{\"sort_index\":%zu}},\n",
          pid_of(t), tid_of(t, track), name, pid_of(t), tid_of(t, track), track);
}

static void name_tracks(struct timeline *t)
{
    event(t,
          "{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%zu,\"args\":"
          "{\"name\":\"party %zu\"}},\n"
          "{\"name\":\"process_sort_index\",\"ph\":\"M\",\"pid\":%zu,\"args\":"
          "{\"sort_index\":%zu}},\n",
          pid_of(t), t->d.base.me, pid_of(t), t->d.base.me);
    name_track(t, TRACK_PHASES, "phases", SIZE_MAX);
    for (size_t i = 0; i < t->d.base.n; i++) {
        if (i != t->d.base.me) {
            name_track(t, receive_track(i), "waiting for", i);
            name_track(t, send_track(i), "sending to", i);
        }
    }
}

/* ---- Phases; the lock is held ---- */

/* Ends a slice of the phases' track, if it has begun. */
static void end_slice(struct timeline *t, struct slice *s, const char *category)
{
    char name[2 * WHIST_MAX_PHASE + 1];
    if (s->name[0] != '\0' && t->last_ns > s->start_ns) {
        event(t,
              "{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":%zu,\"tid\":%zu,\"ts\":%s,"
              "\"dur\":%s},\n",
              escaped(name, s->name), category, pid_of(t), tid_of(t, TRACK_PHASES),
              stamp(s->start_ns).text, stamp(t->last_ns - s->start_ns).text);
    }
    s->name[0] = '\0';
}

static void begin_slice(struct timeline *t, struct slice *s, const char *name, size_t len)
{
    memcpy(s->name, name, len);
    s->name[len] = '\0';
    s->start_ns = t->last_ns;
}

/* A call of this phase has ended: it has lasted since the end of the call before. */
static void enter_phase(struct timeline *t, const char *phase, int64_t end_ns)
{
    size_t len = strlen(phase), group = strcspn(phase, ".");
    bool nested = false;
    if (strcmp(t->phase.name, phase) != 0) {
        end_slice(t, &t->phase, "phase");
        if (strncmp(t->group.name, phase, group) != 0 || t->group.name[group] != '\0') {
            end_slice(t, &t->group, "group");
            if (group < len) {
                begin_slice(t, &t->group, phase, group);
                nested = true;
            }
        }
        begin_slice(t, &t->phase, phase, len);
        /* The inner slice is written first. Viewers that sort by time alone take it for the outer
         * one unless it begins later. */
        t->phase.start_ns += nested ? 1 : 0;
    }
    t->last_ns = end_ns > t->last_ns ? end_ns : t->last_ns;
}

/* ---- Messages; the lock is held ---- */

/* One call on a track. Calls of several threads may overlap; slices of a track must not, so that
 * the later one is cut. Returns where the slice starts. */
static int64_t call_slice(struct timeline *t, size_t track, const char *phase, int64_t start_ns,
                          int64_t *end_ns, const char *args)
{
    char name[2 * WHIST_MAX_PHASE + 1];
    struct track *tr = &t->tracks[track];
    start_ns = start_ns > tr->end_ns ? start_ns : tr->end_ns;
    *end_ns = *end_ns > start_ns ? *end_ns : start_ns + 1;
    tr->end_ns = *end_ns;
    event(t,
          "{\"name\":\"%s\",\"cat\":\"%s\",\"ph\":\"X\",\"pid\":%zu,\"tid\":%zu,\"ts\":%s,"
          "\"dur\":%s,\"args\":{%s}},\n",
          escaped(name, phase), track % 2 == 1 ? "wait" : "send", pid_of(t), tid_of(t, track),
          stamp(start_ns).text, stamp(*end_ns - start_ns).text, args);
    return start_ns;
}

/* One end of the arrow of a message. */
static void arrow(struct timeline *t, size_t track, size_t from, size_t to, const char *ph,
                  int64_t at_ns)
{
    event(t,
          "{\"name\":\"message\",\"cat\":\"message\",\"ph\":%s,\"id\":\"%zu>%zu.%" PRIu64
          "\",\"pid\":%zu,\"tid\":%zu,\"ts\":%s},\n",
          ph, from, to, t->tracks[track].messages++, pid_of(t), tid_of(t, track),
          stamp(at_ns).text);
}

static const char *call_args(char *out, size_t size, size_t peer, size_t len, whist_status st)
{
    if (st == WHIST_OK) {
        snprintf(out, size, "\"peer\":%zu,\"bytes\":%zu", peer, len);
    } else {
        snprintf(out, size, "\"peer\":%zu,\"status\":\"%s\"", peer, whist_status_name(st));
    }
    return out;
}

/* ---- The channel ---- */

static whist_status timeline_send(struct whist_channel *ch, size_t to, struct whist_buffer *msg,
                                  const char *phase, int64_t deadline_ms, struct whist_error *err)
{
    struct timeline *t = (struct timeline *)ch;
    char args[80];
    int64_t start = whist_now_ns();
    size_t len = msg->len;
    whist_status st = whist_pass_send(ch, to, msg, phase, deadline_ms, err);
    int64_t end = whist_now_ns();
    pthread_mutex_lock(&t->lock);
    enter_phase(t, phase, end);
    start = call_slice(t, send_track(to), phase, start, &end,
                       call_args(args, sizeof args, to, len, st));
    if (st == WHIST_OK) {
        arrow(t, send_track(to), ch->me, to, "\"s\"", start);
    }
    pthread_mutex_unlock(&t->lock);
    return st;
}

static whist_status timeline_recv(struct whist_channel *ch, size_t from,
                                  struct whist_buffer *msg_out, const char *phase,
                                  int64_t deadline_ms, struct whist_error *err)
{
    struct timeline *t = (struct timeline *)ch;
    char args[80];
    int64_t start = whist_now_ns();
    whist_status st = whist_pass_recv(ch, from, msg_out, phase, deadline_ms, err);
    int64_t end = whist_now_ns();
    pthread_mutex_lock(&t->lock);
    enter_phase(t, phase, end);
    (void)call_slice(t, receive_track(from), phase, start, &end,
                     call_args(args, sizeof args, from, msg_out->len, st));
    if (st == WHIST_OK) {
        arrow(t, receive_track(from), from, ch->me, "\"f\",\"bp\":\"e\"", end - 1);
    }
    pthread_mutex_unlock(&t->lock);
    return st;
}

/* A mark across the whole party; what came before it is handed on. */
static void mark_abort(struct timeline *t, const struct whist_error *why)
{
    struct whist_error clean = *why;
    char text[2 * sizeof clean.text];
    whist_make_printable(clean.text);
    pthread_mutex_lock(&t->lock);
    event(t,
          "{\"name\":\"abort: %s\",\"cat\":\"abort\",\"ph\":\"i\",\"s\":\"p\",\"pid\":%zu,"
          "\"tid\":%zu,\"ts\":%s,\"args\":{\"text\":\"%s\"}},\n",
          whist_status_name(why->status), pid_of(t), tid_of(t, TRACK_PHASES),
          stamp(whist_now_ns()).text, escaped(text, clean.text));
    hand_on(t);
    pthread_mutex_unlock(&t->lock);
}

static void timeline_abort(struct whist_channel *ch, const struct whist_error *why)
{
    mark_abort((struct timeline *)ch, why);
    whist_pass_abort(ch, why);
}

static void timeline_abort_with(struct whist_channel *ch, const struct whist_error *why,
                                struct whist_bytes last)
{
    mark_abort((struct timeline *)ch, why);
    whist_pass_abort_with(ch, why, last);
}

static whist_status timeline_close(struct whist_channel *ch, int64_t deadline_ms,
                                   struct whist_error *err)
{
    struct timeline *t = (struct timeline *)ch;
    whist_status st = whist_pass_close(ch, deadline_ms, err);
    int64_t end = whist_now_ns();
    pthread_mutex_lock(&t->lock);
    enter_phase(t, "close", end);
    hand_on(t);
    pthread_mutex_unlock(&t->lock);
    return st;
}

static void timeline_free(struct whist_channel *ch)
{
    struct timeline *t = (struct timeline *)ch;
    end_slice(t, &t->phase, "phase");
    end_slice(t, &t->group, "group");
    hand_on(t);
    pthread_mutex_destroy(&t->lock);
    whist_decorator_free(&t->d);
}

static const struct whist_channel_ops timeline_ops = {
    .name = "timeline",
    .send = timeline_send,
    .recv = timeline_recv,
    .abort = timeline_abort,
    .close = timeline_close,
    .set_arrival_hook = whist_pass_set_arrival_hook,
    .free = timeline_free,
    .abort_with = timeline_abort_with,
    .set_counts = whist_pass_set_counts,
};

whist_status whist_channel_timeline_new(struct whist_channel **channel_out,
                                        struct whist_channel *inner, whist_timeline_write write,
                                        void *ctx, struct whist_error *err)
{
    WHIST_REQUIRE(channel_out != NULL && write != NULL && inner != NULL);
    size_t size = sizeof(struct timeline) + TRACKS(inner->n) * sizeof(struct track);
    struct timeline *t = whist_decorator_new(size, &timeline_ops, inner, err);
    if (t == NULL) {
        return WHIST_ERR_NOMEM;
    }
    if (pthread_mutex_init(&t->lock, NULL) != 0) {
        whist_decorator_free(&t->d);
        return whist_fail(err, WHIST_ERR_NOMEM, WHIST_NO_PEER, NULL, "no resources for a lock");
    }
    t->write = write;
    t->ctx = ctx;
    t->last_ns = whist_now_ns();
    name_tracks(t);
    *channel_out = &t->d.base;
    return WHIST_OK;
}
