/* SPDX-License-Identifier: MIT */
/*
 * once.c - pthread_once and pthread_join in a task.
 *
 * While a task runs the function of a pthread_once, it is the owner in its thread's table (parked.h), and other tasks of the thread wait.
 * If that function throws a C++ exception, or its thread is cancelled, the next caller runs it: so this file is compiled with -fexceptions.
 *
 * pthread_join is polled, because no descriptor tells when a thread has ended.  It is not interruptible: callers rely on the thread not
 * using their data any more when it returns.
 */
#include <dlfcn.h>

#include "unblock/lock/parked.h"

#define JOIN_MS 1
#define JOIN_MS_MAX 16 /* the time doubles up to it */

/* ---- pthread_once ---- */

static void end_once(struct parked **entry)
{
    struct parked *p = *entry;
    if (!p)
        return;

    p->depth = 0;
    bide__parked_wake(p->object, true);
    bide__parked_settle(p);
}

static int run_once(pthread_once_t *once, void (*fn)(void), const bide_task *t)
{
    struct parked *p __attribute__((cleanup(end_once))) = bide__parked_enter(once);
    if (p) {
        p->owner = bide_task_id(t);
        p->depth = 1;
    }
    return NEXT(pthread_once)(once, fn);
}

static bool is_run_by_another(const pthread_once_t *once, const bide_task *t)
{
    const struct parked *p = bide__parked_find(once);

    return p && p->depth > 0 && p->owner != bide_task_id(t);
}

/* glibc: the state is in the last two bits of the value.  Most calls find it done. */
#define RUNS 1
#define DONE 2
#define STATE (RUNS | DONE)

/* What "done" is here: ThreadSanitizer's pthread_once is no libc's, and has 1 for it, and more than that for "runs". */
static int done = DONE;

/* The others count forks: what ran in the parent runs nowhere in its child, and libc runs it anew. */
static int forks;

static void count_fork(void)
{
    forks += STATE + 1;
}

static void nothing(void)
{
}

__attribute__((constructor)) static void begin(void)
{
    pthread_once_t probe = PTHREAD_ONCE_INIT;

    pthread_atfork(NULL, NULL, count_fork);
    NEXT(pthread_once)(&probe, nothing);
    done = probe & STATE;
}

/* Perhaps in a task of another loop, which is suspended in it. */
static bool is_run_by_a_thread(const pthread_once_t *once)
{
    const struct parked *p = bide__parked_find(once);
    int value = __atomic_load_n(once, __ATOMIC_ACQUIRE);
    bool runs = done == DONE ? value == (forks | RUNS) : value != PTHREAD_ONCE_INIT && value != done;

    return runs && !(p && p->depth > 0);
}

static bool is_run(const pthread_once_t *once, const bide_task *t)
{
    return is_run_by_another(once, t) || is_run_by_a_thread(once);
}

/*
 * std::call_once has what it is to call in two variables of the thread (libstdc++), which other tasks set as well while this one waits.
 */
static void wait_for_run(const pthread_once_t *once, const bide_task *t)
{
    void **function = dlsym(RTLD_DEFAULT, "_ZSt11__once_call"), **object = dlsym(RTLD_DEFAULT, "_ZSt15__once_callable");
    void *had_function = function ? *function : NULL, *had_object = object ? *object : NULL;

    for (int n = 0; is_run(once, t); n++)
        if (is_run_by_another(once, t))
            bide__parked_wait(once, BIDE_FOREVER);
        else
            bide__parked_step_aside(once, n, STEP_ASIDE_MS);
    if (function && object) {
        *function = had_function;
        *object = had_object;
    }
}

int pthread_once(pthread_once_t *once, void (*fn)(void))
{
    bide_task *t = __atomic_load_n(once, __ATOMIC_ACQUIRE) == done ? NULL : bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_once)(once, fn);

    if (is_run(once, t))
        wait_for_run(once, t);
    return run_once(once, fn, t);
}

/* ---- pthread_join ---- */

static int join_in_task(bide_task *t, pthread_t thread, void **result, const struct timespec *until, clockid_t clock, const void *caller)
{
    struct list_node nobody;
    int before = errno, error;

    for (int64_t ms = JOIN_MS; (error = pthread_tryjoin_np(thread, result)) == EBUSY; ms = ms < JOIN_MS_MAX ? ms * 2 : ms) {
        int64_t left = until ? bide__parked_ms_until(clock, until) : BIDE_FOREVER;
        if (left == 0) {
            error = ETIMEDOUT;
            break;
        }
        bide__unblock_note_wait(t, "pthread_join", caller);
        bide__list_init(&nobody);
        bide__unblock_ops->wait_in(&nobody, left < ms ? left : ms, true);
    }
    errno = before;
    return error;
}

/* libc refuses that a thread joins itself. */
int pthread_join(pthread_t thread, void **result)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || pthread_equal(thread, pthread_self()))
        return NEXT(pthread_join)(thread, result);

    return join_in_task(t, thread, result, NULL, CLOCK_REALTIME, __builtin_return_address(0));
}

int pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *until)
{
    bide_task *t = bide__unblock_task();
    if (likely(!t) || pthread_equal(thread, pthread_self()))
        return NEXT(pthread_timedjoin_np)(thread, result, until);

    return join_in_task(t, thread, result, until, CLOCK_REALTIME, __builtin_return_address(0));
}

ALSO_AS(__pthread_once, pthread_once);
