/* SPDX-License-Identifier: MIT */
/*
 * lock.c - one task at a time.
 *
 * Who waits gets the lock in the order of arrival.  A release wakes the first, and until that one runs the lock is free, but nobody
 * else may take it.  If the first has been cancelled, it wakes the next when it runs.  That is asyncio's order, turn by turn.
 *
 * The holder is known by its number, which stays its own when the task is gone.
 *
 * Invariants:
 *   L1  held implies that none is woken.
 *   L2  the one that is woken is in no list; it clears `woken` when it runs.
 */
#include <bide/sync.h>

#include "sync/sync.h"

struct lock {
    struct home home;
    uint64_t holder;        /* the number of a task; 0: nobody */
    struct op_waiter *woken; /* may take it when it runs */
};

_Static_assert(sizeof(struct lock) <= sizeof(bide_lock), "bide_lock is too small");

static int enter(struct lock *l, const char *function)
{
    int code = bide__home_enter(&l->home, function);
    if (code == HOME_NEW) {
        l->holder = 0;
        l->woken = NULL;
    }
    return code < 0 ? code : 0;
}

static bool all_go_on(const struct list_node *waiters)
{
    for (struct list_node *n = waiters->next; n != waiters; n = n->next)
        if (!bide__op_goes_on(bide__op_waiter_of(n)))
            return false;
    return true;
}

static void wake_first(struct lock *l)
{
    if (l->woken || bide__list_is_empty(&l->home.waiters))
        return;
    struct op_waiter *w = bide__op_waiter_of(l->home.waiters.next);
    if (bide__op_goes_on(w))
        return;
    l->woken = w;
    bide__op_wake(w);
}

/* ---- taking it ---- */

static int lock_check(const bide_operation *op)
{
    return op->object ? enter(op->object, "bide_lock_acquire") : bide__home_enter(NULL, "bide_lock_acquire");
}

static int lock_attempt(const bide_operation *op, struct op_waiter *w)
{
    struct lock *l = op->object;
    uint64_t self = bide__task_here()->id;
    if (l->holder == self)
        return bide_fail(BIDE_EDEADLOCK, "bide_lock_acquire: this task holds the lock already");
    if (!w && (l->holder || l->woken || !all_go_on(&l->home.waiters)))
        return OPERATION_WAITS;

    l->woken = NULL;
    l->holder = self;
    return 0;
}

static void lock_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide__list_append(&((struct lock *)op->object)->home.waiters, &w->clause.node);
}

static void lock_withdraw(const bide_operation *op, struct op_waiter *w)
{
    struct lock *l = op->object;

    bide__list_remove(&w->clause.node);
    if (l->woken == w)
        l->woken = NULL;
    if (!l->holder)
        wake_first(l);
}

static uint64_t lock_holder(const bide_operation *op)
{
    return ((const struct lock *)op->object)->holder;
}

static const struct bide_operation_ops lock_ops = {"bide_lock_acquire", lock_check,    lock_attempt,
                                                   lock_enlist,         lock_withdraw, lock_holder,
                                                   .holder_at = offsetof(struct lock, holder)};

bide_awaitable bide_lock_awaitable(bide_lock *l)
{
    return (bide_awaitable){.kind = BIDE_AW_OPERATION, .as.operation = {.ops = &lock_ops, .object = l}};
}

int bide_lock_acquire(bide_lock *l)
{
    return bide__operation_await(&(bide_operation){.ops = &lock_ops, .object = l});
}

/* ---- giving it back ---- */

int bide__lock_check_held(bide_lock *value, const char *function)
{
    struct lock *l = (struct lock *)value;
    const bide_task *t = bide__task_here();
    int code = l ? enter(l, function) : bide__home_enter(NULL, function);
    if (code < 0)
        return code;
    if (!l->holder)
        return bide_fail(BIDE_ESTATE, "%s: the lock is not held", function);
    if (!t || t->id != l->holder)
        return bide_fail(BIDE_ESTATE, "%s: the lock is held by another task (#%llu)", function, (unsigned long long)l->holder);
    return 0;
}

int bide_lock_release(bide_lock *value)
{
    struct lock *l = (struct lock *)value;
    int code = bide__lock_check_held(value, __func__);
    if (code < 0)
        return code;

    l->holder = 0;
    wake_first(l);
    return 0;
}

int bide__lock_look(const bide_lock *l, const char *function)
{
    return bide__home_look((const struct home *)l, function);
}

bool bide_lock_is_held(const bide_lock *value)
{
    const struct lock *l = (const struct lock *)value;

    return bide__home_look((const struct home *)value, __func__) == 0 && l->holder;
}

/* ---- a block ---- */

bide_lock *bide_lock_enter(bide_lock *l, int *code)
{
    *code = bide_lock_acquire(l);
    return *code < 0 ? NULL : l;
}

void bide_lock_leave(bide_lock **l)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    if (*l)
        BIDE_IGNORE(bide_lock_release(*l)); /* given back inside of the block: then there is nothing to do */
    bide__error_restore(&mark);
}
