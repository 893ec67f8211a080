/* SPDX-License-Identifier: Apache-2.0 OR MIT */
#include "bench_tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench_tls.h"

#define LENGTH_LEN 4
#define WRITE_MAX  ((size_t)65536)
#define READ_MAX   ((size_t)262144)
#define QUEUE_MAX  ((size_t)262144)   /* bytes waiting to be written, twice */
#define INBOX_MAX  ((size_t)1048576)  /* bytes waiting for the application … */
#define INBOX_MIN  4                  /* … and messages, before the socket has to wait */
#define LARGE      ((size_t)4096)     /* messages of this size are kept to be used again … */
#define KEPT_MAX   ((size_t)16777216) /* … up to so many bytes */
#define DIRECT_MAX                                                                                 \
    ((size_t)4096) /* a message that its sender may write itself, with its length                  \
                    */
#define MESSAGE_MAX ((size_t)1 << 30)

/* A queue of bytes: the application fills one while the I/O thread writes the other. */
struct bytes {
    uint8_t *data; /* QUEUE_MAX */
    size_t len, at;
};

struct tcp_link {
    int fd, wake_fd;
    struct tls_stream *tls;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* of all that follows up to the next paragraph */
    pthread_cond_t room, arrived;
    struct bytes filling;
    struct tcp_message *first, **last;
    size_t inbox, n_inbox;
    struct tcp_message *kept;
    size_t n_kept;
    bool asleep;  /* the I/O thread waits for events */
    bool full;    /* … and does not read: the inbox is full */
    bool stuck;   /* … and has bytes that the socket does not take */
    bool waiting; /* the application waits for a message */
    bool turn;    /* it has received since it sent: nothing will follow that could share a write */
    bool direct;  /* it is writing itself */
    bool stop, ended;

    /* The I/O thread's own. */
    struct bytes draining;
    bool blocked; /* the socket takes no more */
    bool pending; /* OpenSSL holds bytes that were not asked for yet */
    uint8_t *in;  /* READ_MAX */
    size_t in_len;
    struct tcp_message *partial; /* a message whose first bytes are here */
    size_t partial_len;
    struct tcp_message *batch, **batch_last; /* complete, not yet in the inbox */
    size_t batch_bytes, n_batch;
};

/* ---- Sockets ---- */

whist_status tcp_listen(struct tcp_listener *out, struct whist_error *err)
{
    socklen_t len = sizeof(out->address);

    out->fd = socket(AF_INET, SOCK_STREAM, 0);
    out->address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (out->fd < 0 || bind(out->fd, (struct sockaddr *)&out->address, len) != 0 ||
        listen(out->fd, 1) != 0 ||
        getsockname(out->fd, (struct sockaddr *)&out->address, &len) != 0) {
        return cli_fail_errno(err, "cannot listen on loopback");
    }
    return WHIST_OK;
}

static whist_status open_socket(struct tcp_link *l, const struct tcp_listener *listener,
                                bool server, struct whist_error *err)
{
    int on = 1;

    if (server) {
        l->fd = accept(listener->fd, NULL, NULL);
    } else {
        l->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (l->fd >= 0 && connect(l->fd, (const struct sockaddr *)&listener->address,
                                  sizeof(listener->address)) != 0) {
            return cli_fail_errno(err, "cannot connect over loopback");
        }
    }
    if (l->fd < 0 || setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
        return cli_fail_errno(err, "cannot use a socket");
    }
    return WHIST_OK;
}

static ssize_t put(struct tcp_link *l, const uint8_t *data, size_t len)
{
    return l->tls != NULL ? tls_stream_write(l->tls, data, len)
                          : send(l->fd, data, len, MSG_NOSIGNAL);
}

/* ---- The I/O thread: out ---- */

/* Takes what is queued; false if there is nothing, or the application is writing. */
static bool refill(struct tcp_link *l)
{
    pthread_mutex_lock(&l->lock);
    bool any = l->filling.len > 0 && !l->direct;
    if (any) {
        struct bytes empty = l->draining;
        empty.at = empty.len = 0;
        l->draining = l->filling;
        l->filling = empty;
        pthread_cond_signal(&l->room);
    }
    pthread_mutex_unlock(&l->lock);
    return any;
}

/* False if the socket does not take all that OpenSSL has for it. */
static bool flush(struct tcp_link *l)
{
    return l->tls == NULL || tls_stream_flush(l->tls);
}

