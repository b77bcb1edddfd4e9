/* SPDX-License-Identifier: MIT */
/*
 * scope.c - bide_timeout: a block whose waits have an end.
 *
 * The scope lives in the frame of the block and is linked into its task.  When its time is over, the task's present
 * wait ends early, and every later wait inside ends at once, until the block is left.  Nothing is allocated: a place
 * in the ready queue is reserved if there is memory, so that the time-out takes its turn as asyncio's does; without
 * memory it acts at once.
 *
 * A cancellation outranks a time-out: waits return BIDE_ECANCELED if the task was cancelled after the block was entered.
 */
#include "core/task/await.h"

_Static_assert(sizeof(struct scope) <= sizeof(((bide_timeout_scope *)0)->private_), "bide_timeout_scope is too small");

static void expire(struct scope *s)
{
    s->expired = true;
    s->task->expired++;
    bide__task_interrupt(s->task, BY_TIMEOUT);
}

static void scope_run(struct ready *r)
{
    expire(container_of(r, struct scope, ready));
}

static void scope_fire(struct timer *timer)
{
    struct scope *s = container_of(timer, struct scope, timer);

    if (s->has_place)
        bide__push(s->task->future.loop, &s->ready);
    else
        expire(s);
}

bide_timeout_scope *bide_timeout_enter(bide_timeout_scope *block, int64_t ms)
{
    struct scope *s = (struct scope *)(void *)block->private_;
    bide_task *t = bide__task_here();

    block->entered = t && !t->stackless;
    if (!block->entered)
        return block; /* nothing here can wait, so there is nothing to bound */

    *s = (struct scope){.task = t, .outer = t->scopes, .ready.run = scope_run};
    s->cancelling = (uint16_t)(t->cancelling - t->must_cancel); /* one still to be delivered belongs inside */
    bide__timer_init(&s->timer, scope_fire);
    t->scopes = s;

    struct error_mark mark;
    bide__error_mark(&mark);
    s->has_place = bide__ring_reserve(&t->future.loop->ring, 1) == 0;
    bide__error_restore(&mark);

    if (ms > 0)
        bide__timer_arm(t->future.loop, &s->timer, ms);
    else if (ms != BIDE_FOREVER)
        scope_fire(&s->timer);
    return block;
}

static void leave(struct scope *s)
{
    bide_task *t = s->task;
    bide_loop *loop = t->future.loop;
    assert(t->scopes == s);
    bide__timer_disarm(loop, &s->timer);
    bide__unpush(loop, &s->ready);
    if (s->has_place)
        bide__ring_unreserve(&loop->ring, 1);
    if (s->expired)
        t->expired--;
    t->scopes = s->outer;
}

void bide_timeout_leave(bide_timeout_scope *block)
{
    if (block->entered)
        leave((struct scope *)(void *)block->private_);
    block->entered = 0;
}

void bide__scopes_drop(bide_task *t)
{
    while (t->scopes)
        leave(t->scopes);
}

bool bide_timeout_expired(void)
{
    bide_task *t = bide__task_here();

    return t && !t->stackless && t->scopes && t->scopes->expired;
}

bool bide__scope_explains(const bide_task *t)
{
    for (const struct scope *s = t->scopes; s; s = s->outer)
        if (s->expired && t->cancelling <= s->cancelling)
            return true;
    return false;
}
