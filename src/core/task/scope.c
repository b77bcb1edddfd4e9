/* SPDX-License-Identifier: MIT */
/*
 * scope.c - bide_timeout and bide_scope: blocks whose waits have an end.
 *
 * The scope lives in the frame of the block and is linked into its task.  When its time is over, or it is cancelled, the task's
 * present wait ends early, and every later wait inside ends at once, until the block is left.  Nothing is allocated: a place
 * in the ready queue is reserved if there is memory, so that the time-out takes its turn as asyncio's does; without
 * memory it acts at once.
 *
 * A cancellation outranks a time-out: waits return BIDE_ECANCELED if the task was cancelled after the block was entered.
 *
 * A block that shields hides what is outside of it: blocks there expire, but are not counted; a cancellation of the task is
 * kept until the block is left.
 *
 * Invariants:
 *   S1  task->expired is the number of expired scopes from the innermost outwards, up to the first that shields.
 *   S2  task->is_shielded: one of its scopes shields.  must_cancel is not set then, and holds_cancel is not set otherwise.
 */
#include <bide/scope.h>

#include "core/task/await.h"

_Static_assert(sizeof(struct scope) <= sizeof(((bide_timeout_scope *)0)->private_), "bide_timeout_scope is too small");

static struct scope *scope_of(bide_timeout_scope *block)
{
    return (struct scope *)(void *)block->private_;
}

/* ---- its end ---- */

static bool is_hidden(const struct scope *s)
{
    for (const struct scope *inner = s->task->scopes; inner != s; inner = inner->outer)
        if (inner->shields)
            return true;
    return false;
}

static void expire(struct scope *s, int code)
{
    s->expired = true;
    s->code = code;
    if (is_hidden(s))
        return;
    s->task->expired++;
    bide__task_interrupt(s->task, BY_TIMEOUT);
}

static void scope_run(struct ready *r)
{
    expire(container_of(r, struct scope, ready), BIDE_ETIMEDOUT);
}

static void scope_fire(struct timer *timer)
{
    struct scope *s = container_of(timer, struct scope, timer);

    if (s->has_place)
        bide__push(s->task->future.loop, &s->ready);
    else
        expire(s, BIDE_ETIMEDOUT);
}

static void disarm(struct scope *s)
{
    bide_loop *loop = s->task->future.loop;

    bide__timer_disarm(loop, &s->timer);
    bide__unpush(loop, &s->ready);
}

static void arm(struct scope *s, int64_t ms)
{
    if (ms == BIDE_FOREVER)
        return;
    if (ms > 0)
        bide__timer_arm(s->task->future.loop, &s->timer, ms);
    else
        scope_fire(&s->timer);
}

/* ---- entering ---- */

/* The block's scope, linked into its task; NULL: nothing here can wait, so there is nothing to bound. */
static struct scope *enter(bide_timeout_scope *block)
{
    struct scope *s = scope_of(block);
    bide_task *t = bide__task_here();

    block->entered = t && !t->stackless;
    if (!block->entered)
        return NULL;

    *s = (struct scope){.task = t, .outer = t->scopes, .ready.run = scope_run};
    s->cancelling = (uint16_t)(t->cancelling - t->must_cancel); /* one still to be delivered belongs inside */
    bide__timer_init(&s->timer, scope_fire);
    t->scopes = s;

    struct error_mark mark;
    bide__error_mark(&mark);
    s->has_place = bide__ring_reserve(&t->future.loop->ring, 1) == 0;
    bide__error_restore(&mark);
    return s;
}

bide_timeout_scope *bide__timeout_enter(bide_timeout_scope *block, int64_t ms)
{
    struct scope *s = enter(block);

    if (s) {
        s->is_quiet = true;
        arm(s, ms);
    }
    return block;
}

bide_timeout_scope *bide_timeout_enter(bide_timeout_scope *block, int64_t ms)
{
    struct scope *s = enter(block);

    if (s) {
        s->task->left_block = false;
        arm(s, ms);
    }
    return block;
}

bide_timeout_scope *bide_timeout_enter_at(bide_timeout_scope *block, int64_t when_ms)
{
    struct scope *s = enter(block);
    if (!s)
        return block;

    s->task->left_block = false;
    if (when_ms == BIDE_FOREVER)
        return block;
    if (when_ms > bide__timer_now_ms(s->task->future.loop))
        bide__timer_arm_at(s->task->future.loop, &s->timer, when_ms);
    else
        scope_fire(&s->timer);
    return block;
}

