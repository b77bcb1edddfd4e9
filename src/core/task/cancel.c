/* SPDX-License-Identifier: MIT */
/*
 * cancel.c - where a cancellation goes: to what the task awaits, and to what that awaits, down to the last.
 *
 * It is a walk over what waits for what, depth first, in the order in which asyncio's cancel() would call itself.  Tasks
 * may await one another a hundred thousand deep, so the way back does not stand on a stack: each wait on the way knows
 * the task from which the walk came.  A walk runs nothing of the user's.
 *
 * Two walks of which no task ran in between would do the same twice, so the second stops where the first has gone on:
 * who cancels each task of a chain goes through it once.
 *
 * A task that is on the way already, and is reached again, is one of a circle: all of them wait, and none will end.  The
 * wait that closes the circle gives up, which ends the others one by one.  (Mostly circle.c has refused that wait before.)
 *
 * Invariants:
 *   W1  walk_parent is set in just the waits that the walk has reached and not left; outside of bide__pass_on, and of a
 *       search of circle.c, in none.
 *   W2  the root of a walk is its own parent.
 */
#include "core/task/group.h"

#include <stdio.h>

#define CIRCLE_NAMES 4

/* ---- what a task waits for ---- */

static struct group *group_of(const bide_task *t)
{
    return t->stackless || !t->wait ? NULL : t->wait->group;
}

/* Does its wait pass an interruption on? */
static bool passes_on(const bide_task *t)
{
    if (t->stackless)
        return t->awaited != NULL;
    return t->wait && (t->wait->awaits || t->wait->group) && !t->wait->drains && !t->wait->gave_up;
}

static uint32_t *step_of(bide_task *t)
{
    return t->stackless ? &t->walk_step : &t->wait->walk_step;
}

/* ---- circles ---- */

/* "Task-2 -> Task-3 -> Task-2", from the one that was reached twice. */
struct circle {
    bide_loop *loop; /* NULL: none was found */
    char names[160];
};

static void name_circle(struct circle *c, bide_task *last, const bide_task *twice)
{
    const bide_task *way[CIRCLE_NAMES + 1] = {twice};
    size_t n = 1, len = 0;
    if (c->loop)
        return;

    c->loop = twice->future.loop;
    for (bide_task *t = last; t != twice; t = *bide__walk_parent_of(t))
        if (n < array_len(way))
            way[n++] = t; /* backwards: each is awaited by the next */
    for (size_t i = n; i-- > 0 && len < sizeof c->names;)
        len += (size_t)snprintf(c->names + len, sizeof c->names - len, "%s -> ", bide_task_name(way[i]));
}

/* The handler is the user's, so it is called when the walk is over. */
static void report_circle(const struct circle *c)
{
    if (c->loop)
        bide__loop_warn(c->loop, "tasks await each other in a circle, and one of them gave up: %s...", c->names);
}

int bide__circle_given_up(void)
{
    return bide_fail(BIDE_ECANCELED, "cancelled: what it awaited waits for this task, in a circle");
}

static void give_up_stackless(bide_task *t)
{
    bide__list_remove(&t->clause.node);
    bide__object_unref(t->awaited);
    t->awaited = NULL;
    t->outcome = BIDE_ECANCELED;
    if (!bide__ready_is_queued(&t->ready))
        bide__push(t->future.loop, &t->ready);
}

static void give_up(bide_task *t)
{
    if (t->stackless)
        give_up_stackless(t);
    else if (t->wait->group)
        bide__group_give_up(t->wait->group);
    else {
        t->wait->gave_up = true;
        bide__wait_end_now(t->wait);
    }
}

/* ---- reasons ---- */

/* NULL: none.  Without memory there is none either. */
static __attribute__((noinline)) void set_reason(bide_task *t, const char *reason)
{
    size_t len = reason ? strnlen(reason, BIDE_CANCEL_REASON_MAX - 1) : 0;
    struct task_extra *extra = reason ? bide__task_extra(t) : t->extra;
    if (!extra)
        return;

    bide__free(extra->reason);
    extra->reason = reason ? bide__malloc(len + 1) : NULL;
    if (!extra->reason)
        return;
    memcpy(extra->reason, reason, len);
    extra->reason[len] = 0;
}

/* ---- one task ---- */

/* A stackless task sleeps: its timer may have fired already. */
static bool end_sleep(bide_task *t)
{
    bide_loop *loop = t->future.loop;
    if (!t->is_asleep)
        return false;

    t->is_asleep = false;
    bide__timer_disarm(loop, &t->timer);
    bide__unpush(loop, &t->ready);
    t->outcome = BIDE_ECANCELED;
    bide__push(loop, &t->ready);
    return true;
}

/* Will its present wait end for this?  A wait that passes it on ends when what it waits for has ended. */
static bool end_wait(bide_task *t)
{
    const struct group *g = group_of(t);
    const bide_future *f = bide__awaited_by(t);

    if (passes_on(t))
        return g ? bide__group_is_open(g) : f->state == PENDING;
    if (t->stackless)
        return t->started && end_sleep(t);
    return t->wait && t->wait->end_early && t->wait->end_early(t->wait);
}

