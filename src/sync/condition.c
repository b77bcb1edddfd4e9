/* SPDX-License-Identifier: MIT */
/*
 * condition.c - waiting, under a lock, for what others change under it.
 *
 * Who waits gives the lock back meanwhile, and has it again when the wait ends, also if that was cancelled or ran out of time; so an
 * interruption only puts it to the end of the line for the lock.  It is reported when the lock is held.  If the task had been
 * notified by then, another one is.
 */
#include <bide/sync.h>

#include "sync/sync.h"

struct condition {
    bide_lock *lock; /* the user's; NULL: own */
    bide_lock own;
    struct home home;
};

_Static_assert(sizeof(struct condition) <= sizeof(bide_condition), "bide_condition is too small");

bide_lock *bide_condition_lock(bide_condition *value)
{
    struct condition *c = (struct condition *)value;

    return !c ? NULL : c->lock ? c->lock : &c->own;
}

static int enter(struct condition *c, const char *function)
{
    int code = bide__home_enter(c ? &c->home : NULL, function);

    return code < 0 ? code : bide__lock_check_held(bide_condition_lock((bide_condition *)c), function);
}

/* ---- waiting to be notified; place: was it, although the wait failed? ---- */

static int condition_check(const bide_operation *op)
{
    (void)op; /* by bide_condition_wait */
    return 0;
}

static int condition_attempt(const bide_operation *op, struct op_waiter *w)
{
    (void)op;
    return w ? 0 : OPERATION_WAITS;
}

static void condition_enlist(const bide_operation *op, struct op_waiter *w)
{
    bide__list_append(&((struct condition *)op->object)->home.waiters, &w->clause.node);
}

static void condition_withdraw(const bide_operation *op, struct op_waiter *w)
{
    *(bool *)op->place = bide__op_is_triggered(w);
    bide__list_remove(&w->clause.node);
}

static const struct bide_operation_ops condition_ops = {"bide_condition_wait", condition_check, condition_attempt, condition_enlist,
                                                        condition_withdraw};
static const struct bide_operation_ops barrier_ops = {"bide_barrier_wait", condition_check, condition_attempt, condition_enlist,
                                                      condition_withdraw};

/* Whatever happens.  Returns: 0, or the strongest of code and the interruptions meanwhile. */
static int take_back(bide_lock *lock, int code)
{
    bide_task *t = bide__task_here();
    uint16_t expired = 0; /* a time-out that was delivered already does not end the next wait */
    int again;

    do {
        expired += t->expired;
        t->expired = 0;
        again = bide_lock_acquire(lock);
        if (again < 0 && code != BIDE_ECANCELED)
            code = again;
    } while (again < 0);
    t->expired += expired;
    return code;
}

static int wait(struct condition *c, const struct bide_operation_ops *ops)
{
    bide_lock *lock = bide_condition_lock((bide_condition *)c);
    bool was_notified = true;
    bide_operation op = {.ops = ops, .object = c, .place = &was_notified};

    BIDE_IGNORE(bide_lock_release(lock));
    int code = take_back(lock, bide__operation_await(&op));
    if (code == 0)
        return 0;
    if (was_notified)
        bide__op_wake_first(&c->home.waiters);
    bide_task *t = bide__task_here();
    t->must_cancel = t->must_cancel || code == BIDE_ECANCELED;
    return bide__deliver_interrupt(t);
}

int bide_condition_wait(bide_condition *value)
{
    struct condition *c = (struct condition *)value;
    int code = enter(c, __func__);
    if (code < 0)
        return code;

    return bide__task_required(__func__) ? wait(c, &condition_ops) : BIDE_ENOLOOP;
}

int bide__condition_wait_for_barrier(bide_condition *value)
{
    struct condition *c = (struct condition *)value;
    int code = enter(c, "bide_barrier_wait");

    return code < 0 ? code : wait(c, &barrier_ops);
}

/* ---- notifying ---- */

int bide_condition_notify(bide_condition *value, size_t n)
{
    struct condition *c = (struct condition *)value;
    int code = enter(c, __func__);
    if (code < 0)
        return code;

    while (n > 0 && bide__op_wake_first(&c->home.waiters))
        n--;
    return 0;
}

int bide_condition_notify_all(bide_condition *c)
{
    return bide_condition_notify(c, SIZE_MAX);
}