/* False when the connection is broken. */
static bool write_some(struct tcp_link *l)
{
    struct bytes *b = &l->draining;

    l->blocked = !flush(l);
    while (!l->blocked) {
        if (b->at == b->len) {
            if (!refill(l)) {
                break;
            }
        }
        size_t len = b->len - b->at;
        ssize_t n = put(l, b->data + b->at, len < WRITE_MAX ? len : WRITE_MAX);
        if (n > 0) {
            b->at += (size_t)n;
        } else if (errno == EAGAIN) {
            l->blocked = true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    l->blocked = l->blocked || !flush(l);
    return true;
}

/* ---- The I/O thread: in ---- */

static struct tcp_message *new_message(struct tcp_link *l, size_t len)
{
    struct tcp_message *m = NULL;

    if (len >= LARGE) {
        pthread_mutex_lock(&l->lock);
        if (l->kept != NULL && l->kept->room >= len) {
            m = l->kept;
            l->kept = m->next;
            l->n_kept -= m->room;
        }
        pthread_mutex_unlock(&l->lock);
    }
    if (m == NULL) {
        m = malloc(sizeof(*m) + len);
        if (m == NULL) {
            return NULL;
        }
        m->room = len;
    }
    m->next = NULL;
    m->len = len;
    return m;
}

static void add_to_batch(struct tcp_link *l, struct tcp_message *m)
{
    *l->batch_last = m;
    l->batch_last = &m->next;
    l->batch_bytes += m->len + sizeof(*m);
    l->n_batch++;
}

/* Hands everything that is complete to the application. */
static void deliver(struct tcp_link *l)
{
    if (l->batch == NULL) {
        return;
    }
    pthread_mutex_lock(&l->lock);
    *l->last = l->batch;
    l->last = l->batch_last;
    l->inbox += l->batch_bytes;
    l->n_inbox += l->n_batch;
    if (l->waiting) {
        pthread_cond_signal(&l->arrived);
    }
    pthread_mutex_unlock(&l->lock);
    l->batch = NULL;
    l->batch_last = &l->batch;
    l->batch_bytes = l->n_batch = 0;
}

/* Takes messages out of what was read; what is left is the beginning of one, which moves on into
 * its own memory if it has a length. */
static bool parse(struct tcp_link *l)
{
    size_t at = 0;
    uint32_t len;

    while (l->in_len - at >= LENGTH_LEN) {
        memcpy(&len, l->in + at, LENGTH_LEN);
        size_t have = l->in_len - at - LENGTH_LEN;
        struct tcp_message *m = len <= MESSAGE_MAX ? new_message(l, len) : NULL;
        if (m == NULL) {
            return false;
        }
        memcpy(m->data, l->in + at + LENGTH_LEN, have < len ? have : len);
        if (have < len) {
            l->partial = m;
            l->partial_len = have;
            l->in_len = 0;
            return true;
        }
        add_to_batch(l, m);
        at += LENGTH_LEN + len;
    }
    memmove(l->in, l->in + at, l->in_len - at);
    l->in_len -= at;
    return true;
}

/* Bytes into the rest of a message that has begun, and behind it into l->in. */
static ssize_t get(struct tcp_link *l, size_t rest)
{
    struct iovec parts[2];
    uint8_t *to = l->partial != NULL ? l->partial->data + l->partial_len : l->in + l->in_len;

    if (l->tls != NULL) {
        return tls_stream_read(l->tls, to, l->partial != NULL ? rest : READ_MAX - l->in_len);
    }
    if (l->partial == NULL) {
        return recv(l->fd, to, READ_MAX - l->in_len, 0);
    }
    parts[0] = (struct iovec){to, rest};
    parts[1] = (struct iovec){l->in, READ_MAX};
    return readv(l->fd, parts, 2);
}

/* False when the connection has ended. */
static bool read_some(struct tcp_link *l)
{
    l->pending = false;
    for (size_t total = 0; total < READ_MAX;) {
        size_t rest = l->partial != NULL ? l->partial->len - l->partial_len : 0;
        ssize_t n = get(l, rest);
        if (n <= 0) {
            deliver(l);
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        }
        size_t got = (size_t)n;
        total += got;
        if (l->partial != NULL && got < rest) {
            l->partial_len += got;
            continue;
        }
        if (l->partial != NULL) {
            add_to_batch(l, l->partial);
            l->partial = NULL;
            got -= rest;
        }
        l->in_len += got;
        if (!parse(l)) {
            return false;
        }
        if (l->tls == NULL) {
            break; /* all that was there */
        }
    }
    l->pending = l->tls != NULL;
    deliver(l);
    return true;
}

/* ---- The I/O thread: turns ---- */

/* Decides whether to sleep; false when it is time to go. */
static bool prepare(struct tcp_link *l, struct pollfd *fds, int *timeout_out)
{
    pthread_mutex_lock(&l->lock);
    bool more = (l->filling.len > 0 && !l->direct) || l->draining.at < l->draining.len;
    bool go = l->stop && !more && !l->blocked;
    l->full = l->inbox > INBOX_MAX && l->n_inbox > INBOX_MIN;
    l->asleep = !more || l->blocked;
    l->asleep = l->asleep && !(l->pending && !l->full);
    l->stuck = l->blocked;
    *timeout_out = l->asleep ? -1 : 0;
    fds[0].events = (short)((l->full ? 0 : POLLIN) | (l->blocked ? POLLOUT : 0));
    pthread_mutex_unlock(&l->lock);
    return !go;
}

static void *io_thread(void *arg)
{
    struct tcp_link *l = arg;
    struct pollfd fds[2] = {{.fd = l->fd}, {.fd = l->wake_fd, .events = POLLIN}};
    bool good = true;
    int timeout;
    uint64_t count;

    while (good && prepare(l, fds, &timeout)) {
        if (poll(fds, 2, timeout) < 0 && errno != EINTR) {
            break;
        }
        pthread_mutex_lock(&l->lock);
        l->asleep = false;
        pthread_mutex_unlock(&l->lock);
        if ((fds[1].revents & POLLIN) != 0 && read(l->wake_fd, &count, sizeof(count)) < 0) {
            break;
        }
        if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0 || (l->pending && !l->full)) {
            good = read_some(l);
        }
        good = good && write_some(l);
    }
    pthread_mutex_lock(&l->lock);
    l->ended = true;
    pthread_cond_signal(&l->arrived);
    pthread_cond_signal(&l->room);
    pthread_mutex_unlock(&l->lock);
    return NULL;
}

/* ---- The application's side ---- */

static void wake(struct tcp_link *l)
{
    uint64_t one = 1;

    (void)!write(l->wake_fd, &one, sizeof(one)); /* its counter is never full */
}

static void append(struct bytes *b, const void *data, size_t len)
{
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

/* Writes a short message from the sender's own thread, which saves the way through the other one;
 * what the socket does not take is queued. */
static void send_directly(struct tcp_link *l, const uint8_t *data, size_t len)
{
    uint8_t bytes[DIRECT_MAX];
    uint32_t head = (uint32_t)len;

    memcpy(bytes, &head, LENGTH_LEN);
    memcpy(bytes + LENGTH_LEN, data, len);
    len += LENGTH_LEN;
    ssize_t n = put(l, bytes, len);
    size_t done = n > 0 ? (size_t)n : 0;
    pthread_mutex_lock(&l->lock);
    l->direct = false;
    append(&l->filling, bytes + done, len - done);
    bool more = l->filling.len > 0 || !flush(l);
    pthread_mutex_unlock(&l->lock);
    if (more) {
        wake(l);
    }
}

/* May this message be written directly? */
static bool take_turn(struct tcp_link *l, size_t len)
{
    pthread_mutex_lock(&l->lock);
    l->direct = l->turn && l->asleep && !l->stuck && l->filling.len == 0 && !l->ended &&
                len + LENGTH_LEN <= DIRECT_MAX;
    l->turn = false;
    bool mine = l->direct;
    pthread_mutex_unlock(&l->lock);
    return mine;
}

whist_status tcp_link_send(struct tcp_link *l, const uint8_t *data, size_t len,
                           struct whist_error *err)
{
    uint32_t head = (uint32_t)len;
    bool begun = false, ended = false;

    if (l->turn && take_turn(l, len)) {
        send_directly(l, data, len);
        return WHIST_OK;
    }
    do {
        pthread_mutex_lock(&l->lock);
        while (l->filling.len + LENGTH_LEN >= QUEUE_MAX && !l->ended) {
            pthread_cond_wait(&l->room, &l->lock);
        }
        if (!begun) {
            append(&l->filling, &head, LENGTH_LEN);
            begun = true;
        }
        size_t room = QUEUE_MAX - l->filling.len;
        size_t part = len < room ? len : room;
        append(&l->filling, data, part);
        data += part;
        len -= part;
        bool asleep = l->asleep;
        l->asleep = false; /* one wake-up is enough */
        ended = l->ended;
        pthread_mutex_unlock(&l->lock);
        if (asleep) {
            wake(l);
        }
    } while (len > 0 && !ended);
    return ended ? cli_fail(err, WHIST_ERR_CLOSED, "the raw connection has ended") : WHIST_OK;
}

whist_status tcp_link_recv(struct tcp_link *l, struct tcp_message **out, struct whist_error *err)
{
    pthread_mutex_lock(&l->lock);
    while (l->first == NULL && !l->ended) {
        l->waiting = true;
        pthread_cond_wait(&l->arrived, &l->lock);
    }
    l->waiting = false;
    l->turn = true;
    struct tcp_message *m = l->first;
    bool resume = false;
    if (m != NULL) {
        l->first = m->next;
        l->last = l->first == NULL ? &l->first : l->last;
        l->inbox -= m->len + sizeof(*m);
        l->n_inbox--;
        resume = l->full && (l->inbox < INBOX_MAX / 2 || l->n_inbox <= INBOX_MIN / 2);
        l->full = l->full && !resume;
    }
    pthread_mutex_unlock(&l->lock);
    if (resume) {
        wake(l);
    }
    *out = m;
    return m != NULL ? WHIST_OK : cli_fail(err, WHIST_ERR_CLOSED, "the raw connection has ended");
}

void tcp_link_release(struct tcp_link *l, struct tcp_message *m)
{
    bool keep = false;

    if (m != NULL && m->room >= LARGE) {
        pthread_mutex_lock(&l->lock);
        keep = l->n_kept + m->room <= KEPT_MAX;
        if (keep) {
            m->next = l->kept;
            l->kept = m;
            l->n_kept += m->room;
        }
        pthread_mutex_unlock(&l->lock);
    }
    if (!keep) {
        free(m);
    }
}

/* ---- Life ---- */

static void free_list(struct tcp_message *m)
{
    while (m != NULL) {
        struct tcp_message *next = m->next;
        free(m);
        m = next;
    }
}

void tcp_link_free(struct tcp_link *l)
{
    if (l == NULL) {
        return;
    }
    if (l->running) {
        pthread_mutex_lock(&l->lock);
        l->stop = true;
        pthread_mutex_unlock(&l->lock);
        wake(l);
        pthread_join(l->thread, NULL);
    }
    tls_stream_free(l->tls);
    if (l->fd >= 0) {
        close(l->fd);
    }
    if (l->wake_fd >= 0) {
        close(l->wake_fd);
    }
    free_list(l->first);
    free_list(l->batch);
    free_list(l->kept);
    free(l->partial);
    free(l->filling.data);
    free(l->draining.data);
    free(l->in);
    pthread_mutex_destroy(&l->lock);
    pthread_cond_destroy(&l->room);
    pthread_cond_destroy(&l->arrived);
    free(l);
}

static whist_status start(struct tcp_link *l, const struct tcp_listener *listener, bool server,
                          const struct tls_pair *tls, struct whist_error *err)
{
    l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->filling.data = malloc(QUEUE_MAX);
    l->draining.data = malloc(QUEUE_MAX);
    l->in = malloc(READ_MAX);
    if (l->filling.data == NULL || l->draining.data == NULL || l->in == NULL) {
        return cli_nomem(err);
    }
    TRY(open_socket(l, listener, server, err));
    if (tls != NULL) {
        TRY(tls_stream_new(&l->tls, tls, l->fd, server, err));
    }
    if (l->wake_fd < 0 || fcntl(l->fd, F_SETFL, O_NONBLOCK) != 0) {
        return cli_fail_errno(err, "cannot use a socket");
    }
    if (pthread_create(&l->thread, NULL, io_thread, l) != 0) {
        return cli_fail(err, WHIST_ERR_NOMEM, "cannot start a thread");
    }
    l->running = true;
    return WHIST_OK;
}

whist_status tcp_link_new(struct tcp_link **out, const struct tcp_listener *listener, bool server,
                          const struct tls_pair *tls, struct whist_error *err)
{
    struct tcp_link *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        return cli_nomem(err);
    }
    l->fd = l->wake_fd = -1;
    l->last = &l->first;
    l->batch_last = &l->batch;
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->room, NULL);
    pthread_cond_init(&l->arrived, NULL);
    whist_status st = start(l, listener, server, tls, err);
    if (st != WHIST_OK) {
        tcp_link_free(l);
        return st;
    }
    *out = l;
    return WHIST_OK;
}