/* Returns: is the walk to go on from here? */
static bool interrupt(bide_task *t, enum interrupt why)
{
    if (why == BY_CANCEL && unlikely(t->is_shielded)) {
        t->holds_cancel = true;
        return false;
    }
    bool taken = end_wait(t);
    struct wait *w = t->stackless ? NULL : t->wait;
    uint32_t step = bide__loop_steps(t->future.loop);

    if (taken && w && why > w->interrupted)
        w->interrupted = why;
    if (!taken && why == BY_CANCEL)
        t->must_cancel = true;
    else if (!taken && w)
        w->too_late = true;
    if (!passes_on(t) || *step_of(t) == step)
        return false;
    *step_of(t) = step;
    return true;
}

/* ---- the walk ---- */

static bide_future *next_of(bide_task *t, bool arrived)
{
    struct group *g = group_of(t);

    return g ? bide__group_next(g, arrived) : arrived ? bide__awaited_by(t) : NULL;
}

/* Cancel f, which t waits for.  The task from which the walk goes on, or NULL. */
static bide_task *cancel_next(bide_task *t, bide_future *f, struct circle *circle)
{
    bide_task *next = f->is_task ? (bide_task *)f : NULL;

    if (f->state != PENDING) {
        f->was_retrieved = true; /* the canceller does not want its error reported */
    } else if (!next) {
        bide__future_settle(f, CANCELLED, BIDE_ECANCELED);
    } else if (bide__is_on_the_way(next)) {
        name_circle(circle, t, next);
        give_up(t);
    } else {
        if (unlikely(t->extra || next->extra))
            set_reason(next, bide__task_reason(t));
        next->cancelling++;
        return interrupt(next, BY_CANCEL) ? next : NULL;
    }
    return NULL;
}

static void walk(bide_task *root)
{
    struct circle circle = {0};
    bide_task *t = root;
    bool arrived = true;

    *bide__walk_parent_of(root) = root;
    while (t) {
        bide_future *f = next_of(t, arrived);
        bide_task *next = f ? cancel_next(t, f, &circle) : NULL;
        arrived = next != NULL;
        if (next) {
            *bide__walk_parent_of(next) = t;
            t = next;
        } else if (!f) {
            next = *bide__walk_parent_of(t);
            *bide__walk_parent_of(t) = NULL;
            t = t == root ? NULL : next;
        }
    }
    report_circle(&circle);
}

void bide__task_interrupt(bide_task *t, enum interrupt why)
{
    if (interrupt(t, why))
        walk(t);
}

void bide__pass_on(bide_task *t)
{
    walk(t);
}

void bide__cancel_to_drain(bide_future *f)
{
    bide_task *self = bide__task_here();
    struct wait w = {.task = self, .awaits = f, .drains = true};

    self->wait = &w;
    walk(self);
    self->wait = NULL;
}

void bide__drain(bide_future *f)
{
    bide_task *t = bide__task_here();
    struct wait w = {.task = t, .awaits = f, .drains = true};
    struct clause clause;

    while (f->state == PENDING) {
        bide__clause_init(&clause, &t->ready);
        bide__list_append(&f->clauses, &clause.node);
        bide__park(t, &w);
        bide__list_remove(&clause.node);
    }
}

/* ---- the requests ---- */

bool bide_task_cancel(bide_task *t)
{
    return bide_task_cancel_because(t, NULL);
}

bool bide_task_cancel_because(bide_task *t, const char *reason)
{
    if (bide__task_check(t, "bide_task_cancel") < 0)
        return false;
    if (t->future.state != PENDING) {
        t->future.was_retrieved = true;
        return false;
    }
    if (unlikely(reason || t->extra))
        set_reason(t, reason);
    t->cancelling++;
    bide__task_interrupt(t, BY_CANCEL);
    return true;
}

int bide_cancelling(const bide_task *t)
{
    int code = bide__task_check(t, __func__);
    if (code < 0)
        return code;
    return t->cancelling;
}

int bide_uncancel(bide_task *t)
{
    int code = bide__task_check(t, __func__);
    if (code < 0)
        return code;
    t->future.loop->others--; /* as if a task had run: the next request is news to what it awaits */
    if (t->cancelling > 0 && --t->cancelling == 0) {
        t->must_cancel = t->holds_cancel = false;
        if (t->extra)
            set_reason(t, NULL);
    }
    return t->cancelling;
}

bool bide_future_cancel(bide_future *f)
{
    if (bide__future_check(f, __func__) < 0)
        return false;
    if (f->is_task)
        return bide_task_cancel((bide_task *)f);
    if (f->state != PENDING) {
        f->was_retrieved = true; /* the canceller does not want its error reported */
        return false;
    }
    bide__future_settle(f, CANCELLED, BIDE_ECANCELED);
    return true;
}
