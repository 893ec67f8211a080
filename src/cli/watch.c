/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "watch.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

/* The process has one watcher, as it has one set of signals. */
static struct {
    pthread_mutex_t lock;
    pthread_t thread;
    sigset_t signals; /* and SIGUSR1, which ends the watcher */
    bool cancelled;
    struct entry {
        void (*fn)(void *ctx);
        void *ctx;
    } entries[WHIST_MAX_PARTIES];
    size_t n_entries;
} watcher = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *watch(void *unused)
{
    (void)unused;
    for (;;) {
        int number = 0;
        if (sigwait(&watcher.signals, &number) != 0) {
            continue;
        }
        if (number == SIGUSR1) {
            return NULL;
        }
        pthread_mutex_lock(&watcher.lock);
        if (watcher.cancelled) {
            _exit(EXIT_ERROR);
        }
        watcher.cancelled = true;
        for (size_t i = 0; i < watcher.n_entries; i++) {
            watcher.entries[i].fn(watcher.entries[i].ctx);
        }
        pthread_mutex_unlock(&watcher.lock);
    }
}

whist_status watch_start(struct whist_error *err)
{
    /* Shells let background jobs ignore SIGINT; who sends it to a party means it. */
    signal(SIGINT, SIG_DFL);
    sigemptyset(&watcher.signals);
    sigaddset(&watcher.signals, SIGINT);
    sigaddset(&watcher.signals, SIGTERM);
    sigaddset(&watcher.signals, SIGUSR1);
    if (pthread_sigmask(SIG_BLOCK, &watcher.signals, NULL) != 0 ||
        pthread_create(&watcher.thread, NULL, watch, NULL) != 0) {
        return cli_fail(err, WHIST_ERR_IO, "cannot start the thread that waits for signals");
    }
    return WHIST_OK;
}

void watch_add(void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&watcher.lock);
    if (watcher.cancelled) {
        fn(ctx);
    } else if (watcher.n_entries < WHIST_MAX_PARTIES) {
        watcher.entries[watcher.n_entries++] = (struct entry){fn, ctx};
    }
    pthread_mutex_unlock(&watcher.lock);
}

void watch_remove(const void *ctx)
{
    pthread_mutex_lock(&watcher.lock);
    for (size_t i = 0; i < watcher.n_entries; i++) {
        if (watcher.entries[i].ctx == ctx) {
            watcher.entries[i] = watcher.entries[--watcher.n_entries];
            break;
        }
    }
    pthread_mutex_unlock(&watcher.lock);
}

bool watch_cancelled(void)
{
    pthread_mutex_lock(&watcher.lock);
    bool cancelled = watcher.cancelled;
    pthread_mutex_unlock(&watcher.lock);
    return cancelled;
}

void watch_stop(void)
{
    pthread_kill(watcher.thread, SIGUSR1);
    pthread_join(watcher.thread, NULL);
}

void cancel_channel(void *channel)
{
    const struct whist_error why = {
        .status = WHIST_ERR_CANCELLED, .peer = WHIST_NO_PEER, .text = "cancelled"};

    whist_channel_abort(channel, &why);
}
