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

static bool args_are_good(const bide_task_args *args)
{
    const bide_generator *g = args->generator;
    bool good = g ? g->step != NULL : args->coroutine.fn != NULL;

    if (!good)
        bide_fail(-EINVAL, "bide_create_task: the %s is NULL", g ? "generator's step function" : "coroutine's function");
    return good && bide__check_stack_size(args->stack_size, "bide_create_task") == 0;
}

static __attribute__((noinline)) bide_task *create_checked(const bide_task_args *args, const void *made_at)
{
    if (bide__check_named(args->guard_, "bide_create_task") < 0 || !args_are_good(args))
        return NULL;
    bide_loop *loop = likely(bide__loop_here) ? bide__loop_here : bide_get_event_loop();

    return loop ? bide__task_new(loop, args, made_at) : NULL;
}

/* Most tasks are a coroutine and nothing that has to be looked at. */
static bide_task *create(const bide_task_args *args, const void *made_at)
{
    bide_loop *loop = bide__loop_here;
    uintptr_t special = (uintptr_t)args->generator | args->stack_size | (uintptr_t)args->guard_;

    return likely(loop && args->coroutine.fn && !special) ? bide__task_new(loop, args, made_at) : create_checked(args, made_at);
}

static __attribute__((noinline)) bide_task *create_of_other_headers(const bide_task_args *options, const void *made_at)
{
    bide_task_args args;
    if (bide__options_take(&args, sizeof args, options, "bide_create_task") < 0)
        return NULL;
    return create(&args, made_at);
}

bide_task *bide_create_task_with(const bide_task_args *args)
{
    const void *made_at = CALLED_AT;

    return bide__options_are_own(args, sizeof *args) ? create(args, made_at) : create_of_other_headers(args, made_at);
}

bide_future *bide_ensure_future_with(bide_awaitable a)
{
    bide_loop *loop = bide__check_awaitable(&a, "bide_ensure_future") < 0 ? NULL : bide_get_event_loop();

    return loop ? bide__start(loop, a, CALLED_AT) : NULL;
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
