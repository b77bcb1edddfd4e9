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
 * Each thread may have a loop that is made when it is first asked for (here.c), and is closed when the thread ends.
 *
 * Invariant: a thread's loops that run are in loops_here, the innermost first; only that one is bide__loop_here.
 */
#include "core/loop/owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

unsigned bide__process;
atomic_uint bide__idle_threads;
const struct inspector *_Atomic bide__inspector;

_Thread_local bide_loop *bide__loop_here __attribute__((tls_model("initial-exec")));
_Thread_local unsigned bide__blocks_here __attribute__((tls_model("initial-exec")));
static _Thread_local bide_loop *loops_here;
static _Thread_local pid_t thread_here; /* 0: not asked yet */
static _Thread_local const bide_loop *left_behind; /* in the child of a fork: the loops below on the stack, the innermost first */
static _Thread_local bide_loop *thread_loop; /* here.c */
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

bool bide__loop_claim(bide_loop *loop)
{
    void *nobody = NULL;

    if (!atomic_compare_exchange_strong(&loop->runner, &nobody, (void *)&loops_here))
        return false;
    if (unlikely(thread_here == 0))
        thread_here = gettid();
    loop->outer = loops_here;
    loop->thread = thread_here;
    loops_here = loop;
    return true;
}

void bide__loop_unclaim(bide_loop *loop)
{
    loops_here = loop->outer;
    atomic_store(&loop->runner, NULL);
}

/*
 * Relaxed is enough: what this thread has written itself it sees, so the answer is never wrong about a loop that it runs.
 * Of others it is true when it is given, and may be wrong a moment later; who asks has no business with such a loop.
 */
bool bide__loop_is_foreign(const bide_loop *loop)
{
    const void *runner = atomic_load_explicit(&loop->runner, memory_order_relaxed);

    return runner && runner != (const void *)&loops_here;
}

/* In the child: the turns that run here end, once their present step returns. */
void bide__loops_inherit(void)
{
    bide__process++;
    thread_here = 0;
    for (bide_loop *loop = loops_here; loop; loop = loop->outer) {
        loop->stopping = true;
        loop->ring.turn_end = loop->ring.head;
    }
    if (loops_here)
        left_behind = loops_here;
    loops_here = bide__loop_here = NULL;
    bide__loops_alive_inherit();
    bide__refused_forget();
    bide__recording_forget();
    atomic_store(&bide__idle_threads, 0);
    if (bide__inspector)
        bide__inspector->forget();
}

void bide__loop_left_behind_ends(const bide_loop *loop)
{
    if (loop == left_behind)
        left_behind = loop->outer;
}

bool bide__task_is_left_behind(void)
{
    return left_behind && left_behind->current && !bide__loop_here;
}

bool bide_loop_is_running(const bide_loop *loop)
{
    return loop && !bide__loop_is_inherited(loop) && atomic_load(&loop->runner) != NULL;
}

int bide__inherited(const char *function)
{
    return bide_fail(BIDE_ESTATE, "%s: it belongs to the process before fork(); a child makes its own", function);
}

const void *bide__thread_here(void)
{
    return &loops_here;
}

int bide__loop_check_silent(const bide_loop *loop, const char *function)
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

bool bide__loop_reports_refused(const bide_loop *loop)
{
    return !bide__loop_is_inherited(loop) && bide__loop_is_foreign(loop) && (loop->watch || bide__debug_is_on());
}

int bide__loop_check_slow(const bide_loop *loop, const char *function)
{
    int code = bide__loop_check_silent(loop, function);

    if (code == BIDE_ESTATE && bide__loop_reports_refused(loop))
        bide__report_refused();
    return code;
}

/* What returns nothing has no other way to say it, for it leaves the record as it was; and it is a bug of the program. */
bool bide__loop_allows_slow(const bide_loop *loop, const char *function)
{
    struct error_mark mark;

    bide__error_mark(&mark);
    int code = bide__loop_check_silent(loop, function);
    if (code < 0)
        fprintf(stderr, "bide: %s\n", bide_error_text());
    bide__error_restore(&mark);
    return code == 0;
}

bool bide__release_is_refused_slow(const bide_loop *loop, const char *function)
{
    return !bide__loop_is_inherited(loop) && !bide__loop_allows_slow(loop, function);
}

/* ---- the loop that a thread has when none runs ---- */

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

void bide__set_thread_loop(bide_loop *loop)
{
    if (thread_loop)
        bide__object_unref(thread_loop);
    thread_loop = loop;
    pthread_setspecific(at_thread_end, loop);
}
