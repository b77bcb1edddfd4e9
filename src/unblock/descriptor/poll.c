/* SPDX-License-Identifier: MIT */
/*
 * poll.c - poll, select and their variants in a task: the real call with a timeout of 0, and a wait between two tries.
 *
 * The wait for a few descriptors (INTERPOSE_FDS) comes before the first try: a library polls after it has seen that there is nothing to
 * read.  More of them are added to an epoll set that lasts for the call; the set is a descriptor that can be waited for.  It is
 * level-triggered, like poll(); a descriptor that cannot be added (a regular file) is always ready, so the first try returned it.
 *
 * The signal mask of ppoll and pselect is passed to the real call, which does not wait; while the task is suspended, the
 * thread keeps its own.
 */
#include <limits.h>

#include "unblock/unblock.h"

/* A call, and how long it may take. */
struct watch {
    struct blocked b;
    int64_t until_ms;
    int set; /* an epoll set; -1: none yet */
};

static void begin(struct watch *w, int64_t ms)
{
    w->until_ms = bide__unblock_ms_from_now(w->b.task, ms);
    w->set = -1;
}

static void end(const struct watch *w)
{
    int saved = errno;

    if (w->set >= 0)
        close(w->set);
    errno = saved;
}

/* Seconds and nanoseconds in milliseconds, rounded up so that no timeout is early; -1 (no limit) if that would overflow. */
static int64_t ms_of(int64_t seconds, int64_t ns)
{
    return seconds > INT64_MAX / 8000 ? -1 : seconds * 1000 + (ns + 999999) / 1000000;
}

static int64_t timespec_ms(const struct timespec *ts)
{
    return ts ? ms_of(ts->tv_sec, ts->tv_nsec) : -1;
}

/* Add a descriptor to the set (EPOLL_CTL_ADD), or change its events (EPOLL_CTL_MOD). */
static bool put(struct watch *w, int how, int fd, uint32_t events)
{
    struct epoll_event ev = {.events = events, .data.fd = fd};
    if (w->set < 0)
        w->set = epoll_create1(EPOLL_CLOEXEC);
    return w->set >= 0 && (epoll_ctl(w->set, how, fd, &ev) == 0 || errno == EPERM);
}

/* Until a descriptor of the set may be ready; returns as bide__unblock_wait_fd. */
static int wait_for_set(struct watch *w)
{
    w->b.fd = w->set;
    w->b.events = BIDE_READABLE;
    return bide__unblock_wait_fd(&w->b, w->until_ms);
}

/* There is no descriptor to watch. */
static int wait_for_time(struct watch *w)
{
    return bide__unblock_sleep_until(w->b.task, w->until_ms, w->b.call, w->b.caller);
}

/* ---- poll ---- */

/* How many descriptors there are, copied to few; -1: too many, one of them twice, or events that interpose_fd does not have. */
static int few_of(const struct pollfd *fds, nfds_t n, struct interpose_fd *few)
{
    int count = 0;
    if (!fds)
        return -1; /* the kernel says EFAULT, if there should be any */

    for (nfds_t i = 0; i < n; i++) {
        short events = fds[i].events;
        if (fds[i].fd < 0)
            continue;
        if (count == INTERPOSE_FDS || !events || events & ~(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLPRI))
            return -1;
        for (int k = 0; k < count; k++)
            if (few[k].fd == fds[i].fd)
                return -1;
        few[count++] = (struct interpose_fd){fds[i].fd, (events & (POLLIN | POLLRDNORM) ? BIDE_READABLE : 0u) |
                                                            (events & (POLLOUT | POLLWRNORM) ? BIDE_WRITABLE : 0u) |
                                                            (events & POLLPRI ? BIDE_PRIORITY : 0u)};
    }
    return count;
}

/* It is in the array more than once: watch it for all of its events. */
static bool put_again(struct watch *w, const struct pollfd *fds, nfds_t n, int fd)
{
    uint32_t events = 0;

    for (nfds_t i = 0; i < n; i++)
        if (fds[i].fd == fd)
            events |= (unsigned short)fds[i].events;
    return put(w, EPOLL_CTL_MOD, fd, events);
}

