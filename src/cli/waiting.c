/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "waiting.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "logging.h"

/* How often it looks who has come. */
#define LOOK_MS 200

/* One a process, as there is one terminal. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t end;
    pthread_t thread;
    bool runs, ends;
    const struct party_link *link;
    const struct whist_channel *transport;
} waiting = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = PTHREAD_COND_INITIALIZER};

/* "waiting for party 1 (bob), party 2 (carol)"; false if all are there. */
static bool describe(char *text, size_t size)
{
    struct whist_http_peer_stats peers[WHIST_MAX_PARTIES];
    size_t n = whist_channel_http_stats(waiting.transport, peers, WHIST_MAX_PARTIES);
    size_t len = 0;
    bool any = false;
    char party[96];

    for (size_t i = 0; i < n && len < size; i++) {
        if (!peers[i].connected) {
            int more = snprintf(text + len, size - len, "%s%s", any ? ", " : "waiting for ",
                                party_text(party, waiting.link, peers[i].peer));
            len += more > 0 ? (size_t)more : 0;
            any = true;
        }
    }
    return any;
}

static void *look(void *unused)
{
    char text[300];

    (void)unused;
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.ends) {
        struct timespec next;
        clock_gettime(CLOCK_REALTIME, &next);
        next.tv_nsec += LOOK_MS * 1000000L;
        next.tv_sec += next.tv_nsec / 1000000000L;
        next.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&waiting.end, &waiting.lock, &next);
        if (!waiting.ends && describe(text, sizeof(text))) {
            progress_text(text);
        }
    }
    pthread_mutex_unlock(&waiting.lock);
    return NULL;
}

void waiting_begin(const struct party_link *link, const struct whist_channel *transport)
{
    if (link == NULL || whist_channel_http_stats(transport, NULL, 0) == 0) {
        return;
    }
    waiting.link = link;
    waiting.transport = transport;
    waiting.ends = false;
    /* Without a thread nothing is shown. */
    waiting.runs = pthread_create(&waiting.thread, NULL, look, NULL) == 0;
}

void waiting_end(void)
{
    if (!waiting.runs) {
        return;
    }
    pthread_mutex_lock(&waiting.lock);
    waiting.ends = true;
    pthread_cond_signal(&waiting.end);
    pthread_mutex_unlock(&waiting.lock);
    pthread_join(waiting.thread, NULL);
    waiting.runs = false;
    progress_end();
}
