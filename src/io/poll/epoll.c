/* SPDX-License-Identifier: MIT */
/*
 * epoll.c - the loop's poller: epoll says which descriptors can be read or written.
 *
 * A loop that watches no descriptor has none of this: the first one opens the epoll set, and makes it the loop's poller.
 *
 * Every descriptor of ours is registered once for its life, edge-triggered, for both directions.  An event is remembered in
 * its struct fd and wakes who waits there; nothing else runs here, so no struct fd can go away while a batch of events
 * is worked through.  Errors and hang-ups wake both sides: the next system call returns what happened.
 */
#include <limits.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <bide/descriptor.h>
#include <bide/embed.h>

#include "io/poll/epoll.h"
#include "io/poll/poll.h"

#define EVENTS_MAX 512
#define LOOK_NS INT64_C(100000000)

/* An entry's data is the address of a struct fd, which is even; or a key: generation, number and a bit that makes it odd. */
#define WAKEUP_KEY 1

struct epoll {
    int fd, wakeup;
    bide_loop *loop;
    bool no_pwait2; /* kernel before 5.11 */
    bool has_others; /* descriptors of the program's own were watched (watched.c) */
    int64_t looked_ns; /* debug mode: when it was last seen whether those of ours are open */
    struct epoll_event events[EVENTS_MAX];
};

static const struct poller_ops epoll_ops;

static int epoll_fail(struct epoll *p, const char *what)
{
    int code = -errno;

    if (p->fd >= 0)
        close(p->fd);
    bide__free(p);
    return bide_fail(code, "%s: %s", what, bide_strerror(code));
}

static int epoll_open(bide_loop *loop)
{
    struct epoll *p = bide__calloc(1, sizeof *p);
    if (!p)
        return bide__fail_nomem("an event loop");

    p->loop = loop;
    p->wakeup = -1;
    p->fd = bide__fd_above_standard(epoll_create1(EPOLL_CLOEXEC));
    if (p->fd < 0)
        return epoll_fail(p, "epoll_create1");
    p->wakeup = bide__fd_above_standard(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (p->wakeup < 0)
        return epoll_fail(p, "eventfd");
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKEUP_KEY};
    if (epoll_ctl(p->fd, EPOLL_CTL_ADD, p->wakeup, &ev) < 0) {
        close(p->wakeup);
        return epoll_fail(p, "epoll_ctl");
    }
    bide__replace_poller(loop, &epoll_ops, p);
    bide__fd_begin_turn(loop);
    return 0;
}

int bide__epoll_begin(bide_loop *loop)
{
    return likely(loop->poller_ops != &bide__rest_ops) ? 0 : epoll_open(loop);
}

/* What other threads have posted before the bell was there is seen in the next turn: bide__replace_poller has rung. */
int bide_loop_fd(bide_loop *loop)
{
    int code = bide__loop_check(loop, "bide_loop_fd");
    if (code < 0)
        return code;
    if (loop->closed)
        return bide_fail(BIDE_ECLOSED, "bide_loop_fd: the event loop is closed");
    code = bide__epoll_begin(loop);
    return code < 0 ? code : ((struct epoll *)loop->poller)->fd;
}

static void epoll_close(void *poller)
{
    struct epoll *p = poller;

    close(p->wakeup);
    close(p->fd);
    bide__free(p);
}

int bide__epoll_add(void *poller, int fd, void *ptr)
{
    struct epoll *p = poller;
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = (uintptr_t)ptr};

    if (unlikely(p->has_others))
        bide__descriptor_replaced(p->loop, fd);
    if (epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &ev) < 0)
        return -errno;
    p->loop->watched++;
    return 0;
}

int bide__epoll_arm(void *poller, int fd, unsigned events, uint32_t generation, bool is_new)
{
    struct epoll *p = poller;
    struct epoll_event ev = {.events = EPOLLONESHOT | (events & BIDE_READABLE ? EPOLLIN | EPOLLRDHUP : 0) |
                                       (events & BIDE_WRITABLE ? EPOLLOUT : 0) | (events & BIDE_PRIORITY ? EPOLLPRI : 0),
                             .data.u64 = (uint64_t)generation << 32 | (uint32_t)fd << 1 | 1};

    p->has_others = true;
    if (epoll_ctl(p->fd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &ev) < 0)
        return -errno;
    p->loop->watched += is_new;
    return 0;
}

bool bide__epoll_remove(void *poller, int fd)
{
    struct epoll *p = poller;
    bool was_there = epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL) == 0;

    p->loop->watched -= was_there; /* one that the program closed itself stays counted: then no deadlock is reported */
    return was_there;
}

