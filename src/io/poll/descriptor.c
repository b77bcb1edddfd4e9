/* SPDX-License-Identifier: MIT */
/*
 * descriptor.c - tasks that wait for a descriptor of the program's own.
 *
 * It is looked at with poll() first, and watched (watched.c) only when it is not ready.
 */
#include <poll.h>

#include "io/poll/watched.h"

#define ALL_EVENTS (BIDE_READABLE | BIDE_WRITABLE | BIDE_PRIORITY)

static unsigned events_of_poll(int revents)
{
    if (revents & (POLLERR | POLLHUP))
        return ALL_EVENTS;
    return (revents & POLLIN ? BIDE_READABLE : 0) | (revents & POLLOUT ? BIDE_WRITABLE : 0) |
           (revents & POLLPRI ? BIDE_PRIORITY : 0);
}

/* What of it is there now?  -EBADF on record. */
static int look(struct descriptors *all, int fd, unsigned events)
{
    struct pollfd p = {.fd = fd,
                       .events = (short)((events & BIDE_READABLE ? POLLIN : 0) | (events & BIDE_WRITABLE ? POLLOUT : 0) |
                                         (events & BIDE_PRIORITY ? POLLPRI : 0))};
    int n;

    do
        n = poll(&p, 1, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return bide_fail(-errno, "poll: %s", bide_strerror(-errno));
    if (fd >= 0 && !(p.revents & POLLNVAL))
        return (int)(events & events_of_poll(p.revents));
    struct watched *stale = bide__watched_find(all, fd);
    if (stale)
        bide__watched_give_up(all, stale, BIDE_ECLOSED);
    return bide_fail(-EBADF, "bide_fd_wait: %d is no open descriptor", fd);
}

static int wait_check(const bide_operation *op)
{
    bide_loop *loop = bide__loop_here;
    unsigned events = (unsigned)op->words[1];
    if (!loop)
        return bide_fail(BIDE_ENOLOOP, "bide_fd_wait: no event loop is running in this thread");
    if (events == 0 || events & ~ALL_EVENTS)
        return bide_fail(-EINVAL, "bide_fd_wait: %#x is nothing to wait for", events);
    return bide__descriptors_open(loop) ? 0 : bide_error_code();
}

/* It registers the descriptor, for enlisting cannot fail. */
static int wait_attempt(const bide_operation *op, struct op_waiter *w)
{
    struct descriptors *all = bide__descriptors_of(bide__loop_here);
    int fd = (int)op->words[0], came = w ? (int)w->words[RESULT] : look(all, fd, (unsigned)op->words[1]);
    if (w && came < 0)
        return bide_fail(came, "bide_fd_wait: descriptor %d was closed meanwhile", fd);
    if (came != 0)
        return came;

    struct watched *entry = bide__watched_enter(all, fd);
    int code = entry ? bide__watched_arm(all, &entry, (unsigned)op->words[1]) : BIDE_ENOMEM;
    return code < 0 ? code : OPERATION_WAITS;
}

static void enlist(struct watched *entry, unsigned events, struct op_waiter *w)
{
    w->words[WANTS] = events;
    w->words[RESULT] = 0;
    w->words[WHERE] = (uintptr_t)entry;
    bide__list_append(&entry->waiters, &w->clause.node);
}

static void wait_enlist(const bide_operation *op, struct op_waiter *w)
{
    enlist(bide__watched_find(bide__descriptors_of(bide__loop_here), (int)op->words[0]), (unsigned)op->words[1], w);
}

static void wait_withdraw(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    if (!bide__list_is_linked(&w->clause.node))
        return; /* nothing was granted: it is as ready as before */
    bide__list_remove(&w->clause.node);
    bide__watched_settle(bide__descriptors_of(bide__loop_here), (struct watched *)w->words[WHERE]);
}

static const struct bide_operation_ops wait_ops = {"bide_fd_wait", wait_check, wait_attempt, wait_enlist, wait_withdraw,
                                                   .fd_at = offsetof(bide_operation, words[0])};

bide_awaitable bide_fd_awaitable(int fd, unsigned events)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &wait_ops, .words = {(uintptr_t)fd, events}}};
}

/* Each wait costs a part of the turn's budget, so that a descriptor that is always ready stops nobody else. */
static int yield_if_over_budget(bide_loop *loop)
{
    loop->io_left -= FD_CALL_COST;
    if (loop->io_left > 0)
        return 0;
    loop->budget = 0;
    return bide__wait_in_for(&loop->io_waiters, WAIT_NAMED, "its share of I/O");
}

int bide_fd_wait(int fd, unsigned events)
{
    bide_operation op = {.ops = &wait_ops, .words = {(uintptr_t)fd, events}};
    bide_task *t = bide__task_required(__func__);
    int code = t ? wait_check(&op) : BIDE_ENOLOOP;
    if (code == 0)
        code = yield_if_over_budget(t->future.loop);
    return code < 0 ? code : bide__operation_await(&op);
}

/* ---- for interpose.c ---- */

int bide__descriptor_enlist(bide_loop *loop, const bide_operation *op, struct op_waiter *w)
{
    struct descriptors *all = bide__descriptors_open(loop);
    struct watched *entry = all ? bide__watched_enter(all, (int)op->words[0]) : NULL;
    int code = entry ? bide__watched_arm(all, &entry, (unsigned)op->words[1]) : BIDE_ENOMEM;
    if (code < 0)
        return code;

    entry->stays = true;
    enlist(entry, (unsigned)op->words[1], w);
    return 0;
}

int bide__descriptor_withdraw(const bide_operation *op, struct op_waiter *w)
{
    bool was_woken = !bide__list_is_linked(&w->clause.node);

    wait_withdraw(op, w);
    return was_woken ? (int)w->words[RESULT] : 0;
}

int bide_fd_forget(int fd)
{
    bide_loop *loop = bide__loop_here ? bide__loop_here : bide__thread_loop();
    if (!loop)
        return bide_fail(BIDE_ENOLOOP, "bide_fd_forget: this thread has no event loop");
    struct descriptors *all = bide__descriptors_of(loop);
    struct watched *w = bide__watched_find(all, fd);
    if (!w)
        return 0;

    bide__watched_unregister(all, w);
    return bide__watched_give_up(all, w, BIDE_ECLOSED);
}