static bool put_all(struct watch *w, const struct pollfd *fds, nfds_t n)
{
    for (nfds_t i = 0; i < n; i++) {
        if (fds[i].fd < 0 || put(w, EPOLL_CTL_ADD, fds[i].fd, (unsigned short)fds[i].events))
            continue;
        if (errno != EEXIST || !put_again(w, fds, n, fds[i].fd))
            return false;
    }
    return true;
}

static int wait_for_all(struct watch *w, const struct pollfd *fds, nfds_t n)
{
    if (w->set < 0 && !put_all(w, fds, n)) /* only once: they are the same for each wait */
        return -1;
    return w->set < 0 ? wait_for_time(w) : wait_for_set(w);
}

static int poll_in_task(struct watch *w, struct pollfd *fds, nfds_t n, const sigset_t *signals)
{
    static const struct timespec at_once;
    struct interpose_fd few[INTERPOSE_FDS];
    int before = errno, ready, waited = 1, count = few_of(fds, n, few);
    if (!bide__unblock_may_try(&w->b))
        return -1;

    do {
        if (count <= 0 && (ready = NEXT(ppoll)(fds, n, &at_once, signals)) != 0)
            break;
        waited = count > 0 ? bide__unblock_wait_fds(&w->b, few, count, w->until_ms) : wait_for_all(w, fds, n);
        if (waited < 0)
            return -1;
        w->b.has_waited = true;
    } while ((ready = NEXT(ppoll)(fds, n, &at_once, signals)) == 0 && waited > 0);
    return (int)bide__unblock_done(ready, before);
}

static int poll_for(bide_task *t, struct pollfd *fds, nfds_t n, int64_t ms, const sigset_t *signals, const char *call,
                    const void *caller)
{
    struct watch w = {.b = {.task = t, .always = true, .call = call, .caller = caller}};

    begin(&w, ms);
    int ready = poll_in_task(&w, fds, n, signals);
    end(&w);
    return ready;
}

int poll(struct pollfd *fds, nfds_t n, int ms)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || ms == 0)
        return NEXT(poll)(fds, n, ms);

    return poll_for(t, fds, n, ms, NULL, __func__, __builtin_return_address(0));
}

/* None at all, or none that the kernel takes: that is libc's. */
static bool is_wait(const struct timespec *ts)
{
    return !ts || (ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < 1000000000 && (ts->tv_sec > 0 || ts->tv_nsec > 0));
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *signals)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || !is_wait(ts))
        return NEXT(ppoll)(fds, n, ts, signals);

    return poll_for(t, fds, n, timespec_ms(ts), signals, __func__, __builtin_return_address(0));
}

int __poll_chk(struct pollfd *fds, nfds_t n, int ms, size_t cap)
{
    return cap / sizeof *fds < n ? NEXT(__poll_chk)(fds, n, ms, cap) : poll(fds, n, ms);
}

int __ppoll_chk(struct pollfd *fds, nfds_t n, const struct timespec *ts, const sigset_t *signals, size_t cap)
{
    return cap / sizeof *fds < n ? NEXT(__ppoll_chk)(fds, n, ts, signals, cap) : ppoll(fds, n, ts, signals);
}

/* ---- select ---- */

enum { READS, WRITES, EXCEPTS, SETS };

/* The caller's sets, which may be larger than an fd_set, and a copy of them, because each try overwrites them. */
struct sets {
    int n;
    size_t bytes; /* of each */
    fd_set *of[SETS]; /* the caller's; NULL: not asked for */
    char *asked;      /* the copies, one after the other */
};

static bool sets_copy(struct sets *s, int n, fd_set *r, fd_set *w, fd_set *e)
{
    size_t bits = 8 * sizeof(long);
    *s = (struct sets){.n = n, .bytes = ((size_t)n + bits - 1) / bits * sizeof(long), .of = {r, w, e}};
    s->asked = calloc(SETS, s->bytes + 1);
    if (!s->asked)
        return false;

    for (int i = 0; i < SETS; i++)
        if (s->of[i])
            memcpy(s->asked + (size_t)i * s->bytes, s->of[i], s->bytes);
    return true;
}

