/* SPDX-License-Identifier: MIT */
/*
 * send.c - send, sendto and sendmsg in a task: a blocking call sends everything, so a short count is continued.
 *
 * If an error occurs after a part was sent, the length of that part is returned; the next call reports the error.
 */
#include "unblock/unblock.h"

/* The next piece of a stream, or a whole datagram. */
static ssize_t send_some(struct blocked *b, const struct msghdr *m, int flags)
{
    ssize_t n;

    if (!bide__unblock_may_try(b))
        return -1;
    do
        n = NEXT(sendmsg)(b->fd, m, flags | MSG_DONTWAIT);
    while (n < 0 && bide__unblock_again(b));
    return n;
}

bool bide__unblock_rest(const struct msghdr *m, size_t done, struct iovec *piece)
{
    const struct iovec *iov = m->msg_iov, *end = iov + m->msg_iovlen;

    for (; iov < end && done >= iov->iov_len; iov++)
        done -= iov->iov_len;
    if (iov == end)
        return false;
    *piece = (struct iovec){(char *)iov->iov_base + done, iov->iov_len - done};
    return true;
}

/* Ancillary data and the address were sent with the first bytes. */
static ssize_t send_rest(struct blocked *b, const struct msghdr *m, int flags, size_t sent)
{
    struct iovec piece;

    while (bide__unblock_rest(m, sent, &piece)) {
        struct msghdr rest = {.msg_iov = &piece, .msg_iovlen = 1};
        ssize_t n = send_some(b, &rest, flags);
        if (n < 0)
            break;
        sent += (size_t)n;
    }
    return (ssize_t)sent;
}

ssize_t bide__unblock_send_all(struct blocked *b, const struct msghdr *m, int flags)
{
    int before = errno;
    ssize_t n = send_some(b, m, flags);

    return bide__unblock_done(n <= 0 ? n : send_rest(b, m, flags, (size_t)n), before);
}

ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to, socklen_t to_len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || flags & (MSG_DONTWAIT | MSG_OOB))
        return NEXT(sendto)(fd, data, len, flags, to, to_len);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_name = (void *)(uintptr_t)to, .msg_namelen = to_len};

    return bide__unblock_send_all(&b, &m, flags);
}

ssize_t send(int fd, const void *data, size_t len, int flags)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || flags & (MSG_DONTWAIT | MSG_OOB))
        return NEXT(send)(fd, data, len, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);
    struct iovec iov = {(void *)(uintptr_t)data, len};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

    return bide__unblock_send_all(&b, &m, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || flags & (MSG_DONTWAIT | MSG_OOB))
        return NEXT(sendmsg)(fd, m, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);

    return bide__unblock_send_all(&b, m, flags);
}

bool bide__unblock_write_socket(struct blocked *b, const struct iovec *iov, int count, ssize_t *result)
{
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    int before = errno;

    *result = bide__unblock_send_all(b, &m, 0);
    if (*result >= 0 || errno != ENOTSOCK)
        return true;
    errno = before;
    return false;
}

ALSO_AS(__send, send);
