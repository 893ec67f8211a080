/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "native_net.h"

#include <pthread.h>
#include <unistd.h>

#include "harness.h"
#include "ports.h"

void native_net_join(struct native_net *net, size_t i)
{
    struct whist_error err;
    int fd = dup(net->spare[i]);

    CHECK(fd >= 0 && net->ch[i] == NULL);
    net->options.me = i;
    CHECK_OK(whist_channel_native_new_fd(&net->ch[i], &net->options, fd, &err), err);
}

void native_net_make(struct native_net *net, size_t n, const struct whist_http_options *base,
                     const struct fault_plan *plan)
{
    *net = (struct native_net){.n = n};
    if (base != NULL) {
        net->options = *base;
    }
    net->options.n = n;
    net->options.urls = net->urls;
    for (size_t i = 0; i < n; i++) {
        struct fault_plan own = plan != NULL ? *plan : (struct fault_plan){0};
        own.seed += i;
        net->spare[i] = listen_loopback(&net->port[i]);
        net->proxy[i] = fault_proxy_new(net->port[i], &own);
        snprintf(net->url[i], sizeof net->url[i], "http://127.0.0.1:%u",
                 (unsigned)fault_proxy_port(net->proxy[i]));
        net->urls[i] = net->url[i];
    }
    for (size_t i = 0; i < n; i++) {
        native_net_join(net, i);
    }
}

void native_net_free_channels(struct native_net *net)
{
    for (size_t i = 0; i < net->n; i++) {
        whist_channel_free(net->ch[i]);
        net->ch[i] = NULL;
    }
}

void native_net_free(struct native_net *net)
{
    native_net_free_channels(net);
    for (size_t i = 0; i < net->n; i++) {
        close(net->spare[i]);
        fault_proxy_free(net->proxy[i]);
    }
}

static void *close_one(void *arg)
{
    struct whist_error err;

    CHECK_OK(whist_channel_close(arg, 0, &err), err);
    return NULL;
}

void native_net_close(struct native_net *net)
{
    pthread_t threads[WHIST_MAX_PARTIES];

    for (size_t i = 0; i < net->n; i++) {
        CHECK(pthread_create(&threads[i], NULL, close_one, net->ch[i]) == 0);
    }
    for (size_t i = 0; i < net->n; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}
