/* SPDX-License-Identifier: MIT */
/*
 * inbox.c - what other threads hand to the loop: items in a list under its lock, which the loop runs in its turns.
 */
#include "core/loop/owner.h"

/* So many run in one turn: other threads may post faster than we run. */
#define INBOX_PER_TURN 256

/*
 * has_inbox is a hint that saves the lock in most turns.  It is set and cleared under the lock, so it is true whenever an
 * item lies in the inbox and the lock is free; seen late here, the item is run in a later turn, for who set it also wakes
 * the poller, and a wake-up that comes before the wait ends that wait.
 */
static void empty_inbox(bide_loop *loop)
{
    if (!atomic_load_explicit(&loop->has_inbox, memory_order_acquire))
        return;

    pthread_mutex_lock(&loop->lock);
    bide__list_splice(&loop->taken, &loop->inbox);
    atomic_store_explicit(&loop->has_inbox, false, memory_order_relaxed);
    pthread_mutex_unlock(&loop->lock);
}

static struct inbox_item *next_taken(bide_loop *loop)
{
    struct inbox_item *item = container_of(loop->taken.next, struct inbox_item, node);

    bide__list_remove(&item->node);
    return item;
}

void bide__inbox_take(bide_loop *loop)
{
    empty_inbox(loop);
    for (int n = 0; n < INBOX_PER_TURN && !bide__list_is_empty(&loop->taken); n++) {
        struct inbox_item *item = next_taken(loop);
        item->run(item);
    }
}

void bide__inbox_close(bide_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    loop->inbox_closed = true;
    bide__list_splice(&loop->taken, &loop->inbox);
    pthread_mutex_unlock(&loop->lock);
    while (!bide__list_is_empty(&loop->taken)) {
        struct inbox_item *item = next_taken(loop);
        if (item->drop)
            item->drop(item);
    }
}

bool bide__loop_post(bide_loop *loop, struct inbox_item *item)
{
    if (bide__loop_is_inherited(loop))
        return false; /* the lock may be held by a thread that is not here */
    pthread_mutex_lock(&loop->lock);
    bool open = !loop->inbox_closed;
    if (open) {
        bide__list_append(&loop->inbox, &item->node);
        if (!atomic_exchange_explicit(&loop->has_inbox, true, memory_order_release))
            loop->poller_ops->wake(loop->poller);
    }
    pthread_mutex_unlock(&loop->lock);
    return open;
}

void bide__loop_unpost(bide_loop *loop, struct inbox_item *item)
{
    pthread_mutex_lock(&loop->lock);
    bide__list_remove(&item->node);
    pthread_mutex_unlock(&loop->lock);
}
