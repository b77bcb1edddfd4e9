/* SPDX-License-Identifier: MIT */
/*
 * far.c - tasks of several loops that wait for one thing.
 *
 * Who wakes one of another loop posts to that loop's inbox, and a waiter that leaves takes itself out of there.  A loop with such a
 * waiter counts it among what happens outside: somebody may wake it.
 *
 * Locks are taken in this order: that of the thing, then that of a loop's inbox.
 */
#include "sync/far/far.h"

static struct op_waiter *waiter_of(struct list_node *node)
{
    return container_of(container_of(node, struct inbox_item, node), struct op_waiter, item);
}

/* In the waiter's thread. */
static void trigger(struct op_waiter *w)
{
    w->skipped = false;
    if (!bide__op_goes_on(w))
        bide__push(w->task->future.loop, &w->task->ready);
}

static void arrived(struct inbox_item *item)
{
    trigger(container_of(item, struct op_waiter, item));
}

void bide__far_enlist(struct list_node *list, struct op_waiter *w, bool at_once)
{
    w->item = (struct inbox_item){.run = arrived};
    bide__list_init(&w->item.node);
    w->granted = at_once;
    bide__await_threads(w->task->future.loop, 1);
    w->skipped = !at_once;
    if (!at_once)
        bide__list_append(list, &w->item.node);
    else if (!bide__ready_is_queued(&w->task->ready))
        bide__push(w->task->future.loop, &w->task->ready); /* it is about to park */
}

void bide__far_wake_first(struct list_node *list)
{
    if (bide__list_is_empty(list))
        return;
    struct op_waiter *w = waiter_of(list->next);
    bide_loop *loop = w->task->future.loop;

    bide__list_remove(&w->item.node);
    w->granted = true;
    if (loop == bide__loop_here)
        trigger(w);
    else
        bide__loop_post(loop, &w->item); /* it is not closed: a task of it waits */
}

void bide__far_wake_all(struct list_node *list)
{
    while (!bide__list_is_empty(list))
        bide__far_wake_first(list);
}

bool bide__far_leave(struct op_waiter *w)
{
    bide_loop *loop = w->task->future.loop;
    bool was_woken = w->granted;

    bide__await_threads(loop, -1);
    w->granted = false;
    if (was_woken)
        bide__loop_unpost(loop, &w->item);
    else
        bide__list_remove(&w->item.node);
    return was_woken;
}
