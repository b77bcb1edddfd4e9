/* SPDX-License-Identifier: MIT */
/*
 * filter_fd.c - the lowest filter of a stream over any descriptor: a pipe, a terminal, a device, a file.
 *
 * O_NONBLOCK belongs to the open file, not to the descriptor: set on a terminal or pipe that was inherited, it makes the shell's
 * reads fail, too.  So of one that others use as well there are three ways, from the best:
 *
 *     OWN      an open file of our own: it was ours, or was opened once more through /proc; O_NONBLOCK is set
 *     NOWAIT   RWF_NOWAIT with each call: sockets, and pipes since Linux 6.4
 *     LOOK     poll() before each call, and writes of no more than a pipe that is not full takes.  If another process is faster
 *              between the two, the call waits, and with it the loop
 *
 * What cannot be polled is read and written at once, in whatever way.
 */
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bide/descriptor.h>

#include "io/stream/addr.h"
#include "io/stream/stream.h"

enum way { OWN, NOWAIT, LOOK };

struct fd_filter {
    struct filter filter;
    struct fd fd;
    enum way way;
    mode_t type; /* S_IFIFO, S_IFCHR ... */
    bool write_only;
    bool keep_open;
};

static struct fd_filter *of(const struct filter *f)
{
    return container_of(f, struct fd_filter, filter);
}

static int refusal(const struct fd *fd)
{
    if (!bide__fd_is_open(fd))
        return BIDE_ECLOSED;
    return bide__loop_is_inherited(fd->loop) ? BIDE_ESTATE : 0;
}

static bool is_there(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return poll(&p, 1, 0) > 0;
}

/* ---- reading ---- */

static ssize_t read_once(struct fd_filter *f, void *out, size_t cap)
{
    struct iovec iov = {out, cap};
    ssize_t n = -1;

    if (f->way == NOWAIT && (n = preadv2(f->fd.fd, &iov, 1, -1, RWF_NOWAIT)) < 0 && errno == EOPNOTSUPP)
        f->way = LOOK;
    if (f->way == LOOK && !is_there(f->fd.fd, POLLIN))
        return -EAGAIN;
    bide__block_begin();
    if (f->way != NOWAIT)
        n = read(f->fd.fd, out, cap);
    bide__block_end();
    return n < 0 ? -errno : n;
}

static ssize_t fd_recv(struct filter *filter, void *out, size_t cap)
{
    struct fd_filter *f = of(filter);
    int refused = refusal(&f->fd);
    if (refused)
        return refused;
    if (!f->fd.readable)
        return -EAGAIN;

    ssize_t n;
    cap = bide__fd_call_max(&f->fd, cap);
    do
        n = read_once(f, out, cap);
    while (n == -EINTR);
    if (n > 0)
        bide__fd_spend(&f->fd, (size_t)n);
    if (n == -EAGAIN || (n > 0 && (size_t)n < cap && f->type == S_IFIFO && !f->fd.hangup))
        f->fd.readable = false; /* a terminal gives a line at a time, so there only EAGAIN says that it is empty */
    return n == -EIO && f->type == S_IFCHR ? 0 : n;
}

/* ---- writing ---- */

static ssize_t write_once(struct fd_filter *f, const struct iovec *iov, int n)
{
    ssize_t sent = -1;

    if (f->way == NOWAIT && (sent = pwritev2(f->fd.fd, iov, n, -1, RWF_NOWAIT)) < 0 && errno == EOPNOTSUPP)
        f->way = LOOK;
    if (f->way == LOOK && !is_there(f->fd.fd, POLLOUT))
        return -EAGAIN;
    bide__block_begin();
    if (f->way == LOOK)
        sent = write(f->fd.fd, iov->iov_base, iov->iov_len < PIPE_BUF ? iov->iov_len : PIPE_BUF);
    else if (f->way == OWN)
        sent = writev(f->fd.fd, iov, n);
    bide__block_end();
    return sent < 0 ? -errno : sent;
}

