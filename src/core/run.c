/* SPDX-License-Identifier: MIT */
/*
 * run.c - from main() into the loop and back: bide_run makes a loop of its own.
 */
#include <signal.h>
#include <stdio.h>

#include <bide/debug.h>

#include "core/core.h"

static int run_until_complete(bide_loop *loop, bide_awaitable a, const void *made_at)
{
    if (bide__loop_here)
        return bide_fail(BIDE_ERUNNING, "an event loop is running in this thread already");
    if (!loop || bide__loop_is_inherited(loop))
        return bide__loop_check_slow(loop, "bide_run_until_complete");
    if (bide__loop_is_foreign(loop))
        return bide_fail(BIDE_ERUNNING, "the event loop is running in another thread");
    if (loop->closed)
        return bide_fail(BIDE_ECLOSED, "the event loop is closed");
    bide_future *f = bide__start(loop, a, made_at);
    if (!f)
        return bide_error_code();

    int code = bide__loop_run_until(loop, f);
    if (code == 0 && f->state == PENDING)
        code = bide__loop_is_inherited(loop) ? bide__loop_check_slow(loop, "bide_run")
                                             : bide_fail(BIDE_ESTOPPED, "the event loop was stopped before it was done");
    else if (code == 0)
        code = bide__future_outcome(f);
    bide__object_unref(f);
    return code;
}

int bide_run_until_complete_with(bide_loop *loop, bide_awaitable a)
{
    return run_until_complete(loop, a, CALLED_AT);
}

struct main_future {
    struct interruptible interruptible;
    bide_future *future;
};

/* In its loop's thread: it is there only if that handles the signal. */
static void cancel_main(struct interruptible *i)
{
    bide_future *f = container_of(i, struct main_future, interruptible)->future;

    if (f->is_task)
        bide_task_cancel_because((bide_task *)f, "SIGINT");
    else
        bide_future_cancel(f);
}

static int run_interruptible(bide_loop *loop, bide_future *f, bool *interrupted)
{
    struct main_future m = {.interruptible.cancel = cancel_main, .future = f};

    bide__interruptible_add(&m.interruptible);
    bide__interrupts_enter(loop);
    int code = run_until_complete(loop, bide__aw_future(f), NULL);
    bide__interrupts_leave(loop);
    bide__interruptible_remove(&m.interruptible);
    *interrupted = bide__interrupts_end() && code == BIDE_ECANCELED;
    return code;
}

/* *interrupted: SIGINT has cancelled it; NULL: the signal is left alone. */
static int run_on(bide_loop *loop, bide_awaitable a, bool *interrupted, const void *made_at)
{
    bide_future *f = interrupted ? bide__start(loop, a, made_at) : NULL;
    if (!interrupted)
        return run_until_complete(loop, a, made_at);
    if (!f)
        return bide_error_code();

    int code = bide__interrupts_begin() ? run_interruptible(loop, f, interrupted) : run_until_complete(loop, bide__aw_future(f), NULL);
    bide__object_unref(f);
    return code;
}

static int run(const bide_run_args *args, bool *interrupted, const void *made_at)
{
    if (bide__loop_here)
        return bide_fail(BIDE_ERUNNING, "bide_run: an event loop is running in this thread already");
    bide_loop *loop = bide_loop_new();
    if (!loop)
        return bide_error_code();

    loop->threads_max = args->threads;
    int code = args->debug ? bide_loop_set_debug(loop, true) : 0;
    if (code == 0)
        code = run_on(loop, args->awaitable, interrupted, made_at);
    bide_release(loop);
    return code;
}

static int take_run_args(bide_run_args *args, const bide_run_args *options, const char *function)
{
    BIDE_TRY(bide__options_take(args, sizeof *args, options, function));
    BIDE_TRY(bide__check_named(args->guard_, function));
    if (args->debug < 0 || args->debug > 1)
        return bide_fail(-EINVAL, "%s: debug = %lld: 0 or 1", function, (long long)args->debug);
    return bide__check_threads(args->threads, function);
}

int bide_run_with(const bide_run_args *options)
{
    bide_run_args args;
    int code = take_run_args(&args, options, "bide_run");

    return code < 0 ? code : run(&args, NULL, CALLED_AT);
}

int bide_main_with(const bide_run_args *options)
{
    bide_run_args args;
    bool interrupted = false;
    int code = take_run_args(&args, options, "bide_main");
    if (code == 0)
        code = run(&args, args.leave_signals ? NULL : &interrupted, CALLED_AT);
    if (code >= 0 || interrupted)
        return interrupted ? 128 + SIGINT : code;

    if (bide_error_code() == code)
        bide_error_print(stderr);
    else if (code == -1) /* hardly ever EPERM */
        fprintf(stderr, "error: returned -1 without saying why (bide_fail gives an error its text)\n");
    else
        fprintf(stderr, "error: %s\n", bide_strerror(code));
    return 1;
}

int bide__run_private(bide_coroutine c)
{
    bide_loop *outer = bide__loop_here;
    if (bide__blocking_waits())
        return bide_await(c);

    bide__loop_here = NULL;
    int code = bide_run(c);
    bide__loop_here = outer;
    return code;
}
