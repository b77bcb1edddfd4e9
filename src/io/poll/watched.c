/* SPDX-License-Identifier: MIT */
/*
 * watched.c - descriptors of the program's own, in a table and in the epoll set while somebody wants to know of them.
 *
 * What is watched here may be closed at any time by who owns it, and its number given to another file, so nothing is remembered
 * of it between waits.  While somebody waits, the number stands in a table and in the epoll set:
 *
 *     the kernel: a key --> epoll.c --> table --> struct watched   waiters: those whose events came are woken
 *      (number, generation)                                        calls:   pushed into the loop's queue
 *
 * Invariants:
 *   N1  a struct watched is in the table while somebody waits there or a call is wanted.  (One that was attempted in a choice that
 *       another operation won stays until its next event.)
 *   N2  it is registered level-triggered for one event (EPOLLONESHOT), and armed again for those who still wait.  An entry that
 *       a close has left in the epoll set (another descriptor of the same open file keeps it) says at most one thing more,
 *       under a generation that no one has.
 *   N3  a call that is queued is not armed: it is, once its function has returned.
 *   N4  where a library waits that stands before libc (interpose.c), the entry stays when nobody waits, and in the set: idle, not counted
 *       among what the loop watches.  An event that comes then is its last one.  Whether the number is still the same file's is seen when
 *       it is armed again, which is one system call in place of two.
 */
#include <fcntl.h>

#include "io/poll/watched.h"

static const unsigned call_event[CALLS] = {BIDE_READABLE, BIDE_WRITABLE};
static const char closer_key;

/* ---- the table ---- */

struct watched *bide__watched_find(const struct descriptors *all, int fd)
{
    struct map_node *n = all ? bide__map_find(&all->table, (const char *)&fd, sizeof fd) : NULL;

    return n ? container_of(n, struct watched, node) : NULL;
}

struct descriptors *bide__descriptors_of(bide_loop *loop)
{
    struct loop_closer *c = bide__loop_find(loop, &closer_key);

    return c ? container_of(c, struct descriptors, closer) : NULL;
}

void bide__watched_function_unref(struct function *f)
{
    if (--f->refs > 0)
        return;
    bide__free_user(f->arg, f->arg_free);
    if (f->context)
        bide__context_unref(f->context);
    bide__free(f);
}

void bide__watched_call_drop(struct descriptors *all, struct watched *w, int side)
{
    struct call *c = w->calls[side];
    if (!c)
        return;

    bide__unpush(all->loop, &c->ready);
    bide__ring_unreserve(&all->loop->ring, 1);
    w->calls[side] = NULL;
    bide__watched_function_unref(c->function);
    bide__free(c);
}

static void forget(struct descriptors *all, struct watched *w)
{
    bide__map_remove(&all->table, &w->node);
    bide__free(w);
}

static void wake(struct op_waiter *w, int result)
{
    w->words[RESULT] = (uintptr_t)(intptr_t)result;
    bide__op_wake(w);
}

int bide__watched_give_up(struct descriptors *all, struct watched *w, int code)
{
    int n = 0;

    for (; !bide__list_is_empty(&w->waiters); n++)
        wake(bide__op_waiter_of(w->waiters.next), code);
    for (int side = 0; side < CALLS; side++) {
        n += w->calls[side] != NULL;
        bide__watched_call_drop(all, w, side);
    }
    forget(all, w);
    return n;
}

static void close_all(struct loop_closer *closer)
{
    struct descriptors *all = container_of(closer, struct descriptors, closer);

    for (size_t i = 0; i < all->table.nslots; i++)
        while (all->table.slots[i])
            bide__watched_give_up(all, container_of(all->table.slots[i], struct watched, node), BIDE_ECLOSED);
    bide__map_free(&all->table);
    bide__free(all);
}

struct descriptors *bide__descriptors_open(bide_loop *loop)
{
    struct descriptors *all = bide__descriptors_of(loop);
    if (all)
        return all;

    if (bide__epoll_begin(loop) < 0)
        return NULL;
    all = bide__calloc(1, sizeof *all);
    if (!all || bide__map_init(&all->table) < 0) {
        bide__free(all);
        bide__fail_nomem("watching a descriptor");
        return NULL;
    }
    all->loop = loop;
    all->closer = (struct loop_closer){.key = &closer_key, .close = close_all};
    bide__loop_attach(loop, &all->closer);
    return all;
}

/* ---- the epoll set ---- */

static void check_open(struct descriptors *all, struct watched *w)
{
    int fd = w->fd;
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
        return;

    if (w->is_registered)
        all->loop->watched--; /* its entry went with it, or speaks to nobody */
    int n = bide__watched_give_up(all, w, BIDE_ECLOSED);
    bide__loop_report(all->loop, "descriptor %d was closed while it was waited for (by %d), and nobody said so: bide_fd_forget", fd, n);
}

