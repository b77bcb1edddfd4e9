/* SPDX-License-Identifier: MIT */
/*
 * operation.h - what can be awaited, and chosen among, without being a future: a get from a queue, a lock, a descriptor.
 *
 *     bide_operation   a value, in a bide_awaitable            struct op_waiter   on the stack of the task that waits
 *       ops ---------> check, attempt, enlist, withdraw          clause ----------> in a list of the object's
 *       object, place, words                                     words: the object's to use
 *
 * Who awaits one (operation.c) or chooses among several (several/select.c) does this:
 *
 *     check      of all, before anything else
 *     attempt    one after the other: the first that does not have to wait ends it, and nothing was enlisted
 *     enlist     all, and park
 *     withdraw   all but the one that was triggered; after a cancellation or a time-out that one, too
 *     attempt    that one again, with its waiter; if it has to wait after all, everything begins anew
 *
 * None of the functions suspends or allocates.  sync/README.md says how to write one.
 */
#ifndef BIDE_CORE_OPERATION_H
#define BIDE_CORE_OPERATION_H

#include <bide/awaitable.h>

#include "core/turn/task.h"

/* Of attempt(): not now. */
#define OPERATION_WAITS (-2147483647 - 1)

/* One operation in the wait of one task.  Its memory lasts from enlist() to withdraw(), or to the second attempt(). */
struct op_waiter {
    struct clause clause;
    bide_task *task;
    bool skipped; /* taken from its list when its task went on already: it was not triggered */
    bool granted; /* for the operation alone, as the next ones */
    union {
        struct timer timer;
        struct inbox_item item;
        uintptr_t words[4];
    };
};

struct bide_operation_ops {
    const char *name; /* the function, for messages and reports: "bide_queue_get" */
    /*
     * May it be awaited here?  0, or an error on record: the object is NULL, of another loop (bide__check_operable), or an argument
     * is wrong.
     */
    int (*check)(const bide_operation *op);
    /*
     * Do it, if it can be done now.  w is NULL, or was enlisted and triggered; then what was granted to it is used up, whatever
     * this returns.
     *
     * Returns: a result, 0 or more; an error, on record; OPERATION_WAITS
     */
    int (*attempt)(const bide_operation *op, struct op_waiter *w);
    /* It has to wait: put w->clause where it will be triggered, once.  Wakes nobody. */
    void (*enlist)(const bide_operation *op, struct op_waiter *w);
    /*
     * Another one was chosen, or the wait ended early: leave nothing behind.  If w was triggered (bide__op_is_triggered), pass on
     * what it was woken for or granted.  The error on record stays as it is.
     */
    void (*withdraw)(const bide_operation *op, struct op_waiter *w);
    /* Optional, for reports: the number of the task that has to let go of it first; 0: nobody's. */
    uint64_t (*holder)(const bide_operation *op);
    /* A share of the object for as long as the wait lasts, which may enlist more than once.  NULL: its owner sees to that. */
    void *(*retain)(void *object);
    void (*release)(void *object);
    uint16_t fd_at; /* where in the object, or without one in the operation, a descriptor (int) lies; 0: nowhere */
    uint16_t holder_at; /* where in the object that number (uint64_t) lies, for who looks from outside; 0: nowhere */
};

/* What a task waits for that awaits one, or chooses: its wait has the kind WAIT_OPERATION.  For reports. */
struct operation_wait {
    struct wait wait;
    const bide_operation *operation; /* one of them; NULL: none, as in a choice among futures */
    bool is_choice;                  /* others may end the wait as well: bide__choices_awaited (several/select.c) */
};

/* As bide_await; the operation is borrowed. */
int bide__operation_await(const bide_operation *op);
static inline int bide__operation_check(const bide_operation *op, const char *function)
{
    return likely(op->ops != NULL) ? op->ops->check(op) : bide_fail(-EINVAL, "%s: not an awaitable", function);
}

/* Is this the loop of an object that may be used here?  As bide__loop_check; and no other one runs here. */
int bide__check_operable_slow(const bide_loop *loop, const char *function);
static inline int bide__check_operable(const bide_loop *loop, const char *function)
{
    return likely(loop && loop == bide__loop_here) ? 0 : bide__check_operable_slow(loop, function);
}

static inline void bide__op_waiter_init(struct op_waiter *w, bide_task *t)
{
    bide__clause_init(&w->clause, &t->ready);
    w->task = t;
    w->skipped = false;
}

static inline struct op_waiter *bide__op_waiter_of(struct list_node *node)
{
    return container_of(container_of(node, struct clause, node), struct op_waiter, clause);
}

static inline bool bide__op_is_triggered(const struct op_waiter *w)
{
    return !bide__list_is_linked(&w->clause.node) && !w->skipped;
}

/* Its task goes on already: cancelled, out of time, woken by this or another of its operations, or about to withdraw them. */
static inline bool bide__op_goes_on(const struct op_waiter *w)
{
    return bide__ready_is_queued(w->clause.wakes) || w->task->future.loop->current == w->task;
}

/* Take it from its list, and give its task a turn.  (bide__wake_one and bide__wake_all do for lists whose owner grants nothing.) */
static inline void bide__op_wake(struct op_waiter *w)
{
    bide__list_remove(&w->clause.node);
    if (!bide__op_goes_on(w))
        bide__push(w->task->future.loop, &w->task->ready);
}

/* Wake the first in a list whose task does not go on already; those before it leave the list.  False: nobody. */
bool bide__op_wake_first(struct list_node *list);

#endif