static void sets_restore(const struct sets *s)
{
    for (int i = 0; i < SETS; i++)
        if (s->of[i])
            memcpy(s->of[i], s->asked + (size_t)i * s->bytes, s->bytes);
}

static void sets_clear(const struct sets *s)
{
    for (int i = 0; i < SETS; i++)
        if (s->of[i])
            memset(s->of[i], 0, s->bytes);
}

static bool is_in(const struct sets *s, int set, int fd)
{
    size_t bits = 8 * sizeof(long), at = (size_t)fd;
    unsigned long word;

    memcpy(&word, s->asked + (size_t)set * s->bytes + at / bits * sizeof word, sizeof word);
    return word >> at % bits & 1;
}

static int wait_for_sets(struct watch *w, const struct sets *s)
{
    static const uint32_t events[SETS] = {EPOLLIN, EPOLLOUT, EPOLLPRI};

    for (int fd = 0, first = w->set < 0; first && fd < s->n; fd++) {
        uint32_t wanted = 0;
        for (int i = 0; i < SETS; i++)
            wanted |= is_in(s, i, fd) ? events[i] : 0;
        if (wanted && !put(w, EPOLL_CTL_ADD, fd, wanted))
            return -1;
    }
    return w->set < 0 ? wait_for_time(w) : wait_for_set(w);
}

static int select_in_task(struct watch *w, const struct sets *s, const sigset_t *signals)
{
    static const struct timespec at_once;
    int before = errno, ready, waited = 1;
    if (!bide__unblock_may_try(&w->b))
        return -1;

    while ((ready = NEXT(pselect)(s->n, s->of[READS], s->of[WRITES], s->of[EXCEPTS], &at_once, signals)) == 0 && waited > 0) {
        sets_restore(s);
        waited = wait_for_sets(w, s);
        if (waited < 0)
            return -1;
    }
    if (ready == 0)
        sets_clear(s);
    return (int)bide__unblock_done(ready, before);
}

static int select_for(struct watch *w, int n, fd_set *r, fd_set *wr, fd_set *e, const sigset_t *signals)
{
    struct sets s;
    if (n < 0) {
        errno = EINVAL;
        return -1;
    }
    if (!sets_copy(&s, n, r, wr, e)) {
        errno = ENOMEM;
        return -1;
    }
    int ready = select_in_task(w, &s, signals), saved = errno;

    free(s.asked);
    errno = saved;
    end(w);
    return ready;
}

/* As on Linux: the remaining time. */
static void set_left(struct timeval *tv, const struct watch *w)
{
    int64_t left = w->until_ms - bide__unblock_now_ms(w->b.task);
    if (!tv || w->until_ms == BIDE_FOREVER)
        return;

    left = left < 0 ? 0 : left;
    *tv = (struct timeval){.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
}

int select(int n, fd_set *r, fd_set *w, fd_set *e, struct timeval *tv)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || (tv && (tv->tv_sec < 0 || tv->tv_usec < 0 || (tv->tv_sec == 0 && tv->tv_usec == 0))))
        return NEXT(select)(n, r, w, e, tv);
    struct watch watch = {.b = BLOCKED(t, -1, BIDE_READABLE)};

    watch.b.always = true;
    begin(&watch, tv ? ms_of(tv->tv_sec, (int64_t)tv->tv_usec * 1000) : -1);
    int ready = select_for(&watch, n, r, w, e, NULL);
    set_left(tv, &watch);
    return ready;
}

int pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *ts, const sigset_t *signals)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || !is_wait(ts))
        return NEXT(pselect)(n, r, w, e, ts, signals);
    struct watch watch = {.b = BLOCKED(t, -1, BIDE_READABLE)};

    watch.b.always = true;
    begin(&watch, timespec_ms(ts));
    return select_for(&watch, n, r, w, e, signals);
}

ALSO_AS(__poll, poll);
ALSO_AS(__select, select);
