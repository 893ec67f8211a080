/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "channel/http_net.h"

#define BACKLOG 512

void whist_net_error_text(char out[WHIST_NET_TEXT_MAX], int error)
{
    if (strerror_r(error, out, WHIST_NET_TEXT_MAX) != 0) {
        snprintf(out, WHIST_NET_TEXT_MAX, "error %d", error);
    }
}

void whist_net_address_text(char out[WHIST_NET_TEXT_MAX], const struct whist_net_address *address)
{
    char host[INET6_ADDRSTRLEN] = "?";

    if (address->sa.ss_family == AF_UNIX) {
        struct sockaddr_un un;
        memcpy(&un, &address->sa, sizeof un);
        snprintf(out, WHIST_NET_TEXT_MAX, "unix:%.50s", un.sun_path);
        return;
    }
    if (address->sa.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &address->sa, sizeof in6);
        (void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
        snprintf(out, WHIST_NET_TEXT_MAX, "[%s]:%u", host, (unsigned)ntohs(in6.sin6_port));
    } else {
        struct sockaddr_in in4;
        memcpy(&in4, &address->sa, sizeof in4);
        (void)inet_ntop(AF_INET, &in4.sin_addr, host, sizeof host);
        snprintf(out, WHIST_NET_TEXT_MAX, "%s:%u", host, (unsigned)ntohs(in4.sin_port));
    }
}

static void add_ipv4(struct whist_net_addresses *out, struct in_addr host, uint16_t port)
{
    struct whist_net_address *a = &out->at[out->n++];
    struct sockaddr_in in4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = host};

    *a = (struct whist_net_address){.len = sizeof in4};
    memcpy(&a->sa, &in4, sizeof in4);
}

static void add_ipv6(struct whist_net_addresses *out, struct in6_addr host, uint16_t port)
{
    struct whist_net_address *a = &out->at[out->n++];
    struct sockaddr_in6 in6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = host};

    *a = (struct whist_net_address){.len = sizeof in6};
    memcpy(&a->sa, &in6, sizeof in6);
}

static void add_unix(struct whist_net_addresses *out, const char *path)
{
    struct whist_net_address *a = &out->at[out->n++];
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    snprintf(un.sun_path, sizeof un.sun_path, "%.107s", path);
    *a = (struct whist_net_address){.len = sizeof un};
    memcpy(&a->sa, &un, sizeof un);
}

bool whist_net_literal(struct whist_net_addresses *out, const struct whist_url *url)
{
    struct in_addr in4 = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct in6_addr in6 = IN6ADDR_LOOPBACK_INIT;

    out->n = 0;
    if (url->kind == WHIST_URL_UNIX) {
        add_unix(out, url->host);
    } else if (url->kind == WHIST_URL_IPV4 && inet_pton(AF_INET, url->host, &in4) == 1) {
        add_ipv4(out, in4, url->port);
    } else if (url->kind == WHIST_URL_IPV6 && inet_pton(AF_INET6, url->host, &in6) == 1) {
        add_ipv6(out, in6, url->port);
    } else if (url->kind == WHIST_URL_NAME && url->loopback) {
        add_ipv4(out, in4, url->port);
        add_ipv6(out, in6, url->port);
    }
    return out->n != 0;
}

bool whist_net_set_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

