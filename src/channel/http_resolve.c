/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A look-up is shared by two owners, the caller and its thread; the last one frees it. The thread
 * is detached: a caller that gives up never waits for a slow name server. */
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "channel/http_net.h"

struct whist_net_lookup {
    atomic_int owners;
    atomic_bool done; /* the fields below belong to the thread until then */
    int wake_fd;      /* own duplicate, or −1 */
    uint16_t port;
    char host[WHIST_URL_HOST_MAX + 1];
    struct whist_net_addresses result;
    char text[WHIST_NET_TEXT_MAX];
};

void whist_net_lookup_free(struct whist_net_lookup *lookup)
{
    if (lookup != NULL && atomic_fetch_sub(&lookup->owners, 1) == 1) {
        if (lookup->wake_fd >= 0) {
            close(lookup->wake_fd);
        }
        whist_free(lookup);
    }
}

static void resolve(struct whist_net_lookup *lookup)
{
    /* Without AI_ADDRCONFIG, which hides names of loopback on a machine that is offline: an address
     * of a family that is missing here fails at once. */
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char port[8];
    int error;

    snprintf(port, sizeof port, "%u", (unsigned)lookup->port);
    error = getaddrinfo(lookup->host, port, &hints, &list);
    if (error != 0) {
        snprintf(lookup->text, sizeof lookup->text, "%s", gai_strerror(error));
        return;
    }
    for (struct addrinfo *a = list; a != NULL && lookup->result.n < WHIST_NET_ADDRESSES_MAX;
         a = a->ai_next) {
        if ((a->ai_family == AF_INET || a->ai_family == AF_INET6) &&
            a->ai_addrlen <= sizeof(struct sockaddr_storage)) {
            struct whist_net_address *out = &lookup->result.at[lookup->result.n++];
            memcpy(&out->sa, a->ai_addr, a->ai_addrlen);
            out->len = a->ai_addrlen;
        }
    }
    freeaddrinfo(list);
    if (lookup->result.n == 0) {
        snprintf(lookup->text, sizeof lookup->text, "the name has no address");
    }
}

static void *run(void *arg)
{
    struct whist_net_lookup *lookup = arg;
    uint64_t one = 1;

    resolve(lookup);
    atomic_store(&lookup->done, true);
    if (lookup->wake_fd >= 0 && write(lookup->wake_fd, &one, sizeof one) < 0) {
        /* The counter of an eventfd is full only if its reader has not run yet: it will. */
    }
    whist_net_lookup_free(lookup);
    return NULL;
}

struct whist_net_lookup *whist_net_lookup_start(const struct whist_url *url, int wake_fd)
{
    struct whist_net_lookup *lookup = whist_zalloc(1, sizeof *lookup);
    pthread_t thread;
    sigset_t all, before;
    int error;

    if (lookup == NULL) {
        return NULL;
    }
    atomic_init(&lookup->owners, 2);
    atomic_init(&lookup->done, false);
    lookup->port = url->port;
    memcpy(lookup->host, url->host, sizeof lookup->host);
    lookup->wake_fd = wake_fd >= 0 ? fcntl(wake_fd, F_DUPFD_CLOEXEC, 0) : -1;
    /* Signals are the application's business. */
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    error = wake_fd >= 0 && lookup->wake_fd < 0 ? -1 : pthread_create(&thread, NULL, run, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        atomic_store(&lookup->owners, 1);
        whist_net_lookup_free(lookup);
        return NULL;
    }
    pthread_detach(thread);
    return lookup;
}

bool whist_net_lookup_done(struct whist_net_lookup *lookup, struct whist_net_addresses *out,
                           char text[WHIST_NET_TEXT_MAX])
{
    if (!atomic_load(&lookup->done)) {
        return false;
    }
    *out = lookup->result;
    memcpy(text, lookup->text, WHIST_NET_TEXT_MAX);
    return true;
}