static void begin_shield(struct scope *s)
{
    bide_task *t = s->task;

    s->shields = t->is_shielded = true;
    t->expired = 0;
    if (t->must_cancel) {
        t->must_cancel = false;
        t->holds_cancel = true;
    }
}

bide_cancel_scope *bide_scope_enter(bide_cancel_scope *block, const bide_scope_args *options)
{
    bide_scope_args args;
    int bad = bide__options_take(&args, sizeof args, options, "bide_scope");
    struct scope *s = enter(&block->block_);
    if (!s)
        return block;

    s->task->left_block = false;
    if (bad < 0 || bide__check_named(args.guard_, "bide_scope") < 0) {
        expire(s, -EINVAL);
        return block;
    }
    if (args.shield)
        begin_shield(s);
    if (args.timeout_ms != 0)
        arm(s, args.timeout_ms);
    else if (args.shield)
        arm(s, BIDE_SCOPE_SHIELD_MS);
    return block;
}

/* ---- leaving ---- */

/* What was outside of a block that shielded is there again. */
static void end_shield(bide_task *t)
{
    t->is_shielded = false;
    t->expired = 0;
    for (const struct scope *s = t->scopes; s && !t->is_shielded; s = s->outer) {
        t->expired = (uint16_t)(t->expired + s->expired);
        t->is_shielded = s->shields;
    }
    if (!t->is_shielded && t->holds_cancel) {
        t->holds_cancel = false;
        t->must_cancel = true;
    }
}

static void leave(struct scope *s)
{
    bide_task *t = s->task;
    assert(t->scopes == s);
    disarm(s);
    if (s->has_place)
        bide__ring_unreserve(&t->future.loop->ring, 1);
    t->scopes = s->outer;
    if (s->shields)
        end_shield(t);
    else if (s->expired)
        t->expired--;
    if (!s->is_quiet) {
        t->left_block = true;
        t->left_expired = s->expired && s->code == BIDE_ETIMEDOUT;
        t->left_cancelled = s->expired && s->code == BIDE_ECANCELED;
    }
}

void bide_timeout_leave(bide_timeout_scope *block)
{
    if (block->entered)
        leave(scope_of(block));
    block->entered = 0;
}

void bide_scope_leave(bide_cancel_scope *block)
{
    bide_timeout_leave(&block->block_);
}

void bide__scopes_drop(bide_task *t)
{
    while (t->scopes)
        leave(t->scopes);
}

/* ---- asked inside, and changed ---- */

/* Those of our own functions around a user's function are not the user's. */
static struct scope *innermost(const bide_task *t)
{
    struct scope *s = t->scopes;

    while (s && s->is_quiet)
        s = s->outer;
    return s;
}

int bide_timeout_reschedule(int64_t ms)
{
    bide_task *t = bide__task_required(__func__);
    struct scope *s = t ? innermost(t) : NULL;
    if (!t)
        return bide_error_code();
    if (!s)
        return bide_fail(BIDE_ESTATE, "bide_timeout_reschedule: not inside a bide_timeout");
    if (s->expired)
        return bide_fail(BIDE_ESTATE, "bide_timeout_reschedule: the time is over");

    disarm(s);
    arm(s, ms);
    return 0;
}

bool bide_timeout_expired(void)
{
    const bide_task *t = bide__task_here();
    if (!t || t->stackless)
        return false;
    if (t->left_block)
        return t->left_expired;
    const struct scope *s = innermost(t);

    return s && s->expired && s->code == BIDE_ETIMEDOUT;
}

bool bide_scope_cancel(bide_cancel_scope *block)
{
    if (!block) {
        bide_fail(-EINVAL, "bide_scope_cancel: the scope is NULL");
        return false;
    }
    struct scope *s = scope_of(&block->block_);
    if (!block->block_.entered || bide__loop_check(s->task->future.loop, __func__) < 0 || s->expired)
        return false;

    disarm(s);
    expire(s, BIDE_ECANCELED);
    return true;
}

bool bide_scope_cancelled(const bide_cancel_scope *block)
{
    const bide_task *t = bide__task_here();
    if (!block)
        return t && !t->stackless && t->left_block && t->left_cancelled;

    const struct scope *s = (const struct scope *)(const void *)block->block_.private_;
    return block->block_.entered && s->expired && s->code == BIDE_ECANCELED;
}

bool bide__block_expired(void)
{
    const bide_task *t = bide__task_here();

    return t && !t->stackless && t->expired > 0;
}

bool bide__scope_explains(const bide_task *t)
{
    for (const struct scope *s = t->scopes; s; s = s->shields ? NULL : s->outer)
        if (s->expired && (t->is_shielded || t->cancelling <= s->cancelling))
            return true;
    return false;
}
