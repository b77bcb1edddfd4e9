/* SPDX-License-Identifier: MIT */
/*
 * fd.c - a descriptor that the loop watches.
 *
 * Invariants:
 *   D1  an open struct fd is registered with its loop's poller, once.
 *   D2  readable and writable are false only if an edge will come: after a call that found less than it asked for.
 *   D3  a call that moves bytes spends budget, and is repeated only within it (yield_if_over_budget); so a turn of the
 *       loop costs FD_TURN_BYTES and a share for each task that is ready, however many want more (io.h).
 *   D4  an open struct fd has a share of its loop, which may be closed before the descriptor is.
 */
#include <fcntl.h>
#include <unistd.h>

#include "io/poll/epoll.h"
#include "io/poll/poll.h"

#define DESCRIPTOR_RETRY_MS 20

int bide__fd_open(struct fd *f, int fd)
{
    bide_loop *loop = bide__loop_here;
    if (!loop)
        return bide_fail(BIDE_ENOLOOP, "no event loop is running in this thread");

    *f = (struct fd){.fd = fd, .writable = true, .share = FD_SHARE, .loop = loop};
    bide__list_init(&f->readers);
    bide__list_init(&f->writers);
    int code = bide__epoll_begin(loop);
    if (code == 0)
        code = bide__epoll_add(loop->poller, fd, f);
    if (code < 0) {
        f->fd = -1;
        return bide_fail(code, "watching a descriptor: %s", bide_strerror(code));
    }
    bide_retain(loop);
    return 0;
}

/* A watched one that cannot be polled: it is ready whenever somebody asks. */
static int open_pollless(struct fd *f, int fd)
{
    f->fd = fd;
    f->readable = true;
    bide_retain(f->loop);
    return 0;
}

int bide__fd_open_any(struct fd *f, int fd)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    int code = bide__fd_open(f, fd);
    if (code == -EPERM)
        code = open_pollless(f, fd);
    bide__error_end(&mark, code);
    return code;
}

void bide__fd_is_own(struct fd *f)
{
    f->loop->watched -= !f->is_own;
    f->is_own = true;
}

/* Take it out of the epoll set, unless that is shared with a parent process, which still needs the entry. */
static void unwatch(const struct fd *f)
{
    if (f->loop->closed || bide__loop_is_inherited(f->loop))
        return;
    bool was_there = bide__epoll_remove(f->loop->poller, f->fd); /* close alone is not enough if a fork shares it */

    f->loop->watched += was_there && f->is_own; /* it was not counted */
}

/* No longer watched; who waited is woken and sees that. */
static void forget(struct fd *f)
{
    f->fd = -1;
    bide__wake_all(f->loop, &f->readers);
    bide__wake_all(f->loop, &f->writers);
    bide__object_unref(f->loop);
}

void bide__fd_close(struct fd *f)
{
    if (f->fd < 0)
        return;
    unwatch(f);
    close(f->fd);
    forget(f);
}

int bide__fd_detach(struct fd *f)
{
    int fd = f->fd;

    unwatch(f);
    forget(f);
    return fd;
}

/* The descriptor of ours for which a task waits; NULL: none. */
static struct fd *waited_for(const bide_task *t)
{
    const struct wait *w = t->stackless ? NULL : t->wait;
    bool is_one = w && (w->kind == WAIT_READ || w->kind == WAIT_WRITE || w->kind == WAIT_EITHER);

    return is_one ? container_of((int *)(uintptr_t)w->on, struct fd, fd) : NULL;
}

static struct fd *closed_under_a_waiter(const bide_loop *loop)
{
    for (const struct list_node *n = loop->tasks.next; n != &loop->tasks; n = n->next) {
        struct fd *f = waited_for(container_of(n, bide_task, all));
        if (f && f->fd >= 0 && fcntl(f->fd, F_GETFD) < 0 && errno == EBADF)
            return f;
    }
    return NULL;
}

/* The number is not ours any more, so it is not closed here.  The report calls the user's handler: then all tasks are looked at again. */
void bide__fds_check(bide_loop *loop)
{
    struct fd *f;

    while ((f = closed_under_a_waiter(loop))) {
        int fd = f->fd;
        loop->watched -= !f->is_own; /* its entry went with it */
        forget(f);
        bide__loop_report(loop, "descriptor %d was closed while a task waited for it: it belongs to a stream, or the like, which closes it", fd);
    }
}

static int wait_side(struct fd *f, struct list_node *list, const bool *ready, enum wait_kind kind)
{
    while (f->fd >= 0 && !*ready) {
        bide__fd_has_waited(f);
        int code = bide__wait_in_for(list, kind, &f->fd);
        if (code < 0)
            return code;
    }
    return f->fd >= 0 ? 0 : bide_fail(BIDE_ECLOSED, "it was closed here meanwhile");
}

int bide__fd_wait_readable(struct fd *f)
{
    return wait_side(f, &f->readers, &f->readable, WAIT_READ);
}

int bide__fd_wait_writable(struct fd *f)
{
    return wait_side(f, &f->writers, &f->writable, WAIT_WRITE);
}

/* A waiter makes the loop ask the kernel in the next turn: else what has come for other tasks would be seen much later. */
int bide__fd_take_turn(struct fd *f)
{
    f->loop->budget = 0;
    int code = bide__wait_in_for(&f->loop->io_waiters, WAIT_NAMED, "its share of I/O");

    f->spent = 0;
    f->share = FD_GRANT;
    return code;
}

size_t bide__fd_call_limit(const struct fd *f, size_t wanted)
{
    const bide_loop *loop = f->loop;
    bool is_alone = bide__ring_count(&loop->ring) == 0 && bide__list_is_empty(&loop->io_waiters);
    size_t own = f->spent < f->share ? f->share - f->spent : 0, most = FD_CALL_MIN;

    if (loop->io_left > 0)
        most = is_alone ? FD_CALL_ALONE : FD_CALL_MAX;
    else if (own > most)
        most = own;
    return wanted < most ? wanted : most;
}

void bide__fd_begin_turn(bide_loop *loop)
{
    loop->io_left = FD_TURN_BYTES;
    for (int granted = 0; granted < FD_TURN_BYTES; granted += FD_GRANT)
        if (!bide__wake_one(loop, &loop->io_waiters))
            break;
}

int bide__wait_for_descriptor(void)
{
    return bide_sleep_ms(DESCRIPTOR_RETRY_MS);
}
