/* SPDX-License-Identifier: MIT */
/*
 * connect.c - connect and accept, in a task.
 *
 * Neither can be told by an argument not to wait, so the descriptor does not block for the length of one system call.  That is a
 * flag of the open file: who has the same one, and begins a call in that very microsecond, would see it.
 */
#include <sys/un.h>

#include "unblock/unblock.h"

#define BACKLOG_RETRY_MS 5

/* Is it one that blocks?  Then it does not any more, and *flags says how it was. */
static bool stop_blocking(int fd, int *flags)
{
    *flags = fcntl(fd, F_GETFL);
    return *flags >= 0 && !(*flags & O_NONBLOCK) && fcntl(fd, F_SETFL, *flags | O_NONBLOCK) == 0;
}

static void block_again(int fd, int flags)
{
    int saved = errno;

    fcntl(fd, F_SETFL, flags);
    errno = saved;
}

/* ---- connect ---- */

static int begin_connecting(int fd, const struct sockaddr *to, socklen_t len, bool *waits)
{
    int flags;
    *waits = stop_blocking(fd, &flags);
    if (!*waits)
        return NEXT(connect)(fd, to, len);
    int result = NEXT(connect)(fd, to, len);

    block_again(fd, flags);
    return result;
}

/* It goes on in the kernel: how it ended is asked afterwards. */
static int finish_connecting(struct blocked *b, int before)
{
    int error = 0;
    socklen_t len = sizeof error;
    int ready = bide__unblock_wait_fd(b, b->until_ms);

    if (ready < 0 || (ready > 0 && getsockopt(b->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0))
        return -1;
    if (ready == 0)
        error = EINPROGRESS; /* as SO_SNDTIMEO has it */
    errno = error ? error : before;
    return error ? -1 : 0;
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(connect)(fd, to, len);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);
    int before = errno;
    bool waits;
    int result;

    if (!bide__unblock_may_try(&b))
        return -1;
    do {
        result = begin_connecting(fd, to, len, &waits);
        if (result == 0 || !waits)
            return (int)bide__unblock_done(result, before);
        if (errno == EINPROGRESS) {
            bide__unblock_limit(&b);
            return finish_connecting(&b, before);
        }
    } while (errno == EAGAIN && bide__unblock_again_later(&b, BACKLOG_RETRY_MS)); /* a Unix socket whose backlog is full */
    return result;
}

/* ---- accept ---- */

static int accept_once(struct blocked *b, struct sockaddr *from, socklen_t *len, int flags)
{
    int had;
    if (!stop_blocking(b->fd, &had))
        return NEXT(accept4)(b->fd, from, len, flags);
    int fd = NEXT(accept4)(b->fd, from, len, flags);

    block_again(b->fd, had);
    return fd;
}

static int accept_in_task(struct blocked *b, struct sockaddr *from, socklen_t *len, int flags)
{
    socklen_t cap = len ? *len : 0;
    int before = errno, fd;
    if (!bide__unblock_may_try(b))
        return -1;

    do {
        if (len)
            *len = cap;
        fd = accept_once(b, from, len, flags);
    } while (fd < 0 && bide__unblock_again(b));
    return (int)bide__unblock_done(fd, before);
}

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(accept4)(fd, from, len, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return accept_in_task(&b, from, len, flags);
}

int accept(int fd, struct sockaddr *from, socklen_t *len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(accept)(fd, from, len);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return accept_in_task(&b, from, len, 0);
}
