/* SPDX-License-Identifier: MIT */
/*
 * filter_socket.c - the lowest filter of a stream: the socket itself.
 *
 * A call that gets less than it asked for has emptied the socket, or filled it, and the next change raises an edge: so
 * the next call waits for that, and none is made just to see EAGAIN.  The end of the stream and errors have raised
 * their edge already, so after a hang-up reading goes on until it has seen them.
 */
#include <fcntl.h>
#include <sys/sendfile.h>

#include "io/stream/stream.h"

#define IOV_CUT 8 /* pieces of a call that is cut; there is another for the rest */

static struct fd *fd_of(const struct filter *f)
{
    return &container_of(f, struct socket_filter, filter)->fd;
}

/* Why the socket may not be touched; 0: it may. */
static int refusal(const struct fd *fd)
{
    if (!bide__fd_is_open(fd))
        return BIDE_ECLOSED;
    return bide__loop_is_inherited(fd->loop) ? BIDE_ESTATE : 0; /* it is the parent's: not a byte, and no shutdown */
}

/* May it be read?  0, or what the reading gives instead. */
static int reading_refusal(const struct fd *fd)
{
    int refused = refusal(fd);

    return refused ? refused : fd->readable ? 0 : -EAGAIN;
}

/* Of a call that read: what it gave. */
static ssize_t note_read(struct fd *fd, ssize_t n)
{
    n = n < 0 ? -errno : n;
    if (n > 0)
        bide__fd_spend(fd, (size_t)n);
    return n;
}

static ssize_t socket_recv(struct filter *f, void *out, size_t cap)
{
    struct fd *fd = fd_of(f);
    int refused = reading_refusal(fd);
    if (refused)
        return refused;

    ssize_t n;
    cap = bide__fd_call_max(fd, cap);
    do
        n = recv(fd->fd, out, cap, 0);
    while (n < 0 && errno == EINTR);
    n = note_read(fd, n);
    if (n == -EAGAIN || (n > 0 && (size_t)n < cap && !fd->hangup))
        fd->readable = false;
    return n;
}

/* A short count may mean that the pipe is full, so only EAGAIN says that the socket is empty. */
static ssize_t socket_splice(struct filter *f, int pipe, size_t cap)
{
    struct fd *fd = fd_of(f);
    int refused = reading_refusal(fd);
    if (refused)
        return refused;

    ssize_t n;
    do
        n = splice(fd->fd, NULL, pipe, NULL, bide__fd_call_max(fd, cap), SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (n < 0 && errno == EINTR);
    n = note_read(fd, n);
    if (n == -EAGAIN)
        fd->readable = false;
    return n;
}

static size_t iov_len(const struct iovec *iov, int n)
{
    size_t len = 0;

    for (int i = 0; i < n; i++)
        len += iov[i].iov_len;
    return len;
}

/* The pieces up to a sum of `most` bytes, the last one cut: how many there are.  They are more than that in all. */
static int iov_cut(struct iovec cut[IOV_CUT], const struct iovec *iov, size_t most)
{
    int n = 0;

    for (; n < IOV_CUT && most > 0; n++) {
        cut[n] = (struct iovec){iov[n].iov_base, iov[n].iov_len < most ? iov[n].iov_len : most};
        most -= cut[n].iov_len;
    }
    return n;
}

/* One piece is the usual case; send spares it 0.1 us, for the kernel has no header to read and to check. */
static ssize_t send_pieces(int fd, const struct iovec *iov, int n)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};

    return n == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL) : sendmsg(fd, &msg, MSG_NOSIGNAL);
}

/* What a call to send this many bytes came to. */
static ssize_t note_sent(struct fd *fd, ssize_t sent, size_t len)
{
    if (sent > 0)
        bide__fd_spend(fd, (size_t)sent);
    if (sent == -EAGAIN || (sent >= 0 && (size_t)sent < len))
        fd->writable = false;
    if (sent == -EPIPE || sent == -ECONNRESET)
        fd->readable = true; /* ahead of the event: the peer may have said why */
    return sent;
}

