/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A slow, lossy network between network namespaces, for kernels without netem:
 *
 *   forwarder [-n PARTIES] [-d DELAY_MS] [-l LOSS_PERCENT] [-r RATE_MBIT] [-q QUEUE_KIB] [-s SEED]
 *
 * makes a namespace for each party, with a TUN device that has the address 10.77.0.1, .2, ...;
 * carries IPv4 packets between them, each party behind a line of its own that delays what it sends;
 * prints "ready PID..." (one process a namespace, for nsenter -n -t PID) and forwards until its
 * standard input ends; then prints what the lines did. The namespaces go with it. Defaults: 2
 * parties, no delay, no loss, any rate, 256 KiB. Needs CAP_NET_ADMIN, which `unshare -Urn` gives;
 * exit status 77 with one line where the kernel forbids it. */
#define _GNU_SOURCE /* unshare */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "line.h"

#define MAX_PARTIES 16
#define NETWORK     0x0a4d0000u /* 10.77.0.0/24; party i has .i+1 */
#define MTU         1500
#define SECOND      ((int64_t)1000000000)

struct packet {
    struct packet *next;
    int64_t arrives;
    size_t to, len;
    uint8_t data[MTU];
};

struct party {
    pid_t pid;
    int tun;
    struct line line;            /* of what it sends */
    struct packet *head, **tail; /* on this line, by time of arrival */
};

static struct party parties[MAX_PARTIES];
static size_t n_parties = 2;

static _Noreturn void skip(const char *what)
{
    printf("skipped: no virtual network here: %s: %s\n", what, strerror(errno));
    exit(77);
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "forwarder: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- Namespaces ---- */

static void set_up(int ctl, const char *name)
{
    struct ifreq ifr = {0};

    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    if (ioctl(ctl, SIOCGIFFLAGS, &ifr) != 0) {
        fail("SIOCGIFFLAGS");
    }
    ifr.ifr_flags |= IFF_UP;
    if (ioctl(ctl, SIOCSIFFLAGS, &ifr) != 0) {
        fail("SIOCSIFFLAGS");
    }
}

static void set_address(int ctl, unsigned long request, const char *name, uint32_t address)
{
    struct ifreq ifr = {0};
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};

    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    memcpy(&ifr.ifr_addr, &sa, sizeof sa);
    if (ioctl(ctl, request, &ifr) != 0) {
        fail("address");
    }
}

/* The TUN device of party i, in a new namespace of the calling process. */
static int make_tun(size_t i)
{
    struct ifreq ifr = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int ctl, tun;

    if (unshare(CLONE_NEWNET) != 0) {
        skip("unshare");
    }
    tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0) {
        skip("/dev/net/tun");
    }
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "line");
    if (ioctl(tun, TUNSETIFF, &ifr) != 0) {
        skip("TUNSETIFF");
    }
    ctl = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (ctl < 0) {
        fail("socket");
    }
    set_up(ctl, "lo");
    set_address(ctl, SIOCSIFADDR, "line", NETWORK + (uint32_t)i + 1);
    set_address(ctl, SIOCSIFNETMASK, "line", 0xffffff00u);
    set_up(ctl, "line");
    close(ctl);
    return tun;
}

static void send_fd(int sock, int fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    if (sendmsg(sock, &msg, 0) != 1) {
        fail("sendmsg");
    }
}

/* −1 if the other end has gone. */
static int receive_fd(int sock)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.bytes,
                         .msg_controllen = sizeof control.bytes};
    int fd;

    if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != 1 || CMSG_FIRSTHDR(&msg) == NULL) {
        return -1;
    }
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof fd);
    return fd;
}

/* A process that holds the namespace of party i until this one ends. */
static void make_party(size_t i)
{
    struct party *p = &parties[i];
    int pair[2], status;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        fail("socketpair");
    }
    p->pid = fork();
    if (p->pid < 0) {
        fail("fork");
    }
    if (p->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]);
        send_fd(pair[1], make_tun(i));
        for (;;) {
            pause();
        }
    }
    close(pair[1]);
    p->tun = receive_fd(pair[0]);
    close(pair[0]);
    if (p->tun < 0) {
        if (waitpid(p->pid, &status, 0) != p->pid || !WIFEXITED(status)) {
            status = 1 << 8;
        }
        exit(WEXITSTATUS(status)); /* it has said why */
    }
    p->tail = &p->head;
}

/* ---- Packets ---- */

static int64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* The party that an IPv4 packet is for; n_parties if none. */
static size_t receiver(const uint8_t *packet, size_t len)
{
    uint32_t to;

    if (len < 20 || packet[0] >> 4 != 4) {
        return n_parties;
    }
    memcpy(&to, packet + 16, sizeof to);
    to = ntohl(to) - NETWORK - 1; /* wraps for smaller ones */
    return to < n_parties ? to : n_parties;
}

