/* SPDX-License-Identifier: MIT */
/*
 * owner.c - whose is it?  Everything belongs to a loop, and the loop to the thread that runs it.
 *
 * A function that is called for an object of another thread's loop would write to what that thread reads, and would wake
 * nobody there: so it does nothing and says so.  While a loop does not run, the caller knows which thread may use it.
 *
 * A child of fork() has copies of its parent's objects, but shares the kernel's: sockets, the epoll set, io_uring.  So
 * what the child inherits is inert.  Its functions say so; releasing closes the child's descriptor, and no more.
 *
 * Invariant: a thread's loops that run are in loops_here, the innermost first; only that one is bide__loop_here.
 */
#include "core/core.h"

#include <stdio.h>

unsigned bide__process;

static _Thread_local bide_loop *loops_here;

bool bide__loop_claim(bide_loop *loop)
{
    void *nobody = NULL;

    if (!atomic_compare_exchange_strong(&loop->runner, &nobody, (void *)&loops_here))
        return false;
    loop->outer = loops_here;
    loops_here = loop;
    return true;
}

void bide__loop_unclaim(bide_loop *loop)
{
    loops_here = loop->outer;
    atomic_store(&loop->runner, NULL);
}

bool bide__loop_is_foreign(const bide_loop *loop)
{
    const void *runner = atomic_load_explicit(&loop->runner, memory_order_relaxed);

    return runner && runner != (const void *)&loops_here;
}

/* In the child: the turns that run here end, once their present step returns. */
void bide__loops_inherit(void)
{
    bide__process++;
    for (bide_loop *loop = loops_here; loop; loop = loop->outer) {
        loop->stopping = true;
        loop->ring.turn_end = loop->ring.head;
    }
    loops_here = bide__loop_here = NULL;
}

int bide__inherited(const char *function)
{
    return bide_fail(BIDE_ESTATE, "%s: it belongs to the process before fork(); a child makes its own", function);
}

const void *bide__thread_here(void)
{
    return &loops_here;
}

int bide__loop_check_slow(const bide_loop *loop, const char *function)
{
    if (!loop)
        return bide_fail(-EINVAL, "%s: the event loop is NULL", function);
    if (bide__loop_is_inherited(loop))
        return bide__inherited(function);
    if (bide__loop_is_foreign(loop))
        return bide_fail(BIDE_ESTATE, "%s: it belongs to the event loop of another thread, which has to call this itself "
                                      "(bide_loop_call_soon_threadsafe)", function);
    return 0;
}

int bide__future_check_slow(const bide_future *f, const char *function)
{
    return f ? bide__loop_check_slow(f->loop, function) : bide_fail(-EINVAL, "%s: it is NULL", function);
}

/* What returns nothing has no other way to say it, for it leaves the record as it was; and it is a bug of the program. */
bool bide__loop_allows_slow(const bide_loop *loop, const char *function)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    int code = bide__loop_check_slow(loop, function);
    if (code < 0)
        fprintf(stderr, "bide: %s\n", bide_error_text());
    bide__error_restore(&mark);
    return code == 0;
}

bool bide__release_is_refused_slow(const bide_loop *loop, const char *function)
{
    return !bide__loop_is_inherited(loop) && !bide__loop_allows_slow(loop, function);
}

int bide__check_awaitable(const bide_awaitable *a, const char *function)
{
    const char *missing = NULL;

    switch (a->kind) {
    case BIDE_AW_SLEEP:
        return 0;
    case BIDE_AW_TASK:
        return a->as.task ? bide__future_check(&a->as.task->future, function)
                          : bide_fail(-EINVAL, "%s: the task is NULL", function);
    case BIDE_AW_FUTURE:
        return a->as.future ? bide__future_check(a->as.future, function)
                            : bide_fail(-EINVAL, "%s: the future is NULL", function);
    case BIDE_AW_COROUTINE:
        missing = a->as.coroutine.fn ? NULL : "coroutine's function";
        break;
    case BIDE_AW_GENERATOR:
        missing = a->as.generator && a->as.generator->step ? NULL : "generator, or its step function,";
        break;
    case BIDE_AW_OBJECT:
        missing = a->as.object && a->as.object->await ? NULL : "object, or its await function,";
        break;
    default:
        return bide_fail(-EINVAL, "%s: not an awaitable", function);
    }
    return missing ? bide_fail(-EINVAL, "%s: the %s is NULL", function, missing) : 0;
}