static ssize_t socket_send(struct filter *f, const struct iovec *iov, int n)
{
    struct fd *fd = fd_of(f);
    struct iovec cut[IOV_CUT];
    int refused = refusal(fd);
    if (refused)
        return refused;
    if (!fd->writable)
        return -EAGAIN;

    size_t len = iov_len(iov, n), most = bide__fd_call_max(fd, len);
    if (most < len) {
        n = iov_cut(cut, iov, most);
        iov = cut;
        len = iov_len(iov, n);
    }
    ssize_t sent;
    do
        sent = send_pieces(fd->fd, iov, n);
    while (sent < 0 && errno == EINTR);
    return note_sent(fd, sent < 0 ? -errno : sent, len);
}

/* sendfile has no MSG_NOSIGNAL.  Less than was asked for is also what the end of the file gives: then the socket may take
   more, and the next call says so. */
static ssize_t socket_send_file(struct filter *f, int file, off_t offset, size_t len)
{
    struct fd *fd = fd_of(f);
    struct quiet quiet;
    int refused = refusal(fd);
    if (refused)
        return refused;
    if (!fd->writable)
        return -EAGAIN;

    ssize_t sent;
    len = bide__fd_call_max(fd, len);
    bide__quiet_begin(&quiet);
    do
        sent = sendfile(fd->fd, file, &offset, len);
    while (sent < 0 && errno == EINTR);
    sent = sent < 0 ? -errno : sent;
    bide__quiet_end(&quiet, sent);
    if (sent == -EINVAL || sent == -ENOSYS)
        return -EOPNOTSUPP;
    return note_sent(fd, sent, sent >= 0 ? (size_t)sent : len);
}

/* A socket that is closed may be tried, too: the result says so. */
static bool socket_may_recv(const struct filter *f)
{
    const struct fd *fd = fd_of(f);

    return fd->readable || !bide__fd_is_open(fd);
}

static int socket_shutdown(struct filter *f)
{
    int refused = refusal(fd_of(f));
    if (refused)
        return refused;
    return shutdown(fd_of(f)->fd, SHUT_WR) < 0 ? -errno : 0;
}

static void socket_close(struct filter *f)
{
    bide__fd_close(fd_of(f));
}

/* ---- what the layers above leave to the lowest ---- */

static int socket_wait(struct filter *f, unsigned sides, struct flow *flow)
{
    struct fd *fd = fd_of(f);

    if (flow)
        return bide__fd_wait_flow(fd, sides, flow);
    return sides == FLOW_OUT ? bide__fd_wait_writable(fd) : bide__fd_wait_readable(fd);
}

static int socket_yield(struct filter *f)
{
    return bide__fd_yield_if_over_budget(fd_of(f));
}

static void socket_watch(struct filter *f, struct clause *c)
{
    bide__list_append(&fd_of(f)->readers, &c->node);
}

/* Bytes that have come are no end of it, as far as the socket knows. */
unchecked_frame static bool socket_is_alive(const struct filter *f, bool probe)
{
    struct fd *fd = fd_of(f);
    char byte;

    if (probe && !fd->readable && bide__fd_is_open(fd)) {
        if (recv(fd->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0)
            fd->readable = true; /* ahead of the event */
        else if (errno != EAGAIN && errno != EINTR)
            return false;
    }
    return bide__fd_is_open(fd) && !fd->hangup;
}

static size_t socket_queued(const struct filter *f)
{
    return bide__fd_queued(fd_of(f));
}

const struct filter_ops bide__socket_filter_ops = {.try_recv = socket_recv,
                                                   .try_splice = socket_splice,
                                                   .try_send = socket_send,
                                                   .may_recv = socket_may_recv,
                                                   .shutdown = socket_shutdown,
                                                   .close = socket_close,
                                                   .wait = socket_wait,
                                                   .yield = socket_yield,
                                                   .watch = socket_watch,
                                                   .is_alive = socket_is_alive,
                                                   .queued = socket_queued,
                                                   .abort = socket_close,
                                                   .try_send_file = socket_send_file};
