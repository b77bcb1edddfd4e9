/* SPDX-License-Identifier: MIT */
/*
 * resume.c - the turns of a task: its first, each further one, its last.
 *
 * In most processes the loop resumes a task inline.  In one where other runtimes keep state for each stack (switch_state.c), it
 * is carried at each switch.  The loop resumes a task inline if its run function is loop->plain_run, which costs one comparison.
 * Once there is such state, or somebody wants to know of each step (debug mode, a timeline), that is NULL, so that the loop calls
 * the run function of every task instead; a loop that has run before begins to carry state with the next task that it runs.
 */
#include "core/loop/steps.h"
#include "core/turn/timeline/traced.h"

#include <stdio.h>

atomic_size_t bide__live_tasks;

atomic_bool bide__carries_state;

/* ---- first and last ---- */

/* Its first turn: cancelled before, it never runs. */
never_indirect void bide__task_start(bide_task *t)
{
    t->started = true;
    if (t->must_cancel)
        bide__task_finish(t, BIDE_ECANCELED);
}

static void keep_error(bide_task *t, int code)
{
    const struct error_record *e = bide__error_current();
    if (e->code != code)
        return;

    t->future.error = bide__malloc(sizeof *e);
    if (t->future.error)
        *t->future.error = *e;
}

/* For those who await it: it ends cancelled, and the reason goes with the task's stack. */
static __attribute__((noinline)) void keep_reason(bide_task *t)
{
    struct error_record *e = bide__malloc(sizeof *e);
    if (!e)
        return;

    *e = (struct error_record){.code = BIDE_ECANCELED};
    snprintf(e->text, sizeof e->text, "%s: cancelled: %s", bide_task_name(t), bide__task_reason(t));
    t->future.error = e;
}

never_indirect void bide__task_finish(bide_task *t, int code)
{
    if (t->must_cancel && code >= 0) /* asked for, never delivered: a result does not stand, an error does */
        code = BIDE_ECANCELED;
    t->must_cancel = false;
    if (code == BIDE_ECANCELED) {
        if (bide__task_reason(t))
            keep_reason(t);
        bide__future_settle(&t->future, CANCELLED, code);
    } else if (code < 0) {
        keep_error(t, code);
        bide__future_settle(&t->future, FAILED, code);
    } else {
        bide__future_settle(&t->future, DONE, code);
    }
}

static void give_stack_back(bide_task *t)
{
    struct stack *s = t->fiber.stack;

    bide__fiber_destroy(&t->fiber);
    bide__stack_put(&t->future.loop->stacks, s);
}

/* It is done: what only a living task needs goes back.  The loop's share goes with it. */
never_indirect void bide__task_retire(bide_task *t)
{
    bide_loop *loop = t->future.loop;

    if (!t->stackless) {
        bide__error_current_record = &loop->error; /* that of the task lies on its stack */
        give_stack_back(t);
    }
    bide__list_remove(&t->all);
    bide__ring_unreserve(&loop->ring, 1);
    atomic_fetch_sub_explicit(&bide__live_tasks, 1, memory_order_relaxed);
    bide__object_unref(t);
}

/* ---- carrying state ---- */

/* Tasks that were started before have no state, but for the one that runs right now: its state is what the thread has. */
static void begin_to_carry(bide_loop *loop)
{
    loop->carries_state = true;
    for (struct list_node *n = loop->tasks.next; n != &loop->tasks; n = n->next) {
        bide_task *t = container_of(n, bide_task, all);
        if (!t->stackless && t->started)
            bide__task_top(t)->state = (struct switch_state){0};
        if (t == loop->unsaved)
            bide__switch_state_take(&bide__task_top(t)->state);
    }
    loop->unsaved = NULL;
}

void bide__tasks_carry_state(void)
{
    bide_task *t = bide__task_here();

    if (atomic_exchange(&bide__carries_state, true))
        return;
    if (bide__loop_here)
        bide__loop_choose_way(bide__loop_here);
    if (t && !t->stackless)
        t->future.loop->unsaved = t;
}

void bide__loop_choose_way(bide_loop *loop)
{
    loop->notes_steps = loop->watch || loop->track;
    loop->notes_tasks = loop->track;
    loop->plain_run = loop->notes_steps || atomic_load_explicit(&bide__carries_state, memory_order_relaxed) ? NULL : bide__task_run;
}

static void switch_with_state(bide_loop *loop, bide_task *t)
{
    struct switch_outer outer;
    struct switch_state *s = &bide__task_top(t)->state;
    const struct stack *stack = t->fiber.stack;

    bide__switch_state_enter(&outer, s, stack->low, (size_t)((const char *)stack - stack->low));
    bide__task_switch_to(loop, t);
    bide__switch_state_leave(&outer, s, t->future.state != PENDING);
}

void bide__task_run(struct ready *r)
{
    bide_task *t = container_of(r, bide_task, ready);
    bide_loop *loop = t->future.loop;

    loop->others--; /* it is a task's step, see bide__loop_steps */
    if (!loop->carries_state)
        begin_to_carry(loop);
    if (!t->started) {
        bide__task_top(t)->state = (struct switch_state){0};
        bide__task_start(t);
    }
    if (t->future.state == PENDING)
        switch_with_state(loop, t);
    if (t->future.state != PENDING)
        bide__task_retire(t);
}

/* ---- debug mode ---- */

/* Its task may be gone when the step has ended, so we have a share of it; and its name is written down before. */
static void run_watched(bide_loop *loop, struct ready *r)
{
    struct step s = {.name = "a callback"};
    bide_task *t = r->is_task ? bide_retain(container_of(r, bide_task, ready)) : NULL;
    bool is_on = loop->watch->is_on;
    if (t) {
        s.task_id = t->id;
        bide__task_show(t, s.name, sizeof s.name);
    }
    if (t && !t->stackless) {
        s.function = bide__task_top(t)->coroutine.name;
        s.high = (uintptr_t)bide__stack_top(t->fiber.stack);
    }

    if (is_on)
        bide__step_begin(loop->watch, &s);
    bide__run_traced(loop, r);
    if (is_on)
        bide__step_end(loop);
    if (t)
        bide__object_unref(t);
}

void bide__run_noted(bide_loop *loop, struct ready *r)
{
    if (loop->watch)
        run_watched(loop, r);
    else
        bide__run_traced(loop, r);
}
