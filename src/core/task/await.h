/* SPDX-License-Identifier: MIT */
/*
 * await.h - tasks among each other: made, awaited, cancelled, bounded in time.
 */
#ifndef BIDE_CORE_AWAIT_H
#define BIDE_CORE_AWAIT_H

#include "core/turn/task.h"

/* ---- task.c, await.c ---- */

/* Owned by the caller; queued.  made_at: where the call that makes it returns to; NULL: not known. */
never_indirect bide_task *bide__task_new(bide_loop *loop, const bide_task_args *args, const void *made_at);
_Noreturn void bide__task_end_here(int code); /* the running stackful task, from anywhere on its stack: its frames are lost */
/* Make any awaitable a future that settles on its own: a task or future is itself.  A share, to be released. */
bide_future *bide__start(bide_loop *loop, bide_awaitable a, const void *made_at);
/* The same, with the name, the stack and the start that args give for a task; what is one already has its own. */
bide_future *bide__start_as(bide_loop *loop, bide_awaitable a, bide_task_args args, const void *made_at);
/* Of a public function that makes tasks, in its own frame: where it was called, for reports. */
#define CALLED_AT __builtin_return_address(0)
/* shield.c.  A future that ends when inner, which is pending, does, and whose cancellation does not reach it; the caller's share of inner is taken. */
bide_future *bide__shielded(bide_future *inner);
const bide_future *bide__shield_by(const struct ready *r); /* the one that ends by this turn; NULL: none */
bide_future *bide__behind_shield(const bide_future *f); /* what it shields; f itself, if it is no such future */
static inline bide_awaitable bide__unshielded(bide_awaitable a)
{
    a.kind = (enum bide_awaitable_kind)(a.kind & ~BIDE_AW_SHIELDED);
    return a;
}
/* The future that it is already; NULL: it is none yet. */
static inline bide_future *bide__future_of(const bide_awaitable *a)
{
    return a->kind == BIDE_AW_TASK || a->kind == BIDE_AW_FUTURE ? a->as.future : NULL; /* a task begins with its future */
}
/* await.c.  May it be awaited at all?  As bide__loop_check. */
int bide__check_awaitable(const bide_awaitable *a, const char *function);

/*
 * libbide-unblock is in the program, so that calls of other libraries wait as tasks do: called in a task that has a guest, when its
 * coroutine has returned.  NULL: it is not.
 */
extern void (*bide__guest_ended)(void *guest);
/* What the running task is about, for reports (task.h); texts are borrowed until the end.  Not in a task: nothing. */
static inline void bide__doing_begin(struct doing *d)
{
    bide_task *t = bide__task_here();
    if (unlikely(!t || t->stackless))
        return;

    d->outer = bide__task_top(t)->doing;
    bide__task_top(t)->doing = d;
}
static inline void bide__doing_end(const struct doing *d)
{
    bide_task *t = bide__task_here();

    if (likely(t && !t->stackless))
        bide__task_top(t)->doing = d->outer;
}

/* ---- cancel.c: an interruption goes on to what is awaited ---- */

/* Cancelled or out of time: end its present wait early, or see to it that the next one ends at once. */
void bide__task_interrupt(bide_task *t, enum interrupt why);
/* Cancel what t->wait awaits, and no more. */
void bide__pass_on(bide_task *t);
/* The running task cancels f and is about to drain it: what f waits for does not wait for this task any longer. */
void bide__cancel_to_drain(bide_future *f);
/* Wait until it is done, whatever happens to the waiter. */
void bide__drain(bide_future *f);
int bide__circle_given_up(void); /* the code, and the story, of a wait that gave up */

/* The one future that it awaits; NULL: it waits for something else, or for several, or not at all. */
static inline bide_future *bide__awaited_by(const bide_task *t)
{
    if (t->stackless)
        return t->awaited;
    return t->wait ? t->wait->awaits : NULL;
}

/* Of one that waits. */
static inline bide_task **bide__walk_parent_of(bide_task *t)
{
    return t->stackless ? &t->walk_parent : &t->wait->walk_parent;
}

static inline bool bide__is_on_the_way(const bide_task *t)
{
    return t->stackless ? t->awaited && t->walk_parent : t->wait && t->wait->walk_parent;
}

/* ---- circle.c: would a task wait for itself? ---- */

struct circle_search;
/* Will f not end before the task for which we search does?  Asked by those below. */
bool bide__never_ends(struct circle_search *s, const bide_future *f);
/* Does none of what these waits are for end before then? */
bool bide__group_is_stuck(struct circle_search *s, const void *wait);
bool bide__completed_is_stuck(struct circle_search *s, const void *wait);
/* Would a wait of t never end, as far as is_stuck(what) can tell by asking the above?  BIDE_EDEADLOCK on record, or 0. */
int bide__check_stuck(const bide_task *t, const char *function, bool (*is_stuck)(struct circle_search *s, const void *what),
                      const void *what);
/* The same for an await of f, which is a task that waits for something, or shields one. */
int bide__check_circle(const bide_task *t, const bide_future *f, const char *function);
static inline bool bide__is_in_wait(const bide_future *f)
{
    const bide_task *t = (const bide_task *)f;

    return f->is_task && (t->stackless ? t->awaited != NULL : t->wait != NULL);
}


/* ---- generator.c: stackless tasks ---- */

void bide__generator_run(struct ready *r);
int bide__generator_await(bide_generator *g); /* in place, by a stackful task */

/* ---- scope.c: bide_timeout, bide_scope ---- */

/* Does a cancellation that came back from inside mean that a block of this task ran out of time? */
bool bide__scope_explains(const bide_task *t);
void bide__scopes_drop(bide_task *t); /* the task's frames are lost, and the blocks in them */
/* bide_timeout for our own use: bide_timeout_expired() does not answer for it. */
#define bide__timeout(ms) BIDE__TIMEOUT(bide__timeout_enter, (ms))
bide_timeout_scope *bide__timeout_enter(bide_timeout_scope *block, int64_t ms);
bool bide__block_expired(void); /* do waits fail here because a block ran out of time, or was cancelled? */

#endif
