/* SPDX-License-Identifier: MIT */
/*
 * run.c - from main() into the loop and back.
 *
 * Each thread may have one loop that is made when it is first asked for and closed when the thread ends.  bide_run
 * makes one of its own.
 */
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the thread's loop ---- */

static _Thread_local bide_loop *thread_loop;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void close_thread_loop(void *loop)
{
    thread_loop = NULL;
    bide_release(loop);
}

/* The main thread ends by exit(), which does not run the destructors of thread keys. */
static void close_at_exit(void)
{
    if (thread_loop && !bide_loop_is_running(thread_loop))
        close_thread_loop(thread_loop);
}

/* A child has copies of our objects, but shares the kernel's: it must not touch its parent's loops. */
static void forget_loops(void)
{
    bide__loops_inherit();
    thread_loop = NULL;
    pthread_setspecific(at_thread_end, NULL);
    bide__error_switch(NULL);
}

static void init(void)
{
    pthread_key_create(&at_thread_end, close_thread_loop);
    pthread_atfork(NULL, NULL, forget_loops);
    atexit(close_at_exit);
}

void bide__run_init(void)
{
    pthread_once(&once, init);
}

bide_loop *bide__thread_loop(void)
{
    return thread_loop;
}

bide_loop *bide_get_event_loop(void)
{
    if (bide__loop_here)
        return bide__loop_here;
    if (thread_loop && !thread_loop->closed)
        return thread_loop;

    bide__run_init();
    if (thread_loop)
        bide__object_unref(thread_loop);
    thread_loop = bide_loop_new();
    pthread_setspecific(at_thread_end, thread_loop);
    return thread_loop;
}

/* ---- until complete ---- */

int bide_run_until_complete_with(bide_loop *loop, bide_awaitable a)
{
    if (bide__loop_here)
        return bide_fail(BIDE_ERUNNING, "an event loop is running in this thread already");
    if (!loop || bide__loop_is_inherited(loop))
        return bide__loop_check_slow(loop, "bide_run_until_complete");
    if (bide__loop_is_foreign(loop))
        return bide_fail(BIDE_ERUNNING, "the event loop is running in another thread");
    if (loop->closed)
        return bide_fail(BIDE_ECLOSED, "the event loop is closed");
    bide_future *f = bide__start(loop, a);
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

int bide_run_with(bide_awaitable a)
{
    if (bide__loop_here)
        return bide_fail(BIDE_ERUNNING, "bide_run: an event loop is running in this thread already");
    bide_loop *loop = bide_loop_new();
    if (!loop)
        return bide_error_code();

    int code = bide_run_until_complete_with(loop, a);
    bide_release(loop);
    return code;
}

int bide_main_with(bide_awaitable a)
{
    int code = bide_run_with(a);
    if (code >= 0)
        return code;

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

    bide__loop_here = NULL;
    int code = bide_run(c);
    bide__loop_here = outer;
    return code;
}
