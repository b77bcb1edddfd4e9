/* SPDX-License-Identifier: MIT */
/*
 * here.c - what a program makes without naming a loop: it belongs to the one that runs here, or to this thread's.
 */
#include "core/core.h"

bide_loop *bide_get_event_loop(void)
{
    if (bide__loop_here)
        return bide__loop_here;
    bide_loop *loop = bide__thread_loop();
    if (loop && !loop->closed)
        return loop;

    bide__run_init();
    loop = bide_loop_new();
    bide__set_thread_loop(loop);
    return loop;
}

/* ---- tasks ---- */

/* Not inline: seldom needed, and the path beside it is that of every task. */
static __attribute__((noinline)) bool args_are_good(const bide_task_args *args)
{
    const bide_generator *g = args->generator;
    bool good = g ? g->step != NULL : args->coroutine.fn != NULL;

    if (!good)
        bide_fail(-EINVAL, "bide_create_task: the %s is NULL", g ? "generator's step function" : "coroutine's function");
    return good && bide__check_stack_size(args->stack_size, "bide_create_task") == 0;
}

static bide_task *create(const bide_task_args *args)
{
    if (bide__check_named(args->guard_, "bide_create_task") < 0)
        return NULL;
    bool good = likely(args->coroutine.fn && !args->generator && args->stack_size == 0) || args_are_good(args);
    bide_loop *loop = likely(bide__loop_here) ? bide__loop_here : bide_get_event_loop();

    return good && loop ? bide__task_new(loop, args) : NULL;
}

static __attribute__((noinline)) bide_task *create_of_other_headers(const bide_task_args *options)
{
    bide_task_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_create_task") < 0)
        return NULL;
    return create(&args);
}

bide_task *bide_create_task_with(const bide_task_args *args)
{
    bide_task *t = bide__options_are_own(args, sizeof *args) ? create(args) : create_of_other_headers(args);

    if (likely(t && !t->stackless && t->future.state == PENDING))
        bide__task_top(t)->made_at = __builtin_return_address(0); /* for the report of a deadlock */
    return t;
}

bide_future *bide_ensure_future_with(bide_awaitable a)
{
    bide_loop *loop = bide__check_awaitable(&a, "bide_ensure_future") < 0 ? NULL : bide_get_event_loop();

    return loop ? bide__start(loop, a) : NULL;
}

size_t bide_all_tasks(bide_task **array, size_t max)
{
    const bide_loop *loop = bide__loop_here ? bide__loop_here : bide__thread_loop();
    size_t n = 0;
    if (!loop || bide__loop_is_inherited(loop))
        return 0;

    for (const struct list_node *at = loop->tasks.next; at != &loop->tasks; at = at->next) {
        bide_task *t = container_of(at, bide_task, all);
        if (t->future.state != PENDING)
            continue;
        if (array && n < max)
            array[n] = t;
        n++;
    }
    return n;
}

/* ---- futures ---- */

bide_future *bide_future_new(void)
{
    bide_loop *loop = bide_get_event_loop();

    return loop ? bide__future_new(loop) : NULL;
}
