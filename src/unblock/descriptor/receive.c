/* SPDX-License-Identifier: MIT */
/*
 * receive.c - recv, recvfrom and recvmsg in a task: tried with MSG_DONTWAIT, so that data that is there costs no extra system call.
 */
#include "unblock/unblock.h"

/* Flags of calls that never block: they go straight to libc. */
#define NEVER_BLOCKS (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)

static ssize_t receive_once(struct blocked *b, struct msghdr *m, int flags)
{
    struct msghdr asked = *m;
    ssize_t n = -1;

    if (!bide__unblock_may_try(b))
        return -1;
    do {
        *m = asked;
        n = NEXT(recvmsg)(b->fd, m, flags | MSG_DONTWAIT);
    } while (n < 0 && bide__unblock_again(b));
    return n;
}

/* MSG_WAITALL: until the buffers are full, or the stream ends.  It has no effect on datagrams and with MSG_PEEK. */
static bool wants_all(int fd, int flags)
{
    int type = 0;
    socklen_t len = sizeof type;

    return flags & MSG_WAITALL && !(flags & MSG_PEEK) && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_STREAM;
}

static ssize_t receive(struct blocked *b, struct msghdr *m, int flags)
{
    int before = errno;
    ssize_t sum = receive_once(b, m, flags);
    if (sum <= 0 || !wants_all(b->fd, flags))
        return bide__unblock_done(sum, before);

    struct iovec piece;
    ssize_t n = 1;
    while (n > 0 && bide__unblock_rest(m, (size_t)sum, &piece)) {
        struct msghdr rest = {.msg_iov = &piece, .msg_iovlen = 1};
        n = receive_once(b, &rest, flags);
        sum += n > 0 ? n : 0;
    }
    return bide__unblock_done(sum, before);
}

static ssize_t receive_into(struct blocked *b, void *out, size_t cap, int flags, struct sockaddr *from, socklen_t *len)
{
    struct iovec iov = {out, cap};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_name = from, .msg_namelen = len ? *len : 0};
    ssize_t n = receive(b, &m, flags);

    if (n >= 0 && from && len)
        *len = m.msg_namelen;
    return n;
}

ssize_t recv(int fd, void *out, size_t cap, int flags)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || flags & NEVER_BLOCKS)
        return NEXT(recv)(fd, out, cap, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);
    int before = errno;
    ssize_t n;

    if (flags & MSG_WAITALL)
        return receive_into(&b, out, cap, flags, NULL, NULL);
    if (!bide__unblock_may_try(&b))
        return -1;
    do
        n = NEXT(recv)(fd, out, cap, flags | MSG_DONTWAIT);
    while (n < 0 && bide__unblock_again(&b));
    return bide__unblock_done(n, before);
}

ssize_t recvfrom(int fd, void *out, size_t cap, int flags, struct sockaddr *from, socklen_t *len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || flags & NEVER_BLOCKS)
        return NEXT(recvfrom)(fd, out, cap, flags, from, len);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return receive_into(&b, out, cap, flags, from, len);
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || flags & NEVER_BLOCKS)
        return NEXT(recvmsg)(fd, m, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return receive(&b, m, flags);
}

/* The variants for _FORTIFY_SOURCE: if the check fails, libc reports it. */

ssize_t __recv_chk(int fd, void *out, size_t n, size_t cap, int flags)
{
    return n > cap ? NEXT(__recv_chk)(fd, out, n, cap, flags) : recv(fd, out, n, flags);
}

ssize_t __recvfrom_chk(int fd, void *out, size_t n, size_t cap, int flags, struct sockaddr *from, socklen_t *len)
{
    return n > cap ? NEXT(__recvfrom_chk)(fd, out, n, cap, flags, from, len) : recvfrom(fd, out, n, flags, from, len);
}

ALSO_AS(__recv, recv);