static void note(bide_loop *loop, struct fd *f, uint32_t events)
{
    bool broken = events & (EPOLLERR | EPOLLHUP);

    if (broken || (events & EPOLLRDHUP))
        f->hangup = true;
    if (broken || (events & (EPOLLIN | EPOLLRDHUP))) {
        f->readable = true;
        bide__wake_all(loop, &f->readers);
    }
    if (broken || (events & EPOLLOUT)) {
        f->writable = true;
        bide__wake_all(loop, &f->writers);
    }
}

static void drain_wakeup(struct epoll *p)
{
    uint64_t count;

    while (read(p->wakeup, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

/* One that has a key: the bell, or a descriptor of the program's own. */
static __attribute__((noinline)) void note_key(struct epoll *p, uint64_t key, uint32_t events)
{
    unsigned came = (events & (EPOLLIN | EPOLLRDHUP) ? BIDE_READABLE : 0) | (events & EPOLLOUT ? BIDE_WRITABLE : 0) |
                    (events & EPOLLPRI ? BIDE_PRIORITY : 0);

    if (key == WAKEUP_KEY)
        drain_wakeup(p);
    else
        bide__descriptor_event(p->loop, (int)((uint32_t)key >> 1), (uint32_t)(key >> 32),
                               events & (EPOLLERR | EPOLLHUP) ? UINT_MAX : came);
}

static int wait_ms(struct epoll *p, int64_t timeout_ns)
{
    int64_t ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;

    return epoll_wait(p->fd, p->events, EVENTS_MAX, ms > INT32_MAX ? INT32_MAX : (int)ms);
}

static int wait_ns(struct epoll *p, int64_t timeout_ns)
{
    struct timespec ts = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    if (p->no_pwait2 || timeout_ns <= 0)
        return wait_ms(p, timeout_ns);

    int n = epoll_pwait2(p->fd, p->events, EVENTS_MAX, &ts, NULL);
    if (n < 0 && (errno == ENOSYS || errno == EPERM)) { /* an old kernel, or a sandbox that does not know it */
        p->no_pwait2 = true;
        return wait_ms(p, timeout_ns);
    }
    return n;
}

/*
 * Debug mode, before the loop sleeps: is what is waited for still open?  Of ours there may be thousands, so they are looked at now and
 * then; if it is too early for that, the loop does not sleep for longer.  Returns: for how long it sleeps.
 */
static __attribute__((noinline)) int64_t look_for_closed(struct epoll *p, int64_t timeout_ns)
{
    int64_t now_ns = bide__clock_ns(), early_ns = p->looked_ns ? p->looked_ns + LOOK_NS - now_ns : 0;

    if (p->has_others)
        bide__descriptors_check(p->loop);
    if (early_ns <= 0) {
        bide__fds_check(p->loop);
        p->looked_ns = now_ns;
    } else if (timeout_ns < 0 || timeout_ns > early_ns) {
        timeout_ns = early_ns;
    }
    return bide__ring_count(&p->loop->ring) > 0 ? 0 : timeout_ns;
}

static int epoll_ask(void *poller, int64_t timeout_ns)
{
    struct epoll *p = poller;
    if (unlikely(p->loop->watch && timeout_ns != 0))
        timeout_ns = look_for_closed(p, timeout_ns);
    int n = wait_ns(p, timeout_ns);
    if (n < 0 && errno == EINTR) /* the process may have been stopped: what came meanwhile comes before timers that are due */
        n = wait_ms(p, 0);
    if (n < 0)
        n = errno == EINTR ? 0 : bide_fail(-errno, "epoll_wait: %s", bide_strerror(-errno));
    if (n < 0)
        return n;

    for (int i = 0; i < n; i++) {
        uint64_t key = p->events[i].data.u64;
        if (likely(!(key & 1)))
            note(p->loop, (struct fd *)(uintptr_t)key, p->events[i].events);
        else
            note_key(p, key, p->events[i].events);
    }
    bide__fd_begin_turn(p->loop);
    return 0;
}

static void epoll_wake(void *poller)
{
    struct epoll *p = poller;
    uint64_t one = 1;
    int saved = errno;

    while (write(p->wakeup, &one, sizeof one) < 0 && errno == EINTR)
        ;
    errno = saved;
}

static const struct poller_ops epoll_ops = {.close = epoll_close, .wait = epoll_ask, .wake = epoll_wake, .only_descriptors = true};