static ssize_t fd_send(struct filter *filter, const struct iovec *iov, int n)
{
    struct fd_filter *f = of(filter);
    struct quiet quiet;
    int refused = refusal(&f->fd);
    if (refused)
        return refused;
    if (!f->fd.writable)
        return -EAGAIN;

    ssize_t sent;
    bide__quiet_begin(&quiet);
    do
        sent = write_once(f, iov, n);
    while (sent == -EINTR);
    bide__quiet_end(&quiet, sent);
    if (sent > 0)
        bide__fd_spend(&f->fd, (size_t)sent);
    if (sent == -EAGAIN)
        f->fd.writable = false;
    return sent;
}

/* ---- the rest ---- */

static bool fd_may_recv(const struct filter *f)
{
    return of(f)->fd.readable || !bide__fd_is_open(&of(f)->fd);
}

static void fd_end(struct filter *filter)
{
    struct fd_filter *f = of(filter);

    if (!f->keep_open)
        bide__fd_close(&f->fd);
    else if (bide__fd_is_open(&f->fd))
        bide__fd_detach(&f->fd);
}

static int fd_shutdown(struct filter *filter)
{
    struct fd_filter *f = of(filter);
    int refused = refusal(&f->fd);
    if (refused)
        return refused;

    if (f->type == S_IFSOCK)
        return shutdown(f->fd.fd, SHUT_WR) < 0 ? -errno : 0;
    if (!f->write_only)
        return -EOPNOTSUPP; /* no half of it can be closed */
    fd_end(filter);
    return 0;
}

static void fd_close(struct filter *f)
{
    fd_end(f);
    bide__free(of(f));
}

static int fd_wait(struct filter *f, unsigned sides, struct flow *flow)
{
    struct fd *fd = &of(f)->fd;

    if (flow)
        return bide__fd_wait_flow(fd, sides, flow);
    return sides == FLOW_OUT ? bide__fd_wait_writable(fd) : bide__fd_wait_readable(fd);
}

static int fd_yield(struct filter *f)
{
    return bide__fd_yield_if_over_budget(&of(f)->fd);
}

static void fd_watch(struct filter *f, struct clause *c)
{
    bide__list_append(&of(f)->fd.readers, &c->node);
}

static bool fd_is_alive(const struct filter *f, bool probe)
{
    (void)probe; /* what has come is seen as an event */
    return bide__fd_is_open(&of(f)->fd) && !of(f)->fd.hangup;
}

static size_t fd_queued(const struct filter *f)
{
    (void)f; /* no kernel says how much of a pipe was read */
    return 0;
}

static const struct filter_ops fd_ops = {.try_recv = fd_recv,
                                         .try_send = fd_send,
                                         .may_recv = fd_may_recv,
                                         .shutdown = fd_shutdown,
                                         .close = fd_close,
                                         .wait = fd_wait,
                                         .yield = fd_yield,
                                         .watch = fd_watch,
                                         .is_alive = fd_is_alive,
                                         .queued = fd_queued,
                                         .abort = fd_end};

/* ---- making one ---- */

