/* SPDX-License-Identifier: MIT */
/*
 * carry.c - resuming a task in a process where other runtimes keep state for each stack (switch_state.c).
 *
 * The loop resumes a task inline if its run function is bide__plain_run, which costs one comparison.  Once there is such
 * state, bide__plain_run is NULL, so that the loop calls bide__task_run for every task instead; a loop that has run
 * before begins to carry state with the next task that it runs.
 */
#include "core/core.h"

void (*bide__plain_run)(struct ready *r) = bide__task_run;

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

    if (!bide__plain_run)
        return;
    bide__plain_run = NULL;
    if (t && !t->stackless)
        t->future.loop->unsaved = t;
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
