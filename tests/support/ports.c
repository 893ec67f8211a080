/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>
#include <whist/identity.h>

#include "harness.h"

int listen_loopback(uint16_t *port_out)
{
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    CHECK(bind(fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    CHECK(listen(fd, 512) == 0);
    *port_out = whist_net_port(fd);
    CHECK(*port_out != 0);
    return fd;
}

/* ---- Keys ---- */

static struct whist_identity *identities[WHIST_MAX_PARTIES];
static struct whist_party_trust trust[WHIST_MAX_PARTIES];
static pthread_once_t keys_once = PTHREAD_ONCE_INIT;

static void make_keys(void)
{
    static char names[WHIST_MAX_PARTIES][16], pins[WHIST_MAX_PARTIES][WHIST_PIN_TEXT];
    struct whist_error err;

    for (size_t i = 0; i < WHIST_MAX_PARTIES; i++) {
        snprintf(names[i], sizeof names[i], "party%zu", i);
        const struct whist_identity_options o = {.name = names[i], .days = 2};
        CHECK_OK(whist_identity_generate(&identities[i], &o, &err), err);
        whist_identity_pin(identities[i], pins[i]);
        trust[i] = (struct whist_party_trust){.name = names[i], .proof.pin = pins[i]};
    }
}

const struct whist_identity *test_identity(size_t i)
{
    pthread_once(&keys_once, make_keys);
    return identities[i];
}

const struct whist_party_trust *test_trust(void)
{
    pthread_once(&keys_once, make_keys);
    return trust;
}

/* ---- Channels ---- */

static whist_status make_one(struct whist_channel **out, const struct whist_http_options *options,
                             int fd, const struct whist_http_tuning *tuning,
                             struct whist_error *err)
{
    return options->legacy ? whist_channel_http_new_fd(out, options, fd, tuning, err)
                           : whist_channel_native_new_fd(out, options, fd, err);
}

static whist_status make_channels(struct whist_channel **out, size_t n,
                                  const struct whist_http_options *base, bool legacy, bool tls,
                                  const struct whist_http_tuning *tuning, struct whist_error *err)
{
    struct whist_http_options options = base != NULL ? *base : (struct whist_http_options){0};
    char urls[WHIST_MAX_PARTIES][40];
    const char *pointers[WHIST_MAX_PARTIES];
    int fds[WHIST_MAX_PARTIES];
    whist_status st = WHIST_OK;
    size_t made = 0;

    for (size_t i = 0; i < n; i++) {
        uint16_t port;
        fds[i] = listen_loopback(&port);
        snprintf(urls[i], sizeof urls[i], "http%s://127.0.0.1:%u", tls ? "s" : "", (unsigned)port);
        pointers[i] = urls[i];
    }
    options.n = n;
    options.urls = pointers;
    options.legacy = legacy;
    for (; made < n; made++) {
        options.me = made;
        options.identity = tls ? test_identity(made) : NULL;
        options.trust = tls ? test_trust() : NULL;
        st = make_one(&out[made], &options, fds[made], tuning, err);
        if (st != WHIST_OK) {
            break;
        }
    }
    if (st != WHIST_OK) {
        for (size_t i = made + 1; i < n; i++) { /* that of `made` was taken */
            close(fds[i]);
        }
        for (size_t i = 0; i < made; i++) {
            whist_channel_free(out[i]);
        }
    }
    return st;
}

whist_status make_http_channels(struct whist_channel **out, size_t n,
                                const struct whist_http_options *base,
                                const struct whist_http_tuning *tuning, struct whist_error *err)
{
    return make_channels(out, n, base, true, false, tuning, err);
}

whist_status make_native_channels(struct whist_channel **out, size_t n,
                                  const struct whist_http_options *base, bool tls,
                                  struct whist_error *err)
{
    return make_channels(out, n, base, false, tls, NULL, err);
}
