/* SPDX-License-Identifier: MIT */
/*
 * once.c - pthread_once and pthread_join, in a task.
 *
 * While a task runs the function of a pthread_once, the table of its thread has it as the owner, and other tasks of the thread wait.
 *
 * A thread is joined by asking now and then whether it has ended: no descriptor says so.  It is not ended early, for the joiner takes
 * it that the thread uses nothing of its any more.
 */
#include "unblock/lock/parked.h"

#define JOIN_MS 1
#define JOIN_MS_MAX 16 /* the time doubles up to it */

/* ---- pthread_once ---- */

static int run_once(pthread_once_t *once, void (*fn)(void), const bide_task *t)
{
    struct parked *p = bide__parked_enter(once);
    if (p) {
        p->owner = bide_task_id(t);
        p->depth = 1;
    }
    int error = NEXT(pthread_once)(once, fn);

    if (p) {
        p->depth = 0;
        bide__parked_wake(once, true);
        bide__parked_settle(p);
    }
    return error;
}

static bool is_run_by_another(const pthread_once_t *once, const bide_task *t)
{
    const struct parked *p = bide__parked_find(once);

    return p && p->depth > 0 && p->owner != bide_task_id(t);
}

/* glibc: the value that means "done", which is the whole of most calls. */
#define DONE 2

int pthread_once(pthread_once_t *once, void (*fn)(void))
{
    bide_task *t = __atomic_load_n(once, __ATOMIC_ACQUIRE) == DONE ? NULL : bide__unblock_task();
    if (likely(!t))
        return NEXT(pthread_once)(once, fn);

    while (is_run_by_another(once, t))
        bide__parked_wait(once, BIDE_FOREVER);
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

/* A thread that joins itself is libc's to refuse. */
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
