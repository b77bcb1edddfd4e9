/* SPDX-License-Identifier: MIT */
/*
 * connect.c - connect and accept in a task.
 *
 * Neither has a flag for not waiting, so the descriptor is made non-blocking for the length of one system call (flags.c).  An accept()
 * outside of a task that meets a listener in that state is repeated.
 */
#include <sys/un.h>

#include "unblock/unblock.h"

#define BACKLOG_RETRY_MS 5

/* ---- connect ---- */

static int connect_now(int fd, const struct sockaddr *to, socklen_t len, bool *waits)
{
    int flags;
    *waits = bide__unblock_stop_blocking(fd, &flags);
    int result = NEXT(connect)(fd, to, len);

    if (*waits)
        bide__unblock_block_again(fd, flags);
    return result;
}

/* The kernel connects in the background; EALREADY: since an earlier call.  The next call has the result. */
static bool is_in_progress(int error)
{
    return error == EINPROGRESS || error == EALREADY;
}

/* False: errno says why; EINPROGRESS: SO_SNDTIMEO has expired, see socket(7). */
static bool wait_for_connection(struct blocked *b)
{
    bide__unblock_limit(b);
    int ready = bide__unblock_wait_fd(b, b->until_ms);

    if (ready == 0)
        errno = EINPROGRESS;
    return ready > 0;
}

/* A Unix socket whose backlog is full returns EAGAIN, and no event tells when there is room. */
static bool try_again(struct blocked *b, const struct sockaddr *to)
{
    if (is_in_progress(errno))
        return wait_for_connection(b);
    return errno == EAGAIN && to->sa_family == AF_UNIX && bide__unblock_again_later(b, BACKLOG_RETRY_MS);
}

int connect(int fd, const struct sockaddr *to, socklen_t len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return NEXT(connect)(fd, to, len);
    struct blocked b = BLOCKED(t, fd, BIDE_WRITABLE);
    int before = errno, result;
    bool waits;

    if (!bide__unblock_may_try(&b))
        return -1;
    do
        result = connect_now(fd, to, len, &waits);
    while (result < 0 && waits && try_again(&b, to));
    if (result < 0 && b.has_waited && errno == EISCONN) /* so other families than TCP say that it is done */
        result = 0;
    return (int)bide__unblock_done(result, before);
}

/* ---- accept ---- */

static bool were_changed; /* flags of a listener, ever */

static int accept_now(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
    int had;

    bide__unblock_lock_flags();
    if (!bide__unblock_stop_blocking(fd, &had)) {
        bide__unblock_unlock_flags();
        return NEXT(accept4)(fd, from, len, flags);
    }
    __atomic_store_n(&were_changed, true, __ATOMIC_RELAXED);
    int found = NEXT(accept4)(fd, from, len, flags);
    bide__unblock_block_again(fd, had);
    bide__unblock_unlock_flags();
    return found;
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
        fd = accept_now(b->fd, from, len, flags);
    } while (fd < 0 && bide__unblock_again(b));
    return (int)bide__unblock_done(fd, before);
}

/* It said EAGAIN outside of a task: because a task was about to accept just then? */
static bool was_disturbed(int fd)
{
    if (errno != EAGAIN || !__atomic_load_n(&were_changed, __ATOMIC_RELAXED))
        return false;
    struct timeval limit = {0};
    socklen_t len = sizeof limit;
    int flags = bide__unblock_flags(fd);

    errno = EAGAIN;
    return flags >= 0 && !(flags & O_NONBLOCK) && getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &len) == 0 && limit.tv_sec == 0 &&
           limit.tv_usec == 0;
}

static int accept_in_thread(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
    int before = errno, found;

    do
        found = flags ? NEXT(accept4)(fd, from, len, flags) : NEXT(accept)(fd, from, len);
    while (found < 0 && was_disturbed(fd));
    return (int)bide__unblock_done(found, before);
}

int accept4(int fd, struct sockaddr *from, socklen_t *len, int flags)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return accept_in_thread(fd, from, len, flags);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return accept_in_task(&b, from, len, flags);
}

int accept(int fd, struct sockaddr *from, socklen_t *len)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t))
        return accept_in_thread(fd, from, len, 0);
    struct blocked b = BLOCKED(t, fd, BIDE_READABLE);

    return accept_in_task(&b, from, len, 0);
}

ALSO_AS(__connect, connect);