void bide__descriptors_check(bide_loop *loop)
{
    struct descriptors *all = bide__descriptors_of(loop);

    for (size_t i = 0; all && i < all->table.nslots; i++)
        for (struct map_node *n = all->table.slots[i], *next; n; n = next) {
            next = n->next;
            check_open(all, container_of(n, struct watched, node));
        }
}

/* What is still to be waited for. */
static unsigned wanted(const struct watched *w)
{
    unsigned events = 0;

    for (struct list_node *n = w->waiters.next; n != &w->waiters; n = n->next)
        events |= (unsigned)bide__op_waiter_of(n)->words[WANTS];
    for (int side = 0; side < CALLS; side++)
        if (w->calls[side] && !bide__ready_is_queued(&w->calls[side]->ready))
            events |= call_event[side];
    return events;
}

static bool is_wanted(const struct watched *w)
{
    return !bide__list_is_empty(&w->waiters) || w->calls[READER] || w->calls[WRITER];
}

static void let_idle(struct descriptors *all, struct watched *w)
{
    all->loop->watched -= !w->is_idle;
    w->is_idle = true;
}

static void use_again(struct descriptors *all, struct watched *w)
{
    all->loop->watched += w->is_idle;
    w->is_idle = false;
}

void bide__watched_unregister(struct descriptors *all, struct watched *w)
{
    bool was_idle = w->is_idle;

    use_again(all, w);
    if (!bide__epoll_remove(all->loop->poller, w->fd) && was_idle)
        all->loop->watched--;
}

int bide__watched_settle(struct descriptors *all, struct watched *w)
{
    if (!is_wanted(w)) {
        if (w->stays) {
            let_idle(all, w);
        } else {
            bide__watched_unregister(all, w);
            forget(all, w);
        }
        return 0;
    }
    unsigned events = wanted(w);
    int code = events ? bide__epoll_arm(all->loop->poller, w->fd, events, w->generation, false) : 0;
    if (code < 0)
        bide__watched_give_up(all, w, BIDE_ECLOSED); /* another file, or none, has the number */
    return code;
}

void bide__descriptor_event(bide_loop *loop, int fd, uint32_t generation, unsigned events)
{
    struct descriptors *all = bide__descriptors_of(loop);
    struct watched *w = bide__watched_find(all, fd);
    if (!w || w->generation != generation)
        return;

    for (struct list_node *n = w->waiters.next, *next; n != &w->waiters; n = next) {
        struct op_waiter *each = bide__op_waiter_of(n);
        next = n->next;
        if (each->words[WANTS] & events)
            wake(each, (int)(each->words[WANTS] & events));
    }
    for (int side = 0; side < CALLS; side++)
        if (w->calls[side] && call_event[side] & events && !bide__ready_is_queued(&w->calls[side]->ready))
            bide__push(loop, &w->calls[side]->ready);
    bide__watched_settle(all, w);
}

struct watched *bide__watched_enter(struct descriptors *all, int fd)
{
    struct watched *w = bide__watched_find(all, fd);
    if (w)
        return w;

    w = bide__calloc(1, sizeof *w);
    if (!w) {
        bide__fail_nomem("watching a descriptor");
        return NULL;
    }
    w->fd = fd;
    w->generation = ++all->generations;
    bide__list_init(&w->waiters);
    bide__map_add(&all->table, &w->node, (const char *)&w->fd, sizeof w->fd);
    return w;
}

int bide__watched_arm(struct descriptors *all, struct watched **entry, unsigned events)
{
    struct watched *w = *entry;
    int fd = w->fd;
    bool is_new = !w->is_registered;
    int code = bide__epoll_arm(all->loop->poller, fd, events | wanted(w), w->generation, is_new);
    if (code == -ENOENT && !is_new) {
        bide__watched_give_up(all, w, BIDE_ECLOSED);
        *entry = w = bide__watched_enter(all, fd);
        if (!w)
            return BIDE_ENOMEM;
        is_new = true;
        code = bide__epoll_arm(all->loop->poller, fd, events, w->generation, true);
    }
    if (code == 0) {
        w->is_registered = true;
        use_again(all, w);
        return 0;
    }
    if (is_new)
        forget(all, w);
    if (code == -EEXIST)
        return bide_fail(BIDE_ESTATE, "descriptor %d: a stream, or the like, of this loop watches it already", fd);
    return bide_fail(code, "watching descriptor %d: %s", fd, bide_strerror(code));
}

void bide__descriptor_replaced(bide_loop *loop, int fd)
{
    struct descriptors *all = bide__descriptors_of(loop);
    struct watched *w = bide__watched_find(all, fd);

    if (w && w->is_idle)
        bide__watched_unregister(all, w); /* it may be the same file still */
    if (w)
        bide__watched_give_up(all, w, BIDE_ECLOSED);
}