/* A socket that listens on address, or −1 with errno. */
static int listen_on(const struct whist_net_address *address)
{
    int on = 1, off = 0, error;
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->sa.ss_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(fd, (const struct sockaddr *)&address->sa, address->len) == 0 &&
        listen(fd, BACKLOG) == 0) {
        return fd;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

whist_status whist_net_listen(int *fd_out, uint16_t *port_out, const struct whist_url *url,
                              bool any, struct whist_error *err)
{
    struct whist_net_addresses list = {0};
    char where[WHIST_NET_TEXT_MAX], why[WHIST_NET_TEXT_MAX];
    int fd = -1, error = EADDRNOTAVAIL;
    size_t last = 0;

    if (!any) {
        /* "localhost" is 127.0.0.1: every client tries that one. */
        WHIST_REQUIRE(whist_net_literal(&list, url));
        list.n = 1;
    } else {
        if (url->kind != WHIST_URL_IPV4) {
            add_ipv6(&list, (struct in6_addr)IN6ADDR_ANY_INIT, url->port);
        }
        if (url->kind != WHIST_URL_IPV6) {
            add_ipv4(&list, (struct in_addr){.s_addr = htonl(INADDR_ANY)}, url->port);
        }
    }
    for (size_t i = 0; i < list.n && fd < 0; i++) {
        fd = listen_on(&list.at[i]);
        error = errno;
        last = i;
        if (fd < 0 && error == EADDRINUSE) {
            break; /* the second family would listen beside another program */
        }
    }
    if (fd < 0) {
        whist_net_address_text(where, &list.at[last]);
        whist_net_error_text(why, error);
        return whist_fail(
            err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "cannot listen on %s: %s%s", where, why,
            error == EADDRINUSE ? " (is another party or program running on this port?)" : "");
    }
    *fd_out = fd;
    *port_out = whist_net_port(fd);
    return WHIST_OK;
}

/* A socket file is there, but nobody listens on it. */
static bool is_left_over(const struct sockaddr_un *un)
{
    struct stat st;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && lstat(un->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
                   connect(fd, (const struct sockaddr *)un, sizeof *un) != 0 &&
                   errno == ECONNREFUSED;

    if (fd >= 0) {
        close(fd);
    }
    return refused;
}

whist_status whist_net_listen_unix(int *fd_out, const char *path, struct whist_error *err)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char why[WHIST_NET_TEXT_MAX];
    int fd;

    if (path[0] != '/' || strlen(path) >= sizeof un.sun_path) {
        return whist_fail(err, WHIST_ERR_ARGUMENT, WHIST_NO_PEER, NULL,
                          "after unix: comes an absolute path of at most 107 bytes, not \"%.120s\"",
                          path);
    }
    memcpy(un.sun_path, path, strlen(path));
    if (is_left_over(&un)) {
        (void)unlink(path);
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    /* Nobody can connect between bind and listen, so nobody before the mode is set. */
    if (fd < 0 || bind(fd, (const struct sockaddr *)&un, sizeof un) != 0 ||
        chmod(path, S_IRUSR | S_IWUSR) != 0 || listen(fd, BACKLOG) != 0) {
        whist_net_error_text(why, errno);
        if (fd >= 0) {
            close(fd);
        }
        return whist_fail(err, WHIST_ERR_IO, WHIST_NO_PEER, NULL, "cannot listen on unix:%s: %s",
                          path, why);
    }
    *fd_out = fd;
    return WHIST_OK;
}

uint16_t whist_net_port(int fd)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;

    if (getsockname(fd, (struct sockaddr *)&sa, &len) != 0 || sa.ss_family == AF_UNIX) {
        return 0;
    }
    if (sa.ss_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, &sa, sizeof in6);
        return ntohs(in6.sin6_port);
    }
    struct sockaddr_in in4;
    memcpy(&in4, &sa, sizeof in4);
    return ntohs(in4.sin_port);
}

void whist_net_tune(int fd)
{
    int on = 1, idle_s = 30, interval_s = 10, count = 3;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

int whist_net_connect(const struct whist_net_address *address)
{
    int error;
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    whist_net_tune(fd);
    if (connect(fd, (const struct sockaddr *)&address->sa, address->len) == 0 ||
        errno == EINPROGRESS) {
        return fd;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int whist_net_connected(int fd)
{
    struct sockaddr_storage own = {0}, other = {0};
    socklen_t own_len = sizeof own, other_len = sizeof other;
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        return errno;
    }
    if (error != 0) {
        return error;
    }
    if (getsockname(fd, (struct sockaddr *)&own, &own_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&other, &other_len) != 0) {
        return errno == ENOTCONN ? EINPROGRESS : errno;
    }
    return own_len == other_len && memcmp(&own, &other, own_len) == 0 ? ECONNREFUSED : 0;
}