static void take_packets(struct party *p)
{
    uint8_t data[MTU];

    for (;;) {
        ssize_t len = read(p->tun, data, sizeof data);
        int64_t arrives;
        size_t to;
        if (len < 0) {
            if (errno != EAGAIN) {
                fail("read");
            }
            return;
        }
        to = receiver(data, (size_t)len);
        if (to < n_parties && line_offer(&p->line, &arrives, now_ns(), (size_t)len)) {
            struct packet *packet = malloc(sizeof *packet);
            if (packet == NULL) {
                fail("memory");
            }
            *packet = (struct packet){.arrives = arrives, .to = to, .len = (size_t)len};
            memcpy(packet->data, data, (size_t)len);
            *p->tail = packet;
            p->tail = &packet->next;
        }
    }
}

/* Hands over what has arrived; returns when the next packet does. */
static int64_t deliver(struct party *p, int64_t now)
{
    while (p->head != NULL && p->head->arrives <= now) {
        struct packet *packet = p->head;
        p->head = packet->next;
        if (p->head == NULL) {
            p->tail = &p->head;
        }
        if (write(parties[packet->to].tun, packet->data, packet->len) < 0 && errno != EAGAIN &&
            errno != ENOBUFS) {
            fail("write");
        }
        free(packet);
    }
    return p->head != NULL ? p->head->arrives : INT64_MAX;
}

static void forward(void)
{
    struct pollfd fds[MAX_PARTIES + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    char byte;

    for (size_t i = 0; i < n_parties; i++) {
        fds[i + 1] = (struct pollfd){.fd = parties[i].tun, .events = POLLIN};
    }
    for (;;) {
        int64_t now = now_ns(), next = INT64_MAX;
        struct timespec wait = {0};
        for (size_t i = 0; i < n_parties; i++) {
            int64_t at = deliver(&parties[i], now);
            next = at < next ? at : next;
        }
        if (next > now && next != INT64_MAX) {
            wait.tv_sec = (next - now) / SECOND;
            wait.tv_nsec = (next - now) % SECOND;
        }
        if (ppoll(fds, n_parties + 1, next == INT64_MAX ? NULL : &wait, NULL) < 0 &&
            errno != EINTR) {
            fail("poll");
        }
        if ((fds[0].revents & (POLLIN | POLLHUP)) != 0 && read(STDIN_FILENO, &byte, 1) <= 0) {
            return;
        }
        for (size_t i = 0; i < n_parties; i++) {
            take_packets(&parties[i]);
        }
    }
}

/* ---- Options ---- */

static double number(const char *text, double min, double max)
{
    char *end;
    double x = strtod(text, &end);

    if (end == text || *end != '\0' || !(x >= min && x <= max)) {
        fprintf(stderr, "forwarder: bad number '%s'\n", text);
        exit(2);
    }
    return x;
}

static void options(int argc, char **argv, struct line *line_out)
{
    int c;

    line_out->queue_bytes = 256 << 10;
    while ((c = getopt(argc, argv, "n:d:l:r:q:s:")) != -1) {
        switch (c) {
        case 'n':
            n_parties = (size_t)number(optarg, 2, MAX_PARTIES);
            break;
        case 'd':
            line_out->delay_ns = (int64_t)(number(optarg, 0, 10000) * 1e6);
            break;
        case 'l':
            line_out->loss_ppm = (uint32_t)(number(optarg, 0, 100) * 10000);
            break;
        case 'r':
            line_out->rate_bit = (uint64_t)(number(optarg, 0, 100000) * 1e6);
            break;
        case 'q':
            line_out->queue_bytes = (size_t)number(optarg, 1, 1 << 20) << 10;
            break;
        case 's':
            line_out->seed = (uint64_t)number(optarg, 0, 1e15);
            break;
        default:
            exit(2);
        }
    }
}

int main(int argc, char **argv)
{
    struct line line = {0};

    options(argc, argv, &line);
    for (size_t i = 0; i < n_parties; i++) {
        make_party(i);
        parties[i].line = line;
        parties[i].line.seed += i;
    }
    printf("ready");
    for (size_t i = 0; i < n_parties; i++) {
        printf(" %d", (int)parties[i].pid);
    }
    printf("\n");
    fflush(stdout);
    forward();
    for (size_t i = 0; i < n_parties; i++) {
        const struct line *l = &parties[i].line;
        printf("party %zu: %llu packets passed, %llu lost, %llu dropped\n", i,
               (unsigned long long)l->n_passed, (unsigned long long)l->n_lost,
               (unsigned long long)l->n_dropped);
        kill(parties[i].pid, SIGKILL);
        waitpid(parties[i].pid, NULL, 0);
    }
    return 0;
}
