/* SPDX-License-Identifier: MIT */
/*
 * many.c - recvmmsg and sendmmsg in a task: tried without blocking, and continued when the socket is ready again.
 *
 * The kernel checks recvmmsg's timeout only after each datagram; here it also ends a call to which no further datagram arrives.
 */
#include "unblock/unblock.h"

/* As in receive.c. */
#define NEVER_BLOCKS (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)

static bool is_time(const struct timespec *ts)
{
    return !ts || (ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000);
}

static int64_t ms_of(const struct timespec *ts)
{
    return !ts || ts->tv_sec > INT64_MAX / 8000 ? -1 : (int64_t)ts->tv_sec * 1000 + (ts->tv_nsec + 999999) / 1000000;
}

/* ---- receiving ---- */

static int receive_many(struct blocked *b, struct mmsghdr *all, unsigned n, int flags)
{
    unsigned done = 0;
    int got;

    if (!bide__unblock_may_try(b))
        return -1;
    do {
        got = NEXT(recvmmsg)(b->fd, all + done, n - done, flags | MSG_DONTWAIT, NULL);
        if (got > 0)
            done += (unsigned)got;
        if (got >= 0)
            errno = EAGAIN; /* for the rest, which has not arrived yet */
    } while (got != 0 && done < n && !(done > 0 && flags & MSG_WAITFORONE) && bide__unblock_again(b));
    return done > 0 || got >= 0 ? (int)done : -1;
}

/* If an error occurs after some datagrams, their number is returned; the next call reports the error. */
int recvmmsg(int fd, struct mmsghdr *all, unsigned n, int flags, struct timespec *ts)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || flags & NEVER_BLOCKS || !is_time(ts))
        return NEXT(recvmmsg)(fd, all, n, flags, ts);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);
    int64_t until = bide__unblock_ms_from_now(t, ms_of(ts));
    int before = errno;

    b.own_until_ms = until;
    int got = receive_many(&b, all, n, flags);
    if (ts && until != BIDE_FOREVER) {
        int64_t left = until - bide__unblock_now_ms(t);
        *ts = (struct timespec){.tv_sec = left > 0 ? left / 1000 : 0, .tv_nsec = left > 0 ? left % 1000 * 1000000 : 0};
    }
    return (int)bide__unblock_done(got, before);
}

/* ---- sending ---- */

/* Datagrams are sent as many at once as there is room for; messages of a stream one by one, because each may have to be continued. */
static bool is_stream(int fd)
{
    int type = SOCK_STREAM;
    socklen_t len = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type == SOCK_STREAM;
}

static unsigned send_datagrams(struct blocked *b, struct mmsghdr *all, unsigned n, int flags)
{
    unsigned done = 0;
    int sent;

    if (!bide__unblock_may_try(b))
        return 0;
    do {
        sent = NEXT(sendmmsg)(b->fd, all + done, n - done, flags | MSG_DONTWAIT);
        if (sent > 0)
            done += (unsigned)sent;
        if (sent >= 0)
            errno = EAGAIN;
    } while (sent != 0 && done < n && bide__unblock_again(b));
    return done;
}

static unsigned send_messages(struct blocked *b, struct mmsghdr *all, unsigned n, int flags)
{
    for (unsigned done = 0; done < n; done++) {
        ssize_t sent = bide__unblock_send_all(b, &all[done].msg_hdr, flags);
        if (sent < 0)
            return done;
        all[done].msg_len = (unsigned)sent;
    }
    return n;
}

int sendmmsg(int fd, struct mmsghdr *all, unsigned n, int flags)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || n == 0 || flags & (MSG_DONTWAIT | MSG_OOB))
        return NEXT(sendmmsg)(fd, all, n, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);
    int before = errno;
    unsigned done = is_stream(fd) ? send_messages(&b, all, n, flags) : send_datagrams(&b, all, n, flags);

    return (int)bide__unblock_done(done > 0 ? (int)done : -1, before);
}