/* An open file of our own for what is behind a pipe, a terminal or a device; -1: it cannot be had. */
static int open_again(int fd, mode_t type, int flags)
{
    char path[32];
    if (type != S_IFIFO && type != S_IFCHR)
        return -1;

    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return bide__fd_above_standard(open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

/* Decide how it is used.  Returns: the descriptor to be used, which may be one of our own. */
static int choose_way(struct fd_filter *f, int fd, int flags, bool shared)
{
    if (flags & O_NONBLOCK || f->type == S_IFREG || f->type == S_IFBLK)
        return fd;
    int again = shared ? open_again(fd, f->type, flags) : -1;
    if (again >= 0)
        return again;
    if (shared)
        f->way = NOWAIT;
    else
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    return fd;
}

static void name_peer(int fd, mode_t type, char *out, size_t cap)
{
    struct addr a = {.len = sizeof a.storage};

    if (type == S_IFSOCK && getpeername(fd, &a.sa, &a.len) == 0)
        bide__addr_format(&a, out, cap);
    else
        snprintf(out, cap, "descriptor %d", fd);
}

/* One of our own is what a stream stands on elsewhere. */
static bide_stream *stream_of_socket(const bide_from_fd_args *args, int flags)
{
    char peer[INET6_ADDRSTRLEN + 16];

    name_peer(args->fd, S_IFSOCK, peer, sizeof peer);
    fcntl(args->fd, F_SETFL, flags | O_NONBLOCK);
    return bide__stream_open_socket(args->fd, peer, args->max_buffer);
}

static bide_stream *stream_over(const bide_from_fd_args *args, int flags, mode_t type)
{
    char peer[INET6_ADDRSTRLEN + 16];
    struct fd_filter *f = bide__calloc(1, sizeof *f);
    if (!f)
        return bide__fail_nomem("a stream"), NULL;

    *f = (struct fd_filter){.filter.ops = &fd_ops,
                            .type = type,
                            .keep_open = args->keep_open,
                            .write_only = (flags & O_ACCMODE) == O_WRONLY};
    name_peer(args->fd, type, peer, sizeof peer);
    bide_stream *s = bide__stream_over(&f->filter, peer, args->max_buffer);
    if (!s) {
        bide__free(f);
        return NULL;
    }
    f->fd.fd = -1;
    int fd = choose_way(f, args->fd, flags, args->shared), code = bide__fd_open_any(&f->fd, fd);
    if (fd != args->fd) {
        f->keep_open = false;
        if (code < 0)
            close(fd);
        else if (!args->keep_open)
            close(args->fd);
    }
    if (code == 0)
        return s;
    bide_release(s);
    return NULL;
}

bide_stream *bide_stream_from_fd_with(const bide_from_fd_args *options)
{
    bide_from_fd_args args;
    struct stat st;
    if (bide__options_take(&args, sizeof args, options, "bide_stream_from_fd") < 0)
        return NULL;
    if (bide__check_named(args.guard_, "bide_stream_from_fd") < 0 ||
        bide__check_size("bide_stream_from_fd", "max_buffer", args.max_buffer, 0) < 0)
        return NULL;
    if (!bide__loop_here)
        return bide_fail(BIDE_ENOLOOP, "bide_stream_from_fd: no event loop is running in this thread"), NULL;
    int flags = fcntl(args.fd, F_GETFL);
    if (flags < 0 || fstat(args.fd, &st) < 0)
        return bide_fail(-EBADF, "bide_stream_from_fd: %d is no open descriptor", args.fd), NULL;

    bool is_plain_socket = S_ISSOCK(st.st_mode) && !args.shared && !args.keep_open;
    bide_stream *s = is_plain_socket ? stream_of_socket(&args, flags) : stream_over(&args, flags, st.st_mode & S_IFMT);
    if (!s && bide_error_code() == -EEXIST)
        bide_fail(BIDE_ESTATE, "bide_stream_from_fd: descriptor %d: another stream, or the like, of this loop watches it already", args.fd);
    return s;
}

/* ---- standard input and output: one stream each for a loop, so that there is one buffer ---- */

struct standard {
    struct loop_closer closer;
    bide_stream *stream;
};

static const char keys[2];

static void standard_close(struct loop_closer *closer)
{
    struct standard *s = container_of(closer, struct standard, closer);

    bide_release(s->stream);
    bide__free(s);
}

static bide_stream *standard_stream(int fd)
{
    bide_loop *loop = bide__loop_here;
    struct loop_closer *c = loop ? bide__loop_find(loop, &keys[fd]) : NULL;
    if (c)
        return bide_retain(container_of(c, struct standard, closer)->stream);

    struct standard *s = bide__malloc(sizeof *s);
    bide_stream *stream = s ? bide_stream_from_fd(fd, .shared = true, .keep_open = true) : NULL;
    if (!stream) {
        bide__free(s);
        return s ? NULL : (bide__fail_nomem("a stream"), NULL);
    }
    *s = (struct standard){.closer = {.key = &keys[fd], .close = standard_close}, .stream = stream};
    bide__loop_attach(loop, &s->closer);
    return bide_retain(stream);
}

bide_stream *bide_stdin(void)
{
    return standard_stream(STDIN_FILENO);
}

bide_stream *bide_stdout(void)
{
    return standard_stream(STDOUT_FILENO);
}
