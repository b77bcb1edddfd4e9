/* SPDX-License-Identifier: MIT */
/* epoll.c - epoll_wait and its variants in a task: the epoll set of a library's own loop is a descriptor, which the task waits for. */
#include "unblock/unblock.h"

static int epoll_in_task(struct blocked *b, struct epoll_event *events, int max, int64_t ms, const sigset_t *signals)
{
    int64_t until = bide__unblock_ms_from_now(b->task, ms);
    int before = errno, n, waited = 1;

    b->always = true;
    if (!bide__unblock_may_try(b))
        return -1;

    while ((n = NEXT(epoll_pwait)(b->fd, events, max, 0, signals)) == 0 && waited > 0) {
        waited = bide__unblock_wait_fd(b, until);
        if (waited < 0)
            return -1;
    }
    return (int)bide__unblock_done(n, before);
}

int epoll_wait(int set, struct epoll_event *events, int max, int ms)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || ms == 0)
        return NEXT(epoll_wait)(set, events, max, ms);
    struct blocked b = BLOCKED(t, set, BIDE_READABLE);

    return epoll_in_task(&b, events, max, ms, NULL);
}

int epoll_pwait(int set, struct epoll_event *events, int max, int ms, const sigset_t *signals)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || ms == 0)
        return NEXT(epoll_pwait)(set, events, max, ms, signals);
    struct blocked b = BLOCKED(t, set, BIDE_READABLE);

    return epoll_in_task(&b, events, max, ms, signals);
}

/* Does it wait?  Not with a timeout of 0; an invalid one is for libc to refuse. */
static bool is_wait(const struct timespec *ts)
{
    return !ts || (ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000 && (ts->tv_sec > 0 || ts->tv_nsec > 0));
}

/* The timeout is rounded up to milliseconds. */
int epoll_pwait2(int set, struct epoll_event *events, int max, const struct timespec *ts, const sigset_t *signals)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || !is_wait(ts))
        return NEXT(epoll_pwait2)(set, events, max, ts, signals);
    struct blocked b = BLOCKED(t, set, BIDE_READABLE);
    int64_t ms = !ts || ts->tv_sec > INT64_MAX / 8000 ? -1 : ts->tv_sec * 1000 + (ts->tv_nsec + 999999) / 1000000;

    return epoll_in_task(&b, events, max, ms, signals);
}
