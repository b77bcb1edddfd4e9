/* SPDX-License-Identifier: MIT */
/*
 * file.c - read and write in a task.
 *
 * A read is tried with RWF_NOWAIT, which does not change the flags of the open file description; where that is not supported (a terminal,
 * an old kernel) poll() tells whether the read would block.  Reads of regular files block the thread, for
 * poll() always calls them ready.
 *
 * By default, a write suspends the task only on sockets: a task that logs to a full pipe or terminal under a lock would let others run into
 * that lock.  BIDE_UNBLOCK_PIPES suspends it there, too (bide_unblock_set).
 */
#include <limits.h>
#include <sys/stat.h>

#include "unblock/unblock.h"

/* Would a read or write return at once?  That includes errors, which the call then reports. */
static bool is_ready(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    return NEXT(poll)(&p, 1, 0) != 0;
}

/* The task never waits for these. */
static bool is_file(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode);
}

/* RWF_NOWAIT is not supported; EINVAL is about the arguments, which the call itself refuses without waiting. */
static bool is_unsupported(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS;
}

/* ---- reading ---- */

static ssize_t read_now(int fd, const struct iovec *iov, int count)
{
    ssize_t n = NEXT(preadv2)(fd, iov, count, -1, RWF_NOWAIT);
    if (n >= 0 || (errno != EAGAIN && !is_unsupported(errno)))
        return n;
    if (errno == EAGAIN ? is_file(fd) : is_file(fd) || is_ready(fd, POLLIN))
        return NEXT(readv)(fd, iov, count);
    errno = EAGAIN;
    return -1;
}

static ssize_t read_in_task(struct blocked *b, const struct iovec *iov, int count)
{
    int before = errno;
    ssize_t n;
    if (!bide__unblock_may_try(b))
        return -1;

    do
        n = read_now(b->fd, iov, count);
    while (n < 0 && bide__unblock_again(b));
    return bide__unblock_done(n, before);
}

ssize_t read(int fd, void *out, size_t cap)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(read)(fd, out, cap);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);
    struct iovec iov = {out, cap};

    return read_in_task(&b, &iov, 1);
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(readv)(fd, iov, count);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return read_in_task(&b, iov, count);
}

/* Without a place, and nothing else asked, it is readv(). */
ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
    bide_task *t = at == -1 && flags == 0 ? bide__unblock_task() : NULL;
    if (likely(!t))
        return NEXT(preadv2)(fd, iov, count, at, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return read_in_task(&b, iov, count);
}

ssize_t __read_chk(int fd, void *out, size_t n, size_t cap)
{
    return n > cap ? NEXT(__read_chk)(fd, out, n, cap) : read(fd, out, n);
}

/* ---- writing ---- */

/* Where RWF_NOWAIT is not supported: at most PIPE_BUF bytes, which a pipe or terminal that is ready takes without blocking. */
static ssize_t write_now(int fd, const struct iovec *iov)
{
    ssize_t n = NEXT(pwritev2)(fd, iov, 1, -1, RWF_NOWAIT);
    if (n >= 0 || !is_unsupported(errno))
        return n;
    if (is_ready(fd, POLLOUT))
        return NEXT(write)(fd, iov->iov_base, iov->iov_len < PIPE_BUF ? iov->iov_len : PIPE_BUF);
    errno = EAGAIN;
    return -1;
}

static ssize_t write_some(struct blocked *b, const struct iovec *iov)
{
    ssize_t n;

    if (!bide__unblock_may_try(b))
        return -1;
    do
        n = write_now(b->fd, iov);
    while (n < 0 && bide__unblock_again(b));
    return n;
}

ssize_t bide__unblock_write_pipe(struct blocked *b, const struct iovec *iov, int count)
{
    const struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    struct iovec piece;
    int before = errno;
    ssize_t sum = 0;

    while (bide__unblock_rest(&m, (size_t)sum, &piece)) {
        ssize_t n = write_some(b, &piece);
        if (n < 0 && sum == 0)
            return -1;
        if (n <= 0)
            break;
        sum += n;
    }
    return bide__unblock_done(sum, before);
}

static ssize_t write_in_task(struct blocked *b, const struct iovec *iov, int count)
{
    ssize_t n;

    if (count <= 0 || count > IOV_MAX) /* libc refuses it, or does nothing */
        return NEXT(writev)(b->fd, iov, count);
    b->sockets_alone = !bide__unblock_writes_pipes;
    if (bide__unblock_write_socket(b, iov, count, &n))
        return n;
    return bide__unblock_writes_pipes && !is_file(b->fd) ? bide__unblock_write_pipe(b, iov, count) : NEXT(writev)(b->fd, iov, count);
}

ssize_t write(int fd, const void *data, size_t len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(write)(fd, data, len);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);
    struct iovec iov = {(void *)(uintptr_t)data, len};

    return write_in_task(&b, &iov, 1);
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(writev)(fd, iov, count);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);

    return write_in_task(&b, iov, count);
}

ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
    bide_task *t = at == -1 && flags == 0 ? bide__unblock_task() : NULL;
    if (likely(!t))
        return NEXT(pwritev2)(fd, iov, count, at, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);

    return write_in_task(&b, iov, count);
}

/* The same, where off_t has 64 bits, as in libc. */
ssize_t preadv64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags) __attribute__((alias("preadv2")));
ssize_t pwritev64v2(int fd, const struct iovec *iov, int count, off64_t at, int flags) __attribute__((alias("pwritev2")));
ALSO_AS(__read, read);
ALSO_AS(__write, write);
